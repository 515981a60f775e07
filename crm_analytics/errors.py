"""Every error and warning of the library, worded in one place.

Each error says what was found, what was expected and what to do next. They derive from `CrmError`, so that a
face (command line, dashboard, notebook) can catch one class and show one clear message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import ClassVar, Self


class CrmError(Exception):
    """Something the user can mend: what was found, what was expected, what to do.

    Parameters
    ----------
    found, expected, remedy
        One sentence each; `expected` and `remedy` may be empty.
    """

    code: ClassVar[str] = "error"

    def __init__(self, found: str, expected: str = "", remedy: str = "") -> None:
        super().__init__(found, expected, remedy)
        self.found = found
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(part for part in (self.found, self.expected, self.remedy) if part)

    def to_dict(self) -> dict[str, str]:
        """Give the machine-readable form: code, found, expected, remedy."""
        return {"code": self.code, "found": self.found, "expected": self.expected, "remedy": self.remedy}


class SourceError(CrmError):
    """A file or database cannot be read, or is not what it claims to be."""

    code = "source"

    @classmethod
    def not_found(cls, path: object) -> Self:
        """Word the error for a path that does not exist."""
        return cls(
            f"There is no file or folder at {str(path)!r}.",
            remedy="Check the spelling, and that the path is relative to the folder you started in.",
        )

    @classmethod
    def empty(cls, source: str) -> Self:
        """Word the error for a source without a single row."""
        return cls(
            f"{_sentence(source)} holds no rows.", "A heading row and at least one row of data were expected."
        )

    @classmethod
    def no_answer(cls, address: str, seconds: float) -> Self:
        """Word the error for a server that does not answer."""
        return cls(
            f"{address} did not answer within {seconds:.0f} seconds.",
            remedy="Try again, or run with --debug.",
        )

    @classmethod
    def nothing_recognised(cls, folder: object) -> Self:
        """Word the error for a folder in which no file is recognised as a table."""
        return cls(
            f"No file in {str(folder)!r} was recognised as a table.",
            remedy="Name one file, and what it holds: crm-analytics init orders.csv --table transactions.",
        )

    @classmethod
    def not_written(cls, path: object, cause: str) -> Self:
        """Word the error for a file that cannot be written."""
        return cls(
            f"{str(path)!r} could not be written: {cause[:1].lower()}{cause[1:]}.",
            remedy="Choose another place, free some space, or close the program that has it open. "
            "An older file of this name is untouched.",
        )


class TooLargeError(SourceError):
    """A file would take more memory or time than is allowed."""

    code = "too_large"

    @classmethod
    def for_a_sheet(cls, table: str, rows: int, most: int) -> Self:
        """Word the error for a table that no sheet holds."""
        return cls(
            f"The table {table!r} has {rows:,} rows.", f"A sheet holds {most:,}.", "Write it as CSV instead."
        )


class QueryError(SourceError):
    """A database query is not one read-only SELECT, failed, or took too long."""

    code = "query"


class ColumnError(CrmError):
    """A required column is missing, named twice, or cannot be recognised."""

    code = "columns"

    @classmethod
    def missing(cls, column: str, table: str, found: Sequence[str], also: str = "") -> Self:
        """Word the error for a required column that was not recognised; `also` adds another way out."""
        return cls(
            f"No column of the {table} was recognised as {column!r}; found {_listed(found)}.",
            f"{table.capitalize()} need a column {column!r}.",
            f"Name it: columns={{{column!r}: '<heading>'}} in Python, or in crm.toml under "
            f"[sources.{table}.columns].{_did_you_mean(column, found)}{also}",
        )

    @classmethod
    def nothing_named(cls, source: str, found: Sequence[str]) -> Self:
        """Word the error for a source none of whose headings is known."""
        return cls(
            f"No heading of {source} names a column of any table; found {_listed(found, 6)}.",
            "A table of customers, orders or the like was expected.",
            "If it is one, say which: --table transactions, and name its columns.",
        )

    @classmethod
    def no_such_heading(cls, heading: str, wanted_for: str, found: Sequence[str]) -> Self:
        """Word the error for a heading that the mapping names and the source lacks."""
        return cls(
            f"There is no heading {heading!r} (wanted for {wanted_for!r}); found {_listed(found)}.",
            remedy=f"Correct the mapping.{_did_you_mean(heading, found)}",
        )


class ConfigError(CrmError):
    """crm.toml is missing, is not TOML, or says something that cannot be."""

    code = "config"

    @classmethod
    def not_toml(cls, place: str, why: str) -> Self:
        """Word the error for a file that is not TOML."""
        return cls(f"{place} is not TOML: {why}.", remedy="Correct that line; text stands in double quotes.")

    @classmethod
    def unknown_key(cls, place: str, key: str, within: str, known: Sequence[str]) -> Self:
        """Word the error for a key that does not exist, with did-you-mean."""
        return cls(
            f"{place}: there is no key {key!r} in {within}.",
            f"Known: {_listed(known)}.",
            _did_you_mean(key, known).strip(),
        )

    @classmethod
    def bad_value(cls, place: str, key: str, value: object, expected: str) -> Self:
        """Word the error for a value that cannot be."""
        return cls(f"{place}: {key} = {value!r} cannot be.", f"Expected {expected}.")

    @classmethod
    def none_here(cls) -> Self:
        """Word the error for a command without a base in a folder without settings."""
        return cls(
            "There is no crm.toml in this folder.",
            remedy="Make one with: crm-analytics init orders.csv. Or name a file or folder after the command; "
            "crm-analytics demo shows everything on sample data.",
        )

    @classmethod
    def already_there(cls, path: object) -> Self:
        """Word the error for settings that would be overwritten."""
        return cls(
            f"{str(path)!r} is already there.",
            remedy="Write elsewhere with --out, or overwrite it with --force.",
        )


class OptionError(CrmError, ValueError):
    """An option of an analysis is out of its range."""

    code = "option"

    @classmethod
    def out_of_range(cls, option: str, value: object, expected: str) -> Self:
        """Word the error for a value outside the option's range."""
        return cls(f"{option}={value!r} is out of range.", f"Expected {expected}.")

    @classmethod
    def not_a_pair(cls, text: str) -> Self:
        """Word the error for an option that is not written as name=value."""
        return cls(f"The option {text!r} has no value.", "Options are written name=value.")

    @classmethod
    def unreadable(cls, option: str, text: str, expected: str, cause: str) -> Self:
        """Word the error for a text that is no value of the option's type."""
        cause = cause[:1].upper() + cause[1:].rstrip(".")
        return cls(f"{option}={text} cannot be read.", f"{cause}.", f"The option takes: {expected}.")

    @classmethod
    def port_taken(cls, port: int) -> Self:
        """Word the error for a port that another program uses."""
        return cls(
            f"Port {port} is in use.",
            remedy="Name another one with --port, or leave it out to take a free one.",
        )

    @classmethod
    def only_in_python(cls, option: str, analysis: str) -> Self:
        """Word the error for an option whose value cannot be written as text."""
        return cls(
            f"The option {option!r} takes a table or another object.",
            remedy=f"Set it in Python: crm.{analysis}(..., {option}=...).",
        )


