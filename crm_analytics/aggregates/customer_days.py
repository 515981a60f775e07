"""The orders of rows without order ids, a block of customers at a time: what one customer buys on one day is one order.

A block is small enough to stay in the processor's cache, so that nothing as long as the extract is made on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.cube_cells import Numbers, begins
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.keys import Keys, keyed

BLOCK_ROWS: Final = 16_384
"""Rows of a block: what is made of so many stays in the cache, in memory that is taken from the system once."""


@dataclass(frozen=True, eq=False)
class Days:
    """Customers' days with rows, in order of customer and day.

    `customer` is the place among the ids, `day` counts from 1970, `paid` adds up what is positive, `back` what is
    negative, as a positive sum; it is None where nothing came back.
    """

    customer: Numbers
    day: Numbers
    paid: Numbers
    back: Numbers | None


@dataclass(frozen=True, eq=False)
class CustomerDays:
    """The rows of an extract before a day, to be gone through customer by customer in the order of their ids.

    `day` (from 1970) and `amount` are those of all rows; `until` the first day that is not seen.
    """

    keys: Keys
    day: Numbers
    amount: Numbers
    until: int

    @classmethod
    def of(cls, extract: Extract, *, as_of: date) -> CustomerDays:
        """Take the rows of an extract of transactions; the numbers of its customers are kept with it."""
        columns = [pl.col("ordered_at").dt.date().to_physical().alias("day"), "amount"]
        keys = extract.once("keys", lambda: keyed(_column(extract, "customer_id")))
        rows = extract.frame.select(columns).collect(engine="streaming")
        until = as_of.toordinal() - date(1970, 1, 1).toordinal()
        return cls(keys, rows["day"].to_numpy(), rows["amount"].to_numpy(), until)

    def blocks(self) -> Iterator[Days]:
        """Give the customers' days, block by block."""
        places = np.empty_like(self.keys.order)
        places[self.keys.order] = np.arange(places.size)
        n = np.diff(self.keys.starts)[places]
        first = self.keys.starts[places]
        ends = np.cumsum(n)
        cuts = np.searchsorted(ends, np.arange(0, self.day.size, BLOCK_ROWS), side="right")
        late = bool(self.day.size) and self.day.max() >= self.until
        for low, high in pairwise(np.unique(np.append(cuts, places.size))):
            rows = self._rows(int(low), n[low:high], first[low:high])
            rows = tuple(c[rows[1] < self.until] for c in rows) if late else rows
            if rows[0].size:
                yield _by_day(*_in_order(*rows))

    def _rows(self, low: int, n: Numbers, first: Numbers) -> tuple[Numbers, ...]:
        """Give customer, day and amount of the rows of customers from `low` on."""
        places = np.repeat(first - np.cumsum(n) + n, n)
        places += np.arange(places.size)
        rows = self.keys.rows[places]
        customer = np.repeat(np.arange(low, low + n.size, dtype=np.int32), n)
        return customer, self.day[rows], self.amount[rows]


def _in_order(customer: Numbers, day: Numbers, amount: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Put the rows of each customer into the order of their days; most extracts are in order of time as they come."""
    if not ((day[1:] < day[:-1]) & (customer[1:] == customer[:-1])).any():
        return customer, day, amount
    order = np.lexsort((day, customer))
    return customer, day[order], amount[order]


def _by_day(customer: Numbers, day: Numbers, amount: Numbers) -> Days:
    """Add up the rows of each customer and day."""
    back = np.maximum(-amount, 0.0) if amount.min() < 0 else None
    paid = amount if back is None else np.maximum(amount, 0.0)
    new = begins(customer, day)
    if not new.all():
        starts, place = np.flatnonzero(new), np.cumsum(new) - 1
        customer, day = customer[starts], day[starts]
        paid = np.bincount(place, weights=paid)
        back = None if back is None else np.bincount(place, weights=back)
    return Days(customer, day, paid, back)


def _column(extract: Extract, name: str) -> pl.Series:
    return extract.frame.select(name).collect(engine="streaming").to_series()
