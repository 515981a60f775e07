"""Pictures of the life cycle: who comes and goes, the active base, what becomes of whom, how often, where it leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_MOST_PERIODS: Final = 36
_MOST_BARS: Final = 24
_MOST_DAYS: Final = 8
_PALE: Final = 0.4
_FAINT: Final = 0.2
_FAINTEST: Final = 0.06
_DARKEST: Final = 0.85
_RARE: Final = 0.002


def flows(result: Result, theme: Theme) -> go.Figure:
    """Draw who came in above the line and who went dormant below it, period by period."""
    rows = _shown(result)[-_MOST_BARS:]
    bars = [
        _flow(result, theme, rows, "n_new", "New", theme.accent),
        _flow(result, theme, rows, "n_resurrected", "Back after a pause", theme.categories[1]),
        _flow(result, theme, rows, "n_newly_dormant", "Went dormant", theme.bad, sign=-1),
    ]
    net = go.Scatter(
        x=[r["period_on"] for r in rows],
        y=[r["n_closing"] - r["n_opening"] for r in rows],
        mode="lines+markers",
        name="Change of the base",
        line={"color": theme.text, "width": 2},
        marker={"size": 6},
        hovertext=[_flow_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )
    return parts.figure(
        result,
        "flows",
        theme,
        [*bars, net],
        alt=f"Bars by {_period(result)} from {_name(result, rows[0])} to {_name(result, rows[-1])}: new customers and those "
        f"back after a pause above the line, those who went dormant below. {_plain(_flow_words(result, _last_whole(rows)))}",
        height=480,
        barmode="relative",
        xaxis=_time_axis(result, rows),
        yaxis=parts.axis("Customers", "count"),
        margin=parts.legend_room(2),
    )


def _flow(
    result: Result, theme: Theme, rows: Sequence[Row], column: str, name: str, colour: str, sign: int = 1
) -> go.Bar:
    return go.Bar(
        x=[r["period_on"] for r in rows],
        y=[sign * r[column] for r in rows],
        name=name,
        marker={"color": [colour if r["is_complete"] else theme.tint(colour, _PALE) for r in rows]},
        hovertext=[_flow_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )


def _flow_words(result: Result, row: Row) -> str:
    pulse = None if row["pulse"] is None else f"Pulse {parts.spanned(row, 'pulse', 'number')}"
    return text.lines(
        f"{row['n_opening']:,} at the beginning",
        f"+ {row['n_new']:,} new, + {row['n_resurrected']:,} back after a pause",
        f"- {row['n_newly_dormant']:,} went dormant",
        f"= {row['n_closing']:,} at the end",
        pulse,
        None if row["is_complete"] else "Not wholly covered by the extract.",
        head=_name(result, row),
    )


def base(result: Result, theme: Theme) -> go.Figure:
    """Draw the active base at the end of each period: those who ordered in it, and on top those who were quiet."""
    rows = _shown(result)
    bars = [
        _flow(result, theme, rows, "n_ordering", "Ordered", theme.accent),
        _flow(result, theme, rows, "n_quiet", "Quiet, not yet dormant", theme.quiet),
    ]
    for bar in bars:
        bar.update(hovertext=[_base_words(result, r) for r in rows])
    return parts.figure(
        result,
        "base",
        theme,
        bars,
        alt=f"Stacked bars of the active base by {_period(result)}. {_plain(_base_words(result, _last_whole(rows)))}",
        height=440,
        barmode="stack",
        xaxis=_time_axis(result, rows),
        yaxis=parts.axis("Customers at the end", "count"),
        margin=parts.legend_room(),
    )


def _base_words(result: Result, row: Row) -> str:
    return text.lines(
        f"{row['n_closing']:,} in the active base",
        f"{row['n_ordering']:,} ordered, {row['n_quiet']:,} were quiet",
        f"Beside them {row['n_dormant']:,} dormant and {row['n_lost']:,} lost",
        None if row["is_complete"] else "Not wholly covered by the extract.",
        head=_name(result, row),
    )


def transitions(result: Result, theme: Theme) -> go.Figure:
    """Draw from each state the share of customers who are in each state a period later."""
    cells = result.tables()["transitions"]
    if not cells["n_from"].sum():
        why = "There are no two whole periods yet between which customers could change."
        return parts.nothing(result, "transitions", theme, why)
    before, after = (cells[c].unique(maintain_order=True).to_list() for c in ("from_state", "to_state"))
    at = {(r["from_state"], r["to_state"]): r for r in cells.iter_rows(named=True)}
    rows = [[at[f, t] for t in after] for f in before]
    rates = [[c["transition_rate"] or 0.0 for c in row] for row in rows]
    inks = dict.fromkeys(_ink(theme, rate) for row in rates for rate in row)
    return parts.figure(
        result,
        "transitions",
        theme,
        [_rates(theme, rows, rates, (before, after), ink) for ink in inks],
        alt=f"Heat map: of the customers in a state at the end of a {_period(result)}, the share in each state a "
        f"{_period(result)} later. " + " ".join(_most_likely(row) for row in rows if row[0]["n_from"]),
        height=460,
        xaxis=parts.axis(f"State a {_period(result)} later", "names", zeroline=False, tickangle=-35),
        yaxis=parts.axis("State", "names", zeroline=False, autorange="reversed"),
    )


def _fill(theme: Theme, rate: float) -> str:
    return theme.tint(theme.accent, _FAINTEST + (_DARKEST - _FAINTEST) * rate)


def _ink(theme: Theme, rate: float) -> str:
    return theme.ink(_fill(theme, rate))


def _rates(
    theme: Theme,
    rows: Sequence[Sequence[Row]],
    rates: Sequence[Sequence[float]],
    names: tuple[list[str], list[str]],
    ink: str,
) -> go.Heatmap:
    """Draw the cells on which this ink is the easier to read: plotly has one ink for all text of a heat map."""
    mine = [[_ink(theme, rate) == ink for rate in row] for row in rates]
    return go.Heatmap(
        x=[_capital(n) for n in names[1]],
        y=[_capital(n) for n in names[0]],
        z=_where(mine, rates, None),
        zmin=0,
        zmax=1,
        colorscale=[[0, _fill(theme, 0)], [1, _fill(theme, 1)]],
        showscale=False,
        xgap=3,
        ygap=3,
        text=_where(mine, [[_rate_text(c) for c in row] for row in rows], ""),
        texttemplate="%{text}",
        textfont={"color": ink, "size": 13},
        hoverongaps=False,
        hovertext=[[_rate_words(c) for c in row] for row in rows],
        hovertemplate=parts.HOVER,
    )


def _where(
    there: Sequence[Sequence[bool]], items: Sequence[Sequence[object]], other: object
) -> list[list[object]]:
    pairs = zip(there, items, strict=True)
    return [[item if here else other for here, item in zip(*pair, strict=True)] for pair in pairs]


def _rate_text(cell: Row) -> str:
    rate = cell["transition_rate"]
    if not cell["n_transitions"]:
        return ""
    return f"{100 * rate:.0f}%" if rate >= 0.01 else f"{100 * rate:.1f}%"  # noqa: PLR2004 a percent


def _rate_words(cell: Row) -> str:
    return text.lines(
        f"{cell['n_transitions']:,} of {cell['n_from']:,}: {parts.spanned(cell, 'transition_rate', 'share')}",
        head=f"From {cell['from_state']} to {cell['to_state']}",
    )


def _most_likely(row: Sequence[Row]) -> str:
    best = max(row, key=lambda c: c["transition_rate"])
    return f"{_capital(best['from_state'])}: {formats.share(best['transition_rate'])} are {best['to_state']}."


def activity(result: Result, theme: Theme) -> go.Figure:
    """Draw on how many days of a period customers order, of those who do."""
    rows = result.tables()["activity"].filter(pl.col("at_least_share") >= _RARE).head(_MOST_DAYS).to_dicts()
    if not rows:
        return parts.nothing(result, "activity", theme, "There is no whole period with an order yet.")
    exact, least = (_share_bars(result, theme, rows, which) for which in ("exactly", "at_least"))
    return parts.figure(
        result,
        "activity",
        theme,
        [exact, least],
        alt=f"Bars: of the customers who order in a {_period(result)}, the share by days with an order. "
        + "; ".join(f"{_days(r)}: {formats.share(r['exactly_share'])}" for r in rows)
        + ".",
        height=440,
        barmode="group",
        bargroupgap=0.08,
        xaxis=parts.axis(f"Days with an order in a {_period(result)}", "names", dtick=1),
        yaxis=parts.axis("Share of customers who order", "share"),
        margin=parts.legend_room(),
    )


def _share_bars(result: Result, theme: Theme, rows: Sequence[Row], which: str) -> go.Bar:
    name, colour = {"exactly": ("Exactly", theme.accent), "at_least": ("At least", theme.quiet)}[which]
    return go.Bar(
        x=[r["days_in_period"] for r in rows],
        y=[r[f"{which}_share"] for r in rows],
        error_y=parts.interval(theme, rows, f"{which}_share"),
        name=name,
        marker={"color": colour},
        hovertext=[
            text.lines(
                f"{r[f'n_{which}']:,} times: {parts.spanned(r, f'{which}_share', 'share')}",
                head=f"{name} {_days(r)} in a {_period(result)}",
            )
            for r in rows
        ],
        hovertemplate=parts.HOVER,
    )


def _days(row: Row) -> str:
    return parts.counted(row["days_in_period"], "day")


def projection(result: Result, theme: Theme) -> go.Figure:
    """Draw the base so far and where today's rates lead, with bounds and the long run."""
    ahead = result.tables()["projection"].to_dicts()
    if not ahead:
        return parts.nothing(
            result, "projection", theme, "There are too few whole periods to learn from: see the notes."
        )
    past = [r for r in _shown(result) if r["is_complete"] and r["period_on"] < ahead[0]["period_on"]]
    last = past[-1]
    joint = dict.fromkeys(("expected_base", "expected_base_lower", "expected_base_upper"), last["n_closing"])
    points = [{**joint, "period_on": last["period_on"], "periods_ahead": 0}, *ahead]
    steady = result.tables()["steady"].filter(pl.col("state") == "active base").to_dicts()
    end = ahead[-1]
    return parts.figure(
        result,
        "projection",
        theme,
        [
            *_band(theme, points),
            _so_far(result, theme, past),
            _ahead(result, theme, points),
            *_long_run(theme, steady, past, points),
        ],
        alt=f"A line of the active base up to {_name(result, last)} ({last['n_closing']:,}), going on to "
        f"{parts.spanned(_rounded(end), 'expected_base', 'count')} in {_name(result, end)}. "
        + "".join(f"In the long run {_long_words(r)}." for r in steady),
        height=460,
        xaxis=parts.axis(f"End of {_period(result)}", "names", tickformat=_ticks(result)),
        yaxis=parts.axis(
            "Customers in the active base", "count", range=[0, 1.08 * max(_heights(past, points, steady))]
        ),
        margin=parts.legend_room(3 if steady else 2),
    )


