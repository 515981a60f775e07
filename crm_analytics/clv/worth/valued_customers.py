"""The customers that are valued: history, money so far, origin, cost of winning them, and the margin on their spend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.customers import customer_summary
from crm_analytics.aggregates.origins import origins
from crm_analytics.aggregates.window import Window
from crm_analytics.clv.summary import summarise
from crm_analytics.clv.worth.ahead import Margin
from crm_analytics.errors import OptionError
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_extract

ORIGINS: Final = ("channel", "country")
NOT_STATED: Final = "Not stated"
KINDS: Final = {"joined": "Joined", "channel": "Channel", "country": "Country"}
"""What customers are grouped by, and how it is called."""
LEAST_KNOWN: Final = 0.5
"""Value is in margin where the customers whose costs are known bring at least this share of spend."""

_MOST_QUARTERS: Final = 12


@dataclass(frozen=True, eq=False)
class ValueBase:
    """Histories in days and what is known of each customer, in one order: by customer id.

    `customers` has customer_id, spend, n_orders, first_ordered_on, last_ordered_on, first_value, joined (cohort) and,
    where known, channel, country, acquisition_cost.
    """

    summary: pl.DataFrame
    customers: pl.DataFrame
    margin: Margin
    window: Window
    n_refunds_only: int

    @property
    def has_costs_of_winning(self) -> bool:
        """Whether the cost of winning at least one customer is known."""
        return "acquisition_cost" in self.customers.columns


_READ: Final = ("customer_id", "ordered_at", "amount", "order_id", "cost", *ORIGINS)


def held(extract: Extract) -> Extract:
    """Give the extract with its rows at hand: they are gone through several times, and its filters should run but once."""
    if not extract.filters:
        return extract
    columns = [c for c in _READ if c in extract.frame.collect_schema().names()]
    return replace(extract, frame=extract.frame.select(columns).collect().lazy())


def histories(reference: Any, window: Window) -> pl.DataFrame:  # noqa: ANN401 an Extract or any frame
    """Summarise other transactions up to the same day."""
    return summarise(as_extract(reference), as_of=window.as_of, unit="day")


def gather(
    extract: Extract,
    window: Window,
    customers: Any,  # noqa: ANN401 an Extract or any frame
    margin: float | None,
    reference: Any = None,  # noqa: ANN401 as above
) -> ValueBase:
    """Reduce transactions and the customers table to one row per customer with a purchase; margin is of the reference."""
    if margin is not None and not 0 < margin <= 1:
        raise OptionError.out_of_range("margin", margin, "a rate above 0 and up to 1, e.g. 0.35, or None")
    summary = summarise(extract, as_of=window.as_of, unit="day")
    totals = customer_summary(extract, as_of=window.as_of)
    known = summary.select("customer_id", "first_value", "recency", "T").join(
        totals, on="customer_id", how="left", maintain_order="left"
    )
    day = pl.lit(window.as_of) - pl.duration(days=1)
    first = (day - pl.duration(days=pl.col("T").cast(pl.Int64))).cast(pl.Date)
    last = (day - pl.duration(days=(pl.col("T") - pl.col("recency")).cast(pl.Int64))).cast(pl.Date)
    known = known.with_columns(
        pl.col("n_orders").fill_null(0),
        pl.col("spend").fill_null(0.0),
        first_ordered_on=pl.coalesce("first_ordered_on", first),
        last_ordered_on=pl.coalesce("last_ordered_on", last),
    )
    kept = known.select(
        "customer_id", "spend", "n_orders", "first_ordered_on", "last_ordered_on", "first_value"
    )
    return ValueBase(
        summary,
        with_origins(with_cohorts(kept), extract, window, customers),
        _margin(known if reference is None else _totals(reference, window), margin),
        window,
        totals.height - int(totals["customer_id"].is_in(summary["customer_id"].implode()).sum()),
    )


def _totals(reference: Any, window: Window) -> pl.DataFrame:  # noqa: ANN401 an Extract or any frame
    return customer_summary(as_extract(reference), as_of=window.as_of)


def with_cohorts(frame: pl.DataFrame) -> pl.DataFrame:
    """Add when customers joined: the quarter of the first order, or its year where there would be too many quarters."""
    year, quarter = pl.col("first_ordered_on").dt.year(), pl.col("first_ordered_on").dt.quarter()
    quarters = frame.select((year * 4 + quarter).n_unique()).item()
    fine = pl.concat_str(year, pl.lit(" Q"), quarter) if quarters <= _MOST_QUARTERS else year.cast(pl.String)
    return frame.with_columns(joined=fine)


def with_origins(frame: pl.DataFrame, extract: Extract, window: Window, customers: Any) -> pl.DataFrame:  # noqa: ANN401
    """Add channel, country and cost of winning: from the customers table, else from the first order."""
    table = None if customers is None else as_extract(customers, "customers").frame
    columns = [] if table is None else table.collect_schema().names()
    wanted = [c for c in (*ORIGINS, "acquisition_cost") if c in columns]
    if table is not None and wanted:
        own = table.select("customer_id", *wanted).unique("customer_id", keep="first", maintain_order=True)
        frame = frame.join(own.collect(), on="customer_id", how="left", maintain_order="left")
    bought = [c for c in ORIGINS if c not in columns and c in extract.frame.collect_schema().names()]
    if bought:
        first = origins(extract.frame, bought, as_of=window.as_of)
        frame = frame.join(first, on="customer_id", how="left", maintain_order="left")
    empty = [c for c in (*ORIGINS, "acquisition_cost") if c in frame.columns and frame[c].is_null().all()]
    return frame.drop(empty)


def _margin(known: pl.DataFrame, given: float | None) -> Margin:
    if given is not None:
        return Margin(given, 0.0, "given")
    if "margin" not in known.columns:
        return Margin(1.0, 0.0, "spend")
    priced = known.drop_nulls("margin")
    spend, margin = priced["spend"].to_numpy(), priced["margin"].to_numpy()
    if spend.sum() < LEAST_KNOWN * float(known["spend"].sum()) or spend.sum() <= 0 or margin.sum() <= 0:
        return Margin(1.0, 0.0, "spend")
    rate = float(margin.sum() / spend.sum())
    error = float(np.sqrt(((margin - rate * spend) ** 2).sum()) / margin.sum())
    return Margin(rate, error, "cost")
