"""How many purchases: the probabilities of 0, 1, 2, … within a horizon, of a new customer or given a history.

With u = h / (alpha + h), NB_n the negative binomial probability with shape r and I the regularised incomplete beta
function, a new customer makes n repeat purchases within h with probability

    BG    B(a, b + n) / B(a, b) NB_n + [n > 0] B(a + 1, b + n - 1) / B(a, b) I_u(n, r)
    MBG   B(a, b + n + 1) / B(a, b) NB_n + B(a + 1, b + n) / B(a, b) I_u(n, r),   I = 1 at n = 0

(Fader, Hardie, Lee 2005, eq. 8, its sum of negative binomial terms being 1 - I_u.) Given a history, alpha becomes
alpha + T, r becomes r + x, b becomes b + x (+ 1), and all of it is weighed by P(alive): leaving follows a purchase, so
a living customer's first purchase ahead is like a new one's under BG. Under Pareto/NBD the lifetime is averaged out by
quadrature.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from scipy.special import betainc, betaln, gammaln, xlog1py, xlogy

from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.geometric_fit import GeometricDropout
from crm_analytics.clv.models.pareto_nbd import ParetoNBD
from crm_analytics.clv.models.purchases import PurchaseFit, histories
from crm_analytics.errors import OptionError

_LEGENDRE, _WEIGHTS = np.polynomial.legendre.leggauss(96)
_NODES: Final = (_LEGENDRE + 1) / 2
_HALF: Final = _WEIGHTS / 2
_BLOCK: Final = 2048
_FINE: Final = 256
"""Ages between which a probability is interpolated where there are more of them."""


def probability_of_purchases(fit: PurchaseFit, n: int | range, *, horizon: float) -> Floats:
    """Say how likely a new customer is to make n repeat purchases within a time of the first.

    Parameters
    ----------
    fit
        BG/NBD, MBG/NBD or Pareto/NBD.
    n
        One number of purchases, or a range of them; 0 or more, as many as you like.
    horizon
        Time since the first purchase, in the unit of the fit; >= 0.

    Returns
    -------
    numpy.ndarray
        One probability per number in n.

    Examples
    --------
    >>> summary = pl.DataFrame({"frequency": [0, 2, 5], "recency": [0.0, 8.0, 20.0], "T": [30.0, 30.0, 25.0]})
    >>> from crm_analytics import clv
    >>> fit = clv.BetaGeo.fit(summary, penalty=1.0)
    >>> bool(abs(clv.probability_of_purchases(fit, range(400), horizon=30).sum() - 1) < 1e-9)
    True
    """
    nought = np.zeros(1)
    counts = _counts(n, horizon)
    if isinstance(fit, ParetoNBD):
        return _pareto(fit, nought, nought, np.ones(1), counts, horizon).ravel()
    return _geometric(_of_geometric(fit), nought, nought, np.ones(1), counts, horizon, new=True).ravel()


def purchase_probabilities(
    fit: PurchaseFit, summary: pl.DataFrame | pl.LazyFrame, n: int | range, *, horizon: float
) -> pl.DataFrame:
    """Say how likely each customer is to make n purchases in (T, T + horizon].

    Parameters
    ----------
    fit
        BG/NBD, MBG/NBD or Pareto/NBD.
    summary
        As `clv.summarise` makes it; `customer_id` is kept where there is one.
    n
        One number of purchases, or a range of them.
    horizon
        In the summary's unit of time; >= 0.

    Returns
    -------
    polars.DataFrame
        A row per customer: customer_id and a column `p_<n>` per number of purchases.
    """
    counts = _counts(n, horizon)
    x, t, age = histories(summary)
    alive = fit.alive_of(x, t, age, 0.0)
    if isinstance(fit, ParetoNBD):
        found = _pareto(fit, x, age, alive, counts, horizon)
    else:
        found = _geometric(_of_geometric(fit), x, age, alive, counts, horizon, new=False)
    columns = pl.DataFrame({f"p_{int(k)}": found[:, i] for i, k in enumerate(counts)})
    ids = summary.lazy().select(pl.col("^customer_id$")).collect()
    return ids.hstack(columns) if ids.width else columns


def shares_by_age(fit: PurchaseFit, ages: Floats, n: int | range) -> Floats:
    """Say how likely customers of these ages are to have made n repeat purchases so far, nothing else being known.

    Where there are many different ages, the probabilities are worked out at some of them and interpolated.

    Parameters
    ----------
    fit
        BG/NBD, MBG/NBD or Pareto/NBD.
    ages
        T of each customer, in the unit of the fit.
    n
        One number of purchases, or a range of them.

    Returns
    -------
    numpy.ndarray
        One row per customer, one column per number in n.
    """
    points = np.unique(ages)
    points = np.unique(np.quantile(points, np.linspace(0, 1, _FINE))) if len(points) > _FINE else points
    table = np.stack([probability_of_purchases(fit, n, horizon=float(p)) for p in points])
    return np.stack([np.interp(ages, points, column) for column in table.T], axis=1)


def _counts(n: int | range, horizon: float) -> Floats:
    if not 0 <= horizon < np.inf:
        raise OptionError.out_of_range("horizon", horizon, "0 or more, in the unit of time of the fit")
    counts = np.array([n] if isinstance(n, int) else list(n), float)
    if not counts.size or counts.min() < 0:
        raise OptionError.out_of_range("n", n, "0 or more purchases, one number or a range")
    return counts


def _of_geometric(fit: PurchaseFit) -> GeometricDropout:
    if not isinstance(fit, GeometricDropout) or getattr(fit, "k", 1) != 1:
        raise OptionError.out_of_range("fit", type(fit).__name__, "BG/NBD, MBG/NBD or Pareto/NBD")
    return fit


def _geometric(
    fit: GeometricDropout, x: Floats, age: Floats, alive: Floats, n: Floats, h: float, *, new: bool
) -> Floats:
    """Give the probabilities, customer by number.

    Ahead of a living customer of either model lies what lies ahead of a new one of BG/NBD: a purchase comes first,
    then perhaps the end. A new customer of MBG/NBD may have left at once, which P(alive) = b / (a + b) covers.
    """
    r, alpha, a, b = fit.values()
    big_r, c, behind = (r + x)[:, None], (alpha + age)[:, None], (b + x + fit.shift)[:, None]
    if new and fit.shift:
        alive = alive * b / (a + b)
    u = h / (c + h)
    log_nb = gammaln(big_r + n) - gammaln(big_r) - gammaln(n + 1) + big_r * np.log1p(h / c) * -1 + xlogy(n, u)
    stays = np.exp(betaln(a, behind + n) - betaln(a, behind) + log_nb)
    some = np.maximum(n, 1.0)
    leaves = np.exp(betaln(a + 1, behind + some - 1) - betaln(a, behind)) * betainc(some, big_r, u)
    return _with_the_gone(stays + np.where(n > 0, leaves, 0.0), alive, n)


def _pareto(fit: ParetoNBD, x: Floats, age: Floats, alive: Floats, n: Floats, h: float) -> Floats:
    """Average the Poisson-gamma probability over the lifetime, customer by number.

    Alive to the end: NB_n(h) (1 + h / (beta + T))^-s; gone at y before it: NB_n(y) with density
    s / (beta + T) (1 + y / (beta + T))^-(s + 1). Nodes in z = y / h, bunched at both ends by z = sin^2.
    """
    found = np.empty((len(x), len(n)))
    z, weight = np.sin(np.pi / 2 * _NODES) ** 2, _HALF * np.pi / 2 * np.sin(np.pi * _NODES)
    r, alpha, s, beta = fit.values()
    for i in range(0, len(x), _BLOCK):
        big_r, c, b = (v[i : i + _BLOCK, None] for v in (r + x, alpha + age, beta + age))
        y = h * z
        with np.errstate(under="ignore"):
            ends = h * weight * s / b * np.exp(-(s + 1) * np.log1p(y / b))
            for j, k in enumerate(n):
                to_the_end = _negative_binomial(k, big_r, h / c) * np.exp(-s * np.log1p(h / b))
                found[i : i + _BLOCK, j] = to_the_end[:, 0] + (
                    ends * _negative_binomial(k, big_r, y / c)
                ).sum(axis=1)
    return _with_the_gone(found, alive, n)


def _negative_binomial(n: float, big_r: Floats, odds: Floats) -> Floats:
    """Give G(R + n) / (G(R) n!) (1 + o)^-(R + n) o^n."""
    log_p = gammaln(big_r + n) - gammaln(big_r) - gammaln(n + 1)
    return np.asarray(np.exp(log_p - xlog1py(big_r + n, odds) + xlogy(n, odds)), np.float64)


def _with_the_gone(given_alive: Floats, alive: Floats, n: Floats) -> Floats:
    shares: Floats = alive[:, None] * given_alive + (1 - alive)[:, None] * (n == 0)
    return np.minimum(shares, 1.0)
