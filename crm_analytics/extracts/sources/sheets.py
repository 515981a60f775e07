"""Read a sheet of an Excel or OpenDocument workbook: which sheet, where its table begins, dates as dates."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from crm_analytics.errors import MissingPackageError, SourceError, TooLargeError, UnknownNameError
from crm_analytics.extracts.raw import ROW, RawTable
from crm_analytics.extracts.recognising.layout import Layout, find_layout

if TYPE_CHECKING:
    import fastexcel

_SAMPLE_ROWS: Final = 300
_MOST_ENTRIES: Final = 5_000
_MOST_UNPACKED: Final = 3 << 30
_MOST_RATIO: Final = 300
_ALWAYS_FINE: Final = 64 << 20
_MOST_CELLS: Final = 200_000_000
_DIMENSION: Final = re.compile(rb'<dimension\s+ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_CELL: Final = re.compile(rb'<c\s+r="([A-Z]{1,3})(\d{1,7})"')

_GLANCE: Final = 60  # rows by which a table is told from a cover sheet
_TABLE_WIDTH: Final = 3  # no table of orders has fewer columns

ALL_SHEETS: Final = "*"
"""As `sheet`: all sheets of the same headings, stacked."""


def read_sheet(path: Path, *, sheet: str | int | None = None, label: str | None = None) -> RawTable:
    """Read one sheet in this process; `any_source` calls it in a child process with bounds.

    Parameters
    ----------
    path
        An .xlsx, .xlsm, .xls, .xlsb or .ods workbook.
    sheet
        Its name or number (first = 1); "*" stacks all sheets of the same headings; None takes the only sheet
        with rows, or the first of several that looks like a table, with a note that names the others.
    label
        What to call the workbook; its file name if None.
    """
    name = label or path.name
    check_package(path)
    book = _opened(path, name)
    if sheet == ALL_SHEETS:
        return _stacked(book, name)
    chosen, notes = _chosen(book, name, sheet)
    table = _table(book, chosen, name)
    return replace(table, notes=(*notes, *table.notes))


def check_package(path: Path) -> None:
    """Refuse a workbook whose package unfolds to far more than its size, before anything unfolds it."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as package:
        entries = package.infolist()
        unpacked = sum(entry.file_size for entry in entries)
        packed = max(sum(entry.compress_size for entry in entries), 1)
        if len(entries) > _MOST_ENTRIES or unpacked > _MOST_UNPACKED:
            raise _too_large(path, f"holds {len(entries):,} parts of {unpacked >> 20:,} MB in all")
        if unpacked > _ALWAYS_FINE and unpacked / packed > _MOST_RATIO:
            raise _too_large(path, f"unfolds to {unpacked // packed:,} times its size")
        for entry in entries:
            if entry.filename.startswith("xl/worksheets/") and entry.filename.endswith(".xml"):
                _check_extent(path, package, entry)


