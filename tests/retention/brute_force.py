"""The cohort table counted by hand: plain dates, dicts and sets, every customer asked about every window.

Slow and short on purpose, and made of other parts than the library: a window here is a stretch of time with a first
and a last moment, and a customer is active in it if one of their purchases lies inside.
"""

from __future__ import annotations

import calendar as months_of_the_world
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

Row = Mapping[str, Any]
"""A line of an order: customer_id, ordered_at, amount and maybe order_id, cost."""

ONE_DAY = timedelta(days=1)
WEEKDAYS = {"monday": 0, "sunday": 6, "saturday": 5}


@dataclass(frozen=True)
class Order:
    """An order on its first day."""

    at: datetime
    amount: float
    is_action: bool
    is_purchase: bool
    cost: float | None
    knows_cost: bool


@dataclass(frozen=True)
class Question:
    """What is asked of the cohort table."""

    as_of: date
    start: date | None = None
    period: str = "month"
    week_start: str = "monday"
    fiscal_year_start: int = 1
    criterion: str = "on"
    horizon: int | None = None
    brackets: tuple[tuple[int, int], ...] = ()
    entry: str = "first_ever"
    clock: str = "calendar"
    activity: str = "purchases"
    most_periods: int = 8


@dataclass
class Cell:
    """One cohort at one age."""

    n_customers: int
    n_active: int
    is_complete: bool
    n_orders: int
    spend: float
    cost: float
    cumulative_spend: float


def orders_of(rows: Iterable[Row], question: Question) -> dict[str, list[Order]]:
    """Collect lines into orders: by customer and order id, or by customer and day where there is no id."""
    baskets: dict[tuple[str, object], list[Row]] = defaultdict(list)
    for row in rows:
        if row["ordered_at"].date() < question.as_of:
            number = row.get("order_id")
            key = ("id", number) if number is not None else ("day", row["ordered_at"].date())
            baskets[row["customer_id"], key].append(row)
    found: dict[str, list[Order]] = defaultdict(list)
    for (customer, _), lines in baskets.items():
        net = sum(line["amount"] for line in lines)
        gross = sum(line["amount"] for line in lines if line["amount"] > 0)
        bought = net > 1e-9 * gross
        costs = [line.get("cost") for line in lines if line.get("cost") is not None]
        found[customer].append(
            Order(
                at=min(line["ordered_at"] for line in lines),
                amount=net,
                is_action=bought or question.activity == "any",
                is_purchase=bought,
                cost=sum(costs) if costs else None,
                knows_cost=len(costs) == len(lines),
            )
        )
    return found


@cache
def first_day(day: date, question: Question) -> date:
    """Walk back day by day to the first day of the period."""
    while not begins(day, question):
        day -= ONE_DAY
    return day


@cache
def next_period(day: date, question: Question) -> date:
    """Walk on day by day to the first day of the next period."""
    day += ONE_DAY
    while not begins(day, question):
        day += ONE_DAY
    return day


def begins(day: date, question: Question) -> bool:
    """Whether a period begins on this day."""
    of_the_year = (day.month - question.fiscal_year_start) % 12
    return {
        "day": True,
        "week": day.weekday() == WEEKDAYS[question.week_start],
        "month": day.day == 1,
        "quarter": day.day == 1 and of_the_year % 3 == 0,
        "year": day.day == 1 and of_the_year == 0,
    }[question.period]


def months_later(day: date, n: int) -> date:
    """Give the n-th monthly anniversary, on the last day of a month that is too short for it."""
    year, month = day.year, day.month
    for _ in range(n):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return date(year, month, min(day.day, months_of_the_world.monthrange(year, month)[1]))


