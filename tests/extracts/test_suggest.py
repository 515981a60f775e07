"""The first look at a source, and the crm.toml it writes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crm_analytics as crm
from crm_analytics.errors import SourceError
from crm_analytics.extracts.suggest import suggest, to_toml, toml_text

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data"


@pytest.fixture
def orders(tmp_path):
    path = tmp_path / 'my "best" orders.csv'
    path.write_text(
        "Cust No;Order date;Total (EUR);Remark\n007;03.01.2026;1.234,50;a\n007;17.01.2026;12,00;b\n008;18.01.2026;5,00;c\n"
    )
    return path


@pytest.mark.parametrize(
    "table", ["transactions", "customers", "surveys", "cases", "contacts", "subscriptions", "products"]
)
def test_each_table_of_the_sample_company_is_known_by_its_columns(table):
    frame = pl.read_csv(SAMPLE / f"{table}.csv", infer_schema=False)
    found = suggest(frame)
    assert found.table == table
    assert found.confidence > 0.5
    assert found.problem is None


def test_what_is_said_of_a_file(orders):
    found = suggest(orders)
    assert (found.table, found.currency, found.unused) == ("transactions", "EUR", ("Remark",))
    rows = {r["column"]: r for r in found.to_frame().iter_rows(named=True)}
    assert rows["customer_id"]["heading"] == "Cust No"
    assert rows["customer_id"]["examples"] == "007, 008"
    assert "usual heading" in rows["customer_id"]["why"]
    assert rows["amount"]["required"]
    assert rows["order_id"]["heading"] is None


def test_the_settings_written_are_read_back(orders):
    text = to_toml([suggest(orders)], name='The "Shop"', folder=orders.parent)
    (orders.parent / "crm.toml").write_text(text, encoding="utf-8")
    base = crm.open(orders.parent)
    assert (base.name, base.currency) == ('The "Shop"', "EUR")
    tx = base.table("transactions")
    assert tx.check.rows_kept == 3
    assert all(r.confidence == 1 for r in tx.recognition)
    assert "03.01.2026" in text
    assert "# not used: Remark" in text


def test_what_is_missing_is_left_to_fill_in(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("date,id\n2026-01-01,1\n2026-01-02,1\n2026-01-03,2\n")
    found = suggest(path, "transactions")
    assert "'amount'" in str(found.problem)
    text = to_toml([found], folder=tmp_path)
    assert '# amount = ""' in text
    assert "needed" in text
    tomllib.loads(text)


def test_prices_for_amounts_are_explained(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text(
        "date,customer,qty,unit price\n2026-01-01,1,2,1.50\n2026-01-02,1,1,2.50\n2026-01-03,2,1,1.50\n"
    )
    found = suggest(path)
    assert found.problem is None
    assert "quantity x unit_price" in to_toml([found], folder=tmp_path)


def test_options_said_are_written_down(orders):
    text = to_toml([suggest(orders, separator=";", columns={"order_id": "Remark"})], folder=orders.parent)
    source = tomllib.loads(text)["sources"]["transactions"]
    assert source["separator"] == ";"
    assert source["columns"]["order_id"] == "Remark"


def test_two_files_of_one_table_and_frames_are_refused(orders):
    with pytest.raises(SourceError, match="both look like transactions"):
        to_toml([suggest(orders), suggest(orders)])
    with pytest.raises(SourceError, match="has no path"):
        to_toml([suggest(pl.read_csv(orders, separator=";"))])


def test_a_database_is_written_as_its_url():
    from dataclasses import replace

    found = replace(
        suggest(pl.DataFrame({"customer_id": ["1"], "ordered_at": ["2026-01-01"], "amount": ["1.00"]})),
        place="sqlite:///shop.db",
    )
    assert tomllib.loads(to_toml([found]))["sources"]["transactions"]["url"] == "sqlite:///shop.db"


@given(st.text(max_size=40))
def test_any_text_survives_toml(text):
    clean = text.encode("utf-8", "ignore").decode()
    assert tomllib.loads(f"x = {toml_text(clean)}")["x"] == clean


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10),
        min_size=4,
        max_size=4,
        unique=True,
    )
)
def test_hostile_headings_and_values_make_no_broken_settings(headings):
    frame = pl.DataFrame({h: ["1\n[base]", "2\x00", "\x7f#", "=x()"] for h in headings})
    from dataclasses import replace

    tomllib.loads(to_toml([replace(suggest(frame, "customers"), place="x.csv")]))


def test_a_list_of_texts_is_no_table_of_customers(tmp_path):
    path = tmp_path / "groceries.csv"
    path.write_text("".join(f"bread {i},milk {i},butter {i}\n" for i in range(20)))
    problem = suggest(path).problem
    assert problem is not None
    assert "No heading of groceries.csv names a column of any table" in str(problem)
