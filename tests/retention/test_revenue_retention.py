"""Revenue retention as a whole: what it says, its options, what it refuses, and the sample company's truth."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError

SCHEMA = {
    "customer_id": pl.String, "started_on": pl.Date, "ended_on": pl.Date, "monthly_amount": pl.Float64, "plan": pl.String,
}  # fmt: skip
AS_OF = date(2026, 7, 1)


def contracts(*rows):
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@pytest.fixture(scope="module")
def small():
    return contracts(
        ("a", date(2025, 1, 5), date(2026, 1, 5), 100.0, "Basic"), ("a", date(2026, 1, 5), None, 120.0, "Plus"),
        ("b", date(2025, 1, 5), date(2025, 11, 5), 50.0, "Plus"),
        ("c", date(2025, 1, 5), None, 50.0, "Plus"),
        ("d", date(2025, 9, 5), None, 70.0, "Basic"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def sample():
    base = crm.sample()
    return crm.revenue_retention(base.table("subscriptions"), as_of=AS_OF, customers=base.table("customers"))


def codes(result):
    return {n.code for n in result.notes}


def test_the_headline_has_the_rate_its_interval_and_what_became_of_the_revenue(small):
    said = crm.revenue_retention(small, as_of=AS_OF).headline()
    assert said.startswith("Net revenue retention over the last 12 months is 85.0% (95% interval ")
    assert said.endswith(
        "; 3 customers): of the 200.00 a month of 12 months before, 25.0% was lost or cut back, expansion added 10.0%, "
        "and 33.3% of the customers left."
    )


@pytest.mark.parametrize(
    ("convention", "words"),
    [
        ("cohort_with_returned", "(cohort, with returned customers (ChartMogul)) is 85.0%"),
        ("compounded", "(period by period, compounded) is "),
    ],
)
def test_another_convention_is_named(small, convention, words):
    assert words in crm.revenue_retention(small, as_of=AS_OF, convention=convention).headline()


def test_the_waterfall_ends_where_it_should(small):
    steps = crm.revenue_retention(small, as_of=AS_OF).tables()["waterfall"]
    amounts = dict(zip(steps["step"], steps["step_revenue"], strict=True))
    assert amounts == {
        "Opening": 200.0, "New": 70.0, "Returned": 0.0, "Expansion": 20.0, "Contraction": 0.0, "Lost": -50.0, "Closing": 240.0,
    }  # fmt: skip
    assert sum(v for k, v in amounts.items() if k != "Closing") == amounts["Closing"]


def test_plans_are_those_of_the_beginning(small):
    rows = crm.revenue_retention(small, as_of=AS_OF).tables()["segments"]
    assert rows.select("segment", "opening_revenue", "kept_revenue", "net_revenue_retention").rows() == [
        ("Basic", 100.0, 120.0, 1.2), ("Plus", 100.0, 50.0, 0.5),
    ]  # fmt: skip


def test_groups_from_the_customers_table(small):
    people = pl.DataFrame({"customer_id": ["a", "b", "c"], "country": ["GB", "DE", None]})
    result = crm.revenue_retention(small, as_of=AS_OF, customers=people, by="country")
    kept = dict(result.tables()["segments"].select("segment", "net_revenue_retention").rows())
    assert kept == {"GB": 1.2, "DE": 0.0, "Not known": 1.0}
    assert result.parameters["by"] == "country"


def test_an_unknown_group_is_named_with_a_suggestion(small):
    with pytest.raises(UnknownNameError, match="Did you mean 'plan'"):
        crm.revenue_retention(small, as_of=AS_OF, by="plann")


def test_many_groups_are_put_together(small):
    rows = [(f"c{i:02d}", date(2025, 1, 5), None, 10.0 + i, f"plan {i:02d}") for i in range(30)]
    table = crm.revenue_retention(contracts(*rows), as_of=AS_OF).tables()["segments"]
    assert table.height == 21
    assert table["segment"][-1] == "All others"
    assert table["opening_customers"].sum() == 30


def test_customers_with_their_movements(small):
    rows = crm.revenue_retention(small, as_of=AS_OF).tables()["customers"]
    assert rows.select("customer_id", "movement", "trailing_movement").rows() == [
        ("a", "unchanged", "expansion"), ("b", "gone", "lost"), ("c", "unchanged", "unchanged"), ("d", "unchanged", "new"),
    ]  # fmt: skip
    assert rows["customer_since_on"].to_list() == [date(2025, 1, 1)] * 3 + [date(2025, 9, 1)]


def test_without_amounts_customers_are_all_there_is(small):
    result = crm.revenue_retention(small.drop("monthly_amount"), as_of=AS_OF)
    assert result.headline().startswith("Customer retention over the last 12 months is 66.7% (95% interval")
    assert "no monthly amounts" in result.headline()
    assert "no_amounts" in codes(result)
    columns = {c for t in result.tables().values() for c in t.columns}
    assert not {c for c in columns if "revenue" in c or c == "quick_ratio"}
    assert result.tables()["bridge"]["closing_customers"][-1] == 3
    for view in result.views:
        assert "evenue" not in view.title
        result.plot(view.name)


def test_some_amounts_unknown_is_said(small):
    some = small.with_columns(
        pl.when(pl.col("customer_id") != "c").then("monthly_amount").alias("monthly_amount")
    )
    result = crm.revenue_retention(some, as_of=AS_OF)
    assert "some_amounts_unknown" in codes(result)
    assert result.tables()["waterfall"]["step_revenue"][0] == 150.0
    assert result.tables()["waterfall"]["step_customers"][0] == 3


def test_a_beginning_without_a_known_amount_is_no_beginning_for_revenue(small):
    rows = small.with_columns(
        pl.when(pl.col("customer_id") == "d").then("monthly_amount").alias("monthly_amount")
    )
    assert "over the last 9 months is 100.0%" in crm.revenue_retention(rows, as_of=AS_OF).headline()


@pytest.mark.parametrize("period", ["week", "quarter", "year"])
def test_every_calendar_gives_a_year(period, sample):
    table = crm.sample().table("subscriptions")
    steps = crm.revenue_retention(table, as_of=AS_OF, period=period, n_bootstrap=100).tables()["waterfall"]
    if period == "quarter":
        assert steps.equals(sample.tables()["waterfall"])
    assert steps["step_revenue"][:-1].sum() == pytest.approx(steps["step_revenue"][-1])


def test_start_shows_later_periods_and_forgets_nothing(small):
    whole, later = (crm.revenue_retention(small, as_of=AS_OF, start=s) for s in (None, date(2025, 10, 20)))
    assert later.tables()["bridge"]["period_on"][0] == date(2025, 10, 1)
    assert later.headline() == whole.headline()
    assert later.tables()["bridge"].row(0) == whole.tables()["bridge"].row(9)
    assert later.tables()["cohorts"].is_empty(), "nobody began later"


def test_the_unfinished_month_is_shown_and_in_no_rate(small):
    result = crm.revenue_retention(small, as_of=date(2026, 6, 15))
    assert result.tables()["bridge"]["is_complete"].to_list() == [True] * 17 + [False]
    assert result.tables()["rates"]["period_on"].max() == date(2026, 5, 1)
    assert result.tables()["bridge"]["quick_ratio"][-1] is None
    assert "unfinished_period" in codes(result)


def test_a_short_history_gives_a_shorter_stretch_and_says_so(small):
    result = crm.revenue_retention(small, as_of=date(2025, 9, 1))
    assert "over the last 7 months" in result.headline()
    assert "shorter_stretch" in codes(result)


def test_ends_after_the_last_start_are_pointed_out(small):
    assert "ends_not_seen" in codes(crm.revenue_retention(small.filter(pl.col("plan") != "Plus"), as_of=None))


def test_ends_a_day_before_the_next_start_are_pointed_out():
    rows = [
        (w, date(2025, m, 1), date(2025, m + 1, 1) - timedelta(1), 10.0, "Basic")
        for m in range(1, 12)
        for w in "abc"
    ]
    result = crm.revenue_retention(contracts(*rows), as_of=date(2025, 11, 15), grace_days=1)
    assert result.headline().startswith("Net revenue retention over the last 9 months is 100.0%")
    with pytest.raises(NotEnoughDataError, match="began without a customer"):
        crm.revenue_retention(contracts(*rows), as_of=date(2025, 11, 15))
    longer = contracts(*rows, ("d", date(2025, 1, 1), None, 10.0, "Basic"))
    assert "ends_a_day_before" in codes(crm.revenue_retention(longer, as_of=date(2025, 11, 15)))


def test_one_large_customer_is_pointed_out(small):
    assert "one_large_customer" in codes(crm.revenue_retention(small, as_of=AS_OF))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"period": "day"}, "week, month, quarter, year"),
        ({"convention": "vendor"}, "cohort_with_returned"),
        ({"trailing_months": 0}, "1 to 60 months"),
        ({"trailing_months": 7, "period": "quarter"}, "make whole quarters"),
        ({"grace_days": -1}, "0 to 92 days"),
        ({"outlook_months": 61}, "1 to 60 months"),
        ({"n_bootstrap": 10}, "at least 100"),
    ],
)
def test_options_out_of_range_are_refused(small, options, words):
    with pytest.raises(OptionError, match=words):
        crm.revenue_retention(small, as_of=AS_OF, **options)


def test_rates_of_single_periods_of_orders_are_not_compounded():
    orders = pl.DataFrame(
        {"customer_id": ["a"], "ordered_at": [datetime(2026, 1, 5)], "amount": [5.0], "order_id": ["1"]}
    )
    with pytest.raises(OptionError, match="has not left"):
        crm.revenue_retention(orders, convention="compounded")


def test_only_free_contracts_are_no_revenue():
    with pytest.raises(NotEnoughDataError, match="customers with revenue"):
        crm.revenue_retention(contracts(("a", date(2025, 1, 5), None, 0.0, "Free")), as_of=AS_OF)


def test_less_than_two_months_are_no_comparison(small):
    with pytest.raises(NotEnoughDataError, match="whole month"):
        crm.revenue_retention(small, as_of=date(2025, 2, 20))


def test_start_after_the_last_whole_month_is_refused(small):
    with pytest.raises(NotEnoughDataError, match=r"from 2026-06-01 on \(the last one begins on 2026-05-01\)"):
        crm.revenue_retention(small, as_of=date(2026, 6, 15), start=date(2026, 6, 1))


@pytest.fixture(scope="module")
def orders():
    """a buys more in the second year, b less, c nothing, d is new, e gets all back."""
    rows = [
        ("a", datetime(2024, 1, 1), 10.0), ("a", datetime(2024, 12, 31), 10.0), ("a", datetime(2025, 3, 1), 30.0),
        ("b", datetime(2024, 5, 1), 40.0), ("b", datetime(2025, 5, 1), 10.0),
        ("c", datetime(2024, 5, 1), 40.0), ("d", datetime(2025, 5, 1), 25.0),
        ("e", datetime(2025, 2, 1), 15.0), ("e", datetime(2025, 8, 1), -15.0),
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["customer_id", "ordered_at", "amount"], orient="row").with_columns(
        order_id=pl.int_range(pl.len()).cast(pl.String)
    )


@pytest.mark.parametrize("period", ["month", "quarter", "year"])
def test_orders_compare_a_year_with_the_year_before(orders, period):
    result = crm.revenue_retention(orders, as_of=date(2026, 1, 1), period=period)
    found = {r["rate_definition"]: r["rate"] for r in result.tables()["definitions"].to_dicts() if "Cohort" in r["rate_definition"] and r["rate_name"].startswith("Net")}  # fmt: skip
    assert found["Cohort, without returned customers"] == pytest.approx((30 + 10) / 100)
    steps = dict(result.tables()["waterfall"].select("step", "step_revenue").rows())
    assert (steps["Opening"], steps["New"], steps["Closing"]) == (100.0, 25.0, 65.0)
    assert "orders_are_no_contracts" in codes(result)
    assert "outlook" not in result.tables()


def test_a_first_month_that_is_not_whole_is_no_beginning(orders):
    late = orders.filter(pl.col("ordered_at") > datetime(2024, 1, 1)).with_columns(
        pl.col("ordered_at") + timedelta(1)
    )
    result = crm.revenue_retention(late, as_of=date(2026, 1, 1), period="month")
    assert not result.tables()["bridge"]["is_complete"][0]
    assert not result.tables()["cohorts"].filter(pl.col("cohort_on") == date(2024, 5, 1))["is_complete"].all()


def test_no_look_ahead(sample):
    early = date(2025, 7, 1)
    table = crm.sample().table("subscriptions").frame.collect()
    known = table.filter(pl.col("started_on") < early).with_columns(
        pl.when(pl.col("ended_on") < early).then("ended_on").alias("ended_on")
    )
    then = crm.revenue_retention(known, as_of=early).tables()
    late = sample.tables()["bridge"].head(24)
    assert (
        then["bridge"]
        .select("opening_revenue", "lost_revenue")
        .equals(late.select("opening_revenue", "lost_revenue"))
    )


def test_churn_in_the_first_month_is_that_of_the_truth(sample):
    """Of the sample company a / (a + b) = 0.9 / 11.9 leave at the first renewal, and nobody is back so soon."""
    cells = sample.tables()["cohorts"].filter((pl.col("cohort_age") == 1) & pl.col("is_complete"))
    n, there = cells["cohort_customers"].sum(), cells["customers_there"].sum()
    truth = 11.0 / 11.9
    assert there / n == pytest.approx(truth, abs=3 * np.sqrt(truth * (1 - truth) / n))


def test_changes_of_plan_are_those_of_the_truth(sample):
    """1.5% of the months of Basic and Plus end in an upgrade, 0.8% of those of Plus and Premium in a downgrade."""
    whole = sample.tables()["bridge"].filter("is_complete")
    base = crm.sample().table("subscriptions").frame.collect()
    months = {"up": 0, "down": 0}
    for day in whole["period_on"]:
        there = base.filter(
            (pl.col("started_on") < day) & (pl.col("ended_on").is_null() | (pl.col("ended_on") >= day))
        )
        months["up"] += there.filter(pl.col("plan") != "Premium").height
        months["down"] += there.filter(pl.col("plan") != "Basic").height
    for kind, column, chance in (
        ("up", "expanded_customers", 0.015), ("down", "contracted_customers", 0.008),
    ):  # fmt: skip
        n, p = months[kind], chance * 0.94  # some leave at the same renewal
        assert whole[column].sum() == pytest.approx(n * p, abs=4 * np.sqrt(n * p))


def test_the_outlook_made_a_year_ago_holds_what_came():
    table = crm.sample().table("subscriptions")
    ahead = crm.revenue_retention(table, as_of=date(2025, 7, 1)).tables()["outlook"].row(12, named=True)
    rows = table.frame.collect()

    def there(day):
        last = day - timedelta(1)
        return rows.filter(
            (pl.col("started_on") <= last) & (pl.col("ended_on").is_null() | (pl.col("ended_on") > last))
        )

    now = there(date(2026, 7, 1))["customer_id"]
    kept = there(date(2025, 7, 1)).filter(pl.col("customer_id").is_in(now.implode())).height
    assert ahead["customers_ahead_lower"] <= kept <= ahead["customers_ahead_upper"]


def test_the_outlook_finds_the_churn_of_the_sample(sample):
    """S(12) of the truth is 0.51."""
    note = next(n.text for n in sample.notes if n.code == "outlook_model")
    assert "of newcomers 51." in note or "of newcomers 52." in note or "of newcomers 50." in note


def test_the_outlook_starts_from_today_and_falls(sample):
    ahead = sample.tables()["outlook"]
    assert ahead["revenue_ahead"][0] == pytest.approx(sample.tables()["bridge"]["closing_revenue"][-1])
    assert (ahead["revenue_ahead"].diff().drop_nulls() < 0).all()


def test_without_a_loss_there_is_no_outlook_and_it_is_said():
    rows = [(w, date(2025, 1, 5), None, 10.0, "Basic") for w in "abc"]
    result = crm.revenue_retention(contracts(*rows), as_of=AS_OF)
    assert "no_outlook" in codes(result)
    assert "outlook" not in {v.name for v in result.views}


def test_cohorts_count_who_left_within_the_first_month():
    rows = [("a", date(2025, 1, 5), date(2025, 1, 20), 30.0, "x"), ("b", date(2025, 1, 5), None, 10.0, "x")]
    cell = (
        crm.revenue_retention(contracts(*rows), as_of=date(2025, 6, 1)).tables()["cohorts"].row(0, named=True)
    )
    assert (cell["cohort_first_revenue"], cell["cohort_revenue"], cell["revenue_kept_share"]) == (
        40.0,
        10.0,
        0.25,
    )
    assert (cell["cohort_customers"], cell["customers_there"]) == (2, 1)


def test_cohorts_add_up_to_the_bridge(sample):
    cells, bridge = sample.tables()["cohorts"], sample.tables()["bridge"]
    last = cells.group_by("cohort_on").last()
    assert last["cohort_revenue"].sum() == pytest.approx(bridge["closing_revenue"][-1])
    assert cells.group_by("cohort_on").first()["cohort_customers"].sum() == bridge["new_customers"].sum()


def test_the_interval_of_a_cohort_by_hand():
    """Revenue 10, 20, 30 of which 20 leaves: R = 40 / 60, s.e. = sqrt(3 s²) / 60 (Cochran 1977, section 2.11)."""
    rows = [
        ("a", date(2025, 1, 5), None, 10.0, "x"), ("b", date(2025, 1, 5), date(2025, 2, 5), 20.0, "x"),
        ("c", date(2025, 1, 5), None, 30.0, "x"),
    ]  # fmt: skip
    cell = (
        crm.revenue_retention(contracts(*rows), as_of=date(2025, 6, 1)).tables()["cohorts"].row(1, named=True)
    )
    rest = np.array([10 - 20 / 3, 0 - 40 / 3, 30 - 20.0])
    half = 1.959964 * np.sqrt(3 * (rest**2).sum() / 2) / 60
    assert cell["revenue_kept_share"] == pytest.approx(2 / 3)
    assert cell["revenue_kept_share_lower"] == max(0.0, 2 / 3 - half)
    assert cell["revenue_kept_share_upper"] == pytest.approx(2 / 3 + half)


def test_what_lies_after_the_as_of_day_is_said_with_its_first_day():
    late = pl.DataFrame({"customer_id": ["a"], "started_on": [date(2026, 3, 5)], "monthly_amount": [9.0]})
    with pytest.raises(OptionError, match=r"sees none of the subscriptions: the earliest is of 2026-03-05"):
        crm.revenue_retention(late, as_of="2026-03-05")
    with pytest.raises(OptionError, match=r"a day after 2026-03-05.*up to 2026-03-06 to see all"):
        crm.revenue_retention(late, as_of="2025-12-31")


def test_too_short_a_stretch_says_from_when_to_when_it_reaches():
    late = pl.DataFrame({"customer_id": ["a"], "started_on": [date(2026, 3, 5)], "monthly_amount": [9.0]})
    said = r"Found 0 whole months between 5 Mar 2026, when the first contract began, and 20 Mar 2026, the first day not seen"
    with pytest.raises(NotEnoughDataError, match=said):
        crm.revenue_retention(late, as_of="2026-03-20")
    with pytest.raises(NotEnoughDataError, match=r"from 2026-06-01 on \(the last one begins on 2026-04-01\)"):
        crm.revenue_retention(late, as_of="2026-05-01", start="2026-06-01")


def test_contracts_that_last_no_day_are_counted_in_the_error():
    rows = pl.DataFrame({"customer_id": ["a"], "started_on": ["2026-03-05"], "ended_on": ["2026-03-05"]})
    with pytest.raises(
        NotEnoughDataError, match=r"begin before 2026-06-01 and last a day or more \(1 last none\)"
    ):
        crm.revenue_retention(rows, as_of="2026-06-01")


def test_a_last_month_without_anybody_says_so():
    early = pl.DataFrame({"customer_id": ["a"], "ordered_at": [date(2025, 1, 5)], "amount": [9.0]})
    said = r"Of the 12 whole months between 5 Jan 2025.* and 1 Feb 2026.*the last began without a customer.*earlier as_of"
    with pytest.raises(NotEnoughDataError, match=said):
        crm.revenue_retention(early, as_of="2026-02-01", trailing_months=1)
