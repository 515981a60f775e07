"""Whole weeks, months and quarters where days are expected: 2024-W07, Jan-24, 2024 Q1. Each is read as its first day."""

from __future__ import annotations

from typing import Final

import polars as pl

from crm_analytics.extracts.cells.month_names import MONTHS

PATTERNS: Final = {
    "quarter": r"^(?:(?P<y>\d{4})\s?[-/.]?\s?[QqTt]|(?:[QqTt](?P<q2>[1-4])|(?P<q3>[1-4])\.?\s?(?:[Qq]u?|[Tt])\p{L}*)[-/. ']*(?P<y2>\d{4}))(?P<q>[1-4])?$",
    "month": r"^(?:(?P<y>\d{4})[-/.](?P<m>\d{1,2})|(?P<m2>\d{1,2})[-/.](?P<y2>\d{4})|(?P<w>\p{L}{3,12})\.?[-/ ']*(?P<y3>\d{4}|\d{2}))$",
    "week": r"^(?P<y>\d{4})[-/ ]?(?:[Ww]|KW|kw)\s?(?P<k>\d{1,2})$",
}
WORDS: Final = {"quarter": "whole quarters", "month": "whole months", "week": "whole weeks"}


def read(text: pl.Expr, name: str) -> pl.Expr:
    """Give the first day of each period as Datetime("us"), null where the text is none.

    >>> pl.select(read(pl.lit("Q2 2024"), "quarter").alias("x"))["x"].dt.to_string("%Y-%m-%d").to_list()
    ['2024-04-01']
    """
    parts = text.str.extract_groups(PATTERNS[name]).struct
    if name == "week":
        week = parts.field("k").str.zfill(2)
        return _at(pl.format("{}-W{}-1", parts.field("y"), week), "%G-W%V-%u")
    if name == "quarter":
        quarter = pl.coalesce(parts.field("q", "q2", "q3")).cast(pl.Int32, strict=False)
        return _first(pl.coalesce(parts.field("y", "y2")), quarter * 3 - 2)
    named = parts.field("w").str.to_lowercase().replace_strict(MONTHS, default=None, return_dtype=pl.Int32)
    number = pl.coalesce(parts.field("m", "m2")).cast(pl.Int32, strict=False)
    short = parts.field("y3")
    year = pl.when(short.str.len_bytes() == 2).then(pl.lit("20") + short).otherwise(short)  # noqa: PLR2004
    return _first(pl.coalesce(*(parts.field(n) for n in ("y", "y2")), year), pl.coalesce(number, named))


def _first(year: pl.Expr, month: pl.Expr) -> pl.Expr:
    return _at(pl.format("{}-{}-01", year, month), "%Y-%m-%d")


def _at(text: pl.Expr, form: str) -> pl.Expr:
    return text.str.to_date(form, strict=False).cast(pl.Datetime("us"))


def used(values: pl.Series) -> tuple[str, ...]:
    """Give the kinds of periods that occur, the most frequent first.

    >>> used(pl.Series(["Jan-24", "Feb-24"])), used(pl.Series(["A-24"]))
    (('month',), ())
    """
    frame = values.alias("x").to_frame()
    counts = {n: frame.select(read(pl.col("x"), n).is_not_null().sum()).item() for n in PATTERNS}
    return tuple(sorted((n for n in counts if counts[n]), key=lambda n: -counts[n]))


def found(values: pl.Series) -> pl.Series:
    """Say of each value whether it is a period."""
    hits = (read(pl.col("x"), n).is_not_null() for n in PATTERNS)
    return values.alias("x").to_frame().select(pl.any_horizontal(*hits).alias("x"))["x"]
