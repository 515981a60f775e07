"""The one way to a picture: find the chart module of the analysis, draw the view, check that nothing is lacking."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from crm_analytics import formats
from crm_analytics.charts.duties import shortcomings
from crm_analytics.charts.theme import Theme, theme
from crm_analytics.errors import UnknownNameError
from crm_analytics.results import Result

_WRITTEN: Final = ("text", "hovertext")

Views = Mapping[str, Callable[[Result, Theme], go.Figure]]
"""What a chart module offers as `VIEWS`: a drawing for each view's name."""


def draw(result: Result, view: str | None = None, *, theme: str | Theme = "light") -> go.Figure:
    """Draw a view of a result.

    Parameters
    ----------
    result
        What an analysis found.
    view
        One of `result.views`; the first if none is named.
    theme
        "light" or "dark".

    Returns
    -------
    go.Figure
        With title, axis titles, hover text in words and, in `layout.meta["alt"]`, a description for those who do
        not see it. It has no width: it fits where it is put, down to a phone.

    Raises
    ------
    UnknownNameError
        If there is no such view or theme.
    """
    name = view or result.views[0].name
    offered = [v.name for v in result.views]
    if name not in offered:  # a result offers what it has the data for
        raise UnknownNameError.of(f"view of {result.analysis}", name, offered)
    views = views_of(result.analysis)
    figure = _typeset(views[name](result, _look(theme)))
    lacking = shortcomings(figure)
    if lacking:
        message = f"The drawing {result.analysis}/{name} is not fit to be shown: {'; '.join(lacking)}."
        raise AssertionError(message)
    return figure


def _typeset(figure: go.Figure) -> go.Figure:
    """Write true minuses in what is written into a figure, as its axes do."""
    for trace in figure.data:
        written = {place: trace[place] for place in _WRITTEN if place in trace}
        trace.update({place: _with_minus(words) for place, words in written.items() if words is not None})
    for note in figure.layout.annotations:
        note.text = _with_minus(note.text)
    if figure.layout.meta:
        figure.layout.meta = {key: _with_minus(words) for key, words in figure.layout.meta.items()}
    return figure


def _with_minus(written: Any) -> Any:  # noqa: ANN401 plotly takes a text, or any array of texts
    if isinstance(written, str):
        return formats.minus(written)
    if isinstance(written, np.ndarray):
        return _with_minus(written.tolist()) if written.dtype.kind in "OU" else written
    return [_with_minus(one) for one in written] if isinstance(written, list | tuple) else written


def views_of(analysis: str) -> Views:
    """Give the drawings of an analysis, from the chart module of its name.

    Raises
    ------
    UnknownNameError
        If there is no chart module of this name.
    """
    module = f"crm_analytics.charts.{analysis}"
    try:
        views: Views = importlib.import_module(module).VIEWS
    except (ModuleNotFoundError, AttributeError) as error:
        if getattr(error, "name", module) not in (module, "VIEWS"):
            raise
        raise UnknownNameError.of("chart module", analysis, ()) from error
    return views


_look = theme  # the parameter of `draw` bears the public name
