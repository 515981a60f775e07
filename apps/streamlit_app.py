"""The dashboards: `streamlit run streamlit_app.py`, or `crm-analytics dashboard`."""

from pathlib import Path

import streamlit as st

from shared import blocks, filters, pages
from shared.guard import guarded

st.set_page_config(
    page_title="Customer analytics", page_icon=Path(__file__).with_name("icon.png"), layout="wide"
)

page = st.navigation(pages.menu())
st.title(page.title)
blocks.banner(offer=page.title != "Data")
with guarded():
    if page.title in pages.FILTERED:
        filters.bar()
    page.run()
