"""What cases are about: which categories make up most of them, and which grow beyond their normal variation."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.periods import shift
from crm_analytics.satisfaction.complaints.cases import NOT_STATED, Cases, array
from crm_analytics.satisfaction.complaints.satisfaction_after import students_ends
from crm_analytics.satisfaction.complaints.volume import exposures
from crm_analytics.stats.excess_counts import excess, limit
from crm_analytics.stats.intervals import Floats, wilson
from crm_analytics.stats.multiplicity import holm

_VITAL: Final = 0.8
_SURE: Final = 0.05
FEWEST_BEFORE: Final = 6
"""Whole periods a history must have before the one judged."""
_FEWEST_CASES: Final = 5

WARNING_SCHEMA: Final = {
    "case_category": pl.String(),
    "judged_on": pl.Date(),
    "n_cases": pl.Int64(),
    **{f"expected_cases{e}": pl.Float64() for e in ("", "_lower", "_upper")},
    "warning_from_cases": pl.Int64(),
    "n_periods_before": pl.Int64(),
    "case_scatter": pl.Float64(),
    "growth_p_value": pl.Float64(),
    "growth_p_holm": pl.Float64(),
    "is_warning": pl.Boolean(),
}


def category_table(cases: Cases) -> pl.DataFrame:
    """Give the categories, most frequent first, with their share alone and with those above."""
    named = cases.counted.with_columns(case_category=pl.col("category").fill_null(NOT_STATED))
    sizes = (
        named.group_by("case_category")
        .agg(
            n_cases=pl.len().cast(pl.Int64),
            n_open_cases=pl.col("is_open").sum().cast(pl.Int64)
            if cases.tells_closing
            else pl.lit(None, pl.Int64),
            answers=pl.col("csat").drop_nulls().sort(),
        )
        .sort("n_cases", "case_category", descending=[True, False])
    )
    count = array(sizes, "n_cases")
    total = float(count.sum())
    sums = count.cumsum()
    columns = [*_bounded("case_share", count, total), *_bounded("cumulative_case_share", sums, total)]
    vital = np.concatenate([[0.0], sums[:-1]]) < _VITAL * total
    with_shares = sizes.with_columns(*columns, is_vital=pl.Series(vital))
    means = pl.DataFrame(
        [(len(a), *_mean(np.asarray(a, float))) for a in sizes["answers"].to_list()],
        schema={
            "n_satisfaction_answers": pl.Int64(),
            **{f"mean_case_satisfaction{e}": pl.Float64() for e in ("", "_lower", "_upper")},
        },
        orient="row",
    )
    return with_shares.drop("answers").hstack(means)


def _bounded(name: str, hits: Floats, total: float) -> list[pl.Series]:
    low, high = wilson(hits, total)
    return [pl.Series(name, hits / total), pl.Series(f"{name}_lower", low), pl.Series(f"{name}_upper", high)]


def _mean(answers: Floats) -> tuple[float | None, float | None, float | None]:
    return (float(answers.mean()), *students_ends(answers)) if answers.size else (None, None, None)


def warning_table(cases: Cases, volume: pl.DataFrame) -> pl.DataFrame:
    """Judge each category's last whole period against its own whole periods before, those with most reason first.

    Periods are measured by their orders where these are known, so that a busy month is no warning, and else by their days.
    Empty where there are too few whole periods.
    """
    whole = volume["case_period_complete"].to_numpy()
    size = exposures(volume, cases.question.period)[whole]
    days = volume.filter("case_period_complete")["case_period_on"]
    if len(days) <= FEWEST_BEFORE:
        return pl.DataFrame(schema=WARNING_SCHEMA)
    counts = _counts(cases, days)
    counts = {name: n for name, n in counts.items() if n.sum() >= _FEWEST_CASES}
    if not counts:
        return pl.DataFrame(schema=WARNING_SCHEMA)
    found = {name: excess(n, size) for name, n in counts.items()}
    p_holm = holm([f.p_value for f in found.values()])
    rows = [
        (name, days[-1], int(counts[name][-1]), f.expected, f.expected_lower, f.expected_upper,
         limit(counts[name], size, _SURE / len(found)), len(days) - 1, f.scatter, f.p_value, float(p),
         bool(p < _SURE))
        for (name, f), p in zip(found.items(), p_holm, strict=True)
    ]  # fmt: skip
    table = pl.DataFrame(rows, schema=WARNING_SCHEMA, orient="row")
    return table.sort(
        "growth_p_holm", "growth_p_value", "n_cases", "case_category", descending=[False, False, True, False]
    )


def _counts(cases: Cases, days: pl.Series) -> dict[str, Floats]:
    """Count the cases of each category in each whole period."""
    edges = np.append(days.to_numpy().astype("datetime64[D]"), _after(cases, days))
    named = cases.counted.with_columns(case_category=pl.col("category").fill_null(NOT_STATED))
    parts = named.group_by("case_category").agg("opened_on").sort("case_category")
    found = {}
    for name, opened in parts.iter_rows():
        place = np.searchsorted(edges, np.array(opened, "datetime64[D]"), side="right") - 1
        inside = (place >= 0) & (place < len(days))
        found[name] = np.bincount(place[inside], minlength=len(days)).astype(float)
    return found


def _after(cases: Cases, days: pl.Series) -> np.datetime64:
    return np.datetime64(shift(days[-1], 1, cases.question.period))
