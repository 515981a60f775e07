"""Newton's method for the proportional-odds models of many subsets of drivers at once.

The linear predictors, slopes and second derivatives of a hundred subsets are one matrix product each. What the last step would
still gain is added to the log-likelihood, and the step taken where that might be off by more than a part in 10^10.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.subset_binary import ENOUGH, Climbed

_SUBSETS: Final = 128
_ROWS: Final = 32  # times the subsets: what stays in the cache, and products too small to wake threads
_MOST_STEPS: Final = 40
_SMALL: Final = 1e-140  # its square still divides


@dataclass(frozen=True, eq=False)
class Answers:
    """Rows with drivers (n, q) in standard units, and the weight of each category of the outcome (n, J)."""

    x: Floats
    counts: Floats

    @property
    def null(self) -> float:
        """Log-likelihood of a model that knows only how often each category occurs."""
        total = self.counts.sum(axis=0)
        return float(total @ np.log(total / total.sum()))

    @property
    def thresholds(self) -> Floats:
        """Thresholds of that model, (J - 1,)."""
        share = np.cumsum(self.counts.sum(axis=0))[:-1] / self.counts.sum()
        found: Floats = np.log(share / (1 - share))
        return found


def climb(answers: Answers, active: NDArray[np.bool_], start: Floats) -> Climbed:
    """Climb to the maximum of each subset; those that are there wait for the others.

    Parameters
    ----------
    answers
        The answers.
    active
        (q, S) which columns each subset has.
    start
        (q + J - 1, S): coefficients, then thresholds.
    """
    q, n_sets = active.shape
    best = start.copy()
    ll, busy, promised = np.full(n_sets, -np.inf), np.arange(n_sets), np.zeros(n_sets)
    inverse = np.zeros((n_sets, len(start), len(start)))
    gained = np.zeros(n_sets)
    tried, step = best.copy(), np.zeros_like(best)
    for _ in range(_MOST_STEPS):
        found = _totals(answers, active[:, busy], tried[:q], tried[q:])
        better = found.log_likelihood >= ll[busy] - 1e-10 * np.abs(found.log_likelihood)
        up = busy[better]
        best[:, up], ll[up] = tried[:, better], found.log_likelihood[better]
        turned = np.linalg.inv(found.information)
        inverse[up] = turned[better]
        newton = (turned @ found.slope.T[:, :, None])[:, :, 0].T
        step = np.where(better, newton, step / 2)  # downhill: half as far from where it was
        gain = np.abs((found.slope * newton).sum(axis=0) / 2)
        gained[up] = gain[better]
        off = 4 * gain * np.minimum(np.sqrt(gain / np.maximum(promised[busy], 1e-300)), 1.0)
        promised[up] = gain[better]
        far = ~better | (off > -ENOUGH * (found.log_likelihood + 1e-3 * answers.null))
        best[:, busy[~far]] += _in_order(best[q:, busy[~far]], step[:, ~far], q)
        busy, step = busy[far], step[:, far]
        if not len(busy):
            break
        step = _in_order(best[q:, busy], step, q)
        tried = best[:, busy] + step
    return Climbed(best, ll + gained, inverse)


def row_log_likelihoods(answers: Answers, part: slice, found: Floats) -> Floats:
    """Give each row's log-likelihood in each subset, (rows, S)."""
    q = answers.x.shape[1]
    _, each = probabilities(answers.x[part], found[:q], found[q:])
    return _log_likelihoods(answers.counts[part], each)


def information(answers: Answers, beta: Floats, theta: Floats) -> Floats:
    """Give the negative second derivatives of one model with all columns."""
    everything = np.ones((len(beta), 1), bool)
    found: Floats = _totals(answers, everything, beta[:, None], theta[:, None]).information[0]
    return found


@dataclass(frozen=True, eq=False)
class _Totals:
    """Sums over all rows, by subset: log-likelihood (S,), slope (m, S), information (S, m, m)."""

    log_likelihood: Floats
    slope: Floats
    information: Floats


def _blocks(n: int, n_sets: int) -> list[slice]:
    size = _ROWS * max(1, _SUBSETS // max(n_sets, 1))
    return [slice(a, min(a + size, n)) for a in range(0, n, size)]


def probabilities(x: Floats, beta: Floats, theta: Floats) -> tuple[list[Floats], list[Floats]]:
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


def by_threshold(counts: Floats, below: list[Floats], each: list[Floats]) -> list[Floats]:
    """Give the derivative of each row's log-likelihood by each threshold, (rows, subsets) each."""
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
        below, each = probabilities(x, beta, theta)
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


def _in_order(theta: Floats, step: Floats, q: int) -> Floats:
    """Shorten steps that would put the thresholds out of order."""
    for _ in range(_MOST_STEPS):
        crossed = (np.diff(theta + step[q:], axis=0) <= 0).any(axis=0)
        if not crossed.any():
            break
        step = np.where(crossed, step / 2, step)
    return step
