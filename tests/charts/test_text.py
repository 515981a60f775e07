"""Nothing from the data speaks plotly's language."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.charts import text

HOSTILE = (
    "<script>alert(1)</script>",
    '<a href="javascript:alert(1)">x</a>',
    "<b>bold</b><br>",
    "&lt;b&gt;",
    "%{x}%{customdata[0]}",
    "%%{x}",
    "$\\href{javascript:alert(1)}{x}$",
    "A & B",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_drawn_as_they_are_written(name):
    escaped = text.safe(name)
    assert not re.search(r"[<>$]|%\{|&(?!amp;|lt;|gt;|#36;|#37;)", escaped)
    assert html.unescape(escaped) == name


@given(st.text())
def test_no_text_is_markup_and_all_of_it_is_there(name):
    escaped = text.safe(name)
    assert not set("<>$") & set(escaped)
    assert "%{" not in escaped
    assert html.unescape(escaped.replace("&#37;", "%")) == html.unescape(escaped)
    assert text.plain(html.unescape(escaped)) == text.plain(name)


def test_control_and_direction_characters_go():
    assert text.plain("moc.\u202eevil\u2066\x00\x07") == "moc.evil"
    assert text.plain("two\r\nlines\tand\u2028more") == "two lines and more"
    assert text.plain("👩\u200d🚀") == "👩\u200d🚀"  # joined emoji are one sign


def test_nothing_is_an_empty_text():
    assert text.plain(None) == text.safe(None) == text.wrapped(None) == ""


def test_shortening_says_that_something_is_missing():
    assert text.shortened("abcdef", 6) == "abcdef"
    assert text.shortened("abcdefg", 6) == "abcde…"
    assert text.shortened("abcd efg", 6) == "abcd…"


def test_entities_are_not_cut_in_two():
    assert text.safe(text.shortened("R&D & more and more", 6)) == "R&amp;D &amp;…"
    assert text.wrapped("<<<< >>>>", 4) == "&lt;&lt;&lt;&lt;<br>&gt;&gt;&gt;&gt;"


@given(st.text(alphabet="abc &<", max_size=80), st.integers(5, 30))
def test_wrapped_lines_keep_the_width(words, width):
    for line in text.wrapped(words, width).split("<br>"):
        assert len(html.unescape(line)) <= width


def test_hover_lines_leave_out_what_is_empty_and_escape_the_rest():
    assert text.lines("1 < 2", "", None, 0, head="<i>") == "<b>&lt;i&gt;</b><br>1 &lt; 2<br>0"
    assert text.lines("only this") == "only this"
