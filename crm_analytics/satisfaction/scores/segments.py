"""Groups of answers: each against the rest, and the groups ranked with how sure each place is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.satisfaction.scores.metrics import Metric
from crm_analytics.satisfaction.scores.sheets import UNKNOWN, Sheets
from crm_analytics.satisfaction.scores.sums import Sums, by_group, difference, interval, rests, standard_error
from crm_analytics.satisfaction.scores.suppression import base, hidden
from crm_analytics.stats.multiplicity import Correction, corrected
from crm_analytics.stats.partial_pooling import pool

Row = dict[str, Any]

_FEWEST_RANKED: Final = 3
_DRAWS, _FEWEST_DRAWS, _MOST_DRAWN = 4000, 1000, 2_000_000
_SURE: Final = 0.05

SEGMENTS: Final[Mapping[str, Any]] = {
    "metric": pl.String, "respondents": pl.String, "n": pl.Int64, "n_effective": pl.Float64, "answer_share": pl.Float64,
    "answer_base": pl.String, "score": pl.Float64, "score_lower": pl.Float64, "score_upper": pl.Float64,
    "rest_score": pl.Float64, "rest_difference": pl.Float64, "rest_difference_lower": pl.Float64,
    "rest_difference_upper": pl.Float64, "rest_p_value": pl.Float64, "rest_p_corrected": pl.Float64,
    "rest_evidence": pl.String,
}  # fmt: skip

RANKING: Final[Mapping[str, Any]] = {
    "metric": pl.String, "respondents": pl.String, "n": pl.Int64, "score": pl.Float64, "pooled_score": pl.Float64,
    "pooled_score_lower": pl.Float64, "pooled_score_upper": pl.Float64, "expected_place": pl.Float64,
    "expected_place_lower": pl.Float64, "expected_place_upper": pl.Float64, "best_probability": pl.Float64,
    "worst_probability": pl.Float64, "upper_half_probability": pl.Float64,
}  # fmt: skip


def segment_table(sheets: Sheets, correction: Correction) -> pl.DataFrame:
    """Give one row per metric and group, the leading metric first, its worst group first, hidden ones last."""
    if len(sheets.groups) == 0:
        return pl.DataFrame(schema=dict(SEGMENTS))
    rows = [r for m in sheets.metrics for r in sorted(_rows(sheets, m, correction), key=_worst_first)]
    return pl.DataFrame(rows, schema=dict(SEGMENTS), orient="row")


def _worst_first(row: Row) -> tuple[bool, float, str]:
    score = row["score"]
    return score is None, 0.0 if score is None else score, row["respondents"]


def shown_groups(sheets: Sheets, metric: Metric) -> list[tuple[int, Sums]]:
    """Give the places and sums of the groups of a metric that may be shown."""
    sums = by_group(metric, sheets.group, len(sheets.groups))
    away = hidden([s.n for s in sums], sheets.min_answers)
    return [(g, s) for g, s in enumerate(sums) if s.n >= sheets.min_answers and not away[g]]


def _rows(sheets: Sheets, metric: Metric, correction: Correction) -> list[Row]:
    sums = by_group(metric, sheets.group, len(sheets.groups))
    others = rests(metric, sheets.group, len(sheets.groups))
    away = hidden([s.n for s in sums], sheets.min_answers)
    whole = sum(s.weight for s in sums)
    rows = [
        {
            "metric": metric.name,
            "respondents": name,
            "n": s.n,
            "answer_share": s.weight / whole,
            "answer_base": base(s.n, is_hidden=bool(away[g])),
            **(
                _against_rest(s, others[g], sheets.min_answers)
                if s.n >= sheets.min_answers and not away[g]
                else {}
            ),
        }
        for g, (name, s) in enumerate(zip(sheets.groups, sums, strict=True))
    ]
    p = corrected([_or_nan(r.get("rest_p_value")) for r in rows], correction)
    return [
        {
            **dict.fromkeys(SEGMENTS),
            **r,
            "rest_p_corrected": _or_none(q),
            "rest_evidence": _evidence(r, float(q)),
        }
        for r, q in zip(rows, p, strict=True)
    ]


def _against_rest(own: Sums, rest: Sums, least: int) -> Row:
    at = interval(own)
    row: Row = {
        "n_effective": own.n_effective,
        "score": at.value,
        "score_lower": at.lower,
        "score_upper": at.upper,
    }
    if rest.n < least:
        return row
    found = difference(own, rest)
    return {
        **row,
        "rest_score": rest.score,
        "rest_difference": found.value,
        "rest_difference_lower": found.lower,
        "rest_difference_upper": found.upper,
        "rest_p_value": _or_none(found.p_value),
    }


def _evidence(row: Row, p: float) -> str:
    if row.get("rest_difference") is None or math.isnan(p):
        return "not compared"
    if p > _SURE:
        return "within chance"
    return "above the rest" if row["rest_difference"] > 0 else "below the rest"


def ranking_table(sheets: Sheets, seed: int) -> pl.DataFrame:
    """Give one row per metric and group that may be shown, the highest pooled score first; three groups or more."""
    rows: list[Row] = []
    for metric in sheets.metrics:
        found = [(g, s) for g, s in shown_groups(sheets, metric) if sheets.groups[g] != UNKNOWN]
        if len(found) >= _FEWEST_RANKED:
            rows += _ranked(sheets, metric, found, seed)
    return pl.DataFrame(rows, schema=dict(RANKING), orient="row")


def _ranked(sheets: Sheets, metric: Metric, found: list[tuple[int, Sums]], seed: int) -> list[Row]:
    low, high = metric.limits
    means = np.array([s.score for _, s in found])
    draws = max(_FEWEST_DRAWS, min(_DRAWS, _MOST_DRAWN // len(found)))
    pooled = pool(means, [standard_error(s) for _, s in found], draws=draws, seed=seed)
    rows = [
        {
            "metric": metric.name,
            "respondents": sheets.groups[g],
            "n": s.n,
            "score": s.score,
            "pooled_score": float(np.clip(pooled.value[k], low, high)),
            "pooled_score_lower": float(np.clip(pooled.lower[k], low, high)),
            "pooled_score_upper": float(np.clip(pooled.upper[k], low, high)),
            "expected_place": float(pooled.rank[k]),
            "expected_place_lower": float(pooled.rank_lower[k]),
            "expected_place_upper": float(pooled.rank_upper[k]),
            "best_probability": float(pooled.best[k]),
            "worst_probability": float(pooled.worst[k]),
            "upper_half_probability": float(pooled.above[k]),
        }
        for k, (g, s) in enumerate(found)
    ]
    return sorted(rows, key=lambda r: (-r["pooled_score"], r["respondents"]))


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
