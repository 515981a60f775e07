"""What goes into a driver analysis: the outcome as a number, the drivers as columns, and what had to be left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.extracts.readers import as_extract
from crm_analytics.satisfaction import ratings
from crm_analytics.satisfaction.ratings import Rating
from crm_analytics.satisfaction.regression import categories
from crm_analytics.stats.intervals import Floats

Kind = Literal["numeric", "binary", "ordinal", "nps"]
DriverKind = Literal["rating", "yes or no", "category"]

SPARE: Final = 5
"""So many answers more than columns are needed at least, and so many of the rarer of two answers."""

SAME_ANSWERS: Final = "the same answers"
"""How the trouble of a driver begins that repeats another."""

_PROMOTER: Final = 9.0
_PASSIVE: Final = 7.0
_TOP: Final = {2.0: 1.0, 3.0: 3.0, 4.0: 3.0, 5.0: 4.0, 6.0: 5.0, 7.0: 6.0, 10.0: 9.0, 11.0: 9.0}


@dataclass(frozen=True, eq=False)
class Outcome:
    """The outcome: (n,) numbers without gaps, and how they are to be read.

    `unit` what one point is; `low` and `high` ends of the scale; `said` what was made of the answers, in words.
    """

    name: str
    label: str
    kind: Kind
    values: Floats
    low: float
    high: float
    unit: str
    said: str


@dataclass(frozen=True, eq=False)
class Driver:
    """One driver: its columns in the matrix, for ratings the scale, for categories the levels, the first the one compared with.

    `n_levels` is how many different answers a category had before the rarest were taken together.
    """

    name: str
    label: str
    kind: DriverKind
    columns: tuple[int, ...]
    rating: Rating | None
    levels: tuple[str, ...] = ()
    n_levels: int = 0
    trouble: str | None = None


@dataclass(frozen=True, eq=False)
class Design:
    """Rows that count, as matrices.

    Attributes
    ----------
    outcome, drivers
        What is explained, and by what.
    x
        (n, q): columns of drivers, then of what is always in; NaN where an answer is missing.
    always
        Columns that are in every model.
    weights, clusters
        Of the rows; clusters 0 to k - 1, or None where rows stand alone.
    frame
        The rows themselves.
    left_out
        Drivers that cannot be judged, with the reason; the label of each in `labels`.
    set_aside
        Codes outside the run of a scale, by column.
    unreadable
        Texts among numbers, by column.
    not_applicable
        By driver, how many answers the caller declared not applicable.
    n_no_outcome, n_no_driver, n_no_weight
        Rows that do not count.
    """

    outcome: Outcome
    drivers: tuple[Driver, ...]
    x: Floats
    always: tuple[int, ...]
    covariates: tuple[str, ...]
    weights: Floats
    weight_column: str | None
    clusters: NDArray[np.int64] | None
    frame: pl.DataFrame
    left_out: Mapping[str, str]
    set_aside: Mapping[str, Mapping[float, int]]
    unreadable: Mapping[str, Mapping[str, int]]
    not_applicable: Mapping[str, int]
    n_no_outcome: int
    n_no_driver: int
    n_no_weight: int

    @property
    def n(self) -> int:
        """How many answers count."""
        return len(self.x)

    @property
    def groups(self) -> list[list[int]]:
        """Columns by driver."""
        return [list(d.columns) for d in self.drivers]

    @property
    def plain(self) -> bool:
        """Whether rows count alike and stand alone."""
        return self.clusters is None and bool(np.ptp(self.weights) < 1e-12)  # noqa: PLR2004 rounding

    @property
    def effective_n(self) -> float:
        """Kish's number of answers that would say as much if they counted alike."""
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())

    @property
    def has_gaps(self) -> bool:
        """Whether any answer is missing."""
        return bool(np.isnan(self.x).any())


@dataclass(frozen=True)
class Ask:
    """What the caller asked for."""

    outcome: str | None
    drivers: Sequence[str] | None
    weights: str | None
    covariates: tuple[str, ...]
    kind: str
    not_applicable: Mapping[str, Sequence[float | str]]
    clusters: str | None


