"""The lists a sales meeting asks for: the most valuable, the good who buy less, the good who fell silent.

Each list has its definition in words, its customers with a reason each, and the money at stake. The lists of those who
buy less and of those who fell silent have no customer in common, so their money may be added up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from crm_analytics import formats
from crm_analytics.aggregates.periods import shift
from crm_analytics.results import Note

SLACK_DAYS: Final = 7
"""An extract that begins this many days into a stretch still covers it: its first days may just have had no order."""

BEYOND_CHANCE: Final = 1.645
"""A steady customer's spend falls by more than this many standard deviations less than one time in twenty."""

_DUST: Final = 1e-6  # money below a millionth is what floating-point sums leave
_YEAR: Final = 12

COLUMNS: Final = (
    "list", "position", "customer_id", "money_at_stake", "spend_recent", "spend_before", "spend_change",
    "relative_change", "is_beyond_normal_variation", "n_orders_recent", "n_orders_before", "last_ordered_on", "reason",
)  # fmt: skip
"""Columns of the table of listed customers, in their order."""


@dataclass(frozen=True)
class Comparison:
    """Two stretches of `months` calendar months each that end at `as_of`: the recent one and the one before it."""

    as_of: date
    months: int
    first_day: date

    @property
    def middle(self) -> date:
        """First day of the recent stretch, at which the stretch before it ends."""
        return shift(self.as_of, -self.months)

    @property
    def is_covered(self) -> bool:
        """Whether the extract reaches back over both stretches."""
        return self.covers(2 * self.months)

    @property
    def recent(self) -> str:
        """The recent stretch in words.

        >>> Comparison(date(2026, 1, 1), 6, date(2020, 1, 1)).recent
        'the last 6 months'
        """
        return "the last month" if self.months == 1 else f"the last {self.months} months"

    @property
    def before(self) -> str:
        """The stretch before in words."""
        return "the month before" if self.months == 1 else f"the {self.months} months before"

    def covers(self, months: int) -> bool:
        """Whether the extract reaches back so many months from `as_of`.

        >>> Comparison(date(2026, 1, 1), 6, date(2025, 1, 3)).covers(12)
        True
        """
        return self.first_day <= shift(self.as_of, -months) + timedelta(days=SLACK_DAYS)


@dataclass(frozen=True)
class Choice:
    """Who is good, who is most valuable, and how large a fall must be to count; all shares in (0, 1)."""

    good_share: float = 0.20
    most_valuable_share: float = 0.05
    least_fall: float = 0.10


@dataclass(frozen=True, eq=False)
class Lists:
    """The lists (one row each), the listed customers (one row per list and customer), and what to know about them."""

    lists: pl.DataFrame
    listed: pl.DataFrame
    notes: tuple[Note, ...]


@dataclass(frozen=True, eq=False)
class _List:
    name: str
    label: str
    definition: str
    chosen: pl.DataFrame


def build(spend: pl.DataFrame, comparison: Comparison, choice: Choice, *, currency: str | None) -> Lists:
    """Make the lists from `aggregates.comparison.compared_spend`.

    Where the extract does not reach back over both stretches, only the list of the most valuable is made, and a note
    says what the others need and how much there is.
    """
    figures = _with_changes(spend)
    made = [_most_valuable(figures, comparison, choice)]
    if comparison.is_covered:
        made += [_buying_less(figures, comparison, choice), _silent(figures, comparison, choice)]
    total = float(figures["spend_recent"].sum())
    return Lists(
        pl.DataFrame([_row(one, total) for one in made], schema=_LISTS),
        pl.concat([_listed(one, comparison, currency) for one in made]),
        tuple(_notes(figures, comparison, choice)),
    )


def good_customers(values: pl.Series, share: float) -> pl.Series:
    """Mark the best `share` of the customers with a positive value; whoever ties with the last of them is in too.

    >>> good_customers(pl.Series([50.0, 0.0, 20.0, 20.0, 10.0, 5.0]), 0.4).to_list()
    [True, False, True, True, False, False]
    """
    positive = values.filter(values > _DUST).sort(descending=True)
    if positive.is_empty():
        return values > math.inf
    last = math.ceil(round(share * len(positive), 9)) - 1
    return values >= float(positive[last])


def _with_changes(spend: pl.DataFrame) -> pl.DataFrame:
    change = pl.col("spend_recent") - pl.col("spend_before")
    money = ["spend_recent", "spend_before", "spend_when_active"]
    return spend.with_columns(pl.col(money).round(6) + 0.0).with_columns(
        spend_change=change,
        relative_change=pl.when(pl.col("spend_before") > _DUST).then(change / pl.col("spend_before")),
        is_beyond_normal_variation=-change > BEYOND_CHANCE * pl.col("squared_amounts").sqrt(),
    )


def _most_valuable(figures: pl.DataFrame, comparison: Comparison, choice: Choice) -> _List:
    best = figures.filter(good_customers(figures["spend_recent"], choice.most_valuable_share))
    return _List(
        "most_valuable",
        "Most valuable customers",
        f"The {_percent(choice.most_valuable_share)} of customers who spent most in {comparison.recent}; "
        "at stake is what they spent.",
        best.with_columns(
            money_at_stake=pl.col("spend_recent"), is_beyond_normal_variation=pl.lit(None, pl.Boolean)
        ),
    )


def _buying_less(figures: pl.DataFrame, comparison: Comparison, choice: Choice) -> _List:
    falling = figures.filter(_spent_less(figures, "before", "recent", choice))
    return _List(
        "buying_less",
        "Good customers who buy less",
        f"Customers among the best {_percent(choice.good_share)} of {comparison.before} who still order but spent at "
        f"least {_percent(choice.least_fall)} less in {comparison.recent}; at stake is what they spend less.",
        falling.with_columns(money_at_stake=-pl.col("spend_change")),
    )


