"""The life cycle in words: headline, summary, titles, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics import formats
from crm_analytics.aggregates.calendar_numbers import AnyPeriod
from crm_analytics.results import Note
from crm_analytics.retention.lifecycle.flows import NEVER, Spells
from crm_analytics.retention.lifecycle.projection import FEWEST_PERIODS, Projection
from crm_analytics.retention.lifecycle.spells import Rule
from crm_analytics.retention.lifecycle.tables import BASE, pulses

_MANY_LONG: Final = 0.25
_FEW: Final = 30


@dataclass(frozen=True, eq=False)
class Findings:
    """What the analysis made, for those who put it into words."""

    tables: dict[str, pl.DataFrame]
    learned: pl.DataFrame  # rows of "flows" that rates and averages come from
    latest: Mapping[str, Any]  # the last whole period, or the running one where none is whole
    rule: Rule
    period: AnyPeriod
    projection: Projection | None
    long_gaps: float | None
    covered_from: date

    @property
    def name(self) -> str:
        """The name of the latest period."""
        return period_name(self.latest["period_on"], self.period)


def period_name(day: date, period: AnyPeriod) -> str:
    """Name a period as people do.

    >>> period_name(date(2026, 6, 1), "month"), period_name(date(2026, 6, 1), "week")
    ('June 2026', 'the week from 1 Jun 2026')
    """
    if period == "month":
        return f"{day:%B %Y}"
    if period == "day":
        return formats.value(day, "day")
    return f"the {period} from {formats.value(day, 'day')}"


def share_of_long_gaps(rows: pl.DataFrame, spells: Spells, last_whole: int) -> float | None:
    """Give the share of returns that came only after the customer had gone dormant; None where nobody returned."""
    if rows.height == 0:
        return None
    came = spells.next_period <= last_whole
    returns = int((came & (spells.next_period < NEVER)).sum())
    late = came & (spells.next_period > spells.lapses)
    return float(late.sum()) / returns if returns else None


def headline(found: Findings) -> str:
    """Say in one sentence who came in and who went in the last whole period."""
    row = found.latest
    come, new, back = row["n_new"] + row["n_resurrected"], row["n_new"], row["n_resurrected"]
    at = "On" if found.period == "day" else "In"
    when = f"{at} {found.name}" + ("," if row["is_complete"] else ", which is not wholly covered,")
    who = (
        f"{_customers(come)} came in ({new:,} new, {back:,} back after a pause)" if come else "nobody came in"
    )
    if row["pulse"] is None:
        left = f"holds {row['n_closing']:,}" if row["n_closing"] else "is empty"
        return f"{when} {who} and {'none' if come else 'nobody'} went dormant: the active base {left}."
    return (
        f"{when} {who} and {row['n_newly_dormant']:,} went dormant, which leaves an active base of "
        f"{row['n_closing']:,}: pulse {_spanned(row, 'pulse')}."
    )


def _spanned(row: Mapping[str, Any], column: str, digits: int = 2) -> str:
    at, low, high = (row[f"{column}{end}"] for end in ("", "_lower", "_upper"))
    return f"{at:.{digits}f}" + (
        "" if low is None or high is None else f" ({low:.{digits}f} to {high:.{digits}f})"
    )


def _customers(n: int) -> str:
    return "1 customer" if n == 1 else f"{n:,} customers"


def _periods(n: int, period: str) -> str:
    return f"1 {period}" if n == 1 else f"{n:,} {period}s"


_Row = tuple[str, int | None, str]


def summary(found: Findings) -> pl.DataFrame:
    """Give the findings, one row each."""
    rows = [*_latest_rows(found), *_pulse_rows(found), *_state_rows(found), *_ahead_rows(found)]
    schema = {"finding": pl.String(), "n_customers": pl.Int64(), "finding_text": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _latest_rows(found: Findings) -> Iterator[_Row]:
    row, name = found.latest, found.name
    yield f"Active base at the end of {name}", row["n_closing"], f"{row['n_opening']:,} at its beginning"
    yield "New", row["n_new"], "ordered for the first time"
    lost = f", {row['n_back_from_lost']:,} of them given up as lost" if row["n_back_from_lost"] else ""
    yield "Back after a pause", row["n_resurrected"], f"were dormant before{lost}"
    rate = row["dormancy_rate"]
    text = (
        "there was no base to fall silent"
        if rate is None
        else f"{_share(row, 'dormancy_rate')} of the opening base"
    )
    yield "Went dormant", row["n_newly_dormant"], text
    yield "Ordered", row["n_ordering"], f"{row['n_retained']:,} of them active before"


def _share(row: Mapping[str, Any], column: str) -> str:
    at, low, high = (formats.share(row[f"{column}{end}"]) for end in ("", "_lower", "_upper"))
    return f"{at} ({low} to {high})"


def came_and_gone(found: Findings) -> tuple[int, int]:
    """Count who came in and who went dormant in the periods learned from."""
    come = int(found.learned["n_new"].sum()) + int(found.learned["n_resurrected"].sum())
    return come, int(found.learned["n_newly_dormant"].sum())


def pulse_of(found: Findings) -> tuple[float, float | None, float | None] | None:
    """Give the pulse of all periods learned from together, with bounds; None where nobody went dormant in them."""
    come, gone = came_and_gone(found)
    pulse, low, high = (x.item() for x in pulses(np.array([come]), np.array([gone])))
    return None if pulse is None else (pulse, low, high)


def _pulse_rows(found: Findings) -> Iterator[_Row]:
    pulse, n = pulse_of(found), found.learned.height
    if pulse is None:
        return
    row = dict(zip(("pulse", "pulse_lower", "pulse_upper"), pulse, strict=True))
    come, gone = came_and_gone(found)
    text = f"{_spanned(row, 'pulse')}: {_direction(pulse)} ({come:,} came, {gone:,} went)"
    yield f"Pulse of the last {_periods(n, f'whole {found.period}')}", None, text


def _direction(pulse: tuple[float, float | None, float | None]) -> str:
    _, low, high = pulse
    if low is not None and low > 1:
        return "more come in than go dormant"
    if high is not None and high < 1:
        return "more go dormant than come in"
    return "no clear difference between those who come in and those who go dormant"


def _state_rows(found: Findings) -> Iterator[_Row]:
    counts = dict(found.tables["customers"]["state"].value_counts().iter_rows())
    rule = found.rule
    yield "Dormant today", counts.get("dormant", 0), _rule_words(found)
    yield "Lost today", counts.get("lost", 0), f"no order for {_periods(rule.lost, found.period)}"


def _rule_words(found: Findings) -> str:
    rule = found.rule
    fixed = f"no order for {_periods(rule.lapse, found.period)}"
    if rule.definition == "fixed":
        return fixed
    return f"silent for longer than {formats.share(1 - rule.late_below)} of their gaps would be ({fixed} after a single order)"


def _ahead_rows(found: Findings) -> Iterator[_Row]:
    ahead = found.tables["projection"]
    if not ahead.is_empty():
        row = ahead.row(-1, named=True)
        text = f"expected if all goes on as in the last {_periods(found.learned.height, f'whole {found.period}')}"
        yield (
            f"Active base {_periods(row['periods_ahead'], found.period)} ahead",
            round(row["expected_base"]),
            f"{_count(row, 'expected_base')} {text}",
        )
    for row in found.tables["steady"].filter(pl.col("state") == BASE).iter_rows(named=True):
        text = f"{_count(row, 'long_run_customers')} once it has settled, as against {row['n_customers']:,}"
        yield "Active base in the long run", round(row["long_run_customers"]), text


def _count(row: Mapping[str, Any], column: str) -> str:
    at, low, high = (f"{row[f'{column}{end}']:,.0f}" for end in ("", "_lower", "_upper"))
    return f"{at} ({low} to {high})"


def flows_title(found: Findings) -> str:
    """Name what the picture of the flows shows."""
    pulse = pulse_of(found)
    if pulse is None:
        return f"Customers who came in and went dormant, by {found.period}"
    text = {
        True: "More customers come in than go dormant",
        False: "More customers go dormant than come in",
    }
    _, low, high = pulse
    sure = (low or 0) > 1 or (high is not None and high < 1)
    return (
        text[pulse[0] > 1] if sure else "No clear difference between customers who come in and who go dormant"
    )


def base_title(found: Findings) -> str:
    """Name what the picture of the base shows."""
    shown = found.tables["flows"].filter(pl.col("is_complete"))
    if shown.height < 2:  # noqa: PLR2004 one point is no course
        return f"The active base by {found.period}"
    ends = shown["n_closing"]
    then = shown["period_on"][max(0, shown.height - 13)]
    before, after = int(ends[max(0, shown.height - 13)]), int(ends[-1])
    way = "grew" if after > before else "shrank" if after < before else "stayed the same"
    if way == "stayed the same":
        return f"The active base is what it was in {period_name(then, found.period)}: {after:,}"
    return f"The active base {way} from {before:,} to {after:,} since {period_name(then, found.period)}"


def activity_title(found: Findings) -> str:
    """Name what the picture of the activity shows."""
    if found.tables["activity"].is_empty():
        return f"On how many days of a {found.period} customers order"
    more = found.tables["activity"].filter(pl.col("days_in_period") == 2)  # noqa: PLR2004 a second day
    share = more["at_least_share"].item() if more.height else 0.0
    return f"{formats.share(share)} of those who order in a {found.period} do so on two days or more"


def projection_title(found: Findings) -> str:
    """Name what the picture of the projection shows."""
    ahead = found.tables["projection"]
    if ahead.is_empty():
        return "Where the base is heading"
    row = ahead.row(-1, named=True)
    ahead_of = _periods(row["periods_ahead"], found.period)
    return f"The active base is heading for {row['expected_base']:,.0f} in {ahead_of}"


def notes(found: Findings) -> Iterator[Note]:
    """Say what was assumed and what is weak."""
    rule, period = found.rule, found.period
    yield Note(
        "rule",
        f"Dormant: {_rule_words(found)}; lost: no order for {_periods(rule.lost, period)}. Both are definitions: nobody gives notice.",
    )
    yield Note(
        "first_ever",
        f"New means the first order since {formats.value(found.covered_from, 'day')}, when the extract begins: a customer "
        "who last bought before it counts as new, and nobody can go dormant in the first periods.",
    )
    running = found.tables["flows"].filter(~pl.col("is_complete"))["period_on"].to_list()
    if running:
        named = ", ".join(period_name(d, period) for d in running)
        yield Note(
            "incomplete",
            f"Not wholly covered, and left out of rates and averages: {named}. Nobody goes dormant in a period that is still running.",
        )
    if found.long_gaps is not None and found.long_gaps > _MANY_LONG:
        text = (
            f"{formats.share(found.long_gaps)} of returns come only after the customer went dormant: with so many, a longer "
            "lapse, or one by each customer's own rhythm, fits these customers better."
        )
        yield Note("many_returns_from_dormant", text, "caution", 'definition="own_cadence"')
    yield from _projection_notes(found)


def _projection_notes(found: Findings) -> Iterator[Note]:
    n = found.learned.height
    if found.projection is None:
        text = f"No projection: {_periods(n, f'whole {found.period}')} to learn from, {FEWEST_PERIODS} are needed."
        yield Note("no_projection", text)
        return
    yield Note(
        "projection",
        f"The projection takes {found.projection.new_per_period:,.1f} new customers a {found.period} and the rates of the last "
        f"{_periods(n, found.period)} as they are: no season, no growth, and a customer's next step depends on the present "
        "state alone. It says where today leads, not what will be.",
        "caution",
    )
    if found.tables["steady"].is_empty():
        yield Note(
            "no_steady_state",
            "The base does not settle at these rates: in the periods learned from nobody was lost or came back, so the dormant pile up.",
        )
    if int(found.learned["n_newly_dormant"].sum()) < _FEW:
        text = f"Fewer than {_FEW} customers went dormant in the periods learned from: pulse and projection are rough."
        yield Note("few_dormant", text, "caution")


def never_ordered(rows: pl.DataFrame, ids: pl.DataFrame | None, before: date | None) -> Iterator[Note]:
    """Say how many of the customers table are in no state; `before` is the as-of date, where one was asked for."""
    if ids is None:
        return
    never = ids.join(rows.select("customer_id").unique(), on="customer_id", how="anti").height
    if never:
        they = "it is" if never == 1 else "they are"
        what = "never ordered" if before is None else f"had not ordered before {formats.value(before, 'day')}"
        yield Note(
            "never_ordered",
            f"{never:,} of the {ids.height:,} customers in the customers table {what}; {they} in no state.",
        )
