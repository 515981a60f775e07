"""Contract periods and orders become one observation per customer: by hand, and counted in plain Python."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.aggregates.periods import shift
from crm_analytics.aggregates.tenures import contract_tenures, observed_until, order_waits, whole_periods

FIRST = date(2024, 1, 1)
AS_OF = date(2024, 4, 10)


def contracts(*rows):
    return pl.LazyFrame(
        [(c, date.fromisoformat(a), date.fromisoformat(b) if b else None, amount, plan) for c, a, b, amount, plan in rows],
        schema={
            "customer_id": pl.String, "started_on": pl.Date, "ended_on": pl.Date, "monthly_amount": pl.Float64,
            "plan": pl.String,
        },
        orient="row",
    )  # fmt: skip


def one(*rows, as_of="2025-01-01", grace_days=30):
    found = contract_tenures(
        contracts(*rows), as_of=date.fromisoformat(as_of), grace_days=grace_days, columns=["plan"]
    )
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in found.row(0, named=True).items()}


def test_contracts_that_follow_on_are_one_tenure():
    found = one(
        ("a", "2024-01-01", "2024-02-01", 10.0, "Plus"), ("a", "2024-02-01", "2024-03-01", 10.0, "Plus")
    )
    assert (found["began_on"], found["ended_on"], found["paused_on"]) == ("2024-01-01", "2024-03-01", None)


@pytest.mark.parametrize(
    ("begins", "paused"), [("2024-03-01", True), ("2024-03-02", True), ("2024-03-03", False)]
)
def test_a_gap_of_as_many_days_as_the_grace_is_a_pause(begins, paused):
    """The first contract ends on 1 February 2024; thirty days later it is 2 March (a leap year)."""
    found = one(("a", "2024-01-01", "2024-02-01", 10.0, "Plus"), ("a", begins, None, 10.0, "Plus"))
    assert found["paused_on"] == ("2024-02-01" if paused else None)
    assert found["returned_on"] == (None if paused else begins)
    assert found["ended_on"] == (None if paused else "2024-02-01")


def test_without_grace_a_day_is_a_gap():
    rows = (("a", "2024-01-01", "2024-02-01", 10.0, "Plus"), ("a", "2024-02-02", None, 10.0, "Plus"))
    assert one(*rows, grace_days=0)["ended_on"] == "2024-02-01"
    assert one(*rows, grace_days=1)["ended_on"] is None


def test_the_next_contract_at_a_lower_amount_is_a_downgrade():
    found = one(
        ("a", "2024-01-01", "2024-02-01", 10.0, "Plus"),
        ("a", "2024-02-01", "2024-03-01", 20.0, "Premium"),
        ("a", "2024-03-01", "2024-04-01", 15.0, "Other"),
        ("a", "2024-04-01", None, 5.0, "Basic"),
    )
    assert found["downgraded_on"] == "2024-03-01", "the first fall, though above the first amount"
    assert found["plan"] == "Plus", "what was held at the beginning"


def test_a_second_contract_beside_the_first_is_no_downgrade():
    found = one(("a", "2024-01-01", None, 20.0, "Premium"), ("a", "2024-02-01", "2024-03-01", 5.0, "Basic"))
    assert (found["downgraded_on"], found["ended_on"]) == (None, None)


def test_contracts_that_overlap_end_with_the_last():
    found = one(("a", "2024-01-01", "2024-06-01", 20.0, "P"), ("a", "2024-02-01", "2024-03-01", 5.0, "B"))
    assert found["ended_on"] == "2024-06-01"


@pytest.mark.parametrize(
    ("ended", "seen"), [("2024-12-31", True), ("2025-01-01", False), ("2026-01-01", False)]
)
def test_ends_on_or_after_as_of_have_not_been_seen(ended, seen):
    assert one(("a", "2024-01-01", ended, 1.0, "B"))["ended_on"] == (ended if seen else None)


def test_contracts_that_begin_later_are_not_seen():
    found = contract_tenures(contracts(("a", "2025-01-01", None, 1.0, "B")), as_of=date(2025, 1, 1))
    assert found.is_empty()


def test_a_period_that_ends_before_it_starts_is_left_out():
    found = one(("a", "2024-05-01", "2024-04-01", 1.0, "B"), ("a", "2024-06-01", None, 1.0, "C"))
    assert found["began_on"] == "2024-06-01"


def test_columns_may_be_lacking():
    frame = contracts(("a", "2024-01-01", None, 1.0, "B")).select("customer_id", "started_on")
    assert contract_tenures(frame, as_of=AS_OF).row(0)[:3] == ("a", FIRST, None)


periods = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(0, 80),
        st.one_of(st.none(), st.integers(0, 60)),
        st.sampled_from([5.0, 9.0]),
    ),
    min_size=1,
    max_size=15,
)


def counted(rows, grace):
    """Go through the days of each customer, one by one."""
    found = {}
    for customer in sorted({r[0] for r in rows}):
        mine = sorted(
            (r for r in rows if r[0] == customer), key=lambda r: (r[1], r[2] is None, r[1] + (r[2] or 0))
        )
        end_day = (AS_OF - FIRST).days
        spans = [(a, a + n if n is not None and a + n < end_day else None) for _, a, n, _ in mine]
        held = [any(a <= day and (b is None or day < b) for a, b in spans) for day in range(end_day)]
        began = min(a for a, _ in spans)
        day, last = began, began
        while day < end_day:
            if held[day] or any(a == day for a, _ in spans):
                last = max(last, *(b if b is not None else end_day for a, b in spans if a <= day))
                day = max(last, day + 1)
            elif day - last < grace:
                day += 1
            elif any(a == day for a, _ in spans):
                continue
            else:
                break
        found[customer] = (began, None if last >= end_day else last)
    return found


@given(rows=periods, grace=st.integers(0, 20))
def test_tenures_are_those_counted_day_by_day(rows, grace):
    frame = pl.LazyFrame(
        [
            (c, FIRST + timedelta(a), None if n is None else FIRST + timedelta(a + n), m)
            for c, a, n, m in rows
        ],
        schema={
            "customer_id": pl.String,
            "started_on": pl.Date,
            "ended_on": pl.Date,
            "monthly_amount": pl.Float64,
        },
        orient="row",
    )
    found = contract_tenures(frame, as_of=AS_OF, grace_days=grace)
    days = {
        r["customer_id"]: ((r["began_on"] - FIRST).days, r["ended_on"] and (r["ended_on"] - FIRST).days)
        for r in found.iter_rows(named=True)
    }
    assert days == counted(rows, grace)


def orders(*rows):
    return pl.LazyFrame(
        [(c, o, datetime.fromisoformat(at), float(a)) for c, o, at, a in rows],
        schema={
            "customer_id": pl.String,
            "order_id": pl.String,
            "ordered_at": pl.Datetime("us"),
            "amount": pl.Float64,
        },
        orient="row",
    )


SHOP = orders(
    ("ann", "1", "2024-01-05", 10), ("ann", "2", "2024-01-05 18:00", 10), ("ann", "3", "2024-03-01", 10),
    ("bob", "4", "2024-02-01", 10), ("bob", "5", "2024-02-09", -10),
    ("cy", "6", "2024-03-01", 10), ("cy", "6", "2024-03-01", 5), ("cy", "7", "2024-05-01", 10),
    ("dee", "8", "2024-03-01", 10), ("dee", "8", "2024-03-02", -10),
)  # fmt: skip


def test_waits_for_the_second_order():
    """Two orders of a day count; refunds do not; what comes at or after as_of has not come."""
    found = order_waits(SHOP, as_of=AS_OF)
    assert found.rows() == [
        ("ann", date(2024, 1, 5), date(2024, 1, 5)),
        ("bob", date(2024, 2, 1), None),
        ("cy", date(2024, 3, 1), None),
    ]


def test_waits_for_the_third_begin_with_the_second():
    assert order_waits(SHOP, as_of=AS_OF, order_number=3).rows() == [
        ("ann", date(2024, 1, 5), date(2024, 3, 1))
    ]


@given(
    begin=st.dates(date(2019, 1, 1), date(2026, 1, 1)),
    days=st.integers(0, 1500),
    period=st.sampled_from(["month", "quarter", "year"]),
)
def test_whole_periods_are_those_that_fit(begin, days, period):
    end = begin + timedelta(days)
    fit = max(n for n in range(60) if shift(begin, n, period) <= end)
    frame = pl.DataFrame({"a": [begin], "b": [end]})
    assert frame.select(whole_periods(pl.col("a"), pl.col("b"), period)).item() == fit
    begun = fit if shift(begin, fit, period) == end else fit + 1
    assert frame.select(whole_periods(pl.col("a"), pl.col("b"), period, up=True)).item() == begun


@pytest.mark.parametrize(
    ("period", "days", "full", "begun"),
    [("day", 3, 3, 3), ("week", 13, 1, 2), ("week", 14, 2, 2), ("week", 0, 0, 0)],
)
def test_weeks_and_days_are_counted_from_the_first_day(period, days, full, begun):
    frame = pl.DataFrame({"a": [FIRST], "b": [FIRST + timedelta(days)]})
    assert frame.select(whole_periods(pl.col("a"), pl.col("b"), period)).item() == full
    assert frame.select(whole_periods(pl.col("a"), pl.col("b"), period, up=True)).item() == begun


def test_what_is_known_for_good_ends_before_the_grace():
    """An end on 9 March could be resumed up to 8 April within 30 days, and 9 April is the last day seen."""
    assert observed_until(AS_OF, 30) == date(2024, 3, 10)
    assert observed_until(AS_OF, 0) == date(2024, 4, 9)