@cache
def window(cohort: date, entered: datetime, age: int, question: Question) -> tuple[datetime, datetime]:
    """Give the first moment of an age and the first moment after it."""
    if question.clock == "calendar":
        first = cohort
        for _ in range(age):
            first = next_period(first, question)
        return midnight(first), midnight(next_period(first, question))
    if question.clock == "24h":
        return entered + age * ONE_DAY, entered + (age + 1) * ONE_DAY
    if question.clock == "month":
        day = entered.date()
        return midnight(months_later(day, age)), midnight(months_later(day, age + 1))
    length = {"7d": 7, "30d": 30}[question.clock] * ONE_DAY
    return midnight(entered.date()) + age * length, midnight(entered.date()) + (age + 1) * length


def midnight(day: date) -> datetime:
    """Give the first moment of a day."""
    return datetime.combine(day, time.min)


def last_moment(cohort: date, question: Question) -> datetime:
    """Give the latest entry that a cohort can hold."""
    end = midnight(next_period(cohort, question))
    return end - timedelta(microseconds=1) if question.clock == "24h" else end - ONE_DAY


@dataclass(frozen=True)
class Member:
    """A customer in a cohort: from when, and everything they did."""

    customer: str
    cohort: date
    entered: datetime
    orders: tuple[Order, ...]


def members(rows: Iterable[Row], question: Question) -> list[Member]:
    """Let customers enter: at their first action ever, or at the first action of each period."""
    found = []
    for customer, orders in orders_of(rows, question).items():
        actions = sorted(o.at for o in orders if o.is_action)
        entries: dict[date, datetime] = {}
        for at in actions:
            entries.setdefault(first_day(at.date(), question), at)
        if question.entry == "first_ever":
            entries = dict(list(entries.items())[:1])
        for cohort, at in entries.items():
            if question.start is None or at.date() >= question.start:
                found.append(Member(customer, cohort, at, tuple(orders)))
    return found


def did(member: Member, ages: Iterable[int], question: Question) -> bool:
    """Whether the member acted at one of these ages."""
    return any(
        order.is_action and low <= order.at < high
        for low, high in (window(member.cohort, member.entered, age, question) for age in ages)
        for order in member.orders
    )


def is_active(member: Member, age: int, question: Question) -> bool:
    """Whether the member counts as retained at this age."""
    if question.criterion == "on":
        return did(member, [age], question)
    if question.criterion == "on_or_after" and question.horizon is not None:
        return did(member, range(age, age + question.horizon), question)
    if question.criterion == "on_or_after":
        begin, _ = window(member.cohort, member.entered, age, question)
        return any(order.is_action and order.at >= begin for order in member.orders)
    if question.criterion == "on_or_before":
        return age == 0 or did(member, range(1, age + 1), question)
    if question.criterion == "streak":
        return all(did(member, [a], question) for a in range(age + 1))
    raise AssertionError(question.criterion)


def is_over(cohort: date, age: int, question: Question) -> bool:
    """Whether an age is over for everyone who can have entered the cohort."""
    _, end = window(cohort, last_moment(cohort, question), age, question)
    return end <= midnight(question.as_of)


def has_begun(cohort: date, age: int, question: Question) -> bool:
    """Whether an age has begun for anyone who can have entered the cohort."""
    begin, _ = window(cohort, midnight(cohort), age, question)
    return begin < midnight(question.as_of)


def last_age(age: int, question: Question) -> int:
    """Give the age that must be over for the cell of `age` to be complete."""
    if question.criterion == "on_or_after" and question.horizon is not None:
        return age + question.horizon - 1
    return age


def cells(rows: Sequence[Row], question: Question) -> dict[tuple[date, int], Cell]:
    """Count every cell whose age has begun, for each cohort from its own start on."""
    found: dict[tuple[date, int], Cell] = {}
    for cohort, those in _cohorts(rows, question).items():
        age, cumulative = 0, 0.0
        while has_begun(cohort, age, question) and age <= question.most_periods:
            inside = [o for m in those for o in m.orders if within(o, m, age, question)]
            cumulative += sum(o.amount for o in inside)
            found[cohort, age] = Cell(
                n_customers=len(those),
                n_active=sum(is_active(m, age, question) for m in those),
                is_complete=is_over(cohort, last_age(age, question), question),
                n_orders=sum(o.is_purchase for o in inside),
                spend=sum(o.amount for o in inside),
                cost=sum(o.cost or 0.0 for o in inside),
                cumulative_spend=cumulative,
            )
            age += 1
    return found


