"""Pictures of lifetime value and retention economics draw the figures of their tables, and no others."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics.charts.duties import MOST_MARKS, marks


@pytest.fixture(scope="module")
def value():
    base = crm.sample()
    return crm.run("lifetime_value", base)


@pytest.fixture(scope="module")
def economics():
    return crm.run("retention_economics", crm.sample())


def test_the_curve_ends_at_the_total_and_starts_at_nought(value):
    line = next(t for t in value.plot("curve").data if t.name == "Expected")
    assert line.y[0] == 0
    assert line.y[-1] == pytest.approx(value.tables()["total"]["lifetime_value"][0])
    assert value.plot("curve").layout.yaxis.title.text == "Expected margin (£)"


def test_the_range_of_outcomes_encloses_that_of_the_estimate(value):
    bands = [t for t in value.plot("curve").data if t.fill == "tonexty"]
    wide, narrow = bands
    assert all(a >= b for a, b in zip(wide.y, narrow.y, strict=True))


def test_groups_stand_by_kind_with_their_values(value):
    figure = value.plot("groups")
    assert [t.name for t in figure.data] == ["Joined", "Channel", "Country"]
    groups = value.tables()["groups"]
    drawn = sorted(x for t in figure.data for x in t.x)
    assert drawn == pytest.approx(sorted(groups["lifetime_value"]))
    assert len(figure.layout.annotations) == groups.height


def test_tenths_are_drawn_as_shares(value):
    assert list(value.plot("deciles").data[0].y) == value.tables()["deciles"]["value_share"].to_list()


def test_points_stay_few_and_slipping_ones_stand_out(value):
    figure = value.plot("alive")
    assert marks(figure) < MOST_MARKS
    slipping = next(t for t in figure.data if t.name == "Slipping")
    assert len(slipping.x) == value.tables()["slipping"].height
    assert figure.layout.yaxis.type == "log"


def test_slipping_customers_are_drawn_most_at_stake_first(value):
    rows = value.tables()["slipping"].head(20)
    now = next(t for t in value.plot("slipping").data if t.name == "Now")
    assert list(now.x) == rows["p_alive"].to_list()
    assert rows["customer_id"][0] in value.plot("slipping").layout.meta["alt"]


def test_nobody_slipping_is_said_instead_of_an_empty_picture():
    rows = [
        (f"c{i}", datetime(2026, 1, 1) + timedelta(days=20 * k + i % 5), 10.0)
        for i in range(30)
        for k in range(1 + i % 4)
    ]
    frame = pl.DataFrame(rows, schema=["customer_id", "ordered_at", "amount"], orient="row")
    result = crm.lifetime_value(frame, as_of=date(2026, 3, 10))
    figure = result.plot("slipping")
    assert "No good customer is slipping" in figure.layout.meta["alt"]
    assert not figure.data


def test_levers_of_equal_size_stand_together(economics):
    figure = economics.plot("levers")
    levers = economics.tables()["levers"]
    assert [t.name for t in figure.data] == ["Retention", "Spend per purchase", "Cost of winning customers"]
    assert sorted(x for t in figure.data for x in t.x) == pytest.approx(sorted(levers["worth"]))
    assert list(figure.layout.yaxis.ticktext) == ["+1 point", "+1%", "-1%", "+5 points", "+5%", "-5%"]


def test_points_of_retention_and_what_is_kept_are_the_tables(economics):
    curve = next(t for t in economics.plot("curve").data if t.name == "Worth")
    assert list(curve.y) == economics.tables()["curve"]["worth"].to_list()
    bars = economics.plot("keep_or_replace").data[0]
    assert list(bars.x) == economics.tables()["keep_or_replace"]["amount"].to_list()
