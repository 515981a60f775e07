"""How customers buy: tables against hand counts, exact distributions and simulations whose truth is known."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import integrate, stats

import crm_analytics as crm
from crm_analytics import clv
from crm_analytics.clv.buying import model, rhythm
from crm_analytics.clv.buying.classes import counted, round_ends
from crm_analytics.clv.buying.spend import spend_table
from crm_analytics.clv.forecasts.counts import shares_by_age
from crm_analytics.clv.models.candidates import restored
from crm_analytics.clv.worth.spending import expected_spend
from crm_analytics.errors import OptionError


@pytest.fixture(scope="module")
def result():
    return crm.run("buying_patterns", crm.sample())


@pytest.fixture(scope="module")
def fit(result):
    return restored(crm.run("lifetime_value", crm.sample()).tables()["model"])


def visits(*people):
    """Make purchases of customers on the given days of 2025."""
    rows = [
        (f"c{i}", datetime(2025, 1, 1) + timedelta(days=day), 10.0)
        for i, days in enumerate(people)
        for day in days
    ]
    return pl.DataFrame(rows, schema=["customer_id", "ordered_at", "amount"], orient="row")


def bought(*people):
    return rhythm.purchases_of(crm.read_transactions(visits(*people)), date(2026, 1, 1))


def test_all_customers_are_counted_once_and_by_the_model_too(result):
    table = result.tables()["purchases"]
    summary = clv.summarise(crm.sample().table("transactions"), as_of=result.provenance.as_of)
    assert table["n_customers"].sum() == summary.height
    assert table["expected_customers"].sum() == pytest.approx(summary.height, rel=1e-9)
    assert table["n_customers"][0] == (summary["frequency"] == 0).sum()
    assert table["n_customers"][7] == (summary["frequency"] >= 7).sum()


def test_the_model_that_made_the_customers_has_them_at_the_right_number(result):
    table = result.tables()["purchases"]
    assert model.rightly_placed(table) > 0.98
    inside = table["n_customers"].is_between(
        table["expected_customers_lower"], table["expected_customers_upper"]
    )
    assert inside.sum() >= 7


def test_the_share_rightly_placed_by_hand():
    table = pl.DataFrame({"n_customers": [6, 4], "expected_customers": [5.0, 5.0]})
    assert model.rightly_placed(table) == pytest.approx(0.9)


def test_shares_by_age_interpolate_almost_without_loss(fit):
    ages = np.linspace(1, 1000, 700)
    exact = np.array([clv.probability_of_purchases(fit, range(4), horizon=float(a)) for a in ages])
    off = np.abs(shares_by_age(fit, ages, range(4)) - exact)
    assert off.max() < 1e-3  # in the first days, where the curve bends most
    assert off.mean() < 1e-5


@pytest.mark.parametrize(("table", "name"), [("rates", "rate"), ("leaving", "leaving")])
def test_a_distribution_sums_to_one_with_its_bounds_around_it(result, table, name):
    found = result.tables()[table]
    assert found["model_share"].sum() == pytest.approx(1, abs=1e-9)
    assert (found["model_share_lower"] <= found["model_share"]).all()
    assert found[f"{name}_from"].is_sorted()


def test_rates_and_leaving_are_the_fitted_distributions(result, fit):
    r, alpha, a, b = fit.values()
    rates = result.tables()["rates"]
    low, high = rates["rate_from"][2], rates["rate_to"][2]
    density = stats.gamma(r, scale=365.25 / alpha).pdf
    assert rates["model_share"][2] == pytest.approx(integrate.quad(density, low, high)[0], rel=1e-8)
    leaving = result.tables()["leaving"]["model_share"][2]
    assert leaving == pytest.approx(integrate.quad(stats.beta(a, b).pdf, 0.1, 0.15)[0], rel=1e-8)


def test_leaving_under_pareto_nbd_is_within_a_year():
    result = crm.run("buying_patterns", crm.sample(), model="pareto_nbd")
    fit = clv.ParetoNBD.fit(clv.summarise(crm.sample().table("transactions"), as_of=result.provenance.as_of))
    rates = stats.gamma(fit.params["s"], scale=365.25 / fit.params["beta"])
    drawn = 1 - np.exp(-rates.rvs(400_000, random_state=1))
    found = result.tables()["leaving"]
    shares = np.histogram(drawn, np.linspace(0, 1, 21))[0] / len(drawn)
    assert found["model_share"].to_numpy() == pytest.approx(shares, abs=0.003)
    assert model.mean_leaving(fit) == pytest.approx(drawn.mean(), abs=0.002)
    assert "within a year" in result.views[5].title


def test_a_cell_of_the_map_is_what_the_fit_says(result, fit):
    table = result.tables()["standing"]
    oldest = table["silent_days"].max()
    row = table.filter(frequency=3).row(4, named=True)
    one = pl.DataFrame({"frequency": [3.0], "recency": [oldest - row["silent_days"]], "T": [oldest]})
    assert row["p_alive"] == pytest.approx(fit.p_alive(one).item(), rel=1e-9)
    assert row["expected_purchases"] == pytest.approx(
        fit.expected_purchases(one, horizon=365).item(), rel=1e-9
    )
    assert table["n_customers_near"].sum() == result.tables()["purchases"]["n_customers"].sum()


def test_silence_is_even_where_it_says(result, fit):
    oldest = result.tables()["standing"]["silent_days"].max()
    for row in result.tables()["silence"].drop_nulls().iter_rows(named=True):
        days = np.array([row["silence_half_days"] - 1, row["silence_half_days"]])
        alive = fit.alive_of(np.full(2, float(row["frequency"])), oldest - days, np.full(2, oldest), 0.0)
        assert alive[0] > 0.5 >= alive[1]
        assert row["silence_half_days_lower"] <= row["silence_half_days"] <= row["silence_half_days_upper"]


def test_who_bought_more_often_is_given_up_sooner(result):
    days = result.tables()["silence"]["silence_half_days"].drop_nulls()
    assert days.is_sorted(descending=True)


def test_newcomers_made_what_is_counted_by_hand():
    tx = visits([0, 10, 30], [0, 40], [0], [20, 25], [0, 5], *[[i, i + 20] for i in range(8)])
    result = crm.buying_patterns(tx, as_of=date(2025, 3, 2), model="bg_nbd")  # the oldest are 59 days old
    table = result.tables()["newcomers"]
    summary = clv.summarise(tx, as_of=date(2025, 3, 2))
    for row in table.iter_rows(named=True):
        h = row["days_since_first"]
        old = summary.filter(pl.col("T") >= h)
        assert row["n_observed"] == old.height
        if row["actual_repeats"] is None:
            assert old.height < 10
            continue
        first = tx.group_by("customer_id").agg(first=pl.col("ordered_at").min())
        joined = tx.join(first, on="customer_id").filter(
            pl.col("customer_id").is_in(old["customer_id"].implode())
        )
        since = (joined["ordered_at"] - joined["first"]).dt.total_days()
        made = ((since > 0) & (since <= h)).sum()
        assert row["actual_repeats"] == pytest.approx(made / old.height)


def test_gaps_by_hand():
    found = bought([0, 10, 30], [5], [0, 40])
    assert sorted(found["gap"].drop_nulls()) == [10, 20, 40]
    table = rhythm.gap_table(found)
    assert table["n_gaps"].sum() == 3
    assert table["share_so_far"][-1] == pytest.approx(1)
    row = rhythm.rhythm_table(found, rhythm.regularity(np.array([]))).row(0, named=True)
    assert (row["n_gaps"], row["gap_median_days"], row["regularity"]) == (3, 20, None)


def test_the_later_of_the_last_two_gaps_by_hand():
    parts = rhythm.last_gaps(bought([0, 7, 10, 40], [5], [0, 40], [0, 6, 8]))
    assert sorted(parts) == pytest.approx([0.25, 30 / 33])


@pytest.mark.parametrize("k", [0.5, 1.0, 2.0, 4.0])
def test_regularity_is_recovered_whatever_the_rates(k):
    rng = np.random.default_rng(5)
    rates = rng.gamma(0.7, 1.0, 20_000)
    gaps = rng.gamma(k, 1.0, (2, 20_000)) / rates
    found = rhythm.regularity(gaps[1] / gaps.sum(axis=0))
    assert found.lower < k < found.upper
    assert found.k == pytest.approx(k, rel=0.05)
    table = rhythm.place_table(gaps[1] / gaps.sum(axis=0), found)
    assert table["observed_share"].to_numpy() == pytest.approx(table["model_share"].to_numpy(), abs=0.01)


def test_regularity_by_its_formula():
    # Wheat and Morrison (1990): k = (1 - 4 v) / (8 v); all at 0.25 and 0.75 gives v = 1/16
    found = rhythm.regularity(np.repeat([0.25, 0.75], 20))
    assert found.k == pytest.approx(1.5)


def test_regular_buyers_are_told_so():
    rng = np.random.default_rng(2)
    people = [rng.integers(0, 30) + np.cumsum(rng.integers(13, 16, 8)) for _ in range(60)]
    result = crm.buying_patterns(visits(*(p.tolist() for p in people)), as_of=date(2025, 8, 1))
    assert result.tables()["rhythm"]["regularity"][0] > 20
    assert "regular_buyers" in {n.code for n in result.notes}
    assert "rhythm" in next(v.title for v in result.views if v.name == "regularity")


def test_spend_follows_the_model_that_made_it():
    rng = np.random.default_rng(3)
    n = 40_000
    x = rng.integers(1, 6, n)
    own = rng.gamma(4.0, 1 / 60.0, n)
    z = rng.gamma(5.0 * x, 1.0) / own / x
    summary = pl.DataFrame({"frequency": x, "monetary_value": z, "first_value": z})
    table = spend_table(summary, expected_spend(summary))
    assert table["observed_share"].sum() == pytest.approx(1)
    assert table["model_share"].sum() == pytest.approx(1)
    assert table["model_share"].to_numpy() == pytest.approx(table["observed_share"].to_numpy(), abs=0.006)


def test_spend_that_goes_with_frequency_is_still_followed():
    rng = np.random.default_rng(4)
    n = 30_000
    x = rng.integers(1, 12, n)
    z = (1 + x) * rng.gamma(5.0 * x, 1.0) / rng.gamma(9.0, 1 / 60.0, n) / x
    summary = pl.DataFrame({"frequency": x, "monetary_value": z, "first_value": z})
    spending = expected_spend(summary)
    assert spending.basis == "gamma_gamma_by_frequency"
    table = spend_table(summary, spending)
    assert np.abs(table["model_share"] - table["observed_share"]).sum() < 0.1


def test_without_money_there_is_no_spend_and_it_is_said():
    tx = visits(*[[i, i + 9, i + 30] for i in range(20)]).with_columns(amount=pl.lit(0.0))
    result = crm.buying_patterns(tx, as_of=date(2025, 6, 1))
    assert result.tables()["spend"].is_empty()
    assert "no money" in result.plot("spend").layout.meta["alt"]


def test_purchases_of_those_drawn_are_theirs(result):
    table = result.tables()["timing"]
    assert table["line"].n_unique() == 30
    orders = crm.sample().table("transactions").frame.collect()
    days = clv.summarise(crm.sample().table("transactions"), as_of=result.provenance.as_of)
    for customer, rows in table.group_by("customer_id"):
        x = days.filter(customer_id=customer[0])["frequency"].item()
        assert rows.height == x + 1
        assert (
            rows["seen_on"]
            .is_in(orders.filter(customer_id=customer[0])["ordered_at"].dt.date().implode())
            .all()
        )


def test_three_histories_end_steady_even_and_gone(result):
    ends = result.tables()["histories"].group_by("line").agg(pl.col("p_alive").last()).sort("line")["p_alive"]
    assert ends.to_list() == pytest.approx([0.95, 0.5, 0.05], abs=0.05)


def test_the_history_of_a_customer_is_that_of_the_library(result, fit):
    tx, as_of = crm.sample().table("transactions"), result.provenance.as_of
    customer = result.tables()["histories"]["customer_id"][0]
    found = rhythm.customer_history(tx, customer, fit, as_of)
    drawn = result.tables()["histories"].filter(customer_id=customer)
    same = found.join(drawn, on="seen_on", how="inner")
    assert same.height > 10
    assert same["p_alive"].to_list() == pytest.approx(same["p_alive_right"].to_list(), rel=1e-9)
    assert rhythm.customer_history(tx, "nobody", fit, as_of).is_empty()


def test_a_restored_fit_predicts_as_the_one_it_came_from(fit):
    tx = crm.sample().table("transactions")
    summary = clv.summarise(tx, as_of=crm.run("lifetime_value", crm.sample()).provenance.as_of)
    assert fit.p_alive(summary).to_list() == pytest.approx(
        clv.BetaGeo.fit(summary).p_alive(summary).to_list(), rel=1e-6
    )


def test_round_ends_hold_the_top():
    for top in (0.0, 0.7, 3, 99, 1234.5):
        ends = round_ends(top, 20)
        assert len(ends) <= 21
        assert ends[-1] >= top
    assert counted(np.array([0, 9.99, 10, 35]), np.array([0.0, 10, 20])).tolist() == [2, 1, 1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"horizon_days": 0}, "horizon_days"),
        ({"n_shown": 0}, "n_shown"),
        ({"n_shown": 61}, "1 to 60 customers"),
        ({"model": "nbd"}, "bg_nbd"),
    ],
)
def test_what_cannot_be_asked(options, words):
    with pytest.raises(OptionError, match=words):
        crm.run("buying_patterns", crm.sample(), **options)
