"""Tables as CSV and XLSX that hold no formulas: what leaves the house cannot run in a spreadsheet.

Text that a spreadsheet could take for a formula gets an apostrophe in front (`extracts.cells.formula_guard`), which our own
reader takes off again. Numbers stay numbers, days stay days.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import polars.selectors as cs

from crm_analytics import formats
from crm_analytics.errors import MissingPackageError, TooLargeError
from crm_analytics.extracts.cells.formula_guard import guard, guard_text
from crm_analytics.reports import about
from crm_analytics.reports.files import write_bytes
from crm_analytics.results import Result
from crm_analytics.terms import Term, Unit

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

MOST_ROWS: Final = 1_048_575
"""Rows of data that a sheet holds below its heading."""

MOST_CHARACTERS: Final = 32_767
"""Characters that a cell holds; longer text ends in an ellipsis."""

_NUMBER_FORMATS: Final[Mapping[Unit, str]] = {
    "money": "#,##0.00",
    "share": "0.0%",
    "count": "#,##0",
    "days": "#,##0",
    "number": "#,##0.00",
    "index": "0.000",
    "score": "#,##0.##",
    "day": "d mmm yyyy",
    "instant": "d mmm yyyy hh:mm",
}
_CHANCE: Final = re.compile(r"(^|_)p(_value|_holm|_bh|_corrected)?$")
"""Names of the columns of p-values."""
_CHANCE_FORMAT: Final = '[<0.0001]"< 0.0001";0.0000'
_TWO_DECIMALS: Final = 0.005  # below it two decimals show 0.00
_HEADING: Final = {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#F1F3F5"}
_SHORT: Final = 40  # texts up to here are never wrapped
_LINE: Final = 15.0  # points
_MOST_LINES: Final = 12
_WIDEST_LABEL: Final = 48
_BORN: Final = datetime(2000, 1, 1)
_FIRST_DAY: Final = date(1900, 3, 1)  # spreadsheets count days wrongly before this one


def csv_bytes(frame: pl.DataFrame) -> bytes:
    r"""Write a table as CSV that is safe to open in a spreadsheet.

    Parameters
    ----------
    frame
        Any table; text and headings are guarded, numbers, days and flags are written as they are.

    Returns
    -------
    bytes
        UTF-8, comma, a heading row, empty cells for nothing; days as 2026-03-01. A byte-order mark leads only where
        there is text beyond ASCII, since spreadsheets need it just there.

    Examples
    --------
    >>> csv_bytes(pl.DataFrame({"name": ["=1+1", "Ann"], "spend": [-5.0, 12.5]}))
    b"name,spend\n'=1+1,-5.0\nAnn,12.5\n"
    """
    text = _as_text(frame).with_columns(guard(cs.string()))
    text = text.rename({name: guard_text(name) for name in text.columns})
    data = text.write_csv(datetime_format="%Y-%m-%d %H:%M:%S%.f").encode()
    return data if data.isascii() else b"\xef\xbb\xbf" + data


def write_csv(path: str | Path, frame: pl.DataFrame) -> Path:
    """Write a table as safe CSV in one step: the file is whole or not there.

    Raises
    ------
    SourceError
        If the file cannot be written.
    """
    return write_bytes(path, csv_bytes(frame))


def xlsx_bytes(
    tables: Mapping[str, pl.DataFrame],
    terms: Mapping[str, Term] | None = None,
    currency: str | None = None,
    *,
    background: Sequence[tuple[str, str]] = (),
) -> bytes:
    """Write tables as a workbook for people: headings in words, units as formats, definitions beside them.

    Parameters
    ----------
    tables
        Name of the sheet and its table, in order.
    terms
        What the columns mean; a column without a term keeps its own name as heading.
    currency
        Currency of the money columns, shown in their headings.
    background
        Pairs of a label and a text for the sheet "About", e.g. from `reports.about.about`.

    Returns
    -------
    bytes
        An .xlsx file without a single formula or link; equal input gives equal bytes.

    Raises
    ------
    TooLargeError
        If a table has more rows than a sheet holds.
    MissingPackageError
        If xlsxwriter is not installed.
    """
    known = terms or {}
    file = io.BytesIO()
    with _workbook(file) as book:
        names = _sheet_names(tables)
        for name, frame in zip(names, tables.values(), strict=True):
            _write_table(book, name, frame, known, currency)
        _write_definitions(book, tables, known)
        _write_pairs(book, "About", background)
    return file.getvalue()


def workbook(result: Result) -> bytes:
    """Write a whole result as a workbook: summary, every table, definitions, notes and where it comes from."""
    pairs = [
        ("Analysis", result.title),
        ("Finding", result.headline()),
        *((f"Note {i}", note.text) for i, note in enumerate(result.notes, 1)),
        *about.about(result),
    ]
    tables = {"summary": result.summary(), **result.tables()}
    return xlsx_bytes(tables, result.terms, result.currency, background=pairs)


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn what a sheet cannot hold (lists, structs, categories, times) into text."""
    return frame.with_columns(
        cs.categorical().cast(pl.String),
        cs.enum().cast(pl.String),
        cs.duration().cast(pl.String),
        cs.time().cast(pl.String),
        cs.datetime(time_zone="*").dt.strftime("%Y-%m-%d %H:%M:%S%z"),
        *(_nested_as_text(name, dtype) for name, dtype in frame.schema.items() if dtype.is_nested()),
        *(pl.lit(None, pl.String).alias(name) for name, dtype in frame.schema.items() if dtype == pl.Null),
        cs.binary().bin.encode("hex"),
    )


