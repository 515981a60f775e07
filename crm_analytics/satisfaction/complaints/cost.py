"""What follows a complaint: later orders, spend and retention beside customers who were alike on that day and had not complained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.aggregates.orders import orders
from crm_analytics.extracts.extract import Extract
from crm_analytics.satisfaction.complaints.cases import Cases
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.matched_sets import Gap, Ints, Sets, contrast, gap, levelled, nearest

Row = dict[str, Any]
Bools = NDArray[np.bool_]

EVERY: Final = "all complainers"
QUICK: Final = "resolved within target"
SLOW: Final = "slower than target"
SLOW_AGAINST_QUICK: Final = "slower, beyond what goes with any complaint"

FEATURES: Final = ("days since the last order", "orders so far", "spend so far", "days since the first order")
_CALIPER: Final = 0.5
_MOST_OTHERS: Final = 20_000
_MOST_SETS: Final = 20_000
_FEWEST: Final = 5
_BEFORE_1970: Final = 1_000_000  # added to days, so that none is below 0
_NEVER: Final = np.iinfo(np.int64).max // 4

_THREE: Final = ("", "_lower", "_upper")
COST_SCHEMA: Final = {
    "complainer_group": pl.String(),
    "n_matched": pl.Int64(),
    "n_unmatched": pl.Int64(),
    "n_other_customers": pl.Int64(),
    "later_orders": pl.Float64(),
    "matched_orders": pl.Float64(),
    **{f"orders_difference{e}": pl.Float64() for e in _THREE},
    **{f"orders_ratio{e}": pl.Float64() for e in _THREE},
    "orders_p_value": pl.Float64(),
    "later_spend": pl.Float64(),
    "matched_spend": pl.Float64(),
    **{f"spend_difference{e}": pl.Float64() for e in _THREE},
    **{f"spend_difference_total{e}": pl.Float64() for e in _THREE},
    "later_active_rate": pl.Float64(),
    "matched_active_rate": pl.Float64(),
    **{f"active_difference{e}": pl.Float64() for e in _THREE},
}
BALANCE_SCHEMA: Final = {
    "matched_on": pl.String(),
    "complainers_mean": pl.Float64(),
    "everybody_mean": pl.Float64(),
    "matched_mean": pl.Float64(),
    "imbalance_before": pl.Float64(),
    "imbalance_after": pl.Float64(),
}


@dataclass(frozen=True, eq=False)
class Cost:
    """The two tables of what follows a complaint, and whom they are about."""

    table: pl.DataFrame
    balance: pl.DataFrame
    n_too_recent: int = 0
    n_without_orders: int = 0
    n_drawn: int | None = None
    n_unmatched: int = 0


@dataclass(frozen=True, eq=False)
class Histories:
    """Orders of all customers who ever bought, as arrays by customer and day; customers are numbers in an order of content.

    `key` is customer x span + day, sorted; `spent` and `bought` are running sums over it, beginning with 0.
    """

    span: int
    key: Ints
    bought: Ints
    spent: Floats
    last: Ints  # day of the last purchase up to and with the place
    first: Ints  # of each customer: day of the first purchase
    begin: Ints  # of each customer: the place of the first order
    complained: Ints  # of each customer: day of the first case, far off where there is none

    @property
    def n(self) -> int:
        """How many customers."""
        return len(self.first)

    def at(self, who: Ints, day: Ints) -> Ints:
        """Give the place after the last order up to a day."""
        return np.searchsorted(self.key, who * self.span + day, side="right")

    def features(self, who: Ints, day: Ints) -> Floats:
        """Give recency, orders, spend and tenure as of the end of a day, one row per customer; who must have bought by then."""
        place, begin = self.at(who, day), self.begin[who]
        recency = day - self.last[np.maximum(place - 1, 0)]
        bought = self.bought[place] - self.bought[begin]
        return np.column_stack(
            [recency, bought, self.spent[place] - self.spent[begin], day - self.first[who]]
        ).astype(float)

    def outcome(self, who: Ints, after: Ints, until: Ints) -> tuple[Floats, Floats]:
        """Give the number of orders and the net spend after a day, up to and with another."""
        begin, end = self.at(who, after), self.at(who, until)
        return (self.bought[end] - self.bought[begin]).astype(float), self.spent[end] - self.spent[begin]


def cost(cases: Cases, transactions: Extract | None, n_matches: int, *, quiet_after: bool) -> Cost:
    """Match the customers with a first complaint and compare what followed."""
    empty = Cost(pl.DataFrame(schema=COST_SCHEMA), pl.DataFrame(schema=BALANCE_SCHEMA))
    if transactions is None or "customer_id" not in cases.has:
        return empty
    found = _histories(cases, transactions)
    if found is None:
        return empty
    histories, treated = found
    question = cases.question
    lag, horizon, end = question.target_days, question.horizon_days, _number(question.as_of)
    known = treated.filter(pl.col("who").is_not_null())
    days = known["day"].to_numpy().astype(np.int64)
    who = known["who"].to_numpy().astype(np.int64)
    bought = histories.first[who] <= days
    seen = bought & (days + lag + horizon < end)
    n_drawn = None
    places = np.flatnonzero(seen)
    if len(places) > _MOST_SETS:
        n_drawn = _MOST_SETS
        places = np.sort(np.random.default_rng(0).choice(places, _MOST_SETS, replace=False))
    outside = {
        "n_too_recent": int((bought & ~seen).sum()),
        "n_without_orders": treated.height - int(bought.sum()),
    }
    if len(places) < _FEWEST:
        return Cost(empty.table, empty.balance, n_unmatched=len(places), **outside)
    slow = known["hours"].to_numpy()[places] > question.target_hours
    timed = ~np.isnan(known["hours"].to_numpy()[places].astype(float))
    lots = {EVERY: np.ones(len(places), bool), QUICK: timed & ~slow, SLOW: timed & slow}
    quiet = lag + horizon if quiet_after else 0
    matched = _match(histories, who[places], days[places], n_matches, quiet)
    if not matched.sets.n:
        return Cost(empty.table, empty.balance, n_unmatched=len(places), **outside)
    return Cost(_table(histories, matched, lots, lag, horizon), matched.balance, n_drawn=n_drawn, **outside)


def _number(day: object) -> int:
    return int(np.datetime64(day, "D").astype(np.int64)) + _BEFORE_1970  # type: ignore[call-overload]


def _histories(cases: Cases, transactions: Extract) -> tuple[Histories, pl.DataFrame] | None:
    """Put orders into arrays; customers are numbered by what they did, so that their ids decide nothing.

    The mark is as good as a lot: an order by how much they bought would let later orders decide between equals.
    """
    bought: pl.DataFrame = (
        orders(transactions.frame, as_of=cases.question.as_of).collect("polars").to_native()
    )
    day = pl.col("ordered_on").to_physical().cast(pl.Int64) + _BEFORE_1970
    rows = bought.select("customer_id", "amount", "is_purchase", day=day)
    firsts = _first_cases(cases)
    people = (
        rows.group_by("customer_id")
        .agg(
            first=pl.col("day").filter("is_purchase").min(),
            n=pl.len(),
            spend=pl.col("amount").sum().round(6),
            last=pl.col("day").max(),
            mark=(
                (pl.col("amount").abs() * 100).round().cast(pl.Int64) * (pl.col("day") - _BEFORE_1970)
            ).sum()
            % 7919,
        )
        .filter(pl.col("first").is_not_null())
        .join(firsts.select("customer_id", complained="day"), on="customer_id", how="left")
        .with_columns(pl.col("complained").fill_null(_NEVER))
        .sort("mark", "first", "n", "spend", "last", "complained", "customer_id")
        .with_row_index("who")
        .with_columns(pl.col("who").cast(pl.Int64))
    )
    if people.is_empty():
        return None
    rows = rows.join(people.select("customer_id", "who"), on="customer_id").sort("who", "day", "amount")
    treated = firsts.filter("counted").join(people.select("customer_id", "who"), on="customer_id", how="left")
    return _arrays(rows, people), treated.sort("who", "day", nulls_last=True)


def _first_cases(cases: Cases) -> pl.DataFrame:
    """Give each customer's first case of all, on which day it came, how long it took, and whether it counts."""
    start = cases.question.start
    counted = pl.lit(value=True) if start is None else pl.col("opened_on") >= start
    return cases.every.filter("is_first").select(
        "customer_id",
        "hours",
        day=pl.col("opened_on").to_physical().cast(pl.Int64) + _BEFORE_1970,
        counted=counted,
    )


