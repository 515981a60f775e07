"""Movements between two ends of a stretch: who is new, returned, grew, shrank or left, and what that came to."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.retention.revenue.ledger import UNIT, Ledger

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
_MOVEMENTS: Final = pl.Enum([NEW, RETURNED, EXPANDED, CONTRACTED, LOST, UNCHANGED, GONE])
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def movements(ledger: Ledger, at: int, n: int = 1) -> pl.DataFrame:
    """Compare each customer's revenue at a period's end with n periods earlier.

    Of contracts revenue is what is in force at the end; of orders it is the net spend of the n periods up to it.

    Parameters
    ----------
    ledger
        From `of_contracts` or `of_orders`.
    at
        The number of the period.
    n
        How many periods lie between the two ends.

    Returns
    -------
    polars.DataFrame
        One row per customer with something at either end: `customer`, `period`, `before` and `after` (whole units, 0 or
        more), `refunds` (0 or less: what is below nought at the end), `was`, `is`, `movement`. Sorted by customer.
    """
    first = first_periods(ledger, n_customers(ledger))
    net, now = _ended(ledger, at, n, first.size)
    earlier, was = _ended(ledger, at - n, n, first.size)
    before, after = np.maximum(earlier, 0), np.maximum(net, 0)
    there = np.flatnonzero((net != 0) | (earlier != 0) | now | was)
    found = pl.DataFrame(
        {
            "customer": np.arange(first.size),
            "period": np.full(first.size, at),
            "before": before,
            "after": after,
            "refunds": np.minimum(net, 0),
            "was": was,
            "is": now,
        }
    )
    return found.with_columns(_movement(was, now, first > at - n, after - before))[there]


def _ended(ledger: Ledger, at: int, n: int, size: int) -> tuple[Ints, Flags]:
    """Give each customer's revenue at the end of a stretch of n periods, and whether they are customers then."""
    adds_up = ledger.kind == "orders" and n > 1
    states = ledger.states.filter(pl.col("period").is_between(at - n + 1 if adds_up else at, at))
    net, active = np.zeros(size, np.int64), np.zeros(size, np.bool_)
    np.add.at(net, states["customer"].to_numpy(), states["net"].to_numpy())
    active[states.filter("is_active")["customer"].to_numpy()] = True
    return net, net > 0 if adds_up else active


def n_customers(ledger: Ledger) -> int:
    """Count the customers that the ledger numbers, those who never paid too."""
    numbers = (ledger.customers["customer"].max(), ledger.states["customer"].max())
    return 1 + max(int(x) for x in (*numbers, 0) if isinstance(x, int))


def first_periods(ledger: Ledger, size: int) -> Ints:
    """Give the number of the period in which each customer began; -1 where they never did."""
    first = np.full(size, -1)
    first[ledger.customers["customer"].to_numpy()] = ledger.customers["first"].to_numpy()
    return first


def _movement(was: Flags, now: Flags, new: Flags, grew: Ints) -> pl.Series:
    """Name each movement; the cases stand in the order of the names."""
    stayed = was & now
    cases = [~was & now & new, ~was & now, stayed & (grew > 0), stayed & (grew < 0), was & ~now, stayed]
    codes = np.select(cases, [np.uint32(i) for i in range(len(cases))], np.uint32(len(cases)))
    return pl.Series("movement", codes).cat.to(_MOVEMENTS)


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


def bridge(ledger: Ledger, totals: pl.DataFrame, since: int) -> pl.DataFrame:
    """Give one row per period: opening, movements, closing, in money and in customers; `totals` as `sums` gives them.

    Opening + new + returned + expansion - contraction - lost = closing; closing + refund balance = the ledger; the closing
    of one period is the opening of the next.
    """
    every = pl.DataFrame({"period": range(since, ledger.n_periods)}, schema={"period": pl.Int64()})
    added = every.join(totals, on="period", how="left", maintain_order="left").fill_null(0)
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
