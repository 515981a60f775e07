"""P-values of many tests at once, corrected for how many there are."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import Floats

Correction = Literal["holm", "bh"]
"""How p-values are corrected: after Holm (any false finding is rare) or Benjamini and Hochberg (few findings are false)."""


def corrected(p_values: ArrayLike, correction: Correction = "holm") -> Floats:
    """Correct p-values by the named rule; NaN stays NaN and does not count as a test.

    >>> corrected([0.01, float("nan"), 0.03], "bh").tolist()
    [0.02, nan, 0.03]
    """
    if correction not in ("holm", "bh"):
        raise OptionError.out_of_range("correction", correction, "'holm' or 'bh'")
    p = np.asarray(p_values, float)
    tested = np.isfinite(p)
    found = np.full(p.shape, np.nan)
    found[tested] = (holm if correction == "holm" else benjamini_hochberg)(p[tested])
    return found


def holm(p_values: ArrayLike) -> Floats:
    """Correct p-values of several tests so that the chance of any false finding stays what one test's is.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6, 65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Correct p-values of many tests, so that of the findings at a level at most that share is false on average.

    NaN stays NaN and does not count as a test.

    References
    ----------
    Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the Royal Statistical
    Society B 57, 289-300.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    p = np.asarray(p_values, float)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    m = order.size
    steps = p[order] * m / np.arange(1, m + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return adjusted
