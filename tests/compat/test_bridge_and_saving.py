"""Fits of lifetimes come in, ours go out, and fitters are kept in JSON files."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crm_analytics import clv
from crm_analytics.compat import lifetimes as ours
from crm_analytics.errors import OptionError, SourceError

CASES = {
    "BetaGeoFitter": clv.BetaGeo,
    "ModifiedBetaGeoFitter": clv.ModifiedBetaGeo,
    "ParetoNBDFitter": clv.ParetoNBD,
}


@pytest.fixture(scope="module")
def summary(cdnow):
    return pl.DataFrame({c: cdnow[c].to_numpy() for c in ("frequency", "recency", "T")})


def fitted(name, cdnow, cdnow_money, donations):
    if name == "GammaGammaFitter":
        d = cdnow_money[cdnow_money["frequency"] > 0]
        return ours.GammaGammaFitter().fit(d["frequency"], d["monetary_value"], index=d.index)
    if name == "BetaGeoBetaBinomFitter":
        return ours.BetaGeoBetaBinomFitter().fit(
            *(donations[c] for c in ("frequency", "recency", "periods", "weights"))
        )
    return getattr(ours, name)().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"], index=cdnow.index)


@pytest.mark.parametrize(("name", "model"), CASES.items())
def test_a_fitter_of_lifetimes_comes_in_without_being_fitted_again(oracle, cdnow, summary, name, model):
    options = {"tol": 1e-10, "maxiter": 5000} if name == "ParetoNBDFitter" else {}
    theirs = oracle.fit(name, cdnow["frequency"], cdnow["recency"], cdnow["T"], **options)
    fit, native = ours.from_lifetimes(theirs, time_unit="week"), model.fit(summary)
    assert type(fit) is model
    assert dict(fit.params) == dict(theirs.params_)
    assert fit.log_likelihood == pytest.approx(native.log_likelihood, abs=1e-4)
    assert fit.aic == pytest.approx(native.aic, abs=1e-3)
    assert fit.n_customers == 2357
    assert fit.time_unit == "week"
    np.testing.assert_allclose(
        fit.predict(summary, horizon=39)["expected_purchases"],
        native.predict(summary, horizon=39)["expected_purchases"],
        rtol=1e-3,
    )
    if name != "ParetoNBDFitter":  # lifetimes has no standard errors there
        for p in fit.names:
            assert fit.standard_errors[p] == pytest.approx(native.standard_errors[p], rel=2e-3)
            assert fit.lower[p] == pytest.approx(native.lower[p], rel=2e-3)
    else:
        assert set(fit.standard_errors.values()) == {None}


@pytest.mark.parametrize(
    ("name", "model"),
    [
        *CASES.items(),
        ("GammaGammaFitter", clv.GammaGamma),
        ("BetaGeoBetaBinomFitter", clv.BetaGeoBetaBinomial),
    ],
)
def test_there_and_back(cdnow, cdnow_money, donations, name, model):
    fitter = fitted(name, cdnow, cdnow_money, donations)
    fit = ours.from_lifetimes(fitter)
    assert type(fit) is model
    back = ours.to_lifetimes(fit)
    assert type(back) is type(fitter)
    pd.testing.assert_series_equal(back.params_, fitter.params_)
    pd.testing.assert_series_equal(back.standard_errors_, fitter.standard_errors_, rtol=1e-6)
    pd.testing.assert_frame_equal(back.variance_matrix_, fitter.variance_matrix_, rtol=1e-6)
    assert back.data is None
    assert list(back.summary.columns) == list(fitter.summary.columns)


def test_a_native_fit_goes_out(summary, cdnow):
    fit = clv.BetaGeo.fit(summary)
    fitter = ours.to_lifetimes(fit)
    x, t_x, age = (cdnow[c] for c in ("frequency", "recency", "T"))
    np.testing.assert_allclose(
        fitter.predict(39, x, t_x, age), fit.expected_purchases(summary, horizon=39), rtol=1e-12
    )
    assert fitter.standard_errors_["alpha"] == pytest.approx(fit.standard_errors["alpha"])
    pd.testing.assert_series_equal(fit.to_lifetimes().params_, fitter.params_)
    pd.testing.assert_series_equal(clv.to_lifetimes(fit).params_, fitter.params_)
    assert clv.from_lifetimes(fit.to_lifetimes()).params == dict(fit.params)


def test_parameters_alone_are_enough(oracle):
    theirs = oracle.fitter("GammaGammaFitter", params={"p": 6.25, "q": 3.74, "v": 15.44})
    fit = ours.from_lifetimes(theirs)
    assert fit.mean_spend == pytest.approx(35.2189781)
    assert fit.log_likelihood == float("-inf")
    with pytest.raises(OptionError, match="not fitted"):
        ours.from_lifetimes(ours.BetaGeoFitter())
    with pytest.raises(OptionError, match="int is no fitter"):
        ours.from_lifetimes(3)


def test_models_that_lifetimes_lacks_stay_here():
    with pytest.raises(OptionError, match="no model like ShiftedBetaGeometric"):
        ours.to_lifetimes(clv.ShiftedBetaGeometric.fit([369, 163, 86, 56, 37, 27, 21], 241))


@pytest.mark.parametrize("name", [*CASES, "GammaGammaFitter", "BetaGeoBetaBinomFitter"])
def test_saved_and_loaded(tmp_path, cdnow, cdnow_money, donations, name):  # test_save_load_bgnbd
    fitter = fitted(name, cdnow, cdnow_money, donations)
    path = tmp_path / "fitter.json"
    fitter.save_model(path)
    again = getattr(ours, name)()
    again.load_model(str(path))
    assert repr(again) == repr(fitter)
    assert again.penalizer_coef == fitter.penalizer_coef
    assert again._negative_log_likelihood_ == fitter._negative_log_likelihood_
    pd.testing.assert_series_equal(again.params_, fitter.params_)
    pd.testing.assert_frame_equal(again.data, fitter.data)
    pd.testing.assert_frame_equal(again.summary, fitter.summary)
    assert [p.name for p in tmp_path.iterdir()] == ["fitter.json"]
    if name in CASES:
        assert again._scale == fitter._scale
        assert again.predict(1, 1, 2, 5) == fitter.predict(1, 1, 2, 5)
        assert len(again.generate_new_data(size=3)) == 3


def test_saved_without_data_or_generator(
    tmp_path, cdnow
):  # test_save_load_bgnbd_no_data(_replace_with_empty_str), _no_generate_data
    fitter = ours.BetaGeoFitter(penalizer_coef=0.01).fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    path, again = tmp_path / "f.json", ours.BetaGeoFitter()
    fitter.save_model(path, save_data=False)
    again.load_model(path)
    assert again.data is None
    assert again.penalizer_coef == 0.01
    fitter.save_model(path, save_data=False, values_to_save=[""])
    again.load_model(path)
    assert again.data == ""
    fitter.save_model(path, save_generate_data_method=False)
    again.load_model(path)
    assert again.generate_new_data is None
    assert fitter.data is not None


def test_an_unfitted_one_can_be_saved(tmp_path):  # TestBaseFitter.test_save_load_model
    ours.BaseFitter().save_model(tmp_path / "b.json")
    again = ours.BaseFitter()
    again.load_model(tmp_path / "b.json")
    assert repr(again) == "<lifetimes.BaseFitter>"


def test_files_that_are_none_are_refused(tmp_path, cdnow):
    path = tmp_path / "f.json"
    with pytest.raises(SourceError, match="cannot be read"):
        ours.BetaGeoFitter().load_model(path)
    path.write_bytes(b"\x80\x04\x95dill")
    with pytest.raises(SourceError, match="is not JSON"):
        ours.BetaGeoFitter().load_model(path)
    path.write_text(json.dumps({"model": "BetaGeoFitter"}))
    with pytest.raises(SourceError, match="holds no fitter"):
        ours.BetaGeoFitter().load_model(path)
    fitter = ours.BetaGeoFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    fitter.save_model(path)
    with pytest.raises(SourceError, match="holds a BetaGeoFitter"):
        ours.ParetoNBDFitter().load_model(path)
    days = pd.date_range("2019-01-01", periods=len(cdnow))
    labelled = ours.BetaGeoFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"], index=days)
    with pytest.raises(OptionError, match="save_data=False"):
        labelled.save_model(path)
