"""What intervals and tests of drivers promise, held against made-up surveys whose truth is known."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from crm_analytics.satisfaction.drivers import likelihood
from crm_analytics.satisfaction.regression.design import Ask, design
from crm_analytics.satisfaction.regression.moments import Prepared, draws_of, moments_of, prepared
from crm_analytics.satisfaction.regression.shares import coefficients, linear_shares, unique_p_values
from crm_analytics.stats.dominance import shapley
from crm_analytics.stats.moment_draws import covariance_draws
from crm_analytics.stats.resampled_sums import _counts
from crm_analytics.stats.subset_fits import subset_r2
from crm_analytics.stats.subset_logit import categories, subset_likelihoods

ASK = Ask(None, None, None, (), "auto", {}, None)
EFFECTS = np.array([0.5, 0.4, 0.3, 0.2, 0.0])


def ratings(n: int, seed: int) -> np.ndarray:
    """Five ratings with a common mood and the outcome last; the fifth has no effect."""
    rng = np.random.default_rng(seed)
    x = np.clip(np.round(5 + 1.4 * rng.normal(size=(n, 1)) + 1.4 * rng.normal(size=(n, 5))), 1, 9)
    return np.column_stack([x, x @ EFFECTS + 1.6 * rng.normal(size=n)])


@pytest.mark.slow
def test_intervals_of_shares_and_of_their_differences_hold_their_level():
    """Of 400 surveys 94.3% of the difference intervals hold the truth; 150 keep the test quick."""
    truth = shapley(subset_r2(np.cov(ratings(1_000_000, 99).T)))
    gaps = (truth[:, None] - truth)[np.triu_indices(5, 1)]
    held, held_gaps = [], []
    for seed in range(150):
        drawn = shapley(subset_r2(covariance_draws(ratings(300, seed), n_draws=400, seed=seed)))
        apart = (drawn[:, None] - drawn)[np.triu_indices(5, 1)]
        for value, draws, hits in ((truth, drawn, held), (gaps, apart, held_gaps)):
            low, high = np.quantile(draws, [0.025, 0.975], axis=1)
            hits.append((low <= value) & (value <= high))
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)
    assert np.mean(held_gaps) == pytest.approx(0.95, abs=0.025)


def survey(seed: int, *, gaps: bool) -> pl.DataFrame:
    rng = np.random.default_rng(1000 + seed)
    z = ratings(250, seed)
    frame = pl.DataFrame({**{f"d{j}": z[:, j] for j in range(5)}, "csat": z[:, 5]}).with_columns(
        answered_at=pl.Series([datetime(2026, 1, 1) + timedelta(minutes=i) for i in range(250)])
    )
    if not gaps:
        return frame
    return frame.with_columns(
        pl.when(pl.Series(rng.random(250) < 0.15)).then(None).otherwise(pl.col(f"d{j}")).alias(f"d{j}")
        for j in range(5)
    ).with_columns(weight=pl.Series(rng.choice([0.5, 1.0, 2.0], 250)))


@pytest.mark.slow
@pytest.mark.parametrize(("gaps", "n_surveys"), [(False, 300), (True, 150)])
def test_a_null_driver_is_called_significant_as_often_as_chance_has_it(gaps, n_surveys):
    found = []
    for seed in range(n_surveys):
        made = design(survey(seed, gaps=gaps), ASK)
        rows = prepared(made, "em")
        moments = moments_of(rows)
        drawn = draws_of(rows, moments, n_draws=200 if gaps else 1, seed=seed)
        shares = linear_shares(moments.covariance, drawn[:, :, :0], made.groups, rows.always, seed=0)
        beta = coefficients(moments.covariance[:, :, None])[:, 0]
        beta_draws = coefficients(drawn)
        p_values, test = unique_p_values(made, rows, shares, beta, beta_draws)
        assert test.startswith("Wald" if gaps else "F")
        found.append(p_values[[0, 4]])
        assert shares.lmg[4] > 0, "never evidence of an effect"
    first, null = np.array(found).T
    assert (null < 0.05).mean() == pytest.approx(0.05, abs=0.035)
    assert (first < 0.05).mean() > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("n_categories", [2, 3])
def test_fast_draws_of_likelihood_shares_agree_with_refitting_every_subset(n_categories):
    rng, n, n_draws = np.random.default_rng(1), 300, 120
    x = np.clip(np.round(3 + 0.7 * rng.normal(size=(n, 1)) + 0.7 * rng.normal(size=(n, 4))), 1, 5)
    latent = x @ [0.8, 0.4, 0.2, 0.0] + 1.2 * rng.logistic(size=n)
    y = np.digitize(latent, np.quantile(latent, [0.5] if n_categories == 2 else [0.3, 0.7])).astype(float)
    rows = Prepared(np.column_stack([x, y]), (), np.ones(n), None, np.arange(n), "em")
    groups = [[0], [1], [2], [3]]
    model, scores = likelihood.model(rows, n_draws=n_draws, seed=3)
    fast = likelihood.likelihood_shares(model, scores, rows, groups, (), n_draws=n_draws, seed=3).draws
    ((_, counts),) = _counts(n, n_draws, np.random.default_rng(3))
    slow = []
    for drawn in counts:
        _, spread = categories(y, drawn)
        reached = subset_likelihoods(x[drawn > 0], spread[drawn > 0]).log_likelihoods
        slow.append(shapley(1 - reached / reached[0]))
    for one, other in zip(fast, np.array(slow).T, strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.93  # the null driver; others above 0.99
        assert one.mean() == pytest.approx(other.mean(), abs=0.05 * other.std() + 2e-4)
        assert one.std() == pytest.approx(other.std(), rel=0.05)


@pytest.mark.slow
def test_proportional_odds_are_doubted_where_they_do_not_hold_and_only_there():
    doubted = {True: 0, False: 0}
    for seed in range(60):
        for broken in doubted:
            rng = np.random.default_rng(seed)
            n = 500
            x = rng.normal(size=(n, 2))
            latent = x @ [1.0, 0.5] + rng.logistic(size=n)
            y = np.digitize(latent, [-1.0, 1.0]).astype(float)
            if broken:  # the second driver lifts to the top and does nothing below
                y = np.where((y == 1) & (x[:, 1] > 0.3), 2.0, y)
            rows = Prepared(np.column_stack([x, y]), (), np.ones(n), None, np.arange(n), "em")
            model, _ = likelihood.model(rows, n_draws=0, seed=0)
            check = likelihood.proportional_odds(model)
            doubted[broken] += check.p_value < 0.05
            assert check.freedom == 2
    assert doubted[True] > 50
    assert doubted[False] <= 8
