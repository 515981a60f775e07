"""Draw when customers order and when they complain, from the BG/NBD process bent by events."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sample_data.chance import Flags, Floats, Ints, Recipe, pick
from sample_data.people import FADING, RISING, TREATED, People
from sample_data.truth import Truth


@dataclass(frozen=True, eq=False)
class Orders:
    """Orders as arrays, in the order of time: who, when in days from the start of the window, through what.

    Those that `stand` not are drawn in all their parts and then left out, because the customer had left by then:
    so what others do stays as it is, whoever leaves.
    """

    person: Ints
    time: Floats
    channel: Ints
    stand: Flags
    first_number: int = 1_000_001
    """The order id of the first one."""

    @property
    def day(self) -> Ints:
        """Give the day of each order."""
        return self.time.astype(np.int64)


@dataclass(frozen=True, eq=False)
class Complaints:
    """Complaints as arrays: who, on which day, and whether the handling is going to be slow; `stand` as for orders."""

    person: Ints
    day: Ints
    slow: Flags
    stand: Flags


@dataclass(eq=False)
class _Process:
    """The state of the simulation: what bends each customer's rate, and what has happened so far."""

    truth: Truth
    people: People
    rng: np.random.Generator
    season: Floats
    ceiling: Floats
    slow_from: Floats
    orders: list[tuple[Ints, Floats]] = field(default_factory=list)
    complaints: list[tuple[Ints, Ints, Flags]] = field(default_factory=list)

    def factor(self, person: Ints, time: Floats) -> Floats:
        """Give what multiplies the rate of these customers at these times."""
        truth, people = self.truth, self.people
        factor = self.season[time.astype(np.int64)]
        later = time >= truth.day(truth.migration_from)
        group = people.group[person]
        factor = np.where(later & (group == FADING), factor * truth.fading_factor, factor)
        factor = np.where(later & (group == RISING), factor * truth.rising_factor, factor)
        for column, campaign in enumerate(truth.campaigns):
            since = time - truth.day(campaign.begins_on)
            running = (since >= 0) & (since < truth.campaign_days)
            lifted = running & (people.arms[person, column] == TREATED)
            factor = np.where(lifted, factor * (1 + campaign.uplift), factor)
        return np.where(time >= self.slow_from[person], factor * truth.slow_factor, factor)

    def record(self, person: Ints, time: Floats) -> None:
        """Note these orders, and draw which of them lead to a complaint."""
        truth, rng = self.truth, self.rng
        self.orders.append((person, time))
        who = person[complains := rng.random(len(person)) < truth.complaint_probability]
        day = time[complains].astype(np.int64) + 1 + rng.exponential(4.0, len(who)).astype(np.int64)
        slow = rng.random(len(who)) < truth.slow_share
        seen = day < truth.n_days
        who, day, slow = who[seen], day[seen], slow[seen]
        self.complaints.append((who, day, slow))
        np.minimum.at(self.slow_from, who[slow], day[slow].astype(float) + truth.slow_after_days)

    def step(self, person: Ints, time: Floats) -> tuple[Ints, Floats]:
        """Take every living customer to the next candidate order, kept with chance factor / ceiling."""
        time = time + self.rng.standard_exponential(len(person)) / (self.people.rate * self.ceiling)[person]
        inside = time < self.truth.n_days
        person, time = person[inside], time[inside]
        kept = self.rng.random(len(person)) * self.ceiling[person] < self.factor(person, time)
        self.record(person[kept], time[kept])
        gone = kept & (self.rng.random(len(person)) < self.people.dropout[person])
        return person[~gone], time[~gone]


def simulate(recipe: Recipe, people: People) -> tuple[Orders, Complaints]:
    """Run the purchase process to the end of the window.

    Times come from thinning (Lewis and Shedler 1979): candidates at the highest rate a customer can have, each
    kept with the chance that the rate at that time bears to the highest. As in BG/NBD, a customer may drop out
    after each repeat order and not after the first.
    """
    truth, rng = recipe.truth, recipe.stream("purchases")
    process = _Process(
        truth, people, rng, truth.season_by_day(), _ceiling(truth, people), np.full(people.size, np.inf)
    )
    person = np.flatnonzero(people.buyer)
    time = people.first_day[person] + rng.random(len(person))
    process.record(person, time)
    while len(person):
        person, time = process.step(person, time)
    return _in_time(process, recipe)


def _ceiling(truth: Truth, people: People) -> Floats:
    """Give the most that each customer's rate can ever be multiplied by."""
    ceiling = np.full(people.size, truth.season_by_day().max())
    ceiling[people.group == RISING] *= max(truth.rising_factor, 1.0)
    for column, campaign in enumerate(truth.campaigns):
        ceiling[people.arms[:, column] == TREATED] *= 1 + max(campaign.uplift, 0.0)
    return ceiling


def _in_time(process: _Process, recipe: Recipe) -> tuple[Orders, Complaints]:
    """Put what was noted in the order of time, draw the channel of each order, and strike out what leavers did after."""
    truth, rng = process.truth, recipe.stream("order channels")
    person, time = (np.concatenate(part) for part in zip(*process.orders, strict=True))
    who, day, slow = (np.concatenate(part) for part in zip(*process.complaints, strict=True))
    by_time, by_day = np.argsort(time, kind="stable"), np.lexsort((who, day))
    person, time = person[by_time], time[by_time]
    own = rng.random(len(person)) < truth.own_channel_share
    channel = np.where(own, process.people.channel[person], pick(rng, truth.channels, len(person)))
    who, day, slow = who[by_day], day[by_day], slow[by_day]
    gone = _gone_from(truth, process.people.size, who[slow], day[slow], recipe.stream("lost"))
    return Orders(person, time, channel, time < gone[person]), Complaints(who, day, slow, day < gone[who])


def _gone_from(truth: Truth, size: int, who: Ints, day: Ints, rng: np.random.Generator) -> Floats:
    """Draw from which day on each customer is gone because a complaint was handled slowly; mostly never."""
    leaves = rng.random(len(who)) < truth.slow_leaver_share
    gone = np.full(size, np.inf)
    np.minimum.at(gone, who[leaves], day[leaves].astype(float) + truth.slow_after_days)
    return gone