def with_attributes(frame: pl.DataFrame, customers: Any, columns: Sequence[str]) -> pl.DataFrame:  # noqa: ANN401 any frame
    """Bring attributes from the customers table that the surveys lack."""
    lacking = [c for c in dict.fromkeys(columns) if c not in frame.columns]
    if not lacking:
        return frame
    if customers is None or "customer_id" not in frame.columns:
        raise UnknownNameError.of("column", lacking[0], frame.columns)
    people = as_extract(customers, table="customers").frame
    known = people.collect_schema().names()
    for column in lacking:
        if column not in known:
            raise UnknownNameError.of("column of surveys or customers", column, [*frame.columns, *known])
    return frame.join(
        people.select("customer_id", *lacking).collect(), on="customer_id", how="left", maintain_order="left"
    )


def design(frame: pl.DataFrame, ask: Ask, *, apart: Sequence[str] = ()) -> Design:
    """Make the matrices.

    Raises
    ------
    NotEnoughDataError
        If too few answers, or none that differ, are left.
    OptionError
        If an option does not fit the columns.
    UnknownNameError
        If a column does not exist.
    """
    name = ratings.default_outcome(frame, ask.outcome)
    _known(frame, [*(ask.drivers or ()), *ask.covariates, *ask.not_applicable])
    _apart(name, ask, apart)
    given = ratings.read_rating(frame, name, not_applicable=ask.not_applicable)
    weights = ratings.survey_weights(frame, ask.weights)
    outcome_there = ~np.isnan(given.values)
    counted = outcome_there & (weights.values > 0)
    if not counted.any():
        raise NotEnoughDataError.of(
            f"answers to {name!r} with a weight above 0",
            0,
            1,
            "Look at the check report for what could not be read, or name another column with outcome='<column>'.",
        )
    names = _driver_names(frame, name, ask, apart)
    some = np.zeros(frame.height, bool)
    for driver in names:
        some |= frame[driver].is_not_null().to_numpy()
    kept = counted & some
    rows = frame.filter(pl.Series(kept))
    if rows.is_empty():
        raise NotEnoughDataError.of(f"answers to {name!r} and to a driver", 0, 1)
    outcome = _outcome(given, kept, ask.kind)
    built = _Columns(rows, ask.not_applicable)
    for driver in names:
        built.add_driver(driver)
    w = weights.values[kept]
    made = Design(
        outcome=outcome,
        drivers=tuple(built.drivers),
        x=built.matrix(ask.covariates),
        always=tuple(range(built.n_driver_columns, built.n_columns)),
        covariates=ask.covariates,
        weights=w / w.mean(),
        weight_column=weights.column,
        clusters=_clusters(rows, ask.clusters),
        frame=rows,
        left_out=built.left_out,
        set_aside={**({name: given.set_aside} if given.set_aside else {}), **built.set_aside},
        unreadable={**({name: given.unreadable} if given.unreadable else {}), **built.unreadable},
        not_applicable=built.not_applicable,
        n_no_outcome=int((~outcome_there).sum()),
        n_no_driver=int((counted & ~some).sum()),
        n_no_weight=weights.n_without,
    )
    _check(made)
    return made


