"""Log-likelihoods of single customers: against printed ones, and against their definitions in 30-digit arithmetic.

The definitions are integrated anew here (over the rates, the chances of leaving and the lifetimes of customers), so that
nothing of the closed forms in the library is taken for granted.
"""

from __future__ import annotations

import mpmath as mp
import numpy as np
import polars as pl
import pytest

from crm_analytics import clv
from crm_analytics.clv.likelihoods import geometric
from crm_analytics.clv.likelihoods.pareto import Likelihood
from crm_analytics.clv.likelihoods.rows import compress
from crm_analytics.clv.models.gamma_gamma import _Spend

mp.mp.dps = 30

_QUADRATURE = 1e-9  # the library integrates over lifetimes at a fixed number of nodes

HISTORIES = (
    (2, 30.43, 38.86), (1, 1.71, 38.86), (0, 0.0, 38.86), (26, 30.86, 31.0), (7, 29.43, 38.86), (132, 200.0, 200.0),
    (1, 38.0, 38.0), (400, 5.0, 6.0), (500, 1.0, 37.0), (3, 1e-3, 700.0),
)  # fmt: skip
"""Purchases, time of the last, age: ordinary ones, one bought on the last day, hundreds of purchases, long silence."""


def one(x, t, age):
    return compress(pl.DataFrame({"frequency": [x], "recency": [float(t)], "T": [float(age)]}))


def of_geometric(params, x, t, age, shift):
    """The library's figure in the unit of the history."""
    r, alpha, a, b = params
    rows = one(x, t, age)
    return geometric.log_likelihood(rows, r, alpha / rows.scale, a, b, s=shift)[0] - x * np.log(rows.scale)


def of_pareto(params, x, t, age):
    r, alpha, s, beta = params
    rows = one(x, t, age)
    return Likelihood(rows)((r, alpha / rows.scale, s, beta / rows.scale))[0] - x * np.log(rows.scale)


def over_rates(r, alpha, x, until):
    """Mean of lambda^x exp(-lambda until) over lambda ~ gamma(r, alpha): a gamma integral."""
    r, alpha, until = mp.mpf(r), mp.mpf(alpha), mp.mpf(until)
    return mp.gamma(r + x) / mp.gamma(r) * alpha**r / (alpha + until) ** (r + x)


def over_leaving(a, b, gone, stayed):
    """Mean of p^gone (1 - p)^stayed over p ~ beta(a, b)."""
    a, b = mp.mpf(a), mp.mpf(b)
    return mp.beta(a + gone, b + stayed) / mp.beta(a, b)


@pytest.mark.parametrize(
    "params", [(0.243, 4.414, 0.793, 2.426), (0.525, 6.183, 1.0, 1.614), (3.0, 0.5, 1e-3, 0.2)], ids=str
)
@pytest.mark.parametrize("history", HISTORIES, ids=str)
def test_geometric_dropout_by_its_definition(params, history):
    r, alpha, a, b = params
    x, t, age = history
    stayed, silent = over_rates(r, alpha, x, age), over_rates(r, alpha, x, t)
    bg = over_leaving(a, b, 0, x) * stayed + (over_leaving(a, b, 1, x - 1) * silent if x else 0)
    assert of_geometric(params, x, t, age, 0) == pytest.approx(float(mp.log(bg)), rel=1e-11, abs=1e-10)
    mbg = over_leaving(a, b, 0, x + 1) * stayed + over_leaving(a, b, 1, x) * silent
    assert of_geometric(params, x, t, age, 1) == pytest.approx(float(mp.log(mbg)), rel=1e-11, abs=1e-10)


def test_the_means_over_rates_and_leaving_are_what_they_are_called():
    whole = mp.quad(
        lambda rate: rate**2 * mp.exp(-rate * 3) * rate ** mp.mpf(-0.4) * mp.exp(-5 * rate),
        [0, 0.1, 1, mp.inf],
    )
    density = mp.mpf(5) ** mp.mpf("0.6") / mp.gamma(mp.mpf("0.6"))
    assert float(whole * density) == pytest.approx(float(over_rates("0.6", 5, 2, 3)), rel=1e-12)
    part = mp.quad(lambda p: p ** mp.mpf("1.8") * (1 - p) ** mp.mpf("4.4"), [0, 0.5, 1])
    assert float(part / mp.beta(mp.mpf("1.8"), mp.mpf("2.4"))) == pytest.approx(
        float(over_leaving("1.8", "2.4", 1, 3)), rel=1e-12
    )


