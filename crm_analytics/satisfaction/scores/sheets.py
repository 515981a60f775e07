"""The answer sheets as the scores see them: metrics, groups, periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.aggregates.periods import Period, WeekStart, period_start, shift
from crm_analytics.aggregates.window import Window
from crm_analytics.errors import UnknownNameError
from crm_analytics.extracts.extract import Extract
from crm_analytics.satisfaction.scores.metrics import Metric

UNKNOWN: Final = "(not known)"
_CUSTOMERS: Final = "customers."
_USUAL: Final = "channel"


@dataclass(frozen=True, eq=False)
class Sheets:
    """Answer sheets in the window.

    `group` and `period` give the place of each row in `groups` and `periods`; `groups` is empty where nothing is compared.
    """

    frame: pl.DataFrame
    metrics: list[Metric]
    window: Window
    by: str | None
    groups: list[str]
    group: NDArray[np.int64]
    periods: list[date]
    period: NDArray[np.int64]
    period_name: Period
    min_answers: int

    @property
    def leading(self) -> Metric:
        """The metric of the headline and the pictures."""
        return self.metrics[0]

    def is_complete(self, place: int) -> bool:
        """Say whether a period lies wholly in the window."""
        begin = self.periods[place]
        after = self.window.start is None or begin >= self.window.start
        return after and shift(begin, 1, self.period_name) <= self.window.as_of


def groups_of(
    frame: pl.DataFrame, by: str | None, customers: Extract | None
) -> tuple[str | None, list[str], NDArray[np.int64]]:
    """Give the attribute that is compared, its values, and the place of each row among them.

    A column of the surveys, or else of the customers table ("customers.channel" where both have it); the channel of the
    surveys where nothing is named, and nothing where they have none.

    Raises
    ------
    UnknownNameError
        If there is no such column.
    """
    if by is None:
        by = _USUAL if _USUAL in frame.columns else None
    if by is None:
        return None, [], np.zeros(frame.height, np.int64)
    values = attribute(frame, by, customers).fill_null(UNKNOWN)
    names = sorted(values.unique().to_list(), key=lambda v: (v == UNKNOWN, v))
    return by, names, values.replace_strict(names, list(range(len(names))), return_dtype=pl.Int64).to_numpy()


def attribute(frame: pl.DataFrame, by: str, customers: Extract | None) -> pl.Series:
    """Look an attribute up for each row."""
    if by in frame.columns and by not in ("customer_id", "answered_at"):
        return _text(frame[by])
    plain = by.removeprefix(_CUSTOMERS)
    known = [] if customers is None else [c for c in customers.frame.collect_schema() if c != "customer_id"]
    if customers is None or plain not in known or "customer_id" not in frame.columns:
        own = [c for c in frame.columns if c not in ("customer_id", "answered_at")]
        raise UnknownNameError.of("column to compare by", by, [*own, *known])
    table = customers.frame.select("customer_id", pl.col(plain)).collect().unique("customer_id", keep="any")
    joined = frame.select("customer_id").join(
        table.select("customer_id", _text(table[plain]).alias("value")),
        on="customer_id",
        how="left",
        maintain_order="left",
    )
    return joined["value"]


def _text(values: pl.Series) -> pl.Series:
    """Write values as text; whole numbers without a point."""
    if values.dtype.is_float():
        whole = values.drop_nulls().drop_nans()
        values = values.fill_nan(None)
        if (whole == whole.round()).all():
            values = values.cast(pl.Int64)
    text = values.cast(pl.String).str.strip_chars()
    return text.set(text == "", None) if text.len() else text


def periods_of(
    frame: pl.DataFrame, period: Period, week_start: WeekStart
) -> tuple[list[date], NDArray[np.int64]]:
    """Give the periods from the first to the last answer, none left out, and the place of each row among them."""
    days = frame["answered_at"].dt.date()
    starts = {d: period_start(d, period, week_start) for d in days.unique().to_list()}
    first, last = min(starts.values()), max(starts.values())
    found = [first]
    while found[-1] < last:
        found.append(shift(found[-1], 1, period))
    place = {begin: i for i, begin in enumerate(found)}
    codes = days.replace_strict(
        list(starts), [place[b] for b in starts.values()], return_dtype=pl.Int64
    ).to_numpy()
    return found, cast("NDArray[np.int64]", codes)


def period_words(begin: date, period: Period) -> str:
    """Name a period as people do.

    >>> period_words(date(2026, 4, 1), "quarter"), period_words(date(2026, 4, 1), "month")
    ('Q2 2026', 'April 2026')
    """
    match period:
        case "quarter":
            return f"Q{(begin.month + 2) // 3} {begin.year}"
        case "month":
            return f"{begin:%B %Y}"
        case "year":
            return f"{begin.year}"
        case _:
            return f"the week of {begin.day} {begin:%b %Y}"
