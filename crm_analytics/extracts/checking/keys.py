"""Ids as numbers, and rows that occur twice: found by sorting hashes, which is many times quicker than grouping text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from crm_analytics.extracts.checking.short_ids import Rows, first_of, grouped, grouped_numbers

CUSTOMER: Final = "customer_id"
_Hashes = npt.NDArray[np.uint64]
_Places = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]
_Names = Callable[[_Places | None], pl.Series]
_ODD: Final = 0x9E3779B97F4A7C15
_LEADING: Final = int(sys.byteorder == "little")  # which half of a number leads
_SPARSE, _MOST_BITS = 6, 26
_BLOCK: Final = 1 << 16


@dataclass(frozen=True, eq=False)
class Keys:
    """The different ids of a column, sorted, and the rows of each.

    Attributes
    ----------
    names
        Gives the ids at some places among all, sorted; or all of them (None), which is best asked as `ids`.
    rows
        The numbers of all rows, those of one id side by side and in their order; the ids in an order of their own.
    starts
        Where in `rows` each id begins, and the end of the last.
    order
        Which of `ids` these are, id by id as they stand in `rows`.
    letters
        What all ids begin with, where it is known that nothing but digits follows.
    """

    names: _Names
    rows: Rows
    starts: _Places
    order: _Places
    letters: str | None = None

    @cached_property
    def ids(self) -> pl.Series:
        """The different ids, sorted."""
        return self.names(None)

    @property
    def codes(self) -> npt.NDArray[np.uint32]:
        """For each row the place of its id among the ids."""
        codes = np.empty(len(self.rows), np.uint32)
        codes[self.rows] = np.repeat(self.order.astype(np.uint32), np.diff(self.starts))
        return codes

    @property
    def counts(self) -> _Places:
        """For each id its number of rows."""
        return self.by_id(np.diff(self.starts))

    def by_id(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Put values that stand in the order of `rows`, one for each id, into the order of `ids`."""
        found = np.empty_like(values)
        found[self.order] = values
        return found

    def rows_of(self, ids: npt.NDArray[np.intp]) -> list[Rows]:
        """Give the rows of each of some ids, said by their places."""
        at = np.empty_like(self.order)
        at[self.order] = np.arange(len(at))
        return [self.rows[self.starts[i] : self.starts[i + 1]] for i in at[ids]]

    def of(self, marked: pl.Series) -> Keys:
        """Give the keys of the rows marked, as if there were no others."""
        marks = marked.to_numpy()
        kept = marks[self.rows]
        before = np.concatenate(([0], np.cumsum(kept)))[self.starts]  # rows kept before each id begins
        some = np.diff(before) > 0
        seen = np.zeros(len(self.order), np.bool_)
        seen[self.order[some]] = True
        return Keys(
            partial(_some_of, self.names, np.flatnonzero(seen)),
            (np.cumsum(marks) - 1)[self.rows[kept]].astype(self.rows.dtype),
            np.append(before[:-1][some], before[-1]),
            (np.cumsum(seen) - 1)[self.order[some]],
            self.letters,
        )


def _some_of(names: _Names, places: _Places, among: _Places | None) -> pl.Series:
    return names(places if among is None else places[among])


def _listed(ids: pl.Series, places: _Places | None) -> pl.Series:
    return ids if places is None else ids.gather(places)


def keyed(column: pl.Series) -> Keys:
    """Find the rows of each id of a column; there must be no nulls among them.

    >>> keys = keyed(pl.Series(["b", "a", "b"]))
    >>> keys.ids.to_list(), keys.codes.tolist(), keys.counts.tolist()
    (['a', 'b'], [1, 0, 1], [1, 2])
    """
    short = grouped(column)
    if short is None:
        return _hashed(column)
    firsts = short.rows.take(short.starts[:-1])
    return Keys(partial(_listed, first_of(column, firsts)), short.rows, short.starts, np.arange(len(firsts)))


def keyed_numbers(
    numbers: _Hashes, text: Callable[[pl.Series], pl.Series], letters: str | None = None
) -> Keys:
    """Find the rows of each id, of ids that are numbers in the order of their `text`.

    The numbers are used up by it, unless they must not be written to.

    >>> keys = keyed_numbers(np.array([7, 5, 7], np.uint64), lambda numbers: numbers.cast(pl.String))
    >>> keys.ids.to_list(), keys.codes.tolist()
    (['5', '7'], [1, 0, 1])
    """
    found = grouped_numbers(numbers)
    if found is not None:
        names = partial(_read, text, found.numbers)
        return Keys(names, found.rows, found.starts, np.arange(len(found.numbers)), letters)
    rows, begins = _runs(numbers * np.uint64(_ODD))  # numbers that differ still do, and in their leading bits
    starts = np.append(np.flatnonzero(begins), len(rows))
    ids = numbers.take(rows.take(starts[:-1]))
    order = np.empty(len(ids), np.int64)
    order[np.argsort(ids)] = np.arange(len(ids))
    return Keys(partial(_read, text, np.sort(ids)), rows, starts, order, letters)


def _read(text: Callable[[pl.Series], pl.Series], ids: _Hashes, places: _Places | None) -> pl.Series:
    return text(pl.Series(CUSTOMER, ids if places is None else ids[places]))


