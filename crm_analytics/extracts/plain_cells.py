"""Cells of plain text read thousands at a time: up to eight bytes of a cell are one number, and numpy counts with those.

What is read here is written in the one way that the plan of its column says, letter for letter: instants as
2024-01-31 12:00:00, amounts of up to eight characters as 12.50, ids without anything to mend. Any other cell is odd, and
left to the slower way; so nothing is decided here that would be decided otherwise there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from crm_analytics.extracts.values import MISSING

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BYTES: Final = 8
_U: Final = np.uint64
_ZEROS, _OVER_NINE, _HIGH = _U(0x3030303030303030), _U(0x7676767676767676), _U(0x8080808080808080)
_ONES, _POINTS, _LOWER = _U(0x0101010101010101), _U(0x2E2E2E2E2E2E2E2E), _U(0x2020202020202020)
_FIRST: Final = np.array([(1 << 8 * n) - 1 for n in range(BYTES + 1)], np.uint64)
"""The bytes of a word that hold the first n letters of a text: the lowest."""
_LAST: Final = ~_FIRST[::-1]
"""The bytes of a word that hold the last n letters of a text that ends with it."""
_MIX, _SPREAD = _U(0x9FB21C651E98DF25), _U(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of one column in a block of lines: the bytes, and where each cell begins and ends.

    `words` gives for every byte the number that it and the seven after it are; there are eight bytes more on both sides
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


def hashes(cells: Cells) -> Words:
    """Give a number for the text of each cell; equal texts have equal numbers."""
    found = cells.lengths.astype(np.uint64)
    for at in range(0, cells.longest, BYTES):
        left = np.clip(cells.lengths - at, 0, BYTES)
        words = cells.words[np.minimum(cells.starts + at, cells.ends)] & _FIRST.take(left)
        more = mixed(found, words)
        found = more if cells.even else np.where(left > 0, more, found)
    return found


def _odd_bytes(words: Words) -> Flags | None:
    """Mark the words of which the highest bit of any byte is set."""
    if not int(np.bitwise_or.reduce(words)) & int(_HIGH):
        return None
    found: Flags = (words & _HIGH) != 0
    return found


def either(*flags: Flags | None) -> Flags | None:
    """Mark what any of some flags marks."""
    found: Flags | None = None
    for one in flags:
        if one is not None:
            found = one if found is None else found | one
    return found


def _if_any(flags: Flags) -> Flags | None:
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
        missing = _if_any(lengths == 0)
        odd = _if_any((lengths <= n) & (lengths != 0) | (lengths > n + BYTES))
        lengths = np.clip(lengths, n, n + BYTES)
    words = cells.words[cells.starts]
    if n:
        wrong = _if_any((words & _FIRST[n]) != _U(int.from_bytes(how.prefix, "little")))
        odd = either(odd, wrong if wrong is None or missing is None else _if_any(wrong & ~missing))
        words = words >> _U(8 * n) if cells.longest <= BYTES else cells.words[_behind(cells, n)]
    last: Any = (
        _FIRST[cells.longest - n]
        if cells.even and missing is None and odd is None
        else _FIRST.take(lengths - n)
    )
    words &= last
    other = _odd_bytes(_not_digits(words | (_ZEROS & ~last)))
    if other is not None and odd is not None:
        other = _if_any(other & ~odd)
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
    strange = _odd_bytes(((filled - _ZEROS) & ~filled) | filled)
    return either(strange, _if_any(np.isin(words | _LOWER, _NOTHINGS)))


def text_of(numbers: Words, prefix: bytes) -> npt.NDArray[np.bytes_]:
    """Give the ids again that `read_ids` made numbers of."""
    n = len(prefix)
    letters = np.empty((len(numbers), n + BYTES), np.uint8)
    letters[:, :n] = np.frombuffer(prefix, np.uint8)
    letters[:, n:] = numbers.astype(">u8").view(np.uint8).reshape(-1, BYTES)
    return letters.view(f"S{n + BYTES}").ravel()


_PARTS: Final = {"%Y": "YYYY", "%m": "mm", "%d": "dd", "%H": "HH", "%M": "MM", "%S": "SS"}
_NUMBERED: Final = frozenset("YmdHMS")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_NO_DAY: Final = np.iinfo(np.int32).min
_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True)
class Instants:
    """How a column of instants is read: all letters stand in one place, e.g. "YYYY-mm-dd HH:MM:SS"."""

    shape: str

    @classmethod
    def of(cls, form: str) -> Instants | None:
        """Take a strptime format; None where its letters have no fixed places."""
        for part, letters in _PARTS.items():
            form = form.replace(part, letters)
        return None if "%" in form or len(form) < BYTES or "YYYY" not in form else cls(form)

    @cached_property
    def words_at(self) -> tuple[int, ...]:
        """From which letters on words are looked at, which together are the whole text."""
        last = len(self.shape) - BYTES
        found = [*range(0, last, BYTES), last]
        for part in _PARTS.values():
            at = self.shape.find(part)
            if at >= 0 and not any(first <= at and at + len(part) <= first + BYTES for first in found):
                found.append(min(at, last))
        return tuple(found)

    def place(self, part: str) -> tuple[int, int]:
        """Say in which of the words a part stands whole, and from which bit on."""
        at = self.shape.index(part)
        ends = at + len(part)
        word = next(k for k, first in enumerate(self.words_at) if first <= at and ends <= first + BYTES)
        return word, 8 * (at - self.words_at[word])

    @cached_property
    def between(self) -> tuple[tuple[np.uint64, np.uint64], ...]:
        """For each of the words where letters stand between the numbers, and which."""
        found = []
        for first in self.words_at:
            letters = [
                (8 * k, x) for k, x in enumerate(self.shape[first : first + BYTES]) if x not in _NUMBERED
            ]
            mask, text = sum(0xFF << bit for bit, _ in letters), sum(ord(x) << bit for bit, x in letters)
            found.append((_U(mask), _U(text)))
        return tuple(found)


def read_instants(cells: Cells, how: Instants) -> Found:
    """Read instants, in microseconds since 1970."""
    size = len(how.shape)
    if len(cells.words) <= size:
        return _all_odd(cells)
    wrong = None if cells.even and cells.longest == size else cells.lengths != size
    starts = cells.starts
    if wrong is not None:  # no word may be looked for beyond the text
        starts = np.minimum(starts, len(cells.words) - size)
    words = [cells.words[starts + at] if at else cells.words[starts] for at in how.words_at]
    for word, (mask, text) in zip(words, how.between, strict=True):
        if mask:
            wrong = either(wrong, _if_any((word & mask) != text))
    days, no_day = _days(words, how)
    seconds, no_time = _seconds(words, how)
    found = days.astype(np.int64)
    found *= 86_400
    found += seconds
    found *= _MICROSECONDS
    return Found(found, found.view(np.uint64), either(wrong, no_day, no_time))


def _all_odd(cells: Cells) -> Found:
    n = len(cells.starts)
    return Found(np.zeros(n, np.int64), np.zeros(n, np.uint64), np.ones(n, np.bool_))


def _part(words: Sequence[Words], how: Instants, part: str, to: int) -> Words:
    """Give the digits of a part of the instants, from byte `to` of a word on."""
    word, bit = how.place(part)
    found = words[word] >> _U(bit)
    found &= _U((1 << 8 * len(part)) - 1)
    if to:
        found <<= _U(8 * to)
    return found


def _days(words: Sequence[Words], how: Instants) -> tuple[npt.NDArray[np.int32], Flags | None]:
    digits = _part(words, how, "YYYY", 0)
    digits |= _part(words, how, "mm", 4)
    digits |= _part(words, how, "dd", 6)
    odd = _odd_bytes(_not_digits(digits))
    numbers = _eight_digits(digits)
    numbers -= _U(_FIRST_YEAR * 10_000)
    table = _days_by_number()
    if int(numbers.max()) >= len(table):
        numbers[numbers >= _U(len(table))] = _U(0)  # of which there is no day
    days = table.take(numbers.view(np.int64))
    return days, either(odd, days == _NO_DAY if int(days.min()) == _NO_DAY else None)


def _eight_digits(digits: Words) -> Words:
    """Read eight digits, the first in the lowest byte, as one number."""
    found = digits - _ZEROS
    pairs = found * _U(10)
    found >>= _U(8)
    found += pairs
    high = found >> _U(16)
    found &= _U(0x000000FF000000FF)
    found *= _U(0x000F424000000064)
    high &= _U(0x000000FF000000FF)
    high *= _U(0x0000271000000001)
    found += high
    found >>= _U(32)
    return found


@cache
def _days_by_number() -> npt.NDArray[np.int32]:
    """Give the days since 1970 for numbers such as 20240131, less that of the first year."""
    days = np.arange(f"{_FIRST_YEAR}-01-01", f"{_LAST_YEAR + 1}-01-01", dtype="datetime64[D]")
    months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
    number = (years.astype(np.int64) + 1970 - _FIRST_YEAR) * 10_000
    number += (months - years).astype(np.int64) * 100 + 100 + (days - months).astype(np.int64) + 1
    table = np.full(int(number[-1]) + 1, _NO_DAY, np.int32)
    table[number] = days.astype(np.int32)
    return table


def _seconds(words: Sequence[Words], how: Instants) -> tuple[Any, Flags | None]:
    """Give the seconds of the day, and mark the times that are none."""
    if "HH" not in how.shape:
        return 0, None
    digits = _part(words, how, "HH", 0)
    digits |= _part(words, how, "MM", 2)
    digits |= _part(words, how, "SS", 4) if "SS" in how.shape else _U(0x3030 << 32)
    digits |= _U(0x3030 << 48)
    odd = _odd_bytes(_not_digits(digits))
    digits -= _ZEROS
    pairs = digits * _U(10)
    digits >>= _U(8)
    pairs += digits
    hour, minute, second = ((pairs >> _U(16 * k)) & _U(0xFF) for k in range(3))
    for part, size in ((hour, 24), (minute, 60), (second, 60)):
        if int(part.max()) >= size:
            odd = either(odd, part >= _U(size))
    hour *= _U(3600)
    minute *= _U(60)
    hour += minute
    hour += second
    return hour.view(np.int64), odd


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
        last: Any = _LAST[cells.longest]
    else:
        wrong = _if_any((lengths == 0) | (lengths > BYTES))
        last = _LAST.take(lengths if wrong is None else np.clip(lengths, 0, BYTES))
    words = cells.words[cells.ends - BYTES]
    words &= last
    found, odd = _decimal(words | (_ZEROS & ~last), lengths)
    return Found(found, words, either(wrong, odd))


def _decimal(words: Words, lengths: Places) -> tuple[npt.NDArray[np.float64], Flags | None]:
    """Read words of digits and at most one point, and mark those that are none."""
    points = words ^ _POINTS
    points = (points - _ONES) & ~points & _HIGH
    points &= ~points + _U(1)  # the first; a second one is no digit
    if bool((points == points[0]).all()):
        points = points[:1]
    has = points != 0
    before = (points >> _U(7)) - _U(1)  # the bytes before the point; all where there is none
    digits = np.where(
        has, ((words & before) << _U(8)) | (words & ~((points << _U(1)) - _U(1))) | _U(0x30), words
    )
    odd = either(_odd_bytes(_not_digits(digits)), _if_any(has & (lengths == 1)))
    found = _eight_digits(digits).astype(np.float64)
    found /= _TENTHS.take(np.where(has, 7 - np.bitwise_count(before) // 8, 0))
    return found, odd
