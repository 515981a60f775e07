"""Text as it stands in extracts: what counts as missing, how ids and yes/no answers are written.

Everything here is a polars expression over a whole column; nothing is done row by row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import partial
from typing import Final

import polars as pl

from crm_analytics.extracts.cells.formula_guard import unguard

MISSING: Final = frozenset(
    {
        "", "null", "(null)", "\\n", "n/a", "#n/a", "na", "<na>", "nan", "nat", "none", "nil", "-", "--", "\u2013", "\u2014",
        "?", ".", "(blank)", "(leer)", "(vide)", "k.a.", "n.v.t.", "s/o", "#null!", "#ref!", "#value!", "#div/0!",
    }
)  # fmt: skip
"""Ways of writing "nothing", in lower case."""

_YES: Final = ("yes", "y", "true", "t", "1", "1.0", "ja", "j", "wahr", "oui", "o", "vrai", "si", "sí", "s", "sì",
               "vero", "verdadero", "sim", "tak", "prawda", "x", "on", "waar", "ano", "da", "kyllä")  # fmt: skip
_NO: Final = ("no", "n", "false", "f", "0", "0.0", "nein", "falsch", "non", "faux", "falso", "não", "nao", "nie",
              "fałsz", "off", "nee", "onwaar", "ne", "nej", "ei")  # fmt: skip
FLAG_WORDS: Final = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}
"""Yes and no as they are written, in lower case."""

_NOTHING: Final = rf"^(?i:{'|'.join(re.escape(m) for m in sorted(MISSING))})$"
_NOTHING_BUT_NA: Final = rf"^(?i:{'|'.join(re.escape(m) for m in sorted(MISSING - {'na'}))})$"

_TO_MEND: Final = rf"^[\s']|\s$|[;\r\n]'|^=\"|[０-９]|{_NOTHING}"  # noqa: RUF001 digits as wide as Japanese letters
"""What a text has that `clean_text` may change."""

_TEXT_MARK: Final = r"^'(\d[\d.,:/ -]*)$"
"""A number that an apostrophe makes text in a spreadsheet: '00123."""

_AS_FORMULA: Final = r'^="([^"]*)"$'
"""A text that is written as a formula so that spreadsheets keep its zeros: ="00123"."""

_NOUGHT: Final = r"^(?:[A-Za-z]{3}\b)?[^1-9\p{L}]*0[^1-9\p{L}]*(?:[A-Za-z]{3})?$"
"""An amount or share of nothing: 0.00, EUR 0, 0 %."""

FLOAT_ID: Final = r"^-?\d+\.0+$"
"""An integer that a spreadsheet or a float column has written with a decimal."""


def as_text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Write a column of any type as text."""
    return column if dtype == pl.String() else column.cast(pl.String)


def clean_text(column: pl.Expr, *, keep_na: bool = False) -> pl.Expr:
    """Trim text, make every way of writing "nothing" a null, and take off the apostrophe of our own sheets.

    Parameters
    ----------
    keep_na
        Leave "NA" alone: where countries are two letters it is Namibia.

    >>> pl.select(clean_text(pl.lit(" n/a ")).alias("x"))["x"].to_list()
    [None]
    """
    return column.map_batches(
        partial(cleaned, keep_na=keep_na), return_dtype=pl.String(), is_elementwise=True
    )


def cleaned(column: pl.Series, *, keep_na: bool = False) -> pl.Series:
    """Clean a column as `clean_text` does; look before replacing, for most have nothing to mend and looking is quick."""
    if not column.str.contains(_TO_MEND).any():
        return column
    bare = column.str.strip_chars()
    if bare.str.contains("'", literal=True).any():
        bare = unguard(bare).str.strip_chars()
        bare = bare.str.replace(_TEXT_MARK, "${1}")
    if bare.str.starts_with('="').any():
        bare = bare.str.replace(_AS_FORMULA, "${1}").str.strip_chars()
    wide = bare.str.contains("[０-９]")  # noqa: RUF001
    if wide.any():
        bare = bare.zip_with(~wide.fill_null(value=False), bare.str.normalize("NFKC"))
    nothing = bare.str.contains(_NOTHING_BUT_NA if keep_na else _NOTHING).fill_null(value=False)
    return bare.set(nothing, None) if nothing.any() else bare


def staged(frame: pl.LazyFrame, headings: Iterable[str], *, keep_na: Collection[str] = ()) -> pl.LazyFrame:
    """Clean the columns that will be read, once, so that every reading expression finds cleaned text.

    Parameters
    ----------
    keep_na
        Headings under which "NA" is a value.
    """
    schema = frame.collect_schema()
    texts = [h for h in headings if schema[h] in (pl.String, pl.Categorical, pl.Enum)]
    return frame.with_columns(
        clean_text(as_text(pl.col(h), schema[h]), keep_na=h in keep_na).alias(h) for h in texts
    )


def id_expr(column: pl.Expr, dtype: pl.DataType, *, float_text: bool) -> pl.Expr:
    """Write ids (cleaned) as text, with their leading zeros and without the ".0" of a float column.

    Parameters
    ----------
    float_text
        Every id of the column is an integer written with a decimal (17850.0).

    >>> pl.select(id_expr(pl.lit("17850.0"), pl.String(), float_text=True).alias("x"))["x"].to_list()
    ['17850']
    """
    if dtype.is_float():
        whole = pl.when(column.is_finite())
        return (
            whole.then(column.cast(pl.Int64, strict=False).cast(pl.String))
            if float_text
            else whole.then(column.cast(pl.String))
        )
    cleaned = as_text(column, dtype)
    return cleaned.str.replace(r"\.0+$", "") if float_text else cleaned


def is_float_text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Say whether every id of the column is an integer written with a decimal."""
    if dtype.is_float():
        present = column.filter(column.is_finite())
        return (present == present.round()).all() & (present.len() > 0)
    cleaned = as_text(column, dtype).drop_nulls()
    return cleaned.str.contains(FLOAT_ID).all() & (cleaned.len() > 0)


def flag_expr(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Read yes/no (cleaned text) in the usual languages; anything else is null.

    >>> pl.select(flag_expr(pl.lit("Ja"), pl.String()).alias("x"))["x"].to_list()
    [True]
    """
    if dtype == pl.Boolean():
        return column
    words = as_text(column, dtype).str.to_lowercase()
    return words.replace_strict(FLAG_WORDS, default=None, return_dtype=pl.Boolean)


def discount_expr(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Say whether anything was taken off: an amount or share other than 0, a code, or a yes; nothing written is no.

    >>> texts = pl.Series("x", ["SUMMER10", "5,00 EUR", "0.00", "no", " n/a "]).to_frame()
    >>> texts.select(discount_expr(pl.col("x"), pl.String()))["x"].to_list()
    [True, True, False, False, False]
    """
    if dtype == pl.Boolean():
        return column
    text = clean_text(as_text(column, dtype))
    said = flag_expr(text, pl.String())
    written = text.is_not_null() & ~text.str.contains(_NOUGHT)
    return pl.coalesce(said, written.fill_null(value=False))
