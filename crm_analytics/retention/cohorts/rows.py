"""The rows and columns of a cohort table: which cohorts there are, in which groups, and which windows they have lived through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.aggregates.cube_cells import Cube, Cubes
from crm_analytics.retention.cohorts.clock import Clock, Ints
from crm_analytics.retention.cohorts.counts import Windows
from crm_analytics.retention.cohorts.members import Entry, Members, deeds, members
from crm_analytics.retention.cohorts.options import Options

Bools = NDArray[np.bool_]
RowNumbers = NDArray[np.int32]

MOST_CELLS: Final = 1_000_000
"""A table of more cells shows fewer ages, and says so: daily cohorts of many years would fill the memory."""


@dataclass(frozen=True, eq=False)
class Entries:
    """Who entered: how many, in which cohorts, and on which days at the earliest and at the latest.

    `n_customers` counts by cohort from `first_cohort` on. `first_action` is the day of the first action of all, entry or
    not; `spend` all money there is; `knows_all_costs` says whether the cost of every line from an entry on is known.
    `customers` and `cohorts` are those of each entry, where they were asked for.
    """

    first_cohort: int
    n_customers: Ints
    first_day: int
    last_day: int
    first_action: int
    spend: float
    knows_all_costs: bool
    customers: Ints
    cohorts: Ints

    @property
    def n(self) -> int:
        """How many entries there are."""
        return int(self.n_customers.sum())

    @classmethod
    def of(cls, cube: Cube, clock: Clock, entry: Entry, start: int | None, *, listed: bool) -> Entries:
        """Look at a block of customers."""
        found = members(cube, clock, entry, start)
        low = int(found.cohort.min(initial=_FAR))
        knows = cube.n_lines_without_cost is not None and not _without_cost(cube, found, clock).any()
        return cls(
            low,
            np.bincount(found.cohort - low),
            int(found.entry_day.min(initial=_FAR)),
            int(found.entry_day.max(initial=0)),
            int(cube.day[cube.n_actions > 0].min(initial=_FAR)),
            float(cube.spend.sum()),
            knows,
            (found.customer + cube.before)[: None if listed else 0],
            found.cohort[: None if listed else 0],
        )

    @classmethod
    def joined(cls, parts: Iterable[Entries]) -> Entries:
        """Put those of blocks that follow each other together."""
        every = list(parts)
        there = [part for part in every if part.n_customers.size]
        low = min((part.first_cohort for part in there), default=0)
        high = max((part.first_cohort + part.n_customers.size for part in there), default=0)
        counts = np.zeros(high - low, np.int64)
        for part in there:
            counts[part.first_cohort - low :][: part.n_customers.size] += part.n_customers
        return cls(
            low,
            counts,
            min((part.first_day for part in there), default=0),
            max((part.last_day for part in there), default=0),
            min((part.first_action for part in every), default=0),
            sum(part.spend for part in every),
            all(part.knows_all_costs for part in every),
            *(
                np.concatenate([np.empty(0, np.int64), *(getattr(p, c) for p in every)])
                for c in ("customers", "cohorts")
            ),
        )


_FAR: Final = np.iinfo(np.int32).max


def _without_cost(cube: Cube, found: Members, clock: Clock) -> Ints:
    """Give the lines without cost of each deed; there are deeds only where somebody enters."""
    if not found.customer.size or cube.n_lines_without_cost is None:
        return np.empty(0, np.int64)
    without = deeds(cube, found, clock).n_lines_without_cost
    return cube.n_lines_without_cost if without is None else without


def entries_of(cubes: Cubes, clock: Clock, options: Options, start: int | None, *, listed: bool) -> Entries:
    """Find out who enters; `listed` keeps each entry."""
    found = cubes.each(lambda cube: Entries.of(cube, clock, options.kind, start, listed=listed))
    return Entries.joined(found)


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups into which customers are divided: their names in order, and which is that of each customer."""

    names: tuple[str, ...]
    of_customer: NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of the table: the cohort (number of its period) and the group of each, group by group.

    `place` gives the row by group and cohort, -1 where there is none.
    """

    cohort: Ints
    group: pl.Series | None
    place: NDArray[np.int32]
    low: int
    groups: Groups | None = None

    @property
    def n(self) -> int:
        """How many rows there are."""
        return int(self.cohort.size)

    @classmethod
    def of(cls, entered: Entries, groups: Groups | None = None) -> Rows:
        """Give the rows their numbers, group by group and cohort by cohort."""
        there = (entered.n_customers > 0)[None, :]
        if groups is not None:
            there = np.zeros((len(groups.names), entered.n_customers.size), np.bool_)
            there[groups.of_customer[entered.customers], entered.cohorts - entered.first_cohort] = True
        at_group, at_cohort = np.nonzero(there)
        place = np.where(there, np.cumsum(there).reshape(there.shape) - 1, -1).astype(np.int32)
        named = None if groups is None else pl.Series("group", groups.names, pl.String).gather(at_group)
        return cls(at_cohort + entered.first_cohort, named, place, entered.first_cohort, groups)

    def of_members(self, found: Members, before: int) -> RowNumbers:
        """Give the row of each member of a block, which `before` customers stand before."""
        group = 0 if self.groups is None else self.groups.of_customer[found.customer + before]
        rows: RowNumbers = self.place[group, found.cohort - self.low]
        return rows


@dataclass(frozen=True, eq=False)
class Shape:
    """The rows and the columns of a table, and which of its cells have begun and are finished.

    `n_ages` counts all ages that have begun; `is_cut` says that not all are shown because there would be too many cells.
    """

    rows: Rows
    windows: Windows
    clock: Clock
    n_ages: int
    is_cut: bool

    @classmethod
    def of(cls, rows: Rows, clock: Clock, options: Options) -> Shape:
        """Lay the table out; one that would be too large shows fewer ages."""
        every = int(clock.begun(rows.cohort).max())
        most = max(2, MOST_CELLS // rows.n) if options.max_periods is None else options.max_periods + 1
        spans = Windows.of(
            options.criterion, min(every, most), horizon=options.horizon, brackets=options.brackets
        )
        return cls(rows, spans, clock, every, options.max_periods is None and most < every)

    @cached_property
    def lived(self) -> Ints:
        """How many ages even the last member of each row has lived through."""
        return self.clock.finished(self.rows.cohort)

    @cached_property
    def shown(self) -> Bools:
        """Which windows have begun."""
        begun = self.clock.begun(self.rows.cohort)
        return np.broadcast_to(self.windows.period < begun[:, None], self.size)

    @cached_property
    def finished(self) -> Bools:
        """Which windows every member has lived through."""
        return np.broadcast_to(self.windows.last < self.lived[:, None], self.size)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows.n, self.windows.period.size

    @property
    def is_whole(self) -> bool:
        """Whether every age has a column of its own."""
        return not self.windows.are_brackets and self.windows.period.size == self.n_ages

    @cached_property
    def marks(self) -> tuple[int, ...]:
        """The ages that are followed over the cohorts: those that someone has finished."""
        periods = self.windows.period
        some: Bools = np.asarray(self.finished.any(axis=0))
        if self.windows.are_brackets:
            return tuple([int(p) for p in periods[some] if p > 0][:3])
        return tuple(m for m in _MARKS[self.clock.unit] if m < periods.size and some[m])

    @cached_property
    def longest(self) -> int:
        """The age up to which losses are counted: the last followed one that some cohort has finished."""
        if not self.marks:
            return 0
        last = int(self.windows.ends[self.windows.period == max(self.marks)][0])
        return min(last, int(self.lived.max()) - 1)


_MARKS: Final = {
    "day": (1, 7, 30),
    "24h": (1, 7, 30),
    "week": (1, 4, 12),
    "7d": (1, 4, 12),
    "month": (1, 3, 12),
    "30d": (1, 3, 12),
    "quarter": (1, 4, 8),
    "year": (1, 2, 3),
}
"""The ages that are followed over the cohorts, by the unit in which age is counted."""
