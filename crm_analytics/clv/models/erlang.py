"""BG/CNBD-k and MBG/CNBD-k: as BG/NBD and MBG/NBD for customers who buy regularly.

The time between purchases is Erlang-k: k phases, of which only every k-th shows as a purchase (Reutterer, Platzer,
Schroeder 2020, International Journal of Research in Marketing 38). With k = 1 they are BG/NBD and MBG/NBD.

With R = r + k x, and s as in `geometric`:

    A = ln B(a, b + x + s) - R ln(alpha + T) + ln S      D = ln B(a + 1, b + x + s - 1) - R ln(alpha + t_x)
    S = sum over j < k of G(R + j) / (G(R) j!) ((T - t_x) / (alpha + T))^j
    LL = lnG(R) - lnG(r) + r ln(alpha) - ln B(a, b) + logaddexp(A, D) + (k - 1) sum ln(gaps) - x lnG(k)

S weighs how many phases may have passed unseen since the last purchase; the same weights give the forecast exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Final, Literal, Self

import numpy as np
import polars as pl
from scipy.special import betainc, betaln, digamma, expit, gammaln, logsumexp, polygamma

from crm_analytics.clv.likelihoods.rows import Floats, Rows, compress, time_unit_of
from crm_analytics.clv.models.geometric_fit import GeometricDropout, diagnose
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError

MOST_K: Final = 6
"""The most regular buying that "auto" looks for; beyond it gaps are as good as fixed."""

_ENOUGH: Final = 1e-12
_MOST_TERMS: Final = 5000
_BATCH: Final = 4096
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_FAR: Final = 45.0


_Forecast = Callable[[Floats, Floats, Floats, float, Floats, int], Floats]
"""(phases, R, alpha + T, a, b + x + s, k) -> one figure per history, given alive."""


@dataclass(frozen=True, eq=False)
class _ErlangGaps(GeometricDropout):
    """What both models share; `k` is the number of phases of a gap, 1 for Poisson buying."""

    k: int = 1

    @classmethod
    def fit(
        cls, summary: pl.DataFrame | pl.LazyFrame, *, penalty: float = 0.0, k: int | Literal["auto"] = "auto"
    ) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        summary
            As `clv.summarise(..., log_intervals=True)` makes it: `frequency`, `recency`, `T`, `log_interval_sum` (sum of
            the logs of the times between purchases), optionally `weight`.
        penalty
            As in `BetaGeo.fit`.
        k
            Phases of a gap, at least 1. "auto" (the default) takes the k with the highest likelihood, rising from 1 for
            as long as it gains.

        Returns
        -------
        Fit
            Frozen; log-likelihoods of different k are comparable.

        Raises
        ------
        NotEnoughDataError
            If nobody bought twice.
        ColumnError, OptionError
            If a column is missing, a history impossible, or k below 1.
        """
        if k == "auto":
            best = cls.fit(summary, penalty=penalty, k=1)
            for more in range(2, MOST_K + 1):
                other = cls.fit(summary, penalty=penalty, k=more)
                if other.log_likelihood <= best.log_likelihood:
                    break
                best = other
            return best
        if k < 1:
            raise OptionError.out_of_range("k", k, 'a whole number of at least 1, or "auto"')
        rows = compress(summary)
        if rows.n_purchases == 0:
            raise NotEnoughDataError.of("repeat purchases", 0, 1, "Observe the customers for longer.")
        gaps = _log_gaps(summary)
        mean = max(rows.n_purchases / rows.n_customers, 1e-3)
        starts = [(0.5, 0.5 / (2.0 * k * mean), 0.8, 2.4), (1.0, 1.0 / (2.0 * k * mean), 1.0, 1.5)]
        best_point = cls._climb(
            lambda p: _log_likelihood(rows, p, cls.shift, k), starts, rows.n_customers, penalty
        )
        value = best_point.value + 0.5 * penalty * float(best_point.theta @ best_point.theta)
        # a density of x gaps in scaled time: one power of the scale per purchase, k - 1 of them within the gaps
        constant = (k - 1) * gaps - rows.n_purchases * (k * math.log(rows.scale) + math.lgamma(k))
        fitted = cls._from_optimum(
            best_point,
            units=(1.0, rows.scale, 1.0, 1.0),
            n=rows.n_customers,
            log_likelihood=value + constant,
            diagnosis=diagnose(best_point),
            time_unit=time_unit_of(summary),
            penalty=penalty,
            fingerprint=rows.fingerprint,
        )
        return replace(fitted, k=k)

    def alive_of(self, x: Floats, t_x: Floats, age: Floats, after: float) -> Floats:
        """Give P(alive at T + after) of histories as arrays."""
        now = expit(-self._log_odds_gone(x, t_x, age))
        if not after:
            return now
        return now * self._per_history(x, t_x, age, partial(_still_alive, after))

    def purchases_of(self, x: Floats, t_x: Floats, age: Floats, horizon: float) -> Floats:
        """Give the expected purchases in (T, T + horizon] of histories as arrays."""
        now = expit(-self._log_odds_gone(x, t_x, age))
        return now * self._per_history(x, t_x, age, partial(_purchases, horizon))

    def scheduled_of(self, x: Floats, t_x: Floats, age: Floats, ends: Floats, factors: Floats) -> Floats:
        """Give the expected purchases of successive periods, each period's multiplied by its factor."""
        return PurchaseFit.scheduled_of(self, x, t_x, age, ends, factors)

    def discounted_of(self, x: Floats, t_x: Floats, age: Floats, horizon: float, rate: float) -> Floats:
        """Give the expected purchases, each discounted continuously at `rate`: by parts over the undiscounted ones."""
        far = min(horizon, _FAR / rate) if rate > 0 else horizon
        total = np.exp(-rate * far) * self.purchases_of(x, t_x, age, far)
        for node, weight in zip((_NODES + 1) / 2, _WEIGHTS / 2, strict=True):
            y = far * node**2  # closer together where little time has passed
            total += 2 * far * node * weight * rate * np.exp(-rate * y) * self.purchases_of(x, t_x, age, y)
        return np.asarray(total, np.float64)

    def _per_history(self, x: Floats, t_x: Floats, age: Floats, f: _Forecast) -> Floats:
        r, alpha, a, b = self.values()
        found = np.empty(len(x))
        for i in range(0, len(x), _BATCH):
            part = slice(i, i + _BATCH)
            big_r, c = r + self.k * x[part], alpha + age[part]
            phases = np.exp(_log_phases(big_r, (age - t_x)[part], c, self.k))
            found[part] = f(
                phases / phases.sum(axis=1, keepdims=True), big_r, c, a, b + x[part] + self.shift, self.k
            )
        return found

    def _log_odds_gone(self, x: Floats, t_x: Floats, age: Floats) -> Floats:
        r, alpha, a, b = self.values()
        n = x + self.shift
        big_r = r + self.k * x
        unseen = logsumexp(_log_phases(big_r, age - t_x, alpha + age, self.k), axis=1)
        odds = np.log(a) - np.log(np.where(n > 0, b + n - 1.0, 1.0)) - unseen
        odds = odds + big_r * np.log1p((age - t_x) / (alpha + t_x))
        return np.where(n > 0, odds, -np.inf)


