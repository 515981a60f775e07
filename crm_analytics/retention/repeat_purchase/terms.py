"""The words of repeat purchase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from crm_analytics.terms import Term, bounds, by_name

_FOLLOWED: Final = "of customers who could be followed for all of the time the row or the notes say"

_ALWAYS: Final[Mapping[str, Term]] = {
    **by_name(
        Term("order_number", "Order number", "count", "1 for the customer's first order in the extract, 2 for the second …; all orders of a day count as one unless said."),
        Term("n_came_back", "Came back", "count", "Customers of the row who placed a next order."),
        Term("median_wait_days", "Median days to the next order", "days", "Days by which half of all customers with this order have placed the next one, those still awaited allowed for (Kaplan-Meier); empty where fewer than half come back."),
        Term("half_returned_days", "Half of those who return are back by day", "days", "Days by which half of those who return have returned, of those who do so within the longest of the times told that could be followed, a year as a rule."),
        Term("most_returned_days", "Four in five of those who return are back by day", "days", "Days by which 80% of those who return have returned, of those who do so within the longest of the times told that could be followed, a year as a rule."),
        Term("peak_from_day", "Likeliest from day", "count", "First day, counted from the order, of the fortnight in which the next order is likeliest for those still awaited."),
        Term("peak_to_day", "Likeliest to day", "count", "Last day of the fortnight in which the next order is likeliest for those still awaited."),
        Term("days_since_order", "Days since the order", "days", "Days from the order of this number."),
        Term("n_awaited", "Still awaited", "count", "Customers who are still followed and have not placed the next order."),
        Term("return_rate", "Share back", "share", f"Share of customers who placed the next order in the time the row or the notes say; on curves those still awaited are allowed for (Kaplan-Meier), elsewhere it is counted {_FOLLOWED}."),
        Term("from_day", "From day", "count", "First day of the stretch, counted from the order."),
        Term("to_day", "To day", "count", "Last day of the stretch, counted from the order."),
        Term("n_came", "Came in the stretch", "count", "Customers whose next order came in the stretch."),
        Term("weekly_return_rate", "Come in a week", "share", "Next orders in the stretch divided by the weeks for which customers were awaited in it: the chance that one still awaited comes within a week."),
        Term("gap_from_days", "Gap from", "days", "Shortest gap between orders of the row."),
        Term("gap_to_days", "Gap to", "days", "Longest gap between orders of the row; empty for the last row, which has no end."),
        Term("n_ended_gaps", "Gaps", "count", "Gaps between a customer's orders that have ended; a silence that still lasts is not among them, so long gaps are a little too few."),
        Term("gap_share", "Share of gaps", "share", "Gaps of the row divided by all gaps that have ended."),
        Term("gap_share_so_far", "Share of gaps up to this length", "share", "Gaps of this row and shorter ones divided by all gaps that have ended."),
        Term("n_customers_by_median", "Customers by median gap", "count", "Customers the median of whose gaps lies in the row."),
        Term("customer_by_median_share", "Share of customers by median gap", "share", "Divided by all customers with a gap."),
        Term("n_occasions", "Days with a purchase", "count", "Purchase occasions: days with an order, or orders where the analysis was told to keep those of a day apart."),
        Term("n_at_least_customers", "Customers with so many or more", "count", "Customers who bought so many times or more often."),
        Term("at_least_customer_share", "Share with so many or more", "share", "Divided by all customers who were counted: those with an order."),
        Term("counted", "Counted", "text", "Who is counted, and up to when: all first orders, or the mature ones, which lie far enough back; within a fixed time, or up to the as-of date."),
        Term("n_once", "Bought once", "count", "Customers without a second order in the time the row says."),
        Term("once_rate", "Share who bought once", "share", "Customers without a second order divided by the customers of the row."),
        Term("median_gap_days", "Median gap", "days", "Median of the customer's own gaps between orders, as they are; of a group, the median of its customers' medians."),
        Term("has_own_rhythm", "Has a rhythm", "flag", "Whether the customer has a gap of their own: two occasions or more."),
        Term("typical_gap_days", "Typical gap", "days", "The customer's middle gap, estimated from their own gaps and drawn towards that of all customers the more, the fewer gaps there are; without a gap, that of all."),
        Term("days_silent", "Days without an order", "days", "Days from the last order to the day before the as-of date."),
        Term("lapse_ratio", "Lapse ratio", "number", "Days without an order divided by the typical gap; its bounds come from those of the typical gap."),
        Term("silence_probability", "Chance of such a silence", "share", "Probability that a customer with this history who is still active lets more than so many days pass; small means late."),
        Term("expected_next_on", "Next order by", "day", "Day by which the next order will have come with a probability of one half; empty where it more likely never comes, or only beyond ten years."),
        Term("late_on", "Late from", "day", "Day from which the customer is late against the own rhythm; empty without a rhythm, or beyond ten years."),
        Term("is_late", "Late", "flag", "Whether the chance of such a silence is below the limit, 10% unless said; empty for customers without a rhythm of their own."),
        Term("late_for_days", "Late for", "days", "Days since the customer became late."),
        Term("yearly_spend", "Spend in the last active year", "money", "What the customer spent in the 365 days up to the last order; returns booked under other orders are not taken off."),
        Term("first_by", "Compared by", "text", "What of the first order is compared: product, category, channel or country."),
        Term("first_value", "In the first order", "text", "The value that the customer's first order had, alone or with others."),
        Term("n_others", "Others", "count", "Customers followed whose first order did not have the value, or who are not of the group."),
        Term("other_return_rate", "Share back of the others", "share", f"Share of the others who came back, {_FOLLOWED}."),
        Term("return_difference", "Difference", "share", "Share back of the row less that of the others, in points."),
        Term("corrected_p", "p, corrected", "number", "Probability of a difference at least so large by chance alone, corrected for the number of comparisons (Benjamini and Hochberg); empty where there are too few."),
        Term("evidence", "Evidence", "text", "What the corrected probability says at the level of 5%."),
        Term("group", "Group", "text", "The group; each customer is in exactly one of each kind."),
        Term("n_followed", "Followed", "count", "Customers whose first order lies far enough back to have been followed for all of the time the notes say."),
        Term("n_with_rhythm", "With a rhythm", "count", "Customers with two purchase occasions or more."),
        Term("n_late", "Late customers", "count", "Customers who are late against their own rhythm."),
        Term("late_rate", "Share late", "share", "Late customers divided by customers with a rhythm."),
        Term("finding", "Finding", "text", "What the row is about."),
        Term("finding_text", "In words", "text", "What was found."),
    ),
    **bounds("median_wait_days", "Median days to the next order", "days"),
    **bounds("return_rate", "Share back", "share"),
    **bounds("weekly_return_rate", "Come in a week", "share"),
    **bounds("customer_share", "Share of customers", "share"),
    **bounds("at_least_customer_share", "Share with so many or more", "share"),
    **bounds("gap_share", "Share of gaps", "share"),
    **bounds("gap_share_so_far", "Share of gaps up to this length", "share"),
    **bounds("customer_by_median_share", "Share of customers by median gap", "share"),
    **bounds("once_rate", "Share who bought once", "share"),
    **bounds("typical_gap_days", "Typical gap", "days"),
    **bounds("lapse_ratio", "Lapse ratio", "number"),
    **bounds("return_difference", "Difference", "share"),
    **bounds("late_rate", "Share late", "share"),
}  # fmt: skip


def terms(within_days: Sequence[int]) -> dict[str, Term]:
    """Give all terms, with those of the shares back within each time."""
    found = dict(_ALWAYS)
    for days in within_days:
        name, label = f"return_{days}d_rate", f"Back within {days:,} days"
        found[name] = Term(
            name,
            label,
            "share",
            f"Share of customers with this order who place the next within {days:,} days, those still awaited allowed for "
            "(Kaplan-Meier); empty where nobody could be followed for so long.",
        )
        found |= bounds(name, label, "share")
    return found


WITHIN_DAYS: Final = (30, 90, 180, 365)
"""The times within which the share back is told, unless said."""

TERMS: Final[Mapping[str, Term]] = terms(WITHIN_DAYS)
"""Terms of the columns that only repeat purchase has, with the usual times."""
