"""Attributes of transactions: the discount, recognised in all its forms, and further columns that are named."""

from __future__ import annotations

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.errors import UnknownNameError
from crm_analytics.extracts.readers import as_extract


def lines(**more):
    """Three order lines, with further columns."""
    return pl.DataFrame(
        {
            "Customer": ["a", "b", "c"],
            "Order date": ["2026-01-05", "2026-01-06", "2026-01-07"],
            "Total": ["10.00", "20.00", "30.00"],
            **more,
        }
    )


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("Coupon code", ["SPRING10", "", None]),
        ("Promo-Code", ["X", "none", "-"]),
        ("Discount Amount", ["5.00", "0.00", ""]),
        ("Rabatt", ["5,00 EUR", "0,00 EUR", "EUR 0"]),
        ("Discount %", ["10%", "0%", "0 %"]),
        ("is_discounted", ["yes", "no", ""]),
        ("Gutschein", ["Ja", "Nein", "nein"]),
        ("discount", [0.2, 0.0, None]),
        ("discount", [3, 0, 0]),
        ("discounted", [True, False, False]),
    ],
)
def test_a_discount_is_recognised_in_every_form(heading, values):
    found = crm.read_transactions(lines(**{heading: values}))
    assert found.frame.collect()["discount"].to_list() == [True, False, False]
    assert next(r.heading for r in found.recognition if r.column == "discount") == heading
    assert "a code, or an amount other than 0, is a discount" in found.details["discount"]


def test_an_amount_of_discount_is_taken_before_a_code_without_calling_them_rivals():
    """Shopify gives both: a discount may apply without a code."""
    found = crm.read_transactions(
        lines(**{"Discount Code": [None, None, "X"], "Discount Amount": ["1", "0", "2"]})
    )
    assert found.frame.collect()["discount"].to_list() == [True, False, True]
    assert not [f for f in found.check.findings if f.column == "discount"]


def test_dates_are_no_discount():
    found = crm.read_transactions(lines(Voucher=["2026-01-01", "2026-01-02", "2026-01-03"]))
    assert "discount" not in found.frame.collect_schema()


def test_a_further_column_is_kept_under_the_name_given_to_it():
    raw = lines(**{"Payment Method": [" card ", "n/a", "cash"]})
    assert "payment_method" not in crm.read_transactions(raw).frame.collect_schema()
    found = crm.read_transactions(raw, columns={"payment_method": "Payment Method"})
    assert found.frame.collect()["payment_method"].to_list() == ["card", None, "cash"]
    assert found.details["unused"] == ""


def test_a_further_column_is_kept_of_other_tables_too():
    contracts = pl.DataFrame({"customer_id": ["a"], "started_on": ["2026-01-01"], "Sold by": ["Ada"]})
    found = crm.read_subscriptions(contracts, columns={"seller": "Sold by"})
    assert found.frame.collect()["seller"].to_list() == ["Ada"]


def test_a_name_that_is_meant_for_a_column_is_no_attribute():
    with pytest.raises(
        UnknownNameError, match=r"column of transactions 'custmer_id'.*Did you mean 'customer_id'"
    ):
        crm.read_transactions(lines(), columns={"custmer_id": "Customer"})
    with pytest.raises(UnknownNameError, match="column of transactions 'client'"):
        crm.read_transactions(lines(), columns={"client": "Customer"})


def test_headings_asked_for_are_kept_unless_they_are_columns_already():
    raw = lines(payment=["card", "cash", "card"], country=["DE", "AT", "DE"])
    kept = as_extract(raw, keep=(None, "payment", "country", "nothing")).frame.collect()
    assert kept["payment"].to_list() == ["card", "cash", "card"]
    assert kept["country"].to_list() == ["DE", "AT", "DE"]
