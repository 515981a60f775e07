"""A heat map whose cells can be clicked: Plotly tells of clicks on points, not on cells, so unseen points lie on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from crm_analytics.charts import cohort_heatmap, parts
from crm_analytics.results import Result
from shared import blocks
from shared.words import plain

KEY: Final = "cohort_cells"
_UNSEEN: Final = {"marker": {"opacity": 0}}
_BOX: Final = "cohort_heatmap"
_NAMES, _DIGIT = 115, 7  # pixels: what the names of the rows take, and a digit that can still be read
_WIDEST: Final = 1300  # pixels: how far a point reaches follows from the widest page


def clickable(figure: go.Figure, result: Result) -> go.Figure:
    """Lay a point on each cell that has a value; it bears cohort or group, and age."""
    words = {
        (row, column): text
        for trace in figure.data
        if trace.type == "heatmap"
        for row, line in enumerate(trace.hovertext)
        for column, text in enumerate(line)
        if text
    }
    places = [(r, c, cell) for r, c, cell in cohort_heatmap.places(result) if (r, c) in words]
    figure.update_traces(hoverinfo="skip", hovertemplate=None, selector={"type": "heatmap"})
    figure.add_scatter(
        x=[c for _, c, _ in places], y=[r for r, _, _ in places], mode="markers", showlegend=False,
        marker={"size": 4, "opacity": 0}, selected=_UNSEEN, unselected=_UNSEEN,
        customdata=[[str(cell["row_name"]), cell["period"]] for _, _, cell in places],
        hovertext=[words[r, c] for r, c, _ in places], hovertemplate=parts.HOVER,
    )  # fmt: skip
    ages = max((c for _, c, _ in places), default=0) + 1
    return figure.update_layout(
        dragmode=False, hovermode="closest", hoverdistance=max(20, _WIDEST // (2 * ages))
    )


Then = Callable[[str, int], None]


def show(figure: go.Figure, result: Result, title: str, chosen: Mapping[str, Any], then: Then) -> None:
    """Show the heat map with the chosen cell framed; `then` gets row name and age of the cell clicked."""
    st.markdown(f"**{plain(title)}**")
    with st.container(key=_BOX):
        st.html(_without_digits(figure))
        st.plotly_chart(
            _framed(figure, result, chosen), theme=None, config=blocks.PLOT, key=KEY, alt=figure.layout.meta["alt"],
            height="content", width="stretch", selection_mode="points", on_select=lambda: _clicked(then),
        )  # fmt: skip


def _without_digits(figure: go.Figure) -> str:
    """Leave the digits out where the page is too narrow to read them: shades stay, and a touch of a cell tells its value."""
    lines = [line for trace in figure.data if trace.type == "heatmap" for line in trace.text]
    digits = max((len(words) for line in lines for words in line), default=0)
    least = _NAMES + max(map(len, lines), default=0) * _DIGIT * digits
    return (
        f"<style>.st-key-{_BOX} {{container-type: inline-size}}"
        f"@container (max-width: {least}px) {{.st-key-{_BOX} .heatmap-label {{display: none}}}}</style>"
    )


def _clicked(then: Then) -> None:
    points = st.session_state[KEY].selection.points
    if points:
        then(*points[0]["customdata"][:2])


def _framed(figure: go.Figure, result: Result, chosen: Mapping[str, Any]) -> go.Figure:
    found = [
        (r, c) for r, c, cell in cohort_heatmap.places(result)
        if str(cell["row_name"]) == chosen["row"] and cell["period"] == chosen["age"]
    ]  # fmt: skip
    framed = go.Figure(figure)
    for row, column in found:
        framed.add_shape(
            type="rect", x0=column - 0.5, x1=column + 0.5, y0=row - 0.5, y1=row + 0.5,
            line={"color": figure.layout.template.layout.font.color, "width": 2},
        )  # fmt: skip
    return framed
