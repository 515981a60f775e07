"""Shares of small groups, drawn towards the share of all: the beta-binomial model."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import betaincinv, betaln, expit

Floats = NDArray[np.float64]

_FEWEST: Final = 3
_LOG_STRENGTHS: Final = (-3.0, 14.0)
_LOGITS: Final = (-14.0, 14.0)


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
    begin = [float(np.log(share / (1 - share))), float(np.log(20.0))]
    found = minimize(_loss, begin, args=(k, m), method="L-BFGS-B", bounds=[_LOGITS, _LOG_STRENGTHS])
    mean, strength = float(expit(found.x[0])), float(np.exp(found.x[1]))
    return BetaPrior(mean * strength, (1 - mean) * strength)


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


def _loss(theta: Floats, k: Floats, m: Floats) -> float:
    mean, strength = expit(theta[0]), np.exp(theta[1])
    a, b = mean * strength, (1 - mean) * strength
    return -float(np.sum(betaln(a + k, b + m - k) - betaln(a, b)))
