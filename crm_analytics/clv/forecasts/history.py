"""How sure one could be at any time that a customer was still there: P(alive) along the histories."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.purchase_days import purchase_days
from crm_analytics.clv.likelihoods.rows import DAYS_PER
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.extracts.readers import as_extract

_MOST_ROWS: Final = 50_000_000


def alive_history(
    fit: PurchaseFit,
    transactions: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: date | datetime | str | None = None,
    step_days: int = 7,
    free_orders: bool = True,
) -> pl.DataFrame:
    """Say how likely each customer was alive at regular steps since the first purchase, as it looked at the time.

    Parameters
    ----------
    fit
        BG/NBD, MBG/NBD or Pareto/NBD, from a summary with its unit of time.
    transactions
        An Extract, a frame, or anything `crm.read_transactions` takes; of one customer or of all.
    as_of
        The first day that is not seen; None takes the day after the last row.
    step_days
        Days between two points of a history; >= 1. Days of purchase and the last day are always points too.
    free_orders
        As in `clv.summarise`.

    Returns
    -------
    polars.DataFrame
        A row per customer and day, sorted by both:

        - `customer_id`
        - `on`: the day
        - `frequency`, `recency`, `T`: the history up to and with that day, in the unit of the fit
        - `p_alive`: P(alive) on that day
        - `purchased`: whether there was a purchase on it

    Raises
    ------
    NotEnoughDataError
        If nobody made a purchase.
    OptionError
        If the fit does not know its unit of time, or step_days is below 1, or the histories come to more than 50
        million rows.
    """
    if fit.time_unit not in DAYS_PER:
        raise OptionError(
            "The unit of time of this fit is not known.",
            f"Expected one of {', '.join(DAYS_PER)}.",
            "Make the summary with clv.summarise(…, unit=…), or fit.with_time_unit('week').",
        )
    if step_days < 1:
        raise OptionError.out_of_range("step_days", step_days, "1 day or more")
    extract = as_extract(transactions)
    window = windows.resolve(extract, as_of=as_of)
    days: pl.DataFrame = (
        purchase_days(extract.frame, as_of=window.as_of, free_orders=free_orders)
        .collect("polars")
        .to_native()
    )
    if days.is_empty():
        raise NotEnoughDataError.of("customers with a purchase", 0, 1)
    bought = days.select("customer_id", "ordered_on").sort("customer_id", "ordered_on")
    return alive_along(fit, bought, as_of=window.as_of, step_days=step_days)


def alive_along(fit: PurchaseFit, bought: pl.DataFrame, *, as_of: date, step_days: int) -> pl.DataFrame:
    """Give what `alive_history` gives, from days with a purchase: `customer_id`, `ordered_on`, sorted by both."""
    length = DAYS_PER[fit.time_unit or "day"]
    return _along(fit, bought, _points(bought, as_of, step_days), length)


def _points(bought: pl.DataFrame, as_of: date, step_days: int) -> pl.DataFrame:
    """Give the days on which each history is looked at."""
    last = pl.lit(as_of) - pl.duration(days=1)
    first = bought.group_by("customer_id").agg(pl.col("ordered_on").min())
    rows = first.select(((last - pl.col("ordered_on")).dt.total_days() // step_days + 1).sum()).item()
    if rows > _MOST_ROWS:
        raise OptionError.out_of_range(
            "step_days",
            step_days,
            f"a longer step or fewer customers: these histories come to {rows:,} rows, the most is {_MOST_ROWS:,}",
        )
    steps = first.select(
        "customer_id", on=pl.date_ranges("ordered_on", last.cast(pl.Date), interval=f"{step_days}d")
    ).explode("on")
    end = first.select("customer_id", on=last.cast(pl.Date))
    purchases = bought.rename({"ordered_on": "on"})
    return pl.concat([steps, end, purchases]).unique().sort("customer_id", "on")


def _along(fit: PurchaseFit, bought: pl.DataFrame, points: pl.DataFrame, length: float) -> pl.DataFrame:
    numbered = bought.with_columns(
        on=pl.col("ordered_on"),
        first_on=pl.col("ordered_on").min().over("customer_id"),
        frequency=pl.col("ordered_on").cum_count().over("customer_id").cast(pl.Int64) - 1,
    )
    found = (
        points.join_asof(numbered, on="on", by="customer_id", check_sortedness=False)
        .with_columns(
            recency=(pl.col("ordered_on") - pl.col("first_on")).dt.total_days() / length,
            T=(pl.col("on") - pl.col("first_on")).dt.total_days() / length,
            purchased=pl.col("ordered_on") == pl.col("on"),
        )
        .select("customer_id", "on", "frequency", "recency", "T", "purchased")
    )
    return found.select(
        "customer_id", "on", "frequency", "recency", "T", p_alive=fit.p_alive(found), purchased="purchased"
    )
