"""Revenue retention in words: headline, summary, titles of the views."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from crm_analytics import formats
from crm_analytics.retention.revenue.definitions import (
    CUSTOMER_CHURN,
    GROSS,
    KEPT,
    NET,
    REVENUE_CHURN,
    Definition,
)
from crm_analytics.retention.revenue.ledger import Ledger
from crm_analytics.retention.revenue.outlook import Outlook
from crm_analytics.retention.revenue.rates import Rate

_QUARTER: Final = 3
_YEAR: Final = 12
_EVEN: Final = 0.0005  # what rounds to the same tenth of a percent


@dataclass(frozen=True, eq=False)
class Findings:
    """What the analysis made, for those who put it into words."""

    ledger: Ledger
    n: int
    last: int
    convention: str
    rates: Mapping[str, Rate]
    tables: Mapping[str, pl.DataFrame]
    ahead: Outlook | str
    quick: tuple[
        float, float, float
    ]  # gained over lost of the trailing stretch, with bounds; not a number where none
    by: str | None
    currency: str | None

    def money(self, value: float) -> str:
        """Write money in the currency of the extract."""
        return formats.money(value, self.currency)

    def rate(self, key: str) -> dict[str, Any] | None:
        """Give a rate of the last whole period by the key of its definition."""
        found = self.rates.get(key)
        return None if found is None else found.at(self.last)

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        """The way over the trailing stretch, by step."""
        return {row["step"]: row for row in self.tables["waterfall"].to_dicts()}

    @property
    def over(self) -> str:
        """The trailing stretch: 12 months, or year where it is one."""
        return self.ledger.period if self.n == 1 else counted(self.n, self.ledger.period)

    @property
    def span(self) -> str:
        """How long the trailing stretch is: 12 months, a year."""
        return f"a {self.over}" if self.n == 1 else self.over

    @property
    def last_name(self) -> str:
        """The last whole period by name."""
        return period_name(self.ledger.starts[self.last], self.ledger.period)


def counted(n: int, thing: str) -> str:
    """Write a number of things.

    >>> counted(1, "month"), counted(1200, "customer")
    ('1 month', '1,200 customers')
    """
    return f"{n:,} {thing}{'' if n == 1 else 's'}"


def period_name(day: date, period: str) -> str:
    """Name a period as people do.

    >>> period_name(date(2026, 4, 1), "quarter"), period_name(date(2026, 4, 6), "week")
    ('Q2 2026', 'the week of 6 Apr 2026')
    """
    named = {
        "month": f"{day:%B %Y}",
        "quarter": f"Q{(day.month - 1) // _QUARTER + 1} {day.year}",
        "year": str(day.year),
    }
    return named.get(period, f"the week of {day.day} {day:%b %Y}")


def spread(row: Mapping[str, Any], name: str = "rate") -> str:
    """Write a share with its interval where it has one."""
    low, high = row[f"{name}_lower"], row[f"{name}_upper"]
    value = formats.share(row[name])
    return (
        value
        if low is None or high is None
        else f"{value} (95% interval {formats.share(low)} to {formats.share(high)})"
    )


def _figured(row: Mapping[str, Any]) -> str:
    customers = counted(row["n_customers"], "customer")
    plain = spread(row)
    return f"{plain[:-1]}; {customers})" if plain.endswith(")") else f"{plain} ({customers})"


def headline(found: Findings) -> str:
    """Say in one sentence how much of the revenue of then is still there, and who left."""
    kept = found.rate("customers_cohort")
    row = found.rate(found.convention)
    gone = "left" if found.ledger.kind == "contracts" else "bought nothing since"
    left = "" if kept is None else f"{formats.share(1 - kept['rate'])} of the customers {gone}"
    if not found.ledger.has_money or row is None:
        return _customers_only(found, kept)
    usual = found.rate("cohort")
    if found.convention == "cohort" or usual is None:
        return f"{NET} over the last {found.over} is {_figured(row)}: {_became(found)}, and {left}."
    named = _named(found.rates[found.convention].definition)
    alone = f"of the customers of then alone it is {spread(usual)}"
    return f"{NET} over the last {found.over} ({named}) is {_figured(row)}; {alone}: {_became(found)}, and {left}."


def _named(definition: Definition) -> str:
    return f"{definition.name[:1].lower()}{definition.name[1:]}"


def _became(found: Findings) -> str:
    steps = found.steps
    before = float(steps["Opening"]["step_revenue"])
    fallen = -float(steps["Lost"]["step_revenue"]) - float(steps["Contraction"]["step_revenue"])
    grown = float(steps["Expansion"]["step_revenue"])
    when = (
        f"{found.money(before)} a month of {found.span} before,"
        if found.ledger.kind == "contracts"
        else f"{found.money(before)} spent in the {found.over} before,"
    )
    gone = f"{formats.share(fallen / before)} was lost or cut back"
    return f"of the {when} {gone}, expansion added {formats.share(grown / before)}"


def _customers_only(found: Findings, kept: Mapping[str, Any] | None) -> str:
    steps = found.steps
    opening, lost = (int(steps[s]["step_customers"]) for s in ("Opening", "Lost"))
    rate = "not known" if kept is None else spread(kept)
    return (
        f"{KEPT} over the last {found.over} is {rate}: {lost:,} of {counted(opening, 'customer')} left; of revenue nothing "
        "can be said, because the extract has no monthly amounts."
    )  # fmt: skip


_Row = tuple[str, int | None, str]


def summary(found: Findings) -> pl.DataFrame:
    """Give the findings, one row each."""
    schema = {"finding": pl.String(), "n_customers": pl.Int64(), "finding_text": pl.String()}
    rows = [*_retention_rows(found), *_churn_rows(found), *_flow_rows(found), *_where_rows(found)]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _retention_rows(found: Findings) -> Iterator[_Row]:
    titles = {
        "cohort": NET,
        "cohort_with_returned": f"{NET}, with returned customers",
        "compounded": f"{NET}, period by period",
        "gross_cohort": GROSS,
        "customers_cohort": KEPT,
    }
    for key, title in titles.items():
        row = found.rate(key)
        if row is not None:
            yield title, row["n_customers"], f"{spread(row)} over the last {found.over}"


def _churn_rows(found: Findings) -> Iterator[_Row]:
    for key, measure in (("churn_opening", CUSTOMER_CHURN), ("revenue_churn", REVENUE_CHURN)):
        row = found.rate(key)
        if row is not None:
            text = f"{spread(row)} in {found.last_name}{_range(found, measure)}"
            yield measure, row["n_customers"], text


def _range(found: Findings, measure: str) -> str:
    """Say how far the definitions of one rate lie apart."""
    same = [
        row["rate"]
        for key, rate in found.rates.items()
        if rate.definition.measure == measure
        and not key.endswith("annualised")
        and (row := rate.at(found.last))
    ]
    low, high = min(same), max(same)
    return "" if high - low < _EVEN else f"; {formats.share(low)} to {formats.share(high)} by definition"


def _flow_rows(found: Findings) -> Iterator[_Row]:
    unit = "a month" if found.ledger.kind == "contracts" else "of spend"
    for name in ("New", "Returned", "Expansion", "Contraction", "Lost"):
        row = found.steps.get(name)
        if row is not None:
            amount = (
                f"{found.money(abs(row['step_revenue']))} {unit} " if found.ledger.has_money else "customers "
            )
            yield (
                f"{name} over the {found.over}",
                row["step_customers"],
                f"{amount}against {found.span} before",
            )
    if found.ledger.has_money:
        there = sum(found.steps[s]["step_customers"] for s in ("Opening", "New", "Returned"))
        yield f"Quick ratio over the {found.over}", there, _quick_words(found.quick)


def _quick_words(quick: tuple[float, float, float]) -> str:
    """Say a quick ratio with its interval.

    >>> _quick_words((2.0, 1.5, float("nan")))
    '2.00 gained for 1 lost (95% interval 1.50 or more)'
    """
    value, lower, upper = quick
    if not math.isfinite(value):
        return "nothing was lost"
    text = f"{value:.2f} gained for 1 lost" if value else "nothing was gained"
    if not math.isfinite(lower):
        return text
    ends = f"{lower:.2f} to {upper:.2f}" if math.isfinite(upper) else f"{lower:.2f} or more"
    return f"{text} (95% interval {ends})"


def _where_rows(found: Findings) -> Iterator[_Row]:
    parts = found.tables.get("segments")
    if parts is not None and parts.height > 1 and found.ledger.has_money:
        worst = parts.sort("loss_share", descending=True, nulls_last=True).row(0, named=True)
        if worst["loss_share"]:
            text = (
                f"{worst['segment']}: {spread(worst, 'loss_share')} of the losses; net retention "
                f"{spread(worst, 'net_revenue_retention')}"
            )
            yield f"Most was lost in ({found.by})", worst["opening_customers"], text
    if isinstance(found.ahead, Outlook) and found.ledger.has_money:
        row = _at_a_year(found.ahead)
        ends = " to ".join(found.money(row[f"revenue_ahead_{e}"]) for e in ("lower", "upper"))
        text = (
            f"{found.money(row['revenue_ahead'])} a month from today's customers in {counted(row['months_ahead'], 'month')} "
            f"(95% interval {ends}), {formats.share(row['revenue_ahead_share'])} of today's"
        )
        yield "Outlook", round(row["customers_ahead"]), text


def _at_a_year(ahead: Outlook) -> dict[str, Any]:
    most = min(_YEAR, ahead.table.height - 1)
    return ahead.table.row(most, named=True)


def titles(found: Findings) -> dict[str, str]:
    """Give the views' titles: each says what its picture shows."""
    return {
        "waterfall": _waterfall_title(found),
        "bridge": _bridge_title(found),
        "rates": _rates_title(found),
        "segments": _segment_title(found),
        "cohorts": _cohort_title(found),
        "outlook": _outlook_title(found),
    }


