"""lifetimes 0.11.3 under its old names: changing the import line is the migration.

    from lifetimes import BetaGeoFitter                          # before
    from crm_analytics.compat.lifetimes import BetaGeoFitter     # after

Same arguments, attributes and figures, pandas in and out; right where lifetimes is wrong. `docs/coming-from-lifetimes.md`
says what differs and shows the native form of each task.
"""

from __future__ import annotations

from crm_analytics.compat.lifetimes import generate_data, utils
from crm_analytics.compat.lifetimes.bridge import from_lifetimes, to_lifetimes
from crm_analytics.compat.lifetimes.fitters import (
    BaseFitter,
    BetaGeoBetaBinomFitter,
    BetaGeoFitter,
    GammaGammaFitter,
    ModifiedBetaGeoFitter,
    ParetoNBDFitter,
)

__version__ = "0.11.3"
"""The version of lifetimes whose interface this is."""

__all__ = [
    "BaseFitter",
    "BetaGeoBetaBinomFitter",
    "BetaGeoFitter",
    "GammaGammaFitter",
    "ModifiedBetaGeoFitter",
    "ParetoNBDFitter",
    "__version__",
    "from_lifetimes",
    "generate_data",
    "to_lifetimes",
    "utils",
]
