"""Calendar periods: half-open spans of whole weeks, months, quarters or years, and customers' figures in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, get_args

import narwhals as nw
import polars as pl
from narwhals.typing import IntoFrame

from crm_analytics.aggregates.customers import MONEY_DECIMALS
from crm_analytics.aggregates.orders import orders
from crm_analytics.errors import OptionError

Period = Literal["week", "month", "quarter", "year"]
WeekStart = Literal["monday", "sunday", "saturday"]

_MONTHS: Final[Mapping[str, int]] = {"month": 1, "quarter": 3, "year": 12}
_WEEK: Final = 7
_BEFORE_MONDAY: Final[Mapping[str, int]] = {"monday": 0, "sunday": 1, "saturday": 2}
"""By how many days a week begins before Monday."""


@dataclass(frozen=True)
class Span:
    """A half-open span of days: `start` is in it, `end` is not."""

    start: date
    end: date

    @property
    def n_days(self) -> int:
        """How many days it has."""
        return (self.end - self.start).days

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end


def period_start(day: date, period: Period = "month", week_start: WeekStart = "monday") -> date:
    """Give the first day of the period in which a day lies.

    >>> period_start(date(2026, 5, 20), "quarter"), period_start(date(2026, 5, 20), "week", "sunday")
    (datetime.date(2026, 4, 1), datetime.date(2026, 5, 17))
    """
    _check(period, week_start)
    if period == "week":
        return day - timedelta(days=(day.weekday() + _BEFORE_MONDAY[week_start]) % _WEEK)
    months = _MONTHS[period]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def shift(day: date, n: int, period: Period = "month") -> date:
    """Move a day by whole periods; a day that the target month lacks becomes the month's last.

    >>> shift(date(2024, 2, 29), 1, "year"), shift(date(2026, 3, 31), -1, "month")
    (datetime.date(2025, 2, 28), datetime.date(2026, 2, 28))
    """
    _check(period, "monday")
    if period == "week":
        return day + timedelta(days=_WEEK * n)
    year, month = divmod(day.year * 12 + day.month - 1 + n * _MONTHS[period], 12)
    last = (_first_of(year * 12 + month + 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def previous_complete(
    as_of: date, period: Period = "month", *, back: int = 0, week_start: WeekStart = "monday"
) -> Span:
    """Give the last whole period that ended by `as_of` (exclusive), or the one `back` periods before it.

    >>> previous_complete(date(2011, 12, 10))
    Span(start=datetime.date(2011, 11, 1), end=datetime.date(2011, 12, 1))
    >>> previous_complete(date(2011, 12, 1), "quarter", back=1)
    Span(start=datetime.date(2011, 4, 1), end=datetime.date(2011, 7, 1))
    """
    end = shift(period_start(as_of, period, week_start), -back, period)
    return Span(shift(end, -1, period), end)


def trailing(as_of: date, n: int = 12, period: Period = "month") -> Span:
    """Give the `n` periods up to `as_of`, not tied to the calendar's edges: the last twelve months, say.

    >>> trailing(date(2011, 12, 10))
    Span(start=datetime.date(2010, 12, 10), end=datetime.date(2011, 12, 10))
    """
    return Span(shift(as_of, -n, period), as_of)


def same_last_year(span: Span) -> Span:
    """Give the span a year earlier; whole weeks go back 52 weeks, so that weekdays meet weekdays.

    >>> same_last_year(Span(date(2026, 2, 1), date(2026, 3, 1)))
    Span(start=datetime.date(2025, 2, 1), end=datetime.date(2025, 3, 1))
    >>> same_last_year(Span(date(2026, 5, 18), date(2026, 5, 25)))
    Span(start=datetime.date(2025, 5, 19), end=datetime.date(2025, 5, 26))
    """
    if span.n_days % _WEEK == 0 and span.start.day != span.end.day:  # a February has whole weeks too
        return Span(shift(span.start, -52, "week"), shift(span.end, -52, "week"))
    return Span(shift(span.start, -1, "year"), shift(span.end, -1, "year"))


def complete_periods(
    first: date, as_of: date, period: Period = "month", *, week_start: WeekStart = "monday"
) -> list[date]:
    """List the first days of the whole periods in `[first, as_of)`, oldest first.

    >>> complete_periods(date(2026, 1, 15), date(2026, 4, 10))
    [datetime.date(2026, 2, 1), datetime.date(2026, 3, 1)]
    """
    begin = period_start(first, period, week_start)
    begin = begin if begin == first else shift(begin, 1, period)
    found = []
    while (end := shift(begin, 1, period)) <= as_of:
        found.append(begin)
        begin = end
    return found


def customer_periods(
    frame: IntoFrame,
    *,
    as_of: date,
    start: date | None = None,
    period: Period = "month",
    week_start: WeekStart = "monday",
) -> pl.DataFrame:
    """Give one row per customer and period with an order or refund, sorted by customer and period.

    An order counts in the period of its first day. The last period before `as_of`, and the first after `start`,
    may be incomplete: see `complete_periods`.

    Parameters
    ----------
    frame
        Transactions in canonical columns: anything narwhals reads.
    as_of, start
        The window `[start, as_of)` of days that count.
    period
        "week", "month", "quarter" or "year" of the calendar.
    week_start
        The day on which a week begins.

    Returns
    -------
    polars.DataFrame
        `customer_id`, `period_on` (first day of the period), `n_orders`, `spend` (net), `refunds` (positive) and,
        where the frame has a cost, `cost` (null where no line's cost is known) and `n_lines_without_cost`.

    Raises
    ------
    OptionError
        If there is no such period or week start.

    Examples
    --------
    >>> from datetime import datetime
    >>> lines = pl.LazyFrame(
    ...     {
    ...         "customer_id": ["a", "a", "a"],
    ...         "ordered_at": [datetime(2026, 1, 5), datetime(2026, 1, 9), datetime(2026, 2, 1)],
    ...         "amount": [10.0, 5.0, 20.0],
    ...     }
    ... )
    >>> customer_periods(lines, as_of=date(2026, 3, 1)).select("period_on", "n_orders", "spend").rows()
    [(datetime.date(2026, 1, 1), 2, 15.0), (datetime.date(2026, 2, 1), 1, 20.0)]
    """
    _check(period, week_start)
    found = orders(frame, as_of=as_of)
    if start is not None:
        found = found.filter(nw.col("ordered_on") >= start)
    numbered = found.with_columns(_number_of(period, week_start).alias("number"))
    sums = _sums(numbered.collect_schema().names())
    cells = numbered.group_by("customer_id", "number").agg(*sums).collect("polars").to_native()
    return _finished(cells, period, week_start)


def _sums(columns: list[str]) -> list[nw.Expr]:
    sums = [
        nw.when(nw.col("is_purchase")).then(1).otherwise(0).sum().cast(nw.Int64).alias("n_orders"),
        nw.col("positive_amount").sum(),
        nw.col("refunds").sum(),
    ]
    if "cost" in columns:
        sums += [nw.col("cost").sum(), nw.col("n_lines_without_cost").sum(), nw.col("n_lines").sum()]
    return sums


def _number_of(period: Period, week_start: WeekStart) -> nw.Expr:
    """Give the number of the period: all engines have calendar parts, few truncate to a Sunday."""
    day = nw.col("ordered_on").dt
    if period != "week":
        months = day.year().cast(nw.Int64) * 12 + day.month().cast(nw.Int64) - 1
        return months // _MONTHS[period]
    past = day.year().cast(nw.Int64) - 1
    ordinal = past * 365 + past // 4 - past // 100 + past // 400 + day.ordinal_day().cast(nw.Int64)
    return (ordinal - 1 + _BEFORE_MONDAY[week_start]) // _WEEK


def _finished(cells: pl.DataFrame, period: Period, week_start: WeekStart) -> pl.DataFrame:
    days = {n: _first_day(n, period, week_start) for n in cells["number"].unique().to_list()}
    spend = pl.col("positive_amount") - pl.col("refunds")
    found = cells.with_columns(
        spend=spend.round(MONEY_DECIMALS),
        refunds=pl.col("refunds").round(MONEY_DECIMALS),
        period_on=pl.col("number").replace_strict(days, return_dtype=pl.Date),
    ).sort("customer_id", "period_on")
    plain = found.select("customer_id", "period_on", pl.col("n_orders").cast(pl.Int64), "spend", "refunds")
    if "cost" not in found.columns:
        return plain
    known = pl.col("n_lines_without_cost") < pl.col("n_lines")
    costs = found.select(
        cost=pl.when(known).then(pl.col("cost").round(MONEY_DECIMALS)),
        n_lines_without_cost=pl.col("n_lines_without_cost").cast(pl.Int64),
    )
    return plain.hstack(costs)


def _first_day(number: int, period: Period, week_start: WeekStart) -> date:
    if period == "week":
        return date.fromordinal(number * _WEEK + 1 - _BEFORE_MONDAY[week_start])
    return _first_of(number * _MONTHS[period])


def _first_of(month: int) -> date:
    """Give the first day of a month counted from the year nought."""
    return date(month // 12, month % 12 + 1, 1)


def _check(period: str, week_start: str) -> None:
    if period not in get_args(Period):
        raise OptionError.out_of_range("period", period, f"one of {', '.join(get_args(Period))}")
    if week_start not in get_args(WeekStart):
        raise OptionError.out_of_range("week_start", week_start, f"one of {', '.join(get_args(WeekStart))}")
