"""Why an average moved: because its groups moved (rate), or because other groups weigh more now (mix)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crm_analytics.errors import OptionError
from crm_analytics.stats.intervals import Floats, z_value


class MixRate(NamedTuple):
    """The parts of a change by group; `mix.sum() + rate.sum()` is the change, with nothing left over.

    Standard errors are those of each part, the groups' shares and scores both taken as drawn.
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
    one, other = (
        _Moment.of(w, x, v, size)
        for w, x, v, size in zip((before, now), (was, is_), variances, n, strict=True)
    )
    return _with_errors(mix, rate, middle, (one, other))


class _Moment(NamedTuple):
    """Shares and scores of the groups at one moment, squared errors of the scores, answers in all."""

    share: Floats
    score: Floats
    error2: Floats
    n: float

    @classmethod
    def of(cls, share: Floats, score: Floats, variance: ArrayLike, n: ArrayLike) -> _Moment:
        size = np.asarray(n, float)
        there = size > 0
        error2 = np.where(there, np.asarray(variance, float) / np.where(there, size, 1.0), 0.0)
        return cls(share, np.where(np.isfinite(score), score, 0.0), error2, max(float(size.sum()), 1.0))


def _with_errors(
    mix: Floats,
    rate: Floats,
    middle: Floats,
    moments: tuple[_Moment, _Moment],
) -> MixRate:
    """Add the errors of the parts, linear in shares (multinomial) and scores (independent) of both moments."""
    before, now = moments
    shift, moved = now.share - before.share, now.score - before.score
    weight = (before.share + now.share) / 2
    mixes, rates, whole_mix, whole_rate = np.zeros_like(mix), np.zeros_like(mix), 0.0, 0.0
    for sign, at in ((-1.0, before), (1.0, now)):
        w, x, own = at.share, at.score, sign * middle
        squares = w * (own**2 - own * shift * x) + shift**2 / 4 * float(w @ x**2)
        mixes += (squares - (w * own - shift / 2 * float(w @ x)) ** 2) / at.n
        mixes += shift**2 / 4 * ((1 - 2 * w) * at.error2 + float(w**2 @ at.error2))
        rates += (moved / 2) ** 2 * w * (1 - w) / at.n + weight**2 * at.error2
        whole_mix += _spread(w, middle) / at.n + float((shift / 2) ** 2 @ at.error2)
        whole_rate += _spread(w, moved / 2) / at.n + float(weight**2 @ at.error2)
    roots = [np.sqrt(np.maximum(v, 0.0)) for v in (mixes, rates)]
    return MixRate(mix, rate, roots[0], roots[1], float(np.sqrt(whole_mix)), float(np.sqrt(whole_rate)))


def _spread(weights: Floats, values: Floats) -> float:
    return max(float(weights @ values**2) - float(weights @ values) ** 2, 0.0)
