"""What cohorts keep of the revenue they began with, period by period."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from crm_analytics.retention.revenue.ledger import UNIT, Ledger
from crm_analytics.stats.intervals import Floats, wilson, z_value

_STILL: Final = 1e-9
_ROUNDING: Final = 1e-12


def cohort_table(ledger: Ledger, since: int) -> pl.DataFrame:
    """Give one row per cohort (customers by the period in which they began) and age in periods.

    A cohort's revenue is set against what its customers began with: of contracts, the monthly amount of the first day (so
    that who left within the first period is not forgotten); of orders, what they spent in the first period. Customers
    without a known amount are counted and bring nothing.
    """
    members = ledger.customers.filter(pl.col("first") >= since)
    kept = _kept(ledger, members)
    begun = members.group_by("first").agg(
        n_customers=pl.len().cast(pl.Int64),
        n_priced=pl.col("is_priced").sum().cast(pl.Float64),
        first_sum=pl.col("first_net").clip(0).sum() / UNIT,
        first_squares=(_money("first_net") ** 2).sum(),
    )
    ages = (
        begun.select("first", age=pl.int_ranges(0, ledger.n_periods - pl.col("first").cast(pl.Int64)))
        .explode("age")
        .join(begun, on="first")
        .join(kept, on=["first", "age"], how="left")
        .with_columns(pl.col("n_there", "now", "squares", "cross").fill_null(0))
        .sort("first", "age")
    )
    return _finished(ledger, ages)


def _money(column: str) -> pl.Expr:
    return pl.col(column).clip(0).fill_null(0) / UNIT


def _kept(ledger: Ledger, members: pl.DataFrame) -> pl.DataFrame:
    """Add up what the members of each cohort bring at each age, with squares for the intervals."""
    customer, period, active = (ledger.states[c].to_numpy() for c in ("customer", "period", "is_active"))
    began, began_with = (np.zeros(1 + int(customer.max(initial=-1)), t) for t in (np.int64, np.float64))
    began[:] = ledger.n_periods  # after all periods: customers who are in no cohort
    known = members.filter(pl.col("customer") < began.size)
    place = known["customer"].to_numpy()
    began[place], began_with[place] = known["first"], known.select(_money("first_net")).to_series()
    there = np.flatnonzero(period >= began[customer])
    first, who = began[customer[there]], customer[there]
    cell = first * ledger.n_periods + period[there] - first
    units = np.maximum(ledger.states["net"].to_numpy()[there], 0).astype(float)
    now = units / UNIT

    def added(values: Floats) -> Floats:
        return np.asarray(np.bincount(cell, values, ledger.n_periods**2), np.float64)

    sums = {
        "n_there": added(active[there].astype(float)).astype(np.int64),
        "now": added(units) / UNIT,
        "squares": added(now**2),
        "cross": added(now * began_with[who]),
    }
    number = np.arange(ledger.n_periods**2)
    return pl.DataFrame({"first": number // ledger.n_periods, "age": number % ledger.n_periods, **sums})


def _finished(ledger: Ledger, ages: pl.DataFrame) -> pl.DataFrame:
    whole = np.array(ledger.complete)
    cohort, age = ages["first"].to_numpy(), ages["age"].to_numpy()
    n, there = (ages[c].to_numpy().astype(float) for c in ("n_customers", "n_there"))
    stays, stays_low, stays_high = there / n, *wilson(there, n)
    columns = {
        "cohort_on": [ledger.starts[i] for i in cohort],
        "cohort_age": age,
        "is_complete": whole[cohort + age] & (whole[cohort] | (ledger.kind == "contracts")),
        "cohort_customers": ages["n_customers"],
        "customers_there": ages["n_there"],
        **_bounded("customers_kept_share", stays, stays_low, stays_high),
    }
    if ledger.has_money:
        base, now = ages["first_sum"].to_numpy(), ages["now"].to_numpy()
        columns |= {"cohort_first_revenue": base, "cohort_revenue": now}
        columns |= _bounded("revenue_kept_share", *_ratio(ages))
    return pl.DataFrame(columns)


def _bounded(name: str, value: Floats, lower: Floats, upper: Floats) -> dict[str, pl.Series]:
    """Name a figure and its bounds; what is not a number is nothing, and bounds hold their figure."""
    ends = np.minimum(lower, value), np.maximum(upper, value)
    return {
        f"{name}{end}": pl.Series(x).fill_nan(None)
        for end, x in zip(("", "_lower", "_upper"), (value, *ends), strict=True)
    }


def _ratio(ages: pl.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Give revenue over first revenue with its linearised interval; where nothing scatters, Wilson's of equal customers.

    Cochran, W. G. (1977), Sampling Techniques, section 2.11: s² = sum (y - R x)² / (n - 1), s.e. = s sqrt(n) / sum x.
    """
    n, x, xx, y, yy, xy = (
        ages[c].to_numpy().astype(float)
        for c in ("n_priced", "first_sum", "first_squares", "now", "squares", "cross")
    )
    some = x > 0
    ratio = np.divide(y, x, out=np.full(x.shape, np.nan), where=some)
    rest = yy - 2 * ratio * xy + ratio**2 * xx
    rest = np.where(rest > _ROUNDING * (yy + ratio**2 * xx), rest, 0.0)  # what rounding leaves is no scatter
    few = n < 2  # noqa: PLR2004 one customer does not scatter
    error = np.divide(np.sqrt(rest * n / np.maximum(n - 1, 1)), x, out=np.full(x.shape, np.nan), where=some)
    half = z_value(0.95) * error
    still = (half < _STILL) | few
    equal = np.divide(x**2, xx, out=np.ones_like(x), where=xx > 0)
    low, high = wilson(np.clip(np.nan_to_num(ratio), 0, 1) * equal, equal)
    within = ratio <= 1 + _ROUNDING
    lower = np.where(still, np.where(within, low, np.nan), np.maximum(ratio - half, 0.0))
    upper = np.where(still, np.where(within, high, np.nan), ratio + half)
    return ratio, lower, upper
