"""Which heading is which column: by its wording and by its values, each scored, with the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import numpy as np

from crm_analytics.errors import ColumnError, UnknownNameError
from crm_analytics.extracts.extract import Recognised
from crm_analytics.extracts.recognising.assignment import assign
from crm_analytics.extracts.recognising.headings import (
    LIKELY,
    SURE,
    TYPO,
    WEAK,
    fold,
    heading_score,
    is_part,
    looks_made_up,
)
from crm_analytics.extracts.recognising.profiles import Profile, content_score
from crm_analytics.tables import Column, Table

AUXILIARY: Final = (
    Column("currency", "category", "Currency of the line's money."),
    Column("status", "category", "State of the order, to warn of cancelled ones."),
    Column("refunded", "money", "Money that went back, where it stands beside the amount."),
)
"""Columns that are looked at by the check of transactions and not kept."""

_BY_HEADING: Final = 0.7
_BY_CONTENT: Final = 0.3
_CONTENT_ALONE: Final = 0.45
_LEAST: Final = 0.5
_LEAST_CONTENT: Final = 0.6
_CLOSE: Final = 0.03
_PREFERENCE: Final = 0.1
_OF_A_LINE: Final = frozenset({"line", "item", "lineitem", "zeilenbetrag"})
_POOR: Final = 0.2
_EMPTY: Final = 0.15
"""What an empty column loses, so that one that holds values comes before it."""
_OR_PRICES: Final = (
    " Where there are prices, name quantity and unit_price instead: amount is then their product."
)
_HEADLESS: Final = {"transactions": ("customer_id", "ordered_at", "amount", "quantity")}


@dataclass(frozen=True)
class Recognition:
    """What was recognised.

    `rivals` names, for a column, another heading that fits as well; `by_content` the columns that no heading named.
    """

    columns: tuple[Recognised, ...]
    unused: tuple[str, ...]
    rivals: Mapping[str, str]
    by_content: tuple[str, ...]
    headless: bool

    def heading(self, column: str) -> str | None:
        """Give the heading taken for a canonical column, or None."""
        return next((r.heading for r in self.columns if r.column == column), None)


@dataclass(frozen=True)
class _Score:
    total: float
    heading: float
    reasons: tuple[str, ...]


def recognise(
    profiles: Sequence[Profile], table: Table, columns: Mapping[str, str] | None = None
) -> Recognition:
    """Recognise the columns of a table.

    Parameters
    ----------
    columns
        Canonical name -> heading, where the user has said so; it wins. An empty heading says that there is no such column.
        A name that is no column of the table keeps the heading as an attribute under that name.

    Raises
    ------
    ColumnError
        If `columns` names a heading that is not there, or one heading twice.
    UnknownNameError
        If `columns` misspells a column of the table.
    """
    told = _told({c: h for c, h in (columns or {}).items() if h}, [p.heading for p in profiles], table)
    headless = looks_made_up([p.heading for p in profiles])
    absent = {c for c, h in (columns or {}).items() if not h}
    wanted = [c for c in _wanted(table) if c.name not in told and c.name not in absent]
    free = [p for p in profiles if p.heading not in told.values()]
    scores = _scores(wanted, free, table, headless=headless)
    _settle_shopify(scores, free)
    _settle_lines(scores, free)
    _settle_prices(scores, wanted, free, told)
    best = _assigned(wanted, free, scores)
    found = [Recognised(c, h, 1.0, ("named by you",)) for c, h in told.items()]
    found += [Recognised(c, h, min(0.99, s.total), s.reasons) for c, (h, s) in best.items()]
    order = {c.name: i for i, c in enumerate(_wanted(table))}
    taken = {r.heading for r in found}
    return Recognition(
        tuple(sorted(found, key=lambda r: order.get(r.column, len(order)))),
        tuple(p.heading for p in profiles if p.heading not in taken),
        _rivals(best, wanted, free, scores, taken),
        tuple(c for c, (_, s) in best.items() if not s.heading),
        headless,
    )


def _wanted(table: Table) -> tuple[Column, ...]:
    return (*table.columns, *AUXILIARY) if table.name == "transactions" else table.columns


def _told(columns: Mapping[str, str], headings: list[str], table: Table) -> dict[str, str]:
    known = {c.name for c in _wanted(table)}
    for column, heading in columns.items():
        if column not in known and not table.open_ended and _is_mistaken(column, table):
            raise UnknownNameError.of(f"column of {table.name}", column, sorted(known))
        if heading not in headings:
            raise ColumnError.no_such_heading(heading, column, headings)
    twice = [h for h in columns.values() if list(columns.values()).count(h) > 1]
    if twice:
        named = [c for c, h in columns.items() if h == twice[0]]
        raise ColumnError(
            f"The heading {twice[0]!r} is named for {' and for '.join(repr(n) for n in named)}.",
            "One heading is one column.",
            "Take one of them out of the mapping.",
        )
    return dict(columns)


def _is_mistaken(name: str, table: Table) -> bool:
    """Say whether a name is meant for a column of the table; any other names an attribute to keep."""
    meant = any(heading_score(name, required, table.name)[0] == SURE for required in table.required)
    return meant or bool(get_close_matches(name, [c.name for c in _wanted(table)], n=1, cutoff=TYPO))


def _scores(
    wanted: Sequence[Column], free: Sequence[Profile], table: Table, *, headless: bool
) -> dict[tuple[str, str], _Score]:
    alone = _HEADLESS.get(table.name, table.required) if headless else table.required
    pairs = {(c.name, p.heading): _score(c, p, table, alone=c.name in alone) for c in wanted for p in free}
    return {pair: score for pair, score in pairs.items() if score}


def _score(column: Column, profile: Profile, table: Table, *, alone: bool) -> _Score | None:
    named, why_named = heading_score(profile.heading, column.name, table.name)
    content, why = content_score(profile, column.name, column.kind, key=column.name == table.key)
    if named:
        total = _BY_HEADING * named + _BY_CONTENT * content
        own_name = profile.heading == column.name
        total -= 0.0 if profile.n_present or own_name else _EMPTY
        fits = content >= _POOR or own_name or (named > WEAK and (column.required or not profile.n_present))
        return _Score(total, named, (why_named, why)) if fits and total >= _LEAST else None
    if alone and content >= _LEAST_CONTENT and not (column.kind == "money" and is_part(profile.heading)):
        return _Score(_CONTENT_ALONE * content, 0.0, ("no heading says so", why))
    return None


def _settle_shopify(scores: dict[tuple[str, str], _Score], free: Sequence[Profile]) -> None:
    """In Shopify's export of orders, and there alone, Name is the number of the order (#1001)."""
    headings = {p.heading for p in free}
    if {"Name", "Lineitem quantity"} <= headings:
        scores["order_id", "Name"] = _Score(0.9, LIKELY, ("in Shopify's exports it is the order's number",))
        if ("ordered_at", "Created at") in scores:  # "Paid at" is empty until the money has come
            scores["ordered_at", "Created at"] = _preferred(
                scores["ordered_at", "Created at"], "in Shopify's exports it is the day of the order"
            )


