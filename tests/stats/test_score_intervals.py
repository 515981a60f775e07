"""Intervals of scores: what holds whatever the answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.errors import OptionError
from crm_analytics.stats import score_intervals as scores

COUNTS = st.tuples(*[st.integers(0, 60)] * 3).filter(lambda c: sum(c) > 0)


def shares(counts):
    n = sum(counts)
    return counts[0] / n, counts[2] / n, float(n)


@given(COUNTS)
def test_the_interval_holds_the_score_and_stays_on_the_scale(counts):
    p, d, n = shares(counts)
    lower, upper = scores.nps_interval(p, d, n)
    assert -1 <= lower <= p - d <= upper <= 1
    assert upper > lower, "never of no width, not even where all answers are alike"


@given(COUNTS)
def test_turning_the_scale_turns_the_interval(counts):
    p, d, n = shares(counts)
    lower, upper = scores.nps_interval(p, d, n)
    other = scores.nps_interval(d, p, n)
    assert (-float(other[1]), -float(other[0])) == pytest.approx((float(lower), float(upper)))


@given(COUNTS, st.integers(2, 9))
def test_more_answers_of_the_same_kind_narrow_it(counts, times):
    p, d, n = shares(counts)
    near, far = (scores.nps_interval(p, d, size) for size in (n * times, n))
    assert near[1] - near[0] < far[1] - far[0]


@given(COUNTS, COUNTS)
def test_differences_turn_with_their_order(one, other):
    there = scores.nps_difference(shares(one), shares(other))
    back = scores.nps_difference(shares(other), shares(one))
    assert (there.value, there.lower, there.p_value) == pytest.approx(
        (-back.value, -back.upper, back.p_value)
    )
    assert there.lower <= there.value <= there.upper


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=40))
def test_weights_only_take_away(weights):
    n = scores.effective_n(weights)
    assert n <= len(weights) * (1 + 1e-9)
    assert n == pytest.approx(scores.effective_n([7 * w for w in weights]))
    people = np.arange(len(weights)) // 2
    assert scores.effective_n(weights, people, 0.5) <= n * (1 + 1e-9)


def test_no_weight_at_all():
    assert scores.effective_n([0.0, 0.0]) == 0


def test_equal_answers_of_one_person_count_once():
    assert scores.effective_n(np.ones(6), [0, 0, 1, 1, 2, 2], 1.0) == pytest.approx(3)


def test_correlation_within_people_is_found():
    rng = np.random.default_rng(4)
    people = np.repeat(np.arange(2000), 2)
    answers = rng.normal(size=2000)[people] * 0.6 + 0.8 * rng.normal(size=4000)
    assert scores.correlation_within(answers, people) == pytest.approx(0.36, abs=0.05)
    assert scores.correlation_within(rng.normal(size=4000), people) < 0.06
    assert scores.correlation_within([1.0, 2.0], [0, 0]) == 0, "too few to tell"
    assert scores.correlation_within([], []) == 0


@given(
    st.lists(st.integers(0, 100), min_size=2, max_size=30),
)
def test_a_bounded_mean_stays_on_its_scale(values):
    x = np.array(values, float)
    found = scores.bounded_mean(scores.Spread(x.mean(), x.var(ddof=1), x.size), (0, 100))
    assert 0 <= found.lower <= found.value <= found.upper <= 100
    assert found.upper > found.lower


def test_one_answer_says_nothing_of_a_mean():
    assert scores.bounded_mean(scores.Spread(3.0, 0.0, 1), (1, 5)) == (3.0, 1, 5)


def test_means_that_do_not_vary_have_no_test():
    alike = scores.mean_difference(scores.Spread(2, 0, 9), scores.Spread(2, 0, 9))
    assert (alike.value, alike.p_value) == (0, 1)
    assert math.isnan(scores.mean_difference(scores.Spread(3, 0, 9), scores.Spread(2, 0, 9)).p_value)


def test_pairs_that_all_moved_alike():
    assert scores.paired_difference([1, 2], [1, 2]).p_value == 1
    assert math.isnan(scores.paired_difference([1, 2], [2, 3]).p_value)
    with pytest.raises(OptionError, match="as many as there are now"):
        scores.paired_difference([1, 2, 3], [1, 2])


def test_the_paired_test_sees_what_the_other_does_not():
    """The same people, each a little better: far from chance, though people differ far more than they moved."""
    rng = np.random.default_rng(8)
    before = rng.normal(0, 10, 50)
    now = before + 1 + rng.normal(0, 1, 50)
    assert scores.paired_difference(before, now).p_value < 1e-6
    spreads = [scores.Spread(x.mean(), x.var(ddof=1), 50.0) for x in (now, before)]
    assert scores.mean_difference(*spreads).p_value > 0.5


def test_intervals_of_weighted_shares_at_the_end_say_nothing():
    sure = scores.WeightedMean(1.0, 0.0, 9)
    assert scores.share_interval_logit(sure) == (0, 1)
    assert scores.share_interval_beta(sure) == (0, 1)
    assert scores.weighted_mean([1.0], [2.0]) == (1.0, math.inf, 0)


@given(st.floats(-1, 1), st.floats(0, 1))
def test_bounds_for_everybody_hold_the_score_of_those_who_answered(score, rate):
    lower, upper = scores.nonresponse_bounds(score, rate, (-1, 1))
    assert lower <= score + 1e-12
    assert score - 1e-12 <= upper
    assert upper - lower == pytest.approx(2 * (1 - rate))


def test_a_response_rate_is_a_share():
    with pytest.raises(OptionError, match=r"response_rate=1\.2"):
        scores.nonresponse_bounds(0.1, 1.2, (-1, 1))
