"""Why the score of the last whole period differs from the one before: rate (groups moved) or mix (other groups answered)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.satisfaction.scores.metrics import Metric
from crm_analytics.satisfaction.scores.periods import hidden_periods
from crm_analytics.satisfaction.scores.sheets import Sheets
from crm_analytics.satisfaction.scores.sums import Sums, by_group, standard_error
from crm_analytics.stats.mix_rate import MixRate, mix_rate

Row = dict[str, Any]

TOGETHER: Final = "(small groups)"
ALL: Final = "All answers"

SCHEMA: Final[Mapping[str, Any]] = {
    "metric": pl.String, "respondents": pl.String, "n_before": pl.Int64, "n_now": pl.Int64, "share_before": pl.Float64,
    "share_now": pl.Float64, "score_before": pl.Float64, "score_now": pl.Float64, "mix_effect": pl.Float64,
    "mix_effect_lower": pl.Float64, "mix_effect_upper": pl.Float64, "rate_effect": pl.Float64,
    "rate_effect_lower": pl.Float64, "rate_effect_upper": pl.Float64, "total_effect": pl.Float64,
}  # fmt: skip


def compared(sheets: Sheets, metric: Metric) -> tuple[int, int] | None:
    """Give the places of the period before and the last whole one, where both have enough answers."""
    now = max((i for i in range(len(sheets.periods)) if sheets.is_complete(i)), default=0)
    if now == 0 or not sheets.is_complete(now - 1):
        return None
    n = [int((sheets.period[metric.rows] == i).sum()) for i in range(len(sheets.periods))]
    away = hidden_periods(n, sheets.min_answers)
    enough = all(n[i] >= sheets.min_answers and not away[i] for i in (now - 1, now))
    return (now - 1, now) if enough else None


def change_table(sheets: Sheets) -> pl.DataFrame:
    """Give one row per metric and group, then all answers: the parts of the change, which add up to it."""
    rows: list[Row] = []
    for metric in sheets.metrics:
        places = compared(sheets, metric)
        if places is not None and len(sheets.groups) > 1:
            rows += _rows(sheets, metric, places)
    return pl.DataFrame(rows, schema=dict(SCHEMA), orient="row")


def _rows(sheets: Sheets, metric: Metric, places: tuple[int, int]) -> list[Row]:
    when = sheets.period - places[0]  # 0 before, 1 now
    asked = (when == 0) | (when == 1)
    parted = np.where(asked, when, 2)[metric.rows] + 3 * sheets.group[metric.rows]
    counts = np.bincount(parted, minlength=3 * len(sheets.groups)).reshape(-1, 3)
    names, members = _pooled(sheets.groups, counts, sheets.min_answers)
    place = np.full(len(sheets.groups), -1)
    for k, member in enumerate(members):
        place[member] = k
    pooled = by_group(
        metric,
        np.where(asked & (place[sheets.group] >= 0), 2 * place[sheets.group] + when, -1),
        2 * len(names),
    )
    sums = [pooled[2 * k : 2 * k + 2] for k in range(len(names))]
    whole = by_group(metric, np.where(asked, when, -1), 2)
    shares = [np.array([s[k].weight for s in sums]) / whole[k].weight for k in (0, 1)]
    scores = [np.array([s[k].score for s in sums]) for k in (0, 1)]
    variances = [np.array([_variance(s[k]) for s in sums]) for k in (0, 1)]
    sizes = [np.array([s[k].n_effective for s in sums]) for k in (0, 1)]
    parts = mix_rate(
        (shares[0], shares[1]), (scores[0], scores[1]), (variances[0], variances[1]), (sizes[0], sizes[1])
    )
    rows = [_row(metric, names[g], sums[g], (whole[0], whole[1]), parts, g) for g in range(len(names))]
    return [*rows, _total(metric, whole, parts)]


def _variance(found: Sums) -> float:
    """Give the variance of one answer, never 0: answers that are all alike are not sure to stay so."""
    return standard_error(found) ** 2 * found.n_effective if found.n else 0.0


def _pooled(
    groups: list[str], counts: np.ndarray[Any, np.dtype[np.int64]], least: int
) -> tuple[list[str], list[list[int]]]:
    """Put groups with too few answers together, until together they have enough.

    `counts` has a column for before, now, and all other periods: there none is enough too, but few are not, since they
    could be worked out from the group's score over all periods.
    """
    small = [g for g in range(len(groups)) if _few(counts[g], least) and counts[g].sum() > 0]
    large = sorted(
        (g for g in range(len(groups)) if not _few(counts[g], least)), key=lambda g: (counts[g][:2].min(), g)
    )
    while small and large and (_few(counts[small].sum(axis=0), least) or len(small) == 1):
        small.append(large.pop(0))
    names = [groups[g] for g in sorted(large)] + ([TOGETHER] if small else [])
    return names, [[g] for g in sorted(large)] + ([small] if small else [])


def _few(counts: np.ndarray[Any, np.dtype[np.int64]], least: int) -> bool:
    return bool(counts[:2].min() < least or 0 < counts[2] < least)


def _row(
    metric: Metric, name: str, sums: list[Sums], whole: tuple[Sums, Sums], parts: MixRate, g: int
) -> Row:
    before, now = sums
    mix, rate = float(parts.mix[g]), float(parts.rate[g])
    half_mix, half_rate = float(parts.half(parts.mix_errors)[g]), float(parts.half(parts.rate_errors)[g])
    return {
        "metric": metric.name,
        "respondents": name,
        "n_before": before.n,
        "n_now": now.n,
        "share_before": before.weight / whole[0].weight,
        "share_now": now.weight / whole[1].weight,
        "score_before": before.score if before.n else None,
        "score_now": now.score if now.n else None,
        **_parts(mix, half_mix, rate, half_rate),
    }


def _total(metric: Metric, whole: list[Sums], parts: MixRate) -> Row:
    before, now = whole
    halves = [float(parts.half(e)) for e in (parts.mix_error, parts.rate_error)]
    return {
        "metric": metric.name,
        "respondents": ALL,
        "n_before": before.n,
        "n_now": now.n,
        "share_before": 1.0,
        "share_now": 1.0,
        "score_before": before.score,
        "score_now": now.score,
        **_parts(float(parts.mix.sum()), halves[0], float(parts.rate.sum()), halves[1]),
    }


def _parts(mix: float, half_mix: float, rate: float, half_rate: float) -> Row:
    return {
        "mix_effect": mix,
        "mix_effect_lower": mix - half_mix,
        "mix_effect_upper": mix + half_mix,
        "rate_effect": rate,
        "rate_effect_lower": rate - half_rate,
        "rate_effect_upper": rate + half_rate,
        "total_effect": mix + rate,
    }
