"""What goes with a second order: the first product, category or channel, and groups of customers, each against the others.

A rate within a fixed time after the first order, of customers who could be followed for all of it. What goes with a
second order need not cause it: whoever buys a filter machine may have meant to come back for filters anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.retention.cadence import days_seen
from crm_analytics.stats.intervals import Floats, wilson
from crm_analytics.stats.multiplicity import benjamini_hochberg
from crm_analytics.stats.proportions import difference, difference_p_values

KINDS: Final[Mapping[str, str]] = {
    "product_id": "first product",
    "category": "first category",
    "channel": "first channel",
    "country": "first country",
    "discount": "first discount",
}
"""Columns of the transactions whose value in the first order may lead to a second."""

_SURE: Final = 0.05


def followed(firsts: pl.DataFrame, within_days: int) -> pl.DataFrame:
    """Give the customers who could be followed for so long after their first order, and whether they came back in it."""
    return firsts.filter(pl.col("followed") >= within_days).select(
        "customer_id", "ordered_on", returned=(pl.col("wait") <= within_days).fill_null(value=False)
    )


def first_values(frame: pl.LazyFrame, whom: pl.DataFrame, kind: str, as_of: date) -> pl.DataFrame:
    """Give each value of a column on the day of the first order, with the customers who had it, once each."""
    first = whom.lazy().select("customer_id", "returned", first_on="ordered_on")
    before = datetime.combine(as_of, time.min)
    lines = frame.filter(
        (pl.col("ordered_at") < before) & (pl.col("amount") > 0) & pl.col(kind).is_not_null()
    )
    said = lines.select("customer_id", kind, first_on=pl.col("ordered_at").dt.date())
    value = pl.col(kind)
    if frame.collect_schema()[kind] == pl.Boolean:  # a day is with a discount or without
        said = said.group_by("customer_id", "first_on").agg(value.any())
        value = pl.when(value).then(pl.lit("yes")).otherwise(pl.lit("no"))
    return (
        said.select("customer_id", "first_on", value=value)
        .join(first, on=["customer_id", "first_on"], how="inner")
        .unique(["customer_id", "value"])
        .group_by("value")
        .agg(n=pl.len().cast(pl.Int64), hits=pl.col("returned").sum().cast(pl.Int64))
        .sort("value")
        .collect()
    )


def first_table(
    frame: pl.LazyFrame, whom: pl.DataFrame, kinds: Sequence[str], *, as_of: date, least: int
) -> tuple[pl.DataFrame, int]:
    """Compare first orders with a value against those without, and say how many values are too rare to be shown."""
    parts, left_out = [], 0
    for kind in kinds:
        counts = first_values(frame, whom, kind, as_of)
        shown = counts.filter(pl.col("n") >= least)
        left_out += counts.height - shown.height
        parts.append(shown.with_columns(kind=pl.lit(KINDS[kind])))
    counts = (
        pl.concat(parts)
        if parts
        else pl.DataFrame(schema={"value": pl.String, "n": pl.Int64, "hits": pl.Int64, "kind": pl.String})
    )
    found = against_others(counts, n=whom.height, hits=int(whom["returned"].sum()))
    named = pl.DataFrame({"first_by": counts["kind"], "first_value": counts["value"]})
    order = ["first_by", "return_difference", "first_value"]
    both = named.hstack(found)
    return both.sort(order, descending=[False, True, False], nulls_last=True), left_out


def against_others(counts: pl.DataFrame, *, n: int, hits: int) -> pl.DataFrame:
    """Give rates of groups (columns `n`, `hits`) against all others, with bounds and corrected p-values."""
    size, back = (counts[c].to_numpy().astype(float) for c in ("n", "hits"))
    others, others_back = n - size, hits - back
    low, high = wilson(back, size)
    gap, gap_low, gap_high = difference(back, size, others_back, others)
    p = benjamini_hochberg(difference_p_values(back, size, others_back, others))
    whole = pl.Int64()
    return pl.DataFrame(
        {
            "n_customers": counts["n"].cast(whole),
            "n_came_back": counts["hits"].cast(whole),
            "return_rate": back / np.maximum(size, 1),
            "return_rate_lower": low,
            "return_rate_upper": high,
            "n_others": pl.Series(others, dtype=pl.Float64).cast(whole),
            "other_return_rate": np.where(others > 0, others_back / np.maximum(others, 1), np.nan),
            "return_difference": gap,
            "return_difference_lower": gap_low,
            "return_difference_upper": gap_high,
            "corrected_p": p,
            "evidence": pl.Series(_evidence(gap, p), dtype=pl.String),
        }
    ).with_columns(pl.col(pl.Float64).fill_nan(None))


def _evidence(gap: Floats, p: Floats) -> list[str]:
    words = np.select(
        [~np.isfinite(gap), ~np.isfinite(p), (p < _SURE) & (gap > 0), p < _SURE],
        ["no others", "too few to tell", "returns more often", "returns less often"],
        "no difference shown",
    )
    return [str(w) for w in words]


def segment_table(
    groups: pl.DataFrame, firsts: pl.DataFrame, customers: pl.DataFrame, within_days: int
) -> pl.DataFrame:
    """Give one row for all customers and one per group: rate of return, silence, lateness; `groups` has id and group."""
    whom = followed(firsts, within_days).join(groups, on="customer_id", how="left", maintain_order="left")
    counts = whom.group_by("group").agg(
        n=pl.len().cast(pl.Int64), hits=pl.col("returned").sum().cast(pl.Int64)
    )
    every = (
        customers.join(groups, on="customer_id", how="left", maintain_order="left")
        .group_by("group")
        .agg(*_totals())
    )
    both = every.join(counts, on="group", how="left", nulls_equal=True).with_columns(
        pl.col("n", "hits").fill_null(0)
    )
    both = both.sort("n_all", "group", descending=[True, False])
    whole = customers.select(*_totals()).with_columns(
        group=pl.lit("all customers"),
        n=pl.lit(whom.height, pl.Int64),
        hits=pl.lit(int(whom["returned"].sum()), pl.Int64),
    )
    stacked = pl.concat([whole.select(both.columns), both]) if both.height > 1 else whole.select(both.columns)
    rates = against_others(stacked, n=whom.height, hits=int(whom["returned"].sum()))
    low, high = wilson(stacked["n_late"].to_numpy(), stacked["n_own"].to_numpy())
    own = pl.col("n_with_rhythm") > 0
    return (
        stacked.select("group", pl.col("n_all").alias("n_customers"), pl.col("n").alias("n_followed"))
        .hstack(rates.drop("n_customers"))
        .hstack(stacked.select("median_gap_days", pl.col("n_own").alias("n_with_rhythm"), "n_late"))
        .with_columns(
            *(pl.when(pl.col("n_followed") > 0).then(c).alias(c) for c in _RATES),
            late_rate=pl.when(own).then(pl.col("n_late") / pl.col("n_with_rhythm")),
            late_rate_lower=pl.when(own).then(pl.Series(low)),
            late_rate_upper=pl.when(own).then(pl.Series(high)),
        )
    )


_RATES: Final = ("return_rate", "return_rate_lower", "return_rate_upper")


def _totals() -> list[pl.Expr]:
    return [
        pl.len().cast(pl.Int64).alias("n_all"),
        pl.col("has_own_rhythm").sum().cast(pl.Int64).alias("n_own"),
        pl.col("is_late").fill_null(value=False).sum().cast(pl.Int64).alias("n_late"),
        pl.col("median_gap_days").median(),
    ]


def last_first_day(as_of: date, within_days: int) -> date:
    """Give the last day of a first order that can be followed for so long."""
    return date(1970, 1, 1) + timedelta(days=days_seen(as_of) - within_days)
