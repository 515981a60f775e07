"""Plain text read to numbers, held against the way in which every other table is read."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crm_analytics.extracts import door
from crm_analytics.extracts.plain import cells, instants
from crm_analytics.extracts.plain import lines as plain_lines
from crm_analytics.extracts.readers import read_transactions
from crm_analytics.extracts.sources import csv_files
from crm_analytics.extracts.text import encodings, row_scan

IDS = st.sampled_from(
    ["C1", "C12", "C0000007", "C00000008", "c1", "", "guest", "NULL", " C1", "C1 ", "Total", "C1.2E+12"]
)
OTHER_IDS = st.sampled_from(["0012", "12", "ab", "NA", "", "é", "a;b", "?", "12345678", "x" * 9])
MOMENTS = st.sampled_from(
    ["2024-01-01 00:00:00", "2024-02-29 23:59:59", "2023-02-29 10:00:00", "2024-01-05", "", "x", "1900-01-01 00:00:00",
     " 2024-03-06 01:02:03", "2024-01-05T00:00:00", "9999-12-31 00:00:00", "2024-01-05 24:00:00", "2024-01-05 10: 3:15"]
)  # fmt: skip
AMOUNTS = st.one_of(
    st.integers(-10_000, 10_000_000).map(lambda cents: f"{cents / 100:.2f}"),
    st.sampled_from(["7", "-0.00", ".5", "5.", "-", ".", "1e5", "", "x", "1.2.3", "123456789.12", "nan", "inf", " 8.5", "--1", "+1"]),
)  # fmt: skip
USUAL = [("C1", "2024-01-01 00:00:00", "1.50", "DE")] * 30


def cells_of(texts):
    body, starts, ends = b"\0" * cells.MARGIN, [], []
    for text in texts:
        starts.append(len(body))
        body += text.encode()
        ends.append(len(body))
        body += b","
    found = np.frombuffer(body + b"\0" * cells.MARGIN, np.uint8)
    words = np.ndarray((len(found) - 7,), "<u8", found, 0, (1,))
    return cells.Cells(found, words, np.array(starts), np.array(ends))


def known(found):
    odd = found.odd if found.odd is not None else np.zeros(len(found.values), np.bool_)
    return [None if strange else value for value, strange in zip(found.values.tolist(), odd, strict=True)]


@given(st.lists(st.one_of(AMOUNTS, st.text("0123456789.-", max_size=10)), min_size=1, max_size=20))
def test_a_number_is_the_float_nearest_to_what_is_written_or_odd(texts):
    expected = pl.Series(texts).cast(pl.Float64, strict=False)
    for text, value, other in zip(texts, known(cells.read_numbers(cells_of(texts))), expected, strict=True):
        if value is not None:
            assert value == other
            assert math.copysign(1, value) == math.copysign(1, other)
        else:
            usual = text.removeprefix("-").replace(".", "", 1)
            assert not usual.isdigit() or len(text.removeprefix("-")) > 8


def test_usual_numbers_are_not_odd():
    texts = ["1.50", "-22.55", "3", "12345678", "-1234.567", "0.1", "5.", ".5"]
    assert known(cells.read_numbers(cells_of(texts))) == [float(t) for t in texts]


FORMS = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d",
    "%Y%m%d",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S.000Z",
    "%d-%m-%Y, %H:%M",
]


@pytest.mark.parametrize("form", FORMS)
@given(
    moments=st.lists(st.datetimes(datetime(1890, 1, 1), datetime(2210, 1, 1)), min_size=1, max_size=9),
    at=st.integers(0, 18),
    letter=st.sampled_from(["", "x", " ", "9", "0", "/"]),
)
def test_an_instant_is_what_polars_reads_or_odd(form, moments, at, letter):
    texts = [moment.strftime(form) for moment in moments]
    texts = [texts[0][:at] + letter + texts[0][at + 1 :], *texts[1:]]
    found = instants.read_instants(cells_of(texts), instants.Instants.of(form))
    read = pl.Series(texts).str.to_datetime(form, strict=False, time_unit="us").to_physical()
    values = known(found)
    assert all(value in (None, other) for value, other in zip(values, read, strict=True))
    for moment, value in list(zip(moments, values, strict=True))[1:]:
        assert (value is not None) == (1900 <= moment.year < 2200)


def test_words_tell_texts_apart():
    texts = ["1.0", "1.00", "01.0", "-1.0", "1", "10", "0.1", "-0.1", "00.1", "1.", ".1"]
    words = cells.read_numbers(cells_of(texts)).words
    assert len(set(words.tolist())) == len(texts)
    long = ["a" * n for n in range(1, 30)]
    assert len(set(cells.hashes_of(cells_of(long)).tolist())) == len(long)
    assert cells.hashes_of(cells_of(["ab", "x" * 40])).tolist() == [
        cells.hashes_of(cells_of([text])).item() for text in ("ab", "x" * 40)
    ]


@pytest.mark.parametrize(
    ("texts", "prefix"),
    [
        (["C1", "C22"], b"C"),
        (["CUST-00000001", "CUST-1"], b"CUST-"),
        (["C1", "D1"], b""),
        (["0012", "7"], b""),
        (["abc", "xyz9"], b""),
    ],
)
def test_ids_come_back_from_their_numbers(texts, prefix):
    how = cells.Ids.of(pl.Series(texts, dtype=pl.String))
    assert how == cells.Ids(prefix)
    found = cells.read_ids(cells_of(texts), how)
    assert found.odd is None
    assert [i.decode() for i in cells.text_of(found.values, prefix).tolist()] == texts
    assert np.argsort(found.values).tolist() == sorted(range(len(texts)), key=texts.__getitem__)


@pytest.mark.parametrize("last", ["", "x", "C", "CUST-", "CUST-1"])
def test_the_last_id_of_a_text_may_be_shorter_than_what_others_begin_with(last):
    texts = ["CUST-00000001", "CUST-00000002", last]
    found = cells.read_ids(cells_of(texts), cells.Ids(b"CUST-"))
    assert (found.missing is not None and bool(found.missing[-1])) == (last == "")
    values = known(found)
    assert (values[-1] is not None) == (last in ("", "CUST-1"))
    assert [text.decode() for text in cells.text_of(found.values[:2], b"CUST-").tolist()] == texts[:2]


def test_long_ids_have_no_numbers():
    assert cells.Ids.of(pl.Series(["x" * 9])) is None
    assert cells.Ids.of(pl.Series(["C123456789"])) is None
    assert cells.Ids.of(pl.Series([], dtype=pl.String)) is None


def _both(monkeypatch, path, fits, *, step=256, blocks=3, most_kept=10**9):
    """Read a file from its text and in the usual way, as if it were a large one."""
    read = []
    used = plain_lines.PlainReader.keys
    with monkeypatch.context() as patch:
        patch.setattr(door, "_LOOK_AT", 20)
        patch.setattr(door, "FITS", fits)
        patch.setattr(row_scan, "_STEP", step)
        patch.setattr(row_scan, "_MOST_KEPT", most_kept)
        patch.setattr(plain_lines, "_BLOCKS", blocks)
        patch.setattr(plain_lines.PlainReader, "keys", lambda *given: read.append(1) or used(*given))
        plain = read_transactions(path)
        patch.setattr(plain_lines, "readers", lambda *_, **__: ())
        patch.setattr(row_scan, "count_plain", lambda *_: None)
        return plain, read_transactions(path), bool(read)


def _rounded(value):
    """Leave out what depends on the order in which floats are added up."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value


