"""Survey answers as numbers: codes that are none, scales, words, weights, and an order of rows made of their content."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.satisfaction import ratings
from crm_analytics.satisfaction.ratings import ends, odd_codes, read_rating


@pytest.mark.parametrize(
    ("points", "odd"),
    [
        ([1, 2, 3, 4, 5], ()),
        ([1, 2, 3, 4, 5, 9], (9,)),
        ([1, 2, 3, 4, 5, 99], (99,)),
        ([1, 2, 3, 4, 5, 6, 7, 9], (9,)),
        ([0, 1, 2, 3, 4, 5], (0,)),
        ([0, 1, 2, 3, 4, 5, 6, 7], (0,)),
        ([0, 1, 2, 3, 4, 5, 9], (0, 9)),
        ([-1, 1, 2, 3, 4, 5], (-1,)),
        ([-9, 1, 2, 3, 4, 5, 99], (-9, 99)),
        ([-2, -1, 0, 1, 2], ()),
        (range(11), ()),
        (range(1, 11), ()),
        ([1, 3, 5], ()),
        ([0, 1], ()),
        ([0, 1, 2], ()),
        ([4, 5, 8, 9, 10], ()),
        ([2, 3, 4, 5, 6, 7, 8, 9, 10, 99], (99,)),
        (range(101), ()),
        ([*range(0, 101, 5), 999], (999,)),
        ([52, 66, 91, 113, 180, 335], ()),
        ([3.5, 4.0, 4.5], ()),
    ],
)
def test_codes_outside_the_run_of_a_scale_are_found(points, odd):
    assert odd_codes(np.array(list(points), float)) == odd


def test_a_nought_before_one_to_ten_is_a_code_only_where_it_is_far_too_frequent():
    answers = np.repeat(np.arange(11.0), [40, 2, 2, 3, 5, 8, 9, 12, 14, 9, 6])
    assert odd_codes(answers) == (0.0,)
    assert odd_codes(answers, "nps") == ()


def test_counts_of_events_are_no_scale():
    assert odd_codes(np.repeat([0.0, 1, 2, 3, 4, 5], [90, 40, 20, 8, 3, 1])) == ()


@pytest.mark.parametrize(
    ("points", "column", "expected"),
    [
        ([2, 5], "a", (1, 5)),
        ([2, 6], "a", (1, 7)),
        ([1, 8], "a", (1, 10)),
        ([0, 1], "a", (0, 1)),
        ([0, 9], "a", (0, 10)),
        ([3, 4], "nps", (0, 10)),
        ([20, 80], "a", (0, 100)),
        ([-2, 2], "a", (-2, 2)),
        ([-40, 200], "a", (-40, 200)),
    ],
)
def test_the_ends_of_a_scale_are_the_usual_ones(points, column, expected):
    assert ends(points, column) == expected


def test_codes_nobody_explained_are_set_aside_and_named_ones_do_not_apply():
    frame = pl.DataFrame({"parking": [1, 2, 3, 4, 5, 9, 9, None]})
    asked = read_rating(frame, "parking")
    assert asked.set_aside == {9.0: 2}
    assert asked.n == 5
    assert asked.applies.all()
    told = read_rating(frame, "parking", not_applicable={"parking": [9]})
    assert not told.set_aside
    assert told.n == 5
    assert told.applies.tolist() == [True] * 5 + [False, False, True]
    kept = read_rating(frame, "parking", not_applicable={"parking": []})
    assert kept.n == 7
    assert kept.high == 10


def test_answers_in_words_stand_at_their_place_on_the_scale():
    frame = pl.DataFrame({"q": ["Very satisfied", "neutral", "n/a", None, "Satisfied", "very dissatisfied"]})
    found = read_rating(frame, "q", not_applicable={"q": ["N/A"]})
    assert found.values[[0, 1, 4, 5]].tolist() == [5, 3, 4, 1]
    assert np.isnan(found.values[[2, 3]]).all()
    assert not found.applies[2]
    assert (found.low, found.high) == (1, 5)


def test_text_among_numbers_is_counted_and_left_out():
    frame = pl.DataFrame({"q": ["5", "4 - good", "4", "3", "1", "2", "great", "5", "5", "n/a"]})
    found = read_rating(frame, "q")
    assert found.unreadable == {"great": 1}
    assert found.n == 8


def test_words_of_no_scale_are_refused_with_what_was_expected():
    with pytest.raises(OptionError, match=r"'blue', 'red'.*known scale.*Name another column"):
        read_rating(pl.DataFrame({"q": ["red", "blue"]}), "q")
    with pytest.raises(UnknownNameError, match="Did you mean 'quality'"):
        read_rating(pl.DataFrame({"quality": [1]}), "qualty")


def test_rating_columns_are_recognised():
    n = 60
    frame = pl.DataFrame(
        {
            "answered_at": [datetime(2026, 1, 1)] * n,
            "csat": [4.0] * n,
            "weight": [1.0] * n,
            "quality": [float(i % 5 + 1) for i in range(n)],
            "ease": ["easy", "very easy"] * (n // 2),
            "solved": ["yes", "no"] * (n // 2),
            "store": ["Leeds", "York"] * (n // 2),
            "age": [20.5 + 1.37 * i for i in range(n)],
            "staff_number": [1000 + i for i in range(n)],
            "empty": [None] * n,
        }
    )
    assert ratings.rating_columns(frame) == ["ease", "quality", "solved"]
    assert ratings.rating_columns(frame, without=["solved"]) == ["ease", "quality"]


def test_rows_come_in_an_order_made_of_their_content():
    frame = pl.DataFrame(
        {
            "answered_at": [datetime(2026, 1, 1) + timedelta(days=i % 3) for i in range(30)],
            "customer_id": [f"c{i}" for i in range(30)],
            "csat": [i % 5 + 1 for i in range(30)],
        }
    )
    one = ratings.answers(frame)[2].drop("customer_id")
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1).with_columns(
        customer_id=pl.col("customer_id").str.replace("c", "k")
    )
    assert ratings.answers(shuffled)[2].drop("customer_id").equals(one)


def test_weights_are_brought_to_a_mean_of_one_and_bad_ones_count_nought():
    frame = pl.DataFrame({"weight": [1.0, 3.0, None, -1.0], "w": [0.0] * 4, "t": ["a"] * 4})
    found = ratings.survey_weights(frame)
    assert found.values.tolist() == [0.5, 1.5, 0.0, 0.0]
    assert found.n_without == 2
    assert ratings.survey_weights(frame, "none").column is None
    with pytest.raises(NotEnoughDataError, match=r"weight above 0 in 'w'.*weights='none'"):
        ratings.survey_weights(frame, "w")
    with pytest.raises(OptionError, match="column of numbers"):
        ratings.survey_weights(frame, "t")
    with pytest.raises(UnknownNameError, match="column of weights"):
        ratings.survey_weights(frame, "x")


def test_the_outcome_is_csat_before_nps_before_ces():
    frame = pl.DataFrame({"nps": [9.0], "csat": [None], "ces": [3.0]})
    assert ratings.default_outcome(frame) == "nps"
    with pytest.raises(NotEnoughDataError, match="outcome='<column>'"):
        ratings.default_outcome(frame.select(quality="ces"))
