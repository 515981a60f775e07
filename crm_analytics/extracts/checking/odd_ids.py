"""Ids that are odd: customers named like a total, digits cut off by a spreadsheet, cancelled orders.

Looking for one letter is quicker than for a pattern, and in most columns there is none to look further at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from crm_analytics.extracts.checking import line_signs
from crm_analytics.extracts.checking.keys import Keys
from crm_analytics.tables import Table

_MANGLED: Final = r"^\d[.,]\d+[eE]\+\d+$"
_CANCEL_MARK: Final = r"^[Cc]\d+$"


@dataclass(frozen=True)
class OddIds:
    """What is odd in the ids of customers: those named like a total, and whether any may be `mangled`."""

    totals: tuple[str, ...] = ()
    mangled: bool = False

    @property
    def any(self) -> bool:
        """Whether there is anything odd."""
        return bool(self.totals) or self.mangled


def look(keys: Keys, table: Table) -> OddIds:
    """Look at the different ids of customers, once each; those of letters and digits are none of these."""
    if keys.letters is not None:
        return OddIds()
    ids = keys.ids
    totals = line_signs.named_totals(ids) if table.name == "transactions" else []
    with_plus = ids.filter(ids.str.contains("+", literal=True))
    return OddIds(tuple(totals), bool(with_plus.str.contains(_MANGLED).any()))


def mangled(ids: pl.Expr) -> pl.Expr:
    """Find ids such as 1.23E+12, looking first for the plus, which few ids have."""

    def find(column: pl.Series) -> pl.Series:
        plus = column.str.contains("+", literal=True)
        return column.str.contains(_MANGLED) if plus.any() else plus

    return ids.map_batches(find, pl.Boolean(), is_elementwise=True)


def cancelled(ids: pl.Expr) -> pl.Expr:
    """Find ids such as C536379, looking first for the C, with which few begin."""

    def find(column: pl.Series) -> pl.Series:
        marked = column.str.starts_with("C") | column.str.starts_with("c")
        return column.str.contains(_CANCEL_MARK) if marked.any() else marked

    return ids.map_batches(find, pl.Boolean(), is_elementwise=True)