def _spoken(name: str | None) -> str:
    return str(name or "group").replace("_", " ")


def _segment_title(found: Findings) -> str:
    column = "net_revenue_retention" if found.ledger.has_money else "customers_kept_share"
    plain = f"{NET if found.ledger.has_money else KEPT} over {found.span}, by {_spoken(found.by)}"
    rows = (
        found.tables["segments"].filter(pl.col(column).is_not_null()) if "segments" in found.tables else None
    )
    if rows is None or rows.height < 2:  # noqa: PLR2004 one group is no comparison
        return plain
    ordered = rows.sort(column, "segment").to_dicts()
    least, most = ordered[0], ordered[-1]
    top, bottom = least[f"{column}_upper"], most[f"{column}_lower"]
    clear = top is not None and bottom is not None and top < bottom
    return (
        f"By {_spoken(found.by)}, {formats.share(least[column])} ({least['segment']}) to {formats.share(most[column])} "
        f"({most['segment']}) is kept{'' if clear else ', not clearly apart'}"
    )


def _waterfall_title(found: Findings) -> str:
    ends = [found.steps[s] for s in ("Opening", "Closing")]
    if not found.ledger.has_money:
        first, last = (counted(e["step_customers"], "customer") for e in ends)
        return f"From {first} to {last} in {found.span}"
    first, last = (found.money(e["step_revenue"]) for e in ends)
    unit = " a month" if found.ledger.kind == "contracts" else " of spend"
    return f"From {first} to {last}{unit} in {found.span}"


