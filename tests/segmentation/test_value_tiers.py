from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import crm_analytics as crm
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.segmentation.value_tiers import value_tiers

AS_OF = date(2026, 1, 1)


def orders(*rows: tuple[str, str, float]) -> pl.DataFrame:
    """(customer, day, amount), one order each."""
    frame = pl.DataFrame(rows, schema=["customer_id", "day", "amount"], orient="row")
    return frame.select(
        "customer_id",
        pl.int_range(pl.len()).cast(pl.String).alias("order_id"),
        pl.col("day").str.to_datetime("%Y-%m-%d").alias("ordered_at"),
        "amount",
    )


SHOP = orders(
    ("a", "2023-12-15", 100.0),
    ("a", "2024-05-01", 300.0),
    ("a", "2025-05-01", 100.0),
    ("b", "2024-02-01", 200.0),
    ("c", "2025-07-01", 250.0),
    ("d", "2025-08-01", 40.0),
    ("d", "2025-08-09", -40.0),
    ("e", "2025-09-01", 10.0),
)


def run(frame: pl.DataFrame = SHOP, **options):
    return value_tiers(frame, **{"as_of": AS_OF, "n_bootstrap": 100, **options})


def test_tiers_of_the_whole_window():
    customers = run().tables()["customers"]
    assert customers.select("customer_id", "spend", "rank", "tier").rows() == [
        ("a", 500.0, 1, "A"),
        ("c", 250.0, 2, "A"),
        ("b", 200.0, 3, "A"),  # 750 of 960 is 78 %: the next one is needed for 80 %
        ("e", 10.0, 4, "C"),
        ("d", 0.0, 5, "C"),
    ]


def test_lists_compare_the_last_two_years():
    listed = run(good_share=0.5, most_valuable_share=0.34).tables()["listed"]
    assert listed.select("list", "customer_id", "money_at_stake").rows() == [
        ("most_valuable", "c", 250.0),
        ("most_valuable", "a", 100.0),
        ("buying_less", "a", 200.0),
        ("silent", "b", 200.0),
    ]


def test_start_narrows_the_tiers_but_not_the_comparison():
    whole, narrowed = run(), run(start=date(2025, 1, 1))
    assert narrowed.tables()["customers"]["spend"].sum() == 360.0
    assert_frame_equal(narrowed.tables()["lists"], whole.tables()["lists"])


def test_rows_from_as_of_on_change_nothing():
    late = pl.concat([SHOP, orders(("a", "2026-01-01", 9999.0), ("z", "2026-03-01", 5.0))])
    for name, frame in run().tables().items():
        assert_frame_equal(run(late).tables()[name], frame)


def test_headline_says_who_brings_the_money_and_what_is_at_stake():
    assert run(good_share=0.5).headline() == (
        "The best 20% (1 of 5 customers) brought 52.1% of the 960.00 spent, "
        "and 2 good customers who buy less or fell silent put 400.00 at stake."
    )


def test_summary_tells_tiers_tops_concentration_and_lists():
    rows = {row[0]: row[1:] for row in run(good_share=0.5).summary().rows()}
    assert rows["Tier A"] == (3, 950.0, "60.0% of customers bring 99.0% of spend")
    assert rows["Best 20%"][:2] == (1, 500.0)
    assert rows["Largest customer"] == (1, 500.0, "brings 52.1% of spend")
    assert rows["Good customers who fell silent"] == (1, 200.0, "55.6% of recent spend is at stake")
    assert rows["Peak of cumulative spend"][2].startswith("the best 80.0% of customers make all the spend")


def test_the_whale_in_words():
    costs = pl.when(pl.col("customer_id") == "e").then(110.0).otherwise(pl.col("amount") * 0.5)
    rows = {row[0]: row[1:] for row in run(SHOP.with_columns(cost=costs)).summary().rows()}
    assert rows["Peak of cumulative margin"] == (
        3,
        475.0,
        "the best 60.0% of customers make 126.7% of the margin; the rest take 26.7% (100.00) away",
    )
    loss = {
        row[0]: row[3] for row in run(SHOP.with_columns(cost=pl.col("amount").abs() * 2)).summary().rows()
    }
    assert loss["Peak of cumulative margin"] == "all customers together make −1,120 of margin"


def test_without_a_top_of_twenty_the_headline_tells_tier_a():
    assert (
        run(top_shares=(0.4,), good_share=0.01)
        .headline()
        .startswith("3 of 5 customers (tier A) brought 99.0% of the 960.00")
    )


def test_margin_shows_where_a_cost_is_known():
    result = run(SHOP.with_columns(cost=pl.col("amount") * 0.7))
    assert result.tables()["customers"]["margin"].to_list() == pytest.approx([150.0, 75.0, 60.0, 3.0, 0.0])
    assert result.tables()["whale"]["whale_basis"].unique().to_list() == ["margin"]
    assert "whale_on_spend" not in {n.code for n in result.notes}


