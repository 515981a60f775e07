"""Survival of contracts and of waits for the next order: by hand, R's figures through the door, known truth, words."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crm_analytics as crm
from crm_analytics.aggregates.periods import shift
from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from sample_data.truth import Truth

BEGIN = date(2024, 1, 1)
AML = {
    "Maintained": "9 13 13+ 18 23 28+ 31 34 45+ 48 161+",
    "Nonmaintained": "5 5 8 8 12 16+ 23 27 30 33 43 45",
}
"""Miller, R. G. (1997), Survival Analysis, page 49: weeks of remission, here days; a plus marks the censored."""


def contracts(*rows):
    return pl.DataFrame(
        [(c, _day(a), _day(b), m, p) for c, a, b, m, p in rows],
        schema={
            "customer_id": pl.String, "started_on": pl.Date, "ended_on": pl.Date, "monthly_amount": pl.Float64,
            "plan": pl.String,
        },
        orient="row",
    )  # fmt: skip


def _day(text):
    return text if text is None or isinstance(text, date) else date.fromisoformat(text)


def plain(*spans):
    """Contracts of one customer each, from their first and last day."""
    return contracts(*((f"c{i}", a, b, 10.0, "Basic") for i, (a, b) in enumerate(spans)))


def aml():
    """The remissions as contracts: whoever is censored began so many days before the end of observation."""
    as_of = date(2025, 1, 1)
    rows = []
    for group, text in AML.items():
        for i, mark in enumerate(text.split()):
            days = int(mark.rstrip("+"))
            began = as_of - timedelta(days + 1) if mark.endswith("+") else BEGIN
            rows.append(
                (f"{group}{i}", began, None if mark.endswith("+") else began + timedelta(days), 1.0, group)
            )
    return contracts(*rows), as_of


def notes(result):
    return {n.code: n.text for n in result.notes}


@pytest.fixture(scope="module")
def of_aml():
    frame, as_of = aml()
    return crm.survival(frame, as_of=as_of, grace_days=0, by="plan", covariates=["plan"], horizon_days=40)


class TestRThroughTheDoor:
    def test_the_curve(self, of_aml):
        kept = of_aml.tables()["curve"].filter((pl.col("group") == "Maintained") & (pl.col("n_events") > 0))
        assert kept.select("day", "n_at_risk").rows() == [
            (9, 11),
            (13, 10),
            (18, 8),
            (23, 7),
            (31, 5),
            (34, 4),
            (48, 2),
        ]
        assert kept["survival_rate"].to_list() == pytest.approx(
            [0.909, 0.818, 0.716, 0.614, 0.491, 0.368, 0.184], abs=5e-4
        )

    def test_medians_and_log_rank(self, of_aml):
        medians = dict(of_aml.tables()["groups"].select("group", "median_days").rows())
        assert medians == {"Maintained": 31, "Nonmaintained": 23}
        whole = of_aml.tables()["comparisons"].row(0, named=True)
        assert (whole["comparison"], round(whole["log_rank"], 1), round(whole["log_rank_p_value"], 4)) == (
            "All groups",
            3.4,
            0.0653,
        )

    def test_the_hazard_ratio(self, of_aml):
        """R compares with Maintained, we with the more frequent Nonmaintained: the other sign."""
        row = of_aml.tables()["cox"].row(0, named=True)
        assert (row["level"], row["reference_level"], row["n_customers"], row["n_events"]) == (
            "Maintained",
            "Nonmaintained",
            11,
            7,
        )
        assert row["log_hazard_ratio"] == pytest.approx(-0.9155, abs=5e-5)
        assert row["log_hazard_ratio_error"] == pytest.approx(0.5119, abs=5e-5)
        assert row["hazard_ratio_lower"] == pytest.approx(math.exp(-0.9155 - 1.96 * 0.5119), abs=1e-3)


class TestContractsByHand:
    def test_the_curve_counts_everybody_as_long_as_seen(self):
        """Seen until 9 April: a leaves on day 10, b is 50 days old then, c leaves on day 60, d is 99 days old."""
        frame = plain(
            ("2024-01-01", "2024-01-11"),
            ("2024-02-19", None),
            ("2024-01-01", "2024-03-01"),
            ("2024-01-01", None),
        )
        result = crm.survival(frame, as_of="2024-04-10", grace_days=0)
        assert result.tables()["curve"].select(
            "day", "n_at_risk", "n_events", "n_censored", "survival_rate"
        ).rows() == [
            (0, 4, 0, 0, 1.0),
            (10, 4, 1, 0, 0.75),
            (50, 3, 0, 1, 0.75),
            (60, 2, 1, 0, 0.375),
            (99, 1, 0, 1, 0.375),
        ]

    def test_the_loss_by_month_counts_who_was_seen_through_it(self):
        """a leaves in the first month, c on the very day its second ends (31 January to 31 March), b is too young for its second."""
        frame = plain(
            ("2024-01-01", "2024-01-11"),
            ("2024-02-19", None),
            ("2024-01-31", "2024-03-31"),
            ("2024-01-01", None),
        )
        result = crm.survival(frame, as_of="2024-04-10", grace_days=0)
        table = result.tables()["hazard"]
        assert table.select("tenure_period", "n_at_risk", "n_events").rows() == [
            (1, 4, 1),
            (2, 2, 1),
            (3, 1, 0),
        ]
        assert table["hazard_rate"].to_list() == [0.25, 0.5, 0.0]

    def test_observation_ends_with_the_grace(self):
        """An end on 20 March may yet be resumed: on 10 April nobody knows."""
        frame = plain(("2024-01-01", "2024-03-20"), ("2024-01-01", "2024-03-10"), ("2024-03-15", None))
        result = crm.survival(frame, as_of="2024-04-10", grace_days=30)
        people = result.tables()["customers"]
        assert people.select("tenure_days", "has_ended").rows() == [(69, False), (69, True)]
        assert notes(result)["too_new"].startswith("1 customer began after 10 Mar 2024")
        assert "grace of 30 days" in notes(result)["censoring"]

    def test_start_lets_older_contracts_enter_late(self):
        """From 1 March on: a left before and cannot count; b is at risk from day 60 on, c from the beginning."""
        frame = plain(
            ("2024-01-01", "2024-02-11"), ("2024-01-01", "2024-03-21"), ("2024-03-05", "2024-03-25")
        )
        result = crm.survival(frame, as_of="2024-04-10", grace_days=0, start="2024-03-01")
        assert result.tables()["curve"].filter(pl.col("n_events") > 0).select("day", "n_at_risk").rows() == [
            (20, 1),
            (80, 1),
        ]
        assert result.tables()["customers"]["entry_day"].to_list() == [60, 0]
        assert "1 customer began before" in notes(result)["left_truncation"]
        assert "1 customer had ended before" in notes(result)["left_truncation"]

    def test_a_curve_that_falls_on_next_to_nobody_is_a_caution(self):
        """Two new contracts of which one ends at once, beside twenty old ones that enter at ages beyond 200 days."""
        old = [("2023-08-01", "2024-03-21" if i % 2 else None) for i in range(20)]
        frame = plain(*old, ("2024-03-05", "2024-03-08"), ("2024-03-05", None))
        result = crm.survival(frame, as_of="2024-04-10", grace_days=0, start="2024-03-01")
        assert "fewer than 10 customers were under observation" in notes(result)["thin_beginning"]

    def test_an_end_on_the_day_observation_starts_is_seen(self):
        frame = plain(("2024-01-01", "2024-03-01"), ("2024-01-01", "2024-02-29"), ("2024-01-01", None))
        result = crm.survival(frame, as_of="2024-04-10", grace_days=0, start="2024-03-01")
        assert result.tables()["customers"]["has_ended"].to_list() == [True, False]

    def test_contracts_that_all_began_before_start_are_no_error(self):
        frame = plain(("2024-01-01", "2024-03-20"), ("2024-01-01", None))
        assert (
            crm.survival(frame, as_of="2024-06-01", start="2024-03-01", grace_days=0).provenance.window_start
            is None
        )

    def test_what_happens_first(self):
        """a churns on day 31, b downgrades then, c pauses on day 60, d stays: a quarter each."""
        frame = contracts(
            ("a", "2024-01-01", "2024-02-01", 10.0, "Plus"),
            ("b", "2024-01-01", "2024-02-01", 10.0, "Plus"), ("b", "2024-02-01", "2024-03-01", 5.0, "Basic"),
            ("c", "2024-01-01", "2024-03-01", 10.0, "Plus"), ("c", "2024-03-10", None, 5.0, "Basic"),
            ("d", "2024-01-01", None, 10.0, "Plus"),
        )  # fmt: skip
        result = crm.survival(frame, as_of="2024-07-01", grace_days=20)
        last = (
            result.tables()["incidence"]
            .group_by("end_kind", maintain_order=True)
            .agg(pl.col("incidence_rate").last())
        )
        assert last.rows() == [("churn", 0.25), ("pause", 0.25), ("downgrade", 0.25)]
        kinds = result.tables()["customers"].select("customer_id", "first_end_kind", "has_ended").rows()
        assert kinds == [
            ("a", "churn", True),
            ("b", "downgrade", True),
            ("c", "pause", False),
            ("d", "still there", False),
        ]

    def test_incidence_and_those_left_add_up(self, sample_result):
        table = sample_result.tables()["incidence"]
        total = table.group_by("day").agg(pl.col("incidence_rate").sum(), n=pl.len()).sort("day")
        assert (total["incidence_rate"] <= 1 + 1e-12).all()
        assert (table["one_minus_km_rate"] >= table["incidence_rate"] - 1e-12).all()

    def test_who_comes_back_after_the_grace_has_left(self):
        frame = contracts(("a", "2024-01-01", "2024-02-01", 9.0, "B"), ("a", "2024-05-01", None, 9.0, "B"))
        result = crm.survival(frame, as_of="2024-09-01")
        assert result.tables()["customers"].select("tenure_days", "has_ended").rows() == [(31, True)]
        assert notes(result)["returned"].startswith("1 customer came back")

    def test_periods_that_end_before_they_start_are_named(self):
        frame = plain(
            ("2024-02-01", "2024-01-15"), ("2024-01-01", "2024-02-11"), ("2024-01-01", "2024-06-15")
        )
        result = crm.survival(frame, as_of="2024-06-01", grace_days=0)
        assert notes(result)["ended_before_started"].startswith(
            "1 contract period that ends before it starts"
        )
        assert notes(result)["ends_later"].startswith("1 contract period with an end on or after")
        assert result.tables()["customers"].height == 2

    def test_a_contract_of_no_days_is_an_end_on_day_0(self):
        result = crm.survival(
            plain(("2024-01-01", "2024-01-01"), ("2024-01-01", None)), as_of="2024-06-01", grace_days=0
        )
        assert result.tables()["curve"].select("day", "survival_rate").row(0) == (0, 0.5)
        assert result.tables()["hazard"].row(0, named=True)["n_events"] == 1

    def test_all_ending_at_once(self):
        result = crm.survival(plain(*[("2024-01-01", "2024-02-01")] * 5), as_of="2024-06-01")
        assert result.tables()["curve"]["survival_rate"].to_list() == [1.0, 0.0]
        assert result.headline().startswith("Half of subscribers leave within 31 days")

    def test_without_an_end_the_share_left_is_said(self):
        result = crm.survival(plain(*[("2024-01-01", None)] * 5), as_of="2024-06-01", grace_days=0)
        assert result.headline().startswith(
            "100.0% of subscribers are still there after 151 days (95% interval 47.8% to 100.0%, 5"
        )
        assert notes(result)["few_ends"].startswith("No end was seen")
        assert result.tables()["incidence"].is_empty()

    def test_without_a_column_of_ends_nobody_ends(self):
        frame = plain(*[("2024-01-01", None)] * 3).drop("ended_on", "monthly_amount")
        assert crm.survival(frame, as_of="2024-06-01").tables()["customers"]["has_ended"].sum() == 0


spans = st.lists(
    st.tuples(st.integers(0, 400), st.one_of(st.none(), st.integers(0, 300))), min_size=1, max_size=25
)


@given(
    drawn=spans,
    period=st.sampled_from(["week", "month", "quarter"]),
    late=st.one_of(st.none(), st.integers(50, 300)),
)
def test_the_loss_by_period_is_counted_customer_by_customer(drawn, period, late):
    as_of = BEGIN + timedelta(430)
    start = None if late is None else BEGIN + timedelta(late)
    rows = [(BEGIN + timedelta(a), None if n is None else BEGIN + timedelta(a + n)) for a, n in drawn]
    try:
        result = crm.survival(plain(*rows), as_of=as_of, start=start, grace_days=0, period=period)
    except NotEnoughDataError:
        assert start is not None
        return
    until, expected = as_of - timedelta(1), {}
    for a, b in rows:
        for p in range(1, 70):
            first, last = shift(a, p - 1, period), shift(a, p, period)
            ended = b is not None and b <= until
            if (
                last > until
                or (start is not None and first < start)
                or (ended and b <= first and (p > 1 or b < first))
            ):
                continue
            n, d = expected.get(p, (0, 0))
            expected[p] = (n + 1, d + (ended and b <= last))
    found = {
        r[0]: r[1:] for r in result.tables()["hazard"].select("tenure_period", "n_at_risk", "n_events").rows()
    }
    assert found == expected


@given(drawn=spans)
def test_the_curve_is_monotone_and_its_bounds_hold_it(drawn):
    rows = [(BEGIN + timedelta(a), None if n is None else BEGIN + timedelta(a + n)) for a, n in drawn]
    table = crm.survival(plain(*rows), as_of=BEGIN + timedelta(430), grace_days=0).tables()["curve"]
    assert table["survival_rate"].diff().fill_null(0).le(1e-12).all()
    for name in ("survival_rate", "cumulative_hazard"):
        assert (table[f"{name}_lower"] <= table[name] + 1e-12).all()
        assert (table[name] <= table[f"{name}_upper"] + 1e-12).all()


class TestOrders:
    def orders(self, *rows):
        return pl.DataFrame(
            {
                "customer_id": [c for c, _, _ in rows],
                "order_id": [f"o{i}" for i in range(len(rows))],
                "ordered_at": [date.fromisoformat(d) for _, d, _ in rows],
                "amount": [float(a) for _, _, a in rows],
                "channel": ["web" if c < "c" else "store" for c, _, _ in rows],
            }
        )

    def shop(self):
        return self.orders(
            ("a", "2024-01-01", 10), ("a", "2024-01-11", 10), ("a", "2024-01-31", 10),
            ("b", "2024-01-01", 10), ("b", "2024-01-01", 12),
            ("c", "2024-02-01", 10), ("c", "2024-02-05", -10),
            ("d", "2024-03-01", 10),
        )  # fmt: skip

    def test_the_wait_for_the_second_order(self):
        """b comes back the same day, a after 10 days; c's refund is no order: seen until 30 April."""
        result = crm.survival(self.shop(), as_of="2024-05-01")
        people = result.tables()["customers"].select("customer_id", "tenure_days", "has_ended").rows()
        assert people == [("a", 10, True), ("b", 0, True), ("c", 89, False), ("d", 60, False)]
        assert result.tables()["curve"].select("day", "survival_rate").rows()[:2] == [(0, 0.75), (10, 0.5)]
        assert notes(result)["same_day"].startswith("1 customer ordered again on the same day")
        assert result.headline().startswith("Half of customers place a second order within")

    def test_the_wait_for_the_third_begins_with_the_second(self):
        result = crm.survival(self.shop(), as_of="2024-05-01", order_number=3)
        people = (
            result.tables()["customers"].select("customer_id", "began_on", "tenure_days", "has_ended").rows()
        )
        assert people == [("a", date(2024, 1, 11), 20, True), ("b", date(2024, 1, 1), 120, False)]
        assert "third order" in result.headline()

    def test_the_grace_has_no_effect_on_orders(self):
        one, other = (crm.survival(self.shop(), as_of="2024-05-01", grace_days=g) for g in (0, 90))
        assert one.headline() == other.headline()

    def test_groups_are_those_of_the_first_order(self):
        result = crm.survival(self.shop(), as_of="2024-05-01", by="channel")
        assert dict(result.tables()["groups"].select("group", "n_customers").rows()) == {"web": 2, "store": 2}

    def test_nobody_with_enough_orders_is_a_plain_reason(self):
        with pytest.raises(
            NotEnoughDataError, match=r"customers with 4 or more orders.*earlier order_number"
        ):
            crm.survival(self.shop(), as_of="2024-05-01", order_number=5)


