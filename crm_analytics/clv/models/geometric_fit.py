"""What BG/NBD and MBG/NBD fits share: the scale of the search, starts, and the reasons why a maximum is no estimate."""

from __future__ import annotations

from typing import ClassVar, Final, Self

import numpy as np
import polars as pl

from crm_analytics.clv.likelihoods.geometric import log_likelihood
from crm_analytics.clv.likelihoods.newton import Optimum
from crm_analytics.clv.likelihoods.over_dropout import (
    Integrand,
    by_period,
    discounted,
    distinct,
    mean_of_places,
    purchases,
    still_alive,
)
from crm_analytics.clv.likelihoods.rows import BLOCK, Floats, Rows, compress, time_unit_of
from crm_analytics.clv.models.fit import FAR, Diagnosis
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.errors import NotEnoughDataError

_SOON: Final = 10.0  # e^-10: what comes later hardly counts, so its digits need not be many

SUBSAMPLE: Final = 20_000
"""Distinct rows of the systematic sample on which the first steps are taken."""


class GeometricDropout(PurchaseFit):
    """BG/NBD and MBG/NBD: r, alpha for buying, a, b for leaving after a purchase."""

    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    shift: ClassVar[int]
    """1 where the customer may leave after the first purchase too (MBG), 0 where not (BG)."""

    @classmethod
    def fit(cls, summary: pl.DataFrame | pl.LazyFrame, *, penalty: float = 0.0) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        summary
            As `clv.summarise` makes it: `frequency`, `recency`, `T`, optionally `weight` (customers per row).
        penalty
            Strength of a ridge on the dimensionless parameters ln(r), ln(alpha / mean T), logit(a / (a + b)) and
            ln(a + b): `penalty / 2` times their sum of squares is taken from the log-likelihood, so the strength
            counts pseudo-observations and does not depend on the unit of time. 0 (the default) is plain maximum
            likelihood.

        Returns
        -------
        Fit
            Frozen. `diagnosis` says in words what the data do not identify.

        Raises
        ------
        NotEnoughDataError
            If nobody bought twice: rate and dropout cannot be told apart.
        ColumnError, OptionError
            If a column is missing or a history impossible.
        """
        rows = compress(summary)
        if rows.n_purchases == 0:
            raise NotEnoughDataError.of(
                "repeat purchases",
                0,
                1,
                "Observe the customers for longer; one purchase each says nothing of a rate.",
            )

        def likelihood(part: Rows, params: Floats) -> tuple[float, Floats, Floats]:
            return log_likelihood(part, *params, s=cls.shift)

        starts = [cls._moments(rows)]
        if len(rows) > 2 * SUBSAMPLE:
            few = rows.sample(SUBSAMPLE)
            first = cls._climb(lambda p: likelihood(few, p), starts, few.n_customers, penalty, rough=True)
            starts = [tuple(cls._params(first.theta))]
        best = cls._climb(lambda p: likelihood(rows, p), starts, rows.n_customers, penalty)
        if not best.converged or _runs_away(best):
            more = [(1.0, 0.5, 0.5, 2.0), (0.3, 0.2, 1.0, 10.0)]
            best = max(
                (best, cls._climb(lambda p: likelihood(rows, p), more, rows.n_customers, penalty)),
                key=lambda o: o.value,
            )
        value = best.value + 0.5 * penalty * float(best.theta @ best.theta)
        return cls._from_optimum(
            best,
            units=(1.0, rows.scale, 1.0, 1.0),
            n=rows.n_customers,
            log_likelihood=value - rows.n_purchases * float(np.log(rows.scale)),
            diagnosis=diagnose(best),
            time_unit=time_unit_of(summary),
            penalty=penalty,
            fingerprint=rows.fingerprint,
        )

    def alive_of(self, x: Floats, t_x: Floats, age: Floats, after: float) -> Floats:
        """Give P(alive at T + after) of histories as arrays."""
        now = self._alive(x, t_x, age)
        return now * self._mean(x, age, still_alive(after), after) if after else now

    def purchases_of(self, x: Floats, t_x: Floats, age: Floats, horizon: float) -> Floats:
        """Give the expected purchases in (T, T + horizon] of histories as arrays."""
        ahead = self._mean(x, age, purchases(horizon), horizon)
        ahead *= self._alive(x, t_x, age)
        return ahead

    def discounted_of(self, x: Floats, t_x: Floats, age: Floats, horizon: float, rate: float) -> Floats:
        """Give the expected purchases, each discounted continuously at `rate` per unit of time."""
        reach = min(horizon, _SOON / rate) if rate > 0 else horizon
        return self._alive(x, t_x, age) * self._mean(x, age, discounted(rate, horizon), reach)

    def scheduled_of(self, x: Floats, t_x: Floats, age: Floats, ends: Floats, factors: Floats) -> Floats:
        """Give the expected purchases of successive periods, each period's multiplied by its factor."""
        ahead = self._mean(x, age, by_period(ends, factors), float(ends[-1]))
        ahead *= self._alive(x, t_x, age)
        return ahead

    def _alive(self, x: Floats, t_x: Floats, age: Floats) -> Floats:
        """Give n / (n + a ((alpha + T) / (alpha + t_x))^R), n = b + x + s - 1; 1 where nobody can have left yet."""
        r, alpha, a, b = self.values()
        alive = np.empty(len(x))
        # e^1000 to one that the customer is gone; without a repeat purchase under BG n may be anything
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            for i in range(0, len(x), BLOCK):
                k = slice(i, i + BLOCK)
                n, odds = x[k] + (b + self.shift - 1.0), t_x[k] + alpha
                np.log1p(np.divide(age[k] - t_x[k], odds, out=odds), out=odds)
                odds *= x[k] + r
                np.exp(odds, out=odds)
                odds *= a
                odds += n
                np.divide(n, odds, out=alive[k])
                if not self.shift:
                    np.copyto(alive[k], 1.0, where=x[k] == 0)
        return alive

    def _mean(self, x: Floats, age: Floats, f: Integrand, horizon: float) -> Floats:
        r, alpha, a, b = self.values()
        return mean_of_places(distinct(x), age, f, (r, alpha, a, b + self.shift), horizon)

    @classmethod
    def _moments(cls, rows: Rows) -> tuple[float, float, float, float]:
        """Start at a rate that matches the mean number of purchases and a middling dropout."""
        mean = max(rows.n_purchases / rows.n_customers, 1e-3)
        return (0.5, 0.5 / (2.0 * mean), 0.8, 2.4)

    @classmethod
    def _theta(cls, params: Floats) -> Floats:
        r, alpha, a, b = params
        return np.log([r, alpha, a / b, a + b])

    @classmethod
    def _params(cls, theta: Floats) -> Floats:
        r, alpha, kappa = np.exp(theta[[0, 1, 3]])
        return np.array([r, alpha, kappa / (1 + np.exp(-theta[2])), kappa / (1 + np.exp(theta[2]))])

    @classmethod
    def _jacobian(cls, theta: Floats) -> Floats:
        r, alpha, a, b = cls._params(theta)
        slope = a * b / (a + b)
        return np.array([[r, 0, 0, 0], [0, alpha, 0, 0], [0, 0, slope, a], [0, 0, -slope, b]])

    @classmethod
    def _curvature(cls, theta: Floats, gradient: Floats) -> Floats:
        r, alpha, a, b = cls._params(theta)
        slope, twist = a * b / (a + b), a * b * (b - a) / (a + b) ** 2
        apart = gradient[2] - gradient[3]
        full = np.diag(
            [gradient[0] * r, gradient[1] * alpha, apart * twist, gradient[2] * a + gradient[3] * b]
        )
        full[2, 3] = full[3, 2] = apart * slope
        return full


