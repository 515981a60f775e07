"""Simple rules that a model must beat: what anybody would forecast with a pocket calculator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.clv.likelihoods.rows import Codes, Floats
from crm_analytics.clv.validation.holdout import Holdout

RULES: Final[Mapping[str, str]] = {
    "similar": "Average of similar customers",
    "own_rate": "Own mean rate so far",
    "last_period": "As in the last period",
    "all_alike": "All customers alike",
}
"""The rules by name."""

IN_WORDS: Final[Mapping[str, str]] = {
    "similar": "the average of customers alike in recency and frequency",
    "own_rate": "each customer's own mean rate",
    "last_period": "each customer's rate in the last period",
    "all_alike": "the same rate for all",
}

_FIFTHS: Final = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True, eq=False)
class Forecast:
    """Purchases and spend within the holdout period, one number per customer."""

    purchases: Floats
    spend: Floats


def simple_rules(back: Holdout) -> dict[str, Forecast]:
    """Make the forecasts of each rule for the customers of a holdout, from what was known at its origin.

    - own_rate: repeat purchases so far, divided by the days since the first purchase
    - last_period: repeat purchases of the last `lookback` days, divided by the days of them after the first purchase
    - similar: the mean that followed in the `lookback` days before the origin for customers who were then in the same
      cell of fifths of frequency x days since the last purchase
    - all_alike: all repeat purchases so far, divided by all days since first purchases
    """
    people = back.people
    x, age, recent = (people[c].cast(pl.Float64).to_numpy() for c in ("frequency", "T", "recent_purchases"))
    repeat_spend = np.maximum(x * people["monetary_value"].to_numpy(), 0.0)
    lately = np.maximum(people["recent_spend"].to_numpy(), 0.0)
    seen = np.minimum(age, back.lookback)
    h = back.horizon
    rules = {
        "own_rate": Forecast(h * _rate(x, age), h * _rate(repeat_spend, age)),
        "last_period": Forecast(h * _rate(recent, seen), h * _rate(lately, seen)),
        "all_alike": Forecast(*(h * _pooled(v, age) for v in (x, repeat_spend))),
    }
    if back.before is not None:
        per_day = h / back.lookback
        cells = _Cells.of(back.before)
        rules["similar"] = Forecast(
            *(per_day * cells.mean(people, column) for column in ("frequency_holdout", "spend_holdout"))
        )
    return rules


def _rate(amounts: Floats, days: Floats) -> Floats:
    return np.where(days > 0, amounts / np.maximum(days, 1.0), 0.0)


def _pooled(amounts: Floats, days: Floats) -> Floats:
    return np.full(len(days), amounts.sum() / max(days.sum(), 1.0))


@dataclass(frozen=True, eq=False)
class _Cells:
    """Fifths of frequency x days since the last purchase; customers of equal value are in the same fifth."""

    before: pl.DataFrame
    frequency_cuts: Floats
    silence_cuts: Floats

    @classmethod
    def of(cls, before: pl.DataFrame) -> _Cells:
        cuts = [np.unique(np.quantile(values, _FIFTHS)) for values in _axes(before)]
        return cls(before, *cuts)

    def fifths(self, people: pl.DataFrame) -> tuple[Codes, Codes]:
        frequency, silence = _axes(people)
        return np.searchsorted(self.frequency_cuts, frequency), np.searchsorted(self.silence_cuts, silence)

    def mean(self, people: pl.DataFrame, column: str) -> Floats:
        """Give the mean of those who were in each customer's cell; of the same frequency where nobody was."""
        later = np.maximum(self.before[column].cast(pl.Float64).to_numpy(), 0.0)
        size = len(_FIFTHS) + 1
        (f0, s0), (f, s) = self.fifths(self.before), self.fifths(people)
        overall = later.mean()
        by_frequency = _means(f0, later, size, np.full(size, overall))
        by_cell = _means(f0 * size + s0, later, size * size, np.repeat(by_frequency, size))
        found: Floats = by_cell[f * size + s]
        return found


def _axes(people: pl.DataFrame) -> tuple[Floats, Floats]:
    silence = people["T"] - people["recency"]
    return people["frequency"].cast(pl.Float64).to_numpy(), silence.cast(pl.Float64).to_numpy()


def _means(codes: Codes, values: Floats, size: int, otherwise: Floats) -> Floats:
    counts, sums = np.bincount(codes, minlength=size), np.bincount(codes, values, size)
    return np.where(counts > 0, sums / np.maximum(counts, 1), otherwise)
