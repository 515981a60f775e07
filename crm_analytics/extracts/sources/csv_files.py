"""Read a text file of rows and columns as it came, whatever its dialect.

The file is brought to UTF-8, its dialect and layout are found on a sample, and every byte is scanned for rows that do not
fit. A file of the usual form is then read lazily by polars straight from the disk; a file whose quotes do not add up
is split by this package's own tolerant splitter. Both ways give the same rows.
"""

from __future__ import annotations

import io
import mmap
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

import polars as pl

from crm_analytics.errors import OptionError, SourceError, TooLargeError
from crm_analytics.extracts.cells.kinds import fits, is_heading_like
from crm_analytics.extracts.raw import ROW, PlainText, RawTable
from crm_analytics.extracts.recognising.layout import Layout, find_layout
from crm_analytics.extracts.text.dialect import detect
from crm_analytics.extracts.text.encodings import Bytes, Text, to_utf8
from crm_analytics.extracts.text.mending import mend
from crm_analytics.extracts.text.row_scan import Odd, PlainRows, scan_rows
from crm_analytics.extracts.text.splitting import Dialect, Record, records

_SAMPLE_BYTES: Final = 1 << 18
_SAMPLE_ROWS: Final = 400
_UNREADABLE: Final = {ROW: pl.UInt32(), "text": pl.String(), "reason": pl.String()}
_SMALL: Final = 1 << 22
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_NEVER: Final = "\x1f"  # stands for a separator in a file of one column
_NOTHING: Final = " \t\r,;|\x1a\ufeff"
_STRANGE: Final = re.compile("[\x00-\x08\n\x0e-\x1f\x7f\ufffd]")
_MOST_STRANGE: Final = 0.05
_BATCH: Final = 50_000
_MOST_COLUMNS: Final = 16_384
_AHEAD: Final = 6  # rows looked at to tell a second table from one strange row
_AHEAD_BYTES: Final = 1 << 14
_SHOWN: Final = 2_000  # letters of an unreadable row that are kept


def read_csv(
    source: Path | bytes,
    *,
    label: str | None = None,
    encoding: str | None = None,
    separator: str | None = None,
) -> RawTable:
    """Read a CSV or other text file of rows and columns.

    Parameters
    ----------
    source
        The file, or its bytes.
    label
        What to call it; the file's name if None.
    encoding, separator
        Where they are known; found out if None.

    Returns
    -------
    RawTable
        All columns as strings, empty cells as null. Rows that do not fit are in `unreadable` with the reason.
    """
    name = label or (source.name if isinstance(source, Path) else "text")
    _check_separator(separator)
    text = to_utf8(_contents(source, name), encoding)
    return _open(source, name, text, separator).table()


def _check_separator(separator: str | None) -> None:
    if separator is not None and (len(separator) != 1 or not separator.isascii() or separator in "\r\n\"'"):
        raise OptionError.out_of_range(
            "separator", separator, "one ASCII character, e.g. ',' or ';' or a tab"
        )


def _contents(source: Path | bytes, name: str) -> Bytes:
    if isinstance(source, bytes):
        return source
    try:
        with source.open("rb") as file:
            small = source.stat().st_size < _SMALL
            return file.read() if small else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise SourceError.not_found(source) from None
    except OSError as error:
        raise SourceError(
            f"{name} cannot be opened: {error.strerror}.", remedy="Check that it is a file you may read."
        ) from None


