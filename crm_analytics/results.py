"""The Result that every analysis returns: a frozen value of tables, words and provenance.

It holds no figure and draws nothing itself: `plot` calls the chart module that bears the analysis' name.
"""

from __future__ import annotations

import html
import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import polars as pl

from crm_analytics import formats
from crm_analytics.errors import MissingPackageError, OptionError, UnknownNameError
from crm_analytics.terms import Term, terms_for

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_SUMMARY_ROWS: Final = 15


@dataclass(frozen=True)
class Note:
    """Something a reader must know about a finding: what was assumed, or what is weak.

    `option` is how the library is told otherwise; managers read the text alone, analysts `str(note)`.
    """

    code: str
    text: str
    severity: Literal["info", "caution"] = "info"
    option: str = ""

    def __str__(self) -> str:
        """Say it with the option of the analysis that changes it, as analysts read it.

        >>> str(Note("grace", "Later returns count as lost.", option="grace_days=60"))
        'Later returns count as lost. (Option: grace_days=60)'
        """
        return f"{self.text} (Option: {self.option})" if self.option else self.text


@dataclass(frozen=True)
class View:
    """A picture of the result: its name, its title, and the table it draws.

    One that is `aside` is for who asks for it, and left out of reports.
    """

    name: str
    title: str
    table: str
    aside: bool = False


@dataclass(frozen=True)
class Provenance:
    """Where the figures come from: what was read, what was set aside, up to when.

    `window_start` and `window_end` are the first and last day of the rows used; `as_of` is exclusive, and where it was not
    given `as_of_rule` says which day was taken.
    """

    sources: tuple[str, ...]
    rows_in: int
    rows_kept: int
    rows_rejected: int
    reasons: Mapping[str, int]
    window_start: date | None
    window_end: date | None
    as_of: date | None
    as_of_given: bool
    library_version: str
    filters: tuple[str, ...] = ()
    as_of_rule: str = "the day after the last row"


@dataclass(frozen=True, eq=False)
class Later:
    """A table that is made when somebody asks for it: its columns, and what makes it."""

    columns: tuple[str, ...]
    make: Callable[[], pl.DataFrame]


class Tables(Mapping[str, pl.DataFrame]):
    """Tables by name; those that are made later are made once, and all of them when the tables are pickled."""

    def __init__(self, tables: Mapping[str, pl.DataFrame | Later]) -> None:
        self._tables = dict(tables)

    def __getitem__(self, name: str) -> pl.DataFrame:
        table = self._tables[name]
        if isinstance(table, Later):
            table = self._tables[name] = table.make()
        return table

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        shapes = (
            f"{name}: {'not made yet' if isinstance(table, Later) else f'{table.height:,} rows'}"
            for name, table in self._tables.items()
        )
        return f"Tables({', '.join(shapes)})"

    def __reduce__(self) -> tuple[type[Tables], tuple[dict[str, pl.DataFrame]]]:
        return Tables, (dict(self.items()),)

    @property
    def columns(self) -> list[str]:
        """The columns of all tables, those that are made later too."""
        return [column for table in self._tables.values() for column in table.columns]


