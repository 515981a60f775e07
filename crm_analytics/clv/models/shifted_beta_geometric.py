"""sBG: in a contract, each period a customer renews or leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from scipy.special import hyp2f1

from crm_analytics.clv.likelihoods.newton import Optimum
from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.fit import FAR, Diagnosis, Fit
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.stats import shifted_beta_geometric as numerics


class ShiftedBetaGeometric(Fit):
    """sBG model of contract renewals (Fader, Hardie 2007, Journal of Interactive Marketing 21).

    Each customer leaves at the end of a period with a probability of their own, and these are beta(a, b) over
    customers: so the cohort's retention rises with age although nobody changes.
    """

    names: ClassVar[tuple[str, ...]] = ("a", "b")

    @classmethod
    def fit(
        cls,
        lost: Sequence[float],
        survivors: Sequence[float] | float,
        *,
        penalty: float = 0.0,
    ) -> Self:
        """Estimate the parameters from cohort counts.

        Parameters
        ----------
        lost
            Customers who left at the end of period 1, 2, … (of all cohorts together).
        survivors
            Customers last seen under contract: one number for those who outlived all the periods of `lost`, or one
            per period 1, 2, … for cohorts of different age (censored after so many periods).
        penalty
            Strength of a ridge on ln(a), ln(b), in pseudo-observations.

        Returns
        -------
        ShiftedBetaGeometric
            Frozen; `survival(t)`, `retention(t)`, `discounted_lifetime(...)`.

        Raises
        ------
        NotEnoughDataError
            If nobody left, or fewer than two periods are seen.
        OptionError
            If a count is negative.
        """
        left = np.asarray(lost, float)
        kept = np.zeros_like(left)
        given = np.atleast_1d(np.asarray(survivors, float))
        if given.size == 1:
            kept[-1:] = given
        elif given.size == left.size:
            kept = given
        else:
            raise OptionError.out_of_range(
                "survivors", given.size, f"one number, or {left.size}, one per period"
            )
        if not (
            (left >= 0).all() and (kept >= 0).all() and np.isfinite(left).all() and np.isfinite(kept).all()
        ):
            raise OptionError.out_of_range(
                "lost, survivors", "a negative or missing count", "counts of 0 or more"
            )
        if left.size < 2:  # noqa: PLR2004 two parameters
            raise NotEnoughDataError.of("periods", left.size, 2, "Observe the cohort for longer.")
        if left.sum() == 0:
            raise NotEnoughDataError.of("customers who left", 0, 1, "Observe the cohort for longer.")
        total = float(left.sum() + kept.sum())
        best = cls._climb(
            lambda p: numerics.log_likelihood(left, kept, *p), [(1.0, 2.0), (0.5, 5.0)], total, penalty
        )
        value = best.value + 0.5 * penalty * float(best.theta @ best.theta)
        return cls._from_optimum(
            best, units=(1.0, 1.0), n=total, log_likelihood=value, diagnosis=_diagnose(best), penalty=penalty
        )

    def survival(self, t: Floats | float) -> Floats:
        """Give the share of a cohort still under contract after t periods: B(a, b + t) / B(a, b)."""
        a, b = self.values()
        return numerics.survival(t, a, b)

    def retention(self, t: Floats | float) -> Floats:
        """Give the share of those there in period t - 1 who stay for period t: (b + t - 1) / (a + b + t - 1)."""
        a, b = self.values()
        age = np.asarray(t, float)
        return np.asarray((b + age - 1) / (a + b + age - 1), np.float64)

    def discounted_lifetime(self, t: Floats | float, *, discount_rate: float) -> Floats:
        """Give the expected discounted further periods of a customer who has been there for t periods (DERL).

        The first counted payment is the next renewal, undiscounted and not certain (Fader, Hardie 2010, eq. 6):
        r_t 2F1(1, b + t; a + b + t; 1 / (1 + d)).

        Parameters
        ----------
        t
            Periods under contract so far, >= 1.
        discount_rate
            Per period, > 0.
        """
        if not discount_rate > 0:
            raise OptionError.out_of_range("discount_rate", discount_rate, "a rate above 0 per period")
        a, b = self.values()
        age = np.asarray(t, float)
        return self.retention(age) * np.asarray(
            hyp2f1(1.0, b + age, a + b + age, 1.0 / (1.0 + discount_rate))
        )


def _diagnose(best: Optimum) -> tuple[Diagnosis, ...]:
    found = []
    if best.theta.max() > FAR:
        found.append(
            Diagnosis(
                "no_spread_in_churn",
                "Retention does not rise with age: the customers do not differ in how readily they leave, and only "
                "a / (a + b), the common churn rate, is known.",
            )
        )
    if best.theta.min() < -FAR:
        found.append(Diagnosis("churn_all_or_none", "Customers leave at once or never: a or b runs to 0."))
    if not best.converged:
        found.append(
            Diagnosis("not_converged", "The search did not reach a maximum; do not use these figures.")
        )
    return tuple(found)
