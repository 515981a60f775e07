"""Several ways to end, of which the first counts: cumulative incidence after Aalen and Johansen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import Floats, z_value
from crm_analytics.stats.survival import Lives, kaplan_meier, lives, ratio, risk_table

_DUST = 1e-12  # what sums of shares may be off


@dataclass(frozen=True, eq=False)
class Incidence:
    """The share of all who have ended in one way by each time, with bounds.

    `naive` is 1 − Kaplan-Meier with the other ends taken as censored: it answers what would be if the other ends did
    not exist, and overstates what happens.
    """

    time: Floats
    n_at_risk: Floats
    n_events: Floats
    incidence: Floats
    incidence_lower: Floats
    incidence_upper: Floats
    standard_error: Floats
    naive: Floats


def cumulative_incidence(
    exit_: ArrayLike,
    cause: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> list[Incidence]:
    """Estimate for each way to end the share who have ended so by each time.

    The shares of all ways and the share of those who have not ended add up to 1 at every time.

    Parameters
    ----------
    exit_, entry, weights
        As in `survival.lives`.
    cause
        0 where censored, else the number of the way to end, 1 to k.
    level
        Level of the pointwise intervals, which are log(-log), in (0, 1).

    Returns
    -------
    list of Incidence
        One for each way, in order.

    References
    ----------
    Aalen, O. and Johansen, S. (1978), Scandinavian Journal of Statistics 5, 141-150. Marubini, E. and Valsecchi, M. G. (1995),
    Analysing Survival Data from Clinical Trials and Observational Studies, equation 10.12 (variance).

    Examples
    --------
    >>> one, two = cumulative_incidence([1, 2, 3, 4], [1, 2, 0, 1])
    >>> one.incidence.tolist(), two.incidence.tolist()
    ([0.25, 0.25, 0.25, 0.75], [0.0, 0.25, 0.25, 0.25])
    """
    codes = np.asarray(cause, np.int64)
    if codes.size and codes.min() < 0:
        raise OptionError.out_of_range("cause", int(codes.min()), "0 where censored, else 1, 2, …")
    every = kaplan_meier(lives(exit_, codes > 0, entry=entry, weights=weights), level=level)
    before = np.concatenate([[1.0], every.survival[:-1]])
    k = int(codes.max()) if codes.size else 0
    return [
        _one(
            every.risk.n_at_risk,
            every.risk.n_events,
            before,
            lives(exit_, codes == c, entry=entry, weights=weights),
            level,
        )
        for c in range(1, k + 1)
    ]


def _one(n: Floats, d: Floats, before: Floats, found: Lives, level: float) -> Incidence:
    risk = risk_table(found)
    share = ratio(risk.n_events, n)
    incidence = (before * share).cumsum()
    error = np.sqrt(_variance(incidence, before, n, d, risk.n_events))
    lower, upper = _bounds(incidence, error, n, level)
    naive = 1 - kaplan_meier(found, level=level).survival
    return Incidence(risk.time, n, risk.n_events, incidence, lower, upper, error, naive)


def _variance(incidence: Floats, before: Floats, n: Floats, d: Floats, own: Floats) -> Floats:
    """Give the variance at each time; the sums of squares of `incidence(t) - incidence(t_i)` are written out."""
    whole = ratio(d, n * (n - d))
    mixed = before * ratio(own, n * n)
    alone = before**2 * ratio(own * (n - own), n**3)
    first, second, third = (
        whole.cumsum(),
        (whole * incidence + mixed).cumsum(),
        (whole * incidence**2 + 2 * mixed * incidence + alone).cumsum(),
    )
    return np.asarray(np.maximum(incidence**2 * first - 2 * incidence * second + third, 0.0))


def _bounds(incidence: Floats, error: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    whole = incidence >= 1 - _DUST
    inside = (incidence > 0) & ~whole
    f = np.where(inside, incidence, 0.5)
    reach = np.exp(z_value(level) * error / (f * np.abs(np.log(f))))
    rare = ((1 - level) / 2) ** (1 / np.maximum(n, 1))
    lower = np.where(inside, f**reach, np.where(whole, rare, 0.0))
    return lower, np.where(inside, f ** (1 / reach), np.where(incidence <= 0, 1 - rare, 1.0))
