"""The scores themselves and how the answers spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.satisfaction.scores.metrics import Metric
from crm_analytics.satisfaction.scores.sheets import Sheets
from crm_analytics.satisfaction.scores.sums import Sums, interval, summed
from crm_analytics.satisfaction.scores.suppression import base
from crm_analytics.stats.intervals import Estimate, wilson
from crm_analytics.stats.score_intervals import Spread, bounded_mean

Row = dict[str, Any]

_MOST_POINTS: Final = 11
_PROMOTER, _DETRACTOR = 9, 6

SCORES: Final[Mapping[str, Any]] = {
    "metric": pl.String, "metric_name": pl.String, "score": pl.Float64, "score_lower": pl.Float64,
    "score_upper": pl.Float64, "n": pl.Int64, "n_effective": pl.Float64, "design_effect": pl.Float64,
    "within_correlation": pl.Float64, "answer_base": pl.String, "promoter_share": pl.Float64,
    "passive_share": pl.Float64, "detractor_share": pl.Float64, "mean_answer": pl.Float64,
    "mean_answer_lower": pl.Float64, "mean_answer_upper": pl.Float64, "n_missing": pl.Int64, "n_off_scale": pl.Int64,
    "answer_scale": pl.String, "score_definition": pl.String,
}  # fmt: skip

DISTRIBUTION: Final[Mapping[str, Any]] = {
    "metric": pl.String, "answer": pl.Float64, "answer_text": pl.String, "counts_as": pl.String, "n_given": pl.Int64,
    "answer_share": pl.Float64, "answer_share_lower": pl.Float64, "answer_share_upper": pl.Float64,
}  # fmt: skip


def score_table(sheets: Sheets) -> pl.DataFrame:
    """Give one row per metric."""
    rows = [_score(m, summed(m), sheets.min_answers) for m in sheets.metrics]
    return pl.DataFrame([{**dict.fromkeys(SCORES), **r} for r in rows], schema=dict(SCORES), orient="row")


def _score(metric: Metric, found: Sums, least: int) -> Row:
    away = found.n < least
    row: Row = {
        "metric": metric.name,
        "metric_name": metric.label,
        "n": found.n,
        "answer_base": base(found.n, is_hidden=away),
        "n_missing": metric.n_missing,
        "n_off_scale": metric.n_off,
        "answer_scale": metric.scale,
        "score_definition": metric.definition,
    }
    if away:
        return row
    at, mean = interval(found), _mean(metric, found)
    return {
        **row,
        "score": at.value,
        "score_lower": at.lower,
        "score_upper": at.upper,
        "n_effective": found.n_effective,
        "design_effect": found.n / found.n_effective,
        "within_correlation": metric.alike,
        "mean_answer": mean.value,
        "mean_answer_lower": mean.lower,
        "mean_answer_upper": mean.upper,
        **(_classes(found) if metric.kind == "nps" else {}),
    }


def _classes(found: Sums) -> Row:
    return {
        "promoter_share": found.high,
        "passive_share": max(1 - found.high - found.low, 0.0),
        "detractor_share": found.low,
    }


def _mean(metric: Metric, found: Sums) -> Estimate:
    """Give the mean on the metric's own scale, with a t interval by effective answers."""
    w, x = metric.weights, metric.given
    mean = float(w @ x) / float(w.sum())
    n = found.n_effective
    spread = float(w @ (x - mean) ** 2) / float(w.sum()) * (n / (n - 1) if n > 1 else 1.0)
    return bounded_mean(Spread(mean, spread, n), metric.ends)


def distribution_table(sheets: Sheets) -> pl.DataFrame:
    """Give one row per metric and answer on its scale; of an index, per tenth of the scale."""
    rows = [row for m in sheets.metrics if m.points.size >= sheets.min_answers for row in _answers(m)]
    return pl.DataFrame(rows, schema=dict(DISTRIBUTION), orient="row")


def _answers(metric: Metric) -> list[Row]:
    places, given = _places(metric)
    weight = float(metric.weights.sum())
    n_effective = summed(metric).n_effective
    rows = []
    for place in places:
        there = given == place
        share = float(metric.weights[there].sum()) / weight
        lower, upper = wilson(share * n_effective, n_effective)
        rows.append(
            {
                "metric": metric.name,
                "answer": float(place),
                "answer_text": _words(metric, float(place)),
                "counts_as": _counts_as(metric, float(place)),
                "n_given": int(there.sum()),
                "answer_share": share,
                "answer_share_lower": min(float(lower), share),
                "answer_share_upper": max(float(upper), share),
            }
        )
    return rows


def _places(metric: Metric) -> tuple[list[float], np.ndarray[Any, np.dtype[np.float64]]]:
    """Give the answers there can be, and the place of each answer among them."""
    low, high = metric.ends
    whole = bool((metric.given == np.round(metric.given)).all())
    if metric.kind != "mean" and whole and high - low < _MOST_POINTS:
        return [low + i for i in range(round(high - low) + 1)], metric.given
    step = (high - low) / 10
    tenth = np.minimum(np.floor((metric.given - low) / step), 9)
    return [low + i * step for i in range(10)], low + tenth * step


def _words(metric: Metric, place: float) -> str:
    if metric.kind != "mean" and place in metric.words:
        return metric.words[place]
    low, high = metric.ends
    if metric.kind == "mean" or high - low >= _MOST_POINTS:
        return f"{place:g} to {place + (high - low) / 10:g}"
    return f"{place:g}"


def _counts_as(metric: Metric, place: float) -> str:
    if metric.kind == "nps":
        return "promoter" if place >= _PROMOTER else "detractor" if place <= _DETRACTOR else "passive"
    if metric.top is None:
        return "part of the mean"
    wanted = place <= metric.top if metric.is_reversed else place >= metric.top
    name = "satisfied" if metric.name == "csat" else "easy"
    return name if wanted else f"not {name}"
