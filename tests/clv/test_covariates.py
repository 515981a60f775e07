"""Covariates: derivatives against differences, planted effects found, a null covariate left alone, bad ones refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2

from crm_analytics import clv
from crm_analytics.clv.likelihoods.own_rates import Rates, geometric_rows, pareto_rows
from crm_analytics.errors import ColumnError, OptionError

BUYING = {"web": 0.0, "store": 0.6, "phone": -0.5}
LEAVING = {"web": 0.0, "store": 0.0, "phone": 1.0}


def customers(n: int, seed: int, weeks: float = 80.0) -> pl.DataFrame:
    """Draw BG/NBD customers whose channel and income move buying, and whose channel moves leaving."""
    rng = np.random.default_rng(seed)
    channels = rng.choice(list(BUYING), n, p=[0.5, 0.3, 0.2])
    income = rng.normal(size=n)
    rows = []
    for channel, money in zip(channels, income, strict=True):
        rate = rng.gamma(0.8, 1 / (8 * np.exp(-BUYING[channel] - 0.3 * money)))
        mean = 1 / (1 + np.exp(1.4 - LEAVING[channel]))
        p = rng.beta(mean * 4, (1 - mean) * 4)
        now, last, x = 0.0, 0.0, 0
        while (now := now + rng.exponential(1 / rate)) <= weeks:
            x, last = x + 1, now
            if rng.random() < p:
                break
        rows.append((x, last, weeks, channel, money))
    frame = pl.DataFrame(rows, schema=["frequency", "recency", "T", "channel", "income"], orient="row")
    return frame.with_columns(noise=pl.Series(rng.normal(size=n)))


@pytest.fixture(scope="module")
def many():
    return customers(5000, seed=3)


@pytest.mark.parametrize(
    "likelihood", [geometric_rows(0), geometric_rows(1), pareto_rows], ids=["bg", "mbg", "pareto"]
)
def test_derivatives_are_those_of_the_likelihood(likelihood):
    rng = np.random.default_rng(1)
    n = 60
    x, age = rng.poisson(2, n).astype(float), rng.uniform(20, 50, n)
    t = np.where(x > 0, age * rng.uniform(0.1, 1, n), 0)
    rows = Rates(x, t / 30, age / 30, np.ones(n), rng.normal(size=(n, 2)), rng.normal(size=(n, 1)))
    theta = np.array([-0.5, -1.0, -0.8, 0.9, 0.2, -0.1, 0.3])
    _, gradient, hessian = likelihood(rows, theta)
    steps = np.eye(7) * 1e-5
    slopes = [(likelihood(rows, theta + h)[0] - likelihood(rows, theta - h)[0]) / 2e-5 for h in steps]
    bends = [(likelihood(rows, theta + h)[1] - likelihood(rows, theta - h)[1]) / 2e-5 for h in steps]
    np.testing.assert_allclose(gradient, slopes, atol=1e-8 * np.abs(gradient).max())
    np.testing.assert_allclose(hessian, bends, atol=1e-8 * np.abs(hessian).max())


def test_planted_effects_are_found(many):
    fit = clv.fit_with_covariates(many, purchase=["channel", "income"], dropout=["channel"])
    found = {(e.process, e.covariate): e for e in fit.effects}
    truth = {
        ("purchase", "channel = store"): 0.6,
        ("purchase", "channel = phone"): -0.5,
        ("purchase", "income"): 0.3,
        ("dropout", "channel = store"): 0.0,
        ("dropout", "channel = phone"): 1.0,
    }
    assert found.keys() == truth.keys()
    for key, coefficient in truth.items():
        assert abs(found[key].coefficient - coefficient) < 4 * found[key].standard_error, key
        assert found[key].standard_error < 0.12
    assert fit.likelihood_ratio > chi2.isf(1e-6, fit.degrees_of_freedom)
    assert not fit.diagnosis


def test_a_covariate_that_does_nothing_is_seen_to_do_nothing(many):
    fit = clv.fit_with_covariates(many, purchase=["noise"])
    (effect,) = fit.effects
    assert effect.factor_lower < 1 < effect.factor_upper
    assert 0 <= fit.likelihood_ratio < chi2.isf(0.001, 1)


@pytest.mark.parametrize("model", [clv.BetaGeo, clv.ModifiedBetaGeo, clv.ParetoNBD])
def test_customers_at_the_reference_are_forecast_by_the_base(many, model):
    few = many.head(800)
    fit = clv.fit_with_covariates(few, model, purchase=["channel"])
    web = few.filter(pl.col("channel") == "web")
    np.testing.assert_allclose(fit.predict(web, horizon=20), fit.base.predict(web, horizon=20), rtol=1e-9)


@pytest.mark.parametrize("model", [clv.BetaGeo, clv.ModifiedBetaGeo, clv.ParetoNBD])
def test_customers_who_all_differ_are_forecast_as_one_by_one(many, model):
    few = many.head(800)
    fit = clv.fit_with_covariates(few, model, purchase=["income"], dropout=["noise", "channel"])
    one, asked = fit.base, few.head(60)
    found = fit.predict(asked, horizon=30)
    for row, told in zip(asked.iter_rows(named=True), found.iter_rows(named=True), strict=True):
        added = {"purchase": 0.0, "dropout": 0.0}
        for e in fit.effects:
            column, _, level = e.covariate.partition(" = ")
            added[e.process] += e.coefficient * (float(row[column] == level) if level else row[column])
        params = dict(one.params)
        params["alpha"] *= np.exp(-added["purchase"])
        if model is clv.ParetoNBD:
            params["beta"] *= np.exp(-added["dropout"])
        else:
            both, odds = params["a"] + params["b"], params["a"] / params["b"] * np.exp(added["dropout"])
            params["a"], params["b"] = both * odds / (1 + odds), both / (1 + odds)
        alone = one.at(np.array([params[name] for name in one.names])).predict(pl.DataFrame(row), horizon=30)
        assert told["p_alive"] == pytest.approx(alone["p_alive"].item(), rel=1e-9)
        assert told["expected_purchases"] == pytest.approx(alone["expected_purchases"].item(), rel=1e-8)


def test_covariates_far_apart_are_forecast_to_the_same_digits():
    from crm_analytics.clv.models.covariate_forecasts import of_geometric

    fit = clv.BetaGeo.fit(customers(300, seed=1), penalty=1.0)
    n = 200
    x, age, logit = np.arange(n) % 7.0, np.full(n, 50.0), np.linspace(-9, 9, n)
    histories = (x, np.where(x > 0, 40.0, 0.0), age)
    _, together = of_geometric(fit, histories, np.zeros(n), logit, 40.0)
    for i in range(0, n, 17):
        each = tuple(column[i : i + 1] for column in histories)
        _, alone = of_geometric(fit, each, np.zeros(1), logit[i : i + 1], 40.0)
        assert together[i] == pytest.approx(alone[0], rel=1e-8)


def test_a_unit_of_a_covariate_does_not_change_the_forecast(many):
    few = many.head(800)
    in_thousands = few.with_columns(income=pl.col("income") * 1000)
    one = clv.fit_with_covariates(few, purchase=["income"])
    other = clv.fit_with_covariates(in_thousands, purchase=["income"])
    assert one.effects[0].coefficient == pytest.approx(1000 * other.effects[0].coefficient, rel=1e-6)
    head = few.head(30)
    np.testing.assert_allclose(
        one.predict(head, horizon=20)["expected_purchases"],
        other.predict(in_thousands.head(30), horizon=20)["expected_purchases"],
        rtol=1e-6,
    )


def test_predictions_keep_the_order_of_the_rows(many):
    few = many.head(40).with_columns(customer_id=pl.int_range(40).cast(pl.String))
    fit = clv.fit_with_covariates(many.head(800), purchase=["channel"])
    assert fit.predict(few, horizon=10)["customer_id"].to_list() == few["customer_id"].to_list()


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        ([], OptionError, "No covariate"),
        (["chanel"], ColumnError, "Did you mean 'channel'"),
        (["one"], OptionError, "one value only"),
        (["income", "twice"], OptionError, "follows from 'income'"),
        (["holes"], OptionError, "is empty for"),
        (["id"], OptionError, "different values"),
    ],
)
def test_what_cannot_be_a_covariate_is_refused(many, columns, error, words):
    few = many.head(100).with_columns(
        one=pl.lit("x"),
        twice=pl.col("income") * 2 + 1,
        holes=pl.when(pl.col("income") > 0).then(1.0),
        id=pl.int_range(100).cast(pl.String),
    )
    with pytest.raises(error, match=words):
        clv.fit_with_covariates(few, purchase=columns)


def test_a_level_whose_customers_never_came_back_is_named_not_estimated():
    few = customers(400, seed=9)
    gone = few.head(30).with_columns(frequency=pl.lit(0, pl.Int64), recency=0.0, channel=pl.lit("fair"))
    fit = clv.fit_with_covariates(pl.concat([few, gone]), purchase=["channel"])
    assert any(d.code == "runaway_coefficient" and "fair" in d.text for d in fit.diagnosis)
