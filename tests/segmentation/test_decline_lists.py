from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.segmentation.decline_lists import COLUMNS, Choice, Comparison, build, good_customers

AS_OF = date(2026, 1, 1)
YEARS = Comparison(AS_OF, 12, date(2020, 1, 1))


def customer(
    name: str,
    *,
    recent: float,
    before: float,
    last: date,
    orders: tuple[int, int] = (4, 4),
    active: float = 0.0,
):
    """One row as `compared_spend` gives it; every order of a customer came to the same."""
    squares = sum((money / n) ** 2 * n for money, n in zip((recent, before), orders, strict=True) if n)
    return {
        "customer_id": name,
        "last_ordered_on": last,
        "n_orders_recent": orders[0],
        "n_orders_before": orders[1],
        "spend_recent": recent,
        "spend_before": before,
        "squared_amounts": squares,
        "spend_when_active": active or recent or before,
    }


RECENTLY, LONG_AGO = date(2025, 12, 1), date(2024, 6, 1)
FIRM = pl.DataFrame(
    [
        customer("fell", recent=100.0, before=1000.0, last=RECENTLY, orders=(1, 10)),
        customer("barely", recent=880.0, before=900.0, last=RECENTLY),
        customer("noisy", recent=300.0, before=800.0, last=RECENTLY, orders=(1, 2)),
        customer("gone", recent=0.0, before=700.0, last=LONG_AGO, orders=(0, 5), active=950.0),
        customer("grew", recent=2000.0, before=50.0, last=RECENTLY),
        *(customer(f"small{i:02d}", recent=10.0, before=20.0, last=RECENTLY) for i in range(15)),
    ]
)


def made(choice: Choice | None = None, comparison: Comparison = YEARS):
    return build(FIRM, comparison, choice or Choice(), currency="GBP")


def people(found, name: str) -> list[str]:
    return found.listed.filter(pl.col("list") == name)["customer_id"].to_list()


def test_who_is_on_which_list():
    found = made()
    assert people(found, "most_valuable") == ["grew"]  # 5 % of 19 who spent anything
    assert people(found, "buying_less") == ["fell", "noisy"]  # best 4 of 20, most money first
    assert people(found, "silent") == ["gone"]


def test_money_at_stake_hand_worked():
    rows = {row["list"]: row for row in made().lists.iter_rows(named=True)}
    total = 100 + 880 + 300 + 2000 + 15 * 10
    assert [rows[name]["money_at_stake"] for name in rows] == [2000.0, 900.0 + 500.0, 950.0]
    assert [rows[name]["stake_share"] for name in rows] == pytest.approx(
        [2000 / total, 1400 / total, 950 / total]
    )
    assert rows["buying_less"]["n_beyond_normal_variation"] == 1
    assert rows["silent"]["n_beyond_normal_variation"] is None


def test_a_fall_is_held_against_the_customers_own_orders():
    flags = dict(
        made()
        .listed.filter(pl.col("list") == "buying_less")
        .select("customer_id", "is_beyond_normal_variation")
        .iter_rows()
    )
    # fell: -900 against sqrt(10 * 100^2 + 100^2) = 332; noisy: -500 against sqrt(2 * 400^2 + 300^2) = 640
    assert flags == {"fell": True, "noisy": False}


def test_least_fall_and_good_share_are_settings():
    assert "barely" in people(made(Choice(least_fall=0.01)), "buying_less")
    assert people(made(Choice(good_share=0.05)), "buying_less") == ["fell"]


def test_reasons_say_why_in_words():
    reasons = dict(made().listed.select("customer_id", "reason").iter_rows())
    assert reasons["grew"] == "Spent £2,000 in the last 12 months, in 4 orders."
    assert reasons["fell"] == (
        "Spent £100.00 in the last 12 months after £1,000 in the 12 months before: 90.0% less, more than chance explains."
    )
    assert reasons["noisy"].endswith("62.5% less, no more than chance explains.")
    assert reasons["gone"] == "Last order on 1 Jun 2024; spent £950.00 in the 12 months up to it."


def test_falls_are_held_against_their_mirror_image():
    note = next(n for n in made().notes if n.code == "ordinary_turnover")
    assert "2 good customers buy less" in note.text
    assert "1 of the best 20%" in note.text  # grew had spent less before


