"""A source as it came: text or typed columns under the headings found, nothing interpreted yet.

Every reader (CSV, sheet, Parquet, frame, database) ends in a `RawTable`; recognition, check and parsing begin here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from crm_analytics.extracts.text.encodings import Bytes
from crm_analytics.extracts.text.row_scan import PlainRows

ROW: Final = "__row__"
"""Name of the row-number column of a raw frame: the row's number in its file, first data row = 1."""

FILE: Final = "__file__"
"""Name of the column that says which file a row came from, present only where several files were read as one."""

_NOT_READ: Final = ("further sheets with rows", "were left out:", "files only", "could not be read")


@dataclass(frozen=True, eq=False)
class PlainText:
    """A text file without quotes whose every line has as many cells: its bytes, and where its rows lie among them.

    `frame` gives the rows of a part of its bytes as they came, numbered from one after the number given.
    """

    data: Bytes
    separator: str
    headings: tuple[str, ...]
    rows: PlainRows
    frame: Callable[[bytes, int], pl.LazyFrame]


@dataclass(frozen=True, eq=False)
class RawTable:
    """What a reader found.

    Parameters
    ----------
    frame
        `ROW` (UInt32), `FILE` where several files were read, then the columns as found, headings made unique;
        strings for text files and sheets of text, typed for Parquet, frames and databases.
    source
        A label for people: file name or database without credentials.
    kind
        "csv", "excel", "parquet", "frame", "database", or "files" where files of several kinds were read as one.
    details
        What was decided, in words: encoding, separator, heading row, sheet.
    unreadable
        Rows that could not be split into columns: `ROW`, `text`, `reason`; `FILE` too where several files were read.
    notes
        What a reader should know, e.g. a preamble that was passed over.
    n_rows
        The rows of the frame, where they were counted already.
    plain
        The text of the same rows, where it is a plain one.
    """

    frame: pl.LazyFrame
    source: str
    kind: str
    details: Mapping[str, str] = field(default_factory=dict)
    unreadable: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(
            schema={ROW: pl.UInt32(), "text": pl.String(), "reason": pl.String()}
        )
    )
    notes: tuple[str, ...] = ()
    n_rows: int | None = None
    plain: PlainText | None = None

    @property
    def cautions(self) -> tuple[str, ...]:
        """Those of the notes that say that something was not read."""
        return tuple(note for note in self.notes if any(words in note for words in _NOT_READ))

    @property
    def headings(self) -> list[str]:
        """The headings as found, without the house's own columns."""
        return [c for c in self.frame.collect_schema().names() if c not in (ROW, FILE)]
