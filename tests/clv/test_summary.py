"""The summary: hand-worked histories, money that adds up, exact time, ends of observation, and equal results on DuckDB."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from crm_analytics import clv
from crm_analytics.aggregates.purchase_days import money_back, purchase_days, purchase_instants
from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError

LINES = pl.DataFrame(
    [
        ("a", "1", datetime(2026, 1, 1, 9), 10.0),
        ("a", "1", datetime(2026, 1, 1, 9), 5.0),
        ("a", "2", datetime(2026, 1, 1, 18), 5.0),
        ("a", "3", datetime(2026, 1, 8, 12), 30.0),
        ("a", "4", datetime(2026, 1, 22, 12), 50.0),
        ("a", "R", datetime(2026, 1, 25, 12), -10.0),
        ("b", "5", datetime(2026, 1, 15, 12), 7.0),
        ("c", "6", datetime(2026, 1, 10, 12), -4.0),
    ],
    schema=["customer_id", "order_id", "ordered_at", "amount"],
    orient="row",
)


def test_histories_by_hand():
    found = clv.summarise(LINES, as_of="2026-01-30", unit="week")
    # 100 bought and 10 paid back: nine tenths of each pound are left; c bought nothing
    expected = pl.DataFrame(
        {
            "customer_id": ["a", "b"],
            "frequency": [2, 0],
            "recency": [3.0, 0.0],
            "T": [4.0, 2.0],
            "monetary_value": [36.0, 0.0],
            "first_value": [18.0, 7.0],
            "time_unit": ["week", "week"],
        }
    )
    assert_frame_equal(found, expected)


def test_money_adds_up_to_the_net_spend_of_the_buyers():
    found = clv.summarise(LINES)
    total = (found["first_value"] + found["frequency"] * found["monetary_value"]).sum()
    assert total == pytest.approx(LINES.filter(pl.col("customer_id") != "c")["amount"].sum())


def test_holdout_counts_what_came_after():
    found = clv.summarise(LINES, as_of="2026-01-30", calibration_end="2026-01-16")
    assert found.select(
        "customer_id", "frequency", "frequency_holdout", "spend_holdout", "holdout_length"
    ).rows() == [
        ("a", 1, 1, 50.0, 14.0),
        ("b", 0, 0, 0.0, 14.0),
    ]


def test_exact_time_counts_every_order_at_its_instant():
    found = clv.summarise(LINES, as_of="2026-01-30", exact=True).row(0, named=True)
    assert found["frequency"] == 3
    assert found["recency"] == pytest.approx(21 + 3 / 24)
    assert found["T"] == pytest.approx(29 - 9 / 24)


def test_customers_are_observed_until_their_own_end():
    ends = pl.DataFrame({"customer_id": ["a", "z"], "observed_until": [date(2026, 1, 10), date(2026, 1, 1)]})
    found = clv.summarise(LINES, as_of="2026-01-30", observed_until=ends)
    assert found.select("customer_id", "frequency", "recency", "T").rows() == [
        ("a", 1, 7.0, 9.0),
        ("b", 0, 0.0, 14.0),
    ]


def test_an_end_after_as_of_changes_nothing():
    ends = pl.DataFrame({"customer_id": ["a"], "observed_until": [date(2030, 1, 1)]})
    assert_frame_equal(clv.summarise(LINES, observed_until=ends), clv.summarise(LINES))


def test_a_free_order_is_an_occasion_unless_said_otherwise():
    free = LINES.with_columns(amount=pl.when(pl.col("order_id") == "3").then(0.0).otherwise("amount"))
    assert clv.summarise(free)["frequency"][0] == 2
    assert clv.summarise(free, free_orders=False)["frequency"][0] == 1


@pytest.mark.parametrize("aggregate", [purchase_days, purchase_instants, money_back])
def test_polars_and_duckdb_agree(aggregate):
    relation = duckdb.connect().from_arrow(LINES.to_arrow())
    one, other = (
        aggregate(frame, as_of=date(2026, 1, 30)).collect("polars").to_native()
        for frame in (LINES.lazy(), relation)
    )
    assert_frame_equal(one, other.select(one.columns), check_row_order=False)


@given(st.data())
def test_histories_hold_together(data):
    n = data.draw(st.integers(1, 40))
    lines = pl.DataFrame(
        {
            "customer_id": data.draw(st.lists(st.sampled_from("abcd"), min_size=n, max_size=n)),
            "ordered_at": [
                datetime(2026, 1, d) for d in data.draw(st.lists(st.integers(1, 28), min_size=n, max_size=n))
            ],
            "amount": data.draw(
                st.lists(st.floats(-50, 99).map(lambda v: round(v, 2)), min_size=n, max_size=n)
            ),
        }
    )
    try:
        found = clv.summarise(lines)
    except NotEnoughDataError:
        daily = lines.group_by("customer_id", "ordered_at").agg(
            pl.col("amount").sum(), back=(pl.col("amount") < 0).any()
        )
        assert daily.filter((pl.col("amount") > 1e-6) | ~pl.col("back") & (pl.col("amount") == 0)).is_empty()
        return
    assert found["customer_id"].is_sorted()
    assert (found["recency"] <= found["T"]).all()
    assert ((found["frequency"] == 0) == (found["recency"] == 0)).all()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"unit": "fortnight"}, OptionError, "one of hour, day, week"),
        ({"as_of": "2026-01-20", "calibration_end": "2026-01-20"}, OptionError, "a day before as_of"),
        ({"exact": True, "seasonality": clv.Seasonality((1.0,) * 12)}, OptionError, "do not go together"),
        ({"observed_until": pl.DataFrame({"customer_id": ["a"]})}, ColumnError, "observed_until"),
    ],
)
def test_options_that_cannot_be_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        clv.summarise(LINES, **options)


def test_nobody_who_bought_is_a_plain_reason():
    with pytest.raises(NotEnoughDataError, match="customers with a purchase"):
        clv.summarise(LINES.filter(pl.col("customer_id") == "c"))