def _arrays(rows: pl.DataFrame, people: pl.DataFrame) -> Histories:
    who, day = rows["who"].to_numpy(), rows["day"].to_numpy()
    span = int(day.max()) + 40_000  # room for days after the last order
    purchase = rows["is_purchase"].to_numpy()
    last = np.where(purchase, day, -1)
    last = np.maximum.accumulate(who * span + last) - who * span  # restarts with each customer
    key = who * span + day
    return Histories(
        span=span,
        key=key,
        begin=np.searchsorted(key, np.arange(people.height) * span),
        bought=np.concatenate([[0], purchase.cumsum()]),
        spent=np.concatenate([[0.0], rows["amount"].to_numpy().cumsum()]),
        last=last,
        first=people["first"].to_numpy(),
        complained=people["complained"].to_numpy(),
    )


@dataclass(frozen=True, eq=False)
class _Matched:
    sets: Sets
    day: Ints  # of each set
    place: Ints  # of each set: place among those who were to be matched
    balance: pl.DataFrame


def _match(histories: Histories, who: Ints, days: Ints, n_matches: int, quiet: int) -> _Matched:
    """Find for each complainer the nearest customers who had not complained by that day."""
    points = _scaled(histories.features(who, days))
    scale = np.maximum(points.std(axis=0), 0.1)
    pool = _pool(histories)
    subject: list[int] = []
    others: list[int] = []
    kept: list[int] = []
    everybody: list[tuple[Floats, Floats]] = []
    for day in np.unique(days):
        there = pool[(histories.first[pool] <= day) & (histories.complained[pool] > day + quiet)]
        raw = histories.features(there, np.full(len(there), day))
        alike = _scaled(raw)
        for i in np.flatnonzero(days == day):
            chosen, _ = nearest(points[i], alike, scale, n_matches, _CALIPER)
            if len(chosen):
                subject += [len(kept)] * len(chosen)
                others += there[chosen].tolist()
                kept.append(int(i))
                everybody.append((raw.mean(axis=0), alike.mean(axis=0)))
    place = np.array(kept, np.int64)
    sets = Sets(np.array(subject, np.int64), np.array(others, np.int64), who[place])
    balance = (
        _balance(histories, sets, days[place], everybody, scale)
        if kept
        else pl.DataFrame(schema=BALANCE_SCHEMA)
    )
    return _Matched(sets, days[place], place, balance)


