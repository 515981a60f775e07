"""How long it takes until a case is answered and resolved, open cases counted as long as they have been open; by group."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.satisfaction.complaints.cases import Cases, array, first_contacts, groups
from crm_analytics.stats import survival as stats
from crm_analytics.stats.intervals import Estimate, wilson

Row = dict[str, Any]

EVERY_CASE: Final = "all cases"
KINDS: Final = {"category": "category", "channel": "channel", "product": "product_id"}
"""What cases are grouped by, and the column that holds it."""

RESOLUTION: Final = "resolution"
FIRST_ANSWER: Final = "first answer"

_MOST_GROUPS: Final = 6
_MOST_STEPS: Final = 200
_TAIL: Final = 0.025

RESOLUTION_SCHEMA: Final = {
    "case_group_kind": pl.String(),
    "case_group": pl.String(),
    "n_cases": pl.Int64(),
    "n_closed_cases": pl.Int64(),
    "n_open_cases": pl.Int64(),
    **{f"median_hours{e}": pl.Float64() for e in ("", "_lower", "_upper")},
    "target_hours": pl.Float64(),
    **{f"within_target_rate{e}": pl.Float64() for e in ("", "_lower", "_upper")},
    "speed_p_value": pl.Float64(),
    **{f"median_answer_hours{e}": pl.Float64() for e in ("", "_lower", "_upper")},
    "n_first_contacts": pl.Int64(),
    **{f"first_contact_rate{e}": pl.Float64() for e in ("", "_lower", "_upper")},
    "n_flagged": pl.Int64(),
    **{f"flagged_rate{e}": pl.Float64() for e in ("", "_lower", "_upper")},
    "flag_agreement_rate": pl.Float64(),
    "n_told_of_reopening": pl.Int64(),
    **{f"reopened_rate{e}": pl.Float64() for e in ("", "_lower", "_upper")},
}
CURVE_SCHEMA: Final = {
    "clock": pl.String(),
    "case_group_kind": pl.String(),
    "case_group": pl.String(),
    "case_hours": pl.Float64(),
    "n_waiting": pl.Int64(),
    **{f"done_rate{e}": pl.Float64() for e in ("", "_lower", "_upper")},
}


def resolution_table(cases: Cases) -> pl.DataFrame:
    """Give one row per group: how fast, how many within the target, how often the first contact was enough."""
    rows = [row for kind, frame in grouped(cases) for row in _rows(cases, kind, frame)]
    return pl.DataFrame(rows, schema=RESOLUTION_SCHEMA, orient="row")


def grouped(cases: Cases) -> Iterator[tuple[str, pl.DataFrame]]:
    """Give all cases, and then the cases named by each kind of group there is."""
    rows = first_contacts(cases)
    yield "all", rows.with_columns(case_group=pl.lit(EVERY_CASE))
    for kind, column in KINDS.items():
        if column in cases.has:
            yield kind, groups(rows, column, _MOST_GROUPS)


def _rows(cases: Cases, kind: str, frame: pl.DataFrame) -> Iterator[Row]:
    p_value = _speed_p_value(frame) if kind != "all" else None
    sizes = frame.group_by("case_group").len().sort("len", "case_group", descending=[True, False])
    names = sorted(sizes["case_group"], key=lambda name: name == "others")  # the rest comes last
    for name in names:
        rows = frame.filter(pl.col("case_group") == name)
        yield {
            "case_group_kind": kind,
            "case_group": name,
            "n_cases": rows.height,
            "n_closed_cases": int((~rows["is_open"]).sum()) if cases.tells_closing else None,
            "n_open_cases": int(rows["is_open"].sum()) if cases.tells_closing else None,
            **_speed(rows, cases),
            "speed_p_value": p_value,
            **_answers(rows, cases),
            **_contacts(rows),
        }


def curve(rows: pl.DataFrame, clock: str = RESOLUTION) -> stats.SurvivalCurve | None:
    """Estimate the curve of those not resolved (or answered) yet; None where no time is known."""
    hours, done = (
        ("hours", ~pl.col("is_open")) if clock == RESOLUTION else ("answer_hours", pl.col("is_answered"))
    )
    known = rows.filter(pl.col(hours).is_not_null()).with_columns(done=done)
    if known.is_empty():
        return None
    return stats.kaplan_meier(stats.lives(array(known, hours), known["done"].to_numpy()))


def _speed(rows: pl.DataFrame, cases: Cases) -> Row:
    found, target = curve(rows), cases.question.target_hours
    half = None if found is None else stats.quantile(found)
    within = None if found is None else done_by(found, target)
    return {**_named("median_hours", half), "target_hours": target, **_named("within_target_rate", within)}


def _answers(rows: pl.DataFrame, cases: Cases) -> Row:
    found = curve(rows, FIRST_ANSWER) if "first_answered_at" in cases.has else None
    return _named("median_answer_hours", None if found is None else stats.quantile(found))


def done_by(found: stats.SurvivalCurve, hours: float) -> Estimate | None:
    """Give the share done by so many hours with its interval; None where nobody was observed so long."""
    if hours > found.time[-1] and found.survival[-1] > 0:
        return None
    before = _TAIL ** (1 / float(found.risk.n_at_risk[0]))
    left, low, high = (
        float(stats.step_values(found.time, values, [hours], before=at)[0])
        for values, at in ((found.survival, 1.0), (found.survival_lower, before), (found.survival_upper, 1.0))
    )
    return Estimate(1 - left, 1 - high, 1 - low)


def _named(name: str, estimate: Estimate | None) -> Row:
    values = (None, None, None) if estimate is None or not math.isfinite(estimate.value) else estimate
    return {
        f"{name}{end}": None if x is None or not math.isfinite(x) else float(x)
        for end, x in zip(("", "_lower", "_upper"), values, strict=True)
    }


def _share(name: str, hits: int, n: int) -> Row:
    if not n:
        return _named(name, None)
    low, high = wilson(hits, n)
    return _named(name, Estimate(hits / n, float(low), float(high)))


def _contacts(rows: pl.DataFrame) -> Row:
    judged = rows.drop_nulls("fcr")
    flagged = judged.drop_nulls("first_contact_resolved")
    said = flagged["first_contact_resolved"]
    again = rows["reopened"].drop_nulls()
    return {
        "n_first_contacts": judged.height,
        **_share("first_contact_rate", int(judged["fcr"].sum()), judged.height),
        "n_flagged": flagged.height,
        **_share("flagged_rate", int(said.sum()), flagged.height),
        "flag_agreement_rate": float((said == flagged["fcr"]).sum() / flagged.height)
        if flagged.height
        else None,
        "n_told_of_reopening": len(again),
        **_share("reopened_rate", int(again.sum()), len(again)),
    }


def _speed_p_value(frame: pl.DataFrame) -> float | None:
    known = frame.filter(pl.col("hours").is_not_null())
    names = known["case_group"].unique().sort()
    if len(names) < 2:  # noqa: PLR2004 nothing to compare
        return None
    codes = known["case_group"].replace_strict(
        names, pl.int_range(len(names), eager=True), return_dtype=pl.Int64
    )
    found = stats.lives(array(known, "hours"), (~known["is_open"]).to_numpy())
    return stats.log_rank(found, codes.to_numpy()).p_value


def curve_table(cases: Cases) -> pl.DataFrame:
    """Give the curves: of all cases by both clocks, and of each category and channel to resolution."""
    parts = [_curve_rows(RESOLUTION, "all", EVERY_CASE, cases.counted)]
    if "first_answered_at" in cases.has:
        parts.append(_curve_rows(FIRST_ANSWER, "all", EVERY_CASE, cases.counted))
    for kind, frame in grouped(cases):
        if kind != "all":
            names = frame["case_group"].unique().sort()
            parts += [
                _curve_rows(RESOLUTION, kind, n, frame.filter(pl.col("case_group") == n)) for n in names
            ]
    return pl.concat(parts)


def _curve_rows(clock: str, kind: str, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    found = curve(rows, clock)
    if found is None:
        return pl.DataFrame(schema=CURVE_SCHEMA)
    steps = np.unique(np.linspace(0, len(found.time) - 1, _MOST_STEPS).round().astype(int))
    return pl.DataFrame(
        {
            "clock": [clock] * len(steps),
            "case_group_kind": [kind] * len(steps),
            "case_group": [name] * len(steps),
            "case_hours": found.time[steps],
            "n_waiting": found.risk.n_at_risk[steps].astype(np.int64),
            "done_rate": 1 - found.survival[steps],
            "done_rate_lower": 1 - found.survival_upper[steps],
            "done_rate_upper": 1 - found.survival_lower[steps],
        },
        schema=CURVE_SCHEMA,
    )
