"""Transactions become one row per customer and period: the small cube from which every cohort table is made.

Distinct customers do not add up over months, so the cube keeps the customer; everything after it counts on arrays of
whole numbers and takes a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from functools import partial
from typing import Any, Final

import narwhals as nw
import polars as pl
from narwhals.typing import IntoFrame

from crm_analytics.aggregates.calendar_numbers import Calendar, day_number
from crm_analytics.aggregates.cube_cells import Activity, Cells, Cube, Cubes
from crm_analytics.aggregates.order_blocks import OrderRows, in_threads
from crm_analytics.aggregates.orders import orders
from crm_analytics.aggregates.row_files import parts_of
from crm_analytics.extracts.extract import Extract

_COUNTS: Final = ("n_actions", "n_orders", "n_lines_without_cost")


def activity_cube(
    frame: IntoFrame, *, as_of: date, calendar: Calendar, activity: Activity = "purchases"
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

    Returns
    -------
    polars.DataFrame
        Sorted by customer and period: `customer_id`, `number` (of the period, see `Calendar`), `day` (first day in it
        with an action, as `date.toordinal()`; null without one), `n_actions` (orders that count as activity),
        `n_orders`, `spend` (net of refunds) and, where the frame has a cost, `cost` and `n_lines_without_cost`.

    Examples
    --------
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
    found = _marked(orders(frame, as_of=as_of), activity)
    numbered = found.with_columns(calendar.of_day(nw.col("ordered_on")).alias("number"))
    return _summed(numbered)


def extract_cube(extract: Extract, *, as_of: date, calendar: Calendar, activity: Activity) -> Cubes:
    """Give the cube of an extract: `activity_cube`, many times quicker where cost is not asked for.

    The extract keeps it: another look at the same periods costs nothing.

    Parameters
    ----------
    extract
        Transactions.
    as_of, calendar, activity
        As in `activity_cube`.
    """
    asked = ("cube", as_of, calendar, activity)
    return extract.once(asked, lambda: _cube(extract, as_of, calendar, activity))


def _cube(extract: Extract, as_of: date, calendar: Calendar, activity: Activity) -> Cubes:
    if "cost" in extract.frame.collect_schema():
        return in_parts(
            extract,
            lambda rows: Cubes.of(activity_cube(rows, as_of=as_of, calendar=calendar, activity=activity)),
        )
    parts = parts_of(extract)
    if parts is None:
        return _counted(OrderRows.of(extract, as_of=as_of), calendar, activity)
    return Cubes.stored(_counted(OrderRows.taken(rows, as_of=as_of), calendar, activity) for rows in parts)


def in_parts(extract: Extract, work: Callable[[pl.LazyFrame], Cubes]) -> Cubes:
    """Make the cube of an extract by some work on its rows: on all at once, or part by part where they are too many."""
    parts = parts_of(extract)
    return work(extract.frame) if parts is None else Cubes.stored(map(work, parts))


def _counted(rows: OrderRows, calendar: Calendar, activity: Activity) -> Cubes:
    cells = Cells.of(rows.days(), calendar, activity)
    order = rows.keys.order
    in_order = bool((order[1:] > order[:-1]).all())

    def block(bounds: tuple[int, int]) -> Cube:
        first, last = bounds
        names = partial(rows.keys.names, order[first:last])
        return cells.cube(rows.block(first, last), names, last - first, first)

    return Cubes(tuple(in_threads(block, rows.bounds())), in_order, None if in_order else order)


def instant_cube(
    frame: IntoFrame, *, as_of: date, activity: Activity = "purchases", time_zone: str | None = None
) -> pl.DataFrame:
    """Give one row per customer and instant of an order or refund before `as_of`.

    Parameters
    ----------
    frame, as_of, activity
        As in `activity_cube`.
    time_zone
        The zone whose local time the instants are, so that hours are counted right over the days on which clocks
        change. Without one every day has 24 hours.

    Returns
    -------
    polars.DataFrame
        As `activity_cube`, with `number` in microseconds since 1970 in UTC.
    """
    found = _marked(orders(frame, as_of=as_of, instants=True), activity)
    numbered = found.with_columns(nw.col("ordered_at").alias("number"))
    cube = _grouped(numbered)
    return _finished(cube.with_columns(number=utc_microseconds(pl.col("number"), time_zone)))


def utc_microseconds(local: pl.Expr, time_zone: str | None) -> pl.Expr:
    """Count local instants in UTC; an hour that the clocks skip is taken as the hour after it."""
    at = local.cast(pl.Datetime("us"))
    if time_zone is not None:
        placed = at.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
        skipped = at.dt.offset_by("1h").dt.replace_time_zone(
            time_zone, ambiguous="earliest", non_existent="null"
        )
        at = pl.coalesce(placed, skipped)
    return at.dt.epoch("us")


def utc_of_day(day: date, time_zone: str | None) -> int:
    """Give the midnight with which a local day begins, in microseconds since 1970 in UTC."""
    midnight = pl.lit(datetime.combine(day, time.min))
    return int(pl.select(utc_microseconds(midnight, time_zone)).item())


def _marked(found: nw.LazyFrame[Any], activity: Activity) -> nw.LazyFrame[Any]:
    acts = nw.col("is_purchase") if activity == "purchases" else nw.col("n_lines") > 0
    return found.with_columns(nw.when(acts).then(day_number(nw.col("ordered_on"))).alias("day"))


def _summed(numbered: nw.LazyFrame[Any]) -> pl.DataFrame:
    return _finished(_grouped(numbered))


def _grouped(numbered: nw.LazyFrame[Any]) -> pl.DataFrame:
    sums = _sums(numbered.collect_schema().names())
    cube = numbered.group_by("customer_id", "number").agg(*sums)
    native = cube.to_native()
    if isinstance(native, pl.LazyFrame):
        return native.collect(engine="streaming")  # in bounded memory
    found: pl.DataFrame = cube.collect("polars").to_native()
    return found


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


def _finished(cube: pl.DataFrame) -> pl.DataFrame:
    counts = [c for c in _COUNTS if c in cube.columns]
    return (
        cube.with_columns(
            pl.col("number", "day", *counts).cast(pl.Int64),
            spend=pl.col("positive_amount") - pl.col("refunds"),
        )
        .drop("positive_amount", "refunds")
        .sort("customer_id", "number")
    )


def entry_values(frame: IntoFrame, column: str, entries: pl.DataFrame, *, as_of: date) -> pl.DataFrame:
    """Give the value of a column on each customer's first purchase line of the day of entry.

    Where that line's instant has several, the first by alphabet is taken, and of yes and no yes, so that the order of rows
    does not matter.

    Parameters
    ----------
    frame
        Transactions in canonical columns.
    column
        The column, "channel" say.
    entries
        `customer_id` and `day`, the day of entry as `date.toordinal()`.
    as_of
        The first day that is not seen.

    Returns
    -------
    polars.DataFrame
        `customer_id` and the column as text, null where it is not known.
    """
    rows = nw.from_native(frame).lazy().filter(nw.col("ordered_at") < datetime.combine(as_of, time.min))
    first = rows.filter(nw.col("amount") > 0).with_columns(
        day_number(nw.col("ordered_at").dt.date()).alias("day")
    )
    value = nw.col(column)
    is_flag = rows.collect_schema()[column] == nw.Boolean
    lines: pl.DataFrame = (
        first.group_by("customer_id", "day", "ordered_at")
        .agg(value.max() if is_flag else value.min())
        .collect("polars")
        .to_native()
    )
    keys = ["customer_id", "day"]
    found = entries.select(keys).join(lines, on=keys, how="left").sort("customer_id", "ordered_at")
    return found.group_by("customer_id", maintain_order=True).agg(pl.col(column).cast(pl.String).first())
