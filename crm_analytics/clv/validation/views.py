"""The pictures of the validation, each with its finding as its title."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from crm_analytics import formats
from crm_analytics.clv.validation.words import Told, period_words
from crm_analytics.results import View


def views(told: Told, tables: Mapping[str, pl.DataFrame]) -> tuple[View, ...]:
    """Give the pictures."""
    ahead = period_words(int(told.last.back.horizon))
    return (
        View("tracking", _tracking(told, ahead), "tracking"),
        View("weekly", _weekly(tables["tracking"]), "tracking"),
        View("deciles", _deciles(told), "deciles"),
        View("frequency", _frequency(tables["by_frequency"]), "by_frequency"),
        View("models", _models(told), "purchases"),
    )


def _tracking(told: Told, ahead: str) -> str:
    off = told.found.values["total_error"]
    if off is None:
        return f"Nobody bought in the last {ahead}: made, expected and forecast"
    side = "too high" if off > 0 else "too low"
    return f"The forecast of the last {ahead} was {formats.share(abs(off))} {side}"


def _weekly(tracking: pl.DataFrame) -> str:
    later = tracking.filter("is_holdout")
    weeks = max(float(later["weeks_after_origin"].max()), 1 / 7)  # type: ignore[arg-type]
    forecast, made = (float(later[f"{of}_in_period"].sum()) / weeks for of in ("forecast", "actual"))
    return f"{_each(forecast)} repeat purchases a week forecast, {_each(made)} made"


def _each(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.1f}"  # noqa: PLR2004 small numbers need a decimal


def _deciles(told: Told) -> str:
    lift = told.found.values["top_decile_lift"]
    if lift is None:
        return "Made and forecast, by tenth of the customers"
    return f"The tenth with the highest forecasts bought {lift:.1f} times as much as the average"


def _frequency(table: pl.DataFrame) -> str:
    known = table.drop_nulls(["actual_per_customer_lower", "actual_per_customer_upper"])
    inside = known.filter(
        pl.col("forecast_per_customer").is_between("actual_per_customer_lower", "actual_per_customer_upper")
    )
    if known.is_empty():
        return "Made and forecast, by number of purchases before"
    return f"The forecast is right within chance for {inside.height} of {known.height} groups by purchases before"


def _models(told: Told) -> str:
    ours, rule = (_miss(found.values) for found in (told.found, told.rule))
    return f"{told.last.choice.label} missed a customer by {ours} purchases, the best simple rule by {rule}"


def _miss(values: Mapping[str, Any]) -> str:
    return f"{values['mae'] or 0.0:.2f}"
