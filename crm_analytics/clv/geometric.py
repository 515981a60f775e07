"""The likelihood that BG/NBD and MBG/NBD share: geometric dropout after a purchase, log space throughout.

With R = r + x and s = 0 (BG) or 1 (MBG):

    LL = lnG(R) - lnG(r) + r ln(alpha) - lnB(a, b) + lnB(a, b + x + s) - R ln(alpha + T) + log1p(e^delta)
    delta = ln(a) - ln(b + x + s - 1) + R [ln(alpha + T) - ln(alpha + t_x)]      (none for x = 0 under BG)

(Fader, Hardie, Lee 2005; Batislam, Denizel, Filiztekin 2007.) The logistic function of delta is the probability that
the customer has dropped out; it also weighs the derivatives. Times are taken relative to alpha, ln(1 + T / alpha), so
that nothing large cancels where r and alpha, or a and b, run away together. The trigamma function is zeta(2, .).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, zeta

from crm_analytics.clv.rising import log_rise
from crm_analytics.clv.rows import BLOCK, Floats, Rows

N_PARAMETERS = 4


@dataclass(frozen=True, eq=False)
class _ByCount:
    """What depends on x alone, tabulated over its distinct values."""

    constant: Floats  # lnG(R) - lnG(r) - x ln(alpha) + lnB(a, b+x+s) - lnB(a, b)
    shift: Floats  # ln a - ln(b+x+s-1), -inf where dropout cannot have happened
    inverse: Floats  # 1 / (b+x+s-1), 0 where it cannot
    gradient: Floats  # (n, 4): r, alpha, a, b
    hessian: Floats  # (n, 4, 4)


def _by_count(x: Floats, r: float, alpha: float, a: float, b: float, s: int) -> _ByCount:
    n = x + s
    e = np.where(n > 0, b + n - 1.0, 1.0)
    possible = n > 0
    gradient = np.zeros((len(x), N_PARAMETERS))
    gradient[:, 0] = digamma(r + x) - digamma(r)
    gradient[:, 2] = digamma(a + b) - digamma(a + b + n)
    gradient[:, 3] = digamma(b + n) - digamma(a + b + n) - digamma(b) + digamma(a + b)
    hessian = np.zeros((len(x), N_PARAMETERS, N_PARAMETERS))
    both = zeta(2.0, a + b) - zeta(2.0, a + b + n)
    hessian[:, 0, 0] = zeta(2.0, r + x) - zeta(2.0, r)
    hessian[:, 2, 2] = hessian[:, 2, 3] = hessian[:, 3, 2] = both
    hessian[:, 3, 3] = both + zeta(2.0, b + n) - zeta(2.0, b)
    return _ByCount(
        log_rise(r, x) - x * np.log(alpha) + log_rise(b, n) - log_rise(a + b, n),
        np.where(possible, np.log(a) - np.log(e), -np.inf),
        np.where(possible, 1.0 / e, 0.0),
        gradient,
        hessian,
    )


def log_likelihood(
    rows: Rows, r: float, alpha: float, a: float, b: float, *, s: int
) -> tuple[float, Floats, Floats]:
    """Give the log-likelihood of the rows (scaled time), its gradient and Hessian in (r, alpha, a, b)."""
    table = _by_count(rows.x.values, r, alpha, a, b, s)
    log_age, log_last = np.log1p(rows.T.values / alpha), np.log1p(rows.t_x.values / alpha)
    inv_age, inv_last = 1.0 / (alpha + rows.T.values), 1.0 / (alpha + rows.t_x.values)
    n = rows.n_customers
    aged, bought = rows.by_age
    buys = r * aged + bought  # sum of R over the customers of each age
    value = float(rows.by_count @ table.constant) - float(buys @ log_age)
    gradient = rows.by_count @ table.gradient
    gradient[:2] += -(aged @ log_age), n * r / alpha - buys @ inv_age
    hessian = np.tensordot(rows.by_count, table.hessian, 1)
    hessian[0, 1] += n / alpha - aged @ inv_age
    hessian[1, 1] += buys @ (inv_age * inv_age) - n * r / alpha**2
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
        gradient += d @ wp
        hessian += (d * (wp * (1.0 - p))) @ d.T
        hessian[0, 1] += wp @ gap
        hessian[1, 1] -= wp @ (d[1] * (ia + il))
        hessian[2, 2] -= wp.sum() / a**2
        hessian[3, 3] += wp @ (d[3] * d[3])
    hessian[1, 0] = hessian[0, 1]
    return value, gradient, hessian
