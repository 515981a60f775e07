"""The numerics of the shifted-beta-geometric model: published figures, the fit of the customer-base models, no maximum."""

from __future__ import annotations

import numpy as np
import pytest

from crm_analytics import clv
from crm_analytics.errors import NotEnoughDataError
from crm_analytics.stats import shifted_beta_geometric as sbg

REGULAR = [369, 163, 86, 56, 37, 27, 21], [0, 0, 0, 0, 0, 0, 241]
"""Fader, Hardie (2007), Journal of Interactive Marketing 21: 1,000 customers, losses by year."""


def test_the_published_estimates():
    found = sbg.estimate(*REGULAR)
    assert (found.a, found.b) == pytest.approx((0.704077, 1.182043), rel=1e-5)
    assert found.log_likelihood == pytest.approx(-1680.26519, abs=1e-4)
    errors = np.sqrt(np.diag(found.covariance)) * (found.a, found.b)
    assert errors == pytest.approx((0.0656, 0.1525), abs=6e-5)


def test_both_searches_end_at_the_same_place():
    rng = np.random.default_rng(5)
    for _ in range(5):
        left = rng.integers(1, 60, 9).astype(float)
        kept = rng.integers(0, 90, 9).astype(float)
        one, other = sbg.estimate(left, kept), clv.ShiftedBetaGeometric.fit(left, kept)
        if one.is_identified and other.is_identified:
            assert (one.a, one.b) == pytest.approx((other.params["a"], other.params["b"]), rel=1e-4)
        assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-3)


def test_slopes_are_those_of_the_value():
    left, kept = (np.array(x, float) for x in REGULAR)
    _, gradient, hessian = sbg.log_likelihood(left, kept, 0.9, 1.4)
    for i, step in enumerate(np.eye(2) * 1e-5):
        up = sbg.log_likelihood(left, kept, 0.9 + step[0], 1.4 + step[1])
        down = sbg.log_likelihood(left, kept, 0.9 - step[0], 1.4 - step[1])
        assert gradient[i] == pytest.approx((up[0] - down[0]) / 2e-5, rel=1e-6)
        assert hessian[i] == pytest.approx((up[1] - down[1]) / 2e-5, rel=1e-6)


def test_equal_customers_are_said_to_be_so():
    steady = [1000 * 0.8**t * 0.2 for t in range(8)]
    assert not sbg.estimate(steady, [0] * 7 + [1000 * 0.8**8]).is_identified


def test_draws_scatter_as_the_covariance_says():
    found = sbg.estimate(*REGULAR)
    a, b = found.draws(20_000, seed=1)
    assert np.cov(np.log(np.hstack([a, b])).T) == pytest.approx(found.covariance, rel=0.05)


@pytest.mark.parametrize(("left", "kept", "words"), [([3], [4], "period"), ([0, 0], [4, 4], "who left")])
def test_too_little_to_fit_is_said(left, kept, words):
    with pytest.raises(NotEnoughDataError, match=words):
        sbg.estimate(left, kept)
