"""Means over a customer's unknown chance of leaving, for many customers at once.

Given alive, a customer's p is Beta(a, b + x + s); what is averaged depends on (x, T) alone and is smooth in
ln(alpha + T). So each distinct x gets one set of Gauss-Jacobi nodes, and where there are many ages the mean is worked out
at Chebyshev points in ln(alpha + T) and interpolated to machine precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from crm_analytics.clv.nodes import N_NODES, beta_nodes
from crm_analytics.clv.rows import Codes, Floats

N_CHEBYSHEV: Final = 32
_PER_ROOT: Final = 7.0  # error e^(-4 n / sqrt(reach)), by the ellipse that the singularity allows
_MOST_NODES: Final = 512  # enough for a horizon of 5,000 times alpha + T
_BATCH: Final = 256  # distinct x at once: bounds the memory of their Jacobi matrices

_ROOM: Final = 1_000_000  # entries of a table that are always affordable; below it nodes are shared by figures of one fit
_MOST: Final = 1_000_000
_SMALL_TABLE: Final = 5_000
_POINTS: Final = np.cos(np.pi * (np.arange(N_CHEBYSHEV) + 0.5) / N_CHEBYSHEV)
_TO_COEFFICIENTS: Final = np.linalg.inv(np.polynomial.chebyshev.chebvander(_POINTS, N_CHEBYSHEV - 1)).T

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
    return mean_of_places(distinct(x), age, f, (r, alpha, a, b + shift), horizon)


def mean_of_places(
    places: tuple[Floats, Codes],
    age: Floats,
    f: Integrand,
    shapes: tuple[float, float, float, float],
    horizon: float,
) -> Floats:
    """Give what `mean_over_dropout` gives, from the distinct x and (r, alpha, a, b + shift)."""
    counts, of_x = places
    r, alpha, a, b = shapes
    n = _nodes_for(horizon / (alpha + float(age.min(initial=np.inf))))
    ages, of_age = distinct(age)
    means = _Means(f, r, alpha, a, b, n)
    if len(ages) * len(counts) <= max(_ROOM, len(age)):
        table = means.of_all(counts, ages)
        return table.ravel().take(of_x * len(ages) + of_age)
    order = np.argsort(of_x, kind="stable")
    ends = np.cumsum(np.bincount(of_x))
    found = np.empty(len(age))
    for i, count in enumerate(counts):
        rows = order[ends[i - 1] if i else 0 : ends[i]]
        found[rows] = means.of_all(np.array([count]), age[rows])[0]
    return found


class _Means:
    """Means of one integrand for any number of purchases and age."""

    def __init__(self, f: Integrand, r: float, alpha: float, a: float, b: float, n: int) -> None:
        self.f, self.r, self.alpha, self.a, self.b, self.n = f, r, alpha, a, b, n

    def of_all(self, counts: Floats, ages: Floats) -> Floats:
        """Give the means, counts by ages: at the ages where they are few, else interpolated from Chebyshev points."""
        c = self.alpha + ages
        few = len(ages) <= N_CHEBYSHEV
        low, high = np.log(c.min()), np.log(c.max())
        points = c if few else np.exp(low + (high - low) * (_POINTS + 1) / 2)
        at = np.concatenate([self._at(counts[i : i + _BATCH], points) for i in range(0, len(counts), _BATCH)])
        if few:
            return at
        basis = np.polynomial.chebyshev.chebvander(2 * (np.log(c) - low) / (high - low) - 1, N_CHEBYSHEV - 1)
        coefficients = at @ _TO_COEFFICIENTS
        means: Floats = np.einsum("ij,kj->ik", coefficients, basis)  # so small a product would wake threads
        return means

    def _at(self, counts: Floats, c: Floats) -> Floats:
        nodes, weights = beta_nodes(self.a, self.b + counts, self.n)
        return np.stack(
            [
                self.f(p, self.r + float(x), c[:, None]) @ w
                for x, p, w in zip(counts, nodes, weights, strict=True)
            ]
        )


def places_in_table(x: Floats) -> tuple[Floats, Codes]:
    """Give a table of values that holds all of x, and the place of each in it; cheaper than `distinct`."""
    if x.min(initial=0.0) >= 0 and x.max(initial=0.0) < _SMALL_TABLE:
        whole = x.astype(np.intp)
        if (whole == x).all():
            return np.arange(float(whole.max(initial=0)) + 1), whole
    return distinct(x)


def distinct(column: Floats) -> tuple[Floats, Codes]:
    """Give the distinct values of a column and their place per row; whole numbers need no sorting."""
    top = column.max(initial=0.0)
    if top < _MOST and column.min(initial=0.0) >= 0:
        whole = column.astype(np.intp)
        if (whole == column).all():
            present = np.bincount(whole, minlength=1) > 0
            return np.flatnonzero(present).astype(float), (np.cumsum(present) - 1)[whole]
    values, codes = np.unique(column, return_inverse=True)
    return values, codes


def _nodes_for(reach: float) -> int:
    """Say how many nodes give twelve digits: f has its nearest singularity at p = -1 / reach."""
    wanted = _PER_ROOT * np.sqrt(reach)
    return next((n for n in (N_NODES, 128, 256) if n >= wanted), _MOST_NODES)


def purchases(h: float) -> Integrand:
    """Give purchases expected within h of one alive: (1 - (1 + p h / c)^-R) / p, its limit R h / c kept at p = 0."""

    def f(p: Floats, big_r: float, c: Floats) -> Floats:
        u = h / c
        return np.where(p > 0, -np.expm1(-big_r * np.log1p(p * u)) / np.maximum(p, 1e-300), big_r * u)

    return f


def by_period(ends: Floats, factors: Floats) -> Integrand:
    """Give purchases expected in successive periods of one alive, each period's multiplied by its factor."""
    each = factors - np.append(factors[1:], 0.0)

    def f(p: Floats, big_r: float, c: Floats) -> Floats:
        total = np.zeros(np.broadcast_shapes(c.shape, p.shape))
        for end, factor in zip(ends, each, strict=True):
            total += factor * purchases(float(end))(p, big_r, c)
        return total

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
