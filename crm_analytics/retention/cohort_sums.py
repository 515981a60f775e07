"""Sums by row of the table and column: orders, money, and what an interval around a mean needs."""

from __future__ import annotations

from dataclasses import dataclass
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

    @property
    def size(self) -> Ints:
        """Members per row."""
        return np.bincount(self.row_of_member, minlength=self.n_rows)

    def by_window(self, values: Any) -> Floats:  # noqa: ANN401 any numbers, one per deed
        """Add up what was done in the window of each column: at its own age, in a bracket at any of its ages."""
        columns = self._columns()
        kept = columns >= 0
        return self._cells(self.done.member[kept], columns[kept], values[kept], self.windows.period.size)

    def running(self, values: Any) -> Floats:  # noqa: ANN401 as above
        """Add up from entry to the end of each window."""
        n_ages = int(self.windows.ends.max()) + 1
        kept = self.done.age < n_ages
        sums = self._cells(self.done.member[kept], self.done.age[kept], values[kept], n_ages)
        return np.cumsum(sums, axis=1)[:, self.windows.ends]

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
        total = self.running_of_member(values)
        return total**2 - (total - values) ** 2

    def running_of_member(self, values: Floats) -> Floats:
        """Give each member's total up to and with each deed."""
        member = self.done.member
        all_sums = np.cumsum(values)
        heads = np.flatnonzero(np.concatenate([[True], member[1:] != member[:-1]]))
        before = all_sums[heads] - values[heads]
        return all_sums - np.repeat(before, np.diff([*heads, member.size]))

    @property
    def _members(self) -> Floats:
        shape = (self.n_rows, self.windows.period.size)
        return np.broadcast_to(self.size[:, None].astype(float), shape)

    def _square_sums(self, one: Floats, other: Floats) -> Floats:
        """Add up products of the members' sums in the windows."""
        columns = self._columns()
        kept = columns >= 0
        member, column = self.done.member[kept], columns[kept]
        heads = np.flatnonzero(
            np.concatenate([[True], (member[1:] != member[:-1]) | (column[1:] != column[:-1])])
        )
        a, b = (np.add.reduceat(v[kept], heads) for v in (one, other))
        return self._cells(member[heads], column[heads], a * b, self.windows.period.size)

    def _columns(self) -> Ints:
        """Give the column of each deed; -1 where no window holds its age."""
        column = np.searchsorted(self.windows.period, self.done.age, side="right") - 1
        return np.where(self.done.age <= self.windows.ends[column], column, -1)

    def _cells(self, member: Ints, column: Ints, values: Any, n_columns: int) -> Floats:  # noqa: ANN401 as above
        cell = self.row_of_member[member] * n_columns + column
        found: Floats = np.bincount(cell, weights=values, minlength=self.n_rows * n_columns).astype(float)
        return found.reshape(self.n_rows, n_columns)
