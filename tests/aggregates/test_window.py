"""Which rows an analysis sees, and the record of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import polars as pl
import pytest

import crm_analytics
from crm_analytics.aggregates.window import Window, provenance, resolve
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.extracts.extract import Check, Extract

FIRST, LAST = datetime(2026, 1, 5, 9, 30), datetime(2026, 3, 31, 23, 59)


def extract_of(*instants, filters=()):
    frame = pl.LazyFrame(
        {"customer_id": ["a"] * len(instants), "ordered_at": list(instants), "amount": [1.0] * len(instants)},
        schema={"customer_id": pl.String, "ordered_at": pl.Datetime("us"), "amount": pl.Float64},
    )
    check = Check(
        table="transactions",
        source="orders.csv",
        rows_in=len(instants) + 2,
        rows_kept=len(instants),
        rows_rejected=2,
        by_reason={"customer_id is missing": 2},
        findings=(),
        window_start=None,
        window_end=None,
    )
    return Extract(
        table="transactions",
        frame=frame,
        check=check,
        source="orders.csv",
        recognition=(),
        details={},
        filters=filters,
    )


def test_the_window_ends_after_the_last_row_unless_said_otherwise():
    assert resolve(extract_of(FIRST, LAST)) == Window(None, date(2026, 4, 1), as_of_given=False)


def test_filters_do_not_move_the_end_of_the_window():
    whole = extract_of(FIRST, LAST)
    checked = replace(whole, check=replace(whole.check, window_start=FIRST, window_end=LAST))
    narrowed = replace(
        checked, frame=checked.frame.filter(pl.col("ordered_at") == FIRST), filters=("channel: web",)
    )
    assert resolve(narrowed) == Window(None, date(2026, 4, 1), as_of_given=False)


@pytest.mark.parametrize(
    "day", [date(2026, 2, 1), datetime(2026, 2, 1, 15), "2026-02-01", "2026-02-01T08:00"]
)
def test_days_are_taken_as_people_give_them(day):
    assert resolve(extract_of(FIRST, LAST), as_of=day) == Window(None, date(2026, 2, 1), as_of_given=True)
    assert resolve(extract_of(FIRST, LAST), start=day).start == date(2026, 2, 1)


@pytest.mark.parametrize("day", ["yesterday", "01.02.2026", 20260201])
def test_what_is_no_day_is_refused(day):
    with pytest.raises(OptionError, match=r"as_of=.*a date or text"):
        resolve(extract_of(FIRST), as_of=day)


def test_nothing_before_as_of_is_refused():
    with pytest.raises(OptionError, match=r"as_of='2026-01-05'.*a day after 2026-01-05"):
        resolve(extract_of(FIRST, LAST), as_of=date(2026, 1, 5))
    assert resolve(extract_of(FIRST, LAST), as_of=date(2026, 1, 6)).as_of == date(2026, 1, 6)


def test_a_start_that_is_not_before_as_of_is_refused():
    with pytest.raises(OptionError, match=r"start='2026-02-01'.*before as_of, 2026-02-01"):
        resolve(extract_of(FIRST, LAST), as_of=date(2026, 2, 1), start=date(2026, 2, 1))


def test_a_window_without_rows_is_not_enough():
    with pytest.raises(NotEnoughDataError, match="0 transactions from 2026-02-01 to before 2026-03-01"):
        resolve(extract_of(FIRST, LAST), start="2026-02-01", as_of="2026-03-01")


def test_an_extract_without_rows_is_not_enough():
    with pytest.raises(NotEnoughDataError, match="0 transactions with a date"):
        resolve(extract_of())


def test_provenance_tells_the_days_used_and_what_was_set_aside():
    extract = extract_of(FIRST, datetime(2026, 2, 2), LAST, filters=("country: France",))
    found = provenance(extract, resolve(extract, as_of="2026-03-01"))
    assert (found.window_start, found.window_end) == (date(2026, 1, 5), date(2026, 2, 2))
    assert (found.as_of, found.as_of_given) == (date(2026, 3, 1), True)
    assert (found.rows_in, found.rows_kept, found.rows_rejected) == (5, 3, 2)
    assert found.reasons == {"customer_id is missing": 2}
    assert found.sources == ("orders.csv",)
    assert found.filters == ("country: France",)
    assert found.library_version == crm_analytics.__version__
    later = provenance(extract, resolve(extract, start="2026-01-06"))
    assert (later.window_start, later.window_end) == (date(2026, 2, 2), date(2026, 3, 31))
