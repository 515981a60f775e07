"""The pieces that drawings share."""

from __future__ import annotations

import pytest

import crm_analytics as crm
from crm_analytics import formats
from crm_analytics.charts import parts
from crm_analytics.charts.duties import shortcomings
from crm_analytics.charts.theme import theme

LIGHT = theme("light")


@pytest.fixture(scope="module")
def result(shop):
    return crm.rfm(shop, as_of="2026-01-01", n_bootstrap=0)


def test_a_figure_bears_the_title_of_its_view_and_alt_text(result):
    made = parts.figure(result, "segments", LIGHT, [], alt="Bars\nby segment.")
    assert made.layout.title.text == "Customers and spend by segment"
    assert made.layout.meta["alt"] == "Customers and spend by segment. Bars by segment."
    assert made.layout.height == parts.HEIGHT
    assert made.layout.width is None


def test_a_long_title_is_wrapped_and_gets_room(result):
    short = parts.figure(result, "treemap", LIGHT, [], alt="x")
    long = parts.figure(result, "grid", LIGHT, [], alt="x")
    assert long.layout.title.text == "Customers by recency and<br>frequency"
    assert long.layout.margin.t > short.layout.margin.t


def test_nothing_to_draw_says_why(result):
    made = parts.nothing(result, "treemap", LIGHT, "No segment has <brought> money.")
    (note,) = made.layout.annotations
    assert note.text == "No segment has &lt;brought&gt; money."
    assert "No segment has" in made.layout.meta["alt"]
    assert not made.layout.xaxis.visible
    assert not shortcomings(made)


@pytest.mark.parametrize(("kind", "ticks"), [("share", "~%"), ("count", ",d"), ("money", None)])
def test_axes_write_their_unit(kind, ticks):
    axis = parts.axis("Title", kind)
    assert axis.get("tickformat") == ticks
    assert axis["rangemode"] == "tozero"


def test_names_stay_text_and_equal_names_stay_apart():
    axis = parts.names_axis("Customer", ["007", "007", "<b>x</b>"])
    assert axis["tickvals"] == [0, 1, 2]
    assert axis["ticktext"] == ["007", "007", "&lt;b&gt;x&lt;/b&gt;"]
    assert axis["range"][0] > axis["range"][1], "the first name is on top"


def test_headings_carry_unit_and_currency(result):
    assert parts.heading(result, "spend") == "Spend"
    in_pounds = crm.results.Result.from_dict({**result.to_dict(), "currency": "GBP"})
    assert parts.heading(in_pounds, "spend") == "Spend (£)"


def test_intervals_are_distances_from_the_figure():
    rows = [
        {"rate": 0.5, "rate_lower": 0.4, "rate_upper": 0.75},
        {"rate": 0.2, "rate_lower": None, "rate_upper": None},
    ]
    bars = parts.interval(LIGHT, rows, "rate")
    assert bars["array"] == [0.25, None]
    assert bars["arrayminus"] == [pytest.approx(0.1), None]
    assert bars["visible"]


def test_without_bounds_no_interval_is_drawn():
    assert not parts.interval(LIGHT, [{"rate": 0.5}], "rate")["visible"]


def test_a_figure_is_told_with_its_interval():
    row = {"spend": 12.5, "spend_lower": 10.0, "spend_upper": 1500.0}
    assert parts.spanned(row, "spend", "money", "EUR") == "€12.50 (€10.00 to €1,500)"
    assert parts.spanned({"spend": None}, "spend", "money") == formats.NOTHING


def test_a_legend_of_more_rows_gets_more_room():
    assert parts.legend_room(2)["b"] > parts.legend_room()["b"]
