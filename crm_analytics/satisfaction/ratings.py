"""Survey answers as numbers: which columns are ratings, on which scale, and which codes are no answer at all.

What the analyses of satisfaction share: the rows in the window in an order that does not depend on the file, ratings with
the ends of their scale, codes that lie outside the run of a scale (0, 9, 99 for "not applicable"), answers in words, and
survey weights.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.aggregates import window as windows
from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.extracts.cells import answer_words
from crm_analytics.extracts.cells.values import MISSING
from crm_analytics.extracts.extract import Extract
from crm_analytics.extracts.readers import as_extract
from crm_analytics.extracts.recognising.question_pairs import paired_columns
from crm_analytics.stats.intervals import Floats
from crm_analytics.tables import table

OUTCOMES: Final = ("csat", "nps", "ces")
"""Overall scores of the surveys table, the one that is explained first where several are there."""

KNOWN_ENDS: Final[Mapping[str, tuple[float, float]]] = {"nps": (0.0, 10.0)}
"""Scales that are what they are, whatever was answered."""

_ENDS: Final = (
    (0.0, 1.0), (1.0, 3.0), (1.0, 4.0), (1.0, 5.0), (1.0, 6.0), (1.0, 7.0), (1.0, 9.0), (1.0, 10.0), (1.0, 11.0), (0.0, 10.0), (0.0, 100.0),
    (1.0, 100.0), (-2.0, 2.0), (-3.0, 3.0), (-5.0, 5.0),
)  # fmt: skip
_COMMON: Final = ((1.0, 5.0), (1.0, 7.0), (1.0, 10.0))
_MOST_POINTS: Final = 11
_MOST_RATING: Final = 100.0
_LONGEST: Final = (-5.0, 11.0)  # ends of scales whose codes can be told by the run
_MOST_CODES: Final = 3
_SENTINELS: Final = frozenset({-999.0, -99.0, -98.0, -9.0, -1.0, 998.0, 999.0, 9999.0})
_MOSTLY: Final = 0.8  # of the answers, for a text column to be one of numbers
_FEW: Final = 0.5  # of the points of a scale used, for it to be that scale
_NONE: Final = "none"


@dataclass(frozen=True, eq=False)
class Rating:
    """One rating column as numbers.

    Attributes
    ----------
    name, label
        The column, and what a reader sees.
    values
        (n,) answers, NaN where there is none.
    applies
        (n,) False where the answer is a code or word for "not applicable" that the caller named.
    low, high
        Ends of the scale.
    points
        The different answers, in order.
    words
        Answer -> word, where the answers were given in words.
    set_aside
        Codes outside the run of the scale that nobody explained, with how often they occur: not in `values`.
    unreadable
        Texts that are no number in a column of numbers, with how often: not in `values`.
    """

    name: str
    label: str
    values: Floats
    applies: NDArray[np.bool_]
    low: float
    high: float
    points: tuple[float, ...]
    words: Mapping[float, str]
    set_aside: Mapping[float, int]
    unreadable: Mapping[str, int]

    @property
    def n(self) -> int:
        """How many answered."""
        return int((~np.isnan(self.values)).sum())

    def rescaled(self) -> Floats:
        """Give the answers from 0 (worst end of the scale) to 100."""
        return (self.values - self.low) / max(self.high - self.low, 1e-12) * 100


def answers(
    data: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
) -> tuple[Extract, windows.Window, pl.DataFrame]:
    """Give the surveys, the window and the rows in it, in an order made of their content, not of the file or of ids."""
    extract = as_extract(data, table="surveys")
    window = windows.resolve(extract, as_of=as_of, start=start)
    rows = extract.frame.filter(pl.col("answered_at") < window.as_of)
    if window.start is not None:
        rows = rows.filter(pl.col("answered_at") >= window.start)
    frame = rows.collect()
    last = [c for c in ("customer_id",) if c in frame.columns]
    keys = ["answered_at", *sorted(c for c in frame.columns if c not in {"answered_at", *last}), *last]
    return extract, window, frame.sort(keys, nulls_last=True)


def column_of(extract: Extract, name: str) -> str:
    """Give the column that a heading of the extract was taken for; other names stay as they are.

    Who calls the outcome "rating" means the column that was recognised as csat.
    """
    taken = {r.heading: r.column for r in extract.recognition}
    return name if name in extract.frame.collect_schema().names() else taken.get(name, name)


def label(column: str) -> str:
    """Give a column's name as a reader sees it.

    >>> label("ease_of_use"), label("nps"), label("Staff: friendliness"), label("deliverySpeed")
    ('Ease of use', 'NPS', 'Staff: friendliness', 'DeliverySpeed')
    """
    if column in OUTCOMES:
        return column.upper()
    text = " ".join(column.replace("_", " ").split())
    return text[:1].upper() + text[1:]


def named_codes(
    given: Mapping[str, Sequence[float | str]] | None, named: Callable[[str], str]
) -> dict[str, tuple[float | str, ...]]:
    """Check the codes that mean "not applicable", and give them by column."""
    if given is None:
        return {}
    wanted = "a mapping from columns to lists of codes or words, such as {'parking': [0, 99]}"
    if not isinstance(given, Mapping):
        raise OptionError.out_of_range("not_applicable", given, wanted)
    for codes in given.values():
        if isinstance(codes, str) or not isinstance(codes, Collection):
            raise OptionError.out_of_range("not_applicable", dict(given), wanted)
    return {named(column): tuple(codes) for column, codes in given.items()}


def rating_columns(frame: pl.DataFrame, *, without: Sequence[str] = ()) -> list[str]:
    """Name the columns that look like ratings, in the order of their names.

    Numbers of few different values up to 100, answers in the words of a known scale, yes and no. Never the columns that
    the surveys table defines itself or that ask about a feature as if there and as if not there, and none in `without`.
    """
    fixed = {c.name for c in table("surveys").columns} | paired_columns(frame.columns)
    names = (c for c in frame.columns if c not in fixed and c not in without)
    return sorted(c for c in names if is_rating(frame[c]))


def is_rating(column: pl.Series) -> bool:
    """Say whether a column looks like answers on a scale."""
    seen = column.drop_nulls()
    if column.dtype == pl.Boolean or seen.is_empty():
        return column.dtype == pl.Boolean and not seen.is_empty()
    if column.dtype == pl.String:
        if answer_words.scale_in_words(set(seen.unique())) is not None:
            return True
        numbers = _numbers(seen)
        return len(numbers.drop_nulls()) >= _MOSTLY * len(seen) and _on_a_scale(numbers.drop_nulls())
    return column.dtype.is_numeric() and _on_a_scale(seen.cast(pl.Float64))


def _on_a_scale(numbers: pl.Series) -> bool:
    values = np.unique(numbers.to_numpy())
    values = values[np.isfinite(values)]
    kept = np.array([v for v in values if v not in set(odd_codes(values))])
    within = len(kept) > 0 and abs(kept).max() <= _MOST_RATING
    whole = bool(np.equal(kept, np.round(2 * kept) / 2).all())
    return bool(within and whole and (len(kept) <= 2 * _MOST_POINTS or kept.min() >= 0))


def read_rating(
    frame: pl.DataFrame, column: str, *, not_applicable: Mapping[str, Sequence[float | str]] | None = None
) -> Rating:
    """Read a column as a rating.

    Parameters
    ----------
    frame
        The rows, from `answers`.
    column
        A column of numbers, of words of a known scale, or of yes and no.
    not_applicable
        Column -> codes or words that mean "not applicable"; for a column named here nothing else is set aside, so that
        an empty list says: every number is an answer. A word that the readers take for a blank, such as "n/a", stands
        for every gap of the column.

    Raises
    ------
    UnknownNameError
        If there is no such column.
    OptionError
        If the column holds neither numbers nor words of a known scale.
    """
    if column not in frame.columns:
        raise UnknownNameError.of("column", column, frame.columns)
    codes = (not_applicable or {}).get(column)
    series = frame[column]
    words: dict[float, str] = {}
    unreadable: dict[str, int] = {}
    away = np.zeros(len(series), bool)
    if series.dtype == pl.String:
        named = {answer_words.plain(c) for c in codes or () if isinstance(c, str)}
        away = np.array([v is not None and answer_words.plain(v) in named for v in series], bool)
        values, words, unreadable = _from_text(column, series, named)
    elif series.dtype == pl.Boolean or series.dtype.is_numeric():
        values = series.cast(pl.Float64).to_numpy().copy()
    else:
        raise _no_rating(column, series)
    values[~np.isfinite(values)] = np.nan
    numeric = [float(c) for c in codes or () if not isinstance(c, str)]
    away |= np.isin(values, numeric)
    if any(isinstance(c, str) and c.strip().lower() in MISSING for c in codes or ()):
        away |= series.is_null().to_numpy()
    values[away] = np.nan
    odd = odd_codes(values[~np.isnan(values)], column) if codes is None and not words else ()
    set_aside = {v: int((values == v).sum()) for v in odd}
    values[np.isin(values, odd)] = np.nan
    points = tuple(float(v) for v in np.unique(values[~np.isnan(values)]))
    low, high = (min(words), max(words)) if words else ends(points, column)
    return Rating(
        column, label(column), values, ~away, low, high, points, words, set_aside, unreadable
    )  # fmt: skip


def _from_text(
    column: str, series: pl.Series, named: set[str]
) -> tuple[Floats, dict[float, str], dict[str, int]]:
    """Read answers in words, or numbers among which some text stands."""
    seen = [v for v in series.drop_nulls().unique().sort() if answer_words.plain(v) not in named]
    scale = answer_words.scale_in_words(seen)
    if scale is not None:
        place = [None if v is None else scale.get(answer_words.plain(v)) for v in series]
        return (
            np.array([np.nan if p is None else float(p) for p in place]),
            {float(p): word for word, p in scale.items()},
            {},
        )
    numbers = _numbers(series)
    if len(numbers.drop_nulls()) < _MOSTLY * max(len(series.drop_nulls()), 1):
        raise _no_rating(column, series)
    lost = series.filter(numbers.is_null() & series.is_not_null())
    counts = {
        v: int((lost == v).sum())
        for v in lost.unique().sort()
        if answer_words.plain(v) not in named | answer_words.NOT_APPLICABLE
    }
    return numbers.cast(pl.Float64).fill_null(np.nan).to_numpy().copy(), {}, counts


def _numbers(series: pl.Series) -> pl.Series:
    """Read the number at the head of each text: "5", "4,5" and "5 - very good"."""
    head = series.str.strip_chars().str.extract(r"^(-?\d+(?:[.,]\d+)?)(?:$|\s|[-–:=(])")
    return head.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)


def _no_rating(column: str, series: pl.Series) -> OptionError:
    some = ", ".join(repr(v) for v in series.drop_nulls().unique().sort().head(3))
    return OptionError(
        f"The column {column!r} holds {some}.",
        "Numbers, or the words of a known scale such as 'very satisfied', were expected.",
        "Name another column, or put numbers in the place of the words.",
    )


def odd_codes(values: Floats, column: str = "") -> tuple[float, ...]:
    """Find codes that lie outside the run of a scale: 9 or 99 behind 1 to 5, 0 before 1 to 5 or 1 to 7, -1.

    A 0 before 1 to 10 is a code only where it is far more frequent than the lowest answers, since scales of 0 to 10 exist;
    with NPS it never is.

    >>> odd_codes(np.array([1.0, 2, 3, 4, 5, 9])), odd_codes(np.array([0.0, 1, 2, 3, 4, 5])), odd_codes(np.arange(11.0))
    ((9.0,), (0.0,), ())
    """
    points, counts = np.unique(values, return_counts=True)
    if len(points) < 3 or not np.equal(points, np.round(points)).all():  # noqa: PLR2004 too few to see a run
        return ()
    short = (points >= _LONGEST[0]) & (points <= _LONGEST[1])
    if (~short).sum() > _MOST_CODES or 2 * counts[
        short
    ].sum() < counts.sum():  # percentages, counts, sums of money: only codes known as such
        rest = points[~np.isin(points, list(_SENTINELS))]
        known = len(rest) > 0 and rest[0] >= 0 and rest[-1] <= _MOST_RATING
        return (
            tuple(float(v) for v in points if v in _SENTINELS and not 0 <= v <= _MOST_RATING) if known else ()
        )
    run = _run(points, counts)
    odd = [float(v) for v in points if not run[0] <= v <= run[1]]
    inside = points[(points >= run[0]) & (points <= run[1])]
    if column not in KNOWN_ENDS and inside[0] == 0 and len(inside) > 3 and inside[-1] <= 10:  # noqa: PLR2004 0 to 10 at most
        lowest = counts[(points >= 1) & (points <= 2)].max(initial=0)  # noqa: PLR2004 1 and 2
        zero = counts[points == 0][0]
        falling = bool((np.diff(counts[np.isin(points, inside)]) <= 0).all())  # how often something happened
        heaped = inside[-1] == 10 and zero > 5 * max(lowest, 1)  # noqa: PLR2004 the top of the scale
        if not (falling and zero > lowest) and (
            inside[-1] in {5, 7} or heaped
        ):  # the usual scales begin at 1
            odd.append(0.0)
    return tuple(sorted(odd))


def _run(points: Floats, counts: NDArray[np.int64]) -> tuple[float, float]:
    """Give the ends of the stretch of neighbouring codes that holds most answers.

    Within 0 to 11 a gap of one missing code is bridged, since nobody need use every point; longer gaps part.
    """
    if points[0] >= 1 and points[-1] <= 5:  # noqa: PLR2004 no code lies within the shortest scale
        return float(points[0]), float(points[-1])
    usual = [(a, b) for a, b in _COMMON if ((points >= a) & (points <= b)).sum() >= _FEW * (b - a + 1)]
    full = [b for a, b in _COMMON if np.isin(np.arange(a, b + 1), points).all()]
    parted = (np.diff(points) > 2) | ((np.diff(points) > 1) & np.isin(points[:-1], full))  # noqa: PLR2004 one missing
    pieces = np.split(np.arange(len(points)), np.flatnonzero(parted) + 1)
    best = max(pieces, key=lambda piece: int(counts[piece].sum()))
    low, high = float(points[best[0]]), float(points[best[-1]])
    below = points[(points >= 1) & (points < low)]
    if below.size and high <= 11:  # noqa: PLR2004 few low answers, not codes
        low = float(below[0])
    rest = points[(points < low) | (points > high)]
    if rest.size and (rest >= 0).all() and rest.max() <= 10 and not usual:  # noqa: PLR2004 a long scale, thinly used
        return min(low, float(rest.min())), max(high, float(rest.max()))
    return max(low, 0.0) if low < 0 and low > -2 and high > 3 else low, high  # noqa: PLR2004 -1 is a code


def ends(points: Sequence[float], column: str = "") -> tuple[float, float]:
    """Give the ends of the scale that answers lie on: the smallest usual scale that holds them all.

    >>> ends([2.0, 3.0, 5.0]), ends([0.0, 7.0, 8.0]), ends([1.0, 6.0]), ends([0.0, 55.0]), ends([3.0], "nps")
    ((1.0, 5.0), (0.0, 10.0), (1.0, 7.0), (0.0, 100.0), (0.0, 10.0))
    """
    if column in KNOWN_ENDS:
        return KNOWN_ENDS[column]
    if not points:
        return 0.0, 1.0
    least, most = min(points), max(points)
    fitting = [e for e in (*((0.0, 1.0),), *_COMMON, *_ENDS) if e[0] <= least and most <= e[1]]
    return fitting[0] if fitting else (least, most)


@dataclass(frozen=True, eq=False)
class SurveyWeights:
    """The weight of each row, mean 1 over those that count; 0 where it is missing or not positive."""

    values: Floats
    column: str | None
    n_without: int


def survey_weights(frame: pl.DataFrame, weights: str | None = None) -> SurveyWeights:
    """Take the survey weights.

    Parameters
    ----------
    frame
        The rows, from `answers`.
    weights
        The column; None takes `weight` where there is one, "none" counts every answer alike.

    Raises
    ------
    UnknownNameError
        If there is no such column.
    OptionError
        If the column holds no numbers.
    NotEnoughDataError
        If no weight is above 0.
    """
    name = ("weight" if "weight" in frame.columns else _NONE) if weights is None else weights
    if name == _NONE and (weights is None or name not in frame.columns):
        return SurveyWeights(np.ones(frame.height), None, 0)
    if name not in frame.columns:
        raise UnknownNameError.of("column of weights", name, frame.columns)
    if not frame[name].dtype.is_numeric():
        raise OptionError.out_of_range("weights", name, "a column of numbers")
    given = frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
    usable = np.isfinite(given) & (given > 0)
    if weights is None and np.isnan(given).all():
        return SurveyWeights(np.ones(frame.height), None, 0)
    if not usable.any():
        raise NotEnoughDataError.of(
            f"answers with a weight above 0 in {name!r}",
            0,
            1,
            "Correct the weights, or count every answer alike with weights='none'.",
        )
    values = np.where(usable, given, 0.0)
    return SurveyWeights(values / values[usable].mean(), name, int((~usable).sum()))


def default_outcome(frame: pl.DataFrame, outcome: str | None = None) -> str:
    """Name the overall score that is explained: the one asked for, or csat, nps, ces, whichever is there first.

    Raises
    ------
    UnknownNameError
        If there is no such column.
    NotEnoughDataError
        If no overall score is there.
    """
    if outcome is not None:
        if outcome not in frame.columns:
            raise UnknownNameError.of("column", outcome, frame.columns)
        return outcome
    for name in OUTCOMES:
        if name in frame.columns and frame[name].is_not_null().any():
            return name
    empty = [name for name in OUTCOMES if name in frame.columns]
    raise NotEnoughDataError.of(
        "overall scores (csat, nps or ces)",
        0,
        1,
        f"No answer of {', '.join(repr(e) for e in empty)} could be read: look at the check report, or name another column with outcome='<column>'."
        if empty
        else "Name the column with outcome='<column>'.",
    )
