"""Shares compared: the difference of two with its interval, a test of none."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, ndtr

from crm_analytics.stats.intervals import Floats, wilson


def difference(
    hits: ArrayLike, n: ArrayLike, other_hits: ArrayLike, other_n: ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats, Floats]:
    """Give the differences of shares `hits / n - other_hits / other_n` of independent groups, with Newcombe's interval.

    It squares the distances to the ends of the two Wilson intervals, so it stays in [-1, 1] and holds its level where
    the textbook interval does not. NaN where a group is empty.

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions: comparison of eleven
    methods. Statistics in Medicine 17, 873-890, method 10.

    Examples
    --------
    >>> [x.round(4).tolist() for x in difference(56, 70, 48, 80)]
    [0.2, 0.0524, 0.3339]
    """
    one, size, two, other = (np.asarray(x, float) for x in (hits, n, other_hits, other_n))
    known = (size > 0) & (other > 0)
    p, q = one / np.maximum(size, 1), two / np.maximum(other, 1)
    (p_low, p_high), (q_low, q_high) = wilson(one, size, level=level), wilson(two, other, level=level)
    lower = p - q - np.hypot(p - p_low, q_high - q)
    upper = p - q + np.hypot(p_high - p, q - q_low)
    return tuple(np.where(known, x, np.nan) for x in (p - q, lower, upper))  # type: ignore[return-value]


def difference_p_values(hits: ArrayLike, n: ArrayLike, other_hits: ArrayLike, other_n: ArrayLike) -> Floats:
    """Give the two-sided p-values of no difference between shares, by the score test (Pearson's chi-square).

    NaN where fewer than 5 hits or misses are expected in a group, for which it does not hold its level.

    References
    ----------
    Agresti, A. (2013). Categorical Data Analysis, 3rd edition, section 3.2.

    Examples
    --------
    >>> round(float(difference_p_values(56, 70, 48, 80)), 4)
    0.008
    """
    one, size, two, other = (np.asarray(x, float) for x in (hits, n, other_hits, other_n))
    whole = np.maximum(size + other, 1)
    share = (one + two) / whole
    fewest = np.minimum(size, other) * np.minimum(share, 1 - share)
    spread = np.sqrt(share * (1 - share) * (1 / np.maximum(size, 1) + 1 / np.maximum(other, 1)))
    z = (one / np.maximum(size, 1) - two / np.maximum(other, 1)) / np.maximum(spread, 1e-300)
    return np.where(fewest >= 5, 2 * ndtr(-np.abs(z)), np.nan)  # noqa: PLR2004 the rule of thumb


def exact_p_value(hits: float, n: float, other_hits: float, other_n: float) -> float:
    """Give the two-sided p-value of no difference between two shares, for groups too small for `difference_p_values`.

    Fisher's conditional test with mid-p: outcomes less likely than the one seen count whole, those as likely half, so that
    the level is held about, and not far undercut as by the plain test. Counts that are not whole (effective ones of weighted
    answers) are rounded. NaN where a group is empty.

    References
    ----------
    Lancaster, H. O. (1961). Significance tests in discrete distributions. Journal of the American Statistical Association
    56, 223-234.

    Examples
    --------
    >>> round(exact_p_value(1, 12, 10, 11), 5)
    6e-05
    """
    size, other = round(n), round(other_n)
    if size <= 0 or other <= 0:
        return float("nan")
    one, two = min(round(hits), size), min(round(other_hits), other)
    if 2 * (one + two) > size + other:  # count the rarer kind: fewer outcomes
        one, two = size - one, other - two
    outcomes = np.arange(max(0, one + two - other), min(one + two, size) + 1, dtype=float)
    chance = _log_choose(size, outcomes) + _log_choose(other, one + two - outcomes)
    chance = np.exp(chance - chance.max())
    chance /= chance.sum()
    seen = chance[one - int(outcomes[0])]
    alike = np.isclose(chance, seen, rtol=1e-7, atol=0.0)
    return min(float(chance[(chance < seen) & ~alike].sum() + chance[alike].sum() / 2), 1.0)


def _log_choose(n: int, k: Floats) -> Floats:
    found: Floats = gammaln(n + 1.0) - gammaln(k + 1) - gammaln(n - k + 1)
    return found
