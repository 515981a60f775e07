"""The maximum that lifetimes looks for, found by Newton's method on the likelihoods of `crm_analytics.clv`.

lifetimes minimises the mean negative log-likelihood of time scaled to a largest T of 1, plus `penalizer_coef` times the
sum of the squared parameters in that scale (for Pareto/NBD: the sum over the rows divided by the mean weight). What is
maximised here is the same thing times the number of customers, so the place of the maximum is theirs exactly.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.clv.likelihoods.geometric import log_likelihood as geometric
from crm_analytics.clv.likelihoods.newton import Optimum, maximise
from crm_analytics.clv.likelihoods.pareto import Likelihood as ParetoLikelihood
from crm_analytics.clv.likelihoods.rows import Distinct, Rows
from crm_analytics.compat.lifetimes.borders import Floats, outside
from crm_analytics.errors import CrmError, StatisticalWarning

BOUND: Final = 13.0
FAR: Final = 9.0
"""From here on (a factor of 8,000) a parameter in scaled time is said to have run away."""

FLAT: Final = 0.01
"""Curvature in the logs below which a penalty does not hold a parameter."""

SUBSAMPLE: Final = 20_000

Likelihood = Callable[[Floats], tuple[float, Floats, Floats]]
"""Parameters in scaled time -> (log-likelihood, gradient, Hessian)."""


class ConvergenceError(CrmError, ValueError):
    """The data do not lead to an estimate."""

    code = "convergence"


@dataclass(frozen=True, eq=False)
class Found:
    """Where the search ended.

    Attributes
    ----------
    params
        In scaled time, as the penalty sees them.
    loss
        What lifetimes calls `_negative_log_likelihood_`: the mean per customer, with the penalty.
    hessian
        Of the loss in the logs of the parameters, as lifetimes keeps it.
    curvature
        Of the sum in the logs: its inverse is the variance of the logs.
    """

    params: Floats
    loss: float
    hessian: Floats
    curvature: Floats
    free: tuple[bool, ...]


def rows(frequency: Floats, recency: Floats, age: Floats, weights: Floats, scale: float) -> Rows:
    """Group identical histories, in time multiplied by `scale`."""
    grouped = (
        pl.DataFrame({"x": frequency, "t": recency, "T": age, "w": weights.astype(float)})
        .group_by("x", "t", "T")
        .agg(pl.col("w").sum())
        .sort("x", "T", "t")
    )
    x, t, old, w = (np.ascontiguousarray(grouped[c].to_numpy()) for c in grouped.columns)
    return Rows.of(Distinct.of(x), Distinct.of(t * scale), Distinct.of(old * scale), w, 1 / scale)


def geometric_of(data: Rows, shift: int) -> Likelihood:
    """Give the likelihood of BG/NBD (shift 0) or MBG/NBD (shift 1) of the rows."""
    return lambda p: geometric(data, *(float(v) for v in p), s=shift)


def pareto_of(data: Rows) -> Likelihood:
    """Give the likelihood of Pareto/NBD of the rows."""
    return ParetoLikelihood(data)


def search(
    likelihood: Likelihood,
    starts: Sequence[Sequence[float]],
    *,
    names: Sequence[str],
    total: float,
    penalizer: float,
    units: Sequence[float] | None = None,
    fixed: Sequence[bool] | None = None,
    more: Sequence[Sequence[float]] = (),
    final: bool = True,
) -> Found:
    """Maximise log-likelihood - total * penalizer * sum of squared parameters.

    Parameters
    ----------
    likelihood
        Of the parameters in the scale of the search.
    starts
        Points to begin from, positive parameters in the scale of the search.
    names
        Of the parameters, for the warning.
    total
        What the loss is divided by.
    penalizer
        `penalizer_coef`.
    units
        Size of one unit of each parameter in the scale in which the penalty sees it; 1 unless said.
    fixed
        Parameters that stay at the (first) start.
    more
        Points to begin from where the first ones lead to the edge of the range, or nowhere.
    final
        Whether a bad end is said; otherwise the point is only one to go on from.

    Raises
    ------
    ConvergenceError
        If no maximum is reached.
    """
    size = np.ones(len(names)) if units is None else np.asarray(units, float)
    free = np.ones(len(names), bool) if fixed is None else ~np.asarray(fixed)
    held = np.log(np.asarray(starts[0], float))

    def objective(some: Floats) -> tuple[float, Floats, Floats]:
        theta = held.copy()
        theta[free] = some
        value, gradient, hessian = penalised(likelihood, theta, total * penalizer, size)
        return value, gradient[free], hessian[np.ix_(free, free)]

    def climb(points: Sequence[Sequence[float]]) -> Optimum:
        begin = [np.log(np.asarray(p, float))[free] for p in points]
        return maximise(objective, begin, bound=BOUND, far=FAR if penalizer == 0 else np.inf, n=total)

    best = climb(starts)
    if more and (not best.converged or (np.abs(best.theta) > FAR).any()):
        best = max((best, climb(more)), key=lambda found: found.value)
    theta = held.copy()
    theta[free] = best.theta
    if final:
        _judge(best, theta, names, penalizer)
    curvature = np.zeros((len(names), len(names)))
    curvature[np.ix_(free, free)] = -best.hessian
    return Found(
        np.exp(theta) * size, -best.value / total, curvature / total, curvature, tuple(bool(f) for f in free)
    )


def penalised(
    likelihood: Likelihood, theta: Floats, strength: float, units: Floats
) -> tuple[float, Floats, Floats]:
    """Give the penalised log-likelihood with its derivatives in the logs of the parameters."""
    params = np.exp(theta)
    value, gradient, hessian = likelihood(params)
    squares = (params * units) ** 2
    slope = gradient * params
    return (
        value - strength * float(squares.sum()),
        slope - 2 * strength * squares,
        hessian * np.outer(params, params) + np.diag(slope) - np.diag(4 * strength * squares),
    )


def log_variance(found: Found) -> Floats:
    """Give the variance of the logs of the parameters; infinite where the data say nothing of one."""
    free = np.array(found.free)
    variance = np.zeros_like(found.curvature)
    values, vectors = np.linalg.eigh(found.curvature[np.ix_(free, free)])
    solid = values > 1e-10 * max(float(values.max()), 1e-300)
    inner = (vectors[:, solid] / values[solid]) @ vectors[:, solid].T
    unknown = (np.abs(vectors[:, ~solid]) > 1e-6).any(axis=1)  # noqa: PLR2004 takes part in a flat direction
    inner[unknown, unknown] = np.inf
    variance[np.ix_(free, free)] = inner
    return variance


def _judge(best: Optimum, theta: Floats, names: Sequence[str], penalizer: float) -> None:
    if not best.converged:
        raise ConvergenceError(
            "The search did not reach a maximum.",
            "Expected data that tell the parameters apart.",
            "Look for outliers, or use a model of crm_analytics.clv, whose diagnosis says what is not known.",
        )
    away = [n for n, v in zip(names, theta, strict=True) if abs(v) > FAR]
    held = penalizer > 0 and min(best.eigenvalues) > FLAT and not any(best.at_bound)
    if away and not held:
        warnings.warn(
            f"{' and '.join(away)} ran to the edge of the range: the data do not settle {'them' if len(away) > 1 else 'it'}. "
            "Predictions hold, the figures themselves mean little. The native fit names the reason: "
            "clv.BetaGeo.fit(...).diagnosis and the like.",
            StatisticalWarning,
            stacklevel=outside(),
        )
