"""Pictures of complaints: how many, how fast, about what, since when open, how satisfied, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl

from crm_analytics import formats
from crm_analytics.charts import complaint_hovers, parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_MOST_PERIODS: Final = 60
_MOST_CATEGORIES: Final = 12
_DAY: Final = 24
_TICK_DAYS: Final = (1 / 24, 0.25, 0.5, 1, 2, 3, 7, 14, 30, 60, 90, 180, 365)
_MOST_TICKS: Final = 6.5
_FAR_SHARE: Final = 0.95
_FAR_TARGETS: Final = 2.5
_WIDE: Final = 2.5


def volume(result: Result, theme: Theme) -> go.Figure:
    """Draw the cases of each period within the limits of usual variation."""
    rows = result.tables()["volume"].tail(_MOST_PERIODS).to_dicts()
    at = [r["case_period_on"] for r in rows]
    judged = [r for r in rows if r["usual_cases_upper"] is not None]
    days = [r["case_period_on"] for r in judged]
    plain = {"x": days, "mode": "lines", "hoverinfo": "skip", "line": {"width": 0, "shape": "hvh"}}
    traces: list[object] = [
        go.Scatter(y=[r["usual_cases_lower"] for r in judged], showlegend=False, **plain),
        go.Scatter(
            y=[r["usual_cases_upper"] for r in judged],
            fill="tonexty",
            fillcolor=theme.tint(theme.quiet, 0.28),
            name="Usual variation",
            **plain,
        ),
    ]
    colours = [
        theme.bad if r["is_unusual"] else theme.accent if r["case_period_complete"] else theme.background
        for r in rows
    ]
    traces.append(
        go.Scatter(
            x=at,
            y=[r["n_cases"] for r in rows],
            mode="lines+markers",
            name="Cases opened",
            line={"color": theme.accent, "width": 2},
            marker={"color": colours, "size": 8, "line": {"color": theme.accent, "width": 1.5}},
            hovertext=[complaint_hovers.volume_words(result, r) for r in rows],
            hovertemplate=parts.HOVER,
        )
    )
    return parts.figure(
        result,
        "volume",
        theme,
        traces if judged else traces[2:],
        alt=complaint_hovers.volume_alt(result, rows),
        height=440,
        xaxis=parts.axis(f"{str(result.parameters['period']).capitalize()} opened", "names"),
        yaxis=parts.axis("Cases opened", "count"),
        showlegend=bool(judged),
        margin=parts.legend_room() if judged else {},
    )


def resolution(result: Result, theme: Theme) -> go.Figure:
    """Draw the share resolved (and first answered) by time, with its band and the target."""
    table = result.tables()["curve"].filter(pl.col("case_group_kind") == "all")
    clocks = table["clock"].unique(maintain_order=True).to_list()
    whole = result.tables()["resolution"].row(0, named=True)
    last = _last_hours(table, float(whole["target_hours"]))
    traces: list[object] = []
    for clock, colour in zip(clocks, (theme.accent, theme.categories[1]), strict=False):
        shown = table.filter((pl.col("clock") == clock) & (pl.col("case_hours") <= last))
        traces += _banded(_from_nought(shown.to_dicts()), colour, clock)
    target = float(whole["target_hours"]) / _DAY
    return parts.figure(
        result,
        "resolution",
        theme,
        traces,
        alt=complaint_hovers.resolution_alt(whole, last),
        height=460,
        xaxis=_time_axis(last),
        yaxis=parts.axis("Share of cases", "share", range=[0, 1.02]),
        shapes=[_upright(theme, target)] if target * _DAY <= last else [],
        annotations=[_target_note(theme, target)] if target * _DAY <= last else [],
        showlegend=len(clocks) > 1,
        margin=parts.legend_room() if len(clocks) > 1 else {},
    )


def categories(result: Result, theme: Theme) -> go.Figure:
    """Draw the share of each category, most frequent first, and the share of it with those above."""
    table = result.tables()["categories"]
    rows = table.head(_MOST_CATEGORIES).to_dicts()
    places = list(range(len(rows)))
    bars = go.Bar(
        x=[r["case_share"] for r in rows],
        y=places,
        orientation="h",
        name="Share of cases",
        marker={"color": [theme.accent if r["is_vital"] else theme.quiet for r in rows]},
        error_x=parts.interval(theme, rows, "case_share"),
        hovertext=[complaint_hovers.category_words(r) for r in rows],
        hovertemplate=parts.HOVER,
    )
    line = go.Scatter(
        x=[r["cumulative_case_share"] for r in rows],
        y=places,
        mode="lines+markers",
        name="With those above",
        line={"color": theme.categories[1], "width": 2},
        marker={"size": 7},
        error_x=parts.interval(theme, rows, "cumulative_case_share"),
        hovertext=[complaint_hovers.category_words(r) for r in rows],
        hovertemplate=parts.HOVER,
    )
    more = f" {table.height - len(rows)} rarer ones are in the table." if table.height > len(rows) else ""
    return parts.figure(
        result,
        "categories",
        theme,
        [bars, line],
        alt="Categories by share of cases. "
        + "; ".join(f"{r['case_category']} {parts.spanned(r, 'case_share', 'share')}" for r in rows)
        + f".{more}",
        height=200 + 38 * len(rows),
        xaxis=parts.axis("Share of cases", "share", range=[0, 1.04]),
        yaxis=parts.names_axis("Category", [r["case_category"] for r in rows], width=16),
        margin=parts.legend_room(),
    )


def warnings(result: Result, theme: Theme) -> go.Figure:
    """Draw each category's cases of the last whole period beside what was to be expected and where a warning begins."""
    rows = result.tables()["warnings"].head(_MOST_CATEGORIES).to_dicts()
    places = list(range(len(rows)))
    expected = go.Scatter(
        x=[r["expected_cases"] for r in rows],
        y=places,
        mode="markers",
        name="Expected",
        marker={"symbol": "line-ns", "size": 18, "line": {"color": theme.text, "width": 2}},
        hoverinfo="skip",
    )
    bound = go.Scatter(
        x=[r["warning_from_cases"] for r in rows],
        y=places,
        mode="markers",
        name="Warning from",
        marker={"symbol": "line-ns", "size": 18, "line": {"color": theme.bad, "width": 3}},
        hoverinfo="skip",
    )
    bars = go.Bar(
        x=[r["n_cases"] for r in rows],
        y=places,
        orientation="h",
        name="Cases",
        marker={"color": [theme.bad if r["is_warning"] else theme.accent for r in rows]},
        hovertext=[complaint_hovers.warning_words(r) for r in rows],
        hovertemplate=parts.HOVER,
    )
    day = rows[0]["judged_on"]
    since = formats.value(day, "day")
    return parts.figure(
        result,
        "warnings",
        theme,
        [bars, expected, bound],
        alt=f"Cases by category in the {result.parameters['period']} from {since}. "
        + "; ".join(
            f"{r['case_category']} {r['n_cases']:,}, expected {r['expected_cases']:.0f}, warning from {r['warning_from_cases']:,}"
            for r in rows
        )
        + ".",
        height=200 + 38 * len(rows),
        xaxis=parts.axis(f"Cases, {_named(day, result)}", "count"),
        yaxis=parts.names_axis("Category", [r["case_category"] for r in rows], width=16),
        margin=parts.legend_room(),
    )


