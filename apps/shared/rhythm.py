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
    with st.grid(4, min_column_width=158, gap="small"):
        _tile(result, row, "typical_gap_days", _gap_words(row))
        _tile(result, row, "lapse_ratio", [f"{counted(row['days_silent'], 'day')} without an order"])
        _tile(result, row, "silence_probability", ["of one who is still active"])
        _tile(result, row, "expected_next_on" if with_next else "late_on", [])
    if not row["has_own_rhythm"]:
        st.caption("One order so far: the gap is that of all customers, and nobody is late by it.")


def _gap_words(row: Mapping[str, Any]) -> list[str]:
    return (
        [f"{counted(row['n_occasions'] - 1, 'gap')} so far"]
        if row["has_own_rhythm"]
        else ["that of all customers"]
    )


def _tile(result: Result, row: Mapping[str, Any], name: str, words: list[str]) -> None:
    term, value = result.terms[name], row[name]
    ends = [row.get(f"{name}_{end}") for end in ("lower", "upper")]
    bounds = [] if None in ends else [f"95%: {_said(ends[0], term.unit)} to {_said(ends[1], term.unit)}"]
    kpi.tile(
        formats.label(term, None),
        _said(value, term.unit),
        words=[*bounds, *words],
        definition=term.definition,
        two_lines=True,
    )


def _said(value: Any, unit: Any) -> str:  # noqa: ANN401 a figure and its unit
    if value is None:
        return "not in sight"
    return formats.value(round(value) if unit == "days" else value, unit)
