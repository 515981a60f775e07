"""One door for every kind of source: file, files, folder, frame, database."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from crm_analytics.errors import OptionError, SourceError
from crm_analytics.extracts.raw import FILE, ROW, RawTable
from crm_analytics.extracts.sources.csv_files import read_csv
from crm_analytics.extracts.sources.file_kinds import sniff, unpacked
from crm_analytics.extracts.sources.frames import is_frame, read_frame, stacked, tidied
from crm_analytics.extracts.sources.limits import read_in_child
from crm_analytics.extracts.sources.parquet_files import MOST_CELLS, MOST_CELLS_HELD, read_parquet
from crm_analytics.extracts.sources.sheets import check_package, read_sheet

_DATABASES: Final = ("sqlite:", "duckdb:", "postgresql:", "postgres:", "postgresql+psycopg:")
_TABLES: Final = frozenset(
    {".csv", ".tsv", ".txt", ".tab", ".psv", ".dat", ".gz", ".bz2", ".xz", ".parquet", ".pq"}
    | {".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"}
)


def read_raw(
    source: Any,  # noqa: ANN401 - a path, a frame of any library, a URL
    *,
    query: str | None = None,
    table: str | None = None,
    sheet: str | int | None = None,
    encoding: str | None = None,
    separator: str | None = None,
    timeout_seconds: float = 60.0,
    isolate: bool = False,
    label: str | None = None,
) -> RawTable:
    """Read any source as it came, nothing interpreted yet.

    Parameters
    ----------
    source
        Path of a file; a folder, glob pattern or list of files of one kind; a polars frame or lazy frame or
        anything with the Arrow stream interface; or a URL sqlite:///…, duckdb:///… or postgresql://….
    query, table
        For a database: one SELECT, or the name of a table; neither where it has one table only.
    sheet
        For a workbook: name or number (first = 1) of the sheet, "*" for all of the same headings.
    encoding, separator
        For a text file, where they are known.
    timeout_seconds
        Longest time a database query may take.
    isolate
        Read files in a child process with bounds on memory and time, as must be done with every upload. Workbooks
        are always read so.
    label
        What to call the source; its file name if None.

    Raises
    ------
    SourceError
        There is no such source, or it is not what it claims to be.
    """
    file_options = {"sheet": sheet, "encoding": encoding, "separator": separator, "label": label}
    if isinstance(source, str) and source.lower().startswith(_DATABASES):
        from crm_analytics.extracts.sources.databases import read_database  # noqa: PLC0415 - its engines are extras

        return read_database(source, query=query, table=table, timeout_seconds=timeout_seconds)
    paths = [] if is_frame(source) else _paths(source)
    if len(paths) == 1 and sniff(paths[0]) in ("sqlite", "duckdb"):
        return _embedded(paths[0], query=query, table=table, timeout_seconds=timeout_seconds)
    _check_unused(query=query, table=table)
    if not paths:
        return read_frame(source, label=label or "the frame given")
    if len(paths) == 1:
        return _one(paths[0], file_options, isolate=isolate)
    return _several(paths, file_options, isolate=isolate, label=label or _common_name(source, paths))


def read_file(
    path: Path,
    *,
    sheet: str | int | None = None,
    encoding: str | None = None,
    separator: str | None = None,
    label: str | None = None,
    held: bool = False,
) -> RawTable:
    """Read one file in this process, whatever its bytes say it is.

    `held` says that all of it will be held in memory, which bounds a Parquet file more narrowly.
    """
    kind = sniff(path)
    if kind in ("xlsx", "xls", "ods"):
        return read_sheet(path, sheet=sheet, label=label)
    if kind == "parquet":
        return read_parquet(path, label=label, most_cells=MOST_CELLS_HELD if held else MOST_CELLS)
    if kind == "arrow":
        return RawTable(tidied(pl.scan_ipc(path)), label or path.name, "frame", {"format": "Arrow"})
    if kind in ("gzip", "bzip2", "xz"):
        content = unpacked(path, kind)
        return read_csv(content, label=label or path.name, encoding=encoding, separator=separator)
    return read_csv(path, label=label, encoding=encoding, separator=separator)


def _embedded(path: Path, *, query: str | None, table: str | None, timeout_seconds: float) -> RawTable:
    from crm_analytics.extracts.sources.database_engines import Place  # noqa: PLC0415 - its engines are extras
    from crm_analytics.extracts.sources.databases import read_place  # noqa: PLC0415

    place = Place("sqlite" if sniff(path) == "sqlite" else "duckdb", path.name, path)
    return read_place(place, query=query, table=table, timeout_seconds=timeout_seconds)


def _one(path: Path, options: Mapping[str, Any], *, isolate: bool) -> RawTable:
    kind = sniff(path)
    if kind in ("sqlite", "duckdb"):
        raise SourceError(f"{path.name} is a database.", "Files of one kind were expected.", "Read it alone.")
    if kind in ("xlsx", "xls", "ods"):
        check_package(path)
        isolate = True
    return read_in_child(path, options) if isolate else read_file(path, **options)


def _check_unused(**options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise OptionError(
                f"{name}= was given for a source that is no database.",
                "A query is for a URL such as sqlite:///shop.db or postgresql://host/shop.",
                f"Leave {name}= out, or give the URL.",
            )


def _paths(source: object) -> list[Path]:
    """Give the files meant: one, those of a folder or pattern in order of name, or those listed."""
    if isinstance(source, (list, tuple)):
        if not source:
            raise SourceError("The list of files is empty.", "At least one file was expected.")
        return [path for one in source for path in _paths(one)]
    if not isinstance(source, (str, Path)):
        raise _not_a_source(source)
    if "://" in str(source):
        raise _unknown_address(str(source))
    path = Path(source).expanduser()
    if path.is_dir():
        return _in_folder(path)
    if not path.exists() and glob.has_magic(str(source)):
        return _matching(str(path))
    return [path]


def _in_folder(folder: Path) -> list[Path]:
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in _TABLES)
    if not files:
        raise SourceError(
            f"The folder {folder.name!r} holds no table.",
            f"Files ending in {', '.join(sorted(_TABLES))} were expected.",
        )
    return files


def _matching(pattern: str) -> list[Path]:
    files = sorted(Path(p) for p in glob.glob(pattern, recursive=True) if Path(p).is_file())  # noqa: PTH207
    if not files:
        raise SourceError.not_found(pattern)
    return files


def _not_a_source(source: object) -> SourceError:
    return SourceError(
        f"The source given is of the type {type(source).__name__!r}.",
        "A path, a list of paths, a frame, or a database URL was expected.",
        "Frames need the Arrow stream interface (polars, pandas 2.2 or newer, pyarrow, duckdb).",
    )


def _unknown_address(address: str) -> SourceError:
    kind = address.split("://", maxsplit=1)[0]
    return SourceError(
        f"Addresses that begin with {kind}:// are not read.",
        "A path, or an address that begins with sqlite:///, duckdb:/// or postgresql:// was expected.",
        "Download the file, or export the table as CSV or Parquet, and give its path.",
    )


def _common_name(source: object, paths: Sequence[Path]) -> str:
    if isinstance(source, (str, Path)):
        return f"{Path(source).name} ({len(paths)} files)"
    return f"{paths[0].name} and {len(paths) - 1} more"


def _several(paths: Sequence[Path], options: Mapping[str, Any], *, isolate: bool, label: str) -> RawTable:
    """Read files of one kind as one table: columns united by heading, with the file each row came from."""
    one_label = dict(options) | {"label": None}
    tables = [_one(path, one_label, isolate=isolate) for path in paths]
    kinds = {t.kind for t in tables}
    frames = [_with_file(t.frame, t.source) for t in tables]
    unreadable = [
        t.unreadable.insert_column(1, pl.Series(FILE, [t.source] * len(t.unreadable), pl.String()))
        for t in tables
    ]
    return RawTable(
        stacked(frames),
        label,
        kinds.pop() if len(kinds) == 1 else "files",
        _shared_details(tables) | {"files": f"{len(tables)}"},
        pl.concat(unreadable),
        (*_not_in_all(tables), *(f"{t.source}: {note}" for t in tables for note in t.notes)),
    )


def _with_file(frame: pl.LazyFrame, name: str) -> pl.LazyFrame:
    return frame.select(ROW, pl.lit(name).alias(FILE), pl.exclude(ROW))


def _shared_details(tables: Sequence[RawTable]) -> dict[str, str]:
    """Give what was decided, each decision once however many files share it."""
    keys = dict.fromkeys(key for t in tables for key in t.details)
    return {key: ", ".join(dict.fromkeys(t.details[key] for t in tables if key in t.details)) for key in keys}


def _not_in_all(tables: Sequence[RawTable]) -> tuple[str, ...]:
    n = len(tables)
    holders: dict[str, list[str]] = {}
    for t in tables:
        for heading in t.headings:
            holders.setdefault(heading, []).append(t.source)
    partial = {heading: names for heading, names in holders.items() if len(names) < n}
    return tuple(
        f"The column {heading!r} is in {len(names)} of {n} files only ({_first_of(names)})."
        for heading, names in partial.items()
    )


def _first_of(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
