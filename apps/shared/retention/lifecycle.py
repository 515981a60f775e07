"""Life cycle: who comes, stays, falls silent and comes back, and where the base is heading."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from crm_analytics.results import Result
from shared import blocks, controls
from shared.filters import Seen
from shared.retention.cohort_options import PERIODS
from shared.words import heading

_DEFINITIONS: Final = {
    "fixed": "So many periods without an order",
    "own_cadence": "Each customer's own rhythm",
}
_USUAL: Final = {"period": "month", "definition": "fixed", "lookback": 12, "horizon": 12}
_LABELS: Final = {
    "period": "Period", "definition": "Dormant after", "lapse": "Dormant: periods", "lost": "Lost: periods",
    "lookback": "Learn from, periods", "horizon": "Look ahead, periods",
}  # fmt: skip
_SHOWN: Final = (
    "customer_id", "name", "state", "state_since_on", "n_orders", "first_ordered_on", "last_ordered_on", "recency_days", "order_by_on",
)  # fmt: skip


def show(seen: Seen) -> None:
    """Show the flows, what becomes of customers, where it leads, and who is in which state."""
    options = _ask()
    with st.spinner("Following states …"), controls.worded(_LABELS):
        result = seen.result("lifecycle", **options)
    blocks.headline(result)
    frames = result.tables()
    whole = frames["flows"].filter("is_complete")
    if whole.height:
        row = whole.row(-1, named=True)
        controls.tiles(row, result, ["n_closing", "n_new", "n_resurrected", "n_newly_dormant", "pulse"])
        st.caption("Of the last whole period. Opening + new + back - dormant = closing, always.")
    controls.pictures(
        seen.before_segments, result, ("flows", "base", "transitions", "activity", "projection")
    )
    controls.summary(result, "lifecycle_summary")
    _people(seen, result.tables()["customers"], result)
    controls.shown_table(result, "flows", "Every period", ":material/table_rows:")
    blocks.footer(result, "flows", "transitions", "customers")


def _people(seen: Seen, people: pl.DataFrame, result: Result) -> None:
    st.header("The customers by state", anchor=False)
    states = sorted(people["state"].unique().to_list(), key=_rank)
    state = st.pills(
        "State", states, default=states[0], required=True, key="state", bind="query-params",
        format_func=heading, label_visibility="collapsed",
    )  # fmt: skip
    rows = people.filter(pl.col("state") == state).sort(
        "last_ordered_on", "customer_id", descending=[True, False]
    )
    controls.listing(seen, rows, result, str(state), "lifecycle_people", _SHOWN)


_ORDER: Final = ("new", "retained", "resurrected", "quiet", "dormant", "lost")


def _rank(state: str) -> int:
    return _ORDER.index(state) if state in _ORDER else len(_ORDER)


def _ask() -> dict[str, Any]:
    with (
        st.expander("Options", icon=":material/tune:", key="lifecycle_options"),
        st.grid(4, min_column_width=200, gap="small"),
    ):
        said: dict[str, Any] = {
            "period": controls.choice(_LABELS["period"], PERIODS, "every", "Length of the periods of the calendar."),
            "definition": controls.choice(_LABELS["definition"], _DEFINITIONS, "dormant", "When a customer counts as dormant."),
            "lapse": controls.number(_LABELS["lapse"], "lapse", 1, 1000, "Periods without an order. Empty: half a year."),
            "lost": controls.number(_LABELS["lost"], "lost", 2, 2000, "Periods without an order. Empty: twice as many as dormant."),
            "lookback": controls.number(_LABELS["lookback"], "lookback", 1, 1000, "Whole periods that rates are learned from.", 12),
            "horizon": controls.number(_LABELS["horizon"], "ahead", 1, 120, "How far the projection goes.", 12),
        }  # fmt: skip
    return {key: value for key, value in said.items() if value not in (None, _USUAL.get(key))}
