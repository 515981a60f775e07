"""Split lines of text into rows of cells, tolerantly: quotes that do not add up cost one row, not the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Escape = Literal["doubled", "backslash"]

MOST_LINES: Final = 500
"""A quoted cell may span this many lines; a quote still open after that is taken for a stray one."""

_MOST_STEPS: Final = 400  # of the search for a reading with the right number of cells


@dataclass(frozen=True)
class Dialect:
    """How a text file marks its cells.

    `separator` "" means one column; `runs` that several separators in a row count as one (columns lined up by
    spaces); `strip` that spaces around a separator are not part of the cells.
    """

    separator: str
    quote: str = '"'
    escape: Escape = "doubled"
    strip: bool = False
    runs: bool = False

    def words(self) -> dict[str, str]:
        """Say it in words, for the check report."""
        names = {
            ",": "comma",
            ";": "semicolon",
            "\t": "tab",
            "|": "bar",
            " ": "space",
            "": "none, one column",
        }
        separator = names.get(self.separator, repr(self.separator))
        said = {"separator": f"runs of {separator}s" if self.runs else separator}
        said["quote"] = {'"': "double quote", "'": "single quote", "": "none"}.get(self.quote, self.quote)
        return said | ({"escape": "backslash"} if self.escape == "backslash" else {})


class Record(NamedTuple):
    """One row: the line it begins on (first = 0), the number of lines it takes, its cells."""

    line: int
    n_lines: int
    cells: list[str]


def records(lines: Sequence[str], dialect: Dialect, width: int | None = None) -> Iterator[Record]:
    """Split lines (without line ends) into rows.

    Where quotes do not add up, the reading with `width` cells is preferred.
    """
    splitter = Splitter(dialect, width)
    at = 0
    while at < len(lines):
        cells, taken = splitter.take(lines, at)
        yield Record(at, taken, cells)
        at += taken


class Splitter:
    """Splits lines of one dialect, row by row.

    Parameters
    ----------
    dialect
        How cells are marked.
    width
        How many cells a row has, where that is known.
    """

    def __init__(self, dialect: Dialect, width: int | None) -> None:
        self.dialect, self.width = dialect, width
        self.patience = (
            MOST_LINES  # shrinks with each quote that never closes, so that a hostile file stays cheap
        )
        separator, quote = re.escape(dialect.separator), re.escape(dialect.quote)
        gap = " *" if dialect.strip else ""
        end = rf"{gap}(?={separator}|\Z)" if separator else r"(?=\Z)"
        step = rf"\\.|{quote}{quote}"
        inside = rf"[^{quote}\\]*(?:(?:{step})[^{quote}\\]*)*" if self._slashed else None
        inside = inside or rf"[^{quote}]*(?:{quote}{quote}[^{quote}]*)*"
        self.strict = re.compile(rf"{gap}{quote}({inside}){quote}{end}", re.DOTALL) if quote else None
        self.loose = re.compile(rf"{gap}{quote}(.*?){quote}{end}", re.DOTALL) if quote else None
        self.open = re.compile(rf"{gap}{quote}{inside}\Z", re.DOTALL) if quote else None

    @property
    def _slashed(self) -> bool:
        return self.dialect.escape == "backslash"

    def take(self, lines: Sequence[str], at: int) -> tuple[list[str], int]:
        """Give the cells of the row that begins in line `at`, and how many lines it takes."""
        line = lines[at].removesuffix("\r")
        if not self.dialect.quote or self.dialect.quote not in line:
            return self._plain(line), 1
        cells = self._exact(line)
        if cells is not None:
            return cells, 1
        joined = self._join(lines, at)
        return joined if joined and self._right(joined[0]) else self._mended(line, joined)

    def _right(self, cells: list[str]) -> bool:
        return self.width is None or len(cells) == self.width

    def _mended(self, line: str, joined: tuple[list[str], int] | None) -> tuple[list[str], int]:
        """Take the first reading of the line that has the right number of cells, else the most usual reading."""
        found = self._search(line)
        return (found, 1) if found is not None else joined or (self._guessed(line), 1)

    def _plain(self, line: str) -> list[str]:
        if not self.dialect.separator:
            return [line]
        if self.dialect.runs:
            return line.split(None if self.dialect.separator == " " else self.dialect.separator)
        cells = line.split(self.dialect.separator)
        return [cell.strip(" ") for cell in cells] if self.dialect.strip else cells

    def _exact(self, text: str) -> list[str] | None:
        """Split text whose quotes add up; None where they do not."""
        cells, at = [], 0
        while True:
            read = self._quoted(text, at, self.strict) or self._bare(text, at)
            if read is None:
                return None
            cells.append(read[0])
            if read[1] >= len(text):
                return [*cells, ""] if read[2] else cells
            at = read[1]

    def _guessed(self, text: str) -> list[str]:
        cells, at = [], 0
        while True:
            cell, at, more = self._quoted(text, at, self.loose) or self._literal(text, at)
            cells.append(cell)
            if at >= len(text):
                return [*cells, ""] if more else cells

    def _join(self, lines: Sequence[str], at: int) -> tuple[list[str], int] | None:
        """Add lines while a quoted cell stays open; None where it never closes."""
        text, quote = lines[at], self.dialect.quote
        if not self._is_open(text.removesuffix("\r")):
            return None
        for n, line in enumerate(lines[at + 1 : at + self.patience], start=2):
            text += "\n" + line
            if quote in line:
                cells = self._exact(text.removesuffix("\r"))
                if cells is not None:
                    return cells, n
                if not self._is_open(text):
                    break
        self.patience = max(2, self.patience * 3 // 4)
        return None

    def _is_open(self, text: str) -> bool:
        at = 0
        while at <= len(text):
            read = self._quoted(text, at, self.strict) or self._bare(text, at)
            if read is None:
                return self.open is not None and self.open.match(text, at) is not None
            if read[1] >= len(text):
                return False
            at = read[1]
        return False

    def _search(self, text: str) -> list[str] | None:
        """Look for a reading with the right number of cells, each quote taken as a mark or as a letter."""
        if self.width is None:
            return None
        stack: list[tuple[int, tuple[str, ...], bool]] = [(0, (), True)]
        for _ in range(_MOST_STEPS):
            if not stack:
                return None
            at, cells, more = stack.pop()
            if not more and len(cells) == self.width:
                return list(cells)
            if not more or len(cells) >= self.width:
                continue
            stack.extend((end, (*cells, cell), m) for cell, end, m in reversed(self._readings(text, at)))
        return None

    def _readings(self, text: str, at: int) -> list[tuple[str, int, bool]]:
        tried = (
            self._quoted(text, at, self.strict),
            self._quoted(text, at, self.loose),
            self._literal(text, at),
        )
        return list(dict.fromkeys(read for read in tried if read is not None))

    def _quoted(self, text: str, at: int, pattern: re.Pattern[str] | None) -> tuple[str, int, bool] | None:
        """Read a quoted cell: its value, where the next begins, whether there is a next."""
        match = pattern.match(text, at) if pattern else None
        if match is None:
            return None
        return (self._unescaped(match[1]), *self._onward(text, match.end()))

    def _unescaped(self, cell: str) -> str:
        quote = self.dialect.quote
        if self._slashed:
            cell = cell.replace("\\" + quote, quote)
        return cell.replace(quote * 2, quote)

    def _bare(self, text: str, at: int) -> tuple[str, int, bool] | None:
        """Read an unquoted cell; None where it holds a quote that may be a mark."""
        cell, end, more = self._literal(text, at)
        if cell.lstrip(" ").startswith(self.dialect.quote):
            return None
        return cell, end, more

    def _literal(self, text: str, at: int) -> tuple[str, int, bool]:
        separator = self.dialect.separator
        end = text.find(separator, at) if separator else -1
        cell = text[at:] if end < 0 else text[at:end]
        return (
            cell.strip(" ") if self.dialect.strip else cell,
            *self._onward(text, len(text) if end < 0 else end),
        )

    def _onward(self, text: str, end: int) -> tuple[int, bool]:
        return (len(text), False) if end >= len(text) else (end + len(self.dialect.separator), True)
