"""Pictures of the validation: what came against what was forecast, over time, by tenth, by frequency, and beside simple rules."""

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

_WIDE: Final = 2.5
_ROOM: Final = 1.08
_HEIGHTS: Final = (
    "forecast_per_customer", "actual_per_customer", "actual_per_customer_upper", "rule_per_customer",
)  # fmt: skip
_NAME_WIDTH: Final = 20


def tracking(result: Result, theme: Theme) -> go.Figure:
    """Draw repeat purchases so far: those made, those expected of new customers, and the forecast since the origin."""
    return _over_time(result, theme, "tracking", "cumulative", "Repeat purchases so far")


def weekly(result: Result, theme: Theme) -> go.Figure:
    """Draw repeat purchases week by week."""
    return _over_time(result, theme, "weekly", "in_period", f"Repeat purchases per {_period(result)}")


def _over_time(result: Result, theme: Theme, view: str, of: str, title: str) -> go.Figure:
    rows = _whole_periods(result, of)
    later = [r for r in rows if r["is_holdout"]]
    origin = result.tables()["purchases"]["origin_on"][0]
    lines = [
        _line(
            rows,
            f"actual_{of}",
            "Made",
            {"color": theme.quiet, "width": _WIDE if of == "cumulative" else 1.5},
        ),
        _line(
            rows,
            f"expected_{of}",
            "Expected of new customers",
            {"color": theme.accent, "dash": "dot", "width": 2},
        ),
        _line(later, f"forecast_{of}", "Forecast from each history", {"color": theme.bad, "width": _WIDE}),
    ]
    last = rows[-1]
    return parts.figure(
        result,
        view,
        theme,
        lines,
        alt=f"Three lines by {_period(result)}. The forecast was made on {formats.value(origin, 'day')}. In the last "
        f"{_period(result)}: {last[f'actual_{of}']:,.0f} made, {last[f'forecast_{of}']:,.0f} forecast.",
        height=480,
        xaxis=parts.axis(
            f"{_period(result).capitalize()} ending on", "names", tickformat="%b<br>%Y", nticks=8
        ),
        yaxis=parts.axis(title),
        shapes=[_upright(theme, origin)],
        annotations=[_forecast_from(theme, origin)],
        margin=parts.legend_room(3),
    )


def _whole_periods(result: Result, of: str) -> list[dict[str, Any]]:
    """Give the periods; week by week without a last one that is shorter than the others, which would look like a fall."""
    frame = result.tables()["tracking"]
    lengths = frame["weeks_after_origin"].diff().to_list()
    short = of == "in_period" and frame.height > 2 and lengths[-1] < lengths[-2]  # noqa: PLR2004
    return frame.head(
        frame.height - 1 if short and frame["is_holdout"].sum() > 1 else frame.height
    ).to_dicts()


def _period(result: Result) -> str:
    steps = result.tables()["tracking"]["weeks_after_origin"].diff().drop_nulls()
    return "week" if steps.is_empty() or steps[0] <= 1 else "four weeks"


def _line(rows: Sequence[Row], column: str, name: str, style: dict[str, object]) -> go.Scatter:
    return go.Scatter(
        x=[r["period_end_on"] for r in rows],
        y=[r[column] for r in rows],
        mode="lines+markers" if len(rows) == 1 else "lines",
        name=name,
        line=style,
        hovertext=[
            text.lines(f"{name}: {r[column]:,.0f}", head=f"Up to {formats.value(r['period_end_on'], 'day')}")
            for r in rows
        ],
        hovertemplate=parts.HOVER,
    )


def _upright(theme: Theme, day: date) -> dict[str, object]:
    return {
        "type": "line", "x0": day, "x1": day, "y0": 0, "y1": 1, "yref": "paper",
        "line": {"color": theme.quiet, "dash": "dash", "width": 1.5},
    }  # fmt: skip


def _forecast_from(theme: Theme, day: date) -> dict[str, object]:
    return {
        "text": "forecast<br>made here", "x": day, "y": 0.02, "yref": "paper", "xanchor": "right", "yanchor": "bottom",
        "align": "right", "xshift": -6, "showarrow": False, "font": {"color": theme.muted},
    }  # fmt: skip


def deciles(result: Result, theme: Theme) -> go.Figure:
    """Draw forecast and made for each tenth of the customers, those with the highest forecasts first."""
    rows = result.tables()["deciles"].to_dicts()
    names = [str(r["forecast_decile"]) for r in rows]
    return _calibration(
        result, theme, "deciles", names, rows, "Tenth of the customers, highest forecasts first"
    )


def frequency(result: Result, theme: Theme) -> go.Figure:
    """Draw forecast and made by the number of repeat purchases before."""
    rows = result.tables()["by_frequency"].to_dicts()
    names = [r["bought_again"] for r in rows]
    return _calibration(result, theme, "frequency", names, rows, "Repeat purchases before the forecast")


