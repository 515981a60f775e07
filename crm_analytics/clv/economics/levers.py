"""What a base would be worth if customers stayed longer, cost less to win, or spent more; keeping against replacing.

Retention is the share of those alive now who still are after a year. It is moved by one factor, the easing, on every
customer's tendency to leave; the easing that brings a target retention is found at each neighbour of the fit, so that
the interval of a gain takes in all uncertainty of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.optimize import brentq

from crm_analytics.clv.forecasts.futures import purchases_ahead, survival
from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.fit import Z95
from crm_analytics.clv.models.purchases import DAYS_PER, PurchaseFit
from crm_analytics.clv.worth.ahead import Worth
from crm_analytics.clv.worth.valued_customers import ValueBase

YEAR: Final = DAYS_PER["year"]
HIGHEST: Final = 0.999
"""Retention beyond which nothing is promised."""

_CLOSE: Final = 1e-10  # slopes are differences, so a retention must be met closely


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval."""

    value: float
    lower: float
    upper: float

    def times(self, factor: float) -> Figure:
        """Give the figure and its bounds times a positive number."""
        return Figure(self.value * factor, self.lower * factor, self.upper * factor)


@dataclass(frozen=True, eq=False)
class Levers:
    """A base whose retention can be moved. `money` and `count` are sums of P(alive) over cells, per neighbour of the fit."""

    base: ValueBase
    worth: Worth
    horizon: float
    rate: float
    money: Floats
    count: Floats
    by_spend: tuple[Floats, ...]

    @classmethod
    def of(cls, base: ValueBase, worth: Worth, *, horizon: float, rate: float) -> Self:
        """Prepare the sums over cells of purchases and age that every figure is made of."""
        standing, money = worth.standing, worth.margin.rate * worth.spending.per_purchase
        columns = tuple(standing.alive_by_cell(money * c)[0] for c in worth.spending.slopes.T)
        ones = np.ones(len(money))
        return cls(
            base, worth, horizon, rate, standing.alive_by_cell(money), standing.alive_by_cell(ones), columns
        )

    def alive(self) -> Figure:
        """Give how many customers are expected to be customers still."""
        totals = self.count.sum(axis=1)
        return self._normal(totals)

    def retention(self) -> Figure:
        """Give the share of those alive now who are expected to be alive in a year."""
        return self._share(np.array([self._retained(i, 1.0) for i in range(len(self.worth.standing.fits))]))

    def value(self) -> Figure:
        """Give what the base is worth over the horizon."""
        return self._money(lambda i: self._ahead(i, 1.0))

    def gain(self, points: float) -> Figure | None:
        """Give what so many points more of yearly retention are worth; None where that is more than can be."""
        n = len(self.worth.standing.fits)
        before = [self._retained(i, 1.0) for i in range(n)]
        if max(before) + points > HIGHEST:
            return None
        easings = [self._easing(i, before[i] + points) for i in range(n)]
        return self._money(lambda i: self._ahead(i, easings[i]) - self._ahead(i, 1.0))

    def gain_now(self, points: float) -> float:
        """Give the same gain without its interval."""
        easing = self._easing(0, self._retained(0, 1.0) + points)
        return float(self.money[0] @ (self._ahead(0, easing) - self._ahead(0, 1.0)))

    def kept(self, *, least_repeats: int = 0) -> Figure:
        """Give what a customer who is alive is worth over the horizon, on average; of those with so many repeats."""
        these = self.worth.standing.x >= least_repeats
        if not these.any():
            these = ~these
        return self._money(lambda i: these * self._ahead(i, 1.0) / (self.count[i] @ these))

    def newcomer(self) -> Figure:
        """Give what a new customer is worth over the horizon: the first purchase and the expected further ones."""
        margin, spend, first = self.worth.margin, self._repeat_spend(), self._first_spend()
        fits = self.worth.standing.fits
        bought = np.array([_newcomer_purchases(f, self.horizon, self.rate) for f in fits])
        value = margin.rate * (first[0] + bought[0] * spend[0])
        variance = (
            (margin.rate * first[1]) ** 2
            + (margin.rate * bought[0] * spend[1]) ** 2
            + (margin.rate * spend[0] * float(fits[0].spread(bought))) ** 2
            + (margin.error * value) ** 2
        )
        return _lognormal(value, float(np.sqrt(variance)))

    def _first_spend(self) -> tuple[float, float]:
        return _mean(self.base.summary["first_value"].to_numpy())

    def _repeat_spend(self) -> tuple[float, float]:
        """Give mean spend per repeat purchase and its standard error (a ratio over customers)."""
        x = self.base.summary["frequency"].cast(float).to_numpy()
        if not x.sum():
            return _mean(self.worth.spending.per_purchase)
        money = x * self.base.summary["monetary_value"].to_numpy()
        mean = float(money.sum() / x.sum())
        return mean, float(np.sqrt(((money - mean * x) ** 2).sum()) / x.sum())

    def _retained(self, i: int, easing: float) -> float:
        standing = self.worth.standing
        stays = survival(standing.fits[i], standing.x, standing.age, after=YEAR, easing=easing)
        return float(self.count[i] @ stays / self.count[i].sum())

    def _easing(self, i: int, aim: float) -> float:
        """Find the easing that brings a retention; retention is 1 at none and falls all the way to that of now at 1."""
        return float(
            brentq(lambda easing: self._retained(i, easing) - aim, 0.0, 1.0, xtol=_CLOSE, rtol=_CLOSE)
        )

    def _ahead(self, i: int, easing: float) -> Floats:
        """Give each cell's expected value; the sums are taken where it is used."""
        standing = self.worth.standing
        return purchases_ahead(
            standing.fits[i],
            standing.x,
            standing.age,
            horizon=self.horizon,
            rate=self.rate,
            easing=max(easing, 1e-9),
        )

    def _money(self, ahead: Callable[[int], Floats]) -> Figure:
        """Give a sum of money over cells with its interval, from what is ahead per cell at each neighbour of the fit."""
        worth, fits = self.worth, self.worth.standing.fits
        each = [ahead(i) for i in range(len(fits))]
        totals = np.array([float(self.money[i] @ each[i]) for i in range(len(fits))])
        slopes = np.array([column @ each[0] for column in self.by_spend])
        variance = (
            float(fits[0].spread(totals)) ** 2
            + float(slopes @ worth.spending.covariance @ slopes)
            + (worth.margin.error * totals[0]) ** 2
        )
        return _lognormal(float(totals[0]), float(np.sqrt(variance)))

    def _share(self, values: Floats) -> Figure:
        odds = np.log(values) - np.log1p(-values)
        error = Z95 * float(self.worth.standing.fit.spread(odds))
        low, high = (1 / (1 + np.exp(-(odds[0] + sign * error))) for sign in (-1, 1))
        return Figure(float(values[0]), float(low), float(high))

    def _normal(self, values: Floats) -> Figure:
        error = Z95 * float(self.worth.standing.fit.spread(values))
        return Figure(float(values[0]), max(float(values[0]) - error, 0.0), float(values[0]) + error)


