"""Satisfaction against the time a case took, and dissatisfied customers who never raised one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from scipy import optimize
from scipy.special import stdtrit

from crm_analytics.extracts.extract import Extract
from crm_analytics.satisfaction.complaints.cases import Cases, array
from crm_analytics.stats.intervals import Floats, wilson

Row = dict[str, Any]

CASES: Final = "cases"
SURVEYS: Final = "surveys"
_BANDS: Final = (
    (0.0, "4 hours"),
    (4.0, "a day"),
    (24.0, "3 days"),
    (72.0, "a week"),
    (168.0, "2 weeks"),
    (336.0, "4 weeks"),
    (672.0, "longer"),
)
_SILENT_DAYS: Final = 90
_DETRACTOR: Final = 6
_FEWEST: Final = 2

SATISFACTION_SCHEMA: Final = {
    "satisfaction_source": pl.String(),
    "resolved_within": pl.String(),
    "from_hours": pl.Float64(),
    "n_satisfaction_answers": pl.Int64(),
    **{f"mean_satisfaction{e}": pl.Float64() for e in ("", "_lower", "_upper")},
    "monotone_satisfaction": pl.Float64(),
}
SILENT_SCHEMA: Final = {
    "dissatisfied_by": pl.String(),
    "n_dissatisfied": pl.Int64(),
    "n_silent": pl.Int64(),
    **{f"silent_rate{e}": pl.Float64() for e in ("", "_lower", "_upper")},
}


class Contrast(NamedTuple):
    """Mean satisfaction of cases resolved within the target less that of the later ones, with its interval."""

    quick: float
    slow: float
    difference: float
    lower: float
    upper: float
    n: int


def answers(cases: Cases, surveys: Extract | None) -> pl.DataFrame:
    """Give hours and satisfaction of each closed case with an answer: `source`, `hours`, `score`, and whose case."""
    closed = cases.timed.filter(~pl.col("is_open"))
    parts = [_said(closed, CASES, pl.col("csat"))]
    if surveys is not None and "csat" in surveys.frame.collect_schema().names():
        parts.append(_said(_asked(closed, surveys, cases), SURVEYS, pl.col("answer")))
    return pl.concat(parts).sort("source", "hours", "score")


def _said(rows: pl.DataFrame, source: str, score: pl.Expr) -> pl.DataFrame:
    found = rows.select(source=pl.lit(source), hours=pl.col("hours"), score=score.cast(pl.Float64))
    return found.filter(pl.col("score").is_not_null())


def _asked(closed: pl.DataFrame, surveys: Extract, cases: Cases) -> pl.DataFrame:
    """Find the first survey answer of each case's customer within some days of its end."""
    question = cases.question
    given = (
        surveys.frame.filter(pl.col("answered_at") < question.end, pl.col("csat").is_not_null())
        .select("customer_id", "answered_at", answer="csat")
        .collect()
        if "customer_id" in surveys.frame.collect_schema().names()
        else pl.DataFrame(
            schema={"customer_id": pl.String, "answered_at": pl.Datetime("us"), "answer": pl.Float64}
        )
    )
    found = closed.drop_nulls("customer_id").sort("closed_at", "case_id").join_asof(
        given.drop_nulls("customer_id").sort("answered_at", "answer"),
        left_on="closed_at",
        right_on="answered_at",
        by="customer_id",
        strategy="forward",
        tolerance=timedelta(days=question.survey_days),
        check_sortedness=False,
    ) if given.height else closed.with_columns(answer=pl.lit(None, pl.Float64), answered_at=pl.lit(None, pl.Datetime("us")))  # fmt: skip
    # an answer after several cases is one answer: it counts for the last of them
    again = pl.struct("customer_id", "answered_at").is_last_distinct()
    return found.filter(again | pl.col("answered_at").is_null())


def satisfaction_table(found: pl.DataFrame) -> pl.DataFrame:
    """Give mean satisfaction by how long cases took, and the same drawn together so that it never rises."""
    parts = [_banded(source, found.filter(pl.col("source") == source)) for source in (CASES, SURVEYS)]
    return pl.concat(parts)


