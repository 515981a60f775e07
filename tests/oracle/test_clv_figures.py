"""Maximum-likelihood figures of customer-base models against those published or found by other software.

Estimates are held to 5 digits or more (weakly determined ones to the digits the sources agree on), log-likelihoods to
1e-4, standard errors (delta method, Hessian in logs) to 1e-3.
"""

from __future__ import annotations

import math

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics import clv

BG = ("r", "alpha", "a", "b")
PARETO = ("r", "alpha", "s", "beta")
SPEND = ("p", "q", "v")


def at(fit, *values):
    """The same fit at other parameters."""
    return type(fit)(**{**vars(fit), "params": dict(zip(fit.names, values, strict=True))})


def agrees(fit, names, estimates, log_likelihood, errors, *, rel=1e-5):
    assert fit.is_identified
    for name, value, error in zip(names, estimates, errors, strict=True):
        assert fit.params[name] == pytest.approx(value, rel=rel, abs=6e-7), name
        assert fit.standard_errors[name] == pytest.approx(error, rel=1e-3), name
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=1e-4)


def test_cdnow_summary_has_the_published_totals(exact):
    # Fader, Hardie, Lee (2005), Marketing Science 24, section 5
    assert exact.height == 2357
    assert exact["frequency"].sum() == 2457
    assert (exact["frequency"] > 0).sum() == 946
    assert (exact["T"].min(), exact["T"].max()) == pytest.approx((27.0, 272 / 7), abs=1e-12)
    assert exact.select("frequency", "recency", "T").n_unique() == 1016


def test_bg_nbd_on_cdnow(exact):
    # published: .243 4.414 .793 2.426, LL -9582.4 (Fader, Hardie, Lee 2005, table 2); CLVTools tests
    # .2425945 4.4136019 .7929199 2.4258881, -9582.429; digits beyond: own optimiser against mpmath
    fit = clv.BetaGeo.fit(exact)
    agrees(
        fit,
        BG,
        (0.242595, 4.413602, 0.792922, 2.425907),
        -9582.42921,
        (0.01256, 0.37822, 0.18573, 0.70541),
    )
    assert fit.aic == pytest.approx(19172.858, abs=1e-3)
    assert fit.bic == pytest.approx(19195.919, abs=1e-3)
    assert [fit.params[n] for n in BG] == pytest.approx(
        [0.2425945, 4.4136019, 0.7929199, 2.4258881], rel=1e-5
    )
    assert [fit.params[n] for n in BG] == pytest.approx(
        [0.2425982, 4.4136842, 0.7929899, 2.4261667], rel=2e-4
    )


def test_bg_nbd_on_rounded_cdnow(rounded):
    # lifetimes tests/test_estimation.py:527 prints .243 4.414 .793 2.426
    agrees(
        clv.BetaGeo.fit(rounded),
        BG,
        (0.242593, 4.413532, 0.792886, 2.425754),
        -9582.42556,
        (0.01256, 0.37822, 0.18572, 0.70534),
        rel=5e-6,
    )


def test_mbg_nbd_on_cdnow(exact):
    # lifetimes tests/test_estimation.py:786 prints .525 6.183 .891 1.614
    fit = clv.ModifiedBetaGeo.fit(exact)
    agrees(
        fit, BG, (0.524843, 6.183085, 0.891359, 1.614003), -9582.13572, (0.08327, 0.69562, 0.15479, 0.53749)
    )
    assert fit.aic == pytest.approx(19172.271, abs=1e-3)


def test_mbg_nbd_on_rounded_cdnow(rounded):
    agrees(
        clv.ModifiedBetaGeo.fit(rounded),
        BG,
        (0.524838, 6.182992, 0.891356, 1.613999),
        -9582.13268,
        (0.08326, 0.69560, 0.15478, 0.53747),
    )


def test_pareto_nbd_on_cdnow(exact):
    # published: .553 10.578 .606 11.669, LL -9595.0; CLVTools .55315 10.57633 .60625 11.67150, LL -9594.976,
    # errors .0476264 .8427222 .1872594 6.2105448
    fit = clv.ParetoNBD.fit(exact)
    agrees(
        fit,
        PARETO,
        (0.553277, 10.577683, 0.606240, 11.668731),
        -9594.97618,
        (0.04763, 0.84272, 0.18728, 6.21097),
    )
    assert fit.aic == pytest.approx(19197.952, abs=1e-3)
    assert [fit.params[n] for n in PARETO] == pytest.approx([0.55315, 10.57633, 0.60625, 11.67150], rel=3e-4)


