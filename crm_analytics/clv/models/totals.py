"""Whether a column of mean spend holds totals: spend per purchase would then rise in proportion to their number."""

from __future__ import annotations

from typing import Final

import numpy as np

from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.fit import Diagnosis

FEWEST: Final = 50
"""Customers below whom nothing is said."""

_LEAST: Final = 0.75
_MOST: Final = 1.25
"""Slopes of ln(spend) on ln(purchases) that look like those of totals, 1; means that do not depend on them have 0."""

_DOUBTFUL: Final = 0.5
_STRONG: Final = 4.0  # standard errors away from half way between means and totals: 1 in 30,000 by chance
_GLANCE: Final = 20_000


def looks_like_totals(x: Floats, z: Floats, w: Floats) -> Diagnosis | None:
    """Say so where spend rises with the number of purchases as only totals do.

    Parameters
    ----------
    x, z, w
        Repeat purchases (1 or more), what is said to be mean spend (above 0), and customers, per row.

    Examples
    --------
    >>> x = np.arange(1.0, 101.0)
    >>> looks_like_totals(x, 20.0 + x % 3, np.ones(100)) is None
    True
    >>> looks_like_totals(x, x * (20.0 + x % 3), np.ones(100)).code
    'looks_like_totals'
    """
    step = max(1, len(x) // _GLANCE)
    x, z, w = x[::step], z[::step], w[::step]
    if w.sum() < FEWEST or len(x) < FEWEST:
        return None
    of_x, of_z = np.log(x), np.log(z)
    of_x = of_x - np.average(of_x, weights=w)
    of_z = of_z - np.average(of_z, weights=w)
    spread = float((w * of_x * of_x).sum())
    if spread <= 0:
        return None
    slope = float((w * of_x * of_z).sum()) / spread
    rest = of_z - slope * of_x
    error = float(np.sqrt((w * (of_x * rest) ** 2).sum())) / spread
    if not (_LEAST <= slope <= _MOST and slope - _DOUBTFUL > _STRONG * error):
        return None
    return Diagnosis(
        "looks_like_totals",
        f"monetary_value rises in proportion to frequency (to its power {slope:.2f}), as totals do and means per purchase "
        "do not. Expected the mean spend per repeat purchase. Divide it by frequency, or make the summary with "
        "clv.summarise.",
    )
