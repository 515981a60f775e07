"""Pictures of repeat purchase: how soon customers come back, when they are likeliest to, who is late, what goes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_MOST_CURVES: Final = 4
_MOST_LISTED: Final = 15
_MOST_FIRST: Final = 9
_NARROW: Final = 22  # characters: names stand beside these axes
_FAINT: Final = 0.16
_NTH: Final = ("first", "second", "third", "fourth", "fifth")


def curve(result: Result, theme: Theme) -> go.Figure:
    """Draw the share back by days since the order, a line per order number, with the interval of the first."""
    numbers = result.tables()["steps"]["order_number"].to_list()[:_MOST_CURVES]
    points = result.tables()["curve"]
    lines = [points.filter(pl.col("order_number") == n).to_dicts() for n in numbers]
    traces = [_line(theme, rows, place) for place, rows in enumerate(lines)]
    return parts.figure(
        result,
        "curve",
        theme,
        [*(_band(theme, lines[0]) if lines else []), *traces],
        alt="Rising curves of the share of customers who have ordered again, by days since the order. "
        + " ".join(f"{_after(rows[-1])}: {_back(rows[-1])}." for rows in lines if rows),
        height=480,
        xaxis=parts.axis("Days since the order", "count"),
        yaxis=parts.axis("Share who ordered again", "share"),
        margin=parts.legend_room(3),
    )


def _line(theme: Theme, rows: Sequence[Row], place: int) -> go.Scatter:
    return go.Scatter(
        x=[r["days_since_order"] for r in rows],
        y=[r["return_rate"] for r in rows],
        mode="lines" if len(rows) > 1 else "markers",
        line={"shape": "hv", "color": theme.categories[place], "width": 2.5, "dash": _DASHES[place]},
        name=_after(rows[0]),
        hovertext=[text.lines(_back(r), f"{r['n_awaited']:,} still awaited", head=_after(r)) for r in rows],
        hovertemplate=parts.HOVER,
    )


_DASHES: Final = ("solid", "dash", "dot", "dashdot")


def _band(theme: Theme, rows: Sequence[Row]) -> list[go.Scatter]:
    common = {
        "x": [r["days_since_order"] for r in rows],
        "mode": "lines",
        "line": {"width": 0, "shape": "hv"},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    return [
        go.Scatter(y=[r["return_rate_lower"] for r in rows], **common),
        go.Scatter(
            y=[r["return_rate_upper"] for r in rows],
            fill="tonexty",
            fillcolor=theme.tint(theme.categories[0], _FAINT),
            **common,
        ),
    ]


def _after(row: Row) -> str:
    n = row["order_number"]
    return f"After the {_NTH[n - 1]} order" if n <= len(_NTH) else f"After order {n}"


def _back(row: Row) -> str:
    days = parts.counted(row["days_since_order"], "day")
    return f"{parts.spanned(row, 'return_rate', 'share')} within {days}"


def moments(result: Result, theme: Theme) -> go.Figure:
    """Draw how many of those still awaited come in a week, by time since the order."""
    table = result.tables()["moments"]
    numbers = table["order_number"].unique().sort().to_list()
    if not numbers:
        why = "Too few customers are followed for two weeks after an order to say when the next one comes."
        return parts.nothing(result, "moments", theme, why)
    lines = [table.filter(pl.col("order_number") == n).to_dicts() for n in numbers]
    first = lines[0]
    best = max(first, key=lambda r: r["weekly_return_rate"])
    return parts.figure(
        result,
        "moments",
        theme,
        [_rates(theme, rows, place) for place, rows in enumerate(lines)],
        alt=f"Lines by fortnight since the order: the share of those still awaited who come in a week. {_after(best)} "
        f"it is highest from day {best['from_day']} to {best['to_day']}: {_weekly(best)}.",
        height=460,
        xaxis=parts.axis("Days since the order", "count"),
        yaxis=parts.axis("Come in a week, of those awaited", "share"),
        shapes=_half_mark(result, theme),
        annotations=_half_words(result, theme),
        margin=parts.legend_room(3),
    )


def _rates(theme: Theme, rows: Sequence[Row], place: int) -> go.Scatter:
    return go.Scatter(
        x=[(r["from_day"] + r["to_day"]) / 2 for r in rows],
        y=[r["weekly_return_rate"] for r in rows],
        error_y=parts.interval(theme, rows, "weekly_return_rate") if place == 0 else None,
        mode="lines+markers",
        line={"color": theme.categories[place], "width": 2.5, "dash": _DASHES[place]},
        marker={"size": 6},
        name=_after(rows[0]),
        hovertext=[
            text.lines(
                f"{_weekly(r)} a week", f"{r['n_came']:,} came of {r['n_awaited']:,} awaited",
                head=f"{_after(r)}, day {r['from_day']} to {r['to_day']}",
            )
            for r in rows
        ],
        hovertemplate=parts.HOVER,
    )  # fmt: skip


def _weekly(row: Row) -> str:
    return parts.spanned(row, "weekly_return_rate", "share")


def _half(result: Result) -> float | None:
    rows = result.tables()["steps"].filter(pl.col("order_number") == 1)
    return rows["half_returned_days"].item() if rows.height else None


def _half_mark(result: Result, theme: Theme) -> list[dict[str, object]]:
    half = _half(result)
    line = {"color": theme.quiet, "dash": "dash", "width": 1.5}
    return (
        []
        if half is None
        else [{"type": "line", "x0": half, "x1": half, "y0": 0, "y1": 1, "yref": "paper", "line": line}]
    )


def _half_words(result: Result, theme: Theme) -> list[dict[str, object]]:
    half = _half(result)
    if half is None:
        return []
    return [
        {
            "text": text.wrapped(f"Day {half:,.0f}: half of those who return after the first order are back", 24),
            "x": half, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "top", "xshift": 6, "align": "left",
            "showarrow": False, "font": {"color": theme.muted},
        }
    ]  # fmt: skip


def gaps(result: Result, theme: Theme) -> go.Figure:
    """Draw how long gaps between orders are: all gaps, and customers by the median of theirs."""
    rows = result.tables()["gaps"].to_dicts()
    if not rows:
        return parts.nothing(result, "gaps", theme, "Nobody has ordered twice yet.")
    return parts.figure(
        result,
        "gaps",
        theme,
        [
            _gap_bars(rows, "customer_by_median_share", "Customers, by median gap", theme.accent),
            _gap_bars(rows, "gap_share", "All gaps", theme.quiet),
        ],
        alt="Paired bars by length of the gap between orders. "
        + " ".join(
            f"{_length(r)}: {formats.share(r['customer_by_median_share'])} of customers." for r in rows
        ),
        height=460,
        barmode="group",
        bargroupgap=0.08,
        xaxis=parts.axis("Days between orders", "names", type="category", tickangle=-45),
        yaxis=parts.axis("Share", "share"),
        margin=parts.legend_room(2),
    )


def _gap_bars(rows: Sequence[Row], column: str, name: str, colour: str) -> go.Bar:
    return go.Bar(
        x=[_days(r) for r in rows],
        y=[r[column] for r in rows],
        name=name,
        marker={"color": colour},
        hovertext=[
            text.lines(
                f"{parts.counted(r['n_customers_by_median'], 'customer')} with this median: {_share(r, 'customer_by_median_share')}",
                f"{parts.counted(r['n_ended_gaps'], 'gap')}: {_share(r, 'gap_share')}",
                f"{_share(r, 'gap_share_so_far')} so long or shorter",
                head=_length(r),
            )
            for r in rows
        ],
        hovertemplate=parts.HOVER,
    )


def _share(row: Row, column: str) -> str:
    return parts.spanned(row, column, "share")


def _days(row: Row) -> str:
    low, high = row["gap_from_days"], row["gap_to_days"]
    return f"over {low - 1:,}" if high is None else f"{low:,}-{high:,}" if low else f"up to {high:,}"


def _length(row: Row) -> str:
    return f"{_days(row)} days".capitalize()


def late(result: Result, theme: Theme) -> go.Figure:
    """Draw the customers who became late lately and spent most: their typical gap against their silence."""
    newly = result.parameters["newly_late_days"]
    found = result.tables()["customers"].filter(pl.col("is_late") & (pl.col("late_for_days") <= newly))
    if found.is_empty():
        why = f"No customer with a rhythm of their own became late in the last {newly} days."
        return parts.nothing(result, "late", theme, why)
    listed = found.sort("yearly_spend", "customer_id", descending=[True, False]).head(_MOST_LISTED).to_dicts()
    whole = formats.money(float(found["yearly_spend"].sum()), result.currency)
    places = list(range(len(listed)))
    return parts.figure(
        result,
        "late",
        theme,
        [
            _joined(theme, listed),
            _ends(result, listed, places, "typical_gap_days", "Typical gap", theme.accent, theme),
            _ends(result, listed, places, "days_silent", "Days without an order", theme.bad, theme),
        ],
        alt=f"The {len(listed)} of {found.height:,} newly late customers who spent most; all together spent {whole} in their last "
        "active year. "
        + "; ".join(
            f"customer {r['customer_id']} usually waits {r['typical_gap_days']:,.0f} days and has been silent for {r['days_silent']:,}"
            for r in listed[:3]
        )
        + ".",
        height=170 + 28 * len(listed),
        xaxis=parts.axis("Days", "count"),
        yaxis=parts.names_axis("Customer", [_who(result, r) for r in listed], width=24),
        margin=parts.legend_room(2),
    )


def _who(result: Result, row: Row) -> str:
    return f"{row['customer_id']} ({formats.money(round(row['yearly_spend']), result.currency, short=True)})"


def _joined(theme: Theme, rows: Sequence[Row]) -> go.Scatter:
    return go.Scatter(
        x=[v for r in rows for v in (r["typical_gap_days"], r["days_silent"], None)],
        y=[v for i in range(len(rows)) for v in (i, i, None)],
        mode="lines",
        line={"color": theme.tint(theme.quiet, 0.6), "width": 3},
        showlegend=False,
        hoverinfo="skip",
    )


def _ends(
    result: Result, rows: Sequence[Row], places: list[int], column: str, name: str, colour: str, theme: Theme
) -> go.Scatter:
    return go.Scatter(
        x=[r[column] for r in rows],
        y=places,
        mode="markers",
        name=name,
        marker={"color": colour, "size": 11, "line": {"color": theme.background, "width": 1}},
        hovertext=[_late_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )


def _late_words(result: Result, row: Row) -> str:
    return text.lines(
        f"Silent for {row['days_silent']:,} days, typical gap {parts.spanned(row, 'typical_gap_days', 'days')}",
        f"Still active, would be silent so long with a probability of {formats.share(row['silence_probability'])}",
        f"Spent {formats.money(row['yearly_spend'], result.currency)} in the last active year",
        head=f"Customer {row['customer_id']}",
    )


def first_purchase(result: Result, theme: Theme) -> go.Figure:
    """Draw the values in the first order that differ most from the others, with the interval of the difference."""
    rows = _strongest(result.tables()["first_purchase"].filter(pl.col("return_difference").is_not_null()))
    if not rows:
        why = "There is nothing to compare: all first orders are alike, or every value is rare."
        return parts.nothing(result, "first_purchase", theme, why)
    return _differences(
        result,
        "first_purchase",
        theme,
        rows,
        [f"{r['first_by'].removeprefix('first ').capitalize()}: {r['first_value']}" for r in rows],
        f"Back in {result.parameters['follow_days']} days, against first orders without it",
    )


def _strongest(table: pl.DataFrame) -> list[Row]:
    """Take the rows whose intervals lie farthest from nought, best first."""
    low, high = pl.col("return_difference_lower"), pl.col("return_difference_upper")
    away = pl.when(low > 0).then(low).when(high < 0).then(-high).otherwise(pl.min_horizontal(low, -high))
    best = (
        table.with_columns(away=away).sort("away", "first_value", descending=[True, False]).head(_MOST_FIRST)
    )
    found: list[Row] = list(
        best.sort("return_difference", "first_value", descending=[True, False]).iter_rows(named=True)
    )
    return found


def segments(result: Result, theme: Theme) -> go.Figure:
    """Draw each group's share back against the others, with the interval of the difference."""
    table = result.tables()["segments"].filter(pl.col("return_difference").is_not_null())
    rows: list[Row] = list(table.head(_MOST_LISTED).iter_rows(named=True))
    if not rows:
        return parts.nothing(result, "segments", theme, "There are no two groups to compare yet.")
    return _differences(
        result,
        "segments",
        theme,
        rows,
        [str(r["group"]) for r in rows],
        f"Back in {result.parameters['follow_days']} days, against all others",
    )


