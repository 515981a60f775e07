"""The grid: everything that is counted, one row per cohort (and group), one column per window of ages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.retention.cohort_clock import Clock, Ints
from crm_analytics.retention.cohort_counts import Windows, active_counts
from crm_analytics.retention.cohort_members import Deeds, Floats, Members
from crm_analytics.retention.cohort_options import Average, Options
from crm_analytics.retention.cohort_sums import Ratio, Table

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of the table: the cohort (number of its period) and the group of each, and the row of each member."""

    cohort: Ints
    group: pl.Series | None
    of_member: NDArray[np.signedinteger[Any]]

    @property
    def n(self) -> int:
        """How many rows there are."""
        return int(self.cohort.size)


def rows_of(found: Members, groups: pl.Series | None = None) -> Rows:
    """Give the rows their numbers, group by group and cohort by cohort; `groups` says the group of each member."""
    if groups is None:
        low = int(found.cohort.min())
        there = np.bincount(found.cohort - low) > 0
        places = (np.cumsum(there) - 1).astype(np.int32)
        return Rows(np.flatnonzero(there) + low, None, places[found.cohort - low])
    keys = pl.DataFrame({"group": groups, "cohort": found.cohort})
    unique = keys.unique().sort("group", "cohort").with_row_index("row")
    placed = keys.join(unique, on=["group", "cohort"], how="left", maintain_order="left")
    return Rows(unique["cohort"].to_numpy(), unique["group"], placed["row"].cast(pl.Int32).to_numpy())


@dataclass(frozen=True, eq=False)
class Grid:
    """Counts and sums, all of the shape rows x columns.

    `shown` marks windows that have begun, `finished` those that every member has lived through. Where `cohort` is None
    the rows are the values of an attribute, pooled over the cohorts that have finished the window.
    """

    cohort: Ints | None
    group: pl.Series | None
    windows: Windows
    shown: Bools
    finished: Bools
    size: Ints
    active: Ints
    returned: Ints
    n_orders: Ints
    spend: Ratio
    cumulative: Ratio
    margin: Floats | None
    cumulative_margin: Floats | None
    payback: Ratio | None
    chosen: Ratio | None

    def with_finished(self, finished: Bools) -> Grid:
        """Count other cells as finished."""
        return replace(self, finished=finished)

    def added(self, weights: Floats, where: Bools) -> Grid:
        """Add up rows of the grid: `weights` has a row per sum and a column per row of the grid."""

        def whole(counts: Ints) -> Ints:
            return (weights @ np.where(where, counts, 0)).round().astype(np.int64)

        def money(sums: Floats | None) -> Floats | None:
            if sums is None:
                return None
            known = np.isfinite(sums)
            unknown = weights @ (where & ~known) > 0
            return np.where(unknown, np.nan, weights @ np.where(where & known, sums, 0.0))

        finished = weights @ where > 0
        return replace(
            self,
            cohort=None,
            shown=finished,
            finished=finished,
            size=whole(self.size),
            active=whole(self.active),
            returned=whole(self.returned),
            n_orders=whole(self.n_orders),
            spend=self.spend.added(weights, where),
            cumulative=self.cumulative.added(weights, where),
            margin=money(self.margin),
            cumulative_margin=money(self.cumulative_margin),
            payback=None if self.payback is None else self.payback.added(weights, where),
            chosen=None if self.chosen is None else self.chosen.added(weights, where),
        )


