import streamlit as st

from shared import blocks, filters, findings, kpi

seen = filters.seen()
result = seen.result("overview")

blocks.headline(result)
kpi.overview(result)

left, right = st.columns(2, gap="medium")
with left:
    blocks.picture(seen.opened, result, "trend")
with right:
    blocks.picture(seen.opened, result, "customers_by_kind")

below = st.container()  # the findings take longest and come last, in their place
blocks.footer(result, "figures")
with below:
    st.header("Findings", anchor=False)
    findings.show(seen)
