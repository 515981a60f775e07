"""From transactions to the grid: the one path that every table of the analysis takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import polars as pl

from crm_analytics.aggregates.calendar_numbers import Calendar
from crm_analytics.aggregates.cohorts import extract_cube, in_parts, instant_cube
from crm_analytics.aggregates.cube_cells import Cubes
from crm_analytics.aggregates.window import Window
from crm_analytics.errors import NotEnoughDataError
from crm_analytics.extracts.extract import Extract
from crm_analytics.results import Later
from crm_analytics.retention.cohorts.blocks import Counting, Counts
from crm_analytics.retention.cohorts.clock import Clock, Ints
from crm_analytics.retention.cohorts.customers import MOST_LISTED, list_columns
from crm_analytics.retention.cohorts.grid import Grid, over_groups, pooled_by_group
from crm_analytics.retention.cohorts.groups import groups_of
from crm_analytics.retention.cohorts.members import Floats, Members, members
from crm_analytics.retention.cohorts.options import Options
from crm_analytics.retention.cohorts.rows import Entries, Rows, Shape, entries_of


@dataclass(frozen=True, eq=False)
class Cohorts:
    """Everything that the tables and words are made from.

    `shape` has a row per cohort in time (and group); `grid` is the same, or the values of an attribute pooled from it.
    """

    options: Options
    extract: Extract
    customers: Extract | None
    clock: Clock
    cubes: Cubes
    entries: Entries
    shape: Shape
    counting: Counting
    counts: Counts
    start: int | None

    @property
    def rows(self) -> Rows:
        """The rows of the table."""
        return self.shape.rows

    @property
    def times(self) -> Grid:
        """The grid with a row per cohort in time (and group)."""
        return self.counts.grid

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
    def customer_list(self) -> Later | None:
        """The list of customers, which is made when it is asked for; None where there are too many."""
        if self.entries.n > MOST_LISTED:
            return None
        columns = list_columns(grouped=self.shape.rows.group is not None)
        return Later(columns, partial(self.counting.listed, self.cubes))

    def ids_of(self, cohort: int) -> pl.Series:
        """Give the ids of the customers who entered a cohort."""
        found = self.cubes.each(
            lambda cube: cube.ids.gather(
                _of_cohort(members(cube, self.clock, self.options.kind, self.start), cohort)
            )
        )
        return pl.concat(found)


def _of_cohort(found: Members, cohort: int) -> Ints:
    entered: Ints = found.customer[found.cohort == cohort]
    return entered


def count_cohorts(
    extract: Extract, customers: Extract | None, window: Window, calendar: Calendar, options: Options
) -> Cohorts:
    """Count everything there is to count."""
    clock = Clock(calendar, options.clock, window.as_of, extract.time_zone)
    cubes = _cubes(extract, clock, options)
    start = None if window.start is None else window.start.toordinal()
    listed = (options.attribute or options.by) is not None or _has_costs(customers)
    entries = entries_of(cubes, clock, options, start, listed=listed)
    if not entries.n:
        raise NotEnoughDataError.of("customers with a first order in the window", 0, 1)
    rows = Rows.of(entries, groups_of(options, extract, customers, cubes, entries, window.as_of))
    shape = Shape.of(rows, clock, options)
    costs = acquisition_costs(customers, cubes, entries)
    counting = Counting(options, clock, shape, start, costs, entries.knows_all_costs)
    counts = counting.over(cubes)
    return Cohorts(options, extract, customers, clock, cubes, entries, shape, counting, counts, start)


def _has_costs(customers: Extract | None) -> bool:
    return customers is not None and "acquisition_cost" in customers.frame.collect_schema()


def acquisition_costs(customers: Extract | None, cubes: Cubes, entries: Entries) -> Floats | None:
    """Give what winning each customer cost, NaN where it is not known; None where it is known of nobody who entered."""
    if customers is None or not _has_costs(customers):
        return None
    table = customers.frame.select("customer_id", "acquisition_cost").unique("customer_id", keep="first")
    ids = pl.LazyFrame({"customer_id": cubes.ids})
    joined = ids.join(table, on="customer_id", how="left", maintain_order="left").collect()
    costs = joined["acquisition_cost"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return costs if np.isfinite(costs[entries.customers]).any() else None


def _cubes(extract: Extract, clock: Clock, options: Options) -> Cubes:
    as_of, activity = clock.as_of, options.activity
    if clock.name == "24h":
        zone = extract.time_zone
        asked = ("cube of instants", as_of, activity)
        return extract.once(
            asked,
            lambda: in_parts(
                extract,
                lambda rows: Cubes.of(instant_cube(rows, as_of=as_of, activity=activity, time_zone=zone)),
            ),
        )
    return extract_cube(extract, as_of=as_of, calendar=clock.cube_calendar, activity=activity)


def entered_per_cohort(found: Cohorts) -> pl.DataFrame:
    """Count members by cohort over all groups, empty cohorts between the first and the last too."""
    counts = found.entries.n_customers
    return pl.DataFrame(
        {"cohort": np.arange(counts.size) + found.entries.first_cohort, "n_customers": counts}
    )
