"""The clock of a cohort table: how old a customer is at an action, and which ages a cohort has lived through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from crm_analytics.aggregates.calendar_numbers import Calendar

Ints = NDArray[np.int64]
ClockName = Literal["calendar", "24h", "7d", "30d", "month"]

_UNIX: Final = date(1970, 1, 1).toordinal()
_DAYS: Final = {"7d": 7, "30d": 30}
DAY_MICROSECONDS: Final = 24 * 60 * 60 * 1_000_000


@dataclass(frozen=True)
class Clock:
    """Ages by a clock, in whole numbers from 0.

    By the "calendar" an action is as old as the number of periods between that of the entry and its own. The elapsed
    clocks run from each customer's own entry: "7d" and "30d" count local days from the day of entry, "month" counts
    calendar-month anniversaries of it (from 31 January: 28 or 29 February, 31 March …), "24h" counts hours from its
    instant. Cohorts are grouped by `calendar` whatever the clock.
    """

    calendar: Calendar
    name: ClockName
    as_of: date

    @property
    def cube_calendar(self) -> Calendar:
        """The periods to which orders can be reduced without losing what the clock needs."""
        return self.calendar if self.name == "calendar" else Calendar("day")

    def ages(self, entry: Ints, at: Ints) -> Ints:
        """Give the age of actions; `entry` and `at` are numbers of the cube's periods."""
        if self.name == "calendar":
            return at - entry
        return months_between(entry, at) if self.name == "month" else (at - entry) // _DAYS[self.name]

    def finished(self, cohorts: Ints) -> Ints:
        """Count the ages that even the last customer who can have entered a cohort has lived through by `as_of`."""
        if self.name == "calendar":
            return np.maximum(self.calendar.number_of(self.as_of) - cohorts, 0)
        last_day = self._first_days(cohorts + 1) - 1
        return np.maximum(self.ages(last_day, self._end), 0)

    def begun(self, cohorts: Ints) -> Ints:
        """Count the ages that the first customer who can have entered a cohort has begun by `as_of`."""
        if self.name == "calendar":
            return self.calendar.number_of(date.fromordinal(self.as_of.toordinal() - 1)) - cohorts + 1
        return self.ages(self._first_days(cohorts), self._end - 1) + 1

    @property
    def _end(self) -> Ints:
        return np.array(self.as_of.toordinal())

    def _first_days(self, cohorts: Ints) -> Ints:
        return np.array([self.calendar.first_day(int(c)).toordinal() for c in cohorts], np.int64)


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
    return (end - start).astype(np.int64) - (day < np.minimum(entry_day, last))


def _month_and_day(days: Ints) -> tuple[NDArray[np.datetime64], Ints]:
    on = (days - _UNIX).astype("datetime64[D]")
    month = on.astype("datetime64[M]")
    return month, (on - month.astype("datetime64[D]")).astype(np.int64) + 1
