"""The drivers closer: four questions kept apart, and how sure the order is."""

from __future__ import annotations

from shared import blocks, controls
from shared.filters import Seen
from shared.satisfaction.ask import Asked


def show(seen: Seen, asked: Asked) -> None:
    """Show leverage, the order, and the table with each driver's part, own contribution and direction."""
    driven = asked.driven(seen)
    controls.pictures(seen.opened, driven, ("leverage", "ranks"))
    controls.summary(driven, "drivers_summary")
    controls.shown_table(driven, "drivers", "Every figure of every driver", ":material/table_rows:")
    controls.shown_table(driven, "differences", "Which driver is ahead of which", ":material/compare_arrows:")
    blocks.footer(driven, "drivers", also=asked.answered(seen))
