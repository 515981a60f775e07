"""The bootstrap of many sums at once: sums are right, draws repeat, and groups stand for customers."""

from __future__ import annotations

import numpy as np
import pytest

from crm_analytics.stats.customer_draws import Draws


def test_sums_of_a_draw_are_the_values_times_how_often_each_customer_was_drawn():
    rng = np.random.default_rng(1)
    draws = Draws.of(6, 40, seed=2)
    customer, column, values = rng.integers(0, 6, 30), rng.integers(0, 3, 30), rng.normal(size=30)
    found = draws.sums(customer, column, values, 3)
    for b in range(40):
        for c in range(3):
            by_hand = sum(
                draws.weights[b, who] * v
                for who, at, v in zip(customer, column, values, strict=True)
                if at == c
            )
            assert found[b, c] == pytest.approx(by_hand)


def test_each_draw_has_as_many_customers():
    assert set(Draws.of(25, 50, seed=0).weights.sum(axis=1)) == {25.0}


def test_the_spread_of_a_mean_is_that_of_theory():
    x = np.random.default_rng(4).lognormal(size=800)
    draws = Draws.of(800, 4000, seed=1)
    means = draws.sums(np.arange(800), np.zeros(800, int), x, 1)[:, 0] / 800
    assert means.std() == pytest.approx(x.std() / np.sqrt(800), rel=0.05)


def test_groups_of_customers_stand_for_customers():
    x = np.random.default_rng(5).lognormal(size=30_000)
    draws = Draws.of(30_000, 2000, seed=1, most=2000)
    assert np.bincount(draws.group).tolist() == [15] * 2000
    means = draws.sums(np.arange(30_000), np.zeros(30_000, int), x, 1)[:, 0] / 30_000
    assert means.std() == pytest.approx(x.std() / np.sqrt(30_000), rel=0.1)


def test_the_same_seed_gives_the_same_draws():
    one, other = (Draws.of(50, 20, seed=4).weights for _ in range(2))
    assert (one == other).all()
    assert not (one == Draws.of(50, 20, seed=5).weights).all()
