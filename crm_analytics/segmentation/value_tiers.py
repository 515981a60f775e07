"""The value tiers: who brings the money, how concentrated it is, and which good customers are declining."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.comparison import compared_spend
from crm_analytics.aggregates.coverage import covered_from
from crm_analytics.aggregates.customers import customer_summary
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_extract
from crm_analytics.results import Note, Result, View
from crm_analytics.segmentation import decline_lists, value_words
from crm_analytics.segmentation.decline_lists import Choice, Comparison
from crm_analytics.segmentation.value_curves import concentration_table, lorenz_table, top_share_table, whale
from crm_analytics.segmentation.value_ranking import decile_table, rank_customers, tier_table
from crm_analytics.segmentation.value_terms import TERMS

_FEWEST_CUSTOMERS: Final = 2
_FEWEST_DRAWS: Final = 100
_MOST_MONTHS: Final = 60


def value_tiers(
    tx: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    a_share: float = 0.80,
    b_share: float = 0.95,
    top_shares: Sequence[float] = (0.01, 0.05, 0.10, 0.20),
    compare_months: int = 12,
    good_share: float = 0.20,
    most_valuable_share: float = 0.05,
    least_fall: float = 0.10,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Result:
    """Say who brings the money, how concentrated it is, and which good customers are declining.

    Ranks customers by net spend; puts them into tiers A, B and C by cumulative share of spend and into deciles;
    measures concentration (top shares, Lorenz curve, Gini, Herfindahl, whale curve); and lists the most valuable
    customers of the last 12 months, the good customers who buy less than in the 12 months before, and those who fell
    silent, each with the money at stake.

    Not for comparing windows of different length: in a short window more customers have bought once or not at all, so
    spend looks more concentrated. Not a forecast either: who is listed has fallen, not who will.

    Parameters
    ----------
    tx
        Transactions: an Extract, a frame, or anything `crm.read_transactions` takes.
    as_of
        The first day that is not seen; None takes the day after the last row.
    start
        The first day whose orders count for tiers, deciles and concentration; None counts all. The lists look back
        from `as_of` whatever it is.
    customers
        The customers table, to say how many are in no tier because they never ordered. Optional.
    a_share
        Share of spend that tier A makes, in (0, 1): 0.80 after Pareto's rule of thumb.
    b_share
        Share of spend that tiers A and B make together, above `a_share` and below 1.
    top_shares
        Shares of customers whose share of spend is shown, each in (0, 1).
    compare_months
        Length of the two stretches that the lists compare, 1 to 60 calendar months: 12, so that each holds every season.
    good_share
        Who counts as a good customer: the best so-many by spend in the stretch before, in (0, 1).
    most_valuable_share
        How many the list of the most valuable holds, in (0, 1).
    least_fall
        By how much spend must fall to be listed, in (0, 1): small falls happen to everyone.
    n_bootstrap
        Draws for the intervals of top shares and Gini, at least 100.
    seed
        Seed of the draws.

    Returns
    -------
    Result
        - "tiers": one row per tier: customers, spend, their shares, spend per customer and its range, orders
        - "top_shares": one row per top share: customers, spend, `spend_share` with bounds
        - "deciles": one row per tenth of the customers, 1 the best, with the same columns as tiers
        - "lorenz": at most 200 points of the Lorenz curve
        - "whale": at most 200 points of cumulative margin (or spend), best customers first, `is_peak` marked
        - "concentration": one row per measure: Gini with bounds, largest customer, Herfindahl and others
        - "lists": one row per list: definition, customers, money at stake
        - "listed": one row per list and customer: money at stake, spend recent and before, last order, reason
        - "customers": one row per customer, best first: spend, margin where a cost is known, rank, shares, tier, decile

    Raises
    ------
    NotEnoughDataError
        If fewer than two customers have ordered, or all spend together is not positive.
    OptionError
        If an option is out of its range.

    Notes
    -----
    Customers who spent the same are always in the same tier and decile, so the order of rows does not matter; deciles
    may differ in size for it. Shares are of all net spend. A fall is beyond normal variation where it exceeds 1.645
    standard deviations of a steady compound Poisson process, whose variance is the sum of squared order amounts.
    Intervals are from the bootstrap over customers (BCa).

    References
    ----------
    Lorenz, M. O. (1905), Methods of measuring the concentration of wealth. Kaplan, R. S. and Narayanan, V. G. (2001),
    Measuring and managing customer profitability (whale curve).

    Examples
    --------
    >>> from datetime import date
    >>> import crm_analytics as crm
    >>> orders = pl.DataFrame(
    ...     {
    ...         "customer_id": ["a", "b", "c"],
    ...         "ordered_at": [date(2026, 1, 5), date(2026, 2, 5), date(2026, 3, 5)],
    ...         "amount": [80.0, 15.0, 5.0],
    ...     }
    ... )
    >>> result = crm.value_tiers(orders, top_shares=(0.33,))
    >>> result.tables()["tiers"].select("tier", "n_customers", "spend_share").rows()
    [('A', 1, 0.8), ('B', 1, 0.15), ('C', 1, 0.05)]
    """
    choice = Choice(good_share, most_valuable_share, least_fall)
    _check(a_share, b_share, top_shares, compare_months, n_bootstrap, choice)
    extract = as_extract(tx)
    window = windows.resolve(extract, as_of=as_of, start=start)
    bought = _bought(extract, window)
    ranked = rank_customers(bought, a_share=a_share, b_share=b_share)
    comparison = Comparison(window.as_of, compare_months, covered_from(extract))
    spend = compared_spend(extract.frame, as_of=window.as_of, months=compare_months)
    curve = whale(ranked)
    found = value_words.Findings(
        ranked=ranked,
        tiers=tier_table(ranked),
        tops=top_share_table(ranked["spend"], top_shares, n_bootstrap=n_bootstrap, seed=seed),
        deciles=decile_table(ranked),
        concentration=concentration_table(ranked, n_bootstrap=n_bootstrap, seed=seed),
        whale=curve,
        lists=decline_lists.build(spend, comparison, choice, currency=extract.currency),
        currency=extract.currency,
    )
    notes = [*value_words.notes(found, tuple(top_shares)), *_never_ordered(bought, customers)]
    return Result.of(
        "value_tiers",
        title="Value tiers",
        headline=value_words.headline(found),
        summary=value_words.summary(found),
        tables=_tables(found),
        views=tuple(_views(found, comparison)),
        parameters={
            "a_share": a_share,
            "b_share": b_share,
            "top_shares": list(top_shares),
            "compare_months": compare_months,
            "good_share": good_share,
            "most_valuable_share": most_valuable_share,
            "least_fall": least_fall,
            "n_bootstrap": n_bootstrap,
            "seed": seed,
        },
        provenance=windows.provenance(extract, window),
        notes=tuple(notes),
        terms=TERMS,
        currency=extract.currency,
    )


def _bought(extract: Extract, window: windows.Window) -> pl.DataFrame:
    """Give the customers of the window, or say why there is nothing to rank."""
    summary = customer_summary(extract, as_of=window.as_of, start=window.start)
    buyers = int((summary["n_orders"] > 0).sum())
    if buyers < _FEWEST_CUSTOMERS:
        raise NotEnoughDataError.of("customers with an order", buyers, _FEWEST_CUSTOMERS)
    total = float(summary["spend"].sum())
    if total <= 0:
        raise NotEnoughDataError(
            f"All spend together, net of refunds, is {total:,.2f}.",
            "Shares of spend need a positive sum.",
            "Widen the dates or filters, or look at the check report for what was set aside.",
        )
    return summary


def _tables(found: value_words.Findings) -> dict[str, pl.DataFrame]:
    margin = ["margin"] if "margin" in found.ranked.columns else []
    return {
        "tiers": found.tiers,
        "top_shares": found.tops,
        "deciles": found.deciles,
        "lorenz": lorenz_table(found.ranked["spend"]),
        "whale": found.whale.points,
        "concentration": found.concentration,
        "lists": found.lists.lists,
        "listed": found.lists.listed,
        "customers": found.ranked.select(
            "customer_id", "spend", *margin, "n_orders", "last_ordered_on", "rank", "spend_share",
            "cumulative_spend_share", "tier", "decile",
        ),
    }  # fmt: skip


def _views(found: value_words.Findings, comparison: Comparison) -> Iterator[View]:
    yield View("lorenz", "How unevenly customers spend", "lorenz")
    yield View("whale", f"Cumulative {found.whale.basis}, best customers first", "whale")
    yield View("deciles", "Spend by tenth of the customers", "deciles")
    if comparison.is_covered:
        yield View("decline", f"Good customers who spent less than in {comparison.before}", "listed")


def _never_ordered(bought: pl.DataFrame, customers: Any) -> Iterator[Note]:  # noqa: ANN401 as in value_tiers
    if customers is None:
        return
    ids = as_extract(customers, table="customers").frame.select("customer_id").unique().collect()
    never = ids.join(bought, on="customer_id", how="anti").height
    if never:
        they = "it is" if never == 1 else "they are"
        text = f"{never:,} of the {ids.height:,} customers in the customers table did not order in the window; {they} in no tier."
        yield Note("never_ordered", text)


def _check(
    a_share: float,
    b_share: float,
    top_shares: Sequence[float],
    compare_months: int,
    n_bootstrap: int,
    choice: Choice,
) -> None:
    shares = {
        "a_share": a_share,
        "good_share": choice.good_share,
        "most_valuable_share": choice.most_valuable_share,
        "least_fall": choice.least_fall,
        **{f"top_shares[{i}]": share for i, share in enumerate(top_shares)},
    }
    for name, share in shares.items():
        if not 0 < share < 1:
            raise OptionError.out_of_range(name, share, "a share above 0 and below 1, such as 0.2")
    if not a_share < b_share < 1:
        raise OptionError.out_of_range("b_share", b_share, f"a share above a_share, {a_share}, and below 1")
    if not 1 <= compare_months <= _MOST_MONTHS:
        raise OptionError.out_of_range("compare_months", compare_months, f"1 to {_MOST_MONTHS} months")
    if n_bootstrap < _FEWEST_DRAWS:
        raise OptionError.out_of_range("n_bootstrap", n_bootstrap, f"at least {_FEWEST_DRAWS}")
