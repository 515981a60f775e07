"""Movements between two ends of a stretch: who is new, returned, grew, shrank or left, and what that came to."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

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
_MOVEMENTS: Final = pl.Enum([NEW, RETURNED, EXPANDED, CONTRACTED, LOST, UNCHANGED, GONE])
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


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
    return (
        sums.with_columns(is_active=pl.col("net") > 0).filter(pl.col("net") != 0).sort("customer", "period")
    )


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
        units, 0 or more), `refunds` (0 or less: what is below nought at the end), `was`, `is`, `movement`. Sorted by
        customer and period.
    """
    states = trailing_states(ledger, n)
    if only is not None:
        states = states.filter(pl.col("period").is_in([only - n, only]))
    size = ledger.n_periods
    period, net, active = (states[c].to_numpy() for c in ("period", "net", "is_active"))
    now = states["customer"].to_numpy() * size + period  # one number for customer and period, in order
    there = period + n < size
    then = now[there] + n
    every = _merged(now, then)
    after, is_now = _at(every, now, net, active)
    before, was = _at(every, then, net[there], active[there])
    found = pl.DataFrame(
        {
            "customer": every // size,
            "period": every % size,
            "before": np.maximum(before, 0),
            "after": np.maximum(after, 0),
            "refunds": np.minimum(after, 0),
            "was": was,
            "is": is_now,
        }
    )
    new = _is_new(ledger, every // size, every % size, n)
    found = found.with_columns(_movement(was, is_now, new, np.maximum(after, 0) - np.maximum(before, 0)))
    return found if only is None else found.filter(pl.col("period") == only)


def _merged(one: Ints, other: Ints) -> Ints:
    """Merge two sorted arrays without repeats; a stable sort merges two runs in one pass."""
    both = np.sort(np.concatenate([one, other]), kind="stable")
    return np.asarray(both[np.diff(both, prepend=-1) != 0])


def _at(every: Ints, keys: Ints, net: Ints, active: Flags) -> tuple[Ints, Flags]:
    """Look up amount and flag of each key; nothing where there is none."""
    if not keys.size:
        return np.zeros_like(every), np.zeros(every.size, bool)
    place = np.minimum(np.searchsorted(keys, every), keys.size - 1)
    hit = keys[place] == every
    return np.where(hit, net[place], 0), hit & active[place]


def _is_new(ledger: Ledger, customer: Ints, period: Ints, n: int) -> Flags:
    """Say whether a customer began within the stretch of n periods that ends with the period."""
    first = np.full(1 + int(customer.max(initial=0)), -1)
    known = ledger.customers.filter(pl.col("customer") < first.size)
    first[known["customer"].to_numpy()] = known["first"].to_numpy()
    return np.asarray(first[customer] > period - n)


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
