"""What is observed of each customer: when it began, from when it was seen, and how it ended or that it has not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.aggregates.origins import origins
from crm_analytics.aggregates.tenures import (
    TenurePeriod,
    contract_tenures,
    observed_until,
    order_waits,
    whole_periods,
)
from crm_analytics.errors import NotEnoughDataError, UnknownNameError
from crm_analytics.extracts.extract import Extract
from crm_analytics.stats.survival import Lives, lives

Ints = NDArray[np.int64]

EVERYONE: Final = "everyone"
OTHERS: Final = "others"
UNKNOWN: Final = "not known"
MOST_GROUPS: Final = 6
"""More curves than this cannot be told apart; the smaller groups are then taken together."""

WAYS: Final = ("churn", "pause", "downgrade")
"""How a contract's first course can end, in the order of their numbers, from 1."""

_NO_ATTRIBUTES: Final = frozenset(
    {
        "customer_id", "name", "order_id", "product_id", "started_on", "ended_on", "ordered_at", "joined_on",
        "amount", "quantity", "unit_price", "cost",
    }
)  # fmt: skip
"""Ids, days and what belongs to an order line, not to a customer."""


@dataclass(frozen=True)
class Question:
    """What is asked: of which table, with what grace, for which order, by which period."""

    kind: str  # the table: subscriptions or transactions
    as_of: date
    start: date | None
    grace_days: int
    order_number: int
    period: TenurePeriod

    @property
    def of_contracts(self) -> bool:
        """Whether contracts are looked at, not orders."""
        return self.kind == "subscriptions"

    @property
    def until(self) -> date:
        """The last day whose ends are known for good."""
        return observed_until(self.as_of, self.grace_days if self.of_contracts else 0)


@dataclass(frozen=True, eq=False)
class Observed:
    """One row per customer, and what was left out.

    `customers` holds `customer_id`, `began_on`, `entry_day` (first day of age at which the customer is seen), `tenure_days`,
    `has_ended`, `group`, `first_period`, `last_period`, `end_period`; for contracts `first_end` (number of the way, 0 none) and
    `first_end_day`; and the covariates.
    """

    question: Question
    customers: pl.DataFrame
    left_out: dict[str, int]
    merged: tuple[str, ...] = ()
    n_returned: int = 0
    n_same_day: int = 0
    facts: dict[str, int] = field(default_factory=dict)
    as_they_stand: frozenset[str] = frozenset()
    """Attributes from the customers table, which has them as they stand now and not as they were at the beginning."""

    @property
    def groups(self) -> list[str]:
        """The groups, the most numerous first, those taken together and the unknown last."""
        sizes = self.customers.group_by("group").len().rows()
        last = {OTHERS: 1, UNKNOWN: 2}
        return [g for g, _ in sorted(sizes, key=lambda row: (last.get(row[0], 0), -row[1], row[0]))]

    def of(self, group: str | None = None) -> pl.DataFrame:
        """Give the customers of a group, or all."""
        return self.customers if group is None else self.customers.filter(pl.col("group") == group)

    def lives(self, group: str | None = None) -> Lives:
        """Give the durations of a group, or of all."""
        return durations(self.of(group))


def durations(rows: pl.DataFrame) -> Lives:
    """Give durations from rows as `Observed` has them."""
    entry = rows["entry_day"].to_numpy()
    late = None if not (entry > 0).any() else entry - 1
    return lives(rows["tenure_days"].to_numpy(), rows["has_ended"].to_numpy(), entry=late)


def observe(
    extract: Extract,
    question: Question,
    *,
    customers: Extract | None,
    by: str | None,
    covariates: Sequence[str],
) -> Observed:
    """Reduce the extract to one observation per customer.

    Raises
    ------
    UnknownNameError
        If there is no such column to compare by or to take as a covariate.
    NotEnoughDataError
        If nobody was observed.
    """
    wanted = list(dict.fromkeys([*([] if by is None else [by]), *covariates]))
    here, there = _where(extract, customers, wanted)
    found = _tenures(extract, question, here)
    if there and customers is not None:
        rows = customers.frame.select("customer_id", *there)
        attributes = rows.unique("customer_id", keep="first", maintain_order=True).collect()
        found = found.join(attributes, on="customer_id", how="left", maintain_order="left")
    seen, left_out = _seen(found, question)
    if seen.is_empty():
        raise _nobody(question, found.height, left_out["gone_before"], _facts(extract, question))
    grouped, merged = _grouped(seen, by)
    back = int(seen["returned_on"].count()) if question.of_contracts else 0
    same_day = int((seen["has_ended"] & (seen["tenure_days"] == 0)).sum())
    return Observed(
        question, grouped, left_out, merged, back, same_day, _facts(extract, question), frozenset(there)
    )


def _where(extract: Extract, customers: Extract | None, wanted: list[str]) -> tuple[list[str], list[str]]:
    """Find out which table has which column; the table that drives the analysis comes first."""
    here = [c for c in extract.frame.collect_schema().names() if c not in _NO_ATTRIBUTES]
    there = (
        []
        if customers is None
        else [c for c in customers.frame.collect_schema().names() if c not in _NO_ATTRIBUTES]
    )
    for name in wanted:
        if name not in here and name not in there:
            raise UnknownNameError.of("column to compare customers by", name, dict.fromkeys([*here, *there]))
    return [n for n in wanted if n in here], [n for n in wanted if n not in here]


