"""How things look in a terminal: answers on stdout, progress and errors on stderr, readable in 80 columns, without colour."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_analytics import formats
from crm_analytics.errors import CrmError
from crm_analytics.reports import about
from crm_analytics.results import Note, Result

_LEFT = frozenset({"text", "id", "flag"})
_BOUNDS = ("_lower", "_upper")
_WIDEST_WORD, _SENTENCE, _SENTENCE_WIDTH = 20, 60, 28
_BETWEEN = 3  # blanks between two columns


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
    console = out()
    console.print(Text(_shown(text, console), style=style))


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
        show_point(str(note), caution=note.severity == "caution")
    say()


def show_point(text: str, *, caution: bool = False) -> None:
    """Print one point of a list, further lines indented."""
    console = out()
    mark = "!" if caution else "•" if _is_wide(console) else "*"
    for i, line in enumerate(Text(_shown(text, console)).wrap(console, max(console.width - 3, 20))):
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
    rows = [[_shown(cell, console) for cell in row] for row in rows]
    least = [_least_width(h, [row[i] for row in rows], whole=right[i]) for i, h in enumerate(heads)]
    wanted = [
        max(len(line) for cell in [h, *(r[i] for r in rows)] for line in cell.split("\n"))
        for i, h in enumerate(heads)
    ]
    for part in _parts(console.width, least):
        widths = _widths(console.width, part, least, wanted)
        console.print(_table(widths, heads, rows, right))
        console.print()


def _parts(width: int, least: Sequence[int]) -> list[list[int]]:
    """Share columns out among tables that fit, each with the first column before it."""
    parts, part = [], [0]
    for i in range(1, len(least)):
        needed = sum(least[j] for j in [*part, i]) + _BETWEEN * len(part)
        if len(part) > 1 and needed > width:
            parts.append(part)
            part = [0]
        part.append(i)
    return [*parts, part]


def _widths(width: int, part: Sequence[int], least: Sequence[int], wanted: Sequence[int]) -> dict[int, int]:
    """Give each column of a part its width: what it wants, or an equal share of what is left above its least."""
    widths = {}
    spare = max(width - sum(least[i] for i in part) - _BETWEEN * (len(part) - 1), 0)
    for left, i in zip(
        range(len(part), 0, -1), sorted(part, key=lambda i: wanted[i] - least[i]), strict=True
    ):
        more = min(max(wanted[i] - least[i], 0), spare // left)
        widths[i] = least[i] + more
        spare -= more
    return {i: widths[i] for i in part}


def _table(
    widths: Mapping[int, int], heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    for i, width in widths.items():
        side: Literal["right", "left"] = "right" if right[i] else "left"
        table.add_column(Text(heads[i]), justify=side, width=width, overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[i]) for i in widths))
    return table


def _least_width(head: str, cells: Sequence[str], *, whole: bool) -> int:
    """Give the width below which a figure or a word would break, or a sentence stand on too many lines."""
    longest_word = max((len(word) for word in head.split()), default=1)
    if whole:
        return max(longest_word, *(len(line) for cell in cells for line in cell.split("\n")), 1)
    if any(len(cell) > _SENTENCE for cell in cells):
        return _SENTENCE_WIDTH
    return max(
        longest_word, min(max((len(w) for cell in cells for w in cell.split()), default=1), _WIDEST_WORD)
    )


def _cell(result: Result, row: dict[str, object], column: str) -> str:
    unit = result.terms[column].unit
    value = formats.value(row[column], unit, result.currency)
    low, high = (row.get(column + end) for end in _BOUNDS)
    if low is None or high is None or row[column] is None:
        return value
    return f"{value}\n{formats.value(low, unit, result.currency)} to {formats.value(high, unit, result.currency)}"


def _is_bound(column: str, columns: Sequence[str]) -> bool:
    return any(column.endswith(end) and column.removesuffix(end) in columns for end in _BOUNDS)


def _shown(text: str, console: Console) -> str:
    """Give the text with a hyphen for a minus where the terminal may have none: old code pages lack it."""
    return text if _is_wide(console) else text.replace(formats.MINUS, "-")


def _is_wide(console: Console) -> bool:
    """Tell whether the terminal shows more than ASCII."""
    return console.encoding.startswith("utf")
