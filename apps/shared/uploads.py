"""Files a visitor brings: read apart from the server's process, kept in the visitor's session, corrected by hand.

A file's name is shown and never used as a path; what the file is, its bytes say. The temporary copy is gone as soon as
the file has been read.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.typing import UploadedFile

import crm_analytics as crm
from crm_analytics.charts.text import shortened
from crm_analytics.errors import CrmError, SourceError
from crm_analytics.extracts.door import Options, check_in, sample_of
from crm_analytics.extracts.extract import Recognised
from crm_analytics.extracts.file_kinds import sniff
from crm_analytics.extracts.profiles import Profile, profiles
from crm_analytics.extracts.raw import RawTable
from crm_analytics.extracts.recognise import missing_error, recognise
from crm_analytics.extracts.sources import read_raw
from crm_analytics.tables import TABLES
from shared import cache, filters

_KEPT: Final = "brought"
_REFUSED: Final = "refused"
_DATABASES: Final = ("sqlite", "duckdb")
_LOOK_AT: Final = 50_000


@dataclass(frozen=True, eq=False)
class Brought:
    """One file: what was read, which table it is taken for, and what came of the check."""

    name: str
    raw: RawTable
    table: str
    columns: Mapping[str, str] | None = None  # None: as recognised
    extract: crm.Extract | None = None
    error: CrmError | None = None


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
        try:
            raw = _read(file)
            kept()[secrets.token_hex(4)] = _checked(Brought(_shown(file.name), raw, guess(raw)))
        except CrmError as error:
            refused().append((_shown(file.name), error))
    use()


def correct(token: str, table: str, columns: Mapping[str, str]) -> None:
    """Take a file for this table, and just these headings for its columns."""
    kept()[token] = _checked(replace(kept()[token], table=table, columns=dict(columns)))
    use()


def remove(token: str) -> None:
    """Forget a file."""
    kept().pop(token, None)
    use()


def forget() -> None:
    """Forget every file and return to the server's own data."""
    st.session_state[_KEPT], st.session_state[_REFUSED] = {}, []
    use()


def use() -> None:
    """Make a base of the files that passed the check; without orders the server's own stays in use."""
    tables = {b.table: b.extract for b in kept().values() if b.extract is not None}
    filters.reset()
    if "transactions" in tables:
        cache.bring(_base(tables), f"own-{secrets.token_hex(8)}")
    else:
        cache.give_back()


def _read(file: UploadedFile) -> RawTable:
    with tempfile.TemporaryDirectory(prefix="crm-analytics-upload-") as folder:
        place = Path(folder) / "upload"
        place.write_bytes(file.getbuffer())
        if sniff(place) in _DATABASES:
            raise SourceError(
                f"{_shown(file.name)} is a database.",
                "A CSV, Excel or Parquet file was expected.",
                "Export its tables, or start the dashboards on it: it is then read where it lies.",
            )
        return read_raw(place, isolate=True, label=_shown(file.name))


def _shown(name: str) -> str:
    return shortened(name, 60) or "the file"


def guess(raw: RawTable) -> str:
    """Guess which table a file is: the one of whose columns it has the most, required ones among them."""
    seen = profiles(sample_of(raw.frame.head(_LOOK_AT).collect(), raw.headings))
    return max(TABLES, key=lambda name: _fit(raw, seen, name))


def recognised(brought: Brought) -> tuple[Recognised, ...]:
    """Give what is recognised in a file, also where that is not enough to use it."""
    if brought.extract is not None:
        return brought.extract.recognition
    seen = profiles(sample_of(brought.raw.frame.head(_LOOK_AT).collect(), brought.raw.headings))
    return recognise(seen, TABLES[brought.table]).columns


def _fit(raw: RawTable, seen: Sequence[Profile], name: str) -> float:
    found = recognise(seen, TABLES[name])
    if missing_error(TABLES[name], found, raw.headings):
        return 0.0
    return sum(column.confidence for column in found.columns)


def _checked(brought: Brought) -> Brought:
    try:
        extract = check_in(_without_unnamed(brought), brought.table, Options(columns=brought.columns))
    except CrmError as error:
        return replace(brought, extract=None, error=error)
    return replace(brought, extract=extract, error=None)


def _base(tables: Mapping[str, crm.Extract]) -> crm.CustomerBase:
    orders = tables["transactions"]
    return crm.CustomerBase(name=orders.source, currency=orders.currency, tables=dict(tables))


def _without_unnamed(brought: Brought) -> RawTable:
    """Where the visitor has named the columns, leave out those of a closed table that are not named.

    They would be recognised again otherwise. An open-ended table keeps its further columns as attributes.
    """
    if brought.columns is None or TABLES[brought.table].open_ended:
        return brought.raw
    unnamed = [h for h in brought.raw.headings if h not in brought.columns.values()]
    return replace(brought.raw, frame=brought.raw.frame.drop(unnamed))
