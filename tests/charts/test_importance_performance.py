"""Pictures of importance and performance."""

from __future__ import annotations

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.charts import draw
from crm_analytics.charts.duties import marks, shortcomings
from crm_analytics.charts.importance_performance import VIEWS
from crm_analytics.charts.labels import label_places
from crm_analytics.charts.theme import theme

from .conftest import HOSTILE

LIGHT = theme("light")
SAID = {"quality": 5, "price": 9, "packaging": 8, "delivery": 9, "inspiration": 2}


@pytest.fixture(scope="module")
def result(sample):
    return crm.run("importance_performance", sample, stated=SAID, n_bootstrap=200)


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_fit_to_be_shown_and_light(result, view, look):
    figure = draw(result, view, theme=look)
    assert shortcomings(figure) == []
    assert marks(figure) < 1000


def test_the_map_shows_each_driver_with_its_cross(result):
    figure = draw(result, "map")
    table = result.tables()["drivers"]
    drawn = {t: (x, y) for trace in figure.data for t, x, y in zip(trace.text, trace.x, trace.y, strict=True)}
    row = table.row(0, named=True)
    assert drawn[row["driver_label"]] == (row["performance"], row["importance_share"])
    assert len(drawn) == table.height
    first = figure.data[0]
    assert first.error_x.array[0] > 0
    assert first.error_y.array[0] > 0
    lines = [s for s in figure.layout.shapes if s.x0 == s.x1]
    assert lines[0].x0 == pytest.approx(table["performance"].mean())


def test_ratings_that_hardly_differ_are_not_drawn_far_apart(result):
    low, high = draw(result, "map").layout.xaxis.range
    assert high - low >= 8


def test_lines_of_equal_priority_lean(sample):
    figure = draw(crm.run("importance_performance", sample, cut="iso", n_bootstrap=100), "map")
    leaning = figure.layout.shapes[0]
    assert leaning.x0 < leaning.x1
    assert leaning.y0 < leaning.y1


def test_probabilities_fill_the_bars(result):
    bars = draw(result, "probabilities").data
    assert [sum(b.x[i] for b in bars) for i in range(8)] == pytest.approx([1.0] * 8)


def test_labels_make_way_for_each_other():
    places = label_places([0, 0, 0], [0, 0.02, 0.04], ["one", "two", "three"], [-1, 1], [-1, 1])
    assert len(set(places)) == 3


def test_labels_do_not_lie_on_the_lines_of_an_interval():
    places = label_places([0], [0], ["one"], [-1, 1], [-1, 1], [(-0.1, -0.5, 0.1, 0.5)])
    assert places == ["top right"]
    assert label_places([0], [0], ["one"], [-1, 1], [-1, 1]) == ["top center"]


def test_hostile_names_are_text():
    frame = pl.DataFrame(
        {
            "answered_at": pl.datetime_range(
                pl.datetime(2025, 1, 1), pl.datetime(2025, 1, 3), "1h", eager=True
            ),
            "csat": [float(i % 5 + 1) for i in range(49)],
            HOSTILE: [float((i * 3) % 5 + 1) for i in range(49)],
            "other": [float((i * i) % 5 + 1) for i in range(49)],
        }
    )
    hostile = crm.importance_performance(frame, drivers=[HOSTILE, "other"], n_bootstrap=100)
    for view in hostile.views:
        figure = draw(hostile, view.name)
        words = [w for t in figure.data for w in (*(t.hovertext or ()), *(t.text or ()))]
        assert not any("<img" in w for w in words), view.name
