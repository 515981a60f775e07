"""Importance and performance: what to fix first, what to keep up, and how sure that is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_args

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.results import Result
from crm_analytics.satisfaction import ratings
from crm_analytics.satisfaction.importance import places, tables, words
from crm_analytics.satisfaction.importance.places import CUTS, Cut, Importance, Measured
from crm_analytics.satisfaction.importance.stated import (
    nothing_stated,
    read_stated,
    stated_columns,
    stated_table,
)
from crm_analytics.satisfaction.importance.terms import TERMS
from crm_analytics.satisfaction.importance.words import Findings
from crm_analytics.satisfaction.regression import answer_notes, moments
from crm_analytics.satisfaction.regression.design import SPARE, Ask, Design, design, with_attributes
from crm_analytics.satisfaction.regression.moments import WAYS, Missing

_MOST_GROUPS: Final = 6
_LEAST_GROUP: Final = 30


def importance_performance(
    surveys: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    outcome: str | None = None,
    drivers: Sequence[str] | None = None,
    importance: Importance = "lmg",
    cut: Cut = "mean",
    stated: Mapping[str, str | float] | Any = None,  # noqa: ANN401 or a table
    weights: str | None = None,
    missing: Missing = "em",
    not_applicable: Mapping[str, Sequence[float | str]] | None = None,
    clusters: str | None = None,
    by: str | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Result:
    """Say which drivers of satisfaction to fix first: important, and rated worse than the others.

    The picture behind it is the oldest in the field, and the most misread: with points near the cut lines the quadrant is a
    matter of chance, and with another choice of lines it is another. So importance and performance are drawn together, and
    each driver gets the probability of each quadrant, under all three usual choices of lines.

    Not for cause: importance is derived from how ratings and outcome go together. A driver that everybody rates alike shows
    none and may still be expected by all (see `penalty_reward`).

    Parameters
    ----------
    surveys
        The surveys: an Extract, a frame, or anything the readers take.
    as_of
        The first day that is not seen; None takes the day after the last answer.
    start
        The first day that counts; None counts from the first answer.
    customers
        The customers table, for attributes in `by`. Optional.
    outcome
        Column of the overall score; None takes csat, nps or ces, whichever is there first.
    drivers
        Rating columns; None takes all columns that look like ratings. At least two.
    importance
        "lmg": share of explained variance, averaged over all orders of the drivers, because it stays fair where ratings go
        together; "total_effect": points of outcome per point of the driver, both from 0 to 100, the others held.
    cut
        "mean": means over the drivers, as is most usual; "midpoint": middle of the scale, and half way between least and most
        important; "iso": the line on which importance and performance are equal as standard scores.
    stated
        Stated importance to compare with: driver -> column with answers, driver -> number, or a table with the columns driver
        and importance.
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
    by
        Column of surveys or customers: the map for each of the six largest groups of at least 30 answers.
    n_bootstrap
        How many draws, 100 to 20,000: 1,000 gives probabilities to about 3 points.
    seed
        The same seed gives the same draws.

    Returns
    -------
    Result
        - "drivers": one row per driver: `importance_share`, `driver_effect` and `performance` with bounds, quadrant and the
          probability of each
        - "cuts": one row per choice of lines and driver: where the lines are, quadrant, probabilities
        - "stated": one row per driver with a stated importance: ranks and reading (hygiene where customers say it matters and
          it moves little); empty without `stated`
        - "groups": one row per group and driver; empty without `by`

    Raises
    ------
    NotEnoughDataError
        If there are too few answers, or fewer than two drivers that vary.
    OptionError
        If an option is out of its range, or a driver is no rating.
    UnknownNameError
        If there is no such column.

    Notes
    -----
    Performance is the weighted mean rating as a share of the scale, 0 to 100. Cut lines are drawn anew in each draw, so their
    own uncertainty is in the probabilities.

    References
    ----------
    Martilla, J. A. and James, J. C. (1977), Journal of Marketing 41(1), 77-79. Bacon, D. R. (2003), International Journal of
    Market Research 45(1), 55-71. Abalo, J., Varela, J. and Manzano, V. (2007), Journal of Business Research 60, 115-121.
    Ringle, C. M. and Sarstedt, M. (2016), Industrial Management & Data Systems 116, 1865-1886.

    Examples
    --------
    >>> import crm_analytics as crm
    >>> result = crm.importance_performance(crm.sample().table("surveys"), n_bootstrap=200)
    >>> result.tables()["drivers"].select("driver", "quadrant").row(0)
    ('delivery', 'Concentrate here')
    """
    _check(importance, cut, missing, n_bootstrap, seed)
    extract, window, frame = ratings.answers(surveys, as_of=as_of, start=start)
    named = functools.partial(ratings.column_of, extract)
    outcome, by = (named(c) if c else None for c in (outcome, by))
    frame = with_attributes(frame, customers, [by] if by else [])
    chosen = _drivers(frame, outcome, _all_named(drivers, named), stated_columns(stated), by)
    codes = ratings.named_codes(not_applicable, named)
    ask = Ask(outcome, chosen, weights and named(weights), (), "numeric", codes, clusters and named(clusters))
    made = design(frame, ask, apart=(by,) if by else ())
    _check_drivers(made)
    found = _findings(made, missing, importance, cut, stated, by, n_bootstrap, seed)
    return Result.of(
        "importance_performance",
        title="What to fix first",
        headline=words.headline(found),
        summary=words.summary(found),
        tables={
            "drivers": found.drivers,
            "cuts": found.cuts,
            "stated": found.stated,
            "groups": found.groups,
        },
        views=tuple(words.views(found)),
        parameters={
            "outcome": made.outcome.name,
            "drivers": [d.name for d in made.drivers],
            "importance": importance,
            "cut": cut,
            "stated": stated if isinstance(stated, Mapping) else None if stated is None else "a table",
            "weights": made.weight_column,
            "missing": missing,
            "not_applicable": {k: list(v) for k, v in (not_applicable or {}).items()},
            "clusters": clusters,
            "by": by,
            "n_bootstrap": n_bootstrap,
            "seed": seed,
        },
        provenance=windows.provenance(extract, window),
        notes=tuple(words.notes(found)),
        terms=TERMS,
        currency=extract.currency,
    )


def _check(importance: str, cut: str, missing: str, n_bootstrap: int, seed: int) -> None:
    for option, value, known in (
        ("importance", importance, get_args(Importance)),
        ("cut", cut, CUTS),
        ("missing", missing, WAYS),
    ):
        if value not in known:
            raise OptionError.out_of_range(option, value, f"one of {', '.join(map(repr, known))}")
    moments.check_draws(n_bootstrap, seed)


def _all_named(drivers: Sequence[str] | None, named: Callable[[str], str]) -> Sequence[str] | None:
    return drivers if drivers is None or isinstance(drivers, str) else [named(d) for d in drivers]


def _drivers(
    frame: pl.DataFrame,
    outcome: str | None,
    drivers: Sequence[str] | None,
    away: Sequence[str],
    by: str | None,
) -> Sequence[str] | None:
    """Leave columns of stated importance out of the drivers that nobody named."""
    if drivers is not None:
        if isinstance(drivers, str):
            raise OptionError.out_of_range(
                "drivers", drivers, "a list of columns such as ['quality', 'service']"
            )
        return drivers
    without = [ratings.default_outcome(frame, outcome), *away, *([by] if by else [])]
    return ratings.rating_columns(frame, without=without) or None


def _check_drivers(made: Design) -> None:
    for driver in made.drivers:
        if driver.rating is None:
            raise OptionError(
                f"The driver {driver.name!r} is a category.",
                "Drivers of a map have a performance, so they are ratings.",
                "Leave it out of the drivers, or compare its categories with by=.",
            )
    if len(made.drivers) < 2:  # noqa: PLR2004 nothing to compare
        left = "; ".join(f"{name}: {why}" for name, why in made.left_out.items())
        raise NotEnoughDataError.of(
            "varying drivers",
            len(made.drivers),
            2,
            f"A map compares drivers with each other{f' (left out: {left})' if left else ''}; name more rating columns.",
        )


def _findings(
    made: Design,
    missing: Missing,
    importance: Importance,
    cut: Cut,
    stated: Any,  # noqa: ANN401 a mapping or a table
    by: str | None,
    n_bootstrap: int,
    seed: int,
) -> Findings:
    told = None if stated is None else read_stated(stated, made)
    answers = None if told is None else told.answers
    whole = places.measure(made, missing, stated=answers, n_draws=n_bootstrap, seed=seed)
    groups, small = _by_group(made, missing, by, n_bootstrap, seed)
    names = [d.name for d in made.drivers]
    return Findings(
        design=made,
        measured=whole,
        way=missing,
        kind=importance,
        cut=cut,
        drivers=tables.driver_table(made, whole, importance, cut),
        cuts=tables.cut_table(made, whole, importance, cut),
        stated=nothing_stated() if told is None else stated_table(whole, told, names, importance),
        groups=tables.group_table(made, groups, importance, cut),
        by=by,
        small_groups=small,
    )


def _by_group(
    made: Design, missing: Missing, by: str | None, n_bootstrap: int, seed: int
) -> tuple[dict[str, Measured], tuple[str, ...]]:
    """Measure each of the largest groups by itself; too small ones are named."""
    if by is None:
        return {}, ()
    group = answer_notes.groups_of(made.frame, by)
    counts = group.value_counts(sort=False).sort("count", by, descending=[True, False])
    least = max(_LEAST_GROUP, made.x.shape[1] + SPARE)
    found: dict[str, Measured] = {}
    small = []
    for name, n in counts.iter_rows():
        rows = (group == name).to_numpy()
        if n < least or len(found) == _MOST_GROUPS or not made.outcome.values[rows].std() > 0:
            small.append(str(name))
            continue
        try:
            found[str(name)] = places.measure(made, missing, rows=rows, n_draws=n_bootstrap, seed=seed)
        except (NotEnoughDataError, OptionError):  # a driver nobody of the group rated
            small.append(str(name))
    return found, tuple(small)
