"""Each customer against their own rhythm: how long they usually wait, how long they have been silent, who is late."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.customers import MONEY_DECIMALS
from crm_analytics.retention.cadence import Cadence, gap_days
from crm_analytics.stats.intervals import Floats

_FURTHEST: Final = 3652
"""Ten years: what is expected only beyond is left empty."""

_YEAR: Final = 365
_LEVELS: Final = (0.5, 0.025, 0.975)


def customer_table(
    rows: pl.DataFrame, rhythm: Cadence | None, *, as_of: date, start: date | None, late_below: float
) -> pl.DataFrame:
    """Give one row per customer with an order in the window, by id."""
    counted = rows if start is None else rows.filter(pl.col("ordered_on") >= start)
    recent = pl.col("ordered_on") > pl.col("ordered_on").max() - pl.duration(days=_YEAR)
    found = counted.group_by("customer_id", maintain_order=True).agg(
        pl.col("n_orders").sum(),
        n_occasions=pl.len().cast(pl.Int64),
        first_ordered_on=pl.col("ordered_on").min(),
        last_ordered_on=pl.col("ordered_on").max(),
        median_gap_days=gap_days().median(),
        yearly_spend=pl.col("amount").filter(recent).sum().round(MONEY_DECIMALS),
    )
    found = found.with_columns(
        days_silent=(pl.lit(as_of) - pl.col("last_ordered_on")).dt.total_days() - 1,
        has_own_rhythm=pl.col("n_occasions") > 1,
    )
    return found.hstack(_rhythm_columns(found, rhythm, as_of, late_below))


def _rhythm_columns(
    found: pl.DataFrame, rhythm: Cadence | None, as_of: date, late_below: float
) -> pl.DataFrame:
    n = found.height
    nothing = np.full(n, np.nan)
    if rhythm is None:
        typical = silence = late = coming = nothing
        bounds = [nothing, nothing]
    else:
        model, histories = rhythm.model, rhythm.histories
        typical, *bounds = (model.typical_gap(histories, level) for level in _LEVELS)
        silence = model.still_silent(histories, histories.silence)
        late = np.ceil(model.silent_for(histories, late_below))
        coming = np.ceil(model.days_to_next(histories))
    silent = found["days_silent"].to_numpy().astype(float)
    own = found["has_own_rhythm"].to_numpy()
    last = found["last_ordered_on"]
    late_on = _day(last, np.where(own, late, np.nan))
    return pl.DataFrame(
        {
            "typical_gap_days": typical,
            "typical_gap_days_lower": bounds[0],
            "typical_gap_days_upper": bounds[1],
            "lapse_ratio": silent / typical,
            "lapse_ratio_lower": silent / bounds[1],
            "lapse_ratio_upper": silent / bounds[0],
            "silence_probability": silence,
            "expected_next_on": _day(last, coming),
            "late_on": late_on,
            "is_late": pl.Series(np.where(own, silence < late_below, False)),
            "late_for_days": (pl.Series([as_of] * n, dtype=pl.Date) - late_on).dt.total_days(),
        }
    ).with_columns(
        pl.col(pl.Float64).fill_nan(None),
        is_late=pl.when(pl.Series(own)).then("is_late"),
        late_for_days=pl.when(pl.col("is_late")).then(pl.col("late_for_days").clip(lower_bound=0)),
    )


def _day(last: pl.Series, days: Floats) -> pl.Series:
    """Give the day so many days after the last order; null beyond ten years from it."""
    near = np.isfinite(days) & (days <= _FURTHEST)
    whole = pl.Series(np.where(near, np.nan_to_num(days, posinf=0.0), 0).astype(np.int64))
    moved = last.to_physical().cast(pl.Int64) + whole
    return pl.select(pl.when(pl.Series(near)).then(moved.cast(pl.Int32).cast(pl.Date))).to_series()