def pareto_by_definition(params, x, t, age):
    """Average over the lifetime, whose density over customers is s beta^s / (beta + y)^(s + 1)."""
    r, alpha, s, beta = (mp.mpf(v) for v in params)
    t, age = mp.mpf(t), mp.mpf(age)
    alive = over_rates(r, alpha, x, age) * (beta / (beta + age)) ** s
    if age == t:
        return mp.log(alive)
    near = [t + (age - t) * mp.mpf(10) ** -k for k in (6, 5, 4, 3, 2, 1)]
    ends = mp.quad(
        lambda y: over_rates(r, alpha, x, y) * s * beta**s / (beta + y) ** (s + 1), [t, *near, age]
    )
    return mp.log(alive + ends)


@pytest.mark.parametrize("history", HISTORIES, ids=str)
@pytest.mark.parametrize(
    "params", [(0.553, 10.578, 0.606, 11.669), (0.553, 10.578, 1.0, 10.578), (3.0, 0.05, 2.0, 40.0)], ids=str
)
def test_pareto_nbd_by_its_definition(params, history):
    assert of_pareto(params, *history) == pytest.approx(
        float(pareto_by_definition(params, *history)), rel=_QUADRATURE, abs=1e-10
    )


@pytest.mark.parametrize(("x", "t", "age"), [(400, 5, 6), (500, 1, 37), (500, 4, 37)], ids=str)
def test_where_lifetimes_overflows(x, t, age):
    # lifetimes tests/test_estimation.py:315 asks that the likelihood be finite
    params = (10.465, 0.00798565181, 3.0516, 2.820)
    assert of_pareto(params, x, t, age) == pytest.approx(
        float(pareto_by_definition(params, x, t, age)), rel=_QUADRATURE
    )


@pytest.mark.parametrize(
    ("x", "t", "age"),
    [
        (221, 103.42857, 103.57143),
        (254, 97.14286, 97.28571),
        (161, 94.71429, 98.0),
        (204, 98.57143, 99.42857),
    ],
    ids=str,
)
def test_where_clvtools_once_failed(x, t, age):
    # CLVTools test_correctness_pnbd_nocovstaticcov.R:34 asks that P(alive) be finite
    params = (0.5143, 2.8845, 0.2856, 14.1087)
    r, alpha, s, beta = (mp.mpf(v) for v in params)
    alive = (
        over_rates(r, alpha, x, age)
        * (beta / (beta + age)) ** s
        / mp.exp(pareto_by_definition(params, x, t, age))
    )
    some = pl.DataFrame({"frequency": [0, 1, 4], "recency": [0.0, 5.0, 20.0], "T": [30.0, 30.0, 25.0]})
    fit = clv.ParetoNBD.fit(some, penalty=1.0).at(np.array(params))
    got = fit.p_alive(pl.DataFrame({"frequency": [x], "recency": [t], "T": [age]})).item()
    assert got == pytest.approx(float(alive), rel=_QUADRATURE)


@pytest.mark.parametrize(("x", "z"), [(2, 22.35), (1, 11.77), (7, 73.74), (300, 1e-3), (1, 1e6)], ids=str)
def test_gamma_gamma_by_its_definition(x, z):
    p, q, v = (mp.mpf(c) for c in ("6.25", "3.74", "15.44"))
    size, money = p * x, mp.mpf(z)

    def both(rate):
        of_mean = (rate * x) ** size * money ** (size - 1) * mp.exp(-rate * x * money) / mp.gamma(size)
        return of_mean * v**q * rate ** (q - 1) * mp.exp(-v * rate) / mp.gamma(q)

    peak = (size + q - 1) / (v + x * money)
    width = peak / mp.sqrt(size + q)
    around = [c for k in range(-14, 60, 2) if (c := peak + k * width) > 0]
    exact = mp.log(mp.quad(both, [0, *around, mp.inf]))
    rows = _Spend.of(np.array([float(x)]), np.array([float(z)]), np.ones(1))
    assert rows.log_likelihood(6.25, 3.74, 15.44)[0] == pytest.approx(float(exact), rel=1e-11, abs=1e-10)


