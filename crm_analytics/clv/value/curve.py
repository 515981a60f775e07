"""How the value of a base builds up over the horizon, month by month, with both intervals."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.clv.forecasts.futures import purchases_ahead, squared_purchases
from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.value.tables import Valued
from crm_analytics.clv.worth.ahead import Worth, bounds, outcome

MONTH: Final = 365.25 / 12
MOST_POINTS: Final = 36
N_KNOTS: Final = 4


def curve_table(valued: Valued, *, rate: float) -> pl.DataFrame:
    """Give expected value and purchases up to the end of each month of the horizon (or of each of 36 parts of a long one).

    The error of the estimate changes slowly with the horizon, so it is worked out at four ends and interpolated.
    """
    steps = _steps(valued.horizon_days)
    sums = _CellSums(valued.worth)
    knots = sorted({round(i) for i in np.linspace(0, len(steps) - 1, N_KNOTS)})
    errors = np.interp(steps, [steps[i] for i in knots], [sums.error(steps[i], rate) for i in knots])
    rows = [sums.until(days, rate, float(error)) for days, error in zip(steps, errors, strict=True)]
    start = valued.base.window.as_of
    frame = pl.DataFrame(rows, orient="row", schema=_COLUMNS)
    ends = [start + timedelta(days=round(days)) for days in steps]
    return frame.select(
        pl.Series("until_on", ends), pl.Series("days_ahead", [float(round(d)) for d in steps]), pl.all()
    )


_COLUMNS: Final = {
    name: pl.Float64()
    for name in (
        "value_so_far", "value_so_far_lower", "value_so_far_upper", "outcome_lower", "outcome_upper",
        "purchases_so_far",
    )
}  # fmt: skip


def _steps(horizon: int) -> list[float]:
    n = min(max(round(horizon / MONTH), 1), MOST_POINTS)
    return [horizon * (i + 1) / n for i in range(n)]


class _CellSums:
    """Sums over the customers of each cell of (purchases, age): a point of the curve is then a product with these."""

    def __init__(self, worth: Worth) -> None:
        standing, spending, rate = worth.standing, worth.spending, worth.margin.rate
        money = rate * spending.per_purchase
        self.worth = worth
        self.money = standing.alive_by_cell(money)
        self.count = standing.alive_by_cell(np.ones(len(money)))[0]
        self.by_spend = [standing.alive_by_cell(money * column)[0] for column in spending.slopes.T]
        self.within = standing.alive_by_cell(rate**2 * spending.within)[0]
        self.squared = standing.alive_by_cell(rate**2 * spending.squared_mean)[0]
        alive = standing.per_customer(standing.alive[0])
        cell = standing.cell[standing.histories.of_customer]
        self.own = np.bincount(cell, (alive * money) ** 2, len(standing.x))

    def error(self, days: float, rate: float) -> float:
        """Give the standard error of the logarithm of value up to so many days ahead."""
        worth, standing = self.worth, self.worth.standing
        ahead = standing.ahead(horizon=days, rate=rate)
        totals = (self.money * ahead).sum(axis=1)
        if totals[0] <= 0:
            return 0.0
        slopes = np.array([column @ ahead[0] for column in self.by_spend]) / totals[0]
        of_model = float(standing.fit.spread(totals)) / totals[0]
        return float(
            np.sqrt(of_model**2 + slopes @ worth.spending.covariance @ slopes + worth.margin.error**2)
        )

    def until(self, days: float, rate: float, error: float) -> tuple[float, ...]:
        """Give value, its bounds, those of the outcome, and purchases, from now until so many days ahead."""
        standing = self.worth.standing
        plain = purchases_ahead(standing.fit, standing.x, standing.age, horizon=days)
        ahead = (
            purchases_ahead(standing.fit, standing.x, standing.age, horizon=days, rate=rate)
            if rate
            else plain
        )
        value = np.array([self.money[0] @ ahead])
        lower, upper = bounds(value, np.array([error]))
        low, high = outcome(value, (error * value) ** 2 + self._chance(days, plain, ahead))
        return (*(float(v[0]) for v in (value, lower, upper, low, high)), float(self.count @ plain))

    def _chance(self, days: float, plain: Floats, ahead: Floats) -> float:
        standing = self.worth.standing
        squared = squared_purchases(standing.fit, standing.x, standing.age, horizon=days)
        factor = ahead / np.maximum(plain, 1e-300)
        spread = self.within * plain + self.squared * squared - self.own * plain**2
        return float((np.maximum(spread, 0.0) * factor**2).sum())
