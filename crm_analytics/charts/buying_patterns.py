"""Pictures of how customers buy: numbers of purchases, rates, time between purchases, spend, regularity, new customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from crm_analytics import formats
from crm_analytics.charts import buying_histories, parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_PALE: Final = 0.16
_OBSERVED: Final = 0.6
_SEEN: Final = 0.001
_FEWEST_CLASSES: Final = 4
_ROOM: Final = 1.12


def purchases(result: Result, theme: Theme) -> go.Figure:
    """Draw how many customers came back 0, 1, 2 … times, and how many the model has."""
    rows = result.tables()["purchases"].to_dicts()
    names = [r["repeats"].replace(" or more", "+") for r in rows]
    hover = [_purchase_words(r) for r in rows]
    there = go.Bar(
        x=names,
        y=[r["n_customers"] for r in rows],
        name="Customers",
        marker={"color": theme.tint(theme.quiet, _OBSERVED)},
        hovertext=hover,
        hovertemplate=parts.HOVER,
    )
    model = go.Scatter(
        x=names,
        y=[r["expected_customers"] for r in rows],
        mode="markers",
        name="As the model has it, with what chance allows",
        marker={"color": theme.accent, "size": 11, "line": {"color": theme.background, "width": 1.5}},
        error_y=parts.interval(theme, rows, "expected_customers"),
        hovertext=hover,
        hovertemplate=parts.HOVER,
    )
    return parts.figure(
        result,
        "purchases",
        theme,
        [there, model],
        alt="Bars of customers by number of repeat purchases, with what the model expects as dots. "
        + "; ".join(
            f"{r['repeats']}: {r['n_customers']:,}, model {r['expected_customers']:,.0f}" for r in rows
        )
        + ".",
        height=470,
        xaxis=parts.axis("Repeat purchases", "names", type="category"),
        yaxis=parts.axis("Customers"),
        margin=parts.legend_room(2),
    )


def _purchase_words(row: Row) -> str:
    low, high = row["expected_customers_lower"], row["expected_customers_upper"]
    return text.lines(
        f"{row['n_customers']:,} customers, {formats.share(row['customer_share'])} of all",
        f"Model: {row['expected_customers']:,.0f} ({low:,.0f} to {high:,.0f})",
        head=f"{row['repeats']} repeat purchase{'' if row['repeats'] == '1' else 's'}",
    )


def rates(result: Result, theme: Theme) -> go.Figure:
    """Draw how the customers' yearly rates of purchases are spread, as the model has it."""
    rows = result.tables()["rates"].to_dicts()
    hover = [_model_words(r, f"{_class(r, 'rate', '{:,.4g}')} purchases a year") for r in rows]
    return _spread(result, "rates", theme, rows, "rate", hover, along="Purchases a year while a customer")


def leaving(result: Result, theme: Theme) -> go.Figure:
    """Draw how the customers' readiness to leave is spread, as the model has it."""
    rows = result.tables()["leaving"].to_dicts()
    while len(rows) > _FEWEST_CLASSES and rows[-1]["model_share"] < _SEEN:
        rows.pop()
    hover = [
        _model_words(r, f"{formats.share(r['leaving_from'])} to {formats.share(r['leaving_to'])}")
        for r in rows
    ]
    when = "within a year" if result.parameters["model_taken"] == "pareto_nbd" else "after a purchase"
    figure = _spread(result, "leaving", theme, rows, "leaving", hover, along=f"Probability of leaving {when}")
    return figure.update_xaxes(tickformat=".0%")


def _spread(
    result: Result, view: str, theme: Theme, rows: Sequence[Row], name: str, hover: list[str], *, along: str
) -> go.Figure:
    """Draw a distribution that is the model's own, with the interval of the estimate."""
    bars = _bars(theme.accent, rows, name, "model_share", "Share of customers", hover)
    bars.error_y = parts.interval(theme, rows, "model_share")
    bars.showlegend = False
    first = [r for r in rows if r["model_share"] >= 0.005][:12]  # noqa: PLR2004 what can be seen
    return parts.figure(
        result,
        view,
        theme,
        [bars],
        alt=f"Bars of the share of customers by {along[0].lower() + along[1:]}, with intervals. "
        + "; ".join(f"from {r[f'{name}_from']:,.4g}: {formats.share(r['model_share'])}" for r in first)
        + ".",
        xaxis=parts.axis(along, "names", **_ticks(rows, name)),
        yaxis=parts.axis("Share of customers", "share"),
    )


