"""The whole path on real input: 541,909 invoice lines as they come, to a report, on every face with the same number."""

from __future__ import annotations

import json
import subprocess
import sys
from html import escape

import polars as pl
import pytest

import crm_analytics as crm

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

# Chen, Sain, Guo (2012), as counted with nothing but a spreadsheet's sums (see the data's own README)
LINES, WITHOUT_CUSTOMER, CUSTOMERS, TOTAL = 541_909, 135_080, 4_372, 9_747_747.93
BUYERS = 4_338  # customers with a line of positive quantity and price


@pytest.fixture(scope="module")
def path(shared_data):
    return shared_data("online_retail/online_retail.csv")


@pytest.fixture(scope="module")
def extract(path):
    return crm.read_transactions(path)


def test_the_file_goes_in_as_it_is(extract):
    taken = {r.column: r.heading for r in extract.recognition}
    assert taken == {
        "customer_id": "CustomerID",
        "ordered_at": "InvoiceDate",
        "order_id": "InvoiceNo",
        "quantity": "Quantity",
        "unit_price": "UnitPrice",
        "product_id": "StockCode",
        "country": "Country",
    }
    check = extract.check
    assert (check.rows_in, check.rows_rejected) == (LINES, WITHOUT_CUSTOMER)
    assert check.rows_kept == LINES - WITHOUT_CUSTOMER
    assert dict(check.by_reason) == {"customer_id is missing": WITHOUT_CUSTOMER}


def test_money_ties_to_the_file_to_the_cent(extract):
    check = extract.check
    assert round(check.amount_in, 2) == TOTAL
    assert round(check.amount_kept + check.amount_rejected, 2) == TOTAL
    kept = extract.frame.select(pl.col("amount").sum()).collect().item()
    aside = extract.rejected.select(
        (pl.col("Quantity").cast(pl.Float64) * pl.col("UnitPrice").cast(pl.Float64)).sum()
    ).item()
    assert round(kept + aside, 2) == TOTAL


def test_ids_written_as_floats_become_ids(extract):
    ids = extract.frame.select("customer_id").unique().collect()["customer_id"]
    assert ids.len() == CUSTOMERS
    assert "17850" in ids
    assert ids.str.contains(r"^\d{5}$").all()


def test_cancelled_invoices_are_refunds(extract):
    cancelled = extract.frame.filter(pl.col("order_id").str.starts_with("C")).collect()
    assert cancelled.height
    assert (cancelled["amount"] <= 0).all()


def test_rejected_rows_are_as_they_came(extract):
    assert extract.rejected.height == WITHOUT_CUSTOMER
    assert extract.rejected.columns == [
        "__row__", "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID",
        "Country", "reason",
    ]  # fmt: skip


def test_every_analysis_ties_to_the_same_spend(extract):
    spend = round(extract.check.amount_kept, 2)
    customers = crm.rfm(extract).tables()["customers"]
    assert round(customers["spend"].sum(), 2) == spend
    assert customers.filter(pl.col("n_orders") > 0).height == BUYERS
    assert round(crm.value_tiers(extract).tables()["tiers"]["spend"].sum(), 2) == pytest.approx(
        spend, abs=0.01
    )


def test_from_the_file_to_the_report_by_command(path, tmp_path):
    """The base is the file itself; the report and the command line say what the library says."""
    out = tmp_path / "findings.html"
    run = [sys.executable, "-m", "crm_analytics"]
    subprocess.run([*run, "report", str(path), "--out", str(out)], check=True, capture_output=True)
    page = out.read_text()
    said = subprocess.run(
        [*run, "run", "rfm", str(path), "--format", "json"], check=True, capture_output=True, text=True
    ).stdout
    base = crm.open(path)
    for name in ("overview", "rfm", "value_tiers"):
        assert escape(crm.run(name, base).headline()) in page
    assert json.loads(said)["headline"] == crm.run("rfm", base).headline()
