"""What an order is, on every engine."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from crm_analytics.aggregates.orders import orders

ENGINES = {"polars": pl.DataFrame.lazy, "duckdb": duckdb.from_arrow}


def lines(*rows, columns=("customer_id", "order_id", "ordered_at", "amount")):
    types = {
        "customer_id": pl.String,
        "order_id": pl.String,
        "ordered_at": pl.Datetime("us"),
        "amount": pl.Float64,
        "cost": pl.Float64,
    }
    return pl.DataFrame(rows, schema={c: types[c] for c in columns}, orient="row")


@pytest.fixture(params=sorted(ENGINES))
def found(request):
    """Give the orders of a frame, sorted, worked out on one engine."""

    def run(frame, as_of=date(2026, 6, 1)):
        result = orders(ENGINES[request.param](frame), as_of=as_of).collect("polars").to_native()
        return result.sort("customer_id", "ordered_on", "amount")

    return run


def test_rows_that_share_customer_and_order_id_are_one_order(found):
    frame = lines(
        ("a", "1", datetime(2026, 1, 5, 9), 10.0),
        ("a", "1", datetime(2026, 1, 5, 9), 5.0),
        ("a", "2", datetime(2026, 1, 5, 10), 1.0),
        ("b", "1", datetime(2026, 1, 5, 9), 7.0),
    )
    expected = lines(
        ("a", "2", datetime(2026, 1, 5), 1.0),
        ("a", "1", datetime(2026, 1, 5), 15.0),
        ("b", "1", datetime(2026, 1, 5), 7.0),
    ).rename({"ordered_at": "ordered_on"})
    assert_frame_equal(
        found(frame).select("customer_id", "order_id", "ordered_on", "amount"),
        expected.cast({"ordered_on": pl.Date}),
    )


def test_without_an_order_id_a_customer_day_is_an_order(found):
    frame = lines(
        ("a", datetime(2026, 1, 5, 9), 10.0),
        ("a", datetime(2026, 1, 5, 23, 59), 5.0),
        ("a", datetime(2026, 1, 6), 1.0),
        columns=("customer_id", "ordered_at", "amount"),
    )
    result = found(frame)
    assert "order_id" not in result.columns
    assert result.select("ordered_on", "amount", "n_lines").rows() == [
        (date(2026, 1, 5), 15.0, 2),
        (date(2026, 1, 6), 1.0, 1),
    ]


def test_rows_without_their_order_id_fall_back_to_customer_and_day(found):
    frame = lines(
        ("a", None, datetime(2026, 1, 5, 9), 10.0),
        ("a", None, datetime(2026, 1, 5, 12), 5.0),
        ("a", None, datetime(2026, 1, 6), 2.0),
        ("a", "1", datetime(2026, 1, 5), 1.0),
    )
    assert found(frame).select("order_id", "ordered_on", "amount").rows() == [
        ("1", date(2026, 1, 5), 1.0),
        (None, date(2026, 1, 5), 15.0),
        (None, date(2026, 1, 6), 2.0),
    ]


def test_an_order_lies_on_its_first_day_and_later_returns_lower_it(found):
    frame = lines(
        ("a", "1", datetime(2026, 2, 3), -4.0),
        ("a", "1", datetime(2026, 1, 31, 23), 10.0),
    )
    order = found(frame).row(0, named=True)
    assert order["ordered_on"] == date(2026, 1, 31)
    assert (order["amount"], order["positive_amount"], order["refunds"]) == (6.0, 10.0, 4.0)


def test_rows_at_or_after_as_of_are_not_seen(found):
    frame = lines(
        ("a", "1", datetime(2026, 1, 31, 23, 59, 59), 10.0),
        ("a", "1", datetime(2026, 2, 1), -4.0),
        ("b", "2", datetime(2026, 2, 1), 4.0),
    )
    assert found(frame, as_of=date(2026, 2, 1)).select("customer_id", "amount").rows() == [("a", 10.0)]


@pytest.mark.parametrize(
    ("amounts", "is_purchase"),
    [
        ((5.0,), True),
        ((0.0,), False),
        ((5.0, -5.0), False),
        ((-5.0,), False),
        ((0.1, 0.2, -0.3), False),  # 5.6e-17 is left of it
        ((1e9, -1e9 + 10), True),
        ((1e-6,), True),
    ],
)
def test_only_orders_that_net_to_more_than_nothing_are_purchases(found, amounts, is_purchase):
    frame = lines(*(("a", "1", datetime(2026, 1, 1), amount) for amount in amounts))
    assert found(frame)["is_purchase"].to_list() == [is_purchase]


def test_unknown_costs_are_counted_and_never_taken_for_nought(found):
    frame = lines(
        ("a", "1", datetime(2026, 1, 1), 5.0, 2.0),
        ("a", "1", datetime(2026, 1, 1), 5.0, None),
        ("a", "2", datetime(2026, 1, 2), 5.0, None),
        columns=("customer_id", "order_id", "ordered_at", "amount", "cost"),
    )
    assert found(frame).select("cost", "n_lines_without_cost").rows() == [(2.0, 1), (None, 1)]


def test_types_are_the_same_on_every_engine(found):
    frame = lines(
        ("a", "1", datetime(2026, 1, 1), 5.0, 2.0),
        columns=("customer_id", "order_id", "ordered_at", "amount", "cost"),
    )
    assert dict(found(frame).schema) == {
        "customer_id": pl.String(),
        "order_id": pl.String(),
        "ordered_on": pl.Date(),
        "amount": pl.Float64(),
        "positive_amount": pl.Float64(),
        "refunds": pl.Float64(),
        "n_lines": pl.Int64(),
        "is_purchase": pl.Boolean(),
        "cost": pl.Float64(),
        "n_lines_without_cost": pl.Int64(),
    }
