"""Values of an attribute as the names of groups of customers."""

from __future__ import annotations

import polars as pl


def group_names(column: str, dtype: pl.DataType, *, unknown: str, said: str | None = None) -> pl.Expr:
    """Name the group of each value: text as it is, a flag with its column ("discount: yes"), nothing as `unknown`.

    Parameters
    ----------
    column, dtype
        The column, and its type in the frame.
    unknown
        The group of those of whom the value is not known.
    said
        What the column is called to people, where that is another name.

    >>> frame = pl.DataFrame({"consent": [True, False, None]})
    >>> frame.select(group_names("consent", frame.schema["consent"], unknown="?")).to_series().to_list()
    ['consent: yes', 'consent: no', '?']
    """
    value = pl.col(column)
    if dtype == pl.Boolean():
        name = said or column
        value = pl.when(value.is_not_null()).then(
            pl.when(value).then(pl.lit(f"{name}: yes")).otherwise(pl.lit(f"{name}: no"))
        )
    return value.cast(pl.String).fill_null(unknown).alias(column)
