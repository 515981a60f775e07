"""Pictures of penalties and rewards."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.charts import draw
from crm_analytics.charts.duties import marks, shortcomings
from crm_analytics.charts.penalty_reward import VIEWS


@pytest.fixture(scope="module")
def result(sample):
    return crm.run("penalty_reward", sample, n_bootstrap=200)


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_fit_to_be_shown_and_light(result, view, look):
    figure = draw(result, view, theme=look)
    assert shortcomings(figure) == []
    assert marks(figure) < 1000


def test_penalties_go_left_and_rewards_right(result):
    low, high = draw(result, "asymmetry").data
    table = result.tables()["drivers"]
    assert list(low.x) == table["penalty"].to_list()
    assert list(high.x) == table["reward"].to_list()
    assert low.error_x.array[0] == pytest.approx(table["penalty_upper"][0] - table["penalty"][0])


def test_the_class_stands_under_the_name(result):
    ticks = draw(result, "asymmetry").layout.yaxis.ticktext
    (delivery,) = [t for t in ticks if t.startswith("Delivery")]
    assert "must-be" in delivery


def test_classes_fill_the_bars(result):
    bars = draw(result, "classes").data
    assert [sum(b.x[i] for b in bars) for i in range(8)] == pytest.approx([1.0] * 8)


def test_too_few_ratings_say_so():
    frame = pl.DataFrame(
        {
            "answered_at": [datetime(2025, 1, 1) + timedelta(days=i) for i in range(30)],
            "csat": [float(i % 5 + 1) for i in range(30)],
            "quality": [float((i * 3) % 5 + 1) for i in range(30)],
        }
    )
    few = crm.penalty_reward(frame, n_bootstrap=100)
    figure = draw(few, "classes")
    assert not figure.data
    assert "enough" in figure.layout.meta["alt"]
    assert shortcomings(draw(few, "asymmetry")) == []
