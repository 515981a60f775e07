"""Predictions of customer-base models at stated parameters against published figures and 40-digit arithmetic."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from crm_analytics import clv

SOME = pl.DataFrame({"frequency": [0, 1, 4], "recency": [0.0, 5.0, 20.0], "T": [30.0, 30.0, 25.0]})


def bg(*values):
    return clv.BetaGeo.fit(SOME, penalty=1.0).at(np.array(values)).with_time_unit("week")


def mbg(*values):
    return clv.ModifiedBetaGeo.fit(SOME, penalty=1.0).at(np.array(values)).with_time_unit("week")


def pareto(*values):
    return clv.ParetoNBD.fit(SOME, penalty=1.0).at(np.array(values)).with_time_unit("week")


BG = bg(0.243, 4.414, 0.793, 2.426)
MBG = mbg(0.525, 6.183, 0.891, 1.614)
PARETO = pareto(0.553, 10.578, 0.606, 11.669)


def history(*rows):
    return pl.DataFrame(
        [(float(x), float(t), float(age)) for x, t, age in rows],
        schema=["frequency", "recency", "T"],
        orient="row",
    )


FOUR = history((2, 30.43, 38.86), (1, 1.71, 38.86), (0, 0, 38.86), (26, 30.86, 31))
ONE = history((2, 30.43, 38.86))


@pytest.mark.parametrize(
    ("fit", "alive", "expected"),
    [
        (
            BG,
            (0.7265785701, 0.2121009854, 1, 0.9689156497),
            (1.226028175, 0.2031869871, 0.1950980520, 20.74972614),
        ),
        (
            MBG,
            (0.7062022651, 0.1708364843, 0.3897350809, 0.9655661441),
            (1.262960623, 0.1888365414, 0.1540127467, 19.45072265),
        ),
        (
            PARETO,
            (0.8691675592, 0.1680023267, 0.2952866046, 0.9979187311),
            (1.455123193, 0.1710929806, 0.1070814682, 20.11702608),
        ),
    ],
    ids=["BG", "MBG", "Pareto"],
)
def test_alive_and_39_weeks_ahead(fit, alive, expected):
    # recomputed to 40 digits
    got = fit.predict(FOUR, horizon=39)
    assert got["p_alive"].to_list() == pytest.approx(alive, rel=6e-10)
    assert got["expected_purchases"].to_list() == pytest.approx(expected, rel=6e-10)


@pytest.mark.parametrize(
    ("fit", "expected"),
    [
        (BG, (0.05326789117, 0.1508652309, 1.045243328, 1.860519058)),
        (MBG, (0.05308479526, 0.1508632886, 1.037182832, 1.804757578)),
        (PARETO, (0.05097984325, 0.1460611851, 1.05589613, 1.909398129)),
    ],
    ids=["BG", "MBG", "Pareto"],
)
def test_new_customer(fit, expected):
    got = [fit.expected_of_new_customer(h) for h in (1, 3, 32, 78)]
    assert got == pytest.approx(expected, rel=6e-10)


def test_new_customer_at_the_estimates(exact):
    # lifetimes tests/test_estimation.py:546 has four decimals; pymc-marketing test_beta_geo.py:580 agrees
    fit = clv.BetaGeo.fit(exact)
    got = [fit.expected_of_new_customer(h) for h in (1, 3, 32, 78)]
    assert got[:3] == pytest.approx([0.0532, 0.1506, 1.0437], abs=5e-5)
    # the last is 1.8580: the sheet behind these figures sums the series of 2F1 up to its 150th term, which falls short
    assert got[3] == pytest.approx(1.85796, abs=1e-5)
    assert _by_a_cut_series(*fit.values(), 78, n_terms=150) == pytest.approx(1.8576, abs=5e-5)
    assert _by_a_cut_series(*fit.values(), 78, n_terms=1000) == pytest.approx(got[3], rel=1e-9)
    # pymc-marketing test_modified_beta_geo.py:376 asks the same figures of MBG/NBD to a few percent; these are its own
    fit = clv.ModifiedBetaGeo.fit(exact)
    got = [fit.expected_of_new_customer(h) for h in (1, 3, 32, 78)]
    assert got == pytest.approx([0.0530603, 0.1507922, 1.036606, 1.803631], rel=2e-6)
    assert got == pytest.approx([0.0532, 0.1506, 1.0437, 1.8576], rel=0.035)


def _by_a_cut_series(r, alpha, a, b, h, *, n_terms):
    """Fader, Hardie, Lee (2005), equation 9, with the hypergeometric series cut."""
    z, term, total = h / (alpha + h), 1.0, 1.0
    for k in range(n_terms):
        term *= (r + k) * (b + k) / ((a + b - 1 + k) * (k + 1)) * z
        total += term
    return (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + h)) ** r * total)


FIVE = history((0, 0, 298), (0, 0, 224), (6, 142, 292), (0, 0, 147), (2, 9, 183))
"""The first five customers of lifetimes' example_transactions.csv, in days."""


