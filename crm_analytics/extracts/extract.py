"""An Extract: the checked table behind every analysis, with what was set aside and why."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar, cast

import polars as pl

from crm_analytics import formats
from crm_analytics.extracts.raw import FILE, ROW

Found = TypeVar("Found")
WeekStart = Literal["monday", "sunday", "saturday"]
REASON = "reason"
"""Name of the column of `Extract.rejected` that says why a row was set aside."""


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
        """Give the machine-readable form: plain JSON values, instants in ISO form."""
        plain = asdict(self)
        return {
            **plain,
            "by_reason": dict(self.by_reason),
            "findings": [{**asdict(f), "example_rows": list(f.example_rows)} for f in self.findings],
            "window_start": self.window_start.isoformat() if self.window_start else None,
            "window_end": self.window_end.isoformat() if self.window_end else None,
        }

    def to_frame(self) -> pl.DataFrame:
        """Give the account of the rows as a table for people.

        Returns
        -------
        polars.DataFrame
            One row each for the rows read, those kept, and those set aside by reason: `what`, `rows`, `share` (of the
            rows read, 0 to 1) and `amount` (null where the table has no money).
        """
        money = {f.text: f.amount for f in self.findings if f.severity == "rejected"}
        rows = [("read", self.rows_in, self.amount_in), ("kept", self.rows_kept, self.amount_kept)]
        rows += [(f"set aside: {why}", n, money.get(why)) for why, n in self.by_reason.items()]
        whole = max(self.rows_in, 1)
        return pl.DataFrame(
            [(what, n, n / whole, amount) for what, n, amount in rows],
            schema={"what": pl.String, "rows": pl.Int64, "share": pl.Float64, "amount": pl.Float64},
            orient="row",
        )

    def lines(self, currency: str | None = None) -> list[str]:
        """Say the whole report in lines of plain text: rows, window, what was set aside, what to know."""
        lines = [
            f"{self.source}: {_counted(self.rows_in, 'row')} read as {self.table}, {self.rows_kept:,} kept, {self.rows_rejected:,} set aside."
        ]
        if self.n_customers is not None:
            lines.append(f"{_counted(self.n_customers, 'customer')}.")
        if self.window_start and self.window_end:
            start, end = (formats.value(at.date(), "day") for at in (self.window_start, self.window_end))
            lines.append(f"From {start} to {end}.")
        if self.amount_in is not None and self.amount_kept is not None and self.amount_rejected is not None:
            read, kept, aside = (
                _to_the_cent(a, currency) for a in (self.amount_in, self.amount_kept, self.amount_rejected)
            )
            lines.append(f"Money: {read} read = {kept} kept + {aside} set aside.")
        return [*lines, *(self._finding_line(f, currency) for f in self.findings)]

    @staticmethod
    def _finding_line(finding: Finding, currency: str | None) -> str:
        if finding.severity != "rejected":
            return f"{finding.severity}: {finding.text}"
        money = f", {_to_the_cent(finding.amount, currency)}" if finding.amount is not None else ""
        rows = ", ".join(f"{r:,}" for r in finding.example_rows)
        return (
            f"set aside: {finding.text} ({_counted(finding.n_rows, 'row')}{money}; for instance row {rows})"
        )


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _to_the_cent(amount: float, currency: str | None) -> str:
    return f"{amount:,.2f} {currency or ''}".strip()


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
    currency, time_zone, week_start
        What was said, or read off the extract: ISO code of the amounts, IANA zone, first day of a week.
    filters
        What a base's `where` left in, in words.
    set_aside
        The rejected rows, lazily; read them as `rejected`.
    """

    table: str
    frame: pl.LazyFrame
    check: Check
    source: str
    recognition: tuple[Recognised, ...]
    details: Mapping[str, str]
    currency: str | None = None
    time_zone: str | None = None
    week_start: WeekStart = "monday"
    filters: tuple[str, ...] = ()  # what a base's `where` left in, in words; goes to the provenance
    set_aside: pl.LazyFrame = field(
        default_factory=lambda: pl.LazyFrame(schema={ROW: pl.UInt32, REASON: pl.String}), repr=False
    )

    _known: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, name: Hashable, work: Callable[[], Found]) -> Found:
        """Give what `work` finds in the rows, and remember it under a name: the rows of an extract never change.

        An extract made of this one with `dataclasses.replace` begins with nothing remembered.
        """
        if name not in self._known:
            self._known[name] = work()
        return cast("Found", self._known[name])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_known": {}}

    @property
    def rejected(self) -> pl.DataFrame:
        """Rows that were set aside, as they came, with `__row__` first and `reason` last."""
        order = [FILE, ROW] if FILE in self.set_aside.collect_schema() else [ROW]
        return self.set_aside.collect(engine="streaming").sort(order, maintain_order=True)
