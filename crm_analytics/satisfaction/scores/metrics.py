"""What is scored: the net promoter score, satisfied answers, easy answers, an index of items; and on which scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.satisfaction.ratings import Rating, SurveyWeights, read_rating
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.score_intervals import correlation_within

Kind = Literal["nps", "share", "mean"]
High = Literal["ease", "effort"]

NAMES: Final[Mapping[str, str]] = {
    "nps": "Net promoter score",
    "csat": "Satisfied answers",
    "ces": "Easy answers",
    "index": "Satisfaction index",
}
"""The metrics, in the order in which one of them leads."""

_PROMOTER, _DETRACTOR = 9, 6
_WIDE: Final = 11  # a scale of more points has no boxes
_TOP_OF_WIDE: Final = 0.2
_SHORT: Final = 3  # points of a scale on which only the best one is the top
_SEVEN: Final = 7
_SHORTEST: Final = (1.0, 5.0)


@dataclass(frozen=True)
class Choices:
    """What was asked of the metrics."""

    metrics: Mapping[str, str]
    index: tuple[str, ...]
    csat_top: int
    ces_top: int | None
    ces_high: High
    scales: Mapping[str, tuple[float, float]]
    not_applicable: Mapping[str, Sequence[float | str]]


@dataclass(frozen=True, eq=False)
class Metric:
    """One metric over the answers that count: those with an answer on the scale and a weight above 0.

    Attributes
    ----------
    name, label, definition, scale
        In words.
    kind
        "nps" (answers count -100, 0, 100), "share" (0 or 100) or "mean" (0 to 100).
    rows
        Which rows of the answer sheets they are.
    points, weights, people
        What each answer counts, its weight, and who gave it.
    given
        The answer on its own scale; `ends` are those of the scale.
    n_missing, n_off
        Sheets without an answer; with one that is not on the scale.
    off
        The codes that are not on the scale, with how often each occurs.
    alike
        Correlation of two answers of one person.
    words
        Answer -> word, where answers were given in words.
    top, is_reversed
        Where the answers that count 100 begin, and whether they lie below it (effort) instead of above.
    """

    name: str
    label: str
    definition: str
    scale: str
    kind: Kind
    rows: NDArray[np.int64]
    points: Floats
    weights: Floats
    people: NDArray[np.int64]
    given: Floats
    ends: tuple[float, float]
    n_missing: int
    off: Mapping[str, int]
    alike: float
    words: Mapping[float, str]
    top: float | None
    is_reversed: bool = False

    @property
    def n_off(self) -> int:
        """How many answers are not on the scale."""
        return sum(self.off.values())

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest score there can be."""
        return (-100.0, 100.0) if self.kind == "nps" else (0.0, 100.0)


def read_metrics(frame: pl.DataFrame, weights: SurveyWeights, choices: Choices) -> list[Metric]:
    """Read every metric that the answer sheets have, the leading one first.

    Raises
    ------
    UnknownNameError
        If a column or metric that was named does not exist.
    NotEnoughDataError
        If no metric has an answer.
    """
    unknown = [m for m in choices.metrics if m not in NAMES or m == "index"]
    if unknown:
        raise UnknownNameError.of("metric", unknown[0], [n for n in NAMES if n != "index"])
    people = _people(frame)
    found = []
    for name in ("nps", "csat", "ces"):
        column = choices.metrics.get(name, name)
        if column in frame.columns or name in choices.metrics:
            rating = _read(frame, column, choices, is_known=name == "nps" or name in choices.scales)
            found.append(_single(name, rating, weights, people, choices))
    if choices.index:
        found.append(_index(frame, weights, people, choices))
    scored = [m for m in found if m.points.size]
    if not scored:
        raise NotEnoughDataError.of("answers to score", 0, 1, _remedy(found))
    return scored


