"""Plain text files read to numbers: the lines of a file without quotes, block by block, each in a processor's cache.

Customers, instants and amounts become numbers on the way, without a text made of any of them. Lines with a cell that is not
written in the usual way of its column are read by polars instead, and so are all other columns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from crm_analytics.extracts.checking import marks
from crm_analytics.extracts.checking.keys import CUSTOMER, Keys, keyed_numbers
from crm_analytics.extracts.checking.marks import present
from crm_analytics.extracts.checking.plan import ColumnPlan, Plan
from crm_analytics.extracts.plain.cells import (
    BYTES,
    MARGIN,
    Cells,
    Flags,
    Found,
    Ids,
    Places,
    Words,
    either,
    hashes_of,
    mixed,
    read_ids,
    read_numbers,
    text_of,
)
from crm_analytics.extracts.plain.instants import Instants, read_instants
from crm_analytics.extracts.raw import ROW, PlainText
from crm_analytics.extracts.text.encodings import let_go

NUMBER: Final = "__number__"
"""Name of the column that holds the customers of a table as numbers, until somebody asks for their ids."""

_LF, _CR = 10, 13
_MOST_ODD: Final = 0.1
_BLOCKS: Final = 16  # of a stretch
_AT_ONCE: Final = 2
_AHEAD: Final = 4  # stretches that are read before the first of them is asked for

Way = Ids | Instants | None
"""How a column is read; None is as numbers."""


class NotPlainError(Exception):
    """The file is better read in the usual way."""


def with_row_numbers(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Put their numbers in the file beside rows that are all there."""
    return frame.with_row_index(ROW, 1)


def ids_of(prefix: bytes, numbers: pl.Series) -> pl.Series:
    """Give the ids again that some numbers stand for."""
    texts = text_of(numbers.fill_null(0).to_numpy(), prefix)
    ids = pl.Series(numbers.name, texts).cast(pl.String)
    return ids.set(numbers.is_null(), None) if numbers.null_count() else ids


def ways(plan: Plan, examples: pl.DataFrame) -> dict[str, Way]:
    """Say how the columns are read that can be read here; none are where the customers are not among them."""
    found: dict[str, Way] = {}
    for column in plan.columns.values():
        if not column.required or column.form is None:
            continue
        how: Way = None
        if column.name == CUSTOMER:
            how = Ids.of(examples[column.heading].drop_nulls())
        elif column.kind == "instant":
            how = Instants.of(column.form)
        if how is not None or column.kind == "money":
            found[column.name] = how
    return found if CUSTOMER in found and not plan.attributes else {}


def readers(
    text: PlainText | None, plan: Plan, sample: pl.DataFrame | None, *, hashed: bool
) -> Iterator[PlainReader]:
    """Give what may read a table by a plan, decided on a sample, from its text; none where it is better read as usual.

    The second takes ids that do not begin as those of the sample do.
    """
    found = ways(plan, sample) if text is not None and sample is not None else {}
    how = found.get(CUSTOMER)
    if text is None or sample is None or not isinstance(how, Ids):
        return
    yield PlainReader(text, plan, found, hashed)
    if how.prefix and int(sample[plan.columns[CUSTOMER].heading].str.len_bytes().max() or 0) <= BYTES:  # type: ignore[arg-type]
        yield PlainReader(text, plan, found | {CUSTOMER: Ids(b"")}, hashed)


