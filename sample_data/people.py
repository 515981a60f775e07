"""Draw the customers: when and how they came, how they buy, what they are like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from sample_data.chance import Flags, Floats, Ints, Recipe, days_series, labels, logistic_rank, pick
from sample_data.truth import Truth

STEADY, FADING, RISING = 0, 1, 2
GROUPS = ["steady", "fading", "rising"]
NOT_CONTACTED, CONTROL, TREATED = 0, 1, 2
SAME_DAY_SHARE = 0.7
"""Customers who join with their first order; the others some days before."""
ACQUISITION_COST = {"web": 14.0, "store": 6.0, "marketplace": 9.0, "phone": 22.0}


def _words(text: str) -> list[str]:
    return text.split()


_GIVEN = _words(
    "Ada Alba Amir Anouk Arlo Asta Aurel Bea Benno Björn Bram Cara Casper Cleo Dara Dina Edda Eli Émile Esme Fadi "
    "Femke Finn Flora Gaia Gus Hana Hedda Hugo Ida Ines Iris Ivo Jana Jonas Juno Kai Kira Lars Lea Léonie Linus Lotte "
    "Luca Mads Mara Milo Mina Nadia Nell Noor Odin Olga Orla Otis Pia Quin Rafe Rhea Rosa Rune Saskia Seán Silas Sol "
    "Tara Theo Tilda Uma Vera Wim Xenia Yara Zeno Zoë"
)
_FRONT = _words(
    "Alder Amber Ash Bracken Bright Brook Clover Copper Dapple Elder Ember Fen Fern Gorse Hazel Heather Holly Juniper "
    "Larch Lark Linden Maple Marl Meadow Merle Moss Oat O'Thorn Quill Rowan Rush Saffron Sedge Silver Sorrel Swan "
    "Thistle Umber Willow Wren Müller Über"
)
_BACK = _words(
    "bank barrow bourne brae burn combe croft dale dell fell field fold ford garth gate ham holm hurst ley mere more "
    "ridge shaw stead stone thwaite well wick worth"
)


@dataclass(frozen=True, eq=False)
class People:
    """Customers as arrays, in the order in which they joined; a customer is known by its position."""

    joined_day: Ints
    first_day: Ints
    buyer: Flags
    channel: Ints
    country: Ints
    rate: Floats
    """Purchases per day while alive, before season and events."""
    dropout: Floats
    nu: Floats
    group: Ints
    returner: Flags
    bargain: Flags
    consent: Flags
    trait: Floats
    arms: Ints
    """One column per campaign: not contacted, control, treated."""

    @property
    def size(self) -> int:
        """Number of customers."""
        return len(self.rate)


def draw_people(recipe: Recipe) -> People:
    """Draw the customers."""
    truth, n = recipe.truth, recipe.size
    first, joined = _days(truth, n, recipe.stream("days"))
    rng = recipe.stream("people")
    buyer = rng.random(n) >= truth.prospect_share
    channel, country = pick(rng, truth.channels, n), pick(rng, truth.countries, n)
    alpha = np.array([truth.alpha[name] for name in truth.channels])
    rate = rng.gamma(truth.r, 1.0, n) / alpha[channel] / 7
    dropout, nu = rng.beta(truth.a, truth.b, n), rng.gamma(truth.q, 1 / truth.v, n)
    consent = rng.random(n) < truth.consent_share
    returner = rng.random(n) < truth.returner_share
    old = buyer & (first < truth.day(truth.migration_from))
    return People(
        joined_day=joined,
        first_day=first,
        buyer=buyer,
        channel=channel,
        country=country,
        rate=rate,
        dropout=dropout,
        nu=nu,
        group=_groups(truth, old, rate, recipe.stream("groups")),
        returner=returner,
        bargain=recipe.stream("bargain").random(n) < truth.bargain_share,
        consent=consent,
        trait=_trait(truth, rate, dropout, recipe.stream("trait")),
        arms=_arms(truth, buyer & consent, first, recipe.stream("arms")),
    )


def _days(truth: Truth, n: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw the day of the first order and of joining, sorted by joining."""
    launch = rng.random(n) < truth.launch_share
    wave = rng.exponential(truth.launch_days, n) % truth.n_days
    growth = np.log1p(truth.growth_per_year) * truth.n_days / 365.25
    steady = np.log1p(rng.random(n) * np.expm1(growth)) / growth * truth.n_days
    first = np.minimum(np.where(launch, wave, steady).astype(np.int64), truth.n_days - 1)
    lead = np.where(rng.random(n) < SAME_DAY_SHARE, 0, rng.exponential(6.0, n)).astype(np.int64)
    joined = np.maximum(first - lead, 0)
    order = np.lexsort((first, joined))
    return first[order], joined[order]


