"""Who is slipping: good customers so far who are much less likely to be still customers than a few months ago."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.periods import shift
from crm_analytics.clv.forecasts.futures import purchases_ahead
from crm_analytics.clv.summary import summarise
from crm_analytics.clv.worth.ahead import Worth
from crm_analytics.clv.worth.standing import Histories
from crm_analytics.clv.worth.valuation import Valuation
from crm_analytics.clv.worth.valued_customers import ValueBase
from crm_analytics.extracts.extract import Extract

_EDGE: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Before:
    """P(alive) some months ago, per customer in the order of the base, and what has slipped since.

    `on` is the day that P(alive) was taken at; None where the extract does not reach back so far.
    """

    on: date | None
    p_alive: pl.Series
    is_slipping: pl.Series
    value_at_stake: pl.Series


def compare(found: Valuation, *, months: int, good_share: float, least_drop: float) -> Before:
    """Compare P(alive) with that of some months ago, both with the parameters of today's fit."""
    base, worth = found.base, found.worth
    on = shift(base.window.as_of, -months)
    customers = base.customers
    if customers.filter(pl.col("first_ordered_on") < on).is_empty():
        nobody = pl.Series("is_slipping", np.zeros(customers.height, bool))
        empty = pl.Series(np.full(customers.height, np.nan)).fill_nan(None)
        return Before(None, empty, nobody, empty)
    then = _histories_then(found.extract, base, on)
    histories = Histories.of(then)
    p_then = worth.standing.fit.p_alive(histories.frame).to_numpy()[histories.of_customer]
    then = then.select("customer_id", p=pl.Series(p_then), had_come_back=pl.col("frequency") > 0)
    earlier = customers.select("customer_id").join(then, on="customer_id", how="left", maintain_order="left")
    p_before = earlier["p"]
    p_now = pl.Series(worth.standing.per_customer(worth.standing.alive[0]))
    spent_more = customers["spend"].rank("min", descending=True) - 1
    good = (spent_more < good_share * customers.height - _EDGE) & (customers["spend"] > 0)
    slipping = (good & earlier["had_come_back"] & (p_before - p_now >= least_drop)).fill_null(value=False)
    lost = pl.Series(_given_alive(worth, float(found.horizon_days), found.rate)) * (p_before - p_now)
    at_stake = pl.select(pl.when(slipping).then(lost)).to_series()
    return Before(on, p_before, slipping, at_stake)


def _histories_then(extract: Extract, base: ValueBase, on: date) -> pl.DataFrame:
    """Give the histories up to an earlier day; those who have not bought since are only older now."""
    gap = (base.window.as_of - on).days
    silent = base.summary.filter(pl.col("T") - pl.col("recency") >= gap).select(
        "customer_id", "frequency", "recency", pl.col("T") - gap, "time_unit"
    )
    early = base.customers.filter(pl.col("first_ordered_on") < on).select("customer_id")
    bought = early.join(silent, on="customer_id", how="anti")
    if bought.is_empty():
        return silent
    rows = extract.frame.join(bought.lazy(), on="customer_id", how="semi")
    again = summarise(replace(extract, frame=rows), as_of=on, unit="day").select(silent.columns)
    return pl.concat([silent, again]).sort("customer_id")


def _given_alive(worth: Worth, horizon: float, rate: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Give what each customer would be worth if known to be still a customer."""
    standing = worth.standing
    ahead = purchases_ahead(standing.fit, standing.x, standing.age, horizon=horizon, rate=rate)
    per_history = ahead[standing.cell]
    found: np.ndarray[tuple[int], np.dtype[np.float64]] = (
        worth.margin.rate * worth.spending.per_purchase * standing.per_customer(per_history)
    )
    return found


def slipping_table(customers: pl.DataFrame, base: ValueBase) -> pl.DataFrame:
    """List the customers who are slipping, most value at stake first."""
    silent = base.summary.select(
        "customer_id",
        days_silent=(pl.col("T") - pl.col("recency")),
        usual_gap_days=pl.when(pl.col("frequency") > 0).then(pl.col("recency") / pl.col("frequency")),
    )
    return (
        customers.filter("is_slipping")
        .join(silent, on="customer_id", how="left")
        .sort("value_at_stake", "customer_id", descending=[True, False])
        .select(
            "customer_id", "value_at_stake", "p_alive_before", "p_alive", "p_alive_lower", "p_alive_upper",
            "lifetime_value", "lifetime_value_lower", "lifetime_value_upper", "spend", "n_orders", "last_ordered_on",
            "days_silent", "usual_gap_days",
        )
    )  # fmt: skip
