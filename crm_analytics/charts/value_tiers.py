"""Pictures of value: how unevenly customers spend, who makes the margin, the tenths, and who is buying less."""

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

_MOST_LISTED: Final = 12
_BEST: Final = 0.2
_WIDE: Final = 2.5


def lorenz(result: Result, theme: Theme) -> go.Figure:
    """Draw the Lorenz curve against the line on which all spend the same, with the best 20% marked."""
    points = result.tables()["lorenz"]
    below, brings = points["lorenz_customer_share"].to_list(), points["lorenz_spend_share"].to_list()
    gini = _measure(result, "gini")
    best = _best_share(result)
    everyone = go.Scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        name="If all spent the same",
        line={"color": theme.quiet, "dash": "dash", "width": 1.5},
        hoverinfo="skip",
    )
    curve = go.Scatter(
        x=below,
        y=brings,
        mode="lines",
        name="These customers",
        fill="tonexty",
        fillcolor=theme.tint(theme.accent, 0.14),
        line={"color": theme.accent, "width": _WIDE},
        hovertext=[
            f"The {formats.share(1 - x)} who spend most bring {formats.share(1 - y)} of spend."
            for x, y in zip(below, brings, strict=True)
        ],
        hovertemplate=parts.HOVER,
    )
    return parts.figure(
        result,
        "lorenz",
        theme,
        [everyone, curve, *_mark(theme, best)],
        alt=f"Lorenz curve. {_best_words(best)} {gini}",
        height=480,
        xaxis=parts.axis("Share of customers, smallest first", "share", range=[0, 1.02]),
        yaxis=parts.axis("Share of spend", "share", range=[min(0.0, *brings), 1.02]),
        annotations=[
            _note(
                theme,
                f"<b>{text.safe(gini.replace(' coefficient', ''))}</b><br>{text.wrapped(_best_words(best), 22)}",
                x=0.03,
                y=0.97,
            )
        ],
        margin=parts.legend_room(),
    )


def _mark(theme: Theme, best: Row | None) -> list[go.Scatter]:
    """Mark where the best so-many begin."""
    if best is None:
        return []
    at = 1 - best["customer_share"]
    return [
        go.Scatter(
            x=[at],
            y=[1 - best["spend_share"]],
            mode="markers",
            showlegend=False,
            marker={"color": theme.accent, "size": 11, "line": {"color": theme.background, "width": 2}},
            hovertext=[_best_words(best)],
            hovertemplate=parts.HOVER,
        )
    ]


def whale(result: Result, theme: Theme) -> go.Figure:
    """Draw cumulative margin (or spend, where no cost is known) from the best customer to the worst."""
    points = result.tables()["whale"]
    basis = str(points["whale_basis"][0])
    rows = points.to_dicts()
    peak = next((r for r in rows if r["is_peak"]), rows[-1])
    curve = go.Scatter(
        x=[r["best_customer_share"] for r in rows],
        y=[r["cumulative_value_share"] for r in rows],
        mode="lines",
        name=f"Cumulative {basis}",
        showlegend=False,
        fill="tozeroy",
        fillcolor=theme.tint(theme.accent, 0.14),
        line={"color": theme.accent, "width": _WIDE},
        hovertext=[_whale_words(result, r, basis) for r in rows],
        hovertemplate=parts.HOVER,
    )
    top = go.Scatter(
        x=[peak["best_customer_share"]],
        y=[peak["cumulative_value_share"]],
        mode="markers",
        showlegend=False,
        marker={"color": theme.bad, "size": 11, "line": {"color": theme.background, "width": 2}},
        hovertext=[_peak_words(peak, basis)],
        hovertemplate=parts.HOVER,
    )
    highest = max(1.0, *(r["cumulative_value_share"] for r in rows))
    return parts.figure(
        result,
        "whale",
        theme,
        [curve, top],
        alt=f"Whale curve of {basis}. {_peak_words(peak, basis)}",
        height=460,
        xaxis=parts.axis("Share of customers, best first", "share", range=[0, 1.02]),
        yaxis=parts.axis(f"Share of all {basis}", "share", range=[0, highest * 1.06]),
        shapes=[_level(theme, 1.0)],
        annotations=[
            _note(
                theme,
                text.wrapped(_peak_words(peak, basis), 28),
                x=0.97,
                y=0.08,
                xanchor="right",
                yanchor="bottom",
            )
        ],
    )


def deciles(result: Result, theme: Theme) -> go.Figure:
    """Draw the share of spend that each tenth of the customers brings, the best tenth first."""
    rows = result.tables()["deciles"].sort("decile").to_dicts()
    return parts.figure(
        result,
        "deciles",
        theme,
        [
            go.Bar(
                x=[str(r["decile"]) for r in rows],
                y=[r["spend_share"] for r in rows],
                marker={"color": [theme.accent if r["decile"] <= 2 else theme.quiet for r in rows]},  # noqa: PLR2004 the best fifth
                text=[_whole_percent(r["spend_share"]) for r in rows],
                textposition="outside",
                textfont={"size": 12},
                constraintext="none",  # else a phone's narrow bars get letters too small to read
                cliponaxis=False,
                hovertext=[_decile_words(result, r) for r in rows],
                hovertemplate=parts.HOVER,
                showlegend=False,
            )
        ],
        alt="Bars, one per tenth of the customers from the best down. "
        + ", ".join(f"tenth {r['decile']}: {formats.share(r['spend_share'])} of spend" for r in rows)
        + ".",
        height=440,
        xaxis=parts.axis("Tenth of the customers, best first", "names", type="category"),
        yaxis=parts.axis("Share of spend", "share"),
    )


