"""Results and rows as files: tables as CSV or a workbook, findings as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crm_analytics.cli.terminal import err, say, show_point
from crm_analytics.errors import MissingPackageError
from crm_analytics.reports import sheets
from crm_analytics.reports.files import write_bytes
from crm_analytics.results import Result

if TYPE_CHECKING:
    from crm_analytics.extracts.base import CustomerBase


def write_tables(result: Result, out: Path, *, sheet: bool) -> list[Path]:
    """Write every table of a result.

    Parameters
    ----------
    result
        What was found.
    out
        A folder; or, ending in .xlsx, the workbook itself.
    sheet
        One workbook instead of a CSV for each table.

    Returns
    -------
    list of Path
        What was written: ``rfm_summary.csv``, ``rfm_customers.csv``, … or ``rfm.xlsx``.
    """
    if sheet or out.suffix.lower() == ".xlsx":
        path = out if out.suffix.lower() == ".xlsx" else out / f"{result.analysis}.xlsx"
        return [write_bytes(path, sheets.workbook(result))]
    tables = {"summary": result.summary(), **result.tables()}
    return [sheets.write_csv(out / f"{result.analysis}_{name}.csv", frame) for name, frame in tables.items()]


def write_report(path: Path, base: CustomerBase, results: Sequence[Result]) -> Path:
    """Write the findings as one page."""
    try:
        from crm_analytics.reports import html  # noqa: PLC0415 plotly is an extra
    except ModuleNotFoundError as error:
        if error.name != "plotly":
            raise
        raise MissingPackageError.of("plotly", "charts", "write a report") from error
    return html.write(path, results, title=base.name, is_sample=base.is_sample)


def say_written(paths: Sequence[Path], *, quietly: bool = False) -> None:
    """Say what was written; quietly = not on stdout, which belongs to a program."""
    if quietly:
        for path in paths:
            err().print(f"Wrote {path}", soft_wrap=True)
    elif len(paths) == 1:
        say(f"Wrote {paths[0]}")
    else:
        say(f"Wrote to {paths[0].parent}:")
        for path in paths:
            show_point(path.name)
