"""What customers are worth ahead: purchases x spend x margin, with two kinds of interval.

The interval of the estimate says how far the expectation itself may be off, since the parameters of both models and the
margin are estimates (delta method on the logarithm). The interval of the outcome adds what customers will happen to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from crm_analytics.clv.forecasts.futures import squared_purchases
from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.fit import Z95
from crm_analytics.clv.worth.spending import Spending
from crm_analytics.clv.worth.standing import Standing, log_slopes

LOW, HIGH = 0.025, 0.975
_LARGE: Final = 1e4  # from this shape on a gamma distribution is as good as normal


@dataclass(frozen=True)
class Margin:
    """Which part of spend counts as value: its rate, its relative standard error, where it comes from."""

    rate: float
    error: float
    basis: str


@dataclass(frozen=True, eq=False)
class Worth:
    """Each customer's expected value over a horizon, and the slopes behind the intervals of sums.

    Attributes
    ----------
    value, purchases
        Per customer: expected discounted value, expected purchases (not discounted).
    value_error, purchases_error
        Standard errors of their logarithms.
    value_slopes, purchase_slopes
        Slopes of the logarithms of (discounted) purchases in the parameters, per distinct history.
    chance
        Variance of what the customer will bring, given the parameters.
    """

    standing: Standing
    spending: Spending
    margin: Margin
    value: Floats
    purchases: Floats
    value_error: Floats
    purchases_error: Floats
    value_slopes: Floats
    purchase_slopes: Floats
    chance: Floats

    @classmethod
    def of(
        cls, standing: Standing, spending: Spending, margin: Margin, *, horizon: float, rate: float
    ) -> Self:
        """Work out what each customer is worth over the horizon (in units of time) at a continuous discount rate."""
        fit = standing.fit
        plain = standing.expected(standing.ahead(horizon=horizon))
        discounted = standing.expected(standing.ahead(horizon=horizon, rate=rate)) if rate else plain
        value_slopes, purchase_slopes = log_slopes(fit, discounted), log_slopes(fit, plain)
        covariance = np.array(fit.covariance)
        purchases = standing.per_customer(plain[0])
        value = margin.rate * spending.per_purchase * standing.per_customer(discounted[0])
        own = standing.per_customer(_quadratic(value_slopes, covariance))
        return cls(
            standing,
            spending,
            margin,
            value,
            purchases,
            np.sqrt(own + spending.error**2 + margin.error**2),
            standing.per_customer(np.sqrt(_quadratic(purchase_slopes, covariance))),
            value_slopes,
            purchase_slopes,
            _outcome_variance(standing, spending, margin, plain[0], discounted[0], horizon),
        )

    def sums(self, groups: NDArray[np.intp], n: int) -> Sums:
        """Add up over groups numbered 0 to n - 1; a customer with a negative number is in none."""
        return _sums(self, groups, n)

    @cached_property
    def total(self) -> Sums:
        """The sums over all customers."""
        return self.sums(np.zeros(len(self.value), np.intp), 1)


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over groups of customers, with both intervals."""

    value: Floats
    value_error: Floats  # of the logarithm
    purchases: Floats
    purchases_error: Floats
    alive: Floats
    alive_error: Floats  # of the sum itself
    outcome_lower: Floats
    outcome_upper: Floats


def _sums(worth: Worth, groups: NDArray[np.intp], n: int) -> Sums:
    standing, spending, fit = worth.standing, worth.spending, worth.standing.fit
    kept = groups >= 0
    group, history = groups[kept], standing.histories.of_customer[kept]

    def add(weights: Floats) -> Floats:
        return np.bincount(group, weights, n).astype(np.float64)

    def added(columns: Floats, weights: Floats) -> Floats:
        return np.stack([add(weights * column) for column in columns.T], axis=-1)

    value, purchases = worth.value[kept], worth.purchases[kept]
    covariance = np.array(fit.covariance)
    money, bought = add(value), add(purchases)
    variance = (
        _quadratic(added(worth.value_slopes[history], value), covariance)
        + _quadratic(added(spending.slopes[kept], value), spending.covariance)
        + (worth.margin.error * money) ** 2
    )
    of_purchases = _quadratic(added(worth.purchase_slopes[history], purchases), covariance)
    alive = np.stack([add(row[history]) for row in standing.alive])
    lower, upper = outcome(money, variance + add(worth.chance[kept]))
    return Sums(
        money,
        _relative(np.sqrt(variance), money),
        bought,
        _relative(np.sqrt(of_purchases), bought),
        alive[0],
        fit.spread(alive),
        lower,
        upper,
    )


def bounds(value: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Give the 95 % interval of a positive figure from the standard error of its logarithm."""
    spread = np.exp(Z95 * error)
    return value / spread, value * spread


def _outcome_variance(
    standing: Standing, spending: Spending, margin: Margin, plain: Floats, discounted: Floats, horizon: float
) -> Floats:
    """Give the variance of the sum of N purchases of S each: E[N] within + E[N^2] E[M^2] - (E[N] E[M])^2, M the own mean.

    Discounting is taken at its average over the horizon.
    """
    squared = standing.alive[0] * squared_purchases(
        standing.fit, standing.x, standing.age, horizon=horizon
    )[standing.cell]  # fmt: skip
    each = standing.per_customer
    n, factor = each(plain), each(discounted / np.maximum(plain, 1e-300)) * margin.rate
    spread = n * spending.within + each(squared) * spending.squared_mean - (n * spending.per_purchase) ** 2
    return np.maximum(spread, 0.0) * factor**2


def outcome(mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Give the range that holds 95 of 100 outcomes of a sum with this mean and variance.

    That of the gamma distribution: never below nought, skewed where the sum is small, normal where it is large.
    """
    mean, variance = np.asarray(mean, float), np.asarray(variance, float)
    sure = (mean <= 0) | (variance <= 0)
    shape = np.where(sure, 1.0, mean**2 / np.where(sure, 1.0, variance))
    normal = np.sqrt(variance) * Z95
    ends = []
    for part, sign in ((LOW, -1), (HIGH, 1)):
        skewed = gammaincinv(np.minimum(shape, _LARGE), part) / shape * mean
        ends.append(np.where(sure, mean, np.where(shape > _LARGE, mean + sign * normal, skewed)))
    return ends[0], ends[1]


def _quadratic(slopes: Floats, covariance: Floats) -> Floats:
    found: Floats = np.einsum("...i,ij,...j->...", slopes, covariance, slopes)
    return np.maximum(found, 0.0)


def _relative(error: Floats, value: Floats) -> Floats:
    found: Floats = np.where(value > 0, error / np.where(value > 0, value, 1.0), 0.0)
    return found
