"""Nothing but our own elements is markup."""

from __future__ import annotations

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.reports.markup import Markup, as_json, joined, raw, tag


@given(st.text())
def test_no_text_becomes_an_element(words):
    assert not set("<>") & set(joined(words))
    inside = tag("p", words).removeprefix("<p>").removesuffix("</p>")
    assert not re.search(r"[<>\"']", inside)


@given(st.text())
def test_no_value_leaves_its_attribute(words):
    made = tag("div", title=words)
    assert made.count('"') == 2
    assert made.endswith('"></div>')


def test_what_a_tag_made_is_not_escaped_again():
    assert tag("p", tag("b", "R&D"), " & more") == "<p><b>R&amp;D</b> &amp; more</p>"
    assert raw("<i>") == "<i>"


def test_text_added_to_markup_by_hand_is_escaped():
    assert joined(tag("b", "x") + "<i>") == "&lt;b&gt;x&lt;/b&gt;&lt;i&gt;", (
        "a sum of strings is a plain string"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [(True, '<td hidden=""></td>'), (False, "<td></td>"), (None, "<td></td>"), ("x", '<td hidden="x"></td>')],
)
def test_attributes_that_are_switches(value, written):
    assert tag("td", hidden=value).replace(" hidden>", ' hidden="">') == written


def test_names_of_attributes():
    assert tag("td", class_="left", data_label="Spend") == '<td class="left" data-label="Spend"></td>'


def test_void_elements_are_not_closed():
    assert tag("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_direction_and_control_characters_go():
    assert joined("a\u202eb\x00c\nd") == "ab" + "c\nd"


@given(st.dictionaries(st.text(), st.text()))
def test_json_stays_what_it_says_and_cannot_end_a_script(data):
    made = as_json(json.dumps(data, ensure_ascii=False))
    assert not set("<>&\u2028\u2029") & set(made)
    assert json.loads(made) == data
    assert isinstance(made, Markup)


def test_what_is_not_json_is_refused():
    with pytest.raises(json.JSONDecodeError, match="Expecting"):
        as_json("alert(1)")


def test_a_notebook_shows_markup_as_such():
    assert html.unescape(tag("b", "&")._repr_html_()) == "<b>&</b>"
