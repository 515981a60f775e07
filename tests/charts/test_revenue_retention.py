"""Pictures of revenue retention draw the figures of the tables, mark what is unfinished, and stay legible."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.charts import draw
from crm_analytics.charts.duties import marks, shortcomings
from crm_analytics.charts.revenue_retention import VIEWS
from crm_analytics.charts.theme import theme

LIGHT = theme("light")


@pytest.fixture(scope="module")
def result(sample):
    return crm.revenue_retention(sample.table("subscriptions"), n_bootstrap=100)


@pytest.fixture(scope="module")
def of_orders(sample):
    return crm.revenue_retention(
        sample.table("transactions"), period="quarter", by="channel", n_bootstrap=100
    )


@pytest.fixture(scope="module")
def customers_only(sample):
    rows = sample.table("subscriptions").frame.collect().drop("monthly_amount")
    return crm.revenue_retention(rows, n_bootstrap=100)


def test_the_waterfall_hangs_each_step_where_the_one_before_ended(result):
    bars = VIEWS["waterfall"](result, LIGHT).data[0]
    steps = result.tables()["waterfall"]["step_revenue"].to_list()
    tops = [b + s for b, s in zip(bars.base, bars.x, strict=True)]
    assert bars.base[1] == pytest.approx(steps[0]), "new begins where opening ends"
    assert tops[3] == pytest.approx(sum(steps[:4])), "all gains together"
    assert bars.base[5] == pytest.approx(steps[-1]), "lost ends where closing does"
    assert list(bars.x) == pytest.approx([abs(s) for s in steps])


def test_the_bridge_shows_gains_above_and_losses_below(result):
    traces = {t.name: t for t in VIEWS["bridge"](result, LIGHT).data}
    table = result.tables()["bridge"]
    assert list(traces["New"].y) == table["new_revenue"].to_list()
    assert list(traces["Lost"].y) == [-v for v in table["lost_revenue"]]
    assert traces["New"].marker.color[-1] != traces["New"].marker.color[-2], "the unfinished month is pale"
    assert "This month is not over" in traces["New"].hovertext[-1]


def test_lines_are_the_rates_of_the_usual_definitions(result):
    traces = {t.name: t for t in VIEWS["rates"](result, LIGHT).data if t.name}
    rows = result.tables()["rates"].filter(
        (pl.col("rate_name") == "Net revenue retention")
        & (pl.col("rate_definition") == "Cohort, without returned customers")
    )
    assert list(traces["Net revenue retention"].y) == rows["rate"].to_list()
    assert traces["Net revenue retention"].x[-1] == date(2026, 5, 1)


def test_cells_are_what_cohorts_kept(result):
    grid = VIEWS["cohorts"](result, LIGHT).data[0]
    cell = result.tables()["cohorts"].filter(
        (pl.col("cohort_on") == date(2024, 2, 1)) & (pl.col("cohort_age") == 12)
    )
    assert grid.z[7][12] == cell["revenue_kept_share"].item()
    assert grid.zmin == 0, "one scale for the whole table"
    assert grid.z[-1][1] is None, "unfinished cells are left out"


def test_groups_have_their_intervals(result):
    net = VIEWS["segments"](result, LIGHT).data[0]
    rows = result.tables()["segments"]
    assert list(net.x) == rows["net_revenue_retention"].to_list()
    assert net.error_x.array[0] == pytest.approx(
        rows["net_revenue_retention_upper"][0] - rows["net_revenue_retention"][0]
    )


def test_the_outlook_has_its_interval(result):
    lower, upper, line = VIEWS["outlook"](result, LIGHT).data
    assert all(a <= b <= c for a, b, c in zip(lower.y, line.y, upper.y, strict=True))
    assert "In 12 months" in line.hovertext[12]


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("which", ["result", "of_orders", "customers_only"])
def test_every_picture_is_fit_to_be_shown(which, look, request):
    made = request.getfixturevalue(which)
    for view in made.views:
        figure = draw(made, view.name, theme=look)
        assert not shortcomings(figure)
        assert marks(figure) < 5000
        assert all("_" not in (figure.layout[a].title.text or "") for a in ("xaxis", "yaxis"))


def test_spend_is_not_called_monthly_revenue(of_orders, result):
    assert VIEWS["waterfall"](of_orders, LIGHT).layout.xaxis.title.text == "Net spend (£)"
    assert VIEWS["waterfall"](result, LIGHT).layout.xaxis.title.text == "Monthly revenue (£)"


def test_the_first_spend_of_a_cohort_is_not_drawn_as_kept(of_orders):
    grid = VIEWS["cohorts"](of_orders, LIGHT).data[0]
    assert grid.x[0] == 1
    assert grid.zmax < 1


def test_without_amounts_the_axis_is_customers(customers_only):
    for name in ("waterfall", "outlook"):
        figure = VIEWS[name](customers_only, LIGHT)
        assert "£" not in str(figure.layout)
        assert "ustomers" in figure.layout.xaxis.title.text + figure.layout.yaxis.title.text


def test_names_of_groups_are_drawn_as_they_are_written():
    hostile = '<img src=x onerror="x"><b>%{x}</b>'
    rows = pl.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(12)],
            "started_on": [date(2025, 1, 5)] * 12,
            "ended_on": [date(2025, 7, 5), *[None] * 11],
            "monthly_amount": [10.0 + i for i in range(12)],
            "plan": [hostile, "plain"] * 6,
        }
    )
    made = crm.revenue_retention(rows, as_of=date(2026, 3, 1), n_bootstrap=100)
    figure = draw(made, "segments")
    assert "<img" not in str(figure.layout.yaxis.ticktext)
    assert all("<img" not in words for trace in figure.data for words in trace.hovertext)


def test_one_point_in_time_is_a_point_and_not_a_line():
    rows = pl.DataFrame(
        {
            "customer_id": ["a", "b", "c"], "started_on": [date(2026, 1, 5)] * 3,
            "ended_on": [None, None, date(2026, 2, 9)], "monthly_amount": [1.0, 2.0, 3.0],
        }
    )  # fmt: skip
    made = crm.revenue_retention(rows, as_of=date(2026, 3, 1), n_bootstrap=100)
    for view in made.views:
        assert not shortcomings(draw(made, view.name))
