"""How unevenly a sum is spread: Lorenz curve, Gini, Herfindahl, the share of the largest.

Values below nought count as nought in the Lorenz curve and the Gini: a customer who was paid back more than they
bought stands at the bottom with nothing. Values must be finite; leave nulls out beforehand and say how many.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crm_analytics.errors import OptionError
from crm_analytics.stats.bootstrap import cells, percentile, resampled
from crm_analytics.stats.intervals import Estimate, Floats

FEWEST: Final = 5
"""Fewer customers than these say nothing about the spread of a figure."""


class Lorenz(NamedTuple):
    """Points of a Lorenz curve from (0, 0) to (1, 1), the smallest values first."""

    population_share: Floats
    value_share: Floats


def lorenz(values: ArrayLike, weights: ArrayLike | None = None, *, n_points: int | None = None) -> Lorenz:
    """Give the Lorenz curve: which share of the sum the smallest so-many customers hold.

    Parameters
    ----------
    values
        One number per customer; below nought counts as nought.
    weights
        How many customers each stands for; None counts each once.
    n_points
        Thin the curve to about so many points for a picture; None gives a point per customer.

    Examples
    --------
    >>> lorenz([1, 1, 2]).value_share.tolist()
    [0.0, 0.25, 0.5, 1.0]
    """
    x, w = _sorted(values, weights)
    population = np.concatenate([[0.0], np.cumsum(w)])
    held = np.concatenate([[0.0], np.cumsum(w * x)])
    share = held / held[-1] if held[-1] > 0 else population / population[-1]
    curve = Lorenz(population / population[-1], share)
    if n_points is None or x.size < n_points:
        return curve
    keep = np.unique(np.linspace(0, x.size, n_points).round().astype(int))
    return Lorenz(curve.population_share[keep], curve.value_share[keep])


def gini(values: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Give the Gini coefficient: 0 when all hold the same, towards 1 when one holds everything.

    Twice the area between the Lorenz curve and the diagonal, the population form without the factor n / (n - 1), so
    that one of n customers with everything gives (n - 1) / n. All nought gives 0: nobody holds more than another.

    References
    ----------
    Dixon, P. M., Weiner, J., Mitchell-Olds, T. and Woodley, R. (1987). Bootstrapping the Gini coefficient of
    inequality. Ecology 68, 1548-1551.

    Examples
    --------
    >>> gini([1, 1, 1, 1]), gini([0, 0, 0, 8]), round(gini([1, 2, 3]), 4)
    (0.0, 0.75, 0.2222)
    """
    x, w = _sorted(values, weights)
    return float(_gini_of(w[None, :], (w * x)[None, :])[0])


def gini_interval(
    values: ArrayLike, *, level: float = 0.95, n_resamples: int = 1000, seed: int = 0
) -> Estimate:
    """Give the Gini coefficient with its bootstrap interval over customers.

    The bootstrap-t on the logit scale, each resample with a standard error of its own, which holds its level better
    than percentile or BCa intervals (covering 92% where they cover 89% and 90%, at 1,000 lognormal values with
    log-scale deviation 1.3) and stays within 0 and 1. With very heavy tails and few customers every such interval is
    too short: the largest customer who might have come is not in the data.

    References
    ----------
    Davidson, R. (2009). Reliable inference for the Gini index. Journal of Econometrics 150, 30-40.

    Examples
    --------
    >>> found = gini_interval([1, 2, 3, 4, 5, 6, 7, 8, 9, 30])
    >>> 0 < found.lower < found.value < found.upper < 1
    True
    """
    x, _ = _sorted(values, None)
    x = x / (x.max() or 1.0)  # the Gini has no unit, and huge numbers cannot overflow
    source = cells(x)
    value, error = (float(part[0]) for part in _gini_and_error(np.ones((1, x.size)), x[None, :], x))
    if x.size < FEWEST:
        return Estimate(value, 0.0, 1.0)
    if not 0 < value < 1 or error == 0:
        return Estimate(value, value, value)

    def studentised(counts: Floats, sums: Floats) -> Floats:
        with np.errstate(all="ignore"):  # a resample of equal values has no error and is left out
            found, errors = _gini_and_error(counts, sums, source.means)
            return (_logit(found) - start) * found * (1 - found) / errors

    sizes = source.sizes.astype(float)[None, :]
    start = float(_logit(_gini_of(sizes, sizes * source.means))[0])
    low, high = percentile(resampled(source, studentised, n_resamples=n_resamples, seed=seed), level=level)
    middle, scale = float(_logit(np.array([value]))[0]), error / (value * (1 - value))
    lower, upper = (1 / (1 + np.exp(-(middle - t * scale))) for t in (float(high), float(low)))
    return Estimate(value, float(lower), float(upper))


