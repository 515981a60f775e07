"""The words of revenue retention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.retention.terms import TERMS as SHARED
from crm_analytics.terms import Term, bounds, by_name

_THERE: Final = "Of contracts the amount a month in force on the last day before; of orders the net spend of the period, or the stretch, before."
_NOW: Final = "Of contracts the amount a month in force on the last day; of orders the net spend of the period, or the stretch."

TERMS: Final[Mapping[str, Term]] = {
    **SHARED,
    **by_name(
        Term("period_on", "Period", "day", "First day of the calendar period."),
        Term("opening_revenue", "Opening revenue", "money", f"Recurring revenue at the beginning. {_THERE}"),
        Term("new_revenue", "New", "money", "Closing revenue of customers who began in between and never were customers before."),
        Term("returned_revenue", "Returned", "money", "Closing revenue of customers who were not there at the beginning but had been before (reactivation)."),
        Term("expansion_revenue", "Expansion", "money", "What customers there at both ends bring more than at the beginning."),
        Term("contraction_revenue", "Contraction", "money", "What customers there at both ends bring less than at the beginning, as a positive sum."),
        Term("lost_revenue", "Lost", "money", "Opening revenue of customers who are not there at the end (churn), as a positive sum."),
        Term("closing_revenue", "Closing revenue", "money", f"Recurring revenue at the end. {_NOW} Opening + new + returned + expansion − contraction − lost."),
        Term("refund_balance", "Refunds beyond purchases", "money", "Nought or less: what customers got back in the period beyond what they paid in it; in the ledger, in no movement."),
        Term("ledger_revenue", "Ledger", "money", "All revenue of the extract at the end of the period or in it: closing revenue and refunds beyond purchases."),
        Term("opening_customers", "Customers at the beginning", "count", "Customers with recurring revenue at the beginning; where amounts are not known, with a contract in force."),
        Term("new_customers", "New customers", "count", "Customers at the end who began in between and never were customers before."),
        Term("returned_customers", "Returned customers", "count", "Customers at the end who were not there at the beginning but had been before."),
        Term("expanded_customers", "Customers who grew", "count", "Customers there at both ends who bring more."),
        Term("contracted_customers", "Customers who shrank", "count", "Customers there at both ends who bring less."),
        Term("lost_customers", "Lost customers", "count", "Customers of the beginning who are not there at the end."),
        Term("closing_customers", "Customers at the end", "count", "Customers with recurring revenue at the end; where amounts are not known, with a contract in force."),
        Term("quick_ratio", "Quick ratio", "number", "What was gained (new, returned, expansion) divided by what was lost (contraction, lost); below 1 revenue shrinks. Empty where nothing was lost; its upper bound is empty where so few lost that it may be nobody."),
        Term("step", "Step", "text", "Step of the way from opening to closing revenue."),
        Term("step_revenue", "Revenue", "money", "What the step adds, or takes away (below nought); of opening and closing the revenue itself."),
        Term("step_customers", "Customers of the step", "count", "Customers of the step."),
        Term("rate_name", "Rate", "text", "What is measured: net or gross revenue retention, customer retention, customer or revenue churn."),
        Term("rate_definition", "By which definition", "text", "The definition the rate goes by; table definitions has its formula."),
        Term("stretch", "Over", "text", "The time between the two ends that are compared."),
        Term("rate", "Value", "share", "The rate; net retention may be above 100%, net churn below nought."),
        Term("rate_difference", "Against the usual one", "share", "The rate less that of the usual definition over the same time."),
        Term("rate_formula", "Formula", "text", "How the definition works the rate out."),
        Term("rate_why", "How it differs", "text", "Why the figure differs from that of the usual definition."),
        Term("kept_revenue", "Revenue now", "money", "Closing revenue of the customers who were there at the beginning."),
        Term("net_revenue_retention", "Net revenue retention", "share", "Closing revenue of the customers of the beginning divided by their opening revenue."),
        Term("gross_revenue_retention", "Gross revenue retention", "share", "The same with each customer's closing revenue at most their opening revenue; never above 100%."),
        Term("fallen_revenue", "Lost or cut back", "money", "Contraction and lost revenue together."),
        Term("loss_share", "Share of the losses", "share", "What was lost or cut back divided by that of all customers; empty where nothing was lost."),
        Term("customers_kept_share", "Customers kept", "share", "Customers there at the end divided by those of the beginning, or of the cohort."),
        Term("cohort_age", "Periods since the beginning", "count", "Periods after the one in which the cohort began; 0 is the end of that period itself."),
        Term("cohort_customers", "Customers of the cohort", "count", "Customers who began in the period."),
        Term("customers_there", "Customers still there", "count", "Customers of the cohort with recurring revenue at this age, those who came back among them."),
        Term("cohort_first_revenue", "Revenue at the beginning", "money", "What the cohort's customers began with: the monthly amount of their first day, or their spend of the first period."),
        Term("cohort_revenue", "Revenue at this age", "money", "What the cohort brings at this age, those who left counted as nought."),
        Term("revenue_kept_share", "Revenue kept", "share", "Revenue of the cohort at this age divided by what it began with."),
        Term("months_ahead", "Months ahead", "count", "Months after the as-of date."),
        Term("customers_ahead", "Customers of today still there", "number", "Customers under contract today who are expected to be so then, by the model of churn."),
        Term("revenue_ahead", "Revenue of today's customers", "money", "Monthly revenue to expect then from the customers of today, at today's amounts."),
        Term("revenue_ahead_share", "Share of today's revenue", "share", "Revenue to expect then from the customers of today divided by their revenue today."),
        Term("movement", "Movement", "text", "What became of the customer in the last whole period: new, returned, expansion, contraction, lost, unchanged; gone where there at neither end."),
        Term("trailing_opening_revenue", "Revenue at the beginning of the stretch", "money", "Recurring revenue at the beginning of the trailing stretch that the headline speaks of."),
        Term("trailing_movement", "Movement over the stretch", "text", "What became of the customer between the two ends of the trailing stretch."),
        Term("customer_since_on", "Customer since", "day", "First day of the period in which the customer began."),
        Term("finding", "Finding", "text", "What the row is about."),
        Term("finding_text", "In words", "text", "What was found."),
    ),
    **bounds("quick_ratio", "Quick ratio", "number"),
    **bounds("rate", "Value", "share"),
    **bounds("loss_share", "Share of the losses", "share"),
    **bounds("net_revenue_retention", "Net revenue retention", "share"),
    **bounds("gross_revenue_retention", "Gross revenue retention", "share"),
    **bounds("customers_kept_share", "Customers kept", "share"),
    **bounds("revenue_kept_share", "Revenue kept", "share"),
    **bounds("customers_ahead", "Customers of today still there", "number"),
    **bounds("revenue_ahead", "Revenue of today's customers", "money"),
}  # fmt: skip
"""Terms of the columns of revenue retention."""
