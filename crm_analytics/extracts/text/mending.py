"""Write anew the few lines whose quotes do not add up, so that a fast engine can read a file that has some.

A product named `12" tray` in a file of millions of rows is no reason to split all of them slowly: only the lines with
such quotes are split by the tolerant splitter, and put back quoted as they should have been.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from crm_analytics.extracts.text.encodings import Bytes
from crm_analytics.extracts.text.splitting import MOST_LINES, Dialect, Splitter

_STEP: Final = 1 << 19
_LF, _CR = 10, 13
_MOST_SHARE: Final = 0.2  # of the lines; beyond that the tolerant splitter is as quick
_MOST_BYTES: Final = 1 << 17  # looked at from one line on, for a cell of many lines


@dataclass(frozen=True)
class Mended:
    """The file with sound quotes, and what stood where a row was written anew (by its first byte)."""

    data: bytes
    originals: dict[int, str]


def mend(data: Bytes, start: int, dialect: Dialect, width: int) -> Mended | None:
    """Write the lines with unsound quotes anew; None where they are too many to be worth it.

    Parameters
    ----------
    data
        UTF-8 with LF or CRLF line ends.
    start
        The byte at which the rows begin.
    dialect, width
        How cells are marked, and how many a row has.
    """
    splitter = Splitter(dialect, width)
    pieces: list[bytes] = [data[:start]]
    originals: dict[int, str] = {}
    at = length = start
    n_lines = n_unsound = 0
    for begin, total in _unsound_lines(data, start, dialect):
        n_lines, n_unsound = total, n_unsound + 1
        if n_unsound > 1_000 and n_unsound > _MOST_SHARE * n_lines:  # noqa: PLR2004 - a few are always worth it
            return None
        if begin < at:  # inside the row before
            continue
        lines = _lines_from(data, begin)
        cells, taken = splitter.take(lines, 0)
        raw = "\n".join(lines[:taken])
        anew = _written(cells, dialect)
        originals[length + begin - at] = raw
        pieces += [data[at:begin], anew]
        length += begin - at + len(anew)
        at = min(begin + len(raw.encode()) + 1, len(data))
    return Mended(b"".join([*pieces, data[at:]]), originals)


def _unsound_lines(data: Bytes, start: int, dialect: Dialect) -> Iterator[tuple[int, int]]:
    """Give where each line begins whose quotes do not add up by itself, with the number of lines so far."""
    total, at, step = 0, start, _STEP
    while at < len(data):
        chunk = np.frombuffer(data, np.uint8, min(step, len(data) - at), at)
        ends = np.flatnonzero(chunk == _LF)
        if at + len(chunk) >= len(data):
            ends = np.append(ends, len(chunk))
        if not len(ends):
            step *= 4
            continue
        starts = np.concatenate(([0], ends[:-1] + 1))
        for i in _unsound(chunk, ends, ord(dialect.separator or "\x1f"), ord(dialect.quote)):
            yield at + int(starts[i]), total + int(i) + 1
        total += len(ends)
        at += int(ends[-1]) + 1
        step = _STEP


def _unsound(
    chunk: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64], separator: int, quote: int
) -> Sequence[int]:
    """Give the lines with an odd number of quotes, or with one that neither opens nor closes a cell."""
    quotes = np.flatnonzero(chunk == quote)
    quotes = quotes[: np.searchsorted(quotes, ends[-1])]
    line = np.searchsorted(ends, quotes)
    counts = np.bincount(line, minlength=len(ends))
    firsts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    closing = (np.arange(len(quotes)) - firsts[line]) % 2 == 1
    beside = np.where(closing, quotes + 1, quotes - 1)
    edge = (beside < 0) | (beside >= len(chunk))
    letter = chunk[np.clip(beside, 0, len(chunk) - 1)]
    fits = edge | np.isin(letter, (separator, _LF, quote)) | (closing & (letter == _CR))
    odd = counts % 2 == 1
    odd[line[~fits]] = True
    found: list[int] = np.flatnonzero(odd).tolist()
    return found


def _lines_from(data: Bytes, begin: int) -> list[str]:
    end = data.find(b"\n", begin + _MOST_BYTES)
    lines = data[begin : end if end >= 0 else len(data)].decode("utf-8", "replace").split("\n")
    return lines[:MOST_LINES]


def _written(cells: Sequence[str], dialect: Dialect) -> bytes:
    out = io.StringIO(newline="")
    form = {"delimiter": dialect.separator or "\x1f", "quotechar": dialect.quote, "lineterminator": "\n"}
    csv.writer(out, quoting=csv.QUOTE_MINIMAL, **form).writerow(cells)  # type: ignore[arg-type]
    return out.getvalue().encode()