def _remedy(found: Sequence[Metric]) -> str:
    """Say what may mend it that there is nothing to score."""
    name = "Name the columns that hold answers: metrics={'csat': '<column>'}, or index=['<column>', …]."
    for metric in found:
        if metric.off:
            codes = ", ".join(f"{code} ({n:,})" for code, n in list(metric.off.items())[:3])
            return f"Not on the scale of {metric.name} ({metric.scale}): {codes}. Name the scale with scales=, or other columns with metrics=."
    if found:
        return (
            f"{name} Answers in words are read where they are those of a known scale, such as 'very satisfied'; "
            f"put numbers in the place of other words in {found[0].name}."
        )
    return name


def _read(frame: pl.DataFrame, column: str, choices: Choices, *, is_known: bool) -> Rating:
    """Read a column; where the scale is known, its ends say which codes are none, and the run of the answers is not asked."""
    known: dict[str, Sequence[float | str]] = {column: []} if is_known else {}
    return read_rating(frame, column, not_applicable={**known, **choices.not_applicable})


def _people(frame: pl.DataFrame) -> NDArray[np.int64]:
    """Give each person who answered a number; a sheet without a name is a person of its own."""
    if "customer_id" not in frame.columns:
        return np.arange(frame.height)
    own = pl.lit("row ") + pl.int_range(pl.len()).cast(pl.String)
    named = frame.select(
        pl.when(pl.col("customer_id").is_null()).then(own).otherwise(pl.lit("id ") + pl.col("customer_id"))
    )
    return named.to_series().rank("dense").to_numpy().astype(np.int64) - 1


def _single(
    name: str, rating: Rating, weights: SurveyWeights, people: NDArray[np.int64], choices: Choices
) -> Metric:
    low, high = _ends(name, rating, choices)
    off = {f"{code:g}": n for code, n in rating.set_aside.items()}
    beyond = (rating.values < low) | (rating.values > high)
    if name == "nps":
        beyond |= ~np.isnan(rating.values) & (rating.values != np.round(rating.values))
    for code in np.unique(rating.values[beyond]):
        off[f"{code:g}"] = int((rating.values == code).sum())
    given = np.where(beyond, np.nan, rating.values)
    points, top = _points(name, given, (low, high), choices)
    return _metric(
        name,
        "nps" if name == "nps" else "share",
        (given, points),
        weights,
        people,
        definition=_definition(name, (low, high), top, choices, rating.words),
        scale=_span(low, high),
        ends=(low, high),
        off={**off, **rating.unreadable},
        words=rating.words,
        top=top,
        is_reversed=name == "ces" and choices.ces_high == "effort",
    )


def _ends(name: str, rating: Rating, choices: Choices) -> tuple[float, float]:
    low, high = choices.scales.get(name, (rating.low, rating.high))
    if name not in choices.scales and rating.points == (1.0,) and not rating.words:
        low, high = _SHORTEST  # all answers 1: the worst of a scale rather than the better of two
    if not low < high:
        raise OptionError.out_of_range("scales", {name: (low, high)}, "a lower and a higher end")
    return float(low), float(high)


def _points(
    name: str, given: Floats, ends: tuple[float, float], choices: Choices
) -> tuple[Floats, float | None]:
    """Count promoters 100 and detractors -100; of other scales the top 100, and say where it begins."""
    if name == "nps":
        counts = np.where(given >= _PROMOTER, 100.0, np.where(given <= _DETRACTOR, -100.0, 0.0))
        return np.where(np.isnan(given), np.nan, counts), None
    low, high = ends
    reverse = name == "ces" and choices.ces_high == "effort"
    felt = low + high - given if reverse else given
    top = _top(name, low, high, choices, are_shares=high - low == 1 and bool((given % 1 > 0).any()))
    return np.where(np.isnan(given), np.nan, 100.0 * (felt >= top)), low + high - top if reverse else top


def _top(name: str, low: float, high: float, choices: Choices, *, are_shares: bool = False) -> float:
    """Give the lowest answer that belongs to the top; answers such as 0.88 are shares of a scale without boxes."""
    n_points = high - low + 1
    if n_points > _WIDE or are_shares:
        return high - _TOP_OF_WIDE * (high - low)
    boxes = choices.csat_top if name == "csat" else choices.ces_top
    if boxes is None:
        boxes = 3 if n_points == _SEVEN else 2
    if n_points <= _SHORT:
        boxes = 1
    if not 1 <= boxes < n_points:
        raise OptionError.out_of_range(f"{name}_top", boxes, f"1 to {n_points - 1:g} of {n_points:g} points")
    return high - boxes + 1


