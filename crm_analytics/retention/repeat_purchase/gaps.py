"""How long the gaps between orders are, how often customers buy, and how many buy only once."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.retention.cadence import days_seen, gap_days
from crm_analytics.stats.intervals import Estimate, clustered_share, wilson

Ints = NDArray[np.int64]

EDGES: Final = (0, 7, 14, 30, 60, 90, 180, 365)
"""Gaps are told apart up to a week, two weeks, a month and so on; a gap of exactly so many days is in the shorter bin."""


def gap_table(rows: pl.DataFrame, start: date | None = None) -> pl.DataFrame:
    """Give one row per length of gap: gaps that have ended, and customers by the median of theirs."""
    gaps = gaps_of(rows, start)
    middle = gaps.group_by("customer_id").agg(pl.col("gap").median())
    place = _by_length(gaps["gap"])
    n, m = (np.bincount(x, minlength=len(EDGES)) for x in (place, _by_length(middle["gap"])))
    low, high = wilson(m, m.sum())
    every = pl.DataFrame(
        {
            "gap_from_days": [0, *(e + 1 for e in EDGES[1:-1]), EDGES[-1] + 1],
            "gap_to_days": [*EDGES[1:], None],
            "n_ended_gaps": n,
            **_shares_of_gaps(gaps["customer_id"], place),
            "n_customers_by_median": m,
            "customer_by_median_share": m / max(m.sum(), 1),
            "customer_by_median_share_lower": low,
            "customer_by_median_share_upper": high,
        }
    )
    return every if gaps.height else every.clear()


def _shares_of_gaps(customers: pl.Series, place: Ints) -> dict[str, list[float]]:
    """Give the share of gaps in each row, and in it or before, with bounds that allow for customers' gaps being alike."""
    other = (customers != customers.shift(1)).fill_null(value=True)  # a customer's gaps stand together
    who = other.cum_sum().to_numpy().astype(np.int64) - 1
    sizes = np.bincount(who)

    def of(which: np.ndarray[Any, np.dtype[np.bool_]]) -> Estimate:
        hits = np.bincount(who[which], minlength=sizes.size)
        return clustered_share(hits, sizes) if sizes.size else Estimate(0.0, 0.0, 1.0)

    found = {
        "gap_share": [of(place == i) for i in range(len(EDGES))],
        "gap_share_so_far": [*(of(place <= i) for i in range(len(EDGES) - 1)), Estimate(1.0, 1.0, 1.0)],
    }
    return {
        f"{name}{end}": [float(estimate[i]) for estimate in estimates]
        for name, estimates in found.items()
        for i, end in enumerate(("", "_lower", "_upper"))
    }


def _by_length(gaps: pl.Series) -> Ints:
    return np.searchsorted(np.array(EDGES[1:], float), gaps.to_numpy(), side="left").astype(np.int64)


def gaps_of(rows: pl.DataFrame, start: date | None = None) -> pl.DataFrame:
    """Give the gaps that have ended, one row each, of orders from `start` on."""
    begun = rows.filter(pl.col("next_on").is_not_null())
    begun = begun if start is None else begun.filter(pl.col("ordered_on") >= start)
    return begun.select("customer_id", gap=gap_days())


def frequency_table(counts: pl.Series) -> pl.DataFrame:
    """Give how many customers bought exactly and at least so many times, with bounds of the shares."""
    exact = np.bincount(counts.to_numpy())[1:]
    least = exact[::-1].cumsum()[::-1]
    n = int(exact.sum())
    (low, high), (least_low, least_high) = wilson(exact, n), wilson(least, n)
    found = pl.DataFrame(
        {
            "n_occasions": np.arange(1, exact.size + 1),
            "n_customers": exact,
            "customer_share": exact / n,
            "customer_share_lower": low,
            "customer_share_upper": high,
            "n_at_least_customers": least,
            "at_least_customer_share": least / n,
            "at_least_customer_share_lower": least_low,
            "at_least_customer_share_upper": least_high,
        }
    )
    return found.filter(pl.col("n_customers") > 0)


def first_orders(rows: pl.DataFrame, *, as_of: date, start: date | None) -> pl.DataFrame:
    """Give one row per customer whose first order ever lies in the window: day, days followed, days to the second."""
    firsts = rows.filter(pl.col("number") == 1)
    firsts = firsts if start is None else firsts.filter(pl.col("ordered_on") >= start)
    return firsts.select(
        "customer_id",
        "ordered_on",
        followed=(pl.lit(days_seen(as_of)) - pl.col("ordered_on").to_physical()).cast(pl.Int64),
        wait=gap_days(),
    )


def once_table(firsts: pl.DataFrame, mature_days: int) -> pl.DataFrame:
    """Give the share who bought only once, counted three ways, each named."""
    mature = firsts.filter(pl.col("followed") >= mature_days)
    once = pl.col("wait").is_null()
    rows = [
        (f"mature, within {mature_days:,} days", mature, once | (pl.col("wait") > mature_days)),
        ("mature, up to the end", mature, once),
        ("all, up to the end", firsts, once),
    ]
    counts = [(name, frame.height, frame.filter(which).height) for name, frame, which in rows]
    schema = {"counted": pl.String(), "n_customers": pl.Int64(), "n_once": pl.Int64()}
    found = pl.DataFrame(counts, schema=schema, orient="row").filter(pl.col("n_customers") > 0)
    low, high = wilson(found["n_once"].to_numpy(), found["n_customers"].to_numpy())
    return found.with_columns(
        once_rate=pl.col("n_once") / pl.col("n_customers"),
        once_rate_lower=pl.Series(low, dtype=pl.Float64),
        once_rate_upper=pl.Series(high, dtype=pl.Float64),
    )
