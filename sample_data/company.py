"""Put the parts together: the whole sample company, or its transactions alone in any number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from sample_data.campaigns import contacts_frame
from sample_data.catalogue import make_catalogue, products_frame
from sample_data.dirt import add_dirt
from sample_data.lines import Lines, draw_lines, draw_refunds, transactions_frame
from sample_data.people import People, customers_frame, draw_people, truth_frame
from sample_data.plans import subscriptions_frame
from sample_data.purchases import Orders, simulate
from sample_data.service import cases_frame, surveys_frame
from sample_data.truth import Truth

FIRST_ORDER_NUMBER = 1_000_001
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
        How many, prospects included.
    seed
        The same seed gives the same tables.
    """
    truth = truth or Truth()
    catalogue = make_catalogue()
    people = draw_people(truth, customers, seed)
    ids = people.ids(id_width(customers))
    orders, complaints = simulate(truth, people, seed)
    clean = _transactions(truth, people, orders, ids, seed)
    tables = {
        "transactions": add_dirt(truth, clean, seed),
        "customers": customers_frame(truth, people, ids, seed),
        "surveys": surveys_frame(truth, people, orders, complaints, ids, seed),
        "cases": cases_frame(truth, complaints, ids, seed),
        "contacts": contacts_frame(truth, people, ids, clean, seed),
        "subscriptions": subscriptions_frame(truth, people, ids, seed),
        "products": products_frame(truth, catalogue, seed),
    }
    return Company(tables, clean, truth_frame(people, ids))


def id_width(customers: int) -> int:
    """Give the number of digits of a customer id; at least six, so that there are leading zeros."""
    return max(6, len(str(customers)))


def transactions_in_blocks(truth: Truth, customers: int, seed: int) -> Iterator[pl.DataFrame]:
    """Draw clean transactions for any number of customers, block after block, each in the order of time."""
    first = FIRST_ORDER_NUMBER
    for block, offset in enumerate(range(0, customers, BLOCK)):
        people = draw_people(truth, min(BLOCK, customers - offset), seed, block, offset)
        orders, _ = simulate(truth, people, seed, block)
        yield _transactions(truth, people, orders, people.ids(id_width(customers)), seed, block, first)
        first += len(orders.person)


def _transactions(
    truth: Truth,
    people: People,
    orders: Orders,
    ids: pl.Series,
    seed: int,
    block: int = 0,
    first: int = FIRST_ORDER_NUMBER,
) -> pl.DataFrame:
    """Give sales and refunds in the order of time."""
    catalogue = make_catalogue()
    sold = draw_lines(truth, people, orders, catalogue, seed, block)
    returned = draw_refunds(truth, people, orders, sold, seed, block)
    both = (_frame_of(truth, people, orders, lines, ids, first) for lines in (sold, returned))
    return pl.concat(both).sort("ordered_at", "order_id", maintain_order=True)


def _frame_of(
    truth: Truth, people: People, orders: Orders, lines: Lines, ids: pl.Series, first: int
) -> pl.DataFrame:
    return transactions_frame(truth, people, orders, lines, make_catalogue(), ids, first)
