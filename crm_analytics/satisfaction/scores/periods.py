"""Scores period by period: change with its interval, control limits, and the same people twice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.satisfaction.scores.metrics import Metric
from crm_analytics.satisfaction.scores.sheets import Sheets
from crm_analytics.satisfaction.scores.sums import Sums, by_group, difference, interval, standard_error
from crm_analytics.satisfaction.scores.suppression import base, hidden
from crm_analytics.stats.control_chart import ControlChart, control_chart
from crm_analytics.stats.score_intervals import Spread, bounded_mean, paired_difference

Row = dict[str, Any]

_FEWEST_PAIRS: Final = 10
_NOTHING: Final = 1e-6
_EMPTY_CHANGE: Final = dict.fromkeys(
    ("score_change", "score_change_lower", "score_change_upper", "score_change_p_value", "n_paired", "paired_change", "paired_change_lower",
     "paired_change_upper", "paired_p_value")
)  # fmt: skip

SCHEMA: Final[Mapping[str, Any]] = {
    "metric": pl.String, "period_on": pl.Date, "is_complete": pl.Boolean, "n": pl.Int64, "n_effective": pl.Float64,
    "answer_base": pl.String, "score": pl.Float64, "score_lower": pl.Float64, "score_upper": pl.Float64,
    "score_change": pl.Float64, "score_change_lower": pl.Float64, "score_change_upper": pl.Float64, "score_change_p_value": pl.Float64,
    "n_paired": pl.Int64, "paired_change": pl.Float64, "paired_change_lower": pl.Float64,
    "paired_change_upper": pl.Float64, "paired_p_value": pl.Float64, "center_line": pl.Float64,
    "control_low": pl.Float64, "control_high": pl.Float64, "scatter_factor": pl.Float64, "control_signal": pl.String,
}  # fmt: skip


def period_table(sheets: Sheets) -> pl.DataFrame:
    """Give one row per metric and period, from the first to the last with an answer."""
    rows = [row for metric in sheets.metrics for row in _rows(sheets, metric)]
    return pl.DataFrame(rows, schema=dict(SCHEMA), orient="row")


def _rows(sheets: Sheets, metric: Metric) -> list[Row]:
    sums = by_group(metric, sheets.period, len(sheets.periods))
    away = hidden_periods([s.n for s in sums], sheets.min_answers)
    shown = [s.n >= sheets.min_answers and not gone for s, gone in zip(sums, away, strict=True)]
    rows = [
        {
            "metric": metric.name,
            "period_on": sheets.periods[i],
            "is_complete": sheets.is_complete(i),
            "n": s.n,
            "answer_base": base(s.n, is_hidden=bool(away[i])),
            **_figures(s, is_shown=shown[i]),
            **(_change(sheets, metric, sums, i) if _follows(sheets, shown, i) else _EMPTY_CHANGE),
        }
        for i, s in enumerate(sums)
    ]
    return _with_limits(rows, sums, shown, metric)


def hidden_periods(n: Sequence[int], least: int) -> NDArray[np.bool_]:
    """Say which periods to hide: where more than the small ones have to be, the oldest first, since the newest are read."""
    return hidden(n, least, np.arange(len(n)))


def _follows(sheets: Sheets, shown: Sequence[bool], i: int) -> bool:
    """Say whether a whole period is shown and so is the whole one before it."""
    return i > 0 and all(shown[k] and sheets.is_complete(k) for k in (i - 1, i))


def _figures(found: Sums, *, is_shown: bool) -> Row:
    if not is_shown:
        return dict.fromkeys(("n_effective", "score", "score_lower", "score_upper"))
    at = interval(found)
    return {
        "n_effective": found.n_effective,
        "score": at.value,
        "score_lower": at.lower,
        "score_upper": at.upper,
    }


def _change(sheets: Sheets, metric: Metric, sums: list[Sums], i: int) -> Row:
    moved = difference(sums[i], sums[i - 1])
    return {
        "score_change": moved.value,
        "score_change_lower": moved.lower,
        "score_change_upper": moved.upper,
        "score_change_p_value": None if math.isnan(moved.p_value) else moved.p_value,
        **_paired(sheets, metric, i, max(sheets.min_answers, _FEWEST_PAIRS)),
    }


def _paired(sheets: Sheets, metric: Metric, i: int, least: int) -> Row:
    """Compare the people who answered in both periods with themselves; several answers of one person count as their mean."""
    (earlier, before), (later, now) = (
        _by_person(metric, sheets.period[metric.rows] == at) for at in (i - 1, i)
    )
    both, one, two = np.intersect1d(earlier, later, assume_unique=True, return_indices=True)
    names = ("paired_change", "paired_change_lower", "paired_change_upper", "paired_p_value")
    if both.size < least:
        return {"n_paired": int(both.size), **dict.fromkeys(names)}
    found = paired_difference(before[one], now[two])
    p = None if math.isnan(found.p_value) else found.p_value
    ends = (found.lower, found.upper)
    if found.lower == found.upper:  # all moved alike: an interval of no width would be false
        reach = metric.limits[1] - metric.limits[0]
        ends = bounded_mean(Spread(found.value, 0.0, float(both.size)), (-reach, reach))[1:]
    return {"n_paired": int(both.size), **dict(zip(names, (found.value, *ends, p), strict=True))}


def _by_person(metric: Metric, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Give who answered, and the mean answer of each."""
    people, place = np.unique(metric.people[chosen], return_inverse=True)
    w = metric.weights[chosen]
    sums = np.bincount(place, weights=w * metric.points[chosen], minlength=people.size)
    return people, sums / np.bincount(place, weights=w, minlength=people.size)


