"""Pictures of lifetime value: how it builds up, which groups and tenths hold it, who is alive, who is slipping."""

from __future__ import annotations

import math
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

_MOST_LISTED: Final = 20
_MOST_POINTS: Final = 1_200
_A_ROW: Final = 10
_MOST_SLIPPING_POINTS: Final = 400
_LEAST_RANGE: Final = 1e-4  # values this far below the best are drawn at the foot of the logarithmic axis


def curve(result: Result, theme: Theme) -> go.Figure:
    """Draw expected value as it builds up, with the interval of the estimate within the range of outcomes."""
    rows = result.tables()["curve"].to_dicts()
    start = result.provenance.as_of
    nought = {"until_on": start, **dict.fromkeys(_CURVE, 0.0)}
    points = [nought, *rows]
    last = rows[-1]
    basis = _basis(result)
    line = go.Scatter(
        x=[r["until_on"] for r in points],
        y=[r["value_so_far"] for r in points],
        mode="lines+markers",
        name="Expected",
        line={"color": theme.accent, "width": 2.5},
        marker={"size": 6},
        hovertext=[_curve_words(result, r) for r in points],
        hovertemplate=parts.HOVER,
    )
    return parts.figure(
        result,
        "curve",
        theme,
        [
            *_band(theme, points, "outcome", "What may come in: 95 of 100 outcomes", 0.12),
            *_band(theme, points, "value_so_far", "How far the estimate may be off", 0.34),
            line,
        ],
        alt=f"A rising line of expected {basis} that reaches {_money(result, last['value_so_far'])} on "
        f"{formats.value(last['until_on'], 'day')}. Estimate: "
        f"{_between(result, last, 'value_so_far')}; outcome: {_between(result, last, 'outcome')}.",
        height=480,
        xaxis=parts.axis("Up to this day", "names", tickformat="%b<br>%Y"),
        yaxis=parts.axis(f"Expected {_with_currency(result, basis)}", "money"),
        margin=parts.legend_room(3),
    )


_CURVE: Final = (
    "value_so_far", "value_so_far_lower", "value_so_far_upper", "outcome_lower", "outcome_upper", "purchases_so_far",
)  # fmt: skip


def _band(theme: Theme, points: Sequence[Row], column: str, name: str, strength: float) -> list[go.Scatter]:
    """Shade between two bounds."""
    common = {
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "x": [r["until_on"] for r in points],
    }
    return [
        go.Scatter(y=[r[f"{column}_lower"] for r in points], showlegend=False, **common),
        go.Scatter(
            y=[r[f"{column}_upper"] for r in points],
            name=name,
            fill="tonexty",
            fillcolor=theme.tint(theme.accent, strength),
            **common,
        ),
    ]


def _curve_words(result: Result, row: Row) -> str:
    return text.lines(
        f"{_money(result, row['value_so_far'])} expected ({_between(result, row, 'value_so_far')})",
        f"{_between(result, row, 'outcome')} may come in",
        f"{row['purchases_so_far']:,.0f} purchases",
        head=f"Up to {formats.value(row['until_on'], 'day')}",
    )


