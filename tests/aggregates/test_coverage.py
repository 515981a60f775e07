from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import polars as pl
import pytest

from crm_analytics.aggregates.coverage import covered_from
from crm_analytics.errors import NotEnoughDataError
from crm_analytics.extracts.readers import as_extract

FRAME = pl.DataFrame(
    {
        "customer_id": ["a", "b"],
        "ordered_at": [datetime(2026, 3, 4, 9), datetime(2026, 5, 6, 9)],
        "amount": [1.0, 2.0],
    }
)


def test_a_filter_does_not_shorten_what_is_known():
    extract = as_extract(FRAME)
    narrowed = replace(extract, frame=extract.frame.filter(pl.col("customer_id") == "b"))
    assert covered_from(narrowed) == date(2026, 3, 4)


def test_without_a_check_the_rows_tell():
    extract = as_extract(FRAME)
    unchecked = replace(extract, check=replace(extract.check, window_start=None))
    assert covered_from(unchecked) == date(2026, 3, 4)


def test_no_dated_row_is_a_typed_error():
    extract = as_extract(FRAME)
    empty = replace(extract, frame=extract.frame.clear(), check=replace(extract.check, window_start=None))
    with pytest.raises(NotEnoughDataError, match="with a date"):
        covered_from(empty)
