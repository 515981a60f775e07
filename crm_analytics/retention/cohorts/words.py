"""The cohort table in words: headline and summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from crm_analytics import formats
from crm_analytics.retention.cohorts.cells import curve_of
from crm_analytics.retention.cohorts.counted import Cohorts
from crm_analytics.retention.cohorts.grid import ALL
from crm_analytics.retention.cohorts.terms import VALUES
from crm_analytics.retention.cohorts.trend import VERDICTS, trend_tests
from crm_analytics.retention.cohorts.truncation import Truncation, truncation
from crm_analytics.stats.binomial_trend import FEWEST_GROUPS
from crm_analytics.stats.intervals import wilson

_UNITS: Final = {
    "day": "day", "24h": "day", "week": "week", "7d": "week", "month": "month", "30d": "30-day period",
    "quarter": "quarter", "year": "year",
}  # fmt: skip
_MOST_SUMMARY_GROUPS: Final = 5

Row = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Findings:
    """What the words are made of."""

    cohorts: Cohorts
    cells: pl.DataFrame
    curve: pl.DataFrame
    overall: pl.DataFrame
    tests: pl.DataFrame
    late_start: Truncation | None

    @property
    def marks(self) -> tuple[int, ...]:
        """The ages that are followed over the cohorts."""
        return self.cohorts.shape.marks

    @property
    def longest(self) -> int:
        """The age up to which losses are counted."""
        return self.cohorts.shape.longest

    @property
    def never(self) -> tuple[int, int]:
        """The members who did not act again up to that age, and all who were observed so long."""
        return self.cohorts.counts.never, self.cohorts.counts.n_lived

    @property
    def unit(self) -> str:
        """What an age counts, a month or a week for instance."""
        return unit_of(self.cohorts)

    def at(self, period: int) -> Row | None:
        """Give the average over everyone at an age, where any cohort has finished it."""
        rows = self.overall.filter(pl.col("period") == period).to_dicts()
        return rows[0] if rows else None


def unit_of(found: Cohorts) -> str:
    """Name the unit of age as people say it."""
    return _UNITS[found.clock.unit]


def findings(found: Cohorts, cells: pl.DataFrame, curve: pl.DataFrame) -> Findings:
    """Work out what the words need."""
    late = truncation(found)
    return Findings(
        cohorts=found,
        cells=cells,
        curve=curve,
        overall=curve_of(found.everyone, found.options, found.options.average),
        tests=trend_tests(found, without=frozenset() if late is None else frozenset({late.cohort})),
        late_start=late,
    )


def headline(found: Findings) -> str:
    """Say in one sentence how many stay, whether it gets better, and where they are lost."""
    n = found.cohorts.entries.n
    who = _who(found, n)
    rates = [row for row in (found.at(mark) for mark in found.marks) if row is not None]
    followed = {row["n_customers"] for row in rates} != {n}
    if not rates:
        return f"{who}: no cohort has lived through a whole {found.unit} after its first, so nothing can be said of retention yet."
    verb = f" {_VERBS[found.cohorts.options.criterion]}"
    said = _listed(
        f"{_spanned(row)}{_of(row, i) if followed else ''}{'' if i else verb} {ages(found.cohorts, int(row['period']))}"
        for i, row in enumerate(rates)
    )
    return f"Of {who}, {said}{_direction(found)}{_value(found, rates[-1])}{_groups(found, rates[0])}{_lost(found)}."


def _of(row: Row, place: int) -> str:
    """Say of how many a rate is, where not all could be observed so long."""
    return f" of {row['n_customers']:,}" if place else f" of the {row['n_customers']:,} observed so long"


def _who(found: Findings, n: int) -> str:
    if found.cohorts.options.kind == "recurring":
        return f"{n:,} times that a customer was active in a {found.cohorts.clock.calendar.period}"
    return "1 customer" if n == 1 else f"{n:,} customers"


def when(found: Cohorts, row: Row) -> str:
    """Say what being active at an age means under the criterion, in a few words."""
    return f"{_VERBS[found.options.criterion]} {ages(found, int(row['period']))}"


_VERBS: Final = {
    "on": "were active",
    "on_or_after": "came back",
    "on_or_before": "had come back",
    "bracket": "were active",
    "streak": "were active",
}


def ages(found: Cohorts, age: int) -> str:
    """Say which ages are looked at, in a few words."""
    unit, options = unit_of(found), found.options
    at = "on" if unit == "day" else "in"
    match options.criterion:
        case "on_or_after" if options.horizon is None:
            return f"{at} {unit} {age} or later"
        case "on_or_after" | "bracket":
            spans = found.times.windows
            last = int(spans.last[spans.period == age][0])
            return f"{at} {unit} {age}" if last == age else f"{at} {unit}s {age} to {last}"
        case "on_or_before":
            return f"by {unit} {age}"
        case "streak" if age > 1:
            return f"{at} every {unit} up to {unit} {age}"
        case _:
            return f"{at} {unit} {age}"


def _spanned(row: Row, column: str = "retention_rate") -> str:
    value, lower, upper = (row[f"{column}{end}"] for end in ("", "_lower", "_upper"))
    if lower is None or upper is None:
        return formats.share(value)
    return f"{formats.share(value)} ({formats.share(lower)} to {formats.share(upper)})"


def _listed(parts: Iterator[str]) -> str:
    words = list(parts)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def overall_tests(found: Findings) -> pl.DataFrame:
    """Give the tests over all customers."""
    return found.tests.filter(pl.col("group") == ALL) if "group" in found.tests.columns else found.tests


def _direction(found: Findings) -> str:
    """Say whether the first followed age gets better over the cohorts."""
    tests = overall_tests(found).to_dicts()
    if not tests or found.cohorts.options.attribute is not None:
        return ""
    return f"; {trend_words(found.cohorts, tests[0])}"


def trend_words(found: Cohorts, test: Row) -> str:
    """Say a trend in words."""
    name = rate_name(found, test["period"])
    if test["verdict"] == VERDICTS[3] or test["rate_change"] is None:
        return _untold(test, name)
    ends = f"{points(test['rate_change_lower'])} to {points(test['rate_change_upper'])}"
    change = f"{points(test['rate_change'])} points from the first to the last of {test['n_cohorts']:,} cohorts, {ends}"
    if test["verdict"] == VERDICTS[2]:
        return f"{name} shows no clear trend ({change})"
    return f"{name} is getting {test['verdict']} ({change})"


def _untold(test: Row, name: str) -> str:
    """Say why there is no trend to tell."""
    n = test["n_cohorts"]
    if n > 1 and test["n_active"] in (0, test["n_customers"]):
        return f"{name} is {'100.0%' if test['n_active'] else '0.0%'} in each of {n:,} cohorts"
    many = "1 cohort is" if n == 1 else f"{n:,} cohorts are"
    reason = "" if n < FEWEST_GROUPS else " with so few customers active"
    return f"{many} too few{reason} to tell whether {name} gets better"


def rate_name(found: Cohorts, age: int) -> str:
    """Name the rate that is followed: "month-1 retention", "retention in months 1 to 3", "retention by month 3"."""
    if found.options.criterion != "on":
        return f"retention {ages(found, age)}"
    unit = unit_of(found)
    return f"retention in {unit} {age}" if " " in unit else f"{unit}-{age} retention"


def age_title(found: Cohorts, age: int) -> str:
    """Name an age, or the bracket that begins with it: "Month 3", "Months 1 to 3"."""
    words = ages(found, age) if found.times.windows.are_brackets else f"in {unit_of(found)} {age}"
    return words.partition(" ")[2].capitalize()


def points(change: float) -> str:
    """Write a change of a share in percentage points.

    >>> points(0.0312), points(-0.2), points(-0.0001)
    ('+3.1', '-20.0', '+0.0')
    """
    return f"{round(100 * change, 1) + 0.0:+.1f}"  # nought has no sign to lose


def _value(found: Findings, row: Row) -> str:
    """Say what `value` shows at the last followed age, where it is not the customers."""
    options = found.cohorts.options
    if options.value == "customers" or row.get("shown_value") is None:
        return ""
    label, unit, _ = VALUES[options.value]
    ends = [row["shown_value"], row.get("shown_value_lower"), row.get("shown_value_upper")]
    at, *limits = (formats.value(x, unit, found.cohorts.extract.currency) for x in ends)
    shown = at if None in ends else f"{at} ({' to '.join(limits)})"
    when_ = "up to" if options.value in ("cumulative", "payback") else "on" if found.unit == "day" else "in"
    verb = "are" if options.value == "orders" else "is"
    return f"; {label[0].lower()}{label[1:]} {when_} {found.unit} {row['period']} {verb} {shown}"


def _groups(found: Findings, row: Row) -> str:
    """Say which groups stay most and least at the first followed age."""
    if "group" not in found.curve.columns:
        return ""
    least = max(20, found.cohorts.options.min_customers)
    rows = found.curve.filter(
        (pl.col("group") != ALL) & (pl.col("period") == row["period"]) & (pl.col("n_customers") >= least)
    ).sort("retention_rate", "group")
    if rows.height < 2:  # noqa: PLR2004 two to compare
        return ""
    low, high = rows.row(0, named=True), rows.row(-1, named=True)
    return (
        f"; {ages(found.cohorts, int(row['period']))} it is {_spanned(high)} of “{high['group']}” "
        f"and {_spanned(low)} of “{low['group']}”"
    )


def _lost(found: Findings) -> str:
    lost, n = found.never
    if not n or found.cohorts.options.kind == "recurring":
        return ""
    until = found.longest
    span = f"the next {found.unit}" if until == 1 else f"the {so_many(until, found.unit)} after"
    if not lost:
        return f", and all came back in {span}"
    return f", and {_lost_share(lost, n)} never came back in {span}"


def _lost_share(lost: int, n: int) -> str:
    lower, upper = (float(end) for end in wilson(lost, n))
    return f"{formats.share(lost / n)} ({formats.share(lower)} to {formats.share(upper)})"


def so_many(n: int, unit: str) -> str:
    """Count units of age as people say it.

    >>> so_many(1, "month"), so_many(12, "month"), so_many(12, "30-day period")
    ('1 month', '12 months', '12 periods of 30 days')
    """
    length, _, period = unit.partition("-day ")
    if period:
        return f"{n} {period}{'' if n == 1 else 's'} of {length} days"
    return f"{n} {unit}{'' if n == 1 else 's'}"


def summary(found: Findings) -> pl.DataFrame:
    """Give the findings, one row each."""
    rows = [*_rate_rows(found), *_trend_rows(found), *_loss_row(found), *_group_rows(found)]
    if not rows:
        n = found.cohorts.entries.n
        rows = [("Customers", n, None, "no cohort has lived through a whole period after its first")]
    schema = {
        "finding": pl.String(),
        "n_customers": pl.Int64(),
        "retention_rate": pl.Float64(),
        "finding_text": pl.String(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


_Row = tuple[str, int, float | None, str]


def _rate_rows(found: Findings) -> Iterator[_Row]:
    for mark in found.marks:
        row = found.at(mark)
        if row is not None:
            cohorts = "1 cohort has" if row["n_cohorts"] == 1 else f"{row['n_cohorts']:,} cohorts have"
            text = f"{_spanned(row)} {when(found.cohorts, row)}; {cohorts} finished it"
            yield age_title(found.cohorts, mark), row["n_customers"], row["retention_rate"], text


def _trend_rows(found: Findings) -> Iterator[_Row]:
    for test in overall_tests(found).to_dicts():
        text = trend_words(found.cohorts, test)
        name = age_title(found.cohorts, test["period"])
        yield f"Trend of {name[0].lower()}{name[1:]}", test["n_customers"], test["last_rate"], text


def _loss_row(found: Findings) -> Iterator[_Row]:
    lost, n = found.never
    if n and found.marks and found.cohorts.options.kind != "recurring":
        text = f"{_lost_share(lost, n)} never came back within {so_many(found.longest, found.unit)}"
        yield "Lost after the first", n, 1 - lost / n, text


def _group_rows(found: Findings) -> Iterator[_Row]:
    if "group" not in found.curve.columns or not found.marks:
        return
    rows = found.curve.filter((pl.col("group") != ALL) & (pl.col("period") == found.marks[0]))
    for row in (
        rows.sort("n_customers", "group", descending=[True, False]).head(_MOST_SUMMARY_GROUPS).to_dicts()
    ):
        text = f"{_spanned(row)} {when(found.cohorts, row)}"
        yield f"{row['group']}", row["n_customers"], row["retention_rate"], text