def test_pareto_nbd_is_what_ggompertz_nbd_comes_to_on_cdnow(exact):
    # CLVTools test_correctness_ggomnbd.R:11-12: there the Gompertz lifetime degenerates into the exponential one, and the
    # search stops a hair off: r .55313, alpha 10.5758, s .60682, LL -9594.9762
    fit = clv.ParetoNBD.fit(exact)
    assert fit.log_likelihood == pytest.approx(-9594.9762, abs=1e-4)
    assert [fit.params[n] for n in ("r", "alpha", "s")] == pytest.approx(
        [0.55313, 10.5758, 0.60682], rel=1e-3
    )


# Abe (2009), model M1 on CDNOW, table 3: medians of ln(lambda) -3.54 and ln(mu) -3.59, variances 1.34 and 2.62, covariance
# .13. Not held to here: that model spreads rates log-normally and is drawn from by MCMC, which this library does not do; and
# gamma rates have other logarithms (mean digamma(r) - ln(alpha) = -4.08, variance trigamma(r) = 4.16 at the same data).


def test_the_logarithms_of_gamma_rates_are_not_those_of_abe(exact):
    from scipy.special import digamma, polygamma

    params = clv.ParetoNBD.fit(exact).params
    mean = digamma(params["r"]) - math.log(params["alpha"])
    assert (mean, polygamma(1, params["r"])) == pytest.approx((-4.0810078, 4.1593037), rel=1e-5)


def test_cdnow_files_have_the_published_sizes(cdnow, shared_data):
    # README of the data (Fader and Hardie): the sample is every tenth of the 23,570 customers of the first quarter of 1997
    rows = cdnow.frame.collect()
    assert (rows.height, rows["customer_id"].n_unique()) == (6919, 2357)
    master = crm.read_transactions(shared_data("cdnow/CDNOW_master.txt"))
    everyone = master.frame.collect()
    assert master.check.rows_in == 69659
    assert everyone["customer_id"].n_unique() == 23570
    assert everyone["amount"].sum() == pytest.approx(2_500_315.63, abs=0.005)


def test_pareto_nbd_on_rounded_cdnow(rounded):
    agrees(
        clv.ParetoNBD.fit(rounded),
        PARETO,
        (0.553276, 10.577612, 0.606213, 11.667904),
        -9594.97393,
        (0.04763, 0.84272, 0.18728, 6.21096),
    )


def test_gamma_gamma_on_exact_cents(exact):
    # published 6.25 3.74 15.44, LL -4055.9177 (Fader, Hardie 2013; CLVTools test_correctness_gg.R)
    agrees(
        clv.GammaGamma.fit(exact),
        SPEND,
        (6.249571, 3.744225, 15.443528),
        -4055.91769,
        (1.19005, 0.29013, 4.15940),
    )


def test_gamma_gamma_on_rounded_spend(rounded):
    # lifetimes tests/test_estimation.py:178 prints 6.25 3.74 15.44
    fit = clv.GammaGamma.fit(rounded)
    agrees(fit, SPEND, (6.248802, 3.744588, 15.447748), -4055.92324, (1.18968, 0.29016, 4.15996))
    assert fit.mean_spend == pytest.approx(35.171, abs=5e-4)
    buyers = rounded.filter(pl.col("frequency") > 0)
    assert buyers.select(pl.corr("frequency", "monetary_value")).item() == pytest.approx(0.1139, abs=5e-5)


def test_log_likelihood_of_the_printed_estimates(exact):
    # the published figures are rounded: what they reach must lie a hair below the maximum, never above
    fit = clv.BetaGeo.fit(exact)
    printed = clv.BetaGeo.fit(exact, penalty=1e-3)
    assert fit.log_likelihood - 0.01 < printed.log_likelihood <= fit.log_likelihood


