"""Figures of the models that lifetimes gives for a horizon or a count of each row's own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.clv.counts import probability_of_purchases, purchase_probabilities
from crm_analytics.clv.geometric_fit import GeometricDropout
from crm_analytics.clv.nodes import beta_nodes
from crm_analytics.clv.over_dropout import purchases
from crm_analytics.clv.purchases import PurchaseFit
from crm_analytics.compat.lifetimes.borders import Floats

_BLOCK = 16_384


def expected_purchases(fit: PurchaseFit, horizon: Floats, x: Floats, t_x: Floats, age: Floats) -> Floats:
    """Give the expected purchases in (T, T + horizon] where each row may have a horizon of its own."""
    if horizon.size == 0:
        return np.empty(0)
    if (horizon == horizon[0]).all():
        return fit.purchases_of(x, t_x, age, float(horizon[0]))
    alive = fit.alive_of(x, t_x, age, 0.0)
    if isinstance(fit, GeometricDropout):
        return alive * _while_alive(fit, horizon, x, age)
    r, alpha, s, beta = fit.values()
    log_ratio = np.log1p(horizon / (beta + age))
    exponent = (s - 1) * log_ratio
    shrinks = np.where(exponent == 0, 1.0, -np.expm1(-exponent) / np.where(exponent == 0, 1.0, exponent))
    return alive * (r + x) * (beta + age) / (alpha + age) * log_ratio * shrinks


def _while_alive(fit: GeometricDropout, horizon: Floats, x: Floats, age: Floats) -> Floats:
    r, alpha, a, b = fit.values()
    found = np.empty(len(x))
    within = purchases(1.0)  # in units of the horizon
    with np.errstate(divide="ignore"):
        c = (alpha + age) / horizon
    for (count,), mine in _alike(x):
        nodes, weights = beta_nodes(a, np.array([b + count + fit.shift]))
        for start in range(0, len(mine), _BLOCK):
            part = mine[start : start + _BLOCK]
            found[part] = within(nodes[0], r + count, c[part, None]) @ weights[0]
    return found


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
