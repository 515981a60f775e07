"""The one place where the dashboards keep what they have read and worked out.

What is read from the server's own source is shared by all sessions. What a visitor brings stays in that visitor's
session: its rows, and every result made from them, are kept in caches that no other session can reach.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import streamlit as st

import crm_analytics as crm
from crm_analytics.results import Result

T = TypeVar("T")

VARIABLE: Final = "CRM_BASE"
"""Environment variable that names what the dashboards open: a crm.toml, a folder, a file or a database URL."""

_OWN: Final = "own_base"
_LIFETIME: Final = timedelta(hours=1)  # a database shows no sign of change, so look again now and then


@dataclass(frozen=True, eq=False)
class Opened:
    """The customer base in use: `key` names this state of it in caches, `private` keeps it within the session."""

    base: crm.CustomerBase
    key: str
    private: bool = False


def opened() -> Opened:
    """Give the base in use: what the visitor brought, else what the server was started on, else the sample."""
    own: Opened | None = st.session_state.get(_OWN)
    if own is not None:
        return own
    source = os.environ.get(VARIABLE, "").strip()
    stamp = f"{source}|{_state(source)}"
    return Opened(_open(stamp, source), stamp)


def bring(base: crm.CustomerBase, key: str) -> None:
    """Use a base of the visitor's own from here on, in this session alone."""
    st.session_state[_OWN] = Opened(base, key, private=True)


def give_back() -> None:
    """Forget the visitor's own base and return to the server's."""
    st.session_state.pop(_OWN, None)
    _remember_here.clear()


def remember(of: Opened, what: str, work: Callable[[], T]) -> T:
    """Give a value worked out from a base, from memory where it was worked out before; `what` names it."""
    keep = _remember_here if of.private else _remember_for_all
    found: T = keep(f"{of.key}|{what}", work)
    return found


def result(of: Opened, name: str, **options: Any) -> Result:  # noqa: ANN401 each analysis has options of its own
    """Run an analysis on a base, as `crm.run` does."""
    return remember(of, f"{name}|{sorted(options.items())}", lambda: crm.run(name, of.base, **options))


@st.cache_resource(max_entries=8, ttl=_LIFETIME, show_spinner="Reading the data …")
def _open(stamp: str, _source: str) -> crm.CustomerBase:  # noqa: ARG001 the key
    return crm.open(_source) if _source else crm.sample()


@st.cache_resource(max_entries=96, ttl=_LIFETIME, show_spinner=False)
def _remember_for_all(name: str, _work: Callable[[], Any]) -> Any:  # noqa: ANN401, ARG001 name is the key
    return _work()


@st.cache_resource(max_entries=48, scope="session", show_spinner=False)
def _remember_here(name: str, _work: Callable[[], Any]) -> Any:  # noqa: ANN401, ARG001 name is the key
    return _work()


def _state(source: str) -> str:
    """Say in which state a source on disk is: paths, times and sizes of its files; nothing for a database."""
    place = Path(source) if source and "://" not in source else None
    if place is None or not place.exists():
        return ""
    folder = place if place.is_dir() else place.parent if place.suffix == ".toml" else None
    files = sorted(p for p in folder.iterdir() if p.is_file()) if folder else [place]
    return ";".join(f"{p.name}:{(s := p.stat()).st_mtime_ns}:{s.st_size}" for p in files)
