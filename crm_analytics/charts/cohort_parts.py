"""What the drawings of cohorts share: names of cohorts and ages, and values in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from crm_analytics import formats
from crm_analytics.charts import parts
from crm_analytics.results import Result

ALL: Final = "All customers"
MOST_TICKS: Final = 13
"""Of the axis of ages, where it has the width."""


def unit(result: Result) -> str:
    """Name what an age counts, a month or a week for instance."""
    return str(result.parameters["age_unit"])


def age_name(result: Result, age: int) -> str:
    """Name an age, or the bracket that begins with it."""
    last = {int(a): int(b) for a, b in result.parameters["brackets"] or ()}.get(age, age)
    name = unit(result).capitalize()
    return f"{name} {age}" if last == age else f"{name}s {age} to {last}"


def in_unit(result: Result, age: int) -> str:
    """Say an age with its preposition.

    "in month 3", "on day 3".
    """
    return f"{'on' if unit(result) == 'day' else 'in'} {unit(result)} {age}"


def cohort_label(result: Result, start: date) -> str:
    """Name a cohort by the first day of its period, as short as the period allows."""
    match result.parameters["period"]:
        case "month" | "quarter":
            return f"{start:%b %Y}"
        case "year":
            return f"{start:%Y}" if result.parameters["fiscal_year_start"] == 1 else f"{start:%b %Y}"
        case _:
            return formats.value(start, "day")


def shown_value(result: Result, row: Mapping[str, Any]) -> str:
    """Write what the table shows, with its interval."""
    term = result.terms["shown_value"]
    return f"{term.label}: {parts.spanned(row, 'shown_value', term.unit, result.currency)}"


def age_axis(
    result: Result, ages: Sequence[int], *, places: bool = False, most: int = MOST_TICKS
) -> dict[str, object]:
    """Give the axis of ages; `places` puts them side by side whatever their distance, as brackets need."""
    words = unit(result).capitalize() + "s since the first order"
    if result.parameters["entry"] == "recurring":
        words = unit(result).capitalize() + "s since the order that began the cohort"
    step = max(1, -(-len(ages) // most))
    kept = [i for i, age in enumerate(ages) if age % step == 0] or list(range(0, len(ages), step))
    ends = {int(a): b for a, b in result.parameters["brackets"] or ()}
    names = [
        f"{ages[i]}–{ends[ages[i]]}" if ends.get(ages[i], ages[i]) != ages[i] else str(ages[i]) for i in kept
    ]
    return parts.axis(
        words,
        "names",
        tickvals=kept if places else [ages[i] for i in kept],
        ticktext=names,
        zeroline=False,
        **({"range": [-0.5, len(ages) - 0.5]} if places else {}),
    )


def value_axis(result: Result) -> dict[str, object]:
    """Give the axis of what the table shows."""
    term = result.terms["shown_value"]
    kind = {"share": "share", "money": "money"}.get(term.unit, "count")
    more = {"tickformat": None} if kind == "count" else {}
    return parts.axis(formats.label(term, result.currency), kind, **more)  # type: ignore[arg-type]  # one of the three
