"""Mean and covariance of rows with missing values: maximum likelihood under a normal model, by EM.

Every row counts with what it has. Where values are missing at random given the others (MAR), this is consistent and
complete rows alone are not. Rows that miss the same columns are reduced to their sums once, so that an iteration does
not touch rows at all.

References
----------
Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). Maximum likelihood from incomplete data via the EM algorithm.
Journal of the Royal Statistical Society B 39, 1-38. Little, R. J. A. and Rubin, D. B. (2002). Statistical Analysis with
Missing Data, 2nd edition, section 11.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import Floats

_RIDGE: Final = 1e-10
_BLOCK: Final = 2048  # patterns held at once


@dataclass(frozen=True, eq=False)
class Patterns:
    """Rows reduced by which columns they have: k patterns of d columns; what is not there is 0.

    `there` (k, d), `weight` (k,), `mean` (k, d), `scatter` (k, d, d; around the pattern's own mean), `of_row` (n,).
    """

    there: NDArray[np.bool_]
    weight: Floats
    mean: Floats
    scatter: Floats
    of_row: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance by maximum likelihood, in the units given, and how the search ended."""

    mean: Floats
    covariance: Floats
    n_steps: int
    converged: bool


def em_moments(
    values: ArrayLike, weights: ArrayLike | None = None, *, tolerance: float = 1e-7, most_steps: int = 200
) -> Moments:
    """Estimate mean and covariance from rows with missing values (NaN).

    Parameters
    ----------
    values
        (n, d), NaN where missing. Rows without any value say nothing and are passed over.
    weights
        Weight of each row; 1 if None.
    tolerance
        The search ends when no mean or covariance moves by more than this, in standard deviations.

    Raises
    ------
    OptionError
        If a column has no value at all.
    """
    x, w = _checked(values, weights)
    centre, scale = _standard(x, w)
    reduced = patterns((x - centre) / scale, w)
    mean, cov = np.zeros(x.shape[1]), _pairwise((x - centre) / scale, w)
    steps, moved = 0, np.inf
    while moved > tolerance and steps < most_steps:
        new_mean, new_cov = _accelerated(reduced, mean, cov)
        moved = max(float(np.abs(new_mean - mean).max()), float(np.abs(new_cov - cov).max()))
        mean, cov, steps = new_mean, new_cov, steps + 1
    return Moments(
        mean * scale + centre, cov * np.outer(scale, scale), n_steps=steps, converged=moved <= tolerance
    )


def patterns(x: Floats, w: Floats) -> Patterns:
    """Reduce rows to the sums of those that have the same columns."""
    seen = ~np.isnan(x)
    filled = np.where(seen, x, 0.0)
    there, of_row = np.unique(seen, axis=0, return_inverse=True)
    k, d = there.shape
    weight: Floats = np.bincount(of_row, weights=w, minlength=k).astype(float)
    safe = np.where(weight > 0, weight, 1.0)
    sums = [np.bincount(of_row, weights=w * filled[:, j], minlength=k) for j in range(d)]
    mean: Floats = np.stack(sums, axis=1).astype(float) / safe[:, None]
    off = np.where(seen, filled - mean[of_row], 0.0)
    scatter = np.empty((k, d, d))
    order = np.argsort(of_row, kind="stable")
    ends = np.cumsum(np.bincount(of_row, minlength=k))
    for p, (start, end) in enumerate(zip(np.concatenate([[0], ends[:-1]]), ends, strict=True)):
        part = off[order[start:end]]
        scatter[p] = (part * w[order[start:end], None]).T @ part
    used = there.any(axis=1) & (weight > 0)
    place = np.where(used, np.cumsum(used) - 1, -1)
    return Patterns(there[used], weight[used], mean[used], scatter[used], place[of_row])


def _checked(values: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    x = np.asarray(values, float)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, float)
    if x.ndim != 2 or not len(x) or (~np.isnan(x[w > 0])).sum(axis=0).min(initial=len(x)) == 0:  # noqa: PLR2004
        raise OptionError.out_of_range("values", f"an array of shape {x.shape}", "some value in every column")
    return x, w


def _standard(x: Floats, w: Floats) -> tuple[Floats, Floats]:
    there = np.where(np.isnan(x), 0.0, w[:, None])
    filled = np.where(np.isnan(x), 0.0, x)
    centre = (there * filled).sum(axis=0) / there.sum(axis=0)
    spread = np.sqrt((there * (filled - centre) ** 2).sum(axis=0) / there.sum(axis=0))
    return centre, np.where(spread > 0, spread, 1.0)


def _pairwise(x: Floats, w: Floats) -> Floats:
    """Start from the covariance of the pairs that are there, bent to be one."""
    seen = (~np.isnan(x)).astype(float)
    filled = np.where(seen > 0, x, 0.0)
    pairs = (seen * w[:, None]).T @ seen
    raw = np.where(pairs > 0, (filled * w[:, None]).T @ filled / np.where(pairs > 0, pairs, 1.0), 0.0)
    values, vectors = np.linalg.eigh(raw)
    bent: Floats = (vectors * np.maximum(values, 1e-3)) @ vectors.T
    return bent


def _accelerated(reduced: Patterns, mean: Floats, cov: Floats) -> tuple[Floats, Floats]:
    """Make two steps and leap along them (SQUAREM, Varadhan and Roland 2008), where the leap stays a covariance."""
    mean1, cov1 = _step(reduced, mean, cov)
    mean2, cov2 = _step(reduced, mean1, cov1)
    r = np.concatenate([mean1 - mean, (cov1 - cov).ravel()])
    v = np.concatenate([mean2 - mean1, (cov2 - cov1).ravel()]) - r
    size = float(np.sqrt(v @ v))
    if size < 1e-12:  # noqa: PLR2004 nothing left to leap over
        return mean2, cov2
    leap = min(max(1.0, float(np.sqrt(r @ r)) / size), 64.0)
    far_mean = mean + 2 * leap * (mean1 - mean) + leap**2 * (mean2 - 2 * mean1 + mean)
    far_cov = cov + 2 * leap * (cov1 - cov) + leap**2 * (cov2 - 2 * cov1 + cov)
    if leap > 1 and float(np.linalg.eigvalsh(far_cov).min()) > 0:
        return _step(reduced, far_mean, far_cov)
    return mean2, cov2


def _step(reduced: Patterns, mean: Floats, cov: Floats) -> tuple[Floats, Floats]:
    """Fill in what is missing given what is there, then take mean and covariance of the whole."""
    d = len(mean)
    first, second = np.zeros(d), np.zeros((d, d))
    for start in range(0, len(reduced.weight), _BLOCK):
        part = slice(start, start + _BLOCK)
        weight, there = reduced.weight[part], reduced.there[part]
        fill = cov @ precisions(cov, there)
        expected = mean + (fill @ (reduced.mean[part] - np.where(there, mean, 0.0))[:, :, None])[:, :, 0]
        first += weight @ expected
        second += (fill @ reduced.scatter[part] @ fill.transpose(0, 2, 1)).sum(axis=0)
        second += (expected * weight[:, None]).T @ expected
        second += weight.sum() * cov - np.tensordot(weight, fill, axes=1) @ cov
    total = reduced.weight.sum()
    new = first / total
    return new, second / total - np.outer(new, new)


def precisions(cov: Floats, there: NDArray[np.bool_]) -> Floats:
    """Invert the part of a covariance that each pattern has; 0 elsewhere: (k, d, d).

    A hair is added to the diagonal for columns that repeat others.
    """
    both = there[:, :, None] & there[:, None, :]
    d = len(cov)
    part = np.where(both, cov + _RIDGE * np.eye(d), 0.0)
    part[:, np.arange(d), np.arange(d)] += ~there
    inverse: Floats = np.where(both, np.linalg.inv(part), 0.0)
    return inverse
