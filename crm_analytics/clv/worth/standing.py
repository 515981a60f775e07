"""Where a customer base stands under a fit: who is alive, and what money ahead comes to, with the slopes behind intervals.

Customers with the same history share their figures, so everything is worked out once per distinct history; what lies
ahead depends on purchases and age alone and is worked out once per distinct pair of those. Figures are made at each fit
of `PurchaseFit.nearby` at once: `fit.spread` then gives their standard error, also for sums over customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from crm_analytics.clv.forecasts.futures import purchases_ahead, survival
from crm_analytics.clv.likelihoods.rows import Codes, Floats
from crm_analytics.clv.models.purchases import PurchaseFit

_NEVER_NOUGHT = 1e-300


@dataclass(frozen=True, eq=False)
class Histories:
    """The distinct histories of a summary, and which of them each customer has."""

    frame: pl.DataFrame
    of_customer: Codes

    @classmethod
    def of(cls, summary: pl.DataFrame) -> Self:
        """Find the distinct (frequency, recency, T) of a summary, sorted, with their `weight` in customers."""
        keys = ["frequency", "recency", "T"]
        distinct = (
            summary.group_by(*keys, "time_unit")
            .agg(weight=pl.len().cast(pl.Float64))
            .sort("frequency", "T", "recency")
        )
        places = summary.select(keys).join(
            distinct.select(keys).with_row_index("place"), on=keys, how="left", maintain_order="left"
        )
        return cls(distinct, places["place"].to_numpy().astype(np.intp))


@dataclass(frozen=True, eq=False)
class Standing:
    """A base under a fit.

    Attributes
    ----------
    fits
        The fit and its neighbours (`PurchaseFit.nearby`).
    histories
        Distinct histories.
    alive
        P(alive) per fit and distinct history.
    x, age
        The distinct pairs of purchases and age ("cells").
    cell
        The cell of each distinct history.
    """

    fits: tuple[PurchaseFit, ...]
    histories: Histories
    alive: Floats
    x: Floats
    age: Floats
    cell: Codes

    @classmethod
    def of(cls, fit: PurchaseFit, histories: Histories) -> Self:
        """Work out who is alive at the fit and at its neighbours."""
        fits = fit.nearby()
        alive = np.stack([f.p_alive(histories.frame).to_numpy() for f in fits])
        keys = histories.frame.select("frequency", "T")
        cells = keys.unique().sort("frequency", "T")
        places = keys.join(
            cells.with_row_index("place"), on=["frequency", "T"], how="left", maintain_order="left"
        )
        return cls(
            fits,
            histories,
            alive,
            cells["frequency"].cast(pl.Float64).to_numpy(),
            cells["T"].cast(pl.Float64).to_numpy(),
            places["place"].to_numpy().astype(np.intp),
        )

    @property
    def fit(self) -> PurchaseFit:
        """The fit itself."""
        return self.fits[0]

    def ahead(self, *, horizon: float, rate: float = 0.0) -> Floats:
        """Give the purchases ahead, given alive: per fit and cell."""
        return np.stack([purchases_ahead(f, self.x, self.age, horizon=horizon, rate=rate) for f in self.fits])

    def surviving(self, *, after: float) -> Floats:
        """Give the probability of still being a customer, given alive: per fit and cell."""
        return np.stack([survival(f, self.x, self.age, after=after) for f in self.fits])

    def expected(self, ahead: Floats) -> Floats:
        """Give what is expected of each distinct history, alive or not: per fit and distinct history."""
        return self.alive * ahead[:, self.cell]

    def per_customer(self, values: Floats) -> Floats:
        """Give the value of each customer's history."""
        return values[self.histories.of_customer]

    def alive_by_cell(self, weights: Floats) -> Floats:
        """Add up customers' weights times P(alive) over each cell: per fit and cell.

        Whatever is worked out per cell then has its sum over the base as a product with this.
        """
        sums = np.bincount(self.histories.of_customer, weights, self.alive.shape[1])
        return np.stack([np.bincount(self.cell, sums * row, len(self.x)) for row in self.alive])


def log_slopes(fit: PurchaseFit, values: Floats) -> Floats:
    """Give the slopes of the logarithm of positive figures, from their values at each fit of `nearby`."""
    return fit.slopes(np.log(np.maximum(values, _NEVER_NOUGHT)))
