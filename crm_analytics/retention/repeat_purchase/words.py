"""Repeat purchase in words: headline, summary, titles, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from crm_analytics import formats
from crm_analytics.results import Note
from crm_analytics.retention.repeat_purchase.choice import Choice
from crm_analytics.retention.repeat_purchase.first_order import KINDS
from crm_analytics.stats.gap_model import GapModel
from crm_analytics.stats.intervals import FEWEST_FOR_A_MEDIAN, median_interval

_FEW: Final = 30
_MOST_FIRST: Final = 2
_MOST_GROUPS: Final = 4
_YEAR: Final = 365
_NTH: Final = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True, eq=False)
class Findings:
    """What the analysis made, for those who put it into words."""

    tables: dict[str, pl.DataFrame]
    choice: Choice
    n_rare: int
    model: GapModel | None
    covered_from: date
    currency: str | None

    @property
    def first_step(self) -> Mapping[str, Any]:
        """The step from the first order to the second; all figures empty where no first order lies in the window."""
        steps = self.tables["steps"].filter(pl.col("order_number") == 1)
        return steps.row(0, named=True) if steps.height else {}

    def longest(self) -> tuple[int, float, float, float] | None:
        """Give the longest time within which the share back is known, with the share and its bounds."""
        for days in reversed(self.choice.within_days):
            name = f"return_{days}d_rate"
            if self.first_step.get(name) is not None:
                return (days, *(self.first_step[f"{name}{end}"] for end in ("", "_lower", "_upper")))
        return None

    def late(self, *, newly: bool = False) -> pl.DataFrame:
        """Give the customers who are late, or only those who have become so lately; the largest spend first."""
        found = self.tables["customers"].filter(pl.col("is_late"))
        if newly:
            found = found.filter(pl.col("late_for_days") <= self.choice.newly_late_days)
        return found.sort("yearly_spend", "customer_id", descending=[True, False])


def headline(found: Findings) -> str:
    """Say in one sentence how many come back, how soon, and who is late."""
    known = found.longest()
    first = found.first_step
    if known is None:
        n = found.tables["customers"].height
        back = int(found.tables["customers"]["has_own_rhythm"].sum())
        return f"{back:,} of {_customers(n)} ordered again so far; nobody could be followed for {found.choice.within_days[0]} days."
    days, share, low, high = known
    text = f"{formats.share(share)} ({formats.share(low)} to {formats.share(high)}) of first-time buyers order again within {_time(days)}"
    half = first["half_returned_days"]
    if half is not None:
        text += f", half of them by day {half:,.0f}"
    return f"{text}{_late_words(found)}."


def _late_words(found: Findings) -> str:
    own = int(found.tables["customers"]["has_own_rhythm"].sum())
    if not own:
        return ""
    late, new = found.late().height, found.late(newly=True)
    text = f"; {_part(late, own)} with a rhythm of their own {'is' if late <= 1 or own == 1 else 'are'} {'not ' if not late and own == 1 else ''}late"
    if new.is_empty():
        return text
    money = formats.money(float(new["yearly_spend"].sum()), found.currency)
    return f"{text}, {'all' if 1 < new.height == late else f'{new.height:,}'} of them for {_time(found.choice.newly_late_days)} or less, with {money} spent in their last active year"


def _part(some: int, of: int) -> str:
    """Say how many of how many customers.

    >>> _part(0, 9), _part(3, 9), _part(9, 9), _part(1, 1)
    ('none of the 9 customers', '3 of the 9 customers', 'all 9 customers', 'the one customer')
    """
    if of == 1:
        return "the one customer"
    return (
        f"all {of:,} customers"
        if some == of
        else f"{f'{some:,}' if some else 'none'} of the {of:,} customers"
    )


def _time(days: int) -> str:
    return {1: "a day", _YEAR: "a year"}.get(days, f"{days:,} days")


def _customers(n: int) -> str:
    return "1 customer" if n == 1 else f"{n:,} customers"


_Row = tuple[str, int | None, str]


def summary(found: Findings) -> pl.DataFrame:
    """Give the findings, one row each."""
    rows = [
        *_step_rows(found),
        *_moment_rows(found),
        *_gap_rows(found),
        *_once_rows(found),
        *_late_rows(found),
        *_first_rows(found),
        *_group_rows(found),
    ]
    schema = {"finding": pl.String(), "n_customers": pl.Int64(), "finding_text": pl.String()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _spanned(row: Mapping[str, Any], column: str) -> str:
    at, low, high = (formats.share(row[f"{column}{end}"]) for end in ("", "_lower", "_upper"))
    return f"{at} ({low} to {high})"


def _step_rows(found: Findings) -> Iterator[_Row]:
    spans = found.choice.within_days
    shown = sorted({spans[(len(spans) - 1) // 2], spans[-1]})
    for row in found.tables["steps"].head(3).iter_rows(named=True):
        n = row["order_number"]
        parts = [
            f"{_spanned(row, f'return_{d}d_rate')} within {_time(d)}"
            for d in shown
            if row[f"return_{d}d_rate"] is not None
        ]
        if parts:
            yield f"From the {_NTH[n - 1]} order to the next", row["n_customers"], ", ".join(parts)


def _moment_rows(found: Findings) -> Iterator[_Row]:
    row = found.first_step
    if row.get("half_returned_days") is None:
        return
    text = (
        f"half of those who return{_in_time(found)} are back by day {row['half_returned_days']:,.0f}, four in five by day "
        f"{row['most_returned_days']:,.0f}"
    )
    if row["peak_from_day"] is not None:
        text += f"; likeliest from day {row['peak_from_day']} to {row['peak_to_day']}"
    yield "Best moment after the first order", row["n_customers"], text


def _in_time(found: Findings) -> str:
    known = found.longest()
    return "" if known is None else f" within {_time(known[0])}"


def _if_few(n: int) -> str:
    """Say that an interval is the whole range, where there are too few for a surer one."""
    return ", the shortest and the longest" if n < FEWEST_FOR_A_MEDIAN else ""


def _gap_rows(found: Findings) -> Iterator[_Row]:
    people = found.tables["customers"].filter("has_own_rhythm")
    if people.height:
        middle = median_interval(people["median_gap_days"])
        ends = f"{middle.lower:,.0f} to {middle.upper:,.0f}"
        text = f"the middle customer orders every {middle.value:,.0f} days ({ends}{_if_few(people.height)})"
        yield "Usual gap between orders", people.height, text


def _once_rows(found: Findings) -> Iterator[_Row]:
    for row in found.tables["once"].iter_rows(named=True):
        if not row["counted"].startswith("mature, up"):
            yield (
                f"Bought once ({row['counted']})",
                row["n_customers"],
                f"{_spanned(row, 'once_rate')} of them",
            )


def _late_rows(found: Findings) -> Iterator[_Row]:
    if found.model is None:
        return
    row = found.tables["segments"].row(0, named=True)
    yield (
        "Late against their own rhythm",
        row["n_late"],
        f"{_spanned(row, 'late_rate')} of the customers with a rhythm",
    )
    new = found.late(newly=True)
    money = formats.money(float(new["yearly_spend"].sum()), found.currency)
    text = f"spent {money} in their last active year" if new.height else "nobody has become late so lately"
    yield f"Late for {_time(found.choice.newly_late_days)} or less", new.height, text


def _first_rows(found: Findings) -> Iterator[_Row]:
    sure = found.tables["first_purchase"].filter(pl.col("evidence") == "returns more often")
    for row in sure.sort("return_difference_lower", descending=True).head(_MOST_FIRST).iter_rows(named=True):
        text = f"{_spanned(row, 'return_rate')} back within {_time(found.choice.follow_days)}, others {formats.share(row['other_return_rate'])}"
        yield f"{row['first_by'].capitalize()} {row['first_value']}", row["n_customers"], text


def _group_rows(found: Findings) -> Iterator[_Row]:
    """Say how the largest groups do, where groups were asked for."""
    parts = found.tables["segments"]
    if found.choice.by is None or parts.height < 2:  # noqa: PLR2004 all customers, and a group
        return
    for row in parts[1:].head(_MOST_GROUPS).iter_rows(named=True):
        back = (
            "nobody could be followed so long"
            if row["return_rate"] is None
            else f"{_spanned(row, 'return_rate')} of {row['n_followed']:,} back within {_time(found.choice.follow_days)}"
        )
        late = (
            "" if row["late_rate"] is None else f"; {_spanned(row, 'late_rate')} late, of those with a rhythm"
        )
        yield (
            f"{plain_name(found.choice.by).capitalize()} {row['group']}",
            row["n_customers"],
            f"{back}{late}",
        )


def plain_name(column: str) -> str:
    """Write a column's name without underscores."""
    return column.removesuffix("_id").replace("_", " ")


