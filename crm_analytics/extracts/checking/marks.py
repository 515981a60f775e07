"""Every row of an extract read by its plan and marked: kept, or set aside with one reason.

The marked table is lazy: for files that fit it is worked out once in memory, for larger ones it streams.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial, reduce
from typing import Final, Literal

import polars as pl

from crm_analytics.extracts.cells import numbers
from crm_analytics.extracts.cells.reading import UNREAD, VALUE, Reading
from crm_analytics.extracts.cells.values import as_text
from crm_analytics.extracts.checking import line_signs
from crm_analytics.extracts.checking.keys import repeats
from crm_analytics.extracts.checking.plan import ColumnPlan, Plan
from crm_analytics.extracts.raw import FILE, ROW, RawTable
from crm_analytics.tables import DTYPES, Table

Duplicates = Literal["keep", "reject"]

WHY: Final = "__reason__"
REPEAT: Final = "__repeat__"
HASH: Final = "__hash__"
CURRENCY: Final = "__currency__"
STATUS: Final = "__status__"
REFUNDED: Final = "__refunded__"
MONEY: Final = {"transactions": "amount", "subscriptions": "monthly_amount"}
"""The column of a table whose sum the check accounts for to the cent."""

EARLIEST: Final = datetime(1900, 1, 1)
LATEST: Final = datetime(2200, 1, 1)
MOST: Final = 1e15
"""Beyond it no cent is exact, and no shop has such a price: it is a number of another kind, or damage."""

PLACEHOLDERS: Final = (
    date(1, 1, 1),
    date(1601, 1, 1),
    date(1753, 1, 1),
    date(1900, 1, 1),
    date(1970, 1, 1),
    date(1980, 1, 1),
)
"""Days that software writes where it knows none."""

_PLACE: Final = "__place__"
_BESIDE: Final = ("currency", "status", "refunded")
_YEAR: Final = 366
_ODD: Final = 0x9E3779B97F4A7C15  # spreads the hash of one column over those of the next
_TAIL_SHARE: Final = 0.01


def far(column: str) -> str:
    """Name the mark that says that a day stands for "never", such as 31 December 9999."""
    return f"__far_{column}__"


def present(column: str) -> str:
    """Name the mark that says whether anything stood in a column."""
    return f"__has_{column}__"


@dataclass(frozen=True)
class Bounds:
    """The span of plausible instants: `first` inclusive, `last` exclusive, and why the last is not LATEST."""

    first: datetime = EARLIEST
    last: datetime = LATEST
    why: str = ""


def with_hashes(raw: pl.LazyFrame, headings: list[str]) -> pl.LazyFrame:
    """Put a hash of all its columns beside every row, as it came."""
    first, *others = (pl.col(heading).hash() for heading in headings)
    return raw.with_columns(reduce(_mixed, others, first).alias(HASH))


def _mixed(found: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Put a hash to those before it; half the work of hashing both together."""
    return found * pl.lit(_ODD, pl.UInt64) + other


def with_repeats(read: pl.LazyFrame, n_rows: int, *, held: bool) -> pl.LazyFrame:
    """Mark every row that repeats an earlier one in all its columns, by the hashes put beside them.

    What is `held` in memory must be collected before rows are left out.
    """
    if HASH not in read.collect_schema():
        return read
    marks = repeats(read, HASH, n_rows)
    if marks is None:
        return read.drop(HASH).with_columns(pl.lit(value=False).alias(REPEAT))
    if held:
        return read.drop(HASH).with_columns(pl.lit(marks).alias(REPEAT))
    place = pl.col(_PLACE).map_batches(partial(_marked, marks), pl.Boolean(), is_elementwise=True)
    return read.drop(HASH).with_row_index(_PLACE).with_columns(place.alias(REPEAT)).drop(_PLACE)


def _marked(marks: pl.Series, places: pl.Series) -> pl.Series:
    return marks.gather(places)


def read_rows(frame: pl.LazyFrame, plan: Plan) -> pl.LazyFrame:
    """Read every column of every row by the plan; a value that cannot be read is null, with its mark saying so.

    The columns of the plan are read as they came; attributes must have been cleaned.
    """
    schema = frame.collect_schema()
    kept = [*(n for n in (ROW, FILE, HASH) if n in schema.names()), *plan.attributes]
    read = [
        *(_read(c.name, c, schema) for c in plan.columns.values() if c.name not in _BESIDE),
        *_asides(plan, schema),
    ]
    # the plan's expressions read headings, so all are worked out in one select and none sees another's result
    attributes = [e.alias(n) for n, e in plan.attributes.items()]
    first = frame.select(
        *kept[: len(kept) - len(attributes)], *attributes, *(e for r in read for e in r.first)
    )
    found = first.select(*kept, *(e for r in read for e in r.then))
    return _without_never(_with_amount(found) if plan.amount_is_worked_out else found, plan)


