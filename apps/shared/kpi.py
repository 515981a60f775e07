"""Figures as tiles: the value, what it is, how it came, and whether chance explains its changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import polars as pl
import streamlit as st

from crm_analytics import formats
from crm_analytics.aggregates.periods import Period, shift
from crm_analytics.key_figures.overview_words import short_name
from crm_analytics.results import Result
from crm_analytics.terms import Unit
from shared.words import counted, plain

_IN_A_ROW: Final = 5
_FITS_ONE_LINE: Final = 20  # characters of a label in a tile of a row of five
_WHOLE_FROM: Final = 20.0  # from here on decimals of a number, such as hours, tell nothing
_BLANK: Final = "\N{NO-BREAK SPACE}"


def tile(
    label: str,
    value: str,
    *,
    changes: Sequence[str] = (),
    words: Sequence[str] = (),
    definition: str = "",
    course: list[float | None] | None = None,
    two_lines: bool = False,
) -> None:
    """Show one figure with its name, its course, its changes (markdown) and more in small print.

    `two_lines` keeps room for a long name, so that the values of a row stand in line. A course is drawn where every
    period has a value: its line has no room for gaps.
    """
    filler = f":small[{_BLANK}]  \n" if two_lines and len(label) <= _FITS_ONE_LINE else ""
    drawn = None if course is None or None in course else course
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.markdown(f"{filler}:small[{plain(label)}]", help=plain(definition) or None)
        st.metric(
            plain(label),
            plain(formats.minus(value)),
            label_visibility="collapsed",
            chart_data=drawn,
            chart_type="area",
        )
        for line in (*changes, *map(small, words)):
            st.markdown(line)


def facts(row: Mapping[str, Any], result: Result, names: Sequence[str]) -> None:
    """Show a few figures of a row of a result as tiles."""
    there = [name for name in names if row.get(name) is not None]
    if not there:
        return
    fits = _FITS_ONE_LINE * _IN_A_ROW // len(there)
    two = any(len(result.terms[name].label) > fits for name in there)
    with st.grid(len(there), min_column_width=158, gap="small"):
        for name in there:
            term = result.terms[name]
            value = formats.value(row[name], term.unit, result.currency)
            tile(term.label, value, definition=term.definition, two_lines=two)


def spanned(row: Mapping[str, Any], result: Result, names: Sequence[str]) -> None:
    """Show a few figures of a row of a result as tiles, each with its 95% interval where it has one."""
    there = [name for name in names if row.get(name) is not None]
    if not there:
        return
    fits = _FITS_ONE_LINE * _IN_A_ROW // len(there)
    two = any(len(result.terms[name].label) > fits for name in there)
    with st.grid(len(there), min_column_width=158, gap="small"):
        for name in there:
            term = result.terms[name]
            tile(
                term.label,
                _written(row[name], term.unit, result.currency),
                words=_interval(row, name, term.unit, result.currency),
                definition=term.definition,
                two_lines=two,
            )


def _interval(row: Mapping[str, Any], name: str, unit: Unit, currency: str | None) -> list[str]:
    ends = [row.get(f"{name}_{end}") for end in ("lower", "upper")]
    if None in ends:
        return []
    low, high = (_written(end, unit, currency) for end in ends)
    return [f"95%: {low} to {high}"]


def _written(value: Any, unit: Unit, currency: str | None) -> str:  # noqa: ANN401 numbers of either kind
    """Write expected counts as whole numbers, and large expected numbers too."""
    if unit == "number" and abs(value) >= _WHOLE_FROM:
        return f"{value:,.0f}"
    return formats.value(float(round(value)) if unit == "count" else value, unit, currency)


def small(words: str) -> str:
    """Write text in small print.

    >>> small("within normal variation")
    ':small[:gray[within normal variation]]'
    """
    return f":small[:gray[{plain(formats.minus(words))}]]"


def overview(result: Result) -> None:
    """Show each key figure of the overview, against the period before and the same period last year."""
    period: Period = result.parameters["period"]
    periods = result.tables()[f"{period}s"].filter(pl.col("is_complete"))
    names = _names(periods["period_on"].to_list()[-1], period)
    rows = result.tables()["figures"].to_dicts()
    with st.grid(_IN_A_ROW, min_column_width=158, gap="small"):
        for i, row in enumerate(rows):
            beside = rows[i - i % _IN_A_ROW : i - i % _IN_A_ROW + _IN_A_ROW]
            tile(
                row["figure_label"],
                row["value_text"],
                definition=row["figure_definition"],
                course=periods[row["figure"]].to_list(),
                changes=[change(row, which, name) for which, name in names.items()],
                words=[f"n = {counted(row['n_customers'], 'customer')}"],
                two_lines=any(len(r["figure_label"]) > _FITS_ONE_LINE for r in beside),
            )


def _names(now: date, period: Period) -> dict[str, str]:
    """Give short names of the periods compared with, by the suffix of their columns."""
    days = {"": shift(now, -1, period)} | ({"_last_year": shift(now, -1, "year")} if period != "year" else {})
    return {which: _name(day, now, period) for which, day in days.items()}


def _name(day: date, now: date, period: Period) -> str:
    if period != "month":
        return short_name(day, now, period)
    return f"{day:%b}" if day.year == now.year else f"{day:%b %Y}"


def change(row: Mapping[str, Any], which: str, name: str) -> str:
    """Say a change in a badge and words; in colour only where it is beyond normal variation.

    >>> change({"change": None, "change_text": "no full May in the extract"}, "", "May")
    ':small[:gray[no full May in the extract]]'
    """
    words, value = str(row[f"change{which}_text"]), row[f"change{which}"]
    if value is None:
        return small(words)
    moved, _, judged = words.partition(", ")
    arrow = "arrow_upward" if value > 0 else "arrow_downward"
    mark = "" if moved == "unchanged" else f":material/{arrow}: "
    amount = moved.removeprefix("up ").removeprefix("down ").replace(" points", " pts")
    return f":{colour(row, which)}-badge[{mark}{plain(amount)}] :small[on {name}]  \n{small(judged)}"


def colour(row: Mapping[str, Any], which: str) -> str:
    """Give the colour of a change: good or bad news where it is beyond normal variation, else grey.

    >>> row = {"good_when": "down", "change": -0.2, "is_within_normal_variation": False}
    >>> colour(row, ""), colour({**row, "is_within_normal_variation": True}, "")
    ('green', 'gray')
    """
    if row[f"is_within_normal_variation{which}"] is not False:
        return "gray"
    return "green" if (row[f"change{which}"] > 0) == (row["good_when"] == "up") else "red"
