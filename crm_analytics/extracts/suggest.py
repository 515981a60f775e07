"""A first look at a source: which table it most likely is, which heading is which column, and a crm.toml saying so."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Unpack

import polars as pl

from crm_analytics.errors import ColumnError, CrmError, SourceError
from crm_analytics.extracts.base import table_named
from crm_analytics.extracts.door import Options, check_in
from crm_analytics.extracts.raw import RawTable
from crm_analytics.extracts.readers import ReadOptions, raw_from
from crm_analytics.extracts.recognising.profiles import Profile
from crm_analytics.extracts.recognising.which_column import Recognition, missing_error, recognise
from crm_analytics.extracts.recognising.which_table import LOOK_AT, best_of, looked_at, table_scores
from crm_analytics.tables import TABLES, Column, Table

WORKED_OUT: Final = "worked out as quantity x unit_price"


@dataclass(frozen=True)
class ColumnSuggestion:
    """One canonical column: the heading it is taken from (None where none was recognised), how sure, and why."""

    column: str
    heading: str | None
    confidence: float
    reasons: tuple[str, ...]
    examples: tuple[str, ...]
    required: bool
    meaning: str


@dataclass(frozen=True)
class Suggestion:
    """What a source looks like.

    Attributes
    ----------
    source
        A label for people.
    place
        The path or URL as it was given; None for a frame.
    table, confidence
        The table it most likely is, and how sure that is against the next best, 0 to 1.
    scores
        How well it fits each table.
    columns
        Every canonical column of that table.
    unused
        Headings that no column took.
    problem
        Why it cannot be read as this table yet, or None.
    """

    source: str
    place: str | None
    table: str
    confidence: float
    scores: Mapping[str, float]
    columns: tuple[ColumnSuggestion, ...]
    unused: tuple[str, ...]
    problem: CrmError | None = None
    options: Mapping[str, object] | None = None
    currency: str | None = None

    def to_frame(self) -> pl.DataFrame:
        """Give it as a table for people.

        Returns
        -------
        polars.DataFrame
            One row per canonical column: `column`, `required`, `heading`, `confidence` (0 to 1), `examples`, `why`,
            `meaning`.
        """
        return pl.DataFrame(
            [
                (
                    c.column,
                    c.required,
                    c.heading,
                    c.confidence,
                    ", ".join(c.examples),
                    "; ".join(c.reasons),
                    c.meaning,
                )
                for c in self.columns
            ],
            schema={
                "column": pl.String,
                "required": pl.Boolean,
                "heading": pl.String,
                "confidence": pl.Float64,
                "examples": pl.String,
                "why": pl.String,
                "meaning": pl.String,
            },
            orient="row",
        )


def suggest(source: Any, table_name: str | None = None, **options: Unpack[ReadOptions]) -> Suggestion:  # noqa: ANN401
    """Look at a source and say what it seems to be.

    Parameters
    ----------
    source
        Whatever `read_transactions` takes.
    table_name
        The table it is, where that is known.
    options
        As in `read_transactions`; `columns` is taken as said.
    """
    raw = raw_from(source, options)
    place = str(source) if isinstance(source, str | Path) else None
    found = suggest_raw(
        raw, table_name, options.get("columns"), named=table_named(Path(raw.source).stem, loosely=True)
    )
    said = {k: v for k, v in options.items() if v is not None and k not in ("columns", "isolate", "label")}
    return replace(found, place=place, options=said)


def suggest_raw(
    raw: RawTable,
    table_name: str | None = None,
    columns: Mapping[str, str] | None = None,
    *,
    named: str | None = None,
) -> Suggestion:
    """Say what a raw table seems to be; `named` is the table its file is named after."""
    seen = looked_at(raw)
    scores = table_scores(raw.headings, seen, named)
    best = table_name or best_of(scores)
    recognition = recognise(seen, TABLES[best], columns)
    problem: CrmError | None = missing_error(TABLES[best], recognition, raw.headings)
    currency = None
    if problem is None and (table_name or named or not _is_a_guess(recognition, best)):
        problem, currency = _try(raw, best, columns)
    elif problem is None:
        problem = ColumnError.nothing_named(raw.source, raw.headings)
    return Suggestion(
        source=raw.source,
        place=None,
        table=best,
        confidence=1.0 if table_name else _margin(scores, best),
        scores=scores,
        columns=_columns(TABLES[best], recognition, seen),
        unused=recognition.unused,
        problem=problem,
        currency=currency,
    )


def _is_a_guess(recognition: Recognition, table: str) -> bool:
    """Say whether values alone made it a table that any list of different texts could be."""
    return TABLES[table].key is not None and {r.column for r in recognition.columns} <= set(
        recognition.by_content
    )


def _try(raw: RawTable, table: str, columns: Mapping[str, str] | None) -> tuple[CrmError | None, str | None]:
    """Take the first rows through the door: what else stands in the way, and which currency is written there."""
    head = RawTable(raw.frame.head(LOOK_AT), raw.source, raw.kind, raw.details)
    try:
        return None, check_in(head, table, Options(columns=columns)).currency
    except CrmError as error:
        return error, None


def _margin(scores: Mapping[str, float], best: str) -> float:
    others = sum(sorted((s for n, s in scores.items() if n != best), reverse=True)[:1])
    total = scores[best] + others
    return round(scores[best] / total, 2) if total else 0.0


def _columns(table: Table, recognition: Recognition, seen: Sequence[Profile]) -> tuple[ColumnSuggestion, ...]:
    taken = {r.column: r for r in recognition.columns}
    examples = {p.heading: p.examples for p in seen}
    priced = {"quantity", "unit_price"} <= set(taken)

    def one(column: Column) -> ColumnSuggestion:
        found = taken.get(column.name)
        if found is None:
            why = WORKED_OUT if column.name == "amount" and priced else "no heading was recognised"
            return ColumnSuggestion(column.name, None, 0.0, (why,), (), column.required, column.meaning)
        shown = examples.get(found.heading, ())
        return ColumnSuggestion(
            column.name,
            found.heading,
            found.confidence,
            found.reasons,
            shown,
            column.required,
            column.meaning,
        )

    return tuple(one(column) for column in table.columns)


def to_toml(
    suggestions: Sequence[Suggestion], *, name: str | None = None, folder: str | Path | None = None
) -> str:
    """Write suggestions as a commented crm.toml, to be corrected by hand.

    Parameters
    ----------
    name
        The firm's name.
    folder
        Where crm.toml will lie; paths are written relative to it.

    Raises
    ------
    SourceError
        If a suggestion has no place (it was a frame in memory) or two are the same table.
    """
    _check_places(suggestions)
    currency = next((s.currency for s in suggestions if s.currency), None)
    lines = [
        "# Where the extracts lie and which heading is which column, as recognised. Look it through and correct it.",
        "# The check report says what was set aside: crm-analytics check",
        "",
        "[base]",
        f"name = {toml_text(name or 'My company')}",
        f"currency = {toml_text(currency)}"
        if currency
        else '# currency = "EUR"            # ISO code of all amounts',
        '# time_zone = "Europe/Berlin"  # where the firm is; instants that carry a zone are converted to it',
        '# week_start = "monday"',
        "# as_of = 2026-07-01           # rows from this day on are not seen; left out: the day after the last row of any table",
        "# start = 2024-01-01           # spend and orders count from this day on",
    ]
    for suggestion in suggestions:
        lines += ["", *_source_lines(suggestion, folder)]
    return "\n".join(lines) + "\n"


def _check_places(suggestions: Sequence[Suggestion]) -> None:
    seen: dict[str, str] = {}
    for suggestion in suggestions:
        if suggestion.place is None:
            raise SourceError(
                f"{suggestion.source} has no path.", "A file or database is needed to write settings for it."
            )
        if suggestion.table in seen:
            raise SourceError(
                f"{seen[suggestion.table]} and {suggestion.source} both look like {suggestion.table}.",
                "Each table is named once.",
                "Say which table one of them is, or name both files in paths = [...].",
            )
        seen[suggestion.table] = suggestion.source


def _source_lines(suggestion: Suggestion, folder: str | Path | None) -> list[str]:
    table = TABLES[suggestion.table]
    lines = [
        f"[sources.{suggestion.table}]  # one row is {table.row_is}; {suggestion.confidence:.0%} sure",
        _place_line(suggestion.place or "", folder),
        *(f"{key} = {_toml_value(value)}" for key, value in (suggestion.options or {}).items()),
        "",
        f"[sources.{suggestion.table}.columns]",
    ]
    width = max((len(_pair(c)) for c in suggestion.columns), default=0)
    for column in suggestion.columns:
        must = "needed: " if column.required else ""
        if column.heading is None:
            what = WORKED_OUT if WORKED_OUT in column.reasons else f"{must}{_comment(column.meaning)}"
            lines.append(f"# {_pair(column)}".ljust(width + 2) + f"  # {what}")
        else:
            examples = f", e.g. {_comment(', '.join(column.examples))}" if column.examples else ""
            lines.append(_pair(column).ljust(width + 2) + f"  # {column.confidence:.0%}{examples}")
    if suggestion.unused:
        kept = "kept as attributes" if table.open_ended else "not used"
        lines.append(f"# {kept}: {_comment(', '.join(suggestion.unused))}")
    return lines


def _place_line(place: str, folder: str | Path | None) -> str:
    if "://" in place:
        return f"url = {toml_text(place)}"
    path = Path(place).expanduser()
    if folder is not None:
        path = _relative(path, Path(folder))
    return f"path = {toml_text(path.as_posix())}"


def _relative(path: Path, folder: Path) -> Path:
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve()))
    except ValueError:  # another drive
        return path.resolve()


def _pair(column: ColumnSuggestion) -> str:
    return f"{column.column} = {toml_text(column.heading or '')}"


def _toml_value(value: object) -> str:
    return (
        str(value)
        if isinstance(value, int | float) and not isinstance(value, bool)
        else toml_text(str(value))
    )


def toml_text(text: str) -> str:
    r"""Write text as a TOML basic string.

    >>> print(toml_text('Cust "No"\t\\'))
    "Cust \"No\"\t\\"
    """
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str, most: int = 80) -> str:
    """Write text on one line of a comment, without characters that TOML forbids there."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"
