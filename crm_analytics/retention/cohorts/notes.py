"""What a reader of a cohort table must know: what was assumed, and what is weak."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from crm_analytics import formats
from crm_analytics.aggregates.coverage import covered_from
from crm_analytics.results import Note
from crm_analytics.retention.cohorts.customers import MOST_LISTED
from crm_analytics.retention.cohorts.definitions import spread
from crm_analytics.retention.cohorts.tables import DEFINITIONS
from crm_analytics.retention.cohorts.words import Findings, overall_tests

_FEW: Final = 30
_TWO_YEARS: Final = 730
_SCATTERED: Final = 1.5


def notes(found: Findings) -> Iterator[Note]:
    """Say everything, the gravest first."""
    yield from _late_start(found)
    yield from _open_ended(found)
    yield from _unfinished(found)
    yield from _cut(found)
    yield from _average(found)
    yield from _small(found)
    yield from _scattered(found)
    yield from _season(found)
    yield from _losses(found)
    yield from _counted(found)
    yield from _money(found)
    yield from _unlisted(found)


def compared(definitions: pl.DataFrame | None, period: str) -> Iterator[Note]:
    """Say how far the definitions lie apart, where they were compared: in the first period and the last."""
    if definitions is None or definitions.is_empty():
        return
    last = definitions["period"].max()
    for at in sorted({1, last if isinstance(last, int) else 1}):
        text = spread(definitions, period, at)
        if text is not None:
            yield Note("definitions_differ", text)


def _late_start(found: Findings) -> Iterator[Note]:
    late = found.late_start
    if late is None:
        return
    calendar = found.cohorts.clock.calendar
    first, second = (formats.value(calendar.first_day(late.cohort + i), "day") for i in (0, 1))
    begins = formats.value(covered_from(found.cohorts.extract), "day")
    if late.n_joined_before is not None:
        why = f"{late.n_joined_before:,} of them joined before the extract begins ({begins})"
    else:
        why = (
            f"it has {late.n_first:,} customers where the next cohorts have about {late.n_usual:,.0f}, and the extract "
            f"begins on {begins}; if the firm itself did, take no notice"
        )
    text = (
        f"The first cohort ({first}) seems to hold customers who had ordered before: {why}. Old customers stay longer than "
        f"new ones, so its retention is too high. The trend leaves it out; to leave it out everywhere, "
        f"begin with {second}."
    )
    start = f"start={calendar.first_day(late.cohort + 1).isoformat()}"
    yield Note("left_truncation", text, "caution", start)


def _open_ended(found: Findings) -> Iterator[Note]:
    if found.cohorts.options.is_open_ended:
        text = (
            "“On or after” looks ahead to the as-of date: young cohorts have had less time to come back than old ones, so their "
            "rates are too low, and rates of the last ages too. A horizon, of three periods say, gives every cell the same time."
        )
        yield Note("open_ended", text, "caution", "horizon=3")


def _unfinished(found: Findings) -> Iterator[Note]:
    n = found.cells.filter(~pl.col("is_complete")).height
    if n:
        cells, they = ("1 cell is", "It is") if n == 1 else (f"{n:,} cells are", "They are")
        text = (
            f"{cells} not finished: not every customer has lived through the window. {they} marked and left out of all "
            "averages and trends."
        )
        yield Note("unfinished_cells", text)


def _cut(found: Findings) -> Iterator[Note]:
    if found.cohorts.shape.is_cut:
        last = int(found.cohorts.times.windows.period.max())
        text = f"Ages beyond {found.unit} {last:,} are left out: the table would be too large. A longer period shows them."
        yield Note("ages_left_out", text)


def _average(found: Findings) -> Iterator[Note]:
    options = found.cohorts.options
    ends = "the spread between cohorts (Student's)" if options.average == "simple" else "Wilson's method"
    text = f"Average “{options.average}”: {DEFINITIONS[options.average]} Its 95% interval is from {ends}."
    yield Note("average", text)


def _small(found: Findings) -> Iterator[Note]:
    options, sizes = found.cohorts.options, found.cells
    hidden = sizes.filter(pl.col("is_suppressed"))
    keys = [c for c in ("group", "cohort_on") if c in sizes.columns]
    if hidden.height:
        n = hidden.select(keys).unique().height
        text = (
            f"{'1 cohort has' if n == 1 else f'{n:,} cohorts have'} fewer than {options.min_customers} customers and "
            f"{'is' if n == 1 else 'are'} not shown; {'its' if n == 1 else 'their'} customers count in pooled averages, "
            f"{'its' if n == 1 else 'their'} spend in the layers."
        )
        yield Note("suppressed", text)
    few = sizes.filter((pl.col("n_customers") < _FEW) & ~pl.col("is_suppressed")).select(keys).unique().height
    if few:
        text = (
            f"{'1 cohort has' if few == 1 else f'{few:,} cohorts have'} fewer than {_FEW} customers: read the intervals, not "
            "the rates alone. They can be drawn towards the others, or hidden."
        )
        yield Note("small_cohorts", text, "caution", "shrink=True, min_customers=30")


def _season(found: Findings) -> Iterator[Note]:
    tested = found.tests.filter(pl.col("rate_change").is_not_null())
    entries = found.cohorts.entries
    span = entries.last_day - entries.first_day
    if tested.height and found.cohorts.options.attribute is None and span < _TWO_YEARS:
        text = "The cohorts span less than two years, so a trend over them may be a season."
        yield Note("season_or_trend", text)


def _scattered(found: Findings) -> Iterator[Note]:
    most = overall_tests(found)["dispersion"].max()
    if isinstance(most, float) and most > _SCATTERED:
        text = (
            f"Cohorts differ more than chance would have them (up to {most:.1f} times its variance around the trend). The interval "
            "of an average is that of these customers; the next cohort may lie well outside it."
        )
        yield Note("cohorts_differ", text)


def _losses(found: Findings) -> Iterator[Note]:
    if found.marks and found.never[1]:
        text = (
            f"Losses look at {found.longest} {found.unit}{'' if found.longest == 1 else 's'} after the first: whose last action lies late in them "
            "had little time to come back and may still do so."
        )
        yield Note("losses_so_far", text)


def _counted(found: Findings) -> Iterator[Note]:
    options, clock = found.cohorts.options, found.cohorts.clock
    if options.activity == "any":
        yield Note("any_activity", "Refunds and free orders count as activity too, as asked.")
    if options.kind == "recurring":
        text = (
            "A customer enters a cohort anew in every period with an order and so counts several times; the intervals take "
            "entries for independent and are too short."
        )
        yield Note("recurring", text, "caution")
    if clock.name == "24h" and clock.time_zone is None:
        text = "The extract names no time zone, so every day is taken to have 24 hours, also where clocks change."
        yield Note("no_time_zone", text)


def _money(found: Findings) -> Iterator[Note]:
    counts = found.cohorts.counts
    n = counts.n_lines_without_cost
    if n:
        text = f"The cost of {n:,} lines is not known; margin is empty in the cells they fall into."
        yield Note("margin_not_known", text)
    if counts.grid.payback is not None:
        basis = "margin" if n == 0 else "spend, because not every cost is known"
        text = (
            f"Payback sets {basis}, against what winning the same customers cost; others are left out of it."
        )
        yield Note("payback", text.replace("margin,", "margin"))
    before = round(found.cohorts.entries.spend - float(counts.spend.sum()), 6)
    if abs(before) >= 0.005 and found.cohorts.options.kind == "first_ever":  # noqa: PLR2004 half a penny
        money = formats.money(before, found.cohorts.extract.currency)
        text = f"{money} is in no cell: money before a customer's first order, of customers without one, or of cohorts before the start."
        yield Note("money_in_no_cell", text)


def _unlisted(found: Findings) -> Iterator[Note]:
    if found.cohorts.customer_list is None:
        text = (
            f"The {found.cohorts.entries.n:,} customers are not listed one by one, there being more than {MOST_LISTED:,}; "
            "with start= or of one country or channel they are."
        )
        yield Note("customers_not_listed", text)