def backlog(result: Result, theme: Theme) -> go.Figure:
    """Draw the open cases by how long they have been open."""
    rows = result.tables()["backlog"].to_dicts()
    late = [theme.bad if r["is_beyond_target"] else theme.accent for r in rows]
    bars = go.Bar(
        x=[r["n_open_cases"] for r in rows],
        y=list(range(len(rows))),
        orientation="h",
        text=[f"{r['n_open_cases']:,}" for r in rows],
        textposition="outside",
        cliponaxis=False,
        marker={"color": late},
        hovertext=[complaint_hovers.backlog_words(r) for r in rows],
        hovertemplate=parts.HOVER,
        showlegend=False,
    )
    return parts.figure(
        result,
        "backlog",
        theme,
        [bars],
        alt="Open cases by age. " + "; ".join(f"{r['age_band']}: {r['n_open_cases']:,}" for r in rows) + ".",
        height=180 + 36 * len(rows),
        xaxis=parts.axis("Open cases", "count"),
        yaxis=parts.names_axis("Open for", [r["age_band"] for r in rows], width=20),
    )


def satisfaction(result: Result, theme: Theme) -> go.Figure:
    """Draw mean satisfaction by the time a case took, with intervals, and the curve that never rises."""
    table = result.tables()["satisfaction"]
    sources = table["satisfaction_source"].unique(maintain_order=True).to_list()
    rows = table.filter(pl.col("satisfaction_source") == sources[0]).to_dicts()
    places = list(range(len(rows)))
    curve = go.Scatter(
        x=places,
        y=[r["monotone_satisfaction"] for r in rows],
        mode="lines",
        name="Best line that never rises",
        line={"color": theme.quiet, "width": 2, "dash": "dot"},
        hoverinfo="skip",
    )
    dots = go.Scatter(
        x=places,
        y=[r["mean_satisfaction"] for r in rows],
        mode="markers",
        name="Mean of the answers",
        marker={"color": theme.accent, "size": 11},
        error_y=parts.interval(theme, rows, "mean_satisfaction"),
        hovertext=[complaint_hovers.satisfaction_words(r) for r in rows],
        hovertemplate=parts.HOVER,
    )
    ticks = [
        f"{_SHORT_TIMES.get(r['resolved_within'], text.safe(r['resolved_within']))}<br>{r['n_satisfaction_answers']:,}"
        for r in rows
    ]
    whose = "given with the case" if sources[0] == "cases" else "in a survey soon after"
    return parts.figure(
        result,
        "satisfaction",
        theme,
        [curve, dots],
        alt="Mean satisfaction by the time within which a case was resolved. "
        + "; ".join(
            f"{r['resolved_within']}: {parts.spanned(r, 'mean_satisfaction', 'number')}" for r in rows
        )
        + ".",
        height=470,
        xaxis=parts.axis(
            "Resolved within (h hours, d days, w weeks); below, answers",
            "names",
            tickangle=0,
            zeroline=False,
            tickvals=places,
            ticktext=ticks,
            range=[-0.5, len(rows) - 0.5],
        ),
        yaxis=parts.axis(f"Satisfaction {whose}, points", "names", showgrid=True),
        margin=parts.legend_room(),
    )


