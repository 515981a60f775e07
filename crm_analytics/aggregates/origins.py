"""Where customers came from: what their first row says of channel, country and the like."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

import narwhals as nw
import polars as pl
from narwhals.typing import IntoFrame


def origins(frame: IntoFrame, columns: Sequence[str], *, as_of: date) -> pl.DataFrame:
    """Give one row per customer with each column's value on the customer's first row.

    Where a customer's first instant has several rows, the first value by alphabet is taken, and of yes and no yes, so that
    the order of rows does not matter.

    Parameters
    ----------
    frame
        Transactions in canonical columns, anything that narwhals reads.
    columns
        Columns to look up, of those that the frame has.
    as_of
        The first day that is not seen.

    Returns
    -------
    polars.DataFrame
        `customer_id` and the columns, sorted by customer.

    Examples
    --------
    >>> lines = pl.LazyFrame(
    ...     {
    ...         "customer_id": ["a", "a", "b"],
    ...         "ordered_at": [datetime(2026, 3, 1), datetime(2026, 1, 1), datetime(2026, 2, 1)],
    ...         "channel": ["web", "store", None],
    ...     }
    ... )
    >>> origins(lines, ["channel"], as_of=date(2026, 4, 1)).rows()
    [('a', 'store'), ('b', None)]
    """
    rows = nw.from_native(frame).lazy().filter(nw.col("ordered_at") < datetime.combine(as_of, time.min))
    seen = rows.select("customer_id", "ordered_at", *columns)
    first = seen.group_by("customer_id").agg(nw.col("ordered_at").min())
    schema = seen.collect_schema()
    found: pl.DataFrame = (
        seen.join(first, on=["customer_id", "ordered_at"], how="inner")
        .group_by("customer_id")
        .agg(*(_first(column, is_flag=schema[column] == nw.Boolean) for column in columns))
        .collect("polars")
        .to_native()
    )
    return found.sort("customer_id")


def _first(column: str, *, is_flag: bool) -> nw.Expr:
    return nw.col(column).max() if is_flag else nw.col(column).min()
