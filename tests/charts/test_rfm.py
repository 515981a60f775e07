"""Pictures of RFM: the right numbers in the right places, in the segments' own colours."""

from __future__ import annotations

import re

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.charts.duties import shortcomings
from crm_analytics.charts.rfm import VIEWS
from crm_analytics.charts.theme import theme

from .conftest import HOSTILE

LIGHT = theme("light")


@pytest.fixture(scope="module")
def result(sample):
    return crm.run("rfm", sample)


def rows(result):
    """Give the segments that have a share, by name."""
    return {
        r["segment"]: r for r in result.tables()["segments"].to_dicts() if r["customer_share"] is not None
    }


def test_bars_are_the_shares_of_the_segments_in_the_order_of_meaning(result):
    figure = VIEWS["segments"](result, LIGHT)
    customers, spend, *keys = figure.data
    names = list(figure.layout.yaxis.ticktext)
    found = rows(result)
    assert names[0] == "Champions"
    assert names[-1] == "Lost"
    assert set(names) == set(found)
    assert list(customers.x) == [found[n]["customer_share"] for n in names]
    assert list(spend.x) == [found[n]["spend_share"] for n in names]
    assert sum(spend.x) == pytest.approx(1)
    assert [k.name for k in keys] == ["Share of customers", "Share of spend"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1], "the best on top"


def test_bars_bear_the_intervals(result):
    spend = VIEWS["segments"](result, LIGHT).data[1]
    found = rows(result)["Champions"]
    assert spend.error_x.array[0] == pytest.approx(found["spend_share_upper"] - found["spend_share"])
    assert spend.error_x.arrayminus[0] == pytest.approx(found["spend_share"] - found["spend_share_lower"])
    assert spend.error_x.visible


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_segment_has_one_colour_in_every_picture(result, look):
    palette = theme(look)
    bars = VIEWS["segments"](result, palette)
    areas = VIEWS["treemap"](result, palette).data[0]
    of_bars = dict(zip(bars.layout.yaxis.ticktext, bars.data[1].marker.color, strict=True))
    of_areas = dict(zip(areas.labels, areas.marker.colors, strict=True))
    assert {n: palette.segment(n) for n in of_bars} == of_bars
    assert {n: of_bars[n] for n in of_areas} == of_areas


def cells_drawn(figure):
    """Give colour, ink and words of each cell by its scores, as plotly takes the colour from the scale's steps."""
    found = {}
    for trace in figure.data:
        steps = list(zip(trace.colorscale[::2], trace.colorscale[1::2], strict=True))
        for y, z_row, words in zip(trace.y, trace.z, trace.text, strict=True):
            for x, z, said in zip(trace.x, z_row, words, strict=True):
                if z is None:
                    assert not re.sub(r"<[^>]+>", "", said).strip(), "no words where nothing is drawn"
                    continue
                at = (z - trace.zmin) / (trace.zmax - trace.zmin)
                colour = next(c for (low, c), (high, _) in steps if low < at < high)
                assert (x, y) not in found, "each cell is drawn once"
                found[x, y] = (colour, trace.textfont.color, said.replace("<br>", " "))
    return found


@pytest.mark.parametrize("look", ["light", "dark"])
def test_each_cell_of_the_grid_has_its_count_and_its_segments_colour(result, look):
    palette = theme(look)
    drawn = cells_drawn(VIEWS["grid"](result, palette))
    cells = {(r["r_score"], r["f_score"]): r for r in result.tables()["grid"].to_dicts()}
    most = max(r["n_customers"] for r in cells.values())
    assert drawn.keys() == cells.keys()
    for place, (colour, ink, words) in drawn.items():
        cell = cells[place]
        assert words == f"{cell['segment']} <b>{cell['n_customers']:,}</b>"
        assert ink == palette.ink(colour), "the ink that reads better"
        if cell["n_customers"]:
            strength = 0.18 + 0.82 * (cell["n_customers"] / most) ** 0.5
            assert colour == palette.tint(palette.segment(cell["segment"]), strength)


