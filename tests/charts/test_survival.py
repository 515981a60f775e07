"""Pictures of survival, with hand-worked figures."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.charts import draw
from crm_analytics.charts.duties import marks, shortcomings
from crm_analytics.charts.survival import VIEWS
from crm_analytics.charts.theme import theme

from .conftest import HOSTILE

LIGHT = theme("light")


def contracts(*rows):
    return pl.DataFrame(
        [(c, date.fromisoformat(a), date.fromisoformat(b) if b else None, m, p) for c, a, b, m, p in rows],
        schema={
            "customer_id": pl.String, "started_on": pl.Date, "ended_on": pl.Date, "monthly_amount": pl.Float64,
            "plan": pl.String,
        },
        orient="row",
    )  # fmt: skip


FEW = contracts(
    ("a", "2025-01-01", "2025-01-11", 9.0, "Basic"),
    ("b", "2025-01-01", "2025-01-21", 9.0, "Plus"),
    ("c", "2025-01-01", None, 9.0, "Basic"),
    ("d", "2025-01-01", "2025-01-21", 9.0, "Plus"),
    ("d", "2025-01-21", None, 5.0, "Basic"),
)


def few(**options):
    return crm.survival(FEW, **{"as_of": "2025-06-01", "grace_days": 0, **options})


@pytest.fixture(scope="module")
def contracts_result(sample):
    return crm.run("survival", sample, by="plan")


@pytest.fixture(scope="module")
def orders_result(sample):
    return crm.survival(sample.table("transactions"), by="channel")


def test_the_curve_by_hand():
    """Of four, one leaves on day 10 and one on day 20; a change of plan is no loss."""
    lower, upper, line = VIEWS["curve"](few(), LIGHT).data
    at = dict(zip(line.x, line.y, strict=True))
    assert (at[0], at[9], at[10], at[19], at[20], at[150]) == (1, 1, 0.75, 0.75, 0.5, 0.5)
    assert all(low <= y <= high for low, y, high in zip(lower.y, line.y, upper.y, strict=True))
    assert line.line.shape == "hv"
    assert "Day 20</b><br>50.0%" in line.hovertext[20]
    assert "2 customers at risk" in line.hovertext[21]


def test_the_axis_says_who_is_at_risk():
    axis = VIEWS["curve"](few(), LIGHT).layout.xaxis
    assert axis.title.text.startswith("Days since the first contract")
    ticks = dict(zip(axis.tickvals, axis.ticktext, strict=True))
    assert ticks[0] == "0<br>4"
    assert ticks[30] == "30<br>2"


def test_of_orders_the_curve_rises(orders_result):
    figure = draw(orders_result, "curve")
    line = figure.data[2]
    assert list(line.y) == sorted(line.y)
    assert figure.layout.yaxis.title.text.replace("<br>", " ") == "Share of customers who have ordered again"
    assert figure.layout.title.text.replace("<br>", " ").startswith(
        "Half of customers place a second order within"
    )


def test_the_loss_is_drawn_with_its_interval(sample):
    result = crm.run("survival", sample)
    (bars,) = draw(result, "hazard").data
    table = result.tables()["hazard"]
    assert list(bars.y)[:6] == table["hazard_rate"].head(6).to_list()
    assert bars.error_y.array[0] == pytest.approx(table["hazard_rate_upper"][0] - table["hazard_rate"][0])
    assert "70 of 1,011 left" in bars.hovertext[0]
    marked = [c == LIGHT.accent for c in bars.marker.color]
    assert marked == table.head(len(marked))["is_highest"].to_list(), "the stretch of the title stands out"


def test_groups_are_ordered_by_their_mean(contracts_result):
    (dots,) = draw(contracts_result, "groups").data
    assert list(dots.x) == sorted(dots.x, reverse=True)
    assert draw(contracts_result, "groups").layout.xaxis.title.text == "Mean days, of the first 365"


def test_ways_to_end_say_what_the_naive_figure_would_be(contracts_result):
    figure = draw(contracts_result, "incidence")
    names = [t.name for t in figure.data if t.showlegend is not False]
    assert names == ["Churn", "Downgrade"]
    assert "1 − Kaplan-Meier would say" in figure.data[2].hovertext[-1]
    assert "By day" in figure.layout.meta["alt"]


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_fit_to_be_shown_and_light(contracts_result, view, look):
    figure = draw(contracts_result, view, theme=look)
    assert shortcomings(figure) == []
    assert marks(figure) < 5000


@pytest.mark.parametrize("view", ["curve", "hazard", "groups"])
def test_orders_draw_by_group(orders_result, view):
    assert shortcomings(draw(orders_result, view)) == []


@pytest.mark.parametrize("view", ["curve", "hazard", "incidence"])
def test_four_customers_draw(view):
    result = few()
    if view in {v.name for v in result.views}:
        assert shortcomings(draw(result, view)) == []


def test_a_month_nobody_saw_to_its_end_says_so():
    fresh = crm.survival(FEW.head(3), as_of="2025-01-25", grace_days=0)
    figure = draw(fresh, "hazard")
    assert not figure.data
    assert "whole period" in figure.layout.meta["alt"]


def test_hostile_groups_are_text():
    frame = FEW.with_columns(pl.col("plan").replace("Plus", HOSTILE))
    result = crm.survival(frame, as_of="2025-06-01", grace_days=0, by="plan")
    for view in ("curve", "hazard", "groups"):
        figure = draw(result, view)
        words = [*(str(t.name) for t in figure.data), *(w for t in figure.data for w in t.hovertext or ())]
        assert not any("<img" in w for w in words), view


def test_of_orders_an_end_is_called_coming_back(orders_result, contracts_result):
    assert orders_result.terms["median_days"].label == "Days until half are back"
    assert orders_result.terms["kept_rate_lower"].label.startswith("Share not back at the end")
    assert contracts_result.terms["median_days"].label == "Days until half have ended"
    assert "Month since the order before" in [
        n.text for n in draw(orders_result, "hazard").layout.annotations
    ]


def test_each_group_has_a_panel_for_its_losses(contracts_result):
    """Lines over each other were a tangle: bars of one group each, on one scale, largest groups first to be kept."""
    figure = draw(contracts_result, "hazard")
    plans = contracts_result.tables()["groups"]["group"].to_list()
    assert [n.text for n in figure.layout.annotations][: len(plans)] == plans
    assert [(t.type, t.xaxis) for t in figure.data] == [("bar", "x"), ("bar", "x2"), ("bar", "x3")]
    assert figure.layout.yaxis.range == figure.layout.yaxis3.range
    table = contracts_result.tables()["hazard"].filter(group=plans[1])
    assert list(figure.data[1].y)[:3] == table["hazard_rate"].head(3).to_list()


def test_many_curves_have_panels_with_the_others_thin_behind(sample):
    result = crm.run("survival", sample, by="country")
    figure = draw(result, "curve")
    names = result.tables()["groups"]["group"].to_list()
    strong = [t for t in figure.data if t.name in names]
    assert [t.xaxis for t in strong] == ["x", "x2", "x3", "x4", "x5"]
    behind = [t for t in figure.data if t.xaxis == "x2" and t.line.width == 1]
    assert len(behind) == len(names) - 1
    assert not figure.layout.showlegend
    beneath = next(n for n in figure.layout.annotations if "others in grey" in n.text.replace("<br>", " "))
    lines = 1 + beneath.text.count("<br>")
    assert figure.layout.margin.b >= -beneath.yshift + 20 * lines, "the title beneath the panels is not cut"
