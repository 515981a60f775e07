"""Gamma-Gamma: what a customer spends per purchase, from the mean of few or many purchases."""

from __future__ import annotations

from typing import ClassVar, Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import digamma, gammaln, polygamma

from crm_analytics.clv.fit import FAR, Diagnosis, Fit
from crm_analytics.clv.newton import Optimum
from crm_analytics.clv.rows import BLOCK, Floats
from crm_analytics.errors import ColumnError, NotEnoughDataError

_SUBSAMPLE: Final = 20_000


class GammaGamma(Fit):
    """Gamma-Gamma model of spend per purchase (Fader and Hardie 2013, note 025).

    A customer's purchases are gamma(p, rate nu) around their own mean, and nu is gamma(q, rate v) over customers. It
    assumes that how often a customer buys says nothing of how much; look at that before trusting it.
    """

    names: ClassVar[tuple[str, ...]] = ("p", "q", "v")

    @classmethod
    def fit(cls, summary: pl.DataFrame | pl.LazyFrame, *, penalty: float = 0.0) -> Self:
        """Estimate the parameters from the customers who bought again.

        Parameters
        ----------
        summary
            `frequency` and `monetary_value` (mean spend per repeat purchase), optionally `weight`. Customers without
            a repeat purchase, or whose repeat purchases net to nothing, do not enter.
        penalty
            Strength of a ridge on ln(p), ln(q), ln(v / median spend), in pseudo-observations.

        Returns
        -------
        GammaGamma
            Frozen. `mean_spend` is None where q <= 1: the population then has no finite mean.

        Raises
        ------
        NotEnoughDataError
            If fewer than 3 customers bought again.
        """
        x, z, w = _buyers(summary)
        scale = float(np.median(z))
        data = _Spend.of(x, z / scale, w)
        starts = [(6.0, 4.0, 0.5)]
        n = float(w.sum())
        if len(x) > 2 * _SUBSAMPLE:
            pick = (np.arange(_SUBSAMPLE) * (len(x) / _SUBSAMPLE)).astype(np.intp)
            few = _Spend.of(x[pick], z[pick] / scale, w[pick] * (n / w[pick].sum()))
            first = cls._climb(lambda t: few.log_likelihood(*t), starts, n, penalty)
            starts = [tuple(cls._params(first.theta))]
        best = cls._climb(lambda t: data.log_likelihood(*t), starts, n, penalty)
        if not best.converged or (np.abs(best.theta) > FAR).any():
            more = [(1.0, 1.0, 1.0), (20.0, 2.0, 0.05)]
            best = max(
                (best, cls._climb(lambda t: data.log_likelihood(*t), more, n, penalty)), key=lambda o: o.value
            )
        value = best.value + 0.5 * penalty * float(best.theta @ best.theta)
        return cls._from_optimum(
            best,
            units=(1.0, 1.0, scale),
            n=n,
            log_likelihood=value - n * float(np.log(scale)),
            diagnosis=_diagnose(best),
            penalty=penalty,
        )

    @property
    def mean_spend(self) -> float | None:
        """Population mean spend per purchase p v / (q - 1); None where q <= 1 and there is no finite mean."""
        p, q, v = self.values()
        return p * v / (q - 1) if q > 1 else None


class _Spend:
    """Distinct purchase counts with what of them enters the likelihood once, and the spends."""

    def __init__(self, x: Floats, z: Floats, w: Floats) -> None:
        self.values, self.codes = np.unique(x, return_inverse=True)
        self.z, self.w, self.xz = z, w, x * z
        self.count = np.bincount(self.codes, w)
        self.log_z = np.bincount(self.codes, w * np.log(z))

    @classmethod
    def of(cls, x: Floats, z: Floats, w: Floats) -> Self:
        return cls(x, z, w)

    def log_likelihood(self, p: float, q: float, v: float) -> tuple[float, Floats, NDArray[np.float64]]:
        """Give the log-likelihood, gradient and Hessian in (p, q, v)."""
        x, c = self.values, self.count
        m = len(x)
        logs, inverse, squares = np.zeros(m), np.zeros(m), np.zeros(m)
        for i in range(0, len(self.z), BLOCK):
            part = slice(i, i + BLOCK)
            y = self.xz[part] + v
            inv, w, k = 1.0 / y, self.w[part], self.codes[part]
            logs += np.bincount(k, w * np.log(y), m)
            inverse += np.bincount(k, w * inv, m)
            squares += np.bincount(k, w * inv * inv, m)
        size, n = p * x + q, c.sum()
        value = (
            c @ (gammaln(size) - gammaln(p * x) + p * x * np.log(x))
            + n * (q * np.log(v) - gammaln(q))
            + (p * x - 1) @ self.log_z
            - size @ logs
        )
        gradient = np.array(
            [
                c @ (x * (digamma(size) - digamma(p * x) + np.log(x))) + x @ (self.log_z - logs),
                c @ digamma(size) + n * (np.log(v) - digamma(q)) - logs.sum(),
                n * q / v - size @ inverse,
            ]
        )
        tri = polygamma(1, size)
        pq, pv, qv = c @ (x * tri), -x @ inverse, n / v - inverse.sum()
        hessian = np.array(
            [
                [c @ (x * x * (tri - polygamma(1, p * x))), pq, pv],
                [pq, c @ tri - n * polygamma(1, q), qv],
                [pv, qv, size @ squares - n * q / v**2],
            ]
        )
        return float(value), gradient, hessian


def _buyers(summary: pl.DataFrame | pl.LazyFrame) -> tuple[Floats, Floats, Floats]:
    frame = summary.lazy()
    found = frame.collect_schema().names()
    for name in ("frequency", "monetary_value"):
        if name not in found:
            raise ColumnError.missing(name, "summary", found)
    weight = pl.col("weight") if "weight" in found else pl.lit(1.0)
    kept = (
        frame.select(
            x=pl.col("frequency").cast(pl.Float64), z=pl.col("monetary_value").cast(pl.Float64), w=weight
        )
        .filter((pl.col("x") > 0) & (pl.col("z") > 0) & pl.col("z").is_finite() & (pl.col("w") > 0))
        .collect()
    )
    if kept.height < 3:  # noqa: PLR2004 three parameters
        raise NotEnoughDataError.of("customers with a repeat purchase of positive spend", kept.height, 3)
    return kept["x"].to_numpy(), kept["z"].to_numpy(), kept["w"].cast(pl.Float64).to_numpy()


def _diagnose(best: Optimum) -> tuple[Diagnosis, ...]:
    log_p, log_q, log_v = best.theta
    found = []
    if log_p > FAR:
        found.append(
            Diagnosis("no_spread_in_purchases", "Each customer always spends the same: p runs to infinity.")
        )
    if log_q > FAR or log_v > FAR:
        found.append(
            Diagnosis("no_spread_in_spend", "The customers do not differ in what they spend beyond chance.")
        )
    elif log_q <= 0:
        found.append(
            Diagnosis(
                "no_finite_mean",
                "q is at or below 1: spend is so uneven that the population has no finite mean; look for outliers.",
            )
        )
    if not best.converged:
        found.append(
            Diagnosis("not_converged", "The search did not reach a maximum; do not use these figures.")
        )
    return tuple(found)
