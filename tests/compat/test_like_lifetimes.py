"""Same data, same arguments: the figures of the installed lifetimes, wherever it has any."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import crm_analytics.compat.lifetimes as ours

PURCHASES = ("BetaGeoFitter", "ModifiedBetaGeoFitter", "ParetoNBDFitter")
PARAMS = {
    "BetaGeoFitter": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "ModifiedBetaGeoFitter": {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
    "ParetoNBDFitter": {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669},
}
TIGHT = {"tol": 1e-10, "maxiter": 5000}


def at(name, data=None):
    fitter = getattr(ours, name)()
    fitter.params_ = pd.Series(PARAMS[name])
    fitter.data = data
    return fitter


@pytest.mark.parametrize("coef", [0.0, 0.001, 0.1, 3.0])
@pytest.mark.parametrize("name", PURCHASES)
def test_parameters_loss_and_errors_are_those_of_lifetimes(oracle, made, name, coef):
    d = made[name]
    options = TIGHT if name == "ParetoNBDFitter" else {}
    theirs = oracle.fit(name, d["frequency"], d["recency"], d["T"], coef=coef, **options)
    mine = getattr(ours, name)(penalizer_coef=coef).fit(d["frequency"], d["recency"], d["T"])
    np.testing.assert_allclose(mine.params_, theirs.params_, rtol=1e-3)
    assert list(mine.params_.index) == list(theirs.params_.index)
    assert mine._negative_log_likelihood_ <= theirs._negative_log_likelihood_ + 1e-9
    assert mine._negative_log_likelihood_ == pytest.approx(theirs._negative_log_likelihood_, rel=1e-7)
    assert mine._scale == theirs._scale
    if name != "ParetoNBDFitter":
        np.testing.assert_allclose(mine.standard_errors_, theirs.standard_errors_, rtol=1e-3)
        pd.testing.assert_frame_equal(mine.summary, theirs.summary, rtol=2e-3, atol=1e-6)
        pd.testing.assert_frame_equal(
            mine.confidence_intervals_, theirs.confidence_intervals_, rtol=2e-3, atol=1e-6
        )
        np.testing.assert_allclose(mine._hessian_, theirs._hessian_, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", PURCHASES)
def test_weights_stand_for_repeated_rows(oracle, made, name):
    d = made[name].assign(weights=1).groupby(["frequency", "recency", "T"], as_index=False)["weights"].sum()
    d["weights"] = d["weights"] + (np.arange(len(d)) % 3)
    columns = (d["frequency"], d["recency"], d["T"], d["weights"])
    theirs = oracle.fit(name, *columns, coef=0.01, **(TIGHT if name == "ParetoNBDFitter" else {}))
    mine = getattr(ours, name)(penalizer_coef=0.01).fit(*columns)
    np.testing.assert_allclose(mine.params_, theirs.params_, rtol=1e-3)
    assert mine._negative_log_likelihood_ == pytest.approx(theirs._negative_log_likelihood_, rel=1e-7)


@pytest.mark.parametrize("coef", [0.0, 0.001, 0.05])
@pytest.mark.parametrize("q_constraint", [False, True])
def test_gamma_gamma_is_that_of_lifetimes(oracle, cdnow_money, coef, q_constraint):
    d = cdnow_money[cdnow_money["frequency"] > 0]
    theirs = oracle.fit(
        "GammaGammaFitter", d["frequency"], d["monetary_value"], coef=coef, q_constraint=q_constraint
    )
    mine = ours.GammaGammaFitter(coef).fit(d["frequency"], d["monetary_value"], q_constraint=q_constraint)
    np.testing.assert_allclose(mine.params_, theirs.params_, rtol=1e-3)
    assert mine._negative_log_likelihood_ == pytest.approx(theirs._negative_log_likelihood_, rel=1e-7)
    if mine.params_["q"] > 1 + 1e-6:
        np.testing.assert_allclose(mine.standard_errors_, theirs.standard_errors_, rtol=1e-3)
        theirs.params_ = mine.params_
        pd.testing.assert_series_equal(
            mine.conditional_expected_average_profit(d["frequency"], d["monetary_value"]),
            oracle.call(theirs.conditional_expected_average_profit, d["frequency"], d["monetary_value"]),
            rtol=1e-10,
        )


@pytest.mark.parametrize("coef", [0.0, 0.001, 0.1])
def test_bg_bb_is_that_of_lifetimes(oracle, donations, coef):
    columns = [donations[c] for c in ("frequency", "recency", "periods", "weights")]
    theirs = oracle.fit("BetaGeoBetaBinomFitter", *columns, coef=coef)
    mine = ours.BetaGeoBetaBinomFitter(coef).fit(*columns)
    np.testing.assert_allclose(mine.params_, theirs.params_, rtol=1e-3)
    np.testing.assert_allclose(mine.standard_errors_, theirs.standard_errors_, rtol=1e-3)
    pd.testing.assert_frame_equal(mine.data, theirs.data)
    theirs.params_ = mine.params_
    for m in (0, 1, 5):
        for name in ("conditional_probability_alive", "conditional_expected_number_of_purchases_up_to_time"):
            got, expected = (oracle.call(getattr(f, name), m, *columns[:3]) for f in (mine, theirs))
            pd.testing.assert_series_equal(got, expected, rtol=1e-6, atol=1e-9)
    for n in (3, 6):
        pd.testing.assert_frame_equal(
            mine.expected_number_of_transactions_in_first_n_periods(n),
            oracle.call(theirs.expected_number_of_transactions_in_first_n_periods, n),
            rtol=1e-9,
        )


@pytest.mark.parametrize("name", PURCHASES)
@pytest.mark.parametrize("t", [0.5, 12.0, 200.0])
def test_predictions_at_the_same_parameters(oracle, cdnow, name, t):
    theirs, mine = oracle.fitter(name, params=PARAMS[name]), at(name)
    known = cdnow
    x, t_x, age = known["frequency"], known["recency"], known["T"]
    long = "conditional_expected_number_of_purchases_up_to_time"
    for method, args in ((long, (t, x, t_x, age)), ("conditional_probability_alive", (x, t_x, age))):
        got, expected = getattr(mine, method)(*args), oracle.call(getattr(theirs, method), *args)
        assert type(got) is type(expected)
        np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert mine.predict(t, x, t_x, age).equals(getattr(mine, long)(t, x, t_x, age))


@pytest.mark.parametrize("name", PURCHASES)
def test_horizons_of_each_row_and_new_customers(oracle, cdnow, name):
    theirs, mine = oracle.fitter(name, params=PARAMS[name]), at(name)
    few = cdnow.head(300)
    x, t_x, age = few["frequency"], few["recency"], few["T"]
    t = pd.Series(np.linspace(0.1, 90, len(few)), index=few.index)
    long = "conditional_expected_number_of_purchases_up_to_time"
    got, expected = getattr(mine, long)(t, x, t_x, age), oracle.call(getattr(theirs, long), t, x, t_x, age)
    pd.testing.assert_series_equal(got, expected, rtol=1e-6)
    times = np.linspace(0.1, 400, 97)
    np.testing.assert_allclose(
        mine.expected_number_of_purchases_up_to_time(times),
        oracle.call(theirs.expected_number_of_purchases_up_to_time, times),
        rtol=1e-6,
    )
    assert mine.expected_number_of_purchases_up_to_time(0) == 0


@pytest.mark.parametrize("name", PURCHASES)
def test_what_comes_out_is_shaped_as_in_lifetimes(oracle, cdnow, name):
    theirs, mine = oracle.fitter(name, params=PARAMS[name]), at(name)
    x, t_x, age = (cdnow[c].iloc[3:7] for c in ("frequency", "recency", "T"))
    long = "conditional_expected_number_of_purchases_up_to_time"
    calls = [
        (long, (10, 2, 3.0, 4.0)),
        (long, (10, x.to_numpy(), t_x.to_numpy(), age.to_numpy())),
        (long, (10, x, t_x, age)),
        ("conditional_probability_alive", (2, 3.0, 4.0)),
        ("conditional_probability_alive", (x, t_x, age)),
        ("expected_number_of_purchases_up_to_time", (3,)),
        ("expected_number_of_purchases_up_to_time", (np.array([1.0, 3.0]),)),
    ]
    for method, args in calls:
        got, expected = getattr(mine, method)(*args), oracle.call(getattr(theirs, method), *args)
        assert type(got) is type(expected), method
        assert np.shape(got) == np.shape(expected), method
        if isinstance(expected, pd.Series):
            assert got.index.equals(expected.index)


@pytest.mark.parametrize("name", PURCHASES)
def test_the_matrix_of_p_alive(oracle, name):
    theirs, mine = oracle.fitter(name, params=PARAMS[name]), at(name)
    got = mine.conditional_probability_alive_matrix(9, 20)
    expected = oracle.call(theirs.conditional_probability_alive_matrix, 9, 20)
    assert got.shape == expected.shape == (21, 10)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("name", PURCHASES[:2])
def test_probabilities_of_n_purchases(oracle, name):
    theirs, mine = oracle.fitter(name, params=PARAMS[name]), at(name)
    for t in (0.7, 39.0):
        for n in (0, 1, 2, 9, 40):
            expected = oracle.call(theirs.probability_of_n_purchases_up_to_time, t, n)
            got = mine.probability_of_n_purchases_up_to_time(t, n)
            # beyond 1e-12 lifetimes' own sum has lost its digits
            assert got == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_conditional_probabilities_of_n_purchases(oracle):
    name = "ParetoNBDFitter"
    theirs, mine = oracle.fitter(name, params=PARAMS[name]), at(name)
    x, t_x, age = (
        pd.Series(c, index=list("abcd"))
        for c in ([0, 1, 3, 26], [0, 1.71, 30.4, 30.86], [38.86, 38.86, 38.9, 31])
    )
    for t in (1.0, 39.0):
        for n in (0, 1, 3, 8):
            args = (n, t, x, t_x, age)
            expected = oracle.call(theirs.conditional_probability_of_n_purchases_up_to_time, *args)
            pd.testing.assert_series_equal(
                mine.conditional_probability_of_n_purchases_up_to_time(*args), expected, rtol=1e-6, atol=1e-10
            )
    assert isinstance(mine.conditional_probability_of_n_purchases_up_to_time(2, 10, 2, 3, 4), float)


@pytest.mark.parametrize("freq", ["D", "W", "M", "H"])
def test_lifetime_value(oracle, cdnow_money, freq):
    d = cdnow_money
    spend = {"p": 6.25, "q": 3.74, "v": 15.44}
    theirs, mine = oracle.fitter("GammaGammaFitter", params=spend), ours.GammaGammaFitter()
    mine.params_ = spend
    columns = (d["frequency"], d["recency"], d["T"], d["monetary_value"])
    for name in PURCHASES:
        model = oracle.fitter(name, params=PARAMS[name])
        model.predict = model.conditional_expected_number_of_purchases_up_to_time
        expected = oracle.call(
            theirs.customer_lifetime_value, model, *columns, time=5, discount_rate=0.02, freq=freq
        )
        got = mine.customer_lifetime_value(at(name), *columns, time=5, discount_rate=0.02, freq=freq)
        pd.testing.assert_series_equal(got, expected, rtol=1e-6)


def test_the_private_likelihoods_that_people_call(oracle, cdnow, cdnow_money, donations):
    x, t_x, age = (cdnow[c].to_numpy() for c in ("frequency", "recency", "T"))
    w = np.ones(len(x))
    for name in PURCHASES:
        values = np.array(list(PARAMS[name].values()))
        given = values if name == "ParetoNBDFitter" else np.log(values)
        args = (given, x, t_x, age, w, 0.03)
        expected = oracle.call(getattr(oracle.module, name)._negative_log_likelihood, *args)
        assert getattr(ours, name)._negative_log_likelihood(*args) == pytest.approx(expected, rel=1e-9)
    d = cdnow_money[cdnow_money["frequency"] > 0]
    args = (
        np.log([6.25, 3.74, 15.44]),
        d["frequency"].to_numpy(),
        d["monetary_value"].to_numpy(),
        np.ones(len(d)),
        0.01,
    )
    expected = oracle.call(oracle.module.GammaGammaFitter._negative_log_likelihood, *args)
    assert ours.GammaGammaFitter._negative_log_likelihood(*args) == pytest.approx(expected, rel=1e-9)
    columns = [donations[c].to_numpy() for c in ("frequency", "recency", "periods", "weights")]
    args = (np.log([1.204, 0.75, 0.657, 2.783]), *columns, 0.01)
    expected = oracle.call(oracle.module.BetaGeoBetaBinomFitter._negative_log_likelihood, *args)
    assert ours.BetaGeoBetaBinomFitter._negative_log_likelihood(*args) == pytest.approx(expected, rel=1e-9)
    params = [1.204, 0.75, 0.657, 2.783]
    expected = oracle.call(oracle.module.BetaGeoBetaBinomFitter._loglikelihood, params, *columns[:3])
    np.testing.assert_allclose(
        ours.BetaGeoBetaBinomFitter._loglikelihood(params, *columns[:3]), expected, rtol=1e-9
    )


def test_starting_points_are_taken_in_lifetimes_meaning(cdnow):
    columns = (cdnow["frequency"], cdnow["recency"], cdnow["T"])
    plain = ours.BetaGeoFitter().fit(*columns)
    started = ours.BetaGeoFitter().fit(
        *columns, initial_params=np.log([0.3, 0.1, 1.0, 2.0]), tol=1e-3, maxiter=5
    )
    np.testing.assert_allclose(started.params_, plain.params_, rtol=1e-6)
    pareto = ours.ParetoNBDFitter().fit(*columns, initial_params=[0.5, 0.3, 0.6, 0.3], fit_method="Powell")
    np.testing.assert_allclose(pareto.params_, [0.5533, 10.578, 0.6062, 11.668], rtol=1e-3)
    with pytest.raises(ValueError, match="both set"):
        ours.ParetoNBDFitter().fit(*columns, iterative_fitting=2, initial_params=[1, 1, 1, 1])
    with pytest.raises(ValueError, match="iterative_fitting=0"):
        ours.ParetoNBDFitter().fit(*columns, iterative_fitting=0)
