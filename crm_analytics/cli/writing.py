"""Results and rows as files: tables as CSV or a workbook, findings as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_analytics.cli.terminal import err, out
from crm_analytics.errors import MissingPackageError
from crm_analytics.reports import sheets
from crm_analytics.reports.files import write_bytes
from crm_analytics.results import Result

if TYPE_CHECKING:
    from crm_analytics.extracts.base import CustomerBase


Written = tuple[Path, str]
"""A file, and what is in it."""


def write_tables(result: Result, place: Path, *, sheet: bool) -> list[Written]:
    """Write every table of a result.

    Parameters
    ----------
    result
        What was found.
    place
        A folder; or, ending in .xlsx, the workbook itself.
    sheet
        One workbook instead of a CSV for each table.

    Returns
    -------
    list of (path, words)
        What was written: ``rfm_summary.csv``, ``rfm_customers.csv``, … or ``rfm.xlsx``.
    """
    tables = {"summary": result.summary(), **result.tables()}
    if sheet or place.suffix.lower() == ".xlsx":
        path = place if place.suffix.lower() == ".xlsx" else place / f"{result.analysis}.xlsx"
        return [(write_bytes(path, sheets.workbook(result)), f"{len(tables)} tables")]
    return [
        (sheets.write_csv(place / f"{result.analysis}_{name}.csv", frame), rows(frame.height))
        for name, frame in tables.items()
    ]


def rows(n: int) -> str:
    """Say how many rows.

    >>> rows(1), rows(1200)
    ('1 row', '1,200 rows')
    """
    return f"{n:,} row{'' if n == 1 else 's'}"


def write_report(path: Path, base: CustomerBase, results: Sequence[Result]) -> Path:
    """Write the findings as one page."""
    try:
        from crm_analytics.reports import html  # noqa: PLC0415 plotly is an extra
    except ModuleNotFoundError as error:
        if error.name != "plotly":
            raise
        raise MissingPackageError.of("plotly", "charts", "write a report") from error
    return html.write(path, results, title=base.name, is_sample=base.is_sample)


def say_written(written: Sequence[Written], *, quietly: bool = False) -> None:
    """Say what was written; quietly = on stderr, because stdout belongs to a program."""
    console = err() if quietly else out()
    for path, words in written:
        console.print(f"Wrote {path}" + (f" ({words})" if words else ""), soft_wrap=True)
