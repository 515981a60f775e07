"""What a column looks like from its values."""

from __future__ import annotations

import polars as pl
import pytest

from crm_analytics.extracts.recognising.profiles import content_score, profiles


def profile(*values, dtype=None):
    return profiles(pl.DataFrame({"x": pl.Series(values, dtype=dtype)}))[0]


IDS = profile("00012", "00013", "00012", "00014")
MONEY = profile("12.50", "7.25", "103.00", "8.95")
DAYS = profile("2024-01-03", "2024-02-11", "2024-01-17")
SMALL = profile("1", "2", "1", "3")
WORDS = profile("web", "store", "web", "store")


@pytest.mark.parametrize(
    ("kind", "best"),
    [
        ("instant", DAYS),
        ("money", MONEY),
        ("count", SMALL),
        ("id", IDS),
        ("category", WORDS),
        ("text", WORDS),
    ],
)
def test_each_kind_is_best_fitted_by_its_own_values(kind, best):
    scores = {p.examples: content_score(p, "x", kind)[0] for p in (IDS, MONEY, DAYS, SMALL, WORDS)}
    assert scores[best.examples] == max(scores.values())


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("instant", WORDS),
        ("instant", SMALL),
        ("money", WORDS),
        ("money", IDS),
        ("id", MONEY),
        ("count", DAYS),
        ("flag", WORDS),
        ("rating", DAYS),
    ],
)
def test_what_cannot_be_scores_nothing(kind, wrong):
    assert content_score(wrong, "x", kind)[0] == 0.0


def test_a_key_must_not_repeat():
    assert (
        content_score(IDS, "customer_id", "id", key=True)[0]
        < content_score(profile("1", "2", "3"), "customer_id", "id", key=True)[0]
    )


def test_figures():
    assert (IDS.n, IDS.n_present, IDS.n_unique, IDS.padded_share) == (4, 4, 3, 1.0)
    assert IDS.repeats == 0.25
    assert (MONEY.cents_share, MONEY.low, MONEY.high) == (1.0, 7.25, 103.0)
    assert profile("1", "", None, "n/a").n_present == 1
    assert DAYS.date_share == 1.0
    assert not DAYS.is_number
    assert profile(None, dtype=pl.String).examples == ()
    assert content_score(profile(None, dtype=pl.String), "x", "id") == (0.0, "it is empty")


def test_ratings_and_flags():
    assert content_score(profile("9", "10", "0"), "nps", "rating")[0] > 0.5
    assert content_score(profile("9", "99"), "nps", "rating")[0] == 0.5  # a code for no answer
    assert content_score(profile("9.5", "11"), "nps", "rating")[0] == 0.0
    assert content_score(profile(*map(str, range(0, 101, 5))), "nps", "rating")[0] == 0.0
    assert content_score(profile("ja", "nein"), "consent", "flag")[0] > 0.5


def test_day_numbers_are_weak_dates():
    assert 0 < content_score(profile("45364", "45365"), "ordered_at", "instant")[0] < 0.6
