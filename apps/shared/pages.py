"""The pages of the dashboards, in the order of the menu, and the page on which each analysis is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st

OVERVIEW: Final = "app_pages/overview.py"
SEGMENTS: Final = "app_pages/segments.py"
VALUE: Final = "app_pages/value.py"
CUSTOMERS: Final = "app_pages/customers.py"
DATA: Final = "app_pages/data.py"
DEFINITIONS: Final = "app_pages/definitions.py"

OF_ANALYSIS: Final[Mapping[str, str]] = {"overview": OVERVIEW, "rfm": SEGMENTS, "value_tiers": VALUE}
"""Where an analysis is shown."""

FILTERED: Final = frozenset({"Overview", "Segments", "Value", "Customers"})
"""Titles of the pages that show the base as the filter bar says."""


def menu() -> list[st.Page]:
    """Make the pages of the menu."""
    return [
        st.Page(
            OVERVIEW, title="Overview", icon=":material/monitoring:", default=True,
            help="How is the customer base doing, against the period before and the same period last year?",
        ),
        st.Page(
            SEGMENTS, title="Segments", icon=":material/donut_small:",
            help="Who is recent, frequent and valuable, who is slipping away, and what to do about each segment.",
        ),
        st.Page(
            VALUE, title="Value", icon=":material/stacked_bar_chart:",
            help="Who brings the money, how concentrated it is, and which good customers are declining.",
        ),
        st.Page(
            CUSTOMERS, title="Customers", icon=":material/person_search:",
            help="Find a customer: orders, scores, segment, tier and history.",
        ),
        st.Page(
            DATA, title="Data", icon=":material/database:",
            help="What the figures are made from, what was set aside and why; open files of your own.",
        ),
        st.Page(
            DEFINITIONS, title="Definitions", icon=":material/menu_book:",
            help="What every word and figure means, and how it is worked out.",
        ),
    ]  # fmt: skip
