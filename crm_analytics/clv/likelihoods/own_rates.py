"""The likelihoods with a rate of buying and of leaving of each customer's own, for models with covariates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import betaln, digamma, expit, gammaln, polygamma

from crm_analytics.clv.likelihoods.rows import Floats

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_FAR: Final = 45.0
_BLOCK: Final = 2048

Derivatives = tuple[Floats, Floats, Floats]
"""Per row: value (n,), gradient (4, n), Hessian (4, 4, n) on the scale of the search."""


@dataclass(frozen=True, eq=False)
class Rates:
    """Histories in scaled time, weights, and the covariates of buying and of leaving."""

    x: Floats
    t: Floats
    age: Floats
    weight: Floats
    purchase: Floats
    dropout: Floats

    def part(self, rows: slice) -> Rates:
        """Give some of the rows."""
        return Rates(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def geometric_rows(shift: int) -> Callable[[Rates, Floats], tuple[float, Floats, Floats]]:
    """Make the likelihood of BG/NBD (shift 0) or MBG/NBD (shift 1) in (ln r, ln alpha, logit phi, ln kappa, g, d)."""

    def each(rows: Rates, eta: Floats) -> Derivatives:
        return _geometric(rows, eta, shift)

    return lambda rows, theta: _summed(rows, theta, each, dropout_at=2, sign=1.0)


def pareto_rows(rows: Rates, theta: Floats) -> tuple[float, Floats, Floats]:
    """Give the likelihood of Pareto/NBD in (ln r, ln alpha, ln s, ln beta, g, d)."""
    return _summed(rows, theta, _pareto, dropout_at=3, sign=-1.0)


def _summed(
    rows: Rates, theta: Floats, each: Callable[[Rates, Floats], Derivatives], *, dropout_at: int, sign: float
) -> tuple[float, Floats, Floats]:
    """Add up over rows whose predictors are theta[:4] moved by the covariates; the chain rule is linear."""
    n_purchase, n_dropout = rows.purchase.shape[1], rows.dropout.shape[1]
    size = 4 + n_purchase + n_dropout
    value, gradient, hessian = 0.0, np.zeros(size), np.zeros((size, size))
    for i in range(0, len(rows.x), _BLOCK):
        part = rows.part(slice(i, i + _BLOCK))
        design = np.zeros((4, size, len(part.x)))
        design[np.arange(4), np.arange(4)] = 1.0
        design[1, 4 : 4 + n_purchase] = -part.purchase.T
        design[dropout_at, 4 + n_purchase :] = sign * part.dropout.T
        eta = np.einsum("jpn,p->jn", design, theta)
        v, g, h = each(part, eta)
        value += float(part.weight @ v)
        gradient += np.einsum("jn,jpn,n->p", g, design, part.weight)
        hessian += np.einsum("jkn,jpn,kqn,n->pq", h, design, design, part.weight, optimize=True)
    return value, gradient, hessian


def _geometric(rows: Rates, eta: Floats, s: int) -> Derivatives:
    r, alpha, kappa = np.exp(eta[0]), np.exp(eta[1]), np.exp(eta[3])
    phi = expit(eta[2])
    a, b = kappa * phi, kappa * (1 - phi)
    value, g, h = _natural(rows, r, alpha, a, b, s)
    slope = kappa * phi * (1 - phi)
    jacobian = np.zeros((4, 4, len(r)))  # natural parameter by predictor
    jacobian[0, 0], jacobian[1, 1] = r, alpha
    jacobian[2, 2], jacobian[3, 2] = slope, -slope
    jacobian[2, 3], jacobian[3, 3] = a, b
    gradient = np.einsum("in,ijn->jn", g, jacobian)
    hessian = np.einsum("ikn,ijn,kln->jln", h, jacobian, jacobian, optimize=True)
    apart = g[2] - g[3]
    hessian[0, 0] += g[0] * r
    hessian[1, 1] += g[1] * alpha
    hessian[2, 2] += apart * slope * (1 - 2 * phi)
    hessian[2, 3] += apart * slope
    hessian[3, 2] += apart * slope
    hessian[3, 3] += g[2] * a + g[3] * b
    return value, gradient, hessian


def _natural(rows: Rates, r: Floats, alpha: Floats, a: Floats, b: Floats, s: int) -> Derivatives:
    """As `geometric.log_likelihood`, per row and with parameters per row."""
    x, c, last = rows.x, alpha + rows.age, alpha + rows.t
    n, big_r = x + s, r + x
    could = n > 0
    inverse = np.where(could, 1.0 / np.where(could, b + n - 1.0, 1.0), 0.0)
    odds = np.log(a) + np.log(np.where(could, inverse, 1.0)) + big_r * (np.log(c) - np.log(last))
    delta = np.where(could, odds, -np.inf)
    p = expit(delta)
    value = (
        gammaln(big_r) - gammaln(r) + r * np.log(alpha) - betaln(a, b) + betaln(a, b + n)
        - big_r * np.log(c) + np.logaddexp(0.0, delta)
    )  # fmt: skip
    slope = np.stack([np.log(c) - np.log(last), big_r * (1 / c - 1 / last), 1.0 / a, -inverse])
    both = digamma(a + b) - digamma(a + b + n)
    g = (
        np.stack(
            [
                digamma(big_r) - digamma(r) + np.log(alpha) - np.log(c),
                r / alpha - big_r / c,
                both,
                both + digamma(b + n) - digamma(b),
            ]
        )
        + p * slope
    )
    h = p * (1 - p) * slope[:, None] * slope[None, :]
    h[0, 0] += polygamma(1, big_r) - polygamma(1, r)
    cross = 1 / alpha - 1 / c + p * (1 / c - 1 / last)
    h[0, 1] += cross
    h[1, 0] += cross
    h[1, 1] += -r / alpha**2 + big_r / c**2 - p * big_r * (1 / c**2 - 1 / last**2)
    bent = polygamma(1, a + b) - polygamma(1, a + b + n)
    h[2, 2] += bent - p / a**2
    h[2, 3] += bent
    h[3, 2] += bent
    h[3, 3] += bent + polygamma(1, b + n) - polygamma(1, b) + p * inverse**2
    return value, g, h


def _pareto(rows: Rates, eta: Floats) -> Derivatives:
    r, alpha, s, beta = np.exp(eta)
    big_r = r + rows.x
    c, d = alpha + rows.age, beta + rows.age
    log_i, mean, spread = _log_integral(big_r, rows.t, rows.age, alpha, s, beta)
    alive = -big_r * np.log(c) - s * np.log(d)
    gone = np.log(s) + log_i
    alive_g = np.stack([-np.log(c), -big_r / c, -np.log(d), -s / d])
    gone_g = mean
    gone_g[2] += 1 / s
    p = expit(gone - alive)
    value = gammaln(big_r) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.logaddexp(alive, gone)
    gap = gone_g - alive_g
    g = alive_g + p * gap
    g += np.stack([digamma(big_r) - digamma(r) + np.log(alpha), r / alpha, np.log(beta), s / beta])
    h = p * (1 - p) * gap[:, None] * gap[None, :] + p * spread
    here = 1 - p
    for i, j, item in (
        (0, 0, polygamma(1, big_r) - polygamma(1, r)),
        (0, 1, 1 / alpha - here / c),
        (1, 1, -r / alpha**2 + here * big_r / c**2),
        (2, 2, -p / s**2),
        (2, 3, 1 / beta - here / d),
        (3, 3, -s / beta**2 + here * s / d**2),
    ):
        h[i, j] += item
        if i != j:
            h[j, i] += item
    natural = np.exp(eta)
    hessian = h * natural[:, None] * natural[None, :]
    hessian[np.arange(4), np.arange(4)] += g * natural
    return value, g * natural, hessian


def _log_integral(
    big_r: Floats, t: Floats, age: Floats, alpha: Floats, s: Floats, beta: Floats
) -> Derivatives:
    """Give ln I with derivatives in (r, alpha, s, beta), parameters per row; see `pareto`."""
    m = np.minimum(alpha, beta)
    rate = np.where(
        alpha <= beta, big_r - 1 + (s + 1) * (m + t) / (beta + t), s + big_r * (beta + t) / (alpha + t)
    )
    reach = np.log((m + age) / (m + t))
    reach = np.where(rate > 0, np.minimum(reach, _FAR / np.maximum(rate, 1e-300)), reach)
    grown = (m + t)[:, None] * np.exp(reach[:, None] * (0.5 * (_NODES + 1.0)))  # m + y
    with_a, with_b = grown + (alpha - m)[:, None], grown + (beta - m)[:, None]
    la, lb = np.log(with_a), np.log(with_b)
    exponent = np.log(grown) - big_r[:, None] * la - (s[:, None] + 1.0) * lb
    top = exponent.max(axis=1)
    mass = np.exp(exponent - top[:, None]) * (0.5 * _WEIGHTS)
    total = mass.sum(axis=1)
    with np.errstate(divide="ignore"):
        log_i = top + np.log(total) + np.log(reach)
    share = mass / total[:, None]
    slopes = np.stack([-la, -big_r[:, None] / with_a, -lb, -(s[:, None] + 1.0) / with_b])
    mean = np.einsum("jin,in->ji", slopes, share)
    centred = slopes - mean[:, :, None]
    spread = np.einsum("jin,kin,in->jki", centred, centred, share, optimize=True)
    for i, j, item in (
        (0, 1, -(share / with_a).sum(axis=1)),
        (1, 1, big_r * (share / with_a**2).sum(axis=1)),
        (2, 3, -(share / with_b).sum(axis=1)),
        (3, 3, (s + 1.0) * (share / with_b**2).sum(axis=1)),
    ):
        spread[i, j] += item
        if i != j:
            spread[j, i] += item
    return log_i, mean, spread
