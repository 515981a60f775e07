"""The tables of survival: curves, hazard by period, groups and their comparisons, ways to end."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from scipy.special import betaincinv

from crm_analytics.retention.survival.lives import WAYS, Observed, durations
from crm_analytics.stats import survival as stats
from crm_analytics.stats.competing_ends import cumulative_incidence
from crm_analytics.stats.intervals import Estimate, Floats, wilson
from crm_analytics.stats.multiplicity import holm

Row = dict[str, Any]

_YEAR: Final = 365
_ENOUGH: Final = 10  # at risk, for a mean to reach as far
_STEADY: Final = 30  # at risk, for the loss of a period to be called high
_REACHED: Final = 0.1  # of the most at risk, likewise
_SURE: Final = 0.05
_NEARLY: Final = 0.9
_MOST: Final = 0.9
EVERY_GROUP: Final = "All groups"
_DIFFERENCES: Final = (
    "mean_difference_days", "mean_difference_days_lower", "mean_difference_days_upper", "mean_difference_p_value",
    "mean_difference_p_holm",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Curves:
    """The curve of all and of each group, and up to which day means are taken."""

    observed: Observed
    whole: stats.SurvivalCurve
    by_group: Mapping[str, stats.SurvivalCurve]
    until_day: int


def curves(observed: Observed, horizon_days: int | None) -> Curves:
    """Estimate the curves, and choose up to which day means are taken."""
    whole = stats.kaplan_meier(observed.lives())
    each = {g: stats.kaplan_meier(observed.lives(g)) for g in observed.groups}
    if horizon_days is not None:
        return Curves(observed, whole, each, horizon_days)
    reach = _reach_of_most({g: _reach(c) for g, c in each.items()}, {g: observed.of(g).height for g in each})
    return Curves(observed, whole, each, max(int(min(_YEAR, reach)), 1))


def _reach_of_most(reach: Mapping[str, float], sizes: Mapping[str, int]) -> float:
    """Give the day up to which groups with nine in ten customers are known, so that a young or tiny one ends no other's mean.

    >>> _reach_of_most({"old": 900.0, "new": 20.0}, {"old": 950, "new": 50})
    900.0
    """
    needed, covered = _MOST * sum(sizes.values()), 0
    for group in sorted(reach, key=lambda g: -reach[g]):
        covered += sizes[group]
        if covered >= needed:
            return reach[group]
    return min(reach.values())


def known_until(curve: stats.SurvivalCurve) -> float:
    """Give the last day up to which a curve is known; a curve at 0 stays there."""
    return math.inf if curve.survival[-1] <= 0 else float(curve.time[-1])


def _reach(curve: stats.SurvivalCurve) -> float:
    """Give the last day at which enough are still at risk, or the last at all in small groups."""
    if curve.survival[-1] <= 0:
        return math.inf
    enough = curve.time[curve.risk.n_at_risk >= _ENOUGH]
    return float(enough[-1] if enough.size else curve.time[-1])


def curve_table(found: Curves) -> pl.DataFrame:
    """Give one row per group and day on which an observation ended, from day 0."""
    return pl.concat([_curve_rows(group, curve) for group, curve in found.by_group.items()])


def _curve_rows(group: str, curve: stats.SurvivalCurve) -> pl.DataFrame:
    risk = curve.risk
    rows = pl.DataFrame(
        {
            "day": risk.time.astype(np.int64),
            "n_at_risk": risk.n_at_risk.astype(np.int64),
            "n_events": risk.n_events.astype(np.int64),
            "n_censored": risk.n_censored.astype(np.int64),
            "survival_rate": curve.survival,
            "survival_rate_lower": curve.survival_lower,
            "survival_rate_upper": curve.survival_upper,
            "cumulative_hazard": curve.cumulative_hazard,
            "cumulative_hazard_lower": curve.cumulative_hazard_lower,
            "cumulative_hazard_upper": curve.cumulative_hazard_upper,
        }
    )
    if risk.time[0] > 0:
        whole = float(risk.n_at_risk[0])
        start = [0, int(whole), 0, 0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]
        rows = pl.concat([pl.DataFrame([start], schema=rows.schema, orient="row"), rows])
    return rows.select(pl.lit(group).alias("group"), pl.all())


def hazard_table(found: Curves) -> pl.DataFrame:
    """Give one row per group and period of a customer's own time: who was there at its beginning, and who ended in it."""
    groups = found.observed.groups
    table = pl.concat([_hazard_rows(group, found.observed.of(group)) for group in groups])
    top = steepest(table)
    high = pl.lit(value=False) if top is None else pl.col("tenure_period").is_between(top.first, top.last)
    return table.with_columns(is_highest=high)


