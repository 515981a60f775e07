"""What kind of thing a cell of text is, as far as its shape tells: nothing is converted here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, Literal

CellKind = Literal["empty", "number", "date", "text"]

_LONGEST: Final = 64  # no number or date is longer; a bound keeps the patterns cheap on hostile cells
_NUMBER: Final = re.compile(
    r"(?![-+]\s?[-+])[-+(]?\s?(?:[$€£¥]|[A-Z]{3}\s)?\s?[-+]?(?:\d{1,3}(?:[ ,.'\u2019\u00a0\u202f]\d{3})+|\d+)?(?:[.,]\d+|[.,])?"
    r"(?:[eE][-+]?\d{1,3})?\s?(?:[$€£¥%]|[A-Z]{3})?\)?-?"
)
_DAY: Final = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})"
    r"|\d{1,2}[-/. ][A-Za-zÀ-ÿ]{3,9}\.?,?[-/. ]\d{2,4}|[A-Za-zÀ-ÿ]{3,9}\.? \d{1,2},? \d{4})"
)
_TIME: Final = (
    r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?[AaPp]\.?[Mm]\.?)?(?:Z| ?[+-]\d{2}:?\d{2}| UTC)?"
)
_DATE: Final = re.compile(rf"{_DAY}(?:(?:T| |, ){_TIME})?|{_TIME}")
_BLANKS: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "--", "?", r"\n", "#n/a"})


@lru_cache(maxsize=65_536)
def cell_kind(cell: str) -> CellKind:
    """Tell the kind of one cell by its shape.

    >>> [cell_kind(c) for c in ("", "1.234,50 €", "2024-02-29 08:15", "C536379", "$74.69")]
    ['empty', 'number', 'date', 'text', 'number']
    """
    text = cell.strip()
    if text.casefold() in _BLANKS:
        return "empty"
    if len(text) > _LONGEST:
        return "text"
    if _NUMBER.fullmatch(text) and any(c.isdigit() for c in text):
        return "number"
    return "date" if _DATE.fullmatch(text) else "text"


def is_heading_like(cell: str) -> bool:
    """Tell whether a cell could be a heading: a few words, not mostly digits."""
    text = cell.strip()
    return (
        cell_kind(text) == "text"
        and len(text) <= _LONGEST
        and sum(c.isdigit() for c in text) <= 0.3 * len(text)
    )


def column_kinds(rows: Iterable[Sequence[str]], width: int, share: float = 0.8) -> list[CellKind]:
    """Tell the kind of each column: number or date where at least `share` of the filled cells are, else text.

    A column without any filled cell is "empty".
    """
    counts: list[dict[CellKind, int]] = [{} for _ in range(width)]
    for row in rows:
        for column, cell in zip(counts, row, strict=False):
            kind = cell_kind(cell)
            column[kind] = column.get(kind, 0) + 1
    return [_dominant(count, share) for count in counts]


def _dominant(count: dict[CellKind, int], share: float) -> CellKind:
    filled = sum(n for kind, n in count.items() if kind != "empty")
    if not filled:
        return "empty"
    strong: tuple[CellKind, ...] = ("number", "date")
    return next((kind for kind in strong if count.get(kind, 0) >= share * filled), "text")


def fits(row: Sequence[str], kinds: Sequence[CellKind]) -> bool:
    """Tell whether no cell of the row contradicts the kind of its column."""
    return all(
        kind not in ("number", "date") or cell_kind(cell) in (kind, "empty")
        for cell, kind in zip(row, kinds, strict=False)
    )
