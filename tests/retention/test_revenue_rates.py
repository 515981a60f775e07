"""Rates of retention and churn: vendors' own examples, hand-worked figures, brute force by day, and honest intervals."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crm_analytics as crm
from crm_analytics.retention.revenue.days import by_day, count_bounds
from crm_analytics.retention.revenue.definitions import DEFINITIONS, chained
from crm_analytics.retention.revenue.ledger import of_contracts
from crm_analytics.retention.revenue.rates import percentile_or_none, where_nothing_moved
from crm_analytics.retention.revenue.sums import summed
from crm_analytics.stats.customer_draws import Draws

SCHEMA = {
    "customer_id": pl.String, "started_on": pl.Date, "ended_on": pl.Date, "monthly_amount": pl.Float64,
}  # fmt: skip
BEFORE = date(2025, 5, 10)


def contracts(*rows):
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def definitions(*rows, as_of=date(2025, 7, 1), **options):
    """Rates of the last whole period and of the stretch, by key of the definition."""
    table = crm.revenue_retention(contracts(*rows), as_of=as_of, **options).tables()["definitions"]
    named = {(d.measure, d.name): d.key for d in DEFINITIONS}
    return {named[r["rate_name"], r["rate_definition"]]: r for r in table.to_dicts()}


def rate(found, key):
    return found[key]["rate"]


def test_chartmogul_example_of_mrr_churn():
    """ChartMogul's help page "MRR churn rate": of 100, 10 churned, 10 contracted, 10 expanded: gross 20%, net 10%."""
    found = definitions(
        ("churns", BEFORE, date(2025, 6, 10), 10.0),
        ("shrinks", BEFORE, date(2025, 6, 10), 40.0), ("shrinks", date(2025, 6, 10), None, 30.0),
        ("grows", BEFORE, date(2025, 6, 10), 50.0), ("grows", date(2025, 6, 10), None, 60.0),
    )  # fmt: skip
    assert rate(found, "revenue_churn") == pytest.approx(0.20)
    assert rate(found, "revenue_churn_net") == pytest.approx(0.10)
    assert rate(found, "revenue_churn_left") == pytest.approx(0.10)
    assert rate(found, "gross_period") == pytest.approx(0.80)
    assert rate(found, "period") == pytest.approx(0.90)


def test_chartmogul_example_of_customer_churn():
    """ChartMogul's help page "Churn rate formulas": 100 at the start, 12 churned, of whom one came back and one had joined."""
    rows = [(f"c{i:03d}", BEFORE, None, 1.0) for i in range(89)]
    rows += [(f"d{i:03d}", BEFORE, date(2025, 6, 12), 1.0) for i in range(11)]
    rows += [("d000", date(2025, 6, 20), None, 1.0), ("e", date(2025, 6, 5), date(2025, 6, 25), 1.0)]
    found = definitions(*rows)
    assert rate(found, "churn_opening") == pytest.approx(0.10)
    assert rate(found, "churn_with_new") == pytest.approx(12 / 102), "12 left; 100 and two arrivals"


def test_chartmogul_example_of_a_day():
    """The same page: 100 at the start of the day and 95 at its end are 5% under the Shopify formula."""
    rows = [("stays", BEFORE, None, 95.0), ("goes", BEFORE, date(2025, 6, 12), 5.0)]
    assert rate(definitions(*rows), "revenue_churn_daily") == pytest.approx(0.05)


def test_shopify_counts_leavers_per_customer_and_day():
    """Noble (2011): leavers over the mean number of customers there on a day."""
    rows = [(f"c{i}", BEFORE, None, 1.0) for i in range(9)] + [("goes", BEFORE, date(2025, 6, 16), 1.0)]
    found = definitions(*rows)
    assert rate(found, "churn_daily_weighted") == pytest.approx(1 / ((16 * 10 + 14 * 9) / 30))
    assert rate(found, "churn_daily") == pytest.approx(0.1)
    assert rate(found, "churn_daily_compounded") == pytest.approx(0.1)


