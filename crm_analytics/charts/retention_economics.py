"""Pictures of retention economics: levers side by side, worth of points of retention, keeping against replacing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import plotly.graph_objects as go

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_COST: Final = "Cost of winning one"


def levers(result: Result, theme: Theme) -> go.Figure:
    """Draw what each change is worth, with its interval; equal changes stand together."""
    table = result.tables()["levers"]
    order = list(dict.fromkeys(table["lever"].to_list()))
    rows = sorted(table.to_dicts(), key=lambda r: (r["lever_size"], order.index(r["lever"])))
    sizes = list(dict.fromkeys(r["lever_size"] for r in rows))
    places = {
        id(r): i + sizes.index(r["lever_size"]) * 0.6 for i, r in enumerate(rows)
    }  # a gap between sizes
    most = max((r["worth_upper"] for r in rows), default=1.0)
    bars = [
        go.Bar(
            x=[r["worth"] for r in some],
            y=[places[id(r)] for r in some],
            orientation="h",
            name=lever,
            width=0.7,
            marker={"color": theme.categories[i % len(theme.categories)]},
            error_x=parts.interval(theme, some, "worth"),
            hovertext=[_lever_words(result, r) for r in some],
            hovertemplate=parts.HOVER,
        )
        for i, lever in enumerate(order)
        for some in [[r for r in rows if r["lever"] == lever]]
    ]
    ends = [
        {
            "x": r["worth_upper"], "y": places[id(r)], "xanchor": "left", "xshift": 6, "showarrow": False,
            "text": text.safe(_money(result, r["worth"])), "font": {"color": theme.text, "size": 13},
        }
        for r in rows
    ]  # fmt: skip
    last = max(places.values(), default=0.0)
    return parts.figure(
        result,
        "levers",
        theme,
        bars,
        alt="Bars with intervals. "
        + " ".join(f"{r['lever']} {r['lever_change']}: {_money(result, r['worth'])}." for r in rows),
        height=170 + 40 * len(rows),
        barmode="overlay",
        xaxis=parts.axis(parts.heading(result, "worth"), "money", range=[0, most * 1.2]),
        yaxis=parts.axis(
            "Change", "names", tickvals=list(places.values()), ticktext=[text.safe(r["lever_change"]) for r in rows],
            range=[last + 0.6, -0.6], zeroline=False,
        ),
        annotations=ends,
        margin=parts.legend_room(),
    )  # fmt: skip


def _lever_words(result: Result, row: Row) -> str:
    share = row["worth_share"]
    each = row["worth_per_customer"]
    return text.lines(
        parts.spanned(row, "worth", "money", result.currency),
        None if share is None else f"{formats.share(share)} of what the base is worth",
        None if each is None else f"may cost up to {formats.money(each, result.currency)} per customer",
        head=f"{row['lever']} {row['lever_change']}",
    )


def curve(result: Result, theme: Theme) -> go.Figure:
    """Draw worth against points of retention with its interval."""
    rows = result.tables()["curve"].to_dicts()
    if len(rows) < 2:  # noqa: PLR2004 nought alone is no curve
        return parts.nothing(
            result, "curve", theme, "Retention is so high already that more can hardly be had."
        )
    points = [100 * r["retention_points"] for r in rows]
    common = {"x": points, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    last, now = rows[-1], rows[0]["yearly_retention"]
    return parts.figure(
        result,
        "curve",
        theme,
        [
            go.Scatter(y=[r["worth_lower"] for r in rows], showlegend=False, **common),
            go.Scatter(
                y=[r["worth_upper"] for r in rows],
                name="95% interval",
                fill="tonexty",
                fillcolor=theme.tint(theme.accent, 0.28),
                **common,
            ),
            go.Scatter(
                x=points,
                y=[r["worth"] for r in rows],
                mode="lines+markers",
                name="Worth",
                line={"color": theme.accent, "width": 2.5},
                marker={"size": 6},
                hovertext=[_point_words(result, r) for r in rows],
                hovertemplate=parts.HOVER,
            ),
        ],
        alt=f"A rising line: {points[-1]:.0f} points of yearly retention more than now ({formats.share(now)}) are worth "
        f"{_money(result, last['worth'])}.",
        height=440,
        xaxis=parts.axis(
            f"Points of yearly retention more than now ({formats.share(now)})", "names", dtick=2
        ),
        yaxis=parts.axis(parts.heading(result, "worth"), "money"),
        margin=parts.legend_room(),
    )


def _point_words(result: Result, row: Row) -> str:
    return text.lines(
        f"Retention {formats.share(row['yearly_retention'])}",
        f"Worth {parts.spanned(row, 'worth', 'money', result.currency)}",
        head=f"{100 * row['retention_points']:.0f} points more",
    )


def keep_or_replace(result: Result, theme: Theme) -> go.Figure:
    """Draw what a kept and a new customer bring beside what winning one costs."""
    rows = result.tables()["keep_or_replace"].to_dicts()
    colours = [
        theme.bad if r["item"] == _COST else theme.accent if "kept" in r["item"] else theme.quiet
        for r in rows
    ]
    most = max(r["amount_upper"] for r in rows)
    ends = [
        {
            "x": max(r["amount_upper"], 0), "y": i, "xanchor": "left", "xshift": 6, "showarrow": False,
            "text": text.safe(formats.money(r["amount"], result.currency)), "font": {"color": theme.text, "size": 13},
        }
        for i, r in enumerate(rows)
    ]  # fmt: skip
    return parts.figure(
        result,
        "keep_or_replace",
        theme,
        [
            go.Bar(
                x=[r["amount"] for r in rows],
                y=list(range(len(rows))),
                orientation="h",
                marker={"color": colours},
                error_x=parts.interval(theme, rows, "amount"),
                hovertext=[_item_words(result, r) for r in rows],
                hovertemplate=parts.HOVER,
                showlegend=False,
            )
        ],
        alt="Bars with intervals. "
        + " ".join(f"{r['item']}: {formats.money(r['amount'], result.currency)}." for r in rows),
        height=150 + 48 * len(rows),
        bargap=0.4,
        xaxis=parts.axis(parts.heading(result, "amount"), "money", range=[min(0.0, *(r["amount_lower"] for r in rows)), most * 1.25]),
        yaxis=parts.axis(
            "Per customer", "names", tickvals=list(range(len(rows))), ticktext=[text.wrapped(r["item"], 16) for r in rows],
            range=[len(rows) - 0.4, -0.6], zeroline=False,
        ),
        annotations=ends,
    )  # fmt: skip


def _item_words(result: Result, row: Row) -> str:
    return text.lines(
        parts.spanned(row, "amount", "money", result.currency), row["item_definition"], head=row["item"]
    )


def _money(result: Result, value: float) -> str:
    return formats.money(value, result.currency, short=True)


VIEWS: Final[Views] = {"levers": levers, "curve": curve, "keep_or_replace": keep_or_replace}
"""The drawings of this analysis by view."""
