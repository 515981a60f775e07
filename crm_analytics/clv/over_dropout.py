"""Means over a customer's unknown chance of leaving, for many customers at once.

Given alive, a customer's p is Beta(a, b + x + s); what is averaged depends on (x, T) alone and is smooth in
ln(alpha + T). So each distinct x gets one set of Gauss-Jacobi nodes, and where it has many ages the mean is worked out at
Chebyshev points in ln(alpha + T) and interpolated to machine precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from crm_analytics.clv.nodes import N_NODES, beta_nodes
from crm_analytics.clv.rows import Floats

N_CHEBYSHEV: Final = 32
_PER_ROOT: Final = 7.0  # error e^(-4 n / sqrt(reach)), by the ellipse that the singularity allows
_MOST_NODES: Final = 512  # enough for a horizon of 5,000 times alpha + T
_BATCH: Final = 256  # distinct x at once: bounds the memory of their Jacobi matrices

Integrand = Callable[[Floats, float, Floats], Floats]
"""(p of shape (nodes,), R, c = alpha + T of shape (m, 1)) -> (m, nodes)."""


def mean_over_dropout(
    x: Floats,
    age: Floats,
    f: Integrand,
    *,
    r: float,
    alpha: float,
    a: float,
    b: float,
    shift: int,
    horizon: float = 0.0,
) -> Floats:
    """Give E_p[f(p, r + x, alpha + T)] per row.

    Parameters
    ----------
    x, age
        Repeat purchases and age per row, any order.
    f
        What is averaged.
    r, alpha, a, b, shift
        Parameters of the model, and 1 for MBG/NBD, 0 for BG/NBD.
    horizon
        How far f looks ahead: many times alpha + T takes more nodes.

    Returns
    -------
    numpy.ndarray
        One mean per row.
    """
    counts, codes = np.unique(x, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes))
    found = np.empty(len(x))
    n = _nodes_for(horizon / (alpha + float(age.min(initial=np.inf))))
    for first in range(0, len(counts), _BATCH):
        some = counts[first : first + _BATCH]
        nodes, weights = beta_nodes(a, b + some + shift, n)
        for i, count in enumerate(some, start=first):
            rows = order[ends[i - 1] if i else 0 : ends[i]]
            found[rows] = _one_count(
                alpha + age[rows], r + float(count), nodes[i - first], weights[i - first], f
            )
    return found


def _nodes_for(reach: float) -> int:
    """Say how many nodes give twelve digits: f has its nearest singularity at p = -1 / reach."""
    wanted = _PER_ROOT * np.sqrt(reach)
    return next((n for n in (N_NODES, 128, 256) if n >= wanted), _MOST_NODES)


def _one_count(c: Floats, big_r: float, p: Floats, w: Floats, f: Integrand) -> Floats:
    distinct, codes = (c, None) if len(c) <= N_CHEBYSHEV else np.unique(c, return_inverse=True)
    if len(distinct) <= N_CHEBYSHEV:
        values = f(p, big_r, distinct[:, None]) @ w
        return values if codes is None else values[codes]
    low, high = np.log(distinct[0]), np.log(distinct[-1])
    points = np.cos(np.pi * (np.arange(N_CHEBYSHEV) + 0.5) / N_CHEBYSHEV)
    at = f(p, big_r, np.exp(low + (high - low) * (points + 1) / 2)[:, None]) @ w
    unit = 2 * (np.log(distinct) - low) / (high - low) - 1
    coefficients = np.polynomial.chebyshev.chebfit(points, at, N_CHEBYSHEV - 1)
    smooth: Floats = np.polynomial.chebyshev.chebval(unit, coefficients)
    assert codes is not None  # noqa: S101 for the type checker: many rows are always coded
    return smooth[codes]


def purchases(h: float) -> Integrand:
    """Give purchases expected within h of one alive: (1 - (1 + p h / c)^-R) / p, its limit R h / c kept at p = 0."""

    def f(p: Floats, big_r: float, c: Floats) -> Floats:
        u = h / c
        return np.where(p > 0, -np.expm1(-big_r * np.log1p(p * u)) / np.maximum(p, 1e-300), big_r * u)

    return f


def still_alive(h: float) -> Integrand:
    """Give the probability of being alive h later, given alive now: (1 + p h / c)^-R."""

    def f(p: Floats, big_r: float, c: Floats) -> Floats:
        return np.exp(-big_r * np.log1p(p * h / c))

    return f


_LEGENDRE, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(24)
_FAR: Final = 45.0


def discounted(rate: float, h: float) -> Integrand:
    """Give purchases expected within h of one alive, each discounted continuously at `rate`.

    The integral over time of e^(-rate y) (R / c) (1 + p y / c)^(-R - 1), by Gauss-Legendre in ln(1 + y R / c).
    """
    far = min(h, _FAR / rate) if rate > 0 else h

    def f(p: Floats, big_r: float, c: Floats) -> Floats:
        m = c / big_r
        reach = np.log1p(far / m)
        total = np.zeros(np.broadcast_shapes(c.shape, p.shape))
        for node, weight in zip((_LEGENDRE + 1) / 2, _LEGENDRE_WEIGHTS / 2, strict=True):
            grown = np.exp(reach * node)
            y = m * (grown - 1)
            total += weight * grown * np.exp(-rate * y - (big_r + 1) * np.log1p(p * y / c))
        return total * reach

    return f
