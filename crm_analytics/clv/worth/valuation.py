"""The steps that lifetime value and retention economics share: histories, model, spend, margin, worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from crm_analytics.aggregates import window as windows
from crm_analytics.clv.models.candidates import Choice, Model, choose
from crm_analytics.clv.worth import valued_customers
from crm_analytics.clv.worth.ahead import Worth
from crm_analytics.clv.worth.spending import expected_spend
from crm_analytics.clv.worth.standing import Histories, Standing
from crm_analytics.clv.worth.valued_customers import ValueBase
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_extract
from crm_analytics.results import Note

_DAYS_A_YEAR: Final = 365


@dataclass(frozen=True, eq=False)
class Valuation:
    """A base with the models fitted to it and its worth over a horizon; `rate` is the continuous discount rate a day."""

    extract: Extract
    window: windows.Window
    base: ValueBase
    choice: Choice
    worth: Worth
    horizon_days: int
    rate: float

    def parameters(self) -> dict[str, Any]:
        """Say what was decided on the way."""
        return {
            "margin_rate": self.base.margin.rate,
            "margin_basis": self.base.margin.basis,
            "model_taken": self.choice.name,
            "spend_basis": self.worth.spending.basis,
        }


def reference_notes(reference: Any) -> Iterator[Note]:  # noqa: ANN401 an Extract or any frame
    """Say what the models were fitted to, where that is not what is shown."""
    if reference is not None:
        text = "The models and the margin rate are those of all customers, not only of the customers shown."
        yield Note("fitted_to_all", text)


def valuate(
    tx: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None,
    customers: Any,  # noqa: ANN401 as above
    reference: Any,  # noqa: ANN401 as above
    horizon_days: int,
    annual_discount_rate: float,
    margin: float | None,
    model: Model,
) -> Valuation:
    """Work out what each customer is worth over the horizon."""
    extract = valued_customers.held(as_extract(tx))
    window = windows.resolve(extract, as_of=as_of)
    base = valued_customers.gather(extract, window, customers, margin, reference)
    histories = Histories.of(base.summary)
    known = None if reference is None else valued_customers.histories(reference, window)
    choice = choose(histories.frame if known is None else Histories.of(known).frame, model)
    rate = choice.fit.continuous_rate(annual_discount_rate)
    worth = Worth.of(
        Standing.of(choice.fit, histories),
        expected_spend(base.summary, known),
        base.margin,
        horizon=float(horizon_days),
        rate=rate,
    )
    return Valuation(extract, window, base, choice, worth, horizon_days, rate)


def horizon_words(days: int) -> str:
    """Say a horizon in words.

    >>> horizon_words(365), horizon_words(730), horizon_words(90)
    ('12 months', '2 years', '90 days')
    """
    if days in (_DAYS_A_YEAR, _DAYS_A_YEAR + 1):
        return "12 months"
    if days % _DAYS_A_YEAR == 0:
        return f"{days // _DAYS_A_YEAR} years"
    return "1 day" if days == 1 else f"{days:,} days"
