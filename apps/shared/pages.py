"""The pages of the dashboards, in the order of the menu, and the page on which each analysis is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import streamlit as st

from crm_analytics import registry
from crm_analytics.registry import Analysis

OVERVIEW: Final = "app_pages/overview.py"
SEGMENTS: Final = "app_pages/segments.py"
VALUE: Final = "app_pages/value.py"
LIFETIME_VALUE: Final = "app_pages/lifetime_value.py"
RETENTION: Final = "app_pages/retention.py"
SATISFACTION: Final = "app_pages/satisfaction.py"
COMPLAINTS: Final = "app_pages/complaints.py"
MORE: Final = "app_pages/more.py"
CUSTOMERS: Final = "app_pages/customers.py"
DATA: Final = "app_pages/data.py"
DEFINITIONS: Final = "app_pages/definitions.py"

TITLES: Final[Mapping[str, str]] = {
    OVERVIEW: "Overview", SEGMENTS: "Segments", VALUE: "Value", LIFETIME_VALUE: "Lifetime value", RETENTION: "Retention",
    SATISFACTION: "Satisfaction", COMPLAINTS: "Complaints", MORE: "More analyses", CUSTOMERS: "Customers", DATA: "Data", DEFINITIONS: "Definitions",
}  # fmt: skip

OF_ANALYSIS: Final[Mapping[str, str]] = {
    "overview": OVERVIEW, "rfm": SEGMENTS, "value_tiers": VALUE, "lifetime_value": LIFETIME_VALUE,
    "clv_validation": LIFETIME_VALUE, "retention_economics": LIFETIME_VALUE, "buying_patterns": LIFETIME_VALUE,
    "cohort_retention": RETENTION, "survival": RETENTION, "lifecycle": RETENTION, "repeat_purchase": RETENTION,
    "revenue_retention": RETENTION, "satisfaction_scores": SATISFACTION, "satisfaction_drivers": SATISFACTION,
    "importance_performance": SATISFACTION, "penalty_reward": SATISFACTION, "kano": SATISFACTION,
    "complaints": COMPLAINTS,
}  # fmt: skip
"""Where an analysis has a page of its own; every other one in the registry is shown on the page `MORE`."""

PART_OF: Final[Mapping[str, str]] = {
    "cohort_retention": "Cohorts", "survival": "Survival", "lifecycle": "Life cycle",
    "repeat_purchase": "Repeat purchase", "revenue_retention": "Revenue", "satisfaction_scores": "Scores",
    "satisfaction_drivers": "Drivers", "penalty_reward": "Shape", "kano": "Kano",
}  # fmt: skip
"""The part of its page in which an analysis is shown, where the page shows one part at a time."""

FILTERED: Final = frozenset(
    TITLES[page]
    for page in (
        OVERVIEW,
        SEGMENTS,
        VALUE,
        LIFETIME_VALUE,
        RETENTION,
        SATISFACTION,
        COMPLAINTS,
        MORE,
        CUSTOMERS,
    )
)
"""Titles of the pages that show the base as the filter bar says."""


def without_page() -> list[Analysis]:
    """Give the analyses that have no page of their own."""
    return [a for a in registry.ANALYSES if a.name not in OF_ANALYSIS]


def title_of(analysis: Analysis) -> str:
    """Give the title of the page on which an analysis is shown."""
    return TITLES[OF_ANALYSIS.get(analysis.name, MORE)]


def link(analysis: Analysis, label: str, *, icon_position: Literal["left", "right"] = "left") -> None:
    """Put a link to the page of an analysis."""
    own, part = OF_ANALYSIS.get(analysis.name), PART_OF.get(analysis.name)
    query = {"part": part} if part else None if own else {"analysis": analysis.title}
    st.page_link(
        own or MORE, label=label, icon=":material/arrow_forward:", icon_position=icon_position, query_params=query
    )  # fmt: skip


def menu() -> list[st.Page]:
    """Make the pages of the menu; the page of further analyses only where there are any."""
    more = st.Page(
        MORE, title=TITLES[MORE], icon=":material/insights:", help="Every further analysis of this base.",
        visibility="visible" if without_page() else "hidden",
    )  # fmt: skip
    return [
        st.Page(
            OVERVIEW, title=TITLES[OVERVIEW], icon=":material/monitoring:", default=True,
            help="How is the customer base doing, against the period before and the same period last year?",
        ),
        st.Page(
            SEGMENTS, title=TITLES[SEGMENTS], icon=":material/donut_small:",
            help="Who is recent, frequent and valuable, who is slipping away, and what to do about each segment.",
        ),
        st.Page(
            VALUE, title=TITLES[VALUE], icon=":material/stacked_bar_chart:",
            help="Who brings the money, how concentrated it is, and which good customers are declining.",
        ),
        st.Page(
            LIFETIME_VALUE, title=TITLES[LIFETIME_VALUE], icon=":material/trending_up:",
            help="What customers will still bring, who brings it, who is slipping, and what it is worth to keep them.",
        ),
        st.Page(
            RETENTION, title=TITLES[RETENTION], icon=":material/repeat:",
            help="How many customers stay, whether it is getting better, and where they are lost.",
        ),
        st.Page(
            SATISFACTION, title=TITLES[SATISFACTION], icon=":material/reviews:",
            help="How satisfied customers are, what moves it, and what to put right first.",
        ),
        st.Page(
            COMPLAINTS, title=TITLES[COMPLAINTS], icon=":material/support_agent:",
            help="How many complaints there are, how fast they are resolved, what about, and what they go with.",
        ),
        more,
        st.Page(
            CUSTOMERS, title=TITLES[CUSTOMERS], icon=":material/person_search:",
            help="Find a customer: orders, scores, segment, tier and history.",
        ),
        st.Page(
            DATA, title=TITLES[DATA], icon=":material/database:",
            help="What the figures are made from, what was set aside and why; open files of your own.",
        ),
        st.Page(
            DEFINITIONS, title=TITLES[DEFINITIONS], icon=":material/menu_book:",
            help="What every word and figure means, and how it is worked out.",
        ),
    ]  # fmt: skip
