"""Penalty and reward: which drivers only hurt when poor, and which only please when good."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

import numpy as np
import polars as pl
from scipy.stats import norm

from crm_analytics.aggregates import window as windows
from crm_analytics.errors import OptionError
from crm_analytics.results import Result
from crm_analytics.satisfaction import ratings
from crm_analytics.satisfaction.penalty import classes, words
from crm_analytics.satisfaction.penalty.classes import CLASSES, REVERSE, Contrasts, Cuts, Held
from crm_analytics.satisfaction.penalty.terms import TERMS
from crm_analytics.satisfaction.penalty.words import NO_CLASS, Findings
from crm_analytics.satisfaction.regression.design import Ask, Design, design
from crm_analytics.satisfaction.regression.moments import WAYS, Missing, check_draws
from crm_analytics.satisfaction.regression.shares import bounds

_MOST_DRIVERS: Final = 30
_MOST_HELD: Final = 12

CHANCES: Final = ("p_must_be", "p_performance", "p_delighter", "p_no_effect", "p_reverse")
"""Columns of the probability of each class."""

_STEPS: Final = ((-0.7, "Frustrator"), (-0.2, "Dissatisfier"), (0.2, "Hybrid"), (0.7, "Satisfier"))
_SPANNED: Final = ("penalty", "reward", "impact_asymmetry")
_SCHEMA: Final = {
    "driver": pl.String(), "driver_label": pl.String(), "n_answers": pl.Int64(), "low_up_to": pl.Float64(), "high_from": pl.Float64(),
    "n_low": pl.Int64(), "n_middle": pl.Int64(), "n_high": pl.Int64(),
    **{f"{c}{e}": pl.Float64() for c in _SPANNED[:2] for e in ("", "_lower", "_upper")},
    "outcome_range": pl.Float64(), "satisfaction_potential": pl.Float64(), "dissatisfaction_potential": pl.Float64(),
    **{f"impact_asymmetry{e}": pl.Float64() for e in ("", "_lower", "_upper")},
    "asymmetry_name": pl.String(), "same_size_p_value": pl.Float64(), "no_effect_p_value": pl.Float64(), "driver_class": pl.String(),
    "class_probability": pl.Float64(), **dict.fromkeys(CHANCES, pl.Float64()),
}  # fmt: skip


def penalty_reward(
    surveys: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    outcome: str | None = None,
    drivers: Sequence[str] | None = None,
    low: Cuts = None,
    high: Cuts = None,
    held: Held = "ratings",
    weights: str | None = None,
    missing: Missing = "em",
    not_applicable: Mapping[str, Sequence[float | str]] | None = None,
    clusters: str | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Result:
    """Say which drivers are must-bes, which delighters, and which simply the better the better.

    Each rating becomes two yes-or-no variables, low and high, against the ratings between. What low ratings go with is the
    penalty, what high ones go with the reward. A must-be has a penalty and hardly a reward: raise it to decent and stop
    there. A delighter has a reward and hardly a penalty.

    Not for few answers: each class needs 20 low, 20 middle and 20 high ratings. Not for features that do not exist yet: ask
    customers, and see `kano`.

    Parameters
    ----------
    surveys
        The surveys: an Extract, a frame, or anything the readers take.
    as_of
        The first day that is not seen; None takes the day after the last answer.
    start
        The first day that counts; None counts from the first answer.
    outcome
        Column of the overall score; None takes csat, nps or ces, whichever is there first.
    drivers
        Rating columns, at most 30; None takes all columns that look like ratings.
    low
        The highest rating that counts as low, for all drivers or by driver; None cuts each scale as the net promoter score
        cuts its own (60% of the way up): 3 of 1 to 5, 4 of 1 to 7, 6 of 1 to 10.
    high
        The lowest rating that counts as high; None takes 5 of 1 to 5, 6 of 1 to 7, 9 of 1 to 10.
    held
        What is held of all drivers: "ratings" also where within low, middle or high a rating stands, because otherwise a driver
        keeps a part of what belongs to those it goes with; "classes" low, middle and high alone, as textbooks have it, and as
        it is done with more than 12 drivers, since "ratings" needs three columns for each.
    weights
        Column of survey weights; None takes `weight` where there is one, "none" counts every answer alike.
    missing
        "em" takes incomplete answers with what they have, because complete ones alone may be few and different; "complete",
        "pairwise", or "not_applicable" (a gap has an effect of its own).
    not_applicable
        Column -> codes or words that mean "does not apply", such as {"parking": [0, 99]}.
    clusters
        Column of who answered; None takes customer_id where somebody answered more than once, "none" counts every answer
        by itself.
    n_bootstrap
        How many draws, 100 to 20,000: 1,000 gives probabilities to about 3 points.
    seed
        The same seed gives the same draws.

    Returns
    -------
    Result
        - "drivers": one row per driver: counts of low, middle and high ratings, `penalty` and `reward` with bounds, range of
          impact, asymmetry with bounds, tests, class and the probability of each class

    Raises
    ------
    NotEnoughDataError
        If there are too few answers, or no driver varies.
    OptionError
        If an option is out of its range, or a driver is no rating.
    UnknownNameError
        If there is no such column.

    Notes
    -----
    The outcome is regressed on low_k and high_k of every driver k, and unless `held` is "classes" on how far each rating lies
    from the mean of its class. With penalty p and reward r of a driver: RIOCS = r - p, SGP = r / RIOCS, DGP = |p| / RIOCS, IA = SGP - DGP. Whether r = |p|
    is tested by Wald's statistic (r + p)² / var(r + p). Variances are the bootstrap's, which knows of weights, gaps and
    respondents who answered more than once.

    References
    ----------
    Brandt, R. D. (1987), in Surprenant, C. (ed.), Add Value to Your Service, American Marketing Association, 61-65. Mikulić, J. and
    Prebežac, D. (2008), Managing Service Quality 18, 559-576. Mikulić, J. and Prebežac, D. (2011), Managing Service Quality
    21, 46-66 (what the method can and cannot classify).

    Examples
    --------
    >>> import crm_analytics as crm
    >>> result = crm.penalty_reward(crm.sample().table("surveys"))
    >>> result.summary().select("driver_label", "driver_class").rows()[:2]
    [('Delivery', 'Must-be'), ('Inspiration', 'Delighter')]
    """
    _check(drivers, missing, held, n_bootstrap, seed)
    extract, window, frame = ratings.answers(surveys, as_of=as_of, start=start)
    named = functools.partial(ratings.column_of, extract)
    ask = Ask(
        outcome and named(outcome), None if drivers is None else [named(d) for d in drivers], weights and named(weights), (),
        "numeric", ratings.named_codes(not_applicable, named), clusters and named(clusters),
    )  # fmt: skip
    made = design(frame, ask)
    names = [*(d.name for d in made.drivers), *made.left_out]
    for option, given in (("low", low), ("high", high)):
        classes.check_cuts(option, given, names)
    taken = _held(made, held)
    got = classes.contrasts(made, missing, low, high, taken, n_draws=n_bootstrap, seed=seed)
    found = Findings(made, got, missing, taken, driver_table(made, got))
    return Result.of(
        "penalty_reward",
        title="Must-bes and delighters",
        headline=words.headline(found),
        summary=words.summary(found),
        tables={"drivers": found.drivers},
        views=tuple(words.views(found)),
        parameters={
            "outcome": made.outcome.name,
            "drivers": [d.name for d in made.drivers],
            "low": {r["driver"]: r["low_up_to"] for r in found.drivers.iter_rows(named=True)},
            "high": {r["driver"]: r["high_from"] for r in found.drivers.iter_rows(named=True)},
            "held": taken,
            "weights": made.weight_column,
            "missing": missing,
            "not_applicable": {k: list(v) for k, v in (not_applicable or {}).items()},
            "clusters": clusters,
            "n_bootstrap": n_bootstrap,
            "seed": seed,
        },
        provenance=windows.provenance(extract, window),
        notes=tuple(words.notes(found)),
        terms=TERMS,
        currency=extract.currency,
    )


def _held(made: Design, held: Held) -> Held:
    """Decide what is held: two or three columns a driver are too many where drivers are many."""
    p = len(made.drivers)
    if p > _MOST_DRIVERS:
        raise OptionError(
            f"There are {p} drivers.",
            f"At most {_MOST_DRIVERS} can be judged together, since each takes two columns.",
            "Name those that matter most: drivers=['quality', …]; satisfaction_drivers takes more.",
        )
    return "classes" if p > _MOST_HELD else held


def _check(drivers: Sequence[str] | None, missing: str, held: str, n_bootstrap: int, seed: int) -> None:
    if isinstance(drivers, str):
        raise OptionError.out_of_range("drivers", drivers, "a list of columns such as ['quality', 'service']")
    if missing not in WAYS:
        raise OptionError.out_of_range("missing", missing, f"one of {', '.join(map(repr, WAYS))}")
    if held not in get_args(Held):
        raise OptionError.out_of_range("held", held, "'ratings' or 'classes'")
    check_draws(n_bootstrap, seed)


def driver_table(made: Design, got: Contrasts) -> pl.DataFrame:
    """Give one row per driver, the widest range of impact first."""
    kind = classes.classify(got.penalty[:, None], got.reward[:, None], got.spread)[:, 0]
    drawn = classes.classify(got.penalty_draws, got.reward_draws, got.spread)
    chances = np.stack([(drawn == k).mean(axis=1) for k in range(len(CLASSES))], axis=1)
    ia_draws = classes.asymmetry(got.penalty_draws, got.reward_draws)
    same = asymmetry_p(got)
    nothing = classes.joint_p(got.penalty, got.reward, got.spread)
    rows = []
    for j, driver in enumerate(made.drivers):
        cells = got.cells[j]
        rows.append(
            {
                "driver": driver.name,
                "driver_label": driver.label,
                "n_answers": cells.n_low + cells.n_middle + cells.n_high,
                "low_up_to": cells.low,
                "high_from": cells.high,
                "n_low": cells.n_low,
                "n_middle": cells.n_middle,
                "n_high": cells.n_high,
                **_spanned("penalty", got.penalty[[j]], got.penalty_draws[[j]]),
                **_spanned("reward", got.reward[[j]], got.reward_draws[[j]]),
                "outcome_range": float(got.reward[j] - got.penalty[j]),
                "same_size_p_value": float(same[j]),
                "no_effect_p_value": float(nothing[j]),
                **_class(int(kind[j]), chances[j].tolist(), thin=cells.thin),
                **_asymmetry(got, j, ia_draws, void=cells.thin or int(kind[j]) == REVERSE),
            }
        )
    return pl.DataFrame(rows, schema=_SCHEMA).sort("outcome_range", "driver", descending=[True, False])


def asymmetry_p(got: Contrasts) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Give the p-value of reward and penalty being of the same size."""
    z = classes.asymmetry_z(got.penalty[:, None], got.reward[:, None], got.spread)[:, 0]
    found: np.ndarray[tuple[int], np.dtype[np.float64]] = 2 * norm.sf(np.abs(z))
    return found


def _spanned(name: str, value: Any, drawn: Any) -> dict[str, float]:  # noqa: ANN401 arrays of one row
    lower, upper = bounds(value, drawn)
    return {name: float(value[0]), f"{name}_lower": float(lower[0]), f"{name}_upper": float(upper[0])}


def _class(kind: int, chances: Sequence[float], *, thin: bool) -> dict[str, object]:
    if thin:
        return {"driver_class": NO_CLASS}
    return {
        "driver_class": CLASSES[kind],
        "class_probability": chances[kind],
        **dict(zip(CHANCES, chances, strict=True)),
    }


def _asymmetry(got: Contrasts, j: int, draws: Any, *, void: bool) -> dict[str, object]:  # noqa: ANN401 an array
    if void:
        return {}
    at = classes.asymmetry(got.penalty[[j]], got.reward[[j]])
    ia = float(at[0])
    return {
        "satisfaction_potential": (1 + ia) / 2,
        "dissatisfaction_potential": (1 - ia) / 2,
        **_spanned("impact_asymmetry", at, draws[[j]]),
        "asymmetry_name": next((name for limit, name in _STEPS if ia < limit), "Delighter"),
    }
