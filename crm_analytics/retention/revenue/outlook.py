"""The outlook: what today's customers under contract will still bring, by the shifted-beta-geometric model of churn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.aggregates.contracts import age_in_periods, count_by_age
from crm_analytics.errors import NotEnoughDataError
from crm_analytics.retention.revenue.ledger import UNIT, Ledger, following, previous
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.shifted_beta_geometric import Estimated, estimate, log_survival, survival

MOST_MONTHS: Final = 60
_YEAR: Final = 12


@dataclass(frozen=True, eq=False)
class Outlook:
    """The table by month ahead, and the model behind it; `renewal` says in which periods contracts are renewed."""

    table: pl.DataFrame
    model: Estimated
    n_contracts: int
    n_lost: int
    renewal: str

    @property
    def newcomer_year(self) -> float:
        """Share of newcomers who are still there after twelve months."""
        return float(survival(_YEAR // _MONTHS[self.renewal], self.model.a, self.model.b))


_MONTHS: Final = {"year": 12, "quarter": 3, "month": 1}
_MOSTLY: Final = 0.9
_FEWEST_ENDS: Final = 20


def renewal_of(spells: pl.DataFrame, end: date) -> str:
    """Tell from their ends by how much contracts are renewed: by the longest period with which nine in ten of them end.

    >>> ended = {"started_on": [date(2024, 1, i) for i in range(1, 29)], "last_on": [date(2025, 1, i) for i in range(1, 29)]}
    >>> renewal_of(pl.DataFrame(ended).with_columns(is_lost=True), date(2026, 1, 1))
    'year'
    """
    ages = spells.filter("is_lost").select(age=age_in_periods("month", end))["age"].to_numpy()
    if ages.size < _FEWEST_ENDS:
        return "month"
    return next(name for name, months in _MONTHS.items() if (ages % months == 0).mean() >= _MOSTLY)


def outlook(ledger: Ledger, months: int, n_draws: int, seed: int) -> Outlook | str:
    """Look ahead month by month, or say why that cannot be done."""
    if ledger.changes is None:
        return "Orders are no contracts: nobody says when they leave. The customer-base models of lifetime value look ahead."
    end = ledger.ends[-1]
    spells = _spells(ledger.changes, end)
    try:
        renewal = renewal_of(spells, end)
        counts = count_by_age(spells, end, renewal)
        model = estimate(counts["n_lost"].to_numpy(), counts["n_survivors"].to_numpy())
    except NotEnoughDataError as error:
        return f"No model of churn can be fitted: {error.found[:1].lower()}{error.found[1:]} {error.expected}"
    if not model.is_identified:
        return "No model of churn with differing customers can be fitted: with age, contracts end about as readily as before."
    running = _running(spells, ledger.changes, end)
    if running.is_empty():
        return "Nobody is under contract at the end of the extract: there is nothing to look ahead for."
    table = _table(running, model, months, n_draws, seed, has_money=ledger.has_money, step=_MONTHS[renewal])
    return Outlook(table, model, spells.height, int(counts["n_lost"].sum()), renewal)


def _spells(changes: pl.DataFrame, end: date) -> pl.DataFrame:
    """Give the stretches without a break in which a customer was active."""
    turned = changes.filter(pl.col("is_active") != previous("is_active", nothing=False))
    ended = turned.with_columns(ended_on=following("day", None))
    return ended.filter("is_active").select(
        "customer", started_on="day", last_on=pl.col("ended_on").fill_null(end), is_lost=pl.col("ended_on").is_not_null()
    )  # fmt: skip


def _running(spells: pl.DataFrame, changes: pl.DataFrame, end: date) -> pl.DataFrame:
    """Give who is under contract now by age in whole months: how many, their revenue and its squares."""
    now = changes.unique("customer", keep="last", maintain_order=True).select("customer", now="net")
    amount = pl.col("now").clip(0) / UNIT
    return (
        spells.filter(~pl.col("is_lost"))
        .with_columns(age=age_in_periods("month", end).clip(0))
        .join(now, on="customer")
        .group_by("age")
        .agg(n=pl.len().cast(pl.Float64), revenue=amount.sum(), squares=(amount**2).sum())
        .sort("age")
    )


def _table(
    running: pl.DataFrame,
    model: Estimated,
    months: int,
    n_draws: int,
    seed: int,
    *,
    has_money: bool,
    step: int,
) -> pl.DataFrame:
    ahead = np.arange(months + 1.0)
    age, n, revenue, squares = (
        running[c].to_numpy().astype(float) for c in ("age", "n", "revenue", "squares")
    )
    stays = _staying(age, ahead, model.a, model.b, step)
    a, b = model.draws(n_draws, seed)
    drawn = np.stack([_staying(age, ahead, x, y, step) for x, y in zip(a[:, 0], b[:, 0], strict=True)])
    luck = np.random.default_rng(seed + 1).standard_normal((n_draws, 1))

    def forecast(name: str, weight: Floats, spread: Floats) -> dict[str, Floats]:
        mean = weight @ stays
        noise = luck * np.sqrt(spread @ (drawn * (1 - drawn)))
        low, high = np.quantile(weight @ drawn + noise, [0.025, 0.975], axis=0)
        most = float(weight.sum())
        return {
            name: mean,
            f"{name}_lower": np.minimum(np.clip(low, 0, most), mean),
            f"{name}_upper": np.maximum(np.clip(high, 0, most), mean),
        }

    columns: dict[str, Any] = {"months_ahead": ahead.astype(np.int64), **forecast("customers_ahead", n, n)}
    if has_money:
        columns |= forecast("revenue_ahead", revenue, squares)
        columns["revenue_ahead_share"] = columns["revenue_ahead"] / max(float(revenue.sum()), 1e-12)
    return pl.DataFrame(columns)


def _staying(age: Floats, ahead: Floats, a: float, b: float, step: int) -> Floats:
    """Give the chance of being still there so many months ahead, by age, in renewals after every `step` months."""
    renewed = (age // step).astype(np.int64)
    later = ((age[:, None] + ahead[None, :]) // step).astype(np.int64)
    logs = log_survival(int(later.max()), a, b)
    return np.asarray(np.exp(logs[later] - logs[renewed][:, None]), float)
