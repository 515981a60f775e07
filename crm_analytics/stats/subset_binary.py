"""Newton's method for the logistic regressions of many subsets of drivers at once.

The ordered case with two categories, and several times as fast: one exponential a row, subset and step, in single precision until the
last step, since only the slope at the end needs more. A step is taken without looking whether it went uphill: the problem is
concave and the starts are good; a step that would promise more than the one before it is halved.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from crm_analytics.stats.intervals import Floats

_PRODUCT: Final = 250_000  # multiplications of one product of matrices: too few to wake threads
_MOST_STEPS: Final = 60
_COARSE: Final = 1e-3
_FINE: Final = 1e-7
_FAR: Final = 60.0

Singles = NDArray[np.float32]


def newton(x: Floats, yes: Floats, total: Floats, active: NDArray[np.bool_], start: Floats) -> Floats:
    """Climb to the maximum of each subset.

    Parameters
    ----------
    x
        (n, m) columns, the constant among them.
    yes, total
        (n,) weight of yes, and of all answers, per row.
    active
        (m, n_sets) which columns each subset has.
    start
        (m, n_sets).

    Returns
    -------
    array
        (m, n_sets) coefficients, 0 where a column is not in the subset; what a further step would gain in log-likelihood is
        below 1e-13.
    """
    beta = np.where(active, start, 0.0)
    single = _Rows(
        x.astype(np.float32),
        _products(x).astype(np.float32),
        yes.astype(np.float32),
        total.astype(np.float32),
    )
    double = _Rows(x, None, yes, total)
    m, n_sets = active.shape
    information, promised = np.zeros((n_sets, m, m)), np.full(n_sets, np.inf)
    for rows, enough in ((single, _COARSE), (double, _FINE)):
        busy = np.arange(n_sets)
        for _ in range(_MOST_STEPS):
            slope, found = _slopes(rows, active[:, busy], beta[:, busy])
            if found is not None:
                information[busy] = found
            step = np.linalg.solve(information[busy], slope.T[:, :, None])[:, :, 0].T
            gain = (slope * step).sum(axis=0) / 2
            shorter = np.where(gain > 2 * promised[busy], 0.5, 1.0)
            promised[busy] = gain
            beta[:, busy] = np.clip(beta[:, busy] + step * shorter, -_FAR, _FAR)
            busy = busy[gain > enough]
            if not len(busy):
                break
    return beta


class _Rows:
    """Rows in one precision: columns, products of columns (None where the information is known), weight of yes and of all."""

    def __init__(
        self, x: Floats | Singles, pairs: Singles | None, yes: Floats | Singles, total: Floats | Singles
    ) -> None:
        self.x, self.pairs, self.yes, self.total = x, pairs, yes, total


def _products(x: Floats) -> Floats:
    i, j = np.triu_indices(x.shape[1])
    return x[:, i] * x[:, j]


def _slopes(rows: _Rows, active: NDArray[np.bool_], beta: Floats) -> tuple[Floats, Floats | None]:
    """Sum slope (m, n_sets) and information (n_sets, m, m) over the rows, block by block."""
    m, n_sets = active.shape
    kind: Any = rows.x.dtype
    small: Any = (-beta).astype(kind)
    width = m if rows.pairs is None else rows.pairs.shape[1]
    size = max(8, min(256, _PRODUCT // (width * n_sets)))
    slope, flat = np.zeros((m, n_sets)), np.zeros((width, n_sets))
    for a in range(0, len(rows.x), size):
        part = slice(a, a + size)
        p = _chance(rows.x[part] @ small)
        if rows.pairs is not None:
            bend = p * (1 - p)
            bend *= rows.total[part, None]
            flat += rows.pairs[part].T @ bend
        p *= -rows.total[part, None]
        p += rows.yes[part, None]
        slope += rows.x[part].T @ p
    slope = np.where(active, slope, 0.0)
    return slope, None if rows.pairs is None else _information(flat, active)


def _chance(eta: Any) -> Any:  # noqa: ANN401 singles or doubles, in place
    """Turn negated linear predictors into P(yes)."""
    np.clip(eta, -80, 80, out=eta)
    np.exp(eta, out=eta)
    eta += 1
    return np.reciprocal(eta, out=eta)


def _information(flat: Floats, active: NDArray[np.bool_]) -> Floats:
    m, n_sets = active.shape
    i, j = np.triu_indices(m)
    information = np.zeros((n_sets, m, m))
    information[:, i, j] = information[:, j, i] = flat.T
    inside = active.T
    information = np.where(inside[:, :, None] & inside[:, None, :], information, 0.0)
    size = np.arange(m)
    information[:, size, size] += np.where(inside, 1e-7 * (1e-3 + information[:, size, size]), 1.0)
    return information
