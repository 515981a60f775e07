"""Gaps filled by regression, and the uncertainty that adds, against drawing rows again and doing all of it anew."""

from __future__ import annotations

import numpy as np
import pytest

from crm_analytics.satisfaction.drivers import fill, likelihood
from crm_analytics.satisfaction.regression.moments import Prepared
from crm_analytics.stats.incomplete import em_moments


def gappy(seed: int, n: int = 500, gap: float = 0.45) -> np.ndarray:
    """Make two ratings that go together closely, the second mostly missing, and a yes or no that hangs on both."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 1)) + 0.5 * rng.normal(size=(n, 2))
    yes = (x @ [0.5, 1.0] + rng.logistic(size=n) > 0).astype(float)
    x[rng.random(n) < gap, 1] = np.nan
    return np.column_stack([x, yes])


def prepared(z: np.ndarray) -> Prepared:
    return Prepared(z, (), np.ones(len(z)), None, np.arange(len(z)), "em")


def test_a_gap_becomes_what_the_regression_on_what_is_there_says():
    z = gappy(1)
    em = em_moments(z[:, :2])
    slope = em.covariance[0, 1] / em.covariance[0, 0]
    gap = np.isnan(z[:, 1])
    found = fill.filled(prepared(z))
    assert found[~gap] == pytest.approx(z[~gap, :2], abs=1e-12)
    assert found[gap, 1] == pytest.approx(em.mean[1] + slope * (z[gap, 0] - em.mean[0]), abs=1e-6)


def test_rows_with_nothing_get_the_means_and_the_outcome_is_never_looked_at():
    z = gappy(2)
    z[3, :2] = np.nan
    found = fill.filled(prepared(z))
    assert found[3] == pytest.approx(em_moments(z[:, :2]).mean, abs=1e-9)
    z[:, 2] = 1 - z[:, 2]
    assert fill.filled(prepared(z)).tolist() == found.tolist()


def test_draws_of_fills_spread_as_the_regression_is_unsure():
    z = gappy(3)
    gap = np.flatnonzero(np.isnan(z[:, 1]))
    drawn = np.stack(list(fill.filled_draws(prepared(z), n_draws=200, seed=0)))[:, gap, 1]
    known = ~np.isnan(z[:, 1])
    x, y = z[known, 0], z[known, 1]
    design = np.column_stack([np.ones(known.sum()), x])
    beta, left = np.linalg.lstsq(design, y, rcond=None)[:2]
    spread = np.linalg.inv(design.T @ design) * left / (known.sum() - 2)
    at = np.column_stack([np.ones(len(gap)), z[gap, 0]])
    assert drawn.std(axis=0) == pytest.approx(np.sqrt(np.einsum("ij,jk,ik->i", at, spread, at)), rel=0.3)
    assert drawn.mean(axis=0) == pytest.approx(at @ beta, abs=0.05)


@pytest.mark.slow
def test_intervals_of_a_yes_or_no_with_gaps_are_as_wide_as_a_bootstrap_that_fills_anew():
    z, rng = gappy(4), np.random.default_rng(0)
    groups = [[0], [1]]
    model, scores = likelihood.model(prepared(z), n_draws=1000, seed=0)
    shares = likelihood.likelihood_shares(model, scores, prepared(z), groups, (), n_draws=1000, seed=0)
    again, shared = [], []
    for _ in range(300):
        rows = prepared(z[rng.integers(0, len(z), len(z))])
        fresh, none = likelihood.model(rows, n_draws=0, seed=0)
        again.append(fresh.fit.coefficients / fresh.scale)
        shared.append(likelihood.likelihood_shares(fresh, none, rows, groups, (), n_draws=0, seed=0).lmg)
    wide = (model.coefficient_draws[:2] / model.scale[:, None]).std(axis=1)
    assert wide == pytest.approx(np.std(again, axis=0), rel=0.15)
    assert shares.draws.std(axis=1) == pytest.approx(np.std(shared, axis=0), rel=0.15)
