"""One part of a stacked bar per driver: in how many draws of the bootstrap it stands in a class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts.theme import Theme

_ON_BAR: Final = 0.12  # a smaller share has no room for its figure


def one(rows: Sequence[Mapping[str, Any]], column: str, name: str, colour: str, theme: Theme) -> go.Bar:
    """Draw the share of draws in a column, for all drivers, with the figure on the bar where there is room."""
    return go.Bar(
        y=list(range(len(rows))),
        x=[r[column] for r in rows],
        orientation="h",
        name=name,
        marker={"color": colour, "line": {"color": theme.background, "width": 1}},
        text=[f"{100 * r[column]:.0f}%" if r[column] >= _ON_BAR else "" for r in rows],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        textfont={"color": theme.ink(colour), "size": 12},
        hovertext=[
            text.lines(f"{name}: {formats.share(r[column])} of draws", head=r["driver_label"]) for r in rows
        ],
        hovertemplate=parts.HOVER,
    )
