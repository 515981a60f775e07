from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import crm_analytics as crm
from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.retention.repeat_purchase import repeat_purchase

AS_OF = date(2026, 1, 1)


def orders(*rows: tuple, columns: tuple[str, ...] = ()) -> pl.DataFrame:
    """(customer, day, amount, ...), one order each."""
    frame = pl.DataFrame(rows, schema=["customer_id", "day", "amount", *columns], orient="row")
    return frame.select(
        "customer_id",
        pl.int_range(pl.len()).cast(pl.String).alias("order_id"),
        pl.col("day").str.to_datetime("%Y-%m-%d").alias("ordered_at"),
        pl.col("amount").cast(pl.Float64),
        *columns,
    )


SHOP = orders(
    ("a", "2025-01-01", 10), ("a", "2025-01-11", 20), ("a", "2025-01-11", 5), ("a", "2025-03-02", 30),
    ("b", "2025-01-01", 40), ("b", "2025-02-10", 50),
    ("c", "2025-01-01", 60), ("c", "2025-01-20", -60),
    ("d", "2025-12-02", 70),
)  # fmt: skip


def run(frame: pl.DataFrame = SHOP, **options):
    return repeat_purchase(frame, **{"as_of": AS_OF, "mature_days": 300, "min_customers": 1, **options})


def row(frame: pl.DataFrame, n: int = 0) -> dict:
    return frame.row(n, named=True)


def test_steps_worked_out_by_hand():
    """Four first orders: two returned after 10 and 40 days, one never in 364, one is followed for 29 days only."""
    table = run(within_days=(10, 30, 90)).tables()["steps"]
    first, second, third = (row(table, n) for n in range(3))
    assert (first["n_customers"], first["n_came_back"]) == (4, 2)
    assert first["return_10d_rate"] == pytest.approx(1 / 4)
    assert first["return_30d_rate"] == pytest.approx(1 / 4)
    assert first["return_90d_rate"] == pytest.approx(1 - 3 / 4 * 1 / 2)  # d has left those awaited by day 40
    assert first["median_wait_days"] == 40
    assert (first["half_returned_days"], first["most_returned_days"]) == (40, 40)
    assert (second["n_customers"], second["n_came_back"]) == (2, 1)
    assert second["return_90d_rate"] == pytest.approx(1 / 2)
    assert (third["n_customers"], third["n_came_back"], third["return_90d_rate"]) == (1, 0, 0.0)
    assert third["return_90d_rate_upper"] == pytest.approx(0.975)


def test_a_share_is_empty_where_nobody_was_followed_for_so_long():
    steps = run(orders(("a", "2025-12-01", 1), ("b", "2025-12-20", 1)), within_days=(5, 30, 31)).tables()[
        "steps"
    ]
    assert row(steps)["return_30d_rate"] == 0.0
    assert row(steps)["return_31d_rate"] is None


def test_orders_of_a_day_are_one_unless_said():
    assert run().tables()["customers"]["n_occasions"].to_list() == [3, 2, 1, 1]
    apart = run(occasion="order").tables()
    assert apart["customers"]["n_occasions"].to_list() == [4, 2, 1, 1]
    assert apart["gaps"]["n_ended_gaps"].to_list() == [1, 1, 0, 2, 0, 0, 0, 0]


def test_gaps_worked_out_by_hand():
    """Gaps of 10, 50 and 40 days; medians of 30 and 40."""
    table = run().tables()["gaps"]
    assert table["n_ended_gaps"].to_list() == [0, 1, 0, 2, 0, 0, 0, 0]
    assert table["n_customers_by_median"].to_list() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert table["gap_share_so_far"].to_list()[-1] == 1.0


def test_who_bought_once_is_counted_three_ways():
    table = run(mature_days=30).tables()["once"]
    assert table.select("counted", "n_customers", "n_once").rows() == [
        ("mature, within 30 days", 3, 2),
        ("mature, up to the end", 3, 1),
        ("all, up to the end", 4, 2),
    ]
    assert row(table)["once_rate_lower"] == pytest.approx(0.2077, abs=1e-4)  # Wilson of 2 of 3


def test_frequency_exactly_and_at_least():
    table = run().tables()["frequency"]
    assert table.select("n_occasions", "n_customers", "n_at_least_customers").rows() == [
        (1, 2, 4),
        (2, 1, 2),
        (3, 1, 1),
    ]


