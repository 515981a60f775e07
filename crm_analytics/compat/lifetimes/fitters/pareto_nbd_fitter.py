"""Pareto/NBD behind lifetimes' name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import gammaln

from crm_analytics.clv import ParetoNBD
from crm_analytics.clv.likelihoods.pareto import log_odds_gone
from crm_analytics.clv.likelihoods.rows import Rows
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.compat.lifetimes import borders, formulas, generate_data
from crm_analytics.compat.lifetimes.bridge import native
from crm_analytics.compat.lifetimes.fitters.base_fitter import Column
from crm_analytics.compat.lifetimes.fitters.purchase_fitter import PurchaseFitter
from crm_analytics.compat.lifetimes.search import Likelihood, pareto_of
from crm_analytics.errors import OptionError

Floats = borders.Floats


class ParetoNBDFitter(PurchaseFitter):
    """Pareto/NBD (Schmittlein, Morrison, Colombo 1987) with the arguments and figures of lifetimes' `ParetoNBDFitter`.

    lifetimes gives no standard errors for this model; here they are there as for the others.
    """

    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    time_names: ClassVar[tuple[str, ...]] = ("alpha", "beta")
    model: ClassVar[type[PurchaseFit]] = ParetoNBD
    alive_as_series: ClassVar[bool] = True
    _subsample: ClassVar[int] = 5_000
    _more: ClassVar[tuple[tuple[float, ...], ...]] = ((1.0, 1.0, 1.0, 1.0), (2.0, 1.0, 0.1, 0.1))

    def fit(
        self,
        frequency: Column,
        recency: Column,
        T: Column,
        weights: Column = None,
        iterative_fitting: int = 1,
        initial_params: Sequence[float] | None = None,
        verbose: bool = False,
        tol: float = 1e-4,
        index: Any = None,
        fit_method: str = "Nelder-Mead",
        maxiter: int = 2000,
        **kwargs: object,
    ) -> Self:
        """Estimate the parameters.

        Parameters
        ----------
        frequency, recency, T
            Repeat purchases, time of the last since the first, age; one unit of time.
        weights
            Customers per row; 1 unless said.
        initial_params
            Parameters (not their logs) in scaled time, as lifetimes takes them: one more start of the search.
        verbose
            Log what was found, to the logger `crm_analytics.compat.lifetimes`.
        iterative_fitting, tol, fit_method, maxiter, kwargs
            Taken and not needed: the search always goes to the end, with exact derivatives and without chance.
        index
            Labels of the rows of `data`.

        Raises
        ------
        OptionError
            If a history cannot be; a ValueError, as in lifetimes.
        ConvergenceError
            If nobody bought twice, or no maximum is reached.
        """
        if iterative_fitting <= 0:
            raise OptionError.out_of_range("iterative_fitting", iterative_fitting, "1 or more")
        if iterative_fitting > 1 and initial_params is not None:
            raise OptionError("iterative_fitting and initial_params are both set.", "Expected one of them.")
        return self._estimate(
            frequency, recency, T, weights, initial_params, index, verbose=verbose, pareto=True
        )

    def conditional_probability_of_n_purchases_up_to_time(
        self,
        n: Column,
        t: Column,
        frequency: Column,
        recency: Column,
        T: Column,
    ) -> Any:
        """Give P(n purchases in (T, T + t]) of customers with these histories."""
        fit = native(ParetoNBD, self._unload_params(*self.names))

        def formula(x: Floats, t_x: Floats, age: Floats, k: Floats, horizon: Floats) -> Floats:
            borders.history(x, t_x, age)
            return formulas.conditional_probability_of_n(fit, k, np.maximum(horizon, 0.0), x, t_x, age)

        columns = {"frequency": frequency, "recency": recency, "T": T, "n": n, "t": t}
        return borders.each_row(formula, columns)

    def generate_new_data(self, size: int = 1, rng: np.random.Generator | None = None) -> Any:
        """Simulate so many customers with the ages of the data."""
        params = self._params_by_name()
        return generate_data.pareto_nbd_model(self.data["T"].to_numpy(), **params, size=size, rng=rng)

    @classmethod
    def _likelihood(cls, data: Rows) -> Likelihood:
        return pareto_of(data)

    @classmethod
    def _starts(cls, data: Rows) -> list[tuple[float, ...]]:  # noqa: ARG003 the same whatever the data
        return [(0.5, 0.4, 0.5, 0.3)]

    @staticmethod
    def _log_A_0(params: Column, freq: Column, recency: Column, age: Column) -> Any:  # noqa: N802 as it came
        """Give ln A_0 of note 009, equations (19) and (20): ln of (r + s + x) times the integral over dropout times."""
        r, alpha, s, beta = (float(p) for p in params)

        def formula(x: Floats, t_x: Floats, t: Floats) -> Floats:
            alive = -(r + x) * np.log(alpha + t) - s * np.log(beta + t)
            odds = log_odds_gone(x, t_x, t, (r, alpha, s, beta))
            return np.asarray(np.log(r + s + x) - np.log(s) + alive + odds, float)

        return borders.each_row(formula, {"frequency": freq, "recency": recency, "T": age})

    @classmethod
    def _conditional_log_likelihood(cls, params: Column, freq: Column, rec: Column, T: Column) -> Any:
        r, alpha, s, beta = (float(p) for p in params)

        def formula(x: Floats, t_x: Floats, t: Floats) -> Floats:
            alive = -(r + x) * np.log(alpha + t) - s * np.log(beta + t)
            base = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
            return np.asarray(
                base + alive + np.logaddexp(0.0, log_odds_gone(x, t_x, t, (r, alpha, s, beta))), float
            )

        return borders.each_row(formula, {"frequency": freq, "recency": rec, "T": T})

    @classmethod
    def _negative_log_likelihood(
        cls, params: Column, freq: Column, rec: Column, T: Column, weights: Column, penalizer_coef: float
    ) -> float:
        values = np.asarray(params, float)
        if (values <= 0).any():
            return float("inf")
        w = np.asarray(weights, float)
        logs = np.asarray(cls._conditional_log_likelihood(values, freq, rec, T))
        return float(-(w * logs).sum() / w.mean() + penalizer_coef * (values**2).sum())
