"""The cube of customers and periods as arrays, and how it is counted from orders that come customer by customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from crm_analytics.aggregates.calendar_numbers import Calendar

Activity = Literal["purchases", "any"]
"""What makes a customer active: orders that net to more than nothing, or any line, refunds and free goods too."""

Numbers = npt.NDArray[Any]

_UNIX: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, eq=False)
class Cube:
    """The columns of `activity_cube` as arrays, sorted by customer and time.

    `customer` is the place of the customer in `ids`; `number` the cube's period, `day` the first day with an action (0
    without one). `cost` and `n_lines_without_cost` are None where the transactions have no cost.
    """

    ids: pl.Series
    customer: Numbers
    number: Numbers
    day: Numbers
    n_actions: Numbers
    n_orders: Numbers
    spend: Numbers
    cost: Numbers | None = None
    n_lines_without_cost: Numbers | None = None

    @classmethod
    def of(cls, cube: pl.DataFrame) -> Cube:
        """Give the customers of a cube sorted by customer their numbers."""
        runs = cube["customer_id"].rle().struct.unnest()
        customer = np.repeat(np.arange(runs.height), runs["len"].to_numpy())
        columns = {c: cube[c].fill_null(0).to_numpy() for c in cube.columns[1:]}
        return cls(runs["value"].alias("customer_id"), customer, **columns)

    @cached_property
    def starts(self) -> Numbers:
        """Where the rows of each customer begin."""
        return np.flatnonzero(begins(self.customer))


class CubeCells:
    """Counts orders into cells of customer and period, block by block; the whole of a customer lies in one block."""

    def __init__(self, day: Numbers, calendar: Calendar, activity: Activity) -> None:
        self.low = int(day.min()) if day.size else 0
        days = np.arange(self.low, int(day.max(initial=self.low)) + 1)
        self.period = calendar.numbers(days + _UNIX).astype(np.int32)
        self.activity = activity
        whole = ("customer", "number", "day", "n_actions", "n_orders")
        self.columns = {c: np.empty(day.size, np.int32) for c in whole} | {"spend": np.empty(day.size)}
        self.n = 0

    def add(self, customer: Numbers, day: Numbers, net: Numbers, buys: Numbers) -> None:
        """Count orders that lie customer by customer in order of days, given as days from 1970."""
        number = self.period[day - self.low]
        new = begins(customer, number)
        starts, cell = np.flatnonzero(new), np.cumsum(new) - 1
        n_orders = _counted(cell, starts, buys)
        first = day[starts] if buys.all() or self.activity == "any" else _first(cell, starts.size, day, buys)
        found = {
            "customer": customer[starts],
            "number": number[starts],
            "day": np.where(first == _NEVER, 0, first + _UNIX),
            "n_actions": n_orders if self.activity == "purchases" else np.diff(starts, append=day.size),
            "n_orders": n_orders,
            "spend": net if starts.size == day.size else np.bincount(cell, weights=net),
        }
        for name, values in found.items():
            self.columns[name][self.n : self.n + starts.size] = values
        self.n += starts.size

    def cube(self, ids: pl.Series) -> Cube:
        """Give what was counted."""
        return Cube(ids.alias("customer_id"), **{c: v[: self.n] for c, v in self.columns.items()})


_NEVER: Final = np.iinfo(np.int32).min


def begins(*columns: Numbers) -> npt.NDArray[np.bool_]:
    """Mark the rows in which any of some columns has another value than in the row before.

    >>> begins(np.array([1, 1, 1, 2]), np.array([5, 5, 6, 6])).tolist()
    [True, False, True, True]
    """
    new = np.zeros(columns[0].size, np.bool_)
    new[:1] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return new


def _counted(cell: Numbers, starts: Numbers, buys: Numbers) -> Numbers:
    if buys.all():
        return np.diff(starts, append=buys.size)
    return np.bincount(cell[buys], minlength=starts.size)


def _first(cell: Numbers, n: int, day: Numbers, buys: Numbers) -> Numbers:
    """Give the day of the first purchase in each cell, `_NEVER` where there is none."""
    first = np.full(n, _NEVER)
    first[cell[buys][::-1]] = day[buys][
        ::-1
    ]  # of several in one cell the last one written stays: the first day
    return first
