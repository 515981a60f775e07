"""Pictures of how customers buy draw the figures of their tables, and no others."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.charts import buying_histories
from crm_analytics.charts.duties import MOST_MARKS, marks, shortcomings
from crm_analytics.charts.theme import theme
from crm_analytics.reports import html

HOSTILE = '<img src=x onerror="window.pwned=1"><b>$1</b>%{x}</script>'


@pytest.fixture(scope="module")
def result():
    return crm.run("buying_patterns", crm.sample())


def test_bars_are_the_customers_there_and_dots_those_of_the_model(result):
    there, model = result.plot("purchases").data
    table = result.tables()["purchases"]
    assert list(there.y) == table["n_customers"].to_list()
    assert list(model.y) == table["expected_customers"].to_list()
    high = [y + up for y, up in zip(model.y, model.error_y.array, strict=True)]
    assert high == pytest.approx(table["expected_customers_upper"].to_list())


@pytest.mark.parametrize(
    ("view", "table", "column"),
    [
        ("rates", "rates", "model_share"),
        ("gaps", "gaps", "observed_share"),
        ("spend", "spend", "observed_share"),
        ("regularity", "regularity", "observed_share"),
    ],
)
def test_classes_are_drawn_where_they_lie(result, view, table, column):
    bars, rows = result.plot(view).data[0], result.tables()[table]
    assert list(bars.y) == rows[column].to_list()
    start = next(c for c in rows.columns if c.endswith("_from"))
    width = rows[start][1] - rows[start][0]
    assert [x - width / 2 for x in bars.x] == pytest.approx(rows[start].to_list())


def test_the_long_tail_of_leaving_is_left_out_of_the_picture_alone(result):
    drawn, table = result.plot("leaving").data[0].y, result.tables()["leaving"]["model_share"]
    assert list(drawn) == table.head(len(drawn)).to_list()
    assert table.tail(len(table) - len(drawn)).sum() < 0.005


def test_gaps_are_marked_where_half_and_nine_in_ten_came_back(result):
    figure, found = result.plot("gaps"), result.tables()["rhythm"].row(0, named=True)
    assert [s.x0 for s in figure.layout.shapes] == [found["gap_median_days"], found["gap_90_days"]]
    assert f"{found['gap_90_days']:,.0f} days" in figure.layout.annotations[1].text


@pytest.mark.parametrize(("view", "column"), [("alive_map", "p_alive"), ("ahead_map", "expected_purchases")])
def test_a_map_has_each_cell_of_the_table(result, view, column):
    heat, table = result.plot(view).data[0], result.tables()["standing"]
    drawn = {(int(x), y): heat.z[i][j] for i, y in enumerate(heat.y) for j, x in enumerate(heat.x)}
    assert drawn == {(r["frequency"], r["silent_days"]): r[column] for r in table.iter_rows(named=True)}


def test_the_line_on_the_map_is_where_leaving_is_as_likely_as_not(result):
    line = result.plot("alive_map").data[1]
    assert list(line.y) == result.tables()["silence"]["silence_half_days"].drop_nulls().to_list()


def test_each_purchase_of_those_drawn_is_a_dot(result):
    dots = [t for t in result.plot("timing").data if t.mode == "markers"]
    assert sum(len(t.x) for t in dots) == result.tables()["timing"].height
    assert all(marks(result.plot(v.name)) < MOST_MARKS for v in result.views)


def test_the_history_of_one_customer_draws_alone(result):
    frame = result.tables()["histories"].filter(line=1)
    for look in ("light", "dark"):
        figure = buying_histories.history(frame, theme(look))
        assert not shortcomings(figure)
        line, purchases = figure.data
        assert list(line.y) == frame["p_alive"].to_list()
        assert len(purchases.x) == frame["purchased"].sum()


def test_the_views_for_experts_are_left_out_of_reports(result):
    page = html.render([result], title="Report")
    aside = [v for v in result.views if v.aside]
    assert len(aside) == 6
    for view in result.views:
        assert (view.title.split(" (")[0] in page) != view.aside


def test_ids_that_try_to_be_markup_are_drawn_as_they_are_written():
    rows = [
        (HOSTILE if i == 3 else f"c{i}", datetime(2026, 1, 1) + timedelta(days=9 * k + i % 5), 10.0 + i)
        for i in range(30)
        for k in range(1 + i % 6)
    ]
    frame = pl.DataFrame(rows, schema=["customer_id", "ordered_at", "amount"], orient="row")
    result = crm.buying_patterns(frame, as_of=date(2026, 3, 10))
    for view in result.views:
        assert "<img" not in result.plot(view.name).to_json().replace("\\u003c", "<")
