"""Seasons: clock time replaced by cumulative seasonal intensity, so that the models see steady buying.

Where all rates of buying rise and fall together by a factor of the season, purchases are Poisson in the time that runs
faster in the season and slower out of it. For BG/NBD and MBG/NBD that is exact, since customers leave at purchases; for
Pareto/NBD it holds if leaving follows the season too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Self

import numpy as np
import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.periods import complete_periods
from crm_analytics.aggregates.purchase_days import purchase_days
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.extracts.readers import as_extract

_MONTHS: Final = 12
_FEWEST: Final = 24
_MONTH_DAYS: Final = np.array([31, 28.2425, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True)
class Seasonality:
    """How fast customers buy in each calendar month, against the year's average of 1.

    Parameters
    ----------
    factors
        January to December, each above 0; they are scaled so that a year of days averages 1.

    Raises
    ------
    OptionError
        If there are not twelve positive factors.

    Examples
    --------
    >>> season = Seasonality((1,) * 11 + (2,))
    >>> round(season.horizon(date(2026, 12, 1), 31) / season.horizon(date(2026, 10, 1), 31), 9)
    2.0
    """

    factors: tuple[float, ...]

    def __post_init__(self) -> None:
        given = np.asarray(self.factors, float)
        if given.shape != (_MONTHS,) or not (np.isfinite(given) & (given > 0)).all():
            raise OptionError.out_of_range(
                "factors", self.factors, "twelve numbers above 0, January to December"
            )
        mean = float(given @ _MONTH_DAYS / _MONTH_DAYS.sum())
        object.__setattr__(self, "factors", tuple(float(f) / mean for f in given))

    @classmethod
    def estimate(cls, transactions: Any, *, as_of: windows.Day | None = None) -> Self:  # noqa: ANN401
        """Estimate the factors from repeat purchases, by the ratio to a centred twelve-month mean.

        Repeat purchases are counted per customer-day (from each customer's first purchase on), so that neither growth nor
        the length of a month passes for a season (classical decomposition; Makridakis, Wheelwright, Hyndman 1998).

        Parameters
        ----------
        transactions
            An Extract, a frame, or anything `crm.read_transactions` takes.
        as_of
            The first day that is not seen.

        Raises
        ------
        NotEnoughDataError
            If fewer than 24 complete months are there, or a calendar month has no repeat purchase.
        """
        extract = as_extract(transactions)
        window = windows.resolve(extract, as_of=as_of)
        days: pl.DataFrame = purchase_days(extract.frame, as_of=window.as_of).collect("polars").to_native()
        first = days["ordered_on"].min()
        months = complete_periods(first, window.as_of) if isinstance(first, date) else []
        if len(months) < _FEWEST:
            raise NotEnoughDataError.of("complete months", len(months), _FEWEST)
        rates = _rates(days, months)
        trend = np.convolve(rates, np.r_[0.5, np.ones(_MONTHS - 1), 0.5] / _MONTHS, mode="valid")
        inner = slice(_MONTHS // 2, len(rates) - _MONTHS // 2)
        ratios, calendar = rates[inner] / trend, np.array([m.month for m in months[inner]])
        factors = [float(ratios[calendar == m].mean()) for m in range(1, _MONTHS + 1)]
        if not all(np.isfinite(f) and f > 0 for f in factors):
            raise NotEnoughDataError(
                "A calendar month has no repeat purchase.",
                "Expected some in each.",
                "Give the factors yourself: Seasonality((1.0, ...)).",
            )
        return cls(tuple(factors))

    def until(self, day: pl.Expr) -> pl.Expr:
        """Give the seasonal days up to a day, from an arbitrary origin: differences of two are what counts."""
        year, month = day.dt.year(), day.dt.month()
        leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
        lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        before = np.r_[0.0, np.cumsum([f * n for f, n in zip(self.factors, lengths, strict=True)])]
        past = year.cast(pl.Int64) - 1
        leaps = past // 4 - past // 100 + past // 400
        whole = past * float(before[-1]) + leaps * self.factors[1]
        in_year = month.replace_strict(dict(enumerate(before[:-1], start=1)), return_dtype=pl.Float64)
        in_month = (day.dt.day() - 1) * month.replace_strict(
            dict(enumerate(self.factors, start=1)), return_dtype=pl.Float64
        )
        added = pl.when(leap & (month > 2)).then(self.factors[1]).otherwise(0.0)  # noqa: PLR2004 February is over
        return whole + in_year + in_month + added

    def horizon(self, as_of: date, days: float) -> float:
        """Turn a horizon in days of the clock into seasonal days, for the predictions of a fit on seasonal time.

        Parameters
        ----------
        as_of
            The first day of the horizon.
        days
            Its length in whole days of the clock.
        """
        ends = pl.DataFrame({"day": [as_of, as_of + timedelta(days=round(days))]})
        start, end = ends.select(self.until(pl.col("day"))).to_series().to_list()
        return float(end - start)


def _rates(days: pl.DataFrame, months: Sequence[date]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Count repeat purchases per customer-day, for each complete month; a customer counts from the first purchase."""
    first = days.group_by("customer_id").agg(first_on=pl.col("ordered_on").min())
    repeats = days.join(first, on="customer_id").filter(pl.col("ordered_on") > pl.col("first_on"))
    counts = dict(repeats.group_by(pl.col("ordered_on").dt.truncate("1mo")).len().iter_rows())
    firsts = np.sort(first["first_on"].to_numpy().astype("datetime64[D]"))
    found = []
    for month in months:
        begin = np.datetime64(month, "D")
        end = (begin.astype("datetime64[M]") + 1).astype("datetime64[D]")
        customer_days = np.searchsorted(firsts, np.arange(begin, end)).sum()
        found.append(counts.get(month, 0) / max(int(customer_days), 1))
    return np.array(found)
