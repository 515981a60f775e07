"""Who is how valuable: rank, cumulative share, A/B/C tier and decile of each customer, and the tables by tier and decile.

Customers who spent the same stand at the same rank and in the same tier and decile, so the order of rows never matters.
"""

from __future__ import annotations

from typing import Final

import polars as pl

TIERS: Final = ("A", "B", "C")
N_DECILES: Final = 10

_EDGE: Final = 1e-9  # what floating-point sums leave at a cut-off


def rank_customers(summary: pl.DataFrame, *, a_share: float, b_share: float) -> pl.DataFrame:
    """Rank customers by spend and put each into a tier and a decile.

    A customer is in A while those who spent more have not yet made `a_share` of all spend: A is the smallest group of
    best customers that makes at least that share, ties included. Whoever has no positive spend comes after those who
    make all of it, and so is in C.
    A customer's decile follows from the middle of the places that those with the same spend share.

    Examples
    --------
    >>> money = pl.DataFrame({"customer_id": ["a", "b", "c", "d"], "spend": [80.0, 5.0, 15.0, 0.0]})
    >>> rank_customers(money, a_share=0.8, b_share=0.95).select("customer_id", "rank", "tier", "decile").rows()
    [('a', 1, 'A', 2), ('c', 2, 'B', 4), ('b', 3, 'C', 7), ('d', 4, 'C', 9)]
    """
    places = _places(summary, a_share, b_share)
    return summary.join(places, on="spend", how="left").sort(["rank", "customer_id"])


def _places(summary: pl.DataFrame, a_share: float, b_share: float) -> pl.DataFrame:
    """Give one row per different spend: its rank, shares, tier and decile."""
    total = float(summary["spend"].sum())
    groups = summary.group_by("spend").agg(n=pl.len().cast(pl.Int64)).sort("spend", descending=True)
    money = pl.col("spend") * pl.col("n")
    before, n_before = money.cum_sum() - money, pl.col("n").cum_sum() - pl.col("n")
    halves = 2 * n_before + pl.col("n")  # twice the middle place, so that whole numbers decide the decile
    tier = (
        pl.when(before / total < a_share - _EDGE)
        .then(pl.lit("A"))
        .when(before / total < b_share - _EDGE)
        .then(pl.lit("B"))
        .otherwise(pl.lit("C"))
    )
    return groups.select(
        "spend",
        rank=n_before + 1,
        spend_share=pl.col("spend") / total,
        cumulative_spend_share=money.cum_sum() / total,
        tier=tier,
        decile=(N_DECILES * halves) // (2 * summary.height) + 1,
    )


def tier_table(ranked: pl.DataFrame) -> pl.DataFrame:
    """Give one row per tier, also where a tier is empty."""
    frame = pl.DataFrame({"tier": TIERS})
    return _described(frame.join(_grouped(ranked, "tier"), on="tier", how="left"), ranked).sort("tier")


def decile_table(ranked: pl.DataFrame) -> pl.DataFrame:
    """Give one row per decile, best first, also where ties leave a decile empty."""
    frame = pl.DataFrame({"decile": range(1, N_DECILES + 1)}, schema={"decile": pl.Int64()})
    return _described(frame.join(_grouped(ranked, "decile"), on="decile", how="left"), ranked).sort("decile")


def _grouped(ranked: pl.DataFrame, by: str) -> pl.DataFrame:
    return ranked.group_by(by).agg(
        n_customers=pl.len().cast(pl.Int64),
        spend=pl.col("spend").sum(),
        least_spend=pl.col("spend").min(),
        most_spend=pl.col("spend").max(),
        n_orders=pl.col("n_orders").sum(),
        **({"margin": _sum_of_known("margin")} if "margin" in ranked.columns else {}),
    )


def _sum_of_known(column: str) -> pl.Expr:
    return pl.when(pl.col(column).is_not_null().all()).then(pl.col(column).sum())


def _described(table: pl.DataFrame, ranked: pl.DataFrame) -> pl.DataFrame:
    total, n = float(ranked["spend"].sum()), pl.col("n_customers")
    margin = ["margin"] if "margin" in table.columns else []
    return (
        table.with_columns(pl.col("n_customers", "n_orders").fill_null(0), pl.col("spend").fill_null(0.0))
        .with_columns(
            customer_share=n / ranked.height,
            spend_share=pl.col("spend") / total,
            spend_per_customer=pl.when(n > 0).then(pl.col("spend") / n),
            mean_orders=pl.when(n > 0).then(pl.col("n_orders") / n),
        )
        .select(
            table.columns[0], "n_customers", "customer_share", "spend", "spend_share", "spend_per_customer",
            "least_spend", "most_spend", "n_orders", "mean_orders", *margin,
        )
    )  # fmt: skip
