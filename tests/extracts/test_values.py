"""Missing values, ids, yes and no."""

from __future__ import annotations

import polars as pl
import pytest

from crm_analytics.extracts.cells.values import clean_text, flag_expr, id_expr, is_float_text, staged


def of(values, expression, dtype=None):
    return pl.DataFrame({"x": pl.Series(values, dtype=dtype)}).select(expression.alias("x"))["x"].to_list()


def test_ways_of_writing_nothing():
    nothing = ["", "  ", "NULL", "N/A", "nan", "None", "-", "NaT", "#N/A", "\u2013", "\\N", None]
    assert of(nothing, clean_text(pl.col("x")), pl.String) == [None] * len(nothing)
    assert of([" a ", "\u00a0b", "0", "Nano"], clean_text(pl.col("x"))) == ["a", "b", "0", "Nano"]


def test_namibia_is_a_country():
    frame = pl.LazyFrame({"c": ["NA", "DE", "null"], "o": ["NA", "x", "y"]})
    assert staged(frame, ["c", "o"], keep_na=["c"]).collect().rows() == [
        ("NA", None),
        ("DE", "x"),
        (None, "y"),
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["17850.0", "13047.0", None], ["17850", "13047", None]),
        (["17850.0", "A1.0"], ["17850.0", "A1.0"]),
        (["007", "010"], ["007", "010"]),
        ([7, 8, None], ["7", "8", None]),
        ([17850.0, float("nan"), None], ["17850", None, None]),
        (["1.5", "2.0"], ["1.5", "2.0"]),
    ],
)
def test_ids(values, expected):
    column = pl.Series("x", values)
    frame = column.to_frame()
    float_text = column.dtype.is_float() or column.dtype == pl.String
    float_text = bool(frame.select(is_float_text(pl.col("x"), column.dtype)).item()) if float_text else False
    assert (
        frame.select(id_expr(pl.col("x"), column.dtype, float_text=float_text).alias("x"))["x"].to_list()
        == expected
    )


def test_yes_and_no_in_many_languages():
    assert of(["ja", "Oui", "sí", "TAK", "1", "wahr"], flag_expr(pl.col("x"), pl.String())) == [True] * 6
    assert of(["nein", "non", "No", "nie", "0", "falsch"], flag_expr(pl.col("x"), pl.String())) == [False] * 6
    assert of(["maybe"], flag_expr(pl.col("x"), pl.String())) == [None]
    assert of([1, 0, None], flag_expr(pl.col("x"), pl.Int64())) == [True, False, None]
    assert of([True, None], flag_expr(pl.col("x"), pl.Boolean())) == [True, None]
