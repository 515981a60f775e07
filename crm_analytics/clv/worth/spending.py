"""What each customer spends per purchase, with what is behind its intervals.

Gamma-Gamma where it holds; where frequent buyers spend markedly more or less per purchase, Gamma-Gamma on spend relative
to the mean of those who bought as often; where it has no finite mean or cannot be fitted, the plain mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import polars as pl
from scipy.special import betainc

from crm_analytics.clv.likelihoods.rows import Codes, Floats
from crm_analytics.clv.models.gamma_gamma import GammaGamma
from crm_analytics.errors import NotEnoughDataError
from crm_analytics.results import Note

Basis = Literal["gamma_gamma", "gamma_gamma_by_frequency", "mean"]

STRONG: Final = 0.3
"""Correlation between number of purchases and mean spend from which independence is no longer taken for granted."""

_SIGNIFICANT: Final = 2.6  # standard errors: 1 in 100 by chance
_CLASSES: Final = (1, 2, 3, 5, 10)
"""Repeat purchases from which a new class of frequency begins; before the first are those who bought once."""

_ROOM: Final = (
    0.05  # the variance of a mean is finite for p x + q > 2; nearer than this it is taken from the data
)


@dataclass(frozen=True, eq=False)
class Spending:
    """Expected spend per purchase of each customer.

    Attributes
    ----------
    basis
        How it was found.
    per_purchase
        Expected spend per purchase.
    slopes
        Slopes of its logarithm in the parameters, customer by parameter.
    covariance
        Of those parameters.
    squared_mean
        Mean of the square of the customer's own mean spend, for how far outcomes scatter.
    within
        Mean variance of one purchase around the customer's own mean.
    correlation
        Between number of repeat purchases and their mean spend; None with fewer than three repeat buyers.
    levels
        Mean spend per purchase of each class of frequency, where Gamma-Gamma was fitted to spend relative to it.
    """

    basis: Basis
    per_purchase: Floats
    slopes: Floats
    covariance: Floats
    squared_mean: Floats
    within: Floats
    correlation: float | None
    fit: GammaGamma | None = None
    why: str = ""
    levels: Floats | None = None

    def share_below(self, x: Floats, spend: Floats) -> Floats:
        """Say which share of customers with x repeat purchases the model expects to spend less than `spend` on average.

        x z / v is beta prime distributed with shapes p x and q, whence a regularised incomplete beta function; a row per x,
        a column per spend. Only where there is a fit.
        """
        assert self.fit is not None  # noqa: S101 told to the reader above
        p, q, v = self.fit.values()
        level = np.ones(len(x)) if self.levels is None else self.levels[_classes(x)]
        money = x[:, None] * spend[None, :] / level[:, None]
        return np.asarray(betainc(p * x[:, None], q, money / (v + money)), np.float64)

    @property
    def error(self) -> Floats:
        """Standard error of the logarithm of each customer's figure."""
        variance: Floats = np.einsum("ij,jk,ik->i", self.slopes, self.covariance, self.slopes)
        return np.sqrt(np.maximum(variance, 0.0))


class _Purchases(NamedTuple):
    """Repeat purchases, their mean spend, and spend on the first day, per customer; nothing below nought."""

    x: Floats
    z: Floats
    first: Floats

    @classmethod
    def of(cls, summary: pl.DataFrame) -> _Purchases:
        return cls(
            summary["frequency"].cast(pl.Float64).to_numpy(),
            np.maximum(summary["monetary_value"].to_numpy(), 0.0),
            np.maximum(summary["first_value"].to_numpy(), 0.0),
        )

    def classes(self) -> Codes:
        return _classes(self.x)


def _classes(x: Floats) -> Codes:
    return np.searchsorted(_CLASSES, x, side="right")


def expected_spend(summary: pl.DataFrame, reference: pl.DataFrame | None = None) -> Spending:
    """Find each customer's expected spend per purchase from a summary; `reference` is fitted to in its stead."""
    own = _Purchases.of(summary)
    known = own if reference is None else _Purchases.of(reference)
    correlation = _correlation(known)
    n = int(((known.x > 0) & (known.z > 0)).sum())
    strong = (
        correlation is not None
        and abs(correlation) >= STRONG
        and abs(correlation) * np.sqrt(n) > _SIGNIFICANT
    )
    levels, errors = _levels(known) if strong else (np.ones(len(_CLASSES) + 1), np.zeros(len(_CLASSES) + 1))
    try:
        fit = _fit(known.x, known.z / levels[known.classes()])
    except NotEnoughDataError as error:
        return _plain_mean(
            own, known, correlation, f"{error.found} That is too few for the Gamma-Gamma model"
        )
    if fit.params["q"] <= 1 or not fit.certificate.converged:
        why = "Spend is so uneven that the Gamma-Gamma model has no finite mean (q is at or below 1)"
        return _plain_mean(own, known, correlation, why, fit)
    return _from_gamma_gamma(fit, own, levels, errors, correlation, _scatter(known.first), strong=strong)


