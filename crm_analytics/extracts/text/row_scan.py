"""Look at every byte of a CSV file, cheaply: how many rows there are, and which of them are not of the usual form.

A fast engine may read a file only after this: it knows that each row has its number of cells, or exactly which rows
do not. Quotes and separators are found with numpy at about the speed at which the file can be copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from crm_analytics.extracts.text.encodings import Bytes, let_go

_STEP: Final = 1 << 18  # small enough to stay in the processor's cache
_LF, _CR = 10, 13
_MOST_ODD: Final = 200_000
_MOST_KEPT: Final = 25_000_000  # of half a file, four bytes each

_Ints = npt.NDArray[np.int64]
_Places = npt.NDArray[np.uint32]
_NONE: Final[_Ints] = np.empty(0, np.int64)


@dataclass(frozen=True)
class Odd:
    """A row to look at: its number (first = 0) and where its bytes lie."""

    row: int
    start: int
    end: int


@dataclass(frozen=True)
class Scan:
    """What was found: rows in all, the odd ones; `regular` is False where quotes do not add up or too much is odd.

    `quoted` is False where there is no quote at all; `plain` says where the rows of a file lie that has none and nothing odd.
    """

    n_rows: int
    odd: tuple[Odd, ...]
    regular: bool = True
    quoted: bool = True
    plain: PlainRows | None = None


def scan_rows(
    data: Bytes, start: int, separator: str, quote: str, width: int, watched: Sequence[bytes] = ()
) -> Scan:
    """Count the rows of `data` from byte `start` on and list those to look at.

    These are rows without `width` cells, blank ones, those after a blank one, and those that begin like a heading row.

    Parameters
    ----------
    data
        UTF-8 with LF or CRLF line ends.
    separator, quote
        One ASCII character each; `quote` "" where there are none.
    watched
        How a repeat of the heading row would begin.
    """
    plain = count_plain(data, start, separator, quote, width, watched)
    if plain is not None:
        return Scan(plain.n_rows, (), quoted=False, plain=plain)
    n_rows, at = 0, start
    odd: list[Odd] = []
    while at < len(data):
        block = _block(data, at, ord(separator), ord(quote) if quote else None)
        if block is None or len(odd) > _MOST_ODD:
            return Scan(n_rows, (), regular=False)
        odd.extend(block.odd(width, watched, n_rows, at))
        n_rows += len(block.ends)
        at += int(block.ends[-1]) + 1
    return Scan(n_rows, tuple(odd))


@dataclass(frozen=True, eq=False)
class PlainRows:
    """The rows of a file without quotes, each of as many cells: how many, and where some of them begin.

    `begins` are the bytes at which blocks of lines begin, and the end of the last; `first` the rows (first = 0) that these are.
    `marks` are, block by block and from its beginning on, where separators and line ends stand; None of a very large file.
    """

    n_rows: int
    begins: _Ints
    first: _Ints
    marks: Sequence[_Places] | None = None

    def followed_by(self, other: PlainRows) -> PlainRows:
        """Put the rows of the part of the file that follows to these."""
        first = np.concatenate([self.first[:-1], other.first + self.n_rows])
        known = None if self.marks is None or other.marks is None else [*self.marks, *other.marks]
        begins = np.concatenate([self.begins[:-1], other.begins])
        return PlainRows(self.n_rows + other.n_rows, begins, first, known)


def count_plain(
    data: Bytes, start: int, separator: str, quote: str, width: int, watched: Sequence[bytes] = ()
) -> PlainRows | None:
    """Count the rows of a file that has no quotes and no row to look at; None where it is not so simple.

    In such a file every line end comes after the same number of separators, and that is seen more quickly than where
    each row begins and ends. Both halves of the file are looked at side by side.
    """
    if width < 2 or start >= len(data):  # noqa: PLR2004 - of one column nothing is to be counted
        return None
    middle = data.find(b"\n", (start + len(data)) // 2) + 1 or len(data)
    look = _Plain(data, (ord(separator), quote.encode()), width, watched)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(look.count, (start, middle), (middle, len(data)))
    return None if one is None or other is None else one.followed_by(other)


class _Marks:
    """Where marks stand, block by block, as long as they are not too many to be kept."""

    def __init__(self, begin: int) -> None:
        self._begin, self._n = begin, 0
        self._blocks: list[_Places] = []
        self._left: _Places = np.empty(0, np.uint32)

    def add(self, marks: _Ints, at: int, begin: int) -> None:
        """Take those of a piece that lies at byte `at`, after which the last line begins at byte `begin`."""
        self._n += len(marks)
        if self._n > _MOST_KEPT:
            self._blocks.clear()
            return
        if begin > self._begin:
            before = int(np.searchsorted(marks, begin - at))
            self._blocks.append(self._with_left(marks[:before], at))
            self._begin, self._left, marks = begin, self._left[:0], marks[before:]
        self._left = self._with_left(marks, at)

    def by_block(self, end: int) -> list[_Places] | None:
        """Give all of them, of a last line without an end too, which reaches to byte `end`."""
        if self._n > _MOST_KEPT:
            return None
        return [*self._blocks, self._left] if end > self._begin else self._blocks

    def _with_left(self, marks: _Ints, at: int) -> _Places:
        n = len(self._left)
        found = np.empty(n + len(marks), np.uint32)
        found[:n] = self._left
        np.add(marks, at - self._begin, out=found[n:], casting="unsafe")
        return found


@dataclass(frozen=True, eq=False)
class _Plain:
    """A file that may be plain: separator and quote, the cells of a row, how a heading row begins."""

    data: Bytes
    marks: tuple[int, bytes]
    width: int
    watched: Sequence[bytes]

    def count(self, start: int, end: int) -> PlainRows | None:
        """Count the rows between two line beginnings."""
        n_marks, begins, first, known = 0, [start], [0], _Marks(start)
        for at in range(start, end, _STEP):
            chunk = np.frombuffer(self.data, np.uint8, min(_STEP, end - at), at)
            if self.marks[1] and self.data.find(self.marks[1], at, at + len(chunk)) >= 0:
                return None
            lines = self._line_ends(chunk, n_marks % self.width)
            if lines is None or self._is_watched(chunk, lines[0], at, begins[-1]):
                return None
            ends, marks = lines
            n_marks += len(marks)
            if len(ends):
                begins.append(at + int(ends[-1]) + 1)
                first.append(n_marks // self.width)
            known.add(marks, at, begins[-1])
            let_go(self.data, at, at + len(chunk))
        whole, left = divmod(n_marks, self.width)
        if begins[-1] < end:  # the last row of a file may lack its line end
            begins, first, whole, left = [*begins, end], [*first, whole + 1], whole + 1, left + 1 - self.width
        return None if left else PlainRows(whole, np.array(begins), np.array(first), known.by_block(end))

    def _line_ends(self, chunk: npt.NDArray[np.uint8], before: int) -> tuple[_Ints, _Ints] | None:
        """Give where lines end, and all marks; None where they do not take turns as they should."""
        is_end = chunk == _LF
        marks = np.flatnonzero((chunk == self.marks[0]) | is_end)
        ends = marks[self.width - 1 - before :: self.width]
        regular = bool(is_end[ends].all()) and int(np.count_nonzero(is_end)) == len(ends)
        return (ends, marks) if regular else None

    def _is_watched(self, chunk: npt.NDArray[np.uint8], ends: _Ints, at: int, begun: int) -> bool:
        """Tell whether a line begins as the heading row does: the one that has `begun`, or one after an end."""
        for prefix in self.watched:
            if self.data[begun : begun + len(prefix)] == prefix:
                return True
            within = ends[
                : np.searchsorted(ends, len(chunk) - len(prefix))
            ]  # the next chunk begins with the last line
            likely = within
            for place, byte in enumerate(prefix):
                if not len(likely):
                    break
                likely = likely[chunk[likely + (place + 1)] == byte]
            if len(likely):
                return True
            later = (at + 1 + ends[len(within) :]).tolist()
            if any(self.data[place : place + len(prefix)] == prefix for place in later):
                return True
        return False


@dataclass(frozen=True, eq=False)
class _Block:
    """Some whole rows: their bytes, where each ends, how many separators it has outside quotes."""

    chunk: npt.NDArray[np.uint8]
    ends: _Ints
    counts: _Ints

    def odd(self, width: int, watched: Sequence[bytes], first: int, at: int) -> list[Odd]:
        starts = np.concatenate(([0], self.ends[:-1] + 1))
        lengths = self.ends - starts
        begins = self.chunk[np.minimum(starts, len(self.chunk) - 1)]
        blank = (lengths == 0) | ((lengths == 1) & (begins == _CR))
        odd = blank | (self.counts != width - 1)
        odd[1:] |= blank[:-1]
        for prefix in watched:
            odd[_beginning(self.chunk, starts, self.ends, prefix)] = True
        return [Odd(first + int(i), at + int(starts[i]), at + int(self.ends[i])) for i in np.flatnonzero(odd)]


def _beginning(chunk: npt.NDArray[np.uint8], starts: _Ints, ends: _Ints, prefix: bytes) -> _Ints:
    """Give the rows that begin with `prefix`."""
    same = np.flatnonzero(ends - starts >= len(prefix)) if prefix else _NONE
    for place, byte in enumerate(prefix):
        if not len(same):
            break
        same = same[chunk[starts[same] + place] == byte]
    return same


def _block(data: Bytes, at: int, separator: int, quote: int | None) -> _Block | None:
    """Give the whole rows from byte `at` on; None where quotes do not add up."""
    step = _STEP
    while True:
        chunk = np.frombuffer(data, np.uint8, min(step, len(data) - at), at)
        last = at + len(chunk) >= len(data)
        quotes = np.flatnonzero(chunk == quote) if quote is not None else _NONE
        ends = _outside(np.flatnonzero(chunk == _LF), quotes)
        if last and (not len(ends) or ends[-1] != len(chunk) - 1):
            ends = np.append(ends, len(chunk))
        if len(ends):
            break
        step *= 4
    quotes = quotes[: np.searchsorted(quotes, ends[-1])]
    if len(quotes) and not _sound(chunk, quotes, separator):
        return None
    marks = np.flatnonzero(chunk == separator)
    counts = np.diff(np.searchsorted(marks, ends), prepend=0)
    if len(quotes):
        within = np.searchsorted(marks, quotes[1::2]) - np.searchsorted(marks, quotes[::2])
        np.subtract.at(counts, np.searchsorted(ends, quotes[::2]), within)
    return _Block(chunk, ends, counts)


def _outside(ends: _Ints, quotes: _Ints) -> _Ints:
    """Give the line ends that do not stand between two quotes."""
    if not len(quotes):
        return ends
    before = np.searchsorted(ends, quotes)
    if not np.any(before[1::2] != before[: len(before) // 2 * 2 : 2]) and len(quotes) % 2 == 0:
        return ends
    outside: _Ints = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return outside


def _sound(chunk: npt.NDArray[np.uint8], quotes: _Ints, separator: int) -> bool:
    """Tell whether every quote opens a cell, closes one, or is doubled inside one."""
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = chunk[np.maximum(opening - 1, 0)]
    after = chunk[np.minimum(closing + 1, len(chunk) - 1)]
    allowed = np.zeros(256, np.bool_)
    allowed[[separator, _LF, int(chunk[quotes[0]])]] = True
    opens = allowed[before] | (opening == 0)
    allowed[_CR] = True
    closes = allowed[after] | (closing == len(chunk) - 1)
    return bool(opens.all() and closes.all())
