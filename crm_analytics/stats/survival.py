"""Time until something happens, where for some it has not happened yet: survival curves, means, quantiles, tests.

Times are durations of any unit. A subject is at risk at time t where `entry < t <= exit`; whoever has not had the event
by `exit` is censored there and counts among those at risk at that very time, as in R's survival package.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import Estimate, Floats, z_value

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

_HALF = 0.5
_EQUAL = 1e-9


@dataclass(frozen=True, eq=False)
class Lives:
    """Durations in order: what every estimate here begins with; made by `lives`."""

    exit: Floats
    event: Floats  # weight of the event, 0 where censored
    entry: Floats | None
    weight: Floats


@dataclass(frozen=True, eq=False)
class RiskTable:
    """One row per time at which an observation ends, in order: who was at risk, had the event, was censored."""

    time: Floats
    n_at_risk: Floats
    n_events: Floats
    n_censored: Floats


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """The Kaplan-Meier curve and the Nelson-Aalen cumulative hazard, one place per time at which an observation ends.

    `survival` is the share without the event just after each time (1 before the first), with bounds; `variance_sum` is
    Greenwood's sum, so that the standard error is `survival * sqrt(variance_sum)`.
    """

    risk: RiskTable
    survival: Floats
    survival_lower: Floats
    survival_upper: Floats
    variance_sum: Floats
    cumulative_hazard: Floats
    cumulative_hazard_lower: Floats
    cumulative_hazard_upper: Floats
    level: float

    @property
    def time(self) -> Floats:
        """The times of the steps."""
        return self.risk.time

    @property
    def standard_error(self) -> Floats:
        """Greenwood's standard error of `survival`."""
        return np.where(self.survival > 0, self.survival * np.sqrt(self.variance_sum), 0.0)

    def at(self, times: ArrayLike) -> Floats:
        """Give the survival at any times."""
        return step_values(self.time, self.survival, times, before=1.0)

    def spans_at(self, times: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Give the survival at any times with its bounds; before anybody's end the bound is that of none among all.

        >>> curve = kaplan_meier(lives([9] * 20, [True] * 20))
        >>> [round(float(x[0]), 3) for x in curve.spans_at([5])]
        [1.0, 0.832, 1.0]
        """
        days = np.asarray(times, float)
        first = _none_among(self.risk.n_at_risk[:1], self.level)
        lower = step_values(self.time, self.survival_lower, days, before=float(first[0]))
        upper = step_values(self.time, self.survival_upper, days, before=1.0)
        return self.at(days), np.where(days > 0, lower, 1.0), upper


def step_values(steps: Floats, values: Floats, times: ArrayLike, *, before: float) -> Floats:
    """Read a step function that changes to `values` at `steps` and is `before` until the first."""
    place = np.searchsorted(steps, np.asarray(times, float), side="right")
    return np.asarray(np.concatenate([[before], values])[place])


def lives(
    exit_: ArrayLike, event: ArrayLike, *, entry: ArrayLike | None = None, weights: ArrayLike | None = None
) -> Lives:
    """Check durations, and put those who can be at risk into one form.

    Parameters
    ----------
    exit_
        When observation ended; finite.
    event
        Whether it ended with the event.
    entry
        When observation began (left truncation), before `exit_`; None where everyone is seen from the start.
    weights
        How many subjects a row stands for; None one each.
    """
    last = np.asarray(exit_, float)
    happened = np.asarray(event).astype(bool)
    weight = np.ones(last.shape) if weights is None else np.asarray(weights, float)
    begin = None if entry is None else np.asarray(entry, float)
    if last.ndim != 1 or happened.shape != last.shape or weight.shape != last.shape:
        raise OptionError.out_of_range(
            "event", happened.shape, f"as many as there are durations, {last.shape}"
        )
    if not (np.isfinite(last).all() and np.isfinite(weight).all() and (weight >= 0).all()):
        raise OptionError.out_of_range(
            "durations", "a missing value", "finite durations and weights of 0 or more"
        )
    if begin is not None and (begin.shape != last.shape or not (begin < last).all()):
        raise OptionError.out_of_range("entry", "a late one", "an entry before each exit")
    return Lives(last, weight * happened, begin, weight)


def risk_table(found: Lives) -> RiskTable:
    """Count at each time at which an observation ends who was at risk and what happened."""
    time, place = _distinct(found.exit)
    size = len(time)
    events = _counts(place, found.event, size)
    ends = _counts(place, found.weight, size)
    at_risk = ends[::-1].cumsum()[::-1]
    if found.entry is not None:  # who enters at or after a time is not yet at risk at it
        later = np.searchsorted(time, found.entry, side="right")
        to_come = _counts(later, found.weight, size + 1)
        at_risk = at_risk - to_come[::-1].cumsum()[::-1][1:]
    return RiskTable(time, at_risk, events, ends - events)


def _counts(place: Ints, weight: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(place, weight, size), float)


def _distinct(values: Floats) -> tuple[Floats, Ints]:
    """Give the distinct values in order and the place of each; by counting where they are whole and not too many."""
    if values.size and (values % 1 == 0).all():
        low, span = int(values.min()), int(values.max() - values.min()) + 1
        if span <= 4 * values.size + 1000:
            shifted = values.astype(np.int64) - low
            there = np.bincount(shifted, minlength=span) > 0
            return np.flatnonzero(there).astype(float) + low, (there.cumsum() - 1)[shifted]
    distinct, place = np.unique(values, return_inverse=True)
    return distinct, place


def kaplan_meier(found: Lives, *, level: float = 0.95) -> SurvivalCurve:
    """Estimate how many are still without the event at each time.

    Parameters
    ----------
    found
        From `lives`.
    level
        Level of the pointwise intervals, in (0, 1).

    Notes
    -----
    S(t) is the product of 1 - d/n over the times up to t; the variance is Greenwood's. Intervals of S are log(-log), which
    stay in [0, 1] and hold their level in small samples; those of the cumulative hazard (the sum of d/n, variance the sum of
    d/n^2) are logarithmic. Before the first event, where these say nothing, the bound is the exact one of none among
    n; where the curve reaches 0 the upper bound is that of the last step times the exact one of n among n.

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958), JASA 53, 457-481. Kalbfleisch, J. D. and Prentice, R. L. (2002), The Statistical
    Analysis of Failure Time Data, 2nd edition, equation 1.14. Aalen, O. (1978), Annals of Statistics 6, 701-726.

    Examples
    --------
    >>> curve = kaplan_meier(lives([1, 2, 2, 3], [True, True, False, False]))
    >>> curve.survival.tolist(), curve.risk.n_at_risk.tolist()
    ([0.75, 0.5, 0.5], [4.0, 3.0, 1.0])
    """
    risk = risk_table(found)
    n, d = risk.n_at_risk, risk.n_events
    share = ratio(d, n)
    survival = np.where(share >= 1, 0.0, 1 - share).cumprod()
    variance = ratio(d, n * (n - d)).cumsum()
    hazard, hazard_variance = share.cumsum(), ratio(d, n * n).cumsum()
    lower, upper = _survival_bounds(survival, variance, n, level)
    hazard_lower, hazard_upper = _hazard_bounds(hazard, hazard_variance, n, level)
    return SurvivalCurve(risk, survival, lower, upper, variance, hazard, hazard_lower, hazard_upper, level)


def ratio(over: Floats, under: Floats) -> Floats:
    """Divide, giving 0 where there is nothing to divide by."""
    return np.divide(over, under, out=np.zeros(over.shape), where=under > 0)


def _survival_bounds(survival: Floats, variance: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    inside = (survival > 0) & (survival < 1)
    s = np.where(inside, survival, _HALF)
    reach = np.exp(z_value(level) * np.sqrt(variance) / np.abs(np.log(s)))
    rare = _none_among(n, level)
    lower = np.where(inside, s**reach, np.where(survival >= 1, rare, 0.0))
    upper = np.where(inside, s ** (1 / reach), 1.0)
    gone = survival <= 0
    if gone.any():
        first = int(gone.argmax())
        before = upper[first - 1] if first else 1.0
        upper[first:] = before * (1 - rare[first])
    return lower, upper


def _none_among(n: Floats, level: float) -> Floats:
    """Give the exact lower bound of a share without the event where none among n had it."""
    return np.asarray(((1 - level) / 2) ** (1 / np.maximum(n, 1)), float)


def _hazard_bounds(hazard: Floats, variance: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    some = hazard > 0
    reach = np.exp(z_value(level) * np.sqrt(variance) / np.where(some, hazard, 1.0))
    rare = -math.log((1 - level) / 2) / np.maximum(n, 1)
    return np.where(some, hazard / reach, 0.0), np.where(some, hazard * reach, rare)


def quantile(curve: SurvivalCurve, share: float = 0.5) -> Estimate:
    """Give the time by which a share of all has had the event, with its interval; infinite where it is not reached.

    Where the curve lies level at exactly `1 - share`, the middle of that stretch. The interval holds the times at which
    the bounds of the curve pass the same height.

    References
    ----------
    Brookmeyer, R. and Crowley, J. (1982). A confidence interval for the median survival time. Biometrics 38, 29-41.

    Examples
    --------
    >>> quantile(kaplan_meier(lives([1, 2, 3, 4], [True] * 4))).value
    2.5
    """
    if not 0 < share < 1:
        raise OptionError.out_of_range("share", share, "a share above 0 and below 1, 0.5 for the median")
    height = 1 - share
    return Estimate(
        _passes(curve.time, curve.survival, height),
        _passes(curve.time, np.minimum.accumulate(_known(curve, curve.survival_lower)), height),
        _passes(curve.time, curve.survival_upper, height),
    )


def _known(curve: SurvivalCurve, bound: Floats) -> Floats:
    """Bounds from the first event on; before it nothing has happened by which a quantile could be passed."""
    return np.where(curve.survival < 1, bound, 1.0)


def _passes(time: Floats, values: Floats, height: float) -> float:
    below = np.flatnonzero(values <= height + _EQUAL)
    if not below.size:
        return math.inf
    first = int(below[0])
    if values[first] < height - _EQUAL:
        return float(time[first])
    under = np.flatnonzero(values < height - _EQUAL)
    end = int(under[0]) if under.size else len(time) - 1
    return float(time[first] + time[end]) / 2


class Mean(NamedTuple):
    """A restricted mean: time without the event until `until`, with its standard error and interval."""

    value: float
    lower: float
    upper: float
    standard_error: float
    until: float


def restricted_mean(curve: SurvivalCurve, until: float) -> Mean:
    """Give the mean time without the event within the first `until`: the area under the curve.

    It needs no median to be reached and no proportional hazards. The curve must be known up to `until`. Where nobody had the
    event within it, the lower bound is that of events at a steady rate, as many as none among those at risk allows; where
    all had it at one time, the bounds are those of as many before and after it as none among them allows.

    References
    ----------
    Klein, J. P. and Moeschberger, M. L. (2003). Survival Analysis, 2nd edition, section 4.5. Royston, P. and Parmar, M. K. B.
    (2013), BMC Medical Research Methodology 13, 152.

    Examples
    --------
    >>> restricted_mean(kaplan_meier(lives([1, 2, 3, 4], [True] * 4)), 4).value
    2.5
    """
    last = float(curve.time[-1])
    if until <= 0 or (until > last and curve.survival[-1] > 0):
        raise OptionError.out_of_range(
            "until", until, f"more than 0 and at most {last:g}, up to which there are observations"
        )
    edges = np.concatenate([[0.0], np.clip(curve.time, 0.0, until), [until]])
    areas = np.diff(edges) * np.concatenate([[1.0], curve.survival])
    mean = float(areas.sum())
    after = areas[::-1].cumsum()[::-1][1:]  # area from each step to the end
    n, d = curve.risk.n_at_risk, curve.risk.n_events
    within = curve.time <= until
    error = math.sqrt(float((after**2 * ratio(d, n * (n - d)))[within].sum()))
    if not error:
        return Mean(mean, *_ends_without_spread(curve, mean, until), error, until)
    half = z_value(curve.level) * error
    return Mean(mean, max(mean - half, 0.0), min(mean + half, until), error, until)


def _ends_without_spread(curve: SurvivalCurve, mean: float, until: float) -> tuple[float, float]:
    """Give the bounds of a mean where all, or none, had the event at one time, which tells nothing of the spread."""
    happened = np.flatnonzero((curve.risk.n_events > 0) & (curve.time < until))
    if happened.size:
        none = float(_none_among(curve.risk.n_at_risk[happened[:1]], curve.level)[0])
        return mean * none, mean + (1 - none) * (until - mean)
    return min(mean, _least_mean(curve, until)), until


def _least_mean(curve: SurvivalCurve, until: float) -> float:
    """Give the least mean that events at a steady rate allow where none was seen before the end of the time."""
    seen = int(np.searchsorted(curve.time, until, side="left"))
    share = float(_none_among(curve.risk.n_at_risk[seen : seen + 1], curve.level)[0])
    return until * (1 - share) / -math.log(share)


class Difference(NamedTuple):
    """A difference with its interval and the p-value of none."""

    value: float
    lower: float
    upper: float
    p_value: float


def mean_difference(one: Mean, other: Mean, *, level: float = 0.95) -> Difference:
    """Give the difference of two independent restricted means, `one - other`.

    Where the events of a group tell nothing of their spread, its bounds take the place of its standard error, and the
    p-value is that of the level at which the interval reaches 0.

    References
    ----------
    Zou, G. Y. and Donner, A. (2008). Construction of confidence limits about effect measures. Statistics in Medicine 27,
    1693-1702 (limits of a difference from those of its parts).
    """
    value, z = one.value - other.value, z_value(level)
    if one.standard_error and other.standard_error:
        error = math.hypot(one.standard_error, other.standard_error)
        below = above = z * error
    else:
        below = math.hypot(one.value - one.lower, other.upper - other.value)
        above = math.hypot(one.upper - one.value, other.value - other.lower)
    nearer = below if value > 0 else above
    p = 2 * float(special.ndtr(-abs(value) * z / nearer)) if value else 1.0
    return Difference(value, value - below, value + above, p)


class LogRank(NamedTuple):
    """The log-rank test: chi-square, degrees of freedom, p-value, and events observed and expected by group."""

    statistic: float
    degrees: int
    p_value: float
    observed: Floats
    expected: Floats


def log_rank(found: Lives, group: ArrayLike) -> LogRank:
    """Test whether k groups have the same hazard at every time (Mantel-Haenszel form, hypergeometric variance).

    `group` holds whole numbers from 0 to k - 1, one per row of `found`.

    References
    ----------
    Mantel, N. (1966). Cancer Chemotherapy Reports 50, 163-170. Harrington, D. P. and Fleming, T. R. (1982), Biometrika 69.

    Examples
    --------
    >>> test = log_rank(lives([1, 2, 3, 4], [True] * 4), [0, 0, 1, 1])
    >>> round(test.statistic, 4), test.degrees
    (2.8824, 1)
    """
    codes = np.asarray(group, np.int64)
    k = int(codes.max()) + 1 if codes.size else 0
    whole = risk_table(found)
    at = np.flatnonzero(whole.n_events > 0)
    if not at.size:
        return LogRank(0.0, 0, 1.0, np.zeros(k), np.zeros(k))
    time, n, d = whole.time[at], whole.n_at_risk[at], whole.n_events[at]
    each = [_at_times(_only(found, codes == g), time) for g in range(k)]
    at_risk, events = (np.array([e[i] for e in each]) for i in (0, 1))
    observed, expected = events.sum(axis=1), (at_risk * d / n).sum(axis=1)
    spread = d * ratio(n - d, n - 1) / n
    share = at_risk / n
    variance = np.diag((at_risk * spread).sum(axis=1)) - (at_risk * spread) @ share.T
    short = (observed - expected)[:-1]
    inner = variance[:-1, :-1]
    statistic = float(short @ np.linalg.pinv(inner, hermitian=True) @ short) if k > 1 else 0.0
    degrees = int(np.linalg.matrix_rank(inner, hermitian=True)) if k > 1 else 0
    p = float(special.chdtrc(degrees, statistic)) if degrees else 1.0
    return LogRank(statistic, degrees, p, observed, expected)


def _only(found: Lives, chosen: Bools) -> Lives:
    entry = None if found.entry is None else found.entry[chosen]
    return Lives(found.exit[chosen], found.event[chosen], entry, found.weight[chosen])


def _at_times(found: Lives, times: Floats) -> tuple[Floats, Floats]:
    """Count who is at risk and who has the event at given times in order."""
    place = np.searchsorted(times, found.exit, side="left")
    whole = place < len(times)
    hit = whole & (times[np.minimum(place, len(times) - 1)] == found.exit)
    events = _counts(place[hit], found.event[hit], len(times))
    later = np.searchsorted(times, found.exit, side="right")
    at_risk = _counts(later, found.weight, len(times) + 1)[::-1].cumsum()[::-1][1:]
    if found.entry is not None:
        begins = np.searchsorted(times, found.entry, side="right")
        at_risk = at_risk - _counts(begins, found.weight, len(times) + 1)[::-1].cumsum()[::-1][1:]
    return at_risk, events
