"""Pictures of revenue retention: the way from opening to closing, movements, rates, groups, cohorts, the outlook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
_MOST_COHORTS: Final = 36
_MOST_BARS: Final = 60
_MOST_RATES: Final = 4
_NOBODY: Final = 0.0005  # rounds to nothing


def _has_money(result: Result) -> bool:
    return "opening_revenue" in result.tables()["bridge"].columns


def _money(result: Result, value: float) -> str:
    return formats.money(value, result.currency)


def _period(result: Result) -> str:
    return str(result.parameters.get("period", "month"))


def _name(result: Result, day: date) -> str:
    """Name a period as people do: June 2026, Q2 2026, 2026."""
    named = {
        "quarter": f"Q{(day.month - 1) // _QUARTER + 1} {day.year}",
        "year": str(day.year),
        "week": f"Week of {day.day} {day:%b %Y}",
    }
    return named.get(_period(result), f"{day:%B %Y}")


def _short(result: Result, day: date) -> str:
    named = {"quarter": f"Q{(day.month - 1) // _QUARTER + 1} {day:%y}", "year": str(day.year), "week": f"{day.day} {day:%b %y}"}  # fmt: skip
    return named.get(_period(result), f"{day:%b %y}")


def _unit(result: Result) -> str:
    """Say what the money is: a monthly amount in force, or spend."""
    return "Monthly revenue" if "outlook" in result.tables() or _by_month(result) else "Net spend"


def _by_month(result: Result) -> bool:
    return not any(note.code == "orders_are_no_contracts" for note in result.notes)


def _symbol(result: Result) -> str:
    sign = formats.money(0, result.currency).replace("0.00", "").strip()
    return f" ({sign})" if sign else ""


def _axis_title(result: Result) -> str:
    return f"{_unit(result)}{_symbol(result)}" if _has_money(result) else "Customers"


def waterfall(result: Result, theme: Theme) -> go.Figure:
    """Draw the way from opening to closing over the trailing stretch, a bar per step."""
    money = _has_money(result)
    column = "step_revenue" if money else "step_customers"
    rows = result.tables()["waterfall"].to_dicts()
    level, bars = 0.0, []
    for row in rows:
        size = float(row[column]) * (-1 if not money and row["step"] == "Lost" else 1)
        whole = row["step"] in {"Opening", "Closing"}
        base = 0.0 if whole else min(level, level + size)
        level = size if whole else level + size
        bars.append((row, base, abs(size), size, level))
    colours = [
        theme.quiet if r["step"] in {"Opening", "Closing"} else theme.good if s >= 0 else theme.bad
        for r, _, _, s, _ in bars
    ]
    most = max(b + h for _, b, h, _, _ in bars)
    labels = [
        {
            "x": i, "y": b + h, "yanchor": "bottom", "yshift": 3, "showarrow": False,
            "text": text.safe(_step_label(result, s, whole=r["step"] in {"Opening", "Closing"})),
            "font": {"color": theme.text, "size": 12},
        }
        for i, (r, b, h, s, _) in enumerate(bars)
    ]  # fmt: skip
    return parts.figure(
        result,
        "waterfall",
        theme,
        [
            go.Bar(
                x=list(range(len(bars))),
                y=[h for _, _, h, _, _ in bars],
                base=[b for _, b, _, _, _ in bars],
                marker={"color": colours},
                hovertext=[_step_words(result, r) for r, *_ in bars],
                hovertemplate=parts.HOVER,
                showlegend=False,
            )
        ],
        alt="Steps from opening to closing. " + " ".join(_step_words(result, r, plain=True) for r, *_ in bars),
        height=430,
        bargap=0.25,
        xaxis=parts.axis(
            "Step", "names", tickvals=list(range(len(bars))), ticktext=[r["step"] for r, *_ in bars], zeroline=False,
            tickfont={"size": 12},
        ),
        yaxis=parts.axis(_axis_title(result), "money" if money else "count", range=[0, most * 1.12]),
        annotations=labels,
    )  # fmt: skip


def _step_label(result: Result, size: float, *, whole: bool) -> str:
    if not _has_money(result):
        return f"{size:,.0f}" if whole else f"{size:+,.0f}"
    if abs(size) < _NOBODY:
        return "0"
    sign = "" if whole else "+" if size > 0 else "-"
    return f"{sign}{formats.money(abs(size), result.currency, short=True)}"


def _step_words(result: Result, row: Row, *, plain: bool = False) -> str:
    amount = f"{_money(result, row['step_revenue'])}, " if _has_money(result) else ""
    words = f"{amount}{parts.counted(row['step_customers'], 'customer')}"
    return f"{row['step']}: {words}." if plain else text.lines(words, head=row["step"])


_MOVES: Final = (
    ("new", "New", 1, "accent"),
    ("returned", "Returned", 1, "other"),
    ("expansion", "Expansion", 1, "good"),
    ("contraction", "Contraction", -1, "pale"),
    ("lost", "Lost", -1, "bad"),
)


def bridge(result: Result, theme: Theme) -> go.Figure:
    """Draw what came above nought and what went below it, period by period; the unfinished period is pale."""
    rows = result.tables()["bridge"].to_dicts()[-_MOST_BARS:]
    money = _has_money(result)
    moves = _MOVES if money else tuple(m for m in _MOVES if m[0] not in {"expansion", "contraction"})
    colours = {
        "accent": theme.accent, "other": theme.categories[1], "good": theme.good, "pale": theme.tint(theme.bad, 0.55),
        "bad": theme.bad,
    }  # fmt: skip
    column = "revenue" if money else "customers"
    bars = [
        go.Bar(
            x=[r["period_on"] for r in rows],
            y=[sign * r[f"{key}_{column}"] for r in rows],
            name=label,
            marker={
                "color": [
                    colours[shade] if r["is_complete"] else theme.tint(colours[shade], 0.45) for r in rows
                ]
            },
            hovertext=[_bridge_words(result, r) for r in rows],
            hovertemplate=parts.HOVER,
        )
        for key, label, sign, shade in moves
    ]
    last = ([r for r in rows if r["is_complete"]] or rows)[-1]
    return parts.figure(
        result,
        "bridge",
        theme,
        bars,
        alt=f"Stacked bars by {_period(result)}: gains above nought, losses below. {_bridge_words(result, last, plain=True)}",
        height=450,
        barmode="relative",
        xaxis=_time_axis(result, rows),
        yaxis={**parts.axis(f"Change of {_axis_title(result)[:1].lower()}{_axis_title(result)[1:]}", "money"), "rangemode": "normal"},
        margin=parts.legend_room(2),
        legend={"traceorder": "normal"},
    )  # fmt: skip


def _bridge_words(result: Result, row: Row, *, plain: bool = False) -> str:
    money = _has_money(result)

    def figure(key: str) -> str:
        return _money(result, row[f"{key}_revenue"]) if money else f"{row[f'{key}_customers']:,}"

    counts = {"expansion": "expanded_customers", "contraction": "contracted_customers"}
    lines = [f"Opening {figure('opening')}"]
    for key, label, sign, _ in _MOVES:
        if money or key not in counts:
            n = row.get(counts.get(key, f"{key}_customers"))
            many = f" ({parts.counted(n or 0, 'customer')})" if money else ""
            lines.append(f"{label} {'+' if sign > 0 else '-'}{figure(key)}{many}")
    lines.append(f"Closing {figure('closing')}")
    if row.get("quick_ratio") is not None:
        lines.append(f"Quick ratio {parts.spanned(row, 'quick_ratio', 'number')}")
    if not row["is_complete"]:
        lines.append(f"This {_period(result)} is not over")
    head = _name(result, row["period_on"])
    return f"{head}: {'; '.join(lines)}." if plain else text.lines(*lines, head=head)


def _time_axis(result: Result, rows: Sequence[Row]) -> dict[str, object]:
    """Give an axis of periods by their names: no more names than a phone has room for."""
    step = max(1, -(-len(rows) // 6))
    shown = [r["period_on"] for r in rows][::-1][::step][::-1]
    return parts.axis(
        _period(result).capitalize(), "names", type="date", tickvals=shown, ticktext=[_short(result, d) for d in shown]
    )  # fmt: skip


_LINES: Final = (
    ("Net revenue retention", "Cohort, without returned customers", "accent"),
    ("Gross revenue retention", "Cohort, at most what it was", "bad"),
    ("Customer retention", "Cohort", "other"),
)


def rates(result: Result, theme: Theme) -> go.Figure:
    """Draw net and gross revenue retention and customer retention of each trailing stretch, with their intervals."""
    table = result.tables()["rates"]
    colours = {"accent": theme.accent, "bad": theme.bad, "other": theme.categories[1]}
    traces: list[Any] = []
    drawn: list[Row] = []
    for kind, definition, shade in _LINES:
        rows = [r for r in table.to_dicts() if r["rate_name"] == kind and r["rate_definition"] == definition]
        if rows:
            drawn.append(rows[-1])
            traces += _band(result, rows, kind, colours[shade])
    days = sorted(
        {r["period_on"] for r in table.to_dicts() if r["rate_definition"] in {d for _, d, _ in _LINES}}
    )
    if not drawn:
        return parts.nothing(result, "rates", theme, "No stretch from start on can be compared.")
    return parts.figure(
        result,
        "rates",
        theme,
        traces,
        alt="Lines with 95% intervals. "
        + " ".join(f"{r['rate_name']}: {parts.spanned(r, 'rate', 'share')} in {_name(result, r['period_on'])}." for r in drawn),
        height=450,
        xaxis=_time_axis(result, [{"period_on": d} for d in days]),
        yaxis=parts.axis("Kept over the stretch", "share"),
        margin=parts.legend_room(3),
    )  # fmt: skip


def _band(result: Result, rows: Sequence[Row], name: str, colour: str) -> list[Any]:
    days = [r["period_on"] for r in rows]
    sure = [r for r in rows if r["rate_lower"] is not None]
    common = {"x": [r["period_on"] for r in sure], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}  # fmt: skip
    rgb = ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return [
        go.Scatter(y=[r["rate_lower"] for r in sure], **common),
        go.Scatter(
            y=[r["rate_upper"] for r in sure], fill="tonexty", fillcolor=f"rgba({rgb},0.16)", **common
        ),
        go.Scatter(
            x=days,
            y=[r["rate"] for r in rows],
            mode="lines" if len(rows) > 1 else "markers",
            name=name,
            line={"color": colour, "width": 2.5},
            marker={"color": colour, "size": 9},
            hovertext=[_rate_words(result, r) for r in rows],
            hovertemplate=parts.HOVER,
        ),
    ]


def _rate_words(result: Result, row: Row) -> str:
    return text.lines(
        _name(result, row["period_on"]),
        parts.spanned(row, "rate", "share"),
        f"{parts.counted(row['n_customers'], 'customer')} at the beginning",
        head=row["rate_name"],
    )


def segments(result: Result, theme: Theme) -> go.Figure:
    """Draw retention by group with intervals: net and gross beside each other, the largest group first."""
    rows = result.tables()["segments"].to_dicts()
    money = _has_money(result)
    kinds = (
        (
            ("net_revenue_retention", "Net", theme.accent, -0.13),
            ("gross_revenue_retention", "Gross", theme.bad, 0.13),
        )
        if money
        else (("customers_kept_share", "Customers kept", theme.accent, 0.0),)
    )
    dots = [
        go.Scatter(
            x=[r[column] for r in rows],
            y=[i + off for i in range(len(rows))],
            mode="markers",
            name=label,
            marker={"color": colour, "size": 10},
            error_x={**parts.interval(theme, rows, column), "color": colour, "thickness": 2},
            hovertext=[_segment_words(result, r) for r in rows],
            hovertemplate=parts.HOVER,
        )
        for column, label, colour, off in kinds
    ]
    return parts.figure(
        result,
        "segments",
        theme,
        dots,
        alt="Dots with 95% intervals. "
        + " ".join(
            f"{r['segment']}: {label} {parts.spanned(r, column, 'share')}."
            for r in rows
            for column, label, *_ in kinds
        ),
        height=170 + 54 * len(rows),
        xaxis=parts.axis("Kept over the stretch", "share"),
        yaxis=parts.names_axis(str(result.parameters.get("by") or "Group").replace("_", " ").capitalize(), [r["segment"] for r in rows], width=16),
        margin=parts.legend_room(),
        showlegend=money,
    )  # fmt: skip


def _segment_words(result: Result, row: Row) -> str:
    lines = [f"{parts.counted(row['opening_customers'], 'customer')} at the beginning"]
    if _has_money(result):
        lines += [
            f"{_money(result, row['opening_revenue'])} then, {_money(result, row['kept_revenue'])} now",
            f"Net {parts.spanned(row, 'net_revenue_retention', 'share')}",
            f"Gross {parts.spanned(row, 'gross_revenue_retention', 'share')}",
            f"{formats.share(row['loss_share'])} of the losses",
        ]
    lines.append(f"Customers kept {parts.spanned(row, 'customers_kept_share', 'share')}")
    return text.lines(*lines, head=row["segment"])


def cohorts(result: Result, theme: Theme) -> go.Figure:
    """Draw what each cohort keeps at each age; one scale of shades for the whole table, unfinished cells left out."""
    column = "revenue_kept_share" if _has_money(result) else "customers_kept_share"
    whole = [r for r in result.tables()["cohorts"].to_dicts() if r["is_complete"] and r[column] is not None]
    days = sorted({r["cohort_on"] for r in whole})[-_MOST_COHORTS:]
    if not days:
        return parts.nothing(result, "cohorts", theme, "No cohort has a whole period yet.")
    cells = {(r["cohort_on"], r["cohort_age"]): r for r in whole}
    ages = range(max(a for d, a in cells if d in days) + 1)
    value = [[cells[d, a][column] if (d, a) in cells else None for a in ages] for d in days]
    words = [[_cohort_words(result, cells[d, a]) if (d, a) in cells else "" for a in ages] for d in days]
    step = max(1, -(-len(days) // 12))
    first, last = cells[days[0], max(a for d, a in cells if d == days[0])], days[0]
    return parts.figure(
        result,
        "cohorts",
        theme,
        [
            go.Heatmap(
                z=value,
                x=list(ages),
                y=list(range(len(days))),
                colorscale=_scale(theme),
                zmin=0,
                zmax=_top(value),
                xgap=1,
                ygap=1,
                hovertext=words,
                hovertemplate=parts.HOVER,
                hoverongaps=False,
                colorbar={
                    "title": {"text": "Kept", "side": "top"}, "tickformat": "~%", "orientation": "h", "thickness": 12, "len": 0.7,
                    "x": 0, "xanchor": "left", "y": -0.17, "yanchor": "top", "nticks": 4,
                },
            )
        ],
        alt=f"A table of shades: {len(days)} cohorts by {_period(result)}. The oldest, {_name(result, last)}, keeps "
        f"{formats.share(first[column])} after {parts.counted(first['cohort_age'], _period(result))}.",
        height=260 + max(14, min(34, 480 // len(days))) * len(days),
        xaxis=parts.axis(f"{_period(result).capitalize()}s since the beginning", "names", nticks=8),
        yaxis=parts.axis(
            "Cohort by start", "names", autorange="reversed",
            tickvals=list(range(len(days)))[::step], ticktext=[_short(result, d) for d in days][::step],
        ),
        margin={"b": 100},
    )  # fmt: skip


def _scale(theme: Theme) -> list[tuple[float, str]]:
    return [(0.0, theme.tint(theme.accent, 0.06)), (0.5, theme.tint(theme.accent, 0.45)), (1.0, theme.accent)]


def _top(value: Sequence[Sequence[float | None]]) -> float:
    """Give the end of the scale: 100%, or more where cohorts grow; a few very large cells do not stretch it."""
    flat = sorted(v for row in value for v in row if v is not None)
    return max(1.0, min(flat[int(0.98 * (len(flat) - 1))], 2.0))


def _cohort_words(result: Result, row: Row) -> str:
    age = parts.counted(row["cohort_age"], _period(result))
    lines = [f"After {age}" if row["cohort_age"] else f"At the end of the first {_period(result)}"]
    if _has_money(result):
        lines += [
            f"Revenue kept {parts.spanned(row, 'revenue_kept_share', 'share')}",
            f"{_money(result, row['cohort_revenue'])} of {_money(result, row['cohort_first_revenue'])}",
        ]
    lines += [
        f"Customers kept {parts.spanned(row, 'customers_kept_share', 'share')}",
        f"{row['customers_there']:,} of {parts.counted(row['cohort_customers'], 'customer')}",
    ]
    return text.lines(*lines, head=_name(result, row["cohort_on"]))


def outlook(result: Result, theme: Theme) -> go.Figure:
    """Draw what today's customers are expected to bring month by month, with its interval."""
    money = _has_money(result)
    column = "revenue_ahead" if money else "customers_ahead"
    rows = result.tables()["outlook"].to_dicts()
    months = [r["months_ahead"] for r in rows]
    common = {"x": months, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    last = rows[-1]
    unit = "money" if money else "count"
    write: Callable[[Row], str] = lambda r: parts.spanned(  # noqa: E731 used twice below
        {k: round(v, 2) if money else round(v) for k, v in r.items() if v is not None},
        column,
        unit,
        result.currency,
    )
    return parts.figure(
        result,
        "outlook",
        theme,
        [
            go.Scatter(y=[r[f"{column}_lower"] for r in rows], showlegend=False, **common),
            go.Scatter(
                y=[r[f"{column}_upper"] for r in rows], name="95% interval", fill="tonexty",
                fillcolor=theme.tint(theme.accent, 0.28), **common,
            ),
            go.Scatter(
                x=months, y=[r[column] for r in rows], mode="lines", name="Expected",
                line={"color": theme.accent, "width": 2.5},
                hovertext=[text.lines(write(r), head=f"In {parts.counted(r['months_ahead'], 'month')}" if r["months_ahead"] else "Today") for r in rows],
                hovertemplate=parts.HOVER,
            ),
        ],
        alt=f"A falling line with its interval: from {write(rows[0])} today to {write(last)} in {last['months_ahead']} months.",
        height=430,
        xaxis=parts.axis("Months ahead", "count", dtick=6 if len(months) > 8 else 1),  # noqa: PLR2004
        yaxis=parts.axis(f"From today's customers{_symbol(result) if money else ''}", "money" if money else "count"),
        margin=parts.legend_room(),
    )  # fmt: skip


VIEWS: Final[Views] = {
    "waterfall": waterfall,
    "bridge": bridge,
    "rates": rates,
    "segments": segments,
    "cohorts": cohorts,
    "outlook": outlook,
}
"""The drawings of this analysis by view."""
