"""The block on the page of lifetime value that says whether the forecast can be trusted."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import crm_analytics as crm


@pytest.fixture
def page(apps, monkeypatch):
    def open_page(base="", **query):
        monkeypatch.setenv("CRM_BASE", str(base))
        at = AppTest.from_file(apps / "streamlit_app.py", default_timeout=120)
        for name, value in query.items():
            at.query_params[name] = value
        return at.switch_page("app_pages/lifetime_value.py").run()

    return open_page


def headlines(at):
    return [s.value.replace("\\", "") for s in at.subheader]


def test_the_page_says_what_the_library_says(page):
    at = page()
    assert not at.exception
    assert crm.run("clv_validation", crm.sample()).headline() in headlines(at)


def test_a_segment_is_judged_on_customers_of_all_segments(page):
    at = page(segment="Champions")
    assert not at.exception
    assert crm.run("clv_validation", crm.sample()).headline() in headlines(at)
    assert any("customers of all segments" in c.value for c in at.caption)
