"""Ids as numbers, and rows that occur twice: found by sorting hashes, which is many times quicker than grouping text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

_Longs = npt.NDArray[np.uint64]
_Codes = npt.NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class Keys:
    """The different ids of a column, sorted, and for each row the place of its id among them."""

    codes: _Codes
    ids: pl.Series

    def of(self, rows: pl.Series) -> Keys:
        """Give the keys of the rows marked; ids of none of them stay among the ids."""
        return Keys(self.codes[rows.to_numpy()], self.ids)


def keyed(column: pl.Series) -> Keys:
    """Give ids numbers in their order; there must be no nulls among them.

    >>> keys = keyed(pl.Series(["b", "a", "b"]))
    >>> keys.codes.tolist(), keys.ids.to_list()
    ([1, 0, 1], ['a', 'b'])
    """
    hashes = _hashes(column, 0)
    rows, begins = _runs(hashes)
    if not _same_within(
        _hashes(column, 1)[rows], begins
    ):  # two ids of one hash: once in millions of large tables
        return _ranked(column)
    codes = np.empty(len(rows), np.uint32)
    codes[rows] = np.cumsum(begins, dtype=np.uint32) - np.uint32(1)
    first = np.zeros(len(rows), np.bool_)
    first[rows[begins]] = True
    ids = column.filter(pl.Series(first)).sort()
    order, _ = _runs(_hashes(ids, 0))  # the same hashes stand in the same order, here with their ids in order
    places = order.astype(np.uint32)
    return Keys(places[codes], ids)


def repeats(hashes: pl.Series) -> pl.Series | None:
    """Mark the rows whose hash an earlier row has; None where there is none."""
    values = np.sort(hashes.to_numpy())
    twice = np.unique(values[1:][values[1:] == values[:-1]])
    if not len(twice):
        return None
    among = hashes.is_in(pl.Series(twice).implode()).arg_true()
    later = among.filter(~hashes.gather(among).is_first_distinct())
    marks = np.zeros(len(hashes), np.bool_)
    marks[later.to_numpy()] = True
    return pl.Series(marks)


def _hashes(column: pl.Series, seed: int) -> _Longs:
    return column.hash(seed).to_numpy()


def _same_within(values: _Longs, begins: npt.NDArray[np.bool_]) -> bool:
    return not bool(((values[1:] != values[:-1]) & ~begins[1:]).any())


def _ranked(column: pl.Series) -> Keys:
    codes = column.rank("dense").cast(pl.UInt32).to_numpy() - np.uint32(1)
    return Keys(codes, column.unique().sort())


def _runs(hashes: _Longs) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Give the rows in order of their hash (of one hash as they stand), and where among them a new hash begins.

    The leading bits of each hash are packed with the number of its row, so that one plain sort does it; the few whose
    leading bits alone are equal are put in order afterwards.
    """
    bits = np.uint64(max(len(hashes) - 1, 1).bit_length())
    packed = (hashes >> bits << bits) | np.arange(len(hashes), dtype=np.uint64)
    packed.sort()
    rows = (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    packed >>= bits
    found = hashes[rows]
    begins = np.ones(len(rows), np.bool_)
    np.not_equal(found[1:], found[:-1], out=begins[1:])
    mixed = packed[1:][begins[1:] & (packed[1:] == packed[:-1])]
    for head in np.unique(mixed):
        low, high = np.searchsorted(packed, (head, head + np.uint64(1)))
        order = np.argsort(found[low:high], kind="stable")
        rows[low:high], found[low:high] = rows[low:high][order], found[low:high][order]
        begins[low + 1 : high] = found[low + 1 : high] != found[low : high - 1]
    return rows, begins
