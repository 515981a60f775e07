"""How many cases there were in each period, against what is usual, and how many wait for an end and since when."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.periods import Period, complete_periods, customer_periods, period_start, shift
from crm_analytics.extracts.extract import Extract
from crm_analytics.satisfaction.complaint_cases import Cases, Question, array
from crm_analytics.stats.control_chart import control_chart
from crm_analytics.stats.excess_counts import rates
from crm_analytics.stats.intervals import Floats, poisson_count

_FEWEST_PERIODS: Final = 3
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
    "oldest_days": pl.Float64(),
}


def volume_table(cases: Cases, transactions: Extract | None) -> pl.DataFrame:
    """Give one row per calendar period: cases with interval and limits, those closed, those open at its end, and rates."""
    rows = _counted(cases, _first_day(cases, transactions))
    low, high = poisson_count(array(rows, "n_cases"))
    bounded = rows.with_columns(n_cases_lower=pl.Series(low), n_cases_upper=pl.Series(high))
    exposed = _exposure(bounded, cases.question, transactions)
    return _limits(_per_hundred(exposed), cases.question.period)


def _first_day(cases: Cases, transactions: Extract | None) -> date:
    if cases.question.start is not None:
        return cases.question.start
    first: date = cases.counted["opened_on"].to_list()[0]
    if transactions is None:
        return first
    begun = transactions.frame.select(pl.col("ordered_at").min().dt.date()).collect().item()
    return first if begun is None else min(first, begun)


def _counted(cases: Cases, first: date) -> pl.DataFrame:
    question = cases.question
    starts = _starts(first, question)
    whole = set(complete_periods(first, question.as_of, question.period, week_start=question.week_start))
    opened = _by_period(cases.counted["opened_on"], starts)
    closed = _by_period(cases.counted["closed_at"].drop_nulls().dt.date(), starts)
    ends = [
        min(shift(day, 1, question.period), question.as_of) for day in starts
    ]  # the last is open until as_of
    return pl.DataFrame(
        {
            "case_period_on": starts,
            "case_period_complete": [day in whole for day in starts],
            "n_cases": opened,
            "n_closed_cases": closed,
            "n_open_cases": _open_at(cases, ends),
        }
    )


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
    at = np.array([datetime.combine(day, time.min) for day in ends], "datetime64[us]")
    opened = np.sort(cases.counted["opened_at"].to_numpy().astype("datetime64[us]"))
    closed = cases.counted.select(pl.max_horizontal("closed_at", "opened_at").filter(~pl.col("is_open")))
    ended = np.sort(closed.to_series().to_numpy().astype("datetime64[us]"))
    return [int(n) for n in np.searchsorted(opened, at) - np.searchsorted(ended, at)]


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
    """Give the open cases by how long they have been open."""
    waiting = cases.counted.filter("is_open")
    if waiting.is_empty():
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
            float(hours[place == i].max() / 24) if (place == i).any() else None,
        )
        for i, (edge, name) in enumerate(_BANDS)
    ]
    return pl.DataFrame(rows, schema=BACKLOG_SCHEMA, orient="row")
