"""Seasons: time that runs faster in December, factors found again, and histories on seasonal time."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics import clv
from crm_analytics.errors import NotEnoughDataError, OptionError

TRUTH = (0.8, 0.8, 0.9, 0.95, 1.0, 1.0, 0.95, 0.9, 1.0, 1.1, 1.25, 1.4)


def shop(n: int = 3000, years: int = 4, seed: int = 2) -> pl.DataFrame:
    """Draw customers who never leave, come evenly over the first three years, and buy with the season."""
    rng = np.random.default_rng(seed)
    start = np.datetime64("2022-01-01")
    days = start + np.arange(365 * years + 1)
    factor = np.asarray(TRUTH)[days.astype("datetime64[M]").astype(int) % 12]
    first = rng.integers(0, 365 * 3, n)
    rate = rng.gamma(2.0, 1 / 120, n)
    customer, day = [np.arange(n)], [first]
    for d in range(len(days)):
        buys = np.flatnonzero((first < d) & (rng.random(n) < rate * factor[d]))
        customer.append(buys)
        day.append(np.full(len(buys), d))
    who, when = np.concatenate(customer), np.concatenate(day)
    return pl.DataFrame(
        {"customer_id": who.astype(str), "ordered_at": days[when].astype("datetime64[us]"), "amount": 10.0}
    )


@pytest.fixture(scope="module")
def sold():
    return shop()


def test_planted_seasons_are_found(sold):
    found = clv.Seasonality.estimate(sold).factors
    np.testing.assert_allclose(found, clv.Seasonality(TRUTH).factors, atol=0.07)


def test_a_shop_without_seasons_has_none():
    rng = np.random.default_rng(0)
    n = 60_000
    tx = pl.DataFrame(
        {
            "customer_id": rng.integers(0, 500, n).astype(str),
            "ordered_at": [
                datetime(2022, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 365 * 4, n)
            ],
            "amount": 1.0,
        }
    )
    np.testing.assert_allclose(clv.Seasonality.estimate(tx).factors, 1.0, atol=0.06)


@given(st.dates(date(1999, 1, 1), date(2040, 1, 1)), st.integers(0, 800))
def test_even_factors_are_the_clock(day, days):
    assert clv.Seasonality((3.0,) * 12).horizon(day, days) == pytest.approx(days, abs=1e-6)


@given(st.dates(date(1999, 1, 1), date(2040, 1, 1)), st.integers(0, 800), st.integers(0, 800))
def test_time_adds_up_and_never_runs_back(day, one, two):
    season = clv.Seasonality(TRUTH)
    whole = season.horizon(day, one + two)
    assert whole == pytest.approx(
        season.horizon(day, one) + season.horizon(day + timedelta(days=one), two), abs=1e-6
    )
    assert whole >= season.horizon(day, one) - 1e-9


def test_each_day_counts_by_the_factor_of_its_month():
    season = clv.Seasonality(TRUTH)
    for day in (date(2024, 2, 29), date(2023, 12, 31), date(2024, 3, 1), date(2025, 1, 1)):
        assert season.horizon(day, 1) == pytest.approx(season.factors[day.month - 1], rel=1e-9)


def test_four_years_are_as_long_as_on_the_clock():
    assert clv.Seasonality(TRUTH).horizon(date(2021, 1, 1), 1461) == pytest.approx(1461, rel=1e-4)


def test_histories_run_on_seasonal_time(sold):
    season = clv.Seasonality(TRUTH)
    plain = clv.summarise(sold, as_of="2026-01-01")
    warped = clv.summarise(sold, as_of="2026-01-01", seasonality=season)
    assert warped["frequency"].equals(plain["frequency"])
    one = plain.filter(pl.col("frequency") > 0).row(0, named=True)
    first = date(2025, 12, 31) - timedelta(days=int(one["T"]))
    there = warped.filter(pl.col("customer_id") == one["customer_id"]).row(0, named=True)
    assert there["T"] == pytest.approx(season.horizon(first, one["T"]))
    assert there["recency"] == pytest.approx(season.horizon(first, one["recency"]))


def test_the_season_makes_the_forecast_of_a_season_better(sold):
    """October and November 2025 from what was known before: with the season in, the total comes out."""
    season = clv.Seasonality.estimate(sold.filter(pl.col("ordered_at") < datetime(2025, 11, 1)))
    options = {"as_of": "2026-01-01", "calibration_end": "2025-11-01"}
    plain, warped = clv.summarise(sold, **options), clv.summarise(sold, **options, seasonality=season)
    actual = plain["frequency_holdout"].sum()
    off = [
        abs(clv.BetaGeo.fit(s).expected_purchases(s, horizon=s["holdout_length"][0]).sum() / actual - 1)
        for s in (plain, warped)
    ]
    assert off[1] < 0.06 < off[0]


@pytest.mark.parametrize("factors", [(1.0,) * 11, (0.0, *(1.0,) * 11), (float("nan"), *(1.0,) * 11)])
def test_what_are_no_factors_is_refused(factors):
    with pytest.raises(OptionError, match="twelve numbers above 0"):
        clv.Seasonality(factors)


def test_less_than_two_years_cannot_tell_a_season(sold):
    with pytest.raises(NotEnoughDataError, match="At least 24 are needed"):
        clv.Seasonality.estimate(sold.filter(pl.col("ordered_at") < datetime(2023, 6, 1)))