@dataclass(frozen=True)
class _Read:
    """The expressions that read a column: over the headings, and then over what those gave."""

    first: tuple[pl.Expr, ...]
    then: tuple[pl.Expr, ...]


def _read(name: str, column: ColumnPlan, schema: pl.Schema, *, marked: bool = True) -> _Read:
    """Read a column by its plan and, if `marked`, say beside it whether anything stood there."""
    raw, mark = schema[column.heading], present(name)
    if raw not in (pl.String, pl.Categorical, pl.Enum):
        first = (column.value.alias(name), *([column.present.alias(mark)] if marked else []))
        return _Read(first, (pl.col(name), *([pl.col(mark)] if marked else [])))
    reading = Reading(column.heading, column.value, DTYPES[column.kind], keep_na=name == "country")
    parts = pl.col(f"__read_{name}__")
    value = parts if reading.is_text else parts.struct.field(VALUE)
    has = value.is_not_null() if reading.is_text else value.is_not_null() | parts.struct.field(UNREAD)
    then = (value.alias(name), *([has.alias(mark)] if marked else []))
    return _Read((reading.expression(raw).alias(f"__read_{name}__"),), then)


def unread(column: ColumnPlan) -> pl.Expr:
    """Find the rows in which something stood that could not be read."""
    never = [] if column.required or column.kind not in ("instant", "day") else [~pl.col(far(column.name))]
    return pl.all_horizontal(pl.col(present(column.name)), pl.col(column.name).is_null(), *never)


def _without_never(read: pl.LazyFrame, plan: Plan) -> pl.LazyFrame:
    """Take far-off days of optional columns for what they mean: not ended, not closed."""
    optional = [c.name for c in plan.columns.values() if c.kind in ("instant", "day") and not c.required]
    value = {name: pl.col(name).cast(pl.Datetime("us")) for name in optional}
    return read.with_columns(
        *((v >= LATEST).fill_null(value=False).alias(far(name)) for name, v in value.items()),
        *(
            pl.when(v.is_between(EARLIEST, LATEST, closed="left")).then(pl.col(name)).alias(name)
            for name, v in value.items()
        ),
    )


def _with_amount(read: pl.LazyFrame) -> pl.LazyFrame:
    return read.with_columns(
        amount=pl.col("quantity") * pl.col("unit_price"),
        **{present("amount"): pl.col(present("quantity")) & pl.col(present("unit_price"))},
    )


def _asides(plan: Plan, schema: pl.Schema) -> list[_Read]:
    """Keep the currency, the state and the refund of a line beside it, for the check alone."""
    asides = []
    mixed = [c for c in plan.columns.values() if c.name in ("amount", "unit_price") and len(c.currencies) > 1]
    if "currency" in plan.columns:
        column = plan.columns["currency"]
        code = as_text(pl.col(column.heading), schema[column.heading])
        value = pl.coalesce(numbers.currency_expr(code), code.str.to_uppercase())
        asides.append(_read(CURRENCY, replace(column, value=value), schema, marked=False))
    elif mixed:
        value = numbers.currency_expr(pl.col(mixed[0].heading))
        asides.append(_read(CURRENCY, replace(mixed[0], value=value, kind="category"), schema, marked=False))
    for name, mark in (("status", STATUS), ("refunded", REFUNDED)):
        if name in plan.columns:
            asides.append(_read(mark, plan.columns[name], schema, marked=False))
    return asides


def bounds(read: pl.LazyFrame, table: Table, not_after: date | None) -> Bounds:
    """Find the span of plausible instants of the column that dates the table.

    Later than `not_after` nothing is plausible. Without it, a tail of at most 1 % of the rows that lies more than a
    year after everything else is not; likewise the placeholder days (1 January 1900, 1970 …) in front of everything.
    """
    if (
        table.dated_by is None
        or table.dated_by not in table.required
        or table.column(table.dated_by).kind != "instant"
    ):
        return Bounds()
    at = pl.col(table.dated_by)
    days = (
        read.filter(at.is_between(EARLIEST, LATEST, closed="left"))
        .group_by(at.dt.date().alias("day"))
        .agg(pl.len().alias("n"))
    )
    counted = days.collect(engine="streaming").sort("day")
    first = _after_placeholders(counted)
    if not_after is not None:
        return Bounds(first, _midnight(not_after + timedelta(days=1)))
    return _without_tail(counted, first)


def _after_placeholders(days: pl.DataFrame) -> datetime:
    real = days.filter(~pl.col("day").is_in(list(PLACEHOLDERS)))
    fake = days.filter(pl.col("day").is_in(list(PLACEHOLDERS)))
    if real.is_empty() or fake.is_empty():
        return EARLIEST
    start = real["day"][0]
    ahead = fake.filter(pl.col("day") < start - timedelta(days=_YEAR))
    return EARLIEST if ahead.is_empty() else _midnight(ahead["day"][-1] + timedelta(days=1))


