"""Made-up customers: repeatable, of the right kind, and the models find their parameters again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_analytics.compat import lifetimes as ours
from crm_analytics.compat.lifetimes import generate_data as g
from crm_analytics.errors import OptionError

GEOMETRIC = (0.6, 40.0, 0.9, 3.0)
MAKERS = {
    g.beta_geometric_nbd_model: GEOMETRIC,
    g.modified_beta_geometric_nbd_model: GEOMETRIC,
    g.pareto_nbd_model: (0.7, 45.0, 0.6, 200.0),
    g.beta_geometric_beta_binom_model: (1.204, 0.750, 0.657, 2.783),
    g.beta_geometric_nbd_model_transactional_data: GEOMETRIC,
}
COLUMNS = {
    "beta_geometric_nbd_model": ["frequency", "recency", "T", "lambda", "p", "alive"],
    "modified_beta_geometric_nbd_model": ["frequency", "recency", "T", "lambda", "p", "alive"],
    "pareto_nbd_model": ["frequency", "recency", "T", "lambda", "mu", "alive"],
    "beta_geometric_beta_binom_model": [
        "frequency",
        "recency",
        "n_periods",
        "p",
        "theta",
        "alive",
        "customer_id",
    ],
    "beta_geometric_nbd_model_transactional_data": ["customer_id", "date"],
}


@pytest.mark.parametrize("make", MAKERS)
def test_chance_comes_from_the_generator_or_from_numpys_seed(make):
    one, same, other = (make(60, *MAKERS[make], size=50, rng=np.random.default_rng(s)) for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, same)
    assert not one.equals(other)
    np.random.seed(3)  # noqa: NPY002 what old scripts do
    first = make(60, *MAKERS[make], size=50)
    np.random.seed(3)  # noqa: NPY002 what old scripts do
    pd.testing.assert_frame_equal(first, make(60, *MAKERS[make], size=50))
    assert list(one.columns) == COLUMNS[make.__name__]


@pytest.mark.parametrize("make", list(MAKERS)[:3])
def test_summaries_are_possible_and_shaped_as_in_lifetimes(oracle, make):
    ages = np.arange(1.0, 201.0)
    got = make(ages, *MAKERS[make], size=200, rng=np.random.default_rng(0))
    theirs = oracle.call(getattr(oracle.module.generate_data, make.__name__), ages, *MAKERS[make], size=200)
    assert list(got.columns) == list(theirs.columns)
    assert got.index.name == theirs.index.name == "customer_id"
    assert (got["recency"] <= got["T"]).all()
    assert (got.loc[got["frequency"] == 0, "recency"] == 0).all()
    assert got["T"].tolist() == ages.tolist()
    assert set(got["alive"]) <= {0.0, 1.0}


def test_means_are_those_of_the_models():
    """Purchases of a BG/NBD, MBG/NBD and Pareto/NBD customer in 200 units, spread so that none share a unit."""
    n = 40_000
    for make, name, params in (
        (g.beta_geometric_nbd_model, "BetaGeoFitter", {"r": 0.8, "alpha": 400.0, "a": 0.9, "b": 3.0}),
        (
            g.modified_beta_geometric_nbd_model,
            "ModifiedBetaGeoFitter",
            {"r": 0.8, "alpha": 400.0, "a": 0.9, "b": 3.0},
        ),
        (g.pareto_nbd_model, "ParetoNBDFitter", {"r": 0.8, "alpha": 400.0, "s": 0.7, "beta": 300.0}),
    ):
        made = make(2000, **params, size=n, rng=np.random.default_rng(4))
        fitter = getattr(ours, name)()
        fitter.params_ = params
        expected = fitter.expected_number_of_purchases_up_to_time(2000.0)
        error = made["frequency"].std() / np.sqrt(n)
        assert made["frequency"].mean() == pytest.approx(expected, abs=4 * error + 0.01 * expected)
        alive = np.asarray(
            fitter.conditional_probability_alive(made["frequency"], made["recency"], made["T"]), float
        )
        assert made["alive"].mean() == pytest.approx(alive.mean(), abs=0.01)


def test_donors(oracle):  # TestBetaGeoBetaBinomGeneration
    params = {"alpha": 1.204, "beta": 0.750, "gamma": 0.657, "delta": 2.783}
    made = g.beta_geometric_beta_binom_model(N=6, size=100_000, rng=np.random.default_rng(8), **params)
    assert made["frequency"].max() == made["recency"].max() == 6
    assert made["frequency"].min() == made["recency"].min() == 0
    for (x, t_x), alive in {(0, 0): 0.11, (2, 4): 0.59, (6, 6): 0.93}.items():
        cell = made[(made["frequency"] == x) & (made["recency"] == t_x)]
        assert cell["alive"].mean() == pytest.approx(alive, abs=0.015)
    panel = (
        made.groupby(["frequency", "recency", "n_periods"])["customer_id"].count().reset_index(name="weights")
    )
    fitter = ours.BetaGeoBetaBinomFitter().fit(*(panel[c] for c in panel.columns))
    np.testing.assert_allclose(fitter.params_, list(params.values()), rtol=0.12)
    again = fitter.generate_new_data(size=500, rng=np.random.default_rng(1))
    assert len(again) == 500
    assert (again["n_periods"] == 6).all()


@pytest.mark.parametrize(
    ("ages", "freq", "size"), [(100, "D", 300), ([400, 200, 5, 103, 198, 401], "D", 6), (100, "h", 300)]
)
def test_transactions_become_the_summary_they_come_from(
    ages, freq, size
):  # test_beta_geometric_nbd_model_transactional_data
    params = (0.24, 4.41, 0.79, 2.43)
    made = g.beta_geometric_nbd_model_transactional_data(
        ages, *params, observation_period_end="2019-1-1", freq=freq, size=size, rng=np.random.default_rng(9)
    )
    got = ours.utils.summary_data_from_transaction_data(
        made, "customer_id", "date", observation_period_end="2019-1-1", freq=freq
    )
    expected = g.beta_geometric_nbd_model(ages, *params, size=size, rng=np.random.default_rng(9))
    assert got["frequency"].tolist() == expected["frequency"].tolist()
    np.testing.assert_allclose(got["recency"], np.ceil(expected["recency"]))
    assert got["T"].tolist() == expected["T"].tolist()


@pytest.mark.parametrize("name", ["BetaGeoFitter", "ModifiedBetaGeoFitter", "ParetoNBDFitter"])
def test_fitted_models_make_new_customers(made, name):
    d = made[name]
    fitter = getattr(ours, name)().fit(d["frequency"], d["recency"], d["T"])
    new = fitter.generate_new_data(size=1500, rng=np.random.default_rng(6))
    assert new["frequency"].mean() == pytest.approx(d["frequency"].mean(), rel=0.15)
    with pytest.raises(OptionError, match=r"1,500 ages for 2,000"):
        fitter.generate_new_data(size=2000)
