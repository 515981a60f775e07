"""Segments: whether the same things matter to everyone."""

from __future__ import annotations

import streamlit as st

from shared import blocks, controls
from shared.filters import Seen
from shared.satisfaction.ask import Asked


def show(seen: Seen, asked: Asked) -> None:
    """Show each driver's part in a group against all others."""
    columns = controls.attributes(seen.before_segments, "surveys", "customers")
    if not columns:
        st.info("No column divides the answers into groups.", icon=":material/groups:")
        return
    by = controls.choice("Groups", columns, "drivers_by", "Each group is set against all others.")
    with st.spinner("Comparing groups …"):
        driven = asked.driven(seen, by=by)
    controls.pictures(seen.opened, driven, ("segments",))
    frame = driven.tables()["segments"]
    if frame.height:
        blocks.table(frame, driven, alt="What matters to each group against the rest", key="drivers_segments")
    else:
        st.info("No group has enough answers to be set against the rest.", icon=":material/hourglass_empty:")
    blocks.footer(driven, "segments", also=asked.answered(seen))
