"""Counts beyond what their own history makes likely: the latest count against those before it, overdispersion allowed for."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from crm_analytics.stats.control_chart import control_chart
from crm_analytics.stats.intervals import Floats, poisson_count

_MOST: Final = 10_000_000


class Excess(NamedTuple):
    """The latest count: what was expected, the interval of that, how surprising it is, and how wide counts scatter.

    `scatter` is how many times as wide as chance alone the counts of the past scatter (Laney's sigma z), 1 or more.
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
        square of Laney's sigma z before.

    References
    ----------
    Przyborowski, J. and Wilenski, H. (1940). Homogeneity of results in testing samples from Poisson series. Biometrika 31,
    313-323. Laney, D. B. (2002). Improved control charts for attributes. Quality Engineering 14, 531-537.

    Examples
    --------
    >>> found = excess([5, 5, 5, 5, 15], [1, 1, 1, 1, 1])
    >>> found.expected, found.p_value < 0.01
    (5.0, True)
    """
    x, e = np.asarray(counts, float), np.asarray(exposures, float)
    past, before = x[:-1], e[:-1]
    rate = float(past.sum() / before.sum())
    chart = control_chart(past / before, before, rate, (0.0, np.inf))
    size = chart.scatter**2
    lower, upper = poisson_count(past.sum() / size)
    reach = float(e[-1] / before.sum()) * size
    p = _tail(float(x[-1]), float(past.sum()), float(e[-1]), float(before.sum()), size)
    return Excess(rate * float(e[-1]), float(lower) * reach, float(upper) * reach, p, chart.scatter)


def limit(counts: ArrayLike, exposures: ArrayLike, p_value: float) -> int:
    """Give the smallest count that would be as surprising as `p_value` in the place of the last one.

    >>> limit([5, 5, 5, 5, 15], [1, 1, 1, 1, 1], 0.01)
    13
    """
    x, e = np.asarray(counts, float), np.asarray(exposures, float)
    size = excess(x, e).scatter ** 2
    past, now, before = float(x[:-1].sum()), float(e[-1]), float(e[:-1].sum())
    low, high = 0, 1
    while _tail(high, past, now, before, size) > p_value and high < _MOST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _tail(middle, past, now, before, size) > p_value else (low, middle)
    return high


def _tail(count: float, past: float, now: float, before: float, size: float) -> float:
    """Give the chance of so many or more: a binomial tail as an incomplete beta, which takes divided counts too."""
    if count <= 0:
        return 1.0
    return float(special.betainc(count / size, past / size + 1, now / (now + before)))


def rates(counts: ArrayLike, exposures: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Give counts per exposure with their Poisson intervals; NaN where there is no exposure.

    >>> [x.round(2).tolist() for x in rates([10], [5])]
    [[2.0], [0.96], [3.68]]
    """
    x, e = np.asarray(counts, float), np.asarray(exposures, float)
    lower, upper = poisson_count(x)
    base = np.where(e > 0, e, np.nan)
    return x / base, lower / base, upper / base
