"""Churn day by day: what left on each day against what was there when the day began. Of contracts only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from crm_analytics.retention.revenue.ledger import UNIT, Ledger, previous
from crm_analytics.stats.intervals import Floats, poisson_count, z_value


@dataclass(frozen=True, eq=False)
class Days:
    """Per period: comers and leavers on any day, rates added up over days, and the spread of what left."""

    came: Floats
    left: Floats
    customers: Mapping[str, Floats]
    revenue: Mapping[str, Floats]


def by_day(ledger: Ledger) -> Days | None:
    """Follow contracts from day to day; None of orders, where no day says that somebody left."""
    if ledger.changes is None:
        return None
    first = ledger.starts[0]
    n_days = (ledger.ends[-1] - first).days
    edges = np.array([(start - first).days for start in ledger.starts])
    moves = _moves(ledger.changes, first)
    came, left = (_counted(moves.filter(flag), n_days) for flag in ("came", "left"))
    there = np.concatenate([[0.0], np.cumsum(came - left)[:-1]])
    gone = _counted(moves, n_days, "fallen")
    revenue = np.concatenate([[0.0], np.cumsum(_counted(moves, n_days, "by"))[:-1]])
    squares = _counted(moves.with_columns(pl.col("fallen") ** 2), n_days, "fallen")
    return Days(
        np.add.reduceat(came, edges),
        np.add.reduceat(left, edges),
        _rates(left, there, left, edges),
        _rates(gone, revenue, squares, edges),
    )


def _moves(changes: pl.DataFrame, first: date) -> pl.DataFrame:
    """Give what each day of change did: who came, who left, how much was added and how much was lost."""
    was = previous("is_active", nothing=False)
    now = pl.when("is_active").then(pl.col("net")).otherwise(0).clip(0)
    return (
        changes.with_columns(now=now / UNIT)
        .with_columns(by=pl.col("now") - previous("now", 0.0))
        .select(
            day=(pl.col("day") - pl.lit(first)).dt.total_days(),
            came=pl.col("is_active") & ~was,
            left=~pl.col("is_active") & was,
            by="by",
            fallen=(-pl.col("by")).clip(0),
        )
    )


def _counted(moves: pl.DataFrame, n_days: int, column: str | None = None) -> Floats:
    weights = None if column is None else moves[column].to_numpy()
    return np.bincount(moves["day"].to_numpy(), weights, n_days).astype(float)


def _rates(lost: Floats, there: Floats, squares: Floats, edges: np.ndarray) -> dict[str, Floats]:
    """Add daily rates up, compound them, and weigh them by what was there; nobody there is no rate."""
    some = there > 1e-9  # noqa: PLR2004 below the smallest amount there is
    rate = np.divide(lost, there, out=np.zeros_like(lost), where=some)
    spread = np.divide(squares, there**2, out=np.zeros_like(lost), where=some)
    kept = np.log1p(-np.minimum(rate, 1 - 1e-12))
    whole, base = np.add.reduceat(np.where(some, lost, 0.0), edges), np.add.reduceat(there, edges)
    days = np.diff(np.append(edges, lost.size))
    return {
        "sum": np.add.reduceat(rate, edges),
        "compounded": -np.expm1(np.add.reduceat(kept, edges)),
        "weighted": np.divide(whole * days, base, out=np.zeros_like(whole), where=base > 0),
        "spread": np.sqrt(np.add.reduceat(spread, edges)),
        "mean_there": base / days,
    }


def count_bounds(rate: Floats, left: Floats, mean_there: Floats) -> tuple[Floats, Floats]:
    """Give the interval of a daily churn rate of customers: who leaves is a Poisson count."""
    low, high = poisson_count(left)
    per_one = np.divide(rate, left, out=1 / np.maximum(mean_there, 1e-9), where=left > 0)
    return low * per_one, np.minimum(high * per_one, np.maximum(1.0, rate))


def money_bounds(rate: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Give the interval of a daily churn rate of revenue: what leaves is a compound Poisson sum."""
    factor = np.exp(z_value(0.95) * np.divide(spread, rate, out=np.zeros_like(rate), where=rate > 0))
    return rate / factor, rate * factor
