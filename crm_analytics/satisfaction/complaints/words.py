"""Complaints in words: headline, titles, summary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from crm_analytics import formats
from crm_analytics.aggregates.periods import Period
from crm_analytics.results import MOST_SUMMARY_ROWS, View
from crm_analytics.satisfaction.complaints.cases import Cases
from crm_analytics.satisfaction.complaints.cost import EVERY, SLOW, SLOW_AGAINST_QUICK, Cost
from crm_analytics.satisfaction.complaints.satisfaction_after import CASES, Contrast

Row = dict[str, Any]

_TWO_DAYS = 48.0
_ONE = 1.0


@dataclass(frozen=True, eq=False)
class Findings:
    """What the analysis made, for those who put it into words."""

    cases: Cases
    volume: pl.DataFrame
    backlog: pl.DataFrame
    resolution: pl.DataFrame
    curve: pl.DataFrame
    categories: pl.DataFrame
    warnings: pl.DataFrame
    satisfaction: pl.DataFrame
    contrasts: dict[str, Contrast]
    silent: pl.DataFrame
    repeat: pl.DataFrame
    customers: pl.DataFrame
    cost: Cost
    has_transactions: bool
    has_surveys: bool
    controls: str
    narrowed: tuple[str, ...]
    orders_begin: date | None
    currency: str | None

    @property
    def whole(self) -> Row:
        """The row of all cases."""
        return self.resolution.row(0, named=True)

    @property
    def latest(self) -> Row:
        """The last whole period, or the one that runs where none is whole."""
        complete = self.volume.filter("case_period_complete")
        return (complete if complete.height else self.volume).row(-1, named=True)

    def cost_of(self, group: str) -> Row | None:
        """Give the row of what followed for a group of complainers, where there is one."""
        rows = self.cost.table.filter(pl.col("complainer_group") == group)
        return rows.row(0, named=True) if rows.height else None


def time_words(hours: float) -> str:
    """Write a duration as people say it.

    >>> time_words(0.4), time_words(1), time_words(22.4), time_words(100)
    ('24 minutes', '1 hour', '22 hours', '4.2 days')
    """
    if hours < _ONE:
        return f"{round(hours * 60)} minutes"
    if hours < _TWO_DAYS:
        return "1 hour" if round(hours) == 1 else f"{round(hours)} hours"
    days = hours / 24
    return f"{days:.0f} days" if abs(days - round(days)) < 0.05 else f"{days:.1f} days"  # noqa: PLR2004 as rounded


def period_words(day: date, period: Period) -> str:
    """Name a calendar period by its first day.

    >>> period_words(date(2026, 6, 1), "month"), period_words(date(2026, 4, 1), "quarter")
    ('June 2026', 'the second quarter of 2026')
    """
    match period:
        case "month":
            return f"{day:%B %Y}"
        case "quarter":
            return f"the {('first', 'second', 'third', 'fourth')[(day.month - 1) // 3]} quarter of {day.year}"
        case "year":
            return f"{day.year}"
        case _:
            return f"the week of {formats.value(day, 'day')}"


def counted(n: int, one: str, several: str | None = None) -> str:
    """Write a number of things.

    >>> counted(1, "case"), counted(2000, "case"), counted(2, "category", "categories")
    ('1 case', '2,000 cases', '2 categories')
    """
    return f"1 {one}" if n == 1 else f"{n:,} {several or one + 's'}"


def headline(found: Findings) -> str:
    """Say in one sentence how many, how fast, and what follows."""
    parts = [_volume_words(found), _speed_words(found), _cost_words(found)]
    return "; ".join(p for p in parts if p) + "."


def _volume_words(found: Findings) -> str:
    row, question = found.latest, found.cases.question
    ends = f"{row['n_cases_lower']:,.0f} to {row['n_cases_upper']:,.0f}"
    per = row["cases_per_100_orders"]
    rate = "" if per is None else f", {per:.1f} per 100 orders"
    so_far = "" if row["case_period_complete"] else " so far"
    when = period_words(row["case_period_on"], question.period)
    return f"{counted(row['n_cases'], 'case')} in {when}{so_far} (95% interval {ends}){rate}"


def _speed_words(found: Findings) -> str:
    row = found.whole
    if not found.cases.tells_closing:
        answered = row["median_answer_hours"]
        return "" if answered is None else f"half are first answered within {time_words(answered)}"
    if not row["n_closed_cases"]:
        return (
            f"none of {counted(row['n_cases'], 'case')} is closed yet"
            if row["n_cases"] > 1
            else "it is still open"
        )
    within, half, target = row["within_target_rate"], row["median_hours"], time_words(row["target_hours"])
    share = "" if within is None else f"{formats.share(within)} within {target}"
    if half is None:
        return (
            f"{share.replace(' within', ' are resolved within')}"
            if share
            else f"{counted(row['n_open_cases'], 'case')} still open"
        )
    return f"half are resolved within {time_words(half)}" + (f" and {share}" if share else "")


def _cost_words(found: Findings) -> str:
    row = found.cost_of(SLOW)
    if row is not None and row["orders_ratio_upper"] is not None and row["orders_ratio_upper"] < 1:
        return (
            f"those who waited longer then placed {_fewer(row)} than similar customers who had not complained"
        )
    every = found.cost_of(EVERY)
    if every is None or every["orders_ratio"] is None:
        return ""
    if every["orders_ratio_upper"] < 1:
        return f"complainers then placed {_fewer(every)} than similar customers"
    return "no sure loss of later orders beside similar customers"


def _fewer(row: Row) -> str:
    at, low, high = (1 - row[f"orders_ratio{end}"] for end in ("", "_upper", "_lower"))
    return f"{at:.0%} fewer orders (95% interval {low:.0%} to {high:.0%})"


def views(found: Findings) -> Iterator[View]:
    """Give the pictures there are data for."""
    yield View("volume", _volume_title(found), "volume")
    if found.curve.height:
        yield View("resolution", _capital(_speed_words(found)) or "How fast cases are answered", "curve")
    if "category" in found.cases.has:
        yield View("categories", _pareto_title(found), "categories")
    if found.warnings.height:
        yield View("warnings", _warning_title(found), "warnings")
    if found.backlog.height:
        yield View("backlog", _backlog_title(found), "backlog")
    if found.satisfaction.height:
        yield View("satisfaction", _satisfaction_title(found), "satisfaction")
    if found.cost.table.height:
        yield View("cost", _cost_title(found), "cost")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _volume_title(found: Findings) -> str:
    row = found.latest
    when = period_words(row["case_period_on"], found.cases.question.period)
    if row["usual_cases_upper"] is None:
        return f"{counted(row['n_cases'], 'case')} in {when}"
    above = "above" if row["n_cases"] > row["usual_cases"] else "below"
    verdict = f"{above} what is usual" if row["is_unusual"] else "within usual variation"
    return f"{counted(row['n_cases'], 'case')} in {when}: {verdict}"


def _pareto_title(found: Findings) -> str:
    table = found.categories
    vital = table.filter("is_vital")
    if table.height == 1:
        return f"All cases are about {table['case_category'][0]}"
    return f"{vital.height} of {table.height} categories make up {formats.share(vital['cumulative_case_share'][-1])} of cases"


def _warning_title(found: Findings) -> str:
    grown = found.warnings.filter("is_warning")["case_category"].to_list()
    if not grown:
        return "No category grew beyond its normal variation"
    return f"Beyond normal variation: {', '.join(grown[:3])}" + (" and more" if len(grown) > 3 else "")  # noqa: PLR2004


def _backlog_title(found: Findings) -> str:
    n, late = (int(found.backlog[c].sum()) for c in ("n_open_cases", "n_beyond_target"))
    verb = "is" if n == 1 else "are"
    return f"{counted(n, 'case')} {verb} open, {late:,} beyond {time_words(found.whole['target_hours'])}"


def _satisfaction_title(found: Findings) -> str:
    sides = found.contrasts.get(CASES) or next(iter(found.contrasts.values()), None)
    if sides is None:
        return "Satisfaction by the time a case took"
    if sides.lower > 0:
        return f"Beyond {time_words(found.whole['target_hours'])}, satisfaction falls from {sides.quick:.1f} to {sides.slow:.1f}"
    return "No sure fall of satisfaction with a longer wait"


def _cost_title(found: Findings) -> str:
    row = found.cost_of(SLOW)
    if row is not None and row["orders_ratio_upper"] is not None and row["orders_ratio_upper"] < 1:
        return f"After slow handling, {1 - row['orders_ratio']:.0%} fewer orders than similar customers"
    every = found.cost_of(EVERY)
    if every is not None and every["orders_ratio_upper"] is not None and every["orders_ratio_upper"] < 1:
        return f"After a complaint, {1 - every['orders_ratio']:.0%} fewer orders than similar customers"
    return "No sure loss of orders after a complaint"


def summary(found: Findings) -> pl.DataFrame:
    """Give the findings, one row each."""
    rows = [
        *_volume_rows(found),
        *_time_rows(found),
        *_topic_rows(found),
        *_customer_rows(found),
        *_after_rows(found),
    ]
    schema = {"complaint_finding": pl.String(), "complaint_text": pl.String()}
    return pl.DataFrame(rows[:MOST_SUMMARY_ROWS], schema=schema, orient="row")


_Line = tuple[str, str]


def _volume_rows(found: Findings) -> Iterator[_Line]:
    row = found.latest
    usual = row["usual_cases"]
    against = (
        ""
        if usual is None
        else f"; usual are {row['usual_cases_lower']:,.0f} to {row['usual_cases_upper']:,.0f}"
    )
    yield "Volume", f"{_volume_words(found)}{against}"
    if found.backlog.height:
        oldest = max(found.backlog["oldest_days"].drop_nulls().to_list())
        yield "Backlog", f"{_backlog_title(found)}; the oldest for {counted(round(oldest), 'day')}"
    elif not found.cases.tells_closing:
        yield "Backlog", "not known, since the cases do not say when they were closed"
    else:
        yield "Backlog", "no case is open"


def _time_rows(found: Findings) -> Iterator[_Line]:
    row = found.whole
    half = (
        "not known, since the cases do not say when they were closed"
        if not found.cases.tells_closing
        else "not yet half are resolved"
        if row["median_hours"] is None
        else f"half within {time_words(row['median_hours'])}"
    )
    if row["median_hours_lower"] is not None:
        high = row["median_hours_upper"]
        upper = "more" if high is None else time_words(high)
        half += f" (95% interval {time_words(row['median_hours_lower'])} to {upper})"
    yield "Time to resolution", half
    if row["within_target_rate"] is not None:
        yield f"Within {time_words(row['target_hours'])}", _spanned(row, "within_target_rate")
    if row["median_answer_hours"] is not None:
        yield "Time to first answer", f"half within {time_words(row['median_answer_hours'])}"
    if row["first_contact_rate"] is not None:
        days = found.cases.question.recontact_days
        flag = (
            ""
            if row["flagged_rate"] is None
            else f"; by the extract's own flag {formats.share(row['flagged_rate'])}"
        )
        yield (
            "First contact was enough",
            f"{_spanned(row, 'first_contact_rate')}, no other contact in {days} days{flag}",
        )
    if row["reopened_rate"] is not None:
        yield "Reopened", _spanned(row, "reopened_rate")


def _spanned(row: Row, column: str) -> str:
    at, low, high = (formats.share(row[f"{column}{end}"]) for end in ("", "_lower", "_upper"))
    return f"{at} (95% interval {low} to {high})"


def _topic_rows(found: Findings) -> Iterator[_Line]:
    if "category" in found.cases.has:
        names = ", ".join(found.categories.filter("is_vital")["case_category"].to_list()[:4])
        yield (
            "Categories",
            _pareto_title(found) if found.categories.height == 1 else f"{_pareto_title(found)}: {names}",
        )
    if found.warnings.height:
        yield "Early warning", _warning_title(found)
    sides = found.contrasts.get(CASES) or next(iter(found.contrasts.values()), None)
    if sides is not None:
        text = f"{sides.difference:+.2f} points within the target against later (95% interval {sides.lower:+.2f} to {sides.upper:+.2f})"
        yield "Satisfaction", f"{text}, {counted(sides.n, 'answer')}"


def _customer_rows(found: Findings) -> Iterator[_Line]:
    if found.repeat.height:
        once = found.repeat.row(0, named=True)
        again = 1 - (once["complainer_share"] if once["times_complained"] == "1" else 0.0)
        yield "Repeat complainers", f"{formats.share(again)} of complainers raised more than one case"
    good = found.customers.filter(pl.col("is_good_customer").fill_null(value=False))
    if good.height:
        waiting = good.filter(pl.col("n_open_cases") > 0).height
        still = f"; {waiting:,} with an open case" if found.cases.tells_closing else ""
        yield "Good customers", f"{counted(good.height, 'complainer')} of the best fifth by spend{still}"
    if found.silent.height:
        row = found.silent.row(0, named=True)
        text = f"{_spanned(row, 'silent_rate')} of {counted(row['n_dissatisfied'], 'dissatisfied answer')} had no case within 90 days"
        yield "Silent failures", text


def _after_rows(found: Findings) -> Iterator[_Line]:
    for group in (EVERY, SLOW, SLOW_AGAINST_QUICK):
        row = found.cost_of(group)
        if row is None or row["orders_ratio"] is None:
            continue
        ends = f"{row['orders_ratio_lower'] - 1:+.0%} to {row['orders_ratio_upper'] - 1:+.0%}"
        spend, low, high = (
            formats.money(row[f"spend_difference{end}"], found.currency) for end in ("", "_lower", "_upper")
        )
        text = f"{row['orders_ratio'] - 1:+.0%} orders (95% interval {ends}), {spend} spend each ({low} to {high})"
        short = "slower against within target" if group == SLOW_AGAINST_QUICK else group
        yield f"After a complaint: {short}", text
