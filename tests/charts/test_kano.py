"""Pictures of Kano questionnaires."""

from __future__ import annotations

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.charts import draw
from crm_analytics.charts.duties import shortcomings
from crm_analytics.charts.kano import VIEWS

from .conftest import HOSTILE

SHEET = pl.DataFrame(
    {
        "app functional": [1, 1, 1, 2, 3, 1],
        "app dysfunctional": [3, 3, 5, 3, 3, 3],
        f"{HOSTILE} functional": [2, 2, 3, 4, 2, 1],
        f"{HOSTILE} dysfunctional": [5, 5, 5, 5, 5, 5],
    }
)


@pytest.fixture(scope="module")
def result():
    return crm.kano(SHEET)


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_fit_to_be_shown(result, view, look):
    figure = draw(result, view, theme=look)
    assert shortcomings(figure) == []
    words = [w for t in figure.data for w in (*t.hovertext, *t.text)]
    assert not any("<img" in w for w in words)


def test_both_axes_go_up(result):
    """App: 4 attractive, 1 one-dimensional, of 6; its absence annoys 1 of 6."""
    figure = draw(result, "map")
    drawn = {t: (x, y) for trace in figure.data for t, x, y in zip(trace.text, trace.x, trace.y, strict=True)}
    assert drawn["app"] == pytest.approx((1 / 6, 4 / 6))


def test_shares_fill_the_bars(result):
    bars = draw(result, "shares").data
    assert [sum(b.x[i] for b in bars) for i in range(2)] == pytest.approx([1.0, 1.0])


def test_only_contradictions_leave_no_map():
    only = crm.kano(pl.DataFrame({"x functional": [1, 1], "x dysfunctional": [1, 1]}))
    assert [v.name for v in only.views] == ["shares"]
    assert shortcomings(draw(only, "shares")) == []


def test_names_lie_beside_the_lines_of_their_intervals():
    many = pl.concat([SHEET.select("app functional", "app dysfunctional")] * 20)
    places = [p for t in draw(crm.kano(many), "map").data for p in t.textposition]
    assert places
    assert not {"top center", "bottom center"} & set(places)
