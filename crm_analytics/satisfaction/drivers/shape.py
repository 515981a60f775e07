"""The form in which a rating acts: each answer against the middle one, and what drivers explain when any form is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import chi2

from crm_analytics.satisfaction.regression.design import Design, Driver
from crm_analytics.satisfaction.regression.shares import MOST_EXACT_DRAWS
from crm_analytics.stats import dominance
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.subset_fits import subset_r2

_FEWEST: Final = 15
_SMALLEST: Final = 0.03
_MOST_LEVELS: Final = 11
_MOST_COLUMNS: Final = 200
_Z: Final = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Levels:
    """A rating's answers in groups large enough: `edges` (k, 2), `of_row` (n,) with -1 where missing, `reference` place."""

    driver: Driver
    edges: Floats
    of_row: NDArray[np.int64]
    reference: int


@dataclass(frozen=True, eq=False)
class Shape:
    """Table of effects by answer, and by driver: share of R² in this form and the test of a straight line."""

    table: pl.DataFrame
    lmg: dict[str, float]
    p_values: dict[str, float]
    r2: float | None


SCHEMA: Final = {
    "driver": pl.String, "driver_label": pl.String, "rating_answer": pl.String, "answer_low": pl.Float64, "answer_high": pl.Float64,
    "n_answers": pl.Int64, "mean_outcome": pl.Float64, "is_reference": pl.Boolean, "answer_effect": pl.Float64,
    "answer_effect_lower": pl.Float64, "answer_effect_upper": pl.Float64, "line_effect": pl.Float64,
}  # fmt: skip


