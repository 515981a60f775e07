"""The way to and from lifetimes: it stands in `crm_analytics.compat.lifetimes`, above this room, and is looked up when called."""

from __future__ import annotations

from typing import Any

from crm_analytics.clv.bridge import bridge
from crm_analytics.clv.models.fit import Fit


def from_lifetimes(fitter: Any, *, time_unit: str | None = None) -> Fit:  # noqa: ANN401 any fitter, known by its name
    """Take a fitted fitter of lifetimes as a native fit, with its parameters as they are.

    Parameters
    ----------
    fitter
        A fitted `BetaGeoFitter`, `ModifiedBetaGeoFitter`, `ParetoNBDFitter`, `GammaGammaFitter` or
        `BetaGeoBetaBinomFitter`, of lifetimes or of `crm_analytics.compat.lifetimes`. lifetimes need not be installed.
    time_unit
        Unit of its recency and T ("day", "week" …), which lifetimes does not know; needed for discounting.

    Raises
    ------
    OptionError
        If it is no such fitter, or not fitted.
    """
    fit: Fit = bridge().from_lifetimes(fitter, time_unit=time_unit)
    return fit


def to_lifetimes(fit: Fit) -> Any:  # noqa: ANN401 a fitter with lifetimes' names
    """Give a fit as a fitter with the names of lifetimes, ready to predict; it needs pandas.

    Raises
    ------
    OptionError
        If lifetimes has no such model.
    MissingPackageError
        If pandas is not installed.
    """
    return fit.to_lifetimes()
