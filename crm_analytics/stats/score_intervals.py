"""Intervals and tests for scores of surveys: net promoter score, means on a bounded scale, weighted and clustered answers.

A net promoter score is the share of promoters less that of detractors, here in [-1, 1]. Its variance is
`p + d - (p - d)^2` divided by n: promoters and detractors are answers of the same people and never independent.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, expit, logit, ndtr, stdtr, stdtrit

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import Estimate, Floats, wilson, z_value

_ADDED: Final = 3.0
_ADDED_TO_AN_END: Final = 0.75  # promoters, and as many detractors; twice as many passives
_FEWEST_REPEATS: Final = 20
_TWO: Final = 2


class Difference(NamedTuple):
    """A difference with its interval, its test statistic and the two-sided p-value of no difference."""

    value: float
    lower: float
    upper: float
    statistic: float
    p_value: float


def nps_variance(promoters: ArrayLike, detractors: ArrayLike) -> Floats:
    """Give the variance of one answer that counts 1, 0 or -1, from the shares of promoters and detractors.

    >>> round(float(nps_variance(0.5, 1 / 6)), 6)
    0.555556
    """
    p, d = np.asarray(promoters, float), np.asarray(detractors, float)
    variance: Floats = np.maximum(p + d - (p - d) ** 2, 0.0)
    return variance


def nps_standard_error(promoters: ArrayLike, detractors: ArrayLike, n: ArrayLike) -> Floats:
    """Give the plain (Wald) standard error of a net promoter score, with n and not n - 1.

    It is 0 where all answers are of one kind, so no interval should be built on it: see `nps_interval`.

    >>> round(100 * float(nps_standard_error(0.60, 0.15, 100)), 4)
    7.3993
    """
    error: Floats = np.sqrt(nps_variance(promoters, detractors) / np.maximum(np.asarray(n, float), 1e-300))
    return error


def _adjusted(p: ArrayLike, d: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    """Add three answers: 3/4 promoter, 3/2 passive, 3/4 detractor. Give score and variance of the score."""
    size = np.asarray(n, float)
    more = [(np.asarray(x, float) * size + _ADDED_TO_AN_END) / (size + _ADDED) for x in (p, d)]
    return more[0] - more[1], nps_variance(*more) / (size + _ADDED)


def nps_interval(
    promoters: ArrayLike, detractors: ArrayLike, n: ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Give the adjusted Wald interval of net promoter scores.

    Three answers are added before the textbook interval is taken. It holds its level from about ten answers on, where
    the plain one covers too little and shrinks to nothing when all answers are alike.

    Parameters
    ----------
    promoters, detractors
        Shares of the answers, one or many.
    n
        Answers; the effective number where they are weighted.
    level
        Confidence level.

    Returns
    -------
    tuple of arrays
        Lower and upper ends, within [-1, 1], always around the score itself.

    References
    ----------
    Rocks, B. (2016). Interval estimation for the "net promoter score". The American Statistician 70, 365-372.

    Examples
    --------
    >>> [round(100 * float(x), 4) for x in nps_interval(0.60, 0.15, 100)]
    [29.3431, 58.0355]
    """
    score = np.asarray(promoters, float) - np.asarray(detractors, float)
    middle, variance = _adjusted(promoters, detractors, n)
    half = z_value(level) * np.sqrt(variance)
    lower, upper = np.maximum(middle - half, -1.0), np.minimum(middle + half, 1.0)
    return np.minimum(lower, score), np.maximum(upper, score)


def nps_difference(
    one: tuple[float, float, float], other: tuple[float, float, float], *, level: float = 0.95
) -> Difference:
    """Give the difference of the scores of independent groups, with the adjusted interval and test.

    Parameters
    ----------
    one, other
        Share of promoters, share of detractors, answers (effective where weighted).
    level
        Confidence level.

    Examples
    --------
    >>> found = nps_difference((0.60, 0.15, 100), (0.45, 0.25, 200))
    >>> round(100 * found.value, 4), round(found.statistic, 4), round(found.p_value, 4)
    (25.0, 2.5863, 0.0097)
    """
    middles, variances = zip(*(_adjusted(*group) for group in (one, other)), strict=True)
    middle, error = float(middles[0] - middles[1]), math.sqrt(float(variances[0] + variances[1]))
    value = (one[0] - one[1]) - (other[0] - other[1])
    half = z_value(level) * error
    lower, upper = max(middle - half, -2.0), min(middle + half, 2.0)
    z = middle / error
    return Difference(value, min(lower, value), max(upper, value), z, float(2 * ndtr(-abs(z))))


