"""Which model of repeat purchases to value a base with: each is fitted, the best by AIC that is identified is taken."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import polars as pl

from crm_analytics.clv.models.beta_geo import BetaGeo
from crm_analytics.clv.models.fit import Certificate
from crm_analytics.clv.models.modified_beta_geo import ModifiedBetaGeo
from crm_analytics.clv.models.pareto_nbd import ParetoNBD
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.results import Note

Model = Literal["auto", "bg_nbd", "mbg_nbd", "pareto_nbd"]

MODELS: Final[Mapping[str, type[BetaGeo | ModifiedBetaGeo | ParetoNBD]]] = {
    "bg_nbd": BetaGeo,
    "mbg_nbd": ModifiedBetaGeo,
    "pareto_nbd": ParetoNBD,
}
LABELS: Final = {"bg_nbd": "BG/NBD", "mbg_nbd": "MBG/NBD", "pareto_nbd": "Pareto/NBD"}

FEWEST_CUSTOMERS: Final = 10
FEWEST_REPEATERS: Final = 3
FEW_REPEATERS: Final = 100
"""Below this many customers who bought again, four parameters are known roughly at best."""

_AS_GOOD: Final = 2.0  # Burnham and Anderson (2002): an AIC within 2 of the best has substantial support


@dataclass(frozen=True, eq=False)
class Choice:
    """The model taken, and all that were fitted."""

    name: str
    fits: Mapping[str, PurchaseFit]
    asked: Model

    @property
    def fit(self) -> PurchaseFit:
        """The fit of the model taken."""
        return self.fits[self.name]

    @property
    def label(self) -> str:
        """The model's name as it is written."""
        return LABELS[self.name]


def choose(histories: pl.DataFrame, model: Model) -> Choice:
    """Fit the candidates to distinct histories with weights and take the best.

    Raises
    ------
    NotEnoughDataError
        If there are too few customers, or too few who bought again, for four parameters.
    OptionError
        If there is no such model.
    """
    if model not in get_args(Model):
        raise OptionError.out_of_range("model", model, f"one of {', '.join(get_args(Model))}")
    _enough(histories)
    fits: dict[str, PurchaseFit] = {
        name: kind.fit(histories) for name, kind in MODELS.items() if model in ("auto", name)
    }
    sound = {name: fit for name, fit in fits.items() if fit.is_identified}
    converged = {name: fit for name, fit in fits.items() if fit.certificate.converged}
    among = sound or converged or fits
    return Choice(min(among, key=lambda name: among[name].aic), fits, model)


def restored(models: pl.DataFrame) -> PurchaseFit:
    """Give the fit of purchases that a table of models ("model" of `crm.lifetime_value`) says was taken, to predict with.

    It has the estimates in days and no errors.

    Examples
    --------
    >>> names, values = ["r", "alpha", "a", "b"], [0.24, 4.4, 0.79, 2.4]
    >>> table = pl.DataFrame({"model": "BG/NBD", "is_chosen": True, "parameter": names, "estimate": values})
    >>> round(restored(table).expected_of_new_customer(30.0), 2)
    0.99
    """
    found = models.filter("is_chosen", pl.col("model").is_in(LABELS.values()))
    kind = MODELS[next(name for name, label in LABELS.items() if label == found["model"][0])]
    params = dict(zip(found["parameter"], found["estimate"], strict=True))
    nothing = dict.fromkeys(kind.names)
    return kind(
        params={name: params[name] for name in kind.names},
        standard_errors=nothing,
        lower=nothing,
        upper=nothing,
        log_likelihood=-math.inf,
        n_customers=1.0,
        certificate=Certificate(
            converged=True, gradient_norm=0.0, hessian_eigenvalues=(), n_starts=0, n_evaluations=0
        ),
        diagnosis=(),
        covariance=((0.0,) * len(kind.names),) * len(kind.names),
        time_unit="day",
    )


def _enough(histories: pl.DataFrame) -> None:
    everyone = int(histories["weight"].sum())
    again = int(histories.filter(pl.col("frequency") > 0)["weight"].sum())
    observe = (
        "Take in a longer history or more customers; the value tiers say what customers have brought so far."
    )
    if everyone < FEWEST_CUSTOMERS:
        raise NotEnoughDataError.of("customers with a purchase", everyone, FEWEST_CUSTOMERS, observe)
    if again < FEWEST_REPEATERS:
        raise NotEnoughDataError.of(
            "customers who bought on a second day",
            again,
            FEWEST_REPEATERS,
            f"One purchase says nothing of a rate. {observe}",
        )


def notes(choice: Choice, histories: pl.DataFrame) -> Iterator[Note]:
    """Say which model was taken and why, and what the data do not tell."""
    yield Note("model", _why(choice))
    again = int(histories.filter(pl.col("frequency") > 0)["weight"].sum())
    if again < FEW_REPEATERS:
        text = (
            f"Only {again:,} customers bought on a second day: the four parameters of the model rest on them, and the "
            "intervals, which are for many customers, may be too narrow."
        )
        yield Note("few_repeaters", text, "caution")
    for found in choice.fit.diagnosis:
        yield Note(f"model_{found.code}", f"{choice.label}: {found.text}", "caution")
    once = 1 - again / float(histories["weight"].sum())
    if choice.name == "bg_nbd":
        text = (
            f"BG/NBD counts everyone with a single purchase ({100 * once:.0f}% of customers) as still a customer for certain, "
            "since in it nobody leaves before a second purchase; it is their low rate that makes them worth little."
        )
        yield Note("one_time_buyers", text)


def _why(choice: Choice) -> str:
    if choice.asked != "auto":
        return f"{choice.label} was asked for; no other model was fitted."
    best = choice.fit.aic
    others = [
        f"{LABELS[name]} {fit.aic - best:+,.1f}{'' if fit.is_identified else ' (not identified)'}"
        for name, fit in choice.fits.items()
        if name != choice.name
    ]
    close = [
        LABELS[n]
        for n, f in choice.fits.items()
        if n != choice.name and f.is_identified and f.aic - best < _AS_GOOD
    ]
    told = (
        f" {' and '.join(close)} fit{'s' * (len(close) == 1)} as well: the data do not tell them apart."
        if close
        else ""
    )
    sound = (
        "that is identified " if choice.fit.is_identified else "although not everything in it is identified, "
    )
    return (
        f"{choice.label} was taken: the lowest AIC {sound}({best:,.1f}) of three models of repeat purchases; "
        f"the others against it: {', '.join(others)}.{told}"
    )
