"""Shares of explained variance: exact over all subsets, or over sampled orders where there are too many drivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import f as f_distribution

from crm_analytics.satisfaction.driver_design import Design
from crm_analytics.satisfaction.driver_moments import Prepared
from crm_analytics.stats import dominance
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.subset_fits import MOST_EXACT, subset_r2

MOST_EXACT_DRAWS: Final = 15
"""Up to so many drivers each draw of the bootstrap looks at every subset; beyond, at the same sampled orders."""

_N_ORDERS: Final = 6_000
_N_DRAW_ORDERS: Final = 32
_AT_ONCE: Final = 4_000_000  # subsets times draws
_FLAT: Final = 1e-12

Groups = Sequence[Sequence[int]]


@dataclass(frozen=True, eq=False)
class Shares:
    """What each driver explains.

    Attributes
    ----------
    lmg
        (p,) shares; with `base` they sum to `r2`.
    draws
        (p, n_draws) of the bootstrap.
    errors
        (p,) standard error that sampling of orders leaves; 0 where every subset was looked at.
    alone, unique
        (p,) explained alone, and added to all others, beyond what is always in.
    r2, r2_draws
        Of all together, with what is always in.
    base
        Explained by what is always in.
    """

    lmg: Floats
    draws: Floats
    errors: Floats
    alone: Floats
    unique: Floats
    r2: float
    r2_draws: Floats
    base: float


def linear_shares(
    covariance: Floats, drawn: Floats, groups: Groups, always: Sequence[int], *, seed: int
) -> Shares:
    """Share out R2, in the sample and in each draw."""
    p = len(groups)
    base = explained(covariance, always)
    whole = explained(covariance, [*always, *(c for g in groups for c in g)])
    unique = [
        explained(covariance, [*always, *(c for g in groups if g is not own for c in g)]) for own in groups
    ]
    alone = [explained(covariance, [*always, *own]) for own in groups]
    if p <= MOST_EXACT:
        lmg, errors = dominance.shapley(subset_r2(covariance, groups, always)), np.zeros(p)
    else:
        found = dominance.sampled_shapley(
            covariance, n_orders=_N_ORDERS, seed=seed, groups=groups, always=always
        )
        lmg, errors = found.shares, found.errors
    draws, r2_draws = (
        _share_draws(drawn, groups, always, seed) if drawn.shape[2] else (np.zeros((p, 0)), np.zeros(0))
    )
    if p > MOST_EXACT_DRAWS:  # the same orders in all draws: what they miss cancels in the difference
        middle = _share_draws(covariance[:, :, None], groups, always, seed)[0]
        draws = lmg[:, None] + draws - middle
    return Shares(lmg, draws, errors, np.array(alone) - base, whole - np.array(unique), whole, r2_draws, base)


def _share_draws(drawn: Floats, groups: Groups, always: Sequence[int], seed: int) -> tuple[Floats, Floats]:
    p, n_draws = len(groups), drawn.shape[2]
    shares, r2 = np.empty((p, n_draws)), np.empty(n_draws)
    if p <= MOST_EXACT_DRAWS:
        step = max(1, _AT_ONCE // 2**p)
        for begin in range(0, n_draws, step):
            part = slice(begin, begin + step)
            worth = subset_r2(drawn[:, :, part], groups, always)
            shares[:, part], r2[part] = dominance.shapley(worth), worth[-1]
        return shares, r2
    base = [explained(drawn[:, :, b], always) for b in range(n_draws)]
    for b in range(n_draws):
        shares[:, b] = dominance.sampled_shapley(
            drawn[:, :, b], n_orders=_N_DRAW_ORDERS, seed=seed + 1, groups=groups, always=always
        ).shares
    return shares, shares.sum(axis=0) + np.array(base)


def explained(covariance: Floats, columns: Sequence[int]) -> float:
    """Give the R2 of some columns together; columns that repeat others add nothing."""
    whole = float(covariance[-1, -1])
    if not len(columns) or whole <= 0:
        return 0.0
    r = dominance.correlation(covariance)
    inside, beside = r[np.ix_(columns, columns)], r[list(columns), -1]
    return float(beside @ np.linalg.pinv(inside, rcond=1e-10, hermitian=True) @ beside)


def coefficients(covariances: Floats) -> Floats:
    """Give the regression coefficients of each covariance, per unit of each column: (q, n_draws)."""
    stacked = covariances.transpose(2, 0, 1)
    spread = np.sqrt(np.maximum(np.einsum("bii->bi", stacked), 0.0))
    scale = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1.0), 0.0)
    r = stacked * scale[:, :, None] * scale[:, None, :]
    inverse = np.linalg.pinv(r[:, :-1, :-1], rcond=1e-10, hermitian=True)
    beta = (inverse @ r[:, :-1, -1:])[:, :, 0]
    found: Floats = (beta * scale[:, :-1] * spread[:, -1:]).T
    return found


def unique_p_values(
    design: Design, rows: Prepared, shares: Shares, beta: Floats, beta_draws: Floats
) -> tuple[Floats, str]:
    """Test of each driver that it adds nothing to all others: p-values, and which test it is.

    The F test where answers are complete, count alike and stand alone; otherwise Wald's, with the covariance of the
    coefficients from the bootstrap, which knows of gaps, weights and clusters.
    """
    q = rows.z.shape[1] - 1
    plain = design.plain and not np.isnan(rows.z).any()
    units = len(np.unique(rows.clusters)) if rows.clusters is not None else rows.n
    size = design.weights[rows.rows].sum() ** 2 / (design.weights[rows.rows] ** 2).sum()
    spare = max(min(size, units) - q - 1, 1.0)
    found = []
    for j, driver in enumerate(design.drivers):
        columns = list(driver.columns)
        if plain:
            left = max(1 - shares.r2, _FLAT)
            statistic = shares.unique[j] / len(columns) / (left / spare)
        else:
            statistic = _wald(beta[columns], beta_draws[columns]) / len(columns)
        found.append(float(f_distribution.sf(statistic, len(columns), spare)))
    return np.array(found), "F test" if plain else "Wald test with bootstrap covariance"


def _wald(value: Floats, drawn: Floats) -> float:
    """Give value' V^-1 value with V from the draws."""
    spread = np.atleast_2d(np.cov(drawn)) if drawn.shape[1] > 1 else np.eye(len(value))
    return float(value @ np.linalg.pinv(spread, hermitian=True) @ value)