def _known(frame: pl.DataFrame, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in frame.columns:
            raise UnknownNameError.of("column", column, frame.columns)


def _apart(outcome: str, ask: Ask, apart: Sequence[str]) -> None:
    """Refuse an outcome that explains itself or divides the answers, and drivers named twice."""
    drivers = list(ask.drivers or ())
    for columns, what in ((drivers, "a driver"), (ask.covariates, "a covariate"), (apart, "by")):
        if outcome in columns:
            raise OptionError(
                f"{outcome!r} is named as the outcome and as {what}.",
                "The outcome cannot explain itself, nor can answers be divided by it.",
                "Take it out of one of the two.",
            )
    for column in apart:
        if column in drivers:
            raise OptionError(
                f"{column!r} is named as a driver and as by.",
                "Within a part all rate such a driver alike.",
                "Leave it out of the drivers, or divide the answers by another column.",
            )
    for column in drivers:
        if drivers.count(column) > 1 or column in ask.covariates:
            raise OptionError.out_of_range(
                "drivers", column, "each column once, and not among the covariates"
            )


def _driver_names(frame: pl.DataFrame, outcome: str, ask: Ask, apart: Sequence[str]) -> list[str]:
    if ask.drivers is not None:
        if not ask.drivers:
            raise OptionError.out_of_range("drivers", [], "one column or more")
        return list(ask.drivers)
    without = [outcome, *apart, *ask.covariates, *(c for c in (ask.weights, ask.clusters) if c)]
    found = ratings.rating_columns(frame, without=without)
    if not found:
        raise NotEnoughDataError.of(
            "rating columns",
            0,
            1,
            "Name the drivers: drivers=['<column>', …]; found were " + ", ".join(frame.columns) + ".",
        )
    return found


def _outcome(given: Rating, kept: NDArray[np.bool_], kind: str) -> Outcome:
    values = given.values[kept]
    points = np.unique(values)
    if len(points) < 2:  # noqa: PLR2004 nothing to explain
        raise NotEnoughDataError.of(
            f"different answers to {given.name!r}",
            len(points),
            2,
            "With all answers alike there is nothing to explain.",
        )
    chosen = _kind(kind, len(points))
    if chosen == "binary":
        return _yes_or_no(given, values, points)
    if chosen == "nps":
        if points.min() < 0 or points.max() > 10 or given.low > 0:  # noqa: PLR2004 the scale of NPS
            raise OptionError.out_of_range(
                "kind",
                "nps",
                f"answers from 0 to 10; {given.name!r} has {points.min():g} to {points.max():g}",
            )
        classes = np.where(values >= _PROMOTER, 100.0, np.where(values >= _PASSIVE, 0.0, -100.0))
        if len(np.unique(classes)) < 2:  # noqa: PLR2004
            raise NotEnoughDataError.of("classes of NPS among the answers", 1, 2)
        return Outcome(
            given.name,
            given.label,
            "nps",
            classes,
            -100.0,
            100.0,
            "NPS points",
            "promoters (9, 10), passives (7, 8), detractors (0 to 6)",
        )
    said = "its answers in their order" if chosen == "ordinal" else "its answers as numbers"
    return Outcome(given.name, given.label, chosen, values, given.low, given.high, "points", said)


def _kind(kind: str, n_points: int) -> Kind:
    if kind == "auto":
        return "binary" if n_points == 2 else "numeric"  # noqa: PLR2004
    return kind  # type: ignore[return-value]  # checked by the caller


def _yes_or_no(given: Rating, values: Floats, points: Floats) -> Outcome:
    """Take the better of two answers, or the top of a longer scale, as yes."""
    if len(points) == 2:  # noqa: PLR2004
        cut, said = (
            float(points[1]),
            f"{given.words.get(float(points[1]), f'{points[1]:g}')} against {given.words.get(float(points[0]), f'{points[0]:g}')}",
        )
    else:
        cut = _TOP.get(given.high - given.low + 1, given.high)
        cut = cut if given.low > 0 or given.high == 10 else float(points[-1])  # noqa: PLR2004 0 to 10 has its promoters
        said = f"{cut:g} to {given.high:g} against less"
    yes = (values >= cut).astype(float)
    rarer = int(min(yes.sum(), (1 - yes).sum()))
    if rarer < SPARE:
        raise NotEnoughDataError.of(
            f"answers to {given.name!r} on the rarer side ({said})",
            rarer,
            SPARE,
            "Take it as it is with kind='numeric', or gather more answers.",
        )
    return Outcome(given.name, given.label, "binary", yes, 0.0, 1.0, "share", said)


class _Columns:
    """Gathers the columns of the matrix, driver by driver."""

    def __init__(self, rows: pl.DataFrame, not_applicable: Mapping[str, Sequence[float | str]]) -> None:
        self.rows, self.codes = rows, not_applicable
        self.drivers: list[Driver] = []
        self.left_out: dict[str, str] = {}
        self.set_aside: dict[str, Mapping[float, int]] = {}
        self.unreadable: dict[str, Mapping[str, int]] = {}
        self.not_applicable: dict[str, int] = {}
        self.columns: list[Floats] = []
        self.indicators: list[Floats] = []
        self.n_driver_columns = 0
        self.n_columns = 0

    def add_driver(self, name: str) -> None:
        """Add a driver, or say why it cannot be judged."""
        series = self.rows[name]
        if series.dtype == pl.String and not ratings.is_rating(series) and name not in self.codes:
            self._add_category(name)
        else:
            self._add_rating(name)
        self.n_driver_columns = len(self.columns)

    def _add_rating(self, name: str) -> None:
        rating = ratings.read_rating(self.rows, name, not_applicable=self.codes)
        self._record(name, rating)
        if len(rating.points) < 2:  # noqa: PLR2004 does not vary
            self.left_out[name] = (
                "nobody answered it" if not rating.points else f"all answers are {rating.points[0]:g}"
            )
            return
        values = rating.values.copy()
        if not rating.applies.all():
            self.indicators.append((~rating.applies).astype(float))
            values[~rating.applies] = np.nanmean(values)
        two = rating.points == (0.0, 1.0)
        made = Driver(
            name, rating.label, "yes or no" if two else "rating", (len(self.columns),), rating
        )  # fmt: skip
        self.drivers.append(self._beside_twin(made, values))
        self.columns.append(values)

    def _record(self, name: str, rating: Rating) -> None:
        if rating.set_aside:
            self.set_aside[name] = rating.set_aside
        if rating.unreadable:
            self.unreadable[name] = rating.unreadable
        if self.codes.get(name):
            self.not_applicable[name] = int((~rating.applies).sum())

    def _add_category(self, name: str) -> None:
        own = self.rows[name]
        series = categories.levels(own)
        counts = series.drop_nulls().value_counts(sort=False).sort("count", name, descending=[True, False])
        levels = counts[name].to_list()
        if len(levels) < 2:  # noqa: PLR2004
            self.left_out[name] = f"all answers are {levels[0]!r}" if levels else "nobody answered it"
            return
        first = len(self.columns)
        self.columns.extend(categories.dummies(series, levels[1:]))
        columns = tuple(range(first, len(self.columns)))
        n_levels = own.drop_nulls().n_unique()
        self.drivers.append(
            Driver(name, ratings.label(name), "category", columns, None, tuple(levels), n_levels)
        )

    def _beside_twin(self, driver: Driver, values: Floats) -> Driver:
        """Note on a driver and on the one with the same answers, where there is one, that they are twins."""
        for k, other in enumerate(self.drivers):
            own = self.columns[other.columns[0]]
            if other.rating is not None and np.array_equal(own, values, equal_nan=True):
                self.drivers[k] = replace(other, trouble=other.trouble or f"{SAME_ANSWERS} as {driver.label}")
                return replace(driver, trouble=f"{SAME_ANSWERS} as {other.label}")
        return driver

    def matrix(self, covariates: Sequence[str]) -> Floats:
        """Give all columns, those that are always in last."""
        fixed = [column for name in covariates for column in categories.covariate(self.rows, name)]
        every = [*self.columns, *self.indicators, *fixed]
        self.n_columns = len(every)
        return np.column_stack(every) if every else np.empty((self.rows.height, 0))


def _clusters(rows: pl.DataFrame, clusters: str | None) -> NDArray[np.int64] | None:
    """Give each row the number of its cluster, in the order in which they come; rows without one stand alone."""
    name = clusters or "customer_id"
    if clusters == "none" or (clusters is None and name not in rows.columns):
        return None
    if name not in rows.columns:
        raise UnknownNameError.of("column of clusters", name, rows.columns)
    series = rows[name].cast(pl.String)
    if series.drop_nulls().n_unique() == series.drop_nulls().len():
        return None
    alone = pl.Series([f"\0{i}" for i in range(rows.height)])
    keys = series.to_frame("k").with_columns(pl.coalesce("k", alone).alias("k"))["k"]
    if keys.n_unique() == 1:  # nothing can be drawn from one; a column that never varies is no respondent
        if clusters:
            raise NotEnoughDataError.of(f"different values of {clusters!r}", 1, 2, "Leave clusters out.")
        return None
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(k, len(numbers)) for k in keys], np.int64)


def _check(made: Design) -> None:
    if not made.drivers:
        reasons = "; ".join(f"{name}: {why}" for name, why in made.left_out.items())
        raise NotEnoughDataError.of("drivers that vary", 0, 1, f"Nothing can be compared ({reasons}).")
    needed = made.x.shape[1] + SPARE
    if made.n < needed:
        raise NotEnoughDataError.of(
            "answers with an outcome and a driver",
            made.n,
            needed,
            f"Name fewer drivers than these {len(made.drivers)}, or gather more answers.",
        )
