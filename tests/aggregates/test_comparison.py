from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl
from polars.testing import assert_frame_equal

from crm_analytics.aggregates.comparison import compared_spend

AS_OF = date(2026, 1, 1)


def lines(*rows: tuple[str, str, str, float]) -> pl.DataFrame:
    """(customer, order, day, amount) as order lines."""
    frame = pl.DataFrame(rows, schema=["customer_id", "order_id", "day", "amount"], orient="row")
    return frame.select(
        "customer_id", "order_id", pl.col("day").str.to_datetime("%Y-%m-%d").alias("ordered_at"), "amount"
    )


HAND = lines(
    ("a", "1", "2024-01-01", 100.0),  # the first day of the months before
    ("a", "2", "2024-12-31", 50.0),  # their last day
    ("a", "3", "2025-01-01", 20.0),  # the first day of the last months
    ("a", "3", "2025-01-01", 10.0),  # the same order
    ("a", "4", "2025-06-01", -5.0),  # a refund is no order, but money
    ("b", "5", "2023-12-31", 70.0),  # before both
    ("b", "6", "2023-02-01", 8.0),
    ("b", "7", "2022-12-31", 9.0),  # a year before the last order is not within the year up to it
    ("c", "8", "2025-03-01", -40.0),  # never bought: left out
    ("d", "9", "2026-01-01", 99.0),  # not seen
)


def test_hand_worked_figures():
    found = compared_spend(HAND.lazy(), as_of=AS_OF, months=12)
    expected = pl.DataFrame(
        {
            "customer_id": ["a", "b"],
            "last_ordered_on": [date(2025, 1, 1), date(2023, 12, 31)],
            "n_orders_recent": [1, 0],
            "n_orders_before": [2, 0],
            "spend_recent": [25.0, 0.0],
            "spend_before": [150.0, 0.0],
            "squared_amounts": [100.0**2 + 50**2 + 30**2 + 5**2, 0.0],
            "spend_when_active": [75.0, 78.0],  # 2 Jan 2024 on, with the refund; 1 Jan 2023 on
        }
    )
    assert_frame_equal(found, expected)


def test_a_shorter_stretch_moves_the_borders():
    found = compared_spend(HAND.lazy(), as_of=AS_OF, months=6).row(0, named=True)
    assert (found["spend_recent"], found["spend_before"], found["n_orders_before"]) == (0.0, 25.0, 1)


def test_duckdb_gives_the_same():
    relation = duckdb.from_arrow(HAND.to_arrow())
    assert_frame_equal(
        compared_spend(relation, as_of=AS_OF, months=12), compared_spend(HAND.lazy(), as_of=AS_OF, months=12)
    )


def test_order_lines_without_an_order_id_make_an_order_a_day():
    frame = pl.DataFrame(
        {
            "customer_id": ["a"] * 3,
            "ordered_at": [datetime(2025, 5, d, 9) for d in (1, 1, 2)],
            "amount": [1.0] * 3,
        }
    )
    assert compared_spend(frame, as_of=AS_OF, months=12)["n_orders_recent"].to_list() == [2]
