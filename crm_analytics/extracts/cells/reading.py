"""Columns of text read in one go, as they came: a batch of values is mended only where it needs it.

Most values of most files are as clean as they look. So each batch is read as it stands first; where every value there can
be read nothing was to be mended, and only a batch with a value that cannot is cleaned and read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from crm_analytics.extracts.cells.values import as_text, cleaned

VALUE: Final = "value"
UNREAD: Final = "unread"


@dataclass(frozen=True, eq=False)
class Reading:
    """How a column of text becomes values: `value` reads cleaned text under its heading.

    `keep_na` leaves "NA" alone, see `values.clean_text`.
    """

    heading: str
    value: pl.Expr
    dtype: pl.DataType
    keep_na: bool = False

    def expression(self, raw: pl.DataType) -> pl.Expr:
        """Give a struct for each row: the value, and whether something stood there that could not be read.

        Of a column that stays text just the text: there is nothing that could not be read.
        """
        text = as_text(pl.col(self.heading), raw)
        if self.is_text:
            return text.map_batches(self.text, return_dtype=pl.String(), is_elementwise=True)
        fields = pl.Struct({VALUE: self.dtype, UNREAD: pl.Boolean()})
        return text.map_batches(self.read, return_dtype=fields, is_elementwise=True)

    @property
    def is_text(self) -> bool:
        """The values are text too."""
        return self.dtype == pl.String()

    def text(self, column: pl.Series) -> pl.Series:
        """Read one batch of text that stays text."""
        return self._values(cleaned(column.alias(self.heading), keep_na=self.keep_na))

    def read(self, column: pl.Series) -> pl.Series:
        """Read one batch."""
        column = column.alias(self.heading)
        found = self._values(column)
        if _is_whole(found, column):
            return _struct(found, pl.repeat(value=False, n=len(column), eager=True))
        bare = cleaned(column, keep_na=self.keep_na)
        found = self._values(bare)
        return _struct(found, bare.is_not_null() & found.is_null())

    def _values(self, column: pl.Series) -> pl.Series:
        return column.to_frame().select(self.value.cast(self.dtype).alias(VALUE)).to_series()


def _is_whole(found: pl.Series, column: pl.Series) -> bool:
    """Tell whether everything that stands in a column was read; "nan" is nothing, though it reads as a number."""
    if found.null_count() != column.null_count():
        return False
    return not (found.dtype.is_float() and bool(found.is_nan().any()))


def _struct(found: pl.Series, unread: pl.Series) -> pl.Series:
    return pl.DataFrame([found, unread.alias(UNREAD)]).to_struct("")
