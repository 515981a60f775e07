"""The orders of rows without order ids, a block of customers at a time: what one customer buys on one day is one order.

A block is small enough to stay in the processor's cache, so that nothing as long as the extract is made on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.keys import Keys, keyed

_Numbers = npt.NDArray[Any]

BLOCK_ROWS: Final = 16_384
"""Rows of a block: what is made of so many stays in the cache, in memory that is taken from the system once."""

_DAYS: Final = 1 << 22
"""More than there are days between the years 1 and 9999."""


@dataclass(frozen=True, eq=False)
class Days:
    """Customers' days with rows, in order of customer and day.

    `customer` is the place among the ids, `day` counts from 1970, `paid` adds up what is positive, `back` what is
    negative, as a positive sum; it is None where nothing came back.
    """

    customer: _Numbers
    day: _Numbers
    paid: _Numbers
    back: _Numbers | None


@dataclass(frozen=True, eq=False)
class CustomerDays:
    """The rows of an extract before a day, to be gone through customer by customer in the order of their ids.

    `day` (from 1970) and `amount` are those of all rows; `until` the first day that is not seen.
    """

    keys: Keys
    day: _Numbers
    amount: _Numbers
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
        cuts = np.unique(np.searchsorted(ends, np.arange(0, self.day.size, BLOCK_ROWS), side="right"))
        for low, high in zip(cuts, [*cuts[1:], places.size], strict=True):
            found = self._block(int(low), n[low:high], first[low:high])
            if found is not None:
                yield found

    def _block(self, customer: int, n: _Numbers, first: _Numbers) -> Days | None:
        before = np.cumsum(n) - n
        rows = self.keys.rows[np.repeat(first - before, n) + np.arange(int(n.sum()))]
        day, amount = self.day[rows], self.amount[rows]
        key = np.repeat(np.arange(customer, customer + n.size) * _DAYS, n) + day
        seen = day < self.until
        if not seen.all():
            key, day, amount = key[seen], day[seen], amount[seen]
        if not day.size:
            return None
        steps = np.diff(key)
        if (steps < 0).any():  # most extracts are in order of time as they come
            order = np.argsort(key, kind="stable")
            key, day, amount = key[order], day[order], amount[order]
            steps = np.diff(key)
        return _by_day(key, day, amount, steps)


def _by_day(key: _Numbers, day: _Numbers, amount: _Numbers, steps: _Numbers) -> Days:
    """Add up the rows of each customer and day."""
    back = np.maximum(-amount, 0.0) if amount.min() < 0 else None
    paid = amount if back is None else np.maximum(amount, 0.0)
    new = np.concatenate(([True], steps > 0))
    if not new.all():
        starts, place = np.flatnonzero(new), np.cumsum(new) - 1
        key, day = key[starts], day[starts]
        paid = np.bincount(place, weights=paid)
        back = None if back is None else np.bincount(place, weights=back)
    return Days((key - day) // _DAYS, day, paid, back)


def _column(extract: Extract, name: str) -> pl.Series:
    return extract.frame.select(name).collect(engine="streaming").to_series()
