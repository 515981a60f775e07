"""Gamma-Gamma: what a customer spends per purchase, from the mean of few or many purchases."""

from __future__ import annotations

import warnings
from hashlib import sha256
from typing import ClassVar, Final, Self

import numpy as np
import polars as pl
from scipy.special import digamma, gammaln, zeta

from crm_analytics.clv.likelihoods.newton import Optimum
from crm_analytics.clv.likelihoods.rising import log_rise
from crm_analytics.clv.likelihoods.rows import BLOCK, Floats, dot, sums_of
from crm_analytics.clv.models.fit import FAR, Z95, Diagnosis, Fit
from crm_analytics.clv.models.totals import looks_like_totals
from crm_analytics.errors import ColumnError, NotEnoughDataError, StatisticalWarning

_SUBSAMPLE: Final = 20_000
_MOST: Final = 1_000_000
_WIDEST: Final = 600.0  # e^600 is still a number
_EXPECTED: Final = ("expected_spend", "expected_spend_lower", "expected_spend_upper")


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
            Frozen. `mean_spend` is None where q <= 1: the population then has no finite mean. `diagnosis` says what the
            data do not identify, and whether the column looks like totals.

        Warns
        -----
        StatisticalWarning
            If the column looks like totals: it rises in proportion to the number of purchases.

        Raises
        ------
        NotEnoughDataError
            If fewer than 3 customers bought again.
        """
        x, z, w = _buyers(summary)
        totals = looks_like_totals(x, z, w)
        if totals is not None:
            warnings.warn(totals.text, StatisticalWarning, stacklevel=2)
        scale = _median(z, w)
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
            diagnosis=(*((totals,) if totals else ()), *_diagnose(best)),
            penalty=penalty,
            fingerprint=data.fingerprint(scale),
        )

    @property
    def mean_spend(self) -> float | None:
        """Population mean spend per purchase p v / (q - 1); None where q <= 1 and there is no finite mean."""
        p, q, v = self.values()
        return p * v / (q - 1) if q > 1 else None

    def expected_spend(
        self, summary: pl.DataFrame | pl.LazyFrame, *, intervals: bool = False
    ) -> pl.DataFrame:
        """Say what each customer is expected to spend per purchase: p (v + x z) / (p x + q - 1).

        Parameters
        ----------
        summary
            `frequency` and `monetary_value`; `customer_id` is kept where there is one. Who has no repeat purchase
            gets the population mean.
        intervals
            Add the 95 % interval of the expectation (delta method on the log scale).

        Returns
        -------
        polars.DataFrame
            customer_id, expected_spend and, on request, expected_spend_lower, expected_spend_upper; null where there
            is no finite mean (q <= 1 and no repeat purchase).

        Examples
        --------
        >>> summary = pl.DataFrame({"frequency": [1, 2, 4, 1, 3], "monetary_value": [9.0, 21.0, 40.0, 35.0, 12.0]})
        >>> GammaGamma.fit(summary, penalty=1.0).expected_spend(summary).columns
        ['expected_spend']
        """
        x, z = _spends(summary)
        found = np.empty((3 if intervals else 1, len(x)))
        for i in range(0, len(x), BLOCK):
            part = slice(i, i + BLOCK)
            self._of_block(x[part], z[part], found[:, part])
        columns = pl.DataFrame(dict(zip(_EXPECTED, found, strict=False)))
        if self.params["q"] <= 1:
            columns = columns.fill_nan(None)
        ids = summary.lazy().select(pl.col("^customer_id$")).collect()
        return ids.hstack(columns) if ids.width else columns

    def _of_block(self, x: Floats, z: Floats, found: Floats) -> None:
        """Work out the mean spend of some customers and, where there is room for it, its interval."""
        p, q, v = self.values()
        unknown = ~((x > 0) & (z > 0) & (z < np.inf))  # nothing spent counts as no repeat purchase
        if unknown.any():
            x, z = np.where(unknown, 0.0, x), np.where(unknown, 0.0, z)
        bought, rate = p * x, v + x * z
        room = bought + (q - 1.0)
        if q <= 1:
            room = np.where(room > 0, room, np.nan)
        np.divide(p * rate, room, out=found[0])
        if len(found) > 1:
            slopes = np.stack([1 - bought / room, -q / room, v / rate], axis=1)
            variance = np.einsum("ij,jk,ik->i", slopes, np.array(self.covariance), slopes)
            spread = np.exp(np.minimum(Z95 * np.sqrt(np.maximum(variance, 0.0)), _WIDEST))
            np.divide(found[0], spread, out=found[1])
            np.multiply(found[0], spread, out=found[2])


class _Spend:
    """Distinct purchase counts with what of them enters the likelihood once, and the spends.

    Per row a logarithm and a division are left: y = x z + v enters through sums of ln(y / (x z)), 1 / y and 1 / y^2,
    plain and times x. The ratio keeps p x ln(x z) from cancelling where p is large.
    """

    def __init__(self, x: Floats, z: Floats, w: Floats) -> None:
        self.alike = float(w[0]) if (w == w[0]).all() else None
        self.values, self.count = _tally(x, w, self.alike)
        self.per_xz = x * z
        np.divide(1.0, self.per_xz, out=self.per_xz)
        self.weights = x[None] if self.alike is not None else np.stack([w, w * x])
        logs = np.log(z)
        self.log_z = dot(w, logs) if self.alike is None else self.alike * float(logs.sum())
        self.log_xz = self.log_z + float(self.count @ np.log(self.values))

    @classmethod
    def of(cls, x: Floats, z: Floats, w: Floats) -> Self:
        return cls(x, z, w)

    def fingerprint(self, scale: float) -> str:
        """Digest of the data, whatever the order of the rows."""
        totals = (*self.count, *self._weighted(self.per_xz), self.log_z, self.log_xz, scale)
        return sha256(";".join(f"{float(t):.9e}" for t in totals).encode()).hexdigest()[:16]

    def _sums(self, v: float) -> tuple[Floats, Floats, Floats]:
        """Sum ln(y / (x z)), 1 / y and 1 / y^2 over the customers, plain and times x."""
        logs, inverse, squares = np.zeros(2), np.zeros(2), np.zeros(2)
        for i in range(0, len(self.per_xz), BLOCK):
            part = self.per_xz[i : i + BLOCK]
            u = v * part
            inv = part / (1.0 + u)
            logs += self._weighted(np.log1p(u), i)
            inverse += self._weighted(inv, i)
            squares += self._weighted(inv * inv, i)
        return logs, inverse, squares

    def _weighted(self, values: Floats, start: int = 0) -> Floats:
        """Sum values of rows from `start` on over the customers, plain and times x."""
        if len(values) > BLOCK:
            parts = range(0, len(values), BLOCK)
            return sum((self._weighted(values[i : i + BLOCK], start + i) for i in parts), np.zeros(2))
        w = self.weights[:, start : start + len(values)]
        if self.alike is None:
            return sums_of(w, values)
        return self.alike * np.array([values.sum(), w[0] @ values])

    def log_likelihood(self, p: float, q: float, v: float) -> tuple[float, Floats, Floats]:
        """Give the log-likelihood, gradient and Hessian in (p, q, v)."""
        x, c = self.values, self.count
        logs, inverse, squares = self._sums(v)
        size, n = p * x + q, c.sum()
        value = (
            c @ log_rise(p * x, q)
            + n * (q * np.log(v) - gammaln(q))
            - q * self.log_xz
            - self.log_z
            - (q * logs[0] + p * logs[1])
        )
        gradient = np.array(
            [
                c @ (x * (digamma(size) - digamma(p * x))) - logs[1],
                c @ digamma(size) + n * (np.log(v) - digamma(q)) - self.log_xz - logs[0],
                n * q / v - (q * inverse[0] + p * inverse[1]),
            ]
        )
        tri = zeta(2.0, size)
        pq, pv, qv = c @ (x * tri), -inverse[1], n / v - inverse[0]
        hessian = np.array(
            [
                [c @ (x * x * (tri - zeta(2.0, p * x))), pq, pv],
                [pq, c @ tri - n * zeta(2.0, q), qv],
                [pv, qv, q * squares[0] + p * squares[1] - n * q / v**2],
            ]
        )
        return float(value), gradient, hessian


def _tally(x: Floats, w: Floats, alike: float | None) -> tuple[Floats, Floats]:
    """Give the distinct numbers of purchases and how many customers have each; `alike` is the weight all have."""
    whole = x.astype(np.intp) if x.max() < _MOST else None
    if whole is not None and (whole == x).all():
        counted = np.bincount(whole, w) if alike is None else np.bincount(whole) * alike
        count = np.asarray(counted, np.float64)
        found = np.flatnonzero(count)
        return found.astype(float), count[found]
    values, codes = np.unique(x, return_inverse=True)
    return values, np.asarray(np.bincount(codes, w), np.float64)


def _median(z: Floats, w: Floats) -> float:
    """Give the smallest spend that half of the customers do not exceed."""
    if (w == w[0]).all():
        middle = (len(z) - 1) // 2
        return float(np.partition(z, middle)[middle])
    order = np.argsort(z)
    total = np.cumsum(w[order])
    return float(z[order][np.searchsorted(total, total[-1] / 2)])


def _spends(summary: pl.DataFrame | pl.LazyFrame) -> tuple[Floats, Floats]:
    """Give purchases and mean spend per row."""
    frame = summary.lazy()
    found = frame.collect_schema().names()
    for name in ("frequency", "monetary_value"):
        if name not in found:
            raise ColumnError.missing(name, "summary", found)
    names = ["frequency", "monetary_value"]
    got = summary if isinstance(summary, pl.DataFrame) else frame.select(names).collect()
    x, z = (np.asarray(got[name].to_numpy(), np.float64) for name in names)
    return x, z


def _buyers(summary: pl.DataFrame | pl.LazyFrame) -> tuple[Floats, Floats, Floats]:
    found = summary.columns if isinstance(summary, pl.DataFrame) else summary.collect_schema().names()
    for name in ("frequency", "monetary_value"):
        if name not in found:
            raise ColumnError.missing(name, "summary", found)
    wanted = [name for name in ("frequency", "monetary_value", "weight") if name in found]
    rows = summary.lazy().select(wanted).collect() if isinstance(summary, pl.LazyFrame) else summary
    x, z, *given = (np.asarray(rows[name].to_numpy(), np.float64) for name in wanted)
    known = (x > 0) & (z > 0) & (z < np.inf)
    kept = np.flatnonzero(known & (given[0] > 0) if given else known)
    if len(kept) < 3:  # noqa: PLR2004 three parameters
        raise NotEnoughDataError.of("customers with a repeat purchase of positive spend", len(kept), 3)
    w = given[0].take(kept) if given else np.broadcast_to(1.0, kept.shape)  # takes no room
    return x.take(kept), z.take(kept), w


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
