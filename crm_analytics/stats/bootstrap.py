"""Bootstrap over customers: how a figure moves when the customers are drawn again with replacement.

Sums and counts are all that most figures need, so whole customers are seldom drawn. Sorted values are put into cells
(the extreme ones each in a cell of its own, the rest with their neighbours), and only the number of draws per cell is
drawn. Up to a few thousand values this is the plain bootstrap; beyond, time and memory no longer grow, and the number of
draws per cell is Poisson: how many are drawn in all then varies a little, which shares, means and ratios do not notice.

References
----------
Hanley, J. A. and MacGibbon, B. (2006). Creating non-parametric bootstrap samples using Poisson frequencies. Computer
Methods and Programs in Biomedicine 83, 57-62.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import Estimate, Floats, z_value

MOST_CELLS: Final = 4096
"""Up to so many values each is drawn by itself; beyond, neighbours share a cell."""

_CHUNK: Final = 2_000_000  # numbers held at once: 16 MB an array


@dataclass(frozen=True)
class Cells:
    """Sorted values in cells: how many, their mean and their spread within the cell."""

    sizes: NDArray[np.int64]
    means: Floats
    spreads: Floats
    first: NDArray[np.int64]  # of each group: its first cell

    @property
    def n(self) -> int:
        """How many values there are in all."""
        return int(self.sizes.sum())


def cells(values: ArrayLike, groups: ArrayLike | None = None, *, most: int = MOST_CELLS) -> Cells:
    """Put values into cells by group and size.

    Parameters
    ----------
    values
        Finite numbers.
    groups
        The group of each value, 0 to k - 1, none of them empty; None makes one group.
    most
        The largest number of cells per group.
    """
    x = np.asarray(values, float)
    if x.size == 0 or not np.isfinite(x).all():
        raise OptionError.out_of_range("values", f"{x.size} values", "one or more finite numbers")
    g = np.zeros(x.size, np.int64) if groups is None else np.asarray(groups, np.int64)
    order = np.lexsort((x, g))
    x = x[order]
    ends = np.bincount(g).cumsum()
    starts = np.concatenate([[0], ends[:-1]])
    edges = [a + _edges(int(b - a), most) for a, b in zip(starts, ends, strict=True)]
    cuts = np.concatenate(edges)
    sizes = np.diff(np.append(cuts, x.size))
    means = np.add.reduceat(x, cuts) / sizes
    off = x - np.repeat(means, sizes)
    spreads = np.sqrt(np.add.reduceat(off * off, cuts) / sizes)
    spreads[sizes == 1] = 0.0
    first = np.concatenate([[0], np.cumsum([len(e) for e in edges])[:-1]])
    return Cells(sizes, means, spreads, first)


def _edges(n: int, most: int) -> NDArray[np.int64]:
    """Begin the cells of n sorted values: an eighth single at the bottom, half single at the top, the rest evenly."""
    if n <= most:
        return np.arange(n)
    low, high = most // 8, most // 2
    inner = np.linspace(low, n - high, most - low - high, endpoint=False).astype(np.int64)
    return np.concatenate([np.arange(low), inner, np.arange(n - high, n)])


def resample(source: Cells, *, n_resamples: int = 1000, seed: int = 0) -> Iterator[tuple[Floats, Floats]]:
    """Draw again and again: the number of draws and the sum of the values drawn, per cell.

    Comes in chunks of resamples, so that memory stays bounded; each is a pair of arrays (resamples, cells). The sum of
    a cell of many values has the mean and variance of as many draws from it; of a single value it is exact.

    Parameters
    ----------
    source
        From `cells`.
    n_resamples
        How many sets of customers are drawn.
    seed
        The same seed gives the same draws.
    """
    if n_resamples < 1:
        raise OptionError.out_of_range("n_resamples", n_resamples, "1 or more; 1000 as a rule")
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // max(source.sizes.size, 1))
    shared = source.spreads > 0
    for done in range(0, n_resamples, step):
        counts = _draws(source, min(step, n_resamples - done), rng)
        sums = counts * source.means
        if shared.any():
            noise = rng.standard_normal((counts.shape[0], int(shared.sum())))
            sums[:, shared] += np.sqrt(counts[:, shared]) * source.spreads[shared] * noise
        yield counts, sums


def _draws(source: Cells, n_resamples: int, rng: np.random.Generator) -> Floats:
    n, k = source.n, source.sizes.size
    if n > k:
        return rng.poisson(source.sizes, (n_resamples, k)).astype(float)
    picks = rng.integers(0, n, (n_resamples, n)) + np.arange(n_resamples)[:, None] * n
    return np.bincount(picks.ravel(), minlength=n_resamples * n).reshape(n_resamples, n).astype(float)


def group_sums(source: Cells, *, n_resamples: int = 1000, seed: int = 0) -> tuple[Floats, Floats]:
    """Draw again and give, per resample and group, how many were drawn and the sum of their values."""
    drawn = [
        (np.add.reduceat(counts, source.first, axis=1), np.add.reduceat(sums, source.first, axis=1))
        for counts, sums in resample(source, n_resamples=n_resamples, seed=seed)
    ]
    counts, sums = zip(*drawn, strict=True)
    return np.concatenate(counts), np.concatenate(sums)


def resampled(
    source: Cells, statistic: Callable[[Floats, Floats], Floats], *, n_resamples: int = 1000, seed: int = 0
) -> Floats:
    """Draw again and work out a statistic of counts and sums per cell, chunk by chunk."""
    drawn = resample(source, n_resamples=n_resamples, seed=seed)
    return np.concatenate([statistic(counts, sums) for counts, sums in drawn])


def percentile(samples: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Give the percentile interval of resampled figures, along the first axis; figures that are not finite are left out.

    References
    ----------
    Efron, B. and Tibshirani, R. J. (1993). An Introduction to the Bootstrap, chapter 13.
    """
    z_value(level)
    tail = (1 - level) / 2
    usable = np.where(np.isfinite(samples), samples, np.nan)
    lower, upper = np.nanquantile(usable, [tail, 1 - tail], axis=0)
    return lower, upper