def _heights(past: Sequence[Row], points: Sequence[Row], steady: Sequence[Row]) -> list[float]:
    """Give what the axis must hold."""
    return [
        1.0,
        *(r["n_closing"] for r in past),
        *(p["expected_base_upper"] for p in points),
        *(r["long_run_customers"] for r in steady),
    ]


def _rounded(row: Row) -> Row:
    return {k: round(v) if k.startswith("expected") else v for k, v in row.items()}


def _band(theme: Theme, points: Sequence[Row]) -> list[go.Scatter]:
    common = {
        "x": [p["period_on"] for p in points],
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
    }
    return [
        go.Scatter(y=[p["expected_base_lower"] for p in points], showlegend=False, **common),
        go.Scatter(
            y=[p["expected_base_upper"] for p in points],
            name="95% interval",
            fill="tonexty",
            fillcolor=theme.tint(theme.accent, _FAINT),
            **common,
        ),
    ]


def _so_far(result: Result, theme: Theme, past: Sequence[Row]) -> go.Scatter:
    return go.Scatter(
        x=[r["period_on"] for r in past],
        y=[r["n_closing"] for r in past],
        mode="lines" if len(past) > 1 else "markers",
        name="So far",
        line={"color": theme.text, "width": 2.5},
        hovertext=[_base_words(result, r) for r in past],
        hovertemplate=parts.HOVER,
    )


