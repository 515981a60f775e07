"""Matched sets: each subject beside its nearest others, and differences between them with errors that know of repeats.

A subject's difference is its own outcome less the mean of those matched with it. The same other may serve in several sets,
and sets may share subjects, so that errors are clustered both ways: by set and by subject.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from crm_analytics.stats.intervals import Floats

Ints = NDArray[np.int64]

_PAIRS_PER_FEATURE: Final = 8


@dataclass(frozen=True, eq=False)
class Sets:
    """Who is compared with whom: one row per pair.

    Attributes
    ----------
    subject
        The place of the set, 0, 1, …; pairs of one set side by side.
    other
        The subject that is matched with it, as a number that is the same wherever this subject appears.
    own
        The number of the set's own subject, one per set.
    """

    subject: Ints
    other: Ints
    own: Ints

    @property
    def n(self) -> int:
        """How many sets."""
        return len(self.own)

    def mean_of_others(self, values: Floats) -> Floats:
        """Give the mean over the others of each set of a value per pair."""
        sums = np.bincount(self.subject, values, self.n)
        return np.asarray(sums / np.maximum(np.bincount(self.subject, minlength=self.n), 1), float)


class Gap(NamedTuple):
    """Means of the subjects and of those matched, their difference and ratio with intervals, and the p-value of none."""

    mean: float
    other_mean: float
    difference: float
    lower: float
    upper: float
    ratio: float
    ratio_lower: float
    ratio_upper: float
    p_value: float


def nearest(point: Floats, others: Floats, scale: Floats, n: int, caliper: float) -> tuple[Ints, Floats]:
    """Give the places of the `n` nearest others and their distances, nearest first; none beyond the caliper.

    Distance is Euclid's after each column is divided by its scale; no single column may differ by more than the caliper,
    in units of its scale.

    >>> nearest(np.array([0.0]), np.array([[3.0], [0.1], [0.2]]), np.array([1.0]), 2, 1.0)[0].tolist()
    [1, 2]
    """
    off = np.abs(others - point) / scale
    close = np.flatnonzero((off <= caliper).all(axis=1))
    distance = np.sqrt((off[close] ** 2).sum(axis=1))
    chosen = np.argsort(np.round(distance, 9), kind="stable")[:n]
    return close[chosen], distance[chosen]


def levelled(outcome: Floats, features: Floats, wanted: Floats) -> Floats:
    """Move outcomes of others to what they would be at the features of those they are matched with, by regression.

    It takes out what is left of differences after matching, with squares and products of features where there are pairs enough,
    or else linearly. With too few pairs for that, outcomes stay as they are.

    References
    ----------
    Abadie, A. and Imbens, G. W. (2011). Bias-corrected matching estimators for average treatment effects. Journal of Business
    and Economic Statistics 29, 1-11.

    Examples
    --------
    >>> x = np.arange(40.0)[:, None]
    >>> levelled(2 * x[:, 0] + 1, x, x + 0.5)[:2].round(9).tolist()
    [2.0, 4.0]
    """
    middle = features.mean(axis=0)
    have, want = _curved(features - middle), _curved(wanted - middle)
    if len(have) < _PAIRS_PER_FEATURE * (have.shape[1] + 1):
        have, want = features - middle, wanted - middle
    if len(have) < _PAIRS_PER_FEATURE * (have.shape[1] + 1):
        return outcome
    design = np.column_stack([np.ones(len(have)), have])
    slope = np.linalg.lstsq(design, outcome, rcond=1e-9)[0][1:]
    return np.asarray(outcome + (want - have) @ slope, float)


def _curved(x: Floats) -> Floats:
    """Add squares and products: those alike in each feature may differ in how features go together."""
    one, other = np.triu_indices(x.shape[1])
    return np.column_stack([x, x[:, one] * x[:, other]])


def gap(sets: Sets, chosen: NDArray[np.bool_], own: Floats, others: Floats, *, level: float = 0.95) -> Gap:
    """Compare the chosen sets' own outcomes with those of the others.

    Parameters
    ----------
    sets
        Who is compared with whom.
    chosen
        Which sets count: at least one.
    own
        Outcome of each set's own subject.
    others
        Outcome of the other subject of each pair.

    Notes
    -----
    The variance is that of cluster-robust errors in two ways, by set and by subject, less that of single observations; the
    quantile is Student's, with one degree less than there are sets or different others, whichever are fewer. The
    ratio's interval is that of its logarithm; without it (a mean of 0) it is NaN.

    References
    ----------
    Cameron, A. C., Gelbach, J. B. and Miller, D. L. (2011). Robust inference with multiway clustering. Journal of Business
    and Economic Statistics 29, 238-249. Austin, P. C. and Cafri, G. (2020). Variance estimation when using propensity-score
    matching with replacement. Statistics in Medicine 39, 1623-1640.

    Examples
    --------
    >>> sets = Sets(np.array([0, 1, 2]), np.array([10, 11, 12]), np.array([0, 1, 2]))
    >>> found = gap(sets, np.ones(3, bool), np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 6.0]))
    >>> found.mean, found.other_mean, found.difference
    (4.0, 3.0, 1.0)
    """
    scores = _scores(sets, chosen, own, others)
    difference = scores.mean - scores.other_mean
    error = math.sqrt(_variance(sets, scores))
    freedom = _freedom(sets, chosen)
    half = _quantile(freedom, level) * error
    ratio, low, high = _ratio(sets, scores, freedom, level)
    p = _p_value(difference, error, freedom)
    return Gap(
        scores.mean, scores.other_mean, difference, difference - half, difference + half, ratio, low, high, p
    )


def contrast(
    sets: Sets,
    one: NDArray[np.bool_],
    other: NDArray[np.bool_],
    own: Floats,
    others: Floats,
    *,
    level: float = 0.95,
) -> Gap:
    """Compare the differences of two lots of sets: those of `one` less those of `other`.

    The means are the two differences; the ratio is that of the two ratios.
    """
    a, b = _scores(sets, one, own, others), _scores(sets, other, own, others)
    first, second = a.mean - a.other_mean, b.mean - b.other_mean
    error = math.sqrt(_variance(sets, _joined(a, b)))
    freedom = min(_freedom(sets, one), _freedom(sets, other))
    half = _quantile(freedom, level) * error
    difference = first - second
    p = _p_value(difference, error, freedom)
    ratio = (math.nan, math.nan, math.nan)
    if min(a.mean, a.other_mean, b.mean, b.other_mean) > 0:
        joined = _joined(_relative(a), _relative(b))
        log_error = math.sqrt(_variance(sets, joined))
        at = math.log(a.mean / a.other_mean) - math.log(b.mean / b.other_mean)
        ratio = _around(at, log_error, freedom, level)
    return Gap(first, second, difference, difference - half, difference + half, *ratio, p)


@dataclass(frozen=True, eq=False)
class _Scores:
    """What each observation adds to an estimate, beside its mean: of sets' own subjects and of pairs."""

    mean: float
    other_mean: float
    own: Floats  # per set
    pairs: Floats  # per pair, taken off
    others_back: Floats  # per set: pairs summed


