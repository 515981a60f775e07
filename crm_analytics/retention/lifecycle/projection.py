"""Where the base is heading if customers go on as they have: transition rates, projection, steady state.

A Markov chain with an inflow: each period so many customers come for the first time and so many return from the lost;
the others change state with the rates of the recent periods. Lost customers leave the chain. With the inflow b and the
rates Q among the states that remain, the state the base settles in is b (I - Q)^-1.

References
----------
Kemeny, J. G. and Snell, J. L. (1976). Finite Markov Chains, chapter 3. Bartholomew, D. J. (1982). Stochastic Models for
Social Processes, 3rd edition, chapter 3 (open systems with given input).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from crm_analytics.retention.lifecycle.flows import DORMANT, LOST, NEW, QUIET, RESURRECTED, RETAINED, Ints
from crm_analytics.stats.bootstrap import percentile
from crm_analytics.stats.intervals import Floats

FEWEST_PERIODS: Final = 3
STAYING: Final = LOST
"""The states before this one stay in the chain."""

_SETTLES: Final = 1 - 1e-6

_STEPS: Final = {
    NEW: (RETAINED, QUIET, DORMANT),
    RETAINED: (RETAINED, QUIET, DORMANT),
    RESURRECTED: (RETAINED, QUIET, DORMANT),
    QUIET: (RETAINED, QUIET, DORMANT),
    DORMANT: (RESURRECTED, DORMANT, LOST),
}
_PRIOR: Final = np.array(
    [[0.5 * (to in _STEPS[state]) for to in range(LOST + 1)] for state in range(STAYING)]
)
"""Half a customer for each change of state there can be (Jeffreys): what nobody did may yet happen."""


@dataclass(frozen=True)
class Projection:
    """Expected customers by period ahead and state, and in the steady state, with bounds; the base sums the first four."""

    path: Floats  # (periods, 2): active base, ordering
    path_lower: Floats
    path_upper: Floats
    steady: Floats | None  # by state, then the base
    steady_lower: Floats | None
    steady_upper: Floats | None
    new_per_period: float
    back_from_lost: float


def project(
    stocks: Ints, moves: Ints, now: Ints, *, horizon: int, n_draws: int, seed: int
) -> Projection | None:
    """Project the base, or give None where there are too few periods to learn from.

    Parameters
    ----------
    stocks, moves
        Customers by state and changes of state in the complete periods to learn from, one row per period.
    now
        Customers by state at the end of the last complete period.
    horizon
        Periods ahead.
    n_draws, seed
        Draws for the bounds: the periods are drawn with replacement, then the rates from their Dirichlet distribution, in
        which what nobody did is unlikely and not impossible, and then what so many customers do by chance.
    """
    if len(stocks) < FEWEST_PERIODS:
        return None
    inflow, rates = _chain(stocks, moves)
    path, steady = _run(inflow[None], rates[None], now, horizon)
    rng = np.random.default_rng(seed)
    drawn_in, drawn_rates = _draws(stocks, moves, n_draws, rng)
    paths, steadies = _run(drawn_in, drawn_rates, now, horizon)
    luck = rng.standard_normal((n_draws, 1, 1)) * _spread(paths, drawn_rates, now, horizon)
    low, high = _around(path[0], np.maximum(paths + luck, 0.0))
    settled = bool(np.isfinite(steady[0]).all() and np.isfinite(steadies).any(axis=0).all())
    low_end, high_end = _around(steady[0], steadies) if settled else (None, None)
    return Projection(
        path[0],
        low,
        high,
        steady[0] if settled else None,
        low_end,
        high_end,
        float(inflow[NEW]),
        float(inflow[RESURRECTED]),
    )


def _around(value: Floats, draws: Floats) -> tuple[Floats, Floats]:
    lower, upper = percentile(draws)
    return np.minimum(lower, value), np.maximum(upper, value)


def _chain(stocks: Ints, moves: Ints) -> tuple[Floats, Floats]:
    """Give the inflow per period and the rates among the states that stay."""
    counts = moves.sum(axis=0).astype(float)[:STAYING]
    inflow = np.zeros(STAYING)
    inflow[NEW] = stocks[:, NEW].mean()
    inflow[RESURRECTED] = moves[:, LOST, RESURRECTED].mean()
    return inflow, _rates(counts)


def _rates(counts: Floats) -> Floats:
    """Divide counts by their sum; from a state in which nobody was seen, every change there can be is as likely."""
    known = np.where(counts.sum(axis=-1, keepdims=True) > 0, counts, _PRIOR)
    rates: Floats = known[..., :STAYING] / known.sum(axis=-1, keepdims=True)
    return rates


def _draws(stocks: Ints, moves: Ints, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    picks = rng.integers(0, len(stocks), (n, len(stocks)))
    inflow = np.zeros((n, STAYING))
    inflow[:, NEW] = stocks[:, NEW][picks].mean(axis=1)
    inflow[:, RESURRECTED] = moves[:, LOST, RESURRECTED][picks].mean(axis=1)
    times = np.apply_along_axis(np.bincount, 1, picks, minlength=len(stocks)).astype(float)
    counts = np.tensordot(times, moves[:, :STAYING].astype(float), axes=1)
    return inflow, _rates(rng.standard_gamma(counts + _PRIOR))


def _run(inflow: Floats, rates: Floats, now: Ints, horizon: int) -> tuple[Floats, Floats]:
    """Follow the chain from today's customers, and find where it settles; infinite where it does not."""
    state = np.broadcast_to(now[:STAYING].astype(float), inflow.shape)
    path = np.empty((len(inflow), horizon, 2))
    for ahead in range(horizon):
        state = np.einsum("di,dij->dj", state, rates) + inflow
        path[:, ahead, 0] = state[:, : QUIET + 1].sum(axis=1)
        path[:, ahead, 1] = state[:, :QUIET].sum(axis=1)
    return path, _steady(inflow, rates)


def _spread(paths: Floats, rates: Floats, now: Ints, horizon: int) -> Floats:
    """Give how far chance takes the numbers from those expected: of today's customers each stays or not, others are Poisson."""
    spread = np.empty(paths.shape)
    reached = np.broadcast_to(np.eye(STAYING), rates.shape)
    today = now[:STAYING].astype(float)
    for ahead in range(horizon):
        reached = reached @ rates
        for column, states in enumerate((QUIET + 1, QUIET)):
            share = np.clip(reached[:, :, :states].sum(axis=2), 0.0, 1.0)
            others = np.maximum(paths[:, ahead, column] - share @ today, 0.0)
            spread[:, ahead, column] = np.sqrt((share * (1 - share)) @ today + others)
    return spread


def _steady(inflow: Floats, rates: Floats) -> Floats:
    settles = np.abs(np.linalg.eigvals(rates)).max(axis=1) < _SETTLES
    found = np.full((len(inflow), STAYING + 1), np.inf)
    if settles.any():
        left = np.swapaxes(np.eye(STAYING) - rates[settles], 1, 2)
        found[settles, :STAYING] = np.linalg.solve(left, inflow[settles][..., None])[..., 0]
        found[settles, STAYING] = found[settles, : QUIET + 1].sum(axis=1)
    return found
