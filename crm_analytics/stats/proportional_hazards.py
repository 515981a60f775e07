"""Cox's proportional hazards: by which factor attributes raise or lower the hazard, and whether one factor will do.

Ties are handled after Efron, as R's survival package does; all sums go over the distinct event times, so that the work
is in proportion to the rows whatever the ties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.survival import Ints, Lives, kaplan_meier, step_values

_MOST_STEPS = 30
_SETTLED = 1e-9
_MOST_HALVINGS = 20
_MONOTONE = 12.0
"""A standardised coefficient beyond this means a hazard thousands of times as high: the likelihood has no top."""


@dataclass(frozen=True, eq=False)
class CoxFit:
    """A fitted model: log hazard ratios with their covariance, and how well it holds.

    `converged` is False where the likelihood has no top (separation): the coefficients are then of no use.
    """

    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    log_likelihood_null: float
    score_statistic: float
    n: int
    n_events: int
    converged: bool

    @property
    def standard_errors(self) -> Floats:
        """Standard errors of the coefficients."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def p_values(self) -> Floats:
        """Two-sided p-values of Wald's test of each coefficient."""
        return np.asarray(2 * special.ndtr(-np.abs(self.coefficients / self.standard_errors)))

    @property
    def likelihood_ratio(self) -> float:
        """Twice the gain in log-likelihood over a model without attributes."""
        return 2 * (self.log_likelihood - self.log_likelihood_null)

    @property
    def p_value(self) -> float:
        """The likelihood-ratio test of all coefficients together."""
        return float(special.chdtrc(len(self.coefficients), max(self.likelihood_ratio, 0.0)))


@dataclass(frozen=True, eq=False)
class _Ordered:
    """Rows in order of exit, and where in them the event times lie."""

    x: Floats  # n x p
    event_x: Floats  # sum of x over the events of each event time, u x p
    times: Floats  # u distinct event times
    first_at_risk: Ints  # place of the first row with exit >= time
    events: Ints  # rows with an event, in order
    event_place: Ints  # event time of each of them
    starts: Ints  # where in `events` each time begins
    deaths: Ints  # events at each time
    by_entry: Ints | None  # rows in order of entry
    not_entered: Ints | None  # place in `by_entry` of the first row with entry >= time


class _Sums(NamedTuple):
    log_likelihood: float
    score: Floats  # u x p, by event time
    information: Floats  # u x p x p


def cox(found: Lives, attributes: ArrayLike) -> CoxFit:
    """Fit hazard ratios by maximum partial likelihood.

    Parameters
    ----------
    found
        Durations from `survival.lives`; weights are taken as 1.
    attributes
        One row per duration and one column per attribute: numbers, 0 and 1 for yes and no.

    References
    ----------
    Cox, D. R. (1972), Journal of the Royal Statistical Society B 34, 187-220. Efron, B. (1977), JASA 72, 557-565.
    Therneau, T. M. and Grambsch, P. M. (2000), Modeling Survival Data, sections 3.1 and 3.3.

    Examples
    --------
    >>> from crm_analytics.stats.survival import lives
    >>> fit = cox(lives([1, 3, 4, 2, 5, 6], [1, 1, 0, 1, 1, 0]), [[1], [1], [1], [0], [0], [0]])
    >>> fit.coefficients.round(3).tolist(), fit.converged
    ([0.834], True)
    """
    x = _checked(found, attributes)
    middle, scale = x.mean(axis=0), x.std(axis=0)
    if (scale == 0).any():
        raise OptionError.out_of_range("attributes", "a column with one value", "columns that vary")
    ordered = _order(found, (x - middle) / scale)
    beta, sums, null, converged = _maximum(ordered, x.shape[1])
    covariance = np.linalg.pinv(sums.information.sum(axis=0), hermitian=True) / np.outer(scale, scale)
    start = null.score.sum(axis=0)
    score = float(start @ np.linalg.pinv(null.information.sum(axis=0), hermitian=True) @ start)
    return CoxFit(
        beta / scale, covariance, sums.log_likelihood, null.log_likelihood, score,
        len(x), len(ordered.events), converged,
    )  # fmt: skip


def _checked(found: Lives, attributes: ArrayLike) -> Floats:
    x = np.asarray(attributes, float)
    if x.ndim != 2 or len(x) != len(found.exit) or not x.shape[1] or not np.isfinite(x).all():  # noqa: PLR2004 a matrix
        raise OptionError.out_of_range("attributes", x.shape, f"finite numbers, {len(found.exit)} rows")
    if not (found.event > 0).any():
        raise OptionError.out_of_range("event", "none", "at least one event")
    return x


