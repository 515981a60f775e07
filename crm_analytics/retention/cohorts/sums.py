"""Sums by row of the table and column: orders, money, and what an interval around a mean needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from crm_analytics.aggregates.order_blocks import begins
from crm_analytics.retention.cohorts.clock import Ints
from crm_analytics.retention.cohorts.counts import Windows
from crm_analytics.retention.cohorts.members import Deeds, Floats
from crm_analytics.retention.cohorts.options import Value
from crm_analytics.stats.intervals import z_value

_BY_T: Final = stdtrit(np.arange(1, 1000), 0.975)
"""Student's quantiles for 2 to 1,000 members; of more the normal one, from which they no longer differ."""


def _reach(n: Floats) -> Floats:
    """Give how many standard errors a 95% interval reaches, by the number of members."""
    few = n <= _BY_T.size + 1
    place = np.clip(np.where(few, n, 2) - 2, 0, None).astype(np.int64)
    return np.where(few, _BY_T[place], z_value(0.95))


@dataclass(frozen=True, eq=False)
class Ratio:
    """Sums over members from which a ratio `x / y` and its interval follow; they add up over cells.

    A mean over members is the ratio whose `y` is 1 for each.
    """

    n: Floats
    x: Floats
    y: Floats
    xx: Floats
    xy: Floats
    yy: Floats

    def added(self, weights: Floats, where: NDArray[np.bool_]) -> Ratio:
        """Add up over rows: `weights` has a row per sum and a column per row of the table."""
        return Ratio(*(weights @ np.where(where, a, 0.0) for a in self._parts))

    def plus(self, other: Ratio) -> Ratio:
        """Add the sums over other members."""
        return Ratio(*(a + b for a, b in zip(self._parts, other._parts, strict=True)))

    @property
    def value(self) -> Floats:
        """The ratio; NaN where there is nothing to divide by."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.y > 0, self.x / self.y, np.nan)

    def interval(self) -> tuple[Floats, Floats]:
        """Give the 95% interval from the spread between members (Cochran 1977, equation 2.46), by Student's t.

        There is none for one member, nor where members do not differ, which tells nothing of how others would.
        """
        ratio, n = self.value, self.n
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = np.maximum(self.xx - 2 * ratio * self.xy + ratio**2 * self.yy, 0)
            error = np.sqrt(squares * n / (n - 1)) / self.y
            half = np.where((n > 1) & (error > 0), _reach(n) * error, np.nan)
        return ratio - half, ratio + half

    @property
    def _parts(self) -> tuple[Floats, ...]:
        return (self.n, self.x, self.y, self.xx, self.xy, self.yy)


@dataclass(frozen=True, eq=False)
class Table:
    """Where each deed falls: rows of the table by the member, columns by the window that holds its age."""

    row_of_member: NDArray[np.signedinteger[Any]]
    n_rows: int
    windows: Windows
    done: Deeds

    @cached_property
    def size(self) -> Ints:
        """Members per row."""
        return np.bincount(self.row_of_member, minlength=self.n_rows)

    def by_window(self, values: NDArray[Any] | None) -> Floats:
        """Add up what was done in the window of each column: at its own age, in a bracket at any of its ages.

        Without values the deeds are counted.
        """
        return self._added(self._cell, self.windows.period.size, values)

    @cached_property
    def deeds(self) -> Ints:
        """Deeds in the window of each column."""
        return self.by_window(None).astype(np.int64)

    @cached_property
    def active(self) -> Ints:
        """Members who acted, each in the column of the age."""
        acted = self.done.n_actions > 0
        return self.deeds if acted.all() else self.by_window(acted).astype(np.int64)

    def running(self, values: NDArray[Any]) -> Floats:
        """Add up from entry to the end of each window."""
        if not self.windows.are_brackets:
            return np.cumsum(self.by_window(values), axis=1)
        n_ages = int(self.windows.ends.max()) + 1
        cell = self._cell_of(self.done.age, self.done.age < n_ages, n_ages)
        return np.cumsum(self._added(cell, n_ages, values), axis=1)[:, self.windows.ends]

    def ratio(self, value: Value, money: Floats | None) -> Ratio | None:
        """Give the sums behind what `value` asks for, all but customers and payback; None where a cost is lacking."""
        if value in ("customers", "payback") or money is None:
            return None
        orders = self.done.n_orders.astype(float)
        if value == "cumulative":
            return self.running_mean(money)
        if value != "average_order":
            return self.mean(orders if value == "orders" else money)
        return Ratio(
            n=self._members,
            x=self.by_window(money),
            y=self.by_window(orders),
            xx=self._square_sums(money, money),
            xy=self._square_sums(money, orders),
            yy=self._square_sums(orders, orders),
        )

    def mean(self, values: Floats) -> Ratio:
        """Give the mean over members of what was done in each window."""
        x = self.by_window(values)
        return Ratio(self._members, x, self._members, self._square_sums(values, values), x, self._members)

    def running_mean(self, values: Floats, by_window: Floats | None = None) -> Ratio:
        """Give the mean over members of what was done from entry to the end of each window.

        `by_window` are the sums in the windows, where they are known.
        """
        if by_window is None or self.windows.are_brackets:
            x = self.running(values)
        else:
            x = np.cumsum(by_window, axis=1)
        return Ratio(
            self._members, x, self._members, self.running(self.squared_steps(values)), x, self._members
        )

    def payback(self, money: Floats, cost: Floats) -> Ratio:
        """Give cumulative money over acquisition cost; `cost` is that of each member, NaN where it is not known."""
        known = np.isfinite(cost)
        paid = np.where(known, cost, 0.0)
        earned = np.where(known[self.done.member], money, 0.0)
        weight = paid[self.done.member]
        shape = (self.n_rows, self.windows.period.size)

        def per_row(values: Floats) -> Floats:
            sums = np.bincount(self.row_of_member, weights=values, minlength=self.n_rows)
            return np.broadcast_to(sums[:, None], shape)

        return Ratio(
            n=per_row(known.astype(float)),
            x=self.running(earned),
            y=per_row(paid),
            xx=self.running(self.squared_steps(earned)),
            xy=self.running(earned * weight),
            yy=per_row(paid**2),
        )

    def squared_steps(self, values: Floats) -> Floats:
        """Say by how much each deed raises the square of the member's running total."""
        heads = self.done.starts
        totals = np.cumsum(values)
        totals -= np.repeat(totals[heads] - values[heads], np.diff(heads, append=values.size))
        totals *= 2
        totals -= values
        totals *= values
        return totals

    @property
    def _members(self) -> Floats:
        shape = (self.n_rows, self.windows.period.size)
        return np.broadcast_to(self.size[:, None].astype(float), shape)

    def _square_sums(self, one: Floats, other: Floats) -> Floats:
        """Add up products of the members' sums in the windows."""
        if not self.windows.are_brackets:
            return self.by_window(one * other)
        heads = np.flatnonzero(begins(self.done.member, self._cell))
        a, b = (np.add.reduceat(v, heads) for v in (one, other))
        n_columns = self.windows.period.size
        sums = np.bincount(self._cell[heads], weights=a * b, minlength=self.n_rows * n_columns + 1)
        return sums[:-1].astype(float).reshape(self.n_rows, n_columns)

    @cached_property
    def _cell(self) -> Ints:
        """Give the cell of each deed."""
        age = self.done.age
        if not self.windows.are_brackets:
            return self._cell_of(age, age < self.windows.period.size, self.windows.period.size)
        column = np.searchsorted(self.windows.period, age, side="right") - 1
        return self._cell_of(column, age <= self.windows.ends[column], self.windows.period.size)

    def _cell_of(self, column: Ints, inside: NDArray[np.bool_], n_columns: int) -> Ints:
        """Give the number of each deed's cell, row by row; deeds outside all of them get one after the last."""
        cell = (self.row_of_member * np.intp(n_columns)).take(self.done.member)
        cell += column
        if not inside.all():
            cell[~inside] = self.n_rows * n_columns
        return cell

    def _added(self, cell: Ints, n_columns: int, values: NDArray[Any] | None) -> Floats:
        n_cells = self.n_rows * n_columns
        sums = np.bincount(cell, weights=values, minlength=n_cells + 1)[:-1]
        return sums.astype(float, copy=False).reshape(self.n_rows, n_columns)
