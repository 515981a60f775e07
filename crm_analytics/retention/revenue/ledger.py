"""The ledger of recurring revenue: what each customer brought at the end of each period, from contracts or from orders.

Amounts are whole millionths, so that sums over customers, periods and movements tie exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

import numpy as np
import polars as pl

from crm_analytics.aggregates.calendar_numbers import Calendar
from crm_analytics.aggregates.cohorts import extract_cube
from crm_analytics.aggregates.coverage import covered_from
from crm_analytics.aggregates.customers import MONEY_DECIMALS
from crm_analytics.aggregates.periods import Period, period_start, shift
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.extracts.extract import Extract

UNIT: Final = 10**MONEY_DECIMALS
"""So many whole units make one of the currency."""

_MOST: Final = 9 * 10**12
"""The largest sum of money that whole units hold."""


@dataclass(frozen=True, eq=False)
class Ledger:
    """Recurring revenue by customer and period.

    Attributes
    ----------
    kind
        "contracts": `net` is the monthly amount in force on the last day of the period; "orders": the net spend in it.
    starts, ends
        First day of each period, oldest first, and the first day after it; the last may end early, at the as-of date.
    complete
        Whether the period is seen whole.
    customers
        One row per customer who was ever active: `customer` (a number), `customer_id`, `first` (number of the period in
        which they first were), `first_net` (what they then began with), `is_priced` (whether all amounts are known).
    states
        One row per customer and period with something in it: `customer`, `period`, `net`, `is_active`; sorted.
    changes
        Of contracts, every day on which something changed: `customer`, `day`, `net`, `is_active` from then on; sorted.
    has_money
        Whether any amount is known; else all there is are customers.
    facts
        Counts for the notes.
    seen_from
        The day on which the first contract began, or of the first order of the extract.
    """

    kind: Literal["contracts", "orders"]
    period: Period
    starts: list[date]
    ends: list[date]
    complete: list[bool]
    customers: pl.DataFrame
    states: pl.DataFrame
    changes: pl.DataFrame | None
    has_money: bool
    facts: dict[str, int]
    seen_from: date

    @property
    def n_periods(self) -> int:
        """How many periods there are, the unfinished one included."""
        return len(self.starts)

    @property
    def last_complete(self) -> int | None:
        """Number of the last period that is seen whole."""
        return max((i for i, whole in enumerate(self.complete) if whole), default=None)

    def number_of(self, day: date) -> int:
        """Give the number of the period in which a day lies; -1 before the first."""
        return bisect_right(self.starts, day) - 1


def _calendar(
    first: date, as_of: date, extract: Extract, period: Period
) -> tuple[list[date], list[date], list[bool]]:
    begin, starts = period_start(first, period, extract.week_start), []
    while begin < as_of:
        starts.append(begin)
        begin = shift(begin, 1, period)
    ends = [*starts[1:], begin]
    return starts, [min(end, as_of) for end in ends], [end <= as_of for end in ends]


def of_orders(extract: Extract, as_of: date, period: Period) -> Ledger:
    """Make the ledger of orders: net spend by customer and period."""
    calendar = Calendar(period, extract.week_start)
    ids, cells = _by_customer(extract, as_of, calendar)
    _check_size(cells["spend"])
    first = covered_from(extract)
    earliest = calendar.first_day(int(cells["number"].min()))  # type: ignore[arg-type]
    starts, ends, complete = _calendar(min(first, earliest), as_of, extract, period)
    complete[0] = complete[0] and first <= starts[0]
    states = cells.select(
        "customer",
        period=pl.col("number") - calendar.number_of(starts[0]),
        net=_units("spend"),
        is_active=pl.col("spend") > 0,
    )
    first_ones = states.filter("is_active").unique("customer", keep="first", maintain_order=True)
    customers = ids.join(
        first_ones.select("customer", first="period", first_net="net"), on="customer", how="inner"
    )
    kept = states.filter((pl.col("net") != 0) | pl.col("is_active"))
    facts = {"n_without_revenue": ids.height - customers.height}
    return Ledger(
        "orders", period, starts, ends, complete, _priced(customers), kept, None, True, facts, first
    )


def _by_customer(extract: Extract, as_of: date, calendar: Calendar) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the customers, numbered in the order of their ids, and the net spend of each period sorted by them."""
    cubes = extract_cube(extract, as_of=as_of, calendar=calendar, activity="purchases")
    parts = list(
        cubes.each(lambda part: (part.customer.astype(np.int64) + part.before, part.number, part.spend))
    )
    customer, number, spend = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    names = cubes.ids
    by_id = names.arg_sort().to_numpy()
    rows = np.bincount(customer, minlength=by_id.size)
    order = by_id[rows[by_id] > 0]  # the customers who have a row
    n, begins = rows[order], (np.cumsum(rows) - rows)[order]
    at = np.repeat(begins - (np.cumsum(n) - n), n) + np.arange(n.sum())
    cells = {
        "customer": np.repeat(np.arange(order.size), n),
        "number": number[at].astype(np.int64),
        "spend": spend[at],
    }
    ids = pl.DataFrame({"customer": np.arange(order.size), "customer_id": names.gather(order)})
    return ids, pl.DataFrame(cells).with_columns(pl.col("spend").round(MONEY_DECIMALS))


