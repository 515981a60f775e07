"""The truth can be found again in the data, with methods and code that are not ours where there are any."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.special import beta

WEEK = 7.0
FEW = 3.5
"""How many standard errors an estimate may lie away; with about thirty comparisons, all seeds fixed."""


def order_values(company):
    """One row per order: what was sold, refunds left out."""
    sold = company.clean_transactions.filter(pl.col("quantity") > 0)
    return sold.group_by("customer_id", "order_id").agg(
        pl.col("ordered_at").min(), pl.col("amount").sum(), pl.col("channel").first()
    )


def orders_within(rows, orders, since, days):
    """Count the orders of each row's customer in the `days` after `since`."""
    window = pl.col("ordered_at").is_between(
        pl.col(since), pl.col(since) + pl.duration(days=days), closed="left"
    )
    hits = (
        rows.with_row_index("row").join(orders, on="customer_id").filter(window).group_by("row").len("orders")
    )
    return rows.with_row_index("row").join(hits, on="row", how="left")["orders"].fill_null(0).to_numpy()


def ratio_of_means(one, other):
    """Give mean(one) / mean(other) and its standard error by the delta method."""
    ratio = one.mean() / other.mean()
    relative = [np.var(x, ddof=1) / len(x) / x.mean() ** 2 for x in (one, other)]
    return ratio, ratio * np.sqrt(sum(relative))


@pytest.fixture(scope="module")
def plain(truth):
    """Purchases alone, without anything that bends the process."""
    from sample_data.chance import Recipe
    from sample_data.people import draw_people
    from sample_data.purchases import simulate

    recipe = Recipe(truth.plain(), 7, 40_000)
    people = draw_people(recipe)
    return people, simulate(recipe, people)[0]


@pytest.mark.usefixtures("unwarned")
@pytest.mark.parametrize("channel", ["web", "store", "marketplace", "phone"])
def test_lifetimes_finds_the_bg_nbd_parameters_of_every_channel(plain, truth, lifetimes, channel):
    people, orders = plain
    chosen = people.buyer & (people.channel == list(truth.channels).index(channel))
    first, last = np.full(people.size, np.inf), np.zeros(people.size)
    np.minimum.at(first, orders.person, orders.time)
    np.maximum.at(last, orders.person, orders.time)
    repeats = np.bincount(orders.person, minlength=people.size) - 1
    fit = lifetimes.BetaGeoFitter().fit(
        repeats[chosen], (last - first)[chosen] / WEEK, (truth.n_days - first)[chosen] / WEEK
    )
    known = {"r": truth.r, "alpha": truth.alpha[channel], "a": truth.a, "b": truth.b}
    for name, value in known.items():
        away = (fit.params_[name] - value) / fit.standard_errors_[name]
        assert abs(away) < FEW, (name, fit.params_[name], value)


@pytest.mark.usefixtures("unwarned")
def test_lifetimes_finds_the_gamma_gamma_parameters(company, large, truth, lifetimes):
    values = order_values(large).filter(pl.col("customer_id") <= "040000")
    spend = values.group_by("customer_id").agg(pl.len().alias("n"), pl.col("amount").mean())
    fit = lifetimes.GammaGammaFitter().fit(spend["n"].to_numpy(), spend["amount"].to_numpy())
    for name, value in {"p": truth.p, "q": truth.q, "v": truth.v}.items():
        away = (fit.params_[name] - value) / fit.standard_errors_[name]
        assert abs(away) < FEW, (name, fit.params_[name], value)


def test_spend_per_order_and_the_number_of_orders_have_nothing_to_do_with_each_other(large):
    spend = order_values(large).group_by("customer_id").agg(pl.len().alias("n"), pl.col("amount").mean())
    correlation = np.corrcoef(spend["n"], spend["amount"])[0, 1]
    assert abs(correlation) < 0.02


def test_channels_differ_in_rate_and_countries_do_not(large):
    counted = order_values(large).group_by("customer_id").len("orders")
    customers = large.tables["customers"].join(counted, on="customer_id")
    by_channel = dict(customers.group_by("channel").agg(pl.col("orders").mean()).iter_rows())
    assert by_channel["store"] > by_channel["web"] > by_channel["phone"] > by_channel["marketplace"]
    by_country = customers.group_by("country").agg(
        pl.col("orders").mean(), error=pl.col("orders").std() / pl.len().sqrt()
    )
    away = (by_country["orders"] - customers["orders"].mean()) / by_country["error"]
    assert away.abs().max() < FEW


