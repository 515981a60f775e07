"""Whole order files as they come out of shops in many countries: no option given, the same four orders found."""

from __future__ import annotations

from datetime import datetime

import pytest

import crm_analytics as crm

WANT = [
    ("0101", datetime(2026, 1, 31), 1234.5),
    ("0102", datetime(2026, 2, 1), 12.0),
    ("0101", datetime(2026, 2, 14), -5.25),
    ("0103", datetime(2026, 3, 3), 80.0),
]

FILES = {
    "english, UK": (
        'Customer No,Order Date,Order Total,Order No\n0101,31/01/2026,"£1,234.50",A1\n0102,01/02/2026,£12.00,A2\n0101,14/02/2026,-£5.25,A3\n0103,03/03/2026,£80.00,A4\n',
        "GBP",
    ),
    "english, US": (
        'CustomerID,PurchaseDate,SalesAmount\n0101,1/31/2026,"$1,234.50"\n0102,2/1/2026,$12.00\n0101,2/14/2026,($5.25)\n0103,3/3/2026,$80.00\n',
        "USD",
    ),
    "german": (
        "Kd-Nr.;Auftragsdatum;Rechnungsbetrag\n0101;31.01.2026;1.234,50 €\n0102;01.02.2026;12,00 €\n0101;14.02.2026;-5,25 €\n0103;03.03.2026;80,00 €\n",
        "EUR",
    ),
    "swiss": (
        "Kundennummer;Datum;Betrag CHF\n0101;31.01.26;1'234.50\n0102;01.02.26;12.00\n0101;14.02.26;-5.25\n0103;03.03.26;80.00\n",
        "CHF",
    ),
    "french": (
        "Code client;Date de commande;Montant TTC\n0101;31/01/2026;1\u202f234,50 €\n0102;01/02/2026;12,00 €\n0101;14/02/2026;-5,25 €\n0103;03/03/2026;80,00 €\n",
        "EUR",
    ),
    "spanish": (
        "Nº cliente;Fecha del pedido;Importe total\n0101;31 de enero de 2026;1.234,50\n0102;1 de febrero de 2026;12,00\n0101;14 de febrero de 2026;-5,25\n0103;3 de marzo de 2026;80,00\n",
        None,
    ),
    "italian": (
        "Codice cliente;Data ordine;Importo (EUR)\n0101;31-01-2026;1.234,50\n0102;01-02-2026;12,00\n0101;14-02-2026;-5,25\n0103;03-03-2026;80,00\n",
        "EUR",
    ),
    "dutch": (
        "Klantnummer;Besteldatum;Bedrag\n0101;31-1-2026;€ 1.234,50\n0102;1-2-2026;€ 12,00\n0101;14-2-2026;€ -5,25\n0103;3-3-2026;€ 80,00\n",
        "EUR",
    ),
    "portuguese": (
        "Código do cliente;Data do pedido;Valor total\n0101;31/01/2026;R$ 1.234,50\n0102;01/02/2026;R$ 12,00\n0101;14/02/2026;-R$ 5,25\n0103;03/03/2026;R$ 80,00\n",
        "BRL",
    ),
    "polish": (
        "Numer klienta;Data zamówienia;Kwota\n0101;31.01.2026;1 234,50 zł\n0102;01.02.2026;12,00 zł\n0101;14.02.2026;-5,25 zł\n0103;03.03.2026;80,00 zł\n",
        "PLN",
    ),
    "swedish": (
        "Kundnummer;Orderdatum;Belopp\n0101;2026-01-31;1 234,50 kr\n0102;2026-02-01;12,00 kr\n0101;2026-02-14;-5,25 kr\n0103;2026-03-03;80,00 kr\n",
        None,
    ),
    "sap": (
        "Sold-to party\tBilling Date\tNet Value\n0101\t20260131\t1.234,50\n0102\t20260201\t12,00\n0101\t20260214\t5,25-\n0103\t20260303\t80,00\n",
        None,
    ),
}


@pytest.mark.parametrize("language", sorted(FILES))
def test_the_same_orders_in_every_language(language, tmp_path):
    text, currency = FILES[language]
    path = tmp_path / "orders.csv"
    path.write_text(text, encoding="utf-8")
    tx = crm.read_transactions(path)
    assert tx.frame.select("customer_id", "ordered_at", "amount").collect().rows() == WANT
    assert tx.check.rows_rejected == 0
    assert tx.currency == currency
    assert not [f.text for f in tx.check.findings if f.severity == "caution"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_and_in_every_encoding(encoding, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_bytes(FILES["german"][0].encode(encoding))
    assert (
        crm.read_transactions(path).frame.select("customer_id", "ordered_at", "amount").collect().rows()
        == WANT
    )
