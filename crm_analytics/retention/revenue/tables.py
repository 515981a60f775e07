"""The tables of revenue retention that are put together from several parts."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from crm_analytics.retention.revenue.definitions import over
from crm_analytics.retention.revenue.ledger import UNIT, Ledger
from crm_analytics.retention.revenue.movements import GONE, MONEY, in_money, sums
from crm_analytics.retention.revenue.sums import Sums
from crm_analytics.stats.intervals import Floats

_STEPS: Final = (
    ("Opening", "opening", 1),
    ("New", "new", 1),
    ("Returned", "returned", 1),
    ("Expansion", "expansion", 1),
    ("Contraction", "contraction", -1),
    ("Lost", "lost", -1),
    ("Closing", "closing", 1),
)
_CUSTOMERS: Final = {"expansion": "expanded_customers", "contraction": "contracted_customers"}


def with_quick_ratio(bridge: pl.DataFrame, period: Sums, since: int) -> pl.DataFrame:
    """Add what was gained over what was lost; of whole periods only."""
    columns = dict(zip(_QUICK, quick_ratios(period), strict=True))
    added = bridge.with_columns(pl.Series(k, v[since:]).fill_nan(None) for k, v in columns.items())
    known = pl.col("is_complete") & (pl.col("opening_revenue") > 0)
    return added.with_columns(pl.when(known).then(c).alias(c) for c in _QUICK)


_QUICK: Final = ("quick_ratio", "quick_ratio_lower", "quick_ratio_upper")


def quick_ratios(sums: Sums) -> tuple[Floats, Floats, Floats]:
    """Give what was gained over what was lost by period, with bounds; not a number where there is none.

    A draw in which nothing was lost is infinitely good: where that is more than one in forty, there is no upper bound. Where
    nothing was gained there are no bounds: the draws know of nothing else.
    """
    value = over(sums.observed["gained"], sums.observed["fallen"])
    gained, fallen = sums.drawn["gained"], sums.drawn["fallen"]
    drawn = np.where((fallen <= 0) & (gained > 0), np.inf, over(gained, fallen))
    known = (value > 0) & ~np.isnan(drawn).all(axis=0)
    lower, upper = np.nanquantile(np.where(known, drawn, 0.0), [0.025, 0.975], axis=0, method="inverted_cdf")
    upper = np.where(np.isfinite(upper), np.maximum(upper, value), np.nan)
    return value, np.where(known, np.minimum(lower, value), np.nan), np.where(known, upper, np.nan)


def waterfall(moved: pl.DataFrame) -> pl.DataFrame:
    """Give the way from opening to closing over one stretch, a row per step; losses below nought."""
    row = in_money(sums(moved.with_columns(period=pl.lit(0)), "period")).row(0, named=True)
    return pl.DataFrame(
        {
            "step": [name for name, _, _ in _STEPS],
            "step_revenue": [sign * row[f"{key}_revenue"] for _, key, sign in _STEPS],
            "step_customers": [row[_CUSTOMERS.get(key, f"{key}_customers")] for _, key, _ in _STEPS],
        },
        schema={"step": pl.String(), "step_revenue": pl.Float64(), "step_customers": pl.Int64()},
    )


def customer_table(
    ledger: Ledger, last: pl.DataFrame, stretch: pl.DataFrame, groups: pl.DataFrame | None
) -> pl.DataFrame:
    """Give one row per customer: what they brought at both ends of the last whole period and of the stretch."""
    starts = pl.DataFrame({"first": range(ledger.n_periods), "customer_since_on": ledger.starts})
    one = last.select(
        "customer",
        "movement",
        opening_revenue=pl.col("before") / UNIT,
        closing_revenue=pl.col("after") / UNIT,
    )
    many = stretch.select(
        "customer", trailing_movement="movement", trailing_opening_revenue=pl.col("before") / UNIT
    )
    found = (
        ledger.customers.join(starts.with_columns(pl.col("first").cast(pl.Int64)), on="first", how="left")
        .join(one, on="customer", how="left")
        .join(many, on="customer", how="left")
        .with_columns(
            pl.col("movement", "trailing_movement").cast(pl.String).fill_null(GONE),
            pl.col("opening_revenue", "closing_revenue", "trailing_opening_revenue").fill_null(0.0),
        )
    )
    grouped = [] if groups is None else ["segment"]
    found = found if groups is None else found.join(groups, on="customer", how="left")
    return found.sort("customer_id").select(
        "customer_id", "customer_since_on", *grouped, "opening_revenue", "closing_revenue", "movement",
        "trailing_opening_revenue", "trailing_movement",
    )  # fmt: skip


_REVENUE: Final = (
    *MONEY, "ledger_revenue", "quick_ratio", "quick_ratio_lower", "quick_ratio_upper", "step_revenue", "trailing_opening_revenue",
    "expanded_customers", "contracted_customers",
)  # fmt: skip


def customers_only(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Leave out all that needs amounts."""
    left = {name: frame.drop(c for c in frame.columns if c in _REVENUE) for name, frame in tables.items()}
    steps = left["waterfall"].filter(~pl.col("step").is_in(["Expansion", "Contraction"]))
    return {**left, "waterfall": steps}
