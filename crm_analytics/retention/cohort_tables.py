"""The tables of cohorts, losses, averages, payback and money over calendar time."""

from __future__ import annotations

from typing import Any, Final, get_args

import numpy as np
import polars as pl

from crm_analytics.retention.cohort_cells import calendar_days, curve_of, rounded
from crm_analytics.retention.cohort_clock import Ints
from crm_analytics.retention.cohort_members import Deeds, Floats, Values
from crm_analytics.retention.cohort_options import Average
from crm_analytics.retention.cohort_table import MOST_CELLS, Cohorts
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
    rows, done = found.rows, found.done
    size = np.bincount(rows.of_member, minlength=rows.n)
    again = np.bincount(rows.of_member[done.n_active > 1], minlength=rows.n)
    orders = np.bincount(rows.of_member, weights=done.orders_of_member, minlength=rows.n).astype(np.int64)
    spend = np.bincount(rows.of_member, weights=done.spend_of_member, minlength=rows.n).astype(float)
    lower, upper = wilson(again, size)
    shown = size >= found.options.min_customers
    table = pl.DataFrame(
        {
            **({} if rows.group is None else {"group": rows.group}),
            "cohort_on": pl.Series(
                [found.clock.calendar.first_day(int(c)) for c in rows.cohort], dtype=pl.Date
            ),
            "n_customers": size,
            "periods_observed": found.clock.finished(rows.cohort),
            "n_returned_so_far": again,
            "returned_share": again / size,
            "returned_share_lower": lower,
            "returned_share_upper": upper,
            "n_orders": orders,
            "spend": rounded(spend),
            "spend_per_customer": rounded(spend / size),
        }
    )
    hidden = table.columns[table.columns.index("n_returned_so_far") :]
    return table.with_columns(pl.when(pl.Series(shown)).then(pl.col(hidden)))


def losses(found: Cohorts, until: int) -> pl.DataFrame:
    """Say at which age customers were active for the last time, of those observed through age `until`.

    What they did after it is not looked at, so that all are observed equally long.
    """
    lived = (found.clock.finished(found.rows.cohort) > until)[found.rows.of_member]
    last = found.done.last_active(until)[lived]
    counts = np.bincount(last, minlength=until + 1)[: until + 1]
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


def never_back(found: Cohorts, until: int) -> tuple[int, int]:
    """Count the members who did not act again at ages 1 to `until`, and all who were observed so long."""
    lived = (found.clock.finished(found.rows.cohort) > until)[found.rows.of_member]
    age, done = found.done.active[1], found.done
    second = np.minimum(
        done.active_starts + 1, age.size - 1
    )  # the first action after the entry, if there is one
    never = (done.n_active == 1) | (age[second] > until)
    return int((lived & never).sum()), int(lived.sum())


def payback_table(found: Cohorts) -> pl.DataFrame | None:
    """Give one row per cohort whose cost of winning is known: the cost, what has come back, and when it was paid back."""
    times = found.times
    if times.payback is None or times.cohort is None:
        return None
    share, (lower, upper) = times.payback.value, times.payback.interval()
    rows = []
    for row in np.flatnonzero((times.payback.y[:, 0] > 0) & times.finished[:, 0]):
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
    if found.clock.name != "calendar" or found.options.kind == "recurring":
        return None
    done, calendar = found.done, found.clock.calendar
    cohort, age, sums = _by_cohort_and_age(found.members.cohort, done)
    return pl.DataFrame(
        {
            "cohort_on": calendar_days(cohort, found.clock),
            "calendar_on": calendar_days(cohort + age, found.clock),
            "n_orders": sums["n_orders"].astype(np.int64),
            "spend": rounded(sums["spend"]),
            "is_complete": cohort + age < calendar.number_of(found.clock.as_of),
        }
    )


def _by_cohort_and_age(cohort: Ints, done: Deeds) -> tuple[Ints, Ints, dict[str, Floats]]:
    """Add up orders and spend by cohort and age, where there are any deeds."""
    low, n_ages = int(cohort.min()), int(done.age.max()) + 1
    n_cells = (int(cohort.max()) - low + 1) * n_ages
    first = (cohort - low).astype(np.int64) * n_ages

    def cell(part: slice) -> Ints:
        return first[done.member[part]] + done.age[part]

    number: Values = cell
    places: Ints | None = None
    if n_cells > max(done.age.size, MOST_CELLS):  # most of them empty
        places, number = np.unique(cell(slice(None)), return_inverse=True)
        n_cells = places.size
    there = np.flatnonzero(done.by_cell(number, n_cells, None))
    sums = {c: done.by_cell(number, n_cells, getattr(done, c))[there] for c in ("n_orders", "spend")}
    at = there if places is None else places[there]
    return at // n_ages + low, at % n_ages, sums
