"""Bootstrap draws of a covariance, from complete rows or from rows with missing values.

Complete rows: the covariance of each draw, exactly. Rows with missing values: what each row pulls at the maximum
likelihood estimate (its score, turned by the inverse of the observed information) is worked out once, and a draw is the
estimate plus the pulls of the rows drawn: one Newton step of the full re-estimation, which would take thousands of times
as long. The observed, not the expected, information is needed where values are missing at random (Kenward and
Molenberghs 1998).

References
----------
Kenward, M. G. and Molenberghs, G. (1998). Likelihood based frequentist inference when data are missing at random.
Statistical Science 13, 236-247. Davison, A. C. and Hinkley, D. V. (1997). Bootstrap Methods and their Application,
section 2.7 (influence functions).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm_analytics.stats.incomplete import Moments, Patterns, patterns, precisions
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.inverses import definite, inverses
from crm_analytics.stats.resampled_sums import resampled_sums

_BLOCK: Final = 256


def covariance_draws(
    values: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    moments: Moments | None = None,
    clusters: ArrayLike | None = None,
    n_draws: int = 1000,
    seed: int = 0,
) -> Floats:
    """Draw the rows again and again and give the covariance of each draw.

    Parameters
    ----------
    values
        (n, d); NaN where missing, and then `moments` must be given.
    weights
        Weight of each row, drawn along with it; 1 if None.
    moments
        What `em_moments` found in these rows.
    clusters
        The cluster of each row, 0 to k - 1: clusters are drawn whole.

    Returns
    -------
    array
        (d, d, n_draws), as `subset_r2` takes them.
    """
    x = np.asarray(values, float)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, float)
    upper = np.triu_indices(x.shape[1])
    if moments is None:
        centre = np.average(x, axis=0, weights=w)
        off = x - centre
        features = np.column_stack([w, off * w[:, None], off[:, upper[0]] * off[:, upper[1]] * w[:, None]])
        sums = resampled_sums(features, clusters=clusters, n_draws=n_draws, seed=seed)
        total, d = np.maximum(sums[:, :1], np.finfo(float).tiny), x.shape[1]
        mean = sums[:, 1 : d + 1] / total
        flat = sums[:, d + 1 :] / total - mean[:, upper[0]] * mean[:, upper[1]]
        return _unfolded(flat, upper, d)
    return mean_and_covariance_draws(x, w, moments, clusters=clusters, n_draws=n_draws, seed=seed)[1]


def mean_and_covariance_draws(
    x: Floats, w: Floats, moments: Moments, *, clusters: ArrayLike | None = None, n_draws: int, seed: int
) -> tuple[Floats, Floats]:
    """Give means (n_draws, d) and covariances (d, d, n_draws) of draws from rows with missing values."""
    d = x.shape[1]
    upper = np.triu_indices(d)
    off = resampled_sums(pulls(x, w, moments), clusters=clusters, n_draws=n_draws, seed=seed)
    flat = moments.covariance[upper] + off[:, d:]
    return moments.mean + off[:, :d], _as_covariances(_unfolded(flat, upper, d))


def _unfolded(flat: Floats, upper: tuple[NDArray[np.intp], NDArray[np.intp]], d: int) -> Floats:
    full = np.zeros((d, d, len(flat)))
    full[upper] = flat.T
    full[upper[1], upper[0]] = flat.T
    return full


def _as_covariances(drawn: Floats) -> Floats:
    """Bend draws that are no covariance (few rows, much missing) to the nearest one."""
    stacked = np.ascontiguousarray(drawn.transpose(2, 0, 1))
    doubtful = np.flatnonzero(~definite(stacked))
    values, vectors = np.linalg.eigh(stacked[doubtful])
    low = values[:, 0] < 0
    kept = np.maximum(values[low], 0.0)[:, None, :]
    stacked[doubtful[low]] = (vectors[low] * kept) @ vectors[low].transpose(0, 2, 1)
    return stacked.transpose(1, 2, 0)


def pulls(x: Floats, w: Floats, moments: Moments) -> Floats:
    """Give how far each row pulls means and covariance (upper triangle by rows): (n, d + d (d + 1) / 2); they sum to 0."""
    scale = np.sqrt(np.where(np.diag(moments.covariance) > 0, np.diag(moments.covariance), 1.0))
    z, cov = (x - moments.mean) / scale, moments.covariance / np.outer(scale, scale)
    reduced = patterns(z, w)
    scores = _scores(z, w, reduced, cov)
    upper = np.triu_indices(len(cov))
    units = np.concatenate([scale, scale[upper[0]] * scale[upper[1]]])
    pulled: Floats = scores @ inverses(_information(reduced, cov)) * units
    return pulled


def _scores(z: Floats, w: Floats, reduced: Patterns, cov: Floats) -> Floats:
    """Give the derivative of each row's log-likelihood by means and covariances."""
    d = len(cov)
    i, j = np.triu_indices(d)
    twice = np.where(i == j, 0.5, 1.0)
    filled = np.where(np.isnan(z), 0.0, z)
    scores = np.zeros((len(z), d + len(i)))
    order = np.argsort(reduced.of_row, kind="stable")
    bounds = np.searchsorted(reduced.of_row[order], np.arange(len(reduced.weight) + 1))
    for start in range(0, len(reduced.weight), _BLOCK):
        inverse = precisions(cov, reduced.there[start : start + _BLOCK])
        for k in range(len(inverse)):
            rows = order[bounds[start + k] : bounds[start + k + 1]]
            u = filled[rows] @ inverse[k]
            scores[rows, :d] = u
            scores[rows, d:] = (u[:, i] * u[:, j] - inverse[k][i, j]) * twice
    weighted: Floats = scores * w[:, None]
    return weighted


