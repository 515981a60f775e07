"""Which heading means which column, in the languages of our users."""

from __future__ import annotations

import pytest

from crm_analytics.extracts.recognising.heading_words import USUAL
from crm_analytics.extracts.recognising.headings import fold, heading_score, looks_made_up
from crm_analytics.tables import TABLES

CASES = {
    "customer_id": "CustomerID customer_no Cust.No. KUNDENNUMMER Kd-Nr. NuméroClient Id_Cliente Klantnummer código_do_cliente CUSTOMER-ID "
    "ClientNumber user_id Kundennr",
    "ordered_at": "InvoiceDate order_date Bestelldatum OrderTimestamp Rechnungsdatum Date_de_commande Fecha_Pedido DataOrdine Besteldatum "
    "data_do_pedido DataZamówienia Purchased_At purchase-date",
    "amount": "Amount OrderTotal Betrag Umsatz Montant_TTC Importe Bedrag Valor Kwota LineTotal NetAmount Total_(EUR) revenue",
    "order_id": "InvoiceNo Order_ID Bestellnummer Rechnungs-Nr. NuméroCommande Factura Ordernummer amazon-order-id Belegnummer",
    "quantity": "Qty Menge Quantité Cantidad Aantal Ilość Anzahl quantity-purchased Stück",
    "unit_price": "UnitPrice unit_price Einzelpreis Prix_unitaire PrecioUnitario Stukprijs Cena_jednostkowa Stückpreis",
    "product_id": "StockCode SKU Artikelnummer Product_ID ItemNo Code_article Lineitem_sku",
    "country": "Country Land Pays País Paese Kraj Shipping_Country",
    "discount": "Discount Discount_Code coupon_code Promo-Code Gutschein Rabatt Remise Descuento Sconto Korting Lineitem_discount "
    "item-promotion-discount voucher_code is_discounted",
}


@pytest.mark.parametrize(
    ("column", "heading"), [(c, h.replace("_", " ")) for c, hs in CASES.items() for h in hs.split()]
)
def test_usual_headings_in_many_languages(column, heading):
    scores = {
        c.name: heading_score(heading, c.name, "transactions")[0] for c in TABLES["transactions"].columns
    }
    assert max(scores, key=scores.get) == column
    assert scores[column] >= 0.7


@pytest.mark.parametrize(
    "heading", ["Description", "Notes", "Discontinued", "Tax", "Row ID", "Weight", "Postcode", "Birthday"]
)
def test_other_headings_mean_nothing(heading):
    strong = {
        c.name
        for c in TABLES["transactions"].columns
        if heading_score(heading, c.name, "transactions")[0] > 0.6
    }
    assert not strong


def test_misspelt_headings_are_near_but_less_sure():
    score, why = heading_score("Custmoer ID", "customer_id", "transactions")
    assert 0.5 < score < 0.9
    assert "spelt much like" in why


def test_folding():
    assert fold("Numéro de Client") == ("number", "de", "client")
    assert fold("  orderID ") == ("order", "id")
    assert fold("Total (incl. VAT)") == ("total",)
    assert fold("(Total)") == ("total",)
    assert fold("€") == ()


def test_every_usual_heading_is_of_a_column_and_scores():
    for table, words in USUAL.items():
        names = {c.name for c in TABLES[table].columns} | {"currency", "status", "refunded"}
        assert set(words) <= names
        assert {c.name for c in TABLES[table].columns} <= set(words)


def test_made_up_headings():
    assert looks_made_up(["column_1", "column_2"])
    assert not looks_made_up(["column_1", "amount"])
    assert not looks_made_up([])
