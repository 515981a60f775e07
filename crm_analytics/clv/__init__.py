"""Customer-base models: what customers will buy, and what that is worth.

>>> import polars as pl
>>> from crm_analytics import clv
>>> summary = pl.DataFrame({"frequency": [0, 2, 5], "recency": [0.0, 8.0, 20.0], "T": [30.0, 30.0, 25.0]})
>>> fit = clv.BetaGeo.fit(summary, penalty=1.0)
>>> fit.predict(summary, horizon=10).columns
['p_alive', 'expected_purchases']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from crm_analytics.aggregates.contracts import contract_counts
from crm_analytics.clv.forecasts.counts import probability_of_purchases, purchase_probabilities
from crm_analytics.clv.forecasts.history import alive_history
from crm_analytics.clv.forecasts.simulate import simulate
from crm_analytics.clv.forecasts.waiting import probability_of_return, time_to_next
from crm_analytics.clv.forecasts.what_if import what_if_purchase
from crm_analytics.clv.lifetimes_names import from_lifetimes, to_lifetimes
from crm_analytics.clv.models.beta_geo import BetaGeo
from crm_analytics.clv.models.beta_geo_beta_binomial import BetaGeoBetaBinomial
from crm_analytics.clv.models.compare import Comparison, compare
from crm_analytics.clv.models.covariates import fit_with_covariates
from crm_analytics.clv.models.erlang import BetaGeoErlang, ModifiedBetaGeoErlang
from crm_analytics.clv.models.gamma_gamma import GammaGamma
from crm_analytics.clv.models.modified_beta_geo import ModifiedBetaGeo
from crm_analytics.clv.models.pareto_nbd import ParetoNBD
from crm_analytics.clv.models.shifted_beta_geometric import ShiftedBetaGeometric
from crm_analytics.clv.saving import from_json, load, save, to_json
from crm_analytics.clv.seasonality import Seasonality
from crm_analytics.clv.summary import summarise

if TYPE_CHECKING:
    from crm_analytics.clv.buying import buying_patterns as buying_patterns
    from crm_analytics.clv.economics import retention_economics as retention_economics
    from crm_analytics.clv.validation import clv_validation as clv_validation
    from crm_analytics.clv.value import lifetime_value as lifetime_value

__all__ = [
    "BetaGeo",
    "BetaGeoBetaBinomial",
    "BetaGeoErlang",
    "Comparison",
    "GammaGamma",
    "ModifiedBetaGeo",
    "ModifiedBetaGeoErlang",
    "ParetoNBD",
    "Seasonality",
    "ShiftedBetaGeometric",
    "alive_history",
    "compare",
    "contract_counts",
    "fit_with_covariates",
    "from_json",
    "from_lifetimes",
    "load",
    "probability_of_purchases",
    "probability_of_return",
    "purchase_probabilities",
    "save",
    "simulate",
    "summarise",
    "time_to_next",
    "to_json",
    "to_lifetimes",
    "what_if_purchase",
]

_ROOMS: Final = {
    "buying_patterns": "buying",
    "clv_validation": "validation",
    "lifetime_value": "value",
    "retention_economics": "economics",
}
"""The analyses, each in a room of its own, loaded when asked for."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 as wide as the room
    room = _ROOMS.get(name)
    if room is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{room}"), name)
