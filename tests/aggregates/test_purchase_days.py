"""Purchase occasions by day and by instant agree on what an order is."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from crm_analytics.aggregates.purchase_days import purchase_days, purchase_instants


def test_rows_without_an_order_id_are_orders_of_their_own():
    frame = pl.LazyFrame(
        {
            "customer_id": ["a"] * 4,
            "ordered_at": [datetime(2026, 1, d) for d in (5, 9, 20, 20)],
            "amount": [1.0, 2.0, 3.0, 4.0],
            "order_id": ["1", None, None, None],
        }
    )
    for found in (purchase_days, purchase_instants):
        rows = found(frame, as_of=date(2026, 2, 1)).collect("polars").to_native()
        assert sorted(rows["amount"].to_list()) == [1.0, 2.0, 7.0]
