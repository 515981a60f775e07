"""The words of the value tiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.terms import Term, bounds, by_name

_RECENT: Final = "in the months compared (12 as a rule) before the as-of date"

TERMS: Final[Mapping[str, Term]] = {
    **by_name(
        Term("tier", "Tier", "text", "A: the fewest best customers who make 80% of spend (or the share chosen); B: those who bring it to 95%; C: the rest."),
        Term("decile", "Decile", "count", "Tenth of the customers by spend, 1 the best; customers who spent the same are in the same decile."),
        Term("rank", "Rank", "count", "Place by spend, 1 the best; customers who spent the same share a place."),
        Term("cumulative_spend_share", "Cumulative share of spend", "share", "Share of all spend that this customer and all who spent as much or more bring."),
        Term("least_spend", "Least spend", "money", "Spend of the smallest customer of the row."),
        Term("most_spend", "Most spend", "money", "Spend of the largest customer of the row."),
        Term("top_share", "Top", "share", "The best so-many of the customers by spend."),
        Term("lorenz_customer_share", "Share of customers, smallest first", "share", "Customers counted from the one who spent least."),
        Term("lorenz_spend_share", "Share of spend, smallest first", "share", "Spend of those customers divided by all positive spend; spend below nought counts as nought."),
        Term("n_best_customers", "Best customers", "count", "Customers counted from the one who brings most."),
        Term("best_customer_share", "Share of customers, best first", "share", "Customers counted from the one who brings most, divided by all customers of the curve."),
        Term("cumulative_value", "Cumulative value", "money", "Margin (or spend, where costs are not known) of the best so-many customers together."),
        Term("cumulative_value_share", "Cumulative share of value", "share", "Cumulative value divided by that of all; above 1 where the remaining customers cost money."),
        Term("is_peak", "Peak", "flag", "Whether every further customer adds nothing or takes away."),
        Term("whale_basis", "Value measured as", "text", "Margin where the costs of enough customers are known, else spend."),
        Term("measure", "Measure", "text", "The measure of concentration, by its name in the tables."),
        Term("measure_label", "Measure", "text", "The measure of concentration."),
        Term("measure_value", "Value", "number", "The measure's value, in its own unit."),
        Term("measure_text", "Value", "text", "The measure's value."),
        Term("measure_definition", "Definition", "text", "What the measure means."),
        Term("list", "List", "text", "The list, by its name in the tables."),
        Term("list_label", "List", "text", "The list of customers to act on."),
        Term("list_definition", "Definition", "text", "Who is on the list and what is at stake."),
        Term("money_at_stake", "Money at stake", "money", "Most valuable: spend in the recent months; buying less: what they spend less; silent: spend in the months up to their last order."),
        Term("stake_share", "Share of recent spend", "share", f"Money at stake divided by the spend of all customers {_RECENT}."),
        Term("n_beyond_normal_variation", "Falls beyond normal variation", "count", "Customers of the list whose own order pattern does not explain the fall."),
        Term("position", "Place", "count", "Place on the list, most money at stake first."),
        Term("spend_recent", "Recent spend", "money", f"Spend {_RECENT}, net of refunds."),
        Term("spend_before", "Spend before", "money", "Spend in the months of equal number before those, net of refunds."),
        Term("spend_change", "Change", "money", "Recent spend less spend before."),
        Term("relative_change", "Change in percent", "share", "Recent spend against spend before; −0.25 is a quarter less."),
        Term("is_beyond_normal_variation", "Beyond normal variation", "flag", "Whether a steady customer with orders of this size falls so far less than one time in twenty."),
        Term("n_orders_recent", "Recent orders", "count", f"Orders {_RECENT}."),
        Term("n_orders_before", "Orders before", "count", "Orders in the months of equal number before those."),
        Term("reason", "Why on the list", "text", "What put the customer on the list."),
        Term("finding", "Finding", "text", "What the row is about."),
        Term("finding_text", "In words", "text", "What was found."),
        Term("money", "Money", "money", "Spend, margin or money at stake of the row's customers."),
    ),
    **bounds("spend_share", "Share of spend", "share"),
    **bounds("measure_value", "Value", "number"),
}  # fmt: skip
"""Terms of the columns that only the value tiers have."""
