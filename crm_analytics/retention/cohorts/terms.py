"""The words of the cohort table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.retention.cohorts.definitions import TERMS as DEFINITION_TERMS
from crm_analytics.retention.cohorts.options import Value
from crm_analytics.retention.terms import TERMS as SHARED
from crm_analytics.terms import Term, Unit, bounds, by_name

VALUES: Final[Mapping[Value, tuple[str, Unit, str]]] = {
    "customers": ("Retention", "share", "Active customers divided by the customers of the cohort."),
    "orders": ("Orders per customer", "number", "Orders at the age divided by all customers of the cohort, whether they stayed or not."),
    "spend": ("Spend per customer", "money", "Spend at the age, net of refunds, divided by all customers of the cohort, whether they stayed or not."),
    "margin": ("Margin per customer", "money", "Spend less cost at the age, divided by all customers of the cohort, whether they stayed or not."),
    "average_order": ("Spend per order", "money", "Spend at the age, net of refunds, divided by the orders of the age."),
    "cumulative": ("Cumulative spend per customer", "money", "Spend from entry to the age, net of refunds, divided by all customers of the cohort, whether they stayed or not."),
    "payback": ("Cost of winning paid back", "share", "Margin (or spend, where not every cost is known) from entry to the age, divided by what winning the same customers cost."),
}  # fmt: skip
"""What the cells can show: label, unit and definition."""

TERMS: Final[Mapping[str, Term]] = {
    **DEFINITION_TERMS,
    **SHARED,
    **by_name(
        Term("period", "Age", "count", "Periods since entry, 0 that of the entry itself; of a bracket its first."),
        Term("period_from", "Looked at from age", "count", "First age that decides whether a customer counts as active in the cell."),
        Term("period_to", "Looked at to age", "count", "Last age that decides whether a customer counts as active in the cell; empty where every later age does."),
        Term("n_cohorts", "Cohorts", "count", "Cohorts with a finished cell of the age."),
        Term("n_returned", "Came again", "count", "Customers who acted beside their entry: at age 0 with a second order, later with any."),
        Term("retention_rate", "Retention", "share", "Active customers divided by the customers who could have been; 1 at age 0."),
        Term("is_suppressed", "Too few to show", "flag", "Whether the cohort has fewer customers than are shown."),
        Term("cumulative_spend", "Cumulative spend", "money", "Spend of the cohort from entry to the age, net of refunds."),
        Term("cumulative_spend_per_customer", "Cumulative spend per customer", "money", "Spend from entry to the age, net of refunds, divided by all customers of the cohort, whether they stayed or not."),
        Term("cumulative_margin", "Cumulative margin", "money", "Margin of the cohort from entry to the age; empty where the cost of any line is not known."),
        Term("cumulative_margin_per_customer", "Cumulative margin per customer", "money", "Margin from entry to the age divided by all customers of the cohort, whether they stayed or not."),
        Term("n_with_cost", "Customers whose cost is known", "count", "Customers of the cohort for whom the customers table says what winning them cost."),
        Term("cohort_acquisition_cost", "Cost of winning the cohort", "money", "What winning the cohort's customers cost, of those for whom it is known."),
        Term("payback_share", "Cost of winning paid back", "share", "Margin (or spend, where not every cost is known) from entry to the age, divided by what winning the same customers cost."),
        Term("paid_back_period", "Paid back at age", "count", "First finished age at which the cost of winning is paid back; empty where it is not yet."),
        Term("shrunk_rate", "Retention, shrunk", "share", "Retention drawn towards that of the other cohorts of the same age (beta-binomial): the fewer customers, the more."),
        Term("periods_observed", "Ages lived through", "count", "Ages that every customer of the cohort has lived through before the as-of date."),
        Term("n_returned_so_far", "Came again so far", "count", "Customers of the cohort with an action at any later age, finished or not."),
        Term("returned_share", "Came again so far, share", "share", "Customers with an action at any later age divided by the customers of the cohort; young cohorts have had less time."),
        Term("average", "Average", "text", "How the cohorts are averaged: pooled, simple or mature_only."),
        Term("average_definition", "Definition", "text", "What the average divides by what."),
        Term("verdict", "Verdict", "text", "Better, worse or no clear change: whether the trend over the cohorts differs from none (5% level)."),
        Term("first_rate", "First cohort, fitted", "share", "Retention of the first cohort on the fitted line."),
        Term("last_rate", "Last cohort, fitted", "share", "Retention of the last cohort on the fitted line."),
        Term("rate_change", "Change, first to last cohort", "share", "Retention of the last cohort less that of the first, both on the fitted logistic line."),
        Term("p_value", "P-value", "number", "How often chance alone would show as much where there is nothing, two-sided."),
        Term("dispersion", "Dispersion", "number", "Scatter of the cohorts around the line over that of chance alone; 1 is chance."),
        Term("last_active_period", "Last active at age", "count", "Age of the customer's last action so far."),
        Term("active_periods", "Active at ages", "text", "Ages at which the customer acted, such as 0 1 4."),
        Term("entered_on", "Entered", "day", "Day of the action with which the customer entered the cohort."),
        Term("lost_after_share", "Share lost after it", "share", "Customers whose last action was at this age, divided by all who were observed as long; at the last age of the table, those who were still there."),
        Term("is_active", "Active", "flag", "Whether the cell counts the customer as active."),
        Term("calendar_on", "Period", "day", "First day of the calendar period in which the money came."),
        Term("finding", "Finding", "text", "What the row is about."),
        Term("finding_text", "In words", "text", "What was found."),
        Term("group", "Group", "text", "The group; each customer is in exactly one of each kind."),
    ),
    **bounds("retention_rate", "Retention", "share"),
    **bounds("shrunk_rate", "Retention, shrunk", "share"),
    **bounds("payback_share", "Cost of winning paid back", "share"),
    **bounds("returned_share", "Came again so far, share", "share"),
    **bounds("lost_after_share", "Share lost after it", "share"),
    **bounds("rate_change", "Change, first to last cohort", "share"),
    **bounds("spend_per_customer", "Spend per customer", "money"),
    **bounds("cumulative_spend_per_customer", "Cumulative spend per customer", "money"),
}  # fmt: skip


def terms_for_value(value: Value) -> dict[str, Term]:
    """Give the terms with that of the shown value, whose unit depends on what is shown."""
    label, unit, definition = VALUES[value]
    shown = Term("shown_value", label, unit, definition)
    return {**TERMS, "shown_value": shown, **bounds("shown_value", label, unit)}