def curve_title(found: Findings) -> str:
    """Say what the curves show."""
    steps = found.tables["steps"]
    days = found.choice.within_days[-1]
    known = steps.filter(pl.col(f"return_{days}d_rate").is_not_null())
    if known.height < 2:  # noqa: PLR2004 nothing to compare
        return "How soon customers order again"
    one, two = (formats.share(x) for x in known[f"return_{days}d_rate"][:2])
    return f"Back in {_time(days)}: {one} after one order, {two} after two"


def moments_title(found: Findings) -> str:
    """Say when customers come."""
    half = found.first_step.get("half_returned_days")
    return (
        "When the next order comes" if half is None else f"Half of those who return do so by day {half:,.0f}"
    )


def gaps_title(found: Findings) -> str:
    """Say how long gaps are."""
    people = found.tables["customers"].filter("has_own_rhythm")
    if people.is_empty():
        return "Days between orders"
    middle = people.select(pl.col("median_gap_days").median()).item()
    return f"The middle customer orders every {middle:,.0f} days"


def late_title(found: Findings) -> str:
    """Say who is listed."""
    return f"Late for {_time(found.choice.newly_late_days)} or less: where most is at stake"


def first_title(found: Findings) -> str:
    """Say whether anything of the first order goes with a second."""
    evidence = found.tables["first_purchase"]["evidence"].to_list()
    more, less = evidence.count("returns more often"), evidence.count("returns less often")
    if not more and not less:
        return "No first purchase is shown to lead to a second"
    return f"{more + less} of {len(evidence):,} first purchases go with more or fewer second orders"


