"""What follows a complaint: by hand, the planted effect of the sample company, and the level where there is none."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import crm_analytics as crm
from sample_data.generate import make_company
from sample_data.service import CATEGORIES
from sample_data.truth import Truth

DAY = datetime(2025, 1, 1)
SLOW, QUICK = "slower than target", "resolved within target"


def firm(rng, n=700, *, effect=1.0, days=540, complaint=0.08, slow_share=0.4):
    """Make a shop whose customers order at rates of their own; slow complaints multiply the rate by `effect`."""
    orders, cases = [], []
    for c in range(n):
        rate = rng.gamma(1.0, 1 / 40)
        day, slow_from = float(rng.uniform(0, 200)), np.inf
        while day < days:
            orders.append((f"c{c}", DAY + timedelta(days=day), float(rng.gamma(3, 10))))
            if rng.random() < complaint:
                opened = day + rng.uniform(0.5, 4)
                hours = 24 * (rng.uniform(9, 20) if rng.random() < slow_share else rng.uniform(0.1, 5))
                if hours > 168:
                    slow_from = min(slow_from, opened + 7)
                at = DAY + timedelta(days=opened)
                cases.append((f"k{c}-{len(cases)}", f"c{c}", at, at + timedelta(hours=hours)))
            step = rng.exponential(1 / rate)
            if day + step > slow_from:  # what is left of the wait is stretched
                step = max(slow_from - day, 0) + rng.exponential(1 / (rate * effect))
            day += step
    tx = pl.DataFrame(orders, schema=["customer_id", "ordered_at", "amount"], orient="row")
    seen = [row for row in cases if row[2] < DAY + timedelta(days=days)]
    return tx, pl.DataFrame(seen, schema=["case_id", "customer_id", "opened_at", "closed_at"], orient="row")


AS_OF = (DAY + timedelta(days=540)).date()


def cost_of(result, group):
    return result.tables()["cost"].filter(pl.col("complainer_group") == group).row(0, named=True)


def test_by_hand():
    """Complainers a to e and their twins A to E order on the same day; each complains a day later, handled in 2 days.

    The outcome window of 30 days begins a week after the complaint, on day 8: in it, each complainer orders once for 10,
    each twin twice for 20 each.
    """
    orders, cases = [], []
    for name in "abcde":
        for who in (name, name.upper()):
            orders += [(who, DAY, 50.0), (who, DAY + timedelta(days=5), 7.0)]
        orders += [(name, DAY + timedelta(days=20), 10.0)]
        orders += [(name.upper(), DAY + timedelta(days=d), 20.0) for d in (20, 30)]
        cases.append((f"k{name}", name, DAY + timedelta(days=1), DAY + timedelta(days=3)))
    tx = pl.DataFrame(orders, schema=["customer_id", "ordered_at", "amount"], orient="row")
    case_list = pl.DataFrame(cases, schema=["case_id", "customer_id", "opened_at", "closed_at"], orient="row")
    result = crm.complaints(case_list, as_of="2025-06-01", transactions=tx, horizon_days=30)
    row = cost_of(result, "all complainers")
    assert (row["n_matched"], row["n_unmatched"], row["n_other_customers"]) == (5, 0, 5)
    assert (row["later_orders"], row["matched_orders"], row["orders_difference"]) == pytest.approx((1, 2, -1))
    assert (row["later_spend"], row["matched_spend"], row["spend_difference_total"]) == pytest.approx(
        (10, 40, -150)
    )
    assert (row["later_active_rate"], row["matched_active_rate"]) == pytest.approx((1, 1))
    balance = result.tables()["balance"].filter(pl.col("matched_on") == "days since the last order")
    assert balance.select("complainers_mean", "matched_mean").row(0) == pytest.approx((1, 1))


def test_the_window_must_have_passed():
    tx, cases = firm(np.random.default_rng(1), 150)
    long = crm.complaints(cases, as_of=AS_OF, transactions=tx, horizon_days=365)
    short = crm.complaints(cases, as_of=AS_OF, transactions=tx, horizon_days=30)
    n = [int(r.tables()["cost"].select("n_matched", "n_unmatched").row(0)[0]) for r in (long, short)]
    assert n[0] < n[1]
    assert "too recent" in next(x.text for x in long.notes if x.code == "matching")


def test_orders_after_as_of_and_ids_and_row_order_change_nothing():
    tx, cases = firm(np.random.default_rng(2), 250)
    as_of = date(2026, 1, 1)
    plain = crm.complaints(cases, as_of=as_of, transactions=tx)
    seen = crm.complaints(
        cases,
        as_of=as_of,
        transactions=tx.filter(pl.col("ordered_at") < as_of).sample(fraction=1, shuffle=True, seed=1),
    )
    ids = tx["customer_id"].unique().sort()
    new = dict(zip(ids, (f"x{i}" for i in np.random.default_rng(3).permutation(len(ids))), strict=True))
    named = crm.complaints(
        *(t.with_columns(pl.col("customer_id").replace_strict(new)) for t in (cases,)), as_of=as_of,
        transactions=tx.with_columns(pl.col("customer_id").replace_strict(new)),
    )  # fmt: skip
    for other in (seen, named):
        for name in ("cost", "balance", "volume", "resolution"):
            assert_frame_equal(plain.tables()[name], other.tables()[name], rel_tol=1e-9)


@cache
def without_effect():
    """Five hundred customers, no effect, forty times over: p-values, and the two ways to choose whom to match."""
    rng = np.random.default_rng(11)
    found = []
    for _ in range(40):
        tx, cases = firm(rng, 500)
        row = cost_of(
            crm.complaints(cases, as_of=AS_OF, transactions=tx, horizon_days=120), "all complainers"
        )
        ahead = cost_of(
            crm.complaints(cases, as_of=AS_OF, transactions=tx, horizon_days=120, controls="never"),
            "all complainers",
        )
        found.append((row["orders_p_value"], row["orders_ratio"], ahead["orders_ratio"]))
    return np.array(found)


@pytest.mark.slow
def test_a_firm_without_an_effect_shows_none():
    """Of 40 firms, 5% are expected to fall short of 0.05: 7 or more would come once in 300 times."""
    p, ratio, _ = without_effect().T
    assert (p < 0.05).sum() <= 6
    assert np.exp(np.log(ratio).mean()) == pytest.approx(1, abs=0.05)


@pytest.mark.slow
def test_leaving_out_later_complainers_makes_complaints_look_good():
    _, ratio, ahead = without_effect().T
    assert np.log(ahead).mean() > np.log(ratio).mean() + 0.05


def test_a_strong_effect_is_found_where_it_is():
    tx, cases = firm(np.random.default_rng(5), 1500, effect=0.3)
    result = crm.complaints(cases, as_of=AS_OF, transactions=tx, horizon_days=120)
    slow, quick = cost_of(result, SLOW), cost_of(result, QUICK)
    assert slow["orders_ratio_lower"] < 0.3 + 0.12 < slow["orders_ratio_upper"] + 0.12
    assert slow["orders_ratio_upper"] < 0.7
    assert quick["orders_ratio_lower"] < 1 < quick["orders_ratio_upper"]
    contrast = cost_of(result, "slower, beyond what goes with any complaint")
    assert contrast["orders_ratio"] == pytest.approx(slow["orders_ratio"] / quick["orders_ratio"])
    assert contrast["orders_ratio_upper"] < 1
    assert "fewer orders" in result.headline()


class TestSampleCompany:
    @pytest.fixture(scope="class")
    @classmethod
    def sample(cls):
        return crm.run("complaints", crm.sample())

    def test_slow_handling_costs_what_was_planted(self, sample):
        truth, row = Truth(), cost_of(sample, SLOW)
        planted = truth.slow_factor * (1 - truth.slow_leaver_share)
        assert row["orders_ratio_lower"] < planted < row["orders_ratio_upper"] < 1
        beyond = cost_of(sample, "slower, beyond what goes with any complaint")
        assert beyond["orders_ratio_lower"] < planted < beyond["orders_ratio_upper"] < 1
        assert beyond["active_difference_upper"] < 0
        quick = cost_of(sample, QUICK)
        assert quick["orders_ratio_lower"] < 1 < quick["orders_ratio_upper"]

    def test_the_share_within_the_limit(self, sample):
        row = sample.tables()["resolution"].row(0, named=True)
        truth = Truth()
        within = (1 - truth.slow_share) * (1 - truth.never_closed_share)
        assert row["within_target_rate_lower"] < within < row["within_target_rate_upper"]

    def test_complaints_per_order(self, sample):
        volume = sample.tables()["volume"]
        rate = volume["n_cases"].sum() / volume["orders_in_period"].sum()
        assert rate == pytest.approx(Truth().complaint_probability, rel=0.1)
        assert not volume["is_unusual"].any(), "complaints come at an even rate"

    def test_categories(self, sample):
        table = sample.tables()["categories"]
        for row in table.iter_rows(named=True):
            half = row["case_share_upper"] - row["case_share_lower"]
            assert abs(row["case_share"] - CATEGORIES[row["case_category"]]) < half
        assert not sample.tables()["warnings"]["is_warning"].any()

    def test_speed_is_the_same_for_all_categories_and_channels(self, sample):
        p = sample.tables()["resolution"].drop_nulls("speed_p_value")["speed_p_value"]
        assert p.min() > 0.01

    def test_satisfaction_falls_where_handling_is_slow(self, sample):
        table = sample.tables()["satisfaction"].filter(pl.col("satisfaction_source") == "cases")
        quick = table.filter(pl.col("from_hours") < 168)["mean_satisfaction"]
        slow = table.filter(pl.col("from_hours") >= 168)["mean_satisfaction"]
        assert quick.min() > 3.5
        assert slow.max() < 2.6

    def test_matched_customers_are_alike(self, sample):
        assert sample.tables()["balance"]["imbalance_after"].abs().max() < 0.1

    def test_it_says_what_may_not_be_concluded(self, sample):
        codes = {n.code for n in sample.notes}
        assert {"cause", "recovery_paradox", "silent", "censoring", "first_contact", "matching"} <= codes


def test_orders_of_one_channel_beside_all_cases_are_named():
    result = crm.run("complaints", crm.sample().where(channels=["phone"]))
    assert "Orders are narrowed to channel: phone" in next(
        n.text for n in result.notes if n.code == "narrowed"
    )


@pytest.mark.slow
def test_a_large_company_gives_the_planted_effect_and_the_plain_one_none():
    for truth in (Truth(), Truth().plain()):
        planted = truth.slow_factor * (1 - truth.slow_leaver_share)
        company = make_company(truth, customers=12_000, seed=5)
        result = crm.complaints(
            company.tables["cases"],
            as_of=truth.end,
            transactions=company.clean_transactions,
            horizon_days=180,
        )
        slow, quick = cost_of(result, SLOW), cost_of(result, QUICK)
        assert slow["orders_ratio"] == pytest.approx(planted, abs=0.12), (
            "who buys less is also lost less soon"
        )
        assert quick["orders_ratio_lower"] < 1 < quick["orders_ratio_upper"]
