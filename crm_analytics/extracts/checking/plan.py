"""How each column of an extract will be read: decided once for the whole column, then applied as one expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from crm_analytics.extracts.cells import answer_words, date_periods, dates, numbers
from crm_analytics.extracts.cells.values import as_text, discount_expr, flag_expr, id_expr, is_float_text
from crm_analytics.extracts.recognising.which_column import AUXILIARY, Recognition
from crm_analytics.tables import Kind, Table

_MOST_ANSWERS: Final = 24
"""Answers in words have no more different values."""
_DISCOUNTS: Final = "a code, or an amount other than 0, is a discount; nothing written is none"
_HUNDREDTH: Final = 0.01
"""What 1 % counts, except among answers."""
_OF_SO_MANY: Final = r"^\d+(?:[.,]\d+)?\s*/\s*\d+$|^[★☆⭐✩✭*]+\ufe0f?$"
"""Answers as 4/5 or in stars."""
_BESIDE: Final[Mapping[str, Kind]] = {c.name: c.kind for c in AUXILIARY}


@dataclass(frozen=True)
class ColumnPlan:
    """How one column is read.

    `value` gives the canonical value or null; `present` says whether anything stood there, so that
    present and null is unreadable. `words` says what was decided; `doubt` what a reader should look at. `form` is how text
    is written where all of it is written in one way: the strptime format of dates, "" for plain numbers and ids.
    """

    name: str
    heading: str
    kind: Kind
    value: pl.Expr
    present: pl.Expr
    words: str = ""
    doubt: str = ""
    currencies: tuple[str, ...] = ()
    required: bool = False
    form: str | None = None


@dataclass(frozen=True)
class Plan:
    """How the table is read: its columns, and the attributes an open-ended table keeps.

    Where only a sample was looked at, `unsettled` are the headings whose other values may yet decide otherwise, and
    `whole` the columns of numbers that had neither point nor comma so far.
    """

    columns: Mapping[str, ColumnPlan]
    attributes: Mapping[str, pl.Expr] = field(default_factory=dict)
    unsettled: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()

    @property
    def amount_is_worked_out(self) -> bool:
        """The amount is quantity x unit_price."""
        return "amount" not in self.columns and {"quantity", "unit_price"} <= set(self.columns)

    def reads_like(self, other: Plan) -> bool:
        """Say whether another plan reads every column in the same way."""
        return self.columns.keys() == other.columns.keys() and all(
            c.currencies == other.columns[n].currencies and c.value.meta.eq(other.columns[n].value)
            for n, c in self.columns.items()
        )


class _Looker:
    """Decides column by column; what one date or number column shows serves the next that is unclear."""

    def __init__(
        self,
        frame: pl.DataFrame,
        time_zone: str | None,
        *,
        day_first: bool | None = None,
        more: Mapping[str, pl.Series] | None = None,
        is_survey: bool = False,
    ) -> None:
        self.frame = frame
        self.is_survey = is_survey
        self.more = more or {}
        self.unsettled: set[str] = set()
        self.whole: set[str] = set()
        self.time_zone = time_zone
        self.said = day_first
        self.day_first: bool | None = day_first
        self.decimal: numbers.Mark | None = None

    def different(self, heading: str) -> pl.Series:
        """Give the different values of a column as cleaned text, in the order in which they first occur."""
        column = self.frame[heading]
        unique = column.unique(maintain_order=True).to_frame()
        found = unique.select(as_text(pl.col(heading), column.dtype).alias("x"))["x"].drop_nulls()
        if heading not in self.more:
            return found
        return pl.concat([found, self.more[heading].alias("x")]).unique(maintain_order=True).drop_nulls()

    def plan(self, name: str, heading: str, kind: Kind) -> ColumnPlan:
        dtype = self.frame.schema[heading]
        column = pl.col(heading)
        match kind:
            case "instant" | "day":
                return self._dates(name, heading, kind)
            case "rating" if (scale := self._scale(heading)) is not None:
                return self._answers(name, heading, scale)
            case "money" | "number" | "count" | "rating":
                return self._numbers(name, heading, kind)
            case "id":
                return self._ids(name, heading)
            case "flag":
                return self._flags(name, heading)
            case _:
                text = as_text(column, dtype)
                return ColumnPlan(name, heading, kind, text, text.is_not_null())

    def _flags(self, name: str, heading: str) -> ColumnPlan:
        dtype, column = self.frame.schema[heading], pl.col(heading)
        if name == "discount":
            value = discount_expr(column, dtype)
            return ColumnPlan(name, heading, "flag", value, value.is_not_null(), _DISCOUNTS)
        return ColumnPlan(name, heading, "flag", flag_expr(column, dtype), _present(column, dtype))

    def _ids(self, name: str, heading: str) -> ColumnPlan:
        dtype, column = self.frame.schema[heading], pl.col(heading)
        float_text = (
            bool(self.frame.select(is_float_text(column, dtype)).item()) if _may_be_float(dtype) else False
        )
        if float_text and dtype == pl.String():
            float_text = self._all_float_text(heading)
            self.unsettled.add(heading)
        value = id_expr(column, dtype, float_text=float_text)
        words = "ids written as 17850.0 read as 17850" if float_text else ""
        form = "" if dtype == pl.String() and not float_text else None
        return ColumnPlan(name, heading, "id", value, value.is_not_null(), words, form=form)

    def _all_float_text(self, heading: str) -> bool:
        values = self.different(heading).to_frame("x")
        return bool(values.select(is_float_text(pl.col("x"), pl.String())).item())

    def _numbers(self, name: str, heading: str, kind: Kind) -> ColumnPlan:
        dtype, column = self.frame.schema[heading], pl.col(heading)
        if dtype.is_numeric() or dtype == pl.Boolean():
            style = numbers.NumberStyle()
        else:
            values = self.different(heading)
            style = numbers.decide(values, self.decimal)
            if not style.plain and not style.ambiguous:
                self.decimal = style.decimal
            if not style.plain or style.ambiguous:
                self.unsettled.add(heading)
            elif not values.str.contains(r"[.,]").any():
                self.whole.add(name)
        words = style.described() if not style.plain or style.ambiguous else ""
        doubt = _number_doubt(heading, style) if style.ambiguous else ""
        percent = self._percent(heading) if kind == "rating" else _HUNDREDTH
        if percent != _HUNDREDTH:
            words, doubt = _percent_words(heading, percent)
        elif kind == "rating" and (marked := self._marked(heading)):
            doubt = f"{heading!r} holds answers such as {marked!r}, which are not read as numbers; put the bare number (4 for 4/5 or four stars) in their place"
        value = numbers.number_expr(column, dtype, style, percent=percent)
        form = "" if dtype == pl.String() and style.plain else None
        has = _present(column, dtype)
        return ColumnPlan(name, heading, kind, value, has, words, doubt, style.currencies, form=form)

    def _percent(self, heading: str) -> float | None:
        """Say what 1 % counts in a column of answers: 88 % is 88 of 100 points, never 0.88 of 5."""
        values = self.different(heading) if self.frame.schema[heading] == pl.String else None
        if values is None or not values.str.contains("%", literal=True).any():
            return _HUNDREDTH
        return numbers.percent_of_ratings(values)

    def _marked(self, heading: str) -> str | None:
        """Give an answer that is written as so many of so many, or in stars, where the column holds any."""
        if self.frame.schema[heading] != pl.String:
            return None
        values = self.different(heading)
        found: list[str] = values.filter(values.str.contains(_OF_SO_MANY)).head(1).to_list()
        return found[0] if found else None

    def _scale(self, heading: str) -> Mapping[str, int] | None:
        """Give the places of answers in words, where the column holds those of one scale."""
        if self.frame.schema[heading] != pl.String:
            return None
        values = self.different(heading)
        return None if len(values) > _MOST_ANSWERS else answer_words.scale_of(values.to_list())

    def _answers(self, name: str, heading: str, scale: Mapping[str, int]) -> ColumnPlan:
        self.unsettled.add(heading)
        text = as_text(pl.col(heading), pl.String())
        places = {v: scale.get(answer_words.plain(v)) for v in self.different(heading)}
        told = ", ".join(f"{word} = {place}" for word, place in scale.items())
        value = text.replace_strict(places, default=None, return_dtype=pl.Float64)
        none = pl.lit([v for v, place in places.items() if place is None], pl.List(pl.String))
        present = text.is_not_null() & ~text.is_in(none)
        doubt = (
            f"{heading!r} holds answers in words; they are read as {told}. Look whether that is their order"
        )
        return ColumnPlan(name, heading, "rating", value, present, f"words: {told}", doubt)

    def _dates(self, name: str, heading: str, kind: Kind) -> ColumnPlan:
        dtype, column = self.frame.schema[heading], pl.col(heading)
        style = dates.DateStyle()
        if not dtype.is_temporal():
            style = dates.decide(self.different(heading), hint=self.day_first)
            if self.said is None and style.day_first is not None and not style.ambiguous:
                self.day_first = style.day_first
            if not style.fast or style.ambiguous or (style.day_first is not None and not style.proven):
                self.unsettled.add(heading)
        value = dates.date_expr(column, dtype, style, self.time_zone)
        value = value.cast(pl.Date) if kind == "day" else value
        words = "typed" if dtype.is_temporal() else style.described()
        return ColumnPlan(
            name,
            heading,
            kind,
            value,
            _present(column, dtype),
            words,
            _date_doubt(heading, style, self.time_zone),
            form=style.fast,
        )

    def attribute(self, heading: str) -> pl.Expr:
        """Read a further column of an open-ended table: numbers where all are numbers, days, else text."""
        dtype, column = self.frame.schema[heading], pl.col(heading)
        if dtype != pl.String():
            return column
        different = self.different(heading)
        if different.is_empty() or different.str.contains(r"^[-+]?0\d+$").any():
            return column
        style = numbers.decide(different, self.decimal)
        percent = self._percent(heading) if self.is_survey else _HUNDREDTH
        as_number = numbers.number_expr(column, dtype, style, percent=percent)
        if style.plain and self._reads_all(different, numbers.number_expr(pl.col("x"), dtype, style)):
            return as_number
        when = dates.decide(different, hint=self.day_first)
        if set(when.patterns) - dates.WEAK and self._reads_all(
            different, dates.date_expr(pl.col("x"), dtype, when, None)
        ):
            return dates.date_expr(column, dtype, when, self.time_zone)
        tidied = self._reads_all(different, numbers.number_expr(pl.col("x"), dtype, style, percent=percent))
        return as_number if tidied else column

    @staticmethod
    def _reads_all(values: pl.Series, expression: pl.Expr) -> bool:
        return values.to_frame("x").select(expression.alias("x"))["x"].null_count() == 0


def make_plan(
    frame: pl.DataFrame,
    recognition: Recognition,
    table: Table,
    time_zone: str | None,
    *,
    day_first: bool | None = None,
    more: Mapping[str, pl.Series] | None = None,
) -> Plan:
    """Decide how to read every column, from the staged rows given (all of them, or a large sample).

    `day_first` is what the user says of dates whose order nothing in the file decides; `more` gives, by heading, further
    different values that decide too.
    """
    looker = _Looker(frame, time_zone, day_first=day_first, more=more, is_survey=table.name == "surveys")
    kinds = {c.name: c.kind for c in table.columns}
    columns = {
        r.column: replace(
            looker.plan(r.column, r.heading, kinds.get(r.column, _BESIDE.get(r.column, "category"))),
            required=r.column in table.required,
        )
        for r in recognition.columns
        if r.column in kinds or not table.open_ended
    }
    if not table.open_ended:
        return Plan(columns, {}, frozenset(looker.unsettled), frozenset(looker.whole))
    renamed = {r.column: r.heading for r in recognition.columns if r.column not in kinds}
    attributes = {
        name: looker.attribute(h) for name, h in (renamed | _own_names(recognition.unused, columns)).items()
    }
    return Plan(columns, attributes, frozenset(looker.unsettled), frozenset(looker.whole))


def _own_names(headings: Sequence[str], taken: Mapping[str, ColumnPlan]) -> dict[str, str]:
    return {f"{h} (2)" if h in taken else h: h for h in headings}


def _present(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype.is_float():
        return column.is_not_null() & column.is_not_nan()
    return column.is_not_null()


def _may_be_float(dtype: pl.DataType) -> bool:
    return dtype.is_float() or dtype == pl.String()


def _percent_words(heading: str, percent: float | None) -> tuple[str, str]:
    """Say how a percent sign among answers was read, and what to look at."""
    if percent is not None:
        return "percentages read as points of 0 to 100: 88% is 88", ""
    return "percentages not read", (
        f"{heading!r} holds percentages beside answers on a shorter scale; the percentages were not read, since "
        "nothing says which answer they stand for. Bring the answers to one scale"
    )


def _number_doubt(heading: str, style: numbers.NumberStyle) -> str:
    if not style.plain and style.decimal == ".":
        return ""  # 1,234 beside whole numbers is how English writes thousands
    read = "1.234 (the point as decimal mark)" if style.plain else "1234 (the point as thousands mark)"
    return f"Numbers of {heading!r} such as 1.234 can be read two ways; they were read as {read}"


def _date_doubt(heading: str, style: dates.DateStyle, time_zone: str | None) -> str:
    if style.ambiguous:
        return f"Nothing in the file decides whether {heading!r} puts the day or the month first; the day was taken to stand first. Set day_first=False if the month does"
    if style.swapped:
        return f"Dates of {heading!r} that are cells of dates all have a day up to 12, those left as text all have one above: a spreadsheet seems to have taken day and month the wrong way round where it could. Export the file again without opening it there"
    periods = [dates.WORDS[p] for p in style.patterns if p in date_periods.PATTERNS]
    if periods:
        return f"{heading!r} holds {' and '.join(periods)}; each is taken for its first day, so that nothing finer can be told"
    if style.against:
        first, second = ("day", "month") if style.day_first else ("month", "day")
        return f"{heading!r} puts the {first} first ({style.decided_by}), but {style.against:,} of its dates only fit with the {second} first; those are not dates then"
    if time_zone is None and style.offsets and not dates.one_place(style.offsets):
        return f"{heading!r} holds instants of several time zones and none is set as the firm's own; they were read as UTC"
    return ""