@dataclass(frozen=True, eq=False)
class _Opened:
    """A file whose form is known: text, dialect, layout and where its rows of data begin."""

    source: Path | bytes
    name: str
    text: Text
    dialect: Dialect
    layout: Layout
    above: tuple[tuple[str, ...], ...]
    body_line: int
    body_at: int
    originals: Mapping[int, str] = field(default_factory=dict)

    def table(self) -> RawTable:
        """Read it by the fast engine where the whole file is of the usual form, else by the tolerant splitter."""
        frame, sorter = self._fast() or self._mended() or self._tolerant()
        plain = self._plain(sorter.plain) if sorter.plain else None
        return RawTable(
            frame,
            self.name,
            "csv",
            {"encoding": self.text.encoding} | self.dialect.words() | self.layout.words(),
            pl.DataFrame(sorter.unreadable, schema=_UNREADABLE, orient="row"),
            (*self.text.notes, *self.layout.notes(self.above), *sorter.notes()),
            sorter.n_rows,
            plain,
        )

    def _fast(self) -> tuple[pl.LazyFrame, _Sorter] | None:
        dialect = self.dialect
        if not self._is_plain:
            return None
        separator = dialect.separator or _NEVER
        scan = scan_rows(
            self.text.data,
            self.body_at,
            separator,
            dialect.quote,
            self.layout.width,
            self._watched(separator),
        )
        sorter = _Sorter(self.layout)
        if not scan.regular or not self._sort(scan.odd, sorter):
            return None
        frame = self._scanned(separator, quoted=scan.quoted) if scan.n_rows else _no_rows(self.layout).lazy()
        sorter.n_rows = None if scan.odd else scan.n_rows
        sorter.plain = scan.plain if self.text.as_stored else None
        dropped = pl.Series(sorter.dropped, dtype=pl.UInt32)
        return (frame.filter(~pl.col(ROW).is_in(dropped.implode())) if len(dropped) else frame), sorter

    def _mended(self) -> tuple[pl.LazyFrame, _Sorter] | None:
        """Read it by the fast engine after the lines whose quotes do not add up were written anew."""
        if self.originals or not self.dialect.quote or not self._is_plain:
            return None
        mended = mend(self.text.data, self.body_at, self.dialect, self.layout.width)
        if mended is None or not mended.originals:
            return None
        text = replace(self.text, data=mended.data, as_stored=False)
        sound = replace(self, text=text, originals=mended.originals)
        return sound._fast()  # noqa: SLF001 - one of our own

    @property
    def _is_plain(self) -> bool:
        """Whether polars can read the dialect."""
        dialect = self.dialect
        return not (dialect.strip or dialect.runs or dialect.escape != "doubled" or self.layout.is_list)

    def _watched(self, separator: str) -> tuple[bytes, ...]:
        """Say how the heading row would begin if it came again, bare or in quotes."""
        first = self.layout.raw_headings[0] if self.layout.n_headings else ""
        end = separator if self.layout.width > 1 else "\n"
        quote = self.dialect.quote
        return tuple(f"{q}{first}{q}{end}".encode() for q in dict.fromkeys(("", quote))) if first else ()

    def _sort(self, odd: Sequence[Odd], sorter: _Sorter) -> bool:
        """Sort the rows that do not fit; False where that is better left to the slower ways."""
        for one in odd:
            text = self.text.data[one.start : one.end].decode("utf-8", "replace")
            cells = next(records(text.split("\n"), self.dialect)).cells
            if "\n" in text and len(cells) != self.layout.width:
                return False  # a row of several lines that does not fit: a stray quote may have joined them
            text = self.originals.get(one.start, text)
            sorter.sort(one.row + 1, cells, text, partial(self._next_rows, one.end + 1))
            if sorter.ended:
                return False
        return True

    def _next_rows(self, at: int) -> list[list[str]]:
        lines = self.text.data[at : at + _AHEAD_BYTES].decode("utf-8", "replace").split("\n")
        return [
            r.cells for r in islice(records(lines[:-1] or lines, self.dialect, self.layout.width), _AHEAD)
        ]

    def _plain(self, rows: PlainRows) -> PlainText:
        """Offer the text itself to be read, which is quicker than by any engine."""
        separator = self.dialect.separator
        return PlainText(self.text.data, separator, tuple(self.layout.headings), rows, self._part)

    def _part(self, part: bytes, first: int) -> pl.LazyFrame:
        """Give the rows of a part of a plain file."""
        return self._scan(io.BytesIO(part), self.dialect.separator, first=first)

    def _scanned(self, separator: str, *, quoted: bool) -> pl.LazyFrame:
        quote = (quoted and self.dialect.quote) or None
        if isinstance(self.source, Path) and self.text.as_stored:
            return self._scan(self.source, separator, quote=quote, skip=self.body_line)
        return self._scan(io.BytesIO(self.text.data[self.body_at :]), separator, quote=quote)

    def _scan(
        self,
        source: Path | io.BytesIO,
        separator: str,
        *,
        quote: str | None = None,
        skip: int = 0,
        first: int = 0,
    ) -> pl.LazyFrame:
        return pl.scan_csv(
            source,
            has_header=False,
            separator=separator,
            quote_char=quote,
            skip_lines=skip,
            schema=dict.fromkeys(self.layout.headings, pl.String()),
            null_values=[""],
            row_index_name=ROW,
            row_index_offset=first + 1,
            extra_columns="ignore",
            missing_columns="insert",
            glob=False,
        )

    def _tolerant(self) -> tuple[pl.LazyFrame, _Sorter]:
        lines = self.text.data[self.body_at :].decode("utf-8", "replace").split("\n")
        if lines and not lines[-1]:
            lines.pop()
        found = records(lines, self.dialect, self.layout.width)
        sorter = _Sorter(self.layout)
        if self.layout.is_list:  # as wide as its longest row, which need not be in the sample
            rows = list(found)
            widest = max((len(row.cells) for row in rows), default=0)
            _check_width(widest, self.name)
            found, sorter = iter(rows), _Sorter(self.layout.widened(widest))
        frames = [_batch(batch, ahead, first, lines, sorter) for batch, ahead, first in _batches(found)]
        return pl.concat([_no_rows(sorter.layout), *frames]).lazy(), sorter


