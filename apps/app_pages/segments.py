import polars as pl
import streamlit as st

from shared import blocks, filters
from shared.words import plain

seen = filters.seen()
result = seen.result("rfm")
segments = result.tables()["segments"]
customers = result.tables()["customers"]

blocks.headline(result)
blocks.picture(seen.opened, result, "segments")
left, right = st.columns(2, gap="medium")
with left:
    blocks.picture(seen.opened, result, "grid")
with right:
    blocks.picture(seen.opened, result, "treemap")
blocks.table(result.summary(), result, alt="Segments: customers, spend and orders")

st.header("Who they are, and what to do", anchor=False)
names = segments["segment"].to_list()
chosen = st.selectbox("Segment", names, key="show", bind="query-params")
row = segments.row(by_predicate=pl.col("segment") == chosen, named=True)
blocks.facts(row, result, ["n_customers", "spend", "spend_share", "recency_days", "mean_orders"])
st.markdown(plain(row["advice"]))
blocks.people(
    seen.opened,
    customers.filter(pl.col("segment") == chosen).sort("spend", "customer_id", descending=[True, False]),
    result,
    name=chosen,
    key="segment_people",
)

with st.expander("Cut-offs of the scores", icon=":material/straighten:"):
    blocks.table(
        result.tables()["thresholds"], result, alt="Cut-offs of the recency, frequency and money scores"
    )
blocks.footer(result, "segments", "thresholds")
