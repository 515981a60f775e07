"""What customers say is important, beside what moves their satisfaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.satisfaction import ratings
from crm_analytics.satisfaction.importance.places import Importance, Measured
from crm_analytics.satisfaction.regression.design import Design
from crm_analytics.satisfaction.regression.shares import bounds
from crm_analytics.stats.intervals import Floats

READINGS: Final = ("Hygiene", "Known priority", "Hidden opportunity", "Minor")
"""Said to matter but moves little; both; moves much though nobody says so; neither."""

SCHEMA: Final = {
    "driver": pl.String(), "stated_importance": pl.Float64(), "stated_importance_lower": pl.Float64(),
    "stated_importance_upper": pl.Float64(), "stated_rank": pl.Int64(), "derived_rank": pl.Int64(), "reading": pl.String(),
    "reading_probability": pl.Float64(),
}  # fmt: skip

_EXPECTED: Final = (
    "a mapping from drivers to columns or numbers, or a table with the columns driver and importance"
)
_LEAST: Final = 2


@dataclass(frozen=True, eq=False)
class Stated:
    """Stated importance: answers (n, p) from 0 to 100 or plain numbers (p,), NaN where none was given."""

    answers: Floats | None
    numbers: Floats | None


def stated_columns(stated: Any) -> list[str]:  # noqa: ANN401 a mapping or a table
    """Name the columns of the surveys that hold stated importance, which are no drivers."""
    return [v for v in stated.values() if isinstance(v, str)] if isinstance(stated, Mapping) else []


def read_stated(stated: Any, design: Design) -> Stated:  # noqa: ANN401 a mapping or a table
    """Read stated importance in whichever form it comes."""
    given = stated if isinstance(stated, Mapping) else _from_table(stated)
    names = [d.name for d in design.drivers]
    for driver in given:
        if driver not in names and driver not in design.left_out:
            raise UnknownNameError.of("driver", driver, names)
    kept = {k: v for k, v in given.items() if k in names}
    if len(kept) < _LEAST:
        raise NotEnoughDataError.of(
            "drivers with a stated importance", len(kept), _LEAST, "Name more of them in stated."
        )
    if all(isinstance(v, str) for v in kept.values()):
        return Stated(_answers(kept, names, design.frame), None)
    if any(isinstance(v, str) for v in kept.values()):
        raise OptionError.out_of_range("stated", given, "columns for all drivers, or numbers for all")
    return Stated(None, np.array([_number(kept[n]) if n in kept else np.nan for n in names]))


def _from_table(stated: Any) -> dict[str, object]:  # noqa: ANN401 any table
    try:
        frame = pl.DataFrame(stated)
    except Exception as error:
        raise OptionError.out_of_range("stated", type(stated).__name__, _EXPECTED) from error
    for column in ("driver", "importance"):
        if column not in frame.columns:
            raise OptionError.out_of_range("stated", frame.columns, _EXPECTED)
    return dict(frame.select("driver", "importance").drop_nulls().iter_rows())


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise OptionError.out_of_range("stated", value, _EXPECTED)
    return float(value)


def _answers(columns: Mapping[str, object], names: Sequence[str], frame: pl.DataFrame) -> Floats:
    answers = np.full((frame.height, len(names)), np.nan)
    for driver, column in columns.items():
        answers[:, names.index(driver)] = ratings.read_rating(frame, str(column)).rescaled()
    return answers


def stated_table(measured: Measured, stated: Stated, names: Sequence[str], kind: Importance) -> pl.DataFrame:
    """Compare stated with derived importance, one row per driver with both."""
    value = measured.stated if stated.numbers is None else stated.numbers
    there = ~np.isnan(value)
    derived, derived_draws = (a[there] for a in measured.importance(kind))
    said = value[there]
    said_draws = (
        measured.stated_draws[there]
        if stated.numbers is None
        else np.repeat(said[:, None], derived_draws.shape[1], axis=1)
    )
    low, high = bounds(said, said_draws)
    fixed = stated.numbers is not None
    reading = _readings(said[:, None], derived[:, None])[:, 0]
    often = (_readings(said_draws, derived_draws) == reading[:, None]).mean(axis=1)
    rows = zip(
        [n for n, t in zip(names, there, strict=True) if t],
        said.tolist(),
        [None if fixed else x for x in low.tolist()],
        [None if fixed else x for x in high.tolist()],
        _ranks(said),
        _ranks(derived),
        [READINGS[k] for k in reading],
        often.tolist(),
        strict=True,
    )
    return pl.DataFrame(list(rows), schema=SCHEMA, orient="row").sort("stated_rank", "driver")


def _readings(said: Floats, derived: Floats) -> Floats:
    loud, moves = said >= said.mean(axis=0), derived >= derived.mean(axis=0)
    found: Floats = np.where(loud, np.where(moves, 1, 0), np.where(moves, 2, 3))
    return found


def _ranks(values: Floats) -> list[int]:
    return [int((values > v).sum()) + 1 for v in values]


def nothing_stated() -> pl.DataFrame:
    """Give the table without rows."""
    return pl.DataFrame(schema=SCHEMA)
