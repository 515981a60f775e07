"""Transactions become purchase days: what the customer-base models count.

Purchases of one day are one occasion. Money that came back outside the order it belongs to is shared over the
customer's purchases in proportion to them, so that the customer's total stays what it was.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from crm_analytics.aggregates.orders import NEXT_TO_NOTHING, orders


def purchase_days(frame: IntoFrame, *, as_of: date, free_orders: bool = True) -> nw.LazyFrame[Any]:
    """Give one row per customer and day with a purchase before `as_of`.

    Parameters
    ----------
    frame
        Transactions in canonical columns: anything narwhals reads (polars, DuckDB relation, Spark frame).
    as_of
        The first day that is not seen.
    free_orders
        Whether an order without any money, neither paid nor back, is an occasion too. The customer came, so the
        models count it, as the literature does; where such orders are corrections of stock, say False.

    Returns
    -------
    narwhals.LazyFrame
        `customer_id`, `ordered_on`, `amount` (net amount of the day's purchases), in no particular order.
    """
    occasion = nw.col("is_purchase")
    if free_orders:
        occasion |= (nw.col("positive_amount") == 0) & (nw.col("refunds") == 0)
    found = orders(frame, as_of=as_of).filter(occasion)
    return found.group_by("customer_id", "ordered_on").agg(nw.col("amount").sum())


def purchase_instants(frame: IntoFrame, *, as_of: date, free_orders: bool = True) -> nw.LazyFrame[Any]:
    """Give one row per customer and instant of a purchase before `as_of`, for data exact to the minute.

    Parameters as in `purchase_days`. An order is the rows that share customer and order id, at its first instant (the
    rows of one instant where there is no order id).

    Returns
    -------
    narwhals.LazyFrame
        `customer_id`, `ordered_at`, `amount`, in no particular order.
    """
    rows = nw.from_native(frame).lazy()
    has_numbers = "order_id" in rows.collect_schema().names()
    keys = ["order_id", "own_at"] if has_numbers else ["ordered_at"]
    amount = nw.col("amount")
    sums = [
        amount.sum().alias("net"),
        nw.when(amount > 0).then(amount).otherwise(0.0).sum().alias("paid"),
        nw.when(amount < 0).then(-amount).otherwise(0.0).sum().alias("back"),
    ]
    seen = rows.filter(nw.col("ordered_at") < datetime.combine(as_of, time.min))
    if has_numbers:  # rows without a number make an order per instant, not one together
        sums.append(nw.col("ordered_at").min().alias("at"))
        seen = seen.with_columns(
            nw.when(nw.col("order_id").is_null()).then(nw.col("ordered_at")).alias("own_at")
        )
    found = seen.group_by("customer_id", *keys).agg(*sums)
    occasion = nw.col("net") > NEXT_TO_NOTHING * nw.col("paid")
    if free_orders:
        occasion |= (nw.col("paid") == 0) & (nw.col("back") == 0)
    instant = nw.col("at" if has_numbers else "ordered_at").alias("ordered_at")
    kept = found.filter(occasion).select("customer_id", instant, nw.col("net").alias("amount"))
    return kept.group_by("customer_id", "ordered_at").agg(nw.col("amount").sum())


def money_back(frame: IntoFrame, *, as_of: date) -> nw.LazyFrame[Any]:
    """Give, per customer, the money that came back in orders of its own (net of nothing or less), as a positive sum."""
    found = orders(frame, as_of=as_of).filter(~nw.col("is_purchase") & (nw.col("amount") < 0))
    return found.group_by("customer_id").agg((-nw.col("amount")).sum().alias("money_back"))
