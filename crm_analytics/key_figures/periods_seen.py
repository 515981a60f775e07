"""What the overview sees: customers' parts by period, which periods are complete, and which are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

import polars as pl

from crm_analytics import formats
from crm_analytics.aggregates.coverage import covered_from
from crm_analytics.aggregates.customers import customer_summary
from crm_analytics.aggregates.periods import complete_periods, customer_periods, period_start, shift
from crm_analytics.aggregates.window import Window
from crm_analytics.errors import NotEnoughDataError
from crm_analytics.extracts.extract import Extract
from crm_analytics.key_figures.period_figures import (
    PARTS,
    Figure,
    Floats,
    by_period,
    customer_parts,
    figures_of,
)

OverviewPeriod = Literal["month", "quarter", "year"]

SLACK_DAYS: Final[Mapping[OverviewPeriod, int]] = {"month": 3, "quarter": 7, "year": 7}
"""How late into its first period an extract may begin and still cover it: the first days may have had no order."""


@dataclass(frozen=True)
class Compared:
    """The period under report, the one before it and the same one a year earlier, by their first days."""

    period: OverviewPeriod
    now: date
    before: date
    last_year: date

    @classmethod
    def ending(cls, now: date, period: OverviewPeriod) -> Compared:
        """Give the three periods for the one that begins on `now`.

        >>> Compared.ending(date(2026, 1, 1), "quarter").before
        datetime.date(2025, 10, 1)
        """
        return cls(period, now, shift(now, -1, period), shift(now, -1, "year"))

    @property
    def days(self) -> tuple[date, date, date]:
        """First days of the three, the one under report first."""
        return self.now, self.before, self.last_year

    def longer_than(self, i: int) -> float:
        """Say by how much the period is longer than the i-th of the three, as a share of it.

        >>> round(Compared.ending(date(2026, 3, 1), "month").longer_than(1), 4)  # March after February
        0.1071
        """
        n_days, n_before = ((shift(day, 1, self.period) - day).days for day in (self.now, self.days[i]))
        return n_days / n_before - 1


@dataclass(frozen=True, eq=False)
class Seen:
    """Customers' parts in the three compared periods, and the table of all periods.

    `parts` has one entry per compared period: an array with one row per customer who adds anything to any of the
    three, in the same order each time, and one column for each of `PARTS`.
    """

    compared: Compared
    complete: frozenset[date]
    kinds: tuple[Figure, ...]
    parts: tuple[Floats, Floats, Floats]
    table: pl.DataFrame
    customer_ids: pl.Series
    first_day: date
    as_of: date

    @property
    def covered(self) -> tuple[bool, bool]:
        """Whether the extract covers the period before, and the same a year earlier."""
        return self.compared.before in self.complete, self.compared.last_year in self.complete


def look(extract: Extract, window: Window, period: OverviewPeriod) -> Seen:
    """Aggregate the extract and decide which periods are compared.

    Raises
    ------
    NotEnoughDataError
        If the window holds no complete period, or the extract no order.
    """
    summary = customer_summary(extract, as_of=window.as_of).drop_nulls("first_ordered_on")
    if summary.is_empty():
        raise NotEnoughDataError.of("orders with a positive amount", 0, 1)
    cells = customer_periods(extract.frame, as_of=window.as_of, period=period, week_start=extract.week_start)
    parts = customer_parts(cells, summary.select("customer_id", "first_ordered_on"), period)
    first_day = min(covered_from(extract), window.as_of - timedelta(days=1))
    complete = complete_periods(_generous(first_day, period), window.as_of, period)
    compared = Compared.ending(_last_shown(complete, window, first_day, period), period)
    kinds = figures_of(parts)
    return Seen(
        compared,
        frozenset(complete),
        kinds,
        _aligned(parts, compared),
        _table(parts, kinds, complete, window, period),
        summary["customer_id"],
        first_day,
        window.as_of,
    )


def _generous(first_day: date, period: OverviewPeriod) -> date:
    begin = period_start(first_day, period)
    return begin if (first_day - begin).days <= SLACK_DAYS[period] else first_day


def _last_shown(complete: list[date], window: Window, first_day: date, period: OverviewPeriod) -> date:
    shown = [day for day in complete if window.start is None or day >= window.start]
    if shown:
        return shown[-1]
    days = [
        formats.value(day, "day") for day in (window.start or first_day, window.as_of - timedelta(days=1))
    ]
    shorter = "" if period == "month" else " or a shorter period"
    raise NotEnoughDataError.of(
        f"complete calendar {period}s from {days[0]} to {days[1]}", 0, 1, f"Widen the dates{shorter}."
    )


def _aligned(parts: pl.DataFrame, compared: Compared) -> tuple[Floats, Floats, Floats]:
    ids = (
        parts.filter(pl.col("period_on").is_in(compared.days))
        .select(pl.col("customer_id").unique())
        .sort("customer_id")
    )
    now, before, last_year = (
        ids.join(parts.filter(pl.col("period_on") == day), on="customer_id", how="left")
        .sort("customer_id")
        .select(pl.col(PARTS).fill_null(0.0))
        .to_numpy()
        for day in compared.days
    )
    return now, before, last_year


def _table(
    parts: pl.DataFrame,
    kinds: tuple[Figure, ...],
    complete: list[date],
    window: Window,
    period: OverviewPeriod,
) -> pl.DataFrame:
    """Give all periods from the first with a row to the last that has begun; those before `start` are left out."""
    day, last = parts["period_on"].min(), period_start(window.as_of - timedelta(days=1), period)
    days = []
    while isinstance(day, date) and day <= last:
        days.append(day)
        day = shift(day, 1, period)
    table = by_period(parts, kinds, days, period).with_columns(
        is_complete=pl.col("period_on").is_in(complete)
    )
    whole = pl.col("is_complete") & pl.col("period_on").dt.offset_by("-1y").is_in(complete)
    table = table.with_columns(spend_last_year=pl.when(whole).then(pl.col("spend_last_year")))
    return table if window.start is None else table.filter(pl.col("period_on") >= window.start)