def _nested_as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.List) and not dtype.inner.is_nested():
        return pl.col(name).cast(pl.List(pl.String)).list.join("; ")
    return pl.struct(pl.col(name)).struct.json_encode().alias(name)


def _workbook(file: io.BytesIO) -> Workbook:
    try:
        import xlsxwriter  # noqa: PLC0415 an extra
    except ModuleNotFoundError as error:
        raise MissingPackageError.of("xlsxwriter", "excel", "write a workbook") from error
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(
        file, {**options, "default_date_format": "d mmm yyyy", "nan_inf_to_errors": False}
    )
    book.set_properties({"created": _BORN})
    return book


def _sheet_names(names: Mapping[str, object]) -> list[str]:
    """Make names that a workbook accepts: at most 31 characters, no marks that it keeps for itself, all different."""
    taken = {"definitions", "about", "history"}
    found = []
    for name in names:
        words = re.sub(r"[\[\]:*?/\\]", " ", name.replace("_", " ")).strip("' ") or "table"
        words = words[:1].upper() + words[1:]
        sheet, n = words[:31].rstrip("' "), 2
        while sheet.casefold() in taken:
            sheet, n = f"{words[:26].rstrip()} ({n})", n + 1
        taken.add(sheet.casefold())
        found.append(sheet)
    return found


def _write_table(
    book: Workbook, name: str, frame: pl.DataFrame, terms: Mapping[str, Term], currency: str | None
) -> None:
    if frame.height > MOST_ROWS:
        raise TooLargeError.for_a_sheet(name, frame.height, MOST_ROWS)
    sheet = book.add_worksheet(name)
    sides: dict[str, dict[str, str | int]] = {
        "left": {"align": "left"},
        "right": {"align": "right"},
        "after": {"align": "left", "indent": 1},
    }
    heading_of = {side: book.add_format({**_HEADING, **form}) for side, form in sides.items()}
    shown = _as_text(frame)
    headings = _headings(shown.columns, terms, currency)
    widths = []
    for i, column in enumerate(shown.iter_columns()):
        term = terms.get(column.name)
        heading = guard_text(headings[i])
        widths.append(_width(heading, column, term))
        sheet.write_string(0, i, heading, heading_of[_side(i, column)])
        sheet.set_column(i, i, widths[-1])
        _write_column(book, sheet, i, column, term)
    _set_heights(sheet, shown, widths)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)  # on paper: headings on every page, as wide as the page
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    if frame.width and frame.height:
        sheet.autofilter(0, 0, frame.height, frame.width - 1)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{frame.height + 1}"})  # ids are text on purpose


def _side(i: int, column: pl.Series) -> str:
    """Set a heading as its cells are: words after another column a little in, so that they do not touch its figures."""
    if column.dtype != pl.String:
        return "right"
    return "after" if i else "left"


def _headings(columns: Sequence[str], terms: Mapping[str, Term], currency: str | None) -> list[str]:
    """Give the headings of a sheet; where two would read alike, each says its column."""
    said = [formats.label(terms[c], currency) if c in terms else c for c in columns]
    return [
        _told_apart(heading, column, columns) if said.count(heading) > 1 else heading
        for heading, column in zip(said, columns, strict=True)
    ]


def _told_apart(heading: str, column: str, columns: Sequence[str]) -> str:
    """Leave the heading to the words of a pair, and call the other its code."""
    stem = re.sub(r"_(label|text)$", "", column)
    pair = [c for c in (stem, f"{stem}_label", f"{stem}_text") if c in columns]
    if len(pair) == 1:
        return f"{heading} ({column})"
    return f"{heading} (as stored)" if column == stem else heading


