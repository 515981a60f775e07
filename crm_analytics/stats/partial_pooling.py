"""Many groups ranked: their means drawn towards the mean of all, and how sure each place is."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import Floats

_FEWEST: Final = 3
_STEPS: Final = 400
_WIDEST: Final = 4.0  # of the spread of the means as they are


class Pooled(NamedTuple):
    """Groups after pooling.

    `value`, `lower`, `upper`: the true mean of each group. `between`: the typical spread of true means (posterior median).
    `rank` is the expected place (1 the highest) with `rank_lower` and `rank_upper`; `best` and `worst` the probability of
    the first and the last place, `above` that of being above the middle of the groups' true means.
    """

    value: Floats
    lower: Floats
    upper: Floats
    between: float
    rank: Floats
    rank_lower: Floats
    rank_upper: Floats
    best: Floats
    worst: Floats
    above: Floats


def pool(
    means: ArrayLike, errors: ArrayLike, *, level: float = 0.95, draws: int = 4000, seed: int = 0
) -> Pooled:
    """Draw group means towards the mean of all, the more, the less each is known.

    True means are normal around a common mean with an unknown spread; the spread is not fixed at its estimate (which is 0
    as often as not in few groups, and would then call all groups equal for sure) but averaged over, with a flat prior.

    Parameters
    ----------
    means, errors
        Mean and standard error of each group, three groups or more; errors above 0.
    level
        Level of the intervals.
    draws, seed
        Draws of true means, for places and intervals.

    Raises
    ------
    OptionError
        With fewer than three groups, or an error that is not above 0.

    References
    ----------
    Rubin, D. B. (1981). Estimation in parallel randomized experiments. Journal of Educational Statistics 6, 377-401.
    Gelman, A. (2006). Prior distributions for variance parameters in hierarchical models. Bayesian Analysis 1, 515-534.

    Examples
    --------
    >>> found = pool([60, 50, 40, 90], [5, 5, 5, 20])
    >>> found.value.round().tolist(), found.best.round(1).tolist()
    ([59.0, 50.0, 42.0, 71.0], [0.3, 0.0, 0.0, 0.7])
    """
    y, s = np.asarray(means, float), np.asarray(errors, float)
    if y.size < _FEWEST or not (s > 0).all() or not np.isfinite(y).all():
        raise OptionError.out_of_range(
            "errors", f"{y.size} groups", "three groups or more with errors above 0"
        )
    spread, chance = _spreads(y, s)
    rng = np.random.default_rng(seed)
    drawn = _draws(y, s, rng.choice(spread, size=draws, p=chance), rng)
    return _summed(drawn, _expected(y, s, spread, chance), spread, chance, (1 - level) / 2)


def _spreads(y: Floats, s: Floats) -> tuple[Floats, Floats]:
    """Give spreads of true means and their probabilities, the common mean integrated out."""
    top = _WIDEST * max(float(y.std(ddof=1)), float(s.mean()))
    spread = np.linspace(0.0, top, _STEPS)
    variance = s**2 + spread[:, None] ** 2
    precision = (1 / variance).sum(axis=1)
    middle = (y / variance).sum(axis=1) / precision
    fit = -0.5 * (np.log(variance) + (y - middle[:, None]) ** 2 / variance).sum(axis=1) - 0.5 * np.log(
        precision
    )
    chance = np.exp(fit - fit.max())
    return spread, chance / chance.sum()


def _expected(y: Floats, s: Floats, spread: Floats, chance: Floats) -> Floats:
    """Give the expected true means, exactly: averaged over the spreads."""
    variance = s**2 + spread[:, None] ** 2
    middle = (y / variance).sum(axis=1) / (1 / variance).sum(axis=1)
    own = spread[:, None] ** 2 / variance
    expected: Floats = chance @ (own * y + (1 - own) * middle[:, None])
    return expected


def _draws(y: Floats, s: Floats, spread: Floats, rng: np.random.Generator) -> Floats:
    variance = s**2 + spread[:, None] ** 2
    precision = (1 / variance).sum(axis=1)
    middle = (y / variance).sum(axis=1) / precision + rng.standard_normal(spread.size) / np.sqrt(precision)
    own = spread[:, None] ** 2 / variance
    center = own * y + (1 - own) * middle[:, None]
    drawn: Floats = center + np.sqrt(own) * s * rng.standard_normal((spread.size, y.size))
    return drawn


def _summed(drawn: Floats, value: Floats, spread: Floats, chance: Floats, tail: float) -> Pooled:
    k = drawn.shape[1]
    order = np.argsort(-drawn, axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(1, k + 1)[None, :], axis=1)
    lower, upper = np.quantile(drawn, [tail, 1 - tail], axis=0)
    low, high = np.quantile(place, [tail, 1 - tail], axis=0)
    middle = np.median(drawn, axis=1, keepdims=True)
    return Pooled(
        value,
        np.minimum(lower, value),
        np.maximum(upper, value),
        float(spread[np.searchsorted(chance.cumsum(), 0.5)]),
        place.mean(axis=0),
        np.minimum(low, place.mean(axis=0)),
        np.maximum(high, place.mean(axis=0)),
        (place == 1).mean(axis=0),
        (place == k).mean(axis=0),
        (drawn > middle).mean(axis=0),
    )
