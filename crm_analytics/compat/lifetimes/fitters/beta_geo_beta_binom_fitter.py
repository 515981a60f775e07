"""BG/BB behind lifetimes' name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from scipy.special import betaln

from crm_analytics.clv import BetaGeoBetaBinomial
from crm_analytics.clv.models.beta_geo_beta_binomial import _log_likelihood, panel
from crm_analytics.compat.lifetimes import borders, generate_data
from crm_analytics.compat.lifetimes.bridge import native
from crm_analytics.compat.lifetimes.fitters.base_fitter import BaseFitter, Column
from crm_analytics.compat.lifetimes.search import ConvergenceError, Likelihood, penalised, search
from crm_analytics.compat.lifetimes.utils import _check_inputs

Floats = borders.Floats


class BetaGeoBetaBinomFitter(BaseFitter):
    """BG/BB (Fader, Hardie, Shang 2010) with the arguments and figures of lifetimes' `BetaGeoBetaBinomFitter`.

    Purchases at discrete opportunities: `frequency` counts those with a purchase, `recency` is the number of the last
    such one, `n_periods` the number so far.
    """

    names: ClassVar[tuple[str, ...]] = ("alpha", "beta", "gamma", "delta")

    def fit(
        self,
        frequency: Column,
        recency: Column,
        n_periods: Column,
        weights: Column = None,
        initial_params: Sequence[float] | None = None,
        verbose: bool = False,
        tol: float = 1e-7,
        index: Any = None,
        **kwargs: object,
    ) -> Self:
        """Estimate the parameters.

        Parameters
        ----------
        frequency, recency, n_periods
            Whole numbers.
        weights
            Customers per row; 1 unless said.
        initial_params
            Logs of the parameters: one more start of the search.
        verbose, tol, kwargs
            Taken and not needed.
        index
            Labels of the rows of `data`.

        Raises
        ------
        OptionError
            If a history cannot be; a ValueError, as in lifetimes.
        ConvergenceError
            If nobody bought, or no maximum is reached.
        """
        named = {"frequency": frequency, "recency": recency, "n_periods": n_periods}
        x, t_x, n = (np.atleast_1d(borders.floats(c, name)) for name, c in named.items())
        w = np.ones(len(x), int) if weights is None else np.atleast_1d(np.asarray(weights))
        _check_inputs(x, t_x, n)
        panel(_panel(x, t_x, n))
        if not (x @ w) > 0:
            raise ConvergenceError("Nobody bought at any opportunity.", "Expected some purchases.")
        starts: list[tuple[float, ...]] = [(1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 0.5, 3.0)]
        if initial_params is not None:
            starts.insert(0, tuple(np.exp(np.asarray(initial_params, float))))
        likelihood = _of(*_grouped(x, t_x, n, borders.floats(w, "weights")))
        found = search(
            likelihood, starts, names=self.names, total=float(w.sum()), penalizer=self.penalizer_coef
        )
        columns = {"frequency": x, "recency": t_x, "n_periods": n}
        whole = {name: c.astype(int) for name, c in columns.items()}
        self.data = borders.pandas().DataFrame({**whole, "weights": w}, index=index)
        return self._take(found, 1.0)

    def conditional_expected_number_of_purchases_up_to_time(
        self, m_periods_in_future: Column, frequency: Column, recency: Column, n_periods: Column
    ) -> Any:
        """Say at how many of the next opportunities customers with these histories are expected to buy."""
        fit = self._native()

        def formula(x: Floats, t_x: Floats, n: Floats, m: Floats) -> Floats:
            found = np.empty(len(x))
            for horizon in np.unique(m):
                mine = m == horizon
                some = _panel(x[mine], t_x[mine], n[mine])
                found[mine] = fit.expected_purchases(some, horizon=float(horizon)).to_numpy()
            return found

        columns = {
            "frequency": frequency,
            "recency": recency,
            "n_periods": n_periods,
            "m": m_periods_in_future,
        }
        return borders.each_row(formula, columns)

    def conditional_probability_alive(
        self, m_periods_in_future: Column, frequency: Column, recency: Column, n_periods: Column
    ) -> Any:
        """Say how likely customers are alive at opportunity n_periods + m_periods_in_future, in [0, 1]."""
        fit = self._native()
        gamma, delta = fit.params["gamma"], fit.params["delta"]

        def formula(x: Floats, t_x: Floats, n: Floats, m: Floats) -> Floats:
            after_next = betaln(gamma, delta + n + m) - betaln(gamma, delta + n + 1)
            return np.asarray(fit.p_alive(_panel(x, t_x, n)).to_numpy() * np.exp(after_next), float)

        columns = {
            "frequency": frequency,
            "recency": recency,
            "n_periods": n_periods,
            "m": m_periods_in_future,
        }
        return borders.each_row(formula, columns)

    def expected_number_of_transactions_in_first_n_periods(self, n: int) -> Any:
        """Say how many of the customers are expected to buy at so many of the first n opportunities.

        Returns
        -------
        pandas.DataFrame
            Column `model`, a row per frequency that the data hold.
        """
        pd = borders.pandas()
        seen = self.data.groupby("frequency")["weights"].sum()
        counts = self._native().expected_counts(int(n), float(seen.sum()))
        x = seen.index.to_numpy()
        model = np.where(x <= n, counts[np.minimum(x, n)], 0.0)
        return pd.DataFrame(model, index=pd.Index(x, name="frequency"), columns=["model"])

    def generate_new_data(self, size: int = 1, rng: np.random.Generator | None = None) -> Any:
        """Simulate so many customers with the opportunities of the data."""
        n = np.repeat(self.data["n_periods"].to_numpy(), self.data["weights"].to_numpy().astype(int))
        params = self._params_by_name()
        return generate_data.beta_geometric_beta_binom_model(n, **params, size=size, rng=rng)

    def _native(self) -> BetaGeoBetaBinomial:
        return native(BetaGeoBetaBinomial, self._unload_params(*self.names))

    @staticmethod
    def _loglikelihood(params: Column, x: Column, tx: Column, T: Column) -> Any:
        fit = native(BetaGeoBetaBinomial, [float(p) for p in params])
        columns = {"frequency": x, "recency": tx, "n_periods": T}
        return borders.each_row(lambda *history: fit.log_likelihoods(_panel(*history)), columns)

    @staticmethod
    def _negative_log_likelihood(
        log_params: Column,
        frequency: Column,
        recency: Column,
        n_periods: Column,
        weights: Column,
        penalizer_coef: float = 0,
    ) -> float:
        columns = {"frequency": frequency, "recency": recency, "n_periods": n_periods, "weights": weights}
        (x, t_x, n, w), _ = borders.aligned({k: np.atleast_1d(v) for k, v in columns.items()})
        theta = np.asarray(log_params, float)
        value, _, _ = penalised(_of(x, t_x, n, w), theta, w.sum() * penalizer_coef, np.ones(4))
        return float(-value / w.sum())


def _of(x: Floats, t_x: Floats, n: Floats, w: Floats) -> Likelihood:
    return lambda p: _log_likelihood(x, t_x, n, w, *(float(v) for v in p))


def _grouped(x: Floats, t_x: Floats, n: Floats, w: Floats) -> list[Floats]:
    grouped = (
        _panel(x, t_x, n)
        .with_columns(w=w)
        .group_by("frequency", "recency", "n_periods")
        .agg(pl.col("w").sum())
    )
    return [c.to_numpy() for c in grouped.sort("n_periods", "frequency", "recency")]


def _panel(x: Floats, t_x: Floats, n: Floats) -> pl.DataFrame:
    return pl.DataFrame({"frequency": x, "recency": t_x, "n_periods": n})
