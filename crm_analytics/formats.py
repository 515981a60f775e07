"""How a person reads a value: money with its currency, shares as percentages, days as dates.

Used by every face, so that a figure looks the same wherever it stands.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from typing import Final

from crm_analytics.terms import Term, Unit

NOTHING: Final = "–"
"""What stands where there is no value; the reason is in the notes."""

MINUS: Final = "\N{MINUS SIGN}"
"""As long as a plus, and what the axes of pictures have; a hyphen is half as long and breaks at line ends."""

_HYPHEN_AS_MINUS: Final = re.compile(r"(?<![^\s(\[<>=,;:/“'\"~±])-(?=(?:[A-Z]{3} |R?[$£€¥₹₩])?\.?\d)")
"""A hyphen before a number, where a sentence, a bracket or a comparison begins: not that of 2026-03-01, 9-10 or A-5."""

_SYMBOLS: Final = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥", "INR": "₹", "KRW": "₩", "BRL": "R$"}
_WHOLE_FROM: Final = 1000.0  # from here on pence tell nothing
_SMALL: Final = 0.01  # below, numbers have three digits


def money(value: float, currency: str | None = None, *, short: bool = False) -> str:
    """Write an amount of money.

    >>> money(1234.5, "GBP"), money(-12.5, "EUR"), money(2_345_678, "USD", short=True), money(3, "CHF")
    ('£1,234', '−€12.50', '$2.35M', 'CHF 3.00')
    """
    symbol = "" if currency is None else _SYMBOLS.get(currency, f"{currency} ")
    sign = MINUS if round(value, 2) < 0 else ""
    size = abs(value)
    text = compact(size) if short else f"{size:,.0f}" if size >= _WHOLE_FROM else f"{size:,.2f}"
    return f"{sign}{symbol}{text}"


def compact(value: float) -> str:
    """Write a number in at most three digits and a letter.

    >>> compact(12), compact(1234), compact(2_345_678), compact(7.8e9), compact(999_999)
    ('12', '1.23k', '2.35M', '7.80B', '1.00M')
    """
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            scaled = value / size
            digits = 2 if abs(scaled) < 9.995 else 1 if abs(scaled) < 99.95 else 0  # noqa: PLR2004
            return minus(f"{scaled:.{digits}f}{letter}")
    return minus(f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}")


def share(value: float) -> str:
    """Write a share in [0, 1] as a percentage.

    >>> share(0.1234), share(1), share(0.0004)
    ('12.3%', '100.0%', '0.04%')
    """
    tiny = 0 < abs(value) < 0.001  # noqa: PLR2004
    return minus(f"{100 * value:.2f}%" if tiny else f"{100 * value:.1f}%")


def minus(words: str) -> str:
    """Write a true minus where a hyphen stands for one.

    >>> minus("-5.2 points (-9.0 to -1.4), more than -£3 since 2026-03-01")
    '−5.2 points (−9.0 to −1.4), more than −£3 since 2026-03-01'
    >>> minus("answers 9-10 on CSAT, order A-17, top-2")
    'answers 9-10 on CSAT, order A-17, top-2'
    """
    return _HYPHEN_AS_MINUS.sub(MINUS, words)


def opening(words: str) -> str:
    """Begin a heading or sentence with a capital; a name such as iPhone keeps its own letters.

    >>> opening("store lies below the rest"), opening("iPhone: above the rest"), opening("5 points down")
    ('Store lies below the rest', 'iPhone: above the rest', '5 points down')
    """
    first = re.split(r"[^\w'-]", words, maxsplit=1)[0]
    return words[:1].upper() + words[1:] if first.islower() else words


def value(item: object, unit: Unit, currency: str | None = None) -> str:
    """Write any value of a table in its unit.

    >>> value(0.25, "share"), value(None, "money"), value(1200, "count"), value(date(2026, 3, 1), "day")
    ('25.0%', '–', '1,200', '1 Mar 2026')
    >>> value(0.0421, "number"), value(0.0042, "number"), value(1e-9, "number"), value(-1e-9, "number")
    ('0.04', '0.004', '<0.001', '>−0.001')
    """
    if item is None or (isinstance(item, float) and not math.isfinite(item)):
        return NOTHING
    if isinstance(item, datetime) and unit == "instant":
        return f"{item.day} {item:%b %Y %H:%M}"
    if isinstance(item, date):
        return f"{item.day} {item:%b %Y}"
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, int | float):
        return minus(_number(float(item), unit, currency))
    return str(item)


def _number(item: float, unit: Unit, currency: str | None) -> str:
    match unit:
        case "money":
            return money(item, currency)
        case "share":
            return share(item)
        case "count" | "days" | "score":
            return f"{item:,.0f}" if item.is_integer() else f"{item:,.1f}"
        case _:
            if 0 < abs(item) < _SMALL:
                return _small(item)
            return f"{item:,.0f}" if item.is_integer() and abs(item) >= _WHOLE_FROM else f"{item:,.2f}"


def _small(item: float) -> str:
    """Write a number near 0, such as a p-value, so that it never reads as 0."""
    if abs(item) >= 0.0005:  # noqa: PLR2004 rounds to 0.001
        return f"{item:.3f}"
    return "<0.001" if item > 0 else ">-0.001"


def p_value(p: float) -> str:
    """Write a p-value as journals do, with its sign.

    >>> p_value(0.0653), p_value(0.00001)
    ('= 0.065', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"  # noqa: PLR2004 as journals write it


def label(term: Term, currency: str | None = None) -> str:
    """Write a heading with its unit.

    >>> label(Term("spend", "Spend", "money", ""), "GBP")
    'Spend (£)'
    """
    match term.unit:
        case "money":
            return f"{term.label} ({_SYMBOLS.get(currency, currency).strip()})" if currency else term.label
        case "days" if "day" not in term.label.lower():
            return f"{term.label} (days)"
        case _:
            return term.label
