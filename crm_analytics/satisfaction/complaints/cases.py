"""Cases as they were known at a moment: open or closed, how long each took, and whether the customer came again with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.periods import Period, WeekStart
from crm_analytics.satisfaction.ratings import odd_codes
from crm_analytics.stats.intervals import Floats

NOT_STATED: Final = "not stated"
"""Where a case has no category, channel or product."""

_OPTIONAL: Final = {
    "customer_id": pl.String(),
    "closed_at": pl.Datetime("us"),
    "first_answered_at": pl.Datetime("us"),
    "category": pl.String(),
    "channel": pl.String(),
    "product_id": pl.String(),
    "first_contact_resolved": pl.Boolean(),
    "reopened": pl.Boolean(),
    "csat": pl.Float64(),
}
_WHEN_CLOSED: Final = ("first_contact_resolved", "reopened", "csat")
"""What is only known of a case once it is closed."""


@dataclass(frozen=True)
class Question:
    """What was asked: the window, the periods, the target, and how long things may take to count."""

    as_of: date
    start: date | None
    period: Period
    week_start: WeekStart
    target_hours: float
    recontact_days: int
    survey_days: int
    horizon_days: int

    @property
    def end(self) -> datetime:
        """The first moment that is not seen."""
        return datetime.combine(self.as_of, time.min)

    @property
    def target_days(self) -> int:
        """The target in whole days, rounded up."""
        return int(-(-self.target_hours // 24))


@dataclass(frozen=True, eq=False)
class Cases:
    """The cases that were seen.

    Attributes
    ----------
    every
        All cases before `as_of`, those before `start` too: what came first is decided on them.
    counted
        Those from `start` on.
    has
        Which optional columns the extract has with any value.
    n_backwards
        Counted cases that were closed before they were opened; how long they took is unknown.
    codes
        Satisfaction outside the run of its scale (such as 99), with how often: taken as no answer.
    tells_closing
        Whether the extract says when cases were closed; where it does not, nobody knows which are open.
    """

    question: Question
    every: pl.DataFrame
    counted: pl.DataFrame
    has: frozenset[str]
    n_backwards: int
    codes: Mapping[float, int]
    tells_closing: bool = True

    @property
    def n(self) -> int:
        """How many cases are counted."""
        return self.counted.height

    @property
    def timed(self) -> pl.DataFrame:
        """Counted cases of which it is known how long they took, or have taken so far."""
        return self.counted.filter(pl.col("hours").is_not_null())


def see(frame: pl.LazyFrame, question: Question) -> Cases:
    """Give the cases as they were known at the beginning of the as-of day.

    A moment on or after it has not come yet: the case is open, and what is said of closed cases is not known.
    """
    names = frame.collect_schema().names()
    filled = frame.with_columns(
        pl.lit(None, kind).alias(c) for c, kind in _OPTIONAL.items() if c not in names
    )
    seen = filled.filter(pl.col("opened_at") < question.end).select("case_id", "opened_at", *_OPTIONAL)
    tells_closing = "closed_at" in names
    known, codes = _answered(_known(seen, question.end, tells_closing=tells_closing).collect())
    every = _again(known.sort("opened_at", "case_id"), question)
    counted = every if question.start is None else every.filter(pl.col("opened_on") >= question.start)
    has = frozenset(c for c in _OPTIONAL if counted[c].null_count() < counted.height)
    backwards = int(counted.select((pl.col("closed_at") < pl.col("opened_at")).sum()).item())
    return Cases(question, every, counted, has, backwards, codes, tells_closing)


def _answered(rows: pl.DataFrame) -> tuple[pl.DataFrame, dict[float, int]]:
    """Take codes that lie outside the run of the scale as no answer, and count them."""
    given = array(rows.drop_nulls("csat"), "csat")
    odd = odd_codes(given, "csat") if given.size else ()
    counts = {code: int((given == code).sum()) for code in odd}
    return rows.with_columns(csat=pl.when(~pl.col("csat").is_in(list(odd))).then("csat")), counts


def _known(rows: pl.LazyFrame, end: datetime, *, tells_closing: bool) -> pl.LazyFrame:
    come = [pl.when(pl.col(c) < end).then(pl.col(c)).alias(c) for c in ("closed_at", "first_answered_at")]
    closed = pl.col("closed_at").is_not_null()
    opened = pl.col("opened_at")
    return (
        rows.with_columns(*come)
        .with_columns(pl.when(closed | (not tells_closing)).then(pl.col(c)).alias(c) for c in _WHEN_CLOSED)
        .with_columns(
            opened_on=opened.dt.date(),
            is_open=~closed,
            hours=_hours(pl.col("closed_at").fill_null(end) - opened)
            if tells_closing
            else pl.lit(None, pl.Float64),
            answer_hours=_hours(pl.min_horizontal("first_answered_at", "closed_at").fill_null(end) - opened),
            is_answered=pl.col("first_answered_at").is_not_null() | closed,
        )
    )


def _hours(span: pl.Expr) -> pl.Expr:
    hours = span.dt.total_seconds() / 3600
    return pl.when(hours >= 0).then(hours)


def _again(rows: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Mark cases that follow another of the same customer on the same topic, and those that are followed by one.

    Rows come in the order of time; sorting by topic keeps that order within each.
    """
    window = pl.duration(days=question.recontact_days)
    known = pl.col("customer_id").is_not_null()
    at, topic = pl.col("opened_at"), ("customer_id", "category")
    first = known & pl.col("customer_id").is_first_distinct()
    by_topic = rows.with_columns(is_first=first).with_row_index("place").sort(topic, maintain_order=True)
    alike = pl.all_horizontal(pl.col(c).eq_missing(pl.col(c).shift(1)) for c in topic)
    soon = known & alike & (at - at.shift(1) <= window).fill_null(value=False)
    marked = by_topic.with_columns(is_recontact=soon).with_columns(
        is_followed=pl.col("is_recontact").shift(-1, fill_value=False)
    )
    return marked.sort("place").drop("place")


def first_contacts(cases: Cases) -> pl.DataFrame:
    """Give the counted cases with `fcr`: whether the first contact was enough; null where that is not judged.

    Not judged are cases without a customer, those that follow another on the same topic within the window, those opened too
    recently for the window to have passed, and those of which it is not known how long they took.
    """
    question = cases.question
    window = pl.duration(days=question.recontact_days)
    at = pl.col("opened_at")
    judged = (
        pl.col("customer_id").is_not_null()
        & pl.col("hours").is_not_null()
        & ~pl.col("is_recontact")
        & (at + window <= question.end)
    )
    in_time = ~pl.col("is_open") & (pl.col("closed_at") - at <= window).fill_null(value=False)
    once = ~pl.col("is_followed") & ~pl.col("reopened").fill_null(value=False)
    return cases.counted.with_columns(fcr=pl.when(judged).then(in_time & once))


def array(rows: pl.DataFrame, column: str) -> Floats:
    """Give a column as an array."""
    return np.asarray(rows[column].cast(pl.Float64).to_numpy(), float)


def groups(rows: pl.DataFrame, column: str, most: int) -> pl.DataFrame:
    """Name the group of each case in `case_group`: the largest of a column, and the others together."""
    value = pl.col(column).fill_null(NOT_STATED)
    named = rows.with_columns(case_group=value)
    sizes = named.group_by("case_group").len().sort("len", "case_group", descending=[True, False])
    largest = sizes["case_group"].head(most if sizes.height > most + 1 else most + 1)
    kept = pl.col("case_group").is_in(largest.implode())
    return named.with_columns(case_group=pl.when(kept).then(pl.col("case_group")).otherwise(pl.lit("others")))