def test_the_calendar_month_bends_the_rate_as_stated(large, truth):
    """Repeat orders of the customers won at the launch: December against the months two before and two after."""
    assert np.mean(truth.season) == pytest.approx(1.0, abs=0.001)
    orders = order_values(large)
    first = orders.group_by("customer_id").agg(first=pl.col("ordered_at").min())
    old = first.filter(pl.col("first") < pl.datetime(2023, 10, 1))
    repeat = orders.join(old, on="customer_id").filter(pl.col("ordered_at") > pl.col("first"))
    months = dict(repeat.group_by(pl.col("ordered_at").dt.strftime("%Y-%m")).len().iter_rows())
    around = (months["2024-10"] / 31 * months["2025-02"] / 28) ** 0.5
    december = months["2024-12"] / 31 / around
    stated = truth.season[11] / (truth.season[9] * truth.season[1]) ** 0.5
    assert december == pytest.approx(stated, abs=0.05)


def test_saturday_is_the_best_day_as_stated(large, truth):
    orders = order_values(large)
    repeat = orders.filter(pl.col("ordered_at") > pl.col("ordered_at").min().over("customer_id"))
    counts = repeat.group_by(pl.col("ordered_at").dt.weekday()).len().sort("ordered_at")["len"].to_numpy()
    assert np.mean(truth.weekday) == pytest.approx(1.0)
    np.testing.assert_allclose(counts / counts.mean(), truth.weekday, atol=FEW / counts.mean() ** 0.5)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_difference_of_the_arms_is_the_uplift_of_the_campaign(large, truth, number):
    campaign = truth.campaigns[number]
    contacts = large.tables["contacts"].filter(pl.col("campaign_id") == campaign.name)
    counts = orders_within(contacts, order_values(large), "contacted_at", truth.campaign_days)
    treated = (contacts["arm"] == "treatment").to_numpy()
    ratio, error = ratio_of_means(counts[treated], counts[~treated])
    assert abs(ratio - 1 - campaign.uplift) < FEW * error, (ratio, error)
    assert error < 0.05
    assert treated.mean() == pytest.approx(campaign.treated_share, abs=0.01)


def test_the_voucher_shows_even_in_the_committed_data(company, truth):
    contacts = company.tables["contacts"].filter(pl.col("campaign_id") == truth.campaigns[1].name)
    counts = orders_within(contacts, order_values(company), "contacted_at", truth.campaign_days)
    treated = (contacts["arm"] == "treatment").to_numpy()
    ratio, error = ratio_of_means(counts[treated], counts[~treated])
    assert ratio - 1 > 2 * error


def test_revenue_claimed_by_a_campaign_without_effect_is_not_nothing(large, truth):
    newsletter = large.tables["contacts"].filter(pl.col("campaign_id") == truth.campaigns[2].name)
    assert truth.campaigns[2].uplift == 0
    assert newsletter["revenue"].sum() > 20 * newsletter["cost"].sum()


def first_cases(company, truth):
    """Each customer's first case, and whether it was slow, where the 60 days after can be seen whole."""
    limit = pl.duration(days=truth.slow_after_days)
    end = pl.lit(truth.end).cast(pl.Datetime("us"))
    cases = company.tables["cases"].sort("opened_at").unique("customer_id", keep="first", maintain_order=True)
    return cases.with_columns(
        slow=(pl.col("closed_at") - pl.col("opened_at") > limit).fill_null(value=True),
        decided_at=pl.col("opened_at").dt.truncate("1d") + limit,
    ).filter(pl.col("decided_at") + pl.duration(days=60) <= end, pl.col("closed_at").is_not_null())


def test_slow_handling_costs_orders_by_the_stated_factor(large, truth):
    cases = first_cases(large, truth)
    slow = cases["slow"].to_numpy()
    counts = orders_within(cases, order_values(large), "decided_at", 60)
    ratio, error = ratio_of_means(counts[slow], counts[~slow])
    stated = truth.slow_factor * (1 - truth.slow_leaver_share)
    assert abs(ratio - stated) < FEW * error, (ratio, error)
    assert error < 0.05
    assert slow.mean() == pytest.approx(truth.slow_share, abs=0.02)


