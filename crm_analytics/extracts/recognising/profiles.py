"""What a column looks like from its values: how many are dates, numbers, ids, categories.

Taken on a sample of rows and, within it, on a few hundred different values: enough to know a column by, and quick on
any width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from crm_analytics.extracts.cells import date_periods, dates, numbers
from crm_analytics.extracts.cells.answer_words import scale_of
from crm_analytics.extracts.cells.values import FLAG_WORDS, as_text, clean_text

_SAMPLE_ROWS: Final = 20_000
_READABLE: Final = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Categorical, pl.Enum, pl.Null)
_DIFFERENT: Final = 300
_MOSTLY: Final = 0.9
_FEW: Final = 60
_RARELY: Final = 0.02
_MANY: Final = 20
_HALF: Final = 0.5
_SMALL: Final = 100_000
_CODED: Final = 14
"""Answers from 0 to 10, and codes such as 99 for none."""

_SCALE: Final = 11
"""Points of the longest scale, as many as answers in words can have."""


@dataclass(frozen=True)
class Profile:
    """A column as its values show it; shares are of the different values looked at."""

    heading: str
    position: int
    dtype: pl.DataType
    n: int
    n_present: int
    n_unique: int
    examples: tuple[str, ...]
    date_share: float
    weak_date_share: float
    number_share: float
    whole_share: float
    cents_share: float
    padded_share: float
    flag_share: float
    in_words: bool
    length: float
    low: float | None
    high: float | None

    @property
    def repeats(self) -> float:
        """Share of present values that repeat an earlier one."""
        return 1 - self.n_unique / self.n_present if self.n_present else 0.0

    @property
    def is_number(self) -> bool:
        """Nearly all values are numbers."""
        return self.number_share >= _MOSTLY

    @property
    def is_whole(self) -> bool:
        """Nearly all values are whole numbers."""
        return self.is_number and self.whole_share >= _MOSTLY


def sample_of(frame: pl.DataFrame, headings: list[str]) -> pl.DataFrame:
    """Take rows to know the columns by: the first half in a row, the rest from all over the table."""
    columns = frame.select(h for h in headings if readable(frame.schema[h]))
    if columns.height <= _SAMPLE_ROWS:
        return columns
    step = columns.height // (_SAMPLE_ROWS // 2)
    return pl.concat([columns.head(_SAMPLE_ROWS // 2), columns.gather_every(step)])


def readable(dtype: pl.DataType) -> bool:
    """Say whether a column of this type can hold anything a table needs; lists, bytes and durations cannot.

    >>> readable(pl.String()), readable(pl.List(pl.Int64()))
    (True, False)
    """
    return dtype.is_numeric() or dtype in _READABLE


def profiles(sample: pl.DataFrame) -> list[Profile]:
    """Look at each column of a sample of rows."""
    return [_profile(sample[h], h, i) for i, h in enumerate(sample.columns)]


def _profile(column: pl.Series, heading: str, position: int) -> Profile:
    frame = column.alias("x").to_frame()
    cleaned = frame.select(clean_text(as_text(pl.col("x"), column.dtype)).alias("x"))["x"].drop_nulls()
    different = cleaned.unique(maintain_order=True)
    values = different.head(_DIFFERENT)
    read = _as_numbers(values, column.dtype)
    return Profile(
        heading=heading,
        position=position,
        dtype=column.dtype,
        n=len(column),
        n_present=len(cleaned),
        n_unique=len(different),
        examples=tuple(values.head(3).to_list()),
        date_share=_dates(values, column.dtype),
        weak_date_share=_share(
            values.str.contains(dates.PATTERNS["serial"])
            | values.str.contains(dates.PATTERNS["epoch"])
            | date_periods.found(values)
        ),
        number_share=len(read) / len(values) if len(values) else 0.0,
        whole_share=_share(read == read.round()),
        cents_share=_share(values.str.contains(r"\d[.,]\d{2}(?:\D*)$")),
        padded_share=_share(values.str.contains(r"^0\d+$")),
        flag_share=_share(values.str.to_lowercase().is_in(list(FLAG_WORDS))),
        in_words=_in_words(different),
        length=float(values.str.len_chars().mean() or 0.0),  # type: ignore[arg-type]
        low=_bound(read.min()),
        high=_bound(read.max()),
    )


def _in_words(different: pl.Series) -> bool:
    """Say whether all values are answers of one scale in words, such as very satisfied."""
    return 1 < len(different) <= _SCALE and scale_of(different.to_list()) is not None


def _share(hits: pl.Series) -> float:
    return float(hits.sum()) / len(hits) if len(hits) else 0.0


def _bound(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _as_numbers(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    if dtype.is_temporal() or dtype == pl.Boolean():
        return pl.Series([], dtype=pl.Float64)
    style = numbers.decide(values)
    read = values.to_frame("x").select(numbers.number_expr(pl.col("x"), pl.String(), style).alias("x"))["x"]
    return read.filter(read.is_finite())


def _dates(values: pl.Series, dtype: pl.DataType) -> float:
    if dtype in (pl.Date, pl.Datetime):
        return 1.0
    if values.is_empty():
        return 0.0
    style = dates.decide(values)
    if not set(style.patterns) - dates.WEAK:
        return 0.0
    read = values.to_frame("x").select(dates.date_expr(pl.col("x"), pl.String(), style, None).alias("x"))["x"]
    return 1 - read.null_count() / len(values)


def content_score(  # noqa: PLR0911 one return per kind
    profile: Profile, column: str, kind: str, *, key: bool = False
) -> tuple[float, str]:
    """Say how well a column's values fit a canonical column, 0 to 1, and why.

    Parameters
    ----------
    kind
        The canonical column's kind, see `tables.Kind`.
    key
        The column identifies the rows of its table, so its values must differ.
    """
    if not profile.n_present:
        return 0.0, "it is empty"
    match kind:
        case "instant" | "day":
            return _date_content(profile)
        case "id":
            return _id_content(profile, column, key=key)
        case "money" | "number":
            return _money_content(profile)
        case "count":
            return _count_content(profile)
        case "rating":
            return _rating_content(profile, column)
        case "flag" if column == "discount":  # an amount, a share, a code or a yes: told by its heading
            return (
                (0.6, "amounts, shares, codes or yes")
                if profile.date_share <= _HALF
                else (0.0, "its values are dates")
            )
        case "flag":
            return (
                (0.9, "its values are yes and no")
                if profile.flag_share == 1
                else (0.0, "its values are not yes and no")
            )
        case "category":
            return _category_content(profile)
        case _:
            return (0.2, "its values are numbers") if profile.is_number else (0.7, "its values are text")


def _date_content(profile: Profile) -> tuple[float, str]:
    if profile.date_share > 0:
        return profile.date_share, f"{profile.date_share:.0%} of its values read as dates"
    if profile.weak_date_share >= _MOSTLY:
        return 0.5, "its values can be day numbers, seconds since 1970 or whole months"
    return 0.0, "its values do not read as dates"


def _id_content(profile: Profile, column: str, *, key: bool) -> tuple[float, str]:  # noqa: PLR0911 one return per finding
    if profile.date_share > _MOSTLY and not profile.is_whole:
        return 0.0, "its values are dates"
    if profile.date_share > _MOSTLY and profile.length == 8:  # noqa: PLR2004 yyyymmdd
        return 0.1, "its values read as dates"
    if profile.is_number and (profile.whole_share < _MOSTLY or (profile.low or 0) < 0):
        return 0.0, "its values are numbers with decimals"
    if profile.length > 60:  # noqa: PLR2004 ids are short, texts are long
        return 0.1, "its values are long texts"
    if key:
        return (1.0, "each value occurs once") if profile.repeats < _RARELY else (0.3, "its values repeat")
    score = 0.9 if profile.padded_share > 0 or not profile.is_number or _looks_numbered(profile) else 0.75
    if column == "customer_id":
        if profile.n_unique == 1 and profile.n_present >= _MANY:
            return 0.1, "one value throughout"
        score *= (
            1.0
            if profile.repeats > _RARELY and profile.n_unique > min(_FEW, profile.n_present * 0.01)
            else 0.6
        )
        return score, f"{_different(profile.n_unique)}, {profile.repeats:.0%} repeat"
    return score, "its values look like ids"


def _looks_numbered(profile: Profile) -> bool:
    return profile.is_whole and (profile.high or 0) >= profile.n_unique * 0.5 and (profile.high or 0) > _FEW


def _money_content(profile: Profile) -> tuple[float, str]:
    if profile.padded_share > _MOSTLY or profile.number_share < _HALF:
        return 0.0, "its values are not amounts"
    if not profile.is_number:
        return 0.3, "some values are not numbers"
    if profile.dtype.is_float() and profile.whole_share < _MOSTLY:
        return 0.9, "its values are numbers with decimals"
    return 0.5 + 0.5 * profile.cents_share, f"{profile.cents_share:.0%} of its values have two decimals"


def _count_content(profile: Profile) -> tuple[float, str]:
    if profile.is_whole and profile.padded_share == 0:
        return (
            (0.9, "its values are small whole numbers")
            if (profile.high or 0) < _SMALL
            else (0.4, "its values are whole numbers")
        )
    return (0.5, "its values are numbers") if profile.is_number else (0.0, "its values are not numbers")


def _rating_content(profile: Profile, column: str) -> tuple[float, str]:
    most = 10 if column == "nps" else 100
    if profile.is_number and (profile.low or 0) >= 0 and (profile.high or 0) <= most:
        return 0.9, f"its values lie between {profile.low:g} and {profile.high:g}"
    if column == "nps" and profile.is_whole and profile.n_unique <= _CODED:
        return 0.5, "its values are few whole numbers, some of them beyond 10"
    if profile.in_words and column != "weight":
        return 0.6, "its values are answers in words"
    return 0.0, "its values are not ratings"


def _category_content(profile: Profile) -> tuple[float, str]:
    if profile.date_share > _MOSTLY:
        return 0.0, "its values are dates"
    if profile.is_number and profile.whole_share < _MOSTLY:
        return 0.0, "its values are numbers with decimals"
    few = profile.n_unique <= max(_FEW, 0.05 * profile.n_present)
    return (0.9 if few else 0.3), _different(profile.n_unique)


def _different(n: int) -> str:
    return "one value throughout" if n == 1 else f"{n:,} different values"
