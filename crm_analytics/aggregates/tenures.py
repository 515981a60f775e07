"""How long customers stayed, and how long they took to order again: rows become one observation per customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final, Literal

import narwhals as nw
import polars as pl
from narwhals.typing import IntoFrame

from crm_analytics.aggregates.orders import orders

TenurePeriod = Literal["day", "week", "month", "quarter", "year"]

MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
"""Periods that are counted in calendar months from a customer's own first day."""

_DAYS: Final = {"day": 1, "week": 7}
_FAR: Final = date(9999, 12, 31)


def contract_tenures(
    frame: pl.LazyFrame, *, as_of: date, grace_days: int = 0, columns: Sequence[str] = ()
) -> pl.DataFrame:
    """Give each customer's first tenure: contract periods that follow each other within the grace are one.

    Parameters
    ----------
    frame
        Subscriptions in canonical columns; `ended_on` is the first day that is no longer covered.
    as_of
        The first day that is not seen; an end on or after it has not been seen.
    grace_days
        The longest gap, in days, after which a contract counts as resumed and not as left.
    columns
        Columns whose value at the beginning of the tenure is wanted.

    Returns
    -------
    polars.DataFrame
        One row per customer, sorted: `customer_id`, `began_on`, `ended_on` (null while it runs), `paused_on` (first gap
        within the grace), `downgraded_on` (first contract that follows at a lower monthly amount), `returned_on` (begin of
        a later tenure), and the columns.

    Examples
    --------
    >>> frame = pl.LazyFrame(
    ...     {
    ...         "customer_id": ["a", "a", "a"],
    ...         "started_on": [date(2026, 1, 1), date(2026, 2, 1), date(2026, 6, 1)],
    ...         "ended_on": [date(2026, 2, 1), date(2026, 3, 1), None],
    ...         "monthly_amount": [20.0, 10.0, 10.0],
    ...     }
    ... )
    >>> found = contract_tenures(frame, as_of=date(2026, 7, 1), grace_days=30)
    >>> found.select("began_on", "ended_on", "downgraded_on", "returned_on").row(0)
    (datetime.date(2026, 1, 1), datetime.date(2026, 3, 1), datetime.date(2026, 2, 1), datetime.date(2026, 6, 1))
    """
    rows = _in_order(frame, as_of, columns)
    reached = pl.col("end").cum_max().shift(1).over("customer_id")
    gap = (pl.col("started_on") - reached).dt.total_days()
    paid = pl.col("amount")
    marked = rows.with_columns(
        gap=gap,
        reached=reached,
        is_lower=(gap >= 0) & (paid < paid.shift(1).over("customer_id")),
        tenure=(gap > grace_days).fill_null(value=False).cast(pl.Int32).cum_sum().over("customer_id"),
    )
    first, day = pl.col("tenure") == 0, pl.col("started_on")
    found = marked.group_by("customer_id", maintain_order=True).agg(
        began_on=day.first(),
        ended_on=pl.col("end").filter(first).max().replace(_FAR, None),
        paused_on=pl.col("reached").filter(first & (pl.col("gap") > 0)).min(),
        downgraded_on=day.filter(first & pl.col("is_lower")).min(),
        returned_on=day.filter(pl.col("tenure") == 1).min(),
        **{c: pl.col(c).first() for c in columns},
    )
    return found.collect()


def _in_order(frame: pl.LazyFrame, as_of: date, columns: Sequence[str]) -> pl.LazyFrame:
    names = frame.collect_schema().names()
    ended = pl.col("ended_on") if "ended_on" in names else pl.lit(None, pl.Date)
    amount = pl.col("monthly_amount") if "monthly_amount" in names else pl.lit(None, pl.Float64)
    seen = frame.filter(pl.col("started_on") < as_of).select(
        "customer_id",
        "started_on",
        end=pl.when(ended < as_of).then(ended).otherwise(pl.lit(_FAR)),
        amount=amount,
        **{c: pl.col(c) for c in columns},
    )
    forwards = seen.filter(pl.col("end") >= pl.col("started_on"))
    return forwards.sort("customer_id", "started_on", "end", "amount", *columns, nulls_last=True)


def order_waits(frame: IntoFrame, *, as_of: date, order_number: int = 2) -> pl.DataFrame:
    """Give each customer's wait for the n-th order, from the day of the order before it.

    Parameters
    ----------
    frame
        Transactions in canonical columns, anything that narwhals reads.
    as_of
        The first day that is not seen.
    order_number
        Which order is waited for: 2 or more.

    Returns
    -------
    polars.DataFrame
        One row per customer with at least `order_number - 1` purchases, sorted: `customer_id`, `began_on` (day of the
        order before), `ended_on` (day of the n-th order, null where it has not come).

    Examples
    --------
    >>> from datetime import datetime
    >>> lines = pl.LazyFrame(
    ...     {
    ...         "customer_id": ["a", "a", "b"],
    ...         "ordered_at": [datetime(2026, 1, 5), datetime(2026, 1, 9), datetime(2026, 1, 7)],
    ...         "amount": [10.0, 5.0, 8.0],
    ...     }
    ... )
    >>> order_waits(lines, as_of=date(2026, 2, 1)).rows()
    [('a', datetime.date(2026, 1, 5), datetime.date(2026, 1, 9)), ('b', datetime.date(2026, 1, 7), None)]
    """
    bought = orders(frame, as_of=as_of).filter(nw.col("is_purchase")).select("customer_id", "ordered_on")
    native: Any = bought.collect("polars").to_native()
    days = native.lazy().group_by("customer_id").agg(pl.col("ordered_on").sort())
    reached: pl.DataFrame = (
        days.select(
            "customer_id",
            began_on=pl.col("ordered_on").list.get(order_number - 2, null_on_oob=True),
            ended_on=pl.col("ordered_on").list.get(order_number - 1, null_on_oob=True),
        )
        .filter(pl.col("began_on").is_not_null())
        .sort("customer_id")
        .collect()
    )
    return reached


def whole_periods(begin: pl.Expr, day: pl.Expr, period: TenurePeriod, *, up: bool = False) -> pl.Expr:
    """Count whole periods from one day to another; begun ones too if `up`.

    Months, quarters and years are counted from day to same day; a month that lacks the day ends with its last.

    Examples
    --------
    >>> days = pl.DataFrame({"a": [date(2026, 1, 31)] * 3, "b": [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]})
    >>> days.select(whole_periods(pl.col("a"), pl.col("b"), "month")).to_series().to_list()
    [0, 1, 1]
    >>> days.select(whole_periods(pl.col("a"), pl.col("b"), "month", up=True)).to_series().to_list()
    [1, 1, 2]
    """
    if period in _DAYS:
        length = _DAYS[period]
        days = (day - begin).dt.total_days()
        return (days + (length - 1 if up else 0)) // length
    months = (day.dt.year() - begin.dt.year()).cast(pl.Int64) * 12 + (day.dt.month() - begin.dt.month())
    same_day = pl.min_horizontal(begin.dt.day(), day.dt.month_end().dt.day())
    full = months - (day.dt.day() < same_day).cast(pl.Int64)
    length = MONTHS[period]
    if not up:
        return full // length
    beyond = months + (day.dt.day() > same_day).cast(pl.Int64)
    return (beyond + length - 1) // length


def observed_until(as_of: date, grace_days: int) -> date:
    """Give the last day whose ends are known for good: one whose grace ran out before `as_of`.

    >>> observed_until(date(2026, 7, 1), 30)
    datetime.date(2026, 5, 31)
    """
    return as_of - timedelta(days=1 + grace_days)
