"""Everything a driver analysis finds, before it is put into tables and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.errors import NotEnoughDataError
from crm_analytics.satisfaction.drivers import likelihood
from crm_analytics.satisfaction.drivers.segments import segments_of
from crm_analytics.satisfaction.drivers.shape import Shape, shape_of
from crm_analytics.satisfaction.regression.design import Design, Driver
from crm_analytics.satisfaction.regression.moments import (
    WAYS,
    Missing,
    Moments,
    Prepared,
    draws_of,
    moments_of,
    prepared,
)
from crm_analytics.satisfaction.regression.shares import (
    Shares,
    coefficients,
    explained,
    linear_shares,
    together_p_value,
    unique_p_values,
)
from crm_analytics.stats import dominance
from crm_analytics.stats.intervals import Floats

_TIE: Final = 1e-5  # of a share: draws are summed in single precision


@dataclass(frozen=True, eq=False)
class Effects:
    """Direction and leverage: value and draws, by driver; NaN where a driver has no single coefficient."""

    coefficient: Floats
    coefficient_draws: Floats
    correlation: Floats
    leverage: Floats
    leverage_draws: Floats


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Shares under each way to take missing answers: (p,), how many answers, R²; or why not."""

    way: Missing
    lmg: Floats | None
    n: int
    r2: float | None
    why_not: str = ""


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found.

    `ranks` (p, n_draws) places 1 … p in each draw; `measures` name -> figure; `odds` the check of proportional odds;
    `together_p` the p-value of all drivers saying nothing; `parts_left` why -> parts of the answers not compared.
    """

    design: Design
    missing: Missing
    rows: Prepared
    moments: Moments
    shares: Shares
    ranks: Floats
    unique_p: Floats
    unique_test: str
    together_p: float
    effects: Effects
    relative: Floats
    inflation: Floats
    shape: Shape
    sensitivity: tuple[Sensitivity, ...]
    segments: pl.DataFrame
    parts_left: Mapping[str, list[str]]
    by: str | None
    measures: Mapping[str, float]
    odds: likelihood.OddsCheck | None
    separated: bool
    n_draws: int

    @property
    def labels(self) -> list[str]:
        """What readers call the drivers."""
        return [d.label for d in self.design.drivers]

    @property
    def importance(self) -> Floats:
        """Each driver's share of what all drivers explain."""
        whole = float(self.shares.lmg.sum())
        return self.shares.lmg / whole if whole > 0 else np.zeros(len(self.shares.lmg))

    @property
    def importance_draws(self) -> Floats:
        """The same in the draws."""
        kept = np.maximum(self.shares.draws, 0.0)  # fast draws of log-likelihoods can fall below
        drawn: Floats = kept / np.maximum(kept.sum(axis=0), 1e-12)
        return drawn


def find(design: Design, missing: Missing, by: str | None, *, n_draws: int, seed: int) -> Findings:
    """Work everything out."""
    rows = prepared(design, missing)
    moments = moments_of(rows)
    drawn = draws_of(rows, moments, n_draws=n_draws, seed=seed)
    linear = linear_shares(moments.covariance, drawn, design.groups, rows.always, seed=seed)
    beta = coefficients(moments.covariance[:, :, None])[:, 0]
    beta_draws = coefficients(drawn)
    effects = _linear_effects(design, rows, moments, beta, beta_draws)
    p_values, test = unique_p_values(design, rows, linear, beta, beta_draws)
    together = together_p_value(design, rows, linear, beta, beta_draws)
    inflation = _inflation(design, moments)
    lines = {
        d.name: float(beta[d.columns[0]])
        for d, k in zip(design.drivers, inflation, strict=True)
        if len(d.columns) == 1 and np.isfinite(k)
    }
    table, left = segments_of(design, by, missing, n_draws=n_draws, seed=seed)
    found = Findings(
        design, missing, rows, moments, linear, _ranks(linear.draws, seed), p_values, test, together, effects,
        _relative(design, moments), inflation, shape_of(design, lines), _sensitivity(design, missing),
        table, left, by, _linear_measures(rows, linear), None, separated=False, n_draws=n_draws,
    )  # fmt: skip
    told = found if design.outcome.kind == "numeric" else _with_likelihood(found, seed)
    return replace(told, effects=_known(told.effects, np.isinf(inflation)))


