"""Scores by value: cut-offs that keep equal values together, and the bin of each value.

A cut-off is what a value must reach to earn a score. With k bins there are k - 1 of them, for the scores 2 to k, from
the lowest to the highest; None stands for a score that no value reaches. Two equal cut-offs leave the score between
them empty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Real
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Cuts = tuple[float | None, ...]

_ROUND_NUMBERS: Final = (2, 3, 5, 10, 20, 50, 100, 200, 500)
"""Orders that earn the scores 2, 3, …: 1, 2, 3-4, 5-9, 10 and more for five bins."""

MOST_BINS: Final = len(_ROUND_NUMBERS) + 1


def quantile_cuts(values: ArrayLike, bins: int) -> Cuts:
    """Give the cut-offs that make bins as equal as ties allow.

    A value's bin is the one in which the middle of its ties falls: with a share b of values below it and a share e
    equal to it, the score is ceil(bins (b + e / 2)). So equal values always share a score, the order of rows does not
    matter, and turning the values round turns the scores round. Bins need not be equal, and some may be empty.

    Parameters
    ----------
    values
        Finite numbers, more is better.
    bins
        How many scores.

    Examples
    --------
    >>> quantile_cuts([1, 2, 3, 4, 5], 5), quantile_cuts([1, 1, 1, 1, 9], 5)
    ((2.0, 3.0, 4.0, 5.0), (1.0, 9.0, 9.0, 9.0))
    """
    different, counts = np.unique(np.asarray(values, float), return_counts=True)
    below = np.cumsum(counts) - counts
    twice = 2 * below + counts  # whole numbers throughout: no value may tip over by rounding
    scores = -(-twice * bins // (2 * counts.sum()))
    firsts = np.searchsorted(scores, np.arange(2, bins + 1), side="left")
    return tuple(float(different[i]) if i < different.size else None for i in firsts)


def round_number_cuts(bins: int) -> Cuts:
    """Give fixed cut-offs for numbers of orders.

    >>> round_number_cuts(5)
    (2.0, 3.0, 5.0, 10.0)
    """
    return tuple(float(c) for c in _ROUND_NUMBERS[: bins - 1])


def score(values: ArrayLike, cuts: Cuts) -> NDArray[np.int64]:
    """Give each value its score: one more than the number of cut-offs it reaches.

    >>> score([0, 2, 4, 50], (2.0, 3.0, 5.0, 10.0)).tolist()
    [1, 2, 3, 5]
    """
    edges = np.array([math.inf if c is None else c for c in cuts])
    return np.searchsorted(edges, np.asarray(values, float), side="right").astype(np.int64) + 1


def is_ordered(cuts: Sequence[float | None]) -> bool:
    """Say whether cut-offs are finite numbers that never fall, with None at the upper end only.

    >>> is_ordered((1, 2, 2, None)), is_ordered((2, 1)), is_ordered((None, 3))
    (True, False, False)
    """
    numbers = [c for c in cuts if c is not None]
    if list(cuts) != [*numbers, *[None] * (len(cuts) - len(numbers))]:
        return False
    if not all(isinstance(c, Real) and math.isfinite(c) for c in numbers):
        return False
    return all(a <= b for a, b in pairwise(numbers))
