"""One row per customer: against a brute-force count in plain Python, and the same on every engine."""

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

DAY_0 = date(2026, 1, 1)
SCHEMA = {
    "customer_id": pl.String,
    "order_id": pl.String,
    "ordered_at": pl.Datetime("us"),
    "amount": pl.Float64,
    "cost": pl.Float64,
}

lines = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["1", "2", "3", None]),
        st.integers(0, 24 * 60).map(lambda hours: datetime(2026, 1, 1) + timedelta(hours=hours)),
        st.integers(-3000, 6000).map(lambda pence: pence / 100),
        st.one_of(st.none(), st.integers(0, 3000).map(lambda pence: pence / 100)),
    ),
    min_size=10,
    max_size=40,
).map(lambda rows: pl.DataFrame(rows, schema=SCHEMA, orient="row"))
days = st.integers(1, 70).map(lambda n: DAY_0 + timedelta(days=n))
early_days = st.integers(0, 35).map(lambda n: DAY_0 + timedelta(days=n))
late_days = st.integers(36, 70).map(lambda n: DAY_0 + timedelta(days=n))
columns_left_out = st.sampled_from([[], ["order_id"], ["cost"], ["order_id", "cost"]])


def brute_force(frame, as_of, start):
    """Count in plain Python, in whole pence, one customer after the other."""
    orders = defaultdict(list)
    for row in frame.iter_rows(named=True):
        day = row["ordered_at"].date()
        if day < as_of:
            key = ("order", row["order_id"]) if row.get("order_id") is not None else ("day", day)
            orders[row["customer_id"], key].append(row)
    by_customer = defaultdict(list)
    for (customer, _), rows in orders.items():
        pence = [round(r["amount"] * 100) for r in rows]
        costs = [r.get("cost") for r in rows]
        by_customer[customer].append((min(r["ordered_at"].date() for r in rows), pence, costs))
    found = []
    for customer in sorted(by_customer):
        everything = by_customer[customer]
        inside = [o for o in everything if start is None or o[0] >= start]
        if not inside:
            continue
        ever = [o for o in everything if sum(o[1]) > 0]
        bought = [o for o in inside if sum(o[1]) > 0]
        first = min((o[0] for o in ever), default=None)
        last = max((o[0] for o in bought), default=None)
        pence = [p for o in inside for p in o[1]]
        row = {
            "customer_id": customer,
            "n_orders": len(bought),
            "first_ordered_on": first,
            "last_ordered_on": last,
            "spend": sum(pence) / 100,
            "gross_spend": sum(p for p in pence if p > 0) / 100,
            "refunds": -sum(p for p in pence if p < 0) / 100,
            "spend_per_order": sum(pence) / 100 / len(bought) if bought else None,
            "active_days": len({o[0] for o in bought}),
            "first_order_amount": sum(sum(o[1]) for o in ever if o[0] == first) / 100 if ever else None,
            "first_day_number": first.toordinal() if first else None,
            "last_day_number": last.toordinal() if last else None,
        }
        if "cost" in frame.columns:
            costs = [c for o in inside for c in o[2]]
            known = [c for c in costs if c is not None]
            row["cost"] = sum(known) if known else None
            row["n_lines_without_cost"] = len(costs) - len(known)
            row["margin"] = row["spend"] - sum(known) if len(known) == len(costs) else None
        found.append(row)
    return found


def cases(function):
    return given(frame=lines, as_of=late_days, start=st.none() | early_days, left_out=columns_left_out)(
        function
    )


@cases
def test_agrees_with_counting_by_hand(frame, as_of, start, left_out):
    frame = frame.drop(left_out)
    summary = customer_summary(frame.lazy(), as_of=as_of, start=start)
    expected = pl.DataFrame(brute_force(frame, as_of, start), schema=summary.schema)
    assert_frame_equal(summary, expected, abs_tol=1e-6)


@settings(max_examples=20)
@cases
def test_duckdb_gives_the_same(frame, as_of, start, left_out):
    frame = frame.drop(left_out)
    here = customer_summary(frame.lazy(), as_of=as_of, start=start)
    there = customer_summary(duckdb.sql("select * from frame"), as_of=as_of, start=start)
    assert_frame_equal(here, there, check_exact=True)