def test_an_extract_of_a_year_leaves_the_comparing_lists_out_and_says_what_is_needed():
    found = made(comparison=Comparison(date(2011, 12, 10), 12, date(2010, 12, 1)))
    assert found.lists["list"].to_list() == ["most_valuable"]
    assert [n.code for n in found.notes] == ["too_short_to_compare"]
    text = found.notes[0].text
    assert "need 24 months" in text
    assert "covers 1 Dec 2010 to 9 Dec 2011" in text
    assert "compare_months=6" in text


def test_an_extract_of_days_has_no_shorter_comparison_to_offer():
    found = made(comparison=Comparison(date(2026, 1, 20), 12, date(2026, 1, 1)))
    assert "compare_months" not in found.notes[0].text


def test_half_years_are_compared_with_a_caution_about_the_season():
    codes = {n.code: n.severity for n in made(comparison=Comparison(AS_OF, 6, date(2020, 1, 1))).notes}
    assert codes["season_against_season"] == "caution"
    assert "season_against_season" not in {n.code for n in made().notes}


@pytest.mark.parametrize(
    ("first_day", "covered"), [(date(2024, 1, 1), True), (date(2024, 1, 8), True), (date(2024, 1, 9), False)]
)
def test_a_week_late_still_covers(first_day, covered):
    assert Comparison(AS_OF, 12, first_day).is_covered is covered


def test_empty_lists_are_rows_with_nought():
    calm = FIRM.filter(pl.col("customer_id").str.starts_with("small")).with_columns(
        spend_recent=pl.col("spend_before")
    )
    found = build(calm, YEARS, Choice(), currency=None)
    assert found.lists.filter(pl.col("list") == "silent").select("n_customers", "money_at_stake").row(0) == (
        0,
        0.0,
    )
    assert found.listed.columns == list(COLUMNS)


def test_ties_with_the_last_good_customer_are_in():
    assert good_customers(pl.Series([5.0, 5.0, 5.0, 1.0]), 0.25).to_list() == [True, True, True, False]
    assert good_customers(pl.Series([0.0, -3.0]), 0.5).to_list() == [False, False]


rows = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 90), st.booleans()),
    min_size=1,
    max_size=40,
)


@given(rows)
def test_nobody_is_on_both_lists_of_decline_and_money_ties(given_rows):
    frame = pl.DataFrame(
        [
            customer(
                f"c{i}",
                recent=float(n * money),
                before=float(m * money),
                orders=(n, m),
                last=RECENTLY if n else LONG_AGO,
                active=float(max(n, m) * money),
            )
            for i, (n, m, money, _) in enumerate(given_rows)
        ]
    )
    found = build(frame, YEARS, Choice(good_share=0.5, most_valuable_share=0.3), currency=None)
    assert not set(people(found, "buying_less")) & set(people(found, "silent"))
    sums = found.listed.group_by("list").agg(pl.col("money_at_stake").sum(), n=pl.len())
    for name, money, n in sums.iter_rows():
        row = found.lists.filter(pl.col("list") == name).row(0, named=True)
        assert (row["money_at_stake"], row["n_customers"]) == (pytest.approx(money), n)


def test_steady_customers_are_seldom_flagged():
    """Compound Poisson customers whose rate does not change: at most about one in twenty falls beyond chance."""
    rng = np.random.default_rng(5)
    steady = []
    for i in range(4000):
        counts = rng.poisson(15, 2)
        recent, before = (rng.lognormal(3, 0.5, n) for n in counts)
        squares = float((recent**2).sum() + (before**2).sum())
        row = customer(
            f"c{i}",
            recent=float(recent.sum()),
            before=float(before.sum()),
            last=RECENTLY,
            orders=tuple(counts),
        )
        steady.append(row | {"squared_amounts": squares})
    found = build(pl.DataFrame(steady), YEARS, Choice(good_share=0.999), currency=None)
    n_flagged = found.lists.filter(pl.col("list") == "buying_less")["n_beyond_normal_variation"].item()
    assert 0.035 < n_flagged / 4000 < 0.065
