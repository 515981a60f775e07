"""How long from one event to the next, for many who each have a pace of their own.

The gaps of one customer are gamma distributed with a shape k that all share (k = 1: events come at any moment; k
above 1: they come in a rhythm) and a rate of their own, which is drawn from a gamma distribution with shape r and rate
alpha. After an event a customer may stop for good: with the probability `stop_first` after the first, `stop_later`
after any later one. Everything a customer's own n gaps of sum S tell is then in closed form: the rate is gamma with
shape r + n k and rate alpha + S, and the next gap divided by alpha + S is beta prime with k and r + n k. A customer with
one gap is judged almost as everybody is, a customer with twenty by their own pace.

References
----------
Platzer, M. and Reutterer, T. (2016). Ticking away the moments: timing regularity helps to better predict customer
activity. Marketing Science 35, 779-799 (gamma gaps with gamma rates). Johnson, N. L., Kotz, S. and Balakrishnan, N.
(1995). Continuous Univariate Distributions, volume 2, chapter 27 (beta prime).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import betainc, betaincinv, gammaincinv, gammaln

from crm_analytics.errors import NotEnoughDataError

Floats = NDArray[np.float64]

MOST_FITTED: Final = 10_000
"""Of more who came back, an even sample by number, sum and silence is fitted: five figures are
known well from it, and time no longer grows."""

_TINY: Final = 1e-300
_SPREADS: Final = np.array([1.0, 1.5, 1.5, 1.5, 1.5])


@dataclass(frozen=True)
class Histories:
    """Each customer's gaps in days: how many, their sum, the sum of their logarithms, and the silence since the last event."""

    n: Floats
    total: Floats
    logs: Floats
    silence: Floats

    @classmethod
    def of(cls, n: ArrayLike, total: ArrayLike, logs: ArrayLike, silence: ArrayLike) -> Histories:
        """Make histories from anything like arrays."""
        return cls(*(np.asarray(x, float) for x in (n, total, logs, silence)))

    def and_then(self, others: Histories) -> Histories:
        """Put others behind them."""
        mine = (self.n, self.total, self.logs, self.silence)
        theirs = (others.n, others.total, others.logs, others.silence)
        return Histories.of(*(np.concatenate(pair) for pair in zip(mine, theirs, strict=True)))

    def take(self, which: NDArray[np.intp]) -> Histories:
        """Give some of them."""
        return Histories(self.n[which], self.total[which], self.logs[which], self.silence[which])


@dataclass(frozen=True)
class GapModel:
    """The pace of a whole base: shape of a customer's gaps, spread of the paces, chance to stop after an event."""

    shape: float
    rate_shape: float
    rate_scale: float
    stop_first: float
    stop_later: float

    def to_dict(self) -> dict[str, float]:
        """Give the figures by name."""
        return asdict(self)

    def still_silent(self, histories: Histories, days: ArrayLike) -> Floats:
        """Give the probability that the next gap is longer than so many days, for one who has not stopped."""
        a, scale = self._posterior(histories)
        out: Floats = betainc(a, self.shape, scale / (scale + np.asarray(days, float)))
        return out

    def silent_for(self, histories: Histories, probability: ArrayLike) -> Floats:
        """Give the days after which one who has not stopped is still silent with this probability."""
        a, scale = self._posterior(histories)
        x = betaincinv(a, self.shape, np.asarray(probability, float))
        return np.asarray(scale * (1 - x) / np.maximum(x, _TINY), float)

    def typical_gap(self, histories: Histories, probability: float = 0.5) -> Floats:
        """Give a quantile of what the customer's own median gap may be; 0.5 gives the estimate itself."""
        a, scale = self._posterior(histories)
        slow = gammaincinv(a, 1 - probability) / scale
        return np.asarray(gammaincinv(self.shape, 0.5) / np.maximum(slow, _TINY), float)

    def still_active(self, histories: Histories) -> Floats:
        """Give the probability that the customer has not stopped, the silence so far allowed for."""
        stop = np.where(histories.n > 0, self.stop_later, self.stop_first)
        silent = (1 - stop) * self.still_silent(histories, histories.silence)
        return np.asarray(silent / (stop + silent), float)

    def days_to_next(self, histories: Histories) -> Floats:
        """Give the days, from the last event, by which the next will have come with probability one half; else infinite."""
        active = self.still_active(histories)
        now = self.still_silent(histories, histories.silence)
        left = now * (1 - 0.5 / np.maximum(active, _TINY))
        days = self.silent_for(histories, np.clip(left, 0, 1))
        return np.where(left > 0, days, np.inf)

    def log_likelihood(self, histories: Histories, weights: ArrayLike = 1.0) -> float:
        """Give the log-likelihood of whole histories, the running silence included."""
        k, r = self.shape, self.rate_shape
        a, scale = self._posterior(histories)
        n = histories.n
        gaps = gammaln(a) - gammaln(r) - n * gammaln(k) + r * np.log(self.rate_scale) - a * np.log(scale)
        gaps += (k - 1) * histories.logs
        stop = np.where(n > 0, self.stop_later, self.stop_first)
        went_on = np.where(n > 0, np.log1p(-self.stop_first) + (n - 1) * np.log1p(-self.stop_later), 0.0)
        silent = stop + (1 - stop) * self.still_silent(histories, histories.silence)
        return float(
            np.sum(np.asarray(weights, float) * (gaps + went_on + np.log(np.maximum(silent, _TINY))))
        )

    def _posterior(self, histories: Histories) -> tuple[Floats, Floats]:
        return self.rate_shape + histories.n * self.shape, self.rate_scale + histories.total


