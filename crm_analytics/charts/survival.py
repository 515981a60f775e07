"""Pictures of survival: how many are still there, when the loss is high, which groups stay, and what happens first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl

from crm_analytics import formats
from crm_analytics.charts import panels, parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_STEPS: Final = 240
_THIN: Final = 10
_STEADY: Final = 30
_REACHED: Final = 0.1  # of the customers, for a period to be drawn: the rest is in the table
_MOST_PERIODS: Final = 36
_TICK_STEPS: Final = (1, 2, 5, 7, 14, 30, 60, 90, 180, 365, 730, 1095)
_MOST_TICKS: Final = 6.5
_WIDE: Final = 2.5
_SPARSE: Final = 6  # of the days of a thin line one in so many is drawn
_MOST_CURVES: Final = 3  # with their bands, over each other
_EVERYONE: Final = "everyone"


def curve(result: Result, theme: Theme) -> go.Figure:
    """Draw the share still there (of orders: ordered again) by day, with its band and the number at risk."""
    table = result.tables()["curve"]
    groups = table["group"].unique(maintain_order=True).to_list()
    last = _last_day(table)
    left = "still there" if _of_contracts(result) else "who have ordered again"
    yaxis = parts.axis(f"Share of customers {left}", "share", range=[0, 1.02])
    if len(groups) > _MOST_CURVES:
        return _curve_panels(result, theme, table, last, yaxis)
    colours = _colours(theme, groups)
    traces: list[go.Scatter] = []
    for group, colour in zip(groups, colours, strict=True):
        traces += _curve_of(result, theme, table, group, last, colour)
    return parts.figure(
        result,
        "curve",
        theme,
        traces,
        alt=_curve_alt(result, groups),
        height=480 + 24 * (len(groups) > 1),
        xaxis=_day_axis(result, table, last),
        yaxis=yaxis,
        shapes=[_half(theme)],
        showlegend=len(groups) > 1,
        legend={"traceorder": "normal"},
        annotations=[_median_note(result, theme)] if len(groups) == 1 else [],
        margin=parts.legend_room(2 if len(groups) > 1 else 1),
    )


def _curve_of(
    result: Result, theme: Theme, table: pl.DataFrame, group: str, last: int, colour: str
) -> list[go.Scatter]:
    rows = [_turned(result, row) for row in _on_grid(table.filter(pl.col("group") == group), last)]
    return _banded(rows, "share", theme, colour, group, [_curve_words(result, row) for row in rows])


def _curve_panels(
    result: Result, theme: Theme, table: pl.DataFrame, last: int, yaxis: dict[str, object]
) -> go.Figure:
    """Draw each group with its band in a panel of its own, before the thin lines of all others."""
    groups = _largest(result)
    own = {g: _curve_of(result, theme, table, g, last, theme.accent) for g in groups}
    thin = {"color": theme.quiet, "width": 1, "shape": "hv"}
    behind = {
        g: go.Scatter(
            x=line.x[::_SPARSE], y=line.y[::_SPARSE], mode="lines", line=thin, opacity=0.45, hoverinfo="skip"
        )
        for g, (_, _, line) in own.items()
    }
    drawn = {g: [*(line for other, line in behind.items() if other != g), *own[g]] for g in groups}
    for trace in (trace for traces in drawn.values() for trace in traces):
        trace.showlegend = False
    since = "the first contract" if _of_contracts(result) else "the order before"
    return panels.panels(
        result, "curve", theme, drawn, alt=_curve_alt(result, groups),
        xaxis=parts.axis(f"Days since {since}; the others in grey", "count", nticks=4, range=[-0.01 * last, last * 1.02]),
        yaxis=yaxis,
    )  # fmt: skip


def _largest(result: Result) -> list[str]:
    """Give the groups of most customers, as many as there are panels, in the order of the table."""
    sizes = result.tables()["groups"].sort("n_customers", "group", descending=[True, False])["group"]
    kept = set(sizes.head(panels.MOST).to_list())
    return [g for g in result.tables()["groups"]["group"].to_list() if g in kept]


def hazard(result: Result, theme: Theme) -> go.Figure:
    """Draw the loss in each period of a customer's own time, of those who were there at its beginning."""
    table = result.tables()["hazard"].filter(pl.col("tenure_period") <= _MOST_PERIODS)
    most = pl.col("n_at_risk").max().over("group")
    enough = table.filter((pl.col("n_at_risk") >= _STEADY) & (pl.col("n_at_risk") >= _REACHED * most))
    table = table if enough.is_empty() else enough
    if table.is_empty():
        return parts.nothing(result, "hazard", theme, "Nobody was observed through a whole period yet.")
    period = str(result.parameters["period"])
    what = "who leave" if _of_contracts(result) else "who order again"
    xaxis = parts.axis(
        f"{period.capitalize()} since the {'beginning' if _of_contracts(result) else 'order before'}",
        "count",
        range=[0.4, table["tenure_period"].to_numpy().max() + 0.6],
    )
    highest = max(table["hazard_rate"].to_list())
    yaxis = parts.axis(f"Share {what} in the {period}", "share")
    alt = _hazard_alt(result, table)
    if table["group"].n_unique() == 1:
        bars = [_hazard_bars(result, theme, table)]
        return parts.figure(
            result, "hazard", theme, bars, alt=alt, height=460, xaxis=xaxis, yaxis=yaxis, showlegend=False
        )
    of = {g: table.filter(pl.col("group") == g) for g in _largest(result)}
    drawn = {g: [_thin(_hazard_bars(result, theme, rows))] for g, rows in of.items() if rows.height}
    yaxis["range"] = [0, min(1.0, 1.6 * highest)]  # bounds of months with few customers may go beyond
    return panels.panels(result, "hazard", theme, drawn, alt=alt, xaxis=xaxis, yaxis=yaxis)


