"""The tables of RFM, worked out from scored customers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.customers import MONEY_DECIMALS
from crm_analytics.segmentation.segments import SCORED, Segment, segment_of
from crm_analytics.stats import bootstrap
from crm_analytics.stats.intervals import median_interval, wilson

FEWEST: Final = 5
"""Segments of fewer customers get no interval for their means and medians: so few say nothing about others."""

_CELLS: Final = 400  # per segment: what a spend share needs, at a fraction of the time
_NEVER_SCORED: Final = (Segment.PROSPECT, Segment.NO_PURCHASE)

CUSTOMER_COLUMNS: Final[Mapping[str, pl.DataType]] = {
    "customer_id": pl.String(),
    "recency_days": pl.Int64(),
    "n_orders": pl.Int64(),
    "spend": pl.Float64(),
    "r_score": pl.Int64(),
    "f_score": pl.Int64(),
    "m_score": pl.Int64(),
    "segment": pl.String(),
    "first_ordered_on": pl.Date(),
    "last_ordered_on": pl.Date(),
    "spend_per_order": pl.Float64(),
    "refunds": pl.Float64(),
}
"""The columns of the customers table; the first eight are what other programs build on."""


def with_segments(scored: pl.DataFrame, bins: int, names: Mapping[Segment, str]) -> pl.DataFrame:
    """Add each buyer's segment."""
    return scored.join(_cell_names(bins, names), on=["r_score", "f_score"], how="left", maintain_order="left")


def customer_table(
    buyers: pl.DataFrame, others: pl.DataFrame, prospects: pl.Series, names: Mapping[Segment, str]
) -> pl.DataFrame:
    """Give one row per customer: buyers with scores, then those without a purchase, sorted by id."""
    unscored = others.drop("recency_days").with_columns(segment=pl.lit(names[Segment.NO_PURCHASE]))
    strangers = pl.DataFrame({"customer_id": prospects.cast(pl.String)}).with_columns(
        n_orders=pl.lit(0, pl.Int64), spend=0.0, refunds=0.0, segment=pl.lit(names[Segment.PROSPECT])
    )
    parts = [
        part.select(
            pl.col(c) if c in part.columns else pl.lit(None, t).alias(c) for c, t in CUSTOMER_COLUMNS.items()
        )
        for part in (buyers, unscored, strangers)
    ]
    return pl.concat(parts).sort("customer_id")


def grid_table(buyers: pl.DataFrame, bins: int, names: Mapping[Segment, str]) -> pl.DataFrame:
    """Give one row per cell of recency and frequency score, the best first, empty cells too."""
    sums = buyers.group_by("r_score", "f_score").agg(
        n_customers=pl.len().cast(pl.Int64), spend=pl.col("spend").sum().round(MONEY_DECIMALS)
    )
    total = float(buyers["spend"].sum())
    cells = _cell_names(bins, names).join(sums, on=["r_score", "f_score"], how="left", maintain_order="left")
    n, spend = pl.col("n_customers").fill_null(0), pl.col("spend").fill_null(0.0)
    return cells.select(
        "r_score",
        "f_score",
        "segment",
        n_customers=n,
        customer_share=n / buyers.height,
        spend=spend,
        spend_share=spend / total if total > 0 else pl.lit(None, pl.Float64),
        spend_per_customer=pl.when(n > 0).then(spend / n),
    )


def segment_table(
    customers: pl.DataFrame, names: Mapping[Segment, str], *, n_bootstrap: int, seed: int
) -> pl.DataFrame:
    """Give one row per segment that has customers, in the order of meaning, with intervals."""
    buyers = customers.filter(pl.col("r_score").is_not_null())
    parts = buyers.partition_by("segment", as_dict=True)
    present = [s for s in SCORED if (names[s],) in parts]
    groups = {names[s]: parts[names[s],] for s in present}
    intervals = _intervals(buyers, groups, n_bootstrap=n_bootstrap, seed=seed)
    rows = [_row(s, groups[names[s]], buyers, names) | intervals[names[s]] for s in present]
    rows += [_unscored_row(s, customers, names) for s in _NEVER_SCORED]
    found = pl.DataFrame([r for r in rows if r["n_customers"]], schema=_SEGMENT_COLUMNS)
    return found.with_columns(pl.col("spend", "spend_per_customer").round(MONEY_DECIMALS))


