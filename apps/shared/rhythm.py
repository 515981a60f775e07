"""One customer's own rhythm: the usual gap, how long the silence is against it, and what that says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from crm_analytics import formats
from crm_analytics.errors import CrmError
from crm_analytics.results import Result
from shared import kpi
from shared.filters import Seen
from shared.words import counted


def of(seen: Seen, customer: str) -> tuple[Result, dict[str, Any]] | None:
    """Give the customer's row of `repeat_purchase`, where there is one."""
    try:
        result = seen.result("repeat_purchase")
    except CrmError:  # too few orders: the page on retention says so
        return None
    rows = result.tables()["customers"].filter(pl.col("customer_id") == customer).to_dicts()
    return (result, rows[0]) if rows else None


def badge(row: Mapping[str, Any]) -> None:
    """Mark a customer who is late."""
    if row["is_late"]:
        st.badge(
            f"Late for {counted(row['late_for_days'], 'day')}",
            icon=":material/hourglass_bottom:",
            color="orange",
        )


def show(result: Result, row: Mapping[str, Any], *, with_next: bool) -> None:
    """Show gap and lateness; `with_next` adds by when the next order is expected, where nothing else on the page says it."""
    if not row["has_own_rhythm"]:
        st.caption(
            "One day with orders so far: no rhythm of the customer's own yet, so no silence is late by it."
        )
        return
    gaps = counted(row["n_occasions"] - 1, "gap")
    with st.grid(4, min_column_width=158, gap="small"):
        _tile(result, row, "typical_gap_days", [f"{gaps} so far"])
        _tile(result, row, "lapse_ratio", ["silence against the typical gap"])
        _tile(result, row, "silence_probability", ["of one who is still active"])
        _tile(result, row, "expected_next_on" if with_next else "late_on", [])


def _tile(result: Result, row: Mapping[str, Any], name: str, words: list[str]) -> None:
    term, value = result.terms[name], row[name]
    ends = [row.get(f"{name}_{end}") for end in ("lower", "upper")]
    bounds = [] if None in ends else [f"95%: {_said(ends[0], term.unit)} to {_said(ends[1], term.unit)}"]
    kpi.tile(
        formats.label(term, None),
        _said(value, term.unit),
        words=[*bounds, *words],
        definition=term.definition,
    )


def _said(value: Any, unit: Any) -> str:  # noqa: ANN401 a figure and its unit
    if value is None:
        return "not in sight"
    return formats.value(round(value) if unit == "days" else value, unit)