def gaps(result: Result, theme: Theme) -> go.Figure:
    """Draw the days from one purchase to the next, with those within which half and nine in ten come back."""
    rows = result.tables()["gaps"].to_dicts()
    found = result.tables()["rhythm"].row(0, named=True)
    hover = [
        text.lines(
            f"{parts.counted(r['n_gaps'], 'gap')}, {formats.share(r['observed_share'])} of all",
            f"Up to there: {formats.share(r['share_so_far'])}",
            head=f"{_class(r, 'gap', '{:,.0f}')} days",
        )
        for r in rows
    ]
    bars = _bars(theme.accent, rows, "gap", "observed_share", "Share of gaps", hover)
    bars.showlegend = False
    top = rows[-1]["gap_from"]
    marks = (("half", found["gap_median_days"], 0.99), ("nine in ten", found["gap_90_days"], 0.86))
    return parts.figure(
        result,
        "gaps",
        theme,
        [bars],
        alt=f"Bars of {found['n_gaps']:,} gaps between purchases by length. Half are {found['gap_median_days']:,.0f} days or "
        f"less, nine in ten {found['gap_90_days']:,.0f} days or less.",
        xaxis=parts.axis("Days from one purchase to the next", "names", **_ticks(rows, "gap")),
        yaxis=parts.axis("Share of gaps", "share"),
        shapes=[_upright(theme, value) for _, value, _ in marks],
        annotations=[
            {
                "text": f"{words} within<br>{value:,.0f} days", "x": value, "y": y, "yref": "paper", "yanchor": "top",
                "xanchor": "left" if value < top / 2 else "right", "align": "left" if value < top / 2 else "right",
                "xshift": 6 if value < top / 2 else -6, "showarrow": False, "font": {"color": theme.text},
            }
            for words, value, y in marks
        ],
    )  # fmt: skip


def spend(result: Result, theme: Theme) -> go.Figure:
    """Draw how mean spend per repeat purchase is spread over customers, and as the Gamma-Gamma model has it."""
    table = result.tables()["spend"]
    if table.is_empty():
        return parts.nothing(result, "spend", theme, "The extract has no money spent on repeat purchases.")
    rows = table.to_dicts()
    hover = [
        text.lines(
            f"{parts.counted(r['n_customers'], 'customer')}, {formats.share(r['observed_share'])}",
            None if r["model_share"] is None else f"Model: {formats.share(r['model_share'])}",
            head=_money_class(result, r),
        )
        for r in rows
    ]
    traces: list[Any] = [
        _bars(theme.tint(theme.quiet, _OBSERVED), rows, "spend", "observed_share", "Customers", hover)
    ]
    if table["model_share"].null_count() == 0:
        traces.append(_line(theme.accent, rows, "spend", "model_share", "As the model has it", hover))
    again = int(table["n_customers"].sum())
    return parts.figure(
        result,
        "spend",
        theme,
        traces,
        alt=f"Bars of {again:,} repeat customers by mean spend per repeat purchase"
        + (", with what the model expects as a line." if len(traces) > 1 else "; no model could be fitted."),
        xaxis=parts.axis(f"Mean spend per repeat purchase{_unit(result)}", "names", **_ticks(rows, "spend")),
        yaxis=parts.axis("Share of repeat customers", "share"),
        margin=parts.legend_room(),
    )


