"""The words of how customers buy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.clv.terms import TERMS as CLV_TERMS
from crm_analytics.terms import Term, bounds, by_name

_SHARED: Final = (
    "p_alive",
    "p_alive_lower",
    "p_alive_upper",
    "expected_purchases",
    "finding",
    "finding_text",
)
_LEAVING: Final = (
    "the probability of leaving, after each purchase (BG/NBD, MBG/NBD) or within a year (Pareto/NBD)"
)
_M: Final = "the later of a customer's last two gaps between purchases, divided by both together"

TERMS: Final[Mapping[str, Term]] = {
    **{name: CLV_TERMS[name] for name in _SHARED},
    **by_name(
        Term("repeats", "Repeat purchases", "text", "Days with a purchase after the first one, up to the as-of date; the last group holds all higher numbers."),
        Term("expected_customers", "Customers, as the model has it", "number", "How many customers the model expects to have so many repeat purchases at the ages they have."),
        Term("expected_customers_lower", "Customers, as the model has it, lower bound", "number", "Lower end of where the number lies in 95 of 100 cases if the model holds."),
        Term("expected_customers_upper", "Customers, as the model has it, upper bound", "number", "Upper end of where the number lies in 95 of 100 cases if the model holds."),
        Term("frequency", "Repeat purchases", "count", "Days with a purchase after the first one."),
        Term("silent_days", "Days of silence", "days", "Days since the last purchase."),
        Term("n_customers_near", "Customers there", "count", "Customers whose number of purchases and days of silence are nearest to the cell's, whatever their age."),
        Term("silence_half_days", "Even chance of having left after", "days", "Days of silence after which a customer with so many repeat purchases is as likely gone as not; empty where that is not reached within the history."),
        Term("days_since_first", "Days since the first purchase", "days", "Time since a customer's first purchase."),
        Term("expected_repeats", "Repeat purchases expected", "number", "Repeat purchases that a new customer is expected to make up to then."),
        Term("actual_repeats", "Repeat purchases made", "number", "Mean number of repeat purchases up to then, of the customers who were observed for so long; empty where they are fewer than 10."),
        Term("n_observed", "Customers observed for so long", "count", "Customers whose first purchase lies at least so long back."),
        Term("is_observed", "Within the history", "flag", "Whether so long a time lies within the history, or the model goes beyond it."),
        Term("rate_from", "Purchases a year, from", "number", "Lower end of a class of the yearly rate of purchases while a customer."),
        Term("rate_to", "Purchases a year, below", "number", "Upper end of the class; empty for the last one, which is open."),
        Term("leaving_from", "Probability of leaving, from", "share", f"Lower end of a class of {_LEAVING}."),
        Term("leaving_to", "Probability of leaving, to", "share", f"Upper end of a class of {_LEAVING}."),
        Term("model_share", "Share of customers, as the model has it", "share", "Share of the customers who fall into the class by the fitted distribution."),
        Term("observed_share", "Share observed", "share", "Share of what was observed that falls into the class."),
        Term("chance_share", "Share if by chance alone", "share", "Share that would fall into the class if customers bought at random times (Poisson), whatever their rates."),
        Term("gap_from", "Gap from", "days", "Lower end of a class of the days from one purchase to the next."),
        Term("gap_to", "Gap below", "days", "Upper end of the class; empty for the last one, which is open."),
        Term("n_gaps", "Gaps", "count", "Pairs of successive purchases of a customer."),
        Term("share_so_far", "Share up to there", "share", "Share of all gaps that are below the upper end of the class."),
        Term("gap_median_days", "Half come back within", "days", "Days within which half of the repeat purchases came after the one before."),
        Term("gap_90_days", "Nine in ten come back within", "days", "Days within which nine in ten of the repeat purchases came after the one before."),
        Term("place_from", "Later gap's part, from", "number", f"Lower end of a class of {_M}."),
        Term("place_to", "Later gap's part, to", "number", f"Upper end of a class of {_M}."),
        Term("regularity", "Regularity", "index", "Shape k of the gaps (Wheat and Morrison 1990): 1 is chance (Poisson), 2 and more a rhythm, below 1 bursts."),
        Term("spend_from", "Spend per purchase, from", "money", "Lower end of a class of a customer's mean spend per repeat purchase."),
        Term("spend_to", "Spend per purchase, below", "money", "Upper end of the class; empty for the last one, which is open."),
        Term("line", "Line", "count", "Place in the picture, the first customer on top."),
        Term("seen_on", "Day", "day", "The day."),
        Term("purchased", "Purchase", "flag", "Whether the customer bought on the day."),
    ),
    **bounds("silence_half_days", "Even chance of having left after", "days"),
    **bounds("expected_repeats", "Repeat purchases expected", "number"),
    **bounds("model_share", "Share of customers, as the model has it", "share"),
    **bounds("regularity", "Regularity", "index"),
}  # fmt: skip
"""Terms of the columns of how customers buy."""
