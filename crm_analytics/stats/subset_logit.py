"""The likelihood that every subset of drivers reaches for a yes/no or an ordered outcome.

Proportional odds: P(outcome at most j) = 1 / (1 + exp(-(threshold_j - eta))), eta linear in the drivers; two categories
make it the logistic regression. Many subsets are fitted together by Newton's method, the largest first; every other starts from
those that are there (`subset_family`), so that one step and a last look are enough as a rule.

References
----------
McCullagh, P. (1980). Regression models for ordinal data. Journal of the Royal Statistical Society B 42, 109-142.
McFadden, D. (1974). Conditional logit analysis of qualitative choice behavior. Frontiers in Econometrics, 105-142.
Castro, J., Gomez, D. and Tejada, J. (2009). Polynomial calculation of the Shapley value based on sampling. Computers and
Operations Research 36, 1726-1730.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import comb
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm_analytics.errors import OptionError
from crm_analytics.stats import dominance, subset_binary, subset_family, subset_ordered
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.subset_binary import Climbed
from crm_analytics.stats.subset_family import Family, Masks
from crm_analytics.stats.subset_fits import MOST_EXACT, subset_r2
from crm_analytics.stats.subset_ordered import Answers

MOST_SUBSETS: Final = 15
"""Up to so many drivers every subset may be fitted."""

_WORK: Final = 10e9  # nanoseconds all subsets may take, in round figures
_SAMPLED_WORK: Final = 2e9
_ORDERS: Final = (20, 2000)
_LINEAR_ORDERS: Final = 6000
_SUBSETS: Final = 128  # fitted together
_THREADS: Final = 2  # the parts of subsets of a size are fitted side by side
_ROWS: Final = 160  # of them at once, for what each row has in the likelihoods


@dataclass(frozen=True, eq=False)
class OrdinalFit:
    """The model with all drivers: what it says, and how sure that is.

    `coefficients` per unit of each column, `thresholds` (J - 1), `covariance` of (coefficients, thresholds),
    `log_likelihood`, `null` (of the thresholds alone), `scores` (n, q + J - 1) each row's derivative, `probabilities`
    (n, J), `separated` where some combination of drivers tells the outcome for certain, so that coefficients have no end.
    """

    coefficients: Floats
    thresholds: Floats
    covariance: Floats
    log_likelihood: float
    null: float
    scores: Floats
    probabilities: Floats
    separated: bool


@dataclass(frozen=True, eq=False)
class SubsetLikelihoods:
    """Log-likelihood of each subset (2^p,), and each row's part in the Shapley value of it (n, p)."""

    log_likelihoods: Floats
    row_shares: Floats


@dataclass(frozen=True, eq=False)
class SampledLikelihoods:
    """Shapley values of the log-likelihood from sampled orders of entry, (p,), with their standard errors.

    `row_shares` (n, p) each row's part in what the orders alone give, `n_orders` how many.
    """

    shares: Floats
    errors: Floats
    row_shares: Floats
    n_orders: int


def most_drivers(n_rows: int, n_categories: int) -> int:
    """Say up to how many drivers every subset can be fitted in a few seconds.

    >>> most_drivers(10_000, 2), most_drivers(10_000, 3), most_drivers(300_000, 3)
    (15, 12, 7)
    """
    fitting = [
        p
        for p in range(1, MOST_SUBSETS + 1)
        if 2**p * _cost(n_rows, p + n_categories - 1, n_categories) <= _WORK
    ]
    return max(fitting, default=1)


def _cost(n_rows: int, n_columns: int, n_categories: int) -> float:
    """Give the nanoseconds one subset takes, in round figures: passes over the rows, and the algebra of the columns."""
    row = 10 + 0.06 * n_columns**2 if n_categories == 2 else 100 * (n_categories - 1)  # noqa: PLR2004 yes and no
    return n_rows * row + 5 * n_columns**3


def categories(outcome: ArrayLike, weights: ArrayLike | None = None) -> tuple[Floats, Floats]:
    """Spread an outcome over its ordered categories: the values found, and (n, J) weights."""
    values, place = np.unique(np.asarray(outcome, float), return_inverse=True)
    w = np.ones(len(place)) if weights is None else np.asarray(weights, float)
    counts = np.zeros((len(place), len(values)))
    counts[np.arange(len(place)), place] = w
    return values, counts


