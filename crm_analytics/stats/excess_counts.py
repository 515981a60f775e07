"""Counts beyond what their own history makes likely: the latest count against those before it, overdispersion allowed for."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from crm_analytics.stats.intervals import Floats, poisson_count

_MOST: Final = 10_000_000
_FEWEST: Final = 3  # of the past, to tell scatter by


class Excess(NamedTuple):
    """The latest count: what was expected, the interval of that, how surprising it is, and how wide counts scatter.

    `scatter` is how many times as wide as chance alone the counts of the past scatter, 1 or more: the root of Pearson's
    chi-square over its degrees of freedom.
    """

    expected: float
    expected_lower: float
    expected_upper: float
    p_value: float
    scatter: float


def excess(counts: ArrayLike, exposures: ArrayLike) -> Excess:
    """Judge the last count against all before it.

    Parameters
    ----------
    counts
        Counts by period, in order of time; the last is judged.
    exposures
        What gave rise to them: days, orders. Above 0.

    Returns
    -------
    Excess
        The p-value is that of so many or more: given the sum of both, the latest count is binomial where nothing changed,
        so that the uncertainty of the past counts too. Where counts scatter more than Poisson's, all are divided by the
        square of the scatter before, and since a short past does not tell the scatter well, the tail is Student's with as
        many degrees of freedom as there are past periods less one, in place of the normal one.

    References
    ----------
    Przyborowski, J. and Wilenski, H. (1940). Homogeneity of results in testing samples from Poisson series. Biometrika 31,
    313-323. McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd edition, section 6.2.3.

    Examples
    --------
    >>> found = excess([5, 5, 5, 5, 15], [1, 1, 1, 1, 1])
    >>> found.expected, found.p_value < 0.01
    (5.0, True)
    """
    x, e = np.asarray(counts, float), np.asarray(exposures, float)
    past, before = x[:-1], e[:-1]
    rate = float(past.sum() / before.sum())
    size = _overdispersion(past, rate * before)
    lower, upper = poisson_count(past.sum() / size)
    reach = float(e[-1] / before.sum()) * size
    p = _tail(float(x[-1]), _Past(float(past.sum()), float(before.sum()), float(e[-1]), size, len(past) - 1))
    return Excess(rate * float(e[-1]), float(lower) * reach, float(upper) * reach, p, float(np.sqrt(size)))


class _Past(NamedTuple):
    """Sum and exposure of the counts before, exposure now, how much the counts scatter, degrees of freedom of that."""

    total: float
    before: float
    now: float
    size: float
    freedom: int


def _overdispersion(past: Floats, expected: Floats) -> float:
    if past.size < _FEWEST or not past.sum():
        return 1.0
    return max(float(((past - expected) ** 2 / expected).sum()) / (past.size - 1), 1.0)


def limit(counts: ArrayLike, exposures: ArrayLike, p_value: float) -> int:
    """Give the smallest count that would be as surprising as `p_value` in the place of the last one.

    >>> limit([5, 5, 5, 5, 15], [1, 1, 1, 1, 1], 0.01)
    13
    """
    x, e = np.asarray(counts, float), np.asarray(exposures, float)
    past = _Past(
        float(x[:-1].sum()), float(e[:-1].sum()), float(e[-1]), excess(x, e).scatter ** 2, len(x) - 2
    )
    low, high = 0, 1
    while _tail(high, past) > p_value and high < _MOST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _tail(middle, past) > p_value else (low, middle)
    return high


def _tail(count: float, past: _Past) -> float:
    """Give the chance of so many or more: a binomial tail as an incomplete beta, which takes divided counts too."""
    if count <= 0:
        return 1.0
    share = past.now / (past.now + past.before)
    p = float(special.betainc(count / past.size, past.total / past.size + 1, share))
    return p if past.size <= 1 else float(special.stdtr(past.freedom, special.ndtri(p)))


def rates(counts: ArrayLike, exposures: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Give counts per exposure with their Poisson intervals; NaN where there is no exposure.

    >>> [x.round(2).tolist() for x in rates([10], [5])]
    [[2.0], [0.96], [3.68]]
    """
    x, e = np.asarray(counts, float), np.asarray(exposures, float)
    lower, upper = poisson_count(x)
    base = np.where(e > 0, e, np.nan)
    return x / base, lower / base, upper / base