@pytest.fixture(scope="module")
def sample_result():
    base = crm.sample()
    return crm.run(
        "survival", base, as_of=Truth().end, by="plan", covariates=["plan", "country", "acquisition_cost"]
    )


class TestKnownTruth:
    """Churn in the sample company is shifted-beta-geometric, the same for every plan and country."""

    def survivors(self, months):
        t = Truth()
        ages = np.arange(1, months + 1)
        return float(np.prod((t.plan_beta + ages - 1) / (t.plan_alpha + t.plan_beta + ages - 1)))

    @pytest.mark.parametrize("months", [1, 6, 12, 24])
    def test_the_share_left_after_so_many_renewals(self, months):
        result = crm.survival(crm.sample().table("subscriptions"), as_of=Truth().end, grace_days=30)
        day = math.ceil(months * 30.4375) + 3  # every renewal of that month has passed
        row = result.tables()["curve"].filter(pl.col("day") <= day).row(-1, named=True)
        error = (row["survival_rate_upper"] - row["survival_rate_lower"]) / 3.92
        assert abs(row["survival_rate"] - self.survivors(months)) < 3 * error

    def test_the_loss_in_the_first_months(self):
        table = crm.survival(crm.sample().table("subscriptions"), as_of=Truth().end).tables()["hazard"]
        t = Truth()
        inside = [
            low <= t.plan_alpha / (t.plan_alpha + t.plan_beta + age - 1) <= high
            for age, low, high in table.head(24)
            .select("tenure_period", "hazard_rate_lower", "hazard_rate_upper")
            .rows()
        ]
        assert sum(inside) >= 21, "95 of 100 intervals hold the truth"

    def test_plans_and_countries_do_not_differ(self, sample_result):
        assert sample_result.tables()["comparisons"]["log_rank_p_value"][0] > 0.01
        assert (sample_result.tables()["comparisons"]["log_rank_p_holm"].drop_nulls() > 0.01).all()
        assert (sample_result.tables()["cox"]["wald_p_value"] > 0.005).all()

    def test_holm_only_raises(self, sample_result):
        pairs = sample_result.tables()["comparisons"].filter(pl.col("group_one").is_not_null())
        assert pairs.height == 3
        assert (pairs["log_rank_p_holm"] >= pairs["log_rank_p_value"]).all()
        assert (pairs["mean_difference_p_holm"] >= pairs["mean_difference_p_value"]).all()

    def test_channels_differ_in_how_soon_they_order_again(self):
        """Rates are Gamma(0.5, alpha of the channel): store 7, web 9, phone 11, marketplace 18."""
        result = crm.survival(crm.sample().table("transactions"), by="channel", covariates=["channel"])
        means = dict(result.tables()["groups"].select("group", "restricted_mean_days").rows())
        assert sorted(means, key=means.get) == ["store", "web", "phone", "marketplace"]
        assert result.tables()["comparisons"]["log_rank_p_value"][0] < 1e-9
        assert "not_proportional" in notes(result), "mixed rates make ratios shrink with time"


