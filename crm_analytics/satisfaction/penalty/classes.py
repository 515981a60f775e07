"""Penalties and rewards: what low and high ratings of a driver go with, and which kind of driver that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from crm_analytics.errors import NotEnoughDataError, OptionError, UnknownNameError
from crm_analytics.satisfaction.ratings import Rating
from crm_analytics.satisfaction.regression import moments
from crm_analytics.satisfaction.regression.design import Design, Driver
from crm_analytics.satisfaction.regression.moments import Missing
from crm_analytics.satisfaction.regression.shares import coefficients, explained
from crm_analytics.stats.intervals import Floats

CLASSES: Final = ("Must-be", "Performance", "Delighter", "No clear effect", "Reverse or unclear")
"""What a driver can be; a driver with thin cells has no class."""

MUST_BE, PERFORMANCE, DELIGHTER, NO_EFFECT, REVERSE = range(5)

THIN: Final = 20
"""A driver with fewer low, middle or high ratings than this gets no class."""

_LOW_UP_TO: Final = 60.0
_HIGH_FROM: Final = 83.0
_SIZE: Final = 0.2
_LEVEL: Final = 0.05
_TINY: Final = 1e-12
_THREE: Final = 3

Held = Literal["ratings", "classes"]
"""What is held of all drivers: where exactly they are rated, or only low, middle and high."""

Cuts = float | Mapping[str, float] | None


@dataclass(frozen=True, eq=False)
class Cells:
    """Low and high ratings of a driver: from where to where, and how many."""

    low: float
    high: float
    n_low: int
    n_middle: int
    n_high: int

    @property
    def thin(self) -> bool:
        """Whether any of the three is too small to tell."""
        return min(self.n_low, self.n_middle, self.n_high) < THIN


@dataclass(frozen=True, eq=False)
class Contrasts:
    """Penalty and reward of each driver.

    Attributes
    ----------
    cells
        Of each driver.
    penalty, reward
        (p,) points of outcome, against ratings in the middle.
    penalty_draws, reward_draws
        (p, n_draws).
    spread
        (p, 2, 2) covariance of penalty and reward.
    r2, n_rows
        Explained by all together; answers that count.
    """

    cells: tuple[Cells, ...]
    penalty: Floats
    reward: Floats
    penalty_draws: Floats
    reward_draws: Floats
    spread: Floats
    r2: float
    n_rows: int


def cut_points(rating: Rating, low: Cuts, high: Cuts) -> tuple[float, float]:
    """Give the highest low and the lowest high rating of a driver.

    Unless named: low is up to 60% of the scale, high from 83% on, which is how the net promoter score cuts its own (0 to 6,
    9 and 10); so 1 to 3 and 5 of 1 to 5, 1 to 4 and 6 to 7 of 1 to 7, 1 to 6 and 9 to 10 of 1 to 10. On scales of three
    points the ends.
    """
    width = rating.high - rating.low
    step = 1.0 if width >= 2 else width  # noqa: PLR2004 yes and no
    points = np.arange(rating.low, rating.high + step / 2, step)
    place = (points - rating.low) / max(width, _TINY) * 100
    few = len(points) <= _THREE
    own_low = float(points[place <= _LOW_UP_TO].max()) if not few else float(points[0])
    own_high = float(points[place >= _HIGH_FROM].min()) if not few else float(points[-1])
    return _asked(low, rating.name, own_low), _asked(high, rating.name, own_high)


def _asked(given: Cuts, name: str, own: float) -> float:
    value = given.get(name, own) if isinstance(given, Mapping) else given
    return own if value is None else float(value)


def check_cuts(option: str, given: Cuts, names: list[str]) -> None:
    """Refuse cuts that are no numbers, or of drivers that do not exist."""
    values = given.values() if isinstance(given, Mapping) else [given]
    for value in values:
        if isinstance(value, bool) or not (value is None or isinstance(value, int | float)):
            raise OptionError.out_of_range(option, value, "a rating, or a mapping from drivers to ratings")
    for name in given if isinstance(given, Mapping) else ():
        if name not in names:
            raise UnknownNameError.of("driver", name, names)


def contrasts(
    design: Design, way: Missing, low: Cuts, high: Cuts, held: Held, *, n_draws: int, seed: int
) -> Contrasts:
    """Regress the outcome on low and high ratings of all drivers together."""
    coded, cells = _coded(design, low, high)
    if held == "ratings":
        coded = _with_places(coded, cells, way)
    chosen = moments.prepared(coded, way)
    found = moments.moments_of(chosen)
    drawn = coefficients(moments.draws_of(chosen, found, n_draws=n_draws, seed=seed))
    beta = coefficients(found.covariance[:, :, None])[:, 0]
    drawn = beta[:, None] + (drawn - beta[:, None]) * _widening(chosen)
    p = len(coded.drivers)
    lows, highs = np.arange(p) * 2, np.arange(p) * 2 + 1
    spread = np.stack([np.cov(drawn[[j, k]]) for j, k in zip(lows, highs, strict=True)])
    return Contrasts(
        cells=cells,
        penalty=beta[lows],
        reward=beta[highs],
        penalty_draws=drawn[lows],
        reward_draws=drawn[highs],
        spread=spread,
        r2=explained(found.covariance, range(len(found.covariance) - 1)),
        n_rows=chosen.n,
    )


def _widening(rows: moments.Prepared) -> float:
    """Give by how much draws are too narrow, because residuals of a fit with so many columns are too small."""
    units = rows.n if rows.clusters is None else len(np.unique(rows.clusters))
    size = min(float(rows.weights.sum() ** 2 / (rows.weights**2).sum()), units)
    return float(np.sqrt(size / max(size - rows.z.shape[1], 1.0)))


def _coded(design: Design, low: Cuts, high: Cuts) -> tuple[Design, tuple[Cells, ...]]:
    """Put two columns of 0 and 1 in the place of each rating; what is always in stays behind them."""
    columns: list[Floats] = []
    drivers: list[Driver] = []
    cells = []
    for driver in design.drivers:
        rating = driver.rating
        if rating is None:
            raise OptionError(
                f"The driver {driver.name!r} is a category.",
                "Ratings were expected, which can be low or high.",
                "Leave it out of the drivers.",
            )
        cuts = cut_points(rating, low, high)
        if cuts[0] >= cuts[1]:
            raise OptionError.out_of_range(
                "low", cuts[0], f"less than high, which is {cuts[1]:g} for {driver.name!r}"
            )
        drivers.append(replace(driver, columns=(len(columns), len(columns) + 1)))
        is_low, is_high = _dummies(rating, design.x[:, driver.columns[0]], cuts)
        columns += [is_low, is_high]
        n_low, n_high = int(np.nansum(is_low)), int(np.nansum(is_high))
        cells.append(Cells(*cuts, n_low, rating.n - n_low - n_high, n_high))
    if not drivers:
        raise NotEnoughDataError.of("drivers that vary", 0, 1)
    always = [design.x[:, j] for j in design.always]
    x = np.column_stack([*columns, *always])
    fixed = tuple(range(len(columns), len(columns) + len(always)))
    return replace(design, drivers=tuple(drivers), x=x, always=fixed), tuple(cells)


def _with_places(coded: Design, cells: tuple[Cells, ...], way: Missing) -> Design:
    """Hold also where within low, middle or high a rating stands, so that no driver keeps what belongs to another."""
    columns = []
    for driver, cell in zip(coded.drivers, cells, strict=True):
        rating = driver.rating
        if rating is None:
            continue
        values = rating.values
        place = np.where(values <= cell.low, 0, np.where(values >= cell.high, 2, 1))
        off = np.where(rating.applies, np.nan, 0.0)
        for k in range(_THREE):
            own = (place == k) & ~np.isnan(values)
            if own.any():
                off[own] = values[own] - np.average(values[own], weights=coded.weights[own])
        if np.nanmax(np.abs(off)) > _TINY:
            columns.append(np.where(np.isnan(off), 0.0, off) if way == "not_applicable" else off)
    first = coded.x.shape[1]
    fixed = (*coded.always, *range(first, first + len(columns)))
    return replace(coded, x=np.column_stack([coded.x, *columns]), always=fixed)


def _dummies(rating: Rating, filled: Floats, cuts: tuple[float, float]) -> tuple[Floats, Floats]:
    """Say which ratings are low and high; gaps stay gaps, and what does not apply is neither."""
    values = np.where(rating.applies, rating.values, filled)
    gap = np.isnan(values)
    is_low = np.where(gap, np.nan, (values <= cuts[0]) & rating.applies)
    is_high = np.where(gap, np.nan, (values >= cuts[1]) & rating.applies)
    return is_low, is_high


def classify(penalty: Floats, reward: Floats, spread: Floats) -> NDArray[np.int64]:
    """Say which of `CLASSES` drivers belong to.

    Tests are Wald's at 5%, corrected for the number of drivers after Bonferroni, since a list of drivers is looked at for
    those that stand out. No clear effect: penalty and reward together do not surely differ from 0. Reverse or unclear: one of them
    surely has the wrong sign; one that may have it by chance counts as 0. Must-be and delighter: the impact asymmetry is
    beyond 0.2 and the two surely differ in size; performance otherwise.

    Parameters
    ----------
    penalty, reward
        (p, n_draws).
    spread
        (p, 2, 2) covariance of the two.

    >>> classify(np.array([[-1.0], [-1.0], [0.0], [0.0], [1.0]]), np.array([[0.0], [1.0], [1.0], [0.0], [1.0]]),
    ...          np.stack([0.01 * np.eye(2)] * 5))[:, 0].tolist()
    [0, 1, 2, 3, 4]
    """
    errors = np.sqrt(np.maximum(np.einsum("pii->pi", spread), _TINY))
    level = _LEVEL / len(penalty)
    z, joint = float(norm.isf(level / 2)), float(chi2.isf(level, 2))
    wrong = (penalty > z * errors[:, :1]) | (reward < -z * errors[:, 1:])
    ia, apart = asymmetry(penalty, reward), np.abs(asymmetry_z(penalty, reward, spread)) > z
    kind = np.where((ia < -_SIZE) & apart, MUST_BE, np.where((ia > _SIZE) & apart, DELIGHTER, PERFORMANCE))
    kind = np.where(wrong, REVERSE, kind)
    return np.where(joint_statistic(penalty, reward, spread) < joint, NO_EFFECT, kind)


def asymmetry(penalty: Floats, reward: Floats) -> Floats:
    """Give the impact asymmetry, -1 to 1; a wrong sign counts as no effect, 0 where nothing is left."""
    loss, gain = np.maximum(-penalty, 0.0), np.maximum(reward, 0.0)
    whole = loss + gain
    found: Floats = np.where(whole > _TINY, (gain - loss) / np.where(whole > _TINY, whole, 1.0), 0.0)
    return found


def asymmetry_z(penalty: Floats, reward: Floats, spread: Floats) -> Floats:
    """Give Wald's statistic of reward and penalty being of the same size."""
    variance = spread[:, 0, 0] + spread[:, 1, 1] + 2 * spread[:, 0, 1]
    found: Floats = (reward + penalty) / np.sqrt(np.maximum(variance, _TINY))[:, None]
    return found


def joint_statistic(penalty: Floats, reward: Floats, spread: Floats) -> Floats:
    """Give Wald's statistic of neither having an effect: chi-square with 2 degrees of freedom."""
    inverse = np.linalg.pinv(spread, rcond=1e-10, hermitian=True)
    both = np.stack([penalty, reward])
    found: Floats = np.einsum("ipb,pij,jpb->pb", both, inverse, both)
    return found


def joint_p(penalty: Floats, reward: Floats, spread: Floats) -> Floats:
    """Give the p-value of neither having an effect."""
    found: Floats = chi2.sf(joint_statistic(penalty[:, None], reward[:, None], spread)[:, 0], 2)
    return found