def _groups(truth: Truth, old: Flags, rate: Floats, rng: np.random.Generator) -> Ints:
    """Choose who fades (formerly good customers) and who rises (others) from the migration day on."""
    group = np.full(len(rate), STEADY, dtype=np.int64)
    if not old.any():
        return group
    good = old & (rate >= np.quantile(rate[old], 0.75))
    lot = rng.random(len(rate))
    group[good & (lot < truth.fading_share)] = FADING
    group[old & ~good & (lot < truth.rising_share)] = RISING
    return group


def _trait(truth: Truth, rate: Floats, dropout: Floats, rng: np.random.Generator) -> Floats:
    """Draw how satisfied each customer tends to be: goes with the rate, against the dropout."""
    by_rate, by_dropout = truth.trait_rate_weight, truth.trait_dropout_weight
    rest = np.sqrt(1 - by_rate**2 - by_dropout**2)
    noise = rng.standard_normal(len(rate))
    return np.asarray(by_rate * logistic_rank(rate) + by_dropout * logistic_rank(dropout) + rest * noise)


def _arms(truth: Truth, willing: Flags, first: Ints, rng: np.random.Generator) -> Ints:
    """Draw by lot whom each campaign reaches among those who consent and have ordered before it."""
    arms = np.zeros((len(first), len(truth.campaigns)), dtype=np.int64)
    for column, campaign in enumerate(truth.campaigns):
        contacted = willing & (first < truth.day(campaign.begins_on))
        contacted &= rng.random(len(first)) < campaign.contacted_share
        treated = rng.random(len(first)) < campaign.treated_share
        arms[:, column] = np.where(contacted, np.where(treated, TREATED, CONTROL), NOT_CONTACTED)
    return arms


def customers_frame(recipe: Recipe, people: People) -> pl.DataFrame:
    """Give the customers table."""
    truth, rng = recipe.truth, recipe.stream("customer details")
    base = np.array([ACQUISITION_COST[name] for name in truth.channels])[people.channel]
    cost = np.round(base * rng.lognormal(-0.08, 0.4, people.size), 2)
    return pl.DataFrame(
        {
            "customer_id": recipe.ids(),
            "name": _names(people.size, rng),
            "joined_on": days_series(truth, people.joined_day),
            "country": labels(list(truth.countries), people.country),
            "channel": labels(list(truth.channels), people.channel),
            "acquisition_cost": cost,
            "consent": people.consent,
        }
    )


def _names(n: int, rng: np.random.Generator) -> list[str]:
    """Invent names from word lists; a like name of a real person would be chance."""
    given, front, back = (rng.integers(len(words), size=n) for words in (_GIVEN, _FRONT, _BACK))
    return [f"{_GIVEN[g]} {_FRONT[f]}{_BACK[b]}" for g, f, b in zip(given, front, back, strict=True)]


def truth_frame(recipe: Recipe, people: People) -> pl.DataFrame:
    """Give what is true of each customer and stands in no table."""
    return pl.DataFrame(
        {
            "customer_id": recipe.ids(),
            "is_buyer": people.buyer,
            "first_day": people.first_day,
            "rate_per_week": people.rate * 7,
            "dropout": people.dropout,
            "nu": people.nu,
            "group": labels(GROUPS, people.group),
            "is_returner": people.returner,
            "is_bargain_hunter": people.bargain,
            "satisfaction_trait": people.trait,
        }
    )
