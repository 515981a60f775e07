"""Contracts counted by age: joined, censored, lost; and the sample company's churn found again."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

import crm_analytics as crm
from crm_analytics import clv
from crm_analytics.errors import NotEnoughDataError, OptionError


def periods(*rows):
    schema = {"customer_id": pl.String, "started_on": pl.Date, "ended_on": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row")


def counts(*rows, as_of=date(2026, 7, 1), period="month"):
    found = clv.contract_counts(periods(*rows), as_of=as_of, period=period)
    return {age: (lost, kept) for age, lost, kept in found.rows() if lost or kept}


def test_who_left_counts_at_the_period_in_which_it_ended():
    assert counts(("a", date(2026, 1, 10), date(2026, 3, 10))) == {2: (1, 0)}
    assert counts(("a", date(2026, 1, 10), date(2026, 3, 11))) == {3: (1, 0)}


def test_who_stays_counts_for_the_renewals_that_were_seen():
    assert counts(("a", date(2026, 1, 10), None)) == {5: (0, 1)}
    assert counts(("a", date(2026, 1, 1), None)) == {5: (0, 1)}, (
        "whether it renews on the as-of day is not seen yet"
    )


def test_an_end_in_the_future_has_not_happened():
    assert counts(("a", date(2026, 1, 10), date(2026, 12, 10))) == {5: (0, 1)}


def test_a_change_of_plan_is_no_loss():
    rows = [("a", date(2026, 1, 1), date(2026, 2, 1)), ("a", date(2026, 2, 1), date(2026, 4, 1))]
    assert counts(*rows) == {3: (1, 0)}
    assert counts(*rows[::-1]) == {3: (1, 0)}


def test_overlapping_periods_are_one_contract():
    rows = [("a", date(2026, 1, 1), date(2026, 5, 1)), ("a", date(2026, 2, 1), date(2026, 3, 1))]
    assert counts(*rows) == {4: (1, 0)}


def test_after_a_gap_another_contract_begins():
    rows = [("a", date(2026, 1, 1), date(2026, 2, 1)), ("a", date(2026, 3, 1), None)]
    assert counts(*rows) == {1: (1, 0), 3: (0, 1)}


def test_months_of_unequal_length_are_whole_months():
    assert counts(("a", date(2026, 1, 31), date(2026, 2, 28))) == {1: (1, 0)}
    assert counts(("a", date(2024, 2, 29), date(2025, 2, 28)), period="year") == {1: (1, 0)}


def test_longer_periods():
    assert counts(("a", date(2025, 1, 1), date(2026, 1, 1)), period="quarter") == {4: (1, 0)}


def test_the_churn_of_the_sample_company_is_found():
    # sample_data/truth.py: churn per month is beta(0.90, 11.0) over customers
    found = clv.contract_counts(crm.sample().table("subscriptions"), as_of="2026-07-01")
    fit = clv.ShiftedBetaGeometric.fit(found["n_lost"], found["n_survivors"])
    for name, truth in (("a", 0.90), ("b", 11.0)):
        assert abs(fit.params[name] - truth) < 4 * fit.standard_errors[name]
    left = np.cumprod(1 - 0.9 / (0.9 + 11.0 + np.arange(12)))[-1]
    assert fit.survival(12.0) == pytest.approx(left, abs=0.04)


def test_contracts_younger_than_a_period_tell_nothing():
    with pytest.raises(NotEnoughDataError, match="at least one month"):
        clv.contract_counts(periods(("a", date(2026, 6, 20), None)), as_of=date(2026, 7, 1))


def test_an_unknown_period_is_refused():
    with pytest.raises(OptionError, match="month, quarter, year"):
        counts(("a", date(2026, 1, 1), None), period="week")


def test_left_out_the_as_of_date_is_that_of_every_analysis_of_contracts():
    rows = [
        ("a", date(2026, 1, 10), date(2026, 3, 10)),
        ("b", date(2026, 4, 20), date(2027, 4, 20)),  # may be planned: not seen
        ("c", date(2026, 1, 10), None),
    ]
    found = clv.contract_counts(periods(*rows))
    assert found.equals(clv.contract_counts(periods(*rows), as_of=date(2026, 4, 21)))
    assert crm.survival(periods(*rows), grace_days=0).provenance.as_of == date(2026, 4, 21)
