"""RFM segments: which customers are recent, frequent and valuable, and which are slipping away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.customers import customer_summary
from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_extract
from crm_analytics.results import Result, View
from crm_analytics.segmentation import rfm_cuts, rfm_tables, rfm_words
from crm_analytics.segmentation.rfm_cuts import GivenCuts, Method
from crm_analytics.segmentation.rfm_terms import TERMS
from crm_analytics.segmentation.segments import GRID, Segment

VIEWS: Final = (
    View("segments", "Customers and spend by segment", "segments"),
    View("grid", "Customers by recency and frequency", "grid"),
    View("treemap", "Spend by segment", "segments"),
)

_BRIEF: Final = (
    "segment",
    "n_customers",
    "customer_share",
    "spend",
    "spend_share",
    "median_recency_days",
    "mean_orders",
    "what_to_do",
)


def rfm(
    tx: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    bins: int = GRID,
    method: Method = "auto",
    frequency_cuts: GivenCuts | None = None,
    recency_cuts: GivenCuts | None = None,
    spend_cuts: GivenCuts | None = None,
    thresholds: Any = None,  # noqa: ANN401 a result, a table or a mapping
    names: Mapping[str, str] | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Result:
    """Say which customers are recent, frequent and valuable, and which are slipping away.

    Each customer with a purchase gets three scores from 1 to 5: recency (days since the last order), frequency
    (number of orders) and money (net spend). Recency and frequency decide the segment, by a map in which each of the
    25 cells has exactly one of eleven names; money is shown beside it. Scores follow values alone: customers with equal
    values always have equal scores, and the order of rows does not matter.

    Not a forecast: it describes where customers stand, not what they will do, and says nothing of chance within a
    segment. Not for contracts and subscriptions, where leaving is observed and recency means nothing. Not for comparing
    shares over time unless the cut-offs are frozen (`thresholds=`): fifths hold a fifth of the customers in good times
    and in bad.

    Parameters
    ----------
    tx
        Transactions: an Extract, a frame, or anything `crm.read_transactions` takes.
    as_of
        The first day that is not seen, and the day to which recency is counted. None takes the day after the last row.
    start
        The first day whose orders count; None counts all. Customers who bought only before it are left out.
    customers
        The customers table: those in it without any order before `as_of` become "Prospect". Optional.
    bins
        How many scores, 2 to 10. With another number than five, each score counts as the fifth in which its middle lies.
    method
        How frequency is scored. "quantile": equal parts, as far as ties allow. "absolute": 1, 2, 3-4, 5-9, 10 or more
        orders. "auto": absolute where more than 40% bought once, since equal parts would then divide customers who are
        equal. Recency and money are scored in equal parts unless their cut-offs are given.
    frequency_cuts
        The fewest orders for the scores 2, 3, … in rising order: `bins - 1` numbers. None chooses by `method`.
    recency_cuts
        The most days since the last order for the best score, the second best, … in rising order: `bins - 1` numbers.
    spend_cuts
        The least net spend for the scores 2, 3, … in rising order: `bins - 1` numbers.
    thresholds
        Cut-offs of an earlier result, so that customers move only by what they do: that result, its "thresholds" table,
        its `to_dict()`, or a mapping with the three options above (its `parameters` have them). What is given by hand
        comes first. Values beyond their ends get the lowest or the highest score.
    names
        Names of one's own for segments, by their usual names: `{"Champions": "VIP"}`.
    n_bootstrap
        How often customers are drawn again for the intervals; 0 leaves out those that need it.
    seed
        Seed of the draws; the same seed gives the same intervals.

    Returns
    -------
    Result
        Tables:

        - "customers", one row per customer: `customer_id`, `recency_days`, `n_orders`, `spend`, `r_score`, `f_score`,
          `m_score`, `segment`, `first_ordered_on`, `last_ordered_on`, `spend_per_order`, `refunds`. Prospects, and those
          whose orders all net to nothing or less ("No purchase"), have no scores.
        - "segments", one row per segment with customers: `n_customers`, `customer_share` (Wilson interval), `spend`,
          `spend_share`, `mean_orders`, `spend_per_customer` (bootstrap intervals), `median_recency_days` (binomial
          interval), `meaning`, `what_to_do`.
        - "thresholds", one row per dimension and score: `from`, `to`, `n_customers`.
        - "grid", one row per cell of recency and frequency score, with its segment.

        Shares are of customers with a purchase and of their spend. `parameters` holds the cut-offs used.

    Raises
    ------
    NotEnoughDataError
        If nobody made a purchase in the window.
    OptionError
        If an option is out of its range.
    UnknownNameError
        If `names` renames a segment that there is not.

    Notes
    -----
    With a share b of customers below a value and a share e at it, the value's score is ceil(5 (b + e / 2)): the fifth in
    which the middle of its ties falls. Bins are therefore not always equal, which a note says.

    References
    ----------
    Hughes, A. M. (1994). Strategic Database Marketing. Probus. (Scores by fifths; the names came later, in trade use.)

    Examples
    --------
    >>> import polars as pl
    >>> from datetime import date
    >>> orders = pl.DataFrame(
    ...     {
    ...         "customer_id": ["ann", "ann", "ann", "bob", "cy", "cy"],
    ...         "ordered_at": [date(2026, 1, d) for d in (3, 17, 30, 5, 6, 29)],
    ...         "amount": [20.0, 30.0, 50.0, 40.0, 15.0, 25.0],
    ...     }
    ... )
    >>> result = rfm(orders, as_of=date(2026, 2, 1), n_bootstrap=0)
    >>> result.tables()["customers"].select("customer_id", "recency_days", "n_orders", "spend", "segment").rows()
    [('ann', 2, 3, 100.0, 'Champions'), ('bob', 27, 1, 40.0, 'Lost'), ('cy', 3, 2, 40.0, 'Need attention')]
    """
    extract = as_extract(tx)
    _check(n_bootstrap, names)
    rfm_cuts.check_method(bins, method)
    given = rfm_cuts.read_given(
        bins, thresholds, recency_cuts=recency_cuts, frequency_cuts=frequency_cuts, spend_cuts=spend_cuts
    )
    called = {s: (names or {}).get(s.value, s.value) for s in Segment}
    window = windows.resolve(extract, as_of=as_of, start=start)
    buyers, others = _customers(extract, window)
    cuts = rfm_cuts.choose(buyers, bins, method, given)
    scored = rfm_tables.with_segments(cuts.scored(buyers), bins, called)
    known = _known(extract, window) if window.start or customers is not None else None
    prospects = _prospects(customers, window, known)
    tables = {
        "customers": rfm_tables.customer_table(scored, others, prospects, called),
        "thresholds": rfm_cuts.threshold_table(cuts, scored),
        "grid": rfm_tables.grid_table(scored, bins, called),
    }
    segments = rfm_tables.segment_table(tables["customers"], called, n_bootstrap=n_bootstrap, seed=seed)
    tables["segments"] = segments
    return Result.of(
        "rfm",
        title="RFM segments",
        headline=rfm_words.headline(segments, called, extract.currency),
        summary=segments.select(_BRIEF),
        tables={name: tables[name] for name in ("segments", "customers", "thresholds", "grid")},
        views=VIEWS,
        parameters={
            "bins": bins,
            "method": method,
            "frequency_method": "given"
            if "n_orders" in given
            else "absolute"
            if cuts.absolute_frequency
            else "quantile",
            **cuts.options(),
            "thresholds": None if thresholds is None else "of an earlier result",
            "names": dict(names or {}),
            "n_bootstrap": n_bootstrap,
            "seed": seed,
            "start": window.start,
            "as_of": window.as_of,
        },
        provenance=windows.provenance(extract, window),
        notes=rfm_words.notes(
            cuts,
            tables["thresholds"],
            tables["customers"],
            called,
            n_lapsed=0 if known is None else known.len() - scored.height - others.height,
            start=window.start,
            filters=extract.filters,
        ),
        terms=TERMS,
        currency=extract.currency,
    )


def _check(n_bootstrap: int, names: Mapping[str, str] | None) -> None:
    if n_bootstrap < 0:
        raise OptionError.out_of_range("n_bootstrap", n_bootstrap, "0 or more; 1000 as a rule")
    usual = [s.value for s in Segment]
    for name in names or {}:
        if name not in usual:
            raise UnknownNameError.of("segment", name, usual)
    called = [(names or {}).get(name, name) for name in usual]
    if len(set(called)) < len(usual) or not all(called):
        raise OptionError.out_of_range("names", dict(names or {}), "a different name for each segment")


def _customers(extract: Extract, window: windows.Window) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give customers with a purchase in the window, and those with none."""
    summary = customer_summary(extract, as_of=window.as_of, start=window.start)
    days = (pl.lit(window.as_of) - pl.col("last_ordered_on")).dt.total_days()
    summary = summary.with_columns(recency_days=days)
    buyers = summary.filter(pl.col("n_orders") > 0)
    if buyers.is_empty():
        raise NotEnoughDataError.of("customers with an order that nets to more than nothing", 0, 1)
    return buyers, summary.filter(pl.col("n_orders") == 0)


def _known(extract: Extract, window: windows.Window) -> pl.Series:
    """List everyone with a row before `as_of`, whenever it was."""
    seen = extract.frame.filter(pl.col("ordered_at") < pl.lit(window.as_of).cast(pl.Datetime("us")))
    return seen.select(pl.col("customer_id").unique()).collect()["customer_id"]


def _prospects(customers: Any, window: windows.Window, known: pl.Series | None) -> pl.Series:  # noqa: ANN401
    if customers is None or known is None:
        return pl.Series("customer_id", [], pl.String)
    frame = as_extract(customers, "customers").frame
    if "joined_on" in frame.collect_schema().names():
        frame = frame.filter(pl.col("joined_on").is_null() | (pl.col("joined_on") < _day(window.as_of)))
    ids = frame.select(pl.col("customer_id").unique()).collect()["customer_id"]
    return ids.filter(~ids.is_in(known.implode())).sort()


def _day(day: date) -> pl.Expr:
    return pl.lit(day, pl.Date)
