"""Reading through the public face: files, frames, options, and what comes back."""

from __future__ import annotations

import pickle
from datetime import datetime

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import crm_analytics as crm
from crm_analytics.errors import ColumnError, OptionError, SourceError, UnknownNameError
from crm_analytics.extracts.readers import as_extract, read
from crm_analytics.tables import TABLES

CSV = """Kunden-Nr.;Bestelldatum;Bestellnummer;Menge;Einzelpreis;Gesamtbetrag;Versandland
00017;31.01.2026;B-1;2;1.234,50 €;2.469,00 €;Deutschland
00018;01.02.2026;B-2;1;5,00 €;5,00 €;Österreich
;02.02.2026;B-3;1;7,00 €;7,00 €;Deutschland
00017;03.02.2026;B-4;1;5,00 €;-5,00 €;Deutschland
"""


@pytest.fixture
def german(tmp_path):
    path = tmp_path / "bestellungen.csv"
    path.write_text(CSV, encoding="cp1252")
    return path


def test_a_german_file_without_an_option(german):
    tx = crm.read_transactions(german)
    assert tx.frame.select(
        "customer_id", "ordered_at", "amount", "order_id", "quantity", "unit_price"
    ).collect().rows() == [
        ("00017", datetime(2026, 1, 31), 2469.0, "B-1", 2.0, 1234.5),
        ("00018", datetime(2026, 2, 1), 5.0, "B-2", 1.0, 5.0),
        ("00017", datetime(2026, 2, 3), -5.0, "B-4", 1.0, 5.0),
    ]
    assert tx.check.by_reason == {"customer_id is missing": 1}
    assert tx.currency == "EUR"
    assert "day before month" in tx.details["ordered_at"]
    assert tx.rejected.row(0, named=True)["Gesamtbetrag"] == "7,00 €"


def test_columns_have_the_types_of_the_contract(german):
    tx = crm.read_transactions(german)
    for name, dtype in tx.frame.collect_schema().items():
        assert dtype == TABLES["transactions"].column(name).dtype


FRAME = {
    "customer_id": ["1", "2"],
    "ordered_at": [datetime(2026, 1, 1), datetime(2026, 1, 2)],
    "amount": [1.0, 2.0],
}


@pytest.mark.parametrize("make", [pl.DataFrame, pl.LazyFrame, pd.DataFrame, pa.table])
def test_frames_of_every_kind_give_the_same(make):
    assert crm.read_transactions(make(FRAME)).frame.collect().equals(pl.DataFrame(FRAME))


def test_an_extract_passes_through_and_others_are_refused():
    tx = as_extract(pl.DataFrame(FRAME))
    assert as_extract(tx) is tx
    with pytest.raises(OptionError, match=r"An extract of transactions was given.*crm\.read_cases"):
        as_extract(tx, "cases")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone='Europe/Atlantis' is out of range.*IANA name"),
        ({"duplicates": "drop"}, "duplicates='drop'.*'keep', 'reject'"),
        ({"week_start": "friday"}, "week_start='friday'"),
        ({"currency": "euro"}, "currency='euro'.*ISO code"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(OptionError, match=message):
        crm.read_transactions(pl.DataFrame(FRAME), **options)


def test_unknown_options_and_tables():
    with pytest.raises(OptionError, match="no option 'colums'"):
        crm.read_customers(pl.DataFrame(FRAME), colums={})
    with pytest.raises(UnknownNameError, match=r"table 'orders'"):
        read("orders", pl.DataFrame(FRAME))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match="no file or folder"):
        crm.read_transactions(tmp_path / "none.csv")


def test_a_missing_column_names_what_was_found():
    with pytest.raises(ColumnError, match=r"recognised as 'ordered_at'; found 'customer_id', 'amount'"):
        crm.read_transactions(pl.DataFrame(FRAME).drop("ordered_at"))


def test_extracts_pickle(german):
    tx = crm.read_transactions(german)
    again = pickle.loads(pickle.dumps(tx))  # noqa: S301 our own bytes
    assert again.frame.collect().equals(tx.frame.collect())
    assert again.rejected.equals(tx.rejected)
    assert again.check == tx.check


