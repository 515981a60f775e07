"""What all fitters share: parameters with their errors as pandas, saving, and how they present themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import numpy as np

from crm_analytics.compat.lifetimes import saving
from crm_analytics.compat.lifetimes.borders import Floats, pandas
from crm_analytics.compat.lifetimes.search import Found, log_variance
from crm_analytics.errors import OptionError

Z95: Final = 1.96
"""lifetimes rounds the quantile of its intervals."""

Column = Any
"""A pandas Series, an array, a list or a number."""


class BaseFitter:
    """Base of the fitters. Unlike the fits of `crm_analytics.clv` a fitter exists before it is fitted, as in lifetimes.

    Parameters
    ----------
    penalizer_coef
        Weight of the sum of squared parameters in the mean loss, with time scaled to a largest T of 1; 0 for none.

    Attributes
    ----------
    params_
        Estimates, a pandas Series.
    data
        The columns given to `fit`, a DataFrame.
    variance_matrix_, standard_errors_, confidence_intervals_, summary
        Of the estimates; intervals are estimate -/+ 1.96 standard errors and may pass below 0, as in lifetimes.
    """

    names: ClassVar[tuple[str, ...]] = ()
    time_names: ClassVar[tuple[str, ...]] = ()
    """Parameters that are in the unit of time."""

    penalizer_coef: float
    params_: Any
    data: Any
    _hessian_: Floats
    _negative_log_likelihood_: float
    _scale: float
    variance_matrix_: Any
    standard_errors_: Any
    confidence_intervals_: Any

    def __init__(self, penalizer_coef: float = 0.0) -> None:
        if not penalizer_coef >= 0:
            raise OptionError.out_of_range("penalizer_coef", penalizer_coef, "0 or more")
        self.penalizer_coef = penalizer_coef

    def __repr__(self) -> str:
        data = getattr(self, "data", None)
        subjects = "" if data is None else f" fitted with {data.shape[0]:d} subjects,"
        if getattr(self, "params_", None) is None:
            return f"<lifetimes.{type(self).__name__}>"
        params = ", ".join(f"{name}: {value:.2f}" for name, value in sorted(self.params_.items()))
        return f"<lifetimes.{type(self).__name__}:{subjects} {params}>"

    @property
    def summary(self) -> Any:
        """Estimates with standard errors and intervals, a row per parameter."""
        intervals = self.confidence_intervals_
        lower, upper = "lower 95% bound", "upper 95% bound"
        columns = {
            "coef": self.params_,
            "se(coef)": self.standard_errors_,
            lower: intervals[lower],
            upper: intervals[upper],
        }
        return pandas().DataFrame(columns, index=self.params_.index)

    def save_model(
        self,
        path: str | Path,
        save_data: bool = True,
        save_generate_data_method: bool = True,
        values_to_save: Sequence[object] | None = None,
    ) -> None:
        """Write the fitter to a JSON file, which unlike lifetimes' pickle runs nothing when it is read.

        Parameters
        ----------
        path
            Written whole or not at all.
        save_data
            Whether the data go into the file; without them `data` is None after loading.
        save_generate_data_method
            Whether `generate_new_data` can be called after loading.
        values_to_save
            What stands for the data and the method where they are left out; None unless said.
        """
        stand_ins = [*(values_to_save or ()), None]
        saving.save(
            self, Path(path), None if save_data else (stand_ins[0],), generates=save_generate_data_method
        )

    def load_model(self, path: str | Path) -> None:
        """Take over the fitter of a JSON file written by `save_model`.

        Raises
        ------
        SourceError
            If the file is not such a file, or holds another kind of fitter. Pickles of lifetimes itself are not read:
            load them with lifetimes and hand the fitter to `from_lifetimes`.
        """
        saving.load(self, Path(path))

    def _unload_params(self, *names: str) -> list[float]:
        params: Mapping[str, float] | None = getattr(self, "params_", None)
        if params is None:
            raise OptionError(
                "Model has not been fit yet.",
                "Expected a fitted model.",
                "Please call the .fit method first.",
            )
        return [float(params[name]) for name in names]

    def _params_by_name(self) -> dict[str, float]:
        return dict(zip(self.names, self._unload_params(*self.names), strict=True))

    def _take(self, found: Found, scale: float) -> Self:
        """Keep what a search found, in the unit of the data."""
        pd = pandas()
        in_units = [
            p / scale if n in self.time_names else p for n, p in zip(self.names, found.params, strict=True)
        ]
        self.params_ = pd.Series(np.array(in_units, float), index=list(self.names))
        self._negative_log_likelihood_ = found.loss
        self._hessian_ = found.hessian
        logs, params = log_variance(found), self.params_.to_numpy()
        self._set_errors(np.where(logs == 0, 0.0, np.outer(params, params) * logs))
        return self

    def _set_errors(self, variance: Floats) -> None:
        pd = pandas()
        index = self.params_.index
        self.variance_matrix_ = pd.DataFrame(variance, columns=index, index=index)
        self.standard_errors_ = pd.Series(np.sqrt(np.diag(variance)), index=index)
        spread = Z95 * self.standard_errors_
        bounds = {"lower 95% bound": self.params_ - spread, "upper 95% bound": self.params_ + spread}
        self.confidence_intervals_ = pd.DataFrame(bounds, index=index)