Following: TypeAlias = Callable[[], Sequence[Sequence[str]]]
"""Gives the cells of the next few rows."""


class _Sorter:
    """Decides about each row that does not have the form of the table, and remembers what it did."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.dropped: list[int] = []
        self.unreadable: list[tuple[int, str, str]] = []
        self.padded = self.trimmed = self.repeated = 0
        self.n_rows: int | None = None  # where they were counted before they are read
        self.plain: PlainRows | None = None
        self.ended: int | None = None
        self._after_blank = False

    def on_watch(self, cells: Sequence[str]) -> bool:
        """Tell whether a row of the right width must be looked at all the same."""
        return self._after_blank or self.ended is not None or self._is_heading(cells) or not any(cells)

    def sort(self, number: int, cells: list[str], text: str, following: Following) -> list[str] | None:
        """Give the row in the form of the table, or None where it is none of its rows."""
        after_blank = self._after_blank
        self._after_blank = len(cells) <= 1 and not any(cell.strip() for cell in cells)
        if self._after_blank or self._is_heading(cells):
            if not self._after_blank:
                self.repeated, self.ended = self.repeated + 1, None
            self.dropped.append(number)
            return None
        if self.ended is None and self._begins_another(cells, following, after_blank=after_blank):
            self.ended = number
        if self.ended is not None:
            self._set_aside(number, text, f"belongs to another table that begins in row {self.ended}")
            return None
        return self._fitted(number, cells, text)

    def _fitted(self, number: int, cells: list[str], text: str) -> list[str] | None:
        width = self.layout.width
        if len(cells) > width:
            if any(cell.strip() for cell in cells[width:]):
                self._set_aside(number, text, f"{len(cells)} cells where {width} were expected")
                return None
            self.trimmed += 1
        elif len(cells) < width:
            if not self._may_be_short(cells):
                self._set_aside(number, text, f"{len(cells)} cells where {width} were expected")
                return None
            self.padded += 1
        return [*cells[:width], *[""] * (width - len(cells))]

    def _may_be_short(self, cells: Sequence[str]) -> bool:
        """Tell whether the missing cells are the last ones: what is there agrees with its columns."""
        if self.layout.is_list:
            return True
        alone = len(cells) == 1 and self.layout.width > 2  # noqa: PLR2004 - a line of text, no row
        return not alone and fits(cells, self.layout.kinds)

    def _is_heading(self, cells: Sequence[str]) -> bool:
        raw = self.layout.raw_headings
        return (
            bool(raw)
            and bool(cells)
            and cells[0].strip() == raw[0]
            and [c.strip() for c in cells] == list(raw)
        )

    def _begins_another(self, cells: Sequence[str], following: Following, *, after_blank: bool) -> bool:
        """Tell whether a row is the heading row of another table: words in columns of values, strange rows below."""
        if len(cells) == self.layout.width and not after_blank:
            return False
        typed = [
            cell for cell, kind in zip(cells, self.layout.kinds, strict=False) if kind in ("number", "date")
        ]
        if len(typed) < 2 or not all(map(is_heading_like, typed)):  # noqa: PLR2004 - one word may be a stray one
            return False
        below = [row for row in following() if any(cell.strip() for cell in row)]
        strange = [row for row in below if len(row) != self.layout.width or not fits(row, self.layout.kinds)]
        return len(strange) > len(below) / 2

    def _set_aside(self, number: int, text: str, reason: str) -> None:
        self.dropped.append(number)
        self.unreadable.append((number, text.rstrip("\r")[:_SHOWN], reason))

    def notes(self) -> tuple[str, ...]:
        """Say what was done to rows that are kept or passed over."""
        if self.layout.is_list:
            return ()
        said = (
            (self.padded, "shorter than the headings; the missing last cells are empty."),
            (self.trimmed, "longer than the headings by empty cells, which were left out."),
            (self.repeated, "the heading row over again and passed over."),
        )
        return tuple(f"{n:,} rows are {what}" if n > 1 else f"1 row is {what}" for n, what in said if n)


def _no_rows(layout: Layout) -> pl.DataFrame:
    return pl.DataFrame(schema={ROW: pl.UInt32()} | dict.fromkeys(layout.headings, pl.String()))


def _batches(found: Iterator[Record]) -> Iterator[tuple[list[Record], list[Record], int]]:
    """Give rows in batches, with the few that follow each and the number of its first."""
    first, batch = 1, list(islice(found, _BATCH))
    while batch:
        following = list(islice(found, _BATCH))
        yield batch, following[:_AHEAD], first
        first, batch = first + len(batch), following


def _batch(
    rows: Sequence[Record], ahead: Sequence[Record], first: int, lines: Sequence[str], sorter: _Sorter
) -> pl.DataFrame:
    """Bring a batch of rows into the form of the table."""
    kept: list[list[str]] = []
    numbers: list[int] = []
    for place, row in enumerate(rows):
        cells: list[str] | None = row.cells
        if len(row.cells) != sorter.layout.width or sorter.on_watch(row.cells):
            text = "\n".join(lines[row.line : row.line + row.n_lines])
            following = partial(_following, rows, ahead, place + 1)
            cells = sorter.sort(first + place, row.cells, text, following)
        if cells is not None:
            kept.append(cells)
            numbers.append(first + place)
    return _built(numbers, kept, sorter.layout)


def _following(rows: Sequence[Record], ahead: Sequence[Record], at: int) -> list[list[str]]:
    return [row.cells for row in [*rows[at : at + _AHEAD], *ahead][:_AHEAD]]


def _built(numbers: list[int], rows: list[list[str]], layout: Layout) -> pl.DataFrame:
    if not rows:
        return _no_rows(layout)
    columns = zip(layout.headings, zip(*rows, strict=True), strict=True)
    text = pl.DataFrame([pl.Series(heading, cells, pl.String()) for heading, cells in columns])
    nulls = text.select(pl.when(pl.all() != "").then(pl.all()))
    return nulls.insert_column(0, pl.Series(ROW, numbers, pl.UInt32()))


def _check_width(width: int, name: str) -> None:
    if width > _MOST_COLUMNS:
        raise TooLargeError(
            f"{name} has {width:,} columns.",
            f"At most {_MOST_COLUMNS:,} are read, as many as a sheet of Excel has.",
            "Check the separator; if the columns are real, keep only those needed.",
        )


def _open(source: Path | bytes, name: str, text: Text, separator: str | None) -> _Opened:
    """Find out the form of a file on a sample of it."""
    at = len(_UTF8_MARK) if text.data[:3] == _UTF8_MARK else 0
    declared, said = _declaration(text.data[at : at + 16])
    at += declared
    lines = _sample_lines(text.data, at)
    if not any(line.strip(_NOTHING) for line in lines):
        raise SourceError.empty(name)
    _check_is_text(lines, name)
    dialect = detect(lines, separator or said)
    rows, layout = _laid_out(lines, dialect, name)
    n_lines = rows[layout.body].line if layout.body < len(rows) else sum(r.n_lines for r in rows)
    return _Opened(
        source,
        name,
        text,
        dialect,
        layout,
        tuple(tuple(r.cells) for r in rows[: layout.first]),
        n_lines + bool(declared),
        _after_lines(text.data, at, n_lines),
    )


def _sample_lines(data: Bytes, at: int) -> list[str]:
    sample = data[at : at + _SAMPLE_BYTES]
    if at + len(sample) < len(data) and b"\n" in sample:
        sample = sample[: sample.rindex(b"\n")]
    lines = sample.decode("utf-8", "replace").split("\n")
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def _check_is_text(lines: Sequence[str], name: str) -> None:
    sample = "".join(lines)
    strange = len(_STRANGE.findall(sample))
    if strange > _MOST_STRANGE * len(sample):
        raise SourceError(
            f"{name} is not text: {strange / len(sample):.0%} of its first letters are control characters.",
            "Text in rows and columns was expected.",
            "If it is text, name its encoding; if not, export the table as CSV or Excel.",
        )


def _laid_out(lines: Sequence[str], dialect: Dialect, name: str) -> tuple[list[Record], Layout]:
    """Split the sample and lay it out; once more with the width known, for rows whose quotes do not add up."""
    rows = list(islice(records(lines, dialect), _SAMPLE_ROWS))
    _check_width(max(len(row.cells) for row in rows), name)
    layout = find_layout([row.cells for row in rows])
    if dialect.quote and layout.width > 1 and not layout.is_list:
        rows = list(islice(records(lines, dialect, layout.width), _SAMPLE_ROWS))
        layout = find_layout([row.cells for row in rows])
    return rows, layout


def _declaration(head: bytes) -> tuple[int, str | None]:
    """Read Excel's first line "sep=;": how many bytes it takes, and the separator it names."""
    line, found, _ = head.partition(b"\n")
    word = line.strip(b'"\r ')
    if not found or not word.lower().startswith(b"sep=") or len(word) > 5:  # noqa: PLR2004 - "sep=" and one character
        return 0, None
    return len(line) + 1, word[4:].decode("ascii", "replace") or None


def _after_lines(data: Bytes, at: int, n: int) -> int:
    for _ in range(n):
        found = data.find(b"\n", at)
        if found < 0:
            return len(data)
        at = found + 1
    return at
