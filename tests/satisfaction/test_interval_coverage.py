"""Intervals of penalties, rewards and of the map hold their level where the truth is known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from crm_analytics.satisfaction.importance import places
from crm_analytics.satisfaction.penalty import classes
from crm_analytics.satisfaction.regression.design import Ask, Design, design
from crm_analytics.satisfaction.regression.shares import bounds

DRIVERS = ["d0", "d1", "d2", "d3"]
PENALTY, REWARD = np.array([-1.0, -0.5, 0.0, 0.0]), np.array([0.2, 0.5, 0.8, 0.0])


def survey(seed: int, n: int, *, gaps: bool) -> Design:
    """Make four ratings of one mood: mostly a penalty, both, a reward, neither."""
    rng = np.random.default_rng(seed)
    level = np.array([3.6, 3.2, 3.0, 3.4])
    x = np.clip(np.round(level + 0.6 * rng.normal(size=(n, 1)) + rng.normal(size=(n, 4))), 1, 5)
    y = 6 + (x <= 3) @ PENALTY + (x >= 5) @ REWARD + rng.normal(size=n)
    if gaps:
        x[rng.random(x.shape) < 0.15] = np.nan
    frame = pl.DataFrame(dict(zip(DRIVERS, x.T, strict=True))).fill_nan(None).with_columns(csat=pl.Series(y))
    return design(frame, Ask("csat", DRIVERS, None, (), "numeric", {}, "none"))


def inside(value: np.ndarray, drawn: np.ndarray, truth: np.ndarray) -> np.ndarray:
    low, high = bounds(value, drawn)
    return (low <= truth) & (truth <= high)


def scale(made: Design) -> float:
    return made.outcome.high - made.outcome.low


def penalty_coverage(n_surveys: int, held: classes.Held, *, gaps: bool) -> np.ndarray:
    hits = []
    for seed in range(n_surveys):
        got = classes.contrasts(survey(seed, 400, gaps=gaps), "em", None, None, held, n_draws=500, seed=seed)
        hits.append(
            [
                inside(got.penalty, got.penalty_draws, PENALTY),
                inside(got.reward, got.reward_draws, REWARD),
            ]
        )
    return np.array(hits).mean(axis=0)


def map_coverage(n_surveys: int, n: int, *, gaps: bool) -> tuple[dict[str, float], np.ndarray, np.ndarray]:
    """Give the coverage of the figures, and per survey and driver: probability of the quadrant it truly is in, and hits."""
    large = survey(10**6, 400_000, gaps=False)
    truth = places.measure(large, "complete", n_draws=2, seed=0)
    where = places.quadrants(truth.share[:, None], truth.performance[:, None], "mean")[:, 0]
    hits: dict[str, list[np.ndarray]] = {"share": [], "effect": [], "performance": []}
    stated, right = [], []
    for seed in range(n_surveys):
        made = survey(seed, n, gaps=gaps)
        got = places.measure(made, "em", n_draws=500, seed=seed)
        points = scale(large) / scale(made)  # the outcome has no ends: its scale is what occurs
        known = {"share": truth.share, "effect": truth.effect * points, "performance": truth.performance}
        for name, found in hits.items():
            found.append(inside(getattr(got, name), getattr(got, f"{name}_draws"), known[name]))
        chances = places.probabilities(places.quadrants(got.share_draws, got.performance_draws, "mean"))
        stated.append(chances)
        right.append(np.eye(4)[where])
    return (
        {k: float(np.mean(v)) for k, v in hits.items()},
        np.array(stated).ravel(),
        np.array(right).ravel(),
    )


def test_penalties_and_rewards_lie_in_their_intervals():
    assert penalty_coverage(40, "classes", gaps=False).mean() == pytest.approx(0.95, abs=0.045)


@pytest.mark.slow
@pytest.mark.parametrize("held", ["classes", "ratings"])
@pytest.mark.parametrize("gaps", [False, True])
def test_penalties_and_rewards_lie_in_their_intervals_as_often_as_said(held, gaps):
    found = penalty_coverage(250, held, gaps=gaps)
    assert 0.93 <= found.mean() <= 0.97
    assert found.min() > 0.90, "each by itself, to the chance of 250 surveys"


def test_figures_of_the_map_lie_in_their_intervals():
    found, _, _ = map_coverage(40, 400, gaps=False)
    for name, coverage in found.items():
        assert coverage == pytest.approx(0.95, abs=0.06), name


@pytest.mark.slow
@pytest.mark.parametrize("gaps", [False, True])
def test_figures_of_the_map_lie_in_their_intervals_as_often_as_said(gaps):
    found, stated, right = map_coverage(250, 400, gaps=gaps)
    for name, coverage in found.items():
        assert 0.925 <= coverage <= 0.975, name
    sure = stated > 0.9
    assert right[sure].mean() > 0.9, "a quadrant said to be sure is the true one"
    assert right[stated < 0.1].mean() < 0.1
