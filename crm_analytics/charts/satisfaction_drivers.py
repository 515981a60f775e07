"""Pictures of satisfaction drivers: importance, places, what a point would bring, form, parts compared, gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_MOST: Final = 25  # drivers drawn; the rest is in the table
_MOST_SHAPES: Final = 8
_SURE: Final = 0.05
_NAME: Final = 18
_SYMBOLS: Final = ("circle", "diamond", "square", "triangle-up")


def drivers(result: Result, theme: Theme) -> go.Figure:
    """Draw each driver's part of what all explain, with its interval; those that add nothing surely are pale."""
    rows = _judged(result)
    dots = []
    for name, own, colour in (
        ("Adds something of its own", [r for r in rows if _adds(r)], theme.accent),
        ("Not sure to add anything", [r for r in rows if not _adds(r)], theme.quiet),
    ):
        if own:
            dots.append(
                _dots(theme, own, rows, "importance", colour, name, [_driver_words(result, r) for r in own])
            )
    return parts.figure(
        result,
        "drivers",
        theme,
        dots,
        alt=f"Importance with 95% intervals. {_listed(rows, 'importance', 'share')}.",
        height=190 + 38 * len(rows),
        xaxis=parts.axis("Share of what all drivers explain", "share"),
        yaxis=parts.names_axis("Driver", [r["driver_label"] for r in rows], width=_NAME),
        showlegend=True,
        legend={"traceorder": "normal"},
        margin=parts.legend_room(2),
    )


def ranks(result: Result, theme: Theme) -> go.Figure:
    """Draw how often each driver has each place."""
    names = [r["driver"] for r in _judged(result)]
    table = result.tables()["ranks"].filter(pl.col("driver").is_in(names) & (pl.col("place") <= len(names)))
    by_name = {name: table.filter(pl.col("driver") == name).sort("place").to_dicts() for name in names}
    z = [[r["place_probability"] for r in by_name[name]] for name in names]
    labels = [by_name[name][0]["driver_label"] for name in names]
    words = [
        [
            text.lines(f"place {r['place']} in {formats.share(r['place_probability'])} of draws", head=label)
            for r in by_name[name]
        ]
        for name, label in zip(names, labels, strict=True)
    ]
    heat = go.Heatmap(
        z=z,
        x=list(range(1, len(names) + 1)),
        y=list(range(len(names))),
        zmin=0,
        zmax=1,
        colorscale=[[0, theme.background], [1, theme.accent]],
        showscale=False,
        xgap=2,
        ygap=2,
        text=[[f"{100 * v:.0f}" if v >= 0.005 and len(names) <= 10 else "" for v in line] for line in z],  # noqa: PLR2004
        texttemplate="%{text}",
        textfont={"size": 12},
        hovertext=words,
        hovertemplate=parts.HOVER,
    )
    first = "; ".join(
        f"{label}: first in {formats.share(line[0])}" for label, line in zip(labels, z, strict=True)
    )
    return parts.figure(
        result,
        "ranks",
        theme,
        [heat],
        alt=f"Probability of each place by driver, from the bootstrap. {first}.",
        height=180 + 34 * len(names),
        xaxis=parts.axis(
            "Place by importance; in the cells, percent of draws",
            "names",
            tickvals=list(range(1, len(names) + 1)),
            zeroline=False,
        ),
        yaxis=parts.names_axis("Driver", labels, width=_NAME),
    )


def leverage(result: Result, theme: Theme) -> go.Figure:
    """Draw how much the outcome would differ if everybody below the top rated a driver one point higher."""
    rows = sorted((r for r in _judged(result) if r["leverage"] is not None), key=lambda r: -r["leverage"])
    percent = result.parameters["outcome_unit"] == "share"
    bars = go.Bar(
        x=[r["leverage"] for r in rows],
        y=list(range(len(rows))),
        orientation="h",
        width=0.55,
        marker={
            "color": [
                theme.quiet if r["leverage_lower"] <= 0 <= r["leverage_upper"] else theme.accent for r in rows
            ]
        },
        error_x=parts.interval(theme, rows, "leverage"),
        hovertext=[
            text.lines(
                f"{_change(result, r)} if a point better",
                f"mean answer {r['driver_mean']:.2f}",
                head=r["driver_label"],
            )
            for r in rows
        ],
        hovertemplate=parts.HOVER,
        showlegend=False,
    )
    unit = "percentage points" if percent else str(result.parameters["outcome_unit"])
    said = "; ".join(f"{r['driver_label']}: {_change(result, r)}" for r in rows)
    return parts.figure(
        result,
        "leverage",
        theme,
        [bars],
        alt=f"Mean change of {_outcome(result)} if a driver were rated one point higher by those below the top. {said}.",
        height=170 + 38 * len(rows),
        xaxis=parts.axis(
            f"Change of {_outcome(result)} ({unit}) if rated a point better",
            "names",
            showgrid=True,
            tickformat=".0%" if percent else "~g",
        ),
        yaxis=parts.names_axis("Driver", [r["driver_label"] for r in rows], width=_NAME),
    )


