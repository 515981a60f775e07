"""Find out how a text file marks its cells: every plausible dialect is tried on a sample and scored.

The score follows van den Burg, Nazábal and Sutton (2019), "Wrangling messy CSV files by detecting row and type
patterns": rows of equal width speak for a dialect, and so do cells that look like values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from crm_analytics.extracts.cells.kinds import cell_kind
from crm_analytics.extracts.text.splitting import Dialect, Escape, records

SAMPLE_LINES: Final = 300
_PRIOR: Final = {",": 1.0, ";": 1.0, "\t": 1.0, "|": 0.97, " ": 0.6, "": 0.02}
_VALUE: Final = {"number": 1.0, "date": 1.0, "empty": 0.8, "text": 0.7}
_LONG_TEXT: Final = 0.55
_LEFTOVER: Final = 0.1


def detect(lines: Sequence[str], separator: str | None = None) -> Dialect:
    """Choose the dialect that makes most sense of the lines.

    Parameters
    ----------
    lines
        The first lines of the file, without line ends.
    separator
        The separator where it is known.
    """
    sample = [line for line in lines if line.strip()][:SAMPLE_LINES]
    return max(
        _candidates(sample, separator), key=lambda d: _score(sample, d), default=Dialect(separator or ",")
    )


def _candidates(sample: Sequence[str], separator: str | None) -> Iterable[Dialect]:
    text = "\n".join(sample)
    for mark in [separator] if separator is not None else [s for s in _PRIOR if s in text]:
        for quote in _quotes(text, mark):
            for escape in _escapes(text, quote):
                yield Dialect(mark, quote, escape, strip=_spaced(text, mark), runs=False)
        if mark == " " and "  " in text:
            yield Dialect(mark, "", runs=True)


def _quotes(text: str, separator: str) -> list[str]:
    """Give the quote characters that stand beside separators or line ends, or the usual one."""
    edges = [e for e in (separator, "\n") if e]
    found = [q for q in ('"', "'") if _beside(text, q, edges)]
    return found or ['"'] if '"' in found or '"' not in text else [*found, ""]


def _beside(text: str, quote: str, edges: Sequence[str]) -> bool:
    opens = text.startswith(quote) or any(e + quote in text or e + " " + quote in text for e in edges)
    closes = text.endswith(quote) or any(quote + e in text for e in edges)
    return opens and (closes or quote == '"')


def _escapes(text: str, quote: str) -> list[Escape]:
    return ["doubled", "backslash"] if quote and "\\" + quote in text else ["doubled"]


def _spaced(text: str, separator: str) -> bool:
    """Tell whether nearly every separator is followed by a space that belongs to it."""
    if not separator or separator.isspace():
        return False
    n = text.count(separator)
    return text.count(separator + " ") + text.count(separator + "\n") >= 0.8 * n or (
        f'{separator} "' in text and f'{separator}"' not in text
    )


def _score(sample: Sequence[str], dialect: Dialect) -> float:
    rows = [r.cells for r in islice(records(sample, dialect), len(sample))]
    return _shape(rows) * _values(rows, dialect) * _PRIOR.get(dialect.separator, 0.8)


def _shape(rows: Sequence[Sequence[str]]) -> float:
    """Reward many rows of one width, and more than one column."""
    widths = Counter(len(row) for row in rows)
    pattern = sum(n * n * max(width - 1, 0.001) / width for width, n in widths.items() if width)
    return pattern / max(len(rows), 1) ** 2


def _values(rows: Sequence[Sequence[str]], dialect: Dialect) -> float:
    cells = [cell for row in rows for cell in row]
    return sum(_worth(cell, dialect) for cell in cells) / max(len(cells), 1)


def _worth(cell: str, dialect: Dialect) -> float:
    """Say how much a cell looks like a value: leftovers of quotes and separators speak against the dialect."""
    edge = cell.strip()
    if dialect.quote and dialect.escape == "doubled" and "\\" + dialect.quote in cell:
        return _LEFTOVER
    if len(edge) > 1 and (edge[0] in "\"'" or edge[-1] == '"') and edge.count(edge[0]) != 1:
        return _LEFTOVER
    kind = cell_kind(cell)
    if kind == "text" and (dialect.separator in ("", " ") or len(edge) > 100):  # noqa: PLR2004
        return _LONG_TEXT
    return _VALUE[kind]