def _known(effects: Effects, aliased: NDArray[np.bool_]) -> Effects:
    """Take away coefficients that are one of many, since other drivers say the same."""
    return replace(
        effects,
        coefficient=np.where(aliased, np.nan, effects.coefficient),
        coefficient_draws=np.where(aliased[:, None], np.nan, effects.coefficient_draws),
        leverage=np.where(aliased, np.nan, effects.leverage),
        leverage_draws=np.where(aliased[:, None], np.nan, effects.leverage_draws),
    )


def _with_likelihood(found: Findings, seed: int) -> Findings:
    """Put the shares, tests and effects of a yes/no or ordered outcome in the place of the linear ones."""
    design, rows = found.design, found.rows
    model, scores = likelihood.model(rows, n_draws=found.n_draws, seed=seed)
    shares = likelihood.likelihood_shares(
        model, scores, rows, design.groups, rows.always, n_draws=found.n_draws, seed=seed
    )
    p_values, test = likelihood.unique_p_values(design, rows, model, shares)
    together = likelihood.together_p_value(design, rows, model, shares)
    first = [d.columns[0] for d in design.drivers]
    single = np.array([len(d.columns) == 1 for d in design.drivers])
    scale = np.where(single, model.scale[first], np.nan)
    steps = np.zeros((rows.z.shape[1] - 1, rows.n))
    for driver in design.drivers:
        if driver.rating is not None:
            steps[driver.columns[0]] = _steps(rows, driver)
    leverage, leverage_draws = likelihood.leverages(model, steps, rows.weights)
    rated = np.array([d.rating is not None for d in design.drivers])
    effects = replace(
        found.effects,
        coefficient=model.fit.coefficients[first] / scale,
        coefficient_draws=model.coefficient_draws[first] / scale[:, None],
        leverage=np.where(rated, leverage[first], np.nan),
        leverage_draws=np.where(rated[:, None], leverage_draws[first], np.nan),
    )
    return replace(
        found, shares=shares, ranks=_ranks(shares.draws, seed), unique_p=p_values, unique_test=test, together_p=together, effects=effects,
        sensitivity=_likelihood_sensitivity(found, shares), measures=likelihood.measures(model), separated=model.fit.separated,
        odds=likelihood.proportional_odds(model, rows.clusters) if design.outcome.kind != "binary" else None,
    )  # fmt: skip


def _linear_effects(
    design: Design, rows: Prepared, moments: Moments, beta: Floats, beta_draws: Floats
) -> Effects:
    r = dominance.correlation(moments.covariance)
    p, n_draws = len(design.drivers), beta_draws.shape[1]
    coefficient, correlation, leverage = np.full(p, np.nan), np.full(p, np.nan), np.full(p, np.nan)
    coefficient_draws, leverage_draws = np.full((p, n_draws), np.nan), np.full((p, n_draws), np.nan)
    for j, driver in enumerate(design.drivers):
        if len(driver.columns) > 1:
            continue
        column = driver.columns[0]
        coefficient[j], coefficient_draws[j] = beta[column], beta_draws[column]
        correlation[j] = r[column, -1]
        if driver.rating is not None:
            moved = float(np.average(_steps(rows, driver), weights=rows.weights))
            leverage[j], leverage_draws[j] = beta[column] * moved, beta_draws[column] * moved
    return Effects(coefficient, coefficient_draws, correlation, leverage, leverage_draws)


def _steps(rows: Prepared, driver: Driver) -> Floats:
    """Give how far each answer can rise, one point at most: not at all where the driver does not apply.

    A gap that means no answer rises as the answers there are do on average.
    """
    if driver.rating is None:
        return np.zeros(rows.n)
    values, applies = driver.rating.values[rows.rows], driver.rating.applies[rows.rows]
    step: Floats = np.clip(driver.rating.high - values, 0.0, 1.0)
    gap = np.isnan(values)
    usual = np.average(step[~gap], weights=rows.weights[~gap]) if not gap.all() else 1.0
    return np.where(gap, 0.0 if rows.way == "not_applicable" else usual * applies, step)