def _settle_lines(scores: dict[tuple[str, str], _Score], free: Sequence[Profile]) -> None:
    """Prefer the line's own total to the order's, which would be counted once for every line of the order."""
    for profile in free:
        score = scores.get(("amount", profile.heading))
        if score and score.heading > WEAK and _OF_A_LINE & set(fold(profile.heading)):
            scores["amount", profile.heading] = _preferred(score, "it is the line's own, not the order's")


def _preferred(score: _Score, why: str) -> _Score:
    return _Score(score.total + _PREFERENCE, score.heading, (*score.reasons, why))


def _settle_prices(
    scores: dict[tuple[str, str], _Score],
    wanted: Sequence[Column],
    free: Sequence[Profile],
    told: Mapping[str, str],
) -> None:
    """Tell prices from amounts: beside a quantity a price is per unit, and alone it is what was paid."""
    if "amount" not in {c.name for c in wanted}:
        return
    headings = [p.heading for p in free]
    if any("amazon" in h.casefold() for h in headings):  # Amazon's item-price is for all units of the line
        for heading in headings:
            if (score := scores.get(("amount", heading))) and ("unit_price", heading) in scores:
                scores["amount", heading] = _Score(
                    0.9, score.heading, (*score.reasons, "in Amazon's exports it is the line's total")
                )
                del scores["unit_price", heading]
        return
    per_unit = "quantity" in told or any(c == "quantity" and s.heading > WEAK for (c, _), s in scores.items())
    priced = "unit_price" in told or any(c == "unit_price" for c, _ in scores)
    if per_unit and priced:
        for heading in headings:
            score = scores.get(("amount", heading))
            if score and score.heading <= WEAK:
                del scores["amount", heading]


def _assigned(
    wanted: Sequence[Column], free: Sequence[Profile], scores: Mapping[tuple[str, str], _Score]
) -> dict[str, tuple[str, _Score]]:
    matrix = np.zeros((len(wanted), len(free)))
    for i, column in enumerate(wanted):
        for j, profile in enumerate(free):
            score = scores.get((column.name, profile.heading))
            if score:
                # required columns first; of two that are equal, the one that stands further left
                matrix[i, j] = score.total * (2 if column.required else 1) - 1e-4 * profile.position / len(
                    free
                )
    return {
        wanted[i].name: (free[j].heading, scores[wanted[i].name, free[j].heading]) for i, j in assign(matrix)
    }


def _rivals(
    best: Mapping[str, tuple[str, _Score]],
    wanted: Sequence[Column],
    free: Sequence[Profile],
    scores: Mapping[tuple[str, str], _Score],
    taken: set[str],
) -> dict[str, str]:
    rivals: dict[str, str] = {}
    for column in wanted:
        if column.name not in best or column in AUXILIARY:
            continue
        score = best[column.name][1]
        for profile in free:
            other = scores.get((column.name, profile.heading))
            if other and profile.heading not in taken and other.total >= score.total - _CLOSE:
                rivals.setdefault(column.name, profile.heading)
    return rivals


def missing_error(
    table: Table, recognition: Recognition, headings: Sequence[str], left_out: str = ""
) -> ColumnError | None:
    """Give the error for the first required column that was not recognised, or None; `left_out` names unreadable columns."""
    have = {r.column for r in recognition.columns}
    for column in table.required:
        worked_out = column == "amount" and {"quantity", "unit_price"} <= have
        if column not in have and not worked_out:
            also = _OR_PRICES if column == "amount" else ""
            also += f" Columns of types that cannot be read were left out: {left_out}." if left_out else ""
            return ColumnError.missing(column, table.name, headings, also)
    return None
