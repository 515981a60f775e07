"""The tables of revenue retention that are put together from several parts."""

from __future__ import annotations

from typing import Final

import polars as pl

from crm_analytics.retention.revenue.definitions import over
from crm_analytics.retention.revenue.ledger import UNIT, Ledger
from crm_analytics.retention.revenue.movements import GONE, MONEY, in_money, sums
from crm_analytics.retention.revenue.rates import percentile_or_none
from crm_analytics.retention.revenue.sums import Sums

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
    value = over(period.observed["gained"], period.observed["fallen"])
    lower, upper = percentile_or_none(over(period.drawn["gained"], period.drawn["fallen"]))
    columns = {"quick_ratio": value, "quick_ratio_lower": lower, "quick_ratio_upper": upper}
    added = bridge.with_columns(pl.Series(k, v[since:]).fill_nan(None) for k, v in columns.items())
    ratio, known = pl.col("quick_ratio"), pl.col("is_complete") & (pl.col("opening_revenue") > 0)
    return added.with_columns(
        pl.when(known).then(ratio).alias("quick_ratio"),
        pl.when(known).then(pl.min_horizontal(ratio, "quick_ratio_lower")).alias("quick_ratio_lower"),
        pl.when(known).then(pl.max_horizontal(ratio, "quick_ratio_upper")).alias("quick_ratio_upper"),
    )


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
