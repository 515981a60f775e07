"""Pictures of satisfaction scores, with hand-worked figures."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.charts import draw
from crm_analytics.charts.duties import marks, shortcomings
from crm_analytics.charts.satisfaction_scores import VIEWS
from crm_analytics.charts.theme import theme

from .conftest import HOSTILE

LIGHT = theme("light")


def survey(n=600, groups=("north", "south"), seed=1, **drop):
    """Make two years of answers; the first group is satisfied more often, and the last month is a bad one."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, len(groups), n)
    day = rng.integers(0, 730, n)
    p = np.where(group == 0, 0.6, 0.35) - np.where(day > 640, 0.3, 0.0)
    frame = pl.DataFrame(
        {
            "answered_at": [datetime(2024, 7, 1) + timedelta(days=int(d)) for d in day],
            "nps": np.where(rng.random(n) < p, 10, rng.choice([8, 3], n)),
            "channel": [groups[g] for g in group],
            "csat": rng.integers(1, 6, n),
        }
    )
    return frame.drop(drop.get("drop", []))


@pytest.fixture(scope="module")
def found():
    return crm.satisfaction_scores(survey(), as_of=date(2026, 7, 1))


@pytest.fixture(scope="module")
def many():
    return crm.satisfaction_scores(
        survey(3000, [f"store {i:02d}" for i in range(30)]), as_of=date(2026, 7, 1)
    )


def test_periods_stand_on_their_limits(found):
    figure = draw(found, "periods")
    table = found.tables()["periods"].filter(pl.col("metric") == "nps")
    low, high, center, line = figure.data
    assert list(line.y) == table["score"].to_list()
    assert line.error_y.array[0] == pytest.approx(table["score_upper"][0] - table["score"][0])
    assert list(low.y)[::2] == table["control_low"].to_list()
    assert list(high.y)[1::2] == table["control_high"].to_list()
    assert set(center.y) == {table["center_line"][0]}
    odd = table["control_signal"] == "outside the limits"
    assert odd.to_list() == [False] * 7 + [True]
    assert [c == LIGHT.bad for c in line.marker.color] == odd.to_list()
    assert "Q2 2026 lay below what chance would do" in figure.layout.title.text.replace("<br>", " ")
    assert "Outside the limits" in line.hovertext[-1]


def test_groups_stand_beside_the_rest_in_the_order_of_the_table(found):
    rest, own = draw(found, "segments").data
    table = found.tables()["segments"].filter(pl.col("metric") == "nps")
    assert list(own.x) == table["score"].to_list()
    assert list(rest.x) == table["rest_score"].to_list()
    assert list(own.marker.color) == [LIGHT.bad, LIGHT.good]
    assert "against the rest, below the rest" in own.hovertext[0]


def test_the_distribution_is_coloured_by_what_answers_count_as(found):
    figure = draw(found, "distribution")
    assert [t.name.split()[0] for t in figure.data] == ["Detractors", "Passives", "Promoters"]
    assert [t.marker.color for t in figure.data] == [LIGHT.bad, LIGHT.quiet, LIGHT.good]
    assert sum(sum(t.y) for t in figure.data) == pytest.approx(1)
    assert list(figure.layout.xaxis.ticktext) == [str(i) for i in range(11)]


def test_a_long_ranking_shows_both_ends(many):
    raw, pooled = draw(many, "ranking").data
    table = many.tables()["ranking"].filter(pl.col("metric") == "nps")
    assert table.height > 20
    assert len(pooled.x) == 20
    assert list(pooled.x) == [*table["pooled_score"].head(10), *table["pooled_score"].tail(10)]
    assert raw.x[0] == table["score"][0]
    assert "Chance of being best" in pooled.hovertext[0]


def test_the_parts_of_the_change_end_with_the_whole(found):
    rate, mix = draw(found, "change").data
    total = found.tables()["change"].filter(
        (pl.col("metric") == "nps") & (pl.col("respondents") == "All answers")
    )
    assert (rate.x[-1], mix.x[-1]) == (total["rate_effect"][0], total["mix_effect"][0])


def test_the_leading_metric_is_drawn():
    result = crm.satisfaction_scores(survey(), as_of=date(2026, 7, 1), metric="csat")
    figure = draw(result, "periods")
    assert figure.layout.yaxis.title.text == "Satisfied answers, %"
    assert [t.name.split()[0] for t in draw(result, "distribution").data] == ["Not", "Satisfied"]
    assert draw(result, "segments").layout.xaxis.title.text == "Satisfied answers, %"


def test_an_index_and_months():
    result = crm.satisfaction_scores(
        survey(), as_of=date(2026, 7, 1), index=["csat", "nps"], metric="index", period="month"
    )
    for view in result.views:
        assert shortcomings(draw(result, view.name)) == []
    assert draw(result, "distribution").layout.xaxis.ticktext[0] == "0 to 10"


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_fit_to_be_shown_and_light(found, many, view, look):
    for result in (r for r in (found, many) if view in {v.name for v in r.views}):
        figure = draw(result, view, theme=look)
        assert shortcomings(figure) == []
        assert marks(figure) < 1000


def test_few_answers_draw():
    few = survey(12, drop=["channel"])
    result = crm.satisfaction_scores(few, min_answers=1)
    assert {v.name for v in result.views} == {"periods", "distribution"}
    for view in result.views:
        assert shortcomings(draw(result, view.name)) == []
    hidden = crm.satisfaction_scores(few, min_answers=12)
    assert "enough answers" in draw(hidden, "periods").layout.meta["alt"]


def test_hostile_groups_are_text():
    result = crm.satisfaction_scores(survey(600, ["a", HOSTILE, "c"]), as_of=date(2026, 7, 1))
    for view in result.views:
        figure = draw(result, view.name)
        words = [w for t in figure.data for w in t.hovertext or ()]
        ticks = [*(figure.layout.yaxis.ticktext or ()), figure.layout.title.text]
        assert not any("<img" in w for w in [*words, *ticks]), view
