"""Is a share rising or falling over a series of groups: a straight line on the log-odds, with room for extra scatter."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit, stdtr, stdtrit

Floats = NDArray[np.float64]

FEWEST_GROUPS: Final = 4
"""So many groups show a trend at the least."""

_MOST_STEPS: Final = 50
_CLOSE: Final = 1e-10
_TINY: Final = 1e-12
_FAR: Final = 700.0  # of the logarithm of an odds ratio: beyond it floats end


class Trend(NamedTuple):
    """A trend of a share.

    `change` is the fitted share at the last place less that at the first, with its interval (the wider of that of the
    difference and that of the slope, so that it holds nought wherever the test finds no slope); `odds_ratio` is the
    factor on the odds per unit of place. `dispersion` is the scatter around the line over that of the binomial
    distribution, at least 1. `p_value` is two-sided, for no trend.
    """

    n_groups: int
    first: float
    last: float
    change: float
    change_lower: float
    change_upper: float
    odds_ratio: float
    odds_ratio_lower: float
    odds_ratio_upper: float
    dispersion: float
    p_value: float


def binomial_trend(
    successes: ArrayLike, n: ArrayLike, place: ArrayLike, *, level: float = 0.95
) -> Trend | None:
    """Fit a logistic line to shares by place and test whether it slopes.

    Groups scatter more than chance alone would have them (seasons, campaigns, mix), so the variance is that of the
    binomial distribution times a dispersion estimated from the scatter, and quantiles are Student's.

    Parameters
    ----------
    successes, n
        Counts by group; groups without members are left out.
    place
        Where each group stands, in time for instance.
    level
        Confidence level.

    Returns
    -------
    Trend or None
        None where no line can be told: with fewer than four groups, all at one place, where no one or everyone
        succeeded, or where all successes lie on one side of all failures, for then the best line is a wall.

    References
    ----------
    McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd edition, sections 4.4 and 4.5.

    Examples
    --------
    >>> found = binomial_trend([20, 24, 33, 36, 44], [100] * 5, [0, 1, 2, 3, 4])
    >>> round(found.change, 3), round(found.odds_ratio, 3), found.p_value < 0.05
    (0.239, 1.33, True)
    """
    k, m, x = (np.asarray(a, float) for a in (successes, n, place))
    kept = m > 0
    k, m, x = k[kept], m[kept], x[kept]
    if k.size < FEWEST_GROUPS or np.ptp(x) == 0 or k.sum() in (0, m.sum()) or _are_apart(k, m, x):
        return None
    return _trend(k, m, x, level)


def _are_apart(k: Floats, m: Floats, x: Floats) -> bool:
    """Say whether the places of successes and of failures share one place at most."""
    won, lost = x[k > 0], x[k < m]
    return bool(won.min() >= lost.max() or lost.min() >= won.max())


def _trend(k: Floats, m: Floats, x: Floats, level: float) -> Trend:
    design = np.column_stack([np.ones_like(x), x - x.mean()])
    beta, covariance = _fit(design, k, m)
    fitted = expit(design @ beta)
    freedom = k.size - 2
    variance = np.maximum(m * fitted * (1 - fitted), _TINY)
    dispersion = max(1.0, float(np.sum((k - m * fitted) ** 2 / variance) / freedom))
    covariance = covariance * dispersion
    t = float(stdtrit(freedom, 0.5 + level / 2))
    slope, error = float(beta[1]), float(np.sqrt(covariance[1, 1]))
    ends = np.array([int(np.argmin(x)), int(np.argmax(x))])
    first, last = fitted[ends]
    gradient = np.array([-first * (1 - first), last * (1 - last)]) @ design[ends]
    half = t * float(np.sqrt(gradient @ covariance @ gradient))
    change = float(last - first)
    by_slope = _changes(design[ends], beta, covariance, t)
    return Trend(
        n_groups=int(k.size),
        first=float(first),
        last=float(last),
        change=change,
        change_lower=max(min(change - half, *by_slope), -1.0),
        change_upper=min(max(change + half, *by_slope), 1.0),
        odds_ratio=float(np.exp(slope)),
        odds_ratio_lower=float(np.exp(max(slope - t * error, -_FAR))),
        odds_ratio_upper=float(np.exp(min(slope + t * error, _FAR))),
        dispersion=dispersion,
        p_value=float(2 * stdtr(freedom, -abs(slope / error))),
    )


def _changes(ends: Floats, beta: Floats, covariance: Floats, t: float) -> list[float]:
    """Give the change of the share at both ends of the slope's interval, the line's height being likeliest for each."""
    moved = covariance[:, 1] * t / np.sqrt(covariance[1, 1])
    found = expit(ends @ np.column_stack([beta - moved, beta + moved]))
    return [float(last - first) for first, last in found.T]


def _fit(design: Floats, k: Floats, m: Floats) -> tuple[Floats, Floats]:
    """Fit by iteratively reweighted least squares, in steps that do not lower the likelihood."""
    share = (k.sum() + 0.5) / (m.sum() + 1)
    beta = np.array([np.log(share / (1 - share)), 0.0])
    for _ in range(_MOST_STEPS):
        fitted = expit(design @ beta)
        weight = np.maximum(m * fitted * (1 - fitted), _TINY)
        information = design.T @ (weight[:, None] * design)
        step = np.linalg.solve(information, design.T @ (k - m * fitted))
        step = _shortened(np.clip(step, -5, 5), beta, design, k, m)
        beta = beta + step
        if float(np.abs(step).max()) < _CLOSE:
            break
    return beta, np.linalg.inv(information)


def _shortened(step: Floats, beta: Floats, design: Floats, k: Floats, m: Floats) -> Floats:
    """Halve a step until it does not lower the likelihood."""

    def log_likelihood(at: Floats) -> float:
        odds = design @ at
        return float(k @ log_expit(odds) + (m - k) @ log_expit(-odds))

    now = log_likelihood(beta)
    while log_likelihood(beta + step) < now - _TINY and float(np.abs(step).max()) > _CLOSE:
        step = step / 2
    return step