def _calibration(
    result: Result, theme: Theme, view: str, names: Sequence[str], rows: Sequence[Row], along: str
) -> go.Figure:
    head = along.split(",", maxsplit=1)[0]
    hover = [_group_words(r, f"{head}: {name}") for name, r in zip(names, rows, strict=True)]
    made = go.Bar(
        x=names,
        y=[r["actual_per_customer"] for r in rows],
        name="Made, with 95% interval",
        marker={"color": theme.tint(theme.quiet, 0.75)},
        error_y=parts.interval(theme, rows, "actual_per_customer"),
        hovertext=hover,
        hovertemplate=parts.HOVER,
    )
    rule = _points(
        names, rows, hover, "rule_per_customer", "Best simple rule", {"color": theme.bad, "symbol": "diamond"}
    )
    model = _points(
        names, rows, hover, "forecast_per_customer", "Model", {"color": theme.accent, "symbol": "circle"}
    )
    for points in (rule, model):
        points.marker.line = {"color": theme.background, "width": 1.5}
    highest = max(v for r in rows for c in _HEIGHTS if (v := r[c]) is not None) or 1.0
    return parts.figure(
        result,
        view,
        theme,
        [made, rule, model],
        alt="Bars of purchases made per customer, with the model's forecast as dots. "
        + "; ".join(
            f"{name}: {r['forecast_per_customer']:.2f} forecast, {r['actual_per_customer']:.2f} made"
            for name, r in zip(names, rows, strict=True)
        )
        + ".",
        height=480,
        xaxis=parts.axis(along, "names", type="category"),
        yaxis=parts.axis("Purchases per customer", "count", tickformat=None, range=[0, _ROOM * highest]),
        margin=parts.legend_room(2),
    )


def _points(
    names: Sequence[str],
    rows: Sequence[Row],
    hover: list[str],
    column: str,
    name: str,
    marker: dict[str, object],
) -> go.Scatter:
    return go.Scatter(
        x=list(names),
        y=[r[column] for r in rows],
        mode="markers",
        name=name,
        marker={"size": 12, **marker},
        hovertext=hover,
        hovertemplate=parts.HOVER,
    )


def _group_words(row: Row, head: str) -> str:
    n = row["n_customers"]
    return text.lines(
        "1 customer" if n == 1 else f"{n:,} customers",
        f"Made: {parts.spanned(row, 'actual_per_customer', 'number')} each",
        f"Model: {row['forecast_per_customer']:.2f}",
        f"Best simple rule: {row['rule_per_customer']:.2f}",
        head=head,
    )


def models(result: Result, theme: Theme) -> go.Figure:
    """Draw the average miss of each model and simple rule in the latest period, the smallest first."""
    latest = result.tables()["purchases"].filter(pl.col("origin_on") == pl.col("origin_on").max()).sort("mae")
    rows = latest.to_dicts()
    bars = [
        _bars(theme, rows, [i for i, r in enumerate(rows) if test(r)], name, colour)
        for name, colour, test in (
            ("Model taken", theme.accent, lambda r: r["is_chosen"]),
            (
                "Other models",
                theme.tint(theme.accent, 0.45),
                lambda r: not r["is_chosen"] and not r["is_rule"],
            ),
            ("Simple rules", theme.quiet, lambda r: r["is_rule"]),
        )
    ]
    most = max(r["mae_upper"] or r["mae"] for r in rows)
    return parts.figure(
        result,
        "models",
        theme,
        [b for b in bars if len(b.x)],
        alt="Bars, the smallest miss first. "
        + "; ".join(f"{r['forecast_by']}: {r['mae']:.2f}" for r in rows)
        + ".",
        height=150 + 50 * len(rows),
        xaxis=parts.axis(
            "Miss, in purchases",
            "count",
            tickformat=None,
            range=[0, 1.22 * (most or 1.0)],
        ),
        yaxis=_names(rows),
        annotations=[_beside(theme, r, i) for i, r in enumerate(rows)],
        margin=parts.legend_room(2),
        barmode="overlay",
    )


def _names(rows: Sequence[Row]) -> dict[str, object]:
    """Give the axis of forecasts, their names in two lines where a phone needs it."""
    axis = parts.names_axis("Forecast by", [r["forecast_by"] for r in rows])
    return {**axis, "ticktext": [text.wrapped(r["forecast_by"], _NAME_WIDTH) for r in rows]}


def _bars(theme: Theme, rows: Sequence[Row], places: list[int], name: str, colour: str) -> go.Bar:
    some = [rows[i] for i in places]
    return go.Bar(
        x=[r["mae"] for r in some],
        y=places,
        orientation="h",
        width=0.62,
        name=name,
        marker={"color": colour},
        error_x=parts.interval(theme, some, "mae"),
        hovertext=[_model_words(r) for r in some],
        hovertemplate=parts.HOVER,
    )


def _beside(theme: Theme, row: Row, place: int) -> dict[str, object]:
    return {
        "x": row["mae_upper"] or row["mae"], "y": place, "xanchor": "left", "xshift": 6, "showarrow": False,
        "text": f"{row['mae']:.2f}", "font": {"color": theme.text},
    }  # fmt: skip


def _model_words(row: Row) -> str:
    off = row["total_error"]
    against = row["mae_against_rule"]
    return text.lines(
        f"Average miss {parts.spanned(row, 'mae', 'number')} purchases",
        "" if against is None or row["is_rule"] else f"{100 * against:+.0f}% against the best simple rule",
        f"Root mean squared miss {row['rmse']:.2f}",
        "" if off is None else f"Off in total {100 * off:+.1f}%",
        "" if row["rank_correlation"] is None else f"Rank correlation {row['rank_correlation']:.2f}",
        head=row["forecast_by"],
    )


VIEWS: Final[Views] = {
    "tracking": tracking,
    "weekly": weekly,
    "deciles": deciles,
    "frequency": frequency,
    "models": models,
}
"""The drawings of this analysis by view."""
