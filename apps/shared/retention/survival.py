"""Survival: how long customers stay, of contracts or of the way from one order to the next."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from shared import blocks, controls
from shared.filters import Seen
from shared.retention.cohort_options import PERIODS

_SOURCES: Final = {"subscriptions": "Contracts", "transactions": "Orders"}
_NOBODY: Final = {None: "Nobody"}
_SHOWN: Final = ("customer_id", "name", "group", "began_on", "tenure_days", "has_ended", "first_end_kind")


def show(seen: Seen) -> None:
    """Show how long customers stay, when the loss is highest, and who leaves sooner."""
    there = {name: words for name, words in _SOURCES.items() if seen.opened.base.has(name)}
    of = controls.segmented("Of", there, "of") if len(there) > 1 else next(iter(there))
    options = _ask(seen, of)
    if of == "subscriptions":
        controls.of_contracts(seen)
    narrowed = controls.without(seen, "subscriptions") if of == "transactions" else seen
    with st.spinner("Following customers …"):
        result = narrowed.result("survival", **options)
    blocks.headline(result)
    groups = result.tables()["groups"]
    if groups.height == 1:
        row = groups.row(0, named=True)
        controls.tiles(row, result, ["kept_rate", "median_days", "restricted_mean_days"], row["n_customers"])
    controls.pictures(narrowed.before_segments, result, ("curve", "hazard", "groups", "incidence", "cox"))
    if groups.height > 1:
        blocks.table(groups, result, alt="The groups", key="survival_groups")
        controls.shown_table(result, "comparisons", "Which groups differ", ":material/compare_arrows:")
    controls.shown_table(result, "cox", "Who leaves sooner (Cox's model)", ":material/function:")
    controls.shown_table(result, "cox_checks", "Checks of the model", ":material/rule:")
    controls.summary(result, "survival_summary")
    people = result.tables()["customers"].sort("tenure_days", "customer_id", descending=[True, False])
    st.header("The customers", anchor=False)
    which = controls.segmented("Who", _ends(of), "survival_who")
    kept = people if which == "all" else people.filter(pl.col("has_ended") == (which == "ended"))
    kept = kept if groups.height > 1 else kept.drop("group")
    controls.listing(narrowed, kept, result, f"{_SOURCES[of]} {which}", "survival_people", _SHOWN)
    blocks.footer(result, "curve", "groups", "hazard")


def _ends(of: str) -> dict[str, str]:
    if of == "subscriptions":
        return {"there": "Still there", "ended": "Left", "all": "All"}
    return {"there": "Not back yet", "ended": "Came back", "all": "All"}


def _ask(seen: Seen, of: str) -> dict[str, Any]:
    columns = controls.attributes(seen.before_segments, of, "customers")
    with (
        st.expander("Options", icon=":material/tune:", key="survival_options"),
        st.grid(4, min_column_width=200, gap="small"),
    ):
        said: dict[str, Any] = {
            "by": controls.choice("Compare by", {**_NOBODY, **columns}, "survival_by", "Groups as they stood at the beginning."),
            "period": controls.choice("Loss by", PERIODS, "survival_period", "Period of the customer's own time."),
            "horizon_days": controls.number("Mean up to day", "survival_horizon", 1, 20_000, "Empty: 365 where observed so long."),
        }  # fmt: skip
        if of == "subscriptions":
            said["grace_days"] = controls.number(
                "Longest pause, days", "grace", 0, 366, "A longer gap counts as leaving.", 30
            )
        else:
            said["order_number"] = controls.number(
                "Order waited for", "order_number", 2, 20, "From the day of the one before.", 2
            )
        picked: list[str] = st.multiselect(
            "Who leaves sooner, by", list(columns), format_func=columns.__getitem__, key="covariates", bind="query-params",
            help="Attributes for Cox's model, looked at together.", placeholder="None",
        )  # fmt: skip
    if picked:
        said["covariates"] = tuple(picked)
    return {key: value for key, value in said.items() if value not in (None, _USUAL.get(key))}


_USUAL: Final = {"period": "month", "grace_days": 30, "order_number": 2}