@dataclass(eq=False)
class _Column:
    """The values of one column of a stretch of lines, as they are found; `null` and `absent` count only where it `differs`."""

    plan: ColumnPlan
    place: int
    how: Way
    values: npt.NDArray[Any]
    null: Flags
    absent: Flags
    differs: bool = False
    digits: bool = True

    @classmethod
    def of(cls, plan: ColumnPlan, place: int, how: Way, n: int) -> _Column:
        kind: Any = np.uint64 if isinstance(how, Ids) else np.int64 if how else np.float64
        return cls(plan, place, how, np.empty(n, kind), np.zeros(n, np.bool_), np.zeros(n, np.bool_))

    def part(self, rows: slice) -> _Column:
        """Give some rows, to be read into."""
        values, null, absent = (v[rows] for v in (self.values, self.null, self.absent))
        return replace(self, values=values, null=null, absent=absent)

    def with_parts(self, parts: Sequence[_Column]) -> _Column:
        """Take over what was found of the parts that were read."""
        differs, digits = any(part.differs for part in parts), all(part.digits for part in parts)
        return replace(self, differs=differs, digits=digits)

    def read(self, cells: Cells, rows: slice) -> Found:
        """Read the cells of a block."""
        if isinstance(self.how, Ids):
            found = read_ids(cells, self.how)
        elif self.how is None:
            found = read_numbers(cells)
        else:
            found = read_instants(cells, self.how)
        self.values[rows] = found.values
        self.digits = self.digits and found.digits
        if found.missing is not None:
            self.null[rows] = self.absent[rows] = found.missing
            self.differs = True
        return found

    def take(self, frame: pl.DataFrame, rows: Places) -> None:
        """Take some rows that polars has read."""
        values = frame[self.plan.name]
        self.null[rows], self.differs = values.is_null().to_numpy(), True
        self.absent[rows] = ~frame[present(self.plan.name)].to_numpy()
        if isinstance(self.how, Ids):
            found = _numbered(values.fill_null(""), self.how)
            self.values[rows], self.digits = found.values, self.digits and found.digits
        else:
            self.values[rows] = values.to_physical().fill_null(0).to_numpy()

    def columns(self) -> list[pl.Series]:
        """Give the values, and where something stood; the memory of the values is not copied."""
        name = NUMBER if self.plan.name == CUSTOMER else self.plan.name
        values = pl.Series(name, self.values)
        values = values.cast(pl.Datetime("us")) if isinstance(self.how, Instants) else values
        has = pl.repeat(value=True, n=len(values), eager=True)
        if self.differs:
            values = pl.select(pl.when(pl.Series(~self.null)).then(values).alias(name)).to_series()
            has = pl.Series(~self.absent)
        return [values, has.alias(present(self.plan.name))]


def _numbered(ids: pl.Series, how: Ids) -> Found:
    """Make numbers of ids that were read as text."""
    text = b"\0" * MARGIN + "\n".join(ids.to_list()).encode() + b"\n" + b"\0" * MARGIN
    ends = np.cumsum(ids.str.len_bytes().to_numpy().astype(np.int64) + 1) + MARGIN - 1
    starts = np.concatenate([[MARGIN], ends[:-1] + 1])
    found = read_ids(_cells(np.frombuffer(text, np.uint8), starts, ends), how, mended=True)
    if found.odd is not None or text.count(b"\0") > 2 * MARGIN:
        raise NotPlainError
    return found


def _cells(text: npt.NDArray[Any], starts: Places, ends: Places) -> Cells:
    words: Words = np.ndarray((len(text) - BYTES + 1,), "<u8", text, 0, (1,))
    return Cells(text, words, starts, ends)


@dataclass(frozen=True, eq=False)
class _OddLines:
    """Lines of a block that are left to polars: their rows, and their bytes."""

    rows: Places
    text: bytes


class _Room:
    """Memory that one thread uses for block after block."""

    def __init__(self, n_bytes: int) -> None:
        self.text = np.zeros(n_bytes + 2 * MARGIN, np.uint8)
        self._ends, self._marks = np.empty(len(self.text), np.bool_), np.empty(len(self.text), np.bool_)

    def marks(self, size: int, separator: int) -> Places:
        """Find where separators and line ends stand among so many bytes."""
        text, is_end, is_mark = self.text[:size], self._ends[:size], self._marks[:size]
        np.equal(text, _LF, out=is_end)
        np.equal(text, separator, out=is_mark)
        np.logical_or(is_end, is_mark, out=is_mark)
        return np.flatnonzero(is_mark)


@dataclass(frozen=True, eq=False)
class _Stretch:
    """What is read of some blocks of lines: the hash of each, the columns, and the frame of all other columns."""

    hashes: Words | None
    columns: list[_Column]
    others: pl.DataFrame | None = None

    def part(self, rows: slice) -> _Stretch:
        """Give some rows, to be read into."""
        hashes = None if self.hashes is None else self.hashes[rows]
        return _Stretch(hashes, [column.part(rows) for column in self.columns])

    def with_parts(self, parts: Sequence[_Stretch]) -> _Stretch:
        """Take over what was found of the parts that were read, which are all of it."""
        found = zip(*(part.columns for part in parts), strict=True)
        columns = [column.with_parts(of) for column, of in zip(self.columns, found, strict=True)]
        others = [part.others for part in parts if part.others is not None]
        return _Stretch(self.hashes, columns, pl.concat(others, rechunk=False) if others else None)

    def frame(self) -> pl.DataFrame:
        """Give what was read."""
        hashes = [] if self.hashes is None else [pl.Series(marks.HASH, self.hashes)]
        read = pl.DataFrame([*hashes, *(s for c in self.columns for s in c.columns())])
        return read if self.others is None else read.hstack(self.others.get_columns())


