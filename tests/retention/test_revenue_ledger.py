"""The ledger of recurring revenue and its movements against pure-Python counting in whole cents."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import crm_analytics as crm
from crm_analytics.aggregates.periods import period_start, shift
from crm_analytics.retention.revenue.ledger import UNIT, of_contracts, of_orders
from crm_analytics.retention.revenue.movements import bridge, movements, n_customers, sums
from crm_analytics.retention.revenue.stretches import stretches
from crm_analytics.retention.revenue.sums import PARTS, draws_for, summed
from crm_analytics.stats.customer_draws import Draws

FIRST, AS_OF = date(2025, 1, 10), date(2025, 9, 17)
SCHEMA = {
    "customer_id": pl.String, "started_on": pl.Date, "ended_on": pl.Date, "monthly_amount": pl.Float64,
}  # fmt: skip

contract = st.tuples(
    st.sampled_from("ABCDE"),
    st.integers(0, 240),
    st.one_of(st.none(), st.integers(0, 160)),
    st.one_of(st.integers(0, 5000), st.just(0), st.just(1999)),
)
order = st.tuples(st.sampled_from("ABCDE"), st.integers(0, 240), st.integers(-4000, 9000).filter(bool))


def contracts(rows):
    made = [
        (
            who,
            FIRST + timedelta(begin),
            None if length is None else FIRST + timedelta(begin + length),
            cents / 100,
        )
        for who, begin, length, cents in rows
    ]
    return crm.read_subscriptions(pl.DataFrame(made, schema=SCHEMA, orient="row"))


def in_force(rows, who, day):
    """Cents in force on a day, by looking at every contract."""
    return sum(
        Fraction(cents)
        for name, begin, length, cents in rows
        if name == who
        and FIRST + timedelta(begin) <= day
        and (
            length is None
            or FIRST + timedelta(begin + length) > day
            or FIRST + timedelta(begin + length) >= AS_OF
        )
    )


def classified(before, after, known_before):
    """Name a movement and its size, by the book."""
    if before <= 0 < after:
        return ("returned" if known_before else "new"), after
    if after <= 0 < before:
        return "lost", before
    if before > 0 and after != before:
        return ("expansion", after - before) if after > before else ("contraction", before - after)
    return None, Fraction(0)


def by_hand(names, amount, ends, first_of):
    """Bridge of each period from an amount per customer and period end; first_of says when a customer began."""
    found = []
    for t in range(len(ends)):
        row = defaultdict(Fraction)
        for who in names:
            before = amount(who, t - 1) if t else Fraction(0)
            after = amount(who, t)
            row["opening"] += max(before, 0)
            row["closing"] += max(after, 0)
            row["refunds"] += min(after, 0)
            kind, size = classified(before, after, first_of(who) is not None and first_of(who) < t)
            if kind:
                row[kind] += size
                row[f"n_{kind}"] += 1
        found.append(row)
    return found


def compare(table, expected):
    for row, hand in zip(table.to_dicts(), expected, strict=True):
        for column, key in (
            ("opening_revenue", "opening"), ("new_revenue", "new"), ("returned_revenue", "returned"),
            ("expansion_revenue", "expansion"), ("contraction_revenue", "contraction"), ("lost_revenue", "lost"),
            ("closing_revenue", "closing"), ("refund_balance", "refunds"),
        ):  # fmt: skip
            assert row[column] == pytest.approx(float(hand[key]) / 100, abs=1e-9), (row["period_on"], column)
        assert [row[c] for c in ("new_customers", "returned_customers", "lost_customers")] == [
            hand["n_new"], hand["n_returned"], hand["n_lost"],
        ]  # fmt: skip


def totals(ledger):
    """Movements added up by period."""
    return stretches(ledger, [1], draws_for(ledger, 100, 0))[0].totals


def every_movement(ledger, n=1):
    """Movements of all periods, customer by customer."""
    return pl.concat([movements(ledger, at, n) for at in range(ledger.n_periods)])


def starts_to(as_of, first, period):
    begin, found = period_start(first, period), []
    while begin < as_of:
        found.append(begin)
        begin = shift(begin, 1, period)
    return found


def first_period_of(rows, starts):
    """First period on any day of which a customer paid: day by day."""
    found = {}
    for day in (FIRST + timedelta(i) for i in range((AS_OF - FIRST).days)):
        for who in {r[0] for r in rows} - found.keys():
            if in_force(rows, who, day) > 0:
                found[who] = max(i for i, s in enumerate(starts) if s <= day)
    return found


@given(st.lists(contract, min_size=1, max_size=9), st.sampled_from(["week", "month", "quarter"]))
def test_contracts_bridge_as_counted_by_hand(rows, period):
    kept = [r for r in rows if r[2] is None or r[2] > 0]
    if not kept:
        return
    ledger = of_contracts(contracts(rows), AS_OF, period, 0)
    starts = starts_to(AS_OF, min(FIRST + timedelta(r[1]) for r in kept), period)
    assert ledger.starts == starts
    last = [min(shift(s, 1, period), AS_OF) - timedelta(1) for s in starts]
    first = first_period_of(kept, starts)
    hand = by_hand({r[0] for r in kept}, lambda w, t: in_force(kept, w, last[t]), starts, first.get)
    compare(bridge(ledger, totals(ledger), 0), hand)


@given(st.lists(order, min_size=1, max_size=25), st.sampled_from(["month", "quarter"]))
def test_orders_bridge_as_counted_by_hand(rows, period):
    frame = pl.DataFrame(
        {
            "customer_id": [r[0] for r in rows],
            "ordered_at": [datetime(2025, 1, 10) + timedelta(r[1]) for r in rows],
            "amount": [r[2] / 100 for r in rows],
            "order_id": [f"O{i}" for i in range(len(rows))],
        }
    )
    ledger = of_orders(crm.read_transactions(frame), AS_OF, period)
    starts = ledger.starts
    spent = defaultdict(Fraction)
    for who, day, cents in rows:
        spent[who, max(i for i, s in enumerate(starts) if s <= FIRST + timedelta(day))] += cents
    first = {
        who: min((t for (w, t), x in spent.items() if w == who and x > 0), default=None) for who, *_ in rows
    }
    table = bridge(ledger, totals(ledger), 0)
    compare(table, by_hand({r[0] for r in rows}, lambda w, t: spent[w, t], starts, first.get))
    assert table["ledger_revenue"].sum() == pytest.approx(sum(r[2] for r in rows) / 100)


@given(st.lists(contract, min_size=1, max_size=12), st.integers(0, 20))
def test_every_bridge_ties(rows, grace):
    if all(r[2] == 0 for r in rows):
        return
    ledger = of_contracts(contracts(rows), AS_OF, "month", grace)
    units = (
        every_movement(ledger)
        .group_by("period")
        .agg(
            opening=pl.col("before").sum(),
            up=(pl.col("after") - pl.col("before")).clip(0).sum(),
            down=(pl.col("before") - pl.col("after")).clip(0).sum(),
            closing=pl.col("after").sum(),
        )
        .sort("period")
    )
    assert (units["opening"] + units["up"] - units["down"] == units["closing"]).all()
    table = bridge(ledger, totals(ledger), 0)
    assert (table["closing_revenue"].head(-1).round(6) == table["opening_revenue"].tail(-1).round(6)).all()
    assert (table["closing_customers"].head(-1) == table["opening_customers"].tail(-1)).all()
    ends = (
        table["opening_customers"] + table["new_customers"] + table["returned_customers"] - table["lost_customers"]
    )  # fmt: skip
    assert (ends == table["closing_customers"]).all()


@st.composite
def ledgers(draw):
    """Ledgers of contracts, some of unknown amounts, or of orders."""
    if draw(st.booleans()):
        rows = draw(st.lists(contract.filter(lambda r: r[2] != 0), min_size=1, max_size=12))
        extract = contracts(rows)
        if draw(st.booleans()):
            odd = pl.when(pl.col("customer_id") != "A").then("monthly_amount")
            extract = crm.read_subscriptions(extract.frame.with_columns(monthly_amount=odd).collect())
        return of_contracts(extract, AS_OF, "month", draw(st.integers(0, 20)))
    rows = draw(st.lists(order, min_size=1, max_size=25))
    frame = pl.DataFrame(
        {
            "customer_id": [r[0] for r in rows],
            "ordered_at": [FIRST + timedelta(r[1]) for r in rows],
            "amount": [r[2] / 100 for r in rows],
        }
    )
    return of_orders(crm.read_transactions(frame), AS_OF, "month")


@given(ledgers(), st.integers(1, 5))
def test_sums_of_all_stretches_are_those_of_their_movements(ledger, n):
    """What is added up in blocks against one row per customer and period, observed and in every draw."""
    draws = draws_for(ledger, 100, 3)
    (found,) = stretches(ledger, [n], draws)
    moved = every_movement(ledger, n)
    want = pl.DataFrame({"period": range(ledger.n_periods)}).join(
        sums(moved, "period"), on="period", how="left"
    )
    assert_frame_equal(found.totals, want.fill_null(0), check_dtypes=False)
    one_by_one = summed(moved, "period", ledger.n_periods, draws, tuple(found.sums.observed))
    for name in found.sums.observed:
        assert found.sums.observed[name] == pytest.approx(one_by_one.observed[name]), name
        assert found.sums.drawn[name] == pytest.approx(one_by_one.drawn[name]), name
    assert found.sums.n_paying.tolist() == one_by_one.n_paying.tolist()
    assert found.sums.n_effective == pytest.approx(one_by_one.n_effective)
    assert set(found.sums.observed) <= set(PARTS)


def test_blocks_divide_customers_between_groups(monkeypatch):
    """The same sums, however many customers a block holds, with customers drawn in groups."""
    extract = crm.sample().table("transactions")
    ledger = of_orders(extract, date(2026, 1, 1), "quarter")
    draws = Draws.of(n_customers(ledger), 100, seed=1, most=300)
    (whole,) = stretches(ledger, [4], draws)
    monkeypatch.setattr("crm_analytics.retention.revenue.stretches._CELLS", 100)
    (parts,) = stretches(ledger, [4], draws)
    assert_frame_equal(parts.totals, whole.totals)
    for name, drawn in whole.sums.drawn.items():
        assert parts.sums.drawn[name].tolist() == drawn.tolist(), name


def test_the_bridge_ties_to_the_ledger_of_the_sample():
    extract = crm.sample().table("subscriptions")
    ledger = of_contracts(extract, date(2026, 7, 1), "month", 0)
    table = bridge(ledger, totals(ledger), 0)
    rows = extract.frame.collect()
    for day, closing in zip(ledger.ends, table["closing_revenue"], strict=True):
        last = day - timedelta(1)
        there = rows.filter(
            (pl.col("started_on") <= last) & (pl.col("ended_on").is_null() | (pl.col("ended_on") > last))
        )
        assert closing == pytest.approx(there["monthly_amount"].sum(), abs=1e-6)


def test_twelve_months_of_movements_are_the_sum_of_single_ones_in_the_ends():
    ledger = of_contracts(crm.sample().table("subscriptions"), date(2026, 7, 1), "month", 0)
    stretch, single = movements(ledger, 35, 12), every_movement(ledger)
    net = (single.filter(pl.col("period") > 23)["after"].sum()) - (
        single.filter(pl.col("period") > 23)["before"].sum()
    )
    assert stretch["after"].sum() - stretch["before"].sum() == net


def table_of(*rows, as_of=date(2026, 5, 1), grace=0, period="month"):
    extract = crm.read_subscriptions(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
    ledger = of_contracts(extract, as_of, period, grace)
    return bridge(ledger, totals(ledger), 0), ledger


def moves(table):
    """What happened in each period, without what did not."""
    names = ("new", "returned", "expansion", "contraction", "lost")
    return [{n: r[f"{n}_revenue"] for n in names if r[f"{n}_revenue"]} for r in table.to_dicts()]


def test_a_price_change_on_the_day_another_contract_ends_is_no_churn():
    table, _ = table_of(("a", date(2026, 1, 5), date(2026, 3, 5), 10.0), ("a", date(2026, 3, 5), None, 14.0))
    assert moves(table) == [{"new": 10.0}, {}, {"expansion": 4.0}, {}]


def test_concurrent_contracts_add_up_and_losing_one_is_contraction():
    table, _ = table_of(("a", date(2026, 1, 5), None, 10.0), ("a", date(2026, 2, 5), date(2026, 4, 1), 5.0))
    assert moves(table) == [{"new": 10.0}, {"expansion": 5.0}, {}, {"contraction": 5.0}]


def test_a_contract_that_begins_on_the_first_is_new_in_that_period():
    table, _ = table_of(("a", date(2026, 1, 15), None, 1.0), ("b", date(2026, 2, 1), None, 10.0))
    assert moves(table)[:2] == [{"new": 1.0}, {"new": 10.0}]


def test_a_contract_that_ends_on_the_first_was_there_to_the_last_day_before():
    table, _ = table_of(("a", date(2026, 1, 15), date(2026, 3, 1), 10.0), ("b", date(2026, 1, 1), None, 1.0))
    assert moves(table) == [{"new": 11.0}, {}, {"lost": 10.0}, {}]


def test_who_comes_back_is_returned_even_where_the_first_time_was_too_short_to_be_seen():
    table, _ = table_of(("a", date(2026, 1, 5), date(2026, 1, 20), 10.0), ("a", date(2026, 3, 5), None, 10.0))
    assert moves(table) == [{}, {}, {"returned": 10.0}, {}]


def test_free_contracts_bring_nothing_and_paying_later_is_new():
    table, ledger = table_of(
        ("a", date(2026, 1, 5), date(2026, 3, 5), 0.0), ("a", date(2026, 3, 5), None, 10.0),
        ("b", date(2026, 1, 5), date(2026, 2, 5), 10.0), ("b", date(2026, 2, 5), None, 0.0),
        ("c", date(2026, 1, 5), None, 0.0),
    )  # fmt: skip
    assert moves(table) == [{"new": 10.0}, {"lost": 10.0}, {"new": 10.0}, {}]
    assert ledger.facts["n_never_paying"] == 1


def test_an_end_one_day_before_the_next_start_is_a_pause_unless_it_is_forgiven():
    rows = (("a", date(2026, 1, 1), date(2026, 1, 31), 10.0), ("a", date(2026, 2, 1), None, 10.0))
    strict, ledger = table_of(*rows)
    assert moves(strict)[:2] == [{}, {"returned": 10.0}], "on 31 January nothing is in force"
    assert ledger.facts["n_day_after"] == 1
    forgiven, _ = table_of(*rows, grace=1)
    assert moves(forgiven) == [{"new": 10.0}, {}, {}, {}]


def test_a_pause_longer_than_the_grace_is_a_loss():
    rows = (("a", date(2026, 1, 1), date(2026, 1, 20), 10.0), ("a", date(2026, 2, 10), None, 10.0))
    assert moves(table_of(*rows, grace=20)[0])[1] == {"returned": 10.0}
    assert moves(table_of(*rows, grace=21)[0])[1] == {}


def test_a_grace_at_the_end_does_not_keep_who_never_came_back():
    table, _ = table_of(("a", date(2026, 1, 1), date(2026, 4, 25), 10.0), grace=30)
    assert moves(table)[3] == {"lost": 10.0}


def test_an_end_on_or_after_as_of_has_not_happened():
    table, _ = table_of(("a", date(2026, 1, 1), date(2026, 5, 1), 10.0))
    assert table["closing_revenue"].to_list() == [10.0] * 4


def test_contracts_without_a_day_are_left_out():
    _, ledger = table_of(("a", date(2026, 1, 5), date(2026, 1, 5), 10.0), ("b", date(2026, 1, 5), None, 1.0))
    assert ledger.facts["n_no_day"] == 1
    assert ledger.customers["customer_id"].to_list() == ["b"]


def test_a_customer_with_an_unknown_amount_counts_and_brings_nothing():
    table, ledger = table_of(("a", date(2026, 1, 5), None, None), ("b", date(2026, 1, 5), None, 8.0))
    assert table["closing_revenue"].to_list() == [8.0] * 4
    assert table["closing_customers"].to_list() == [2] * 4
    assert ledger.facts["n_unpriced"] == 1


def test_what_one_gets_back_beyond_what_one_paid_stands_apart():
    frame = pl.DataFrame(
        {
            "customer_id": ["a", "a", "b"],
            "ordered_at": [datetime(2026, 1, 1), datetime(2026, 2, 3), datetime(2026, 2, 4)],
            "amount": [30.0, -10.0, 5.0],
        }
    )
    ledger = of_orders(crm.read_transactions(frame), date(2026, 3, 1), "month")
    row = bridge(ledger, totals(ledger), 0).row(1, named=True)
    assert (row["lost_revenue"], row["new_revenue"], row["closing_revenue"]) == (30.0, 5.0, 5.0)
    assert (row["refund_balance"], row["ledger_revenue"]) == (-10.0, -5.0)


def test_amounts_are_whole_units():
    _, ledger = table_of(("a", date(2026, 1, 5), None, 0.1), ("a", date(2026, 1, 5), None, 0.2))
    assert ledger.states["net"].unique().to_list() == [round(0.3 * UNIT)]
