"""The words of the house: what each column of a result means, its unit and how a person reads it.

One word, one meaning. Every column of every table of every `Result` is a term; faces take label, format and
definition from here, so that dashboard, notebook, report and sheet say the same thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from crm_analytics.errors import UnknownNameError

Unit = Literal[
    "money", "share", "count", "days", "number", "index", "score", "text", "id", "day", "instant", "flag"
]


@dataclass(frozen=True)
class Term:
    """A word with its unit, the label a manager reads and its definition in one or two sentences."""

    name: str
    label: str
    unit: Unit
    definition: str


def by_name(*terms: Term) -> dict[str, Term]:
    """Index terms by name."""
    return {t.name: t for t in terms}


SHARED: Mapping[str, Term] = by_name(
    Term("customer_id", "Customer", "id", "The customer's id as it stands in the extract."),
    Term("name", "Name", "text", "The customer's name from the customers table."),
    Term("segment", "Segment", "text", "The group a customer falls into; each customer is in exactly one."),
    Term("n_customers", "Customers", "count", "How many different customers are counted."),
    Term(
        "customer_share",
        "Share of customers",
        "share",
        "Customers of the row divided by all customers who were counted: those with an order.",
    ),
    Term(
        "n_orders",
        "Orders",
        "count",
        "Orders with a positive net amount; an order is the rows that share customer and order id.",
    ),
    Term(
        "n_active",
        "Active customers",
        "count",
        "Customers with at least one order in the period, unless another criterion was asked for.",
    ),
    Term("mean_orders", "Orders per customer", "number", "Orders divided by customers."),
    Term("spend", "Spend", "money", "Sum of amounts, net of refunds."),
    Term("gross_spend", "Gross spend", "money", "Sum of the amounts of purchase orders before refunds."),
    Term("refunds", "Refunds", "money", "Money paid back, as a positive sum."),
    Term(
        "spend_share",
        "Share of spend",
        "share",
        "Spend of the row divided by the spend of all customers who were counted.",
    ),
    Term("spend_per_order", "Spend per order", "money", "Spend divided by orders."),
    Term("spend_per_customer", "Spend per customer", "money", "Spend divided by customers."),
    Term("margin", "Margin", "money", "Spend less the cost of the goods."),
    Term("recency_days", "Days since last order", "days", "Days from the last order to the as-of date."),
    Term("first_ordered_on", "First order", "day", "Day of the first order in the extract."),
    Term("last_ordered_on", "Last order", "day", "Day of the last order before the as-of date."),
    Term("active_days", "Days with an order", "count", "Different days on which the customer ordered."),
    Term(
        "is_complete",
        "Complete",
        "flag",
        "Whether the days looked at cover the whole period; others are never compared.",
    ),
    Term("country", "Country", "text", "The country, from the extract."),
    Term("channel", "Channel", "text", "The channel, from the extract."),
)
"""Terms that more than one analysis uses."""


def bounds(name: str, label: str, unit: Unit, level: str = "95%") -> dict[str, Term]:
    """Make the two terms for the interval around a figure.

    >>> sorted(bounds("spend_share", "Share of spend", "share"))
    ['spend_share_lower', 'spend_share_upper']
    """
    return by_name(
        Term(
            f"{name}_lower",
            f"{label}, lower bound",
            unit,
            f"Lower end of the {level} interval of {label.lower()}.",
        ),
        Term(
            f"{name}_upper",
            f"{label}, upper bound",
            unit,
            f"Upper end of the {level} interval of {label.lower()}.",
        ),
    )


def terms_for(columns: Iterable[str], own: Mapping[str, Term]) -> dict[str, Term]:
    """Find the term of each column, the analysis' own first, then the shared ones."""
    found: dict[str, Term] = {}
    for column in columns:
        term = own.get(column) or SHARED.get(column)
        if term is None:
            raise UnknownNameError.of("term for the column", column, [*own, *SHARED])
        found[column] = term
    return found
