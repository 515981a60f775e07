"""What the pictures of complaints say on hover, and to those who do not see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.results import Result

Row = Mapping[str, Any]

_DAY: Final = 24


def volume_words(result: Result, row: Row) -> str:
    """Write the hover of a period."""
    per = row["cases_per_100_orders"]
    limits = "" if row["usual_cases_upper"] is None else (
        f"Usual: {row['usual_cases_lower']:,.0f} to {row['usual_cases_upper']:,.0f}"
    )  # fmt: skip
    return text.lines(
        f"{row['n_cases']:,} opened"
        + (
            ""
            if row["n_open_cases"] is None
            else f", {row['n_closed_cases']:,} closed, {row['n_open_cases']:,} open at its end"
        ),
        "" if per is None else f"{parts.spanned(row, 'cases_per_100_orders', 'number')} per 100 orders",
        limits,
        "" if row["case_period_complete"] else "Not a whole period",
        head=f"{str(result.parameters['period']).capitalize()} from {formats.value(row['case_period_on'], 'day')}",
    )


def volume_alt(result: Result, rows: Sequence[Row]) -> str:
    """Describe the cases by period."""
    period = result.parameters["period"]
    odd = [r for r in rows if r["is_unusual"]]
    said = ", ".join(f"{formats.value(r['case_period_on'], 'day')} ({r['n_cases']:,})" for r in odd[:5])
    low, high = (f(r["n_cases"] for r in rows) for f in (min, max))
    beyond = f"Beyond the limits: {said}." if odd else "No period is known to lie beyond the limits."
    return f"Cases opened by {period}, {low:,} to {high:,} over {len(rows):,} periods. {beyond}"


def curve_words(row: Row, clock: str) -> str:
    """Write the hover of a step."""
    what = "resolved" if clock == "resolution" else "answered"
    return text.lines(
        f"{parts.spanned(row, 'done_rate', 'share')} {what}",
        f"{parts.counted(row['n_waiting'], 'case')} waiting so long or longer",
        head=f"After {row['case_hours']:,.1f} hours",
    )


def resolution_alt(whole: Row, last: float) -> str:
    """Describe the curve."""
    half = (
        "half not reached"
        if whole["median_hours"] is None
        else f"half resolved within {whole['median_hours']:,.0f} hours"
    )
    within = whole["within_target_rate"]
    share = "" if within is None else (
        f", {parts.spanned(whole, 'within_target_rate', 'share')} within the target of {whole['target_hours']:,.0f} hours"
    )  # fmt: skip
    return f"Stepped curve with 95% band of the share of {parts.counted(whole['n_cases'], 'case')} resolved, over {last / _DAY:,.1f} days: {half}{share}."


def category_words(row: Row) -> str:
    """Write the hover of a category."""
    return text.lines(
        parts.counted(row["n_cases"], "case")
        + ("" if row["n_open_cases"] is None else f", {row['n_open_cases']:,} open"),
        f"{parts.spanned(row, 'case_share', 'share')} of cases",
        f"{parts.spanned(row, 'cumulative_case_share', 'share')} with those above",
        head=row["case_category"],
    )


def warning_words(row: Row) -> str:
    """Write the hover of a category that is judged."""
    return text.lines(
        f"{parts.counted(row['n_cases'], 'case')}, {parts.spanned(row, 'expected_cases', 'number')} expected",
        f"Warning from {row['warning_from_cases']:,} on",
        f"p-value {row['growth_p_value']:.3f}, corrected {row['growth_p_holm']:.3f}",
        head=row["case_category"],
    )


def backlog_words(row: Row) -> str:
    """Write the hover of an age."""
    oldest = "" if row["oldest_days"] is None else f"The oldest for {row['oldest_days']:,.1f} days"
    return text.lines(
        f"{parts.counted(row['n_open_cases'], 'open case')}, {formats.share(row['open_share'])} of all",
        oldest,
        head=f"Open for {row['age_band']}",
    )


def satisfaction_words(row: Row) -> str:
    """Write the hover of a band of time."""
    return text.lines(
        f"{parts.spanned(row, 'mean_satisfaction', 'number')} points",
        parts.counted(row["n_satisfaction_answers"], "answer"),
        head=f"Resolved within: {row['resolved_within']}",
    )


def cost_words(result: Result, row: Row) -> str:
    """Write the hover of a group of complainers."""
    later = "" if row["later_orders"] is None else (
        f"{row['later_orders']:.2f} orders each, matched {row['matched_orders']:.2f}"
    )  # fmt: skip
    return text.lines(
        f"{parts.spanned(row, 'change', 'share')} orders",
        later,
        f"{parts.spanned(row, 'spend_difference', 'money', result.currency)} spend each",
        f"{row['n_matched']:,} complainers, {row['n_other_customers']:,} customers matched",
        head=row["complainer_group"],
    )
