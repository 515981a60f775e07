"""The overview in words: how a period is called, how a change is told, the headline."""

from __future__ import annotations

from datetime import date
from typing import Final

from crm_analytics import formats
from crm_analytics.aggregates.periods import Period
from crm_analytics.key_figures.changes import Change
from crm_analytics.key_figures.period_figures import PARTS, Figure
from crm_analytics.key_figures.periods_seen import Seen

_UNCHANGED: Final = 0.0005  # what rounds to 0.0 %
_MANYFOLD: Final = 10.0  # from eleven times on, a percentage is hard to read


def period_name(day: date, period: Period) -> str:
    """Call a period by its name.

    >>> period_name(date(2026, 5, 1), "month"), period_name(date(2026, 4, 1), "quarter")
    ('May 2026', 'Q2 2026')
    """
    match period:
        case "month":
            return f"{day:%B %Y}"
        case "quarter":
            return f"Q{(day.month + 2) // 3} {day.year}"
        case _:
            return f"{day.year}"


def short_name(day: date, now: date, period: Period) -> str:
    """Call a period without its year where it lies in the year of the one under report.

    >>> short_name(date(2026, 4, 1), date(2026, 5, 1), "month"), short_name(date(2025, 12, 1), date(2026, 1, 1), "month")
    ('April', 'December 2025')
    """
    name = period_name(day, period)
    return name.removesuffix(f" {day.year}") if day.year == now.year else name


def change_text(figure: Figure, change: Change | None, name: str) -> str:
    """Say how a figure changed and whether chance explains it.

    Parameters
    ----------
    figure, change
        What changed, and how; None where the extract does not cover the period it would be compared with.
    name
        The period it is compared with, in words.

    Examples
    --------
    >>> from crm_analytics.key_figures.changes import Interval
    >>> from crm_analytics.key_figures.period_figures import FIGURES
    >>> change_text(FIGURES[4], Change(100.0, 0.042, Interval(-0.01, 0.09)), "April")
    'up 4.2%, within normal variation'
    """
    if change is None:
        return f"no full {name} in the extract"
    if change.before is None:
        return f"cannot be told for {name}"
    if change.value is None:
        return f"nothing in {name} to compare with"
    return f"{_moved(figure, change.value)}, {_judged(change)}"


def _moved(figure: Figure, value: float) -> str:
    if abs(value) < _UNCHANGED:
        return "unchanged"
    way = "up" if value > 0 else "down"
    if figure.is_share:
        return f"{way} {100 * abs(value):.1f} points"
    return (
        f"{way} to {1 + value:,.0f} times as much"
        if value > _MANYFOLD
        else f"{way} {formats.share(abs(value))}"
    )


def _judged(change: Change) -> str:
    if change.is_within_normal_variation is None:
        return "too few customers to judge"
    if not change.is_within_normal_variation:
        return "beyond normal variation"
    length = "longer" if change.longer > 0 else "shorter"
    return "within normal variation" if change.is_chance else f"within normal variation of a {length} period"


def headline(seen: Seen, changes: tuple[Change | None, Change | None], currency: str | None) -> str:
    """Say in one sentence what the customers spent and how that compares."""
    compared = seen.compared
    names = [short_name(day, compared.now, compared.period) for day in compared.days[1:]]
    found = [(change, name) for change, name in zip(changes, names, strict=True) if change is not None]
    told = [_compared(change, name) for change, name in found if change.value is not None]
    said = _said(seen, currency)
    if told:
        return (
            f"{said}: {' and '.join(dict.fromkeys(told))}."  # of a year, the one before is also last year's
        )
    if found:
        return f"{said}; no spend in {' or '.join(dict.fromkeys(name for _, name in found))} to compare that with."
    return f"{said}; the extract has no earlier {compared.period} to compare that with."


def _said(seen: Seen, currency: str | None) -> str:
    totals = seen.parts[0].sum(axis=0)
    n_active, spend = (float(totals[PARTS.index(p)]) for p in ("active", "spend"))
    period, money = period_name(seen.compared.now, seen.compared.period), formats.money(spend, currency)
    if not n_active:
        return f"In {period}, no customer ordered (net spend {money})"
    return f"In {period}, {'1 customer' if n_active == 1 else f'{n_active:,.0f} customers'} spent {money}"


def _compared(change: Change, name: str) -> str:
    value = 0.0 if change.value is None else change.value
    if abs(value) < _UNCHANGED:
        words = f"as much as in {name}"
    elif value > _MANYFOLD:
        words = f"{1 + value:,.0f} times as much as in {name}"
    else:
        words = f"{formats.share(abs(value))} {'more' if value > 0 else 'less'} than in {name}"
    return f"{words} ({_judged(change)})"
