"""Complaints as cases, and what customers say in surveys."""

from __future__ import annotations

import numpy as np
import polars as pl

from sample_data.chance import Flags, Floats, Ints, Recipe, instants_series, labels, pick
from sample_data.people import People
from sample_data.purchases import Complaints, Orders
from sample_data.truth import Truth

CATEGORIES = {
    "late delivery": 0.31,
    "damaged goods": 0.22,
    "wrong item": 0.14,
    "billing": 0.13,
    "product quality": 0.12,
    "staff": 0.08,
}
CASE_CHANNELS = {"phone": 0.42, "email": 0.38, "chat": 0.14, "post": 0.06}
FIRST_CONTACT_SHARE = 0.9
"""Of the cases closed within two days and not reopened."""
CASE_CSAT_SHARE = 0.55
COMMENT_SHARE = 0.16
DAY = 1440
REFERENCE = 7.0
"""The rating at which a driver neither adds nor takes away."""
DISSATISFIED = 5.0
"""Satisfaction under which customers answer less often."""
RATING_SPREAD = 1.7
HALO_SHARE = 0.30
"""Share of the variance that all ratings of an answer have in common."""
PACKAGING_WITH_QUALITY = 0.7
"""Correlation of what is the packaging's own with what is the quality's own: the null driver looks important."""
SLOW_PENALTY = {"service": 2.0, "delivery": 1.0}
"""Points that a complaint handled slowly within the last 180 days takes off a rating."""
_PRAISE = (
    "Quick and friendly, thank you.",
    "Lovely things, beautifully made.",
    "Will order again!",
    "Great advice.",
)
_GRUMBLE = (
    "Took far too long to arrive.",
    "Arrived broken, and nobody answered.",
    "Too expensive for what it is.",
    "I was promised a call back; none came.",
)
_LUKEWARM = ("All fine.", "Good, but the website is slow.", "Nice things, dull packaging.", "As expected.")


def cases_frame(recipe: Recipe, complaints: Complaints) -> pl.DataFrame:
    """Give the cases table: every complaint, quick or slow, some still open at the end."""
    truth, rng = recipe.truth, recipe.stream("cases")
    n = len(complaints.person)
    opened = complaints.day * DAY + 480 + (rng.random(n) * 600).astype(np.int64)
    closed = opened + np.ceil(_handling_days(truth, complaints.slow, rng) * DAY)
    closed[rng.random(n) < truth.never_closed_share] = np.inf
    is_open = closed >= truth.n_days * DAY
    reopened = rng.random(n) < np.where(complaints.slow, 0.16, 0.06)
    frame = pl.DataFrame(
        {
            "case_id": pl.Series(np.arange(1, n + 1)).cast(pl.String).str.zfill(6),
            "opened_at": instants_series(truth, opened),
            "customer_id": recipe.ids().gather(complaints.person),
            "closed_at": instants_series(truth, np.where(is_open, 0, closed).astype(np.int64)),
            "category": labels(list(CATEGORIES), pick(rng, CATEGORIES, n)),
            "channel": labels(list(CASE_CHANNELS), pick(rng, CASE_CHANNELS, n)),
            "first_contact_resolved": (closed - opened <= 2 * DAY)
            & (rng.random(n) < FIRST_CONTACT_SHARE)
            & ~reopened,
            "reopened": reopened & ~is_open,
            "csat": _case_csat(complaints.slow, rng),
        }
    )
    seen = pl.Series(~is_open)
    csat_given = seen & pl.Series(rng.random(n) < CASE_CSAT_SHARE)
    return frame.with_columns(
        pl.when(seen).then("closed_at"),
        pl.when(seen).then("first_contact_resolved"),
        pl.when(seen).then("reopened"),
        pl.when(csat_given).then("csat"),
    ).filter(pl.Series(complaints.stand))


def _handling_days(truth: Truth, slow: Flags, rng: np.random.Generator) -> Floats:
    """Draw how long a case is open: the quick ones always under the limit, the slow ones always over it."""
    limit = truth.slow_after_days
    quick = np.minimum(rng.lognormal(np.log(0.7), 1.0, len(slow)) + 0.02, limit - 0.5)
    return np.where(slow, limit + 0.1 + rng.exponential(6.0, len(slow)), quick)


def _case_csat(slow: Flags, rng: np.random.Generator) -> Ints:
    """Draw the satisfaction with the handling, 1 to 5."""
    score = np.where(slow, 2.2, 4.0) + rng.standard_normal(len(slow)) * 0.9
    return np.clip(np.round(score), 1, 5).astype(np.int64)


