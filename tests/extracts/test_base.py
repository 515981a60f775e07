"""Opening a customer base and narrowing it down."""

from __future__ import annotations

import pickle
from datetime import date, datetime

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.errors import ColumnError, ConfigError, OptionError, SourceError, UnknownNameError
from crm_analytics.extracts.base import CustomerBase, LazyTables

ORDERS = """customer_id,ordered_at,amount,channel,country
1,2026-01-01,10.00,web,DE
2,2026-01-02,20.00,store,DE
3,2026-01-03,30.00,web,FR
1,2026-01-04,40.00,store,DE
"""
CUSTOMERS = "customer_id,name,country,channel\n1,Ann,DE,web\n2,Bob,DE,store\n3,Cid,FR,web\n4,Dee,FR,web\n"
CASES = "case_id,opened_at,customer_id\n1,2026-01-05,1\n2,2026-01-06,3\n"
TOML = """[base]
name = "Shop"
currency = "EUR"
as_of = 2026-02-01
[sources.transactions]
path = "orders.csv"
[sources.customers]
path = "sub/kunden.csv"
[sources.cases]
path = "cases.csv"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    for name, text in (
        ("orders.csv", ORDERS),
        ("sub/kunden.csv", CUSTOMERS),
        ("cases.csv", CASES),
        ("crm.toml", TOML),
    ):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_crm_toml_or_its_folder(folder):
    for place in (folder, folder / "crm.toml", str(folder)):
        base = crm.open(place)
        assert (base.name, base.currency, base.as_of, base.is_sample) == (
            "Shop",
            "EUR",
            date(2026, 2, 1),
            False,
        )
        assert list(base.tables) == ["transactions", "customers", "cases"]
        assert base.table("customers").check.rows_kept == 4
        assert base.table("transactions").currency == "EUR"


def test_tables_are_read_on_first_use_and_once(folder):
    (folder / "cases.csv").unlink()
    base = crm.open(folder)
    assert base.has("cases")
    assert base.table("transactions") is base.table("transactions")
    with pytest.raises(SourceError, match="no file or folder"):
        base.table("cases")


def test_a_table_that_is_not_there_says_how_to_add_it(folder):
    with pytest.raises(
        SourceError,
        match=r"Shop has no surveys table; it has transactions, customers, cases.*\[sources.surveys\]",
    ):
        crm.open(folder).table("surveys")
    with pytest.raises(UnknownNameError, match=r"table 'survey'.*Did you mean 'surveys'"):
        crm.open(folder).table("survey")


def test_a_folder_of_files_named_after_tables(folder):
    (folder / "crm.toml").unlink()
    (folder / "readme.txt").write_text("nothing")
    base = crm.open(folder)
    assert list(base.tables) == ["transactions", "cases"]
    assert base.table("transactions").check.rows_kept == 4


def test_a_folder_without_anything_known(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(SourceError, match=r"No file in .* is named after a table.*crm-analytics init"):
        crm.open(tmp_path)


def test_a_single_file_is_transactions(folder):
    base = crm.open(folder / "orders.csv")
    assert base.name == "orders"
    assert list(base.tables) == ["transactions"]


@pytest.mark.parametrize("name", ["cases.csv", "Tickets.csv"])
def test_a_single_file_named_after_another_table_is_that_table(tmp_path, name):
    (tmp_path / name).write_text("case_id,opened_at\n1,2026-01-05\n2,2026-01-09\n")
    base = crm.open(tmp_path / name)
    assert list(base.tables) == ["cases"]
    assert base.table("cases").frame.collect().height == 2


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match="no file or folder"):
        crm.open(tmp_path / "nowhere")


def test_settings_without_a_source(tmp_path):
    (tmp_path / "crm.toml").write_text("[base]\nname = 'x'\n")
    with pytest.raises(SourceError, match=r"names no source.*\[sources.transactions\]"):
        crm.open(tmp_path)


def test_mistakes_in_settings_come_through(tmp_path):
    (tmp_path / "crm.toml").write_text("[base]\nnmae = 'x'\n")
    with pytest.raises(ConfigError, match="line 2"):
        crm.open(tmp_path)


def test_a_base_made_by_hand():
    tx = crm.read_transactions(pl.read_csv(ORDERS.encode()))
    base = CustomerBase(name="Mine", tables={"transactions": tx})
    assert base.table("transactions") is tx
    assert base.customers_frame is None


def ids(base, table="transactions"):
    return base.table(table).frame.collect()["customer_id"].to_list()


def test_where_by_channel_and_country(folder):
    base = crm.open(folder)
    web = base.where(channels=["web"])
    assert ids(web) == ["1", "3"]
    assert ids(web, "cases") == ["1", "3"]
    french = base.where(countries=["FR"])
    assert (ids(french), ids(french, "customers"), ids(french, "cases")) == (["3"], ["3", "4"], ["3"])
    assert french.filters == french.table("cases").filters == ("country: FR",)
    both = web.where(countries=["FR"])
    assert ids(both) == ["3"]
    assert both.filters == ("channel: web", "country: FR")
    assert both.table("transactions").check == base.table("transactions").check


def test_where_by_customers_with_words(folder):
    some = crm.open(folder).where(customer_ids=["1", "4"], words="segment Champions")
    assert (ids(some), ids(some, "customers"), some.filters) == (
        ["1", "1"],
        ["1", "4"],
        ("segment Champions",),
    )
    assert crm.open(folder).where(customer_ids=["1"]).filters == ("1 chosen customers",)
    assert ids(crm.open(folder).where(customer_ids=[])) == []


def test_where_sets_the_window_and_drops_no_row(folder):
    base = crm.open(folder).where(start=date(2026, 1, 2), end=date(2026, 1, 4))
    assert (base.start, base.as_of, base.filters) == (date(2026, 1, 2), date(2026, 1, 4), ())
    assert len(ids(base)) == 4
    with pytest.raises(OptionError, match=r"start=.* is out of range"):
        crm.open(folder).where(start=date(2026, 3, 1))


def test_where_uses_the_customers_table_or_says_what_is_missing(folder):
    (folder / "orders.csv").write_text(
        "customer_id,ordered_at,amount\n1,2026-01-01,1.00\n3,2026-01-02,2.00\n"
    )
    assert ids(crm.open(folder).where(countries=["FR"])) == ["3"]
    with pytest.raises(
        ColumnError, match="Neither the transactions nor a customers table has a column 'country'"
    ):
        crm.open(folder / "orders.csv").where(countries=["FR"]).table("transactions")


def test_bases_pickle(folder):
    again = pickle.loads(pickle.dumps(crm.open(folder).where(countries=["FR"])))  # noqa: S301 our own bytes
    assert ids(again) == ["3"]


def test_one_text_is_one_value_and_ids_may_be_numbers(folder):
    base = crm.open(folder)
    assert base.where(channels="web").filters == ("channel: web",)
    assert ids(base.where(customer_ids=[3])) == ["3"]


@pytest.mark.parametrize("base", ["orders.csv", None, pl.DataFrame({"customer_id": ["1"]})])
def test_running_on_something_else_says_how_to_open_it(base):
    with pytest.raises(
        OptionError, match=r"A customer base was expected\. Open one: crm\.run\(\"rfm\", crm\.open"
    ):
        crm.run("rfm", base)


def test_days_may_be_written(folder):
    base = crm.open(folder).where(start="2026-01-02", end=datetime(2026, 1, 4, 12))
    assert (base.start, base.as_of) == (date(2026, 1, 2), date(2026, 1, 4))
    with pytest.raises(OptionError, match="a day: a date or text"):
        base.where(start="soon")


def test_the_sample_company_is_marked_and_whole():
    base = crm.sample()
    assert base.is_sample
    assert set(base.tables) == {
        "transactions",
        "customers",
        "surveys",
        "cases",
        "contacts",
        "subscriptions",
        "products",
    }
    assert base.table("products").check.rows_rejected == 0


def test_each_table_says_the_filters_that_were_put_to_it_and_no_others(folder):
    base = crm.open(folder).where(channels=["web"], countries=["FR"], customer_ids=["3"], words="the best")
    assert base.filters == ("channel: web", "country: FR", "the best")
    assert base.table("transactions").filters == ("channel: web", "country: FR", "the best")
    assert base.table("customers").filters == base.table("cases").filters == ("country: FR", "the best")


def test_a_table_without_customers_is_narrowed_by_what_it_has():
    answers = crm.read_surveys(pl.DataFrame({"answered_at": ["2026-01-05", "2026-01-06"], "nps": [9, 3]}))
    products = crm.read_products(pl.DataFrame({"product_id": ["p"], "name": ["Pan"]}))
    base = CustomerBase("Shop", tables={"surveys": answers, "products": products})
    narrowed = base.where(channels="web", countries="FR", customer_ids=["1"])
    assert narrowed.table("surveys").filters == narrowed.table("products").filters == ()
    assert narrowed.table("surveys").frame.collect().height == 2


def contracts(*starts):
    """Contracts that begin on these days."""
    return crm.read_subscriptions(
        pl.DataFrame({"customer_id": [str(i) for i in range(len(starts))], "started_on": starts})
    )


def test_the_last_row_of_a_base_is_that_of_any_table_that_says_what_happened(folder):
    base = crm.open(folder)
    assert base.last_row() == (date(2026, 1, 6), "cases")
    assert base.where(channels="store").last_row() == (date(2026, 1, 6), "cases")
    tables = {"transactions": base.table("transactions"), "subscriptions": contracts(date(2026, 1, 31))}
    assert CustomerBase("Shop", tables=tables).last_row() == (date(2026, 1, 31), "subscriptions")
    assert CustomerBase("Shop", tables={"products": base.table("cases")}).last_row() is None


def test_ends_of_contracts_and_rare_contracts_to_come_do_not_move_the_last_row(folder):
    orders = crm.open(folder).table("transactions")
    planned = crm.read_subscriptions(
        pl.DataFrame({"customer_id": ["1"], "started_on": ["2026-01-02"], "ended_on": ["2027-01-01"]})
    )
    assert CustomerBase("Shop", tables={"transactions": orders, "subscriptions": planned}).last_row() == (
        date(2026, 1, 4), "transactions",
    )  # fmt: skip
    many = [date(2025, 6, 1)] * 99
    for late, last in ((date(2026, 9, 1), date(2026, 1, 4)), (date(2026, 2, 1), date(2026, 2, 1))):
        both = {"transactions": orders, "subscriptions": contracts(*many, late)}
        assert CustomerBase("Shop", tables=both).last_row()[0] == last
    often = {"transactions": orders, "subscriptions": contracts(*many, *[date(2026, 9, 1)] * 9)}
    assert CustomerBase("Shop", tables=often).last_row() == (date(2026, 9, 1), "subscriptions")
    alone = CustomerBase("Shop", tables={"subscriptions": contracts(*many, date(2026, 9, 1))})
    assert alone.last_row() == (date(2026, 9, 1), "subscriptions")


def test_a_table_that_cannot_be_read_is_passed_over(folder):
    (folder / "cases.csv").write_text("one,two\nx,y\n")
    assert crm.open(folder).last_row() == (date(2026, 1, 4), "transactions")


def test_a_table_that_cannot_be_read_is_tried_once(folder):
    tried = []

    def broken():
        tried.append(1)
        raise SourceError.empty("cases.csv")

    tables = LazyTables({"transactions": lambda: crm.open(folder).table("transactions"), "cases": broken})
    base = CustomerBase("Shop", tables=tables)
    assert [base.last_row(), base.where(channels="web").last_row()] == [
        (date(2026, 1, 4), "transactions")
    ] * 2
    assert len(tried) == 1
