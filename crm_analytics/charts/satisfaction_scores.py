"""Pictures of satisfaction scores: over time with control limits, by group against the rest, how answers spread, ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import plotly.graph_objects as go
import polars as pl

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.charts.drawing import Views
from crm_analytics.charts.theme import Theme
from crm_analytics.results import Result

Row = Mapping[str, Any]

_MOST_PERIODS: Final = 40
_MOST_GROUPS: Final = 16
_MOST_RANKED: Final = 20
_WIDE: Final = 2.5
_FEW_TICKS: Final = 6
_NAMES: Final = {
    "nps": "Net promoter score, points",
    "csat": "Satisfied answers, %",
    "ces": "Easy answers, %",
    "index": "Satisfaction index, 0 to 100",
}
_COUNTED: Final = (
    "detractor",
    "passive",
    "promoter",
    "not satisfied",
    "satisfied",
    "not easy",
    "easy",
    "part of the mean",
)


def periods(result: Result, theme: Theme) -> go.Figure:
    """Draw the score of each period with its interval, on the control limits."""
    rows = [r for r in _rows(result, "periods") if r["score"] is not None][-_MOST_PERIODS:]
    if not rows:
        return parts.nothing(result, "periods", theme, "No period has enough answers to be shown.")
    places = list(range(len(rows)))
    charted = [r["center_line"] is not None for r in rows]
    traces = _limits(rows, places, theme) if all(charted) else []
    return parts.figure(
        result,
        "periods",
        theme,
        [*traces, _dots(result, rows, places, theme)],
        alt=_period_alt(result, rows),
        height=480,
        xaxis=_period_axis(result, rows),
        yaxis=_score_axis(result, "count", rangemode="normal"),
        showlegend=bool(traces),
        margin=parts.legend_room(2) if traces else {},
    )


def _limits(rows: Sequence[Row], places: Sequence[int], theme: Theme) -> list[go.Scatter]:
    """Draw the band within which chance alone moves the score, and its centre."""
    # each period has limits of its own width, so the band is stepped around the places
    x = [p + side for p in places for side in (-0.5, 0.5)]
    low = [r["control_low"] for r in rows for _ in (0, 1)]
    high = [r["control_high"] for r in rows for _ in (0, 1)]
    edge = {"x": x, "mode": "lines", "hoverinfo": "skip", "line": {"width": 0, "color": theme.quiet}}
    band = theme.tint(theme.quiet, 0.16)
    center = rows[0]["center_line"]
    return [
        go.Scatter(y=low, showlegend=False, **edge),
        go.Scatter(y=high, fill="tonexty", fillcolor=band, name="What chance would do", **edge),
        go.Scatter(
            x=[x[0], x[-1]],
            y=[center, center],
            mode="lines",
            name="All periods",
            hoverinfo="skip",
            line={"color": theme.quiet, "dash": "dot", "width": 1.5},
        ),
    ]


def _dots(result: Result, rows: Sequence[Row], places: Sequence[int], theme: Theme) -> go.Scatter:
    signals = {"outside the limits": theme.bad, "eight or more on one side": theme.categories[1]}
    colours = [signals.get(r["control_signal"], theme.accent) for r in rows]
    return go.Scatter(
        x=list(places),
        y=[r["score"] for r in rows],
        mode="lines+markers",
        name="Score with 95% interval",
        line={"color": theme.accent, "width": _WIDE},
        marker={
            "color": colours,
            "size": 9,
            "symbol": ["circle" if r["is_complete"] else "circle-open" for r in rows],
            "line": {"color": colours, "width": 2},
        },
        error_y=parts.interval(theme, rows, "score"),
        hovertext=[_period_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )


def segments(result: Result, theme: Theme) -> go.Figure:
    """Draw each group's score with its interval, and beside it the score of all others."""
    shown = [r for r in _rows(result, "segments") if r["score"] is not None]
    if not shown:
        return parts.nothing(result, "segments", theme, "No group has enough answers to be shown.")
    odd = ("above the rest", "below the rest")
    told = sorted(shown, key=lambda r: (r["rest_evidence"] not in odd, -r["n"], r["respondents"]))
    rows = sorted(told[:_MOST_GROUPS], key=lambda r: (r["score"], r["respondents"]))  # as in the table
    places = list(range(len(rows)))
    colours = {"above the rest": theme.good, "below the rest": theme.bad}
    rest = go.Scatter(
        x=[r["rest_score"] for r in rows],
        y=places,
        mode="markers",
        name="All other answers",
        marker={"symbol": "line-ns", "size": 18, "line": {"color": theme.quiet, "width": 3}},
        hovertext=[_segment_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )
    own = go.Scatter(
        x=[r["score"] for r in rows],
        y=places,
        mode="markers",
        name="The group with 95% interval",
        marker={"size": 12, "color": [colours.get(r["rest_evidence"], theme.accent) for r in rows]},
        error_x=parts.interval(theme, rows, "score"),
        hovertext=[_segment_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )
    return parts.figure(
        result,
        "segments",
        theme,
        [rest, own],
        alt=_segment_alt(result, rows),
        height=210 + 42 * len(rows),
        xaxis=_score_axis(result, "count", rangemode="normal"),
        yaxis=parts.names_axis(_by(result), [f"{r['respondents']} ({r['n']:,})" for r in rows], width=20),
        showlegend=True,
        margin=parts.legend_room(2),
    )


def distribution(result: Result, theme: Theme) -> go.Figure:
    """Draw how many gave each answer, coloured by what it counts as."""
    rows = _rows(result, "distribution")
    colours = {
        "detractor": theme.bad, "passive": theme.quiet, "promoter": theme.good, "not satisfied": theme.quiet,
        "satisfied": theme.good, "not easy": theme.quiet, "easy": theme.good, "part of the mean": theme.accent,
    }  # fmt: skip
    kinds = [k for k in _COUNTED if any(r["counts_as"] == k for r in rows)]
    names = [r["answer_text"] for r in rows]
    traces = [
        _bars([r for r in rows if r["counts_as"] == kind], rows, kind, colours[kind], theme) for kind in kinds
    ]
    said = "; ".join(f"{r['answer_text']}: {formats.share(r['answer_share'])}" for r in rows)
    return parts.figure(
        result,
        "distribution",
        theme,
        traces,
        alt=f"Bars: share of answers by answer. {said}.",
        xaxis=parts.axis(
            "Answer",
            "names",
            tickvals=list(range(len(names))),
            ticktext=[text.safe(text.shortened(n, 14)) for n in names],
        ),
        yaxis=parts.axis("Share of answers", "share"),
        bargap=0.2,
        barmode="overlay",
        showlegend=len(kinds) > 1,
        margin=parts.legend_room() if len(kinds) > 1 else {},
    )


def _bars(rows: Sequence[Row], whole: Sequence[Row], kind: str, colour: str, theme: Theme) -> go.Bar:
    place = {r["answer"]: i for i, r in enumerate(whole)}
    total = sum(r["answer_share"] for r in rows)
    return go.Bar(
        x=[place[r["answer"]] for r in rows],
        y=[r["answer_share"] for r in rows],
        name=f"{_plural(kind)} {total:.0%}",
        marker={"color": colour},
        error_y=parts.interval(theme, rows, "answer_share"),
        hovertext=[
            text.lines(
                f"{parts.spanned(r, 'answer_share', 'share')} of answers",
                f"{parts.counted(r['n_given'], 'answer')}, {r['counts_as']}",
                head=f"Answer {r['answer_text']}",
            )
            for r in rows
        ],
        hovertemplate=parts.HOVER,
    )


def ranking(result: Result, theme: Theme) -> go.Figure:
    """Draw the groups' pooled scores with intervals, the raw ones behind them, and the chance of each of being the best."""
    rows = _ends(_rows(result, "ranking"))
    places = list(range(len(rows)))
    raw = go.Scatter(
        x=[r["score"] for r in rows],
        y=places,
        mode="markers",
        name="Raw score",
        marker={"symbol": "x-thin", "size": 9, "line": {"color": theme.quiet, "width": 2}},
        hovertext=[_rank_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )
    pooled = go.Scatter(
        x=[r["pooled_score"] for r in rows],
        y=places,
        mode="markers",
        name="Pooled score with 95% interval",
        marker={"size": 11, "color": theme.accent},
        error_x=parts.interval(theme, rows, "pooled_score"),
        hovertext=[_rank_words(result, r) for r in rows],
        hovertemplate=parts.HOVER,
    )
    names = [f"{r['respondents']} · {_chance(r['best_probability'])}" for r in rows]
    return parts.figure(
        result,
        "ranking",
        theme,
        [raw, pooled],
        alt=_rank_alt(result, rows),
        height=220 + 34 * len(rows),
        xaxis=_score_axis(result, "count", rangemode="normal"),
        yaxis=parts.names_axis(f"{_by(result)}, chance of first", names, width=22),
        showlegend=True,
        margin=parts.legend_room(2),
    )


def change(result: Result, theme: Theme) -> go.Figure:
    """Draw what each group adds to the change: by its own score moving, and by weighing more or less."""
    rows = _rows(result, "change")
    rows = rows if len(rows) <= _MOST_GROUPS else [*_largest(rows[:-1]), rows[-1]]
    places = list(range(len(rows)))
    traces = [
        go.Bar(
            y=places,
            x=[r[f"{part}_effect"] for r in rows],
            orientation="h",
            name=name,
            marker={"color": colour},
            error_x=parts.interval(theme, rows, f"{part}_effect"),
            hovertext=[_change_words(result, r) for r in rows],
            hovertemplate=parts.HOVER,
        )
        for part, name, colour in (
            ("rate", "The group's own score moved", theme.accent),
            ("mix", "It weighs more or less", theme.categories[1]),
        )
    ]
    total = rows[-1]
    return parts.figure(
        result,
        "change",
        theme,
        traces,
        alt=f"Bars of the parts of a change of {total['total_effect']:+.1f} points. "
        + "; ".join(
            f"{r['respondents']}: rate {r['rate_effect']:+.1f}, mix {r['mix_effect']:+.1f}" for r in rows
        )
        + ".",
        height=220 + 52 * len(rows),
        barmode="group",
        bargap=0.3,
        xaxis=parts.axis("Points, 95% interval", "count", rangemode="normal", tickformat="~g"),
        yaxis=parts.names_axis(_by(result), [r["respondents"] for r in rows], width=20),
        showlegend=True,
        margin=parts.legend_room(2),
    )


def _rows(result: Result, table: str) -> list[dict[str, Any]]:
    """Give the rows of the leading metric."""
    return result.tables()[table].filter(pl.col("metric") == result.parameters["metric"]).to_dicts()


def _ends(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give both ends of a long ranking."""
    half = _MOST_RANKED // 2
    return rows if len(rows) <= _MOST_RANKED else [*rows[:half], *rows[-half:]]


def _largest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda r: -abs(r["total_effect"]))[: _MOST_GROUPS - 1]


def _score_axis(result: Result, kind: Any, **more: object) -> dict[str, object]:  # noqa: ANN401 a literal of parts.axis
    return parts.axis(_NAMES[str(result.parameters["metric"])], kind, **more)


def _by(result: Result) -> str:
    words = str(result.parameters["by"]).removeprefix("customers.").replace("_", " ")
    return words[:1].upper() + words[1:]


def _plural(kind: str) -> str:
    words = {"detractor": "Detractors", "passive": "Passives", "promoter": "Promoters"}
    return words.get(kind, kind.capitalize())


def _chance(probability: float) -> str:
    return "under 1%" if probability < 0.005 else f"{probability:.0%}"  # noqa: PLR2004 rounds to nothing


def _said(result: Result, score: float) -> str:
    kind = result.parameters["metric"]
    return f"{score:+.1f}" if kind == "nps" else f"{score:.1f}" if kind == "index" else f"{score:.1f}%"


def _spanned(result: Result, row: Row, column: str = "score") -> str:
    low, high = (_said(result, row[f"{column}_{end}"]) for end in ("lower", "upper"))
    return f"{_said(result, row[column])} ({low} to {high})"


def _name(begin: date, period: str) -> str:
    match period:
        case "quarter":
            return f"Q{(begin.month + 2) // 3} {begin.year}"
        case "month":
            return f"{begin:%b %Y}"
        case "year":
            return f"{begin.year}"
        case _:
            return f"{begin.day} {begin:%b %Y}"


def _period_axis(result: Result, rows: Sequence[Row]) -> dict[str, object]:
    period = str(result.parameters["period"])
    step = max(1, -(-len(rows) // _FEW_TICKS))
    ticks = list(range(len(rows) - 1, -1, -step))[::-1]
    return parts.axis(
        f"{period.capitalize()}; below, answers",
        "names",
        tickvals=ticks,
        ticktext=[
            _name(rows[i]["period_on"], period).replace(" ", "<br>") + f"<br>{rows[i]['n']:,}" for i in ticks
        ],
        range=[-0.6, len(rows) - 0.4],
        zeroline=False,
    )


def _period_words(result: Result, row: Row) -> str:
    moved = (
        None
        if row["score_change"] is None
        else f"{row['score_change']:+.1f} points ({row['score_change_lower']:+.1f} to {row['score_change_upper']:+.1f}) "
        "on the one before"
    )
    limits = (
        None
        if row["control_low"] is None
        else f"{row['control_signal'].capitalize()}: {_said(result, row['control_low'])} to {_said(result, row['control_high'])}"
    )
    return text.lines(
        _spanned(result, row),
        moved,
        limits,
        f"{parts.counted(row['n'], 'answer')}{'' if row['is_complete'] else ', period not finished'}",
        head=_name(row["period_on"], str(result.parameters["period"])),
    )


def _period_alt(result: Result, rows: Sequence[Row]) -> str:
    period = str(result.parameters["period"])
    said = "; ".join(
        f"{_name(r['period_on'], period)} {_spanned(result, r)}, {r['control_signal']}" for r in rows[-8:]
    )
    return f"Line of the score by {period} with 95% intervals, on a band of control limits. {said}."


def _segment_words(result: Result, row: Row) -> str:
    if row["rest_difference"] is None:
        against = "Not compared: too few other answers"
    else:
        low, high = (f"{row[f'rest_difference_{e}']:+.1f}" for e in ("lower", "upper"))
        against = (
            f"{row['rest_difference']:+.1f} points ({low} to {high}) against the rest, {row['rest_evidence']}"
        )
    return text.lines(
        _spanned(result, row), against, parts.counted(row["n"], "answer"), head=row["respondents"]
    )


def _segment_alt(result: Result, rows: Sequence[Row]) -> str:
    said = "; ".join(
        f"{r['respondents']} {_spanned(result, r)}, {r['rest_evidence']}, {r['n']:,} answers" for r in rows
    )
    return f"Dots with 95% intervals by group, a mark for all other answers beside each. {said}."


def _rank_words(result: Result, row: Row) -> str:
    return text.lines(
        f"Pooled {_spanned(result, row, 'pooled_score')}, raw {_said(result, row['score'])}",
        f"Place {row['expected_place']:.1f} ({row['expected_place_lower']:.0f} to {row['expected_place_upper']:.0f})",
        f"Chance of being best {_chance(row['best_probability'])}, worst {_chance(row['worst_probability'])}",
        parts.counted(row["n"], "answer"),
        head=row["respondents"],
    )


def _rank_alt(result: Result, rows: Sequence[Row]) -> str:
    said = "; ".join(
        f"{r['respondents']} {_spanned(result, r, 'pooled_score')}, best with {_chance(r['best_probability'])}"
        for r in rows[:8]
    )
    return f"Dots of pooled scores with 95% intervals, the best first, crosses for raw scores. {said}."


def _change_words(result: Result, row: Row) -> str:
    before, now = (
        formats.NOTHING if row[f"score_{when}"] is None else _said(result, row[f"score_{when}"])
        for when in ("before", "now")
    )
    return text.lines(
        f"Score {before} before, {now} now",
        f"{formats.share(row['share_before'])} of answers before, {formats.share(row['share_now'])} now",
        *(
            f"{name} {row[f'{part}_effect']:+.1f} points ({row[f'{part}_effect_lower']:+.1f} to {row[f'{part}_effect_upper']:+.1f})"
            for part, name in (("rate", "Own score"), ("mix", "Weight"))
        ),
        f"{row['n_before']:,} answers before, {row['n_now']:,} now",
        head=row["respondents"],
    )


VIEWS: Final[Views] = {
    "periods": periods,
    "segments": segments,
    "distribution": distribution,
    "ranking": ranking,
    "change": change,
}
"""The drawings of this analysis by view."""
