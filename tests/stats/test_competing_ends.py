"""Cumulative incidence: by hand, exact fractions, Greenwood as the special case, coverage."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.errors import OptionError
from crm_analytics.stats.competing_ends import cumulative_incidence
from crm_analytics.stats.survival import kaplan_meier, lives, step_values

rows = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=40)


def taken(drawn, *, late):
    exit_, cause, before = (np.array(column) for column in zip(*drawn, strict=True))
    return exit_, cause, exit_ - before if late else None


def test_by_hand():
    """S before each day 1, 3/4, 1/2, 1/2; churn on days 1 and 4, a downgrade on day 2."""
    one, two = cumulative_incidence([1, 2, 3, 4], [1, 2, 0, 1])
    assert one.incidence.tolist() == [0.25, 0.25, 0.25, 0.75]
    assert two.incidence.tolist() == [0, 0.25, 0.25, 0.25]
    assert one.naive.tolist() == [0.25, 0.25, 0.25, 1.0], "as if nobody could downgrade"


@given(drawn=rows, late=st.booleans())
def test_it_is_aalen_and_johansens_in_exact_fractions(drawn, late):
    exit_, cause, entry = taken(drawn, late=late)
    found = cumulative_incidence(exit_, cause, entry=entry)
    left, shares = Fraction(1), [Fraction(0)] * len(found)
    for i, t in enumerate(sorted(set(exit_.tolist()))):
        there = exit_ >= t if entry is None else (exit_ >= t) & (entry < t)
        n = int(there.sum())
        for c in range(len(found)):
            shares[c] += left * Fraction(int(((exit_ == t) & (cause == c + 1)).sum()), n)
            assert found[c].incidence[i] == pytest.approx(float(shares[c]), abs=1e-12)
        left *= 1 - Fraction(int(((exit_ == t) & (cause > 0)).sum()), n)


@given(drawn=rows, late=st.booleans())
def test_the_shares_and_those_still_there_add_up(drawn, late):
    exit_, cause, entry = taken(drawn, late=late)
    found = cumulative_incidence(exit_, cause, entry=entry)
    left = kaplan_meier(lives(exit_, cause > 0, entry=entry)).survival
    assert sum((f.incidence for f in found), np.zeros(len(left))) + left == pytest.approx(np.ones(len(left)))


@given(drawn=rows, late=st.booleans())
def test_one_minus_kaplan_meier_overstates(drawn, late):
    exit_, cause, entry = taken(drawn, late=late)
    for way in cumulative_incidence(exit_, cause, entry=entry):
        assert (way.naive >= way.incidence - 1e-12).all()
        assert (np.diff(way.incidence) >= -1e-15).all()
        for low, high in ((way.incidence_lower, way.incidence), (way.incidence, way.incidence_upper)):
            assert np.isfinite(low).all()
            assert (low <= high + 1e-12).all()


@given(drawn=st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=2, max_size=40))
def test_with_one_way_to_end_it_is_one_minus_kaplan_meier_with_greenwoods_error(drawn):
    exit_, event = (np.array(c) for c in zip(*drawn, strict=True))
    if not event.any():
        assert cumulative_incidence(exit_, event.astype(int)) == []
        return
    (way,) = cumulative_incidence(exit_, event.astype(int))
    curve = kaplan_meier(lives(exit_, event))
    assert way.incidence == pytest.approx(1 - curve.survival)
    inside = curve.survival > 0
    assert way.standard_error[inside] == pytest.approx(curve.standard_error[inside], abs=1e-9)


@given(drawn=rows, weight=st.integers(2, 4))
def test_weights_are_duplicates(drawn, weight):
    exit_, cause, _ = taken(drawn, late=False)
    weighted = cumulative_incidence(exit_, cause, weights=np.full(len(exit_), weight))
    repeated = cumulative_incidence(np.repeat(exit_, weight), np.repeat(cause, weight))
    for one, other in zip(weighted, repeated, strict=True):
        assert one.incidence == pytest.approx(other.incidence)
        assert one.standard_error == pytest.approx(other.standard_error, abs=1e-12)


def test_the_intervals_hold_their_level():
    """Two exponential risks of rates 0.06 and 0.04: by time 8, 0.6 (1 - exp(-0.8)) have ended in the first way."""
    rng = np.random.default_rng(2)
    truth, hits = 0.6 * (1 - math.exp(-0.8)), 0
    for _ in range(1000):
        ends = np.stack(
            [rng.exponential(1 / 0.06, 80), rng.exponential(1 / 0.04, 80), rng.uniform(4, 20, 80)]
        )
        cause = np.array([1, 2, 0])[ends.argmin(axis=0)]
        way = cumulative_incidence(ends.min(axis=0), cause)[0]
        low, high = (
            float(step_values(way.time, b, 8.0, before=0.0))
            for b in (way.incidence_lower, way.incidence_upper)
        )
        hits += low <= truth <= high
    assert 930 <= hits <= 970


def test_a_negative_way_is_refused():
    with pytest.raises(OptionError, match=r"cause=-1.*0 where censored"):
        cumulative_incidence([1, 2], [1, -1])
