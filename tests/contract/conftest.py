"""A small firm for the contract battery, table by table, over two and a half years."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm

DAYS = 912
"""How long the firm is seen."""


def small_firm(n_customers: int = 80, seed: int = 7) -> pl.DataFrame:
    """Make order lines whose customers differ in rate, spend and life; ids and order are shuffled."""
    rng = np.random.default_rng(seed)
    start, days = datetime(2023, 1, 1, 9), DAYS
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


def small_contracts(n_customers: int = 90, seed: int = 8) -> pl.DataFrame:
    """Make contract periods: some run on, some end, some are resumed or changed to another plan."""
    rng = np.random.default_rng(seed)
    first, prices, rows = date(2023, 1, 1), {"basic": 9.9, "plus": 19.9, "pro": 49.0}, []
    for customer in range(n_customers):
        day, plan = int(rng.integers(0, DAYS - 120)), str(rng.choice(list(prices)))
        while day < DAYS:
            end = day + 30 * int(1 + rng.geometric(0.09))
            rows.append(
                {
                    "customer_id": f"C{customer:03d}",
                    "started_on": first + timedelta(days=day),
                    "ended_on": first + timedelta(days=end) if end < DAYS else None,
                    "monthly_amount": prices[plan],
                    "plan": plan,
                }
            )
            if rng.random() < 0.4:
                break
            plan = str(rng.choice(list(prices)))
            day = end + int(rng.choice([0, 0, 45, 120]))
    return pl.DataFrame(rows).sample(fraction=1.0, shuffle=True, seed=seed)


def small_survey(n_answers: int = 240, seed: int = 9) -> pl.DataFrame:
    """Make answer sheets with three ratings that move the whole, one that does not, and some left empty."""
    rng = np.random.default_rng(seed)
    halo = rng.normal(0, 1, n_answers)
    ratings = {
        name: np.clip(np.round(7 + halo + rng.normal(0, 1.4, n_answers)), 1, 10)
        for name in ("quality", "service", "delivery", "parking")
    }
    whole = 0.6 * ratings["quality"] + 0.3 * ratings["service"] + 0.1 * ratings["delivery"]
    overall = np.clip(np.round(whole + rng.normal(0, 0.8, n_answers)), 1, 10)
    days = rng.integers(0, DAYS, n_answers)
    frame = pl.DataFrame(
        {
            "answered_at": [
                datetime(2023, 1, 1, 9) + timedelta(days=int(d), minutes=i) for i, d in enumerate(days)
            ],
            "customer_id": [f"C{int(c):03d}" for c in rng.integers(0, 80, n_answers)],
            "channel": [["web", "store"][int(c)] for c in rng.integers(0, 2, n_answers)],
            "nps": np.clip(overall + rng.integers(-1, 2, n_answers), 0, 10),
            "csat": overall,
            "ces": np.clip(np.round(0.6 * overall + rng.normal(0, 1, n_answers)), 1, 7),
            **ratings,
        }
    )
    empty = {name: rng.random(n_answers) < 0.08 for name in ratings}
    return frame.with_columns(
        pl.when(pl.Series(gone)).then(None).otherwise(pl.col(name)).alias(name)
        for name, gone in empty.items()
    ).sample(fraction=1.0, shuffle=True, seed=seed)


def small_case_list(n_cases: int = 150, seed: int = 10) -> pl.DataFrame:
    """Make complaints of four kinds, some slow, some still open, some opened again."""
    rng = np.random.default_rng(seed)
    opened = [
        datetime(2023, 1, 1, 9) + timedelta(days=int(d), minutes=i)
        for i, d in enumerate(rng.integers(0, DAYS - 2, n_cases))
    ]
    closed = [
        at + timedelta(hours=float(h)) for at, h in zip(opened, rng.exponential(70, n_cases), strict=True)
    ]
    end = datetime(2023, 1, 1) + timedelta(days=DAYS)
    done = [at if at < end and rng.random() > 0.05 else None for at in closed]
    return pl.DataFrame(
        {
            "case_id": [f"K{i:04d}" for i in range(n_cases)],
            "opened_at": opened,
            "customer_id": [f"C{int(c):03d}" for c in rng.integers(0, 80, n_cases)],
            "closed_at": done,
            "category": rng.choice(["late", "broken", "billing", "other"], n_cases, p=[0.4, 0.3, 0.2, 0.1]),
            "channel": rng.choice(["email", "phone"], n_cases),
            "first_contact_resolved": rng.random(n_cases) < 0.5,
            "reopened": rng.random(n_cases) < 0.08,
            "csat": rng.integers(1, 6, n_cases).astype(float),
        }
    ).sample(fraction=1.0, shuffle=True, seed=seed)


def asked_in_pairs(survey: pl.DataFrame, seed: int = 11) -> pl.DataFrame:
    """Add the two questions on three features that do not exist yet, some left empty."""
    rng, n = np.random.default_rng(seed), survey.height
    usual = {
        "tracking": ((2, 3, 4), (5, 5, 4)),
        "gift wrap": ((1, 1, 2), (3, 4, 3)),
        "app": ((3, 3, 1), (3, 2, 5)),
    }
    columns = {}
    for feature, answers in usual.items():
        kind, gone = rng.integers(0, 3, n), rng.random(n) < 0.06
        for ending, codes in zip(("functional", "dysfunctional"), answers, strict=True):
            columns[f"{feature} {ending}"] = [
                None if g else float(codes[k]) for k, g in zip(kind, gone, strict=True)
            ]
    return survey.with_columns(pl.Series(name, values) for name, values in columns.items())


@pytest.fixture(scope="session")
def firm() -> dict[str, pl.DataFrame]:
    """Give the small firm's tables by name."""
    return {
        "transactions": small_firm(),
        "subscriptions": small_contracts(),
        "surveys": asked_in_pairs(small_survey()),
        "cases": small_case_list(),
    }


@pytest.fixture(scope="session")
def bases(tmp_path_factory, firm):
    """Give a base for each table of the firm, holding that table alone."""

    def one(name: str) -> crm.CustomerBase:
        folder = tmp_path_factory.mktemp(name)
        firm[name].write_csv(folder / f"{name}.csv")
        return crm.open(folder)

    return {name: one(name) for name in firm}
