"""The clock of a cohort table: how old a customer is at an action, and which ages a cohort has lived through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from crm_analytics.aggregates.calendar_numbers import Calendar
from crm_analytics.aggregates.cohorts import utc_of_day

Ints = NDArray[np.int64]
ClockName = Literal["calendar", "24h", "7d", "30d", "month"]

_UNIX: Final = date(1970, 1, 1).toordinal()
_LENGTHS: Final = {"7d": 7, "30d": 30, "24h": 24 * 60 * 60 * 1_000_000}
"""Lengths of a period in the units of the clock."""


@dataclass(frozen=True)
class Clock:
    """Ages by a clock, in whole numbers from 0.

    By the "calendar" an action is as old as the number of periods between that of the entry and its own. The elapsed
    clocks run from each customer's own entry: "7d" and "30d" count local days from the day of entry, "month" counts
    calendar-month anniversaries of it (from 31 January: 28 or 29 February, 31 March …), "24h" counts hours from its
    instant. Cohorts are grouped by `calendar` whatever the clock.

    Places on the clock are numbers of the calendar's periods, of days, or of microseconds for "24h".
    """

    calendar: Calendar
    name: ClockName
    as_of: date
    time_zone: str | None = None

    @property
    def cube_calendar(self) -> Calendar:
        """The periods to which orders can be reduced without losing what the clock needs."""
        return self.calendar if self.name == "calendar" else Calendar("day")

    @property
    def unit(self) -> str:
        """What an age counts: the period, or the length of the elapsed clock."""
        return self.calendar.period if self.name == "calendar" else self.name

    def ages(self, entry: Ints, at: Ints) -> Ints:
        """Give the age of actions from the places of entry and action on the clock."""
        if self.name == "calendar":
            return at - entry
        if self.name == "month":
            return months_between(entry, at)
        return (at - entry) // _LENGTHS[self.name]

    def finished(self, cohorts: Ints) -> Ints:
        """Count the ages that even the last customer who can have entered a cohort has lived through by `as_of`."""
        if self.name == "calendar":
            return np.maximum(self.calendar.number_of(self.as_of) - cohorts, 0)
        last = self._places(cohorts + 1) - (
            0 if self.name == "24h" else 1
        )  # the last instant, or the last day
        return np.maximum(self.ages(last, np.array(self._place(self.as_of))), 0)

    def begun(self, cohorts: Ints) -> Ints:
        """Count the ages that the first customer who can have entered a cohort has begun by `as_of`."""
        if self.name == "calendar":
            return self.calendar.number_of(self.as_of - timedelta(days=1)) - cohorts + 1
        return self.ages(self._places(cohorts), np.array(self._place(self.as_of) - 1)) + 1

    def _places(self, cohorts: Ints) -> Ints:
        return np.array([self._place(self.calendar.first_day(int(c))) for c in cohorts], np.int64)

    def _place(self, day: date) -> int:
        return utc_of_day(day, self.time_zone) if self.name == "24h" else day.toordinal()


def months_between(entry: Ints, at: Ints) -> Ints:
    """Count whole months from day to day; a month is whole on the same day, or on the last day of a shorter month.

    >>> days = [date(2024, 1, 31), date(2024, 2, 28), date(2024, 2, 29), date(2025, 1, 30)]
    >>> numbers = np.array([d.toordinal() for d in days])
    >>> months_between(numbers[0], numbers).tolist()
    [0, 0, 1, 11]
    """
    start, entry_day = _month_and_day(np.asarray(entry))
    end, day = _month_and_day(np.asarray(at))
    last = ((end + 1).astype("datetime64[D]") - end.astype("datetime64[D]")).astype(np.int64)
    months: Ints = (end - start).astype(np.int64) - (day < np.minimum(entry_day, last))
    return months


def _month_and_day(days: Ints) -> tuple[NDArray[np.datetime64], Ints]:
    on = (days - _UNIX).astype("datetime64[D]")
    month = on.astype("datetime64[M]")
    return month, (on - month.astype("datetime64[D]")).astype(np.int64) + 1
