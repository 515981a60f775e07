"""The page on retention: each part says what the library says, whatever options its address asks for."""

from __future__ import annotations

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

import crm_analytics as crm
from crm_analytics.retention.cohorts import customers_in_cell
from shared.words import plain

PARTS = {
    "Cohorts": "cohort_retention",
    "Survival": "survival",
    "Life cycle": "lifecycle",
    "Repeat purchase": "repeat_purchase",
    "Revenue": "revenue_retention",
}


@pytest.fixture
def visit(apps, monkeypatch):
    def open_page(base="", page="retention", **query):
        monkeypatch.setenv("CRM_BASE", str(base))
        at = AppTest.from_file(apps / "streamlit_app.py", default_timeout=120)
        for name, value in query.items():
            at.query_params[name] = value
        return at.switch_page(f"app_pages/{page}.py").run()

    return open_page


@pytest.fixture(scope="module")
def sample():
    return crm.sample()


@pytest.fixture
def orders_alone(tmp_path):
    """A shop without a single contract."""
    rows = [f"C{i % 23},{i},2025-{1 + i % 12:02}-{1 + i % 27:02},{10 + i % 7}" for i in range(160)]
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(["customer_id,order_id,ordered_at,amount", *rows]))
    return path


@pytest.fixture
def one_customer(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("customer_id,order_id,ordered_at,amount\nA,1,2026-01-05,10\n")
    return path


def headlines(at):
    return [s.value for s in at.subheader if s.value != "Filters"]


def said(at):
    kinds = (at.header, at.subheader, at.markdown, at.caption, at.info, at.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def listed(at):
    """Give the list of customers on the page."""
    return next(d.value for d in at.dataframe if "customer_id" in d.value.columns)


def fine(at):
    return not at.exception and not at.error and not at.warning


@pytest.mark.parametrize(("part", "analysis"), PARTS.items())
def test_a_part_says_what_the_library_says(visit, sample, part, analysis):
    at = visit(part=part)
    assert fine(at)
    assert headlines(at)[-1] == plain(crm.run(analysis, sample).headline())


def test_the_answer_stands_first_with_interval_and_n(visit, sample):
    at, curve = visit(), crm.run("cohort_retention", sample).tables()["curve"]
    row = curve.row(by_predicate=pl.col("period") == 1, named=True)
    assert at.metric[0].value == plain(f"{100 * row['retention_rate']:.1f}%")
    assert plain(f"n = {row['n_customers']:,} customers") in said(at)
    assert plain(f"95%: {100 * row['retention_rate_lower']:.1f}% to") in said(at)


@pytest.mark.parametrize("part", PARTS)
def test_only_the_part_chosen_is_worked_out(visit, monkeypatch, part):
    from shared import cache

    asked, run = [], cache.result

    def noted(of, name, **options):
        asked.append(name)
        return run(of, name, **options)

    monkeypatch.setattr(cache, "result", noted)
    visit(part=part)
    assert set(asked) <= {"rfm", "cohort_retention", PARTS[part]}


OPTIONS = {
    "horizon": ({"criterion": "On or after", "horizon": "3"}, {"criterion": "on_or_after", "horizon": 3}),
    "brackets": (
        {"criterion": "Within brackets", "brackets": "1-3, 4-12"},
        {"criterion": "bracket", "brackets": [(1, 3), (4, 12)]},
    ),
    "streak": (
        {"criterion": "Every time so far", "clock": "Own months"},
        {"criterion": "streak", "clock": "month"},
    ),
    "weeks": ({"period": "Week", "clock": "Own 7 days", "view": "Curves"}, {"period": "week", "clock": "7d"}),
    "recurring": ({"entry": "Every period with an order", "value": "Spend"}, {"entry": "recurring", "value": "spend"}),
    "channels as cohorts": ({"entry": "Channel"}, {"entry": "channel"}),
    "groups": ({"by": "Channel (customers)", "average": "Simple"}, {"by": "customers.channel", "average": "simple"}),
    "payback": ({"value": "Payback", "view": "Payback"}, {"value": "payback"}),
    "refunds": (
        {"activity": "Any, refunds too", "average": "Mature only", "view": "Losses"},
        {"activity": "any", "average": "mature_only"},
    ),
    "fiscal": (
        {"period": "Quarter", "fiscal_year_start": "April", "max_periods": "4"},
        {"period": "quarter", "fiscal_year_start": 4, "max_periods": 4},
    ),
    "shrunk": ({"shrink": "true", "min_customers": "100"}, {"shrink": True, "min_customers": 100}),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
def test_the_address_holds_the_options_of_a_cohort_table(visit, sample, name):
    query, options = OPTIONS[name]
    at = visit(**query)
    assert fine(at)
    assert headlines(at)[-1] == plain(crm.run("cohort_retention", sample, **options).headline())
    assert dict(at.query_params) == query


def test_definitions_stand_side_by_side(visit, sample):
    table = visit(compare="true").table[0].value
    found = crm.run("cohort_retention", sample, compare_definitions=True).tables()["definitions"]
    assert len(table) == found.n_unique(["vendor", "definition"])
    assert (
        list(table["By"])[1:]
        == [plain(v) for v in found.unique("definition", maintain_order=True)["vendor"]][1:]
    )
    first = found.row(by_predicate=(pl.col("period") == 1) & (pl.col("vendor") == "Shopify"), named=True)
    assert list(table["Month 1"])[-1] == plain(f"{100 * first['retention_rate']:.1f}%")


ILLEGAL = {
    "both attributes": ({"entry": "Channel", "by": "Country"}, "by channel and divided by country"),
    "brackets backwards": (
        {"criterion": "Within brackets", "brackets": "3-1"},
        "in order and without overlap",
    ),
    "brackets of words": ({"criterion": "Within brackets", "brackets": "soon"}, "soon"),
    "lost before dormant": ({"part": "Life cycle", "lapse": "9", "lost": "4"}, "above lapse"),
}


@pytest.mark.parametrize("name", ILLEGAL)
def test_options_that_contradict_each_other_are_explained(visit, name):
    query, words = ILLEGAL[name]
    at = visit(**query)
    assert not at.exception
    assert not at.error
    assert words in at.warning[0].value.replace("\\", "")
    assert at.metric  # the answer still stands


@pytest.mark.parametrize(
    "query",
    [
        {"part": "nonsense", "view": "<b>", "period": "eon", "criterion": "-1", "cohort": "1 Jan 1900", "age": "-4"},
        {"horizon": "abc", "min_customers": "-3", "max_periods": "0", "compare": "maybe", "entry": "customer_id"},
        {"part": "Survival", "of": "Rumours", "survival_by": "name", "order_number": "1e9", "covariates": "x,y"},
        {"part": "Revenue", "movement": "sideways", "months": "-1", "convention": "own"},
        {"part": "Life cycle", "state": "undead", "lapse": "-2", "every": ""},
        {"part": "Repeat purchase", "late_list": "0", "late_below": "never", "follow": "x"},
    ],
    ids=["cohorts", "numbers", "survival", "revenue", "life cycle", "repeat"],
)  # fmt: skip
def test_an_address_of_nonsense_shows_what_is_usual(visit, query):
    assert fine(visit(**query))


def test_the_customers_of_a_cell_are_those_it_counts(visit, sample):
    result = crm.run("cohort_retention", sample)
    for state, words in {"active": "Active", "away": "Not active"}.items():
        at = visit(cohort="Jan 2026", age="Month 2", who=words)
        found = customers_in_cell(result, cohort_on="2026-01-01", period=2, state=state)
        assert set(listed(at)["customer_id"]) == set(found["customer_id"])
    cell = result.tables()["cells"].filter(cohort_on=pl.date(2026, 1, 1), period=2).row(0, named=True)
    assert f"{cell['n_active']} of {cell['n_customers']} customers active" in said(at)


def test_the_average_cell_lists_as_many_customers_as_it_counts(visit, sample):
    row = (
        crm.run("cohort_retention", sample)
        .tables()["curve"]
        .row(by_predicate=pl.col("period") == 3, named=True)
    )
    at = visit(age="Month 3")
    assert len(listed(at)) == row["n_active"]
    assert f"{row['n_active']:,} of {row['n_customers']:,} customers active" in said(at)


def test_the_customers_of_a_groups_cell(visit, sample):
    curve = crm.run("cohort_retention", sample, by="channel").tables()["curve"]
    row = curve.row(by_predicate=(pl.col("period") == 3) & (pl.col("group") == "store"), named=True)
    assert len(listed(visit(by="Channel", group="store", age="Month 3"))) == row["n_active"]


def test_a_cell_of_too_few_customers_is_not_told(visit):
    at = visit(min_customers="100", cohort="Apr 2024", age="Month 1")
    assert fine(at)
    assert "too few customers" in at.info[0].value


def test_digits_are_left_out_where_the_page_is_too_narrow_for_them():
    import plotly.graph_objects as go

    from shared.retention import cell_clicks

    wide = go.Figure(go.Heatmap(z=[[1] * 37], text=[["16"] * 37]))
    few = go.Figure(go.Heatmap(z=[[1] * 4], text=[["16"] * 4]))
    phone, desk = 350, 1000  # pixels that the picture has there
    narrowest = [
        int(cell_clicks._without_digits(f).partition("max-width: ")[2].partition("px")[0])
        for f in (wide, few)
    ]
    assert phone < narrowest[0] < desk
    assert narrowest[1] < phone


def test_a_click_on_the_heat_map_chooses_cohort_and_age(visit, monkeypatch):
    import streamlit as st

    from shared.retention import cohorts

    state = {"cohort_rows": {"2026-01-01": ("cohort", "then"), "store": ("group", "store")}}
    monkeypatch.setattr(st, "session_state", state)
    cohorts.choose("2026-01-01", 4)
    assert (state["cohort"], state["age"]) == ("then", 4)
    cohorts.choose("store", 2)
    assert (state["group"], state["cohort"], state["age"]) == ("store", "every", 2)
    cohorts.choose("gone by now", 9)
    assert state["age"] == 2


@pytest.mark.parametrize("part", PARTS)
def test_a_base_without_contracts(visit, orders_alone, part):
    at = visit(orders_alone, part=part, of="Contracts")
    assert fine(at)
    assert headlines(at)[-1] == plain(crm.run(PARTS[part], crm.open(orders_alone)).headline())


@pytest.mark.parametrize("part", PARTS)
def test_a_single_customer_is_shown_or_explained(visit, one_customer, part):
    at = visit(one_customer, part=part)
    assert fine(at)
    assert at.metric or at.info or headlines(at)


def test_contracts_and_orders_can_both_be_followed(visit, sample):
    at = visit(part="Survival", of="Orders", order_number="3")
    expected = crm.survival(
        sample.table("transactions"), customers=sample.table("customers"), as_of=sample.as_of, order_number=3
    )
    assert headlines(at)[-1] == plain(expected.headline())
    assert "n \\= " in said(at) or "n = " in said(at)


def test_a_segment_narrows_the_lists_and_not_the_figures(visit, sample):
    at = visit(part="Repeat purchase", segment="At risk", late_list="All who are late")
    assert headlines(at)[-1] == plain(crm.run("repeat_purchase", sample).headline())
    chosen = crm.run("rfm", sample).tables()["customers"].filter(segment="At risk")["customer_id"]
    late = crm.run("repeat_purchase", sample).tables()["customers"].filter("is_late")
    expected = late.filter(pl.col("customer_id").is_in(chosen.implode()))["customer_id"]
    assert set(listed(at)["customer_id"]) == set(expected)
    assert "of all segments" in said(at)


def test_contracts_say_which_filter_they_cannot_follow(visit, sample):
    at = visit(part="Revenue", channel="web")
    assert "does not apply here" in said(at)
    assert headlines(at)[-1] == plain(crm.run("revenue_retention", sample).headline())
    assert "does not apply here" not in said(visit(part="Revenue", country="Germany"))


def test_links_open_the_part_of_their_analysis(visit):
    from shared import pages

    at = visit(page="overview")
    links = {link.value: link for link in at.page_link}
    assert {"Survival", "Life cycle", "Repeat purchase"} <= set(links)
    assert {pages.PART_OF[name] for name in PARTS.values()} == set(PARTS)


def test_a_customers_page_tells_the_customers_own_rhythm(visit, sample):
    result = crm.run("repeat_purchase", sample)
    row = result.tables()["customers"].filter("is_late").row(0, named=True)
    at = visit(page="customers", customer=row["customer_id"])
    assert fine(at)
    shown = {m.label: m.value for m in at.metric}
    assert shown["Lapse ratio"] == plain(f"{row['lapse_ratio']:.2f}")
    assert shown["Chance of such a silence"] == plain(f"{100 * row['silence_probability']:.1f}%")
    assert f"Late for {row['late_for_days']} day" in said(at)
