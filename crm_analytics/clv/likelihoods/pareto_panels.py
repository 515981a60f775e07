"""The likelihood of the Pareto/NBD model where times are whole periods, summed up over tables of purchases by period.

Per customer the likelihood is Z = A(T) + K(t_x) - K(T), R = r + x, where for each number of purchases

    A(y) = (1 + y / alpha)^-R (1 + y / beta)^-s                    alive at y, silent up to then
    K(y) = s / beta times the integral from y on of (1 + u / alpha)^-R (1 + u / beta)^-(s + 1)   gone later than y

So Z is the sum of U = K(t_x), a table of purchases by last period, and V = A(T) - K(T), which is positive too, a table of
purchases by age: a row costs two entries, an exponential and a logarithm. The integral may end at the last period, since
its end falls out of the difference.

Second derivatives of U and V enter as sums over the rows only, each weighed by p / U or (1 - p) / V with p = U / Z. Those
weights are added up per entry first and over the periods next, so that the derivatives of the integrand are met once per
node of the quadrature, whatever the number of purchases: there R enters as a factor alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from crm_analytics.clv.likelihoods.rows import BLOCK, Codes, Distinct, Floats, Rows, dot

STEEPEST: Final = 2.0
_RULES: Final = tuple((most, np.polynomial.legendre.leggauss(n)) for most, n in ((0.35, 3), (STEEPEST, 5)))
"""Fall of the logarithm of the integrand over one period up to which so many Gauss-Legendre nodes give nine digits."""

_RANGE: Final = 600.0  # of the logarithm of the integrand: beyond it a table would underflow
_A_ROW: Final = 40  # entries of a table that cost as much as one row by itself
_ENTRIES: Final = (
    16_000  # of one table: its columns then stay in the cache, and small products wake no threads
)


@dataclass(frozen=True, eq=False)
class Panels:
    """Rows of some successive numbers of purchases, laid out over a table of these by period.

    Attributes
    ----------
    edges
        The periods, ascending; a panel lies between two of them.
    counts, soonest
        The numbers of purchases that occur, and the earliest last purchase with each.
    rows
        Which rows these are.
    last, end
        Per row: the entries of t_x and of T in a table of counts by edges.
    starts
        The rows at which another entry of T begins.
    weight
        Customers per row.
    """

    edges: Floats
    counts: Floats
    soonest: Floats
    rows: slice
    last: Codes
    end: Codes
    starts: Codes
    weight: Floats

    def log_likelihood(
        self, r: float, alpha: float, s: float, beta: float
    ) -> tuple[float, Floats, Floats] | None:
        """Give the sum of w ln Z with gradient and Hessian in (r, alpha, s, beta); None where a table is not exact enough."""
        big_r = r + self.counts
        fall = big_r / (alpha + self.soonest) + (s + 1) / (beta + self.soonest)
        steepness = float(fall.max() * np.diff(self.edges).max())
        rule = next((rule for most, rule in _RULES if steepness <= most), None)
        table = _Table.of(self, big_r, (alpha, s, beta), rule) if rule else None
        return None if table is None else table.summed(self)

    def at_ends(self, per_row: Floats) -> Floats:
        """Add up over the rows of each entry of T."""
        found = np.zeros(len(self.counts) * len(self.edges))
        found[self.end[self.starts]] = np.add.reduceat(per_row, self.starts)
        return found


def lay_out(rows: Rows) -> tuple[list[Panels], list[slice]]:
    """Lay rows out over tables that fit the cache; give also the rows for which tables do not pay."""
    x, whole = rows.x, slice(0, len(rows))
    if x.codes is None or rows.t_x.codes is None or rows.T.codes is None or not len(rows):
        return [], [whole]
    edges, t, age = _on_one_scale(rows.t_x, rows.T)
    key = x.codes * len(edges) + age
    if len(edges) < 2 or (key[1:] < key[:-1]).any():  # noqa: PLR2004 no period, no table
        return [], [whole]
    firsts = np.flatnonzero(np.diff(x.codes, prepend=-1))  # rows are sorted by purchases and age
    bounds = np.append(firsts, len(rows))
    size = max(1, _ENTRIES // len(edges))
    groups, others = [], []
    for i in range(0, len(firsts), size):
        part = slice(int(bounds[i]), int(bounds[min(i + size, len(firsts))]))
        begin = firsts[i : i + size]
        if (part.stop - part.start) * _A_ROW < len(begin) * len(edges):
            others.append(part)
            continue
        n_rows = np.diff(bounds[i : i + size + 1])
        base = np.repeat(np.arange(len(begin)) * len(edges), n_rows)
        soonest = np.minimum.reduceat(t[part], begin - part.start)
        end = base + age[part]
        starts = np.flatnonzero(np.diff(end, prepend=-1))
        groups.append(
            Panels(
                edges,
                x.values[x.codes[begin]],
                edges[soonest],
                part,
                base + t[part],
                end,
                starts,
                rows.weight[part],
            )
        )
    return groups, others


def _on_one_scale(t: Distinct, age: Distinct) -> tuple[Floats, Codes, Codes]:
    """Put both times on one scale of distinct values."""
    assert t.codes is not None  # noqa: S101 `lay_out` sees to it
    assert age.codes is not None  # noqa: S101 as above
    edges = t.values if len(t.values) > len(age.values) else age.values
    short = min(len(t.values), len(age.values))
    if np.array_equal(t.values[:short], age.values[:short]):
        return edges, t.codes, age.codes
    edges = np.union1d(t.values, age.values)
    places = np.searchsorted(edges, t.values), np.searchsorted(edges, age.values)
    return edges, places[0][t.codes], places[1][age.codes]


@dataclass(frozen=True, eq=False)
class Logs:
    """ln(1 + y / alpha), ln(1 + y / beta) and what their slopes in alpha and beta are with changed sign."""

    a: Floats
    da: Floats
    b: Floats
    db: Floats

    @classmethod
    def of(cls, y: Floats, alpha: float, beta: float) -> Self:
        """Work them out at times y."""
        return cls(
            np.log1p(y / alpha), y / (alpha * (alpha + y)), np.log1p(y / beta), y / (beta * (beta + y))
        )


@dataclass(frozen=True, eq=False)
class _Table:
    """U and V of each number of purchases (rows) at each edge (columns), relative to e^base of that number."""

    big_r: Floats
    shapes: tuple[float, float, float]
    base: Floats
    nodes: Logs  # (nodes, panels)
    mass: Floats  # (nodes, counts, panels): the integrand times its weight
    edges: Logs
    alive: Floats
    gone: Floats
    here: Floats
    gone_slopes: Floats  # (4, counts, edges): of ln U in (r, alpha, s, beta)
    here_slopes: Floats  # of ln V

    @classmethod
    def of(
        cls, panels: Panels, big_r: Floats, shapes: tuple[float, float, float], rule: tuple[Floats, Floats]
    ) -> Self | None:
        """Sum the integrand up from the last period; None where it falls further than a number can hold."""
        alpha, s, beta = shapes
        points, weights = rule
        width = np.diff(panels.edges)
        y = panels.edges[:-1] + np.multiply.outer((points + 1) / 2, width)
        nodes, edges = Logs.of(y, alpha, beta), Logs.of(panels.edges, alpha, beta)
        start = Logs.of(panels.soonest, alpha, beta)
        base = (-big_r * start.a - s * start.b)[:, None]
        log_alive = _log_alive(big_r, s, edges, base)
        if log_alive.min() < -_RANGE:
            return None
        mass = np.exp(_log_alive(big_r, s, nodes, base))
        mass *= (s / (2 * beta) * np.multiply.outer(weights, width) * np.exp(-nodes.b))[:, None]
        alive, gone = np.exp(log_alive), _onwards(mass, None)
        parts = [_onwards(mass, f) for f in (nodes.a, nodes.da, nodes.b, nodes.db)]
        rises = np.stack(
            [
                -parts[0],
                big_r[:, None] * parts[1],
                gone / s - parts[2],
                (s + 1) * parts[3] - gone / beta,
            ]
        )
        here = np.maximum(alive - gone, _TINY)
        of_alive = np.stack(
            np.broadcast_arrays(-edges.a, np.multiply.outer(big_r, edges.da), -edges.b, s * edges.db)
        )
        here_slopes = (alive * of_alive - rises) / here
        with np.errstate(invalid="ignore"):
            gone_slopes = np.where(gone > 0, rises / gone, 0.0)
        return cls(big_r, shapes, base, nodes, mass, edges, alive, gone, here, gone_slopes, here_slopes)

    def summed(self, panels: Panels) -> tuple[float, Floats, Floats]:
        """Go over the rows, then over the entries, then over the nodes."""
        value, cross, left, bent = self._over_rows(panels)
        size, shape = self.gone.size, self.gone.shape
        of_last, bent_last = (np.bincount(panels.last, part, size).astype(float) for part in (left, bent))
        ended, of_end, bent_end = (panels.at_ends(part) for part in (panels.weight, left, bent))
        stay = ended - of_end
        value += dot(ended, (np.log(self.here) + self.base).ravel())
        gone, here = self.gone_slopes.reshape(4, -1), self.here_slopes.reshape(4, -1)
        gradient = np.einsum("ij,j->i", gone, of_last) + np.einsum("ij,j->i", here, stay)
        hessian = -(cross + cross.T) - _products(gone, of_last - bent_last) - _products(here, stay - bent_end)
        with np.errstate(divide="ignore", invalid="ignore"):
            per_gone = np.where(of_last > 0, of_last / self.gone.ravel(), 0.0).reshape(shape)
        per_here = stay.reshape(shape) / self.here
        hessian += self._curvature(per_gone - per_here, per_here * self.alive)
        return value, gradient, hessian

    def _over_rows(self, panels: Panels) -> tuple[float, Floats, Floats, Floats]:
        """Give the sum of w ln(Z / V), that of w p (1 - p) times the products of both slopes, and w p, w p (1 - p) per row."""
        with np.errstate(divide="ignore"):  # t_x = T: nobody can have left yet
            log_gone = np.log(self.gone).ravel()
        log_here = np.log(self.here).ravel()
        gone, here = self.gone_slopes.reshape(4, -1), self.here_slopes.reshape(4, -1)
        value, cross = 0.0, np.zeros((4, 4))
        left, bent = np.empty(len(panels.last)), np.empty(len(panels.last))
        for i in range(0, len(left), BLOCK):
            k = slice(i, i + BLOCK)
            last, end, w = panels.last[k], panels.end[k], panels.weight[k]
            odds = log_gone.take(last)
            odds -= log_here.take(end)
            small = np.exp(-np.abs(odds))
            value += float(w @ (np.maximum(odds, 0.0) + np.log1p(small)))
            p = np.where(odds >= 0, 1.0, small) / (1.0 + small)
            np.multiply(w, p, out=left[k])
            np.multiply(left[k], 1.0 - p, out=bent[k])
            slopes = gone.take(last, axis=1)
            slopes *= bent[k]
            cross += slopes @ here.take(end, axis=1).T
        return value, cross, left, bent

    def _curvature(self, of_integral: Floats, of_alive: Floats) -> Floats:
        """Sum the second derivatives of the integral and of A over the entries, so many times each."""
        alpha, s, beta = self.shapes
        before = np.cumsum(of_integral, axis=1)[:, :-1]  # how often a panel is part of an entry's integral
        powers = np.stack([np.ones_like(self.big_r), self.big_r, self.big_r**2])
        at_nodes = np.einsum("jc,ncp->jnp", powers, self.mass * before)
        at_edges = np.einsum("jc,ce->je", powers, of_alive)
        return curvature(self.nodes, at_nodes, (alpha, s + 1, beta), 1 / s, 1 / beta) + curvature(
            self.edges, at_edges, (alpha, s, beta), 0.0, 0.0
        )


def curvature(
    at: Logs, times: Floats, shapes: tuple[float, float, float], of_s: float, of_beta: float
) -> Floats:
    """Sum second derivatives, each over the function itself, of f = (s / beta)^[0 or 1] (1 + y / alpha)^-R (1 + y / beta)^-S.

    Parameters
    ----------
    at
        At the times y.
    times
        How often each time counts, times 1, R and R^2.
    shapes
        alpha, S, beta.
    of_s, of_beta
        1 / s and 1 / beta where the factor s / beta is there, else 0.
    """
    alpha, power, beta = shapes
    q0, q1, q2 = times
    a, da, db = at.a, at.da, at.db
    b, f = of_s - at.b, power * db - of_beta
    rr, ra, rs, rb = q0 * a * a, (q0 - q1 * a) * da, -q0 * a * b, -q0 * a * f
    aa, as_, ab = q2 * da**2 - q1 * da * (2 / alpha - da), q1 * da * b, q1 * da * f
    ss, sb = q0 * (b * b - of_s**2), q0 * (b * f + db)
    bb = q0 * (f * f + of_beta**2 - power * db * (2 / beta - db))
    found = np.array([item.sum() for item in (rr, ra, rs, rb, aa, as_, ab, ss, sb, bb)], np.float64)
    return found.take(_WHERE)


_WHERE: Final = np.array([[0, 1, 2, 3], [1, 4, 5, 6], [2, 5, 7, 8], [3, 6, 8, 9]])
"""Which of the ten second derivatives stands where in the matrix."""

_TINY: Final = 1e-290  # never reached by V but by rounding


def _log_alive(big_r: Floats, s: float, at: Logs, base: Floats) -> Floats:
    """Give ln A less its base, (..., counts, times); what lies before a table begins is not needed and cut at 0."""
    found = -big_r[:, None] * at.a[..., None, :]
    found -= (s * at.b)[..., None, :] + base
    return np.minimum(found, 0.0, out=found)


def _products(columns: Floats, weight: Floats) -> Floats:
    """Sum the products of every two columns; more at once would wake threads that cost more than they bring."""
    found = np.zeros((len(columns), len(columns)))
    for i in range(0, len(weight), BLOCK):
        part = columns[:, i : i + BLOCK]
        found += (part * weight[i : i + BLOCK]) @ part.T
    return found


def _onwards(mass: Floats, f: Floats | None) -> Floats:
    """Give the integral of a function from each edge to the last one: (counts, edges)."""
    found = np.zeros((mass.shape[1], mass.shape[2] + 1))
    panels = mass.sum(axis=0) if f is None else np.einsum("ncp,np->cp", mass, f)
    np.cumsum(panels[:, ::-1], axis=1, out=found[:, -2::-1])
    return found
