"""Retention of one base under several products' definitions."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import crm_analytics as crm
from crm_analytics.aggregates.calendar_numbers import Calendar
from crm_analytics.retention.cohorts.definitions import DEFINITIONS, average, compare_definitions, spread


def orders(*bought):
    """Make purchases from pairs of customer and instant."""
    return pl.LazyFrame(
        [{"customer_id": who, "ordered_at": datetime.fromisoformat(at), "amount": 10.0} for who, at in bought]
    )


def rates(table, definition):
    """Give rate and counts by period."""
    rows = table.filter(pl.col("definition") == definition)
    return {r["period"]: (r["retention_rate"], r["n_customers"], r["n_active"]) for r in rows.to_dicts()}


def test_mixpanels_own_example_gives_56_percent_where_pooling_gives_60():
    """Mixpanel's documentation: 500 of 1,000 and 400 of 500 users came back."""
    by_power = [average([1000, 500], [500, 400], power)[0] for power in (2, 1, 0)]
    assert by_power == pytest.approx([0.56, 0.60, 0.65])


@pytest.mark.parametrize("power", [0, 1, 2])
def test_averages_of_equal_cohorts_agree_and_scatter_like_all_their_customers(power):
    rate, effective = average([50, 50, 50], [10, 20, 30], power)
    assert rate == pytest.approx(0.4)
    assert effective == pytest.approx(150)


def test_unequal_weights_tell_less_than_their_customers():
    assert average([1000, 10], [500, 5], 1)[1] == pytest.approx(1010)
    assert average([1000, 10], [500, 5], 0)[1] < 40


THREE = orders(
    ("a", "2026-01-05 10:00"), ("a", "2026-02-20 10:00"),
    ("b", "2026-01-31 10:00"), ("b", "2026-02-02 10:00"), ("b", "2026-04-15 10:00"),
    ("c", "2026-02-10 10:00"),
)  # fmt: skip
"""a comes back after 46 days, b after 2 and 74, c not."""


def test_pooled_by_hand():
    table = compare_definitions(THREE, as_of=date(2026, 5, 1))
    got = rates(table, "Pooled")
    assert got[1] == (pytest.approx(2 / 3), 3, 2)  # a and b in February, c not in March
    assert got[2] == (0.0, 3, 0)  # nobody in March, c not in April
    assert got[3] == (pytest.approx(1 / 2), 2, 1)  # b in April; c's May has not begun


def test_posthog_weights_to_the_pooled_share_and_its_simple_mean_does_not():
    table = compare_definitions(THREE, as_of=date(2026, 5, 1))
    assert rates(table, "Weighted mean") == rates(table, "Pooled")
    assert rates(table, "Simple mean")[1][0] == pytest.approx((2 / 2 + 0 / 1) / 2)


def test_amplitude_runs_each_customers_own_months_of_30_days():
    table = compare_definitions(THREE, as_of=date(2026, 5, 1))
    got = rates(table, "Return on")
    assert got[1] == (pytest.approx(1 / 3), 3, 1)  # a on day 46; b on day 2 is still in month 0
    assert got[2] == (pytest.approx(1 / 2), 2, 1)  # b on day 74; c is 80 days old and month 2 not over
    assert rates(table, "Return on or after")[1] == (pytest.approx(2 / 3), 3, 2)


def test_amplitude_rounds_hours_down():
    """Its documentation: first event 5:59 pm, next day 5:00 pm is day 1."""
    bought = orders(("a", "2026-12-01 17:59"), ("a", "2026-12-02 17:00"))
    table = compare_definitions(bought, as_of=date(2026, 12, 5), calendar=Calendar("day"))
    assert rates(table, "Return on")[1] == (1.0, 1, 1)
    late = orders(("a", "2026-12-01 17:59"), ("a", "2026-12-02 16:59"))
    table = compare_definitions(late, as_of=date(2026, 12, 5), calendar=Calendar("day"))
    assert rates(table, "Return on")[1] == (0.0, 1, 0)
    assert rates(table, "Pooled")[1] == (1.0, 1, 1)


def test_amplitude_counts_weeks_in_days_from_the_first():
    """Its documentation: first event on 1 December; 8 to 14 December is week 1."""
    for day, back in ((7, 0), (8, 1), (14, 1)):
        bought = orders(("a", "2026-12-01 23:00"), ("a", f"2026-12-{day:02} 01:00"))
        table = compare_definitions(bought, as_of=date(2027, 1, 5), calendar=Calendar("week"))
        assert rates(table, "Return on")[1][2] == back, day


def test_mixpanel_lets_a_regular_into_every_cohort_and_counts_any_later_return():
    table = compare_definitions(THREE, as_of=date(2026, 5, 1))
    # January a, b; February a, b, c; on or after 30 days: a (46 days) and b (74), then only b (72 of 20 February's)
    rate, n, active = rates(table, "Weighted average")[1]
    assert (n, active) == (5, 3)
    assert rate == pytest.approx((2 * 2 + 3 * 1) / (2 * 2 + 3 * 3))


