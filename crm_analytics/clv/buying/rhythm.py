"""The rhythm of purchases: gaps between them, how regular they are, and the histories of a few customers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from scipy import stats

from crm_analytics.aggregates.purchase_days import purchase_days
from crm_analytics.clv.buying.model import gap_classes
from crm_analytics.clv.forecasts.history import alive_along
from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.fit import Z95
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.extracts.extract import Extract

FEWEST_FOR_REGULARITY: Final = 20
"""Below this many customers with two gaps the regularity is not estimated."""

_PLACES: Final = 10
_STEADY, _WAVERING, _GONE = 0.95, 0.5, 0.05
_GOOD_REPEATS: Final = 0.8
_MOST_STEPS: Final = 120


def purchases_of(extract: Extract, as_of: date) -> pl.DataFrame:
    """Give one row per customer and day with a purchase, in order, with the gap in days to the purchase before."""
    found: pl.DataFrame = purchase_days(extract.frame, as_of=as_of).collect("polars").to_native()
    bought = found.select("customer_id", "ordered_on").sort("customer_id", "ordered_on")
    same = pl.col("customer_id") == pl.col("customer_id").shift(1)
    gap = (pl.col("ordered_on") - pl.col("ordered_on").shift(1)).dt.total_days()
    return bought.with_columns(gap=pl.when(same).then(gap).cast(pl.Float64))


def since_first(bought: pl.DataFrame, summary: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Give `since_first` and the customer's `T` in days of each repeat purchase."""
    last = pl.lit(as_of) - pl.duration(days=1)
    ages = bought.filter(pl.col("gap").is_not_null()).join(
        summary.select("customer_id", "T"), on="customer_id", how="inner", maintain_order="left"
    )
    before = (last - pl.col("ordered_on")).dt.total_days()
    return ages.select(since_first=pl.col("T") - before, T="T")


def gap_table(bought: pl.DataFrame) -> pl.DataFrame:
    """Count the gaps between purchases in classes of days."""
    gaps = bought["gap"].drop_nulls().to_numpy()
    ends, counts = gap_classes(gaps)
    return pl.DataFrame(
        {
            "gap_from": ends,
            "gap_to": [*ends[1:].tolist(), None],
            "n_gaps": counts.astype(np.int64),
            "observed_share": counts / len(gaps),
            "share_so_far": np.cumsum(counts) / len(gaps),
        }
    )


class Regularity(NamedTuple):
    """Shape k of the gaps with its interval; nothing where it cannot be told."""

    k: float | None
    lower: float | None
    upper: float | None


def last_gaps(bought: pl.DataFrame) -> Floats:
    """Give, for each customer with two gaps, the later of the last two as a part of both."""
    last = bought.group_by("customer_id", maintain_order=True).agg(
        later=pl.col("gap").last(), earlier=pl.col("gap").get(-2, null_on_oob=True)
    )
    return last.drop_nulls().select(pl.col("later") / (pl.col("later") + pl.col("earlier"))).to_series().to_numpy()  # fmt: skip


def regularity(parts: Floats) -> Regularity:
    """Estimate the regularity of gaps from the parts that the last of two gaps are.

    If gaps are gamma distributed with shape k and a rate of the customer's own, the part is beta(k, k) whatever the rate, so
    that k = (1 - 4 v) / (8 v) with v the variance around one half (Wheat and Morrison 1990). The interval is by the delta
    method on v.

    >>> regularity(np.full(50, 0.5)), regularity(np.array([0.4, 0.6]))
    (Regularity(k=None, lower=None, upper=None), Regularity(k=None, lower=None, upper=None))
    """
    squares = (parts - 0.5) ** 2
    if len(parts) < FEWEST_FOR_REGULARITY or squares.mean() <= 0:
        return Regularity(None, None, None)
    v, error = float(squares.mean()), float(squares.std() / np.sqrt(len(parts)))
    low, high = v * np.exp(-Z95 * error / v), v * np.exp(Z95 * error / v)
    k, upper, lower = ((1 - 4 * min(one, 0.25)) / (8 * one) for one in (v, low, high))
    return Regularity(float(k), float(lower), float(upper))