def _write_column(book: Workbook, sheet: Worksheet, i: int, column: pl.Series, term: Term | None) -> None:
    """Write a column by the one method its type needs; what is not a number, or nothing, stays empty."""
    cell = book.add_format({"num_format": _number_format(column, term), "valign": "top"})
    words = book.add_format({"text_wrap": True, "align": "left", "valign": "top", "indent": int(i > 0)})
    if column.dtype == pl.String:
        texts = guard(column).to_list()
        _write(
            sheet.write_string, i, ((r, _short(t)) for r, t in enumerate(texts, 1) if t is not None), words
        )
    elif column.dtype.is_numeric():
        numbers = column.cast(pl.Float64) if column.dtype.is_decimal() else column
        kept = enumerate(numbers.to_list(), 1)
        _write(sheet.write_number, i, ((r, n) for r, n in kept if n is not None and math.isfinite(n)), cell)
    elif column.dtype == pl.Boolean:
        _write(sheet.write_boolean, i, _present(column), cell)
    else:
        days = list(_present(column))
        _write(sheet.write_datetime, i, ((r, d) for r, d in days if _as_day(d) >= _FIRST_DAY), cell)
        _write(sheet.write_string, i, ((r, str(d)) for r, d in days if _as_day(d) < _FIRST_DAY), words)


def _present(column: pl.Series) -> Iterator[tuple[int, Any]]:
    return ((row, value) for row, value in enumerate(column.to_list(), 1) if value is not None)


def _write(write: Callable[..., Any], i: int, cells: Iterable[tuple[int, Any]], form: Any) -> None:  # noqa: ANN401 xlsxwriter's own
    for row, value in cells:
        write(row, i, value, form)


def _as_day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def _number_format(column: pl.Series, term: Term | None) -> str:
    if column.dtype == pl.Date:
        return _NUMBER_FORMATS["day"]
    if column.dtype == pl.Datetime:
        return _NUMBER_FORMATS["instant"]
    if term is None or term.unit not in _NUMBER_FORMATS:
        return "General"
    if term.unit == "number":
        return _format_of_number(column)
    fractions = column.dtype.is_float() and bool((column.drop_nulls() % 1 != 0).any())
    return "#,##0.0" if term.unit in ("count", "days") and fractions else _NUMBER_FORMATS[term.unit]


def _format_of_number(column: pl.Series) -> str:
    """Give the decimals a number needs, so that a small one never reads as 0.00."""
    if _CHANCE.search(column.name):
        return _CHANCE_FORMAT
    sizes = column.drop_nulls().cast(pl.Float64).abs()
    small = bool(sizes.is_between(0, _TWO_DECIMALS, closed="none").any())
    return "#,##0.0000" if small else _NUMBER_FORMATS["number"]


def _width(heading: str, column: pl.Series, term: Term | None) -> float:
    """Give a width that shows headings on two lines and nearly all values whole."""
    sample = column.head(500)
    if column.dtype == pl.String:
        lengths = column.str.len_chars()
        most = lengths.quantile(1.0) or 0.0
        longest = most + 1 if most <= _SHORT else lengths.quantile(0.95) or 0.0
    else:
        longest = max((len(formats.value(v, term.unit if term else "number")) for v in sample), default=0) + 2
    words = max((len(word) for word in heading.split()), default=0)
    return float(min(max(longest, words, len(heading) / 2, 6) + 2, 60))


def _set_heights(sheet: Worksheet, frame: pl.DataFrame, widths: Sequence[float]) -> None:
    """Make rows as high as their longest text needs, since not every program does so itself."""
    sheet.set_row(0, 2 * _LINE)
    texts = [(i, c) for i, c in enumerate(frame.iter_columns()) if c.dtype == pl.String]
    lines = [(c.str.len_chars().fill_null(0) / (widths[i] - 2)).ceil().cast(pl.Int64) for i, c in texts]
    for row, *needed in zip(range(1, frame.height + 1), *lines, strict=True):
        if max(needed, default=1) > 1:
            sheet.set_row(row, min(max(needed), _MOST_LINES) * _LINE)


def _write_definitions(book: Workbook, tables: Mapping[str, pl.DataFrame], terms: Mapping[str, Term]) -> None:
    headed = [
        (c, h)
        for f in tables.values()
        for c, h in zip(f.columns, _headings(f.columns, terms, None), strict=True)
    ]
    columns = {c: max((h for other, h in headed if other == c), key=len) for c, _ in headed if c in terms}
    rows = [(heading, terms[c].definition) for c, heading in columns.items()]
    _write_pairs(book, "Definitions", rows)


def _write_pairs(book: Workbook, name: str, pairs: Sequence[tuple[str, str]]) -> None:
    if not pairs:
        return
    sheet = book.add_worksheet(name)
    label = book.add_format({"bold": True, "valign": "top", "text_wrap": True})
    text = book.add_format({"text_wrap": True, "valign": "top"})
    widest = min(max(len(first) for first, _ in pairs) + 4, _WIDEST_LABEL)
    sheet.set_column(0, 0, widest)
    sheet.set_column(1, 1, 100)
    for row, (first, second) in enumerate(pairs):
        sheet.write_string(row, 0, guard_text(first), label)
        sheet.write_string(row, 1, _short(guard_text(second)), text)
        lines = max(math.ceil(len(second) / 100), math.ceil(1.15 * len(first) / widest), 1)
        sheet.set_row(row, min(lines, _MOST_LINES) * _LINE)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