def _check_extent(path: Path, package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Compare the extent a sheet claims, or its first and last cell span, with the bytes it has for it."""
    with package.open(entry) as part:
        head = part.read(1 << 16)
    found = _DIMENSION.search(head)
    spans = [found.groups()] if found else []
    cells = _CELL.findall(head)
    if cells and entry.file_size <= len(head):
        spans.append((*cells[0], *cells[-1]))
    for left, top, right, bottom in spans:
        n = (abs(_column(right) - _column(left)) + 1) * (abs(int(bottom) - int(top)) + 1)
        if n > _MOST_CELLS or (n > 1_000_000 and n > 50 * entry.file_size):  # noqa: PLR2004 - mostly empty
            raise _too_large(path, f"claims {n:,} cells in {entry.filename.rsplit('/', 1)[-1]}")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _too_large(path: Path, why: str) -> TooLargeError:
    return TooLargeError(
        f"{path.name} {why}.",
        f"A workbook of at most {_MOST_CELLS:,} cells was expected.",
        "Clear the empty rows and columns beside the table, or save the sheet as CSV.",
    )


def _opened(path: Path, name: str) -> fastexcel.ExcelReader:
    try:
        import fastexcel  # noqa: PLC0415 - an extra, and only workbooks need it
    except ImportError:
        raise MissingPackageError.of("fastexcel", "excel", "read Excel and OpenDocument sheets") from None
    try:
        return fastexcel.read_excel(str(path))
    except fastexcel.FastExcelError as error:
        if "limit exceeded" in str(error):
            raise _too_large(path, "claims more cells than a table has") from error
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> SourceError:
    return SourceError(
        f"{name} cannot be read as a workbook: {(str(error).splitlines() or [''])[0][:200]}",
        "A whole workbook without a password was expected.",
        "Open it in Excel or LibreOffice, remove the password if it has one, and save it again.",
    )


def _chosen(book: fastexcel.ExcelReader, name: str, sheet: str | int | None) -> tuple[str, tuple[str, ...]]:
    names: Sequence[str] = book.sheet_names
    if sheet is None:
        filled = [n for n in names if _rows(book, n, 2)]
        if not filled:
            raise SourceError.empty(name)
        chosen = _first_table(book, filled)
        others = ", ".join(repr(n) for n in filled if n != chosen)
        note = f"The workbook has further sheets with rows: {others}. Name one, or '*' for all of the same headings."
        return chosen, (note,) if others else ()
    by_number = {str(i): n for i, n in enumerate(names, start=1)}
    folded = {n.casefold().strip(): n for n in names}
    wanted = str(sheet)
    found = folded.get(wanted.casefold().strip()) or by_number.get(wanted)
    if found is None:
        raise UnknownNameError.of("sheet", wanted, names)
    return found, ()


def _first_table(book: fastexcel.ExcelReader, filled: Sequence[str]) -> str:
    """Give the first sheet that looks like a table: a cover sheet has one row, or words beside words."""
    for name in filled:
        rows = _rows(book, name, _GLANCE)
        layout = find_layout(rows)
        if layout.width >= _TABLE_WIDTH and any(any(row) for row in rows[layout.body :]):
            return name
    return filled[0]


def _stacked(book: fastexcel.ExcelReader, name: str) -> RawTable:
    """Stack the sheets that have the headings of the first; say which were left out."""
    tables = {n: _table(book, n, name) for n in book.sheet_names if _rows(book, n, 2)}
    if not tables:
        raise SourceError.empty(name)
    first = tables[_first_table(book, list(tables))]
    same = {n: t for n, t in tables.items() if t.headings == first.headings}
    left_out = [n for n in tables if n not in same]
    frame = pl.concat([t.frame.drop(ROW) for t in same.values()], how="vertical_relaxed")
    notes = [f"{len(same)} sheets of the same headings were stacked: {', '.join(same)}."]
    if left_out:
        notes.append(f"Sheets with other headings were left out: {', '.join(left_out)}.")
    return replace(
        first,
        frame=frame.with_row_index(ROW, offset=1),
        details=dict(first.details) | {"sheet": ", ".join(same)},
        notes=(*notes, *first.notes),
    )


def _rows(book: fastexcel.ExcelReader, sheet: str, most: int) -> list[list[str]]:
    """Give the first rows of a sheet as text."""
    part = book.load_sheet(sheet, header_row=None, n_rows=most, dtypes="string")
    rows = part.to_polars().rows()
    return [["" if cell is None else str(cell) for cell in row] for row in rows]


def _table(book: fastexcel.ExcelReader, sheet: str, name: str) -> RawTable:
    rows = _rows(book, sheet, _SAMPLE_ROWS)
    if not any(any(row) for row in rows):
        raise SourceError.empty(f"Sheet {sheet!r} of {name}")
    layout = find_layout(rows)
    frame = _typed(book, sheet, layout) if len(rows) > layout.body else _no_rows(layout)
    details = {"format": "workbook", "sheet": sheet} | layout.words()
    return RawTable(frame.lazy(), name, "excel", details, notes=layout.notes(rows[: layout.first]))


def _no_rows(layout: Layout) -> pl.DataFrame:
    return pl.DataFrame(schema={ROW: pl.UInt32()} | dict.fromkeys(layout.headings, pl.String()))


def _typed(book: fastexcel.ExcelReader, sheet: str, layout: Layout) -> pl.DataFrame:
    """Load the body; each column is typed by all of its cells, mixed ones become text."""
    options: dict[str, Any] = {"header_row": None, "skip_rows": layout.body, "schema_sample_rows": None}
    frame: pl.DataFrame = book.load_sheet(sheet, **options).to_polars()
    frame.columns = list(layout.headings[: frame.width])
    moments = pl.selectors.datetime("ms")
    numbered = frame.with_columns(moments.cast(pl.Datetime("us"))).with_row_index(ROW, offset=1)
    return numbered.filter(~pl.all_horizontal(pl.exclude(ROW).is_null()))
