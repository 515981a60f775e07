"""What a customer who is alive will do, against customers lived through one by one and against known limits."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics import clv
from crm_analytics.clv.forecasts.futures import purchases_ahead, squared_purchases, survival, wait_quantile

N, HORIZON = 200_000, 365.0
PARAMS = {
    "bg": {"r": 0.5, "alpha": 70.0, "a": 0.7, "b": 4.5},
    "mbg": {"r": 0.5, "alpha": 70.0, "a": 0.7, "b": 4.5},
    "pareto": {"r": 0.55, "alpha": 74.0, "s": 0.6, "beta": 80.0},
}


@pytest.fixture(scope="module")
def fits():
    """Fits with parameters set by hand."""
    histories = pl.DataFrame(
        {"frequency": [0, 2, 5, 1], "recency": [0.0, 8, 20, 3], "T": [30.0, 30, 25, 28], "time_unit": "day"}
    )
    kinds = {"bg": clv.BetaGeo, "mbg": clv.ModifiedBetaGeo, "pareto": clv.ParetoNBD}
    return {
        name: kind.fit(histories, penalty=1.0).at(np.array(list(PARAMS[name].values())))
        for name, kind in kinds.items()
    }


def lived(name, x, age, easing=1.0):
    """Purchases within the horizon, and whether still alive at its end, of customers alive with this history."""
    rng = np.random.default_rng(9)
    p = PARAMS[name]
    rate = rng.gamma(p["r"] + x, 1 / (p["alpha"] + age), N)
    if name == "pareto":
        life = rng.exponential(1 / (easing * rng.gamma(p["s"], 1 / (p["beta"] + age), N)))
        return rng.poisson(rate * np.minimum(life, HORIZON)), life > HORIZON
    leave = easing * rng.beta(p["a"], p["b"] + x + (name == "mbg"), N)
    would, last = rng.poisson(rate * HORIZON), rng.geometric(np.maximum(leave, 1e-12))
    return np.minimum(would, last), would < last


@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize(("x", "age"), [(0.0, 100.0), (3.0, 300.0), (20.0, 300.0)])
@pytest.mark.parametrize("easing", [1.0, 0.5])
def test_purchases_and_survival_are_those_of_customers_lived_through(fits, name, x, age, easing):
    bought, alive = lived(name, x, age, easing)
    at = (fits[name], np.array([x]), np.array([age]))
    assert purchases_ahead(*at, horizon=HORIZON, easing=easing)[0] == pytest.approx(bought.mean(), rel=0.015)
    assert survival(*at, after=HORIZON, easing=easing)[0] == pytest.approx(alive.mean(), abs=0.005)
    if easing == 1.0:
        squared = (bought.astype(float) ** 2).mean()
        assert squared_purchases(*at, horizon=HORIZON)[0] == pytest.approx(squared, rel=0.04)


@pytest.mark.parametrize("name", PARAMS)
def test_they_agree_with_the_fits_own_predictions(fits, name):
    fit = fits[name]
    x, age = np.array([0.0, 4.0, 40.0]), np.array([50.0, 200.0, 400.0])
    histories = pl.DataFrame(
        {"frequency": x, "recency": np.where(x > 0, age / 2, 0), "T": age, "time_unit": "day"}
    )
    alive = fit.p_alive(histories).to_numpy()
    expected = fit.expected_purchases(histories, horizon=100).to_numpy()
    discounted = fit.discounted_purchases(histories, annual_discount_rate=0.1, horizon=100).to_numpy()
    rate = np.log(1.1) / 365.25
    assert alive * purchases_ahead(fit, x, age, horizon=100) == pytest.approx(expected, rel=1e-10)
    assert alive * purchases_ahead(fit, x, age, horizon=100, rate=rate) == pytest.approx(discounted, rel=1e-8)
    later = fit.p_alive(histories, after=100).to_numpy()
    assert alive * survival(fit, x, age, after=100) == pytest.approx(later, rel=1e-10)


@pytest.mark.parametrize("name", PARAMS)
def test_without_any_leaving_purchases_are_poisson_at_the_mean_rate(fits, name):
    x, age = np.array([5.0]), np.array([100.0])
    mean = (PARAMS[name]["r"] + 5) / (PARAMS[name]["alpha"] + 100) * HORIZON
    found = purchases_ahead(fits[name], x, age, horizon=HORIZON, easing=1e-9)
    assert found[0] == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize("x", [1.0, 6.0])
def test_half_have_ordered_again_by_the_median_wait(fits, name, x):
    rng = np.random.default_rng(2)
    p, age, p_alive = PARAMS[name], 200.0, 0.9
    wait = rng.exponential(1 / rng.gamma(p["r"] + x, 1 / (p["alpha"] + age), N))
    if name == "pareto":
        life = rng.exponential(1 / rng.gamma(p["s"], 1 / (p["beta"] + age), N))
        wait = np.where(life > wait, wait, np.inf)
    wait = np.where(rng.random(N) < p_alive, wait, np.inf)
    found = wait_quantile(fits[name], np.array([x]), np.array([age]), np.array([p_alive]), longest=1e6)[0]
    assert (wait <= found).mean() == pytest.approx(0.5, abs=0.006)


@pytest.mark.parametrize("name", PARAMS)
def test_who_is_more_likely_gone_never_orders_again(fits, name):
    x, age = np.array([3.0, 3.0]), np.array([200.0, 200.0])
    assert np.isinf(wait_quantile(fits[name], x, age, np.array([0.5, 0.2]), longest=1e6)).all()
    near = wait_quantile(fits[name], x, age, np.array([0.9, 0.9]), longest=1.0)
    assert np.isinf(near).all(), "beyond the longest wait that is asked for"


@given(
    x=st.integers(0, 3000), age=st.floats(1, 5000), horizon=st.floats(0.1, 5000), easing=st.floats(1e-6, 1)
)
def test_everything_is_finite_and_in_its_range(fits, x, age, horizon, easing):
    at = (np.array([float(x)]), np.array([age]))
    for fit in fits.values():
        mean = purchases_ahead(fit, *at, horizon=horizon, easing=easing)[0]
        assert 0 <= mean < np.inf
        assert 0 <= survival(fit, *at, after=horizon, easing=easing)[0] <= 1 + 1e-12
        squared = squared_purchases(fit, *at, horizon=horizon)[0]
        unhindered = purchases_ahead(fit, *at, horizon=horizon)[0]
        assert squared >= unhindered**2 * (1 - 1e-6), "a variance is never below nought"
        assert squared >= unhindered * (1 - 1e-9), "a count squared is no less than the count"
