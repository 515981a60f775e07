"""Pictures of penalties and rewards: both with their intervals, and how sure each driver's class is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import plotly.graph_objects as go

from crm_analytics import formats
from crm_analytics.charts import chance_bars, parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_CHANCES: Final = {
    "p_must_be": "Must-be",
    "p_performance": "Performance",
    "p_delighter": "Delighter",
    "p_no_effect": "No clear effect",
    "p_reverse": "Reverse or unclear",
}
_MOST: Final = 25
_NAME: Final = 18


def asymmetry(result: Result, theme: Theme) -> go.Figure:
    """Draw the penalty of low and the reward of high ratings of each driver, side by side around nothing."""
    rows = _rows(result)
    traces = [
        go.Bar(
            y=list(range(len(rows))),
            x=[r[column] for r in rows],
            orientation="h",
            name=name,
            marker={"color": colour},
            error_x=parts.interval(theme, rows, column),
            hovertext=[_words(r) for r in rows],
            hovertemplate=parts.HOVER,
        )
        for column, name, colour in (
            ("penalty", "Low ratings", theme.bad),
            ("reward", "High ratings", theme.good),
        )
    ]
    said = "; ".join(
        f"{r['driver_label']}, {r['driver_class'].lower()}: low ratings {r['penalty']:+.2f}, high ratings {r['reward']:+.2f}"
        for r in rows[:12]
    )
    return parts.figure(
        result,
        "asymmetry",
        theme,
        traces,
        alt=f"Bars to the left for low and to the right for high ratings, with 95% intervals. {said}.",
        height=220 + 46 * len(rows),
        barmode="overlay",
        bargap=0.35,
        xaxis=parts.axis(
            f"Points of {_outcome(result)} against middle ratings", "names", showgrid=True, zeroline=True
        ),
        yaxis=_names(theme, rows),
        showlegend=True,
        legend={"traceorder": "normal"},
        margin=parts.legend_room(),
    )


def classes(result: Result, theme: Theme) -> go.Figure:
    """Draw for each driver how often it falls into each class."""
    rows = [r for r in _rows(result) if r["class_probability"] is not None]
    if not rows:
        return parts.nothing(
            result, "classes", theme, "No driver has enough low, middle and high ratings for a class."
        )
    colours = (theme.bad, theme.accent, theme.good, theme.quiet, theme.categories[1])
    traces = [
        chance_bars.one(rows, column, name, colour, theme)
        for (column, name), colour in zip(_CHANCES.items(), colours, strict=True)
        if any(r[column] > 0 for r in rows)
    ]
    said = "; ".join(
        f"{r['driver_label']}: {r['driver_class'].lower()} in {formats.share(r['class_probability'])}"
        for r in rows[:12]
    )
    return parts.figure(
        result,
        "classes",
        theme,
        traces,
        alt=f"Bars of the share of bootstrap draws in each class. {said}.",
        height=220 + 34 * len(rows),
        barmode="stack",
        bargap=0.3,
        xaxis=parts.axis("Share of bootstrap draws", "share", range=[0, 1]),
        yaxis=parts.names_axis("Driver", [r["driver_label"] for r in rows], width=_NAME),
        showlegend=True,
        legend={"traceorder": "normal"},
        margin=parts.legend_room(2),
    )


def _rows(result: Result) -> list[Row]:
    return list(result.tables()["drivers"].head(_MOST).iter_rows(named=True))


def _names(theme: Theme, rows: list[Row]) -> dict[str, object]:
    """Give an axis of names with the class under each."""
    names = [
        f"{text.safe(text.shortened(r['driver_label'], _NAME))}<br>"
        f"<span style='color:{theme.muted};font-size:11px'>{text.safe(r['driver_class'].lower())}</span>"
        for r in rows
    ]
    return {**parts.names_axis("Driver", [r["driver_label"] for r in rows], width=_NAME), "ticktext": names}


def _outcome(result: Result) -> str:
    name = str(result.parameters["outcome"])
    return name.upper() if name in {"csat", "nps", "ces"} else name.replace("_", " ")


def _words(row: Row) -> str:
    probability = row["class_probability"]
    sure = "" if probability is None else f" in {formats.share(probability)} of draws"
    return text.lines(
        f"Low ratings (up to {row['low_up_to']:g}, {row['n_low']:,}): {parts.spanned(row, 'penalty', 'number')}",
        f"High ratings (from {row['high_from']:g}, {row['n_high']:,}): {parts.spanned(row, 'reward', 'number')}",
        f"{row['driver_class']}{sure}",
        head=row["driver_label"],
    )


VIEWS: Final[Views] = {"asymmetry": asymmetry, "classes": classes}
"""The drawings of this analysis by view."""
