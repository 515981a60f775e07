"""Cells of plain text read thousands at a time: up to eight bytes of a cell are one number, and numpy counts with those.

What is read here is written in the one way that the plan of its column says, letter for letter: instants as
2024-01-31 12:00:00, amounts of up to eight characters as 12.50, ids without anything to mend. Any other cell is odd, and
left to the slower way; so nothing is decided here that would be decided otherwise there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from crm_analytics.extracts.cells.values import MISSING

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BYTES: Final = 8
MARGIN: Final = 24
"""Bytes before and behind the lines of a text, so that nobody looks beyond it."""

_U: Final = np.uint64
_ZEROS, _OVER_NINE, _HIGH = _U(0x3030303030303030), _U(0x7676767676767676), _U(0x8080808080808080)
_LOWER, _POINT = _U(0x2020202020202020), _U(ord(".") ^ ord("0"))
_FIRST: Final = np.array([(1 << 8 * n) - 1 for n in range(BYTES + 1)], np.uint64)
"""The bytes of a word that hold the first n letters of a text: the lowest."""
_LAST: Final = ~_FIRST[::-1]
"""The bytes of a word that hold the last n letters of a text that ends with it."""
_LAST_ZEROS: Final = _ZEROS & _LAST
_MIX, _SPREAD = _U(0x9FB21C651E98DF25), _U(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of one column in a block of lines: the bytes, and where each cell begins and ends.

    `words` gives for every byte the number that it and the seven after it are; there are `MARGIN` bytes more on both sides
    of the lines.
    """

    text: npt.NDArray[np.uint8]
    words: Words
    starts: Places
    ends: Places

    @cached_property
    def lengths(self) -> Places:
        """How many bytes each cell has."""
        return self.ends - self.starts

    @cached_property
    def longest(self) -> int:
        """How many bytes the longest cell has."""
        return int(self.lengths.max())

    @cached_property
    def even(self) -> bool:
        """All cells are of one length."""
        return int(self.lengths.min()) == self.longest

    def some(self, which: Flags) -> Cells:
        """Give some of the cells."""
        return replace(self, starts=self.starts[which], ends=self.ends[which])


@dataclass(frozen=True, eq=False)
class Found:
    """What was read in the cells of a block.

    `values` are the values; `words` say the text of each cell in a number, no two in the same; `odd` marks cells that must
    be read in another way, None where there are none, and `missing` empty ones likewise.
    """

    values: npt.NDArray[Any]
    words: Words
    odd: Flags | None = None
    missing: Flags | None = None
    digits: bool = True


def mixed(before: Words | None, words: Words) -> Words:
    """Put the words of a column to a hash of those `before` it."""
    found = words * _SPREAD if before is None else before ^ words
    found *= _MIX
    found ^= found >> _U(32)
    return found


def hashes_of(cells: Cells) -> Words:
    """Give a number for the text of each cell; equal texts have equal numbers."""
    found = cells.lengths.astype(np.uint64)
    for at in range(0, cells.longest, BYTES):
        left = np.clip(cells.lengths - at, 0, BYTES)
        words = cells.words[np.minimum(cells.starts + at, cells.ends)] & _FIRST.take(left)
        more = mixed(found, words)
        found = more if cells.even else np.where(left > 0, more, found)
    return found


def odd_bytes(words: Words) -> Flags | None:
    """Mark the words of which the highest bit of any byte is set."""
    if not int(np.bitwise_or.reduce(words)) & int(_HIGH):
        return None
    found: Flags = (words & _HIGH) != 0
    return found


def either(*flags: Flags | None) -> Flags | None:
    """Mark what any of some flags marks; None are those that mark nothing."""
    found: Flags | None = None
    for one in flags:
        if one is not None:
            found = one if found is None else found | one
    return found


def if_any(flags: Flags) -> Flags | None:
    """Give flags, or None where nothing is marked."""
    return flags if bool(flags.any()) else None


def _not_digits(words: Words) -> Words:
    """Mark words with a byte that is no digit, by the highest bits of their bytes."""
    digits = words - _ZEROS
    over = digits + _OVER_NINE
    over |= digits
    return over


@dataclass(frozen=True)
class Ids:
    """How a column of ids is read: all begin with `prefix`, which at most eight bytes follow."""

    prefix: bytes

    @classmethod
    def of(cls, examples: pl.Series) -> Ids | None:
        """Find out on some of them; None where ids are too long for this."""
        if examples.is_empty():
            return None
        lettered = _LETTERED.fullmatch(examples[0])
        start = lettered[1] if lettered else ""
        common = bool(start) and examples.str.contains(f"^{re.escape(start)}[0-9]+$").all()
        prefix = start.encode() if common else b""
        longest = int(examples.str.len_bytes().max() or 0)  # type: ignore[arg-type]  # of text
        return cls(prefix) if 0 < longest <= len(prefix) + BYTES and len(prefix) <= BYTES else None


_LETTERED: Final = re.compile(r"([A-Za-z](?:[A-Za-z0-9_/.#:-]*[A-Za-z_/.#:-])?)[0-9]+", re.ASCII)


