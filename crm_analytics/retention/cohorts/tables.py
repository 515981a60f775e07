"""The tables of cohorts, losses, averages, payback and money over calendar time."""

from __future__ import annotations

from typing import Any, Final, get_args

import numpy as np
import polars as pl

from crm_analytics.retention.cohorts.cells import calendar_days, curve_of, rounded
from crm_analytics.retention.cohorts.counted import Cohorts
from crm_analytics.retention.cohorts.options import Average
from crm_analytics.stats.intervals import wilson

DEFINITIONS: Final = {
    "pooled": "Active customers of all finished cells of the age, divided by their customers: every customer weighs the same.",
    "simple": "Mean of the rates of all finished cells of the age: every cohort weighs the same.",
    "mature_only": "Pooled over the same cohorts at every age: those that have finished the ages that half of all cohorts have.",
}
"""The averages and what they mean."""


def averages(found: Cohorts) -> pl.DataFrame:
    """Give the average row in each definition, one row per average and age, over all groups."""
    columns = [
        "period",
        "n_cohorts",
        "n_customers",
        "retention_rate",
        "retention_rate_lower",
        "retention_rate_upper",
    ]
    parts = [
        curve_of(found.everyone, found.options, name).select(
            pl.lit(name).alias("average"), *columns, pl.lit(DEFINITIONS[name]).alias("average_definition")
        )
        for name in get_args(Average)
    ]
    return pl.concat(parts)


def cohorts_table(found: Cohorts) -> pl.DataFrame:
    """Give one row per cohort (and group): size, how long observed, who came again so far, orders and money."""
    rows, counts = found.rows, found.counts
    size, again, spend = counts.grid.size[:, 0], counts.again, counts.spend
    lower, upper = wilson(again, size)
    shown = size >= found.options.min_customers
    table = pl.DataFrame(
        {
            **({} if rows.group is None else {"group": rows.group}),
            "cohort_on": pl.Series(
                [found.clock.calendar.first_day(int(c)) for c in rows.cohort], dtype=pl.Date
            ),
            "n_customers": size,
            "periods_observed": found.shape.lived,
            "n_returned_so_far": again,
            "returned_share": again / size,
            "returned_share_lower": lower,
            "returned_share_upper": upper,
            "n_orders": counts.n_orders.astype(np.int64),
            "spend": rounded(spend),
            "spend_per_customer": rounded(spend / size),
        }
    )
    hidden = table.columns[table.columns.index("n_returned_so_far") :]
    return table.with_columns(pl.when(pl.Series(shown)).then(pl.col(hidden)))


def losses(found: Cohorts) -> pl.DataFrame:
    """Say at which age customers were active for the last time, of those observed through the last followed age.

    What they did after it is not looked at, so that all are observed equally long.
    """
    counts = found.counts.last
    n = int(counts.sum())
    lower, upper = wilson(counts, n)
    return pl.DataFrame(
        {
            "period": np.arange(counts.size),
            "n_customers": counts,
            "lost_after_share": counts / max(n, 1),
            "lost_after_share_lower": lower,
            "lost_after_share_upper": upper,
        }
    )


def payback_table(found: Cohorts) -> pl.DataFrame | None:
    """Give one row per cohort whose cost of winning is known: the cost, what has come back, and when it was paid back."""
    times = found.times
    if times.payback is None or times.cohort is None:
        return None
    share, (lower, upper) = times.payback.value, times.payback.interval()
    rows = []
    shown = times.size[:, 0] >= found.options.min_customers
    for row in np.flatnonzero((times.payback.y[:, 0] > 0) & times.finished[:, 0] & shown):
        at = int(times.finished[row].sum()) - 1
        paid = np.flatnonzero((share[row] >= 1) & times.finished[row])
        rows.append(
            {
                "group": None if times.group is None else times.group[int(row)],
                "cohort_on": found.clock.calendar.first_day(int(times.cohort[row])),
                "n_with_cost": int(times.payback.n[row, 0]),
                "cohort_acquisition_cost": float(times.payback.y[row, 0]),
                "period": int(times.windows.period[at]),
                "payback_share": float(share[row, at]),
                "payback_share_lower": _finite(lower[row, at]),
                "payback_share_upper": _finite(upper[row, at]),
                "paid_back_period": int(times.windows.period[paid[0]]) if paid.size else None,
            }
        )
    table = pl.DataFrame(rows, schema=_PAYBACK, orient="row")
    table = table.with_columns(pl.col(pl.Float64).round(6))
    return table if times.group is not None else table.drop("group")


def _finite(number: Any) -> float | None:  # noqa: ANN401 a numpy number
    return float(number) if np.isfinite(number) else None


_PAYBACK: Final = {
    "group": pl.String, "cohort_on": pl.Date, "n_with_cost": pl.Int64, "cohort_acquisition_cost": pl.Float64,
    "period": pl.Int64, "payback_share": pl.Float64, "payback_share_lower": pl.Float64,
    "payback_share_upper": pl.Float64, "paid_back_period": pl.Int64,
}  # fmt: skip


def layers(found: Cohorts) -> pl.DataFrame | None:
    """Give the spend of each cohort in each calendar period, by the calendar's clock; None by any other."""
    sums, calendar = found.counts.layers, found.clock.calendar
    if sums is None:
        return None
    row, age = np.divmod(sums.cell, found.shape.n_ages)
    cohort = row + found.rows.low
    return pl.DataFrame(
        {
            "cohort_on": calendar_days(cohort, found.clock),
            "calendar_on": calendar_days(cohort + age, found.clock),
            "n_orders": sums.n_orders.astype(np.int64),
            "spend": rounded(sums.spend),
            "is_complete": cohort + age < calendar.number_of(found.clock.as_of),
        }
    )
