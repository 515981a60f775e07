"""The integral in the likelihood of the Pareto/NBD model, by quadrature: no hypergeometric function, no overflow.

    I = integral over y from t_x to T of f(y),   f(y) = (1 + y / alpha)^-R (1 + y / beta)^-(s + 1),   R = r + x

(times alpha^-R beta^-(s + 1), which the likelihood adds: so nothing large cancels where parameters run away together).

Row by row it is found by Gauss-Legendre nodes in v = ln((m + y) / (m + t_x)), m = min(alpha, beta), the range cut where
the integrand has fallen by e^-45. Where times are whole periods it is the difference of two entries of a table: for each
number of purchases the integral from every period to the last one, summed up panel by panel from the end and kept
relative to f at the panel's left edge, so that nothing underflows.

Derivatives of I in (r, alpha, s, beta) are means of the same integrand times products of ln(alpha + y), 1 / (alpha + y),
ln(beta + y) and 1 / (beta + y): all are found with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from crm_analytics.clv.likelihoods.rows import Codes, Distinct, Floats

N_NODES: Final = 24
_FAR: Final = 45.0  # e^-45 is nothing
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(N_NODES)
_PANELS: Final = ((0.35, *np.polynomial.legendre.leggauss(3)), (2.0, *np.polynomial.legendre.leggauss(5)))
"""Fall of ln f over one panel up to which so many nodes give nine digits: e^-c takes c^2n (n!)^4 / ((2n + 1) (2n)!^3)."""

_STEEPEST: Final = 2.0
_CHEAPER: Final = 6  # a table entry costs as much as so many nodes of a row
PAIRS: Final = tuple((i, j) for i in range(4) for j in range(i, 4))
"""Places of the ten second derivatives in the upper half of the Hessian."""

Integral = tuple[Floats, Floats, Floats]
"""ln I of shape (n,); of I with its factor alpha^-R beta^-(s + 1) the gradient of the logarithm (4, n), and the second
derivatives over itself (10, n) in the order of `PAIRS`."""


def log_integral(
    big_r: Floats, t: Floats, age: Floats, alpha: float | Floats, s: float, beta: float | Floats
) -> Floats:
    """Give ln I row by row, alpha and beta common or one a row; -inf where t_x = T."""
    _, top, mass, reach = _at_nodes(big_r, t, age, alpha, s, beta)
    with np.errstate(divide="ignore"):
        return np.asarray(top + np.log(mass.sum(axis=1)) + np.log(reach), np.float64)


def with_derivatives(big_r: Floats, t: Floats, age: Floats, alpha: float, s: float, beta: float) -> Integral:
    """Give ln I row by row with its derivatives."""
    y, top, mass, reach = _at_nodes(big_r, t, age, alpha, s, beta)
    total = mass.sum(axis=1)
    with np.errstate(divide="ignore"):
        log_i = top + np.log(total) + np.log(reach)
    features = _features(y, alpha, beta)
    means = np.stack([np.einsum("in,in->i", f, mass) for f in features]) / total
    return log_i, *_derivatives(means, big_r, (alpha, s, beta))


def _at_nodes(
    big_r: Floats, t: Floats, age: Floats, alpha: float | Floats, s: float, beta: float | Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Give the times of the nodes, the log of the largest term, the terms relative to it, and the reach in v."""
    m = np.minimum(alpha, beta)
    of_buying = big_r - 1 + (s + 1) * (m + t) / (beta + t)
    rate = np.where(alpha <= beta, of_buying, s + big_r * (beta + t) / (alpha + t))
    reach = np.log1p((age - t) / (m + t))
    reach = np.where(rate > 0, np.minimum(reach, _FAR / np.maximum(rate, 1e-300)), reach)
    v = reach[:, None] * (0.5 * (_NODES + 1.0))
    y = t[:, None] + (m + t)[:, None] * np.expm1(v)
    a, b, least = (np.reshape(shape, (-1, 1)) for shape in (alpha, beta, m))
    exponent = np.log(least + y) - big_r[:, None] * np.log1p(y / a) - (s + 1.0) * np.log1p(y / b)
    top = exponent.max(axis=1)
    return y, top, np.exp(exponent - top[:, None]) * (0.5 * _WEIGHTS), reach


def _features(y: Floats, alpha: float, beta: float) -> list[Floats]:
    """Give what is averaged: ln(1 + y / alpha), its slope in alpha with changed sign, the same of beta, their products."""
    single = [
        np.log1p(y / alpha), y / (alpha * (alpha + y)), np.log1p(y / beta), y / (beta * (beta + y))
    ]  # fmt: skip
    return [*single, *(single[i] * single[j] for i, j in PAIRS)]


