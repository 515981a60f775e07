"""Pictures of repeat purchase draw the figures of their tables, and say them in words."""

from __future__ import annotations

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.charts import draw
from crm_analytics.charts.duties import shortcomings
from crm_analytics.charts.repeat_purchase import VIEWS
from crm_analytics.charts.theme import theme

from .conftest import HOSTILE

LIGHT = theme("light")


@pytest.fixture(scope="module")
def of_sample(sample):
    return crm.run("repeat_purchase", sample, by="channel")


@pytest.fixture(scope="module")
def of_shop(shop):
    return crm.repeat_purchase(shop, as_of="2026-01-01", min_customers=1)


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("view", list(VIEWS))
def test_every_view_is_fit_to_be_shown(of_sample, of_shop, view, look):
    assert not shortcomings(draw(of_sample, view, theme=look))
    if view in {v.name for v in of_shop.views}:
        assert not shortcomings(draw(of_shop, view, theme=look))


def test_curves_are_those_of_the_table(of_sample):
    lines = [t for t in VIEWS["curve"](of_sample, LIGHT).data if t.name]
    assert [t.name for t in lines[:2]] == ["After the first order", "After the second order"]
    first = of_sample.tables()["curve"].filter(pl.col("order_number") == 1)
    assert list(lines[0].y) == first["return_rate"].to_list()
    share = of_sample.tables()["steps"]["return_365d_rate"][0]
    assert lines[0].y[-1] == pytest.approx(share)
    assert "still awaited" in lines[0].hovertext[5]


def test_moments_mark_the_day_by_which_half_are_back(of_sample):
    figure = VIEWS["moments"](of_sample, LIGHT)
    half = of_sample.tables()["steps"]["half_returned_days"][0]
    assert figure.layout.shapes[0].x0 == half
    assert f"Day {half:.0f}" in figure.layout.annotations[0].text
    assert len(figure.data) == 3


def test_gaps_name_every_length(of_sample):
    customers, every = VIEWS["gaps"](of_sample, LIGHT).data
    assert list(customers.x) == [
        "up to 7",
        "8-14",
        "15-30",
        "31-60",
        "61-90",
        "91-180",
        "181-365",
        "over 365",
    ]
    assert sum(customers.y) == pytest.approx(1)
    assert sum(every.y) == pytest.approx(1)


def test_the_late_are_ranked_by_what_they_spent(of_sample):
    figure = VIEWS["late"](of_sample, LIGHT)
    late = of_sample.tables()["customers"].filter(pl.col("is_late") & (pl.col("late_for_days") <= 90))
    first = late.sort("yearly_spend", descending=True).row(0, named=True)
    assert figure.layout.yaxis.ticktext[0].startswith(first["customer_id"])
    typical, silent = figure.data[1:]
    assert (typical.x[0], silent.x[0]) == (first["typical_gap_days"], first["days_silent"])
    assert "would be silent so long with a probability of" in typical.hovertext[0]


def test_first_purchases_show_what_stands_out_with_its_interval(of_sample):
    figure = VIEWS["first_purchase"](of_sample, LIGHT)
    (points,) = figure.data
    names = list(figure.layout.yaxis.ticktext)
    table = of_sample.tables()["first_purchase"]
    store = table.filter((pl.col("first_by") == "first channel") & (pl.col("first_value") == "store")).row(
        0, named=True
    )
    place = names.index("Channel: store")
    assert points.x[place] == store["return_difference"]
    assert points.error_x.array[place] == pytest.approx(
        store["return_difference_upper"] - store["return_difference"]
    )
    assert points.marker.color[place] == LIGHT.good
    assert "Channel: marketplace: " in figure.layout.meta["alt"]


def test_groups_are_drawn_without_the_whole(of_sample):
    figure = VIEWS["segments"](of_sample, LIGHT)
    assert set(figure.layout.yaxis.ticktext) == {"web", "store", "marketplace", "phone"}


def test_where_there_is_nothing_to_draw_it_says_why(orders):
    result = crm.repeat_purchase(orders(("ann", "2026-01-05", 1)))
    for view, why in (("moments", "Too few"), ("gaps", "Nobody"), ("late", "No customer")):
        assert why in draw(result, view).layout.annotations[0].text.replace("<br>", " ")


def test_names_from_the_data_stay_text(orders):
    rows = [(HOSTILE, f"2025-0{m}-01", 10) for m in range(1, 5)]
    rows += [(f"c{i}", f"2025-0{m}-0{1 + i % 9}", 10) for i in range(30) for m in range(1, 9)]
    result = crm.repeat_purchase(orders(*rows), as_of="2025-09-20", newly_late_days=300)
    figure = draw(result, "late")
    assert "<img" not in figure.to_json()
