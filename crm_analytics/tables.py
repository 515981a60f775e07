"""The contracts of the extract tables: columns, kinds, and what each one means.

Ids are strings and keep their leading zeros. Money is Float64 in one stated currency, refunds negative.
Instants are naive local time of the base's time zone; days are dates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from crm_analytics.errors import UnknownNameError

Kind = Literal["id", "instant", "day", "money", "number", "count", "rating", "flag", "category", "text"]
"""What a column holds; it decides how text is parsed and how the column is recognised."""

DTYPES: Mapping[Kind, pl.DataType] = {
    "id": pl.String(),
    "instant": pl.Datetime("us"),
    "day": pl.Date(),
    "money": pl.Float64(),
    "number": pl.Float64(),
    "count": pl.Float64(),
    "rating": pl.Float64(),
    "flag": pl.Boolean(),
    "category": pl.String(),
    "text": pl.String(),
}


@dataclass(frozen=True)
class Column:
    """One column of a table: its canonical name, kind and meaning."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False

    @property
    def dtype(self) -> pl.DataType:
        """The polars type the column has after the check."""
        return DTYPES[self.kind]


@dataclass(frozen=True)
class Table:
    """One table: what a row is, its columns, the column that dates it, and its key where it has one.

    `open_ended` tables keep every further column of the extract as an attribute or rating.
    """

    name: str
    row_is: str
    columns: tuple[Column, ...]
    dated_by: str | None
    key: str | None = None
    open_ended: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns without which the table says nothing."""
        return tuple(c.name for c in self.columns if c.required)

    def column(self, name: str) -> Column:
        """Give the column of this canonical name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise UnknownNameError.of(f"column of {self.name}", name, (c.name for c in self.columns))


def _c(name: str, kind: Kind, meaning: str) -> Column:
    return Column(name.rstrip("!"), kind, meaning, required=name.endswith("!"))


TABLES: Mapping[str, Table] = {
    t.name: t
    for t in (
        Table(
            "transactions",
            "an order or an order line",
            (
                _c("customer_id!", "id", "Who bought."),
                _c("ordered_at!", "instant", "When the order was placed, local time."),
                _c(
                    "amount!",
                    "money",
                    "What the line or order came to; refunds negative. Where it is absent, quantity x unit_price.",
                ),
                _c("order_id", "id", "The order or invoice the line belongs to."),
                _c("quantity", "count", "Units on the line; negative when returned."),
                _c("unit_price", "money", "Price of one unit; serves to work out amount."),
                _c("product_id", "id", "What was bought."),
                _c("category", "category", "Product category."),
                _c("channel", "category", "Where it was bought (web, store, …)."),
                _c("country", "category", "Where the buyer is."),
                _c("cost", "money", "What the goods of the line cost the firm, in total, not per unit."),
                _c("discount", "flag", "Bought with a discount, coupon or promotion code."),
            ),
            dated_by="ordered_at",
        ),
        Table(
            "customers",
            "a customer",
            (
                _c("customer_id!", "id", "The customer."),
                _c("name", "text", "Name to show to people; never used in a calculation."),
                _c("joined_on", "day", "When the relation began."),
                _c("country", "category", "Home country."),
                _c("channel", "category", "Channel through which the customer was won."),
                _c("plan", "category", "Plan or tariff."),
                _c("industry", "category", "Industry, for business customers."),
                _c("consent", "flag", "May be contacted."),
                _c("acquisition_cost", "money", "What winning the customer cost."),
            ),
            dated_by="joined_on",
            key="customer_id",
            open_ended=True,
        ),
        Table(
            "surveys",
            "an answer sheet",
            (
                _c("answered_at!", "instant", "When it was answered."),
                _c("customer_id", "id", "Who answered."),
                _c("nps", "rating", "Likelihood to recommend, 0 to 10."),
                _c("csat", "rating", "Overall satisfaction."),
                _c("ces", "rating", "Effort."),
                _c("weight", "number", "Survey weight."),
                _c("comment", "text", "Free text."),
            ),
            dated_by="answered_at",
            open_ended=True,
        ),
        Table(
            "cases",
            "a complaint or request",
            (
                _c("case_id!", "id", "The case."),
                _c("opened_at!", "instant", "When it came in."),
                _c("customer_id", "id", "Who raised it."),
                _c("first_answered_at", "instant", "When it was first answered; empty while it was not."),
                _c("closed_at", "instant", "When it was resolved; empty while open."),
                _c("category", "category", "What it is about."),
                _c("channel", "category", "How it came in."),
                _c("product_id", "id", "The product concerned."),
                _c("first_contact_resolved", "flag", "Resolved at the first contact."),
                _c("reopened", "flag", "Opened again after it was closed."),
                _c("csat", "rating", "Satisfaction with the handling."),
            ),
            dated_by="opened_at",
            key="case_id",
        ),
        Table(
            "contacts",
            "one customer reached by one campaign",
            (
                _c("campaign_id!", "id", "The campaign."),
                _c("customer_id!", "id", "Who was reached."),
                _c("contacted_at!", "instant", "When."),
                _c("arm", "category", "Treatment or control arm."),
                _c("channel", "category", "Through which channel."),
                _c("cost", "money", "What the contact cost."),
                _c("responded_at", "instant", "When the customer responded; empty if never."),
                _c("revenue", "money", "Revenue put down to the contact by the source."),
            ),
            dated_by="contacted_at",
        ),
        Table(
            "subscriptions",
            "a contract period",
            (
                _c("customer_id!", "id", "Who holds the contract."),
                _c("started_on!", "day", "First day."),
                _c("ended_on", "day", "Day it ended; empty while it runs."),
                _c("monthly_amount", "money", "Charge per month."),
                _c("plan", "category", "Plan or tariff."),
            ),
            dated_by="started_on",
        ),
        Table(
            "products",
            "a product",
            (
                _c("product_id!", "id", "The product."),
                _c("name", "text", "Name to show to people."),
                _c("category", "category", "Product category."),
                _c("unit_cost", "money", "What one unit costs the firm."),
                _c("launched_on", "day", "When it came to market."),
            ),
            dated_by=None,
            key="product_id",
            open_ended=True,
        ),
    )
}
"""Every table by name, in the order in which a dashboard lists them."""


def table(name: str) -> Table:
    """Give the contract of a table, or say which tables there are."""
    try:
        return TABLES[name]
    except KeyError:
        raise UnknownNameError.of("table", name, TABLES) from None
