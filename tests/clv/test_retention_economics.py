"""Retention economics: identities, what it says of made customers, and its limits."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics import clv
from crm_analytics.clv.forecasts.futures import purchases_ahead, survival
from crm_analytics.errors import NotEnoughDataError, OptionError

AS_OF = date(2026, 7, 1)


@pytest.fixture(scope="module")
def tx():
    """A third of the sample company's customers."""
    frame = crm.sample().table("transactions").frame.collect()
    return frame.filter(pl.col("customer_id").str.tail(1).is_in(["1", "4", "8"]))


@pytest.fixture(scope="module")
def result(tx):
    return crm.retention_economics(tx, as_of=AS_OF, acquisition_cost=12.0, margin=0.4)


@pytest.fixture(scope="module")
def histories(tx):
    return clv.summarise(tx, as_of=AS_OF)


def lever(result, name, size):
    rows = result.tables()["levers"].filter(
        (pl.col("lever") == name) & ((pl.col("lever_size") - size).abs() < 1e-9)
    )
    return rows.row(0, named=True)


def base(result):
    return result.tables()["base"].row(0, named=True)


def arrays(histories):
    return tuple(histories[c].cast(pl.Float64).to_numpy() for c in ("frequency", "T"))


def test_base_value_is_that_of_lifetime_value(tx, result):
    value = (
        crm.lifetime_value(tx, as_of=AS_OF, horizon_days=1095, margin=0.4)
        .tables()["total"]
        .row(0, named=True)
    )
    for end in ("", "_lower", "_upper"):
        assert base(result)[f"base_value{end}"] == pytest.approx(value[f"lifetime_value{end}"], rel=1e-6)
        assert base(result)[f"expected_alive{end}"] == pytest.approx(value[f"expected_alive{end}"], rel=1e-9)


def test_retention_is_the_share_alive_in_a_year_of_those_alive_now(result, histories):
    fit = clv.BetaGeo.fit(histories)
    now, then = (fit.p_alive(histories, after=after).sum() for after in (0.0, 365.25))
    assert result.parameters["model_taken"] == "bg_nbd"
    assert base(result)["yearly_retention"] == pytest.approx(then / now, rel=1e-6)
    assert base(result)["yearly_retention_lower"] < then / now < base(result)["yearly_retention_upper"]


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_a_point_of_retention_is_found_by_easing_every_customers_leaving(tx, histories, model):
    """Done again by hand: the easing by bisection over customers, the gain customer by customer."""
    kinds = {"bg_nbd": clv.BetaGeo, "mbg_nbd": clv.ModifiedBetaGeo, "pareto_nbd": clv.ParetoNBD}
    found = crm.retention_economics(
        tx, as_of=AS_OF, model=model, margin=0.4, annual_discount_rate=0.0, retention_points=(0.05,)
    )
    fit = kinds[model].fit(histories)
    x, age = arrays(histories)
    alive = fit.p_alive(histories).to_numpy()

    def retention(easing):
        return (alive * survival(fit, x, age, after=365.25, easing=easing)).sum() / alive.sum()

    low, high = 1e-6, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if retention(middle) > retention(1.0) + 0.05 else (low, middle)
    more = purchases_ahead(fit, x, age, horizon=1095, easing=low) - purchases_ahead(fit, x, age, horizon=1095)
    spend = clv.GammaGamma.fit(histories)
    p, q, v = spend.values()
    z = histories["monetary_value"].to_numpy()
    each = p * (v + x * np.maximum(z, 0)) / (p * x + q - 1)
    assert lever(found, "Retention", 0.05)["worth"] == pytest.approx(
        0.4 * (alive * more * each).sum(), rel=1e-5
    )


def test_easing_does_what_it_says_to_made_customers():
    """Pareto/NBD customers whose rates of leaving are multiplied, lived through one by one."""
    rng = np.random.default_rng(4)
    n, horizon, easing = 200_000, 400.0, 0.6
    fit = clv.ParetoNBD.fit(clv.summarise(crm.sample().table("transactions")))
    r, alpha, s, beta = fit.values()
    x, age = 3.0, 200.0
    rate = rng.gamma(r + x, 1 / (alpha + age), n)
    life = rng.exponential(1 / (easing * rng.gamma(s, 1 / (beta + age), n)))
    bought = rng.poisson(rate * np.minimum(life, horizon))
    at = (np.array([x]), np.array([age]))
    assert purchases_ahead(fit, *at, horizon=horizon, easing=easing)[0] == pytest.approx(
        bought.mean(), rel=0.01
    )
    assert survival(fit, *at, after=horizon, easing=easing)[0] == pytest.approx(
        (life > horizon).mean(), abs=0.005
    )


