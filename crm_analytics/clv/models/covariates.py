"""Customer-base models whose parameters depend on what is known of a customer: channel, plan, first order and the like.

With w_i the covariates of customer i, and coefficients g and d:

    BG/NBD, MBG/NBD   ln alpha_i = ln alpha - g w_i        logit(a_i / (a_i + b_i)) = logit(a / (a + b)) + d w_i
    Pareto/NBD        ln alpha_i = ln alpha - g w_i        ln beta_i = ln beta - d w_i

(alpha and beta after Fader and Hardie 2007, note 019.) So exp(g) multiplies the rate of buying; exp(d) multiplies the odds
of leaving after a purchase, or the rate of leaving. For the beta distribution of dropout the literature multiplies a and b
by one or two exponentials; with one, a and b can grow together without limit and the coefficient means nothing. Here the
spread a + b stays common, and the coefficient moves the mean alone, so it is identified whenever the mean is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import polars.selectors as cs

from crm_analytics.clv.likelihoods.newton import maximise
from crm_analytics.clv.likelihoods.own_rates import Rates, geometric_rows, pareto_rows
from crm_analytics.clv.likelihoods.rows import Floats
from crm_analytics.clv.models.beta_geo import BetaGeo
from crm_analytics.clv.models.covariate_forecasts import of_geometric, of_pareto
from crm_analytics.clv.models.fit import Z95, Diagnosis
from crm_analytics.clv.models.geometric_fit import GeometricDropout
from crm_analytics.clv.models.modified_beta_geo import ModifiedBetaGeo
from crm_analytics.clv.models.pareto_nbd import ParetoNBD
from crm_analytics.clv.models.purchases import PurchaseFit, histories
from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError

Model = type[BetaGeo] | type[ModifiedBetaGeo] | type[ParetoNBD]

MOST_LEVELS: Final = 20
"""A text column with more values than this is a name or an id, not a covariate."""

_BOUND: Final = 25.0
_FAR_COEFFICIENT: Final = 8.0
_FLAT_ERROR: Final = (
    5.0  # a standard error of this size, per standard deviation of the covariate, says nothing
)
_COLLINEAR: Final = 1e-8


@dataclass(frozen=True)
class Effect:
    """What one covariate does.

    `factor` is exp(coefficient): by how much the rate of buying, or the odds (Pareto/NBD: the rate) of leaving, is
    multiplied for one unit more, or for this level against `against`.
    """

    process: str
    covariate: str
    against: str
    coefficient: float
    standard_error: float
    factor: float
    factor_lower: float
    factor_upper: float


@dataclass(frozen=True, eq=False)
class CovariateFit:
    """A fitted model with covariates.

    Attributes
    ----------
    base
        The fit of a customer whose covariates are all at their reference (numbers at 0, texts at the most frequent).
    effects
        One `Effect` per coefficient.
    log_likelihood
        True log-likelihood of the data.
    likelihood_ratio, degrees_of_freedom
        Twice the gain over the same model without covariates, and how many coefficients it took: compare with the
        chi-squared distribution.
    """

    base: PurchaseFit
    effects: tuple[Effect, ...]
    log_likelihood: float
    likelihood_ratio: float
    degrees_of_freedom: int
    diagnosis: tuple[Diagnosis, ...]
    coding: Mapping[str, tuple[Code, ...]]

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return 2 * (len(self.base.names) + self.degrees_of_freedom) - 2 * self.log_likelihood

    def table(self) -> pl.DataFrame:
        """Give the effects as a frame, one row per coefficient."""
        return pl.DataFrame([vars(e) for e in self.effects])

    def predict(self, summary: pl.DataFrame, *, horizon: float) -> pl.DataFrame:
        """Give `customer_id` (where there is one), p_alive and expected purchases within the horizon, in order of rows."""
        if not 0 <= horizon < math.inf:
            raise OptionError.out_of_range("horizon", horizon, "a time of 0 or more, in the summary's unit")
        arrays = histories(summary)
        buying, leaving = self._predictor(summary, "purchase"), self._predictor(summary, "dropout")
        if isinstance(self.base, ParetoNBD):
            alive, bought = of_pareto(self.base, arrays, buying, leaving, horizon)
        else:
            assert isinstance(self.base, GeometricDropout)  # noqa: S101 the three models there are
            alive, bought = of_geometric(self.base, arrays, buying, leaving, horizon)
        found = pl.DataFrame({"p_alive": alive, "expected_purchases": bought})
        return summary.select("customer_id").hstack(found) if "customer_id" in summary.columns else found

    def _predictor(self, summary: pl.DataFrame, process: str) -> Floats:
        """Give what the covariates of each customer add to the linear predictor."""
        coefficients = np.array([e.coefficient for e in self.effects if e.process == process])
        added: Floats = np.einsum("ij,j->i", design(summary, self.coding[process]), coefficients)
        return added


@dataclass(frozen=True)
class Code:
    """One column of a design: a number as it is, or one level of a text against the reference."""

    column: str
    level: str | None = None
    against: str | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.column if self.level is None else f"{self.column} = {self.level}"


def fit_with_covariates(
    summary: pl.DataFrame,
    model: Model = BetaGeo,
    *,
    purchase: Sequence[str] = (),
    dropout: Sequence[str] = (),
    penalty: float = 0.0,
) -> CovariateFit:
    """Say how buying and leaving differ with what is known of the customers.

    Not a statement of cause: customers of a channel may differ in ways the data do not hold.

    Parameters
    ----------
    summary
        As `clv.summarise` makes it, joined with the covariates (one row per customer).
    model
        BetaGeo, ModifiedBetaGeo or ParetoNBD.
    purchase, dropout
        Columns that move the rate of buying, and leaving. Numbers enter as they are; flags as 0 and 1; texts level by
        level against the most frequent.
    penalty
        Strength of a ridge on the standardised coefficients, in pseudo-observations; 0 is plain maximum likelihood.

    Returns
    -------
    CovariateFit
        Frozen; `effects`, `predict`, `likelihood_ratio`; `diagnosis` names coefficients that ran away.

    Raises
    ------
    ColumnError
        If a column is missing.
    OptionError
        If no covariate is named, or one is empty, constant, an id, or follows from the others.
    NotEnoughDataError
        If nobody bought twice.
    """
    if not purchase and not dropout:
        raise OptionError("No covariate is named.", "Expected columns in purchase= or dropout=.")
    codes = {"purchase": coded(summary, purchase), "dropout": coded(summary, dropout)}
    designs = {process: design(summary, c) for process, c in codes.items()}
    for process, matrix in designs.items():
        _identified(matrix, codes[process], process)
    plain = model.fit(summary)
    return _fitted(summary, model, plain, codes, designs, penalty)


def _fitted(
    summary: pl.DataFrame,
    model: Model,
    plain: PurchaseFit,
    codes: Mapping[str, tuple[Code, ...]],
    designs: Mapping[str, Floats],
    penalty: float,
) -> CovariateFit:
    x, t, age = histories(summary)
    weight = summary["weight"].cast(pl.Float64).to_numpy() if "weight" in summary.columns else np.ones(len(x))
    scale = float(np.average(age, weights=weight)) or 1.0
    spreads = {k: m.std(axis=0) if m.size else np.ones(m.shape[1]) for k, m in designs.items()}
    scaled = {k: m / spreads[k] for k, m in designs.items()}
    rows = Rates(x, t / scale, age / scale, weight, scaled["purchase"], scaled["dropout"])
    likelihood = pareto_rows if model is ParetoNBD else geometric_rows(model.shift)  # type: ignore[union-attr]
    n_base, n_all = len(plain.names), len(plain.names) + sum(len(c) for c in codes.values())
    ridge = np.r_[np.zeros(n_base), np.full(n_all - n_base, penalty)]

    def objective(theta: Floats) -> tuple[float, Floats, Floats]:
        value, gradient, hessian = likelihood(rows, theta)
        return value - 0.5 * float(ridge @ theta**2), gradient - ridge * theta, hessian - np.diag(ridge)

    start = np.r_[_on_scale(plain, scale), np.zeros(n_all - n_base)]
    n = float(weight.sum())
    best = maximise(objective, [start], bound=_BOUND, far=_BOUND, n=n)
    value = best.value + 0.5 * float(ridge @ best.theta**2) - float(weight @ x) * math.log(scale)
    if not best.converged:
        raise NotEnoughDataError(
            "The search for the effects of the covariates reached no maximum.",
            "Expected covariates that vary among customers who bought again.",
            "Name fewer covariates, merge rare levels, or give a penalty such as penalty=1.",
        )
    effects = _effects(best.theta[n_base:], best.hessian, n_base, codes, spreads)
    return CovariateFit(
        base=plain.at(_off_scale(plain, best.theta[:n_base], scale)),
        effects=effects,
        log_likelihood=value,
        likelihood_ratio=2 * (value - plain.log_likelihood),
        degrees_of_freedom=n_all - n_base,
        diagnosis=(*plain.diagnosis, *_runaways(best.theta[n_base:], effects)),
        coding=codes,
    )


def _effects(
    theta: Floats,
    hessian: Floats,
    n_base: int,
    codes: Mapping[str, tuple[Code, ...]],
    spreads: Mapping[str, Floats],
) -> tuple[Effect, ...]:
    covariance = np.linalg.pinv(-hessian, hermitian=True)
    errors = np.sqrt(np.maximum(np.diag(covariance)[n_base:], 0.0))
    names = [
        (process, code, s)
        for process in codes
        for code, s in zip(codes[process], spreads[process], strict=True)
    ]
    return tuple(
        Effect(
            process=process,
            covariate=code.name,
            against=code.against or "one unit less",
            coefficient=float(c / s),
            standard_error=float(e / s),
            factor=math.exp(c / s),
            factor_lower=math.exp((c - Z95 * e) / s),
            factor_upper=math.exp(min((c + Z95 * e) / s, 700.0)),
        )
        for (process, code, s), c, e in zip(names, theta, errors, strict=True)
    )


def _runaways(theta: Floats, effects: tuple[Effect, ...]) -> tuple[Diagnosis, ...]:
    return tuple(
        Diagnosis(
            "runaway_coefficient",
            f"{e.covariate} ({e.process}): its customers all behave alike, and the coefficient runs away; merge its level "
            "with another or give a penalty.",
        )
        for e, c in zip(effects, theta, strict=True)
        if abs(c) > _FAR_COEFFICIENT or abs(c) * e.standard_error > _FLAT_ERROR * abs(e.coefficient)
    )


def coded(summary: pl.DataFrame, columns: Sequence[str]) -> tuple[Code, ...]:
    """Say how covariates become numbers: text by level against the most frequent, everything else as it is."""
    found: list[Code] = []
    for column in columns:
        if column not in summary.columns:
            raise ColumnError.missing(column, "summary", summary.columns)
        values = summary[column]
        if values.null_count():
            raise OptionError(
                f"Covariate {column!r} is empty for {values.null_count():,} customers.",
                "Expected a value for each.",
                "Fill it with a level such as 'unknown', or leave those customers out.",
            )
        if values.dtype.is_numeric() or values.dtype == pl.Boolean:
            found.append(Code(column))
        else:
            found += _levels(column, values.cast(pl.String))
    return tuple(found)


def _levels(column: str, values: pl.Series) -> list[Code]:
    counts = values.value_counts(name="n").sort(["n", values.name], descending=[True, False])
    if counts.height > MOST_LEVELS:
        raise OptionError(
            f"Covariate {column!r} has {counts.height:,} different values.",
            f"Expected at most {MOST_LEVELS}.",
            "Group them first, or give a number.",
        )
    if counts.height == 1:
        raise _constant(column)
    reference, *others = counts[values.name].to_list()
    return [Code(column, level, reference) for level in others]


def design(summary: pl.DataFrame, codes: Sequence[Code]) -> Floats:
    """Give the covariates as a matrix, a row per customer and a column per code."""
    columns = [
        pl.col(c.column).cast(pl.Float64)
        if c.level is None
        else (pl.col(c.column).cast(pl.String) == c.level).cast(pl.Float64)
        for c in codes
    ]
    named = [column.alias(str(i)) for i, column in enumerate(columns)]
    matrix = summary.select(named).select(cs.all()).to_numpy() if named else np.zeros((summary.height, 0))
    return np.asarray(matrix, np.float64).reshape(summary.height, len(codes))


def _identified(matrix: Floats, codes: Sequence[Code], process: str) -> None:
    """Refuse covariates that are constant, infinite, or follow from the others."""
    if not np.isfinite(matrix).all():
        raise OptionError(f"A covariate of {process} holds an infinite value.", "Expected finite numbers.")
    for i, code in enumerate(codes):
        column = matrix[:, i]
        if np.ptp(column) == 0:
            raise _constant(code.name)
        others = np.column_stack([np.ones(len(column)), matrix[:, :i]])
        rest = column - others @ np.linalg.lstsq(others, column, rcond=None)[0]
        if np.linalg.norm(rest) <= _COLLINEAR * np.linalg.norm(column - column.mean()):
            before = ", ".join(repr(c.name) for c in codes[:i])
            raise OptionError(
                f"Covariate {code.name!r} follows from {before}.",
                "Expected it to add something.",
                "Leave it out.",
            )


def _constant(name: str) -> OptionError:
    return OptionError(
        f"Covariate {name!r} has one value only.", "Expected it to differ among customers.", "Leave it out."
    )


def _on_scale(fit: PurchaseFit, scale: float) -> Floats:
    if isinstance(fit, ParetoNBD):
        r, alpha, s, beta = fit.values()
        return np.log([r, alpha / scale, s, beta / scale])
    r, alpha, a, b = fit.values()
    return np.log([r, alpha / scale, a / b, a + b])


def _off_scale(fit: PurchaseFit, theta: Floats, scale: float) -> Floats:
    if isinstance(fit, ParetoNBD):
        params: Floats = np.exp(theta) * np.array([1.0, scale, 1.0, scale])
        return params
    r, alpha, kappa = np.exp(theta[[0, 1, 3]])
    share = 1 / (1 + math.exp(-theta[2]))
    return np.array([r, alpha * scale, kappa * share, kappa * (1 - share)])