def effective_n(weights: ArrayLike, clusters: ArrayLike | None = None, correlation: float = 0.0) -> float:
    """Give how many equally weighted, independent answers tell as much as these.

    Kish's `(sum w)^2 / sum w^2`; where people answer more than once and their answers are alike, the variance is that of
    a model in which any two answers of one person have the given correlation.

    Parameters
    ----------
    weights
        Weights of the answers, 0 or more.
    clusters
        Who answered, as whole numbers from 0; None where everybody answered once.
    correlation
        Of two answers of one person, 0 to 1.

    References
    ----------
    Kish, L. (1965). Survey Sampling, sections 5.4 and 11.7.

    Examples
    --------
    >>> round(effective_n([1, 2, 1, 1, 3, 1, 2, 1, 1, 1, 2, 1]), 6)
    9.965517
    >>> effective_n([1, 1, 1, 1], [0, 0, 1, 1], correlation=1.0)
    2.0
    """
    w = np.asarray(weights, float)
    squares = float(w @ w)
    if squares == 0:
        return 0.0
    spread = squares
    if clusters is not None and correlation > 0:
        sums = np.bincount(np.asarray(clusters, np.int64), weights=w)
        spread = (1 - correlation) * squares + correlation * float(sums @ sums)
    return float(w.sum()) ** 2 / spread


def correlation_within(values: ArrayLike, clusters: ArrayLike) -> float:
    """Give the correlation of two answers of one person (intraclass, by analysis of variance); 0 where it cannot be told.

    It cannot with fewer than twenty answers beyond each person's first; a negative estimate counts as 0, so that repeated
    answers never make a sample larger than it is.

    References
    ----------
    Donner, A. (1986). A review of inference procedures for the intraclass correlation coefficient in the one-way random
    effects model. International Statistical Review 54, 67-82.

    Examples
    --------
    >>> people = np.repeat(np.arange(30), 2)
    >>> correlation_within(people, people)
    1.0
    """
    x = np.asarray(values, float)
    if x.size == 0:
        return 0.0
    _, place = np.unique(np.asarray(clusters, np.int64), return_inverse=True)
    sizes = np.bincount(place).astype(float)
    k, n = sizes.size, x.size
    if n - k < _FEWEST_REPEATS or k < _TWO:
        return 0.0
    means = np.bincount(place, weights=x) / sizes
    within = float(((x - means[place]) ** 2).sum()) / (n - k)
    between = float(sizes @ (means - x.mean()) ** 2) / (k - 1)
    size = (n - float(sizes @ sizes) / n) / (k - 1)
    whole = between + (size - 1) * within
    return 0.0 if whole <= 0 else min(max((between - within) / whole, 0.0), 1.0)


class WeightedMean(NamedTuple):
    """A weighted mean with the standard error that a survey package gives (linearised, with replacement)."""

    value: float
    error: float
    freedom: int


def weighted_mean(values: ArrayLike, weights: ArrayLike) -> WeightedMean:
    """Give a weighted mean and its linearised standard error, as R's `survey::svymean` without strata or clusters.

    References
    ----------
    Lumley, T. (2010). Complex Surveys, section 2.2.

    Examples
    --------
    >>> found = weighted_mean([1, 1, 1, 0, 0, -1, -1, 1, 1, 0, -1, 1], [1, 2, 1, 1, 3, 1, 2, 1, 1, 1, 2, 1])
    >>> round(found.value, 6), round(found.error, 6)
    (0.117647, 0.263555)
    """
    x, w = np.asarray(values, float), np.asarray(weights, float)
    n, total = x.size, float(w.sum())
    mean = float(w @ x) / total
    if n < _TWO:
        return WeightedMean(mean, math.inf, 0)
    parts = w * (x - mean) / total
    return WeightedMean(mean, math.sqrt(n / (n - 1) * float(parts @ parts)), n - 1)


def share_interval_logit(found: WeightedMean, *, level: float = 0.95) -> tuple[float, float]:
    """Give the interval of a weighted share on the logit scale, as R's `survey::svyciprop(method = "logit")`.

    All of [0, 1] where the share is 0 or 1 and the scale ends.

    >>> [round(x, 4) for x in share_interval_logit(WeightedMean(0.4, 0.1, 20))]
    [0.2185, 0.6139]
    """
    if not 0 < found.value < 1 or not math.isfinite(found.error):
        return 0.0, 1.0
    t = float(stdtrit(found.freedom, 0.5 + level / 2))
    half = t * found.error / (found.value * (1 - found.value))
    middle = float(logit(found.value))
    return float(expit(middle - half)), float(expit(middle + half))


def share_interval_beta(found: WeightedMean, *, level: float = 0.95) -> tuple[float, float]:
    """Give the interval of a weighted share after Korn and Graubard, as R's `survey::svyciprop(method = "beta")`.

    Clopper and Pearson's interval of as many answers as the standard error is worth.

    References
    ----------
    Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data. Survey Methodology 24, 193-201.

    Examples
    --------
    >>> [round(x, 4) for x in share_interval_beta(WeightedMean(0.4, 0.1, 20))]
    [0.2077, 0.6179]
    """
    if not 0 < found.value < 1 or not math.isfinite(found.error) or found.error == 0:
        return 0.0, 1.0
    n = found.value * (1 - found.value) / found.error**2
    hits, misses, tail = n * found.value, n * (1 - found.value), (1 - level) / 2
    lower = betaincinv(hits, misses + 1, tail)
    upper = betaincinv(hits + 1, misses, 1 - tail)
    return float(lower), float(upper)