def _newcomer_purchases(fit: PurchaseFit, horizon: float, rate: float) -> float:
    """Give the discounted repeat purchases of a new customer within the horizon."""
    nought = np.zeros(1)
    stays = fit.expected_of_new_customer(horizon) / float(
        purchases_ahead(fit, nought, nought, horizon=horizon)[0]
    )
    return stays * float(purchases_ahead(fit, nought, nought, horizon=horizon, rate=rate)[0])


def _mean(values: Floats) -> tuple[float, float]:
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return float(values.mean()), spread / float(np.sqrt(len(values)))


def _lognormal(value: float, error: float) -> Figure:
    """Give the interval of a positive figure on the logarithmic scale; of another on its own."""
    if value <= 0:
        return Figure(value, value - Z95 * error, value + Z95 * error)
    spread = float(np.exp(Z95 * error / value))
    return Figure(value, value / spread, value * spread)


def cost_of_winning(base: ValueBase, given: float | None) -> tuple[float, float] | None:
    """Give the mean cost of winning a customer and its standard error; None where it is not known."""
    if given is not None:
        return given, 0.0
    if not base.has_costs_of_winning:
        return None
    known = base.customers["acquisition_cost"].drop_nulls().to_numpy()
    return _mean(known) if len(known) and known.sum() > 0 else None


def saving(cut: float, cost: tuple[float, float], newcomers: int, *, horizon: float, rate: float) -> Figure:
    """Give what a lower cost of winning customers saves, if as many come per year as came in the last one."""
    years = horizon / YEAR if rate == 0 else -np.expm1(-rate * horizon) / (rate * YEAR)
    value = cut * cost[0] * newcomers * float(years)
    relative = np.sqrt((cost[1] / cost[0]) ** 2 + 1 / max(newcomers, 1)) if cost[0] > 0 else 0.0
    return _lognormal(value, value * float(relative))
