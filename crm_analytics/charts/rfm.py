"""Pictures of RFM segments: who they are against what they bring, the recency x frequency map, the money by segment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import Theme, rank
from crm_analytics.results import Result

Row = Mapping[str, Any]

_PALE: Final = 0.3
_FAINTEST: Final = 0.18
_NO_BREAK_SPACE: Final = "\N{NO-BREAK SPACE}"


def segments(result: Result, theme: Theme) -> go.Figure:
    """Draw per segment its share of customers against its share of spend, the best segments on top."""
    rows = _by_meaning(result.tables()["segments"].filter(pl.col("customer_share").is_not_null()))
    names = [str(r["segment"]) for r in rows]
    bars = [
        _bars(result, theme, rows, "customer_share", pale=True),
        _bars(result, theme, rows, "spend_share", pale=False),
    ]
    best = max(rows, key=lambda r: r["spend_share"] or 0)
    return parts.figure(
        result,
        "segments",
        theme,
        [*bars, *_keys(theme)],
        alt=f"Paired bars for {len(rows)} segments, from the best to those who are gone. "
        + " ".join(f"{r['segment']}: {_shares(r)}." for r in rows)
        + f" The largest share of spend is with {best['segment']}.",
        height=110 + 40 * len(rows),
        barmode="group",
        bargap=0.28,
        bargroupgap=0.08,
        xaxis=parts.axis("Share of the whole", "share"),
        yaxis=parts.names_axis("Segment", names, width=20, automargin="width"),
    )


def _bars(result: Result, theme: Theme, rows: list[Row], column: str, *, pale: bool) -> go.Bar:
    colours = [theme.segment(str(r["segment"])) for r in rows]
    label = result.terms[column].label
    return go.Bar(
        x=[r[column] or 0 for r in rows],
        y=list(range(len(rows))),
        orientation="h",
        name=label,
        showlegend=False,
        marker={
            "color": [theme.tint(c, _PALE) for c in colours] if pale else colours,
            "line": {"color": colours, "width": 1.5},
        },
        error_x=parts.interval(theme, rows, column),
        hovertext=[_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )


def _keys(theme: Theme) -> list[go.Bar]:
    """Say in grey what the pale and the full bar mean, since each segment has a colour of its own."""
    return [
        go.Bar(
            x=[None],
            y=[None],
            orientation="h",
            name=name,
            hoverinfo="skip",
            marker={"color": theme.tint(theme.quiet, strength), "line": {"color": theme.quiet, "width": 1.5}},
        )
        for name, strength in (("Share of customers", _PALE), ("Share of spend", 1.0))
    ]


def grid(result: Result, theme: Theme) -> go.Figure:
    """Draw the map of recency against frequency: each cell in its segment's colour, the fuller the more customers."""
    cells = result.tables()["grid"]
    recency, frequency = _scores(cells, "r_score"), _scores(cells, "f_score")
    at = {(r["r_score"], r["f_score"]): r for r in cells.iter_rows(named=True)}
    rows: list[list[Row | None]] = [[at.get((r, f)) for r in recency] for f in frequency]
    most = max((int(r["n_customers"]) for r in at.values()), default=0)
    fills = [[_fill(theme, cell, most) for cell in row] for row in rows]
    best = max(recency)
    inks = dict.fromkeys(theme.ink(fill) for row in fills for fill in row)
    return parts.figure(
        result,
        "grid",
        theme,
        [_cells(result, theme, recency, frequency, rows, fills, ink) for ink in inks],
        alt=_grid_alt(at.values()),
        height=520,
        xaxis=parts.axis(f"Recency score ({best} = most recent)", "names", dtick=1, zeroline=False),
        yaxis=parts.axis(f"Frequency score ({best} = most orders)", "names", dtick=1, zeroline=False),
    )


def _cells(
    result: Result,
    theme: Theme,
    recency: list[int],
    frequency: list[int],
    rows: list[list[Row | None]],
    fills: list[list[str]],
    ink: str,
) -> go.Heatmap:
    """Draw the cells on which this ink is the easier to read; plotly has one ink for all text of a heat map."""
    steps = [fill for row in fills for fill in row]
    width = len(recency)
    mine = [[theme.ink(fill) == ink for fill in row] for row in fills]
    return go.Heatmap(
        x=recency,
        y=frequency,
        z=[[i * width + j if here else None for j, here in enumerate(row)] for i, row in enumerate(mine)],
        zmin=-0.5,
        zmax=len(steps) - 0.5,
        colorscale=_steps(steps),
        showscale=False,
        xgap=3,
        ygap=3,
        text=[
            [_cell_text(c) if here else _blank(_cell_text(c)) for c, here in zip(row, there, strict=True)]
            for row, there in zip(rows, mine, strict=True)
        ],
        texttemplate="%{text}",
        textfont={"color": ink},
        hoverongaps=False,
        hovertext=[[_cell_words(result, c, max(recency)) for c in row] for row in rows],
        hovertemplate=parts.HOVER,
    )


