"""Matched sets: by hand, against textbook errors, and their level by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crm_analytics.stats.matched_sets import Sets, contrast, gap, nearest


def pairs(n):
    return Sets(np.arange(n), np.arange(n, 2 * n), np.arange(n))


def test_the_nearest_within_the_caliper_come_first_and_ties_keep_their_order():
    others = np.array([[1.0, 5.0], [1.1, 5.0], [0.9, 5.0], [1.0, 9.0]])
    places, distance = nearest(np.array([1.0, 5.0]), others, np.array([1.0, 1.0]), 3, 0.5)
    assert places.tolist() == [0, 1, 2]
    assert distance == pytest.approx([0, 0.1, 0.1])
    assert nearest(np.array([50.0, 5.0]), others, np.array([1.0, 1.0]), 3, 0.5)[0].size == 0


def test_pairs_give_the_paired_t_test():
    rng = np.random.default_rng(1)
    own, other = rng.normal(2, 1, 200), rng.normal(1.5, 1, 200)
    found = gap(pairs(200), np.ones(200, bool), own, other)
    textbook = stats.ttest_rel(own, other)
    assert found.difference == pytest.approx(own.mean() - other.mean())
    assert (found.lower, found.upper) == pytest.approx(tuple(textbook.confidence_interval()))
    assert found.p_value == pytest.approx(textbook.pvalue)


def test_the_mean_of_others_weighs_sets_alike():
    """A set with one other and a set with two: (10 + (2 + 4) / 2) / 2."""
    sets = Sets(np.array([0, 1, 1]), np.array([5, 6, 7]), np.array([0, 1]))
    found = gap(sets, np.ones(2, bool), np.array([1.0, 3.0]), np.array([10.0, 2.0, 4.0]))
    assert (found.mean, found.other_mean) == (2, 6.5)
    assert found.ratio == pytest.approx(2 / 6.5)
    assert sets.mean_of_others(np.array([10.0, 2.0, 4.0])).tolist() == [10, 3]


def test_one_other_in_every_set_adds_to_the_error():
    """The outcome of a single other, used again and again, is one observation and not many."""
    n = 40
    own = np.linspace(0, 2, n)
    again = Sets(np.repeat(np.arange(n), 2), np.tile([100, 101], n), np.arange(n))
    other = np.tile([0.0, 2.0], n)
    found = gap(again, np.ones(n, bool), own, other)
    apart = gap(
        Sets(np.repeat(np.arange(n), 2), np.arange(100, 100 + 2 * n), np.arange(n)),
        np.ones(n, bool), own, other,
    )  # fmt: skip
    assert found.upper - found.lower > 2 * (apart.upper - apart.lower)


def test_a_contrast_is_the_difference_of_the_differences():
    rng = np.random.default_rng(2)
    own, other = rng.poisson(3, 100).astype(float), rng.poisson(4, 100).astype(float)
    one = np.arange(100) < 40
    sets = pairs(100)
    a, b = gap(sets, one, own, other), gap(sets, ~one, own, other)
    both = contrast(sets, one, ~one, own, other)
    assert both.difference == pytest.approx(a.difference - b.difference)
    assert both.ratio == pytest.approx(a.ratio / b.ratio)
    halves = [(g.upper - g.lower) / 2 / stats.t.ppf(0.975, n - 1) for g, n in ((a, 40), (b, 60), (both, 40))]
    assert halves[2] == pytest.approx(np.hypot(*halves[:2])), "the fewer sets give the quantile"


def test_nothing_ordered_has_no_ratio():
    found = gap(pairs(5), np.ones(5, bool), np.zeros(5), np.zeros(5))
    assert np.isnan(found.ratio)
    assert (found.difference, found.p_value) == (0, 1)