def _order(found: Lives, x: Floats) -> _Ordered:
    order = np.argsort(found.exit, kind="stable")
    exits, happened = found.exit[order], found.event[order] > 0
    events = np.flatnonzero(happened)
    times, starts, deaths = np.unique(exits[events], return_index=True, return_counts=True)
    by_entry = not_entered = None
    if found.entry is not None:
        entry = found.entry[order]
        by_entry = np.argsort(entry, kind="stable")
        not_entered = np.searchsorted(entry[by_entry], times, side="left")
    in_order = x[order]
    return _Ordered(
        in_order, np.add.reduceat(in_order[events], starts, axis=0), times, np.searchsorted(exits, times, side="left"),
        events, np.repeat(np.arange(len(times)), deaths), starts, deaths, by_entry, not_entered,
    )  # fmt: skip


def _maximum(ordered: _Ordered, p: int) -> tuple[Floats, _Sums, _Sums, bool]:
    """Climb by Newton's steps, halved where they overshoot."""
    beta = np.zeros(p)
    null = sums = _sums(ordered, beta)
    for _ in range(_MOST_STEPS):
        step = np.linalg.pinv(sums.information.sum(axis=0), hermitian=True) @ sums.score.sum(axis=0)
        for _ in range(_MOST_HALVINGS):
            tried = _sums(ordered, beta + step)
            if tried.log_likelihood >= sums.log_likelihood - _SETTLED:
                break
            step = step / 2
        gain = tried.log_likelihood - sums.log_likelihood
        beta, sums = beta + step, tried
        if np.abs(beta).max() > _MONOTONE:
            return beta, sums, null, False
        if abs(gain) <= _SETTLED * (1 + abs(sums.log_likelihood)) and np.abs(step).max() < 1e-6:  # noqa: PLR2004 settled
            return beta, sums, null, True
    return beta, sums, null, False


def _sums(ordered: _Ordered, beta: Floats) -> _Sums:
    """Give log-likelihood, score and information at each event time, with Efron's share of the tied."""
    x, p = ordered.x, ordered.x.shape[1]
    eta = x @ beta
    risk = np.exp(np.clip(eta - eta.max(), -700, 0))
    products = np.empty((len(x), 1 + p + p * p))
    products[:, 0] = risk
    products[:, 1 : 1 + p] = x * risk[:, None]
    products[:, 1 + p :] = (x[:, :, None] * products[:, 1 : 1 + p][:, None, :]).reshape(len(x), p * p)
    whole = _at_risk(ordered, products)
    tied = np.add.reduceat(products[ordered.events], ordered.starts, axis=0)
    rank = np.arange(len(ordered.events)) - ordered.starts[ordered.event_place]
    part = rank / ordered.deaths[ordered.event_place]
    below = whole[ordered.event_place, 0] - part * tied[ordered.event_place, 0]

    def added(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, ordered.starts))[:, None]

    s1, d1 = whole[:, 1 : 1 + p], tied[:, 1 : 1 + p]
    means = s1 * added(1 / below) - d1 * added(part / below)
    squares = whole[:, 1 + p :] * added(1 / below) - tied[:, 1 + p :] * added(part / below)
    mixed = s1[:, :, None] * d1[:, None, :]
    outer = (
        (s1[:, :, None] * s1[:, None, :]) * added(1 / below**2)[:, :, None]
        - (mixed + mixed.transpose(0, 2, 1)) * added(part / below**2)[:, :, None]
        + (d1[:, :, None] * d1[:, None, :]) * added((part / below) ** 2)[:, :, None]
    )
    log_likelihood = float((eta[ordered.events] - eta.max()).sum() - np.log(below).sum())
    return _Sums(log_likelihood, ordered.event_x - means, squares.reshape(-1, p, p) - outer)


def _at_risk(ordered: _Ordered, products: Floats) -> Floats:
    """Sum over who is at risk at each event time: all who leave then or later, less who have yet to enter."""
    beyond = np.zeros((len(products) + 1, products.shape[1]))
    beyond[:-1] = products[::-1].cumsum(axis=0)[::-1]
    whole = beyond[ordered.first_at_risk]
    if ordered.by_entry is not None and ordered.not_entered is not None:
        beyond[:-1] = products[ordered.by_entry][::-1].cumsum(axis=0)[::-1]
        whole = whole - beyond[ordered.not_entered]
    return np.asarray(whole)


class Proportionality(NamedTuple):
    """Tests of proportional hazards: one chi-square per term, and one of all together."""

    statistics: Floats
    degrees: Ints
    p_values: Floats
    overall: float
    overall_p: float


