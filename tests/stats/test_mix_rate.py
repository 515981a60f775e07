"""Mix and rate add up to the change, whatever the groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.errors import OptionError
from crm_analytics.stats.mix_rate import mix_rate

GROUPS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50), st.floats(-100, 100), st.floats(-100, 100)),
    min_size=1,
    max_size=8,
).filter(lambda g: sum(x[0] for x in g) > 0 and sum(x[1] for x in g) > 0)


@given(GROUPS)
def test_the_parts_add_up(groups):
    before, now, was, is_ = (np.array(x, float) for x in zip(*groups, strict=True))
    kept = before + now > 0
    before, now, was, is_ = (x[kept] for x in (before, now, was, is_))
    was, is_ = np.where(before > 0, was, np.nan), np.where(now > 0, is_, np.nan)
    shares = before / before.sum(), now / now.sum()
    found = mix_rate(shares, (was, is_))
    change = np.nansum(shares[1] * is_) - np.nansum(shares[0] * was)
    assert found.mix.sum() + found.rate.sum() == pytest.approx(change, abs=1e-9)


@given(GROUPS)
def test_going_back_takes_back(groups):
    before, now, was, is_ = (np.array(x, float) + 1 for x in zip(*groups, strict=True))
    shares = before / before.sum(), now / now.sum()
    there, back = mix_rate(shares, (was, is_)), mix_rate(shares[::-1], (is_, was))
    assert there.mix == pytest.approx(-back.mix, abs=1e-9)
    assert there.rate == pytest.approx(-back.rate, abs=1e-9)


def test_mix_alone():
    """Shares go from half and half to 80 and 20 while nobody moves: 0.3 x 40 points, all of it mix."""
    found = mix_rate(([0.5, 0.5], [0.8, 0.2]), ([40.0, 0.0], [40.0, 0.0]))
    assert found.mix.sum() == pytest.approx(12)
    assert found.rate == pytest.approx([0, 0])


def test_rate_alone():
    found = mix_rate(([0.5, 0.5], [0.5, 0.5]), ([40.0, 0.0], [50.0, 0.0]))
    assert found.rate == pytest.approx([5, 0])
    assert found.mix == pytest.approx([0, 0])


def test_a_group_that_comes_is_mix():
    found = mix_rate(([1.0, 0.0], [0.5, 0.5]), ([40.0, np.nan], [40.0, 0.0]))
    assert found.rate == pytest.approx([0, 0])
    assert found.mix.sum() == pytest.approx(-20)


def test_shares_must_add_up():
    with pytest.raises(OptionError, match="sums of 1"):
        mix_rate(([0.5, 0.4], [0.5, 0.5]), ([1.0, 2.0], [1.0, 2.0]))


def test_standard_errors_hold_in_simulation():
    rng, share, n = np.random.default_rng(1), np.array([0.6, 0.3, 0.1]), 400
    level, found = np.array([0.5, 0.3, 0.7]), []
    for _ in range(1500):
        sizes = [rng.multinomial(n, share).astype(float) for _ in (0, 1)]
        seen = [100 * rng.binomial(s.astype(int), level) / s for s in sizes]
        spreads = [x * (100 - x) for x in seen]
        parts = mix_rate(
            (sizes[0] / n, sizes[1] / n), (seen[0], seen[1]), (spreads[0], spreads[1]), (sizes[0], sizes[1])
        )
        found.append((parts.rate.sum(), parts.rate_error, parts.mix.sum(), parts.mix_error))
    rate, rate_error, mix, mix_error = np.array(found).T
    assert np.std(rate) == pytest.approx(np.mean(rate_error), rel=0.08)
    assert np.std(mix) == pytest.approx(np.sqrt(np.mean(mix_error**2)), rel=0.15)


def test_intervals_of_each_group_hold_their_level_where_a_group_lies_near_the_whole():
    """The first group scores as the whole does: what its weight moves is near 0, but how near is not known."""
    rng, n = np.random.default_rng(3), 300
    shares = np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.45, 0.25])
    levels = np.array([0.55, 0.3, 0.9]), np.array([0.5, 0.35, 0.9])
    true = mix_rate(shares, (100 * levels[0], 100 * levels[1]))
    held = []
    for _ in range(800):
        sizes = [rng.multinomial(n, s).astype(float) for s in shares]
        seen = [100 * rng.binomial(s.astype(int), p) / s for s, p in zip(sizes, levels, strict=True)]
        spreads = [x * (100 - x) for x in seen]
        parts = mix_rate(
            (sizes[0] / n, sizes[1] / n), (seen[0], seen[1]), (spreads[0], spreads[1]), (sizes[0], sizes[1])
        )
        inside = [
            np.abs(parts.mix - true.mix) < parts.half(parts.mix_errors),
            np.abs(parts.rate - true.rate) < parts.half(parts.rate_errors),
            [abs(parts.mix.sum() - true.mix.sum()) < parts.half(parts.mix_error)] * 3,
        ]
        held.append(inside)
    assert np.mean(held, axis=0).min() > 0.915
