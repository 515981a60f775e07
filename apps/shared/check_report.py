"""The check of a table, as a person reads it: what came in, what was kept, what was set aside and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl
import streamlit as st

import crm_analytics as crm
from crm_analytics import formats
from crm_analytics.errors import CrmError
from crm_analytics.extracts.extract import Check, Finding
from crm_analytics.tables import TABLES
from crm_analytics.terms import Term, by_name
from shared import blocks, tables
from shared.words import counted, heading, plain

TERMS: Final[Mapping[str, Term]] = by_name(
    Term("what", "Rows", "text", "Rows read, kept, and set aside by reason."),
    Term("rows", "Count", "count", "How many rows."),
    Term("share", "Share", "share", "Share of the rows read."),
    Term("amount", "Amount", "money", "Sum of the amounts of these rows, where they can be read."),
    Term("column", "Meaning", "text", "The column as the analyses know it."),
    Term("heading", "Heading in the file", "text", "The heading taken for it."),
    Term("confidence", "Confidence", "share", "How sure the recognition is; 100% where you named it."),
    Term("reasons", "Why", "text", "What speaks for it."),
    Term("__row__", "Row", "count", "Number of the row in the file; the first row of data is 1."),
    Term("reason", "Reason", "text", "Why the row was set aside."),
    Term("table", "Table", "text", "What the rows are."),
    Term("source", "Source", "text", "Where the rows came from."),
    Term("rows_kept", "Rows kept", "count", "Rows that passed the check."),
    Term("rows_rejected", "Set aside", "count", "Rows that did not pass."),
    Term("first_on", "First row", "day", "Day of the first row kept."),
    Term("last_on", "Last row", "day", "Day of the last row kept."),
)
"""Words of the check report."""

_MOST_SHOWN: Final = 1_000
_MARKS: Final = {
    "rejected": ":orange[:material/block:]",
    "caution": ":orange[:material/warning:]",
    "info": ":material/info:",
}


def readable(base: crm.CustomerBase) -> tuple[dict[str, crm.Extract], list[CrmError]]:
    """Read every table of a base; a table that cannot be read does not hide the others."""
    found: dict[str, crm.Extract] = {}
    faults: list[CrmError] = []
    for name in base.tables:
        try:
            found[name] = base.table(name)
        except CrmError as fault:
            faults.append(fault)
    return found, faults


def freshness(extracts: Mapping[str, crm.Extract]) -> pl.DataFrame:
    """Give one row per table: where from, how many rows, up to when."""
    checks = [extract.check for extract in extracts.values()]
    return pl.DataFrame(
        {
            "table": [c.table.capitalize() for c in checks],
            "source": [c.source for c in checks],
            "rows_kept": [c.rows_kept for c in checks],
            "rows_rejected": [c.rows_rejected for c in checks],
            "first_on": [c.window_start.date() if c.window_start else None for c in checks],
            "last_on": [c.window_end.date() if c.window_end else None for c in checks],
        },
        schema_overrides={"first_on": pl.Date, "last_on": pl.Date},
    )


def show(extract: crm.Extract, key: str) -> None:
    """Show the check report of a table."""
    check = extract.check
    _figures(check, extract.currency)
    tables.show(
        _accounted(check),
        TERMS, extract.currency, alt=f"Rows of {check.source} read, kept and set aside", key=f"{key}_rows", height="content", to_the_cent=True,
    )  # fmt: skip
    told = [f for f in check.findings if f.severity != "rejected"]
    if told:
        st.markdown("  \n".join(_line(f) for f in told))
    if check.rows_rejected:
        _aside(extract, key)


def _accounted(check: Check) -> pl.DataFrame:
    """Give the rows by reason in words; without amounts where the table has none."""
    names = {c.name: heading(c.name).lower() for c in TABLES[check.table].columns if "_" in c.name}
    frame = check.to_frame().with_columns(pl.col("what").str.replace_many(names))
    frame = frame.with_columns(pl.col("what").map_elements(formats.opening, return_dtype=pl.String))
    return frame.drop("amount") if frame["amount"].null_count() == frame.height else frame


def recognised(extract: crm.Extract, key: str) -> None:
    """Show which heading was taken for which column, and why."""
    rows = [
        {
            "column": heading(r.column),
            "heading": r.heading,
            "confidence": r.confidence,
            "reasons": "; ".join(r.reasons),
        }
        for r in extract.recognition
    ]
    tables.show(
        pl.DataFrame(rows), TERMS, None, alt="Columns recognised", key=f"{key}_recognised", height="content"
    )
    unused = extract.details.get("unused")
    if unused:
        st.caption(f"Not used: {plain(unused)}")
    known = {column.name for column in TABLES[extract.table].columns} | {"unused"}
    read = [
        formats.opening(f"{name}: {words}") for name, words in extract.details.items() if name not in known
    ]
    st.caption(plain(" · ".join(read)))


def _figures(check: Check, currency: str | None) -> None:
    with st.grid(4, min_column_width=164):
        st.metric("Rows read", f"{check.rows_in:,}", border=True)
        st.metric("Rows kept", f"{check.rows_kept:,}", border=True)
        st.metric("Set aside", f"{check.rows_rejected:,}", border=True)
        if check.amount_in is not None and check.amount_kept is not None:
            st.metric("Money kept", plain(formats.money(check.amount_kept, currency)), border=True)
        elif check.n_customers is not None:
            st.metric("Customers", f"{check.n_customers:,}", border=True)


def _aside(extract: crm.Extract, key: str) -> None:
    rejected = extract.rejected
    with st.expander(f"{counted(rejected.height, 'row')} set aside, as they came", icon=":material/block:"):
        if rejected.height > _MOST_SHOWN:
            st.caption(f"The first {_MOST_SHOWN:,} are shown; the downloads have them all.")
        tables.show(rejected.head(_MOST_SHOWN), TERMS, None, alt="Rows set aside", key=f"{key}_rejected")
        blocks.download_table(rejected, {}, None, name=f"set-aside-{extract.table}", key=f"{key}_rejected")


def _line(finding: Finding) -> str:
    return f"{_MARKS[finding.severity]} {plain(formats.minus(finding.text))}"
