"""Numerics of the shifted-beta-geometric model of churn: likelihood, survival, and its maximum.

Each customer leaves at the end of a period with a probability of their own, and these are beta(a, b) over customers.

References
----------
Fader, P. S. and Hardie, B. G. S. (2007). How to project customer retention. Journal of Interactive Marketing 21, 76-90.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import betaln, digamma, polygamma

from crm_analytics.errors import NotEnoughDataError
from crm_analytics.stats.intervals import Floats

FAR: Final = 8.0
"""|ln a| or |ln b| beyond which a parameter is not estimated but has run away."""
_EDGE: Final = 11.0
_FINITE: Final = 300.0
"""Logs of drawn parameters stay within this, so that they and their ratio are finite numbers."""


@dataclass(frozen=True, eq=False)
class Estimated:
    """The parameters with the covariance of their logs."""

    a: float
    b: float
    covariance: Floats
    log_likelihood: float
    is_identified: bool

    def draws(self, n: int, seed: int) -> tuple[Floats, Floats]:
        """Draw a and b from the normal approximation of their logs, as columns of n rows."""
        values, vectors = np.linalg.eigh(self.covariance)
        noise = np.random.default_rng(seed).standard_normal((n, 2))
        logs = np.log([self.a, self.b]) + noise @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
        drawn = np.exp(np.clip(logs, -_FINITE, _FINITE))
        return drawn[:, :1], drawn[:, 1:]


def log_likelihood(left: Floats, kept: Floats, a: float, b: float) -> tuple[float, Floats, Floats]:
    """Give the log-likelihood of counts by age with its gradient and Hessian by a and b.

    LL = sum lost_t ln[B(a + 1, b + t - 1) / B(a, b)] + sum kept_t ln[B(a, b + t) / B(a, b)].

    Parameters
    ----------
    left, kept
        How many left at the end of period 1, 2, …, and how many were last seen after so many.
    a, b
        The parameters, both above 0.
    """
    t = np.arange(1.0, len(left) + 1)
    n = left.sum() + kept.sum()
    value = left @ betaln(a + 1, b + t - 1) + kept @ betaln(a, b + t) - n * betaln(a, b)
    both = digamma(a + b + t)  # a + 1 + b + t - 1 as well
    gradient = np.array(
        [
            left @ (digamma(a + 1) - both) + kept @ (digamma(a) - both) - n * (digamma(a) - digamma(a + b)),
            left @ (digamma(b + t - 1) - both)
            + kept @ (digamma(b + t) - both)
            - n * (digamma(b) - digamma(a + b)),
        ]
    )
    common = -((left + kept) @ polygamma(1, a + b + t)) + n * polygamma(1, a + b)
    aa = left.sum() * polygamma(1, a + 1) + kept.sum() * polygamma(1, a) - n * polygamma(1, a) + common
    bb = left @ polygamma(1, b + t - 1) + kept @ polygamma(1, b + t) - n * polygamma(1, b) + common
    return float(value), gradient, np.array([[aa, common], [common, bb]])


def survival(t: ArrayLike, a: ArrayLike, b: ArrayLike) -> Floats:
    """Give the share still there after t periods: B(a, b + t) / B(a, b).

    >>> survival([0, 1, 2], 1.0, 3.0).round(3).tolist()
    [1.0, 0.75, 0.6]
    """
    first, second = np.asarray(a, float), np.asarray(b, float)
    return np.asarray(
        np.exp(betaln(first, second + np.asarray(t, float)) - betaln(first, second)), np.float64
    )


def log_survival(periods: int, a: float, b: float) -> Floats:
    """Give the log of the share still there after 0, 1, … periods: the sum of ln[(b + i) / (a + b + i)].

    However large or small the parameters, neither overflow nor cancellation spoils it.

    >>> np.exp(log_survival(2, 1.0, 3.0)).round(3).tolist()
    [1.0, 0.75, 0.6]
    """
    steps = -np.log1p(a / (b + np.arange(periods)))
    return np.concatenate([[0.0], np.cumsum(steps)])


def estimate(left: ArrayLike, kept: ArrayLike) -> Estimated:
    """Find the parameters that make the counts most likely.

    Parameters
    ----------
    left, kept
        As in `log_likelihood`: how many left at the end of period 1, 2, …, and how many were last seen after so many.

    Raises
    ------
    NotEnoughDataError
        If nobody left, or fewer than two periods are seen.

    Examples
    --------
    The "high end" customers of Fader and Hardie (2007), seen for seven years:

    >>> found = estimate([131, 126, 90, 60, 42, 34, 26], [0, 0, 0, 0, 0, 0, 491])
    >>> round(found.a, 3), round(found.b, 3)
    (0.668, 3.806)
    """
    lost, still = np.asarray(left, float), np.asarray(kept, float)
    if lost.size < 2:  # noqa: PLR2004 two parameters
        raise NotEnoughDataError.of("periods", lost.size, 2, "Observe the contracts for longer.")
    if lost.sum() == 0:
        raise NotEnoughDataError.of("customers who left", 0, 1, "Observe the contracts for longer.")
    n = float(lost.sum() + still.sum())
    starts = (np.log([1.0, 2.0]), np.log([0.5, 5.0]), np.log([1.0, 20.0]))
    tries = [
        minimize(  # type: ignore[call-overload]  # the stubs take no options of a method
            lambda x: _downhill(lost, still, x, n)[0],
            start,
            jac=lambda x: _downhill(lost, still, x, n)[1],
            method="L-BFGS-B",
            bounds=[(-_EDGE, _EDGE)] * 2,
            options={"ftol": 1e-15, "gtol": 1e-11, "maxiter": 500},
        )
        for start in starts
    ]
    best = min(tries, key=lambda found: float(found.fun))
    return _estimated(lost, still, np.asarray(best.x, float))


def _downhill(lost: Floats, still: Floats, logs: Floats, n: float) -> tuple[float, Floats]:
    """Give minus the log-likelihood per customer and its slope by the logs of the parameters."""
    at = np.exp(logs)
    value, gradient, _ = log_likelihood(lost, still, *at)
    return -value / n, -gradient * at / n


def _estimated(lost: Floats, still: Floats, logs: Floats) -> Estimated:
    at = np.exp(logs)
    value, gradient, hessian = log_likelihood(lost, still, *at)
    curvature = -(hessian * np.outer(at, at) + np.diag(gradient * at))
    values, vectors = np.linalg.eigh(curvature)
    inside = bool((np.abs(logs) <= FAR).all() and (values > 0).all())
    inverse = np.where(values > 0, 1.0 / np.maximum(values, 1e-300), 0.0)
    covariance = (vectors * inverse) @ vectors.T if inside else np.zeros((2, 2))
    return Estimated(float(at[0]), float(at[1]), covariance, value, inside)
