"""Who complained: how often, how much they had bought before, and who of the good ones still waits."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.customers import customer_summary
from crm_analytics.aggregates.orders import orders
from crm_analytics.extracts.extract import Extract
from crm_analytics.satisfaction.complaints.cases import Cases, array
from crm_analytics.stats.intervals import wilson

_MOST_TIMES: Final = 5
_BEST: Final = 0.8

REPEAT_SCHEMA: Final = {
    "times_complained": pl.String(),
    "n_complainers": pl.Int64(),
    **{f"complainer_share{e}": pl.Float64() for e in ("", "_lower", "_upper")},
    "n_cases": pl.Int64(),
    "case_share": pl.Float64(),
}
CUSTOMERS_SCHEMA: Final = {
    "customer_id": pl.String(),
    "name": pl.String(),
    "is_good_customer": pl.Boolean(),
    "n_open_cases": pl.Int64(),
    "open_days": pl.Float64(),
    "n_cases": pl.Int64(),
    "last_case_on": pl.Date(),
    "last_case_category": pl.String(),
    "slowest_hours": pl.Float64(),
    "spend_before_case": pl.Float64(),
    "orders_before_case": pl.Int64(),
    "last_ordered_on": pl.Date(),
    "ordered_since": pl.Boolean(),
}


def repeat_table(cases: Cases) -> pl.DataFrame:
    """Give how many customers raised one, two, three … cases, and which share of all cases is theirs."""
    each = cases.counted.drop_nulls("customer_id").group_by("customer_id").len("n")
    if each.is_empty():
        return pl.DataFrame(schema=REPEAT_SCHEMA)
    times = array(each, "n")
    rows = []
    for k in range(1, _MOST_TIMES + 1):
        here = times >= k if k == _MOST_TIMES else times == k
        if here.any():
            n, total = int(here.sum()), float(times.sum())
            low, high = wilson(n, len(times))
            label = f"{k} or more" if k == _MOST_TIMES else f"{k}"
            rows.append(
                (
                    label,
                    n,
                    n / len(times),
                    float(low),
                    float(high),
                    int(times[here].sum()),
                    float(times[here].sum() / total),
                )
            )
    return pl.DataFrame(rows, schema=REPEAT_SCHEMA, orient="row")


def customer_table(cases: Cases, transactions: Extract | None, customers: Extract | None) -> pl.DataFrame:
    """Give the customers who complained: good ones with an open case first, then by spend before the complaint."""
    known = cases.counted.drop_nulls("customer_id")
    if known.is_empty():
        return pl.DataFrame(schema=CUSTOMERS_SCHEMA)
    each = known.sort("opened_at", "case_id").group_by("customer_id").agg(
        n_open_cases=pl.col("is_open").sum().cast(pl.Int64) if cases.tells_closing else pl.lit(None, pl.Int64),
        open_days=(pl.col("hours").filter("is_open").max() / 24),
        n_cases=pl.len().cast(pl.Int64),
        first_case_on=pl.col("opened_on").min(),
        last_case_on=pl.col("opened_on").max(),
        last_case_category=pl.col("category").last(),
        slowest_hours=pl.col("hours").max(),
    )  # fmt: skip
    with_value = _valued(each, cases, transactions)
    named = _named(with_value, customers)
    waits = pl.col("is_good_customer").fill_null(value=False) & (pl.col("n_open_cases").fill_null(0) > 0)
    return (
        named.with_columns(waits=waits)
        .sort(
            "waits", pl.col("spend_before_case").fill_null(0.0), "n_open_cases", "n_cases", "last_case_on", "customer_id",
            descending=[True, True, True, True, True, False],
        )
        .select(list(CUSTOMERS_SCHEMA))
        .cast(CUSTOMERS_SCHEMA)  # type: ignore[arg-type]
    )  # fmt: skip


def _valued(each: pl.DataFrame, cases: Cases, transactions: Extract | None) -> pl.DataFrame:
    if transactions is None:
        return each.with_columns(
            pl.lit(None, CUSTOMERS_SCHEMA[c]).alias(c)
            for c in (
                "is_good_customer",
                "spend_before_case",
                "orders_before_case",
                "last_ordered_on",
                "ordered_since",
            )
        )
    as_of = cases.question.as_of
    bought: pl.DataFrame = orders(transactions.frame, as_of=as_of).collect("polars").to_native()
    days = bought.join(each.select("customer_id", "first_case_on", "last_case_on"), on="customer_id")
    before = pl.col("ordered_on") <= pl.col("first_case_on")
    purchase = pl.col("is_purchase")
    found = days.group_by("customer_id").agg(
        spend_before_case=pl.col("amount").filter(before).sum().round(6),
        orders_before_case=(before & purchase).sum().cast(pl.Int64),
        last_ordered_on=pl.col("ordered_on").filter(purchase).max(),
        ordered_since=(purchase & (pl.col("ordered_on") > pl.col("last_case_on"))).any(),
    )
    cut = good_from(transactions, cases)
    return each.join(found, on="customer_id", how="left").with_columns(
        is_good_customer=(pl.col("spend_before_case") >= cut).fill_null(value=False),
        ordered_since=pl.col("ordered_since").fill_null(value=False),
        orders_before_case=pl.col("orders_before_case").fill_null(0),
        spend_before_case=pl.col("spend_before_case").fill_null(0.0),
    )


def good_from(transactions: Extract, cases: Cases) -> float:
    """Give the spend from which a customer is among the best fifth of all who bought; infinite where nobody did."""
    spend = customer_summary(transactions, as_of=cases.question.as_of).filter(pl.col("n_orders") > 0)["spend"]
    return float(np.quantile(spend.to_numpy(), _BEST)) if len(spend) else float("inf")


def _named(rows: pl.DataFrame, customers: Extract | None) -> pl.DataFrame:
    if customers is None or "name" not in customers.frame.collect_schema().names():
        return rows.with_columns(name=pl.lit(None, pl.String))
    names = customers.frame.select("customer_id", "name").unique(
        "customer_id", keep="first", maintain_order=True
    )
    return rows.join(names.collect(), on="customer_id", how="left")
