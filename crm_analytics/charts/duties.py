"""What every figure owes its reader, checked after each drawing whatever the analysis."""

from __future__ import annotations

from typing import Any, Final

import plotly.graph_objects as go

MOST_MARKS: Final = 5_000
"""More than this slows a browser down and tells a reader nothing more."""

_WITHOUT_AXES: Final = frozenset({"treemap", "sunburst", "pie", "indicator", "table", "sankey"})
_ALONG: Final = ("x", "y", "z", "labels")


def shortcomings(figure: go.Figure) -> list[str]:
    """Say what a figure lacks: title, units, words in the hover, alt text, measure; empty when all is well."""
    found = [f"no {what}" for what, there in _texts(figure).items() if not there]
    found += [f"trace {i}: {fault}" for i, trace in enumerate(figure.data) for fault in _hover_faults(trace)]
    count = marks(figure)
    return found + ([f"{count:,} marks, at most {MOST_MARKS:,} allowed"] if count > MOST_MARKS else [])


def marks(figure: go.Figure) -> int:
    """Count the marks of a figure: bars, points, cells."""
    return sum(_marks_of(trace) for trace in figure.data)


def _marks_of(trace: Any) -> int:  # noqa: ANN401 plotly's traces share no useful type
    if trace.type == "heatmap":
        return sum(len(row) for row in trace.z)
    return max((len(v) for name in _ALONG if (v := getattr(trace, name, None)) is not None), default=0)


def _texts(figure: go.Figure) -> dict[str, bool]:
    layout = figure.layout
    needed = {"title": bool(layout.title.text), "alt text": bool((layout.meta or {}).get("alt"))}
    if any(trace.type not in _WITHOUT_AXES for trace in figure.data):
        needed |= {f"{axis} title": bool(layout[axis].title.text) for axis in ("xaxis", "yaxis")}
    return needed


def _hover_faults(trace: Any) -> list[str]:  # noqa: ANN401 as above
    if trace.hoverinfo == "skip":
        return []
    template = trace.hovertemplate or ""
    words = trace.hovertext if isinstance(trace.hovertext, str) else "".join(map(str, _flat(trace.hovertext)))
    faults = [] if template.endswith("<extra></extra>") else ["hover text shows the trace's name"]
    return faults if words else [*faults, "no hover text in words"]


def _flat(items: Any) -> list[object]:  # noqa: ANN401 nested sequences
    if items is None:
        return []
    return [leaf for item in items for leaf in (_flat(item) if isinstance(item, list | tuple) else [item])]
