"""The cohort table as a heat map: one scale of shades over the whole table, unfinished cells hatched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts.cohort_parts import (
    ALL,
    MOST_TICKS,
    age_axis,
    cohort_label,
    in_unit,
    shown_value,
    unit,
)
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_MOST_ROWS: Final = 40
_MOST_AGES: Final = 37
_ROW_HEIGHT: Final = 24
_STEPS: Final = 12
_PALEST: Final = 0.07
_COMMON: Final = 0.98
_MANY: Final = 50
_WHOLE_FROM: Final = 9.95
_FEW_AGES: Final = 12
_FEW_TICKS: Final = 7  # names of groups are long, and leave little room on a phone
_WIDE_BELOW: Final = 12


@dataclass(frozen=True)
class Sheet:
    """What is drawn: the rows from the top, the ages, and the cell at each place."""

    labels: list[str]
    ages: list[int]
    cells: dict[tuple[int, int], Row]
    left_out: str
    of_groups: bool

    def places(self) -> list[tuple[int, int, Row]]:
        """Give row, column and cell of each place that has one."""
        columns = {age: i for i, age in enumerate(self.ages)}
        return [(row, columns[age], cell) for (row, age), cell in self.cells.items()]


def heatmap(result: Result, theme: Theme) -> go.Figure:
    """Draw the cells; a deeper shade is a higher value, everywhere the same."""
    sheet = _sheet(result)
    low, high = _scale(sheet)
    shades = [theme.tint(theme.accent, _PALEST + (1 - _PALEST) * i / (_STEPS - 1)) for i in range(_STEPS)]
    inks = sorted({theme.ink(shade) for shade in shades})
    drawn = [_cells(result, theme, sheet, (low, high), shades, ink) for ink in inks]
    cells = [trace for trace in drawn if any(value is not None for row in trace.z for value in row)]
    extra = [*_hatching(theme, sheet), *_hidden(result, theme, sheet)]
    return parts.figure(
        result,
        "heatmap",
        theme,
        [*cells, *extra],
        alt=_alt(result, sheet),
        height=150 + _ROW_HEIGHT * max(len(sheet.labels), 3) + (30 if extra else 0),
        xaxis=age_axis(result, sheet.ages, places=True, most=_FEW_TICKS if sheet.of_groups else MOST_TICKS),
        yaxis=parts.names_axis(_rows_title(result), sheet.labels, width=26, showgrid=False),
        margin=parts.legend_room() if extra else {},
    )


def places(result: Result) -> list[tuple[int, int, Row]]:
    """Give row and column of each cell that is drawn, with its cohort or group as `row_name`."""
    return _sheet(result).places()


def _sheet(result: Result) -> Sheet:
    """Choose what is drawn: groups where there are groups, else the latest cohorts, to the age that has room."""
    cells = result.tables()["cells"]
    if "group" in cells.columns:
        table, names = _of_groups(result)
    else:
        starts = cells["cohort_on"].unique().sort()
        shown = starts.tail(_MOST_ROWS).to_list()
        table = cells.filter(pl.col("cohort_on").is_in(shown)).with_columns(row_name=pl.col("cohort_on"))
        names = {start: cohort_label(result, start) for start in shown}
    ages = table["period"].unique().sort().to_list()[:_MOST_AGES]
    sizes = {r["row_name"]: r["n_customers"] for r in table.sort("period", descending=True).to_dicts()}
    order = {name: i for i, name in enumerate(names)}
    kept: dict[tuple[int, int], Row] = {
        (order[r["row_name"]], r["period"]): r for r in table.to_dicts() if r["period"] in set(ages)
    }
    labels = [f"{label} · {sizes[name]:,}" for name, label in names.items()]
    return Sheet(labels, ages, kept, _left_out(cells, table, ages), "group" in cells.columns)


def _of_groups(result: Result) -> tuple[pl.DataFrame, dict[Any, str]]:
    """Take the average of each group."""
    curve = result.tables()["curve"].with_columns(row_name=pl.col("group"), is_complete=pl.lit(value=True))
    names = curve.filter(pl.col("period") == 0).sort("n_customers", descending=True)["group"].to_list()
    return curve.filter(pl.col("group").is_in(names)), {n: text.shortened(n, 16) for n in names}


def _left_out(cells: pl.DataFrame, table: pl.DataFrame, ages: Sequence[int]) -> str:
    rows = "cohort_on" if "cohort_on" in cells.columns and "group" not in cells.columns else None
    older = 0 if rows is None else cells[rows].n_unique() - table[rows].n_unique()
    later = cells["period"].n_unique() - len(ages)
    said = [f"{older:,} older cohorts"] * (older > 0) + [f"{later:,} later ages"] * (later > 0)
    return f"Not drawn: {' and '.join(said)}; the table has them." if said else ""


def _scale(sheet: Sheet) -> tuple[float, float]:
    """Give the ends of the scale: from nought to the highest value after age 0, which is 1 for everyone."""
    values = [v for _, column, c in sheet.places() if column and (v := c.get("shown_value")) is not None]
    values = values or [v for _, _, c in sheet.places() if (v := c.get("shown_value")) is not None]
    high = max(values, default=1.0)
    common = sorted(values)[int(_COMMON * (len(values) - 1))] if len(values) > _MANY else high
    high = common if 0 < 2 * common < high else high  # one odd cell would leave no shades to the others
    return min(0.0, *values, 0.0), high if high > 0 else 1.0


def _cells(
    result: Result,
    theme: Theme,
    sheet: Sheet,
    scale: tuple[float, float],
    shades: list[str],
    ink: str,
) -> go.Heatmap:
    """Draw the cells on whose shade this ink is the easier to read; plotly has one ink for a heat map's text."""
    low, high = scale
    blank: list[list[Any]] = [[None] * len(sheet.ages) for _ in sheet.labels]
    z, words, hover = ([list(row) for row in blank] for _ in range(3))
    for row, column, cell in sheet.places():
        value = cell.get("shown_value")
        if value is None:
            continue
        step = round((min(max(value, low), high) - low) / (high - low) * (_STEPS - 1))
        if theme.ink(shades[step]) != ink:
            continue
        z[row][column] = min(value, high)
        words[row][column] = _digits(result, sheet, column, value)
        hover[row][column] = _cell_words(result, sheet.labels[row], cell)
    return go.Heatmap(
        x=list(range(len(sheet.ages))), y=list(range(len(sheet.labels))), z=z, zmin=low, zmax=high,
        colorscale=[[i / (_STEPS - 1), shade] for i, shade in enumerate(shades)], showscale=False, xgap=1, ygap=1,
        text=[[w or "" for w in row] for row in words], texttemplate="%{text}", textfont={"color": ink},
        hoverongaps=False, hovertext=[[h or "" for h in row] for row in hover], hovertemplate=parts.HOVER,
    )  # fmt: skip


