"""Where lifetimes answers with no number, an overflow or a negative amount, here is what is right; and where it guesses."""

from __future__ import annotations

import sys

import mpmath as mp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.compat import lifetimes as ours
from crm_analytics.errors import CrmError, MissingPackageError, OptionError, StatisticalWarning

BG = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}


def fitter(name, **params):
    made = getattr(ours, name)()
    made.params_ = params
    return made


def exact(r, alpha, a, b, h, x, age, shift):
    """Expected purchases of a living customer with 40 digits (Fader, Hardie, Lee 2005, eq. 10)."""
    with mp.workdps(40):
        r, alpha, a, b, h, x, age = map(mp.mpf, (r, alpha, a, b, h, x, age))
        b += shift
        z = h / (alpha + age + h)
        power = ((alpha + age) / (alpha + age + h)) ** (r + x)
        return float((a + b + x - 1) / (a - 1) * (1 - power * mp.hyp2f1(r + x, b + x, a + b + x - 1, z)))


def test_one_time_buyers_with_a_plus_b_below_1(oracle):
    """Logarithm of a negative number in lifetimes (as reported to it)."""
    params = {"r": 0.2, "alpha": 3.0, "a": 0.3, "b": 0.4}
    theirs = oracle.fitter("BetaGeoFitter", params=params)
    long = "conditional_expected_number_of_purchases_up_to_time"
    assert np.isnan(oracle.call(getattr(theirs, long), 100, 0, 0, 5))
    got = fitter("BetaGeoFitter", **params).predict(100, 0, 0, 5)
    assert got == pytest.approx(exact(**params, h=100, x=0, age=5, shift=0), rel=1e-9)


def test_frequent_buyers_and_far_horizons(oracle):
    """Infinity times nothing in lifetimes' MBG/NBD."""
    params = {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}
    theirs = oracle.fitter("ModifiedBetaGeoFitter", params=params)
    long = "conditional_expected_number_of_purchases_up_to_time"
    assert not np.isfinite(oracle.call(getattr(theirs, long), 3650, 500, 365, 365))
    mine = fitter("ModifiedBetaGeoFitter", **params)
    alive = mine.conditional_probability_alive(500, 365, 365)[0]
    expected = alive * exact(**params, h=3650, x=500, age=365, shift=1)
    assert mine.predict(3650, 500, 365, 365) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("name", ["BetaGeoFitter", "ModifiedBetaGeoFitter"])
@pytest.mark.parametrize("a", [0.05, 0.793, 0.999, 3.0])
@pytest.mark.parametrize("x", [0, 1, 30, 480])
@pytest.mark.parametrize("h", [1.0, 400.0, 1e5])
def test_any_horizon_keeps_eight_digits(name, a, x, h):
    params = {**BG, "a": a}
    mine = fitter(name, **params)
    shift = int(name.startswith("Mod"))
    alive = mine.conditional_probability_alive(x, 38.0 if x else 0, 38.0)[0]
    expected = alive * exact(**params, h=h, x=x, age=38.0, shift=shift)
    assert mine.predict(h, x, 38.0 if x else 0, 38.0) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("name", ["BetaGeoFitter", "ModifiedBetaGeoFitter"])
def test_a_equal_to_1(oracle, name):
    """0 / 0 in lifetimes; the value lies between those on either side."""
    one, less, more = (fitter(name, **{**BG, "a": a}) for a in (1.0, 1 - 1e-6, 1 + 1e-6))
    theirs = oracle.fitter(name, params={**BG, "a": 1.0})
    assert not np.isfinite(oracle.call(theirs.expected_number_of_purchases_up_to_time, 39.0))
    for method, args in (
        ("expected_number_of_purchases_up_to_time", (39.0,)),
        ("predict", (39.0, 2, 30.43, 38.86)),
    ):
        middle = getattr(one, method)(*args)
        assert middle == pytest.approx(
            (getattr(less, method)(*args) + getattr(more, method)(*args)) / 2, rel=1e-9
        )


def test_s_equal_to_1(oracle):
    params = {"r": 0.553, "alpha": 10.578, "s": 1.0, "beta": 11.669}
    theirs = oracle.fitter("ParetoNBDFitter", params=params)
    assert not np.isfinite(oracle.call(theirs.expected_number_of_purchases_up_to_time, 39.0))
    got = fitter("ParetoNBDFitter", **params).expected_number_of_purchases_up_to_time(np.array([39.0, 5.0]))
    expected = 0.553 * 11.669 / 10.578 * np.log1p(np.array([39.0, 5.0]) / 11.669)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_bought_on_the_last_day():
    """Such a customer cannot have left."""
    mine = fitter("ParetoNBDFitter", r=0.553, alpha=10.578, s=0.606, beta=11.669)
    assert mine.conditional_probability_alive(3, 20.0, 20.0) == 1.0
    expected = 3.553 * (11.669 + 20) / (10.578 + 20) * (1 - (31.669 / 41.669) ** -0.394) / -0.394
    assert mine.predict(10, 3, 20.0, 20.0) == pytest.approx(expected, rel=1e-12)


