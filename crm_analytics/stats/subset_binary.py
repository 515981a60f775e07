"""Newton's method for the logistic regressions of many subsets of drivers at once.

The ordered case with two categories, and many times as fast. Subsets start close to their maximum (see `subset_family`), so a
step with slope and information in single precision leaves little. Then likelihood and slope in double precision tell what is
still to gain, g' H^-1 g / 2, which is added. By how much that can be wrong is told by how much less it is than the step
before had promised, since both would be nought, were the log-likelihood a parabola; further steps are taken where it matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from crm_analytics.stats.intervals import Floats

ENOUGH: Final = 1e-10
"""What a log-likelihood may be off, as a share of itself."""

_PRODUCT: Final = (
    500_000  # multiplications of one product of matrices: more would wake threads, which then burn time
)
_CELLS: Final = 32_768  # rows times subsets that stay in the cache
_COARSE_STEPS: Final = 2
_NEAR: Final = 1e-4  # of the log-likelihood: so much to gain, and one coarse step is enough
_MOST_STEPS: Final = 80
_SLACK: Final = 1e-9  # of the log-likelihood: what going downhill is
_BENT: Final = 1e4  # condition of the columns beyond which single precision would mislead


@dataclass(frozen=True, eq=False)
class Climbed:
    """Where subsets ended: coefficients (m, S), log-likelihood (S,), inverse of the information (S, m, m)."""

    beta: Floats
    log_likelihood: Floats
    inverse: Floats


class Rows:
    """Rows of a yes/no outcome, made ready once for all subsets.

    Parameters
    ----------
    x
        (n, m) columns, the constant as the last.
    yes, total
        (n,) weight of yes, and of all answers, per row.
    """

    def __init__(self, x: Floats, yes: Floats, total: Floats) -> None:
        share = float(yes.sum() / total.sum())
        self.null = float(total.sum() * (share * np.log(share) + (1 - share) * np.log(1 - share)))
        self.null_constant = float(np.log(share / (1 - share)) / x[0, -1])
        self.no = (total - yes)[:, None]
        self.no_answers = (x * self.no).sum(axis=0)
        values = np.linalg.eigvalsh(gram(x, total))
        self.double = _Precision(x, yes, total)
        fine = values[0] * _BENT > values[-1]
        self.coarse = _Precision(*(v.astype(np.float32) for v in (x, yes, total))) if fine else self.double


class _Precision:
    """Columns and their products, as they are and times the weights, in one precision."""

    def __init__(self, x: Any, yes: Any, total: Any) -> None:  # noqa: ANN401 singles or doubles
        self.x, self.weighted = x, x * total[:, None]
        self.upper = np.triu_indices(x.shape[1])
        self.yes, self.total = (x * yes[:, None]).sum(axis=0, dtype=float), total[:, None]
        self.alike = bool((total == 1).all())

    @cached_property
    def pairs(self) -> Any:  # noqa: ANN401 singles or doubles
        """Products of columns, which the information needs, times the weights."""
        return self.weighted[:, self.upper[0]] * self.x[:, self.upper[1]]


def gram(x: Floats, w: Floats) -> Floats:
    """Give x' W x, a few rows at a time, so that no threads are woken."""
    size = max(8, _PRODUCT // x.shape[1] ** 2)
    blocks = (slice(a, a + size) for a in range(0, len(x), size))
    return sum(((x[b] * w[b, None]).T @ x[b] for b in blocks), np.zeros((x.shape[1], x.shape[1])))


def climb(rows: Rows, active: NDArray[np.bool_], start: Floats) -> Climbed:
    """Climb to the maximum of each subset.

    Parameters
    ----------
    rows
        The answers.
    active
        (m, S) which columns each subset has, the constant as the last.
    start
        (m, S).
    """
    at = _Climbers(rows, active, start)
    with np.errstate(over="ignore", divide="ignore"):  # a step too far has a likelihood of 0
        _climb(rows, at)
    return Climbed(at.tried, at.log_likelihood + at.promised, at.inverse)


def _climb(rows: Rows, at: _Climbers) -> None:
    busy = np.arange(at.active.shape[1])
    for _ in range(_COARSE_STEPS):
        gain = at.approach(busy)
        busy = busy[gain > -_NEAR * rows.null]
        if not len(busy):
            break
    busy = np.arange(at.active.shape[1])
    for k in range(_MOST_STEPS):
        before = at.promised[busy]
        better, gain = at.step(busy, bend=k > 1)  # the information there is will do for a step more
        off = 4 * gain * np.minimum(np.sqrt(gain / np.maximum(before, 1e-300)), 1.0)
        busy = busy[~better | (off > -ENOUGH * (at.log_likelihood[busy] + 1e-3 * rows.null))]
        if not len(busy):
            break


class _Climbers:
    """Where each subset stands: the best coefficients seen, those to be tried next, and what the last step promised."""

    def __init__(self, rows: Rows, active: NDArray[np.bool_], start: Floats) -> None:
        m, n_sets = active.shape
        self.rows, self.active = rows, active
        self.best = np.zeros((m, n_sets))
        self.best[-1] = rows.null_constant
        self.log_likelihood = np.full(n_sets, rows.null)
        self.tried = np.where(active, start, 0.0)
        self.promised = np.zeros(n_sets)
        self.inverse = np.zeros((n_sets, m, m))

    def approach(self, busy: NDArray[np.intp]) -> Floats:
        """Take a step in the coarse precision, wherever it leads; give what it is to gain."""
        slope, flat, _ = _sums(self.rows.coarse, self.tried[:, busy], bend=True)
        self.inverse[busy] = self._inverses(flat, busy)
        step, gain = self._newton(busy, slope)
        self.promised[busy] = gain
        lost = gain > -self.rows.null  # more than there is
        self.tried[:, busy] = np.where(lost, self.best[:, busy], self.tried[:, busy] + step)
        return gain

    def step(self, busy: NDArray[np.intp], *, bend: bool) -> tuple[NDArray[np.bool_], Floats]:
        """Look at what is tried, and try what Newton says next; give which went up, and what they are to gain."""
        here = self.tried[:, busy]
        slope, flat, logs = _sums(self.rows.double, here, bend=bend, logs=True)
        ll = logs - (self.rows.no_answers[:, None] * here).sum(axis=0)
        better = ll >= self.log_likelihood[busy] + _SLACK * self.rows.null
        up = busy[better]
        self.best[:, up], self.log_likelihood[up] = here[:, better], ll[better]
        if bend:
            self.inverse[up] = self._inverses(flat[:, better], up)
        step, gain = self._newton(busy, slope)
        self.promised[up] = gain[better]
        back = (here - self.best[:, busy]) / 2  # downhill: half as far from where it was
        self.tried[:, busy] = self.best[:, busy] + np.where(better, step, back)
        return better, gain

    def _inverses(self, flat: Floats, which: NDArray[np.intp]) -> Floats:
        """Invert the information on the columns each subset has; 1 on the diagonal of those it has not."""
        found = np.linalg.inv(_information(flat, self.active[:, which], self.rows.double.upper))
        return found.astype(float, copy=False)

    def _newton(self, busy: NDArray[np.intp], slope: Floats) -> tuple[Floats, Floats]:
        slope = np.where(self.active[:, busy], slope, 0.0)
        step = (self.inverse[busy] @ slope.T[:, :, None])[:, :, 0].T
        gain: Floats = np.abs((slope * step).sum(axis=0) / 2)
        return step, gain


def row_log_likelihoods(rows: Rows, part: slice, beta: Floats) -> Floats:
    """Give each row's log-likelihood in each subset, (rows, S)."""
    total = rows.double.total[part]
    logs = rows.double.x[part] @ -beta
    np.clip(logs, -700, 700, out=logs)
    own: Floats = logs * rows.no[part]
    np.exp(logs, out=logs)
    logs += 1
    np.log(logs, out=logs)
    logs *= total
    own -= logs
    return own


def _sums(rows: _Precision, beta: Floats, *, bend: bool, logs: bool = False) -> tuple[Floats, Floats, Floats]:
    """Sum over the rows, block by block: slope (m, S), information (pairs, S), logs of P(yes) (S,)."""
    m, n_sets = beta.shape
    n_pairs = len(rows.upper[0])
    small = (-beta).astype(rows.x.dtype)
    size = max(8, min(_CELLS // n_sets, _PRODUCT // (m * n_sets)))
    strip = max(8, _PRODUCT // (n_pairs * n_sets))
    expected, flat, log_sum = np.zeros((m, n_sets)), np.zeros((n_pairs, n_sets)), np.zeros(n_sets)
    for a in range(0, len(rows.x), size):
        part = slice(a, a + size)
        p = _chance(rows.x[part] @ small)
        expected += rows.weighted[part].T @ p
        if bend:
            bends = p * p
            np.subtract(p, bends, out=bends)
            pairs = rows.pairs[part]
            for b in range(0, len(p), strip):
                flat += pairs[b : b + strip].T @ bends[b : b + strip]
        if logs:
            np.log(p, out=p)
            if not rows.alike:
                p *= rows.total[part]
            log_sum += p.sum(axis=0)
    return rows.yes[:, None] - expected, flat, log_sum


def _chance(eta: Any) -> Any:  # noqa: ANN401 singles or doubles, in place
    """Turn negated linear predictors into P(yes)."""
    np.exp(eta, out=eta)
    eta += 1
    return np.reciprocal(eta, out=eta)


def _information(flat: Floats, active: NDArray[np.bool_], upper: tuple[NDArray[np.intp], ...]) -> Floats:
    m, n_sets = active.shape
    i, j = upper
    information = np.zeros((n_sets, m, m))
    information[:, i, j] = information[:, j, i] = flat.T
    inside = active.T
    information = np.where(inside[:, :, None] & inside[:, None, :], information, 0.0)
    size = np.arange(m)
    information[:, size, size] += np.where(inside, 1e-7 * (1e-3 + information[:, size, size]), 1.0)
    return information
