"""The answer first: the score and whether it moved, what moves it, what to put right first."""

from __future__ import annotations

from typing import Any

import streamlit as st

from crm_analytics import formats
from crm_analytics.results import Result
from shared import blocks, kpi
from shared.filters import Seen
from shared.guard import guarded
from shared.satisfaction.ask import Asked
from shared.words import counted


def show(seen: Seen, asked: Asked) -> None:
    """Show the three findings, the scores as tiles, and the map."""
    with st.spinner("Adding up answers …"):
        scored = asked.scored(seen)
    blocks.headline(scored)
    _tiles(scored)
    left, right = st.columns(2, gap="medium")
    with left, guarded():
        blocks.picture(seen.opened, scored, "periods", within=str(asked.scores), key="answer_periods")
    with right, guarded():
        with st.spinner("Finding what moves it …"):
            driven = asked.driven(seen)
        blocks.picture(seen.opened, driven, "drivers", within=str(asked.drivers), key="answer_drivers")
    st.header("What moves it, and what to put right first", anchor=False)
    with guarded():
        blocks.headline(driven)
        mapped = asked.mapped(seen)
        blocks.headline(mapped)
        blocks.picture(seen.opened, mapped, "map", within=f"{asked.drivers}{asked.cut}")
        blocks.summary(mapped, alt="Importance and performance in short", key="map_summary")
        with st.expander("With other lines", icon=":material/grid_goldenratio:"):
            blocks.picture(seen.opened, mapped, "cuts", within=f"{asked.drivers}{asked.cut}")
            blocks.picture(seen.opened, mapped, "probabilities", within=f"{asked.drivers}{asked.cut}")


def _tiles(scored: Result) -> None:
    rows = scored.tables()["scores"].to_dicts()
    with st.grid(max(len(rows) + 1, 2), min_column_width=158, gap="small"):
        for row in rows:
            kpi.tile(
                row["metric_name"],
                formats.NOTHING if row["score"] is None else _score(row["metric"], row["score"]),
                words=[_ends(row), f"n = {counted(row['n'], 'answer')}"],
                definition=row["score_definition"],
            )
        heard = scored.tables().get("response")
        if heard is not None and heard.height and heard["heard_rate"][0] is not None:
            _heard(heard.row(0, named=True))


def _ends(row: dict[str, Any]) -> str:
    if row["score"] is None:
        return "Too few answers to be shown"
    return f"95%: {_score(row['metric'], row['score_lower'])} to {_score(row['metric'], row['score_upper'])}"


def _heard(row: dict[str, Any]) -> None:
    kpi.tile(
        "Customers heard",
        formats.share(row["heard_rate"]),
        words=[f"n = {counted(row['n_on_file'], 'customer')} on file"],
        definition="Customers who answered at least once, of all on file. Who did not answer may think otherwise.",
    )


def _score(metric: str, value: float) -> str:
    return f"{value:+.0f}" if metric == "nps" else f"{value:.0f}" if metric == "index" else f"{value:.0f}%"
