"""Predictions over the whole legal domain: finite, in range, in agreement with 40-digit arithmetic, free of units."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics import clv
from crm_analytics.errors import ColumnError, OptionError

SOME = pl.DataFrame({"frequency": [0, 1, 4], "recency": [0.0, 5.0, 20.0], "T": [30.0, 30.0, 25.0]})
BASES = {
    "bg": clv.BetaGeo.fit(SOME, penalty=1.0).with_time_unit("week"),
    "mbg": clv.ModifiedBetaGeo.fit(SOME, penalty=1.0).with_time_unit("week"),
    "pareto": clv.ParetoNBD.fit(SOME, penalty=1.0).with_time_unit("week"),
}
EACH = pytest.mark.parametrize("name", BASES)


def one(x, t, age):
    return pl.DataFrame({"frequency": [float(x)], "recency": [float(t)], "T": [float(age)]})


def shapes(low=1e-3, high=1e3):
    return st.floats(math.log(low), math.log(high)).map(math.exp)


@st.composite
def legal(draw):
    """A legal history, from one purchase to thousands, with t_x up to T itself."""
    x = draw(st.one_of(st.integers(0, 5), st.integers(6, 3000)))
    age = draw(st.floats(0.01, 2000))
    t = age * draw(st.one_of(st.just(1.0), st.floats(1e-6, 1.0))) if x else 0.0
    return x, min(t, age), age


@EACH
@given(
    params=st.tuples(shapes(), shapes(0.01, 1e4), st.one_of(st.just(1.0), shapes()), shapes()),
    row=legal(),
    horizon=st.floats(0, 5000),
)
def test_every_figure_is_a_number_in_its_range(name, params, row, horizon):
    fit = BASES[name].at(np.array(params))
    summary = one(*row)
    figures = {
        "alive": fit.p_alive(summary).item(),
        "later": fit.p_alive(summary, after=horizon).item(),
        "bought": fit.expected_purchases(summary, horizon=horizon).item(),
        "worth": fit.discounted_purchases(summary, annual_discount_rate=0.1).item(),
        "returns": clv.probability_of_return(fit, summary, within=horizon).item(),
        "new": fit.expected_of_new_customer(horizon),
        **{f"p{n}": v for n, v in enumerate(clv.probability_of_purchases(fit, range(3), horizon=horizon))},
    }
    assert all(math.isfinite(v) and v >= 0 for v in figures.values()), figures
    assert all(
        v <= 1 + 1e-12 for k, v in figures.items() if k in {"alive", "later", "returns", "p0", "p1", "p2"}
    )
    assert figures["later"] <= figures["alive"] * (1 + 1e-9)
    wait = clv.time_to_next(fit, summary, quantiles=(0.1, 0.9)).row(0)
    assert all(v is None or (math.isfinite(v) and v >= 0) for v in wait)


@EACH
@given(row=legal(), horizon=st.floats(0.1, 500), cut=st.floats(0.01, 0.99))
def test_purchases_add_up_over_time(name, row, horizon, cut):
    fit, summary = BASES[name], one(*row)
    whole = fit.expected_purchases(summary, horizon=horizon).item()
    first = fit.expected_purchases(summary, horizon=cut * horizon).item()
    rest = fit.expected_purchases(summary, start=cut * horizon, horizon=(1 - cut) * horizon).item()
    assert first + rest == pytest.approx(whole, rel=1e-9, abs=1e-12)
    assert 0 <= first <= whole * (1 + 1e-12)


@EACH
@pytest.mark.parametrize("factor", [1 / 7, 7.0, 24.0], ids=["weeks", "from weeks to days", "hours"])
@pytest.mark.parametrize("penalty", [0.0, 2.5])
def test_the_unit_of_time_does_not_matter(name, factor, penalty):
    plain = population(seed=1)
    moved = plain.with_columns(pl.col("recency", "T") * factor)
    model = type(BASES[name])
    here, there = model.fit(plain, penalty=penalty), model.fit(moved, penalty=penalty)
    for parameter in model.names:
        by = factor if parameter in model.time_parameters else 1.0
        assert there.params[parameter] == pytest.approx(here.params[parameter] * by, rel=2e-6)
        assert there.standard_errors[parameter] == pytest.approx(
            here.standard_errors[parameter] * by, rel=1e-5
        )
    shift = plain["frequency"].sum() * math.log(factor)
    assert there.log_likelihood == pytest.approx(here.log_likelihood - shift, abs=1e-6)
    a, b = here.predict(plain, horizon=20.0), there.predict(moved, horizon=20.0 * factor)
    for column in a.columns:
        assert b[column].to_list() == pytest.approx(a[column].to_list(), rel=1e-5)


@pytest.mark.parametrize("penalty", [0.0, 2.5])
def test_the_unit_of_money_does_not_matter(penalty):
    plain = population(seed=2)
    pence = plain.with_columns(pl.col("monetary_value") * 100)
    here, there = clv.GammaGamma.fit(plain, penalty=penalty), clv.GammaGamma.fit(pence, penalty=penalty)
    assert there.params["p"] == pytest.approx(here.params["p"], rel=1e-6)
    assert there.params["q"] == pytest.approx(here.params["q"], rel=1e-6)
    assert there.params["v"] == pytest.approx(100 * here.params["v"], rel=1e-6)
    assert there.mean_spend == pytest.approx(100 * here.mean_spend, rel=1e-6)


@pytest.mark.parametrize("model", [clv.BetaGeo, clv.ModifiedBetaGeo, clv.ParetoNBD, clv.GammaGamma])
def test_order_and_duplication_do_not_matter(model):
    plain = population(seed=3)
    shuffled = plain.sample(fraction=1.0, shuffle=True, seed=9)
    here = model.fit(plain)
    assert model.fit(shuffled).values() == pytest.approx(here.values(), rel=1e-9)
    assert model.fit(shuffled).fingerprint == here.fingerprint
    doubled = model.fit(pl.concat([plain, shuffled]))
    weighed = model.fit(plain.with_columns(weight=pl.lit(2)))
    assert doubled.values() == pytest.approx(here.values(), rel=1e-6)
    assert weighed.values() == pytest.approx(doubled.values(), rel=1e-6)
    assert weighed.log_likelihood == pytest.approx(doubled.log_likelihood, rel=1e-12)
    assert doubled.log_likelihood == pytest.approx(2 * here.log_likelihood, rel=1e-12)
    for name in model.names:
        assert weighed.standard_errors[name] == pytest.approx(
            here.standard_errors[name] / math.sqrt(2), rel=1e-5
        )
        assert weighed.standard_errors[name] == pytest.approx(doubled.standard_errors[name], rel=1e-6)


def population(seed, n=1500):
    rng = np.random.default_rng(seed)
    age = rng.integers(100, 300, n).astype(float)
    rate, leaves = rng.gamma(0.6, 1 / 30, n), rng.beta(0.9, 2.5, n)
    alive, x, t, clock = np.ones(n, bool), np.zeros(n), np.zeros(n), np.zeros(n)
    while alive.any():
        clock = np.where(alive, clock + np.ceil(rng.exponential(1, n) / rate), clock)
        alive &= clock <= age
        x, t = x + alive, np.where(alive, clock, t)
        alive &= rng.random(n) >= leaves
    z = np.where(
        x > 0, rng.gamma(6 * np.maximum(x, 1)) / np.maximum(x, 1) / rng.gamma(4, 1 / 15, n), 0
    ).round(2)
    return pl.DataFrame({"frequency": x, "recency": t, "T": age, "monetary_value": z})


def mean_over_p(a, b, f):
    """E[f(p)], p ~ Beta(a, b), by tanh-sinh quadrature."""
    log_b = mp.log(mp.gamma(a)) + mp.log(mp.gamma(b)) - mp.log(mp.gamma(a + b))
    return mp.quad(
        lambda p: mp.exp((a - 1) * mp.log(p) + (b - 1) * mp.log1p(-p) - log_b) * f(p),
        [0, mp.mpf("1e-6"), mp.mpf("1e-3"), 0.05, 0.3, 0.7, 1],
    )


def exact_geometric(params, row, h, shift):
    r, alpha, a, b = map(mp.mpf, params)
    x, t, age, h = map(mp.mpf, (*row, h))
    n, big_r = x + shift, r + x
    odds = a / (b + n - 1) * ((alpha + age) / (alpha + t)) ** big_r if n else mp.mpf(0)
    alive = 1 / (1 + odds)
    ahead = mean_over_p(a, b + n, lambda p: -mp.expm1(-big_r * mp.log1p(p * h / (alpha + age))) / p)
    return float(alive), float(alive * ahead)


def exact_pareto(params, row, h):
    r, alpha, s, beta = map(mp.mpf, params)
    x, t, age, h = map(mp.mpf, (*row, h))
    big_r = r + x

    def f(y):
        return mp.exp(
            big_r * mp.log((alpha + age) / (alpha + y))
            + s * mp.log((beta + age) / (beta + y))
            - mp.log(beta + y)
        )

    cuts = [t + (age - t) * k for k in (0, mp.mpf("1e-4"), mp.mpf("1e-3"), mp.mpf("0.01"), mp.mpf("0.1"), 1)]
    alive = 1 / (1 + s * mp.quad(f, cuts)) if age > t else mp.mpf(1)
    ratio = mp.log((beta + age + h) / (beta + age))
    lived = ratio if s == 1 else -mp.expm1(-(s - 1) * ratio) / (s - 1)
    return float(alive), float(alive * big_r * (beta + age) / (alpha + age) * lived)


CORNERS = {
    "a = 1": ((0.25, 4.4, 1.0, 2.4), (2, 30.43, 38.86), 39),
    "a next to 1": ((0.25, 4.4, 1.0 + 1e-7, 2.4), (2, 30.43, 38.86), 39),
    "t_x = T": ((0.25, 4.4, 0.8, 2.4), (7, 38.86, 38.86), 39),
    "x = 0, a + b < 1": ((0.25, 4.4, 0.3, 0.4), (0, 0, 38.86), 39),
    "b < 1": ((0.25, 4.4, 0.8, 0.2), (1, 3, 38.86), 39),
    "x = 1000": ((0.25, 4.4, 0.8, 2.4), (1000, 364.9, 365), 3650),
    "long ahead": ((0.5, 6.2, 0.9, 1.6), (3, 20, 40), 100_000),
}


@pytest.mark.parametrize("shift", [0, 1], ids=["bg", "mbg"])
@pytest.mark.parametrize("corner", CORNERS)
def test_geometric_corners_in_exact_arithmetic(corner, shift):
    params, row, h = CORNERS[corner]
    with mp.workdps(40):
        alive, ahead = exact_geometric(params, row, h, shift)
    fit = BASES[("bg", "mbg")[shift]].at(np.array(params))
    assert fit.p_alive(one(*row)).item() == pytest.approx(alive, rel=1e-12)
    assert fit.expected_purchases(one(*row), horizon=float(h)).item() == pytest.approx(ahead, rel=3e-8)


PARETO_CORNERS = {
    "s = 1": ((0.55, 10.6, 1.0, 11.7), (2, 30.43, 38.86), 39),
    "s next to 1": ((0.55, 10.6, 1.0 - 1e-9, 11.7), (2, 30.43, 38.86), 39),
    "t_x = T": ((0.55, 10.6, 0.6, 11.7), (7, 38.86, 38.86), 39),
    "alpha = beta": ((0.55, 11.0, 0.6, 11.0), (1, 3, 38.86), 39),
    "x = 1000": ((0.55, 10.6, 0.6, 11.7), (1000, 360, 365), 3650),
    "x = 1000, long gone": ((0.55, 10.6, 0.6, 11.7), (1000, 340, 365), 3650),
    "tiny beta": ((0.55, 10.6, 0.6, 0.001), (0, 0, 38.86), 39),
    "tiny alpha": ((10.5, 0.008, 3.05, 2.82), (40, 5, 6), 10),
}


@pytest.mark.parametrize("corner", PARETO_CORNERS)
def test_pareto_corners_in_exact_arithmetic(corner):
    params, row, h = PARETO_CORNERS[corner]
    with mp.workdps(40):
        alive, ahead = exact_pareto(params, row, h)
    fit = BASES["pareto"].at(np.array(params))
    assert fit.p_alive(one(*row)).item() == pytest.approx(alive, rel=2e-7)
    assert fit.expected_purchases(one(*row), horizon=float(h)).item() == pytest.approx(ahead, rel=2e-7)


@EACH
def test_discounting_agrees_with_its_definition(name):
    # e^(-dH) CET(H) + d times the integral of e^(-dh) CET(h)
    fit, rate, h = BASES[name], 0.35, 60.0
    d = fit.continuous_rate(rate)
    rows = pl.concat([one(0, 0, 30), one(3, 20, 30), one(200, 29, 30)])
    nodes, weights = np.polynomial.legendre.leggauss(40)
    inner = sum(
        w * h / 2 * np.exp(-d * y) * fit.expected_purchases(rows, horizon=float(y)).to_numpy()
        for y, w in zip(h * (nodes + 1) / 2, weights, strict=True)
    )
    wanted = np.exp(-d * h) * fit.expected_purchases(rows, horizon=h).to_numpy() + d * inner
    got = fit.discounted_purchases(rows, annual_discount_rate=rate, horizon=h).to_numpy()
    assert got.tolist() == pytest.approx(wanted.tolist(), rel=1e-8)


@EACH
def test_intervals_shrink_with_the_data(name):
    few, many = population(seed=1, n=1500), population(seed=1, n=12_000)
    model = type(BASES[name])
    rows = pl.concat([one(0, 0, 200), one(3, 150, 200)])
    widths = []
    for data in (few, many):
        got = model.fit(data).predict(rows, horizon=100.0, intervals=True)
        assert got.columns == [
            "p_alive",
            "expected_purchases",
            "p_alive_lower",
            "p_alive_upper",
            "expected_purchases_lower",
            "expected_purchases_upper",
        ]
        assert (got["expected_purchases_lower"] < got["expected_purchases"]).all()
        widths.append((got["expected_purchases_upper"] - got["expected_purchases_lower"]).to_numpy())
    assert (widths[1] < 0.6 * widths[0]).all()


def test_intervals_agree_with_draws_of_the_parameters():
    fit = clv.BetaGeo.fit(population(seed=5, n=4000))
    rows = pl.concat([one(0, 0, 200), one(3, 150, 200)])
    got = fit.predict(rows, horizon=100.0, intervals=True)
    drawn = np.stack(
        [fit.at(p).expected_purchases(rows, horizon=100.0).to_numpy() for p in fit.draws(800, seed=1)]
    )
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    assert got["expected_purchases_lower"].to_list() == pytest.approx(low.tolist(), rel=0.05)
    assert got["expected_purchases_upper"].to_list() == pytest.approx(high.tolist(), rel=0.05)


def test_many_ages_are_interpolated_without_loss():
    ages = np.linspace(1, 900, 500)
    rows = pl.DataFrame({"frequency": np.full(500, 3.0), "recency": ages / 2, "T": ages})
    fit = BASES["bg"]
    whole = fit.expected_purchases(rows, horizon=30.0).to_numpy()
    single = [fit.expected_purchases(rows[i], horizon=30.0).item() for i in range(0, 500, 25)]
    assert whole[::25].tolist() == pytest.approx(single, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: f.expected_purchases(SOME, horizon=-1.0), "horizon=-1.0"),
        (lambda f: f.expected_purchases(SOME, horizon=math.inf), "horizon=inf"),
        (lambda f: f.expected_purchases(SOME, horizon=1.0, start=math.nan), "start=nan"),
        (lambda f: f.p_alive(SOME, after=-2.0), "after=-2.0"),
        (lambda f: f.discounted_purchases(SOME, annual_discount_rate=-1.0, horizon=3.0), "a rate above -1"),
        (lambda f: f.discounted_purchases(SOME, annual_discount_rate=0.0), "horizon is infinite"),
        (lambda f: f.p_alive(one(1, 3, 2)), "history is impossible"),
        (lambda f: f.draws(0), "at least 1 draw"),
        (
            lambda _: clv.BetaGeo.fit(SOME, penalty=1.0).continuous_rate(0.1),
            "unit of time of this fit is not known",
        ),
    ],
)
def test_what_cannot_be_asked(call, words):
    with pytest.raises(OptionError, match=words):
        call(BASES["bg"])


def test_a_missing_column_is_named():
    with pytest.raises(ColumnError, match="'recency'"):
        BASES["bg"].p_alive(SOME.drop("recency"))


def test_customer_ids_stay():
    got = BASES["bg"].predict(SOME.with_columns(customer_id=pl.Series(["a", "b", "c"])), horizon=5.0)
    assert got["customer_id"].to_list() == ["a", "b", "c"]


@EACH
def test_periods_are_differences_of_horizons(name):
    fit = BASES[name]
    rows = pl.concat([one(0, 0, 30), one(3, 20, 30), one(200, 29, 30)])
    got = fit.purchases_by_period(rows, period=4.345, n_periods=12, discount_rate=0.01)
    wanted = sum(
        fit.expected_purchases(rows, start=(i - 1) * 4.345, horizon=4.345) / 1.01**i for i in range(1, 13)
    )
    assert got.to_list() == pytest.approx(wanted.to_list(), rel=1e-11)
    whole = fit.purchases_by_period(rows, period=10.0, n_periods=4)
    assert whole.to_list() == pytest.approx(fit.expected_purchases(rows, horizon=40.0).to_list(), rel=1e-12)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"period": 0, "n_periods": 3}, "period=0"),
        ({"period": 4, "n_periods": 0}, "n_periods=0"),
        ({"period": 4, "n_periods": 3, "discount_rate": -1.5}, "discount_rate=-1.5"),
    ],
    ids=str,
)
def test_periods_that_cannot_be(options, words):
    with pytest.raises(OptionError, match=words):
        BASES["bg"].purchases_by_period(SOME, **options)