def test_open_ended_tables_keep_attributes_in_their_types():
    frame = pl.DataFrame(
        {
            "customer_id": ["1", "2", "3"], "Answered": ["2026-01-01", "2026-01-02", "2026-01-03"], "nps": ["9", "10", "n/a"],
            "delivery": ["5", "4", ""], "speed": ["3,5", "4,0", "2,5"], "postcode": ["01067", "20095", "80331"],
            "agree": ["strongly agree", "agree", "neither"], "visited": ["03.01.2026", "14.01.2026", ""],
        }
    )  # fmt: skip
    surveys = crm.read_surveys(frame, columns={"answered_at": "Answered", "pace": "speed"})
    schema = surveys.frame.collect_schema()
    assert schema["delivery"] == schema["pace"] == schema["nps"] == pl.Float64
    assert schema["postcode"] == schema["agree"] == pl.String
    assert schema["visited"] == pl.Datetime("us")
    assert surveys.frame.collect()["nps"].to_list() == [9.0, 10.0, None]


def test_an_attribute_named_like_an_unrecognised_column_is_not_lost():
    frame = pl.DataFrame(
        {"customer_id": ["1"], "id_name": ["A"], "plan": [None]}, schema_overrides={"plan": pl.String}
    )
    kept = crm.read_customers(frame, columns={"name": "id_name"}).frame.collect()
    assert kept.columns[:2] == ["customer_id", "name"]


def test_several_files_are_one_table(tmp_path):
    for month in (1, 2):
        (tmp_path / f"orders_{month}.csv").write_text(
            f"customer_id,date,amount\n1,2026-0{month}-01,5.00\n,2026-0{month}-02,6.00\n"
        )
    tx = crm.read_transactions(tmp_path / "orders_*.csv")
    assert tx.check.rows_in == 4
    assert tx.rejected.columns[0] == "__row__"
    assert tx.rejected["__row__"].to_list() == [2, 2]


def test_zoned_instants_go_to_the_zone_of_the_firm():
    frame = pl.DataFrame({**FRAME, "ordered_at": ["2026-01-01T23:30:00Z", "2026-07-01T23:30:00Z"]})
    tx = crm.read_transactions(frame, time_zone="Europe/Berlin")
    assert tx.frame.collect()["ordered_at"].to_list() == [
        datetime(2026, 1, 2, 0, 30),
        datetime(2026, 7, 2, 1, 30),
    ]
    assert tx.time_zone == "Europe/Berlin"


def test_instants_of_many_zones_without_one_of_the_firm_are_cautioned():
    frame = pl.DataFrame({**FRAME, "ordered_at": ["2026-01-01T23:30:00-05:00", "2026-07-01T23:30:00+09:00"]})
    tx = crm.read_transactions(frame)
    assert tx.frame.collect()["ordered_at"].to_list() == [
        datetime(2026, 1, 2, 4, 30),
        datetime(2026, 7, 1, 14, 30),
    ]
    assert any("several time zones" in f.text for f in tx.check.findings)


def test_undecidable_dates_are_cautioned():
    frame = pl.DataFrame({**FRAME, "ordered_at": ["02/01/2026", "01/02/2026"]})
    assert any("day or the month first" in f.text for f in crm.read_transactions(frame).check.findings)


def test_an_empty_table_is_refused():
    with pytest.raises(SourceError, match="holds no rows"):
        crm.read_transactions(pl.DataFrame(FRAME).clear())


def test_the_same_file_gives_the_same_report_twice(german):
    assert crm.read_transactions(german).check == crm.read_transactions(german).check


def test_a_saved_sheet_reads_back_what_was_written(tmp_path):
    names = ["=cmd()", "O'Neill", "'tis", "plain"]
    frame = pl.DataFrame({"customer_id": ["1", "2", "3", "4"], "name": ["'=cmd()", *names[1:]]})
    path = tmp_path / "customers.csv"
    frame.write_csv(path)
    assert crm.read_customers(path).frame.collect()["name"].to_list() == names
