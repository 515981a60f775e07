"""Where a table lies after it was read: in memory, or in a temporary file that goes away with the last use of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import finalize

import polars as pl
from polars.io.plugins import register_io_source


class Store:
    """A table in a temporary folder of Arrow files. Every frame scanned from it holds it; with the last of them it is deleted."""

    def __init__(self, frame: pl.LazyFrame | Iterable[pl.DataFrame]) -> None:
        """Write a frame, or frames of the same columns one after the other (there must be one)."""
        folder = tempfile.TemporaryDirectory(prefix="crm_analytics_", ignore_cleanup_errors=True)
        self.path = Path(folder.name)
        self._cleanup = finalize(self, folder.cleanup)
        with self._or_nothing():
            if isinstance(frame, pl.LazyFrame):
                frame.sink_ipc(self.path / "0.arrow", engine="streaming")
            else:
                self._write(frame)

    def _write(self, frames: Iterable[pl.DataFrame]) -> None:
        for number, frame in enumerate(frames):
            frame.write_ipc(self.path / f"{number}.arrow")

    @contextmanager
    def _or_nothing(self) -> Iterator[None]:
        """Leave nothing behind where writing fails."""
        try:
            yield
        except BaseException:
            self._cleanup()
            raise

    @property
    def _files(self) -> list[Path]:
        return sorted(self.path.iterdir(), key=lambda file: int(file.stem))

    def __reduce__(self) -> tuple[Callable[[pl.DataFrame], Store], tuple[pl.DataFrame]]:
        """Pickle the rows themselves: the files are not there for others, nor for later."""
        return _again, (pl.concat([pl.read_ipc(file) for file in self._files]),)

    def scan(self) -> pl.LazyFrame:
        """Give the table as a lazy frame; only the columns and rows that are asked for are read."""
        return register_io_source(self._batches, schema=pl.scan_ipc(self._files).collect_schema())

    def _batches(
        self,
        columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        frame = pl.scan_ipc(self._files)
        frame = frame if columns is None else frame.select(columns)
        frame = frame if n_rows is None else frame.head(n_rows)
        frame = frame if predicate is None else frame.filter(predicate)
        yield from frame.collect_batches(maintain_order=True, chunk_size=batch_size)


def _again(frame: pl.DataFrame) -> Store:
    return Store(frame.lazy())
