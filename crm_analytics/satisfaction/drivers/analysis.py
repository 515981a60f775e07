"""Satisfaction drivers: which ratings go with overall satisfaction, how surely, in which direction and form."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.errors import OptionError
from crm_analytics.results import Result
from crm_analytics.satisfaction import ratings
from crm_analytics.satisfaction.drivers import findings, notes, tables, words
from crm_analytics.satisfaction.drivers.terms import TERMS
from crm_analytics.satisfaction.regression import design
from crm_analytics.satisfaction.regression.design import Ask
from crm_analytics.satisfaction.regression.moments import Missing, check_draws

Kind = Literal["auto", "numeric", "binary", "ordinal", "nps"]


def satisfaction_drivers(
    surveys: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    start: windows.Day | None = None,
    customers: Any = None,  # noqa: ANN401 an Extract or any frame
    outcome: str | None = None,
    drivers: Sequence[str] | None = None,
    weights: str | None = None,
    covariates: Sequence[str] = (),
    kind: Kind = "auto",
    missing: Missing = "em",
    not_applicable: Mapping[str, Sequence[float | str]] | None = None,
    by: str | None = None,
    clusters: str | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Result:
    """Say which ratings go with overall satisfaction, and how sure that is.

    Four questions are kept apart: what share of the variation a driver explains (LMG, the Shapley value of R²), whether it
    adds anything of its own, in which direction it goes, and how much the outcome would differ if it were rated a point
    higher. Not for cause: an experiment tells that. Not for what customers say is important to them.

    Parameters
    ----------
    surveys
        Answer sheets: an Extract, a frame, or anything the readers take.
    as_of
        The first day that is not seen; None takes the day after the last answer.
    start
        The first day that counts; None counts from the first answer.
    customers
        The customers table, for attributes in `by` and `covariates`. Optional.
    outcome
        What is explained; None takes csat, nps or ces, whichever is there first.
    drivers
        Columns that may explain it: ratings (numbers or words such as "very satisfied"), yes and no, or categories. None takes
        every column that looks like a rating and is not an overall score or a weight.
    weights
        Column of survey weights; None takes `weight` where there is one, "none" counts every answer alike.
    covariates
        Columns that are always in the model and not judged, such as "channel": of the surveys, or else of the customers.
    kind
        "numeric" (R²), "binary" (the better of two answers, or the top of a longer scale), "ordinal" (proportional odds) or
        "nps" (promoters, passives, detractors); "auto" takes two answers as binary and all else as numeric.
    missing
        What a gap is: "em" (the default) lets every answer sheet count with what it holds, which supposes that gaps depend on
        the other answers alone; "complete" counts complete sheets; "pairwise" each pair of columns by itself (numeric
        outcomes only); "not_applicable" puts an indicator into every model. The table "missing" shows them all.
    not_applicable
        Column -> codes (0, 9, 99) or words that mean "not applicable": never taken as numbers, and whether a driver applies is
        always in the model. A word for a blank, such as "n/a", stands for every gap of the column. An empty list says that every
        number is an answer. Codes outside the run of a scale that are not named here are left out, and a note asks.
    by
        Column to compare parts of the answers by, each with all others: of the surveys, or else of the customers.
    clusters
        Column of what is drawn together, since its answers are alike; None takes the customer where some answered more than
        once, "none" draws answer sheets.
    n_bootstrap
        Draws of the bootstrap, 100 to 20,000: 1,000, enough for 95% intervals.
    seed
        The same seed gives the same draws.

    Returns
    -------
    Result
        - "drivers": one row per driver: answers, `lmg` and `importance` with bounds, probability of being first, `unique_r2` with
          test, `driver_correlation`, `coefficient`, `sign_conflict`, `leverage` with bounds, relative weight, form
        - "differences": one row per pair of drivers: difference of `lmg` with bounds, probability of being ahead
        - "ranks": one row per driver and place: its probability
        - "shape": one row per rating and answer: difference to the middle answer with bounds, all other drivers alike
        - "segments": one row per part of the answers and driver: importance in it and in the rest, tests; empty without `by`
        - "missing": one row per way to take gaps and driver: share and place
        - "model": one row per figure of the whole: R² or pseudo R², checks

    Raises
    ------
    NotEnoughDataError
        If fewer answers than columns and five are left, or the outcome or all drivers are answered alike.
    OptionError
        If an option is out of its range or a column holds no ratings.
    UnknownNameError
        If a column does not exist.

    Notes
    -----
    Up to 22 drivers every subset is looked at; beyond, orders of entry are sampled and their error reported. Shares of yes/no
    and ordered outcomes are Shapley values of McFadden's R²; as long as it takes a few seconds (yes/no and 10,000 answers: 15
    drivers) every subset is fitted, and beyond orders are sampled; bootstrap draws move each fit by one Newton step.
    Categories enter with all their columns at once.

    References
    ----------
    Lindeman, R. H., Merenda, P. F. and Gold, R. Z. (1980), Introduction to Bivariate and Multivariate Analysis. Groemping, U.
    (2007), The American Statistician 61, 139-147. Azen, R. and Traxel, N. (2009), Journal of Educational and Behavioral
    Statistics 34, 319-347. Thomas, D. R. et al. (2014), Multivariate Behavioral Research 49, 329-338. Brant, R. (1990), Biometrics 46,
    1171-1178.

    Examples
    --------
    >>> import crm_analytics as crm
    >>> base = crm.sample()
    >>> result = crm.satisfaction_drivers(base.table("surveys"), drivers=["quality", "packaging"])
    >>> result.tables()["drivers"].select("driver", "place").rows()
    [('quality', 1), ('packaging', 2)]
    """
    _check(kind, missing, drivers, covariates)
    check_draws(n_bootstrap, seed)
    extract, window, frame = ratings.answers(surveys, as_of=as_of, start=start)
    named = functools.partial(ratings.column_of, extract)
    by = named(by) if by else None
    fixed = tuple(named(c) for c in covariates)
    frame = design.with_attributes(frame, customers, [*fixed, *([by] if by else [])])
    ask = Ask(
        outcome=named(outcome) if outcome else None,
        drivers=None if drivers is None else [named(d) for d in drivers],
        weights=named(weights) if weights else None,
        covariates=fixed,
        kind=kind,
        not_applicable=ratings.named_codes(not_applicable, named),
        clusters=named(clusters) if clusters else None,
    )
    made = design.design(frame, ask, apart=(by,) if by else ())
    if missing == "pairwise" and made.outcome.kind != "numeric":
        raise OptionError.out_of_range(
            "missing", missing, "em, complete or not_applicable for such an outcome"
        )
    found = findings.find(made, missing, by, n_draws=n_bootstrap, seed=seed)
    shown = _tables(found)
    told = words.Told(found, shown["drivers"], shown["differences"])
    return Result.of(
        "satisfaction_drivers",
        title="Satisfaction drivers",
        headline=words.headline(told),
        summary=words.summary(told),
        tables=shown,
        views=tuple(words.views(told, shown["shape"], shown["missing"], shown["segments"])),
        parameters={
            "outcome": made.outcome.name,
            "outcome_label": made.outcome.label,
            "outcome_unit": made.outcome.unit,
            "drivers": [d.name for d in made.drivers],
            "weights": made.weight_column,
            "covariates": list(covariates),
            "kind": made.outcome.kind,
            "missing": missing,
            "not_applicable": {c: list(v) for c, v in (not_applicable or {}).items()},
            "by": by,
            "clusters": "none" if made.clusters is None else clusters or "customer_id",
            "n_bootstrap": n_bootstrap,
            "seed": seed,
        },
        provenance=windows.provenance(extract, window),
        notes=tuple(notes.notes(told)),
        terms=TERMS,
        currency=extract.currency,
    )


def _tables(found: findings.Findings) -> dict[str, pl.DataFrame]:
    return {
        "drivers": tables.drivers(found),
        "differences": tables.differences(found),
        "ranks": tables.ranks(found),
        "shape": found.shape.table,
        "segments": found.segments,
        "missing": tables.missing(found),
        "model": tables.model(found),
    }


def _check(kind: str, missing: str, drivers: Sequence[str] | None, covariates: Sequence[str]) -> None:
    for option, value, allowed in (("kind", kind, get_args(Kind)), ("missing", missing, get_args(Missing))):
        if value not in allowed:
            raise OptionError.out_of_range(option, value, f"one of {', '.join(allowed)}")
    for option, columns in (("drivers", drivers), ("covariates", covariates)):
        if isinstance(columns, str):
            raise OptionError.out_of_range(
                option, columns, "a list of columns such as ['quality', 'service']"
            )
