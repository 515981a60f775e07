"""Trends of a share over groups: finite wherever one is given, none where no line can be told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.stats.binomial_trend import binomial_trend

groups = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda pair: (min(pair), max(pair))),
    min_size=4,
    max_size=9,
)


@given(groups)
def test_every_figure_of_small_groups_is_finite_and_inside_its_bounds(counts):
    k, m = zip(*counts, strict=True)
    found = binomial_trend(k, m, range(len(k)))
    if found is not None:
        assert np.isfinite(np.array(found)).all()
        assert found.change_lower <= found.change <= found.change_upper
        assert found.odds_ratio_lower <= found.odds_ratio <= found.odds_ratio_upper
        assert 0 <= found.p_value <= 1


@pytest.mark.parametrize(
    "k",
    [[0, 0, 5, 5, 5], [0, 0, 3, 5, 5], [5, 5, 2, 0, 0], [0, 0, 0, 0, 0], [5, 5, 5, 5, 5]],
    ids=["wall", "wall through a group", "falling wall", "nobody", "everybody"],
)
def test_no_line_where_none_can_be_told(k):
    assert binomial_trend(k, [5] * 5, range(5)) is None


def test_turning_time_round_turns_the_trend_round():
    k, m = [3, 5, 9, 8, 14], [40, 30, 45, 35, 50]
    one, two = binomial_trend(k, m, range(5)), binomial_trend(k[::-1], m[::-1], range(5))
    assert one.change == pytest.approx(-two.change)
    assert one.odds_ratio == pytest.approx(1 / two.odds_ratio)
    assert one.p_value == pytest.approx(two.p_value)
