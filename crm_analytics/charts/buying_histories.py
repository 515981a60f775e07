"""Pictures of histories: maps by purchases and silence, purchases one by one, the probability of being still a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts.theme import TEXT_SIZE, Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_EVEN: Final = 0.5
_PALEST: Final = 0.05
_LINE_HEIGHT: Final = 19
_FORTNIGHT: Final = timedelta(days=14)


def alive_map(result: Result, theme: Theme) -> go.Figure:
    """Draw who is a customer still, by repeat purchases and silence, and where leaving is as likely as not."""
    figure = _map(result, "alive_map", theme, "p_alive", "Still a customer", share=True)
    half = result.tables()["silence"].drop_nulls("silence_half_days").to_dicts()
    if not half:
        return figure
    return figure.add_trace(_even(theme, half)).add_annotation(_beside(theme, half))


def _even(theme: Theme, rows: Sequence[Row]) -> go.Scatter:
    """Draw the silence after which leaving is as likely as not."""
    return go.Scatter(
        x=[str(r["frequency"]) for r in rows],
        y=[r["silence_half_days"] for r in rows],
        mode="lines+markers",
        line={"color": theme.bad, "width": 2.5},
        marker={"size": 7, "line": {"color": theme.background, "width": 1}},
        showlegend=False,
        hovertext=[
            text.lines(
                f"As likely gone as not after {parts.spanned(r, 'silence_half_days', 'days')}",
                head=parts.counted(r["frequency"], "repeat purchase"),
            )
            for r in rows
        ],
        hovertemplate=parts.HOVER,
    )


def _beside(theme: Theme, rows: Sequence[Row]) -> dict[str, object]:
    """Name the line in the pale part above it."""
    middle = rows[len(rows) // 2]
    return {
        "x": str(middle["frequency"]), "y": middle["silence_half_days"], "xanchor": "left", "yanchor": "bottom", "yshift": 14,
        "text": "as likely gone<br>as not", "align": "left", "showarrow": False, "font": {"color": theme.bad},
    }  # fmt: skip


def ahead_map(result: Result, theme: Theme) -> go.Figure:
    """Draw the purchases to expect, by repeat purchases and silence."""
    days = result.parameters["horizon_days"]
    return _map(result, "ahead_map", theme, "expected_purchases", f"Purchases in {days:,} days", share=False)


def _map(result: Result, view: str, theme: Theme, column: str, unit: str, *, share: bool) -> go.Figure:
    table = result.tables()["standing"]
    columns, rows = (table[c].unique().sort().to_list() for c in ("frequency", "silent_days"))
    cells = {(r["frequency"], r["silent_days"]): r for r in table.to_dicts()}
    top = max(cells.values(), key=lambda r: (r[column], r["frequency"]))
    heat = go.Heatmap(
        x=[str(x) for x in columns],
        y=rows,
        z=[[cells[x, y][column] for x in columns] for y in rows],
        zmin=0,
        zmax=1 if share else None,
        colorscale=[[0, theme.tint(theme.accent, _PALEST)], [1, theme.accent]],
        colorbar={
            "title": {"text": text.safe(unit), "side": "top", "font": {"size": TEXT_SIZE}}, "orientation": "h",
            "thickness": 12, "outlinewidth": 0, "tickformat": ".0%" if share else None, "x": 0, "xanchor": "left", "len": 0.6,
            "lenmode": "fraction", "y": -0.17, "yanchor": "top", "nticks": 5,
        },
        hovertext=[[_cell_words(cells[x, y], result) for x in columns] for y in rows],
        hovertemplate=parts.HOVER,
        name=unit,
    )  # fmt: skip
    value = formats.share(top[column]) if share else f"{top[column]:.2f}"
    return parts.figure(
        result,
        view,
        theme,
        [heat],
        alt=f"A map of {unit[0].lower() + unit[1:]} by repeat purchases to the right and days of silence upwards. It is highest, "
        f"{value}, at {top['frequency']} repeat purchases and {top['silent_days']:,.0f} days of silence, and falls the longer "
        "the silence, the faster the more purchases there were.",
        height=560,
        xaxis=parts.axis(
            "Repeat purchases so far",
            "names",
            type="category",
            tickvals=[str(x) for x in columns[::2]],
            tickangle=0,
        ),
        yaxis=parts.axis("Days of silence", "names", tickformat=",d", zeroline=False),
        margin={"b": 120},
    )


def _cell_words(row: Row, result: Result) -> str:
    n, days = row["frequency"], result.parameters["horizon_days"]
    return text.lines(
        f"Still a customer: {formats.share(row['p_alive'])}",
        f"{row['expected_purchases']:.2f} purchases to expect in {days:,} days",
        f"{parts.counted(row['n_customers_near'], 'customer')} near here",
        head=f"{parts.counted(n, 'repeat purchase')}, silent for {row['silent_days']:,.0f} days",
    )


def timing(result: Result, theme: Theme) -> go.Figure:
    """Draw the purchases of some customers one by one, a line each, in the order in which they came."""
    table = result.tables()["timing"]
    end = _end(result, table)
    lines = table.group_by("line", maintain_order=True).agg(
        pl.col("customer_id", "p_alive").first(), first=pl.col("seen_on").min(), n=pl.len()
    )
    rows = lines.to_dicts()
    here = {r["line"]: r for r in rows}
    observed = go.Scatter(
        x=[v for r in rows for v in (r["first"], end, None)],
        y=[v for r in rows for v in (r["line"] - 1, r["line"] - 1, None)],
        mode="lines",
        line={"color": theme.grid, "width": 2},
        hoverinfo="skip",
        showlegend=False,
    )
    dots = [
        _purchases(theme, [r for r in table.to_dicts() if (r["p_alive"] >= _EVEN) == alive], here, *look)
        for alive, look in (
            (True, ("More likely a customer still", theme.accent)),
            (False, ("More likely gone", theme.quiet)),
        )
    ]
    gone = sum(r["p_alive"] < _EVEN for r in rows)
    return parts.figure(
        result,
        "timing",
        theme,
        [observed, *(d for d in dots if len(d.x))],
        alt=f"A line for each of {len(rows)} customers from the first purchase to {formats.value(end, 'day')}, with a dot at "
        f"each of {table.height:,} purchases; {gone} of them are more likely gone.",
        height=150 + _LINE_HEIGHT * len(rows),
        xaxis=parts.axis("Day of the purchase", "names", tickformat="%b<br>%Y", nticks=6, tickangle=0),
        yaxis=parts.names_axis("Customer", [r["customer_id"] for r in rows], width=10),
        margin=parts.legend_room(2),
    )


def _end(result: Result, table: pl.DataFrame) -> date:
    as_of = result.provenance.as_of
    last: date = table["seen_on"].max()  # type: ignore[assignment]
    return last if as_of is None else as_of - timedelta(days=1)


def _purchases(
    theme: Theme, rows: Sequence[Row], here: Mapping[int, Row], name: str, colour: str
) -> go.Scatter:
    return go.Scatter(
        x=[r["seen_on"] for r in rows],
        y=[r["line"] - 1 for r in rows],
        mode="markers",
        name=name,
        marker={"color": colour, "size": 8, "line": {"color": theme.background, "width": 1}},
        hovertext=[
            text.lines(
                f"Bought on {formats.value(r['seen_on'], 'day')}",
                f"{parts.counted(here[r['line']]['n'], 'purchase')} in all",
                f"Still a customer: {formats.share(r['p_alive'])}",
                head=f"Customer {r['customer_id']}",
            )
            for r in rows
        ],
        hovertemplate=parts.HOVER,
    )


def histories(result: Result, theme: Theme) -> go.Figure:
    """Draw how the probability of being still a customer moved along the histories of three."""
    table = result.tables()["histories"]
    groups = [g.to_dicts() for g in table.partition_by("line", maintain_order=True)]
    traces = [t for g, c in zip(groups, theme.categories, strict=False) for t in _history(theme, g, c)]
    ends = ", ".join(f"customer {g[0]['customer_id']} at {formats.share(g[-1]['p_alive'])}" for g in groups)
    return parts.figure(
        result,
        "histories",
        theme,
        traces,
        alt="Lines of the probability of being still a customer over time, which falls in silence and jumps up at each "
        f"purchase. At the end: {ends}.",
        height=480,
        xaxis=parts.axis("Day", "names", tickformat="%b<br>%Y", nticks=6, tickangle=0),
        yaxis=_probability(),
        margin=parts.legend_room(3),
    )


def history(frame: pl.DataFrame, theme: Theme) -> go.Figure:
    """Draw the history of one customer.

    Parameters
    ----------
    frame
        Of one customer: `seen_on`, `p_alive`, `purchased`, `customer_id`, in the order of time, as in the table
        "histories" of `crm.buying_patterns`.
    theme
        The look.
    """
    rows = frame.to_dicts()
    bought = sum(r["purchased"] for r in rows)
    last = rows[-1]
    figure = parts.titled(
        "Still a customer? As it looked at the time",
        theme,
        [t.update(showlegend=False) for t in _history(theme, rows, theme.accent)],
        alt=f"A line of the probability of being still a customer with {parts.counted(bought, 'purchase')} marked; on "
        f"{formats.value(last['seen_on'], 'day')} it is {formats.share(last['p_alive'])}.",
        height=320,
        xaxis=parts.axis("Day", "names", tickformat="%b %Y", nticks=6),
        yaxis=_probability(),
    )
    first = rows[0]["seen_on"]
    return figure.update_xaxes(range=[first - _FORTNIGHT, last["seen_on"] + _FORTNIGHT])


def _probability() -> dict[str, object]:
    return parts.axis("Probability of being still a customer", "share", tickformat=".0%", range=[-0.03, 1.05])


def _history(theme: Theme, rows: Sequence[Row], colour: str) -> list[go.Scatter]:
    bought = [r for r in rows if r["purchased"]]
    name = f"Customer {rows[0]['customer_id']}"
    return [
        go.Scatter(
            **_moments(rows), mode="lines", name=text.safe(text.shortened(name)), line={"color": colour, "width": 2.5}
        ),
        go.Scatter(
            **_moments(bought), mode="markers", name="Purchases", showlegend=False,
            marker={"color": colour, "size": 8, "line": {"color": theme.background, "width": 1}},
        ),
    ]  # fmt: skip


def _moments(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "x": [r["seen_on"] for r in rows],
        "y": [r["p_alive"] for r in rows],
        "hovertext": [
            text.lines(
                f"Still a customer: {formats.share(r['p_alive'])}",
                "Bought on this day" if r["purchased"] else None,
                head=f"Customer {r['customer_id']}, {formats.value(r['seen_on'], 'day')}",
            )
            for r in rows
        ],
        "hovertemplate": parts.HOVER,
    }