def groups(result: Result, theme: Theme) -> go.Figure:
    """Draw each group's mean days within the horizon, with intervals."""
    table = result.tables()["groups"].drop_nulls("restricted_mean_days")
    if table.is_empty():
        return parts.nothing(result, "groups", theme, "No group was observed for long enough: see the notes.")
    rows = table.sort("restricted_mean_days", "group", descending=[True, False]).to_dicts()
    until = rows[0]["until_day"]
    what = "stay" if _of_contracts(result) else "wait"
    dots = go.Scatter(
        x=[r["restricted_mean_days"] for r in rows],
        y=list(range(len(rows))),
        mode="markers+text",
        text=[f"{r['restricted_mean_days']:,.0f}" for r in rows],
        textposition="top center",
        textfont={"size": 13, "color": theme.text},
        cliponaxis=False,
        error_x=parts.interval(theme, rows, "restricted_mean_days"),
        marker={"color": theme.accent, "size": 12, "line": {"color": theme.background, "width": 1}},
        hovertext=[_group_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
        showlegend=False,
    )
    return parts.figure(
        result,
        "groups",
        theme,
        [dots],
        alt=f"Mean days that customers {what}, of the first {until:,}. "
        + "; ".join(f"{r['group']}: {parts.spanned(r, 'restricted_mean_days', 'days')}" for r in rows)
        + ".",
        height=180 + 52 * len(rows),
        xaxis=parts.axis(f"Mean days, of the first {until:,}", "count", rangemode="normal"),
        yaxis=parts.names_axis("Group", [r["group"] for r in rows], width=18),
    )


def incidence(result: Result, theme: Theme) -> go.Figure:
    """Draw the share for whom churn, a pause or a downgrade came first, by day."""
    table = result.tables()["incidence"]
    last = _last_day(table)
    kinds = table["end_kind"].unique(maintain_order=True).to_list()
    colours = {"churn": theme.bad, "pause": theme.categories[1], "downgrade": theme.accent}
    traces: list[go.Scatter] = []
    for kind in kinds:
        rows = [
            {**r, **{f"share{e}": r[f"incidence_rate{e}"] for e in ("", "_lower", "_upper")}}
            for r in _on_grid(table.filter(pl.col("end_kind") == kind), last)
        ]
        words = [_incidence_words(kind, r) for r in rows]
        traces += _banded(rows, "share", theme, colours[kind], kind.capitalize(), words)
    ends = {
        k: table.filter((pl.col("end_kind") == k) & (pl.col("day") <= last)).row(-1, named=True)
        for k in kinds
    }
    return parts.figure(
        result,
        "incidence",
        theme,
        traces,
        alt=f"Curves by day of the first thing that happens. By day {last:,}: "
        + "; ".join(f"{k} {parts.spanned(r, 'incidence_rate', 'share')}" for k, r in ends.items())
        + ".",
        height=480,
        xaxis=_day_axis(result, table, last),
        yaxis=parts.axis("Share of customers to whom it happened first", "share"),
        showlegend=True,
        legend={"traceorder": "normal"},
        margin=parts.legend_room(),
    )


def _of_contracts(result: Result) -> bool:
    return str(result.parameters["table"]) == "subscriptions"


def _last_day(table: pl.DataFrame) -> int:
    """Give the day up to which enough customers are at risk for a curve to be looked at."""
    enough = table.filter(pl.col("n_at_risk") >= _THIN)
    day = (table if enough.is_empty() else enough)["day"].max()
    return max(int(day), 1) if isinstance(day, int) else 1


def _on_grid(rows: pl.DataFrame, last: int) -> list[dict[str, Any]]:
    """Read the steps at regular days, few enough for a browser; a step function loses nothing at the days themselves."""
    end = min(last, max(rows["day"].to_list(), default=0))
    step = max(1, -(-end // _STEPS))
    days = sorted({*range(0, end + 1, step), end})
    steps = rows.sort("day")
    grid = pl.DataFrame({"at": days}, schema={"at": pl.Int64})
    values = grid.join_asof(steps, left_on="at", right_on="day", strategy="backward").drop_nulls("n_at_risk")
    ahead = grid.join_asof(
        steps.select("day", n="n_at_risk"), left_on="at", right_on="day", strategy="forward"
    )
    return (
        values.join(ahead.select("at", "n"), on="at", maintain_order="left")
        .with_columns(n_at_risk="n")
        .to_dicts()
    )


def _turned(result: Result, row: Row) -> dict[str, Any]:
    """Give the share that is drawn: still there, or, of orders, ordered again."""
    rate, low, high = (row[f"survival_rate{e}"] for e in ("", "_lower", "_upper"))
    if not _of_contracts(result):
        rate, low, high = 1 - rate, 1 - high, 1 - low
    return {**row, "share": rate, "share_lower": low, "share_upper": high}


def _banded(
    rows: Sequence[Row], column: str, theme: Theme, colour: str, name: str, words: Sequence[str]
) -> list[go.Scatter]:
    """Draw a stepped line on its band."""
    days = [r["at"] for r in rows]
    edge = {"width": 0, "shape": "hv", "color": colour}
    plain = {"x": days, "mode": "lines", "line": edge, "hoverinfo": "skip", "showlegend": False}
    shade = f"rgba({','.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))},{0.16 if theme.name == 'light' else 0.22})"
    return [
        go.Scatter(y=[r[f"{column}_lower"] for r in rows], **plain),
        go.Scatter(y=[r[f"{column}_upper"] for r in rows], fill="tonexty", fillcolor=shade, **plain),
        go.Scatter(
            x=days,
            y=[r[column] for r in rows],
            mode="lines",
            name=text.safe(text.shortened(name, 20)),
            line={"color": colour, "width": _WIDE, "shape": "hv"},
            hovertext=list(words),
            hovertemplate=parts.HOVER,
        ),
    ]


def _colours(theme: Theme, groups: Sequence[str]) -> list[str]:
    return (
        [theme.accent]
        if len(groups) == 1
        else [theme.categories[i % len(theme.categories)] for i in range(len(groups))]
    )


def _day_axis(result: Result, table: pl.DataFrame, last: int) -> dict[str, object]:
    """Give an axis of days that says under each how many customers are still at risk."""
    step = next((s for s in _TICK_STEPS if last / s <= _MOST_TICKS), last)
    ticks = list(range(0, last + 1, step))
    ways = [c for c in ("group", "end_kind") if c in table.columns]
    first = table.filter(pl.col("end_kind") == table["end_kind"][0]) if "end_kind" in table.columns else table
    counts = [_at_risk(first, ways, day) for day in ticks]
    since = "the first contract" if _of_contracts(result) else "the order before"
    return parts.axis(
        f"Days since {since}; below, customers at risk",
        "count",
        tickvals=ticks,
        ticktext=[f"{day:,}<br>{n:,}" for day, n in zip(ticks, counts, strict=True)],
        range=[-0.01 * last, last * 1.02],
    )


def _at_risk(table: pl.DataFrame, ways: Sequence[str], day: int) -> int:
    """Count who is at risk on a day: those at risk at the next step, which nobody has left before."""
    later = table.filter(pl.col("day") >= day).sort("day")
    return int(later.group_by(ways).agg(pl.col("n_at_risk").first())["n_at_risk"].sum())


def _half(theme: Theme) -> dict[str, object]:
    return {
        "type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": 0.5, "y1": 0.5,
        "line": {"color": theme.quiet, "dash": "dot", "width": 1.5},
    }  # fmt: skip


def _median_note(result: Result, theme: Theme) -> dict[str, object]:
    row = result.tables()["groups"].row(0, named=True)
    contracts = _of_contracts(result)
    if row["median_days"] is None:
        words = f"Fewer than half {'have left' if contracts else 'have ordered again'} so far"
    else:
        words = f"Half by day {row['median_days']:,.0f}{_ends(row, 'median_days')}"
    return {
        "text": text.wrapped(words, 30), "x": 0.98, "xref": "paper", "xanchor": "right",
        "y": 0.97 if contracts else 0.03, "yref": "paper", "yanchor": "top" if contracts else "bottom",
        "align": "right", "showarrow": False, "font": {"color": theme.text},
    }  # fmt: skip


def _ends(row: Row, column: str) -> str:
    low, high = row[f"{column}_lower"], row[f"{column}_upper"]
    if low is None:
        return ""
    return f" ({low:,.0f} or later)" if high is None else f" ({low:,.0f} to {high:,.0f})"


def _curve_words(result: Result, row: Row) -> str:
    what = "still there" if _of_contracts(result) else "have ordered again"
    whose = "" if row["group"] == _EVERYONE else f"{row['group']}: "
    return text.lines(
        f"{whose}{parts.spanned(row, 'share', 'share')} {what}",
        f"{parts.counted(row['n_at_risk'], 'customer')} at risk",
        head=f"Day {row['at']:,}",
    )


def _curve_alt(result: Result, groups: Sequence[str]) -> str:
    rows = result.tables()["groups"].to_dicts()
    said = "; ".join(_curve_group_alt(result, r, alone=len(groups) == 1) for r in rows)
    return f"Stepped curve with 95% band by day. {said}."


def _curve_group_alt(result: Result, row: Row, *, alone: bool) -> str:
    half = "half not reached" if row["median_days"] is None else f"half by day {row['median_days']:,.0f}"
    rate = "" if row["kept_rate"] is None else _rate_words(result, row)
    who = "" if alone else f"{row['group']}, "
    return f"{who}{parts.counted(row['n_customers'], 'customer')}: {half}{rate}"


def _rate_words(result: Result, row: Row) -> str:
    left = row["kept_rate"]
    what, rate = ("still there", left) if _of_contracts(result) else ("ordered again", 1 - left)
    return f", {formats.share(rate)} {what} after {row['until_day']:,} days"


def _hazard_bars(result: Result, theme: Theme, table: pl.DataFrame) -> go.Bar:
    rows = table.to_dicts()
    any_high = any(r["is_highest"] for r in rows)
    return go.Bar(
        x=[r["tenure_period"] for r in rows],
        y=[r["hazard_rate"] for r in rows],
        marker={"color": [theme.accent if r["is_highest"] or not any_high else theme.quiet for r in rows]},
        error_y=parts.interval(theme, rows, "hazard_rate"),
        hovertext=[_hazard_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
        showlegend=False,
    )


def _thin(bars: go.Bar) -> go.Bar:
    """Draw intervals without ends, which would touch in a small panel."""
    bars.error_y.update(width=0, thickness=1)
    return bars


def _hazard_words(result: Result, row: Row) -> str:
    what = "left" if _of_contracts(result) else "ordered again"
    period = str(result.parameters["period"]).capitalize()
    whose = "" if row["group"] == _EVERYONE else f"{row['group']}: "
    return text.lines(
        f"{whose}{row['n_events']:,} of {row['n_at_risk']:,} {what}",
        parts.spanned(row, "hazard_rate", "share"),
        head=f"{period} {row['tenure_period']:,}",
    )


def _hazard_alt(result: Result, table: pl.DataFrame) -> str:
    what = "left" if _of_contracts(result) else "ordered again"
    shown = table.sort("tenure_period", "group", maintain_order=True).head(12).to_dicts()
    said = "; ".join(
        f"{'' if r['group'] == _EVERYONE else r['group'] + ', '}{result.parameters['period']} {r['tenure_period']}: "
        f"{formats.share(r['hazard_rate'])} of {r['n_at_risk']:,}"
        for r in shown
    )
    return f"Share of those there at the beginning of each {result.parameters['period']} who {what} in it. {said}."


def _group_words(result: Result, row: Row) -> str:
    what = "stay" if _of_contracts(result) else "wait"
    half = (
        "Half not reached"
        if row["median_days"] is None
        else f"Half by day {row['median_days']:,.0f}{_ends(row, 'median_days')}"
    )
    return text.lines(
        f"{what} {parts.spanned(row, 'restricted_mean_days', 'days')} of the first {row['until_day']:,} days",
        half,
        f"{parts.counted(row['n_customers'], 'customer')}, {parts.counted(row['n_events'], 'end')}",
        head=row["group"],
    )


def _incidence_words(kind: str, row: Row) -> str:
    return text.lines(
        f"{kind.capitalize()} came first for {parts.spanned(row, 'share', 'share')}",
        f"1 − Kaplan-Meier would say {formats.share(row['one_minus_km_rate'])}",
        f"{parts.counted(row['n_at_risk'], 'customer')} at risk",
        head=f"Day {row['at']:,}",
    )


VIEWS: Final[Views] = {"curve": curve, "hazard": hazard, "groups": groups, "incidence": incidence}
"""The drawings of this analysis by view."""
