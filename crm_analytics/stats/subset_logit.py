"""The likelihood that every subset of drivers reaches for a yes/no or an ordered outcome.

Proportional odds: P(outcome at most j) = 1 / (1 + exp(-(threshold_j - eta))), eta linear in the drivers; two categories
make it the logistic regression. All subsets are fitted by Newton's method together: the linear predictors, the scores and
the second derivatives of hundreds of subsets are one matrix product each. Every subset starts where the full model,
projected on its columns, would have it, and needs about three steps.

References
----------
McCullagh, P. (1980). Regression models for ordinal data. Journal of the Royal Statistical Society B 42, 109-142.
McFadden, D. (1974). Conditional logit analysis of qualitative choice behavior. Frontiers in Econometrics, 105-142.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import comb
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm_analytics.errors import OptionError
from crm_analytics.stats import subset_binary
from crm_analytics.stats.intervals import Floats

MOST_SUBSETS: Final = 12
"""Up to so many drivers every subset is fitted; a few seconds for ten thousand answers at 12."""

_SUBSETS: Final = 128  # fitted together
_ROWS: Final = 32  # times the subsets: what stays in the cache, and products too small to wake threads
_WIDE_ROWS: Final = 160  # products too small to wake threads
_MOST_STEPS: Final = 30
_SMALL: Final = 1e-140  # its square still divides


@dataclass(frozen=True, eq=False)
class Answers:
    """Rows with drivers (n, q) in standard units, and the weight of each category of the outcome (n, J)."""

    x: Floats
    counts: Floats


@dataclass(frozen=True, eq=False)
class OrdinalFit:
    """The model with all drivers: what it says, and how sure that is.

    `coefficients` per unit of each column, `thresholds` (J - 1), `covariance` of (coefficients, thresholds),
    `log_likelihood`, `null` (of the thresholds alone), `scores` (n, q + J - 1) each row's derivative, `probabilities`
    (n, J), `separated` where some combination of drivers tells the outcome for certain, so that coefficients have no end.
    """

    coefficients: Floats
    thresholds: Floats
    covariance: Floats
    log_likelihood: float
    null: float
    scores: Floats
    probabilities: Floats
    separated: bool


@dataclass(frozen=True, eq=False)
class SubsetLikelihoods:
    """Log-likelihood of each subset (2^p,), and each row's part in the Shapley value of it (n, p)."""

    log_likelihoods: Floats
    row_shares: Floats


def categories(outcome: ArrayLike, weights: ArrayLike | None = None) -> tuple[Floats, Floats]:
    """Spread an outcome over its ordered categories: the values found, and (n, J) weights."""
    values, place = np.unique(np.asarray(outcome, float), return_inverse=True)
    w = np.ones(len(place)) if weights is None else np.asarray(weights, float)
    counts = np.zeros((len(place), len(values)))
    counts[np.arange(len(place)), place] = w
    return values, counts


def ordinal_fit(x: ArrayLike, counts: ArrayLike) -> OrdinalFit:
    """Fit the proportional-odds model with all drivers.

    Parameters
    ----------
    x
        (n, q) drivers; categorical ones as dummies.
    counts
        (n, J) weight of each ordered category per row, from `categories`; two categories or more.
    """
    answers, centre, scale = _standardised(x, counts)
    q, extra = answers.x.shape[1], answers.counts.shape[1] - 1
    everything = np.ones((q, 1), bool)
    beta, theta, ll = _newton(answers, everything, np.zeros((q, 1)), _null(answers)[:, None])
    information = _totals(answers, everything, beta, theta).information[0]
    turn = np.diag(np.concatenate([1 / scale, np.ones(extra)]))
    turn[q:, :q] = centre / scale  # thresholds of the drivers in their own units
    covariance = turn @ np.linalg.pinv(information, hermitian=True) @ turn.T
    below, each = _probabilities(answers.x, beta, theta)
    by_threshold = [v[:, 0] for v in _by_threshold(answers.counts, below, each)]
    by_eta = -np.sum(by_threshold, axis=0)
    return OrdinalFit(
        beta[:, 0] / scale,
        theta[:, 0] + (centre / scale) @ beta[:, 0],
        covariance,
        float(ll[0]),
        _null_log_likelihood(answers),
        np.column_stack([by_eta[:, None] * answers.x, *by_threshold]),
        np.stack([e[:, 0] for e in each], axis=1),
        separated=bool(np.abs(beta).max(initial=0.0) > 15),  # noqa: PLR2004 log odds per standard deviation
    )