def bracket_cells(rows: Sequence[Row], question: Question) -> dict[tuple[date, int], tuple[int, int, bool]]:
    """Count customers, active ones and completeness per cohort and first age of a bracket, both ends counted."""
    return {
        (cohort, first): (
            len(those),
            sum(did(m, range(first, last + 1), question) for m in those),
            is_over(cohort, last, question),
        )
        for cohort, those in _cohorts(rows, question).items()
        for first, last in ((0, 0), *question.brackets)
        if has_begun(cohort, first, question)
    }


@dataclass
class PaidBack:
    """What has come back of the cost of winning a cohort, up to an age; of the customers whose cost is known."""

    n_with_cost: int
    cost: float
    share: float
    is_complete: bool


def payback(
    rows: Sequence[Row], question: Question, costs: Mapping[str, float | None]
) -> dict[tuple[date, int], PaidBack]:
    """Set what customers brought since they came against what winning them cost.

    They bring margin where the cost of every line since then is known, else spend.
    """
    every = _cohorts(rows, question)
    since = {id(m): window(c, m.entered, 0, question)[0] for c, those in every.items() for m in those}
    knows = all(
        o.knows_cost for those in every.values() for m in those for o in m.orders if o.at >= since[id(m)]
    )
    found: dict[tuple[date, int], PaidBack] = {}
    for cohort, those in every.items():
        known = [m for m in those if costs.get(m.customer) is not None]
        cost = sum(costs[m.customer] or 0.0 for m in known)
        age, earned = 0, 0.0
        while cost > 0 and has_begun(cohort, age, question) and age <= question.most_periods:
            inside = [o for m in known for o in m.orders if within(o, m, age, question)]
            earned += sum(o.amount - (o.cost or 0.0 if knows else 0.0) for o in inside)
            found[cohort, age] = PaidBack(len(known), cost, earned / cost, is_over(cohort, age, question))
            age += 1
    return found


def _cohorts(rows: Iterable[Row], question: Question) -> dict[date, list[Member]]:
    found: dict[date, list[Member]] = defaultdict(list)
    for member in members(rows, question):
        found[member.cohort].append(member)
    return found


def within(order: Order, member: Member, age: int, question: Question) -> bool:
    """Whether an order or refund lies in the age; money counts from the customer's entry on."""
    low, high = window(member.cohort, member.entered, age, question)
    return low <= order.at < high


def averages(found: Mapping[tuple[date, int], Cell], kind: str) -> dict[int, tuple[float, int]]:
    """Average complete cells by age: the rate and the number of cohorts behind it.

    "pooled" divides customers by customers, "simple" takes the mean of the cohorts' rates, and "mature_only" pools the
    cohorts that have completed every age up to the one that half of the cohorts have completed.
    """
    complete = {key: cell for key, cell in found.items() if cell.is_complete}
    if kind == "mature_only":
        complete = _mature(complete)
    result = {}
    for age in {age for _, age in complete}:
        those = [cell for (_, a), cell in complete.items() if a == age]
        if kind == "simple":
            rate = sum(c.n_active / c.n_customers for c in those) / len(those)
        else:
            rate = sum(c.n_active for c in those) / sum(c.n_customers for c in those)
        result[age] = rate, len(those)
    return result


def _mature(complete: Mapping[tuple[date, int], Cell]) -> dict[tuple[date, int], Cell]:
    last: dict[date, int] = {}
    for cohort, age in complete:
        last[cohort] = max(age, last.get(cohort, 0))
    reached = max(
        (age for age in last.values() if 2 * sum(other >= age for other in last.values()) >= len(last)),
        default=0,
    )
    return {key: cell for key, cell in complete.items() if last[key[0]] >= reached and key[1] <= reached}