@dataclass(eq=False)
class PlainReader:
    """A plain text file that is read by a plan: some columns as numbers in the `ways` given, the others by polars."""

    text: PlainText
    plan: Plan
    ways: Mapping[str, Way]
    hashed: bool = True
    _digits: bool = True

    def keys(self, numbers: Words) -> Keys:
        """Find the rows of each customer, of all customers read; the numbers are used up by it."""
        letters = self._prefix.decode() if self._digits else None
        return keyed_numbers(numbers, partial(ids_of, self._prefix), letters)

    def with_ids(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Put their ids beside the numbers of customers; they are made when they are asked for."""
        make = partial(ids_of, self._prefix)
        ids = pl.col(NUMBER).map_batches(make, return_dtype=pl.String(), is_elementwise=True)
        return frame.with_columns(ids.alias(CUSTOMER))

    @property
    def _prefix(self) -> bytes:
        how = self.ways[CUSTOMER]
        return how.prefix if isinstance(how, Ids) else b""

    def whole(self) -> pl.LazyFrame:
        """Read the file into memory: its rows with a hash of each as it came, as `marks.read_rows` does.

        Customers are there as numbers; the rows get theirs when they are asked for.

        Raises
        ------
        NotPlainError
            If too much of it is not as usual.
        """
        first = self.text.rows.first
        to = self._empty(int(first[-1]))
        parts = self._each(lambda low, high: to.part(slice(int(first[low]), int(first[high]))))
        return with_row_numbers(to.with_parts([part for part, _ in parts]).frame().lazy())

    def stretches(self) -> Iterator[pl.DataFrame]:
        """Read the file some blocks of lines at a time, as `whole` does, each row with its number.

        Raises
        ------
        NotPlainError
            If too much of it is not as usual.
        """
        first = self.text.rows.first
        for part, before in self._each(lambda low, high: self._empty(int(first[high] - first[low]))):
            yield part.frame().with_row_index(ROW, before + 1)

    def _each(self, room_for: Callable[[int, int], _Stretch]) -> Iterator[tuple[_Stretch, int]]:
        """Read some blocks of lines at a time, and give them with the number of rows before."""
        first = self.text.rows.first
        last = len(first) - 1
        cuts = [*range(0, last, _BLOCKS), last]
        rooms = [_Room(int(np.diff(self.text.rows.begins).max())) for _ in range(_AT_ONCE)]
        read = partial(self._stretch, rooms, room_for)
        yield read(cuts[0], cuts[1])  # which shows whether the file is worth reading so
        with ThreadPoolExecutor(_AT_ONCE) as pool:  # numpy leaves the other processor free
            ahead = deque[Future[tuple[_Stretch, int]]]()
            for low, high in pairwise(cuts[1:]):
                ahead.append(pool.submit(read, low, high))
                if len(ahead) > _AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    def _stretch(
        self, rooms: list[_Room], room_for: Callable[[int, int], _Stretch], low: int, high: int
    ) -> tuple[_Stretch, int]:
        """Read some blocks of lines."""
        room = rooms.pop()
        try:
            return self._read(room, room_for(low, high), low, high), int(self.text.rows.first[low])
        finally:
            rooms.append(room)

    def _read(self, room: _Room, to: _Stretch, low: int, high: int) -> _Stretch:
        begins, first = self.text.rows.begins, self.text.rows.first
        at, n = int(first[low]), int(first[high] - first[low])
        odd = [
            self._block(room, to, k, slice(int(first[k]) - at, int(first[k + 1]) - at))
            for k in range(low, high)
        ]
        let_go(self.text.data, int(begins[low]), int(begins[high]))
        self._read_odd(to.columns, [o for o in odd if o is not None], n)
        if not all(c.digits for c in to.columns):  # never set back by another thread
            self._digits = False
        others = {n: c for n, c in self.plan.columns.items() if n not in self.ways}
        return replace(to, others=self._others(others, low, high)) if others else to

    def _empty(self, n: int) -> _Stretch:
        headings, columns = self.text.headings, self.plan.columns
        places = {name: headings.index(columns[name].heading) for name in self.ways}
        read = [_Column.of(columns[name], places[name], how, n) for name, how in self.ways.items()]
        return _Stretch(np.empty(n, np.uint64) if self.hashed else None, read)

    def _read_odd(self, columns: list[_Column], odd: Sequence[_OddLines], n: int) -> None:
        """Read the odd lines of a stretch of `n`."""
        if not odd:
            return
        rows = np.concatenate([o.rows for o in odd])
        if len(rows) > _MOST_ODD * n:
            raise NotPlainError
        own = replace(self.plan, columns={c.plan.name: c.plan for c in columns})
        found = marks.read_rows(self.text.frame(b"".join(o.text for o in odd), 0), own).collect()
        for column in columns:
            column.take(found, rows)

    def _others(self, others: Mapping[str, ColumnPlan], low: int, high: int) -> pl.DataFrame:
        """Read the other columns of some blocks."""
        begins, first = self.text.rows.begins, self.text.rows.first
        frame = self.text.frame(self.text.data[begins[low] : begins[high]], int(first[low]))
        read = marks.read_rows(frame, replace(self.plan, columns=others)).collect()
        return read.drop(ROW, *(x for name in self.ways for x in (name, present(name))), strict=False)

    def _block(self, room: _Room, to: _Stretch, block: int, rows: slice) -> _OddLines | None:
        """Read one block, and take out the lines that are odd."""
        cells = self._cells(room, block)
        found = {column.place: column.read(cells[column.place], rows) for column in to.columns}
        if to.hashes is not None:
            hashed: Words | None = None
            for place, its in enumerate(cells):
                hashed = mixed(hashed, _words(its, found.get(place)))
            to.hashes[rows] = hashed  # type: ignore[assignment]  # there is a column
        odd = either(*(one.odd for one in found.values()))
        return None if odd is None else _odd_lines(cells, odd, rows.start)

    def _cells(self, room: _Room, block: int) -> list[Cells]:
        """Find the cells of a block of lines."""
        rows, width = self.text.rows, len(self.text.headings)
        begin, n = int(rows.begins[block]), int(rows.begins[block + 1] - rows.begins[block])
        text = room.text[: n + 2 * MARGIN]
        text[MARGIN : MARGIN + n] = np.frombuffer(self.text.data, np.uint8, n, begin)
        text[MARGIN + n :] = 0
        if rows.marks is None:
            found = room.marks(len(text), ord(self.text.separator))
        else:
            found = np.add(rows.marks[block], MARGIN, dtype=np.int64)
        if len(found) % width:  # the last line of a file may lack its end
            found = np.append(found, MARGIN + n)
        ends = np.ascontiguousarray(found.reshape(-1, width).T)
        starts = np.empty_like(ends)
        np.add(ends[:-1], 1, out=starts[1:])
        starts[0, 0] = MARGIN
        np.add(ends[-1, :-1], 1, out=starts[0, 1:])
        ends[-1] -= text[ends[-1] - 1] == _CR
        cells = _cells(text, starts[0], ends[0])
        return [cells, *(replace(cells, starts=starts[k], ends=ends[k]) for k in range(1, width))]


def _words(cells: Cells, found: Found | None) -> Words:
    """Say the text of each cell in a number."""
    if found is None:
        return hashes_of(cells)
    if found.odd is not None:
        found.words[found.odd] = hashes_of(cells.some(found.odd))
    return found.words


def _odd_lines(cells: list[Cells], odd: Flags, at: int) -> _OddLines:
    """Take the odd lines out of a block."""
    rows = np.flatnonzero(odd)
    starts, ends = cells[0].starts[rows].tolist(), cells[-1].ends[rows].tolist()
    text = cells[0].text
    return _OddLines(
        rows + at, b"".join(text[a:b].tobytes() + b"\n" for a, b in zip(starts, ends, strict=True))
    )
