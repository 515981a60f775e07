"""Survival in words: headline, titles, summary, notes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from crm_analytics import formats
from crm_analytics.results import MOST_SUMMARY_ROWS, Note, View
from crm_analytics.retention.survival.cox import Model
from crm_analytics.retention.survival.lives import EVERYONE, Question
from crm_analytics.retention.survival.tables import (
    EVERY_GROUP,
    Curves,
    Row,
    Stretch,
    at_day,
    mean_of,
    steepest,
)
from crm_analytics.stats.intervals import Estimate
from crm_analytics.stats.survival import SurvivalCurve, quantile

_SURE: Final = 0.05
_THIN: Final = 10
_FEW: Final = 30
_ORDINALS: Final = (
    "",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
)


@dataclass(frozen=True, eq=False)
class Findings:
    """What the analysis made, for those who put it into words."""

    curves: Curves
    hazard: pl.DataFrame
    groups: pl.DataFrame
    comparisons: pl.DataFrame
    incidence: pl.DataFrame
    model: Model
    by: str | None

    @property
    def question(self) -> Question:
        """What was asked."""
        return self.curves.observed.question

    @property
    def n(self) -> int:
        """How many customers were observed."""
        return self.curves.observed.customers.height


def ordinal(n: int) -> str:
    """Write a place in words as far as that reads well.

    >>> ordinal(1), ordinal(12), ordinal(22)
    ('first', '12th', '22nd')
    """
    if n < len(_ORDINALS):
        return _ORDINALS[n]
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{n}{'th' if n % 100 in {11, 12, 13} else ends.get(n % 10, 'th')}"


def _counted(n: int, one: str, several: str | None = None) -> str:
    return f"1 {one}" if n == 1 else f"{n:,} {several or one + 's'}"


def headline(found: Findings) -> str:
    """Say in one sentence how long half of them stay, and when the loss is highest."""
    main, interval = _main(found)
    thin = (
        f"; this hangs on fewer than {_THIN} customers seen at early ages"
        if _hangs_on_few(found.curves.whole)
        else ""
    )
    return f"{main} ({interval}, {_counted(found.n, 'customer')}){_worst(found)}{thin}."


def finding(found: Findings) -> str:
    """Say the main finding without its interval: the title of the curve."""
    return _main(found)[0]


def _main(found: Findings) -> tuple[str, str]:
    median = quantile(found.curves.whole)
    if math.isfinite(median.value):
        return _by_half(found.question, round(median.value)), _days_interval(median)
    day = found.curves.until_day
    left = at_day(found.curves.whole, day) or Estimate(1.0, 0.0, 1.0)
    after = "1 day" if day == 1 else f"{day:,} days"
    if found.question.of_contracts:
        return f"{formats.share(left.value)} of subscribers are still there after {after}", _share_interval(
            left
        )
    again = Estimate(1 - left.value, 1 - left.upper, 1 - left.lower)
    return (
        f"{formats.share(again.value)} of customers place {_next(found.question)} within {after}",
        _share_interval(again),
    )


def _by_half(question: Question, days: int) -> str:
    within = "on the same day" if days == 0 else "within 1 day" if days == 1 else f"within {days:,} days"
    if question.of_contracts:
        return f"Half of subscribers leave {within.replace('same', 'first')}"
    return f"Half of customers place {_next(question)} {within}"


def _next(question: Question) -> str:
    return f"a {ordinal(question.order_number)} order"


def _days_interval(median: Estimate) -> str:
    low = f"{median.lower:,.0f}"
    return (
        f"95% interval {low} to {median.upper:,.0f}"
        if math.isfinite(median.upper)
        else f"95% interval {low} or more"
    )


def _share_interval(rate: Estimate) -> str:
    return f"95% interval {formats.share(rate.lower)} to {formats.share(rate.upper)}"


def _worst(found: Findings) -> str:
    top = steepest(found.hazard)
    if top is None:
        return ""
    rate = f"{_rate(top)}{'' if top.first == top.last else f' a {found.question.period}'}"
    if found.question.of_contracts:
        return f"; the loss is highest {_then(found)}, when {rate} leave"
    return f"; most likely it comes {_then(found)}, when {rate} order again"


def _rate(top: Stretch) -> str:
    ends = (formats.share(end) for end in (top.hazard_rate_lower, top.hazard_rate_upper))
    return f"{formats.share(top.hazard_rate)} ({' to '.join(ends)})"


def _when(found: Findings) -> str:
    top, period = steepest(found.hazard), found.question.period
    if top is None:
        return ""
    if top.first == top.last:
        return f"the {ordinal(top.first)} {period}"
    return f"the first {top.last} {period}s" if top.first == 1 else f"{period}s {top.first} to {top.last}"


def _then(found: Findings) -> str:
    when = _when(found)
    return f"{'on' if found.question.period == 'day' else 'in'} {when}"


def views(found: Findings) -> Iterator[View]:
    """Give the pictures there are data for."""
    yield View("curve", finding(found), "curve")
    yield View("hazard", _hazard_title(found), "hazard")
    if found.groups.height > 1:
        yield View("groups", _groups_title(found), "groups")
    if not found.incidence.is_empty():
        yield View("incidence", _incidence_title(found), "incidence")


def _hazard_title(found: Findings) -> str:
    when, contracts = _when(found), found.question.of_contracts
    if when:
        return (
            f"The loss is highest {_then(found)}"
            if contracts
            else f"Customers most likely order again {_then(found)}"
        )
    what = "leave" if contracts else "order again"
    return f"How many {what} in each {found.question.period}, of those who had not before"


def _groups_title(found: Findings) -> str:
    means = found.groups.drop_nulls("restricted_mean_days").sort("restricted_mean_days", "group")
    whole = found.comparisons.filter(pl.col("comparison") == EVERY_GROUP)["log_rank_p_value"].item()
    contracts = found.question.of_contracts
    if means.height < 2:  # noqa: PLR2004 nothing to compare
        return f"How long customers {'stay' if contracts else 'wait'}, by {found.by}"
    if whole >= _SURE:
        return f"No sure difference by {found.by} in how long customers {'stay' if contracts else 'wait'}"
    best, next_best = means["group"][-1 if contracts else 0], means["group"][-2 if contracts else 1]
    if not _differ(found, {best, next_best}):
        return f"By {found.by}, customers {'stay' if contracts else 'wait'} differently long"
    who = f"customers with “{best}”" if best in ("yes", "no") else f"{best} customers"
    return f"By {found.by}, {who} {'stay longest' if contracts else 'order again soonest'}"


def _differ(found: Findings, pair: set[str]) -> bool:
    rows = found.comparisons.drop_nulls("mean_difference_p_holm").iter_rows(named=True)
    return any(
        {r["group_one"], r["group_other"]} == pair and r["mean_difference_p_holm"] < _SURE for r in rows
    )


def _incidence_title(found: Findings) -> str:
    last = found.incidence.group_by("end_kind").agg(pl.col("incidence_rate").last()).sort("incidence_rate")
    if last.height == 1:
        return "What happens first, by days since the first contract"
    return f"What happens first is most often a {last['end_kind'][-1]}".replace("a churn", "churn")


def summary(found: Findings) -> pl.DataFrame:
    """Give the findings, one row each."""
    rows = [
        *_whole_rows(found),
        *_group_rows(found),
        *_test_rows(found),
        *_way_rows(found),
        *_ratio_rows(found),
    ]
    schema = {"finding": pl.String(), "n_customers": pl.Int64(), "finding_text": pl.String()}
    return pl.DataFrame(rows[:MOST_SUMMARY_ROWS], schema=schema, orient="row")


_Line = tuple[str, int | None, str]


def _whole_rows(found: Findings) -> Iterator[_Line]:
    main, interval = _main(found)
    yield "Everyone", found.n, f"{main} ({interval})"
    curve, day = found.curves.whole, found.curves.until_day
    mean = mean_of(curve, day)
    if mean is not None:
        what = "stay" if found.question.of_contracts else "wait"
        text = f"customers {what} {mean.value:,.0f} on average (95% interval {mean.lower:,.0f} to {mean.upper:,.0f})"
        yield f"Of the first {day:,} days", found.n, text
    top = steepest(found.hazard)
    if top is not None:
        what = "leave" if found.question.of_contracts else "order again"
        each = "" if top.first == top.last else f" in each {found.question.period}"
        yield (
            _capital(_when(found)),
            top.n_at_risk,
            f"{_rate(top)} {what}{each}, surely above the average of all periods",
        )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _group_rows(found: Findings) -> Iterator[_Line]:
    if found.groups.height < 2:  # noqa: PLR2004 only everyone
        return
    for row in found.groups.iter_rows(named=True):
        yield str(row["group"]), row["n_customers"], _group_text(row)


def _group_text(row: Row) -> str:
    half = row["median_days"]
    median = "half have not ended yet" if half is None else f"half by day {half:,.0f}"
    mean = row["restricted_mean_days"]
    if mean is None:
        return f"{median}; not observed for {row['until_day']:,} days"
    ends = " to ".join(f"{row[f'restricted_mean_days_{e}']:,.0f}" for e in ("lower", "upper"))
    return f"{median}; on average {mean:,.0f} of the first {row['until_day']:,} days (95% interval {ends})"


def _test_rows(found: Findings) -> Iterator[_Line]:
    for row in found.comparisons.filter(pl.col("comparison") == EVERY_GROUP).iter_rows(named=True):
        p = row["log_rank_p_value"]
        verdict = "the groups differ" if p < _SURE else "no sure difference"
        yield (
            "Log-rank test",
            found.n,
            f"{verdict} (chi-square {row['log_rank']:.1f}, p {formats.p_value(p)})",
        )


def _way_rows(found: Findings) -> Iterator[_Line]:
    day = found.curves.until_day
    by_then = found.incidence.filter(pl.col("day") <= day)
    for kind in by_then["end_kind"].unique(maintain_order=True):
        row = by_then.filter(pl.col("end_kind") == kind).row(-1, named=True)
        rate = Estimate(*(row[f"incidence_rate{e}"] for e in ("", "_lower", "_upper")))
        yield (
            f"First a {kind}".replace("a churn", "churn"),
            found.n,
            f"{formats.share(rate.value)} by day {day:,} ({_share_interval(rate)})",
        )


def _ratio_rows(found: Findings) -> Iterator[_Line]:
    for row in found.model.table.iter_rows(named=True):
        against = f" against {row['reference_level']}" if row["reference_level"] else ""
        ends = " to ".join(f"{row[f'hazard_ratio_{e}']:.2f}" for e in ("lower", "upper"))
        name = f"{row['covariate']}: {row['level']}{against}"
        yield name, row["n_customers"], f"hazard ratio {row['hazard_ratio']:.2f} (95% interval {ends})"


def notes(found: Findings) -> Iterator[Note]:
    """Say what a reader must know: what an end is, what censoring is, who was left out."""
    question = found.question
    yield Note("definition", _definition(question))
    yield Note("censoring", _censoring(found))
    yield from _left_out(found)
    yield from _truncation(found)
    yield from _contract_facts(found)
    yield from _order_facts(found)
    yield from _group_notes(found)
    yield from _thin(found)
    if not found.incidence.is_empty():
        yield Note("competing_ends", _COMPETING)
    yield from found.model.notes
    yield Note("intervals", _INTERVALS)


_COMPETING: Final = (
    "Churn, pause and downgrade exclude each other as the first thing that happens; their shares add up with the share to whom "
    "nothing has happened. 1 − Kaplan-Meier of one of them alone is larger: it asks what would be if the others did not exist."
)
_INTERVALS: Final = (
    "Intervals are 95% and hold for each day by itself: log(-log) for shares still there, after Brookmeyer and Crowley for "
    "medians, Wilson's for the loss by period. Means go up to the day stated."
)


def _definition(question: Question) -> str:
    if not question.of_contracts:
        before = ordinal(question.order_number - 1)
        return (
            f"Time runs from the day of the {before} order to that of the {ordinal(question.order_number)}; orders that net to "
            "nothing or less do not count."
        )
    if not question.grace_days:
        return (
            "A customer has left when a contract ends and no other begins by that day; contracts that follow on are one tenure, "
            "and what comes after a gap is not looked at."
        )
    return (
        f"A customer has left when a contract ends and none begins within {question.grace_days} days; a shorter gap is a pause "
        "within one tenure, and what comes after a longer one is not looked at."
    )


def _censoring(found: Findings) -> str:
    question, rows = found.question, found.curves.observed.customers
    still = rows.height - int(rows["has_ended"].sum())
    until = formats.value(question.until, "day")
    are, have = ("is", "has") if rows.height == 1 else ("are", "have")
    who = f"{are} still there" if question.of_contracts else f"{have} not ordered again"
    whom = "the only customer" if rows.height == 1 else f"{still:,} of {rows.height:,} customers"
    why = (
        f", the last day whose grace of {question.grace_days} days has run out"
        if question.of_contracts and question.grace_days
        else ""
    )
    if not still:
        text = "Nobody is still there" if question.of_contracts else "Everybody has ordered again"
        return f"{text} at the end of observation, {until}{why}."
    return f"{_capital(whom)} {who} at the end of observation, {until}{why}; they count as long as they were seen (censoring)."


def _left_out(found: Findings) -> Iterator[Note]:
    n = found.curves.observed.left_out["too_new"]
    if n:
        until = formats.value(found.question.until, "day")
        text = f"{_counted(n, 'customer')} began after {until} and {'is' if n == 1 else 'are'} left out: too new to tell."
        yield Note("too_new", text)


def _truncation(found: Findings) -> Iterator[Note]:
    start = found.question.start
    if start is None:
        return
    rows = found.curves.observed.customers
    late, gone = int((rows["entry_day"] > 0).sum()), found.curves.observed.left_out["gone_before"]
    day = formats.value(start, "day")
    text = (
        f"Observation begins on {day}: {_counted(late, 'customer')} began before and count as at risk only from the age they had "
        f"then (left truncation); {_counted(gone, 'customer')} had {'ended' if found.question.of_contracts else 'ordered again'} before and cannot count."
    )
    yield Note("left_truncation", text)


def _contract_facts(found: Findings) -> Iterator[Note]:
    observed = found.curves.observed
    backward, later = observed.facts.get("n_backward", 0), observed.facts.get("n_ends_later", 0)
    if backward:
        text = f"{_counted(backward, 'contract period')} that {'ends' if backward == 1 else 'end'} before {'it starts' if backward == 1 else 'they start'} {'is' if backward == 1 else 'are'} left out."
        yield Note("ended_before_started", text, "caution")
    if later:
        yield _ends_later(later, int(observed.customers["has_ended"].sum()), found.question)
    if observed.n_returned:
        text = (
            f"{_counted(observed.n_returned, 'customer')} came back after having left, later than the grace allows; "
            f"{'it counts' if observed.n_returned == 1 else 'they count'} as having left."
        )
        yield Note("returned", text, option=f"grace_days={found.question.grace_days} sets the limit")


def _ends_later(later: int, ended: int, question: Question) -> Note:
    """Say which ends count as not seen; a caution where they are most of those there are."""
    day = formats.value(question.as_of, "day")
    text = (
        f"{_counted(later, 'contract period')} with an end on or after the as-of date, {day}, {'counts' if later == 1 else 'count'} as "
        "running, because later ends may be plans; if they have happened, set a later as_of."
    )
    return Note("ends_later", text, "caution" if later > ended else "info")


def _order_facts(found: Findings) -> Iterator[Note]:
    n = found.curves.observed.n_same_day
    if n and not found.question.of_contracts:
        text = f"{_counted(n, 'customer')} ordered again on the same day; that counts as day 0."
        yield Note("same_day", text)


def _group_notes(found: Findings) -> Iterator[Note]:
    if found.by is None:
        return
    merged = found.curves.observed.merged
    if merged:
        shown = ", ".join(merged[:5]) + (" and more" if len(merged) > 5 else "")  # noqa: PLR2004 enough to know
        yield Note(
            "merged_groups",
            f"The {len(merged):,} smaller groups by {found.by} are taken together as others: {shown}.",
        )
    pairs = found.comparisons.height - 1
    if pairs > 1:
        text = f"{pairs} pairs are compared; p-values after Holm keep the chance of any false finding at that of one test."
        yield Note("holm", text)
    if found.by in found.curves.observed.as_they_stand:
        text = (
            f"Customers are grouped by {found.by} as the customers table has it: where it changes with time, a group that only those "
            "who stay can reach looks more loyal than it is."
        )
        yield Note("grouped_as_it_stands", text)
        return
    text = f"Customers are grouped by {found.by} as it stood at the beginning, so that nothing that came later decides their group."
    yield Note("grouped_at_the_beginning", text)


def _thin(found: Findings) -> Iterator[Note]:
    events = int(found.groups["n_events"].sum())
    if events < _FEW:
        seen = (
            "No end was"
            if not events
            else f"Only {_counted(events, 'end')} {'was' if events == 1 else 'were'}"
        )
        text = f"{seen} seen: read the intervals, not the figures."
        yield Note("few_ends", text, "caution")
    short = found.groups.filter(pl.col("restricted_mean_days").is_null())["group"].to_list()
    if short:
        text = f"Not observed for {_counted(found.curves.until_day, 'day')}, so without a mean: {', '.join(short)}."
        yield Note("not_observed_so_long", text, "caution")
    yield from _early_zero(found)


def _hangs_on_few(curve: SurvivalCurve) -> bool:
    """Say whether, with late entries, a curve falls while next to nobody is at risk and more are to come."""
    risk = curve.risk
    more_to_come = risk.time < curve.time[risk.n_at_risk.argmax()]
    return bool(((risk.n_events > 0) & (risk.n_at_risk < _THIN) & more_to_come).any())


def _early_zero(found: Findings) -> Iterator[Note]:
    """Warn where, with late entries, a curve falls on next to nobody at risk while more are to come."""
    for group, curve in found.curves.by_group.items():
        if _hangs_on_few(curve):
            whose = "" if group == EVERYONE else f" of {group}"
            text = (
                f"The curve{whose} falls at ages at which fewer than {_THIN} customers were under observation, before most "
                "entered: all that follows hangs on them. Take an earlier start."
            )
            yield Note("thin_beginning", text, "caution")
