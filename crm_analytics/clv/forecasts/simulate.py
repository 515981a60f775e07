"""Customers as a fitted model makes them: transactions with known parameters, for trying and for what-if."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.clv.likelihoods.rows import DAYS_PER, Codes, Floats
from crm_analytics.clv.models.gamma_gamma import GammaGamma
from crm_analytics.clv.models.geometric_fit import GeometricDropout
from crm_analytics.clv.models.pareto_nbd import ParetoNBD
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.errors import OptionError

_START: Final = date(2024, 1, 1)
_MOST_ROUNDS: Final = 100_000
_MICROS_A_DAY: Final = 86_400_000_000.0


def simulate(
    fit: PurchaseFit,
    n: int,
    *,
    length: float,
    arrivals: float = 0.0,
    spend: GammaGamma | None = None,
    start: date = _START,
    seed: int = 0,
) -> pl.DataFrame:
    """Make transactions of customers who behave as a fit says.

    Parameters
    ----------
    fit
        BG/NBD, MBG/NBD, either with Erlang gaps, or Pareto/NBD. Its unit of time is taken as a day where it is not known.
    n
        Customers; >= 1.
    length
        How long they are watched, in the unit of the fit; > 0.
    arrivals
        First purchases are spread evenly over so much time from the start on; 0 (the default) lets all begin at once.
        At most `length`.
    spend
        Draws amounts per purchase; None makes every amount 1.
    start
        Day of the first possible purchase.
    seed
        The same seed makes the same customers.

    Returns
    -------
    polars.DataFrame
        A row per purchase, sorted by time: `customer_id`, `ordered_at` (to the microsecond), `amount`. `clv.summarise`
        makes histories of it: purchases of one day then count as one.

    Examples
    --------
    >>> from crm_analytics import clv
    >>> summary = pl.DataFrame({"frequency": [0, 2, 5], "recency": [0.0, 8.0, 20.0], "T": [30.0, 30.0, 25.0]})
    >>> fit = clv.BetaGeo.fit(summary, penalty=1.0).with_time_unit("week")
    >>> clv.simulate(fit, 100, length=52, seed=1)["customer_id"].n_unique()
    100
    """
    _check(n, length, arrivals)
    rng = np.random.default_rng(seed)
    begins = rng.uniform(0, arrivals, n) if arrivals else np.zeros(n)
    if isinstance(fit, ParetoNBD):
        who, when = _with_lifetimes(fit, rng, length - begins)
    elif isinstance(fit, GeometricDropout):
        who, when = _with_geometric_ends(fit, rng, length - begins)
    else:
        raise OptionError.out_of_range("fit", type(fit).__name__, "BG/NBD, MBG/NBD or Pareto/NBD")
    who, when = np.concatenate([np.arange(n), who]), np.concatenate([begins, begins[who] + when])
    amount = np.ones(len(who)) if spend is None else _amounts(spend, rng, n, who)
    micros = when * DAYS_PER.get(fit.time_unit or "day", 1.0) * _MICROS_A_DAY
    digits = len(str(n))
    return (
        pl.DataFrame({"customer": who + 1, "micros": micros.astype(np.int64), "amount": amount})
        .select(
            customer_id=pl.col("customer").cast(pl.String).str.zfill(digits),
            ordered_at=pl.lit(start).cast(pl.Datetime("us")) + pl.duration(microseconds="micros"),
            amount=pl.col("amount"),
        )
        .sort("ordered_at", "customer_id")
    )


def _check(n: int, length: float, arrivals: float) -> None:
    if n < 1:
        raise OptionError.out_of_range("n", n, "at least 1 customer")
    if not 0 < length < np.inf:
        raise OptionError.out_of_range("length", length, "a time above 0, in the unit of the fit")
    if not 0 <= arrivals <= length:
        raise OptionError.out_of_range("arrivals", arrivals, f"a time from 0 to the length, {length:g}")


def _with_geometric_ends(
    fit: GeometricDropout, rng: np.random.Generator, watched: Floats
) -> tuple[Codes, Floats]:
    """Draw repeat purchases: who, and when since the first; after each the customer may leave."""
    r, alpha, a, b = fit.values()
    k = float(getattr(fit, "k", 1))  # regular buyers: a gap is the sum of k
    n = len(watched)
    rate, leaves = rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    stays = np.arange(n) if not fit.shift else np.flatnonzero(rng.random(n) >= leaves)
    clock = np.zeros(n)
    people: list[Codes] = [np.empty(0, np.intp)]
    times: list[Floats] = [np.empty(0)]
    for _ in range(_MOST_ROUNDS):
        with np.errstate(divide="ignore"):
            clock[stays] += rng.standard_gamma(k, len(stays)) / rate[stays]
        stays = stays[clock[stays] < watched[stays]]
        if not len(stays):
            break
        people.append(stays)
        times.append(clock[stays])
        stays = stays[rng.random(len(stays)) >= leaves[stays]]
    return np.concatenate(people), np.concatenate(times)


def _with_lifetimes(fit: ParetoNBD, rng: np.random.Generator, watched: Floats) -> tuple[Codes, Floats]:
    """Draw repeat purchases up to the end of each lifetime: given their number they lie evenly."""
    r, alpha, s, beta = fit.values()
    n = len(watched)
    rate = rng.gamma(r, 1 / alpha, n)
    with np.errstate(divide="ignore"):
        lifetime = rng.exponential(1.0, n) / rng.gamma(s, 1 / beta, n)
    seen = np.minimum(lifetime, watched)
    who = np.repeat(np.arange(n), rng.poisson(rate * seen))
    return who, rng.random(len(who)) * seen[who]


def _amounts(spend: GammaGamma, rng: np.random.Generator, n: int, who: Codes) -> Floats:
    p, q, v = spend.values()
    own = rng.gamma(q, 1 / v, n)
    return np.round(rng.gamma(p, 1.0, len(who)) / own[who], 2)