def test_bg_nbd_on_simulated_days(shared_data):
    # pymc-marketing conftest: .16385072 1.86428187 1.85034151 3.18105431
    frame = pl.read_csv(shared_data("cdnow/example_transactions.csv"), try_parse_dates=True)
    tx = frame.select(
        customer_id=pl.col("id").cast(pl.String), ordered_at=pl.col("date").cast(pl.Datetime("us"))
    ).with_columns(amount=pl.lit(1.0))
    summary = clv.summarise(tx, as_of="2015-01-01", unit="day")
    assert (summary.height, summary["frequency"].sum()) == (5000, 9270)
    fit = clv.BetaGeo.fit(summary)
    assert [fit.params[n] for n in BG] == pytest.approx([0.163851, 1.864280, 1.850344, 3.181060], rel=4e-6)
    assert [fit.params[n] for n in BG] == pytest.approx(
        [0.16385072, 1.86428187, 1.85034151, 3.18105431], rel=1e-5
    )
    assert fit.log_likelihood == pytest.approx(-39248.62612, abs=1e-4)


DONATIONS = (
    (0, 0, 3464), (1, 1, 1091), (1, 2, 277), (1, 3, 129), (1, 4, 78), (1, 5, 119), (1, 6, 129), (2, 2, 613),
    (2, 3, 255), (2, 4, 155), (2, 5, 173), (2, 6, 234), (3, 3, 322), (3, 4, 181), (3, 5, 225), (3, 6, 357),
    (4, 4, 240), (4, 5, 284), (4, 6, 512), (5, 5, 335), (5, 6, 728), (6, 6, 1203),
)  # fmt: skip
"""Fader, Hardie, Shang (2010), table 1: donations in 6 years, year of the last, donors of 1995."""


@pytest.fixture(scope="module")
def donors():
    frame = pl.DataFrame(DONATIONS, schema=["frequency", "recency", "weight"], orient="row")
    return frame.with_columns(n_periods=pl.lit(6))


@pytest.fixture(scope="module")
def donor_fit(donors):
    return clv.BetaGeoBetaBinomial.fit(donors)


def test_bg_bb_on_donations(donor_fit):
    # published 1.204 .750 .657 2.783 (lifetimes tests/test_estimation.py:75), -33225.58 (BTYD walkthrough)
    agrees(
        donor_fit,
        ("alpha", "beta", "gamma", "delta"),
        (1.203523, 0.749716, 0.656718, 2.783441),
        -33225.58127,
        (0.06939, 0.02945, 0.05101, 0.32082),
    )


def test_bg_bb_expects_the_donors_by_count(donor_fit):
    # lifetimes tests/test_estimation.py:120 has the first and last
    assert donor_fit.expected_counts(6, 11104).tolist() == pytest.approx(
        [3454.9, 1888.7, 1348.9, 1113.4, 1017.9, 1027.2, 1253.1], abs=0.05
    )


def test_bg_bb_five_years_ahead_and_alive(donor_fit, donors):
    # lifetimes tests/test_estimation.py:112; P(alive in 2002), Fader, Hardie, Shang (2010), table 4
    ahead = donor_fit.expected_purchases(donors, horizon=5) * donors["weight"]
    assert ahead.sum() == pytest.approx(12884.2, abs=0.05)
    some = pl.DataFrame({"frequency": [0, 2, 6], "recency": [0, 4, 6], "n_periods": [6] * 3})
    assert donor_fit.p_alive(some).round(2).to_list() == [0.11, 0.59, 0.93]


def test_bg_bb_new_donor(donor_fit):
    expected = [0.4985, 0.9233, 1.2969, 1.6323, 1.9381, 2.2202, 2.4826, 2.7285, 2.9603, 3.1798, 3.3887]
    got = [donor_fit.expected_of_new_customer(n) for n in range(1, 12)]
    assert got == pytest.approx(expected, abs=5e-5)
    assert got[9] == pytest.approx(3.179805, rel=1e-5)  # the source's estimates differ in the sixth digit


def test_bg_bb_ten_periods_ahead(donor_fit):
    # BTYD walkthrough
    some = pl.DataFrame({"frequency": [0, 4], "recency": [0, 5], "n_periods": [6, 6]})
    assert donor_fit.expected_purchases(some, horizon=10).to_list() == pytest.approx(
        [0.1302169, 3.627858], rel=1e-4
    )


REGULAR = ((369, 163, 86, 56, 37, 27, 21), 241)
HIGH_END = ((131, 126, 90, 60, 42, 34, 26), 491)
"""Fader, Hardie (2007), Journal of Interactive Marketing 21: 1,000 customers of each kind, losses by year."""


