"""Repeat purchase: whether customers come back, how soon and how often, who is late, and what goes with coming back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.attribute_words import group_names
from crm_analytics.aggregates.coverage import covered_from
from crm_analytics.aggregates.occasions import Occasion, occasions
from crm_analytics.aggregates.origins import origins
from crm_analytics.errors import NotEnoughDataError, UnknownNameError
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_extract
from crm_analytics.results import Result, View
from crm_analytics.retention.cadence import cadence
from crm_analytics.retention.repeat_purchase import first_order, gaps, steps, words
from crm_analytics.retention.repeat_purchase.choice import Choice
from crm_analytics.retention.repeat_purchase.late import customer_table
from crm_analytics.retention.repeat_purchase.terms import TERMS, WITHIN_DAYS, terms
from crm_analytics.tables import table

__all__ = ["TERMS", "repeat_purchase"]

ALL: Final = "all customers"
UNKNOWN: Final = "unknown"
_STEPS_WITH_MOMENTS: Final = 3


def repeat_purchase(
    tx: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    by: str | None = None,
    occasion: Occasion = "day",
    n_steps: int = 5,
    within_days: Sequence[int] = WITHIN_DAYS,
    mature_days: int = 365,
    follow_days: int = 180,
    late_below: float = 0.10,
    newly_late_days: int = 90,
    min_customers: int = 30,
) -> Result:
    """Say whether customers come back, how soon and how often, who is late, and what goes with coming back.

    Follows customers from each order to the next, those still awaited included; reads each customer's own rhythm and
    says who is silent for longer than it explains; counts those who bought only once; and compares first orders.

    Not for contracts, where renewal is automatic (see `survival`). Not a forecast of spend (see `lifetime_value`).

    Parameters
    ----------
    tx
        Transactions: an Extract, a frame, or anything `crm.read_transactions` takes.
    as_of
        The first day that is not seen; None takes the day after the last row.
    start
        Only orders from this day on count; which order is a customer's first, second … is decided on all history.
    customers
        The customers table, for groups by one of its columns. Optional.
    by
        Column whose groups are compared: of the transactions (its value in the customer's first row) or of the customers
        table. None compares none.
    occasion
        "day" counts all orders of a day as one purchase; "order" keeps them apart, half a day from each other.
    n_steps
        Up to which order the step to the next is followed, 1 to 20.
    within_days
        Times within which the share back is told, each 1 day or more, rising: 30, 90, 180 and 365 unless said.
    mature_days
        How far back a first order must lie to be counted as mature, and the time those who bought once had: a year.
    follow_days
        Time after the first order within which groups and first orders are compared; only customers who could be followed
        for all of it count.
    late_below
        A customer is late where one still active would be silent for so long with a smaller probability, in (0, 0.5].
    newly_late_days
        Up to how many days after becoming late a customer counts as newly late.
    min_customers
        First orders with a value in fewer are not shown, at least 1.

    Returns
    -------
    Result
        - "steps": one row per order number: customers, shares back with bounds, days to the next order, best moment
        - "curve": points of the share back by days since the order, with bounds
        - "moments": one row per order number and fortnight: how many of those awaited come in a week, with bounds
        - "gaps": one row per length of gap: gaps, and customers by the median of theirs
        - "frequency": one row per number of occasions: customers exactly and at least, with bounds
        - "once": one row per way of counting those who bought once, with bounds
        - "customers": one row per customer: typical gap, silence, lapse ratio, chance of such a silence, whether late
        - "first_purchase": one row per value in the first order: share back against the others, with bounds
        - "segments": one row for all customers and one per group: share back, late customers, with bounds

    Raises
    ------
    NotEnoughDataError
        If nobody ordered in the window.
    OptionError
        If an option is out of its range.
    UnknownNameError
        If no table has the column `by`.

    Notes
    -----
    Shares back by order number are Kaplan-Meier estimates with log(-log) intervals: a customer whose next order has not
    come is followed up to `as_of`. A customer's gaps are gamma distributed with a rate of their own, drawn from a
    gamma distribution whose figures all customers teach (empirical Bayes); the chance of a silence is that of a beta
    prime distribution, so one gap makes nobody late with certainty. First orders are compared with the score test,
    Newcombe's interval and the correction of Benjamini and Hochberg. What goes with a second order need not cause it.

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958), JASA 53, 457-481. Platzer, M. and Reutterer, T. (2016), Marketing Science 35,
    779-799. Newcombe, R. G. (1998), Statistics in Medicine 17, 873-890. Benjamini, Y. and Hochberg, Y. (1995), JRSS B 57,
    289-300.

    Examples
    --------
    >>> from datetime import date
    >>> orders = pl.DataFrame(
    ...     {
    ...         "customer_id": ["a", "a", "b", "c"],
    ...         "ordered_at": [date(2026, 1, 1), date(2026, 1, 11), date(2026, 1, 1), date(2026, 1, 15)],
    ...         "amount": [10.0, 10.0, 10.0, 10.0],
    ...     }
    ... )
    >>> result = repeat_purchase(orders, as_of=date(2026, 3, 1), within_days=(30,))
    >>> rate = pl.col("return_30d_rate").round(3)
    >>> result.tables()["steps"].select("order_number", "n_customers", "n_came_back", rate).row(0)
    (1, 3, 1, 0.333)
    """
    choice = Choice(
        by=by,
        occasion=occasion,
        n_steps=n_steps,
        within_days=tuple(within_days),
        mature_days=mature_days,
        follow_days=follow_days,
        late_below=late_below,
        newly_late_days=newly_late_days,
        min_customers=min_customers,
    )
    extract = as_extract(tx, keep=(by,))
    window = windows.resolve(extract, as_of=as_of, start=start)
    found = _findings(extract, window, choice, customers)
    return Result.of(
        "repeat_purchase",
        title="Repeat purchase",
        headline=words.headline(found),
        summary=words.summary(found),
        tables=found.tables,
        views=tuple(_views(found)),
        parameters=choice.to_dict(),
        provenance=windows.provenance(extract, window),
        notes=tuple(words.notes(found)),
        terms=terms(choice.within_days),
        currency=extract.currency,
    )


def _findings(
    extract: Extract,
    window: windows.Window,
    choice: Choice,
    customers: Any,  # noqa: ANN401 as above
) -> words.Findings:
    as_of, start = window.as_of, window.start
    rows = occasions(extract.frame, as_of=as_of, occasion=choice.occasion)
    counted = rows if start is None else rows.filter(pl.col("ordered_on") >= start)
    if counted.is_empty():
        raise NotEnoughDataError.of("customers with an order", 0, 1)
    rhythm = cadence(rows, as_of=as_of, start=start)
    people = customer_table(rows, rhythm, as_of=as_of, start=start, late_below=choice.late_below)
    firsts = gaps.first_orders(rows, as_of=as_of, start=start)
    followed = steps.steps(rows, as_of=as_of, most=choice.n_steps, start=start)
    kinds = [k for k in first_order.KINDS if k in extract.frame.collect_schema().names()]
    whom = first_order.followed(firsts, choice.follow_days)
    first, n_rare = first_order.first_table(
        extract.frame, whom, kinds, as_of=as_of, least=choice.min_customers
    )
    groups = _groups(extract, people, choice.by, customers, window)
    longest = max(choice.mature_days, *choice.within_days)
    tables = {
        "steps": steps.step_table(followed, choice.within_days),
        "curve": steps.curve_table(followed, until=longest),
        "moments": steps.rate_table(followed, most=_STEPS_WITH_MOMENTS, until=choice.mature_days),
        "gaps": gaps.gap_table(rows, start),
        "frequency": gaps.frequency_table(people["n_occasions"]),
        "once": gaps.once_table(firsts, choice.mature_days),
        "customers": people,
        "first_purchase": first,
        "segments": first_order.segment_table(groups, firsts, people, choice.follow_days),
    }
    return words.Findings(
        tables=tables,
        choice=choice,
        n_rare=n_rare,
        model=None if rhythm is None else rhythm.model,
        covered_from=covered_from(extract),
        currency=extract.currency,
    )


def _views(found: words.Findings) -> Iterator[View]:
    yield View("curve", words.curve_title(found), "curve")
    yield View("moments", words.moments_title(found), "moments")
    yield View("gaps", words.gaps_title(found), "gaps")
    yield View("late", words.late_title(found), "customers")
    if not found.tables["first_purchase"].is_empty():
        yield View("first_purchase", words.first_title(found), "first_purchase")
    if found.choice.by is not None:
        yield View("segments", f"Who comes back, by {words.plain_name(found.choice.by)}", "segments")


def _groups(
    extract: Extract,
    people: pl.DataFrame,
    by: str | None,
    customers: Any,  # noqa: ANN401 as above
    window: windows.Window,
) -> pl.DataFrame:
    """Give each customer's group: of the first row, or of the customers table."""
    if by is None:
        return people.select("customer_id", group=pl.lit(ALL))
    rows = extract.frame.collect_schema().names()
    taken = {"customer_id", "ordered_at", "order_id", "amount"}
    if by in rows and by not in taken:
        found = origins(extract.frame, [by], as_of=window.as_of)
        return found.select("customer_id", group=_named(found, by))
    listed = None if customers is None else as_extract(customers, table="customers").frame
    known = [] if listed is None else listed.collect_schema().names()
    if listed is None or by not in known or by == table("customers").key:
        raise UnknownNameError.of("column to group by", by, sorted({*rows, *known} - taken))
    told = listed.select("customer_id", by).collect()
    groups = told.select("customer_id", group=_named(told, by))
    one = groups.group_by("customer_id").agg(pl.col("group").min())
    joined = people.select("customer_id").join(one, on="customer_id", how="left")
    return joined.with_columns(pl.col("group").fill_null(UNKNOWN))


def _named(frame: pl.DataFrame, by: str) -> pl.Expr:
    return group_names(by, frame.schema[by], unknown=UNKNOWN)
