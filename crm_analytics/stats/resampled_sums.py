"""Bootstrap of sums over rows: what means, covariances and everything made of them need, and nothing else.

Rows are never copied. Each draw gives every row (or every cluster of rows) a count, and the sums of a draw are counts
times features: one matrix product a block of rows. Up to a few thousand rows the counts are multinomial, the plain
bootstrap; beyond, each is Poisson with mean 1, which differs by a random number of rows in all that means and
covariances do not notice (Hanley and MacGibbon 2006).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, factorial
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import Floats

MOST_PLAIN: Final = 4096
"""Up to so many rows the counts of a draw are multinomial."""

_BLOCK: Final = 4096
_GRAIN: Final = 2**16


def resampled_sums(
    features: ArrayLike, *, clusters: ArrayLike | None = None, n_draws: int = 1000, seed: int = 0
) -> Floats:
    """Draw the rows again and again and give the sums of their features.

    Parameters
    ----------
    features
        (n, q): what is summed per row. A row's weight is part of its features.
    clusters
        The cluster of each row, 0 to k - 1; clusters are then drawn whole. Rows one by one if None.
    n_draws
        How many draws.
    seed
        The same seed and the same order of rows give the same draws.

    Returns
    -------
    array
        (n_draws, q).

    References
    ----------
    Hanley, J. A. and MacGibbon, B. (2006). Creating non-parametric bootstrap samples using Poisson frequencies. Computer
    Methods and Programs in Biomedicine 83, 57-62.
    """
    if n_draws < 1:
        raise OptionError.out_of_range("n_draws", n_draws, "1 or more; 1000 as a rule")
    x = np.asarray(features, float)
    if clusters is not None:
        x = _per_cluster(x, np.asarray(clusters, np.int64))
    centre = x.mean(axis=0)  # around it single precision is ample for a draw
    off, total, drawn = (x - centre).astype(np.float32), np.zeros((n_draws, x.shape[1])), np.zeros(n_draws)
    for rows, counts in _counts(len(x), n_draws, np.random.default_rng(seed)):
        total += counts @ off[rows]
        drawn += counts.sum(axis=1)
    sums: Floats = total + drawn[:, None] * centre
    return sums


def _per_cluster(x: Floats, clusters: NDArray[np.int64]) -> Floats:
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    summed: Floats = np.add.reduceat(x[order], starts, axis=0)
    return summed


def _counts(n: int, n_draws: int, rng: np.random.Generator) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Give how often each row is drawn: blocks of rows, (n_draws, rows of the block)."""
    if n <= MOST_PLAIN:
        picks = rng.integers(0, n, (n_draws, n)) + np.arange(n_draws)[:, None] * n
        yield (
            slice(0, n),
            np.bincount(picks.ravel(), minlength=n_draws * n).reshape(n_draws, n).astype(np.float32),
        )
        return
    table = _poisson_table()
    for start in range(0, n, _BLOCK):
        rows = slice(start, min(start + _BLOCK, n))
        grains = rng.integers(0, _GRAIN, (n_draws, rows.stop - start), dtype=np.uint16)
        yield rows, table[grains]


def _poisson_table() -> NDArray[np.float32]:
    """Lay out Poisson counts of mean 1 over 65,536 equal parts."""
    edges = np.cumsum([exp(-1) / factorial(k) for k in range(9)])
    return np.searchsorted(edges, (np.arange(_GRAIN) + 0.5) / _GRAIN).astype(np.float32)
