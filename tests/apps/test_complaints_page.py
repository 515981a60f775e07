"""The page on complaints: the library's finding, options kept in the address, lists, and bases that lack something."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import crm_analytics as crm
from shared.words import plain


@pytest.fixture
def visit(apps, monkeypatch):
    """Open the page as a fresh visitor of a server that was started on `base`."""

    def open_page(base="", **query):
        monkeypatch.setenv("CRM_BASE", str(base))
        at = AppTest.from_file(apps / "streamlit_app.py", default_timeout=180)
        for name, value in query.items():
            at.query_params[name] = value
        return at.switch_page("app_pages/complaints.py").run()

    return open_page


def said(at) -> str:
    kinds = (at.subheader, at.markdown, at.caption, at.info, at.warning, at.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


@pytest.mark.parametrize(
    ("query", "options"),
    [({}, {}), ({"target_hours": "24", "period": "Quarter"}, {"target_hours": 24, "period": "quarter"})],
)
def test_the_finding_is_the_librarys_with_the_options_of_the_address(visit, query, options):
    at = visit(**query)
    assert not at.exception
    assert not at.error
    assert at.subheader[0].value == plain(crm.run("complaints", crm.sample(), **options).headline())


@pytest.mark.parametrize("who", ["Good customers", "With an open case", "Everyone"])
def test_each_list_of_customers_opens(visit, who):
    at = visit(complainers=who)
    assert not at.exception
    assert "Click a row to open the customer" in said(at)


def test_a_segment_narrows_the_list_alone(visit):
    whole, some = visit(), visit(segment="Champions")
    assert some.subheader[0].value == whole.subheader[0].value
    assert "all segments" in said(some)


def test_unknown_options_do_no_harm(visit):
    at = visit(period="Never", target_hours="minus one", complainers="Nobody")
    assert not at.exception


def test_a_base_without_cases_says_so(visit, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("customer_id,ordered_at,amount\nA,2026-01-05,10\nB,2026-02-07,20\n")
    at = visit(path)
    assert not at.exception
    assert "no complaints or requests" in said(at)


def test_one_case_alone_is_told_as_it_is(visit, tmp_path):
    path = tmp_path / "cases.csv"
    path.write_text("case_id,opened_at,closed_at\n1,2026-01-05 10:00,\n")
    at = visit(path)
    assert not at.exception
    assert not at.error


def test_cases_that_do_not_say_when_they_were_closed(visit, tmp_path):
    rows = "".join(f"{i},2026-0{1 + i % 6}-1{i % 9} 10:00,c{i % 7},late\n" for i in range(40))
    (tmp_path / "cases.csv").write_text(f"case_id,opened_at,customer_id,category\n{rows}")
    at = visit(tmp_path)
    assert not at.exception
    assert not at.error
    assert "cannot be told" in said(at)
