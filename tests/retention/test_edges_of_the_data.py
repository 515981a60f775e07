"""Odd extracts: nobody, one customer, many years, contracts of no length; the words and pictures that come of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.retention.repeat_purchase.words import _part
from crm_analytics.retention.revenue.outlook import renewal_of
from crm_analytics.retention.survival.tables import steepest
from crm_analytics.stats.binomial_trend import binomial_trend


def orders(*rows):
    schema = {"customer_id": pl.String, "ordered_at": pl.Datetime("us"), "amount": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def spread(n=8000, years=20, people=400, seed=1):
    """Give orders at random over many years."""
    rng = np.random.default_rng(seed)
    days, who = rng.integers(0, 365 * years, n), rng.integers(0, people, n)
    begin = datetime(2006, 1, 1)
    return orders(*((f"c{c}", begin + timedelta(days=int(d)), 10.0) for c, d in zip(who, days, strict=True)))


def once_only(n=300):
    return orders(*((f"c{i}", datetime(2025, 1, 1) + timedelta(days=(7 * i) % 500), 10.0) for i in range(n)))


@pytest.mark.parametrize("ended", [date(2025, 1, 1), date(2025, 5, 1)], ids=["backward", "no length"])
def test_contracts_that_last_no_day_are_too_little(ended):
    frame = pl.DataFrame(
        {
            "customer_id": ["a", "b"],
            "started_on": [date(2025, 5, 1)] * 2,
            "ended_on": [ended] * 2,
            "monthly_amount": [10.0] * 2,
        }
    )
    with pytest.raises(NotEnoughDataError, match="last a day or more"):
        crm.revenue_retention(frame)


@pytest.mark.parametrize(("period", "view"), [("month", "cohorts"), ("week", "rates")])
def test_twenty_years_can_be_drawn(period, view):
    result = crm.revenue_retention(spread(), period=period, n_bootstrap=100)
    assert result.plot(view).data


def test_a_period_in_which_five_of_fifty_come_by_chance_is_no_peak():
    # one event in each of fifty periods, five in one: so much or more has a probability of 0.005, and 51 were looked at
    events = [1] * 50 + [5]
    table = pl.DataFrame({"tenure_period": range(1, 52), "n_at_risk": [50] * 51, "n_events": events})
    assert steepest(table) is None
    sure = table.with_columns(n_events=pl.when(pl.col("tenure_period") == 51).then(9).otherwise("n_events"))
    found = steepest(sure)
    assert found is not None
    assert (found.first, found.last) == (51, 51)


def test_a_share_that_never_varies_has_no_trend_and_many_cohorts_are_not_too_few():
    headline = crm.cohort_retention(once_only()).headline()
    assert "month-1 retention is 0.0% in each of 15 cohorts" in headline
    assert "too few" not in headline


def test_the_interval_of_a_trend_holds_nought_wherever_the_test_finds_none():
    rng = np.random.default_rng(5)
    for _ in range(300):
        n = rng.integers(1, 40, 12)
        found = binomial_trend(rng.binomial(n, rng.uniform(0.05, 0.95)), n, np.arange(12))
        if found is not None and found.p_value >= 0.05:
            assert found.change_lower <= 0 <= found.change_upper


def test_one_year_is_not_counted():
    headline = crm.revenue_retention(spread(), period="year", n_bootstrap=100).headline()
    assert "over the last year is" in headline
    assert "spent in the year before," in headline


@pytest.mark.parametrize(
    ("some", "of", "words"),
    [(0, 9, "none of the 9"), (3, 9, "3 of the 9"), (9, 9, "all 9"), (1, 1, "the one customer")],
)
def test_parts_of_a_whole_read_well(some, of, words):
    assert _part(some, of).startswith(words)


def test_nobody_came_and_nobody_went():
    frame = orders(
        *((f"c{i}", datetime(2024 + m // 12, m % 12 + 1, 5), 10.0) for i in range(6) for m in range(24))
    )
    assert crm.lifecycle(frame, n_draws=100).headline() == (
        "In November 2025, nobody came in and nobody went dormant: the active base holds 6."
    )


def test_where_all_ends_are_later_the_error_says_so():
    frame = pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(20)],
            "started_on": [date(2025, 1, 1 + i) for i in range(20)],
            "ended_on": [date(2025, 6, 1 + i) for i in range(20)],
        }
    )
    with pytest.raises(NotEnoughDataError, match="20 ends on or after as_of, 2025-01-21, have happened"):
        crm.survival(frame)
    seen = crm.survival(frame, as_of="2025-08-01")
    assert "Nobody is still there" in next(n.text for n in seen.notes if n.code == "censoring")


def test_a_median_that_hangs_on_few_early_entries_says_so():
    begin = [date(2025, 1, 1) - timedelta(days=90)] * 40 + [date(2025, 1, 2)] * 3
    ends = [None] * 40 + [date(2025, 1, 5)] * 2 + [None]
    frame = pl.DataFrame(
        {"customer_id": [f"c{i}" for i in range(43)], "started_on": begin, "ended_on": ends},
        schema={"customer_id": pl.String, "started_on": pl.Date, "ended_on": pl.Date},
    )
    result = crm.survival(frame, start="2025-01-01", as_of="2025-06-01", grace_days=0)
    assert "hangs on fewer than 10 customers seen at early ages" in result.headline()


def test_where_nobody_has_come_back_yet_the_share_is_not_surely_nought():
    """The exact bound of none among 40, before the first return as after it."""
    early = orders(*((f"c{i}", datetime(2025, 1, 5), 10.0) for i in range(40)))
    late = orders(*((f"c{i}", datetime(2025, 3, 5), 10.0) for i in range(0, 40, 2)))
    steps = crm.repeat_purchase(pl.concat([early, late])).tables()["steps"].row(0, named=True)
    bound = 1 - 0.025 ** (1 / 40)
    assert (steps["return_30d_rate"], steps["return_30d_rate_lower"]) == (0.0, 0.0)
    assert steps["return_30d_rate_upper"] == pytest.approx(bound)


def test_where_nobody_has_left_yet_nobody_is_surely_kept():
    rows = pl.DataFrame({"customer_id": [f"c{i}" for i in range(60)], "started_on": [date(2025, 1, 1)] * 60})
    group = crm.survival(rows, as_of="2027-01-01").tables()["groups"].row(0, named=True)
    least = 0.025 ** (1 / 60)
    assert (group["until_day"], group["kept_rate"], group["kept_rate_upper"]) == (365, 1.0, 1.0)
    assert group["kept_rate_lower"] == pytest.approx(least)
    assert group["restricted_mean_days"] == 365
    assert group["restricted_mean_days_lower"] == pytest.approx(365 * (1 - least) / -np.log(least))


def test_sums_beyond_what_is_exact_are_refused_not_run_over():
    huge = orders(*((f"c{i % 9}", datetime(2025, 1, 5) + timedelta(days=31 * i), 1e12) for i in range(12)))
    with pytest.raises(
        OptionError, match=r"come to 12,000,000,000,000 altogether.*Divide them by a thousand"
    ):
        crm.revenue_retention(huge)
    fits = crm.revenue_retention(huge.with_columns(pl.col("amount") / 1000), trailing_months=1).tables()[
        "bridge"
    ]
    assert fits["ledger_revenue"].sum() == pytest.approx(1.2e10)


def test_contracts_that_cost_nothing_are_told_how_to_be_counted():
    free = pl.DataFrame({"customer_id": ["a"], "started_on": [date(2025, 1, 1)], "monthly_amount": [0.0]})
    with pytest.raises(
        NotEnoughDataError, match=r"No contract costs anything.*columns=\{'monthly_amount': ''\}"
    ):
        crm.revenue_retention(free, as_of="2025-06-01")
    counted = crm.read_subscriptions(free, columns={"monthly_amount": ""})
    bridge = crm.revenue_retention(counted, as_of="2025-06-01").tables()["bridge"]
    assert bridge["closing_customers"].to_list() == [1] * 5


def yearly(n=1500, seed=2):
    """Contracts of a year each, renewed with a chance of the customer's own; and that chance of those still there."""
    rng = np.random.default_rng(seed)
    rows, stay = [], []
    for i in range(n):
        began, leaves = date(2020, 1, 1) + timedelta(days=int(rng.integers(0, 1700))), rng.beta(2, 6)
        year = began.year + int(rng.geometric(leaves))
        ended = date(year, began.month, min(began.day, 28) if began.month == 2 else began.day)
        seen = ended < date(2026, 1, 1)
        rows.append((f"c{i}", began, ended if seen else None, 10.0))
        stay += [] if seen else [1 - leaves]
    schema = ("customer_id", "started_on", "ended_on", "monthly_amount")
    return pl.DataFrame(rows, schema=schema, orient="row"), stay


