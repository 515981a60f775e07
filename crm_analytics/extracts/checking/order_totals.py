"""Totals of orders that stand on each of their lines, and would be counted several times."""

from __future__ import annotations

from typing import Final

import polars as pl

from crm_analytics.extracts.checking.plan import Plan
from crm_analytics.extracts.extract import Finding

_FEWEST: Final = 5


def order_totals(kept: pl.LazyFrame, one_in: int) -> pl.LazyFrame:
    """Count the orders of several lines whose lines all bear one amount: an order total repeated on each line.

    One order in `one_in` is looked at, to keep large tables quick.
    """
    chosen = pl.col("order_id").hash() % one_in == 0
    per_order = (
        kept.filter((pl.col("amount") > 0) & chosen)
        .group_by("order_id")
        .agg(
            pl.len().alias("lines"),
            pl.col("amount").n_unique().alias("amounts"),
            pl.col("amount").first().alias("one"),
            pl.col("amount").sum().alias("sum"),
        )
    )
    several = per_order.filter(pl.col("lines") > 1)
    same = pl.col("amounts") == 1
    return several.select(
        pl.len().alias("orders"), same.sum().alias("same"), pl.col("one").filter(same).n_unique().alias("different"),
        pl.col("lines").filter(same).sum().alias("lines"), (pl.col("sum") - pl.col("one")).filter(same).sum().alias("amount"),
    )  # fmt: skip


def repeated_totals(orders: pl.DataFrame, plan: Plan) -> list[Finding]:
    """Say that amounts look like the totals of orders, from the answer to `order_totals`."""
    row = orders.row(0, named=True)
    if (
        plan.amount_is_worked_out
        or row["orders"] < _FEWEST
        or row["same"] < 0.95 * row["orders"]
        or row["different"] < 0.2 * row["same"]
    ):
        return []
    text = (
        f"In {row['same']:,} of {row['orders']:,} orders with several lines, all lines bear the same amount: it looks like the "
        "order's total repeated on each line, and spend would be counted several times. Take a column with the line's amount."
    )
    return [Finding("repeated_totals", text, "caution", row["lines"], "amount", row["amount"])]
