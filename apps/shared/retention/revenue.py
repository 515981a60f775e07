"""Revenue retention: how much of recurring revenue is kept, lost and added, by each definition."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from crm_analytics import formats
from crm_analytics.results import Result
from shared import blocks, controls, kpi
from shared.filters import Seen
from shared.words import counted

_SOURCES: Final = {"subscriptions": "Contracts", "transactions": "Orders"}
_PERIODS: Final = {"month": "Month", "week": "Week", "quarter": "Quarter", "year": "Year"}
_CONVENTIONS: Final = {
    "cohort": "The customers of then", "cohort_with_returned": "… and who came back",
    "compounded": "Period by period", "compounded_with_returned": "Period by period, with who came back",
}  # fmt: skip
_USUAL: Final = {
    "period": "month",
    "convention": "cohort",
    "trailing_months": 12,
    "grace_days": 0,
    "outlook_months": 24,
}
_SHOWN: Final = (
    "customer_id", "name", "segment", "trailing_opening_revenue", "closing_revenue", "trailing_movement", "customer_since_on",
    "opening_revenue", "movement",
)  # fmt: skip
_NAMED: Final = (
    "Net revenue retention",
    "Gross revenue retention",
    "Customer retention",
    "Customer churn",
    "Revenue churn",
)


def show(seen: Seen) -> None:
    """Show what is kept, the bridge from then to now, each definition, and today's customers' outlook."""
    there = {name: words for name, words in _SOURCES.items() if seen.opened.base.has(name)}
    of = controls.segmented("Of", there, "of") if len(there) > 1 else next(iter(there))
    options = _ask(seen, of)
    if of == "subscriptions":
        controls.of_contracts(seen)
    narrowed = controls.without(seen, "subscriptions") if of == "transactions" else seen
    with st.spinner("Adding up revenue …"):
        result = narrowed.result("revenue_retention", **options)
    blocks.headline(result)
    _figures(result)
    controls.pictures(
        narrowed.before_segments, result, ("waterfall", "bridge", "rates", "segments", "cohorts", "outlook")
    )
    st.header("Every definition, side by side", anchor=False)
    blocks.table(
        result.tables()["definitions"],
        result,
        alt="Rates by definition, with formula",
        key="revenue_definitions",
    )
    controls.summary(result, "revenue_summary")
    _people(narrowed, result)
    blocks.footer(result, "bridge", "rates", "customers")


def _figures(result: Result) -> None:
    """Show the first definition of each rate as a tile, named with its formula."""
    frame = result.tables()["definitions"]
    first = [frame.filter(pl.col("rate_name") == name).head(1).to_dicts() for name in _NAMED]
    rows = [row for found in first for row in found]
    if not rows:
        return
    with st.grid(len(rows), min_column_width=158, gap="small"):
        for row in rows:
            bounds = None not in (row["rate_lower"], row["rate_upper"])
            kpi.tile(
                row["rate_name"],
                "not known" if row["rate"] is None else formats.share(row["rate"]),
                words=[
                    row["rate_definition"],
                    *([f"95%: {formats.share(row['rate_lower'])} to {formats.share(row['rate_upper'])}"] if bounds else []),
                    row["stretch"],
                    f"n = {counted(row['n_customers'], 'customer')}",
                ],
                definition=row["rate_formula"],
                two_lines=True,
            )  # fmt: skip


def _people(seen: Seen, result: Result) -> None:
    st.header("The customers by movement", anchor=False)
    people = result.tables()["customers"]
    by = "trailing_movement" if "trailing_movement" in people.columns else "movement"
    names = sorted(
        people[by].unique().to_list(), key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER)
    )
    which = st.pills(
        "Movement", names, default=names[0], required=True, key="movement", bind="query-params",
        format_func=lambda name: str(name).capitalize(), label_visibility="collapsed",
    )  # fmt: skip
    rows = people.filter(pl.col(by) == which)
    order = [c for c in ("trailing_opening_revenue", "closing_revenue") if c in rows.columns]
    rows = rows.sort(*order, "customer_id", descending=[*[True for _ in order], False])
    controls.listing(seen, rows, result, f"{which} over the stretch", "revenue_people", _SHOWN)


_ORDER: Final = ("lost", "contraction", "expansion", "returned", "new", "unchanged", "gone")


def _ask(seen: Seen, of: str) -> dict[str, Any]:
    columns = controls.attributes(seen.before_segments, of, "customers")
    two_points = {
        name: words
        for name, words in _CONVENTIONS.items()
        if of == "subscriptions" or name.startswith("cohort")
    }
    with (
        st.expander("Options", icon=":material/tune:", key="revenue_options"),
        st.grid(4, min_column_width=200, gap="small"),
    ):
        said: dict[str, Any] = {
            "period": controls.choice("Period", _PERIODS, "revenue_period"),
            "by": controls.choice("Groups", {None: "The plan, where there is one", **columns}, "revenue_by"),
            "convention": controls.choice("Net retention of", two_points, "convention", "Which figure the headline gives; all are below."),
            "trailing_months": controls.number("Over months", "months", 1, 60, usual=12),
        }  # fmt: skip
        if of == "subscriptions":
            said["grace_days"] = controls.number(
                "Longest pause, days", "revenue_grace", 0, 92, "Shorter pauses are no loss.", 0
            )
            said["outlook_months"] = controls.number("Look ahead, months", "outlook", 1, 60, usual=24)
    return {key: value for key, value in said.items() if value is not None and value != _USUAL.get(key)}
