"""The sample company through the door: what is wrong on purpose is found, and nothing else is."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.tables import TABLES


@pytest.fixture(scope="module")
def base():
    return crm.sample()


def test_it_opens_with_all_seven_tables_and_says_that_it_is_a_sample(base):
    assert base.is_sample
    assert base.currency == "GBP"
    assert all(base.has(name) for name in TABLES)


def test_transactions_are_set_aside_for_the_stated_reasons_alone(base, truth):
    extract = base.table("transactions")
    assert dict(extract.rejected["reason"].value_counts().iter_rows()) == {
        "customer_id is missing": truth.dirt.blank_customer_rows,
        "ordered_at is not a date": truth.dirt.bad_date_rows,
    }
    assert extract.check.rows_in == extract.check.rows_kept + extract.check.rows_rejected


def test_duplicates_and_zero_prices_are_counted(base, truth):
    findings = {f.code: f.n_rows for f in base.table("transactions").check.findings}
    assert findings["exact_repeats"] == truth.dirt.duplicate_rows
    assert findings["zero_amounts"] == truth.dirt.zero_price_rows


def test_what_is_kept_is_the_clean_table(base, company):
    kept = base.table("transactions").frame.filter(pl.col("amount") != 0).unique().collect()
    clean = company.clean_transactions
    assert kept.height == clean.height
    assert kept["amount"].sum() == pytest.approx(clean["amount"].sum(), abs=0.005)
    assert set(kept["customer_id"]) == set(clean["customer_id"])


@pytest.mark.parametrize("name", [name for name in TABLES if name != "transactions"])
def test_the_other_tables_come_in_whole(base, company, name):
    extract = base.table(name)
    assert extract.check.rows_rejected == 0
    assert extract.check.rows_kept == company.tables[name].height


def test_ratings_become_numbers_and_not_applicable_becomes_nothing(base, company, truth):
    seen = base.table("surveys").frame.select([d.name for d in truth.drivers]).collect()
    for driver in truth.drivers:
        told = company.tables["surveys"][driver.name].cast(float, strict=False)
        assert seen[driver.name].dtype == pl.Float64
        assert seen[driver.name].sum() == told.sum()
        assert seen[driver.name].null_count() == told.null_count()


def test_flags_and_days_are_recognised(base):
    customers = base.table("customers").frame.collect()
    assert customers["consent"].dtype == pl.Boolean
    assert customers["joined_on"].min() == date(2023, 7, 1)
    assert customers["customer_id"].min() == "000001"