@pytest.fixture(scope="module")
def year():
    """a grows 100 to 120, b shrinks 50 to 30, c (50) leaves, d had left and is back with 40, e is new with 60."""
    return definitions(
        ("a", date(2024, 3, 5), date(2025, 2, 5), 100.0), ("a", date(2025, 2, 5), None, 120.0),
        ("b", date(2024, 3, 5), date(2024, 9, 5), 50.0), ("b", date(2024, 9, 5), None, 30.0),
        ("c", date(2024, 3, 5), date(2024, 12, 5), 50.0),
        ("d", date(2024, 3, 5), date(2024, 5, 5), 40.0), ("d", date(2025, 6, 5), None, 40.0),
        ("e", date(2024, 11, 5), None, 60.0),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("cohort", 150 / 200),
        ("cohort_with_returned", 190 / 200),
        ("gross_cohort", 130 / 200),
        ("customers_cohort", 2 / 3),
        ("compounded", (180 / 200) * (190 / 240) * (210 / 190)),
        ("compounded_with_returned", (180 / 200) * (190 / 240) * (210 / 190) * (250 / 210)),
        ("gross_compounded", (180 / 200) * (190 / 240)),
        ("customers_compounded", 3 / 4),
        ("summed", 1 + (-20 - 50 + 20) / 200),
        ("churn_opening", 0.0),
        ("churn_annualised", 0.0),
    ],
)
def test_a_year_worked_out_by_hand(year, key, expected):
    assert rate(year, key) == pytest.approx(expected)


def test_differences_are_against_the_usual_definition_of_the_same_time(year):
    assert year["cohort"]["rate_difference"] == 0
    assert year["gross_compounded"]["rate_difference"] == pytest.approx(0.9 * 190 / 240 - 0.65)
    assert {r["stretch"] for r in year.values()} == {
        "June 2025", "12 months to June 2025", "a year at the pace of June 2025",
    }  # fmt: skip


def test_churn_annualised_compounds_and_does_not_multiply():
    rows = [(f"c{i:02d}", BEFORE, None, 1.0) for i in range(19)] + [("goes", BEFORE, date(2025, 6, 9), 1.0)]
    assert rate(definitions(*rows), "churn_annualised") == pytest.approx(1 - 0.95**12)
    quarters = definitions(*rows, period="quarter", trailing_months=3, as_of=date(2025, 10, 1))
    assert rate(quarters, "churn_annualised") == pytest.approx(0.0)


contract = st.tuples(
    st.sampled_from("ABCD"), st.integers(0, 120), st.one_of(st.none(), st.integers(1, 90)), st.integers(1, 90)
)


@given(st.lists(contract, min_size=1, max_size=10))
def test_daily_churn_as_counted_day_by_day(rows):
    first, as_of = date(2025, 1, 3), date(2025, 6, 1)
    made = [
        (w, first + timedelta(b), None if n is None else first + timedelta(b + n), a / 4)
        for w, b, n, a in rows
    ]

    def on(day):
        there = {}
        for who, begin, end, amount in made:
            if begin <= day and (end is None or end > day or end >= as_of):
                there[who] = there.get(who, Fraction(0)) + Fraction(amount)
        return there

    ledger = of_contracts(crm.read_subscriptions(contracts(*made)), as_of, "month", 0)
    found = by_day(ledger)
    for t, (start, end) in enumerate(zip(ledger.starts, ledger.ends, strict=True)):
        total, money, kept, left, came = Fraction(0), Fraction(0), Fraction(1), 0, 0
        for i in range((end - start).days):
            before, after = on(start + timedelta(i - 1)), on(start + timedelta(i))
            gone, new = len(before.keys() - after.keys()), len(after.keys() - before.keys())
            left, came = left + gone, came + new
            if before:
                total += Fraction(gone, len(before))
                kept *= 1 - Fraction(gone, len(before))
                fallen = sum(max(b - after.get(w, Fraction(0)), Fraction(0)) for w, b in before.items())
                money += fallen / sum(before.values())
        assert found.customers["sum"][t] == pytest.approx(float(total))
        assert found.customers["compounded"][t] == pytest.approx(float(1 - kept), abs=1e-9)
        assert found.revenue["sum"][t] == pytest.approx(float(money), abs=1e-9)
        assert (found.left[t], found.came[t]) == (left, came)


