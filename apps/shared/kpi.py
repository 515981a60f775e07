"""Figures as tiles: the value, what it is, how it came, and whether chance explains its changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
import streamlit as st

from crm_analytics import formats
from crm_analytics.aggregates.periods import Period, shift
from crm_analytics.key_figures.overview_words import short_name
from crm_analytics.results import Result
from shared.words import counted, plain


def tile(
    label: str,
    value: str,
    *,
    words: Sequence[str] = (),
    definition: str = "",
    course: list[float | None] | None = None,
) -> None:
    """Show one figure; value first, so that figures stand in one line however long their names are."""
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.metric(
            plain(label), plain(value), label_visibility="collapsed", chart_data=course, chart_type="area"
        )
        st.markdown(f":small[**{plain(label)}**]", help=plain(definition) or None)
        for line in words:
            st.caption(line)


def facts(row: Mapping[str, Any], result: Result, names: Sequence[str]) -> None:
    """Show a few figures of a row of a result as tiles."""
    with st.grid(len(names), min_column_width=158, gap="small"):
        for name in names:
            if row.get(name) is not None:
                term = result.terms[name]
                tile(
                    term.label,
                    formats.value(row[name], term.unit, result.currency),
                    definition=term.definition,
                )


def overview(result: Result) -> None:
    """Show each key figure of the overview, against the period before and the same period last year."""
    period: Period = result.parameters["period"]
    periods = result.tables()[f"{period}s"].filter(pl.col("is_complete"))
    names = _names(periods["period_on"].to_list()[-1], period)
    with st.grid(5, min_column_width=158, gap="small"):
        for row in result.tables()["figures"].iter_rows(named=True):
            tile(
                row["figure_label"], row["value_text"], definition=row["figure_definition"],
                course=periods[row["figure"]].to_list(),
                words=[*(change(row, which, name) for which, name in names.items()), f"n = {counted(row['n_customers'], 'customer')}"],
            )  # fmt: skip


def _names(now: date, period: Period) -> dict[str, str]:
    found = {"": short_name(shift(now, -1, period), now, period)}
    if period != "year":
        found["_last_year"] = short_name(shift(now, -1, "year"), now, period)
    return found


def change(row: Mapping[str, Any], which: str, name: str) -> str:
    """Say a change in a badge and words; in colour only where it is beyond normal variation.

    >>> change({"change": None, "change_text": "no full May in the extract"}, "", "May")
    'no full May in the extract'
    """
    words, value = str(row[f"change{which}_text"]), row[f"change{which}"]
    if value is None:
        return plain(words)
    moved, _, judged = words.partition(", ")
    arrow = "arrow_upward" if value > 0 else "arrow_downward"
    mark = "" if moved == "unchanged" else f":material/{arrow}: "
    amount = moved.removeprefix("up ").removeprefix("down ")
    return f":{colour(row, which)}-badge[{mark}{plain(amount)}] on {name}  \n{plain(judged)}"


def colour(row: Mapping[str, Any], which: str) -> str:
    """Give the colour of a change: good or bad news where it is beyond normal variation, else grey.

    >>> row = {"good_when": "down", "change": -0.2, "is_within_normal_variation": False}
    >>> colour(row, ""), colour({**row, "is_within_normal_variation": True}, "")
    ('green', 'gray')
    """
    if row[f"is_within_normal_variation{which}"] is not False:
        return "gray"
    return "green" if (row[f"change{which}"] > 0) == (row["good_when"] == "up") else "red"
