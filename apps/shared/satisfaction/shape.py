"""The shape: what must be, what counts step by step, what delights."""

from __future__ import annotations

from shared import blocks, controls
from shared.filters import Seen
from shared.guard import guarded
from shared.satisfaction.ask import Asked


def show(seen: Seen, asked: Asked) -> None:
    """Show penalties of low and rewards of high ratings, and the course over the whole scale."""
    with guarded():
        shaped = asked.shaped(seen)
        blocks.headline(shaped)
        controls.pictures(seen.opened, shaped, tuple(blocks.views(shaped)))
        controls.summary(shaped, "shape_summary")
    driven = asked.driven(seen)
    controls.pictures(seen.opened, driven, ("shape",))
    controls.shown_table(driven, "shape", "Answer by answer", ":material/show_chart:")
    with guarded():
        blocks.footer(shaped, also=asked.answered(seen))
