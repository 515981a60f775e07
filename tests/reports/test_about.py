"""What stands behind a result, in words."""

from __future__ import annotations

from datetime import date

import pytest

from crm_analytics.reports import about
from crm_analytics.results import Provenance


@pytest.fixture
def found():
    return Provenance(
        sources=("orders.csv", "more.csv"),
        rows_in=1_200,
        rows_kept=1_100,
        rows_rejected=100,
        reasons={"amount is not a number": 10, "customer_id is missing": 90},
        window_start=date(2024, 1, 2),
        window_end=date(2025, 12, 31),
        as_of=date(2026, 1, 1),
        as_of_given=True,
        library_version="1.2.3",
    )


def test_rows_and_reasons_the_most_frequent_first(found):
    assert about.rows(found) == "1,200 read, 1,100 kept, 100 set aside"
    assert about.reasons(found.reasons) == (
        "90 because customer id is missing; 10 because amount is not a number"
    )
    assert about.reasons({}) == ""


def test_days_are_written_as_people_read_them(found):
    assert about.window(found) == "2 Jan 2024 to 31 Dec 2025"
    assert about.as_of(found).startswith("1 Jan 2026 (as asked;")


def test_options_are_told_without_noise():
    options = {"cuts": (2.0, 3.5), "names": {}, "share": 0.1 + 0.2, "start": None, "cut": {"a": 1.0}}
    assert about.options(options) == "cuts = (2, 3.5), share = 0.3, cut = {a: 1}"
    assert about.options({"as_of": date(2026, 1, 1), "seed": 0}) == "as_of = 2026-01-01, seed = 0"
