"""Columns that ask about a feature twice, as if there and as if not there: the form of a Kano questionnaire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from crm_analytics.extracts.cells.answer_words import plain

if TYPE_CHECKING:
    from crm_analytics.extracts.extract import Extract

ENDS: Final = (("dysfunctional", "functional"), ("absent", "present"))
"""How the names of the two columns of a feature end: if it is not there, if it is there."""


def question_pairs(columns: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Give each feature that is asked about twice, with its columns if there and if not there.

    >>> question_pairs(["nps", "app functional", "App (dysfunctional)", "wrap_present", "wrap_absent", "tracking functional"])
    {'App': ('app functional', 'App (dysfunctional)'), 'wrap': ('wrap_present', 'wrap_absent')}
    """
    named = {plain(c): c for c in columns}
    found = {}
    for name, column in named.items():
        for absent, present in ENDS:
            other = named.get(f"{name.removesuffix(absent)}{present}") if name.endswith(absent) else None
            if other is not None and other != column:
                found[_feature(column, absent)] = (other, column)
    return found


def paired_columns(columns: Iterable[str]) -> frozenset[str]:
    """Name the columns that belong to such pairs: they are answers to what might be, and rate nothing that there is."""
    return frozenset(c for pair in question_pairs(columns).values() for c in pair)


def asks_in_pairs(extract: Extract) -> bool:
    """Say whether an extract has such pairs of columns."""
    return bool(question_pairs(extract.frame.collect_schema().names()))


def _feature(column: str, ending: str) -> str:
    text = column[: column.casefold().rfind(ending)].strip(" _-:().")
    return text or column
