"""From each order to the next: how many come back, how soon, and when the next order is likeliest.

Customers whose next order has not come yet are not counted as lost: they are followed for as long as they can be
(Kaplan-Meier), so young customers neither lower the share nor are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.retention.cadence import days_seen, gap_days
from crm_analytics.stats.intervals import Floats, poisson_count
from crm_analytics.stats.survival import SurvivalCurve, kaplan_meier, lives, quantile, step_values

FORTNIGHT: Final = 14
"""Days of a stretch in which returns are counted for the rate of return: weekends even out, seasons do not."""

_FEWEST_AT_RISK: Final = 10
_MOST_POINTS: Final = 120
_WEEK: Final = 7


@dataclass(frozen=True, eq=False)
class Step:
    """The step from the order of a number to the next: who is at risk, and the curve of those still without it."""

    number: int
    waits: Floats  # days to the next order, or for as long as was seen
    came: np.ndarray[tuple[int], np.dtype[np.bool_]]
    curve: SurvivalCurve

    def returned(self, days: float) -> tuple[float, float, float] | None:
        """Give the share back within so many days, with bounds; None where nobody was followed for so long."""
        if days > self.waits.max() and self.curve.survival[-1] > 0:
            return None
        kept, lower, upper = (float(values[0]) for values in self.curve.spans_at([days]))
        return 1 - kept, 1 - upper, 1 - lower

    def day_of_part(self, part: float, within: float) -> float | None:
        """Give the day by which this part of those who return within a time have returned."""
        whole = self.returned(within)
        if whole is None or whole[0] == 0:
            return None
        place = int(np.argmax(1 - self.curve.survival >= part * whole[0] - 1e-12))
        return float(self.curve.time[place])


def steps(rows: pl.DataFrame, *, as_of: date, most: int, start: date | None = None) -> list[Step]:
    """Follow customers from their first, second … order to the next.

    Parameters
    ----------
    rows
        From `aggregates.occasions`.
    as_of
        The first day that is not seen: whoever has not come back by the day before is followed up to it.
    most
        Up to which order number.
    start
        Only orders from this day on open a step; their number is that in the whole history.
    """
    chosen = rows if start is None else rows.filter(pl.col("ordered_on") >= start)
    seen = pl.lit(days_seen(as_of)) - pl.col("ordered_on").to_physical()
    waits = chosen.filter(pl.col("number") <= most).select(
        "number", came=pl.col("next_on").is_not_null(), wait=gap_days().fill_null(seen.cast(pl.Float64))
    )
    found = []
    for number in range(1, most + 1):
        part = waits.filter(pl.col("number") == number)
        if part.height:
            wait, came = part["wait"].to_numpy(), part["came"].to_numpy()
            found.append(Step(number, wait, came, kaplan_meier(lives(wait, came))))
    return found


def step_table(found: Sequence[Step], within_days: Sequence[int]) -> pl.DataFrame:
    """Give one row per order number: customers, share back within each time, days to the next order, best moment."""
    rows = [_step_row(step, within_days) for step in found]
    return pl.DataFrame(rows, schema=_step_schema(within_days), orient="row")


def _step_schema(within_days: Sequence[int]) -> dict[str, pl.DataType]:
    ends = ("", "_lower", "_upper")
    return {
        "order_number": pl.Int64(),
        "n_customers": pl.Int64(),
        "n_came_back": pl.Int64(),
        **{f"return_{d}d_rate{end}": pl.Float64() for d in within_days for end in ends},
        **{f"median_wait_days{end}": pl.Float64() for end in ends},
        "half_returned_days": pl.Float64(),
        "most_returned_days": pl.Float64(),
        "peak_from_day": pl.Int64(),
        "peak_to_day": pl.Int64(),
    }


def _step_row(step: Step, within_days: Sequence[int]) -> list[Any]:
    rates = [x for d in within_days for x in (step.returned(d) or (None, None, None))]
    middle = [x if np.isfinite(x) else None for x in quantile(step.curve)]
    within = max((d for d in within_days if step.returned(d)), default=within_days[-1])
    half, most = (step.day_of_part(part, within) for part in (0.5, 0.8))
    peak = _peak(step)
    return [step.number, step.waits.size, int(step.came.sum()), *rates, *middle, half, most, *peak]


def _peak(step: Step) -> tuple[int | None, int | None]:
    """Give the fortnight in which the next order is likeliest, of those in which enough were followed."""
    rows = [r for r in _stretches(step, until=366) if r[3] >= _FEWEST_AT_RISK and r[4] > 0]
    best = max(rows, key=lambda r: (r[5], -r[1]), default=None)
    return (None, None) if best is None else (best[1], best[2])


def rate_table(found: Sequence[Step], *, most: int, until: int) -> pl.DataFrame:
    """Give, by fortnight since the order, how many of those still awaited come in a week, with bounds."""
    schema = {
        "order_number": pl.Int64(), "from_day": pl.Int64(), "to_day": pl.Int64(), "n_awaited": pl.Int64(),
        "n_came": pl.Int64(), "weekly_return_rate": pl.Float64(),
        "weekly_return_rate_lower": pl.Float64(), "weekly_return_rate_upper": pl.Float64(),
    }  # fmt: skip
    rows = [row for step in found[:most] for row in _stretches(step, until=until)]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _stretches(step: Step, *, until: int) -> Iterator[list[Any]]:
    """Count returns per week at risk, fortnight by fortnight, as long as enough are awaited."""
    for begin in range(0, max(until - FORTNIGHT, 0) + 1, FORTNIGHT):
        end = begin + FORTNIGHT
        at_risk = step.waits > begin
        n = int(at_risk.sum())
        if n < _FEWEST_AT_RISK:
            return
        weeks = float((np.minimum(step.waits[at_risk], end) - begin).sum()) / _WEEK
        came = int((step.came & at_risk & (step.waits <= end)).sum())
        low, high = (float(x) / weeks for x in poisson_count(came))
        yield [step.number, begin + 1, end, n, came, *(min(x, 1.0) for x in (came / weeks, low, high))]


def curve_table(found: Sequence[Step], *, until: int) -> pl.DataFrame:
    """Give the curves as points: share back by days since the order, with bounds, as far as there are enough to follow."""
    frames = [_points(step, until) for step in found]
    return pl.concat(frames) if frames else pl.DataFrame()


def _points(step: Step, until: int) -> pl.DataFrame:
    curve, risk = step.curve, step.curve.risk
    enough = risk.time[risk.n_at_risk >= _FEWEST_AT_RISK]
    last = min(float(until), float(enough[-1])) if enough.size else 0.0
    days = np.unique(np.linspace(0, last, min(int(last) + 1, _MOST_POINTS)).round())
    kept, lower, upper = curve.spans_at(days)
    back, low, high = 1 - kept, 1 - upper, 1 - lower
    followed = risk.n_at_risk[0] - step_values(
        risk.time, (risk.n_events + risk.n_censored).cumsum(), days, before=0.0
    )
    return pl.DataFrame(
        {
            "order_number": np.full(days.size, step.number),
            "days_since_order": days.astype(np.int64),
            "n_awaited": followed.astype(np.int64),
            "return_rate": back,
            "return_rate_lower": np.minimum(low, back),
            "return_rate_upper": np.maximum(high, back),
        }
    )
