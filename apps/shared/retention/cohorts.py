"""Cohorts: the table of who stays with every option in the address, and the customers of each cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
import streamlit as st

from crm_analytics.charts import cohort_parts, parts
from crm_analytics.results import Result
from crm_analytics.retention.cohorts import customers_in_cell
from crm_analytics.stats.intervals import wilson
from crm_analytics.terms import Term
from shared import blocks, cache, controls
from shared.filters import Seen
from shared.guard import guarded
from shared.retention import cell_clicks, cohort_options, definitions
from shared.words import counted, plain

_TERMS: Final = {
    "is_active": Term("is_active", "Active", "flag", "Whether the cell counts the customer as active.")
}
_VIEWS: Final = {
    "heatmap": "Heat map", "curves": "Curves", "trend": "Trend", "losses": "Losses", "layers": "Layers", "payback": "Payback",
}  # fmt: skip
_STATES: Final = {"active": "Active", "away": "Not active", "all": "All"}
_EVERY: Final = "every"
_SHOWN: Final = (
    "customer_id", "name", "is_active", "group", "cohort_on", "entered_on", "n_orders", "spend", "last_active_period",
    "active_periods",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A cell of the cohort table: `row` is the name of its row in the heat map, `cells` are the rows of the table."""

    age: int
    row: str
    words: str
    cells: pl.DataFrame


def show(seen: Seen) -> None:
    """Show the cohorts as the options say, and the customers of a cell."""
    options = cohort_options.ask(seen)
    if cohort_options.changed():
        st.caption(cohort_options.changed())
    with st.spinner("Counting cohorts …"), controls.worded(cohort_options.LABELS):
        result = seen.result("cohort_retention", **options)
    if options:
        blocks.headline(result)
    view = controls.segmented("View", {name: _VIEWS[name] for name in blocks.views(result)}, "view")
    picture = st.container()
    definitions.show(result)
    cell = _ask(result)
    with picture, guarded():
        if view == "heatmap":
            _heatmap(seen, result, cell)
        else:
            blocks.picture(seen.before_segments, result, view, within=controls.within(result))
    _people(seen, result, cell)
    controls.summary(result, "cohorts_summary")
    controls.shown_table(result, "averages", "The average in its three definitions", ":material/functions:")
    controls.shown_table(result, "cells", "Every cell with its interval", ":material/grid_on:")
    blocks.footer(result, "cells", "cohorts", "trend_tests")


def _heatmap(seen: Seen, result: Result, cell: Cell) -> None:
    look = blocks.page_theme()
    figure = cache.remember(
        seen.before_segments,
        f"cells|{look}|{controls.within(result)}",
        lambda: cell_clicks.clickable(blocks.drawn(result, "heatmap", look), result),
    )
    cell_clicks.show(
        figure, result, blocks.views(result)["heatmap"], {"row": cell.row, "age": cell.age}, choose
    )
    st.caption(
        "Click a cell: its customers are listed below. Fewer ages leave room for figures: Options, most ages."
    )


def choose(row: str, age: int) -> None:
    """Take the cell that was clicked into the two lists below the picture."""
    names: Mapping[str, tuple[str, Any]] = st.session_state.get("cohort_rows", {})
    if row in names:
        key, value = names[row]
        st.session_state[key] = value
        if key == "group":
            st.session_state["cohort"] = _EVERY
        st.session_state["age"] = int(age)


def _ask(result: Result) -> Cell:
    """Ask for a cell by two lists, three where there are groups."""
    cells = result.tables()["cells"]
    st.header("The customers of a cell", anchor=False)
    cohorts = _cohorts(result, cells)
    groups = _groups(cells)
    begun = cells["period"].unique().sort().to_list()
    ages = {
        age: cohort_parts.age_name(result, age) for age in [*begun[1:], begun[0]]
    }  # at age 0 everybody is active
    st.session_state["cohort_rows"] = {
        **{str(start): ("cohort", start) for start in cohorts if groups is None},
        **{name: ("group", name) for name in groups or ()},
    }
    with st.grid(3, min_column_width=158, gap="small"):
        group = None if groups is None else _pick("Group", groups, "group")
        cohort = _pick("Cohort", cohorts, "cohort") if "cohort_on" in cells.columns else None
        age = _pick("Age", ages, "age")
    kept = cells.filter(pl.col("period") == age)
    if group not in (None, cohort_parts.ALL):
        kept = kept.filter(pl.col("group") == group)
    if cohort not in (None, _EVERY):
        kept = kept.filter(pl.col("cohort_on") == cohort)
    elif cohort == _EVERY:
        kept = kept.filter("is_complete")
    names = [
        *([groups[group]] if groups and group else []),
        *([cohorts[cohort]] if cohort else []),
    ]
    words = ", ".join([*names, ages[age]]).replace(f", {cohorts[_EVERY]}", f", {cohorts[_EVERY].lower()}")
    words = words.replace(f", {ages[age]}", f", {ages[age].lower()}")
    return Cell(age, str(group if groups else cohort), words, kept)


def _cohorts(result: Result, cells: pl.DataFrame) -> dict[Any, str]:
    starts = (
        cells["cohort_on"].unique().sort(descending=True).to_list() if "cohort_on" in cells.columns else []
    )
    return {_EVERY: "All finished cohorts", **{s: cohort_parts.cohort_label(result, s) for s in starts}}


def _groups(cells: pl.DataFrame) -> dict[str, str] | None:
    if "group" not in cells.columns:
        return None
    names = cells.filter(pl.col("group") != cohort_parts.ALL)["group"].unique().sort().to_list()
    return {cohort_parts.ALL: cohort_parts.ALL, **{name: name for name in names}}


def _pick(label: str, options: Mapping[Any, str], key: str) -> Any:  # noqa: ANN401 what the options are of
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]  # of other options
    return st.selectbox(
        label,
        list(options),
        format_func=lambda value: options.get(value, str(value)),
        key=key,
        bind="query-params",
    )


def _people(seen: Seen, result: Result, cell: Cell) -> None:
    state = controls.segmented("Who", _STATES, "who")
    if "is_suppressed" in cell.cells.columns:
        shown = cell.cells.filter(~pl.col("is_suppressed"))
    else:
        shown = cell.cells
    if shown.is_empty():
        st.info(
            f"{plain(cell.words)}: no finished cell, or too few customers to show.",
            icon=":material/hourglass_empty:",
        )
        return
    n, active = int(shown["n_customers"].sum()), int(shown["n_active"].sum())
    low, high = (float(end) for end in wilson(active, n))
    rate = {"rate": active / max(n, 1), "rate_lower": low, "rate_upper": high}
    said = parts.spanned(rate, "rate", "share")
    open_cells = "" if shown["is_complete"].all() else " Not finished: the rest may still come."
    st.markdown(
        f"**{plain(cell.words)}**: {plain(said)}, {active:,} of {counted(n, 'customer')} active.{open_cells}"
    )
    members = _members(result, shown, state)
    controls.listing(
        seen,
        members if state == "all" else members.drop("is_active"),
        result,
        f"{cell.words} {_STATES[state]}",
        "cohort_people",
        _SHOWN,
    )


def _members(result: Result, cells: pl.DataFrame, state: str) -> pl.DataFrame:
    keys = [c for c in ("cohort_on", "group") if c in cells.columns]
    found = [
        customers_in_cell(result, period=row["period"], state=state, **{key: row[key] for key in keys})  # type: ignore[arg-type]  # one of three
        for row in cells.select("period", *keys).iter_rows(named=True)
    ]
    return pl.concat(found).sort("spend", "customer_id", descending=[True, False])
