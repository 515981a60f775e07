"""What every model of repeat purchases predicts, written once over the few formulas that a model states."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, Self

import numpy as np
import polars as pl
from scipy import special

from crm_analytics.clv.likelihoods.rows import DAYS_PER, Floats
from crm_analytics.clv.models.fit import Z95, Fit
from crm_analytics.errors import ColumnError, OptionError

_STEP: Final = 1e-4  # of a central difference in a log parameter
_TINY: Final = 1e-300  # its logarithm is still a number
_WIDEST: Final = 600.0  # e^600 is still a number
_WITH_INTERVALS: Final = 500_000  # customers at once: each needs some fifty numbers on the way
Formula = Callable[["PurchaseFit", Floats, Floats, Floats], Floats]


__all__ = ["DAYS_PER", "PurchaseFit", "histories"]


class PurchaseFit(Fit):
    """A fitted model of repeat purchases: BG/NBD, MBG/NBD, Pareto/NBD.

    Every prediction takes a summary (frequency, recency, T as `clv.summarise` makes it) and gives one value per row,
    in the summary's order. Horizons are in the summary's unit of time.
    """

    time_parameters: ClassVar[tuple[str, ...]] = ("alpha",)
    """Which parameters are in units of time."""

    def alive_of(self, x: Floats, t_x: Floats, age: Floats, after: float) -> Floats:
        """Give P(alive at T + after) of histories as arrays: what `p_alive` gives of a summary."""
        raise NotImplementedError

    def purchases_of(self, x: Floats, t_x: Floats, age: Floats, horizon: float) -> Floats:
        """Give the expected purchases in (T, T + horizon] of histories as arrays."""
        raise NotImplementedError

    def discounted_of(self, x: Floats, t_x: Floats, age: Floats, horizon: float, rate: float) -> Floats:
        """Give the expected purchases, each discounted continuously at `rate` per unit of time, of histories as arrays."""
        raise NotImplementedError

    def p_alive(self, summary: pl.DataFrame | pl.LazyFrame, *, after: float = 0.0) -> pl.Series:
        """Say how likely each customer is still (at T) or will still be (at T + after) a customer, in [0, 1]."""
        _finite("after", after)
        return self._series("p_alive", summary, lambda fit, x, t, age: fit.alive_of(x, t, age, after))

    def expected_purchases(
        self, summary: pl.DataFrame | pl.LazyFrame, *, horizon: float, start: float = 0.0
    ) -> pl.Series:
        """Say how many purchases to expect in (T + start, T + start + horizon], dropout allowed for."""
        _finite("horizon", horizon)
        _finite("start", start)

        def formula(fit: PurchaseFit, x: Floats, t: Floats, age: Floats) -> Floats:
            until = fit.purchases_of(x, t, age, start + horizon)
            return until - fit.purchases_of(x, t, age, start) if start else until

        return self._series("expected_purchases", summary, formula)

    def discounted_purchases(
        self, summary: pl.DataFrame | pl.LazyFrame, *, annual_discount_rate: float, horizon: float = math.inf
    ) -> pl.Series:
        """Say what the expected purchases are worth in purchases today (DERT where the horizon is infinite).

        Parameters
        ----------
        summary
            Must carry its `time_unit`, or the fit must.
        annual_discount_rate
            Effective rate a year, e.g. 0.10; > -1, and > 0 where the horizon is infinite.
        horizon
            In the summary's unit of time.
        """
        _not_negative("horizon", horizon)
        rate = self.continuous_rate(annual_discount_rate)
        if math.isinf(horizon) and rate <= 0:
            raise OptionError.out_of_range(
                "annual_discount_rate", annual_discount_rate, "a rate above 0 where the horizon is infinite"
            )
        return self._series(
            "discounted_purchases",
            summary,
            lambda fit, x, t, age: fit.discounted_of(x, t, age, horizon, rate),
        )

    def scheduled_of(self, x: Floats, t_x: Floats, age: Floats, ends: Floats, factors: Floats) -> Floats:
        """Give the expected purchases of successive periods (T + ends[i - 1], T + ends[i]], times factors[i], summed."""
        each = factors - np.append(factors[1:], 0.0)
        total = np.zeros(len(x))
        for end, factor in zip(ends, each, strict=True):
            total += factor * self.purchases_of(x, t_x, age, float(end))
        return total

    def purchases_by_period(
        self,
        summary: pl.DataFrame | pl.LazyFrame,
        *,
        period: float,
        n_periods: int,
        discount_rate: float = 0.0,
    ) -> pl.Series:
        """Say what the purchases of the next periods are worth in purchases today, discounted period by period.

        Parameters
        ----------
        summary
            As `clv.summarise` makes it.
        period
            Length of a period in the summary's unit of time, > 0.
        n_periods
            How many of them, >= 1.
        discount_rate
            Per period, > -1; the purchases of the i-th period are divided by (1 + rate)^i.
        """
        if not 0 < period < math.inf:
            raise OptionError.out_of_range("period", period, "a time above 0, in the summary's unit")
        if n_periods < 1:
            raise OptionError.out_of_range("n_periods", n_periods, "1 or more")
        if not discount_rate > -1:
            raise OptionError.out_of_range("discount_rate", discount_rate, "a rate above -1 per period")
        i = np.arange(1.0, n_periods + 1)
        return self._series(
            "discounted_purchases",
            summary,
            lambda fit, x, t, age: fit.scheduled_of(x, t, age, i * period, (1 + discount_rate) ** -i),
        )

    def expected_of_new_customer(self, horizon: float) -> float:
        """Say how many repeat purchases a new customer is expected to make within the horizon of the first."""
        _finite("horizon", horizon)
        nought = np.zeros(1)
        return float(self.purchases_of(nought, nought, nought, horizon)[0])

    def continuous_rate(self, annual_rate: float) -> float:
        """Turn an effective annual rate into a continuous one per unit of time: ln(1 + rate) / units a year."""
        if not annual_rate > -1:
            raise OptionError.out_of_range(
                "annual_discount_rate", annual_rate, "a rate above -1, e.g. 0.10 for 10%"
            )
        if self.time_unit not in DAYS_PER:
            raise OptionError(
                "The unit of time of this fit is not known.",
                f"Expected a summary with a column time_unit, one of {sorted(DAYS_PER)}.",
                "Make the summary with clv.summarise(…, unit=…), or fit.with_time_unit('week').",
            )
        return math.log1p(annual_rate) * DAYS_PER[self.time_unit] / DAYS_PER["year"]

    def predict(
        self,
        summary: pl.DataFrame | pl.LazyFrame,
        *,
        horizon: float,
        intervals: bool = False,
    ) -> pl.DataFrame:
        """Give the customers with p_alive and expected purchases within the horizon.

        Parameters
        ----------
        summary
            As `clv.summarise` makes it; `customer_id` is kept where there is one.
        horizon
            In the summary's unit of time.
        intervals
            Add 95 % intervals for what the uncertainty of the parameters does to each figure (delta method on the
            logit and log scale). They bound the expectation, not what the customer will happen to do.

        Returns
        -------
        polars.DataFrame
            customer_id, p_alive, expected_purchases and, on request, `_lower` and `_upper` of both.
        """
        _finite("horizon", horizon)
        x, t, age = histories(summary)
        size = _WITH_INTERVALS if intervals else max(len(x), 1)
        parts = [
            pl.DataFrame(self._predicted(x[k], t[k], age[k], horizon, intervals=intervals))
            for k in (slice(i, i + size) for i in range(0, max(len(x), 1), size))
        ]
        ids = summary.lazy().select(pl.col("^customer_id$")).collect()
        return ids.hstack(pl.concat(parts)) if ids.width else pl.concat(parts)

    def _predicted(
        self, x: Floats, t: Floats, age: Floats, horizon: float, *, intervals: bool
    ) -> dict[str, Floats]:
        fits = self.nearby() if intervals else (self,)
        alive = [fit.alive_of(x, t, age, 0.0) for fit in fits]
        bought = [fit.purchases_of(x, t, age, horizon) for fit in fits]
        columns = {"p_alive": alive[0], "expected_purchases": bought[0]}
        if intervals:
            columns["p_alive_lower"], columns["p_alive_upper"] = self.share_interval(alive)
            lower, upper = self.size_interval(bought)
            columns |= {"expected_purchases_lower": lower, "expected_purchases_upper": upper}
        return columns

    def delta_error(self, formula: Callable[[Self], Floats]) -> Floats:
        """Give the standard error of any figure that is worked out from the fit, by the delta method.

        Parameters
        ----------
        formula
            Takes a fit, gives an array; central differences in the scale of the search.
        """
        return self.spread([formula(fit) for fit in self.nearby()])

    def nearby(self) -> tuple[Self, ...]:
        """Give this fit, then with each parameter a small step up and down on the scale of the search.

        What is worked out at each of them goes to `slopes` or `spread`: so several figures can share the work.
        """
        theta = self._theta(np.array(self.values()))
        steps = _STEP * np.eye(len(theta))
        moved = [self.at(self._params(theta + sign * step)) for step in steps for sign in (1, -1)]
        return (self, *moved)

    def slopes(self, values: Sequence[Floats] | Floats) -> Floats:
        """Give the slopes of a figure in the parameters, from its values at each fit of `nearby`; parameters last."""
        found = np.asarray(values, float)
        return np.moveaxis((found[1::2] - found[2::2]) / (2 * _STEP), 0, -1)

    def spread(self, values: Sequence[Floats] | Floats) -> Floats:
        """Give the standard error of a figure from its values at each fit of `nearby`, by the delta method."""
        slopes = self.slopes(values)
        variance: Floats = np.einsum("...i,ij,...j->...", slopes, np.array(self.covariance), slopes)
        return np.sqrt(np.maximum(variance, 0.0))

    def share_interval(self, values: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Give the 95 % interval of probabilities from their values at each fit of `nearby`, on the logit scale."""
        middle, sure = values[0], (values[0] <= 0) | (values[0] >= 1)
        logits = [special.logit(_proper(v)) for v in values]
        spread = Z95 * self.spread(logits)
        lower, upper = special.expit(logits[0] - spread), special.expit(logits[0] + spread)
        return np.where(sure, middle, lower), np.where(sure, middle, upper)

    def size_interval(self, values: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Give the 95 % interval of figures above 0 from their values at each fit of `nearby`, on the log scale."""
        logs = [np.log(np.maximum(v, _TINY)) for v in values]
        spread = np.minimum(Z95 * self.spread(logs), _WIDEST)
        lower, upper = values[0] * np.exp(-spread), values[0] * np.exp(spread)
        return lower, upper

    def at(self, params: Floats) -> Self:
        """Give the same fit with other parameters: for what-if and for intervals."""
        return type(self)(**{**vars(self), "params": dict(zip(self.names, map(float, params), strict=True))})

    def _series(self, name: str, summary: pl.DataFrame | pl.LazyFrame, formula: Formula) -> pl.Series:
        return pl.Series(name, formula(self, *histories(summary)))


def histories(summary: pl.DataFrame | pl.LazyFrame) -> tuple[Floats, Floats, Floats]:
    """Give frequency, recency and T as arrays."""
    frame = summary.lazy()
    found = frame.collect_schema().names()
    for name in ("frequency", "recency", "T"):
        if name not in found:
            raise ColumnError.missing(name, "summary", found)
    names = ["frequency", "recency", "T"]
    got = summary if isinstance(summary, pl.DataFrame) else frame.select(names).collect()
    x, t, age = (np.asarray(got[name].to_numpy(), np.float64) for name in names)
    least, most = min(x.min(initial=0.0), t.min(initial=0.0)), max(x.max(initial=0.0), age.max(initial=0.0))
    if not (least >= 0 and most < math.inf and (t <= age).all()):  # false where a value is missing
        raise OptionError(
            "A history is impossible: missing, negative, or a recency beyond T.",
            "Expected 0 <= recency <= T and frequency >= 0 on every row.",
            "Make the summary with clv.summarise.",
        )
    return x, t, age


def _proper(shares: Floats) -> Floats:
    return np.clip(shares, _TINY, np.nextafter(1, 0))


def _finite(option: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise OptionError.out_of_range(option, value, "a time of 0 or more, in the summary's unit")


def _not_negative(option: str, value: float) -> None:
    if not value >= 0:
        raise OptionError.out_of_range(option, value, "0 or more, in the summary's unit of time")
