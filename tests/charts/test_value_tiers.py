"""Pictures of value: curves, tenths and falls, with hand-worked figures."""

from __future__ import annotations

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics import formats
from crm_analytics.charts import draw
from crm_analytics.charts.duties import shortcomings
from crm_analytics.charts.theme import theme
from crm_analytics.charts.value_tiers import VIEWS
from crm_analytics.errors import UnknownNameError

from .conftest import HOSTILE

LIGHT = theme("light")


def tiers(tx, **options):
    return crm.value_tiers(tx, **{"as_of": "2026-01-01", "n_bootstrap": 100, **options})


@pytest.fixture(scope="module")
def result(shop):
    return tiers(shop)


@pytest.fixture(scope="module")
def of_sample(sample):
    return crm.run("value_tiers", sample)


def test_the_lorenz_curve_by_hand(result):
    """Spend: ann 930, bob 200, cy 150, eve 10, dee 0; together 1,290, smallest first."""
    equal, curve, mark = VIEWS["lorenz"](result, LIGHT).data
    assert list(equal.x) == list(equal.y) == [0, 1]
    assert list(curve.x) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert list(curve.y) == pytest.approx([0, 0, 10 / 1290, 160 / 1290, 360 / 1290, 1])
    assert (mark.x[0], mark.y[0]) == pytest.approx((0.8, 360 / 1290)), "the best fifth is ann alone"
    assert mark.hovertext[0] == "The best 20% bring 72.1% of spend."


def test_the_lorenz_curve_says_gini_and_its_interval(of_sample):
    figure = VIEWS["lorenz"](of_sample, LIGHT)
    (note,) = figure.layout.annotations
    assert note.text.startswith("<b>Gini 0.60 (0.58 to 0.62)</b><br>The best 20% bring")
    assert (
        "The best 20% bring 63.7% of spend. Gini coefficient 0.60 (0.58 to 0.62)" in figure.layout.meta["alt"]
    )


def test_the_whale_curve_rises_above_all_and_falls_back(of_sample):
    figure = VIEWS["whale"](of_sample, LIGHT)
    curve, top = figure.data
    assert figure.layout.yaxis.title.text == "Share of all margin"
    assert curve.y[0] == 0
    assert curve.y[-1] == pytest.approx(1)
    assert max(curve.y) == top.y[0] > 1
    assert top.hovertext[0] == (
        "The best 87.8% of customers make 111.3% of the margin; the others take 11.3% away."
    )
    assert figure.layout.yaxis.range[1] > top.y[0]


def test_without_costs_the_whale_is_of_spend(result):
    figure = VIEWS["whale"](result, LIGHT)
    assert figure.layout.yaxis.title.text == "Share of all spend"
    assert "Every customer adds to spend; none takes any away." in figure.layout.meta["alt"]


def test_a_customer_who_costs_money_is_told(shop):
    costs = pl.when(pl.col("customer_id") == "eve").then(110.0).otherwise(pl.col("amount") * 0.5)
    words = VIEWS["whale"](tiers(shop.with_columns(cost=costs)), LIGHT).data[1].hovertext[0]
    # margin: ann 465, bob 100, cy 75, dee 0, eve -100: 640 of 540
    assert "118.5% of the margin; the others take 18.5% away." in words


def test_tenths_are_drawn_with_their_share(of_sample):
    (bars,) = VIEWS["deciles"](of_sample, LIGHT).data
    table = of_sample.tables()["deciles"].sort("decile")
    assert list(bars.x) == [str(d) for d in range(1, 11)]
    assert list(bars.y) == table["spend_share"].to_list()
    assert sum(bars.y) == pytest.approx(1)
    assert list(bars.text[:2]) == ["47%", "17%"]
    assert bars.text[9] == formats.share(table["spend_share"][9]), "below a percent with its decimals"
    assert "Spend £372,635: 47.1% of all" in bars.hovertext[0]
    assert bars.marker.color == (LIGHT.accent,) * 2 + (LIGHT.quiet,) * 8, "the best fifth stands out"


def test_falls_run_from_before_to_since(orders):
    tx = orders(
        ("ann", "2024-03-01", 700), ("ann", "2025-03-01", 200),
        ("bob", "2024-04-01", 400), ("bob", "2025-04-01", 100),
        ("cy", "2023-12-01", 5), ("cy", "2024-05-01", 10), ("cy", "2025-05-01", 500),
    )  # fmt: skip
    figure = VIEWS["decline"](tiers(tx, good_share=0.7), LIGHT)
    joined, before, since = figure.data
    assert list(figure.layout.yaxis.ticktext) == ["ann", "bob"], "the largest fall on top"
    assert list(before.x) == [700, 400]
    assert list(since.x) == [200, 100]
    assert list(joined.x) == [700, 200, None, 400, 100, None]
    assert list(joined.y) == [0, 0, None, 1, 1, None]
    assert before.hovertext[0].startswith("<b>Customer ann</b><br>700.00 before, 200.00 since")
    assert "together 800.00 at stake" in figure.layout.meta["alt"]
    assert "customer ann from 700.00 to 200.00" in figure.layout.meta["alt"]


def test_the_longest_lists_stay_readable(of_sample):
    figure = VIEWS["decline"](of_sample, LIGHT)
    assert len(figure.data[1].x) == 12
    assert figure.layout.height <= 500
    assert "197 good customers" in figure.layout.meta["alt"]


@pytest.fixture
def two_rows(orders):
    return orders(("ann", "2023-12-01", 40), ("bob", "2025-02-03", 40))


def test_without_a_fall_the_figure_says_why(two_rows):
    figure = VIEWS["decline"](tiers(two_rows), LIGHT)
    assert not figure.data
    assert "No good customer bought less" in figure.layout.annotations[0].text.replace("<br>", " ")
    assert "see the notes" in figure.layout.meta["alt"]


def test_hostile_ids_are_text(hostile_shop):
    figure = VIEWS["decline"](tiers(hostile_shop, good_share=0.5), LIGHT)
    assert figure.layout.yaxis.ticktext[0].startswith("&lt;img")
    for words in (*figure.layout.yaxis.ticktext, *figure.data[1].hovertext, *figure.data[2].hovertext):
        bare = words.replace("<b>Customer", "").replace("</b><br>", "").replace("<br>", "")
        assert not set("<>$") & set(bare)
    assert HOSTILE in figure.layout.meta["alt"], "as it is written; the page escapes it"


@pytest.mark.parametrize("view", VIEWS)
def test_two_rows_draw(two_rows, view):
    assert shortcomings(VIEWS[view](tiers(two_rows), LIGHT)) == []


def test_without_an_earlier_year_there_is_no_decline_to_draw(orders):
    recent = tiers(orders(("ann", "2025-11-01", 40), ("bob", "2025-12-03", 40)))
    with pytest.raises(UnknownNameError, match="no view of value_tiers 'decline'"):
        draw(recent, "decline")


@pytest.mark.parametrize("view", VIEWS)
def test_axes_have_units(of_sample, view):
    layout = VIEWS[view](of_sample, LIGHT).layout
    money_or_share = "Spend (£)" if view == "decline" else "Share of"
    assert money_or_share in layout.xaxis.title.text + layout.yaxis.title.text
