"""Tables of the importance-performance map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from crm_analytics.satisfaction.importance import places
from crm_analytics.satisfaction.importance.places import CUTS, QUADRANTS, Cut, Importance, Measured
from crm_analytics.satisfaction.regression.design import Design
from crm_analytics.satisfaction.regression.shares import bounds
from crm_analytics.stats.intervals import Floats

CHANCES = ("p_concentrate", "p_keep_up", "p_low_priority", "p_overkill")
"""Columns of the probability of each of `QUADRANTS`."""

_FIGURES = ("importance_share", "driver_effect", "performance")
_PLACE = {
    "quadrant": pl.String(),
    "quadrant_probability": pl.Float64(),
    **dict.fromkeys(CHANCES, pl.Float64()),
}
_SPANS = {f"{c}{end}": pl.Float64() for c in _FIGURES for end in ("", "_lower", "_upper")}

DRIVERS = {
    "driver": pl.String(), "driver_label": pl.String(), "n_answers": pl.Int64(), **_SPANS, "mean_rating": pl.Float64(),
    "scale_low": pl.Float64(), "scale_high": pl.Float64(), "outcome_correlation": pl.Float64(), **_PLACE,
}  # fmt: skip
_CUTS = {
    "cut": pl.String(), "is_chosen_cut": pl.Boolean(), "driver": pl.String(), "driver_label": pl.String(),
    "importance_cut": pl.Float64(), "performance_cut": pl.Float64(), **_PLACE,
}  # fmt: skip
_GROUPS = {
    "survey_group": pl.String(), "n_group": pl.Int64(), "driver": pl.String(), "driver_label": pl.String(), "n_answers": pl.Int64(),
    **_SPANS, "quadrant": pl.String(), "quadrant_probability": pl.Float64(),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Placed:
    """Where the drivers stand by one cut: (p,) quadrants and (p, 4) probabilities, and the lines."""

    quadrant: list[str]
    own: Floats
    chances: Floats
    importance_cut: Floats
    performance_cut: Floats


def placed(measured: Measured, kind: Importance, cut: Cut) -> Placed:
    """Place the drivers by one cut; the lines are drawn anew in each draw."""
    value, drawn = measured.importance(kind)
    at = places.quadrants(value[:, None], measured.performance[:, None], cut)[:, 0]
    chances = places.probabilities(places.quadrants(drawn, measured.performance_draws, cut))
    high, good = places.lines(value[:, None], measured.performance[:, None], cut)
    own: Floats = chances[np.arange(len(at)), at]
    return Placed([QUADRANTS[k] for k in at], own, chances, high[:, 0], good[:, 0])


def driver_table(design: Design, measured: Measured, kind: Importance, cut: Cut) -> pl.DataFrame:
    """Give one row per driver, the most important first."""
    place = placed(measured, kind, cut)
    rows = []
    for j, driver in enumerate(design.drivers):
        rating = driver.rating
        low, high = (rating.low, rating.high) if rating else (0.0, 1.0)
        rows.append(
            {
                "driver": driver.name,
                "driver_label": driver.label,
                "n_answers": int(measured.n[j]),
                **_spans(measured, j),
                "mean_rating": low + (high - low) * float(measured.performance[j]) / 100,
                "scale_low": low,
                "scale_high": high,
                "outcome_correlation": float(measured.correlation[j]),
                **_placing(place, j),
            }
        )
    return pl.DataFrame(rows, schema=DRIVERS).sort(_order(kind), "driver", descending=[True, False])


def cut_table(design: Design, measured: Measured, kind: Importance, chosen: Cut) -> pl.DataFrame:
    """Give one row per driver and choice of cut lines, the chosen one first."""
    rows = []
    for cut in sorted(CUTS, key=lambda c: c != chosen):
        place = placed(measured, kind, cut)
        for j, driver in enumerate(design.drivers):
            rows.append(
                {
                    "cut": cut,
                    "is_chosen_cut": cut == chosen,
                    "driver": driver.name,
                    "driver_label": driver.label,
                    "importance_cut": float(place.importance_cut[j]),
                    "performance_cut": float(place.performance_cut[j]),
                    **_placing(place, j),
                }
            )
    return pl.DataFrame(rows, schema=_CUTS)


def group_table(design: Design, groups: Mapping[str, Measured], kind: Importance, cut: Cut) -> pl.DataFrame:
    """Give one row per group and driver; the cut lines are the group's own."""
    rows = []
    for name, measured in groups.items():
        place = placed(measured, kind, cut)
        own = [
            {
                "survey_group": name,
                "n_group": measured.n_rows,
                "driver": driver.name,
                "driver_label": driver.label,
                "n_answers": int(measured.n[j]),
                **_spans(measured, j),
                "quadrant": place.quadrant[j],
                "quadrant_probability": float(place.own[j]),
            }
            for j, driver in enumerate(design.drivers)
        ]
        rows += sorted(own, key=lambda r: (-float(str(r[_order(kind)])), str(r["driver"])))
    return pl.DataFrame(rows, schema=_GROUPS)


def _order(kind: Importance) -> str:
    return "importance_share" if kind == "lmg" else "driver_effect"


def _placing(place: Placed, j: int) -> dict[str, object]:
    return {
        "quadrant": place.quadrant[j],
        "quadrant_probability": float(place.own[j]),
        **dict(zip(CHANCES, place.chances[j].tolist(), strict=True)),
    }


def _spans(measured: Measured, j: int) -> dict[str, float]:
    figures: Sequence[tuple[str, Floats, Floats]] = (
        ("importance_share", measured.share, measured.share_draws),
        ("driver_effect", measured.effect, measured.effect_draws),
        ("performance", measured.performance, measured.performance_draws),
    )
    found: dict[str, float] = {}
    for name, value, drawn in figures:
        low, high = bounds(value[[j]], drawn[[j]])
        found |= {name: float(value[j]), f"{name}_lower": float(low[0]), f"{name}_upper": float(high[0])}
    return found
