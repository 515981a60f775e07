"""The sums that all rates are made of, as observed and as drawn again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.retention.revenue.ledger import UNIT, Ledger
from crm_analytics.retention.revenue.movements import (
    CONTRACTED,
    EXPANDED,
    LOST,
    NEW,
    RETURNED,
    n_customers,
)
from crm_analytics.stats.customer_draws import Draws
from crm_analytics.stats.intervals import Floats

_AFTER, _BEFORE = pl.col("after"), pl.col("before")
_IS: Final = {name: pl.col("movement") == name for name in (NEW, RETURNED, EXPANDED, CONTRACTED, LOST)}
PARTS: Final[Mapping[str, pl.Expr]] = {
    "before": _BEFORE,
    "after": _AFTER,
    "kept": pl.when("was").then(_AFTER).otherwise(0),
    "capped": pl.when("was").then(pl.min_horizontal("before", "after")).otherwise(0),
    "returned": pl.when(_IS[RETURNED]).then(_AFTER).otherwise(0),
    "left": pl.when(_IS[LOST]).then(_BEFORE).otherwise(0),
    "n_before": pl.col("was").cast(pl.Int64) * UNIT,
    "n_after": pl.col("is").cast(pl.Int64) * UNIT,
    "n_stayed": (pl.col("was") & pl.col("is")).cast(pl.Int64) * UNIT,
    "n_returned": _IS[RETURNED].cast(pl.Int64) * UNIT,
    "gained": pl.when(~pl.col("was") | _IS[EXPANDED]).then(_AFTER - _BEFORE).otherwise(0),
    "fallen": pl.when(_IS[LOST] | _IS[CONTRACTED]).then(_BEFORE - _AFTER).otherwise(0),
}
"""What each customer adds to each sum: revenue at the start and the end, of those there at the start, at most what it was
…; customers likewise. All in whole units."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums by column (a period, or a segment): observed, and one row per draw.

    `n_paying` counts customers with revenue at the start, `n_effective` what they are worth as equals (Kish): the square
    of the sum over the sum of squares.
    """

    observed: Mapping[str, Floats]
    drawn: Mapping[str, Floats]
    n_paying: Floats
    n_effective: Floats


def summed(moved: pl.DataFrame, column: str, n_columns: int, draws: Draws, parts: tuple[str, ...]) -> Sums:
    """Add up the parts by the numbers in a column, as observed and for each draw."""
    rows = moved.select("customer", at=pl.col(column), **{name: PARTS[name] for name in (*parts, "before")})
    customer, at = rows["customer"].to_numpy(), rows["at"].to_numpy()
    values = {name: rows[name].to_numpy() / UNIT for name in parts}
    opening = rows["before"].to_numpy() / UNIT
    squares = _totals(at, opening**2, n_columns)
    total = _totals(at, opening, n_columns)
    return Sums(
        {name: _totals(at, v, n_columns) for name, v in values.items()},
        {name: draws.sums(customer, at, v, n_columns) for name, v in values.items()},
        _totals(at, (opening > 0).astype(float), n_columns),
        np.divide(total**2, squares, out=np.zeros(n_columns), where=squares > 0),
    )


def _totals(at: NDArray[np.int64], values: Floats, n_columns: int) -> Floats:
    return np.asarray(np.bincount(at, values, n_columns), np.float64)


def draws_for(ledger: Ledger, n_bootstrap: int, seed: int) -> Draws:
    """Draw the customers of the ledger; every table of a result is drawn from the same sets."""
    return Draws.of(n_customers(ledger), n_bootstrap, seed)
