"""The tables of retention economics: levers, the base as it stands, keeping against replacing, worth by points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.clv.economics.levers import HIGHEST, Figure, Levers, saving
from crm_analytics.clv.worth.valued_customers import ValueBase

RETENTION, SPEND, COST = "Retention", "Spend per purchase", "Cost of winning customers"
_YEAR_DAYS: Final = 365
_MOST_POINTS: Final = 10


@dataclass(frozen=True, eq=False)
class Economics:
    """What was worked out once and is told in several tables."""

    levers: Levers
    value: Figure
    alive: Figure
    retention: Figure
    kept: Figure
    returning: Figure
    newcomer: Figure
    cost: tuple[float, float] | None
    n_new_a_year: int
    horizon_days: int

    @property
    def net_newcomer(self) -> Figure | None:
        """A new customer less the cost of winning one; None where that cost is not known."""
        if self.cost is None:
            return None
        mean, error = self.cost
        value = self.newcomer.value - mean
        down = float(np.hypot(self.newcomer.value - self.newcomer.lower, 1.96 * error))
        up = float(np.hypot(self.newcomer.upper - self.newcomer.value, 1.96 * error))
        return Figure(value, value - down, value + up)

    @property
    def needed(self) -> Figure | None:
        """New customers that replace one lost who had come back; None where a new one does not pay, or the cost is not known."""
        net = self.net_newcomer
        if net is None or net.value <= 0 or self.returning.value <= 0:
            return None
        value = self.returning.value / net.value
        relative = [
            np.log(self.returning.upper / self.returning.value),
            np.log(net.upper / net.value),
        ]
        spread = float(np.exp(np.hypot(*relative)))
        return Figure(value, value / spread, value * spread)


def new_a_year(base: ValueBase) -> int:
    """Count the customers who came in the last 365 days; scaled up where the extract is shorter."""
    since = base.window.as_of - timedelta(days=_YEAR_DAYS)
    came = base.customers.filter(pl.col("first_ordered_on") >= since).height
    covered = min(float(base.summary["T"].max() or 0.0) + 1, _YEAR_DAYS)  # type: ignore[arg-type]
    return round(came * _YEAR_DAYS / covered)


def lever_table(
    found: Economics, points: Sequence[float], rises: Sequence[float], cuts: Sequence[float]
) -> pl.DataFrame:
    """Give one row per lever and change."""
    rows = [*_retention_rows(found, points), *_spend_rows(found, rises), *_cost_rows(found, cuts)]
    return pl.DataFrame(rows, schema=_LEVERS)


_LEVERS: Final = {
    "lever": pl.String(), "lever_change": pl.String(), "lever_size": pl.Float64(),
    **{
        f"{name}{end}": pl.Float64()
        for name in ("worth", "worth_share", "worth_per_customer")
        for end in ("", "_lower", "_upper")
    },
}  # fmt: skip


def _row(
    found: Economics, lever: str, change: str, size: float, worth: Figure, each: float
) -> dict[str, Any]:
    figures = {
        "worth": worth,
        "worth_share": worth.times(1 / found.value.value) if found.value.value > 0 else None,
        "worth_per_customer": worth.times(1 / each) if each > 0 else None,
    }
    row: dict[str, Any] = {"lever": lever, "lever_change": change, "lever_size": size}
    for name, figure in figures.items():
        row |= bounded(name, figure)
    return row


def bounded(name: str, figure: Figure | None) -> dict[str, float | None]:
    """Give a figure as three columns."""
    if figure is None:
        return dict.fromkeys((name, f"{name}_lower", f"{name}_upper"))
    return {name: figure.value, f"{name}_lower": figure.lower, f"{name}_upper": figure.upper}


def _retention_rows(found: Economics, points: Sequence[float]) -> Iterator[dict[str, Any]]:
    for size in points:
        worth = found.levers.gain(size)
        if worth is not None:
            change = f"+{100 * size:g} point{'s' * (round(size, 9) != 0.01)}"  # noqa: PLR2004 one point
            yield _row(found, RETENTION, change, size, worth, found.alive.value)


def _spend_rows(found: Economics, rises: Sequence[float]) -> Iterator[dict[str, Any]]:
    for size in rises:
        yield _row(found, SPEND, f"+{100 * size:g}%", size, found.value.times(size), found.alive.value)


def _cost_rows(found: Economics, cuts: Sequence[float]) -> Iterator[dict[str, Any]]:
    if found.cost is None:
        return
    for size in cuts:
        worth = saving(
            size, found.cost, found.n_new_a_year, horizon=found.levers.horizon, rate=found.levers.rate
        )
        yield _row(found, COST, f"-{100 * size:g}%", size, worth, float(found.n_new_a_year))


def base_table(found: Economics) -> pl.DataFrame:
    """Give the one row for the base as it stands."""
    row = {
        "n_customers": found.levers.base.customers.height,
        **bounded("expected_alive", found.alive),
        **bounded("yearly_retention", found.retention),
        **bounded("base_value", found.value),
        "n_new_a_year": found.n_new_a_year,
        **bounded("n_new_needed", found.needed),
        "horizon_days": found.horizon_days,
    }
    kinds = {f"n_new_needed{end}": pl.Float64() for end in ("", "_lower", "_upper")}
    return pl.DataFrame([row], schema_overrides=kinds)


def keep_table(found: Economics) -> pl.DataFrame:
    """Give what is put beside each other when a customer may be kept or replaced."""
    rows = [
        ("A customer kept", found.kept, "Mean over those who are customers still: what keeping one who would else leave brings, and so the most it may cost."),
        ("A returning customer kept", found.returning, "The same over those who have bought at least twice: what is lost when one of them leaves."),
        ("A new customer", found.newcomer, "First purchase and the further ones to expect of a new customer within the horizon."),
    ]  # fmt: skip
    if found.cost is not None:
        mean, error = found.cost
        rows += [
            ("Cost of winning one", Figure(mean, mean - 1.96 * error, mean + 1.96 * error), "Mean cost of winning a customer."),
            ("A new customer, less the cost", found.net_newcomer or found.newcomer, "What a new customer brings within the horizon beyond what winning one costs."),
        ]  # fmt: skip
    return pl.DataFrame(
        [
            {"item": item, **bounded("amount", figure), "item_definition": words}
            for item, figure, words in rows
        ]
    )


def curve_table(found: Economics, levers: pl.DataFrame) -> pl.DataFrame:
    """Give the worth of 1 to 10 points more of retention; its relative interval is interpolated between the levers'."""
    known = levers.filter(pl.col("lever") == RETENTION).sort("lever_size")
    most = min(_MOST_POINTS, int(100 * (HIGHEST - found.retention.value)))
    sizes = [i / 100 for i in range(1, most + 1)]
    rows = [
        {
            "retention_points": 0.0,
            "yearly_retention": found.retention.value,
            **bounded("worth", Figure(0, 0, 0)),
        }
    ]
    for size in sizes if known.height else ():
        worth = found.levers.gain_now(size)
        ends = [
            worth * float(np.interp(size, known["lever_size"], known[f"worth_{end}"] / known["worth"]))
            for end in ("lower", "upper")
        ]
        figure = Figure(worth, min(ends[0], worth), max(ends[1], worth))
        rows.append(
            {
                "retention_points": size,
                "yearly_retention": found.retention.value + size,
                **bounded("worth", figure),
            }
        )
    return pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.Float64()))