def _silent(figures: pl.DataFrame, comparison: Comparison, choice: Choice) -> _List:
    good = good_customers(figures["spend_when_active"], choice.good_share)
    gone = figures.filter(good & (figures["last_ordered_on"] < comparison.middle))
    return _List(
        "silent",
        "Good customers who fell silent",
        f"Customers who have not ordered for {comparison.months} months or more and whose spend in the "
        f"{comparison.months} months up to their last order is among the best {_percent(choice.good_share)}; "
        "at stake is that spend.",
        gone.with_columns(
            money_at_stake=pl.col("spend_when_active"), is_beyond_normal_variation=pl.lit(None, pl.Boolean)
        ),
    )


def _spent_less(figures: pl.DataFrame, good_in: str, then: str, choice: Choice) -> pl.Series:
    """Mark who was good in one stretch, ordered in the other too, and spent at least so much less there."""
    had, has = figures[f"spend_{good_in}"], figures[f"spend_{then}"]
    fell = (has < had) & (has <= (1 - choice.least_fall) * had + _DUST)
    found: pl.Series = good_customers(had, choice.good_share) & fell & (figures[f"n_orders_{then}"] > 0)
    return found


_LISTS: Final[Mapping[str, pl.DataType]] = {
    "list": pl.String(),
    "list_label": pl.String(),
    "list_definition": pl.String(),
    "n_customers": pl.Int64(),
    "money_at_stake": pl.Float64(),
    "stake_share": pl.Float64(),
    "n_beyond_normal_variation": pl.Int64(),
}


def _row(one: _List, total: float) -> dict[str, Any]:
    stake = float(one.chosen["money_at_stake"].sum())
    beyond = one.chosen["is_beyond_normal_variation"]
    return {
        "list": one.name,
        "list_label": one.label,
        "list_definition": one.definition,
        "n_customers": one.chosen.height,
        "money_at_stake": stake,
        "stake_share": stake / total if total > _DUST else None,
        "n_beyond_normal_variation": int(beyond.sum()) if one.name == "buying_less" else None,
    }


def _listed(one: _List, comparison: Comparison, currency: str | None) -> pl.DataFrame:
    ordered = one.chosen.sort(["money_at_stake", "customer_id"], descending=[True, False])
    reasons = [_reason(one.name, row, comparison, currency) for row in ordered.iter_rows(named=True)]
    return ordered.with_columns(
        list=pl.lit(one.name),
        position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        reason=pl.Series(reasons, dtype=pl.String),
    ).select(COLUMNS)


def _reason(name: str, row: Mapping[str, Any], comparison: Comparison, currency: str | None) -> str:
    recent, before = (formats.money(row[f"spend_{when}"], currency) for when in ("recent", "before"))
    match name:
        case "most_valuable":
            return f"Spent {recent} in {comparison.recent}, in {_orders(row['n_orders_recent'])}."
        case "buying_less":
            chance = "more than" if row["is_beyond_normal_variation"] else "no more than"
            return (
                f"Spent {recent} in {comparison.recent} after {before} in {comparison.before}: "
                f"{formats.share(-row['relative_change'])} less, {chance} chance explains."
            )
        case _:
            worth = formats.money(row["money_at_stake"], currency)
            day = formats.value(row["last_ordered_on"], "day")
            return f"Last order on {day}; spent {worth} in the {comparison.months} months up to it."


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count:,} orders"


def _percent(share: float) -> str:
    return f"{100 * share:.4g}%"


def _notes(figures: pl.DataFrame, comparison: Comparison, choice: Choice) -> list[Note]:
    if not comparison.is_covered:
        return [_too_short(comparison)]
    notes = [_turnover(figures, comparison, choice)]
    if comparison.months % _YEAR:
        text = (
            f"The lists compare {comparison.recent} with {comparison.before}: other seasons, so part of a fall may be "
            "the season. Two spans of twelve months would compare like with like."
        )
        notes.append(Note("season_against_season", text, "caution", "compare_months=12"))
    return notes


def _too_short(comparison: Comparison) -> Note:
    last_day = comparison.as_of - timedelta(days=1)
    covered = f"{formats.value(comparison.first_day, 'day')} to {formats.value(last_day, 'day')}"
    shorter = next((m for m in (6, 3, 1) if m < comparison.months and comparison.covers(2 * m)), None)
    advice = (
        ""
        if shorter is None
        else f" compare_months={shorter} would compare the last {_months(shorter)} instead, "
        "though season against season."
    )
    text = (
        f"The lists of good customers who buy less and who fell silent are left out: they compare "
        f"{comparison.recent} with {comparison.before} and need {2 * comparison.months} months; "
        f"the extract covers {covered}.{advice}"
    )
    return Note("too_short_to_compare", text, "caution")


def _months(months: int) -> str:
    return "month with the month before" if months == 1 else f"{months} months with the {months} before"


def _turnover(figures: pl.DataFrame, comparison: Comparison, choice: Choice) -> Note:
    """Hold the falls against their mirror image, which chance and ordinary turnover alone bring about."""
    falls = int(_spent_less(figures, "before", "recent", choice).sum())
    rises = int(_spent_less(figures, "recent", "before", choice).sum())
    text = (
        f"Whoever is picked for a good stretch tends to spend less in any other. {falls:,} good customers buy less than "
        f"before; seen backwards, {rises:,} of the best {_percent(choice.good_share)} of {comparison.recent} had spent "
        f"that much less in {comparison.before}. Where the two numbers are alike, chance and ordinary turnover explain "
        "the falls."
    )
    return Note("ordinary_turnover", text)
