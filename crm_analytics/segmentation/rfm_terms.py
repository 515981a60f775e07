"""The words of RFM: what each of its columns means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crm_analytics.terms import SHARED, Term, Unit, bounds, by_name

_WITH_BOUNDS: Final[Mapping[str, tuple[str, Unit]]] = {
    "customer_share": ("Share of customers", "share"),
    "spend_share": ("Share of spend", "share"),
    "median_recency_days": ("Typical days since last order", "days"),
    "mean_orders": (SHARED["mean_orders"].label, "number"),
    "spend_per_customer": (SHARED["spend_per_customer"].label, "money"),
}

TERMS: Final[Mapping[str, Term]] = {
    **by_name(
        Term(
            "r_score",
            "Recency score",
            "score",
            "From 1 (last order longest ago) to the highest score (most recent). Equal days have equal scores.",
        ),
        Term(
            "f_score",
            "Frequency score",
            "score",
            "From 1 (fewest orders) to the highest score (most orders). Equal numbers have equal scores.",
        ),
        Term(
            "m_score",
            "Money score",
            "score",
            "From 1 (least net spend) to the highest score (most). It does not decide the segment.",
        ),
        Term(
            "median_recency_days",
            "Typical days since last order",
            "days",
            "Half of the customers of the row ordered more recently, half longer ago.",
        ),
        Term("meaning", "Who they are", "text", "Who is in the segment."),
        Term("what_to_do", "What to do", "text", "What practice advises for the segment."),
        Term("dimension", "Measured by", "text", "What is scored: recency_days, n_orders or spend."),
        Term("score", "Score", "score", "The score; the highest is the best."),
        Term(
            "from",
            "From",
            "number",
            "The lowest value with the score, in the unit of what is scored; empty where there is no lower end.",
        ),
        Term(
            "to",
            "To",
            "number",
            "The highest value with the score; for spend, the value below which it stays. Empty where there is no "
            "upper end.",
        ),
    ),
    **{k: v for name, (label, unit) in _WITH_BOUNDS.items() for k, v in bounds(name, label, unit).items()},
}
"""Terms of RFM's own columns."""
