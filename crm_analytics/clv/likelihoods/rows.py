"""Customer histories reduced to what a likelihood needs: distinct rows with weights, and tables over distinct values."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
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


def dot(a: Floats, b: Floats) -> float:
    """Give the sum of products, block by block: a long product at once wakes threads that cost more than they bring."""
    return sum(float(a[i : i + BLOCK] @ b[i : i + BLOCK]) for i in range(0, len(a), BLOCK))


def sums_of(columns: Floats, weight: Floats) -> Floats:
    """Give the weighted sum of each column of a block, one by one: all at once they would wake threads too."""
    return np.array([column @ weight for column in columns])


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
    n_customers, n_purchases
        Sums of the weights, and of weights times x.
    by_count
        Customers per distinct x.
    by_age
        Customers per distinct T, and their purchases.
    """

    x: Distinct
    t_x: Distinct
    T: Distinct
    weight: Floats
    scale: float
    n_customers: float
    n_purchases: float
    by_count: Floats
    by_age: tuple[Floats, Floats]

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
        by_count = x.sums(weight)
        bought = weight * (x.values if x.codes is None else x.values[x.codes])
        by_age = (age.sums(weight), age.sums(bought))
        purchases = dot(by_count, x.values)
        return cls(x, t_x, age, weight, scale, float(weight.sum()), purchases, by_count, by_age)

    def sample(self, n: int) -> Rows:
        """Give a systematic sample of the rows with their weights scaled up: for the first steps of a search."""
        pick = (np.arange(n) * (len(self) / n)).astype(np.intp)
        return self.some(pick, self.weight.sum() / self.weight[pick].sum())

    def some(self, pick: Codes, times: float = 1.0) -> Rows:
        """Give some of the rows, their weights multiplied."""
        weight = self.weight[pick] * times
        return Rows.of(self.x.some(pick), self.t_x.some(pick), self.T.some(pick), weight, self.scale)

    @property
    def fingerprint(self) -> str:
        """Digest of the number of histories and of their weighted moments, to ten digits."""
        x, age, (aged, bought) = self.x.values, self.T.values, self.by_age
        t = self._per_row(self.t_x)
        totals = [float(len(self)), self.n_customers, self.n_purchases, self.scale]
        totals += [dot(self.by_count, x * x), dot(aged, age * age), dot(bought, age)]
        weighed = self.weight * t
        totals += [dot(weighed, t), dot(weighed, self._per_row(self.T)), dot(weighed, self._per_row(self.x))]
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
    known = _needed(summary)
    per_day = DAYS_PER.get(time_unit_of(known) or "", 1.0)
    weight = np.asarray(known["weight"].to_numpy(), np.float64) if "weight" in known.columns else None
    if known.is_empty() or (weight is not None and weight.sum() == 0):
        raise NotEnoughDataError.of("customers", 0, 1)
    whole = _whole_periods(known, per_day)
    if whole is None or (weight is not None and not np.isfinite(weight).all()):
        return _distinct(known)
    return _packed(*whole, weight, per_day)