def shape(result: Result, theme: Theme) -> go.Figure:
    """Draw for each rating how the outcome differs by answer, beside the straight line."""
    table = result.tables()["shape"]
    order = [r["driver"] for r in _judged(result)]
    names = [d for d in order if d in set(table["driver"])][:_MOST_SHAPES]
    groups = [table.filter(pl.col("driver") == d).to_dicts() for d in names]
    rows = -(-len(names) // 2)
    titles = [text.safe(text.shortened(g[0]["driver_label"], 16)) for g in groups]
    sheet = make_subplots(
        rows,
        min(2, len(names)),
        shared_yaxes=True,
        subplot_titles=titles,
        vertical_spacing=0.28 / max(rows, 1),
        horizontal_spacing=0.06,
    )
    for k, group in enumerate(groups):
        for trace in _shape_traces(result, theme, group, legend=k == 0):
            sheet.add_trace(trace, row=k // 2 + 1, col=k % 2 + 1)
    figure = parts.figure(
        result, "shape", theme, sheet.data, alt=_shape_alt(result, groups), height=200 + 170 * rows, showlegend=True,
        legend={"traceorder": "normal"}, margin=parts.legend_room(2),
    )  # fmt: skip
    figure.update_layout(
        {k: v for k, v in sheet.layout.to_plotly_json().items() if k not in ("template", "margin")}
    )
    figure.update_layout(
        margin_b=parts.legend_room(2)["b"], annotations=[_panel(a, theme) for a in sheet.layout.annotations]
    )
    figure.update_yaxes(range=_reach(groups), tickformat=_tick(result))
    figure.update_xaxes(nticks=6)
    for column in range(min(2, len(names))):
        last = max(k for k in range(len(names)) if k % 2 == column)
        axis = "xaxis" if last == 0 else f"xaxis{last + 1}"
        figure.layout[axis].title = {"text": "Answer"}
    middle = f"yaxis{2 * ((rows - 1) // 2) + 1}" if rows > 1 else "yaxis"
    figure.layout["yaxis" if middle == "yaxis1" else middle].title = {
        "text": text.wrapped(f"Difference of {_outcome(result)} to the middle answer", 30)
    }
    for axis in ("xaxis", "yaxis"):
        if not figure.layout[axis].title.text:
            figure.layout[axis].title = {"text": " "}
    return figure


def segments(result: Result, theme: Theme) -> go.Figure:
    """Draw how much more or less a driver counts for in a part of the answers than in the rest."""
    table = result.tables()["segments"]
    names = [d for d in [r["driver"] for r in _judged(result)] if d in set(table["driver"])]
    several = table["answers_of"].unique(maintain_order=True).to_list()
    traces = []
    for k, part in enumerate(several):
        rows = table.filter(pl.col("answers_of") == part).to_dicts()
        offset = 0.0 if len(several) == 1 else 0.6 * (k / (len(several) - 1) - 0.5)
        traces.append(
            go.Scatter(
                x=[r["share_difference"] for r in rows],
                y=[names.index(r["driver"]) + offset for r in rows],
                mode="markers",
                name=text.safe(text.shortened(part, 20)),
                marker={
                    "color": theme.categories[k % len(theme.categories)],
                    "size": 9,
                    "symbol": _SYMBOLS[k % len(_SYMBOLS)],
                },
                error_x={
                    **parts.interval(theme, rows, "share_difference"),
                    "color": theme.categories[k % len(theme.categories)],
                },
                hovertext=[_segment_words(part, r) for r in rows],
                hovertemplate=parts.HOVER,
            )
        )
    labels = {r["driver"]: r["driver_label"] for r in table.iter_rows(named=True)}
    tests = "; ".join(
        f"{p}: equal importance p = {table.filter(pl.col('answers_of') == p)['equal_p_holm'][0]:.3f}"
        for p in several
    )
    return parts.figure(
        result,
        "segments",
        theme,
        traces,
        alt=f"Importance in each part of the answers less that in the rest, by driver, with 95% intervals. {tests}.",
        height=200 + (26 + 12 * len(several)) * len(names),
        xaxis=parts.axis(
            "Importance in the part less that in the rest",
            "names",
            showgrid=True,
            tickformat=".0%",
            zeroline=True,
        ),
        yaxis=parts.names_axis("Driver", [labels[n] for n in names], width=_NAME),
        showlegend=True,
        legend={"traceorder": "normal"},
        margin=parts.legend_room(2),
    )


def missing(result: Result, theme: Theme) -> go.Figure:
    """Draw each driver's importance under every way to take missing answers."""
    table = result.tables()["missing"]
    names = [r["driver"] for r in _judged(result)]
    ways = table["gaps_taken"].unique(maintain_order=True).to_list()
    colours = (theme.accent, *theme.categories[1:])
    traces = []
    for k, way in enumerate(ways):
        rows = [r for r in table.filter(pl.col("gaps_taken") == way).to_dicts() if r["driver"] in names]
        traces.append(
            go.Scatter(
                x=[r["importance"] for r in rows],
                y=[names.index(r["driver"]) + 0.14 * (k - (len(ways) - 1) / 2) for r in rows],
                mode="markers",
                name=text.safe(way),
                marker={
                    "color": colours[k % len(colours)],
                    "size": 10,
                    "symbol": _SYMBOLS[k % len(_SYMBOLS)],
                },
                hovertext=[
                    text.lines(
                        f"{formats.share(r['importance'])}, place {r['place']}",
                        f"{parts.counted(r['n_rows'], 'answer sheet')}",
                        way,
                        head=r["driver_label"],
                    )
                    for r in rows
                ],
                hovertemplate=parts.HOVER,
            )
        )
    labels = {r["driver"]: r["driver_label"] for r in table.iter_rows(named=True)}
    firsts = table.filter(pl.col("place") == 1)
    said = "; ".join(f"{r['gaps_taken']}: {r['driver_label']} first" for r in firsts.iter_rows(named=True))
    return parts.figure(
        result,
        "missing",
        theme,
        traces,
        alt=f"Importance of each driver by how missing answers are taken. {said}.",
        height=230 + 42 * len(names),
        xaxis=parts.axis("Share of what all drivers explain", "share"),
        yaxis=parts.names_axis("Driver", [labels[n] for n in names], width=_NAME),
        showlegend=True,
        legend={"traceorder": "normal"},
        margin=parts.legend_room(len(ways)),
    )


def _judged(result: Result) -> list[dict[str, Any]]:
    return result.tables()["drivers"].filter(pl.col("lmg").is_not_null()).head(_MOST).to_dicts()


def _adds(row: Row) -> bool:
    return bool(row["unique_p_holm"] is not None and row["unique_p_holm"] < _SURE)


def _outcome(result: Result) -> str:
    return str(result.parameters["outcome_label"])


def _dots(
    theme: Theme,
    own: Sequence[Row],
    rows: Sequence[Row],
    column: str,
    colour: str,
    name: str,
    words: Sequence[str],
) -> go.Scatter:
    places = {r["driver"]: k for k, r in enumerate(rows)}
    return go.Scatter(
        x=[r[column] for r in own],
        y=[places[r["driver"]] for r in own],
        mode="markers+text",
        name=name,
        text=[f"{100 * r[column]:.0f}%" for r in own],
        textposition="top center",
        textfont={"size": 12, "color": theme.text},
        cliponaxis=False,
        error_x=parts.interval(theme, own, column),
        marker={"color": colour, "size": 12, "line": {"color": theme.background, "width": 1}},
        hovertext=list(words),
        hovertemplate=parts.HOVER,
    )


def _listed(rows: Sequence[Row], column: str, unit: Any) -> str:  # noqa: ANN401 a unit's name
    return "; ".join(f"{r['driver_label']}: {parts.spanned(r, column, unit)}" for r in rows)


def _driver_words(result: Result, row: Row) -> str:
    p = row["unique_p_holm"]
    return text.lines(
        f"{parts.spanned(row, 'importance', 'share')} of what all explain",
        f"first in {formats.share(row['first_probability'])} of draws",
        f"adds {row['unique_r2']:.3f} of its own (p {'< 0.001' if p < 0.001 else f'= {p:.3f}'})",  # noqa: PLR2004 as journals write it
        "" if row["leverage"] is None else f"{_change(result, row)} if a point better",
        row["trouble"],
        parts.counted(row["n_answers"], "answer"),
        head=row["driver_label"],
    )


def _change(result: Result, row: Row) -> str:
    ends = [row[f"leverage{e}"] for e in ("", "_lower", "_upper")]
    unit = result.parameters["outcome_unit"]
    if unit == "share":
        at, low, high = (f"{100 * v:+.1f}" for v in ends)
        return f"{at} percentage points ({low} to {high})"
    at, low, high = (f"{v:+.1f}" if unit == "NPS points" else f"{v:+.2f}" for v in ends)
    return f"{at} {unit} ({low} to {high})"


def _shape_traces(result: Result, theme: Theme, group: Sequence[Row], *, legend: bool) -> list[go.Scatter]:
    at = [(r["answer_low"] + r["answer_high"]) / 2 for r in group]
    words = [
        text.lines(
            f"{_effect(result, r['answer_effect'])} to the middle answer"
            if not r["is_reference"]
            else "the middle answer",
            f"95% interval {_effect(result, r['answer_effect_lower'])} to {_effect(result, r['answer_effect_upper'])}"
            if not r["is_reference"]
            else "",
            parts.counted(r["n_answers"], "answer"),
            head=f"{r['driver_label']}: {r['rating_answer']}",
        )
        for r in group
    ]
    line = go.Scatter(
        x=at,
        y=[r["line_effect"] for r in group],
        mode="lines",
        name="Straight line",
        legendgroup="line",
        showlegend=legend,
        line={"color": theme.quiet, "dash": "dot", "width": 2},
        hoverinfo="skip",
    )
    dots = go.Scatter(
        x=at,
        y=[r["answer_effect"] for r in group],
        mode="lines+markers",
        name="By answer, with interval",
        legendgroup="answer",
        showlegend=legend,
        line={"color": theme.accent, "width": 2},
        marker={"size": 7},
        error_y=parts.interval(theme, group, "answer_effect"),
        hovertext=words,
        hovertemplate=parts.HOVER,
    )
    return [line, dots]


def _effect(result: Result, value: float) -> str:
    unit = result.parameters["outcome_unit"]
    return (
        f"{100 * value:+.1f} percentage points"
        if unit == "share"
        else f"{value:+.1f}"
        if unit == "NPS points"
        else f"{value:+.2f}"
    )


def _tick(result: Result) -> str:
    return ".0%" if result.parameters["outcome_unit"] == "share" else "~g"


def _reach(groups: Sequence[Sequence[Row]]) -> list[float]:
    low = min(r["answer_effect_lower"] for g in groups for r in g)
    high = max(r["answer_effect_upper"] for g in groups for r in g)
    room = 0.08 * max(high - low, 1e-9)
    return [low - room, high + room]


def _shape_alt(result: Result, groups: Sequence[Sequence[Row]]) -> str:
    said = "; ".join(
        f"{g[0]['driver_label']}: lowest answers {_effect(result, g[0]['answer_effect'])}, highest {_effect(result, g[-1]['answer_effect'])}"
        for g in groups
    )
    return f"Small panels, one per driver: difference of {_outcome(result)} to the middle answer, all other drivers alike. {said}."


def _panel(annotation: Any, theme: Theme) -> dict[str, Any]:  # noqa: ANN401 plotly's own
    plain: dict[str, Any] = annotation.to_plotly_json()
    return {**plain, "font": {"size": 13, "color": theme.text, "weight": 600}}


def _segment_words(part: str, row: Row) -> str:
    return text.lines(
        f"{part}: {formats.share(row['part_share'])}, in the rest {formats.share(row['rest_share'])}",
        f"difference {100 * row['share_difference']:+.1f} ({100 * row['share_difference_lower']:+.1f} to {100 * row['share_difference_upper']:+.1f}) points",
        f"p after Holm {row['share_difference_p_holm']:.3f}",
        head=row["driver_label"],
    )


VIEWS: Final[Views] = {
    "drivers": drivers,
    "ranks": ranks,
    "leverage": leverage,
    "shape": shape,
    "segments": segments,
    "missing": missing,
}