def test_customers_against_their_rhythm():
    table = run().tables()["customers"]
    a, b, c, d = table.iter_rows(named=True)
    assert (a["n_orders"], a["median_gap_days"], a["days_silent"], a["yearly_spend"]) == (4, 30.0, 304, 65.0)
    assert (b["median_gap_days"], b["days_silent"]) == (40.0, 324)
    assert c["yearly_spend"] == 60.0  # what came back under another order is not taken off
    assert d["days_silent"] == 29
    assert (c["median_gap_days"], c["is_late"], c["late_on"], c["late_for_days"]) == (None, None, None, None)
    assert a["is_late"] == (a["silence_probability"] < 0.1)
    for each in (a, b, c, d):
        assert each["lapse_ratio"] == pytest.approx(each["days_silent"] / each["typical_gap_days"])
        assert 0 <= each["silence_probability"] <= 1


def test_late_from_is_the_day_on_which_the_chance_falls_below_the_limit():
    rng = np.random.default_rng(3)
    rows = []
    for i in range(150):
        day = float(rng.uniform(0, 300))
        while day < 700 and rng.random() < 0.9:
            rows.append((f"c{i:03d}", str(date(2024, 1, 1) + timedelta(days=int(day))), 10))
            day += 1 + rng.gamma(3, 12)
    table = run(orders(*rows)).tables()["customers"].filter("has_own_rhythm")
    late = table.filter(pl.col("is_late"))
    assert 5 < late.height < table.height
    assert (late["late_on"] <= AS_OF).all()
    assert (
        late["late_for_days"] == (pl.Series([AS_OF] * late.height) - late["late_on"]).dt.total_days()
    ).all()
    punctual = table.filter(~pl.col("is_late") & pl.col("late_on").is_not_null())
    assert (punctual["late_on"] >= AS_OF).all()
    waiting = table.filter(pl.col("expected_next_on").is_not_null())
    assert waiting.height
    assert (waiting["expected_next_on"] >= AS_OF).all()


def test_one_short_gap_makes_nobody_late_with_certainty():
    rng = np.random.default_rng(1)
    days = 1 + rng.exponential(60, (60, 6)).cumsum(axis=1)
    rows = [
        (f"c{i}", str(date(2024, 10, 1) + timedelta(days=int(d))), 10)
        for i, own in enumerate(days)
        for d in own
    ]
    quick = [("q", "2025-11-20", 10), ("q", "2025-11-22", 10)]
    often = [("o", str(date(2025, 10, 1) + timedelta(days=2 * k)), 10) for k in range(27)]
    table = run(orders(*rows, *quick, *often)).tables()["customers"]
    one, many = (row(table.filter(pl.col("customer_id") == who)) for who in ("q", "o"))
    assert one["silence_probability"] > many["silence_probability"]
    assert one["typical_gap_days"] > 10
    assert many["typical_gap_days"] < 5
    assert many["is_late"]


FIRSTS = orders(
    *((f"m{i}", "2025-01-01", 10, "mill", "web") for i in range(40)),
    *((f"m{i}", "2025-03-01", 10, "beans", "web") for i in range(30)),
    *((f"c{i}", "2025-01-01", 10, "cup", "web") for i in range(60)),
    *((f"c{i}", "2025-04-01", 10, "beans", "web") for i in range(12)),
    ("m0", "2025-01-01", 10, "cup", "web"),
    ("x", "2025-01-01", 10, "plate", "store"),
    ("late", "2025-12-01", 10, "mill", "web"),
    columns=("product_id", "channel"),
)  # fmt: skip


def test_first_products_worked_out_by_hand():
    """Of 101 followed, 40 began with a mill, 30 of whom came back; of the other 61, 12 did."""
    table = run(FIRSTS, min_customers=10).tables()["first_purchase"]
    mill = row(table.filter(pl.col("first_value") == "mill"))
    assert (mill["first_by"], mill["n_customers"], mill["n_came_back"], mill["n_others"]) == (
        "first product",
        40,
        30,
        61,
    )
    assert mill["return_rate"] == 0.75
    assert mill["other_return_rate"] == pytest.approx(12 / 61)
    assert mill["return_difference_lower"] < 0.75 - 12 / 61 < mill["return_difference_upper"]
    assert mill["evidence"] == "returns more often"
    cup = row(table.filter(pl.col("first_value") == "cup"))
    assert (cup["n_customers"], cup["n_came_back"]) == (61, 13)  # m0 had both
    assert cup["evidence"] == "returns less often"


