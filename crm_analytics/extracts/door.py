"""The door: a raw table in, a checked extract out. Columns recognised, parsed and checked; nothing dropped unsaid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import polars as pl

from crm_analytics import formats, tables
from crm_analytics.errors import ColumnError, SourceError
from crm_analytics.extracts import findings, marks
from crm_analytics.extracts.extract import Check, Extract, Finding, WeekStart
from crm_analytics.extracts.marks import CURRENCY, WHY, Bounds, Duplicates
from crm_analytics.extracts.numbers import currency_in_heading
from crm_analytics.extracts.plan import Plan, make_plan
from crm_analytics.extracts.profiles import SAMPLE_ROWS, profiles
from crm_analytics.extracts.raw import RawTable
from crm_analytics.extracts.recognise import AUXILIARY, Recognition, missing_error, recognise
from crm_analytics.extracts.values import staged
from crm_analytics.tables import Table

FITS: Final = 24_000_000
"""Cells up to which a table is read into memory once; above, it stays lazy and streams (2 million rows of 12 columns)."""

_LOOK_AT: Final = 200_000
_LOOKED_AT: Final = frozenset(c.name for c in AUXILIARY)
_READABLE: Final = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Categorical, pl.Enum, pl.Null)
_REPEATS_UP_TO: Final = 20_000_000
_ORDERS_LOOKED_AT: Final = 1_000_000


@dataclass(frozen=True)
class Options:
    """What the user says about a source beyond where it is; see `readers.read_transactions`."""

    columns: Mapping[str, str] | None = None
    currency: str | None = None
    time_zone: str | None = None
    week_start: WeekStart = "monday"
    not_after: date | None = None
    duplicates: Duplicates = "keep"
    day_first: bool | None = None


def sample_of(frame: pl.DataFrame, headings: list[str]) -> pl.DataFrame:
    """Take rows to know the columns by: the first half in a row, the rest from all over the table."""
    columns = frame.select(h for h in headings if readable(frame.schema[h]))
    if columns.height <= SAMPLE_ROWS:
        return columns
    step = columns.height // (SAMPLE_ROWS // 2)
    return pl.concat([columns.head(SAMPLE_ROWS // 2), columns.gather_every(step)])


def readable(dtype: pl.DataType) -> bool:
    """Say whether a column of this type can hold anything a table needs; lists, bytes and durations cannot.

    >>> readable(pl.String()), readable(pl.List(pl.Int64()))
    (True, False)
    """
    return dtype.is_numeric() or dtype in _READABLE


def check_in(raw: RawTable, table_name: str, options: Options | None = None) -> Extract:
    """Recognise, parse and check a raw table.

    Raises
    ------
    SourceError
        If there are no rows.
    ColumnError
        If a required column is neither named nor recognised, or amounts are in several currencies.
    """
    said, table = options or Options(), tables.table(table_name)
    try:
        return _checked_in(_without_unreadable(raw), table, said)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        first = str(error).strip().split("\n", maxsplit=1)[0]
        remedy = "If it opens elsewhere, save it again as CSV or Parquet."
        raise SourceError(f"{raw.source} cannot be read: {first}.", remedy=remedy) from error


def _without_unreadable(raw: RawTable) -> RawTable:
    schema = raw.frame.collect_schema()
    out = [h for h in raw.headings if not readable(schema[h])]
    if not out:
        return raw
    details = {**raw.details, "left out": ", ".join(f"{h} ({schema[h]})" for h in out)}
    return replace(raw, frame=raw.frame.drop(out), details=details)


def _checked_in(raw: RawTable, table: Table, said: Options) -> Extract:
    rows = int(raw.frame.select(pl.len()).collect(engine="streaming").item())
    if rows == 0 and raw.unreadable.is_empty():
        raise SourceError.empty(raw.source)
    fits = rows * max(len(raw.headings), 1) <= FITS
    if fits:
        raw = replace(raw, frame=raw.frame.collect().lazy())
    seen = profiles(sample_of(raw.frame.head(_LOOK_AT).collect(engine="streaming"), raw.headings))
    recognition = recognise(seen, table, said.columns)
    error = missing_error(table, recognition, raw.headings, raw.details.get("left out", ""))
    if error:
        raise error
    return _Passage(raw, table, said, recognition, rows, fits).extract()


@dataclass
class _Passage:
    """One table on its way through the door."""

    raw: RawTable
    table: Table
    said: Options
    recognition: Recognition
    rows: int
    fits: bool
    plan: Plan = field(default_factory=lambda: Plan({}))

    def extract(self) -> Extract:
        rows = self._staged()
        seen = rows if self.fits else rows.head(_LOOK_AT)
        self.plan = make_plan(
            seen.collect(engine="streaming"),
            self.recognition,
            self.table,
            self.said.time_zone,
            day_first=self.said.day_first,
        )
        read = self._held(marks.read_rows(rows, self.plan))
        currency = self._currency(read)
        span = marks.bounds(read, self.table, self.said.not_after)
        marked = self._held(marks.with_reasons(read, self.table, span, self.said.duplicates, currency))
        check = self._check(marked, span)
        good = marked.filter(pl.col(WHY).is_null()).select(
            marks.canonical_columns(marked, self.table, self.plan)
        )
        return Extract(
            table=self.table.name,
            frame=self._held(good),
            check=check,
            source=self.raw.source,
            recognition=tuple(r for r in self.recognition.columns if r.column not in _LOOKED_AT),
            details=self._details(currency),
            currency=currency,
            time_zone=self.said.time_zone,
            week_start=self.said.week_start,
            set_aside=self._held(marks.rejected_rows(self.raw, marked)),
        )

    def _staged(self) -> pl.LazyFrame:
        """Clean what will be read, and mark repeats while the rows are still as they came."""
        frame, used = self.raw.frame, {r.heading for r in self.recognition.columns}
        if self.rows <= _REPEATS_UP_TO:
            frame = marks.with_repeats(frame, self.raw.headings)
        country = self.recognition.heading("country")
        wanted = [h for h in self.raw.headings if h in used or self.table.open_ended]
        return self._held(staged(frame, wanted, keep_na=(country,) if country else ()))

    def _held(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Work a step out at once where the table fits in memory."""
        return frame.collect().lazy() if self.fits else frame

    def _currency(self, read: pl.LazyFrame) -> str | None:
        if self.table.name not in marks.MONEY:
            return self.said.currency
        if CURRENCY in read.collect_schema().names():
            found = (
                read.select(pl.col(CURRENCY).drop_nulls().unique().sort())
                .collect(engine="streaming")[CURRENCY]
                .to_list()
            )
            return _one_currency(found, self.said.currency, self.table.name)
        columns = [
            self.plan.columns[c]
            for c in (marks.MONEY[self.table.name], "unit_price")
            if c in self.plan.columns
        ]
        written = [
            *(c for p in columns for c in p.currencies),
            *(currency_in_heading(p.heading) or "" for p in columns),
        ]
        return self.said.currency or next((w for w in written if w.isupper()), None)

    def _check(self, marked: pl.LazyFrame, span: Bounds) -> Check:
        looked = findings.Looked(
            marked,
            self.table,
            self.plan,
            frozenset(marked.collect_schema().names()),
            max(1, self.rows // _ORDERS_LOOKED_AT),
        )
        asked = findings.queries(looked)
        answers = dict(zip(asked, pl.collect_all(list(asked.values()), engine="streaming"), strict=True))
        kept: dict[str, Any] = answers["kept"].row(0, named=True)
        every: dict[str, Any] = answers["all"].row(0, named=True)
        aside = self._set_aside(answers["reasons"])
        found = [
            *aside,
            *_beyond(aside, span),
            *findings.from_reader(self.raw.notes, self.raw.cautions),
            *findings.from_recognition(self.recognition, self.plan),
            *findings.from_answers(looked, answers),
        ]
        kept_amount, all_amount = kept.get("amount"), every.get("amount")
        return Check(
            table=self.table.name,
            source=self.raw.source,
            rows_in=every["n"] + self.raw.unreadable.height,
            rows_kept=kept["n"],
            rows_rejected=every["n"] - kept["n"] + self.raw.unreadable.height,
            by_reason={f.text: f.n_rows for f in aside},
            findings=tuple(found),
            window_start=kept.get("first"),
            window_end=kept.get("last"),
            n_customers=findings.n_customers(answers),
            amount_in=all_amount,
            amount_kept=kept_amount,
            amount_rejected=None if all_amount is None else all_amount - (kept_amount or 0.0),
        )

    def _set_aside(self, reasons: pl.DataFrame) -> list[Finding]:
        unread = self.raw.unreadable.group_by("reason", maintain_order=True).agg(
            pl.len().alias("n"), pl.col("__row__").head(5).alias("examples")
        )
        counted = pl.concat([reasons.rename({WHY: "reason"}), unread], how="diagonal_relaxed").sort(
            ["n", "reason"], descending=[True, False]
        )
        return [
            Finding(
                _code(r["reason"]),
                r["reason"],
                "rejected",
                r["n"],
                _column(r["reason"], self.table),
                r.get("amount"),
                r.get("n_customers"),
                tuple(r["examples"]),
            )
            for r in counted.iter_rows(named=True)
        ]

    def _details(self, currency: str | None) -> dict[str, str]:
        details = dict(self.raw.details)
        details |= {
            c.name: f"{c.heading}: {c.words}" if c.words else c.heading for c in self.plan.columns.values()
        }
        if self.plan.amount_is_worked_out:
            details["amount"] = "quantity x unit_price"
        if currency:
            details["currency"] = currency
        details["unused"] = ", ".join(self.recognition.unused if not self.table.open_ended else ())
        return details


def _one_currency(found: list[str], said: str | None, table: str) -> str | None:
    if said is None and len(found) > 1:
        raise ColumnError(
            f"The amounts of the {table} are in {len(found)} currencies: {', '.join(found[:10])}.",
            "Amounts of different currencies cannot be added up.",
            f"Choose one with currency={found[0]!r} (rows in others are then set aside), or convert the extract beforehand.",
        )
    if said and found and said not in found:
        raise ColumnError(
            f"The amounts of the {table} are in {', '.join(found[:10])}, not in {said}.",
            remedy=f"Set currency={found[0]!r}, or convert the extract beforehand.",
        )
    return said or (found[0] if found else None)


def _beyond(aside: list[Finding], span: Bounds) -> list[Finding]:
    """Say which dates were held implausible, where the data and not the calendar decided it."""
    hit = next((f for f in aside if f.text.endswith("is implausible")), None)
    if hit is None or not span.why:
        return []
    text = f"Dates from {formats.value(span.last, 'day')} on were held implausible: they lie {span.why}. Set not_after= to decide otherwise."
    return [
        Finding(
            "implausible_dates",
            text,
            "info",
            hit.n_rows,
            hit.column,
            hit.amount,
            hit.n_customers,
            hit.example_rows,
        )
    ]


def _code(reason: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in reason.lower())


def _column(reason: str, table: Table) -> str | None:
    first = reason.split(" ", maxsplit=1)[0]
    return first if first in {c.name for c in table.columns} else None
