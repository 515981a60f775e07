"""Recognition of whole tables: wording and values together, one heading per column."""

from __future__ import annotations

import polars as pl
import pytest

from crm_analytics.errors import ColumnError, UnknownNameError
from crm_analytics.extracts.recognising.profiles import profiles
from crm_analytics.extracts.recognising.which_column import missing_error, recognise
from crm_analytics.tables import TABLES

DAYS = ["2024-01-03", "2024-01-17", "2024-02-01", "2024-02-11"]
MONEY = ["10.50", "20.25", "7.95", "100.00"]
IDS = ["A1", "B2", "A1", "C3"]


def found(frame, table="transactions", columns=None):
    return recognise(profiles(pl.DataFrame(frame)), TABLES[table], columns)


def mapping(frame, table="transactions", columns=None):
    return {r.column: r.heading for r in found(frame, table, columns).columns}


def test_a_german_order_file():
    assert mapping(
        {
            "Kd-Nr.": IDS,
            "Bestelldatum": DAYS,
            "Betrag (EUR)": MONEY,
            "Land": ["DE", "AT", "DE", "DE"],
            "Artikel": ["x", "y", "x", "z"],
        }
    ) == {
        "customer_id": "Kd-Nr.",
        "ordered_at": "Bestelldatum",
        "amount": "Betrag (EUR)",
        "country": "Land",
        "product_id": "Artikel",
    }


def test_a_shopify_export():
    frame = {
        "Name": ["#1", "#2", "#3", "#4"], "Email": ["a@x.org", "b@x.org", "a@x.org", "c@x.org"], "Created at": DAYS, "Currency": ["EUR"] * 4,
        "Subtotal": MONEY, "Taxes": MONEY, "Total": ["12.50", "22.25", "9.95", "102.00"], "Lineitem quantity": ["1", "2", "1", "4"],
        "Lineitem price": MONEY, "Lineitem sku": ["S1", "S2", "S1", "S2"], "Billing Country": ["DE"] * 4, "Financial Status": ["paid"] * 4,
    }  # fmt: skip
    assert mapping(frame) == {
        "customer_id": "Email", "ordered_at": "Created at", "amount": "Total", "order_id": "Name", "quantity": "Lineitem quantity",
        "unit_price": "Lineitem price", "product_id": "Lineitem sku", "country": "Billing Country", "currency": "Currency", "status": "Financial Status",
    }  # fmt: skip


def test_an_amazon_export_has_line_totals_for_prices():
    frame = {
        "amazon-order-id": ["1", "1", "2", "3"],
        "purchase-date": DAYS,
        "buyer-email": IDS,
        "sku": IDS,
        "quantity": ["1", "2", "3", "4"],
        "item-price": MONEY,
        "ship-country": ["DE"] * 4,
    }
    taken = mapping(frame)
    assert taken["amount"] == "item-price"
    assert "unit_price" not in taken
    assert (taken["order_id"], taken["customer_id"], taken["country"]) == (
        "amazon-order-id",
        "buyer-email",
        "ship-country",
    )


def test_a_woocommerce_export():
    frame = {
        "order_id": ["1", "2", "3", "4"],
        "order_date": DAYS,
        "customer_user": ["5", "6", "5", "7"],
        "billing_email": IDS,
        "order_total": MONEY,
        "billing_country": ["PL"] * 4,
    }
    assert mapping(frame) == {
        "order_id": "order_id",
        "ordered_at": "order_date",
        "customer_id": "customer_user",
        "amount": "order_total",
        "country": "billing_country",
    }


def test_the_name_of_a_customer_is_no_order_number():
    taken = mapping({"Customer ID": IDS, "Name": ["Ann", "Bob", "Ann", "Cid"], "Date": DAYS, "Amount": MONEY})
    assert "order_id" not in taken


