"""Rates of small cohorts, drawn towards those of the other cohorts of the same age."""

from __future__ import annotations

import polars as pl

from crm_analytics.stats.beta_binomial import fit_prior, shrunk


def with_shrunk_rates(cells: pl.DataFrame) -> pl.DataFrame:
    """Add the beta-binomial estimate of each finished cell: the fewer its customers, the nearer to the others.

    Cells that are unfinished or not shown have none, nor do ages that fewer than three cohorts have finished.
    """
    known = cells["is_complete"] & ~cells["is_suppressed"] & (cells["period"] > 0)
    parts = [_of_one_age(age) for age in cells.filter(known).partition_by("period", maintain_order=True)]
    keys = [c for c in ("group", "cohort_on", "period") if c in cells.columns]
    columns = ["shrunk_rate", "shrunk_rate_lower", "shrunk_rate_upper"]
    if not parts:
        return cells.with_columns(pl.lit(None, pl.Float64).alias(c) for c in columns)
    found = pl.concat(parts).select(*keys, *columns)
    return cells.join(found, on=keys, how="left", maintain_order="left")


def _of_one_age(cells: pl.DataFrame) -> pl.DataFrame:
    active, n = cells["n_active"].to_numpy(), cells["n_customers"].to_numpy()
    prior = fit_prior(active, n)
    if prior is None:
        empty = pl.lit(None, pl.Float64)
        return cells.with_columns(shrunk_rate=empty, shrunk_rate_lower=empty, shrunk_rate_upper=empty)
    rate, lower, upper = (pl.Series(v) for v in shrunk(active, n, prior))
    return cells.with_columns(shrunk_rate=rate, shrunk_rate_lower=lower, shrunk_rate_upper=upper)
