"""The answer first: how many stay, whether it is getting better, where they are lost."""

from __future__ import annotations

from typing import Any, Final

import polars as pl
import streamlit as st

from crm_analytics import formats
from crm_analytics.charts import cohort_parts
from crm_analytics.results import Result
from crm_analytics.retention.cohorts.words import points
from shared import blocks, kpi
from shared.filters import Seen
from shared.words import counted, plain

_COLOURS: Final = {"worse": "red", "better": "green"}


def show(seen: Seen) -> Result:
    """Show the finding and a few figures."""
    with st.spinner("Counting who stays …"):
        result = seen.result("cohort_retention")
    blocks.headline(result)
    _figures(result)
    return result


def picture(seen: Seen, result: Result) -> None:
    """Show the one picture of it."""
    blocks.picture(seen.before_segments, result, "curves", key="retention_answer")


def _figures(result: Result) -> None:
    frames = result.tables()
    curve = {row["period"]: row for row in frames["curve"].iter_rows(named=True)}
    tests, losses = (
        frames["trend_tests"].to_dicts(),
        frames["losses"].filter(pl.col("period") == 0).to_dicts(),
    )
    with st.grid(5, min_column_width=158, gap="small"):
        for test in tests:
            _stay(result, curve[test["period"]])
        for test in tests[:1]:
            _trend(result, test)
        for loss in losses[:1] if "losses" in blocks.views(result) else []:
            _loss(result, loss)


def _stay(result: Result, row: dict[str, Any]) -> None:
    age = cohort_parts.in_unit(result, row["period"])
    kpi.tile(
        f"Active {age}",
        formats.share(row["retention_rate"]),
        words=[_bounds(row, "retention_rate"), f"n = {counted(row['n_customers'], 'customer')}"],
        definition=f"Share of customers who ordered {age} after the one of their first order, on average over finished cohorts.",
    )


def _trend(result: Result, test: dict[str, Any]) -> None:
    if test["rate_change"] is None:
        return
    low, high = test["rate_change_lower"], test["rate_change_upper"]
    kpi.tile(
        "Is it getting better?",
        f"{points(test['rate_change'])} points",
        changes=[f":{_COLOURS.get(test['verdict'], 'gray')}-badge[{plain(test['verdict'])}]"],
        words=[f"95%: {points(low)} to {points(high)}", f"n = {counted(test['n_cohorts'], 'cohort')}"],
        definition=(
            f"Change of retention {cohort_parts.in_unit(result, test['period'])} from the first to the last cohort that "
            "has finished it, by a logistic regression on the cohorts."
        ),
    )


def _loss(result: Result, loss: dict[str, Any]) -> None:
    ages = result.tables()["losses"].height - 1
    n = int(result.tables()["losses"]["n_customers"].sum())
    kpi.tile(
        "Never came back",
        formats.share(loss["lost_after_share"]),
        words=[
            _bounds(loss, "lost_after_share"),
            f"in {ages} {cohort_parts.unit(result)}s",
            f"n = {counted(n, 'customer')}",
        ],
        definition=f"Of customers followed for {ages} {cohort_parts.unit(result)}s: those who were never active again in them.",
    )


def _bounds(row: dict[str, Any], name: str) -> str:
    low, high = (formats.share(row[f"{name}_{end}"]) for end in ("lower", "upper"))
    return f"95%: {low} to {high}"
