"""From transactions to summaries: lifetimes' published cases, lifetimes itself where it still runs, and where it does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.compat.lifetimes import BetaGeoFitter, ParetoNBDFitter, utils
from crm_analytics.errors import ColumnError, CrmWarning, OptionError

ROWS = [
    (1, "2015-01-01", 1), (1, "2015-02-06", 2), (2, "2015-01-01", 2), (3, "2015-01-01", 3), (3, "2015-01-02", 1),
    (3, "2015-01-05", 5), (4, "2015-01-16", 6), (4, "2015-02-02", 3), (4, "2015-02-05", 3), (5, "2015-01-16", 3),
    (5, "2015-01-17", 1), (5, "2015-01-18", 8), (6, "2015-02-02", 5),
]  # fmt: skip
SUMMARY = ["id", "frequency", "recency", "T"]


@pytest.fixture
def large():  # large_transaction_level_data_with_monetary_value
    return pd.DataFrame(ROWS, columns=["id", "date", "monetary_value"])


@pytest.fixture
def small():  # transaction_level_data
    rows = [
        (1, "2015-02-01"),
        (1, "2015-02-06"),
        (2, "2015-01-01"),
        (3, "2015-01-01"),
        (3, "2015-01-02"),
        (3, "2015-01-05"),
    ]
    return pd.DataFrame(rows, columns=["id", "date"])


@pytest.fixture(scope="module")
def messy():
    """Transactions to the second, several a day, customers by name."""
    rng = np.random.default_rng(5)
    n = 4000
    seconds = rng.integers(0, 400 * 86_400, n)
    return pd.DataFrame(
        {
            "who": np.char.add("c", rng.integers(0, 300, n).astype(str)),
            "when": pd.Timestamp("2022-03-01") + pd.to_timedelta(seconds, unit="s"),
            "paid": rng.gamma(3, 20, n).round(2),
        }
    )


SMALL = [(1, 1.0, 5.0, 6.0), (2, 0.0, 0.0, 37.0), (3, 2.0, 4.0, 37.0)]


def test_summary(small):  # test_summary_data_from_transaction_data_returns_correct_results
    got = utils.summary_data_from_transaction_data(small, "id", "date", observation_period_end="2015-02-07")
    pd.testing.assert_frame_equal(got, pd.DataFrame(SMALL, columns=SUMMARY).set_index("id"))


@pytest.mark.parametrize("kind", [str, int])
def test_summary_with_a_date_format(small, kind):  # …_with_specific_datetime_format; whole numbers too
    given_dates = small.assign(date=small["date"].str.replace("-", "").astype(kind))
    got = utils.summary_data_from_transaction_data(
        given_dates, "id", "date", observation_period_end="20150207", datetime_format="%Y%m%d"
    )
    pd.testing.assert_frame_equal(got, pd.DataFrame(SMALL, columns=SUMMARY).set_index("id"))


def test_summary_in_weeks(large):  # test_summary_date_from_transaction_data_with_specific_non_daily_frequency
    got = utils.summary_data_from_transaction_data(
        large, "id", "date", observation_period_end="20150207", freq="W"
    )
    expected = [(1, 1, 5, 5), (2, 0, 0, 5), (3, 1, 1, 5), (4, 1, 3, 3), (5, 0, 0, 3), (6, 0, 0, 0)]
    pd.testing.assert_frame_equal(got, pd.DataFrame(expected, columns=SUMMARY).set_index("id").astype(float))


def test_summary_with_money(large):  # test_summary_date_from_transaction_with_monetary_values
    got = utils.summary_data_from_transaction_data(
        large, "id", "date", monetary_value_col="monetary_value", observation_period_end="2015-02-07"
    )
    assert got["monetary_value"].tolist() == [2, 0, 3, 3, 4.5, 0]
    assert got["T"].tolist() == [37, 37, 37, 22, 22, 5]


def test_the_first_order_is_the_earliest_whatever_the_order_of_rows():  # …_will_choose_the_correct_first_order_to_drop_…
    dates = pd.to_datetime(["2014-04-09", "2014-03-14", "2014-05-21"])
    frame = pd.DataFrame({"date": dates, "id": 2, "sales": [20, 10, 25]})
    got = utils.summary_data_from_transaction_data(frame, "id", "date", "sales")
    assert got["monetary_value"].loc[2] == 22.5


def test_first_transactions(
    large,
):  # test_find_first_transactions_with_monetary_values (and …_specific_non_daily_frequency)
    got = utils._find_first_transactions(
        large, "id", "date", "monetary_value", observation_period_end="2015-02-07"
    )
    expected = large.assign(
        date=pd.PeriodIndex(large["date"], freq="D"), monetary_value=large["monetary_value"].astype(float)
    )
    expected["first"] = ~large["id"].duplicated()
    pd.testing.assert_frame_equal(got, expected)
    weeks = utils._find_first_transactions(
        large, "id", "date", "monetary_value", observation_period_end="2015-02-07", freq="W"
    )
    assert weeks["monetary_value"].tolist() == [1, 2, 2, 4, 5, 6, 6, 12, 5]
    assert [str(p)[:10] for p in weeks["date"][:2]] == ["2014-12-29", "2015-02-02"]
    assert weeks["first"].tolist() == [True, False, True, True, False, True, False, True, True]


def test_hardies_aggregates(cdnow_transactions):  # test_summary_statistics_are_indentical_to_hardies_paper_…
    d = cdnow_transactions[cdnow_transactions["date"] < 19971001]
    got = utils.summary_data_from_transaction_data(d, "id", "date", "spent", datetime_format="%Y%m%d")
    spent = got.loc[got["frequency"] > 0, "monetary_value"].describe()
    assert spent.round()[["mean", "std", "min", "50%", "max", "count"]].tolist() == [35, 30, 3, 27, 300, 946]


def test_calibration_and_holdout(large):  # test_calibration_and_holdout_data(_with_monetary_value)
    got = utils.calibration_and_holdout_data(
        large,
        "id",
        "date",
        "2015-02-01",
        observation_period_end="2015-02-07",
        monetary_value_col="monetary_value",
    )
    assert got["frequency_holdout"].tolist() == [1, 0, 0, 2, 0]
    assert got["monetary_value_cal"].tolist() == [0, 0, 3, 0, 4.5]
    assert got["monetary_value_holdout"].tolist() == [2, 0, 0, 3, 0]
    assert 6 not in got.index
    assert list(got.columns) == [
        "frequency_cal", "recency_cal", "T_cal", "monetary_value_cal",
        "frequency_holdout", "monetary_value_holdout", "duration_holdout",
    ]  # fmt: skip


def test_calibration_and_holdout_in_weeks(large):  # …_works_with_specific_frequency
    got = utils.calibration_and_holdout_data(
        large, "id", "date", "2015-02-01", observation_period_end="2015-02-07", freq="W"
    )
    expected = [(0, 0, 4, 1, 1), (0, 0, 4, 0, 1), (1, 1, 4, 0, 1), (0, 0, 2, 1, 1), (0, 0, 2, 0, 1)]
    assert [tuple(row) for row in got.to_numpy()] == expected


def test_date_boundaries(large):  # test_calibration_and_holdout_data_gives_correct_date_boundaries
    got = utils.calibration_and_holdout_data(
        large, "id", "date", calibration_period_end="2015-02-01", observation_period_end="2015-02-04"
    )
    assert got["frequency_holdout"].loc[[1, 4]].tolist() == [0, 1]


def test_nothing_in_the_holdout_is_said(large):  # test_calibration_and_holdout_data_throws_better_error_…
    with pytest.raises(Exception, match="0 transactions in the holdout period"):
        utils.calibration_and_holdout_data(large, "id", "date", "2016-02-01")


def test_purchases_of_a_period_are_one():  # …_squashes_period_purchases_to_one_purchase
    frame = pd.DataFrame([[1, "2015-01-01"], [1, "2015-01-01"]], columns=["id", "t"])
    with pytest.raises(OptionError, match="freq='fortnight'"):
        utils.summary_data_from_transaction_data(frame, "id", "t", freq="fortnight")
    assert utils.summary_data_from_transaction_data(frame, "id", "t", freq="W").loc[1, "frequency"] == 0


def test_check_inputs():  # test_check_inputs
    x, t_x, age, z = (
        np.array([0, 1, 2]),
        np.array([0, 1, 10]),
        np.array([5, 6, 15]),
        np.array([2.3, 490, 33.33]),
    )
    assert utils._check_inputs(x, t_x, age, z) is None
    for args, words in (
        ((x, age + 1, age), "larger than T"),
        ((x, np.array([1, 1, 10]), age), "non-zero recency"),
        ((x, np.array([0, -1, 10]), age), "negative recency"),
        ((np.array([0, 0.5, 2]), t_x, age), "non-integer"),
        ((x, t_x, age, np.array([0, 490, 33.33])), "non-positive"),
        ((x[:0], t_x[:0], age[:0]), "zero length"),
    ):
        with pytest.raises(ValueError, match=words):
            utils._check_inputs(*args)


def test_scale_time():  # test_scale_time
    assert utils._scale_time(np.arange(200.0)) == 1 / 199
    with pytest.raises(OptionError, match="Every T is 0"):
        utils._scale_time(np.zeros(3))


@pytest.mark.parametrize(("freq", "multiplier"), [("D", 1), ("W", 1), ("h", 24), ("h", 1)])
@pytest.mark.parametrize("first", [False, True])
def test_summary_is_that_of_lifetimes(oracle, messy, freq, multiplier, first):
    options = {"freq": freq, "freq_multiplier": multiplier, "include_first_transaction": first}
    end = "2023-02-01"
    args = (messy, "who", "when", "paid")
    expected = oracle.utils(
        "summary_data_from_transaction_data", *args, observation_period_end=end, **options
    )
    got = utils.summary_data_from_transaction_data(*args, observation_period_end=end, **options)
    pd.testing.assert_frame_equal(got, expected, check_index_type=False, rtol=1e-12)
    without_end = utils.summary_data_from_transaction_data(*args, **options)
    pd.testing.assert_frame_equal(
        without_end,
        oracle.utils("summary_data_from_transaction_data", *args, **options),
        check_index_type=False,
    )


@pytest.mark.parametrize(("freq", "multiplier"), [("D", 1), ("W", 1), ("h", 24)])
def test_calibration_and_holdout_is_that_of_lifetimes(oracle, messy, freq, multiplier):
    args = (messy, "who", "when", "2022-12-01")
    options = {
        "freq": freq,
        "freq_multiplier": multiplier,
        "monetary_value_col": "paid",
        "observation_period_end": "2023-03-01",
    }
    expected = oracle.utils("calibration_and_holdout_data", *args, **options)
    got = utils.calibration_and_holdout_data(*args, **options)
    pd.testing.assert_frame_equal(got, expected, check_index_type=False, check_dtype=False, rtol=1e-12)


@pytest.mark.parametrize(("freq", "multiplier", "t"), [("D", 1, 60), ("W", 1, 40), ("D", 7, 273)])
@pytest.mark.parametrize("dated", [False, True])
def test_tracking_is_that_of_lifetimes(oracle, cdnow_transactions, freq, multiplier, t, dated):
    params = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    theirs, mine = oracle.fitter("BetaGeoFitter", params=params), BetaGeoFitter()
    mine.params_ = params
    args = (cdnow_transactions, "date", "id", t)
    options = {
        "datetime_format": "%Y%m%d",
        "freq": freq,
        "freq_multiplier": multiplier,
        "set_index_date": dated,
    }
    expected = oracle.utils("expected_cumulative_transactions", theirs, *args, **options)
    got = utils.expected_cumulative_transactions(mine, *args, **options)
    pd.testing.assert_frame_equal(got, expected, rtol=1e-9, check_freq=False)


def test_tracking_as_btyd(
    cdnow_transactions,
):  # test_expected_cumulative_transactions_equals_r_btyd_walktrough, test_incremental_…
    options = {"datetime_format": "%Y%m%d", "freq": "D", "freq_multiplier": 7}
    s = utils.summary_data_from_transaction_data(
        cdnow_transactions, "id", "date", observation_period_end="19970930", **options
    )
    ptf = ParetoNBDFitter().fit(s["frequency"], s["recency"], s["T"])
    got = utils.expected_cumulative_transactions(ptf, cdnow_transactions, "date", "id", 39 * 7, **options)
    assert got["actual"].iloc[19:25].tolist() == [1359, 1414, 1484, 1517, 1573, 1672]
    assert got["predicted"].iloc[19:25].round().tolist() == [1309, 1385, 1460, 1533, 1604, 1674]
    each = got.diff()
    assert each["actual"].iloc[19:25].tolist() == [73, 55, 70, 33, 56, 99]
    np.testing.assert_allclose(
        each["predicted"].iloc[19:25], [78.31, 76.42, 74.65, 72.98, 71.41, 69.93], atol=0.011
    )


def test_tracking_by_date(cdnow_transactions):  # test_expected_cumulative_transactions_date_index
    options = {"datetime_format": "%Y%m%d", "freq": "D"}
    s = utils.summary_data_from_transaction_data(
        cdnow_transactions, "id", "date", observation_period_end="19970930", **options
    )
    bgf = BetaGeoFitter().fit(s["frequency"], s["recency"], s["T"])
    got = utils.expected_cumulative_transactions(
        bgf, cdnow_transactions, "date", "id", 14, set_index_date=True, **options
    ).iloc[-4:]
    assert [str(p) for p in got.index] == ["1997-01-11", "1997-01-12", "1997-01-13", "1997-01-14"]
    assert got["actual"].tolist() == [11, 12, 15, 19]
    np.testing.assert_allclose(got["predicted"], [10.67, 12.67, 14.87, 17.24], atol=0.01)


def test_months_where_lifetimes_breaks(large):
    got = utils.summary_data_from_transaction_data(
        large, "id", "date", observation_period_end="2015-02-07", freq="M"
    )
    assert got.loc[1].tolist() == [1, pytest.approx(31 / 30.436875), pytest.approx(31 / 30.436875)]
    bgf = BetaGeoFitter()
    bgf.params_ = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    months = utils.expected_cumulative_transactions(
        bgf, large, "date", "id", 2, freq="M", set_index_date=True
    )
    assert months["actual"].tolist() == [0, 2]
    assert [str(p) for p in months.index] == ["2015-01", "2015-02"]
    path = utils.calculate_alive_path(bgf, large[large["id"] == 1], "date", 3, freq="M")
    assert path.tolist()[0] == 1
    assert len(path) == 4


def test_old_and_new_names_of_periods_mean_the_same(messy):
    for old, new in (("H", "h"), ("T", "min"), ("S", "s"), ("ME", "M"), ("A", "Y")):
        got = [utils.summary_data_from_transaction_data(messy, "who", "when", freq=f) for f in (old, new)]
        pd.testing.assert_frame_equal(*got)


def test_dates_as_text_are_compared_as_dates():
    """lifetimes takes the greatest text for the last day: 9/1 after 10/1."""
    frame = pd.DataFrame({"id": [1, 1, 2], "date": ["9/1/2023", "10/1/2023", "9/1/2023"]})
    got = utils.summary_data_from_transaction_data(frame, "id", "date", datetime_format="%m/%d/%Y")
    assert got["T"].tolist() == [30, 30]
    cal = utils.calibration_and_holdout_data(frame, "id", "date", "9/15/2023", datetime_format="%m/%d/%Y")
    assert cal["frequency_holdout"].tolist() == [1, 0]
    assert cal["duration_holdout"].tolist() == [16, 16]


def test_zones_keep_local_days():
    when = pd.to_datetime(["2023-01-01 23:30", "2023-01-03 00:30"]).tz_localize("America/New_York")
    frame = pd.DataFrame({"id": [1, 1], "when": when})
    assert utils.summary_data_from_transaction_data(frame, "id", "when").loc[1].tolist() == [1, 2, 2]


def test_rows_without_a_customer_are_named(small):
    frame = small.astype({"id": object})
    frame.loc[1, "id"] = None
    with pytest.warns(CrmWarning, match="1 of 6 rows have no id"):
        got = utils.summary_data_from_transaction_data(frame, "id", "date")
    assert got["frequency"].tolist() == [0, 0, 2]


def test_what_is_missing_is_said(small):
    with pytest.raises(ColumnError, match="'customer'"):
        utils.summary_data_from_transaction_data(small, "customer", "date")
    with pytest.raises(OptionError, match="cannot be read"):
        utils.summary_data_from_transaction_data(
            small.assign(date="soon"), "id", "date", datetime_format="%Y-%m-%d"
        )
    with pytest.raises(Exception, match="0 transactions up to the end"):
        utils.summary_data_from_transaction_data(small, "id", "date", observation_period_end="2010-01-01")
    with pytest.raises(OptionError, match="freq='Q'"):
        utils._customer_lifetime_value(None, pd.Series([1]), None, None, None, freq="Q")


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 60), st.integers(1, 90)), min_size=1, max_size=40),
    st.sampled_from(["D", "W", "M"]),
)
def test_every_summary_can_be_fitted_to(rows, freq):
    frame = pd.DataFrame(rows, columns=["id", "day", "paid"])
    frame["date"] = pd.Timestamp("2020-02-20") + pd.to_timedelta(frame["day"], unit="D")
    got = utils.summary_data_from_transaction_data(frame, "id", "date", "paid", freq=freq)
    assert utils._check_inputs(got["frequency"], got["recency"], got["T"]) is None
    periods = frame.assign(p=frame["date"].dt.to_period(freq)).groupby("id")["p"].nunique()
    assert got["frequency"].tolist() == (periods - 1).tolist()
    assert got.index.tolist() == sorted(set(frame["id"]))
    everything = utils.summary_data_from_transaction_data(
        frame, "id", "date", "paid", freq=freq, include_first_transaction=True
    )
    assert (everything["frequency"] * everything["monetary_value"]).sum() == pytest.approx(
        frame["paid"].sum()
    )
