"""How far a figure changed between two periods, and how far it may change by chance.

Customers are resampled with independent Poisson weights of mean one, which lets their number vary as it does in life,
and keeps each customer's two periods together: what the same customers do in both counts as paired.

References
----------
Chamandy, N., Muralidharan, O., Najmi, A. and Naidu, S. (2012), Estimating uncertainty for massive data streams
(the Poisson bootstrap).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from crm_analytics.key_figures.period_figures import Figure, Floats

FEWEST_CUSTOMERS: Final = 5
"""With fewer customers behind a figure in either period, resampling them says nothing about chance."""

MANY_CUSTOMERS: Final = 20_000
"""Beyond this many, resampled totals follow a normal distribution, which is drawn at once instead of weight by weight."""

_LEVEL: Final = 0.95
_MOST_FAILED: Final = 0.05  # a figure that cannot be worked out in more draws than this has no interval
_BATCH: Final = 2_000_000  # weights held at a time


@dataclass(frozen=True)
class Interval:
    """The two ends of a 95 % interval."""

    lower: float
    upper: float


@dataclass(frozen=True)
class Change:
    """How a figure changed: by a percentage of what it was, or by points where it is a share.

    `value` is None where there is nothing to compare with; `interval` is None where too few customers stand behind it.
    `longer` is by how much the period is longer than the one before, as a share of it, for a figure that grows with
    time (counts and sums); else 0.
    """

    before: float | None
    value: float | None
    interval: Interval | None
    longer: float = 0.0

    @property
    def is_within_normal_variation(self) -> bool | None:
        """Whether chance among customers and the length of the periods explain the change; None if it cannot be told."""
        if self.interval is None:
            return None
        return self.interval.lower <= max(0.0, self.longer) and self.interval.upper >= min(0.0, self.longer)

    @property
    def is_chance(self) -> bool | None:
        """Whether chance among customers alone explains the change."""
        return None if self.interval is None else self.interval.lower <= 0 <= self.interval.upper


def resampled_totals(parts: Floats, n_bootstrap: int, seed: int) -> Floats:
    """Draw the totals of resampled customers: `n_bootstrap` rows, one column per column of `parts`.

    Neither the order of the customers nor their names matter: rows are put in the order of their values first.

    Examples
    --------
    >>> draws = resampled_totals(np.ones((400, 1)), 2000, seed=0)
    >>> bool(abs(draws.mean() - 400) < 2), bool(abs(draws.std() - 20) < 1.5)
    (True, True)
    """
    rng = np.random.default_rng(seed)
    ordered = np.ascontiguousarray(parts[np.lexsort(parts.T)])
    if len(ordered) > MANY_CUSTOMERS:
        return _normal_totals(ordered, n_bootstrap, rng)
    step = max(1, _BATCH // max(1, len(ordered)))
    batches = [min(step, n_bootstrap - done) for done in range(0, n_bootstrap, step)]
    return np.vstack([rng.poisson(1.0, (n, len(ordered))).astype(np.float64) @ ordered for n in batches])


def _normal_totals(parts: Floats, n_bootstrap: int, rng: np.random.Generator) -> Floats:
    """Draw totals with the mean and covariance that Poisson weights give them: the sums, and the cross-products."""
    values, vectors = np.linalg.eigh(parts.T @ parts)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    drawn: Floats = parts.sum(axis=0) + rng.standard_normal((n_bootstrap, parts.shape[1])) @ root.T
    return drawn


def interval(draws: Floats, estimate: float) -> Interval | None:
    """Give the interval between the outer draws, which always holds the estimate; None if too many draws failed."""
    good = draws[np.isfinite(draws)]
    if not len(draws) or len(good) < (1 - _MOST_FAILED) * len(draws):
        return None
    lower, upper = np.quantile(good, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(min(float(lower), estimate), max(float(upper), estimate))


def change(
    figure: Figure,
    now: Floats,
    before: Floats,
    drawn_now: Floats,
    drawn_before: Floats,
    *,
    longer: float = 0.0,
) -> Change:
    """Work out the change of a figure from customers' parts in two periods and their resampled totals.

    Parameters
    ----------
    figure
        Which figure.
    now, before
        One row per customer, the same customers in both; columns are `PARTS`.
    drawn_now, drawn_before
        Resampled totals of the two, draw by draw from the same customers.
    longer
        By how much the period is longer than the one before, as a share of it.
    """
    old, new = (float(figure.of(p.sum(axis=0))) for p in (before, now))
    if not np.isfinite(old):
        return Change(None, None, None)
    value = float(_difference(figure, np.array(new), np.array(old)))
    if not np.isfinite(value):
        return Change(old, None, None)
    if min(figure.n_behind(now), figure.n_behind(before)) < FEWEST_CUSTOMERS:
        return Change(old, value, None)
    drawn = _difference(figure, figure.of(drawn_now), figure.of(drawn_before))
    return Change(old, value, interval(drawn, value), longer if figure.under is None else 0.0)


def _difference(figure: Figure, new: Floats, old: Floats) -> Floats:
    if figure.is_share:
        return new - old
    return np.divide(new - old, old, out=np.full_like(new, np.nan), where=old > 0)


def value_interval(figure: Figure, now: Floats, drawn_now: Floats) -> Interval | None:
    """Give the interval of an average or share; counts and sums are facts of the period and have none."""
    if figure.under is None or figure.n_behind(now) < FEWEST_CUSTOMERS:
        return None
    estimate = float(figure.of(now.sum(axis=0)))
    return interval(figure.of(drawn_now), estimate) if np.isfinite(estimate) else None
