"""Rows too many to be held at once, divided among files by their customers: each file can be counted on its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from weakref import finalize

import polars as pl

from crm_analytics.extracts.extract import Extract

MOST_ROWS: Final = 1 << 25
"""So many rows are counted at once in memory; more are divided."""

PART_ROWS: Final = 1 << 22
"""About so many rows lie in a part, which is what is held at once: some hundred megabytes."""

_AT_ONCE: Final = 1 << 21
"""Rows that are divided at once."""

_PART: Final = "__part__"


class Folder:
    """A temporary folder, which goes away with the last use of it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="crm_analytics_"))
        finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def parts_of(extract: Extract) -> Iterator[pl.LazyFrame] | None:
    """Give the transactions of an extract in parts of whole customers; None where all can be counted at once."""
    if extract.check.rows_kept <= MOST_ROWS:
        return None
    n_rows = int(extract.frame.select(pl.len()).collect(engine="streaming").item())
    if n_rows <= MOST_ROWS:  # filters left so many
        return None
    known = ("customer_id", "ordered_at", "amount", "order_id", "cost")
    schema = extract.frame.collect_schema()
    return parted(extract.frame.select([c for c in known if c in schema]), n_rows)


def parted(rows: pl.LazyFrame, n_rows: int) -> Iterator[pl.LazyFrame]:
    """Give the rows part by part, all of a customer in one part, in the order in which they came.

    They are written to files, of which each goes away when the next part is asked for.
    """
    folder, n_parts = Folder(), -(-n_rows // PART_ROWS)
    part = (pl.col("customer_id").hash(3) % n_parts).cast(pl.UInt32).alias(_PART)
    for at, batch in enumerate(_batches(rows)):
        divided = batch.with_columns(part).partition_by(_PART, as_dict=True, include_key=False)
        for (number,), found in divided.items():
            found.write_ipc(folder.path / f"{number}_{at:06}.arrow", compat_level=pl.CompatLevel.oldest())
    for number in range(n_parts):
        files = sorted(folder.path.glob(f"{number}_*.arrow"))
        if files:
            yield pl.scan_ipc(files)
            for file in files:
                with suppress(OSError):  # one in use goes with the folder
                    file.unlink()


def _batches(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Give the rows so many at once."""
    held: list[pl.DataFrame] = []
    for batch in rows.collect_batches(maintain_order=True, chunk_size=_AT_ONCE, engine="streaming"):
        held.append(batch)
        if sum(one.height for one in held) >= _AT_ONCE:
            yield pl.concat(held)
            held = []
    if held:
        yield pl.concat(held)