_COLOURS: Final = {"returns more often": "good", "returns less often": "bad"}


def _differences(
    result: Result, view: str, theme: Theme, rows: Sequence[Row], names: Sequence[str], what: str
) -> go.Figure:
    colours = [getattr(theme, _COLOURS.get(r["evidence"], "quiet")) for r in rows]
    points = go.Scatter(
        x=[r["return_difference"] for r in rows],
        y=list(range(len(rows))),
        mode="markers",
        error_x=parts.interval(theme, rows, "return_difference"),
        marker={"color": colours, "size": 12, "line": {"color": theme.background, "width": 1}},
        showlegend=False,
        hovertext=[_difference_words(r, n) for r, n in zip(rows, names, strict=True)],
        hovertemplate=parts.HOVER,
    )
    nought = {
        "type": "line",
        "x0": 0,
        "x1": 0,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"color": theme.quiet, "width": 1.5},
    }
    across = parts.axis(
        what, "share", tickformat="~%", rangemode="normal", nticks=4, tickangle=0, zeroline=False
    )
    return parts.figure(
        result,
        view,
        theme,
        [points],
        alt=f"{what}. "
        + " ".join(
            f"{n}: {formats.share(r['return_rate'])} against {formats.share(r['other_return_rate'])}, {r['evidence']}."
            for r, n in zip(rows, names, strict=True)
        ),
        height=170 + 34 * len(rows),
        shapes=[nought],
        xaxis={**across, "title": {"text": text.wrapped(what, _NARROW)}},
        yaxis=parts.names_axis(
            "In the first order" if view == "first_purchase" else "Group", names, width=20, automargin="width"
        ),
    )


def _difference_words(row: Row, name: str) -> str:
    return text.lines(
        f"{parts.spanned(row, 'return_rate', 'share')} back, of {parts.counted(row['n_customers'], 'customer')}",
        f"Others {formats.share(row['other_return_rate'])}, of {row['n_others']:,}",
        f"Difference {parts.spanned(row, 'return_difference', 'share')}: {row['evidence']}",
        head=name,
    )


VIEWS: Final[Views] = {
    "curve": curve,
    "moments": moments,
    "gaps": gaps,
    "late": late,
    "first_purchase": first_purchase,
    "segments": segments,
}
"""The drawings of this analysis by view."""
