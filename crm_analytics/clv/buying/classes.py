"""Classes of a quantity with round ends, for tables of distributions."""

from __future__ import annotations

from typing import Final

import numpy as np

from crm_analytics.clv.likelihoods.rows import Floats

_ROUND: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


def round_width(top: float, n: int) -> float:
    """Give the smallest round width with which at most n classes reach the top.

    >>> round_width(90.0, 20), round_width(0.93, 20), round_width(1234.0, 25)
    (5.0, 0.05, 50.0)
    """
    least = max(top, 1e-12) / n
    power = 10.0 ** np.floor(np.log10(least))
    return float(next((m * power for m in _ROUND if m * power >= least * (1 - 1e-9)), 10 * power))


def round_ends(top: float, n: int, *, least: float = 0.0) -> Floats:
    """Give the ends of at most n classes of equal round width from 0 on, the last at or beyond the top.

    >>> round_ends(45.0, 5).tolist()
    [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    """
    width = max(round_width(top, n), least)
    return np.asarray(np.arange(int(np.ceil(top / width - 1e-9)) + 1) * width, np.float64)


def counted(values: Floats, ends: Floats, weights: Floats | None = None) -> Floats:
    """Count values in the classes [ends[i], ends[i + 1]) and, last, from the last end on."""
    places = np.clip(np.searchsorted(ends, values, side="right") - 1, 0, len(ends) - 1)
    return np.asarray(np.bincount(places, weights, len(ends)), np.float64)
