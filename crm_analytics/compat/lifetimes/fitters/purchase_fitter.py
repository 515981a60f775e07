"""What the fitters of repeat purchases in continuous time share."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from crm_analytics.clv.likelihoods.rows import Rows
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.compat.lifetimes import borders, formulas
from crm_analytics.compat.lifetimes.bridge import native
from crm_analytics.compat.lifetimes.fitters.base_fitter import BaseFitter, Column
from crm_analytics.compat.lifetimes.search import SUBSAMPLE, ConvergenceError, Found, Likelihood, rows, search
from crm_analytics.compat.lifetimes.utils import _check_inputs, _scale_time

Floats = borders.Floats
log = logging.getLogger("crm_analytics.compat.lifetimes")


class PurchaseFitter(BaseFitter):
    """BG/NBD, MBG/NBD and Pareto/NBD behind lifetimes' names."""

    model: ClassVar[type[PurchaseFit]]
    alive_as_series: ClassVar[bool] = False
    """Whether `conditional_probability_alive` of Series is a Series: in lifetimes it is so for Pareto/NBD alone."""

    _subsample: ClassVar[int] = SUBSAMPLE
    _more: ClassVar[tuple[tuple[float, ...], ...]]
    """Starts that are tried where the first ones end badly."""

    @classmethod
    def _likelihood(cls, data: Rows) -> Likelihood:
        raise NotImplementedError

    @classmethod
    def _starts(cls, data: Rows) -> list[tuple[float, ...]]:
        raise NotImplementedError

    def _estimate(
        self,
        frequency: Column,
        recency: Column,
        T: Column,
        weights: Column,
        first: Sequence[float] | None,
        index: Any,
        *,
        verbose: bool,
        pareto: bool,
    ) -> Self:
        x, t_x, age = (
            np.atleast_1d(borders.floats(c, n))
            for c, n in ((frequency, "frequency"), (recency, "recency"), (T, "T"))
        )
        w = np.ones(len(x), int) if weights is None else np.atleast_1d(np.asarray(weights))
        _check_inputs(x, t_x, age)
        if not (x @ w) > 0:
            raise ConvergenceError(
                "Nobody bought twice.",
                "Expected some repeat purchases.",
                "Observe the customers for longer; one purchase each says nothing of a rate.",
            )
        self._scale = _scale_time(age)
        data = rows(x, t_x, age, borders.floats(w, "weights"), self._scale)
        found = self._search(data, float(w.mean()) if pareto else float(w.sum()), first)
        columns = {
            "frequency": x.astype(int),
            "recency": _kept(recency, t_x),
            "T": _kept(T, age),
            "weights": w,
        }
        self.data = borders.pandas().DataFrame(columns, index=index)
        self._take(found, self._scale)
        if verbose:
            log.info("%s: loss %.6f over %d distinct histories", self, found.loss, len(data))
        return self

    def _search(self, data: Rows, total: float, first: Sequence[float] | None) -> Found:
        options: dict[str, Any] = {"names": self.names, "total": total, "penalizer": self.penalizer_coef}
        starts = self._starts(data)
        if first is not None:
            starts.insert(0, tuple(float(v) for v in first))
        if len(data) > 2 * self._subsample:
            few = search(self._likelihood(data.sample(self._subsample)), starts, final=False, **options)
            starts = [tuple(np.clip(few.params, 1e-3, 1e3))]
        return search(self._likelihood(data), starts, more=self._more, **options)

    def _native(self) -> PurchaseFit:
        return native(self.model, self._unload_params(*self.names))

    def conditional_expected_number_of_purchases_up_to_time(
        self,
        t: Column,
        frequency: Column,
        recency: Column,
        T: Column,
    ) -> Any:
        """Say how many purchases to expect in (T, T + t] from customers with these histories."""
        fit = self._native()

        def formula(horizon: Floats, x: Floats, t_x: Floats, age: Floats) -> Floats:
            borders.history(x, t_x, age)
            return formulas.expected_purchases(fit, np.maximum(horizon, 0.0), x, t_x, age)

        # lifetimes aligns on the frequency: it comes first among the columns
        columns = {"frequency": frequency, "recency": recency, "T": T, "t": t}
        return borders.each_row(lambda x, t_x, age, horizon: formula(horizon, x, t_x, age), columns)

    def predict(
        self,
        t: Column,
        frequency: Column,
        recency: Column,
        T: Column,
    ) -> Any:
        """Do what `conditional_expected_number_of_purchases_up_to_time` does, under its short name."""
        return self.conditional_expected_number_of_purchases_up_to_time(t, frequency, recency, T)

    def conditional_probability_alive(
        self,
        frequency: Column,
        recency: Column,
        T: Column,
    ) -> Any:
        """Say how likely customers with these histories are still customers at T, in [0, 1]."""
        fit = self._native()

        def formula(x: Floats, t_x: Floats, age: Floats) -> Floats:
            borders.history(x, t_x, age)
            return fit.alive_of(x, t_x, age, 0.0)

        columns = {"frequency": frequency, "recency": recency, "T": T}
        return borders.each_row(formula, columns, as_series=self.alive_as_series)

    def conditional_probability_alive_matrix(
        self, max_frequency: float | None = None, max_recency: float | None = None
    ) -> Floats:
        """Give P(alive) by recency (rows) and frequency (columns), for customers of age `max_recency`.

        Parameters
        ----------
        max_frequency, max_recency
            Greatest frequency and recency, the latter also the age; the greatest frequency and T of the data unless said.
        """
        most = int(max_frequency or self.data["frequency"].max())
        last = int(max_recency or self.data["T"].max())
        t_x, x = np.meshgrid(np.arange(last + 1.0), np.arange(most + 1.0), indexing="ij")
        alive: Floats = np.asarray(self.conditional_probability_alive(x, t_x, float(last)))
        return alive

    def expected_number_of_purchases_up_to_time(self, t: Column) -> Any:
        """Say how many repeat purchases to expect from a new customer within t of the first."""
        fit = self._native()

        def formula(horizon: Floats) -> Floats:
            new = np.zeros_like(horizon)
            return formulas.expected_purchases(fit, np.maximum(horizon, 0.0), new, new, new)

        return borders.each_row(formula, {"t": t})


def _kept(column: Column, values: Floats) -> Any:
    """Give whole numbers as they came, and anything else as floats."""
    given = np.atleast_1d(np.asarray(column))
    return given if given.dtype.kind in "iuf" else values
