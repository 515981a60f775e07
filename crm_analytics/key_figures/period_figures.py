"""The key figures of a period, each a sum over customers or a ratio of two such sums.

Whatever is a sum over customers can be drawn again by resampling customers; so every figure and every change gets an
interval from the same small table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.aggregates.periods import Period, shift
from crm_analytics.terms import Unit

Floats = NDArray[np.float64]

PARTS: Final = (
    "active", "new", "returning", "orders", "spend", "gross", "refunds", "repeat_gross", "costed_spend", "costed_margin",
)  # fmt: skip
"""What a customer adds to a period: the sums from which every figure is made."""


@dataclass(frozen=True)
class Figure:
    """A key figure: `over` divided by `under`, or `over` alone; its name is also its column in the table by period.

    Counts, sums and averages change by a percentage, shares by points. `good_when` says which way is good news.
    """

    name: str
    label: str
    unit: Unit
    over: str
    under: str | None
    good_when: Literal["up", "down"]
    definition: str

    @property
    def is_share(self) -> bool:
        """Whether it is a share, which changes by points."""
        return self.unit == "share"

    def of(self, totals: Floats) -> Floats:
        """Work out the figure from totals whose last axis is `PARTS`; NaN where there is nothing to divide by."""
        over = totals[..., PARTS.index(self.over)]
        if self.under is None:
            return over
        under = totals[..., PARTS.index(self.under)]
        return np.divide(over, under, out=np.full_like(over, np.nan), where=under > 0)

    def n_behind(self, parts: Floats) -> int:
        """Count the customers (rows) who add anything to it."""
        used = [PARTS.index(p) for p in (self.over, self.under) if p is not None]
        return int(np.count_nonzero((parts[:, used] != 0).any(axis=1)))


FIGURES: Final = (
    Figure("n_active", "Active customers", "count", "active", None, "up", "Customers with at least one order in the period, unless another criterion was asked for."),
    Figure("n_new", "New customers", "count", "new", None, "up", "Active customers whose first order in the extract fell in the period."),
    Figure("n_returning", "Returning customers", "count", "returning", None, "up", "Active customers who had ordered before the period."),
    Figure("n_orders", "Orders", "count", "orders", None, "up", "Orders with a positive net amount; an order is the rows that share customer and order id."),
    Figure("spend", "Spend", "money", "spend", None, "up", "Sum of amounts, net of refunds."),
    Figure("spend_per_order", "Spend per order", "money", "spend", "orders", "up", "Spend divided by orders."),
    Figure("orders_per_customer", "Orders per active customer", "number", "orders", "active", "up", "Orders divided by active customers."),
    Figure("refund_rate", "Refund rate", "share", "refunds", "gross", "down", "Refunds divided by gross spend (spend before refunds) of the same period."),
    Figure("margin_rate", "Margin rate", "share", "costed_margin", "costed_spend", "up", "Spend less cost of goods, divided by spend, over customers all of whose costs in the period are known."),
    Figure("repeat_spend_share", "Share of spend from returning customers", "share", "repeat_gross", "gross", "up", "Gross spend (before refunds) of customers who had ordered before the period, divided by all gross spend."),
)  # fmt: skip
"""Every key figure, in the order in which a manager reads them."""


def figures_of(cells: pl.DataFrame) -> tuple[Figure, ...]:
    """Give the figures that these cells can tell: the margin rate only where a cost is known."""
    has_cost = "costed_spend" in cells.columns and bool((cells["costed_spend"] != 0).any())
    return tuple(f for f in FIGURES if has_cost or f.name != "margin_rate")


def customer_parts(cells: pl.DataFrame, first_orders: pl.DataFrame, period: Period) -> pl.DataFrame:
    """Turn `customer_periods` into one row per customer and period with the `PARTS`.

    Parameters
    ----------
    cells
        From `aggregates.periods.customer_periods`.
    first_orders
        `customer_id` and `first_ordered_on`, decided on all history.
    period
        The calendar period of the cells.

    Examples
    --------
    >>> cells = pl.DataFrame(
    ...     {
    ...         "customer_id": ["a", "a"],
    ...         "period_on": [date(2026, 1, 1), date(2026, 2, 1)],
    ...         "n_orders": [1, 2],
    ...         "spend": [10.0, 25.0],
    ...         "refunds": [0.0, 5.0],
    ...     }
    ... )
    >>> first = pl.DataFrame({"customer_id": ["a"], "first_ordered_on": [date(2026, 1, 9)]})
    >>> customer_parts(cells, first, "month").select("new", "returning", "gross", "repeat_gross").rows()
    [(1.0, 0.0, 10.0, 0.0), (0.0, 1.0, 30.0, 30.0)]
    """
    every = {"week": "1w", "month": "1mo", "quarter": "1q", "year": "1y"}[period]
    is_first = (pl.col("first_ordered_on").dt.truncate(every) == pl.col("period_on")).fill_null(value=False)
    bought, gross = pl.col("n_orders") > 0, (pl.col("spend") + pl.col("refunds")).round(6)
    known = pl.col("n_lines_without_cost") == 0 if "cost" in cells.columns else pl.lit(value=False)
    margin = pl.col("spend") - pl.col("cost").fill_null(0.0) if "cost" in cells.columns else pl.lit(0.0)
    return cells.join(first_orders, on="customer_id", how="left").select(
        "customer_id",
        "period_on",
        active=bought.cast(pl.Float64),
        new=(bought & is_first).cast(pl.Float64),
        returning=(bought & ~is_first).cast(pl.Float64),
        orders=pl.col("n_orders").cast(pl.Float64),
        spend=pl.col("spend"),
        gross=gross,
        refunds=pl.col("refunds"),
        repeat_gross=pl.when(is_first).then(0.0).otherwise(gross),
        costed_spend=pl.when(known).then(pl.col("spend")).otherwise(0.0),
        costed_margin=pl.when(known).then(margin).otherwise(0.0),
    )


def by_period(
    parts: pl.DataFrame, figures: tuple[Figure, ...], days: list[date], period: Period
) -> pl.DataFrame:
    """Give one row per period of `days`, with a column for every figure; nothing happened is nought, not missing."""
    sums = parts.group_by("period_on").agg(pl.col(PARTS).sum())
    wanted = pl.DataFrame({"period_on": days}, schema={"period_on": pl.Date()})
    table = (
        wanted.join(sums, on="period_on", how="left")
        .sort("period_on")
        .with_columns(pl.col(PARTS).fill_null(0.0))
    )
    totals = table.select(PARTS).to_numpy()
    columns = {f.name: _column(f, totals) for f in figures}
    last_year = {
        shift(day, 1, "year") if period != "week" else shift(day, 52, "week"): i for i, day in enumerate(days)
    }
    earlier = [last_year.get(day) for day in days]
    spend = columns["spend"].to_list()
    return table.select("period_on").with_columns(
        *(series.alias(name) for name, series in columns.items()),
        spend_last_year=pl.Series([None if i is None else spend[i] for i in earlier], dtype=pl.Float64),
    )


def _column(figure: Figure, totals: Floats) -> pl.Series:
    values = pl.Series(figure.of(totals)).fill_nan(None)
    return values.cast(pl.Int64) if figure.unit == "count" else values
