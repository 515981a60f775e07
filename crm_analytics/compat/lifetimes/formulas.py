"""Figures of the models that lifetimes gives for a horizon or a count of each row's own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import betainc, betaln

from crm_analytics.clv.forecasts.counts import probability_of_purchases, purchase_probabilities
from crm_analytics.clv.likelihoods.nodes import beta_nodes
from crm_analytics.clv.likelihoods.over_dropout import purchases
from crm_analytics.clv.models.geometric_fit import GeometricDropout
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.compat.lifetimes.borders import Floats

_BLOCK = 4096
_FAR = 30.0
"""Horizon in units of (alpha + T) / (r + x) up to which the native nodes are good to nine digits."""

_LEGENDRE, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(16)
_NEGLIGIBLE = 1e-4  # of p (r + x) h / (alpha + T): below it the mean is linear in p


def expected_purchases(fit: PurchaseFit, horizon: Floats, x: Floats, t_x: Floats, age: Floats) -> Floats:
    """Give the expected purchases in (T, T + horizon] where each row may have a horizon of its own."""
    if horizon.size == 0:
        return np.empty(0)
    far = np.zeros(len(x), bool)
    if isinstance(fit, GeometricDropout):
        r, alpha, _, _ = fit.values()
        far = horizon * (r + x) / (alpha + age) > _FAR
    if (horizon == horizon[0]).all() and not far.any():
        return fit.purchases_of(x, t_x, age, float(horizon[0]))
    if isinstance(fit, GeometricDropout):
        return _geometric(fit, horizon, x, t_x, age, far)
    r, alpha, s, beta = fit.values()
    alive = fit.alive_of(x, t_x, age, 0.0)
    log_ratio = np.log1p(horizon / (beta + age))
    exponent = (s - 1) * log_ratio
    shrinks = np.where(exponent == 0, 1.0, -np.expm1(-exponent) / np.where(exponent == 0, 1.0, exponent))
    return alive * (r + x) * (beta + age) / (alpha + age) * log_ratio * shrinks


def _geometric(
    fit: GeometricDropout, horizon: Floats, x: Floats, t_x: Floats, age: Floats, far: NDArray[np.bool_]
) -> Floats:
    if not (horizon == horizon[0]).all():
        return fit.alive_of(x, t_x, age, 0.0) * _while_alive(fit, horizon, x, age)
    found, near = np.empty(len(x)), ~far
    if near.any():
        found[near] = fit.purchases_of(x[near], t_x[near], age[near], float(horizon[0]))
    alive = fit.alive_of(x[far], t_x[far], age[far], 0.0)
    found[far] = alive * _while_alive(fit, horizon[far], x[far], age[far])
    return found


def _while_alive(fit: GeometricDropout, horizon: Floats, x: Floats, age: Floats) -> Floats:
    r, alpha, a, b = fit.values()
    found = np.empty(len(x))
    within = purchases(1.0)  # in units of the horizon
    with np.errstate(divide="ignore"):
        c = (alpha + age) / horizon
    for (count,), mine in _alike(x):
        nodes, weights = _nodes(a, b + count + fit.shift, (r + count) / float(c[mine].min()))
        for start in range(0, len(mine), _BLOCK):
            part = mine[start : start + _BLOCK]
            found[part] = within(nodes, np.asarray(r + count), c[part, None]) @ weights
    return found


def _nodes(a: float, b: float, reach: float) -> tuple[Floats, Floats]:
    """Give nodes and weights of the mean over p ~ Beta(a, b) of functions of reach * p, however far they reach.

    Such a function turns where p is near 1 / reach, which Gauss-Jacobi nodes miss if that is close to 0. So the range is
    cut: where the function is still linear, one node; from there to 1/2 Gauss-Legendre panels in ln p; above, where it is
    smooth, Gauss-Jacobi nodes for what (1 - p) does.
    """
    if reach <= _FAR:
        nodes, weights = beta_nodes(a, np.array([b]))
        return nodes[0], weights[0]
    least = _NEGLIGIBLE / (1.0 + reach)
    mass = betainc(a, b, least)
    mean = a / (a + b) * betainc(a + 1, b, least)
    edges = np.linspace(np.log(least), np.log(0.5), int(np.log(0.5 / least)) + 2)
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1] - edges[0]) / 2
    v = (middle[:, None] + half * _LEGENDRE).ravel()
    low = np.tile(_LEGENDRE_WEIGHTS * half, len(middle))
    low_weights = low * np.exp(a * v + (b - 1) * np.log1p(-np.exp(v)) - betaln(a, b))
    q, share = beta_nodes(b, np.array([1.0]), 32)
    high_weights = share[0] * np.exp((a - 1) * np.log1p(-q[0] / 2) - b * np.log(2) - np.log(b) - betaln(a, b))
    first = mean / mass if mass > 0 else least
    return np.concatenate([[first], np.exp(v), 1 - q[0] / 2]), np.concatenate(
        [[mass], low_weights, high_weights]
    )


def probability_of_n(fit: PurchaseFit, horizon: Floats, n: Floats) -> Floats:
    """Give P(a new customer makes n repeat purchases within the horizon), each row its own."""
    found = np.empty(len(n))
    for (h, k), mine in _alike(horizon, n):
        found[mine] = probability_of_purchases(fit, int(k), horizon=h)
    return found


def conditional_probability_of_n(
    fit: PurchaseFit, n: Floats, horizon: Floats, x: Floats, t_x: Floats, age: Floats
) -> Floats:
    """Give P(n purchases in (T, T + horizon] given the history), each row its own."""
    found = np.empty(len(n))
    for (h, k), mine in _alike(horizon, n):
        summary = pl.DataFrame({"frequency": x[mine], "recency": t_x[mine], "T": age[mine]})
        found[mine] = purchase_probabilities(fit, summary, int(k), horizon=h).to_series().to_numpy()
    return found


def _alike(*keys: Floats) -> Iterator[tuple[tuple[float, ...], NDArray[np.intp]]]:
    """Give the rows that share the keys, group by group."""
    groups, codes = np.unique(np.stack(keys), axis=1, return_inverse=True)
    order = np.argsort(codes.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(codes.ravel(), minlength=groups.shape[1]))
    for i, mine in enumerate(np.split(order, ends[:-1])):
        yield tuple(float(k) for k in groups[:, i]), mine
