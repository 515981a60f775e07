"""The tables of the life cycle: flows that reconcile, transitions, activity, projection, each customer's state."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.calendar_numbers import Calendar
from crm_analytics.retention.lifecycle.flows import (
    DORMANT,
    LOST,
    NEVER,
    NEW,
    QUIET,
    RESURRECTED,
    RETAINED,
    STATES,
    Flags,
    Flows,
    Ints,
    state_at,
)
from crm_analytics.retention.lifecycle.projection import STAYING, Projection
from crm_analytics.retention.lifecycle.spells import Lives
from crm_analytics.stats.intervals import Floats, wilson

BASE: Final = "active base"
_TARGETS: Final = (RETAINED, RESURRECTED, QUIET, DORMANT, LOST)


def flow_table(flows: Flows, starts: list[date], complete: Flags) -> pl.DataFrame:
    """Give one row per period: opening, what came in, what went, closing; the base and the pools beside it."""
    stocks, moves = flows.stocks, flows.moves
    base = stocks[:, : QUIET + 1].sum(axis=1)
    opening = np.concatenate([[0], base[:-1]])
    back = stocks[:, RESURRECTED]
    gone = moves[:, : QUIET + 1, DORMANT].sum(axis=1)
    come = stocks[:, NEW] + back
    pulse, low, high = pulses(come, gone)
    rate_low, rate_high = wilson(gone, opening)
    some = opening > 0
    return pl.DataFrame(
        {
            "period_on": starts,
            "is_complete": complete,
            "n_opening": opening,
            "n_new": stocks[:, NEW],
            "n_resurrected": back,
            "n_newly_dormant": gone,
            "n_closing": base,
            "n_ordering": stocks[:, :QUIET].sum(axis=1),
            "n_retained": stocks[:, RETAINED],
            "n_quiet": stocks[:, QUIET],
            "n_back_from_dormant": moves[:, DORMANT, RESURRECTED],
            "n_back_from_lost": moves[:, LOST, RESURRECTED],
            "n_newly_lost": moves[:, DORMANT, LOST],
            "n_dormant": stocks[:, DORMANT],
            "n_lost": stocks[:, LOST],
            "pulse": pulse,
            "pulse_lower": low,
            "pulse_upper": high,
            "dormancy_rate": _where(some, gone / np.maximum(opening, 1)),
            "dormancy_rate_lower": _where(some, rate_low),
            "dormancy_rate_upper": _where(some, rate_high),
        }
    )


def pulses(come: Ints, gone: Ints) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Give what came in for each that went, with bounds; empty where nobody went.

    Given how many moved at all, those who came are binomial, so the bounds of the ratio are those of that share.
    """
    moved = come + gone
    low, high = wilson(come, moved)
    there = gone > 0
    share = come / np.maximum(moved, 1)
    return tuple(_where(there & (x < 1), x / np.maximum(1 - x, 1e-12)) for x in (share, low, high))  # type: ignore[return-value]


def transition_table(moves: Ints) -> pl.DataFrame:
    """Give one row per state and state of the period after: counts, rates, bounds; `moves` one row per period."""
    counts = moves.sum(axis=0)[:, _TARGETS]
    n = np.repeat(counts.sum(axis=1), len(_TARGETS))
    hits = counts.ravel()
    low, high = wilson(hits, n)
    some = n > 0
    return pl.DataFrame(
        {
            "from_state": [s for s in STATES for _ in _TARGETS],
            "to_state": [STATES[t] for _ in STATES for t in _TARGETS],
            "n_from": n,
            "n_transitions": hits,
            "transition_rate": _where(some, hits / np.maximum(n, 1)),
            "transition_rate_lower": _where(some, low),
            "transition_rate_upper": _where(some, high),
        }
    )


