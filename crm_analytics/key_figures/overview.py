"""The overview: how the customer base is doing, against the period before and the same period last year."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, get_args

import polars as pl

from crm_analytics import formats
from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.periods import period_start, shift
from crm_analytics.errors import OptionError
from crm_analytics.extracts.readers import as_extract
from crm_analytics.key_figures.figure_rows import tell
from crm_analytics.key_figures.overview_terms import TERMS
from crm_analytics.key_figures.overview_words import headline, period_name
from crm_analytics.key_figures.periods_seen import OverviewPeriod, Seen, look
from crm_analytics.results import Note, Result, View

_FEWEST_DRAWS: Final = 100
_SUMMARY: Final = ("figure_label", "value_text", "change_text", "change_last_year_text", "n_customers")
_NORMAL_VARIATION: Final = (
    "Within normal variation means: drawing the customers again at random gives changes of this size both ways (95% "
    "interval), or the period is longer or shorter by as much. Season, holidays and weekdays are not part of that; and "
    "of twenty figures that only chance moves, one is still called beyond normal variation."
)


def overview(
    tx: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    period: OverviewPeriod = "month",
    n_bootstrap: int = 500,
    seed: int = 0,
) -> Result:
    """Say how the customer base is doing, against the period before and the same period last year.

    Key figures of the last complete calendar period: active, new and returning customers, orders, spend, spend per
    order, orders per active customer, refund rate, margin rate (where a cost is known) and the share of spend from
    returning customers. Each is held against the complete period before and the same period a year earlier, with the
    interval of the change and whether chance among customers and the length of the periods explain it. A period that is still running is never
    compared; a note reports it.

    Not for finding out why a figure moved, and not for less than one complete period.

    Parameters
    ----------
    tx
        Transactions: an Extract, a frame, or anything `crm.read_transactions` takes.
    as_of
        The first day that is not seen; None takes the day after the last row.
    start
        The first day of the periods that are shown. Comparisons look back beyond it, and new customers are told from
        returning ones on the whole history.
    customers
        The customers table, to say how many have never ordered. Optional.
    period
        "month", "quarter" or "year" of the calendar.
    n_bootstrap
        Draws for the intervals, at least 100; 500 settle a bound to about a tenth of the interval's width.
    seed
        Seed of the draws.

    Returns
    -------
    Result
        - "figures": one row per key figure: `figure`, `figure_label`, `unit`, `good_when`, `value` with `value_text`
          and, for averages and shares, `value_lower` and `value_upper`; `previous` with `previous_text`,
          `change` with its bounds, `change_text`, `is_within_normal_variation`; the same against `last_year`; `n_customers` behind the figure;
          `figure_definition`
        - "months" ("quarters", "years"): one row per period, oldest first, with a column for each figure,
          `spend_last_year` and `is_complete`

    Raises
    ------
    NotEnoughDataError
        If there is no complete period, or no order at all.
    OptionError
        If an option is out of its range.

    Notes
    -----
    Every figure is a sum over customers or a ratio of two. Intervals come from the Poisson bootstrap over customers
    (`key_figures.changes`), which keeps a customer's periods together; above 20,000 customers the resampled totals
    are drawn from the normal distribution with the same mean and covariance. A count or sum that grew no more than
    the number of days did is within normal variation too: March is longer than February. Season, holidays and
    weekdays are no part of this.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> import crm_analytics as crm
    >>> result = crm.overview(
    ...     pl.DataFrame(
    ...         {
    ...             "customer_id": ["a", "b", "a", "a"],
    ...             "ordered_at": [date(2026, 4, 1), date(2026, 4, 20), date(2026, 5, 3), date(2026, 5, 31)],
    ...             "amount": [50.0, 30.0, 40.0, 60.0],
    ...         }
    ...     )
    ... )
    >>> result.headline()
    'In May 2026, 1 customer spent 100.00: 25.0% more than in April (too few customers to judge).'
    """
    _check(period, n_bootstrap)
    extract = as_extract(tx)
    window = windows.resolve(extract, as_of=as_of, start=start)
    seen = look(extract, window, period)
    told = tell(seen, n_bootstrap=n_bootstrap, seed=seed, currency=extract.currency)
    by_period = f"{period}s"
    return Result.of(
        "overview",
        title="The customer base",
        headline=headline(seen, told.spend_changes, extract.currency),
        summary=told.figures.select(_SUMMARY),
        tables={"figures": told.figures, by_period: seen.table},
        views=(
            View("trend", f"Spend by {period} and a year earlier", by_period),
            View("customers_by_kind", f"New and returning customers by {period}", by_period),
        ),
        parameters={"period": period, "n_bootstrap": n_bootstrap, "seed": seed},
        provenance=windows.provenance(extract, window),
        notes=tuple(_notes(seen, customers, extract.currency)),
        terms=TERMS,
        currency=extract.currency,
    )


def _check(period: str, n_bootstrap: int) -> None:
    if period not in get_args(OverviewPeriod):
        raise OptionError.out_of_range("period", period, f"one of {', '.join(get_args(OverviewPeriod))}")
    if n_bootstrap < _FEWEST_DRAWS:
        raise OptionError.out_of_range("n_bootstrap", n_bootstrap, f"at least {_FEWEST_DRAWS}")


def _notes(seen: Seen, customers: Any, currency: str | None) -> Iterator[Note]:  # noqa: ANN401 as in overview
    yield Note("normal_variation", _NORMAL_VARIATION)
    yield from _uncovered(seen)
    yield from _running(seen, currency)
    yield _new_in_the_extract(seen)
    if customers is not None:
        yield from _never_ordered(seen, customers)


def _new_in_the_extract(seen: Seen) -> Note:
    text = (
        f"New means: first order in the extract, which begins on {formats.value(seen.first_day, 'day')}. Customers of longer "
        "standing count as new when they first appear, so the earlier a period, the more of its new customers are not."
    )
    is_recent = seen.first_day > shift(seen.compared.now, -2, "year")
    return Note("first_in_the_extract", text, "caution" if is_recent else "info")


def _uncovered(seen: Seen) -> Iterator[Note]:
    missing = [
        period_name(day, seen.compared.period)
        for day, covered in zip(seen.compared.days[1:], seen.covered, strict=True)
        if not covered
    ]
    if missing:
        begins = formats.value(seen.first_day, "day")
        text = f"The extract begins on {begins} and does not cover {' or '.join(dict.fromkeys(missing))}: no comparison."
        yield Note("nothing_to_compare", text, "caution")


def _running(seen: Seen, currency: str | None) -> Iterator[Note]:
    period = seen.compared.period
    day = period_start(seen.as_of, period)
    row = seen.table.filter(pl.col("period_on") == day)
    if row.is_empty():
        return
    n_days, n_active = (shift(day, 1, period) - day).days, row["n_active"].item()
    who = "1 customer has" if n_active == 1 else f"{n_active:,} customers have"
    text = (
        f"{period_name(day, period)} is still running ({(seen.as_of - day).days} of {n_days} days): {who} spent "
        f"{formats.money(row['spend'].item(), currency)} so far. It is not compared with whole {period}s."
    )
    yield Note("running_period", text)


def _never_ordered(seen: Seen, customers: Any) -> Iterator[Note]:  # noqa: ANN401 as in overview
    ids = as_extract(customers, table="customers").frame.select("customer_id").unique()
    n_all, n_never = (
        frame.select(pl.len()).collect().item()
        for frame in (ids, ids.filter(~pl.col("customer_id").is_in(seen.customer_ids.implode())))
    )
    if n_never:
        have = "has" if n_never == 1 else "have"
        text = f"{n_never:,} of the {n_all:,} customers in the customers table {have} not ordered before the as-of date."
        yield Note("never_ordered", text)
