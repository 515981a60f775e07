"""Which groups are too small to be shown, and which more must be hidden so that those cannot be worked out."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

VERY_LOW: Final = 30
LOW: Final = 100


def hidden(n: ArrayLike, least: int, order: ArrayLike | None = None) -> NDArray[np.bool_]:
    """Say which groups to hide, where the total over all groups is shown.

    A group with fewer answers than `least` is hidden. Were it the only one, its score would be the total less the others; so the
    next smallest are hidden too, until two are hidden that together have at least `least` answers. Empty groups tell nothing
    and need no hiding.

    Parameters
    ----------
    n
        Answers by group.
    least
        The fewest that may be shown.
    order
        The places in the order in which more are hidden; None takes the smallest first.

    Examples
    --------
    >>> hidden([50, 40, 4], 10).tolist(), hidden([50, 40, 6, 5], 10).tolist(), hidden([50, 0], 10).tolist()
    ([False, True, True], [False, False, True, True], [False, False])
    """
    sizes = np.asarray(n, np.int64)
    away: NDArray[np.bool_] = (sizes > 0) & (sizes < least)
    if not away.any():
        return away
    for place in np.argsort(sizes, kind="stable") if order is None else np.asarray(order, np.int64):
        if away.sum() >= 2 and sizes[away].sum() >= least:  # noqa: PLR2004 one alone could be worked out
            break
        if sizes[place] > 0:
            away[place] = True
    return away


def base(n: int, *, is_hidden: bool) -> str:
    """Say how far a base of so many answers carries.

    >>> base(12, is_hidden=False), base(250, is_hidden=False)
    ('very low: 10 to 29', 'enough')
    """
    if is_hidden:
        return "hidden"
    if n == 0:
        return "no answers"
    if n < VERY_LOW:
        return "very low: 10 to 29" if n >= 10 else "very low: under 10"  # noqa: PLR2004
    return "low: 30 to 99" if n < LOW else "enough"
