import polars as pl
import streamlit as st

from shared import blocks, filters, kpi
from shared.words import plain

seen = filters.seen()
result = seen.result("value_tiers")
views = blocks.views(result)

blocks.headline(result)
left, right = st.columns(2, gap="medium")
with left:
    blocks.picture(seen.opened, result, "lorenz")
with right:
    blocks.picture(seen.opened, result, "whale")
blocks.picture(seen.opened, result, "deciles")
blocks.summary(result, alt="Value tiers, best customers, concentration and lists", key="value_summary")

st.header("Lists to act on", anchor=False)
lists = {row["list"]: row for row in result.tables()["lists"].iter_rows(named=True)}
chosen = st.pills(
    "List", list(lists), default=next(iter(lists)), required=True, key="list", bind="query-params",
    format_func=lambda name: lists[name]["list_label"], label_visibility="collapsed",
)  # fmt: skip
one = lists[chosen]
st.markdown(plain(one["list_definition"]))
kpi.facts(one, result, ["n_customers", "money_at_stake", "stake_share", "n_beyond_normal_variation"])
if chosen == "buying_less" and "decline" in views:
    blocks.picture(seen.opened, result, "decline")
rows = result.tables()["listed"].filter(pl.col("list") == chosen).drop("list", "position")
blocks.people(
    seen.opened, rows, result, name=one["list_label"], key=f"value_{chosen}",
    shown=("customer_id", "name", "money_at_stake", "spend_recent", "spend_before", "last_ordered_on", "reason"),
)  # fmt: skip
blocks.footer(result, "tiers", "lists", "listed")
