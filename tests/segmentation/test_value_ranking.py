from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from crm_analytics.segmentation.value_ranking import decile_table, rank_customers, tier_table


def customers(*spend: float) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": [f"c{i:03d}" for i in range(len(spend))],
            "spend": [float(s) for s in spend],
            "n_orders": [1] * len(spend),
        }
    )


def ranked(*spend: float, a: float = 0.8, b: float = 0.95) -> pl.DataFrame:
    return rank_customers(customers(*spend), a_share=a, b_share=b)


spends = st.lists(st.integers(-50, 400), min_size=2, max_size=60).filter(lambda s: sum(s) > 0)


def test_hand_worked_tiers():
    found = ranked(50, 30, 10, 5, 5)  # 50 %, 80 %, 90 %, then a tie from 90 % to 100 %
    assert found["tier"].to_list() == ["A", "A", "B", "B", "B"]
    assert found["rank"].to_list() == [1, 2, 3, 4, 4]
    assert found["cumulative_spend_share"].to_list() == pytest.approx([0.5, 0.8, 0.9, 1.0, 1.0])


def test_shares_of_exactly_the_cut_offs():
    assert ranked(80, 15, 5)["tier"].to_list() == ["A", "B", "C"]


def test_a_tie_across_the_cut_off_goes_wholly_to_the_better_tier():
    assert ranked(*[10] * 10)["tier"].unique().to_list() == ["A"]
    assert ranked(60, 15, 15, 10)["tier"].to_list() == ["A", "A", "A", "B"]


def test_whoever_spent_nothing_on_balance_is_in_c():
    found = ranked(100, 0, -20)
    assert dict(found.select("customer_id", "tier").iter_rows()) == {"c000": "A", "c001": "C", "c002": "C"}


def test_hand_worked_deciles():
    assert ranked(*range(100, 0, -5))["decile"].to_list() == [d for d in range(1, 11) for _ in range(2)]
    assert ranked(*[7] * 30)["decile"].unique().to_list() == [6]  # the middle of all places


def test_empty_deciles_stay_in_the_table_and_say_nothing():
    table = decile_table(ranked(9, 9, 9, 1))
    assert table["decile"].to_list() == list(range(1, 11))
    assert table["n_customers"].sum() == 4
    assert table.filter(pl.col("n_customers") == 0)["spend_per_customer"].null_count() == 8


def test_tier_table_hand_worked():
    table = tier_table(ranked(50, 30, 10, 5, 5))
    assert table.select("tier", "n_customers", "spend", "least_spend", "most_spend").rows() == [
        ("A", 2, 80.0, 30.0, 50.0),
        ("B", 3, 20.0, 5.0, 10.0),
        ("C", 0, 0.0, None, None),
    ]
    assert table["spend_share"].to_list() == pytest.approx([0.8, 0.2, 0.0])
    assert table["spend_per_customer"].to_list() == [40.0, pytest.approx(20 / 3), None]


def test_margin_of_a_tier_is_unknown_where_one_is():
    frame = customers(50, 30, 20).with_columns(margin=pl.Series([10.0, None, 2.0]))
    table = tier_table(rank_customers(frame, a_share=0.8, b_share=0.95))
    assert table["margin"].to_list() == [None, 2.0, None]


@given(spends)
def test_tiers_and_deciles_are_a_partition_that_ties_to_the_total(spend):
    found = ranked(*spend)
    for table in (tier_table(found), decile_table(found)):
        assert table["n_customers"].sum() == len(spend)
        assert table["n_orders"].sum() == len(spend)
        assert table["spend"].sum() == pytest.approx(sum(spend))
        assert table["spend_share"].sum() == pytest.approx(1.0)


@given(spends)
def test_same_spend_same_place(spend):
    places = (
        ranked(*spend)
        .group_by("spend")
        .agg(pl.col("rank", "tier", "decile", "cumulative_spend_share").n_unique())
    )
    assert (places.drop("spend") == 1).to_numpy().all()


@given(spends)
def test_tiers_and_deciles_fall_with_spend(spend):
    found = ranked(*spend)
    assert found["spend"].is_sorted(descending=True)
    assert found["decile"].is_sorted()
    assert found["tier"].is_sorted()


@given(spends)
def test_tier_a_is_the_smallest_group_that_makes_its_share(spend):
    found = ranked(*spend)
    best = found.filter(tier="A")
    total = sum(spend)
    assert best["spend"].sum() >= 0.8 * total - 1e-9 * abs(total)
    fewer = best.filter(pl.col("spend") > best["spend"].min())
    assert fewer["spend"].sum() < 0.8 * total + 1e-9 * abs(total)


@given(spends, st.randoms(use_true_random=False), st.integers(1, 1000))
def test_order_and_currency_do_not_matter(spend, random, factor):
    frame = customers(*spend)
    shuffled = frame[random.sample(range(frame.height), frame.height)]
    plain = rank_customers(frame, a_share=0.8, b_share=0.95)
    assert_frame_equal(rank_customers(shuffled, a_share=0.8, b_share=0.95), plain)
    dearer = rank_customers(frame.with_columns(pl.col("spend") * factor), a_share=0.8, b_share=0.95)
    assert_frame_equal(dearer.drop("spend"), plain.drop("spend"))


@given(spends)
def test_twice_the_same_base_keeps_everyones_place(spend):
    frame = customers(*spend)
    twice = pl.concat([frame, frame.with_columns(pl.col("customer_id") + "x")])
    once, both = (rank_customers(f, a_share=0.8, b_share=0.95) for f in (frame, twice))
    same = ["customer_id", "tier", "decile", "cumulative_spend_share"]
    assert_frame_equal(both.filter(~pl.col("customer_id").str.ends_with("x")).select(same), once.select(same))