def test_a_share_of_those_handled_slowly_never_orders_again(truth):
    """Where nobody is lost but by slow handling, and rates stay: leavers are those without an order for a year.

    Those who order so seldom that a year passes anyway are counted among the quickly handled.
    """
    from sample_data.generate import make_company

    plain = replace(truth.plain(), a=1e-9, r=8.0, slow_leaver_share=truth.slow_leaver_share)
    firm = make_company(plain, customers=4_000, seed=3)
    end = pl.datetime(2025, 6, 1)
    cases = first_cases(firm, truth).filter(pl.col("opened_at") < end)
    cases = cases.with_columns(later=orders_within(cases, order_values(firm), "decided_at", 365))
    never = dict(cases.group_by("slow").agg((pl.col("later") == 0).mean()).iter_rows())
    n_slow = cases["slow"].sum()
    error = np.sqrt(truth.slow_leaver_share * (1 - truth.slow_leaver_share) / n_slow)
    assert n_slow > 300
    assert never[False] < 0.2
    assert abs(never[True] - never[False] - truth.slow_leaver_share * (1 - never[False])) < FEW * error


def test_before_the_complaint_there_is_no_difference(large, truth):
    cases = first_cases(large, truth).with_columns(pl.col("opened_at") - pl.duration(days=120))
    slow = cases["slow"].to_numpy()
    counts = orders_within(cases, order_values(large), "opened_at", 120)
    ratio, error = ratio_of_means(counts[slow], counts[~slow])
    assert abs(ratio - 1) < FEW * error


def answers(company, truth):
    """Complete answers as numbers: the ratings less the reference, and csat."""
    from sample_data.service import REFERENCE

    names = [driver.name for driver in truth.drivers]
    frame = company.tables["surveys"].select("csat", pl.col(names).cast(float, strict=False)).drop_nulls()
    return frame.select(names).to_numpy() - REFERENCE, frame["csat"].to_numpy().astype(float)


def regress(columns, outcome):
    """Give coefficients and standard errors of a regression with intercept; the intercept is left out."""
    design = np.column_stack([np.ones(len(outcome)), columns])
    found, *_ = np.linalg.lstsq(design, outcome, rcond=None)
    rest = outcome - design @ found
    variance = rest @ rest / (len(outcome) - design.shape[1]) * np.linalg.inv(design.T @ design).diagonal()
    return found[1:], np.sqrt(variance)[1:]


def test_a_regression_with_bends_finds_the_weight_of_every_driver(large, truth):
    """Below and above the reference apart: linear drivers equal, a must-be only below, a delighter only above.

    Beyond the standard errors 0.02 are allowed for the ends of the scale and the few unhappy who do not answer.
    """
    ratings, csat = answers(large, truth)
    found, errors = regress(np.column_stack([np.minimum(ratings, 0), np.maximum(ratings, 0)]), csat)
    known = np.array([d.below for d in truth.drivers] + [d.above for d in truth.drivers])
    assert len(csat) > 20_000
    np.testing.assert_array_less(np.abs(found - known), FEW * errors + 0.02)


def test_the_null_driver_goes_with_satisfaction_and_does_nothing_for_it(company, large, truth):
    names = [driver.name for driver in truth.drivers]
    packaging = names.index("packaging")
    ratings, csat = answers(large, truth)
    assert np.corrcoef(ratings[:, packaging], csat)[0, 1] > 0.4
    found, errors = regress(ratings, csat)
    assert abs(found[packaging]) < FEW * errors[packaging]
    ratings, csat = answers(company, truth)
    found, errors = regress(ratings, csat)
    assert abs(found[packaging]) < 2.5 * errors[packaging]
    assert found[names.index("quality")] > 5 * errors[names.index("quality")]


def test_the_unhappy_and_some_channels_answer_less_often(large, truth):
    weights = large.tables["surveys"].group_by("channel").agg(pl.col("weight").first())
    by_channel = dict(weights.iter_rows())
    assert by_channel["marketplace"] / by_channel["web"] == pytest.approx(
        truth.response["web"] / truth.response["marketplace"], abs=0.02
    )


def test_promoters_buy_more_afterwards(company):
    surveys = company.tables["surveys"].filter(
        pl.col("answered_at") < pl.datetime(2026, 1, 1), pl.col("nps").is_not_null()
    )
    counts = orders_within(surveys, order_values(company), "answered_at", 180)
    nps = surveys["nps"].to_numpy()
    ratio, error = ratio_of_means(counts[nps >= 9], counts[nps <= 6])
    assert ratio > 1 + 2 * error


def first_spells(company):
    """Each customer's first time on the plan, without a break: start and end."""
    periods = company.tables["subscriptions"].sort("customer_id", "started_on")
    breaks = (pl.col("started_on") != pl.col("ended_on").shift(1)).over("customer_id").fill_null(value=True)
    spells = periods.with_columns(spell=breaks.cast(int).cum_sum().over("customer_id"))
    return (
        spells.filter(pl.col("spell") == 1)
        .group_by("customer_id")
        .agg(pl.col("started_on").first(), pl.col("ended_on").last())
    )


