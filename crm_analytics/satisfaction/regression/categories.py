"""Categories, covariates and days as columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.stats.intervals import Floats

MOST_LEVELS: Final = 8
"""So many different answers of a category have a column of their own; the rarest share one."""

_OTHERS: Final = "others"


def covariate(rows: pl.DataFrame, name: str) -> list[Floats]:
    """Turn a covariate into columns: a number as it is, a day as its distance, else dummies; a gap is a level of its own."""
    series = rows[name]
    if series.dtype.is_temporal():
        series = _since_first(series)
    if series.dtype.is_numeric():
        values = series.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
        gap = np.isnan(values)
        values[gap] = np.nanmean(values) if not gap.all() else 0.0
        return [values, *([gap.astype(float)] if gap.any() else [])]
    filled = levels(series.cast(pl.String)).fill_null("not known")
    counts = filled.value_counts(sort=False).sort("count", name, descending=[True, False])
    return dummies(filled, counts[name].to_list()[1:])


def _since_first(series: pl.Series) -> pl.Series:
    """Count from the first day, so that a covariate such as joined_on acts as time and not day by day."""
    number = series.to_physical()
    return number - number.min()


def levels(series: pl.Series) -> pl.Series:
    """Take the rarest levels together, so that a category does not eat up the answers."""
    counts = series.drop_nulls().value_counts(sort=False).sort("count", series.name, descending=[True, False])
    kept = counts[series.name].head(MOST_LEVELS).to_list()
    if counts.height <= MOST_LEVELS:
        return series
    return pl.Series(series.name, [v if v is None or v in kept else _OTHERS for v in series], pl.String)


def dummies(series: pl.Series, levels: Sequence[str]) -> list[Floats]:
    """Give one column of 0 and 1 per level, NaN where there is no answer."""
    gap = series.is_null().to_numpy()
    made = []
    for level in levels:
        column = (series == level).fill_null(value=False).to_numpy().astype(float)
        column[gap] = np.nan
        made.append(column)
    return made
