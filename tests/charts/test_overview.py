"""Pictures of the customer base: each period's figures, a year earlier beside them, the unfinished period pale."""

from __future__ import annotations

from datetime import date

import pytest

import crm_analytics as crm
from crm_analytics.charts.duties import shortcomings
from crm_analytics.charts.overview import VIEWS
from crm_analytics.charts.theme import theme

LIGHT = theme("light")


@pytest.fixture(scope="module")
def result(shop):
    return crm.overview(shop, as_of="2025-12-29", n_bootstrap=100)


@pytest.fixture(scope="module")
def of_sample(sample):
    return crm.run("overview", sample)


def test_bars_are_the_spend_of_each_month(result):
    now, before = VIEWS["trend"](result, LIGHT).data
    table = result.tables()["months"]
    assert list(now.x) == table["period_on"].to_list()
    assert list(now.y) == table["spend"].to_list()
    drawn = dict(zip(now.x, now.y, strict=True))
    assert (drawn[date(2024, 5, 1)], drawn[date(2025, 5, 1)]) == (400, 150)
    a_year_before = dict(zip(before.x, before.y, strict=True))
    assert a_year_before[date(2025, 5, 1)] == 400


def test_an_unfinished_month_is_pale_and_says_so(result):
    now = VIEWS["trend"](result, LIGHT).data[0]
    assert now.x[-1] == date(2025, 12, 1)
    assert set(now.marker.color[1:-1]) == {LIGHT.accent}
    assert now.marker.color[-1] == LIGHT.tint(LIGHT.accent, 0.4)
    assert now.hovertext[-1].endswith("This month is not complete")


def test_hover_compares_with_a_year_earlier(result):
    now = VIEWS["trend"](result, LIGHT).data[0]
    words = dict(zip(now.x, now.hovertext, strict=True))
    assert words[date(2025, 5, 1)] == (
        "<b>May 2025</b><br>Spend 150.00 in 1 order<br>400.00 a year earlier: down 62.5%"
    )


def test_customers_are_stacked_by_kind(result):
    figure = VIEWS["customers_by_kind"](result, LIGHT)
    returning, new = figure.data
    table = result.tables()["months"]
    assert (returning.name, new.name) == ("Returning", "New")
    assert figure.layout.barmode == "stack"
    assert list(returning.y) == table["n_returning"].to_list()
    assert list(new.y) == table["n_new"].to_list()
    assert [a + b for a, b in zip(returning.y, new.y, strict=True)] == table["n_active"].to_list()
    assert returning.marker.color[1] != new.marker.color[1]


def test_titles_and_units(of_sample):
    trend = VIEWS["trend"](of_sample, LIGHT).layout
    assert trend.title.text.replace("<br>", " ") == "Spend by month and a year earlier"
    assert (trend.xaxis.title.text, trend.yaxis.title.text) == ("Month", "Spend (£)")
    kinds = VIEWS["customers_by_kind"](of_sample, LIGHT).layout
    assert kinds.yaxis.title.text == "Active customers"


def test_alt_text_tells_the_last_complete_month(of_sample):
    assert (
        VIEWS["trend"](of_sample, LIGHT)
        .layout.meta["alt"]
        .endswith(
            "Last complete month: June 2026: Spend £29,399 in 571 orders; £26,829 a year earlier: up 9.6%."
        )
    )
    assert (
        VIEWS["customers_by_kind"](of_sample, LIGHT)
        .layout.meta["alt"]
        .endswith("June 2026: 364 returning and 135 new.")
    )


@pytest.mark.parametrize(
    ("period", "title", "named"), [("quarter", "Quarter", "Q3 2025"), ("year", "Year", "2024")]
)
def test_quarters_and_years_have_their_names(shop, period, title, named):
    result = crm.overview(shop, as_of="2025-12-29", period=period, n_bootstrap=100)
    for draw in VIEWS.values():
        figure = draw(result, LIGHT)
        assert shortcomings(figure) == []
        assert figure.layout.xaxis.title.text == title
        assert named in figure.layout.meta["alt"]


def test_without_an_earlier_year_there_is_no_line_and_no_legend(one_row):
    result = crm.overview(one_row, as_of="2025-12-01", n_bootstrap=100)
    figure = VIEWS["trend"](result, LIGHT)
    assert len(figure.data) == 1
    assert not figure.layout.showlegend
    for draw in VIEWS.values():
        assert shortcomings(draw(result, LIGHT)) == []
