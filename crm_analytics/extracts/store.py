"""Where a table lies after it was read: in memory, or in a temporary file that goes away with the last use of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from weakref import finalize

import polars as pl
from polars.io.plugins import register_io_source


class Store:
    """A table in a temporary Arrow file. Every frame scanned from it holds it; with the last of them the file is deleted."""

    def __init__(self, frame: pl.LazyFrame) -> None:
        folder = tempfile.TemporaryDirectory(prefix="crm_analytics_", ignore_cleanup_errors=True)
        self.path = Path(folder.name) / "rows.arrow"
        self._cleanup = finalize(self, folder.cleanup)
        frame.sink_ipc(self.path, engine="streaming")

    def __reduce__(self) -> tuple[Callable[[pl.DataFrame], Store], tuple[pl.DataFrame]]:
        """Pickle the rows themselves: the file is not there for others, nor for later."""
        return _again, (pl.read_ipc(self.path),)

    def scan(self) -> pl.LazyFrame:
        """Give the table as a lazy frame; only the columns and rows that are asked for are read."""
        return register_io_source(self._batches, schema=pl.scan_ipc(self.path).collect_schema())

    def _batches(
        self,
        columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        frame = pl.scan_ipc(self.path)
        frame = frame if columns is None else frame.select(columns)
        frame = frame if n_rows is None else frame.head(n_rows)
        frame = frame if predicate is None else frame.filter(predicate)
        yield from frame.collect_batches(maintain_order=True, chunk_size=batch_size)


def _again(frame: pl.DataFrame) -> Store:
    return Store(frame.lazy())
