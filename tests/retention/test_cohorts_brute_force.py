"""The cohort table against counting by hand, on random little firms and every combination of options."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import crm_analytics as crm
from crm_analytics.retention.cohorts import customers_in_cell

from . import brute_force
from .brute_force import Question

CRITERIA = ("on", "on_or_after", "on_or_before", "streak")
CLOCKS = ("calendar", "24h", "7d", "30d", "month")
SPAN_DAYS = {"day": 12, "week": 60, "month": 250, "quarter": 700, "year": 1500}


@st.composite
def lines(draw, span):
    """A few customers' order lines: purchases, refunds and nothings, with and without order ids and costs."""
    begin = datetime(2023, 11, 1) + timedelta(days=draw(st.integers(0, 150)))
    instants = st.integers(0, span * 48).map(lambda half_hours: begin + timedelta(minutes=30 * half_hours))
    row = st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from(["a", "b", "c", "d"]),
            "ordered_at": instants,
            "amount": st.sampled_from([-20.0, -5.0, 0.0, 3.0, 5.0, 12.5, 20.0]),
            "order_id": st.sampled_from([None, "1", "2", "3", "4", "5"]),
            "cost": st.sampled_from([1.0, 2.5]),
            "channel": st.sampled_from(["web", "store", None]),
        }
    )
    found = draw(st.lists(row, min_size=1, max_size=14))
    left_out = draw(
        st.sampled_from([(), ("cost",), ("cost", "order_id")])
    )  # other columns, other ways of counting
    return [{name: value for name, value in r.items() if name not in left_out} for r in found]


@st.composite
def asked(draw, criterion, clock):
    """Options of one criterion and clock, with lines that span a few of its periods."""
    period = draw(st.sampled_from(list(SPAN_DAYS)))
    rows = draw(lines(SPAN_DAYS[period]))
    first = min(r["ordered_at"] for r in rows).date()
    last = max(r["ordered_at"] for r in rows).date()
    as_of = first + timedelta(days=draw(st.integers(1, (last - first).days + 40)))
    start = draw(st.none() | st.integers(0, SPAN_DAYS[period]).map(lambda days: first + timedelta(days=days)))
    assume(start is None or start < as_of)
    question = Question(
        as_of=as_of,
        start=start,
        period=period,
        week_start=draw(st.sampled_from(["monday", "sunday", "saturday"])),
        fiscal_year_start=draw(st.integers(1, 12)),
        criterion=criterion,
        horizon=draw(st.none() | st.integers(1, 4)) if criterion == "on_or_after" else None,
        entry=draw(st.sampled_from(["first_ever", "recurring"])),
        clock=clock,
        activity=draw(st.sampled_from(["purchases", "any"])),
    )
    return rows, question


def ours(rows, question, **more):
    """Ask the library."""
    return crm.cohort_retention(
        pl.DataFrame(rows).cast({c: pl.String for c in ("order_id", "channel") if c in rows[0]}),
        as_of=question.as_of,
        start=question.start,
        period=question.period,
        week_start=question.week_start,
        fiscal_year_start=question.fiscal_year_start,
        criterion=question.criterion,
        horizon=question.horizon,
        brackets=question.brackets or None,
        **{"entry": question.entry, **more},
        clock=question.clock,
        activity=question.activity,
        max_periods=question.most_periods,
        min_customers=1,
    )


def has_cohorts(rows, question):
    """Whether anyone enters a cohort in a window that holds a row."""
    in_window = [
        r
        for r in rows
        if r["ordered_at"].date() < question.as_of
        and (question.start is None or r["ordered_at"].date() >= question.start)
    ]
    return bool(in_window) and bool(brute_force.members(rows, question))


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("criterion", CRITERIA)
@settings(max_examples=15)
@given(data=st.data())
def test_every_cell_is_what_counting_gives(criterion, clock, data):
    rows, question = data.draw(asked(criterion, clock))
    assume(has_cohorts(rows, question))
    want = brute_force.cells(rows, question)
    got = ours(rows, question).tables()["cells"]
    counted = {(r["cohort_on"], r["period"]): r for r in got.iter_rows(named=True)}
    assert counted.keys() == want.keys()
    for key, cell in want.items():
        row = counted[key]
        assert (row["n_customers"], row["n_active"]) == (cell.n_customers, cell.n_active), key
        assert row["is_complete"] == cell.is_complete, key
        assert row["retention_rate"] == pytest.approx(cell.n_active / cell.n_customers)
        assert row["retention_rate_lower"] <= row["retention_rate"] <= row["retention_rate_upper"]


