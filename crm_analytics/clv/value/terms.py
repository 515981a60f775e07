"""The words of the lifetime value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.clv.terms import TERMS as SHARED
from crm_analytics.terms import Term, bounds, by_name

_CHANCE: Final = (
    "what customers will happen to do is in it, beside the uncertainty of the estimate; 95 of 100 outcomes lie between the "
    "bounds if the models hold. Not given for fewer than 10 customers."
)

TERMS: Final[Mapping[str, Term]] = {
    **SHARED,
    **by_name(
        Term("lifetime_value", "Lifetime value", "money", "Expected margin (or spend, where no margin is known) of the purchases still to come within the horizon, discounted to the as-of date; what a customer brought so far is not in it."),
        Term("value_rank", "Place by lifetime value", "count", "1 is the most valuable; customers of the same value share a place."),
        Term("value_decile", "Tenth by lifetime value", "count", "Tenth of the customers by lifetime value, 1 the best; customers of the same value are in the same tenth."),
        Term("value_share", "Share of lifetime value", "share", "Lifetime value of the row divided by that of all customers."),
        Term("value_per_customer", "Lifetime value per customer", "money", "Lifetime value divided by customers, those who have left included."),
        Term("outcome_lower", "Outcome, lower bound", "money", f"Lower end of the range of the money that will actually come in: {_CHANCE}"),
        Term("outcome_upper", "Outcome, upper bound", "money", f"Upper end of the range of the money that will actually come in: {_CHANCE}"),
        Term("p_alive_before", "Still a customer, months ago", "share", "The same probability some months earlier (3 unless said), from the history up to then; empty for customers who came later."),
        Term("expected_alive", "Expected to be customers still", "count", "Sum of the customers' probabilities of being still a customer."),
        Term("expected_spend_per_purchase", "Expected spend per purchase", "money", "What a purchase of the customer is expected to come to: the customer's own mean, drawn towards that of all the more, the fewer purchases there are."),
        Term("expected_next_on", "Next order by", "day", "Day by which the next order will have come with a probability of one half; empty where it more likely never comes, or only beyond ten years."),
        Term("is_slipping", "Slipping", "flag", "Good customer so far (best 20% by spend unless said) who had come back at least once and whose probability of being still a customer fell by 20 points or more (unless said) in the last months."),
        Term("value_at_stake", "Value at stake", "money", "Of a slipping customer: lifetime value had the probability of being still a customer stayed what it was, less lifetime value now."),
        Term("days_silent", "Days without an order", "days", "Days from the last order to the day before the as-of date."),
        Term("usual_gap_days", "Usual gap between orders", "days", "Days from the first to the last day with a purchase, divided by the number of gaps."),
        Term("joined", "Joined", "text", "Quarter of the customer's first order in the extract, or its year where quarters are many."),
        Term("acquisition_cost", "Cost of winning", "money", "What winning the customer cost, from the customers table."),
        Term("mean_acquisition_cost", "Cost of winning a customer", "money", "Mean cost of winning a customer, of those whose cost is known."),
        Term("value_to_cost", "Value to cost of winning", "number", "Margin (or spend) brought so far plus lifetime value, divided by the cost of winning, where that is known; below 1 the cost does not come back within the horizon."),
        Term("payback_days", "Payback", "days", "Days until a new customer with the row's first order has brought back the row's cost of winning; 0 where the first order does; empty beyond ten years."),
        Term("value_margin_rate", "Margin rate taken", "share", "Margin divided by spend; empty where no margin is known and value is in spend."),
        Term("horizon_days", "Horizon", "days", "Length of the time ahead that is valued."),
        Term("until_on", "Until", "day", "The day up to which value is added up, from the as-of date on."),
        Term("days_ahead", "Days ahead", "days", "Days from the as-of date."),
        Term("value_so_far", "Value up to then", "money", "Expected discounted margin (or spend) of all purchases from the as-of date up to the day."),
        Term("purchases_so_far", "Purchases up to then", "number", "Purchases expected from the as-of date up to the day."),
        Term("parameter", "Parameter", "text", "The parameter as the literature calls it; times are in days."),
        Term("estimate", "Estimate", "index", "Maximum-likelihood estimate."),
        Term("standard_error", "Standard error", "index", "By the delta method; empty where the data do not identify the parameter."),
    ),
    **bounds("lifetime_value", "Lifetime value", "money"),
    **bounds("value_per_customer", "Lifetime value per customer", "money"),
    **bounds("expected_alive", "Expected to be customers still", "count"),
    **bounds("expected_purchases", "Expected purchases", "number"),
    **bounds("expected_spend_per_purchase", "Expected spend per purchase", "money"),
    **bounds("value_so_far", "Value up to then", "money"),
    **bounds("estimate", "Estimate", "index"),
}  # fmt: skip
"""Terms of the columns of lifetime value."""
