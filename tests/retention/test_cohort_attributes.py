"""Cohorts by what the first order was: bought with a discount, or any column that is named."""

from __future__ import annotations

from datetime import date

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