def test_contracts_by_the_year_are_looked_ahead_by_the_year():
    """Within twelve months every one of them comes up for renewal once: what is left is known from the simulation."""
    frame, stay = yearly()
    result = crm.revenue_retention(frame, as_of="2026-01-01")
    ahead = result.tables()["outlook"].row(12, named=True)
    assert ahead["customers_ahead_lower"] <= sum(stay) <= ahead["customers_ahead_upper"]
    assert ahead["customers_ahead"] == pytest.approx(sum(stay), rel=0.03)
    codes = {n.code: n.text for n in result.notes}
    assert "renewed by the year (contracts end with whole years)" in codes["outlook_model"]
    assert "definitions_differ" not in codes, "all definitions agree where nobody pays more or comes back"


def test_contracts_by_the_month_are_looked_ahead_by_the_month():
    spells = pl.DataFrame(
        {"started_on": [date(2025, 1, 31)] * 24, "last_on": [date(2025, 1 + i % 12, 28) for i in range(24)]}
    )
    assert renewal_of(spells.with_columns(is_lost=True), date(2026, 1, 1)) == "month"
    assert renewal_of(spells.head(3).with_columns(is_lost=True), date(2026, 1, 1)) == "month"
    quarters = spells.with_columns(last_on=pl.lit(date(2025, 7, 31)), is_lost=True)
    assert renewal_of(quarters, date(2026, 1, 1)) == "quarter"


def test_orders_that_say_nothing_but_when_and_how_much_have_no_first_purchase_to_compare():
    first = crm.repeat_purchase(once_only()).tables()["first_purchase"]
    assert first.is_empty()
    assert first.schema["evidence"] == first.schema["first_value"] == pl.String
