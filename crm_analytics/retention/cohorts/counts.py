"""How many members of each cohort are active in each window of ages, by five criteria of being active."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from crm_analytics.retention.cohorts.clock import Ints

Criterion = Literal["on", "on_or_after", "on_or_before", "bracket", "streak"]
Bracket = tuple[int, int]


@dataclass(frozen=True)
class Windows:
    """The windows of ages that the columns of a cohort table look at, both ends counted.

    `period` is the age that names the column: the cell is begun when it is. `last` is where the window ends that must
    be over for the cell to be finished; of an open-ended "on or after" it is the first age, for its end never comes.
    """

    period: Ints
    first: Ints
    last: Ints
    are_brackets: bool = False

    @property
    def ends(self) -> Ints:
        """The last age whose money a column shows: its own, of a bracket its last."""
        return self.last if self.are_brackets else self.period

    @classmethod
    def of(
        cls, criterion: Criterion, n_ages: int, *, horizon: int | None, brackets: Sequence[Bracket] | None
    ) -> Windows:
        """Lay out the windows for ages 0 to `n_ages - 1`."""
        if criterion == "bracket":
            pairs = [(0, 0), *(b for b in brackets or () if b[0] < n_ages)]
            first = np.array([a for a, _ in pairs])
            return cls(first, first, np.array([b for _, b in pairs]), are_brackets=True)
        ages = np.arange(n_ages)
        if criterion == "on_or_after" and horizon is not None:
            return cls(ages, ages, ages + horizon - 1)
        if criterion in ("on_or_before", "streak"):
            return cls(ages, np.minimum(ages, 1), ages)
        return cls(ages, ages, ages)


def active_counts(
    criterion: Criterion,
    windows: Windows,
    row: Ints,
    n_rows: int,
    member: Ints,
    age: Ints,
    horizon: int | None,
) -> Ints:
    """Count active members: one row per cohort, one column per window.

    Parameters
    ----------
    criterion, windows, horizon
        What counts as active, and the windows it makes.
    row, n_rows
        The row of each member, and how many rows there are.
    member, age
        Each age at which a member was active, sorted by member and age, no age twice.
    """
    n_ages = windows.period.size
    if criterion == "bracket":
        return _in_brackets(windows, row, n_rows, member, age)
    if criterion == "on":
        return _on(row[member], age, n_rows, n_ages)
    if criterion == "on_or_after":
        return _on_or_after(row[member], member, age, n_rows, n_ages, horizon)
    if criterion == "on_or_before":
        return _on_or_before(row, n_rows, member, age, n_ages)
    return _streaks(row, n_rows, member, age, n_ages)


def _table(row: Ints, column: Ints, n_rows: int, n_columns: int) -> Ints:
    cell = np.multiply(row, n_columns, dtype=np.intp)
    cell += column
    return np.bincount(cell, minlength=n_rows * n_columns).reshape(n_rows, n_columns)


def _on(at: Ints, age: Ints, n_rows: int, n_ages: int) -> Ints:
    kept = age < n_ages
    return _table(at, age, n_rows, n_ages) if kept.all() else _table(at[kept], age[kept], n_rows, n_ages)


def _in_brackets(windows: Windows, row: Ints, n_rows: int, member: Ints, age: Ints) -> Ints:
    columns = []
    for first, last in zip(windows.first, windows.last, strict=True):
        inside = np.bincount(member, weights=(age >= first) & (age <= last), minlength=row.size) > 0
        columns.append(np.bincount(row[inside], minlength=n_rows))
    return np.stack(columns, axis=1)


def _on_or_after(at: Ints, member: Ints, age: Ints, n_rows: int, n_ages: int, horizon: int | None) -> Ints:
    """Count a member at every age that sees an action in its window; an action serves the ages before it."""
    same = np.zeros(member.size, bool)
    same[1:] = member[1:] == member[:-1]
    since = np.where(
        same, np.concatenate([[0], age[:-1]]) + 1, 0
    )  # ages that an earlier action serves already
    begin = since if horizon is None else np.maximum(since, age - horizon + 1)
    end = np.minimum(age + 1, n_ages)
    begin = np.minimum(begin, end)
    change = _table(at, begin, n_rows, n_ages + 1) - _table(at, end, n_rows, n_ages + 1)
    return np.cumsum(change, axis=1)[:, :-1]


def _on_or_before(row: Ints, n_rows: int, member: Ints, age: Ints, n_ages: int) -> Ints:
    back = age > 0
    first = np.ones(int(back.sum()), bool)
    first[1:] = np.diff(member[back]) > 0
    who, when = member[back][first], age[back][first]
    seen = when < n_ages
    counts = np.cumsum(_table(row[who[seen]], when[seen], n_rows, n_ages), axis=1)
    counts[:, 0] = np.bincount(row, minlength=n_rows)
    return counts


def _streaks(row: Ints, n_rows: int, member: Ints, age: Ints, n_ages: int) -> Ints:
    """Count members whose every age from the entry on is active: their n-th action is at age n."""
    starts = np.searchsorted(member, np.arange(row.size))
    nth = np.arange(member.size) - starts[member]
    unbroken = (age == nth) & (age < n_ages)
    return _table(row[member[unbroken]], age[unbroken], n_rows, n_ages)
