"""What each customer spent in the last months, in the months before them, and while still active.

Two stretches of equal length that end at `as_of` are both complete by construction, so a fall between them is a fall
and not a period that is still running.
"""

from __future__ import annotations

from datetime import date

import narwhals as nw
import polars as pl
from narwhals.typing import IntoFrame

from crm_analytics.aggregates.orders import orders
from crm_analytics.aggregates.periods import shift


def compared_spend(frame: IntoFrame, *, as_of: date, months: int) -> pl.DataFrame:
    """Give one row per customer who ordered before `as_of`: the last months against the months before.

    Parameters
    ----------
    frame
        Transactions in canonical columns, anything that narwhals reads.
    as_of
        The first day that is not seen.
    months
        Length of each of the two stretches, in calendar months.

    Returns
    -------
    polars.DataFrame
        `customer_id`, `last_ordered_on`, `n_orders_recent`, `n_orders_before`, `spend_recent`, `spend_before` (net of
        refunds), `squared_amounts` (sum of squared order amounts over both stretches, which measures how far the
        two may differ by chance), `spend_when_active` (net spend in the `months` months that ended with the
        customer's last order). Sorted by customer.

    Examples
    --------
    >>> from datetime import datetime
    >>> lines = pl.LazyFrame(
    ...     {
    ...         "customer_id": ["a", "a", "b"],
    ...         "ordered_at": [datetime(2024, 3, 1), datetime(2025, 3, 1), datetime(2024, 6, 1)],
    ...         "amount": [30.0, 20.0, 50.0],
    ...     }
    ... )
    >>> found = compared_spend(lines, as_of=date(2026, 1, 1), months=12)
    >>> found.select("customer_id", "spend_before", "spend_recent", "spend_when_active").rows()
    [('a', 30.0, 20.0, 20.0), ('b', 50.0, 0.0, 50.0)]
    """
    middle, earliest = shift(as_of, -months), shift(as_of, -2 * months)
    on, amount = nw.col("ordered_on"), nw.col("amount")
    recent, before, either = on >= middle, (on >= earliest) & (on < middle), on >= earliest
    active = on > nw.col("last_ordered_on").dt.offset_by(f"-{months}mo")
    purchased_on = nw.when(nw.col("is_purchase")).then(on)
    found = (
        orders(frame, as_of=as_of)
        .with_columns(purchased_on.alias("purchased_on"))
        .with_columns(nw.col("purchased_on").max().over("customer_id").alias("last_ordered_on"))
        .filter(~nw.col("last_ordered_on").is_null())
        .group_by("customer_id")
        .agg(
            nw.col("last_ordered_on").max(),
            _count(recent).alias("n_orders_recent"),
            _count(before).alias("n_orders_before"),
            _sum(amount, recent).alias("spend_recent"),
            _sum(amount, before).alias("spend_before"),
            _sum(amount * amount, either).alias("squared_amounts"),
            _sum(amount, active).alias("spend_when_active"),
        )
    )
    collected: pl.DataFrame = found.collect("polars").to_native()
    return collected.sort("customer_id")


def _sum(what: nw.Expr, where: nw.Expr) -> nw.Expr:
    return nw.when(where).then(what).otherwise(0.0).sum()


def _count(where: nw.Expr) -> nw.Expr:
    return nw.when(where & nw.col("is_purchase")).then(1).otherwise(0).sum().cast(nw.Int64)
