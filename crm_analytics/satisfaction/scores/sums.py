"""The score of any set of answers with its interval, and the difference of two sets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from crm_analytics.satisfaction.scores.metrics import Kind, Metric
from crm_analytics.stats import proportions
from crm_analytics.stats import score_intervals as stats
from crm_analytics.stats.intervals import Estimate, Floats, wilson, z_value

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_NOTHING: Final = 1e-9
_TWO: Final = 2


@dataclass(frozen=True)
class Sums:
    """What a set of answers comes to.

    `score` in points (-100 to 100 of NPS, 0 to 100 otherwise), `variance` of one answer in points squared, `high` and
    `low` the shares of answers that count 100 and -100, `weight` the sum of the weights.
    """

    kind: Kind
    n: int
    n_effective: float
    score: float
    variance: float
    high: float
    low: float
    weight: float


@dataclass(frozen=True, eq=False)
class _Totals:
    """Sums over the answers of each group, from which those of the rest follow by taking away.

    `squares` of weights; `own` the squares of each person's weight in the group; `cross` each person's weight in the group
    times that in all.
    """

    n: Floats
    weight: Floats
    squares: Floats
    value: Floats
    value_squares: Floats
    high: Floats
    low: Floats
    own: Floats
    cross: Floats


def summed(metric: Metric, chosen: Bools | None = None) -> Sums:
    """Sum up the answers of a metric whose rows are chosen; `chosen` goes by rows of the answer sheets."""
    places = np.zeros(metric.rows.max() + 1, np.int64) if chosen is None else np.where(chosen, 0, -1)
    return by_group(metric, places, 1)[0]


def by_group(metric: Metric, places: Ints, k: int) -> list[Sums]:
    """Sum up the answers of each of `k` groups; `places` gives the group of each answer sheet, -1 for none."""
    found = _totals(metric, places, k)
    return [_sums(metric, found, g) for g in range(k)]


def rests(metric: Metric, places: Ints, k: int) -> list[Sums]:
    """Sum up, for each group, the answers of all other groups."""
    groups = _totals(metric, places, k)
    whole = {name: getattr(groups, name).sum() for name in _ADDITIVE}
    people = np.bincount(metric.people, weights=metric.weights)
    own = float(people @ people) - 2 * groups.cross + groups.own
    rest = _Totals(**{name: whole[name] - getattr(groups, name) for name in _ADDITIVE}, own=own, cross=own)
    return [_sums(metric, rest, g) for g in range(k)]


_ADDITIVE: Final = ("n", "weight", "squares", "value", "value_squares", "high", "low")


def _totals(metric: Metric, places: Ints, k: int) -> _Totals:
    at = places[metric.rows]
    inside = at >= 0
    at, x, w, who = at[inside], metric.points[inside], metric.weights[inside], metric.people[inside]
    everywhere = np.bincount(metric.people, weights=metric.weights)
    pairs, pair = np.unique(at * (who.max(initial=0) + 1) + who, return_inverse=True)
    in_pair = np.bincount(pair, weights=w, minlength=pairs.size)

    def over(values: Floats) -> Floats:
        return np.asarray(np.bincount(at, weights=values, minlength=k)[:k], float)

    return _Totals(
        n=over(np.ones_like(w)),
        weight=over(w),
        squares=over(w * w),
        value=over(w * x),
        value_squares=over(w * x * x),
        high=over(w * (x == 100)),  # noqa: PLR2004 points
        low=over(w * (x == -100)),  # noqa: PLR2004
        own=np.asarray(
            np.bincount(pairs // (who.max(initial=0) + 1), weights=in_pair**2, minlength=k)[:k], float
        ),
        cross=over(w * everywhere[who]),
    )


def _sums(metric: Metric, found: _Totals, g: int) -> Sums:
    n, total = round(float(found.n[g])), float(found.weight[g])
    if n == 0:
        return Sums(metric.kind, 0, 0.0, math.nan, math.nan, math.nan, math.nan, 0.0)
    spread = (1 - metric.alike) * float(found.squares[g]) + metric.alike * float(found.own[g])
    n_effective = min(total * total / spread, float(n))
    low_end, high_end = metric.limits
    mean = min(max(float(found.value[g]) / total, low_end), high_end)  # rounding must not leave the scale
    variance = max(float(found.value_squares[g]) / total - mean * mean, 0.0)
    if metric.kind == "mean":
        variance *= n_effective / (n_effective - 1) if n_effective > 1 else 1.0
    high, low = (min(max(float(x[g]) / total, 0.0), 1.0) for x in (found.high, found.low))
    return Sums(metric.kind, n, n_effective, mean, variance if variance > _NOTHING else 0.0, high, low, total)


def interval(found: Sums) -> Estimate:
    """Give the score with its 95% interval: adjusted Wald, Wilson or t."""
    if found.kind == "mean":
        return stats.bounded_mean(stats.Spread(found.score, found.variance, found.n_effective), (0.0, 100.0))
    ends = (
        stats.nps_interval(found.high, found.low, found.n_effective)
        if found.kind == "nps"
        else wilson(found.high * found.n_effective, found.n_effective)
    )
    lower, upper = (100 * float(x) for x in ends)
    return Estimate(found.score, min(lower, found.score), max(upper, found.score))


def difference(one: Sums, other: Sums) -> stats.Difference:
    """Give the difference of the scores of two sets of different answers, with interval and test."""
    if one.kind == "nps":
        found = stats.nps_difference(
            (one.high, one.low, one.n_effective), (other.high, other.low, other.n_effective)
        )
        return _in_points(found)
    if one.kind == "share":
        return _of_shares(one, other)
    if min(one.n_effective, other.n_effective) < _TWO or min(one.variance, other.variance) <= 0:
        return _of_alike(one, other)
    spreads = [stats.Spread(s.score, s.variance, s.n_effective) for s in (one, other)]
    return stats.mean_difference(spreads[0], spreads[1])


def _of_alike(one: Sums, other: Sums) -> stats.Difference:
    """Give the difference of means of which one does not vary: from the two intervals, each of which has a width.

    References
    ----------
    Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures. Statistics in Medicine 27,
    1693-1702.
    """
    (a, a_low, a_high), (b, b_low, b_high) = interval(one), interval(other)
    value = a - b
    below, above = math.hypot(a - a_low, b_high - b), math.hypot(a_high - a, b - b_low)
    error = (below if value > 0 else above) / z_value(0.95)
    z = value / error if error > 0 else 0.0
    return stats.Difference(value, value - below, value + above, z, math.erfc(abs(z) / math.sqrt(2)))


def _of_shares(one: Sums, other: Sums) -> stats.Difference:
    counts = (one.high * one.n_effective, one.n_effective, other.high * other.n_effective, other.n_effective)
    value, lower, upper = (float(x) for x in proportions.difference(*counts))
    p = float(proportions.difference_p_values(*counts))
    if math.isnan(p):
        p = proportions.exact_p_value(*counts)
    return _in_points(stats.Difference(value, min(lower, value), max(upper, value), math.nan, p))


def _in_points(found: stats.Difference) -> stats.Difference:
    return stats.Difference(
        100 * found.value, 100 * found.lower, 100 * found.upper, found.statistic, found.p_value
    )


def standard_error(found: Sums) -> float:
    """Give a standard error in points that is never 0: NPS and shares with the answers that its interval adds."""
    if found.kind == "nps":
        return math.sqrt(_smoothed(found, 0.75, 3.0) / (found.n_effective + 3))
    if found.kind == "share":
        high = (found.high * found.n_effective + 2) / (found.n_effective + 4)
        return 100 * math.sqrt(high * (1 - high) / (found.n_effective + 4))
    return math.sqrt(max(found.variance, 1.0) / found.n_effective)


def _smoothed(found: Sums, added: float, whole: float) -> float:
    p, d = ((s * found.n_effective + added) / (found.n_effective + whole) for s in (found.high, found.low))
    return 100.0**2 * float(stats.nps_variance(p, d))
