from __future__ import annotations

import numpy as np
import pytest

from crm_analytics.key_figures import changes
from crm_analytics.key_figures.changes import (
    FEWEST_CUSTOMERS,
    change,
    interval,
    resampled_totals,
    value_interval,
)
from crm_analytics.key_figures.period_figures import FIGURES, PARTS

FIGURE = {f.name: f for f in FIGURES}


def parts_of(orders: np.ndarray, spend: np.ndarray) -> np.ndarray:
    made = {"active": orders > 0, "orders": orders, "spend": spend, "gross": spend}
    return np.column_stack([np.asarray(made.get(name, np.zeros(len(orders))), float) for name in PARTS])


def changed(name: str, now: np.ndarray, before: np.ndarray, *, n_bootstrap: int = 500, seed: int = 0):
    draws = resampled_totals(np.hstack([now, before]), n_bootstrap, seed).reshape(-1, 2, len(PARTS))
    return change(FIGURE[name], now, before, draws[:, 0], draws[:, 1])


def steady(n: int, rng: np.random.Generator, growth: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Customers with rates of their own, twice: a period, and one with so much more of the same."""
    rates = rng.gamma(2.0, 0.4, n)
    periods = []
    for factor in (growth, 1.0):
        orders = rng.poisson(rates * factor)
        periods.append(parts_of(orders, rng.gamma(1.5 * orders, 20.0)))  # every order gamma(1.5, 20)
    return periods[0], periods[1]


def test_changes_hand_worked():
    now = parts_of(np.array([2.0, 1, 0]), np.array([30.0, 12, 0]))
    before = parts_of(np.array([1.0, 1, 1]), np.array([10.0, 10, 10]))
    assert changed("spend", now, before).value == pytest.approx(0.4)
    assert changed("n_active", now, before).value == pytest.approx(-1 / 3)
    assert changed("spend_per_order", now, before).value == pytest.approx(14 / 10 - 1)


def test_shares_change_by_points():
    now, before = (parts_of(np.ones(2), np.array([10.0, 10])) for _ in range(2))
    now[:, PARTS.index("refunds")] = 2.0
    assert changed("refund_rate", now, before).value == pytest.approx(0.2)


def test_nothing_to_divide_by_has_no_change():
    now, nothing = parts_of(np.ones(9), np.full(9, 5.0)), np.zeros((9, len(PARTS)))
    assert changed("spend_per_order", now, nothing).before is None
    found = changed("spend", now, nothing)
    assert (found.before, found.value, found.interval) == (0.0, None, None)


def test_too_few_customers_have_no_interval():
    few = parts_of(np.ones(FEWEST_CUSTOMERS - 1), np.arange(1.0, FEWEST_CUSTOMERS))
    enough = parts_of(np.ones(FEWEST_CUSTOMERS), np.arange(1.0, FEWEST_CUSTOMERS + 1))
    assert changed("spend", few, few).is_within_normal_variation is None
    assert changed("spend", enough, enough).is_within_normal_variation is True
    assert value_interval(FIGURE["spend_per_order"], few, resampled_totals(few, 100, 0)) is None


def test_counts_and_sums_are_facts_without_an_interval():
    parts = parts_of(np.ones(50), np.arange(50.0))
    draws = resampled_totals(parts, 200, 0)
    assert value_interval(FIGURE["spend"], parts, draws) is None
    around = value_interval(FIGURE["spend_per_order"], parts, draws)
    assert around.lower < 24.5 < around.upper


def test_the_same_customers_doing_the_same_is_certain():
    parts = parts_of(np.ones(60), np.random.default_rng(1).lognormal(3, 1, 60))
    found = changed("spend", parts * 1.1, parts)
    assert (found.interval.lower, found.interval.upper) == pytest.approx((0.1, 0.1))
    assert found.is_within_normal_variation is False


def test_a_longer_period_explains_a_sum_and_no_average():
    parts = parts_of(np.ones(60), np.random.default_rng(1).lognormal(3, 1, 60))
    draws = resampled_totals(parts, 200, 0)
    judged = {
        name: change(
            FIGURE[name], parts * 1.1, parts, draws * 1.1, draws, longer=0.107
        ).is_within_normal_variation
        for name in ("spend", "n_orders")
    }
    assert judged == {"spend": True, "n_orders": True}
    dearer = np.where(np.array(PARTS) == "spend", 1.1, 1.0)
    average = change(FIGURE["spend_per_order"], parts * dearer, parts, draws * dearer, draws, longer=0.107)
    assert average.is_within_normal_variation is False


def test_draws_do_not_depend_on_the_order_of_customers():
    now, before = steady(80, np.random.default_rng(2))
    order = np.random.default_rng(3).permutation(80)
    one, two = changed("spend", now, before), changed("spend", now[order], before[order])
    assert (one.interval.lower, one.interval.upper) == pytest.approx((two.interval.lower, two.interval.upper))


def test_resampled_totals_vary_as_sums_of_poisson_weights(monkeypatch):
    """Their variance is the sum of squares (weights of mean and variance one), weight by weight or normal."""
    values = np.random.default_rng(0).lognormal(2, 0.6, (300, 2))
    for most in (20_000, 10):
        monkeypatch.setattr(changes, "MANY_CUSTOMERS", most)
        draws = resampled_totals(values, 6000, 0)
        np.testing.assert_allclose(draws.mean(axis=0), values.sum(axis=0), rtol=0.01)
        np.testing.assert_allclose(np.cov(draws.T), values.T @ values, rtol=0.08)


def test_batches_of_draws_are_still_as_many():
    assert resampled_totals(np.ones((15_000, 1)), 300, 0).shape == (300, 1)


def test_draws_that_cannot_be_worked_out_leave_no_interval():
    assert interval(np.array([np.nan] * 10 + [1.0] * 90), 1.0) is None
    found = interval(np.array([np.nan] + [1.0] * 99), 2.0)
    assert (found.lower, found.upper) == (1.0, 2.0)  # always holds the estimate
    assert interval(np.array([]), 1.0) is None


@pytest.mark.parametrize(
    ("name", "growth", "truth"), [("spend", 1.2, 0.2), ("n_orders", 1.0, 0.0), ("spend_per_order", 1.0, 0.0)]
)
def test_intervals_cover_the_true_change(name, growth, truth):
    rng = np.random.default_rng(17)
    hits = []
    for i in range(200):
        found = changed(name, *steady(150, rng, growth), n_bootstrap=200, seed=i).interval
        hits.append(found.lower <= truth <= found.upper)
    assert 0.90 <= np.mean(hits) <= 0.985