def _digits(result: Result, sheet: Sheet, column: int, value: float) -> str:
    """Write a value; not the 100% that everyone is at age 0, whose three digits would make all others small."""
    by_definition = result.terms["shown_value"].unit == "share" and sheet.ages[column] == 0 and value == 1
    return "" if by_definition and len(sheet.ages) > _FEW_AGES else _short(result, value)


def _short(result: Result, value: float) -> str:
    """Write a value so short that a cell has room for it."""
    match result.terms["shown_value"].unit:
        case "share":
            return f"{100 * value:.0f}"
        case "money":
            return (
                formats.compact(round(value))
                if abs(value) >= _WHOLE_FROM
                else f"{value:.1f}".replace("0.0", "0")
            )
        case _:
            return f"{value:.2f}"


def _hatching(theme: Theme, sheet: Sheet) -> list[go.Scatter]:
    """Hatch the cells that are not finished."""
    open_cells = [(r, c) for r, c, cell in sheet.places() if not cell["is_complete"]]
    if not open_cells:
        return []
    x, y = [], []
    strokes = _strokes(len(sheet.ages))
    for row, column in open_cells:
        for left, right in strokes:
            x += [column + left, column + right, None]
            y += [row + 0.5, row - 0.5, None]
    return [
        go.Scatter(
            x=x, y=y, mode="lines", name="Hatched: not finished yet", hoverinfo="skip", showlegend=True,
            line={"color": theme.tint(theme.text, 0.55), "width": 1},
        )
    ]  # fmt: skip


def _strokes(n_ages: int) -> list[tuple[float, float]]:
    """Give the ends of the strokes across a cell: the wider the cells, the more there are, so that none lies flat."""
    times = max(1, round(_WIDE_BELOW / n_ages))
    n, width = 3 * times, 0.5 / times
    starts = [i * (1 - width) / (n - 1) - 0.5 for i in range(n)]
    return [(start, start + width) for start in starts]


def _hidden(result: Result, theme: Theme, sheet: Sheet) -> list[go.Scatter]:
    """Mark cells with too few customers to show."""
    places = [(r, c, cell) for r, c, cell in sheet.places() if cell.get("shown_value") is None]
    if not places:
        return []
    least = result.parameters["min_customers"]
    few = (
        f"fewer than {least} customers" if any(c.get("is_suppressed") for _, _, c in places) else "not known"
    )
    return [
        go.Scatter(
            x=[c for _, c, _ in places], y=[r for r, _, _ in places], mode="markers", showlegend=True, name=f"Cross: {few}",
            marker={"symbol": "x-thin", "size": 7, "line": {"color": theme.quiet, "width": 1.5}},
            hovertext=[text.lines(few.capitalize(), head=_head(result, sheet.labels[r], cell)) for r, _, cell in places],
            hovertemplate=parts.HOVER,
        )
    ]  # fmt: skip


def _head(result: Result, label: str, cell: Row) -> str:
    return f"{label.partition(' · ')[0]}, {unit(result)} {cell['period']}"


def _cell_words(result: Result, label: str, cell: Row) -> str:
    shown = shown_value(result, cell)
    rate = "" if result.parameters["value"] == "customers" else parts.spanned(cell, "retention_rate", "share")
    return text.lines(
        shown,
        rate and f"Active: {rate}",
        f"{cell['n_active']:,} of {parts.counted(cell['n_customers'], 'customer')} active",
        "" if cell["is_complete"] else "Not finished: the rest may still come",
        head=_head(result, label, cell),
    )


def _rows_title(result: Result) -> str:
    cells = result.tables()["cells"]
    if "group" not in cells.columns:
        return "Cohort · customers"
    name = result.parameters["by"] or result.parameters["entry"]
    return f"{str(name).rpartition('.')[2].replace('_', ' ').capitalize()} · customers"


def _alt(result: Result, sheet: Sheet) -> str:
    rows = result.tables()["curve"]
    rows = rows.filter(pl.col("group") == ALL) if "group" in rows.columns else rows
    said = ", ".join(
        f"{in_unit(result, r['period'])} {shown_value(result, r)}"
        for r in rows.filter(pl.col("period") > 0).head(3).to_dicts()
    )
    n_open = sum(not cell["is_complete"] for cell in sheet.cells.values())
    average = f" On average {said}." if said else ""
    return (
        f"Heat map of {len(sheet.labels)} rows by {len(sheet.ages)} ages in {unit(result)}s.{average} "
        f"{n_open} cells are hatched because they are not finished. {sheet.left_out}"
    )
