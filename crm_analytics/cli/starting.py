"""The first look at a source: what is believed of it and why, and a crm.toml to correct."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from crm_analytics import tables
from crm_analytics.cli import terminal
from crm_analytics.cli.writing import say_written
from crm_analytics.errors import ConfigError, CrmError, SourceError
from crm_analytics.extracts.base import table_named
from crm_analytics.extracts.readers import ReadOptions
from crm_analytics.extracts.suggest import ColumnSuggestion, Suggestion, suggest, to_toml
from crm_analytics.reports.files import write_bytes

_WORDS: Final = ((0.9, "sure"), (0.75, "fairly sure"), (0.5, "likely"), (0.0, "a guess"))
_NO_DATA: Final = frozenset({".toml", ".md", ".py", ".html", ".json"})
_EXAMPLES: Final = 2
_LONGEST: Final = 24


def init(source: str, out: Path, *, table: str | None, options: ReadOptions, force: bool) -> None:
    """Look at a source, say what is believed of it, and write the settings.

    Parameters
    ----------
    source
        A data file, a folder of them, or a database address.
    out
        Where to write the settings.
    table
        What the source holds, where that is known.
    options
        How to read it, e.g. `sheet` or `query`.
    force
        Overwrite what is there.

    Raises
    ------
    ConfigError
        If the file is there and `force` is not given.
    SourceError
        If the source cannot be read, or nothing in it is recognised.
    UnknownNameError
        If there is no such table.
    """
    if out.exists() and not force:
        raise ConfigError.already_there(out)
    if table is not None:
        tables.table(table)
    found = _in_folder(Path(source), table) if _is_folder(source) else [_look_at(source, table, options)]
    for suggestion in found:
        _show(suggestion)
    text = to_toml(found, name=_name(source, out), folder=out.parent)
    say_written([(write_bytes(out, text.encode()), "")])
    settings = "" if out == Path("crm.toml") else f" {out}"
    terminal.say(f"Look it through and correct it, then: crm-analytics check{settings}")


def _is_folder(source: str) -> bool:
    return "://" not in source and Path(source).is_dir()


def _look_at(source: str, table: str | None, options: ReadOptions) -> Suggestion:
    with terminal.working(f"Looking at {source if '://' not in source else 'the database'}"):
        return suggest(source, table, **options)


def _in_folder(folder: Path, table: str | None) -> list[Suggestion]:
    """Look at each file of a folder; files that are all the same table are read as one."""
    looked: dict[Path, Suggestion] = {}
    left: dict[Path, CrmError] = {}
    for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "~"))):
        if path.suffix.lower() in _NO_DATA:
            continue
        try:
            found = _look_at(str(path), table, {})
        except CrmError as error:
            left[path] = error
            continue
        if found.problem is None:
            looked[path] = found
        else:
            left[path] = found.problem
    for path, problem in left.items():
        terminal.show_left_out(path.name, problem)
    if not looked:
        raise SourceError.nothing_recognised(folder)
    return _as_one(folder, looked, left) or list(looked.values())


def _as_one(
    folder: Path, looked: Mapping[Path, Suggestion], left: Mapping[Path, CrmError]
) -> list[Suggestion]:
    """Take files of one kind that are all the same table for one source, if a pattern tells them from the rest."""
    suffixes = {path.suffix for path in looked}
    if len(looked) == 1 or len({s.table for s in looked.values()}) > 1 or len(suffixes) > 1:
        return []
    if suffixes & {path.suffix for path in left}:
        return []
    return [_look_at(str(folder / f"*{suffixes.pop()}"), next(iter(looked.values())).table, {})]


def _show(found: Suggestion) -> None:
    terminal.heading(found.source)
    how = confidence_in_words(found.confidence)
    terminal.say(f"Taken for {found.table} ({how}): one row is {tables.table(found.table).row_is}.\n")
    taken = [c for c in found.columns if c.heading is not None or c.required]
    heads = ["Column", "Heading", "For example", "How sure", "Why"]
    terminal.show_table(heads, [_row(c, ready=found.problem is None) for c in taken], [False] * len(heads))
    _show_rest(found)
    if found.problem is not None:
        terminal.show_point(f"Not ready yet: {found.problem}", caution=True)
    terminal.say()


def _row(column: ColumnSuggestion, *, ready: bool) -> list[str]:
    if column.heading is None and ready:  # the only required column that can be worked out from others
        return [column.column, "", "", "sure", "worked out: quantity x unit_price"]
    if column.heading is None:
        return [column.column, "(missing)", "", "", f"needed: {column.meaning}"]
    examples = "; ".join(_short(e) for e in column.examples[:_EXAMPLES])
    why = "; ".join(column.reasons)
    return [column.column, column.heading, examples, confidence_in_words(column.confidence), why]


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"


def _show_rest(found: Suggestion) -> None:
    """Say what happens to the other headings, and what else the table could hold."""
    if found.unused:
        kept = tables.table(found.table).open_ended
        what = "Kept as attributes under their own headings" if kept else "Not used"
        terminal.show_point(f"{what}: {', '.join(found.unused)}.")
    absent = [c.column for c in found.columns if c.heading is None and not c.required]
    if absent:
        terminal.show_point(f"Not found, and not needed: {', '.join(absent)}.")


def confidence_in_words(confidence: float) -> str:
    """Say how sure a guess is.

    >>> [confidence_in_words(c) for c in (0.97, 0.8, 0.6, 0.2)]
    ['sure', 'fairly sure', 'likely', 'a guess']
    """
    return next(word for least, word in _WORDS if confidence >= least)


def _name(source: str, out: Path) -> str:
    """Name the base after its file or folder, unless the file is named after what it holds."""
    stem = "" if "://" in source else Path(source).resolve().stem
    own = stem if stem and table_named(stem) is None else out.resolve().parent.name
    words = own.replace("_", " ").replace("-", " ").strip()
    return f"{words[:1].upper()}{words[1:]}" or "My company"
