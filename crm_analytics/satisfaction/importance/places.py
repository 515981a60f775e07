"""Importance and performance of drivers, drawn together: where each stands on the map, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from crm_analytics.satisfaction.regression import moments
from crm_analytics.satisfaction.regression.design import Design
from crm_analytics.satisfaction.regression.moments import Missing
from crm_analytics.satisfaction.regression.shares import coefficients, linear_shares, together_p_value
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.resampled_sums import resampled_sums

Importance = Literal["lmg", "total_effect"]
Cut = Literal["mean", "midpoint", "iso"]

CUTS: Final[tuple[Cut, ...]] = get_args(Cut)

QUADRANTS: Final = ("Concentrate here", "Keep up the good work", "Low priority", "Possible overkill")
"""Names after Martilla and James (1977): important and poor, important and good, neither, good though unimportant."""

_MIDDLE: Final = 50.0
_TINY: Final = 1e-12


@dataclass(frozen=True, eq=False)
class Measured:
    """Importance and performance of the drivers of a design, in the sample and in each draw.

    Attributes
    ----------
    share, share_draws
        (p,) and (p, n_draws): LMG as a share of what all drivers explain together.
    effect, effect_draws
        The same for points of outcome per point of the driver, both from 0 to 100, the other drivers held.
    performance, performance_draws
        The same for the mean rating, from 0 (worst end of the scale) to 100.
    stated, stated_draws
        The same for stated importance from 0 to 100; NaN where none was given.
    correlation
        (p,) of driver and outcome.
    n
        (p,) who rated the driver.
    r2
        Explained by all drivers together.
    n_rows
        Answers that count.
    alike
        P-value of the drivers all being rated the same (Wald's test with the covariance of the draws).
    together_p
        P-value of all drivers together explaining nothing.
    """

    share: Floats
    share_draws: Floats
    effect: Floats
    effect_draws: Floats
    performance: Floats
    performance_draws: Floats
    stated: Floats
    stated_draws: Floats
    correlation: Floats
    n: NDArray[np.int64]
    r2: float
    n_rows: int
    alike: float
    together_p: float

    def importance(self, kind: Importance) -> tuple[Floats, Floats]:
        """Give the chosen importance and its draws."""
        return (self.share, self.share_draws) if kind == "lmg" else (self.effect, self.effect_draws)


def measure(
    design: Design,
    way: Missing,
    *,
    stated: Floats | None = None,
    rows: NDArray[np.bool_] | None = None,
    n_draws: int,
    seed: int,
) -> Measured:
    """Measure the drivers; `stated` (n, p) are answers on importance from 0 to 100, NaN where there are none."""
    chosen = moments.prepared(design, way, rows)
    found = moments.moments_of(chosen)
    drawn = moments.draws_of(chosen, found, n_draws=n_draws, seed=seed)
    shares = linear_shares(found.covariance, drawn, design.groups, chosen.always, seed=seed)
    beta, beta_draws = coefficients(found.covariance[:, :, None])[:, 0], coefficients(drawn)
    scale = _points(design)
    place = [d.columns[0] for d in design.drivers]
    ratings = _rated(design)[chosen.rows]
    asked = np.full_like(ratings, np.nan) if stated is None else stated[chosen.rows]
    means, mean_draws = _means(
        np.column_stack([ratings, asked]), chosen.weights, chosen.clusters, n_draws, seed
    )
    p = len(place)
    spread = np.sqrt(np.maximum(np.diag(found.covariance), _TINY))
    return Measured(
        share=_normed(shares.lmg[:, None])[:, 0],
        share_draws=_normed(shares.draws),
        effect=beta[place] * scale,
        effect_draws=beta_draws[place] * scale[:, None],
        performance=means[:p],
        performance_draws=mean_draws[:p],
        stated=means[p:],
        stated_draws=mean_draws[p:],
        correlation=found.covariance[place, -1] / spread[place] / spread[-1],
        n=(~np.isnan(ratings)).sum(axis=0),
        r2=shares.r2,
        n_rows=chosen.n,
        alike=_alike(means[:p], mean_draws[:p]),
        together_p=together_p_value(design, chosen, shares, beta, beta_draws),
    )


def _alike(means: Floats, drawn: Floats) -> float:
    """Test that all means are the same."""
    off, spread = means[1:] - means[0], np.atleast_2d(np.cov(drawn[1:] - drawn[0]))
    return float(chi2.sf(off @ np.linalg.pinv(spread, rcond=1e-10, hermitian=True) @ off, len(off)))


def _normed(lmg: Floats) -> Floats:
    """Make shares of what all explain; equal ones where nothing is explained."""
    kept = np.maximum(lmg, 0.0)
    total = kept.sum(axis=0)
    shares: Floats = np.where(total > _TINY, kept / np.where(total > _TINY, total, 1.0), 1 / len(lmg))
    return shares


def _points(design: Design) -> Floats:
    """Give what turns a coefficient into points of 100 per point of 100."""
    outcome = design.outcome
    whole = max(outcome.high - outcome.low, _TINY)
    return np.array(
        [(d.rating.high - d.rating.low) / whole if d.rating else 1 / whole for d in design.drivers]
    )


def _rated(design: Design) -> Floats:
    """Give the ratings from 0 to 100, NaN where there is none."""
    return np.column_stack([d.rating.rescaled() for d in design.drivers if d.rating is not None])


def _means(
    values: Floats, weights: Floats, clusters: NDArray[np.int64] | None, n_draws: int, seed: int
) -> tuple[Floats, Floats]:
    """Give weighted means of what is there; the draws are those of the covariance, since seed and rows are the same."""
    there = ~np.isnan(values) * weights[:, None]
    total = there * np.where(np.isnan(values), 0.0, values)
    count = there.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, total.sum(axis=0) / count, np.nan)
        sums = resampled_sums(np.column_stack([there, total]), clusters=clusters, n_draws=n_draws, seed=seed)
        n, s = np.split(sums, 2, axis=1)
        drawn = np.where(n > _TINY, s / n, mean)
    return mean, np.clip(drawn, 0.0, 100.0).T


def lines(importance: Floats, performance: Floats, cut: Cut) -> tuple[Floats, Floats]:
    """Give the cut of importance and of performance for each driver: (p, n_draws) each.

    "mean": the means over the drivers. "midpoint": half way between the least and the most important driver, and the
    middle of the scale. "iso": importance and performance as standard scores over the drivers are the same.
    """
    middle = performance.mean(axis=0)
    if cut == "mean":
        high = importance.mean(axis=0)
    elif cut == "midpoint":
        high = (importance.min(axis=0) + importance.max(axis=0)) / 2
        middle = np.full_like(middle, _MIDDLE)
    else:
        spread = performance.std(axis=0)
        slope = importance.std(axis=0) / np.where(spread > _TINY, spread, 1.0)
        return importance.mean(axis=0) + slope * (performance - middle), np.broadcast_to(
            middle, performance.shape
        )
    shape = performance.shape
    return np.broadcast_to(high, shape), np.broadcast_to(middle, shape)


def quadrants(importance: Floats, performance: Floats, cut: Cut) -> NDArray[np.int64]:
    """Say for each driver and draw which of `QUADRANTS` it stands in.

    With "iso", everything above the line calls for action (Bacon 2003); below it the means part the rest
    (Abalo, Varela and Manzano 2007).

    >>> from numpy import array
    >>> quadrants(array([[3.0], [1.0], [3.0], [1.0]]), array([[20.0], [20.0], [80.0], [80.0]]), "mean")[:, 0].tolist()
    [0, 2, 1, 3]
    """
    high, good = lines(importance, performance, cut)
    fine = performance >= good - _TINY
    if cut == "iso":
        act = importance > high + _TINY
        important = importance >= importance.mean(axis=0) - _TINY
        return np.where(act, 0, np.where(fine, np.where(important, 1, 3), 2))
    important = importance >= high - _TINY
    return np.where(important, np.where(fine, 1, 0), np.where(fine, 3, 2))


def probabilities(placed: NDArray[np.int64]) -> Floats:
    """Give how often each driver stands in each quadrant: (p, 4)."""
    return np.stack([(placed == k).mean(axis=1) for k in range(len(QUADRANTS))], axis=1)
