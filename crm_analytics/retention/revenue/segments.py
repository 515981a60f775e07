"""Retention by group of customers: by plan, or by what the customers table says of them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.attribute_words import group_names
from crm_analytics.aggregates.origins import origins
from crm_analytics.errors import UnknownNameError
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_extract
from crm_analytics.retention.revenue.definitions import over
from crm_analytics.retention.revenue.ledger import Ledger, contracts_of, last_day
from crm_analytics.retention.revenue.rates import Stretches, percentile_or_none, where_nothing_moved
from crm_analytics.retention.revenue.sums import Sums, summed
from crm_analytics.stats.customer_draws import Draws
from crm_analytics.stats.intervals import Floats, wilson

MOST_GROUPS: Final = 20
OTHERS: Final = "All others"
UNKNOWN: Final = "Not known"
_PARTS: Final = ("before", "kept", "capped", "n_before", "n_stayed", "fallen")
_NO_GROUPS: Final = frozenset(
    ("customer_id", "ordered_at", "amount", "order_id", "quantity", "unit_price", "product_id", "cost")
)
"""What belongs to an order line and not to a customer."""


def group_of(
    extract: Extract,
    ledger: Ledger,
    by: str | None,
    customers: Any,  # noqa: ANN401 an Extract or any frame
    opening: int,
) -> tuple[str, pl.DataFrame] | None:
    """Find the group of each customer at the beginning of the stretch, as `customer` and `segment`.

    Returns None where there is nothing to group by: no `by`, and no plan in the contracts.

    Raises
    ------
    UnknownNameError
        If neither the extract nor the customers table has the column.
    """
    names = extract.frame.collect_schema().names()
    if by is None or (by == "plan" and ledger.kind == "contracts" and "plan" in names):
        plans = ledger.kind == "contracts" and "plan" in names
        return ("plan", _plans(extract, ledger, opening)) if plans else None
    table = None if customers is None else as_extract(customers, table="customers").frame
    attributes = [] if table is None else [c for c in table.collect_schema().names() if c != "customer_id"]
    ids = ledger.customers.select("customer", "customer_id")
    own = (
        [c for c in names if c not in _NO_GROUPS] if ledger.kind == "orders" else ["plan"] * ("plan" in names)
    )
    if by in own:
        told = origins(extract.frame, [by], as_of=ledger.ends[-1])
    elif by in attributes and table is not None:
        told = (
            table.select("customer_id", by).unique("customer_id", keep="first", maintain_order=True).collect()
        )
    else:
        raise UnknownNameError.of("column to group by", by, dict.fromkeys([*own, *attributes]))
    found = ids.join(told, on="customer_id", how="left")
    return by, found.select("customer", segment=group_names(by, found.schema[by], unknown=UNKNOWN))


def _plans(extract: Extract, ledger: Ledger, opening: int) -> pl.DataFrame:
    """Give each customer's plan in force at the opening: of several the dearest, of equally dear the first by alphabet.

    Who had none then has the plan of the contract that began last.
    """
    day = last_day(ledger, opening)
    running = (pl.col("started_on") <= day) & (pl.col("ended_on").is_null() | (pl.col("ended_on") > day))
    ordered = (
        contracts_of(extract, ledger.ends[-1])
        .with_columns(
            running=running, since=pl.when(running).then(None).otherwise(pl.col("started_on")), net=pl.col("net").fill_null(0)
        )
        .sort(
            "customer", "running", "since", "net", "plan", descending=[False, True, True, True, False], nulls_last=True
        )
    )  # fmt: skip
    return ordered.group_by("customer", maintain_order=True).first().select(
        "customer", segment=pl.col("plan").fill_null(UNKNOWN)
    )  # fmt: skip


def segment_table(found: Stretches, moved: pl.DataFrame, groups: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Give one row per group with customers at the beginning of the stretch, the largest first."""
    joined = (
        moved.filter("was")
        .join(groups, on="customer", how="left")
        .with_columns(pl.col("segment").fill_null(UNKNOWN))
    )
    size = "before" if found.ledger.has_money else "was"
    order = (
        joined.group_by("segment").agg(pl.col(size).sum()).sort([size, "segment"], descending=[True, False])
    )
    names = order["segment"].to_list()
    if len(names) > MOST_GROUPS:
        names = [*names[:MOST_GROUPS], OTHERS]
        joined = joined.with_columns(
            segment=pl.when(pl.col("segment").is_in(names)).then("segment").otherwise(pl.lit(OTHERS))
        )
    number = {name: i for i, name in enumerate(names)}
    numbered = joined.with_columns(group=pl.col("segment").replace_strict(number, return_dtype=pl.Int64))
    sums = summed(numbered, "group", len(names), draws, _PARTS)
    return _rows(names, sums, _as_equals(numbered), has_money=found.ledger.has_money)


def _as_equals(moved: pl.DataFrame) -> float:
    """Count the customers who lost something by what they are worth as equals (Kish): square of the sum over the squares."""
    fallen = (moved["before"] - moved["after"]).clip(0).cast(pl.Float64)
    squares = float((fallen**2).sum())
    return float(fallen.sum()) ** 2 / squares if squares else 0.0


def _loss_shares(sums: Sums, n_losers: float) -> dict[str, pl.Series]:
    """Give each group's share of all losses; a share of nothing or of all has Wilson's interval of so many losers."""
    fallen, drawn = sums.observed["fallen"], sums.drawn["fallen"]
    share = over(fallen, fallen.sum(keepdims=True))
    lower, upper = percentile_or_none(over(drawn, drawn.sum(axis=1, keepdims=True)))
    ends = where_nothing_moved(share, lower, upper, np.full(share.shape, n_losers))
    return _bounded("loss_share", share, *ends)


def _rows(names: list[str], sums: Sums, n_losers: float, *, has_money: bool) -> pl.DataFrame:
    seen = sums.observed
    n, stayed = seen["n_before"], seen["n_stayed"]
    columns: dict[str, Any] = {"segment": names, "opening_customers": n.astype(np.int64)}
    if has_money:
        columns |= {"opening_revenue": seen["before"], "kept_revenue": seen["kept"]}
        columns |= _figure("net_revenue_retention", sums, "kept")
        columns |= _figure("gross_revenue_retention", sums, "capped")
        columns |= {"fallen_revenue": seen["fallen"]} | _loss_shares(sums, n_losers)
    low, high = wilson(stayed, n)
    columns |= {
        "customers_kept_share": stayed / n,
        "customers_kept_share_lower": low,
        "customers_kept_share_upper": high,
    }
    return pl.DataFrame(columns)


def _figure(name: str, sums: Sums, part: str) -> dict[str, pl.Series]:
    value: Floats = over(sums.observed[part], sums.observed["before"])
    lower, upper = percentile_or_none(over(sums.drawn[part], sums.drawn["before"]))
    return _bounded(name, value, *where_nothing_moved(value, lower, upper, sums.n_effective))


def _bounded(name: str, value: Floats, lower: Floats, upper: Floats) -> dict[str, pl.Series]:
    ends = (value, np.minimum(lower, value), np.maximum(upper, value))
    return {
        f"{name}{end}": pl.Series(x).fill_nan(None)
        for end, x in zip(("", "_lower", "_upper"), ends, strict=True)
    }
