"""The grid: everything that is counted, one row per cohort (and group), one column per window of ages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.retention.cohorts.clock import Ints
from crm_analytics.retention.cohorts.counts import Windows, active_counts
from crm_analytics.retention.cohorts.members import Deeds, Floats
from crm_analytics.retention.cohorts.options import Average, Options
from crm_analytics.retention.cohorts.rows import Bools, Shape
from crm_analytics.retention.cohorts.sums import Ratio, Table


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

    def plus(self, other: Grid) -> Grid:
        """Add the counts and sums of other members in the same cells."""
        changed = {name: _plus(getattr(self, name), getattr(other, name)) for name in _ADDED}
        return replace(self, **changed)

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


_ADDED: Final = (
    "size", "active", "returned", "n_orders", "spend", "cumulative", "margin", "cumulative_margin", "payback", "chosen",
)  # fmt: skip
"""What adds up over members."""


def _plus(one: Any, other: Any) -> Any:  # noqa: ANN401 sums, a ratio or nothing
    if one is None:
        return None
    return one.plus(other) if isinstance(one, Ratio) else one + other


def grid(options: Options, shape: Shape, table: Table, cost: Floats | None, *, knows_all_costs: bool) -> Grid:
    """Count everything at once; `cost` is what winning each member cost, NaN where it is not known."""
    done, rows = table.done, shape.rows
    margin, cumulative_margin = _margins(table, done)
    payback = None if cost is None else table.payback(_earnings(done, knows_all_costs=knows_all_costs), cost)
    money = _margin(done) if options.value == "margin" else done.spend
    spend = table.mean(done.spend)
    return Grid(
        cohort=rows.cohort,
        group=rows.group,
        windows=shape.windows,
        shown=shape.shown,
        finished=shape.finished,
        size=np.broadcast_to(table.size[:, None], shape.size),
        active=_active(options, done, table),
        returned=_returned(done, table),
        n_orders=table.by_window(done.n_orders).astype(np.int64),
        spend=spend,
        cumulative=table.running_mean(done.spend, spend.x),
        margin=margin,
        cumulative_margin=cumulative_margin,
        payback=payback,
        chosen=payback if options.value == "payback" else table.ratio(options.value, money),
    )


def _earnings(done: Deeds, *, knows_all_costs: bool) -> Floats:
    """Give what pays an acquisition cost back: margin where the cost of every line is known, else spend."""
    margin = _margin(done)
    return done.spend if margin is None or not knows_all_costs else margin


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


def _active(options: Options, done: Deeds, table: Table) -> Ints:
    if options.criterion == "on":
        return table.active
    row, windows = table.row_of_member, table.windows
    return active_counts(options.criterion, windows, row, table.n_rows, *done.active, options.horizon)


def _returned(done: Deeds, table: Table) -> Ints:
    """Count members who acted in the window beside their entry."""
    row, n_rows = table.row_of_member, table.n_rows
    if table.windows.are_brackets:
        again = done.n_actions > (done.age == 0)
        member, age = done.member[again], done.age[again]
        return active_counts("bracket", table.windows, row, n_rows, member, age, None)
    twice = done.n_actions[done.starts] > 1  # deeds begin with the entry, at age 0
    at_entry = np.bincount(row[twice], minlength=n_rows)
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
