"""The likelihood that BG/NBD and MBG/NBD share: geometric dropout after a purchase, log space throughout.

With R = r + x and s = 0 (BG) or 1 (MBG):

    LL = lnG(R) - lnG(r) + r ln(alpha) - lnB(a, b) + lnB(a, b + x + s) - R ln(alpha + T) + log1p(e^delta)
    delta = ln(a) - ln(b + x + s - 1) + R [ln(alpha + T) - ln(alpha + t_x)]      (none for x = 0 under BG)

(Fader, Hardie, Lee 2005; Batislam, Denizel, Filiztekin 2007.) The logistic function of delta is the probability that
the customer has dropped out; it also weighs the derivatives. Times are taken relative to alpha, ln(1 + T / alpha), so
that nothing large cancels where r and alpha, or a and b, run away together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm_analytics.clv.likelihoods.rising import rises
from crm_analytics.clv.likelihoods.rows import BLOCK, Floats, Rows, dot, sums_of

N_PARAMETERS = 4


@dataclass(frozen=True, eq=False)
class _ByCount:
    """What depends on x alone: summed over the customers, and two tables over its distinct values."""

    value: float  # of lnG(R) - lnG(r) - x ln(alpha) + lnB(a, b+x+s) - lnB(a, b)
    gradient: Floats  # of its part without alpha
    hessian: Floats
    shift: Floats  # ln a - ln(b+x+s-1), -inf where dropout cannot have happened
    inverse: Floats  # 1 / (b+x+s-1), 0 where it cannot


def _by_count(rows: Rows, r: float, alpha: float, a: float, b: float, s: int) -> _ByCount:
    n = rows.x.values + s
    of_r, of_b, of_both = rises(r, rows.x.values), rises(b, n), rises(a + b, n)
    bought, stayed, both = (rises @ rows.by_count for rises in (of_r, of_b - of_both, of_both))
    hessian = np.zeros((N_PARAMETERS, N_PARAMETERS))
    hessian[0, 0] = bought[2]
    hessian[2, 2] = hessian[2, 3] = hessian[3, 2] = -both[2]
    hessian[3, 3] = stayed[2]
    possible = n > 0
    inverse = np.divide(1.0, b + n - 1.0, out=np.zeros(len(n)), where=possible)
    with np.errstate(divide="ignore"):
        shift = np.log(a * inverse)
    value = float(bought[0] + stayed[0] - rows.n_purchases * np.log(alpha))
    return _ByCount(value, np.array([bought[1], 0.0, -both[1], stayed[1]]), hessian, shift, inverse)


def log_likelihood(
    rows: Rows, r: float, alpha: float, a: float, b: float, *, s: int
) -> tuple[float, Floats, Floats]:
    """Give the log-likelihood of the rows (scaled time), its gradient and Hessian in (r, alpha, a, b)."""
    table = _by_count(rows, r, alpha, a, b, s)
    log_age, log_last = np.log1p(rows.T.values / alpha), np.log1p(rows.t_x.values / alpha)
    inv_age, inv_last = 1.0 / (alpha + rows.T.values), 1.0 / (alpha + rows.t_x.values)
    n = rows.n_customers
    aged, bought = rows.by_age
    buys = r * aged + bought  # sum of R over the customers of each age
    value, gradient, hessian = table.value - dot(buys, log_age), table.gradient, table.hessian
    gradient[:2] += -dot(aged, log_age), n * r / alpha - dot(buys, inv_age)
    hessian[0, 1] += n / alpha - dot(aged, inv_age)
    hessian[1, 1] += dot(buys, inv_age * inv_age) - n * r / alpha**2
    slope = np.empty((N_PARAMETERS, BLOCK))
    slope[2] = 1.0 / a
    big_rs, against = r + rows.x.values, -table.inverse
    for part in rows.parts():
        w = rows.weight[part]
        d = slope[:, : len(w)]  # slopes of delta
        big_r = rows.x.rows(big_rs, part)
        ia, il = rows.T.rows(inv_age, part), rows.t_x.rows(inv_last, part)
        gap = ia - il
        np.subtract(rows.T.rows(log_age, part), rows.t_x.rows(log_last, part), out=d[0])
        np.multiply(big_r, gap, out=d[1])
        d[3] = rows.x.rows(against, part)
        delta = rows.x.rows(table.shift, part) + big_r * d[0]
        small = np.exp(-np.abs(delta))
        value += float(w @ (np.maximum(delta, 0.0) + np.log1p(small)))
        p = np.where(delta >= 0, 1.0, small) / (1.0 + small)
        wp = w * p
        gradient += sums_of(d, wp)
        hessian += (d * (wp * (1.0 - p))) @ d.T
        hessian[0, 1] += wp @ gap
        hessian[1, 1] -= wp @ (d[1] * (ia + il))
        hessian[2, 2] -= wp.sum() / a**2
        hessian[3, 3] += wp @ (d[3] * d[3])
    hessian[1, 0] = hessian[0, 1]
    return value, gradient, hessian
