"""How much each driver counts for: the value of every subset shared out among the drivers.

Works on any worth of a subset (R2, McFadden's R2 …) given for all 2^p subsets, in the order of `subset_fits`: bit k of
the index says whether driver k is in the subset. The Shapley value of R2 is known as LMG and as general dominance.

References
----------
Lindeman, R. H., Merenda, P. F. and Gold, R. Z. (1980). Introduction to Bivariate and Multivariate Analysis.
Shapley, L. S. (1953). A value for n-person games. Contributions to the Theory of Games 2, 307-317.
Budescu, D. V. (1993). Dominance analysis. Psychological Bulletin 114, 542-551.
Azen, R. and Budescu, D. V. (2003). The dominance analysis approach. Psychological Methods 8, 129-148.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.subset_fits import ALIASED


def shapley(worth: ArrayLike) -> Floats:
    """Share out the worth of all drivers together: each driver's mean gain over all orders of entry.

    Parameters
    ----------
    worth
        (2^p,) or (2^p, n_draws).

    Returns
    -------
    array
        (p,) or (p, n_draws); sums over drivers to the worth of all less the worth of none.

    Examples
    --------
    >>> shapley([0.0, 0.36, 0.09, 0.45]).round(2).tolist()
    [0.36, 0.09]
    """
    v = np.asarray(worth, float)
    p = _n_drivers(v)
    weight = np.array([1 / (p * comb(p - 1, s)) for s in range(p)])
    out, into = np.append(weight, 0.0), np.append(0.0, weight)
    size = _sizes(p)
    column = (slice(None), *(None,) * (v.ndim - 1))
    base = (v * out[size][column]).sum(axis=0)
    c = v * (out + into)[size][column]
    shares = np.empty((p, *v.shape[1:]))
    for j in range(p - 1, -1, -1):
        half = c.shape[0] // 2
        shares[j] = c[half:].sum(axis=0) - base
        c = c[:half] + c[half:]
    return shares


def first(worth: ArrayLike) -> Floats:
    """Give what each driver explains alone."""
    v = np.asarray(worth, float)
    alone: Floats = v[2 ** np.arange(_n_drivers(v))] - v[0]
    return alone


def last(worth: ArrayLike) -> Floats:
    """Give what each driver adds when all others are there: its unique contribution."""
    v = np.asarray(worth, float)
    unique: Floats = v[-1] - v[(len(v) - 1) ^ 2 ** np.arange(_n_drivers(v))]
    return unique


def conditional(worth: ArrayLike) -> Floats:
    """Give the mean gain of each driver over the subsets of each size: (p, p), sizes 0 to p - 1 across."""
    v = np.asarray(worth, float)
    p = _n_drivers(v)
    size = _sizes(p - 1)
    counts = np.bincount(size, minlength=p)
    gains = (np.bincount(size, weights=_gain(v, j), minlength=p) / counts for j in range(p))
    return np.stack(list(gains))


def complete(worth: ArrayLike) -> Floats:
    """Give the share of subsets without i and j to which i adds more than j: (p, p), the diagonal 0.

    Complete dominance of i over j is a share of 1. Equal gains count for neither.
    """
    v = np.asarray(worth, float)
    p = _n_drivers(v)
    wins = np.zeros((p, p))
    for i in range(p):
        for j in range(i):
            # axes: above i, bit i, between, bit j, below
            box = v.reshape(2 ** (p - 1 - i), 2, 2 ** (i - 1 - j), 2, 2**j)
            by_i, by_j = box[:, 1, :, 0], box[:, 0, :, 1]
            margin = 1e-12 * max(abs(v[-1]), 1e-300)
            wins[i, j], wins[j, i] = (by_i - by_j > margin).mean(), (by_j - by_i > margin).mean()
    return wins


def _gain(v: Floats, j: int) -> Floats:
    box = v.reshape(-1, 2, 2**j)
    gain: Floats = (box[:, 1] - box[:, 0]).ravel()
    return gain


def _n_drivers(v: Floats) -> int:
    return int(v.shape[0]).bit_length() - 1


def _sizes(p: int) -> NDArray[np.int64]:
    size = np.zeros(1, np.int64)
    for _ in range(p):
        size = np.concatenate([size, size + 1])
    return size


class Sampled(NamedTuple):
    """Shapley values from sampled orders, and the standard error the sampling leaves."""

    shares: Floats
    errors: Floats
    n_orders: int


def sampled_shapley(
    covariance: ArrayLike,
    *,
    n_orders: int = 4000,
    seed: int = 0,
    groups: Sequence[Sequence[int]] | None = None,
    always: Sequence[int] = (),
) -> Sampled:
    """Share out R2 over sampled orders of entry, for more drivers than can be looked at subset by subset.

    Each order goes with its reverse; the gains of an order sum to R2, so the shares do too.

    Parameters
    ----------
    covariance
        (p + 1, p + 1), the outcome last.
    n_orders
        How many orders, rounded up to an even number.
    seed
        The same seed gives the same orders.
    groups, always
        As for `subset_fits.subset_r2`.

    References
    ----------
    Castro, J., Gomez, D. and Tejada, J. (2009). Polynomial calculation of the Shapley value based on sampling.
    Computers and Operations Research 36, 1726-1730.
    """
    r, fixed = correlation(covariance), list(always)
    columns = [j for j in range(r.shape[0] - 1) if j not in fixed]
    sets = [[j] for j in columns] if groups is None else [list(g) for g in groups]
    p, rng, pairs = len(sets), np.random.default_rng(seed), (n_orders + 1) // 2
    total, squares = np.zeros(p), np.zeros(p)
    step = max(1, 4_000_000 // r.shape[0] ** 2)
    for done in range(0, pairs, step):
        orders = rng.permuted(np.tile(np.arange(p), (min(step, pairs - done), 1)), axis=1)
        both = (orders, orders[:, ::-1])
        gains = sum((_set_gains(r, o, sets, fixed) for o in both), np.zeros(())) / 2
        total += gains.sum(axis=0)
        squares += (gains**2).sum(axis=0)
    mean = total / pairs
    spread = np.maximum(squares / pairs - mean**2, 0) / max(pairs - 1, 1)
    return Sampled(mean, np.sqrt(spread), 2 * pairs)


def order_gains(
    covariance: ArrayLike,
    orders: NDArray[np.int64],
    *,
    groups: Sequence[Sequence[int]],
    always: Sequence[int] = (),
) -> Floats:
    """Give what each group adds to R2 as it enters, (n_orders, p), for orders of entry (n_orders, p)."""
    return _set_gains(correlation(covariance), orders, [list(g) for g in groups], list(always))


def _set_gains(r: Floats, orders: NDArray[np.int64], sets: list[list[int]], fixed: list[int]) -> Floats:
    """Give each set's gain in R2 as it enters, after what is fixed: (n_orders, sets)."""
    if not fixed and all(len(s) == 1 for s in sets) and len(sets) == r.shape[0] - 1:
        plain = _gains_in_order(r, orders)
        return plain if [s[0] for s in sets] == list(range(len(sets))) else plain[:, [s[0] for s in sets]]
    columns = [*fixed, *(j for s in sets for j in s)]
    starts = len(fixed) + np.cumsum([0, *(len(s) for s in sets)])
    n = len(orders)
    # places within `columns`, the sets in their order one after the other
    size = np.diff(starts)
    within = np.concatenate([np.arange(k) for k in size])
    first = starts[:-1][orders]
    long = np.array([np.repeat(f, size[o]) for f, o in zip(first, orders, strict=True)])
    offset = (
        np.array([np.concatenate([np.arange(k) for k in size[o]]) for o in orders])
        if len(within) > len(sets)
        else 0
    )
    places = np.concatenate([np.tile(np.arange(len(fixed)), (n, 1)), long + offset], axis=1).astype(np.int64)
    keep = [*columns, r.shape[0] - 1]
    gains = _gains_in_order(r[np.ix_(keep, keep)], places)
    return np.add.reduceat(gains, starts[:-1], axis=1)


