"""Results to draw: a small shop whose figures are worked out by hand, and the sample company."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

import crm_analytics as crm

HOSTILE = '<img src=x onerror="window.pwned=1"><b>$1</b>%{x}</script>'
AS_OF = datetime(2026, 1, 1)


def make_orders(*rows):
    """Make transactions from (customer, day, amount); each row is an order of its own."""
    return pl.DataFrame(
        {
            "customer_id": [c for c, _, _ in rows],
            "order_id": [f"o{i}" for i in range(len(rows))],
            "ordered_at": [datetime.fromisoformat(day) for _, day, _ in rows],
            "amount": [float(a) for _, _, a in rows],
        },
        schema_overrides={"ordered_at": pl.Datetime("us")},
    )


SHOP = make_orders(
    ("ann", "2023-12-10", 30),
    ("ann", "2024-05-10", 400),
    ("ann", "2024-11-10", 300),
    ("ann", "2025-05-12", 150),
    ("ann", "2025-11-28", 50),
    ("bob", "2024-02-10", 200),
    ("cy", "2024-06-20", 90),
    ("cy", "2025-12-20", 60),
    ("dee", "2025-10-05", 20),
    ("dee", "2025-10-09", -20),
    ("eve", "2025-12-30", 10),
)


@pytest.fixture
def orders():
    return make_orders


@pytest.fixture(scope="session")
def shop():
    return SHOP


@pytest.fixture(scope="session")
def hostile_shop():
    """Give the shop with a customer whose id tries to be markup and a formula."""
    return SHOP.with_columns(pl.col("customer_id").replace("ann", HOSTILE))


@pytest.fixture(scope="session")
def one_row():
    return make_orders(("ann", "2025-11-03", 40))


@pytest.fixture(scope="session")
def sample():
    return crm.sample()
