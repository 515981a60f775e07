"""Movements between two ends of a stretch: who is new, returned, grew, shrank or left, and what that came to."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from crm_analytics.retention.revenue_ledger import UNIT, Ledger

NEW, RETURNED, EXPANDED, CONTRACTED, LOST = "new", "returned", "expansion", "contraction", "lost"
UNCHANGED, GONE = "unchanged", "gone"
COUNTS: Final = {
    NEW: "new_customers",
    RETURNED: "returned_customers",
    EXPANDED: "expanded_customers",
    CONTRACTED: "contracted_customers",
    LOST: "lost_customers",
}
"""Which column counts the customers of a movement."""


def trailing_states(ledger: Ledger, n: int) -> pl.DataFrame:
    """Give what stands for a stretch of n periods at each period's end.

    Of contracts that is what is in force; of orders it is the net spend of the last n periods.
    """
    if ledger.kind == "contracts" or n == 1:
        return ledger.states
    spread = ledger.states.with_columns(
        period=pl.int_ranges("period", pl.min_horizontal(pl.col("period") + n, ledger.n_periods))
    ).explode("period")
    sums = spread.group_by("customer", "period").agg(pl.col("net").sum())
    return sums.with_columns(is_active=pl.col("net") > 0).filter(pl.col("net") != 0)


def movements(ledger: Ledger, n: int = 1, *, only: int | None = None) -> pl.DataFrame:
    """Compare each customer's revenue at a period's end with n periods earlier.

    Parameters
    ----------
    ledger
        From `of_contracts` or `of_orders`.
    n
        How many periods lie between the two ends.
    only
        The number of the one period wanted; None gives all.

    Returns
    -------
    polars.DataFrame
        One row per customer and period with something at either end: `customer`, `period`, `before` and `after` (whole
        units, 0 or more), `refunds` (0 or less: what is below nought at the end), `was`, `is`, `movement`.
    """
    states = trailing_states(ledger, n)
    later = states.with_columns(period=pl.col("period") + n).filter(pl.col("period") < ledger.n_periods)
    if only is not None:
        states, later = (s.filter(pl.col("period") == only) for s in (states, later))
    both = later.rename({"net": "before", "is_active": "was"}).join(
        states.rename({"net": "after", "is_active": "is"}),
        on=["customer", "period"],
        how="full",
        coalesce=True,
    )
    known = ledger.customers.select("customer", "first")
    return (
        both.join(known, on="customer", how="left")
        .with_columns(
            pl.col("before", "after").fill_null(0),
            pl.col("was", "is").fill_null(value=False),
        )
        .with_columns(
            before=pl.col("before").clip(0),
            after=pl.col("after").clip(0),
            refunds=pl.col("after").clip(upper_bound=0),
            movement=_movement(n),
        )
        .drop("first")
        .sort("period", "customer")
    )


def _movement(n: int) -> pl.Expr:
    was, now = pl.col("was"), pl.col("is")
    grew = pl.col("after").clip(0) - pl.col("before").clip(0)
    return (
        pl.when(~was & now & (pl.col("first") > pl.col("period") - n))
        .then(pl.lit(NEW))
        .when(~was & now)
        .then(pl.lit(RETURNED))
        .when(was & ~now)
        .then(pl.lit(LOST))
        .when(was & now & (grew > 0))
        .then(pl.lit(EXPANDED))
        .when(was & now & (grew < 0))
        .then(pl.lit(CONTRACTED))
        .when(was & now)
        .then(pl.lit(UNCHANGED))
        .otherwise(pl.lit(GONE))
    )


def sums(moved: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Add movements up by keys: money in whole units, customers as counts; sorted by the keys."""
    grew = pl.col("after") - pl.col("before")

    def of(movement: str, value: pl.Expr) -> pl.Expr:
        return value.filter(pl.col("movement") == movement).sum()

    return (
        moved.group_by(*keys)
        .agg(
            opening_revenue=pl.col("before").sum(),
            new_revenue=of(NEW, pl.col("after")),
            returned_revenue=of(RETURNED, pl.col("after")),
            expansion_revenue=of(EXPANDED, grew),
            contraction_revenue=of(CONTRACTED, -grew),
            lost_revenue=of(LOST, pl.col("before")),
            closing_revenue=pl.col("after").sum(),
            refund_balance=pl.col("refunds").sum(),
            opening_customers=pl.col("was").sum().cast(pl.Int64),
            **{column: (pl.col("movement") == name).sum().cast(pl.Int64) for name, column in COUNTS.items()},
            closing_customers=pl.col("is").sum().cast(pl.Int64),
        )
        .sort(*keys)
    )


MONEY: Final = (
    "opening_revenue",
    "new_revenue",
    "returned_revenue",
    "expansion_revenue",
    "contraction_revenue",
    "lost_revenue",
    "closing_revenue",
    "refund_balance",
)
"""Columns of `sums` that are money in whole units."""


def in_money(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn whole units into money."""
    return frame.with_columns((pl.col(c) / UNIT) for c in MONEY if c in frame.columns)


def bridge(ledger: Ledger, moved: pl.DataFrame, since: int) -> pl.DataFrame:
    """Give one row per period: opening, movements, closing, in money and in customers.

    Opening + new + returned + expansion - contraction - lost = closing; closing + refund balance = the ledger; the closing
    of one period is the opening of the next.
    """
    every = pl.DataFrame({"period": range(since, ledger.n_periods)}, schema={"period": pl.Int64()})
    added = every.join(sums(moved, "period"), on="period", how="left", maintain_order="left").fill_null(0)
    dates: list[date] = ledger.starts[since:]
    return (
        in_money(added)
        .with_columns(
            period_on=pl.Series(dates, dtype=pl.Date),
            is_complete=pl.Series(ledger.complete[since:]),
            ledger_revenue=(added["closing_revenue"] + added["refund_balance"]) / UNIT,
        )
        .select(
            "period_on", "is_complete", *MONEY[:-1], "refund_balance", "ledger_revenue", "opening_customers", *COUNTS.values(),
            "closing_customers",
        )
    )  # fmt: skip