def _pool(histories: Histories) -> Ints:
    if histories.n <= _MOST_OTHERS:
        return np.arange(histories.n)
    return np.sort(np.random.default_rng(0).choice(histories.n, _MOST_OTHERS, replace=False))


def _scaled(features: Floats) -> Floats:
    """Put all on the scale of logarithms, on which a day more matters after a day and not after a year."""
    return np.log1p(np.maximum(features, 0.0))


def _balance(
    histories: Histories, sets: Sets, days: Ints, everybody: list[tuple[Floats, Floats]], scale: Floats
) -> pl.DataFrame:
    own = histories.features(sets.own, days)
    others = histories.features(sets.other, days[sets.subject])
    others_mean = np.column_stack([sets.mean_of_others(others[:, j]) for j in range(len(FEATURES))])
    others_scaled = _scaled(others)
    log_mean = np.column_stack([sets.mean_of_others(others_scaled[:, j]) for j in range(len(FEATURES))])
    raw_all, log_all = (np.mean([pair[k] for pair in everybody], axis=0) for k in (0, 1))
    at = _scaled(own).mean(axis=0)
    rows = zip(
        FEATURES,
        own.mean(axis=0).tolist(),
        raw_all.tolist(),
        others_mean.mean(axis=0).tolist(),
        ((at - log_all) / scale).tolist(),
        ((at - log_mean.mean(axis=0)) / scale).tolist(),
        strict=True,
    )
    return pl.DataFrame(list(rows), schema=BALANCE_SCHEMA, orient="row")