def _runs_away(best: Optimum) -> bool:
    return bool((np.abs(best.theta) > FAR).any())


def diagnose(best: Optimum) -> tuple[Diagnosis, ...]:
    """Say in words what a maximum on the scale of the search leaves unidentified."""
    log_r, log_alpha, logit, log_kappa = best.theta
    found = []
    if log_r > FAR or log_alpha > FAR:
        found.append(
            Diagnosis(
                "no_spread_in_rates",
                "The customers do not differ in how often they buy beyond chance: r and alpha grow together without "
                "limit, and only their ratio, the common rate, is known.",
            )
        )
    if logit < -FAR:
        found.append(
            Diagnosis("no_dropout", "Nobody is seen to leave: the share lost after a purchase is nil.")
        )
    elif logit > FAR:
        found.append(
            Diagnosis(
                "everyone_leaves",
                "Whoever may leave is taken to leave at the first occasion: b runs to 0 and the share lost after a "
                "purchase to 1.",
            )
        )
    elif log_kappa > FAR:
        found.append(
            Diagnosis(
                "no_spread_in_dropout",
                "The customers do not differ in how readily they leave: a and b grow together without limit, and only "
                "a / (a + b), the common share lost after a purchase, is known.",
            )
        )
    if log_kappa < -FAR:
        found.append(
            Diagnosis(
                "dropout_all_or_none",
                "Customers either leave at once or never: a and b run to 0, and only their ratio is known.",
            )
        )
    if not best.converged:
        found.append(
            Diagnosis("not_converged", "The search did not reach a maximum; do not use these figures.")
        )
    return tuple(found)