def subset_likelihoods(
    x: ArrayLike,
    counts: ArrayLike,
    groups: Sequence[Sequence[int]] | None = None,
    always: Sequence[int] = (),
) -> SubsetLikelihoods:
    """Fit the model to every subset of drivers.

    Parameters
    ----------
    x, counts
        As for `ordinal_fit`.
    groups, always
        As for `subset_fits.subset_r2`.

    Returns
    -------
    SubsetLikelihoods
        In the order of `subset_fits`: bit k of the index says whether driver k is in. The worth of a subset is then
        McFadden's R2, 1 - log-likelihood / null, or another function of the log-likelihood.
    """
    answers, _, _ = _standardised(x, counts)
    q, fixed = answers.x.shape[1], list(always)
    sets = [[j] for j in range(q) if j not in fixed] if groups is None else [list(g) for g in groups]
    p = len(sets)
    if p > MOST_SUBSETS:
        raise OptionError.out_of_range("groups", p, f"at most {MOST_SUBSETS} drivers for every subset")
    index = np.arange(2**p)
    active = np.zeros((q, 2**p), bool)
    active[fixed] = True
    for k, group in enumerate(sets):
        active[group] |= (index >> k & 1).astype(bool)
    weight = _shapley_weights(index, p)
    ll, shares = np.empty(2**p), np.zeros((len(answers.x), p))
    start_beta, start_theta = _starts(answers, active)
    for begin in range(0, 2**p, _SUBSETS):
        part = slice(begin, begin + _SUBSETS)
        climb = _binary if answers.counts.shape[1] == 2 else _ordered  # noqa: PLR2004 yes and no
        ll[part], own = climb(
            answers, active[:, part], start_beta[:, part], start_theta[:, part], weight[part]
        )
        shares += own
    return SubsetLikelihoods(ll, shares)


def _ordered(
    answers: Answers, active: NDArray[np.bool_], beta: Floats, theta: Floats, weight: Floats
) -> tuple[Floats, Floats]:
    """Give the log-likelihoods of some subsets, and each row's part in what they add to the Shapley values."""
    beta, theta, ll = _newton(answers, active, beta, theta)
    shares = np.empty((len(answers.x), weight.shape[1]))
    for rows in _blocks(len(answers.x), active.shape[1]):
        _, each = _probabilities(answers.x[rows], beta, theta)
        shares[rows] = _log_likelihoods(answers.counts[rows], each) @ weight
    return ll, shares


def _binary(
    answers: Answers, active: NDArray[np.bool_], beta: Floats, theta: Floats, weight: Floats
) -> tuple[Floats, Floats]:
    """Do the same for yes and no; the log of P(yes) is all that is needed, as P(no) differs by the linear predictor."""
    x = np.column_stack([answers.x, -np.ones(len(answers.x))])
    yes, total = answers.counts[:, 1], answers.counts.sum(axis=1)
    inside = np.concatenate([active, np.ones((1, active.shape[1]), bool)])
    found = subset_binary.newton(x, yes, total, inside, np.concatenate([beta, theta]))
    ll, shares = np.zeros(active.shape[1]), np.empty((len(x), weight.shape[1]))
    for a in range(0, len(x), _WIDE_ROWS):
        rows = slice(a, a + _WIDE_ROWS)
        eta = np.clip(x[rows] @ found, -700, 700)
        sure = np.log1p(np.exp(-eta))
        own = (yes - total)[rows, None] * eta - total[rows, None] * sure
        ll += own.sum(axis=0)
        shares[rows] = own @ weight
    return ll, shares


def _shapley_weights(index: NDArray[np.int64], p: int) -> Floats:
    """Give the weight of each subset's worth in each driver's Shapley value: (2^p, p)."""
    inside = (index[:, None] >> np.arange(p) & 1).astype(bool)
    size = inside.sum(axis=1)
    per = np.array([1 / (p * comb(p - 1, s)) for s in range(p)] + [0.0])
    weight: Floats = np.where(inside, per[np.maximum(size - 1, 0)][:, None], -per[size][:, None])
    return weight


