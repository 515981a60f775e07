"""The three databases behind one small interface: open read-only, list tables, fetch one SELECT in time."""

from __future__ import annotations

import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

import polars as pl

from crm_analytics.errors import MissingPackageError, QueryError, SourceError
from crm_analytics.extracts.sources.frames import stacked
from crm_analytics.extracts.sources.select_only import Engine

if TYPE_CHECKING:
    from psycopg import ServerCursor

_BATCH: Final = 50_000


@dataclass(frozen=True)
class Place:
    """Where a database is: file or connection words. `label` is fit to be shown; `secrets` never are."""

    engine: Engine
    label: str
    path: Path | None = None
    words: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Connection(ABC):
    """An open database that can only be read."""

    def __init__(self, place: Place, timeout_seconds: float) -> None:
        self.place, self.timeout_seconds = place, timeout_seconds
        self.deadline = time.monotonic() + timeout_seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def tables(self) -> dict[str, tuple[str, ...]]:
        """Give the tables and views by the name people use, with the parts of the full name."""

    @abstractmethod
    def fetch(self, select: str) -> pl.DataFrame:
        """Run a checked SELECT."""

    @abstractmethod
    def close(self) -> None:
        """Close it."""

    def failed(self, error: Exception) -> QueryError:
        """Word a database's own error without anything that is secret."""
        text = (str(error).splitlines() or [type(error).__name__])[0]
        for secret in self.place.secrets:
            text = text.replace(secret, "***") if secret else text
        return QueryError(
            f"{self.place.label} answered: {text[:300].rstrip('.')}.", remedy="Correct the query or the URL."
        )

    def too_slow(self) -> QueryError:
        """Word the end of patience."""
        return QueryError(
            f"The query on {self.place.label} took longer than {self.timeout_seconds:g} seconds and was stopped.",
            remedy="Select fewer rows or columns, or raise timeout_seconds.",
        )

    def batched(
        self, fetchmany: Callable[[int], Sequence[Sequence[Any]]]
    ) -> Iterator[Sequence[Sequence[Any]]]:
        """Give rows batch by batch until there are none or time is up."""
        while rows := fetchmany(_BATCH):
            yield rows
            if time.monotonic() > self.deadline:
                raise self.too_slow()


