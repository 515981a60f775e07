"""Pareto/NBD: buying is Poisson while alive, and the customer may leave at any time."""

from __future__ import annotations

from typing import ClassVar, Final, Self

import numpy as np
import polars as pl
from scipy.special import expit

from crm_analytics.clv.likelihoods.newton import Optimum
from crm_analytics.clv.likelihoods.pareto import Likelihood, log_odds_gone
from crm_analytics.clv.likelihoods.rows import Floats, compress, time_unit_of
from crm_analytics.clv.models.fit import FAR, Diagnosis
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.errors import NotEnoughDataError

SUBSAMPLE: Final = 20_000
"""Distinct rows of the systematic sample on which the first steps are taken."""

_ALIVE_SO_LONG: Final = (
    0.6  # of their age customers are alive on average where s = 0.6 and beta = 0.4 of the mean age
)


class ParetoNBD(PurchaseFit):
    """Pareto/NBD model of repeat purchases (Schmittlein, Morrison, Colombo 1987, Management Science 33).

    Buying rates follow gamma(r, rate alpha), rates of leaving gamma(s, rate beta); a customer may leave at any time.
    """

    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    time_parameters: ClassVar[tuple[str, ...]] = ("alpha", "beta")

    @classmethod
    def fit(cls, summary: pl.DataFrame | pl.LazyFrame, *, penalty: float = 0.0) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        summary
            As `clv.summarise` makes it: `frequency`, `recency`, `T`, optionally `weight` (customers per row).
        penalty
            Strength of a ridge on ln(r), ln(alpha / mean T), ln(s), ln(beta / mean T), in pseudo-observations;
            0 (the default) is plain maximum likelihood.

        Returns
        -------
        ParetoNBD
            Frozen. `diagnosis` says in words what the data do not identify.

        Raises
        ------
        NotEnoughDataError
            If nobody bought twice.
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
        n = rows.n_customers
        mean = max(rows.n_purchases / n, 1e-3)
        starts = [(0.6, 0.6 * _ALIVE_SO_LONG / mean, 0.6, 0.4)]
        if len(rows) > 2 * SUBSAMPLE:
            few = rows.sample(SUBSAMPLE)
            first = cls._climb(Likelihood(few), starts, few.n_customers, penalty, rough=True)
            starts = [tuple(cls._params(first.theta))]
        likelihood = Likelihood(rows)
        best = cls._climb(likelihood, starts, n, penalty)
        if not best.converged or (np.abs(best.theta) > FAR).any():
            more = [(1.0, 1.0, 1.0, 1.0), (2.0, 1.0, 0.1, 0.1)]
            best = max(
                (best, cls._climb(likelihood, more, n, penalty)),
                key=lambda o: o.value,
            )
        value = best.value + 0.5 * penalty * float(best.theta @ best.theta)
        return cls._from_optimum(
            best,
            units=(1.0, rows.scale, 1.0, rows.scale),
            n=n,
            log_likelihood=value - rows.n_purchases * float(np.log(rows.scale)),
            diagnosis=_diagnose(best),
            time_unit=time_unit_of(summary),
            penalty=penalty,
            fingerprint=rows.fingerprint,
        )

    def alive_of(self, x: Floats, t_x: Floats, age: Floats, after: float) -> Floats:
        """Give P(alive at T + after) of histories as arrays."""
        s, beta = self.params["s"], self.params["beta"]
        now = expit(-log_odds_gone(x, t_x, age, self.values()))
        return now * np.exp(-s * np.log1p(after / (beta + age))) if after else now

    def purchases_of(self, x: Floats, t_x: Floats, age: Floats, horizon: float) -> Floats:
        """Give the expected purchases in (T, T + horizon] of histories as arrays."""
        return self.alive_of(x, t_x, age, 0.0) * self._ahead(x, age, horizon)

    def scheduled_of(self, x: Floats, t_x: Floats, age: Floats, ends: Floats, factors: Floats) -> Floats:
        """Give the expected purchases of successive periods, each period's multiplied by its factor."""
        each = factors - np.append(factors[1:], 0.0)
        ahead = sum((k * self._ahead(x, age, float(h)) for h, k in zip(ends, each, strict=True)), np.zeros(1))
        return self.alive_of(x, t_x, age, 0.0) * ahead

    def _ahead(self, x: Floats, age: Floats, horizon: float) -> Floats:
        r, alpha, s, beta = self.values()
        log_ratio = np.log1p(horizon / (beta + age))
        at_one = abs(s - 1) < _AT_ONE
        bracket = log_ratio if at_one else -np.expm1(-(s - 1) * log_ratio) / (s - 1)
        return np.asarray((r + x) * (beta + age) / (alpha + age) * bracket, np.float64)

    def discounted_of(self, x: Floats, t_x: Floats, age: Floats, horizon: float, rate: float) -> Floats:
        """Give the expected purchases, each discounted continuously at `rate` per unit of time.

        P(alive) R / (alpha + T) times the integral of e^(-rate y) ((beta + T) / (beta + T + y))^s over y < horizon.
        """
        r, alpha, s, beta = self.values()
        far = min(horizon, _FAR / rate) if rate > 0 else horizon
        reach = np.log1p(far / (beta + age))
        total = np.zeros_like(age)
        for node, weight in zip((_LEGENDRE + 1) / 2, _LEGENDRE_WEIGHTS / 2, strict=True):
            v = reach * node
            y = (beta + age) * np.expm1(v)
            total += weight * (beta + age) * np.exp(v * (1 - s) - rate * y)
        return self.alive_of(x, t_x, age, 0.0) * (r + x) / (alpha + age) * total * reach


_AT_ONE: Final = 1e-12  # expm1 keeps its digits right up to s = 1; only the division must not be 0 / 0
_FAR: Final = 45.0
_LEGENDRE, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(48)


def _diagnose(best: Optimum) -> tuple[Diagnosis, ...]:
    log_r, log_alpha, log_s, log_beta = best.theta
    found = []
    if log_r > FAR or log_alpha > FAR:
        found.append(
            Diagnosis(
                "no_spread_in_rates",
                "The customers do not differ in how often they buy beyond chance: only r / alpha, the common rate, "
                "is known.",
            )
        )
    if log_s - log_beta < -FAR:
        found.append(Diagnosis("no_dropout", "Nobody is seen to leave: the rate of leaving runs to 0."))
    elif log_s > FAR:
        found.append(
            Diagnosis(
                "no_spread_in_dropout",
                "The customers do not differ in how readily they leave: only s / beta, the common rate, is known.",
            )
        )
    elif log_beta < -FAR:
        found.append(
            Diagnosis(
                "leave_at_the_start", "Customers either leave right after the first purchase or hardly ever."
            )
        )
    if not best.converged:
        found.append(
            Diagnosis("not_converged", "The search did not reach a maximum; do not use these figures.")
        )
    return tuple(found)
