"""An Extract: the checked table behind every analysis, with what was set aside and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import polars as pl


@dataclass(frozen=True)
class Finding:
    """One thing the check found: how many rows, which, and what it means in money.

    `severity` "rejected" means the rows were set aside; "caution" and "info" rows were kept.
    """

    code: str
    text: str
    severity: Literal["rejected", "caution", "info"]
    n_rows: int
    column: str | None = None
    amount: float | None = None
    n_customers: int | None = None
    example_rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Check:
    """The check report of one table.

    `rows_in = rows_kept + rows_rejected` always; for tables with money, `amount_in = amount_kept + amount_rejected`
    to the cent wherever the amount of a rejected row could be read.
    """

    table: str
    source: str
    rows_in: int
    rows_kept: int
    rows_rejected: int
    by_reason: Mapping[str, int]
    findings: tuple[Finding, ...]
    window_start: datetime | None
    window_end: datetime | None
    n_customers: int | None = None
    amount_in: float | None = None
    amount_kept: float | None = None
    amount_rejected: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the machine-readable form."""
        raise NotImplementedError


@dataclass(frozen=True)
class Recognised:
    """Which heading was taken for a canonical column, how sure, and why."""

    column: str
    heading: str
    confidence: float  # 0..1; 1 where the user named it
    reasons: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Extract:
    """A checked table.

    Attributes
    ----------
    table
        Its name in `tables.TABLES`.
    frame
        Good rows in canonical columns (LazyFrame), plus attributes of open-ended tables.
    check
        Counts, reasons, findings, money.
    recognition
        Which heading was taken for what; `unused` headings are listed in `details["unused"]`.
    details
        What the reader decided: encoding, separator, date order, decimal mark, sheet, …
    """

    table: str
    frame: pl.LazyFrame
    check: Check
    source: str
    recognition: tuple[Recognised, ...]
    details: Mapping[str, str]
    currency: str | None = None
    time_zone: str | None = None
    week_start: Literal["monday", "sunday", "saturday"] = "monday"
    filters: tuple[str, ...] = ()  # what a base's `where` left in, in words; goes to the provenance

    @property
    def rejected(self) -> pl.DataFrame:
        """Rows that were set aside, as they came, with `__row__` first and `reason` last."""
        raise NotImplementedError