class SQLite(Connection):
    """An SQLite file: opened mode=ro, an authorizer that permits reading only, a progress handler as clock."""

    _READING = frozenset(
        {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
    )

    def __init__(self, place: Place, timeout_seconds: float) -> None:
        super().__init__(place, timeout_seconds)
        where = f"file:{quote(str(place.path))}?mode=ro"
        self.connection = sqlite3.connect(
            where, uri=True, timeout=min(timeout_seconds, 30), check_same_thread=False
        )
        self.connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        self.connection.set_authorizer(self._authorise)
        self.connection.set_progress_handler(lambda: time.monotonic() > self.deadline, 5_000)

    @classmethod
    def _authorise(cls, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        wanted = action in cls._READING and "load_extension" not in (first, second)
        return sqlite3.SQLITE_OK if wanted else sqlite3.SQLITE_DENY

    def tables(self) -> dict[str, tuple[str, ...]]:
        """List what sqlite_master lists."""
        names = self._cursor(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
        ).fetchall()
        return {name: (name,) for (name,) in names if not name.startswith("sqlite_")}

    def fetch(self, select: str) -> pl.DataFrame:
        """Run a checked SELECT; each column is typed by its values."""
        cursor = self._cursor(select)
        headings = [column[0] for column in cursor.description or ()]
        try:
            return framed(headings, self.batched(cursor.fetchmany))
        except sqlite3.Error as error:
            raise self._worded(error) from None

    def _cursor(self, select: str) -> sqlite3.Cursor:
        try:
            return self.connection.execute(select)
        except sqlite3.Error as error:
            raise self._worded(error) from None

    def _worded(self, error: sqlite3.Error) -> QueryError:
        return self.too_slow() if str(error) == "interrupted" else self.failed(error)

    def close(self) -> None:
        """Close the file."""
        self.connection.close()


class DuckDB(Connection):
    """A DuckDB file: read-only, no access to anything outside it, settings locked, a timer that interrupts."""

    def __init__(self, place: Place, timeout_seconds: float) -> None:
        super().__init__(place, timeout_seconds)
        try:
            import duckdb  # noqa: PLC0415 - an extra
        except ImportError:
            raise MissingPackageError.of("duckdb", "databases", "read DuckDB files") from None
        self.duckdb = duckdb
        config: dict[str, str | bool | int | float | list[str]] = {
            "enable_external_access": False,
            "autoload_known_extensions": False,
            "lock_configuration": True,
        }
        try:
            self.connection = duckdb.connect(str(place.path), read_only=True, config=config)
        except duckdb.Error as error:
            raise SourceError(
                f"{place.label} cannot be opened: {(str(error).splitlines() or [''])[0][:200]}",
                "A DuckDB file that no other program is writing to was expected.",
            ) from None

    def tables(self) -> dict[str, tuple[str, ...]]:
        """List what the file itself holds."""
        listed = self.connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_catalog = current_database() ORDER BY ALL"
        ).fetchall()
        return {name if schema == "main" else f"{schema}.{name}": (schema, name) for schema, name in listed}

    def fetch(self, select: str) -> pl.DataFrame:
        """Run a checked SELECT and take it over by Arrow."""
        timer = threading.Timer(max(self.deadline - time.monotonic(), 0.001), self.connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            return pl.DataFrame(self.connection.sql(select))
        except (self.duckdb.Error, pl.exceptions.PolarsError) as error:
            late = time.monotonic() >= self.deadline
            raise (self.too_slow() if late else self.failed(error)) from None
        finally:
            timer.cancel()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()


class PostgreSQL(Connection):
    """A PostgreSQL server: every transaction read-only, the server's own clock, rows fetched from a cursor there."""

    def __init__(self, place: Place, timeout_seconds: float) -> None:
        super().__init__(place, timeout_seconds)
        try:
            import psycopg  # noqa: PLC0415 - an extra
            from psycopg.types.numeric import FloatLoader  # noqa: PLC0415
        except ImportError:
            raise MissingPackageError.of("psycopg", "databases", "read PostgreSQL") from None
        self.psycopg = psycopg
        words = {"connect_timeout": "10", "application_name": "crm-analytics"} | dict(place.words)
        try:
            self.connection = psycopg.connect(**words, options=self._settings())  # type: ignore[arg-type]
        except psycopg.Error as error:
            raise self._unreachable(error) from None
        self.connection.read_only = True
        self.connection.adapters.register_loader("numeric", FloatLoader)

    def _settings(self) -> str:
        milliseconds = max(int(self.timeout_seconds * 1000), 1)
        settings = {
            "default_transaction_read_only": "on",
            "statement_timeout": milliseconds,
            "lock_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds + 60_000,
            "TimeZone": "UTC",
        }
        return " ".join(f"-c {name}={value}" for name, value in settings.items())

    def _unreachable(self, error: Exception) -> SourceError:
        told = self.failed(error)
        return SourceError(
            f"{self.place.label} cannot be reached. {told.found}",
            "A PostgreSQL server that lets this user in was expected.",
            "Check host, port, database and user; the password comes from PGPASSWORD or from ${NAME} in the URL.",
        )

    def tables(self) -> dict[str, tuple[str, ...]]:
        """List what this user can see outside the system's own schemas."""
        with self._running(_POSTGRES_TABLES) as cursor:
            listed = cursor.fetchall()
        return {name if schema == "public" else f"{schema}.{name}": (schema, name) for schema, name in listed}

    def fetch(self, select: str) -> pl.DataFrame:
        """Run a checked SELECT; columns are typed as the server says."""
        with self._running(select) as cursor:
            columns = cursor.description or []
            kinds = [_POSTGRES.get(column.type_code, pl.String()) for column in columns]
            return framed([column.name for column in columns], self.batched(cursor.fetchmany), kinds)

    @contextmanager
    def _running(self, select: str) -> Iterator[ServerCursor[tuple[Any, ...]]]:
        """Run a SELECT by a cursor on the server, which takes nothing but a SELECT and gives its rows bit by bit."""
        try:
            with self.connection.cursor(name="crm_analytics") as cursor:
                yield cursor.execute(select)
        except self.psycopg.errors.QueryCanceled:
            raise self.too_slow() from None
        except self.psycopg.Error as error:
            raise self.failed(error) from None

    def close(self) -> None:
        """End the connection."""
        self.connection.close()


_POSTGRES_TABLES: Final = """
    SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
"""
_POSTGRES: Final[Mapping[int, pl.DataType]] = {
    16: pl.Boolean(),
    20: pl.Int64(),
    21: pl.Int64(),
    23: pl.Int64(),
    26: pl.Int64(),
    700: pl.Float64(),
    701: pl.Float64(),
    790: pl.String(),
    1082: pl.Date(),
    1083: pl.Time(),
    1114: pl.Datetime("us"),
    1184: pl.Datetime("us", "UTC"),
    1700: pl.Float64(),
}
"""The polars types of PostgreSQL's, by their number in pg_type; all others are read as text."""


def framed(
    headings: Sequence[str],
    batches: Iterator[Sequence[Sequence[Any]]],
    kinds: Sequence[pl.DataType] | None = None,
) -> pl.DataFrame:
    """Make a frame of rows; where the database does not say what a column holds, its values do."""
    frames = [_one_frame(rows, kinds) for rows in batches]
    if not frames:
        types = kinds or [pl.String()] * len(headings)
        return pl.DataFrame([pl.Series(f"c{i}", [], t) for i, t in enumerate(types)]).rename(_named(headings))
    return stacked([frame.lazy() for frame in frames]).collect().rename(_named(headings))


def _named(headings: Sequence[str]) -> dict[str, str]:
    from crm_analytics.extracts.recognising.layout import unique_headings  # noqa: PLC0415

    return {f"c{i}": name for i, name in enumerate(unique_headings(headings))}


def _one_frame(rows: Sequence[Sequence[Any]], kinds: Sequence[pl.DataType] | None) -> pl.DataFrame:
    columns = list(zip(*rows, strict=True))
    types = kinds or [_kind_of(values) for values in columns]
    return pl.DataFrame(
        [_series(f"c{i}", values, t) for i, (values, t) in enumerate(zip(columns, types, strict=True))]
    )


def _series(name: str, values: Sequence[Any], kind: pl.DataType) -> pl.Series:
    if kind == pl.String():
        values = [v if v is None or isinstance(v, str) else _text(v) for v in values]
    return pl.Series(name, values, kind, strict=False)


def _text(value: object) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, (bytes, memoryview)) else str(value)


def _kind_of(values: Sequence[Any]) -> pl.DataType:
    found = {type(value) for value in values if value is not None}
    if found <= {int}:
        return pl.Int64() if found else pl.Null()
    return pl.Float64() if found <= {int, float} else pl.String()