@pytest.mark.parametrize(
    ("counts", "a", "b", "log_likelihood", "errors"),
    [
        (REGULAR, 0.704077, 1.182043, -1680.26519, (0.0656, 0.1525)),
        (HIGH_END, 0.668088, 3.806095, -1611.15815, (0.1037, 0.7855)),
    ],
    ids=["regular", "high end"],
)
def test_sbg_estimates(counts, a, b, log_likelihood, errors):
    fit = clv.ShiftedBetaGeometric.fit(*counts)
    assert fit.is_identified
    assert (fit.params["a"], fit.params["b"]) == pytest.approx((a, b), rel=1e-5)
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=1e-4)
    assert (fit.standard_errors["a"], fit.standard_errors["b"]) == pytest.approx(errors, abs=6e-5)


@pytest.mark.parametrize(
    ("counts", "projected", "retention"),
    [
        (REGULAR, (22.01, 20.44, 19.12, 17.99, 17.00), (0.62672, 0.75606, 0.81884, 0.85591)),
        (HIGH_END, (46.04, 43.58, 41.42, 39.51, 37.80), (0.85069, 0.87797, 0.89682, 0.91062)),
    ],
    ids=["regular", "high end"],
)
def test_sbg_projects_survival_and_retention(counts, projected, retention):
    fit = clv.ShiftedBetaGeometric.fit(*counts)
    years = [8.0, 9, 10, 11, 12]
    assert [100 * float(fit.survival(t)) for t in years] == pytest.approx(projected, abs=0.005)
    printed = at(fit, *(round(fit.params[n], 3) for n in ("a", "b")))  # the source's are of three digits
    assert [float(printed.retention(t)) for t in (1, 2, 3, 4)] == pytest.approx(retention, abs=5e-6)
    assert [float(fit.retention(t)) for t in (1, 2, 3, 4)] == pytest.approx(retention, abs=2e-5)


@pytest.mark.parametrize(
    ("counts", "survival", "later"),
    [
        (
            REGULAR,
            (100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1),
            (22.3, 20.7, 19.4, 18.3, 17.3),
        ),
        (
            HIGH_END,
            (100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1),
            (46.8, 44.5, 42.7, 40.9, 39.4),
        ),
    ],
    ids=["regular", "high end"],
)
def test_sbg_follows_the_holdout(counts, survival, later):
    # Fader, Hardie (2007), as in pymc-marketing test_shifted_beta_geo.py: years 0-7 are data, 8-12 came later
    left, stayed = counts
    kept = [1000 - sum(left[:t]) for t in range(8)]
    assert [k / 10 for k in kept] == pytest.approx(survival, abs=0.051)
    assert kept[-1] == stayed
    fit = clv.ShiftedBetaGeometric.fit(*counts)
    assert [100 * float(fit.survival(t)) for t in range(8, 13)] == pytest.approx(later, abs=1.7)


@pytest.mark.parametrize(
    ("a", "b", "exact", "published"),
    [
        (3.80, 15.20, (3.30982, 3.45100, 3.58654, 3.71681, 3.84213), (3.31, 3.45, 3.59, 3.72, 3.84)),
        (0.067, 0.267, (7.67084, 9.45530, 9.85083, 10.0562, 10.1886), (7.68, 9.46, 9.86, 10.06, 10.19)),
    ],
)
def test_sbg_discounted_lifetime(a, b, exact, published):
    # Fader, Hardie (2010), Marketing Science 29, table 3
    fit = at(clv.ShiftedBetaGeometric.fit(*REGULAR), a, b)
    got = [float(fit.discounted_lifetime(t, discount_rate=0.1)) for t in (1, 2, 3, 4, 5)]
    assert got == pytest.approx(exact, rel=6e-6)
    assert got == pytest.approx(published, abs=0.011)


@pytest.mark.parametrize(("x", "t", "age"), [(400, 5.0, 6.0), (500, 1.0, 37.0), (500, 4.0, 37.0)], ids=str)
def test_pareto_nbd_likelihood_of_extreme_histories_is_finite(x, t, age):
    # lifetimes tests/test_estimation.py:315
    from crm_analytics.clv.likelihoods.pareto import Likelihood
    from crm_analytics.clv.likelihoods.rows import compress

    rows = compress(pl.DataFrame({"frequency": [x], "recency": [t], "T": [age]}))
    params = 10.465, 0.00798565181 / age, 3.0516, 2.820 / age
    value, gradient, hessian = Likelihood(rows)(params)
    assert math.isfinite(value)
    assert all(map(math.isfinite, [*gradient, *hessian.ravel()]))
