"""Words of the pictures of revenue retention: names of periods, axis titles, hover text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from crm_analytics import formats
from crm_analytics.charts import parts, text
from crm_analytics.results import Result

Row = Mapping[str, Any]

_QUARTER: Final = 3
_NOBODY: Final = 0.0005  # rounds to nothing

MOVES: Final = (
    ("new", "New", 1, "accent"),
    ("returned", "Returned", 1, "other"),
    ("expansion", "Expansion", 1, "good"),
    ("contraction", "Contraction", -1, "pale"),
    ("lost", "Lost", -1, "bad"),
)
"""Movements: column, name, sign, shade."""


def has_money(result: Result) -> bool:
    """Say whether amounts are known, or customers only."""
    return "opening_revenue" in result.tables()["bridge"].columns


def in_money(result: Result, value: float) -> str:
    """Write an amount in the currency of the result."""
    return formats.money(value, result.currency)


def period_of(result: Result) -> str:
    """Give the calendar period of the result."""
    return str(result.parameters.get("period", "month"))


def period_name(result: Result, day: date) -> str:
    """Name a period as people do: June 2026, Q2 2026, 2026."""
    named = {
        "quarter": f"Q{(day.month - 1) // _QUARTER + 1} {day.year}",
        "year": str(day.year),
        "week": f"Week of {day.day} {day:%b %Y}",
    }
    return named.get(period_of(result), f"{day:%B %Y}")


def short_name(result: Result, day: date) -> str:
    """Name a period where there is little room."""
    named = {
        "quarter": f"Q{(day.month - 1) // _QUARTER + 1} {day.year}",
        "year": str(day.year),
        "week": f"{day.day} {day:%b} {day.year}",
    }
    return named.get(period_of(result), f"{day:%b %Y}")


def unit(result: Result) -> str:
    """Say what the money is: a monthly amount in force, or spend."""
    return "Monthly revenue" if "outlook" in result.tables() or by_month(result) else "Net spend"


def by_month(result: Result) -> bool:
    """Say whether revenue is the monthly amount of contracts; else it is spend."""
    return not any(note.code == "orders_are_no_contracts" for note in result.notes)


def symbol(result: Result) -> str:
    """Give the currency's sign for an axis title."""
    sign = formats.money(0, result.currency).replace("0.00", "").strip()
    return f" ({sign})" if sign else ""


def axis_title(result: Result) -> str:
    """Give the title of an axis of revenue, or of customers where no amount is known."""
    return f"{unit(result)}{symbol(result)}" if has_money(result) else "Customers"


def step_label(result: Result, size: float, *, whole: bool) -> str:
    """Write what a step adds or takes away, at the end of its bar."""
    if not has_money(result):
        return f"{size:,.0f}" if whole else f"{size:+,.0f}"
    if abs(size) < _NOBODY:
        return "0"
    sign = "" if whole else "+" if size > 0 else "-"
    return f"{sign}{formats.money(abs(size), result.currency, short=True)}"


def step_words(result: Result, row: Row, *, plain: bool = False) -> str:
    """Say a step of the waterfall in words."""
    amount = f"{in_money(result, row['step_revenue'])}, " if has_money(result) else ""
    words = f"{amount}{parts.counted(row['step_customers'], 'customer')}"
    return f"{row['step']}: {words}." if plain else text.lines(words, head=row["step"])


def bridge_words(result: Result, row: Row, *, plain: bool = False) -> str:
    """Say the movements of a period in words."""
    money = has_money(result)

    def figure(key: str) -> str:
        return in_money(result, row[f"{key}_revenue"]) if money else f"{row[f'{key}_customers']:,}"

    counts = {"expansion": "expanded_customers", "contraction": "contracted_customers"}
    lines = [f"Opening {figure('opening')}"]
    for key, label, sign, _ in MOVES:
        if money or key not in counts:
            n = row.get(counts.get(key, f"{key}_customers"))
            many = f" ({parts.counted(n or 0, 'customer')})" if money else ""
            lines.append(f"{label} {'+' if sign > 0 else '-'}{figure(key)}{many}")
    lines.append(f"Closing {figure('closing')}")
    if row.get("quick_ratio") is not None:
        lines.append(f"Quick ratio {_quick_words(row)}")
    if not row["is_complete"]:
        lines.append(f"This {period_of(result)} is not over")
    head = period_name(result, row["period_on"])
    return f"{head}: {'; '.join(lines)}." if plain else text.lines(*lines, head=head)


def _quick_words(row: Row) -> str:
    """Say a quick ratio, which may have no upper bound."""
    lower, upper = row.get("quick_ratio_lower"), row.get("quick_ratio_upper")
    if lower is None or upper is not None:
        return parts.spanned(row, "quick_ratio", "number")
    value, least = (formats.value(x, "number") for x in (row["quick_ratio"], lower))
    return f"{value} ({least} or more)"


def rate_words(result: Result, row: Row) -> str:
    """Say a rate in words."""
    return text.lines(
        period_name(result, row["period_on"]),
        parts.spanned(row, "rate", "share"),
        f"{parts.counted(row['n_customers'], 'customer')} at the beginning",
        head=row["rate_name"],
    )


def segment_words(result: Result, row: Row) -> str:
    """Say what a group keeps in words."""
    lines = [f"{parts.counted(row['opening_customers'], 'customer')} at the beginning"]
    if has_money(result):
        lines += [
            f"{in_money(result, row['opening_revenue'])} then, {in_money(result, row['kept_revenue'])} now",
            f"Net {parts.spanned(row, 'net_revenue_retention', 'share')}",
            f"Gross {parts.spanned(row, 'gross_revenue_retention', 'share')}",
            f"{parts.spanned(row, 'loss_share', 'share')} of the losses",
        ]
    lines.append(f"Customers kept {parts.spanned(row, 'customers_kept_share', 'share')}")
    return text.lines(*lines, head=row["segment"])


def cohort_words(result: Result, row: Row) -> str:
    """Say what a cohort keeps at an age in words."""
    age = parts.counted(row["cohort_age"], period_of(result))
    lines = [f"After {age}" if row["cohort_age"] else f"At the end of the first {period_of(result)}"]
    if has_money(result):
        lines += [
            f"Revenue kept {parts.spanned(row, 'revenue_kept_share', 'share')}",
            f"{in_money(result, row['cohort_revenue'])} of {in_money(result, row['cohort_first_revenue'])}",
        ]
    lines += [
        f"Customers kept {parts.spanned(row, 'customers_kept_share', 'share')}",
        f"{row['customers_there']:,} of {parts.counted(row['cohort_customers'], 'customer')}",
    ]
    return text.lines(*lines, head=period_name(result, row["cohort_on"]))
