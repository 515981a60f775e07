"""Figures of few customers and odd histories: every share says of how many it is, and no interval is surer than its data."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.charts import revenue_hover
from crm_analytics.retention.lifecycle.projection import project
from crm_analytics.retention.revenue.definitions import chained
from crm_analytics.stats import shifted_beta_geometric as sbg

CONTRACT = {
    "customer_id": pl.String, "started_on": pl.Date, "ended_on": pl.Date, "monthly_amount": pl.Float64, "plan": pl.String,
}  # fmt: skip


def orders(*rows):
    schema = {"customer_id": pl.String, "ordered_at": pl.Datetime("us"), "amount": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def contracts(*rows):
    return pl.DataFrame(rows, schema=CONTRACT, orient="row")


def said(result):
    return {n.code: n.text for n in result.notes}


def summed_up(result):
    return {row["finding"]: row["finding_text"] for row in result.summary().to_dicts()}


class TestCohorts:
    TWO = orders(("a", datetime(2024, 1, 31), 10.0), ("b", datetime(2024, 6, 3), 10.0))

    def test_a_rate_says_of_how_many_it_is_where_not_all_were_observed_so_long(self):
        result = crm.cohort_retention(self.TWO)
        assert "0.0% (0.0% to 79.3%) of the 1 observed so long were active in month 1" in result.headline()
        assert "and 0.0% (0.0% to 79.3%) of 1 in month 3" in result.headline()
        assert "100.0% (20.7% to 100.0%) never came back in the 3 months after" in result.headline()
        assert summed_up(result)["Lost after the first"].startswith("100.0% (20.7% to 100.0%) never")

    def test_where_all_were_observed_nothing_is_added(self):
        result = crm.cohort_retention(self.TWO.head(1), as_of=date(2024, 6, 1))
        assert "observed so long" not in result.headline()

    def test_groups_and_values_in_the_headline_have_intervals(self):
        rng = np.random.default_rng(3)
        rows = [
            (f"c{i}", datetime(2025, 1, 1) + timedelta(days=int(d)), 10.0 + i % 7)
            for i in range(300)
            for d in rng.integers(0, 300, 3)
        ]
        half = pl.when(pl.col("customer_id").str.ends_with("1")).then(pl.lit("x")).otherwise(pl.lit("y"))
        frame = orders(*rows).with_columns(channel=half)
        assert r" of “x” and " in (text := crm.cohort_retention(frame, by="channel").headline())
        assert text.split(" of “x”")[0].endswith("%)") or text.split(" of “y”")[0].endswith("%)")
        spend = crm.cohort_retention(frame, value="cumulative").headline()
        assert "cumulative spend per customer up to month" in spend
        assert spend.split(" up to month")[1].split(",")[0].count("(") == 1

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"criterion": "on_or_after", "horizon": 3}, "retention in months 1 to 3"),
            ({"criterion": "on_or_before"}, "retention by month 1"),
            ({"criterion": "streak"}, "retention in month 1"),
            ({}, "month-1 retention"),
        ],
    )
    def test_a_trend_names_the_rate_that_is_followed(self, options, words):
        assert words in crm.cohort_retention(self.TWO, as_of=date(2025, 3, 1), **options).headline()

    def test_few_cohorts_have_students_interval(self):
        """Rates 0, 1/2 and 1 of three cohorts: 0.5 +- 4.3027 * 0.5 / sqrt(3), cut at 0 and 1; 4.3027 is t(2, 0.975)."""
        begins = [datetime(2025, m, 5) for m in (1, 2, 3)]
        back = {1: 0, 2: 5, 3: 10}
        rows = [(f"c{t.month}-{i}", t, 10.0) for t in begins for i in range(10)]
        rows += [
            (f"c{t.month}-{i}", t + timedelta(days=31), 10.0) for t in begins for i in range(back[t.month])
        ]
        curve = crm.cohort_retention(orders(*rows), as_of=date(2025, 5, 1), average="simple").tables()[
            "curve"
        ]
        row = curve.filter(pl.col("period") == 1).row(0, named=True)
        assert row["retention_rate"] == pytest.approx(0.5)
        assert (row["retention_rate_lower"], row["retention_rate_upper"]) == (0, 1)

    def test_cohorts_of_one_rate_are_no_certainty(self):
        rows = [(f"c{m}", datetime(2025, m, 5), 10.0) for m in (1, 2, 3)]
        curve = crm.cohort_retention(orders(*rows), as_of=date(2025, 5, 1), average="simple").tables()[
            "curve"
        ]
        row = curve.filter(pl.col("period") == 1).row(0, named=True)
        assert row["retention_rate"] == 0
        assert row["retention_rate_upper"] == pytest.approx(0.5615, abs=1e-4)  # Wilson's of none among three

    def test_equal_spends_tell_nothing_of_the_spread(self):
        rows = [(c, datetime(2025, 1, 5), 10.0) for c in "ab"]
        cell = (
            crm.cohort_retention(orders(*rows), as_of=date(2025, 3, 1), value="spend")
            .tables()["cells"]
            .row(0, named=True)
        )
        assert (cell["shown_value"], cell["shown_value_lower"], cell["shown_value_upper"]) == (
            10.0,
            None,
            None,
        )

    def test_small_cohorts_show_no_payback(self):
        rows = [(f"c{i}", datetime(2025, 1, 5), 10.0) for i in range(5)] + [("d", datetime(2025, 2, 5), 10.0)]
        people = pl.DataFrame(
            {"customer_id": [*(f"c{i}" for i in range(5)), "d"], "acquisition_cost": [4.0] * 6}
        )
        result = crm.cohort_retention(
            orders(*rows), customers=people, as_of=date(2025, 6, 1), min_customers=3
        )
        assert result.tables()["payback"]["cohort_on"].to_list() == [date(2025, 1, 1)]
        assert "its spend in the layers" in said(result)["suppressed"]

    def test_compared_definitions_are_spoken_of(self):
        rows = [
            (f"c{i}", datetime(2025, 1, 3) + timedelta(days=7 * (i % 20) + 45 * j), 10.0)
            for i in range(60)
            for j in range(1 + i % 3)
        ]
        frame = orders(*rows)
        texts = [
            n.text
            for n in crm.cohort_retention(frame, compare_definitions=True).notes
            if n.code == "definitions_differ"
        ]
        assert texts[0].startswith("Retention of the same customers in month 1 is ")
        assert len(texts) == 2
        assert "definitions_differ" not in said(crm.cohort_retention(frame))


class TestRepeatPurchase:
    ROWS = orders(
        *(
            (f"c{i}", datetime(2024, 1, 1) + timedelta(days=d), 10.0)
            for i in range(40)
            for d in (0, 20 + i, 200 + i)
        ),
        *((f"d{i}", datetime(2024, 1, 1), 10.0) for i in range(40)),
    )

    def test_the_half_in_the_headline_is_of_those_it_speaks_of(self):
        """Half of all are back after 20 to 59 days; of those back within 30 days the middle one is by day 25."""
        result = crm.repeat_purchase(self.ROWS, as_of="2026-01-01", within_days=(30,))
        assert "within 30 days, half of them by day 25" in result.headline()
        assert (
            "half of those who return within 30 days are back by day 25"
            in summed_up(result)["Best moment after the first order"]
        )
        year = crm.repeat_purchase(self.ROWS, as_of="2026-01-01")
        assert "within a year, half of them by day 39" in year.headline()

    def test_shares_of_gaps_have_intervals_that_allow_for_customers_being_alike(self):
        table = crm.repeat_purchase(self.ROWS, as_of="2026-01-01").tables()["gaps"]
        for column in ("gap_share", "gap_share_so_far", "customer_by_median_share"):
            assert (table[f"{column}_lower"] <= table[column]).all()
            assert (table[column] <= table[f"{column}_upper"]).all()
        gone = table.filter(pl.col("gap_from_days") == 181).row(0, named=True)
        assert (gone["n_ended_gaps"], gone["gap_share_lower"]) == (0, 0)
        assert gone["gap_share_upper"] == pytest.approx(
            0.0876, abs=1e-4
        )  # Wilson's of none among forty customers
        assert table["gap_share_so_far_lower"][-1] == 1  # every gap has some length

    def test_groups_are_in_the_summary_with_their_intervals(self):
        frame = self.ROWS.with_columns(
            channel=pl.when(pl.col("customer_id").str.starts_with("c")).then(pl.lit("web"))
        )
        text = summed_up(crm.repeat_purchase(frame, as_of="2026-01-01", by="channel"))
        assert text["Channel web"].startswith("100.0% (91.2% to 100.0%) of 40 back within 180 days; ")
        assert text["Channel unknown"] == "0.0% (0.0% to 8.8%) of 40 back within 180 days"

    def test_nobody_newly_late_spends_nothing(self):
        text = summed_up(crm.repeat_purchase(self.ROWS, as_of="2024-09-01", newly_late_days=1))
        assert text["Late for a day or less"] == "nobody has become late so lately"


class TestLifecycle:
    def test_three_customers_who_stayed_are_no_certainty(self):
        rows = [(f"c{i % 3}", datetime(2023, 1, 31) + timedelta(days=41 * i), 10.0) for i in range(15)]
        ahead = crm.lifecycle(orders(*rows)).tables()["projection"].row(-1, named=True)
        assert ahead["expected_base"] == pytest.approx(3)
        assert ahead["expected_base_lower"] < 2

    def test_customers_in_a_state_that_nobody_was_seen_to_leave_do_not_vanish(self):
        """Two periods of customers who stay retained; today's four have just come back, which nobody did before."""
        stocks, moves = np.zeros((3, 6), np.int64), np.zeros((3, 6, 6), np.int64)
        moves[:, 1, 1] = 4
        found = project(stocks, moves, np.array([0, 0, 4, 0, 0, 0]), horizon=1, n_draws=100, seed=1)
        assert found is not None
        assert found.path[0, 0] == pytest.approx(4 * 2 / 3)

    def test_who_joined_or_ordered_later_is_not_said_to_have_never_ordered(self):
        rows = [("a", datetime(2025, 1, 5), 10.0), ("b", datetime(2025, 8, 5), 10.0)]
        people = pl.DataFrame(
            {
                "customer_id": ["a", "b", "c"],
                "joined_on": [date(2025, 1, 1), date(2025, 1, 1), date(2025, 7, 1)],
            }
        )
        then = crm.lifecycle(orders(*rows), customers=people, as_of="2025-06-01")
        expected = "1 of the 2 customers in the customers table had not ordered before 1 Jun 2025; it is in no state."
        assert said(then)["never_ordered"] == expected
        now = crm.lifecycle(orders(*rows), customers=people)
        assert said(now)["never_ordered"].startswith(
            "1 of the 3 customers in the customers table never ordered"
        )

    def test_the_count_to_come_lies_within_the_bounds_as_often_as_said(self):
        """A chain of known rates with 10 new a period, followed for 24 periods; the first 12 tell of the last."""
        rates = np.zeros((6, 6))
        rates[[0, 1, 2]] = [0, 0.3, 0, 0.7, 0, 0]
        rates[3] = [0, 0.2, 0, 0.6, 0.2, 0]
        rates[4] = [0, 0, 0.1, 0, 0.5, 0.4]
        rates[5] = [0, 0, 0, 0, 0, 1]
        held = 0
        for seed in range(150):
            rng = np.random.default_rng(seed)
            stock, stocks, moves = np.array([10, 20, 3, 60, 20, 0]), [], []
            for _ in range(24):
                moved = np.array([rng.multinomial(n, p) for n, p in zip(stock, rates, strict=True)])
                stock = moved.sum(axis=0)
                stock[0] = rng.poisson(10)
                stocks.append(stock)
                moves.append(moved)
            found = project(
                np.array(stocks[:12]), np.array(moves[:12]), stocks[11], horizon=12, n_draws=200, seed=seed
            )
            assert found is not None
            held += found.path_lower[-1, 0] <= stock[:4].sum() <= found.path_upper[-1, 0]
        assert 135 <= held <= 149  # 141; bounds of the number expected alone hold 125

    def test_titles_claim_no_more_than_is_known(self):
        rows = [(f"c{i % 3}", datetime(2023, 1, 31) + timedelta(days=41 * i), 10.0) for i in range(15)]
        result = crm.lifecycle(orders(*rows), lapse=1)
        titles = {view.name: view.title for view in result.views}
        assert titles["flows"] == "No clear difference between customers who come in and who go dormant"
        assert titles["activity"] == "0.0% of those who order in a month do so on two days or more"
        single = crm.lifecycle(orders(*rows).head(1))
        assert {v.name: v.title for v in single.views}[
            "activity"
        ] == "On how many days of a month customers order"


