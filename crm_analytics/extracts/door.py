"""The door: a raw table in, a checked extract out. Columns recognised, parsed and checked; nothing dropped unsaid."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import polars as pl

from crm_analytics import formats, tables
from crm_analytics.errors import ColumnError, SourceError
from crm_analytics.extracts.cells.numbers import currency_in_heading
from crm_analytics.extracts.cells.values import as_text, clean_text, staged
from crm_analytics.extracts.checking import findings, marks, odd_ids
from crm_analytics.extracts.checking.keys import CUSTOMER, Keys, keyed, numbers_of
from crm_analytics.extracts.checking.largest import largest_customers
from crm_analytics.extracts.checking.marks import CURRENCY, WHY, Bounds, Duplicates
from crm_analytics.extracts.checking.plan import Plan, make_plan
from crm_analytics.extracts.extract import Check, Extract, Finding, WeekStart
from crm_analytics.extracts.plain import lines as plain_lines
from crm_analytics.extracts.raw import FILE, ROW, RawTable
from crm_analytics.extracts.recognising.profiles import profiles, readable, sample_of
from crm_analytics.extracts.recognising.which_column import AUXILIARY, Recognition, missing_error, recognise
from crm_analytics.extracts.store import Store
from crm_analytics.tables import Table

FITS: Final = 160_000_000
"""Cells up to which a table is held in memory once it is read (1 to 2 GB); above, it lies in a temporary file."""

_LOOK_AT: Final = 200_000
_CLOSELY: Final = 24_000_000
"""Cells up to which all different values of a column are looked at where a sample leaves open how it is written."""

_LOOKED_AT: Final = frozenset(c.name for c in AUXILIARY)
_TEXTS: Final = ("id", "category", "text")
_REPEATS_UP_TO: Final = 250_000_000
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
    rows = raw.n_rows
    if rows is None:
        rows = int(raw.frame.select(pl.len()).collect(engine="streaming").item())
    if rows == 0 and raw.unreadable.is_empty():
        raise SourceError.empty(raw.source)
    few = rows * max(len(raw.headings), 1) <= _CLOSELY
    at_once = rows <= _LOOK_AT or (table.open_ended and few)
    seen = (raw.frame if at_once else raw.frame.head(_LOOK_AT)).collect(engine="streaming")
    raw = replace(raw, frame=seen.lazy()) if at_once else raw
    recognition = recognise(profiles(sample_of(seen, raw.headings)), table, said.columns)
    error = missing_error(table, recognition, raw.headings, raw.details.get("left out", ""))
    if error:
        raise error
    return _Passage(raw, table, said, recognition, rows, few, None if at_once else seen).extract()


@dataclass
class _Passage:
    """One table on its way through the door; `sample` is None where all of it is looked at before it is read."""

    raw: RawTable
    table: Table
    said: Options
    recognition: Recognition
    rows: int
    few: bool
    sample: pl.DataFrame | None
    plan: Plan = field(default_factory=lambda: Plan({}))
    plain: plain_lines.PlainReader | None = None  # what read the text itself, if it could be

    def extract(self) -> Extract:
        read = self._read()
        if not self._fits:  # one thing after the other, so that memory holds one of them
            read = marks.with_repeats(read, self.rows, held=False)
        with ThreadPoolExecutor(1) as pool:  # numbering leaves the other processors free for the rest
            numbering = pool.submit(self._keys, read)
            if not self._fits:
                numbering.result()
            read = self._held(marks.with_repeats(read, self.rows, held=self._fits))
            currency = self._currency(read)
            span = marks.bounds(read, self.table, self.said.not_after)
            seen = self._seen(read, span, currency)
            keys = numbering.result()
        odd = odd_ids.look(keys, self.table) if keys else odd_ids.OddIds()
        seen = self._seen(read, span, currency, odd) if odd.any else seen
        good, marked = pl.col(WHY).is_null(), seen.looked.marked
        keys = (
            keys.of(_known(marked, good, CUSTOMER if self.plain is None else plain_lines.NUMBER))
            if keys and seen.aside
            else keys
        )
        extract = Extract(
            table=self.table.name,
            frame=self._held(seen.looked.kept, marks.canonical_columns(marked, self.table, self.plan)),
            check=self._check(seen, keys, span),
            source=self.raw.source,
            recognition=tuple(r for r in self.recognition.columns if r.column not in _LOOKED_AT),
            details=self._details(currency),
            currency=currency,
            time_zone=self.said.time_zone,
            week_start=self.said.week_start,
            set_aside=self._set_apart(marked, seen.aside),
        )
        if keys and len(keys.rows) == extract.check.rows_kept:  # every row has a customer
            extract.once("keys", lambda: keys)
        return extract

    def _seen(
        self, read: pl.LazyFrame, span: Bounds, currency: str | None, odd: odd_ids.OddIds | None = None
    ) -> _Seen:
        """Mark the rows and ask all questions; a second time in the few tables with `odd` ids, known only later."""
        ids = odd or odd_ids.OddIds()
        marked = self._held(
            marks.with_reasons(read, self.table, span, self.said.duplicates, currency, ids.totals)
        )
        good = pl.col(WHY).is_null()
        aside = int(marked.select((~good).sum()).collect(engine="streaming").item())
        looked = findings.Looked(
            marked,
            self._held(marked.filter(good), some=True) if aside else marked,
            self._held(marked.filter(~good), some=True) if aside else marked.head(0),
            self.table,
            self.plan,
            frozenset(marked.collect_schema().names()),
            ids,
            max(1, self.rows // _ORDERS_LOOKED_AT),
        )
        asked = findings.queries(looked)
        answers = pl.collect_all(list(asked.values()), engine="streaming")
        return _Seen(looked, aside, dict(zip(asked, answers, strict=True)))

    def _read(self) -> pl.LazyFrame:
        """Decide how to read every column and read them all; once more where what was found decides otherwise."""
        sample = self._staged(self.raw.frame if self.sample is None else self.sample.lazy()).collect()
        self.plan = self._planned(sample, {})
        more = (
            {h: self._different(h) for h in self.plan.unsettled}
            if self.sample is not None and self.few
            else {}
        )
        self.plan = self._planned(sample, more) if more else self.plan
        read = self._read_by_plan()
        surprising = self._surprising(read) - set(more) if self.sample is not None else set()
        if not surprising:
            return read
        first = self.plan
        self.plan = self._planned(sample, more | {h: self._different(h, read) for h in surprising})
        return read if first.reads_like(self.plan) else self._read_by_plan()

    def _staged(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        used = {r.heading for r in self.recognition.columns}
        country = self.recognition.heading("country")
        wanted = [h for h in self.raw.headings if h in used or self.table.open_ended]
        return staged(frame, wanted, keep_na=(country,) if country else ())

    def _planned(self, sample: pl.DataFrame, more: Mapping[str, pl.Series]) -> Plan:
        zone, first = self.said.time_zone, self.said.day_first
        return make_plan(sample, self.recognition, self.table, zone, day_first=first, more=more)

    def _read_by_plan(self) -> pl.LazyFrame:
        """Read all rows, with a hash of each as it came, into memory or a temporary file."""
        hashed = self.rows <= _REPEATS_UP_TO
        for reader in plain_lines.readers(self.raw.plain, self.plan, self.sample, hashed=hashed):
            try:
                read = self._read_plainly(reader)
            except plain_lines.NotPlainError:
                continue
            self.plain = reader
            return read
        self.plain = None
        frame = self.raw.frame
        if hashed:
            frame = marks.with_hashes(frame, self.raw.headings)
        planned = {c.heading for c in self.plan.columns.values()}
        frame = staged(frame, [h for h in self.raw.headings if self.plan.attributes and h not in planned])
        read = marks.read_rows(frame, self.plan)
        return read.collect(engine="streaming").lazy() if self._fits else Store(read).scan()

    def _read_plainly(self, reader: plain_lines.PlainReader) -> pl.LazyFrame:
        return reader.with_ids(reader.whole() if self._fits else Store(reader.stretches()).scan())

    @property
    def _fits(self) -> bool:
        return self.rows * len(self.plan.columns) <= FITS

    def _keys(self, read: pl.LazyFrame) -> Keys | None:
        """Give the customers of the rows that have one their numbers; None where the table has none at all."""
        if self.plain is None:
            return _keys(read)
        return self.plain.keys(numbers_of(read, plain_lines.NUMBER, self.rows, held=self._fits))

    def _surprising(self, read: pl.LazyFrame) -> set[str]:
        """Give the headings with values that the sample they were decided by did not foresee."""
        texts = self.raw.frame.collect_schema()
        asked = {
            c.heading: marks.unread(c) | (pl.col(c.name) % 1 != 0)
            if c.name in self.plan.whole
            else marks.unread(c)
            for c in self.plan.columns.values()
            if c.kind not in _TEXTS and texts[c.heading] == pl.String and c.name not in _LOOKED_AT
        }
        found = read.select(hit.any().alias(h) for h, hit in asked.items()).collect(engine="streaming")
        return {h for h in asked if found[h].item()} if asked else set()

    def _different(self, heading: str, read: pl.LazyFrame | None = None) -> pl.Series:
        """Give the different values of a column, cleaned; of very large tables those that could not be read."""
        frame = self.raw.frame
        if read is not None and not self.few:
            column = next(c for c in self.plan.columns.values() if c.heading == heading)
            rows = read.filter(marks.unread(column)).select(ROW).head(_LOOK_AT).collect(engine="streaming")
            frame = frame.join(rows.lazy(), on=ROW, how="semi")
        text = as_text(pl.col(heading), frame.collect_schema()[heading])
        keep_na = heading == self.recognition.heading("country")
        found = frame.select(clean_text(text, keep_na=keep_na).alias("x")).unique(maintain_order=True)
        return found.collect(engine="streaming")["x"].drop_nulls()

    def _held(
        self, frame: pl.LazyFrame, columns: list[str] | None = None, *, some: bool = False
    ) -> pl.LazyFrame:
        """Work a step out at once where the table is held in memory; nothing is copied by that.

        Ids that are there as numbers stay so, and the numbers of rows are left out unless only `some` of the rows are
        there; both are made when they are asked for.
        """
        wanted = columns or frame.collect_schema().names()
        if self.plain is None:
            return (
                frame.select(wanted).collect(engine="in-memory").lazy()
                if self._fits
                else frame.select(wanted)
            )
        made = {CUSTOMER} if some or not self._fits else {CUSTOMER, ROW}
        frame = frame.select(list(dict.fromkeys([plain_lines.NUMBER, *(c for c in wanted if c not in made)])))
        frame = frame.collect(engine="in-memory").lazy() if self._fits else frame
        if ROW in made and ROW in wanted:
            frame = plain_lines.with_row_numbers(frame)
        return self.plain.with_ids(frame).select(wanted)

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

    def _check(self, seen: _Seen, keys: Keys | None, span: Bounds) -> Check:
        looked, answers = seen.looked, seen.answers
        customers = largest_customers(keys, findings.amounts(looked, len(keys.rows))) if keys else None
        kept: dict[str, Any] = answers["kept"].row(0, named=True)
        kept |= findings.examples(looked, kept)
        every: dict[str, Any] = answers["all"].row(0, named=True)
        # added up apart: beside an implausibly large amount set aside the cents of all others would be lost
        apart = sum(sorted(answers["reasons"]["amount"], key=abs), 0.0) if "amount" in kept else None
        aside = self._set_aside(answers["reasons"])
        found = [
            *aside,
            *_beyond(aside, span),
            *findings.from_reader(self.raw.notes, self.raw.cautions),
            *findings.from_recognition(self.recognition, self.plan),
            *self._not_looked_for(),
            *findings.from_answers(looked, kept, answers, customers),
        ]
        kept_amount = kept.get("amount")
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
            n_customers=customers.n if customers else None,
            amount_in=None if apart is None else (kept_amount or 0.0) + apart,
            amount_kept=kept_amount,
            amount_rejected=apart,
        )

    def _not_looked_for(self) -> list[Finding]:
        if self.rows <= _REPEATS_UP_TO:
            return []
        text = (
            f"In tables of more than {_REPEATS_UP_TO:,} rows repeated rows are not looked for: all of them are kept and "
            "count. Read it in parts if rows may be there twice."
        )
        return [Finding("repeats_not_looked_for", text, "caution", 0)]

    def _set_apart(self, marked: pl.LazyFrame, n_marked: int) -> pl.LazyFrame:
        """Give the rows set aside as they came; of a large file they are read again when they are asked for."""
        raw = self.raw if n_marked else replace(self.raw, frame=self.raw.frame.head(0), n_rows=None)
        reasons = marked.select(*(n for n in (FILE, ROW, WHY) if n in marked.collect_schema()))
        reasons = reasons.filter(pl.col(WHY).is_not_null()).collect(engine="streaming").lazy()
        rows = marks.rejected_rows(raw, reasons)
        return rows.collect(engine="streaming").lazy() if self.few else rows

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


@dataclass(frozen=True, eq=False)
class _Seen:
    """What was seen of the marked rows: how many are set `aside`, and the answers to the questions of the check."""

    looked: findings.Looked
    aside: int
    answers: Mapping[str, pl.DataFrame]


def _keys(read: pl.LazyFrame) -> Keys | None:
    """Give the customers of the rows that have one their numbers; None where the table has none at all."""
    if "customer_id" not in read.collect_schema():
        return None
    customers = read.select("customer_id").collect().to_series()
    return keyed(customers.drop_nulls() if customers.null_count() else customers)


def _known(marked: pl.LazyFrame, good: pl.Expr, customer: str) -> pl.Series:
    """Mark the good ones of the rows that have a customer."""
    return marked.filter(pl.col(customer).is_not_null()).select(good).collect(engine="streaming").to_series()


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
