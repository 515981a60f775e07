"""Real public extracts, as they are and with no option, against figures that are known."""

from __future__ import annotations

import time
from datetime import datetime

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.errors import ColumnError
from crm_analytics.extracts.suggest import suggest

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def online_retail(shared_data):
    """UCI Online Retail (Chen, Sain and Guo 2012); the figures are those of the file itself."""
    return crm.read_transactions(shared_data("online_retail/online_retail.csv"))


def test_online_retail_is_recognised(online_retail):
    assert {r.column: r.heading for r in online_retail.recognition} == {
        "customer_id": "CustomerID", "ordered_at": "InvoiceDate", "order_id": "InvoiceNo", "quantity": "Quantity",
        "unit_price": "UnitPrice", "product_id": "StockCode", "country": "Country",
    }  # fmt: skip
    assert online_retail.details["amount"] == "quantity x unit_price"
    assert online_retail.details["unused"] == "Description"


def test_online_retail_rows_and_reasons(online_retail):
    check = online_retail.check
    assert (check.rows_in, check.rows_kept, check.rows_rejected) == (541_909, 406_829, 135_080)
    assert check.by_reason == {"customer_id is missing": 135_080}
    assert check.n_customers == 4_372
    assert (check.window_start, check.window_end) == (
        datetime(2010, 12, 1, 8, 26),
        datetime(2011, 12, 9, 12, 50),
    )


def test_online_retail_money_ties_to_the_cent(online_retail):
    check = online_retail.check
    assert check.amount_in == pytest.approx(9_747_747.93, abs=0.005)
    assert check.amount_kept + check.amount_rejected == pytest.approx(check.amount_in, abs=0.005)
    assert online_retail.frame.select("amount").sum().collect().item() == pytest.approx(
        check.amount_kept, abs=0.005
    )


def test_online_retail_ids_are_whole(online_retail):
    ids = online_retail.frame.select(pl.col("customer_id").unique()).collect()["customer_id"]
    assert ids.str.contains(r"^\d{5}$").all()
    assert online_retail.frame.select(pl.col("product_id").n_unique()).collect().item() == 3_684


def test_online_retail_findings(online_retail):
    found = {f.code: f for f in online_retail.check.findings}
    assert found["cancelled"].n_rows == 8_905  # of 9,288 lines of cancelled invoices, 383 have no customer
    assert found["refunds"].n_rows == 8_905
    assert found["refunds"].amount == pytest.approx(-611_342.09, abs=0.005)
    assert "5,268 rows repeat another row exactly; 5,225 of them are kept" in found["exact_repeats"].text
    assert found["zero_amounts"].n_rows == 40
    assert set(found) == {
        "customer_id_is_missing",
        "amount_worked_out",
        "exact_repeats",
        "refunds",
        "cancelled",
        "zero_amounts",
    }


def test_online_retail_rejected_rows_are_as_they_came(online_retail):
    rejected = online_retail.rejected
    assert rejected.height == 135_080
    assert rejected.columns == [
        "__row__", "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country", "reason",
    ]  # fmt: skip
    assert rejected["__row__"].is_sorted()


@pytest.mark.slow
def test_online_retail_is_read_in_seconds(shared_data):
    path = shared_data("online_retail/online_retail.csv")
    began = time.process_time()
    crm.read_transactions(path)
    assert (
        time.process_time() - began < 6
    )  # processor seconds of all threads: under three on a quiet machine of two


def test_online_retail_sheets(shared_data):
    tx = crm.read_transactions(shared_data("online_retail/online_retail_two_sheets.xlsx"), sheet=1)
    assert {r.column for r in tx.recognition} >= {
        "customer_id",
        "ordered_at",
        "order_id",
        "quantity",
        "unit_price",
        "product_id",
    }
    assert tx.check.rows_in == 14_269


def test_cdnow_master(shared_data):
    """Fader and Hardie: 23,570 customers, $2,500,315.63, 80 orders of $0, 255 exact repeats."""
    check = crm.read_transactions(shared_data("cdnow/CDNOW_master.txt")).check
    assert (check.rows_in, check.rows_kept, check.n_customers) == (69_659, 69_659, 23_570)
    assert check.amount_kept == pytest.approx(2_500_315.63, abs=0.005)
    found = {f.code: f.n_rows for f in check.findings}
    assert (found["zero_amounts"], found["exact_repeats"]) == (80, 255)
    assert (check.window_start, check.window_end) == (datetime(1997, 1, 1), datetime(1998, 6, 30))


def test_cdnow_sample_has_no_headings_and_is_recognised_by_its_values(shared_data):
    tx = crm.read_transactions(shared_data("cdnow/CDNOW_sample.txt"))
    assert (tx.check.rows_kept, tx.check.n_customers) == (6_919, 2_357)
    assert {r.column: r.heading for r in tx.recognition} == {
        "customer_id": "column_1", "ordered_at": "column_3", "quantity": "column_4", "amount": "column_5",
    }  # fmt: skip
    assert all(r.confidence < 0.5 for r in tx.recognition)
    cautions = {f.code for f in tx.check.findings if f.severity == "caution"}
    assert cautions >= {"no_headings", "rival_column"}
    assert tx.frame.select(pl.col("customer_id").first()).collect().item() == "00004"


def test_purchases_without_money_name_the_remedy(shared_data):
    path = shared_data("cdnow/example_transactions.csv")
    with pytest.raises(ColumnError, match=r"'amount'; found 'date', 'id'.*columns=\{'amount'"):
        crm.read_transactions(path)
    found = suggest(path)
    assert found.table == "transactions"
    assert {c.column: c.heading for c in found.columns if c.heading} == {
        "customer_id": "id",
        "ordered_at": "date",
    }
