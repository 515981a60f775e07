"""From purchase occasions to spells: when each customer goes dormant and is lost, by a fixed or by the own rhythm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
import polars as pl

from crm_analytics.aggregates.calendar_numbers import AnyPeriod, Calendar
from crm_analytics.retention.cadence import Cadence, histories_so_far
from crm_analytics.retention.lifecycle.flows import Flags, Ints, Spells

Definition = Literal["fixed", "own_cadence"]

HALF_A_YEAR: Final[Mapping[AnyPeriod, int]] = {"day": 182, "week": 26, "month": 6, "quarter": 2, "year": 1}
"""After how many periods without an order a customer is dormant, unless said."""

_ORDINAL: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Rule:
    """When a customer is dormant and lost: after `lapse` and `lost` periods, or `lapse` by their own rhythm."""

    definition: Definition
    lapse: int
    lost: int
    late_below: float


@dataclass(frozen=True)
class Lives:
    """The spells of a base with what belongs to each: period number of the first period, days with an order."""

    spells: Spells
    first_number: int
    days: Ints

    def number_of(self, place: int) -> int:
        """Give the calendar's number of a period counted from 0."""
        return place + self.first_number


def lives(rows: pl.DataFrame, rule: Rule, calendar: Calendar, as_of: date, rhythm: Cadence | None) -> Lives:
    """Make spells from occasions.

    Parameters
    ----------
    rows
        From `aggregates.occasions`, not empty.
    rule
        When a customer is dormant and lost.
    calendar
        The periods.
    as_of
        The first day that is not seen; where it lies within a period, that period has not decided who lapses in it.
    rhythm
        The base's rhythm, for `own_cadence`; None where nobody came back, and then the fixed rule holds for all.
    """
    days = rows["ordered_on"].to_physical().to_numpy().astype(np.int64) + _ORDINAL
    numbers = calendar.numbers(days)
    customer = (rows["number"].to_numpy() == 1).cumsum() - 1
    last = np.append((numbers[1:] != numbers[:-1]) | (customer[1:] != customer[:-1]), [True])
    first_number = int(numbers.min())
    period = numbers[last] - first_number
    goes = period + rule.lost
    lapses = period + rule.lapse
    if rule.definition == "own_cadence" and rhythm is not None:
        own = _own_lapses(rows, rule, calendar, rhythm, last) - first_number
        lapses = np.where(own >= 0, np.clip(own, period + 1, goes - 1), lapses)
    n_periods = calendar.number_of(date.fromordinal(as_of.toordinal() - 1)) - first_number + 1
    spells = Spells(customer[last], period, lapses, goes, n_periods)
    ended = calendar.first_day(first_number + n_periods) <= as_of
    places = np.flatnonzero(last)
    return Lives(spells if ended else spells.settled(), first_number, np.diff(places, prepend=-1))


def _own_lapses(rows: pl.DataFrame, rule: Rule, calendar: Calendar, rhythm: Cadence, last: Flags) -> Ints:
    """Give the period in which each spell's silence grows too long for the customer's rhythm; -1 where there is none yet."""
    so_far = histories_so_far(rows).take(np.flatnonzero(last))
    own = so_far.n > 0
    days = rows["ordered_on"].to_physical().to_numpy()[last].astype(np.int64) + _ORDINAL
    bound = np.zeros(days.size)
    bound[own] = rhythm.model.silent_for(so_far.take(np.flatnonzero(own)), rule.late_below)
    latest = date.max.toordinal() - days - 1
    return np.where(own, calendar.numbers(days + np.minimum(np.ceil(bound), latest).astype(np.int64)), -1)