@pytest.mark.parametrize("month", [1, 6, 12, 24])
def test_survival_on_the_plan_is_shifted_beta_geometric(large, truth, month):
    """S(t) = B(alpha, beta + t) / B(alpha, beta), Fader and Hardie (2007), equation 6."""
    spells = first_spells(large)
    anniversary = pl.col("started_on").dt.offset_by(f"{month}mo")
    seen = spells.filter(anniversary < pl.lit(truth.end))
    stays = seen.select(pl.col("ended_on").is_null() | (pl.col("ended_on") > anniversary)).to_series()
    expected = beta(truth.plan_alpha, truth.plan_beta + month) / beta(truth.plan_alpha, truth.plan_beta)
    error = np.sqrt(expected * (1 - expected) / len(stays))
    assert abs(stays.mean() - expected) < FEW * error


@pytest.mark.parametrize(("group", "field"), [("fading", "fading_factor"), ("rising", "rising_factor")])
def test_groups_migrate_by_the_stated_factor(truth, group, field):
    """Orders in the year after against the year before, without dropout, season and slow complaints."""
    from sample_data.generate import make_company

    plain = truth.plain()
    lasting = replace(plain, a=1e-9, fading_share=truth.fading_share, rising_share=truth.rising_share)
    firm = make_company(lasting, customers=30_000, seed=3)
    known = firm.customers_truth.filter(
        pl.col("group") == group, pl.col("first_day") < truth.day(truth.migration_from) - 366
    )
    known = known.with_columns(
        turn=pl.lit(truth.migration_from).cast(pl.Datetime("us")),
        before=pl.lit(truth.migration_from.replace(year=truth.migration_from.year - 1)).cast(
            pl.Datetime("us")
        ),
    )
    orders = order_values(firm)
    after, before = orders_within(known, orders, "turn", 365), orders_within(known, orders, "before", 365)
    factor = after.sum() / before.sum()
    error = factor * np.sqrt(1 / after.sum() + 1 / before.sum())
    assert abs(factor - getattr(truth, field)) < FEW * error


def test_fading_customers_were_good_ones(company):
    rates = company.customers_truth.group_by("group").agg(pl.col("rate_per_week").median())
    by_group = dict(rates.iter_rows())
    assert by_group["fading"] > 2 * by_group["steady"]


class TestPlausible:
    """What an analyst would look at first in the committed data."""

    def test_more_than_half_buy_again(self, company):
        counts = order_values(company).group_by("customer_id").len()["len"]
        assert 0.50 < (counts > 1).mean() < 0.62
        assert 3 < counts.mean() < 5

    def test_the_best_tenth_bring_nearly_half(self, company):
        spend = company.clean_transactions.group_by("customer_id").agg(pl.col("amount").sum())["amount"]
        ranked = spend.sort(descending=True)
        assert 0.35 < ranked.head(len(ranked) // 10).sum() / ranked.sum() < 0.50

    def test_some_customers_cost_more_than_they_bring(self, company):
        margin = (
            company.clean_transactions.with_columns(margin=pl.col("amount") - pl.col("cost"))
            .group_by("customer_id")
            .agg(pl.col("margin").sum())["margin"]
            .sort(descending=True)
        )
        assert 1.03 < margin.cum_sum().max() / margin.sum() < 1.15
        assert 0.05 < (margin < 0).mean() < 0.15

    def test_the_firm_grows(self, company):
        years = company.clean_transactions.group_by(
            ((pl.col("ordered_at").dt.offset_by("-6mo")).dt.year()).alias("year")
        ).agg(pl.col("amount").sum())
        by_year = dict(years.iter_rows())
        assert by_year[2024] > 1.05 * by_year[2023]
        assert by_year[2025] > 1.05 * by_year[2024]

    def test_about_one_order_in_twenty_five_is_refunded(self, company):
        lines = company.clean_transactions
        refunded = lines.filter(pl.col("quantity") < 0)["order_id"].str.strip_prefix("R").n_unique()
        sold = lines.filter(pl.col("quantity") > 0)["order_id"].n_unique()
        assert 0.03 < refunded / sold < 0.05

    def test_the_net_promoter_score_is_that_of_a_decent_shop(self, company):
        nps = company.tables["surveys"]["nps"].drop_nulls()
        assert 0.05 < (nps >= 9).mean() - (nps <= 6).mean() < 0.40
        assert (nps <= 6).mean() > 0.10
