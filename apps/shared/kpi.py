"""Key figures as tiles: value, two changes, how sure, and the way it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import polars as pl
import streamlit as st

from crm_analytics.results import Result
from shared.words import counted, plain

Colour = Literal["normal", "inverse", "off"]


def tiles(result: Result) -> None:
    """Show each key figure of the overview as a tile."""
    periods = result.tables()[f"{result.parameters['period']}s"].filter(pl.col("is_complete"))
    with st.grid(5, min_column_width=164, gap="small") as grid:
        for row in result.tables()["figures"].iter_rows(named=True):
            with grid.cell():
                _tile(row, periods[row["figure"]].to_list())


def _tile(row: Mapping[str, Any], course: list[float | None]) -> None:
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.metric(
            plain(row["figure_label"]),
            plain(row["value_text"]),
            _delta(row, "change"),
            colour(row, "is_within_normal_variation"),
            help=plain(row["figure_definition"]),
            chart_data=course,
            chart_type="area",
            delta_description="on the period before",
        )
        st.caption(f"{plain(row['change_text'])}. Against last year: {plain(row['change_last_year_text'])}.")
        st.caption(f"n = {counted(row['n_customers'], 'customer')}")


def _delta(row: Mapping[str, Any], name: str) -> str | None:
    change = row[name]
    if change is None:
        return None
    return f"{100 * change:+.1f} points" if row["unit"] == "share" else f"{change:+.1%}"


def colour(row: Mapping[str, Any], within: str) -> Colour:
    """Give the colour of a change: good or bad news where it is beyond normal variation, else none.

    >>> colour({"good_when": "down", "is_within": False}, "is_within"), colour({"good_when": "up", "is_within": True}, "is_within")
    ('inverse', 'off')
    """
    if row[within] is not False:
        return "off"
    return "normal" if row["good_when"] == "up" else "inverse"