@given(frame=lines, as_of=days, seed=st.integers(0, 9))
def test_the_order_of_rows_leaves_no_trace(frame, as_of, seed):
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    assert customer_summary(frame, as_of=as_of).equals(customer_summary(shuffled, as_of=as_of))


@given(frame=lines, as_of=days)
def test_spend_is_what_came_in_less_what_went_back(frame, as_of):
    summary = customer_summary(frame, as_of=as_of)
    seen = frame.filter(pl.col("ordered_at").dt.date() < as_of)
    assert summary["spend"].sum() == pytest.approx(seen["amount"].sum(), abs=1e-6)
    assert_frame_equal(
        summary.select("spend"), summary.select(spend=pl.col("gross_spend") - pl.col("refunds")), abs_tol=1e-6
    )
    assert (summary["active_days"] <= summary["n_orders"]).all()
    assert summary["customer_id"].is_sorted()


@given(frame=lines, as_of=late_days, start=early_days)
def test_the_first_purchase_is_decided_on_all_history(frame, as_of, start):
    whole = customer_summary(frame, as_of=as_of)
    window = customer_summary(frame, as_of=as_of, start=start)
    same = ["customer_id", "first_ordered_on", "first_order_amount", "first_day_number"]
    assert_frame_equal(
        window.select(same),
        whole.select(same).filter(pl.col("customer_id").is_in(window["customer_id"].implode())),
    )


def test_customers_with_nothing_but_refunds_are_kept_without_orders():
    frame = pl.DataFrame(
        {
            "customer_id": ["a", "b", "b"],
            "order_id": ["1", "2", "3"],
            "ordered_at": [datetime(2026, 1, d) for d in (1, 2, 3)],
            "amount": [-5.0, 3.0, -10.0],
        }
    )
    summary = customer_summary(frame, as_of=date(2026, 2, 1))
    columns = ("customer_id", "n_orders", "spend", "refunds", "spend_per_order", "last_ordered_on")
    assert summary.select(columns).rows() == [
        ("a", 0, -5.0, 5.0, None, None),
        ("b", 1, -7.0, 10.0, -7.0, date(2026, 1, 2)),
    ]


def test_no_rows_give_an_empty_summary_of_the_same_columns():
    frame = pl.DataFrame(schema=SCHEMA)
    summary = customer_summary(frame, as_of=DAY_0)
    assert summary.is_empty()
    assert summary.columns[0] == "customer_id"
    assert summary.columns[-1] == "margin"


@pytest.mark.real_data
def test_online_retail_has_its_known_customers(online_retail):
    # 4,372 customers in all, 4,338 with a purchase at a price; 406,829 lines carry a customer id.
    summary = customer_summary(online_retail, as_of=date(2011, 12, 10))
    assert summary.height == 4372
    assert (summary["n_orders"] > 0).sum() == 4338
    assert summary["gross_spend"].sum() == pytest.approx(8_911_407.90, abs=0.01)


@pytest.mark.real_data
def test_online_retail_on_duckdb_gives_the_same(online_retail):
    here = customer_summary(online_retail, as_of=date(2011, 6, 1), start=date(2011, 1, 1))
    there = customer_summary(
        duckdb.sql("select * from online_retail"), as_of=date(2011, 6, 1), start=date(2011, 1, 1)
    )
    assert_frame_equal(here, there, check_exact=True)


@pytest.fixture(scope="module")
def online_retail(shared_data):
    """Give the lines with a customer id, read plainly, without this library's door."""
    raw = pl.read_csv(shared_data("online_retail/online_retail.csv"), infer_schema_length=0)
    return raw.filter(pl.col("CustomerID").is_not_null()).select(
        customer_id=pl.col("CustomerID").str.strip_suffix(".0"),
        order_id="InvoiceNo",
        ordered_at=pl.col("InvoiceDate").str.to_datetime(time_unit="us"),
        amount=pl.col("Quantity").cast(pl.Float64) * pl.col("UnitPrice").cast(pl.Float64),
    )
