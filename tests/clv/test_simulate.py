"""Simulated customers do as the model says, and fits find the parameters again, the closer the more there are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from crm_analytics import clv
from crm_analytics.errors import OptionError

SOME = pl.DataFrame(
    {
        "frequency": [0, 1, 4],
        "recency": [0.0, 5.0, 20.0],
        "T": [30.0, 30.0, 25.0],
        "monetary_value": [0.0, 5.0, 9.0],
    }
)
TRUTH = {
    "bg": clv.BetaGeo.fit(SOME, penalty=1.0).at(np.array([0.6, 40.0, 0.8, 2.4])).with_time_unit("day"),
    "mbg": clv.ModifiedBetaGeo.fit(SOME, penalty=1.0)
    .at(np.array([0.9, 40.0, 0.8, 2.4]))
    .with_time_unit("day"),
    "pareto": clv.ParetoNBD.fit(SOME, penalty=1.0).at(np.array([0.9, 40.0, 0.7, 60.0])).with_time_unit("day"),
}
SPEND = clv.GammaGamma.fit(pl.concat([SOME, SOME]), penalty=1.0)
SPEND = type(SPEND)(**{**vars(SPEND), "params": {"p": 6.0, "q": 4.0, "v": 15.0}})
EACH = pytest.mark.parametrize("name", TRUTH)


def exact_histories(tx, length):
    """Frequency, recency and T to the second, without merging the purchases of a day."""
    first = pl.col("ordered_at").min()
    micros = 86_400_000_000
    return (
        tx.group_by("customer_id")
        .agg(
            frequency=pl.len() - 1.0,
            recency=(pl.col("ordered_at").max() - first).dt.total_microseconds() / micros,
            T=length - (first - pl.datetime(2024, 1, 1)).dt.total_microseconds() / micros,
        )
        .sort("customer_id")
    )


@EACH
def test_the_mean_number_of_purchases(name):
    tx = clv.simulate(TRUTH[name], 40_000, length=365, seed=1)
    counts = tx.group_by("customer_id").len()["len"] - 1
    error = counts.std() / 200
    assert counts.mean() == pytest.approx(TRUTH[name].expected_of_new_customer(365), abs=4 * error)
    none = (counts == 0).mean()
    assert none == pytest.approx(clv.probability_of_purchases(TRUTH[name], 0, horizon=365)[0], abs=0.01)


@EACH
def test_what_follows_a_history(name):
    # predictions for those who look alike after half the time, against what they then do
    tx = clv.simulate(TRUTH[name], 60_000, length=400, seed=2)
    before = tx.filter(pl.col("ordered_at") < pl.datetime(2024, 1, 1) + pl.duration(days=200))
    histories = exact_histories(before, 200.0)
    after = tx.filter(pl.col("ordered_at") >= pl.datetime(2024, 1, 1) + pl.duration(days=200))
    later = after.group_by("customer_id").agg(n=pl.len().cast(pl.Float64))
    found = (
        histories.with_columns(TRUTH[name].expected_purchases(histories, horizon=200.0))
        .join(later, on="customer_id", how="left")
        .with_columns(
            pl.col("n").fill_null(0.0),
            kind=pl.col("frequency").clip(0, 3) * 10 + (pl.col("recency") > 120),
        )
        .group_by("kind")
        .agg(
            pl.col("n").mean(),
            pl.col("expected_purchases").mean(),
            error=pl.col("n").std() / pl.len().cast(pl.Float64).sqrt(),
        )
    )
    gap = (found["n"] - found["expected_purchases"]).abs()
    assert found.height >= 7
    assert (gap < 4.5 * found["error"]).all(), found


@EACH
def test_estimates_come_closer_the_more_customers_there_are(name):
    truth = TRUTH[name]
    gaps = []
    for n in (1_000, 10_000, 40_000):
        tx = clv.simulate(truth, n, length=500, arrivals=250, seed=3)
        fit = type(truth).fit(exact_histories(tx, 500.0))
        assert fit.is_identified
        gaps.append(max(abs(np.log(fit.params[k] / truth.params[k])) for k in truth.names))
        for k in truth.names:
            off = np.log(fit.params[k] / truth.params[k]) / (fit.standard_errors[k] / fit.params[k])
            assert abs(off) < 3.5, (n, k)
    assert gaps[2] < 0.12
    assert gaps[2] < gaps[0]


def test_spend_is_found_again():
    tx = clv.simulate(TRUTH["bg"], 20_000, length=365, spend=SPEND, seed=4)
    summary = clv.summarise(tx, unit="day")
    fit = clv.GammaGamma.fit(summary)
    for k in fit.names:
        assert abs(fit.params[k] - SPEND.params[k]) < 3.5 * fit.standard_errors[k], k
    assert fit.mean_spend == pytest.approx(SPEND.mean_spend, rel=0.03)


def test_the_same_seed_makes_the_same_customers():
    one, same, other = (clv.simulate(TRUTH["bg"], 50, length=90, seed=s) for s in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


def test_what_a_simulation_looks_like():
    tx = clv.simulate(
        TRUTH["pareto"].with_time_unit("week"), 120, length=20, arrivals=10, spend=SPEND, seed=5
    )
    assert tx.schema == {"customer_id": pl.String, "ordered_at": pl.Datetime("us"), "amount": pl.Float64}
    assert tx["customer_id"].n_unique() == 120
    assert tx["customer_id"].str.len_chars().unique().to_list() == [3]
    assert tx["ordered_at"].is_sorted()
    assert tx["amount"].min() > 0
    assert (tx["ordered_at"].max() - tx["ordered_at"].min()).days < 140
    summary = clv.summarise(tx, unit="week")
    assert summary.height == 120
    assert summary["T"].max() <= 20


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 0, "length": 3}, "n=0"),
        ({"n": 3, "length": 0}, "length=0"),
        ({"n": 3, "length": 3, "arrivals": 4}, "arrivals=4"),
    ],
    ids=str,
)
def test_what_cannot_be_asked(options, words):
    n = options.pop("n")
    with pytest.raises(OptionError, match=words):
        clv.simulate(TRUTH["bg"], n, **options)