def shape_of(design: Design, coefficients: dict[str, float]) -> Shape:
    """Fit all drivers with a column per answer; `coefficients` are those of the straight lines, to be shown beside."""
    levels = {d.name: found for d in design.drivers if d.kind == "rating" and (found := _levels(design, d))}
    if not levels:
        return Shape(pl.DataFrame(schema=SCHEMA), {}, {}, None)
    x, groups, always = _matrix(design, levels)
    if x.shape[1] > min(_MOST_COLUMNS, design.n // 3):
        return Shape(pl.DataFrame(schema=SCHEMA), {}, {}, None)
    y, w = design.outcome.values, design.weights
    centre = np.average(x, axis=0, weights=w)
    beta, spread = _fit(x - centre, y - np.average(y, weights=w), w, design.clusters)
    rows, p_values = [], {}
    for driver, columns in zip(design.drivers, groups, strict=True):
        if driver.name in levels:
            found = levels[driver.name]
            effects, errors = beta[columns], spread[np.ix_(columns, columns)]
            rows += _rows(design, found, effects, errors, coefficients.get(driver.name))
            p_values[driver.name] = _straight(found, effects, errors, design)
    lmg, r2 = _shares(x, y, w, groups, always)
    names = [d.name for d in design.drivers]
    return Shape(
        pl.DataFrame(rows, schema=SCHEMA, orient="row"),
        {} if lmg is None else dict(zip(names, lmg.tolist(), strict=True)),
        {k: v for k, v in p_values.items() if np.isfinite(v)},
        r2,
    )


def _levels(design: Design, driver: Driver) -> Levels | None:
    x = design.x[:, driver.columns[0]]
    if driver.rating is None or len(driver.rating.points) < 3:  # noqa: PLR2004 two points are a line
        return None
    real = np.isin(x, driver.rating.points)  # an answer declared not applicable stands at the mean
    there = ~np.isnan(x) & real
    points = np.unique(x[there])
    pieces = (
        [np.array([p]) for p in points]
        if len(points) <= _MOST_LEVELS
        else np.array_split(points, _MOST_LEVELS)
    )
    counts = [int(np.isin(x, piece).sum()) for piece in pieces]
    fewest = max(_FEWEST, _SMALLEST * there.sum())
    while len(pieces) > 1 and min(counts) < fewest:
        at = int(np.argmin(counts))
        beside = at + 1 if at == 0 or (at + 1 < len(counts) and counts[at + 1] < counts[at - 1]) else at - 1
        low, high = min(at, beside), max(at, beside)
        pieces[low : high + 1] = [np.concatenate([pieces[low], pieces[high]])]
        counts[low : high + 1] = [counts[low] + counts[high]]
    if len(pieces) < 3:  # noqa: PLR2004 two groups are a line
        return None
    edges = np.array([[piece.min(), piece.max()] for piece in pieces])
    of_row = np.where(there, np.searchsorted(edges[:, 1], x), -1).astype(np.int64)
    order = np.argsort(x[there], kind="stable")
    total = np.cumsum(design.weights[there][order])
    middle = x[there][order][np.searchsorted(total, total[-1] / 2)]
    return Levels(driver, edges, of_row, int(np.searchsorted(edges[:, 1], middle)))


def _matrix(design: Design, levels: dict[str, Levels]) -> tuple[Floats, list[list[int]], list[int]]:
    """Give the columns: answers by driver, then what is always in, with an indicator per driver with gaps."""
    columns: list[Floats] = []
    groups: list[list[int]] = []
    gaps: list[Floats] = []
    for driver in design.drivers:
        own = design.x[:, list(driver.columns)]
        missing = np.isnan(own[:, 0])
        first = len(columns)
        found = levels.get(driver.name)
        if found is None:
            columns += [np.where(missing, np.nanmean(c), c) for c in own.T]
        else:
            columns += [
                (found.of_row == k).astype(float) for k in range(len(found.edges)) if k != found.reference
            ]
            missing = found.of_row < 0
        groups.append(list(range(first, len(columns))))
        if missing.any():
            gaps.append(missing.astype(float))
    fixed = [design.x[:, c] for c in design.always]
    always = list(range(len(columns), len(columns) + len(fixed) + len(gaps)))
    return np.column_stack([*columns, *fixed, *gaps]), groups, always


def _fit(x: Floats, y: Floats, w: Floats, clusters: NDArray[np.int64] | None) -> tuple[Floats, Floats]:
    """Least squares with the sandwich covariance, over clusters where there are any."""
    spread = np.sqrt(np.average(x**2, axis=0, weights=w))
    scale = np.where(spread > 0, spread, 1.0)
    z = x / scale
    inverse = np.linalg.pinv((z * w[:, None]).T @ z, rcond=1e-10, hermitian=True)
    beta = inverse @ (z.T @ (w * y))
    pull = z * (w * (y - z @ beta))[:, None]
    if clusters is not None:
        summed = np.zeros((int(clusters.max()) + 1, z.shape[1]))
        np.add.at(summed, clusters, pull)
        pull = summed
    factor = len(pull) / max(len(pull) - z.shape[1] - 1, 1)
    covariance = inverse @ (pull.T @ pull) @ inverse * factor
    return beta / scale, covariance / np.outer(scale, scale)


def _rows(
    design: Design, found: Levels, effects: Floats, errors: Floats, line: float | None
) -> list[tuple[object, ...]]:
    y, w = design.outcome.values, design.weights
    own = iter(range(len(effects)))
    x = design.x[:, found.driver.columns[0]]
    at = [
        float(np.average(x[found.of_row == k], weights=w[found.of_row == k])) for k in range(len(found.edges))
    ]
    rows: list[tuple[object, ...]] = []
    for k, (low, high) in enumerate(found.edges):
        inside = found.of_row == k
        place = None if k == found.reference else next(own)
        value = 0.0 if place is None else float(effects[place])
        half = 0.0 if place is None else _Z * float(np.sqrt(max(errors[place, place], 0.0)))
        rows.append(
            (
                found.driver.name, found.driver.label, _named(found.driver, low, high), float(low), float(high), int(inside.sum()),
                float(np.average(y[inside], weights=w[inside])), k == found.reference, value, value - half, value + half,
                None if line is None else line * (at[k] - at[found.reference]),
            )
        )  # fmt: skip
    return rows


def _named(driver: Driver, low: float, high: float) -> str:
    words = driver.rating.words if driver.rating else {}
    ends = [words.get(v, f"{v:g}") for v in (low, high)]
    return ends[0] if low == high else f"{ends[0]} to {ends[1]}"


def _straight(found: Levels, effects: Floats, errors: Floats, design: Design) -> float:
    """Test that the effects lie on a line through the reference; NaN where there are too few."""
    x = design.x[:, found.driver.columns[0]]
    at = np.array(
        [
            np.average(x[found.of_row == k], weights=design.weights[found.of_row == k])
            for k in range(len(found.edges))
        ]
    )
    direction = np.delete(at - at[found.reference], found.reference)
    freedom = len(effects) - 1
    if freedom < 1:
        return float("nan")
    inverse = np.linalg.pinv(errors, hermitian=True)
    slope = (direction @ inverse @ effects) / max(float(direction @ inverse @ direction), 1e-300)
    off = effects - slope * direction
    return float(chi2.sf(float(off @ inverse @ off), freedom))


def _shares(
    x: Floats, y: Floats, w: Floats, groups: list[list[int]], always: list[int]
) -> tuple[Floats | None, float | None]:
    if len(groups) > MOST_EXACT_DRAWS:
        return None, None
    z = np.column_stack([x, y])
    off = z - np.average(z, axis=0, weights=w)
    covariance = (off * w[:, None]).T @ off / w.sum()
    worth = subset_r2(covariance, groups, always)
    return dominance.shapley(worth), float(worth[-1])
