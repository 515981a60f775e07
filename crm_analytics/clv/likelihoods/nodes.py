"""Quadrature over a beta distribution: nodes and weights of E_p[f(p)], p ~ Beta(a, b)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from scipy.linalg import eigh_tridiagonal

from crm_analytics.clv.likelihoods.rows import Floats

N_NODES: Final = 64


def beta_nodes(a: float, b: Floats, n: int = N_NODES) -> tuple[Floats, Floats]:
    """Give Gauss-Jacobi nodes and weights for Beta(a, b_i), each row summing to 1.

    Golub and Welsch (1969): the nodes are the eigenvalues of the Jacobi matrix of the recurrence, the weights the
    squared first components of its eigenvectors.

    Parameters
    ----------
    a
        First shape, > 0.
    b
        Second shapes, > 0, shape (m,).
    n
        Nodes; 64 give 3e-8 in the worst case known (shapes near 0 with a thousand purchases), 1e-15 usually.

    Returns
    -------
    nodes, weights
        Shape (m, n), nodes in (0, 1).

    Examples
    --------
    >>> p, w = beta_nodes(2.0, np.array([3.0]), 8)
    >>> round(float((p * w).sum()), 12)
    0.4
    """
    points, weights = _nodes(float(a), np.asarray(b, float).tobytes(), n)
    return points.copy(), weights.copy()


@lru_cache(maxsize=64)  # several figures of one fit are averaged over the same nodes
def _nodes(a: float, second_shapes: bytes, n: int) -> tuple[Floats, Floats]:
    diagonal, off = _recurrence(a, np.frombuffer(second_shapes), n)
    points, weights = np.empty_like(diagonal), np.empty_like(diagonal)
    for i, (d, e) in enumerate(zip(diagonal, off, strict=True)):
        # a dense solver for all at once wakes threads that cost ten times what they bring
        values, vectors = eigh_tridiagonal(d, e, lapack_driver="stev", check_finite=False)
        points[i], weights[i] = np.clip((values + 1.0) / 2.0, 0.0, 1.0), vectors[0] ** 2
    return points, weights


def _recurrence(a: float, b: Floats, n: int) -> tuple[Floats, Floats]:
    """Give the diagonal and off-diagonal of the Jacobi matrices, one row per second shape."""
    first, second = b - 1.0, a - 1.0  # exponents of (1 - u) and (1 + u) on [-1, 1]
    k = np.arange(n, dtype=float)[None, :]
    both = (first + second)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        diagonal = (second**2 - first[:, None] ** 2) / ((2 * k + both) * (2 * k + both + 2))
    diagonal[:, 0] = ((second - first) / (first + second + 2)).ravel()
    j = k[:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        off = (
            4 * j * (j + first[:, None]) * (j + second) * (j + both)
            / ((2 * j + both) ** 2 * (2 * j + both + 1) * (2 * j + both - 1))
        )  # fmt: skip
    off[:, 0] = 4 * (1 + first) * (1 + second) / ((2 + first + second) ** 2 * (3 + first + second))
    return diagonal, np.sqrt(off)
