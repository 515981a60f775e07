"""Rows divided among files by customers give the cube of all rows, and leave nothing behind."""

from __future__ import annotations

import gc
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.aggregates import cube_cells, row_files
from crm_analytics.errors import OptionError
from crm_analytics.retention.cohorts import counted, customers, notes

N = 3_000


@pytest.fixture
def small_parts(monkeypatch, tmp_path):
    """Divide a table of three thousand rows, in a folder of its own."""
    monkeypatch.setattr(row_files, "MOST_ROWS", 1_000)
    monkeypatch.setattr(row_files, "PART_ROWS", 700)
    monkeypatch.setattr(row_files, "_AT_ONCE", 400)
    monkeypatch.setattr(cube_cells, "_STORED_CELLS", 100)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def lines(*columns: str) -> pl.DataFrame:
    """Give orders of some hundred customers over two years, some of them returned."""
    row = pl.int_range(N, eager=True)
    number = row.hash(1)
    return pl.DataFrame(
        {
            "customer_id": pl.Series([f"customer no. {n % 311}" for n in number]),
            "ordered_at": [datetime(2024, 1, 3, 9) + timedelta(days=int(n)) for n in number // 311 % 700],
            "amount": (number // 7 % 5_000) / 100 - 5,
            "order_id": row.cast(pl.String),
            "cost": (number // 11 % 2_000) / 100,
        }
    ).select("customer_id", "ordered_at", "amount", *columns)


def told(result):
    """Give all that a result says, money to a hundredth of a cent."""
    tables = {
        name: table.with_columns(pl.col(pl.Float64).round(4)).to_dict(as_series=False)
        for name, table in result.tables().items()
    }
    return result.headline(), [note.text for note in result.notes], tables


@pytest.mark.parametrize("columns", [(), ("order_id",), ("order_id", "cost")])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"clock": "24h", "max_periods": 40},
        {"criterion": "on_or_before", "clock": "30d", "as_of": date(2025, 6, 1)},
        {"entry": "recurring", "period": "quarter", "start": date(2024, 10, 1)},
        {"value": "average_order", "activity": "any", "criterion": "bracket", "brackets": [(1, 2), (4, 6)]},
        {"period": "day"},
    ],
    ids=lambda o: "-".join(map(str, o)) or "plain",
)
def test_parts_give_the_result_of_the_whole(columns, options, request):
    whole = crm.cohort_retention(lines(*columns), **options)
    folder = request.getfixturevalue("small_parts")
    parts = crm.cohort_retention(lines(*columns), **options)
    assert told(parts) == told(whole)
    gc.collect()
    assert not list(folder.iterdir())


@pytest.mark.usefixtures("small_parts")
def test_parts_are_of_whole_customers_and_hold_every_row():
    rows = lines().lazy().with_row_index()
    parts = [part.collect() for part in row_files.parted(rows, N)]
    assert len(parts) == -(-N // 700)
    assert pl.concat(parts).sort(pl.all()).equals(rows.collect().sort(pl.all()))
    ids = pl.concat([part.select(pl.col("customer_id").unique()) for part in parts])
    assert not ids["customer_id"].is_duplicated().any()
    assert all(part["index"].is_sorted() for part in parts)  # in the order in which they came


def test_files_go_with_the_extract(small_parts: Path):
    extract = crm.read_transactions(lines())
    crm.cohort_retention(extract)
    assert [path for path in small_parts.rglob("*.arrow") if "cells" in path.name]
    del extract
    gc.collect()
    assert not list(small_parts.iterdir())


def test_few_rows_are_not_divided():
    assert row_files.parts_of(crm.read_transactions(lines())) is None


def test_what_filters_leave_decides(monkeypatch):
    monkeypatch.setattr(row_files, "MOST_ROWS", 1_000)
    base = crm.CustomerBase("firm", tables={"transactions": crm.read_transactions(lines())})
    few = base.where(customer_ids=["customer no. 1", "customer no. 2"])
    assert row_files.parts_of(few.table("transactions")) is None
    assert row_files.parts_of(base.table("transactions")) is not None


def test_very_many_customers_are_not_listed(monkeypatch):
    for module in (customers, notes, counted):
        monkeypatch.setattr(module, "MOST_LISTED", 100)
    result = crm.cohort_retention(lines())
    assert "customers" not in result.tables()
    assert "311 customers are not listed" in {n.code: n.text for n in result.notes}["customers_not_listed"]
    with pytest.raises(OptionError, match="lists no customers"):
        crm.customers_in_cell(result, cohort_on="2024-01-01", period=1)