def test_rare_first_values_are_left_out_and_counted():
    result = run(FIRSTS, min_customers=10)
    shown = set(result.tables()["first_purchase"]["first_value"])
    assert shown == {"mill", "cup", "web"}
    assert next(n.text for n in result.notes if n.code == "too_rare").startswith(
        "2 values in the first order of fewer than 10"
    )
    assert "need not cause" in next(n.text for n in result.notes if n.code == "not_a_cause")


def test_what_is_bought_later_is_no_first_purchase():
    assert "beans" not in set(run(FIRSTS).tables()["first_purchase"]["first_value"])


def test_groups_by_a_column_of_the_orders_or_of_the_customers():
    by_channel = run(FIRSTS, by="channel").tables()["segments"]
    assert by_channel["group"].to_list() == ["all customers", "web", "store"]
    assert by_channel["n_customers"].to_list() == [102, 101, 1]
    assert by_channel["n_followed"].to_list() == [101, 100, 1]
    people = pl.DataFrame({"customer_id": ["m0", "m1"], "plan": ["gold", "gold"]})
    by_plan = run(FIRSTS, by="plan", customers=people).tables()["segments"]
    assert by_plan.select("group", "n_customers").rows()[1:] == [("unknown", 100), ("gold", 2)]


def test_an_unknown_group_is_named_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="Did you mean 'channel'"):
        run(FIRSTS, by="chanel")
    with pytest.raises(UnknownNameError, match="no column to group by 'plan'"):
        run(FIRSTS, by="plan")


def test_start_opens_steps_but_does_not_number_anew():
    table = run(start="2025-01-05", within_days=(30,)).tables()
    assert table["steps"].select("order_number", "n_customers").rows() == [(1, 1), (2, 2), (3, 1)]
    assert table["customers"]["customer_id"].to_list() == ["a", "b", "d"]
    assert table["once"]["n_customers"].to_list() == [1]  # d alone began in the window


def test_headline_and_summary():
    result = run(within_days=(30, 90))
    assert result.headline().startswith(
        "62.5% (19.2% to 98.9%) of first-time buyers order again within 90 days, half of them by day 40; "
    )
    text = dict(result.summary().select("finding", "finding_text").rows())
    assert text["From the first order to the next"].endswith("within 90 days")
    assert text["Usual gap between orders"] == (
        "the middle customer orders every 35 days (30 to 40, the shortest and the longest)"
    )


@pytest.mark.parametrize(
    "frame",
    [
        orders(("a", "2025-12-31", 5)),
        orders(("a", "2025-12-31", 5), ("a", "2025-12-31", 5)),
        orders(*((f"c{i}", "2025-06-01", 5) for i in range(40))),
        orders(("a", "2024-01-01", 5), ("a", "2024-01-02", 5)),
        orders(*(("a", str(date(2025, 1, 1) + timedelta(days=i)), 5) for i in range(200))),
    ],
    ids=["one order", "one day", "no repeats", "one gap", "one customer every day"],
)
@pytest.mark.parametrize("occasion", ["day", "order"])
def test_little_data_gives_an_answer(frame, occasion):
    for as_of in (None, "2027-01-01"):
        result = repeat_purchase(frame, as_of=as_of, occasion=occasion)
        assert result.headline().endswith(".")
        for view in result.views:
            result.plot(view.name)


def test_nothing_but_returns_is_too_little():
    with pytest.raises(NotEnoughDataError, match="customers with an order"):
        run(SHOP.with_columns(amount=pl.lit(-1.0)))
    with pytest.raises(NotEnoughDataError, match="0 customers with an order"):
        run(start="2025-01-15", as_of="2025-01-25", frame=SHOP.filter(pl.col("customer_id") == "c"))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"n_steps": 0}, "n_steps=0"),
        ({"within_days": ()}, "rising"),
        ({"within_days": (90, 30)}, "rising"),
        ({"occasion": "hour"}, "occasion='hour'"),
        ({"late_below": 0.0}, "late_below=0.0"),
        ({"mature_days": 0}, "mature_days=0"),
        ({"follow_days": -1}, "follow_days=-1"),
        ({"newly_late_days": 0}, "newly_late_days=0"),
        ({"min_customers": 0}, "min_customers=0"),
    ],
)
def test_options_out_of_range_are_named(options, match):
    with pytest.raises(OptionError, match=match):
        run(**options)


