"""The words of the life cycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.terms import Term, bounds, by_name

_RATE: Final = "of the periods learned from, those that are whole and recent"

TERMS: Final[Mapping[str, Term]] = {
    **by_name(
        Term("period_on", "Period", "day", "First day of the calendar period."),
        Term("n_opening", "Opening base", "count", "Customers active at the end of the period before: who ordered recently enough not to be dormant."),
        Term("n_new", "New", "count", "Active customers whose first order in the extract fell in the period."),
        Term("n_resurrected", "Back after a pause", "count", "Customers who were dormant or lost and ordered in the period."),
        Term("n_newly_dormant", "Went dormant", "count", "Customers of the opening base whose silence grew too long by the end of the period."),
        Term("n_closing", "Closing base", "count", "Opening base plus new plus back after a pause less went dormant."),
        Term("n_ordering", "Ordering", "count", "Customers with an order in the period: new, retained and back after a pause."),
        Term("n_retained", "Retained", "count", "Customers of the opening base who ordered in the period."),
        Term("n_quiet", "Quiet", "count", "Customers of the closing base without an order in the period."),
        Term("n_back_from_dormant", "Back from dormant", "count", "Customers back after a pause who were dormant before."),
        Term("n_back_from_lost", "Back from lost", "count", "Customers back after a pause who had been given up as lost."),
        Term("n_newly_lost", "Became lost", "count", "Dormant customers whose silence grew so long by the end of the period that they count as lost."),
        Term("n_dormant", "Dormant", "count", "Customers who are dormant at the end of the period."),
        Term("n_lost", "Lost", "count", "Customers who are lost at the end of the period."),
        Term("pulse", "Pulse", "number", "New customers and those back after a pause, divided by those who went dormant; below 1 the base shrinks. Empty where nobody went dormant."),
        Term("dormancy_rate", "Dormancy rate", "share", "Customers who went dormant in the period divided by the opening base."),
        Term("from_state", "From", "text", "State at the end of a period."),
        Term("to_state", "To", "text", "State at the end of the period after."),
        Term("n_from", "Customer-periods in the state", "count", f"Customers in the state, once for each period, {_RATE}."),
        Term("n_transitions", "Changes", "count", f"Customers of the state who were in the other state a period later, {_RATE}."),
        Term("transition_rate", "Rate of change", "share", "Changes divided by customers in the state; a customer counts once for each period, so the bounds are a little too narrow."),
        Term("days_in_period", "Days with an order in the period", "count", "Different days of one period on which a customer ordered."),
        Term("n_exactly", "Exactly so many days", "count", f"Customers who ordered on exactly so many days of a period, once for each period, {_RATE}."),
        Term("n_at_least", "So many days or more", "count", f"Customers who ordered on so many days of a period or more, once for each period, {_RATE}."),
        Term("exactly_share", "Share with exactly so many days", "share", "Divided by all customers who ordered, once for each period."),
        Term("at_least_share", "Share with so many days or more", "share", "Divided by all customers who ordered, once for each period."),
        Term("periods_ahead", "Periods ahead", "count", "Periods after the last that is whole."),
        Term("expected_base", "Expected active base", "number", "Customers to expect in the base at the end of the period if customers go on coming and changing state as in the recent periods; its bounds are those of the count itself."),
        Term("expected_ordering", "Expected to order", "number", "Customers to expect with an order in the period if customers go on as in the recent periods; its bounds are those of the count itself."),
        Term("state", "State", "text", "New, retained or resurrected: ordered in the period (for the first time, active before, after a pause); quiet: no order, not yet dormant; dormant; lost. The active base is the first four."),
        Term("long_run_customers", "Customers in the long run", "number", "Customers in the state once the base has settled, if customers go on coming and changing state as in the recent periods."),
        Term("state_since_on", "In the state since", "day", "First day of the period in which the customer came into the state."),
        Term("order_by_on", "Order needed by", "day", "Last day on which an order keeps the customer from going dormant; empty for the dormant and the lost."),
        Term("finding", "Finding", "text", "What the row is about."),
        Term("finding_text", "In words", "text", "What was found."),
    ),
    **bounds("pulse", "Pulse", "number"),
    **bounds("dormancy_rate", "Dormancy rate", "share"),
    **bounds("transition_rate", "Rate of change", "share"),
    **bounds("exactly_share", "Share with exactly so many days", "share"),
    **bounds("at_least_share", "Share with so many days or more", "share"),
    **bounds("expected_base", "Expected active base", "number"),
    **bounds("expected_ordering", "Expected to order", "number"),
    **bounds("long_run_customers", "Customers in the long run", "number"),
}  # fmt: skip
"""Terms of the columns that only the life cycle has."""
