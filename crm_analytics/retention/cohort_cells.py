"""The cells of a cohort table: counts, rates with intervals and money by cohort and window of ages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.retention.cohort_clock import Clock, Ints
from crm_analytics.retention.cohort_counts import Criterion, Windows, active_counts
from crm_analytics.retention.cohort_members import Deeds, Floats, Members
from crm_analytics.stats.intervals import wilson, z_value

MONEY_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of the table: the cohort (number of its period) and the group of each, and the row of each member."""

    cohort: Ints
    group: pl.Series | None
    of_member: Ints

    @property
    def n(self) -> int:
        """How many rows there are."""
        return int(self.cohort.size)


def rows_of(found: Members, groups: pl.Series | None = None) -> Rows:
    """Number the rows of the table, group by group and cohort by cohort; `groups` says the group of each member."""
    keys = pl.DataFrame(
        {"cohort": found.cohort} if groups is None else {"group": groups, "cohort": found.cohort}
    )
    unique = keys.unique().sort(keys.columns)
    placed = keys.join(
        unique.with_row_index("row"), on=keys.columns, how="left", nulls_equal=True, maintain_order="left"
    )
    return Rows(
        unique["cohort"].to_numpy(),
        None if groups is None else unique["group"],
        placed["row"].cast(pl.Int64).to_numpy(),
    )


@dataclass(frozen=True, eq=False)
class Grid:
    """Everything that is counted, one row per row of the table and one column per window of ages.

    `shown` marks windows that have begun, `finished` those that every member has lived through.
    """

    rows: Rows
    windows: Windows
    size: Ints
    active: Ints
    shown: NDArray[np.bool_]
    finished: NDArray[np.bool_]
    returned: Ints
    n_orders: Ints
    spend: Floats
    margin: Floats | None
    cumulative: Floats
    cumulative_squares: Floats
    cumulative_margin: Floats | None


def grid(
    criterion: Criterion,
    clock: Clock,
    rows: Rows,
    done: Deeds,
    *,
    n_ages: int,
    windows: Windows,
    horizon: int | None,
) -> Grid:
    """Count everything at once."""
    member, age = done.active
    sums = Sums(rows, done, n_ages)
    begun, finished = clock.begun(rows.cohort)[:, None], clock.finished(rows.cohort)[:, None]
    margin = sums.margin
    return Grid(
        rows=rows,
        windows=windows,
        size=np.bincount(rows.of_member, minlength=rows.n),
        active=active_counts(criterion, windows, rows.of_member, rows.n, member, age, horizon),
        shown=windows.period < begun,
        finished=windows.last < finished,
        returned=sums.returned,
        n_orders=_in_windows(sums.n_orders, windows, criterion),
        spend=_in_windows(sums.spend, windows, criterion),
        margin=None if margin is None else _in_windows(margin, windows, criterion),
        cumulative=_up_to(sums.spend, windows),
        cumulative_squares=_up_to(sums.squares, windows),
        cumulative_margin=None if margin is None else _up_to(margin, windows),
    )


class Sums:
    """Sums by row and age."""

    def __init__(self, rows: Rows, done: Deeds, n_ages: int) -> None:
        self._done, self._shape = done, (rows.n, n_ages)
        self._kept = done.age < n_ages
        self._cell = (rows.of_member[done.member] * n_ages + done.age)[self._kept]

    def of(self, values: Any) -> Floats:  # noqa: ANN401 an array of any numbers
        """Add up one value per deed."""
        n_rows, n_ages = self._shape
        found = np.bincount(self._cell, weights=values[self._kept], minlength=n_rows * n_ages)
        return found.reshape(self._shape)

    @property
    def spend(self) -> Floats:
        """Money, net of refunds."""
        return self.of(self._done.spend)

    @property
    def n_orders(self) -> Ints:
        """Orders."""
        return self.of(self._done.n_orders).astype(np.int64)

    @property
    def returned(self) -> Ints:
        """Members who came again: at a later age at all, at age 0 beside the entry."""
        again = self._done.n_actions > (self._done.age == 0)
        return self.of(again).astype(np.int64)

    @property
    def margin(self) -> Floats | None:
        """Spend less cost; unknown (NaN) where the cost of any line is."""
        done = self._done
        if done.cost is None or done.n_lines_without_cost is None:
            return None
        return np.where(self.of(done.n_lines_without_cost) > 0, np.nan, self.of(done.spend - done.cost))

    @property
    def squares(self) -> Floats:
        """By how much each age adds to the sum of squared cumulative spend, for the spread between members."""
        done = self._done
        running = np.cumsum(done.spend)
        heads = np.flatnonzero(np.concatenate([[True], done.member[1:] != done.member[:-1]]))
        before = np.repeat(running[heads] - done.spend[heads], np.diff([*heads, done.member.size]))
        total = running - before
        return self.of(total**2 - (total - done.spend) ** 2)