def _ranks(draws: Floats, seed: int) -> Floats:
    """Give each driver's place in each draw, 1 the highest; drivers that are alike share places by lot."""
    lot = 1 + _TIE * np.random.default_rng(seed).random(draws.shape)
    places = np.argsort(np.argsort(-draws * lot, axis=0), axis=0)
    ranks: Floats = (places + 1.0).astype(float)
    return ranks


def _relative(design: Design, moments: Moments) -> Floats:
    """Johnson's relative weights, of a category the sum over its columns; beside what is always in they are not defined."""
    if design.always:
        return np.full(len(design.drivers), np.nan)
    n_columns = sum(len(d.columns) for d in design.drivers)
    keep = [*range(n_columns), len(moments.covariance) - 1]
    each = dominance.weights(moments.covariance[np.ix_(keep, keep)]).relative
    return np.array([each[list(d.columns)].sum() for d in design.drivers])


def _inflation(design: Design, moments: Moments) -> Floats:
    """Variance inflation of single-column drivers, given all others and what is always in; infinite where aliased."""
    inner = dominance.correlation(moments.covariance)[:-1, :-1]
    found = []
    for driver in design.drivers:
        if len(driver.columns) > 1:
            found.append(np.nan)
            continue
        column = driver.columns[0]
        others = [c for c in range(len(inner)) if c != column]
        keep = [*others, column]
        left = 1 - explained(inner[np.ix_(keep, keep)], list(range(len(others))))
        found.append(1 / left if left > 1e-9 else np.inf)  # noqa: PLR2004 rounding
    return np.array(found)


def _sensitivity(design: Design, chosen: Missing) -> tuple[Sensitivity, ...]:
    """Work the shares out under every way to take gaps, by a linear model."""
    ways = WAYS if design.has_gaps else (chosen,)
    return tuple(_under(design, way) for way in ways)


def _likelihood_sensitivity(found: Findings, shares: Shares) -> tuple[Sensitivity, ...]:
    """Do the same by the outcome's own model; pairs of columns by themselves have none."""
    made = []
    for way in found.sensitivity:
        if way.way == found.missing:
            made.append(replace(way, lmg=shares.lmg, r2=shares.r2))
        elif way.way == "pairwise":
            made.append(
                Sensitivity(way.way, None, 0, None, "pairs of columns have no model of such an outcome")
            )
        elif way.lmg is not None:
            made.append(_under_likelihood(found.design, way))
        else:
            made.append(way)
    return tuple(made)


def _under_likelihood(design: Design, way: Sensitivity) -> Sensitivity:
    rows = prepared(design, way.way)
    if len(np.unique(rows.z[:, -1])) < 2:  # noqa: PLR2004 nothing to explain
        return Sensitivity(way.way, None, 0, None, "all answers left are alike")
    model, scores = likelihood.model(rows, n_draws=0, seed=0)
    shares = likelihood.likelihood_shares(
        model, scores, rows, design.groups, rows.always, n_draws=0, seed=0, quick=True
    )
    return replace(way, lmg=shares.lmg, r2=shares.r2)


def _under(design: Design, way: Missing) -> Sensitivity:
    try:
        rows = prepared(design, way)
        found = moments_of(rows)
    except NotEnoughDataError as error:
        return Sensitivity(way, None, 0, None, str(error.found))
    none = np.zeros((*found.covariance.shape, 0))
    shares = linear_shares(found.covariance, none, design.groups, rows.always, seed=0)
    return Sensitivity(way, shares.lmg, rows.n, shares.r2)


def _linear_measures(rows: Prepared, shares: Shares) -> dict[str, float]:
    n, q = rows.n, rows.z.shape[1] - 1
    return {"R²": shares.r2, "Adjusted R²": 1 - (1 - shares.r2) * (n - 1) / max(n - q - 1, 1)}
