"""Kano questionnaires: features that do not exist yet, and what their presence and absence would do."""

from __future__ import annotations

from shared import blocks, controls
from shared.filters import Seen
from shared.satisfaction.ask import Asked


def show(seen: Seen, asked: Asked) -> None:
    """Show the categories of features."""
    sorted_ = seen.result("kano")
    blocks.headline(sorted_)
    controls.pictures(seen.opened, sorted_, tuple(blocks.views(sorted_)))
    controls.summary(sorted_, "kano_summary")
    controls.shown_table(sorted_, "features", "Feature by feature, with tests", ":material/rule:")
    controls.shown_table(sorted_, "shares", "Shares of the categories", ":material/stacked_bar_chart:")
    controls.shown_table(sorted_, "answers", "Answers pair by pair", ":material/grid_on:")
    blocks.footer(sorted_, "features", "shares", also=asked.answered(seen))
