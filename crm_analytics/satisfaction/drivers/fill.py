"""Gaps in drivers filled with what the other drivers lead one to expect, and how unsure that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from crm_analytics.satisfaction.regression.moments import Prepared
from crm_analytics.stats.incomplete import Moments, em_moments, precisions
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.moment_draws import mean_and_covariance_draws

_AT_ONCE: Final = 4096  # patterns or rows


def filled(rows: Prepared) -> Floats:
    """Fill gaps with what the other columns lead one to expect, never with what the outcome does."""
    x = rows.z[:, :-1]
    return _expected(x, em_moments(x, rows.weights)) if np.isnan(x).any() else x


def filled_draws(rows: Prepared, *, n_draws: int, seed: int) -> Iterator[Floats]:
    """Fill gaps by means and covariances as they come out when rows are drawn again."""
    x = rows.z[:, :-1]
    if not n_draws or not np.isnan(x).any():
        return
    found = em_moments(x, rows.weights)
    means, covariances = mean_and_covariance_draws(
        x, rows.weights, found, clusters=rows.clusters, n_draws=n_draws, seed=seed
    )
    for k in range(n_draws):
        yield _expected(x, Moments(means[k], covariances[:, :, k], 0, converged=True))


def _expected(x: Floats, em: Moments) -> Floats:
    """Fill by the regression of what is not there on what is; rows with nothing get the means."""
    scale = np.sqrt(np.where(np.diag(em.covariance) > 0, np.diag(em.covariance), 1.0))
    z, r = (x - em.mean) / scale, em.covariance / np.outer(scale, scale)
    there, of_row = np.unique(~np.isnan(z), axis=0, return_inverse=True)
    known = np.where(np.isnan(z), 0.0, z)
    out = known.copy()
    for start in range(0, len(there), _AT_ONCE):
        part = there[start : start + _AT_ONCE]
        slopes = r @ precisions(r, part)
        rows = np.flatnonzero((of_row >= start) & (of_row < start + _AT_ONCE))
        for first in range(0, len(rows), _AT_ONCE):
            some = rows[first : first + _AT_ONCE]
            out[some] = (slopes[of_row[some] - start] @ known[some][:, :, None])[:, :, 0]
    return np.where(np.isnan(x), out * scale + em.mean, x)
