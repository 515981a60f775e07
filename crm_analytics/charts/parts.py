"""Pieces that several drawings share: a figure with its title and alt text, axes in a unit, what to show for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import plotly.graph_objects as go

from crm_analytics import formats
from crm_analytics.charts import text
from crm_analytics.charts.theme import TEXT_SIZE, Theme
from crm_analytics.results import Result

HEIGHT: Final = 460
"""Height in pixels unless a drawing needs another; the width is that of the place."""

HOVER: Final = "%{hovertext}<extra></extra>"
"""Hover shows the words we wrote and nothing of its own."""


def figure(
    result: Result,
    view: str,
    theme: Theme,
    traces: Sequence[Any],
    *,
    alt: str,
    height: int = HEIGHT,
    **layout: object,
) -> go.Figure:
    """Make a figure with the view's title, the theme and a description for those who do not see it."""
    title = next(v.title for v in result.views if v.name == view)
    made = go.Figure(traces, layout={"template": theme.template, "height": height, **layout})
    return made.update_layout(
        title_text=text.wrapped(title), meta={"alt": f"{text.plain(title)}. {text.plain(alt)}"}
    )


def nothing(result: Result, view: str, theme: Theme, why: str) -> go.Figure:
    """Make a figure that says why there is nothing to draw, instead of an empty one."""
    note = {
        "text": text.wrapped(why, 40),
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "showarrow": False,
    }
    hidden = {"visible": False}
    return figure(
        result, view, theme, [], alt=why, height=220, annotations=[note], xaxis=hidden, yaxis=hidden
    ).update_layout(annotations=[{**note, "font": {"size": TEXT_SIZE + 2, "color": theme.muted}}])


def axis(
    title: str, kind: Literal["share", "money", "count", "names"] = "count", **more: object
) -> dict[str, object]:
    """Give an axis with a title and the tick labels of its unit."""
    kinds: Mapping[str, dict[str, Any]] = {
        "share": {"tickformat": "~%", "rangemode": "tozero"},
        "money": {"rangemode": "tozero"},
        "count": {"rangemode": "tozero", "tickformat": ",d"},
        "names": {"showgrid": False},
    }
    return {"title": {"text": text.safe(title)}, **kinds[kind], **more}


def names_axis(title: str, names: Iterable[object], *, width: int = 24, **more: object) -> dict[str, object]:
    """Give a vertical axis of names at 0, 1, 2 … from the top; equal names stay apart and ids stay text."""
    ticks = [text.safe(text.shortened(n, width)) for n in names]
    return axis(
        title,
        "names",
        tickvals=list(range(len(ticks))),
        ticktext=ticks,
        range=[len(ticks) - 0.4, -0.6],
        zeroline=False,
        **more,
    )


def heading(result: Result, column: str) -> str:
    """Give the heading of a column with its unit, as everywhere else."""
    return formats.label(result.terms[column], result.currency)


def legend_room(rows: int = 1) -> dict[str, int]:
    """Give the margin below that a legend of so many rows needs."""
    return {"b": 40 + 24 * rows}
