"""Means over a customer's unknown chance of leaving, for many customers at once.

Given alive, a customer's p is Beta(a, b + x + s); what is averaged depends on (x, T) alone and is smooth in
ln(alpha + T). So each distinct x gets one set of Gauss-Jacobi nodes, and where there are many ages the mean is worked out
at Chebyshev points in ln(alpha + T) and interpolated to machine precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from crm_analytics.clv.likelihoods.nodes import N_NODES, beta_nodes
from crm_analytics.clv.likelihoods.rows import BLOCK, Codes, Floats

N_CHEBYSHEV: Final = 32
_PER_ROOT: Final = 7.0  # error e^(-4 n / sqrt(reach)), by the ellipse that the singularity allows
_MOST_NODES: Final = 512  # enough for a horizon of 5,000 times alpha + T
_BATCH: Final = 256  # distinct x at once: bounds the memory of their Jacobi matrices
_AT_ONCE: Final = 2**14  # values of an integrand: they fit the cache

_ROOM: Final = 1_000_000  # entries of a table that are always affordable; below it nodes are shared by figures of one fit
_MOST: Final = 1_000_000
_POINTS: Final = np.cos(np.pi * (np.arange(N_CHEBYSHEV) + 0.5) / N_CHEBYSHEV)
_TO_COEFFICIENTS: Final = np.linalg.inv(np.polynomial.chebyshev.chebvander(_POINTS, N_CHEBYSHEV - 1)).T

Integrand = Callable[[Floats, Floats, Floats], Floats]
"""(p of shape (n, 1, nodes), R of shape (n, 1, 1), c = alpha + T of shape (m, 1)) -> (n, m, nodes)."""


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
    places: Places, age: Floats, f: Integrand, shapes: tuple[float, float, float, float], horizon: float
) -> Floats:
    """Give what `mean_over_dropout` gives, from the distinct x and (r, alpha, a, b + shift)."""
    r, alpha, a, b = shapes
    ages = distinct(age)
    n = _nodes_for(horizon / (alpha + float(ages.values.min(initial=np.inf))))
    means = _Means(f, r, alpha, a, b, n)
    found = np.empty(len(age))
    if len(ages.values) * len(places.values) <= max(_ROOM, len(age)):
        table = means.of_all(places.values, ages.values).ravel()
        for i in range(0, len(age), BLOCK):
            part = slice(i, i + BLOCK)
            table.take(places.of(part) * len(ages.values) + ages.of(part), out=found[part], mode="clip")
        return found
    of_x = places.of(slice(None))
    order = np.argsort(of_x, kind="stable")
    ends = np.cumsum(np.bincount(of_x))
    for i, count in enumerate(places.values):
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
        found, size = np.empty((len(counts), len(c))), max(1, _AT_ONCE // (len(c) * self.n))
        for i in range(0, len(counts), size):
            k = slice(i, i + size)
            values = self.f(nodes[k, None, :], self.r + counts[k, None, None], c[:, None])
            np.matmul(values, weights[k, :, None], out=found[k, :, None])
        return found


@dataclass(frozen=True, eq=False)
class Places:
    """The distinct values of a column, ascending, and a key per row that tells which of them it is."""

    values: Floats
    keys: NDArray[np.int32] | Codes
    of_key: Codes | None

    def of(self, part: slice) -> Codes:
        """Give the place among the values of some rows."""
        keys = self.keys[part]
        return np.asarray(keys, np.intp) if self.of_key is None else self.of_key.take(keys)


def distinct(column: Floats) -> Places:
    """Find the distinct values of a column; whole numbers need no sorting."""
    top = column.max(initial=0.0)
    if top < _MOST and column.min(initial=0.0) >= 0:
        keys, present = np.empty(len(column), np.int32), np.zeros(int(top) + 1, np.bool_)
        for i in range(0, len(column), BLOCK):
            part = column[i : i + BLOCK]
            whole = part.astype(np.intp)
            if not (whole == part).all():
                break
            present[whole] = True
            keys[i : i + BLOCK] = whole
        else:
            return Places(np.flatnonzero(present).astype(float), keys, np.cumsum(present) - 1)
    values, codes = np.unique(column, return_inverse=True)
    return Places(values, codes, None)


def _nodes_for(reach: float) -> int:
    """Say how many nodes give twelve digits: f has its nearest singularity at p = -1 / reach."""
    wanted = _PER_ROOT * np.sqrt(reach)
    return next((n for n in (N_NODES, 128, 256) if n >= wanted), _MOST_NODES)


def purchases(h: float) -> Integrand:
    """Give purchases expected within h of one alive: (1 - (1 + p h / c)^-R) / p, its limit R h / c kept at p = 0."""

    def f(p: Floats, big_r: Floats, c: Floats) -> Floats:
        u = h / c
        return np.where(p > 0, -np.expm1(-big_r * np.log1p(p * u)) / np.maximum(p, 1e-300), big_r * u)

    return f


def by_period(ends: Floats, factors: Floats) -> Integrand:
    """Give purchases expected in successive periods of one alive, each period's multiplied by its factor."""
    each = factors - np.append(factors[1:], 0.0)

    def f(p: Floats, big_r: Floats, c: Floats) -> Floats:
        total = np.zeros(np.broadcast_shapes(c.shape, p.shape))
        for end, factor in zip(ends, each, strict=True):
            total += factor * purchases(float(end))(p, big_r, c)
        return total

    return f


def still_alive(h: float) -> Integrand:
    """Give the probability of being alive h later, given alive now: (1 + p h / c)^-R."""

    def f(p: Floats, big_r: Floats, c: Floats) -> Floats:
        return np.exp(-big_r * np.log1p(p * h / c))

    return f


_LEGENDRE, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(24)
_FAR: Final = 45.0


def discounted(rate: float, h: float) -> Integrand:
    """Give purchases expected within h of one alive, each discounted continuously at `rate`.

    The integral over time of e^(-rate y) (R / c) (1 + p y / c)^(-R - 1), by Gauss-Legendre in ln(1 + y R / c).
    """
    far = min(h, _FAR / rate) if rate > 0 else h

    def f(p: Floats, big_r: Floats, c: Floats) -> Floats:
        m = c / big_r
        reach = np.log1p(far / m)
        total = np.zeros(np.broadcast_shapes(c.shape, p.shape, big_r.shape))
        term = np.empty_like(total)
        for node, weight in zip((_LEGENDRE + 1) / 2, _LEGENDRE_WEIGHTS / 2, strict=True):
            grown = reach * node
            y = m * np.expm1(grown)
            np.log1p(np.multiply(p, y / c, out=term), out=term)
            term *= -(big_r + 1)
            term += np.log(weight) + grown - rate * y
            total += np.exp(term, out=term)
        return total * reach

    return f
