"""When next: how long until a customer's next purchase, if there is one.

Given alive, with R = r + x, c = alpha + T, the next purchase comes later than w with probability (1 + w / c)^-R under
BG/NBD and MBG/NBD, where nobody leaves between purchases. Under Pareto/NBD a customer may leave first: the purchase
comes within w with probability

    integral over y from 0 to w of R / c (1 + y / c)^-(R + 1) (1 + y / (beta + T))^-s,

which is found by quadrature and inverted by Newton's method.
All of it is weighed by P(alive), so that quantiles may lie at "never".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.pareto_nbd import ParetoNBD
from crm_analytics.clv.models.purchases import PurchaseFit, histories
from crm_analytics.errors import OptionError

_LEGENDRE, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_NODES: Final = (_LEGENDRE + 1) / 2
_HALF: Final = _WEIGHTS / 2
_FAR: Final = 45.0  # e^-45 is nothing
_BLOCK: Final = 4096
_STEPS: Final = 80
_NEAR: Final = 1e-12


def probability_of_return(
    fit: PurchaseFit, summary: pl.DataFrame | pl.LazyFrame, *, within: float
) -> pl.Series:
    """Say how likely each customer is to buy at least once in (T, T + within], in [0, 1].

    Parameters
    ----------
    fit
        BG/NBD, MBG/NBD or Pareto/NBD.
    summary
        As `clv.summarise` makes it.
    within
        In the summary's unit of time; 0 or more, infinity for "ever".
    """
    if not within >= 0:
        raise OptionError.out_of_range("within", within, "a time of 0 or more, in the summary's unit")
    x, t, age = histories(summary)
    bought = _bought_by(fit, x, age, np.full(len(x), float(within)))
    return pl.Series("p_return", fit.alive_of(x, t, age, 0.0) * bought)


def time_to_next(
    fit: PurchaseFit,
    summary: pl.DataFrame | pl.LazyFrame,
    *,
    quantiles: Sequence[float] = (0.5,),
) -> pl.DataFrame:
    """Say how long it will be until each customer's next purchase.

    Parameters
    ----------
    fit
        BG/NBD, MBG/NBD or Pareto/NBD.
    summary
        As `clv.summarise` makes it; `customer_id` is kept where there is one.
    quantiles
        Each in (0, 1); the default is the median.

    Returns
    -------
    polars.DataFrame
        A row per customer, times in the summary's unit from T on:

        - `customer_id`
        - `p_ever`: probability that there is a next purchase at all
        - `wait_<percent>` per quantile, e.g. `wait_50`: by then the next purchase has come with that probability; null
          where it never reaches it, since the customer may be gone
        - `mean_wait`: mean time to the next purchase of one who is alive and does buy again; null where it is infinite
          (r + x <= 1 under BG/NBD and MBG/NBD, r + x + s <= 1 under Pareto/NBD)

    Examples
    --------
    >>> from crm_analytics import clv
    >>> summary = pl.DataFrame({"frequency": [0, 2, 5], "recency": [0.0, 8.0, 20.0], "T": [30.0, 30.0, 25.0]})
    >>> fit = clv.BetaGeo.fit(summary, penalty=1.0)
    >>> clv.time_to_next(fit, summary, quantiles=(0.25, 0.5)).columns
    ['p_ever', 'wait_25', 'wait_50', 'mean_wait']
    """
    for q in quantiles:
        if not 0 < q < 1:
            raise OptionError.out_of_range("quantiles", q, "numbers between 0 and 1")
    x, t, age = histories(summary)
    alive = fit.alive_of(x, t, age, 0.0)
    ever = _bought_by(fit, x, age, np.full(len(x), np.inf))
    columns = {"p_ever": alive * ever}
    for q in quantiles:
        columns[f"wait_{100 * q:g}"] = _quantile(fit, x, age, q / np.maximum(alive, 1e-300), ever)
    columns["mean_wait"] = _mean_wait(fit, x, age, ever)
    found = pl.DataFrame(columns)
    found = found.with_columns(pl.when(pl.all().is_finite()).then(pl.all()))
    ids = summary.lazy().select(pl.col("^customer_id$")).collect()
    return ids.hstack(found) if ids.width else found


def _bought_by(fit: PurchaseFit, x: Floats, age: Floats, w: Floats) -> Floats:
    """Give the probability of a purchase within w, given alive."""
    if getattr(fit, "k", 1) != 1:  # regular buyers: the time since the last purchase would matter
        raise OptionError.out_of_range("fit", type(fit).__name__, "BG/NBD, MBG/NBD or Pareto/NBD")
    big_r, c = fit.params["r"] + x, fit.params["alpha"] + age
    v = big_r * np.log1p(w / c)
    if not isinstance(fit, ParetoNBD):
        return -np.expm1(-v)
    return _sum_up(big_r, c, fit.params["beta"] + age, fit.params["s"], v, timed=False)


def _sum_up(big_r: Floats, c: Floats, b: Floats, s: float, v: Floats, *, timed: bool) -> Floats:
    """Give the integral of the density of the wait up to v = R ln(1 + w / c), times the wait on request.

    In v the density is e^-v (1 + c (e^(v / R) - 1) / b)^-s: it falls by e^-45 before v = 45, or 45 over its slowest rate.
    """
    found = np.empty(len(c))
    for i in range(0, len(c), _BLOCK):
        k = slice(i, i + _BLOCK)
        slowest = (big_r[k] + s - 1) / big_r[k] if timed else np.ones(len(c[k]))
        end = np.minimum(v[k], _FAR / np.maximum(slowest, 1.0 / _FAR**3))[:, None]
        m = np.minimum(1.0, big_r[k] * b[k] / (c[k] * (s + 1)))[:, None]
        reach = np.log1p(end / m)
        u = reach * _NODES
        at = m * np.expm1(u)
        log_grown = _log_expm1(at / big_r[k, None])
        log_f = u - at - s * np.logaddexp(0.0, np.log(c[k] / b[k])[:, None] + log_grown)
        if timed:
            log_f += np.log(c[k])[:, None] + log_grown
        found[k] = (m * reach)[:, 0] * (np.exp(log_f) @ _HALF)
    return found


def _log_expm1(z: Floats) -> Floats:
    large = z > _FAR
    with np.errstate(divide="ignore"):  # at once: minus infinity
        return np.where(large, z, np.log(np.expm1(np.where(large, 1.0, z))))


def _quantile(fit: PurchaseFit, x: Floats, age: Floats, aim: Floats, ever: Floats) -> Floats:
    """Invert the distribution of the wait given alive; infinite where the aim is never reached."""
    big_r, c = fit.params["r"] + x, fit.params["alpha"] + age
    k = np.flatnonzero(aim < ever)
    v = -np.log1p(-aim[k])
    if isinstance(fit, ParetoNBD):
        v = _climb_to(aim[k], v, big_r[k], c[k], fit.params["beta"] + age[k], fit.params["s"])
    wait = np.full(len(x), np.inf)
    with np.errstate(over="ignore"):
        wait[k] = c[k] * np.expm1(v / big_r[k])
    return wait


def _climb_to(aim: Floats, v: Floats, big_r: Floats, c: Floats, b: Floats, s: float) -> Floats:
    """Solve for the v up to which the density sums to the aim.

    The sum is concave in v, so that Newton's steps from below never overshoot.
    """
    open_ = np.arange(len(v))
    for _ in range(_STEPS):
        if not len(open_):
            break
        at, r, cc, bb = v[open_], big_r[open_], c[open_], b[open_]
        lacking = aim[open_] - _sum_up(r, cc, bb, s, at, timed=False)
        log_density = -at - s * np.logaddexp(0.0, np.log(cc / bb) + _log_expm1(at / r))
        step = np.minimum(lacking * np.exp(np.minimum(-log_density, _FAR)), _FAR)
        v[open_] = at + step
        open_ = open_[np.abs(step) > _NEAR * (1 + at)]
    return v


def _mean_wait(fit: PurchaseFit, x: Floats, age: Floats, ever: Floats) -> Floats:
    """Give the mean wait of those who are alive and buy again; infinite where the tail is too heavy."""
    big_r, c = fit.params["r"] + x, fit.params["alpha"] + age
    if not isinstance(fit, ParetoNBD):
        return np.where(big_r > 1, c / np.where(big_r > 1, big_r - 1, 1.0), np.inf)
    s, b = fit.params["s"], fit.params["beta"] + age
    finite = big_r + s > 1
    total = _sum_up(np.where(finite, big_r, 2.0), c, b, s, np.full(len(c), np.inf), timed=True)
    return np.where(finite, total / ever, np.inf)
