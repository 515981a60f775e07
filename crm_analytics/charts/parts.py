"""Pieces that several drawings share: a figure with its title and alt text, axes in a unit, what to show for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import plotly.graph_objects as go

from crm_analytics import formats
from crm_analytics.charts import text
from crm_analytics.charts.theme import TEXT_SIZE, Theme
from crm_analytics.results import Result
from crm_analytics.terms import Unit

HEIGHT: Final = 460
"""Height in pixels unless a drawing needs another; the width is that of the place."""

TITLE_WIDTH: Final = 32
"""Characters of a title's line that a phone has room for."""

AXIS_TITLE_WIDTH: Final = 36
"""Titles of axes are smaller and have room for a few more."""

_OVER_TITLE: Final = 16
_HUNG: Final = 12  # plotly hangs a title of several lines that much higher than one of a single line
_ABOVE: Final = 34
_TITLE_LINE: Final = 22

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
    **layout: Any,  # noqa: ANN401 as plotly takes it
) -> go.Figure:
    """Make a figure with the view's title, the theme and a description for those who do not see it."""
    title = next(v.title for v in result.views if v.name == view)
    return titled(title, theme, traces, alt=alt, height=height, **layout)


def titled(
    title: str,
    theme: Theme,
    traces: Sequence[Any],
    *,
    alt: str,
    height: int = HEIGHT,
    title_width: int = TITLE_WIDTH,
    **layout: object,
) -> go.Figure:
    """Make a figure with a title of its own, the theme and a description for those who do not see it."""
    words = text.wrapped(title, title_width)
    made = go.Figure(traces, layout={"template": theme.template, "height": height, **layout})
    return made.update_layout(
        title_text=words,
        title_pad_t=_OVER_TITLE + (_HUNG if "<br>" in words else 0),
        margin_t=_ABOVE + _TITLE_LINE * (words.count("<br>") + 1),
        meta={"alt": f"{text.plain(title)}. {text.plain(alt)}"},
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
    return {"title": {"text": text.wrapped(title, AXIS_TITLE_WIDTH)}, **kinds[kind], **more}


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


def interval(theme: Theme, rows: Sequence[Mapping[str, Any]], column: str) -> dict[str, object]:
    """Give the error bars of a column that has bounds; none are drawn where it has not."""
    bounds = [(r[column] or 0, r.get(f"{column}_lower"), r.get(f"{column}_upper")) for r in rows]
    return {
        "type": "data",
        "symmetric": False,
        "array": [None if high is None else max(high - at, 0) for at, _, high in bounds],
        "arrayminus": [None if low is None else max(at - low, 0) for at, low, _ in bounds],
        "color": theme.text,
        "thickness": 1.2,
        "width": 3,
        "visible": any(low is not None and high is not None for _, low, high in bounds),
    }


def spanned(row: Mapping[str, Any], column: str, unit: Unit, currency: str | None = None) -> str:
    """Write a figure with its interval where it has one.

    >>> spanned({"rate": 0.5, "rate_lower": 0.4, "rate_upper": 0.6}, "rate", "share"), spanned({"rate": 0.5}, "rate", "share")
    ('50.0% (40.0% to 60.0%)', '50.0%')
    """
    at, low, high = (
        formats.value(row.get(f"{column}{end}"), unit, currency) for end in ("", "_lower", "_upper")
    )
    return at if formats.NOTHING in (low, high) else f"{at} ({low} to {high})"


def counted(n: int, thing: str) -> str:
    """Write a count of things in words.

    >>> counted(1, "order"), counted(1200, "customer")
    ('1 order', '1,200 customers')
    """
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def legend_room(rows: int = 1) -> dict[str, int]:
    """Give the margin below that a legend of so many rows needs."""
    return {"b": 40 + 24 * rows}
