"""Pooled means: nearer the truth than raw ones, honest about places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.errors import OptionError
from crm_analytics.stats.partial_pooling import pool


def test_pooled_means_are_nearer_the_truth_and_their_intervals_cover():
    rng = np.random.default_rng(6)
    raw, pooled, covered, first, chance = [], [], [], [], []
    for seed in range(60):
        truth = rng.normal(20, 6, 25)
        errors = rng.uniform(3, 15, 25)
        seen = truth + rng.normal(0, errors)
        found = pool(seen, errors, draws=800, seed=seed)
        raw.append(((seen - truth) ** 2).mean())
        pooled.append(((found.value - truth) ** 2).mean())
        covered.append(((found.lower <= truth) & (truth <= found.upper)).mean())
        first.append(found.best[truth.argmax()])
        chance.append(found.best.max())
    assert np.mean(pooled) < 0.5 * np.mean(raw)
    assert 0.92 < np.mean(covered) < 0.98
    assert np.mean(chance) < 0.6, "with such errors nobody is surely the best"
    assert np.mean(first) > 2 / 25


def test_groups_that_are_alike_are_drawn_together_but_not_called_equal_for_sure():
    found = pool([10, 10.5, 9.5, 10], [5] * 4)
    assert np.ptp(found.value) < 0.5
    assert (found.upper - found.lower > 3).all()
    assert found.best.max() < 0.4


def test_a_small_group_is_drawn_further():
    found = pool([50, 50, 20, 20, 30, 40], [20, 2, 2, 2, 2, 2])
    assert 50 - found.value[0] > 5 * (50 - found.value[1])


def test_the_same_draws_give_the_same():
    one, two = pool([1, 2, 3], [1, 1, 1], seed=5), pool([1, 2, 3], [1, 1, 1], seed=5)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize(
    ("means", "errors"), [([1, 2], [1, 1]), ([1, 2, 3], [1, 0, 1]), ([1, 2, float("nan")], [1, 1, 1])]
)
def test_what_cannot_be_pooled_is_refused(means, errors):
    with pytest.raises(OptionError, match="three groups or more"):
        pool(means, errors)


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(0.5, 50)), min_size=3, max_size=8))
def test_probabilities_and_places_add_up(rows):
    means, errors = (np.array(x) for x in zip(*rows, strict=True))
    found = pool(means, errors, draws=300)
    k = len(rows)
    assert found.best.sum() == pytest.approx(1)
    assert found.worst.sum() == pytest.approx(1)
    assert found.rank.sum() == pytest.approx(k * (k + 1) / 2)
    assert (found.lower <= found.value).all()
    assert (found.value <= found.upper).all()
    assert found.value.min() >= means.min() - 1e-6
    assert found.value.max() <= means.max() + 1e-6
