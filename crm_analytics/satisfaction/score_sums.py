"""The score of any set of answers with its interval, and the difference of two sets."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_analytics.satisfaction.score_metrics import Kind, Metric
from crm_analytics.stats import proportions
from crm_analytics.stats import score_intervals as stats
from crm_analytics.stats.intervals import Estimate, wilson

Bools = NDArray[np.bool_]


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


def summed(metric: Metric, chosen: Bools | None = None) -> Sums:
    """Sum up the answers of a metric whose rows are chosen; `chosen` goes by rows of the answer sheets."""
    kept = slice(None) if chosen is None else chosen[metric.rows]
    x, w, who = metric.points[kept], metric.weights[kept], metric.people[kept]
    if x.size == 0:
        return Sums(metric.kind, 0, 0.0, math.nan, math.nan, math.nan, math.nan, 0.0)
    total = float(w.sum())
    mean = float(w @ x) / total
    n = stats.effective_n(w, np.unique(who, return_inverse=True)[1], metric.alike)
    spread = float(w @ (x - mean) ** 2) / total
    if metric.kind == "mean":
        spread *= n / (n - 1) if n > 1 else 1.0
    return Sums(
        metric.kind,
        int(x.size),
        n,
        mean,
        spread,
        float(w @ (x == 100)) / total,  # noqa: PLR2004 points
        float(w @ (x == -100)) / total,  # noqa: PLR2004
        total,
    )


def interval(found: Sums) -> Estimate:
    """Give the score with its 95% interval: adjusted Wald, Wilson or t."""
    if found.kind == "nps":
        lower, upper = stats.nps_interval(found.high, found.low, found.n_effective)
        return Estimate(found.score, 100 * float(lower), 100 * float(upper))
    if found.kind == "share":
        lower, upper = wilson(found.high * found.n_effective, found.n_effective)
        return Estimate(
            found.score, min(100 * float(lower), found.score), max(100 * float(upper), found.score)
        )
    return stats.bounded_mean(stats.Spread(found.score, found.variance, found.n_effective), (0.0, 100.0))


def difference(one: Sums, other: Sums) -> stats.Difference:
    """Give the difference of the scores of two sets of different answers, with interval and test."""
    if one.kind == "nps":
        found = stats.nps_difference(
            (one.high, one.low, one.n_effective), (other.high, other.low, other.n_effective)
        )
        return _in_points(found)
    if one.kind == "share":
        return _of_shares(one, other)
    spreads = [stats.Spread(s.score, s.variance, s.n_effective) for s in (one, other)]
    return stats.mean_difference(spreads[0], spreads[1])


def _of_shares(one: Sums, other: Sums) -> stats.Difference:
    counts = (one.high * one.n_effective, one.n_effective, other.high * other.n_effective, other.n_effective)
    value, lower, upper = (float(x) for x in proportions.difference(*counts))
    p = float(proportions.difference_p_values(*counts))
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
