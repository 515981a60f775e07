"""Customer histories reduced to what a likelihood needs: distinct rows with weights, and tables over distinct values."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations_with_replacement
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

BLOCK: Final = 8192
"""Rows handled at once: fits the cache, and larger blocks wake threads that cost more than they bring."""

DAYS_PER: Final = {
    "hour": 1 / 24,
    "day": 1.0,
    "week": 7.0,
    "month": 365.25 / 12,
    "quarter": 365.25 / 4,
    "year": 365.25,
}
"""Length of a unit of time in days."""

_HISTORY: Final = ("frequency", "recency", "T")
_TABLE_PAYS: Final = 4  # a table pays when distinct values are this many times fewer than rows
_GLANCE: Final = 5_000
_SAME_DAY: Final = 1e-9  # of a day: the rounding of times in weeks
_MOST: Final = 2**20  # a million purchases or days: three numbers still fit into one


@dataclass(frozen=True, eq=False)
class Distinct:
    """A column as distinct values and, where that pays, a code per row."""

    values: Floats
    codes: Codes | None

    @classmethod
    def of(cls, column: Floats) -> Distinct:
        """Find the distinct values, and keep codes only if a table over them is much smaller than the rows."""
        values, codes = np.unique(column, return_inverse=True)
        if len(values) * _TABLE_PAYS > len(column) and len(column) > BLOCK:
            return cls(column, None)
        return cls(values, codes)

    @classmethod
    def coded(cls, codes: Codes, unit: float) -> Distinct:
        """Make the table of 0, 1, … up to the largest code, each divided by the unit."""
        top = int(codes.max(initial=0)) + 1
        if top > max(len(codes), BLOCK):
            return cls.of(codes / unit)
        return cls(np.arange(top) / unit, codes)

    def some(self, pick: Codes) -> Distinct:
        """Give some of the rows, over the same table."""
        if self.codes is None:
            return Distinct(self.values[pick], None)
        return Distinct(self.values, self.codes[pick])

    def sums(self, weight: Floats) -> Floats:
        """Add up the weights of the rows of each value."""
        if self.codes is None:
            return weight
        return np.asarray(np.bincount(self.codes, weight, len(self.values)), np.float64)

    def rows(self, table: Floats, part: slice) -> Floats:
        """Give the table's value on each row of the part."""
        return table[part] if self.codes is None else table[self.codes[part]]


@dataclass(frozen=True, eq=False)
class Rows:
    """Distinct (x, t_x, T) with how many customers share them, in scaled time.

    Attributes
    ----------
    x, t_x, T
        Repeat purchases, time of the last one since the first, age; distinct rows only.
    weight
        Customers per row.
    scale
        One unit of scaled time in the caller's unit: the mean age.
    """

    x: Distinct
    t_x: Distinct
    T: Distinct
    weight: Floats
    scale: float
    n_customers: float
    n_purchases: float

    def __len__(self) -> int:
        return len(self.weight)

    def parts(self) -> list[slice]:
        """Cut the rows into blocks."""
        return [slice(i, min(i + BLOCK, len(self))) for i in range(0, len(self), BLOCK)]

    def raw(self, name: str) -> Floats:
        """Give a column per row."""
        return self._per_row(getattr(self, name))

    @classmethod
    def of(cls, x: Distinct, t_x: Distinct, age: Distinct, weight: Floats, scale: float) -> Rows:
        """Make rows, with their totals."""
        purchases = float(x.sums(weight) @ x.values)
        return cls(x, t_x, age, weight, scale, float(weight.sum()), purchases)

    def sample(self, n: int) -> Rows:
        """Give a systematic sample of the rows with their weights scaled up: for the first steps of a search."""
        pick = (np.arange(n) * (len(self) / n)).astype(np.intp)
        weight = self.weight[pick] * (self.weight.sum() / self.weight[pick].sum())
        return Rows.of(self.x.some(pick), self.t_x.some(pick), self.T.some(pick), weight, self.scale)

    @property
    def fingerprint(self) -> str:
        """Digest of the number of histories and of their weighted means, products and squares, to ten digits."""
        totals = [float(len(self)), self.n_customers, self.n_purchases, self.scale]
        for left, right in combinations_with_replacement((self.x, self.t_x, self.T), 2):
            one, two = self._per_row(left), self._per_row(right)
            totals.append(float(np.einsum("i,i,i->", self.weight, one, two)))
        text = ";".join(f"{total:.9e}" for total in totals)
        return sha256(text.encode()).hexdigest()[:16]

    def _per_row(self, column: Distinct) -> Floats:
        return column.values if column.codes is None else column.values[column.codes]


def compress(summary: pl.DataFrame | pl.LazyFrame) -> Rows:
    """Group identical histories.

    Parameters
    ----------
    summary
        `frequency`, `recency`, `T` per customer (recency and T in one unit), optionally `weight` (customers per row).

    Raises
    ------
    ColumnError
        If a column is missing.
    OptionError
        If a history is impossible: negative, recency beyond T, or purchases without time.
    NotEnoughDataError
        If there is no customer.
    """
    frame = summary.lazy()
    found = frame.collect_schema().names()
    for name in _HISTORY:
        if name not in found:
            raise ColumnError.missing(name, "summary", found)
    per_day = DAYS_PER.get(time_unit_of(summary) or "", 1.0)
    weighted = "weight" in found
    columns = (*_HISTORY, "weight") if weighted else _HISTORY
    known = frame.select(pl.col(columns).cast(pl.Float64)).collect()
    if known.is_empty() or (weighted and known["weight"].sum() == 0):
        raise NotEnoughDataError.of("customers", 0, 1)
    whole = None if weighted else _whole_periods(known, per_day)
    return _distinct(known) if whole is None else _packed(*whole, per_day)


