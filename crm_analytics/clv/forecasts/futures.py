"""What a customer who is alive will do: purchases ahead, survival, and the spread of purchases around their mean.

All of it depends on the history through the number of purchases and the age alone, whatever the day of the last one.
`easing` multiplies every customer's tendency to leave: after a purchase (BG/NBD, MBG/NBD) or per unit of time
(Pareto/NBD). 1 leaves things as they are; it serves to ask what better retention would bring.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from crm_analytics.clv.likelihoods.over_dropout import (
    Integrand,
    discounted,
    mean_over_dropout,
    purchases,
    still_alive,
)
from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.geometric_fit import GeometricDropout
from crm_analytics.clv.models.pareto_nbd import ParetoNBD
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.errors import OptionError

_LEGENDRE, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_NODES: Final = (_LEGENDRE + 1) / 2
_HALF: Final = _WEIGHTS / 2
_FAR: Final = 45.0  # e^-45 is nothing
_SMALL: Final = 1e-3  # below this a difference of near-equal terms is taken from its series


def purchases_ahead(
    fit: PurchaseFit, x: Floats, age: Floats, *, horizon: float, rate: float = 0.0, easing: float = 1.0
) -> Floats:
    """Give the expected purchases within the horizon of a customer who is alive, each discounted continuously at `rate`."""
    if isinstance(fit, ParetoNBD):
        return _pareto_purchases(fit, x, age, horizon, rate, easing)
    ahead = purchases(horizon) if rate == 0 else discounted(rate, horizon)
    return _over_dropout(fit, x, age, _eased(ahead, easing))


def survival(fit: PurchaseFit, x: Floats, age: Floats, *, after: float, easing: float = 1.0) -> Floats:
    """Give the probability that a customer who is alive still is one `after` units of time later."""
    if isinstance(fit, ParetoNBD):
        s, beta = fit.params["s"], fit.params["beta"]
        return np.exp(-s * np.log1p(easing * after / (beta + age)))
    return _over_dropout(fit, x, age, _eased(still_alive(after), easing))


def squared_purchases(fit: PurchaseFit, x: Floats, age: Floats, *, horizon: float) -> Floats:
    """Give the mean of the squared number of purchases within the horizon, given alive.

    Purchases while alive are Poisson. So for BG/NBD and MBG/NBD, with z = lambda p h, E[N (N - 1)] is
    2 (1 - p) (1 - e^-z (1 + z)) / p^2, averaged over lambda and p; for Pareto/NBD it is
    E[lambda^2] E[min(lifetime, h)^2].
    """
    mean = purchases_ahead(fit, x, age, horizon=horizon)
    if isinstance(fit, ParetoNBD):
        return mean + _pareto_pairs(fit, x, age, horizon)
    return mean + _over_dropout(fit, x, age, _pairs(horizon))


def wait_quantile(
    fit: PurchaseFit, x: Floats, age: Floats, p_alive: Floats, *, longest: float, quantile: float = 0.5
) -> Floats:
    """Give the time until the next purchase will have come with probability `quantile`; infinite beyond `longest`.

    For BG/NBD and MBG/NBD (nobody leaves between purchases) it is c ((1 - q / P(alive))^(-1 / R) - 1), with
    R = r + x, c = alpha + T; for Pareto/NBD the distribution is summed up by quadrature and inverted.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        of_alive = np.where(p_alive > quantile, quantile / np.maximum(p_alive, quantile), 1.0)
        big_r, c = fit.params["r"] + x, fit.params["alpha"] + age
        if isinstance(fit, ParetoNBD):
            return _pareto_wait(fit, big_r, c, age, of_alive, longest)
        wait = np.where(of_alive < 1, c * np.expm1(-np.log1p(-of_alive) / big_r), np.inf)
    return np.where(wait <= longest, wait, np.inf)


def _over_dropout(fit: PurchaseFit, x: Floats, age: Floats, f: Integrand) -> Floats:
    if not isinstance(fit, GeometricDropout):
        raise OptionError.out_of_range("model", type(fit).__name__, "BG/NBD, MBG/NBD or Pareto/NBD")
    return mean_over_dropout(x, age, f, **fit.params, shift=fit.shift)


