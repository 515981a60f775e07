"""How figures and sentences are written, whatever shows them."""

from __future__ import annotations

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics import formats
from crm_analytics.charts import draw
from crm_analytics.results import Note, Result, View
from crm_analytics.terms import Term


@pytest.mark.parametrize(
    ("hyphened", "written"),
    [
        ("-5 points", "−5 points"),
        ("from -0.03 to 0.08", "from −0.03 to 0.08"),
        ("(-2.9 points, -6.1 to +0.4)", "(−2.9 points, −6.1 to +0.4)"),
        ("worth -£3 or -CHF 4.00", "worth −£3 or −CHF 4.00"),
        ("p >-0.001", "p >−0.001"),
        ("r = -.5", "r = −.5"),
    ],
)
def test_a_minus_is_a_minus(hyphened, written):
    assert formats.minus(hyphened) == written


@pytest.mark.parametrize(
    "words",
    ["2026-03-01", "answers 9-10", "A-17", "log(-log)", "month-1 retention", "1 - x", "top-2 box", "- item"],
)
def test_what_is_no_minus_stays_a_hyphen(words):
    assert formats.minus(words) == words


@pytest.mark.parametrize("unit", ["money", "share", "count", "number", "days", "index"])
def test_every_unit_writes_negative_figures_with_the_minus_of_the_axes(unit):
    assert formats.value(-12.5, unit, "GBP").startswith("−")
    assert "-" not in formats.value(-12.5, unit, "GBP")


def worded(**more):
    tables = {"lists": pl.DataFrame({"list_text": ["-2 to 3"], "category": ["-5 kg"]})}
    terms = {
        n: Term(n, n.capitalize(), "text", "") for n in ("finding", "finding_text", "list_text", "category")
    }
    summary = pl.DataFrame({"finding": ["store: below the rest"], "finding_text": ["-7 points"]})
    return Result.of(
        "worded", title="Worded", headline="store fell by -7 points", summary=summary, tables=tables,
        views=(View("one", "store lies -7 points below", "lists"),), parameters={}, provenance=provenance(), terms=terms, **more,
    )  # fmt: skip


def provenance():
    return crm.rfm(crm.sample().table("transactions")).provenance


def test_a_result_writes_its_words_as_they_are_read_and_leaves_names_of_the_data_alone():
    result = worded(notes=(Note("one", "phone is low: -3.", "caution", "grace_days=1"),))
    assert result.headline() == "Store fell by −7 points"
    assert result.summary().row(0) == ("Store: below the rest", "−7 points")
    assert result.views[0].title == "Store lies −7 points below"
    assert result.tables()["lists"].row(0) == ("−2 to 3", "-5 kg")
    (note,) = result.notes
    assert note.text == "Phone is low: −3."
    assert str(note) == "Phone is low: −3. (Option: grace_days=1)"
    assert "grace_days=1" in result._repr_html_()


def test_a_notebook_sets_words_left_and_figures_right():
    page = crm.rfm(crm.sample().table("transactions"))._repr_html_()
    assert '<td class="left" style="text-align: left">Champions</td>' in page
    assert '<th style="text-align: right">Customers</th>' in page


def test_a_picture_writes_the_minus_of_its_axes():
    result = crm.run("cohort_retention", crm.sample())
    figure = draw(result, "trend")
    told = [
        figure.layout.title.text,
        figure.layout.meta["alt"],
        *(n.text or "" for n in figure.layout.annotations),
    ]
    told += [w for t in figure.data for w in (t.hovertext if isinstance(t.hovertext, tuple | list) else ())]
    assert any("−" in words for words in told)
    assert not any(formats.minus(words) != words for words in told)
