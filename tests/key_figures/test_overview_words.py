from __future__ import annotations

from datetime import date

import pytest

from crm_analytics.key_figures.changes import Change, Interval
from crm_analytics.key_figures.overview_words import change_text, period_name, short_name
from crm_analytics.key_figures.period_figures import FIGURES

FIGURE = {f.name: f for f in FIGURES}
SURE, UNSURE = Interval(0.01, 0.2), Interval(-0.2, 0.2)


@pytest.mark.parametrize(
    ("figure", "change", "words"),
    [
        ("spend", None, "no full April in the extract"),
        ("spend_per_order", Change(None, None, None), "cannot be told for April"),
        ("spend", Change(0.0, None, None), "nothing in April to compare with"),
        ("spend", Change(9.0, 0.1, SURE), "up 10.0%, beyond normal variation"),
        ("spend", Change(9.0, -0.1, UNSURE), "down 10.0%, within normal variation"),
        ("spend", Change(9.0, 0.1, None), "up 10.0%, too few customers to judge"),
        ("spend", Change(9.0, 0.0001, UNSURE), "unchanged, within normal variation"),
        ("spend", Change(9.0, 29.0, SURE), "up to 30 times as much, beyond normal variation"),
        (
            "spend",
            Change(9.0, 0.1, SURE, longer=0.107),
            "up 10.0%, within normal variation of a longer period",
        ),
        (
            "spend",
            Change(9.0, -0.1, Interval(-0.15, -0.05), -0.097),
            "down 10.0%, within normal variation of a shorter period",
        ),
        ("spend", Change(9.0, 0.1, SURE, longer=-0.097), "up 10.0%, beyond normal variation"),
        ("refund_rate", Change(0.1, -0.025, UNSURE), "down 2.5 points, within normal variation"),
    ],
)
def test_a_change_in_words(figure, change, words):
    assert change_text(FIGURE[figure], change, "April") == words


def test_periods_have_names():
    assert [period_name(date(2026, 10, 1), p) for p in ("month", "quarter", "year")] == [
        "October 2026",
        "Q4 2026",
        "2026",
    ]
    assert short_name(date(2025, 10, 1), date(2026, 1, 1), "quarter") == "Q4 2025"
    assert short_name(date(2025, 1, 1), date(2026, 1, 1), "year") == "2025"
    assert short_name(date(2026, 1, 1), date(2026, 4, 1), "quarter") == "Q1"
