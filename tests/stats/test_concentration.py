"""Concentration: against the double sum of the definition, known distributions, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.errors import OptionError
from crm_analytics.stats.concentration import (
    gini,
    gini_interval,
    herfindahl,
    lorenz,
    top_share,
    top_share_interval,
)

money = st.lists(st.integers(0, 10**6).map(lambda p: p / 100), min_size=1, max_size=40)


def mean_difference(values, weights=None):
    """Give the Gini by its definition: half the relative mean difference, one pair after the other."""
    weights = weights or [1.0] * len(values)
    total = sum(w * x for x, w in zip(values, weights, strict=True))
    if total == 0:
        return 0.0
    pairs = sum(
        v * w * abs(x - y)
        for x, v in zip(values, weights, strict=True)
        for y, w in zip(values, weights, strict=True)
    )
    return pairs / (2 * sum(weights) * total)


@given(values=money)
def test_gini_is_half_the_relative_mean_difference(values):
    assert gini(values) == pytest.approx(mean_difference(values), abs=1e-9)


@given(values=money, data=st.data())
def test_weights_count_customers(values, data):
    weights = data.draw(st.lists(st.integers(0, 5), min_size=len(values), max_size=len(values)).filter(any))
    repeated = np.repeat(values, weights)
    assert gini(values, weights) == pytest.approx(gini(repeated), abs=1e-9)
    assert gini(values, weights) == pytest.approx(
        mean_difference(values, [float(w) for w in weights]), abs=1e-9
    )


@given(values=money, factor=st.floats(0.01, 1000))
def test_gini_has_no_unit_and_takes_no_notice_of_order(values, factor):
    assert gini([factor * x for x in reversed(values)]) == pytest.approx(gini(values), abs=1e-9)
    assert 0 <= gini(values) <= 1 - 1 / len(values) + 1e-9


@pytest.mark.parametrize(
    ("draw", "known"),
    [
        (lambda u: -np.log(u), 0.5),  # exponential
        (lambda u: u, 1 / 3),  # uniform from nought
        (lambda u: u ** (-1 / 3), 1 / 5),  # Pareto with shape 3: 1 / (2 shape - 1)
    ],
)
def test_gini_of_known_distributions(draw, known):
    u = (np.arange(200_000) + 0.5) / 200_000
    assert gini(draw(u)) == pytest.approx(known, abs=0.001)


@given(values=money)
def test_the_lorenz_curve_rises_and_bends_upwards(values):
    curve = lorenz(values)
    assert (curve.population_share[0], curve.value_share[0]) == (0.0, 0.0)
    assert (curve.population_share[-1], curve.value_share[-1]) == pytest.approx((1.0, 1.0))
    assert (np.diff(curve.value_share) >= -1e-12).all()
    assert (np.diff(np.diff(curve.value_share)) >= -1e-9).all()
    area = np.trapezoid(curve.value_share, curve.population_share)
    assert 1 - 2 * area == pytest.approx(gini(values), abs=1e-9)


def test_a_thinned_curve_keeps_its_ends():
    curve = lorenz(np.arange(10_000.0), n_points=101)
    assert len(curve.value_share) <= 101
    assert (curve.population_share[0], curve.population_share[-1]) == (0.0, 1.0)
    assert curve.value_share[-1] == pytest.approx(1.0)


def test_the_top_share_counts_parts_of_customers():
    assert top_share([1, 2, 3, 4], 0.25) == pytest.approx(0.4)
    assert top_share([1, 2, 3, 4], 0.375) == pytest.approx(0.4 + 0.5 * 0.3)
    assert top_share([1, 2, 3, 4], 1) == pytest.approx(1.0)
    assert top_share([5, 5, 5, 5], 0.3) == pytest.approx(0.3)


@given(values=money, share=st.floats(0.01, 1))
def test_the_top_share_is_the_upper_end_of_the_lorenz_curve(values, share):
    curve = lorenz(values)
    expected = 1 - np.interp(1 - share, curve.population_share, curve.value_share)
    assert top_share(values, share) == pytest.approx(expected, abs=1e-9)


def test_values_below_nought_count_as_nought():
    assert gini([-50.0, 1.0, 3.0]) == gini([0.0, 1.0, 3.0])
    assert top_share([-50.0, 1.0, 3.0], 1 / 3) == pytest.approx(0.75)
    assert herfindahl([-50.0, 1.0, 3.0]) == pytest.approx((1 + 9) / 16)


def test_nothing_to_share_is_shared_equally():
    assert gini([0.0, 0.0]) == 0.0
    assert top_share([0.0, 0.0], 0.2) == pytest.approx(0.2)
    assert herfindahl([0.0, 0.0]) == 0.5


@pytest.mark.parametrize("function", [gini, lorenz, herfindahl, gini_interval])
@pytest.mark.parametrize("values", [[], [math.nan, 1.0], [math.inf]])
def test_values_must_be_finite(function, values):
    with pytest.raises(OptionError, match="finite numbers"):
        function(values)


@pytest.mark.parametrize("weights", [[1.0], [-1.0, 1.0], [0.0, 0.0], [math.nan, 1.0]])
def test_weights_must_fit(weights):
    with pytest.raises(OptionError, match="one weight of 0 or more for each value"):
        gini([1.0, 2.0], weights)


@pytest.mark.parametrize("share", [0, -0.1, 1.1])
def test_a_top_share_must_be_a_share(share):
    with pytest.raises(OptionError, match="share above 0 and up to 1"):
        top_share([1.0], share)


@pytest.mark.parametrize("n", [300, 30_000])
def test_the_gini_interval_agrees_with_the_jackknife(n):
    x = np.sort(np.random.default_rng(n).exponential(1, n))
    i = np.arange(1, n + 1)
    # leave-one-out Ginis from running sums: the numerator sum((2i - n - 1) x) without the i-th value
    total, weighted = x.sum(), ((2 * i - n - 1) * x).sum()
    above, below = total - np.cumsum(x), np.cumsum(x) - x
    left = (weighted - (2 * i - n - 1) * x + below - above) / ((n - 1) * (total - x))
    error = math.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum())
    found = gini_interval(x, n_resamples=4000)
    assert (found.upper - found.lower) / 2 / 1.96 == pytest.approx(error, rel=0.08)
    assert found.lower < found.value < found.upper


def test_the_gini_interval_covers_about_as_often_as_it_says():
    rng, hits = np.random.default_rng(4), 0
    for seed in range(200):
        found = gini_interval(rng.exponential(1, 120), n_resamples=200, seed=seed)
        hits += found.lower <= 0.5 <= found.upper
    assert 0.88 <= hits / 200 <= 0.985


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.8, 1.3])
def test_the_gini_interval_covers_with_heavy_tails_and_many_customers(spread):
    # The Gini of a lognormal distribution is erf(sigma / 2).
    rng, hits = np.random.default_rng(7), 0
    for seed in range(100):
        found = gini_interval(rng.lognormal(0, spread, 6000), n_resamples=200, seed=seed)
        hits += found.lower <= math.erf(spread / 2) <= found.upper
    assert hits / 100 >= 0.87


def test_few_customers_say_nothing_about_the_gini():
    assert gini_interval([1.0, 2.0, 30.0])[1:] == (0.0, 1.0)


@pytest.mark.parametrize(
    "values",
    [[5.0] * 9, [0.0] * 9, [0.0] * 80 + [*range(1, 21)], [1e-300] * 5 + [1e300], [*range(1, 100), 1e9]],
)
def test_odd_values_have_an_interval_around_the_figure(values):
    found = gini_interval(values)
    assert 0 <= found.lower <= found.value + 1e-12
    assert found.value - 1e-12 <= found.upper <= 1


def test_the_top_share_has_an_interval():
    x = np.random.default_rng(9).lognormal(0, 1, 2000)
    found = top_share_interval(x, 0.1)
    assert found.value == top_share(x, 0.1)
    assert found.lower < found.value < found.upper
    assert found.upper - found.lower < 0.1
    assert top_share_interval(x, 0.1, seed=0) == found
