"""Gamma-Gamma behind lifetimes' name."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from crm_analytics.clv.models.gamma_gamma import _Spend
from crm_analytics.compat.lifetimes import borders
from crm_analytics.compat.lifetimes.fitters.base_fitter import BaseFitter, Column
from crm_analytics.compat.lifetimes.search import Found, Likelihood, penalised, search
from crm_analytics.compat.lifetimes.utils import _check_inputs, _customer_lifetime_value
from crm_analytics.errors import OptionError, StatisticalWarning

Floats = borders.Floats


class GammaGammaFitter(BaseFitter):
    """Gamma-Gamma (Fader and Hardie 2013, note 025) with the arguments and figures of lifetimes' `GammaGammaFitter`."""

    names: ClassVar[tuple[str, ...]] = ("p", "q", "v")

    def fit(
        self,
        frequency: Column,
        monetary_value: Column,
        weights: Column = None,
        initial_params: Sequence[float] | None = None,
        verbose: bool = False,
        tol: float = 1e-7,
        index: Any = None,
        q_constraint: bool = False,
        **kwargs: object,
    ) -> Self:
        """Estimate the parameters from customers who bought again.

        Parameters
        ----------
        frequency, monetary_value
            Repeat purchases and mean spend per repeat purchase, both above 0.
        weights
            Customers per row; 1 unless said.
        initial_params
            Logs of p, q, v: one more start of the search.
        q_constraint
            Keep q at 1 or above. At q = 1 a customer without repeat purchases has no finite expected spend.
        verbose, tol, kwargs
            Taken and not needed.
        index
            Labels of the rows of `data`.

        Raises
        ------
        OptionError
            If a spend is not positive or a frequency not a whole number above 0; a ValueError, as in lifetimes.
        ConvergenceError
            If no maximum is reached.
        """
        x = np.atleast_1d(borders.floats(frequency, "frequency"))
        z = np.atleast_1d(borders.floats(monetary_value, "monetary_value"))
        _check_inputs(x, monetary_value=z)
        if (x <= 0).any():
            raise OptionError(
                f"{int((x <= 0).sum()):,} customers have no repeat purchase.",
                "Expected a frequency above 0 on every row.",
                "Fit returning customers only: frame[frame['frequency'] > 0].",
            )
        w = np.ones(len(x), int) if weights is None else np.atleast_1d(np.asarray(weights))
        found = self._search(x, z, borders.floats(w, "weights"), initial_params, q_constraint=q_constraint)
        columns = {"monetary_value": z, "frequency": x, "weights": w}
        self.data = borders.pandas().DataFrame(columns, index=index)
        return self._take(found, 1.0)

    def conditional_expected_average_profit(
        self, frequency: Column = None, monetary_value: Column = None
    ) -> Any:
        """Say what customers are expected to spend per purchase.

        p (v + x z) / (p x + q - 1). Where p x + q <= 1, which is to say without a repeat purchase and with q <= 1, the mean
        is not finite: it is given as infinite, with a warning, where lifetimes gives a negative amount.

        Parameters
        ----------
        frequency, monetary_value
            Those of the data unless said.
        """
        p, q, v = self._unload_params(*self.names)

        def formula(x: Floats, z: Floats) -> Floats:
            below = p * x + q - 1
            endless = below <= 0
            if endless.any():
                warnings.warn(
                    f"q = {q:.3f}: {int(endless.sum()):,} customers have no finite expected spend, given as infinite. "
                    "Look for outliers, or fit with q_constraint=True and value returning customers only.",
                    StatisticalWarning,
                    stacklevel=borders.outside(),
                )
            return np.where(endless, np.inf, p * (v + x * z) / np.where(endless, 1.0, below))

        columns = {
            "frequency": self.data["frequency"] if frequency is None else frequency,
            "monetary_value": self.data["monetary_value"] if monetary_value is None else monetary_value,
        }
        return borders.each_row(formula, columns)

    def customer_lifetime_value(
        self,
        transaction_prediction_model: Any,
        frequency: Column,
        recency: Column,
        T: Column,
        monetary_value: Column,
        time: int = 12,
        discount_rate: float = 0.01,
        freq: str = "D",
    ) -> Any:
        """Give what customers are worth over the next months.

        Parameters
        ----------
        transaction_prediction_model
            A fitted fitter of purchases.
        frequency, recency, T, monetary_value
            As the fitters take them.
        time
            Months.
        discount_rate
            Per month.
        freq
            Unit of recency and T: "D", "W", "M" or "H". A month has 30 days, 4.345 weeks or 720 hours.
        """
        spend = self.conditional_expected_average_profit(frequency, monetary_value)
        return _customer_lifetime_value(
            transaction_prediction_model, frequency, recency, T, spend, time, discount_rate, freq=freq
        )

    def _search(
        self, x: Floats, z: Floats, w: Floats, initial: Sequence[float] | None, *, q_constraint: bool
    ) -> Found:
        scale = float(np.median(z))
        likelihood = _of(_Spend.of(x, z / scale, w))
        starts: list[tuple[float, ...]] = [(6.0, 4.0, 0.5)]
        if initial is not None:
            p, q, v = np.exp(np.asarray(initial, float))
            starts.insert(0, (float(p), float(q), float(v / scale)))
        options: dict[str, Any] = {
            "names": self.names,
            "total": float(w.sum()),
            "penalizer": self.penalizer_coef,
            "units": (1.0, 1.0, scale),
        }
        found = search(likelihood, starts, **options)
        if q_constraint and found.params[1] < 1:
            found = search(likelihood, [(6.0, 1.0, 0.5)], fixed=(False, True, False), **options)
        loss = found.loss + float(np.log(scale))
        return Found(found.params, loss, found.hessian, found.curvature, found.free)

    @staticmethod
    def _negative_log_likelihood(
        log_params: Column,
        frequency: Column,
        avg_monetary_value: Column,
        weights: Column,
        penalizer_coef: float,
    ) -> float:
        columns = {"frequency": frequency, "monetary_value": avg_monetary_value, "weights": weights}
        (x, z, w), _ = borders.aligned({k: np.atleast_1d(v) for k, v in columns.items()})
        theta = np.asarray(log_params, float)
        value, _, _ = penalised(_of(_Spend.of(x, z, w)), theta, w.sum() * penalizer_coef, np.ones(3))
        return float(-value / w.sum())


def _of(spend: _Spend) -> Likelihood:
    return lambda p: spend.log_likelihood(*(float(v) for v in p))
