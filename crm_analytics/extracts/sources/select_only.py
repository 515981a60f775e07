"""Prove that a query is one SELECT and nothing else, before any database sees it."""

from __future__ import annotations

import re
from types import ModuleType
from typing import TYPE_CHECKING, Final, Literal

from crm_analytics.errors import MissingPackageError, QueryError

if TYPE_CHECKING:
    from sqlglot.expressions import Expression, Func

Engine = Literal["sqlite", "duckdb", "postgres"]

_REFUSED_FUNCTIONS: Final = re.compile(
    r"pg_(read|ls|stat_file|file|terminate|cancel|reload|rotate|create|drop|switch|promote|logical|replication"
    r"|backup|start|stop|wal_replay|import|export|advisory|try_advisory|notify|sync|execute|copy|current_logfile"
    r"|hba|ident|show_all|config).*"
    r"|lo_.*|loread|lowrite|dblink.*|set_config|setval|nextval|(query|cursor|database|schema|table)_to_xml.*|ts_stat"
    r"|load_extension|readfile|writefile|edit|fts3_tokenizer|zipfile|sqlite_dbpage|sqlite_dbdata|fsdir|pragma_.*"
    r"|read_.*|sniff_.*|parquet_.*|glob|.*_scan|query|query_table|getenv|duckdb_secrets|which_secret|st_read.*|csv_.*"
)
_FORBIDDEN: Final = (
    *(
        "DML",
        "Create",
        "Drop",
        "Alter",
        "Command",
        "Into",
        "Copy",
        "Set",
        "Pragma",
        "Attach",
        "Detach",
        "Lock",
        "Use",
    ),
    *("Kill", "Transaction", "Commit", "Rollback", "TruncateTable", "Analyze", "Describe", "Install"),
)
_LONGEST: Final = 100_000
_REMEDY: Final = "Give one SELECT (WITH … SELECT is fine) that reads tables and views."


def checked_query(query: str, engine: Engine) -> str:
    """Give the query back without its closing semicolon if it is one SELECT, else say what it is instead.

    Raises
    ------
    QueryError
        It cannot be parsed, holds several statements, or does anything but read tables.
    """
    sqlglot = _sqlglot()
    _check_words(sqlglot, query, engine)
    statement = _parsed(sqlglot, query, engine)
    forbidden = tuple(getattr(sqlglot.exp, name) for name in _FORBIDDEN if hasattr(sqlglot.exp, name))
    if not isinstance(statement, sqlglot.exp.Query) or isinstance(statement, sqlglot.exp.DDL):
        raise _refused(f"begins with {statement.key.upper()}")
    for node in statement.walk():
        if isinstance(node, forbidden):
            raise _refused(f"holds {node.key.upper()}")
        if isinstance(node, sqlglot.exp.Func) and _REFUSED_FUNCTIONS.fullmatch(_name(node).casefold()):
            raise _refused(f"calls {_name(node)}()")
    return query.strip().rstrip(";").rstrip()


def _sqlglot() -> ModuleType:
    try:
        import sqlglot  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingPackageError.of("sqlglot", "databases", "check a query before it is sent") from None
    return sqlglot


def _check_words(sqlglot: ModuleType, query: str, engine: Engine) -> None:
    """Count the statements and look at the first word, before the parser is asked to understand the rest."""
    if "\x00" in query or len(query) > _LONGEST:
        raise _refused(f"holds a NUL or is longer than {_LONGEST:,} letters")
    try:
        words = [token.text for token in sqlglot.tokenize(query, read=engine)]
    except sqlglot.errors.SqlglotError as error:
        raise _unparsed(error) from None
    statements = [part for part in _split(words) if part]
    if len(statements) != 1:
        raise QueryError(
            f"The query holds {len(statements)} statements.", "Exactly one SELECT was expected.", _REMEDY
        )
    first = statements[0][0].upper()
    if first not in ("SELECT", "WITH", "FROM", "("):
        raise _refused(f"begins with {first}")


def _split(words: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == ";":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _parsed(sqlglot: ModuleType, query: str, engine: Engine) -> Expression:
    try:
        statement: Expression
        (statement,) = (s for s in sqlglot.parse(query, read=engine) if s is not None)
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError) as error:
        raise _unparsed(error) from None
    return statement


def _unparsed(error: Exception) -> QueryError:
    why = re.sub(r"\x1b\[[0-9;]*m", "", (str(error).splitlines() or ["it is nested too deeply"])[0])
    return QueryError(f"The query cannot be parsed: {why}", "One SELECT was expected.", _REMEDY)


def _name(function: Func) -> str:
    name = function.name if function.key == "anonymous" else function.sql_name()
    return str(name)


def _refused(what: str) -> QueryError:
    return QueryError(f"The query {what}.", "Only reading is allowed: one SELECT.", _REMEDY)
