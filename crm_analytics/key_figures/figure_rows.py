"""The table of key figures: each with its value, its changes, their intervals and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics import formats
from crm_analytics.key_figures.changes import Change, change, resampled_totals, value_interval
from crm_analytics.key_figures.overview_words import change_text, short_name
from crm_analytics.key_figures.period_figures import PARTS, Figure, Floats
from crm_analytics.key_figures.periods_seen import Seen

SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "figure": pl.String(),
    "figure_label": pl.String(),
    "unit": pl.String(),
    "good_when": pl.String(),
    "value": pl.Float64(),
    "value_lower": pl.Float64(),
    "value_upper": pl.Float64(),
    "value_text": pl.String(),
    "previous": pl.Float64(),
    "previous_text": pl.String(),
    "change": pl.Float64(),
    "change_lower": pl.Float64(),
    "change_upper": pl.Float64(),
    "change_text": pl.String(),
    "is_within_normal_variation": pl.Boolean(),
    "last_year": pl.Float64(),
    "last_year_text": pl.String(),
    "change_last_year": pl.Float64(),
    "change_last_year_lower": pl.Float64(),
    "change_last_year_upper": pl.Float64(),
    "change_last_year_text": pl.String(),
    "is_within_normal_variation_last_year": pl.Boolean(),
    "n_customers": pl.Int64(),
    "figure_definition": pl.String(),
}
"""Columns of the table of key figures, in their order."""


@dataclass(frozen=True, eq=False)
class Told:
    """The table of key figures, and the two changes of spend for the headline; None where nothing can be compared."""

    figures: pl.DataFrame
    spend_changes: tuple[Change | None, Change | None]


def tell(seen: Seen, *, n_bootstrap: int, seed: int, currency: str | None) -> Told:
    """Work out every key figure with its changes."""
    draws = resampled_totals(np.hstack(seen.parts), n_bootstrap, seed).reshape(
        -1, len(seen.parts), len(PARTS)
    )
    rows, found = [], {}
    for figure in seen.kinds:
        found[figure.name] = _changes(figure, seen, draws)
        rows.append(_row(figure, seen, draws[:, 0], found[figure.name], currency))
    return Told(pl.DataFrame(rows, schema=SCHEMA), found["spend"])


def _changes(figure: Figure, seen: Seen, draws: Floats) -> tuple[Change | None, Change | None]:
    before, last_year = (
        change(
            figure,
            seen.parts[0],
            seen.parts[i],
            draws[:, 0],
            draws[:, i],
            longer=seen.compared.longer_than(i),
        )
        if is_covered
        else None
        for i, is_covered in zip((1, 2), seen.covered, strict=True)
    )
    return before, last_year


def _row(
    figure: Figure,
    seen: Seen,
    drawn: Floats,
    found: tuple[Change | None, Change | None],
    currency: str | None,
) -> dict[str, Any]:
    now, compared = seen.parts[0], seen.compared
    value = float(figure.of(now.sum(axis=0)))
    around = value_interval(figure, now, drawn)
    before, last_year = (
        short_name(day, compared.now, compared.period) for day in (compared.before, compared.last_year)
    )
    return {
        "figure": figure.name,
        "figure_label": figure.label,
        "unit": figure.unit,
        "good_when": figure.good_when,
        "value": value if np.isfinite(value) else None,
        "value_lower": around and around.lower,
        "value_upper": around and around.upper,
        "value_text": formats.value(value, figure.unit, currency),
        "previous": found[0] and found[0].before,
        "previous_text": formats.value(found[0] and found[0].before, figure.unit, currency),
        **_change_columns("change", figure, found[0], before),
        "is_within_normal_variation": found[0] and found[0].is_within_normal_variation,
        "last_year": found[1] and found[1].before,
        "last_year_text": formats.value(found[1] and found[1].before, figure.unit, currency),
        **_change_columns("change_last_year", figure, found[1], last_year),
        "is_within_normal_variation_last_year": found[1] and found[1].is_within_normal_variation,
        "n_customers": figure.n_behind(now),
        "figure_definition": figure.definition,
    }


def _change_columns(name: str, figure: Figure, found: Change | None, period: str) -> dict[str, Any]:
    around = found and found.interval
    return {
        name: found and found.value,
        f"{name}_lower": around and around.lower,
        f"{name}_upper": around and around.upper,
        f"{name}_text": change_text(figure, found, period),
    }
