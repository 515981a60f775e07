"""The likelihood of the Pareto/NBD model, with its gradient and Hessian.

    LL = lnG(R) - lnG(r) + r ln(alpha) + s ln(beta) + logaddexp(A, D),       R = r + x
    A = -R ln(alpha + T) - s ln(beta + T)
    D = ln(s) + ln I,   I = integral over y from t_x to T of (alpha + y)^-R (beta + y)^-(s + 1)

(Schmittlein, Morrison, Colombo 1987.) `pareto_integral` finds I. The logistic function of D - A is the probability that
the customer has left; it also weighs the derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, expit, zeta

from crm_analytics.clv.pareto_integral import PAIRS, Grid, Integral, log_integral, with_derivatives
from crm_analytics.clv.rising import log_rise
from crm_analytics.clv.rows import BLOCK, Distinct, Floats, Rows

_ENOUGH = 60  # rows: their nodes then cost more than a column of the table
_FEWER = 512  # rows at once where each has its own nodes: fits the cache


class Likelihood:
    """The log-likelihood of some rows as a function of (r, alpha, s, beta) in scaled time."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        often = frequent(rows.x)
        self.common, self.rare = rows.some(np.flatnonzero(often)), rows.some(np.flatnonzero(~often))
        self.grid = Grid.of(self.common.x, self.common.t_x, self.common.T)

    def __call__(self, params: Floats) -> tuple[float, Floats, Floats]:
        """Give the log-likelihood, its gradient and Hessian in (r, alpha, s, beta)."""
        r, alpha, s, beta = map(float, params)
        rows = self.rows
        value, gradient, hessian = _by_count(rows, r, alpha)
        n = rows.n_customers
        gradient += n * np.array([np.log(alpha), r / alpha, np.log(beta), s / beta])
        hessian += n * _symmetric([0, 1 / alpha, 0, 0, -r / alpha**2, 0, 0, 0, 1 / beta, -s / beta**2])
        for some, part, integral in self._integrals(r, alpha, s, beta):
            x, age = some.x.rows(some.x.values, part), some.T.rows(some.T.values, part)
            v, g, h = _mixture(r + x, age, some.weight[part], integral, alpha, s, beta)
            value, gradient, hessian = value + v, gradient + g, hessian + h
        return value, gradient, hessian

    def _integrals(
        self, r: float, alpha: float, s: float, beta: float
    ) -> Iterator[tuple[Rows, slice, Integral]]:
        rows = self.rows
        if self.grid is not None and self.grid.suits(r, alpha, s, beta):
            table = self.grid.table(r, alpha, s, beta, derivatives=True)
            yield from ((self.common, part, table.with_derivatives(part)) for part in self.common.parts())
            rows = self.rare
        x, t, age = rows.raw("x"), rows.raw("t_x"), rows.raw("T")
        for i in range(0, len(rows), _FEWER):
            part = slice(i, min(i + _FEWER, len(rows)))
            yield rows, part, with_derivatives(r + x[part], t[part], age[part], alpha, s, beta)


def frequent(x: Distinct) -> NDArray[np.bool_]:
    """Say of each row whether enough rows share its number of purchases for a table of them to pay."""
    if x.codes is None:
        return np.zeros(len(x.values), np.bool_)
    often: NDArray[np.bool_] = np.bincount(x.codes, minlength=len(x.values)) >= _ENOUGH
    return often[x.codes]


def log_odds_gone(x: Floats, t: Floats, age: Floats, params: tuple[float, ...]) -> Floats:
    """Give D - A, the log-odds of having left, per row; -inf where t_x = T."""
    r, alpha, s, beta = params
    odds: Floats = np.log(s) - np.log(beta) + (r + x) * np.log1p(age / alpha) + s * np.log1p(age / beta)
    by_row = np.arange(len(x))
    often = np.flatnonzero(frequent(Distinct.of(x)))
    grid = _day_grid(*(Distinct.of(column[often]) for column in (x, t, age))) if len(often) else None
    if grid is not None and grid.suits(r, alpha, s, beta):
        table = grid.table(r, alpha, s, beta, derivatives=False)
        for i in range(0, len(often), BLOCK):
            odds[often[i : i + BLOCK]] += table.log_integral(slice(i, i + BLOCK))
        by_row = np.delete(by_row, often)
    for i in range(0, len(by_row), _FEWER):
        k = by_row[i : i + _FEWER]
        odds[k] += log_integral(r + x[k], t[k], age[k], alpha, s, beta)
    return odds


def _day_grid(x: Distinct, t: Distinct, age: Distinct) -> Grid | None:
    """Put both times on one scale of distinct values."""
    if x.codes is None or t.codes is None or age.codes is None:
        return None
    edges = np.union1d(t.values, age.values)
    last = Distinct(edges, np.searchsorted(edges, t.values)[t.codes])
    end = Distinct(edges, np.searchsorted(edges, age.values)[age.codes])
    return Grid.of(x, last, end)


def _by_count(rows: Rows, r: float, alpha: float) -> tuple[float, Floats, Floats]:
    count, x = rows.by_count, rows.x.values
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    gradient[0] = count @ (digamma(r + x) - digamma(r))
    hessian[0, 0] = count @ (zeta(2.0, r + x) - zeta(2.0, r))
    return float(count @ (log_rise(r, x) - x * np.log(alpha))), gradient, hessian


def _mixture(
    big_r: Floats, age: Floats, w: Floats, integral: Integral, alpha: float, s: float, beta: float
) -> tuple[float, Floats, Floats]:
    """Sum w * logaddexp(A, D) with its derivatives over the rows."""
    log_i, gone_g, second = integral
    log_a, log_b, inv_a, inv_b = np.log(alpha + age), np.log(beta + age), 1 / (alpha + age), 1 / (beta + age)
    alive = -big_r * np.log1p(age / alpha) - s * np.log1p(age / beta)
    gap = np.stack([log_a, big_r * inv_a, log_b, s * inv_b])  # the slope of D less that of A
    gone = np.log(s) - np.log(beta) + log_i
    p = expit(gone - alive)  # 0 where t_x = T: nobody can have left yet
    gap += gone_g
    gap[2] += 1.0 / s
    left, stayed = w * p, w * (1 - p)
    hessian = (gap * (left * (1 - p))) @ gap.T + _symmetric(second @ left) - (gone_g * left) @ gone_g.T
    hessian[2, 2] -= left.sum() / s**2
    to_a, to_b = stayed @ inv_a, stayed @ inv_b
    squares = (stayed * big_r) @ (inv_a * inv_a), s * (stayed @ (inv_b * inv_b))
    hessian += _symmetric([0, -to_a, 0, 0, squares[0], 0, 0, 0, -to_b, squares[1]])
    slope = gap @ left - np.array([w @ log_a, (w * big_r) @ inv_a, w @ log_b, s * (w @ inv_b)])
    return float(w @ np.logaddexp(alive, gone)), slope, hessian


def _symmetric(upper: Floats | list[float]) -> Floats:
    matrix = np.zeros((4, 4))
    for (i, j), item in zip(PAIRS, upper, strict=True):
        matrix[i, j] = matrix[j, i] = item
    return matrix
