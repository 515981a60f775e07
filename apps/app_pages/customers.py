import streamlit as st

from shared import blocks, customers, filters, pages
from shared.words import counted

seen = filters.seen()
everyone = customers.everyone(seen)
chosen = st.query_params.get("customer", "").strip()

if chosen:
    st.page_link(pages.CUSTOMERS, label="All customers", icon=":material/arrow_back:")
    customers.profile(seen, everyone, chosen)
else:
    find = st.text_input(
        "Find a customer",
        key="find",
        type="search",
        placeholder="Name or id",
        bind="query-params",
        live="300ms",
    )
    found = customers.matching(everyone.frame, find)
    if found.height:
        blocks.people_table(
            found, everyone.terms, everyone.currency, name="customers", key="customers", shown=customers.SHOWN
        )
    else:
        st.info(
            f"No customer matches. {counted(everyone.frame.height, 'customer')} are there in all.",
            icon=":material/search_off:",
        )
