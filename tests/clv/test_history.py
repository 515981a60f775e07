"""P(alive) along the histories: the same as summaries made at each day would give."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from crm_analytics import clv
from crm_analytics.errors import OptionError

TX = pl.DataFrame(
    {
        "customer_id": ["a", "a", "a", "b", "c", "c"],
        "ordered_at": pl.Series(
            ["2024-01-01", "2024-01-15", "2024-02-20", "2024-01-10", "2024-02-01", "2024-02-29"]
        ).str.to_datetime(time_unit="us"),
        "amount": [10.0, 20.0, 5.0, 7.0, 8.0, 9.0],
    }
)
SUMMARY = clv.summarise(TX, unit="week", as_of=date(2024, 4, 1))
FIT = clv.ModifiedBetaGeo.fit(SUMMARY, penalty=1.0)


def test_every_point_is_what_a_summary_of_that_day_would_give():
    got = clv.alive_history(FIT, TX, as_of=date(2024, 4, 1), step_days=7)
    for day in (date(2024, 1, 15), date(2024, 2, 29), date(2024, 3, 31)):
        seen = got.filter(pl.col("on") == day)
        then = clv.summarise(TX, unit="week", as_of=day + timedelta(days=1))
        wanted = then.with_columns(FIT.p_alive(then)).join(seen, on="customer_id", how="inner")
        assert wanted.height >= 1
        for column in ("frequency", "recency", "T", "p_alive"):
            assert wanted[column].to_list() == pytest.approx(wanted[f"{column}_right"].to_list(), rel=1e-12)


def test_it_falls_between_purchases_and_never_rises_without_one():
    got = clv.alive_history(FIT, TX, as_of=date(2024, 4, 1), step_days=1)
    steps = got.with_columns(change=pl.col("p_alive").diff().over("customer_id"))
    assert (steps.filter(~pl.col("purchased"))["change"].drop_nulls() <= 1e-15).all()
    assert got.group_by("customer_id").agg(pl.len()).sort("customer_id")["len"].to_list() == [91, 82, 60]
    assert got.filter("purchased").height == 6


def test_it_ends_on_the_last_day_and_marks_purchases_whatever_the_step():
    got = clv.alive_history(FIT, TX, as_of=date(2024, 4, 1), step_days=50)
    assert got.group_by("customer_id").agg(pl.col("on").max())["on"].unique().to_list() == [date(2024, 3, 31)]
    assert got.filter("purchased").height == 6
    assert got.columns == ["customer_id", "on", "frequency", "recency", "T", "p_alive", "purchased"]


def test_what_cannot_be_asked():
    with pytest.raises(OptionError, match="step_days=0"):
        clv.alive_history(FIT, TX, step_days=0)
    unitless = clv.BetaGeo.fit(SUMMARY.drop("time_unit"), penalty=1.0)
    with pytest.raises(OptionError, match="unit of time of this fit is not known"):
        clv.alive_history(unitless, TX)
