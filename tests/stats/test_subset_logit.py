"""Likelihoods of subsets against fits of one's own, subset by subset, and what must always hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from crm_analytics.errors import OptionError
from crm_analytics.stats.dominance import shapley
from crm_analytics.stats.subset_logit import MOST_SUBSETS, categories, ordinal_fit, subset_likelihoods


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
        subset_likelihoods(np.tile(x, (1, 5)), categories(place)[1])