def top_share(values: ArrayLike, share: float) -> float:
    """Give the share of the sum that the top so-many customers hold.

    >>> top_share([1, 2, 3, 4, 90], 0.2)
    0.9
    """
    x, w = _sorted(values, None)
    return float(_top_of(w[None, :], x[None, :], _checked(share))[0])


def top_share_interval(
    values: ArrayLike, share: float, *, level: float = 0.95, n_resamples: int = 1000, seed: int = 0
) -> Estimate:
    """Give the share of the top so-many customers with its bootstrap interval (percentile)."""
    x, _ = _sorted(values, None)
    part = _checked(share)
    samples = resampled(cells(x), lambda n, s: _top_of(n, s, part), n_resamples=n_resamples, seed=seed)
    lower, upper = percentile(samples, level=level)
    return Estimate(top_share(x, share), float(lower), float(upper))


def herfindahl(values: ArrayLike) -> float:
    """Give the Herfindahl index: the sum of squared shares, 1/n when all hold the same and 1 when one holds everything.

    Its reciprocal is the number of equal customers that would be as concentrated. All nought gives 1/n.

    >>> herfindahl([1, 1, 1, 1]), herfindahl([0, 5])
    (0.25, 1.0)
    """
    x, _ = _sorted(values, None)
    total = float(x.sum())
    return float(((x / total) ** 2).sum()) if total > 0 else 1.0 / x.size


def _sorted(values: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    x = np.asarray(values, float).ravel()
    if x.size == 0 or not np.isfinite(x).all():
        raise OptionError.out_of_range(
            "values", f"{x.size} values", "one or more finite numbers, nulls left out"
        )
    x = np.maximum(x, 0.0)
    if weights is None:
        return np.sort(x), np.ones(x.size)
    w = np.asarray(weights, float).ravel()
    if w.shape != x.shape or not np.isfinite(w).all() or (w < 0).any() or w.sum() == 0:
        raise OptionError.out_of_range(
            "weights", f"{w.size} weights", "one weight of 0 or more for each value, not all 0"
        )
    order = np.argsort(x, kind="stable")
    return x[order], w[order]


def _gini_of(counts: Floats, sums: Floats) -> Floats:
    """Work out the Gini of sorted cells, one row per resample."""
    n, total = counts.sum(axis=1), sums.sum(axis=1)
    held = np.cumsum(sums, axis=1)
    area: Floats = (counts * (held - sums / 2)).sum(axis=1)
    level = np.where(total > 0, total, 1.0)
    found: Floats = np.where(total > 0, 1 - 2 * area / (n * level), 0.0)
    return np.clip(found, 0.0, 1.0)  # equal values may leave a rounding error below nought


def _gini_and_error(counts: Floats, sums: Floats, means: Floats) -> tuple[Floats, Floats]:
    """Work out the Gini of sorted cells and its standard error from the influence function, one row per resample."""
    n, total = counts.sum(axis=1, keepdims=True), sums.sum(axis=1, keepdims=True)
    found = _gini_of(counts, sums)
    level = np.where(total > 0, total, 1.0)
    place = (np.cumsum(counts, axis=1) - counts / 2) / n
    held = (np.cumsum(sums, axis=1) - sums / 2) / level
    ratio = means * n / level
    pull = 2 * (ratio * place - held) + 1 - ratio - found[:, None] * (1 + ratio)
    variance = (counts * pull**2).sum(axis=1) / n[:, 0] - ((counts * pull).sum(axis=1) / n[:, 0]) ** 2
    return found, np.sqrt(np.maximum(variance, 0.0) / n[:, 0])


def _logit(share: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(share) - np.log1p(-share)


def _top_of(counts: Floats, sums: Floats, share: float) -> Floats:
    """Work out the share of the top part; the cell at its edge gives in proportion."""
    n, total = counts.sum(axis=1, keepdims=True), sums.sum(axis=1)
    above = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1] - counts
    taken = np.clip((share * n - above) / np.maximum(counts, 1e-12), 0.0, 1.0)
    level = np.where(total > 0, total, 1.0)
    found: Floats = np.where(total > 0, (sums * taken).sum(axis=1) / level, share)
    return found


def _checked(share: float) -> float:
    if not 0 < share <= 1:
        raise OptionError.out_of_range("share", share, "a share above 0 and up to 1, such as 0.2")
    return share
