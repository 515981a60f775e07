"""The tracking curve: repeat purchases of the customers known at the origin, week by week, actual against expected."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import narwhals as nw
import numpy as np
import polars as pl

from crm_analytics.aggregates.purchase_days import purchase_days
from crm_analytics.clv.forecasts.futures import purchases_ahead
from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.clv.validation.holdout import WEEK, Holdout
from crm_analytics.clv.validation.judged import Judged
from crm_analytics.extracts.extract import Extract

_MOST_WEEKS: Final = 160
"""Longer than this, periods are of four weeks."""


def tracking_table(extract: Extract, judged: Judged, first: date) -> pl.DataFrame:
    """Follow the customers known at the origin from the first day to the end of the holdout period.

    `expected` knows of a customer only when they came; `forecast` starts at the origin and knows their history up to it.
    """
    back, fit = judged.back, judged.choice.fit
    ends = boundaries(first, back)
    actual = _actual(extract, back, ends)
    expected = _expected(fit, back, ends)
    forecast = _forecast(fit, back, ends, actual)
    later = np.array([end > back.origin for end in ends])
    whole = {"actual": actual, "expected": expected, "forecast": forecast}
    frame = pl.DataFrame(
        {
            "period_end_on": [end - timedelta(days=1) for end in ends],
            "weeks_after_origin": [(end - back.origin).days / WEEK for end in ends],
            "is_holdout": later,
            **{f"{name}_cumulative": values for name, values in whole.items()},
            **{f"{name}_in_period": np.diff(values, prepend=0.0) for name, values in whole.items()},
        }
    )
    forecasts = pl.col("forecast_cumulative", "forecast_in_period")
    return frame.with_columns(pl.when(pl.col("is_holdout")).then(forecasts))


def boundaries(first: date, back: Holdout) -> list[date]:
    """Cut the time into weeks (of four weeks where it is long) that meet at the origin; the last may be shorter.

    Each boundary is the day after its period's last.
    """
    step = WEEK if (back.end - first).days <= _MOST_WEEKS * WEEK else 4 * WEEK
    before = -((back.origin - first).days - 1) // step + 1
    after = (back.end - back.origin).days // step
    ends = [back.origin + timedelta(days=step * k) for k in range(before, after + 1)]
    return ends if ends[-1] == back.end else [*ends, back.end]


def _first_days(back: Holdout) -> tuple[list[date], Floats]:
    """Give the days on which customers came, and how many did."""
    ages = back.people.group_by("T").agg(n=pl.len().cast(pl.Float64)).sort("T")
    last = back.origin - timedelta(days=1)
    return [last - timedelta(days=round(age)) for age in ages["T"]], ages["n"].to_numpy()


def _actual(extract: Extract, back: Holdout, ends: list[date]) -> Floats:
    """Count repeat purchases up to each boundary: all days with a purchase, less everyone's first."""
    days = purchase_days(extract.frame, as_of=back.end)
    first = days.group_by("customer_id").agg(nw.col("ordered_on").min().alias("first_on"))
    known = days.join(first.filter(nw.col("first_on") < back.origin), on="customer_id", how="inner")
    repeats = known.filter(nw.col("ordered_on") > nw.col("first_on"))
    per_day = (
        repeats.group_by("ordered_on")
        .agg(nw.len().alias("n"))
        .collect("polars")
        .to_native()
        .sort("ordered_on")
    )
    so_far = np.concatenate([[0.0], np.cumsum(per_day["n"].to_numpy())])
    places = per_day["ordered_on"].search_sorted(pl.Series(ends, dtype=pl.Date), side="left")
    counted: Floats = so_far[places.to_numpy()]
    return counted


def _expected(fit: PurchaseFit, back: Holdout, ends: list[date]) -> Floats:
    """Add up what new customers are expected to do over the ages that these have at the end of each period's last day.

    That is a day later than the last observed day to which T runs, and is how the literature draws the curve.
    """
    came, n = _first_days(back)
    ages = np.array([[(end - day).days for day in came] for end in ends])
    distinct, codes = np.unique(np.maximum(ages, 0), return_inverse=True)
    by_age = np.array([fit.expected_of_new_customer(float(age)) for age in distinct])
    total: Floats = by_age[codes].reshape(ages.shape) @ n
    return total


def _forecast(fit: PurchaseFit, back: Holdout, ends: list[date], actual: Floats) -> Floats:
    """Start from what was counted at the origin and add what is expected of each history; alive and ahead apart."""
    frame = back.histories.frame
    cells = (
        frame.with_columns(alive=fit.p_alive(frame) * pl.col("weight"))
        .group_by("frequency", "T")
        .agg(pl.col("alive").sum())
        .sort("frequency", "T")
    )
    x, age, alive = (cells[c].cast(pl.Float64).to_numpy() for c in ("frequency", "T", "alive"))
    so_far = float(actual[ends.index(back.origin)])
    ahead = [
        float(alive @ purchases_ahead(fit, x, age, horizon=float((end - back.origin).days)))
        if end > back.origin
        else 0.0
        for end in ends
    ]
    return so_far + np.array(ahead)
