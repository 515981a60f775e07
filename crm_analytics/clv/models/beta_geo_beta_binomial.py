"""BG/BB: at each of a number of opportunities a customer who is alive buys or not, and may then leave."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import polars as pl
from scipy.special import betaln, digamma, expm1, gammaln, logsumexp, polygamma

from crm_analytics.clv.likelihoods.newton import Optimum
from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.fit import FAR, Diagnosis, Fit
from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError


class BetaGeoBetaBinomial(Fit):
    """BG/BB model of purchases at discrete opportunities (Fader, Hardie, Shang 2010, Marketing Science 29).

    While alive a customer buys at an opportunity with a probability that is beta(alpha, beta) over customers, and
    leaves before one with a probability that is beta(gamma, delta). Suits yearly donations, monthly boxes, events.
    """

    names: ClassVar[tuple[str, ...]] = ("alpha", "beta", "gamma", "delta")

    @classmethod
    def fit(cls, summary: pl.DataFrame | pl.LazyFrame, *, penalty: float = 0.0) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        summary
            `frequency` (opportunities with a purchase), `recency` (number of the last such opportunity, 0 if none),
            `n_periods` (opportunities so far), optionally `weight` (customers per row). Whole numbers.
        penalty
            Strength of a ridge on the logs of the four parameters, in pseudo-observations.

        Returns
        -------
        BetaGeoBetaBinomial
            Frozen.

        Raises
        ------
        NotEnoughDataError
            If nobody bought at any opportunity.
        ColumnError, OptionError
            If a column is missing or a history impossible.
        """
        x, t, n, w = panel(summary)
        if not (x @ w) > 0:
            raise NotEnoughDataError.of("purchases", 0, 1, "Observe the customers for more opportunities.")
        total = float(w.sum())
        best = cls._climb(
            lambda p: _log_likelihood(x, t, n, w, *p),
            [(1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 0.5, 3.0)],
            total,
            penalty,
        )
        value = best.value + 0.5 * penalty * float(best.theta @ best.theta)
        return cls._from_optimum(
            best, units=(1.0,) * 4, n=total, log_likelihood=value, diagnosis=_diagnose(best), penalty=penalty
        )

    def log_likelihoods(self, summary: pl.DataFrame | pl.LazyFrame) -> Floats:
        """Give the log-probability of each row's history."""
        x, t, n, _ = panel(summary)
        return logsumexp(_terms(x, t, n, *self.values()), axis=1) - self._base()

    def p_alive(self, summary: pl.DataFrame | pl.LazyFrame, *, after: int = 0) -> pl.Series:
        """Say how likely each customer is alive at opportunity n + 1 + after (the next one by default), in [0, 1]."""
        x, t, n, _ = panel(summary)
        alpha, beta, gamma, delta = self.values()
        alive = betaln(alpha + x, beta + n - x) + betaln(gamma, delta + n + 1 + after)
        whole = logsumexp(_terms(x, t, n, *self.values()), axis=1)
        return pl.Series("p_alive", np.exp(alive - whole))

    def expected_purchases(self, summary: pl.DataFrame | pl.LazyFrame, *, horizon: float) -> pl.Series:
        """Say how many purchases to expect at the next `horizon` opportunities."""
        if not horizon >= 0:
            raise OptionError.out_of_range("horizon", horizon, "0 or more opportunities")
        x, t, n, _ = panel(summary)
        alpha, beta, gamma, delta = self.values()
        whole = logsumexp(_terms(x, t, n, *self.values()), axis=1) - self._base()
        log_buys = betaln(alpha + x + 1, beta + n - x) - betaln(alpha, beta)
        return pl.Series(
            "expected_purchases", np.exp(log_buys - whole) * _alive_sum(gamma, delta, n, horizon)
        )

    def expected_of_new_customer(self, horizon: float) -> float:
        """Say how many purchases a new customer is expected to make at the first `horizon` opportunities."""
        alpha, beta, gamma, delta = self.values()
        return float(alpha / (alpha + beta) * _alive_sum(gamma, delta, np.zeros(1), horizon)[0])

    def expected_counts(self, n_periods: int, n_customers: float) -> Floats:
        """Give how many of so many customers are expected to buy at 0, 1, … n of n opportunities."""
        x = np.repeat(np.arange(n_periods + 1.0), n_periods + 1)
        t = np.tile(np.arange(n_periods + 1.0), n_periods + 1)
        ok = ((x == 0) & (t == 0)) | ((x > 0) & (t >= x))
        x, t = x[ok], t[ok]
        ways = np.where(
            x > 0, gammaln(np.maximum(t, 1)) - gammaln(np.maximum(x, 1)) - gammaln(t - x + 1), 0.0
        )
        log_p = (
            logsumexp(_terms(x, t, np.full(len(x), float(n_periods)), *self.values()), axis=1) - self._base()
        )
        counts = np.bincount(x.astype(int), np.exp(ways + log_p), n_periods + 1)
        return n_customers * np.asarray(counts, np.float64)

    def _base(self) -> float:
        alpha, beta, gamma, delta = self.values()
        return float(betaln(alpha, beta) + betaln(gamma, delta))


