"""The likelihood of the Pareto/NBD model by quadrature: no hypergeometric function, no branch, no overflow.

    LL = lnG(R) - lnG(r) + r ln(alpha) + s ln(beta) + logaddexp(A, D),       R = r + x
    A = -R ln(alpha + T) - s ln(beta + T)
    D = ln(s) + ln I,   I = integral over y from t_x to T of (alpha + y)^-R (beta + y)^-(s + 1)

(Schmittlein, Morrison, Colombo 1987.) I is found by Gauss-Legendre nodes in v = ln((m + y) / (m + t_x)),
m = min(alpha, beta), the range cut where the integrand has fallen by e^-45; the weights of its nodes also average
the derivatives.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, expit, gammaln, polygamma

from crm_analytics.clv.rows import Floats, Rows

N_NODES = 24
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(N_NODES)
_FAR = 45.0
_BLOCK = 1024


def log_likelihood(rows: Rows, r: float, alpha: float, s: float, beta: float) -> tuple[float, Floats, Floats]:
    """Give the log-likelihood of the rows (scaled time), its gradient and Hessian in (r, alpha, s, beta)."""
    value, gradient, hessian = _by_count(rows, r)
    n = rows.n_customers
    value += n * (r * np.log(alpha) + s * np.log(beta))
    gradient += n * np.array([np.log(alpha), r / alpha, np.log(beta), s / beta])
    hessian += n * _symmetric(
        {(0, 1): 1 / alpha, (1, 1): -r / alpha**2, (2, 3): 1 / beta, (3, 3): -s / beta**2}
    )
    x, t, age = rows.raw("x"), rows.raw("t_x"), rows.raw("T")
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        v, g, h = _mixture(x[part], t[part], age[part], rows.weight[part], r, alpha, s, beta)
        value, gradient, hessian = value + v, gradient + g, hessian + h
    return value, gradient, hessian


def _by_count(rows: Rows, r: float) -> tuple[float, Floats, Floats]:
    count = rows.weight if rows.x.codes is None else np.bincount(rows.x.codes, rows.weight)
    x = rows.x.values
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    gradient[0] = count @ (digamma(r + x) - digamma(r))
    hessian[0, 0] = count @ (polygamma(1, r + x) - polygamma(1, r))
    return float(count @ (gammaln(r + x) - gammaln(r))), gradient, hessian


def _mixture(
    x: Floats, t: Floats, age: Floats, w: Floats, r: float, alpha: float, s: float, beta: float
) -> tuple[float, Floats, Floats]:
    """Sum w * logaddexp(A, D) with its derivatives over the rows."""
    big_r = r + x
    alive = -big_r * np.log(alpha + age) - s * np.log(beta + age)
    alive_g = np.stack([-np.log(alpha + age), -big_r / (alpha + age), -np.log(beta + age), -s / (beta + age)])
    log_i, mean, spread = log_integral(big_r, t, age, alpha, s, beta)
    gone = np.log(s) + log_i
    gone_g = mean
    gone_g[2] += 1.0 / s
    p = expit(gone - alive)  # 0 where t_x = T: nobody can have left yet
    value = float(w @ np.logaddexp(alive, gone))
    slope = alive_g + p * (gone_g - alive_g)
    gap = gone_g - alive_g
    hessian = (gap * (w * p * (1 - p))) @ gap.T + np.einsum("i,ijk->jk", w * p, spread)
    hessian[2, 2] -= (w @ p) / s**2
    q = w * (1 - p)
    hessian += _symmetric(
        {
            (0, 1): -q @ (1 / (alpha + age)),
            (1, 1): q @ (big_r / (alpha + age) ** 2),
            (2, 3): -q @ (1 / (beta + age)),
            (3, 3): q @ (s / (beta + age) ** 2),
        }
    )
    return value, slope @ w, hessian


def log_integral(
    big_r: Floats, t: Floats, age: Floats, alpha: float, s: float, beta: float
) -> tuple[Floats, Floats, Floats]:
    """Give ln I, its gradient (4, n) and its Hessian (n, 4, 4) in (r, alpha, s, beta); -inf where t_x = T."""
    m = min(alpha, beta)
    if alpha <= beta:
        rate = big_r - 1 + (s + 1) * (m + t) / (beta + t)
    else:
        rate = s + big_r * (beta + t) / (alpha + t)
    reach = np.log((m + age) / (m + t))
    reach = np.where(rate > 0, np.minimum(reach, _FAR / np.maximum(rate, 1e-300)), reach)
    v = reach[:, None] * (0.5 * (_NODES + 1.0))
    y_m = (m + t)[:, None] * np.exp(v)  # m + y
    la, lb = np.log(y_m + (alpha - m)), np.log(y_m + (beta - m))
    exponent = np.log(y_m) - big_r[:, None] * la - (s + 1.0) * lb
    top = exponent.max(axis=1)
    mass = np.exp(exponent - top[:, None]) * (0.5 * _WEIGHTS)
    total = mass.sum(axis=1)
    with np.errstate(divide="ignore"):
        log_i = top + np.log(total) + np.log(reach)
    share = mass / total[:, None]
    ia, ib = 1.0 / (y_m + (alpha - m)), 1.0 / (y_m + (beta - m))
    slopes = np.stack([-la, -big_r[:, None] * ia, -lb, -(s + 1.0) * ib])  # (4, n, nodes)
    mean = np.einsum("jin,in->ji", slopes, share)
    centred = slopes - mean[:, :, None]
    spread = np.einsum("jin,kin,in->ijk", centred, centred, share)
    ra, rb = (ia * share).sum(axis=1), (ib * share).sum(axis=1)
    spread[:, 0, 1] -= ra
    spread[:, 1, 0] -= ra
    spread[:, 1, 1] += big_r * (ia * ia * share).sum(axis=1)
    spread[:, 2, 3] -= rb
    spread[:, 3, 2] -= rb
    spread[:, 3, 3] += (s + 1.0) * (ib * ib * share).sum(axis=1)
    return log_i, mean, spread


def _symmetric(entries: dict[tuple[int, int], float]) -> Floats:
    matrix = np.zeros((4, 4))
    for (i, j), item in entries.items():
        matrix[i, j] += item
        if i != j:
            matrix[j, i] += item
    return matrix
