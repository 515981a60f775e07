"""Transactions become the histories that customer-base models read: frequency, recency, T and spend."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import narwhals as nw
import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.customers import MONEY_DECIMALS
from crm_analytics.aggregates.purchase_days import money_back, purchase_days
from crm_analytics.clv.rows import DAYS_PER
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.extracts.readers import as_extract


def summarise(
    transactions: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    unit: str = "day",
    calibration_end: windows.Day | None = None,
    free_orders: bool = True,
    log_intervals: bool = False,
) -> pl.DataFrame:
    """Reduce transactions to one history per customer, as every customer-base model reads it.

    Purchases of one day count as one. The first purchase makes somebody a customer and is not counted: `frequency`
    and `monetary_value` are of the repeat purchases. T runs to the last observed day, the day before `as_of`.

    Parameters
    ----------
    transactions
        An Extract, a frame, or anything `crm.read_transactions` takes.
    as_of
        The first day that is not seen; None takes the day after the last row.
    unit
        "hour", "day", "week", "month", "quarter" or "year": the unit of recency and T. Whole days are counted and
        divided by its length (a month is a twelfth of 365.25 days), so a week's history may be 3.857 weeks.
    calibration_end
        The first day of a holdout period: histories are taken before it, and what followed up to `as_of` is counted
        in `frequency_holdout` and `spend_holdout`. Customers who came later are left out.
    free_orders
        Whether an order without any money, neither paid nor back, counts as a purchase: the customer came, so it does,
        as in the literature. Say False where such orders are corrections of stock.
    log_intervals
        Add `log_interval_sum`, which the models of regular buying (`BetaGeoErlang`) need; it takes longer.

    Returns
    -------
    polars.DataFrame
        Sorted by customer_id:

        - `customer_id`
        - `frequency`: days with a repeat purchase
        - `recency`: from the first to the last purchase, in units; 0 without a repeat purchase
        - `T`: from the first purchase to the last observed day, in units
        - `monetary_value`: mean net spend per repeat purchase; 0 without one
        - `first_value`: net spend on the first day; `first_value + frequency * monetary_value` is the net spend
        - `time_unit`: the unit, so that it travels with the data
        - with `log_intervals`: `log_interval_sum`, the sum of the logs of the times between purchases, in units
        - with `calibration_end`: `frequency_holdout`, `spend_holdout`, `holdout_length` in units

    Raises
    ------
    NotEnoughDataError
        If nobody made a purchase.
    OptionError
        If the unit is not known, or calibration_end does not lie before as_of.
    """
    if unit not in DAYS_PER:
        raise OptionError.out_of_range("unit", unit, f"one of {', '.join(DAYS_PER)}")
    extract = as_extract(transactions)
    window = windows.resolve(extract, as_of=as_of)
    if calibration_end is None:
        whole = _histories(extract.frame, window.as_of, unit, free_orders=free_orders)
        if not log_intervals:
            return whole
        return _with_log_intervals(whole, extract.frame, window.as_of, unit, free_orders=free_orders)
    until = windows.day_of("calibration_end", calibration_end)
    if until >= window.as_of:
        raise OptionError.out_of_range(
            "calibration_end", until.isoformat(), f"a day before as_of, {window.as_of}"
        )
    histories = _histories(extract.frame, until, unit, free_orders=free_orders)
    if log_intervals:
        histories = _with_log_intervals(histories, extract.frame, until, unit, free_orders=free_orders)
    return histories.join(
        _holdout(extract.frame, until, window.as_of, free_orders=free_orders),
        on="customer_id",
        how="left",
        maintain_order="left",
    ).with_columns(
        pl.col("frequency_holdout", "spend_holdout").fill_null(0),
        holdout_length=pl.lit((window.as_of - until).days / DAYS_PER[unit]),
    )


def _histories(frame: pl.LazyFrame, as_of: date, unit: str, *, free_orders: bool) -> pl.DataFrame:
    days = purchase_days(frame, as_of=as_of, free_orders=free_orders)
    number = nw.col("ordered_on")
    totals = days.group_by("customer_id").agg(
        nw.len().cast(nw.Int64).alias("n_days"),
        number.min().alias("first_on"),
        number.max().alias("last_on"),
        nw.col("amount").sum().alias("spend"),
    )
    first = days.select(
        "customer_id", nw.col("ordered_on").alias("first_on"), nw.col("amount").alias("first_amount")
    )
    found: pl.DataFrame = (
        totals.join(first, on=["customer_id", "first_on"], how="left")
        .join(money_back(frame, as_of=as_of), on="customer_id", how="left")
        .collect("polars")
        .to_native()
    )
    if found.is_empty():
        raise NotEnoughDataError.of("customers with a purchase", 0, 1)
    last_day = pl.lit(as_of - timedelta(days=1))
    length = DAYS_PER[unit]
    back = pl.col("money_back").fill_null(0.0)
    kept = pl.when(pl.col("spend") > 0).then(1 - back / pl.col("spend")).otherwise(1.0)  # of each pound spent
    repeats = pl.col("n_days") - 1
    histories: pl.DataFrame = found.sort("customer_id").select(
        "customer_id",
        frequency=repeats,
        recency=(pl.col("last_on") - pl.col("first_on")).dt.total_days() / length,
        T=(last_day - pl.col("first_on")).dt.total_days() / length,
        monetary_value=pl.when(repeats > 0)
        .then((pl.col("spend") - pl.col("first_amount")) * kept / repeats)
        .otherwise(0.0)
        .round(MONEY_DECIMALS),
        first_value=(pl.col("first_amount") * kept).round(MONEY_DECIMALS),
        time_unit=pl.lit(unit),
    )
    return histories


def _with_log_intervals(
    histories: pl.DataFrame, frame: pl.LazyFrame, as_of: date, unit: str, *, free_orders: bool
) -> pl.DataFrame:
    days: pl.DataFrame = (
        purchase_days(frame, as_of=as_of, free_orders=free_orders).collect("polars").to_native()
    )
    gap = pl.col("ordered_on").diff().over("customer_id", order_by="ordered_on").dt.total_days()
    logs = days.with_columns(log=(gap / DAYS_PER[unit]).log())
    sums = (
        logs.sort("customer_id", "ordered_on")
        .group_by("customer_id")
        .agg(log_interval_sum=pl.col("log").sum())
    )
    return histories.join(sums, on="customer_id", how="left", maintain_order="left")


def _holdout(frame: pl.LazyFrame, start: date, as_of: date, *, free_orders: bool) -> pl.DataFrame:
    later = purchase_days(frame, as_of=as_of, free_orders=free_orders).filter(nw.col("ordered_on") >= start)
    found = later.group_by("customer_id").agg(
        nw.len().cast(nw.Int64).alias("frequency_holdout"), nw.col("amount").sum().alias("spend_holdout")
    )
    result: pl.DataFrame = found.collect("polars").to_native()
    return result
