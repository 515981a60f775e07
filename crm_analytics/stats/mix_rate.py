"""Why an average moved: because its groups moved (rate), or because other groups weigh more now (mix)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import Floats, z_value


class MixRate(NamedTuple):
    """The parts of a change by group; `mix.sum() + rate.sum()` is the change, with nothing left over.

    Standard errors are those of each part, the groups' shares taken as drawn (mix) or as they are (rate).
    """

    mix: Floats
    rate: Floats
    mix_errors: Floats
    rate_errors: Floats
    mix_error: float
    rate_error: float

    def half(self, errors: ArrayLike, level: float = 0.95) -> Floats:
        """Give half the width of normal intervals."""
        return z_value(level) * np.asarray(errors, float)


def mix_rate(
    shares: tuple[ArrayLike, ArrayLike],
    scores: tuple[ArrayLike, ArrayLike],
    variances: tuple[ArrayLike, ArrayLike] | None = None,
    n: tuple[ArrayLike, ArrayLike] | None = None,
) -> MixRate:
    """Split the change of an average into mix and rate.

    Both moments count alike (midpoints), so that the split does not depend on which comes first and leaves no
    interaction over. A group that is there at one of the moments only has moved the mix alone.

    Parameters
    ----------
    shares
        Shares of the groups before and now, each adding up to 1.
    scores
        Scores of the groups before and now; NaN where a group is absent.
    variances, n
        Variance of one answer, and effective number of answers, by group, before and now, for standard errors.

    Raises
    ------
    OptionError
        If shares do not add up to 1.

    References
    ----------
    Kitagawa, E. M. (1955). Components of a difference between two rates. Journal of the American Statistical Association
    50, 1168-1194.

    Examples
    --------
    >>> found = mix_rate(([0.5, 0.5], [0.8, 0.2]), ([40.0, 0.0], [40.0, 10.0]))
    >>> found.mix.sum().round(9), found.rate.sum().round(9)
    (np.float64(10.5), np.float64(3.5))
    """
    before, now = (np.asarray(x, float) for x in shares)
    if not (np.isclose(before.sum(), 1) and np.isclose(now.sum(), 1)):
        raise OptionError.out_of_range("shares", f"sums {before.sum():.3g} and {now.sum():.3g}", "sums of 1")
    was, is_ = (np.asarray(x, float) for x in scores)
    was, is_ = np.where(before > 0, was, is_), np.where(now > 0, is_, was)
    whole = (float(before @ was) + float(now @ is_)) / 2
    middle, weight = (was + is_) / 2 - whole, (before + now) / 2
    mix, rate = (now - before) * middle, weight * (is_ - was)
    if variances is None or n is None:
        none = np.zeros_like(mix)
        return MixRate(mix, rate, none, none, 0.0, 0.0)
    return _with_errors(mix, rate, middle, weight, (before, now), variances, n)


def _with_errors(
    mix: Floats,
    rate: Floats,
    middle: Floats,
    weight: Floats,
    shares: tuple[Floats, Floats],
    variances: tuple[ArrayLike, ArrayLike],
    n: tuple[ArrayLike, ArrayLike],
) -> MixRate:
    sizes = [np.asarray(x, float) for x in n]
    moved = sum(
        np.asarray(v, float) / np.maximum(size, 1e-300) * (size > 0)
        for v, size in zip(variances, sizes, strict=True)
    )
    rates = weight * np.sqrt(moved)
    totals = [max(float(size.sum()), 1.0) for size in sizes]
    own = sum(w * (1 - w) / t for w, t in zip(shares, totals, strict=True))
    whole = sum(
        (float(w @ middle**2) - float(w @ middle) ** 2) / t for w, t in zip(shares, totals, strict=True)
    )
    return MixRate(
        mix, rate, np.abs(middle) * np.sqrt(own), rates, float(np.sqrt(max(whole, 0.0))), float(np.sqrt(rates @ rates))
    )  # fmt: skip
