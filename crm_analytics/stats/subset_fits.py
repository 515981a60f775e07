"""The share of variance that every subset of drivers explains, from one covariance.

With p drivers there are 2^p subsets. Fitting each one by itself costs 2^p regressions; sweeping the drivers out of one
covariance, one after the other and for all subsets at once, costs about six multiplications a subset. Many covariances
(the draws of a bootstrap) go through together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import Floats

MOST_EXACT: Final = 22
"""Up to so many drivers every subset is looked at (about a third of a second and 75 MB at 22)."""

ALIASED: Final = 1e-12
"""A driver with less than this share of its variance left, given others, adds nothing to them."""


def subset_r2(
    covariance: ArrayLike, groups: Sequence[Sequence[int]] | None = None, always: Sequence[int] = ()
) -> Floats:
    """Give the share of the outcome's variance that each subset of drivers explains.

    Parameters
    ----------
    covariance
        Covariance (or correlation) of drivers and outcome, the outcome last: (q + 1, q + 1), or
        (q + 1, q + 1, n_draws) for many at once. A constant or aliased driver adds nothing.
    groups
        Columns that enter together (the dummies of one categorical driver). Each column by itself if None; columns
        named in neither `groups` nor `always` are left out.
    always
        Columns that are in every subset; what they explain is not attributed to any driver.

    Returns
    -------
    array
        R2 of subset i, (2^p,) or (2^p, n_draws), where bit k of i says whether group k is in it. With `always`, index 0
        is what those explain alone.

    References
    ----------
    Sweep operator: Goodnight, J. H. (1979). A tutorial on the SWEEP operator. The American Statistician 33, 149-158.

    Examples
    --------
    >>> subset_r2([[1.0, 0.0, 0.6], [0.0, 1.0, 0.3], [0.6, 0.3, 1.0]]).round(2).tolist()
    [0.0, 0.36, 0.09, 0.45]
    """
    a = np.array(covariance, float)
    single = a.ndim == 2  # noqa: PLR2004 a matrix
    a = a[:, :, None, None] if single else a[:, :, None, :]
    p = a.shape[0] - 1
    fixed = list(always)
    sets = [[j] for j in range(p) if j not in fixed] if groups is None else [list(g) for g in groups]
    if len(sets) > MOST_EXACT:
        raise OptionError.out_of_range(
            "groups", len(sets), f"at most {MOST_EXACT} drivers; sample orders beyond"
        )
    order = [*fixed, *(j for g in sets for j in g), p]
    a = a[np.ix_(order, order)]
    whole = a[-1, -1, 0].copy()
    scale = np.einsum("ii...->i...", a)[:-1, 0].copy()
    for k in range(len(fixed)):
        a = _swept(a, scale[k])
    done = len(fixed)
    for group in sets:
        n = len(group)
        inside = a
        for k in range(n):
            inside = _swept(inside, scale[done + k])
        a = np.concatenate([a[n:, n:], inside], axis=2)
        done += n
    left = a[0, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        r2 = np.where(whole > 0, 1 - left / whole, 0.0)
    return r2[:, 0] if single else r2


def _swept(a: Floats, scale: Floats) -> Floats:
    """Give what is left of the others once the first variable is accounted for."""
    pivot = a[0, 0]
    usable = pivot > ALIASED * scale
    inverse = np.where(usable, 1 / np.where(usable, pivot, 1.0), 0.0)
    c = a[0, 1:]
    left: Floats = a[1:, 1:] - (c * inverse)[:, None] * c[None]
    return left
