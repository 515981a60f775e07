import polars as pl
import streamlit as st

from shared import blocks, filters
from shared.words import plain

seen = filters.seen()
result = seen.result("value_tiers")

blocks.headline(result)
left, right = st.columns(2, gap="medium")
with left:
    blocks.picture(seen.opened, result, "lorenz")
with right:
    blocks.picture(seen.opened, result, "whale")
blocks.picture(seen.opened, result, "deciles")
blocks.table(result.summary(), result, alt="Value tiers: customers and spend")

st.header("Lists to act on", anchor=False)
blocks.picture(seen.opened, result, "decline")
lists = result.tables()["lists"]
listed = result.tables()["listed"]
for one in lists.iter_rows(named=True):
    st.subheader(plain(one["list_label"]), anchor=False)
    st.markdown(plain(one["list_definition"]))
    blocks.facts(one, result, ["n_customers", "money_at_stake", "stake_share", "n_beyond_normal_variation"])
    rows = listed.filter(pl.col("list") == one["list"]).drop("list", "position")
    blocks.people(seen.opened, rows, result, name=one["list_label"], key=f"value_{one['list']}")

blocks.footer(result, "tiers", "lists")