@pytest.mark.parametrize("clock", CLOCKS)
@settings(max_examples=25)
@given(data=st.data())
def test_money_and_orders_of_every_cell_are_what_adding_up_gives(clock, data):
    rows, question = data.draw(asked("on", clock))
    assume(has_cohorts(rows, question))
    want = brute_force.cells(rows, question)
    got = ours(rows, question).tables()["cells"]
    for row in got.iter_rows(named=True):
        cell = want[row["cohort_on"], row["period"]]
        assert row["n_orders"] == cell.n_orders
        assert row["spend"] == pytest.approx(cell.spend, abs=1e-6)
        if "cost" in rows[0]:
            assert row["margin"] == pytest.approx(cell.spend - cell.cost, abs=1e-6)
        assert row["cumulative_spend"] == pytest.approx(cell.cumulative_spend, abs=1e-6)
        per_customer = cell.cumulative_spend / cell.n_customers
        assert row["cumulative_spend_per_customer"] == pytest.approx(per_customer, abs=1e-6)
        if cell.n_orders:
            assert row["spend_per_order"] == pytest.approx(cell.spend / cell.n_orders, abs=1e-6)
        else:
            assert row["spend_per_order"] is None


@pytest.mark.parametrize("average", ["pooled", "simple", "mature_only"])
@settings(max_examples=25)
@given(data=st.data())
def test_the_average_row_is_what_its_definition_gives(average, data):
    rows, question = data.draw(
        asked(data.draw(st.sampled_from(CRITERIA)), data.draw(st.sampled_from(CLOCKS)))
    )
    assume(has_cohorts(rows, question))
    want = brute_force.averages(brute_force.cells(rows, question), average)
    got = ours(rows, question, average=average).tables()["curve"]
    assert {r["period"]: r["n_cohorts"] for r in got.iter_rows(named=True)} == {
        age: n for age, (_, n) in want.items()
    }
    for row in got.iter_rows(named=True):
        assert row["retention_rate"] == pytest.approx(want[row["period"]][0])


@pytest.mark.parametrize("clock", CLOCKS)
@settings(max_examples=15)
@given(data=st.data())
def test_brackets_are_what_counting_gives(clock, data):
    rows, question = data.draw(asked("bracket", clock))
    edges = sorted(data.draw(st.sets(st.integers(1, 8), min_size=2, max_size=4)))
    brackets = tuple((low, high - 1) for low, high in pairwise(edges))
    question = replace(question, brackets=brackets, most_periods=100)
    assume(has_cohorts(rows, question))
    want = brute_force.bracket_cells(rows, question)
    got = ours(rows, question).tables()["cells"]
    assert {
        (r["cohort_on"], r["period_from"]): (r["n_customers"], r["n_active"], r["is_complete"])
        for r in got.iter_rows(named=True)
    } == want


def channel_of(rows, question):
    """Give the channel of each customer's first line with money on the day they came."""
    found = {}
    for member in brute_force.members(rows, replace(question, entry="first_ever", start=None)):
        lines = [
            r
            for r in rows
            if r["customer_id"] == member.customer
            and r["amount"] > 0
            and r["ordered_at"].date() == member.entered.date()
        ]
        first = min((r["ordered_at"] for r in lines), default=None)
        names = sorted(r["channel"] for r in lines if r["ordered_at"] == first and r["channel"])
        found[member.customer] = names[0] if names else None
    return found


def grouped(rows, value_of):
    """Divide the lines by a value of their customer."""
    found = {}
    for row in rows:
        if row["customer_id"] in value_of:
            found.setdefault(value_of[row["customer_id"]] or "(not known)", []).append(row)
    return found


