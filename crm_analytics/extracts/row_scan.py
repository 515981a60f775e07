"""Look at every byte of a CSV file, cheaply: how many rows there are, and which of them are not of the usual form.

A fast engine may read a file only after this: it knows that each row has its number of cells, or exactly which rows
do not. Quotes and separators are found with numpy at about the speed at which the file can be copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from crm_analytics.extracts.encodings import Bytes

_STEP: Final = 1 << 19  # small enough to stay in the processor's cache
_LF, _CR = 10, 13
_MOST_ODD: Final = 200_000

_Ints = npt.NDArray[np.int64]
_NONE: Final[_Ints] = np.empty(0, np.int64)


@dataclass(frozen=True)
class Odd:
    """A row to look at: its number (first = 0) and where its bytes lie."""

    row: int
    start: int
    end: int


@dataclass(frozen=True)
class Scan:
    """What was found: rows in all, the odd ones; `regular` is False where quotes do not add up or too much is odd."""

    n_rows: int
    odd: tuple[Odd, ...]
    regular: bool = True


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
