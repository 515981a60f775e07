import polars as pl
import streamlit as st

from shared import blocks, filters, kpi
from shared.words import plain

seen = filters.seen()
result = seen.result("rfm")
segments = result.tables()["segments"]

blocks.headline(result)
blocks.picture(seen.opened, result, "segments")
left, right = st.columns(2, gap="medium")
with left:
    blocks.picture(seen.opened, result, "grid")
with right:
    blocks.picture(seen.opened, result, "treemap")
blocks.table(
    result.summary().drop("what_to_do"),
    result,
    alt="Segments: customers, spend, recency and orders",
    key="segments_summary",
)

st.header("The customers of a segment", anchor=False)
names = segments["segment"].to_list()
chosen = st.pills(
    "Segment to show",
    names,
    default=names[0],
    required=True,
    key="show",
    bind="query-params",
    label_visibility="collapsed",
)
row = segments.row(by_predicate=pl.col("segment") == chosen, named=True)
kpi.facts(row, result, ["n_customers", "spend", "spend_share", "median_recency_days", "mean_orders"])
st.markdown(f"{plain(row['meaning'])}\n\n:material/task_alt: {plain(row['what_to_do'])}")
blocks.people(
    seen.opened,
    result.tables()["customers"]
    .filter(pl.col("segment") == chosen)
    .sort("spend", "customer_id", descending=[True, False], nulls_last=True),
    result,
    name=chosen,
    key="segment_people",
    shown=(
        "customer_id",
        "name",
        "spend",
        "n_orders",
        "last_ordered_on",
        "recency_days",
        "r_score",
        "f_score",
        "m_score",
    ),
)

with st.expander("Cut-offs of the scores", icon=":material/straighten:"):
    blocks.cut_offs(result)
blocks.footer(result, "segments", "thresholds")
