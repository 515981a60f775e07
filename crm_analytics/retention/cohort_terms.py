"""The words of the cohort table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.terms import Term, bounds, by_name

TERMS: Final[Mapping[str, Term]] = {
    **by_name(
        Term("cohort_on", "Cohort", "day", "First day of the period in which the cohort's customers entered it."),
        Term("period", "Age", "count", "Periods since entry, 0 that of the entry itself; of a bracket its first."),
        Term("period_from", "Looked at from age", "count", "First age that decides whether a customer counts as active in the cell."),
        Term("period_to", "Looked at to age", "count", "Last age that decides whether a customer counts as active in the cell; the cell is finished when it is over."),
        Term("n_cohorts", "Cohorts", "count", "Cohorts with a finished cell of this age."),
        Term("n_active", "Active", "count", "Customers of the cohort who meet the criterion at this age."),
        Term("n_returned", "Came again", "count", "Customers who acted at this age beside their entry: at age 0 with a second order, later with any."),
        Term("retention_rate", "Retention", "share", "Active customers divided by the customers of the cohort; 1 at age 0."),
        Term("is_complete", "Complete", "flag", "Whether the extract covers the whole period; others are never compared."),
        Term("is_suppressed", "Too few to show", "flag", "Whether the cohort has fewer customers than are shown."),
        Term("cumulative_spend", "Cumulative spend", "money", "Spend of the cohort from entry to this age, net of refunds."),
        Term("cumulative_spend_per_customer", "Cumulative spend per customer", "money", "Spend from entry to this age, net of refunds, divided by all customers of the cohort, whether they stayed or not."),
        Term("cumulative_margin", "Cumulative margin", "money", "Margin of the cohort from entry to this age; empty where the cost of any line is not known."),
        Term("cumulative_margin_per_customer", "Cumulative margin per customer", "money", "Margin from entry to this age divided by all customers of the cohort, whether they stayed or not."),
        Term("group", "Group", "text", "The group; each customer is in exactly one of each kind."),
    ),
    **bounds("retention_rate", "Retention", "share"),
    **bounds("cumulative_spend_per_customer", "Cumulative spend per customer", "money"),
}  # fmt: skip
