"""The words of the retention economics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.terms import Term, bounds, by_name

TERMS: Final[Mapping[str, Term]] = {
    **by_name(
        Term("lever", "Lever", "text", "What would be better: retention, spend per purchase, or the cost of winning customers."),
        Term("lever_change", "Change", "text", "By how much: points of yearly retention, percent of spend or of cost."),
        Term("lever_size", "Size of the change", "share", "The change as a share: 0.01 is one point of retention, or 1% of spend or cost."),
        Term("worth", "Worth", "money", "What the change is worth over the horizon on the customers there are (for the cost of winning: on those won meanwhile), discounted, before what the change itself costs."),
        Term("worth_share", "Share of base value", "share", "Worth divided by what the base is worth over the horizon as it stands."),
        Term("worth_per_customer", "Worth per customer", "money", "Worth divided by customers expected to be customers still (for the cost of winning: by customers won a year): the most the change may cost for each."),
        Term("base_value", "Base value", "money", "Expected margin (or spend, where no margin is known) of the customers there are over the horizon, discounted."),
        Term("yearly_retention", "Yearly retention", "share", "Share of those expected to be customers now who are expected to be customers in a year, by the model."),
        Term("retention_points", "Points of retention", "share", "Points of yearly retention more than now; 0.01 is one point."),
        Term("n_new_a_year", "New customers a year", "count", "Customers whose first order lies in the last 365 days; scaled up where the extract is shorter."),
        Term("n_new_needed", "New customers to replace one lost", "number", "Worth of an average customer who is one still and has bought at least twice, divided by that of a new one less the cost of winning one; empty where a new one does not bring that cost back."),
        Term("item", "Item", "text", "What is put beside each other: a customer kept, a new one, the cost of winning one."),
        Term("amount", "Amount", "money", "Expected margin (or spend) over the horizon, discounted; or the cost."),
        Term("item_definition", "Definition", "text", "What the item is."),
        Term("expected_alive", "Expected to be customers still", "count", "Sum of the customers' probabilities of being still a customer."),
        Term("horizon_days", "Horizon", "days", "Length of the time ahead that is valued."),
        Term("finding", "Finding", "text", "What the row is about."),
        Term("finding_text", "In words", "text", "What was found."),
    ),
    **bounds("worth", "Worth", "money"),
    **bounds("worth_share", "Share of base value", "share"),
    **bounds("worth_per_customer", "Worth per customer", "money"),
    **bounds("base_value", "Base value", "money"),
    **bounds("yearly_retention", "Yearly retention", "share"),
    **bounds("n_new_needed", "New customers to replace one lost", "number"),
    **bounds("amount", "Amount", "money"),
    **bounds("expected_alive", "Expected to be customers still", "count"),
}  # fmt: skip
"""Terms of the columns of retention economics."""
