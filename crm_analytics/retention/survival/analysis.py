"""Survival: how long customers stay, when they leave, and who leaves sooner; or how long until they order again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, get_args

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.tenures import TenurePeriod
from crm_analytics.errors import OptionError
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_extract, as_one_of
from crm_analytics.results import Result
from crm_analytics.retention.survival import cox, tables, words
from crm_analytics.retention.survival.lives import Observed, Question, observe
from crm_analytics.retention.survival.terms import TERMS, terms_of

__all__ = ["TERMS", "survival"]

_TABLES: Final = ("subscriptions", "transactions")
_MOST_GRACE: Final = 366
_MOST_ORDERS: Final = 20


def survival(
    data: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    by: str | None = None,
    covariates: Sequence[str] = (),
    period: TenurePeriod = "month",
    grace_days: int = 30,
    order_number: int = 2,
    horizon_days: int | None = None,
) -> Result:
    """Say how long customers stay, when the loss is highest, and which groups leave sooner.

    With subscriptions, time runs from a customer's first contract to its end without resumption. With orders, it runs from
    one order to the next (the second, as a rule). Who has not ended yet, or not ordered again, counts for as long as
    seen: that is censoring, and leaving it out, or counting the unfinished as loyal, would bias every figure.

    Not for orders as a measure of loss: in a shop nobody gives notice, and a customer who has not ordered again may yet
    (see `lifetime_value`). Not for cause: groups differ in more than the one thing they are compared by.

    Parameters
    ----------
    data
        Subscriptions (contract periods) or transactions: an Extract, a frame, or anything the readers take.
    as_of
        The first day that is not seen; None takes the day after the last row began. Ends on or after it have not been seen.
    start
        The first day on which ends were recorded; who began before counts as at risk only from then on (left truncation),
        and who ended before is left out. None takes everybody as seen from the beginning.
    customers
        The customers table, for attributes in `by` and `covariates`. Optional.
    by
        Column to compare customers by, such as "plan", "channel" or "country": of the data, as it stood at the beginning, or
        else of the customers table. The six largest groups are shown, smaller ones together.
    covariates
        Columns for Cox's model of who ends sooner, taken like `by`: categories, yes and no, or numbers.
    period
        "day", "week", "month", "quarter" or "year" of the customer's own time, for the loss by period: months, because
        most contracts are renewed by month.
    grace_days
        The longest gap between contracts that counts as a pause, 0 to 366 days: 30, so that a late renewal is no loss.
        Observation ends so many days before `as_of`, since later ends may yet be resumed. Without effect on orders.
    order_number
        Which order is waited for, 2 to 20, from the day of the one before. Without effect on subscriptions.
    horizon_days
        Up to which day mean times are taken, 1 or more; None takes 365, or less where groups with nine in ten customers were
        not observed so long. A group that was not has no mean.

    Returns
    -------
    Result
        - "curve": one row per group and day: at risk, ends, `survival_rate` (Kaplan-Meier) and cumulative hazard
          (Nelson-Aalen), with bounds
        - "hazard": one row per group and period: at risk, ends, `hazard_rate` with bounds
        - "groups": one row per group: customers, ends, quantiles, restricted mean, share left, with bounds
        - "comparisons": all groups and each pair: log-rank test, difference of restricted means, p-values after Holm
        - "incidence": one row per way to end (churn, pause, downgrade) and day: share who ended so first, with bounds, and
          what 1 − Kaplan-Meier would claim; empty for orders
        - "cox": one row per attribute and value: hazard ratio with bounds, test of proportionality; "cox_checks": one row
          per diagnostic of the model; both empty without covariates
        - "customers": one row per customer: since when, how long, whether ended, group

    Raises
    ------
    NotEnoughDataError
        If nobody was observed.
    OptionError
        If an option is out of its range.
    UnknownNameError
        If there is no column `by` or no such covariate.

    Notes
    -----
    The loss by period is counted among those who were observed through the whole period, so no assumption on when the
    unfinished would have ended is needed. The median interval is Brookmeyer and Crowley's, the restricted mean the area under
    the curve, competing ends are Aalen and Johansen's, Cox's model has Efron's ties and R's `cox.zph` score test.

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958), JASA 53, 457-481. Klein, J. P. and Moeschberger, M. L. (2003), Survival Analysis, 2nd
    edition. Therneau, T. M. and Grambsch, P. M. (2000), Modeling Survival Data. Royston, P. and Parmar, M. K. B. (2013), BMC Medical
    Research Methodology 13, 152.

    Examples
    --------
    >>> from datetime import date
    >>> import crm_analytics as crm
    >>> contracts = pl.DataFrame(
    ...     {
    ...         "customer_id": ["a", "b", "c"],
    ...         "started_on": [date(2026, 1, 1)] * 3,
    ...         "ended_on": [date(2026, 2, 1), date(2026, 3, 1), None],
    ...     }
    ... )
    >>> result = crm.survival(contracts, as_of="2026-06-01")
    >>> result.tables()["curve"].select("day", "n_at_risk", "survival_rate").rows()[:2]
    [(0, 3, 1.0), (31, 3, 0.6666666666666667)]
    """
    _check(period, grace_days, order_number, horizon_days)
    if isinstance(covariates, str):
        raise OptionError.out_of_range(
            "covariates", covariates, "a list of columns such as ['plan', 'country']"
        )
    extract = as_one_of(data, _TABLES)
    window = _window(extract, as_of, start)
    question = Question(extract.table, window.as_of, window.start, grace_days, order_number, period)
    people = None if customers is None else as_extract(customers, table="customers")
    observed = observe(extract, question, customers=people, by=by, covariates=tuple(covariates))
    found = _findings(observed, by, covariates, horizon_days)
    return Result.of(
        "survival",
        title="Survival",
        headline=words.headline(found),
        summary=words.summary(found),
        tables=_tables(found),
        views=tuple(words.views(found)),
        parameters={
            "by": by,
            "covariates": list(covariates),
            "period": period,
            "grace_days": grace_days,
            "order_number": order_number,
            "horizon_days": found.curves.until_day,
            "table": extract.table,
        },
        provenance=windows.provenance(extract, window),
        notes=tuple(words.notes(found)),
        terms=terms_of(extract.table),
        currency=extract.currency,
    )


def _window(extract: Extract, as_of: windows.Day | None, start: windows.Day | None) -> windows.Window:
    """Decide the window; contracts may all have begun before `start`, which is what entry times are for."""
    window = windows.resolve(extract, as_of=as_of)
    if start is None:
        return window
    begin = windows.day_of("start", start)
    if begin >= window.as_of:
        raise OptionError.out_of_range("start", begin.isoformat(), f"a day before as_of, {window.as_of}")
    return replace(window, start=begin)


def _findings(
    observed: Observed, by: str | None, covariates: Sequence[str], horizon_days: int | None
) -> words.Findings:
    curves = tables.curves(observed, horizon_days)
    last = tables.known_until(curves.whole)
    if horizon_days is not None and horizon_days > last:
        raise OptionError.out_of_range(
            "horizon_days", horizon_days, f"1 to {last:.0f}, as long as somebody was observed"
        )
    contracts = observed.question.of_contracts
    return words.Findings(
        curves=curves,
        hazard=tables.hazard_table(curves),
        groups=tables.group_table(curves),
        comparisons=tables.comparison_table(curves),
        incidence=tables.incidence_table(observed) if contracts else tables.no_incidence(),
        model=cox.model(observed, covariates),
        by=by,
    )


def _tables(found: words.Findings) -> dict[str, pl.DataFrame]:
    return {
        "curve": tables.curve_table(found.curves),
        "hazard": found.hazard,
        "groups": found.groups,
        "comparisons": found.comparisons,
        "incidence": found.incidence,
        "cox": found.model.table,
        "cox_checks": found.model.checks,
        "customers": tables.customer_table(found.curves.observed),
    }


def _check(period: str, grace_days: int, order_number: int, horizon_days: int | None) -> None:
    if period not in get_args(TenurePeriod):
        raise OptionError.out_of_range("period", period, f"one of {', '.join(get_args(TenurePeriod))}")
    if not 0 <= grace_days <= _MOST_GRACE:
        raise OptionError.out_of_range("grace_days", grace_days, f"0 to {_MOST_GRACE} days")
    if not 2 <= order_number <= _MOST_ORDERS:  # noqa: PLR2004 the second is the first to wait for
        raise OptionError.out_of_range("order_number", order_number, f"2 to {_MOST_ORDERS}")
    if horizon_days is not None and horizon_days < 1:
        raise OptionError.out_of_range("horizon_days", horizon_days, "1 day or more")