def surveys_frame(recipe: Recipe, people: People, orders: Orders, complaints: Complaints) -> pl.DataFrame:
    """Give the surveys table: the answers of those invited after an order who chose to answer."""
    truth, rng = recipe.truth, recipe.stream("surveys")
    day = orders.day + 2 + rng.integers(0, 8, len(orders.person))
    invited = np.flatnonzero((rng.random(len(day)) < truth.invited_share) & (day < truth.n_days))
    person, day, channel = orders.person[invited], day[invited], orders.channel[invited]
    ratings = _ratings(truth, people.trait[person], _slow_lately(complaints, person, day), rng)
    felt = satisfaction(truth, ratings) + rng.standard_normal(len(person)) * truth.satisfaction_noise
    chance = np.array(list(truth.response.values()))[channel]
    answered = rng.random(len(person)) < chance * np.where(
        felt < DISSATISFIED, truth.dissatisfied_response_factor, 1.0
    )
    answered &= orders.stand[invited]
    minute = day * DAY + 480 + (rng.random(len(day)) * 800).astype(np.int64)
    frame = pl.DataFrame(
        {
            "answered_at": instants_series(truth, minute),
            "customer_id": recipe.ids().gather(person),
            "channel": labels(list(truth.channels), channel),
            **_outcomes(felt, ratings["website"], rng),
            "weight": np.round(np.mean(chance[answered]) / chance, 2),
            **{d.name: _answers(ratings[d.name], truth.missing_share, rng) for d in truth.drivers},
            "comment": _comments(felt, rng),
        }
    )
    return frame.filter(pl.Series(answered)).sort("answered_at", "customer_id")


def _slow_lately(complaints: Complaints, person: Ints, day: Ints) -> Flags:
    """Tell which of these customers had a slow complaint in the 180 days before."""
    slow = pl.DataFrame({"person": complaints.person, "opened": complaints.day}).filter(
        pl.Series(complaints.slow)
    )
    asked = pl.DataFrame({"person": person, "day": day}).with_row_index("row")
    hit = asked.join(slow, on="person").filter((pl.col("day") - pl.col("opened")).is_between(7, 180))
    flags = np.zeros(len(person), dtype=bool)
    flags[hit["row"].to_numpy()] = True
    return flags


def _ratings(truth: Truth, trait: Floats, slow: Flags, rng: np.random.Generator) -> dict[str, Floats]:
    """Draw what each driver is felt to be, 1 to 10; not applicable is NaN."""
    halo = 0.6 * trait + 0.8 * rng.standard_normal(len(trait))
    own = {d.name: rng.standard_normal(len(trait)) for d in truth.drivers}
    tie = PACKAGING_WITH_QUALITY
    own["packaging"] = tie * own["quality"] + np.sqrt(1 - tie**2) * own["packaging"]
    ratings = {}
    for driver in truth.drivers:
        felt = np.sqrt(HALO_SHARE) * halo + np.sqrt(1 - HALO_SHARE) * own[driver.name]
        score = driver.felt + RATING_SPREAD * felt - SLOW_PENALTY.get(driver.name, 0.0) * slow
        ratings[driver.name] = np.clip(np.round(score), 1, 10)
        ratings[driver.name][rng.random(len(trait)) < driver.not_applicable] = np.nan
    return ratings


def satisfaction(truth: Truth, ratings: dict[str, Floats]) -> Floats:
    """Give overall satisfaction as the drivers make it, before noise; not applicable adds nothing."""
    total = np.full(len(next(iter(ratings.values()))), truth.satisfaction_base)
    for driver in truth.drivers:
        gap = np.nan_to_num(ratings[driver.name] - REFERENCE)
        total += driver.below * np.minimum(gap, 0) + driver.above * np.maximum(gap, 0)
    return total


def _outcomes(felt: Floats, website: Floats, rng: np.random.Generator) -> dict[str, pl.Series]:
    """Give nps (0 to 10), csat (1 to 10) and ces (1 to 7) as whole numbers, some left out."""
    noise = rng.standard_normal((2, len(felt)))
    ease = 4.9 + 0.35 * (felt - 7) + 0.25 * np.nan_to_num(website - REFERENCE) + 0.7 * noise[0]
    return {
        "nps": _whole(7.9 + 1.3 * (felt - 7.2) + 0.9 * noise[1], 0, 10, 0.02, rng),
        "csat": _whole(felt, 1, 10, 0.01, rng),
        "ces": _whole(ease, 1, 7, 0.06, rng),
    }


def _whole(score: Floats, low: int, high: int, missing: float, rng: np.random.Generator) -> pl.Series:
    """Round to the scale and leave out a share."""
    whole = pl.Series(np.clip(np.round(score), low, high).astype(np.int64))
    return pl.select(pl.when(pl.Series(rng.random(len(score)) >= missing)).then(whole)).to_series()


def _answers(rating: Floats, missing: float, rng: np.random.Generator) -> pl.Series:
    """Give a driver's ratings as text: empty where left out, "n/a" where it does not apply."""
    whole = pl.Series(np.nan_to_num(rating).astype(np.int64)).cast(pl.String)
    ticked = pl.select(pl.when(pl.Series(np.isnan(rating))).then(pl.lit("n/a")).otherwise(whole)).to_series()
    given = pl.Series(rng.random(len(rating)) >= missing)
    return pl.select(pl.when(given).then(ticked)).to_series()


def _comments(felt: Floats, rng: np.random.Generator) -> pl.Series:
    """Give one answer in six a comment that suits it."""
    pool = [*_GRUMBLE, *_LUKEWARM, *_PRAISE]
    mood = np.digitize(felt, [5.5, 7.5])
    words = labels(pool, mood * 4 + rng.integers(0, 4, len(felt)))
    return pl.select(pl.when(pl.Series(rng.random(len(felt)) < COMMENT_SHARE)).then(words)).to_series()
