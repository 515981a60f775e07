"""Which model of repeat purchases suits the data: each is fitted, ranked by information criteria, and the choice explained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from crm_analytics.clv.likelihoods.rows import Rows, compress
from crm_analytics.clv.models.candidates import LABELS, MODELS
from crm_analytics.clv.models.erlang import BetaGeoErlang, ModifiedBetaGeoErlang
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.errors import CrmError

AS_GOOD: Final = 2.0
"""An AIC within this of the lowest has substantial support (Burnham and Anderson 2002, section 2.6)."""

REGULAR: Final[Mapping[str, type[BetaGeoErlang | ModifiedBetaGeoErlang]]] = {
    "bg_cnbd_k": BetaGeoErlang,
    "mbg_cnbd_k": ModifiedBetaGeoErlang,
}
"""Models of regular buying, which need to know how even the gaps between purchases are."""

FEW_REPEATERS: Final = 100
_MANY_ONCE: Final = 0.5

_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "model": pl.String(),
    "is_best": pl.Boolean(),
    "n_parameters": pl.Int64(),
    "log_likelihood": pl.Float64(),
    "aic": pl.Float64(),
    "aic_difference": pl.Float64(),
    "akaike_weight": pl.Float64(),
    "bic": pl.Float64(),
    "is_identified": pl.Boolean(),
    "diagnosis": pl.String(),
}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models of repeat purchases fitted to the same customers.

    Attributes
    ----------
    table
        One row per model, the lowest AIC first: model, is_best, n_parameters, log_likelihood, aic, aic_difference
        (from the lowest), akaike_weight, bic, is_identified, diagnosis. Figures are empty where a model cannot be fitted.
    fits
        The fits by the name of the model: "bg_nbd", "mbg_nbd", "pareto_nbd" and, where gaps between purchases are known
        and even, "bg_cnbd_k", "mbg_cnbd_k".
    best
        Name of the model to take: the lowest AIC among those whose maximum is proper, else among all; None where none
        can be fitted.
    words
        The choice in plain words.
    """

    table: pl.DataFrame
    fits: Mapping[str, PurchaseFit]
    best: str | None
    words: str

    @property
    def fit(self) -> PurchaseFit | None:
        """The fit of the best model."""
        return None if self.best is None else self.fits[self.best]


def compare(summary: pl.DataFrame | pl.LazyFrame) -> Comparison:
    """Fit the models of repeat purchases that suit the data to the same customers, and say which to take and why.

    BG/NBD, MBG/NBD and Pareto/NBD are for customers who buy when they like and leave without a word; BG/CNBD-k and
    MBG/CNBD-k for those who buy at even intervals, and are tried where the summary tells how even they are. All have four
    parameters, so that AIC, BIC and likelihood give the same order; what remains to be judged is whether the difference
    means anything and whether the maximum is a proper one. How they forecast is another question: see
    `crm.clv_validation`.

    Parameters
    ----------
    summary
        As `clv.summarise` makes it: `frequency`, `recency`, `T`, optionally `weight` (customers per row) and
        `log_interval_sum` (`log_intervals=True`), which the models of regular buying need.

    Returns
    -------
    Comparison
        Frozen; `best` is None, with the reason in `words`, where the data allow no model.

    Raises
    ------
    NotEnoughDataError
        If there is no customer at all.
    ColumnError, OptionError
        If a column is missing or a history impossible.

    References
    ----------
    Burnham, K. P. and Anderson, D. R. (2002), Model selection and multimodel inference, sections 2.6 and 2.9.

    Examples
    --------
    >>> found = compare(pl.DataFrame({"frequency": [0, 0], "recency": [0.0, 0.0], "T": [30.0, 30.0]}))
    >>> found.best is None, found.words.split(":")[0]
    (True, 'No model can be fitted')
    """
    rows = compress(summary)
    fits: dict[str, PurchaseFit] = {}
    reasons: dict[str, CrmError] = {}
    for name, kind in MODELS.items():
        try:
            fits[name] = kind.fit(summary)
        except CrmError as error:
            reasons[name] = error
    fits |= _regular(summary) if fits else {}
    best = best_of(fits)
    return Comparison(_table(fits, reasons, best), fits, best, _words(fits, reasons, best, rows))


def _regular(summary: pl.DataFrame | pl.LazyFrame) -> dict[str, PurchaseFit]:
    """Fit the models of regular buying where gaps are known; with k = 1 they are those fitted already and are left out."""
    if "log_interval_sum" not in summary.lazy().collect_schema().names():
        return {}
    found = {name: kind.fit(summary) for name, kind in REGULAR.items()}
    return {name: fit for name, fit in found.items() if fit.k > 1}


def _label(name: str, fit: PurchaseFit | None = None) -> str:
    if isinstance(fit, BetaGeoErlang | ModifiedBetaGeoErlang):
        return f"{'MBG' if name.startswith('mbg') else 'BG'}/CNBD-{fit.k}"
    return LABELS[name]


