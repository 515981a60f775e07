from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.extracts.text import row_scan
from crm_analytics.extracts.text.row_scan import scan_rows


def odd_rows(data, width, **options):
    scan = scan_rows(data, 0, ",", '"', width, **options)
    assert scan.regular
    return [one.row for one in scan.odd]


def test_rows_are_counted_and_odd_ones_found_where_they_lie():
    data = b"1,2\n3\n4,5,6\n7,8"
    scan = scan_rows(data, 0, ",", '"', 2)
    assert scan.n_rows == 4
    assert [(one.row, data[one.start : one.end]) for one in scan.odd] == [(1, b"3"), (2, b"4,5,6")]


def test_blank_rows_and_those_after_them_are_looked_at():
    assert odd_rows(b"1,2\n\n3,4\n5,6\n\r\n7,8\n", 2) == [1, 2, 4, 5]


def test_separators_and_line_ends_in_quotes_do_not_count():
    assert odd_rows(b'1,"a,b"\n2,"c\nd"\n3,"e ""f"", g"\n', 2) == []


def test_rows_that_begin_like_the_headings_are_looked_at():
    assert odd_rows(b'1,2\nid,n\n"id",n\nidea,n\n', 2, watched=(b"id,", b'"id",')) == [1, 2]


@pytest.mark.parametrize("data", [b'1,"a\n2,b\n', b'1,a"b\n', b'1,"a"b\n', b'1, "a"\n', b'"', b'1,"a" \n'])
def test_quotes_that_do_not_add_up_are_told(data):
    assert not scan_rows(data, 0, ",", '"', 2).regular


@pytest.mark.parametrize("step", [8, 64])
def test_blocks_of_any_size_give_the_same(monkeypatch, step):
    data = b"".join(b'%d,"word, %d\n and ""more"""\n' % (i, i) for i in range(50)) + b"x\n" + b"1,2\n" * 50
    whole = scan_rows(data, 0, ",", '"', 2)
    monkeypatch.setattr(row_scan, "_STEP", step)
    assert scan_rows(data, 0, ",", '"', 2) == whole
    assert [one.row for one in whole.odd] == [50]


CELL = st.text(st.sampled_from('ab,"\n '), max_size=5)


@given(st.lists(st.lists(CELL, min_size=1, max_size=4), min_size=1, max_size=12))
def test_it_agrees_with_the_csv_module(rows):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    scan = scan_rows(out.getvalue().encode(), 0, ",", '"', 3)
    assert scan.regular
    assert scan.n_rows == len(rows)
    assert [one.row for one in scan.odd] == [i for i, row in enumerate(rows) if len(row) != 3]


cells = st.sampled_from(["a", "h", "hd", "", "xx", "\r", '"q"'])


@given(
    st.lists(st.lists(cells, min_size=0, max_size=4), max_size=12),
    st.integers(2, 3),
    st.booleans(),
    st.sampled_from([3, 8, 64, 1 << 19]),
)
def test_a_plain_file_is_one_without_a_row_to_look_at(rows, width, ended, step):
    body = "\n".join(",".join(row) for row in rows) + ("\n" if ended else "")
    data, watched = f"hd,b\n{body}".encode(), (b"hd,",)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_scan, "_STEP", step)
        plain = row_scan.count_plain(data, 5, ",", '"', width, watched)
        patch.setattr(row_scan, "count_plain", lambda *_: None)
        scan = scan_rows(data, 5, ",", '"', width, watched)
    regular = scan.regular and not scan.odd and b'"' not in data and len(data) > 5
    assert (plain.n_rows if plain else None) == (scan.n_rows if regular else None)
    for begin, first in zip(plain.begins, plain.first, strict=True) if plain else ():
        rows_before = data[5:begin].decode().split("\n")
        assert len(rows_before) - (rows_before[-1] == "") == first
    for marks, begin, end in zip(plain.marks, plain.begins, plain.begins[1:], strict=True) if plain else ():
        assert marks.tolist() == [at for at, byte in enumerate(data[begin:end]) if byte in b",\n"]


@pytest.mark.parametrize(("most", "kept"), [(14, True), (13, False)])
def test_marks_of_too_many_rows_are_not_kept(monkeypatch, most, kept):
    monkeypatch.setattr(row_scan, "_MOST_KEPT", most)  # of a half: seven rows and five
    monkeypatch.setattr(row_scan, "_STEP", 8)
    plain = row_scan.count_plain(b"1,2\n" * 12, 0, ",", '"', 2)
    assert plain.n_rows == 12
    assert (plain.marks is not None) == kept