@st.composite
def peoples(draw):
    """A customers table in which some are missing, some have no plan, and winning some cost nothing or is not known."""
    ids = draw(st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), unique=True, min_size=1))
    return [
        {
            "customer_id": who,
            "plan": draw(st.sampled_from(["basic", "plus", None])),
            "acquisition_cost": draw(st.sampled_from([None, 0.0, 4.0, 25.0])),
        }
        for who in ids
    ]


def attributes(draw, rows, question):
    """Choose an attribute of the first order or of the customers table: its name, each customer's value, and the table."""
    if draw(st.booleans()):
        return "channel", channel_of(rows, question), {}
    people = draw(peoples())
    plans = {p["customer_id"]: p["plan"] for p in people}
    schema = {"customer_id": pl.String, "plan": pl.String}
    table = pl.DataFrame([{c: p[c] for c in schema} for p in people], schema=schema)
    return "plan", {r["customer_id"]: plans.get(r["customer_id"]) for r in rows}, {"customers": table}


@pytest.mark.parametrize("criterion", CRITERIA)
@settings(max_examples=20)
@given(data=st.data())
def test_an_attribute_divides_every_cohort_as_counting_does(criterion, data):
    rows, question = data.draw(asked(criterion, data.draw(st.sampled_from(CLOCKS))))
    assume(has_cohorts(rows, question))
    name, value_of, tables = attributes(data.draw, rows, question)
    want = {
        (value, cohort, age): (cell.n_customers, cell.n_active, cell.is_complete)
        for value, own in grouped(rows, value_of).items()
        for (cohort, age), cell in brute_force.cells(own, question).items()
    }
    got = ours(rows, question, by=name, **tables).tables()["cells"]
    assert {
        (r["group"], r["cohort_on"], r["period"]): (r["n_customers"], r["n_active"], r["is_complete"])
        for r in got.iter_rows(named=True)
    } == want


@pytest.mark.parametrize("criterion", CRITERIA)
@settings(max_examples=20)
@given(data=st.data())
def test_cohorts_by_attribute_pool_the_cells_that_counting_finds_complete(criterion, data):
    rows, question = data.draw(asked(criterion, data.draw(st.sampled_from(CLOCKS))))
    question = replace(question, entry="first_ever")
    assume(has_cohorts(rows, question))
    name, value_of, tables = attributes(data.draw, rows, question)
    want = Counter()
    for value, own in grouped(rows, value_of).items():
        for (_, age), cell in brute_force.cells(own, question).items():
            if cell.is_complete:
                want[value, age, "customers"] += cell.n_customers
                want[value, age, "active"] += cell.n_active
    got = ours(rows, question, entry=name, **tables).tables()["cells"]
    counted = Counter()
    for r in got.iter_rows(named=True):
        counted[r["group"], r["period"], "customers"] += r["n_customers"]
        counted[r["group"], r["period"], "active"] += r["n_active"]
    assert +counted == +want


@pytest.mark.parametrize("clock", CLOCKS)
@settings(max_examples=25)
@given(data=st.data())
def test_payback_is_what_adding_up_gives(clock, data):
    """Every cell's share, and when each cohort was paid back, from single orders and the cost of each customer."""
    rows, question = data.draw(asked("on", clock))
    assume(has_cohorts(rows, question))
    if data.draw(st.booleans()):
        rows = [{**r, "cost": None} if "cost" in r and i == 0 else r for i, r in enumerate(rows)]
    costs = {p["customer_id"]: p["acquisition_cost"] for p in data.draw(peoples())}
    assume(any(costs.get(m.customer) is not None for m in brute_force.members(rows, question)))
    table = pl.DataFrame(
        {"customer_id": list(costs), "acquisition_cost": pl.Series(list(costs.values()), dtype=pl.Float64)}
    )
    want = brute_force.payback(rows, question, costs)
    tables = ours(rows, question, value="payback", customers=table).tables()
    got = {(r["cohort_on"], r["period"]): r for r in tables["cells"].iter_rows(named=True)}
    for key, row in got.items():
        assert row["shown_value"] == row["payback_share"]
        if key not in want:
            assert row["payback_share"] is None
            continue
        cell = want[key]
        assert (row["n_with_cost"], row["cohort_acquisition_cost"]) == (cell.n_with_cost, cell.cost)
        assert row["payback_share"] == pytest.approx(cell.share, abs=1e-6)
    assert got.keys() >= want.keys()
    assert {r["cohort_on"]: tuple(r[c] for c in ENDS) for r in tables["payback"].iter_rows(named=True)} == {
        cohort: pytest.approx(ended(want, cohort), abs=1e-6)
        for cohort, age in want
        if age == 0 and want[cohort, 0].is_complete
    }


