"""The holdout figures of CDNOW: weeks 40 to 78 of the 2,357 customers of the first quarter of 1997.

The figures were recomputed with scipy from the exact-date maximum-likelihood estimates (Fader, Hardie and Lee 2005a, tables
1 to 3 and figures 3 to 5, show the same at fewer digits; the means by frequency agree with those printed in the BTYD
package's walkthrough).
"""

from __future__ import annotations

from functools import lru_cache

import pytest

from crm_analytics.clv.validation import clv_validation
from crm_analytics.extracts.extract import Extract

CUMULATIVE = {  # repeat purchases expected up to the end of weeks 39, 52 and 78, and off by how many percent
    "bg_nbd": ((2501.5, 1.81), (3134.1, -1.54), (4165.7, -3.99)),
    "mbg_nbd": ((2483.0, 1.06), (3089.1, -2.95), (4054.6, -6.55)),
    "pareto_nbd": ((2532.8, 3.08), (3191.1, 0.26), (4275.4, -1.47)),
}
HOLDOUT = {  # sum of conditional expectations, off by percent of 1,882, correlation, MAE, RMSE
    "bg_nbd": (1653.41, -12.15, 0.6256, 0.7855, 1.6080),
    "mbg_nbd": (1576.73, -16.22, 0.6273, 0.7648, 1.6072),
    "pareto_nbd": (1665.51, -11.50, 0.6302, 0.7545, 1.6028),
}
BY_FREQUENCY = {
    "actual": (0.237, 0.697, 1.393, 1.560, 2.532, 2.947, 3.862, 6.359),
    "bg_nbd": (0.225, 0.523, 1.044, 1.520, 2.164, 2.654, 3.504, 6.157),
    "pareto_nbd": (0.138, 0.599, 1.196, 1.714, 2.398, 2.907, 3.819, 6.403),
}
SIZES = [1411, 439, 214, 100, 62, 38, 29, 64]


@lru_cache
def validated(cdnow: Extract, model: str):
    return clv_validation(
        cdnow, as_of="1998-07-01", holdout_days=273, model=model, n_origins=1, n_folds=0, n_bootstrap=50
    )


@pytest.fixture(params=list(HOLDOUT))
def case(request, cdnow):
    return request.param, validated(cdnow, request.param)


def test_repeat_purchases_so_far(case):
    model, result = case
    rows = {r["weeks_after_origin"]: r for r in result.tables()["tracking"].iter_rows(named=True)}
    for week, actual, (expected, percent) in zip(
        (0, 13, 39), (2457, 3183, 4339), CUMULATIVE[model], strict=True
    ):
        row = rows[float(week)]
        assert row["actual_cumulative"] == actual
        assert row["expected_cumulative"] == pytest.approx(expected, abs=0.05)
        assert 100 * (row["expected_cumulative"] / actual - 1) == pytest.approx(percent, abs=0.005)


def test_purchases_of_the_holdout_period(case):
    model, result = case
    row = result.tables()["purchases"].filter("is_chosen").row(0, named=True)
    total, percent, correlation, mae, rmse = HOLDOUT[model]
    assert row["n_customers"] == 2357
    assert row["actual_purchases"] == 1882
    assert row["forecast_purchases"] == pytest.approx(total, abs=0.005)
    assert 100 * row["total_error"] == pytest.approx(percent, abs=0.005)
    assert row["correlation"] == pytest.approx(correlation, abs=5e-5)
    assert row["mae"] == pytest.approx(mae, abs=5e-5)
    assert row["rmse"] == pytest.approx(rmse, abs=5e-5)


def test_means_by_frequency(case):
    model, result = case
    table = result.tables()["by_frequency"]
    assert table["n_customers"].to_list() == SIZES
    assert table["actual_per_customer"].to_list() == pytest.approx(BY_FREQUENCY["actual"], abs=5e-4)
    if model in BY_FREQUENCY:
        assert table["forecast_per_customer"].to_list() == pytest.approx(BY_FREQUENCY[model], abs=5e-4)


def test_the_week_by_week_forecast_ends_at_the_sum_of_the_customers(case):
    model, result = case
    last = result.tables()["tracking"].row(-1, named=True)
    assert last["forecast_cumulative"] - 2457 == pytest.approx(HOLDOUT[model][0], abs=0.005)


def test_correlation_of_frequency_with_spend(case):
    _, result = case
    row = result.tables()["independence"].row(0, named=True)
    assert row["n_customers"] == 946
    assert row["spend_correlation"] == pytest.approx(0.1139, abs=5e-5)
    assert row["spend_correlation_lower"] < 0.1139 < row["spend_correlation_upper"]


def test_what_the_headline_says(cdnow):
    headline = validated(cdnow, "bg_nbd").headline()
    assert headline == (
        "Over the last 39 weeks the BG/NBD model was off by 12.1% in total and missed a customer by 0.79 purchases on average, "
        "11% less than the best simple rule (each customer's rate in the last period)."
    )
