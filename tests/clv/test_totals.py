"""Totals taken for means are found, and means are left alone, however uneven spend is."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest

from crm_analytics import clv
from crm_analytics.clv.models.totals import looks_like_totals
from crm_analytics.errors import StatisticalWarning


def spends(rng: np.random.Generator, n: int, *, q: float = 3.7, dependence: float = 0.0):
    """Draw repeat purchases and mean spend of Gamma-Gamma buyers; dependence is the power of frequency in spend."""
    x = rng.geometric(0.4, n).astype(float)
    rate = rng.gamma(q, 1 / 15.4, n)
    return x, rng.gamma(6.2 * x) / x / rate * x**dependence


def alarms(*, q: float, dependence: float, seed: int) -> int:
    rng = np.random.default_rng(seed)
    draws = (spends(rng, int(rng.integers(50, 3000)), q=q, dependence=dependence) for _ in range(400))
    return sum(looks_like_totals(x, z, np.ones(len(x))) is not None for x, z in draws)


@pytest.mark.parametrize("q", [1.1, 3.7, 12.0])
@pytest.mark.parametrize("dependence", [0.0, 0.3, -0.3])
def test_means_raise_no_alarm(q, dependence):
    assert alarms(q=q, dependence=dependence, seed=1) == 0


def test_totals_are_found_in_most_samples_and_in_every_large_one():
    assert alarms(q=3.7, dependence=1.0, seed=2) >= 320
    x, z = spends(np.random.default_rng(3), 2000, dependence=1.0)
    assert looks_like_totals(x, z, np.ones(2000)).code == "looks_like_totals"


def test_a_fit_to_totals_warns_and_says_so():
    x, z = spends(np.random.default_rng(4), 1000, dependence=1.0)
    summary = pl.DataFrame({"frequency": x, "monetary_value": z})
    with pytest.warns(StatisticalWarning, match="Divide it by frequency"):
        fit = clv.GammaGamma.fit(summary)
    assert "looks_like_totals" in {d.code for d in fit.diagnosis}
    assert not fit.is_identified
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mended = clv.GammaGamma.fit(summary.with_columns(pl.col("monetary_value") / pl.col("frequency")))
    assert mended.is_identified


def test_a_weight_counts_as_so_many_customers():
    x, z = spends(np.random.default_rng(6), 200, dependence=1.0)
    few = looks_like_totals(x, z, np.full(200, 3.0))
    many = looks_like_totals(np.repeat(x, 3), np.repeat(z, 3), np.ones(600))
    assert few == many