@dataclass(frozen=True, eq=False)
class Result:
    """What an analysis found.

    Made by `Result.of`; read by `headline()`, `summary()`, `tables()`, `plot()`, `to_dict()`.
    """

    analysis: str
    title: str
    sentence: str
    brief: pl.DataFrame
    frames: Mapping[str, pl.DataFrame]
    views: tuple[View, ...]
    parameters: Mapping[str, Any]
    provenance: Provenance
    notes: tuple[Note, ...] = ()
    terms: Mapping[str, Term] = field(default_factory=dict)
    currency: str | None = None

    @classmethod
    def of(
        cls,
        analysis: str,
        *,
        title: str,
        headline: str,
        summary: pl.DataFrame,
        tables: Mapping[str, pl.DataFrame | Later],
        views: tuple[View, ...],
        parameters: Mapping[str, Any],
        provenance: Provenance,
        notes: tuple[Note, ...] = (),
        terms: Mapping[str, Term] | None = None,
        currency: str | None = None,
    ) -> Self:
        """Make a result; every column must have a term, and the summary must stay short."""
        if summary.height > MOST_SUMMARY_ROWS:
            raise OptionError.out_of_range("summary", summary.height, f"at most {MOST_SUMMARY_ROWS} rows")
        frames = Tables({n: t if isinstance(t, Later) else _typeset(t) for n, t in tables.items()})
        known = terms_for([*summary.columns, *frames.columns], terms or {})
        return cls(
            analysis,
            title,
            _said(headline),
            _typeset(summary),
            frames,
            tuple(replace(view, title=_said(view.title)) for view in views),
            dict(parameters),
            provenance,
            tuple(replace(note, text=_said(note.text)) for note in notes),
            known,
            currency,
        )

    def headline(self) -> str:
        """Say the finding in one sentence with its figures."""
        return self.sentence

    def summary(self) -> pl.DataFrame:
        """Give the short table a manager reads, at most 15 rows."""
        return self.brief

    def tables(self) -> Mapping[str, pl.DataFrame]:
        """Give all tables by name, tidy: one row per thing, one meaning per column.

        Long lists of customers may be made when they are asked for.
        """
        return self.frames

    def with_notes(self, *notes: Note) -> Self:
        """Give the same result with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def plot(self, view: str | None = None, *, theme: str = "light") -> go.Figure:
        """Draw a view (the first if none is named) as a plotly figure.

        Raises
        ------
        UnknownNameError
            If there is no such view.
        MissingPackageError
            If plotly is not installed.
        """
        name = view or self.views[0].name
        if name not in {v.name for v in self.views}:
            raise UnknownNameError.of(f"view of {self.analysis}", name, [v.name for v in self.views])
        try:
            draw: Callable[..., go.Figure] = importlib.import_module("crm_analytics.charts").draw
        except ModuleNotFoundError as error:
            if error.name != "plotly":
                raise
            raise MissingPackageError.of("plotly", "charts", "draw a picture") from error
        return draw(self, name, theme=theme)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain JSON values; `Result.from_dict` reads it back."""
        return {
            "analysis": self.analysis,
            "title": self.title,
            "headline": self.sentence,
            "currency": self.currency,
            "summary": _frame_to_json(self.brief),
            "tables": {name: _frame_to_json(frame) for name, frame in self.frames.items()},
            "views": [asdict(v) for v in self.views],
            "parameters": _plain(self.parameters),
            "provenance": _plain(asdict(self.provenance)),
            "notes": [asdict(n) for n in self.notes],
            "terms": [asdict(t) for t in self.terms.values()],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a result back from `to_dict`."""
        return cls(
            analysis=data["analysis"],
            title=data["title"],
            sentence=data["headline"],
            brief=_frame_from_json(data["summary"]),
            frames=Tables({name: _frame_from_json(frame) for name, frame in data["tables"].items()}),
            views=tuple(View(**v) for v in data["views"]),
            parameters=data["parameters"],
            provenance=_provenance_from_json(data["provenance"]),
            notes=tuple(Note(**n) for n in data["notes"]),
            terms={t["name"]: Term(**t) for t in data["terms"]},
            currency=data["currency"],
        )

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr>{self._cells(row)}</tr>" for row in self.brief.iter_rows(named=True))
        heads = "".join(
            f"<th {self._side(c)}>{html.escape(formats.label(self.terms[c], self.currency))}</th>"
            for c in self.brief.columns
        )
        notes = "".join(f"<li>{html.escape(str(n))}</li>" for n in self.notes)
        return (
            f"<h3>{html.escape(self.title)}</h3><p><strong>{html.escape(self.sentence)}</strong></p>"
            f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table><ul>{notes}</ul>"
        )

    def _cells(self, row: Mapping[str, object]) -> str:
        return "".join(
            f"<td {self._side(c)}>{html.escape(formats.value(v, self.terms[c].unit, self.currency))}</td>"
            for c, v in row.items()
        )

    def _side(self, column: str) -> str:
        """Set words to the left, where they wrap, and figures to the right, in any notebook and in our pages."""
        if self.terms[column].unit in ("text", "id", "flag"):
            return 'class="left" style="text-align: left"'
        return 'style="text-align: right"'


def _said(words: str) -> str:
    """Write a heading or sentence as it is read: a capital first, even where a name of the data opens it; true minuses."""
    return formats.opening(formats.minus(words))


def _typeset(frame: pl.DataFrame) -> pl.DataFrame:
    """Write columns of our own words as they are read; names and codes from the data stay as they came."""
    texts = [c for c, kind in frame.schema.items() if kind == pl.String and c != "answer_text"]
    return frame.with_columns(
        _each(c, formats.minus if c.endswith("_text") else _said)
        for c in texts
        if c.endswith(("_text", "finding"))
    )


def _each(column: str, write: Callable[[str], str]) -> pl.Expr:
    return pl.col(column).map_elements(write, return_dtype=pl.String)


def _frame_to_json(frame: pl.DataFrame) -> dict[str, Any]:
    return {
        "schema": {name: str(dtype) for name, dtype in frame.schema.items()},
        "rows": [[_plain(v) for v in row] for row in frame.iter_rows()],
    }


_DTYPES: Final[Mapping[str, pl.DataType]] = {
    str(t): t
    for t in (
        pl.String(), pl.Float64(), pl.Float32(), pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.UInt8(), pl.UInt16(),
        pl.UInt32(), pl.UInt64(), pl.Boolean(), pl.Date(), pl.Null(), pl.Datetime("us"),
    )
}  # fmt: skip


def _frame_from_json(data: Mapping[str, Any]) -> pl.DataFrame:
    schema = {name: _DTYPES[dtype] for name, dtype in data["schema"].items()}
    dates = {n: pl.String() if t in (pl.Date(), pl.Datetime("us")) else t for n, t in schema.items()}
    frame = pl.DataFrame(data["rows"], schema=dates, orient="row")
    return frame.with_columns(
        *(pl.col(n).str.to_date() for n, t in schema.items() if t == pl.Date()),
        *(pl.col(n).str.to_datetime(time_unit="us") for n, t in schema.items() if t == pl.Datetime("us")),
    )


def _provenance_from_json(data: Mapping[str, Any]) -> Provenance:
    days = {
        k: date.fromisoformat(data[k]) if data[k] else None for k in ("window_start", "window_end", "as_of")
    }
    return Provenance(
        **{**data, **days, "sources": tuple(data["sources"]), "filters": tuple(data["filters"])}
    )


def _plain(item: object) -> Any:  # noqa: ANN401 JSON is what it is
    if isinstance(item, Mapping):
        return {str(k): _plain(v) for k, v in item.items()}
    if isinstance(item, list | tuple | set | frozenset):
        return [_plain(v) for v in item]
    if isinstance(item, datetime | date):
        return item.isoformat()
    if isinstance(item, pl.DataFrame):
        return _frame_to_json(item)
    if isinstance(item, float) and not math.isfinite(item):
        return None
    return item if item is None or isinstance(item, bool | int | float) else str(item)
