"""How many cases there were in each period, against what is usual, and how many wait for an end and since when."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.aggregates.periods import Period, complete_periods, customer_periods, period_start, shift
from crm_analytics.extracts.extract import Extract
from crm_analytics.satisfaction.complaints.cases import Cases, Question, array
from crm_analytics.stats.control_chart import control_chart
from crm_analytics.stats.excess_counts import rates
from crm_analytics.stats.intervals import Floats, poisson_count

_FEWEST_PERIODS: Final = 3
_UNLIKELY: Final = 5.0  # cases to expect where there are none: the chance of that is under 1%
_BANDS: Final = (
    (0.0, "up to a day"),
    (24.0, "1 to 3 days"),
    (72.0, "3 to 7 days"),
    (168.0, "1 to 4 weeks"),
    (672.0, "4 to 13 weeks"),
    (2184.0, "more than 13 weeks"),
)
BACKLOG_SCHEMA: Final = {
    "age_band": pl.String(),
    "age_from_hours": pl.Float64(),
    "n_open_cases": pl.Int64(),
    "open_share": pl.Float64(),
    "is_beyond_target": pl.Boolean(),
    "n_beyond_target": pl.Int64(),
    "oldest_days": pl.Float64(),
}


def volume_table(cases: Cases, transactions: Extract | None) -> pl.DataFrame:
    """Give one row per calendar period: cases with interval and limits, those closed, those open at its end, and rates."""
    rows = _counted(cases, _first_day(cases, transactions))
    low, high = poisson_count(array(rows, "n_cases"))
    bounded = rows.with_columns(n_cases_lower=pl.Series(low), n_cases_upper=pl.Series(high))
    exposed = _exposure(bounded, cases.question, transactions)
    return _limits(_per_hundred(exposed), cases.question.period)


def orders_begin(transactions: Extract | None) -> date | None:
    """Give the day of the first order."""
    if transactions is None:
        return None
    day: date | None = transactions.frame.select(pl.col("ordered_at").min().dt.date()).collect().item()
    return day


def _first_day(cases: Cases, transactions: Extract | None) -> date:
    """Give the day from which periods are counted.

    Periods with orders and without a case count, unless so many cases were to be expected before the first one that the
    extract of cases must have begun later than that of orders.
    """
    first: date = cases.every["opened_on"].min()  # type: ignore[assignment]
    begun = cases.question.start or min(first, orders_begin(transactions) or first)
    if begun >= first:
        return begun
    rate = cases.every.height / max((cases.question.as_of - first).days, 1)
    return first if rate * (first - begun).days > _UNLIKELY else begun


def _counted(cases: Cases, first: date) -> pl.DataFrame:
    question = cases.question
    starts = _starts(first, question)
    whole = set(complete_periods(first, question.as_of, question.period, week_start=question.week_start))
    counts = {"n_cases": _by_period(cases.counted["opened_on"], starts), **_ledger(cases, first, starts)}
    return pl.DataFrame(
        {
            "case_period_on": starts,
            "case_period_complete": [day in whole for day in starts],
            **{name: pl.Series(n, dtype=pl.Int64) for name, n in counts.items()},
        }
    )


def _ledger(cases: Cases, first: date, starts: list[date]) -> dict[str, list[int] | list[None]]:
    """Count the cases open at the beginning of each period, closed in it, and open at its end, of all there are.

    Open at the beginning, and opened, less closed are open at the end; those opened before the first day that counts too.
    """
    names = ("n_open_before", "n_closed_cases", "n_open_cases")
    if not cases.tells_closing:
        return {name: [None] * len(starts) for name in names}
    moments = [max(starts[0], first), *starts[1:], cases.question.as_of]
    waiting = _open_at(cases, moments)
    opened = np.diff(np.searchsorted(np.sort(_instants(cases.every["opened_at"])), _midnights(moments)))
    closed = (np.array(waiting[:-1]) + opened - np.array(waiting[1:])).tolist()
    return dict(zip(names, (waiting[:-1], closed, waiting[1:]), strict=True))


def _starts(first: date, question: Question) -> list[date]:
    day, found = period_start(first, question.period, question.week_start), []
    while day < question.as_of:
        found.append(day)
        day = shift(day, 1, question.period)
    return found


def _by_period(days: pl.Series, starts: list[date]) -> list[int]:
    edges = np.array(starts, "datetime64[D]")
    place = np.searchsorted(edges, days.to_numpy().astype("datetime64[D]"), side="right") - 1
    return [int(n) for n in np.bincount(place[place >= 0], minlength=len(starts))]


def _open_at(cases: Cases, ends: list[date]) -> list[int]:
    """Count the cases that were opened before a moment and not closed before it."""
    at = _midnights(ends)
    opened = np.sort(_instants(cases.every["opened_at"]))
    closed = cases.every.select(pl.max_horizontal("closed_at", "opened_at").filter(~pl.col("is_open")))
    ended = np.sort(_instants(closed.to_series()))
    return [int(n) for n in np.searchsorted(opened, at) - np.searchsorted(ended, at)]


def _instants(moments: pl.Series) -> NDArray[np.datetime64]:
    return moments.to_numpy().astype("datetime64[us]")


def _midnights(days: list[date]) -> NDArray[np.datetime64]:
    return np.array([datetime.combine(day, time.min) for day in days], "datetime64[us]")


def _exposure(rows: pl.DataFrame, question: Question, transactions: Extract | None) -> pl.DataFrame:
    if transactions is None:
        unknown = pl.lit(None, pl.Int64)
        return rows.with_columns(orders_in_period=unknown, buyers_in_period=unknown)
    found = customer_periods(
        transactions.frame,
        as_of=question.as_of,
        start=question.start,
        period=question.period,
        week_start=question.week_start,
    )
    sums = found.group_by("period_on").agg(
        orders_in_period=pl.col("n_orders").sum(), buyers_in_period=pl.len().cast(pl.Int64)
    )
    return rows.join(sums, left_on="case_period_on", right_on="period_on", how="left", maintain_order="left")


def _per_hundred(rows: pl.DataFrame) -> pl.DataFrame:
    for name, base in (("orders", "orders_in_period"), ("buyers", "buyers_in_period")):
        figures = rates(
            array(rows, "n_cases"), array(rows.with_columns(pl.col(base).fill_null(0)), base) / 100
        )
        names = [f"cases_per_100_{name}{end}" for end in ("", "_lower", "_upper")]
        rows = rows.with_columns(pl.Series(n, x).fill_nan(None) for n, x in zip(names, figures, strict=True))
    return rows


def _limits(rows: pl.DataFrame, period: Period) -> pl.DataFrame:
    """Add what is usual at the rate of all whole periods, by orders where they are known and else by days."""
    size = exposures(rows, period)
    whole = rows["case_period_complete"].to_numpy() & (size > 0)
    if whole.sum() < _FEWEST_PERIODS:
        none = pl.lit(None, pl.Float64)
        return rows.with_columns(
            usual_cases=none,
            usual_cases_lower=none,
            usual_cases_upper=none,
            is_unusual=pl.lit(None, pl.Boolean),
        )
    count = array(rows, "n_cases")
    rate = float(count[whole].sum() / size[whole].sum())
    chart = control_chart(count[whole] / size[whole], size[whole], rate, (0.0, np.inf))
    middle, low, high = (
        _spread(x * size[whole], whole) for x in (np.full(whole.sum(), rate), chart.lower, chart.upper)
    )
    outside = np.zeros(len(whole), bool)
    outside[whole] = chart.outside
    return rows.with_columns(
        usual_cases=middle, usual_cases_lower=low, usual_cases_upper=high, is_unusual=pl.Series(outside)
    )


def exposures(rows: pl.DataFrame, period: Period) -> Floats:
    """Give what periods are measured by: their orders where every whole one has some, and else their days."""
    orders = rows["orders_in_period"]
    if (rows.filter("case_period_complete")["orders_in_period"].fill_null(0) > 0).all() and orders.count():
        return array(rows.with_columns(pl.col("orders_in_period").fill_null(0)), "orders_in_period")
    starts = rows["case_period_on"].to_list()
    return np.array([float((shift(day, 1, period) - day).days) for day in starts])


def _spread(values: Floats, whole: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> pl.Series:
    found = np.full(len(whole), np.nan)
    found[whole] = values
    return pl.Series(found).fill_nan(None)


def backlog_table(cases: Cases) -> pl.DataFrame:
    """Give the open cases by how long they have been open, those opened before the first day that counts too."""
    waiting = cases.every.filter("is_open")
    if waiting.is_empty() or not cases.tells_closing:
        return pl.DataFrame(schema=BACKLOG_SCHEMA)
    hours = array(waiting, "hours")
    edges = np.array([edge for edge, _ in _BANDS])
    place = np.searchsorted(edges, hours, side="right") - 1
    rows = [
        (
            name,
            edge,
            int((place == i).sum()),
            float((place == i).mean()),
            edge >= cases.question.target_hours,
            int(((place == i) & (hours > cases.question.target_hours)).sum()),
            float(hours[place == i].max() / 24) if (place == i).any() else None,
        )
        for i, (edge, name) in enumerate(_BANDS)
    ]
    return pl.DataFrame(rows, schema=BACKLOG_SCHEMA, orient="row")
