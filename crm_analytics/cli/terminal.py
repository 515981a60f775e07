"""How things look in a terminal: answers on stdout, progress and errors on stderr, readable in 80 columns, without colour."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import polars as pl
from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from crm_analytics import formats
from crm_analytics.errors import CrmError
from crm_analytics.reports import about
from crm_analytics.results import Note, Result

_LEFT = frozenset({"text", "id", "flag"})
_BOUNDS = ("_lower", "_upper")


def out() -> Console:
    """Give the console of answers."""
    return Console(highlight=False, markup=False, emoji=False)


def err() -> Console:
    """Give the console of progress and errors."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that work goes on, if somebody is looking."""
    console = err()
    if not console.is_terminal:
        yield
        return
    with console.status(Text(f"{what} …"), spinner="dots"):
        yield


def show_error(error: CrmError, *, debug: bool) -> None:
    """Show one clear message: what was found, and what to do."""
    _show_traceback(error, debug=debug)
    message = Text.assemble(("Error: ", "bold red"), error.found)
    for more in (error.expected, error.remedy):
        if more:
            message.append(f" {more}")
    err().print(message)


def show_left_out(title: str, error: CrmError) -> None:
    """Say that an analysis was left out, and why."""
    err().print(Text.assemble((f"{title} left out: ", "bold yellow"), str(error)))


def show_accident(error: Exception, *, debug: bool) -> None:
    """Show that something went wrong that nobody foresaw."""
    _show_traceback(error, debug=debug)
    hint = "" if debug else "; run again with --debug to see where"
    first = str(error).partition("\n")[0]
    err().print(
        Text.assemble(
            ("Error: ", "bold red"), f"unexpected {type(error).__name__}: {first}"[:400], f"{hint}."
        )
    )


def _show_traceback(error: Exception, *, debug: bool) -> None:
    if debug:
        err().print("".join(traceback.format_exception(error)), soft_wrap=True)


def say(text: str = "", style: str = "") -> None:
    """Print a line of an answer, wrapped at words."""
    out().print(Text(text, style=style))


def show_result(result: Result) -> None:
    """Print a result: headline, short table, notes, and where the figures come from."""
    heading(result.title)
    say(result.headline(), "bold")
    say()
    show_frame(result.summary(), result)
    show_notes(result.notes)
    out().print(Text(f"From {about.line(result)}", style="dim"))


def heading(text: str) -> None:
    """Print a heading."""
    console = out()
    console.print(Text(text, style="bold cyan"))
    console.print(
        Text("─" * min(len(text), console.width) if _is_wide(console) else "-" * len(text), style="cyan")
    )


def show_notes(notes: Sequence[Note]) -> None:
    """Print notes, what needs caution first."""
    if not notes:
        return
    say("Notes", "bold")
    for note in sorted(notes, key=lambda n: n.severity != "caution"):
        show_point(note.text, caution=note.severity == "caution")
    say()


def show_point(text: str, *, caution: bool = False) -> None:
    """Print one point of a list, further lines indented."""
    console = out()
    mark = "!" if caution else "•" if _is_wide(console) else "*"
    for i, line in enumerate(Text(text).wrap(console, max(console.width - 3, 20))):
        line.rstrip()
        first = Text(f" {mark} ", style="bold yellow" if caution else "") if i == 0 else Text("   ")
        console.print(first + line)


def show_frame(frame: pl.DataFrame, result: Result) -> None:
    """Print a table of a result under its words, each figure in its unit, its interval beneath it."""
    columns = [c for c in frame.columns if not _is_bound(c, frame.columns)]
    rows = [[_cell(result, row, c) for c in columns] for row in frame.iter_rows(named=True)]
    heads = [formats.label(result.terms[c], result.currency) for c in columns]
    right = [result.terms[c].unit not in _LEFT for c in columns]
    show_table(heads, rows, right)


def show_table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
    """Print a table; where it is too wide, in parts that each begin with the first column."""
    console = out()
    for part in _parts(console, heads, rows, right):
        console.print(_table(part, heads, rows, right))
        console.print()


def _parts(
    console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]
) -> list[list[int]]:
    parts, part = [], [0]
    for i in range(1, len(heads)):
        if len(part) > 1 and not _fits(console, _table([*part, i], heads, rows, right)):
            parts.append(part)
            part = [0]
        part.append(i)
    return [*parts, part]


def _fits(console: Console, table: RenderableType) -> bool:
    return Measurement.get(console, console.options.update(max_width=10_000), table).minimum <= console.width


def _table(
    part: Sequence[int], heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for i in part:
        figures = right[i]
        table.add_column(
            Text(heads[i]), justify="right" if figures else "left", no_wrap=figures, overflow="fold"
        )
        if figures:  # headings of figures may wrap between words, the figures themselves may not
            table.columns[-1].min_width = max(
                [len(line) for row in rows for line in row[i].split("\n")], default=1
            )
            table.columns[-1].no_wrap = False
    for row in rows:
        table.add_row(*(Text(row[i]) for i in part))
    return table


def _cell(result: Result, row: dict[str, object], column: str) -> str:
    unit = result.terms[column].unit
    value = formats.value(row[column], unit, result.currency)
    low, high = (row.get(column + end) for end in _BOUNDS)
    if low is None or high is None or row[column] is None:
        return value
    return f"{value}\n{formats.value(low, unit, result.currency)} to {formats.value(high, unit, result.currency)}"


def _is_bound(column: str, columns: Sequence[str]) -> bool:
    return any(column.endswith(end) and column.removesuffix(end) in columns for end in _BOUNDS)


def _is_wide(console: Console) -> bool:
    """Tell whether the terminal shows more than ASCII."""
    return console.encoding.startswith("utf")