def _ahead(result: Result, theme: Theme, points: Sequence[Row]) -> go.Scatter:
    return go.Scatter(
        x=[p["period_on"] for p in points],
        y=[p["expected_base"] for p in points],
        mode="lines",
        name="If all goes on as lately",
        line={"color": theme.accent, "width": 2.5, "dash": "dash"},
        hovertext=[
            text.lines(
                f"{parts.spanned(_rounded(p), 'expected_base', 'count')} customers expected",
                head=_name(result, p),
            )
            for p in points
        ],
        hovertemplate=parts.HOVER,
    )


def _long_run(
    theme: Theme, steady: Sequence[Row], past: Sequence[Row], points: Sequence[Row]
) -> list[go.Scatter]:
    """Draw the level at which the base would settle."""
    return [
        go.Scatter(
            x=[past[0]["period_on"], points[-1]["period_on"]],
            y=[row["long_run_customers"]] * 2,
            mode="lines",
            name="Where it would settle",
            line={"color": theme.quiet, "width": 1.5, "dash": "dot"},
            hovertext=[_long_words(row)] * 2,
            hovertemplate=parts.HOVER,
        )
        for row in steady
    ]


def _long_words(row: Row) -> str:
    return f"{parts.spanned(_rounded(row), 'long_run_customers', 'count')} customers in the active base"


def _shown(result: Result) -> Sequence[Row]:
    return result.tables()["flows"].tail(_MOST_PERIODS).to_dicts()


def _last_whole(rows: Sequence[Row]) -> Row:
    return next((r for r in reversed(rows) if r["is_complete"]), rows[-1])


def _plain(words: str) -> str:
    return words.replace("<br>", "; ").replace("<b>", "").replace("</b>", "") + "."


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _period(result: Result) -> str:
    return str(result.parameters["period"])


def _name(result: Result, row: Row) -> str:
    day: date = row["period_on"]
    return (
        f"{day:%B %Y}"
        if _period(result) == "month"
        else f"{_capital(_period(result))} from {formats.value(day, 'day')}"
    )


def _ticks(result: Result) -> str:
    return (
        "%Y"
        if _period(result) == "year"
        else "%d %b<br>%Y"
        if _period(result) in ("day", "week")
        else "%b<br>%Y"
    )


def _time_axis(result: Result, rows: Sequence[Row]) -> dict[str, object]:
    few = {"tickvals": [r["period_on"] for r in rows]} if len(rows) <= 3 else {}  # noqa: PLR2004 no ticks between bars
    return parts.axis(_capital(_period(result)), "names", tickformat=_ticks(result), **few)


VIEWS: Final[Views] = {
    "flows": flows,
    "base": base,
    "transitions": transitions,
    "activity": activity,
    "projection": projection,
}
"""The drawings of this analysis by view."""