def fit(histories: Histories) -> GapModel:
    """Fit the model to a base: maximum likelihood with wide priors, which only few customers let through.

    Parameters
    ----------
    histories
        One per customer, those without a gap included: their silence tells how many come back at all. Gaps above 0.

    Returns
    -------
    GapModel
        With the figures of the base.

    Raises
    ------
    NotEnoughDataError
        If nobody has a gap.

    Notes
    -----
    The priors are normal: log k about 0 (standard deviation 1), log r about 0 (1.5), log of the middle gap about that
    of the gaps seen (1.5), logits of the two chances to stop about 0 (1.5).
    """
    if not (histories.n > 0).any():
        raise NotEnoughDataError.of("customers who came back", 0, 1)
    chosen, weights = _condensed(histories)
    back = histories.n > 0
    middle = float(np.log(np.exp(histories.logs[back].sum() / histories.n[back].sum())))
    centre = np.array([0.0, 0.0, middle, 0.0, 0.0])

    def loss(x: Floats) -> float:
        prior = 0.5 * float((((x - centre) / _SPREADS) ** 2).sum())
        return prior - _model(x).log_likelihood(chosen, weights)

    bounds = [(-3.0, 5.0), (-4.0, 6.0), (middle - 8, middle + 8), (-8.0, 8.0), (-8.0, 8.0)]
    found = minimize(loss, centre, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200})
    return _model(found.x)


def _model(x: Floats) -> GapModel:
    """Read the model off the unbounded parameters; the middle gap stands for alpha, with which the fit goes straighter."""
    k, r, middle = (float(v) for v in np.exp(x[:3]))
    first, later = (float(v) for v in 1 / (1 + np.exp(-x[3:])))
    return GapModel(k, r, middle * r / k, first, later)


def _condensed(histories: Histories) -> tuple[Histories, Floats]:
    """Count those without a gap by their silence, and take an even sample of the others where they are many."""
    none = np.flatnonzero(histories.n == 0)
    some = np.flatnonzero(histories.n > 0)
    silences, counts = np.unique(histories.silence[none], return_counts=True)
    nought = np.zeros(silences.size)
    order = np.lexsort(
        (histories.logs[some], histories.silence[some], histories.total[some], histories.n[some])
    )
    places = np.linspace(0, some.size - 1, min(some.size, MOST_FITTED)).round().astype(np.intp)
    sample = histories.take(some[order[places]])
    weights = np.concatenate([counts, np.full(places.size, some.size / places.size)])
    alone = Histories.of(nought, nought, nought, silences)
    return alone.and_then(sample), weights


def summarised(customers: ArrayLike, gaps: ArrayLike, silence: ArrayLike) -> Histories:
    """Gather gaps (one per row, with the customer's number 0 to m - 1) and silences (one per customer) into histories.

    >>> summarised([0, 0, 2], [10.0, 20.0, 5.0], [3, 4, 5]).total.tolist()
    [30.0, 0.0, 5.0]
    """
    who, length = np.asarray(customers, np.int64), np.asarray(gaps, float)
    quiet = np.asarray(silence, float)
    m = quiet.size
    counts = np.bincount(who, minlength=m)
    totals = np.bincount(who, weights=length, minlength=m)
    logs = np.bincount(who, weights=np.log(length), minlength=m)
    return Histories.of(counts, totals, logs, quiet)
