"""Pictures of importance and performance: the map with its intervals, how sure each place is, other lines, stated importance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl

from crm_analytics import formats
from crm_analytics.charts import chance_bars, parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.labels import label_places
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_QUADRANTS: Final = ("Concentrate here", "Keep up the good work", "Low priority", "Possible overkill")
_CHANCES: Final = ("p_concentrate", "p_keep_up", "p_low_priority", "p_overkill")
_CUTS: Final = {"mean": "Means", "midpoint": "Midpoints", "iso": "Equal priority"}
_READINGS: Final = ("Hygiene", "Known priority", "Hidden opportunity", "Minor")
_MOST: Final = 25
_ROOM: Final = 0.12
_WIDEST_CLOSE_UP: Final = (
    8.0  # points of performance: closer up, ratings that hardly differ would look far apart
)


def map_(result: Result, theme: Theme) -> go.Figure:
    """Draw importance against performance with crosses for the intervals, and the lines of the chosen cut."""
    rows = result.tables()["drivers"].head(_MOST).to_dicts()
    column = _importance(result)
    x_range, y_range = _span(rows, "performance", _WIDEST_CLOSE_UP), _span(rows, column)
    places = label_places(
        [r["performance"] for r in rows],
        [r[column] for r in rows],
        [text.shortened(r["driver_label"], 18) for r in rows],
        x_range,
        y_range,
        [_cross(r, column) for r in rows],
    )
    return parts.figure(
        result,
        "map",
        theme,
        [t for i, name in enumerate(_QUADRANTS) if (t := _points(result, theme, rows, places, i, name))],
        alt=_map_alt(result, rows),
        height=560,
        xaxis=parts.axis("Performance: mean rating, 0 to 100", "names", range=x_range, showgrid=True),
        yaxis=parts.axis(_importance_title(result), _kind(result), range=y_range, rangemode="normal"),
        shapes=_lines(result, theme, x_range, y_range),
        annotations=_corners(theme),
        showlegend=True,
        margin=parts.legend_room(2),
    )


def _cross(row: Row, column: str) -> tuple[float, float, float, float]:
    """Give the ends of the two intervals of a point; the point itself where it has none."""
    ends = [
        row[name] if row.get(f"{name}_{end}") is None else row[f"{name}_{end}"]
        for end in ("lower", "upper")
        for name in ("performance", column)
    ]
    return ends[0], ends[1], ends[2], ends[3]


def _points(
    result: Result, theme: Theme, rows: Sequence[Row], places: Sequence[str], index: int, name: str
) -> go.Scatter | None:
    column, colour = _importance(result), _colours(theme)[index]
    own = [(r, p) for r, p in zip(rows, places, strict=True) if r["quadrant"] == name]
    if not own:
        return None
    kept = [r for r, _ in own]
    faint = theme.tint(colour, 0.55)
    return go.Scatter(
        x=[r["performance"] for r in kept],
        y=[r[column] for r in kept],
        mode="markers+text",
        name=name,
        text=[text.safe(text.shortened(r["driver_label"], 18)) for r in kept],
        textposition=[p for _, p in own],
        textfont={"size": 13, "color": theme.text},
        cliponaxis=False,
        error_x={**parts.interval(theme, kept, "performance"), "color": faint},
        error_y={**parts.interval(theme, kept, column), "color": faint},
        marker={
            "color": colour,
            "size": 11,
            "symbol": ("diamond", "circle", "square", "triangle-up")[index],
            "line": {"color": theme.background, "width": 1},
        },
        hovertext=[_words(result, r) for r in kept],
        hovertemplate=parts.HOVER,
    )


def _lines(
    result: Result, theme: Theme, x_range: Sequence[float], y_range: Sequence[float]
) -> list[dict[str, object]]:
    """Draw where the quadrants meet; with equal priority the line leans."""
    cuts = result.tables()["cuts"].filter(pl.col("is_chosen_cut"))
    first = cuts.row(0, named=True)
    look = {"type": "line", "line": {"color": theme.quiet, "dash": "dash", "width": 1.5}, "layer": "below"}
    upright = {**look, "x0": first["performance_cut"], "x1": first["performance_cut"], "yref": "paper", "y0": 0, "y1": 1}  # fmt: skip
    if first["cut"] != "iso":
        return [
            upright,
            {**look, "y0": first["importance_cut"], "y1": first["importance_cut"], "xref": "paper", "x0": 0, "x1": 1},
        ]  # fmt: skip
    ends = cuts.join(result.tables()["drivers"].select("driver", "performance"), on="driver").sort(
        "performance"
    )
    low, high = ends.row(0, named=True), ends.row(-1, named=True)
    run = high["performance"] - low["performance"]
    slope = (high["importance_cut"] - low["importance_cut"]) / run if run else 0.0
    level = low["importance_cut"] - slope * low["performance"]
    middle = level + slope * first["performance_cut"]
    x0, x1 = _clipped(slope, level, x_range, y_range)
    leaning = {**look, "x0": x0, "x1": x1, "y0": level + slope * x0, "y1": level + slope * x1}
    below = {**upright, "yref": "y", "y0": y_range[0], "y1": middle}
    beside = {**look, "y0": middle, "y1": middle, "x0": first["performance_cut"], "x1": x_range[1]}
    return [leaning, below, beside]


def _clipped(
    slope: float, level: float, x_range: Sequence[float], y_range: Sequence[float]
) -> tuple[float, float]:
    if slope <= 0:
        return x_range[0], x_range[1]
    return max(x_range[0], (y_range[0] - level) / slope), min(x_range[1], (y_range[1] - level) / slope)


def _corners(theme: Theme) -> list[dict[str, object]]:
    """Name the quadrants in the corners of the map."""
    places = ((0.01, 0.99, "left", "top"), (0.99, 0.99, "right", "top"), (0.01, 0.01, "left", "bottom"), (0.99, 0.01, "right", "bottom"))  # fmt: skip
    return [
        {
            "text": text.wrapped(name, 14),
            "xref": "paper",
            "yref": "paper",
            "x": x,
            "y": y,
            "xanchor": x_anchor,
            "yanchor": y_anchor,
            "align": x_anchor,
            "showarrow": False,
            "font": {"size": 12, "color": theme.muted},
        }
        for name, (x, y, x_anchor, y_anchor) in zip(_QUADRANTS, places, strict=True)
    ]


def probabilities(result: Result, theme: Theme) -> go.Figure:
    """Draw for each driver how often it stands in each quadrant."""
    rows = result.tables()["drivers"].head(_MOST).to_dicts()
    traces = [
        chance_bars.one(rows, column, name, colour, theme)
        for name, column, colour in zip(_QUADRANTS, _CHANCES, _colours(theme), strict=True)
    ]
    said = "; ".join(
        f"{r['driver_label']}: {r['quadrant'].lower()} in {formats.share(r['quadrant_probability'])}"
        for r in rows
    )
    return parts.figure(
        result,
        "probabilities",
        theme,
        traces,
        alt=f"Bars of the share of bootstrap draws in each quadrant. {said}.",
        height=220 + 34 * len(rows),
        barmode="stack",
        bargap=0.3,
        xaxis=parts.axis("Share of bootstrap draws", "share", range=[0, 1]),
        yaxis=parts.names_axis("Driver, most important first", [r["driver_label"] for r in rows], width=18),
        legend={"traceorder": "normal"},
        margin=parts.legend_room(2),
    )


def cuts(result: Result, theme: Theme) -> go.Figure:
    """Draw in which quadrant each driver stands under each choice of lines."""
    drivers = result.tables()["drivers"].head(_MOST)["driver"].to_list()
    table = result.tables()["cuts"].filter(pl.col("driver").is_in(drivers))
    at = {(r["driver"], r["cut"]): r for r in table.iter_rows(named=True)}
    order = [c for c in _CUTS if c in set(table["cut"])]
    traces = []
    for index, (name, colour) in enumerate(zip(_QUADRANTS, _colours(theme), strict=True)):
        own = [(x, y, at[d, c]) for y, d in enumerate(drivers) for x, c in enumerate(order) if at[d, c]["quadrant"] == name]  # fmt: skip
        if not own:
            continue
        traces.append(
            go.Scatter(
                x=[x for x, _, _ in own],
                y=[y for _, y, _ in own],
                mode="markers+text",
                name=name,
                marker={
                    "color": colour,
                    "size": 17,
                    "symbol": ("diamond", "circle", "square", "triangle-up")[index],
                },
                text=[f"{100 * r['quadrant_probability']:.0f}%" for _, _, r in own],
                textposition="middle right",
                textfont={"size": 12, "color": theme.muted},
                cliponaxis=False,
                hovertext=[
                    text.lines(
                        f"{name}, in {formats.share(r['quadrant_probability'])} of draws",
                        f"Lines at: {_CUTS[r['cut']].lower()}",
                        head=r["driver_label"],
                    )
                    for _, _, r in own
                ],
                hovertemplate=parts.HOVER,
            )
        )
    said = "; ".join(
        f"{at[d, order[0]]['driver_label']}: "
        + ", ".join(f"{_CUTS[c].lower()} {at[d, c]['quadrant'].lower()}" for c in order)
        for d in drivers[:12]
    )
    return parts.figure(
        result,
        "cuts",
        theme,
        traces,
        alt=f"The quadrant of each driver under each choice of lines. {said}.",
        height=230 + 36 * len(drivers),
        xaxis=parts.axis(
            "Where the lines are; beside, share of draws",
            "names",
            tickvals=list(range(len(order))),
            ticktext=[text.wrapped(_CUTS[c], 9) for c in order],
            range=[-0.4, len(order) - 0.4],
            zeroline=False,
        ),
        yaxis=parts.names_axis("Driver", [at[d, order[0]]["driver_label"] for d in drivers], width=18),
        legend={"traceorder": "normal"},
        margin=parts.legend_room(2),
    )


def stated(result: Result, theme: Theme) -> go.Figure:
    """Draw what customers say is important against what moves satisfaction."""
    rows = (
        result.tables()["stated"]
        .join(result.tables()["drivers"], on="driver", maintain_order="left")
        .head(_MOST)
    ).to_dicts()
    column = _importance(result)
    x_range, y_range = _span(rows, "stated_importance"), _span(rows, column)
    places = label_places(
        [r["stated_importance"] for r in rows],
        [r[column] for r in rows],
        [text.shortened(r["driver_label"], 18) for r in rows],
        x_range,
        y_range,
    )
    colours = dict(zip(_READINGS, (theme.categories[1], theme.good, theme.accent, theme.quiet), strict=True))
    middle = [sum(r[c] for r in rows) / len(rows) for c in ("stated_importance", column)]
    look = {"type": "line", "line": {"color": theme.quiet, "dash": "dash", "width": 1.5}, "layer": "below"}
    traces = [
        go.Scatter(
            x=[r["stated_importance"] for r, _ in own],
            y=[r[column] for r, _ in own],
            mode="markers+text",
            name=reading,
            text=[text.safe(text.shortened(r["driver_label"], 18)) for r, _ in own],
            textposition=[p for _, p in own],
            textfont={"size": 13, "color": theme.text},
            cliponaxis=False,
            error_x={**parts.interval(theme, [r for r, _ in own], "stated_importance"), "color": theme.quiet},
            error_y={**parts.interval(theme, [r for r, _ in own], column), "color": theme.quiet},
            marker={"color": colours[reading], "size": 11},
            hovertext=[
                text.lines(
                    f"{reading}, in {formats.share(r['reading_probability'])} of draws",
                    f"Stated: place {r['stated_rank']}; derived: place {r['derived_rank']}",
                    head=r["driver_label"],
                )
                for r, _ in own
            ],
            hovertemplate=parts.HOVER,
        )
        for reading in _READINGS
        if (own := [(r, p) for r, p in zip(rows, places, strict=True) if r["reading"] == reading])
    ]
    return parts.figure(
        result,
        "stated",
        theme,
        traces,
        alt=_stated_alt(rows),
        height=520,
        xaxis=parts.axis("Stated importance", "names", range=x_range, showgrid=True),
        yaxis=parts.axis(_importance_title(result), _kind(result), range=y_range, rangemode="normal"),
        shapes=[
            {**look, "x0": middle[0], "x1": middle[0], "yref": "paper", "y0": 0, "y1": 1},
            {**look, "y0": middle[1], "y1": middle[1], "xref": "paper", "x0": 0, "x1": 1},
        ],
        showlegend=True,
        margin=parts.legend_room(2),
    )


def _stated_alt(rows: Sequence[Row]) -> str:
    said = "; ".join(f"{r['driver_label']}: {r['reading'].lower()}" for r in rows)
    return f"Stated against derived importance. {said}."


def _importance(result: Result) -> str:
    return "importance_share" if result.parameters["importance"] == "lmg" else "driver_effect"


def _kind(result: Result) -> Any:  # noqa: ANN401 a kind of axis
    return "share" if _importance(result) == "importance_share" else "names"


def _importance_title(result: Result) -> str:
    if _importance(result) == "importance_share":
        return "Importance: share of what is explained"
    return "Importance: points of the outcome per point"


def _colours(theme: Theme) -> tuple[str, str, str, str]:
    return theme.bad, theme.good, theme.quiet, theme.categories[1]


def _span(rows: Sequence[Row], column: str, least: float = 0.0) -> list[float]:
    """Give a range that holds all intervals, with room for labels, and is at least so wide."""
    low = min(r[f"{column}_lower"] if r[f"{column}_lower"] is not None else r[column] for r in rows)
    high = max(r[f"{column}_upper"] if r[f"{column}_upper"] is not None else r[column] for r in rows)
    room = max(_ROOM * (high - low) or max(abs(high), 1.0) * _ROOM, (least - high + low) / 2)
    return [low - room, high + room]


def _words(result: Result, row: Row) -> str:
    share = _importance(result) == "importance_share"
    importance = parts.spanned(row, _importance(result), "share" if share else "number")
    return text.lines(
        f"Importance {importance}",
        f"Performance {parts.spanned(row, 'performance', 'score')} of 100",
        f"{row['quadrant']} in {formats.share(row['quadrant_probability'])} of draws",
        parts.counted(row["n_answers"], "answer"),
        head=row["driver_label"],
    )


def _map_alt(result: Result, rows: Sequence[Row]) -> str:
    share = _importance(result) == "importance_share"
    said = "; ".join(
        f"{r['driver_label']}: importance {formats.value(r[_importance(result)], 'share' if share else 'number')}, "
        f"performance {r['performance']:.0f} of 100, {r['quadrant'].lower()}"
        for r in rows[:12]
    )
    return f"Map of importance against performance with 95% intervals and the lines at {_CUTS[result.parameters['cut']].lower()}. {said}."


VIEWS: Final[Views] = {"map": map_, "probabilities": probabilities, "cuts": cuts, "stated": stated}
"""The drawings of this analysis by view."""
