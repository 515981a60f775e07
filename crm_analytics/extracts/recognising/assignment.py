"""The best one-to-one assignment of columns to headings (the Hungarian method, by shortest augmenting paths)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def assign(scores: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Give the pairs (row, column) with the largest sum of scores; pairs that score nothing are left out.

    Kuhn (1955), in the O(n^2 m) form with potentials of Jonker and Volgenant (1987).

    >>> import numpy as np
    >>> assign(np.array([[0.9, 0.8], [0.85, 0.1]]))
    [(0, 1), (1, 0)]
    """
    if not scores.size:
        return []
    rows, columns = scores.shape
    # padded so that every row may also stay without a column
    cost = np.hstack([-scores, np.zeros((rows, rows))])
    owner = np.full(columns + rows + 1, -1)
    u, v = np.zeros(rows), np.zeros(columns + rows + 1)
    for row in range(rows):
        _augment(row, cost, owner, u, v)
    pairs = [(int(owner[j]), j) for j in range(columns) if owner[j] >= 0]
    return sorted((i, j) for i, j in pairs if scores[i, j] > 0)


def _augment(
    row: int,
    cost: NDArray[np.float64],
    owner: NDArray[np.int64],
    u: NDArray[np.float64],
    v: NDArray[np.float64],
) -> None:
    """Find a place for one more row, moving the others where the sum gains by it."""
    m = cost.shape[1]
    owner[m] = row
    shortest, came_from = np.full(m, math.inf), np.full(m, m)
    done = np.zeros(m + 1, dtype=bool)
    here = m
    while owner[here] >= 0:
        done[here] = True
        i = owner[here]
        reduced = cost[i] - u[i] - v[:m]
        better = ~done[:m] & (reduced < shortest)
        shortest[better], came_from[better] = reduced[better], here
        there = int(np.argmin(np.where(done[:m], math.inf, shortest)))
        delta = shortest[there]
        u[owner[done]] += delta
        v[done] -= delta
        shortest[~done[:m]] -= delta
        here = there
    while here != m:
        owner[here] = owner[came_from[here]]
        here = int(came_from[here])
    owner[m] = -1
