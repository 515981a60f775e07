"""Complaints: how many, about what, how fast they are resolved, who complains, and what follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Literal, get_args

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.periods import Period
from crm_analytics.errors import OptionError
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_extract
from crm_analytics.results import Result
from crm_analytics.satisfaction.complaints import notes, satisfaction_after, times, topics, words
from crm_analytics.satisfaction.complaints.cases import Cases, Question, see
from crm_analytics.satisfaction.complaints.cost import cost
from crm_analytics.satisfaction.complaints.customers import customer_table, repeat_table
from crm_analytics.satisfaction.complaints.terms import TERMS
from crm_analytics.satisfaction.complaints.volume import backlog_table, orders_begin, volume_table

Controls = Literal["not_yet", "never"]

_MOST_HOURS: Final = 24.0 * 366
_MOST_DAYS: Final = 366
_LONGEST_DAYS: Final = 3 * 366
_MOST_MATCHES: Final = 50


def complaints(
    cases: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    transactions: Any = None,  # noqa: ANN401 an Extract or any frame
    surveys: Any = None,  # noqa: ANN401 an Extract or any frame
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    period: Period = "month",
    target_hours: float = 168.0,
    recontact_days: int = 30,
    survey_days: int = 30,
    horizon_days: int = 180,
    n_matches: int = 5,
    controls: Controls = "not_yet",
) -> Result:
    """Say how many complaints there are, about what, how fast they are resolved, who complains, and what follows.

    Open cases count as long as they have been open: the average of the closed ones alone is too short whenever there is a
    backlog. What complaints cost is read off later orders, beside customers who were alike on the day of the complaint and
    had not complained.

    Not for the number of failures: most dissatisfied customers never complain. Not for cause: who complains, and whose case
    takes long, may differ in what the orders do not show.

    Parameters
    ----------
    cases
        Complaints or requests: an Extract, a frame, or anything the readers take.
    as_of
        The first day that is not seen; None takes the day after the last case was opened. Cases closed on or after it count
        as open.
    start
        The first day whose cases count; what came first is decided on all cases before. None counts all.
    transactions
        Orders, for rates, for the value of customers before they complained, and for what followed. Optional.
    surveys
        Survey answers, for satisfaction after a case and for dissatisfied customers who never complained. Optional.
    customers
        The customers table, for names in the list. Optional.
    period
        "week", "month", "quarter" or "year" of the calendar: months, because weeks hold few cases in most firms.
    target_hours
        Hours within which a case should be resolved, above 0, up to 8784: 168, a week. What takes longer is slow.
    recontact_days
        Days within which another case of the same customer and category means that the first contact was not enough, 1 to 366:
        30, as usual; 7 suits quick matters.
    survey_days
        Days after the end of a case within which a survey answer counts for it, 1 to 366: 30.
    horizon_days
        Days over which later orders are counted, 7 to 1098: 180, about half a year, because fewer hold few orders.
    n_matches
        How many customers are matched with each complainer at most, 1 to 50: 5, beyond which precision hardly grows.
    controls
        Who may be matched: "not_yet", those who had not complained by that day, whatever they do later; or "never", those who do
        not complain until the end of the outcome window either. The latter looks ahead and is biased, since who orders more has
        more to complain about; it is there for comparison with other tools.

    Returns
    -------
    Result
        - "volume": one row per period: cases with interval, usual limits, per 100 orders and buyers; open before, closed, open
          after, which add up, of all cases, those opened before `start` too
        - "backlog": one row per age of open cases, those opened before `start` too
        - "resolution": one row per group (all, category, channel, product): median hours, share within target, test of equal
          speed, first contact, reopened
        - "curve": one row per clock, group and hours: share done
        - "categories": one row per category: share, cumulative share, satisfaction
        - "warnings": one row per category: last whole period against its own history
        - "satisfaction": one row per source and time taken: mean, and the same never rising
        - "repeat": one row per number of complaints
        - "customers": one row per complainer, good customers with open cases first
        - "cost": one row per group of complainers: later orders, spend, retention beside matched customers
        - "balance": one row per thing matched on: complainers, all others, matched
        - "silent": dissatisfied survey answers without a case

    Raises
    ------
    NotEnoughDataError
        If there is no case in the window.
    OptionError
        If an option is out of its range.

    Notes
    -----
    Time to resolution is Kaplan and Meier's estimate, compared by the log-rank test. A category's last whole period is tested
    against its own past by the conditional binomial test of two Poisson counts, divided by Pearson's dispersion where the past
    scatters more than chance (with Student's tail, since a short past does not tell it well), and corrected after Holm. Complainers are matched one to several with replacement, by
    distance on the logarithms of recency, orders, spend and tenure within half a standard deviation of each; what is left of differences is taken out
    by regression (Abadie and Imbens 2011, JBES 29, 1-11), and errors are clustered by set and by customer.

    References
    ----------
    Laney, D. B. (2002), Quality Engineering 14, 531-537. Stuart, E. A. (2010), Statistical Science 25, 1-21. Austin, P. C. and
    Cafri, G. (2020), Statistics in Medicine 39, 1623-1640. Hernan, M. A. and Robins, J. M. (2016), American Journal of
    Epidemiology 183, 758-764. De Matos, C. A., Henrique, J. L. and Rossi, C. A. V. (2007), Journal of Service Research 10, 60-77.

    Examples
    --------
    >>> from datetime import datetime
    >>> import crm_analytics as crm
    >>> cases = pl.DataFrame(
    ...     {
    ...         "case_id": ["1", "2", "3"],
    ...         "opened_at": [datetime(2026, 1, d, 9) for d in (5, 6, 7)],
    ...         "closed_at": [datetime(2026, 1, 5, 19), datetime(2026, 1, 7, 9), None],
    ...     }
    ... )
    >>> result = crm.complaints(cases, as_of="2026-02-01")
    >>> result.tables()["resolution"].select("n_cases", "n_open_cases", "median_hours").row(0)
    (3, 1, 24.0)
    """
    _check(target_hours, recontact_days, survey_days, horizon_days, n_matches, controls)
    extract = as_extract(cases, table="cases")
    window = windows.resolve(extract, as_of=as_of, start=start)
    question = Question(
        window.as_of,
        window.start,
        period,
        extract.week_start,
        float(target_hours),
        recontact_days,
        survey_days,
        horizon_days,
    )
    others = {
        name: None if data is None else as_extract(data, table=name)
        for name, data in (("transactions", transactions), ("surveys", surveys), ("customers", customers))
    }
    currency = others["transactions"].currency if others["transactions"] else extract.currency
    found = _findings(see(extract.frame, question), others, n_matches, controls)
    found = replace(found, currency=currency)
    return Result.of(
        "complaints",
        title="Complaints",
        headline=words.headline(found),
        summary=words.summary(found),
        tables=_tables(found),
        views=tuple(words.views(found)),
        parameters={
            "period": period,
            "target_hours": float(target_hours),
            "recontact_days": recontact_days,
            "survey_days": survey_days,
            "horizon_days": horizon_days,
            "n_matches": n_matches,
            "controls": controls,
        },
        provenance=windows.provenance(extract, window),
        notes=tuple(notes.notes(found)),
        terms=TERMS,
        currency=currency,
    )


def _findings(
    seen: Cases, others: dict[str, Extract | None], n_matches: int, controls: str
) -> words.Findings:
    transactions, surveys = others["transactions"], others["surveys"]
    volume = volume_table(seen, transactions)
    answers = satisfaction_after.answers(seen, surveys)
    sides = {
        source: satisfaction_after.contrast(answers, source, seen.question.target_hours)
        for source in (satisfaction_after.CASES, satisfaction_after.SURVEYS)
    }
    return words.Findings(
        cases=seen,
        volume=volume,
        backlog=backlog_table(seen),
        resolution=times.resolution_table(seen),
        curve=times.curve_table(seen),
        categories=topics.category_table(seen),
        warnings=topics.warning_table(seen, volume),
        satisfaction=satisfaction_after.satisfaction_table(answers),
        contrasts={source: found for source, found in sides.items() if found is not None},
        silent=satisfaction_after.silent_table(seen, surveys),
        repeat=repeat_table(seen),
        customers=customer_table(seen, transactions, others["customers"]),
        cost=cost(seen, transactions, n_matches, quiet_after=controls == "never"),
        has_transactions=transactions is not None,
        has_surveys=surveys is not None,
        controls=controls,
        narrowed=()
        if transactions is None
        else tuple(f for f in transactions.filters if f.startswith("channel")),
        orders_begin=orders_begin(transactions),
        currency=None,
    )


def _tables(found: words.Findings) -> dict[str, pl.DataFrame]:
    return {
        "volume": found.volume,
        "backlog": found.backlog,
        "resolution": found.resolution,
        "curve": found.curve,
        "categories": found.categories,
        "warnings": found.warnings,
        "satisfaction": found.satisfaction,
        "repeat": found.repeat,
        "customers": found.customers,
        "cost": found.cost.table,
        "balance": found.cost.balance,
        "silent": found.silent,
    }


def _check(
    target_hours: float,
    recontact_days: int,
    survey_days: int,
    horizon_days: int,
    n_matches: int,
    controls: str,
) -> None:
    if not 0 < target_hours <= _MOST_HOURS:
        raise OptionError.out_of_range(
            "target_hours", target_hours, f"above 0, up to {_MOST_HOURS:,.0f} hours"
        )
    for name, days in (("recontact_days", recontact_days), ("survey_days", survey_days)):
        if not 1 <= days <= _MOST_DAYS:
            raise OptionError.out_of_range(name, days, f"1 to {_MOST_DAYS} days")
    if not 7 <= horizon_days <= _LONGEST_DAYS:  # noqa: PLR2004 a week holds hardly an order
        raise OptionError.out_of_range("horizon_days", horizon_days, f"7 to {_LONGEST_DAYS} days")
    if not 1 <= n_matches <= _MOST_MATCHES:
        raise OptionError.out_of_range("n_matches", n_matches, f"1 to {_MOST_MATCHES}")
    if controls not in get_args(Controls):
        raise OptionError.out_of_range("controls", controls, f"one of {', '.join(get_args(Controls))}")
