"""Who belongs to which cohort from when, and what each member did at which age, for a block of customers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from crm_analytics.aggregates.cube_cells import Cube
from crm_analytics.aggregates.order_blocks import begins
from crm_analytics.retention.cohorts.clock import Clock, Ints

Floats = NDArray[np.float64]
Entry = Literal["first_ever", "recurring"]
"""Whether a customer enters one cohort, with the first action ever, or one in every period with an action."""


@dataclass(frozen=True, eq=False)
class Members:
    """One place per membership: the customer, the cohort (number of its period), the entry and its day.

    `customer` is the place among those of the block, `place` that of the entry in the cube, `entry` that on the clock.
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

    @cached_property
    def active(self) -> tuple[Ints, Ints]:
        """Member and age of each deed that is an action; age 0 is always among them."""
        acted = self.n_actions > 0
        return (self.member, self.age) if acted.all() else (self.member[acted], self.age[acted])

    @cached_property
    def starts(self) -> Ints:
        """Where the deeds of each member begin."""
        return np.flatnonzero(begins(self.member))

    @cached_property
    def active_starts(self) -> Ints:
        """Where in `active` the actions of each member begin."""
        member = self.active[0]
        return self.starts if member is self.member else np.flatnonzero(begins(member))

    @cached_property
    def n_active(self) -> Ints:
        """At how many ages each member acted."""
        return np.diff(self.active_starts, append=self.active[0].size)

    @cached_property
    def orders_of_member(self) -> Ints:
        """The orders of each member."""
        return self.per_member(self.n_orders).astype(np.int64)

    @cached_property
    def spend_of_member(self) -> Floats:
        """The money of each member."""
        return self.per_member(self.spend)

    def per_member(self, values: NDArray[Any]) -> Floats:
        """Add up by member."""
        sums = np.bincount(self.member, weights=values, minlength=self.starts.size)
        return sums.astype(float, copy=False)

    def last_active(self, until: int | None = None) -> Ints:
        """Give the last age at which each member acted, looking no further than age `until`."""
        age = self.active[1]
        if until is None:
            last: Ints = age[self.active_starts + self.n_active - 1]
            return last
        n_seen = np.add.reduceat(age <= until, self.active_starts, dtype=np.int64)
        within: Ints = age[self.active_starts + n_seen - 1]
        return within

    def second_active(self) -> tuple[NDArray[np.bool_], Ints]:
        """Say which members acted again after the entry, and at which age first; that of the others means nothing."""
        age = self.active[1]
        return self.n_active > 1, age[np.minimum(self.active_starts + 1, age.size - 1)]


def members(cube: Cube, clock: Clock, entry: Entry, start_day: int | None = None) -> Members:
    """Decide who enters which cohort; of first-ever cohorts those that begin before `start_day` are left out."""
    acted = cube.n_actions > 0
    places = None if acted.all() else np.flatnonzero(acted)
    customer, number, day = (_taken(v, places) for v in (cube.customer, cube.number, cube.day))
    if entry == "first_ever":
        first = begins(customer)
    else:
        number = number if clock.name == "calendar" else clock.calendar.numbers(day)
        first = begins(customer, number)
    if start_day is not None:
        first &= day >= start_day
    enters = np.flatnonzero(first)
    place = enters if places is None else places[enters]
    entered = day[enters]
    cohort = cube.number[place] if clock.name == "calendar" else clock.calendar.numbers(entered)
    return Members(customer[enters], cohort, place, cube.number[place], entered)


def _taken(values: NDArray[Any], places: Ints | None) -> NDArray[Any]:
    """Take some values; without places all, without copying them."""
    return values if places is None else values[places]


def deeds(cube: Cube, found: Members, clock: Clock) -> Deeds:
    """List what each member did from the entry on, by age."""
    member, place = _from_entry_on(cube, found)
    age = clock.ages(found.entry[member], _taken(cube.number, place))
    first = None if clock.name == "calendar" else begins(member, age)
    heads = None if first is None or first.all() else np.flatnonzero(first)

    def summed(values: NDArray[Any] | None) -> NDArray[Any] | None:
        if values is None:
            return None
        there = _taken(values, place)
        return there if heads is None else np.add.reduceat(there, heads)

    return Deeds(
        _taken(member, heads),
        _taken(age, heads),
        *(
            summed(v)
            for v in (cube.n_actions, cube.n_orders, cube.spend, cube.cost, cube.n_lines_without_cost)
        ),  # type: ignore[arg-type]
    )


def _from_entry_on(cube: Cube, found: Members) -> tuple[Ints, Ints | None]:
    """Pair each member with the places of the cube from its entry to the customer's last; no places stand for all."""
    n_customers = cube.n_customers
    if found.place.size == n_customers and np.array_equal(found.place, cube.starts):
        return cube.customer, None
    if not begins(found.customer).all():
        return _from_each_entry_on(cube, found)
    begin = np.full(n_customers, cube.customer.size)
    begin[found.customer] = found.place
    place = np.flatnonzero(np.arange(cube.customer.size) >= begin[cube.customer])
    member_of = np.zeros(n_customers, np.int64)
    member_of[found.customer] = np.arange(found.customer.size)
    return member_of[cube.customer[place]], place


def _from_each_entry_on(cube: Cube, found: Members) -> tuple[Ints, Ints]:
    """Do the same for customers who enter several times."""
    ends = np.searchsorted(cube.customer, found.customer, side="right")
    n = ends - found.place
    member = np.repeat(np.arange(found.customer.size), n)
    before = np.repeat(np.cumsum(n) - n, n)
    return member, np.repeat(found.place, n) + np.arange(member.size) - before