def ordinal_fit(x: ArrayLike, counts: ArrayLike) -> OrdinalFit:
    """Fit the proportional-odds model with all drivers.

    Parameters
    ----------
    x
        (n, q) drivers; categorical ones as dummies.
    counts
        (n, J) weight of each ordered category per row, from `categories`; two categories or more.
    """
    answers, centre, scale = _standardised(x, counts)
    q, extra = answers.x.shape[1], answers.counts.shape[1] - 1
    found = _of_all(answers)
    beta, theta = found.beta[:q, 0], found.beta[q:, 0]
    information = subset_ordered.information(answers, beta, theta)
    turn = np.diag(np.concatenate([1 / scale, np.ones(extra)]))
    turn[q:, :q] = centre / scale  # thresholds of the drivers in their own units
    covariance = turn @ np.linalg.pinv(information, hermitian=True) @ turn.T
    below, each = subset_ordered.probabilities(answers.x, found.beta[:q], found.beta[q:])
    by_threshold = [v[:, 0] for v in subset_ordered.by_threshold(answers.counts, below, each)]
    by_eta = -np.sum(by_threshold, axis=0)
    return OrdinalFit(
        beta / scale,
        theta + (centre / scale) @ beta,
        covariance,
        float(found.log_likelihood[0]),
        answers.null,
        np.column_stack([by_eta[:, None] * answers.x, *by_threshold]),
        np.stack([e[:, 0] for e in each], axis=1),
        separated=bool(np.abs(beta).max(initial=0.0) > 15),  # noqa: PLR2004 log odds per standard deviation
    )


def _of_all(answers: Answers) -> Climbed:
    q = answers.x.shape[1]
    start = np.concatenate([np.zeros(q), answers.thresholds])[:, None]
    return subset_ordered.climb(answers, np.ones((q, 1), bool), start)


def subset_likelihoods(
    x: ArrayLike,
    counts: ArrayLike,
    groups: Sequence[Sequence[int]] | None = None,
    always: Sequence[int] = (),
    *,
    row_shares: bool = True,
) -> SubsetLikelihoods:
    """Fit the model to every subset of drivers.

    Parameters
    ----------
    x, counts
        As for `ordinal_fit`.
    groups, always
        As for `subset_fits.subset_r2`.
    row_shares
        Whether each row's part is wanted too, which a bootstrap needs.

    Returns
    -------
    SubsetLikelihoods
        In the order of `subset_fits`: bit k of the index says whether driver k is in. The worth of a subset is then
        McFadden's R2, 1 - log-likelihood / null, or another function of the log-likelihood.
    """
    answers, _, _ = _standardised(x, counts)
    sets = _sets(answers, groups, always)
    p = len(sets)
    if p > MOST_SUBSETS:
        raise OptionError.out_of_range("groups", p, f"at most {MOST_SUBSETS} drivers for every subset")
    fits = _Fits(answers, sets, always)
    family = subset_family.whole(p, fits.weakest_first())
    weight = _shapley_weights(family.masks, p) if row_shares else np.zeros((2**p, 0))
    found, shares = fits.of(family, weight)
    ll = np.empty(2**p)
    ll[family.masks] = found
    return SubsetLikelihoods(ll, shares)


def sampled_likelihoods(
    x: ArrayLike,
    counts: ArrayLike,
    groups: Sequence[Sequence[int]] | None = None,
    always: Sequence[int] = (),
    *,
    n_orders: int | None = None,
    seed: int = 0,
) -> SampledLikelihoods:
    """Share out the log-likelihood over sampled orders of entry, for more drivers than can be looked at subset by subset.

    Each order goes with its reverse. What the orders give is compared with what the same orders give in a linear model,
    whose shares are known better; only the difference is estimated.

    Parameters
    ----------
    x, counts, groups, always
        As for `subset_likelihoods`.
    n_orders
        How many orders, rounded up to an even number; None takes what can be fitted in a few seconds, 20 to 2,000.
    seed
        The same seed gives the same orders.
    """
    answers, _, _ = _standardised(x, counts)
    sets = _sets(answers, groups, always)
    p, n_categories = len(sets), answers.counts.shape[1]
    cost = p * _cost(len(answers.x), answers.x.shape[1] + n_categories - 1, n_categories)
    wanted = n_orders or int(np.clip(_SAMPLED_WORK / cost, *_ORDERS))
    pairs = (wanted + 1) // 2
    once = np.random.default_rng(seed).permuted(np.tile(np.arange(p), (pairs, 1)), axis=1)
    orders = np.concatenate([once, once[:, ::-1]])
    family = subset_family.along(orders)
    ll, rows = _Fits(answers, sets, always).of(family, _order_weights(family, orders))
    covariance = _linear(answers)
    known = _linear_shares(covariance, sets, always, seed)
    factor = (ll[0] - ll[-1]) / max(float(known.sum()), 1e-12)
    off = _gains(family, ll, orders) - factor * dominance.order_gains(
        covariance, orders, groups=sets, always=always
    )
    each = (off[:pairs] + off[pairs:]) / 2
    errors = each.std(axis=0, ddof=min(1, pairs - 1)) / np.sqrt(pairs)
    return SampledLikelihoods(factor * known + each.mean(axis=0), errors, rows, 2 * pairs)


