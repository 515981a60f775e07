"""The bootstrap: against drawing customers one by one, and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crm_analytics.errors import OptionError
from crm_analytics.stats.bootstrap import (
    MOST_CELLS,
    bca,
    cells,
    group_sums,
    mean_interval,
    percentile,
    ratio_interval,
    resample,
)

RNG = np.random.default_rng(11)
SKEWED = RNG.lognormal(0, 1, 300)
MANY = RNG.pareto(2.5, 20_000)


@pytest.mark.parametrize("n", [1, 5, MOST_CELLS, MOST_CELLS + 1, 50_000])
def test_cells_hold_every_value_once(n):
    x = np.random.default_rng(n).normal(size=n)
    found = cells(x)
    assert found.n == n
    assert found.sizes.size == min(n, MOST_CELLS)
    assert (found.sizes > 0).all()
    assert (found.sizes * found.means).sum() == pytest.approx(x.sum())
    assert (found.sizes * (found.spreads**2 + found.means**2)).sum() == pytest.approx((x**2).sum())
    assert (np.diff(found.means) >= 0).all()
    assert found.means[-1] == x.max()
    assert found.means[0] == x.min()


def test_cells_keep_groups_apart():
    values, groups = [5.0, 1.0, 7.0, 2.0, 3.0], [1, 0, 1, 0, 1]
    found = cells(values, groups)
    assert found.first.tolist() == [0, 2]
    assert np.add.reduceat(found.means, found.first).tolist() == [3.0, 15.0]


def test_up_to_a_few_thousand_values_the_plain_bootstrap_is_drawn():
    counts, sums = next(resample(cells([1.0, 2.0, 4.0]), n_resamples=500, seed=1))
    assert (counts.sum(axis=1) == 3).all()
    assert (sums == counts * [1.0, 2.0, 4.0]).all()
    assert counts.mean(axis=0) == pytest.approx([1, 1, 1], abs=0.15)


def test_the_same_seed_draws_the_same():
    one, two, other = (group_sums(cells(MANY), n_resamples=20, seed=s)[1] for s in (4, 4, 5))
    assert (one == two).all()
    assert (one != other).any()


def test_shared_cells_move_means_as_whole_customers_do():
    counts, sums = group_sums(cells(MANY, most=16), n_resamples=2000, seed=3)
    rng = np.random.default_rng(8)
    plain = [MANY[rng.integers(0, MANY.size, MANY.size)].mean() for _ in range(500)]
    samples = (sums / counts)[:, 0]
    assert samples.mean() == pytest.approx(MANY.mean(), rel=0.002)
    assert samples.std() == pytest.approx(np.std(plain), rel=0.1)
    assert samples.std() == pytest.approx(MANY.std() / MANY.size**0.5, rel=0.06)


def test_chunks_do_not_show(monkeypatch):
    whole = group_sums(cells(SKEWED), n_resamples=50, seed=2)
    monkeypatch.setattr("crm_analytics.stats.bootstrap._CHUNK", 10 * SKEWED.size)
    parts = list(resample(cells(SKEWED), n_resamples=50, seed=2))
    assert [len(counts) for counts, _ in parts] == [10] * 5
    assert np.concatenate([sums.sum(axis=1) for _, sums in parts]) == pytest.approx(whole[1][:, 0])


def test_the_mean_has_scipys_bca_interval():
    found = mean_interval(SKEWED, n_resamples=20_000, seed=5)
    other = stats.bootstrap(
        (SKEWED,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(6)
    )
    width = other.confidence_interval.high - other.confidence_interval.low
    assert found.value == pytest.approx(SKEWED.mean())
    assert found.lower == pytest.approx(other.confidence_interval.low, abs=0.03 * width)
    assert found.upper == pytest.approx(other.confidence_interval.high, abs=0.03 * width)
    assert found.upper - found.value > found.value - found.lower, (
        "skewed to the right, and so is the interval"
    )


def test_the_mean_interval_covers_about_as_often_as_it_says():
    rng, hits = np.random.default_rng(1), 0
    for seed in range(300):
        found = mean_interval(rng.exponential(2.0, 60), n_resamples=300, seed=seed)
        hits += found.lower <= 2.0 <= found.upper
    assert 0.89 <= hits / 300 <= 0.98


def test_a_ratio_is_drawn_with_its_customers_whole():
    rng = np.random.default_rng(2)
    base = rng.gamma(2, 1, 400)
    top = 0.3 * base + rng.normal(0, 0.1, 400)
    found = ratio_interval(top, base, n_resamples=4000, seed=1)
    residual = top - found.value * base
    error = residual.std() / base.mean() / 400**0.5
    assert found.value == pytest.approx(top.sum() / base.sum())
    assert (found.upper - found.lower) / 2 / 1.96 == pytest.approx(error, rel=0.06)


def test_weights_stand_for_repeated_customers():
    assert ratio_interval([1, 0], [1, 1], weights=[3, 1]).value == ratio_interval([1, 1, 1, 0], [1] * 4).value


def test_a_ratio_to_nothing_is_refused():
    with pytest.raises(OptionError, match=r"denominator=0\.0 is out of range"):
        ratio_interval([1.0], [0.0])


def test_percentiles_leave_out_what_is_not_finite():
    lower, upper = percentile(np.array([np.nan, 1.0, 2.0, 3.0, np.inf]), level=0.5)
    assert (lower, upper) == (1.5, 2.5)


def test_without_skew_or_bias_bca_is_the_percentile_interval():
    samples = np.random.default_rng(0).normal(size=20_001)
    found = bca(float(np.median(samples)), samples, [-1.0, 1.0])
    assert (found.lower, found.upper) == pytest.approx(tuple(map(float, percentile(samples))), abs=0.01)


def test_equal_values_have_an_interval_of_no_width():
    assert mean_interval([7.0] * 12) == (7.0, 7.0, 7.0)


@pytest.mark.parametrize("values", [[], [1.0, np.nan]])
def test_values_must_be_finite(values):
    with pytest.raises(OptionError, match="one or more finite numbers"):
        cells(values)


def test_no_draws_are_refused():
    with pytest.raises(OptionError, match="n_resamples=0 is out of range"):
        next(resample(cells([1.0]), n_resamples=0))
