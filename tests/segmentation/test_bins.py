"""Scores by value: ties together, order of rows irrelevant, turned values turn the scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.segmentation.bins import MOST_BINS, is_ordered, quantile_cuts, round_number_cuts, score

values = st.lists(st.integers(-20, 20) | st.floats(-1e6, 1e6), min_size=1, max_size=60)
bins = st.integers(2, MOST_BINS)


def scores(x, k):
    return score(x, quantile_cuts(x, k))


@given(x=values, k=bins)
def test_the_score_is_the_bin_of_the_middle_of_the_ties(x, k):
    found = scores(x, k).tolist()
    for value, got in zip(x, found, strict=True):
        below, equal = sum(v < value for v in x), sum(v == value for v in x)
        assert got == math.ceil(k * (2 * below + equal) / (2 * len(x)) - 1e-12)


@given(x=values, k=bins)
def test_equal_values_have_equal_scores_and_more_is_never_less(x, k):
    found = scores(x, k)
    order = np.argsort(x, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    for value in set(x):
        assert len({s for v, s in zip(x, found.tolist(), strict=True) if v == value}) == 1
    assert 1 <= found.min() <= found.max() <= k


@given(x=values, k=bins, data=st.data())
def test_the_order_of_rows_does_not_matter(x, k, data):
    assert quantile_cuts(x, k) == quantile_cuts(data.draw(st.permutations(x)), k)


@given(x=st.lists(st.integers(-9, 9), min_size=1, max_size=40), k=bins)
def test_turned_values_have_turned_scores(x, k):
    # Where the middle of the ties lies on an edge between two bins, the lower of the two is taken: skip those.
    n = len(x)
    edges = [v for v in x if (k * (2 * sum(w < v for w in x) + x.count(v))) % (2 * n) == 0]
    forth, back = scores(x, k), scores([-v for v in x], k)
    assert all(f + b == k + 1 for v, f, b in zip(x, forth, back, strict=True) if v not in edges)


@given(n=st.integers(1, 40), k=bins)
def test_without_ties_bins_are_equal(n, k):
    sizes = np.bincount(scores(range(n * k), k), minlength=k + 1)[1:]
    assert (sizes == n).all()


@given(x=values, k=bins, new=values)
def test_frozen_cut_offs_score_any_value(x, k, new):
    cuts = quantile_cuts(x, k)
    together = score(x + new, cuts)
    assert together[: len(x)].tolist() == scores(x, k).tolist()
    assert 1 <= together.min() <= together.max() <= k
    assert is_ordered(cuts)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([7.0], [3]),
        ([7.0] * 10, [3] * 10),
        ([1] * 8 + [2, 3], [2] * 8 + [5, 5]),
        ([0] * 80 + list(range(1, 21)), [2] * 80 + [5] * 20),
        ([1, 2, 3, 4, 1e300], [1, 2, 3, 4, 5]),
    ],
)
def test_degenerate_values_are_scored_all_the_same(x, expected):
    assert scores(x, 5).tolist() == expected


def test_fixed_cut_offs_for_orders():
    assert score([1, 2, 3, 4, 5, 9, 10, 99], round_number_cuts(5)).tolist() == [1, 2, 3, 3, 4, 4, 5, 5]
    for k in range(2, MOST_BINS + 1):
        assert len(round_number_cuts(k)) == k - 1


def test_a_score_that_none_reaches_is_never_given():
    assert score([1, 5, 1e308], (3.0, None)).tolist() == [1, 2, 2]


@pytest.mark.parametrize("cuts", [(2, 1), (None, 1), (1, math.inf), (math.nan,), ("1",)])
def test_cut_offs_out_of_order_are_seen(cuts):
    assert not is_ordered(cuts)
