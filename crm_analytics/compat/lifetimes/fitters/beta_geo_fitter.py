"""BG/NBD behind lifetimes' name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from crm_analytics.clv import BetaGeo
from crm_analytics.clv.likelihoods.rows import Rows
from crm_analytics.clv.models.geometric_fit import GeometricDropout
from crm_analytics.compat.lifetimes import borders, formulas, generate_data
from crm_analytics.compat.lifetimes.bridge import native
from crm_analytics.compat.lifetimes.fitters.base_fitter import Column
from crm_analytics.compat.lifetimes.fitters.purchase_fitter import PurchaseFitter
from crm_analytics.compat.lifetimes.search import Likelihood, geometric_of, penalised, rows

Floats = borders.Floats


class BetaGeoFitter(PurchaseFitter):
    """BG/NBD (Fader, Hardie, Lee 2005) with the arguments, attributes and figures of lifetimes' `BetaGeoFitter`.

    Examples
    --------
    >>> fitter = BetaGeoFitter()
    >>> fitter.params_ = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
    >>> fitter
    <lifetimes.BetaGeoFitter: a: 0.79, alpha: 4.41, b: 2.43, r: 0.24>
    >>> round(float(fitter.predict(39, 2, 30.43, 38.86)), 6)
    1.226028
    """

    names: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    time_names: ClassVar[tuple[str, ...]] = ("alpha",)
    model: ClassVar[type[GeometricDropout]] = BetaGeo
    _more: ClassVar[tuple[tuple[float, ...], ...]] = ((1.0, 0.5, 0.5, 2.0), (0.3, 0.2, 1.0, 10.0))

    def fit(
        self,
        frequency: Column,
        recency: Column,
        T: Column,
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
        frequency, recency, T
            Repeat purchases, time of the last since the first, age; one unit of time.
        weights
            Customers per row; 1 unless said.
        initial_params
            Logs of the parameters in scaled time, as lifetimes takes them: one more start of the search.
        verbose
            Log what was found, to the logger `crm_analytics.compat.lifetimes`.
        tol, kwargs
            Taken and not needed: the search always goes to the end, with exact derivatives.
        index
            Labels of the rows of `data`.

        Raises
        ------
        OptionError
            If a history cannot be; a ValueError, as in lifetimes.
        ConvergenceError
            If nobody bought twice, or no maximum is reached.
        """
        first = None if initial_params is None else np.exp(np.asarray(initial_params, float))
        return self._estimate(frequency, recency, T, weights, first, index, verbose=verbose, pareto=False)

    def probability_of_n_purchases_up_to_time(self, t: Column, n: Column) -> Any:
        """Give P(a new customer makes n repeat purchases within t of the first)."""
        fit = native(self.model, self._unload_params(*self.names))
        return borders.each_row(lambda h, k: formulas.probability_of_n(fit, h, k), {"t": t, "n": n})

    def generate_new_data(self, size: int = 1, rng: np.random.Generator | None = None) -> Any:
        """Simulate so many customers with the ages of the data."""
        params = self._params_by_name()
        return generate_data.beta_geometric_nbd_model(self.data["T"].to_numpy(), **params, size=size, rng=rng)

    @classmethod
    def _likelihood(cls, data: Rows) -> Likelihood:
        return geometric_of(data, cls.model.shift)

    @classmethod
    def _starts(cls, data: Rows) -> list[tuple[float, ...]]:
        mean = max(data.n_purchases / data.n_customers, 1e-3)
        return [(0.5, 0.5 / (2.0 * mean), 0.8, 2.4)]

    @classmethod
    def _negative_log_likelihood(
        cls, log_params: Column, freq: Column, rec: Column, T: Column, weights: Column, penalizer_coef: float
    ) -> float:
        columns = {"freq": freq, "rec": rec, "T": T, "weights": weights}
        (x, t_x, age, w), _ = borders.aligned({k: np.atleast_1d(v) for k, v in columns.items()})
        data = rows(x, t_x, age, w, 1.0)
        theta = np.asarray(log_params, float)
        value, _, _ = penalised(cls._likelihood(data), theta, w.sum() * penalizer_coef, np.ones(len(theta)))
        return float(-value / w.sum())