def _without_tail(days: pl.DataFrame, first: datetime) -> Bounds:
    marked = days.with_columns(
        gap=pl.col("day").diff().dt.total_days(),
        tail=pl.col("n").cum_sum(reverse=True) / pl.col("n").sum(),
    ).filter((pl.col("gap") > _YEAR) & (pl.col("tail") <= _TAIL_SHARE))
    if marked.is_empty():
        return Bounds(first)
    return Bounds(first, _midnight(marked["day"][0]), "more than a year after all other rows")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


def with_reasons(
    read: pl.LazyFrame,
    table: Table,
    span: Bounds,
    duplicates: Duplicates,
    currency: str | None,
    totals: Collection[str] = (),
) -> pl.LazyFrame:
    """Mark each row with the first reason for which it must be set aside, or null; `totals` are customers named so."""
    names = read.collect_schema().names()
    rules = [rule for name in table.required for rule in _rules(name, table, span)]
    if totals and "amount" in names:
        rules.append((line_signs.is_total(totals), line_signs.IS_TOTAL))
    if CURRENCY in names and currency:
        rules.append(
            (pl.col(CURRENCY).is_not_null() & (pl.col(CURRENCY) != currency), "amount is in another currency")
        )
    if REPEAT in names and (table.key or duplicates == "reject"):
        rules.append((pl.col(REPEAT), "exact repeat of a row"))
    rules = _that_hold(read, rules)
    reason = (
        pl.coalesce(pl.when(hit).then(pl.lit(why)) for hit, why in rules)
        if rules
        else pl.lit(None, pl.String)
    )
    marked = read.with_columns(reason.alias(WHY))
    return _first_of_key(marked, table.key) if table.key else marked


def _that_hold(read: pl.LazyFrame, rules: list[tuple[pl.Expr, str]]) -> list[tuple[pl.Expr, str]]:
    """Leave out the rules that hold for no row: asking is quick, writing a reason beside every row is not."""
    asked = read.select(hit.any().alias(str(i)) for i, (hit, _) in enumerate(rules))
    found = asked.collect(engine="streaming")
    return [rule for i, rule in enumerate(rules) if found[str(i)].item()] if rules else []


def _rules(name: str, table: Table, span: Bounds) -> list[tuple[pl.Expr, str]]:
    kind, value = table.column(name).kind, pl.col(name)
    missing = (~pl.col(present(name)), f"{name} is missing")
    if kind in ("instant", "day"):
        dated = name == table.dated_by
        low, high = (span.first, span.last) if dated else (EARLIEST, LATEST)
        outside = ~value.cast(pl.Datetime("us")).is_between(low, high, closed="left")
        return [missing, (value.is_null(), f"{name} is not a date"), (outside, f"{name} is implausible")]
    if kind in ("money", "number"):
        return [
            missing,
            (value.is_null(), f"{name} is not a number"),
            (~value.is_finite(), f"{name} is not finite"),
            (value.abs() > MOST, f"{name} is implausibly large"),
        ]
    return [missing]


def _first_of_key(marked: pl.LazyFrame, key: str) -> pl.LazyFrame:
    """Keep the first good row of each key."""
    good = pl.col(WHY).is_null()
    later = good & ~pl.struct(key, good.alias("good")).is_first_distinct()
    return marked.with_columns(
        pl.when(later).then(pl.lit(f"{key} repeated")).otherwise(pl.col(WHY)).alias(WHY)
    )


def canonical_columns(marked: pl.LazyFrame, table: Table, plan: Plan) -> list[str]:
    """Give the columns of the good rows: canonical ones in the order of the contract, then the attributes."""
    names = set(marked.collect_schema().names())
    own = [c.name for c in table.columns]
    named = [c for c in plan.columns if c not in own and c not in _BESIDE]
    return [c for c in (*own, *named) if c in names] + list(plan.attributes)


def rejected_rows(raw: RawTable, reasons: pl.LazyFrame) -> pl.LazyFrame:
    """Give the rows that were set aside, as they came, and those that could not even be split into columns."""
    key = [n for n in (FILE, ROW) if n in raw.frame.collect_schema().names()]
    aside = reasons.filter(pl.col(WHY).is_not_null()).select(*key, pl.col(WHY).alias("reason"))
    rows = raw.frame.rename({"reason": "reason (2)"}, strict=False).join(
        aside, on=key, how="inner", maintain_order="left"
    )
    if not raw.unreadable.is_empty():
        rows = pl.concat([rows, raw.unreadable.lazy()], how="diagonal_relaxed")
    return rows.select(ROW, pl.exclude(ROW, "reason"), "reason")
