"""Answers in words are read by the scale they belong to, and the check says how."""

from __future__ import annotations

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.extracts.cells.answer_words import SCALES, plain, scale_of

SATISFIED = ["very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"]


def answers(*values: str | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"answered_at": ["2026-05-01"] * len(values), "csat": list(values)},
        schema_overrides={"csat": pl.String},
    )


def test_words_become_their_place_and_the_check_says_so():
    sheet = crm.read_surveys(answers("Very Satisfied", "neutral", None, "Dissatisfied", "n/a"))
    assert sheet.frame.collect()["csat"].to_list() == [5.0, 3.0, None, 2.0, None]
    told = [f.text for f in sheet.check.findings if f.severity == "caution"]
    assert len(told) == 1
    assert "very dissatisfied = 1" in told[0]
    assert "very satisfied = 5" in told[0]


def test_words_of_no_scale_count_as_missing_and_are_told():
    sheet = crm.read_surveys(answers("red", "blue"))
    assert sheet.frame.collect()["csat"].null_count() == 2
    assert any("csat is not a number" in f.text for f in sheet.check.findings)


@pytest.mark.parametrize("form", ["{} - {}", "{} ({})", "{} = {}", "{}. {}", "{} {}", "{}: {}"])
def test_numbers_with_a_label_at_the_ends_keep_their_ends(form):
    """Surveys name the ends of a scale; to lose these would lose the very answers that differ most."""
    sheet = crm.read_surveys(
        answers(form.format(1, "very bad"), "3", None, form.format(5, "very good"), "n/a")
    )
    assert sheet.frame.collect()["csat"].to_list() == [1.0, 3.0, None, 5.0, None]
    assert any("5 very good = 5" in f.text for f in sheet.check.findings)


def test_numbers_among_other_words_are_not_guessed():
    sheet = crm.read_surveys(answers("1 - bad", "4", "a long story"))
    assert sheet.frame.collect()["csat"].to_list() == [None, 4.0, None]


def test_words_for_the_middle_are_one_in_every_language():
    for middle in ("neutre", "Weder noch", "neutraal", "neither agree nor disagree"):
        assert plain(middle) == "neutral"


def test_numbers_stay_numbers():
    assert crm.read_surveys(answers("4", "5")).frame.collect()["csat"].to_list() == [4.0, 5.0]


def test_a_word_seen_late_is_read_too():
    many = answers(*(SATISFIED[i % 3] for i in range(250_000)), "very satisfied")
    assert crm.read_surveys(many).frame.collect()["csat"][-1] == 5.0


@pytest.mark.parametrize("scale", SCALES)
def test_every_scale_is_told_by_its_own_words(scale):
    places = scale_of({w.title() for w in scale})
    assert places is not None
    order = [places[plain(w)] for w in scale]
    assert order == sorted(order)
