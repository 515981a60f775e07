"""Put the parts together: the whole sample company, or its transactions alone in any number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from sample_data.campaigns import contacts_frame
from sample_data.catalogue import make_catalogue, products_frame
from sample_data.chance import Recipe
from sample_data.dirt import add_dirt
from sample_data.lines import draw_lines, draw_refunds, transactions_frame
from sample_data.people import People, customers_frame, draw_people, truth_frame
from sample_data.plans import subscriptions_frame
from sample_data.purchases import Orders, simulate
from sample_data.service import cases_frame, surveys_frame
from sample_data.truth import Truth

BLOCK = 250_000
"""Customers drawn at a time, so that memory does not grow with the number asked for."""


@dataclass(frozen=True, eq=False)
class Company:
    """The sample company: its tables as they are written, and what is true of each customer."""

    tables: dict[str, pl.DataFrame]
    clean_transactions: pl.DataFrame
    """The transactions before any dirt, with instants."""
    customers_truth: pl.DataFrame
    """One row per customer: rate_per_week, dropout, nu, group, is_returner, satisfaction_trait."""


def make_company(truth: Truth | None = None, *, customers: int = 5_000, seed: int = 20260630) -> Company:
    """Draw all seven tables.

    Parameters
    ----------
    truth
        The parameters; those of the committed data by default.
    customers
        How many, prospects included; at least 200.
    seed
        The same seed gives the same tables.
    """
    recipe = Recipe(truth or Truth(), seed, customers, _id_width(customers))
    people = draw_people(recipe)
    orders, complaints = simulate(recipe, people)
    drawn = _transactions(recipe, people, orders)
    clean = drawn.filter("stands").drop("stands")
    tables = {
        "transactions": add_dirt(recipe, drawn),
        "customers": customers_frame(recipe, people),
        "surveys": surveys_frame(recipe, people, orders, complaints),
        "cases": cases_frame(recipe, complaints),
        "contacts": contacts_frame(recipe, people, clean),
        "subscriptions": subscriptions_frame(recipe, people),
        "products": products_frame(recipe, make_catalogue()),
    }
    return Company(tables, clean, truth_frame(recipe, people))


def transactions_in_blocks(truth: Truth, customers: int, seed: int) -> Iterator[pl.DataFrame]:
    """Draw clean transactions for any number of customers, block after block, each in the order of time."""
    number = None
    for block, offset in enumerate(range(0, customers, BLOCK)):
        size = min(BLOCK, customers - offset)
        recipe = Recipe(truth, seed, size, _id_width(customers), block, offset)
        people = draw_people(recipe)
        orders, _ = simulate(recipe, people)
        orders = replace(orders, first_number=number or orders.first_number)
        yield _transactions(recipe, people, orders).filter("stands").drop("stands")
        number = orders.first_number + len(orders.person)


def _id_width(customers: int) -> int:
    """Give the number of digits of a customer id; at least six, so that there are leading zeros."""
    return max(6, len(str(customers)))


def _transactions(recipe: Recipe, people: People, orders: Orders) -> pl.DataFrame:
    """Give sales and refunds in the order of time, those that do not stand among them."""
    catalogue = make_catalogue()
    sold = draw_lines(recipe, people, orders, catalogue)
    returned = draw_refunds(recipe, people, orders, sold)
    both = (transactions_frame(recipe, people, orders, lines, catalogue) for lines in (sold, returned))
    return pl.concat(both).sort("ordered_at", "order_id", maintain_order=True)
