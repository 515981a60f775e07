"""Means and covariances of rows with gaps, and their draws, against definitions, derivatives and full re-estimation."""

from __future__ import annotations

import numpy as np
import pytest

from crm_analytics.errors import OptionError
from crm_analytics.stats.incomplete import em_moments, patterns
from crm_analytics.stats.moment_draws import _information, _scores, covariance_draws, pulls
from crm_analytics.stats.resampled_sums import MOST_PLAIN, resampled_sums

UPPER = np.triu_indices(3)


def gappy(seed: int = 1, n: int = 300, d: int = 3, share: float = 0.25) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.exp(0.3 * rng.normal(size=(n, d)) @ rng.normal(size=(d, d)))
    x[rng.random((n, d)) < share] = np.nan
    x = x[~np.isnan(x).all(axis=1)]
    return x, rng.integers(1, 3, len(x)).astype(float)


def log_likelihood(x: np.ndarray, w: np.ndarray, mean: np.ndarray, cov: np.ndarray) -> float:
    """Row by row, by the definition."""
    total = 0.0
    for row, weight in zip(x, w, strict=True):
        o = ~np.isnan(row)
        off, part = row[o] - mean[o], cov[np.ix_(o, o)]
        total -= 0.5 * weight * (np.linalg.slogdet(part)[1] + off @ np.linalg.solve(part, off))
    return total


def unpacked(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cov = np.zeros((3, 3))
    cov[UPPER] = theta[3:]
    cov.T[UPPER] = theta[3:]
    return theta[:3], cov


def test_complete_rows_give_the_plain_moments():
    x = np.random.default_rng(2).normal(5, 3, (200, 4))
    found = em_moments(x)
    assert found.mean == pytest.approx(x.mean(axis=0), abs=1e-9)
    assert found.covariance == pytest.approx(np.cov(x.T, ddof=0), abs=1e-7)


def test_the_maximum_is_one():
    x, w = gappy()
    found = em_moments(x, w, tolerance=1e-12)
    theta = np.concatenate([found.mean, found.covariance[UPPER]])
    best = log_likelihood(x, w, *unpacked(theta))
    for move in np.concatenate([np.eye(9), -np.eye(9)]) * 1e-3:
        assert log_likelihood(x, w, *unpacked(theta + move)) < best


def test_scores_and_information_are_the_derivatives():
    x, w = gappy()
    found = em_moments(x, w, tolerance=1e-12)
    scale = np.sqrt(np.diag(found.covariance))
    z, cov = (x - found.mean) / scale, found.covariance / np.outer(scale, scale)
    reduced, theta, h = patterns(z, w), np.concatenate([np.zeros(3), cov[UPPER]]), 1e-4
    assert np.abs(_scores(z, w, reduced, cov).sum(axis=0)).max() < 1e-5
    steps = np.eye(9) * h
    second = [
        [
            sum(
                s * t * log_likelihood(z, w, *unpacked(theta + s * a + t * b))
                for s in (1, -1)
                for t in (1, -1)
            )
            for b in steps
        ]
        for a in steps
    ]
    assert _information(reduced, cov) == pytest.approx(-np.array(second) / (4 * h * h), rel=2e-3, abs=0.3)


@pytest.mark.parametrize("row", [0, 5, 17])
def test_a_row_pulls_as_far_as_its_weight_moves_the_estimate(row):
    x, w = gappy()
    found, heavier = em_moments(x, w, tolerance=1e-13), w.copy()
    heavier[row] *= 1.001
    other = em_moments(x, heavier, tolerance=1e-13)
    moved = [other.mean - found.mean, (other.covariance - found.covariance)[UPPER]]
    assert np.concatenate(moved) / 0.001 == pytest.approx(pulls(x, w, found)[row], rel=1e-3, abs=1e-9)


def test_draws_spread_like_full_re_estimation():
    x, w = gappy()
    found, rng = em_moments(x, w), np.random.default_rng(0)
    quick = covariance_draws(x, w, moments=found, n_draws=2000)
    full = []
    for _ in range(300):
        picked = rng.integers(0, len(x), len(x))
        full.append(em_moments(x[picked], w[picked], tolerance=1e-6).covariance)
    assert quick.std(axis=-1) == pytest.approx(np.std(full, axis=0), rel=0.15)


def test_draws_of_complete_rows_are_their_covariances():
    x = np.random.default_rng(3).normal(size=(50, 3))
    drawn = covariance_draws(x, n_draws=5, seed=4)
    picks = np.random.default_rng(4).integers(0, 50, (5, 50))
    assert drawn.transpose(2, 0, 1) == pytest.approx(
        np.array([np.cov(x[p].T, ddof=0) for p in picks]), abs=1e-5
    )


def test_rows_missing_at_random_do_not_mislead_where_complete_rows_do():
    rng = np.random.default_rng(5)
    seen = rng.normal(size=40_000)
    other = 0.8 * seen + 0.6 * rng.normal(size=40_000)
    x = np.column_stack([seen, np.where(seen > 0.3, np.nan, other)])
    assert em_moments(x).mean[1] == pytest.approx(0.0, abs=0.03)
    assert x[:, 1][~np.isnan(x[:, 1])].mean() < -0.4


def test_a_repeated_and_a_constant_column_end_in_numbers():
    x, w = gappy()
    wide = np.column_stack([x, x[:, 0], np.where(np.isnan(x[:, 1]), np.nan, 3.0)])
    found = em_moments(wide, w)
    assert np.isfinite(found.covariance).all()
    assert found.covariance[0, 3] == pytest.approx(found.covariance[0, 0], rel=1e-3)
    assert np.isfinite(covariance_draws(wide, w, moments=found, n_draws=50)).all()


def test_a_column_without_any_value_is_refused():
    with pytest.raises(OptionError, match="some value in every column"):
        em_moments([[1.0, np.nan], [2.0, np.nan]])


@pytest.mark.parametrize("n", [400, MOST_PLAIN + 500])
def test_sums_spread_as_they_must(n):
    x = np.random.default_rng(6).gamma(2.0, 3.0, (n, 2))
    drawn = resampled_sums(x, n_draws=4000, seed=7)
    means = drawn / n
    plain = x.std(axis=0) / np.sqrt(n)
    counts = np.sqrt((x**2).mean(axis=0) / n)  # where the number of rows varies too
    assert means.mean(axis=0) == pytest.approx(x.mean(axis=0), rel=0.01)
    assert means.std(axis=0) == pytest.approx(plain if n <= MOST_PLAIN else counts, rel=0.06)


def test_clusters_are_drawn_whole():
    rng = np.random.default_rng(8)
    cluster = np.repeat(np.arange(100), 5)
    x = (rng.normal(size=100)[cluster] + 0.1 * rng.normal(size=500))[:, None]
    drawn = resampled_sums(x, clusters=cluster, n_draws=3000) / 500
    by_row = resampled_sums(x, n_draws=3000) / 500
    assert drawn.std() == pytest.approx(x.reshape(100, 5).mean(axis=1).std() / 10, rel=0.06)
    assert drawn.std() > 1.9 * by_row.std()