def grid(
    options: Options, clock: Clock, rows: Rows, done: Deeds, windows: Windows, cost: Floats | None = None
) -> Grid:
    """Count everything at once; `cost` is what winning each member cost, NaN where it is not known."""
    table = Table(rows.of_member, rows.n, windows, done)
    shape = (rows.n, windows.period.size)
    margin, cumulative_margin = _margins(table, done)
    payback = None if cost is None else table.payback(earnings(done), cost)
    money = _margin(done) if options.value == "margin" else done.spend
    return Grid(
        cohort=rows.cohort,
        group=rows.group,
        windows=windows,
        shown=np.broadcast_to(windows.period < clock.begun(rows.cohort)[:, None], shape),
        finished=np.broadcast_to(windows.last < clock.finished(rows.cohort)[:, None], shape),
        size=np.broadcast_to(table.size[:, None], shape),
        active=_active(options, rows, done, table),
        returned=_returned(rows, done, table),
        n_orders=table.by_window(done.n_orders).astype(np.int64),
        spend=table.mean(done.spend),
        cumulative=table.running_mean(done.spend),
        margin=margin,
        cumulative_margin=cumulative_margin,
        payback=payback,
        chosen=payback if options.value == "payback" else table.ratio(options.value, money),
    )


def earnings(done: Deeds) -> Floats:
    """Give what pays an acquisition cost back: margin where the cost of every line is known, else spend."""
    margin = _margin(done)
    return done.spend if margin is None or not knows_all_costs(done) else margin


def knows_all_costs(done: Deeds) -> bool:
    """Say whether the cost of every line is known."""
    return done.n_lines_without_cost is not None and not done.n_lines_without_cost.any()


def _margins(table: Table, done: Deeds) -> tuple[Floats | None, Floats | None]:
    """Add up margin in the window and from entry on; unknown where the cost of any line is."""
    margin = _margin(done)
    if margin is None or done.n_lines_without_cost is None:
        return None, None
    unknown = done.n_lines_without_cost
    inside = np.where(table.by_window(unknown) > 0, np.nan, table.by_window(margin))
    return inside, np.where(table.running(unknown) > 0, np.nan, table.running(margin))


def _margin(done: Deeds) -> Floats | None:
    return None if done.cost is None else done.spend - done.cost


def _active(options: Options, rows: Rows, done: Deeds, table: Table) -> Ints:
    if options.criterion == "on":
        return table.active
    return active_counts(
        options.criterion, table.windows, rows.of_member, rows.n, *done.active, options.horizon
    )


def _returned(rows: Rows, done: Deeds, table: Table) -> Ints:
    """Count members who acted in the window beside their entry."""
    if table.windows.are_brackets:
        again = done.n_actions > (done.age == 0)
        member, age = done.member[again], done.age[again]
        return active_counts("bracket", table.windows, rows.of_member, rows.n, member, age, None)
    twice = done.n_actions[done.starts] > 1  # deeds begin with the entry, at age 0
    at_entry = np.bincount(rows.of_member[twice], minlength=rows.n)
    return np.concatenate([at_entry[:, None], table.active[:, 1:]], axis=1)


def averaged_over(found: Grid, average: Average) -> Bools:
    """Mark the cells that an average counts: finished ones, for "mature_only" those of the same cohorts at every age."""
    if average != "mature_only" or found.cohort is None:
        return found.finished
    lived = found.finished.sum(axis=1)
    some = np.sort(lived[lived > 0])
    needed = some[some.size // 2] if some.size else 0
    kept: Bools = (lived >= needed)[:, None] & (np.arange(found.finished.shape[1]) < needed)
    return kept


def pooled_by_group(found: Grid, average: Average) -> Grid:
    """Make the values of an attribute the rows: each age pools the cohorts that have finished it."""
    if found.group is None:
        raise AssertionError
    groups = found.group.unique(maintain_order=True)
    weights = (found.group.to_numpy()[None, :] == groups.to_numpy()[:, None]).astype(float)
    return replace(found.added(weights, averaged_over(found, average)), group=groups)


def over_groups(found: Grid) -> Grid:
    """Add up the groups of each cohort."""
    if found.group is None or found.cohort is None:
        return found
    cohorts, first = np.unique(found.cohort, return_index=True)
    weights = (found.cohort[None, :] == cohorts[:, None]).astype(float)
    whole = found.added(weights, np.ones(found.finished.shape, bool))
    return replace(
        whole, cohort=cohorts, group=None, shown=found.shown[first], finished=found.finished[first]
    )


ALL: Final = "All customers"
"""The group that holds everyone, beside groups in the curve."""
