"""The border to pandas: frames and series come in and go out here, and everything between is numpy.

pandas is imported when a call needs it and not before, so that the library itself does without.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crm_analytics.errors import MissingPackageError, OptionError

Floats = NDArray[np.float64]


def pandas() -> Any:
    """Give pandas.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    try:
        return importlib.import_module("pandas")
    except ImportError as error:
        purpose = "take and give frames as lifetimes did"
        raise MissingPackageError.of("pandas", "lifetimes", purpose) from error


def outside() -> int:
    """Give the `stacklevel` at which a warning points to the line that called this package."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith(__package__ or __name__):
        frame, level = frame.f_back, level + 1
    return level  # this function itself stands for the line after the last


def is_series(thing: object) -> bool:
    """Say whether a thing is a pandas Series, without importing pandas."""
    return type(thing).__name__ == "Series" and type(thing).__module__.split(".")[0] == "pandas"


def floats(thing: Any, name: str) -> Floats:
    """Give a column or number as floats; a missing value stops it.

    Raises
    ------
    OptionError
        If something is not a number, or missing.
    """
    try:
        values = (
            thing.to_numpy(dtype=float, na_value=np.nan) if is_series(thing) else np.asarray(thing, float)
        )
    except (TypeError, ValueError) as error:
        raise OptionError(f"{name} holds something that is no number.", "Expected numbers.") from error
    missing = int(np.isnan(values).sum())
    if missing:
        raise OptionError(
            f"{name} holds {missing:,} missing value{'s'[: missing != 1]}.",
            "Expected a number on every row.",
            f"Leave these rows out: frame[frame[{name!r}].notna()].",
        )
    return values


def aligned(columns: dict[str, Any]) -> tuple[list[Floats], Any]:
    """Give the columns as arrays of one shape, rows of several Series matched by label, and the index of the first.

    Raises
    ------
    OptionError
        If the Series are not about the same rows, or the shapes do not fit.
    """
    series = [c for c in columns.values() if is_series(c)]
    index: Any = series[0].index if series else None
    found = []
    for name, column in columns.items():
        if is_series(column) and not column.index.equals(index):
            if len(column) != len(index) or set(column.index) != set(index) or not index.is_unique:
                raise OptionError(
                    f"{name} has other row labels than the columns before it.",
                    "Expected columns of one frame.",
                )
            found.append(floats(column.reindex(index), name))
        else:
            found.append(floats(column, name))
    try:
        return [np.array(a) for a in np.broadcast_arrays(*found)], index
    except ValueError as error:
        shapes = ", ".join(f"{n} {a.shape}" for n, a in zip(columns, found, strict=True))
        raise OptionError(
            f"The shapes do not fit together: {shapes}.", "Expected one value per row."
        ) from error


def each_row(formula: Callable[..., Floats], columns: dict[str, Any], *, as_series: bool = True) -> Any:
    """Work out a figure for each row and give it back as the columns came: Series, array or number."""
    arrays, index = aligned(columns)
    shape = arrays[0].shape
    values = formula(*(a.ravel() for a in arrays)).reshape(shape)
    if not as_series:
        return np.atleast_1d(values)
    if index is not None and shape == (len(index),):
        return pandas().Series(values, index=index)
    return values if shape else np.float64(values)


def history(x: Floats, t_x: Floats, age: Floats) -> None:
    """Refuse histories that cannot be.

    Raises
    ------
    OptionError
        If a last purchase lies after the end of observation, or something is negative.
    """
    for wrong, words in (
        (t_x > age, "a recency beyond T: the last purchase would lie after the end of observation"),
        ((x < 0) | (t_x < 0), "a negative frequency or recency"),
    ):
        if wrong.any():
            i = int(np.argmax(wrong))
            raise OptionError(
                f"{int(wrong.sum()):,} rows hold {words}; the first has frequency, recency, T = "
                f"{x[i]:g}, {t_x[i]:g}, {age[i]:g}.",
                "Expected frequency >= 0 and 0 <= recency <= T.",
            )