class TestSurvival:
    def test_one_of_each_plan_shows_no_difference(self):
        rows = [
            ("a", date(2024, 1, 1), date(2024, 1, 31), 10.0, "x"),
            ("b", date(2024, 1, 1), date(2024, 3, 1), 10.0, "y"),
        ]
        result = crm.survival(contracts(*rows), as_of="2024-12-31", by="plan")
        pair = result.tables()["comparisons"].row(1, named=True)
        assert pair["mean_difference_p_value"] > 0.5
        assert pair["mean_difference_days_lower"] < 0 < pair["mean_difference_days_upper"]
        assert "(95% interval 30 to 30)" not in summed_up(result)["X"]

    def test_groups_of_the_customers_table_are_not_said_to_be_those_of_the_beginning(self):
        rows = [(c, date(2024, 1, 1), date(2024, 5, 1), 10.0, "x") for c in "abcdefgh"]
        people = pl.DataFrame({"customer_id": list("abcdefgh"), "tier": ["gold", "basic"] * 4})
        frame = contracts(*rows)
        by_tier = crm.survival(frame, as_of="2024-12-31", customers=people, by="tier", covariates=["tier"])
        assert "grouped_at_the_beginning" not in said(by_tier)
        assert "as the customers table has it" in said(by_tier)["grouped_as_it_stands"]
        assert "(tier as the customers table has it)" in said(by_tier)["hazard_ratios"]
        by_plan = crm.survival(frame, as_of="2024-12-31", customers=people, by="plan")
        assert "grouped_as_it_stands" not in said(by_plan)

    def test_one_customer_of_a_new_plan_does_not_end_the_means_of_the_others(self):
        rng = np.random.default_rng(5)
        rows = []
        for i in range(200):
            begin = date(2022, 1, 1) + timedelta(days=int(rng.integers(0, 600)))
            end = begin + timedelta(days=1 + int(rng.exponential(300)))
            rows.append((f"c{i}", begin, end if end < date(2024, 6, 1) else None, 10.0, "ab"[i % 2]))
        rows.append(("z", date(2024, 4, 20), None, 10.0, "new"))
        result = crm.survival(contracts(*rows), as_of="2024-06-01", by="plan")
        means = dict(result.tables()["groups"].select("group", "restricted_mean_days").rows())
        assert result.parameters["horizon_days"] == 365
        assert means["new"] is None
        assert min(means["a"], means["b"]) > 100
        assert said(result)["not_observed_so_long"] == "Not observed for 365 days, so without a mean: new."

    def test_of_orders_nobody_is_said_to_have_ended(self):
        rows = [
            (c, datetime(2024, m, 5), 10.0) for c, months in (("a", (1, 2)), ("b", (1, 6))) for m in months
        ]
        text = said(crm.survival(orders(*rows), start="2024-04-01", as_of="2024-12-31"))["left_truncation"]
        assert "1 customer had ordered again before and cannot count" in text

    def test_a_day_is_a_day_on_which_and_not_in_which(self):
        rows = [
            (f"c{i}", date(2024, 1, 1), date(2024, 3, 1) if i < 60 else None, 10.0, "x") for i in range(100)
        ]
        result = crm.survival(contracts(*rows), as_of="2024-12-31", period="day")
        assert "the loss is highest on the 60th day, when 60.0% (" in result.headline()

    def test_nobody_gone_is_said_in_words(self):
        result = crm.survival(contracts(("a", date(2024, 1, 1), None, 10.0, "x")), as_of="2024-12-31")
        assert said(result)["few_ends"].startswith("No end was seen")