def _with_limits(rows: list[Row], sums: list[Sums], shown: list[bool], metric: Metric) -> list[Row]:
    """Add control limits to the periods that are shown; the unfinished one is held against the others' limits."""
    places = [i for i, there in enumerate(shown) if there]
    chart = _chart([sums[i] for i in places], metric) if len(places) > 1 else None
    at = {place: k for k, place in enumerate(places)}
    return [
        {**row, **_limits(chart, at.get(i), is_complete=row["is_complete"])} for i, row in enumerate(rows)
    ]


def _chart(sums: list[Sums], metric: Metric) -> ControlChart:
    n = np.array([s.n_effective for s in sums])
    scores = np.array([s.score for s in sums])
    return control_chart(scores, n, _pooled(sums, n, scores, metric), metric.limits)


def _pooled(sums: list[Sums], n: NDArray[np.float64], scores: NDArray[np.float64], metric: Metric) -> float:
    """Give the variance of one answer under one score for all periods: binomial, or that within periods."""
    if metric.kind == "mean":
        return float(n @ [s.variance for s in sums]) / float(n.sum())
    center = float(n @ scores) / float(n.sum())
    squares = 100 * float(n @ [100 * (s.high + s.low) for s in sums]) / float(n.sum())
    if squares - center**2 > _NOTHING:
        return squares - center**2
    whole = replace(sums[0], n_effective=float(n.sum()))  # all answers alike: not sure to stay so
    return standard_error(whole) ** 2 * whole.n_effective


def _limits(chart: ControlChart | None, k: int | None, *, is_complete: bool) -> Row:
    if chart is None or k is None:
        names = ("center_line", "control_low", "control_high", "scatter_factor")
        return {**dict.fromkeys(names), "control_signal": "not charted"}
    signal = (
        "not finished"
        if not is_complete
        else "outside the limits"
        if chart.outside[k]
        else "eight or more on one side"
        if chart.in_a_run[k]
        else "within the limits"
    )
    return {
        "center_line": chart.center,
        "control_low": float(chart.lower[k]),
        "control_high": float(chart.upper[k]),
        "scatter_factor": chart.scatter,
        "control_signal": signal,
    }
