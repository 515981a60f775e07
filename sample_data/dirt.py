"""Rows that are wrong on purpose, in numbers that are stated."""

from __future__ import annotations

import numpy as np
import polars as pl

from sample_data.chance import Flags, Ints, Recipe

_BAD_DATES = ("31/02/2025", "unknown", "2025-13-07 10:15:00", "00.00.0000")


def add_dirt(recipe: Recipe, drawn: pl.DataFrame) -> pl.DataFrame:
    """Add the dirt of the truth to the clean transactions, those of the drawn that stand; instants become text.

    Every row but the padded ids is an additional one, so that the clean rows remain what they were: copies of
    lines under order ids of their own without a customer or with a date that is none, free gifts at 0.00 within
    orders, and exact copies. Padded ids have a blank after them and are right once it is cut off.
    """
    dirt, rng = recipe.truth.dirt, recipe.stream("dirt")
    written = pl.col("ordered_at").dt.strftime("%Y-%m-%d %H:%M:%S")
    drawn = drawn.with_columns(pl.col("ordered_at").alias("place"), written)
    counts = (
        dirt.blank_customer_rows,
        dirt.bad_date_rows,
        dirt.zero_price_rows,
        dirt.duplicate_rows,
        dirt.padded_id_rows,
    )
    sold = np.flatnonzero((drawn["quantity"] > 0).to_numpy())
    chosen = rng.choice(sold, size=sum(counts), replace=False)
    stands = drawn["stands"].to_numpy()
    clean = drawn.filter("stands").drop("stands")
    places = (np.cumsum(stands) - 1)[_moved(chosen, sold, stands)]
    lots = np.split(places, np.cumsum(counts)[:-1])
    guests, undated, gifts, copies = (clean[np.sort(lot)] for lot in lots[:4])
    guests = guests.with_columns(
        _own_order_ids("G", guests.height), pl.lit(None, pl.String).alias("customer_id")
    )
    bad = pl.Series("ordered_at", [_BAD_DATES[i % len(_BAD_DATES)] for i in range(undated.height)])
    undated = undated.with_columns(_own_order_ids("X", undated.height), bad)
    unit_cost = (pl.col("cost") / pl.col("quantity")).round(2)
    gifts = gifts.with_columns(quantity=pl.lit(1), cost=unit_cost, unit_price=pl.lit(0.0), amount=pl.lit(0.0))
    return _in_order(_pad(clean, lots[4]), guests, undated, gifts, copies)


def _moved(chosen: Ints, sold: Ints, stands: Flags) -> Ints:
    """Take the next sale that stands and is not chosen yet where a chosen one does not."""
    free = np.setdiff1d(sold[stands[sold]], chosen)
    moved = chosen.copy()
    for i in np.flatnonzero(~stands[chosen]):
        at = np.searchsorted(free, chosen[i]) % len(free)
        moved[i] = free[at]
        free = np.delete(free, at)
    return moved


def _own_order_ids(mark: str, n: int) -> pl.Series:
    return pl.Series("order_id", [f"{mark}{i:07d}" for i in range(1, n + 1)])


def _pad(clean: pl.DataFrame, rows: Ints) -> pl.DataFrame:
    """Put a blank after the customer id of these rows."""
    flags = np.zeros(clean.height, dtype=bool)
    flags[rows] = True
    padded = pl.when(pl.Series(flags)).then(pl.col("customer_id") + " ").otherwise("customer_id")
    return clean.with_columns(padded.alias("customer_id"))


def _in_order(clean: pl.DataFrame, *more: pl.DataFrame) -> pl.DataFrame:
    """Put the further rows where their date belongs."""
    schema = clean.schema
    return (
        pl.concat([clean, *(part.cast(schema) for part in more)])
        .sort("place", maintain_order=True)
        .drop("place")
    )
