"""Forecasts where every customer has rates of their own, all customers at once.

Buying rates move alpha alone, and what a living customer will do depends on alpha through alpha + T: so a customer with
another alpha is forecast as one of another age. What moves dropout (BG/NBD, MBG/NBD) changes the beta distribution that
is averaged over: where few such distributions occur each is taken by itself, else the forecast is worked out at Chebyshev
points of the linear predictor and interpolated, by pieces so short that nine digits are left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.special import expit

from crm_analytics.clv.likelihoods.over_dropout import mean_over_dropout, purchases
from crm_analytics.clv.likelihoods.pareto_integral import log_integral
from crm_analytics.clv.likelihoods.rows import Codes, Floats
from crm_analytics.clv.models.geometric_fit import GeometricDropout
from crm_analytics.clv.models.pareto_nbd import ParetoNBD

N_POINTS: Final = 20
_PIECE: Final = 4.0  # of the linear predictor: the nearest pole lies pi away, so the error is 3.4^-20
_BLOCK: Final = 2048
_AT_ONE: Final = 1e-12

Arrays = tuple[Floats, Floats, Floats]
"""Frequency, recency and T."""


def of_geometric(
    fit: GeometricDropout, histories: Arrays, buying: Floats, leaving: Floats, horizon: float
) -> tuple[Floats, Floats]:
    """Give P(alive) and expected purchases of customers whose covariates add so much to ln(rate) and to logit(dropout)."""
    x, t, age = histories
    r, alpha, a, b = fit.values()
    own_alpha, kappa = alpha * np.exp(-buying), a + b
    logit = np.log(a / b) + leaving
    own_a, own_b = kappa * expit(logit), kappa * expit(-logit)
    n = own_b + x + fit.shift - 1.0
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        odds = np.exp((r + x) * np.log1p((age - t) / (own_alpha + t)))
        alive = np.where((x > 0) | bool(fit.shift), n / (n + own_a * odds), 1.0)

    def ahead(rows: Codes, at: float) -> Floats:
        return mean_over_dropout(
            x[rows], (own_alpha - alpha + age)[rows], purchases(horizon), r=r, alpha=alpha,
            a=float(kappa * expit(at)), b=float(kappa * expit(-at)), shift=fit.shift, horizon=horizon,
        )  # fmt: skip

    return alive, alive * _along(logit, ahead)


def of_pareto(
    fit: ParetoNBD, histories: Arrays, buying: Floats, leaving: Floats, horizon: float
) -> tuple[Floats, Floats]:
    """Give P(alive) and expected purchases of customers whose covariates add so much to the logs of both rates."""
    x, t, age = histories
    r, alpha, s, beta = fit.values()
    big_r, alpha_, beta_ = r + x, alpha * np.exp(-buying), beta * np.exp(-leaving)
    odds = np.log(s / beta_) + big_r * np.log1p(age / alpha_) + s * np.log1p(age / beta_)
    for i in range(0, len(x), _BLOCK):
        k = slice(i, i + _BLOCK)
        odds[k] += log_integral(big_r[k], t[k], age[k], alpha_[k], s, beta_[k])
    alive = expit(-odds)
    grown = np.log1p(horizon / (beta_ + age))
    bracket = grown if abs(s - 1) < _AT_ONE else -np.expm1(-(s - 1) * grown) / (s - 1)
    return alive, alive * big_r * (beta_ + age) / (alpha_ + age) * bracket


def _along(logit: Floats, ahead: Callable[[Codes, float], Floats]) -> Floats:
    """Give a forecast at each customer's own linear predictor of dropout."""
    found, levels = np.empty(len(logit)), np.unique(logit)
    if len(levels) <= N_POINTS:
        for level in levels:
            rows = np.flatnonzero(logit == level)
            found[rows] = ahead(rows, float(level))
        return found
    low, high = float(levels[0]), float(levels[-1])
    n_pieces = max(1, int(np.ceil((high - low) / _PIECE)))
    width = (high - low) / n_pieces
    piece = np.minimum(((logit - low) / width).astype(np.intp), n_pieces - 1)
    for i in np.unique(piece):
        rows = np.flatnonzero(piece == i)
        middle = low + (i + 0.5) * width
        values = np.stack([ahead(rows, middle + width / 2 * point) for point in _POINTS])
        found[rows] = _interpolated(values, (logit[rows] - middle) / (width / 2))
    return found


_ANGLES: Final = np.pi * (np.arange(N_POINTS) + 0.5) / N_POINTS
_POINTS: Final = np.cos(_ANGLES)
_BARYCENTRIC: Final = (-1.0) ** np.arange(N_POINTS) * np.sin(_ANGLES)


def _interpolated(values: Floats, at: Floats) -> Floats:
    """Give the polynomial through the values at the Chebyshev points, (points, n), at one place each."""
    gap = at - _POINTS[:, None]
    met = gap == 0
    weight = _BARYCENTRIC[:, None] / np.where(met, 1.0, gap)
    weight = np.where(met.any(axis=0), met, weight)
    return np.asarray((weight * values).sum(axis=0) / weight.sum(axis=0), np.float64)
