"""Pictures of cohorts: the table as a heat map, the average curve, the trend, spend in layers, payback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts.cohort_heatmap import heatmap
from crm_analytics.charts.cohort_parts import (
    ALL,
    age_axis,
    age_name,
    cohort_label,
    in_unit,
    shown_value,
    unit,
    value_axis,
)
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result
from crm_analytics.retention.cohorts.words import points

Row = Mapping[str, Any]

_MOST_AGES: Final = 120
_MOST_THREADS: Final = 2_500
_MOST_GROUPS: Final = 6
_MOST_POINTS: Final = 400
_LAYERS: Final = 6
_AFTER_ENTRY: Final = ("customers", "orders", "spend", "margin")
"""What is drawn from age 1 on: at age 0 everyone orders, and that would flatten the rest."""

_MOST_BARS: Final = 120


def curves(result: Result, theme: Theme) -> go.Figure:
    """Draw the average by age with its interval: over the single cohorts, or a curve for each group."""
    curve = result.tables()["curve"].filter(pl.col("shown_value").is_not_null())
    grouped = "group" in curve.columns
    first = 1 if result.parameters["value"] in _AFTER_ENTRY and curve["period"].max() else 0
    curve = curve.filter(pl.col("period").is_between(first, _MOST_AGES))
    if curve.is_empty():
        return parts.nothing(result, "curves", theme, "No cohort has lived through a whole period yet.")
    everyone = curve.filter(pl.col("group") == ALL) if grouped else curve
    rows = everyone.to_dicts()
    traces = [] if grouped else _threads(result, theme, first)
    traces += _band(theme, rows, theme.accent)
    traces.append(_line(result, theme, rows, ALL if grouped else "Average of the cohorts", theme.accent))
    if grouped:
        traces += _group_lines(result, theme, curve)
    return parts.figure(
        result,
        "curves",
        theme,
        traces,
        alt=f"Line by age in {unit(result)}s. " + "; ".join(_at_age(result, r) for r in _few(rows)) + ".",
        height=460,
        xaxis=age_axis(result, [r["period"] for r in rows]),
        yaxis=value_axis(result),
        margin=parts.legend_room(3 if grouped else 2),
    )


def _threads(result: Result, theme: Theme, first: int) -> list[go.Scatter]:
    """Draw each cohort as a thin line behind the average."""
    cells = result.tables()["cells"]
    if "cohort_on" not in cells.columns:
        return []
    kept = cells.filter(
        pl.col("is_complete")
        & pl.col("shown_value").is_not_null()
        & pl.col("period").is_between(first, _MOST_AGES)
    ).sort("cohort_on", "period")
    x, y = [], []
    for part in kept.tail(_MOST_THREADS).partition_by("cohort_on", maintain_order=True):
        x += [*part["period"].to_list(), None]
        y += [*part["shown_value"].to_list(), None]
    return [
        go.Scatter(
            x=x, y=y, mode="lines", name="Each cohort", hoverinfo="skip",
            line={"color": theme.tint(theme.quiet, 0.35), "width": 1},
        )
    ]  # fmt: skip


def _band(theme: Theme, rows: Sequence[Row], colour: str, column: str = "shown_value") -> list[go.Scatter]:
    known = [r for r in rows if r.get(f"{column}_lower") is not None and r.get(f"{column}_upper") is not None]
    if len(known) < 2:  # noqa: PLR2004 a band has a length
        return []
    ages = [r["period"] for r in known]
    return [
        go.Scatter(
            x=[*ages, *reversed(ages)],
            y=[*(r[f"{column}_upper"] for r in known), *(r[f"{column}_lower"] for r in reversed(known))],
            mode="lines", fill="toself", fillcolor=_clear(theme.tint(colour, 1.0), 0.22), line={"width": 0},
            name="95% interval", hoverinfo="skip",
        )
    ]  # fmt: skip


def _clear(colour: str, alpha: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def _line(
    result: Result, theme: Theme, rows: Sequence[Row], name: str, colour: str, *, thin: bool = False
) -> go.Scatter:
    return go.Scatter(
        x=[r["period"] for r in rows],
        y=[r["shown_value"] for r in rows],
        mode="lines+markers" if len(rows) <= 40 else "lines",  # noqa: PLR2004 more markers than that run together
        name=text.safe(text.shortened(name, 22)),
        line={"color": colour, "width": 1.8 if thin else 3},
        marker={"color": colour, "size": 5 if thin else 7, "line": {"color": theme.background, "width": 1}},
        hovertext=[_curve_words(result, r, name) for r in rows],
        hovertemplate=parts.HOVER,
    )


def _group_lines(result: Result, theme: Theme, curve: pl.DataFrame) -> list[go.Scatter]:
    """Draw the largest groups in a colour each."""
    sizes = curve.filter(pl.col("group") != ALL).group_by("group").agg(pl.col("n_customers").max())
    names = (
        sizes.sort(["n_customers", "group"], descending=[True, False])["group"]
        .head(_MOST_GROUPS - 1)
        .to_list()
    )
    colours = theme.categories[1:]
    return [
        _line(
            result,
            theme,
            curve.filter(pl.col("group") == name).to_dicts(),
            name,
            colours[i % len(colours)],
            thin=True,
        )
        for i, name in enumerate(names)
    ]


def _curve_words(result: Result, row: Row, name: str) -> str:
    return text.lines(
        shown_value(result, row),
        f"{row['n_active']:,} of {parts.counted(row['n_customers'], 'customer')} active, "
        f"{parts.counted(row['n_cohorts'], 'cohort')}",
        head=f"{name}, {unit(result)} {row['period']}",
    )


def _few(rows: Sequence[Row]) -> list[Row]:
    return [rows[i] for i in sorted({0, len(rows) // 3, len(rows) - 1})]


def _at_age(result: Result, row: Row) -> str:
    return f"{in_unit(result, row['period'])} {shown_value(result, row)}"


def trend(result: Result, theme: Theme) -> go.Figure:
    """Draw retention at a few ages from cohort to cohort, each with its interval and the line fitted to it."""
    points = result.tables()["trend"].filter(pl.col("retention_rate").is_not_null())
    ages = points["period"].unique().sort().to_list()
    tests = result.tables()["trend_tests"]
    tests = tests.filter(pl.col("group") == ALL) if "group" in tests.columns else tests
    traces: list[go.Scatter] = []
    for i, age in enumerate(ages):
        rows = points.filter(pl.col("period") == age).sort("cohort_on").tail(_MOST_POINTS).to_dicts()
        traces += _trend_traces(result, theme, rows, tests.filter(pl.col("period") == age).to_dicts(), i)
    return parts.figure(
        result,
        "trend",
        theme,
        traces,
        alt="Retention from cohort to cohort. " + " ".join(_trend_words(result, t) for t in tests.to_dicts()),
        height=460,
        xaxis=parts.axis(
            f"{str(result.parameters['period']).capitalize()} in which customers entered", "names"
        ),
        yaxis=parts.axis("Retention", "share"),
        margin=parts.legend_room(2),
    )


def _trend_traces(
    result: Result, theme: Theme, rows: Sequence[Row], tests: Sequence[Row], place: int
) -> list[go.Scatter]:
    colour = theme.categories[place % len(theme.categories)]
    many = len(rows) > 60  # noqa: PLR2004 bars of intervals would be a curtain
    age = rows[0]["period"]
    bars = parts.interval(theme, rows, "retention_rate")
    dots = go.Scatter(
        x=[r["cohort_on"] for r in rows],
        y=[r["retention_rate"] for r in rows],
        mode="markers",
        name=age_name(result, age),
        marker={"color": colour, "size": 4 if many else 7},
        error_y={**bars, "color": _clear(colour, 0.3), "visible": bool(bars["visible"]) and not many},
        hovertext=[_point_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )
    return [dots, *_fitted(rows, tests, colour)]


def _fitted(rows: Sequence[Row], tests: Sequence[Row], colour: str) -> list[go.Scatter]:
    if not tests or tests[0]["first_rate"] is None:
        return []
    test = tests[0]
    used = rows[-test["n_cohorts"] :]
    return [
        go.Scatter(
            x=[used[0]["cohort_on"], used[-1]["cohort_on"]],
            y=[test["first_rate"], test["last_rate"]],
            mode="lines",
            showlegend=False,
            hoverinfo="skip",
            line={
                "color": colour,
                "width": 2.5,
                "dash": "solid" if test["verdict"] in ("better", "worse") else "dot",
            },
        )
    ]


def _point_words(result: Result, row: Row) -> str:
    return text.lines(
        parts.spanned(row, "retention_rate", "share"),
        f"{row['n_active']:,} of {parts.counted(row['n_customers'], 'customer')}",
        head=f"{cohort_label(result, row['cohort_on'])}, {unit(result)} {row['period']}",
    )


def _trend_words(result: Result, test: Row) -> str:
    what = f"{age_name(result, test['period'])}: {test['verdict']}"
    if test["rate_change"] is None:
        return f"{what}."
    low, high = (points(test[f"rate_change_{end}"]) for end in ("lower", "upper"))
    return (
        f"{what}, {points(test['rate_change'])} points ({low} to {high}) from the first to the last cohort."
    )


def layers(result: Result, theme: Theme) -> go.Figure:
    """Draw spend per calendar period, stacked by when the customers came."""
    table = result.tables()["layers"]
    periods = table["calendar_on"].unique().sort().tail(_MOST_BARS)
    table = table.filter(pl.col("calendar_on") >= periods[0])
    bands = list(_bands(result, table["cohort_on"].unique().sort().to_list()))
    colours = [theme.tint(theme.accent, 1 - 0.82 * i / max(len(bands) - 1, 1)) for i in range(len(bands))]
    colours[-1] = theme.categories[1] if len(bands) > 1 else colours[-1]
    return parts.figure(
        result,
        "layers",
        theme,
        [_layer(result, theme, table, band, colour) for band, colour in zip(bands, colours, strict=True)],
        alt=_layers_alt(result, table),
        height=480,
        barmode="relative",
        bargap=0.12,
        xaxis=parts.axis(str(result.parameters["period"]).capitalize(), "names", type="date"),
        yaxis=parts.axis(parts.heading(result, "spend"), "money"),
        margin=parts.legend_room(3),
    )


def _bands(result: Result, starts: Sequence[date]) -> Iterator[tuple[str, list[date]]]:
    """Put consecutive cohorts together until few enough layers remain to tell apart: by year where there are years."""
    years = sorted({s.year for s in starts})
    if 1 < len(years) <= _LAYERS and result.parameters["period"] != "year":
        for year in years:
            yield f"Came in {year}", [s for s in starts if s.year == year]
        return
    step = -(-len(starts) // _LAYERS)
    for i in range(0, len(starts), step):
        chunk = list(starts[i : i + step])
        first, last = (cohort_label(result, d) for d in (chunk[0], chunk[-1]))
        yield f"Came in {first}" if first == last else f"Came {first} to {last}", chunk


def _layer(
    result: Result, theme: Theme, table: pl.DataFrame, band: tuple[str, list[date]], colour: str
) -> go.Bar:
    name, starts = band
    sums = (
        table.filter(pl.col("cohort_on").is_in(starts))
        .group_by("calendar_on")
        .agg(pl.col("spend", "n_orders").sum(), pl.col("is_complete").all())
        .sort("calendar_on")
    )
    rows = sums.to_dicts()
    return go.Bar(
        x=[r["calendar_on"] for r in rows],
        y=[r["spend"] for r in rows],
        name=name,
        marker={
            "color": colour,
            "line": {"width": 0},
            "pattern": {
                "shape": ["" if r["is_complete"] else "/" for r in rows],
                "fgcolor": theme.background,
                "size": 5,
            },
        },
        hovertext=[_layer_words(result, r, name) for r in rows],
        hovertemplate=parts.HOVER,
    )


def _layer_words(result: Result, row: Row, name: str) -> str:
    return text.lines(
        f"Spend {formats.money(row['spend'], result.currency)} in {parts.counted(row['n_orders'], 'order')}",
        "" if row["is_complete"] else "This period is not over",
        head=f"{name}: {cohort_label(result, row['calendar_on'])}",
    )


def _layers_alt(result: Result, table: pl.DataFrame) -> str:
    words = "Stacked bars of spend by period and by when the customers came. Hatched periods are not over."
    last = table.filter(pl.col("is_complete"))["calendar_on"].max()
    if not isinstance(last, date):
        return words
    rows = table.filter(pl.col("calendar_on") == last)
    total, fresh = (float(r["spend"].sum()) for r in (rows, rows.filter(pl.col("cohort_on") == last)))
    if total <= 0:
        return words
    return f"{words} In {cohort_label(result, last)} {formats.share(1 - fresh / total)} of spend came from customers won earlier."


def losses(result: Result, theme: Theme) -> go.Figure:
    """Draw at which age customers were active for the last time; those of the last age were still there."""
    rows = result.tables()["losses"].to_dicts()
    last = rows[-1]["period"]
    return parts.figure(
        result,
        "losses",
        theme,
        [
            go.Bar(
                x=[r["period"] for r in rows],
                y=[r["lost_after_share"] for r in rows],
                marker={"color": [_loss_colour(theme, r["period"], last) for r in rows]},
                error_y=parts.interval(theme, rows, "lost_after_share"),
                hovertext=[_loss_words(result, r, last) for r in rows],
                hovertemplate=parts.HOVER,
                showlegend=False,
            )
        ],
        alt=f"Bars by the {unit(result)} in which customers were active for the last time. "
        + ", ".join(f"{unit(result)} {r['period']}: {formats.share(r['lost_after_share'])}" for r in rows[:3])
        + f"; still there in {unit(result)} {last}: {formats.share(rows[-1]['lost_after_share'])}.",
        height=420,
        xaxis=age_axis(result, [r["period"] for r in rows])
        | {
            "title": {
                "text": text.wrapped(
                    f"{unit(result).capitalize()} of the last action (the last: still there{_pale_words(last)})",
                    36,
                )
            }
        },
        yaxis=parts.axis("Share of customers observed as long", "share"),
    )


def _loss_colour(theme: Theme, age: int, last: int) -> str:
    """Pale are the ages after which there was little time to come back."""
    if age in (0, last):
        return theme.good if age else theme.bad
    return theme.tint(theme.accent, 1.0 if 2 * age <= last else 0.45)


def _pale_words(last: int) -> str:
    return "; pale: many may still come back" if any(2 * age > last for age in range(1, last)) else ""


def _loss_words(result: Result, row: Row, last: int) -> str:
    what = "Still there" if row["period"] == last else "Active for the last time"
    late = 2 * row["period"] > last and row["period"] != last
    return text.lines(
        f"{parts.spanned(row, 'lost_after_share', 'share')}: {parts.counted(row['n_customers'], 'customer')}",
        "Many of them may still come back" if late else "",
        head=f"{what} {in_unit(result, row['period'])}",
    )


def payback(result: Result, theme: Theme) -> go.Figure:
    """Draw how much of the cost of winning has come back by age, on average and for each cohort."""
    curve = result.tables()["curve"]
    curve = curve.filter(pl.col("group") == ALL) if "group" in curve.columns else curve
    rows = curve.filter(pl.col("payback_share").is_not_null() & (pl.col("period") <= _MOST_AGES)).to_dicts()
    if not rows:
        return parts.nothing(result, "payback", theme, "No cohort has lived through a whole period yet.")
    paid = next((r for r in rows if r["payback_share"] >= 1), None)
    line = go.Scatter(
        x=[r["period"] for r in rows],
        y=[r["payback_share"] for r in rows],
        mode="lines+markers",
        name="All cohorts",
        line={"color": theme.accent, "width": 3},
        marker={"color": theme.accent, "size": 6},
        hovertext=[_paid_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )
    return parts.figure(
        result,
        "payback",
        theme,
        [*_band(theme, rows, theme.accent, "payback_share"), line],
        alt=f"Share of the cost of winning that has come back, by age. {_paid_sentence(result, paid, rows[-1])}",
        height=440,
        xaxis=age_axis(result, [r["period"] for r in rows]),
        yaxis=parts.axis("Share of the cost of winning paid back", "share"),
        shapes=[
            {
                "type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": 1, "y1": 1,
                "line": {"color": theme.text, "dash": "dash", "width": 1.2},
            }
        ],
        margin=parts.legend_room(),
    )  # fmt: skip


def _paid_words(result: Result, row: Row) -> str:
    cost = formats.money(row["cohort_acquisition_cost"], result.currency)
    return text.lines(
        f"Come back: {parts.spanned(row, 'payback_share', 'share')}",
        f"of {cost} for {parts.counted(row['n_with_cost'], 'customer')}",
        head=f"Up to {unit(result)} {row['period']}",
    )


def _paid_sentence(result: Result, paid: Row | None, last: Row) -> str:
    if paid is None:
        return f"By {unit(result)} {last['period']} {formats.share(last['payback_share'])} has come back."
    return f"It is paid back {in_unit(result, paid['period'])}."


VIEWS: Final[Views] = {
    "heatmap": heatmap,
    "curves": curves,
    "trend": trend,
    "losses": losses,
    "layers": layers,
    "payback": payback,
}
"""The drawings of this analysis by view."""