ENDS = ("n_with_cost", "cohort_acquisition_cost", "period", "payback_share", "paid_back_period")


def ended(want, cohort):
    """Say how far a cohort has come: its last complete age, and the first one by which its cost was back."""
    ages = [age for c, age in sorted(want) if c == cohort and want[c, age].is_complete]
    last = want[cohort, ages[-1]]
    back = [age for age in ages if want[cohort, age].share >= 1 - 1e-9]
    return (last.n_with_cost, last.cost, ages[-1], last.share, back[0] if back else None)


@pytest.mark.parametrize("entry", ["first_ever", "recurring", "channel"])
@settings(max_examples=8)
@given(data=st.data())
def test_the_customers_behind_every_cell_are_as_many_as_it_counts(entry, data):
    rows, question = data.draw(
        asked(data.draw(st.sampled_from(CRITERIA)), data.draw(st.sampled_from(CLOCKS)))
    )
    question = replace(question, entry="recurring" if entry == "recurring" else "first_ever")
    assume(has_cohorts(rows, question))
    result = ours(rows, question, entry=entry)
    for row in result.tables()["cells"].head(12).iter_rows(named=True):
        where = {name: row[name] for name in ("group", "cohort_on", "period") if name in row}
        listed = customers_in_cell(result, **where)
        assert listed.height == row["n_active"], where
        assert customers_in_cell(result, **where, state="all").height == row["n_customers"], where


firms = st.tuples(st.sampled_from(CRITERIA), st.sampled_from(CLOCKS)).flatmap(lambda pair: asked(*pair))


@settings(max_examples=60)
@given(firm=firms)
def test_everyone_is_there_at_age_0_and_no_count_leaves_its_bounds(firm):
    rows, question = firm
    assume(has_cohorts(rows, question))
    cells = ours(rows, question).tables()["cells"]
    at_entry = cells.filter(pl.col("period") == 0)
    assert at_entry["retention_rate"].to_list() == [1.0] * at_entry.height
    assert cells["n_active"].is_between(0, cells["n_customers"]).all()
    assert cells.select(pl.struct("cohort_on", "period").is_duplicated().any()).item() is False
    if question.entry == "first_ever":
        assert at_entry["n_customers"].sum() == len(brute_force.members(rows, question))


@settings(max_examples=60)
@given(firm=firms)
def test_ever_so_far_rises_with_age_while_streaks_and_open_ended_returns_fall(firm):
    rows, question = firm
    assume(has_cohorts(rows, question))
    for criterion, falls in (("on_or_before", False), ("streak", True), ("on_or_after", True)):
        cells = ours(rows, replace(question, criterion=criterion, horizon=None)).tables()["cells"]
        for _, row in cells.sort("period").group_by("cohort_on", maintain_order=True):
            counts = row["n_active"].to_list()[0 if falls else 1 :]
            assert counts == sorted(counts, reverse=falls), criterion


@settings(max_examples=60)
@given(firm=firms)
def test_criteria_contain_one_another(firm):
    """A streak is activity at the age, activity at the age is a return by then and a return from then on."""
    rows, question = firm
    assume(has_cohorts(rows, question))
    by = {
        name: ours(rows, replace(question, criterion=name, horizon=None)).tables()["cells"]["n_active"]
        for name in CRITERIA
    }
    assert (by["streak"] <= by["on"]).all()
    assert (by["on"] <= by["on_or_before"]).all()
    assert (by["on"] <= by["on_or_after"]).all()


