"""The axis of ages: whole steps, and few enough for the room there is; the title of a map by groups."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import crm_analytics as crm
from crm_analytics import charts
from crm_analytics.charts.cohort_parts import age_axis


def ticks(ages, brackets=(), **options):
    result = SimpleNamespace(parameters={"age_unit": "month", "entry": "first_ever", "brackets": brackets})
    return age_axis(result, ages, **options)["ticktext"]


@pytest.mark.parametrize(("ages", "names"), [
    (range(37), ["0", "3", "6", "9", "12", "15", "18", "21", "24", "27", "30", "33", "36"]),
    (range(1, 37), ["3", "6", "9", "12", "15", "18", "21", "24", "27", "30", "33", "36"]),
    (range(4), ["0", "1", "2", "3"]),
])  # fmt: skip
def test_ticks_stand_at_whole_steps_of_age(ages, names):
    assert ticks(list(ages)) == names


def test_an_axis_with_little_room_has_fewer_ticks():
    assert ticks(list(range(37)), places=True, most=7) == ["0", "6", "12", "18", "24", "30", "36"]


def test_brackets_are_named_by_their_ends():
    assert ticks([0, 1, 4, 7], brackets=[(1, 3), (4, 6), (7, 12)], places=True) == ["0", "1–3", "4–6", "7–12"]


def test_the_map_by_groups_says_that_it_shows_averages():
    orders = crm.sample().table("transactions")
    by_group, plain = (
        str(charts.draw(crm.cohort_retention(orders, by=by), "heatmap").layout.title.text)
        for by in ("channel", None)
    )
    assert "average of each group" in by_group
    assert "average of each group" not in plain
