"""Shares of explained variance against brute force over every order of entry, and what must always hold."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_analytics.errors import OptionError
from crm_analytics.stats import dominance
from crm_analytics.stats.subset_fits import MOST_EXACT, subset_r2


def answers(seed: int, p: int, n: int = 60, points: int = 5) -> np.ndarray:
    """Rounded ratings that hang together, the outcome last; ties abound."""
    rng = np.random.default_rng(seed)
    halo = rng.normal(size=(n, 1))
    return np.clip(np.round(3 + halo + rng.normal(size=(n, p + 1))), 1, points)


def r2_of(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    design = np.column_stack([np.ones(len(y)), x]) * np.sqrt(w)[:, None]
    target = y * np.sqrt(w)
    left = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
    mean = (w * y).sum() / w.sum()
    return 1 - (left @ left) / (w * (y - mean) ** 2).sum()


def by_every_order(data: np.ndarray, w: np.ndarray, groups: list[list[int]]) -> np.ndarray:
    """Regress afresh for each prefix of each order of entry."""
    y, known, gains, orders = (
        data[:, -1],
        {frozenset(): 0.0},
        np.zeros(len(groups)),
        list(permutations(range(len(groups)))),
    )
    for order in orders:
        inside: frozenset[int] = frozenset()
        for k in order:
            more = inside | {k}
            if more not in known:
                known[more] = r2_of(data[:, [j for g in more for j in groups[g]]], y, w)
            gains[k] += known[more] - known[inside]
            inside = more
    return gains / len(orders)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), p=st.integers(1, 5), weighted=st.booleans(), grouped=st.booleans())
def test_shares_are_the_mean_gain_over_every_order(seed, p, weighted, grouped):
    data = answers(seed, p)
    w = (
        np.random.default_rng(seed).integers(1, 4, len(data)).astype(float)
        if weighted
        else np.ones(len(data))
    )
    groups = [[0, 1], *([j] for j in range(2, p))] if grouped and p > 1 else [[j] for j in range(p)]
    found = dominance.shapley(subset_r2(np.cov(data.T, aweights=w), groups=groups))
    assert found == pytest.approx(by_every_order(data, w, groups), abs=1e-9)


@pytest.mark.parametrize("p", [6, 7])
def test_shares_are_the_mean_gain_over_every_order_of_seven(p):
    data = answers(p, p)
    found = dominance.shapley(subset_r2(np.cov(data.T)))
    assert found == pytest.approx(by_every_order(data, np.ones(len(data)), [[j] for j in range(p)]), abs=1e-9)


@given(seed=st.integers(0, 10_000), p=st.integers(1, 9))
def test_shares_sum_to_r2_and_are_not_negative(seed, p):
    worth = subset_r2(np.cov(answers(seed, p).T))
    found = dominance.shapley(worth)
    assert found.sum() == pytest.approx(worth[-1], abs=1e-12)
    assert (found > -1e-12).all()
    assert dominance.first(worth).max() <= worth[-1] + 1e-12
    assert dominance.conditional(worth).mean(axis=1) == pytest.approx(found, abs=1e-12)
    assert dominance.weights(np.cov(answers(seed, p).T)).relative.sum() == pytest.approx(worth[-1], abs=1e-9)


@given(seed=st.integers(0, 10_000), p=st.integers(2, 6))
def test_neither_scale_nor_order_of_the_drivers_matters(seed, p):
    data, rng = answers(seed, p), np.random.default_rng(seed)
    order = rng.permutation(p)
    plain = dominance.shapley(subset_r2(np.cov(data.T)))
    other = np.column_stack([data[:, order] * rng.uniform(0.01, 100, p), -3 * data[:, -1]])
    assert dominance.shapley(subset_r2(np.cov(other.T))) == pytest.approx(plain[order], abs=1e-9)


def test_many_covariances_go_through_together():
    many = [np.cov(answers(seed, 4).T) for seed in range(7)]
    together = dominance.shapley(subset_r2(np.stack(many, axis=-1)))
    assert pytest.approx(np.array([dominance.shapley(subset_r2(c)) for c in many]), abs=1e-14) == together.T


def test_a_constant_driver_adds_nothing():
    data = answers(1, 3)
    data[:, 1] = 4.0
    found = dominance.shapley(subset_r2(np.cov(data.T)))
    assert found[1] == 0
    assert dominance.weights(np.cov(data.T)).relative[1] == 0
    constant = answers(1, 3)
    constant[:, -1] = 4.0
    assert (dominance.shapley(subset_r2(np.cov(constant.T))) == 0).all()


def test_more_drivers_than_answers_stay_finite():
    found = dominance.shapley(subset_r2(np.cov(answers(2, 10, n=6).T)))
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("p", [4, 12])
def test_sampled_orders_come_near_and_say_how_near(p):
    c = np.cov(answers(3, p, n=500).T)
    exact, sampled = dominance.shapley(subset_r2(c)), dominance.sampled_shapley(c, n_orders=4000, seed=1)
    assert sampled.n_orders == 4000
    assert sampled.shares.sum() == pytest.approx(exact.sum(), abs=1e-10)
    assert (np.abs(sampled.shares - exact) <= 4 * sampled.errors + 1e-12).all()
    assert (sampled.errors < 0.03 * exact.max()).all()


def test_the_stated_error_of_sampling_is_its_spread():
    c = np.cov(answers(4, 6, n=300).T)
    runs = [dominance.sampled_shapley(c, n_orders=200, seed=s) for s in range(200)]
    spread = np.std([r.shares for r in runs], axis=0)
    assert np.mean([r.errors for r in runs], axis=0) == pytest.approx(spread, rel=0.2)


def test_too_many_drivers_for_every_subset_are_refused():
    with pytest.raises(OptionError, match=f"{MOST_EXACT} drivers"):
        subset_r2(np.eye(MOST_EXACT + 2))


def test_sampled_orders_take_groups_and_what_is_always_in():
    c = np.cov(answers(4, 7, n=200).T)
    groups, always = [[0, 1], [2], [3, 5], [4]], [6]
    exact = dominance.shapley(subset_r2(c, groups, always))
    sampled = dominance.sampled_shapley(c, n_orders=8000, seed=2, groups=groups, always=always)
    assert sampled.shares.sum() == pytest.approx(exact.sum(), abs=1e-12)
    assert (np.abs(sampled.shares - exact) < 5 * sampled.errors + 1e-12).all()
    left_out = dominance.sampled_shapley(c, n_orders=4000, seed=2, groups=[[3], [1]])
    assert left_out.shares == pytest.approx(dominance.shapley(subset_r2(c, [[3], [1]])), abs=1e-3)
