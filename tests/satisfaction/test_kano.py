"""Kano questionnaires: a published evaluation, Berger's table, Fong's rule by hand, forms of input, bad input."""

from __future__ import annotations

import json
import pickle

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import crm_analytics as crm
from crm_analytics import registry
from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.results import Result
from crm_analytics.satisfaction.kano.analysis import fong_limit
from crm_analytics.satisfaction.kano.answers import CATEGORIES, TABLE
from crm_analytics.satisfaction.ratings import rating_columns

PUBLISHED = {
    # M, O, A, I, R, Q; most frequent, by the rule; total and category strength; CS+, CS-; difference, Fong's limit
    "Service app": ((95, 123, 45, 33, 0, 0), "O", "O", 0.89, 0.09, 0.568, -0.736, 28, 19.4),
    "Excellent service": ((101, 54, 54, 81, 3, 3), "M", "M", 0.71, 0.07, 0.372, -0.534, 20, 18.5),
    "Hotline": ((15, 24, 121, 124, 6, 6), "I", "A", 0.54, 0.01, 0.511, -0.137, 3, 19.8),
    "Loan machine": ((65, 87, 93, 51, 0, 0), "A", "O", 0.83, 0.02, 0.608, -0.514, 6, 18.5),
    "Ready-to-use return": ((9, 18, 83, 177, 6, 3), "I", "I", 0.37, 0.32, 0.352, -0.094, 94, 19.9),
}
"""Five features of 296 respondents: the table in the README of the R package stp25kano (W. Peter, 2024), as printed."""

NAMES = {
    "M": "Must-be",
    "O": "One-dimensional",
    "A": "Attractive",
    "I": "Indifferent",
    "R": "Reverse",
    "Q": "Questionable",
}
CELLS = {k: divmod(int(np.argwhere(TABLE.ravel() == k)[0][0]), 5) for k in range(6)}


def of_counts(**features):
    """Make answers that have these counts of M, O, A, I, R, Q."""
    columns = {}
    for name, counts in features.items():
        pairs = [CELLS[k] for k, n in enumerate(counts) for _ in range(n)]
        columns[f"{name} functional"] = [float(i + 1) for i, _ in pairs]
        columns[f"{name} dysfunctional"] = [float(j + 1) for _, j in pairs]
    return pl.DataFrame(columns)


@pytest.fixture(scope="module")
def published():
    return crm.kano(of_counts(**{name: row[0] for name, row in PUBLISHED.items()}))


def features(result):
    return {r["feature"]: r for r in result.tables()["features"].iter_rows(named=True)}


def codes(result):
    return {n.code: n.text for n in result.notes}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_evaluation(published, name):
    counts, most, rule, total, strength, plus, minus, difference, limit = PUBLISHED[name]
    row = features(published)[name]
    assert [
        row[f"n_{c}"]
        for c in ("must_be", "one_dimensional", "attractive", "indifferent", "reverse", "questionable")
    ] == list(counts)
    assert (row["category"], row["category_by_rule"]) == (NAMES[most], NAMES[rule])
    assert row["total_strength"] == pytest.approx(total, abs=0.005)
    assert row["category_strength"] == pytest.approx(strength, abs=0.005)
    assert row["satisfaction_coefficient"] == pytest.approx(plus, abs=0.0005)
    assert row["dissatisfaction_coefficient"] == pytest.approx(minus, abs=0.0005)
    assert row["fong_difference"] == difference
    assert row["fong_limit"] == pytest.approx(limit, abs=0.05)
    assert row["is_clear"] == (difference > limit)


def test_bergers_table():
    """Berger et al. (1993): functional answers down, dysfunctional across."""
    letters = ["".join(CATEGORIES[k] for k in row) for row in TABLE]
    assert letters == ["QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ"]