def _blank(words: str) -> str:
    """Blank a text but keep its shape, for plotly sizes the text of a heat map by its longest."""
    return re.sub(r"(<[^>]+>)|[^<]", lambda found: found[1] or _NO_BREAK_SPACE, words)


def _scores(cells: pl.DataFrame, column: str) -> list[int]:
    return [int(s) for s in cells[column].drop_nulls().unique().sort()]


def _fill(theme: Theme, cell: Row | None, most: int) -> str:
    if cell is None or not cell["n_customers"]:
        return theme.tint(theme.quiet, 0.08)
    fullness = (cell["n_customers"] / most) ** 0.5
    return theme.tint(theme.segment(str(cell["segment"])), _FAINTEST + (1 - _FAINTEST) * fullness)


def _steps(fills: list[str]) -> list[tuple[float, str]]:
    """Give a colour scale in which each cell has a step of its own."""
    n = len(fills)
    return [step for i, c in enumerate(fills) for step in ((i / n, c), ((i + 1) / n, c))]


def _cell_text(cell: Row | None) -> str:
    if cell is None:
        return ""
    return f"{text.wrapped(cell['segment'], 11)}<br><b>{int(cell['n_customers']):,}</b>"


def _cell_words(result: Result, cell: Row | None, best: int) -> str:
    if cell is None:
        return "No customers"
    return text.lines(
        f"Recency {cell['r_score']} of {best}, frequency {cell['f_score']} of {best}",
        parts.counted(cell["n_customers"], "customer"),
        f"Spend: {formats.value(cell.get('spend'), 'money', result.currency)}",
        head=cell["segment"],
    )


def _grid_alt(cells: Any) -> str:  # noqa: ANN401 a view on the values of a dict
    counts: dict[str, int] = {}
    for cell in cells:
        counts[str(cell["segment"])] = counts.get(str(cell["segment"]), 0) + int(cell["n_customers"])
    listed = ", ".join(f"{name} {n:,}" for name, n in sorted(counts.items(), key=lambda pair: rank(pair[0])))
    return (
        f"Map of recency score against frequency score with the customers in each cell. By segment: {listed}."
    )


def treemap(result: Result, theme: Theme) -> go.Figure:
    """Draw the money of each segment as an area."""
    rows = [r for r in _by_meaning(result.tables()["segments"]) if (r["spend"] or 0) > 0]
    if not rows:
        return parts.nothing(result, "treemap", theme, "No segment has brought money after refunds.")
    colours = [theme.segment(str(r["segment"])) for r in rows]
    return parts.figure(
        result,
        "treemap",
        theme,
        [
            go.Treemap(
                labels=[text.safe(r["segment"]) for r in rows],
                parents=[""] * len(rows),
                values=[r["spend"] for r in rows],
                text=[_area_text(result, r, theme.ink(c)) for r, c in zip(rows, colours, strict=True)],
                texttemplate="%{text}",
                textfont={"size": 15},
                marker={
                    "colors": colours,
                    "line": {"color": theme.background, "width": 2},
                    "pad": {"t": 0, "l": 0, "r": 0, "b": 0},
                },
                tiling={"pad": 2},
                pathbar={"visible": False},
                hovertext=[_words(result, r) for r in rows],
                hovertemplate=parts.HOVER,
            )
        ],
        alt="Areas in proportion to spend. "
        + "; ".join(
            f"{r['segment']} {formats.money(r['spend'], result.currency, short=True)}"
            for r in sorted(rows, key=lambda r: -r["spend"])
        )
        + ".",
    )


def _area_text(result: Result, row: Row, ink: str) -> str:
    """Write what stands in an area; its ink goes with each line, for plotly forgets the root in a list of colours."""
    money = formats.money(row["spend"], result.currency, short=True)
    names = [f"<b>{line}</b>" for line in text.wrapped(row["segment"], 12).split("<br>")]
    lines = [*names, text.safe(money), formats.value(row["spend_share"], "share")]
    return "<br>".join(f'<span style="color:{ink}">{line}</span>' for line in lines)


def _by_meaning(table: pl.DataFrame) -> list[Row]:
    return sorted(table.iter_rows(named=True), key=lambda r: (rank(str(r["segment"])), str(r["segment"])))


def _shares(row: Row) -> str:
    return (
        f"{formats.value(row['customer_share'], 'share')} of customers, "
        f"{formats.value(row['spend_share'], 'share')} of spend"
    )


def _words(result: Result, row: Row) -> str:
    return text.lines(
        f"{parts.counted(row['n_customers'], 'customer')}: {parts.spanned(row, 'customer_share', 'share')} of all",
        f"Spend {formats.value(row['spend'], 'money', result.currency)}: "
        f"{parts.spanned(row, 'spend_share', 'share')} of all",
        head=row["segment"],
    )


VIEWS: Final[Views] = {"segments": segments, "grid": grid, "treemap": treemap}
"""The drawings of this analysis by view."""