def _table(
    histories: Histories, matched: _Matched, lots: dict[str, Bools], lag: int, horizon: int
) -> pl.DataFrame:
    sets, day = matched.sets, matched.day
    begin = day + lag
    own = histories.outcome(sets.own, begin, begin + horizon)
    others = histories.outcome(sets.other, begin[sets.subject], (begin + horizon)[sets.subject])
    raw = {
        "orders": (own[0], others[0]),
        "spend": (own[1], others[1]),
        "active": ((own[0] > 0).astype(float), (others[0] > 0).astype(float)),
    }
    points = _scaled(histories.features(sets.own, day))[sets.subject]
    alike = _scaled(histories.features(sets.other, day[sets.subject]))
    outcomes = {what: (mine, levelled(theirs, alike, points)) for what, (mine, theirs) in raw.items()}
    chosen = {name: lot[matched.place] for name, lot in lots.items()}
    rows = []
    for name, lot in chosen.items():
        if lot.sum() >= _FEWEST:
            gaps = {what: gap(sets, lot, *pair) for what, pair in outcomes.items()}
            n_seen = int(lots[name].sum())
            rows.append(_row(name, sets, lot, n_seen, gaps))
    if len(rows) == len(lots):
        one, other = chosen[SLOW], chosen[QUICK]
        gaps = {what: contrast(sets, one, other, *pair) for what, pair in outcomes.items()}
        rows.append({**_row(SLOW_AGAINST_QUICK, sets, one, int(lots[SLOW].sum()), gaps), **_NO_MEANS})
    return pl.DataFrame(rows, schema=COST_SCHEMA, orient="row")


_NO_MEANS: Final = {
    f"{what}_{outcome}": None
    for what in ("later", "matched")
    for outcome in ("orders", "spend", "active_rate")
}


def _row(name: str, sets: Sets, lot: Bools, n_seen: int, gaps: dict[str, Gap]) -> Row:
    bought, spend, active = gaps["orders"], gaps["spend"], gaps["active"]
    n = int(lot.sum())
    whole = spend._replace(
        difference=spend.difference * n_seen, lower=spend.lower * n_seen, upper=spend.upper * n_seen
    )
    return {
        "complainer_group": name,
        "n_matched": n,
        "n_unmatched": n_seen - n,
        "n_other_customers": len(np.unique(sets.other[lot[sets.subject]])),
        "later_orders": bought.mean,
        "matched_orders": bought.other_mean,
        **_three("orders_difference", bought),
        **{
            f"orders_ratio{e}": x if math.isfinite(x) else None
            for e, x in zip(_THREE, (bought.ratio, bought.ratio_lower, bought.ratio_upper), strict=True)
        },
        "orders_p_value": bought.p_value,
        "later_spend": spend.mean,
        "matched_spend": spend.other_mean,
        **_three("spend_difference", spend),
        **_three("spend_difference_total", whole),
        "later_active_rate": active.mean,
        "matched_active_rate": min(max(active.other_mean, 0.0), 1.0),  # the regression may go a hair beyond
        **_three("active_difference", active),
    }


def _three(name: str, found: Gap) -> Row:
    return dict(
        zip((f"{name}{e}" for e in _THREE), (found.difference, found.lower, found.upper), strict=True)
    )
