"""Closed-form intervals against scipy, and how often they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import (
    clustered_share,
    mean_interval,
    median_interval,
    poisson_count,
    wilson,
    z_value,
)

levels = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@given(n=st.integers(1, 5000), share=st.floats(0, 1), level=levels)
def test_wilson_is_scipys(n, share, level):
    hits = round(share * n)
    lower, upper = wilson(hits, n, level=level)
    other = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    assert lower == pytest.approx(other.low, abs=1e-12)
    assert upper == pytest.approx(other.high, abs=1e-12)


def test_a_share_of_clusters_of_one_is_wilsons_with_the_divisor_of_a_sample():
    hits = np.repeat([1, 0], [30, 70])
    found = clustered_share(hits, np.ones(100))
    lower, upper = wilson(0.3 * 99, 99)
    assert found == pytest.approx((0.3, float(lower), float(upper)))


def test_the_interval_of_a_share_of_clusters_covers():
    """Customers of 1 to 12 gaps whose chance of a short gap is beta(1, 2): taken one by one they cover 0.85 and less."""
    rng = np.random.default_rng(4)
    held, plain = 0, 0
    for _ in range(1000):
        sizes = rng.integers(1, 13, 80)
        hits = rng.binomial(sizes, rng.beta(1, 2, 80))
        found = clustered_share(hits, sizes)
        held += found.lower <= 1 / 3 <= found.upper
        lower, upper = wilson(hits.sum(), sizes.sum())
        plain += lower <= 1 / 3 <= upper
    assert 930 <= held <= 970
    assert plain < 850


def test_clusters_without_scatter_count_as_so_many_equals():
    found = clustered_share([0, 0, 0, 0], [1, 1, 1, 5])
    assert (found.value, found.lower) == (0, 0)
    assert found.upper == pytest.approx(float(wilson(0, 64 / 28)[1]))


def test_wilson_of_nothing_knows_nothing():
    lower, upper = wilson([0, 0], [0, 4])
    assert (lower[0], upper[0]) == (0.0, 1.0)
    assert lower[1] == 0.0
    assert 0 < upper[1] < 1


@given(level=levels)
def test_the_normal_quantile_is_scipys(level):
    assert z_value(level) == pytest.approx(stats.norm.ppf(0.5 + level / 2), abs=1e-9)


@pytest.mark.parametrize("level", [0, 1, 1.5, -1])
def test_a_level_outside_0_and_1_is_refused(level):
    with pytest.raises(OptionError, match="level=.*between 0 and 1"):  # noqa: RUF043 a pattern
        wilson(1, 2, level=level)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 10, 50, 1000])
def test_poisson_is_close_to_exact(count):
    lower, upper = poisson_count(count)
    exact_lower = stats.chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    exact_upper = stats.chi2.ppf(0.975, 2 * count + 2) / 2
    assert float(upper) == pytest.approx(exact_upper, rel=0.01)
    assert float(lower) == pytest.approx(exact_lower, rel=0.01 if count > 1 else 0.3, abs=0.02)


def test_the_mean_has_its_normal_interval():
    x = np.arange(50.0) ** 2
    other = stats.norm.interval(0.95, x.mean(), stats.sem(x))
    assert mean_interval(x) == pytest.approx((x.mean(), *other))
    assert mean_interval([3.0]) == (3.0, -math.inf, math.inf)


@pytest.mark.parametrize("n", [6, 7, 20, 101, 1000, 1001, 2500, 10_000, 54_321])
def test_the_median_interval_holds_its_level_and_no_narrower_one_does(n):
    _, lower, upper = median_interval(np.arange(1, n + 1))
    below = lower - 1  # so many values lie below the lower end
    assert lower + upper == n + 1
    assert 2 * stats.binom.cdf(below, n, 0.5) <= 0.05
    assert 2 * stats.binom.cdf(below + (1 if n <= 1000 else 2), n, 0.5) > 0.05


def test_too_few_values_give_their_ends_as_the_median_interval():
    assert median_interval([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)
    assert median_interval([4.0]) == (4.0, 4.0, 4.0)


@pytest.mark.parametrize("function", [median_interval, mean_interval])
@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_values_must_be_finite(function, values):
    with pytest.raises(OptionError, match="one or more finite numbers"):
        function(values)