def bca(value: float, samples: Floats, influence: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Give the bias-corrected and accelerated interval, better than `percentile` for skewed figures.

    Parameters
    ----------
    value
        The figure itself.
    samples
        The resampled figures.
    influence
        How much each customer moves the figure (jackknife or infinitesimal jackknife values); the scale is free.
    level
        Confidence level.

    References
    ----------
    Efron, B. and Tibshirani, R. J. (1993). An Introduction to the Bootstrap, section 14.3, equations 14.9 to 14.15.
    """
    normal = NormalDist()
    pull = np.asarray(influence, float)
    spread = float((pull**2).sum())
    speed = float((pull**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    below = (float((samples < value).mean()) + float((samples <= value).mean())) / 2
    limit = 1 / (2 * samples.size)
    bias = normal.inv_cdf(min(max(below, limit), 1 - limit))
    ends = []
    for z in (-z_value(level), z_value(level)):
        moved = bias + (bias + z) / max(1 - speed * (bias + z), 0.05)
        ends.append(float(np.quantile(samples, normal.cdf(moved))))
    return Estimate(value, ends[0], ends[1])


def mean_interval(
    values: ArrayLike, *, level: float = 0.95, n_resamples: int = 1000, seed: int = 0
) -> Estimate:
    """Give a mean with its bootstrap interval (BCa).

    >>> mean = mean_interval([1.0, 2.0, 3.0, 4.0, 100.0])
    >>> mean.value, mean.lower < 4 < 60 < mean.upper
    (22.0, True)
    """
    x = np.asarray(values, float)
    source = cells(x)
    counts, sums = group_sums(source, n_resamples=n_resamples, seed=seed)
    samples = (sums / counts)[:, 0]
    return bca(float(x.mean()), samples, x - x.mean(), level=level)


def ratio_interval(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    level: float = 0.95,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Give a ratio of two (weighted) sums over customers with its bootstrap interval (BCa).

    The customers are drawn whole, numerator, denominator and weight together.

    >>> ratio = ratio_interval([1, 0, 1, 1, 0, 1], [1, 1, 1, 1, 1, 1], weights=[2, 1, 1, 1, 1, 2])
    >>> ratio.value, 0 < ratio.lower < ratio.value < ratio.upper <= 1
    (0.75, True)
    """
    w = np.ones(np.size(numerator)) if weights is None else np.asarray(weights, float)
    top, base = np.asarray(numerator, float) * w, np.asarray(denominator, float) * w
    if base.sum() == 0:
        raise OptionError.out_of_range("denominator", 0.0, "a sum other than 0")
    value = float(top.sum() / base.sum())
    # The ratio is linear in residuals and denominator, so both are drawn together, plainly, in chunks.
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // top.size)
    parts = []
    for done in range(0, n_resamples, step):
        picks = rng.integers(0, top.size, (min(step, n_resamples - done), top.size))
        parts.append(top[picks].sum(axis=1) / base[picks].sum(axis=1))
    samples = np.concatenate(parts)
    return bca(value, samples[np.isfinite(samples)], top - value * base, level=level)