def test_unit_values_of_lifetimes():
    # lifetimes tests/test_utils.py:548-570, to its six decimals: every purchase is worth 1, a period is 30 days
    fit = bg(0.16385072, 1.86428187, 1.85034151, 3.18105431)  # pymc-marketing conftest
    ahead = [0.016053, 0.021171, 0.030461, 0.031686, 0.001607]
    assert fit.expected_purchases(FIVE, horizon=30).to_list() == pytest.approx(ahead, abs=5.5e-7)

    def worth(n, rate):
        return fit.purchases_by_period(FIVE, period=30, n_periods=n, discount_rate=rate).to_numpy()

    assert worth(1, 0.0) == pytest.approx(ahead, abs=5.5e-7)
    assert worth(1, 1.0) == pytest.approx(np.array(ahead) / 2, abs=3e-7)
    second = fit.expected_purchases(FIVE, start=30, horizon=30).to_numpy()
    assert worth(2, 0.0) == pytest.approx(worth(1, 0.0) + second, rel=1e-12)
    assert worth(2, 1.0) == pytest.approx(worth(1, 0.0) / 2 + second / 4, rel=1e-12)
    # lifetimes takes the second period for the first again, and allows a tenth
    assert worth(2, 0.0) == pytest.approx(2 * np.array(ahead), rel=0.1)
    assert worth(2, 1.0) == pytest.approx(0.75 * np.array(ahead), rel=0.1)


def test_number_of_purchases_of_a_new_customer():
    got = clv.probability_of_purchases(BG, range(6), horizon=39)
    assert got.tolist() == pytest.approx(
        [0.5737863521, 0.1993952808, 0.08542975954, 0.04586035385, 0.02767144934, 0.01796549387], rel=6e-10
    )
    got = clv.probability_of_purchases(MBG, range(6), horizon=39)
    assert got.tolist() == pytest.approx(
        [0.5824731895, 0.1827830773, 0.08689482567, 0.04857044295, 0.02977414856, 0.01938732355], rel=6e-10
    )


def test_number_of_purchases_as_lifetimes_prints_it():
    # lifetimes tests/test_estimation.py:597-602, at the estimates of the rounded CDNOW histories; simulated there
    assert clv.probability_of_purchases(BG, 10, horizon=2)[0] == pytest.approx(1.07868964e-7, rel=5e-9)
    assert clv.probability_of_purchases(BG, 11, horizon=30)[0] == pytest.approx(0.001999521447, rel=5e-9)


def test_customer_1516():
    # BTYD walkthrough: .997874 and 25.45647 (Pareto), .9688523 and 25.75659 (BG); digits beyond to 40-digit arithmetic
    one = history((26, 30.85714, 31))
    fit = pareto(0.553, 10.580, 0.606, 11.656)
    got = fit.predict(one, horizon=52)
    assert got["p_alive"].item() == pytest.approx(0.9978735726, rel=6e-10)
    assert got["expected_purchases"].item() == pytest.approx(25.45456915, rel=6e-10)
    rate = math.exp(0.0027 * 365.25 / 7) - 1
    dert = fit.discounted_purchases(one, annual_discount_rate=rate).item()
    assert dert == pytest.approx(86.03783561, rel=1e-8)
    printed = bg(0.243, 4.414, 0.793, 2.426).predict(one, horizon=52)
    assert printed["p_alive"].item() == pytest.approx(0.9688523, rel=1e-4)
    assert printed["expected_purchases"].item() == pytest.approx(25.75659, rel=1e-3)


def test_increasing_frequency_paradox():
    # BTYD walkthrough: with the last purchase as long ago, more purchases mean fewer ahead
    rows = history((10, 20, 39), (15, 20, 39), (20, 20, 39), (25, 20, 39))
    got = pareto(0.5533, 10.5776, 0.6061, 11.6650).expected_purchases(rows, horizon=52).to_list()
    assert got == pytest.approx([0.7062289, 0.1442396, 0.02250658, 0.00309267], rel=1e-3)
    got = bg(0.2426, 4.4137, 0.7930, 2.4262).expected_purchases(rows, horizon=52).to_list()
    assert got == pytest.approx([0.3474606, 0.04283391, 0.004158973, 0.0003583685], rel=1e-3)


def test_when_next():
    assert clv.probability_of_return(BG, ONE, within=10).item() == pytest.approx(0.2707872979, rel=6e-10)
    assert clv.probability_of_return(BG, ONE, within=39).item() == pytest.approx(0.5546271379, rel=6e-10)
    got = clv.time_to_next(BG, ONE)
    assert got["wait_50"].item() == pytest.approx(29.47821, rel=2e-7)
    assert got["mean_wait"].item() == pytest.approx(34.81415929, rel=6e-10)


def test_discounted_forever():
    dert = BG.discounted_purchases(ONE, annual_discount_rate=math.exp(math.log(1.1) * 365.25 / 364) - 1)
    assert dert.item() == pytest.approx(6.360321129, rel=1e-8)