def test_rates_stand_only_where_both_ends_were_seen():
    rows = [("a", date(2025, 1, 5), None, 10.0), ("b", date(2025, 3, 5), date(2025, 4, 20), 10.0)]
    table = crm.revenue_retention(contracts(*rows), as_of=date(2025, 6, 15)).tables()["rates"]
    single = table.filter(pl.col("rate_definition") == "One period")
    assert single["period_on"].to_list() == [date(2025, m, 1) for m in (2, 3, 4, 5)], "June is not over"
    assert single["rate"].to_list() == [1.0, 1.0, 0.5, 1.0]


def test_chained_rates_are_products_of_as_many_as_asked():
    assert chained(np.array([np.nan, 0.5, 0.8, 0.5]), 2)[2:].tolist() == [0.4, 0.4]
    assert np.isnan(chained(np.array([np.nan, 0.5, 0.8]), 2)[:2]).all()


def test_where_nobody_moved_the_interval_has_a_width():
    value, still = np.array([1.0, 0.0, 1.2]), np.array([1.0, 0.0, 1.2])
    lower, upper = where_nothing_moved(value, still, still, np.array([10.0, 10.0, 10.0]))
    assert lower[0] == pytest.approx(0.7225, abs=1e-4), "Wilson's for 10 of 10"
    assert upper[1] == pytest.approx(0.2775, abs=1e-4)
    assert np.isnan(lower[2]), "no more is known than that all grew alike"


def test_a_few_large_customers_are_fewer_than_many_small_ones():
    even = definitions(*[(f"c{i:02d}", BEFORE, None, 10.0) for i in range(40)])
    uneven = definitions(
        *[(f"c{i:02d}", BEFORE, None, 1.0) for i in range(38)],
        ("x", BEFORE, None, 200.0),
        ("y", BEFORE, None, 162.0),
    )
    assert uneven["gross_period"]["rate_lower"] < even["gross_period"]["rate_lower"] < 1


def test_bounds_of_no_leavers_reach_up():
    low, high = count_bounds(np.array([0.0]), np.array([0.0]), np.array([100.0]))
    assert (low[0], high[0]) == (0.0, pytest.approx(0.037, abs=1e-3))


def population(rng, n):
    """Customers with skewed revenue: 20% leave, 25% grow by a half; the truth is 0.8 + 0.25 * 0.5 of those who stay."""
    before = np.ceil(rng.lognormal(3.0, 1.0, n))
    stays = rng.random(n) < 0.8
    grows = rng.random(n) < 0.25
    after = np.where(stays, before * np.where(grows, 1.5, 1.0), 0.0)
    movement = np.where(~stays, "lost", np.where(grows, "expansion", "unchanged"))
    return pl.DataFrame(
        {
            "customer": np.arange(n), "period": np.zeros(n, np.int64), "before": (before * 1e6).astype(np.int64),
            "after": (after * 1e6).astype(np.int64), "was": True, "is": stays, "movement": movement,
        }
    )  # fmt: skip


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(11)
    truth, n, held = 0.8 * (1 + 0.25 * 0.5), 250, 0
    draws = Draws.of(n, 400, seed=2)
    for _ in range(200):
        sums = summed(population(rng, n), "period", 1, draws, ("before", "kept"))
        lower, upper = percentile_or_none(sums.drawn["kept"] / sums.drawn["before"])
        held += bool(lower[0] <= truth <= upper[0])
    assert 0.88 <= held / 200 <= 0.99, "95% as a rule; a little less, as revenue is skewed"


def test_drawing_groups_of_customers_gives_the_same_width_as_drawing_customers():
    rng = np.random.default_rng(3)
    moved = population(rng, 20_000)
    widths = []
    for most in (20_000, 1_000):
        draws = Draws.of(20_000, 300, seed=5, most=most)
        sums = summed(moved, "period", 1, draws, ("before", "kept"))
        widths.append(float(np.std(sums.drawn["kept"] / sums.drawn["before"])))
    assert widths[1] == pytest.approx(widths[0], rel=0.15)
