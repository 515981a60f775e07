"""The average row of a cohort table: how many are active by age, over all cohorts."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import polars as pl

from crm_analytics.stats.intervals import wilson, z_value

Average = Literal["pooled", "simple", "mature_only"]

DEFINITIONS: Final = {
    "pooled": "Active customers of all finished cells of the age, divided by their customers.",
    "simple": "Mean of the rates of all finished cells of the age: every cohort weighs the same.",
    "mature_only": "Pooled over the same cohorts at every age: those that are finished to the last age shown.",
}


def curve_table(cells: pl.DataFrame, average: Average) -> pl.DataFrame:
    """Average the finished cells by age.

    Returns
    -------
    polars.DataFrame
        One row per age (and group): `period`, `n_cohorts`, `n_customers`, `n_active`, `retention_rate` with bounds.
    """
    keys = [c for c in ("group", "period") if c in cells.columns]
    finished = cells.filter(pl.col("is_complete"))
    if average == "mature_only":
        finished = mature(finished)
    found = (
        finished.group_by(keys)
        .agg(
            pl.len().cast(pl.Int64).alias("n_cohorts"),
            pl.col("n_customers", "n_active").sum(),
            pl.col("retention_rate").mean().alias("_mean"),
            pl.col("retention_rate").std().alias("_spread"),
        )
        .sort(keys)
    )
    return (_simple if average == "simple" else _pooled)(found).drop("_mean", "_spread")


def _pooled(found: pl.DataFrame) -> pl.DataFrame:
    lower, upper = wilson(found["n_active"].to_numpy(), found["n_customers"].to_numpy())
    return found.with_columns(
        retention_rate=pl.col("n_active") / pl.col("n_customers"),
        retention_rate_lower=pl.Series(lower),
        retention_rate_upper=pl.Series(upper),
    )


def _simple(found: pl.DataFrame) -> pl.DataFrame:
    half = z_value(0.95) * pl.col("_spread") / pl.col("n_cohorts").sqrt()
    rate = pl.col("_mean")
    return found.with_columns(
        retention_rate=rate,
        retention_rate_lower=pl.max_horizontal(rate - half, pl.lit(0.0)),
        retention_rate_upper=pl.min_horizontal(rate + half, pl.lit(1.0)),
    )


def mature(finished: pl.DataFrame) -> pl.DataFrame:
    """Leave the ages that at least half of the cohorts have finished, and the cohorts that have finished them all."""
    keys = [c for c in ("group", "cohort_on") if c in finished.columns]
    last = finished.group_by(keys).agg(pl.col("period").max().alias("_last"))
    if last.is_empty():
        return finished
    shown = int(np.sort(last["_last"].to_numpy())[(last.height) // 2])
    kept = last.filter(pl.col("_last") >= shown).select(keys)
    return finished.filter(pl.col("period") <= shown).join(kept, on=keys, how="semi", maintain_order="left")
