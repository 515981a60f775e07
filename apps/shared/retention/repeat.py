"""Repeat purchase: whether, how soon and how often customers come back, and who is late."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from crm_analytics.results import Result
from shared import blocks, controls
from shared.filters import Seen

_OCCASIONS: Final = {"day": "A day with orders", "order": "Each order"}
_LATE: Final = {0.1: "1 in 10", 0.05: "1 in 20", 0.2: "1 in 5", 0.01: "1 in 100"}
_USUAL: Final = {"occasion": "day", "late_below": 0.1, "newly_late_days": 90, "follow_days": 180}
_LISTS: Final = {"newly": "Newly late", "late": "All who are late", "all": "Everyone"}
_SHOWN: Final = (
    "customer_id", "name", "yearly_spend", "late_for_days", "days_silent", "typical_gap_days", "lapse_ratio",
    "lapse_ratio_lower", "lapse_ratio_upper", "silence_probability", "expected_next_on", "n_orders", "last_ordered_on",
)  # fmt: skip


def show(seen: Seen) -> None:
    """Show the steps from order to order, the rhythm, who is late, and what goes with a second order."""
    options = _ask(seen)
    with st.spinner("Reading each customer's rhythm …"):
        result = seen.result("repeat_purchase", **options)
    blocks.headline(result)
    steps = result.tables()["steps"]
    if steps.height:
        row = steps.row(0, named=True)
        controls.tiles(
            row,
            result,
            [*[c for c in steps.columns if c.endswith("d_rate")], "half_returned_days"],
            row["n_customers"],
        )
    controls.pictures(seen.before_segments, result, ("curve", "moments", "gaps", "late"))
    _late(seen, result, int(options.get("newly_late_days", _USUAL["newly_late_days"])))
    st.header("What goes with a second order", anchor=False)
    controls.pictures(seen.before_segments, result, ("first_purchase", "segments"))
    controls.shown_table(result, "first_purchase", "First orders compared", ":material/compare_arrows:")
    if options.get("by"):
        blocks.table(result.tables()["segments"], result, alt="The groups", key="repeat_groups")
    controls.summary(result, "repeat_summary")
    controls.shown_table(result, "steps", "From each order to the next", ":material/stairs:")
    blocks.footer(result, "steps", "customers", "first_purchase")


def _late(seen: Seen, result: Result, newly: int) -> None:
    st.header("Who is late", anchor=False)
    people = result.tables()["customers"]
    late = people.filter("is_late").sort("yearly_spend", "customer_id", descending=[True, False])
    lists = {
        "newly": late.filter(pl.col("late_for_days") <= newly),
        "late": late,
        "all": people.sort("yearly_spend", "customer_id", descending=[True, False]),
    }
    which = controls.segmented("Who", _LISTS, "late_list")
    st.markdown(
        "Silent for longer than their own rhythm explains. "
        ":material/task_alt: Write to the newly late first, those who spend most at the top; a few are late by chance."
    )
    controls.listing(seen, lists[which], result, _LISTS[which], "repeat_people", _SHOWN)


def _ask(seen: Seen) -> dict[str, Any]:
    columns = controls.attributes(seen.before_segments, "transactions", "customers")
    with (
        st.expander("Options", icon=":material/tune:", key="repeat_options"),
        st.grid(4, min_column_width=200, gap="small"),
    ):
        said: dict[str, Any] = {
            "by": controls.choice("Compare by", {None: "Nothing", **columns}, "repeat_by", "As it stood in the first order."),
            "occasion": controls.choice("A purchase is", _OCCASIONS, "occasion"),
            "late_below": controls.choice("Late where only", _LATE, "late_below", "of active customers are silent for so long."),
            "newly_late_days": controls.number("Newly late, days", "newly_late", 1, 1000, usual=90),
            "follow_days": controls.number("First orders followed, days", "follow", 1, 1000, usual=180),
        }  # fmt: skip
    return {key: value for key, value in said.items() if value not in (None, _USUAL.get(key))}
