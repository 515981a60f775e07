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
from scipy.special import digamma, polygamma

from crm_analytics.clv.rising import log_rise
from crm_analytics.clv.rows import Floats, Rows

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
    both = polygamma(1, a + b) - polygamma(1, a + b + n)
    hessian[:, 0, 0] = polygamma(1, r + x) - polygamma(1, r)
    hessian[:, 2, 2] = hessian[:, 2, 3] = hessian[:, 3, 2] = both
    hessian[:, 3, 3] = both + polygamma(1, b + n) - polygamma(1, b)
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
    count = rows.x.sums(rows.weight)
    n = rows.n_customers
    value = float(count @ table.constant)
    gradient = count @ table.gradient + np.array([0.0, n * r / alpha, 0.0, 0.0])
    hessian = np.tensordot(count, table.hessian, 1)
    hessian[0, 1] += n / alpha
    hessian[1, 1] -= n * r / alpha**2
    for part in rows.parts():
        w = rows.weight[part]
        big_r = r + rows.x.rows(rows.x.values, part)
        lag, ia = rows.T.rows(log_age, part), rows.T.rows(inv_age, part)
        ll, il = rows.t_x.rows(log_last, part), rows.t_x.rows(inv_last, part)
        inv = rows.x.rows(table.inverse, part)
        delta = rows.x.rows(table.shift, part) + big_r * (lag - ll)
        slope = np.stack([lag - ll, big_r * (ia - il), np.full_like(w, 1.0 / a), -inv])  # of delta
        small = np.exp(-np.abs(delta))
        value += float(w @ (np.maximum(delta, 0.0) + np.log1p(small) - big_r * lag))
        p = np.where(delta >= 0, 1.0, small) / (1.0 + small)
        wp = w * p
        gradient += slope @ wp
        gradient[0] -= w @ lag
        gradient[1] -= w @ (big_r * ia)
        hessian += (slope * (wp * (1.0 - p))) @ slope.T
        hessian[0, 1] += wp @ (ia - il) - w @ ia
        hessian[1, 1] += w @ (big_r * ia * ia) - wp @ (big_r * (ia * ia - il * il))
        hessian[2, 2] -= wp.sum() / a**2
        hessian[3, 3] += wp @ (inv * inv)
    hessian[1, 0] = hessian[0, 1]
    return value, gradient, hessian
