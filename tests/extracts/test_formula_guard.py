"""The apostrophe goes on where a spreadsheet would run a text, and comes off again exactly."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.extracts.cells.formula_guard import guard, guard_text, unguard, unguard_text

WIDE = "\uff1d\uff0b\uff0d\uff20"
# Letters that matter are frequent, so that chance finds the awkward neighbours.
awkward = st.text(
    st.sampled_from("=+-@'; \t\r\n\x00a1,\"" + WIDE) | st.characters(codec="utf-8"), max_size=12
)


@given(awkward)
def test_a_text_comes_back_as_it_was(text):
    assert unguard_text(guard_text(text)) == text


@given(awkward)
def test_no_guarded_text_begins_a_formula(text):
    begin = guard_text(text).lstrip(" ")
    assert not begin.startswith(tuple("=+-@\t\r\n\x00" + WIDE))


@given(st.lists(awkward | st.none(), max_size=5))
def test_columns_are_guarded_as_texts_are(texts):
    column = pl.Series("c", texts, dtype=pl.String)
    guarded = guard(column)
    assert guarded.to_list() == [None if t is None else guard_text(t) for t in texts]
    assert unguard(guarded).to_list() == texts


@pytest.mark.parametrize(
    "text", ["O'Neill", "'s-Hertogenbosch", "'tis", "", "plain = text", "3-4", "a, -b", "x; y"]
)
def test_harmless_text_is_left_alone(text):
    assert guard_text(text) == text
    assert unguard_text(text) == text


def test_a_semicolon_does_not_open_a_cell_where_it_is_the_list_separator():
    assert guard_text("Smith;=HYPERLINK(A1);x") == "Smith;'=HYPERLINK(A1);x"
