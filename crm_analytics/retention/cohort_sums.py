"""Sums by row of the table and column: orders, money, and what an interval around a mean needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_analytics.retention.cohort_clock import Ints
from crm_analytics.retention.cohort_counts import Windows
from crm_analytics.retention.cohort_members import Deeds, Floats
from crm_analytics.retention.cohort_options import Value
from crm_analytics.stats.intervals import z_value


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

    @property
    def value(self) -> Floats:
        """The ratio; NaN where there is nothing to divide by."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.y > 0, self.x / self.y, np.nan)

    def interval(self) -> tuple[Floats, Floats]:
        """Give the 95% interval: normal, from the spread between members (Cochran 1977, equation 2.46)."""
        ratio, n = self.value, self.n
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = np.maximum(self.xx - 2 * ratio * self.xy + ratio**2 * self.yy, 0)
            error = np.sqrt(squares * n / (n - 1)) / self.y
            half = np.where(n > 1, z_value(0.95) * error, np.nan)
        return ratio - half, ratio + half

    @property
    def _parts(self) -> tuple[Floats, ...]:
        return (self.n, self.x, self.y, self.xx, self.xy, self.yy)


@dataclass(frozen=True, eq=False)
class Table:
    """Where each deed falls: rows of the table by the member, columns by the window that holds its age."""

    row_of_member: Ints
    n_rows: int
    windows: Windows
    done: Deeds

    @cached_property
    def size(self) -> Ints:
        """Members per row."""
        return np.bincount(self.row_of_member, minlength=self.n_rows)

    def by_window(self, values: Any) -> Floats:  # noqa: ANN401 any numbers, one per deed
        """Add up what was done in the window of each column: at its own age, in a bracket at any of its ages."""
        kept, cell = self._in_windows
        return self._added(cell, values if kept is None else values[kept])

    def running(self, values: Any) -> Floats:  # noqa: ANN401 as above
        """Add up from entry to the end of each window."""
        if not self.windows.are_brackets:
            return np.cumsum(self.by_window(values), axis=1)
        n_ages = int(self.windows.ends.max()) + 1
        kept = self.done.age < n_ages
        cell = self.row_of_member[self.done.member[kept]] * n_ages + self.done.age[kept]
        sums: Floats = np.bincount(cell, weights=values[kept], minlength=self.n_rows * n_ages).astype(float)
        return np.cumsum(sums.reshape(self.n_rows, n_ages), axis=1)[:, self.windows.ends]

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

    def running_mean(self, values: Floats) -> Ratio:
        """Give the mean over members of what was done from entry to the end of each window."""
        x = self.running(values)
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
        totals, heads = np.cumsum(values), self.done.starts
        before = totals[heads] - values[heads]
        totals -= before[self.done.member]
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
        kept, cell = self._in_windows
        inside = slice(None) if kept is None else kept
        member = self.done.member[inside]
        heads = np.flatnonzero(
            np.concatenate([[True], (member[1:] != member[:-1]) | (cell[1:] != cell[:-1])])
        )
        a, b = (np.add.reduceat(v[inside], heads) for v in (one, other))
        return self._added(cell[heads], a * b)

    @cached_property
    def _in_windows(self) -> tuple[NDArray[np.bool_] | None, Ints]:
        """Give which deeds fall into a window (None: all), and the cell of those."""
        ends, age, n_columns = self.windows.ends, self.done.age, self.windows.period.size
        if self.windows.are_brackets:
            column = np.searchsorted(self.windows.period, age, side="right") - 1
            kept = age <= ends[column]
        else:
            column, kept = age, age < n_columns
        cell = np.multiply(self.row_of_member[self.done.member], n_columns, dtype=np.intp)
        cell += column
        return (None, cell) if kept.all() else (kept, cell[kept])

    def _added(self, cell: Ints, values: Any) -> Floats:  # noqa: ANN401 any numbers
        n_columns = self.windows.period.size
        found: Floats = np.bincount(cell, weights=values, minlength=self.n_rows * n_columns).astype(float)
        return found.reshape(self.n_rows, n_columns)
