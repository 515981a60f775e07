from __future__ import annotations

from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.segmentation.value_curves import (
    MOST_POINTS,
    concentration_table,
    lorenz_table,
    top_share_table,
    whale,
)

spends = st.lists(st.integers(0, 400), min_size=2, max_size=60).filter(lambda s: sum(s) > 0)


def best_first(*spend: float, **more: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame({"spend": [float(s) for s in spend], **more}).sort("spend", descending=True)


def tops(spend: list[float], *shares: float, n_bootstrap: int = 200) -> pl.DataFrame:
    return top_share_table(pl.Series(spend, dtype=pl.Float64), shares, n_bootstrap=n_bootstrap, seed=1)


def measures(frame: pl.DataFrame) -> dict[str, float]:
    table = concentration_table(frame, n_bootstrap=100, seed=0)
    return dict(table.select("measure", "measure_value").iter_rows())


def test_top_shares_hand_worked():
    table = tops([40, 30, 10, 10, 5, 5, 0, 0, 0, 0], 0.1, 0.2, 0.5)
    assert table.select("top_share", "n_customers", "spend", "spend_share").rows() == [
        (0.1, 1, 40.0, 0.4),
        (0.2, 2, 70.0, 0.7),
        (0.5, 5, 95.0, 0.95),
    ]


def test_less_than_half_a_customer_is_left_out():
    assert tops([3, 2, 1], 0.01, 0.2)["top_share"].to_list() == [0.2]
    assert tops([3, 2, 1], 0.01).is_empty()


def test_refunds_lower_the_whole_and_so_raise_the_top_share():
    assert tops([60, 60, -20], 0.34)["spend_share"].item() == pytest.approx(0.6)


def test_half_a_customer_counts_as_one():
    assert tops([1.0] * 50, 0.01, 0.05)["n_customers"].to_list() == [1, 3]


@given(spends)
def test_top_shares_hold_their_bounds_and_rise(spend):
    table = tops(spend, 0.1, 0.2, 0.5, n_bootstrap=100)
    assert (table["spend_share_lower"] <= table["spend_share"]).all()
    assert (table["spend_share"] <= table["spend_share_upper"]).all()
    assert table["spend_share"].is_sorted()
    assert (table["spend_share"] >= table["customer_share"] - 1e-9).all()


@given(spends)
def test_top_shares_against_a_plain_loop(spend):
    for row in tops(spend, 0.2, 0.5, n_bootstrap=100).iter_rows(named=True):
        k = round(row["n_customers"])
        assert row["spend_share"] == pytest.approx(sum(sorted(spend)[-k:]) / sum(spend))


def test_all_alike_leave_nothing_to_chance():
    row = tops([5.0] * 100, 0.2).row(0, named=True)
    assert (row["spend_share"], row["spend_share_lower"], row["spend_share_upper"]) == pytest.approx(
        (0.2, 0.2, 0.2)
    )


def test_top_share_of_a_lognormal_base():
    """Its Lorenz curve is known: L(p) = Phi(Phi^-1(p) - sigma) (Kleiber and Kotz 2003, section 4.5)."""
    sigma, normal = 1.0, NormalDist()
    spend = np.random.default_rng(4).lognormal(4, sigma, 40_000)
    row = tops(list(spend), 0.2).row(0, named=True)
    truth = 1 - normal.cdf(normal.inv_cdf(0.8) - sigma)
    assert row["spend_share"] == pytest.approx(truth, abs=0.01)
    assert row["spend_share_lower"] < truth < row["spend_share_upper"]
    assert row["spend_share_upper"] - row["spend_share_lower"] < 0.02


def test_top_share_intervals_cover_the_truth():
    sigma, normal, rng = 1.0, NormalDist(), np.random.default_rng(11)
    truth = 1 - normal.cdf(normal.inv_cdf(0.8) - sigma)
    hits = [
        row["spend_share_lower"] <= truth <= row["spend_share_upper"]
        for _ in range(300)
        for row in tops(list(rng.lognormal(4, sigma, 500)), 0.2, n_bootstrap=400).iter_rows(named=True)
    ]
    assert 0.89 <= np.mean(hits) <= 0.985


@given(spends)
def test_gini_against_the_mean_difference(spend):
    """The second formula: the mean absolute difference of all pairs over twice the mean."""
    values = np.array(spend, float)
    pairs = np.abs(values[:, None] - values[None, :]).mean() / (2 * values.mean())
    assert measures(best_first(*spend))["gini"] == pytest.approx(pairs)


def test_concentration_hand_worked():
    found = measures(best_first(50, 30, 10, 10))
    assert found["largest_customer_share"] == pytest.approx(0.5)
    assert found["half_spend_customer_share"] == pytest.approx(0.25)
    assert found["herfindahl"] == pytest.approx(0.25 + 0.09 + 0.01 + 0.01)
    assert found["effective_customers"] == pytest.approx(1 / 0.36)


def test_a_huge_customer_is_nearly_everything():
    found = measures(best_first(1e9, *[1.0] * 99))
    assert found["largest_customer_share"] > 0.9999
    assert found["gini"] == pytest.approx(0.99, abs=1e-4)
    assert found["effective_customers"] == pytest.approx(1.0, abs=1e-3)


def test_gini_interval_holds_the_gini():
    row = concentration_table(best_first(*range(1, 200)), n_bootstrap=300, seed=0).row(0, named=True)
    assert row["measure_value_lower"] < row["measure_value"] < row["measure_value_upper"]


def test_lorenz_runs_from_corner_to_corner_below_the_diagonal():
    curve = lorenz_table(pl.Series(np.random.default_rng(0).lognormal(3, 1, 5000)))
    x, y = curve["lorenz_customer_share"], curve["lorenz_spend_share"]
    assert curve.height <= MOST_POINTS
    assert (x[0], y[0], x[-1], y[-1]) == pytest.approx((0, 0, 1, 1))
    assert (y <= x + 1e-12).all()
    assert (np.diff(y.to_numpy()) >= 0).all()


def test_whale_on_margin_peaks_where_customers_begin_to_cost():
    curve = whale(best_first(100, 90, 80, 70, margin=[-30.0, 60.0, 50.0, 0.0]))
    assert (curve.basis, curve.total, curve.n_to_peak, curve.peak_value) == ("margin", 80.0, 2, 110.0)
    assert curve.peak_customer_share == 0.5
    assert curve.peak_value_share == pytest.approx(110 / 80)
    assert curve.taken_away == pytest.approx(30.0)
    assert curve.points["cumulative_value"].to_list() == [0.0, 60.0, 110.0, 110.0, 80.0]
    assert curve.points.filter("is_peak")["n_best_customers"].to_list() == [2]


def test_whale_leaves_unknown_margins_out_and_counts_them():
    curve = whale(best_first(100, 90, 10, margin=[40.0, 20.0, None]))
    assert (curve.basis, curve.n_customers, curve.n_without_margin, curve.total) == ("margin", 2, 1, 60.0)


def test_whale_falls_back_on_spend_where_too_few_margins_are_known():
    curve = whale(best_first(100, 90, 10, margin=[None, None, 5.0]))
    assert (curve.basis, curve.n_customers, curve.n_without_margin, curve.total) == ("spend", 3, 0, 200.0)


def test_whale_of_a_loss_has_no_shares():
    curve = whale(best_first(10, 9, margin=[-30.0, 5.0]))
    assert curve.peak_value_share is None
    assert curve.points["cumulative_value_share"].null_count() == curve.points.height


@given(st.lists(st.integers(-100, 400), min_size=2, max_size=400).filter(lambda s: sum(s) > 0))
def test_whale_ends_at_the_whole_and_keeps_its_peak(values):
    curve = whale(best_first(*values))
    points = curve.points
    assert points.height <= MOST_POINTS
    assert points["cumulative_value"][-1] == pytest.approx(sum(values))
    assert points.filter("is_peak").height == 1
    assert points["cumulative_value"].max() == pytest.approx(sum(v for v in values if v > 0))
