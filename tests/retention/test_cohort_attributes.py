"""Cohorts by what the first order was: bought with a discount, or any column that is named."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.errors import UnknownNameError

ROWS = pl.DataFrame(
    {
        "customer_id": ["ann", "ann", "ann", "bob", "bob", "cyd"],
        "ordered_at": ["2026-01-05", "2026-01-05", "2026-02-05", "2026-01-06", "2026-03-06", "2026-01-07"],
        "amount": [10.0, 5.0, 12.0, 20.0, 8.0, 9.0],
        "order_id": ["1", "1", "2", "3", "4", "5"],
        "coupon_code": [None, "SPRING", None, None, "SPRING", None],
        "payment": ["card", "card", "cash", "cash", "card", "cash"],
    }
)
AS_OF = date(2026, 4, 1)


def cells(result, *columns):
    """Give the cells of the first period after the entry."""
    return result.tables()["cells"].filter(pl.col("period") == 1).select("group", *columns).rows()


def test_first_order_with_a_discount_or_not():
    """Ann's first order has the code on one of its lines only; what Bob used later does not count."""
    result = crm.cohort_retention(ROWS, entry="discount", as_of=AS_OF)
    assert cells(result, "n_customers", "n_active") == [("discount: no", 2, 0), ("discount: yes", 1, 1)]


def test_a_discount_divides_cohorts_into_groups():
    result = crm.cohort_retention(ROWS, by="discount", as_of=AS_OF)
    assert cells(result, "cohort_on", "n_customers", "n_active") == [
        ("discount: no", date(2026, 1, 1), 2, 0), ("discount: yes", date(2026, 1, 1), 1, 1),
    ]  # fmt: skip
    assert result.parameters["by"] == "discount"


def test_a_column_of_a_frame_that_is_named_is_an_attribute():
    result = crm.cohort_retention(ROWS, entry="payment", as_of=AS_OF)
    assert cells(result, "n_customers", "n_active") == [("card", 1, 1), ("cash", 2, 0)]


def test_a_column_kept_at_the_door_is_an_attribute_of_its_extract():
    tx = crm.read_transactions(ROWS.rename({"payment": "Paid by"}), columns={"payment": "Paid by"})
    result = crm.cohort_retention(tx, by="payment", as_of=AS_OF)
    assert cells(result, "n_customers") == [("card", 1), ("cash", 2)]


def test_an_attribute_that_was_not_kept_is_answered_with_how_to_keep_it():
    tx = crm.read_transactions(ROWS.rename({"payment": "Payment Method"}))
    with pytest.raises(
        UnknownNameError,
        match=r"no attribute 'payment_method'.*columns=\{'payment_method': 'Payment Method'\}",
    ):
        crm.cohort_retention(tx, by="payment_method")
    with pytest.raises(UnknownNameError, match=r"no entry 'chanel'"):
        crm.cohort_retention(tx, entry="chanel")


def test_a_flag_of_the_customers_table_is_named_in_its_groups():
    people = pl.DataFrame({"customer_id": ["ann", "bob", "cyd"], "consent": ["yes", "no", None]})
    result = crm.cohort_retention(ROWS, by="consent", customers=people, as_of=AS_OF)
    assert cells(result, "n_customers") == [("(not known)", 1), ("consent: no", 1), ("consent: yes", 1)]


def many(n=120):
    """Customers whose first order has a discount on one of its lines, every other one; those come back twice as often."""
    rows = []
    for i in range(n):
        with_discount, day = i % 2 == 0, date(2025, 1, 1) + timedelta(days=i)
        rows += [
            (f"c{i:03}", day, 10.0, f"{i}a", "X" if with_discount else None),
            (f"c{i:03}", day, 5.0, f"{i}a", None),
        ]
        if i % 4 in (0, 2, 3):
            rows.append((f"c{i:03}", day + timedelta(days=40), 20.0, f"{i}b", None))
    schema = {
        "customer_id": pl.String,
        "ordered_at": pl.Date,
        "amount": pl.Float64,
        "order_id": pl.String,
        "coupon": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_first_discount_that_leads_to_a_second_order():
    first = crm.repeat_purchase(many(), as_of="2026-01-01").tables()["first_purchase"]
    discounts = first.filter(pl.col("first_by") == "first discount")
    assert discounts.select("first_value", "n_customers", "n_came_back").sort("first_value").rows() == [
        ("no", 60, 30), ("yes", 60, 60),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "table", "column"),
    [("repeat_purchase", "segments", "group"), ("revenue_retention", "segments", "segment")],
)
def test_other_analyses_name_groups_by_discount_alike(name, table, column):
    options = {"trailing_months": 1} if name == "revenue_retention" else {}
    result = getattr(crm, name)(many(), by="discount", as_of="2025-06-01", **options)
    found = set(result.tables()[table][column].to_list())
    assert found - {"all customers"} <= {"discount: yes", "discount: no"}
    assert found


def test_how_long_until_a_second_order_by_discount():
    groups = crm.survival(many(), by="discount", as_of="2026-01-01").tables()["groups"]
    assert set(groups["group"].to_list()) >= {"yes", "no"}