class BetaGeoErlang(_ErlangGaps):
    """BG/CNBD-k model (Platzer, Reutterer): BG/NBD for customers who buy at regular intervals."""

    shift: ClassVar[int] = 0


class ModifiedBetaGeoErlang(_ErlangGaps):
    """MBG/CNBD-k model (Reutterer, Platzer, Schroeder 2020): MBG/NBD for customers who buy at regular intervals."""

    shift: ClassVar[int] = 1


def _log_phases(big_r: Floats, since: Floats, c: Floats, k: int) -> Floats:
    """Give the logs of the terms of S, (rows, k)."""
    j = np.arange(k)[None, :]
    with np.errstate(divide="ignore"):
        ratio = np.log(since / c)[:, None]
    power = np.where(j > 0, j * np.where(np.isfinite(ratio), ratio, -1e9), 0.0)
    terms: Floats = gammaln(big_r[:, None] + j) - gammaln(big_r)[:, None] - gammaln(j + 1.0) + power
    return terms


def _seen_by(n: int, phases: Floats, big_r: Floats, u: Floats, k: int) -> Floats:
    """Give the probability of at least n purchases within the horizon if nobody ever left."""
    j = np.arange(k)[None, :]
    return np.asarray((phases * betainc(n * k - j, big_r[:, None] + j, u[:, None])).sum(axis=1), np.float64)


def _stays(n: int, a: float, b: Floats) -> Floats:
    """Give E[(1 - p)^n], p ~ Beta(a, b)."""
    return np.asarray(np.exp(betaln(a, b + n) - betaln(a, b)), np.float64)


def _purchases(
    horizon: float, phases: Floats, big_r: Floats, c: Floats, a: float, b: Floats, k: int
) -> Floats:
    """Sum over n of P(at least n purchases) E[(1 - p)^(n - 1)]."""
    total, u = np.zeros(len(c)), horizon / (c + horizon)
    for n in range(1, _MOST_TERMS):
        term = _seen_by(n, phases, big_r, u, k) * _stays(n - 1, a, b)
        total += term
        if (term <= _ENOUGH * total).all():
            break
    return total


def _still_alive(
    after: float, phases: Floats, big_r: Floats, c: Floats, a: float, b: Floats, k: int
) -> Floats:
    """Sum over n of P(exactly n purchases) E[(1 - p)^n]."""
    u, before = after / (c + after), np.ones(len(c))
    total = np.zeros(len(c))
    for n in range(1, _MOST_TERMS):
        reached = _seen_by(n, phases, big_r, u, k)
        total += (before - reached) * _stays(n - 1, a, b)
        before = reached
        if (reached <= _ENOUGH).all():
            break
    return total