def activity_table(lives: Lives, learned: Flags) -> pl.DataFrame:
    """Give on how many days of a period customers order, of those who do: exactly so many, and at least."""
    days = lives.days[learned[lives.spells.period]]
    exact = np.bincount(days)[1:]
    n = int(exact.sum())
    least = exact[::-1].cumsum()[::-1]
    columns: dict[str, object] = {"days_in_period": np.arange(1, exact.size + 1)}
    for name, hits in (("exactly", exact), ("at_least", least)):
        low, high = wilson(hits, n)
        columns |= {
            f"n_{name}": hits,
            f"{name}_share": hits / max(n, 1),
            f"{name}_share_lower": low,
            f"{name}_share_upper": high,
        }
    whole = pl.Int64()
    return pl.DataFrame(columns).with_columns(pl.col("days_in_period", "n_exactly", "n_at_least").cast(whole))


def projection_table(found: Projection | None, calendar: Calendar, next_number: int) -> pl.DataFrame:
    """Give one row per period ahead: active base and customers who order, with bounds."""
    path = np.empty((0, 2)) if found is None else found.path
    low, high = (path, path) if found is None else (found.path_lower, found.path_upper)
    return pl.DataFrame(
        {
            "period_on": pl.Series(
                [calendar.first_day(next_number + i) for i in range(len(path))], dtype=pl.Date
            ),
            "periods_ahead": np.arange(1, len(path) + 1),
            "expected_base": path[:, 0],
            "expected_base_lower": low[:, 0],
            "expected_base_upper": high[:, 0],
            "expected_ordering": path[:, 1],
            "expected_ordering_lower": low[:, 1],
            "expected_ordering_upper": high[:, 1],
        }
    )


def steady_table(found: Projection | None, now: Ints) -> pl.DataFrame:
    """Give one row per state and for the base: customers now, and where they settle; empty where nothing settles."""
    schema = {
        "state": pl.String, "n_customers": pl.Int64, "long_run_customers": pl.Float64,
        "long_run_customers_lower": pl.Float64, "long_run_customers_upper": pl.Float64,
    }  # fmt: skip
    if found is None or found.steady is None or found.steady_lower is None or found.steady_upper is None:
        return pl.DataFrame(schema=schema)
    counts = [*now[:STAYING].tolist(), int(now[: QUIET + 1].sum())]
    columns = ([*STATES[:STAYING], BASE], counts, found.steady, found.steady_lower, found.steady_upper)
    return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)


def customer_table(rows: pl.DataFrame, lives: Lives, calendar: Calendar, as_of: date) -> pl.DataFrame:
    """Give each customer's state in the last period, since when, and by when an order keeps them from going dormant."""
    spells = lives.spells
    last = np.append(spells.customer[1:] != spells.customer[:-1], [True])
    state = state_at(spells, spells.n_periods - 1, which=last)
    since = np.select(
        [state <= RESURRECTED, state == QUIET, state == DORMANT],
        [spells.period[last], spells.period[last] + 1, spells.lapses[last]],
        spells.goes[last],
    )
    keeps = np.where(state <= QUIET, spells.lapses[last], NEVER)
    totals = rows.group_by("customer_id", maintain_order=True).agg(
        pl.col("n_orders").sum(),
        first_ordered_on=pl.col("ordered_on").min(),
        last_ordered_on=pl.col("ordered_on").max(),
    )
    return totals.select(
        "customer_id",
        pl.Series("state", np.array(STATES)[state]),
        pl.Series("state_since_on", _days(since + lives.first_number, calendar)),
        "n_orders",
        "first_ordered_on",
        "last_ordered_on",
        recency_days=(pl.lit(as_of) - pl.col("last_ordered_on")).dt.total_days(),
        order_by_on=pl.Series(_days(keeps + 1 + lives.first_number, calendar)).dt.offset_by("-1d"),
    )


def _days(numbers: Ints, calendar: Calendar) -> pl.Series:
    """Give first days of periods; null for a period that does not come."""
    distinct, place = np.unique(numbers, return_inverse=True)
    days = [calendar.first_day(int(n)) if n < NEVER // 2 else None for n in distinct]
    return pl.Series(days, dtype=pl.Date).gather(place)


def _where(there: Flags, values: Floats) -> pl.Series:
    return pl.Series(np.where(there, values, np.nan), dtype=pl.Float64).fill_nan(None)