def cost(result: Result, theme: Theme) -> go.Figure:
    """Draw later orders of complainers against matched customers, with intervals; 0% is no difference."""
    rows = result.tables()["cost"].drop_nulls("orders_ratio").to_dicts()
    if not rows:
        return parts.nothing(
            result, "cost", theme, "Nobody ordered in the outcome window: there is nothing to compare."
        )
    rows = [
        {**r, **{f"change{e}": r[f"orders_ratio{e}"] - 1 for e in ("", "_lower", "_upper")}} for r in rows
    ]
    dots = go.Scatter(
        x=[r["change"] for r in rows],
        y=list(range(len(rows))),
        mode="markers+text",
        text=[f"{r['change']:+.0%}" for r in rows],
        textposition="top center",
        textfont={"size": 13, "color": theme.text},
        cliponaxis=False,
        error_x=parts.interval(theme, rows, "change"),
        marker={
            "color": [
                theme.bad if r["change_upper"] < 0 else theme.good if r["change_lower"] > 0 else theme.quiet
                for r in rows
            ],
            "size": 12,
        },
        hovertext=[complaint_hovers.cost_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
        showlegend=False,
    )
    names = [text.wrapped(_SHORT.get(r["complainer_group"], r["complainer_group"]), 18) for r in rows]
    return parts.figure(
        result,
        "cost",
        theme,
        [dots],
        alt="Later orders of complainers against similar customers. "
        + "; ".join(f"{r['complainer_group']} {parts.spanned(r, 'change', 'share')}" for r in rows)
        + ".",
        height=230 + 62 * len(rows),
        xaxis=_change_axis(result),
        yaxis=parts.axis(
            "Complainers",
            "names",
            tickvals=list(range(len(rows))),
            ticktext=names,
            range=[len(rows) - 0.4, -0.6],
            zeroline=False,
        ),
    )


_SHORT_TIMES: Final = {
    "4 hours": "4 h",
    "a day": "1 d",
    "3 days": "3 d",
    "a week": "1 w",
    "2 weeks": "2 w",
    "4 weeks": "4 w",
    "longer": "more",
}
_SHORT: Final = {
    "all complainers": "All complainers",
    "resolved within target": "Resolved within target",
    "slower than target": "Slower than target",
    "slower, beyond what goes with any complaint": "Slower against within target",
}


def _named(day: date, result: Result) -> str:
    """Name a period as people do: a month or year by its name, others by their first day."""
    period = str(result.parameters["period"])
    first = f"{period} from {formats.value(day, 'day')}"
    return {"month": f"{day:%B %Y}", "year": f"{day:%Y}"}.get(period, first)


def _change_axis(result: Result) -> dict[str, object]:
    words = f"Orders in {result.parameters['horizon_days']:,} days against similar customers"
    drawn = parts.axis(
        words, "share", rangemode="normal", tickformat="~%", zeroline=True, zerolinewidth=2, nticks=6
    )
    return {**drawn, "title": {"text": text.wrapped(words, 24)}}  # beside long names there is little room


def _last_hours(table: pl.DataFrame, target: float) -> float:
    """Give the time up to which the curve is worth looking at: most are done, and the target is in sight."""
    done = table.filter((pl.col("done_rate") >= _FAR_SHARE) & (pl.col("clock") == "resolution"))[
        "case_hours"
    ].to_list()
    end = max(table["case_hours"].to_list())
    return float(max(min(max(min(done, default=end), _FAR_TARGETS * target), end), 0.1))


def _from_nought(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not rows or rows[0]["case_hours"] == 0:
        return rows
    none = {"done_rate": 0.0, "done_rate_lower": 0.0, "done_rate_upper": 0.0}
    return [{**rows[0], "case_hours": 0.0, **none}, *rows]


def _banded(rows: Sequence[Row], colour: str, clock: str) -> list[object]:
    days = [r["case_hours"] / _DAY for r in rows]
    plain = {
        "x": days, "mode": "lines", "hoverinfo": "skip", "showlegend": False,
        "line": {"width": 0, "shape": "hv", "color": colour},
    }  # fmt: skip
    rgb = ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return [
        go.Scatter(y=[r["done_rate_lower"] for r in rows], **plain),
        go.Scatter(
            y=[r["done_rate_upper"] for r in rows], fill="tonexty", fillcolor=f"rgba({rgb},0.18)", **plain
        ),
        go.Scatter(
            x=days,
            y=[r["done_rate"] for r in rows],
            mode="lines",
            name="Resolved" if clock == "resolution" else "First answered",
            line={"color": colour, "width": _WIDE, "shape": "hv"},
            hovertext=[complaint_hovers.curve_words(r, clock) for r in rows],
            hovertemplate=parts.HOVER,
        ),
    ]


def _time_axis(last: float) -> dict[str, object]:
    days = last / _DAY
    step = next((s for s in _TICK_DAYS if days / s <= _MOST_TICKS), days)
    hours = step < 1
    ticks = [i * step for i in range(int(days / step) + 1)]
    return parts.axis(
        f"{'Hours' if hours else 'Days'} since the case was opened",
        "count",
        tickvals=ticks,
        ticktext=[f"{t * _DAY if hours else t:,.0f}" for t in ticks],
        range=[-0.01 * days, days * 1.02],
    )


def _upright(theme: Theme, at: float) -> dict[str, object]:
    return {
        "type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper",
        "line": {"color": theme.quiet, "dash": "dot", "width": 1.5},
    }  # fmt: skip


def _target_note(theme: Theme, at: float) -> dict[str, object]:
    return {
        "text": "Target", "x": at, "y": 0.02, "yref": "paper", "xanchor": "left", "yanchor": "bottom", "xshift": 4,
        "showarrow": False, "font": {"color": theme.muted},
    }  # fmt: skip


VIEWS: Views = {
    "volume": volume,
    "resolution": resolution,
    "categories": categories,
    "warnings": warnings,
    "backlog": backlog,
    "satisfaction": satisfaction,
    "cost": cost,
}
"""The drawings of this analysis by view."""
