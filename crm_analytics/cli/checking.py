"""The check report in a terminal: rows in, kept, set aside and why, money included."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_analytics import formats
from crm_analytics.cli import terminal
from crm_analytics.cli.writing import Written, rows, say_written
from crm_analytics.extracts.extract import Check, Extract, Finding, Recognised
from crm_analytics.reports import sheets
from crm_analytics.tables import Column, table

if TYPE_CHECKING:
    from crm_analytics.extracts.base import CustomerBase


def show(base: CustomerBase) -> None:
    """Print the check of each table."""
    for name in base.tables:
        with terminal.working(f"Reading {name}"):
            extract = base.table(name)
        _show_table(extract, base.currency or extract.currency)


def as_json(base: CustomerBase) -> dict[str, Any]:
    """Give the checks as plain values."""
    return {
        "name": base.name,
        "currency": base.currency,
        "tables": {name: base.table(name).check.to_dict() for name in base.tables},
    }


def write_rejected(base: CustomerBase, path: Path) -> None:
    """Write the rows that were set aside, a file for each table that has any where there are several."""
    tables = list(base.tables)
    written: list[Written] = []
    for name in tables:
        place = path if len(tables) == 1 else path.with_stem(f"{path.stem}_{name}")
        rejected = base.table(name).rejected
        if rejected.is_empty() and len(tables) > 1:
            continue
        written.append((sheets.write_csv(place, rejected), rows(rejected.height)))
    say_written(written, quietly=True)


def in_one_line(check: Check, currency: str | None) -> str:
    """Say what came of a table in one line."""
    parts = [f"{check.table}: {rows(check.rows_in)} read, {check.rows_kept:,} kept"]
    if check.rows_rejected:
        parts.append(f"{check.rows_rejected:,} set aside")
    if check.n_customers is not None:
        parts.append(_customers(check.n_customers))
    if check.amount_kept is not None:
        parts.append(formats.money(check.amount_kept, currency))
    return ", ".join(parts)


def _show_table(extract: Extract, currency: str | None) -> None:
    check = extract.check
    terminal.heading(f"{check.table} from {check.source}")
    terminal.say(_rows(check))
    for line in (_money(check, currency), _days(check), _unused(extract)):
        if line:
            terminal.say(line)
    terminal.say()
    _show_columns(extract)
    _show_reasons(check)
    _show_findings(check)


def _customers(n: int) -> str:
    return f"{n:,} customer{'' if n == 1 else 's'}"


def _rows(check: Check) -> str:
    share = f" ({formats.share(check.rows_rejected / check.rows_in)})" if check.rows_in else ""
    return (
        f"Rows: {check.rows_in:,} read = {check.rows_kept:,} kept + {check.rows_rejected:,} set aside{share}"
    )


def _money(check: Check, currency: str | None) -> str:
    """Write sums to the cent, so that a reader can tie them to the file."""
    if check.amount_in is None or check.amount_kept is None:
        return ""
    unit = f" {currency}" if currency else ""
    aside = check.amount_rejected or 0.0
    return f"Amount: {check.amount_in:,.2f}{unit} = {check.amount_kept:,.2f} kept + {aside:,.2f} set aside"


def _days(check: Check) -> str:
    if check.window_start is None or check.window_end is None:
        return ""
    days = f"Days: {formats.value(check.window_start, 'day')} to {formats.value(check.window_end, 'day')}"
    return f"{days}, {_customers(check.n_customers)}" if check.n_customers is not None else days


def _unused(extract: Extract) -> str:
    unused = extract.details.get("unused", "")
    return f"Not used: {unused}" if unused else ""


def _show_columns(extract: Extract) -> None:
    """Show the columns that go by another name in the source, or whose values needed a decision."""
    rows = [[r.column, r.heading, _read_as(extract, r)] for r in extract.recognition]
    names = {r.column for r in extract.recognition}
    rows += [[c.name, "", extract.details[c.name]] for c in _worked_out(extract) if c.name not in names]
    told = [row for row in rows if row[2] or row[0] != row[1]]
    if told:
        terminal.show_table(["Column", "Heading", "Read as"], told, [False] * 3)


def _read_as(extract: Extract, found: Recognised) -> str:
    return extract.details.get(found.column, "").removeprefix(found.heading).removeprefix(": ")


def _worked_out(extract: Extract) -> list[Column]:
    return [c for c in table(extract.table).columns if c.name in extract.details]


def _show_reasons(check: Check) -> None:
    aside = [f for f in check.findings if f.severity == "rejected"]
    if aside:
        heads = ["Set aside because", "Rows", "Amount", "For example rows"]
        terminal.show_table(heads, [_reason(f) for f in aside], [False, True, True, False])


def _reason(finding: Finding) -> list[str]:
    amount = formats.NOTHING if finding.amount is None else f"{finding.amount:,.2f}"
    examples = ", ".join(str(row) for row in finding.example_rows[:3])
    return [finding.text, f"{finding.n_rows:,}", amount, examples]


def _show_findings(check: Check) -> None:
    kept = [f for f in check.findings if f.severity != "rejected"]
    if kept:
        terminal.say("Findings", "bold")
    for finding in sorted(kept, key=lambda f: f.severity != "caution"):
        terminal.show_point(finding.text, caution=finding.severity == "caution")
    if kept:
        terminal.say()
