from __future__ import annotations

import dataclasses
import math

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics import clv
from crm_analytics.clv.models.compare import akaike_weights, best_of, compare
from crm_analytics.clv.models.fit import Diagnosis
from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError


def histories(*rows: tuple[float, float, float, float]) -> pl.DataFrame:
    """(frequency, recency, T, weight)."""
    return pl.DataFrame(rows, schema=["frequency", "recency", "T", "weight"], orient="row")


SHOP = histories(
    (0, 0, 30, 600), (0, 0, 20, 300), (1, 5, 30, 90), (1, 20, 28, 60), (2, 12, 30, 40), (2, 25, 27, 30),
    (3, 8, 30, 20), (4, 28, 30, 15), (6, 29, 30, 8), (9, 22, 24, 4), (12, 27, 30, 2),
)  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return compare(SHOP)


def test_every_model_has_its_row_the_lowest_aic_first(found):
    table = found.table
    assert set(table["model"]) == {"BG/NBD", "MBG/NBD", "Pareto/NBD"}
    assert table["aic"].is_sorted()
    assert table["aic_difference"].min() == 0
    assert table["akaike_weight"].sum() == pytest.approx(1)


def test_the_figures_are_those_of_the_fits(found):
    n = SHOP["weight"].sum()
    fit = clv.BetaGeo.fit(SHOP)
    row = found.table.filter(model="BG/NBD").row(0, named=True)
    assert row["log_likelihood"] == pytest.approx(fit.log_likelihood)
    assert row["aic"] == pytest.approx(8 - 2 * fit.log_likelihood)
    assert row["bic"] == pytest.approx(4 * math.log(n) - 2 * fit.log_likelihood)


def test_the_best_is_the_lowest_aic_among_the_identified(found):
    sound = found.table.filter("is_identified")
    assert found.best is not None
    assert found.fit is found.fits[found.best]
    assert found.table.filter("is_best")["aic"][0] == sound["aic"].min()


def test_the_words_name_the_choice_and_the_one_time_buyers(found):
    assert found.words.startswith(found.table.filter("is_best")["model"][0])
    assert "77% of customers bought once only" in found.words


def test_weights_worked_by_hand():
    two = akaike_weights([10.0, 12.0])
    assert two == pytest.approx([1 / (1 + math.exp(-1)), math.exp(-1) / (1 + math.exp(-1))])
    assert akaike_weights([]) == []
    assert akaike_weights([0.0, 1e6]) == [1.0, 0.0]


def test_an_unidentified_model_is_not_taken_while_a_sound_one_is_there(found):
    fits = dict(found.fits)
    lowest = min(fits, key=lambda n: fits[n].aic)
    unsure = dataclasses.replace(fits[lowest], diagnosis=(Diagnosis("ridge", "A ridge."),))
    assert best_of({**fits, lowest: unsure}) != lowest
    assert best_of({lowest: unsure}) == lowest


def test_without_repeat_purchases_the_reason_is_said():
    found = compare(histories((0, 0, 30, 50), (0, 0, 20, 10)))
    assert found.best is found.fit is None
    assert found.words.startswith("No model can be fitted: found 0 repeat purchases.")
    assert found.table["aic"].is_null().all()
    assert found.table["diagnosis"].str.contains("repeat purchases").all()


@pytest.mark.parametrize(
    "rows",
    [
        [(3, 20, 30, 1)],
        [(1, 10, 10, 40), (2, 10, 10, 40)],
        [(5, 30, 30, 200), (6, 30, 30, 200), (5, 29, 30, 100)],
        [(0, 0, 30, 70), (1, 2, 30, 29), (400, 29, 30, 1)],
    ],
    ids=["one customer", "all bought on the last day", "everybody alike and nobody left", "one outlier"],
)
def test_degenerate_data_end_in_words(rows):
    found = compare(histories(*rows))
    assert found.table.height == 3
    assert found.words
    assert found.table["log_likelihood"].drop_nulls().is_finite().all()
    if found.best is not None and not found.table["is_identified"].any():
        assert "No model is identified in full" in found.words
        assert found.table["diagnosis"].drop_nulls().len() > 0


def test_few_repeat_buyers_are_said():
    assert "Only 9 bought again" in compare(histories((0, 0, 30, 60), (1, 5, 30, 5), (2, 20, 25, 4))).words


def test_units_of_time_change_nothing(found):
    days = compare(SHOP.with_columns(pl.col("recency", "T") * 7))
    assert days.best == found.best
    assert days.table["model"].to_list() == found.table["model"].to_list()
    assert days.table["aic_difference"].to_list() == pytest.approx(
        found.table["aic_difference"].to_list(), abs=1e-4
    )


def test_cdnow_is_told_apart_from_pareto_but_not_from_bg(shared_data):
    frame = pl.read_csv(shared_data("cdnow/cdnow_customers_summary_with_transactions.csv"))
    found = compare(frame.rename({"x": "frequency", "t_x": "recency"}))
    assert found.best == "mbg_nbd"
    assert found.table["model"].to_list() == ["MBG/NBD", "BG/NBD", "Pareto/NBD"]
    # -9582.13268, -9582.42556, -9594.97393: published and recomputed log-likelihoods of the rounded data
    assert found.table["aic_difference"].to_list() == pytest.approx([0, 0.58576, 25.6825], abs=2e-4)
    assert "clearly better than Pareto/NBD (25.7 higher)" in found.words
    assert "BG/NBD does as well" in found.words
    assert "60% of customers bought once only" in found.words


def test_a_comparison_does_not_change(found):
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.best = "bg_nbd"


def test_bad_input_is_a_typed_error():
    with pytest.raises(ColumnError, match="recency"):
        compare(SHOP.drop("recency"))
    with pytest.raises(OptionError, match="recency beyond T"):
        compare(histories((1, 40, 30, 1)))
    with pytest.raises(NotEnoughDataError, match="customers"):
        compare(SHOP.clear())


def test_regular_buyers_are_told_where_gaps_are_known():
    rng = np.random.default_rng(3)
    rows = []
    for _ in range(400):
        rate, left, t, gaps = rng.gamma(1.5, 0.4), False, 0.0, []
        while not left:
            gap = rng.gamma(3.0, 1 / (3.0 * rate))  # the sum of three random waits
            if t + gap > 40:
                break
            t, gaps, left = t + gap, [*gaps, gap], rng.random() < 0.15
        rows.append((len(gaps), t, 40.0, float(np.log(gaps).sum()) if gaps else 0.0))
    summary = pl.DataFrame(rows, schema=["frequency", "recency", "T", "log_interval_sum"], orient="row")
    found = compare(summary)
    assert found.best in {"bg_cnbd_k", "mbg_cnbd_k"}
    assert found.fit.k == 3
    assert "the sum of 3 random waits" in found.words
    assert "BG/CNBD-3" in found.table["model"].to_list()
    assert compare(summary.drop("log_interval_sum")).best in {"bg_nbd", "mbg_nbd", "pareto_nbd"}


def test_cdnow_shows_no_regularity(shared_data):
    tx = crm.read_transactions(shared_data("cdnow/CDNOW_sample.txt"))
    found = compare(clv.summarise(tx, as_of="1997-10-01", unit="week", log_intervals=True))
    assert found.table.height == 3  # k = 1 wins, and that is MBG/NBD
    assert found.best == "mbg_nbd"
