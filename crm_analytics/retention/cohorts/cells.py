"""The grid as tidy tables: cells, and the averages by age."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from scipy.special import stdtrit

from crm_analytics.retention.cohorts.clock import Clock, Ints
from crm_analytics.retention.cohorts.grid import ALL, Grid, averaged_over, over_groups
from crm_analytics.retention.cohorts.members import Floats
from crm_analytics.retention.cohorts.options import Average, Options
from crm_analytics.retention.cohorts.rows import Bools
from crm_analytics.retention.cohorts.sums import Ratio
from crm_analytics.stats.intervals import wilson

MONEY_DECIMALS: Final = 6
"""Money is rounded here, far below a cent, so that the order of summation leaves no trace."""

_UPPER: Final = 0.975
"""Where the upper end of a 95% interval lies in the distribution."""

_ALWAYS: Final = (
    "group", "cohort_on", "period", "period_from", "period_to", "n_customers", "is_complete", "is_suppressed",
)  # fmt: skip


def cells(found: Grid, clock: Clock, options: Options) -> pl.DataFrame:
    """Give the grid as a tidy table; cells of too few customers show their size and nothing else."""
    at = np.nonzero(found.shown)
    row, column = at
    size, active = found.size[at], found.active[at]
    table = pl.DataFrame(
        {
            **({} if found.group is None else {"group": found.group.gather(row)}),
            **({} if found.cohort is None else {"cohort_on": calendar_days(found.cohort[row], clock)}),
            "period": found.windows.period[column],
            "period_from": found.windows.first[column],
            "period_to": _period_to(found, options)[column],
            "n_customers": size,
            "n_active": active,
            **_rates(active, size),
            "is_complete": found.finished[at],
            "is_suppressed": size < options.min_customers,
            "n_returned": found.returned[at],
            **_money(found, at),
            **_chosen(options, found.chosen, active, size, at),
        }
    )
    hidden = [c for c in table.columns if c not in _ALWAYS]
    return table.with_columns(pl.when(~pl.col("is_suppressed")).then(pl.col(hidden)))


def _period_to(found: Grid, options: Options) -> pl.Series:
    last = pl.Series(found.windows.last)
    return pl.repeat(None, last.len(), dtype=pl.Int64, eager=True) if options.is_open_ended else last


def _rates(active: Ints, size: Ints) -> dict[str, Any]:
    lower, upper = wilson(active, size)
    return {
        "retention_rate": active / size,
        "retention_rate_lower": lower,
        "retention_rate_upper": upper,
    }


def _money(found: Grid, at: Any) -> dict[str, Any]:  # noqa: ANN401 an index of two arrays
    """Lay out orders and money; what is not known is empty."""
    spend, n_orders = found.spend.x[at], found.n_orders[at]
    size = found.size[at]
    money: dict[str, Any] = {
        "n_orders": n_orders,
        "spend": rounded(spend),
        "spend_per_order": rounded(np.where(n_orders > 0, spend / np.maximum(n_orders, 1), np.nan)),
        "spend_per_customer": rounded(spend / size),
        "cumulative_spend": rounded(found.cumulative.x[at]),
        **_bounded("cumulative_spend_per_customer", found.cumulative, at),
    }
    if found.margin is not None and found.cumulative_margin is not None:
        money["margin"] = rounded(found.margin[at])
        money["cumulative_margin"] = rounded(found.cumulative_margin[at])
        money["cumulative_margin_per_customer"] = rounded(found.cumulative_margin[at] / size)
    return money | _paid_back(found, at)


def _paid_back(found: Grid, at: Any) -> dict[str, Any]:  # noqa: ANN401 as above
    if found.payback is None:
        return {}
    return {
        "n_with_cost": found.payback.n[at].round().astype(np.int64),
        "cohort_acquisition_cost": rounded(found.payback.y[at]),
        **_bounded("payback_share", found.payback, at),
    }


def _bounded(name: str, ratio: Ratio, at: Any) -> dict[str, pl.Series]:  # noqa: ANN401 as above
    lower, upper = ratio.interval()
    parts = (("", ratio.value), ("_lower", lower), ("_upper", upper))
    return {f"{name}{end}": rounded(values[at]) for end, values in parts}


def _chosen(options: Options, chosen: Ratio | None, active: Ints, size: Ints, at: Any) -> dict[str, Any]:  # noqa: ANN401 as above
    """Repeat what `value` asks for under one name, so that every face shows it in the same place."""
    if chosen is not None:
        return _bounded("shown_value", chosen, at)
    if options.value != "customers":
        return {}
    return {name.replace("retention_rate", "shown_value"): v for name, v in _rates(active, size).items()}


def rounded(values: Floats) -> pl.Series:
    """Round money, and leave empty what is not known."""
    return pl.Series(np.asarray(values, float)).round(MONEY_DECIMALS).fill_nan(None)


def calendar_days(cohorts: Ints, clock: Clock) -> pl.Series:
    """Give the first days of periods."""
    starts = {int(c): clock.calendar.first_day(int(c)) for c in np.unique(cohorts)}
    return pl.Series(cohorts).replace_strict(starts, return_dtype=pl.Date)


def curve(found: Grid, options: Options) -> pl.DataFrame:
    """Average the finished cells by age, for everyone and for each group."""
    if found.group is None:
        return curve_of(found, options, options.average)
    parts = [_grouped(curve_of(over_groups(found), options, options.average), ALL)]
    for group in found.group.unique(maintain_order=True):
        one = _only(found, found.group.to_numpy() == group)
        parts.append(_grouped(curve_of(one, options, options.average), str(group)))
    return pl.concat(parts)


def _grouped(table: pl.DataFrame, group: str) -> pl.DataFrame:
    return table.select(pl.lit(group).alias("group"), pl.all())


def _only(found: Grid, rows: Bools) -> Grid:
    """Leave some rows of the grid and blank out the others."""
    kept = rows[:, None]
    return found.with_finished(found.finished & kept)


def curve_of(found: Grid, options: Options, average: Average) -> pl.DataFrame:
    """Average the finished cells by age, one row per age that has any."""
    where = averaged_over(found, average)
    if average == "simple":
        where = where & (found.size >= options.min_customers)
    pooled = found.added(np.ones((1, where.shape[0])), where)
    there = np.nonzero(where.any(axis=0))[0]
    at = (np.zeros_like(there), there)
    size, active = pooled.size[at], pooled.active[at]
    table = pl.DataFrame(
        {
            "period": found.windows.period[there],
            "n_cohorts": where.sum(axis=0)[there],
            "n_customers": size,
            "n_active": active,
            **_rates(active, size),
            "n_orders": pooled.n_orders[at],
            **_bounded("spend_per_customer", pooled.spend, at),
            **_bounded("cumulative_spend_per_customer", pooled.cumulative, at),
            **_paid_back(pooled, at),
            **_chosen(options, pooled.chosen, active, size, at),
        }
    )
    return _simple(table, found, where, there) if average == "simple" else table


def _simple(table: pl.DataFrame, found: Grid, where: Bools, there: Ints) -> pl.DataFrame:
    """Put means over cohorts into a pooled table; the interval is from the spread between cohorts."""
    columns = {
        "retention_rate": found.active / np.maximum(found.size, 1),
        "spend_per_customer": found.spend.value,
        "cumulative_spend_per_customer": found.cumulative.value,
    }
    if "shown_value" in table.columns:
        columns["shown_value"] = columns["retention_rate"] if found.chosen is None else found.chosen.value
    for name, values in columns.items():
        mean, half = _mean_over_rows(values[:, there], where[:, there])
        low, high = (0.0, 1.0) if values is columns["retention_rate"] else (-np.inf, np.inf)
        scattered = pl.Series(
            half > 0
        )  # of one cohort, or of equal ones, the customers' own interval says more
        table = table.with_columns(
            rounded(mean).alias(name),
            pl.when(scattered)
            .then(rounded(np.maximum(mean - half, low)))
            .otherwise(f"{name}_lower")
            .alias(f"{name}_lower"),
            pl.when(scattered)
            .then(rounded(np.minimum(mean + half, high)))
            .otherwise(f"{name}_upper")
            .alias(f"{name}_upper"),
        )
    return table


def _mean_over_rows(values: Floats, where: Bools) -> tuple[Floats, Floats]:
    """Give the mean by column and half its 95% interval (Student's, for cohorts are few); NaN for one row."""
    kept = where & np.isfinite(values)
    n = kept.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(kept, values, 0.0).sum(axis=0) / n
        spread = np.where(kept, (values - mean) ** 2, 0.0).sum(axis=0) / (n - 1)
        return mean, np.where(n > 1, stdtrit(np.maximum(n - 1, 1), _UPPER) * np.sqrt(spread / n), np.nan)
