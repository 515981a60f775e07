"""Data that may be one of several tables is taken as the one its headings speak for."""

from __future__ import annotations

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.errors import ColumnError, OptionError
from crm_analytics.extracts.readers import as_one_of

BOTH = ("subscriptions", "transactions")


def contracts() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": ["A", "B"],
            "started_on": ["2026-01-01", "2026-02-01"],
            "ended_on": ["2026-03-01", None],
            "monthly_amount": [9.5, 12.0],
        }
    )


def orders() -> pl.DataFrame:
    return pl.DataFrame({"Kunde": ["A", "B"], "Bestelldatum": ["03.01.2026", "17.01.2026"], "Betrag": [5, 6]})


@pytest.mark.parametrize("tables", [BOTH, BOTH[::-1]])
def test_the_order_of_the_names_does_not_decide_where_headings_do(tables):
    assert as_one_of(contracts(), tables).table == "subscriptions"
    assert as_one_of(orders(), tables).table == "transactions"


@pytest.mark.parametrize("gone", ["customer_id", "started_on"])
def test_a_missing_column_is_missed_in_the_table_that_is_meant(gone):
    with pytest.raises(ColumnError, match=f"subscriptions.*{gone}"):
        as_one_of(contracts().drop(gone), BOTH)


def test_an_extract_passes_by_its_table():
    extract = crm.read_subscriptions(contracts())
    assert as_one_of(extract, BOTH) is extract
    with pytest.raises(OptionError, match="An extract of subscriptions was given"):
        as_one_of(extract, ("transactions", "surveys"))