def _banded(source: str, rows: pl.DataFrame) -> pl.DataFrame:
    if rows.is_empty():
        return pl.DataFrame(schema=SATISFACTION_SCHEMA)
    edges = np.array([edge for edge, _ in _BANDS])
    place = (
        np.searchsorted(edges, array(rows, "hours"), side="left") - 1
    )  # "within a day" holds the day itself
    place, scores = np.maximum(place, 0), array(rows, "score")
    there = [i for i in range(len(_BANDS)) if (place == i).any()]
    size = np.array([(place == i).sum() for i in there], float)
    means = np.array([scores[place == i].mean() for i in there])
    fitted = optimize.isotonic_regression(means, weights=size, increasing=False).x
    found = [
        (source, _BANDS[i][1], _BANDS[i][0], int(n), float(m), *students_ends(scores[place == i]), float(f))
        for i, n, m, f in zip(there, size, means, fitted, strict=True)
    ]
    return pl.DataFrame(found, schema=SATISFACTION_SCHEMA, orient="row")


def students_ends(x: Floats) -> tuple[float | None, float | None]:
    """Give Student's interval of a mean; none where a single answer, or equal ones, say nothing of the spread."""
    if x.size < _FEWEST or float(x.std()) == 0:
        return None, None
    half = float(stdtrit(x.size - 1, 0.975)) * float(x.std(ddof=1)) / math.sqrt(x.size)
    return float(x.mean()) - half, float(x.mean()) + half


def contrast(found: pl.DataFrame, source: str, target_hours: float) -> Contrast | None:
    """Compare cases resolved within the target with the later ones (Welch's interval); None with too few of either."""
    rows = found.filter(pl.col("source") == source)
    quick, slow = (
        array(rows.filter(which), "score")
        for which in (pl.col("hours") <= target_hours, pl.col("hours") > target_hours)
    )
    if min(quick.size, slow.size) < _FEWEST:
        return None
    variances = [float(x.var(ddof=1)) / x.size for x in (quick, slow)]
    whole = sum(variances)
    if whole == 0:
        return None
    degrees = whole**2 / sum(v**2 / (x.size - 1) for v, x in zip(variances, (quick, slow), strict=True))
    half = float(stdtrit(degrees, 0.975)) * math.sqrt(whole)
    at = float(quick.mean() - slow.mean())
    return Contrast(float(quick.mean()), float(slow.mean()), at, at - half, at + half, quick.size + slow.size)


def silent_table(cases: Cases, surveys: Extract | None) -> pl.DataFrame:
    """Count dissatisfied answers of customers who raised no case near them: failures that complaints do not show.

    An answer counts once 90 days have passed since, so that its customer had the time to complain.
    """
    rows = [] if surveys is None or "customer_id" not in cases.has else list(_silent(cases, surveys))
    return pl.DataFrame(rows, schema=SILENT_SCHEMA, orient="row")


def _silent(cases: Cases, surveys: Extract) -> Iterator[tuple[object, ...]]:
    names = surveys.frame.collect_schema().names()
    if not {"customer_id", "nps"} <= set(names):
        return
    window = timedelta(days=_SILENT_DAYS)
    first = cases.every["opened_at"].min()
    low = (
        surveys.frame.filter(
            pl.col("nps") <= _DETRACTOR,
            pl.col("answered_at") >= first,
            pl.col("answered_at") < cases.question.end - window,
            pl.col("customer_id").is_not_null(),
        )
        .select("customer_id", "answered_at")
        .collect()
    )
    if low.is_empty():
        return
    raised = cases.every.select("customer_id", "opened_at").drop_nulls().sort("opened_at")
    near = low.sort("answered_at").join_asof(
        raised, left_on="answered_at", right_on="opened_at", by="customer_id", strategy="nearest", tolerance=window,
        check_sortedness=False,
    )  # fmt: skip
    n, silent = low.height, near["opened_at"].null_count()
    below, above = wilson(silent, n)
    yield "0 to 6 of 10 (nps)", n, silent, silent / n, float(below), float(above)