def notes(found: Findings) -> Iterator[Note]:
    """Say what was assumed and what is weak."""
    same = "count as one" if found.choice.occasion == "day" else "are kept apart"
    yield Note(
        "occasions",
        f"Orders of one customer on one day {same}; orders that net to nothing or less do not count.",
    )
    yield Note(
        "censoring",
        "Customers whose next order has not come yet are followed up to the as-of date, not counted as lost (Kaplan-Meier).",
    )
    yield Note(
        "first_ever",
        f"Orders are numbered from {formats.value(found.covered_from, 'day')}, when the extract begins: what was bought before is unknown.",
    )
    yield from _rhythm_notes(found)
    yield from _first_notes(found)
    if found.first_step.get("n_customers", 0) < _FEW:
        yield Note("few_customers", f"Fewer than {_FEW} first orders: every share here is rough.", "caution")


def _rhythm_notes(found: Findings) -> Iterator[Note]:
    if found.model is None:
        yield Note(
            "no_rhythm", "Nobody has ordered twice yet, so there is no rhythm to be late against.", "caution"
        )
        return
    model = found.model
    regular = "as regular as chance" if model.shape < 1.25 else "more regular than chance"  # noqa: PLR2004 near 1
    yield Note(
        "late",
        f"Late: a customer still active would be silent for so long with a probability below {formats.share(found.choice.late_below)}, "
        f"so about that share of their gaps grows as long by chance. Gaps are {regular} (shape {model.shape:.2f}); few gaps of "
        "one's own weigh little against those of all.",
    )


def _first_notes(found: Findings) -> Iterator[Note]:
    first = found.tables["first_purchase"]
    if found.n_rare:
        text = f"{found.n_rare:,} values in the first order of fewer than {found.choice.min_customers} customers are not shown."
        yield Note("too_rare", text)
    if first.height:
        names = ", ".join(k.removeprefix("first ") for k in KINDS.values() if k in set(first["first_by"]))
        span = _time(found.choice.follow_days).removeprefix("a ")
        yield Note(
            "not_a_cause",
            f"First orders ({names}) are compared over the {span} after them, customers followed for all of it. "
            "What goes with a second order need not cause it: other customers choose other things.",
            "caution",
        )
