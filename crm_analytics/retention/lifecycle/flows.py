"""The life cycle in whole numbers: in which state each customer is at the end of each period, and every change of state.

A customer's life is a row of spells, one per period with an order. From its last order a spell lies in the state it was
opened in, then quiet, then dormant, then lost, until the next order. All counts follow from where these stretches
begin and end; no table of customers by periods is ever made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

STATES: Final = ("new", "retained", "resurrected", "quiet", "dormant", "lost")
"""By code: ordered for the first time; ordered, active before; ordered after a pause; no order, not yet dormant …"""

NEW, RETAINED, RESURRECTED, QUIET, DORMANT, LOST = range(len(STATES))
NEVER: Final = np.int64(2**40)
"""The number of a period that does not come."""


@dataclass(frozen=True)
class Spells:
    """One row per customer and period with an order, sorted by both; periods are numbered from 0.

    `lapses` is the first period at whose end the customer is dormant unless an order comes, `goes` the first at whose
    end the customer is lost; `period < lapses < goes`.
    """

    customer: Ints
    period: Ints
    lapses: Ints
    goes: Ints
    n_periods: int

    @property
    def next_period(self) -> Ints:
        """The period of the customer's next order, or one that does not come."""
        following = np.append(self.period[1:], NEVER)
        last = np.append(self.customer[1:] != self.customer[:-1], [True])
        return np.where(last, NEVER, following)

    @property
    def opened_as(self) -> Ints:
        """The state in which each spell opens: new, retained or resurrected."""
        first = np.append([True], self.customer[1:] != self.customer[:-1])
        before = np.append([-1], self.lapses[:-1])
        back = np.where(before >= self.period, RETAINED, RESURRECTED)
        return np.where(first, NEW, back)

    def settled(self) -> Spells:
        """Put off what the last period, still running, has not decided: nobody lapses before it has ended."""
        running = self.n_periods - 1
        lapses, goes = (np.where(x == running, NEVER, x) for x in (self.lapses, self.goes))
        return Spells(self.customer, self.period, lapses, np.maximum(goes, lapses), self.n_periods)


@dataclass(frozen=True)
class Flows:
    """Customers by period and state at its end, and by period and change of state on the way into it."""

    stocks: Ints  # (periods, states)
    moves: Ints  # (periods, states, states)


def flows(spells: Spells) -> Flows:
    """Count states and changes of state, period by period.

    The first period has no changes: nobody was there before. New customers come from nowhere and are in `stocks` only.
    """
    p, k = spells.n_periods, len(STATES)
    opened, following = spells.opened_as, spells.next_period
    stocks = np.zeros((p, k), np.int64)
    moves = np.zeros((p, k, k), np.int64)
    np.add.at(stocks, (spells.period, opened), 1)
    quiet_from = spells.period + 1
    quiet_to = np.minimum(spells.lapses, following)
    dormant_to = np.minimum(spells.goes, following)
    for state, begins, ends in (
        (QUIET, quiet_from, quiet_to),
        (DORMANT, spells.lapses, dormant_to),
        (LOST, spells.goes, following),
    ):
        stocks[:, state] += _covered(begins, ends, p)
        moves[:, state, state] += _covered(begins + 1, ends, p)
    _add(moves, quiet_from, opened, QUIET, quiet_to > quiet_from)
    _add(moves, spells.lapses, opened, DORMANT, (spells.lapses == quiet_from) & (dormant_to > spells.lapses))
    rested = (spells.lapses > quiet_from) & (dormant_to > spells.lapses)
    _add(moves, spells.lapses, np.full_like(opened, QUIET), DORMANT, rested)
    _add(moves, spells.goes, np.full_like(opened, DORMANT), LOST, following > spells.goes)
    _add_returns(moves, spells, opened, following)
    return Flows(stocks, moves)


def _add_returns(moves: Ints, spells: Spells, opened: Ints, following: Ints) -> None:
    """Count the changes into the state in which a further spell opens."""
    came = following < NEVER
    at = following[came]
    before = state_at(spells, at - 1, which=came)
    np.add.at(moves, (at, before, np.append(opened[1:], NEW)[came]), 1)


def state_at(spells: Spells, period: Ints | int, *, which: Flags | None = None) -> Ints:
    """Give the state at the end of a period of (some of) the spells, which must cover it."""
    chosen = np.ones(spells.period.size, bool) if which is None else which
    lapses, goes = spells.lapses[chosen], spells.goes[chosen]
    rest = np.where(period < lapses, QUIET, np.where(period < goes, DORMANT, LOST))
    return np.where(spells.period[chosen] == period, spells.opened_as[chosen], rest)


def _covered(begins: Ints, ends: Ints, n_periods: int) -> Ints:
    """Count per period how many stretches `[begins, ends)` cover it."""
    low, high = np.minimum(begins, n_periods), np.minimum(ends, n_periods)
    some = low < high
    up = np.bincount(low[some], minlength=n_periods + 1)
    down = np.bincount(high[some], minlength=n_periods + 1)
    covered: Ints = np.cumsum(up - down)[:n_periods]
    return covered


def _add(moves: Ints, period: Ints, before: Ints, after: int, where: Flags) -> None:
    seen = where & (period < moves.shape[0])
    np.add.at(moves, (period[seen], before[seen], np.full(int(seen.sum()), after)), 1)