SHEET = (
    (2, 30.43, -9.4596), (1, 1.71, -4.4711), (0, 0.0, -0.5538), (0, 0.0, -0.5538), (0, 0.0, -0.5538), (7, 29.43, -21.8644),
    (1, 5.00, -4.8651), (0, 0.0, -0.5538), (2, 35.71, -9.5367), (0, 0.0, -0.5538), (5, 24.43, -17.3593), (0, 0.0, -0.5538),
    (0, 0.0, -0.5538), (0, 0.0, -0.5538), (0, 0.0, -0.5538), (0, 0.0, -0.5538), (10, 34.14, -27.3144), (1, 4.86, -4.8520),
)  # fmt: skip
"""The first 18 customers of CDNOW, T = 38.86: Hardie's sheet of note 004, as in pymc-marketing test_distributions.py."""


@pytest.mark.parametrize(("x", "t", "printed"), dict.fromkeys(SHEET), ids=str)
def test_bg_nbd_as_the_sheet_prints_it(x, t, printed):
    # all digits hold at the estimates and times to full precision (whole days over 7), which the sheet has behind what it
    # shows: at the rounded 38.86 weeks the fourth decimal differs, at .243 4.414 .793 2.426 the third
    estimates = (0.242593, 4.413532, 0.792886, 2.425754)
    assert of_geometric(estimates, x, round(7 * t) / 7, 272 / 7, 0) == pytest.approx(printed, abs=5e-5)


DONORS = (
    (6, 6, -2.18167018824), (5, 6, -4.29485034929), (4, 6, -5.38473334360), (3, 6, -5.80915881601), (2, 6, -5.65172964525),
    (1, 6, -4.88370164695), (5, 5, -3.71682127437), (4, 5, -5.09558227343), (3, 5, -5.61576884108), (2, 5, -5.50636893346),
    (1, 5, -4.76723821904), (4, 4, -3.84829625138), (3, 4, -5.05936147828), (2, 4, -5.19562191019), (1, 4, -4.57070931973),
    (3, 3, -3.52745257839), (2, 3, -4.51620272962), (1, 3, -4.22465969453), (2, 2, -3.01199924784), (1, 2, -3.58817880928),
    (1, 1, -2.28882847451), (0, 0, -1.16751622367),
)  # fmt: skip
"""Gifts in 6 years, year of the last, log-probability: Hardie's sheet of note 010, as in pymc-marketing test_distributions.py."""


def donor_fit(*params):
    rows = pl.DataFrame(
        {"frequency": [0, 1, 3], "recency": [0, 2, 5], "n_periods": [6] * 3, "weight": [5.0, 3.0, 2.0]}
    )
    base = clv.BetaGeoBetaBinomial.fit(rows, penalty=1.0)
    return type(base)(**{**vars(base), "params": dict(zip(base.names, params, strict=True))})


def donor_rows():
    return pl.DataFrame(
        [(x, t, 6) for x, t, _ in DONORS], schema=["frequency", "recency", "n_periods"], orient="row"
    )


def test_bg_bb_as_the_sheet_prints_it():
    # the sheet's estimates are those of its own search, 1.2035 .7497 .6568 2.7834: the sixth digit is theirs
    got = donor_fit(1.203523, 0.749716, 0.656718, 2.783441).log_likelihoods(donor_rows())
    assert got.tolist() == pytest.approx([p for *_, p in DONORS], rel=3e-6)


def test_bg_bb_by_its_definition():
    alpha, beta, gamma, delta = (mp.mpf(v) for v in ("1.204", "0.750", "0.657", "2.783"))

    def exact(x, t, n):
        buys = lambda miss: mp.beta(alpha + x, beta + miss) / mp.beta(alpha, beta)  # noqa: E731 a formula
        leaves = lambda gone, stays: mp.beta(gamma + gone, delta + stays) / mp.beta(gamma, delta)  # noqa: E731
        ends = sum(buys(t - x + i) * leaves(1, t + i) for i in range(n - t))
        return float(mp.log(buys(n - x) * leaves(0, n) + ends))

    got = donor_fit(1.204, 0.750, 0.657, 2.783).log_likelihoods(donor_rows())
    assert got.tolist() == pytest.approx([exact(x, t, 6) for x, t, _ in DONORS], rel=1e-12)
    long = pl.DataFrame({"frequency": [0, 3, 900], "recency": [0, 700, 1000], "n_periods": [1000] * 3})
    got = donor_fit(1.204, 0.750, 0.657, 2.783).log_likelihoods(long)
    wanted = [exact(0, 0, 1000), exact(3, 700, 1000), exact(900, 1000, 1000)]
    assert got.tolist() == pytest.approx(wanted, rel=1e-10)