def _same(plain, usual):
    assert plain.frame.collect_schema() == usual.frame.collect_schema()
    assert plain.frame.collect().equals(usual.frame.collect())
    assert plain.rejected.equals(usual.rejected)
    assert plain.check.lines() == usual.check.lines()
    assert _rounded(plain.check.to_dict()) == _rounded(usual.check.to_dict())
    assert plain.details == usual.details


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    ids=st.sampled_from([IDS, OTHER_IDS]).flatmap(lambda ids: st.lists(ids, min_size=8, max_size=8)),
    moments=st.lists(MOMENTS, min_size=8, max_size=8),
    amounts=st.lists(AMOUNTS, min_size=8, max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
    fits=st.sampled_from([0, 160_000_000]),
    most_kept=st.sampled_from([0, 10**9]),
)
@example(["C1"] * 8, ["2024-01-01 00:00:00"] * 8, ["1.50"] * 8, "\n", 0, 0)
def test_plain_text_gives_the_extract_that_the_usual_way_gives(
    tmp_path, monkeypatch, ids, moments, amounts, end, fits, most_kept
):
    odd = list(zip(ids, moments, amounts, ["FR", "", "NA", "x", "DE", "é", "n/a", " "], strict=True))
    lines = [",".join(row) for row in [*USUAL, *odd, *USUAL * 4, *odd[:3]]]
    path = tmp_path / "orders.csv"
    path.write_bytes(end.join(["customer_id,ordered_at,amount,country", *lines]).encode())
    plain, usual, _ = _both(monkeypatch, path, fits, most_kept=most_kept)
    _same(plain, usual)


