from __future__ import annotations

import sys
from datetime import date, datetime

import openpyxl
import pytest

from crm_analytics.errors import MissingPackageError, SourceError, UnknownNameError
from crm_analytics.extracts.raw import ROW
from crm_analytics.extracts.sources.any_source import read_raw
from crm_analytics.extracts.sources.sheets import read_sheet


@pytest.fixture
def book(tmp_path):
    """Write a workbook with these sheets of rows."""

    def write(sheets, name="book.xlsx"):
        made = openpyxl.Workbook()
        made.remove(made.active)
        for title, rows in sheets.items():
            sheet = made.create_sheet(title)
            for row in rows:
                sheet.append(row)
        made.save(tmp_path / name)
        return tmp_path / name

    return write


HEADS = ["id", "day", "amount", "note"]
JAN = [[17850.0, date(2024, 1, 5), 9.5, "a"], [17851.0, datetime(2024, 1, 6, 8, 30), 12, None]]
FEB = [[17852.0, date(2024, 2, 5), 3, "b"]]


def rows(raw):
    return raw.frame.collect().drop(ROW).rows()


def test_dates_are_dates_and_numbers_numbers(book):
    raw = read_sheet(book({"Orders": [HEADS, *JAN]}))
    assert rows(raw) == [
        (17850.0, datetime(2024, 1, 5), 9.5, "a"),
        (17851.0, datetime(2024, 1, 6, 8, 30), 12.0, None),
    ]
    assert raw.kind == "excel"
    assert raw.details == {"format": "workbook", "sheet": "Orders", "heading row": "1"}


def test_mixed_ids_are_text_without_decimals(book):
    raw = read_sheet(book({"S": [["invoice", "n"], [536365, 1], ["C536379", 2], [536367.0, 3]]}))
    assert [r[0] for r in rows(raw)] == ["536365", "C536379", "536367"]


def test_rows_above_the_headings_are_passed_over(book):
    raw = read_sheet(book({"S": [["Report 2024"], ["printed today"], [], HEADS, *JAN]}))
    assert raw.headings == HEADS
    assert (
        raw.frame.collect()["day"].dtype
        == read_sheet(book({"S": [HEADS, *JAN]})).frame.collect()["day"].dtype
    )
    assert any("Report 2024" in note for note in raw.notes)


def test_the_only_filled_sheet_is_taken(book):
    raw = read_sheet(book({"Empty": [], "Orders": [HEADS, *JAN]}))
    assert raw.details["sheet"] == "Orders"
    assert raw.notes == ()


def test_of_several_sheets_the_first_is_taken_and_the_others_named(book):
    raw = read_sheet(book({"Jan": [HEADS, *JAN], "Feb": [HEADS, *FEB]}))
    assert len(rows(raw)) == 2
    assert "further sheets with rows: 'Feb'" in raw.notes[0]


def test_a_cover_sheet_is_no_table(book):
    cover = [["Author", "me"], ["Made on", "1 May"], ["For", "the board"]]
    found = book({"Info": cover, "Jan": [HEADS, *JAN], "Feb": [HEADS, *FEB]})
    raw = read_sheet(found)
    assert raw.details["sheet"] == "Jan"
    assert "'Info', 'Feb'" in raw.cautions[0]
    assert read_sheet(found, sheet="*").frame.collect().height == len(JAN) + len(FEB)


@pytest.mark.parametrize("sheet", ["Feb", "feb ", 2, "2"])
def test_a_sheet_is_chosen_by_name_or_number(book, sheet):
    assert len(rows(read_sheet(book({"Jan": [HEADS, *JAN], "Feb": [HEADS, *FEB]}), sheet=sheet))) == 1


def test_all_sheets_of_the_same_headings_are_stacked(book):
    raw = read_sheet(
        book({"Jan": [HEADS, *JAN], "Legend": [["word", "meaning"], ["a", "b"]], "Feb": [HEADS, *FEB]}),
        sheet="*",
    )
    assert [r[0] for r in rows(raw)] == [17850.0, 17851.0, 17852.0]
    assert "Sheets with other headings were left out: Legend." in raw.notes


def test_an_unknown_sheet_is_named_with_a_hint(book):
    with pytest.raises(UnknownNameError, match=r"There is no sheet 'Febr'.*Did you mean 'Feb'"):
        read_sheet(book({"Jan": [HEADS, *JAN], "Feb": [HEADS, *FEB]}), sheet="Febr")


def test_an_empty_workbook(book):
    with pytest.raises(SourceError, match=r"book\.xlsx holds no rows"):
        read_sheet(book({"S": []}))


def test_blank_rows_are_no_rows_but_keep_their_numbers(book):
    raw = read_sheet(book({"S": [HEADS, *JAN, [], *FEB]}))
    assert raw.frame.collect()[ROW].to_list() == [1, 2, 4]


def test_headings_alone_give_an_empty_table(book):
    raw = read_sheet(book({"S": [HEADS]}))
    assert raw.headings == HEADS
    assert rows(raw) == []


def test_workbooks_are_read_in_a_child_process(book, monkeypatch):
    path = book({"S": [HEADS, *JAN]})
    monkeypatch.setattr(
        "crm_analytics.extracts.sources.any_source.read_sheet", None
    )  # would fail if called here
    assert len(rows(read_raw(path))) == 2


def test_a_damaged_workbook(book):
    path = book({"S": [HEADS, *JAN]})
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(SourceError, match=r"book\.xlsx is a damaged workbook or zip archive"):
        read_raw(path)


def test_a_workbook_of_rubbish(tmp_path, bombs):
    path = bombs.workbook(tmp_path / "rubbish.xlsx", "<sheetData><row><c r='A1'></row>")
    with pytest.raises(SourceError, match=r"rubbish\.xlsx (cannot be read|holds no rows)"):
        read_raw(path)


def test_open_document_sheets(tmp_path, bombs):
    words = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{h}</text:p></table:table-cell>'
        for h in ("id", "n")
    )
    values = (
        '<table:table-cell office:value-type="string"><text:p>007</text:p></table:table-cell>'
        '<table:table-cell office:value-type="float" office:value="2.5"><text:p>2.5</text:p></table:table-cell>'
    )
    path = tmp_path / "book.ods"
    bombs.open_document(
        path, f"<table:table-row>{words}</table:table-row><table:table-row>{values}</table:table-row>"
    )
    assert rows(read_raw(path)) == [("007", 2.5)]


def test_fastexcel_absent(book, monkeypatch):
    path = book({"S": [HEADS, *JAN]})
    monkeypatch.setitem(sys.modules, "fastexcel", None)  # as if it could not be found
    with pytest.raises(MissingPackageError, match=r"pip install .crm-analytics\[excel\]"):
        read_sheet(path)


@pytest.mark.real_data
def test_online_retail_in_two_sheets(shared_data):
    path = shared_data("online_retail/online_retail_two_sheets.xlsx")
    assert read_raw(path).frame.collect().height == 14_269
    assert read_raw(path, sheet="Year 2010-2011").frame.collect().height == 20_497
    assert read_raw(path, sheet="*").frame.collect().height == 34_766


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["test.xlsx", "test.xls"])
def test_csvkit_workbooks(shared_data, name):
    frame = read_raw(shared_data(f"messy_csv/csvkit/examples/{name}")).frame.collect()
    assert frame["integer"].drop_nulls().to_list() == [40, 63, 164]
    assert frame["datetime"][0] == datetime(1971, 1, 1, 4, 14)
