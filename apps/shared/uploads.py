"""Files a visitor brings: read apart from the server's process, kept in the visitor's session, corrected by hand.

A file's name is shown and never used as a path; what the file is, its bytes say. The temporary copy is gone as soon as
the file has been read.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

import streamlit as st
from streamlit.typing import UploadedFile

import crm_analytics as crm
from crm_analytics.charts.text import shortened
from crm_analytics.errors import CrmError, SourceError
from crm_analytics.extracts.base import table_named
from crm_analytics.extracts.door import Options, check_in
from crm_analytics.extracts.raw import RawTable
from crm_analytics.extracts.sources.any_source import read_raw
from crm_analytics.extracts.sources.file_kinds import sniff
from crm_analytics.extracts.suggest import Suggestion, suggest_raw, to_toml
from crm_analytics.tables import TABLES
from shared import cache, filters

_KEPT: Final = "brought"
_REFUSED: Final = "refused"
_DATABASES: Final = ("sqlite", "duckdb")


@dataclass(frozen=True, eq=False)
class Brought:
    """One file: what was read, what it seems to be, what the visitor said, and what came of the check."""

    name: str
    raw: RawTable
    seen: Suggestion
    columns: Mapping[str, str] | None = None  # None: as recognised
    extract: crm.Extract | None = None
    error: CrmError | None = None

    @property
    def headings(self) -> Mapping[str, str]:
        """The heading of each column: as the visitor said, else as recognised."""
        if self.columns is not None:
            return self.columns
        return {c.column: c.heading for c in self.seen.columns if c.heading is not None}


def kept() -> dict[str, Brought]:
    """Give the files of this session by their tokens."""
    files: dict[str, Brought] = st.session_state.setdefault(_KEPT, {})
    return files


def refused() -> list[tuple[str, CrmError]]:
    """Give the files that could not be read, and why."""
    found: list[tuple[str, CrmError]] = st.session_state.setdefault(_REFUSED, [])
    return found


def receive(files: list[UploadedFile]) -> None:
    """Read the files just uploaded and use what they hold."""
    st.session_state[_REFUSED] = []
    for file in files:
        name = shortened(file.name, 60) or "the file"
        try:
            raw = _read(file, name)
            kept()[secrets.token_hex(4)] = _checked(Brought(name, raw, _look(raw, name)))
        except CrmError as error:
            refused().append((name, error))
    use()


def correct(token: str, table: str, columns: Mapping[str, str]) -> None:
    """Take a file for this table, and just these headings for its columns."""
    file = kept()[token]
    seen = suggest_raw(file.raw, table, columns)
    kept()[token] = _checked(replace(file, seen=seen, columns=dict(columns)))
    use()


def forget() -> None:
    """Forget every file and return to the server's own data."""
    st.session_state[_KEPT], st.session_state[_REFUSED] = {}, []
    use()


def use() -> None:
    """Make a base of the files that passed the check; without orders the server's own stays in use."""
    found = {file.seen.table: file.extract for file in kept().values() if file.extract is not None}
    filters.reset()
    if "transactions" in found:
        orders = found["transactions"]
        base = crm.CustomerBase(name=orders.source, currency=orders.currency, tables=found)
        cache.bring(base, f"own-{secrets.token_hex(8)}")
    else:
        cache.give_back()


def settings() -> str:
    """Write a crm.toml that opens the files as they are used here, to be put beside them."""
    used = {f.seen.table: replace(f.seen, place=f.name) for f in kept().values() if f.extract is not None}
    return to_toml(list(used.values()))


def _read(file: UploadedFile, name: str) -> RawTable:
    with tempfile.TemporaryDirectory(prefix="crm-analytics-upload-") as folder:
        place = Path(folder) / "upload"
        place.write_bytes(file.getbuffer())
        if sniff(place) in _DATABASES:
            raise SourceError(
                f"{name} is a database.",
                "A CSV, Excel or Parquet file was expected.",
                "Export its tables, or start the dashboards on it: it is then read where it lies.",
            )
        return read_raw(place, isolate=True, label=name)


def _look(raw: RawTable, name: str) -> Suggestion:
    """Say what a file seems to be; where neither its columns nor its name tell, it is taken for orders."""
    named = table_named(PurePosixPath(name).stem, loosely=True)
    seen = suggest_raw(raw, named=named)
    return suggest_raw(raw, "transactions") if seen.problem is not None and named is None else seen


def _checked(file: Brought) -> Brought:
    try:
        extract = check_in(_without_unnamed(file), file.seen.table, Options(columns=file.columns))
    except CrmError as error:
        return replace(file, extract=None, error=error)
    return replace(file, extract=extract, error=None)


def _without_unnamed(file: Brought) -> RawTable:
    """Where the visitor has named the columns, leave out those of a closed table that are not named.

    They would be recognised again otherwise. An open-ended table keeps its further columns as attributes.
    """
    if file.columns is None or TABLES[file.seen.table].open_ended:
        return file.raw
    unnamed = [h for h in file.raw.headings if h not in file.columns.values()]
    return replace(file.raw, frame=file.raw.frame.drop(unnamed))
