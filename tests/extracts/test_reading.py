"""A column read as it came is the column that was cleaned first."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.extracts.cells.dates import DateStyle, date_expr
from crm_analytics.extracts.cells.numbers import NumberStyle, number_expr
from crm_analytics.extracts.cells.reading import UNREAD, VALUE, Reading
from crm_analytics.extracts.cells.values import clean_text, flag_expr

TEXT = pl.String()
NUMBER = Reading("x", number_expr(pl.col("x"), TEXT, NumberStyle()), pl.Float64())
DAY = DateStyle(("ymd",), fast="%Y-%m-%d")
DATE = Reading("x", date_expr(pl.col("x"), TEXT, DAY, None), pl.Datetime("us"))
FLAG = Reading("x", flag_expr(pl.col("x"), TEXT), pl.Boolean())
WORD = Reading("x", pl.col("x"), TEXT)

values = st.lists(
    st.sampled_from(
        [
            "1.5",
            " 2",
            "nan",
            "n/a",
            "-",
            "inf",
            "x",
            "",
            None,
            "2024-01-05",
            " 2024-02-30",
            "yes",
            "'=1",
            "NA",
        ]
    )
)


@pytest.mark.parametrize("reading", [NUMBER, DATE, FLAG, WORD], ids=["number", "date", "flag", "word"])
@given(values)
def test_reading_batches_gives_what_cleaning_first_gives(reading, values):
    frame = pl.DataFrame({"x": pl.Series(values, dtype=TEXT)})
    bare = frame.select(clean_text(pl.col("x")))
    expected = bare.select(reading.value.cast(reading.dtype).alias(VALUE)).to_series()
    got = frame.select(reading.expression(TEXT).alias("read"))["read"]
    if reading.is_text:
        assert got.to_list() == expected.to_list()
        return
    assert got.struct.field(VALUE).equals(expected, null_equal=True)
    assert got.struct.field(UNREAD).to_list() == (bare["x"].is_not_null() & expected.is_null()).to_list()


def test_na_is_namibia_where_it_is_said():
    frame = pl.DataFrame({"x": ["NA", " NA", "n/a"]})
    assert frame.select(WORD.expression(TEXT))["x"].to_list() == [None] * 3
    kept = Reading("x", pl.col("x"), TEXT, keep_na=True)
    assert frame.select(kept.expression(TEXT))["x"].to_list() == ["NA", "NA", None]


def test_a_clean_batch_is_read_as_it_stands():
    read = DATE.read(pl.Series(["2024-01-05", None]))
    assert read.to_list() == [{VALUE: datetime(2024, 1, 5), UNREAD: False}, {VALUE: None, UNREAD: False}]