def _linear(answers: Answers) -> Floats:
    """Give the covariance of columns and outcome, its categories numbered."""
    w = answers.counts.sum(axis=1)
    place = answers.counts @ np.arange(answers.counts.shape[1]) / np.where(w > 0, w, 1.0)
    z = np.column_stack([answers.x, place])
    spread: Floats = subset_binary.gram(z - np.average(z, axis=0, weights=w), w) / w.sum()
    return spread


def _linear_shares(covariance: Floats, sets: list[list[int]], always: Sequence[int], seed: int) -> Floats:
    if len(sets) <= MOST_EXACT:
        exact: Floats = dominance.shapley(subset_r2(covariance, sets, always))
        return exact
    return dominance.sampled_shapley(
        covariance, n_orders=_LINEAR_ORDERS, seed=seed + 1, groups=sets, always=always
    ).shares


def _chains(family: Family, orders: Masks) -> Masks:
    """Give the places of the subsets along each order, the empty one first: (n_orders, p + 1)."""
    masks = subset_family.chains(orders)
    line = np.argsort(family.masks)
    found: Masks = line[np.searchsorted(family.masks, masks, sorter=line)]
    return found


def _gains(family: Family, ll: Floats, orders: Masks) -> Floats:
    """Give what each driver adds as it enters, (n_orders, p)."""
    gains = np.empty(orders.shape)
    np.put_along_axis(gains, orders, np.diff(ll[_chains(family, orders)], axis=1), axis=1)
    return gains


def _order_weights(family: Family, orders: Masks) -> Floats:
    """Give the weight of each subset in the mean gain of each driver, (N, p)."""
    weight, places = np.zeros((len(family.masks), orders.shape[1])), _chains(family, orders)
    np.add.at(weight, (places[:, 1:], orders), 1 / len(orders))
    np.add.at(weight, (places[:, :-1], orders), -1 / len(orders))
    return weight


def _sets(answers: Answers, groups: Sequence[Sequence[int]] | None, always: Sequence[int]) -> list[list[int]]:
    if groups is not None:
        return [list(g) for g in groups]
    return [[j] for j in range(answers.x.shape[1]) if j not in always]


class _Model(Protocol):
    """How to fit some subsets, and what each row then has in their likelihoods."""

    def climb(self, active: NDArray[np.bool_], start: Floats) -> Climbed: ...

    def row_log_likelihoods(self, part: slice, found: Floats) -> Floats: ...


class _Ordered:
    def __init__(self, answers: Answers) -> None:
        self.answers = answers

    def climb(self, active: NDArray[np.bool_], start: Floats) -> Climbed:
        q = len(active)
        return subset_ordered.climb(
            self.answers, active, np.concatenate([start[:q], np.sort(start[q:], axis=0)])
        )

    def row_log_likelihoods(self, part: slice, found: Floats) -> Floats:
        return subset_ordered.row_log_likelihoods(self.answers, part, found)


class _Binary:
    def __init__(self, answers: Answers) -> None:
        x = np.column_stack([answers.x, -np.ones(len(answers.x))])
        self.rows = subset_binary.Rows(x, answers.counts[:, 1], answers.counts.sum(axis=1))

    def climb(self, active: NDArray[np.bool_], start: Floats) -> Climbed:
        constant = np.ones((1, active.shape[1]), bool)
        return subset_binary.climb(self.rows, np.concatenate([active, constant]), start)

    def row_log_likelihoods(self, part: slice, found: Floats) -> Floats:
        return subset_binary.row_log_likelihoods(self.rows, part, found)


