"""The likelihood of the Pareto/NBD model, with its gradient and Hessian.

    LL = lnG(R) - lnG(r) - x ln(alpha) + ln(A + D),       R = r + x
    A = (1 + T / alpha)^-R (1 + T / beta)^-s
    D = (s / beta) I,   I = integral over y from t_x to T of (1 + y / alpha)^-R (1 + y / beta)^-(s + 1)

(Schmittlein, Morrison, Colombo 1987; times relative to alpha and beta, so that nothing large cancels where parameters run
away together.) Where times are whole periods `pareto_panels` sums it up over tables, else `pareto_integral` finds I row by
row. The logistic function of ln D - ln A is the probability that the customer has left; it also weighs the derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from crm_analytics.clv.likelihoods.pareto_integral import (
    PAIRS,
    Grid,
    Integral,
    log_integral,
    with_derivatives,
)
from crm_analytics.clv.likelihoods.pareto_panels import Logs, curvature, lay_out
from crm_analytics.clv.likelihoods.rising import rises
from crm_analytics.clv.likelihoods.rows import BLOCK, Distinct, Floats, Rows

_ENOUGH = 60  # rows: their nodes then cost more than a column of the table
_FEWER = 512  # rows at once where each has its own nodes: fits the cache


class Likelihood:
    """The log-likelihood of some rows as a function of (r, alpha, s, beta) in scaled time."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.tables, self.others = lay_out(rows)

    def __call__(self, params: Floats) -> tuple[float, Floats, Floats]:
        """Give the log-likelihood, its gradient and Hessian in (r, alpha, s, beta)."""
        r, alpha, s, beta = map(float, params)
        value, gradient, hessian = _by_count(self.rows, r, alpha)
        for v, g, h in self._parts(r, alpha, s, beta):
            value, gradient, hessian = value + v, gradient + g, hessian + h
        return value, gradient, hessian

    def _parts(self, r: float, alpha: float, s: float, beta: float) -> Iterator[tuple[float, Floats, Floats]]:
        others = list(self.others)
        for table in self.tables:
            found = table.log_likelihood(r, alpha, s, beta)
            if found is None:
                others.append(table.rows)
            else:
                yield found
        for rows in others:
            yield from self._row_by_row(rows, r, alpha, s, beta)

    def _row_by_row(
        self, rows: slice, r: float, alpha: float, s: float, beta: float
    ) -> Iterator[tuple[float, Floats, Floats]]:
        for i in range(rows.start, rows.stop, _FEWER):
            part = slice(i, min(i + _FEWER, rows.stop))
            x, t, age = (
                column.rows(column.values, part) for column in (self.rows.x, self.rows.t_x, self.rows.T)
            )
            integral = with_derivatives(r + x, t, age, alpha, s, beta)
            yield _mixture(r + x, age, self.rows.weight[part], integral, alpha, s, beta)


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
        table = grid.table(r, alpha, s, beta)
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
    """Sum what depends on the number of purchases alone."""
    value, first, second = rises(r, rows.x.values) @ rows.by_count
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    gradient[:2] = first, -rows.n_purchases / alpha
    hessian[0, 0], hessian[1, 1] = second, rows.n_purchases / alpha**2
    return float(value - rows.n_purchases * np.log(alpha)), gradient, hessian


def _mixture(
    big_r: Floats, age: Floats, w: Floats, integral: Integral, alpha: float, s: float, beta: float
) -> tuple[float, Floats, Floats]:
    """Sum w ln(A + D) with its derivatives over the rows."""
    log_i, gone_g, second = integral
    at = Logs.of(age, alpha, beta)
    alive = -big_r * at.a - s * at.b
    gone = np.log(s) - np.log(beta) + log_i
    p = expit(gone - alive)  # 0 where t_x = T: nobody can have left yet
    left, stayed = w * p, w * (1 - p)
    alive_g = np.stack([-at.a, big_r * at.da, -at.b, s * at.db])
    hessian = _symmetric(second @ left) - (gone_g * left) @ gone_g.T - (alive_g * stayed) @ alive_g.T
    hessian += curvature(
        at, np.stack([stayed, stayed * big_r, stayed * big_r**2]), (alpha, s, beta), 0.0, 0.0
    )
    hessian[2, 2] -= left.sum() / s**2
    hessian[3, 3] += left.sum() / beta**2
    gone_g[2] += 1.0 / s
    gone_g[3] -= 1.0 / beta
    gap = gone_g - alive_g
    hessian += (gap * (left * (1 - p))) @ gap.T
    return float(w @ np.logaddexp(alive, gone)), gone_g @ left + alive_g @ stayed, hessian


def _symmetric(upper: Floats) -> Floats:
    matrix = np.zeros((4, 4))
    for (i, j), item in zip(PAIRS, upper, strict=True):
        matrix[i, j] = matrix[j, i] = item
    return matrix