def _needed(summary: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Give the columns that a likelihood needs."""
    found = summary.columns if isinstance(summary, pl.DataFrame) else summary.collect_schema().names()
    for name in _HISTORY:
        if name not in found:
            raise ColumnError.missing(name, "summary", found)
    wanted = [*_HISTORY, *(name for name in ("weight", "time_unit") if name in found)]
    if isinstance(summary, pl.DataFrame):
        return pl.DataFrame([summary[name] for name in wanted])
    return summary.select(wanted).collect()


def _whole_periods(known: pl.DataFrame, per_day: float) -> tuple[Codes, Codes, Codes] | None:
    """Give the histories in whole purchases and whole days, if they are such."""
    codes = [
        _whole(known[name], length) for name, length in zip(_HISTORY, (1.0, per_day, per_day), strict=True)
    ]
    x, t, age = codes
    return None if x is None or t is None or age is None else (x, t, age)


def _whole(column: pl.Series, length: float) -> Codes | None:
    """Give a column in whole periods, if all of it is such and none is negative."""
    if column.null_count():
        return None
    if column.dtype.is_integer() and length == 1.0:
        rounded = column.to_numpy()
    else:
        periods = np.asarray(column.to_numpy(), np.float64) * length
        rounded = np.rint(periods)
        with np.errstate(invalid="ignore"):  # infinity less infinity
            if not (np.abs(rounded - periods) <= _SAME_DAY).all():
                return None
    return rounded.astype(np.intp) if 0 <= rounded.min() <= rounded.max() < _MOST else None


def _packed(x: Codes, t: Codes, age: Codes, weight: Floats | None, per_day: float) -> Rows:
    """Find distinct histories of whole purchases and days by sorting one packed number per customer."""
    bits = max(int(t.max()), int(age.max())).bit_length()
    keys = (x << 2 * bits) | (age << bits) | t
    order = None if weight is None else np.argsort(keys, kind="stable")
    keys = np.sort(keys) if order is None else keys[order]
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    if weight is None or order is None:
        total = np.diff(starts, append=len(keys)).astype(float)
    else:
        total = np.add.reduceat(weight[order], starts)
    keys = keys[starts]
    ux, ua, ut = keys >> 2 * bits, (keys >> bits) & ((1 << bits) - 1), keys & ((1 << bits) - 1)
    _possible(ux, ut, ua, total, per_day)
    scale = dot(total, ua.astype(np.float64)) / float(total.sum()) / per_day or 1.0
    unit = per_day * scale
    return Rows.of(Distinct.coded(ux, 1.0), Distinct.coded(ut, unit), Distinct.coded(ua, unit), total, scale)


def _distinct(known: pl.DataFrame) -> Rows:
    """Find distinct histories of any times, with the weights they carry."""
    if "weight" not in known.columns:
        known = known.with_columns(weight=pl.lit(1.0))
    known = known.select(pl.col(*_HISTORY, "weight").cast(pl.Float64))
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
    numbers = () if x.dtype == np.intp else _numbers(x, t, age, weight)
    for wrong, words in (
        *numbers,
        (t > age, "a recency beyond T: the last purchase would lie after the end of observation"),
        ((x == 0) & (t > 0), "no repeat purchase but a recency above 0"),
        ((x > 0) & (t == 0), "repeat purchases at the very time of the first: merge purchases of one period"),
        (weight < 0, "a negative weight"),
    ):
        if wrong.any():
            columns = dict(zip(_HISTORY, (x, t / per_day, age / per_day), strict=True))
            raise _impossible(words, pl.DataFrame(columns).filter(pl.Series(wrong)))


def _numbers(
    x: Floats | Codes, t: Floats | Codes, age: Floats | Codes, weight: Floats
) -> tuple[tuple[NDArray[np.bool_], str], ...]:
    finite = np.isfinite(x) & np.isfinite(t) & np.isfinite(age) & np.isfinite(weight)
    return (
        (~finite, "a missing or infinite value"),
        ((x < 0) | (x != np.floor(x)), "a frequency that is not a whole number of repeat purchases"),
        (t < 0, "a negative recency"),
    )


def _impossible(words: str, bad: pl.DataFrame) -> OptionError:
    return OptionError(
        f"{bad.height:,} distinct histories hold {words}; the first is "
        f"frequency, recency, T = {bad.select(_HISTORY).row(0)}.",
        "Expected histories as clv.summarise makes them: 0 <= recency <= T.",
        "Make the summary with clv.summarise, or mend these rows.",
    )


def time_unit_of(summary: pl.DataFrame | pl.LazyFrame) -> str | None:
    """Give the unit of time that a summary carries in its column `time_unit`, if it does."""
    if isinstance(summary, pl.LazyFrame):
        if "time_unit" not in summary.collect_schema().names():
            return None
        summary = summary.select("time_unit").collect()
    if "time_unit" not in summary.columns or summary.is_empty():
        return None
    column = summary["time_unit"]
    first: str | None = column[0]
    if column.null_count() == (0 if first is not None else len(column)) and (column == first).all():
        return None if first is None else str(first)
    raise OptionError(
        f"The summary mixes units of time: {sorted(map(str, column.unique().to_list()))}.",
        "Expected one unit.",
    )
