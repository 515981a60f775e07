"""Transactions become one row per customer and period: the small cube from which every cohort table is made.

Distinct customers do not add up over months, so the cube keeps the customer; everything after it counts on arrays of
whole numbers and takes a fraction of a second.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final, Literal

import narwhals as nw
import polars as pl
from narwhals.typing import IntoFrame

from crm_analytics.aggregates.calendar_numbers import Calendar, day_number
from crm_analytics.aggregates.orders import orders

Activity = Literal["purchases", "any"]
"""What makes a customer active: orders that net to more than nothing, or any line, refunds and free goods too."""

_COUNTS: Final = ("n_actions", "n_orders", "n_lines_without_cost")


def activity_cube(
    frame: IntoFrame,
    *,
    as_of: date,
    calendar: Calendar,
    activity: Activity = "purchases",
    start: date | None = None,
) -> pl.DataFrame:
    """Give one row per customer and calendar period with an order or refund before `as_of`.

    Parameters
    ----------
    frame
        Transactions in canonical columns: anything narwhals reads (polars, DuckDB relation, Spark frame).
    as_of
        The first day that is not seen.
    calendar
        The periods; days (`Calendar("day")`) give one row per customer and day.
    activity
        "purchases" or "any": what is counted in `n_actions`.
    start
        Leaves out orders before this day; None keeps all, as whoever asks for first orders must.

    Returns
    -------
    polars.DataFrame
        Sorted by customer and period: `customer_id`, `number` (of the period, see `Calendar`), `day` (first day in it
        with an action, as `date.toordinal()`; null without one), `n_actions` (orders that count as activity),
        `n_orders`, `spend` (net of refunds) and, where the frame has a cost, `cost` and `n_lines_without_cost`.

    Examples
    --------
    >>> from datetime import datetime
    >>> lines = pl.LazyFrame(
    ...     {
    ...         "customer_id": ["a", "a", "a"],
    ...         "ordered_at": [datetime(2026, 1, 5), datetime(2026, 1, 9), datetime(2026, 2, 1)],
    ...         "amount": [10.0, 5.0, -5.0],
    ...     }
    ... )
    >>> activity_cube(lines, as_of=date(2026, 3, 1), calendar=Calendar("month"))["n_actions"].to_list()
    [2, 0]
    """
    found = orders(frame, as_of=as_of)
    if start is not None:
        found = found.filter(nw.col("ordered_on") >= start)
    acts = nw.col("is_purchase") if activity == "purchases" else nw.lit(value=True)
    numbered = found.with_columns(
        calendar.of_day(nw.col("ordered_on")).alias("number"),
        nw.when(acts).then(day_number(nw.col("ordered_on"))).alias("day"),
    )
    cube = numbered.group_by("customer_id", "number").agg(*_sums(numbered.collect_schema().names()))
    return _finished(cube.collect("polars").to_native())


def _sums(columns: list[str]) -> list[nw.Expr]:
    sums = [
        nw.col("day").min(),
        nw.col("day").count().alias("n_actions"),
        nw.when(nw.col("is_purchase")).then(1).otherwise(0).sum().alias("n_orders"),
        nw.col("positive_amount").sum(),
        nw.col("refunds").sum(),
    ]
    if "cost" in columns:
        sums += [nw.col("cost").fill_null(0.0).sum(), nw.col("n_lines_without_cost").sum()]
    return sums


def _finished(cube: Any) -> pl.DataFrame:  # noqa: ANN401 narwhals gives the native frame untyped
    found: pl.DataFrame = cube
    counts = [c for c in _COUNTS if c in found.columns]
    return (
        found.with_columns(
            pl.col("number", "day", *counts).cast(pl.Int64),
            spend=pl.col("positive_amount") - pl.col("refunds"),
        )
        .drop("positive_amount", "refunds")
        .sort("customer_id", "number")
    )
