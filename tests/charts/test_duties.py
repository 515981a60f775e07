"""Each shortcoming of a figure is found."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from crm_analytics.charts.duties import MOST_MARKS, marks, shortcomings

HOVER = "%{hovertext}<extra></extra>"


def figure(*, trace=None, **layout):
    trace = go.Bar(x=[1, 2], y=[3, 4], hovertext=["a", "b"], hovertemplate=HOVER) if trace is None else trace
    whole = {
        "title": {"text": "Spend"},
        "meta": {"alt": "Two bars."},
        "xaxis": {"title": {"text": "Month"}},
        "yaxis": {"title": {"text": "Spend (£)"}},
    }
    return go.Figure(trace, layout={**whole, **layout})


def test_a_whole_figure_lacks_nothing():
    assert shortcomings(figure()) == []


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ({"title": None}, "no title"),
        ({"meta": {"alt": ""}}, "no alt text"),
        ({"meta": None}, "no alt text"),
        ({"xaxis": {}}, "no xaxis title"),
        ({"yaxis": {}}, "no yaxis title"),
    ],
)
def test_missing_words_are_found(layout, said):
    assert shortcomings(figure(**layout)) == [said]


def test_hover_without_words_is_found():
    bare = go.Bar(x=[1], y=[2], hovertemplate=HOVER)
    assert shortcomings(figure(trace=bare)) == ["trace 0: no hover text in words"]
    empty = go.Bar(x=[1], y=[2], hovertext=[""], hovertemplate=HOVER)
    assert shortcomings(figure(trace=empty)) == ["trace 0: no hover text in words"]


def test_hover_that_names_the_trace_is_found():
    named = go.Bar(x=[1], y=[2], hovertext=["a"], hovertemplate="%{hovertext}")
    assert shortcomings(figure(trace=named)) == ["trace 0: hover text shows the trace's name"]


def test_a_trace_without_hover_owes_no_words():
    assert shortcomings(figure(trace=go.Bar(x=[1], y=[2], hoverinfo="skip"))) == []


def test_a_treemap_owes_no_axes():
    tree = go.Treemap(labels=["a"], parents=[""], values=[1], hovertext=["a"], hovertemplate=HOVER)
    assert shortcomings(figure(trace=tree, xaxis={}, yaxis={})) == []


def test_too_many_marks_are_found():
    n = MOST_MARKS + 1
    many = go.Scatter(x=list(range(n)), y=[0] * n, hoverinfo="skip")
    assert shortcomings(figure(trace=many)) == ["5,001 marks, at most 5,000 allowed"]


def test_marks_are_bars_points_and_cells():
    grid = go.Heatmap(z=[[1, 2, 3], [4, 5, 6]])
    tree = go.Treemap(labels=["a", "b"], parents=["", ""], values=[1, 2])
    assert marks(go.Figure([grid, tree, go.Scatter(x=[1], y=[1]), go.Bar(y=[1, 2, 3, 4])])) == 6 + 2 + 1 + 4
