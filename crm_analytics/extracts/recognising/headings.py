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
from typing import Final, NamedTuple

from crm_analytics.extracts.recognising.heading_words import ABBREVIATIONS, CURRENCY_WORDS, USUAL
from crm_analytics.tables import TABLES

SURE: Final = 1.0
LIKELY: Final = 0.85
WEAK: Final = 0.6
TYPO: Final = 0.88
"""From this likeness on, a heading counts as a misspelling of a usual one."""

_IDS: Final = frozenset({"id", "number", "key", "code", "nummer"})
_SUMS: Final = frozenset({"amount", "revenue", "monthly_amount", "unit_price", "cost"})
_PARTS: Final = frozenset(
    (
        "shipping", "shipment", "freight", "versand", "versandkosten", "porto", "livraison", "envio", "delivery", "tax", "taxes",
        "vat", "mwst", "ust", "steuer", "tva", "iva", "btw", "discount", "rabatt", "remise", "descuento", "sconto", "refund",
        "refunded", "returned", "fee", "fees", "tip", "tips", "deposit", "balance", "outstanding", "due", "points", "duty",
        "duties", "surcharge", "rounding",
    )
)  # fmt: skip
_WITH: Final = frozenset(
    (
        "incl", "including", "inclusive", "inkl", "inklusive", "excl", "excluding", "exclusive", "exkl", "ex", "before", "after",
        "with", "without", "net", "gross", "netto", "brutto", "mit", "ohne", "zzgl", "avec", "sans", "hors", "con", "sin",
    )
)  # fmt: skip
_SMALL: Final = frozenset({"the", "of", "de", "der", "des", "du", "del", "di"})


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


class _Wording(NamedTuple):
    """A wording in the forms in which it is compared, worked out once."""

    joined: str
    loose: tuple[str, ...]
    parts: frozenset[str]
    weight: float = 0.0
    text: str = ""


def _wording(words: tuple[str, ...], weight: float = 0.0) -> _Wording:
    # number, code, key and id are one word (Customer No is Customer ID), and small words tell nothing
    loose = tuple(sorted("id" if w in _IDS else w for w in words if w not in _SMALL))
    return _Wording("".join(words), loose, frozenset(loose), weight, " ".join(words))


def _index(words: Mapping[str, tuple[str, str, str]]) -> dict[str, list[_Wording]]:
    return {
        column: [
            _wording(fold(wording.strip()), weight)
            for group, weight in zip(groups, (SURE, LIKELY, WEAK), strict=True)
            for wording in group.split(",")
            if wording.strip()
        ]
        for column, groups in words.items()
    }


_USUAL: Final = {table: _index(words) for table, words in USUAL.items()}


@lru_cache(maxsize=16384)
def heading_score(heading: str, column: str, table: str) -> tuple[float, str]:
    """Say how well a heading names a canonical column, 0 to 1, and why.

    >>> heading_score("Kundennummer", "customer_id", "transactions")
    (1.0, "'Kundennummer' is a usual heading for it")
    """
    words = fold(heading)
    if words == fold(column):
        return SURE, f"{heading!r} is its own name"
    if words in _own_names(table):  # cost is cost, however much an extract may lack an amount
        return 0.0, ""
    own = _wording(words)
    known = _USUAL.get(table, {}).get(column, [])
    if column in _SUMS and is_part(heading):
        known = [usual for usual in known if not usual.parts < own.parts]
    return max((_compare(own, usual, heading) for usual in known), default=(0.0, ""))


def is_part(heading: str) -> bool:
    """Say whether money is only a part of the sum that the other words name: the tax or the shipping of an order.

    >>> is_part("Order Shipping Amount"), is_part("Order amount without shipping")
    (True, False)
    """
    words = fold(heading)
    return bool(_PARTS & set(words)) and not _WITH & set(words)


@lru_cache(maxsize=16)
def _own_names(name: str) -> frozenset[tuple[str, ...]]:
    return frozenset(fold(c.name) for c in TABLES[name].columns) if name in TABLES else frozenset()


def _compare(words: _Wording, usual: _Wording, heading: str) -> tuple[float, str]:
    if words.joined == usual.joined:
        return usual.weight, f"{heading!r} is a usual heading for it"
    if words.loose == usual.loose and words.loose:
        return usual.weight * 0.95, f"{heading!r} has the words of the usual heading {usual.text!r}"
    if len(usual.parts) > 1 and usual.parts <= words.parts:
        return usual.weight * 0.7, f"{heading!r} holds the words of the usual heading {usual.text!r}"
    alike = _likeness(words.joined, usual.joined)
    if alike >= TYPO:
        return usual.weight * alike * 0.8, f"{heading!r} is spelt much like the usual heading {usual.text!r}"
    return 0.0, ""


def _likeness(one: str, other: str) -> float:
    if abs(len(one) - len(other)) > 2 or min(len(one), len(other)) < 5:  # noqa: PLR2004 short words are all alike
        return 0.0
    # cheap bounds first: nearly all pairs end there
    if one[0] != other[0] and one[-1] != other[-1]:
        return 0.0
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= TYPO else 0.0


def looks_made_up(headings: list[str]) -> bool:
    """Say whether the headings were made up by the reader because the file has none (column_1, column_2 …)."""
    return bool(headings) and all(
        re.fullmatch(r"(?:column|field|col|f)?[_ ]?\d+", h.casefold()) for h in headings
    )
