"""The tables of the lifetime value: one row per customer, and sums by group, by tenth and over all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.clv.forecasts.futures import wait_quantile
from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.candidates import LABELS, Choice
from crm_analytics.clv.models.fit import Fit
from crm_analytics.clv.value.slipping import Before
from crm_analytics.clv.worth.ahead import Sums, Worth, bounds
from crm_analytics.clv.worth.valued_customers import KINDS, NOT_STATED, ValueBase

N_DECILES: Final = 10
LONGEST_WAIT: Final = 3650.0
"""Days beyond which a next order is not dated: further off than anyone plans."""

MOST_GROUPS: Final = 24
OTHERS: Final = "All others"

_FEWEST_FOR_OUTCOME: Final = 10


@dataclass(frozen=True, eq=False)
class Valued:
    """A base with all that its tables are made of; arrays are in the order of `base.customers`."""

    base: ValueBase
    choice: Choice
    worth: Worth
    before: Before
    horizon_days: int

    def payback(self, cost: float, first: float) -> float | None:
        """Give the days until a new customer has brought back what winning them cost; None beyond ten years.

        Margin on the first purchase counts at once; further ones as the model expects them of a new customer, at the
        mean spend of repeat purchases.
        """
        rate, fit, spend = self.worth.margin.rate, self.worth.standing.fit, self.repeat_spend
        missing = (cost - rate * first) / (rate * spend) if spend > 0 else np.inf
        if missing <= 0:
            return 0.0
        low, high = 1, int(LONGEST_WAIT) + 1
        while low < high:
            middle = (low + high) // 2
            enough = fit.expected_of_new_customer(float(middle)) >= missing
            low, high = (low, middle) if enough else (middle + 1, high)
        return float(low) if low <= LONGEST_WAIT else None

    @property
    def repeat_spend(self) -> float:
        """Mean spend per repeat purchase over all customers; what the model expects where nobody came back."""
        x = self.base.summary["frequency"].cast(pl.Float64).to_numpy()
        if not x.sum():
            return float(self.worth.spending.per_purchase.mean())
        return float(x @ self.base.summary["monetary_value"].to_numpy() / x.sum())


def customer_table(valued: Valued) -> pl.DataFrame:
    """Give one row per customer, the most valuable first."""
    worth, base, before = valued.worth, valued.base, valued.before
    standing = worth.standing
    alive, alive_bounds = standing.alive[0], _alive_bounds(worth)
    columns: dict[str, Any] = {
        "lifetime_value": worth.value,
        **_bounded("lifetime_value", worth.value, worth.value_error),
        "p_alive": standing.per_customer(alive),
        "p_alive_lower": standing.per_customer(alive_bounds[0]),
        "p_alive_upper": standing.per_customer(alive_bounds[1]),
        "expected_purchases": worth.purchases,
        **_bounded("expected_purchases", worth.purchases, worth.purchases_error),
        "expected_spend_per_purchase": worth.spending.per_purchase,
        **_bounded("expected_spend_per_purchase", worth.spending.per_purchase, worth.spending.error),
    }
    known = base.customers.drop("first_value")
    frame = known.with_columns(
        **{name: pl.Series(name, values) for name, values in columns.items()},
        expected_next_on=_next_orders(valued),
        p_alive_before=before.p_alive,
        is_slipping=before.is_slipping,
        value_at_stake=before.value_at_stake,
    )
    if base.has_costs_of_winning:
        frame = frame.with_columns(value_to_cost=_to_cost(worth.margin.rate))
    return _ranked(frame).select(
        *(c for c in _ORDER if c in frame.columns or c in ("value_rank", "value_decile"))
    )


_ORDER: Final = (
    "customer_id", "value_rank", "lifetime_value", "lifetime_value_lower", "lifetime_value_upper",
    "p_alive", "p_alive_lower", "p_alive_upper", "p_alive_before",
    "expected_purchases", "expected_purchases_lower", "expected_purchases_upper",
    "expected_spend_per_purchase", "expected_spend_per_purchase_lower", "expected_spend_per_purchase_upper",
    "spend", "n_orders", "first_ordered_on", "last_ordered_on", "expected_next_on", "is_slipping", "value_at_stake",
    "value_decile", "joined", "channel", "country", "acquisition_cost", "value_to_cost",
)  # fmt: skip


def _bounded(name: str, value: Floats, error: Floats) -> dict[str, Floats]:
    lower, upper = bounds(value, error)
    return {f"{name}_lower": lower, f"{name}_upper": upper}


def _alive_bounds(worth: Worth) -> tuple[Floats, Floats]:
    """Give the interval of P(alive) per distinct history, on the logit scale; none where nothing is uncertain."""
    standing = worth.standing
    p = np.clip(standing.alive, 1e-12, 1 - 1e-12)
    odds = np.log(p) - np.log1p(-p)
    error = 1.959963984540054 * standing.fit.spread(odds)
    ends = [1 / (1 + np.exp(-(odds[0] + sign * error))) for sign in (-1, 1)]
    sure = (standing.alive[0] <= 1e-12) | (standing.alive[0] >= 1 - 1e-12)  # noqa: PLR2004 rounding of the logit
    lower, upper = (np.where(sure, standing.alive[0], end) for end in ends)
    return np.minimum(lower, standing.alive[0]), np.maximum(upper, standing.alive[0])


def _next_orders(valued: Valued) -> pl.Series:
    """Give the day by which the next order will have come with probability one half; null where that is far off."""
    standing = valued.worth.standing
    frame = standing.histories.frame
    wait = wait_quantile(
        standing.fit,
        frame["frequency"].cast(pl.Float64).to_numpy(),
        frame["T"].cast(pl.Float64).to_numpy(),
        standing.alive[0],
        longest=LONGEST_WAIT,
    )
    days = np.where(np.isfinite(wait), np.ceil(wait), np.nan)
    last = valued.base.window.as_of - timedelta(days=1)
    offsets = pl.Series(standing.per_customer(days)).fill_nan(None).cast(pl.Int64)
    return pl.select(pl.lit(last) + pl.duration(days=pl.lit(offsets))).to_series().cast(pl.Date)


def _to_cost(rate: float) -> pl.Expr:
    cost = pl.col("acquisition_cost")
    return pl.when(cost > 0).then((rate * pl.col("spend") + pl.col("lifetime_value")) / cost)


def _ranked(frame: pl.DataFrame) -> pl.DataFrame:
    """Add rank and tenth by value; customers of the same value share both."""
    value = pl.col("lifetime_value")
    rank = value.rank("min", descending=True).cast(pl.Int64)
    halves = 2 * (rank - 1) + pl.len().over("lifetime_value").cast(pl.Int64)
    decile = (N_DECILES * halves) // (2 * frame.height) + 1
    return frame.with_columns(value_rank=rank, value_decile=decile).sort("value_rank", "customer_id")


def total_table(valued: Valued, customers: pl.DataFrame) -> pl.DataFrame:
    """Give the one row for the whole base."""
    worth = valued.worth
    row = {
        "n_customers": customers.height,
        **_summed(worth.total, 0, customers.height),
        "spend": float(customers["spend"].sum()),
        "expected_spend_per_purchase": _mean_spend(worth),
        "value_margin_rate": worth.margin.rate if worth.margin.basis != "spend" else None,
        "horizon_days": valued.horizon_days,
        **_cost_figures(valued, np.ones(customers.height, bool)),
    }
    return pl.DataFrame([row], schema_overrides=_FLOATS)


_FLOATS: Final = {
    c: pl.Float64()
    for c in (
        "value_margin_rate",
        "mean_acquisition_cost",
        "value_to_cost",
        "payback_days",
        "outcome_lower",
        "outcome_upper",
    )
}


def _mean_spend(worth: Worth) -> float:
    each, n = worth.spending.per_purchase, worth.purchases
    return float(n @ each / n.sum()) if n.sum() > 0 else float(each.mean())


def _summed(sums: Sums, i: int, n: int) -> dict[str, Any]:
    """Give the figures of one group with their bounds."""
    value = {
        "lifetime_value": sums.value[i],
        **_bounded("lifetime_value", sums.value[i], sums.value_error[i]),
    }
    each = {name.replace("lifetime_value", "value_per_customer"): v / n for name, v in value.items()}
    alive, error = sums.alive[i], 1.959963984540054 * sums.alive_error[i]
    told = n >= _FEWEST_FOR_OUTCOME
    found = {
        **value,
        "outcome_lower": sums.outcome_lower[i] if told else None,
        "outcome_upper": sums.outcome_upper[i] if told else None,
        **each,
        "expected_alive": alive,
        "expected_alive_lower": max(alive - error, 0.0),
        "expected_alive_upper": min(alive + error, float(n)),
        "expected_purchases": sums.purchases[i],
        **_bounded("expected_purchases", sums.purchases[i], sums.purchases_error[i]),
    }
    return {name: None if v is None else float(v) for name, v in found.items()}


def _cost_figures(valued: Valued, chosen: NDArray[np.bool_]) -> dict[str, float | None]:
    """Give mean cost of winning, value against it and payback, of the customers whose cost is known."""
    if not valued.base.has_costs_of_winning:
        return {}
    cost = valued.base.customers["acquisition_cost"].to_numpy()
    known = chosen & np.isfinite(cost)
    if not known.any() or cost[known].sum() <= 0:
        return dict.fromkeys(("mean_acquisition_cost", "value_to_cost", "payback_days"))
    worth, spend = valued.worth, valued.base.customers["spend"].to_numpy()
    brought = worth.margin.rate * spend[known].sum() + worth.value[known].sum()
    first = float(valued.base.summary["first_value"].to_numpy()[known].mean())
    return {
        "mean_acquisition_cost": float(cost[known].mean()),
        "value_to_cost": float(brought / cost[known].sum()),
        "payback_days": valued.payback(float(cost[known].mean()), first),
    }


def group_table(valued: Valued) -> pl.DataFrame:
    """Give one row per cohort, channel and country."""
    rows = [
        row for column in KINDS if column in valued.base.customers.columns for row in _groups(valued, column)
    ]
    return pl.DataFrame(rows, schema_overrides=_FLOATS, infer_schema_length=None)


def _groups(valued: Valued, column: str) -> Iterator[dict[str, Any]]:
    labels = valued.base.customers[column].fill_null(NOT_STATED)
    sizes = labels.value_counts().sort("count", column, descending=[True, False])
    named = sizes[column].to_list()
    if len(named) > MOST_GROUPS:
        named = named[: MOST_GROUPS - 1]
        labels = pl.select(pl.when(labels.is_in(named)).then(labels).otherwise(pl.lit(OTHERS))).to_series()
        named.append(OTHERS)
    names = sorted(named, key=lambda name: (name in (OTHERS, NOT_STATED), name))
    codes = labels.replace_strict({n: i for i, n in enumerate(names)}, return_dtype=pl.Int64).to_numpy()
    yield from _rows(valued, KINDS[column], names, codes.astype(np.intp))


def _rows(
    valued: Valued, kind: str, names: Sequence[str], codes: NDArray[np.intp]
) -> Iterator[dict[str, Any]]:
    sums = valued.worth.sums(codes, len(names))
    whole = float(sums.value.sum())
    spend = np.bincount(codes, valued.base.customers["spend"].to_numpy(), len(names))
    for i, name in enumerate(names):
        chosen = codes == i
        yield {
            "group_kind": kind,
            "group": name,
            "n_customers": int(chosen.sum()),
            **_summed(sums, i, int(chosen.sum())),
            "value_share": float(sums.value[i]) / whole if whole > 0 else None,
            "spend": float(spend[i]),
            **_cost_figures(valued, chosen),
        }


def decile_table(valued: Valued, customers: pl.DataFrame) -> pl.DataFrame:
    """Give one row per tenth of the customers by value, the best first; ties may leave a tenth empty."""
    order = valued.base.customers.select("customer_id").join(
        customers.select("customer_id", "value_decile"), on="customer_id", how="left", maintain_order="left"
    )
    codes = order["value_decile"].to_numpy().astype(np.intp) - 1
    sums = valued.worth.sums(codes, N_DECILES)
    spend = np.bincount(codes, valued.base.customers["spend"].to_numpy(), N_DECILES)
    sizes, whole = np.bincount(codes, minlength=N_DECILES), float(sums.value.sum())
    rows = [
        {
            "value_decile": i + 1,
            "n_customers": int(sizes[i]),
            **_summed(sums, i, int(sizes[i])),
            "value_share": float(sums.value[i]) / whole if whole > 0 else None,
            "spend": float(spend[i]),
        }
        for i in range(N_DECILES)
        if sizes[i]
    ]
    return pl.DataFrame(rows, schema_overrides={"outcome_lower": pl.Float64(), "outcome_upper": pl.Float64()})


def model_table(valued: Valued) -> pl.DataFrame:
    """Give one row per parameter of each model that was fitted."""
    choice, spend = valued.choice, valued.worth.spending.fit
    best = choice.fit.aic
    rows = [
        {**row, "aic_difference": fit.aic - best, "is_chosen": name == choice.name}
        for name, fit in sorted(choice.fits.items(), key=lambda item: item[1].aic)
        for row in _parameters(LABELS[name], fit)
    ]
    if spend is not None:
        chosen = valued.worth.spending.basis != "mean"
        rows += [
            {**row, "aic_difference": None, "is_chosen": chosen} for row in _parameters("Gamma-Gamma", spend)
        ]
    return pl.DataFrame(rows, schema=_MODEL_SCHEMA)


_MODEL_SCHEMA: Final = {
    "model": pl.String(), "is_chosen": pl.Boolean(), "parameter": pl.String(), "estimate": pl.Float64(),
    "estimate_lower": pl.Float64(), "estimate_upper": pl.Float64(), "standard_error": pl.Float64(),
    "log_likelihood": pl.Float64(), "aic": pl.Float64(), "aic_difference": pl.Float64(), "is_identified": pl.Boolean(),
    "diagnosis": pl.String(),
}  # fmt: skip


def _parameters(label: str, fit: Fit) -> Iterator[dict[str, Any]]:
    told = " ".join(d.text for d in fit.diagnosis) or None
    for name in fit.names:
        lower, upper = fit.lower[name], fit.upper[name]
        finite = lower is not None and upper is not None and np.isfinite([lower, upper]).all()
        yield {
            "model": label,
            "parameter": name,
            "estimate": fit.params[name],
            "estimate_lower": lower if finite else None,
            "estimate_upper": upper if finite else None,
            "standard_error": fit.standard_errors[name],
            "log_likelihood": fit.log_likelihood,
            "aic": fit.aic,
            "is_identified": fit.is_identified,
            "diagnosis": told,
        }
