"""What lifetimes publishes of itself: the expectations of its test-suite and the examples of its documentation.

The name of the test in lifetimes (tests/test_estimation.py, tests/test_utils.py, 0.11.3) stands beside each.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pandas as pd
import pytest

from crm_analytics.compat.lifetimes import (
    BaseFitter,
    BetaGeoBetaBinomFitter,
    BetaGeoFitter,
    GammaGammaFitter,
    ModifiedBetaGeoFitter,
    ParetoNBDFitter,
    utils,
)


@pytest.fixture(scope="module")
def bgf(cdnow):
    return BetaGeoFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"])


@pytest.fixture(scope="module")
def mbgf(cdnow):
    return ModifiedBetaGeoFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"], iterative_fitting=3)


@pytest.fixture(scope="module")
def ptf(cdnow):
    return ParetoNBDFitter().fit(cdnow["frequency"], cdnow["recency"], cdnow["T"], iterative_fitting=3)


@pytest.fixture(scope="module")
def bbtf(donations):
    return BetaGeoBetaBinomFitter().fit(
        *(donations[c] for c in ("frequency", "recency", "periods", "weights"))
    )


@pytest.fixture(scope="module")
def example_summary(example):
    return utils.summary_data_from_transaction_data(
        example, "id", "date", observation_period_end=max(example["date"])
    )


@pytest.fixture(scope="module")
def fitted_bg(example_summary):
    s = example_summary
    return BetaGeoFitter().fit(s["frequency"], s["recency"], s["T"], iterative_fitting=2, tol=1e-6)


def test_repr():  # TestBaseFitter.test_repr
    fitter = BaseFitter()
    assert repr(fitter) == "<lifetimes.BaseFitter>"
    fitter.params_ = {"x": 12.3, "y": 42}
    fitter.data = np.array([1, 2, 3])
    assert repr(fitter) == "<lifetimes.BaseFitter: fitted with 3 subjects, x: 12.30, y: 42.00>"
    fitter.data = None
    assert repr(fitter) == "<lifetimes.BaseFitter: x: 12.30, y: 42.00>"


def test_unload_params():  # TestBaseFitter.test_unload_params
    fitter = BaseFitter()
    with pytest.raises(ValueError, match="has not been fit"):
        fitter._unload_params()
    fitter.params_ = {"x": 12.3, "y": 42}
    assert fitter._unload_params("x", "y") == [12.3, 42]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bgf", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}),  # TestBetaGeoFitter, Hardie's paper
        (
            "mbgf",
            {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614},
        ),  # TestModifiedBetaGammaFitter, BTYDplus
        (
            "ptf",
            {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.668},
        ),  # TestParetoNBDFitter, Hardie's paper
        (
            "bbtf",
            {"alpha": 1.204, "beta": 0.750, "gamma": 0.657, "delta": 2.783},
        ),  # TestBetaGeoBetaBinomFitter
    ],
)
def test_params_out_is_close_to_paper(request, name, expected):
    fitter = request.getfixturevalue(name)
    np.testing.assert_allclose(fitter._unload_params(*expected), list(expected.values()), atol=6e-4)


def test_true_log_likelihood_of_the_paper(bgf):  # Fader, Hardie, Lee 2005: LL = -9582.4
    x = bgf.data["frequency"].sum()
    scaled = bgf._negative_log_likelihood_ * len(bgf.data)
    assert -scaled + x * np.log(bgf._scale) == pytest.approx(-9582.42556, abs=1e-4)


def test_summary_of_the_documentation(bgf):  # docs/Quickstart: bgf.summary of the CDNOW summary
    expected = [  # coef, se(coef), lower, upper
        [0.242593, 0.012557, 0.217981, 0.267205],
        [4.413532, 0.378221, 3.672218, 5.154846],
        [0.792886, 0.185719, 0.428877, 1.156895],
        [2.425754, 0.705345, 1.043278, 3.808230],
    ]
    assert list(bgf.summary.columns) == ["coef", "se(coef)", "lower 95% bound", "upper 95% bound"]
    np.testing.assert_allclose(bgf.summary.to_numpy(), expected, rtol=2e-4)


def test_gamma_gamma_of_the_paper(
    cdnow_money,
):  # TestGammaGammaFitter.test_params_out_is_close_to_Hardie_paper (both)
    d = cdnow_money[cdnow_money["frequency"] > 0]
    for constraint in (False, True):
        ggf = GammaGammaFitter().fit(
            d["frequency"], d["monetary_value"], iterative_fitting=3, q_constraint=constraint
        )
        np.testing.assert_allclose(ggf._unload_params("p", "q", "v"), [6.25, 3.74, 15.44], atol=0.01)


def test_conditional_expected_average_profit(cdnow_money):  # the same; Hardie's sheet of note 025
    ggf = GammaGammaFitter()
    ggf.params_ = OrderedDict({"p": 6.25, "q": 3.74, "v": 15.44})
    few = cdnow_money.head(10)
    got = ggf.conditional_expected_average_profit(few["frequency"], few["monetary_value"])
    expected = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    np.testing.assert_allclose(got.values, expected, atol=0.1)


def test_customer_lifetime_value_with_bgf(cdnow_money, bgf):  # the same
    ggf = GammaGammaFitter()
    ggf.params_ = OrderedDict({"p": 6.25, "q": 3.74, "v": 15.44})
    d = cdnow_money
    columns = (d["frequency"], d["recency"], d["T"])
    spend = ggf.conditional_expected_average_profit(d["frequency"], d["monetary_value"])
    for freq in ("D", "H"):
        got = ggf.customer_lifetime_value(bgf, *columns, d["monetary_value"], freq=freq)
        by_hand = utils._customer_lifetime_value(bgf, *columns, spend, freq=freq)
        np.testing.assert_array_equal(got.values, by_hand.values)


def test_total_value_of_cdnow(
    cdnow_money, bgf
):  # lifetimes' recipe over all customers, 12 months of weeks, 1 % a month
    d = cdnow_money
    back = d[d["frequency"] > 0]
    ggf = GammaGammaFitter().fit(back["frequency"], back["monetary_value"])
    columns = (d["frequency"], d["recency"], d["T"], d["monetary_value"])
    total = ggf.customer_lifetime_value(bgf, *columns, time=12, discount_rate=0.01, freq="W").sum()
    assert total == pytest.approx(71509.899, rel=1e-5)


def test_bg_bb_p_alive_of_table_6(bbtf, donations):  # test_prob_alive_is_close_to_Hardie_paper_table_6
    d = donations
    alive = bbtf.conditional_probability_alive(1, d["frequency"], d["recency"], d["periods"])
    for (x, t_x), expected in {(0, 0): 0.11, (2, 4): 0.59, (6, 6): 0.93}.items():
        assert alive[(d["frequency"] == x) & (d["recency"] == t_x)].item() == pytest.approx(
            expected, abs=0.005
        )


def test_bg_bb_totals_of_the_sheet(bbtf, donations):  # two tests "…_returns_same_value_as_Hardie_excel_sheet"
    d = donations
    ahead = bbtf.conditional_expected_number_of_purchases_up_to_time(
        5, d["frequency"], d["recency"], d["periods"]
    )
    assert (ahead * d["weights"]).sum() == pytest.approx(12884.2, abs=0.5)
    counts = bbtf.expected_number_of_transactions_in_first_n_periods(6)
    np.testing.assert_allclose(counts.loc[[0, 6], "model"], [3454.9, 1253.1], atol=0.5)


def test_pareto_expectation_as_btyd(ptf):  # test_expectation_returns_same_value_as_R_BTYD
    expected = [
        0,
        0.05077821,
        0.09916088,
        0.14542507,
        0.18979930,
        0.23247466,
        0.27361274,
        0.31335159,
        0.35181024,
        0.38909211,
    ]
    np.testing.assert_allclose(ptf.expected_number_of_purchases_up_to_time(range(10)), expected, atol=0.01)


def test_pareto_conditional_expectation_as_btyd(
    ptf,
):  # test_conditional_expectation_returns_same_value_as_R_BTYD
    got = ptf.conditional_expected_number_of_purchases_up_to_time(52, 26.0, 30.86, 31)
    assert got == pytest.approx(25.46, abs=0.01)


def test_pareto_does_not_underflow():  # test_conditional_expectation_underflow
    ptf = ParetoNBDFitter()
    ptf.params_ = OrderedDict({"alpha": 10.58, "beta": 11.67, "r": 0.55, "s": 0.61})
    for x, expected in ((132, 6.2060517889632418), (133, 6.2528722475748113)):
        got = ptf.conditional_expected_number_of_purchases_up_to_time(10, x, 200, 200)
        assert got == pytest.approx(expected, rel=1e-9)


def test_pareto_p_alive_as_btyd():  # test_conditional_probability_alive
    ptf = ParetoNBDFitter()
    ptf.params_ = OrderedDict(
        zip(["r", "alpha", "s", "beta"], [0.5534, 10.5802, 0.6061, 11.6562], strict=True)
    )
    assert ptf.conditional_probability_alive(26.00, 30.86, 31.00) == pytest.approx(0.9979, abs=1e-4)


def test_pareto_hard_corner():  # test_overflow_error, test_conditional_probability_alive_overflow_error
    params = [10.465, 7.98565181e-03, 3.0516, 2.820]
    x, t_x, age = np.array([400.0, 500, 500]), np.array([5.0, 1, 4]), np.array([6.0, 37, 37])
    assert np.isfinite(ParetoNBDFitter._log_A_0(params, x, t_x, age)).all()
    assert np.isfinite(ParetoNBDFitter._conditional_log_likelihood(params, x, t_x, age)).all()
    ptf = ParetoNBDFitter()
    ptf.params_ = OrderedDict(zip(["r", "alpha", "s", "beta"], params, strict=True))
    alive = ptf.conditional_probability_alive(np.array([40.0, 50, 50]), t_x, age)
    assert ((alive >= 0) & (alive <= 1)).all()


@pytest.mark.parametrize("fitter", [BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter])
def test_negative_log_likelihoods_add_up(
    fitter,
):  # test_sum_of_scalar_inputs_to_negative_log_likelihood_is_equal_to_array
    params = [1, 1, 1, 1]
    x, t_x, age, w = np.array([1, 3]), np.array([2, 2]), np.array([5, 6]), np.array([1.0, 1.0])
    parts = [fitter._negative_log_likelihood(params, x[[i]], t_x[[i]], age[[i]], w[[i]], 0) for i in range(2)]
    whole = fitter._negative_log_likelihood(params, x, t_x, age, w, 0)
    assert sum(parts) == pytest.approx(whole if fitter is ParetoNBDFitter else 2 * whole, rel=1e-12)


def test_pareto_likelihood_refuses_negative_parameters():  # test_negative_log_likelihood_is_inf_when_some_param_negative
    one = np.array([1.0])
    assert ParetoNBDFitter._negative_log_likelihood([-1, 2, 3, 4], one, one, 2 * one, one, 0) == np.inf


def test_p_alive_lies_between_0_and_1(
    bgf, mbgf, ptf
):  # test_conditional_probability_alive_is_between_0_and_1
    x, t_x, age = (
        g.ravel()
        for g in np.meshgrid(np.arange(0, 100, 10.0), np.arange(0, 100, 10.0), np.arange(0, 100, 10.0))
    )
    ok = t_x <= age
    for fitter in (bgf, mbgf, ptf):
        alive = fitter.conditional_probability_alive(x[ok], t_x[ok], age[ok])
        assert ((alive >= 0) & (alive <= 1)).all()


def test_p_alive_of_one_time_buyers(
    bgf, mbgf
):  # test_conditional_probability_alive_returns_1 / _lessthan_1_if_no_repeat…
    assert bgf.conditional_probability_alive(0, 1, 1) == 1.0
    assert mbgf.conditional_probability_alive(0, 1, 1) < 1.0


def test_high_frequency_raises_no_warning(bgf):  # test_no_runtime_warnings_high_frequency
    with np.errstate(all="raise", under="ignore"):
        assert bgf.conditional_probability_alive(frequency=1000, recency=10, T=100) == pytest.approx(
            0, abs=1e-200
        )


def test_matrix_agrees_with_single_values(bgf, mbgf, ptf):  # test_conditional_probability_alive_matrix
    for fitter in (bgf, mbgf, ptf):
        z = fitter.conditional_probability_alive_matrix()
        most = int(fitter.data["T"].max())
        assert z.shape == (39, 30)
        for t_x, x in ((0, 0), (5, 3), (38, 29)):
            assert z[t_x][x] == pytest.approx(
                float(np.ravel(fitter.conditional_probability_alive(x, t_x, most))[0])
            )
    assert bgf.conditional_probability_alive_matrix()[0][0] == 1


def test_expectations_of_the_sheet(
    bgf, mbgf
):  # test_conditional_expectation… and test_expectation_returns_same_value_Hardie…
    for fitter, far in ((bgf, 0.001), (mbgf, 0.05)):
        got = fitter.conditional_expected_number_of_purchases_up_to_time(39, 2, 30.43, 38.86)
        assert got == pytest.approx(1.226, abs=far)
    times = np.array([0.1429, 1.0, 3.00, 31.8571, 32.00, 78.00])
    expected = np.array([0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576])
    np.testing.assert_allclose(bgf.expected_number_of_purchases_up_to_time(times), expected, atol=1e-3)
    np.testing.assert_allclose(mbgf.expected_number_of_purchases_up_to_time(times), expected, rtol=0.05)


def test_probability_of_n_purchases_as_btyd():  # test_probability_of_n_purchases_up_to_time_same_as_R_BTYD
    bgf, mbgf = BetaGeoFitter(), ModifiedBetaGeoFitter()
    bgf.params_ = mbgf.params_ = OrderedDict({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    assert bgf.probability_of_n_purchases_up_to_time(2, 10) == pytest.approx(1.07869e-07, rel=1e-5)
    assert bgf.probability_of_n_purchases_up_to_time(39, 0) == pytest.approx(0.5737864, abs=1e-7)
    expected = [0.0019995214, 0.0015170236, 0.0011633150, 0.0009003148, 0.0007023638]
    expected += [0.0005517902, 0.0004361913, 0.0003467171, 0.0002769613, 0.0002222260]
    got = [bgf.probability_of_n_purchases_up_to_time(30, n) for n in range(11, 21)]
    np.testing.assert_allclose(got, expected, atol=1e-10)
    got = [mbgf.probability_of_n_purchases_up_to_time(30, n) for n in range(11, 21)]
    np.testing.assert_allclose(got, expected, rtol=0.5)


def test_conditional_probabilities_of_n_add_up_to_1(
    ptf,
):  # test_conditional_probability_of_n_purchases_up_to_time_adds_up_to_1
    n = np.arange(60)
    for x, t_x, age, t in ((0, 0, 5, 3), (4, 7.0, 9.0, 9), (9, 1.0, 9.0, 1)):
        p = ptf.conditional_probability_of_n_purchases_up_to_time(n, t, x, t_x, age)
        assert ((p >= 0) & (p <= 1)).all()
        assert p.sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("fitter", [BetaGeoFitter, ModifiedBetaGeoFitter])
def test_penalizer_shrinks(cdnow, fitter):  # test_penalizer_term_will_shrink_coefs_to_0
    columns = (cdnow["frequency"], cdnow["recency"], cdnow["T"])
    none, some, more = (fitter(penalizer_coef=c).fit(*columns).params_ for c in (0, 0.1, 10))
    assert some.sum() < none.sum()
    assert more.sum() < some.sum()


def test_scaling_inputs_gives_the_same(bgf, cdnow):  # test_scaling_inputs_gives_same_or_similar_results
    large = BetaGeoFitter().fit(
        cdnow["frequency"], 10 * cdnow["recency"], 10 * cdnow["T"], iterative_fitting=2
    )
    assert large._scale < 1.0
    got, expected = large.conditional_probability_alive(1, 10, 20), bgf.conditional_probability_alive(1, 1, 2)
    assert got == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["bgf", "mbgf", "ptf", "bbtf"])
def test_fit_with_index(request, name):  # test_fit_with_index of each
    fitted = request.getfixturevalue(name)
    d = fitted.data
    index = list(range(len(d), 0, -1))
    labelled = type(fitted)().fit(*(d[c] for c in d.columns[:3]), d["weights"], index=index)
    assert list(labelled.data.index) == index
    assert list(fitted.data.index) == list(range(len(d)))


def test_small_data_do_not_hang(cdnow):  # test_mgbf_does_not_hang_for_small_datasets_…
    few = cdnow.iloc[:2]
    with pytest.warns(UserWarning, match="ran to the edge"):
        ModifiedBetaGeoFitter().fit(few["frequency"], few["recency"], few["T"])


def test_hours_or_days(
    example,
):  # test_purchase_predictions_do_not_differ_much_if_looking_at_hourly_or_daily_frequencies
    ahead = []
    for freq, thirty_days in (("D", 30), ("h", 720)):
        s = utils.summary_data_from_transaction_data(
            example, "id", "date", observation_period_end=max(example["date"]), freq=freq
        )
        fitter = ModifiedBetaGeoFitter().fit(s["frequency"], s["recency"], s["T"])
        ahead.append(fitter.expected_number_of_purchases_up_to_time(thirty_days))
    assert ahead[0] == pytest.approx(ahead[1], rel=1e-6)


def test_example_transactions(fitted_bg):  # test_customer_lifetime_value_with_known_values, docstring
    assert repr(fitted_bg) == (
        "<lifetimes.BetaGeoFitter: fitted with 5000 subjects, a: 1.85, alpha: 1.86, b: 3.18, r: 0.16>"
    )
    t = fitted_bg.data.head()
    assert t["recency"].tolist() == [0, 0, 142, 0, 9]


def test_customer_lifetime_value_with_known_values(fitted_bg):  # the same
    t = fitted_bg.data.head()
    expected = np.array([0.016053, 0.021171, 0.030461, 0.031686, 0.001607])
    ones = pd.Series([1, 1, 1, 1, 1])

    def value(**options):
        return utils._customer_lifetime_value(
            fitted_bg, t["frequency"], t["recency"], t["T"], monetary_value=ones, **options
        ).to_numpy()

    np.testing.assert_allclose(value(time=1, discount_rate=0.0), expected, atol=1e-5)
    np.testing.assert_allclose(value(time=1, discount_rate=1.0), expected / 2, atol=1e-5)
    np.testing.assert_allclose(value(time=2, discount_rate=0), expected * 2, rtol=0.1)
    np.testing.assert_allclose(value(time=2, discount_rate=1.0), expected / 2 + expected / 4, rtol=0.1)


def test_calculate_alive_path(example, example_summary, fitted_bg):  # test_calculate_alive_path
    one = example[example["id"] == 33]
    frequency, recency, age = example_summary.loc[33]
    path = utils.calculate_alive_path(fitted_bg, one, "date", 205)
    assert len(path) == 206
    assert path[0] == 1
    assert path[age] == pytest.approx(fitted_bg.conditional_probability_alive(frequency, recency, age)[0])
