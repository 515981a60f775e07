"""The scores closer: how answers spread, groups against the rest, ranking, and what a change is made of."""

from __future__ import annotations

import streamlit as st

from shared import blocks, controls
from shared.filters import Seen
from shared.satisfaction.ask import Asked


def show(seen: Seen, asked: Asked) -> None:
    """Show the distribution and the groups."""
    columns = controls.attributes(seen.before_segments, "surveys", "customers")
    by = controls.choice(
        "Groups", {None: "As found", **columns}, "scores_by", "Each is set against all others."
    )
    scored = seen.result("satisfaction_scores", **asked.scores, **({"by": by} if by else {}))
    controls.pictures(seen.opened, scored, ("distribution", "segments", "ranking", "change"))
    controls.summary(scored, "scores_summary")
    controls.shown_table(scored, "segments", "Each group against the rest", ":material/compare_arrows:")
    controls.shown_table(scored, "periods", "Period by period", ":material/calendar_month:")
    controls.shown_table(scored, "change", "What the last change is made of", ":material/stacked_bar_chart:")
    st.caption("A group of few answers is not shown, nor another where it could be worked out from the rest.")
    blocks.footer(scored, "scores", "segments", also=asked.answered(seen))
