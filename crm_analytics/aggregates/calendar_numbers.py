"""Numbered calendar periods: every day, week, month, quarter or year of any fiscal year has one whole number.

Whole numbers make cohorts cheap: the age of a customer is the difference of two of them. Days are counted as
`date.toordinal()` counts them, so that every engine and Python agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, get_args

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from crm_analytics.aggregates.periods import WeekStart
from crm_analytics.errors import OptionError

AnyPeriod = Literal["day", "week", "month", "quarter", "year"]
Ints = NDArray[np.int64]

_MONTHS: Final[Mapping[str, int]] = {"month": 1, "quarter": 3, "year": 12}
_WEEK: Final = 7
_YEAR: Final = 12
_BEFORE_MONDAY: Final[Mapping[str, int]] = {"monday": 0, "sunday": 1, "saturday": 2}
_UNIX: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Calendar:
    """Periods of one length, numbered in order.

    Attributes
    ----------
    period
        "day", "week", "month", "quarter" or "year".
    week_start
        The day on which a week begins.
    fiscal_year_start
        The month (1 to 12) in which the year begins; quarters count from it, and a year bears its first day.

    Examples
    --------
    >>> quarters = Calendar("quarter", fiscal_year_start=2)
    >>> quarters.first_day(quarters.number_of(date(2026, 1, 31)))
    datetime.date(2025, 11, 1)
    """

    period: AnyPeriod = "month"
    week_start: WeekStart = "monday"
    fiscal_year_start: int = 1

    def __post_init__(self) -> None:
        for name, kind in (("period", AnyPeriod), ("week_start", WeekStart)):
            if getattr(self, name) not in get_args(kind):
                raise OptionError.out_of_range(
                    name, getattr(self, name), f"one of {', '.join(get_args(kind))}"
                )
        if not (isinstance(self.fiscal_year_start, int) and 1 <= self.fiscal_year_start <= _YEAR):
            raise OptionError.out_of_range(
                "fiscal_year_start", self.fiscal_year_start, "a month as a whole number from 1 to 12"
            )

    def of_day(self, day: nw.Expr) -> nw.Expr:
        """Give the number of the period of a column of days, in parts of the calendar that all engines have."""
        if self.period in _MONTHS:
            months = day.dt.year().cast(nw.Int64) * _YEAR + day.dt.month().cast(nw.Int64) - 1
            return (months - self._first_month) // _MONTHS[self.period]
        number: nw.Expr = self._of_ordinal(day_number(day))
        return number

    def number_of(self, day: date) -> int:
        """Give the number of the period in which a day lies."""
        if self.period in _MONTHS:
            return (day.year * _YEAR + day.month - 1 - self._first_month) // _MONTHS[self.period]
        return int(self._of_ordinal(day.toordinal()))

    def numbers(self, days: Ints) -> Ints:
        """Give the numbers of the periods of days given as `date.toordinal()`."""
        if self.period in _MONTHS:
            months = (days - _UNIX).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
            return (months + 1970 * _YEAR - self._first_month) // _MONTHS[self.period]
        numbers: Ints = self._of_ordinal(days)
        return numbers

    def first_day(self, number: int) -> date:
        """Give the first day of a period."""
        if self.period in _MONTHS:
            year, month = divmod(number * _MONTHS[self.period] + self._first_month, _YEAR)
            return date(year, month + 1, 1)
        if self.period == "day":
            return date.fromordinal(number)
        return date.fromordinal(number * _WEEK + 1 - _BEFORE_MONDAY[self.week_start])

    @property
    def _first_month(self) -> int:
        return 0 if self.period == "month" else self.fiscal_year_start - 1

    def _of_ordinal(self, day: Any) -> Any:  # noqa: ANN401 an int, an array or an expression
        return day if self.period == "day" else (day - 1 + _BEFORE_MONDAY[self.week_start]) // _WEEK


def day_number(day: nw.Expr) -> nw.Expr:
    """Count a column of days as `date.toordinal()` does."""
    past = day.dt.year().cast(nw.Int64) - 1
    return past * 365 + past // 4 - past // 100 + past // 400 + day.dt.ordinal_day().cast(nw.Int64)
