"""Controls kept in the address, and what they can offer: the attributes of customers and of their contracts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

import polars as pl
import streamlit as st

from crm_analytics.errors import OptionError
from crm_analytics.extracts.base import LazyTables
from crm_analytics.extracts.recognising.question_pairs import paired_columns
from crm_analytics.results import Result
from shared import blocks, cache, kpi, tables
from shared.cache import Opened
from shared.filters import Seen
from shared.words import counted, heading, listed, plain

V = TypeVar("V")

_MOST_VALUES: Final = 200
_MOST_ROWS: Final = 5000
_NO_GROUPS: Final = ("customer_id", "order_id", "case_id", "name", "comment")


def choice(label: str, options: Mapping[V, str], key: str, words: str | None = None) -> V:
    """Offer a choice; the address holds its words."""
    chosen: V = st.selectbox(
        label, list(options), format_func=options.__getitem__, key=key, help=words, bind="query-params"
    )
    return chosen


def number(
    label: str, key: str, low: int, high: int, words: str | None = None, usual: int | None = None
) -> int | None:
    """Offer a whole number; none unless one is usual."""
    given: int | None = st.number_input(
        label, low, high, usual, 1, key=key, help=words, placeholder="Usual", bind="query-params"
    )
    return given


def switch(label: str, key: str, words: str | None = None) -> bool:
    """Offer yes or no."""
    return st.toggle(label, key=key, help=words, bind="query-params")


def segmented(label: str, options: Mapping[str, str], key: str) -> str:
    """Offer a few things of which one is shown."""
    chosen: str = st.segmented_control(
        label, list(options), default=next(iter(options)), required=True, key=key, bind="query-params",
        format_func=options.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    return chosen


@contextmanager
def worded(labels: Mapping[str, str]) -> Iterator[None]:
    """Name options in an error as the page does, not as the library."""
    try:
        yield
    except OptionError as error:
        name, _, rest = error.found.partition("=")
        if name not in labels:
            raise
        found = f"“{labels[name]}”: {rest}"
        raise OptionError(found, error.expected, error.remedy or "Change it under Options.") from error


def reset(usual: Mapping[str, Any]) -> None:
    """Set options back to what is usual."""
    for key, value in usual.items():
        if key in st.session_state:
            st.session_state[key] = value


def attributes(of: Opened, *names: str) -> dict[str, str]:
    """Give the columns by which customers can be divided, in words: those with a few values, of each table there is."""
    return cache.remember(of, f"attributes|{names}", lambda: _attributes(of, names))


def _attributes(of: Opened, names: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        if of.base.has(name):
            for column in _few_valued(of.base.table(name).frame):
                found.setdefault(column, heading(column))
    return found


def _few_valued(frame: pl.LazyFrame) -> list[str]:
    kinds = (pl.String, pl.Boolean, pl.Categorical, pl.Enum)
    schema = frame.collect_schema()
    none = {*_NO_GROUPS, *paired_columns(schema.names())}
    columns = [c for c, kind in schema.items() if c not in none and isinstance(kind, kinds)]
    if not columns:
        return []
    counts = frame.select(pl.col(columns).drop_nulls().n_unique()).collect().row(0)
    return [c for c, n in zip(columns, counts, strict=True) if 1 < n <= _MOST_VALUES]


def tiles(row: Mapping[str, Any], result: Result, names: Sequence[str], n: int | None = None) -> None:
    """Show figures of a row with their interval, and of how many customers they are."""
    kpi.spanned(row, result, names)
    if n is not None:
        st.caption(f"n = {counted(n, 'customer')}. Intervals are 95% intervals.")


def pictures(of: Opened, result: Result, names: Sequence[str]) -> None:
    """Draw the views that the result has, two beside each other; one alone has the whole width."""
    there = [name for name in names if name in blocks.views(result)]
    for pair in (there[i : i + 2] for i in range(0, len(there), 2)):
        for place, name in zip(st.columns(len(pair), gap="medium"), pair, strict=True):
            with place:
                blocks.picture(of, result, name, within=within(result))


def within(result: Result) -> str:
    """Name the options that a result was made with."""
    return str(sorted(result.parameters.items(), key=str))


def summary(result: Result, key: str) -> None:
    """Show the short table of a result."""
    blocks.summary(result, alt=f"In short: {plain(result.title)}", key=key)


def shown_table(result: Result, name: str, label: str, icon: str) -> None:
    """Offer a further table of a result: what is closed is not sent to the browser."""
    frame = result.tables().get(name)
    if frame is None or frame.is_empty():
        return
    key = f"{result.analysis}_{name}"
    opened = st.expander(label, icon=icon, key=f"{key}_more", on_change="rerun")
    if opened.open:
        with opened:
            if frame.height > _MOST_ROWS:
                st.caption(f"The first {_MOST_ROWS:,} of {frame.height:,} rows; the downloads have all.")
            tables.show(frame.head(_MOST_ROWS), result.terms, result.currency, alt=label, key=key)
            blocks.download_table(frame, result.terms, result.currency, name=blocks.slug(label), key=key)


def listing(
    seen: Seen, frame: pl.DataFrame, result: Result, name: str, key: str, shown: Sequence[str]
) -> None:
    """List customers, those of the segments chosen; the downloads have every column."""
    kept = seen.of_segments(frame)
    if kept.height < frame.height:
        st.caption(
            f"{counted(frame.height, 'customer')} of all segments; listed are those of {plain(listed(list(seen.filters.segments)))}."
        )
    if kept.is_empty():
        st.info("Nobody is in this list.", icon=":material/person_off:")
        return
    blocks.people(seen.opened, kept, result, name=name, key=key, shown=shown)


def of_all_segments(seen: Seen) -> None:
    """Say that the filter by segment narrows lists alone."""
    if seen.filters.segments:
        st.caption(
            "Figures and pictures are of all segments: a segment is made by who stayed, so its retention says nothing. "
            "Lists of customers show the segment alone."
        )


def of_contracts(seen: Seen) -> None:
    """Say which filters contracts cannot follow, because they lack the column."""
    base, filters = seen.before_segments.base, seen.filters
    known = {
        c
        for t in ("subscriptions", "customers")
        if base.has(t)
        for c in base.table(t).frame.collect_schema().names()
    }
    not_followed = [
        *(["channel"] if filters.channels else []),
        *(["country"] if filters.countries and "country" not in known else []),
    ]
    if not_followed:
        st.caption(
            f":orange[:material/filter_alt_off:] The filter by {listed(not_followed)} does not apply here: contracts do not know it."
        )


def without(seen: Seen, table: str) -> Seen:
    """Give what is seen without one of its tables."""

    def less(of: Opened) -> Opened:
        kept = {name: partial(of.base.table, name) for name in of.base.tables if name != table}
        base = replace(of.base, tables=LazyTables(kept), whole=of.base.whole or of.base)
        return replace(of, base=base, key=f"{of.key}|without {table}")

    return replace(
        seen,
        opened=cache.remember(seen.opened, f"without|{table}", lambda: less(seen.opened)),
        before_segments=cache.remember(
            seen.before_segments, f"without|{table}", lambda: less(seen.before_segments)
        ),
    )
