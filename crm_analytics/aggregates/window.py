"""Which rows an analysis sees, and the record of it: the window and the provenance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

import polars as pl

import crm_analytics
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.extracts.extract import Extract
from crm_analytics.results import Provenance
from crm_analytics.tables import table

Day = date | datetime | str
"""A day as people give it: a date, an instant (its day is taken) or ISO text such as "2026-01-31"."""


class BaseDay(date):
    """The as-of day of a whole base where nobody named one: the day after the last row of any of its tables."""


_RULES: Final = {"subscriptions": "the day after the last contract began"}
_OF_THE_BASE: Final = "the day after the last row of any table of the base"


@dataclass(frozen=True)
class Window:
    """The half-open window `[start, as_of)` of whole days that an analysis sees; `start` None has no lower end.

    `rule` says how `as_of` was chosen where it was not given.
    """

    start: date | None
    as_of: date
    as_of_given: bool
    rule: str = "the day after the last row"


def resolve(extract: Extract, *, as_of: Day | None = None, start: Day | None = None) -> Window:
    """Decide the window of an analysis.

    Parameters
    ----------
    extract
        The table that drives the analysis.
    as_of
        The first day that is not seen. None takes the day after the last row of the extract (`registry.run` that of the
        whole base, as a `BaseDay`), so that a result depends on the data and never on the clock. Filters do not move it: a channel without an order for a year has
        been silent for a year.
    start
        The first day that counts; None counts from the first row.

    Raises
    ------
    NotEnoughDataError
        If the extract has no dated row, or none in the window.
    OptionError
        If a day cannot be read, if no row lies before `as_of`, or if `start` does not lie before `as_of`.

    Examples
    --------
    >>> day_of("as_of", "2026-01-31"), day_of("as_of", datetime(2026, 1, 31, 15))
    (datetime.date(2026, 1, 31), datetime.date(2026, 1, 31))
    """
    first, last = _days(extract)
    if first is None or last is None:
        raise NotEnoughDataError.of(f"{extract.table} with a date", 0, 1)
    given = None if as_of is None else day_of("as_of", as_of)
    end = given or _last_day_read(extract, last) + timedelta(days=1)
    if end <= first:
        raise OptionError(
            f"as_of={end.isoformat()!r} sees none of the {extract.table}: the earliest is of {first}.",
            f"Expected a day after {first}; rows of the day itself and later are not seen.",
            f"Take a later as_of, up to {_last_day_read(extract, last) + timedelta(days=1)} to see all, or leave it out.",
        )
    begin = None if start is None else day_of("start", start)
    if begin is not None and begin >= end:
        raise OptionError.out_of_range("start", begin.isoformat(), f"a day before as_of, {end}")
    by_base = isinstance(as_of, BaseDay)
    rule = _OF_THE_BASE if by_base else _RULES.get(extract.table, Window.rule)
    window = Window(begin, end, given is not None and not by_base, rule)
    if begin is not None and _days(extract, window)[0] is None:
        raise NotEnoughDataError.of(f"{extract.table} from {begin} to before {end}", 0, 1)
    return window


def provenance(extract: Extract, window: Window) -> Provenance:
    """Record where the figures of an analysis come from: source, check, filters, days used, library version."""
    first, last = _days(extract, window)
    return Provenance(
        sources=(extract.source,),
        rows_in=extract.check.rows_in,
        rows_kept=extract.check.rows_kept,
        rows_rejected=extract.check.rows_rejected,
        reasons=dict(extract.check.by_reason),
        window_start=first,
        window_end=last,
        as_of=window.as_of,
        as_of_given=window.as_of_given,
        library_version=crm_analytics.__version__,
        filters=tuple(extract.filters),
        as_of_rule=window.rule,
    )


def day_of(option: str, value: Day) -> date:
    """Read a day as people give it; `option` names it in the error."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    try:
        return datetime.fromisoformat(value).date()
    except (TypeError, ValueError):
        raise OptionError.out_of_range(option, value, 'a day: a date or text such as "2026-01-31"') from None


def _last_day_read(extract: Extract, last: date) -> date:
    """Give the last day of the whole extract, of which `last` is the last day that filters left."""
    return last if extract.check.window_end is None else max(last, extract.check.window_end.date())


def _days(extract: Extract, window: Window | None = None) -> tuple[date | None, date | None]:
    """Find the first and last day with a row, within the window if one is given."""
    name = table(extract.table).dated_by
    if name is None:
        return None, None
    dated = pl.col(name)
    rows = extract.frame
    if window is not None:
        rows = rows.filter(dated < _at(window.as_of))
        rows = rows if window.start is None else rows.filter(dated >= _at(window.start))
    found = rows.select(first=dated.min().dt.date(), last=dated.max().dt.date())
    first, last = found.collect(engine="streaming").row(0)
    return first, last


def _at(day: date) -> datetime:
    return datetime.combine(day, time.min)