def place_table(parts: Floats, found: Regularity) -> pl.DataFrame:
    """Count the parts in ten classes, beside what chance and the estimated regularity would give."""
    ends = np.linspace(0, 1, _PLACES + 1)
    schema = {name: pl.Float64() for name in ("place_from", "place_to", "observed_share", "chance_share", "model_share")}  # fmt: skip
    if not len(parts):
        return pl.DataFrame(schema=schema)
    shares = np.histogram(parts, ends)[0] / len(parts)
    k = found.k
    fitted = [None] * _PLACES if not k else np.diff(stats.beta(k, k).cdf(ends)).tolist()
    columns = [ends[:-1], ends[1:], shares, np.full(_PLACES, 1 / _PLACES), fitted]
    return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)


def rhythm_table(bought: pl.DataFrame, found: Regularity) -> pl.DataFrame:
    """Give the gaps in one row."""
    gaps = bought["gap"].drop_nulls()
    return pl.DataFrame(
        {
            "n_gaps": [gaps.len()],
            "gap_median_days": [gaps.quantile(0.5, "linear")],
            "gap_90_days": [gaps.quantile(0.9, "linear")],
            "regularity": [found.k],
            "regularity_lower": [found.lower],
            "regularity_upper": [found.upper],
        },
        schema_overrides={f"regularity{end}": pl.Float64() for end in ("", "_lower", "_upper")},
    )


_BY_HISTORY: Final = ("frequency", "recency", "T", "first_value", "monetary_value")


def timing_table(bought: pl.DataFrame, summary: pl.DataFrame, fit: PurchaseFit, n_shown: int) -> pl.DataFrame:
    """Give the purchases of customers picked at even steps from the rarest to the most frequent buyers.

    They stand in the order in which they came.
    """
    ordered = summary.sort(*_BY_HISTORY, "customer_id")
    n = min(n_shown, ordered.height)
    picked = ordered[[int((i + 0.5) * ordered.height / n) for i in range(n)]]
    lines = (
        picked.with_columns(fit.p_alive(picked))
        .sort("T", *_BY_HISTORY, "customer_id", descending=True)
        .with_columns(line=pl.int_range(1, pl.len() + 1))
    )
    shown = lines.select("customer_id", "line", "p_alive").join(bought, on="customer_id", how="left")
    return shown.select("line", "customer_id", pl.col("ordered_on").alias("seen_on"), "p_alive").sort(
        "line", "seen_on"
    )


def history_table(bought: pl.DataFrame, summary: pl.DataFrame, fit: PurchaseFit, as_of: date) -> pl.DataFrame:
    """Follow the probability of being still a customer of three: a steady, a wavering and a lost one."""
    ids = _three(summary, fit)
    lines = pl.DataFrame({"customer_id": ids, "line": range(1, len(ids) + 1)})
    some = bought.filter(pl.col("customer_id").is_in(ids)).select("customer_id", "ordered_on")
    days = max(int(summary["T"].max()) // _MOST_STEPS, 1)  # type: ignore[arg-type]
    found = alive_along(fit, some, as_of=as_of, step_days=days)
    return (
        found.join(lines, on="customer_id", how="inner")
        .select("line", "customer_id", pl.col("on").alias("seen_on"), "frequency", "p_alive", "purchased")
        .sort("line", "seen_on")
    )


def customer_history(extract: Extract, customer: str, fit: PurchaseFit, as_of: date) -> pl.DataFrame:
    """Follow the probability of being still a customer of one customer; no row where there was no purchase before `as_of`.

    Columns as in the table "histories" of `crm.buying_patterns`.
    """
    own = replace(extract, frame=extract.frame.filter(pl.col("customer_id") == customer))
    bought = purchases_of(own, as_of).drop("gap")
    age = 0 if bought.is_empty() else (as_of - bought["ordered_on"][0]).days
    found = alive_along(fit, bought, as_of=as_of, step_days=max(age // _MOST_STEPS, 1))
    return found.select(
        pl.lit(1).alias("line"),
        "customer_id",
        pl.col("on").alias("seen_on"),
        "frequency",
        "p_alive",
        "purchased",
    )


def _three(summary: pl.DataFrame, fit: PurchaseFit) -> list[str]:
    """Pick, among those who buy often, whoever is nearest to sure, to even and to gone."""
    often = summary["frequency"].quantile(_GOOD_REPEATS) or 1
    good = summary.filter(pl.col("frequency") >= max(often, 1))
    good = good.with_columns(fit.p_alive(good)).sort(*_BY_HISTORY, "customer_id")
    found: list[str] = []
    for wanted in (_STEADY, _WAVERING, _GONE):
        left = good.filter(~pl.col("customer_id").is_in(found))
        if left.height:
            nearest = left.sort((pl.col("p_alive") - wanted).abs(), maintain_order=True)
            found.append(nearest["customer_id"][0])
    return found