def test_without_a_cost_the_whale_curve_says_that_it_shows_spend():
    notes = {n.code: n.text for n in run().notes}
    assert notes["whale_on_spend"] == "The whale curve shows spend, not margin: the extract has no cost."


def test_unknown_margins_are_named_with_their_money():
    cost = pl.when(pl.col("customer_id") != "e").then(pl.col("amount") * 0.7)
    notes = {n.code: n.text for n in run(SHOP.with_columns(cost=cost)).notes}
    assert notes["margin_not_known"].startswith("1 customer with 10.00 of spend")


def test_customers_without_positive_spend_are_named_with_their_money():
    notes = {n.code: n.text for n in run(pl.concat([SHOP, orders(("r", "2025-02-01", -7.0))])).notes}
    assert notes["no_positive_spend"].startswith("2 customers have no positive net spend (−7.00 in all")


def test_customers_who_never_ordered_are_counted():
    customers = pl.DataFrame({"customer_id": ["a", "x", "y"]})
    notes = {n.code: n.text for n in run(customers=customers).notes}
    assert notes["never_ordered"].startswith("2 of the 3 customers in the customers table did not order")


def test_no_decline_view_without_two_years():
    short = SHOP.filter(pl.col("ordered_at") >= datetime(2025, 1, 1))
    assert [v.name for v in run(short).views] == ["lorenz", "whale", "deciles"]
    assert [v.name for v in run().views] == ["lorenz", "whale", "deciles", "decline"]


def test_few_customers_have_intervals_with_a_caution():
    assert "short_intervals" in {n.code for n in run().notes}
    many = orders(*((f"c{i:03d}", "2025-05-05", 20.0 + i) for i in range(200)))
    assert "short_intervals" not in {n.code for n in run(many).notes}


def test_small_top_shares_are_left_out_with_a_note():
    notes = {n.code: n.text for n in run().notes}
    assert (
        notes["less_than_one_customer"]
        == "The best 1%, 5% of 5 customers is less than one customer and is left out."
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("a_share", 0.0),
        ("a_share", 1.0),
        ("b_share", 0.8),
        ("b_share", 1.0),
        ("top_shares", (0.1, 2)),
        ("compare_months", 0),
        ("compare_months", 61),
        ("good_share", 0),
        ("most_valuable_share", 1.5),
        ("least_fall", -0.1),
        ("n_bootstrap", 10),
    ],
)
def test_options_out_of_range(option, value):
    with pytest.raises(OptionError, match=option):
        run(**{option: value})


def test_one_customer_is_too_few():
    with pytest.raises(NotEnoughDataError, match=r"Found 1 customer with an order\. At least 2 are needed"):
        run(SHOP.filter(pl.col("customer_id") == "a"))


def test_refunds_alone_are_not_enough():
    with pytest.raises(NotEnoughDataError, match="Found 0 customers with an order"):
        run(orders(("a", "2025-01-01", -5.0), ("b", "2025-01-02", -6.0)))


def test_more_refunds_than_purchases_are_not_enough():
    with pytest.raises(NotEnoughDataError, match="net of refunds, is -96"):
        run(orders(("a", "2025-01-01", 2.0), ("b", "2025-01-02", 2.0), ("b", "2025-01-03", -100.0)))


def test_all_alike_is_an_answer():
    result = run(orders(*((f"c{i:02d}", "2025-05-05", 20.0) for i in range(40))))
    assert result.tables()["tiers"]["n_customers"].to_list() == [40, 0, 0]
    gini = result.tables()["concentration"].row(0, named=True)
    assert (gini["measure_value"], gini["measure_value_upper"]) == (pytest.approx(0), pytest.approx(0))
    assert "uneven_deciles" in {n.code for n in result.notes}


def test_a_huge_outlier_is_an_answer():
    rows = [(f"c{i:02d}", "2025-05-05", 20.0 + i) for i in range(40)]
    result = run(orders(*rows, ("whale", "2025-05-06", 1e10)))
    assert result.tables()["customers"]["tier"].to_list()[:2] == ["A", "C"]
    top = result.tables()["top_shares"].filter(pl.col("top_share") == 0.2).row(0, named=True)
    assert 0.99 < top["spend_share"] <= top["spend_share_upper"] <= 1


@st.composite
def shops(draw):
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 14), st.integers(0, 900), st.integers(-30, 300)), min_size=4, max_size=50
        )
    )
    rows = [*rows, (0, 100, 500), (1, 100, 500)]
    return orders(*((f"c{c:02d}", f"{date(2023, 6, 1) + timedelta(days=d)}", a / 2) for c, d, a in rows))


