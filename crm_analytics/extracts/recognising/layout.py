"""Find the table among the rows: what stands above it, which rows are its headings, how wide it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from crm_analytics.extracts.cells.kinds import CellKind, cell_kind, column_kinds
from crm_analytics.extracts.raw import FILE, ROW
from crm_analytics.extracts.recognising.heading_words import USUAL
from crm_analytics.extracts.recognising.headings import SURE, fold, heading_score

_MOST_PREAMBLE: Final = 40
_MOST_HEADINGS: Final = 3
_MOST_BODY: Final = 200
_EMPTY: Final[tuple[CellKind, ...]] = ("empty",)


@dataclass(frozen=True)
class Layout:
    """Where the table lies among the rows of a sample.

    Parameters
    ----------
    width
        Number of columns.
    first
        Number of rows that stand above the table, blank ones included.
    n_headings
        Number of heading rows; 0 where the table has none.
    headings
        The headings, made unique.
    kinds
        What the columns hold below the headings.
    is_list
        The rows are lists of unequal length rather than a table.
    raw_headings
        The cells of the last heading row as they came, to know it again further down.
    """

    width: int
    first: int
    n_headings: int
    headings: tuple[str, ...]
    kinds: tuple[CellKind, ...]
    is_list: bool = False
    raw_headings: tuple[str, ...] = ()

    @property
    def body(self) -> int:
        """The index of the first row of data."""
        return self.first + self.n_headings

    def widened(self, width: int) -> Layout:
        """Give the layout of a list with room for more cells."""
        more = max(width - self.width, 0)
        headings = unique_headings([*self.headings, *[""] * more])
        return replace(self, width=self.width + more, headings=headings, kinds=(*self.kinds, *_EMPTY * more))

    def words(self) -> dict[str, str]:
        """Say it in words, for the check report."""
        if not self.n_headings:
            return {"heading row": "none; columns are numbered"}
        first, last = self.first + 1, self.first + self.n_headings
        return {"heading row": f"{first}" if first == last else f"{first} to {last}"}

    def _read_as(self) -> str:
        return (
            "the last of them were taken"
            if self.headings == unique_headings(self.raw_headings)
            else "they were joined"
        )

    def notes(self, above: Sequence[Sequence[str]]) -> tuple[str, ...]:
        """Say what a reader should know: rows passed over, headings made."""
        said = []
        texts = [" ".join(c.strip() for c in row if c.strip()) for row in above]
        if any(texts):
            shown = "; ".join(t[:80] for t in texts if t)[:200]
            said.append(f"{len(above)} rows above the headings were passed over: {shown}")
        if not self.n_headings:
            said.append("No heading row was found; columns are named column_1, column_2, …")
        if self.n_headings > 1:
            said.append(f"The headings stand in {self.n_headings} rows; {self._read_as()}.")
        if self.is_list:
            said.append("The rows are of many lengths; short ones were filled with empty cells.")
        return tuple(said)


def find_layout(rows: Sequence[Sequence[str]]) -> Layout:
    """Find the table in the first rows of a file or sheet.

    Parameters
    ----------
    rows
        Rows of cells as they came, blank ones included; some hundreds are enough.
    """
    width, is_list = _width(rows)
    first = 0 if is_list else _first(rows, width)
    below = [row for row in rows[first:] if _filled(row)]
    n_headings = _count_headings(below, width)
    if not n_headings:  # then what stands above may be data too, and is not passed over
        first = next((at for at, row in enumerate(rows) if _filled(row) >= min(2, width)), 0)
        below = [row for row in rows[first:] if _filled(row)]
    blank = _blank_between(rows[first:], n_headings)
    body = below[n_headings : n_headings + _MOST_BODY]
    heads = [_in_place(row, width, body) for row in below[:n_headings]]
    width = max([width, *map(len, heads)])
    raw = tuple(cell.strip() for cell in below[n_headings - 1]) if n_headings else ()
    kinds = tuple(column_kinds([row for row in body if len(row) == width] or body, width))
    return Layout(
        width, first, n_headings + blank, unique_headings(_joined(heads, width)), kinds, is_list, raw
    )


def _in_place(heads: Sequence[str], width: int, body: Sequence[Sequence[str]]) -> list[str]:
    """Bring a heading row to the columns below it.

    Surplus empty cells go; one heading too few stands for numbered rows without a heading, as R writes them; more
    headings than cells mean that the last columns are empty throughout.
    """
    cells = [cell.strip() for cell in heads]
    if len(cells) > width and sum(map(bool, cells)) <= width:
        filled = [cell for cell in cells if cell]
        return filled if len(filled) == width else cells[:width]
    numbered = [str(i) for i in range(1, len(body) + 1)]
    if len(cells) == width - 1 and len(body) > 1 and [row[0].strip() for row in body] == numbered:
        return ["", *cells]
    while len(cells) > width and not cells[-1]:
        cells.pop()
    return cells


def unique_headings(headings: Sequence[str]) -> tuple[str, ...]:
    """Tidy headings: spaces collapsed, empty ones named column_1 … by place, repeats numbered.

    >>> unique_headings(["id", " Name  of item", "", "id"])
    ('id', 'Name of item', 'column_3', 'id_2')
    >>> unique_headings(["*", "^total$"])
    ('column_1', 'total')
    """
    taken: dict[str, int] = {}
    for place, heading in enumerate(headings, start=1):
        name = base = " ".join(heading.split()) or f"column_{place}"
        if base in (ROW, FILE):  # the house's own names
            name = base = base.strip("_")
        # polars would take "*" and "^total$" for patterns of names
        if base == "*" or (base.startswith("^") and base.endswith("$")):
            name = base = base.strip("^*$") or f"column_{place}"
        while name in taken:
            taken[base] += 1
            name = f"{base}_{taken[base]}"
        taken[name] = taken.setdefault(base, 1) if name == base else 1
    return tuple(taken)


def _filled(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _width(rows: Sequence[Sequence[str]]) -> tuple[int, bool]:
    """Give the usual number of cells; a list of unequal rows is as wide as its longest."""
    widths = Counter(len(row) for row in rows if _filled(row))
    if not widths:
        return 0, False
    usual, n = max(widths.items(), key=lambda item: (item[1], item[0]))
    total = widths.total()
    if total >= 10 and n < 0.4 * total and len(widths) >= 4:  # noqa: PLR2004 - no width that most rows share
        return max(widths), True
    return usual, False


def _first(rows: Sequence[Sequence[str]], width: int) -> int:
    """Find the first row of the table: of about its width, and filled like a row of it."""
    need = max(1, -(-width // 3)) if width < 3 else max(2, -(-width // 3))  # noqa: PLR2004
    for at, row in enumerate(rows[:_MOST_PREAMBLE]):
        if _filled(row) >= need and len(row) >= min(width, need):
            near = abs(len(row) - width) <= max(1, width // 4)
            if near or at + 1 == len(rows):
                return at
    return next((at for at, row in enumerate(rows) if _filled(row)), 0)


def _blank_between(rows: Sequence[Sequence[str]], n_headings: int) -> int:
    """Count blank rows in among the heading rows, so that the body begins after them."""
    seen = blank = 0
    for row in rows:
        if seen == n_headings:
            break
        if _filled(row):
            seen += 1
        else:
            blank += 1
    return blank


def _count_headings(rows: Sequence[Sequence[str]], width: int) -> int:
    if not rows or not _is_heading(rows[0], rows[1 : 1 + _MOST_BODY], width):
        return 0
    n = 1
    while n < min(_MOST_HEADINGS, len(rows) - 1) and _continues(
        rows[n], rows[0], rows[n + 1 : n + 1 + _MOST_BODY], width
    ):
        n += 1
    return n


def _is_heading(row: Sequence[str], body: Sequence[Sequence[str]], width: int) -> bool:
    """Weigh the evidence of each column: a heading differs in kind from the values below it."""
    own = [cell.strip() for cell in row]
    body = [
        other for other in body if [cell.strip() for cell in other] != own
    ]  # headings come again in joined files
    kinds = column_kinds(body, width)
    values = [{r[i].strip() for r in body if i < len(r)} for i in range(width)]
    votes = [_vote(cell.strip(), kind, seen) for cell, kind, seen in zip(row, kinds, values, strict=False)]
    return sum(votes) > 0 if any(votes) else _filled(row) > 0


def _vote(cell: str, kind: CellKind, values: set[str]) -> float:
    own = cell_kind(cell)
    if own in ("number", "date"):
        return -1.5 if kind in (own, "empty") else -0.5
    if kind in ("number", "date"):
        return 2.5 if own == "text" else -0.3  # a word above numbers is the surest sign
    if own == "text" and cell in values:
        return -1.0
    return 0.1 if own == "text" and kind == "text" else 0.0


def _continues(row: Sequence[str], first: Sequence[str], body: Sequence[Sequence[str]], width: int) -> bool:
    """Tell whether a row below a heading row is one more heading row: the same again, or words above values."""
    if [c.strip() for c in row] == [c.strip() for c in first]:
        return True
    kinds = column_kinds(body, width)
    typed = [i for i, kind in enumerate(kinds) if kind in ("number", "date")]
    words = [i for i in typed if i < len(row) and cell_kind(row[i]) == "text"]
    if len(typed) >= 2 and len(words) == len(typed):  # noqa: PLR2004 - one alone may be a stray word
        return True
    # what the question of a survey is answered with stands below it, and nothing below its other columns
    blank = [i for i in typed if i >= len(row) or not row[i].strip()]
    return len(typed) >= 3 and bool(words) and len(words) + len(blank) == len(typed)  # noqa: PLR2004


def _joined(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Join heading rows downwards; a heading above several columns is carried to the right."""
    if not rows:
        return [""] * width
    padded = [_padded(row, width) for row in rows if not _is_technical(row)] or [_padded(rows[-1], width)]
    carried = [*(_carried(row) for row in padded[:-1]), padded[-1]]
    joined = [" ".join({fold(c): c for c in column if c}.values()) for column in zip(*carried, strict=True)]
    alone = padded[-1]
    clear = all(alone) and len(set(alone)) == len(alone)
    return alone if clear and _known(alone) > _known(joined) else joined


def _is_technical(row: Sequence[str]) -> bool:
    """Tell a row of Qualtrics' exports that stands between headings and answers and is for programs alone."""
    return sum(cell.strip().startswith('{"ImportId"') for cell in row) * 2 > _filled(row)


def _known(headings: Sequence[str]) -> int:
    """Count the headings that are usual ones in some table."""
    return sum(
        any(heading_score(h, c, table)[0] == SURE for table, columns in USUAL.items() for c in columns)
        for h in headings
    )


def _padded(row: Sequence[str], width: int) -> list[str]:
    return [*(cell.strip() for cell in row[:width]), *[""] * (width - len(row))]


def _carried(row: Sequence[str]) -> list[str]:
    last, out = "", []
    for cell in row:
        last = cell or last
        out.append(last)
    return out