def test_a_price_beside_a_quantity_is_per_unit_and_alone_it_is_the_amount():
    base = {"customer": IDS, "date": DAYS, "price": MONEY}
    assert mapping(base)["amount"] == "price"
    beside = mapping({**base, "qty": ["1", "2", "3", "4"]})
    assert beside["unit_price"] == "price"
    assert "amount" not in beside
    assert missing_error(TABLES["transactions"], found({**base, "qty": ["1", "2", "3", "4"]}), []) is None


def test_an_amount_wins_over_prices():
    taken = mapping(
        {"customer": IDS, "date": DAYS, "unit price": MONEY, "qty": ["1", "2", "3", "4"], "line total": MONEY}
    )
    assert taken["amount"] == "line total"


def test_description_is_no_category():
    taken = mapping(
        {"customer": IDS, "date": DAYS, "amount": MONEY, "Description": ["LANTERN", "MUG", "LANTERN", "CUP"]}
    )
    assert "category" not in taken


def test_what_is_named_wins():
    frame = {"customer": IDS, "payer": ["p", "q", "p", "r"], "date": DAYS, "amount": MONEY}
    recognition = found(frame, columns={"customer_id": "payer"})
    taken = {r.column: r for r in recognition.columns}
    assert (taken["customer_id"].heading, taken["customer_id"].confidence) == ("payer", 1.0)
    assert taken["customer_id"].reasons == ("named by you",)
    assert "customer" in recognition.unused


def test_an_empty_heading_says_there_is_none():
    frame = {"customer": IDS, "date": DAYS, "amount": MONEY, "country": ["DE"] * 4}
    assert "country" not in mapping(frame, columns={"country": ""})


def test_mistakes_in_the_mapping_are_named():
    frame = {"customer": IDS, "date": DAYS, "amount": MONEY}
    with pytest.raises(ColumnError, match=r"no heading 'Custmer'.*Did you mean 'customer'"):
        found(frame, columns={"customer_id": "Custmer"})
    with pytest.raises(UnknownNameError, match="column of transactions 'client'"):
        found(frame, columns={"client": "customer"})
    with pytest.raises(ColumnError, match="'customer' is named for 'customer_id' and for 'product_id'"):
        found(frame, columns={"customer_id": "customer", "product_id": "customer"})


def test_two_that_fit_equally_are_named_as_rivals():
    recognition = found({"customer": IDS, "Order Date": DAYS, "Invoice Date": DAYS, "amount": MONEY})
    assert recognition.heading("ordered_at") == "Order Date"
    assert recognition.rivals == {"ordered_at": "Invoice Date"}


def test_headings_in_an_unknown_language_are_recognised_by_values_with_little_confidence():
    ids = [f"K{i % 7:03}" for i in range(40)]
    days = [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(40)]
    money = [f"{i * 3 + 0.95:.2f}" for i in range(40)]
    recognition = found({"asiakas": ids, "päiväys": days, "yhteensä": money})
    assert {r.column: r.heading for r in recognition.columns} == {
        "customer_id": "asiakas",
        "ordered_at": "päiväys",
        "amount": "yhteensä",
    }
    assert all(r.confidence < 0.5 for r in recognition.columns)
    assert set(recognition.by_content) == {"customer_id", "ordered_at", "amount"}


def test_files_without_headings():
    frame = {
        "column_1": ["0001", "0002", "0001", "0003"],
        "column_2": ["19970101", "19970118", "19970802", "19971212"],
        "column_3": ["1", "2", "1", "3"],
        "column_4": MONEY,
    }
    recognition = found(frame)
    assert recognition.headless
    assert {r.column: r.heading for r in recognition.columns} == {
        "customer_id": "column_1",
        "ordered_at": "column_2",
        "quantity": "column_3",
        "amount": "column_4",
    }


def test_values_tell_amount_from_quantity_under_the_same_kind_of_heading():
    taken = mapping({"client": IDS, "date": DAYS, "number": ["1", "2", "1", "3"], "total": MONEY})
    assert taken["amount"] == "total"


