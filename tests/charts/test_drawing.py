"""The one way to a picture, for every analysis and view."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import plotly.graph_objects as go
import pytest

import crm_analytics as crm
from crm_analytics import registry
from crm_analytics.charts import draw
from crm_analytics.charts.drawing import views_of
from crm_analytics.charts.duties import marks, shortcomings
from crm_analytics.charts.theme import theme
from crm_analytics.errors import UnknownNameError

DRAWN = ("overview", "rfm", "value_tiers")


@pytest.fixture(scope="session")
def results(sample):
    return {name: crm.run(name, sample) for name in DRAWN}


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("name", DRAWN)
def test_every_view_is_whole_in_both_looks(results, name, look):
    result = results[name]
    for view in result.views:
        figure = draw(result, view.name, theme=look)
        assert shortcomings(figure) == []
        assert marks(figure) <= 1_000, "few enough for a phone"
        assert figure.layout.paper_bgcolor is None, "the look comes with the template"
        assert figure.layout.template.layout.paper_bgcolor == theme(look).background
        assert view.title in figure.layout.meta["alt"]
        json.loads(figure.to_json())


@pytest.mark.parametrize("name", DRAWN)
def test_drawing_is_deterministic_and_leaves_the_result_as_it_was(results, name):
    result = results[name]
    before = json.dumps(result.to_dict())
    for view in result.views:
        assert draw(result, view.name).to_json() == draw(result, view.name).to_json()
    assert json.dumps(result.to_dict()) == before


@pytest.mark.parametrize("name", [a.name for a in registry.ANALYSES])
def test_every_analysis_of_the_registry_has_drawings(name):
    assert views_of(name)


@pytest.mark.parametrize("name", DRAWN)
def test_the_drawings_are_those_the_result_promises(results, name):
    assert set(views_of(name)) == {v.name for v in results[name].views}


def test_without_a_name_the_first_view_is_drawn(results):
    result = results["rfm"]
    assert draw(result).to_json() == draw(result, result.views[0].name).to_json() == result.plot().to_json()


def test_an_unknown_view_is_named_with_a_suggestion(results):
    with pytest.raises(UnknownNameError, match=r"no view of rfm 'treemapp'.*Did you mean 'treemap'"):
        draw(results["rfm"], "treemapp")


def test_an_unknown_theme_is_a_typed_error(results):
    with pytest.raises(UnknownNameError, match="no theme 'sepia'"):
        draw(results["rfm"], theme="sepia")


@pytest.mark.parametrize("name", ["no_such_analysis", "theme", "text"])
def test_an_analysis_without_drawings_is_a_typed_error(name):
    with pytest.raises(UnknownNameError, match="no chart module"):
        views_of(name)


def test_a_missing_package_is_not_taken_for_a_missing_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.delitem(sys.modules, "crm_analytics.charts.rfm", raising=False)
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(ModuleNotFoundError, match="plotly"):
        views_of("rfm")


def test_an_unfit_drawing_is_never_shown(results, monkeypatch):
    module = ModuleType("crm_analytics.charts.rfm")
    module.VIEWS = {"segments": lambda _result, _theme: go.Figure()}
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(AssertionError, match="rfm/segments is not fit to be shown: no title; no alt text"):
        draw(results["rfm"], "segments")
