"""The apostrophe that keeps a spreadsheet from running a text as a formula: put on in every sheet, taken off at the door.

A cell such as ``=HYPERLINK(...)`` typed into a customer's name runs in the spreadsheet of whoever opens the list
(OWASP "CSV injection"; ASVS 5.0, 1.2.10). `guard` puts an apostrophe before what a spreadsheet could take for a
formula; `unguard` takes exactly that apostrophe off, so that a value survives the way out and back in.
"""

from __future__ import annotations

import re
from typing import Final, TypeVar

import polars as pl

Text = TypeVar("Text", pl.Expr, pl.Series)

_SIGNS: Final = r"=+\-@＝＋－＠"  # noqa: RUF001 the wide forms are taken for the plain ones by East Asian editions
_START: Final = rf"^('* *[{_SIGNS}\t\r\n\x00])"
_GUARDED_START: Final = rf"^'('* *[{_SIGNS}\t\r\n\x00])"
# A semicolon or line break inside a text begins a new cell where the list separator is a semicolon.
_INSIDE: Final = rf"([;\r\n])('* *[{_SIGNS}])"
_GUARDED_INSIDE: Final = rf"([;\r\n])'('* *[{_SIGNS}])"


def guard(text: Text) -> Text:
    """Put the apostrophe where a spreadsheet would begin a formula.

    >>> guard(pl.Series(["=1+1", "+49 30 1234", "plain", "a;@b"])).to_list()
    ["'=1+1", "'+49 30 1234", 'plain', "a;'@b"]
    """
    return text.str.replace_all(_INSIDE, "${1}'${2}").str.replace(_START, "'${1}")


def unguard(text: Text) -> Text:
    """Take the apostrophe off again; a text that never had one stays as it is.

    >>> unguard(pl.Series(["'=1+1", "'tis", "O'Neill", "a;'@b"])).to_list()
    ['=1+1', "'tis", "O'Neill", 'a;@b']
    """
    return text.str.replace(_GUARDED_START, "${1}").str.replace_all(_GUARDED_INSIDE, "${1}${2}")


def guard_text(text: str) -> str:
    """Guard one text, such as a heading.

    >>> guard_text("=cmd|'/c calc'!A0"), guard_text("Spend")
    ("'=cmd|'/c calc'!A0", 'Spend')
    """
    return re.sub(_START, r"'\1", re.sub(_INSIDE, r"\1'\2", text), count=1)


def unguard_text(text: str) -> str:
    """Take the apostrophe off one text.

    >>> unguard_text("'=sum"), unguard_text("'s-Hertogenbosch")
    ('=sum', "'s-Hertogenbosch")
    """
    return re.sub(_GUARDED_INSIDE, r"\1\2", re.sub(_GUARDED_START, r"\1", text, count=1))
