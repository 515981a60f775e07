"""Maximum likelihood by Newton's method with a certificate of what was reached.

The models here have two to four parameters and exact second derivatives, so that a handful of passes over the rows
is enough. Steps use the absolute eigenvalues of the Hessian (uphill in every direction) and a line search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats, Floats]]
"""theta -> (value, gradient, Hessian)."""

MOST_STEPS: Final = 100
LONGEST_STEP: Final = 3.0  # in log units: parameters move by at most a factor of 20 a step
SUFFICIENT: Final = 1e-4
CLOSE: Final = 1e-6
AT_EDGE: Final = 1e-9
ROUNDING: Final = 1e-15  # of the value: a smaller gain is lost in it
PLATEAU_STEP: Final = 0.3  # a step this long that gains nothing runs along a plateau


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where the search ended and how good that point is.

    `gradient_norm` is the largest absolute slope per observation; `eigenvalues` are those of the negative Hessian,
    all positive at a proper maximum.
    """

    theta: Floats
    value: float
    gradient_norm: float
    hessian: Floats
    eigenvalues: tuple[float, ...]
    n_evaluations: int
    n_starts: int
    converged: bool
    at_bound: tuple[bool, ...]


def maximise(
    objective: Objective,
    starts: Sequence[Sequence[float] | Floats],
    *,
    bound: float,
    far: float,
    n: float,
    tolerance: float = 1e-9,
    enough: float = 0.0,
) -> Optimum:
    """Climb from each start and keep the best point.

    Parameters
    ----------
    objective
        Value, gradient and Hessian of the log-likelihood at theta.
    starts
        Points to begin from, in the parametrisation of the objective.
    bound
        |theta| is kept at or below this; a parameter that ends there is reported in `at_bound`.
    far
        Where any |theta| is beyond this, a parameter is running away: the search ends sooner.
    n
        Number of observations, so that tolerances are per observation.
    tolerance
        The search ends when the predicted gain per observation falls below it.
    enough
        A predicted gain below this is not worth a step, where the search is only for a start.
    """
    best = max(
        (_climb(objective, np.asarray(s, float), bound, far, n, tolerance, enough) for s in starts),
        key=lambda o: o.value,
    )
    return best if len(starts) == 1 else Optimum(**{**vars(best), "n_starts": len(starts)})


def _climb(
    objective: Objective, theta: Floats, bound: float, far: float, n: float, tolerance: float, enough: float
) -> Optimum:
    value, gradient, hessian = objective(theta)
    evaluations, converged, gain = 1, False, np.inf
    while evaluations < MOST_STEPS:
        step, gain = _inside(theta, gradient, hessian, bound)
        away = bool((np.abs(theta) > far).any())
        converged = gain <= enough or _arrived(step, gain, value, tolerance * n, away=away)
        if converged:
            break
        moved = _search(objective, theta, value, step, gain, bound)
        evaluations += moved[-1]
        if moved[0] is None:
            break
        theta, value, gradient, hessian = moved[0], moved[1], moved[2], moved[3]
    converged = converged or gain <= tolerance * n
    free = _free(theta, gradient, bound)
    slope = float(np.max(np.abs(gradient[free]), initial=0.0)) / n
    eigen = tuple(float(e) for e in np.linalg.eigvalsh(-hessian))
    return Optimum(
        theta, value, slope, hessian, eigen, evaluations, 1, converged, tuple(bool(b) for b in ~free)
    )


def _arrived(step: Floats, gain: float, value: float, nothing: float, *, away: bool) -> bool:
    """Say whether a further step is of no use: the top is reached, or a plateau towards the edge of the range."""
    if gain <= max(nothing * CLOSE, ROUNDING * abs(value)):
        return True
    return gain <= nothing and (away or float(np.abs(step).max()) >= PLATEAU_STEP)


def _inside(theta: Floats, gradient: Floats, hessian: Floats, bound: float) -> tuple[Floats, float]:
    """Give the step of those parameters that are not held at the edge of the range, cut where it meets the edge."""
    free = _free(theta, gradient, bound)
    step, gain = _step(gradient, hessian, free)
    if float((np.abs(theta) + np.abs(step)).max()) < bound - AT_EDGE:
        return step, gain
    outward = (np.abs(theta) >= bound - AT_EDGE) & (np.sign(step) == np.sign(theta)) & free
    if outward.any():
        step, gain = _step(gradient, hessian, free & ~outward)
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(step != 0, (np.sign(step) * bound - theta) / step, np.inf)
    part = min(1.0, float(room.min(initial=np.inf)))
    return part * step, part * gain


def _free(theta: Floats, gradient: Floats, bound: float) -> NDArray[np.bool_]:
    stuck: NDArray[np.bool_] = (np.abs(theta) >= bound - AT_EDGE) & (np.sign(gradient) == np.sign(theta))
    return ~stuck


def _step(gradient: Floats, hessian: Floats, free: NDArray[np.bool_]) -> tuple[Floats, float]:
    step = np.zeros_like(gradient)
    if not free.any():
        return step, 0.0
    g, h = (gradient, hessian) if free.all() else (gradient[free], hessian[np.ix_(free, free)])
    values, vectors = np.linalg.eigh(h)
    size = np.abs(values)
    size = np.maximum(size, 1e-10 * max(1.0, float(size.max())))
    step[free] = vectors @ ((vectors.T @ g) / size)
    longest = float(np.abs(step).max())
    if longest > LONGEST_STEP:
        step *= LONGEST_STEP / longest
    return step, float(gradient @ step)


def _search(
    objective: Objective, theta: Floats, value: float, step: Floats, gain: float, bound: float
) -> tuple[Floats | None, float, Floats, Floats, int]:
    part, tried = 1.0, 0
    while part > 1e-8:  # noqa: PLR2004 below this the step is lost in rounding
        there = np.clip(theta + part * step, -bound, bound)
        new_value, gradient, hessian = objective(there)
        tried += 1
        if np.isfinite(new_value) and new_value >= value + SUFFICIENT * part * gain - 1e-12 * abs(value):
            if np.array_equal(there, theta):
                break
            return there, new_value, gradient, hessian, tried
        part *= 0.3
    return None, value, step, step, tried
