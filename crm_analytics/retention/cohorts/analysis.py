"""Cohorts: how many of those who came at the same time stay, and whether that is getting better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.calendar_numbers import AnyPeriod, Calendar
from crm_analytics.aggregates.cube_cells import Activity
from crm_analytics.aggregates.order_blocks import with_numbers
from crm_analytics.aggregates.periods import WeekStart
from crm_analytics.errors import OptionError
from crm_analytics.extracts.readers import as_extract
from crm_analytics.results import Result, View
from crm_analytics.retention.cohorts import cells, notes, titles
from crm_analytics.retention.cohorts.clock import ClockName
from crm_analytics.retention.cohorts.counted import Cohorts, count_cohorts
from crm_analytics.retention.cohorts.counts import Criterion
from crm_analytics.retention.cohorts.definitions import compare_definitions as compare
from crm_analytics.retention.cohorts.options import Average, Options, Value, as_pairs
from crm_analytics.retention.cohorts.shrinkage import with_shrunk_rates
from crm_analytics.retention.cohorts.tables import averages, cohorts_table, layers, losses, payback_table
from crm_analytics.retention.cohorts.terms import TERMS, terms_for_value
from crm_analytics.retention.cohorts.trend import trend_points
from crm_analytics.retention.cohorts.words import Findings, findings, headline, summary, unit_of

__all__ = ["TERMS", "cohort_retention"]


def cohort_retention(
    tx: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    period: AnyPeriod = "month",
    criterion: Criterion = "on",
    horizon: int | None = None,
    brackets: Sequence[Sequence[int]] | None = None,
    entry: str = "first_ever",
    clock: ClockName = "calendar",
    value: Value = "customers",
    by: str | None = None,
    average: Average = "pooled",
    activity: Activity = "purchases",
    week_start: WeekStart | None = None,
    fiscal_year_start: int = 1,
    max_periods: int | None = None,
    min_customers: int = 1,
    shrink: bool = False,
    compare_definitions: bool = False,
) -> Result:
    """Say how many customers stay, whether that is getting better, and where they are lost.

    Puts customers who came in the same period into a cohort and follows each cohort by age: how many are active again,
    what they order and spend. Unfinished cells are marked and left out of every average; every rate has its number of
    customers and a Wilson interval; trends over the cohorts are tested.

    Not a forecast, and not for contracts: where leaving is observed, `survival` and `revenue_retention` say more.

    Parameters
    ----------
    tx
        Transactions: an Extract, a frame, or anything `crm.read_transactions` takes.
    as_of
        The first day that is not seen; None takes the day after the last row.
    start
        Leaves out whoever entered before this day; who is new is still decided on all history. None shows all cohorts.
    customers
        The customers table, for `by` and `entry` by its attributes, acquisition costs and `joined_on`. Optional.
    period
        Length of a cohort, and of its ages by the calendar: "day", "week", "month", "quarter" or "year".
    criterion
        Who counts as active at age k: "on", with an action at k; "on_or_after", with one at k or later (see
        `horizon`); "on_or_before", with one at any age 1 to k; "bracket", with one within a bracket of ages (see
        `brackets`); "streak", with one at every age 1 to k. At age 0 everyone is.
    horizon
        For "on_or_after": how many ages are looked at from k on, k itself counted, the same for every cohort. None
        looks ahead to `as_of`, which makes young cohorts look worse than they are; a note says so.
    brackets
        For "bracket": pairs of first and last age, both counted, such as [(1, 3), (4, 6), (7, 12)].
    entry
        "first_ever": a customer enters once, with the first action in the whole history. "recurring": anew in every
        period with an action. Or the name of an attribute ("channel", "country", "plan", "discount" …): the cohorts are
        its values at the customer's first order or, for columns of `customers`, as they stand there. A further column of
        the transactions is one where they were read with it: columns={"payment_method": "<heading>"}.
    clock
        "calendar" counts calendar periods from that of the entry. "7d" and "30d" count local days from the day of each
        customer's entry, "month" its calendar-month anniversaries, "24h" hours from its instant.
    value
        What heat map and curve show: "customers", "orders", "spend", "margin" (all per customer of the cohort),
        "average_order", "cumulative" (spend up to the age, net of refunds, per customer of the cohort) or "payback"
        (what has come back of the acquisition cost).
    by
        An attribute by which cohorts are divided into groups, of transactions or `customers` ("customers.channel" where
        both have it). At most twelve values are kept apart.
    average
        "pooled" (every customer weighs the same), "simple" (every cohort does) or "mature_only" (pooled over the same
        cohorts at every age).
    activity
        "purchases": orders that net to more than nothing; "any": refunds and free orders are activity too.
    week_start
        First day of a week; None takes that of the extract.
    fiscal_year_start
        Month with which quarters and years begin, 1 to 12.
    max_periods
        Ages after 0 that are shown; None shows all.
    min_customers
        Cohorts with fewer customers show their size and nothing else. 1 shows all.
    shrink
        Whether to add rates drawn towards those of the other cohorts (beta-binomial), for small cohorts.
    compare_definitions
        Whether to add the same base under the definitions of Mixpanel, Amplitude, PostHog and Shopify.

    Returns
    -------
    Result
        - "cells": one row per cohort and age that has begun: `cohort_on`, `period` (the age), `n_customers`,
          `n_active`, `retention_rate` with bounds, `is_complete`, orders and money, `shown_value` with bounds
        - "curve": one row per age: the average over finished cells with bounds and n
        - "averages": the same in all three definitions
        - "cohorts": one row per cohort: size, ages lived through, who came again so far, money
        - "trend", "trend_tests": retention at a few ages over the cohorts, and the test of each trend
        - "losses": at which age customers were active for the last time, of those observed as long
        - "layers": spend by cohort and calendar period (calendar clock, single entry)
        - "payback": cost of winning against what came back, by cohort (where costs are known)
        - "customers": one row per customer and cohort with the ages at which the customer was active;
          `customers_in_cell(result, cohort_on=…, period=…)` lists those of a cell; left out above ten million
        - "definitions": one row per vendor's definition and age (with `compare_definitions`)

    Raises
    ------
    NotEnoughDataError
        If no customer entered a cohort in the window.
    OptionError
        If an option is out of its range, or asks for money whose cost is not known.
    UnknownNameError
        If there is no such attribute.

    Notes
    -----
    A cell is finished when even a customer who entered on the last day of the cohort's period has lived through its
    window before `as_of`. The trend is a logistic regression of retention on the cohort's number with the variance
    scaled by the scatter found (quasi-binomial).

    References
    ----------
    Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference. McCullagh, P. and
    Nelder, J. A. (1989), Generalized Linear Models, section 4.5.

    Examples
    --------
    >>> from datetime import date
    >>> import crm_analytics as crm
    >>> orders = pl.DataFrame(
    ...     {
    ...         "customer_id": ["a", "a", "b", "c"],
    ...         "ordered_at": [date(2026, 1, 5), date(2026, 2, 5), date(2026, 1, 20), date(2026, 3, 1)],
    ...         "amount": [80.0, 15.0, 5.0, 9.0],
    ...     }
    ... )
    >>> cells = crm.cohort_retention(orders).tables()["cells"]
    >>> cells.select("period", "n_customers", "n_active", "is_complete").rows()
    [(0, 2, 2, True), (1, 2, 1, True), (2, 2, 0, False), (0, 1, 1, False)]
    """
    options = Options(
        criterion=criterion, horizon=horizon, brackets=as_pairs(brackets), entry=entry, clock=clock, value=value, by=by,
        average=average, activity=activity, max_periods=max_periods, min_customers=min_customers, shrink=shrink,
    )  # fmt: skip
    extract = as_extract(tx, keep=(by, entry))
    calendar = Calendar(period, week_start or extract.week_start, fiscal_year_start)
    window = windows.resolve(extract, as_of=as_of, start=start)
    people = None if customers is None else as_extract(customers, table="customers")
    found = count_cohorts(extract, people, window, calendar, options)
    _check_costs(found)
    tables = _tables(found)
    if compare_definitions:
        tables["definitions"] = compare(
            with_numbers(extract),
            as_of=window.as_of,
            start=window.start,
            calendar=calendar,
            activity=activity,
        )
    words = findings(found, tables["cells"], tables["curve"])
    tables["trend_tests"] = words.tests
    tables["losses"] = losses(found)
    return Result.of(
        "cohort_retention",
        title="Cohort retention",
        headline=headline(words),
        summary=summary(words),
        tables=tables if found.customer_list is None else {**tables, "customers": found.customer_list},
        views=tuple(_views(words, tables)),
        parameters={
            "period": period, "criterion": criterion, "horizon": horizon,
            "brackets": None if brackets is None else [list(b) for b in brackets], "entry": entry, "clock": clock,
            "value": value, "by": by, "average": average, "activity": activity, "week_start": calendar.week_start,
            "fiscal_year_start": fiscal_year_start, "max_periods": max_periods, "min_customers": min_customers,
            "shrink": shrink, "compare_definitions": compare_definitions, "age_unit": unit_of(found),
        },
        provenance=windows.provenance(extract, window),
        notes=(*notes.notes(words), *notes.compared(tables.get("definitions"), period)),
        terms=terms_for_value(value),
        currency=extract.currency,
    )  # fmt: skip


def _tables(found: Cohorts) -> dict[str, pl.DataFrame]:
    counted = cells.cells(found.grid, found.clock, found.options)
    if found.options.shrink:
        counted = with_shrunk_rates(counted)
    tables = {
        "cells": counted,
        "curve": cells.curve(found.times, found.options),
        "averages": averages(found),
        "cohorts": cohorts_table(found),
        "trend": trend_points(found),
        "layers": layers(found),
        "payback": payback_table(found),
    }
    return {name: table for name, table in tables.items() if table is not None}


def _views(words: Findings, tables: dict[str, pl.DataFrame]) -> Iterator[View]:
    yield View("heatmap", titles.heatmap(words), "cells")
    yield View("curves", titles.curves(words), "curve")
    if words.cohorts.options.attribute is None and tables["trend"].height:
        yield View("trend", titles.trend(words), "trend")
    if words.marks and words.never[1]:
        yield View("losses", titles.losses(words), "losses")
    if "layers" in tables:
        yield View("layers", titles.layers(words, tables["layers"]), "layers")
    if "payback" in tables:
        yield View("payback", titles.payback(words), "payback")


def _check_costs(found: Cohorts) -> None:
    """Refuse to show money whose cost is not known."""
    if found.options.value == "margin" and found.times.chosen is None:
        raise OptionError(
            "value='margin' was asked for, and the transactions have no cost.",
            "A column cost was expected.",
            "Name it with columns={'cost': '<heading>'}, or show spend.",
        )
    if found.options.value == "payback" and found.times.payback is None:
        raise OptionError(
            "value='payback' was asked for, and no acquisition cost is known.",
            "A customers table with a column acquisition_cost was expected.",
            "Pass it with customers=crm.read_customers(…).",
        )