def groups(result: Result, theme: Theme) -> go.Figure:
    """Draw the value of each group with its interval, and what it comes to per customer."""
    rows = _in_order(result.tables()["groups"])
    kinds = list(dict.fromkeys(r["group_kind"] for r in rows))
    places = {id(r): i + kinds.index(r["group_kind"]) for i, r in enumerate(rows)}  # a gap between kinds
    names = {places[id(r)]: r["group"] for r in rows}
    bars = [
        go.Bar(
            x=[r["lifetime_value"] for r in some],
            y=[places[id(r)] for r in some],
            orientation="h",
            name=kind,
            marker={"color": theme.categories[i % len(theme.categories)]},
            error_x=parts.interval(theme, some, "lifetime_value"),
            hovertext=[_group_words(result, r) for r in some],
            hovertemplate=parts.HOVER,
        )
        for i, kind in enumerate(kinds)
        for some in [[r for r in rows if r["group_kind"] == kind]]
    ]
    most = max((r["lifetime_value_upper"] for r in rows), default=1.0)
    notes = [
        {
            "x": r["lifetime_value_upper"], "y": places[id(r)], "xanchor": "left", "xshift": 6, "showarrow": False,
            "text": text.safe(formats.money(r["value_per_customer"], result.currency)),
            "font": {"color": theme.muted, "size": 13},
        }
        for r in rows
    ]  # fmt: skip
    return parts.figure(
        result,
        "groups",
        theme,
        bars,
        alt="Bars of lifetime value with intervals. "
        + " ".join(f"{r['group_kind']} {r['group']}: {_money(result, r['lifetime_value'])}." for r in rows),
        height=130 + 30 * len(rows),
        barmode="overlay",
        bargap=0.35,
        xaxis=parts.axis(
            f"{parts.heading(result, 'lifetime_value')}; at the end of each bar, per customer",
            "money",
            range=[0, most * 1.3],
        ),
        yaxis=parts.names_axis(
            "Group", [names.get(i, "") for i in range(max(names, default=0) + 1)], width=18
        ),
        annotations=notes,
        margin=parts.legend_room(),
    )


def _in_order(table: pl.DataFrame) -> list[Row]:
    """Keep cohorts in time and put the other groups with the most value on top of their kind."""
    kinds = table["group_kind"].unique(maintain_order=True).to_list()
    found: list[Row] = []
    for i, kind in enumerate(kinds):
        some = table.filter(pl.col("group_kind") == kind)
        found += (
            some if i == 0 else some.sort("lifetime_value", "group", descending=[True, False])
        ).to_dicts()
    return found


def _group_words(result: Result, row: Row) -> str:
    back = row.get("value_to_cost")
    return text.lines(
        f"{parts.spanned(row, 'lifetime_value', 'money', result.currency)}, {formats.share(row['value_share'] or 0)} of all",
        f"{formats.money(row['value_per_customer'], result.currency)} per customer",
        f"{row['n_customers']:,} customers, {row['expected_alive']:,.0f} of them expected to be customers still",
        None if back is None else f"{back:.1f} times the cost of winning them",
        head=f"{row['group_kind']}: {row['group']}",
    )


def deciles(result: Result, theme: Theme) -> go.Figure:
    """Draw the share of lifetime value that each tenth of the customers holds, the best tenth first."""
    rows = result.tables()["deciles"].to_dicts()
    return parts.figure(
        result,
        "deciles",
        theme,
        [
            go.Bar(
                x=[str(r["value_decile"]) for r in rows],
                y=[r["value_share"] or 0 for r in rows],
                marker={"color": [theme.accent if r["value_decile"] <= 2 else theme.quiet for r in rows]},  # noqa: PLR2004 the best fifth
                text=[_whole_percent(r["value_share"] or 0) for r in rows],
                textposition="outside",
                constraintext="none",
                cliponaxis=False,
                hovertext=[_decile_words(result, r) for r in rows],
                hovertemplate=parts.HOVER,
                showlegend=False,
            )
        ],
        alt="Bars, one per tenth of the customers from the most valuable down. "
        + ", ".join(f"tenth {r['value_decile']}: {formats.share(r['value_share'] or 0)}" for r in rows)
        + " of lifetime value.",
        height=440,
        xaxis=parts.axis("Tenth of the customers by lifetime value, best first", "names", type="category"),
        yaxis=parts.axis("Share of lifetime value", "share"),
    )


def _whole_percent(share: float) -> str:
    """Write a share so that ten of them fit on a phone."""
    return f"{100 * share:.0f}%" if share >= 0.005 else f"{100 * share:.1f}%"  # noqa: PLR2004 what rounds to 1


