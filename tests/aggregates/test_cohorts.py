"""The cube of customers and periods: by hand, on two engines, and quickly as slowly."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import crm_analytics as crm
from crm_analytics.aggregates.calendar_numbers import Calendar, day_number
from crm_analytics.aggregates.cohorts import (
    activity_cube,
    entry_values,
    extract_cube,
    instant_cube,
)
from crm_analytics.aggregates.cube_cells import Cubes, joined

AS_OF = date(2026, 1, 1)
COLUMNS = ("customer", "number", "day", "n_actions", "n_orders", "spend")


@pytest.fixture(scope="module")
def lines():
    """Give order lines with refunds, free orders and several lines a day, some without an order id."""
    rng = np.random.default_rng(5)
    n = 3000
    at = [datetime(2024, 11, 1) + timedelta(hours=int(h)) for h in rng.integers(0, 24 * 500, n)]
    amount = np.round(rng.gamma(2, 20, n), 2) * rng.choice([1, 1, 1, 1, -1, 0], n)
    return pl.DataFrame(
        {
            "customer_id": [f"{i:03d}" for i in rng.integers(0, 200, n)],
            "order_id": [None if i % 7 == 0 else f"o{i // 2}" for i in range(n)],
            "ordered_at": at,
            "amount": amount,
        },
        schema_overrides={"ordered_at": pl.Datetime("us")},
    )


@pytest.mark.parametrize("ids", ["with order ids", "without"])
@pytest.mark.parametrize("activity", ["purchases", "any"])
@pytest.mark.parametrize(
    "calendar",
    [
        Calendar("month"),
        Calendar("week", "saturday"),
        Calendar("day"),
        Calendar("quarter", fiscal_year_start=2),
    ],
)
def test_the_quick_way_gives_the_same_as_the_general(lines, ids, activity, calendar):
    rows = lines if ids == "with order ids" else lines.drop("order_id")
    asked = {"as_of": AS_OF, "calendar": calendar, "activity": activity}
    quick = joined(extract_cube(crm.read_transactions(rows), **asked).parts)
    slow = joined(Cubes.of(activity_cube(rows.lazy(), **asked)).parts)
    assert quick.ids.to_list() == slow.ids.to_list()
    for column in COLUMNS:
        np.testing.assert_allclose(getattr(quick, column), getattr(slow, column), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "calendar", [Calendar("month"), Calendar("week", "sunday"), Calendar("year", fiscal_year_start=4)]
)
def test_duckdb_gives_the_same_as_polars(lines, calendar):
    asked = {"as_of": AS_OF, "calendar": calendar}
    found = activity_cube(duckdb.sql("select * from lines"), **asked)
    assert_frame_equal(found, activity_cube(lines.lazy(), **asked), check_exact=False, abs_tol=1e-9)


def test_the_cube_by_hand():
    rows = pl.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b"],
            "ordered_at": [
                datetime(2025, 1, 5),
                datetime(2025, 1, 9),
                datetime(2025, 2, 1),
                datetime(2025, 3, 31),
            ],
            "amount": [10.0, 5.0, -5.0, 7.0],
            "cost": [4.0, None, -2.0, 3.0],
        }
    )
    cube = activity_cube(rows.lazy(), as_of=AS_OF, calendar=Calendar("month"))
    first = date(2025, 1, 5).toordinal()
    assert cube.select("customer_id", "day", "n_actions", "spend", "cost", "n_lines_without_cost").rows() == [
        ("a", first, 2, 15.0, 4.0, 1), ("a", None, 0, -5.0, -2.0, 0), ("b", date(2025, 3, 31).toordinal(), 1, 7.0, 3.0, 0),
    ]  # fmt: skip


def test_instants_of_a_zone_are_counted_in_utc_and_skipped_hours_exist():
    rows = pl.DataFrame(
        {
            "customer_id": ["a", "a", "a"],
            "ordered_at": [
                datetime(2026, 3, 29, 1, 59),
                datetime(2026, 3, 29, 2, 30),
                datetime(2026, 3, 29, 3, 1),
            ],
            "order_id": ["1", "2", "3"],
            "amount": [1.0, 1.0, 1.0],
        }
    )
    cube = instant_cube(rows.lazy(), as_of=date(2026, 4, 1), time_zone="Europe/Berlin")
    minutes = [(b - a) // 60_000_000 for a, b in zip(cube["number"], cube["number"][1:], strict=False)]
    assert minutes == [2, 29]  # 02:30 does not exist: 03:30 is meant; sorted by instant 1:59, 3:01, 3:30


def test_the_value_at_entry_is_that_of_the_first_line_of_the_day():
    rows = pl.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b", "c"],
            "ordered_at": [
                datetime(2025, 1, 5, 9),
                datetime(2025, 1, 5, 8),
                datetime(2025, 1, 4),
                datetime(2025, 1, 5),
                datetime(2025, 1, 5),
            ],
            "amount": [1.0, 1.0, -1.0, 1.0, -1.0],
            "channel": ["web", "store", "phone", None, "web"],
        }
    )
    day = date(2025, 1, 5).toordinal()
    entries = pl.DataFrame({"customer_id": ["a", "b", "c"], "day": [day] * 3})
    assert entry_values(rows.lazy(), "channel", entries, as_of=AS_OF).rows() == [
        ("a", "store"),
        ("b", None),
        ("c", None),
    ]


@pytest.mark.parametrize("period", ["day", "week", "month", "quarter", "year"])
def test_numbers_and_first_days_go_back_and_forth(period):
    for week_start in ("monday", "sunday", "saturday"):
        calendar = Calendar(period, week_start, fiscal_year_start=4)
        days = [date(2023, 12, 28) + timedelta(days=i) for i in range(430)]
        numbers = calendar.numbers(np.array([d.toordinal() for d in days])).tolist()
        assert numbers == [calendar.number_of(d) for d in days]
        for day, number in zip(days, numbers, strict=True):
            assert calendar.first_day(number) <= day < calendar.first_day(number + 1)


def test_days_are_counted_as_python_counts_them():
    import narwhals as nw

    days = pl.DataFrame({"day": [date(1, 1, 1), date(1900, 3, 1), date(2000, 2, 29), date(2026, 12, 31)]})
    found = nw.from_native(days).select(day_number(nw.col("day"))).to_native()["day"].to_list()
    assert found == [d.toordinal() for d in days["day"].to_list()]
