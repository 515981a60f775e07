"""The service plan: contract periods with churn by the shifted-beta-geometric model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data.chance import Floats, Ints, Recipe, labels
from sample_data.people import People
from sample_data.truth import Truth

LAST_DAY = 27
"""Days after the first of the month on which a plan can begin, so that every month has the day."""
_OPENING = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 2])
"""How first plans are spread: half Basic, four in ten Plus, one in ten Premium."""


@dataclass(frozen=True, eq=False)
class _Spells:
    """Customers who hold the plan without a break: who, from which month and day of month, how likely to churn."""

    person: Ints
    month: Ints
    day: Ints
    churn: Floats
    level: Ints


def subscriptions_frame(recipe: Recipe, people: People) -> pl.DataFrame:
    """Give the subscriptions table.

    A period runs from `started_on` up to, not including, `ended_on`; a change of plan ends one period and begins
    the next on the same day. Some customers come back after two to six months, as new as at first.
    """
    truth, rng, ids = recipe.truth, recipe.stream("plans"), recipe.ids()
    spells = _first_spells(truth, people, rng)
    periods, ended = _run(truth, spells, rng)
    back = _comebacks(truth, spells, ended, rng)
    again, _ = _run(truth, back, rng)
    return (
        pl.concat([_frame(truth, spells, periods, ids), _frame(truth, back, again, ids)])
        .sort("started_on", "customer_id")
        .select("customer_id", "started_on", "ended_on", "monthly_amount", "plan")
    )


def _first_spells(truth: Truth, people: People, rng: np.random.Generator) -> _Spells:
    """Draw who takes the plan, some weeks after the first order."""
    takes = people.buyer & (rng.random(people.size) < truth.plan_share)
    start = people.first_day + rng.exponential(50.0, people.size).astype(np.int64)
    on = np.datetime64(truth.start, "D") + start
    month = on.astype("datetime64[M]").astype(np.int64)
    day = (on - on.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)
    month, day = np.where(day > LAST_DAY, month + 1, month), np.where(day > LAST_DAY, 0, day)
    person = np.flatnonzero(takes & (_on(month, day) < np.datetime64(truth.end)))
    level = _OPENING[rng.integers(len(_OPENING), size=len(person))]
    churn = rng.beta(truth.plan_alpha, truth.plan_beta, len(person))
    return _Spells(person, month[person], day[person], churn, level)


def _comebacks(truth: Truth, spells: _Spells, ended: Ints, rng: np.random.Generator) -> _Spells:
    """Draw who of those who left takes the plan again."""
    left = ended >= 0
    month = ended + rng.integers(2, 7, size=len(ended))
    returns = left & (rng.random(len(ended)) < truth.reactivation_share)
    who = np.flatnonzero(returns & (_on(month, spells.day) < np.datetime64(truth.end)))
    churn = rng.beta(truth.plan_alpha, truth.plan_beta, len(who))
    return _Spells(spells.person[who], month[who], spells.day[who], churn, spells.level[who])


def _on(month: Ints, day: Ints) -> NDArray[np.datetime64]:
    """Give the date that is `day` days after the first of the month."""
    return np.asarray(month.astype("datetime64[M]").astype("datetime64[D]") + day)


def _run(truth: Truth, spells: _Spells, rng: np.random.Generator) -> tuple[list[tuple[Ints, ...]], Ints]:
    """Go through the months: at each monthly renewal some leave and some change plan.

    Returns periods as (spell, first month, month of end or -1, level), and the month in which each spell ended.
    """
    none = np.zeros(0, dtype=np.int64)
    periods: list[tuple[Ints, ...]] = [(none, none, none, none)]
    ended = np.full(len(spells.person), -1, dtype=np.int64)
    alive, began, level = np.arange(len(ended)), spells.month.copy(), spells.level.copy()
    age = 0
    while len(alive):
        age += 1
        month = spells.month + age
        seen = _on(month[alive], spells.day[alive]) < np.datetime64(truth.end)
        periods.append((still := alive[~seen], began[still], np.full(len(still), -1), level[still]))
        alive = alive[seen]
        leaves = rng.random(len(alive)) < spells.churn[alive]
        target = _target(truth, level[alive], rng)
        closes = alive[leaves | (target != level[alive])]
        periods.append((closes, began[closes], month[closes], level[closes]))
        began[closes] = month[closes]
        level[alive] = target
        ended[alive[leaves]] = month[alive[leaves]]
        alive = alive[~leaves]
    return periods, ended


def _target(truth: Truth, level: Ints, rng: np.random.Generator) -> Ints:
    """Draw the plan of the next month."""
    lot = rng.random(len(level))
    up, down = lot < truth.upgrade_probability, lot > 1 - truth.downgrade_probability
    return np.clip(level + up - down, 0, len(truth.plans) - 1)


def _frame(truth: Truth, spells: _Spells, periods: list[tuple[Ints, ...]], ids: pl.Series) -> pl.DataFrame:
    """Give periods as rows."""
    spell, began, end, level = (np.concatenate(part) for part in zip(*periods, strict=True))
    day = spells.day[spell]
    ended = pl.Series(np.where(end < 0, np.datetime64("NaT"), _on(end, day)).astype("datetime64[D]"))
    return pl.DataFrame(
        {
            "customer_id": ids.gather(spells.person[spell]),
            "started_on": pl.Series(_on(began, day)),
            "ended_on": ended,
            "monthly_amount": np.array(list(truth.plans.values()))[level],
            "plan": labels(list(truth.plans), level),
        }
    )