def test_every_pair_of_answers_lands_in_its_cell():
    sheet = pl.DataFrame(
        {"x_functional": [f for f in range(1, 6) for _ in range(5)], "x_dysfunctional": list(range(1, 6)) * 5}
    )
    table = crm.kano(sheet).tables()["answers"]
    assert table["n_respondents"].to_list() == [1] * 25
    cell = {
        (r["functional_answer"], r["dysfunctional_answer"]): r["category"]
        for r in table.iter_rows(named=True)
    }
    assert cell["like", "dislike"] == "One-dimensional"
    assert cell["live with", "dislike"] == "Must-be"
    assert cell["like", "live with"] == "Attractive"
    assert cell["dislike", "dislike"] == cell["like", "like"] == "Questionable"
    assert cell["must-be", "like"] == cell["dislike", "neutral"] == "Reverse"


def test_fongs_rule_by_hand():
    """a = 60, b = 40, n = 100: 1.65 sqrt(100 * 100 / 200) = 11.67 < 20."""
    assert fong_limit(60, 40, 100) == pytest.approx(1.65 * np.sqrt(50))
    row = features(crm.kano(of_counts(x=(60, 40, 0, 0, 0, 0))))["x"]
    assert row["is_clear"]
    assert row["category_p_value"] == pytest.approx(0.0569, abs=5e-5), "exact binomial, 60 of 100"


@pytest.mark.parametrize(
    ("counts", "category"),
    [
        ((5, 5, 5, 5, 0, 0), "Must-be"),
        ((0, 5, 5, 5, 0, 0), "One-dimensional"),
        ((0, 0, 5, 5, 0, 0), "Attractive"),
    ],
)
def test_ties_go_to_what_costs_most_to_leave_out(counts, category):
    row = features(crm.kano(of_counts(x=counts)))["x"]
    assert (row["category"], row["category_by_rule"], row["is_clear"]) == (category, category, False)


def test_intervals_are_wilsons_and_goodmans(published):
    row = features(published)["Service app"]
    from scipy.stats import binomtest

    ends = binomtest(168, 296).proportion_ci(method="wilson")
    assert (row["satisfaction_coefficient_lower"], row["satisfaction_coefficient_upper"]) == pytest.approx(
        ends, abs=1e-9
    )
    ends = binomtest(218, 296).proportion_ci(method="wilson")
    assert row["dissatisfaction_coefficient_lower"] == pytest.approx(-ends.high, abs=1e-9)
    share = (
        published.tables()["shares"]
        .filter((pl.col("feature") == "Service app") & (pl.col("category") == "Must-be"))
        .row(0, named=True)
    )
    ends = binomtest(95, 296).proportion_ci(confidence_level=1 - 0.05 / 6, method="wilson")
    assert (share["category_share_lower"], share["category_share_upper"]) == pytest.approx(ends, abs=1e-9)


@given(st.lists(st.integers(0, 30), min_size=6, max_size=6).filter(lambda c: sum(c) > 0))
def test_shares_and_coefficients_stay_in_their_bounds(counts):
    result = crm.kano(of_counts(x=counts))
    assert result.tables()["shares"]["category_share"].sum() == pytest.approx(1)
    row = features(result)["x"]
    if sum(counts[:4]) == 0:
        assert row["satisfaction_coefficient"] is None
    else:
        assert 0 <= row["satisfaction_coefficient"] <= 1
        assert -1 <= row["dissatisfaction_coefficient"] <= 0
        low, at, high = (row[f"satisfaction_coefficient{e}"] for e in ("_lower", "", "_upper"))
        assert low <= at + 1e-12
        assert at <= high + 1e-12


def test_weights_count():
    sheet = of_counts(x=(10, 0, 10, 0, 0, 0)).with_columns(w=pl.Series([1.0] * 10 + [3.0] * 10))
    row = features(crm.kano(sheet, weights="w"))["x"]
    assert row["category"] == "Attractive"
    assert row["satisfaction_coefficient"] == pytest.approx(0.75)
    plain = features(crm.kano(sheet.drop("w")))["x"]
    width = row["satisfaction_coefficient_upper"] - row["satisfaction_coefficient_lower"]
    assert width > 0.9 * (plain["satisfaction_coefficient_upper"] - plain["satisfaction_coefficient_lower"])