class UnknownNameError(CrmError, KeyError):
    """A name (analysis, view, table, segment) that does not exist."""

    code = "unknown_name"

    __str__ = CrmError.__str__

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str], remedy: str = "") -> Self:
        """Word the error for an unknown name, with did-you-mean where there is no better `remedy`."""
        names = list(known)
        return cls(
            f"There is no {kind} {name!r}.",
            f"Known: {_listed(names)}.",
            remedy or _did_you_mean(name, names).strip(),
        )


class NotEnoughDataError(CrmError):
    """Too few rows, customers or periods remain for the question."""

    code = "not_enough_data"

    @classmethod
    def of(cls, what: str, found: int, needed: int, remedy: str = "") -> Self:
        """Word the error for too few of something."""
        return cls(
            f"Found {found:,} {_one(what) if found == 1 else what}.",
            f"At least {needed:,} {'is' if needed == 1 else 'are'} needed.",
            remedy or "Widen the dates or filters, or look at the check report for what was set aside.",
        )


class MissingPackageError(CrmError, ImportError):
    """An optional package is not installed."""

    code = "missing_package"

    @classmethod
    def of(cls, package: str, extra: str, purpose: str) -> Self:
        """Word the error for an optional package, with the command that installs it."""
        return cls(
            f"{package} is not installed.",
            f"It is needed to {purpose}.",
            f'Install it with: pip install "crm-analytics[{extra}]"',
        )


class CrmWarning(UserWarning):
    """Base of the library's warnings."""


class StatisticalWarning(CrmWarning):
    """A statistical difficulty that also travels on the Result as a note."""


def _one(several: str) -> str:
    """Put the first noun of a plural into the singular: "complete calendar months" becomes "… month"."""
    return re.sub(r"(\w+[^\Ws])s\b", r"\1", several, count=1)


def _sentence(text: str) -> str:
    """Begin a sentence: "the frame given" with a capital, a file's name as it is."""
    return f"T{text[1:]}" if text.startswith("the ") else text


def _listed(names: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown or "nothing"


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    folded = {k.casefold(): k for k in known}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f" Did you mean {folded[close[0]]!r}?" if close else ""
