"""The orders of an extract, some customers at a time and on two processors.

Here the orders that `orders` defines are found by sorting numbers instead of grouping text, which is many times quicker
for rows in memory; the tests hold the two against each other. A block of customers is small enough to stay in a
processor's cache, so that nothing as long as the extract is made on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from crm_analytics.aggregates.orders import NEXT_TO_NOTHING
from crm_analytics.extracts.checking.keys import Keys, keyed
from crm_analytics.extracts.extract import Extract

Numbers = npt.NDArray[Any]
Item = TypeVar("Item")
Found = TypeVar("Found")

BLOCK_ROWS: Final = 1 << 16
"""Rows of a block: what is made of so many stays in the cache, in memory that is taken from the system once."""

_UNIX: Final = date(1970, 1, 1).toordinal()
_DAY: Final = 86_400_000_000  # microseconds


@dataclass(frozen=True, eq=False)
class Orders:
    """Orders of some customers, customer by customer and in order of their days.

    `customer` is the place of the customer in the order of `OrderRows.keys`, `day` counts from 1970, `paid` adds up what
    is positive, `back` what is negative, as a positive sum; it is None where nothing came back.
    """

    customer: Numbers
    day: Numbers
    paid: Numbers
    back: Numbers | None

    @property
    def net(self) -> Numbers:
        """The money of each order."""
        return self.paid if self.back is None else self.paid - self.back

    def buys(self, net: Numbers) -> npt.NDArray[np.bool_]:
        """Mark the orders that are purchases, by their `net`."""
        found: npt.NDArray[np.bool_] = net > NEXT_TO_NOTHING * self.paid
        return found


@dataclass(frozen=True, eq=False)
class OrderRows:
    """The rows of an extract of transactions before a day: when each was ordered, for how much, and the number of its order.

    `numbers` is None where an order is what a customer buys on one day; `until` is the first day that is not seen, from
    1970, and None where all are.
    """

    keys: Keys
    at: Numbers
    amount: Numbers
    numbers: Numbers | None
    until: int | None

    @classmethod
    def of(cls, extract: Extract, *, as_of: date | None) -> OrderRows:
        """Take the rows of an extract; the numbers of its customers are kept with it."""
        keys = extract.once("keys", lambda: keyed(_column(extract.frame)))
        return cls._taken(extract.frame, keys, as_of)

    @classmethod
    def taken(cls, frame: pl.LazyFrame, *, as_of: date | None) -> OrderRows:
        """Take some rows of an extract."""
        return cls._taken(frame, keyed(_column(frame)), as_of)

    @classmethod
    def _taken(cls, frame: pl.LazyFrame, keys: Keys, as_of: date | None) -> OrderRows:
        numbered = "order_id" in frame.collect_schema()
        at = pl.col("ordered_at").cast(pl.Datetime("us")).to_physical().alias("at")
        columns = [at, pl.col("amount"), *([_order_number()] if numbered else [])]
        rows = frame.select(columns).collect(engine="in-memory")  # as they lie there, in one piece
        until = None if as_of is None else as_of.toordinal() - _UNIX
        numbers = rows["number"].to_numpy() if numbered else None
        return cls(keys, rows["at"].to_numpy(), rows["amount"].to_numpy(), numbers, until)

    def days(self) -> tuple[int, int]:
        """Give the first and the last day of any row, from 1970."""
        if not self.at.size:
            return 0, 0
        return int(self.at.min() // _DAY), int(self.at.max() // _DAY)

    def bounds(self) -> list[tuple[int, int]]:
        """Give the first customer of each block and the one after its last, in the order of the keys."""
        starts = self.keys.starts
        cuts = np.searchsorted(starts, np.arange(0, starts[-1], BLOCK_ROWS))
        return [(int(a), int(b)) for a, b in pairwise(np.unique(np.append(cuts, starts.size - 1)))]

    def block(self, first: int, last: int) -> Orders:
        """Find the orders of the customers from `first` to before `last`."""
        starts = self.keys.starts[first : last + 1]
        places = self.keys.rows[starts[0] : starts[-1]]
        customer = np.repeat(np.arange(first, last, dtype=np.int32), np.diff(starts))
        day = (self.at.take(places) // _DAY).astype(np.int32)
        if self.until is not None and day.size and day.max() >= self.until:
            seen = day < self.until
            places, customer, day = places[seen], customer[seen], day[seen]
        if self.numbers is not None:
            return _by_number(self.numbers.take(places), customer, day, self.amount.take(places))
        order = _by_day(customer, day)
        if order is not None:
            day, places = day[order], places[order]
        amount = self.amount.take(places)
        new = begins(customer, day)
        if new.all():
            return Orders(customer, day, *_paid_and_back(amount, None))
        starts = np.flatnonzero(new)
        return Orders(customer[starts], day[starts], *_paid_and_back(amount, starts))


def with_numbers(extract: Extract) -> pl.LazyFrame:
    """Give the orders of an extract of transactions with numbers for the ids of customers: quicker to group by."""
    keys = extract.once("keys", lambda: keyed(_column(extract.frame)))
    columns = [c for c in ("ordered_at", "amount", "order_id") if c in extract.frame.collect_schema()]
    rows = extract.frame.select(columns).collect()
    return rows.lazy().with_columns(pl.Series("customer_id", keys.codes))


def in_threads(work: Callable[[Item], Found], items: Sequence[Item]) -> Iterator[Found]:
    """Do some work on each item, two at a time, and give what is found in the order of the items.

    numpy and polars leave the other processor free while they work.
    """
    if len(items) < 2:  # noqa: PLR2004 nothing to share out
        yield from map(work, items)
        return
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(work, items)


def begins(*columns: Numbers) -> npt.NDArray[np.bool_]:
    """Mark the rows in which any of some columns has another value than in the row before.

    >>> begins(np.array([1, 1, 1, 2]), np.array([5, 5, 6, 6])).tolist()
    [True, False, True, True]
    """
    new = np.empty(columns[0].size, np.bool_)
    new[:1] = True
    np.not_equal(columns[0][1:], columns[0][:-1], out=new[1:])
    for column in columns[1:]:
        new[1:] |= column[1:] != column[:-1]
    return new


def _column(frame: pl.LazyFrame) -> pl.Series:
    return frame.select("customer_id").collect().to_series()


def _order_number() -> pl.Expr:
    """Give a number to the order id of each row, or to its day where it has none; orders of one customer differ in it."""
    day = pl.col("ordered_at").dt.date().to_physical()
    number = pl.col("order_id").hash(0)
    found = pl.when(pl.col("order_id").is_null()).then(day.hash(1)).otherwise(number)
    return found.alias("number")


def _by_number(numbers: Numbers, customer: Numbers, day: Numbers, amount: Numbers) -> Orders:
    """Find the orders of rows that bear the number of theirs; an order lies on the first of its days."""
    order = _in_order(_ranks(customer), numbers)
    starts = np.flatnonzero(begins(customer, numbers[order]))
    if not starts.size:
        return Orders(customer, day, amount, None)
    paid, back = _paid_and_back(amount[order], starts)
    day, customer = np.minimum.reduceat(day[order], starts), customer[starts]
    by_day = _by_day(customer, day)
    if by_day is None:
        return Orders(customer, day, paid, back)
    return Orders(customer, day[by_day], paid[by_day], None if back is None else back[by_day])


def _by_day(customer: Numbers, day: Numbers) -> Numbers | None:
    """Give the order of rows by customer and day; None where they are in it, as most extracts are, in order of time."""
    back = np.flatnonzero(day[1:] < day[:-1])
    if not (customer[back] == customer[back + 1]).any():
        return None
    since = (day.astype(np.int64) - int(day.min())).astype(np.uint64)
    since <<= np.uint64(64 - int(since.max()).bit_length())  # what decides in the leading bits
    return _in_order(_ranks(customer), since)


def _ranks(customer: Numbers) -> Numbers:
    """Give each customer a number, from 0 on in the order in which they stand."""
    return np.cumsum(np.diff(customer, prepend=customer[:1]) != 0)


def _in_order(ranks: Numbers, values: Numbers) -> Numbers:
    """Give the order of the rows by rank and then by value: rank, value and row packed into one number and sorted."""
    if not len(ranks):
        return np.empty(0, np.int64)
    row_bits, rank_bits = max(len(ranks) - 1, 1).bit_length(), max(int(ranks[-1]), 1).bit_length()
    packed = ranks.astype(np.uint64) << np.uint64(64 - rank_bits)
    packed |= values >> np.uint64(rank_bits + row_bits) << np.uint64(row_bits)
    packed |= np.arange(len(ranks), dtype=np.uint64)
    packed.sort()
    order: Numbers = (packed & np.uint64((1 << row_bits) - 1)).view(np.int64)
    packed >>= np.uint64(row_bits)
    found = values[order]
    if bool(((packed[1:] == packed[:-1]) & (found[1:] != found[:-1])).any()):  # alike in the bits kept
        return np.lexsort((values, ranks))
    return order


def _paid_and_back(amount: Numbers, starts: Numbers | None) -> tuple[Numbers, Numbers | None]:
    """Add up what was paid and what came back, from each of `starts` to the next; None where nothing came back."""
    if not amount.size or amount.min() >= 0:
        return (amount if starts is None else np.add.reduceat(amount, starts)), None
    paid, back = np.maximum(amount, 0.0), np.maximum(-amount, 0.0)
    return (paid, back) if starts is None else (np.add.reduceat(paid, starts), np.add.reduceat(back, starts))
