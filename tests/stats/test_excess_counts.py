"""Counts beyond their history: exact tails by hand, overdispersion, and false alarms by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crm_analytics.stats.excess_counts import excess, limit, rates


def test_the_p_value_is_the_conditional_binomial_tail():
    """20 in ten periods before, 8 in the one judged: given 28 in all, the last is Binomial(28, 1/11)."""
    found = excess([2] * 10 + [8], [1] * 11)
    assert found.expected == 2
    assert found.scatter == 1
    assert found.p_value == pytest.approx(stats.binom.sf(7, 28, 1 / 11), rel=1e-12)


def test_a_busy_period_is_no_surprise():
    assert excess([10] * 8 + [20], [100] * 8 + [200]).p_value > 0.4
    assert excess([10] * 8 + [20], [100] * 9).p_value < 0.02


def test_past_scatter_beyond_chance_counts_against_a_warning():
    wild, calm = [4, 40] * 6, [22] * 12
    assert excess([*wild, 40], [1] * 13).p_value > 0.1
    assert excess([*calm, 45], [1] * 13).p_value < 0.01
    assert excess([*wild, 40], [1] * 13).scatter > 3


@pytest.mark.parametrize("p", [0.05, 0.01, 0.001])
def test_the_limit_is_the_smallest_count_that_surprises(p):
    past, sizes = [5, 7, 6, 4, 8, 5], [1.0, 1, 1, 1, 1, 1, 1.5]
    at = limit([*past, 0], sizes, p)
    assert excess([*past, at], sizes).p_value <= p < excess([*past, at - 1], sizes).p_value


def test_nothing_before_and_nothing_now():
    found = excess([0, 0, 0, 0], [1] * 4)
    assert (found.expected, found.expected_lower, found.p_value) == (0, 0, 1)
    assert found.expected_upper > 0


def test_false_alarms_are_no_more_frequent_than_promised():
    rng = np.random.default_rng(4)
    p = [excess(rng.poisson(6, 25), np.ones(25)).p_value for _ in range(1500)]
    assert np.mean(np.array(p) < 0.05) < 0.055


@pytest.mark.parametrize("before", [6, 12])
def test_counts_that_scatter_beyond_chance_give_few_false_alarms(before):
    """Monthly rates drawn from a gamma distribution: variance 3 times the mean. Without a word on scatter 30% were false."""
    rng = np.random.default_rng(5)
    counts = rng.poisson(rng.gamma(10, 2, (1200, before + 1)))
    p = np.array([excess(x, np.ones(before + 1)).p_value for x in counts])
    assert np.mean(p < 0.05) < 0.08
    assert np.mean(p < 0.05 / 4) < 0.03


def test_scatter_is_pearsons():
    past = np.array([3.0, 9, 5, 11])
    expected = stats.chisquare(past).statistic / 3
    assert excess([*past, 4], [1] * 5).scatter == pytest.approx(expected**0.5)


def test_rates_are_counts_over_exposure():
    rate, lower, upper = rates([10, 0, 3], [5, 5, 0])
    assert rate[:2].tolist() == [2, 0]
    assert lower[0] < 2 < upper[0]
    assert np.isnan([rate[2], lower[2], upper[2]]).all()