def _tenures(extract: Extract, question: Question, columns: list[str]) -> pl.DataFrame:
    if question.of_contracts:
        return contract_tenures(
            extract.frame, as_of=question.as_of, grace_days=question.grace_days, columns=columns
        )
    waits = order_waits(extract.frame, as_of=question.as_of, order_number=question.order_number)
    if not columns:
        return waits
    first = origins(extract.frame, columns, as_of=question.as_of)
    return waits.join(first, on="customer_id", how="left", maintain_order="left")


def _seen(found: pl.DataFrame, question: Question) -> tuple[pl.DataFrame, dict[str, int]]:
    """Follow everybody to the last day that is known for good, and leave out who was never under observation."""
    until = question.until
    began, ended = pl.col("began_on"), pl.col("ended_on")
    known = (ended <= until).fill_null(value=False)
    last = pl.when(known).then(ended).otherwise(pl.lit(until))
    entry = began if question.start is None else pl.max_horizontal(began, pl.lit(question.start))
    rows = found.with_columns(
        has_ended=known,
        last_on=last,
        tenure_days=(last - began).dt.total_days(),
        entry_day=(entry - began).dt.total_days(),
    )
    too_new = began > until
    gone = (pl.col("last_on") < pl.lit(question.start)) if question.start else pl.lit(value=False)
    left_out = {
        "too_new": rows.filter(too_new).height,
        "gone_before": rows.filter(~too_new & gone).height,
    }
    return _with_periods(rows.filter(~too_new & ~gone), question), left_out


def _with_periods(rows: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Add between which periods of their own a customer is fully observed, and in which the end came."""
    began, period = pl.col("began_on"), question.period
    entry = pl.lit(1) if question.start is None else _first_period(began, question)
    added = rows.with_columns(
        first_period=entry.cast(pl.Int64),
        last_period=whole_periods(began, pl.lit(question.until), period).cast(pl.Int64),
        end_period=pl.when("has_ended").then(
            pl.max_horizontal(whole_periods(began, pl.col("last_on"), period, up=True), 1).cast(pl.Int64)
        ),
    )
    return _with_ways(added, question) if question.of_contracts else added


def _first_period(began: pl.Expr, question: Question) -> pl.Expr:
    begun = whole_periods(began, pl.lit(question.start), question.period, up=True)
    return pl.max_horizontal(begun, 0) + 1


def _with_ways(rows: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Add which of the ways to end came first: a pause, a lower contract, or the end."""
    until = pl.lit(question.until)
    days = {
        3: pl.col("downgraded_on"),
        2: pl.col("paused_on"),
        1: pl.when("has_ended").then(pl.col("ended_on")),
    }
    first = pl.min_horizontal(*days.values())
    known = (first <= until).fill_null(value=False)
    way = pl.lit(0)
    for number, day in days.items():
        way = pl.when(known & (day == first)).then(pl.lit(number)).otherwise(way)
    on = pl.when(known).then(first).otherwise(pl.col("last_on"))
    return rows.with_columns(
        first_end=way.cast(pl.Int64), first_end_day=(on - pl.col("began_on")).dt.total_days()
    )


def _grouped(rows: pl.DataFrame, by: str | None) -> tuple[pl.DataFrame, tuple[str, ...]]:
    if by is None:
        return rows.with_columns(group=pl.lit(EVERYONE)), ()
    value = (
        pl.when(by).then(pl.lit("yes")).otherwise(pl.lit("no"))
        if rows.schema[by] == pl.Boolean
        else pl.col(by)
    )
    named = rows.with_columns(
        group=pl.when(pl.col(by).is_null()).then(pl.lit(UNKNOWN)).otherwise(value.cast(pl.String))
    )
    sizes = named.group_by("group").len().sort("len", "group", descending=[True, False])
    names = [g for g in sizes["group"].to_list() if g != UNKNOWN]
    if len(names) <= MOST_GROUPS:
        return named, ()
    rest = names[MOST_GROUPS - 1 :]
    merged = pl.when(pl.col("group").is_in(rest)).then(pl.lit(OTHERS)).otherwise("group")
    return named.with_columns(group=merged), tuple(rest)


def _nobody(question: Question, n: int, gone: int, facts: dict[str, int]) -> NotEnoughDataError:
    n_orders = question.order_number - 1
    if question.of_contracts:
        what = "customers whose contract was observed for longer than the grace"
        remedy = f"Take a later as_of, a shorter grace_days (now {question.grace_days}), or an earlier start."
        if facts.get("n_ends_later"):
            remedy = (
                f"Where the {facts['n_ends_later']:,} ends on or after as_of, {question.as_of}, have happened, take a later as_of; "
                f"else a shorter grace_days (now {question.grace_days}), or an earlier start."
            )
    elif n and n == gone:
        what = f"customers who on {question.start} still had order {question.order_number} before them"
        remedy = "Take an earlier start, or none."
    else:
        what = f"customers with {'an order' if n_orders == 1 else f'{n_orders} or more orders'}"
        remedy = "Widen the dates or filters, or ask for an earlier order_number."
    return NotEnoughDataError.of(f"{what} among {n:,}" if n else what, 0, 1, remedy)


def _facts(extract: Extract, question: Question) -> dict[str, int]:
    """Count contract periods that end before they start, and such as end on or after the as-of date."""
    if not question.of_contracts or "ended_on" not in extract.frame.collect_schema().names():
        return {}
    rows = extract.frame.filter(pl.col("started_on") < question.as_of)
    counted: dict[str, Any] = (
        rows.select(
            n_backward=(
                (pl.col("ended_on") < pl.col("started_on")) & (pl.col("ended_on") < question.as_of)
            ).sum(),
            n_ends_later=(pl.col("ended_on") >= question.as_of).sum(),
        )
        .collect()
        .row(0, named=True)
    )
    return {name: int(n) for name, n in counted.items()}