class TestGroupsAndModel:
    def many(self, n=240, plans=9):
        rng = np.random.default_rng(1)
        rows = []
        for i in range(n):
            began = BEGIN + timedelta(int(rng.integers(0, 100)))
            life = int(rng.exponential(80 if i % 2 else 200)) + 1
            rows.append(
                (f"c{i:03d}", began, began + timedelta(life), 10.0 + i % 2, f"plan {min(i % plans, 8)}")
            )
        return contracts(*rows)

    def test_the_smaller_groups_are_taken_together(self):
        result = crm.survival(self.many(), as_of="2024-12-01", by="plan")
        groups = result.tables()["groups"]["group"].to_list()
        assert len(groups) == 6
        assert groups[-1] == "others"
        assert notes(result)["merged_groups"].startswith("The 4 smaller groups by plan")
        assert result.tables()["customers"]["group"].n_unique() == 6

    def test_attributes_come_from_the_customers_table(self):
        frame = self.many(plans=1)
        people = pl.DataFrame(
            {
                "customer_id": [f"c{i:03d}" for i in range(239)],
                "tier": ["short" if i % 2 else "long" for i in range(239)],
                "visits": [float(i % 7) for i in range(239)],
                "consent": [i % 3 == 0 for i in range(239)],
            }
        )
        result = crm.survival(
            frame, as_of="2024-12-01", customers=people, by="tier", covariates=["tier", "visits", "consent"]
        )
        assert result.tables()["groups"]["group"].to_list() == ["long", "short", "not known"]
        table = result.tables()["cox"]
        assert table["covariate"].to_list() == ["tier", "visits", "consent"]
        ratio = table.filter(pl.col("level") == "short").row(0, named=True)
        assert 1.8 < ratio["hazard_ratio"] < 3.5, "the mean life is 80 against 200 days"
        assert notes(result)["covariate_missing"].startswith("1 customers without a value of visits")
        assert result.tables()["cox_checks"]["diagnostic"].to_list()[:3] == [
            "Customers",
            "Ends",
            "Ends per coefficient",
        ]

    def test_yes_and_no_are_said_in_words(self):
        people = pl.DataFrame(
            {"customer_id": [f"c{i:03d}" for i in range(240)], "consent": [i % 3 > 0 for i in range(240)]}
        )
        result = crm.survival(self.many(plans=1), as_of="2024-12-01", customers=people, by="consent")
        assert result.tables()["groups"]["group"].to_list() == ["yes", "no"]

    def test_one_group_is_not_compared(self):
        result = crm.survival(self.many(plans=1), as_of="2024-12-01", by="plan")
        assert result.tables()["comparisons"].is_empty()
        assert "groups" not in {v.name for v in result.views}

    def test_a_value_nobody_left_with_is_separation(self):
        frame = self.many(plans=2).with_columns(
            ended_on=pl.when(pl.col("plan") == "plan 1").then(None).otherwise("ended_on")
        )
        result = crm.survival(frame, as_of="2024-12-01", covariates=["plan", "monthly_amount"])
        assert "separation" in notes(result)
        assert "plan 1 (120 customers)" in notes(result)["separation"]
        assert result.tables()["cox"].is_empty()
        assert "no_model" in notes(result)

    def test_few_ends_per_coefficient_are_a_caution(self):
        result = crm.survival(self.many(40), as_of="2024-12-01", covariates=["plan"])
        assert "ends per coefficient" in notes(result)["few_events_per_coefficient"]

    def test_a_constant_attribute_is_left_out(self):
        result = crm.survival(self.many(plans=1), as_of="2024-12-01", covariates=["plan", "monthly_amount"])
        assert notes(result)["constant_covariate"].startswith("Plan is the same")
        assert result.tables()["cox"]["covariate"].to_list() == ["monthly_amount"]

    def test_a_horizon_beyond_a_group_leaves_it_without_a_mean(self):
        frame = contracts(
            ("a", "2024-01-01", None, 9.0, "Old"), ("b", "2024-01-01", "2024-02-01", 9.0, "Old"),
            ("c", "2024-05-01", None, 9.0, "New"), ("d", "2024-05-01", "2024-05-11", 9.0, "New"),
        )  # fmt: skip
        result = crm.survival(frame, as_of="2024-06-01", grace_days=0, by="plan", horizon_days=100)
        means = dict(result.tables()["groups"].select("group", "restricted_mean_days").rows())
        assert means["New"] is None
        assert means["Old"] == pytest.approx(31 + 0.5 * 69)
        assert notes(result)["not_observed_so_long"].endswith("New.")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"period": "fortnight"}, r"period='fortnight'.*month"),
        ({"grace_days": -1}, r"grace_days=-1.*0 to 366"),
        ({"grace_days": 400}, r"grace_days=400"),
        ({"order_number": 1}, r"order_number=1.*2 to 20"),
        ({"horizon_days": 0}, r"horizon_days=0.*1 day or more"),
        ({"horizon_days": 5000}, r"horizon_days=5000.*as long as somebody was observed"),
        ({"start": "2026-01-01"}, r"start='2026-01-01'.*before as_of"),
        ({"covariates": "plan"}, r"covariates='plan'.*a list"),
        ({"as_of": "yesterday"}, r"as_of='yesterday'.*a day"),
    ],
)
def test_options_out_of_range_are_named(options, match):
    frame = plain(("2024-01-01", "2024-03-01"), ("2024-01-01", None))
    with pytest.raises(OptionError, match=match):
        crm.survival(frame, **{"as_of": "2024-06-01", **options})


