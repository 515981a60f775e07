"""Purchase days and instants count the orders that `orders` gives, whatever is known of their ids."""

from __future__ import annotations

from datetime import date, datetime

import narwhals as nw
import polars as pl
import pytest

from crm_analytics.aggregates.orders import orders
from crm_analytics.aggregates.purchase_days import purchase_days, purchase_instants

AS_OF = date(2026, 2, 1)
LINES = pl.DataFrame(
    {
        "customer_id": ["a", "a", "a", "a", "b"],
        "order_id": [None, None, None, "7", None],
        "ordered_at": [
            datetime(2026, 1, 5, 9),
            datetime(2026, 1, 5, 17),
            datetime(2026, 1, 20, 8),
            datetime(2026, 1, 5, 12),
            datetime(2026, 1, 6, 10),
        ],
        "amount": [10.0, 5.0, 20.0, 4.0, 0.0],
    }
)


def native(found):
    return found.collect("polars").to_native()


def test_rows_without_an_order_id_are_one_order_per_customer_and_day():
    found = native(purchase_instants(LINES, as_of=AS_OF)).sort("customer_id", "ordered_at")
    assert found.rows() == [
        ("a", datetime(2026, 1, 5, 9), 15.0),
        ("a", datetime(2026, 1, 5, 12), 4.0),
        ("a", datetime(2026, 1, 20, 8), 20.0),
        ("b", datetime(2026, 1, 6, 10), 0.0),
    ]


@pytest.mark.parametrize("frame", [LINES, LINES.drop("order_id")], ids=["some ids", "no ids"])
def test_instants_and_days_hold_the_same_orders(frame):
    bought = native(orders(frame, as_of=AS_OF, instants=True).filter(nw.col("is_purchase")))
    by_instant = native(purchase_instants(frame, as_of=AS_OF, free_orders=False))
    by_day = native(purchase_days(frame, as_of=AS_OF, free_orders=False))
    assert sorted(by_instant.rows()) == sorted(bought.select("customer_id", "ordered_at", "amount").rows())
    days = by_instant.group_by("customer_id", pl.col("ordered_at").dt.date()).agg(pl.col("amount").sum())
    assert sorted(days.rows()) == sorted(by_day.rows())