def _information(reduced: Patterns, cov: Floats) -> Floats:
    """Give the negative second derivatives of the log-likelihood by means and covariances."""
    d = len(cov)
    i, j = np.triu_indices(d)
    half = np.where(i == j, 0.5, 1.0)
    size = d + len(i)
    total, products = np.zeros((size, size)), np.zeros((len(i), len(i)))
    for start in range(0, len(reduced.weight), _BLOCK):
        part = slice(start, start + _BLOCK)
        w, p = reduced.weight[part], precisions(cov, reduced.there[part])
        mean = reduced.mean[part]
        spread = reduced.scatter[part] + w[:, None, None] * mean[:, :, None] * mean[:, None, :]
        k = p @ spread @ p
        u = (p @ (w[:, None] * mean)[:, :, None])[:, :, 0]
        total[:d, :d] += np.tensordot(w, p, axes=1)
        cross = p[:, :, i] * u[:, None, j] + p[:, :, j] * u[:, None, i]
        total[:d, d:] += cross.sum(axis=0) * half
        products += (k - 0.5 * w[:, None, None] * p)[:, i, j].T @ p[:, i, j]
    total[d:, d:] = _traces(products, d) * np.outer(half, half)
    total[d:, :d] = total[:d, d:].T
    return total


def _traces(products: Floats, d: int) -> Floats:
    """Sum tr(D_ij A D_kl B), made symmetric in A and B, of the sums of products of A and B, both by upper triangles."""
    i, j = np.triu_indices(d)
    place = np.zeros((d, d), np.int64)
    place[i, j] = place[j, i] = np.arange(len(i))
    both = products + products.T
    ii, jj, kk, ll = i[:, None], j[:, None], i[None, :], j[None, :]
    summed: Floats = sum(
        (
            both[place[a, b], place[c, e]]
            for a, b, c, e in ((jj, kk, ll, ii), (ii, kk, ll, jj), (jj, ll, kk, ii), (ii, ll, kk, jj))
        ),
        np.zeros(()),
    )
    return summed / 2