def test_shopify_calls_a_customer_returning_before_the_return():
    november = orders(("a", "2026-10-05"), ("b", "2026-10-06"))
    with_december = orders(("a", "2026-10-05"), ("b", "2026-10-06"), ("a", "2026-12-24"))
    before = compare_definitions(november, as_of=date(2026, 12, 1))
    after = compare_definitions(with_december, as_of=date(2027, 1, 1))
    assert rates(before, "Ever returned")[1][0] == 0.0
    assert rates(after, "Ever returned")[1][0] == 0.5  # November's figure has changed
    assert rates(after, "Pooled")[1] == rates(before, "Pooled")[1] == (0.0, 2, 0)


@st.composite
def little_firms(draw):
    hours = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 24 * 200)), min_size=2, max_size=25)
    rows = draw(hours)
    begin = datetime(2025, 12, 1)
    return pl.DataFrame(
        [{"customer_id": who, "ordered_at": begin + timedelta(hours=h), "amount": 1.0} for who, h in rows]
    )


@settings(max_examples=30)
@given(frame=little_firms(), period=st.sampled_from(["day", "week", "month", "quarter", "year"]))
def test_the_pooled_rows_are_the_curve_of_the_cohort_table(frame, period):
    as_of = date(2026, 7, 1)
    result = crm.cohort_retention(frame, as_of=as_of, period=period, max_periods=12, compare_definitions=True)
    curve = result.tables()["curve"].filter(pl.col("period") > 0)
    pooled = rates(result.tables()["definitions"], "Pooled")
    assert {r["period"]: (r["n_customers"], r["n_active"]) for r in curve.to_dicts()} == {
        k: (n, active) for k, (_, n, active) in pooled.items()
    }


@settings(max_examples=30)
@given(frame=little_firms(), period=st.sampled_from(["day", "week", "month"]))
def test_what_every_definition_must_hold_to(frame, period):
    table = compare_definitions(frame.lazy(), as_of=date(2026, 7, 1), calendar=Calendar(period))
    assume(not table.is_empty())
    assert table["retention_rate"].is_between(0, 1).all()
    assert (table["n_active"] <= table["n_customers"]).all()
    bounds = table.drop_nulls("retention_rate_lower")
    assert (bounds["retention_rate_lower"] <= bounds["retention_rate"]).all()
    assert (bounds["retention_rate"] <= bounds["retention_rate_upper"]).all()
    on, later = rates(table, "Return on"), rates(table, "Return on or after")
    assert all(later[k][2] >= on[k][2] and later[k][1] == on[k][1] for k in on)
    ever, pooled = rates(table, "Ever returned"), rates(table, "Pooled")
    assert all(ever[k][1] >= pooled[k][1] for k in pooled)
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1).lazy()
    again = compare_definitions(shuffled, as_of=date(2026, 7, 1), calendar=Calendar(period))
    assert again.equals(table)


def test_start_leaves_out_earlier_customers_but_remembers_them():
    table = compare_definitions(THREE, as_of=date(2026, 5, 1), start=date(2026, 2, 1))
    assert rates(table, "Pooled")[1] == (0.0, 1, 0)  # c alone: a and b were there before
    assert rates(table, "Weighted average")[1][1] == 3  # all who bought in February


@pytest.mark.parametrize("period", ["quarter", "year"])
def test_periods_that_a_product_does_not_offer_have_no_row(period):
    table = compare_definitions(THREE, as_of=date(2029, 1, 1), calendar=Calendar(period))
    assert set(table["vendor"]) == {"crm_analytics", "Shopify"}


def test_refunds_are_activity_only_when_asked():
    frame = pl.LazyFrame(
        {
            "customer_id": ["a", "a"],
            "ordered_at": [datetime(2026, 1, 5), datetime(2026, 2, 5)],
            "amount": [10.0, -10.0],
        }
    )
    for activity, back in (("purchases", 0), ("any", 1)):
        table = compare_definitions(frame, as_of=date(2026, 3, 1), activity=activity)
        assert rates(table, "Pooled")[1][2] == back


def test_every_definition_says_whose_it_is_and_why_it_differs():
    assert DEFINITIONS[0].vendor == "crm_analytics"
    assert {"Mixpanel", "Amplitude", "PostHog", "Shopify"} <= {d.vendor for d in DEFINITIONS}
    table = compare_definitions(THREE, as_of=date(2026, 5, 1))
    assert (table["why"].str.len_chars() > 60).all()
    assert table.filter(definition="Pooled")["difference_from_pooled"].to_list() == [0.0] * 3


def test_the_spread_is_a_sentence_with_both_ends():
    table = compare_definitions(THREE, as_of=date(2026, 5, 1))
    said = spread(table)
    assert said.startswith("Retention of the same customers in month 1 is ")
    assert said.endswith("depending on the definition.")
    assert spread(table, at=99) is None


def test_nothing_bought_gives_an_empty_table():
    refunds = pl.LazyFrame({"customer_id": ["a"], "ordered_at": [datetime(2026, 1, 5)], "amount": [-1.0]})
    assert compare_definitions(refunds, as_of=date(2026, 3, 1)).is_empty()