def _hazard_rows(group: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Count in each period those who are observed through the whole of it, and those of them who ended."""
    first = rows["first_period"].to_numpy()
    seen_to = rows["last_period"].to_numpy()
    end = rows["end_period"].fill_null(np.iinfo(np.int32).max).to_numpy()
    last = np.minimum(seen_to, end)
    there = last >= first
    size = int(last[there].max()) + 2 if there.any() else 1
    at_risk = np.bincount(first[there], minlength=size).cumsum()[:size]
    at_risk[1:] -= np.bincount(last[there], minlength=size).cumsum()[: size - 1]
    events = np.bincount(end[there & (end <= seen_to)], minlength=size)[:size]
    periods = np.flatnonzero(at_risk[1:] > 0) + 1
    n, d = at_risk[periods], events[periods]
    lower, upper = wilson(d, n)
    return pl.DataFrame(
        {
            "group": [group] * len(periods),
            "tenure_period": periods.astype(np.int64),
            "n_at_risk": n.astype(np.int64),
            "n_events": d.astype(np.int64),
            "hazard_rate": d / np.maximum(n, 1),
            "hazard_rate_lower": lower,
            "hazard_rate_upper": upper,
        },
        schema_overrides={"group": pl.String(), "hazard_rate": pl.Float64()},
    )


def mean_of(curve: stats.SurvivalCurve, until: int) -> stats.Mean | None:
    """Give the restricted mean, or None where the curve is not known so far."""
    return stats.restricted_mean(curve, until) if until <= known_until(curve) else None


def at_day(curve: stats.SurvivalCurve, day: float) -> Estimate | None:
    """Give the share still there on a day with its interval, or None where it is not known."""
    if day > known_until(curve):
        return None
    return Estimate(*(float(values[0]) for values in curve.spans_at([day])))


def group_table(found: Curves) -> pl.DataFrame:
    """Give one row per group: customers, events, quantiles, mean within the horizon, share left at its end."""
    rows = [_group_row(group, found) for group in found.by_group]
    schema = {
        "group": pl.String(), "n_customers": pl.Int64(), "n_events": pl.Int64(), "until_day": pl.Int64(),
        **{
            f"{name}{end}": pl.Float64()
            for name in ("kept_rate", "restricted_mean_days", "quarter_days", "median_days", "three_quarter_days")
            for end in ("", "_lower", "_upper")
        },
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def _group_row(group: str, found: Curves) -> Row:
    curve, rows = found.by_group[group], found.observed.of(group)
    row: Row = {
        "group": group,
        "n_customers": rows.height,
        "n_events": int(rows["has_ended"].sum()),
        "until_day": found.until_day,
    }
    row |= _spread("kept_rate", at_day(curve, found.until_day))
    row |= _spread("restricted_mean_days", mean_of(curve, found.until_day))
    for name, share in (("quarter_days", 0.25), ("median_days", 0.5), ("three_quarter_days", 0.75)):
        row |= _spread(name, stats.quantile(curve, share))
    return row


def _spread(name: str, figure: Estimate | stats.Mean | None) -> Row:
    ends = zip(("", "_lower", "_upper"), (None, None, None) if figure is None else figure[:3], strict=True)
    return {f"{name}{end}": None if v is None or not math.isfinite(v) else v for end, v in ends}


def comparison_table(found: Curves) -> pl.DataFrame:
    """Give one row for all groups together and one per pair: log-rank, difference of means, p-values after Holm."""
    schema = {
        "comparison": pl.String(), "group_one": pl.String(), "group_other": pl.String(), "log_rank": pl.Float64(),
        "log_rank_p_value": pl.Float64(), "log_rank_p_holm": pl.Float64(), **dict.fromkeys(_DIFFERENCES, pl.Float64()),
    }  # fmt: skip
    groups = list(found.by_group)
    if len(groups) < 2:  # noqa: PLR2004 a pair
        return pl.DataFrame(schema=schema)
    rows = [_pair(found, one, other) for one, other in itertools.combinations(groups, 2)]
    _correct(rows, "log_rank_p_value", "log_rank_p_holm")
    _correct(rows, "mean_difference_p_value", "mean_difference_p_holm")
    return pl.DataFrame([_overall(found), *rows], schema=schema)


def _overall(found: Curves) -> Row:
    test = _log_rank(found.observed.customers, list(found.by_group))
    return {"comparison": EVERY_GROUP, "log_rank": test.statistic, "log_rank_p_value": test.p_value}


def _pair(found: Curves, one: str, other: str) -> Row:
    rows = found.observed.customers.filter(pl.col("group").is_in([one, other]))
    test = _log_rank(rows, [one, other])
    row: Row = {
        "comparison": f"{one} against {other}",
        "group_one": one,
        "group_other": other,
        "log_rank": test.statistic,
        "log_rank_p_value": test.p_value,
    }
    means = [mean_of(found.by_group[g], found.until_day) for g in (one, other)]
    if means[0] is None or means[1] is None:
        return row
    difference = stats.mean_difference(means[0], means[1])
    return row | dict(zip(_DIFFERENCES[:4], difference, strict=True))


def _log_rank(rows: pl.DataFrame, groups: list[str]) -> stats.LogRank:
    codes = rows["group"].replace_strict({g: i for i, g in enumerate(groups)}, return_dtype=pl.Int64)
    return stats.log_rank(durations(rows), codes.to_numpy())


def _correct(rows: list[Row], plain: str, corrected: str) -> None:
    tested = [row for row in rows if row.get(plain) is not None]
    for row, p in zip(tested, holm([row[plain] for row in tested]).tolist(), strict=True):
        row[corrected] = p


def incidence_table(observed: Observed) -> pl.DataFrame:
    """Give one row per way to end and day: the share who have ended so by then."""
    rows = observed.customers
    entry = rows["entry_day"].to_numpy()
    late = entry > 0
    begin = entry - 1 if late.any() else None
    exits = rows["first_end_day"].to_numpy()
    if begin is not None:  # whose first end came before observation has nothing to tell here
        kept = exits > begin
        rows, exits, begin = rows.filter(pl.Series(kept)), exits[kept], begin[kept]
    found = cumulative_incidence(exits, rows["first_end"].to_numpy(), entry=begin)
    tables = [_way_rows(WAYS[i], way.time, way) for i, way in enumerate(found) if way.n_events.sum() > 0]
    return pl.concat([no_incidence(), *tables])


def no_incidence() -> pl.DataFrame:
    """Give the table of ways to end without rows."""
    schema = {
        "end_kind": pl.String(), "day": pl.Int64(), "n_at_risk": pl.Int64(), "n_events": pl.Int64(),
        **dict.fromkeys(
            ("incidence_rate", "incidence_rate_lower", "incidence_rate_upper", "one_minus_km_rate"), pl.Float64()
        ),
    }  # fmt: skip
    return pl.DataFrame(schema=schema)


def _way_rows(name: str, days: Floats, way: Any) -> pl.DataFrame:  # noqa: ANN401 an Incidence
    return pl.DataFrame(
        {
            "end_kind": [name] * len(days),
            "day": days.astype(np.int64),
            "n_at_risk": way.n_at_risk.astype(np.int64),
            "n_events": way.n_events.astype(np.int64),
            "incidence_rate": way.incidence,
            "incidence_rate_lower": way.incidence_lower,
            "incidence_rate_upper": way.incidence_upper,
            "one_minus_km_rate": way.naive,
        }
    )


def customer_table(observed: Observed) -> pl.DataFrame:
    """Give one row per customer: since when, how long, whether it has ended."""
    kinds = {0: "still there", **{i + 1: name for i, name in enumerate(WAYS)}}
    ways = (
        [pl.col("first_end").replace_strict(kinds, return_dtype=pl.String).alias("first_end_kind")]
        if observed.question.of_contracts
        else []
    )
    return observed.customers.select(
        "customer_id", "group", "began_on", "tenure_days", "has_ended", "entry_day", *ways
    )


@dataclass(frozen=True)
class Stretch:
    """Periods that follow each other in which the loss is higher than usual, and the loss in each with its bounds.

    `n_at_risk` are the customers at the beginning of the first.
    """

    first: int
    last: int
    hazard_rate: float
    hazard_rate_lower: float
    hazard_rate_upper: float
    n_at_risk: int


def steepest(hazard: pl.DataFrame) -> Stretch | None:
    """Find when the loss of everyone is surely higher than that of all periods together, at its highest.

    Looked at are periods that a tenth of the customers reached, 30 at least; the level is corrected for their number; neighbours with at least nine tenths of that loss belong to it.
    """
    totals = hazard.group_by("tenure_period").agg(pl.col("n_at_risk", "n_events").sum()).sort("tenure_period")
    least = max(_STEADY, _REACHED * max(totals["n_at_risk"].to_list(), default=0))
    totals = totals.filter(pl.col("n_at_risk") >= least)
    if totals.height < 2 or not totals["n_events"].sum():  # noqa: PLR2004 nothing to compare with
        return None
    events, n = totals["n_events"].to_numpy(), totals["n_at_risk"].to_numpy()
    # exact, since approximations fail where so small a probability of error meets few ends
    lower = np.where(
        events > 0, betaincinv(np.maximum(events, 1), n - events + 1, _SURE / totals.height), 0.0
    )
    high = lower > events.sum() / n.sum()
    if not high.any():
        return None
    first = last = int(np.where(high, events / n, -1.0).argmax())
    near = events / n >= _NEARLY * events[first] / n[first]
    while first and near[first - 1]:
        first -= 1
    while last + 1 < len(near) and near[last + 1]:
        last += 1
    block = slice(first, last + 1)
    period = totals["tenure_period"]
    lost, seen = events[block].sum(), n[block].sum()
    low, high = (float(end) for end in wilson(lost, seen))
    return Stretch(int(period[first]), int(period[last]), float(lost / seen), low, high, int(n[first]))
