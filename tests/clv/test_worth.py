"""Worth and spend: intervals against simulation and resampling, fallbacks against hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from crm_analytics import clv
from crm_analytics.clv.models.candidates import choose
from crm_analytics.clv.worth.ahead import Margin, Worth, bounds, outcome
from crm_analytics.clv.worth.spending import expected_spend
from crm_analytics.clv.worth.standing import Histories, Standing

PARAMS = {"r": 0.5, "alpha": 70.0, "a": 0.7, "b": 4.5}
P, Q, V = 5.0, 3.6, 26.0
SPAN = 700.0


def population(n, seed):
    """Customers of BG/NBD and Gamma-Gamma, lived through: their histories, and what each does later."""
    rng = np.random.default_rng(seed)
    age = np.floor(rng.uniform(30, SPAN, n))
    rate = rng.gamma(PARAMS["r"], 1 / PARAMS["alpha"], n)
    leave = rng.beta(PARAMS["a"], PARAMS["b"], n)
    nu = rng.gamma(Q, 1 / V, n)
    rows, later = [], np.zeros(n)
    for i in range(n):
        t, last, x, spent = 0.0, 0.0, 0, 0.0
        while True:
            t += rng.exponential(1 / rate[i])
            if t > age[i] + 365:
                break
            amount = rng.gamma(P, 1 / nu[i])
            if t <= age[i]:
                x, last, spent = x + 1, t, spent + amount
            else:
                later[i] += amount
            if rng.random() < leave[i]:
                break
        rows.append((f"c{i:05d}", x, last, age[i], spent / x if x else 0.0, rng.gamma(P, 1 / nu[i])))
    names = ["customer_id", "frequency", "recency", "T", "monetary_value", "first_value"]
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(time_unit=pl.lit("day"))
    return frame, later


def worth_of(frame, fit=None):
    histories = Histories.of(frame)
    fit = fit or clv.BetaGeo.fit(histories.frame)
    return Worth.of(
        Standing.of(fit, histories), expected_spend(frame), Margin(1.0, 0.0, "spend"), horizon=365.0, rate=0.0
    )


@pytest.mark.slow
def test_totals_lie_within_their_ranges_as_often_as_said():
    hits, errors = [], []
    for seed in range(40):
        frame, later = population(600, seed)
        found = worth_of(frame).total
        hits.append(found.outcome_lower[0] <= later.sum() <= found.outcome_upper[0])
        errors.append((later.sum() - found.value[0]) / found.value[0])
    assert np.mean(hits) >= 0.85
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(40), "no bias beyond chance"


@pytest.mark.slow
def test_intervals_of_estimates_hold_the_truth_as_often_as_said():
    """Three given histories, valued by fits to forty populations, against the true parameters."""
    given = pl.DataFrame(
        {
            "customer_id": ["a", "b", "c"],
            "frequency": [0, 3, 12],
            "recency": [0.0, 250.0, 380.0],
            "T": [200.0, 400.0, 400.0],
            "monetary_value": [0.0, 50.0, 50.0],
            "first_value": [50.0, 50.0, 50.0],
            "time_unit": "day",
        }
    )
    held = []
    for seed in range(40):
        fit = clv.BetaGeo.fit(population(800, 100 + seed)[0])
        found = worth_of(given, fit)
        truth = worth_of(given, fit.at(np.array(list(PARAMS.values())))).purchases
        lower, upper = bounds(found.purchases, found.purchases_error)
        held += ((lower <= truth) & (truth <= upper)).tolist()
    assert np.mean(held) >= 0.88


def test_errors_shrink_with_the_root_of_the_number_of_customers():
    few = np.mean([worth_of(population(400, seed)[0]).total.value_error[0] for seed in range(5)])
    many = worth_of(population(2500, 99)[0]).total.value_error[0]
    assert many == pytest.approx(few * np.sqrt(400 / 2500), rel=0.35)


def test_sums_over_groups_keep_what_customers_share():
    frame, _ = population(500, 3)
    found = worth_of(frame)
    halves = found.sums(np.arange(500) % 2, 2)
    assert halves.value.sum() == pytest.approx(found.total.value[0])
    together = halves.value @ halves.value_error
    assert found.total.value_error[0] * found.total.value[0] <= together * (1 + 1e-9)
    left_out = np.where(np.arange(500) < 100, 0, -1)
    assert found.sums(left_out, 1).value[0] == pytest.approx(found.value[:100].sum())


def test_distinct_histories_give_each_customer_back():
    frame = pl.DataFrame(
        {"frequency": [2, 0, 2, 1], "recency": [9.0, 0, 9, 4], "T": [20.0, 30, 20, 20], "time_unit": "day"}
    )
    found = Histories.of(frame)
    assert found.frame["weight"].to_list() == [1.0, 1.0, 2.0]
    keys = found.frame.select("frequency", "recency", "T")[found.of_customer.tolist()]
    assert keys.rows() == frame.select("frequency", "recency", "T").rows()


@pytest.mark.parametrize(("mean", "variance"), [(100.0, 25.0), (3.0, 9.0), (5e6, 1e8)])
def test_outcomes_are_the_middle_of_a_gamma(mean, variance):
    lower, upper = outcome(np.array([mean]), np.array([variance]))
    gamma = stats.gamma(mean**2 / variance, scale=variance / mean)
    assert [lower[0], upper[0]] == pytest.approx(gamma.ppf([0.025, 0.975]), rel=1e-3)


def test_where_nothing_varies_the_outcome_is_sure():
    lower, upper = outcome(np.array([0.0, 7.0]), np.array([4.0, 0.0]))
    assert lower.tolist() == upper.tolist() == [0.0, 7.0]
    assert bounds(np.array([0.0]), np.array([0.3]))[1][0] == 0.0


def spends(x, z):
    return pl.DataFrame(
        {"frequency": x, "monetary_value": np.where(np.array(x) > 0, z, 0.0), "first_value": z}
    )


def test_two_who_came_back_give_the_plain_mean():
    found = expected_spend(spends([0, 1, 3, 0], [10.0, 20.0, 30.0, 40.0]))
    assert found.basis == "mean"
    purchases = [10, 20, 20, 30, 30, 30, 30, 40]
    assert found.per_purchase.tolist() == pytest.approx([np.mean(purchases)] * 4)
    assert "Found 2 customers with a repeat purchase" in found.why


def test_slopes_of_spend_are_its_derivatives():
    frame, _ = population(400, 1)
    found = expected_spend(frame)
    p, q, v = found.fit.values()
    x, z = (frame[c].cast(pl.Float64).to_numpy() for c in ("frequency", "monetary_value"))

    def log_mean(p, q, v):
        return np.log(p * (v + x * z) / (p * x + q - 1))

    for k, step in enumerate(np.eye(3) * 1e-6):
        high, low = (log_mean(*np.exp(np.log([p, q, v]) + sign * step)) for sign in (1, -1))
        assert found.slopes[:, k] == pytest.approx((high - low) / 2e-6, rel=1e-4, abs=1e-7)


def test_independent_spend_is_left_to_gamma_gamma():
    found = expected_spend(population(1500, 2)[0])
    assert found.basis == "gamma_gamma"
    assert abs(found.correlation) < 0.15


def test_the_model_with_the_lowest_aic_is_taken():
    frame, _ = population(1500, 4)
    found = choose(Histories.of(frame).frame, "auto")
    assert found.fit.aic == min(fit.aic for fit in found.fits.values())
    assert set(found.fits) == {"bg_nbd", "mbg_nbd", "pareto_nbd"}
    assert set(choose(Histories.of(frame).frame, "pareto_nbd").fits) == {"pareto_nbd"}
