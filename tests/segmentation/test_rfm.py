"""RFM: by hand on small tables, invariants on random ones, known counts on real data."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import crm_analytics as crm
from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.results import Result
from crm_analytics.segmentation.segments import SCORED, Segment

AS_OF = date(2026, 7, 1)
PUBLIC = ["customer_id", "recency_days", "n_orders", "spend", "r_score", "f_score", "m_score", "segment"]
SCORES = ["r_score", "f_score", "m_score"]


def orders(*rows):
    """Make transactions from (customer, days before AS_OF, amount); each row is an order of its own."""
    return pl.DataFrame(
        {
            "customer_id": [c for c, _, _ in rows],
            "order_id": [f"o{i}" for i in range(len(rows))],
            "ordered_at": [datetime(2026, 7, 1) - timedelta(days=d) for _, d, _ in rows],
            "amount": [float(a) for _, _, a in rows],
        },
        schema_overrides={"ordered_at": pl.Datetime("us")},
    )


def firm(n_customers=300, seed=0, once=0.3):
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n_customers):
        n = 1 if rng.random() < once else int(rng.geometric(0.25)) + 1
        found += [
            (f"c{i:04d}", int(d), round(float(a), 2))
            for d, a in zip(rng.integers(1, 360, n), rng.lognormal(3, 1, n), strict=True)
        ]
    return orders(*found)


def customers(tx, **options):
    return crm.rfm(tx, as_of=AS_OF, n_bootstrap=0, **options).tables()["customers"]


@pytest.fixture(scope="module")
def result():
    return crm.rfm(firm(), as_of=AS_OF)


# ------------------------------------------------------------------------------------------------- the figures


def test_recency_frequency_and_money_by_hand():
    tx = orders(("a", 10, 30), ("a", 3, 20), ("b", 1, 5), ("c", 100, 80), ("c", 90, -30))
    found = customers(tx)
    assert found.columns[:8] == PUBLIC
    assert found.select("customer_id", "recency_days", "n_orders", "spend", "refunds").rows() == [
        ("a", 3, 2, 50.0, 0.0),
        ("b", 1, 1, 5.0, 0.0),
        ("c", 100, 1, 50.0, 30.0),
    ]
    assert found.select("first_ordered_on", "last_ordered_on", "spend_per_order").row(0) == (
        date(2026, 6, 21),
        date(2026, 6, 28),
        25.0,
    )


def test_scores_by_hand_with_cut_offs_of_ones_own():
    tx = orders(*(("a", d, 10) for d in (5, 40, 50)), ("b", 30, 99.99), ("c", 31, 100), ("d", 300, 1000))
    found = customers(
        tx, recency_cuts=(30, 90, 180, 365), frequency_cuts=(2, 3, 5, 10), spend_cuts=(10, 100, 500, 2000)
    )
    assert found.select(SCORES).rows() == [(5, 3, 2), (5, 1, 2), (4, 1, 3), (2, 1, 4)]
    assert found["segment"].to_list() == ["Potential loyalists", "New customers", "Promising", "Hibernating"]


def test_one_time_buyers_decide_how_frequency_is_scored():
    many, few = firm(once=0.8), firm(once=0.1)
    counts = [1, 1, 1, 2, 4, 9, 10]
    tx = orders(*((f"k{i}", d + 1, 5) for i, n in enumerate(counts) for d in range(n)))
    found = customers(tx)
    assert found["f_score"].to_list() == [1, 1, 1, 2, 3, 4, 5]
    for tx, method in ((many, "absolute"), (few, "quantile")):
        found = crm.rfm(tx, as_of=AS_OF, n_bootstrap=0)
        assert found.parameters["frequency_method"] == method
        assert any(n.code == "absolute_frequency" for n in found.notes) == (method == "absolute")
    assert crm.rfm(many, method="quantile", n_bootstrap=0).parameters["frequency_method"] == "quantile"
    assert crm.rfm(few, method="absolute", n_bootstrap=0).parameters["frequency_cuts"] == [2, 3, 5, 10]


def test_start_counts_orders_from_that_day_and_leaves_out_who_bought_before():
    tx = orders(("a", 300, 50), ("a", 10, 5), ("b", 300, 70))
    result = crm.rfm(tx, as_of=AS_OF, start=AS_OF - timedelta(days=100), n_bootstrap=0)
    found = result.tables()["customers"]
    assert found.select("customer_id", "n_orders", "spend").rows() == [("a", 1, 5.0)]
    assert found["first_ordered_on"][0] == AS_OF - timedelta(days=300), "first is decided on all history"
    assert "1 customer whose orders all lie before 23 Mar 2026 is left out." in [n.text for n in result.notes]


# ---------------------------------------------------------------------------------------------- the invariants

money = st.integers(-2000, 9000).map(lambda p: p / 100)
some_orders = st.lists(
    st.tuples(st.sampled_from([f"c{i}" for i in range(12)]), st.integers(1, 300), money),
    min_size=3,
    max_size=50,
).map(lambda rows: [("sure", 5, 10.0), *rows])
fewer = settings(max_examples=15)


@fewer
@given(rows=some_orders)
def test_every_customer_is_in_one_segment_and_everything_adds_up(rows):
    result = crm.rfm(orders(*rows), as_of=AS_OF, n_bootstrap=0)
    found, segments, grid, cuts = (
        result.tables()[t] for t in ("customers", "segments", "grid", "thresholds")
    )
    assert found["customer_id"].to_list() == sorted({c for c, _, _ in rows})
    assert found["segment"].null_count() == 0
    buyers = found.filter(pl.col("n_orders") > 0)
    assert buyers.select(SCORES).null_count().sum_horizontal().item() == 0
    assert set(buyers["segment"]) <= {s.value for s in SCORED}
    assert set(found.filter(pl.col("n_orders") == 0)["segment"]) <= {Segment.NO_PURCHASE.value}
    assert segments["n_customers"].sum() == found.height
    assert segments["spend"].sum() == pytest.approx(sum(a for _, _, a in rows), abs=1e-6)
    assert segments["customer_share"].sum() == pytest.approx(1.0)
    assert grid.height == 25
    assert grid["n_customers"].sum() == buyers.height
    assert (
        cuts.group_by("dimension").agg(pl.col("n_customers").sum())["n_customers"].to_list()
        == [buyers.height] * 3
    )


@fewer
@given(rows=some_orders)
def test_better_values_never_have_worse_scores_and_equal_values_have_equal_ones(rows):
    found = customers(orders(*rows)).filter(pl.col("n_orders") > 0)
    better = {"recency_days": ("r_score", -1), "n_orders": ("f_score", 1), "spend": ("m_score", 1)}
    for value, (score, sign) in better.items():
        pairs = sorted((sign * v, s) for v, s in found.select(value, score).rows())
        assert all(a[1] <= b[1] and (a[0] < b[0] or a[1] == b[1]) for a, b in pairwise(pairs))


@fewer
@given(rows=some_orders, data=st.data())
def test_neither_the_order_of_rows_nor_the_labels_matter(rows, data):
    names = dict(
        zip(
            [f"c{i}" for i in range(12)],
            data.draw(st.permutations([f"k{i}" for i in range(12)])),
            strict=True,
        )
    )
    names["sure"] = "sure"
    shuffled = [(names[c], d, a) for c, d, a in data.draw(st.permutations(rows))]
    expected = (
        customers(orders(*rows)).with_columns(pl.col("customer_id").replace_strict(names)).sort("customer_id")
    )
    assert_frame_equal(customers(orders(*shuffled)), expected, check_exact=True)


@fewer
@given(rows=some_orders, factor=st.sampled_from([0.01, 7.3, 100, 10_000]))
def test_another_currency_changes_money_alone(rows, factor):
    scaled = customers(orders(*((c, d, factor * a) for c, d, a in rows)))
    plain = customers(orders(*rows))
    assert_frame_equal(
        scaled.drop("spend", "spend_per_order", "refunds"), plain.drop("spend", "spend_per_order", "refunds")
    )
    assert_frame_equal(scaled.select("spend"), plain.select(pl.col("spend") * factor), abs_tol=1e-5)


@fewer
@given(
    rows=some_orders,
    later=st.lists(st.tuples(st.sampled_from(["c1", "new"]), st.integers(-30, 0), money), max_size=9),
)
def test_what_happens_from_as_of_on_changes_nothing(rows, later):
    # Order numbers go on where the first ended, so a later row never joins an order that is seen.
    assert_frame_equal(customers(orders(*rows, *later)), customers(orders(*rows)), check_exact=True)


@fewer
@given(rows=some_orders)
def test_with_frozen_cut_offs_the_parts_are_scored_as_the_whole(rows):
    whole = crm.rfm(orders(*rows), as_of=AS_OF, n_bootstrap=0)
    expected = whole.tables()["customers"]
    for part in (["sure", *(f"c{i}" for i in range(6))], ["sure", *(f"c{i}" for i in range(6, 12))]):
        chosen = [r for r in rows if r[0] in part]
        found = customers(orders(*chosen), thresholds=whole)
        assert_frame_equal(found, expected.filter(pl.col("customer_id").is_in(part)), check_exact=True)


# -------------------------------------------------------------------------------------------------- the freeze


@pytest.mark.parametrize("form", ["result", "table", "dict", "json", "parameters"])
def test_cut_offs_can_be_frozen_in_every_form(result, form):
    given_form = {
        "result": result,
        "table": result.tables()["thresholds"],
        "dict": result.to_dict(),
        "json": json.loads(json.dumps(result.to_dict())),
        "parameters": result.parameters,
    }[form]
    other = crm.rfm(firm(seed=5), as_of=AS_OF, thresholds=given_form, n_bootstrap=0)
    edges = ["dimension", "score", "from", "to"]
    assert_frame_equal(
        other.tables()["thresholds"].select(edges), result.tables()["thresholds"].select(edges)
    )
    for option in ("recency_cuts", "frequency_cuts", "spend_cuts"):
        assert other.parameters[option] == result.parameters[option]
    assert any(n.code == "cuts_given" for n in other.notes)


def test_customers_beyond_frozen_ends_have_the_end_scores(result):
    tx = orders(("old", 5000, 1e-9), *(("new", 1, 1e7) for _ in range(900)))
    found = customers(tx, thresholds=result)
    assert found.select("customer_id", *SCORES).rows() == [("new", 5, 5, 5), ("old", 1, 1, 1)]


def test_cut_offs_by_hand_come_before_frozen_ones(result):
    other = crm.rfm(firm(), as_of=AS_OF, thresholds=result, spend_cuts=(1, 2, 3, 4), n_bootstrap=0)
    assert other.parameters["spend_cuts"] == [1, 2, 3, 4]
    assert other.parameters["recency_cuts"] == result.parameters["recency_cuts"]


def test_empty_scores_survive_the_freeze():
    tx = orders(*((f"k{i}", 10, 5) for i in range(30)), ("late", 1, 9))
    first = crm.rfm(tx, as_of=AS_OF, n_bootstrap=0)
    table = first.tables()["thresholds"]
    assert table.filter(pl.col("n_customers") == 0).height > 5
    again = crm.rfm(tx, as_of=AS_OF, thresholds=table, n_bootstrap=0)
    assert_frame_equal(again.tables()["customers"], first.tables()["customers"])
    assert_frame_equal(again.tables()["thresholds"], table)


def test_the_ranges_say_who_has_which_score(result):
    buyers = result.tables()["customers"]
    for row in result.tables()["thresholds"].iter_rows(named=True):
        score = {"recency_days": "r_score", "n_orders": "f_score", "spend": "m_score"}[row["dimension"]]
        held = buyers.filter(pl.col(score) == row["score"])[row["dimension"]]
        assert held.len() == row["n_customers"]
        if held.len() and row["from"] is not None:
            assert held.min() >= row["from"]
        if held.len() and row["to"] is not None:
            assert held.max() < row["to"] if row["dimension"] == "spend" else held.max() <= row["to"]


# ----------------------------------------------------------------------------------------- who is not a buyer


def test_customers_without_a_purchase_are_set_apart_and_counted():
    tx = orders(("a", 5, 20), ("b", 5, -8), ("c", 5, 0), ("d", 9, 4), ("d", 4, -10))
    result = crm.rfm(tx, as_of=AS_OF, n_bootstrap=0)
    found = result.tables()["customers"]
    assert found.select("customer_id", "segment", "r_score").rows()[1:3] == [
        ("b", "No purchase", None),
        ("c", "No purchase", None),
    ]
    assert found["spend"].to_list() == [20, -8, 0, -6], "a buyer who was paid back more is still a buyer"
    note = next(n for n in result.notes if n.code == "no_purchase")
    assert "2 customers" in note.text
    assert "−8.00" in note.text
    row = result.tables()["segments"].filter(pl.col("segment") == "No purchase").row(0, named=True)
    assert (row["n_customers"], row["spend"], row["customer_share"]) == (2, -8.0, None)


def test_those_in_the_customers_table_without_an_order_are_prospects():
    tx = orders(("a", 500, 20), ("b", 5, 20), ("c", -3, 20))
    people = pl.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d", "e"],
            "joined_on": [None, None, date(2026, 1, 1), date(2026, 1, 1), date(2026, 7, 1)],
        }
    )
    result = crm.rfm(tx, as_of=AS_OF, customers=people, n_bootstrap=0)
    found = dict(result.tables()["customers"].select("customer_id", "segment").rows())
    assert {c for c, s in found.items() if s == "Prospect"} == {"c", "d"}, (
        "e joins on the day that is not seen"
    )
    assert "2 customers of the customers table without an order are “Prospect”" in " ".join(
        n.text for n in result.notes
    )
    late = crm.rfm(tx, as_of=AS_OF, start=date(2026, 6, 1), customers=people, n_bootstrap=0)
    assert "a" not in late.tables()["customers"]["customer_id"], "bought once, so no prospect"


# ------------------------------------------------------------------------------------------ words and intervals


def test_the_headline_has_its_figures():
    tx = orders(
        *((f"s{i}", d, 100) for i in range(20) for d in (1, 2, 3, 4, 5 + i)),
        *((f"r{i}", 200 + d, 10) for i in range(20) for d in range(4)),
        *((f"o{i}", 60 + i, 10) for i in range(60)),
    )
    result = crm.rfm(tx, as_of=AS_OF, n_bootstrap=0)
    assert result.headline() == (
        "Champions are 20.0% of 100 customers and bring 87.7% of the 11.4k spend; "
        "20 regular customers (7.0% of spend) are slipping away."
    )


def test_without_champions_the_largest_segment_is_named():
    result = crm.rfm(orders(("a", 5, 20)), as_of=AS_OF, n_bootstrap=0)
    assert (
        result.headline()
        == "The segment “About to sleep” has 100.0% of 1 customer and 100.0% of the 20 spend."
    )
    refunded = crm.rfm(orders(("a", 9, 4), ("a", 4, -10)), as_of=AS_OF, n_bootstrap=0)
    assert refunded.headline().endswith("1 customer; after refunds, spend comes to −6.")
    assert refunded.tables()["segments"]["spend_share"].to_list() == [None]


def test_intervals_hold_their_figures(result):
    segments = result.tables()["segments"]
    for figure in (
        "customer_share",
        "spend_share",
        "median_recency_days",
        "mean_orders",
        "spend_per_customer",
    ):
        bounded = segments.filter(pl.col(f"{figure}_lower").is_not_null())
        assert bounded.height >= 8
        assert (bounded[f"{figure}_lower"] <= bounded[figure] + 1e-9).all()
        assert (bounded[figure] <= bounded[f"{figure}_upper"] + 1e-9).all()
    wide = segments.filter(pl.col("n_customers") >= 20)
    assert (wide["spend_share_upper"] > wide["spend_share_lower"]).all()


def test_spend_shares_vary_as_drawing_whole_customers_says(result):
    found = result.tables()["customers"]
    spend, champion = found["spend"].to_numpy(), (found["segment"] == "Champions").to_numpy()
    rng = np.random.default_rng(1)
    picks = rng.integers(0, spend.size, (4000, spend.size))
    shares = (spend * champion)[picks].sum(axis=1) / spend[picks].sum(axis=1)
    row = result.tables()["segments"].row(0, named=True)
    assert row["segment"] == "Champions"
    assert (row["spend_share_lower"], row["spend_share_upper"]) == pytest.approx(
        tuple(np.quantile(shares, [0.025, 0.975])), abs=0.01
    )


def test_small_segments_have_no_interval_for_their_means():
    found = crm.rfm(orders(("a", 5, 20), ("b", 9, 20)), as_of=AS_OF).tables()["segments"]
    assert found["mean_orders_lower"].null_count() == found.height
    assert found["customer_share_lower"].null_count() == 0


def test_unequal_bins_are_said():
    note = next(
        n for n in crm.rfm(firm(once=0.6), as_of=AS_OF, n_bootstrap=0).notes if n.code == "uneven_bins"
    )
    assert "frequency " in note.text
    assert "recency" not in note.text.removeprefix("Scores do not hold equal parts")


def test_segments_stand_in_the_order_of_meaning_with_advice(result):
    segments = result.tables()["segments"]
    order = [s.value for s in Segment]
    assert segments["segment"].to_list() == sorted(segments["segment"], key=order.index)
    assert segments["what_to_do"][0] == Segment.CHAMPIONS.what_to_do


def test_names_of_ones_own():
    result = crm.rfm(firm(), as_of=AS_OF, names={"Champions": "VIP"}, n_bootstrap=0)
    for table in ("customers", "segments", "grid"):
        assert "VIP" in result.tables()[table]["segment"]
        assert "Champions" not in result.tables()[table]["segment"]
    assert result.headline().startswith("VIP are ")


@pytest.mark.parametrize("bins", [2, 3, 4, 10])
def test_other_numbers_of_bins(bins):
    result = crm.rfm(firm(), as_of=AS_OF, bins=bins, n_bootstrap=0)
    found = result.tables()["customers"]
    assert found["r_score"].max() == bins
    assert result.tables()["grid"].height == bins**2
    assert result.tables()["thresholds"].height == 3 * bins
    again = crm.rfm(firm(), as_of=AS_OF, bins=bins, thresholds=result, n_bootstrap=0)
    assert_frame_equal(again.tables()["customers"], found)


def test_it_reads_back_from_json(result):
    back = Result.from_dict(json.loads(json.dumps(result.to_dict())))
    for name, frame in result.tables().items():
        assert_frame_equal(back.tables()[name], frame)


# -------------------------------------------------------------------------------------------------- odd inputs


@pytest.mark.parametrize(
    "rows",
    [
        [("a", 5, 20)],
        [(f"c{i}", 7, 10) for i in range(40)],
        [(f"c{i}", i + 1, 10) for i in range(40)],
        [(f"c{i}", 7, 10 if i < 8 else 0) for i in range(40)],
        [*((f"c{i}", i + 1, 10) for i in range(40)), ("whale", 3, 1e12)],
        [*((f"c{i}", i + 1, 10) for i in range(9)), ("back", 3, 5), ("back", 2, -1e6)],
    ],
    ids=["one customer", "one day", "all once", "mostly nothing", "a whale", "more back than in"],
)
def test_degenerate_extracts_have_an_answer(rows):
    result = crm.rfm(orders(*rows), as_of=AS_OF)
    buyers = result.tables()["customers"].filter(pl.col("n_orders") > 0)
    assert buyers.select(SCORES).null_count().sum_horizontal().item() == 0
    assert any(n.code == "few_customers" and n.severity == "caution" for n in result.notes)
    for view in result.views:
        assert view.table in result.tables()
    json.dumps(result.to_dict(), allow_nan=False)


def test_nobody_who_bought_is_not_enough():
    with pytest.raises(NotEnoughDataError, match="0 customers with an order that nets to more than nothing"):
        crm.rfm(orders(("a", 5, -3), ("b", 5, 0)), as_of=AS_OF)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"bins": 1}, r"bins=1 .*2 to 10"),
        ({"bins": 11}, r"bins=11 .*2 to 10"),
        ({"method": "kmeans"}, r"method='kmeans' .*auto, quantile, absolute"),
        ({"frequency_cuts": (1, 2, 3)}, r"frequency_cuts=.*4 finite numbers in rising order"),
        ({"recency_cuts": (365, 180, 90, 30)}, r"recency_cuts=.*best score first"),
        ({"spend_cuts": (1, 2, 3, float("nan"))}, r"spend_cuts=.*4 finite numbers"),
        ({"spend_cuts": "1234"}, r"spend_cuts='1234'.*4 finite numbers"),
        ({"spend_cuts": 7}, r"spend_cuts=7 .*4 finite numbers"),
        ({"thresholds": 7}, r"thresholds='int'.*an earlier result of rfm"),
        ({"thresholds": {"cuts": [1]}}, r"thresholds='dict'.*recency_cuts"),
        ({"thresholds": pl.DataFrame({"x": [1]})}, r"thresholds='DataFrame'.*thresholds"),
        ({"n_bootstrap": -1}, r"n_bootstrap=-1 .*0 or more"),
        ({"names": {"Champions": "Lost"}}, r"names=.*a different name for each segment"),
        ({"names": {"Champions": ""}}, r"names=.*a different name for each segment"),
    ],
)
def test_options_out_of_range_are_refused(options, match):
    with pytest.raises(OptionError, match=match):
        crm.rfm(orders(("a", 5, 3)), as_of=AS_OF, **options)


def test_frozen_cut_offs_must_be_of_as_many_bins(result):
    with pytest.raises(OptionError, match="scores up to 5.*scores up to bins=3"):  # noqa: RUF043 a pattern
        crm.rfm(firm(), bins=3, thresholds=result)


def test_an_unknown_segment_cannot_be_renamed():
    with pytest.raises(UnknownNameError, match="Did you mean 'Champions'"):
        crm.rfm(orders(("a", 5, 3)), names={"Champion": "VIP"})


# --------------------------------------------------------------------------------------------------- real data


@pytest.mark.real_data
def test_online_retail_end_to_end(shared_data):
    tx = crm.read_transactions(shared_data("online_retail/online_retail.csv"), currency="GBP")
    result = crm.rfm(tx)
    buyers = result.tables()["customers"].filter(pl.col("n_orders") > 0)
    assert buyers.height == 4338  # customers with a purchase, as published with the data
    assert result.tables()["customers"].height == 4372
    assert result.provenance.rows_rejected == 135_080
    assert result.provenance.as_of == date(2011, 12, 10)
    assert "of 4,338 customers" in result.headline()
    assert "£" in result.headline()
    total = tx.frame.select(pl.col("amount").sum()).collect().item()
    assert result.tables()["segments"]["spend"].sum() == pytest.approx(total, abs=0.01)