@pytest.mark.parametrize("fits", [0, 160_000_000])
def test_a_usual_file_is_read_from_its_text(tmp_path, monkeypatch, fits):
    lines = [
        f"C{i % 90:04},2024-01-{1 + i % 28:02} 10:00:{i % 60:02},{i % 70}.{i % 10},{i % 3}"
        for i in range(400)
    ]
    lines[200] = ",2024-01-05 10:00:00,5.00,1"
    lines[300] = "C0001,2024-01-05,5.00,1"
    lines[390] = lines[7]
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(["customer_id,ordered_at,amount,quantity", *lines, ""]))
    plain, usual, was_plain = _both(monkeypatch, path, fits)
    assert was_plain
    assert plain.check.rows_rejected == 1
    assert any("repeats another row" in line for line in plain.check.lines())
    _same(plain, usual)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("last", ["", " ", "x", "CUST-1"])
def test_ids_in_the_last_column_are_read_to_the_end_of_the_text(tmp_path, monkeypatch, last, end):
    lines = [f"2024-01-{1 + i % 28:02},{i % 70}.50,CUST-{i % 90:08}" for i in range(200)]
    lines[100:] = [*lines[100:], f"2024-01-05,7.00,{last}"]
    path = tmp_path / "orders.csv"
    path.write_bytes(((end or "\n").join(["ordered_at,amount,customer_id", *lines]) + end).encode())
    plain, usual, _ = _both(monkeypatch, path, 160_000_000)
    _same(plain, usual)


@pytest.mark.parametrize(("n_odd", "as_usual"), [(100, False), (101, True)])
def test_a_tenth_of_odd_lines_is_the_most_that_is_read_from_the_text(tmp_path, monkeypatch, n_odd, as_usual):
    lines = [f"C{i % 90:04},2024-01-{1 + i % 28:02} 10:00:00,{i % 70}.50" for i in range(1000)]
    lines[50 : 50 + n_odd] = ["C0001,2024-01-05,+5"] * n_odd
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(["customer_id,ordered_at,amount", *lines, ""]))
    plain, usual, was_plain = _both(monkeypatch, path, 160_000_000, blocks=1000)
    assert was_plain != as_usual
    _same(plain, usual)


def _at_borders():
    size = len("C0001,2024-01-05 10:00:00,05.5\n")
    return [(size * 8 + more, at) for more in (-1, 0, 1) for at in (31, 32, 39, 40, 63, 64, 159)]


@pytest.mark.parametrize(("step", "at"), _at_borders())
def test_an_odd_line_may_stand_where_one_block_ends_and_another_begins(tmp_path, monkeypatch, step, at):
    lines = [f"C{i % 90:04},2024-01-{1 + i % 28:02} 10:00:00,{i % 70:02}.5" for i in range(160)]
    lines[at] = "é,2024-01-05 10:00,05.5"
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(["customer_id,ordered_at,amount", *lines]), encoding="utf-8")
    plain, usual, _ = _both(monkeypatch, path, 160_000_000, step=step)
    _same(plain, usual)


def test_a_file_that_is_odd_throughout_is_read_in_the_usual_way(tmp_path, monkeypatch):
    lines = [f"C{i % 90:04},2024-01-{1 + i % 28:02},{i % 70}.{i % 10}" for i in range(60)]
    lines += [f"guest {i},2024-01-05,5.00" for i in range(200)]
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(["customer_id,ordered_at,amount", *lines, ""]))
    plain, usual, was_plain = _both(monkeypatch, path, 160_000_000)
    assert not was_plain
    _same(plain, usual)


def test_what_was_looked_at_of_a_large_file_is_let_go_and_still_there(tmp_path, monkeypatch):
    lines = [f"C{i % 90:04},2024-01-{1 + i % 28:02},{i % 70}.{i % 10}" for i in range(9000)]
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(["customer_id,ordered_at,amount", *lines, ""]))
    with monkeypatch.context() as patch:
        patch.setattr(csv_files, "_SMALL", 0)
        patch.setattr(encodings, "_LARGE", 0)
        plain, usual, was_plain = _both(monkeypatch, path, 160_000_000)
    assert was_plain
    assert plain.check.rows_kept == 9000
    _same(plain, usual)