def decline(result: Result, theme: Theme) -> go.Figure:
    """Draw for the good customers who bought less what they spent before and since."""
    listed = result.tables()["listed"].filter(pl.col("list") == "buying_less").sort("position")
    if listed.is_empty():
        return parts.nothing(
            result,
            "decline",
            theme,
            "No good customer bought less, or there is no earlier year to compare with: see the notes.",
        )
    rows = listed.head(_MOST_LISTED).to_dicts()
    places = list(range(len(rows)))
    lost = formats.money(float(listed["money_at_stake"].sum()), result.currency)
    return parts.figure(
        result,
        "decline",
        theme,
        [
            _falls(theme, rows),
            _ends(result, theme, rows, places, "spend_before", "Before", theme.quiet),
            _ends(result, theme, rows, places, "spend_recent", "Since", theme.bad),
        ],
        alt=f"The {len(rows)} largest falls among {listed.height:,} good customers who buy less; together {lost} at stake. "
        + "; ".join(
            f"customer {r['customer_id']} from {formats.money(r['spend_before'], result.currency)} "
            f"to {formats.money(r['spend_recent'], result.currency)}"
            for r in rows[:3]
        )
        + ".",
        height=150 + 26 * len(rows),
        xaxis=parts.axis(parts.heading(result, "spend"), "money"),
        yaxis=parts.names_axis("Customer", [r["customer_id"] for r in rows], width=16),
        margin=parts.legend_room(),
    )


def _whole_percent(share: float) -> str:
    return f"{share:.0%}" if abs(share) >= 0.01 else formats.share(share)  # noqa: PLR2004 a percent


def _falls(theme: Theme, rows: Sequence[Row]) -> go.Scatter:
    """Join what a customer spent before to what they spend now."""
    return go.Scatter(
        x=[v for r in rows for v in (r["spend_before"], r["spend_recent"], None)],
        y=[v for i in range(len(rows)) for v in (i, i, None)],
        mode="lines",
        line={"color": theme.tint(theme.quiet, 0.6), "width": 3},
        showlegend=False,
        hoverinfo="skip",
    )


def _ends(
    result: Result, theme: Theme, rows: Sequence[Row], places: list[int], column: str, name: str, colour: str
) -> go.Scatter:
    return go.Scatter(
        x=[r[column] for r in rows],
        y=places,
        mode="markers",
        name=name,
        marker={"color": colour, "size": 11, "line": {"color": theme.background, "width": 1}},
        hovertext=[_fall_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )


def _fall_words(result: Result, row: Row) -> str:
    before, since = (formats.money(row[c], result.currency) for c in ("spend_before", "spend_recent"))
    chance = {True: "More than chance explains.", False: "Chance may explain it."}.get(
        row["is_beyond_normal_variation"], ""
    )
    return text.lines(f"{before} before, {since} since", chance, head=f"Customer {row['customer_id']}")


def _decile_words(result: Result, row: Row) -> str:
    if not row["n_customers"]:
        return text.lines("No customers: ties put them into other tenths", head=f"Tenth {row['decile']}")
    return text.lines(
        f"{parts.counted(row['n_customers'], 'customer')} who spent {formats.money(row['least_spend'], result.currency)} "
        f"to {formats.money(row['most_spend'], result.currency)}",
        f"Spend {formats.money(row['spend'], result.currency)}: {formats.share(row['spend_share'])} of all",
        head=f"Tenth {row['decile']}",
    )


def _whale_words(result: Result, row: Row, basis: str) -> str:
    return text.lines(
        f"make {formats.money(row['cumulative_value'], result.currency)} of {basis}, "
        f"{formats.share(row['cumulative_value_share'])} of all",
        head=f"The best {row['n_best_customers']:,} customers ({formats.share(row['best_customer_share'])})",
    )


def _peak_words(peak: Row, basis: str) -> str:
    most, share = peak["cumulative_value_share"], formats.share(peak["best_customer_share"])
    if most <= 1 + 1e-9:
        return f"Every customer adds to {basis}; none takes any away."
    return f"The best {share} of customers make {formats.share(most)} of the {basis}; the others take {formats.share(most - 1)} away."


def _measure(result: Result, name: str) -> str:
    row = result.tables()["concentration"].filter(pl.col("measure") == name).to_dicts()[0]
    at, low, high = (row[f"measure_value{end}"] for end in ("", "_lower", "_upper"))
    spanned = f" ({low:.2f} to {high:.2f})" if low is not None and high is not None else ""
    return f"{row['measure_label']} {at:.2f}{spanned}"


def _best_share(result: Result) -> Row | None:
    rows = result.tables()["top_shares"].to_dicts()
    return min(rows, key=lambda r: abs(r["top_share"] - _BEST), default=None)


def _best_words(best: Row | None) -> str:
    if best is None:
        return ""
    share = formats.share(best["customer_share"]).replace(".0%", "%")
    return f"The best {share} bring {formats.share(best['spend_share'])} of spend."


def _level(theme: Theme, y: float) -> dict[str, object]:
    return {
        "type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": y, "y1": y,
        "line": {"color": theme.quiet, "dash": "dash", "width": 1.5},
    }  # fmt: skip


def _note(
    theme: Theme, words: str, *, x: float, y: float, xanchor: str = "left", yanchor: str = "top"
) -> dict[str, object]:
    return {
        "text": words, "x": x, "y": y, "xref": "paper", "yref": "paper", "xanchor": xanchor, "yanchor": yanchor,
        "align": xanchor, "showarrow": False, "font": {"color": theme.text},
    }  # fmt: skip


VIEWS: Final[Views] = {"lorenz": lorenz, "whale": whale, "deciles": deciles, "decline": decline}
"""The drawings of this analysis by view."""