@settings(max_examples=40)
@given(firm=firms)
def test_a_wider_horizon_never_loses_a_customer_and_horizon_1_is_on(firm):
    rows, question = firm
    assume(has_cohorts(rows, question))

    def active(**options):
        return ours(rows, replace(question, **options)).tables()["cells"]["n_active"]

    on = active(criterion="on", horizon=None)
    ahead = [active(criterion="on_or_after", horizon=h) for h in (1, 2, 3)]
    ever = active(criterion="on_or_after", horizon=None)
    assert ahead[0].to_list() == on.to_list()
    assert (ahead[0] <= ahead[1]).all()
    assert (ahead[1] <= ahead[2]).all()
    assert (ahead[2] <= ever).all()


@settings(max_examples=40)
@given(firm=firms)
def test_a_past_report_never_changes(firm):
    """Complete cells stay what they were when later rows come in and the as-of day moves on."""
    rows, question = firm
    assume(has_cohorts(rows, question))
    assume(question.horizon is not None or question.criterion != "on_or_after")
    seen = {r.get("order_id") for r in rows if r["ordered_at"].date() < question.as_of} - {None}
    late = {r.get("order_id") for r in rows if r["ordered_at"].date() >= question.as_of}
    assume(
        not seen & late
    )  # a line that comes late under an old order's number changes what that order came to
    keys = ["cohort_on", "period"]
    before = ours(rows, question).tables()["cells"].filter(pl.col("is_complete"))
    later = replace(question, as_of=question.as_of + timedelta(days=45))
    after = ours(rows, later).tables()["cells"].join(before.select(keys), on=keys, how="semi")
    columns = [*keys, "n_customers", "n_active", "spend", "is_complete"]
    assert before.select(columns).sort(keys).equals(after.select(columns).sort(keys))


@settings(max_examples=40)
@given(firm=firms)
def test_order_of_rows_and_names_of_customers_do_not_matter(firm):
    rows, question = firm
    assume(has_cohorts(rows, question))
    renamed = [{**r, "customer_id": f"z{ord(r['customer_id']) * 7919 % 101}"} for r in reversed(rows)]
    one, two = (ours(r, question).tables() for r in (rows, renamed))
    assert one["cells"].equals(two["cells"])
    assert one["curve"].equals(two["curve"])


@settings(max_examples=40)
@given(firm=firms)
def test_recurring_cohorts_hold_first_ever_ones(firm):
    rows, question = firm
    assume(has_cohorts(rows, question))
    sizes = {
        entry: dict(
            ours(rows, replace(question, entry=entry)).tables()["cells"].filter(pl.col("period") == 0)
            .select("cohort_on", "n_customers").iter_rows()
        )
        for entry in ("first_ever", "recurring")
        if has_cohorts(rows, replace(question, entry=entry))
    }  # fmt: skip
    for cohort, n in sizes.get("first_ever", {}).items():
        assert n <= sizes["recurring"][cohort]
    entries = Counter(m.cohort for m in brute_force.members(rows, replace(question, entry="recurring")))
    assert sizes["recurring"] == dict(entries)


def test_the_brute_force_knows_its_calendar():
    """What the counting rests on, checked by hand."""
    q = Question(as_of=date(2025, 1, 1))
    assert brute_force.first_day(date(2024, 2, 29), q) == date(2024, 2, 1)
    assert brute_force.first_day(date(2024, 3, 3), replace(q, period="week")) == date(2024, 2, 26)
    assert brute_force.first_day(date(2024, 3, 3), replace(q, period="week", week_start="sunday")) == date(
        2024, 3, 3
    )
    assert brute_force.first_day(
        date(2024, 1, 31), replace(q, period="quarter", fiscal_year_start=2)
    ) == date(2023, 11, 1)
    assert brute_force.months_later(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert brute_force.months_later(date(2023, 12, 31), 2) == date(2024, 2, 29)
