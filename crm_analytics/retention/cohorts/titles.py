"""Titles of the pictures: each says what the picture shows, with its figure."""

from __future__ import annotations

from datetime import date

import polars as pl

from crm_analytics import formats
from crm_analytics.retention.cohorts.grid import ALL
from crm_analytics.retention.cohorts.options import Value
from crm_analytics.retention.cohorts.terms import VALUES
from crm_analytics.retention.cohorts.words import (
    Findings,
    Row,
    ages,
    overall_tests,
    points,
    rate_name,
)

_RUNNING: tuple[Value, ...] = ("cumulative", "payback")


def heatmap(found: Findings) -> str:
    """Say what the cells show, and how far they lie apart at the first followed age."""
    options = found.cohorts.options
    name = options.attribute or options.by
    rows = "cohort" if name is None else name.rpartition(".")[2].replace("_", " ")
    label, unit, _ = VALUES[options.value]
    title = f"{label} by {rows} and age{', %' if unit == 'share' else ''}"
    if options.by is not None:  # the picture has the average of each group, not its single cohorts
        return f"{title}: average of each group's cohorts"
    finished = found.cells.filter(pl.col("is_complete"))
    if not found.marks or "shown_value" not in finished.columns:
        return title
    shown = finished.filter(pl.col("period") == found.marks[0])["shown_value"].drop_nulls().to_list()
    if len(shown) < 2:  # noqa: PLR2004 two to lie apart
        return title
    low, high = (formats.value(end, unit, found.cohorts.extract.currency) for end in (min(shown), max(shown)))
    return f"{title}: {low} to {high} {ages(found.cohorts, found.marks[0])}"


def curves(found: Findings) -> str:
    """Say what the average is at the first and the last followed age."""
    rows = [row for row in (found.at(mark) for mark in found.marks) if row is not None]
    value = found.cohorts.options.value
    if not rows or rows[0].get("shown_value") is None:
        return f"{VALUES[value][0]} by age, average of the cohorts"
    if value == "customers":
        said = [f"{formats.share(r['retention_rate'])} {ages(found.cohorts, int(r['period']))}" for r in rows]
        verb = {"on_or_before": "have come back", "on_or_after": "come back"}.get(
            found.cohorts.options.criterion, "are active"
        )
        return f"{_first_and_last(said[0].replace(' ', f' {verb} ', 1), said)}"
    at = "up to" if value in _RUNNING else "on" if found.unit == "day" else "in"
    said = [f"{_shown(found, r)} {at} {found.unit} {r['period']}" for r in rows]
    return f"{VALUES[value][0]}: {_first_and_last(said[0], said)}"


def _first_and_last(first: str, said: list[str]) -> str:
    return first if len(said) == 1 else f"{first}, {said[-1]}"


def _shown(found: Findings, row: Row) -> str:
    unit = VALUES[found.cohorts.options.value][1]
    return formats.value(row["shown_value"], unit, found.cohorts.extract.currency)


def trend(found: Findings) -> str:
    """Say whether the first followed age gets better."""
    tests = overall_tests(found).to_dicts()
    name = rate_name(found.cohorts, tests[0]["period"])
    name = name[0].upper() + name[1:]
    if tests[0]["rate_change"] is None:
        return f"{name} by cohort, with no trend to tell"
    change = points(tests[0]["rate_change"])
    if tests[0]["verdict"] == "no clear change":
        return f"{name} shows no clear trend over the cohorts ({change} points)"
    return f"{name} is getting {tests[0]['verdict']}: {change} points from the first to the last cohort"


def layers(found: Findings, table: pl.DataFrame) -> str:
    """Say what share of the last whole period's spend came from customers won earlier."""
    last = table.filter(pl.col("is_complete"))["calendar_on"].max()
    if not isinstance(last, date) or table["cohort_on"].n_unique() == 1:
        return "Spend by when the customers came"
    rows = table.filter(pl.col("calendar_on") == last)
    total = float(rows["spend"].sum())
    if total <= 0:
        return "Spend by when the customers came"
    earlier = float(rows.filter(pl.col("cohort_on") < last)["spend"].sum()) / total
    period = found.cohorts.clock.calendar.period
    when = f"{last:%B %Y}" if period == "month" else f"the {period} from {formats.value(last, 'day')}"
    return f"{formats.share(earlier)} of spend in {when} came from customers won before it"


def losses(found: Findings) -> str:
    """Say how many never came back, of those observed as long."""
    lost, n = found.never
    until = found.longest
    span = f"the next {found.unit}" if until == 1 else f"the {until} {found.unit}s after"
    return f"{formats.share(lost / max(n, 1))} never came back in {span}"


def payback(found: Findings) -> str:
    """Say when the cost of winning is paid back."""
    rows = found.curve.filter(pl.col("group") == ALL) if "group" in found.curve.columns else found.curve
    rows = rows.filter(pl.col("payback_share").is_not_null())
    paid = rows.filter(pl.col("payback_share") >= 1)
    if rows.is_empty():
        return "What has come back of the cost of winning"
    if paid.height:
        age = int(paid["period"].min())  # type: ignore[arg-type]  # whole numbers
        return (
            "The first order pays back the cost of winning"
            if age == 0 and found.unit == "day"
            else f"The cost of winning is paid back {'on' if found.unit == 'day' else 'in'} {found.unit} {age}"
        )
    last = rows.row(-1, named=True)
    return f"{formats.share(last['payback_share'])} of the cost of winning has come back by {found.unit} {last['period']}"
