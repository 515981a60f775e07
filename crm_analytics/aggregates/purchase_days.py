"""Transactions become purchase days: what the customer-base models count.

Purchases of one day are one occasion. Money that came back outside the order it belongs to is shared over the
customer's purchases in proportion to them, so that the customer's total stays what it was.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from crm_analytics.aggregates.orders import orders


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
    bought = _bought(orders(frame, as_of=as_of), free_orders=free_orders)
    return bought.group_by("customer_id", "ordered_on").agg(nw.col("amount").sum())


def purchase_instants(frame: IntoFrame, *, as_of: date, free_orders: bool = True) -> nw.LazyFrame[Any]:
    """Give one row per customer and instant of a purchase before `as_of`, for data exact to the minute.

    Parameters as in `purchase_days`. Orders are those of `orders`, each at its first instant.

    Returns
    -------
    narwhals.LazyFrame
        `customer_id`, `ordered_at`, `amount`, in no particular order.
    """
    bought = _bought(orders(frame, as_of=as_of, instants=True), free_orders=free_orders)
    return bought.group_by("customer_id", "ordered_at").agg(nw.col("amount").sum())


def money_back(frame: IntoFrame, *, as_of: date) -> nw.LazyFrame[Any]:
    """Give, per customer, the money that came back in orders of its own (net of nothing or less), as a positive sum."""
    found = orders(frame, as_of=as_of).filter(~nw.col("is_purchase") & (nw.col("amount") < 0))
    return found.group_by("customer_id").agg((-nw.col("amount")).sum().alias("money_back"))


def _bought(found: nw.LazyFrame[Any], *, free_orders: bool) -> nw.LazyFrame[Any]:
    """Keep the orders that are occasions."""
    occasion = nw.col("is_purchase")
    if free_orders:
        occasion |= (nw.col("positive_amount") == 0) & (nw.col("refunds") == 0)
    return found.filter(occasion)