def panel(summary: pl.DataFrame | pl.LazyFrame) -> tuple[Floats, Floats, Floats, Floats]:
    """Give x, t, n and weight of the rows of a panel, checked."""
    frame = summary.lazy()
    found = frame.collect_schema().names()
    for name in ("frequency", "recency", "n_periods"):
        if name not in found:
            raise ColumnError.missing(name, "summary", found)
    weight = pl.col("weight") if "weight" in found else pl.lit(1.0)
    rows = (
        frame.select(pl.col("frequency", "recency", "n_periods"), weight.alias("w"))
        .cast(pl.Float64)
        .collect()
    )
    if rows.is_empty():
        raise NotEnoughDataError.of("customers", 0, 1)
    x, t, n, w = (rows[c].to_numpy() for c in rows.columns)
    possible = (x >= 0) & (x <= t) & (t <= n) & ((x > 0) | (t == 0)) & (w >= 0)
    whole = (x == np.floor(x)) & (t == np.floor(t)) & (n == np.floor(n))
    if not (possible & whole).all():
        i = int(np.argmin(possible & whole))
        raise OptionError(
            f"Row {i + 1} holds frequency, recency, n_periods = {x[i]:g}, {t[i]:g}, {n[i]:g}.",
            "Expected whole numbers with 0 <= frequency <= recency <= n_periods, recency 0 only without a purchase.",
            "Count opportunities, not days.",
        )
    return x, t, n, w


def _alive_sum(gamma: float, delta: float, n: Floats, horizon: float) -> Floats:
    """Sum over the next opportunities i of B(gamma, delta + n + i) / B(gamma, delta): still alive at each.

    In closed form [B(gamma - 1, delta + n + 1) - B(gamma - 1, delta + n + h + 1)] / B(gamma, delta), written so that it
    holds on both sides of gamma = 1 and at it.
    """
    first = gammaln(gamma + delta) - gammaln(delta) + gammaln(delta + n + 1) - gammaln(gamma + delta + n)
    ratio = (
        gammaln(delta + n + horizon + 1)
        - gammaln(gamma + delta + n + horizon)
        - gammaln(delta + n + 1)
        + gammaln(gamma + delta + n)
    )
    if abs(gamma - 1) < 1e-9:  # noqa: PLR2004 the limit: d ratio / d gamma
        return np.exp(first) * (digamma(delta + n + horizon + 1) - digamma(delta + n + 1))
    return -np.exp(first) * expm1(ratio) / (gamma - 1)


