"""Read a Parquet file: what its footer promises is checked before a row is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from crm_analytics.errors import SourceError, TooLargeError
from crm_analytics.extracts.raw import RawTable
from crm_analytics.extracts.sources.frames import tidied

MOST_CELLS: Final = 4_000_000_000
"""Rows x columns that a file may promise: 200 million rows of 20 columns."""

MOST_CELLS_HELD: Final = 200_000_000
"""The same where all of it will be held in memory: 1.6 GB of numbers."""

MOST_COLUMNS: Final = 10_000


def read_parquet(path: Path, *, label: str | None = None, most_cells: int = MOST_CELLS) -> RawTable:
    """Read a Parquet file lazily, columns typed as they are stored.

    Raises
    ------
    TooLargeError
        Its footer promises more than `most_cells` cells.
    """
    name = label or path.name
    try:
        frame = pl.scan_parquet(path, glob=False)
        columns = len(frame.collect_schema())
        rows = int(frame.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(name, error) from error
    if columns > MOST_COLUMNS or rows * columns > most_cells:
        raise TooLargeError(
            f"{name} promises {rows:,} rows of {columns:,} columns.",
            f"At most {most_cells:,} cells and {MOST_COLUMNS:,} columns are read.",
            "Keep only the columns and the years that are needed.",
        )
    return RawTable(tidied(frame), name, "parquet", {"format": "Parquet"})


def _damaged(name: str, error: Exception) -> SourceError:
    return SourceError(
        f"{name} begins like a Parquet file but cannot be read: {str(error).splitlines()[0]}",
        "A whole Parquet file was expected.",
        "Copy or export it again; it may have been cut off.",
    )
