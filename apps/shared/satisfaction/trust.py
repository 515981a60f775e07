"""Trust: who answered, what gaps do to the order, and how well the model holds."""

from __future__ import annotations

import polars as pl

from crm_analytics import formats
from crm_analytics.results import Result
from shared import blocks, controls
from shared.filters import Seen
from shared.satisfaction.ask import Asked


def show(seen: Seen, asked: Asked) -> None:
    """Show what the findings rest on."""
    scored, driven = asked.scored(seen), asked.driven(seen)
    controls.pictures(seen.opened, driven, ("missing",))
    blocks.table(_worded(driven), driven, alt="How well the ratings explain the outcome", key="model")
    controls.shown_table(scored, "response", "Who answered, and who did not", ":material/how_to_reg:")
    controls.shown_table(driven, "missing", "Importance by how gaps are taken", ":material/rule:")
    blocks.footer(driven, "model", "missing", also=(*asked.answered(seen), scored))


def _worded(driven: Result) -> pl.DataFrame:
    """Give the figures of the model, each in its own digits: counts and shares stand below each other."""
    return driven.tables()["model"].with_columns(
        pl.col("model_figure").map_elements(_figure, return_dtype=pl.String)
    )


def _figure(value: float) -> str:
    if 0 <= value < 0.0005:  # noqa: PLR2004 a p-value is never nought, though a computer may say so
        return "<0.001"
    counts = value > 1 and (value.is_integer() or value >= 100)  # noqa: PLR2004 from here on decimals tell nothing
    return f"{value:,.0f}" if counts else formats.value(value, "number")
