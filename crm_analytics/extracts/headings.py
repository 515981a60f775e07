"""Headings as they stand in extracts, and which canonical column each one usually means.

A heading is folded first (CamelCase parted, accents and punctuation dropped, abbreviations written out), so that
`CustomerID`, `cust_no`, `Customer Number` and `CUSTOMER-ID` are one wording.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

from crm_analytics.extracts.heading_words import ABBREVIATIONS, CURRENCY_WORDS, USUAL

SURE: Final = 1.0
LIKELY: Final = 0.85
WEAK: Final = 0.6
TYPO: Final = 0.88
"""From this likeness on, a heading counts as a misspelling of a usual one."""

_IDS: Final = frozenset({"id", "number", "key", "code", "nummer"})


@lru_cache(maxsize=4096)
def fold(heading: str) -> tuple[str, ...]:
    """Part a heading into plain lower-case words.

    >>> fold("CustomerID"), fold("Cust. No"), fold("Total (EUR)"), fold("unit_price")
    (('customer', 'id'), ('customer', 'number'), ('total',), ('unit', 'price'))
    """
    text = re.sub(r"[(\[][^)\]]*[)\]]", " ", heading) if heading.strip()[:1] not in "([" else heading
    text = re.sub(r"([a-zà-ÿ0-9])([A-Z])", r"\1 \2", text)
    text = (
        re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", text)
        .casefold()
        .replace("№", " number ")
        .replace("#", " number ")
    )
    plain = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("ø", "o").replace("æ", "ae"))
    bare = "".join(c for c in plain if not unicodedata.combining(c)).replace("&", " ")
    words = re.findall(r"[^\W_]+", bare.replace("ß", "ss"))
    return tuple(ABBREVIATIONS.get(w, w) for w in words if w not in CURRENCY_WORDS) or tuple(words)


def _index(words: Mapping[str, tuple[str, str, str]]) -> dict[str, list[tuple[tuple[str, ...], float]]]:
    return {
        column: [
            (fold(wording.strip()), weight)
            for group, weight in zip(groups, (SURE, LIKELY, WEAK), strict=True)
            for wording in group.split(",")
            if wording.strip()
        ]
        for column, groups in words.items()
    }


_USUAL: Final = {table: _index(words) for table, words in USUAL.items()}


def heading_score(heading: str, column: str, table: str) -> tuple[float, str]:
    """Say how well a heading names a canonical column, 0 to 1, and why.

    >>> heading_score("Kundennummer", "customer_id", "transactions")
    (1.0, "'Kundennummer' is a usual heading for it")
    """
    words = fold(heading)
    canonical = fold(column)
    if words == canonical:
        return SURE, f"{heading!r} is its own name"
    return max(
        (_compare(words, usual, weight, heading) for usual, weight in _USUAL.get(table, {}).get(column, [])),
        default=(0.0, ""),
    )


def _compare(
    words: tuple[str, ...], usual: tuple[str, ...], weight: float, heading: str
) -> tuple[float, str]:
    if words == usual or "".join(words) == "".join(usual):
        return weight, f"{heading!r} is a usual heading for it"
    if sorted(_loose(words)) == sorted(_loose(usual)):
        return weight * 0.95, f"{heading!r} has the words of the usual heading {' '.join(usual)!r}"
    if len(usual) > 1 and set(_loose(usual)) <= set(_loose(words)):
        return weight * 0.7, f"{heading!r} holds the words of the usual heading {' '.join(usual)!r}"
    alike = _likeness("".join(words), "".join(usual))
    if alike >= TYPO:
        return weight * alike * 0.8, f"{heading!r} is spelt much like the usual heading {' '.join(usual)!r}"
    return 0.0, ""


def _loose(words: tuple[str, ...]) -> list[str]:
    """Take number, code, key and id for one word: Customer No is Customer ID."""
    return [
        "id" if w in _IDS else w
        for w in words
        if w not in ("the", "of", "de", "der", "des", "du", "del", "di")
    ]


@lru_cache(maxsize=65536)
def _likeness(one: str, other: str) -> float:
    if abs(len(one) - len(other)) > 2 or min(len(one), len(other)) < 5:  # noqa: PLR2004 short words are all alike
        return 0.0
    return SequenceMatcher(None, one, other).ratio()


def looks_made_up(headings: list[str]) -> bool:
    """Say whether the headings were made up by the reader because the file has none (column_1, column_2 …)."""
    return bool(headings) and all(
        re.fullmatch(r"(?:column|field|col|f)?[_ ]?\d+", h.casefold()) for h in headings
    )