def test_many_purchases_have_a_probability(oracle):
    """Gamma functions of 171 and more overflow in lifetimes."""
    theirs, mine = oracle.fitter("BetaGeoFitter", params=BG), fitter("BetaGeoFitter", **BG)
    assert not np.isfinite(oracle.call(theirs.probability_of_n_purchases_up_to_time, 5000.0, 200))
    p = mine.probability_of_n_purchases_up_to_time(5000.0, np.arange(20_000))
    assert np.isfinite(p).all()
    assert p.sum() == pytest.approx(1, abs=2e-3)


def test_nobody_buys_in_no_time():
    ptf = fitter("ParetoNBDFitter", r=0.553, alpha=10.578, s=0.606, beta=11.669)
    got = ptf.conditional_probability_of_n_purchases_up_to_time(np.array([0, 1]), 0, 3, 10.0, 20.0)
    assert got.tolist() == [pytest.approx(1.0), 0.0]


def test_q_below_1_is_no_negative_amount(oracle):
    """lifetimes: -196 as the expected spend of a customer without repeat purchases."""
    params = {"p": 6.25, "q": 0.9, "v": 15.44}
    theirs, mine = oracle.fitter("GammaGammaFitter", params=params), fitter("GammaGammaFitter", **params)
    x, z = np.array([0.0, 2.0]), np.array([0.0, 22.35])
    assert oracle.call(theirs.conditional_expected_average_profit, x, z)[0] < 0
    with pytest.warns(StatisticalWarning, match="q = 0.900: 1 customers have no finite expected spend"):
        got = mine.conditional_expected_average_profit(x, z)
    assert got[0] == np.inf
    assert got[1] == pytest.approx(6.25 * (15.44 + 2 * 22.35) / (6.25 * 2 + 0.9 - 1))


def test_q_constraint_holds_q_at_1():
    """On spend so uneven that q falls below 1, the constraint ends at q = 1, and returning customers have a value."""
    rng = np.random.default_rng(0)
    x = rng.integers(1, 8, 3000).astype(float)
    z = rng.gamma(2 * x, 1 / (2 * x)) * 20 * rng.pareto(0.7, 3000) + 0.01
    free = ours.GammaGammaFitter().fit(x, z)
    held = ours.GammaGammaFitter().fit(x, z, q_constraint=True)
    assert free.params_["q"] < 1
    assert held.params_["q"] == 1.0
    assert held._negative_log_likelihood_ > free._negative_log_likelihood_
    assert held.standard_errors_["q"] == 0
    assert np.isfinite(held.conditional_expected_average_profit(x, z)).all()


def test_variance_matrix_is_symmetric(cdnow, oracle):
    """lifetimes scales each column by the square of its own parameter: its diagonal alone is right."""
    columns = (cdnow["frequency"], cdnow["recency"], cdnow["T"])
    theirs, mine = oracle.fit("BetaGeoFitter", *columns), ours.BetaGeoFitter().fit(*columns)
    assert not np.allclose(theirs.variance_matrix_, theirs.variance_matrix_.T, rtol=1e-3)
    np.testing.assert_allclose(mine.variance_matrix_, mine.variance_matrix_.T, rtol=1e-9)
    np.testing.assert_allclose(np.diag(mine.variance_matrix_), np.diag(theirs.variance_matrix_), rtol=1e-3)


def test_pareto_has_standard_errors(cdnow):
    """lifetimes has none; the published ones (CLVTools on exact times) are .0476 .8427 .1873 6.2105."""
    ptf = ours.ParetoNBDFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    np.testing.assert_allclose(ptf.standard_errors_, [0.04763, 0.84272, 0.18728, 6.21096], rtol=1e-3)
    assert list(ptf.summary.index) == ["r", "alpha", "s", "beta"]


def test_nobody_bought_twice():
    with pytest.raises(ours.utils.ConvergenceError, match="Nobody bought twice"):
        ours.BetaGeoFitter().fit([0, 0], [0, 0], [5, 6])
    with pytest.raises(ValueError, match="Nobody bought at any"):
        ours.BetaGeoBetaBinomFitter().fit([0, 0], [0, 0], [5, 6])


def test_impossible_and_missing_are_refused_in_words(cdnow):
    bgf = fitter("BetaGeoFitter", **BG)
    frame = pd.DataFrame({"frequency": [1, 2], "recency": [3.0, np.nan], "T": [5.0, 6.0]})
    with pytest.raises(OptionError, match="recency holds 1 missing value"):
        bgf.predict(5, frame["frequency"], frame["recency"], frame["T"])
    with pytest.raises(OptionError, match="recency beyond T"):
        bgf.predict(5, 2, 9.0, 6.0)
    with pytest.raises(OptionError, match="negative frequency"):
        bgf.conditional_probability_alive(-1, 2.0, 6.0)
    with pytest.raises(OptionError, match="other row labels"):
        bgf.predict(5, frame["frequency"], cdnow["recency"], cdnow["T"])
    with pytest.raises(OptionError, match="shapes do not fit"):
        bgf.predict(5, np.ones(2), np.ones(3), np.ones(3))
    with pytest.raises(OptionError, match="no number"):
        bgf.predict(5, ["much"], [1], [2])
    with pytest.raises(ValueError, match="larger than T"):
        ours.BetaGeoFitter().fit([1], [7], [5])
    with pytest.raises(ValueError, match="2 customers have no repeat purchase"):
        ours.GammaGammaFitter().fit([0, 0, 1], [3.0, 4, 5])
    with pytest.raises(OptionError, match="penalizer_coef=-1"):
        ours.BetaGeoFitter(penalizer_coef=-1)
    with pytest.raises(OptionError, match="has not been fit"):
        ours.BetaGeoFitter().predict(1, 1, 1, 2)