def proportionality(
    found: Lives, attributes: ArrayLike, fit: CoxFit, *, terms: ArrayLike | None = None
) -> Proportionality:
    """Test whether hazard ratios stay the same over time.

    The score test of adding to the model each attribute times g(t), g being 1 − Kaplan-Meier just before t: the test of
    a trend in the Schoenfeld residuals that R's `cox.zph` makes by default.

    Parameters
    ----------
    found, attributes, fit
        What was fitted, and the fit.
    terms
        Which columns belong together, as whole numbers from 0 (the levels of one category make one term).

    References
    ----------
    Grambsch, P. M. and Therneau, T. M. (1994), Biometrika 81, 515-526. Schoenfeld, D. (1982), Biometrika 69, 239-241.
    """
    x = _checked(found, attributes)
    ordered = _order(found, x)
    sums = _sums(ordered, fit.coefficients)
    curve = kaplan_meier(found)
    g = 1 - step_values(curve.time, curve.survival, np.nextafter(ordered.times, -np.inf), before=1.0)
    g = g - np.average(g, weights=ordered.deaths)
    score = (g[:, None] * sums.score).sum(axis=0)
    plain, once, twice = (
        np.einsum("u,uij->ij", weight, sums.information) for weight in (np.ones_like(g), g, g * g)
    )
    which = np.arange(x.shape[1]) if terms is None else np.asarray(terms, np.int64)
    tests = [_score_test(score, plain, once, twice, which == term) for term in np.unique(which)]
    overall = _score_test(score, plain, once, twice, np.ones(x.shape[1], bool))
    degrees = np.bincount(which)
    degrees = degrees[degrees > 0]
    p = np.array([float(special.chdtrc(k, t)) for k, t in zip(degrees, tests, strict=True)])
    return Proportionality(np.array(tests), degrees, p, overall, float(special.chdtrc(x.shape[1], overall)))


def _score_test(score: Floats, plain: Floats, once: Floats, twice: Floats, chosen: Floats) -> float:
    """Give the score statistic of some columns times g(t), all attributes themselves being in the model."""
    mine = np.flatnonzero(chosen)
    cross = once[:, mine]
    left = twice[np.ix_(mine, mine)] - cross.T @ np.linalg.pinv(plain, hermitian=True) @ cross
    return max(float(score[mine] @ np.linalg.pinv(left, hermitian=True) @ score[mine]), 0.0)


def concordance(found: Lives, score: ArrayLike) -> float:
    """Give the share of pairs in which who has the event earlier was the one with the higher score; ties count half.

    Only pairs whose order is known count: one has the event while the other is still at risk (or is censored at that very
    time). 0.5 is chance, 1 perfect. Entry times are not looked at.

    References
    ----------
    Harrell, F. E. et al. (1982). Evaluating the yield of medical tests. JAMA 247, 2543-2546.

    Examples
    --------
    >>> from crm_analytics.stats.survival import lives
    >>> concordance(lives([1, 2, 3], [1, 1, 0]), [3, 2, 1])
    1.0
    """
    events = found.event > 0
    _, ranks = np.unique(np.asarray(score, float), return_inverse=True)
    # Those who outlast an event come first in this order, the censored of a time after its events.
    order = np.lexsort((events, -found.exit))
    ranked, sorted_exit = ranks[order], found.exit[order]
    at = np.flatnonzero(events[order])
    later = len(order) - np.searchsorted(sorted_exit[::-1], sorted_exit[at], side="right")
    censored_then = _censored_at(sorted_exit[~events[order]], sorted_exit[at])
    pairs = later + censored_then
    lower, equal = _below_and_equal(ranked, pairs, ranked[at])
    total = int(pairs.sum())
    return float((lower.sum() + equal.sum() / 2) / total) if total else 0.5


def _censored_at(exits: Floats, times: Floats) -> Ints:
    censored = np.sort(exits)
    found = np.searchsorted(censored, times, side="right") - np.searchsorted(censored, times, side="left")
    return np.asarray(found, np.int64)


def _below_and_equal(values: Ints, ends: Ints, against: Ints) -> tuple[Ints, Ints]:
    """Count, for each query, how many of the first `end` values lie below and how many equal a value.

    Bit by bit from the highest, the values being parted by each bit in turn (a wavelet matrix): a handful of passes over
    the rows instead of a comparison of every pair.
    """
    low, high, below = np.zeros_like(ends), ends.copy(), np.zeros_like(ends)
    current = values.astype(np.int64)
    for bit in range(max(int(values.max()).bit_length(), 1) - 1, -1, -1):
        ones = (current >> bit) & 1
        zeros_before = np.concatenate([[0], (1 - ones).cumsum()])
        n_zeros = int(zeros_before[-1])
        z_low, z_high = zeros_before[low], zeros_before[high]
        is_one = ((against >> bit) & 1).astype(bool)
        below = below + np.where(is_one, z_high - z_low, 0)
        low = np.where(is_one, n_zeros + low - z_low, z_low)
        high = np.where(is_one, n_zeros + high - z_high, z_high)
        current = np.concatenate([current[ones == 0], current[ones == 1]])
    return below, high - low
