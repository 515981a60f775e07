"""The words that rooms of customer value share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.terms import Term, bounds, by_name

TERMS: Final[Mapping[str, Term]] = {
    **by_name(
        Term("model", "Model", "text", "The model."),
        Term("is_chosen", "Taken", "flag", "Whether the figures are from this model."),
        Term("log_likelihood", "Log-likelihood", "number", "Log-likelihood of the model at its estimates."),
        Term("aic", "AIC", "number", "Akaike's information criterion, twice the parameters less twice the log-likelihood; lower is better among models of the same data."),
        Term("aic_difference", "AIC above that taken", "number", "AIC less that of the model taken; a difference below 2 is none."),
        Term("is_identified", "Identified", "flag", "Whether the estimate is a proper maximum inside its range."),
        Term("diagnosis", "Diagnosis", "text", "What the data do not identify, in words."),
        Term("p_alive", "Still a customer", "share", "Probability, from the customer's own history, that the customer has not left for good."),
        Term("expected_purchases", "Expected purchases", "number", "Days with a purchase to expect within the horizon, the chance of having left allowed for."),
        Term("group_kind", "Grouped by", "text", "What the customers are grouped by: when they joined, channel or country."),
        Term("group", "Group", "text", "The group; each customer is in exactly one of each kind."),
        Term("finding", "Finding", "text", "What the row is about."),
        Term("finding_text", "In words", "text", "What was found."),
    ),
    **bounds("p_alive", "Still a customer", "share"),
}  # fmt: skip
