"""Transactions become one row per customer: what RFM, value tiers and the customer-base models begin with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import narwhals as nw
import polars as pl
from narwhals.typing import IntoFrame

from crm_analytics.aggregates.orders import orders
from crm_analytics.aggregates.sorted_orders import sorted_orders
from crm_analytics.extracts.extract import Extract

MONEY_DECIMALS: Final = 6
"""Sums are rounded here, far below a cent, so that the order of summation leaves no trace in them."""

_EPOCH: Final = date(1970, 1, 1).toordinal()
_COUNTS: Final = ("n_orders", "active_days", "n_lines_without_cost")
_MONEY: Final = ("spend", "gross_spend", "refunds", "first_order_amount", "cost")


def customer_summary(rows: IntoFrame | Extract, *, as_of: date, start: date | None = None) -> pl.DataFrame:
    """Give one row per customer, sorted by `customer_id`, from the orders in `[start, as_of)`.

    Customers without any order or refund in the window are left out. Customers with nothing but orders that net
    to zero or less are kept with `n_orders` 0 and empty days: their money counts, they bought nothing.

    Parameters
    ----------
    rows
        An Extract of transactions, which is quickest, or transactions in canonical columns: anything narwhals reads
        (polars, DuckDB relation, Spark frame).
    as_of
        The first day that is not seen.
    start
        The first day whose orders count; None counts all. What is "first" is decided on all history before `as_of`.

    Returns
    -------
    polars.DataFrame
        - `customer_id`
        - `n_orders` (Int64): orders with a positive net amount
        - `first_ordered_on`: day of the first purchase ever, also where it lies before `start`
        - `last_ordered_on`: day of the last purchase in the window
        - `spend`: net of refunds; always `gross_spend - refunds`
        - `gross_spend`: sum of positive lines; `refunds`: sum of negative lines, as a positive number
        - `spend_per_order`: `spend / n_orders`, null without orders
        - `active_days` (Int64): different days with a purchase in the window
        - `first_order_amount`: net amount of the purchases on the day of the first purchase ever
        - `first_day_number`, `last_day_number` (Int64): `date.toordinal()` of the two days, for customer-base models
        - where the frame has a cost: `cost` (sum of the known ones, null where none is known),
          `n_lines_without_cost`, and `margin` (`spend - cost`, null unless the cost of every line is known)

    Examples
    --------
    >>> from datetime import datetime
    >>> lines = pl.LazyFrame(
    ...     {
    ...         "customer_id": ["a", "a", "a", "b"],
    ...         "ordered_at": [datetime(2026, 1, d) for d in (5, 5, 9, 7)],
    ...         "amount": [10.0, 5.0, 20.0, -4.0],
    ...     }
    ... )
    >>> summary = customer_summary(lines, as_of=date(2026, 2, 1))
    >>> summary.select("customer_id", "n_orders", "spend", "refunds", "active_days").rows()
    [('a', 2, 35.0, 0.0, 2), ('b', 0, -4.0, 4.0, 0)]
    """
    found_orders, ids = _orders(rows, as_of)
    days = _customer_days(found_orders, start)
    totals = days.group_by("customer_id").agg(*_totals(days.collect_schema().names()))
    firsts = days.select("customer_id", nw.col("bought_on").alias("first_ordered_on"), "first_order_amount")
    found = (
        totals.filter(nw.col("n_in_window") > 0)
        .drop("n_in_window")
        .join(firsts, on=["customer_id", "first_ordered_on"], how="left")
        .collect("polars")
        .to_native()
    )
    if ids is not None:
        found = found.with_columns(ids.gather(found["customer_id"]).alias("customer_id"))
    return _finished(found)


def _orders(rows: IntoFrame | Extract, as_of: date) -> tuple[nw.LazyFrame[Any], pl.Series | None]:
    """Give the orders; those of an extract have the place of the customer among the ids in the place of the id."""
    if not isinstance(rows, Extract):
        return orders(rows, as_of=as_of), None
    if "cost" in rows.frame.collect_schema():
        return orders(rows.frame, as_of=as_of), None
    found = sorted_orders(rows, as_of=as_of)
    return nw.from_native(found.frame.lazy().rename({"customer": "customer_id"})), found.ids


def _customer_days(found: nw.LazyFrame[Any], start: date | None) -> nw.LazyFrame[Any]:
    """Reduce orders to customer-days: counting days is then a plain count, which is fast on every engine."""
    columns = found.collect_schema().names()
    buys = nw.col("is_purchase")
    optional = [c for c in ("n_lines", "cost", "n_lines_without_cost") if c in columns]
    days = found.group_by("customer_id", "ordered_on").agg(
        nw.len().cast(nw.Int64).alias("n_in_window"),
        nw.when(buys).then(1).otherwise(0).sum().cast(nw.Int64).alias("n_orders"),
        nw.when(buys).then(nw.col("amount")).otherwise(0.0).sum().alias("first_order_amount"),
        nw.col("positive_amount").sum().alias("gross_spend"),
        nw.col("refunds").sum(),
        *(nw.col(c).fill_null(0).sum() for c in optional),
    )
    bought = nw.when(nw.col("n_orders") > 0).then(nw.col("ordered_on"))
    days = days.with_columns(bought.alias("bought_on"), bought.alias("bought_in_window"))
    return days if start is None else _only_from(days, start, optional)


def _only_from(days: nw.LazyFrame[Any], start: date, optional: Sequence[str]) -> nw.LazyFrame[Any]:
    """Blank out what lies before the window, but keep the days: the first purchase ever may be there."""
    inside = nw.col("ordered_on") >= start
    counts = ["n_in_window", "n_orders", *(c for c in optional if c != "cost")]
    money = ["gross_spend", "refunds", *(c for c in optional if c == "cost")]
    return days.with_columns(
        *(nw.when(inside).then(nw.col(c)).otherwise(0).alias(c) for c in counts),
        *(nw.when(inside).then(nw.col(c)).otherwise(0.0).alias(c) for c in money),
        nw.when(inside).then(nw.col("bought_on")).alias("bought_in_window"),
    )


def _totals(columns: list[str]) -> list[nw.Expr]:
    summed = ("n_in_window", "n_orders", "gross_spend", "refunds", "n_lines", "cost", "n_lines_without_cost")
    return [
        *(nw.col(c).sum() for c in summed if c in columns),
        nw.col("bought_on").min().alias("first_ordered_on"),
        nw.col("bought_in_window").max().alias("last_ordered_on"),
        nw.col("bought_in_window").count().alias("active_days"),
    ]


def _finished(found: pl.DataFrame) -> pl.DataFrame:
    found = found.sort("customer_id").with_columns(
        pl.col([c for c in _COUNTS if c in found.columns]).cast(pl.Int64),
        spend=pl.col("gross_spend") - pl.col("refunds"),
    )
    found = found.with_columns(pl.col([c for c in _MONEY if c in found.columns]).round(MONEY_DECIMALS))
    if "cost" in found.columns:
        found = _with_margin(found)
    return found.select(
        "customer_id",
        "n_orders",
        "first_ordered_on",
        "last_ordered_on",
        "spend",
        "gross_spend",
        "refunds",
        pl.when(pl.col("n_orders") > 0).then(pl.col("spend") / pl.col("n_orders")).alias("spend_per_order"),
        "active_days",
        "first_order_amount",
        *(_day_number(f"{which}_ordered_on").alias(f"{which}_day_number") for which in ("first", "last")),
        *(c for c in ("cost", "n_lines_without_cost", "margin") if c in found.columns),
    )


def _day_number(column: str) -> pl.Expr:
    return pl.col(column).to_physical().cast(pl.Int64) + _EPOCH


def _with_margin(found: pl.DataFrame) -> pl.DataFrame:
    unknown = pl.col("n_lines_without_cost")
    margin = (pl.col("spend") - pl.col("cost")).round(MONEY_DECIMALS)
    return found.with_columns(
        cost=pl.when(unknown < pl.col("n_lines")).then("cost"),
        margin=pl.when(unknown == 0).then(margin),
    )
