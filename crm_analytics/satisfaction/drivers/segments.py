"""Whether drivers matter as much in one part of the answers as in all others."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.errors import NotEnoughDataError
from crm_analytics.satisfaction.regression import moments
from crm_analytics.satisfaction.regression.design import Design
from crm_analytics.satisfaction.regression.moments import Missing
from crm_analytics.satisfaction.regression.shares import linear_shares
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.multiplicity import holm

_MOST_PARTS: Final = 6
_SMALLEST: Final = 10  # answers per column, for a part to be looked at
_LEAST: Final = 1e-4  # of a share, so that its odds are a number

TOO_FEW: Final = "too few answers in it or in the rest"
"""Why most parts that are not compared are not."""

SCHEMA: Final = {
    "answers_of": pl.String, "driver": pl.String, "driver_label": pl.String, "n_answers": pl.Int64, "part_share": pl.Float64,
    "rest_share": pl.Float64, "share_difference": pl.Float64, "share_difference_lower": pl.Float64,
    "share_difference_upper": pl.Float64, "share_difference_p_value": pl.Float64, "share_difference_p_holm": pl.Float64,
    "equal_p_value": pl.Float64, "equal_p_holm": pl.Float64,
}  # fmt: skip


def segments_of(
    design: Design, by: str | None, way: Missing, *, n_draws: int, seed: int
) -> tuple[pl.DataFrame, dict[str, list[str]]]:
    """Compare each part with its complement; also give the parts that are not compared, by the reason."""
    left: dict[str, list[str]] = {}
    if by is None:
        return pl.DataFrame(schema=SCHEMA), left
    values = _named(design.frame[by])
    sizes = values.drop_nulls().value_counts(sort=False).sort("count", by, descending=[True, False])
    if sizes.height < 2:  # noqa: PLR2004 nothing to compare
        raise NotEnoughDataError.of(f"different values of {by!r} among the answers", sizes.height, 2)
    rows: list[tuple[object, ...]] = []
    several = sizes[by].to_list()
    for part in several[:1] if sizes.height == 2 else several[:_MOST_PARTS]:  # noqa: PLR2004 of two, the other is the complement
        inside = (values == part).fill_null(value=False).to_numpy()
        outside = values.is_not_null().to_numpy() & ~inside
        try:
            why = _unfit(design, inside, outside, way)
            rows += [] if why else _compared(design, part, inside, outside, way, n_draws, seed)
        except NotEnoughDataError:
            why = TOO_FEW
        if why:
            left.setdefault(why, []).append(part)
    if len(several) > _MOST_PARTS:
        left[f"not among the {_MOST_PARTS} largest"] = several[_MOST_PARTS:]
    return _corrected(pl.DataFrame(rows, schema=SCHEMA, orient="row")), left


def _named(column: pl.Series) -> pl.Series:
    """Give the parts as text, whole numbers without a point."""
    if column.dtype.is_float() and column.drop_nulls().is_finite().all():
        whole = column.cast(pl.Int64, strict=False)
        if (whole == column).fill_null(value=True).all():
            return whole.cast(pl.String)
    return column.cast(pl.String)


def _unfit(design: Design, inside: NDArray[np.bool_], outside: NDArray[np.bool_], way: Missing) -> str:
    """Say why a part cannot be compared with the rest; empty where it can."""
    if min(inside.sum(), outside.sum()) < _SMALLEST * (design.x.shape[1] + 1):
        return TOO_FEW
    for rows in (inside, outside):
        z = moments.prepared(design, way, rows).z
        if np.ptp(z[:, -1]) == 0:
            return f"{design.outcome.label} is answered alike in it or in the rest"
        same = [d.label for d in design.drivers if not any(_varies(z[:, c]) for c in d.columns)]
        if same:
            return f"{same[0]} is not asked or answered alike in it or in the rest"
    return ""


def _varies(column: Floats) -> bool:
    there = column[~np.isnan(column)]
    return bool(there.size and np.ptp(there) > 0)


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
    each, joint = _tested(_logit(one) - _logit(two), _logit(one_draws) - _logit(two_draws))
    corrected = holm(each)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
    return [
        (
            part, d.name, d.label, int(inside.sum()), float(one[j]), float(two[j]), float(value[j]),
            min(float(low[j]), float(value[j])), max(float(high[j]), float(value[j])), float(each[j]), float(corrected[j]), joint, joint,
        )
        for j, d in enumerate(design.drivers)
    ]  # fmt: skip


def _logit(shares: Floats) -> Floats:
    """Give log odds of shares: in small parts draws of these scatter alike wherever a share lies, so tests hold their level."""
    kept = np.clip(shares, _LEAST, 1 - _LEAST)
    odds: Floats = np.log(kept / (1 - kept))
    return odds


def _tested(value: Floats, drawn: Floats) -> tuple[Floats, float]:
    """Give the p-value of each difference, and of the largest of all, each in units of its own scatter."""
    off = drawn - drawn.mean(axis=1, keepdims=True)
    error = np.maximum(off.std(axis=1), 1e-12)
    n_draws = drawn.shape[1]
    each: Floats = (1 + (np.abs(off) >= np.abs(value)[:, None]).sum(axis=1)) / (n_draws + 1)
    greatest = (np.abs(off) / error[:, None]).max(axis=0)
    return each, float((1 + (greatest >= (np.abs(value) / error).max()).sum()) / (n_draws + 1))


def _shares(
    design: Design, rows: NDArray[np.bool_], way: Missing, n_draws: int, seed: int
) -> tuple[Floats, Floats]:
    """Give each driver's share of what all of them explain in these rows, and the draws of it."""
    chosen = moments.prepared(design, way, rows)
    found = moments.moments_of(chosen)
    drawn = moments.draws_of(chosen, found, n_draws=n_draws, seed=seed)
    shares = linear_shares(found.covariance, drawn, design.groups, chosen.always, seed=seed)
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