def tables_of(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    try:
        return value_tiers(frame, as_of=AS_OF, n_bootstrap=100, compare_months=6).tables()
    except NotEnoughDataError:
        return {}


@settings(max_examples=15)
@given(shops(), st.randoms(use_true_random=False))
def test_row_order_does_not_matter(frame, random):
    shuffled = tables_of(frame[random.sample(range(frame.height), frame.height)])
    for name, table in tables_of(frame).items():
        assert_frame_equal(shuffled[name], table)


@settings(max_examples=15)
@given(shops())
def test_new_names_give_the_same_tiers(frame):
    renamed = tables_of(frame.with_columns(pl.lit("K") + pl.col("customer_id").str.reverse()))
    for name, table in tables_of(frame).items():
        if "customer_id" not in table.columns:
            assert_frame_equal(renamed[name], table)


@settings(max_examples=15)
@given(shops(), st.sampled_from([0.25, 4.0, 100.0]))
def test_another_currency_scales_money_alone(frame, factor):
    money = {"spend", "least_spend", "most_spend", "spend_per_customer", "cumulative_value", "money_at_stake"}
    dearer = tables_of(frame.with_columns(pl.col("amount") * factor))
    for name, table in tables_of(frame).items():
        if name == "listed":
            continue
        scaled = table.with_columns(pl.col(c) * factor for c in table.columns if c in money)
        assert_frame_equal(dearer[name], scaled, rel_tol=1e-9, abs_tol=1e-9)


@settings(max_examples=15)
@given(shops())
def test_the_same_base_twice_keeps_tiers_and_shares(frame):
    twice = tables_of(
        pl.concat([frame, frame.with_columns(pl.col("customer_id") + "x", pl.col("order_id") + "x")])
    )
    for name, table in tables_of(frame).items():
        shares = [c for c in ("tier", "decile", "customer_share", "spend_share") if c in table.columns]
        if name in {"tiers", "deciles"}:
            assert_frame_equal(twice[name].select(shares), table.select(shares))


@pytest.fixture(scope="module")
def retail_path(shared_data):
    return shared_data("online_retail/online_retail.csv")


@pytest.fixture(scope="module")
def retail_spend(retail_path) -> dict[str, float]:
    """Spend per customer in plain Python, in whole tenths of a cent."""
    spend: dict[str, int] = defaultdict(int)
    with retail_path.open(encoding="utf-8", errors="replace", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["CustomerID"]:
                name = row["CustomerID"].removesuffix(".0")
                spend[name] += int(row["Quantity"]) * round(float(row["UnitPrice"]) * 1000)
    return {name: money / 1000 for name, money in spend.items()}


@pytest.fixture(scope="module")
def retail(retail_path):
    return crm.value_tiers(crm.read_transactions(retail_path), n_bootstrap=100)


@pytest.mark.real_data
def test_online_retail_spend_ties_to_the_file(retail, retail_spend):
    customers = retail.tables()["customers"]
    assert dict(customers.select("customer_id", "spend").iter_rows()) == pytest.approx(retail_spend, abs=1e-6)
    for name in ("tiers", "deciles"):
        assert retail.tables()[name]["spend"].sum() == pytest.approx(sum(retail_spend.values()), abs=0.005)


@pytest.mark.real_data
def test_online_retail_top_shares_by_a_plain_loop(retail, retail_spend):
    best, total = sorted(retail_spend.values(), reverse=True), sum(retail_spend.values())
    for row in retail.tables()["top_shares"].iter_rows(named=True):
        assert row["n_customers"] == round(row["top_share"] * len(best))
        assert row["spend_share"] == pytest.approx(sum(best[: row["n_customers"]]) / total)
    held, n_in_a = 0.0, 0
    while held < 0.8 * total:
        held, n_in_a = held + best[n_in_a], n_in_a + 1
    assert retail.tables()["tiers"]["n_customers"][0] == n_in_a


@pytest.mark.real_data
def test_online_retail_gini_by_the_mean_difference(retail, retail_spend):
    values = np.maximum(np.array(list(retail_spend.values())), 0.0)
    pairs = np.abs(values[:, None] - values[None, :]).mean() / (2 * values.mean())
    assert retail.tables()["concentration"]["measure_value"][0] == pytest.approx(pairs)


@pytest.mark.real_data
def test_online_retail_is_too_short_to_compare_years_and_says_so(retail):
    note = next(n for n in retail.notes if n.code == "too_short_to_compare")
    assert "covers 1 Dec 2010 to 9 Dec 2011" in note.text
    assert "compare_months=6" in note.text
    assert retail.tables()["lists"]["list"].to_list() == ["most_valuable"]
