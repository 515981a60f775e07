"""Campaign contacts: whom each campaign reached, in which arm, and what its own books claim."""

from __future__ import annotations

import numpy as np
import polars as pl

from sample_data.chance import Ints, Recipe, labels
from sample_data.people import NOT_CONTACTED, TREATED, People
from sample_data.truth import Campaign, Truth

CLAIMED_SHARE = 0.6
"""Share of the orders of treated customers in the campaign's window that use its code and so count as response."""


def contacts_frame(recipe: Recipe, people: People, transactions: pl.DataFrame) -> pl.DataFrame:
    """Give the contacts table.

    `responded_at` and `revenue` are the first order of a treated customer within the window, where it used the
    campaign's code. Most of them would have ordered anyway: revenue claimed is not revenue caused.
    """
    rng = recipe.stream("contacts")
    orders = (
        transactions.filter(pl.col("quantity") > 0)
        .group_by("customer_id", "order_id")
        .agg(pl.col("ordered_at").min(), pl.col("amount").sum().round(2))
    )
    return pl.concat(_one(recipe, people.arms[:, k], orders, k, rng) for k in range(people.arms.shape[1]))


def _one(recipe: Recipe, arms: Ints, orders: pl.DataFrame, k: int, rng: np.random.Generator) -> pl.DataFrame:
    """Give the contacts of one campaign, all made in the early morning of the same day."""
    campaign = recipe.truth.campaigns[k]
    reached = np.flatnonzero(arms != NOT_CONTACTED)
    treated = arms[reached] == TREATED
    claims = pl.Series(treated & (rng.random(len(reached)) < CLAIMED_SHARE))
    frame = pl.DataFrame(
        {
            "campaign_id": pl.repeat(campaign.name, len(reached), eager=True),
            "customer_id": recipe.ids().gather(reached),
            "contacted_at": pl.repeat(_begins(campaign), len(reached), eager=True),
            "arm": labels(["control", "treatment"], treated.astype(np.int64)),
            "channel": pl.repeat(campaign.channel, len(reached), eager=True),
            "cost": np.where(treated, campaign.cost, 0.0),
            "claims": claims,
        }
    )
    first = _first_orders(recipe.truth, campaign, orders)
    return (
        frame.join(first, on="customer_id", how="left", maintain_order="left")
        .with_columns(pl.when("claims").then("responded_at"), pl.when("claims").then("revenue"))
        .drop("claims")
    )


def _begins(campaign: Campaign) -> pl.Expr:
    return pl.lit(campaign.begins_on).cast(pl.Datetime("us")) + pl.duration(hours=6)


def _first_orders(truth: Truth, campaign: Campaign, orders: pl.DataFrame) -> pl.DataFrame:
    """Give each customer's first order within the campaign's window."""
    begins = _begins(campaign)
    inside = orders.filter(
        pl.col("ordered_at").is_between(begins, begins + pl.duration(days=truth.campaign_days), closed="left")
    )
    return (
        inside.sort("ordered_at", "order_id")
        .group_by("customer_id", maintain_order=True)
        .agg(pl.col("ordered_at").first().alias("responded_at"), pl.col("amount").first().alias("revenue"))
    )
