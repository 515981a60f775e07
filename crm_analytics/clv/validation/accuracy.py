"""How far forecasts of many customers were off, how well they put them in order, and how sure that is.

Every figure is worked out from weights on the customers: all ones for the figure itself, draws with replacement for its
interval. The same draws serve all forecasts of a period, so that differences between them are judged in pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from crm_analytics.clv.likelihoods.rows import Codes, Floats
from crm_analytics.stats.bootstrap import percentile

BOUNDED: Final = (
    "total_error",
    "mae",
    "rmse",
    "correlation",
    "rank_correlation",
    "gini_reached",
    "top_decile_lift",
)
"""The figures, all of which have intervals."""

MOST_DRAWN: Final = 2_000
"""Beyond so many customers a sample of them is drawn from, and the spread scaled down by the root of the ratio."""

_TOP: Final = 0.1
_FLAT: Final = 1e-9  # ranks are halves of whole numbers: any spread of theirs is larger
_DIGITS: Final = 10  # forecasts that agree to so many digits are the same forecast


@dataclass(frozen=True, eq=False)
class Draws:
    """Customers drawn again with replacement: how often each of `places` is taken, per draw.

    `order` says whether figures of order (ranks, Gini, lift), which take longest, are drawn too.
    """

    places: Codes
    weights: Floats
    scale: float
    order: bool = True

    @classmethod
    def of(cls, n: int, n_draws: int, seed: int, *, order: bool = True) -> Draws:
        """Draw `n_draws` times from n customers, from a sample of them where they are many."""
        rng = np.random.default_rng(seed)
        size = min(n, MOST_DRAWN)
        places = np.arange(n) if size == n else np.sort(rng.choice(n, size, replace=False))
        weights = rng.multinomial(size, np.full(size, 1 / size), n_draws).astype(float)
        return cls(places, weights, float(np.sqrt(size / n)), order)


@dataclass(frozen=True, eq=False)
class Accuracy:
    """Figures of one forecast: their values, and how they move from draw to draw."""

    actual: float
    forecast: float
    values: Mapping[str, float | None]
    samples: Mapping[str, Floats]

    def interval(self, name: str) -> tuple[float | None, float | None]:
        """Give the 95 % interval of a figure; none where it has no value."""
        value = self.values[name]
        return (
            (None, None) if value is None or name not in self.samples else _around(value, self.samples[name])
        )


def accuracy(actual: Floats, forecast: Floats, draws: Draws) -> Accuracy:
    """Work out all figures of a forecast, with their draws.

    Parameters
    ----------
    actual, forecast
        One number per customer, 0 or more.
    draws
        From `Draws.of`, the same for all forecasts that are compared.

    Returns
    -------
    Accuracy
        - total_error: (sum of forecasts - sum of actuals) / sum of actuals
        - mae, rmse: mean absolute error, root of the mean squared error
        - correlation, rank_correlation: Pearson's and Spearman's, ties at their mean rank
        - gini_reached: Gini of the actuals in the order of the forecasts, divided by that in their own order
        - top_decile_lift: mean actual of the tenth with the highest forecasts, divided by that of all

    Examples
    --------
    >>> found = accuracy(np.array([0.0, 1.0, 3.0]), np.array([1.0, 1.0, 1.0]), Draws.of(3, 5, 0)).values
    >>> found["total_error"], found["mae"], found["correlation"]
    (-0.25, 1.0, None)
    """
    forecast = _same(forecast)
    whole = figures(actual, forecast, np.ones((1, len(actual))))
    values = {name: float(v[0]) if np.isfinite(v[0]) else None for name, v in whole.items()}
    part = draws.places
    drawn = figures(actual[part], forecast[part], draws.weights, order=draws.order)
    middle = figures(actual[part], forecast[part], np.ones((1, len(part))), order=draws.order)
    samples = {name: whole[name] + draws.scale * (drawn[name] - middle[name]) for name in drawn}
    return Accuracy(float(actual.sum()), float(forecast.sum()), values, samples)


def against(one: Accuracy, other: Accuracy, name: str) -> tuple[float | None, float | None, float | None]:
    """Give one forecast's error relative to another's, less 1, with its interval; -0.08 is 8 % smaller."""
    mine, theirs = one.values[name], other.values[name]
    if mine is None or not theirs:
        return None, None, None
    with np.errstate(divide="ignore", invalid="ignore"):
        return (mine / theirs - 1, *_around(mine / theirs - 1, one.samples[name] / other.samples[name] - 1))


def _around(value: float, samples: Floats) -> tuple[float, float]:
    if not np.isfinite(samples).any():
        return value, value
    lower, upper = percentile(samples)
    return min(value, float(lower)), max(value, float(upper))


def figures(actual: Floats, forecast: Floats, weights: Floats, *, order: bool = True) -> dict[str, Floats]:
    """Work out the figures for each row of weights; not a number where one has no meaning."""
    n = weights.sum(axis=1)
    error = forecast - actual
    x, y = actual - actual.mean(), forecast - forecast.mean()
    sums = weights @ np.stack([actual, forecast, np.abs(error), error**2, x, y, x * x, y * y, x * y], axis=1)
    a, f, miss, squared, *moments = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "total_error": f / a - 1,
            "mae": miss / n,
            "rmse": np.sqrt(squared / n),
            "correlation": _from_moments(n, *moments),
        }
        found |= _of_order(actual, forecast, weights) if order else {}
        return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}


def _from_moments(n: Floats, x: Floats, y: Floats, xx: Floats, yy: Floats, xy: Floats) -> Floats:
    own = (xx - x * x / n) * (yy - y * y / n)
    flat = own <= (1e-12 * n) ** 2
    return np.where(flat, np.nan, (xy - x * y / n) / np.sqrt(np.where(flat, 1.0, own)))


def _of_order(actual: Floats, forecast: Floats, weights: Floats) -> dict[str, Floats]:
    by_forecast, by_actual = _Order.of(forecast), _Order.of(actual)
    counts = by_forecast.sums(weights)
    bought = by_forecast.sums(weights * actual)
    own = by_actual.sums(weights)
    ranks = [order.spread(_mid(c)) for order, c in ((by_forecast, counts), (by_actual, own))]
    return {
        "rank_correlation": _rank_correlation(ranks[0], ranks[1], weights),
        "gini_reached": _gini(counts, bought) / _gini(own, by_actual.sums(weights * actual)),
        "top_decile_lift": _lift(counts, bought),
    }


@dataclass(frozen=True, eq=False)
class _Order:
    """Customers from the lowest to the highest, those of the same value together."""

    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    codes: NDArray[np.intp]

    @classmethod
    def of(cls, values: Floats) -> _Order:
        _, codes, sizes = np.unique(values, return_inverse=True, return_counts=True)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.intp)
        return cls(np.argsort(codes, kind="stable"), starts, codes)

    def sums(self, values: Floats) -> Floats:
        return np.add.reduceat(values[:, self.order], self.starts, axis=1)

    def spread(self, table: Floats) -> Floats:
        return table[:, self.codes]


def _mid(counts: Floats) -> Floats:
    return np.cumsum(counts, axis=1) - counts / 2


def _rank_correlation(one: Floats, other: Floats, weights: Floats) -> Floats:
    """Correlate mean ranks, whose mean is always half of how many were drawn."""
    half = weights.sum(axis=1, keepdims=True) / 2
    x, y = one - half, other - half
    wx, wy = weights * x, weights * y
    xx, yy, xy = (np.einsum("ij,ij->i", p, q) for p, q in ((wx, x), (wy, y), (wx, y)))
    spread = np.sqrt(xx * yy)
    flat = spread <= _FLAT
    return np.where(flat, np.nan, xy / np.where(flat, 1.0, spread))


def _gini(counts: Floats, sums: Floats) -> Floats:
    area = (counts * _mid(sums)).sum(axis=1)
    found: Floats = 1 - 2 * area / (counts.sum(axis=1) * sums.sum(axis=1))
    return found


def _lift(counts: Floats, sums: Floats) -> Floats:
    """Give what the top tenth holds against a tenth of all; customers of the same forecast at its edge share its room."""
    n = counts.sum(axis=1, keepdims=True)
    above = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1] - counts
    taken = np.clip((_TOP * n - above) / np.maximum(counts, 1e-12), 0.0, 1.0)
    found: Floats = (sums * taken).sum(axis=1) / (_TOP * sums.sum(axis=1))
    return found


def _same(forecast: Floats) -> Floats:
    """Round to so many digits that customers of the same history have the same forecast."""
    safe = np.where(forecast > 0, forecast, 1.0)
    unit = 10.0 ** (np.floor(np.log10(safe)) - _DIGITS)
    return np.where(forecast > 0, np.round(forecast / unit) * unit, forecast)
