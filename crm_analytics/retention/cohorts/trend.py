"""Is it getting better: retention at a few ages over the cohorts, with a test of the trend."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.retention.cohorts.cells import rounded
from crm_analytics.retention.cohorts.clock import Ints
from crm_analytics.retention.cohorts.counted import Cohorts
from crm_analytics.retention.cohorts.grid import ALL
from crm_analytics.retention.cohorts.rows import Bools
from crm_analytics.stats.binomial_trend import Trend, binomial_trend
from crm_analytics.stats.intervals import wilson

_SURE: Final = 0.05
VERDICTS: Final = ("better", "worse", "no clear change", "cannot be told")


def trend_points(found: Cohorts) -> pl.DataFrame:
    """Give one row per cohort and followed age that the cohort has finished, over all groups."""
    parts = [_points(found, age, np.ones(found.rows.n, bool)) for age in found.shape.marks]
    return pl.concat(parts) if parts else _points(found, 0, np.zeros(found.rows.n, bool))


def _points(found: Cohorts, age: int, kept: Bools) -> pl.DataFrame:
    cohort, size, active = _by_cohort(found, age, kept)
    lower, upper = wilson(active, size)
    starts = [found.clock.calendar.first_day(int(c)) for c in cohort]
    shown = size >= found.options.min_customers
    return pl.DataFrame(
        {
            "cohort_on": pl.Series(starts, dtype=pl.Date),
            "period": np.full(cohort.size, age, np.int64),
            "n_customers": size,
            "n_active": active,
            "retention_rate": rounded(active / np.maximum(size, 1)),
            "retention_rate_lower": lower,
            "retention_rate_upper": upper,
        }
    ).filter(pl.Series(shown))


def _by_cohort(found: Cohorts, age: int, kept: Bools) -> tuple[Ints, Ints, Ints]:
    """Add up over groups the cohorts that have finished the age."""
    column = int(np.flatnonzero(found.times.windows.period == age)[0])
    rows = found.times.finished[:, column] & kept
    cohorts, place = np.unique(found.rows.cohort[rows], return_inverse=True)
    sums = [np.zeros(cohorts.size, np.int64) for _ in range(2)]
    for total, values in zip(sums, (found.times.size, found.times.active), strict=True):
        np.add.at(total, place, values[rows, column])
    return cohorts, sums[0], sums[1]


def trend_tests(found: Cohorts, *, without: frozenset[int] = frozenset()) -> pl.DataFrame:
    """Test the trend of each followed age, over all customers and in each group.

    `without` are cohorts that are left out: a first one that holds old customers too would feign a fall.
    """
    usable = ~np.isin(found.rows.cohort, list(without))
    parts = [_test(found, age, usable, None) for age in found.shape.marks]
    if found.rows.group is not None:
        groups = found.rows.group.to_numpy()
        for group in found.rows.group.unique(maintain_order=True):
            parts += [_test(found, age, usable & (groups == group), str(group)) for age in found.shape.marks]
    table = pl.DataFrame(parts, schema=_SCHEMA, orient="row")
    return table if found.rows.group is not None else table.drop("group")


def _test(found: Cohorts, age: int, kept: Bools, group: str | None) -> dict[str, Any]:
    cohort, size, active = _by_cohort(found, age, kept)
    trend = binomial_trend(active, size, cohort)
    return {
        "group": group or ALL,
        "period": age,
        "n_cohorts": cohort.size,
        "n_customers": int(size.sum()),
        "n_active": int(active.sum()),
        "verdict": verdict(trend),
        "first_rate": None if trend is None else trend.first,
        "last_rate": None if trend is None else trend.last,
        "rate_change": None if trend is None else trend.change,
        "rate_change_lower": None if trend is None else trend.change_lower,
        "rate_change_upper": None if trend is None else trend.change_upper,
        "p_value": None if trend is None else trend.p_value,
        "dispersion": None if trend is None else trend.dispersion,
    }


_SCHEMA: Final = {
    "group": pl.String, "period": pl.Int64, "n_cohorts": pl.Int64, "n_customers": pl.Int64, "n_active": pl.Int64, "verdict": pl.String,
    "first_rate": pl.Float64, "last_rate": pl.Float64, "rate_change": pl.Float64, "rate_change_lower": pl.Float64,
    "rate_change_upper": pl.Float64, "p_value": pl.Float64, "dispersion": pl.Float64,
}  # fmt: skip


def verdict(trend: Trend | None) -> str:
    """Say in a word what a trend shows."""
    if trend is None:
        return VERDICTS[3]
    if trend.p_value >= _SURE or trend.change_lower <= 0 <= trend.change_upper:
        return VERDICTS[2]
    return VERDICTS[0] if trend.change > 0 else VERDICTS[1]
