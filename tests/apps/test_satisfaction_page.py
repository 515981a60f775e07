"""The page on satisfaction: the library's findings first, every part, every option, and bases that lack something."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

import crm_analytics as crm
from shared.blocks import first_sentence
from shared.words import plain

PARTS = ["Scores", "Drivers", "Shape", "Segments", "Trust"]


@pytest.fixture
def visit(apps, monkeypatch):
    """Open the page as a fresh visitor of a server that was started on `base`."""

    def open_page(base="", **query):
        monkeypatch.setenv("CRM_BASE", str(base))
        at = AppTest.from_file(apps / "streamlit_app.py", default_timeout=180)
        for name, value in query.items():
            at.query_params[name] = value
        return at.switch_page("app_pages/satisfaction.py").run()

    return open_page


def said(at) -> str:
    kinds = (at.subheader, at.markdown, at.caption, at.info, at.warning, at.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def test_the_findings_come_first_and_are_the_librarys(visit):
    at = visit()
    assert not at.exception
    assert not at.error
    base, words = crm.sample(), said(at)
    for name in ("satisfaction_scores", "satisfaction_drivers", "importance_performance"):
        assert plain(crm.run(name, base).headline()) in words, name
    assert at.subheader[0].value == plain(crm.run("satisfaction_scores", base).headline())


@pytest.mark.parametrize("part", PARTS)
def test_every_part_opens_by_its_address_and_ends_the_page_once(visit, part):
    at = visit(part=part)
    assert not at.exception
    assert not at.error
    assert not at.warning
    assert [e.label for e in at.expander].count("What the words mean") == 1
    assert len([c for c in at.caption if plain("surveys.csv") in c.value]) == 1


def test_notes_are_closed_and_what_is_to_be_minded_is_said_in_short(visit):
    at = visit()
    notes = [e for e in at.expander if " on “" in e.label]
    assert len(notes) == 2
    assert not any(e.proto.expanded for e in notes)
    mapped = crm.run("importance_performance", crm.sample())
    cautions = [n.text for n in mapped.notes if n.severity == "caution"]
    assert cautions
    said_small = "\n".join(c.value for c in at.caption)
    assert all(plain(first_sentence(text)) in said_small for text in cautions)


def test_managers_read_no_names_of_parameters(visit):
    words = said(visit())
    assert plain("Scales were read off the answers") in words
    assert plain("scales=") not in words
    scored = crm.run("satisfaction_scores", crm.sample())
    assert any("scales=" in str(note) for note in scored.notes)


@pytest.mark.parametrize(
    ("query", "name", "options"),
    [
        ({"metric": "Easy answers"}, "satisfaction_scores", {"metric": "ces"}),
        (
            {"metric": "Index of ratings", "index_items": ["Price", "Delivery"]},
            "satisfaction_scores",
            {"metric": "index", "index": ("price", "delivery")},
        ),
        ({"outcome": "Ease (CES)"}, "satisfaction_drivers", {"outcome": "ces"}),
        ({"gaps": "Complete answers alone"}, "satisfaction_drivers", {"missing": "complete"}),
        ({"drivers": ["Price", "Delivery"]}, "satisfaction_drivers", {"drivers": ("price", "delivery")}),
        ({"cut": "Equal priority"}, "importance_performance", {"cut": "iso"}),
    ],
)
def test_options_in_the_address_are_the_librarys(visit, query, name, options):
    at = visit(**query)
    assert not at.exception
    assert plain(crm.run(name, crm.sample(), **options).headline()) in said(at)


def test_an_unknown_option_in_the_address_does_no_harm(visit):
    at = visit(part="Nonsense", metric="no such score", drivers="no such rating")
    assert not at.exception
    assert not at.error


def test_a_base_without_answers_says_so(visit, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("customer_id,ordered_at,amount\nA,2026-01-05,10\nB,2026-02-07,20\n")
    at = visit(path)
    assert not at.exception
    assert "no survey answers" in said(at)


@pytest.mark.parametrize("n", [1, 3])
def test_a_few_answers_are_told_as_few(visit, tmp_path, n):
    pl.DataFrame(
        {
            "answered_at": [datetime(2026, 1, 5) + timedelta(days=i) for i in range(n)],
            "nps": [9, 3, 10][:n],
            "service": [4, 2, 5][:n],
            "price": [3, 3, 3][:n],
        }
    ).write_csv(tmp_path / "surveys.csv")
    for part in PARTS:
        at = visit(tmp_path / "surveys.csv", part=part)
        assert not at.exception
        assert not at.error


def test_a_score_of_too_few_answers_is_hidden_and_the_page_stands(visit, tmp_path):
    n = 60
    pl.DataFrame(
        {
            "answered_at": [datetime(2026, 1, 5) + timedelta(days=i) for i in range(n)],
            "nps": [9, 3, 10, 7, 8, 6] * (n // 6),
            "csat": [5, 4, 2, 1, *[None] * (n - 4)],
        }
    ).write_csv(tmp_path / "surveys.csv")
    at = visit(tmp_path)
    assert not at.exception
    assert "Too few answers to be shown" in said(at)


def asked_in_pairs(n=60, **more):
    days = [datetime(2026, 1, 5) + timedelta(days=i) for i in range(n)]
    pairs = {"app functional": [1, 1, 3] * (n // 3), "app dysfunctional": [3, 5, 3] * (n // 3)}
    return pl.DataFrame({"answered_at": days, **pairs, **more})


@pytest.mark.parametrize("rated", [True, False])
def test_a_kano_questionnaire_has_its_part(visit, tmp_path, rated):
    more = {"nps": [9, 3, 10, 7, 8, 6] * 10, "service": [4, 2, 5, 4, 3, 1] * 10} if rated else {}
    asked_in_pairs(**more).write_csv(tmp_path / "export.csv")
    at = visit(tmp_path / "export.csv", part="Kano")
    assert not at.exception
    assert not at.error
    assert not at.warning
    found = crm.run("kano", crm.open(tmp_path / "export.csv"))
    assert plain(found.headline()) in [element.value for element in at.subheader]
    assert ("Kano" in [o for c in at.button_group for o in c.options]) is rated


def test_no_kano_part_where_nobody_was_asked_in_pairs(visit):
    at = visit()
    assert [o for c in at.button_group for o in c.options] == PARTS