def regularity(result: Result, theme: Theme) -> go.Figure:
    """Draw where the middle of a customer's last three purchases lies: evenly between, or anywhere."""
    table = result.tables()["regularity"]
    if table.is_empty():
        return parts.nothing(result, "regularity", theme, "No customer has bought three times.")
    rows = table.to_dicts()
    hover = [
        text.lines(
            f"{formats.share(r['observed_share'])} of customers",
            f"By chance: {formats.share(r['chance_share'])}",
            None
            if r["model_share"] is None
            else f"At the regularity found: {formats.share(r['model_share'])}",
            head=f"Later gap's part {r['place_from']:.1f} to {r['place_to']:.1f}",
        )
        for r in rows
    ]
    traces: list[Any] = [
        _bars(theme.tint(theme.quiet, _OBSERVED), rows, "place", "observed_share", "Customers", hover),
        _line(theme.muted, rows, "place", "chance_share", "By chance (k = 1)", hover, dash="dot"),
    ]
    k = result.tables()["rhythm"]["regularity"][0]
    highest = max(r[c] or 0 for r in rows for c in ("observed_share", "model_share"))
    if k is not None and table["model_share"].null_count() == 0:
        traces.append(
            _line(theme.accent, rows, "place", "model_share", f"At the regularity found (k = {k:.2f})", hover)
        )
    return parts.figure(
        result,
        "regularity",
        theme,
        traces,
        alt="Bars of customers by the later of their last two gaps as a part of both. A hump in the middle is a rhythm, flat is "
        "chance, a bowl is bursts. " + (f"Regularity k is {k:.2f}." if k is not None else ""),
        xaxis=parts.axis(
            "Later of the last two gaps between purchases, as a part of both", "names", range=[0, 1]
        ),
        yaxis=parts.axis("Share of customers", "share", range=[0, _ROOM * highest]),
        margin=parts.legend_room(3),
    )


def newcomers(result: Result, theme: Theme) -> go.Figure:
    """Draw the repeat purchases expected of a new customer over time, and those made by the customers there are."""
    rows = result.tables()["newcomers"].to_dicts()
    seen = [r for r in rows if r["is_observed"]]
    beyond = [*seen[-1:], *(r for r in rows if not r["is_observed"])]
    made = [r for r in rows if r["actual_repeats"] is not None]
    hover = {"hovertemplate": parts.HOVER, "mode": "lines"}
    traces = [
        *_band(theme, rows),
        go.Scatter(
            **_points(seen), **hover, name="Expected of a new customer", line={"color": theme.accent, "width": 2.5}
        ),
        go.Scatter(
            **_points(beyond), **hover, name="Beyond the history", line={"color": theme.accent, "width": 2.5, "dash": "dot"}
        ),
        go.Scatter(
            **_points(made, "actual_repeats"), **{**hover, "mode": "markers"}, name="Made by those observed so long",
            marker={"color": theme.bad, "size": 8, "line": {"color": theme.background, "width": 1}},
        ),
    ]  # fmt: skip
    last = rows[-1]
    return parts.figure(
        result,
        "newcomers",
        theme,
        traces,
        alt=f"A rising line of expected repeat purchases that reaches {last['expected_repeats']:.2f} after "
        f"{last['days_since_first']:,.0f} days, with dots of those made.",
        height=480,
        xaxis=parts.axis("Days since the first purchase", "names", rangemode="tozero", tickformat=",d"),
        yaxis=parts.axis("Repeat purchases per customer", "count", tickformat=None),
        margin=parts.legend_room(4),
    )


def _band(theme: Theme, rows: Sequence[Row]) -> list[go.Scatter]:
    common = {
        "x": [r["days_since_first"] for r in rows], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip",
    }  # fmt: skip
    return [
        go.Scatter(y=[r["expected_repeats_lower"] for r in rows], showlegend=False, **common),
        go.Scatter(
            y=[r["expected_repeats_upper"] for r in rows],
            name="How far the estimate may be off",
            fill="tonexty",
            fillcolor=theme.tint(theme.accent, _PALE),
            **common,
        ),
    ]


def _points(rows: Sequence[Row], column: str = "expected_repeats") -> dict[str, Any]:
    return {
        "x": [r["days_since_first"] for r in rows],
        "y": [r[column] for r in rows],
        "hovertext": [
            text.lines(
                f"Expected: {parts.spanned(r, 'expected_repeats', 'number')}",
                None if r["actual_repeats"] is None else f"Made: {r['actual_repeats']:.2f} ({r['n_observed']:,} customers)",
                head=f"{r['days_since_first']:,.0f} days after the first purchase",
            )
            for r in rows
        ],
    }  # fmt: skip


