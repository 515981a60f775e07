from __future__ import annotations

from datetime import date, datetime

import polars as pl
from polars.testing import assert_frame_equal

from crm_analytics.aggregates.occasions import occasions

LINES = pl.DataFrame(
    [
        ("a", "1", datetime(2026, 1, 5, 9), 10.0),
        ("a", "2", datetime(2026, 1, 5, 23, 59), 5.0),
        ("a", "3", datetime(2026, 1, 9), 20.0),
        ("a", "4", datetime(2026, 1, 20), -20.0),  # a return under a number of its own
        ("b", "5", datetime(2026, 1, 7), 4.0),
        ("b", "6", datetime(2026, 2, 1), 8.0),
        ("b", "6", datetime(2026, 2, 3), -8.0),  # taken back whole: no purchase
        ("c", "7", datetime(2026, 1, 1), 0.0),
    ],
    schema=["customer_id", "order_id", "ordered_at", "amount"],
    orient="row",
)


def run(**options):
    return occasions(LINES.lazy(), **{"as_of": date(2026, 3, 1), **options})


def test_orders_of_a_day_are_one_occasion_and_returns_none():
    assert run().rows() == [
        ("a", date(2026, 1, 5), 2, 15.0, 1, date(2026, 1, 9)),
        ("a", date(2026, 1, 9), 1, 20.0, 2, None),
        ("b", date(2026, 1, 7), 1, 4.0, 1, None),
    ]


def test_orders_of_a_day_can_be_kept_apart():
    found = run(occasion="order").filter(pl.col("customer_id") == "a")
    assert found.select("amount", "number", "next_on").rows() == [
        (5.0, 1, date(2026, 1, 5)),
        (10.0, 2, date(2026, 1, 9)),
        (20.0, 3, None),
    ]


def test_what_lies_at_or_after_as_of_is_not_seen():
    assert run(as_of=date(2026, 1, 9))["customer_id"].to_list() == ["a", "b"]
    assert run(as_of=date(2026, 2, 2)).filter(pl.col("customer_id") == "b").height == 2  # not yet taken back


def test_row_order_does_not_matter():
    shuffled = occasions(LINES.sample(fraction=1, shuffle=True, seed=3).lazy(), as_of=date(2026, 3, 1))
    assert_frame_equal(shuffled, run())
