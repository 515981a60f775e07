"""From transactions to the grid: the one path that every table of the analysis takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.calendar_numbers import Calendar
from crm_analytics.aggregates.cohorts import extract_cube, instant_cube
from crm_analytics.aggregates.cube_cells import Cube
from crm_analytics.aggregates.window import Window
from crm_analytics.errors import NotEnoughDataError
from crm_analytics.extracts.extract import Extract
from crm_analytics.retention import cohort_members
from crm_analytics.retention.cohort_clock import Clock
from crm_analytics.retention.cohort_counts import Windows
from crm_analytics.retention.cohort_grid import Grid, Rows, grid, over_groups, pooled_by_group, rows_of
from crm_analytics.retention.cohort_groups import groups_of
from crm_analytics.retention.cohort_members import Deeds, Floats, Members
from crm_analytics.retention.cohort_options import Options

MOST_CELLS: Final = 1_000_000
"""A table of more cells shows fewer ages, and says so: daily cohorts of many years would fill the memory."""


@dataclass(frozen=True, eq=False)
class Cohorts:
    """Everything that the tables and words are made from.

    `times` has a row per cohort in time (and group); `grid` is the same, or the values of an attribute pooled from it.
    """

    options: Options
    extract: Extract
    customers: Extract | None
    clock: Clock
    cube: Cube
    members: Members
    done: Deeds
    rows: Rows
    times: Grid

    @cached_property
    def grid(self) -> Grid:
        """The grid as the cells show it."""
        pooled = self.options.attribute is not None
        return pooled_by_group(self.times, self.options.average) if pooled else self.times

    @cached_property
    def everyone(self) -> Grid:
        """The cohorts in time over all groups."""
        return over_groups(self.times)

    @property
    def is_cut(self) -> bool:
        """Whether ages are left out because there would be too many cells."""
        shown = self.times.windows.period.size
        return self.options.max_periods is None and shown < int(self.clock.begun(self.rows.cohort).max())


def count_cohorts(
    extract: Extract, customers: Extract | None, window: Window, calendar: Calendar, options: Options
) -> Cohorts:
    """Count everything there is to count."""
    clock = Clock(calendar, options.clock, window.as_of, extract.time_zone)
    cube = _cube(extract, clock, options)
    start = None if window.start is None else window.start.toordinal()
    found = cohort_members.members(cube, clock, options.kind, start)
    if not found.customer.size:
        raise NotEnoughDataError.of("customers with a first order in the window", 0, 1)
    done = cohort_members.deeds(cube, found, clock)
    rows = rows_of(found, groups_of(options, extract, customers, cube, found, window.as_of))
    spans = _windows(clock, rows, options)
    times = grid(options, clock, rows, done, spans, acquisition_costs(customers, cube, found))
    return Cohorts(options, extract, customers, clock, cube, found, done, rows, times)


def acquisition_costs(customers: Extract | None, cube: Cube, found: Members) -> Floats | None:
    """Give what winning each member cost, NaN where it is not known; None where it is known of none."""
    if customers is None or "acquisition_cost" not in customers.frame.collect_schema():
        return None
    table = customers.frame.select("customer_id", "acquisition_cost").unique("customer_id", keep="first")
    ids = pl.LazyFrame({"customer_id": cube.ids})
    joined = ids.join(table, on="customer_id", how="left", maintain_order="left").collect()
    costs = joined["acquisition_cost"].cast(pl.Float64).fill_null(float("nan")).to_numpy()[found.customer]
    return costs if np.isfinite(costs).any() else None


def _cube(extract: Extract, clock: Clock, options: Options) -> Cube:
    as_of, activity = clock.as_of, options.activity
    if clock.name == "24h":
        zone = extract.time_zone
        asked = ("cube of instants", as_of, activity)
        return extract.once(
            asked,
            lambda: Cube.of(instant_cube(extract.frame, as_of=as_of, activity=activity, time_zone=zone)),
        )
    return extract_cube(extract, as_of=as_of, calendar=clock.cube_calendar, activity=activity)


def _windows(clock: Clock, rows: Rows, options: Options) -> Windows:
    n_ages = int(clock.begun(rows.cohort).max())
    if options.max_periods is not None:
        n_ages = min(n_ages, options.max_periods + 1)
    else:
        n_ages = min(n_ages, max(2, MOST_CELLS // rows.n))
    return Windows.of(options.criterion, n_ages, horizon=options.horizon, brackets=options.brackets)


def entered_per_cohort(found: Cohorts) -> pl.DataFrame:
    """Count members by cohort over all groups, empty cohorts between the first and the last too."""
    cohorts = found.members.cohort
    low = int(cohorts.min())
    counts = np.bincount(cohorts - low)
    return pl.DataFrame({"cohort": np.arange(counts.size) + low, "n_customers": counts})