def _priced(customers: pl.DataFrame) -> pl.DataFrame:
    return customers.sort("customer").with_columns(is_priced=pl.lit(True))


def _check_size(amounts: pl.Series) -> None:
    """Refuse what whole millionths cannot hold: sums would run over without a word."""
    total = float(amounts.abs().sum())
    if total > _MOST:
        raise OptionError(
            f"The amounts come to {total:,.0f} altogether.",
            f"Up to {_MOST:,} can be added up exactly.",
            "Divide them by a thousand before they are read, and read the figures as thousands.",
        )


def _units(column: str) -> pl.Expr:
    return (pl.col(column) * UNIT).round().cast(pl.Int64)


def of_contracts(extract: Extract, as_of: date, period: Period, grace_days: int) -> Ledger:
    """Make the ledger of contracts: the monthly amount in force at the end of each period."""
    rows, facts = _seen(extract, as_of)
    if rows.is_empty():
        what = f"contract periods that begin before {as_of} and last a day or more ({facts['n_no_day']:,} last none)"
        remedy = "Take a later as_of, or look at the check report: do contracts end on the day they begin?"
        raise NotEnoughDataError.of(what, 0, 1, remedy)
    has_money = rows["net"].null_count() < rows.height
    changes = _without_pauses(_changes(rows, as_of, has_money=has_money), grace_days)
    first: date = rows["started_on"].min()  # type: ignore[assignment]
    starts, ends, complete = _calendar(first, as_of, extract, period)
    priced = rows.group_by("customer").agg(is_priced=pl.col("net").null_count() == 0)
    began = changes.filter("is_active").unique("customer", keep="first", maintain_order=True)
    customers = (
        rows.select("customer", "customer_id")
        .unique()
        .join(priced, on="customer")
        .join(began.select("customer", first_on="day", first_net="net"), on="customer", how="inner")
        .with_columns(first=_number(pl.col("first_on"), starts))
        .select("customer", "customer_id", "first", "first_net", "is_priced")
        .sort("customer")
    )
    facts["n_never_paying"] = priced.height - customers.height
    facts["n_unpriced"] = customers.filter(~pl.col("is_priced")).height
    states = _states(changes, starts)
    return Ledger(
        "contracts", period, starts, ends, complete, customers, states, changes, has_money, facts, first
    )


def _seen(extract: Extract, as_of: date) -> tuple[pl.DataFrame, dict[str, int]]:
    """Give the contract periods that began before `as_of`, with customers numbered by id."""
    names = extract.frame.collect_schema().names()
    missing = [c for c in ("ended_on", "monthly_amount", "plan") if c not in names]
    kinds = {"ended_on": pl.Date, "monthly_amount": pl.Float64, "plan": pl.String}
    rows = (
        extract.frame.with_columns(pl.lit(None, kinds[c]).alias(c) for c in missing)
        .filter(pl.col("started_on") < as_of)
        .select("customer_id", "started_on", "ended_on", "plan", amount="monthly_amount")
        .with_columns(customer=pl.col("customer_id").rank("dense").cast(pl.Int64) - 1)
        .collect()
    )
    _check_size(rows["amount"])
    rows = rows.with_columns(net=_units("amount")).drop("amount")
    lasting = pl.col("ended_on").is_null() | (pl.col("ended_on") > pl.col("started_on"))
    kept = rows.filter(lasting)
    facts = {
        "n_no_day": rows.height - kept.height,
        "n_later_ends": int((rows["ended_on"] >= as_of).sum()),
        "n_day_after": _day_after(kept),
        "n_ends": int((kept["ended_on"] < as_of).sum()),
    }
    return kept, facts