def test_text_of_all_cells_has_one_size(result):
    """Plotly takes the size from the longest text of a trace: all traces must hold texts of the same shape."""
    shapes = {
        tuple(len(words) for row in trace.text for words in row)
        for trace in VIEWS["grid"](result, LIGHT).data
    }
    assert len(shapes) == 1


def test_axes_of_the_grid_say_which_end_is_good(result):
    layout = VIEWS["grid"](result, LIGHT).layout
    assert layout.xaxis.title.text == "Recency score (5 = most recent)"
    assert layout.yaxis.title.text == "Frequency score (5 = most orders)"


def test_areas_are_the_spend(result):
    areas = VIEWS["treemap"](result, LIGHT).data[0]
    spend = {n: r["spend"] for n, r in rows(result).items()}
    assert dict(zip(areas.labels, areas.values, strict=True)) == spend
    assert sum(areas.values) == pytest.approx(result.tables()["customers"]["spend"].sum())


def test_alt_text_tells_the_main_figures(result):
    alt = VIEWS["segments"](result, LIGHT).layout.meta["alt"]
    assert "Champions: 11.1% of customers, 26.5% of spend." in alt
    assert "The largest share of spend is with Loyal customers." in alt
    assert "Champions 537" in VIEWS["grid"](result, LIGHT).layout.meta["alt"]
    assert "Loyal customers £250k; Champions £210k" in VIEWS["treemap"](result, LIGHT).layout.meta["alt"]


def test_hover_tells_share_and_interval_in_words(result):
    words = VIEWS["segments"](result, LIGHT).data[1].hovertext[0]
    assert words.startswith(
        "<b>Champions</b><br>537 customers: 11.1% (10.2% to 12.0%) of all<br>Spend £209,936:"
    )


def test_prospects_are_in_no_share(result):
    assert "Prospect" in result.tables()["segments"]["segment"]
    assert "Prospect" not in VIEWS["segments"](result, LIGHT).layout.yaxis.ticktext


def test_segments_of_ones_own_name_are_text(shop):
    result = crm.rfm(shop, as_of="2026-01-01", n_bootstrap=0, names={"Loyal customers": HOSTILE})
    assert HOSTILE in result.tables()["segments"]["segment"]
    for draw in VIEWS.values():
        figure = draw(result, LIGHT)
        assert shortcomings(figure) == []
        drawn = figure.update_layout(meta=None).to_json().replace("\\u003c", "<")
        assert "<img" not in drawn
        assert "&lt;img" in drawn


def test_only_refunds_leave_nothing_to_divide(orders):
    tx = orders(("ann", "2025-11-03", 40), ("bob", "2025-11-05", 10), ("ann", "2025-11-10", -60))
    result = crm.rfm(tx, as_of="2026-01-01", n_bootstrap=0)
    assert (result.tables()["segments"].filter(pl.col("n_customers") > 0)["spend"] <= 10).all()
    for draw in VIEWS.values():
        assert shortcomings(draw(result, LIGHT)) == []


def test_without_money_the_treemap_says_why(orders):
    result = crm.rfm(
        orders(("ann", "2025-11-03", 40), ("ann", "2025-11-10", -40)), as_of="2026-01-01", n_bootstrap=0
    )
    figure = VIEWS["treemap"](result, LIGHT)
    assert not figure.data
    assert (
        figure.layout.annotations[0].text.replace("<br>", " ")
        == "No segment has brought money after refunds."
    )


@pytest.mark.parametrize("bins", [2, 5, 10])
def test_one_row_draws_with_any_number_of_scores(one_row, bins):
    result = crm.rfm(one_row, bins=bins, n_bootstrap=0)
    for draw in VIEWS.values():
        assert shortcomings(draw(result, LIGHT)) == []


def test_axes_name_the_best_score_that_there_is(shop):
    layout = VIEWS["grid"](crm.rfm(shop, as_of="2026-01-01", bins=3, n_bootstrap=0), LIGHT).layout
    assert layout.xaxis.title.text == "Recency score (3 = most recent)"