def _standardised(x: ArrayLike, counts: ArrayLike) -> tuple[Answers, Floats, Floats]:
    z, n = np.asarray(x, float), np.asarray(counts, float)
    present = n.sum(axis=0) > 0
    if z.ndim != 2 or present.sum() < 2:  # noqa: PLR2004
        raise OptionError.out_of_range("counts", f"{present.sum()} categories", "two or more that occur")
    w = n.sum(axis=1)
    centre = np.average(z, axis=0, weights=w)
    scale = np.sqrt(np.average((z - centre) ** 2, axis=0, weights=w))
    scale = np.where(scale > 0, scale, 1.0)
    return Answers((z - centre) / scale, n[:, present]), centre, scale


def _null(answers: Answers) -> Floats:
    share = np.cumsum(answers.counts.sum(axis=0))[:-1] / answers.counts.sum()
    thresholds: Floats = np.log(share / (1 - share))
    return thresholds


def _null_log_likelihood(answers: Answers) -> float:
    total = answers.counts.sum(axis=0)
    return float(total @ np.log(total / total.sum()))


def _starts(answers: Answers, active: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Project the full model on the columns of each subset, under the full model's own weights."""
    q, n_sets = active.shape
    everything = np.ones((q, 1), bool)
    beta, theta, _ = _newton(answers, everything, np.zeros((q, 1)), _null(answers)[:, None])
    information = _totals(answers, everything, beta, theta).information[0]
    full = np.concatenate([beta[:, 0], theta[:, 0]])
    inside = np.concatenate([active, np.ones((len(theta), n_sets), bool)]).T
    both = inside[:, :, None] & inside[:, None, :]
    squares = np.where(both, information, 0.0)
    squares[:, np.arange(len(full)), np.arange(len(full))] += ~inside + 1e-9
    target = np.where(inside, information @ full, 0.0)
    found = np.linalg.solve(squares, target[:, :, None])[:, :, 0].T
    start = np.sort(found[q:], axis=0)
    return np.where(active, found[:q], 0.0), start


@dataclass(frozen=True, eq=False)
class _Totals:
    """Sums over all rows, by subset: log-likelihood (S,), slope (m, S), information (S, m, m)."""

    log_likelihood: Floats
    slope: Floats
    information: Floats


def _blocks(n: int, n_sets: int) -> list[slice]:
    size = _ROWS * max(1, _SUBSETS // max(n_sets, 1))
    return [slice(a, min(a + size, n)) for a in range(0, n, size)]


def _probabilities(x: Floats, beta: Floats, theta: Floats) -> tuple[list[Floats], list[Floats]]:
    """Give P(at most j) per threshold and P(exactly j) per category, each (rows, subsets)."""
    eta = x @ beta
    below = []
    for threshold in theta:
        z = np.exp(np.clip(eta - threshold, -700, 700))
        z += 1.0
        below.append(np.reciprocal(z, out=z))
    each = [np.maximum(below[0], _SMALL)]
    each += [np.maximum(b - a, _SMALL) for a, b in pairwise(below)]
    each.append(np.maximum(1 - below[-1], _SMALL))
    return below, each


def _log_likelihoods(counts: Floats, each: list[Floats]) -> Floats:
    if (counts > 0).sum(axis=1).max(initial=0) == 1:  # one answer a row: one logarithm
        own = np.choose(counts.argmax(axis=1)[:, None], each) if len(each) <= 32 else _picked(counts, each)  # noqa: PLR2004
        rows: Floats = np.log(own) * counts.sum(axis=1)[:, None]
        return rows
    total: Floats = sum((counts[:, [j]] * np.log(e) for j, e in enumerate(each)), np.zeros(each[0].shape))
    return total


def _picked(counts: Floats, each: list[Floats]) -> Floats:
    place = counts.argmax(axis=1)
    picked: Floats = np.stack(each)[place, np.arange(len(place))]
    return picked


def _by_threshold(counts: Floats, below: list[Floats], each: list[Floats]) -> list[Floats]:
    per = [counts[:, [j]] / e for j, e in enumerate(each)]
    return [b * (1 - b) * (per[j] - per[j + 1]) for j, b in enumerate(below)]


def _totals(answers: Answers, active: NDArray[np.bool_], beta: Floats, theta: Floats) -> _Totals:
    """Go over the rows once, block by block in the cache, and sum what Newton's step needs."""
    q, n_sets, extra = *active.shape, len(theta)
    i, j = np.triu_indices(q)
    ll, slope = np.zeros(n_sets), np.zeros((q + extra, n_sets))
    pairs, cross = np.zeros((len(i), n_sets)), np.zeros((extra, q, n_sets))
    own, beside = np.zeros((extra, n_sets)), np.zeros((max(extra - 1, 0), n_sets))
    for rows in _blocks(len(answers.x), n_sets):
        x, counts = answers.x[rows], answers.counts[rows]
        below, each = _probabilities(x, beta, theta)
        ll += _log_likelihoods(counts, each).sum(axis=0)
        per = [counts[:, [k]] / e for k, e in enumerate(each)]
        around = []
        for k, b in enumerate(below):
            steep = b * (1 - b)
            score = steep * (per[k] - per[k + 1])
            slope[q + k] += score.sum(axis=0)
            slope[:q] -= x.T @ score
            bend = score * (1 - 2 * b) - steep * steep * (per[k] / each[k] + per[k + 1] / each[k + 1])
            own[k] += bend.sum(axis=0)
            around.append(bend)
        for k in range(extra - 1):
            link = below[k] * (1 - below[k]) * below[k + 1] * (1 - below[k + 1]) * per[k + 1] / each[k + 1]
            beside[k] += link.sum(axis=0)
            around[k] = around[k] + link
            around[k + 1] = around[k + 1] + link
        for k in range(extra):
            cross[k] += x.T @ around[k]
        pairs += (x[:, i] * x[:, j]).T @ sum(around[1:], around[0])
    block = np.zeros((n_sets, q + extra, q + extra))
    block[:, i, j] = block[:, j, i] = -pairs.T
    for k in range(extra):
        block[:, :q, q + k] = block[:, q + k, :q] = cross[k].T
        block[:, q + k, q + k] = -own[k]
        if k + 1 < extra:
            block[:, q + k, q + k + 1] = block[:, q + k + 1, q + k] = -beside[k]
    inside = np.concatenate([active, np.ones((extra, n_sets), bool)]).T
    block = np.where(inside[:, :, None] & inside[:, None, :], block, 0.0)
    size = np.arange(q + extra)
    block[:, size, size] += np.where(inside, 1e-10 * (1 + block[:, size, size]), 1.0)
    return _Totals(ll, np.where(inside.T, slope, 0.0), block)


def _newton(
    answers: Answers, active: NDArray[np.bool_], beta: Floats, theta: Floats
) -> tuple[Floats, Floats, Floats]:
    """Climb to the maximum of each subset; those that are there wait for the others."""
    q, n_sets = active.shape
    best = np.concatenate([beta, theta])
    ll, busy = np.full(n_sets, -np.inf), np.arange(n_sets)
    tried, step = best.copy(), np.zeros_like(best)
    tiny = 1e-11 * max(abs(_null_log_likelihood(answers)), 1.0)
    for _ in range(_MOST_STEPS):
        found = _totals(answers, active[:, busy], tried[:q], tried[q:])
        better = found.log_likelihood >= ll[busy] - 1e-10 * np.abs(found.log_likelihood)
        up = busy[better]
        best[:, up], ll[up] = tried[:, better], found.log_likelihood[better]
        newton = np.linalg.solve(found.information, found.slope.T[:, :, None])[:, :, 0].T
        step = np.where(better, newton, step / 2)  # downhill: half as far from where it was
        far = ~better | ((found.slope * newton).sum(axis=0) / 2 > tiny)
        busy, step = busy[far], step[:, far]
        if not len(busy):
            break
        step = _in_order(best[q:, busy], step, q)
        tried = best[:, busy] + step
    return best[:q], best[q:], ll


def _in_order(theta: Floats, step: Floats, q: int) -> Floats:
    """Shorten steps that would put the thresholds out of order."""
    for _ in range(_MOST_STEPS):
        crossed = (np.diff(theta + step[q:], axis=0) <= 0).any(axis=0)
        if not crossed.any():
            break
        step = np.where(crossed, step / 2, step)
    return step
