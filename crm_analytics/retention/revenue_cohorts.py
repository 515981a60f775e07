"""What cohorts keep of the revenue they began with, period by period."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from crm_analytics.retention.revenue_ledger import UNIT, Ledger
from crm_analytics.stats.intervals import Floats, wilson, z_value

_STILL: Final = 1e-9


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
        first_sum=_money("first_net").sum(),
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
    return (
        ledger.states.join(members.select("customer", "first", "first_net"), on="customer")
        .filter(pl.col("period") >= pl.col("first"))
        .group_by("first", age=pl.col("period") - pl.col("first"))
        .agg(
            n_there=pl.col("is_active").sum().cast(pl.Int64),
            now=_money("net").sum(),
            squares=(_money("net") ** 2).sum(),
            cross=(_money("net") * _money("first_net")).sum(),
        )
    )


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
    rest = np.maximum(yy - 2 * ratio * xy + ratio**2 * xx, 0.0)
    few = n < 2  # noqa: PLR2004 one customer does not scatter
    error = np.divide(np.sqrt(rest * n / np.maximum(n - 1, 1)), x, out=np.full(x.shape, np.nan), where=some)
    half = z_value(0.95) * error
    still = (half < _STILL) | few
    equal = np.divide(x**2, xx, out=np.ones_like(x), where=xx > 0)
    low, high = wilson(np.clip(np.nan_to_num(ratio), 0, 1) * equal, equal)
    lower = np.where(still, np.where(ratio <= 1, low, np.nan), np.maximum(ratio - half, 0.0))
    upper = np.where(still, np.where(ratio <= 1, high, np.nan), ratio + half)
    return ratio, lower, upper
