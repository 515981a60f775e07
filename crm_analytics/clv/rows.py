"""Customer histories reduced to what a likelihood needs: distinct rows with weights, and tables over distinct values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

BLOCK: Final = 8192
"""Rows handled at once: fits the cache, and larger blocks wake threads that cost more than they bring."""

_TABLE_PAYS: Final = (
    4  # a table over distinct values pays when there are this many times fewer of them than rows
)


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
    extra: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.weight)

    def parts(self) -> list[slice]:
        """Cut the rows into blocks."""
        return [slice(i, min(i + BLOCK, len(self))) for i in range(0, len(self), BLOCK)]

    def raw(self, name: str) -> Floats:
        """Give a column per row."""
        column: Distinct = getattr(self, name)
        return column.values if column.codes is None else column.values[column.codes]

    def sample(self, n: int) -> Rows:
        """Give a systematic sample of the rows with their weights scaled up: for the first steps of a search."""
        step = len(self) / n
        pick = (np.arange(n) * step).astype(np.intp)
        weight = self.weight[pick] * (self.weight.sum() / self.weight[pick].sum())
        return _rows(self.raw("x")[pick], self.raw("t_x")[pick], self.raw("T")[pick], weight, self.scale)


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
    for name in ("frequency", "recency", "T"):
        if name not in found:
            raise ColumnError.missing(name, "summary", found)
    weight = pl.col("weight").sum() if "weight" in found else pl.len()
    grouped = (
        frame.group_by(pl.col("frequency", "recency", "T").cast(pl.Float64))
        .agg(weight=weight.cast(pl.Float64))
        .sort("frequency", "T", "recency")
        .collect()
    )
    if grouped.is_empty() or grouped["weight"].sum() == 0:
        raise NotEnoughDataError.of("customers", 0, 1)
    _possible(grouped)
    x, t, age, w = (grouped[c].to_numpy() for c in ("frequency", "recency", "T", "weight"))
    scale = float(np.average(age, weights=w)) or 1.0
    return _rows(x, t / scale, age / scale, w, scale)


def _rows(x: Floats, t: Floats, age: Floats, w: Floats, scale: float) -> Rows:
    return Rows(Distinct.of(x), Distinct.of(t), Distinct.of(age), w, scale, float(w.sum()), float(x @ w))


def _possible(rows: pl.DataFrame) -> None:
    x, t, age = pl.col("frequency"), pl.col("recency"), pl.col("T")
    for wrong, words in (
        (pl.any_horizontal(pl.all().is_null() | ~pl.all().is_finite()), "a missing or infinite value"),
        ((x < 0) | (x != x.floor()), "a frequency that is not a whole number of repeat purchases"),
        (t < 0, "a negative recency"),
        (t > age, "a recency beyond T: the last purchase would lie after the end of observation"),
        ((x == 0) & (t > 0), "no repeat purchase but a recency above 0"),
        ((x > 0) & (t == 0), "repeat purchases at the very time of the first: merge purchases of one period"),
        (pl.col("weight") < 0, "a negative weight"),
    ):
        bad = rows.filter(wrong)
        if bad.height:
            history = f"frequency, recency, T = {bad.row(0)[:3]}"
            raise OptionError(
                f"{bad.height:,} distinct histories hold {words}; the first is {history}.",
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
