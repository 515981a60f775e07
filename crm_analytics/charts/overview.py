"""Pictures of the customer base over time: spend against a year earlier, and new against returning customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import plotly.graph_objects as go

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_QUARTER: Final = 3


def trend(result: Result, theme: Theme) -> go.Figure:
    """Draw spend by period with the same period a year earlier; an unfinished period is pale."""
    rows = _periods(result)
    now = _bars(theme, rows, "spend", "Spend", theme.accent, words=lambda r: _spend_words(result, r))
    earlier = [r for r in rows if r["spend_last_year"] is not None]
    before = go.Scatter(
        x=[r["period_on"] for r in earlier],
        y=[r["spend_last_year"] for r in earlier],
        mode="lines" if len(earlier) > 1 else "markers",
        name="A year earlier",
        line={"color": theme.bad, "width": 2},
        marker={"size": 8},
        hovertext=[_spend_words(result, r) for r in earlier],
        hovertemplate=parts.HOVER,
    )
    whole = [r for r in rows if r["is_complete"]] or rows
    last = whole[-1]
    return parts.figure(
        result,
        "trend",
        theme,
        [now, *([before] if earlier else [])],
        alt=f"Spend by {_period(result)} from {_name(result, rows[0])} to {_name(result, rows[-1])}. "
        f"Last complete {_period(result)}: {_spend_words(result, last, plain=True)}",
        height=420,
        xaxis=_time_axis(result),
        yaxis=parts.axis(parts.heading(result, "spend"), "money"),
        margin=parts.legend_room(),
        showlegend=bool(earlier),
    )


def customers_by_kind(result: Result, theme: Theme) -> go.Figure:
    """Draw the active customers of each period: those who had bought before, and on top those who are new."""
    rows = _periods(result)
    words = lambda r: _kind_words(result, r)  # noqa: E731 named for the two calls below
    returning = _bars(theme, rows, "n_returning", "Returning", theme.accent, words=words)
    new = _bars(theme, rows, "n_new", "New", theme.categories[1], words=words)
    last = ([r for r in rows if r["is_complete"]] or rows)[-1]
    return parts.figure(
        result,
        "customers_by_kind",
        theme,
        [returning, new],
        alt=f"Stacked bars of returning and new customers by {_period(result)}. {_name(result, last)}: "
        f"{last['n_returning']:,} returning and {last['n_new']:,} new.",
        height=420,
        barmode="stack",
        xaxis=_time_axis(result),
        yaxis=parts.axis("Active customers", "count"),
        margin=parts.legend_room(),
    )


def _bars(
    theme: Theme,
    rows: Sequence[Row],
    column: str,
    name: str,
    colour: str,
    *,
    words: Any,  # noqa: ANN401 a function of a row
) -> go.Bar:
    return go.Bar(
        x=[r["period_on"] for r in rows],
        y=[r[column] for r in rows],
        name=name,
        marker={"color": [colour if r["is_complete"] else theme.tint(colour, 0.4) for r in rows]},
        hovertext=[words(r) for r in rows],
        hovertemplate=parts.HOVER,
    )


def _periods(result: Result) -> Sequence[Row]:
    view = next(v for v in result.views if v.name == "trend")
    return result.tables()[view.table].to_dicts()


def _period(result: Result) -> str:
    return str(result.parameters.get("period", "month"))


def _name(result: Result, row: Row) -> str:
    """Name a period as people do: June 2026, Q2 2026, 2026."""
    day: date = row["period_on"]
    named = {"quarter": f"Q{(day.month - 1) // _QUARTER + 1} {day.year}", "year": str(day.year)}
    return named.get(_period(result), f"{day:%B %Y}")


def _time_axis(result: Result) -> dict[str, object]:
    kinds = {"month": ("Month", "%b<br>%Y"), "quarter": ("Quarter", "Q%q<br>%Y"), "year": ("Year", "%Y")}
    title, ticks = kinds.get(_period(result), kinds["month"])
    return parts.axis(title, "names", tickformat=ticks, hoverformat="%b %Y", nticks=8)


def _spend_words(result: Result, row: Row, *, plain: bool = False) -> str:
    lines = [
        f"Spend {formats.money(row['spend'], result.currency)} in {parts.counted(row['n_orders'], 'order')}"
    ]
    if row["spend_last_year"]:
        change = row["spend"] / row["spend_last_year"] - 1
        lines.append(
            f"{formats.money(row['spend_last_year'], result.currency)} a year earlier: "
            f"{'up' if change >= 0 else 'down'} {formats.share(abs(change))}"
        )
    if not row["is_complete"]:
        lines.append(f"This {_period(result)} is not complete")
    if plain:
        return f"{_name(result, row)}: {'; '.join(lines)}."
    return text.lines(*lines, head=_name(result, row))


def _kind_words(result: Result, row: Row) -> str:
    lines = [
        parts.counted(row["n_active"], "active customer"),
        f"{row['n_returning']:,} returning, {row['n_new']:,} new",
    ]
    if not row["is_complete"]:
        lines.append(f"This {_period(result)} is not complete")
    return text.lines(*lines, head=_name(result, row))


VIEWS: Final[Views] = {"trend": trend, "customers_by_kind": customers_by_kind}
"""The drawings of this analysis by view."""
