"""Where the forecast was off: by when customers joined, by channel and by country."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.window import Window
from crm_analytics.clv.validation.accuracy import Draws, accuracy
from crm_analytics.clv.validation.judged import Judged
from crm_analytics.clv.worth.valued_customers import KINDS, NOT_STATED, with_cohorts, with_origins
from crm_analytics.extracts.extract import Extract

_FEWEST: Final = 10

_SCHEMA: Final = {
    "group_kind": pl.String(), "group": pl.String(), "n_customers": pl.Int64(), "forecast_purchases": pl.Float64(),
    "actual_purchases": pl.Float64(), "total_error": pl.Float64(), "total_error_lower": pl.Float64(),
    "total_error_upper": pl.Float64(),
}  # fmt: skip


def group_table(
    judged: Judged,
    extract: Extract,
    customers: Any,  # noqa: ANN401 a table
    *,
    n_draws: int,
    seed: int,
) -> pl.DataFrame:
    """Give one row per cohort, oldest first, and per channel and country, the largest first."""
    back = judged.back
    last = pl.lit(back.origin - timedelta(days=1))
    came = (last - pl.duration(days=pl.col("T").cast(pl.Int64))).cast(pl.Date)
    people = with_cohorts(back.people.select("customer_id", first_ordered_on=came))
    people = with_origins(people, extract, Window(None, back.origin, as_of_given=True), customers)
    rows = [
        row
        for kind in KINDS
        if kind in people.columns
        for row in _rows(judged, kind, people[kind].fill_null(NOT_STATED), n_draws, seed)
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _rows(judged: Judged, kind: str, labels: pl.Series, n_draws: int, seed: int) -> Iterator[dict[str, Any]]:
    forecast = judged.forecasts[judged.chosen].purchases
    sizes = labels.value_counts(name="n").sort("n", labels.name, descending=[True, False])
    sizes = sizes.sort(labels.name) if kind == "joined" else sizes
    for label, n in sizes.iter_rows():
        here = np.asarray(labels == label)
        found = accuracy(judged.actual[here], forecast[here], Draws.of(n, n_draws, seed, order=False))
        low, high = found.interval("total_error") if n >= _FEWEST else (None, None)
        yield {
            "group_kind": KINDS[kind],
            "group": label,
            "n_customers": n,
            "forecast_purchases": found.forecast,
            "actual_purchases": found.actual,
            "total_error": found.values["total_error"],
            "total_error_lower": low,
            "total_error_upper": high,
        }
