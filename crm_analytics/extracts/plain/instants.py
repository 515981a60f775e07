"""Instants of plain text read thousands at a time: up to 24 letters are three numbers, and numpy counts with those.

A letter at a time is checked and two digits at a time are read, in all cells at once. What is not written letter for
letter in the one way given is odd, and left to the slower way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from crm_analytics.extracts.plain.cells import (
    BYTES,
    MARGIN,
    Cells,
    Flags,
    Found,
    Words,
    either,
    if_any,
    odd_bytes,
)

_U: Final = np.uint64
_PARTS: Final = {"%Y": "YYyy", "%m": "mm", "%d": "dd", "%H": "HH", "%M": "MM", "%S": "SS"}
_MOST: Final = {"Y": 2, "m": 1, "d": 3, "H": 2, "M": 5, "S": 5}
"""The largest digit that a part can begin with; other digits may be any."""

_HIGHEST: Final = 0x7F  # of a byte without its highest bit
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_DAYS, _MONTHS = 40, 20  # more than the digits let through by their first can say
_NO_DAY: Final = np.iinfo(np.int32).min
_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True)
class Instants:
    """How a column of instants is read: each letter of `shape` is that of a part (YYyy, mm, dd, HH, MM, SS) or "-".

    `text` has what stands between the parts, and zeros for their digits.
    """

    shape: str
    text: str

    @classmethod
    def of(cls, form: str) -> Instants | None:
        """Take a strptime format; None where its letters have no fixed places.

        >>> Instants.of("%d.%m.%Y %H:%M")
        Instants(shape='dd-mm-YYyy-HH-MM', text='00.00.0000 00:00')
        """
        found = [_PARTS.get(token, token) for token in re.findall("%.|[^%]", form)]
        shape = "".join(one if one in _PARTS.values() else "-" * len(one) for one in found)
        text = "".join("0" * len(one) if one in _PARTS.values() else one for one in found)
        whole = all(shape.count(part) == 1 for part in ("YYyy", "mm", "dd"))
        whole = whole and ("HH" in shape or not {"M", "S"} & set(shape))
        return (
            cls(shape, text) if whole and "%" not in text and text.isascii() and len(text) <= MARGIN else None
        )

    @cached_property
    def words(self) -> tuple[tuple[np.uint64, np.uint64, np.uint64], ...]:
        """For each eight letters: which of their bytes count, what they are but for the digits, what is too high a byte.

        The last is added to the bytes; the highest bit of those that are too high is set then.
        """
        found = []
        for first in range(0, len(self.shape), BYTES):
            letters = range(first, min(first + BYTES, len(self.shape)))
            over = bytes(_HIGHEST - self._most(at) for at in letters)
            text = self.text[first : first + BYTES].encode()
            found.append((_word(b"\xff" * len(letters)), _word(text), _word(over)))
        return tuple(found)

    def _most(self, at: int) -> int:
        """Say how large the digit of a letter may be, 0 of what stands between."""
        part = self.shape[at]
        begins = self.shape.index(part) == at
        return 0 if part == "-" else _MOST.get(part, 9) if begins else 9


def _word(letters: bytes) -> np.uint64:
    return _U(int.from_bytes(letters, "little"))


def read_instants(cells: Cells, how: Instants) -> Found:
    """Read instants, in microseconds since 1970."""
    size = len(how.shape)
    wrong = None if cells.even and cells.longest == size else cells.lengths != size
    digits, odd = [], [wrong]
    for letters, (counts, text, over) in zip(_words_of(cells), how.words, strict=False):
        letters &= counts  # noqa: PLW2901 in place
        letters ^= text  # noqa: PLW2901
        odd.append(odd_bytes((letters + over) | letters))
        digits.append(letters)
    pairs = _Pairs(digits, how)
    days, no_day = _days(pairs)
    found = days.astype(np.int64)
    found *= 86_400
    if "HH" in how.shape:
        hours = pairs.of("HH")
        odd.append(if_any(hours >= _U(24)) if int(hours.max()) >= 24 else None)  # noqa: PLR2004 hours of a day
        found += _seconds(hours, pairs, how).view(np.int64)
    found *= _MICROSECONDS
    return Found(found, found.view(np.uint64), either(*odd, no_day))


def _words_of(cells: Cells) -> npt.NDArray[np.uint64]:
    """Give the first 24 bytes from the beginning of each cell on, eight at a time."""
    text = cells.text
    wide = np.ndarray((len(text) - MARGIN + 1,), f"V{MARGIN}", text, 0, (1,))
    return np.ascontiguousarray(wide[cells.starts].view("<u8").reshape(-1, MARGIN // BYTES).T)


class _Pairs:
    """The digits of some instants, two at a time."""

    def __init__(self, digits: list[Words], how: Instants) -> None:
        self._digits, self._shape = digits, how.shape
        self._pairs = [_paired(word) for word in digits]

    def of(self, part: str) -> Words:
        """Give the number that two digits say."""
        word, byte = divmod(self._shape.index(part), BYTES)
        if byte == BYTES - 1:  # one digit ends a word, the other begins the next
            return (self._digits[word] >> _U(8 * byte)) * _U(10) + (self._digits[word + 1] & _U(0xFF))
        found = self._pairs[word] >> _U(8 * byte) if byte else self._pairs[word] & _U(0xFF)
        if byte:
            found &= _U(0xFF)
        return found


def _paired(word: Words) -> Words:
    """Put ten times each byte to the one after it."""
    found = word >> _U(8)
    found += word * _U(10)
    return found


def _days(pairs: _Pairs) -> tuple[npt.NDArray[np.int32], Flags | None]:
    """Give the days since 1970, and mark those that are none."""
    number = pairs.of("YY")
    number *= _U(100)
    number += pairs.of("yy")
    number *= _U(_MONTHS)
    number += pairs.of("mm")
    number *= _U(_DAYS)
    number += pairs.of("dd")
    number -= _U(_FIRST_YEAR * _MONTHS * _DAYS)  # of what lies before there is a very large number, of no day
    days = _days_by_number().take(number.view(np.int64), mode="clip")
    return days, if_any(days == _NO_DAY) if int(days.min()) == _NO_DAY else None


def _seconds(hours: Words, pairs: _Pairs, how: Instants) -> Words:
    """Give the seconds of the day."""
    hours *= _U(60)
    if "MM" in how.shape:
        hours += pairs.of("MM")
    hours *= _U(60)
    if "SS" in how.shape:
        hours += pairs.of("SS")
    return hours


@cache
def _days_by_number() -> npt.NDArray[Any]:
    """Give the days since 1970 by year, month and day in one number, as `_days` makes it; the ends are no days."""
    days = np.arange(f"{_FIRST_YEAR}-01-01", f"{_LAST_YEAR + 1}-01-01", dtype="datetime64[D]")
    months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
    month, day = (months - years).astype(np.int64) + 1, (days - months).astype(np.int64) + 1
    number = ((years.astype(np.int64) + 1970 - _FIRST_YEAR) * _MONTHS + month) * _DAYS + day
    table = np.full(int(number[-1]) + 2, _NO_DAY, np.int32)
    table[number] = days.astype(np.int32)
    return table
