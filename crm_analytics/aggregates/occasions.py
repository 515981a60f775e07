"""Transactions become purchase occasions in the order in which each customer made them: what rhythm is read from."""

from __future__ import annotations

from datetime import date
from typing import Literal

import narwhals as nw
import polars as pl
from narwhals.typing import IntoFrame

from crm_analytics.aggregates.customers import MONEY_DECIMALS
from crm_analytics.aggregates.orders import orders

Occasion = Literal["day", "order"]
"""What counts as one purchase occasion: all orders of a customer's day, or each order."""


def occasions(frame: IntoFrame, *, as_of: date, occasion: Occasion = "day") -> pl.DataFrame:
    """Give one row per customer and purchase occasion before `as_of`, sorted by customer and day.

    Orders that net to nothing or less are no occasion.

    Parameters
    ----------
    frame
        Transactions in canonical columns: anything narwhals reads.
    as_of
        The first day that is not seen.
    occasion
        "day" takes the orders of one day together, since two baskets on one day are seldom two decisions to buy;
        "order" keeps them apart.

    Returns
    -------
    polars.DataFrame
        - `customer_id`, `ordered_on`
        - `n_orders` (Int64): orders of the occasion
        - `amount`: their net amount
        - `number` (Int64): 1 for the customer's first occasion ever, 2 for the second …
        - `next_on`: day of the customer's next occasion, null for the last

    Examples
    --------
    >>> from datetime import datetime
    >>> lines = pl.LazyFrame(
    ...     {
    ...         "customer_id": ["a", "a", "a", "b"],
    ...         "order_id": ["1", "2", "3", "4"],
    ...         "ordered_at": [datetime(2026, 1, d) for d in (5, 5, 9, 7)],
    ...         "amount": [10.0, 5.0, 20.0, 4.0],
    ...     }
    ... )
    >>> found = occasions(lines, as_of=date(2026, 2, 1))
    >>> found.select("customer_id", "number", "n_orders", pl.col("next_on").dt.day()).rows()
    [('a', 1, 2, 9), ('a', 2, 1, None), ('b', 1, 1, None)]
    """
    bought = orders(frame, as_of=as_of).filter(nw.col("is_purchase"))
    if occasion == "day":
        bought = bought.group_by("customer_id", "ordered_on").agg(
            nw.len().cast(nw.Int64).alias("n_orders"), nw.col("amount").sum()
        )
    else:
        one = nw.lit(1, nw.Int64).alias("n_orders")
        bought = bought.select("customer_id", "ordered_on", one, "amount")
    found: pl.DataFrame = bought.collect("polars").to_native()
    return _numbered(found.with_columns(pl.col("amount").round(MONEY_DECIMALS)))


def _numbered(found: pl.DataFrame) -> pl.DataFrame:
    """Give each occasion its number; after the sort a customer's rows are neighbours, so no group-by is needed."""
    rows = found.sort("customer_id", "ordered_on", "amount")
    same = pl.col("customer_id") == pl.col("customer_id").shift(-1)
    fresh = (pl.col("customer_id") != pl.col("customer_id").shift(1)).fill_null(value=True)
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    return rows.with_columns(
        number=place - pl.when(fresh).then(place).forward_fill() + 1,
        next_on=pl.when(same).then(pl.col("ordered_on").shift(-1)),
    )
