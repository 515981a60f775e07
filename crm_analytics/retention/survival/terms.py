"""The words of survival."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from crm_analytics.terms import Term, bounds, by_name

_UNTIL: Final = "the day up to which means are taken"

TERMS: Final[Mapping[str, Term]] = {
    **by_name(
        Term("group", "Group", "text", "The group; each customer is in exactly one of each kind."),
        Term("day", "Day", "days", "Days since the customer's own beginning: the first day of the first contract, or the order before."),
        Term("n_at_risk", "At risk", "count", "Customers under observation who had not ended before, so that an end would have been seen."),
        Term("n_events", "Ends", "count", "Customers whose end (or, of orders, whose next order) was seen."),
        Term("n_censored", "Censored", "count", "Customers whose observation stopped without an end; they count as at risk until then."),
        Term("survival_rate", "Share still there", "share", "Kaplan-Meier estimate of the share who have not ended (of orders: not ordered again) by the end of the day."),
        Term("cumulative_hazard", "Cumulative hazard", "number", "Nelson-Aalen estimate: the sum of ends divided by customers at risk, day by day."),
        Term("tenure_period", "Period", "count", "Period of the customer's own time (months as a rule), 1 the first."),
        Term("hazard_rate", "Loss in the period", "share", "Of those still there at the beginning of the period and observed through all of it, the share who end in it (of orders: order again)."),
        Term("is_highest", "Highest", "flag", "Whether the period belongs to the time in which the loss of everyone is surely above that of all periods together, at its highest."),
        Term("until_day", "Up to day", "days", "The day up to which means are taken."),
        Term("kept_rate", "Share still there at the end", "share", f"Kaplan-Meier estimate of the share who have not ended by {_UNTIL}."),
        Term("restricted_mean_days", "Mean days", "days", f"Days a customer stays (of orders: waits) on average up to {_UNTIL}: the area under the curve."),
        Term("quarter_days", "Days until a quarter has ended", "days", "Day by which 25% have ended; empty where that was not reached."),
        Term("median_days", "Days until half have ended", "days", "Day by which 50% have ended; empty where that was not reached."),
        Term("three_quarter_days", "Days until three quarters have ended", "days", "Day by which 75% have ended; empty where that was not reached."),
        Term("comparison", "Comparison", "text", "Which groups are compared."),
        Term("group_one", "Group", "text", "The group whose mean is taken."),
        Term("group_other", "Other group", "text", "The group whose mean is taken off."),
        Term("log_rank", "Log-rank chi-square", "number", "The log-rank test of equal hazards at all times."),
        Term("log_rank_p_value", "Log-rank p-value", "number", "How often chance alone makes as large a difference of the curves."),
        Term("log_rank_p_holm", "Log-rank p-value after Holm", "number", "The p-value corrected for the number of pairs compared (Holm)."),
        Term("mean_difference_days", "Difference of mean days", "days", f"Mean days of the group less that of the other, up to {_UNTIL}."),
        Term("mean_difference_p_value", "p-value of the difference", "number", "How often chance alone makes as large a difference of the means."),
        Term("mean_difference_p_holm", "p-value of the difference after Holm", "number", "The p-value of the difference corrected for the number of pairs compared (Holm)."),
        Term("end_kind", "Way to end", "text", "Churn: the contract ends and is not resumed within the grace; pause: it is resumed within it; downgrade: the next contract costs less."),
        Term("incidence_rate", "Share ended so", "share", "Aalen-Johansen estimate of the share for whom this end came first by that day."),
        Term("one_minus_km_rate", "1 − Kaplan-Meier", "share", "What results if the other ends are taken as censored: as if they did not exist; it overstates."),
        Term("began_on", "Since", "day", "First day of the first contract, or day of the order before."),
        Term("tenure_days", "Days observed", "days", "Days from the beginning to the end, or to the last day observed."),
        Term("has_ended", "Ended", "flag", "Whether the end (of orders: the next order) was seen."),
        Term("entry_day", "Observed from day", "days", "Day of the customer's own time at which observation began; 0 where it was seen from the beginning."),
        Term("first_end_kind", "First thing that happened", "text", "Churn, pause or downgrade, whichever came first, or still there."),
        Term("covariate", "Attribute", "text", "The attribute, as it stood at the beginning."),
        Term("level", "Value", "text", "The value of the attribute; a number counts per standard deviation, so that numbers can be compared."),
        Term("reference_level", "Compared with", "text", "The value that others are compared with: the most frequent; empty for a number."),
        Term("log_hazard_ratio", "Log hazard ratio", "number", "Coefficient of Cox's model."),
        Term("log_hazard_ratio_error", "Standard error", "number", "Standard error of the log hazard ratio."),
        Term("hazard_ratio", "Hazard ratio", "number", "By which factor the hazard is higher than with the value compared with, other attributes alike; above 1 ends sooner."),
        Term("wald_p_value", "p-value", "number", "How often chance alone moves the hazard ratio as far from 1."),
        Term("proportionality_p_value", "Proportional, p-value", "number", "Test that the hazard ratio stays the same over time; small where it does not."),
        Term("diagnostic", "Check", "text", "What is checked of the model."),
        Term("diagnostic_value", "Figure", "number", "What the check gave."),
        Term("diagnostic_text", "Meaning", "text", "How to read it."),
        Term("finding", "Finding", "text", "What the row is about."),
        Term("finding_text", "In words", "text", "What was found."),
    ),
    **bounds("survival_rate", "Share still there", "share"),
    **bounds("cumulative_hazard", "Cumulative hazard", "number"),
    **bounds("hazard_rate", "Loss in the period", "share"),
    **bounds("kept_rate", "Share still there at the end", "share"),
    **bounds("restricted_mean_days", "Mean days", "days"),
    **bounds("quarter_days", "Days until a quarter has ended", "days"),
    **bounds("median_days", "Days until half have ended", "days"),
    **bounds("three_quarter_days", "Days until three quarters have ended", "days"),
    **bounds("mean_difference_days", "Difference of mean days", "days"),
    **bounds("incidence_rate", "Share ended so", "share"),
    **bounds("hazard_ratio", "Hazard ratio", "number"),
}  # fmt: skip
"""Terms of the columns that only survival has."""

_OF_ORDERS: Final = {
    "n_events": "Came back", "survival_rate": "Share not back yet", "hazard_rate": "Share back in the period",
    "kept_rate": "Share not back at the end", "restricted_mean_days": "Mean days waited",
    "quarter_days": "Days until a quarter are back", "median_days": "Days until half are back",
    "three_quarter_days": "Days until three quarters are back", "has_ended": "Came back",
}  # fmt: skip


def terms_of(table: str) -> Mapping[str, Term]:
    """Give the words of survival; of orders, where to end is to come back, by labels that say so.

    >>> terms_of("subscriptions")["median_days"].label, terms_of("transactions")["median_days"].label
    ('Days until half have ended', 'Days until half are back')
    """
    if table != "transactions":
        return TERMS
    return {name: replace(term, label=_label(term)) for name, term in TERMS.items()}


def _label(term: Term) -> str:
    for name, label in _OF_ORDERS.items():
        if term.name in (name, f"{name}_lower", f"{name}_upper"):
            return term.label.replace(TERMS[name].label, label)
    return term.label