def _bars(colour: str, rows: Sequence[Row], name: str, column: str, called: str, hover: list[str]) -> go.Bar:
    """Draw classes as bars over their range; the last, open one is as wide as the others."""
    width = _width(rows, name)
    return go.Bar(
        x=[r[f"{name}_from"] + width / 2 for r in rows],
        y=[r[column] for r in rows],
        width=0.92 * width,
        name=called,
        marker={"color": colour},
        hovertext=hover,
        hovertemplate=parts.HOVER,
    )


def _line(
    colour: str,
    rows: Sequence[Row],
    name: str,
    column: str,
    called: str,
    hover: list[str],
    dash: str = "solid",
) -> go.Scatter:
    width = _width(rows, name)
    return go.Scatter(
        x=[r[f"{name}_from"] + width / 2 for r in rows],
        y=[r[column] for r in rows],
        mode="lines+markers" if dash == "solid" else "lines",
        name=called,
        line={"color": colour, "width": 2.5, "dash": dash},
        marker={"size": 6},
        hovertext=hover,
        hovertemplate=parts.HOVER,
    )


def _width(rows: Sequence[Row], name: str) -> float:
    first = rows[0]
    return float((first[f"{name}_to"] if first[f"{name}_to"] is not None else 1.0) - first[f"{name}_from"])


_MOST_TICKS: Final = 6


def _ticks(rows: Sequence[Row], name: str) -> dict[str, object]:
    """Give ticks at ends of classes, few enough for a phone; the open class ends the axis and is marked so."""
    ends = [float(r[f"{name}_from"]) for r in rows]
    is_open = rows[-1][f"{name}_to"] is None
    last = ends[-1] if is_open else float(rows[-1][f"{name}_to"])
    step = max(-(-len(ends) // _MOST_TICKS), 1)
    places = [
        e
        for e in ends[::step]
        if not is_open or last - e >= step * (ends[1] - ends[0] if len(ends) > 1 else 1)
    ]
    labels = [f"{e:,.4g}" for e in places]
    width = _width(rows, name)
    if is_open:
        places, labels = [*places, last + width / 2], [*labels, f"{last:,.4g}+"]
        return {"tickvals": places, "ticktext": labels, "range": [0, last + width]}
    return {"range": [0, last]}


def _class(row: Row, name: str, how: str) -> str:
    low, high = row[f"{name}_from"], row[f"{name}_to"]
    return f"{how.format(low)} or more" if high is None else f"{how.format(low)} to {how.format(high)}"


def _money_class(result: Result, row: Row) -> str:
    low = formats.money(row["spend_from"], result.currency)
    return (
        f"{low} or more"
        if row["spend_to"] is None
        else f"{low} to {formats.money(row['spend_to'], result.currency)}"
    )


def _unit(result: Result) -> str:
    heading = parts.heading(result, "spend_from")
    return f" {heading[heading.index('(') :]}" if "(" in heading else ""


def _model_words(row: Row, head: str) -> str:
    return text.lines(f"{parts.spanned(row, 'model_share', 'share')} of customers", head=head)


def _upright(theme: Theme, value: float) -> dict[str, object]:
    return {
        "type": "line", "x0": value, "x1": value, "y0": 0, "y1": 1, "yref": "paper",
        "line": {"color": theme.text, "dash": "dash", "width": 1.5},
    }  # fmt: skip


VIEWS: Final[Views] = {
    "purchases": purchases,
    "rates": rates,
    "alive_map": buying_histories.alive_map,
    "gaps": gaps,
    "spend": spend,
    "leaving": leaving,
    "ahead_map": buying_histories.ahead_map,
    "newcomers": newcomers,
    "regularity": regularity,
    "timing": buying_histories.timing,
    "histories": buying_histories.histories,
}
"""The drawings of this analysis by view."""