def _decile_words(result: Result, row: Row) -> str:
    return text.lines(
        parts.spanned(row, "lifetime_value", "money", result.currency),
        f"{row['n_customers']:,} customers, {formats.money(row['value_per_customer'], result.currency)} each",
        f"{row['expected_alive']:,.0f} of them expected to be customers still",
        head=f"Tenth {row['value_decile']}",
    )


def alive(result: Result, theme: Theme) -> go.Figure:
    """Draw customers by the probability of being still a customer and what they are worth; slipping ones stand out."""
    customers = result.tables()["customers"].filter(pl.col("lifetime_value") > 0)
    if customers.is_empty():
        return parts.nothing(result, "alive", theme, "No customer is expected to bring anything.")
    slipping, others = _sampled(customers)
    floor = float(customers["lifetime_value"].max() or 1.0) * _LEAST_RANGE  # type: ignore[arg-type]
    drawn = slipping.height + others.height
    of_all = (
        ""
        if drawn == customers.height
        else f" {drawn:,} of {customers.height:,} customers are drawn, at every level of value."
    )
    return parts.figure(
        result,
        "alive",
        theme,
        [
            _dots(result, some.to_dicts(), floor, *how)
            for some, how in (
                (others, ("Customers", theme.accent, 5, 0.45)),
                (slipping, ("Slipping", theme.bad, 8, 0.95)),
            )
            if some.height
        ],
        alt=f"Points: probability of being still a customer across, lifetime value upwards on a logarithmic axis.{of_all} "
        f"{slipping.height:,} slipping customers are marked.",
        height=500,
        xaxis=parts.axis("Probability of being still a customer", "share", range=[-0.03, 1.03]),
        yaxis=parts.axis(
            f"{parts.heading(result, 'lifetime_value')}, logarithmic",
            "names",
            type="log",
            showgrid=True,
            dtick=1,
        ),
        legend={"itemsizing": "constant"},
        annotations=_bought_once(result, theme, [*slipping.to_dicts(), *others.to_dicts()], floor),
        margin=parts.legend_room(),
    )


def _bought_once(result: Result, theme: Theme, rows: Sequence[Row], floor: float) -> list[dict[str, object]]:
    """Say why points stand in a row at the right: BG/NBD takes everyone with one purchase for a customer still."""
    sure = [max(r["lifetime_value"], floor) for r in rows if r["p_alive"] >= 1]
    if result.parameters["model_taken"] != "bg_nbd" or len(sure) < _A_ROW:
        return []
    return [
        {
            "x": 1, "y": math.log10(min(sure)), "xanchor": "right", "yanchor": "top", "yshift": -8, "align": "right",
            "text": "bought once: taken<br>for customers still", "showarrow": False, "font": {"color": theme.muted},
        }
    ]  # fmt: skip