def _log_likelihood(rows: Rows, params: Floats, s: int, k: int) -> tuple[float, Floats, Floats]:
    """Give the log-likelihood without its constants, its gradient and Hessian in (r, alpha, a, b)."""
    value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
    x, t, age = rows.raw("x"), rows.raw("t_x"), rows.raw("T")
    for part in rows.parts():
        v, g, h = _block(x[part], t[part], age[part], rows.weight[part], params, s, k)
        value, gradient, hessian = value + v, gradient + g, hessian + h
    return value, gradient, hessian


@dataclass(frozen=True, eq=False)
class _Unseen:
    """ln S with its first and second derivatives in r and alpha, per row."""

    log: Floats
    r: Floats
    alpha: Floats
    rr: Floats
    r_alpha: Floats
    alpha_alpha: Floats


def _unseen(big_r: Floats, since: Floats, c: Floats, k: int) -> _Unseen:
    terms = _log_phases(big_r, since, c, k)
    log = logsumexp(terms, axis=1)
    share = np.exp(terms - log[:, None])
    j = np.arange(k)[None, :]
    up = digamma(big_r[:, None] + j) - digamma(big_r)[:, None]
    down = -j / c[:, None]
    mean_up, mean_down = (share * up).sum(axis=1), (share * down).sum(axis=1)
    far_up, far_down = up - mean_up[:, None], down - mean_down[:, None]
    bend = polygamma(1, big_r[:, None] + j) - polygamma(1, big_r)[:, None]
    return _Unseen(
        log,
        mean_up,
        mean_down,
        (share * (far_up**2 + bend)).sum(axis=1),
        (share * far_up * far_down).sum(axis=1),
        (share * (far_down**2 + j / c[:, None] ** 2)).sum(axis=1),
    )


def _block(
    x: Floats, t: Floats, age: Floats, w: Floats, params: Floats, s: int, k: int
) -> tuple[float, Floats, Floats]:
    r, alpha, a, b = params
    big_r, c, last, n = r + k * x, alpha + age, alpha + t, x + s
    hidden = _unseen(big_r, age - t, c, k)
    inverse = np.where(n > 0, 1.0 / np.where(n > 0, b + n - 1.0, 1.0), 0.0)
    shift = np.where(n > 0, np.log(a) + np.log(np.where(n > 0, inverse, 1.0)), -np.inf)
    delta = shift + big_r * (np.log(c) - np.log(last)) - hidden.log
    p = expit(delta)
    start = gammaln(big_r) - gammaln(r) + r * np.log(alpha) - betaln(a, b) + betaln(a, b + n)
    value = float(w @ (start - big_r * np.log(c) + hidden.log + np.logaddexp(0.0, delta)))
    alive = np.stack(
        [
            digamma(big_r) - digamma(r) + np.log(alpha) - np.log(c) + hidden.r,
            r / alpha - big_r / c + hidden.alpha,
            digamma(a + b) - digamma(a + b + n),
            digamma(b + n) - digamma(a + b + n) - digamma(b) + digamma(a + b),
        ]
    )
    slope = np.stack(
        [
            np.log(c) - np.log(last) - hidden.r,
            big_r / c - big_r / last - hidden.alpha,
            np.full_like(x, 1.0 / a),
            -inverse,
        ]
    )
    gone, here = w * p, w * (1 - p)  # the unseen phases count only for those who are here
    hessian = (slope * (gone * (1 - p))) @ slope.T
    both = polygamma(1, a + b) - polygamma(1, a + b + n)
    _add(hessian, 0, 0, w @ (polygamma(1, big_r) - polygamma(1, r)) + here @ hidden.rr)
    _add(hessian, 0, 1, w.sum() / alpha - w @ (1 / c) + here @ hidden.r_alpha + gone @ (1 / c - 1 / last))
    bent = w @ (big_r / c**2) + here @ hidden.alpha_alpha - gone @ (big_r * (1 / c**2 - 1 / last**2))
    _add(hessian, 1, 1, bent - w.sum() * r / alpha**2)
    _add(hessian, 2, 2, w @ both - gone.sum() / a**2)
    _add(hessian, 2, 3, w @ both)
    _add(hessian, 3, 3, w @ (both + polygamma(1, b + n) - polygamma(1, b)) + gone @ inverse**2)
    return value, alive @ w + slope @ gone, hessian


def _add(matrix: Floats, i: int, j: int, item: float) -> None:
    matrix[i, j] += item
    if i != j:
        matrix[j, i] += item


def _log_gaps(summary: pl.DataFrame | pl.LazyFrame) -> float:
    frame = summary.lazy()
    found = frame.collect_schema().names()
    if "log_interval_sum" not in found:
        raise ColumnError.missing("log_interval_sum", "summary", found)
    weight = pl.col("weight") if "weight" in found else pl.lit(1.0)
    return float(frame.select((pl.col("log_interval_sum") * weight).sum()).collect().item())
