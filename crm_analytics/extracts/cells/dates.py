"""Dates as people write them, read in one way for a whole column.

A column's way is decided from its different values: which patterns occur, and whether 03/04 is 3 April or 4 March.
Every value must then fit; what does not is "not a date" and is set aside with that reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from crm_analytics.extracts.cells import date_periods
from crm_analytics.extracts.cells.month_names import MONTHS, ZONE_MINUTES
from crm_analytics.extracts.cells.values import as_text

_TIME: Final = (
    r"(?:(?:T|,?\s+(?:at\s+|um\s+|à\s+)?)(?P<H>\d{1,2})[:.h](?P<M>\d{2})(?:[:.](?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?P<p>[AaPp])?(?:\.?\s?[Mm]\.?)?\s*(?:Uhr)?\s*"
    r"(?P<z>[A-Z]{1,4}|(?:UTC|GMT)?\s?[+-]\d{1,2}(?::?\d{2})?)?(?:\s?\[[\w/]+\])?)?"
)
_WEEKDAY: Final = r"(?:\p{L}{2,10}\.?,?\s+)?"
_ORDINAL: Final = r"(?:\.|st|nd|rd|th|er|º|°)?"

PATTERNS: Final = {
    "ymd": r"^(?P<y>\d{4})(?:[-/.]|[年년]\s?)(?P<m>\d{1,2})(?:[-/.]|[月월]\s?)(?P<d>\d{1,2})[日일]?" + _TIME + "$",
    "compact": (
        r"^(?P<y>(?:19|20)\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"
        r"(?:[T ]?(?P<H>\d{2}):?(?P<M>\d{2})(?::?(?P<S>\d{2}))?(?P<z>Z)?)?(?:\.0+)?$"
    ),
    "numeric": "^" + _WEEKDAY + r"(?P<a>\d{1,2})(?:[-/]|\.\s?)(?P<b>\d{1,2})(?:[-/]|\.\s?)(?P<y>\d{4}|\d{2})" + _TIME + "$",
    "short_ymd": r"^(?P<y>\d{2})[-/](?P<m>\d{1,2})[-/](?P<d>\d{1,2})" + _TIME + "$",
    "day_name": (
        "^" + _WEEKDAY + r"(?P<d>\d{1,2})" + _ORDINAL + r"[-/ ]*(?:de\s+)?(?P<w>\p{L}{3,12})\.?[-/, ]*(?:de\s+)?'?(?P<y>\d{4}|\d{2})"
        + _TIME + "$"
    ),
    "name_day": "^" + _WEEKDAY + r"(?P<w>\p{L}{3,12})\.?[-/ ]*(?P<d>\d{1,2})" + _ORDINAL + r"(?:,\s*|\s+|[-/])(?P<y>\d{4})" + _TIME + "$",
    "serial": r"^(?P<n>[2-7]\d{4}(?:[.,]\d+)?)$",
    "epoch": r"^(?P<n>\d{9,10}(?:\.\d+)?|\d{13}|\d{16}|\d{19})(?:\.0+)?$",
}  # fmt: skip
"""The patterns a date may follow; `a` and `b` are day and month in an order the whole column decides."""

WORDS: Final = {
    "ymd": "year-month-day",
    "compact": "yyyymmdd",
    "numeric": "numbers",
    "short_ymd": "year-month-day with years of two digits",
    "day_name": "day and month name",
    "name_day": "month name and day",
    "serial": "Excel day numbers",
    "epoch": "seconds or milliseconds since 1970",
    **date_periods.WORDS,
}
WEAK: Final = frozenset({"serial", "epoch", *date_periods.PATTERNS})
"""Ways of writing that may be something else than dates."""

_PIVOT: Final = 69  # two-digit years: 69-99 are 1969-1999, 00-68 are 2000-2068 (POSIX)
_HALF_DAY: Final = 12
_FULL_YEAR: Final = 4
_SLACK: Final = 0.05
_FEWEST_STEPS: Final = 4  # fewer dates stand in order by chance
_LATEST_DAY: Final = 31
_FEWEST_SWAPPED: Final = 10
_NO_OTHER_WAY: Final = "dates can be read no other way"


@dataclass(frozen=True)
class DateStyle:
    """How a column writes its dates.

    `day_first` is None where the question does not arise; `ambiguous` says that nothing in the file decided it;
    `against` counts the different values that fit the other order only; `swapped` says that a spreadsheet seems to have
    taken 3/4 for 4 March where it could and left 25/4 as text;
    `offsets` are the different zones written (minutes east of UTC); `fast` is one strptime format that fits all values.
    """

    patterns: tuple[str, ...] = ()
    day_first: bool | None = None
    ambiguous: bool = False
    decided_by: str = ""
    against: int = 0
    swapped: bool = False
    offsets: tuple[int, ...] = ()
    fast: str | None = None

    @property
    def proven(self) -> bool:
        """Dates that can be read no other way decided the order of day and month."""
        return self.decided_by.endswith(_NO_OTHER_WAY)

    def described(self) -> str:
        """Say it in words."""
        if not self.patterns:
            return "no dates found"
        words = ", ".join(WORDS[p] for p in self.patterns if p != "numeric")
        if self.day_first is None:
            return words
        order = f"{'day' if self.day_first else 'month'} before {'month' if self.day_first else 'day'} ({self.decided_by})"
        return f"{order}; also {words}" if words else order


def decide(values: pl.Series, *, hint: bool | None = None) -> DateStyle:
    """Decide how a column writes dates.

    Parameters
    ----------
    values
        Its different values, cleaned, without nulls, in the order in which they first occur.
    hint
        What another column of the same file decided: True where the day stands first.

    >>> decide(pl.Series(["03/04/2024", "25/04/2024"])).day_first
    True
    """
    few = values.head(_GLANCE)
    if len(values) > _GLANCE and _all_as(few, values):
        return decide(few)  # the other values are written in the same way, letter for letter
    numeric = "short_ymd" if _short_year_first(values) else "numeric"
    asked = [name for name in PATTERNS if name not in ("numeric", "short_ymd") or name == numeric]
    counts = {name: int(values.str.contains(PATTERNS[name]).sum()) for name in asked}
    strong = [n for n in counts if n not in ("serial", "epoch") and counts[n]]
    used = strong or [n for n in ("serial", "epoch") if counts[n]]
    if set(used) <= {"day_name"} and (periods := date_periods.used(values)):  # 1. Quartal 2024 is no day
        return DateStyle(periods)
    if not used:
        return DateStyle()
    found = tuple(sorted(used, key=lambda n: -counts[n]))
    style = DateStyle(found, offsets=_offsets(values, found))
    if "numeric" in found:
        chosen = _with_order(style, values, hint)
        return replace(chosen, swapped="ymd" in found and _half_swapped(chosen, values))
    return replace(style, fast=_fast_format(values) if len(found) == 1 else None)


def _all_as(few: pl.Series, values: pl.Series) -> bool:
    """See whether all values are written year first, in the one format and length of the first few: it saves the rest."""
    form, lengths = _fast_format(few), values.str.len_bytes()
    if form is None or not form.startswith(("%Y-", "%Y/", "%Y.")) or lengths.min() != lengths.max():
        return False
    return values.str.to_datetime(form, strict=False, time_unit="us").null_count() == 0


def _short_year_first(values: pl.Series) -> bool:
    """See whether 24-01-05 is 5 January 2024: years keep together while days spread, so the narrower end is the year."""
    parts = values.str.extract_groups(PATTERNS["short_ymd"]).struct.unnest().drop_nulls("y")
    numeric = int(values.str.contains(PATTERNS["numeric"]).sum())
    if parts.is_empty() or parts.height < numeric:
        return False
    first, middle, last = (parts[n].cast(pl.Int32) for n in ("y", "m", "d"))
    possible = bool((middle.is_between(1, _HALF_DAY) & last.is_between(1, _LATEST_DAY)).all())
    if not possible or bool((first > _LATEST_DAY).any()):
        return possible
    return first.n_unique() < last.n_unique() and 2 * _spread(first) < _spread(last)


def _spread(values: pl.Series) -> int:
    return int(values.max()) - int(values.min())  # type: ignore[arg-type]


def _with_order(style: DateStyle, values: pl.Series, hint: bool | None) -> DateStyle:  # noqa: FBT001 what is known, not a switch
    parts = values.str.extract_groups(PATTERNS["numeric"]).struct.unnest().drop_nulls("a")
    first, second = (parts[n].cast(pl.Int32) for n in ("a", "b"))
    only_day_first, only_month_first = int((first > _HALF_DAY).sum()), int((second > _HALF_DAY).sum())
    if only_day_first != only_month_first:
        larger, against = sorted((only_day_first, only_month_first), reverse=True)
        chosen = replace(
            style,
            day_first=only_day_first > only_month_first,
            decided_by=f"{larger:,} {_NO_OTHER_WAY}",
            against=against,
        )
    else:
        chosen = _undecided(style, values, parts, hint)
    return replace(chosen, fast=_ordered_format(chosen, values))


def _half_swapped(style: DateStyle, values: pl.Series) -> bool:
    """See whether no date left as text could be read the other way, while all that became dates could."""
    text = values.str.extract_groups(PATTERNS["numeric"]).struct.unnest().drop_nulls("a")
    dated = values.str.extract_groups(PATTERNS["ymd"]).struct.unnest().drop_nulls("y")
    if min(text.height, dated.height) < _FEWEST_SWAPPED or style.against:
        return False
    larger = text["a" if style.day_first else "b"].cast(pl.Int32)
    return bool((larger > _HALF_DAY).all() and (dated["d"].cast(pl.Int32) <= _HALF_DAY).all())


def _undecided(style: DateStyle, values: pl.Series, parts: pl.DataFrame, hint: bool | None) -> DateStyle:  # noqa: FBT001
    if hint is not None:
        return replace(style, day_first=hint, decided_by="as said, or as in the other date column")
    by_time = _by_file_order(style, values)
    if by_time is not None:
        return replace(style, day_first=by_time, decided_by="so that the file is in order of time")
    if values.str.contains(r"\d\.\s?\d{1,2}\.").any():
        return replace(style, day_first=True, decided_by="dates with full stops put the day first")
    if parts["p"].is_not_null().any():
        return replace(style, day_first=False, decided_by="times with am and pm go with the month first")
    return replace(
        style, day_first=True, ambiguous=True, decided_by="assumed: nothing in the file decides it"
    )


def _by_file_order(style: DateStyle, values: pl.Series) -> bool | None:
    """See which reading makes the file run forwards (or backwards) in time."""
    day, month = (_steps_in_order(values, replace(style, day_first=d)) for d in (True, False))
    if abs(day - month) < _SLACK or max(day, month) < 1 - 2 * _SLACK:
        return None
    return day > month


def _steps_in_order(values: pl.Series, style: DateStyle) -> float:
    column = values.alias("at").to_frame()
    read = column.select(date_expr(pl.col("at"), pl.String(), style, None).alias("at"))["at"].drop_nulls()
    steps = read.diff().drop_nulls().dt.total_seconds()
    if len(steps) < _FEWEST_STEPS:
        return 0.0
    return max(float((steps >= 0).sum()), float((steps <= 0).sum())) / len(steps)


_DAYS: Final = {
    "9999-99-99": "%Y-%m-%d", "9999/99/99": "%Y/%m/%d", "9999.99.99": "%Y.%m.%d", "99999999": "%Y%m%d",
    "99/99/9999": "{0}/{1}/%Y", "99.99.9999": "{0}.{1}.%Y", "99-99-9999": "{0}-{1}-%Y",
}  # fmt: skip
_TIMES: Final = {
    "": "",
    " 99:99": " %H:%M",
    " 99:99:99": " %H:%M:%S",
    "T99:99:99": "T%H:%M:%S",
    "T99:99": "T%H:%M",
    **{f"{part}99:99:99.{'9' * n}": f"{part}%H:%M:%S%.f" for part in " T" for n in range(1, 10)},
}
_GLANCE: Final = 1_000
"""Values that are looked at closely before all are seen to be like them."""

_FAST: Final = {d + t: df + tf for d, df in _DAYS.items() for t, tf in _TIMES.items()}


def _fast_format(values: pl.Series) -> str | None:
    """Find one strptime format where all values have one shape: ten times faster than patterns."""
    shape = values.str.replace_all(r"\d", "9").unique()
    return _FAST.get(shape.item()) if len(shape) == 1 else None


def _ordered_format(style: DateStyle, values: pl.Series) -> str | None:
    form = _fast_format(values)
    return form and form.format(*(("%d", "%m") if style.day_first else ("%m", "%d")))


def _offsets(values: pl.Series, patterns: tuple[str, ...]) -> tuple[int, ...]:
    found: set[int] = set()
    for name in patterns:
        if "(?P<z>" in PATTERNS.get(name, ""):
            zones = values.str.extract_groups(PATTERNS[name]).struct.field("z").drop_nulls().unique()
            minutes = zones.to_frame("z").select(_zone_minutes(pl.col("z")).alias("z"))["z"].drop_nulls()
            found.update(minutes.to_list())
    return tuple(sorted(found))


def date_expr(column: pl.Expr, dtype: pl.DataType, style: DateStyle, time_zone: str | None) -> pl.Expr:
    """Read a column of dates (cleaned text or typed) as naive local Datetime("us"); what is not a date in this style is null.

    Parameters
    ----------
    time_zone
        Where the firm is (IANA name). Instants that carry a zone are converted to it. Without it they keep the
        clock they show where that can be one place (zones an hour apart at most: summer time), else become UTC.
    """
    if isinstance(dtype, pl.Datetime):
        return _typed(column, dtype, time_zone)
    if dtype == pl.Date():
        return column.cast(pl.Datetime("us"))
    text = as_text(column, dtype)
    if style.fast:
        # a cache of what was read pays for days, which come again and again, not for instants to the second
        return text.str.to_datetime(style.fast, strict=False, time_unit="us", cache="%S" not in style.fast)
    if not style.patterns:
        return text.str.to_datetime("%Y-%m-%d", strict=False, time_unit="us")
    return pl.coalesce(_read(text, name, style, time_zone) for name in style.patterns)


def _typed(column: pl.Expr, dtype: pl.Datetime, time_zone: str | None) -> pl.Expr:
    micro = column.dt.cast_time_unit("us")
    if dtype.time_zone is None:
        return micro
    return (micro.dt.convert_time_zone(time_zone) if time_zone else micro).dt.replace_time_zone(None)


def _read(text: pl.Expr, name: str, style: DateStyle, time_zone: str | None) -> pl.Expr:
    if name in date_periods.PATTERNS:
        return date_periods.read(text, name)
    parts = text.str.extract_groups(PATTERNS[name])
    if name == "serial":
        return _from_serial(parts.struct.field("n"))
    if name == "epoch":
        return _from_epoch(parts.struct.field("n"), time_zone)
    day, month = _day_and_month(parts, name, style)
    wall = _wall_clock(parts, name, day, month)
    return _localised(wall, parts.struct.field("z"), style, time_zone) if style.offsets else wall


def _day_and_month(parts: pl.Expr, name: str, style: DateStyle) -> tuple[pl.Expr, pl.Expr]:
    if name == "numeric":
        first, second = ("a", "b") if style.day_first in (True, None) else ("b", "a")
        return parts.struct.field(first), parts.struct.field(second)
    if name in ("day_name", "name_day"):
        word = parts.struct.field("w").str.to_lowercase()
        return parts.struct.field("d"), word.replace_strict(MONTHS, default=None, return_dtype=pl.Int8).cast(
            pl.String
        )
    return parts.struct.field("d"), parts.struct.field("m")


def _wall_clock(parts: pl.Expr, name: str, day: pl.Expr, month: pl.Expr) -> pl.Expr:
    year = parts.struct.field("y")
    short = year.cast(pl.Int32, strict=False)
    full = (
        pl.when(year.str.len_bytes() < _FULL_YEAR)
        .then(short + pl.when(short >= _PIVOT).then(1900).otherwise(2000))
        .otherwise(short)
    )
    hour = parts.struct.field("H").cast(pl.Int32, strict=False).fill_null(0)
    if "(?P<p>" in PATTERNS[name]:
        half = parts.struct.field("p").str.to_lowercase()
        hour = (
            pl.when(half == "p")
            .then(hour % _HALF_DAY + _HALF_DAY)
            .when(half == "a")
            .then(hour % _HALF_DAY)
            .otherwise(hour)
        )
    fraction = parts.struct.field("f").fill_null("0") if "(?P<f>" in PATTERNS[name] else pl.lit("0")
    minute, second = (parts.struct.field(n).fill_null("00") for n in ("M", "S"))
    # written out again in one form, because building a date from impossible parts raises instead of giving null
    written = pl.format("{}-{}-{} {}:{}:{}.{}", full, month, day, hour, minute, second, fraction)
    return written.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us")


def _localised(wall: pl.Expr, zone: pl.Expr, style: DateStyle, time_zone: str | None) -> pl.Expr:
    unknown = zone.is_not_null() & _zone_minutes(zone).is_null()
    if time_zone is None and one_place(style.offsets):
        return pl.when(~unknown).then(wall)
    instant = wall - pl.duration(minutes=_zone_minutes(zone).fill_null(0))
    there = (
        instant.dt.replace_time_zone("UTC")
        .dt.convert_time_zone(time_zone or "UTC")
        .dt.replace_time_zone(None)
    )
    return pl.when(zone.is_null()).then(wall).when(~unknown).then(there)


def one_place(offsets: tuple[int, ...]) -> bool:
    """Say whether these zones can be one place through the year: an hour apart at most.

    >>> one_place((60, 120)), one_place((-300, 60))
    (True, False)
    """
    return not offsets or max(offsets) - min(offsets) <= 60  # noqa: PLR2004 minutes of summer time


def _zone_minutes(zone: pl.Expr) -> pl.Expr:
    parts = zone.str.extract_groups(r"(?P<s>[+-])(?P<h>\d{1,2}):?(?P<n>\d{2})?$")
    hours, minutes = (parts.struct.field(n).cast(pl.Int32, strict=False) for n in ("h", "n"))
    size = hours * 60 + minutes.fill_null(0)
    signed = pl.when(parts.struct.field("s") == "-").then(-size).otherwise(size)
    named = zone.str.to_lowercase().replace_strict(ZONE_MINUTES, default=None, return_dtype=pl.Int32)
    return pl.coalesce(signed, named)


def _from_serial(number: pl.Expr) -> pl.Expr:
    """Count days from 30 December 1899, as spreadsheets do; fractions are times, to the second."""
    days = number.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    seconds = ((days - 25569) * 86400).round().cast(pl.Int64)  # 25569 is 1 January 1970
    return pl.from_epoch(seconds, time_unit="s").cast(pl.Datetime("us"))


def _from_epoch(number: pl.Expr, time_zone: str | None) -> pl.Expr:
    whole = number.str.extract(r"^(\d+)", 1)
    scale = whole.str.len_bytes().replace_strict(
        {9: 10**6, 10: 10**6, 13: 10**3, 16: 1}, default=None, return_dtype=pl.Int64
    )
    micro = pl.coalesce(
        whole.cast(pl.Int64, strict=False) * scale, whole.cast(pl.Int64, strict=False) // 1000
    )
    instant = pl.from_epoch(micro, time_unit="us").cast(pl.Datetime("us"))
    return (
        instant.dt.replace_time_zone("UTC")
        .dt.convert_time_zone(time_zone or "UTC")
        .dt.replace_time_zone(None)
    )
