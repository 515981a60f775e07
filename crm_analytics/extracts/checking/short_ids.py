"""Short ids as numbers: up to eight bytes are a number in the same order, and only the bits that differ are kept.

Most ids are a letter and some digits, of which few bits differ from row to row. These and the number of the row fit into
one number, so that one plain sort finds the rows of each id, the ids in their order, and no hash is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

_Numbers = npt.NDArray[np.uint64]
_Places = npt.NDArray[np.int64]
_Pieces = list[tuple[int, int, int]]
Rows = npt.NDArray[np.uint32] | npt.NDArray[np.int64]
"""Numbers of rows, in four bytes where there are many, but fewer than four thousand million."""

_SHORT: Final = 32
_BYTES: Final = 8
_MANY: Final = (
    1 << 25
)  # rows of which the numbers are written down in half the memory that they were sorted in
_BLOCK: Final = 1 << 16  # rows that stay in a processor's cache


@dataclass(frozen=True, eq=False)
class Grouped:
    """The rows of each id side by side, the ids in order: `rows`, where each id `starts` (and the end), and its `numbers`."""

    rows: Rows
    starts: _Places
    numbers: _Numbers


def grouped(column: pl.Series) -> Grouped | None:
    """Find the rows of each id of a column without nulls; None where the ids are too long or too different for this.

    >>> found = grouped(pl.Series(["C7", "C12", "C7"]))
    >>> found.rows.tolist(), found.starts.tolist()
    ([1, 0, 2], [0, 1, 3])
    """
    numbers = _as_numbers(column)
    return None if numbers is None or not _is_exact(column, numbers) else grouped_numbers(numbers)


def grouped_numbers(numbers: _Numbers) -> Grouped | None:
    """Find the rows of each of some numbers; None where too many of their bits differ.

    The numbers are used up by it, unless they must not be written to.

    >>> found = grouped_numbers(np.array([7, 5, 7], np.uint64))
    >>> found.rows.tolist(), found.starts.tolist()
    ([1, 0, 2], [0, 1, 3])
    """
    alike = int(np.bitwise_and.reduce(numbers))
    pieces, n_bits = _runs_of_bits(int(np.bitwise_or.reduce(numbers)) ^ alike)
    row_bits = max(len(numbers) - 1, 1).bit_length()
    if n_bits + row_bits > 8 * _BYTES:
        return None
    packed = numbers if numbers.flags.writeable else np.empty_like(numbers)
    _by_blocks(partial(_pack, numbers, packed, pieces, row_bits), len(numbers))
    packed.sort()
    begins = _by_blocks(partial(_starts, packed, row_bits), len(packed))
    starts = np.concatenate([*begins, [len(packed)]])
    ids = np.empty(len(starts) - 1, np.uint64)
    _by_blocks(partial(_unpack, packed, starts, ids, pieces, alike, row_bits), len(ids))
    kind: Any = np.uint32 if row_bits <= _SHORT else np.int64
    rows: Rows = packed.view(np.int64) if len(packed) <= _MANY else np.empty(len(packed), kind)
    _by_blocks(partial(_take_rows, packed, rows, row_bits), len(packed))
    return Grouped(rows, starts, ids)


def _unpack(
    packed: _Numbers,
    starts: _Places,
    ids: _Numbers,
    pieces: _Pieces,
    alike: int,
    row_bits: int,
    first: int,
    last: int,
) -> None:
    """Put the bits that differ back to where they came from, among those that are `alike`."""
    numbers = np.full(last - first, alike, np.uint64)
    heads = packed.take(starts[first:last])
    for bit, size, to in pieces:
        part = heads >> np.uint64(to + row_bits)
        part &= np.uint64((1 << size) - 1)
        part <<= np.uint64(bit)
        numbers |= part
    ids[first:last] = numbers


def _take_rows(packed: _Numbers, rows: Rows, row_bits: int, first: int, last: int) -> None:
    rows[first:last] = packed[first:last] & np.uint64((1 << row_bits) - 1)


def _as_numbers(column: pl.Series) -> _Numbers | None:
    """Write the bytes of each id as a number, the first byte highest."""
    lengths = column.str.len_bytes()
    if not len(column) or lengths.max() > _BYTES:  # type: ignore[operator]  # a number
        return None
    text = pl.col(column.name)
    whole = text if lengths.min() == _BYTES else text.str.pad_end(_BYTES, "\0")
    number = whole.cast(pl.Binary).bin.reinterpret(dtype=pl.UInt64, endianness="big")
    try:
        found = column.to_frame().lazy().select(number).collect(engine="streaming").to_series()
    except pl.exceptions.PolarsError:  # letters of several bytes, of which eight are more than eight bytes
        return None
    return None if found.null_count() else found.to_numpy().copy()


def _is_exact(column: pl.Series, numbers: _Numbers) -> bool:
    """Make sure that no id ends in NUL, which would be lost: every byte up to the last that is not NUL is counted."""
    return bool(column.str.len_bytes().sum() == sum(_by_blocks(partial(_n_bytes, numbers), len(numbers))))


def _n_bytes(numbers: _Numbers, first: int, last: int) -> int:
    block = numbers[first:last]
    n = len(block) * _BYTES
    for k in range(_BYTES):  # an id has NUL from its end to byte k where all its lower bytes are nothing
        empty = int(np.count_nonzero((block & np.uint64((1 << 8 * (k + 1)) - 1)) == 0))
        n -= empty
        if not empty:
            break
    return n


def _runs_of_bits(differ: int) -> tuple[_Pieces, int]:
    """Give the runs of bits that differ: from which bit, how many, and where they go; and how many in all."""
    pieces: _Pieces = []
    bit = to = 0
    while differ >> bit:
        size = 0
        while differ >> (bit + size) & 1:
            size += 1
        if size:
            pieces.append((bit, size, to))
        to, bit = to + size, bit + size + 1
    return pieces, to


def _pack(
    numbers: _Numbers, to_numbers: _Numbers, pieces: _Pieces, row_bits: int, first: int, last: int
) -> None:
    """Keep the bits that differ, and put the number of the row below them."""
    block = numbers[first:last]
    packed = np.arange(first, last, dtype=np.uint64)
    for bit, size, to in pieces:
        part = block >> np.uint64(bit)
        part &= np.uint64((1 << size) - 1)
        part <<= np.uint64(to + row_bits)
        packed |= part
    to_numbers[first:last] = packed


def _starts(packed: _Numbers, row_bits: int, first: int, last: int) -> _Places:
    """Give the places from `first` to before `last` at which another id begins."""
    heads = packed[max(first - 1, 0) : last] >> np.uint64(row_bits)
    begins = np.flatnonzero(heads[1:] != heads[:-1]) + max(first, 1)
    return np.append(0, begins) if first == 0 else begins


def first_of(column: pl.Series, firsts: Rows) -> pl.Series:
    """Give the ids at some rows: those rows are taken out first, which is quicker than to fetch them from all over."""
    chosen = np.zeros(len(column), np.bool_)
    chosen[firsts] = True
    among = np.cumsum(chosen, dtype=np.uint32)
    among -= np.uint32(1)
    return column.filter(pl.Series(chosen)).rechunk().gather(pl.Series(among.take(firsts)))


def _by_blocks(work: Callable[[int, int], Any], n: int) -> list[Any]:
    """Do some work from row to row, block by block on both processors."""
    edges = range(0, n, _BLOCK)
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, edges, [min(at + _BLOCK, n) for at in edges]))
