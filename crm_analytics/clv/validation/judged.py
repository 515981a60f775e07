"""Models and simple rules side by side over one holdout period: what each forecast, and how far it was off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl

from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.candidates import LABELS, Choice, Model, choose
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.clv.validation.accuracy import Accuracy, Draws, accuracy, against
from crm_analytics.clv.validation.holdout import Holdout
from crm_analytics.clv.validation.simple_rules import RULES, Forecast, simple_rules
from crm_analytics.clv.worth.spending import Spending, expected_spend

NAMES: Final[Mapping[str, str]] = {**LABELS, **RULES}
"""All forecasts by name, as they are written."""

Verdict = Literal["better", "level", "worse"]


@dataclass(frozen=True, eq=False)
class Judged:
    """One holdout period: the customers, all forecasts, and their accuracy for purchases and, where known, for spend."""

    back: Holdout
    choice: Choice
    spending: Spending | None
    forecasts: Mapping[str, Forecast]
    purchases: Mapping[str, Accuracy]
    spend: Mapping[str, Accuracy]

    @property
    def chosen(self) -> str:
        """Name of the model that was taken."""
        return self.choice.name

    @property
    def rule(self) -> str:
        """Name of the simple rule that missed a customer's purchases by least."""
        return best_rule(self.purchases)

    @property
    def actual(self) -> Floats:
        """Purchases that were made within the holdout period, per customer."""
        return self.back.people["frequency_holdout"].cast(pl.Float64).to_numpy()

    @property
    def n(self) -> int:
        """How many customers there were at the origin."""
        return self.back.people.height

    def verdict(self) -> Verdict:
        """Say whether the model beat the best simple rule in the mean miss, surely and not at the price of larger misses."""
        difference, lower, upper = against(self.purchases[self.chosen], self.purchases[self.rule], "mae")
        large = self.purchases[best_rule(self.purchases, "rmse")]
        larger, _, _ = against(self.purchases[self.chosen], large, "rmse")
        if difference is None or lower is None or upper is None or larger is None:
            return "level"
        if upper < 0 and larger <= 0:
            return "better"
        return "worse" if lower > 0 and larger >= 0 else "level"


def best_rule(found: Mapping[str, Accuracy], figure: str = "mae") -> str:
    """Name the simple rule with the smallest error."""
    return min((n for n in RULES if n in found), key=lambda n: found[n].values[figure] or 0.0)


def judge(back: Holdout, model: Model, *, n_draws: int, seed: int, order: bool) -> Judged:
    """Fit at the origin, forecast the holdout period by models and rules, and compare with what happened.

    Raises
    ------
    NotEnoughDataError
        If there are too few customers, or too few who bought again, before the origin.
    """
    choice = choose(back.histories.frame, model)
    spending = expected_spend(back.people) if back.has_spend() else None
    each = np.zeros(back.people.height) if spending is None else spending.per_purchase
    forecasts = simple_rules(back)
    for name, fit in choice.fits.items():
        bought = purchases_of(fit, back)
        if np.isfinite(bought).all():
            forecasts[name] = Forecast(bought, bought * each)
    draws = Draws.of(back.people.height, n_draws, seed, order=order)
    actual = back.people["frequency_holdout"].cast(pl.Float64).to_numpy()
    money = np.maximum(back.people["spend_holdout"].to_numpy(), 0.0)
    return Judged(
        back,
        choice,
        spending,
        forecasts,
        {name: accuracy(actual, f.purchases, draws) for name, f in forecasts.items()},
        {name: accuracy(money, f.spend, draws) for name, f in forecasts.items()} if spending else {},
    )


def purchases_of(fit: PurchaseFit, back: Holdout) -> Floats:
    """Give what a fit forecasts for each customer within the holdout period."""
    distinct = fit.expected_purchases(back.histories.frame, horizon=back.horizon).to_numpy()
    return distinct[back.histories.of_customer]
