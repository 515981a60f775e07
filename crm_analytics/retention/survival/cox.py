"""Which attributes go with leaving sooner: Cox's model on the attributes that customers had at the beginning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics import formats
from crm_analytics.errors import OptionError
from crm_analytics.results import Note
from crm_analytics.retention.survival.lives import OTHERS, UNKNOWN, Observed, durations
from crm_analytics.stats.intervals import Floats, z_value
from crm_analytics.stats.multiplicity import holm
from crm_analytics.stats.proportional_hazards import (
    CoxFit,
    Proportionality,
    concordance,
    cox,
    proportionality,
)

_FEWEST_EVENTS: Final = 5
_EVENTS_EACH: Final = 10
_MOST_LEVELS: Final = 8
_SURE: Final = 0.05
_LEVEL: Final = 0.95


@dataclass(frozen=True)
class _Coefficient:
    """One column of the model: a level of a category, or a number."""

    covariate: str
    level: str
    reference: str
    term: int


@dataclass(frozen=True, eq=False)
class Model:
    """The fitted model in tables, and what a reader must know of it."""

    table: pl.DataFrame
    checks: pl.DataFrame
    notes: tuple[Note, ...] = ()


@dataclass(eq=False)
class _Design:
    """Columns as they are gathered."""

    rows: pl.DataFrame
    columns: list[Floats] = field(default_factory=list)
    names: list[_Coefficient] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    as_they_stand: tuple[str, ...] = ()
    """Attributes that the customers table has as they stand now."""


def model(observed: Observed, covariates: Sequence[str]) -> Model:
    """Fit the model to the attributes asked for."""
    if not covariates:
        return Model(_empty(), _checks([]))
    design = _design(observed.customers, covariates)
    design.as_they_stand = tuple(c for c in covariates if c in observed.as_they_stand)
    events = int(design.rows["has_ended"].sum())
    if not design.columns or events < _FEWEST_EVENTS:
        text = (
            f"No model of attributes was fitted: {events} ends among {design.rows.height:,} customers whose attributes are "
            f"known, {len(design.columns)} attributes that vary."
        )
        return Model(_empty(), _checks([]), (*design.notes, Note("no_model", text, "caution")))
    return _fitted(design)


def _design(customers: pl.DataFrame, covariates: Sequence[str]) -> _Design:
    numeric = [c for c in covariates if customers.schema[c].is_numeric()]
    complete = customers.drop_nulls(numeric)
    design = _Design(complete)
    if complete.height < customers.height:
        text = (
            f"{customers.height - complete.height:,} customers without a value of {', '.join(numeric)} are left out of the "
            "model of attributes."
        )
        design.notes.append(Note("covariate_missing", text, "caution"))
    prepared = {c: _levels(complete, c) for c in covariates if c not in numeric}
    design.rows = _without_certain_levels(design, prepared)
    for term, covariate in enumerate(covariates):
        if covariate in prepared:
            _add_levels(design, covariate, term)
        else:
            _add_number(design, covariate, term)
    return design


def _levels(rows: pl.DataFrame, covariate: str) -> pl.Series:
    """Give a category as text, with the rarer levels taken together."""
    kind = rows.schema[covariate]
    if kind.is_temporal():
        raise OptionError.out_of_range(
            "covariates", covariate, "columns of numbers, categories or yes and no"
        )
    if kind == pl.Boolean:
        values = rows[covariate].replace_strict({True: "yes", False: "no"}, return_dtype=pl.String)
    else:
        values = rows[covariate].cast(pl.String)
    values = values.fill_null(UNKNOWN)
    common = _by_size(values)
    if len(common) <= _MOST_LEVELS:
        return values
    rest = common[_MOST_LEVELS - 1 :]
    return pl.select(pl.when(values.is_in(rest)).then(pl.lit(OTHERS)).otherwise(values)).to_series()


def _by_size(values: pl.Series) -> list[str]:
    counted = values.alias("level").to_frame().group_by("level").len()
    return counted.sort("len", "level", descending=[True, False])["level"].to_list()


def _without_certain_levels(design: _Design, prepared: dict[str, pl.Series]) -> pl.DataFrame:
    """Leave out levels at which nobody has ended: their hazard ratio would be nought, whatever the numbers."""
    rows = design.rows.with_columns(**prepared)
    for covariate in prepared:
        ends = rows.group_by(covariate).agg(pl.col("has_ended").sum(), n=pl.len()).sort(covariate)
        certain = ends.filter(pl.col("has_ended") == 0)
        if certain.height and certain.height < ends.height:
            levels = ", ".join(f"{name} ({n:,} customers)" for name, _, n in certain.iter_rows())
            text = (
                f"Nobody with {covariate} {levels} has ended so far; the model cannot put a figure on that, and leaves them out "
                "(separation)."
            )
            design.notes.append(Note("separation", text, "caution"))
            rows = rows.filter(~pl.col(covariate).is_in(certain[covariate].implode()))
    return rows


def _add_levels(design: _Design, covariate: str, term: int) -> None:
    levels = _by_size(design.rows[covariate])
    if len(levels) < 2:  # noqa: PLR2004 nothing to compare
        _note_constant(design, covariate)
        return
    for level in levels[1:]:
        design.columns.append((design.rows[covariate] == level).cast(pl.Float64).to_numpy())
        design.names.append(_Coefficient(covariate, level, levels[0], term))


def _add_number(design: _Design, covariate: str, term: int) -> None:
    values = design.rows[covariate].cast(pl.Float64).to_numpy()
    if not values.size or values.std() == 0:
        _note_constant(design, covariate)
        return
    spread = float(values.std())
    design.columns.append(values / spread)
    design.names.append(_Coefficient(covariate, f"per {spread:,.4g} more", "", term))


def _note_constant(design: _Design, covariate: str) -> None:
    text = f"{covariate} is the same for every customer of the model and is left out of it."
    design.notes.append(Note("constant_covariate", text))


def _fitted(design: _Design) -> Model:
    lives = durations(design.rows)
    x = np.column_stack(design.columns)
    fit = cox(lives, x)
    if not fit.converged:
        text = (
            "The model of attributes has no answer: some attribute tells perfectly who ends first (separation), or two say the "
            "same. Take fewer covariates."
        )
        return Model(_empty(), _checks([]), (*design.notes, Note("separation", text, "caution")))
    terms = np.array([name.term for name in design.names])
    test = proportionality(lives, x, fit, terms=terms)
    table = _table(design, fit, test, np.unique(terms).tolist())
    checks = _checks(list(_check_rows(fit, test, concordance(lives, x @ fit.coefficients))))
    return Model(table, checks, (*design.notes, *_notes(design, fit, test)))


def _table(design: _Design, fit: CoxFit, test: Proportionality, terms: list[int]) -> pl.DataFrame:
    reach = z_value(_LEVEL) * fit.standard_errors
    rows = []
    for i, name in enumerate(design.names):
        member = design.columns[i] == 1 if name.reference else np.ones(design.rows.height, bool)
        rows.append(
            {
                "covariate": name.covariate,
                "level": name.level,
                "reference_level": name.reference or None,
                "n_customers": int(member.sum()),
                "n_events": int((design.rows["has_ended"].to_numpy() & member).sum()),
                "log_hazard_ratio": float(fit.coefficients[i]),
                "log_hazard_ratio_error": float(fit.standard_errors[i]),
                "hazard_ratio": float(np.exp(fit.coefficients[i])),
                "hazard_ratio_lower": float(np.exp(fit.coefficients[i] - reach[i])),
                "hazard_ratio_upper": float(np.exp(fit.coefficients[i] + reach[i])),
                "wald_p_value": float(fit.p_values[i]),
                "proportionality_p_value": float(test.p_values[terms.index(name.term)]),
            }
        )
    return pl.DataFrame(rows, schema=_empty().schema)


def _empty() -> pl.DataFrame:
    texts, counts = ("covariate", "level", "reference_level"), ("n_customers", "n_events")
    figures = (
        "log_hazard_ratio", "log_hazard_ratio_error", "hazard_ratio", "hazard_ratio_lower", "hazard_ratio_upper",
        "wald_p_value", "proportionality_p_value",
    )  # fmt: skip
    return pl.DataFrame(
        schema=dict.fromkeys(texts, pl.String())
        | dict.fromkeys(counts, pl.Int64())
        | dict.fromkeys(figures, pl.Float64())
    )


def _checks(rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {"diagnostic": pl.String(), "diagnostic_value": pl.Float64(), "diagnostic_text": pl.String()}
    return pl.DataFrame(rows, schema=schema)


def _check_rows(fit: CoxFit, test: Proportionality, c: float) -> Iterator[dict[str, Any]]:
    each = fit.n_events / len(fit.coefficients)
    rows = (
        ("Customers", fit.n, "customers in the model"),
        ("Ends", fit.n_events, "ends among them"),
        ("Ends per coefficient", each, f"{_EVENTS_EACH} or more are wanted"),
        ("Concordance", c, "share of pairs put in the right order; 0.5 is chance, 1 perfect"),
        (
            "Likelihood ratio",
            fit.likelihood_ratio,
            f"chi-square on {len(fit.coefficients)} degrees of freedom",
        ),
        ("Likelihood ratio, p-value", fit.p_value, "small: the attributes together tell something"),
        ("Proportional hazards, p-value", test.overall_p, "small: hazard ratios change with time"),
    )
    for name, value, text in rows:
        yield {"diagnostic": name, "diagnostic_value": float(value), "diagnostic_text": text}


def _notes(design: _Design, fit: CoxFit, test: Proportionality) -> Iterator[Note]:
    each = fit.n_events / len(fit.coefficients)
    if each < _EVENTS_EACH:
        text = (
            f"There are {each:.1f} ends per coefficient of the model of attributes, fewer than {_EVENTS_EACH}: hazard ratios are "
            "likely to be too far from 1."
        )
        yield Note("few_events_per_coefficient", text, "caution")
    names = [n.covariate for n in {n.term: n for n in design.names}.values()]
    p = holm(test.p_values)
    for name, corrected in zip(names, p.tolist(), strict=True):
        if corrected < _SURE:
            text = (
                f"The hazard ratio of {name} changes with time (test of proportional hazards, p = {corrected:.2g} after Holm): "
                "read it as an average over the time observed, and compare the curves or the restricted means."
            )
            yield Note("not_proportional", text, "caution")
    now = design.as_they_stand
    which = (
        f" ({', '.join(now)} as the customers table has {'it' if len(now) == 1 else 'them'})" if now else ""
    )
    text = (
        f"Hazard ratios compare customers who are alike in the other attributes of the model, as these stood at the beginning{which}; "
        f"{formats.share(_LEVEL).replace('.0', '')} intervals; they describe, and do not say what changing an attribute would do."
    )
    yield Note("hazard_ratios", text)