def _bridge_title(found: Findings) -> str:
    whole = found.tables["bridge"].filter("is_complete")
    ends = (
        ("opening_revenue", "closing_revenue")
        if found.ledger.has_money
        else ("opening_customers", "closing_customers")
    )
    grew = int((whole[ends[1]] > whole[ends[0]]).sum())
    what = "Revenue" if found.ledger.has_money else "The base"
    return f"{what} grew in {grew} of {counted(whole.height, found.ledger.period)}"


def _rates_title(found: Findings) -> str:
    key = found.convention if found.ledger.has_money else "customers_cohort"
    rate = found.rates[key]
    rows = [(i, row) for i in range(found.last + 1) if (row := rate.at(i)) is not None]
    now = rows[-1][1]["rate"]
    what = rate.definition.measure
    if len(rows) < 2:  # noqa: PLR2004 one point is no trend
        return f"{what} over {found.span}: {formats.share(now)}"
    then = rows[0]
    return (
        f"{what} over {found.span}: {formats.share(now)}, after {formats.share(then[1]['rate'])} in "
        f"{period_name(found.ledger.starts[then[0]], found.ledger.period)}"
    )


def _cohort_title(found: Findings) -> str:
    cells = found.tables["cohorts"].filter("is_complete")
    ages = cells["cohort_age"]
    if cells.is_empty():
        return "What cohorts keep"
    age = min(found.n, int(ages.max()))  # type: ignore[arg-type]
    at = cells.filter(pl.col("cohort_age") == age)
    if found.ledger.has_money:
        base, kept, what = at["cohort_first_revenue"].sum(), at["cohort_revenue"].sum(), "revenue"
    else:
        base, kept, what = at["cohort_customers"].sum(), at["customers_there"].sum(), "customers"
    share = formats.share(float(kept) / float(base)) if base else "nothing"
    return f"Cohorts keep {share} of their first {what} after {counted(age, found.ledger.period)}"


def _outlook_title(found: Findings) -> str:
    if not isinstance(found.ahead, Outlook):
        return "Outlook"
    row = _at_a_year(found.ahead)
    share = (
        row["revenue_ahead_share"]
        if found.ledger.has_money
        else row["customers_ahead"] / max(found.ahead.table["customers_ahead"][0], 1)
    )
    what = "revenue is" if found.ledger.has_money else "customers are"
    return f"{formats.share(share)} of today's {what} expected to be left in {counted(row['months_ahead'], 'month')}"