def _whole_periods(known: pl.DataFrame, per_day: float) -> tuple[Codes, Codes, Codes] | None:
    """Give the histories in whole purchases and whole days, if they are such."""
    codes = []
    for name, length in zip(_HISTORY, (1.0, per_day, per_day), strict=True):
        column = known[name].to_numpy()
        periods = column * length if length != 1.0 else column
        rounded = np.rint(periods)
        with np.errstate(invalid="ignore"):  # infinity less infinity
            same = np.abs(rounded - periods) <= _SAME_DAY
        if not same.all() or not 0 <= rounded.min() <= rounded.max() < _MOST:
            return None
        whole = rounded.astype(np.intp)
        codes.append(whole)
    return codes[0], codes[1], codes[2]


def _packed(x: Codes, t: Codes, age: Codes, per_day: float) -> Rows:
    """Find distinct histories of whole purchases and days by sorting one packed number per customer."""
    bits = max(int(t.max()), int(age.max())).bit_length()
    keys = np.sort((x << 2 * bits) | (age << bits) | t)
    ends = np.flatnonzero(np.append(keys[1:] != keys[:-1], True))
    keys, weight = keys[ends], np.diff(ends, prepend=-1).astype(float)
    ux, ua, ut = keys >> 2 * bits, (keys >> bits) & ((1 << bits) - 1), keys & ((1 << bits) - 1)
    _possible(ux, ut, ua, weight, per_day)
    scale = float(weight @ ua) / float(weight.sum()) / per_day or 1.0
    unit = per_day * scale
    return Rows.of(Distinct.coded(ux, 1.0), Distinct.coded(ut, unit), Distinct.coded(ua, unit), weight, scale)


def _distinct(known: pl.DataFrame) -> Rows:
    """Find distinct histories of any times, with the weights they carry."""
    if known.width == len(_HISTORY):
        known = known.with_columns(weight=pl.lit(1.0))
    if not _nearly_all_differ(known):
        known = known.group_by(_HISTORY).agg(pl.col("weight").sum())
    known = known.sort("frequency", "T", "recency")
    x, t, age, weight = (known[c].to_numpy() for c in (*_HISTORY, "weight"))
    if known.null_count().transpose().sum().item():
        raise _impossible("a missing or infinite value", known.filter(pl.any_horizontal(pl.all().is_null())))
    _possible(x, t, age, weight, 1.0)
    scale = float(np.average(age, weights=weight)) or 1.0
    return Rows.of(
        Distinct.of(x), Distinct.of(t / scale), Distinct.of(age / scale), np.ascontiguousarray(weight), scale
    )


def _nearly_all_differ(known: pl.DataFrame) -> bool:
    """Say from a few rows whether grouping is not worth its while: times to the second are all different."""
    few = known.select("frequency", "T").gather_every(max(1, known.height // _GLANCE))
    return known.height > 10 * _GLANCE and few.n_unique() > 0.9 * few.height


def _possible(
    x: Floats | Codes, t: Floats | Codes, age: Floats | Codes, weight: Floats, per_day: float
) -> None:
    finite = np.isfinite(x) & np.isfinite(t) & np.isfinite(age) & np.isfinite(weight)
    for wrong, words in (
        (~finite, "a missing or infinite value"),
        ((x < 0) | (x != np.floor(x)), "a frequency that is not a whole number of repeat purchases"),
        (t < 0, "a negative recency"),
        (t > age, "a recency beyond T: the last purchase would lie after the end of observation"),
        ((x == 0) & (t > 0), "no repeat purchase but a recency above 0"),
        ((x > 0) & (t == 0), "repeat purchases at the very time of the first: merge purchases of one period"),
        (weight < 0, "a negative weight"),
    ):
        if wrong.any():
            columns = dict(zip(_HISTORY, (x, t / per_day, age / per_day), strict=True))
            raise _impossible(words, pl.DataFrame(columns).filter(pl.Series(wrong)))


def _impossible(words: str, bad: pl.DataFrame) -> OptionError:
    return OptionError(
        f"{bad.height:,} distinct histories hold {words}; the first is "
        f"frequency, recency, T = {bad.select(_HISTORY).row(0)}.",
        "Expected histories as clv.summarise makes them: 0 <= recency <= T.",
        "Make the summary with clv.summarise, or mend these rows.",
    )


def time_unit_of(summary: pl.DataFrame | pl.LazyFrame) -> str | None:
    """Give the unit of time that a summary carries in its column `time_unit`, if it does."""
    frame = summary.lazy()
    if "time_unit" not in frame.collect_schema().names():
        return None
    units = frame.select(pl.col("time_unit").cast(pl.String).unique()).collect().to_series().to_list()
    if len(units) > 1:
        raise OptionError(
            f"The summary mixes units of time: {sorted(map(str, units))}.", "Expected one unit."
        )
    return units[0] if units else None
