"""What each block of customers adds to the cohort table: all that is counted of customers, who come and go block by block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.cube_cells import Cube, Cubes
from crm_analytics.retention.cohorts import members
from crm_analytics.retention.cohorts.clock import Clock, Ints
from crm_analytics.retention.cohorts.customers import Lists, customers_table, in_order_of_ids
from crm_analytics.retention.cohorts.grid import Grid, grid
from crm_analytics.retention.cohorts.members import Deeds, Floats
from crm_analytics.retention.cohorts.options import Options
from crm_analytics.retention.cohorts.rows import MOST_CELLS, RowNumbers, Shape
from crm_analytics.retention.cohorts.sums import Table

DEEDS_PER_CELL: Final = 8
"""Blocks are put together until they hold so many deeds for each cell of the table, so that adding tables costs little."""


@dataclass(frozen=True, eq=False)
class Layers:
    """Orders and spend by cohort and age, where there are any deeds; `cell` is cohort and age in one number."""

    cell: Ints
    n_orders: Floats
    spend: Floats

    @classmethod
    def of(cls, cohort: Ints, done: Deeds, first_cohort: int, n_ages: int) -> Layers:
        """Add up the deeds of members of these cohorts."""
        cell = (cohort - first_cohort).astype(np.int64)[done.member] * n_ages + done.age
        n_cells = int(cell.max()) + 1
        if n_cells > max(cell.size, MOST_CELLS):  # most of them empty
            there, cell = np.unique(cell, return_inverse=True)
            n_cells = there.size
        else:
            there = np.flatnonzero(np.bincount(cell))
        sums = [
            np.bincount(cell, weights=v, minlength=n_cells).astype(float) for v in (done.n_orders, done.spend)
        ]
        n_orders, spend = (v if v.size == there.size else v[there] for v in sums)
        return cls(there, n_orders, spend)

    @classmethod
    def read_off(cls, found: Grid, deeds: Ints, shape: Shape) -> Layers:
        """Take the sums from a table that has a row for each cohort and a column for each age."""
        row, age = np.nonzero(deeds)
        cell = (shape.rows.cohort[row] - shape.rows.low) * shape.n_ages + age
        return cls(cell, found.n_orders[row, age].astype(float), found.spend.x[row, age])

    @classmethod
    def joined(cls, parts: Iterable[Layers]) -> Layers:
        """Add up those of several blocks."""
        every = list(parts)
        cell, place = np.unique(np.concatenate([part.cell for part in every]), return_inverse=True)
        sums = (np.concatenate([getattr(part, c) for part in every]) for c in ("n_orders", "spend"))
        n_orders, spend = (np.bincount(place, weights=v).astype(float, copy=False) for v in sums)
        return cls(cell, n_orders, spend)


@dataclass(frozen=True, eq=False)
class Counts:
    """What is counted of a block of customers.

    `again`, `n_orders` and `spend` are by row of the table: members who acted at several ages, and what all did from
    their entry on. `last` counts by age those who acted for the last time at it, `never` those who did not act again, both
    of members observed as long and within that time; `n_lived` are these members.
    """

    grid: Grid
    again: Ints
    n_orders: Floats
    spend: Floats
    last: Ints
    never: int
    n_lived: int
    n_lines_without_cost: int | None
    layers: Layers | None

    @classmethod
    def joined(cls, parts: Iterable[Counts]) -> Counts:
        """Add up those of all blocks, which follow each other."""
        every = list(parts)
        without = [n for part in every if (n := part.n_lines_without_cost) is not None]
        layers = [part.layers for part in every if part.layers is not None]
        sums = {
            c: np.sum([getattr(part, c) for part in every], axis=0)
            for c in ("again", "n_orders", "spend", "last")
        }
        return cls(
            reduce(Grid.plus, (part.grid for part in every)),
            **sums,
            never=sum(part.never for part in every),
            n_lived=sum(part.n_lived for part in every),
            n_lines_without_cost=sum(without) if without else None,
            layers=Layers.joined(layers) if layers else None,
        )


@dataclass(frozen=True, eq=False)
class Counting:
    """How a block of customers is counted.

    `start` is the first day of an entry, `costs` what winning each customer cost.
    """

    options: Options
    clock: Clock
    shape: Shape
    start: int | None
    costs: Floats | None
    knows_all_costs: bool

    def over(self, cubes: Cubes) -> Counts:
        """Count all blocks."""
        least = DEEDS_PER_CELL * self.shape.rows.n * self.shape.windows.period.size
        return Counts.joined(part for part in cubes.each(self.counts, least=least) if part is not None)

    def counts(self, cube: Cube) -> Counts | None:
        """Count one block; None where nobody enters."""
        found = members.members(cube, self.clock, self.options.kind, self.start)
        if not found.customer.size:
            return None
        done = members.deeds(cube, found, self.clock)
        row = self.shape.rows.of_members(found, cube.before)
        table = Table(row, self.shape.rows.n, self.shape.windows, done)
        cost = None if self.costs is None else self.costs[found.customer + cube.before]
        sums = grid(self.options, self.shape, table, cost, knows_all_costs=self.knows_all_costs)
        return Counts(
            sums,
            *self._by_row(row, done),
            *self._losses(row, done),
            n_lines_without_cost=None
            if done.n_lines_without_cost is None
            else int(done.n_lines_without_cost.sum()),
            layers=self._layers(found.cohort, table, sums),
        )

    def listed(self, cubes: Cubes) -> pl.DataFrame:
        """List the customers of all blocks."""
        lists = Lists.of(self.shape, cubes.order())

        def of_block(cube: Cube) -> pl.DataFrame:
            found = members.members(cube, self.clock, self.options.kind, self.start)
            row = self.shape.rows.of_members(found, cube.before)
            return customers_table(cube, found, members.deeds(cube, found, self.clock), row, lists)

        return in_order_of_ids(pl.concat(cubes.each(of_block)))

    def _by_row(self, row: RowNumbers, done: Deeds) -> tuple[Ints, Floats, Floats]:
        n = self.shape.rows.n
        return (
            np.bincount(row[done.n_active > 1], minlength=n),
            np.bincount(row, weights=done.orders_of_member, minlength=n).astype(float),
            np.bincount(row, weights=done.spend_of_member, minlength=n).astype(float),
        )

    def _losses(self, row: RowNumbers, done: Deeds) -> tuple[Ints, int, int]:
        until = self.shape.longest
        lived = (self.shape.lived > until)[row]
        last = np.bincount(done.last_active(until)[lived], minlength=until + 1)[: until + 1]
        again, age = done.second_active()
        never = lived & (~again | (age > until))
        return last, int(never.sum()), int(lived.sum())

    def _layers(self, cohort: Ints, table: Table, sums: Grid) -> Layers | None:
        """Add up by cohort and age, by the calendar's clock and where customers enter once."""
        if self.clock.name != "calendar" or self.options.kind == "recurring":
            return None
        if self.shape.is_whole and self.shape.rows.group is None:
            return Layers.read_off(sums, table.deeds, self.shape)
        return Layers.of(cohort, table.done, self.shape.rows.low, self.shape.n_ages)
