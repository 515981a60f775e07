"""A visitor's own files: read, checked, corrected, used, and nobody else's."""

from __future__ import annotations

import io
import sqlite3

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

import crm_analytics as crm
from shared import uploads
from shared.words import plain

ORDERS = "Cust No,Invoice,Invoice Date,Total,Sales channel\n" + "".join(
    f"C{i % 30:02},{i},2026-{1 + i % 6:02}-{1 + i % 27:02},{10 + i % 7}.50,{'web' if i % 3 else 'store'}\n"
    for i in range(200)
)
CUSTOMERS = "customer_id,name\n" + "".join(f"C{i:02},Person {i}\n" for i in range(30))


@pytest.fixture
def visitor(apps, monkeypatch):
    """Open the data page as a fresh visitor; several may be open at once."""
    monkeypatch.setenv("CRM_BASE", "")

    def arrive():
        at = AppTest.from_file(apps / "streamlit_app.py", default_timeout=120)
        return at.switch_page("app_pages/data.py").run()

    return arrive


def bring(at, *files):
    for name, content in files:
        at.file_uploader[0].upload(name, content if isinstance(content, bytes) else content.encode())
    return at.run()


def go(at, page):
    return at.switch_page(f"app_pages/{page}.py").run()


def own(at):
    return at.session_state["own_base"].base


def messages(at):
    return " ".join(e.value.replace("\\", "") for kind in (at.error, at.warning, at.info) for e in kind)


def test_an_uploaded_file_is_recognised_checked_and_used(visitor):
    at = bring(visitor(), ("orders.csv", ORDERS))
    assert not at.exception
    assert not messages(at)
    assert [m.value for m in at.metric][:3] == ["200", "200", "0"]
    direct = crm.read_transactions(pl.read_csv(io.StringIO(ORDERS)))
    at = go(at, "value")
    assert plain(crm.value_tiers(direct).headline()) in [s.value for s in at.subheader]
    assert "Sample data" not in " ".join(m.value for m in at.markdown)


def test_a_second_file_gives_names_to_the_customers(visitor):
    at = bring(visitor(), ("orders.csv", ORDERS), ("people.csv", CUSTOMERS))
    assert not messages(at)
    assert set(own(at).tables) == {"transactions", "customers"}
    assert "name" in go(at, "customers").dataframe[0].value.columns


def test_what_one_visitor_brings_no_other_sees(visitor):
    first, second = visitor(), visitor()
    bring(first, ("orders.csv", ORDERS.replace("C07", "CANARY")))
    assert go(first, "customers").dataframe[0].value["customer_id"].eq("CANARY").any()
    assert not go(second, "customers").dataframe[0].value["customer_id"].eq("CANARY").any()
    third = visitor()
    assert not go(third, "customers").dataframe[0].value["customer_id"].eq("CANARY").any()


def test_removing_the_files_returns_to_the_servers_base(visitor):
    at = bring(visitor(), ("orders.csv", ORDERS))
    next(b for b in at.button if b.label == "Remove my files").click().run()
    assert not at.exception
    assert "own_base" not in at.session_state
    assert not at.session_state["brought"]


def test_columns_can_be_corrected(visitor):
    text = "who,when,first,second\n" + "".join(
        f"C{i % 9},2026-0{1 + i % 5}-11,{i}.25,{1000 + i}.75\n" for i in range(50)
    )
    at = bring(visitor(), ("odd.csv", text))
    token = next(iter(at.session_state["brought"]))
    for column, heading in (("customer_id", "who"), ("ordered_at", "when"), ("amount", "second")):
        at.selectbox(key=f"{token}_transactions_{column}").set_value(heading)
    next(b for b in at.button if b.label == "Apply").click().run()
    assert not at.exception
    frame = own(at).table("transactions").frame.collect()
    assert frame["amount"].sum() == pytest.approx(sum(1000.75 + i for i in range(50)))


