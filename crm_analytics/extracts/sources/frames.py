"""Take a frame that is already in memory: polars, or anything that offers the Arrow stream interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from crm_analytics.errors import SourceError
from crm_analytics.extracts.raw import ROW, RawTable
from crm_analytics.extracts.recognising.layout import unique_headings

_NUMERIC_LIKE = (pl.Decimal, pl.Int128)


def is_frame(source: object) -> bool:
    """Tell whether `read_frame` takes it."""
    return isinstance(source, (pl.DataFrame, pl.LazyFrame)) or hasattr(source, "__arrow_c_stream__")


def read_frame(
    source: Any,  # noqa: ANN401 - other people's frames
    *,
    label: str = "the frame given",
    kind: str = "frame",
) -> RawTable:
    """Take a polars frame or lazy frame, or a pandas frame, pyarrow table, duckdb relation and the like.

    Columns keep their types, except that exact decimals become Float64 and categories become text. The frame
    given is not changed, and a lazy one is not collected.
    """
    frame = source if isinstance(source, pl.LazyFrame) else _held(source).lazy()
    return RawTable(tidied(frame), label, kind)


def tidied(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Give the frame with numbered rows, unique headings and no rare types."""
    schema = frame.collect_schema()
    columns = [name for name in schema.names() if name != ROW]
    place = {name: i for i, name in enumerate(schema.names())}
    # by place, because a name such as "*" would be taken for a pattern of names
    changes = [
        _usual(pl.nth(place[old]), schema[old]).alias(new)
        for old, new in zip(columns, unique_headings(columns), strict=True)
    ]
    return frame.select(changes).with_row_index(ROW, offset=1)


def stacked(frames: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Stack frames by heading; where one has text and another numbers under a heading, both become text."""
    schemas = [frame.collect_schema() for frame in frames]
    clashing = {
        name
        for schema in schemas
        for name, dtype in schema.items()
        if any(
            pl.String() in (dtype, other.get(name, dtype)) and other.get(name, dtype) != dtype
            for other in schemas
        )
    }
    texts = [
        frame.with_columns(pl.col(sorted(clashing & set(schema))).cast(pl.String))
        for frame, schema in zip(frames, schemas, strict=True)
    ]
    return pl.concat(texts, how="diagonal_relaxed")


def _usual(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, _NUMERIC_LIKE):
        return column.cast(pl.Float64)
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return column.cast(pl.String)
    if isinstance(dtype, pl.Binary):
        return column.cast(pl.String, strict=False)
    return column


def _held(source: Any) -> pl.DataFrame:  # noqa: ANN401 - other people's frames
    if isinstance(source, pl.DataFrame):
        return source
    if type(source).__module__.startswith("pandas"):
        source = _plain_pandas(source)
    try:
        frame = pl.DataFrame(source)
    except Exception as error:
        raise _not_taken(source, str(error)) from error
    return frame.select(pl.exclude("^__index_level_\\d+__$"))


def _plain_pandas(source: Any) -> Any:  # noqa: ANN401 - pandas is not imported here
    """Keep an index that has a name, such as the order's number; write columns of mixed types as text."""
    named = [name for name in source.index.names if name is not None and name not in source.columns]
    frame = source.reset_index(level=named) if named else source
    if not frame.columns.is_unique:
        return frame
    mixed = [
        c for c in frame.columns if frame[c].dtype == object and len({*map(type, frame[c].dropna())}) > 1
    ]
    return frame.astype(dict.fromkeys(mixed, "string")) if mixed else frame


def _not_taken(source: object, why: str) -> SourceError:
    return SourceError(
        f"The {type(source).__module__}.{type(source).__qualname__} given cannot be taken as a table: {_first_sentence(why)}.",
        "Columns with a name and one type each were expected.",
        "Give its columns plain types, or write it to Parquet or CSV and give the path.",
    )


def _first_sentence(why: str) -> str:
    return why.splitlines()[0].split(". ")[0].rstrip(".") if why else "its columns are of no known type"
