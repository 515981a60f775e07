"""Pictures of the life cycle draw the figures of their tables, and say them in words."""

from __future__ import annotations

import pytest

import crm_analytics as crm
from crm_analytics.charts import draw
from crm_analytics.charts.duties import shortcomings
from crm_analytics.charts.lifecycle import VIEWS
from crm_analytics.charts.theme import contrast, theme

LIGHT = theme("light")


@pytest.fixture(scope="module")
def of_sample(sample):
    return crm.run("lifecycle", sample, n_draws=200)


@pytest.fixture(scope="module")
def of_shop(shop):
    return crm.lifecycle(shop, as_of="2026-01-01", n_draws=100)


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("view", list(VIEWS))
def test_every_view_is_fit_to_be_shown(of_sample, of_shop, view, look):
    for result in (of_sample, of_shop):
        assert not shortcomings(draw(result, view, theme=look))


def test_flows_stand_above_and_below_the_line(of_sample):
    new, back, gone, net = VIEWS["flows"](of_sample, LIGHT).data
    rows = of_sample.tables()["flows"].tail(24)
    assert list(new.y) == rows["n_new"].to_list()
    assert list(back.y) == rows["n_resurrected"].to_list()
    assert [-y for y in gone.y] == rows["n_newly_dormant"].to_list()
    assert [a + b + c for a, b, c in zip(new.y, back.y, gone.y, strict=True)] == list(net.y)


def test_flows_say_the_account_in_words(of_sample):
    words = VIEWS["flows"](of_sample, LIGHT).data[0].hovertext[-1]
    row = of_sample.tables()["flows"].row(-1, named=True)
    assert words.startswith(f"<b>June 2026</b><br>{row['n_opening']:,} at the beginning")
    assert f"= {row['n_closing']:,} at the end<br>Pulse {row['pulse']:.2f} (" in words


def test_a_running_period_is_pale(sample):
    result = crm.run("lifecycle", sample, as_of="2026-06-15", n_draws=100)
    colours = VIEWS["flows"](result, LIGHT).data[0].marker.color
    assert colours[-1] != colours[-2]
    assert colours[-2] == colours[-3]


def test_the_base_stacks_to_the_closing(of_sample):
    ordered, quiet = VIEWS["base"](of_sample, LIGHT).data
    sums = [a + b for a, b in zip(ordered.y, quiet.y, strict=True)]
    assert sums == of_sample.tables()["flows"]["n_closing"].to_list()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_rates_are_readable_and_each_is_drawn_once(of_sample, look):
    colours = theme(look)
    layers = VIEWS["transitions"](of_sample, colours).data
    shown = [z for layer in layers for row in layer.z for z in row if z is not None]
    assert len(shown) == of_sample.tables()["transitions"].height
    for layer in layers:
        for rate in (z for row in layer.z for z in row if z is not None):
            fill = colours.tint(colours.accent, 0.06 + 0.79 * rate)
            assert contrast(layer.textfont.color, fill) >= 4.3  # the best there is on a tone halfway


def test_activity_draws_exactly_and_at_least(of_sample):
    exact, least = VIEWS["activity"](of_sample, LIGHT).data
    table = of_sample.tables()["activity"]
    assert list(exact.y) == table["exactly_share"].to_list()[: len(exact.y)]
    assert least.y[0] == 1
    assert "Exactly 2 days in a month" in exact.hovertext[1]


def test_the_projection_begins_where_the_base_is(of_sample):
    figure = VIEWS["projection"](of_sample, LIGHT)
    past, ahead = (
        next(t for t in figure.data if t.name == n) for n in ("So far", "If all goes on as lately")
    )
    assert past.y[-1] == ahead.y[0] == of_sample.tables()["flows"]["n_closing"][-1]
    assert list(ahead.y[1:]) == of_sample.tables()["projection"]["expected_base"].to_list()
    assert "In the long run" in figure.layout.meta["alt"]


def test_where_there_is_nothing_to_draw_it_says_why(orders):
    result = crm.lifecycle(orders(("ann", "2026-01-05", 1)), n_draws=100)
    for view, why in (("transitions", "no two whole periods"), ("projection", "too few whole periods")):
        assert why in draw(result, view).layout.annotations[0].text.replace("<br>", " ")
