"""Each customer's own rhythm: read from their gaps between orders, drawn towards the base's where these are few."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.stats.gap_model import Floats, GapModel, Histories, fit

SAME_DAY_GAP: Final = 0.5
"""Days that two orders of one day count as apart, where they are kept apart: a gap of nothing has no rhythm."""

_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True)
class Cadence:
    """The rhythm of a base: what is common to all, and each customer's own history; customers in order of their ids."""

    model: GapModel
    histories: Histories


def cadence(rows: pl.DataFrame, *, as_of: date, start: date | None = None) -> Cadence | None:
    """Read the rhythm of a base from its occasions; None where nobody came back.

    Parameters
    ----------
    rows
        From `aggregates.occasions`.
    as_of
        The first day that is not seen: silence runs up to the day before it.
    start
        Gaps that began before this day do not count.
    """
    counted = rows if start is None else rows.filter(pl.col("ordered_on") >= start)
    per_customer = counted.group_by("customer_id", maintain_order=True).agg(
        n=pl.col("next_on").count(),
        total=gap_days().sum(),
        logs=gap_days().log().sum(),
        silence=pl.lit(days_seen(as_of)) - pl.col("ordered_on").max().to_physical(),
    )
    columns = (per_customer[c].to_numpy() for c in ("n", "total", "logs", "silence"))
    histories = Histories.of(*columns)
    return Cadence(fit(histories), histories) if (histories.n > 0).any() else None


def gap_days() -> pl.Expr:
    """Give the days from an occasion to the customer's next, null for the last."""
    gap = pl.col("next_on").to_physical() - pl.col("ordered_on").to_physical()
    return gap.cast(pl.Float64).clip(lower_bound=SAME_DAY_GAP)


def days_seen(as_of: date) -> int:
    """Give the number of the last day seen, as polars counts days."""
    return (as_of - timedelta(days=1) - _EPOCH).days


def histories_so_far(rows: pl.DataFrame) -> Histories:
    """Give, for each occasion, the customer's history of gaps up to it: nothing later is looked at."""
    gap = gap_days().shift(1)
    first = pl.col("number") == 1
    gaps = rows.select(
        first=first,
        gap=pl.when(first).then(0.0).otherwise(gap),
        log=pl.when(first).then(0.0).otherwise(gap.log()),
        n=pl.col("number") - 1,
    )
    starts = np.flatnonzero(gaps["first"].to_numpy())
    return Histories.of(
        gaps["n"].to_numpy(),
        _running(gaps["gap"].to_numpy(), starts),
        _running(gaps["log"].to_numpy(), starts),
        np.zeros(gaps.height),
    )


def _running(values: Floats, starts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
    """Sum up within customers; each customer's first value is nought, so what stood before is taken off."""
    whole = np.cumsum(values)
    lengths = np.diff(np.append(starts, values.size))
    return np.asarray(whole - np.repeat(whole[starts], lengths), float)
