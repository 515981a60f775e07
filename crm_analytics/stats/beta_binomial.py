"""Shares of small groups, drawn towards the share of all: the beta-binomial model."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, betaln, digamma, expit, polygamma

Floats = NDArray[np.float64]

_FEWEST: Final = 3
_LOW: Final = np.array([-14.0, -3.0])
_HIGH: Final = np.array([14.0, 14.0])
"""Where the mean's log-odds and the logarithm of the strength are looked for."""

_MOST_STEPS: Final = 100
_CLOSE: Final = 1e-9


class BetaPrior(NamedTuple):
    """The distribution of the groups' true shares: Beta(`a`, `b`), as strong as `a + b` observations."""

    a: float
    b: float


def fit_prior(successes: ArrayLike, n: ArrayLike) -> BetaPrior | None:
    """Fit the distribution of true shares over groups by maximum likelihood.

    Parameters
    ----------
    successes, n
        Counts by group.

    Returns
    -------
    BetaPrior or None
        None with fewer than three groups with members, or where no one or everyone succeeded.

    References
    ----------
    Skellam, J. G. (1948). A probability distribution derived from the binomial distribution by regarding the
    probability of success as variable between the sets of trials. Journal of the Royal Statistical Society B 10.

    Examples
    --------
    >>> prior = fit_prior([2, 30, 5, 12], [10, 100, 50, 40])
    >>> round(prior.a / (prior.a + prior.b), 2)
    0.23
    """
    k, m = np.asarray(successes, float), np.asarray(n, float)
    k, m = k[m > 0], m[m > 0]
    if k.size < _FEWEST or k.sum() in (0, m.sum()):
        return None
    share = k.sum() / m.sum()
    a, b = _shape(_fitted(np.array([np.log(share / (1 - share)), np.log(20.0)]), k, m))
    return BetaPrior(a, b)


def shrunk(
    successes: ArrayLike, n: ArrayLike, prior: BetaPrior, *, level: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Give the expected true share of each group with its credible interval.

    >>> value, lower, upper = shrunk([0, 30], [2, 100], BetaPrior(20, 80))
    >>> value.round(3).tolist(), lower.round(3).tolist(), upper.round(3).tolist()
    ([0.196, 0.25], [0.125, 0.193], [0.278, 0.312])
    """
    k, m = np.asarray(successes, float), np.asarray(n, float)
    a, b = prior.a + k, prior.b + m - k
    value = a / (a + b)
    tail = (1 - level) / 2
    lower, upper = betaincinv(a, b, tail), betaincinv(a, b, 1 - tail)
    return value, np.minimum(lower, value), np.maximum(upper, value)


def _fitted(theta: Floats, k: Floats, m: Floats) -> Floats:
    """Climb to the maximum by Newton's method, within bounds and in steps that do not lower the likelihood."""
    theta = np.clip(theta, _LOW, _HIGH)
    now = _log_likelihood(theta, k, m)
    for _ in range(_MOST_STEPS):
        slope, bend = _derivatives(theta, k, m)
        free = ~(((theta <= _LOW) & (slope < 0)) | ((theta >= _HIGH) & (slope > 0)))
        step = np.zeros(2)
        if free.any():
            step[free] = _uphill(slope[free], bend[np.ix_(free, free)])
        after = np.clip(theta + step, _LOW, _HIGH)
        while (then := _log_likelihood(after, k, m)) < now and float(np.abs(after - theta).max()) > _CLOSE:
            after = (theta + after) / 2
        if then <= now or float(np.abs(after - theta).max()) < _CLOSE:
            break
        theta, now = after, then
    return theta


def _uphill(slope: Floats, bend: Floats) -> Floats:
    """Give Newton's step, turned uphill where the surface bends the other way, and none too long."""
    sizes, axes = np.linalg.eigh(bend)
    step = axes @ ((axes.T @ slope) / np.maximum(np.abs(sizes), _CLOSE))
    return np.asarray(step / max(1.0, float(np.abs(step).max()) / 2))


def _shape(theta: Floats) -> tuple[float, float]:
    mean, strength = float(expit(theta[0])), float(np.exp(theta[1]))
    return mean * strength, (1 - mean) * strength


def _log_likelihood(theta: Floats, k: Floats, m: Floats) -> float:
    a, b = _shape(theta)
    return float(np.sum(betaln(a + k, b + m - k) - betaln(a, b)))


def _derivatives(theta: Floats, k: Floats, m: Floats) -> tuple[Floats, Floats]:
    """Give the first and second derivatives by the mean's log-odds and the logarithm of the strength."""
    a, b = _shape(theta)
    mean = a / (a + b)
    both = float(np.sum(digamma(a + b) - digamma(a + b + m)))
    by_a = float(np.sum(digamma(a + k) - digamma(a))) + both
    by_b = float(np.sum(digamma(b + m - k) - digamma(b))) + both
    ab = float(np.sum(polygamma(1, a + b) - polygamma(1, a + b + m)))
    aa = float(np.sum(polygamma(1, a + k) - polygamma(1, a))) + ab
    bb = float(np.sum(polygamma(1, b + m - k) - polygamma(1, b))) + ab
    turn = np.array([[a * (1 - mean), a], [-a * (1 - mean), b]])  # of a and b by the two
    slope = turn.T @ np.array([by_a, by_b])
    bend = turn.T @ np.array([[aa, ab], [ab, bb]]) @ turn
    bend += np.array([[slope[0] * (1 - 2 * mean), slope[0]], [slope[0], slope[1]]])
    return slope, bend