def test_a_column_taken_away_is_not_recognised_again(visitor):
    at = bring(visitor(), ("orders.csv", ORDERS))
    assert "channel" in own(at).table("transactions").frame.collect_schema().names()
    token = next(iter(at.session_state["brought"]))
    at.selectbox(key=f"{token}_transactions_channel").set_value("(not in this file)")
    next(b for b in at.button if b.label == "Apply").click().run()
    assert "channel" not in own(at).table("transactions").frame.collect_schema().names()


def test_rows_set_aside_are_shown_and_can_be_had(visitor):
    at = bring(visitor(), ("orders.csv", ORDERS + ",201,2026-01-05,9.00,web\nC01,202,never,9.00,web\n"))
    assert [m.value for m in at.metric][:3] == ["202", "200", "2"]
    rejected = next(d.value for d in at.dataframe if "reason" in d.value.columns)
    assert len(rejected) == 2
    labels = [b.label for b in at.get("download_button")]
    assert labels.count("CSV") == 1


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(100), "picture"),
        ("empty.csv", b"", "empty"),
        ("broken.xlsx", b"PK\x03\x04" + bytes(200), "broken.xlsx"),
        ("torn.parquet", b"PAR1" + bytes(50), "torn.parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained(visitor, name, content, told):
    at = bring(visitor(), (name, content))
    assert not at.exception
    assert not at.error
    assert told in " ".join([messages(at), *(m.value.replace("\\", "") for m in at.markdown)])
    assert "own_base" not in at.session_state


def test_a_database_is_not_opened_in_the_servers_process(visitor, tmp_path):
    path = tmp_path / "shop.csv"
    with sqlite3.connect(path) as connection:
        connection.execute("create table orders (customer_id text, ordered_at text, amount real)")
    at = bring(visitor(), ("shop.csv", path.read_bytes()))
    assert "is a database" in messages(at)


def test_a_file_without_orders_asks_for_help(visitor):
    at = bring(visitor(), ("notes.csv", "a,b\n" + "x,y\n" * 20))
    assert not at.exception
    assert "needs your help" in " ".join(m.value for m in at.markdown)
    assert next(b for b in at.button if b.label == "Apply")


def test_a_files_name_is_text_and_no_path(visitor):
    at = bring(visitor(), ("../../<b>x</b>.csv", ORDERS))
    assert not at.exception
    assert "own_base" in at.session_state


def test_nothing_of_an_upload_stays_on_disk(visitor, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    bring(visitor(), ("orders.csv", ORDERS))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "table"),
    [
        (ORDERS, "transactions"),
        (CUSTOMERS, "customers"),
        ("answered_at,customer_id,nps,comment\n2026-01-01,A,9,good\n2026-01-02,B,3,bad\n", "surveys"),
        ("case_id,opened_at,customer_id,closed_at\n1,2026-01-01,A,2026-01-03\n2,2026-01-02,B,\n", "cases"),
        (
            "customer_id,started_on,ended_on,monthly_amount,plan\nA,2026-01-01,,9.9,Basic\nB,2026-01-02,,9.9,Plus\n",
            "subscriptions",
        ),
    ],
)
def test_the_kind_of_table_is_guessed(tmp_path, text, table):
    path = tmp_path / "x.csv"
    path.write_text(text)
    assert uploads.suggest_raw(uploads.read_raw(path)).table == table


def test_the_settings_offered_open_the_same_files_from_disk(visitor, tmp_path):
    at = bring(visitor(), ("orders.csv", ORDERS), ("people.csv", CUSTOMERS))
    token = next(iter(at.session_state["brought"]))
    at.selectbox(key=f"{token}_transactions_channel").set_value("(not in this file)")
    next(b for b in at.button if b.label == "Apply").click().run()
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "people.csv").write_text(CUSTOMERS)
    files = list(at.session_state["brought"].values())
    (tmp_path / "crm.toml").write_text(
        uploads.to_toml([uploads.replace(f.seen, place=f.name) for f in files if f.extract is not None])
    )
    opened = crm.open(tmp_path / "crm.toml")
    assert set(opened.tables) == {"transactions", "customers"}
    assert crm.run("value_tiers", opened).headline() == crm.run("value_tiers", own(at)).headline()