def _derivatives(means: Floats, big_r: Floats, shapes: tuple[float, float, float]) -> tuple[Floats, Floats]:
    """Turn means of the features into the gradient of ln I and the second derivatives of I over I."""
    alpha, s, beta = shapes
    _, da, _, db = means[:4]
    gradient = -means[:4]
    gradient[1] *= -big_r
    gradient[3] *= -(s + 1)
    second = means[4:].copy()
    for k in (1, 3, 5, 8):  # one of the two is a logarithm, the other not
        second[k] *= -1.0
    for k in (1, 5, 6):
        second[k] *= big_r
    for k in (3, 6, 8):
        second[k] *= s + 1
    second[1] += da
    second[4] *= big_r * (big_r + 1)
    second[4] -= 2 * big_r / alpha * da
    second[8] += db
    second[9] *= (s + 1) * (s + 2)
    second[9] -= 2 * (s + 1) / beta * db
    return gradient, second


@dataclass(frozen=True, eq=False)
class Grid:
    """Rows whose times are whole periods: which entries of a table of purchases by period they need.

    Attributes
    ----------
    edges
        The periods, ascending.
    counts, soonest
        The numbers of purchases that occur, and the earliest last purchase with each.
    count, last, end
        Per row: its place in `counts`, and the places of t_x and T in `edges`.
    """

    edges: Floats
    counts: Floats
    soonest: Floats
    count: Codes
    last: Codes
    end: Codes

    @classmethod
    def of(cls, x: Distinct, t: Distinct, age: Distinct) -> Self | None:
        """Lay out the table, unless times are not whole periods or row by row is cheaper."""
        if x.codes is None or t.codes is None or age.codes is None or not len(x.codes):
            return None
        edges = t.values if len(t.values) > len(age.values) else age.values
        short = min(len(t.values), len(age.values))
        if len(edges) < 2 or not np.array_equal(t.values[:short], age.values[:short]):  # noqa: PLR2004 no period, no table
            return None
        present = np.bincount(x.codes, minlength=len(x.values)) > 0
        counts = x.values[present]
        if len(counts) * len(edges) * _CHEAPER > len(x.codes) * N_NODES:
            return None
        places = np.cumsum(present) - 1
        count = places[x.codes]
        soonest = np.full(len(counts), np.inf)
        np.minimum.at(soonest, count, t.values[t.codes])
        return cls(edges, counts, soonest, count, t.codes, age.codes)

    def suits(self, r: float, alpha: float, s: float, beta: float) -> bool:
        """Say whether the integrand is smooth enough over one period for these parameters."""
        return self._steepness(r, alpha, s, beta) <= _STEEPEST

    def _steepness(self, r: float, alpha: float, s: float, beta: float) -> float:
        fall = (r + self.counts) / (alpha + self.soonest) + (s + 1) / (beta + self.soonest)
        return float(fall.max() * np.diff(self.edges).max())

    def table(self, r: float, alpha: float, s: float, beta: float) -> Table:
        """Work out the table at these parameters."""
        steepness = self._steepness(r, alpha, s, beta)
        nodes = next((rule[1:] for rule in _PANELS if steepness <= rule[0]), _PANELS[-1][1:])
        return Table.of(self, r + self.counts, (alpha, s, beta), nodes)


@dataclass(frozen=True, eq=False)
class Table:
    """Integrals from each period to the last one, relative to f there: (period, count)."""

    grid: Grid
    sums: Floats
    big_r: Floats
    log_a: Floats
    log_b: Floats
    s: float

    @classmethod
    def of(
        cls, grid: Grid, big_r: Floats, shapes: tuple[float, float, float], nodes: tuple[Floats, Floats]
    ) -> Self:
        """Sum the panels up from the end."""
        alpha, s, beta = shapes
        edges, width = grid.edges, np.diff(grid.edges)
        since = width[:, None] * (nodes[0] + 1) / 2
        a, b = alpha + edges[:-1], beta + edges[:-1]
        fall_a, fall_b = np.log1p(since / a[:, None]), np.log1p(since / b[:, None])
        mass = np.exp(-big_r[None, :, None] * fall_a[:, None, :] - (s + 1) * fall_b[:, None, :])
        panels = np.einsum("pcn,pn->pc", mass, width[:, None] * nodes[1] / 2)
        ratio = np.exp(-np.log1p(width / a)[:, None] * big_r - (s + 1) * np.log1p(width / b)[:, None])
        sums = np.zeros((len(edges), len(big_r)))
        for p in range(len(width) - 1, -1, -1):
            np.multiply(sums[p + 1], ratio[p], out=sums[p])
            sums[p] += panels[p]
        return cls(grid, sums, big_r, np.log1p(edges / alpha), np.log1p(edges / beta), s)

    def log_integral(self, part: slice) -> Floats:
        """Give ln I of some rows; -inf where t_x = T."""
        grid = self.grid
        count, last, end = grid.count[part], grid.last[part], grid.end[part]
        big_r, n = self.big_r[count], self.sums.shape[1]
        start_a, start_b = self.log_a[last], self.log_b[last]
        q = np.exp(-big_r * (self.log_a[end] - start_a) - (self.s + 1) * (self.log_b[end] - start_b))
        flat = self.sums.ravel()
        whole = flat.take(last * n + count) - q * flat.take(end * n + count)
        with np.errstate(divide="ignore"):
            log_sum: Floats = np.log(np.maximum(whole, 0.0))
        return log_sum - big_r * start_a - (self.s + 1) * start_b
