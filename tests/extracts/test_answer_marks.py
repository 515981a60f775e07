"""Answers with a percent sign are points of 0 to 100; those as 4/5 or in stars are not read, and the check says so."""

from __future__ import annotations

import polars as pl
import pytest

import crm_analytics as crm


def answers(column: str, *values: str | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"answered_at": ["2026-05-01"] * len(values), column: list(values)},
        schema_overrides={column: pl.String},
    )


def cautions(sheet: crm.Extract) -> str:
    return " ".join(f.text for f in sheet.check.findings if f.severity == "caution")


@pytest.mark.parametrize("column", ["csat", "nps", "ces", "ease of use"])
def test_a_percentage_among_answers_is_points_of_a_hundred(column):
    sheet = crm.read_surveys(answers(column, "88%", "92,5 %", "0%", None, "100%"))
    assert sheet.frame.collect()[column].to_list() == [88.0, 92.5, 0.0, None, 100.0]


def test_percentages_are_counted_as_satisfied_from_80_on():
    scores = crm.satisfaction_scores(answers("csat", *["88%", "92%", "75%", "100%"] * 30))
    assert "is 75%" in scores.headline()


def test_a_percentage_beside_bare_points_is_on_the_same_scale():
    sheet = crm.read_surveys(answers("csat", "88%", "90", "75%"))
    assert sheet.frame.collect()["csat"].to_list() == [88.0, 90.0, 75.0]


def test_a_percentage_beside_a_short_scale_is_not_read_and_told():
    sheet = crm.read_surveys(answers("csat", "88%", "4", "5", "3"))
    assert sheet.frame.collect()["csat"].to_list() == [None, 4.0, 5.0, 3.0]
    assert "percentages beside answers on a shorter scale" in cautions(sheet)
    assert "In 1 row csat is not a number" in cautions(sheet)


@pytest.mark.parametrize("answer", ["4/5", "★★★★☆", "⭐⭐⭐⭐"])
def test_answers_of_so_many_are_not_read_and_the_check_says_what_to_do(answer):
    sheet = crm.read_surveys(answers("csat", answer, "3"))
    assert sheet.frame.collect()["csat"].to_list() == [None, 3.0]
    assert f"'csat' holds answers such as '{answer}', which are not read as numbers" in cautions(sheet)


def test_a_percentage_of_a_customer_stays_a_share():
    people = crm.read_customers(pl.DataFrame({"customer_id": ["a", "b"], "discount rate": ["10%", "25%"]}))
    assert people.frame.collect()["discount rate"].to_list() == [0.1, 0.25]


def test_one_row_is_told_in_the_singular():
    sheet = crm.read_surveys(answers("csat", "4"))
    assert "1 row read as surveys, 1 kept" in sheet.check.lines()[0]
