"""BG/CNBD-k and MBG/CNBD-k: the published form, the special case k = 1, regular buyers found, and a forecast that holds."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics import clv
from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError


@pytest.fixture(scope="module")
def cdnow(shared_data):
    columns = {"customer_id": "column_1", "ordered_at": "column_3", "amount": "column_5"}
    tx = crm.read_transactions(shared_data("cdnow/CDNOW_sample.txt"), columns=columns)
    return clv.summarise(tx, as_of="1997-10-01", unit="week", log_intervals=True)


def regular_buyers(n: int, k: int, seed: int, horizon: float = 26.0) -> pl.DataFrame:
    """Draw MBG/CNBD-k customers observed for 52 weeks, with what they buy in the weeks after."""
    rng = np.random.default_rng(seed)
    rates, leaving = rng.gamma(2.0, 1 / 4.0, n) * k, rng.beta(1.0, 9.0, n)
    rows = []
    for rate, p in zip(rates, leaving, strict=True):
        times, now = [], 0.0
        alive = rng.random() >= p
        while alive and (now := now + rng.gamma(k, 1 / rate)) < 52 + horizon:
            times.append(now)
            alive = rng.random() >= p
        seen = [t for t in times if t <= 52]
        gaps = np.diff([0.0, *seen])
        rows.append(
            (len(seen), seen[-1] if seen else 0.0, 52.0, float(np.log(gaps).sum()), len(times) - len(seen))
        )
    return pl.DataFrame(rows, schema=["frequency", "recency", "T", "log_interval_sum", "later"], orient="row")


@pytest.mark.real_data
def test_cdnow_has_the_reference_estimates_at_k_2(cdnow):
    # recomputed with two independent implementations; Reutterer, Platzer, Schroeder (2020) give the likelihood
    fit = clv.ModifiedBetaGeoErlang.fit(cdnow, k=2)
    assert list(fit.params.values()) == pytest.approx([0.579896, 2.288149, 1.134453, 1.584974], rel=2e-6)
    assert fit.log_likelihood == pytest.approx(-9853.25313, abs=1e-4)


@pytest.mark.real_data
def test_cdnow_buyers_are_not_regular(cdnow):
    assert clv.ModifiedBetaGeoErlang.fit(cdnow).k == 1
    assert clv.BetaGeoErlang.fit(cdnow).log_likelihood == pytest.approx(-9582.42921, abs=1e-4)


@pytest.mark.parametrize(
    ("regular", "plain"),
    [(clv.BetaGeoErlang, clv.BetaGeo), (clv.ModifiedBetaGeoErlang, clv.ModifiedBetaGeo)],
)
def test_with_one_phase_it_is_the_model_of_poisson_buying(regular, plain):
    summary = regular_buyers(400, 1, seed=3)
    one, other = regular.fit(summary, k=1), plain.fit(summary)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-6)
    same = one.at(np.array(other.values()))
    for ask in (
        lambda f: f.p_alive(summary),
        lambda f: f.p_alive(summary, after=10.0),
        lambda f: f.expected_purchases(summary, horizon=39.0),
    ):
        np.testing.assert_allclose(ask(same), ask(other), rtol=1e-8)


def test_regular_buyers_are_found_and_their_parameters_with_them():
    summary = regular_buyers(1500, 3, seed=11)
    fit = clv.ModifiedBetaGeoErlang.fit(summary)
    assert fit.k == 3
    r, alpha, a, b = fit.values()
    # phases come three times as often as purchases
    for name, truth in (("r", 2.0), ("alpha", 4.0 / 3)):
        assert abs(fit.params[name] - truth) < 4 * fit.standard_errors[name]
    assert a / (a + b) == pytest.approx(0.1, abs=0.03)
    assert r / alpha / fit.k == pytest.approx(0.5, rel=0.1)


def test_the_forecast_of_regular_buyers_holds():
    summary = regular_buyers(3000, 3, seed=5)
    fit = clv.ModifiedBetaGeoErlang.fit(summary, k=3)
    expected = fit.expected_purchases(summary, horizon=26.0)
    error = np.sqrt(np.var(summary["later"].to_numpy() - expected.to_numpy()) / 3000)
    assert abs(summary["later"].mean() - expected.mean()) < 4 * error
    poisson = clv.ModifiedBetaGeo.fit(summary).expected_purchases(summary, horizon=26.0)
    missed = [float(((summary["later"] - e) ** 2).mean()) for e in (expected, poisson)]
    assert missed[0] < missed[1], "knowing that they buy regularly must help"


def test_every_prediction_is_finite_and_in_range():
    summary = pl.DataFrame(
        {
            "frequency": [0, 0, 1, 300, 2000],
            "recency": [0.0, 0.0, 5.0, 51.9, 52.0],
            "T": [0.0, 52.0, 52.0, 52.0, 52.0],
        }
    )
    fit = clv.BetaGeoErlang.fit(regular_buyers(300, 2, seed=1), k=2)
    alive = fit.p_alive(summary).to_numpy()
    assert ((alive >= 0) & (alive <= 1)).all()
    more = np.array([fit.expected_purchases(summary, horizon=h).to_numpy() for h in (0.0, 1.0, 52.0, 520.0)])
    assert np.isfinite(more).all()
    assert (np.diff(more, axis=0) >= -1e-9).all()


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(k):
    with pytest.raises(OptionError, match="at least 1"):
        clv.BetaGeoErlang.fit(regular_buyers(50, 1, seed=2), k=k)


def test_a_summary_without_intervals_is_named():
    with pytest.raises(ColumnError, match="log_interval_sum"):
        clv.BetaGeoErlang.fit(regular_buyers(50, 1, seed=2).drop("log_interval_sum"), k=2)


def test_nobody_who_bought_twice_is_a_plain_reason():
    summary = pl.DataFrame(
        {"frequency": [0, 0], "recency": [0.0, 0.0], "T": [9.0, 8.0], "log_interval_sum": [0.0, 0.0]}
    )
    with pytest.raises(NotEnoughDataError, match="repeat purchases"):
        clv.BetaGeoErlang.fit(summary)


def test_the_sum_of_log_intervals_is_that_of_the_days_between():
    tx = pl.DataFrame(
        {
            "customer_id": ["a"] * 4 + ["b"],
            "ordered_at": ["2026-01-01", "2026-01-08", "2026-01-08", "2026-01-22", "2026-01-05"],
            "amount": [10.0, 5.0, 5.0, 9.0, 3.0],
        }
    ).with_columns(pl.col("ordered_at").str.to_datetime())
    summary = clv.summarise(tx, unit="week", log_intervals=True)
    assert summary["log_interval_sum"].to_list() == pytest.approx([np.log(1.0) + np.log(2.0), 0.0])