class TestForms:
    WORDS = ("I like it", "It must be that way", "Neutral", "I can live with it", "I dislike it")

    def test_words_are_codes(self, published):
        sheet = of_counts(**{name: row[0] for name, row in PUBLISHED.items()})
        worded = sheet.with_columns(
            pl.all().replace_strict(dict(enumerate(self.WORDS, 1)), return_dtype=pl.String)
        )
        assert_frame_equal(crm.kano(worded).tables()["features"], published.tables()["features"])

    def test_own_codes(self):
        sheet = pl.DataFrame({"in": ["++", "++"], "out": ["--", "0"]})
        result = crm.kano(
            sheet, pairs={"app": ("in", "out")}, codes={"++": "like", "--": "dislike", "0": "neutral"}
        )
        assert features(result)["app"]["n_one_dimensional"] == 1
        assert features(result)["app"]["n_attractive"] == 1

    @pytest.mark.parametrize("form", ["pandas", "arrow", "lazy", "file"])
    def test_frames_and_files(self, form, tmp_path):
        sheet = of_counts(app=(3, 4, 9, 2, 1, 1))
        sheet.write_csv(tmp_path / "kano.csv")
        given_sheet = {
            "pandas": sheet.to_pandas, "arrow": sheet.to_arrow, "lazy": sheet.lazy, "file": lambda: tmp_path / "kano.csv",
        }[form]()  # fmt: skip
        assert_frame_equal(crm.kano(given_sheet).tables()["features"], crm.kano(sheet).tables()["features"])

    def test_row_order_does_not_matter(self, published):
        sheet = of_counts(**{name: row[0] for name, row in PUBLISHED.items()})
        assert_frame_equal(crm.kano(sheet.reverse()).tables()["features"], published.tables()["features"])

    def test_round_trips(self, published):
        for again in (
            Result.from_dict(json.loads(json.dumps(published.to_dict(), allow_nan=False))),
            pickle.loads(pickle.dumps(published)),  # noqa: S301 our own bytes
        ):
            assert again.headline() == published.headline()
            assert_frame_equal(again.tables()["features"], published.tables()["features"])

    def test_rows_are_accounted_for(self):
        sheet = pl.concat([of_counts(app=(3, 0, 2, 0, 0, 0)), pl.DataFrame({"app functional": [1.0, None], "app dysfunctional": [None, None]}, schema={"app functional": pl.Float64, "app dysfunctional": pl.Float64})])  # fmt: skip
        result = crm.kano(sheet)
        assert (result.provenance.rows_in, result.provenance.rows_kept, result.provenance.rows_rejected) == (
            7,
            5,
            2,
        )
        assert "2 of 7 rows" in codes(result)["not_counted"]


class TestBadInput:
    def test_no_pairs(self):
        with pytest.raises(NotEnoughDataError, match="pairs="):
            crm.kano(pl.DataFrame({"a": [1], "b": [2]}))

    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"pairs": {"app": ("a", "c")}}, UnknownNameError, "There is no column 'c'"),
            ({"pairs": {"app": ("a", "a")}}, OptionError, "two columns"),
            ({"pairs": {"app": "a"}}, OptionError, "two columns"),
            ({"pairs": {}}, OptionError, "one feature or more"),
            ({"pairs": {"app": ("a", "b")}, "codes": {1: "love"}}, UnknownNameError, "love"),
            ({"pairs": {"app": ("a", "b")}, "codes": {}}, OptionError, "answers with their meanings"),
            ({"pairs": {"app": ("a", "b")}, "weights": "w"}, UnknownNameError, "w"),
            ({"pairs": {"app": ("a", "text")}}, OptionError, "codes 1 to 5"),
            ({"pairs": {"app": ("a", "none")}}, NotEnoughDataError, "both questions"),
        ],
    )
    def test_options(self, options, error, words):
        sheet = pl.DataFrame({"a": [1, 2], "b": [5, 5], "text": ["x", "y"], "none": [None, None]})
        with pytest.raises(error, match=words):
            crm.kano(sheet, **options)

    def test_some_answers_that_are_none(self):
        sheet = pl.DataFrame({"app_functional": [1, 1, 1, 9], "app_dysfunctional": [5, 5, 3, 5]})
        result = crm.kano(sheet)
        assert "1 answer is none" in codes(result)["unreadable"]
        assert features(result)["app"]["n_answers"] == 3

    def test_codes_from_nought_are_not_taken_for_codes_from_one(self):
        """Read as 1 to 5, every answer would mean the one beside it."""
        sheet = pl.DataFrame({"app_functional": [0, 1, 1, 2], "app_dysfunctional": [4, 3, 4, 2]})
        with pytest.raises(OptionError, match="holds '0'"):
            crm.kano(sheet)
        words = dict(zip(range(5), ("like", "must-be", "neutral", "live with", "dislike"), strict=True))
        assert features(crm.kano(sheet, codes=words))["app"]["n_answers"] == 4

    def test_the_must_be_whose_absence_annoys_most_comes_first(self):
        told = crm.kano(of_counts(x=(60, 10, 20, 10, 0, 0), y=(80, 0, 10, 10, 0, 0))).headline()
        assert told.startswith("Y and x are must-be")

    def test_contradictions_are_named(self):
        assert "questionable" in codes(crm.kano(of_counts(x=(10, 0, 0, 0, 0, 5))))

    def test_one_respondent(self):
        result = crm.kano(of_counts(x=(0, 0, 1, 0, 0, 0)))
        assert result.headline() == "X is attractive; the category is not clear (1 respondent)."
        assert "few" in codes(result)