def _scores(sets: Sets, chosen: NDArray[np.bool_], own: Floats, others: Floats) -> _Scores:
    n = max(int(chosen.sum()), 1)
    size = np.maximum(np.bincount(sets.subject, minlength=sets.n), 1)
    weight = chosen / n
    pair_weight = (weight / size)[sets.subject]
    mean, other_mean = float(weight @ own), float(pair_weight @ others)
    pairs = pair_weight * (others - other_mean)
    correction = math.sqrt(n / max(n - 1, 1))
    own_scores, pairs = correction * weight * (own - mean), correction * pairs
    return _Scores(
        mean, other_mean, own_scores, pairs, np.asarray(np.bincount(sets.subject, pairs, sets.n), float)
    )


def _joined(a: _Scores, b: _Scores) -> _Scores:
    return _Scores(0.0, 0.0, a.own - b.own, a.pairs - b.pairs, a.others_back - b.others_back)


def _relative(s: _Scores) -> _Scores:
    top, base = max(s.mean, 1e-300), max(s.other_mean, 1e-300)
    return _Scores(s.mean, s.other_mean, s.own / top, s.pairs / base, s.others_back / base)


def _variance(sets: Sets, s: _Scores) -> float:
    by_set = float(((s.own - s.others_back) ** 2).sum())
    size = int(max(sets.own.max(initial=0), sets.other.max(initial=0))) + 1
    subject = np.bincount(sets.own, s.own, size) - np.bincount(sets.other, s.pairs, size)
    single = float((s.own**2).sum() + (s.pairs**2).sum())
    return max(by_set + float((subject**2).sum()) - single, by_set * 0.5, 0.0)


def _freedom(sets: Sets, chosen: NDArray[np.bool_]) -> int:
    """Give the degrees of freedom: one less than the clusters of the way that has fewer."""
    others = np.unique(sets.other[chosen[sets.subject]]).size
    return max(min(int(chosen.sum()), others) - 1, 1)


def _quantile(freedom: int, level: float) -> float:
    return float(stdtrit(freedom, 0.5 + level / 2))


def _p_value(difference: float, error: float, freedom: int) -> float:
    return float(2 * stdtr(freedom, -abs(difference) / error)) if error > 0 else 1.0


def _ratio(sets: Sets, s: _Scores, freedom: int, level: float) -> tuple[float, float, float]:
    if s.mean <= 0 or s.other_mean <= 0:
        return math.nan, math.nan, math.nan
    error = math.sqrt(_variance(sets, _relative(s)))
    return _around(math.log(s.mean / s.other_mean), error, freedom, level)


def _around(at: float, error: float, freedom: int, level: float) -> tuple[float, float, float]:
    half = min(_quantile(freedom, level) * error, 300.0)
    return math.exp(at), math.exp(at - half), math.exp(at + half)
