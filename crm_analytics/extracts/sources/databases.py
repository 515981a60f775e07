"""Read a table or one SELECT from a database by URL; nothing else can be done to it from here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote

from crm_analytics.errors import ConfigError, OptionError, QueryError, SourceError, UnknownNameError
from crm_analytics.extracts.raw import RawTable
from crm_analytics.extracts.sources.database_engines import Connection, DuckDB, Place, PostgreSQL, SQLite
from crm_analytics.extracts.sources.frames import tidied
from crm_analytics.extracts.sources.select_only import checked_query

_SCHEMES: Final = {
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "postgresql": "postgres",
    "postgres": "postgres",
    "postgresql+psycopg": "postgres",
}
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SERVER: Final = re.compile(
    r"[a-z+]+://(?:(?P<user>[^:@/?]*)(?::(?P<password>[^@/?]*))?@)?(?:\[(?=[^]]*\]))?(?P<host>\$\{\w+\}|[^\[\]/?:]*|[0-9a-fA-F:]+)\]?"
    r"(?::(?P<port>\d+|\$\{\w+\}))?(?:/(?P<dbname>[^?]*))?(?:\?(?P<options>.*))?",
    re.IGNORECASE,
)
_ALLOWED: Final = frozenset(
    {
        "host",
        "port",
        "dbname",
        "user",
        "sslmode",
        "sslrootcert",
        "sslcert",
        "sslkey",
        "connect_timeout",
        "application_name",
    }
    | {"target_session_attrs", "gssencmode", "channel_binding", "service"}
)


def read_database(
    url: str,
    *,
    query: str | None = None,
    table: str | None = None,
    timeout_seconds: float = 60.0,
) -> RawTable:
    """Read a table, or what one SELECT gives, from SQLite, DuckDB or PostgreSQL.

    The connection is read-only and the query is proved to be one SELECT first. Give the program a database role that may
    only read all the same: that is the one protection that no query can talk away.

    Parameters
    ----------
    url
        sqlite:///file, duckdb:///file or postgresql://host/database. Names and passwords come from the environment:
        ${NAME} in the URL, or PGUSER, PGPASSWORD and the like.
    query, table
        One SELECT, or a table or view by name; neither where the database has one table only.
    timeout_seconds
        Longest time the query may take.

    Raises
    ------
    QueryError
        The query does anything but read, fails, or takes too long.
    ConfigError
        A password stands in the URL, or a variable it names is not set.
    """
    return read_place(_place(url), query=query, table=table, timeout_seconds=timeout_seconds)


def read_place(place: Place, *, query: str | None, table: str | None, timeout_seconds: float) -> RawTable:
    """Read from a database whose place is known; `read_database` says how."""
    _check_options(query, table, timeout_seconds)
    with _connected(place, timeout_seconds) as connection:
        select = checked_query(query, place.engine) if query is not None else _whole(connection, place, table)
        frame = connection.fetch(select)
    details = {"database": place.label} | ({"query": query} if query else {"table": table or "the only one"})
    return RawTable(tidied(frame.lazy()), place.label, "database", details)


def _check_options(query: str | None, table: str | None, timeout_seconds: float) -> None:
    if query is not None and table is not None:
        raise OptionError("Both query= and table= were given.", "One of them was expected.", "Leave one out.")
    if not 0 < timeout_seconds <= 86_400:  # noqa: PLR2004 - a day
        raise OptionError.out_of_range("timeout_seconds", timeout_seconds, "seconds between 0 and 86400")


def _connected(place: Place, timeout_seconds: float) -> Connection:
    if place.engine == "sqlite":
        return SQLite(place, timeout_seconds)
    return DuckDB(place, timeout_seconds) if place.engine == "duckdb" else PostgreSQL(place, timeout_seconds)


def _whole(connection: Connection, place: Place, table: str | None) -> str:
    """Word the SELECT of a whole table; the one there is if none is named."""
    known = connection.tables()
    if table is None:
        return f"SELECT * FROM {_quoted(_only(known, place))}"  # noqa: S608 - quoted names of known tables
    folded = {name.casefold(): parts for name, parts in known.items()}
    found = known.get(table) or folded.get(table.casefold())
    if found is None:
        raise UnknownNameError.of("table", table, known)
    return f"SELECT * FROM {_quoted(found)}"  # noqa: S608


def _only(known: dict[str, tuple[str, ...]], place: Place) -> tuple[str, ...]:
    if len(known) == 1:
        return next(iter(known.values()))
    if not known:
        raise SourceError(
            f"{place.label} holds no table that may be read.",
            remedy="Check the database and the role's rights.",
        )
    shown = ", ".join(list(known)[:20])
    raise QueryError(
        f"{place.label} holds {len(known)} tables: {shown}.",
        "One was expected.",
        "Name one with table=, or give query=.",
    )


def _quoted(parts: Sequence[str]) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _place(url: str) -> Place:
    scheme, found, rest = url.partition("://")
    engine = _SCHEMES.get(scheme.lower())
    if engine is None or not found:
        raise ConfigError(f"{scheme!r} is no kind of database known here.", f"Known: {', '.join(_SCHEMES)}.")
    return _server(url) if engine == "postgres" else _file(engine, rest)


def _file(engine: str, rest: str) -> Place:
    location = _filled(rest.partition("?")[0], [])
    if not location.startswith("/"):
        raise ConfigError(
            f"The URL {engine}://{location} names no file.",
            f"{engine}:///file or {engine}:////folder/file was expected.",
        )
    path = Path(unquote(location.removeprefix("/")))
    if not path.is_file():
        raise SourceError.not_found(path)
    return Place("sqlite" if engine == "sqlite" else "duckdb", path.name, path)


def _server(url: str) -> Place:
    """Take a PostgreSQL URL apart; passwords only by the environment."""
    match = _SERVER.fullmatch(url)
    if match is None:
        raise ConfigError("The database URL cannot be read.", "postgresql://host:port/database was expected.")
    options = dict(parse_qsl(match["options"] or "", keep_blank_values=True))
    password = match["password"] or options.pop("password", "")
    _refuse_literal(password)
    _refuse_others(options)
    named = {key: unquote(match[key] or "") for key in ("user", "host", "port", "dbname")}
    secrets: list[str] = []
    wanted = named | {"password": password} | options
    given = {key: _filled(value, secrets) for key, value in wanted.items() if value}
    host = given.get("host", "")
    label = f"postgresql://{'local' if host.startswith('/') else host}/{given.get('dbname', '')}"
    return Place("postgres", label, None, given, tuple(secrets))


def _refuse_others(options: Mapping[str, str]) -> None:
    refused = sorted(set(options) - _ALLOWED)
    if refused:
        raise ConfigError(
            f"The database URL sets {', '.join(refused)}.",
            f"Only {', '.join(sorted(_ALLOWED))} may be set there.",
            "Leave it out; the connection is made read-only and bounded in time by itself.",
        )


def _refuse_literal(password: str) -> None:
    if password and not _VARIABLE.fullmatch(password):
        raise ConfigError(
            "A password is written in the database URL.",
            "Passwords are taken from the environment only, so that they get into no file, log or notebook.",
            "Write ${CRM_DB_PASSWORD} in its place and set the variable CRM_DB_PASSWORD, or leave it out and set PGPASSWORD.",
        )


def _filled(text: str, secrets: list[str]) -> str:
    """Put in the variables named by ${NAME}, and remember their values so that no message shows them."""

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise ConfigError(
                f"The database URL names the variable {match[1]}, which is not set.",
                remedy=f"Set it: export {match[1]}=…",
            )
        secrets.append(found)
        return found

    return _VARIABLE.sub(value, text)