def product_limit(waits: list[tuple[int, bool]], until: int) -> float:
    """Kaplan and Meier's estimate, by the words of its definition."""
    left = 1.0
    for day in sorted({w for w, came in waits if came and w <= until}):
        left *= 1 - sum(w == day and came for w, came in waits) / sum(w >= day for w, _ in waits)
    return 1 - left


@settings(max_examples=15)
@given(
    st.dictionaries(
        st.sampled_from("abcdefgh"), st.lists(st.integers(0, 300), min_size=1, max_size=6), min_size=1
    )
)
def test_steps_are_those_of_counting_one_by_one(found):
    days = {who: sorted(set(own)) for who, own in found.items()}
    rows = [(who, str(date(2025, 1, 1) + timedelta(days=d)), 5) for who, own in days.items() for d in own]
    last = max(d for own in days.values() for d in own)
    result = run(orders(*rows), as_of=date(2025, 1, 1) + timedelta(days=last + 1), within_days=(20, 100))
    for step in result.tables()["steps"].iter_rows(named=True):
        n = step["order_number"]
        waits = [
            (own[n] - own[n - 1], True) if len(own) > n else (last - own[n - 1], False)
            for own in days.values()
            if len(own) >= n
        ]
        assert step["n_customers"] == len(waits)
        assert step["n_came_back"] == sum(came for _, came in waits)
        for until in (20, 100):
            share = step[f"return_{until}d_rate"]
            if share is not None:
                assert share == pytest.approx(product_limit(waits, until), abs=1e-9)
                assert step[f"return_{until}d_rate_lower"] <= share <= step[f"return_{until}d_rate_upper"]
    curve = result.tables()["curve"]
    assert (
        curve.group_by("order_number")
        .agg(pl.col("return_rate").diff().min())["return_rate"]
        .fill_null(0)
        .min()
        >= -1e-12
    )


@pytest.fixture(scope="module")
def sample():
    base = crm.sample()
    return repeat_purchase(base.table("transactions"), by="channel")


def test_the_sample_company_shows_its_truth(sample):
    """By its generator, store customers buy most often, those of the marketplace least, and the country has no effect."""
    segments = dict(sample.tables()["segments"].select("group", "evidence").rows())
    assert segments["store"] == "returns more often"
    assert segments["marketplace"] == "returns less often"
    countries = sample.tables()["first_purchase"].filter(pl.col("first_by") == "first country")
    assert set(countries["evidence"]) == {"no difference shown"}
    model = sample.tables()["customers"]
    assert model.height == 4849
    assert 0.59 < float(model["has_own_rhythm"].mean()) < 0.63  # 61% of buyers buy again


def test_the_order_of_customers_and_their_names_do_not_matter(sample):
    frame = crm.sample().table("transactions").frame.collect()
    again = repeat_purchase(frame.sample(fraction=1, shuffle=True, seed=1), by="channel")
    for name, table in sample.tables().items():
        assert_frame_equal(table, again.tables()[name], rel_tol=1e-6)


def test_a_truth_of_its_own_is_found_again():
    """Customers with a rhythm of 20 days, one in ten of whom stops after each order: those are late, the others seldom."""
    rng = np.random.default_rng(6)
    rows, stopped = [], {}
    for i in range(1500):
        day, who = float(rng.uniform(0, 400)), f"c{i:04d}"
        pace = 20 * rng.lognormal(0, 0.4)
        while day < 730:
            rows.append((who, str(date(2024, 1, 2) + timedelta(days=int(day))), 10))
            stopped[who] = rng.random() < 0.1
            if stopped[who]:
                break
            day += 1 + rng.gamma(6, pace / 6)
    table = run(orders(*rows)).tables()["customers"].filter("has_own_rhythm")
    gone = pl.Series([stopped[who] for who in table["customer_id"]])
    late = table["is_late"]
    long_gone = gone & (table["days_silent"] > 120)
    assert float(late.filter(long_gone).mean()) > 0.97
    assert float(late.filter(~gone).mean()) < 0.1