def _fit(x: Floats, z: Floats) -> GammaGamma:
    rows = pl.DataFrame({"frequency": x, "monetary_value": z}).filter(pl.col("frequency") > 0)
    distinct = rows.group_by("frequency", "monetary_value").agg(weight=pl.len().cast(pl.Float64))
    return GammaGamma.fit(distinct.sort("frequency", "monetary_value"))


def _correlation(known: _Purchases) -> float | None:
    x, z = known.x, known.z
    again = (x > 0) & (z > 0)
    if again.sum() < 3 or np.ptp(x[again]) == 0 or np.ptp(z[again]) == 0:  # noqa: PLR2004 two points always lie on a line
        return None
    return float(np.corrcoef(x[again], z[again])[0, 1])


def _levels(known: _Purchases) -> tuple[Floats, Floats]:
    """Give the mean spend per purchase of each class of frequency, with its relative standard error."""
    x, classes = known.x, known.classes()
    count, money = np.where(x > 0, x, 1.0), np.where(x > 0, x * known.z, known.first)
    whole = money.sum() / count.sum()
    levels, errors = np.full(len(_CLASSES) + 1, whole), np.zeros(len(_CLASSES) + 1)
    for k in range(len(levels)):
        here = classes == k
        if money[here].sum() > 0:
            levels[k] = money[here].sum() / count[here].sum()
            errors[k] = np.sqrt(((money[here] - levels[k] * count[here]) ** 2).sum()) / money[here].sum()
    return levels, errors


def _from_gamma_gamma(
    fit: GammaGamma,
    own: _Purchases,
    levels: Floats,
    errors: Floats,
    correlation: float | None,
    scatter: float,
    *,
    strong: bool,
) -> Spending:
    """Give p (v + x z) / (p x + q - 1) with its slopes in ln p, ln q, ln v (and in the logarithms of the levels)."""
    p, q, v = fit.values()
    x, classes = own.x, own.classes()
    level = levels[classes]
    size, rate = p * x + q, v + x * own.z / level
    mean = level * p * rate / (size - 1)
    slopes = np.stack([1 - p * x / (size - 1), -q / (size - 1), v / rate], axis=1)
    covariance = np.array(fit.covariance)
    if strong:
        of_level = np.zeros((len(x), len(levels)))
        of_level[np.arange(len(x)), classes] = v / rate
        slopes = np.hstack([slopes, of_level])
        covariance = _blocks(covariance, np.diag(errors**2))
    finite = size > 2 + _ROOM
    squared = mean**2 * np.where(finite, (size - 1) / np.where(finite, size - 2, 1.0), 1 + scatter)
    basis: Basis = "gamma_gamma_by_frequency" if strong else "gamma_gamma"
    kept = levels if strong else None
    return Spending(basis, mean, slopes, covariance, squared, squared / p, correlation, fit, levels=kept)


def _plain_mean(
    own: _Purchases, known: _Purchases, correlation: float | None, why: str, fit: GammaGamma | None = None
) -> Spending:
    """Give everyone the mean of all purchases, the first ones too."""
    count, money = known.x + 1, known.x * known.z + known.first
    mean = max(float(money.sum() / count.sum()), 0.0)
    error = float(np.sqrt(((money - mean * count) ** 2).sum()) / money.sum()) if mean > 0 else 0.0
    one = np.ones((len(own.x), 1))
    squared = mean**2 * (1 + _scatter(known.first)) * one[:, 0]
    return Spending(
        "mean", mean * one[:, 0], one, np.array([[error**2]]), squared, 0 * squared, correlation, fit, why
    )


def _scatter(first: Floats) -> float:
    """Give the squared coefficient of variation of first purchases: how far single purchases scatter over customers."""
    mean = float(first.mean())
    return float(first.var() / mean**2) if mean > 0 else 0.0


def _blocks(one: Floats, two: Floats) -> Floats:
    k = len(one)
    joined = np.zeros((k + len(two), k + len(two)))
    joined[:k, :k], joined[k:, k:] = one, two
    return joined


def notes(spending: Spending) -> Iterator[Note]:
    """Say how spend per purchase was found, and whether its assumption holds."""
    if spending.basis == "mean":
        text = f"{spending.why}; every customer's purchases are taken at the mean of all."
        yield Note("spend_is_the_mean", text, "caution")
    elif spending.basis == "gamma_gamma_by_frequency":
        more = "more" if (spending.correlation or 0) > 0 else "less"
        text = (
            f"Those who buy often spend {more} per purchase (correlation {spending.correlation:.2f}), which the Gamma-Gamma "
            "model does not allow for; it was fitted to spend relative to the mean of customers who bought as often."
        )
        yield Note("spend_by_frequency", text, "caution")
    elif spending.correlation is not None:
        text = (
            "Spend per purchase is from the Gamma-Gamma model, which takes it as independent of how often customers buy; "
            f"their correlation here is {spending.correlation:.2f}, so that holds well enough."
        )
        yield Note("spend_model", text)
    if spending.fit is not None and spending.basis != "mean":
        for found in spending.fit.diagnosis:
            yield Note(f"spend_{found.code}", f"Spend per purchase: {found.text}", "caution")