@pytest.mark.parametrize(
    ("table", "frame", "expected"),
    [
        (
            "customers",
            {
                "Kundennummer": ["1", "2", "3"],
                "Firma": ["A", "B", "C"],
                "Kunde seit": DAYS[:3],
                "Land": ["DE"] * 3,
                "Newsletter": ["ja", "nein", "ja"],
            },
            {
                "customer_id": "Kundennummer",
                "name": "Firma",
                "joined_on": "Kunde seit",
                "country": "Land",
                "consent": "Newsletter",
            },
        ),
        (
            "surveys",
            {
                "Respondent": ["1", "2", "3"],
                "Response Date": DAYS[:3],
                "Likelihood to recommend": ["9", "10", "3"],
                "Overall satisfaction": ["4", "5", "2"],
                "Comments": ["good", "very good", "bad"],
            },
            {
                "answered_at": "Response Date",
                "customer_id": "Respondent",
                "nps": "Likelihood to recommend",
                "csat": "Overall satisfaction",
                "comment": "Comments",
            },
        ),
        (
            "cases",
            {
                "Ticket ID": ["1", "2", "3"],
                "Created At": DAYS[:3],
                "Solved At": DAYS[1:],
                "Requester": ["a", "b", "a"],
                "Reason": ["late", "broken", "late"],
            },
            {
                "case_id": "Ticket ID",
                "opened_at": "Created At",
                "customer_id": "Requester",
                "closed_at": "Solved At",
                "category": "Reason",
            },
        ),
        (
            "contacts",
            {
                "Campaign": ["Spring"] * 3,
                "Customer": ["a", "b", "c"],
                "Sent at": DAYS[:3],
                "Group": ["test", "control", "test"],
                "Converted at": [None, None, "2024-02-11"],
            },
            {
                "campaign_id": "Campaign",
                "customer_id": "Customer",
                "contacted_at": "Sent at",
                "arm": "Group",
                "responded_at": "Converted at",
            },
        ),
        (
            "subscriptions",
            {
                "Account ID": ["a", "b", "a"],
                "Start Date": DAYS[:3],
                "End Date": [None, None, "2024-12-31"],
                "MRR": ["9.99", "19.99", "9.99"],
                "Plan": ["Basic", "Pro", "Basic"],
            },
            {
                "customer_id": "Account ID",
                "started_on": "Start Date",
                "ended_on": "End Date",
                "monthly_amount": "MRR",
                "plan": "Plan",
            },
        ),
        (
            "products",
            {
                "SKU": ["p1", "p2", "p3"],
                "Title": ["Mug", "Cup", "Jar"],
                "Cost per item": ["1.20", "0.80", "2.10"],
                "Product Type": ["Kitchen"] * 3,
            },
            {"product_id": "SKU", "name": "Title", "unit_cost": "Cost per item", "category": "Product Type"},
        ),
    ],
)
def test_every_table(table, frame, expected):
    assert mapping(frame, table) == expected


def test_own_names_are_always_recognised():
    values = {
        "id": IDS,
        "instant": DAYS,
        "day": DAYS,
        "money": MONEY,
        "number": MONEY,
        "count": ["1", "2", "3", "4"],
        "rating": ["1", "2", "3", "4"],
        "flag": ["yes", "no", "no", "no"],
        "category": IDS,
        "text": ["a b", "c d", "e", "f"],
    }
    for table in TABLES.values():
        frame = {
            c.name: [f"{i}" for i in range(4)] if c.name == table.key else values[c.kind]
            for c in table.columns
        }
        assert mapping(frame, table.name) == {c.name: c.name for c in table.columns}


def test_an_empty_frame_keeps_its_own_names():
    frame = pl.DataFrame(
        schema={"customer_id": pl.String, "ordered_at": pl.Datetime("us"), "amount": pl.Float64}
    )
    assert missing_error(TABLES["transactions"], found(frame), frame.columns) is None
