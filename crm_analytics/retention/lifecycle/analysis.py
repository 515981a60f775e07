"""The life cycle: who comes, stays, falls silent and comes back, period by period, and where the base is heading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final, get_args

import numpy as np
import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.calendar_numbers import AnyPeriod, Calendar
from crm_analytics.aggregates.coverage import covered_from
from crm_analytics.aggregates.occasions import occasions
from crm_analytics.aggregates.periods import WeekStart
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.extracts.readers import as_extract
from crm_analytics.results import Result, View
from crm_analytics.retention.cadence import cadence
from crm_analytics.retention.lifecycle import tables, words
from crm_analytics.retention.lifecycle.flows import Flags, Flows, flows
from crm_analytics.retention.lifecycle.projection import Projection, project
from crm_analytics.retention.lifecycle.spells import HALF_A_YEAR, Definition, Lives, Rule, lives
from crm_analytics.retention.lifecycle.terms import TERMS

_MOST_AHEAD: Final = 120
_FEWEST_DRAWS: Final = 100


def lifecycle(
    tx: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    period: AnyPeriod = "month",
    definition: Definition = "fixed",
    lapse: int | None = None,
    lost: int | None = None,
    late_below: float = 0.10,
    lookback: int = 12,
    horizon: int = 12,
    week_start: WeekStart | None = None,
    fiscal_year_start: int = 1,
    n_draws: int = 1000,
    seed: int = 0,
) -> Result:
    """Say who comes, stays, falls silent and comes back, period by period, and where the base is heading.

    The active base holds the customers who ordered recently enough. Every period it gains new customers and those who
    come back after a pause, and loses those who go dormant: opening + new + back - dormant = closing, always.

    Not for contracts, where leaving is observed (see `survival` and `revenue_retention`). Not a forecast of single
    customers (see `lifetime_value`): the projection says where today's rates lead, not that they will last.

    Parameters
    ----------
    tx
        Transactions: an Extract, a frame, or anything `crm.read_transactions` takes.
    as_of
        The first day that is not seen; None takes the day after the last row.
    start
        The first period shown is the one in which this day lies; None shows all. Who is new, and in which state a
        customer is, is decided on all orders before `as_of` whatever it is.
    customers
        The customers table, to say how many never ordered and are in no state. Optional.
    period
        "day", "week", "month", "quarter" or "year" of the calendar.
    definition
        When a customer is dormant. "fixed": after `lapse` periods without an order. "own_cadence": once the silence is
        longer than all but `late_below` of the gaps of a customer with such a history who is still active; customers
        without a second order have no rhythm of their own, and the fixed rule holds for them.
    lapse
        Periods without an order after which a customer is dormant, 1 or more. None takes half a year (182 days, 26 weeks,
        6 months, 2 quarters, 1 year). With 1, customers are dormant in every period in which they do not order.
    lost
        Periods without an order after which a dormant customer is lost, more than `lapse`. None takes twice `lapse`.
    late_below
        For "own_cadence": how unlikely the silence of an active customer must be, in (0, 0.5].
    lookback
        How many of the last whole periods rates, averages and projection are learned from, 1 or more; 12 months hold every
        season once. The first `lapse` periods of the extract, in which nobody can go dormant yet, are left out.
    horizon
        How many periods ahead are projected, 1 to 120.
    week_start
        The day on which a week begins; None takes that of the extract.
    fiscal_year_start
        The month, 1 to 12, in which the year begins.
    n_draws
        Draws for the bounds of the projection, at least 100.
    seed
        Seed of the draws.

    Returns
    -------
    Result
        - "flows": one row per period: opening, new, back, dormant, closing, pulse with bounds, pools of dormant and lost
        - "transitions": one row per state and state a period later: counts and rate with bounds
        - "activity": one row per number of days with an order in a period: exactly and at least, with bounds
        - "projection": one row per period ahead: expected base and customers ordering, with bounds
        - "steady": one row per state and for the base: customers now and in the long run, with bounds
        - "customers": one row per customer: state, since when, by when an order is needed to stay active

    Raises
    ------
    NotEnoughDataError
        If nobody ordered before `as_of`.
    OptionError
        If an option is out of its range.

    Notes
    -----
    "New" is the first order ever in the extract. A period that is still running is marked and left out of rates and
    averages; nobody goes dormant in it, since it can still bring their order. Pulse is (new + back) / dormant; its bounds
    are those of a ratio of two Poisson counts. For "own_cadence" only a customer's own gaps up to each order are looked
    at; what is common to all customers is learned from the whole history. Rates are pooled over `lookback` periods with
    Wilson's interval. Bounds of the projection draw whole periods with replacement, rates from their Dirichlet
    distribution and what so many customers do by chance, so that they are those of the count to come; the long run, whose bounds
    are those of the number expected, is b (I - Q)^-1 (Kemeny and Snell 1976).

    References
    ----------
    Wilson, E. B. (1927), JASA 22, 209-212. Kemeny, J. G. and Snell, J. L. (1976), Finite Markov Chains, chapter 3.

    Examples
    --------
    >>> from datetime import date
    >>> import crm_analytics as crm
    >>> orders = pl.DataFrame(
    ...     {
    ...         "customer_id": ["a", "a", "b", "a"],
    ...         "ordered_at": [date(2026, 1, 5), date(2026, 2, 5), date(2026, 2, 7), date(2026, 4, 5)],
    ...         "amount": [10.0, 10.0, 10.0, 10.0],
    ...     }
    ... )
    >>> result = lifecycle(orders, lapse=1, as_of=date(2026, 5, 1))
    >>> result.tables()["flows"].select("n_opening", "n_new", "n_resurrected", "n_newly_dormant", "n_closing").rows()
    [(0, 1, 0, 0, 1), (1, 1, 0, 0, 2), (2, 0, 0, 2, 0), (0, 0, 1, 0, 1)]
    """
    rule = _rule(period, definition, lapse, lost, late_below)
    _check(lookback, horizon, n_draws)
    extract = as_extract(tx)
    window = windows.resolve(extract, as_of=as_of, start=start)
    calendar = Calendar(period, week_start or extract.week_start, fiscal_year_start)
    rows = occasions(extract.frame, as_of=window.as_of)
    if rows.is_empty():
        raise NotEnoughDataError.of("customers with an order", 0, 1)
    rhythm = cadence(rows, as_of=window.as_of) if definition == "own_cadence" else None
    lived = lives(rows, rule, calendar, window.as_of, rhythm)
    seen = _seen(lived, calendar, window, covered_from(extract), (rule.lapse, lookback))
    counted = flows(lived.spells)
    chosen = seen.learned
    now = counted.stocks[seen.last_whole]
    given = window.as_of if window.as_of_given else None
    ahead = project(
        counted.stocks[chosen], counted.moves[chosen], now, horizon=horizon, n_draws=n_draws, seed=seed
    )
    found = _findings(rows, lived, counted, seen, calendar, rule, window, ahead)
    return Result.of(
        "lifecycle",
        title="Life cycle",
        headline=words.headline(found),
        summary=words.summary(found),
        tables=found.tables,
        views=tuple(_views(found)),
        parameters={
            "period": period,
            "definition": definition,
            "lapse": rule.lapse,
            "lost": rule.lost,
            "late_below": late_below,
            "lookback": lookback,
            "horizon": horizon,
            "week_start": calendar.week_start,
            "fiscal_year_start": fiscal_year_start,
            "n_draws": n_draws,
            "seed": seed,
        },
        provenance=windows.provenance(extract, window),
        notes=(*words.notes(found), *words.never_ordered(rows, _ids(customers, window.as_of), given)),
        terms=TERMS,
        currency=extract.currency,
    )


@dataclass(frozen=True)
class _Seen:
    """Which periods are shown, whole, and learned from."""

    starts: list[date]
    whole: Flags
    learned: Flags
    first_shown: int
    last_whole: int
    covered_from: date


def _seen(
    lived: Lives, calendar: Calendar, window: windows.Window, covered: date, learn: tuple[int, int]
) -> _Seen:
    """Say which periods are shown, whole, and learned from: the last so many in which customers can go dormant."""
    lapse, lookback = learn
    n = lived.spells.n_periods
    edges = [calendar.first_day(lived.number_of(i)) for i in range(n + 1)]
    whole = np.array([covered <= a and b <= window.as_of for a, b in pairwise(edges)])
    first = 0 if window.start is None else calendar.number_of(window.start) - lived.first_number
    places = np.flatnonzero(whole)
    usable = places[places >= max(first, 1)]
    settled = usable[usable >= lapse]
    learned = np.zeros(n, bool)
    learned[(settled if settled.size else usable)[-lookback:]] = True
    last_whole = int(places[-1]) if places.size else n - 1
    return _Seen(edges[:-1], whole, learned, min(max(first, 0), n - 1), last_whole, covered)


def _findings(
    rows: pl.DataFrame,
    lived: Lives,
    counted: Flows,
    seen: _Seen,
    calendar: Calendar,
    rule: Rule,
    window: windows.Window,
    ahead: Projection | None,
) -> words.Findings:
    now = counted.stocks[seen.last_whole]
    table = tables.flow_table(counted, seen.starts, seen.whole)
    next_number = lived.number_of(seen.last_whole + 1)
    return words.Findings(
        tables={
            "flows": table[seen.first_shown :],
            "transitions": tables.transition_table(counted.moves[seen.learned]),
            "activity": tables.activity_table(lived, seen.learned),
            "projection": tables.projection_table(ahead, calendar, next_number),
            "steady": tables.steady_table(ahead, now),
            "customers": tables.customer_table(rows, lived, calendar, window.as_of),
        },
        learned=table.filter(pl.Series(seen.learned)),
        latest=table.row(seen.last_whole, named=True),
        rule=rule,
        period=calendar.period,
        projection=ahead,
        long_gaps=words.share_of_long_gaps(rows, lived.spells, seen.last_whole),
        covered_from=seen.covered_from,
    )


def _views(found: words.Findings) -> Iterator[View]:
    yield View("flows", words.flows_title(found), "flows")
    yield View("base", words.base_title(found), "flows")
    yield View("transitions", f"What becomes of customers a {found.period} later", "transitions")
    yield View("activity", words.activity_title(found), "activity")
    yield View("projection", words.projection_title(found), "projection")


def _ids(customers: Any, as_of: date) -> pl.DataFrame | None:  # noqa: ANN401 as in lifecycle
    """Give who is in the customers table, those aside who joined on `as_of` or later."""
    if customers is None:
        return None
    rows = as_extract(customers, table="customers").frame
    if "joined_on" in rows.collect_schema():
        rows = rows.filter((pl.col("joined_on") < as_of).fill_null(value=True))
    found: pl.DataFrame = rows.select("customer_id").unique().collect()
    return found


def _rule(
    period: AnyPeriod, definition: Definition, lapse: int | None, lost: int | None, late_below: float
) -> Rule:
    if period not in HALF_A_YEAR:
        raise OptionError.out_of_range("period", period, f"one of {', '.join(HALF_A_YEAR)}")
    if definition not in get_args(Definition):
        raise OptionError.out_of_range("definition", definition, f"one of {', '.join(get_args(Definition))}")
    quiet = HALF_A_YEAR[period] if lapse is None else lapse
    if not (isinstance(quiet, int) and quiet >= 1):
        raise OptionError.out_of_range("lapse", lapse, "a whole number of periods, 1 or more")
    gone = 2 * quiet if lost is None else lost
    if not (isinstance(gone, int) and gone > quiet):
        raise OptionError.out_of_range("lost", lost, f"a whole number of periods above lapse, {quiet}")
    if not 0 < late_below <= 0.5:  # noqa: PLR2004 beyond one half, silence is what most show
        raise OptionError.out_of_range("late_below", late_below, "a probability above 0 and up to 0.5")
    return Rule(definition, quiet, gone, late_below)


def _check(lookback: int, horizon: int, n_draws: int) -> None:
    if lookback < 1:
        raise OptionError.out_of_range("lookback", lookback, "1 period or more, 12 months as a rule")
    if not 1 <= horizon <= _MOST_AHEAD:
        raise OptionError.out_of_range("horizon", horizon, f"1 to {_MOST_AHEAD} periods")
    if n_draws < _FEWEST_DRAWS:
        raise OptionError.out_of_range("n_draws", n_draws, f"at least {_FEWEST_DRAWS}")
