"""Pictures of revenue retention: the way from opening to closing, movements, rates, groups, cohorts, the outlook."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts import revenue_hover as hover
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import TEXT_SIZE, Theme
from crm_analytics.results import Result
from crm_analytics.terms import Unit

Row = Mapping[str, Any]

_MOST_COHORTS: Final = 36
_MOST_BARS: Final = 60
_MOST_AGES: Final = 61
_MOST_POINTS: Final = 260


def waterfall(result: Result, theme: Theme) -> go.Figure:
    """Draw the way from opening to closing over the trailing stretch, a bar per step from the top down."""
    money = hover.has_money(result)
    rows = result.tables()["waterfall"].to_dicts()
    placed = _placed(rows, "step_revenue" if money else "step_customers")
    ends = {"Opening", "Closing"}
    colours = [
        theme.quiet if r["step"] in ends else theme.good if size >= 0 else theme.bad for r, _, size in placed
    ]
    labels = [
        {
            "x": base + abs(size), "y": i, "xanchor": "left", "xshift": 5, "showarrow": False,
            "text": text.safe(hover.step_label(result, size, whole=r["step"] in ends)), "font": {"color": theme.text, "size": 13},
        }
        for i, (r, base, size) in enumerate(placed)
    ]  # fmt: skip
    bars = go.Bar(
        x=[abs(size) for _, _, size in placed],
        base=[base for _, base, _ in placed],
        y=list(range(len(placed))),
        orientation="h",
        marker={"color": colours},
        hovertext=[hover.step_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
        showlegend=False,
    )
    most = max(base + abs(size) for _, base, size in placed)
    return parts.figure(
        result,
        "waterfall",
        theme,
        [bars],
        alt="Steps from opening to closing. "
        + " ".join(hover.step_words(result, r, plain=True) for r in rows),
        height=150 + 40 * len(rows),
        bargap=0.3,
        xaxis=parts.axis(
            hover.axis_title(result),
            "money" if money else "count",
            range=[0, most * 1.32],
            nticks=5,
            tickangle=0,
        ),
        yaxis=parts.names_axis("Step", [r["step"] for r in rows]),
        annotations=labels,
    )


def _placed(rows: Sequence[Row], column: str) -> list[tuple[Row, float, float]]:
    """Give each step with the lower end of its bar and its size, losses below nought."""
    level, placed = 0.0, []
    for row in rows:
        size = float(row[column])
        size = (
            -size if row["step"] == "Lost" and size > 0 else size
        )  # customers are counted, revenue has its sign
        whole = row["step"] in {"Opening", "Closing"}
        placed.append((row, 0.0 if whole else min(level, level + size), size))
        level = size if whole else level + size
    return placed


def bridge(result: Result, theme: Theme) -> go.Figure:
    """Draw what came above nought and what went below it, period by period; the unfinished period is pale."""
    rows = result.tables()["bridge"].to_dicts()[-_MOST_BARS:]
    money = hover.has_money(result)
    moves = (
        hover.MOVES if money else tuple(m for m in hover.MOVES if m[0] not in {"expansion", "contraction"})
    )
    colours = {
        "accent": theme.accent, "other": theme.categories[1], "good": theme.good, "pale": theme.tint(theme.bad, 0.55),
        "bad": theme.bad,
    }  # fmt: skip
    column = "revenue" if money else "customers"
    bars = [
        go.Bar(
            x=[r["period_on"] for r in rows],
            y=[sign * r[f"{key}_{column}"] for r in rows],
            name=label,
            marker={
                "color": [
                    colours[shade] if r["is_complete"] else theme.tint(colours[shade], 0.45) for r in rows
                ]
            },
            hovertext=[hover.bridge_words(result, r) for r in rows],
            hovertemplate=parts.HOVER,
        )
        for key, label, sign, shade in moves
    ]
    last = ([r for r in rows if r["is_complete"]] or rows)[-1]
    return parts.figure(
        result,
        "bridge",
        theme,
        bars,
        alt=f"Stacked bars by {hover.period_of(result)}: gains above nought, losses below. {hover.bridge_words(result, last, plain=True)}",
        height=450,
        barmode="relative",
        xaxis=_time_axis(result, rows),
        yaxis={**parts.axis(f"Change of {hover.axis_title(result)[:1].lower()}{hover.axis_title(result)[1:]}", "money"), "rangemode": "normal"},
        margin=parts.legend_room(2),
        legend={"traceorder": "normal"},
    )  # fmt: skip


def _time_axis(result: Result, rows: Sequence[Row]) -> dict[str, object]:
    """Give an axis of periods by their names: no more names than a phone has room for."""
    step = max(1, -(-len(rows) // 6))
    shown = [r["period_on"] for r in rows][::-1][::step][::-1]
    return parts.axis(
        hover.period_of(result).capitalize(), "names", type="date", tickvals=shown, ticktext=["<br>".join(hover.short_name(result, d).rsplit(" ", 1)) for d in shown]
    )  # fmt: skip


_LINES: Final = (
    ("Net revenue retention", "Cohort, without returned customers", "accent"),
    ("Gross revenue retention", "Cohort, at most what it was", "bad"),
    ("Customer retention", "Cohort", "quiet"),
)


def rates(result: Result, theme: Theme) -> go.Figure:
    """Draw net and gross revenue retention of each trailing stretch with their intervals, and customer retention as a line."""
    table = result.tables()["rates"].to_dicts()
    money = hover.has_money(result)
    colours = {"accent": theme.accent, "bad": theme.bad, "quiet": theme.muted if money else theme.accent}
    lines = [
        (kind, rows, shade)
        for kind, definition, shade in _LINES
        if (
            rows := [r for r in table if r["rate_name"] == kind and r["rate_definition"] == definition][
                -_MOST_POINTS:
            ]
        )
    ]
    if not lines:
        return parts.nothing(result, "rates", theme, "No stretch from start on can be compared.")
    bands = [
        t for _, rows, shade in lines if shade != "quiet" or not money for t in _band(rows, colours[shade])
    ]
    traces = [
        _line(result, rows, kind, colours[shade], dashed=shade == "quiet" and money)
        for kind, rows, shade in lines
    ]
    every = [r for _, rows, _ in lines for r in rows]
    days = sorted({r["period_on"] for r in every})
    return parts.figure(
        result,
        "rates",
        theme,
        [*bands, *traces],
        alt="Lines with 95% intervals. "
        + " ".join(f"{k}: {parts.spanned(rows[-1], 'rate', 'share')} in {hover.period_name(result, rows[-1]['period_on'])}." for k, rows, _ in lines),
        height=460,
        xaxis=_time_axis(result, [{"period_on": d} for d in days]),
        yaxis=_kept_axis(every, "rate"),
        margin=parts.legend_room(3),
        legend={"traceorder": "normal"},
        shapes=_whole_line(theme, every, "rate"),
    )  # fmt: skip


def _kept_axis(rows: Sequence[Row], *columns: str) -> dict[str, object]:
    """Give an axis of what was kept that begins near the lowest interval: points and lines need no nought."""
    low, high = _ends(rows, *columns)
    return {**parts.axis("Kept over the stretch", "share"), "rangemode": "normal", "range": [low, high]}


def _ends(rows: Sequence[Row], *columns: str) -> tuple[float, float]:
    known = [
        r[f"{c}{e}"]
        for r in rows
        for c in columns
        for e in ("", "_lower", "_upper")
        if r[f"{c}{e}"] is not None
    ]
    return max(0.0, 0.1 * math.floor(10 * min(known) - 0.2)), 0.1 * math.ceil(10 * max(known) + 0.2)


def _whole_line(
    theme: Theme, rows: Sequence[Row], *columns: str, along: str = "x"
) -> list[dict[str, object]]:
    """Mark 100%, above which customers bring more than they did, where the figure reaches it."""
    if _ends(rows, *columns)[1] < 1:
        return []
    across = {"x": "y", "y": "x"}[along]
    return [
        {
            "type": "line", f"{along}ref": "paper", f"{along}0": 0, f"{along}1": 1, f"{across}0": 1, f"{across}1": 1,
            "line": {"color": theme.muted, "width": 1, "dash": "dot"}, "layer": "below",
        }
    ]  # fmt: skip


def _band(rows: Sequence[Row], colour: str) -> list[go.Scatter]:
    sure = [r for r in rows if r["rate_lower"] is not None]
    common = {
        "x": [r["period_on"] for r in sure], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False,
    }  # fmt: skip
    rgb = ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))  # seen through, as bands may cross
    return [
        go.Scatter(y=[r["rate_lower"] for r in sure], **common),
        go.Scatter(
            y=[r["rate_upper"] for r in sure], fill="tonexty", fillcolor=f"rgba({rgb},0.17)", **common
        ),
    ]


def _line(result: Result, rows: Sequence[Row], name: str, colour: str, *, dashed: bool) -> go.Scatter:
    return go.Scatter(
        x=[r["period_on"] for r in rows],
        y=[r["rate"] for r in rows],
        mode="lines" if len(rows) > 1 else "markers",
        name=name,
        line={"color": colour, "width": 2 if dashed else 2.5, "dash": "dot" if dashed else "solid"},
        marker={"color": colour, "size": 9},
        hovertext=[hover.rate_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )


def segments(result: Result, theme: Theme) -> go.Figure:
    """Draw retention by group with intervals: net and gross beside each other, the largest group first."""
    rows = result.tables()["segments"].to_dicts()
    money = hover.has_money(result)
    kinds = (
        (
            ("net_revenue_retention", "Net", theme.accent, -0.13),
            ("gross_revenue_retention", "Gross", theme.bad, 0.13),
        )
        if money
        else (("customers_kept_share", "Customers kept", theme.accent, 0.0),)
    )
    dots = [
        go.Scatter(
            x=[r[column] for r in rows],
            y=[i + off for i in range(len(rows))],
            mode="markers",
            name=label,
            marker={"color": colour, "size": 10},
            error_x={**parts.interval(theme, rows, column), "color": colour, "thickness": 2},
            hovertext=[hover.segment_words(result, r) for r in rows],
            hovertemplate=parts.HOVER,
        )
        for column, label, colour, off in kinds
    ]
    return parts.figure(
        result,
        "segments",
        theme,
        dots,
        alt="Dots with 95% intervals. "
        + " ".join(
            f"{r['segment']}: {label} {parts.spanned(r, column, 'share')}."
            for r in rows
            for column, label, *_ in kinds
        ),
        height=170 + 54 * len(rows),
        xaxis=_kept_axis(rows, *(column for column, *_ in kinds)),
        shapes=_whole_line(theme, rows, *(column for column, *_ in kinds), along="y"),
        yaxis=parts.names_axis(str(result.parameters.get("by") or "Group").replace("_", " ").capitalize(), [r["segment"] for r in rows], width=16),
        margin=parts.legend_room(),
        showlegend=money,
    )  # fmt: skip


def cohorts(result: Result, theme: Theme) -> go.Figure:
    """Draw what each cohort keeps at each age; one scale of shades for the whole table, unfinished cells left out."""
    column = "revenue_kept_share" if hover.has_money(result) else "customers_kept_share"
    whole = [r for r in result.tables()["cohorts"].to_dicts() if r["is_complete"] and r[column] is not None]
    days = sorted({r["cohort_on"] for r in whole})[-_MOST_COHORTS:]
    if not days:
        return parts.nothing(result, "cohorts", theme, "No cohort has a whole period yet.")
    cells = {(r["cohort_on"], r["cohort_age"]): r for r in whole}
    oldest = max(a for d, a in cells if d in days)
    first_age = (
        0 if hover.by_month(result) or not oldest else 1
    )  # what is spent first is all of what is spent first
    ages = range(first_age, min(oldest, first_age + _MOST_AGES - 1) + 1)
    value = [[cells[d, a][column] if (d, a) in cells else None for a in ages] for d in days]
    words = [[hover.cohort_words(result, cells[d, a]) if (d, a) in cells else "" for a in ages] for d in days]
    step = max(1, -(-len(days) // 12))
    first, last = cells[days[0], max(a for d, a in cells if d == days[0])], days[0]
    return parts.figure(
        result,
        "cohorts",
        theme,
        [
            go.Heatmap(
                z=value,
                x=list(ages),
                y=list(range(len(days))),
                colorscale=_scale(theme),
                zmin=0,
                zmax=_top(value, whole=first_age == 0),
                xgap=1,
                ygap=1,
                hovertext=words,
                hovertemplate=parts.HOVER,
                hoverongaps=False,
                colorbar={
                    "title": {"text": " Kept", "side": "right", "font": {"size": TEXT_SIZE, "color": theme.muted}}, "tickformat": "~%", "orientation": "h", "thickness": 12, "len": 0.7,
                    "x": 0, "xanchor": "left", "yref": "container", "y": 0.02, "yanchor": "bottom", "nticks": 4,
                },
            )
        ],
        alt=f"A table of shades: {len(days)} cohorts by {hover.period_of(result)}. The oldest, {hover.period_name(result, last)}, keeps "
        f"{formats.share(first[column])} after {parts.counted(first['cohort_age'], hover.period_of(result))}.",
        height=260 + max(9, min(34, 400 // len(days))) * len(days),
        xaxis=parts.axis(f"{hover.period_of(result).capitalize()}s since the beginning", "names", nticks=8),
        yaxis=parts.axis(
            "Cohort by start", "names", autorange="reversed",
            tickvals=list(range(len(days)))[::step], ticktext=[hover.short_name(result, d) for d in days][::step],
        ),
        margin={"b": 100},
    )  # fmt: skip


def _scale(theme: Theme) -> list[tuple[float, str]]:
    return [(0.0, theme.tint(theme.accent, 0.06)), (0.5, theme.tint(theme.accent, 0.45)), (1.0, theme.accent)]


def _top(value: Sequence[Sequence[float | None]], *, whole: bool) -> float:
    """Give the end of the scale: 100%, or more where cohorts grow; a few very large cells do not stretch it.

    Where no cell need be near 100%, it is the largest but a few.
    """
    flat = sorted(v for row in value for v in row if v is not None)
    most = min(flat[int(0.98 * (len(flat) - 1))], 2.0)
    return max(1.0, most) if whole else max(0.1, math.ceil(10 * most) / 10)


def outlook(result: Result, theme: Theme) -> go.Figure:
    """Draw what today's customers are expected to bring month by month, with its interval."""
    money = hover.has_money(result)
    column = "revenue_ahead" if money else "customers_ahead"
    rows = result.tables()["outlook"].to_dicts()
    months = [r["months_ahead"] for r in rows]
    common = {"x": months, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    last = rows[-1]
    unit: Unit = "money" if money else "count"
    write: Callable[[Row], str] = lambda r: parts.spanned(  # noqa: E731 used twice below
        {k: round(v, 2) if money else round(v) for k, v in r.items() if v is not None},
        column,
        unit,
        result.currency,
    )
    return parts.figure(
        result,
        "outlook",
        theme,
        [
            go.Scatter(y=[r[f"{column}_lower"] for r in rows], showlegend=False, **common),
            go.Scatter(
                y=[r[f"{column}_upper"] for r in rows], name="95% interval", fill="tonexty",
                fillcolor=theme.tint(theme.accent, 0.28), **common,
            ),
            go.Scatter(
                x=months, y=[r[column] for r in rows], mode="lines", name="Expected",
                line={"color": theme.accent, "width": 2.5},
                hovertext=[text.lines(write(r), head=f"In {parts.counted(r['months_ahead'], 'month')}" if r["months_ahead"] else "Today") for r in rows],
                hovertemplate=parts.HOVER,
            ),
        ],
        alt=f"A falling line with its interval: from {write(rows[0])} today to {write(last)} in {last['months_ahead']} months.",
        height=430,
        xaxis=parts.axis("Months ahead", "count", dtick=6 if len(months) > 8 else 1),  # noqa: PLR2004
        yaxis=parts.axis(f"From today's customers{hover.symbol(result) if money else ''}", "money" if money else "count"),
        margin=parts.legend_room(),
    )  # fmt: skip


VIEWS: Final[Views] = {
    "waterfall": waterfall,
    "bridge": bridge,
    "rates": rates,
    "segments": segments,
    "cohorts": cohorts,
    "outlook": outlook,
}
"""The drawings of this analysis by view."""