def test_columns_are_matched_by_label():
    bgf = fitter("BetaGeoFitter", **BG)
    d = pd.DataFrame({"x": [1, 2, 3], "t": [3.0, 4.0, 5.0], "T": [9.0, 8.0, 7.0]}, index=list("abc"))
    straight = bgf.predict(5, d["x"], d["t"], d["T"])
    turned = bgf.predict(5, d["x"], d["t"][::-1], d["T"].loc[["b", "a", "c"]])
    pd.testing.assert_series_equal(straight, turned)


def test_no_pandas_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingPackageError, match=r"crm-analytics\[lifetimes\]"):
        ours.utils.summary_data_from_transaction_data([], "id", "date")


def test_importing_does_not_load_pandas_or_silence_warnings():
    import subprocess

    code = (
        "import sys, warnings; import crm_analytics.compat.lifetimes;"
        "print([m for m in ('pandas', 'plotly', 'lifetimes') if m in sys.modules],"
        "any(f[0] == 'ignore' and f[2] is FutureWarning for f in warnings.filters))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"


positive = st.floats(0.02, 50.0)


@given(
    positive,
    positive,
    positive,
    positive,
    st.integers(0, 2000),
    st.floats(0, 1),
    st.floats(0.1, 2000),
    st.floats(0, 5000),
)
def test_predictions_are_finite_on_the_whole_domain(r, alpha, a, b, x, part, age, h):
    t_x = part * age if x else 0.0
    for name, keys in (
        ("BetaGeoFitter", ("r", "alpha", "a", "b")),
        ("ModifiedBetaGeoFitter", ("r", "alpha", "a", "b")),
        ("ParetoNBDFitter", ("r", "alpha", "s", "beta")),
    ):
        mine = fitter(name, **dict(zip(keys, (r, alpha, a, b), strict=True)))
        ahead = float(mine.predict(h, x, t_x, age))
        alive = float(np.ravel(mine.conditional_probability_alive(x, t_x, age))[0])
        new = float(mine.expected_number_of_purchases_up_to_time(h))
        assert 0 <= alive <= 1
        assert 0 <= ahead < np.inf
        assert 0 <= new < np.inf


def test_errors_are_ours_and_value_errors():
    assert issubclass(ours.utils.ConvergenceError, CrmError)
    assert issubclass(ours.utils.ConvergenceError, ValueError)


def test_warnings_point_to_the_line_that_asked(cdnow):
    few = cdnow.iloc[:2]
    with pytest.warns(StatisticalWarning, match="ran to the edge") as caught:
        ours.BetaGeoFitter().fit(few["frequency"], few["recency"], few["T"])
    assert caught[0].filename == __file__
    frame = pd.DataFrame({"id": [1, None], "date": ["2024-01-01", "2024-01-02"]})
    with pytest.warns(UserWarning, match="no id") as caught:
        ours.utils.summary_data_from_transaction_data(frame, "id", "date")
    assert caught[0].filename == __file__
    spend = fitter("GammaGammaFitter", p=6.25, q=0.9, v=15.44)
    with pytest.warns(StatisticalWarning, match="no finite") as caught:
        spend.conditional_expected_average_profit(0, 0.0)
    assert caught[0].filename == __file__


def test_any_kind_of_column_goes_in(cdnow):
    expected = ours.BetaGeoFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    odd = ours.BetaGeoFitter().fit(
        cdnow["frequency"].astype("Int64"),
        cdnow["recency"].astype("Float64"),
        cdnow["T"].astype(object).tolist(),
    )
    pd.testing.assert_series_equal(odd.params_, expected.params_, rtol=1e-12)
    pd.testing.assert_frame_equal(odd.data, expected.data)
    x = cdnow["frequency"].astype("Int64")
    pd.testing.assert_series_equal(
        odd.predict(9, x, cdnow["recency"], cdnow["T"]),
        expected.predict(9, cdnow["frequency"], cdnow["recency"], cdnow["T"]),
    )


def test_verbose_is_logged(cdnow, caplog, capsys):
    with caplog.at_level("INFO", logger="crm_analytics.compat.lifetimes"):
        ours.BetaGeoFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"], verbose=True)
    assert "fitted with 2357 subjects" in caplog.text
    assert capsys.readouterr().out == ""
