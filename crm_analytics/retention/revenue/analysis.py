"""Revenue retention: what is kept of recurring revenue, what is lost, and what comes on top."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal, get_args

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.periods import Period
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_one_of
from crm_analytics.results import Result, View
from crm_analytics.retention.revenue import words
from crm_analytics.retention.revenue.cohorts import cohort_table
from crm_analytics.retention.revenue.days import by_day
from crm_analytics.retention.revenue.ledger import Ledger, of_contracts, of_orders
from crm_analytics.retention.revenue.movements import bridge, movements
from crm_analytics.retention.revenue.notes import notes
from crm_analytics.retention.revenue.outlook import MOST_MONTHS, Outlook, outlook
from crm_analytics.retention.revenue.rates import (
    PERIODS_A_YEAR,
    Rate,
    Stretches,
    definition_table,
    longest,
    rate_table,
    rates,
)
from crm_analytics.retention.revenue.segments import group_of, segment_table
from crm_analytics.retention.revenue.stretches import stretches
from crm_analytics.retention.revenue.sums import draws_for
from crm_analytics.retention.revenue.tables import (
    customer_table,
    customers_only,
    quick_ratios,
    waterfall,
    with_quick_ratio,
)
from crm_analytics.retention.revenue.terms import TERMS
from crm_analytics.retention.revenue.words import Findings
from crm_analytics.stats.customer_draws import Draws

__all__ = ["TERMS", "revenue_retention"]

Convention = Literal["cohort", "cohort_with_returned", "compounded", "compounded_with_returned"]

_FEWEST_DRAWS: Final = 100
_MOST_TRAILING: Final = 60
_MOST_GRACE: Final = 92
_YEAR: Final = 12


@dataclass(frozen=True)
class _Choice:
    """The options, checked."""

    period: Period
    n: int
    by: str | None
    convention: Convention
    grace_days: int
    outlook_months: int
    n_bootstrap: int
    seed: int


def revenue_retention(
    data: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    period: Period = "month",
    by: str | None = None,
    convention: Convention = "cohort",
    trailing_months: int = 12,
    grace_days: int = 0,
    outlook_months: int = 24,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Result:
    """Say how much of recurring revenue is kept, what is lost and what comes on top.

    Takes contracts (recurring revenue is the sum of the monthly amounts in force at an instant) or, where there are none,
    orders (revenue is the net spend of a period). Bridges opening to closing revenue, customer by customer, so that every
    movement ties to the ledger; works out net and gross revenue retention, customer and revenue churn under each common
    definition, with intervals; by group and by cohort; and looks ahead.

    Not for money that is recognised or paid: recurring revenue is what contracts promise a month. Not a forecast of the
    firm's revenue either: the outlook is of the customers there are.

    Parameters
    ----------
    data
        Subscriptions or transactions: an Extract, a frame, or anything `crm.read_subscriptions` takes.
    as_of
        The first day that is not seen; ends on or after it have not happened. None takes the day after the last contract
        began, or after the last order.
    start
        The period with this day is the first one shown, and cohorts begin with it. Who is new is decided on the whole
        history. None shows all.
    customers
        The customers table, for `by`. Optional.
    period
        "week", "month", "quarter" or "year" of the calendar; "month" as contracts are billed. For orders take a period in
        which a customer would usually buy.
    by
        What to group by: "plan" of the contracts, "channel", "country", "discount" … of the first order, or else a column of
        the customers table. None takes the plan where there is one.
    convention
        The net revenue retention that the headline gives: "cohort" (the customers of then, two points in time),
        "cohort_with_returned" (and who came back, as ChartMogul does), "compounded" (the product of the periods' rates) or
        "compounded_with_returned". All are in the tables.
    trailing_months
        How far the two points lie apart, 1 to 60 months: 12, the usual figure. Where the extract is too short, the most that
        it allows, and a note says so.
    grace_days
        Pauses of at most so many days are no loss, 0 to 92. 1 where the extract gives the last day of a contract instead of
        the day after.
    outlook_months
        How far the outlook goes, 1 to 60 months: 24.
    n_bootstrap
        Draws for the intervals, at least 100.
    seed
        Seed of the draws.

    Returns
    -------
    Result
        - "waterfall": the way from opening to closing over the trailing stretch, one row per step
        - "bridge": one row per period: opening, new, returned, expansion, contraction, lost, closing, in revenue and in
          customers; the unfinished last period is marked
        - "rates": one row per definition and whole period: `rate` with bounds, `n_customers` at the beginning
        - "definitions": every definition side by side for the last whole period: formula, rate, how it differs
        - "segments": one row per group at the beginning of the stretch: net and gross retention with bounds, losses. Only
          where there are groups
        - "cohorts": one row per cohort and age: revenue and customers kept, with bounds; unfinished cells are marked
        - "outlook": one row per month ahead: customers and revenue of today's customers with bounds. Contracts only
        - "customers": one row per customer: revenue at both ends of the last whole period and at the beginning of the
          stretch, with the movements

        Where no contract has an amount, all columns of revenue are left out.

    Raises
    ------
    NotEnoughDataError
        If not two whole periods can be compared, or nobody ever had recurring revenue.
    OptionError
        If an option is out of its range, or `convention` needs contracts and there are orders.
    UnknownNameError
        If there is no column `by`.

    Notes
    -----
    The state of a day counts: what is in force on the last day of a period closes it, and opens the next. A contract that
    begins on the day another ends goes on. A customer is who has positive recurring revenue; contracts of one customer add
    up. Movements compare the two ends, so who comes and leaves within a period is in none (daily definitions count them).
    Intervals of revenue are from the bootstrap over customers (percentile), of shares of customers Wilson's, of daily churn
    from the (compound) Poisson distribution; where nobody moved, from Wilson's for as many customers of equal size. The
    outlook is the shifted-beta-geometric model, fitted to all contracts by age in months, or in years or
    quarters where nine in ten contracts end with whole ones.

    References
    ----------
    Fader, P. S. and Hardie, B. G. S. (2007), How to project customer retention. Noble, S. H. (2011), Defining churn rate
    (Shopify Engineering), for daily churn. ChartMogul's help pages "Churn rate formulas" and "MRR churn rate" for its two
    conventions.

    Examples
    --------
    >>> from datetime import date
    >>> import crm_analytics as crm
    >>> contracts = pl.DataFrame(
    ...     {
    ...         "customer_id": ["a", "b", "c", "a"],
    ...         "started_on": [date(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 1), date(2026, 2, 15)],
    ...         "ended_on": [date(2026, 2, 15), None, date(2026, 2, 10), None],
    ...         "monthly_amount": [10.0, 20.0, 30.0, 15.0],
    ...     }
    ... )
    >>> result = crm.revenue_retention(contracts, as_of=date(2026, 3, 1))
    >>> result.tables()["bridge"].select(
    ...     "opening_revenue", "expansion_revenue", "lost_revenue", "closing_revenue"
    ... ).row(1)
    (60.0, 5.0, 30.0, 35.0)
    """
    choice = _checked(
        _Choice(
            period,
            _periods(period, trailing_months),
            by,
            convention,
            grace_days,
            outlook_months,
            n_bootstrap,
            seed,
        )
    )
    extract = as_one_of(data, ("subscriptions", "transactions"))
    window = windows.resolve(extract, as_of=as_of)
    ledger = _ledger(extract, window.as_of, choice)
    since = _since(ledger, start)
    findings = _found(extract, ledger, choice, customers, since)
    titles = words.titles(findings)
    return Result.of(
        "revenue_retention",
        title="Revenue retention",
        headline=words.headline(findings),
        summary=words.summary(findings),
        tables=findings.tables,
        views=tuple(View(name, title, name) for name, title in titles.items() if name in findings.tables),
        parameters={
            "start": None if start is None else windows.day_of("start", start),
            "period": period,
            "by": findings.by,
            "convention": convention,
            "trailing_months": trailing_months,
            "grace_days": grace_days,
            "outlook_months": outlook_months,
            "n_bootstrap": n_bootstrap,
            "seed": seed,
        },
        provenance=windows.provenance(extract, window),
        notes=tuple(notes(findings, window, asked=choice.n, grace_days=grace_days)),
        terms=TERMS,
        currency=extract.currency,
    )


def _ledger(extract: Extract, as_of: date, choice: _Choice) -> Ledger:
    if extract.table == "transactions":
        if choice.convention.startswith("compounded"):
            raise OptionError.out_of_range(
                "convention", choice.convention, "cohort or cohort_with_returned: the data are orders, and who does not buy in one "
                "period has not left, so that rates of single periods cannot be compounded",
            )  # fmt: skip
        made = of_orders(extract, as_of, choice.period)
    else:
        made = of_contracts(extract, as_of, choice.period, choice.grace_days)
    if made.customers.is_empty():
        free = extract.table == "subscriptions"
        remedy = "No contract costs anything. To count customers alone, leave the amounts out: columns={'monthly_amount': ''}."
        raise NotEnoughDataError.of("customers with revenue", 0, 1, remedy if free else "")
    return made


def _since(ledger: Ledger, start: windows.Day | None) -> int:
    """Give the number of the first period that is shown."""
    if start is None:
        return 0
    day = windows.day_of("start", start)
    number = max(0, ledger.number_of(day))
    last = ledger.last_complete
    if last is None or number > last or day >= ledger.ends[-1]:
        begins = "there is none" if last is None else f"the last one begins on {ledger.starts[last]}"
        what = f"whole {ledger.period}s from {day} on ({begins})"
        raise NotEnoughDataError.of(what, 0, 1, "Take an earlier start.")
    return number


def _found(extract: Extract, ledger: Ledger, choice: _Choice, customers: Any, since: int) -> Findings:  # noqa: ANN401 as above
    n, last = longest(ledger, choice.n), ledger.last_complete or 0
    draws = draws_for(ledger, choice.n_bootstrap, choice.seed)
    single, many = stretches(ledger, (1, n), draws)
    seen = Stretches(ledger, n, single.sums, many.sums, by_day(ledger))
    every = rates(seen)
    grouped = group_of(extract, ledger, choice.by, customers, last - n)
    ahead = outlook(ledger, choice.outlook_months, choice.n_bootstrap, choice.seed)
    tables = _tables(seen, every, single.totals, draws, None if grouped is None else grouped[1], since)
    if isinstance(ahead, Outlook):
        tables["outlook"] = ahead.table
    shown = tables if ledger.has_money else customers_only(tables)
    by = None if grouped is None else grouped[0]
    value, lower, upper = (float(x[last]) for x in quick_ratios(many.sums))
    return Findings(
        ledger,
        n,
        last,
        choice.convention,
        _by_key(every),
        shown,
        ahead,
        (value, lower, upper),
        by,
        extract.currency,
    )


def _by_key(every: list[Rate]) -> Mapping[str, Rate]:
    return {rate.definition.key: rate for rate in every}


def _tables(
    found: Stretches,
    every: list[Rate],
    totals: pl.DataFrame,
    draws: Draws,
    groups: pl.DataFrame | None,
    since: int,
) -> dict[str, pl.DataFrame]:
    ledger, last = found.ledger, found.ledger.last_complete or 0
    one, many = (movements(ledger, last, n) for n in (1, found.n))
    stretched = _stretch_words(found, last)
    tables = {
        "waterfall": waterfall(many),
        "bridge": with_quick_ratio(bridge(ledger, totals, since), found.period, since),
        "rates": rate_table(every, ledger, since),
        "definitions": definition_table(every, stretched, last),
        "cohorts": cohort_table(ledger, since),
        "customers": customer_table(ledger, one, many, groups),
    }
    if groups is not None:
        tables["segments"] = segment_table(found, many, groups, draws)
    return tables


def _stretch_words(found: Stretches, last: int) -> dict[str, str]:
    name = words.period_name(found.ledger.starts[last], found.ledger.period)
    return {
        "period": name,
        "trailing": f"{words.counted(found.n, found.ledger.period)} to {name}",
        "annualised": f"a year at the pace of {name}",
    }


def _periods(period: str, trailing_months: int) -> int:
    """Give the trailing months in periods."""
    if period not in PERIODS_A_YEAR:
        raise OptionError.out_of_range("period", period, f"one of {', '.join(PERIODS_A_YEAR)}")
    if not 1 <= trailing_months <= _MOST_TRAILING:
        raise OptionError.out_of_range("trailing_months", trailing_months, f"1 to {_MOST_TRAILING} months")
    n, rest = divmod(trailing_months * PERIODS_A_YEAR[period], _YEAR)
    if period == "week":
        return max(1, round(trailing_months * PERIODS_A_YEAR[period] / _YEAR))
    if rest:
        raise OptionError.out_of_range(
            "trailing_months", trailing_months, f"months that make whole {period}s"
        )
    return n


def _checked(choice: _Choice) -> _Choice:
    if choice.convention not in get_args(Convention):
        raise OptionError.out_of_range(
            "convention", choice.convention, f"one of {', '.join(get_args(Convention))}"
        )
    if not 0 <= choice.grace_days <= _MOST_GRACE:
        raise OptionError.out_of_range("grace_days", choice.grace_days, f"0 to {_MOST_GRACE} days")
    if not 1 <= choice.outlook_months <= MOST_MONTHS:
        raise OptionError.out_of_range("outlook_months", choice.outlook_months, f"1 to {MOST_MONTHS} months")
    if choice.n_bootstrap < _FEWEST_DRAWS:
        raise OptionError.out_of_range("n_bootstrap", choice.n_bootstrap, f"at least {_FEWEST_DRAWS}")
    return choice
