"""Likelihoods of subsets against fits of one's own, subset by subset, and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from crm_analytics.errors import OptionError
from crm_analytics.stats.dominance import shapley
from crm_analytics.stats.subset_logit import (
    MOST_SUBSETS,
    categories,
    most_drivers,
    ordinal_fit,
    sampled_likelihoods,
    subset_likelihoods,
)


def ratings(seed: int, n: int = 120, p: int = 3, n_categories: int = 3):
    rng = np.random.default_rng(seed)
    x = np.clip(np.round(3 + rng.normal(size=(n, 1)) + rng.normal(size=(n, p))), 1, 5)
    latent = x @ np.linspace(0.8, 0.0, p) + rng.logistic(size=n)
    cuts = np.quantile(latent, np.linspace(0, 1, n_categories + 1)[1:-1])
    return x, np.digitize(latent, cuts), rng.choice([1.0, 2.0, 0.5], n)


def by_hand(x: np.ndarray, place: np.ndarray, w: np.ndarray) -> float:
    """Maximise the log-likelihood with a general optimiser; thresholds by their logged steps."""
    n_thresholds, q = int(place.max()), x.shape[1]

    def loss(parameters):
        theta = np.cumsum(np.concatenate([parameters[q : q + 1], np.exp(parameters[q + 1 :])]))
        below = 1 / (1 + np.exp(-(theta[None, :] - (x @ parameters[:q])[:, None])))
        edges = np.column_stack([np.zeros(len(x)), below, np.ones(len(x))])
        own = edges[np.arange(len(x)), place + 1] - edges[np.arange(len(x)), place]
        return -(w * np.log(np.maximum(own, 1e-300))).sum()

    start = np.concatenate([np.zeros(q), [-1.0], np.zeros(n_thresholds - 1)])
    return -minimize(loss, start, method="BFGS", options={"gtol": 1e-8, "maxiter": 500}).fun


@pytest.mark.parametrize("n_categories", [2, 3, 4])
def test_every_subset_reaches_what_an_optimiser_reaches(n_categories):
    x, place, w = ratings(n_categories, n_categories=n_categories)
    _, counts = categories(place, w)
    found = subset_likelihoods(x, counts).log_likelihoods
    for index in range(8):
        columns = [j for j in range(3) if index >> j & 1]
        assert found[index] == pytest.approx(by_hand(x[:, columns], place, w), abs=1e-5)


def yes_or_no(seed: int, n: int, p: int):
    """Make many answers on five points, their best fit by plain Newton steps in double precision to follow."""
    rng = np.random.default_rng(seed)
    x = np.clip(np.round(3 + 0.7 * rng.normal(size=(n, 1)) + 0.8 * rng.normal(size=(n, p))), 1, 5)
    return x, (x @ np.linspace(1.0, 0.0, p) + 2 * rng.logistic(size=n) > 1.7 * p).astype(float)


def newton(x: np.ndarray, yes: np.ndarray, w: np.ndarray) -> float:
    columns = np.column_stack([(x - x.mean(axis=0)) / x.std(axis=0), np.ones(len(x))])
    beta = np.zeros(columns.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-columns @ beta))
        slope, bends = columns.T @ (w * (yes - p)), (columns.T * (w * p * (1 - p))) @ columns
        step = np.linalg.lstsq(bends, slope)[0]
        beta = beta + step
        if slope @ step < 1e-12:
            break
    eta = columns @ beta
    return float((w * (yes * eta - np.logaddexp(0, eta))).sum())


@pytest.mark.parametrize(("n", "p"), [(4000, 6), (150, 5)])
@pytest.mark.parametrize("trouble", ["none", "twins", "nearly twins", "weights"])
def test_every_log_likelihood_is_exact_to_a_part_in_a_thousand_million(n, p, trouble):
    x, yes = yes_or_no(n, n, p)
    rng = np.random.default_rng(p)
    w = rng.choice([0.25, 1.0, 3.0], n) if trouble == "weights" else np.ones(n)
    if trouble == "twins":
        x[:, 2] = 7 - 2 * x[:, 0]
    elif trouble == "nearly twins":  # what tells them apart tells much of the outcome
        x[:, 1] = x[:, 0] + 0.02 * (yes + rng.normal(size=n))
    counts = np.column_stack([1 - yes, yes]) * w[:, None]
    found = subset_likelihoods(x, counts, row_shares=False).log_likelihoods
    for index in range(2**p):
        columns = [j for j in range(p) if index >> j & 1]
        assert found[index] == pytest.approx(newton(x[:, columns], yes, w), rel=1e-9)


def test_ordered_log_likelihoods_are_those_of_separate_fits():
    x, place, w = ratings(12, n=900, p=5, n_categories=4)
    _, counts = categories(place, w)
    found = subset_likelihoods(x, counts, row_shares=False).log_likelihoods
    for index in range(1, 32):
        columns = [j for j in range(5) if index >> j & 1]
        assert found[index] == pytest.approx(ordinal_fit(x[:, columns], counts).log_likelihood, rel=1e-9)


@pytest.mark.parametrize("n_categories", [2, 3])
def test_sampled_orders_come_to_the_exact_shares_within_their_error(n_categories):
    x, place, w = ratings(13, n=400, p=6, n_categories=n_categories)
    _, counts = categories(place, w)
    groups = [[0, 1], [2], [3], [4]]
    exact = shapley(subset_likelihoods(x, counts, groups, always=[5]).log_likelihoods)
    sampled = sampled_likelihoods(x, counts, groups, always=[5], n_orders=10, seed=2)
    assert sampled.n_orders == 10
    assert sampled.shares.sum() == pytest.approx(exact.sum(), abs=1e-6)
    assert (np.abs(sampled.shares - exact) < 4 * sampled.errors + 1e-9).all()
    assert sampled.errors.max() < 0.03 * exact.sum(), "the linear model takes most of the chance away"
    assert sampled.row_shares.sum() == pytest.approx(exact.sum(), abs=1e-6)
    again = sampled_likelihoods(x, counts, groups, always=[5], n_orders=10, seed=2)
    assert again.shares.tolist() == sampled.shares.tolist()


def test_more_orders_leave_less_error():
    x, place, w = ratings(14, p=3)
    _, counts = categories(place, w)
    exact = shapley(subset_likelihoods(x, counts).log_likelihoods)
    found = sampled_likelihoods(x, counts, n_orders=4000)
    assert (np.abs(found.shares - exact) < 4 * found.errors + 1e-9).all()
    assert found.errors.max() < 2e-3 * exact.sum()


def test_so_many_drivers_that_every_subset_takes_a_few_seconds():
    assert most_drivers(100, 2) == MOST_SUBSETS
    assert most_drivers(10_000, 2) > most_drivers(10_000, 3) > most_drivers(1_000_000, 3) >= 1


def test_rows_parts_add_up_to_the_shapley_values():
    x, place, w = ratings(5)
    _, counts = categories(place, w)
    found = subset_likelihoods(x, counts)
    assert found.row_shares.sum(axis=0) == pytest.approx(shapley(found.log_likelihoods), abs=1e-8)


def test_groups_enter_together_and_what_is_always_in_stays():
    x, place, w = ratings(6, p=4)
    _, counts = categories(place, w)
    found = subset_likelihoods(x, counts, groups=[[0, 1], [2]], always=[3]).log_likelihoods
    for index, columns in enumerate([[3], [0, 1, 3], [2, 3], [0, 1, 2, 3]]):
        assert found[index] == pytest.approx(ordinal_fit(x[:, columns], counts).log_likelihood, abs=1e-6)


def test_equal_rows_may_be_taken_together():
    x, place, w = ratings(7)
    _, counts = categories(place, w)
    patterns, of_row = np.unique(x, axis=0, return_inverse=True)
    together = np.zeros((len(patterns), counts.shape[1]))
    np.add.at(together, of_row, counts)
    one, two = subset_likelihoods(x, counts), subset_likelihoods(patterns, together)
    assert two.log_likelihoods == pytest.approx(one.log_likelihoods, abs=1e-6)


def test_scores_of_the_full_model_sum_to_nought_and_its_covariance_is_their_spread():
    x, place, _ = ratings(8, n=4000)
    _, counts = categories(place)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    fit = ordinal_fit(z, counts)
    assert np.abs(fit.scores.sum(axis=0)).max() < 1e-3
    spread = np.linalg.inv(fit.scores.T @ fit.scores)  # the same in a model that holds
    assert np.sqrt(np.diag(spread)) == pytest.approx(np.sqrt(np.diag(fit.covariance)), rel=0.08)
    assert fit.probabilities.sum(axis=1) == pytest.approx(np.ones(4000), abs=1e-12)


def test_a_driver_that_tells_the_outcome_for_certain_is_named():
    x, place, _ = ratings(9, n_categories=2)
    told = np.column_stack([x, place * 4.0 + 1])
    _, counts = categories(place)
    fit = ordinal_fit(told, counts)
    assert fit.separated
    assert np.isfinite(fit.log_likelihood)
    assert np.isfinite(subset_likelihoods(told, counts).log_likelihoods).all()


def test_a_repeated_driver_shares_with_its_twin():
    x, place, _ = ratings(10)
    _, counts = categories(place)
    found = subset_likelihoods(np.column_stack([x, x[:, 0]]), counts).log_likelihoods
    shares = shapley(found)
    assert shares[0] == pytest.approx(shares[3], abs=1e-5)
    assert found[-1] == pytest.approx(subset_likelihoods(x, counts).log_likelihoods[-1], abs=1e-6)


def test_what_cannot_be_fitted_is_refused():
    x, place, _ = ratings(11)
    with pytest.raises(OptionError, match="two or more that occur"):
        ordinal_fit(x, categories(np.zeros(len(x)))[1])
    with pytest.raises(OptionError, match=f"at most {MOST_SUBSETS} drivers"):
        subset_likelihoods(np.tile(x, (1, 6)), categories(place)[1])
