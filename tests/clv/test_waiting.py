"""When next: quantiles invert the distribution, means agree with simulation, the gone never come."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import polars as pl
import pytest

from crm_analytics import clv
from crm_analytics.errors import OptionError

SOME = pl.DataFrame(
    {
        "frequency": [0.0, 1.0, 4.0, 30.0, 2.0],
        "recency": [0.0, 5.0, 20.0, 38.0, 3.0],
        "T": [30.0, 30.0, 25.0, 39.0, 39.0],
    }
)
FITS = {
    "bg": clv.BetaGeo.fit(SOME, penalty=1.0).at(np.array([0.243, 4.414, 0.793, 2.426])),
    "mbg": clv.ModifiedBetaGeo.fit(SOME, penalty=1.0).at(np.array([0.525, 6.183, 0.891, 1.614])),
    "pareto": clv.ParetoNBD.fit(SOME, penalty=1.0).at(np.array([0.553, 10.578, 0.606, 11.669])),
}
EACH = pytest.mark.parametrize("name", FITS)


@EACH
def test_a_quantile_is_the_time_by_which_it_has_happened(name):
    fit = FITS[name]
    got = clv.time_to_next(fit, SOME, quantiles=(0.1, 0.5, 0.8))
    for q in (10, 50, 80):
        for i, wait in enumerate(got[f"wait_{q}"]):
            if wait is None:
                assert got["p_ever"][i] <= q / 100
            else:
                there = clv.probability_of_return(fit, SOME[i], within=wait).item()
                assert there == pytest.approx(q / 100, rel=1e-9)


@EACH
def test_ever_is_the_limit_of_a_long_time(name):
    fit = FITS[name]
    ever = clv.time_to_next(fit, SOME)["p_ever"].to_list()
    assert clv.probability_of_return(fit, SOME, within=1e18).to_list() == pytest.approx(ever, rel=1e-3)
    assert clv.probability_of_return(fit, SOME, within=float("inf")).to_list() == pytest.approx(
        ever, rel=1e-12
    )


def test_under_bg_nbd_whoever_is_alive_buys_again():
    got = clv.time_to_next(FITS["bg"], SOME)
    assert got["p_ever"].to_list() == pytest.approx(FITS["bg"].p_alive(SOME).to_list(), rel=1e-12)
    assert got["mean_wait"][0] is None  # r + x is below 1: the tail is too heavy for a mean


def test_a_wait_under_pareto_nbd_in_exact_arithmetic():
    r, alpha, s, beta = FITS["pareto"].values()
    with mp.workdps(30):
        for row, within in ((1, 12.0), (3, 0.5), (4, 400.0)):
            x, age = SOME["frequency"][row], SOME["T"][row]
            big_r, c, b = mp.mpf(r) + x, mp.mpf(alpha) + age, mp.mpf(beta) + age

            def density(y, big_r=big_r, c=c, b=b):
                return big_r / c * (1 + y / c) ** (-big_r - 1) * (1 + y / b) ** (-mp.mpf(s))

            bought = mp.quad(density, [0, within / 50, within / 5, within])
            ever = mp.quad(density, [0, 1, 10, 100, mp.inf])
            mean = mp.quad(lambda y, f=density: y * f(y), [0, 1, 10, 100, 1000, mp.inf]) / ever
            alive = FITS["pareto"].p_alive(SOME[row]).item()
            got = clv.probability_of_return(FITS["pareto"], SOME[row], within=within).item()
            assert got == pytest.approx(float(alive * bought), rel=1e-10)
            told = clv.time_to_next(FITS["pareto"], SOME[row])
            assert told["p_ever"].item() == pytest.approx(float(alive * ever), rel=1e-8)
            assert told["mean_wait"].item() == pytest.approx(float(mean), rel=1e-6)


@pytest.mark.parametrize("q", [0, 1, -0.5, 2])
def test_a_quantile_lies_between_nought_and_one(q):
    with pytest.raises(OptionError, match="between 0 and 1"):
        clv.time_to_next(FITS["bg"], SOME, quantiles=(q,))


def test_a_time_is_not_negative():
    with pytest.raises(OptionError, match="within=-1"):
        clv.probability_of_return(FITS["bg"], SOME, within=-1)
