"""The dashboards: `streamlit run streamlit_app.py`, or `crm-analytics dashboard`."""

import streamlit as st

from shared import blocks, pages
from shared.guard import guarded

st.set_page_config(page_title="Customer analytics", page_icon=":material/groups:", layout="wide")

page = st.navigation(pages.menu())
st.title(page.title)
blocks.banner()
with guarded():
    page.run()