_F: Final = pl.Float64()
_SEGMENT_COLUMNS: Final[Mapping[str, pl.DataType]] = {
    "segment": pl.String(),
    "n_customers": pl.Int64(),
    **dict.fromkeys(("customer_share", "customer_share_lower", "customer_share_upper"), _F),
    "spend": _F,
    **dict.fromkeys(("spend_share", "spend_share_lower", "spend_share_upper"), _F),
    **dict.fromkeys(("median_recency_days", "median_recency_days_lower", "median_recency_days_upper"), _F),
    **dict.fromkeys(("mean_orders", "mean_orders_lower", "mean_orders_upper"), _F),
    **dict.fromkeys(("spend_per_customer", "spend_per_customer_lower", "spend_per_customer_upper"), _F),
    "meaning": pl.String(),
    "what_to_do": pl.String(),
}

Row = dict[str, object]


def _cell_names(bins: int, names: Mapping[Segment, str]) -> pl.DataFrame:
    cells = product(range(bins, 0, -1), range(bins, 0, -1))
    rows = [(r, f, names[segment_of(r, f, bins=bins)]) for r, f in cells]
    schema = {"r_score": pl.Int64(), "f_score": pl.Int64(), "segment": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _row(segment: Segment, group: pl.DataFrame, buyers: pl.DataFrame, names: Mapping[Segment, str]) -> Row:
    n, spend, total = group.height, float(group["spend"].sum()), float(buyers["spend"].sum())
    lower, upper = wilson(n, buyers.height)
    return {
        "segment": names[segment],
        "n_customers": n,
        "customer_share": n / buyers.height,
        "customer_share_lower": float(lower),
        "customer_share_upper": float(upper),
        "spend": spend,
        "spend_share": spend / total if total > 0 else None,
        "median_recency_days": group["recency_days"].median(),
        "mean_orders": group["n_orders"].mean(),
        "spend_per_customer": spend / n,
        "meaning": segment.meaning,
        "what_to_do": segment.what_to_do,
    }


def _unscored_row(segment: Segment, customers: pl.DataFrame, names: Mapping[Segment, str]) -> Row:
    group = customers.filter(pl.col("segment") == names[segment], pl.col("r_score").is_null())
    return {
        "segment": names[segment],
        "n_customers": group.height,
        "spend": float(group["spend"].sum()),
        "meaning": segment.meaning,
        "what_to_do": segment.what_to_do,
    }


def _intervals(
    buyers: pl.DataFrame, groups: Mapping[str, pl.DataFrame], *, n_bootstrap: int, seed: int
) -> dict[str, Row]:
    """Draw the customers again and give the interval of each figure, per segment."""
    found: dict[str, Row] = {name: {} for name in groups}
    for name, group in groups.items():
        if group.height >= FEWEST:
            _, lower, upper = median_interval(group["recency_days"].to_numpy())
            found[name] |= {"median_recency_days_lower": lower, "median_recency_days_upper": upper}
    if n_bootstrap == 0:
        return found
    places = {name: i for i, name in enumerate(groups)}
    of = buyers["segment"].replace_strict(places, return_dtype=pl.Int64).to_numpy()
    for column, mean, share in (
        ("spend", "spend_per_customer", "spend_share"),
        ("n_orders", "mean_orders", None),
    ):
        cells = bootstrap.cells(buyers[column].to_numpy(), of, most=_CELLS)
        counts, sums = bootstrap.group_sums(cells, n_resamples=n_bootstrap, seed=seed)
        enough = [groups[name].height >= FEWEST for name in groups]
        _put(found, mean, np.where(counts > 0, sums / np.maximum(counts, 1), np.nan), enough)
        if share is not None and buyers[column].sum() > 0:
            total = sums.sum(axis=1, keepdims=True)
            with np.errstate(divide="ignore", invalid="ignore"):
                shares = np.where(total > 0, sums / total, np.nan)
            _put(found, share, shares, [True] * len(enough))
    return found


def _put(
    found: dict[str, Row],
    column: str,
    samples: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    enough: list[bool],
) -> None:
    wanted = [i for i, usable in enumerate(enough) if usable]
    if not wanted:
        return
    lower, upper = bootstrap.percentile(samples[:, wanted])
    names = list(found)
    for i, low, high in zip(wanted, lower, upper, strict=True):
        found[names[i]] |= {f"{column}_lower": float(low), f"{column}_upper": float(high)}
