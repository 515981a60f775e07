"""From which day on an extract can answer: what lies before it is unknown, not nothing."""

from __future__ import annotations

from datetime import date

import polars as pl

from crm_analytics.errors import NotEnoughDataError
from crm_analytics.extracts.extract import Extract
from crm_analytics.tables import table


def covered_from(extract: Extract) -> date:
    """Give the first day the extract speaks of.

    The check saw the whole extract; filters narrow the rows afterwards. A channel that opened in March sold nothing
    before, which is knowledge; before the first row of the whole extract nothing is known.
    """
    if extract.check.window_start is not None:
        return extract.check.window_start.date()
    dated_by = table(extract.table).dated_by
    first = (
        None if dated_by is None else extract.frame.select(pl.col(dated_by).min().dt.date()).collect().item()
    )
    if not isinstance(first, date):
        raise NotEnoughDataError.of(f"{extract.table} with a date", 0, 1)
    return first