def _gains_in_order(r: Floats, orders: NDArray[np.int64]) -> Floats:
    """Give each driver's gain in R2 as it enters, per order: (n_orders, p)."""
    n, p = orders.shape
    full = np.concatenate([orders, np.full((n, 1), p)], axis=1)
    a = r[full[:, :, None], full[:, None, :]]
    gains = np.zeros((n, p))
    rows = np.arange(n)
    for k in range(p):
        pivot, c = a[:, k, k].copy(), a[:, k, k + 1 :].copy()
        inverse = np.where(pivot > ALIASED, 1 / np.maximum(pivot, ALIASED), 0.0)
        gains[rows, orders[:, k]] = c[:, -1] ** 2 * inverse
        a[:, k + 1 :, k + 1 :] -= (c * inverse[:, None])[:, :, None] * c[:, None, :]
    return gains


def correlation(covariance: ArrayLike) -> Floats:
    """Give the correlations of a covariance; a constant variable has correlation 0 with all."""
    a = np.asarray(covariance, float)
    spread = np.sqrt(np.maximum(np.diag(a), 0))
    inverse = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0.0)
    scaled: Floats = a * inverse[:, None] * inverse
    return scaled


class Weights(NamedTuple):
    """Indices that need no subsets: relative weights, CAR scores, Pratt's products and standardised coefficients."""

    relative: Floats
    car: Floats
    pratt: Floats
    standardised: Floats


def weights(covariance: ArrayLike) -> Weights:
    """Give the indices that are read off the correlations alone.

    Johnson's relative weights (the same as Genizi's), for parity with other programs and for very many drivers; LMG
    stands on firmer ground (Thomas et al. 2014). Aliased drivers share by the pseudo-inverse.

    Parameters
    ----------
    covariance
        (p + 1, p + 1), the outcome last.

    References
    ----------
    Genizi, A. (1993). Decomposition of R2 in multiple regression with correlated regressors. Statistica Sinica 3,
    407-420. Johnson, J. W. (2000). Multivariate Behavioral Research 35, 1-19. Zuber, V. and Strimmer, K. (2011). CAR
    scores. Statistical Applications in Genetics and Molecular Biology 10. Thomas, D. R., Zumbo, B. D., Kwan, E. and
    Schweitzer, L. (2014). On Johnson's (2000) relative weights method. Multivariate Behavioral Research 49, 329-338.
    """
    r = correlation(covariance)
    inner, with_outcome = r[:-1, :-1], r[:-1, -1]
    values, vectors = np.linalg.eigh(inner)
    kept = values > ALIASED * max(values.max(initial=0.0), 1.0)
    root = (vectors * np.sqrt(np.where(kept, values, 0.0))) @ vectors.T
    inverse_root = (vectors * np.where(kept, 1 / np.sqrt(np.where(kept, values, 1.0)), 0.0)) @ vectors.T
    b = inverse_root @ with_outcome
    beta = inverse_root @ b
    return Weights((root**2) @ b**2, b**2, beta * with_outcome, beta)
