"""The cube of customers and periods as arrays, a block of customers at a time, and how it is counted from orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, Final, Literal, TypeVar

import numpy as np
import polars as pl

from crm_analytics.aggregates.calendar_numbers import Calendar
from crm_analytics.aggregates.order_blocks import BLOCK_ROWS, Numbers, Orders, begins, in_threads
from crm_analytics.aggregates.row_files import Folder

Activity = Literal["purchases", "any"]
"""What makes a customer active: orders that net to more than nothing, or any line, refunds and free goods too."""

Found = TypeVar("Found")

_UNIX: Final = date(1970, 1, 1).toordinal()
_STORED_CELLS: Final = 1 << 18
"""At least so many rows of a cube lie in one file."""

_COLUMNS: Final = ("number", "day", "n_actions", "n_orders", "spend", "cost", "n_lines_without_cost")


@dataclass(frozen=True, eq=False)
class Cube:
    """The columns of `activity_cube` for a block of customers as arrays, sorted by customer and time.

    `names` gives the ids of the customers, of whom there are `n_customers`; `customer` is the place of the customer in
    them; `number` the cube's period, `day` the first day with an action (0 without one). `cost` and
    `n_lines_without_cost` are None where the transactions have no cost. `before` counts the customers of earlier blocks.
    """

    names: Callable[[], pl.Series]
    n_customers: int
    customer: Numbers
    number: Numbers
    day: Numbers
    n_actions: Numbers
    n_orders: Numbers
    spend: Numbers
    cost: Numbers | None = None
    n_lines_without_cost: Numbers | None = None
    before: int = 0

    @cached_property
    def ids(self) -> pl.Series:
        """The ids of the customers, which are made when they are asked for."""
        return self.names().alias("customer_id")

    @cached_property
    def starts(self) -> Numbers:
        """Where the rows of each customer begin."""
        return np.flatnonzero(begins(self.customer))

    @property
    def n_cells(self) -> int:
        """How many rows there are."""
        return int(self.customer.size)

    def held(self) -> Cube:
        """Give the cube itself, which is in memory."""
        return self

    def part(self, first: int, last: int) -> Cube:
        """Give the customers from `first` to before `last`."""
        low, high = (int(i) for i in np.searchsorted(self.customer, (first, last)))
        columns: dict[str, Any] = {
            c: None if (v := getattr(self, c)) is None else v[low:high] for c in _COLUMNS
        }
        customer = self.customer[low:high] - self.customer.dtype.type(first)
        ids = partial(_slice, self.ids, first, last)
        return Cube(ids, last - first, customer, **columns, before=self.before + first)


@dataclass(frozen=True, eq=False)
class StoredCube:
    """A block of customers that lies in files, of the name `stem` and in a folder that is there as long as this is."""

    folder: Folder
    stem: str
    n_cells: int
    n_customers: int
    before: int

    @classmethod
    def of(cls, cube: Cube, folder: Folder, stem: str, before: int) -> StoredCube:
        """Write a cube, with so many customers before it."""
        there = {c: v for c in ("customer", *_COLUMNS) if (v := getattr(cube, c)) is not None}
        pl.DataFrame(there).write_ipc(folder.path / f"{stem}.cells.arrow")
        oldest = (
            pl.CompatLevel.oldest()
        )  # only the ids themselves are written, not all that they were taken from
        cube.ids.to_frame().write_ipc(folder.path / f"{stem}.ids.arrow", compat_level=oldest)
        return cls(folder, stem, cube.n_cells, cube.n_customers, before)

    @property
    def ids(self) -> pl.Series:
        """The ids of the customers."""
        return self._read("ids").to_series()

    def held(self) -> Cube:
        """Read the cube."""
        cells = self._read("cells")
        columns: dict[str, Any] = {c: cells[c].to_numpy() for c in cells.columns}
        return Cube(lambda: self.ids, self.n_customers, **columns, before=self.before)

    def _read(self, what: str) -> pl.DataFrame:
        """Read a file, into memory that is free again afterwards."""
        return pl.read_ipc((self.folder.path / f"{self.stem}.{what}.arrow").read_bytes())


def joined(parts: Sequence[Cube]) -> Cube:
    """Put blocks that follow each other together."""
    if len(parts) == 1:
        return parts[0]
    shift = parts[0].before
    customer = np.concatenate(
        [part.customer + part.customer.dtype.type(part.before - shift) for part in parts]
    )
    columns: dict[str, Any] = {
        c: None if getattr(parts[0], c) is None else np.concatenate([getattr(part, c) for part in parts])
        for c in _COLUMNS
    }
    n_customers = sum(part.n_customers for part in parts)
    return Cube(partial(_ids, parts), n_customers, customer, **columns, before=shift)


def _ids(parts: Sequence[Cube | StoredCube]) -> pl.Series:
    return pl.concat([part.ids for part in parts])


def _slice(ids: pl.Series, first: int, last: int) -> pl.Series:
    return ids[first:last]


@dataclass(frozen=True, eq=False)
class Cubes:
    """The cube of all customers, block by block, in memory or in files.

    `in_order` says that customers stand in the order of their ids, block by block; `places` are their places in that
    order where they do not and the places are known.
    """

    parts: tuple[Cube | StoredCube, ...]
    in_order: bool = True
    places: Numbers | None = None

    @classmethod
    def of(cls, cube: pl.DataFrame) -> Cubes:
        """Give the customers of a cube sorted by customer their numbers, and divide them into blocks."""
        runs = cube["customer_id"].rle().struct.unnest()
        customer = np.repeat(np.arange(runs.height), runs["len"].to_numpy())
        columns: dict[str, Any] = {c: cube[c].fill_null(0).to_numpy() for c in cube.columns[1:]}
        whole = Cube(partial(runs.get_column, "value"), runs.height, customer, **columns)
        cuts = np.unique(np.append(customer[::BLOCK_ROWS], runs.height))
        return cls(tuple(whole.part(int(low), int(high)) for low, high in pairwise(cuts)))

    @property
    def ids(self) -> pl.Series:
        """The ids of all customers, block by block."""
        return _ids(self.parts)

    def each(self, work: Callable[[Cube], Found], *, least: int = 0) -> Iterator[Found]:
        """Do some work on each block in its turn, two at a time; blocks are put together to `least` rows."""
        return in_threads(lambda run: work(joined([part.held() for part in run])), list(self._runs(least)))

    def _runs(self, least: int) -> Iterator[tuple[Cube | StoredCube, ...]]:
        run: list[Cube | StoredCube] = []
        for part in self.parts:
            run.append(part)
            if sum(one.n_cells for one in run) >= least:
                yield tuple(run)
                run = []
        if run:
            yield tuple(run)

    @property
    def n_customers(self) -> int:
        """How many customers there are."""
        return sum(part.n_customers for part in self.parts)

    @classmethod
    def stored(cls, parts: Iterable[Cubes]) -> Cubes:
        """Write the cubes of parts of the customers to files, one after the other; in no order of ids."""
        folder, before = Folder(), 0
        found: list[StoredCube] = []
        for part in parts:
            for cube in part.each(lambda cube: cube, least=_STORED_CELLS):
                found.append(StoredCube.of(cube, folder, f"{len(found):06}", before))
                before += cube.n_customers
        return cls(tuple(found), in_order=False)

    def order(self) -> Numbers | None:
        """Give the place of each customer among all sorted by id; None where they stand in that order."""
        if self.in_order or self.places is not None:
            return self.places
        return self.ids.rank("ordinal").to_numpy().astype(np.int64) - 1


@dataclass(frozen=True, eq=False)
class Cells:
    """How orders are counted into cells of customer and period."""

    low: int
    period: Numbers
    activity: Activity

    @classmethod
    def of(cls, days: tuple[int, int], calendar: Calendar, activity: Activity) -> Cells:
        """Look the periods of all days up once; `days` are the first and the last, from 1970."""
        numbers = calendar.numbers(np.arange(days[0], days[1] + 1) + _UNIX)
        return cls(days[0], numbers.astype(np.int32), activity)

    def cube(self, orders: Orders, names: Callable[[], pl.Series], n_customers: int, before: int) -> Cube:
        """Count the orders of a block of customers, whose ids and number these are, with so many customers before them."""
        net = orders.net
        buys = orders.buys(net)
        every = bool(buys.all())
        number = self.period.take(orders.day - self.low)
        customer = orders.customer - np.int32(before)
        new = begins(customer, number)
        starts = np.flatnonzero(new)
        cell = None if starts.size == new.size else np.cumsum(new, dtype=np.int32) - np.int32(1)
        lines = np.diff(starts, append=new.size).astype(np.int32)
        n_orders = lines if every else _counted(cell, starts.size, buys)
        if every or self.activity == "any":
            days = orders.day[starts] + np.int32(_UNIX)
        else:
            days = _first(cell, starts.size, orders.day + np.int32(_UNIX), buys)
        return Cube(
            names,
            n_customers,
            customer[starts],
            number[starts],
            days,
            n_orders if self.activity == "purchases" else lines,
            n_orders,
            net if cell is None else np.bincount(cell, weights=net),
            before=before,
        )


def _counted(cell: Numbers | None, n: int, buys: Numbers) -> Numbers:
    found = buys if cell is None else np.bincount(cell[buys], minlength=n)
    return found.astype(np.int32)


def _first(cell: Numbers | None, n: int, day: Numbers, buys: Numbers) -> Numbers:
    """Give the day of the first purchase in each cell, 0 where there is none."""
    if cell is None:
        return np.where(buys, day, np.int32(0))
    first = np.zeros(n, np.int32)
    # of several in one cell the last one written stays: the first day
    first[cell[buys][::-1]] = day[buys][::-1]
    return first
