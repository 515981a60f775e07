"""Small panels side by side, one per group, on the same scales: where lines over each other would be a tangle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from crm_analytics.charts import parts, text
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

MOST: Final = 8
"""Groups that are drawn; the others are in the table."""

_ACROSS: Final = 2
_PANEL: Final = 170  # pixels
_AROUND: Final = 190
_BENEATH: Final = 84  # pixels for ticks and a title of two lines
_GAP: Final = 0.34  # of a panel's height, for the title of the one below


def panels(
    result: Result,
    view: str,
    theme: Theme,
    drawn: Mapping[str, Sequence[Any]],
    *,
    alt: str,
    xaxis: Mapping[str, Any],
    yaxis: Mapping[str, Any],
) -> go.Figure:
    """Draw a panel for each group: `drawn` has its name and its traces, `xaxis` and `yaxis` hold for all panels."""
    across = min(_ACROSS, len(drawn))
    down = -(-len(drawn) // across)
    sheet = make_subplots(
        down, across, shared_yaxes=True, horizontal_spacing=0.12, vertical_spacing=_GAP / max(down, 1),
        subplot_titles=[text.safe(text.shortened(name, 18)) for name in drawn],
    )  # fmt: skip
    for k, traces in enumerate(drawn.values()):
        sheet.add_traces(list(traces), rows=k // across + 1, cols=k % across + 1)
    figure = parts.figure(
        result, view, theme, sheet.data, alt=alt, height=_AROUND + _PANEL * down, margin={"b": _BENEATH}
    )
    placed = sheet.layout.to_plotly_json()
    figure.update_layout({k: v for k, v in placed.items() if k not in ("template", "margin", "annotations")})
    names = [_named(note, theme) for note in sheet.layout.annotations]
    figure.update_layout(annotations=[*names, _beneath(str(xaxis["title"]["text"]), theme)])
    figure.update_xaxes({**xaxis, "title": {"text": " "}})
    figure.update_yaxes({**yaxis, "title": {"text": " "}})
    middle = across * ((down - 1) // 2) + 1
    figure.layout["yaxis" if middle == 1 else f"yaxis{middle}"].title = yaxis["title"]
    return figure


def _beneath(words: str, theme: Theme) -> dict[str, Any]:
    """Set the title of the axis across once, in the middle beneath all panels: half a phone is too narrow for it."""
    return {
        "text": words, "x": 0.5, "xref": "paper", "xanchor": "center", "y": 0, "yref": "paper", "yanchor": "top",
        "yshift": -26, "showarrow": False, "font": {"color": theme.muted},
    }  # fmt: skip


def _named(annotation: Any, theme: Theme) -> dict[str, Any]:  # noqa: ANN401 plotly's own
    return {**annotation.to_plotly_json(), "font": {"size": 13, "color": theme.text, "weight": 600}}