def best_of(fits: Mapping[str, PurchaseFit]) -> str | None:
    """Name the fit with the lowest AIC among those that are identified, else among those that converged, else among all."""
    sound = [name for name, fit in fits.items() if fit.is_identified]
    converged = [name for name, fit in fits.items() if fit.certificate.converged]
    return min(sound or converged or fits, key=lambda name: fits[name].aic, default=None)


def _table(
    fits: Mapping[str, PurchaseFit], reasons: Mapping[str, CrmError], best: str | None
) -> pl.DataFrame:
    weights = akaike_weights([fit.aic for fit in fits.values()])
    lowest = min((fit.aic for fit in fits.values()), default=0.0)
    rows = [
        {
            "model": _label(name, fit),
            "is_best": name == best,
            "n_parameters": len(fit.names),
            "log_likelihood": fit.log_likelihood,
            "aic": fit.aic,
            "aic_difference": fit.aic - lowest,
            "akaike_weight": weight,
            "bic": fit.bic,
            "is_identified": fit.is_identified,
            "diagnosis": " ".join(d.text for d in fit.diagnosis) or None,
        }
        for (name, fit), weight in zip(fits.items(), weights, strict=True)
    ]
    failed = [
        {"model": LABELS[name], "is_best": False, "is_identified": False, "diagnosis": str(error)}
        for name, error in reasons.items()
    ]
    return pl.DataFrame(rows + failed, schema=_SCHEMA).sort("aic", nulls_last=True, maintain_order=True)


def akaike_weights(aic: list[float]) -> list[float]:
    """Turn AIC values into weights that add up to 1: exp(-difference / 2), scaled.

    >>> [round(w, 3) for w in akaike_weights([100.0, 102.0])]
    [0.731, 0.269]
    """
    if not aic:
        return []
    support = np.exp(-0.5 * (np.array(aic) - min(aic)))
    return [float(w) for w in support / support.sum()]


def _words(
    fits: Mapping[str, PurchaseFit], reasons: Mapping[str, CrmError], best: str | None, rows: Rows
) -> str:
    if best is None:
        reason = next(iter(reasons.values()))
        return f"No model can be fitted: {reason.found[:1].lower()}{reason.found[1:]} {reason.remedy or reason.expected}"
    return " ".join(
        [
            _choice(fits, best),
            *_regularity(fits, best),
            *_one_time_buyers(best, fits[best], rows),
            *_weak(fits, reasons, rows),
        ]
    )


def _choice(fits: Mapping[str, PurchaseFit], best: str) -> str:
    taken = fits[best]
    apart = sorted(
        (fit.aic - taken.aic, _label(name, fit))
        for name, fit in fits.items()
        if fit.is_identified and name != best
    )
    close = [label for difference, label in apart if difference < AS_GOOD]
    far = [f"{label} ({difference:,.1f} higher)" for difference, label in apart if difference >= AS_GOOD]
    text = f"{_label(best, taken)} describes these customers best (AIC {taken.aic:,.1f})"
    text += f", clearly better than {' and '.join(far)}." if far else "."
    if close:
        does = "does" if len(close) == 1 else "do"
        text += f" {' and '.join(close)} {does} as well (AIC within {AS_GOOD:.0f}), so the data do not tell them apart."
    return text


def _regularity(fits: Mapping[str, PurchaseFit], best: str) -> Iterator[str]:
    taken = fits[best]
    if isinstance(taken, BetaGeoErlang | ModifiedBetaGeoErlang):
        yield f"Customers buy at regular intervals: the time between purchases is as even as the sum of {taken.k} random waits."


def _one_time_buyers(best: str, fit: PurchaseFit, rows: Rows) -> Iterator[str]:
    """Explain what a base of many one-time buyers means for the choice: in BG/NBD nobody leaves before a second purchase."""
    once = float(rows.weight[rows.raw("x") == 0].sum()) / rows.n_customers
    text = f"{100 * once:.0f}% of customers bought once only"
    label = _label(best, fit)
    if best in ("bg_nbd", "bg_cnbd_k"):
        yield f"{text}; {label} takes all of them for customers still, with low rates, which may flatter the share alive."
    elif once >= _MANY_ONCE:
        yield f"{text}; {label} allows that some of them left at once, which BG/NBD does not."
    else:
        yield f"{text}."


def _weak(fits: Mapping[str, PurchaseFit], reasons: Mapping[str, CrmError], rows: Rows) -> Iterator[str]:
    again = float(rows.weight[rows.raw("x") > 0].sum())
    if again < FEW_REPEATERS:
        yield (
            f"Only {again:,.0f} bought again: four parameters resting on them are rough, and so is this order of the models."
        )
    for name, fit in fits.items():
        for found in fit.diagnosis:
            yield f"{_label(name, fit)}: {found.text}"
    for name, error in reasons.items():
        yield f"{LABELS[name]} cannot be fitted: {error}"
    if fits and not any(fit.is_identified for fit in fits.values()):
        yield "No model is identified in full; use totals rather than single customers, and take in a longer history."