def _in_windows(sums: Any, windows: Windows, criterion: Criterion) -> Any:  # noqa: ANN401 arrays of any numbers
    """Add up over the window of a bracket; other criteria show the money of the age itself."""
    if criterion != "bracket":
        return sums
    ends = np.minimum(windows.last, sums.shape[1] - 1)
    running = np.concatenate([np.zeros((sums.shape[0], 1), sums.dtype), np.cumsum(sums, axis=1)], axis=1)
    return running[:, ends + 1] - running[:, windows.first]


def _up_to(sums: Floats, windows: Windows) -> Floats:
    return np.cumsum(sums, axis=1)[:, np.minimum(windows.last, sums.shape[1] - 1)]


def cells(found: Grid, clock: Clock, *, least: int) -> pl.DataFrame:
    """Give the grid as a tidy table; cells of fewer than `least` customers show their size and nothing else."""
    row, column = np.nonzero(found.shown)
    size, active = found.size[row], found.active[row, column]
    lower, upper = wilson(active, size)
    table = pl.DataFrame(
        {
            **({} if found.rows.group is None else {"group": found.rows.group.gather(row)}),
            "cohort_on": _days(found.rows.cohort[row], clock),
            "period": found.windows.period[column],
            "period_from": found.windows.first[column],
            "period_to": found.windows.last[column],
            "n_customers": size,
            "n_active": active,
            "retention_rate": active / size,
            "retention_rate_lower": lower,
            "retention_rate_upper": upper,
            "is_complete": found.finished[row, column],
            "is_suppressed": size < least,
            **_money(found, row, column),
        }
    )
    hidden = [c for c in table.columns if c not in _ALWAYS]
    return table.with_columns(pl.when(~pl.col("is_suppressed")).then(pl.col(hidden)))


_ALWAYS = (
    "group",
    "cohort_on",
    "period",
    "period_from",
    "period_to",
    "n_customers",
    "is_complete",
    "is_suppressed",
)


def _money(found: Grid, row: Ints, column: Ints) -> dict[str, Any]:
    """Lay out what is counted beside the rates; what is not known is empty."""
    size, spend, n_orders = found.size[row], found.spend[row, column], found.n_orders[row, column]
    total = found.cumulative[row, column]
    half = _half_width(found.cumulative_squares[row, column], total, size)
    per_customer = total / size
    money: dict[str, Any] = {
        "n_returned": found.returned[row, found.windows.period[column]],
        "n_orders": n_orders,
        "spend": spend.round(MONEY_DECIMALS),
        "spend_per_order": _over(spend, n_orders),
        "spend_per_customer": (spend / size).round(MONEY_DECIMALS),
        "cumulative_spend": total.round(MONEY_DECIMALS),
        "cumulative_spend_per_customer": per_customer.round(MONEY_DECIMALS),
        "cumulative_spend_per_customer_lower": _known(per_customer - half),
        "cumulative_spend_per_customer_upper": _known(per_customer + half),
    }
    if found.margin is not None and found.cumulative_margin is not None:
        money["margin"] = _known(found.margin[row, column])
        money["cumulative_margin"] = _known(found.cumulative_margin[row, column])
        money["cumulative_margin_per_customer"] = _known(found.cumulative_margin[row, column] / size)
    return money


def _half_width(squares: Floats, total: Floats, n: Ints) -> Floats:
    """Give half the 95% interval of a mean over members; unknown for one member."""
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(squares - total**2 / n, 0) / (n - 1)
        return np.where(n > 1, z_value(0.95) * np.sqrt(variance / n), np.nan)


def _known(values: Floats) -> pl.Series:
    return pl.Series(values.round(MONEY_DECIMALS)).fill_nan(None)


def _over(money: Floats, n: Ints) -> pl.Series:
    return pl.Series(np.where(n > 0, money / np.maximum(n, 1), np.nan).round(MONEY_DECIMALS)).fill_nan(None)


def _days(cohorts: Ints, clock: Clock) -> pl.Series:
    starts = {int(c): clock.calendar.first_day(int(c)) for c in np.unique(cohorts)}
    return pl.Series(cohorts).replace_strict(starts, return_dtype=pl.Date)
