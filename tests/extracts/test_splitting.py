from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.extracts.text.splitting import MOST_LINES, Dialect, records


def split(text, dialect=None, width=None):
    return [record.cells for record in records(text.split("\n"), dialect or Dialect(","), width)]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("a,b", ["a", "b"]),
        ("a,", ["a", ""]),
        ('"a",""', ["a", ""]),
        ('"a,b",c', ["a,b", "c"]),
        ('"a ""b""",c', ['a "b"', "c"]),
        ('5" pipe,c', ['5" pipe', "c"]),
        ('a,"b"\r', ["a", "b"]),
    ],
)
def test_sound_rows(text, cells):
    assert split(text) == [cells]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ('a,"b,c', ["a", '"b', "c"]),
        ('a,""b,c",d', ["a", '"b,c', "d"]),
        ('a,"b"c,d', ["a", '"b"c', "d"]),
        ('"size 48"","x",c', ['size 48"', "x", "c"]),
        ('a,b,"', ["a", "b", '"']),
    ],
)
def test_the_reading_of_the_right_width_is_preferred(text, cells):
    assert split(text, width=3) == [cells]


def test_a_cell_of_several_lines():
    found = list(records(["1,x", '2,"a', "b", 'c",', "3,y"], Dialect(","), None))
    assert [(r.line, r.n_lines) for r in found] == [(0, 1), (1, 3), (4, 1)]
    assert found[1].cells == ["2", "a\nb\nc", ""]


def test_a_cell_that_never_ends_takes_one_line():
    lines = ['1,"a', *[f"{i},b" for i in range(MOST_LINES + 10)]]
    assert len(split("\n".join(lines), width=2)) == len(lines)


def test_other_dialects():
    assert split("a;'b;c'", Dialect(";", "'")) == [["a", "b;c"]]
    assert split('a,"b\\"c"', Dialect(",", escape="backslash")) == [["a", 'b"c']]
    assert split(" a   b c ", Dialect(" ", "", runs=True)) == [["a", "b", "c"]]
    assert split('a, "b, c" , d', Dialect(",", strip=True)) == [["a", "b, c", "d"]]
    assert split("a b", Dialect("")) == [["a b"]]


CELL = st.text(st.sampled_from('ab,"\n '), max_size=6)


@given(st.lists(st.lists(CELL, min_size=2, max_size=4), min_size=1, max_size=6))
def test_what_csv_writes_is_split_alike(rows):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    assert split(out.getvalue().removesuffix("\n")) == rows


@given(st.text(st.sampled_from('a,"\n\\'), max_size=60), st.integers(1, 4))
def test_every_line_is_in_exactly_one_row(text, width):
    lines = text.split("\n")
    assert sum(record.n_lines for record in records(lines, Dialect(","), width)) == len(lines)
