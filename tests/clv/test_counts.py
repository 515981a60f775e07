"""How many purchases: the distribution agrees with its mean, with simulation, and with itself."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from crm_analytics import clv
from crm_analytics.errors import OptionError

SOME = pl.DataFrame({"frequency": [0, 1, 4], "recency": [0.0, 5.0, 20.0], "T": [30.0, 30.0, 25.0]})
FITS = {
    "bg": clv.BetaGeo.fit(SOME, penalty=1.0).at(np.array([0.243, 4.414, 0.793, 2.426])),
    "mbg": clv.ModifiedBetaGeo.fit(SOME, penalty=1.0).at(np.array([0.525, 6.183, 0.891, 1.614])),
    "pareto": clv.ParetoNBD.fit(SOME, penalty=1.0).at(np.array([0.553, 10.578, 0.606, 11.669])),
}
EACH = pytest.mark.parametrize("name", FITS)


@EACH
def test_probabilities_of_a_new_customer_make_the_mean(name):
    fit, n = FITS[name], np.arange(4000)
    shares = clv.probability_of_purchases(fit, range(4000), horizon=39)
    assert shares.sum() == pytest.approx(1, abs=1e-9)
    assert shares @ n == pytest.approx(fit.expected_of_new_customer(39), rel=1e-7)


@EACH
def test_probabilities_given_a_history_make_the_mean(name):
    fit, n = FITS[name], np.arange(3000)
    got = clv.purchase_probabilities(fit, SOME, range(3000), horizon=39)
    shares = got.to_numpy()
    assert shares.sum(axis=1).tolist() == pytest.approx([1, 1, 1], abs=1e-9)
    assert (shares @ n).tolist() == pytest.approx(
        fit.expected_purchases(SOME, horizon=39).to_list(), rel=1e-6
    )


@EACH
def test_no_purchase_is_the_complement_of_a_return(name):
    fit = FITS[name]
    none = clv.purchase_probabilities(fit, SOME, 0, horizon=20)["p_0"]
    back = clv.probability_of_return(fit, SOME, within=20)
    assert (none + back).to_list() == pytest.approx([1, 1, 1], abs=1e-9)


@EACH
def test_numbers_far_beyond_the_range_of_factorials(name):
    got = clv.probability_of_purchases(FITS[name], range(170, 1200, 100), horizon=4000)
    assert np.isfinite(got).all()
    assert (got > 0).all()
    assert (np.diff(got) < 0).all()


def test_nothing_happens_in_no_time():
    assert clv.probability_of_purchases(FITS["bg"], range(3), horizon=0).tolist() == [1, 0, 0]
    assert clv.probability_of_purchases(FITS["pareto"], range(3), horizon=0).tolist() == pytest.approx(
        [1, 0, 0]
    )
    assert clv.probability_of_purchases(FITS["mbg"], range(3), horizon=0).tolist() == pytest.approx([1, 0, 0])


def test_customer_ids_stay():
    got = clv.purchase_probabilities(
        FITS["bg"], SOME.with_columns(customer_id=pl.Series(["a", "b", "c"])), range(2), horizon=5
    )
    assert got.columns == ["customer_id", "p_0", "p_1"]


@pytest.mark.parametrize(
    ("n", "horizon", "words"),
    [
        (-1, 3, "n=-1"),
        (range(0), 3, "one number or a range"),
        (2, -3, "horizon=-3"),
        (2, math.inf, "horizon=inf"),
    ],
    ids=str,
)
def test_what_cannot_be_asked(n, horizon, words):
    with pytest.raises(OptionError, match=words):
        clv.probability_of_purchases(FITS["bg"], n, horizon=horizon)


def test_regular_buyers_are_not_counted_as_irregular_ones():
    rows = SOME.with_columns(log_interval_sum=pl.lit(1.0))
    fit = clv.BetaGeoErlang.fit(rows, k=2, penalty=1.0)
    with pytest.raises(OptionError, match="BetaGeoErlang"):
        clv.purchase_probabilities(fit, SOME, 1, horizon=3)
    with pytest.raises(OptionError, match="BetaGeoErlang"):
        clv.probability_of_return(fit, SOME, within=3)
    whole = fit.purchases_by_period(SOME, period=5.0, n_periods=2)
    assert whole.to_list() == pytest.approx(fit.expected_purchases(SOME, horizon=10.0).to_list(), rel=1e-12)
