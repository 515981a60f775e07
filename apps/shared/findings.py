"""What every analysis found, grouped by the page on which it is shown in full."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from crm_analytics.registry import ANALYSES, Analysis
from shared import pages
from shared.filters import Seen
from shared.guard import guarded
from shared.words import plain


def show(seen: Seen) -> None:
    """Show a card for each page: they fill side by side, and whoever reads the figures above need not wait for them.

    Two columns, each on its own: a card of one finding leaves no gap beside a card of five.
    """
    places = st.columns(2, gap="medium")
    for i, (title, analyses) in enumerate(by_page(seen).items()):
        with places[i % 2], st.container(border=True, gap="small"):
            st.markdown(f"**{plain(title)}**")
            _card(seen, analyses)


def by_page(seen: Seen) -> dict[str, list[Analysis]]:
    """Give the analyses that the base has tables for, by the title of their page."""
    found: dict[str, list[Analysis]] = {}
    for analysis in ANALYSES:
        if analysis.name != "overview" and analysis.driver(seen.opened.base):
            found.setdefault(pages.title_of(analysis), []).append(analysis)
    return found


@st.fragment(parallel=True)
def _card(seen: Seen, analyses: Sequence[Analysis]) -> None:
    for analysis in analyses:
        with guarded():
            with st.spinner(f"{analysis.title} …"):
                found = seen.result(analysis.name)
            st.markdown(plain(found.headline()))
            pages.link(analysis, plain(analysis.title), icon_position="right")
