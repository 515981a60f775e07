"""The best assignment, against trying every one."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.extracts.recognising.assignment import assign


def best_by_trial(scores):
    rows, columns = scores.shape
    padded = np.hstack([scores, np.zeros((rows, rows))])
    return max(
        sum(padded[i, j] for i, j in enumerate(chosen))
        for chosen in permutations(range(columns + rows), rows)
    )


@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_no_assignment_is_better(rows, columns, data):
    cells = st.lists(st.integers(0, 20), min_size=rows * columns, max_size=rows * columns)
    scores = np.array(data.draw(cells), dtype=float).reshape(rows, columns)
    pairs = assign(scores)
    assert sum(scores[i, j] for i, j in pairs) == pytest.approx(best_by_trial(scores))
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)


def test_the_greedy_mistake_is_not_made():
    assert assign(np.array([[1.0, 0.9], [0.95, 0.0]])) == [(0, 1), (1, 0)]


def test_nothing_to_assign():
    assert assign(np.zeros((0, 3))) == []
    assert assign(np.zeros((2, 2))) == []