def test_headline_is_one_sentence_with_figures(published):
    assert published.headline() == (
        "Excellent service is must-be; Loan machine and Service app are one-dimensional; Hotline is attractive; "
        "the category is not clear for 2 of 5 (296 respondents)."
    )


def test_every_column_has_a_term(published):
    for frame in (published.summary(), *published.tables().values()):
        for column in frame.columns:
            assert published.terms[column].definition.endswith(".")


class TestOfABase:
    """Pairs in the surveys of a base."""

    SURVEY = of_counts(app=(3, 4, 9, 2, 1, 1)).with_columns(
        answered_at=pl.datetime(2026, 1, 1) + pl.duration(days=pl.int_range(20)),
        csat=pl.Series([1, 2, 3, 4, 5] * 4), service=pl.Series([2, 2, 3, 4, 4] * 4),
    )  # fmt: skip

    def opened(self, folder, survey):
        survey.write_csv(folder / "export.csv")
        return crm.open(folder / "export.csv")

    def test_it_is_found_by_its_pairs(self, tmp_path):
        base = self.opened(tmp_path, self.SURVEY.drop("csat", "service"))
        assert list(base.tables) == ["surveys"]
        assert registry.analysis("kano").driver(base) == "surveys"
        assert features(crm.run("kano", base))["app"]["n_answers"] == 20

    def test_without_pairs_it_is_not_shown_and_says_what_it_expects(self, tmp_path):
        base = self.opened(tmp_path, self.SURVEY.select("answered_at", "csat", "service"))
        assert registry.analysis("kano").driver(base) is None
        with pytest.raises(
            NotEnoughDataError, match=r"pairs of columns such as 'app functional'.*csat, service"
        ):
            crm.run("kano", base)

    def test_pairs_are_no_ratings(self):
        assert rating_columns(self.SURVEY) == ["service"]

    def test_the_window_counts(self):
        counted = crm.kano(self.SURVEY, start="2026-01-03", as_of="2026-01-11")
        assert counted.provenance.as_of_given
        assert features(counted)["app"]["n_answers"] == 8

    def test_the_weight_of_the_surveys_counts(self):
        told = self.SURVEY.with_columns(weight=pl.Series([1.0] * 10 + [3.0] * 10))
        assert features(crm.kano(told))["app"]["n_attractive"] == (3 + 6 * 3) / 2  # the mean weight is 1
        assert features(crm.kano(told, weights="none"))["app"]["n_attractive"] == 9

    def test_a_day_is_asked_for_where_there_is_none(self):
        with pytest.raises(ColumnError, match=r"answered_at.*columns="):
            crm.kano(of_counts(app=(3, 4, 9, 2, 1, 1)), as_of="2026-01-11")