def _day_after(rows: pl.DataFrame) -> int:
    """Count contract periods that end exactly a day before the customer's next one begins."""
    next_day = rows.select("customer", ended_on=pl.col("started_on").dt.offset_by("-1d")).unique()
    ended = rows.filter(pl.col("ended_on").is_not_null())
    return ended.join(next_day, on=["customer", "ended_on"], how="semi").height


def contracts_of(extract: Extract, as_of: date) -> pl.DataFrame:
    """Give the contract periods that began before `as_of` and last a day or more, with `customer` and `net`."""
    return _seen(extract, as_of)[0]


def _changes(rows: pl.DataFrame, as_of: date, *, has_money: bool) -> pl.DataFrame:
    """Add concurrent contracts up, day by day of change; what is without an amount counts by being in force."""
    unpriced = rows.filter(pl.col("net").is_null())["customer"].unique()
    known = ~pl.col("customer").is_in(unpriced.implode())
    amount = pl.when(known).then(pl.col("net")).otherwise(0)
    begins = rows.select("customer", day="started_on", by=amount, n=1)
    ends = rows.filter(pl.col("ended_on") < as_of).select("customer", day="ended_on", by=-amount, n=-1)
    running = (
        pl.concat([begins, ends])
        .group_by("customer", "day")
        .agg(pl.col("by", "n").sum())
        .sort("customer", "day")
        .with_columns(
            net=pl.col("by").cum_sum().over("customer"), in_force=pl.col("n").cum_sum().over("customer")
        )
    )
    paying = pl.col("net") > 0
    by_contract = pl.col("in_force") > 0
    is_active = pl.when(known).then(paying).otherwise(by_contract) if has_money else by_contract
    return running.select("customer", "day", "net", is_active=is_active)


def _without_pauses(changes: pl.DataFrame, grace_days: int) -> pl.DataFrame:
    """Leave out pauses of at most so many days: what was in force holds until the next contract."""
    if not grace_days:
        return changes
    was = previous("is_active", nothing=False)
    marked = changes.with_columns(
        left_on=pl.when(~pl.col("is_active") & was).then("day").forward_fill().over("customer"),
        back_on=pl.when(pl.col("is_active")).then("day").backward_fill().over("customer"),
    )
    pause = (
        (~pl.col("is_active") & ((pl.col("back_on") - pl.col("left_on")).dt.total_days() <= grace_days))
        .fill_null(value=False)
    )  # fmt: skip
    return marked.filter(~pause).drop("left_on", "back_on")


def _number(day: pl.Expr, starts: list[date]) -> pl.Expr:
    """Give the number of the period in which a day lies."""
    edges = pl.Series(starts).to_physical()
    return (
        day.to_physical()
        .map_batches(lambda days: edges.search_sorted(days, side="right"), return_dtype=pl.UInt32)
        .cast(pl.Int64)
        - 1
    )


def _states(changes: pl.DataFrame, starts: list[date]) -> pl.DataFrame:
    """Give what is in force at the end of each period: a change holds until the period of the next one."""
    numbered = changes.with_columns(since=_number(pl.col("day"), starts))
    held = numbered.with_columns(until=following("since", len(starts))).filter(
        (pl.col("until") > pl.col("since")) & ((pl.col("net") != 0) | pl.col("is_active"))
    )
    return (
        held.with_columns(period=pl.int_ranges("since", "until"))
        .explode("period")
        .select("customer", "period", "net", "is_active")
    )


def previous(column: str, nothing: object) -> pl.Expr:
    """Give the customer's value one row before, in rows that are sorted by customer; else nothing."""
    same = pl.col("customer") == pl.col("customer").shift()
    return pl.when(same).then(pl.col(column).shift()).otherwise(pl.lit(nothing))


def following(column: str, nothing: object) -> pl.Expr:
    """Give the customer's value one row after, in rows that are sorted by customer; else nothing."""
    same = pl.col("customer") == pl.col("customer").shift(-1)
    return pl.when(same).then(pl.col(column).shift(-1)).otherwise(pl.lit(nothing))


def last_day(ledger: Ledger, number: int) -> date:
    """Give the last day of a period that is seen."""
    return ledger.ends[number] - timedelta(days=1)
