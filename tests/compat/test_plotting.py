"""lifetimes' ten plots: the figures its tests expect, on axes with its titles, with words for every mark."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from crm_analytics.charts.duties import shortcomings
from crm_analytics.compat.lifetimes import (
    BetaGeoBetaBinomFitter,
    BetaGeoFitter,
    ParetoNBDFitter,
    plotting,
    utils,
)
from crm_analytics.errors import CrmWarning, MissingPackageError, OptionError, UnknownNameError


@pytest.fixture(scope="module")
def bgf(cdnow):
    return BetaGeoFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])


@pytest.fixture(scope="module")
def dated(cdnow_transactions):
    return cdnow_transactions.assign(date=pd.to_datetime(cdnow_transactions["date"].astype(str)))


@pytest.fixture(scope="module")
def daily(dated):
    s = utils.summary_data_from_transaction_data(dated, "id", "date", observation_period_end="1997-09-30")
    return BetaGeoFitter().fit(s["frequency"], s["recency"], s["T"])


def sound(figure, title, x_title, y_title):
    assert shortcomings(figure) == []
    plain = [
        t.text.replace("<br>", " ")
        for t in (figure.layout.title, figure.layout.xaxis.title, figure.layout.yaxis.title)
    ]
    assert plain == [title, x_title, y_title]
    return figure


def test_period_transactions(bgf, cdnow):  # test_plot_period_transactions(_max_frequency, _labels)
    figure = sound(
        plotting.plot_period_transactions(bgf),
        "Frequency of Repeat Transactions", "Number of Calibration Period Transactions", "Customers",
    )  # fmt: skip
    actual, model = figure.data
    assert list(actual.y) == [1411, 439, 214, 100, 62, 38, 29]
    assert [actual.name, model.name] == ["Actual", "Model"]
    # note 004 and the paper's table of expected frequencies
    np.testing.assert_allclose(model.y, actual.y, rtol=0.3)
    assert sum(plotting.plot_period_transactions(bgf, max_frequency=200).data[1].y) == pytest.approx(
        2357, rel=1e-3
    )
    named = plotting.plot_period_transactions(bgf, label=["A", "B"], max_frequency=12)
    assert [t.name for t in named.data] == ["A", "B"]
    assert len(named.data[0].y) == 12
    weighted = cdnow.groupby(["frequency", "recency", "T"]).size().reset_index(name="w")
    grouped = BetaGeoFitter().fit(*(weighted[c] for c in weighted.columns))
    assert list(plotting.plot_period_transactions(grouped).data[0].y) == list(actual.y)


def test_period_transactions_of_the_other_models(cdnow, donations):
    ptf = ParetoNBDFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])
    np.testing.assert_allclose(plotting.plot_period_transactions(ptf).data[1].y[0], 1411, rtol=0.05)
    bbtf = BetaGeoBetaBinomFitter().fit(
        *(donations[c] for c in ("frequency", "recency", "periods", "weights"))
    )
    model = plotting.plot_period_transactions(bbtf).data[1].y
    np.testing.assert_allclose(model, [3454.9, 1888.7, 1348.9, 1113.4, 1017.9, 1027.2, 1253.1], rtol=1e-4)


def test_frequency_recency_matrix(bgf):  # test_plot_frequency_recency_matrix(_max_recency, _max_frequency)
    figure = sound(
        plotting.plot_frequency_recency_matrix(bgf),
        "Expected Number of Future Purchases for 1 Unit of Time, by Frequency and Recency of a Customer",
        "Customer's Historical Frequency", "Customer's Recency",
    )  # fmt: skip
    z = np.array(figure.data[0].z)
    assert z.shape == (39, 30)
    row = [0.005, 0.020, 0.037, 0.054, 0.070, 0.085, 0.099, 0.110, 0.120, 0.127, 0.133, 0.136, 0.136, 0.135]
    np.testing.assert_allclose(z[29, :14], row, atol=0.001)
    assert np.shape(plotting.plot_frequency_recency_matrix(bgf, max_recency=100).data[0].z) == (101, 30)
    assert np.shape(plotting.plot_frequency_recency_matrix(bgf, T=5, max_frequency=100).data[0].z) == (
        39,
        101,
    )


def test_probability_alive_matrix(bgf):  # test_plot_probability_alive_matrix(_max_frequency, …)
    figure = sound(
        plotting.plot_probability_alive_matrix(bgf),
        "Probability Customer is Alive, by Frequency and Recency of a Customer",
        "Customer's Historical Frequency", "Customer's Recency",
    )  # fmt: skip
    z = np.array(figure.data[0].z)
    assert z.shape == (39, 30)
    row = [1.0, 0.736, 0.785, 0.814, 0.833, 0.846, 0.855, 0.862, 0.866, 0.869, 0.871, 0.872, 0.873, 0.873]
    np.testing.assert_allclose(z[35, :14], row, atol=0.001)


def test_expected_repeat_purchases(bgf):  # test_plot_expected_repeat_purchases(_with_label)
    figure = sound(
        plotting.plot_expected_repeat_purchases(bgf, label="test label"),
        "Expected Number of Repeat Purchases per Customer", "Time Since First Purchase", "Expected repeat purchases",
    )  # fmt: skip
    seen, beyond = figure.data
    assert seen.name == "test label"
    assert seen.x[-1] == beyond.x[0] == pytest.approx(38.86)
    assert beyond.x[-1] == pytest.approx(1.5 * 38.86)
    np.testing.assert_allclose(seen.y[1:6], [0.02, 0.04, 0.06, 0.08, 0.1], atol=0.01)
    assert beyond.line.dash == "dash"


def test_history_alive(daily, dated):  # test_plot_customer_alive_history
    one = dated[dated["id"] == 1516]
    figure = sound(
        plotting.plot_history_alive(daily, 400, one, "date"), "History of P_alive", "Date", "P_alive"
    )
    path, marks = figure.data
    assert len(path.x) == 401 or len(path.x) > 401
    assert path.y[0] == 1
    assert max(path.y) <= 1
    assert path.x[0] == str(one["date"].min().date())
    assert len(marks.x) == 3 * one["date"].nunique()
    later = plotting.plot_history_alive(daily, 400, one, "date", start_date="1997-06-01")
    assert str(later.layout.xaxis.range[0]).startswith("1997-06-01")


def test_tracking(daily, dated):  # test_plot_cumulative_transactions, test_plot_incremental_transactions
    args = (daily, dated, "date", "id", 300, 272)
    figure = sound(
        plotting.plot_cumulative_transactions(*args),
        "Tracking Cumulative Transactions",
        "day",
        "Cumulative Transactions",
    )
    frame = utils.expected_cumulative_transactions(*args[:-1])
    assert list(figure.data[0].y) == frame["actual"].tolist()
    assert list(figure.data[1].y) == frame["predicted"].tolist()
    assert figure.data[2].x[0] == 272
    each = sound(
        plotting.plot_incremental_transactions(*args, set_index_date=True),
        "Tracking Daily Transactions",
        "date",
        "Transactions",
    )
    np.testing.assert_allclose(each.data[0].y, np.diff(frame["actual"]))
    assert each.data[2].x[0] == str(dated["date"].min().date() + pd.Timedelta(days=272))
    assert each.data[0].x[0] == "1997-01-02"


@pytest.mark.parametrize("kind", ["frequency_cal", "recency_cal", "T_cal", "time_since_last_purchase"])
def test_calibration_against_holdout(
    daily, dated, kind
):  # test_plot_calibration_purchases_vs_holdout_purchases(_time_since…)
    matrix = utils.calibration_and_holdout_data(
        dated, "id", "date", "1997-09-30", observation_period_end="1998-06-30"
    )
    figure = plotting.plot_calibration_purchases_vs_holdout_purchases(daily, matrix, kind=kind)
    assert shortcomings(figure) == []
    assert [t.name for t in figure.data] == ["frequency_holdout", "model_predictions"]
    assert len(figure.data[0].x) == 7
    if kind == "frequency_cal":
        np.testing.assert_allclose(figure.data[0].y[:3], [0.237, 0.697, 1.393], atol=0.01)
        np.testing.assert_allclose(figure.data[1].y[:3], [0.225, 0.523, 1.044], atol=0.01)
    with pytest.raises(UnknownNameError, match="frequency_cal"):
        plotting.plot_calibration_purchases_vs_holdout_purchases(daily, matrix, kind="frequency")


def test_heterogeneity(bgf):  # test_plot_transaction_rate_heterogeneity, test_plot_dropout_rate_heterogeneity
    rate = sound(
        plotting.plot_transaction_rate_heterogeneity(bgf),
        "Heterogeneity in Transaction Rate",
        "Transaction Rate",
        "Density",
    )
    assert rate.layout.annotations[0].text == "mean: 0.055, var: 0.012"
    leaving = sound(
        plotting.plot_dropout_rate_heterogeneity(bgf),
        "Heterogeneity in Dropout Probability",
        "Dropout Probability p",
        "Density",
    )
    assert leaving.layout.annotations[0].text == "mean: 0.246, var: 0.044"
    assert np.isfinite(rate.data[0].y).all()


def test_both_looks_and_what_matplotlib_wanted(bgf):
    light, dark = (plotting.plot_probability_alive_matrix(bgf, theme=t) for t in ("light", "dark"))
    assert light.layout.template.layout.paper_bgcolor != dark.layout.template.layout.paper_bgcolor
    with pytest.warns(CrmWarning, match="color, ax are for matplotlib"):
        plotting.plot_expected_repeat_purchases(bgf, ax=object(), color="red")
    with pytest.raises(OptionError, match="no fitter"):
        plotting.plot_period_transactions(_Nobody(bgf.data))


class _Nobody:
    def __init__(self, data):
        self.data = data


def test_a_fitter_of_lifetimes_can_be_drawn(oracle, cdnow, bgf):
    theirs = oracle.fit("BetaGeoFitter", cdnow["frequency"], cdnow["recency"], cdnow["T"])
    np.testing.assert_allclose(
        plotting.plot_period_transactions(theirs).data[1].y,
        plotting.plot_period_transactions(bgf).data[1].y,
        rtol=1e-4,
    )


def test_no_plotly_is_said(monkeypatch, bgf):
    for name in [m for m in sys.modules if m.startswith("crm_analytics.charts")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("crm_analytics.charts", raising=False)
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(MissingPackageError, match=r"crm-analytics\[charts\]"):
        plotting.plot_probability_alive_matrix(bgf)
