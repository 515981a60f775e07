"""Complaints: tables by hand, what is not known yet, odd cases, and the words."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import crm_analytics as crm
from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError, SourceError

KINDS = {
    "case_id": pl.String, "opened_at": pl.Datetime("us"), "customer_id": pl.String, "closed_at": pl.Datetime("us"),
    "category": pl.String, "csat": pl.Float64,
}  # fmt: skip


def case_list(*rows):
    """Make cases from (customer, opened, closed, category, csat)."""
    at = [(f"k{i}", _at(o), c, _at(e), cat, s) for i, (c, o, e, cat, s) in enumerate(rows)]
    return pl.DataFrame(at, schema=KINDS, orient="row")


def _at(text):
    return None if text is None else datetime.fromisoformat(text)


def order_list(*rows):
    """Make orders from (customer, day, amount)."""
    return pl.DataFrame(
        [(c, f"o{i}", _at(d), float(a)) for i, (c, d, a) in enumerate(rows)],
        schema={"customer_id": pl.String, "order_id": pl.String, "ordered_at": pl.Datetime("us"), "amount": pl.Float64},
        orient="row",
    )  # fmt: skip


FOUR = case_list(
    ("a", "2026-01-05T09:00", "2026-01-05T19:00", "late", 5.0),
    ("b", "2026-01-06T09:00", "2026-01-07T09:00", "late", 4.0),
    ("a", "2026-01-20T09:00", "2026-01-30T09:00", "late", 2.0),
    ("c", "2026-02-27T00:00", None, "broken", None),
)


def notes(result):
    return {n.code: n.text for n in result.notes}


@pytest.fixture(scope="module")
def four():
    return crm.complaints(FOUR, as_of="2026-03-01")


class TestByHand:
    def test_volume(self, four):
        table = four.tables()["volume"]
        assert table.select(
            "case_period_on", "case_period_complete", "n_cases", "n_closed_cases", "n_open_cases"
        ).rows() == [(date(2026, 1, 1), False, 3, 3, 0), (date(2026, 2, 1), True, 1, 0, 1)]
        assert table["cases_per_100_orders"].null_count() == 2

    def test_a_period_without_a_case_counts(self):
        result = crm.complaints(
            FOUR.filter(pl.col("customer_id") != "c"), as_of="2026-05-01", start="2026-01-01"
        )
        assert result.tables()["volume"]["n_cases"].to_list() == [3, 0, 0, 0]
        assert result.tables()["volume"]["case_period_complete"].all()

    def test_rates(self):
        orders = order_list(
            ("a", "2026-01-01", 10), ("a", "2026-01-02", 10), ("b", "2026-01-03", 5), ("b", "2026-01-03", -5)
        )
        row = (
            crm.complaints(FOUR, as_of="2026-03-01", transactions=orders)
            .tables()["volume"]
            .row(0, named=True)
        )
        assert (row["orders_in_period"], row["buyers_in_period"]) == (3, 2)
        assert row["cases_per_100_orders"] == pytest.approx(100)
        assert row["cases_per_100_buyers"] == pytest.approx(150)
        assert row["cases_per_100_orders_lower"] < 100 < row["cases_per_100_orders_upper"]

    def test_the_ledger_adds_up_whatever_the_dates(self):
        """Of five cases one was closed before it was opened, and two were opened before the first day that counts."""
        odd = case_list(("d", "2026-02-10T00:00", "2026-01-02T00:00", "late", 1.0)).with_columns(
            case_id=pl.lit("z")
        )
        cases = pl.concat([FOUR, odd])
        for options in ({}, {"start": "2026-01-07"}, {"start": "2026-01-25", "period": "week"}):
            table = crm.complaints(cases, as_of="2026-03-01", **options).tables()["volume"]
            closing = table["n_open_before"] + table["n_cases"] - table["n_closed_cases"]
            assert closing.to_list() == table["n_open_cases"].to_list()
            assert table["n_open_before"].to_list()[1:] == table["n_open_cases"].to_list()[:-1]
            assert table["n_open_cases"][-1] == 1
        first = (
            crm.complaints(cases, as_of="2026-03-01", start="2026-01-07")
            .tables()["volume"]
            .row(0, named=True)
        )
        assert [first[f"n_{x}"] for x in ("open_before", "cases", "closed_cases", "open_cases")] == [
            1,
            1,
            2,
            0,
        ]

    def test_the_backlog_holds_cases_opened_before_the_first_day_that_counts(self):
        cases = pl.concat(
            [FOUR, case_list(("d", "2025-06-01", None, "late", None)).with_columns(case_id=pl.lit("z"))]
        )
        result = crm.complaints(cases, as_of="2026-03-01", start="2026-01-01")
        assert result.tables()["backlog"]["n_open_cases"].sum() == 2
        assert result.tables()["resolution"]["n_open_cases"][0] == 1
        assert "1 open case was opened before the first day that counts" in notes(result)["open_before"]
        assert "open_before" not in notes(crm.complaints(cases, as_of="2026-03-01"))

    def test_beyond_the_target_are_those_that_are(self):
        cases = case_list(
            *(
                (c, d, None, "x", None)
                for c, d in zip("abcd", ("2026-02-23", "2026-02-24", "2026-02-26", "2026-02-28"), strict=True)
            )
        )
        result = crm.complaints(cases, as_of="2026-03-01", target_hours=100)
        assert result.tables()["backlog"]["n_beyond_target"].sum() == 2, "open for 144 and 120 hours"
        assert (
            next(v.title for v in result.views if v.name == "backlog")
            == "4 cases are open, 2 beyond 4.2 days"
        )

    def test_backlog(self, four):
        rows = four.tables()["backlog"].filter(pl.col("n_open_cases") > 0)
        assert rows.select("age_band", "n_open_cases", "is_beyond_target", "oldest_days").rows() == [
            ("1 to 3 days", 1, False, 2.0)
        ]

    def test_open_cases_count_as_long_as_they_have_been_open(self, four):
        """Hours 10, 24, 48 (open), 240: S is 3/4, 1/2, 1/2, 0; half are resolved between the 24th and the 240th."""
        curve = four.tables()["curve"].filter(pl.col("case_group_kind") == "all")
        assert curve.select("case_hours", "n_waiting", "done_rate").rows() == [
            (10, 4, 0.25), (24, 3, 0.5), (48, 2, 0.5), (240, 1, 1.0),
        ]  # fmt: skip
        row = four.tables()["resolution"].row(0, named=True)
        assert (row["n_cases"], row["n_closed_cases"], row["n_open_cases"]) == (4, 3, 1)
        assert row["median_hours"] == 132
        assert row["within_target_rate"] == 0.5

    def test_first_contacts(self):
        """Of January's, a came again on the same topic within 30 days, and that one is no first contact; b's was enough."""
        row = crm.complaints(FOUR, as_of="2026-03-01").tables()["resolution"].row(0, named=True)
        assert (row["n_first_contacts"], row["first_contact_rate"]) == (2, 0.5)
        row = (
            crm.complaints(FOUR, as_of="2026-03-01", recontact_days=7)
            .tables()["resolution"]
            .row(0, named=True)
        )
        assert row["n_first_contacts"] == 3, "c's window has not passed"
        assert row["first_contact_rate"] == pytest.approx(2 / 3), "a's second took ten days"

    def test_another_topic_is_no_contact_again(self):
        cases = FOUR.with_columns(category=pl.col("case_id"))
        row = crm.complaints(cases, as_of="2026-03-01").tables()["resolution"].row(0, named=True)
        assert (row["n_first_contacts"], row["first_contact_rate"]) == (3, 1.0)

    def test_the_flag_stands_beside_it(self):
        cases = FOUR.with_columns(first_contact_resolved=pl.Series([True, True, False, True]))
        row = crm.complaints(cases, as_of="2026-03-01").tables()["resolution"].row(0, named=True)
        assert (row["n_flagged"], row["flagged_rate"], row["flag_agreement_rate"]) == (2, 1.0, 0.5)

    def test_reopened_is_not_enough(self):
        cases = FOUR.with_columns(reopened=pl.Series([False, True, False, False]))
        row = crm.complaints(cases, as_of="2026-03-01").tables()["resolution"].row(0, named=True)
        assert row["first_contact_rate"] == 0
        assert row["reopened_rate"] == pytest.approx(1 / 3)

    def test_the_first_answer(self):
        cases = FOUR.with_columns(
            first_answered_at=pl.Series(
                [_at("2026-01-05T10:00"), None, _at("2026-01-20T12:00"), None], dtype=pl.Datetime("us")
            )
        )
        row = crm.complaints(cases, as_of="2026-03-01").tables()["resolution"].row(0, named=True)
        assert row["median_answer_hours"] == 13.5, "1, 3, 24 (closed without one) and 48 hours still waiting"
        clocks = (
            crm.complaints(cases, as_of="2026-03-01").tables()["curve"]["clock"].unique().sort().to_list()
        )
        assert clocks == ["first answer", "resolution"]

    def test_categories(self, four):
        rows = four.tables()["categories"].select(
            "case_category",
            "n_cases",
            "case_share",
            "cumulative_case_share",
            "is_vital",
            "mean_case_satisfaction",
        )
        assert rows.rows() == [
            ("late", 3, 0.75, 0.75, True, pytest.approx(11 / 3)),
            ("broken", 1, 0.25, 1.0, True, None),
        ]

    def test_satisfaction_by_time(self, four):
        rows = four.tables()["satisfaction"].select(
            "resolved_within", "n_satisfaction_answers", "mean_satisfaction"
        )
        assert rows.rows() == [("a day", 2, 4.5), ("2 weeks", 1, 2.0)]

    def test_satisfaction_never_rises_in_the_curve(self):
        scores = [3.0, 3.0, 5.0, 5.0, 1.0]
        hours = [1, 2, 10, 12, 100]
        cases = case_list(
            *(
                (f"c{i}", "2026-01-01T00:00", str(datetime(2026, 1, 1) + timedelta(hours=h)), "x", s)
                for i, (h, s) in enumerate(zip(hours, scores, strict=True))
            )
        )
        table = crm.complaints(cases, as_of="2026-03-01").tables()["satisfaction"]
        assert table["mean_satisfaction"].to_list() == [3, 5, 1]
        assert table["monotone_satisfaction"].to_list() == [4, 4, 1]

    def test_the_first_answer_to_a_survey_soon_after_the_end_counts(self):
        surveys = pl.DataFrame(
            {
                "answered_at": [_at("2026-01-05T12:00"), _at("2026-01-10T00:00"), _at("2026-01-12T00:00"), _at("2026-02-20T00:00")],
                "customer_id": ["a", "a", "a", "b"],
                "csat": [1.0, 9.0, 2.0, 3.0],
            }
        )  # fmt: skip
        table = crm.complaints(FOUR.drop("csat"), as_of="2026-03-01", surveys=surveys).tables()[
            "satisfaction"
        ]
        assert table.select("satisfaction_source", "resolved_within", "mean_satisfaction").rows() == [
            ("surveys", "a day", 9.0)
        ], "before the end, after the first, and later than 30 days do not count"

    def test_repeat_complainers(self, four):
        rows = four.tables()["repeat"].select(
            "times_complained", "n_complainers", "complainer_share", "n_cases", "case_share"
        )
        assert rows.rows() == [("1", 2, pytest.approx(2 / 3), 2, 0.5), ("2", 1, pytest.approx(1 / 3), 2, 0.5)]

    def test_good_customers_with_an_open_case_come_first(self):
        orders = order_list(
            ("a", "2026-01-01", 50), ("a", "2026-02-01", 900), ("b", "2026-01-02", 40), ("c", "2026-01-03", 1000),
            *((f"x{i}", "2026-01-01", 10) for i in range(12)),
        )  # fmt: skip
        table = crm.complaints(FOUR, as_of="2026-03-01", transactions=orders).tables()["customers"]
        columns = [
            "customer_id",
            "is_good_customer",
            "n_open_cases",
            "spend_before_case",
            "orders_before_case",
            "ordered_since",
        ]
        assert table.select(columns).rows() == [
            ("c", True, 1, 1000.0, 1, False), ("a", True, 0, 50.0, 1, True), ("b", True, 0, 40.0, 1, False),
        ]  # fmt: skip

    def test_one_answer_after_several_cases_is_one_answer(self):
        cases = case_list(*(("a", f"2026-01-0{d}", f"2026-01-1{d}T00:00", "late", None) for d in (1, 2, 3)))
        surveys = pl.DataFrame({"answered_at": [_at("2026-01-20")], "customer_id": ["a"], "csat": [4.0]})
        table = crm.complaints(cases, as_of="2026-03-01", surveys=surveys).tables()["satisfaction"]
        assert table.select("n_satisfaction_answers", "mean_satisfaction").rows() == [(1, 4.0)]

    def test_satisfaction_of_a_category_has_students_interval(self, four):
        row = four.tables()["categories"].row(0, named=True)
        x = np.array([5.0, 4.0, 2.0])
        half = 4.302653 * x.std(ddof=1) / np.sqrt(3)
        assert row["n_satisfaction_answers"] == 3
        assert row["mean_case_satisfaction_upper"] == pytest.approx(x.mean() + half, rel=1e-6)

    def test_silent_failures(self):
        surveys = pl.DataFrame(
            {
                "answered_at": [_at("2026-01-06T12:00")] * 3 + [_at("2026-07-01T00:00")],
                "customer_id": ["a", "z", "y", "z"],
                "nps": [2.0, 0.0, 9.0, 1.0],
            }
        )
        row = crm.complaints(FOUR, as_of="2026-08-01", surveys=surveys).tables()["silent"].row(0, named=True)
        assert (row["n_dissatisfied"], row["n_silent"], row["silent_rate"]) == (2, 1, 0.5)


class TestWhatIsKnown:
    def test_a_case_closed_later_is_open(self):
        before = crm.complaints(FOUR, as_of="2026-01-25").tables()
        row = before["resolution"].row(0, named=True)
        assert (row["n_cases"], row["n_open_cases"]) == (3, 1)
        assert before["satisfaction"]["n_satisfaction_answers"].sum() == 2
        assert before["curve"]["case_hours"].max() == 111, "open from 20 January 9:00 to 25 January 0:00"

    def test_what_came_first_is_decided_before_start(self):
        row = (
            crm.complaints(FOUR, as_of="2026-03-01", start="2026-01-10")
            .tables()["resolution"]
            .row(0, named=True)
        )
        assert row["n_cases"] == 2
        assert row["n_first_contacts"] == 0, "a's second follows one before start"

    def test_later_orders_change_nothing_before(self):
        orders = order_list(("a", "2026-01-01", 50), ("b", "2026-01-02", 40))
        late = pl.concat([orders, order_list(("a", "2026-03-05", 7000))])
        one, two = (crm.complaints(FOUR, as_of="2026-03-01", transactions=t) for t in (orders, late))
        for name, table in one.tables().items():
            assert_frame_equal(table, two.tables()[name])


class TestOddCases:
    def test_orders_that_begin_long_before_the_cases_are_no_time_without_complaints(self):
        rng = np.random.default_rng(1)
        cases = case_list(*((f"c{i}", str(datetime(2025, 1, 1) + timedelta(days=float(d))), None, "late", None)
                            for i, d in enumerate(np.sort(rng.uniform(0, 300, 120)))))  # fmt: skip
        orders = order_list(
            *((f"c{i % 50}", str(date(2021, 1, 1) + timedelta(days=2 * i)), 9) for i in range(890))
        )
        result = crm.complaints(cases, as_of="2025-11-01", transactions=orders)
        volume = result.tables()["volume"]
        assert volume["case_period_on"][0] == date(2025, 1, 1)
        assert not volume["is_unusual"].any()
        assert not result.tables()["warnings"]["is_warning"].any()
        assert "so long without any is hardly chance" in notes(result)["cases_begin_later"]
        early = order_list(
            ("c1", "2024-12-28", 5),
            *((f"c{i % 50}", str(date(2025, 1, 1) + timedelta(days=i)), 9) for i in range(300)),
        )
        near = crm.complaints(cases, as_of="2025-11-01", transactions=early)
        assert near.tables()["volume"]["n_cases"][0] == 0, "a few days without a case are chance"
        assert "cases_begin_later" not in notes(near)

    def test_complainers_who_are_not_in_the_orders_are_named(self):
        orders = order_list(*((f"x{i}", "2025-01-01", 5) for i in range(9)))
        result = crm.complaints(FOUR, as_of="2026-12-01", transactions=orders)
        assert "None of 3 complainers is known to have bought" in notes(result)["no_cost"]

    def test_closed_before_opened_is_left_out_of_times_and_named(self):
        cases = pl.concat(
            [
                FOUR,
                case_list(("d", "2026-02-10T00:00", "2026-02-01T00:00", "late", 1.0)).with_columns(
                    case_id=pl.lit("z")
                ),
            ]
        )
        result = crm.complaints(cases, as_of="2026-03-01")
        row = result.tables()["resolution"].row(0, named=True)
        assert (row["n_cases"], row["n_open_cases"], row["median_hours"]) == (5, 1, 132)
        assert "1 case closed before being opened" in notes(result)["closed_before_opened"]

    def test_no_customers(self):
        result = crm.complaints(
            FOUR.drop("customer_id"), as_of="2026-03-01", transactions=order_list(("a", "2026-01-01", 5))
        )
        assert "No case names its customer" in notes(result)["no_customers"]
        for name in ("repeat", "customers", "cost", "balance", "silent"):
            assert result.tables()[name].is_empty()
        assert result.tables()["resolution"]["n_first_contacts"].sum() == 0

    def test_a_case_without_a_customer_counts_in_volume(self):
        cases = FOUR.with_columns(customer_id=pl.when(pl.col("case_id") != "k1").then("customer_id"))
        result = crm.complaints(cases, as_of="2026-03-01")
        assert result.tables()["volume"]["n_cases"].sum() == 4
        assert result.tables()["customers"].height == 2
        assert "1 case without a customer counts" in notes(result)["without_customer"]

    @pytest.mark.parametrize("n", [1, 2])
    def test_few_cases(self, n):
        result = crm.complaints(FOUR.head(n))
        assert "all intervals are wide" in notes(result)["few_cases"]
        for view in result.views:
            result.plot(view.name)

    def test_one_open_case(self):
        result = crm.complaints(FOUR.tail(1), as_of="2026-03-01")
        assert result.headline().endswith("; it is still open.")
        assert result.tables()["resolution"]["median_hours"].to_list() == [None, None]

    def test_only_the_required_columns(self):
        result = crm.complaints(FOUR.select("case_id", "opened_at"), as_of="2026-03-01")
        assert "no column closed_at" in notes(result)["no_closing"]
        assert [v.name for v in result.views] == ["volume"]

    def test_without_a_column_of_closing_nothing_is_said_of_it(self):
        told = FOUR.drop("closed_at").with_columns(
            first_answered_at=pl.col("opened_at") + pl.duration(hours=3), reopened=pl.Series([True, False, False, False])
        )  # fmt: skip
        result = crm.complaints(told, as_of="2026-03-01")
        row = result.tables()["resolution"].row(0, named=True)
        for name in (
            "n_closed_cases",
            "n_open_cases",
            "median_hours",
            "within_target_rate",
            "first_contact_rate",
        ):
            assert row[name] is None, name
        assert (row["median_answer_hours"], row["reopened_rate"], row["n_told_of_reopening"]) == (3, 0.25, 4)
        assert result.tables()["volume"]["n_open_cases"].null_count() == 2
        assert result.tables()["backlog"].is_empty()
        assert result.headline().endswith("; half are first answered within 3 hours.")
        assert "resolved" not in result.headline()
        said = dict(result.summary().iter_rows())
        assert (
            said["Backlog"]
            == said["Time to resolution"]
            == "not known, since the cases do not say when they were closed"
        )
        for view in result.views:
            result.plot(view.name)

    def test_a_column_of_closing_without_any_counts_all_as_open(self):
        result = crm.complaints(
            FOUR.with_columns(closed_at=pl.lit(None, pl.Datetime("us"))), as_of="2026-03-01"
        )
        assert "none of 4 cases is closed yet" in result.headline()
        assert "leave the column out" in notes(result)["no_closing"]

    def test_codes_that_are_no_answer(self):
        cases = pl.concat(
            [FOUR, case_list(*((f"d{i}", "2026-02-01T00:00", "2026-02-02T00:00", "late", s) for i, s in enumerate([1.0, 2.0, 3.0, 4.0, 5.0, 99.0])))]
        ).with_columns(case_id=pl.int_range(pl.len()).cast(pl.String))  # fmt: skip
        result = crm.complaints(cases, as_of="2026-03-01")
        assert "answer of 99 lies outside" in notes(result)["odd_code"]
        assert result.tables()["satisfaction"]["n_satisfaction_answers"].sum() == 8

    def test_no_cases(self):
        with pytest.raises(SourceError, match="no rows"):
            crm.complaints(FOUR.clear())
        with pytest.raises(NotEnoughDataError, match="from 2026-02-28"):
            crm.complaints(FOUR, as_of="2026-03-01", start="2026-02-28")

    @pytest.mark.parametrize(
        ("option", "match"),
        [
            ({"target_hours": 0}, r"target_hours=0 .*above 0"),
            ({"recontact_days": 0}, "recontact_days=0 .*1 to 366"),
            ({"survey_days": 400}, "survey_days=400 .*1 to 366"),
            ({"horizon_days": 3}, "horizon_days=3 .*7 to"),
            ({"n_matches": 0}, "n_matches=0 .*1 to 50"),
            ({"controls": "all"}, "controls='all' .*not_yet, never"),
            ({"period": "day"}, "period='day' .*week, month"),
        ],
    )
    def test_options_out_of_range(self, option, match):
        with pytest.raises(OptionError, match=match):
            crm.complaints(FOUR, **option)

    def test_other_tables_go_through_the_door(self):
        with pytest.raises(ColumnError, match="amount"):
            crm.complaints(
                FOUR, transactions=pl.DataFrame({"customer_id": ["a"], "ordered_at": [datetime(2026, 1, 1)]})
            )


class TestWarnings:
    @staticmethod
    def months(late, other=4):
        """Two categories over twelve months: `late` cases a month of one, and `other` of the other."""
        rows = [
            (f"c{m}{k}{i}", f"2025-{m:02d}-{1 + i % 28:02d}T{i % 24:02d}:00", None, k, None)
            for m, n in enumerate(late, 1)
            for k, many in (("late", n), ("other", other))
            for i in range(many)
        ]
        return crm.complaints(case_list(*rows), start="2025-01-01", as_of="2026-01-01")

    def test_growth_beyond_normal_variation_is_called_out(self):
        table = self.months([5, 6, 4, 5, 6, 5, 4, 5, 6, 5, 4, 20]).tables()["warnings"]
        row = table.row(0, named=True)
        assert (row["case_category"], row["is_warning"], row["n_cases"]) == ("late", True, 20)
        assert row["judged_on"] == date(2025, 12, 1)
        assert row["expected_cases"] == pytest.approx(55 * 31 / 334), "by days"
        assert row["n_cases"] >= row["warning_from_cases"]
        assert table["is_warning"].to_list() == [True, False]

    def test_a_wiggle_is_not(self):
        result = self.months([5, 6, 4, 5, 6, 5, 4, 5, 6, 5, 4, 9])
        assert not result.tables()["warnings"]["is_warning"].any()
        assert (
            "No category grew"
            in result.summary().filter(pl.col("complaint_finding") == "Early warning")["complaint_text"][0]
        )

    def test_too_short_a_history_is_not_judged(self):
        result = self.months([5, 6, 4, 5])
        assert result.tables()["warnings"].height == 2, "months without a case count"
        short = crm.complaints(FOUR, as_of="2026-03-01")
        assert short.tables()["warnings"].is_empty()
        assert "7 whole periods" in notes(short)["no_warnings"]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 60), st.one_of(st.none(), st.integers(0, 900))),
        min_size=1,
        max_size=25,
    )
)
def test_counts_agree_whatever_the_cases(rows):
    day = datetime(2026, 1, 1)
    cases = case_list(
        *(
            (
                f"c{c}",
                str(day + timedelta(days=d)),
                None if h is None else str(day + timedelta(days=d, hours=h)),
                "x",
                3.0,
            )
            for c, d, h in rows
        )
    )
    found = crm.complaints(cases, as_of="2026-03-05").tables()
    n = len(rows)
    n_open = int(found["resolution"]["n_open_cases"][0])
    assert (
        found["volume"]["n_cases"].sum()
        == n
        == found["categories"]["n_cases"].sum()
        == found["repeat"]["n_cases"].sum()
    )
    assert found["volume"]["n_open_cases"][-1] == n_open == found["customers"]["n_open_cases"].sum()
    assert (found["backlog"]["n_open_cases"].sum() if found["backlog"].height else 0) == n_open
    steps = found["curve"].filter(pl.col("case_group_kind") == "all")["done_rate"].to_numpy()
    assert (np.diff(steps) >= -1e-12).all()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 100), st.one_of(st.none(), st.integers(-50, 1200)),
            st.sampled_from(["late", "broken", None]), st.booleans(),
        ),
        min_size=1, max_size=30,
    ),
    st.integers(1, 40),
)  # fmt: skip
def test_first_contacts_as_counted_one_by_one(rows, days):
    """Of each case: is there another of the customer on the topic so soon before, and so soon after?"""
    begin, end, window = datetime(2026, 1, 1), datetime(2026, 4, 1), timedelta(days=days)
    cases = [
        (f"c{c}" if c else None, begin + timedelta(days=d), None if h is None else begin + timedelta(days=d, hours=h), topic, again)
        for c, d, h, topic, again in rows
    ]  # fmt: skip
    cases = sorted((c for c in cases if c[1] < end), key=lambda c: c[1])
    frame = case_list(
        *((c, str(o), None if e is None else str(e), topic, None) for c, o, e, topic, _ in cases)
    )
    frame = frame.with_columns(
        reopened=pl.Series([c[4] for c in cases], dtype=pl.Boolean),
        case_id=pl.int_range(pl.len()).cast(pl.String).str.zfill(3),
    )
    if not cases:
        return
    enough = []
    for i, (who, opened, closed, topic, again) in enumerate(cases):
        closed = closed if closed is not None and closed < end else None  # noqa: PLW2901 what is known
        same = [c[1] for j, c in enumerate(cases) if j < i and (c[0], c[3]) == (who, topic)]
        later = [c[1] for j, c in enumerate(cases) if j > i and (c[0], c[3]) == (who, topic)]
        backwards = closed is not None and closed < opened
        follows = any(opened - day <= window for day in same)
        if who is None or backwards or follows or opened + window > end:
            continue
        in_time = closed is not None and closed - opened <= window
        enough.append(
            in_time and not (again and closed is not None) and not any(d - opened <= window for d in later)
        )
    row = (
        crm.complaints(frame, as_of=end.date(), recontact_days=days).tables()["resolution"].row(0, named=True)
    )
    assert row["n_first_contacts"] == len(enough)
    assert row["first_contact_rate"] == (pytest.approx(np.mean(enough)) if enough else None)