def _sampled(customers: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keep the most telling: the slipping with most at stake, and the others at even steps of rank."""
    slipping = (
        customers.filter("is_slipping").sort("value_at_stake", descending=True).head(_MOST_SLIPPING_POINTS)
    )
    others = customers.filter(~pl.col("is_slipping"))
    step = max(others.height / _MOST_POINTS, 1.0)
    picks = [int(i * step) for i in range(min(others.height, _MOST_POINTS))]
    return slipping, others[picks]


def _dots(
    result: Result, rows: Sequence[Row], floor: float, name: str, colour: str, size: int, opacity: float
) -> go.Scatter:
    return go.Scatter(
        x=[r["p_alive"] for r in rows],
        y=[max(r["lifetime_value"], floor) for r in rows],
        mode="markers",
        name=name,
        marker={"color": colour, "size": size, "opacity": opacity},
        hovertext=[_customer_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )


def _customer_words(result: Result, row: Row) -> str:
    return text.lines(
        f"{parts.spanned(row, 'lifetime_value', 'money', result.currency)} still to come",
        f"Still a customer: {parts.spanned(row, 'p_alive', 'share')}",
        f"{formats.money(row['spend'], result.currency)} spent so far in {row['n_orders']:,} orders",
        f"Last order {formats.value(row['last_ordered_on'], 'day')}",
        head=f"Customer {row['customer_id']}",
    )


def slipping(result: Result, theme: Theme) -> go.Figure:
    """Draw how far the probability of being still a customer has fallen, for those with most at stake."""
    listed = result.tables()["slipping"]
    if listed.is_empty():
        why = "No good customer is slipping, or the extract does not reach back far enough to tell: see the notes."
        return parts.nothing(result, "slipping", theme, why)
    rows = listed.head(_MOST_LISTED).to_dicts()
    stake = formats.money(float(listed["value_at_stake"].sum()), result.currency)
    fall = go.Scatter(
        x=[v for r in rows for v in (r["p_alive_before"], r["p_alive"], None)],
        y=[v for i in range(len(rows)) for v in (i, i, None)],
        mode="lines",
        line={"color": theme.tint(theme.quiet, 0.6), "width": 3},
        showlegend=False,
        hoverinfo="skip",
    )
    notes = [
        {
            "x": 1.04, "y": i, "xanchor": "left", "showarrow": False,
            "text": text.safe(formats.money(r["value_at_stake"], result.currency)), "font": {"color": theme.muted, "size": 13},
        }
        for i, r in enumerate(rows)
    ]  # fmt: skip
    return parts.figure(
        result,
        "slipping",
        theme,
        [
            fall,
            _ends(result, theme, rows, "p_alive_before", "Before", theme.quiet),
            _ends(result, theme, rows, "p_alive", "Now", theme.bad),
        ],
        alt=f"The {len(rows)} slipping customers with most at stake, of {listed.height:,} with {stake} at stake in all. "
        + "; ".join(
            f"customer {r['customer_id']} from {formats.share(r['p_alive_before'])} to {formats.share(r['p_alive'])}"
            for r in rows[:3]
        )
        + ".",
        height=170 + 26 * len(rows),
        xaxis=parts.axis(
            "Probability of being still a customer; at the right, value at stake",
            "share",
            range=[0, 1.24],
            tickvals=[0, 0.25, 0.5, 0.75, 1],
        ),
        yaxis=parts.names_axis("Customer", [r["customer_id"] for r in rows], width=16),
        annotations=notes,
        margin=parts.legend_room(),
    )


def _ends(
    result: Result, theme: Theme, rows: Sequence[Row], column: str, name: str, colour: str
) -> go.Scatter:
    return go.Scatter(
        x=[r[column] for r in rows],
        y=list(range(len(rows))),
        mode="markers",
        name=name,
        marker={"color": colour, "size": 11, "line": {"color": theme.background, "width": 1}},
        hovertext=[_slipping_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )


def _slipping_words(result: Result, row: Row) -> str:
    usual = row["usual_gap_days"]
    return text.lines(
        f"Still a customer: {formats.share(row['p_alive_before'])} before, {parts.spanned(row, 'p_alive', 'share')} now",
        f"{formats.money(row['value_at_stake'], result.currency)} at stake",
        f"No order for {row['days_silent']:,.0f} days; one every {usual:,.0f} days before" if usual else None,
        f"{formats.money(row['spend'], result.currency)} spent so far",
        head=f"Customer {row['customer_id']}",
    )


def _basis(result: Result) -> str:
    return "spend" if result.parameters["margin_basis"] == "spend" else "margin"


def _with_currency(result: Result, basis: str) -> str:
    heading = parts.heading(result, "lifetime_value")
    return f"{basis} {heading[heading.index('(') :]}" if "(" in heading else basis


def _money(result: Result, value: float) -> str:
    return formats.money(value, result.currency, short=True)


def _between(result: Result, row: Row, column: str) -> str:
    return f"{_money(result, row[f'{column}_lower'])} to {_money(result, row[f'{column}_upper'])}"


VIEWS: Final[Views] = {
    "curve": curve, "groups": groups, "deciles": deciles, "alive": alive, "slipping": slipping,
}  # fmt: skip
"""The drawings of this analysis by view."""