def _terms(x: Floats, t: Floats, n: Floats, alpha: float, beta: float, gamma: float, delta: float) -> Floats:
    """Give the logs of the likelihood's terms, (rows, 1 + most i): alive at the end, or lost after t + i."""
    alive = betaln(alpha + x, beta + n - x) + betaln(gamma, delta + n)
    i = np.arange(int((n - t).max(initial=0)))[None, :]
    end = np.minimum(t[:, None] + i, n[:, None])
    lost = betaln(alpha + x[:, None], beta + end - x[:, None]) + betaln(gamma + 1, delta + end)
    lost = np.where(i < (n - t)[:, None], lost, -np.inf)
    return np.concatenate([alive[:, None], lost], axis=1)


def _log_likelihood(
    x: Floats, t: Floats, n: Floats, w: Floats, alpha: float, beta: float, gamma: float, delta: float
) -> tuple[float, Floats, Floats]:
    terms = _terms(x, t, n, alpha, beta, gamma, delta)
    whole = logsumexp(terms, axis=1)
    share = np.exp(terms - whole[:, None])
    i = np.arange(terms.shape[1] - 1)[None, :]
    end = np.concatenate([n[:, None], np.minimum(t[:, None] + i, n[:, None])], axis=1)
    lost = np.concatenate([np.zeros((len(x), 1)), np.ones_like(end[:, 1:])], axis=1)
    first = _beta_slopes(np.broadcast_to(alpha + x[:, None], end.shape), beta + end - x[:, None])
    second = _beta_slopes(gamma + lost, delta + end)
    slopes = np.stack([first[0], first[1], second[0], second[1]])  # (4, rows, terms)
    mean = np.einsum("jrk,rk->jr", slopes, share)
    centred = slopes - mean[:, :, None]
    hessian = np.einsum("jrk,lrk,rk,r->jl", centred, centred, share, w)
    for block, parts in ((slice(0, 2), first[2:]), (slice(2, 4), second[2:])):
        uu, uv, vv = (float(np.einsum("rk,rk,r->", p, share, w)) for p in parts)
        hessian[block, block] += np.array([[uu, uv], [uv, vv]])
    base_a, base_g = (
        _beta_slopes(np.array(alpha), np.array(beta)),
        _beta_slopes(np.array(gamma), np.array(delta)),
    )
    total = w.sum()
    hessian[:2, :2] -= total * np.array([[base_a[2], base_a[3]], [base_a[3], base_a[4]]])
    hessian[2:, 2:] -= total * np.array([[base_g[2], base_g[3]], [base_g[3], base_g[4]]])
    gradient = mean @ w - total * np.array([base_a[0], base_a[1], base_g[0], base_g[1]])
    value = float(w @ whole - total * (betaln(alpha, beta) + betaln(gamma, delta)))
    return value, gradient, hessian


def _beta_slopes(u: Floats, v: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Give d/du, d/dv, d2/du2, d2/dudv, d2/dv2 of ln B(u, v)."""
    both, both2 = digamma(u + v), polygamma(1, u + v)
    return digamma(u) - both, digamma(v) - both, polygamma(1, u) - both2, -both2, polygamma(1, v) - both2


def _diagnose(best: Optimum) -> tuple[Diagnosis, ...]:
    found = []
    alpha, beta, gamma, delta = best.theta
    if max(alpha, beta) > FAR:
        found.append(
            Diagnosis(
                "no_spread_in_buying", "The customers do not differ in how readily they buy beyond chance."
            )
        )
    if gamma < -FAR or (delta > FAR > gamma):
        found.append(Diagnosis("no_dropout", "Nobody is seen to leave."))
    elif max(gamma, delta) > FAR:
        found.append(
            Diagnosis(
                "no_spread_in_dropout", "The customers do not differ in how readily they leave beyond chance."
            )
        )
    if not best.converged:
        found.append(
            Diagnosis("not_converged", "The search did not reach a maximum; do not use these figures.")
        )
    return tuple(found)
