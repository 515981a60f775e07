"""The same customers under the definitions of other products, one beside the other."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from crm_analytics import formats
from crm_analytics.charts import cohort_parts
from crm_analytics.results import Result
from shared import controls
from shared.words import plain

_AGES: Final = (1, 3, 12)


def show(result: Result) -> None:
    """Show each definition at a few ages, with why it differs."""
    frame = result.tables().get("definitions")
    if frame is None or frame.is_empty():
        return
    st.header("The same customers by other definitions", anchor=False)
    ages = [age for age in _AGES if age in frame["period"]] or frame["period"].unique().sort().to_list()[:3]
    rows = [
        _row(result, group, ages) for _, group in frame.group_by("vendor", "definition", maintain_order=True)
    ]
    st.table(
        pl.DataFrame(rows),
        border="horizontal",
        hide_index=True,
        alt="Retention by the definitions of other products",
    )
    controls.shown_table(result, "definitions", "Every age, with intervals", ":material/grid_on:")


def _row(result: Result, group: pl.DataFrame, ages: list[int]) -> dict[str, Any]:
    rates = dict(group.select("period", "retention_rate").iter_rows())
    first = group.row(0, named=True)
    own = first["vendor"] == "crm_analytics"
    return {
        "By": "These pages" if own else plain(first["vendor"]),
        "Definition": plain(first["definition"]),
        **{cohort_parts.age_name(result, age): plain(_share(rates.get(age))) for age in ages},
        "Why it differs": plain(first["why"]) if first["why"] else "",
    }


def _share(rate: float | None) -> str:
    return formats.NOTHING if rate is None else formats.share(rate)