def _eased(f: Integrand, easing: float) -> Integrand:
    return f if easing == 1 else lambda p, big_r, c: f(easing * p, big_r, c)


def _pairs(h: float) -> Integrand:
    def f(p: Floats, big_r: Floats, c: Floats) -> Floats:
        w = p * h / c
        small = w * (big_r + 1) < _SMALL
        log = np.log1p(w)
        exact = -np.expm1(-big_r * log) - big_r * w * np.exp(-(big_r + 1) * log)
        series = big_r * (big_r + 1) * w**2 / 2 * (1 - 2 * (big_r + 2) * w / 3)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = 2 * (1 - p) * np.where(small, series, exact) / p**2
        return np.where(p > 0, found, big_r * (big_r + 1) * (h / c) ** 2)

    return f


def _pareto_purchases(
    fit: ParetoNBD, x: Floats, age: Floats, horizon: float, rate: float, easing: float
) -> Floats:
    r, alpha, s, beta = fit.values()
    start = (beta + age) / easing
    far = min(horizon, _FAR / rate) if rate > 0 else horizon
    reach = np.log1p(far / start)
    if rate == 0:
        at_one = abs(s - 1) < 1e-12  # noqa: PLR2004 only 0 / 0 is to be kept out
        lived = reach if at_one else -np.expm1(-(s - 1) * reach) / (s - 1)
        return (r + x) / (alpha + age) * start * lived
    v = reach[:, None] * _NODES
    inside = np.exp((1 - s) * v - rate * start[:, None] * np.expm1(v))
    return (r + x) / (alpha + age) * start * reach * (inside @ _HALF)


def _pareto_pairs(fit: ParetoNBD, x: Floats, age: Floats, horizon: float) -> Floats:
    r, alpha, s, beta = fit.values()
    start = beta + age
    reach = np.log1p(horizon / start)
    v = reach[:, None] * _NODES
    squared = 2 * start**2 * reach * ((np.expm1(v) * np.exp((1 - s) * v)) @ _HALF)
    return (r + x) * (r + x + 1) / (alpha + age) ** 2 * squared


_PANELS: Final = 64
_PANEL_NODES, _PANEL_WEIGHTS = np.polynomial.legendre.leggauss(4)
_BLOCK: Final = 8192


def _pareto_wait(
    fit: ParetoNBD, big_r: Floats, c: Floats, age: Floats, of_alive: Floats, longest: float
) -> Floats:
    """Invert the distribution of the wait: density R / c (1 + y / c)^-(R + 1) (1 + y / (beta + T))^-s given alive."""
    found = np.full(len(c), np.inf)
    buys_again = np.flatnonzero(of_alive < 1)
    for i in range(0, len(buys_again), _BLOCK):
        k = buys_again[i : i + _BLOCK]
        found[k] = _pareto_inverse(fit, big_r[k], c[k], age[k], of_alive[k], longest)
    return found


def _pareto_inverse(
    fit: ParetoNBD, big_r: Floats, c: Floats, age: Floats, aim: Floats, longest: float
) -> Floats:
    """Sum the density up panel by panel in ln(1 + y / c) until the aim is reached."""
    b, s = fit.params["beta"] + age[:, None], fit.params["s"]
    reach = np.log1p(longest / c)
    total, found, waiting = np.zeros(len(c)), np.full(len(c), np.inf), np.ones(len(c), bool)
    for low, high in pairwise([0.0, *np.geomspace(1e-3, 1.0, _PANELS)]):
        v = reach[:, None] * (low + (high - low) * (_PANEL_NODES + 1) / 2)
        density = big_r[:, None] * np.exp(-big_r[:, None] * v - s * np.log1p(c[:, None] * np.expm1(v) / b))
        before, total = total, total + reach * (high - low) / 2 * (density @ _PANEL_WEIGHTS)
        here = waiting & (total >= aim)
        part = (aim[here] - before[here]) / (total[here] - before[here])
        found[here] = c[here] * np.expm1(reach[here] * (low + (high - low) * part))
        waiting &= ~here
    return found
