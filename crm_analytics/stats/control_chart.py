"""Control limits: which wiggles of a series of scores are more than chance, beside the scatter there always is."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm_analytics.stats.intervals import Floats

_LIMIT: Final = 3.0
_RANGE_TO_SPREAD: Final = 1.128  # the mean range of two normal values over their standard deviation (d2)
_ENOUGH: Final = 8
_RUN: Final = 8


class ControlChart(NamedTuple):
    """A centre line, limits for each group, and which groups they call out.

    `scatter` is how many times as wide as chance alone the groups scatter (Laney's sigma z). `outside` are groups beyond
    the limits, `in_a_run` those that end eight or more in a row on one side of the centre.
    """

    center: float
    lower: Floats
    upper: Floats
    scatter: float
    outside: NDArray[np.bool_]
    in_a_run: NDArray[np.bool_]


def control_chart(
    scores: ArrayLike, n: ArrayLike, variance: float, ends: tuple[float, float]
) -> ControlChart:
    """Draw the limits of a p' chart around scores of groups, in the order of time.

    Three standard errors either side of the mean, by each group's own size, widened where groups scatter more than chance
    alone would have them (Laney's p'; a p chart where they do not, and where there are fewer than eight groups to tell
    it by). Never narrower than chance.

    Parameters
    ----------
    scores, n
        Score and effective number of answers of each group.
    variance
        Variance of one answer, pooled.
    ends
        The smallest and the largest score there can be.

    References
    ----------
    Laney, D. B. (2002). Improved control charts for attributes. Quality Engineering 14, 531-537.

    Examples
    --------
    >>> found = control_chart([0.5, 0.5, 0.8], [100, 100, 100], 0.24, (0, 1))
    >>> round(found.center, 2), found.upper.round(3).tolist(), found.outside.tolist()
    (0.6, [0.747, 0.747, 0.747], [False, False, True])
    """
    x, size = np.asarray(scores, float), np.asarray(n, float)
    center = float(size @ x / size.sum())
    error = np.sqrt(max(variance, 0.0) / size)
    scatter = _scatter((x - center) / np.maximum(error, 1e-300)) if variance > 0 else 1.0
    half = _LIMIT * scatter * error
    lower, upper = np.maximum(center - half, ends[0]), np.minimum(center + half, ends[1])
    outside = (x < lower - 1e-9) | (x > upper + 1e-9)
    return ControlChart(center, lower, upper, scatter, outside, _runs(np.sign(np.round(x - center, 9))))


def _scatter(z: Floats) -> float:
    if z.size < _ENOUGH:
        return 1.0
    return max(1.0, float(np.abs(np.diff(z)).mean()) / _RANGE_TO_SPREAD)


def _runs(side: Floats) -> NDArray[np.bool_]:
    found, length, before = [], 0, 0.0
    for s in side:
        length = length + 1 if s == before and s != 0 else 1
        before = float(s)
        found.append(bool(length >= _RUN and s != 0))
    return np.array(found, bool)