def _definition(
    name: str, ends: tuple[float, float], top: float | None, choices: Choices, words: Mapping[float, str]
) -> str:
    low, high = ends
    if top is None:
        return "Share of answers 9 and 10 less share of answers 0 to 6, on a scale of 0 to 10"
    reverse = name == "ces" and choices.ces_high == "effort"
    side = (low, top) if reverse else (top, high)
    which = words.get(side[0], f"{side[0]:g}") if side[0] == side[1] else _named(side, words)
    meaning = (
        f", where {high:g} is the {'most effort' if reverse else 'least effort'}" if name == "ces" else ""
    )
    return f"Share of answers {which} on a scale of {_span(low, high)}{meaning}"


def _named(side: tuple[float, float], words: Mapping[float, str]) -> str:
    if side[0] in words and side[1] in words:
        return f"“{words[side[0]]}” to “{words[side[1]]}”"
    return _span(*side)


def _span(low: float, high: float) -> str:
    return f"{low:g} to {high:g}"


def _index(
    frame: pl.DataFrame, weights: SurveyWeights, people: NDArray[np.int64], choices: Choices
) -> Metric:
    """Average items, each from 0 to 100, of those who answered at least half of them."""
    items = [_read(frame, c, choices, is_known=c in choices.scales) for c in choices.index]
    scaled = []
    off: dict[str, int] = {}
    for item in items:
        low, high = _ends(item.name, item, choices)
        inside = (item.values >= low) & (item.values <= high)
        scaled.append(np.where(inside, (item.values - low) / (high - low) * 100, np.nan))
        for code in np.unique(item.values[~inside & ~np.isnan(item.values)]):
            off[f"{item.label} {code:g}"] = int((item.values == code).sum())
        off |= {f"{item.label} {code:g}": n for code, n in item.set_aside.items()}
    table = np.column_stack(scaled)
    answered = (~np.isnan(table)).sum(axis=1)
    kept = 2 * answered >= max(len(items), 1)
    mean = np.nansum(table, axis=1) / np.maximum(answered, 1)
    points = np.where(kept & (answered > 0), mean, np.nan)
    named = ", ".join(i.label for i in items)
    return _metric(
        "index",
        "mean",
        (points, points),
        weights,
        people,
        definition=f"Mean of {named}, each rescaled to 0 to 100, of those who answered at least half of them",
        scale="0 to 100",
        ends=(0.0, 100.0),
        off=off,
        words={},
        top=None,
    )


def _metric(
    name: str,
    kind: Kind,
    answers: tuple[Floats, Floats],
    weights: SurveyWeights,
    people: NDArray[np.int64],
    *,
    definition: str,
    scale: str,
    ends: tuple[float, float],
    off: Mapping[str, int],
    words: Mapping[float, str],
    top: float | None,
    is_reversed: bool = False,
) -> Metric:
    given, points = answers
    rows = np.flatnonzero(~np.isnan(points) & (weights.values > 0))
    counted = {k: n for k, n in off.items() if n}
    return Metric(
        name,
        NAMES[name],
        definition,
        scale,
        kind,
        rows,
        points[rows],
        weights.values[rows],
        people[rows],
        given[rows],
        ends,
        int(np.isnan(points).sum()) - sum(counted.values())
        if name != "index"
        else int(np.isnan(points).sum()),
        counted,
        correlation_within(points[rows], people[rows]),
        words,
        top,
        is_reversed,
    )


def index_items(frame: pl.DataFrame, index: Sequence[str]) -> tuple[str, ...]:
    """Check the columns of the index."""
    if isinstance(index, str):
        raise OptionError.out_of_range("index", index, "a list of columns such as ['quality', 'service']")
    for column in index:
        if column not in frame.columns:
            raise UnknownNameError.of("column", column, frame.columns)
    return tuple(index)
