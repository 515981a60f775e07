"""Intervals in closed form: for a share, a mean, a count and a median.

Each says how far a figure could lie from what another set of customers of the same kind would have shown.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm_analytics.errors import OptionError

Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A figure with the two ends of its interval."""

    value: float
    lower: float
    upper: float


def z_value(level: float) -> float:
    """Give the normal quantile of a two-sided interval.

    >>> round(z_value(0.95), 4)
    1.96
    """
    if not 0 < level < 1:
        raise OptionError.out_of_range("level", level, "a number between 0 and 1, 0.95 as a rule")
    return NormalDist().inv_cdf(0.5 + level / 2)


def wilson(successes: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Give Wilson's score interval of shares `successes / n`.

    Unlike the textbook interval it stays in [0, 1] and holds its level for small `n` and for shares near 0 and 1.
    Where `n` is 0 it is the whole of [0, 1]: nothing is known.

    Parameters
    ----------
    successes, n
        Counts, one or many; `0 <= successes <= n`.
    level
        Confidence level.

    Returns
    -------
    tuple of arrays
        Lower and upper ends.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the
    American Statistical Association 22, 209-212.

    Examples
    --------
    >>> lower, upper = wilson([0, 5, 10], 10)
    >>> lower.round(3).tolist(), upper.round(3).tolist()
    ([0.0, 0.237, 0.722], [0.278, 0.763, 1.0])
    """
    hits, sizes = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    z2 = z_value(level) ** 2
    misses = sizes - hits
    spread = np.sqrt(z2) * np.sqrt(hits * misses / np.maximum(sizes, 1) + z2 / 4)
    middle = hits + z2 / 2
    lower = np.where(hits == 0, 0.0, (middle - spread) / (sizes + z2))
    upper = np.where(misses == 0, 1.0, (middle + spread) / (sizes + z2))
    return lower, upper


def clustered_share(hits: ArrayLike, sizes: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Give a share of units that come in clusters (gaps of customers), `sum(hits) / sum(sizes)`, with its interval.

    Units of one cluster are alike, so they tell less than as many of different clusters: the interval is Wilson's for the
    number of independent units that would scatter as much as the clusters do. Where nothing scatters, that number is the
    clusters' worth as equals (Kish).

    Parameters
    ----------
    hits, sizes
        Of each cluster: units that count, and all units; at least one unit in all.
    level
        Confidence level.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd edition, section 3.12 (variance of a share in clusters). Korn, E. L. and
    Graubard, B. I. (1998). Survey Methodology 24, 193-201 (interval by the effective number).

    Examples
    --------
    Ten gaps of each of four customers, all short or all long, tell less than four gaps would:

    >>> found = clustered_share([10, 10, 0, 0], [10, 10, 10, 10])
    >>> found.value, round(found.lower, 2), round(found.upper, 2)
    (0.5, 0.13, 0.87)
    """
    y, m = np.asarray(hits, float), np.asarray(sizes, float)
    n, total = m.size, float(m.sum())
    share = float(y.sum()) / total
    squares = float(((y - share * m) ** 2).sum()) * n / max(n - 1, 1)
    even = total**2 / float((m**2).sum())
    worth = share * (1 - share) * total**2 / squares if squares > 0 and n > 1 else even
    worth = min(worth, total)
    lower, upper = wilson(share * worth, worth, level=level)
    return Estimate(share, min(float(lower), share), max(float(upper), share))


def mean_interval(values: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Give a mean with its normal interval, `mean ± z s / sqrt(n)`.

    Not for money of few customers: where a handful of values make the sum, take
    `crm_analytics.stats.bootstrap.mean_interval`.

    >>> [round(x, 3) for x in mean_interval([1, 2, 3, 4, 5])]
    [3.0, 1.614, 4.386]
    """
    x = _finite(values)
    if x.size < 2:  # noqa: PLR2004 one value has no spread
        return Estimate(float(x.mean()), -math.inf, math.inf)
    half = z_value(level) * float(x.std(ddof=1)) / math.sqrt(x.size)
    mean = float(x.mean())
    return Estimate(mean, mean - half, mean + half)


def poisson_count(count: ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Give the interval of a Poisson count: what the count would be on average.

    Byar's approximation of the exact interval, through the cube-root normal approximation of chi-square; within 1%
    of exact from a count of 2 on, and never below 0.

    References
    ----------
    Breslow, N. E. and Day, N. E. (1987). Statistical Methods in Cancer Research, volume II, equation 2.13.

    Examples
    --------
    >>> lower, upper = poisson_count([0, 10, 100])
    >>> lower.round(1).tolist(), upper.round(1).tolist()
    ([0.0, 4.8, 81.4], [3.7, 18.4, 121.6])
    """
    k = np.asarray(count, float)
    z = z_value(level)
    low = np.maximum(k, 1.0)
    lower = low * (1 - 1 / (9 * low) - z / (3 * np.sqrt(low))) ** 3
    high = k + 1
    upper = high * (1 - 1 / (9 * high) + z / (3 * np.sqrt(high))) ** 3
    return np.where(k == 0, 0.0, np.maximum(lower, 0.0)), upper


def median_interval(values: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Give a median with its distribution-free interval.

    The ends are two of the sorted values: the places follow from the binomial distribution of how many values lie
    below the median, so nothing is assumed of their distribution. With too few values for the level (fewer than 6 at
    95%) the ends are the smallest and the largest value, whose level is lower.

    References
    ----------
    Conover, W. J. (1999). Practical Nonparametric Statistics, 3rd edition, section 3.2.

    Examples
    --------
    >>> median_interval(range(1, 21))
    Estimate(value=10.5, lower=6.0, upper=15.0)
    """
    x = np.sort(_finite(values))
    place = _binomial_place(x.size, (1 - level) / 2)
    return Estimate(float(np.median(x)), float(x[place]), float(x[x.size - 1 - place]))


FEWEST_FOR_A_MEDIAN = 6
"""Of fewer values the smallest and the largest do not make a 95% interval of the median."""

_EXACT_TO = (
    1000  # beyond it the normal distribution, corrected for continuity, gives the place or the one before
)


def _binomial_place(n: int, tail: float) -> int:
    """Give the largest r with P(Binomial(n, 1/2) < r) <= tail, counted from 0; 0 where there is none."""
    if n > _EXACT_TO:
        return max(0, math.floor((n - 1 + NormalDist().inv_cdf(tail) * math.sqrt(n)) / 2))
    below, place = 0.0, 0
    while below + (mass := math.comb(n, place) / 2**n) <= tail:
        below += mass
        place += 1
    return max(0, place - 1)


def _finite(values: ArrayLike) -> Floats:
    x = np.asarray(values, float)
    if x.size == 0 or not np.isfinite(x).all():
        raise OptionError.out_of_range("values", f"{x.size} values", "one or more finite numbers")
    return x
