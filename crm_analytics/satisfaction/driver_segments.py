"""Whether drivers matter as much in one part of the answers as in all others."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.errors import NotEnoughDataError
from crm_analytics.satisfaction import driver_moments, driver_shares
from crm_analytics.satisfaction.driver_design import Design
from crm_analytics.satisfaction.driver_moments import Missing
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.multiplicity import holm

_MOST_PARTS: Final = 6
_SMALLEST: Final = 10  # answers per column, for a part to be looked at

SCHEMA: Final = {
    "answers_of": pl.String, "driver": pl.String, "driver_label": pl.String, "n_answers": pl.Int64, "part_share": pl.Float64,
    "rest_share": pl.Float64, "share_difference": pl.Float64, "share_difference_lower": pl.Float64,
    "share_difference_upper": pl.Float64, "share_difference_p_value": pl.Float64, "share_difference_p_holm": pl.Float64,
    "equal_p_value": pl.Float64, "equal_p_holm": pl.Float64,
}  # fmt: skip


def segments(
    design: Design, by: str | None, way: Missing, *, n_draws: int, seed: int
) -> tuple[pl.DataFrame, list[str]]:
    """Compare each part with its complement; also give the parts that are too small."""
    if by is None:
        return pl.DataFrame(schema=SCHEMA), []
    values = design.frame[by].cast(pl.String)
    sizes = values.drop_nulls().value_counts(sort=False).sort("count", by, descending=[True, False])
    if sizes.height < 2:  # noqa: PLR2004 nothing to compare
        raise NotEnoughDataError.of(f"different values of {by!r} among the answers", sizes.height, 2)
    rows: list[tuple[object, ...]] = []
    small: list[str] = []
    several = sizes[by].head(_MOST_PARTS).to_list()
    for part in several[:1] if sizes.height == 2 else several:  # noqa: PLR2004 of two, the other is the complement
        inside = (values == part).fill_null(value=False).to_numpy()
        outside = values.is_not_null().to_numpy() & ~inside
        fewest = _SMALLEST * (design.x.shape[1] + 1)
        if min(inside.sum(), outside.sum()) < fewest:
            small.append(part)
            continue
        rows += _compared(design, part, inside, outside, way, n_draws, seed)
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return _corrected(table), small


def _compared(
    design: Design,
    part: str,
    inside: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    way: Missing,
    n_draws: int,
    seed: int,
) -> list[tuple[object, ...]]:
    one, one_draws = _shares(design, inside, way, n_draws, seed)
    two, two_draws = _shares(design, outside, way, n_draws, seed + 1)
    value, drawn = one - two, one_draws - two_draws
    off = drawn - drawn.mean(axis=1, keepdims=True)
    error = np.maximum(off.std(axis=1), 1e-12)
    each = (1 + (np.abs(off) >= np.abs(value)[:, None]).sum(axis=1)) / (n_draws + 1)
    greatest = (np.abs(off) / error[:, None]).max(axis=0)
    joint = float((1 + (greatest >= (np.abs(value) / error).max()).sum()) / (n_draws + 1))
    corrected = holm(each)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
    return [
        (
            part, d.name, d.label, int(inside.sum()), float(one[j]), float(two[j]), float(value[j]),
            min(float(low[j]), float(value[j])), max(float(high[j]), float(value[j])), float(each[j]), float(corrected[j]), joint, joint,
        )
        for j, d in enumerate(design.drivers)
    ]  # fmt: skip


def _shares(
    design: Design, rows: NDArray[np.bool_], way: Missing, n_draws: int, seed: int
) -> tuple[Floats, Floats]:
    """Give each driver's share of what all of them explain in these rows, and the draws of it."""
    chosen = driver_moments.prepared(design, way, rows)
    found = driver_moments.moments(chosen)
    drawn = driver_moments.draws(chosen, found, n_draws=n_draws, seed=seed)
    shares = driver_shares.linear_shares(found.covariance, drawn, design.groups, chosen.always, seed=seed)
    whole = max(float(shares.lmg.sum()), 1e-12)
    return shares.lmg / whole, shares.draws / np.maximum(shares.draws.sum(axis=0), 1e-12)


def _corrected(table: pl.DataFrame) -> pl.DataFrame:
    """Correct the joint tests for the number of parts."""
    if table.is_empty():
        return table
    parts = table.group_by("answers_of", maintain_order=True).agg(pl.col("equal_p_value").first())
    fixed = dict(zip(parts["answers_of"], holm(parts["equal_p_value"].to_numpy()).tolist(), strict=True))
    return table.with_columns(
        equal_p_holm=pl.col("answers_of").replace_strict(fixed, return_dtype=pl.Float64)
    )