def test_more_spend_is_worth_its_share_of_the_base(result):
    for size in (0.01, 0.05):
        row = lever(result, "Spend per purchase", size)
        assert row["worth"] == pytest.approx(size * base(result)["base_value"], rel=1e-9)
        assert row["worth_share"] == pytest.approx(size, rel=1e-9)


def test_cheaper_winning_saves_its_share_of_what_winning_costs(tx, result):
    first = tx.group_by("customer_id").agg(pl.col("ordered_at").min().dt.date())
    came = first.filter(pl.col("ordered_at") >= date(2025, 7, 1)).height
    assert base(result)["n_new_a_year"] == pytest.approx(came, abs=2), "refunds alone make no customer"
    years = (1 - 1.1 ** -(1095 / 365.25)) / np.log(1.1)
    saved = 0.05 * 12.0 * base(result)["n_new_a_year"] * years
    assert lever(result, "Cost of winning customers", 0.05)["worth"] == pytest.approx(saved, rel=1e-9)


def test_the_curve_passes_through_the_levers_and_rises(result):
    curve = result.tables()["curve"]
    assert curve["worth"][0] == 0.0
    assert (curve["worth"].diff().drop_nulls() > 0).all()
    at = curve.filter((pl.col("retention_points") - 0.05).abs() < 1e-9).row(0, named=True)
    row = lever(result, "Retention", 0.05)
    for end in ("", "_lower", "_upper"):
        assert at[f"worth{end}"] == pytest.approx(row[f"worth{end}"], rel=1e-6)


def test_keeping_against_replacing(result, histories):
    items = {r["item"]: r for r in result.tables()["keep_or_replace"].iter_rows(named=True)}
    kept, new = items["A customer kept"], items["A new customer"]
    assert kept["amount"] == pytest.approx(
        base(result)["base_value"] / base(result)["expected_alive"], rel=1e-6
    )
    assert items["Cost of winning one"]["amount"] == 12.0
    net = items["A new customer, less the cost"]["amount"]
    assert net == pytest.approx(new["amount"] - 12.0)
    returning = items["A returning customer kept"]["amount"]
    assert base(result)["n_new_needed"] == pytest.approx(returning / net, rel=1e-9)
    fit = clv.BetaGeo.fit(histories)
    spend = (histories["frequency"] * histories["monetary_value"]).sum() / histories["frequency"].sum()
    undiscounted = 0.4 * (histories["first_value"].mean() + fit.expected_of_new_customer(1095) * spend)
    assert 0.8 * undiscounted < new["amount"] < undiscounted


def test_customers_that_cost_more_than_they_bring_replace_nobody(tx):
    found = crm.retention_economics(tx, as_of=AS_OF, acquisition_cost=5000.0, margin=0.4)
    assert base(found)["n_new_needed"] is None
    assert "does not bring back" in " ".join(found.summary()["finding_text"])
    for view in found.views:
        found.plot(view.name)


def test_without_a_cost_of_winning_a_note_says_what_to_give(tx):
    found = crm.retention_economics(tx, as_of=AS_OF)
    assert "Cost of winning customers" not in found.tables()["levers"]["lever"].to_list()
    assert any(n.code == "no_acquisition_cost" and "acquisition_cost=" in n.option for n in found.notes)


def test_more_retention_than_can_be_is_left_out_and_said(tx):
    found = crm.retention_economics(tx, as_of=AS_OF, retention_points=(0.01, 0.5))
    assert found.tables()["levers"].filter(pl.col("lever") == "Retention")["lever_size"].to_list() == [0.01]
    assert any(n.code == "retention_at_its_end" for n in found.notes)


def test_the_headline_says_retention_and_what_a_point_is_worth(result):
    row = lever(result, "Retention", 0.01)
    assert f"{100 * base(result)['yearly_retention']:.1f}%" in result.headline()
    assert "1 point more would be worth" in result.headline()
    assert row["worth_lower"] < row["worth"] < row["worth_upper"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"horizon_days": 4000}, "horizon_days=4000"),
        ({"acquisition_cost": 0.0}, "acquisition_cost=0.0.*above 0"),
        ({"retention_points": (0.0,)}, "retention_points=0.0"),
        ({"spend_rises": (-0.1,)}, "spend_rises=-0.1"),
        ({"cost_cuts": (1.2,)}, "cost_cuts=1.2"),
        ({"annual_discount_rate": -2.0}, "annual_discount_rate=-2.0"),
        ({"model": "arima"}, "model='arima'"),
    ],
)
def test_options_out_of_range_are_named(tx, options, match):
    with pytest.raises(OptionError, match=match):
        crm.retention_economics(tx, as_of=AS_OF, **options)


def test_too_few_customers_are_a_plain_reason(tx):
    few = tx.filter(pl.col("customer_id") == tx["customer_id"][0])
    with pytest.raises(NotEnoughDataError, match="At least 10"):
        crm.retention_economics(few, as_of=AS_OF)
