"""Orders by customer and day are the orders of `orders`, found another way."""

from __future__ import annotations

import pickle
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.aggregates import order_blocks as module
from crm_analytics.aggregates.customers import customer_summary
from crm_analytics.aggregates.orders import orders
from crm_analytics.aggregates.purchase_days import money_back, purchase_days
from crm_analytics.aggregates.sorted_orders import begins, sorted_orders
from crm_analytics.extracts.base import CustomerBase
from crm_analytics.extracts.readers import as_extract

LINES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "Zoë", "a much longer id than fits in a view"]),
        st.integers(1, 9),
        st.sampled_from([0.0, 1.0, 2.5, 10.0, -1.0, -10.0]),
        st.sampled_from(["1", "2", "3", None]),
    ),
    min_size=1,
    max_size=30,
)
CUT = st.integers(2, 12)


def lines(rows, *, numbered):
    frame = pl.DataFrame(
        {
            "customer_id": [r[0] for r in rows],
            "ordered_at": [datetime(2026, 1, r[1], 9, r[1]) for r in rows],
            "amount": [r[2] for r in rows],
            "order_id": pl.Series([r[3] for r in rows], dtype=pl.String),
        }
    )
    return as_extract(frame if numbered else frame.drop("order_id"))


def plain(found, by):
    frame = found.collect("polars").to_native()
    return frame.select(sorted(frame.columns)).sort(by)


def named(frame, ids, by):
    frame = frame.with_columns(ids.gather(frame["customer"]).alias("customer_id")).drop("customer")
    return frame.select(sorted(frame.columns)).sort(by)


@given(LINES, CUT, st.booleans())
def test_the_orders_of_both_ways_are_the_same(rows, cut, numbered):
    extract, as_of = lines(rows, numbered=numbered), date(2026, 1, cut)
    found = sorted_orders(extract, as_of=as_of)
    chosen = ["amount", "customer_id", "is_purchase", "ordered_on", "positive_amount", "refunds"]
    expected = plain(orders(extract.frame, as_of=as_of), chosen).select(chosen)
    assert named(found.frame, found.ids, chosen).equals(expected)


@given(LINES, CUT, st.booleans(), st.booleans())
def test_purchase_days_and_money_back_are_the_same(rows, cut, numbered, free):
    extract, as_of = lines(rows, numbered=numbered), date(2026, 1, cut)
    found, by = sorted_orders(extract, as_of=as_of), ["customer_id", "ordered_on"]
    days = found.purchase_days(free_orders=free)
    assert named(days, found.ids, by).equals(
        plain(purchase_days(extract.frame, as_of=as_of, free_orders=free), by)
    )
    assert len(begins(days["customer"])) == days["customer"].n_unique()  # those of one stand side by side
    back = named(found.money_back(), found.ids, "customer_id")
    assert back.equals(plain(money_back(extract.frame, as_of=as_of), "customer_id"))


@given(LINES, CUT, st.booleans())
def test_a_summary_of_an_extract_is_that_of_its_frame(rows, cut, numbered):
    extract, as_of = lines(rows, numbered=numbered), date(2026, 1, cut)
    assert customer_summary(extract, as_of=as_of).equals(customer_summary(extract.frame, as_of=as_of))


def test_an_extract_narrowed_down_is_counted_anew():
    extract = lines([("a", 1, 2.5, "1"), ("b", 2, 1.0, "2")], numbered=False)
    base = CustomerBase("firm", tables={"transactions": extract})
    assert sorted_orders(extract, as_of=date(2026, 2, 1)).ids.to_list() == ["a", "b"]
    some = base.where(customer_ids=["b"]).table("transactions")
    assert sorted_orders(some, as_of=date(2026, 2, 1)).ids.to_list() == ["b"]


@pytest.mark.parametrize("numbered", [True, False])
def test_what_was_found_is_kept_and_not_pickled(numbered):
    extract = lines([("a", 1, 2.5, "1"), ("b", 2, 1.0, "2")], numbered=numbered)
    first = sorted_orders(extract, as_of=date(2026, 2, 1))
    assert sorted_orders(extract, as_of=date(2026, 2, 1)) is first
    again = pickle.loads(pickle.dumps(extract))  # noqa: S301 - our own
    assert again._known == {}
    assert sorted_orders(again, as_of=date(2026, 2, 1)).frame.equals(first.frame)


@pytest.mark.parametrize("numbered", [False, True])
def test_orders_of_several_blocks_are_those_of_one(numbered, monkeypatch):
    rows = [
        (f"c{i * 37 % 101}", 1 + i * 7 % 9, float(i % 13 - 2), str(i % 300) if i % 5 else None)
        for i in range(900)
    ]
    whole = sorted_orders(lines(rows, numbered=numbered), as_of=date(2026, 1, 8))
    monkeypatch.setattr(module, "BLOCK_ROWS", 50)
    parts = sorted_orders(lines(rows, numbered=numbered), as_of=date(2026, 1, 8))
    assert parts.frame.equals(whole.frame)
    by = ["customer_id", "ordered_on"]
    chosen = [*by, "amount", "is_purchase", "positive_amount", "refunds"]
    expected = plain(orders(lines(rows, numbered=numbered).frame, as_of=date(2026, 1, 8)), chosen)
    assert named(whole.frame, whole.ids, chosen).select(chosen).equals(expected.select(chosen))


def test_numbers_alike_in_their_leading_bits_are_told_apart():
    ranks, values = np.array([0, 0, 0, 1]), np.array([3, 2, 3, 1], np.uint64)
    assert module._in_order(ranks, values).tolist() == [1, 0, 2, 3]
    assert module._in_order(ranks, values << np.uint64(60)).tolist() == [1, 0, 2, 3]
