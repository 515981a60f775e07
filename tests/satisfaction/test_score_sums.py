"""Sums over groups and over all but a group, against plain sums over chosen rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_analytics.satisfaction.ratings import survey_weights
from crm_analytics.satisfaction.scores.metrics import Choices, read_metrics
from crm_analytics.satisfaction.scores.sums import by_group, difference, interval, rests
from crm_analytics.stats.score_intervals import effective_n

PLAIN = Choices({}, ("quality", "service"), 2, None, "ease", {}, {})
ROWS = st.lists(
    st.tuples(
        st.integers(0, 10), st.integers(1, 5), st.integers(1, 7), st.floats(0.1, 5), st.integers(0, 3), st.integers(0, 6)
    ),
    min_size=2,
    max_size=40,
)  # fmt: skip


def metrics(rows):
    nps, csat, ces, weight, _, who = zip(*rows, strict=True)
    frame = pl.DataFrame(
        {
            "answered_at": [datetime(2026, 1, 1)] * len(rows),
            "customer_id": [f"c{w}" for w in who],
            "nps": nps, "csat": csat, "ces": ces, "weight": weight, "quality": csat, "service": ces,
        }
    )  # fmt: skip
    return read_metrics(frame, survey_weights(frame), PLAIN)


@settings(max_examples=40)
@given(ROWS, st.sampled_from([0.0, 0.3, 1.0]))
def test_groups_and_rests_are_plain_sums(rows, alike):
    groups = np.array([r[4] for r in rows])
    for metric in (replace(m, alike=alike) for m in metrics(rows)):
        own, others = by_group(metric, groups, 4), rests(metric, groups, 4)
        for g in range(4):
            for found, inside in ((own[g], groups == g), (others[g], groups != g)):
                kept = inside[metric.rows]
                x, w, who = metric.points[kept], metric.weights[kept], metric.people[kept]
                assert found.n == x.size
                if not x.size:
                    assert np.isnan(found.score)
                    continue
                mean = np.average(x, weights=w)
                assert found.score == pytest.approx(mean, abs=1e-9)
                assert found.n_effective == pytest.approx(min(effective_n(w, who, alike), x.size))
                assert found.weight == pytest.approx(w.sum())
                if metric.kind != "mean":
                    assert found.variance == pytest.approx(np.average((x - mean) ** 2, weights=w), abs=1e-6)
                assert found.high == pytest.approx(np.average(x == 100, weights=w))


@settings(max_examples=40)
@given(ROWS)
def test_intervals_and_differences_hold_their_figures(rows):
    groups = np.array([r[4] for r in rows])
    for metric in metrics(rows):
        low, high = metric.limits
        for one, other in zip(by_group(metric, groups, 4), rests(metric, groups, 4), strict=True):
            if one.n and other.n:
                at = interval(one)
                assert low - 1e-9 <= at.lower <= at.value <= at.upper <= high + 1e-9
                apart = difference(one, other)
                assert apart.lower <= apart.value <= apart.upper
                assert apart.value == pytest.approx(one.score - other.score, abs=1e-9)
