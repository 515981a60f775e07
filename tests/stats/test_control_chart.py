"""Control limits: by hand, and how often they call chance a signal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.stats.control_chart import control_chart


def test_a_p_chart_by_hand():
    """Centre 0.2, n 100: 0.2 +- 3 sqrt(.16 / 100) = 0.08 and 0.32."""
    found = control_chart([0.1, 0.2, 0.3], [100, 100, 100], 0.16, (0, 1))
    assert found.center == pytest.approx(0.2)
    assert found.lower == pytest.approx([0.08] * 3)
    assert found.upper == pytest.approx([0.32] * 3)
    assert not found.outside.any()
    assert found.scatter == 1


def test_small_groups_have_wide_limits():
    found = control_chart([0.2, 0.2, 0.2], [400, 100, 25], 0.16, (0, 1))
    assert found.upper == pytest.approx([0.26, 0.32, 0.44])
    assert found.lower[2] == 0, "limits end where the scale does"


def test_laney_widens_by_the_scatter():
    """Twelve groups that go up and down by two standard errors: the mean range of z is 4, so the limits are 4 / 1.128 as wide."""
    scores = 0.5 + 0.02 * np.array([1, -1] * 6)
    found = control_chart(scores, np.full(12, 2500), 0.25, (0, 1))
    assert found.scatter == pytest.approx(4 / 1.128)
    assert found.upper[0] == pytest.approx(0.5 + 3 * 0.01 * 4 / 1.128)


def test_eight_in_a_row():
    found = control_chart([0.49] * 8 + [0.51] * 9, np.full(17, 100), 0.25, (0, 1))
    assert found.in_a_run.tolist() == [False] * 7 + [True] + [False] * 7 + [True, True]


def test_chance_is_seldom_called_a_signal():
    rng = np.random.default_rng(3)
    n = rng.integers(50, 400, (400, 12))
    charts = [control_chart(rng.binomial(k, 0.3) / k, k, 0.21, (0, 1)) for k in n]
    assert np.mean([c.outside.mean() for c in charts]) < 0.006
    low = [
        control_chart(np.append(rng.binomial(200, 0.3, 11) / 200, 0.5), np.full(12, 200), 0.21, (0, 1))
        for _ in range(200)
    ]
    assert np.mean([c.outside[-1] for c in low]) > 0.8, "a jump of twenty points is seen"


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 500)), min_size=2, max_size=30))
def test_limits_hold_the_centre_and_stay_on_the_scale(rows):
    scores, n = (np.array(x, float) for x in zip(*rows, strict=True))
    found = control_chart(scores, n, 0.2, (0, 1))
    assert (found.lower <= found.center + 1e-9).all()
    assert (found.upper >= found.center - 1e-9).all()
    assert found.lower.min() >= 0
    assert found.upper.max() <= 1
    assert found.scatter >= 1


def test_without_variance_there_is_no_limit_but_the_centre():
    found = control_chart([1.0] * 9, [10] * 9, 0.0, (0, 1))
    assert (found.lower == 1).all()
    assert not found.outside.any()
