"""Pictures of Kano questionnaires: what presence and absence would do, and how respondents divide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.labels import label_places
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_CATEGORIES: Final = ("Must-be", "One-dimensional", "Attractive", "Indifferent", "Reverse", "Questionable")
_SYMBOLS: Final = ("diamond", "circle", "triangle-up", "square", "x", "cross")
_MOST: Final = 25
_ON_BAR: Final = 0.12
_NAME: Final = 18
_RANGE: Final = [-0.06, 1.06]


def map_(result: Result, theme: Theme) -> go.Figure:
    """Draw how many a feature would please against how many its absence would annoy, with crosses for the intervals."""
    table = result.tables()["features"].drop_nulls("satisfaction_coefficient").head(_MOST)
    rows = [_turned(r) for r in table.iter_rows(named=True)]
    names = [text.shortened(r["feature"], _NAME) for r in rows]
    pleases = "satisfaction_coefficient"
    ends = [("annoys_lower", f"{pleases}_lower", "annoys_upper", f"{pleases}_upper")] * len(rows)
    places = label_places(
        [r["annoys"] for r in rows], [r[pleases] for r in rows], names, _RANGE, _RANGE,
        [(r[a], r[b], r[c], r[d]) for r, (a, b, c, d) in zip(rows, ends, strict=True)],
    )  # fmt: skip
    traces = []
    for name, colour, symbol in zip(_CATEGORIES, _colours(theme), _SYMBOLS, strict=True):
        own = [
            (r, n, p) for r, n, p in zip(rows, names, places, strict=True) if r["category_by_rule"] == name
        ]
        if not own:
            continue
        kept = [r for r, _, _ in own]
        faint = theme.tint(colour, 0.55)
        traces.append(
            go.Scatter(
                x=[r["annoys"] for r in kept],
                y=[r["satisfaction_coefficient"] for r in kept],
                mode="markers+text",
                name=name,
                text=[text.safe(n) for _, n, _ in own],
                textposition=[p for _, _, p in own],
                textfont={"size": 13, "color": theme.text},
                cliponaxis=False,
                error_x={**parts.interval(theme, kept, "annoys"), "color": faint},
                error_y={**parts.interval(theme, kept, "satisfaction_coefficient"), "color": faint},
                marker={"color": colour, "size": 11, "symbol": symbol},
                hovertext=[_words(r) for r in kept],
                hovertemplate=parts.HOVER,
            )
        )
    said = "; ".join(
        f"{r['feature']}, {r['category_by_rule'].lower()}: pleases {formats.share(r['satisfaction_coefficient'])}, its absence "
        f"annoys {formats.share(r['annoys'])}"
        for r in rows[:12]
    )
    look = {"type": "line", "line": {"color": theme.quiet, "dash": "dash", "width": 1.5}, "layer": "below"}
    return parts.figure(
        result,
        "map",
        theme,
        traces,
        alt=f"Map of features with 95% intervals. {said}.",
        height=560,
        xaxis=parts.axis("Annoyed if it is not there", "share", range=_RANGE, showgrid=True),
        yaxis=parts.axis("Pleased if it is there", "share", range=_RANGE),
        shapes=[
            {**look, "x0": 0.5, "x1": 0.5, "yref": "paper", "y0": 0, "y1": 1},
            {**look, "y0": 0.5, "y1": 0.5, "xref": "paper", "x0": 0, "x1": 1},
        ],
        annotations=_corners(theme),
        showlegend=True,
        margin=parts.legend_room(2),
    )


def shares(result: Result, theme: Theme) -> go.Figure:
    """Draw how respondents divide over the categories, feature by feature."""
    features = result.tables()["features"].head(_MOST)["feature"].to_list()
    table = result.tables()["shares"]
    traces = []
    for name, colour in zip(_CATEGORIES, _colours(theme), strict=True):
        own = {r["feature"]: r for r in table.filter(pl.col("category") == name).iter_rows(named=True)}
        rows = [own[f] for f in features]
        if not any(r["category_share"] > 0 for r in rows):
            continue
        traces.append(
            go.Bar(
                y=list(range(len(rows))),
                x=[r["category_share"] for r in rows],
                orientation="h",
                name=name,
                marker={"color": colour, "line": {"color": theme.background, "width": 1}},
                text=[
                    f"{100 * r['category_share']:.0f}%" if r["category_share"] >= _ON_BAR else ""
                    for r in rows
                ],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"color": theme.ink(colour), "size": 12},
                hovertext=[
                    text.lines(f"{name}: {parts.spanned(r, 'category_share', 'share')}", head=r["feature"])
                    for r in rows
                ],
                hovertemplate=parts.HOVER,
            )
        )
    tops = result.tables()["features"].head(12).iter_rows(named=True)
    said = "; ".join(f"{r['feature']}: most often {r['category'].lower()}" for r in tops)
    return parts.figure(
        result,
        "shares",
        theme,
        traces,
        alt=f"Bars of the share of respondents by category. {said}.",
        height=250 + 36 * len(features),
        barmode="stack",
        bargap=0.3,
        xaxis=parts.axis("Share of respondents", "share", range=[0, 1]),
        yaxis=parts.names_axis("Feature", features, width=_NAME),
        showlegend=True,
        legend={"traceorder": "normal"},
        margin=parts.legend_room(3),
    )


def _turned(row: Row) -> dict[str, Any]:
    """Add the coefficient of dissatisfaction without its sign, so that both axes go up."""
    ends = [row[f"dissatisfaction_coefficient{e}"] for e in ("", "_lower", "_upper")]
    return {**row, "annoys": -ends[0], "annoys_lower": -ends[2], "annoys_upper": -ends[1]}


def _colours(theme: Theme) -> tuple[str, ...]:
    return theme.bad, theme.accent, theme.good, theme.quiet, theme.categories[1], theme.muted


def _corners(theme: Theme) -> list[dict[str, object]]:
    places = ((0.01, 0.99, "left", "top", "Attractive"), (0.99, 0.99, "right", "top", "One-dimensional"), (0.01, 0.01, "left", "bottom", "Indifferent"), (0.99, 0.01, "right", "bottom", "Must-be"))  # fmt: skip
    return [
        {
            "text": name,
            "xref": "paper",
            "yref": "paper",
            "x": x,
            "y": y,
            "xanchor": x_anchor,
            "yanchor": y_anchor,
            "showarrow": False,
            "font": {"size": 12, "color": theme.muted},
        }
        for x, y, x_anchor, y_anchor, name in places
    ]


def _words(row: Row) -> str:
    return text.lines(
        f"Pleased if it is there: {parts.spanned(row, 'satisfaction_coefficient', 'share')}",
        f"Annoyed if it is not: {parts.spanned(row, 'annoys', 'share')}",
        f"{row['category_by_rule']}{'' if row['is_clear'] else ', not clear'}",
        parts.counted(row["n_answers"], "respondent"),
        head=row["feature"],
    )


VIEWS: Final[Views] = {"map": map_, "shares": shares}
"""The drawings of this analysis by view."""