def _hashed(column: pl.Series) -> Keys:
    rows, begins = _runs(_hashes(column, 0))
    starts = np.append(np.flatnonzero(begins), len(rows))
    first = np.zeros(len(rows), np.bool_)
    first[rows[starts[:-1]]] = True
    ids = column.filter(pl.Series(first)).sort()
    order, _ = _runs(
        _hashes(ids, 0)
    )  # the same hashes come in the same order; here it is known whose they are
    keys = Keys(partial(_listed, ids), rows, starts, order)
    return keys if _is_true(keys, column) else _ranked(column)


def _is_true(keys: Keys, column: pl.Series) -> bool:
    """Make sure that no two ids have one hash (once in millions of large tables), by the sum of another hash."""
    counts = keys.counts.astype(np.uint64)
    return bool(np.sum(counts * _hashes(keys.ids, 1)) == np.sum(_hashes(column, 1)))


def _ranked(column: pl.Series) -> Keys:
    codes = column.rank("dense").to_numpy().astype(np.int64) - 1
    rows = np.argsort(codes, kind="stable")
    ids = column.unique().sort()
    starts = np.concatenate(([0], np.cumsum(np.bincount(codes, minlength=len(ids)))))
    return Keys(partial(_listed, ids), rows, starts, np.arange(len(ids)))


def numbers_of(frame: pl.LazyFrame, column: str, n_rows: int, *, held: bool) -> _Hashes:
    """Give the numbers of a column without its nulls: as they lie there if they are `held` in memory, else in memory of their own."""
    if held:
        return frame.select(column).collect().to_series().drop_nulls().to_numpy()
    found, n = np.empty(n_rows, np.uint64), 0
    for values in _batches(frame, column):
        found[n : n + len(values)] = values
        n += len(values)
    return found[:n]


def _batches(frame: pl.LazyFrame, column: str) -> Iterator[_Hashes]:
    """Give the numbers of a column without its nulls, without a second copy of them."""
    for batch in frame.select(column).collect_batches(maintain_order=True):
        yield batch.to_series().drop_nulls().to_numpy()


def repeats(frame: pl.LazyFrame, column: str, n_rows: int) -> pl.Series | None:
    """Mark the rows whose hash, which stands in a column, an earlier row has; None where there is none.

    Rows are known by their hashes of 64 bits alone: that any two of n different rows have the same is as likely as
    n^2 / 2^65, which is 3 in 10,000 for 100 million rows and less than 1 in 30 millions for a million; one row too many
    would be marked then. The leading halves are put in order first: only rows that share theirs with another are looked
    at whole.
    """
    heads, n = np.empty(n_rows, np.uint32), 0
    for values in _batches(frame, column):
        heads[n : n + len(values)] = _heads(values)
        n += len(values)
    heads = heads[:n]
    heads.sort()
    twice = np.unique(heads[1:][heads[1:] == heads[:-1]])
    del heads
    if not len(twice):
        return None
    places, hashes = _rows_among(twice, _batches(frame, column))
    rows, begins = _runs(hashes)
    if begins.all():
        return None
    marks = np.zeros(n, np.bool_)
    marks[places[rows[~begins]]] = (
        True  # rows of one hash stand in their order, and the first of them begins it
    )
    return pl.Series(marks)


def _heads(values: _Hashes) -> npt.NDArray[np.uint32]:
    """Give the leading halves, as they lie there."""
    return values.view(np.uint32)[_LEADING::2]


def _rows_among(heads: npt.NDArray[np.uint32], batches: Iterator[_Hashes]) -> tuple[_Places, _Hashes]:
    """Give the rows and hashes that may have one of some leading halves: all that have, and a few others."""
    bits = min(len(heads).bit_length() + _SPARSE, _MOST_BITS)
    shift = np.uint32(32 - bits)
    wanted = np.zeros(1 << bits, np.bool_)
    wanted[heads >> shift] = True
    places, hashes, n = [], [], 0
    for values in batches:
        for at in range(0, len(values), _BLOCK):
            block = values[at : at + _BLOCK]
            among = np.flatnonzero(wanted[_heads(block) >> shift])
            places.append(among + (n + at))
            hashes.append(block[among])
        n += len(values)
    return np.concatenate(places), np.concatenate(hashes)


def _hashes(column: pl.Series, seed: int) -> _Hashes:
    return column.hash(seed).to_numpy()


def _runs(hashes: _Hashes) -> tuple[_Places, _Flags]:
    """Give the rows in order of their hash (of one hash as they stand), and where among them a new hash begins.

    The leading bits of each hash are packed with the number of its row, so that one plain sort does it; the few whose
    leading bits alone are equal are put in order afterwards.
    """
    bits = np.uint64(max(len(hashes) - 1, 1).bit_length())
    packed = hashes >> bits
    packed <<= bits
    packed |= np.arange(len(hashes), dtype=np.uint64)
    packed.sort()
    rows = (packed & ((np.uint64(1) << bits) - np.uint64(1))).view(np.int64)
    packed >>= bits
    found = hashes.take(rows)
    begins = np.ones(len(rows), np.bool_)
    np.not_equal(found[1:], found[:-1], out=begins[1:])
    mixed = packed[1:][begins[1:] & (packed[1:] == packed[:-1])]
    for head in np.unique(mixed):
        low, high = np.searchsorted(packed, (head, head + np.uint64(1)))
        order = np.argsort(found[low:high], kind="stable")
        rows[low:high], found[low:high] = rows[low:high][order], found[low:high][order]
        begins[low + 1 : high] = found[low + 1 : high] != found[low : high - 1]
    return rows, begins
