"""Fits of lifetimes taken in without fitting again, and our fits given out as fitters with lifetimes' names.

This stands above `crm_analytics.clv`, which knows nothing of it: imports in the library point one way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import polars as pl

from crm_analytics.clv import BetaGeo, BetaGeoBetaBinomial, GammaGamma, ModifiedBetaGeo, ParetoNBD
from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.fit import Certificate, Fit
from crm_analytics.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crm_analytics.compat.lifetimes.fitters.base_fitter import BaseFitter

AnyFit = TypeVar("AnyFit", bound=Fit)

MODELS: Final[Mapping[str, type[Fit]]] = {
    "BetaGeoFitter": BetaGeo,
    "ModifiedBetaGeoFitter": ModifiedBetaGeo,
    "ParetoNBDFitter": ParetoNBD,
    "GammaGammaFitter": GammaGamma,
    "BetaGeoBetaBinomFitter": BetaGeoBetaBinomial,
}
"""Our models by the names of lifetimes' fitters."""


def native(model: type[AnyFit], values: Sequence[float]) -> AnyFit:
    """Give a fit that holds parameters and nothing else, to predict with."""
    return _made(model, dict(zip(model.names, values, strict=True)))


def predictor(fitter: Any) -> Fit:
    """Give a fit that holds the parameters of any fitter, to predict with.

    Raises
    ------
    OptionError
        If it is no fitter of lifetimes or of this package, or not fitted.
    """
    model = _model_of(fitter)
    return native(model, list(_values(fitter, model).values()))


def from_lifetimes(fitter: Any, *, time_unit: str | None = None) -> Fit:
    """Take a fitted fitter of lifetimes, or of this package, as a native fit, with its parameters as they are.

    lifetimes is not imported: what counts is the fitter's class name, `params_` and, where they are there, `data` and
    `variance_matrix_`.

    Parameters
    ----------
    fitter
        A fitted fitter.
    time_unit
        Unit of its recency and T ("day", "week" …), which lifetimes does not know; needed for discounting.

    Returns
    -------
    Fit
        `log_likelihood` is that of the fitter's data at its parameters, NaN-free: without data it is minus infinity.
        Standard errors are the fitter's.

    Raises
    ------
    OptionError
        If it is no such fitter, or not fitted.

    Examples
    --------
    >>> from crm_analytics.compat.lifetimes import BetaGeoFitter
    >>> fitter = BetaGeoFitter()
    >>> fitter.params_ = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    >>> round(from_lifetimes(fitter).expected_of_new_customer(39), 4)
    1.1967
    """
    model = _model_of(fitter)
    params = getattr(fitter, "params_", None)
    if params is None:
        raise OptionError(
            "The fitter is not fitted.", "Expected a fitter with params_.", "Call its fit first."
        )
    values = {name: float(params[name]) for name in model.names}
    data = getattr(fitter, "data", None)
    summary = None if data is None or not hasattr(data, "columns") else _summary(data, model)
    return _made(
        model, values, summary=summary, errors=_log_covariance(fitter, model, values), time_unit=time_unit
    )


def to_lifetimes(fit: Fit) -> BaseFitter:
    """Give a native fit as the fitter that bears its name in lifetimes, ready to predict.

    Returns
    -------
    BaseFitter
        With `params_`, `variance_matrix_` and its kin; `data` is None, as a native fit keeps no customers.

    Raises
    ------
    OptionError
        If lifetimes has no such model.
    """
    from crm_analytics.compat.lifetimes import fitters  # noqa: PLC0415 the fitters themselves predict through this module
    from crm_analytics.compat.lifetimes.borders import pandas  # noqa: PLC0415

    name = next((n for n, model in MODELS.items() if type(fit) is model), None)
    if name is None:
        raise OptionError(
            f"lifetimes has no model like {type(fit).__name__}.",
            f"Expected one of {', '.join(m.__name__ for m in MODELS.values())}.",
        )
    fitter: BaseFitter = getattr(fitters, name)()
    fitter.params_ = pandas().Series(dict(fit.params), index=list(fit.names))
    fitter.data = None
    # the covariance is on the scale of the search: bring it to the parameters
    theta = fit._theta(np.array(fit.values()))  # noqa: SLF001 the scale is the fit's own
    jacobian = fit._jacobian(theta)  # noqa: SLF001
    variance = jacobian @ np.array(fit.covariance) @ jacobian.T
    unknown = np.array([fit.standard_errors[n] is None for n in fit.names])
    variance[unknown, unknown] = np.inf
    fitter._set_errors(variance)  # noqa: SLF001
    return fitter