def test_expected_spend():
    # lifetimes tests/test_estimation.py:189 prints 24.65 18.91 35.17 71.46
    rows = pl.DataFrame({"frequency": [2, 1, 0, 7], "monetary_value": [22.35, 11.77, 0.0, 73.74]})
    base = clv.GammaGamma.fit(rows, penalty=1.0)
    fit = type(base)(**{**vars(base), "params": {"p": 6.25, "q": 3.74, "v": 15.44}})
    assert fit.expected_spend(rows)["expected_spend"].to_list() == pytest.approx(
        [24.66371391, 18.91685206, 35.2189781, 71.4696709], rel=6e-10
    )


def test_year_of_value_by_the_recipe_of_lifetimes(rounded):
    # 12 months of 30 days (4.345 weeks), each at 1 % a month, all 2,357 customers: 71,509.899
    fit, spend = clv.BetaGeo.fit(rounded), clv.GammaGamma.fit(rounded)
    each = spend.expected_spend(rounded)["expected_spend"].to_numpy()
    total = sum(
        fit.expected_purchases(rounded, start=(i - 1) * 4.345, horizon=4.345).to_numpy() / 1.01**i
        for i in range(1, 13)
    )
    assert float(total @ each) == pytest.approx(71509.899, rel=1e-5)


@pytest.mark.parametrize(("x", "expected"), [(132, 6.2060517889632418), (133, 6.2528722475748113)], ids=str)
def test_many_purchases_under_pareto_nbd(x, expected):
    # lifetimes tests/test_estimation.py:390, where hypergeometric functions underflow
    fit = pareto(0.55, 10.58, 0.61, 11.67)
    got = fit.expected_purchases(history((x, 200, 200)), horizon=10).item()
    assert got == pytest.approx(expected, rel=1e-12)


def test_hard_histories_of_clvtools_are_finite():
    # CLVTools test_correctness_pnbd_nocovstaticcov.R:34
    rows = history(
        (221, 103.42857, 103.57143),
        (254, 97.14286, 97.28571),
        (161, 94.71429, 98.0),
        (204, 98.57143, 99.42857),
    )
    alive = pareto(0.5143, 2.8845, 0.2856, 14.1087).p_alive(rows)
    assert alive.is_between(0, 1).all()


HOLDOUT = {
    "BG": (clv.BetaGeo, (2501.5, 3134.1, 4165.7), 1653.41, 0.6256, 0.7855, 1.6080),
    "MBG": (clv.ModifiedBetaGeo, (2483.0, 3089.1, 4054.6), 1576.73, 0.6273, 0.7648, 1.6072),
    "Pareto": (clv.ParetoNBD, (2532.8, 3191.1, 4275.4), 1665.51, 0.6302, 0.7545, 1.6028),
}


@pytest.mark.parametrize("name", HOLDOUT)
def test_holdout_of_cdnow(split, name):
    # weeks 40-78 of Fader, Hardie, Lee (2005), figures 2 to 6; totals to the digits of the table recomputed from dates
    model, cumulative, total, correlation, mae, rmse = HOLDOUT[name]
    fit = model.fit(split)
    actual = split["frequency_holdout"].to_numpy()
    assert (actual.sum(), split["holdout_length"][0]) == (1882, 39)
    expected = fit.expected_purchases(split, horizon=39).to_numpy()
    assert expected.sum() == pytest.approx(total, abs=0.005)
    assert np.corrcoef(actual, expected)[0, 1] == pytest.approx(correlation, abs=5e-5)
    assert np.abs(actual - expected).mean() == pytest.approx(mae, abs=5e-5)
    assert np.sqrt(((actual - expected) ** 2).mean()) == pytest.approx(rmse, abs=5e-5)
    ages = split["T"].to_numpy()
    for week, wanted in zip((39, 52, 78), cumulative, strict=True):
        since = ages - 272 / 7 + week  # weeks from the first purchase to the end of that week
        distinct, counts = np.unique(since.round(9), return_counts=True)
        made = sum(n * fit.expected_of_new_customer(float(h)) for h, n in zip(distinct, counts, strict=True))
        assert made == pytest.approx(wanted, abs=0.06)


@pytest.mark.parametrize(
    ("model", "wanted", "within"),
    [
        (clv.BetaGeo, (0.225, 0.523, 1.044, 1.520, 2.164, 2.654, 3.504, 6.157), 6e-4),
        (clv.ParetoNBD, (0.138, 0.599, 1.196, 1.714, 2.398, 2.907, 3.819, 6.403), 6e-4),
    ],
    ids=["BG", "Pareto"],
)
def test_holdout_by_purchases_so_far(split, model, wanted, within):
    # BTYD walkthrough prints the same
    bins = split.with_columns(
        pl.col("frequency").clip(0, 7).alias("bin"),
        model.fit(split).expected_purchases(split, horizon=39),
    )
    found = (
        bins.group_by("bin")
        .agg(pl.len().alias("n"), pl.col("frequency_holdout").mean(), pl.col("expected_purchases").mean())
        .sort("bin")
    )
    assert found["n"].to_list() == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert found["frequency_holdout"].to_list() == pytest.approx(
        [0.237, 0.697, 1.393, 1.560, 2.532, 2.947, 3.862, 6.359], abs=6e-4
    )
    assert found["expected_purchases"].to_list() == pytest.approx(wanted, abs=within)