def read_ids(cells: Cells, how: Ids, *, mended: bool = False) -> Found:
    """Read ids as numbers in the order of their text; only those `mended` already may be written in any way.

    `digits` says that nothing but digits follows the prefix of those that are not odd.
    """
    n = len(how.prefix)
    lengths = cells.lengths
    odd = missing = None
    if not cells.even or not n < cells.longest <= n + BYTES:
        missing = if_any(lengths == 0)
        odd = if_any((lengths <= n) & (lengths != 0) | (lengths > n + BYTES))
        lengths = np.clip(lengths, n, n + BYTES)
    words = cells.words[cells.starts]
    if n:
        wrong = if_any((words & _FIRST[n]) != _U(int.from_bytes(how.prefix, "little")))
        odd = either(odd, wrong if wrong is None or missing is None else if_any(wrong & ~missing))
        words = words >> _U(8 * n) if cells.longest <= BYTES else cells.words[_behind(cells, n)]
    last: Any = (
        _FIRST[cells.longest - n]
        if cells.even and missing is None and odd is None
        else _FIRST.take(lengths - n)
    )
    words &= last
    other = odd_bytes(_not_digits(words | (_ZEROS & ~last)))
    if other is not None and odd is not None:
        other = if_any(other & ~odd)
    if other is None or mended:
        return Found(words.byteswap(), words, odd, missing, digits=other is None)
    odd = either(odd, other if n else _to_mend(words, last))
    return Found(words.byteswap(), words, odd, missing, digits=bool(n))


def _behind(cells: Cells, n: int) -> Places:
    """Say where the `n` first letters of each cell end, or the cell itself: nothing stands behind the last of a text."""
    behind: Places = cells.starts + n
    return behind if cells.even else np.minimum(behind, cells.ends)


_NOTHINGS: Final = np.array(
    sorted(
        int.from_bytes(m.encode(), "little") | 0x2020202020202020
        for m in MISSING
        if 0 < len(m.encode()) <= BYTES
    ),
    np.uint64,
)


def _to_mend(words: Words, last: Any) -> Flags | None:  # noqa: ANN401 one mask or one for each
    """Mark ids that may have anything to mend: a byte below "0" or beyond ASCII, or a word for nothing."""
    filled = words | (_ZEROS & ~last)
    strange = odd_bytes(((filled - _ZEROS) & ~filled) | filled)
    return either(strange, if_any(np.isin(words | _LOWER, _NOTHINGS)))


def text_of(numbers: Words, prefix: bytes) -> npt.NDArray[np.bytes_]:
    """Give the ids again that `read_ids` made numbers of."""
    n = len(prefix)
    letters = np.empty((len(numbers), n + BYTES), np.uint8)
    letters[:, :n] = np.frombuffer(prefix, np.uint8)
    letters[:, n:] = numbers.astype(">u8").view(np.uint8).reshape(-1, BYTES)
    return letters.view(f"S{n + BYTES}").ravel()


_TENTHS: Final = 10.0 ** np.arange(BYTES)
_SIGN: Final = _U(1 << 63)


def read_numbers(cells: Cells) -> Found:
    """Read numbers: up to eight digits with at most one point and a minus in front.

    Whole numbers of eight digits divided by a power of ten give the float nearest to what is written, as any way of
    reading does.
    """
    found = _unsigned(cells)
    if found.odd is None:
        return found
    minus = (cells.text[cells.starts] == ord("-")) & found.odd
    if not minus.any():
        return found
    rest = _unsigned(replace(cells, starts=cells.starts + minus))
    np.negative(rest.values, out=rest.values, where=minus)
    return Found(rest.values, np.where(minus, rest.words | _SIGN, rest.words), rest.odd)


def _unsigned(cells: Cells) -> Found:
    wrong = None
    lengths = cells.lengths
    if cells.even and 0 < cells.longest <= BYTES:
        length: Any = cells.longest
    else:
        wrong = if_any((lengths == 0) | (lengths > BYTES))
        length = lengths if wrong is None else np.clip(lengths, 0, BYTES)
    words = cells.words[cells.ends - BYTES]
    words &= _LAST.take(length)
    found, odd = _decimal(words ^ _LAST_ZEROS.take(length), length)
    return Found(found, words, either(wrong, odd))


def _decimal(digits: Words, length: Any) -> tuple[npt.NDArray[np.float64], Flags | None]:  # noqa: ANN401 one or one each
    """Read words of digits and at most one point, from which the zeros of ASCII are taken, and mark those that are none."""
    points = digits + _OVER_NINE
    points |= digits
    points &= _HIGH  # of every byte that is no digit
    if not int(np.bitwise_or.reduce(points)):
        return _eight_digits(digits).astype(np.float64), None
    if bool((points == points[0]).all()):  # as in a column of cents
        points = points[:1]
    whole = points >> _U(7)
    before = whole - _U(1)  # the bytes before the point; all where there is none
    odd = if_any((points & (points - _U(1)) != 0) | (digits & whole * _U(0xFF) != whole * _POINT))
    alone = if_any((points != 0) & (length == 1))
    after = digits & ~((points << _U(1)) - _U(1))
    digits &= before
    digits <<= (points != 0).astype(np.uint64) << _U(3)
    digits |= after
    found = _eight_digits(digits).astype(np.float64)
    found /= _TENTHS.take(np.where(points != 0, 7 - np.bitwise_count(before) // 8, 0))
    return found, either(odd, alone)


def _eight_digits(digits: Words) -> Words:
    """Read eight digits, each a byte, the first in the lowest, as one number; the digits are used up by it."""
    found = digits * _U(10)
    digits >>= _U(8)
    found += digits
    high = found >> _U(16)
    found &= _U(0x000000FF000000FF)
    found *= _U(0x000F424000000064)
    high &= _U(0x000000FF000000FF)
    high *= _U(0x0000271000000001)
    found += high
    found >>= _U(32)
    return found
