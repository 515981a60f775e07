import streamlit as st

from shared import blocks, filters, pages
from shared.words import plain

seen = filters.seen()
there = {a.name: a for a in pages.without_page() if a.driver(seen.opened.base)}
if not there:
    st.info("The tables of this base serve no further analysis.", icon=":material/hourglass_empty:")
    st.stop()

chosen = st.pills(
    "Analysis",
    list(there),
    default=next(iter(there)),
    required=True,
    key="analysis",
    bind="query-params",
    format_func=lambda name: there[name].title,
    label_visibility="collapsed",
)
st.markdown(plain(there[chosen].question))
with st.spinner("Working it out …"):
    result = seen.result(chosen)

blocks.headline(result)
for view in result.views:
    blocks.picture(seen.opened, result, view.name)
blocks.summary(result, alt=f"Summary: {plain(result.title)}", key=f"{chosen}_summary")
people = result.tables().get("customers")
if people is not None and "customer_id" in people.columns:
    st.header("The customers", anchor=False)
    blocks.people(seen.opened, people, result, name=result.title, key=f"{chosen}_people")
blocks.footer(result)