def _model_of(fitter: object) -> type[Fit]:
    names = [c.__name__ for c in type(fitter).__mro__]
    name = next((n for n in names if n in MODELS), None)
    if name is None:
        raise OptionError(
            f"{type(fitter).__name__} is no fitter that is known.",
            f"Expected one of {', '.join(MODELS)}.",
        )
    return MODELS[name]


def _values(fitter: Any, model: type[Fit]) -> dict[str, float]:
    params = getattr(fitter, "params_", None)
    if params is None:
        raise OptionError(
            "The fitter is not fitted.", "Expected a fitter with params_.", "Call its fit first."
        )
    return {name: float(params[name]) for name in model.names}


def _summary(data: Any, model: type[Fit]) -> pl.DataFrame:
    wanted = {
        GammaGamma: ("frequency", "monetary_value"),
        BetaGeoBetaBinomial: ("frequency", "recency", "n_periods"),
    }.get(model, ("frequency", "recency", "T"))
    columns = {name: np.asarray(data[name], float) for name in wanted}
    weight = np.asarray(data["weights"], float) if "weights" in data.columns else np.ones(len(data))
    return pl.DataFrame({**columns, "weight": weight})


def _log_covariance(fitter: Any, model: type[Fit], params: Mapping[str, float]) -> Floats | None:
    """Give the fitter's variance matrix on the scale of the native search; lifetimes' own holds only on its diagonal."""
    hessian, data = getattr(fitter, "_hessian_", None), getattr(fitter, "data", None)
    if hessian is None or data is None:
        return None
    weights = np.asarray(data["weights"], float)
    total = weights.mean() if model is ParetoNBD else weights.sum()  # what the loss was divided by
    values = np.array([params[n] for n in model.names])
    logs = np.linalg.pinv(np.asarray(hessian, float) * total, hermitian=True)
    jacobian = np.linalg.inv(model._jacobian(model._theta(values))) * values[None, :]  # noqa: SLF001 the scale is the fit's own
    return np.asarray(jacobian @ logs @ jacobian.T, float)


def _made(
    model: type[AnyFit],
    params: Mapping[str, float],
    *,
    summary: pl.DataFrame | None = None,
    errors: Floats | None = None,
    time_unit: str | None = None,
) -> AnyFit:
    names = model.names
    values = np.array([params[n] for n in names])
    spread: list[float | None] = [None] * len(names)
    if errors is not None:
        jacobian = model._jacobian(model._theta(values))  # noqa: SLF001 the scale is the fit's own
        spread = [float(v) for v in np.sqrt(np.maximum(np.diag(jacobian @ errors @ jacobian.T), 0.0))]
    factor = [
        None if s is None else float(np.exp(1.959963984540054 * s / v))
        for s, v in zip(spread, values, strict=True)
    ]
    return model(
        params=dict(params),
        standard_errors=dict(zip(names, spread, strict=True)),
        lower={n: None if f is None else params[n] / f for n, f in zip(names, factor, strict=True)},
        upper={n: None if f is None else params[n] * f for n, f in zip(names, factor, strict=True)},
        log_likelihood=_log_likelihood(model, values, summary),
        n_customers=1.0 if summary is None else float(summary["weight"].sum()),
        certificate=Certificate(True, 0.0, (), 0, 0),
        diagnosis=(),
        covariance=tuple(
            tuple(float(c) for c in row)
            for row in (np.zeros((len(names),) * 2) if errors is None else errors)
        ),
        time_unit=time_unit,
    )


def _log_likelihood(model: type[Fit], values: Floats, summary: pl.DataFrame | None) -> float:
    from crm_analytics.compat.lifetimes import fitters  # noqa: PLC0415 the fitters themselves predict through this module

    if summary is None:
        return float("-inf")
    fitter: Any = getattr(fitters, next(n for n, m in MODELS.items() if m is model))
    theta = values if model is ParetoNBD else np.log(values)
    columns = [summary[c].to_numpy() for c in summary.columns]
    weight = summary["weight"].to_numpy()
    size = weight.mean() if model is ParetoNBD else weight.sum()
    return -float(fitter._negative_log_likelihood(theta, *columns, 0.0)) * float(size)  # noqa: SLF001 lifetimes' name of it
