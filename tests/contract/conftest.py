"""A small firm for the contract battery: customers of all kinds, two and a half years, refunds, two channels."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm


def small_firm(n_customers: int = 80, seed: int = 7) -> pl.DataFrame:
    """Make order lines whose customers differ in rate, spend and life; ids and order are shuffled."""
    rng = np.random.default_rng(seed)
    start, days = datetime(2023, 1, 1, 9), 912
    rows = []
    for customer in range(n_customers):
        rate = rng.gamma(0.8, 1 / 60)
        day, order = float(rng.integers(0, 600)), 0
        while day < days:
            amount = round(float(rng.gamma(3.0, 15.0)) + 1, 2)
            sign = -1 if order and rng.random() < 0.06 else 1
            rows.append(
                {
                    "customer_id": f"C{customer:03d}",
                    "order_id": f"O{customer:03d}-{order}",
                    "ordered_at": start + timedelta(days=int(day), minutes=int(rng.integers(0, 600))),
                    "amount": sign * amount,
                    "cost": sign * round(0.6 * amount, 2),
                    "channel": ["web", "store"][int(rng.integers(0, 2))],
                    "country": ["GB", "DE", "FR"][customer % 3],
                }
            )
            order += 1
            day += float(rng.exponential(1 / max(rate, 1e-3))) + 0.5
    return pl.DataFrame(rows).sample(fraction=1.0, shuffle=True, seed=seed)


@pytest.fixture(scope="session")
def firm() -> pl.DataFrame:
    return small_firm()


@pytest.fixture(scope="session")
def base(tmp_path_factory, firm):
    folder = tmp_path_factory.mktemp("firm")
    firm.write_csv(folder / "transactions.csv")
    return crm.open(folder)
