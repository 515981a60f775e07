"""Trust: who answered, what gaps do to the order, and how well the model holds."""

from __future__ import annotations

from shared import blocks, controls
from shared.filters import Seen
from shared.satisfaction.ask import Asked


def show(seen: Seen, asked: Asked) -> None:
    """Show what the findings rest on."""
    scored, driven = asked.scored(seen), asked.driven(seen)
    controls.pictures(seen.opened, driven, ("missing",))
    blocks.table(
        driven.tables()["model"], driven, alt="How well the ratings explain the outcome", key="model"
    )
    controls.shown_table(scored, "response", "Who answered, and who did not", ":material/how_to_reg:")
    controls.shown_table(driven, "missing", "Importance by how gaps are taken", ":material/rule:")
    blocks.notes(scored)
    blocks.footer(driven, "model", "missing")
