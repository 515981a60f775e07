"""Who belongs to which cohort from when, and what each member did at which age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crm_analytics.aggregates.cube_cells import Cube
from crm_analytics.retention.cohort_clock import Clock, Ints

Floats = NDArray[np.float64]
Entry = Literal["first_ever", "recurring"]
"""Whether a customer enters one cohort, with the first action ever, or one in every period with an action."""


@dataclass(frozen=True, eq=False)
class Members:
    """One place per membership: the customer, the cohort (number of its period), the entry and its day.

    `place` is that of the entry in the cube, `entry` that on the clock.
    """

    customer: Ints
    cohort: Ints
    place: Ints
    entry: Ints
    entry_day: Ints


@dataclass(frozen=True, eq=False)
class Deeds:
    """What members did, one place per member and age, sorted by both.

    `place` of a deed in `n_actions` and the money is its own; ages without an action may hold refunds.
    """

    member: Ints
    age: Ints
    n_actions: Ints
    n_orders: Ints
    spend: Floats
    cost: Floats | None
    n_lines_without_cost: Ints | None

    @property
    def active(self) -> tuple[Ints, Ints]:
        """Member and age of each deed that is an action; age 0 is always among them."""
        acted = self.n_actions > 0
        return self.member[acted], self.age[acted]


def members(cube: Cube, clock: Clock, entry: Entry, start_day: int | None = None) -> Members:
    """Decide who enters which cohort; of first-ever cohorts those that begin before `start_day` are left out."""
    acted = np.flatnonzero(cube.n_actions > 0)
    of_calendar = clock.name == "calendar"
    period = cube.number[acted] if of_calendar else clock.calendar.numbers(cube.day[acted])
    first = (
        _is_first(cube.customer[acted]) if entry == "first_ever" else _is_first(cube.customer[acted], period)
    )
    if start_day is not None:
        first &= cube.day[acted] >= start_day
    enters = acted[first]
    return Members(cube.customer[enters], period[first], enters, cube.number[enters], cube.day[enters])


def _is_first(*keys: Ints) -> NDArray[np.bool_]:
    """Mark the first place of each run of equal keys."""
    new = np.ones(keys[0].size, bool)
    if keys[0].size:
        new[1:] = keys[0][1:] != keys[0][:-1]
    for key in keys[1:]:
        new[1:] |= key[1:] != key[:-1]
    return new


def deeds(cube: Cube, found: Members, clock: Clock) -> Deeds:
    """List what each member did from the entry on, by age."""
    member, place = _from_entry_on(cube, found)
    age = clock.ages(found.entry[member], cube.number[place])
    first = _is_first(member, age)
    heads = None if first.all() else np.flatnonzero(first)
    is_whole = place.size == cube.customer.size and bool((place == np.arange(place.size)).all())

    def summed(values: NDArray[np.generic] | None) -> NDArray[np.generic] | None:
        if values is None:
            return None
        there = values if is_whole else values[place]
        return there if heads is None else np.add.reduceat(there, heads)

    return Deeds(
        member if heads is None else member[heads],
        age if heads is None else age[heads],
        *(
            summed(v)
            for v in (cube.n_actions, cube.n_orders, cube.spend, cube.cost, cube.n_lines_without_cost)
        ),  # type: ignore[arg-type]
    )


def _from_entry_on(cube: Cube, found: Members) -> tuple[Ints, Ints]:
    """Pair each member with the places of the cube from its entry to the customer's last."""
    if not _is_first(found.customer).all():
        return _from_each_entry_on(cube, found)
    member_of = np.full(len(cube.ids), -1)
    member_of[found.customer] = np.arange(found.customer.size)
    member = member_of[cube.customer]
    inside = (member >= 0) & (np.arange(member.size) >= found.place[member])
    if inside.all():
        return member, np.arange(member.size)
    return member[inside], np.flatnonzero(inside)


def _from_each_entry_on(cube: Cube, found: Members) -> tuple[Ints, Ints]:
    """Do the same for customers who enter several times."""
    ends = np.searchsorted(cube.customer, found.customer, side="right")
    n = ends - found.place
    member = np.repeat(np.arange(found.customer.size), n)
    before = np.repeat(np.cumsum(n) - n, n)
    return member, np.repeat(found.place, n) + np.arange(member.size) - before