@pytest.mark.parametrize("option", [{"by": "plam"}, {"covariates": ["plam"]}])
def test_an_unknown_column_is_named_with_a_suggestion(option):
    with pytest.raises(
        UnknownNameError, match=r"no column to compare customers by 'plam'.*Did you mean 'plan'"
    ):
        crm.survival(plain(("2024-01-01", None)), as_of="2024-06-01", **option)


def test_days_are_no_covariates():
    frame = plain(("2024-01-01", "2024-03-01"), ("2024-01-01", None))
    people = pl.DataFrame({"customer_id": ["c0", "c1"], "born_on": [date(1990, 1, 1), date(1991, 1, 1)]})
    with pytest.raises(OptionError, match=r"covariates='born_on'.*numbers, categories"):
        crm.survival(
            frame,
            as_of="2024-06-01",
            customers=people.cast({"born_on": pl.Datetime("us")}),
            covariates=["born_on"],
        )


def test_only_new_contracts_is_a_plain_reason():
    with pytest.raises(
        NotEnoughDataError, match=r"longer than the grace among 1.*shorter grace_days \(now 30\)"
    ):
        crm.survival(plain(("2024-01-01", None)), as_of="2024-01-15")


def test_the_headline_says_when_the_loss_is_highest():
    rng = np.random.default_rng(0)
    early = [(BEGIN, BEGIN + timedelta(10 if rng.random() < 0.4 else 330)) for _ in range(300)]
    result = crm.survival(plain(*early), as_of="2025-06-01", grace_days=0)
    assert "; the loss is highest in the 11th month, when 100.0% (" in result.headline()
    again = [
        (a, b if b < BEGIN + timedelta(20) else a + timedelta(int(rng.exponential(900)) + 40))
        for a, b in early
    ]
    result = crm.survival(plain(*again), as_of="2025-06-01", grace_days=0)
    assert "highest in the first month" in result.headline()
    assert result.views[1].title == "The loss is highest in the first month"


def test_the_result_says_what_it_was_made_with(sample_result):
    assert sample_result.parameters["table"] == "subscriptions"
    assert sample_result.parameters["horizon_days"] == 365
    json.dumps(sample_result.to_dict(), allow_nan=False)
    assert [v.name for v in sample_result.views] == ["curve", "hazard", "groups", "incidence"]
    assert sample_result.summary().height <= 15
