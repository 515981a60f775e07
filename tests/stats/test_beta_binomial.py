"""The beta-binomial model: known truths, its limits, and the posterior by numerical integration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import betaln, expit
from scipy.stats import beta, binom

from crm_analytics.stats.beta_binomial import BetaPrior, fit_prior, shrunk


def test_a_known_distribution_of_shares_is_found():
    rng = np.random.default_rng(1)
    n = rng.integers(20, 200, 3000)
    prior = fit_prior(rng.binomial(n, rng.beta(3, 12, n.size)), n)
    assert prior.a == pytest.approx(3, rel=0.1)
    assert prior.b == pytest.approx(12, rel=0.1)


@pytest.mark.parametrize("seed", range(12))
def test_no_other_distribution_is_likelier(seed):
    """The optimiser of scipy, begun at several places, comes no higher."""
    rng = np.random.default_rng(seed)
    n = rng.integers(1, (5, 60, 4000)[seed % 3], int(rng.integers(3, 40)))
    k = rng.binomial(n, rng.beta(*rng.choice([0.3, 2.0, 30.0, 900.0], 2), n.size))
    prior = fit_prior(k, n)
    if prior is None:
        assert k.sum() in {0, n.sum()}  # nothing to fit where no one or everyone succeeded
        return

    def loss(theta):
        mean, strength = expit(theta[0]), np.exp(theta[1])
        a, b = mean * strength, (1 - mean) * strength
        return -np.sum(betaln(a + k, b + n - k) - betaln(a, b))

    ours = loss([np.log(prior.a / prior.b), np.log(prior.a + prior.b)])
    for begin in ([-2.0, 1.0], [0.0, 4.0], [2.0, 8.0]):
        found = minimize(loss, begin, method="L-BFGS-B", bounds=[(-14, 14), (-3, 14)])
        assert ours <= found.fun + 1e-6


def test_groups_that_differ_by_chance_alone_are_drawn_to_the_common_share():
    rng = np.random.default_rng(2)
    n = np.full(200, 50)
    k = rng.binomial(n, 0.3)
    prior = fit_prior(k, n)
    assert prior.a + prior.b > 500
    value, _, _ = shrunk(k, n, prior)
    assert np.ptp(value) < 0.1 * np.ptp(k / n) + 0.03


def test_the_posterior_is_that_of_bayes():
    prior = BetaPrior(2.5, 9.0)
    value, lower, upper = shrunk([4], [11], prior)

    def density(p):
        return beta.pdf(p, 2.5, 9.0) * binom.pmf(4, 11, p)

    whole = quad(density, 0, 1)[0]
    assert value[0] == pytest.approx(quad(lambda p: p * density(p), 0, 1)[0] / whole)
    assert quad(density, 0, lower[0])[0] / whole == pytest.approx(0.025, abs=1e-6)
    assert quad(density, upper[0], 1)[0] / whole == pytest.approx(0.025, abs=1e-6)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(3)
    truth, n = rng.beta(4, 16, 4000), rng.integers(5, 80, 4000)
    k = rng.binomial(n, truth)
    _, lower, upper = shrunk(k, n, fit_prior(k, n))
    assert np.mean((lower <= truth) & (truth <= upper)) == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize(
    ("k", "n"), [([0, 0, 0], [9, 9, 9]), ([9, 9, 9], [9, 9, 9]), ([1, 2], [5, 5]), ([1, 0, 0], [5, 0, 0])]
)
def test_nothing_is_fitted_where_nothing_can_be_told(k, n):
    assert fit_prior(k, n) is None