class _Fits:
    """Fits of many subsets of the same drivers to the same answers."""

    def __init__(self, answers: Answers, sets: list[list[int]], always: Sequence[int]) -> None:
        self.answers, self.sets, self.always = answers, sets, list(always)
        self.model: _Model = _Binary(answers) if answers.counts.shape[1] == 2 else _Ordered(answers)  # noqa: PLR2004
        inside = np.zeros((answers.x.shape[1], 1), bool)
        inside[[*self.always, *(c for s in sets for c in s)]] = True
        start = np.zeros((len(inside) + answers.counts.shape[1] - 1, 1))
        start[len(inside) :, 0] = answers.thresholds
        self.full = self.model.climb(inside, start)

    def weakest_first(self) -> list[int]:
        """Order drivers by what dropping each would cost in log-likelihood, were that a parabola."""
        beta, inverse = self.full.beta[:, 0], self.full.inverse[0]
        cost = [float(beta[s] @ np.linalg.solve(inverse[np.ix_(s, s)], beta[s])) for s in self.sets]
        return [int(k) for k in np.argsort(cost, kind="stable")]

    def of(self, family: Family, weight: Floats) -> tuple[Floats, Floats]:
        """Give the log-likelihood of each subset, and each row's part in `weight` (N, k) times them."""
        starts = subset_family.Starts(family, self.sets, len(self.full.beta))
        ll, shares = np.empty(len(family.masks)), np.zeros((len(self.answers.x), weight.shape[1]))
        with ThreadPoolExecutor(_THREADS) as pool:
            for parts in family.levels(_SUBSETS):
                active = [self._active(family.masks[part]) for part in parts]
                begin = [None if family.parent[part.start] < 0 else starts.of(part) for part in parts]
                for part, found, own in pool.map(self._fitted, parts, active, begin, [weight] * len(parts)):
                    starts.keep(part, found.beta, found.inverse)
                    ll[part] = found.log_likelihood
                    shares += own
        return ll, shares

    def _fitted(
        self, part: slice, active: NDArray[np.bool_], start: Floats | None, weight: Floats
    ) -> tuple[slice, Climbed, Floats]:
        found = self.full if start is None else self._climb(active, start)
        shares = np.zeros((len(self.answers.x) if weight.shape[1] else 1, weight.shape[1]))
        for a in range(0, len(shares) if weight.shape[1] else 0, _ROWS):
            rows = slice(a, a + _ROWS)
            shares[rows] = self.model.row_log_likelihoods(rows, found.beta) @ weight[part]
        return part, found, shares

    def _climb(self, active: NDArray[np.bool_], start: Floats) -> Climbed:
        q = len(active)
        return self.model.climb(active, np.concatenate([np.where(active, start[:q], 0.0), start[q:]]))

    def _active(self, masks: Masks) -> NDArray[np.bool_]:
        active = np.zeros((self.answers.x.shape[1], len(masks)), bool)
        active[self.always] = True
        for k, columns in enumerate(self.sets):
            active[columns] |= (masks >> k & 1).astype(bool)
        return active


def _shapley_weights(index: NDArray[np.int64], p: int) -> Floats:
    """Give the weight of each subset's worth in each driver's Shapley value: (2^p, p)."""
    inside = (index[:, None] >> np.arange(p) & 1).astype(bool)
    size = inside.sum(axis=1)
    per = np.array([1 / (p * comb(p - 1, s)) for s in range(p)] + [0.0])
    weight: Floats = np.where(inside, per[np.maximum(size - 1, 0)][:, None], -per[size][:, None])
    return weight


def _standardised(x: ArrayLike, counts: ArrayLike) -> tuple[Answers, Floats, Floats]:
    z, n = np.asarray(x, float), np.asarray(counts, float)
    present = n.sum(axis=0) > 0
    if z.ndim != 2 or present.sum() < 2:  # noqa: PLR2004
        raise OptionError.out_of_range("counts", f"{present.sum()} categories", "two or more that occur")
    w = n.sum(axis=1)
    centre = np.average(z, axis=0, weights=w)
    scale = np.sqrt(np.average((z - centre) ** 2, axis=0, weights=w))
    scale = np.where(scale > 0, scale, 1.0)
    return Answers((z - centre) / scale, n[:, present]), centre, scale
