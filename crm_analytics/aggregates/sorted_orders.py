"""The orders of an extract by customer and day, worked out once and kept: what histories are counted from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from crm_analytics.aggregates.order_blocks import OrderRows, Orders, in_threads
from crm_analytics.aggregates.orders import NEXT_TO_NOTHING
from crm_analytics.extracts.extract import Extract

_KEPT: Final = "orders by customer and day"
_Numbers = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class SortedOrders:
    """Orders with those of one customer side by side, in order of days.

    `ids` are the customers, sorted. `frame` has a row per order: `customer` (place in `ids`), `ordered_on`, `amount`
    (net), `positive_amount`, `refunds` (positive), `is_purchase`; see `orders`. `one_a_day` says that a customer has no
    two orders of one day.
    """

    ids: pl.Series
    frame: pl.DataFrame
    one_a_day: bool

    def purchase_days(self, *, free_orders: bool) -> pl.DataFrame:
        """Give `customer`, `ordered_on`, `amount` of the days with a purchase, in the same order."""
        occasion = pl.col("is_purchase")
        if free_orders:
            occasion |= (pl.col("positive_amount") == 0) & (pl.col("refunds") == 0)
        every = bool(self.frame.select(occasion.all()).item())
        bought = (self.frame if every else self.frame.filter(occasion)).select(
            "customer", "ordered_on", "amount"
        )
        return bought if self.one_a_day else _summed(bought)

    def money_back(self) -> pl.DataFrame:
        """Give `customer` and `money_back`: what came back in orders of its own, as a positive sum."""
        back = self.frame.lazy().filter(~pl.col("is_purchase") & (pl.col("amount") < 0))
        return back.group_by("customer").agg(money_back=-pl.col("amount").sum()).collect()


def sorted_orders(extract: Extract, *, as_of: date) -> SortedOrders:
    """Give the orders of the rows before `as_of` (exclusive); those of all rows are there already a second time."""
    if "order_id" in extract.frame.collect_schema():
        end = extract.check.window_end
        if end is not None and end.date() < as_of:
            return extract.once(_KEPT, lambda: _found(extract, None))
        return _found(extract, as_of)  # lines of one order may lie on both sides of that day
    every = extract.once(_KEPT, lambda: _found(extract, None))
    last = every.frame["ordered_on"].max()
    if last is None or last < as_of:  # type: ignore[operator]  # a date
        return every
    return SortedOrders(every.ids, every.frame.filter(pl.col("ordered_on") < as_of), one_a_day=True)


def begins(*columns: pl.Series) -> npt.NDArray[np.intp]:
    """Give the rows in which any of some columns of numbers or days has another value than in the row before."""
    new = np.zeros(len(columns[0]), np.bool_)
    new[:1] = True
    for column in columns:
        values = column.to_physical().to_numpy()
        new[1:] |= values[1:] != values[:-1]
    return np.flatnonzero(new)


def _summed(orders_: pl.DataFrame) -> pl.DataFrame:
    """Add up the amounts of one customer and day."""
    starts = begins(orders_["customer"], orders_["ordered_on"])
    if len(starts) == orders_.height:
        return orders_
    sums = np.add.reduceat(orders_["amount"].to_numpy(), starts)
    return orders_[starts].with_columns(amount=pl.Series(sums))


def _found(extract: Extract, as_of: date | None) -> SortedOrders:
    """Find the orders, those of some customers at a time."""
    rows = OrderRows.of(extract, as_of=as_of)
    blocks = list(in_threads(lambda bounds: rows.block(*bounds), rows.bounds()))
    return SortedOrders(rows.keys.ids, _framed(blocks, rows.keys.order), one_a_day=rows.numbers is None)


def _framed(blocks: list[Orders], order: _Numbers) -> pl.DataFrame:
    customer = order.astype(np.uint32)[_joined([block.customer for block in blocks], np.int32)]
    frame = pl.DataFrame(
        {
            "customer": customer,
            "ordered_on": pl.Series(_joined([block.day for block in blocks], np.int32)).cast(pl.Date),
            "positive_amount": _joined([block.paid for block in blocks], np.float64),
        }
    )
    net = paid = pl.col("positive_amount")
    if all(block.back is None for block in blocks):
        frame = frame.with_columns(refunds=pl.lit(0.0))
    else:
        refunds = [np.zeros(len(block.paid)) if block.back is None else block.back for block in blocks]
        frame = frame.with_columns(refunds=pl.Series(_joined(refunds, np.float64)))
        net = paid - pl.col("refunds")
    return frame.with_columns(amount=net, is_purchase=net > NEXT_TO_NOTHING * paid)


def _joined(parts: list[_Numbers], kind: type[np.generic]) -> _Numbers:
    return np.concatenate([np.empty(0, kind), *parts])
