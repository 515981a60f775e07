"""Lines whose money seems to run the wrong way, or stands in the extract twice: credit notes, returns, totals rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import polars as pl

CREDIT: Final = (
    "credit", "credit note", "credit memo", "creditnote", "refund", "return", "gutschrift", "rechnungskorrektur", "stornorechnung",
    "rückgabe", "retoure", "avoir", "note de crédit", "retour", "remboursement", "nota de crédito", "abono", "devolución",
    "nota di credito", "reso", "rimborso", "creditnota", "creditfactuur", "terugbetaling", "devolução", "korekta", "zwrot", "dobropis",
    "kreditnota", "kreditfaktura",
)  # fmt: skip
"""Types of documents by which money goes back to the customer."""

CANCELLED: Final = (
    "cancelled", "canceled", "refunded", "voided", "storniert", "storno", "annulé", "annulee", "annulée", "cancelado",
    "cancelada", "annullato", "geannuleerd", "anulowane", "returned", "failed", "rejected", "chargeback", "expired", "fraud",
    "void", "declined", "denied", "closed lost", "closedlost", "lost", "verloren",
)  # fmt: skip
"""States of orders for which no money came in, or went back again."""

_CREDIT_MARKS: Final = ("h", "haben", "cr", "c", "avere", "haber")  # in a column that says debit or credit

TOTALS: Final = (
    "total", "totals", "grand total", "sub total", "subtotal", "sum", "gesamt", "gesamtsumme", "gesamtergebnis", "summe", "total général",
    "total general", "totale", "totaal", "eindtotaal", "somme", "suma", "razem", "ogółem", "celkem", "summa", "i alt", "insgesamt",
)  # fmt: skip
"""What stands in the first column of a row that adds up the others."""

IS_TOTAL: Final = "a total of the other rows"

_TIE: Final = 0.005  # half a cent: sums printed in a report are rounded


def named_totals(ids: pl.Series) -> list[str]:
    """Give those of the different customers that bear the name of a total.

    >>> named_totals(pl.Series(["Total", "Grand Total:", "Totalis"]))
    ['Total', 'Grand Total:']
    """
    words = ids.filter(~ids.str.contains(r"\d"))  # most ids have a digit
    return words.filter(words.str.to_lowercase().str.strip_chars(" :*.").is_in(list(TOTALS))).to_list()


def is_total(named: Collection[str]) -> pl.Expr:
    """Find rows of customers `named` like a total whose amount is the sum of all other rows; a firm may be called Total.

    >>> rows = pl.DataFrame({"customer_id": ["a", "b", "Total"], "amount": [10.0, 20.0, 30.0]})
    >>> rows.filter(is_total(["Total"]))["customer_id"].to_list()
    ['Total']
    """
    is_named = pl.col("customer_id").is_in(list(named)).fill_null(value=False)
    amount = pl.when(pl.col("amount").is_finite()).then(pl.col("amount"))
    others = pl.when(~is_named).then(amount).sum()
    return is_named & ((amount - others).abs() <= _TIE + 1e-12 * others.abs()).fill_null(value=False)


def hits(names: Collection[str], status: str, refunded: str, totals: Collection[str]) -> dict[str, pl.Expr]:
    """Give the conditions of kept rows that bring in money where it seems to have gone out.

    `status` and `refunded` name the marks that bear the line's state and the money that went back; `totals` are the
    customers named like a total.
    """
    paid = pl.col("amount") > 0
    found = {}
    words = {status: (*CREDIT, *_CREDIT_MARKS), "category": CREDIT}
    typed = [pl.col(c).str.to_lowercase().is_in(list(w)) for c, w in words.items() if c in names]
    if typed:
        found["credit"] = pl.any_horizontal(typed) & paid
    if "quantity" in names:
        found["negative_quantity"] = (pl.col("quantity") < 0) & paid
    if refunded in names:
        found["refunded"] = (pl.col(refunded) != 0) & pl.col(refunded).is_finite() & paid
    plain = [name for name in totals if name.lower() in TOTALS]
    if plain:
        found["named_total"] = pl.col("customer_id").is_in(plain)
    return found


def wordings(n: int, rows: str) -> dict[str, tuple[str, str]]:
    """Give, for each condition, how to say that `rows` (n of them, in words) meet it, and the column concerned."""
    count = "counts as a purchase" if n == 1 else "count as purchases"
    turn = f"{count}; turn the sign of the amount in the extract if the money went back."
    total = f"{count}; leave such rows out of the extract if they add up others."
    apart = "it is not taken off the amount. Add refunds to the extract as rows with a negative amount."
    return {
        "credit": (f"{rows} of credit notes or returns with a positive amount {turn}", "amount"),
        "negative_quantity": (f"{rows} with a negative quantity and a positive amount {turn}", "quantity"),
        "refunded": (
            f"{rows} with money refunded in a column of its own {count} in full: {apart}",
            "amount",
        ),
        "named_total": (f"{rows} of a customer called “Total” or the like {total}", "customer_id"),
    }
