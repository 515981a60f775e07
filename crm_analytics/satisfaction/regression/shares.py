"""Shares of explained variance: exact over all subsets, or over sampled orders where there are too many drivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import f as f_distribution

from crm_analytics.satisfaction.regression.design import Design
from crm_analytics.satisfaction.regression.moments import Prepared
from crm_analytics.stats import dominance
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.inverses import inverses
from crm_analytics.stats.subset_fits import MOST_EXACT, subset_r2

MOST_EXACT_DRAWS: Final = 15
"""Up to so many drivers each draw of the bootstrap looks at every subset; beyond, at the same sampled orders."""

_N_ORDERS: Final = 6_000
_DRAW_ORDERS: Final = (
    64,
    256,
)  # of a draw: with 256, intervals are within some percent of those from every subset
_DRAW_STEPS: Final = 5_000  # orders times drivers, between these ends
_AT_ONCE: Final = 4_000_000  # subsets times draws
_FLAT: Final = 1e-12
_ALIASED: Final = 1e-9  # less R² than this of its own is rounding
_SAME: Final = 1e-6  # of the spread of draws: less is a direction that the columns do not have

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
    """Share out R², in the sample and in each draw."""
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
        share_draws(drawn, groups, always, seed) if drawn.shape[2] else (np.zeros((p, 0)), np.zeros(0))
    )
    if p > MOST_EXACT_DRAWS:  # the same orders in all draws: what they miss cancels in the difference
        middle = share_draws(covariance[:, :, None], groups, always, seed)[0]
        draws = lmg[:, None] + draws - middle
    return Shares(lmg, draws, errors, np.array(alone) - base, whole - np.array(unique), whole, r2_draws, base)


def share_draws(drawn: Floats, groups: Groups, always: Sequence[int], seed: int) -> tuple[Floats, Floats]:
    """Share out R² in each draw, (p, n_draws), and give R² itself; over few sampled orders where drivers are many."""
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
    orders = min(max(_DRAW_STEPS // p, _DRAW_ORDERS[0]), _DRAW_ORDERS[1])
    for b in range(n_draws):
        shares[:, b] = dominance.sampled_shapley(
            drawn[:, :, b], n_orders=orders, seed=seed + 1, groups=groups, always=always
        ).shares
    return shares, shares.sum(axis=0) + np.array(base)


def explained(covariance: Floats, columns: Sequence[int]) -> float:
    """Give the R² of some columns together; columns that repeat others add nothing."""
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
    inverse = inverses(r[:, :-1, :-1])
    beta = (inverse @ r[:, :-1, -1:])[:, :, 0]
    found: Floats = (beta * scale[:, :-1] * spread[:, -1:]).T
    return found


def unique_p_values(
    design: Design, rows: Prepared, shares: Shares, beta: Floats, beta_draws: Floats
) -> tuple[Floats, str]:
    """Test of each driver that it adds nothing to all others: p-values, and which test it is.

    The F test where answers are complete, count alike and stand alone; otherwise Wald's, with the covariance of the
    coefficients from the bootstrap, which knows of gaps, weights and clusters. Who repeats others adds nothing for certain.
    """
    found = [
        f_p_value(design, rows, shares, float(unique), list(driver.columns), beta, beta_draws)
        for driver, unique in zip(design.drivers, shares.unique, strict=True)
    ]
    plain = design.plain and not np.isnan(rows.z).any()
    return np.array(found), "F test" if plain else "Wald test with bootstrap covariance"


def together_p_value(
    design: Design, rows: Prepared, shares: Shares, beta: Floats, beta_draws: Floats
) -> float:
    """Test that all drivers together add nothing to what is always in."""
    columns = [c for d in design.drivers for c in d.columns]
    return f_p_value(design, rows, shares, shares.r2 - shares.base, columns, beta, beta_draws)


def f_p_value(
    design: Design,
    rows: Prepared,
    shares: Shares,
    added: float,
    columns: Sequence[int],
    beta: Floats,
    beta_draws: Floats,
) -> float:
    """Test that some columns, which add so much R², add nothing to all others."""
    if added < _ALIASED:
        return 1.0
    spare = max(independent(design, rows) - rows.z.shape[1], 1.0)
    if design.plain and not np.isnan(rows.z).any():
        statistic = added / len(columns) / (max(1 - shares.r2, _FLAT) / spare)
        return float(f_distribution.sf(statistic, len(columns), spare))
    statistic, freedom = wald(beta[columns], beta_draws[columns])
    unfitted = spare / (spare + rows.z.shape[1])  # residuals, and so draws, are too small by what was fitted
    return float(f_distribution.sf(statistic * unfitted / freedom, freedom, spare))


def independent(design: Design, rows: Prepared) -> float:
    """Give how many answers, or clusters of them, that count alike and stand alone say as much, at most (Kish)."""
    own = design.weights[rows.rows]
    if rows.clusters is not None:
        own = np.bincount(rows.clusters, weights=own).astype(float, copy=False)
    return float(own.sum() ** 2 / (own**2).sum())


def wald(value: Floats, drawn: Floats) -> tuple[float, int]:
    """Give value' V^-1 value with V from the draws, and how many directions it has.

    The inverse of a covariance from few draws is too large by a known factor (Hartlap, Simon and Schneider 2007).
    """
    if drawn.shape[1] <= 1:
        return float(value @ value), len(value)
    spread = np.maximum(drawn.std(axis=1), _FLAT)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(drawn / spread[:, None])))
    kept = values > _SAME * values.max()
    freedom = int(kept.sum())
    along = vectors[:, kept].T @ (value / spread)
    shrunk = max((drawn.shape[1] - freedom - 2) / (drawn.shape[1] - 1), 0.0)
    return float((along**2 / values[kept]).sum() * shrunk), freedom


def bounds(value: Floats, drawn: Floats) -> tuple[Floats, Floats]:
    """Give the percentile interval, opened where it would not hold the figure itself."""
    low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
    return np.minimum(low, value), np.maximum(high, value)