class Spread(NamedTuple):
    """What is known of a mean: its value, the variance of one answer, and the effective number of answers."""

    mean: float
    variance: float
    n: float


def bounded_mean(found: Spread, ends: tuple[float, float], *, level: float = 0.95) -> Estimate:
    """Give the t interval of a mean on a scale with ends.

    Where all answers are alike an interval of no width would be false: then it is as wide as it would have to be if as
    many answers as may have gone unseen (Wilson's bound of none in n) lay at the other end.

    Parameters
    ----------
    found
        The mean, the variance of one answer (with n - 1), the effective number of answers.
    ends
        The smallest and the largest value there can be.
    level
        Confidence level.

    Examples
    --------
    >>> [round(x, 3) for x in bounded_mean(Spread(3.0, 2.5, 5), (1, 5))]
    [3.0, 1.037, 4.963]
    >>> [round(x, 2) for x in bounded_mean(Spread(5.0, 0.0, 10), (1, 5))]
    [5.0, 3.89, 5.0]
    """
    low, high = ends
    if found.n < _TWO:
        return Estimate(found.mean, low, high)
    if found.variance <= 0:
        unseen = float(wilson(0, found.n, level=level)[1])
        return Estimate(
            found.mean, found.mean - unseen * (found.mean - low), found.mean + unseen * (high - found.mean)
        )
    half = float(stdtrit(found.n - 1, 0.5 + level / 2)) * math.sqrt(found.variance / found.n)
    return Estimate(found.mean, max(found.mean - half, low), min(found.mean + half, high))


def mean_difference(one: Spread, other: Spread, *, level: float = 0.95) -> Difference:
    """Give the difference of two independent means by Welch's t.

    >>> found = mean_difference(Spread(5.0, 4.0, 20), Spread(4.0, 1.0, 30))
    >>> round(found.lower, 3), round(found.p_value, 4)
    (0.006, 0.0487)
    """
    parts = [max(s.variance, 0.0) / max(s.n, 1.0) for s in (one, other)]
    value, error = one.mean - other.mean, math.sqrt(sum(parts))
    if error == 0:
        return Difference(value, value, value, 0.0, 1.0 if value == 0 else math.nan)
    freedom = sum(parts) ** 2 / sum(
        p**2 / max(s.n - 1, 1e-9) for p, s in zip(parts, (one, other), strict=True)
    )
    return _by_t(value, error, freedom, level)


def paired_difference(before: ArrayLike, now: ArrayLike, *, level: float = 0.95) -> Difference:
    """Give the mean change of the same people, `now - before`, by the paired t test.

    Raises
    ------
    OptionError
        With fewer than two people, or not as many before as now.

    Examples
    --------
    >>> found = paired_difference([1, 2, 3, 4], [2, 2, 4, 6])
    >>> found.value, round(found.p_value, 4)
    (1.0, 0.0917)
    """
    one, two = np.asarray(before, float), np.asarray(now, float)
    if one.shape != two.shape or one.size < _TWO:
        raise OptionError.out_of_range(
            "before", f"{one.size} values", "as many as there are now, two or more"
        )
    change = two - one
    error = float(change.std(ddof=1)) / math.sqrt(change.size)
    value = float(change.mean())
    if error == 0:
        return Difference(value, value, value, 0.0, 1.0 if value == 0 else math.nan)
    return _by_t(value, error, change.size - 1, level)


def _by_t(value: float, error: float, freedom: float, level: float) -> Difference:
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    t = value / error
    return Difference(value, value - half, value + half, t, float(2 * stdtr(freedom, -abs(t))))


def nonresponse_bounds(score: float, response_rate: float, ends: tuple[float, float]) -> tuple[float, float]:
    """Give the score of everybody if all who did not answer were at the worst end, and if all were at the best.

    No assumption is made on who does not answer, so nothing outside these bounds is possible.

    References
    ----------
    Manski, C. F. (1989). Anatomy of the selection problem. Journal of Human Resources 24, 343-360.

    Examples
    --------
    >>> [round(x, 2) for x in nonresponse_bounds(0.45, 0.4, (-1, 1))]
    [-0.42, 0.78]
    """
    if not 0 <= response_rate <= 1:
        raise OptionError.out_of_range("response_rate", response_rate, "a share, 0 to 1")
    rest = 1 - response_rate
    return response_rate * score + rest * ends[0], response_rate * score + rest * ends[1]
