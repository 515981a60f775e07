"""Calendar periods: the helpers by hand, the figures against plain Python and on two engines."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from crm_analytics.aggregates.customers import customer_summary
from crm_analytics.aggregates.periods import (
    Span,
    complete_periods,
    customer_periods,
    period_start,
    previous_complete,
    same_last_year,
    shift,
    trailing,
)
from crm_analytics.errors import OptionError

any_day = st.dates(date(1900, 1, 1), date(2100, 1, 1))
periods = st.sampled_from(["week", "month", "quarter", "year"])
week_starts = st.sampled_from(["monday", "sunday", "saturday"])


@given(day=any_day, period=periods, week_start=week_starts)
def test_a_period_holds_its_days_and_periods_follow_each_other(day, period, week_start):
    start = period_start(day, period, week_start)
    end = shift(start, 1, period)
    assert day in Span(start, end)
    assert period_start(start, period, week_start) == start
    assert period_start(end - timedelta(days=1), period, week_start) == start
    assert period_start(end, period, week_start) == end
    if period == "week":
        assert start.strftime("%A").lower() == week_start


@given(as_of=any_day, period=periods, week_start=week_starts, back=st.integers(0, 30))
def test_the_previous_complete_period_has_ended(as_of, period, week_start, back):
    span = previous_complete(as_of, period, back=back, week_start=week_start)
    assert span.end <= as_of
    assert period_start(span.start, period, week_start) == span.start
    if back == 0:
        assert shift(span.end, 1, period) > as_of
    else:
        assert previous_complete(as_of, period, back=back - 1, week_start=week_start).start == span.end


@given(first=any_day, n=st.integers(0, 800), period=periods, week_start=week_starts)
def test_complete_periods_are_all_those_in_the_window(first, n, period, week_start):
    as_of = first + timedelta(days=n)
    found = complete_periods(first, as_of, period, week_start=week_start)
    days = (first + timedelta(days=i) for i in range(n))
    starts = [d for d in days if period_start(d, period, week_start) == d and shift(d, 1, period) <= as_of]
    assert found == starts


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (Span(date(2026, 1, 1), date(2027, 1, 1)), Span(date(2025, 1, 1), date(2026, 1, 1))),
        (Span(date(2024, 2, 1), date(2024, 3, 1)), Span(date(2023, 2, 1), date(2023, 3, 1))),
        (Span(date(2026, 2, 1), date(2026, 3, 1)), Span(date(2025, 2, 1), date(2025, 3, 1))),
        (Span(date(2026, 6, 1), date(2026, 6, 8)), Span(date(2025, 6, 2), date(2025, 6, 9))),
        (Span(date(2026, 3, 16), date(2026, 3, 23)), Span(date(2025, 3, 17), date(2025, 3, 24))),
    ],
)
def test_the_same_span_a_year_before(span, expected):
    # February has 28 days, a whole number of weeks, and is a month all the same.
    assert same_last_year(span) == expected


def test_the_last_twelve_months_are_not_tied_to_the_calendar():
    assert trailing(date(2011, 12, 10)) == Span(date(2010, 12, 10), date(2011, 12, 10))
    assert trailing(date(2024, 2, 29)) == Span(date(2023, 2, 28), date(2024, 2, 29))
    assert trailing(date(2011, 12, 10), 2, "week").n_days == 14


@pytest.mark.parametrize("function", [period_start, previous_complete])
def test_an_unknown_period_is_named(function):
    with pytest.raises(OptionError, match=r"period='fortnight'.*week, month, quarter, year"):
        function(date(2026, 1, 1), "fortnight")


def test_an_unknown_week_start_is_named():
    with pytest.raises(OptionError, match=r"week_start='friday'.*monday, sunday, saturday"):
        customer_periods(frame_of([]), as_of=date(2026, 1, 1), week_start="friday")


SCHEMA = {
    "customer_id": pl.String,
    "order_id": pl.String,
    "ordered_at": pl.Datetime("us"),
    "amount": pl.Float64,
    "cost": pl.Float64,
}

rows = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["1", "2", "3", None]),
        st.datetimes(datetime(2023, 12, 20), datetime(2025, 1, 15)),
        st.integers(-3000, 6000).map(lambda pence: pence / 100),
        st.one_of(st.none(), st.just(1.25)),
    ),
    max_size=30,
)


def frame_of(found):
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


def brute_force(found, as_of, start, period, week_start):
    orders = defaultdict(list)
    for customer, order, at, amount, _ in found:
        if at.date() < as_of:
            orders[customer, order if order is not None else at.date()].append(
                (at.date(), round(amount * 100))
            )
    cells = defaultdict(lambda: [0, 0, 0])
    for (customer, _), parts in orders.items():
        day = min(d for d, _ in parts)
        if start is None or day >= start:
            cell = cells[customer, period_start(day, period, week_start)]
            net = sum(p for _, p in parts)
            cell[0] += net > 0
            cell[1] += net
            cell[2] -= sum(p for _, p in parts if p < 0)
    return [(*key, n, net / 100, back / 100) for key, (n, net, back) in sorted(cells.items())]


@given(
    found=rows,
    as_of=st.dates(date(2024, 1, 1), date(2025, 1, 20)),
    start=st.none() | st.dates(date(2023, 12, 25), date(2024, 6, 1)),
    period=periods,
    week_start=week_starts,
)
def test_agrees_with_counting_by_hand(found, as_of, start, period, week_start):
    frame = frame_of(found)
    cells = customer_periods(frame, as_of=as_of, start=start, period=period, week_start=week_start)
    plain = cells.select("customer_id", "period_on", "n_orders", "spend", "refunds")
    expected = pl.DataFrame(
        brute_force(found, as_of, start, period, week_start), schema=plain.schema, orient="row"
    )
    assert_frame_equal(plain, expected, abs_tol=1e-6)


@settings(max_examples=20)
@given(found=rows, period=periods, week_start=week_starts, with_cost=st.booleans())
def test_duckdb_gives_the_same(found, period, week_start, with_cost):
    frame = frame_of(found) if with_cost else frame_of(found).drop("cost")
    options = {
        "as_of": date(2024, 12, 1),
        "start": date(2024, 1, 3),
        "period": period,
        "week_start": week_start,
    }
    here = customer_periods(frame.lazy(), **options)
    there = customer_periods(duckdb.sql("select * from frame"), **options)
    assert_frame_equal(here, there, check_exact=True)


@given(found=rows, period=periods)
def test_periods_add_up_to_the_customer(found, period):
    frame = frame_of(found)
    as_of = date(2025, 2, 1)
    cells = customer_periods(frame, as_of=as_of, period=period)
    sums = cells.group_by("customer_id").agg(pl.col("n_orders", "spend", "refunds").sum()).sort("customer_id")
    assert_frame_equal(sums, customer_summary(frame, as_of=as_of).select(sums.columns), abs_tol=1e-6)


def test_costs_are_null_where_none_is_known():
    frame = frame_of(
        [
            ("a", "1", datetime(2026, 1, 1), 5.0, None),
            ("a", "2", datetime(2026, 2, 1), 5.0, 2.0),
            ("a", "3", datetime(2026, 2, 2), 5.0, None),
        ]
    )
    cells = customer_periods(frame, as_of=date(2026, 3, 1))
    assert cells.select("cost", "n_lines_without_cost").rows() == [(None, 1), (2.0, 1)]
