"""Figures of plain numbers without a Result behind them: curves, paired bars, a map. Same look, alt text and hover words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import plotly.graph_objects as go

from crm_analytics.charts import parts, text
from crm_analytics.charts.theme import Theme

_PALE: Final = 0.35
_MOST_IN_ALT: Final = 8
_WIDE: Final = 60
"""Characters of a title's line: these figures stand in notebooks, not on a phone."""

Kind = Literal["share", "money", "names"]
"""Of an axis: shares in percent from 0, amounts from 0, or whatever is there."""


@dataclass(frozen=True)
class Curve:
    """A line to draw.

    Attributes
    ----------
    name
        In the legend and the hover; a curve without one continues the one before it and is not in the legend.
    x, y
        Its points.
    leads
        Whether the figure is about it; the others are quiet.
    dash
        "solid", "dash" or "dot".
    filled
        Whether the area under it is tinted.
    """

    name: str
    x: Sequence[object]
    y: Sequence[float]
    leads: bool = True
    dash: Literal["solid", "dash", "dot"] = "solid"
    filled: bool = False


@dataclass(frozen=True)
class Words:
    """What is written on a figure."""

    title: str
    x: str
    y: str
    alt: str
    y_kind: Kind = "money"
    note: str = ""


def curves(
    items: Sequence[Curve],
    words: Words,
    theme: Theme,
    *,
    marks: Sequence[object] = (),
    mark_name: str = "",
    x_range: tuple[object, object] | None = None,
) -> go.Figure:
    """Draw lines, and upright marks at places of the horizontal axis.

    Parameters
    ----------
    items
        The lines, the first on top of the legend.
    words
        Title, axes, description.
    theme
        The look.
    marks
        Places that are marked.
    mark_name
        What they are.
    x_range
        Part of the horizontal axis that is shown.
    """
    traces: list[object] = [_line(item, words, theme) for item in items]
    if len(marks):
        traces.append(_marked(marks, mark_name, items, theme))
    named = [i.name for i in items if i.name] + ([mark_name] if len(marks) else [])
    more = {"range": list(x_range)} if x_range else {}
    return parts.titled(
        words.title,
        theme,
        traces,
        title_width=_WIDE,
        alt=f"{words.alt} {_ends(items)}",
        xaxis=parts.axis(words.x, "names", **more),
        yaxis=parts.axis(words.y, words.y_kind),
        showlegend=len(named) > 1,
        margin=parts.legend_room() if len(named) > 1 else {},
        annotations=_note(words, theme),
    )


def bars(
    names: Sequence[str], groups: Sequence[tuple[str, Sequence[float]]], words: Words, theme: Theme
) -> go.Figure:
    """Draw a bar of each group side by side for each name; the first group is what was seen and is quiet."""
    colours = [theme.quiet, theme.accent, *theme.categories]
    traces = [
        go.Bar(
            x=list(names),
            y=list(values),
            name=text.safe(group),
            marker={"color": colours[i]},
            hovertext=[
                text.lines(f"{group}: {v:,.4g}", head=f"{words.x}: {n}")
                for n, v in zip(names, values, strict=True)
            ],
            hovertemplate=parts.HOVER,
        )
        for i, (group, values) in enumerate(groups)
    ]
    listed = "; ".join(
        f"{n}: " + ", ".join(f"{group} {values[i]:,.4g}" for group, values in groups)
        for i, n in enumerate(names)
    )
    return parts.titled(
        words.title,
        theme,
        traces,
        title_width=_WIDE,
        alt=f"{words.alt} {listed}.",
        barmode="group",
        bargap=0.25,
        xaxis=parts.axis(words.x, "names", type="category"),
        yaxis=parts.axis(words.y, words.y_kind),
        margin=parts.legend_room(),
    )


def heat(z: Sequence[Sequence[float]], words: Words, theme: Theme, *, unit: str) -> go.Figure:
    """Draw a map of numbers, rows upwards and columns to the right, both counted from 0.

    Parameters
    ----------
    z
        The numbers, row by row.
    words
        Title, axes, description.
    theme
        The look.
    unit
        What a number is, beside the colours and in the hover.
    """
    hover = [
        [text.lines(f"{words.x} {j}, {words.y} {i}", head=f"{unit}: {v:.3g}") for j, v in enumerate(row)]
        for i, row in enumerate(z)
    ]
    top = max((v, i, j) for i, row in enumerate(z) for j, v in enumerate(row))
    return parts.titled(
        words.title,
        theme,
        [
            go.Heatmap(
                z=[list(row) for row in z],
                x=list(range(len(z[0]))),
                y=list(range(len(z))),
                zmin=0,
                colorscale=[[0, theme.tint(theme.accent, 0.04)], [1, theme.accent]],
                colorbar={
                    "title": {"text": text.wrapped(unit, 14), "side": "top"},
                    "thickness": 14,
                    "outlinewidth": 0,
                },
                hovertext=hover,
                hovertemplate=parts.HOVER,
            )
        ],
        title_width=_WIDE,
        alt=f"{words.alt} The highest value, {top[0]:.3g}, is at {words.x} {top[2]}, {words.y} {top[1]}.",
        height=520,
        xaxis=parts.axis(words.x, "names"),
        yaxis=parts.axis(words.y, "names"),
    )


def _line(item: Curve, words: Words, theme: Theme) -> go.Scatter:
    colour = theme.accent if item.leads else theme.quiet
    tint = {"fill": "tozeroy", "fillcolor": theme.tint(theme.accent, _PALE * 0.5)} if item.filled else {}
    return go.Scatter(
        x=list(item.x),
        y=list(item.y),
        mode="lines",
        name=text.safe(item.name),
        showlegend=bool(item.name),
        line={"color": colour, "dash": item.dash, "width": 2.5},
        hovertext=[
            text.lines(f"{words.y}: {_figure(y, words.y_kind)}", head=f"{item.name or words.y}, {_at(x)}")
            for x, y in zip(item.x, item.y, strict=True)
        ],
        hovertemplate=parts.HOVER,
        **tint,
    )


def _marked(places: Sequence[object], name: str, items: Sequence[Curve], theme: Theme) -> go.Scatter:
    """Draw upright dotted lines as one trace, so that the legend can name them."""
    top = max((y for item in items for y in item.y if y == y), default=1.0)  # noqa: PLR0124 a number that is none
    return go.Scatter(
        x=[x for place in places for x in (place, place, None)],
        y=[y for _ in places for y in (0, top, None)],
        mode="lines",
        name=text.safe(name),
        line={"color": theme.bad, "dash": "dot", "width": 1.5},
        hoverinfo="skip",
    )


def _ends(items: Sequence[Curve]) -> str:
    shown = [i for i in items if i.name and len(i.y)][:_MOST_IN_ALT]
    return " ".join(f"{i.name}: from {i.y[0]:,.3g} to {i.y[-1]:,.3g}." for i in shown)


def _note(words: Words, theme: Theme) -> list[dict[str, object]]:
    if not words.note:
        return []
    place = {"xref": "paper", "yref": "paper", "x": 1, "y": 1, "xanchor": "right", "yanchor": "top"}
    return [{"text": text.safe(words.note), "font": {"color": theme.muted}, "showarrow": False, **place}]


def _figure(value: float, kind: Kind) -> str:
    return f"{value:.1%}" if kind == "share" else f"{value:,.4g}"


def _at(place: object) -> str:
    return f"{place:,.4g}" if isinstance(place, float) else str(place)