@pytest.fixture(scope="module")
def two_plans():
    """Of 40 dear contracts 10 end, of 40 cheap ones 10, and 20 begin."""
    begin, end = date(2024, 1, 10), date(2024, 9, 10)
    rows = [(f"p{i}", begin, end if i < 10 else None, 30.0, "pro") for i in range(40)]
    rows += [(f"b{i}", begin, end if i < 10 else None, 10.0, "basic") for i in range(40)]
    rows += [(f"n{i}", date(2024, 6, 10), None, 10.0, "basic") for i in range(20)]
    return crm.revenue_retention(contracts(*rows), as_of="2025-02-01")


class TestRevenue:
    def test_nothing_kept_stays_nothing(self):
        assert chained(np.array([0.5, 0.0, np.nan]), 3)[2] == 0
        assert np.isnan(chained(np.array([np.nan, 0.0, 0.5]), 3)[2])

    def test_draws_that_lose_everybody_count_in_the_compounded_rate(self):
        """One of two customers left: a quarter of the draws hold nobody else, so that the lower bound is nought."""
        rows = [
            ("a", date(2024, 1, 31), None, 10.0, "x"),
            ("b", date(2024, 1, 1), date(2024, 4, 15), 5.0, "x"),
        ]
        table = crm.revenue_retention(contracts(*rows), as_of="2025-01-01").tables()["definitions"]
        row = table.filter(
            (pl.col("rate_name") == "Net revenue retention")
            & (pl.col("rate_definition") == "Period by period, compounded")
        ).row(0, named=True)
        assert row["rate"] == pytest.approx(10 / 15)
        assert row["rate_lower"] == 0

    def test_all_gone_is_nothing_kept_period_by_period_too(self):
        rows = [
            ("a", date(2024, 1, 31), date(2024, 3, 1), 10.0, "x"),
            ("b", date(2024, 1, 1), date(2024, 2, 1), 10.0, "x"),
        ]
        result = crm.revenue_retention(contracts(*rows), as_of="2025-01-01")
        assert summed_up(result)["Net revenue retention, period by period"].startswith("0.0%")

    def test_a_drawn_model_without_bounds_is_still_finite(self):
        found = sbg.Estimated(1.0, 2.0, np.diag([4e4, 4e4]), 0.0, is_identified=True)
        for a, b in zip(*found.draws(200, 1), strict=True):
            logs = sbg.log_survival(60, float(a[0]), float(b[0]))
            assert np.isfinite(logs).all()
            assert (np.diff(logs) <= 0).all()

    def test_the_log_survival_is_that_of_the_beta_functions(self):
        assert np.exp(sbg.log_survival(30, 0.7, 1.2)) == pytest.approx(sbg.survival(np.arange(31), 0.7, 1.2))

    def test_shares_of_the_losses_have_intervals(self, two_plans):
        parts = two_plans.tables()["segments"].sort("loss_share")
        assert parts["loss_share"].to_list() == pytest.approx([0.25, 0.75])
        low, high = parts["loss_share_lower"], parts["loss_share_upper"]
        assert (low[0] > 0.05) & (high[0] < 0.5)
        assert low[1] == pytest.approx(1 - high[0])
        assert "75.0% (95% interval " in summed_up(two_plans)["Most was lost in (plan)"]
        assert "75.0% (" in revenue_hover.segment_words(two_plans, parts.row(1, named=True))
        assert {"loss_share_lower", "loss_share_upper"} <= set(two_plans.terms)

    def test_a_plan_that_lost_nothing_may_have_lost_something(self):
        begin = date(2024, 1, 10)
        rows = [(f"p{i}", begin, date(2024, 9, 10) if i < 5 else None, 30.0, "pro") for i in range(20)]
        rows += [(f"b{i}", begin, None, 10.0, "basic") for i in range(20)]
        parts = (
            crm.revenue_retention(contracts(*rows), as_of="2025-02-01")
            .tables()["segments"]
            .sort("loss_share")
        )
        assert parts["loss_share"].to_list() == [0, 1]
        assert parts["loss_share_upper"][0] == pytest.approx(0.4345, abs=1e-4)  # Wilson's of none among five
        assert parts["loss_share_lower"][1] == pytest.approx(0.5655, abs=1e-4)

    def test_where_nothing_was_lost_nobody_has_a_share_of_it(self):
        rows = [(c, date(2024, 1, 10), None, 30.0, p) for c, p in (("a", "x"), ("b", "y"))]
        result = crm.revenue_retention(contracts(*rows), as_of="2025-02-01")
        assert result.tables()["segments"]["loss_share"].to_list() == [None, None]
        assert "Most was lost in (plan)" not in summed_up(result)

    def test_the_parts_in_the_headline_are_those_of_the_rate_beside_them(self):
        """One of ten is lost, won back as another contract later: period by period less is kept than of the ten alone."""
        rows = [(f"c{i}", date(2024, 1, 10), None, 10.0, "x") for i in range(9)]
        rows += [
            ("d", date(2024, 1, 10), date(2024, 4, 10), 10.0, "x"),
            ("d", date(2024, 6, 10), None, 10.0, "x"),
        ]
        headline = crm.revenue_retention(
            contracts(*rows), as_of="2024-12-01", convention="compounded"
        ).headline()
        assert "(period by period, compounded) is 90.0%" in headline
        assert "; of the customers of then alone it is 100.0%" in headline
        assert headline.index("of then alone") < headline.index("0.0% was lost")

    def test_the_quick_ratio_of_the_stretch_has_its_interval(self, two_plans):
        assert summed_up(two_plans)["Quick ratio over the 12 months"].startswith(
            "0.50 gained for 1 lost (95% interval 0."
        )

    def test_a_quick_ratio_on_one_loss_has_no_upper_bound(self):
        rows = [
            (f"c{i}", date(2024, 1, 10), date(2024, 5, 10) if i == 0 else None, 10.0, "x") for i in range(10)
        ]
        rows += [(f"n{i}", date(2024, 5, 12), None, 10.0, "x") for i in range(3)]
        result = crm.revenue_retention(contracts(*rows), as_of="2024-06-01")
        row = result.tables()["bridge"].row(-1, named=True)
        assert row["quick_ratio"] == 3
        assert row["quick_ratio_lower"] <= 1
        assert row["quick_ratio_upper"] is None
        assert "or more)" in revenue_hover.bridge_words(result, row)
        assert summed_up(result)["Quick ratio over the 4 months"].endswith("or more)")

    def test_who_buys_nothing_is_not_said_to_have_left(self):
        rows = [
            (c, datetime(2024, m, 5), 10.0)
            for c, months in (("a", (1, 2, 3, 4)), ("b", (1, 2)))
            for m in months
        ]
        result = crm.revenue_retention(orders(*rows), as_of="2024-05-01", trailing_months=1)
        assert result.headline().endswith("of the customers bought nothing since.")

    def test_the_first_order_decides_the_group_where_both_tables_have_the_column(self):
        rows = [(c, datetime(2024, m, 5), 10.0) for c in "ab" for m in (1, 2, 3, 4)]
        frame = orders(*rows).with_columns(channel=pl.lit("web"))
        people = pl.DataFrame({"customer_id": ["a", "b"], "channel": ["store", "store"]})
        result = crm.revenue_retention(
            frame, customers=people, by="channel", as_of="2024-05-01", trailing_months=1
        )
        assert result.tables()["segments"]["segment"].to_list() == ["web"]
